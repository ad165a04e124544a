/* The control socket: STATE_DIR/control.sock, 0600 (0660 with a group of approvers), newline-delimited JSON, one request one answer, plus a
 * subscription that sends a line whenever the picture changes. The peer's uid comes from the kernel (SO_PEERCRED) and decides its role.
 *   {"cmd":"snapshot"}                                   -> {"ok":true,"snapshot":{…}}
 *   {"cmd":"detail","id":7}                              -> {"ok":true,"detail":{…}}
 *   {"cmd":"decide","approval":3,"approve":true,"digest":"…","reason":"","surface":"cli"} -> {"ok":true,"said":"…"}
 *   {"cmd":"undo","incident":7,"digest":"…","reason":"","surface":"cli"} -> {"ok":true,"said":"…"}
 *   {"cmd":"role"}                                       -> {"ok":true,"role":"admin"}
 *   {"cmd":"subscribe"}                                  -> {"ok":true}, then {"changed":SEQ} lines, coalesced
 *   any failure                                          -> {"ok":false,"code":"conflict","error":"…"}
 * Requests are at most 64 KiB, clients at most 32; a slow reader is dropped, never waited for. */
#ifndef NEUROSCALE_ENGINE_CONTROL_H
#define NEUROSCALE_ENGINE_CONTROL_H
#include <sys/types.h>
#include "neuroscale/base/cancel.h"
#include "neuroscale/engine/door.h"

/* What the server needs of the engine: a door that acts for a given peer. */
typedef struct ns_control_backend {
	ns_snapshot *(*snapshot)(void *ctx);
	ns_detail *(*detail)(void *ctx, int64_t incident, ns_err *err);
	bool (*decide)(void *ctx, uid_t uid, ns_role role, const ns_decide_req *req, char *said, size_t cap, ns_err *err);
	bool (*undo)(void *ctx, uid_t uid, ns_role role, const ns_undo_req *req, char *said, size_t cap, ns_err *err);
	void *ctx;
} ns_control_backend;
typedef struct ns_control ns_control;
ns_control *ns_control_new(const char *state_dir, const ns_control_backend *b, ns_err *err); /* binds; a stale socket is replaced (the engine holds the lock) */
void ns_control_run(void *control, ns_cancel *cancel);   /* service */
void ns_control_changed(ns_control *c);                  /* the picture changed: thread-safe, never blocks */
void ns_control_free(ns_control *c);                     /* unlinks the socket */
/* [before it runs] Lets the members of a Unix group in: they may decide. The socket gets the group and 0660, the state directory the group and the
 * right to pass (0710), nothing else in it changes. NS_E_NOTFOUND: no such group; NS_E_DENIED: we may not give our files to it. */
bool ns_control_admit(ns_control *c, const char *group, ns_err *err);
/* uid -> role: the engine's own uid is admin, members of the group approvers (NULL or "": there is none) may decide, root may look, everybody else
 * nothing. Membership is what the system's user database says now. */
ns_role ns_role_of_uid(uid_t uid, const char *approvers);
/* Who logged in to become that process, "uid:1000" (sudo and su do not change it); false: the kernel does not know. The pid is of a peer that is
 * connected: its session has one login uid. */
enum { NS_LOGIN = 24 };
bool ns_login_of(pid_t pid, char out[NS_LOGIN]);
/* What else is known of that process: the SSH connection that its environment names. pid 0: of this one. Its environment is read only when it
 * belongs to that uid and the kernel lets us. */
void ns_caller_of(pid_t pid, uid_t uid, ns_caller *out);
bool ns_group_id(const char *name, gid_t *gid); /* false: no such group */
/* "uid 1000 (kim)": for the audit. */
void ns_uid_words(uid_t uid, char *out, size_t cap);
#endif
