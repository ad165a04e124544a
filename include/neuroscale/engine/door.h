/* The door: the only way in for commands and out for pictures. Two adapters, one contract: in the engine's process, and over the control
 * socket from another one. Console, CLI (later Slack, MCP, web) use this and nothing else of the engine. */
#ifndef NEUROSCALE_ENGINE_DOOR_H
#define NEUROSCALE_ENGINE_DOOR_H
#include "neuroscale/engine/snapshot.h"

/* What else is known of whoever asks. For the record alone: nothing is decided by it. */
typedef struct ns_caller {
	char ssh[80];              /* "203.0.113.9 50222": address and port of the other end of its SSH connection, "" none */
	bool ssh_claimed;          /* it says so itself: read from its environment */
	bool ssh_unread;           /* its environment could not be read */
	char id[96];               /* of a client that has a name of its own: a Slack user, an MCP client; "" none */
	long pid;                  /* 0 unknown */
} ns_caller;

typedef struct ns_decide_req {
	int64_t approval;
	bool approve;              /* false: reject */
	const char *digest;        /* approve: must equal the approval's; reject: NULL or equal */
	const char *reason;        /* "" none */
	const char *surface;       /* "console" | "cli" */
	const char *person;        /* whom a surface inside the engine's process has identified itself: "slack:U024BE7LH", "uid:1000" whoever logged in;
	                            * NULL: the peer's uid is who it is. The control socket never takes it from a client. */
	const ns_caller *caller;   /* NULL: nothing is known. Never from a client either */
} ns_decide_req;

/* Takes back what an incident changed. digest: of the armed undo, as it was seen (ns_snapshot.undos). */
typedef struct ns_undo_req {
	int64_t incident;
	const char *digest;        /* 64 hex */
	const char *reason;        /* "" none */
	const char *surface;       /* "console" | "cli" */
	const char *person;        /* as in ns_decide_req */
	const ns_caller *caller;
} ns_undo_req;

typedef struct ns_door {
	/* The current picture with one reference for the caller. NULL + err only for a lost engine (NS_E_UNREACHABLE). */
	ns_snapshot *(*snapshot)(void *ctx, ns_err *err);
	/* Readable when a newer picture may be there, or the engine is gone. -1: none. wake_clear after waking. */
	int (*wake_fd)(void *ctx);
	void (*wake_clear)(void *ctx);
	/* NS_E_CONFLICT (decided by another, digest differs), NS_E_EXPIRED, NS_E_NOTFOUND, NS_E_DENIED (role). said (cap bytes): what happened, for people. */
	bool (*decide)(void *ctx, const ns_decide_req *req, char *said, size_t cap, ns_err *err);
	/* NS_E_CONFLICT (taken by another, digest differs, not from its state), NS_E_EXPIRED, NS_E_NOTFOUND, NS_E_BUSY (not armed yet), NS_E_DENIED. */
	bool (*undo)(void *ctx, const ns_undo_req *req, char *said, size_t cap, ns_err *err);
	ns_detail *(*detail)(void *ctx, int64_t incident, ns_err *err);
	ns_role (*role)(void *ctx); /* what this caller may do, as the engine sees it (kernel uid) */
	void (*close)(void *ctx);
	void *ctx;
} ns_door;

/* Connects to STATE_DIR/control.sock. NS_E_UNREACHABLE: no engine runs there (says how to start one). */
bool ns_door_connect(const char *state_dir, ns_door *out, ns_err *err);
#endif
