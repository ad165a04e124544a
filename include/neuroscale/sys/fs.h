/* Files and directories. All functions are thread-safe; errors name the path. */
#ifndef NEUROSCALE_SYS_FS_H
#define NEUROSCALE_SYS_FS_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "neuroscale/base/buf.h"
#include "neuroscale/base/err.h"

bool ns_read_file(const char *path, size_t max, ns_buf *out, ns_err *err);  /* regular files; over max: NS_E_TOOBIG */
/* Writes to a temporary in the same directory, fsyncs, renames, fsyncs the directory. */
bool ns_write_file_atomic(const char *path, const void *data, size_t n, mode_t mode, ns_err *err);
bool ns_mkdirs(const char *path, mode_t mode, ns_err *err);                 /* like mkdir -p; an existing directory is fine */
bool ns_exists(const char *path);
bool ns_dir_is_empty(const char *path);                                     /* true also when it does not exist */
/* Opens (creates 0600) and takes an exclusive flock. On success returns the descriptor (CLOEXEC) that holds it; the file then says
 * "PID\n". When held by another: -1, NS_E_LOCKED, text names the pid written there. */
int ns_lock_file(const char *path, ns_err *err);
bool ns_lock_is_free(const char *path);                                     /* true when nobody holds it, or it does not exist */
char *ns_path_join(const char *a, const char *b);                           /* caller frees */
char *ns_path_dirname(const char *path);                                    /* caller frees */
/* $env when absolute, else $HOME/home_rel; caller frees. NULL when neither is usable. XDG base directory rules. */
char *ns_xdg_dir(const char *env, const char *home_rel);
/* Calls fn for every regular file in dir whose name ends in suffix, sorted by name, hidden files left out.
 * When fn returns false that ends it and is returned (fn fills err itself, if it failed). */
bool ns_dir_each(const char *dir, const char *suffix, bool (*fn)(void *ctx, const char *path, const char *name), void *ctx, ns_err *err);
bool ns_rm_tree(const char *path, ns_err *err);                             /* for state directories of demos and tests */
#endif
