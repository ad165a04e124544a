/* Alertmanager's webhook, version 4: from its bytes to alerts, and from an alert's labels to what in the cluster it is about. What it says
 * is a stranger's word (law 3): it is shown, it may lower trust, and a name out of it is only ever looked up among the objects that the
 * watch knows. ns_am_decode, ns_am_subject_of and the pulse are pure; ns_am_tell is thread-safe. */
#ifndef NEUROSCALE_AGENTS_ALERTMANAGER_H
#define NEUROSCALE_AGENTS_ALERTMANAGER_H
#include "neuroscale/agents/detector.h"

enum {
	NS_AM_MAX_BODY = 1 << 20, /* bytes of one notification */
	NS_AM_MAX_ALERTS = 1000,  /* in one notification */
	NS_AM_MAX_LABELS = 128,   /* of one alert; annotations too */
	NS_AM_MAX_LABEL = 4096,   /* bytes of a label's name or value; annotations are cut instead */
	NS_AM_MAX_TEXT = 400      /* bytes of a message that is kept */
};

typedef struct ns_am_label {
	const char *name, *value;
} ns_am_label;

/* What an alert is about, as its labels name it. Each is a valid name or "". */
typedef struct ns_am_subject {
	const char *ns, *pod, *container, *deployment, *statefulset, *daemonset, *replicaset, *job, *cronjob, *hpa, *pvc, *node;
	const char *app; /* an application label: the last resort, good only where exactly one workload bears the name */
} ns_am_subject;

typedef enum ns_am_use {
	NS_AM_INCIDENT,
	NS_AM_HEARTBEAT, /* always firing (Watchdog): its absence is the news */
	NS_AM_IGNORED    /* exists only to steer Alertmanager (InfoInhibitor) */
} ns_am_use;

typedef struct ns_am_alert {
	const char *name;        /* "KubePodCrashLooping" */
	const char *message;     /* one line, sanitised and redacted */
	const char *fingerprint; /* 1..64 letters and digits; made from the labels when it is not sent */
	const char *cluster;     /* value of the label that names the cluster, "" none */
	bool resolved;
	ns_am_use use;
	ns_severity severity;
	int64_t starts_ms, ends_ms; /* wall, not in the future; ends 0 while it fires */
	int64_t expires_ms;         /* wall: over by then unless it is sent again */
	ns_am_subject about;
} ns_am_alert;

typedef struct ns_am_message {
	const char *receiver;
	ns_am_alert *alerts;
	size_t n_alerts;
	int64_t truncated; /* alerts that Alertmanager left out (max_alerts of the receiver) */
} ns_am_message;

typedef struct ns_am_opts {
	const char *cluster_label; /* "cluster" */
	int64_t now_ms;            /* wall */
	int64_t expire_ms;         /* how long an alert counts that is not sent again; more than repeat_interval */
} ns_am_opts;

/* Fields that are not known are tolerated. Else NS_E_INVALID names the field and the alert; NS_E_TOOBIG the limit and the way out. */
bool ns_am_decode(ns_arena *ar, const char *body, size_t n, const ns_am_opts *o, ns_am_message *out, ns_err *err);

/* What an alert of that name with those labels is about: labels of the subject, never those of the component that exports the metric. */
void ns_am_subject_of(ns_arena *ar, const char *alertname, const ns_am_label *labels, size_t n, ns_am_subject *out);
ns_severity ns_am_severity(const char *word); /* critical, page … ; what is not known or absent warns */
ns_am_use ns_am_use_of(const char *alertname);

/* Hands the alert to the detector of its cluster; names that only hint at a workload count where the watch knows exactly one.
 * False: the detector takes no more now, err says why. */
bool ns_am_tell(ns_detector *d, const ns_am_alert *a, ns_err *err);

/* ---- what fires, kept over a restart ---- */
typedef struct ns_am_keep ns_am_keep;
/* Never NULL: what cannot be read is left out, and err says so. */
ns_am_keep *ns_am_keep_open(const char *path, int64_t now_ms, ns_err *err);
void ns_am_keep_free(ns_am_keep *k);
void ns_am_keep_put(ns_am_keep *k, const ns_am_alert *a); /* fires, fires again, or is over; copies */
/* The next at or after *i that was read at the start and is not settled yet, NULL none. Valid until the next put or save. */
const ns_am_alert *ns_am_keep_pending(const ns_am_keep *k, size_t *i);
void ns_am_keep_settle(ns_am_keep *k, size_t i);
bool ns_am_keep_save(ns_am_keep *k, int64_t now_ms, ns_err *err); /* writes what changed, without what expired */

/* ---- the pulse: heartbeats that were ever seen ---- */
typedef struct ns_am_pulse ns_am_pulse;
ns_am_pulse *ns_am_pulse_new(int64_t expire_ms);
void ns_am_pulse_free(ns_am_pulse *p);
/* A heartbeat came (or was resolved, which is silence at once). */
void ns_am_pulse_beat(ns_am_pulse *p, const ns_am_alert *a, int64_t mono_ms);
/* The next piece of news: true with an alert that says that a heartbeat stays away (again while it does), or that it is back (resolved).
 * Call until false. *due_mono_ms: when to look again, -1 never. The alert lives in ar. */
bool ns_am_pulse_news(ns_am_pulse *p, ns_arena *ar, int64_t wall_ms, int64_t mono_ms, ns_am_alert *out, int64_t *due_mono_ms);
#endif
