/* Errors: one caller-owned struct, filled where the failure happens and wrapped with context on the way up.
 * Rooms under the engine return errors and never log. Thread: a struct belongs to its caller's thread. */
#ifndef NEUROSCALE_BASE_ERR_H
#define NEUROSCALE_BASE_ERR_H
#include <stdbool.h>

typedef enum ns_code {
	NS_OK = 0,
	NS_E_FAILED,      /* anything without a better name */
	NS_E_USAGE,       /* wrong option, command or argument */
	NS_E_NOTFOUND,    /* the named thing does not exist */
	NS_E_DENIED,      /* not allowed: permissions, read-only, gate */
	NS_E_CONFLICT,    /* somebody was faster: decided already, digest changed, object changed */
	NS_E_EXPIRED,     /* too late: approval expired, resourceVersion compacted (410) */
	NS_E_UNREACHABLE, /* nothing answers: API server, control socket */
	NS_E_INVALID,     /* malformed input: kubeconfig, JSON, YAML, runbook */
	NS_E_TIMEOUT,     /* a deadline passed */
	NS_E_CANCELLED,   /* we were asked to stop */
	NS_E_IO,          /* read, write, open; errno is set */
	NS_E_NOSPACE,     /* disk full */
	NS_E_TOOBIG,      /* a cap was exceeded */
	NS_E_VERSION,     /* made by a newer version */
	NS_E_LOCKED,      /* another engine holds the state directory */
	NS_E_BUSY,        /* try again later (429, 503, SQLITE_BUSY) */
	NS_E_UNSUPPORTED, /* recognised, not done */
	NS_CODE_COUNT
} ns_code;

typedef struct ns_err {
	ns_code code;
	int sys_errno;    /* errno at the time, 0 when it has no part in it */
	const char *file; /* static */
	int line;
	char text[512];   /* UTF-8, one line, always terminated */
} ns_err;

/* Fill *err (may be NULL) and return false, so that `return ns_fail(err, NS_E_INVALID, "…", …);` is the idiom. */
#define ns_fail(err, code, ...) ns_err_set((err), (code), 0, __FILE__, __LINE__, __VA_ARGS__)
/* The same with errno's value recorded and its words appended ("…: No such file or directory").
 * ENOSPC and EDQUOT turn NS_E_IO into NS_E_NOSPACE, EACCES and EPERM into NS_E_DENIED. */
#define ns_fail_errno(err, code, ...) ns_err_set((err), (code), errno, __FILE__, __LINE__, __VA_ARGS__)
bool ns_err_set(ns_err *err, ns_code code, int sys_errno, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Puts "context: " in front of err->text; keeps the code. Returns false. */
bool ns_err_wrap(ns_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ns_err_clear(ns_err *err);

/* One table maps a code to everything the outside sees of it. */
typedef struct ns_code_info {
	ns_code code;
	const char *name;  /* "unreachable" */
	int exit_status;   /* documented in neuroscale-tui(1), EXIT STATUS */
	int http_status;
	int jsonrpc;       /* JSON-RPC 2.0 error code */
	const char *words; /* for people: "cannot be reached" */
} ns_code_info;
const ns_code_info *ns_code_lookup(ns_code code); /* never NULL */
#endif
