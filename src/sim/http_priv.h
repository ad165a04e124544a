/* One request and its answer, as the API handlers see them; only http.c and watch.c know libmicrohttpd. */
#ifndef NEUROSCALE_SIM_HTTP_PRIV_H
#define NEUROSCALE_SIM_HTTP_PRIV_H
#include "sim_priv.h"

enum { SIM_MAX_BODY = 3 * 1024 * 1024 };

typedef struct sim_req {
	void *conn; /* struct MHD_Connection */
	const char *method;
	char *path; /* decoded, as MHD gives it */
	ns_buf body;
	bool too_big;
} sim_req;

typedef struct sim_resp {
	int code;          /* 200 unless set */
	const char *ctype; /* "application/json" unless set */
	ns_buf body;
	char *warning;    /* text of a Warning header, or NULL; owned */
	int retry_after;  /* seconds, 0 none */
	sim_watch *watch; /* set: the answer is this stream */
} sim_resp;

const char *req_arg(const sim_req *q, const char *name);    /* query parameter, decoded; NULL when absent */
bool req_arg_true(const sim_req *q, const char *name);      /* "1", "true" */
const char *req_header(const sim_req *q, const char *name); /* "" when absent */

/* http.c. Not under the lock: these join libmicrohttpd's thread, which takes it. */
bool http_open(ns_sim *s, const char *listen, ns_err *err); /* binds; nothing answers yet */
bool http_up(ns_sim *s, ns_err *err);
void http_down(ns_sim *s); /* closes every connection; new ones are refused */
void http_close(ns_sim *s);

/* api.c: everything below is called with the lock held. */
void api_handle(ns_sim *s, const sim_req *q, sim_resp *r);
void list_handle(ns_sim *s, const sim_req *q, const sim_kind *k, const char *ns, sim_resp *r);
void snaps_free(ns_sim *s);
void log_handle(ns_sim *s, const sim_req *q, const sim_obj *pod, sim_resp *r);
void review_handle(ns_sim *s, const sim_req *q, const char *what, sim_resp *r);
cJSON *review_from_protobuf(const char *kind, const char *body, size_t n); /* NULL when it is none */
bool discovery_handle(ns_sim *s, const sim_req *q, sim_resp *r);           /* false: not a discovery path */
void openapi_handle(const sim_req *q, sim_resp *r);
void opencost_handle(ns_sim *s, const sim_req *q, sim_resp *r);
bool api_allowed(const ns_sim *s, const sim_kind *k, const sim_sub *sub, unsigned verb);
extern const char *const sim_user;

void resp_json(sim_resp *r, int code, const cJSON *j);
void resp_text(sim_resp *r, int code, const char *text);

/* ---- Status errors (status.c) ---- */
/* k and name may be NULL: no details then. */
void status_error(sim_resp *r, int code, const char *reason, const sim_kind *k, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
void status_not_found(sim_resp *r, const sim_kind *k, const char *name);
void status_forbidden(sim_resp *r, const char *verb, const sim_kind *k, const char *sub, const char *ns, const char *name);
void status_conflict(sim_resp *r, const sim_kind *k, const char *name, const char *why); /* why NULL: "the object has been modified…" */
cJSON *status_expired(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What is wrong with an object, collected field by field: 422 Invalid. */
typedef struct sim_causes {
	cJSON *list; /* NULL while nothing is wrong */
} sim_causes;
void cause_add(sim_causes *c, const char *reason, const char *field, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
bool causes_answer(sim_causes *c, sim_resp *r, const sim_kind *k, const char *name); /* true when there were any; frees */

/* ---- selectors (select.c) ---- */
typedef struct sim_select sim_select;
/* NULL with an answer in r when one does not parse. */
sim_select *select_new(const sim_kind *k, const char *labels, const char *fields, sim_resp *r);
void select_free(sim_select *x);
bool select_all(const sim_select *x);
bool select_match(const sim_select *x, const cJSON *obj);

/* ---- tables (table.c) ---- */
bool table_wanted(const sim_req *q);
cJSON *table_new(const sim_kind *k, bool columns, int64_t rv);
void table_add(const ns_sim *s, cJSON *table, const sim_kind *k, const cJSON *obj, const char *include_object);

/* ---- patches (patch.c): return the patched copy, or NULL with an answer in r ---- */
typedef enum sim_patch_type { PATCH_NONE, PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC } sim_patch_type;
sim_patch_type patch_type(const char *content_type);
cJSON *patch_apply(sim_patch_type type, const cJSON *target, const char *body, size_t n, sim_resp *r);

/* ---- admission (admit.c): checks and completes `now` before it is stored; false with an answer in r ---- */
bool admit(ns_sim *s, const sim_kind *k, const cJSON *was, cJSON *now, const sim_req *q, sim_resp *r);
#endif
