/* Inside the engine. Threads: "engine" (intake, timers, publication), the workers, the detector, the verifier, the lease and the control
 * socket; each row of the service table in engine.c. What they share is below, each with the lock that guards it. */
#ifndef NEUROSCALE_ENGINE_PRIV_H
#define NEUROSCALE_ENGINE_PRIV_H
#include <pthread.h>
#include <stdatomic.h>
#include "neuroscale/agents/analyzer.h"
#include "neuroscale/agents/detector.h"
#include "neuroscale/agents/escalation.h"
#include "neuroscale/agents/executor.h"
#include "neuroscale/agents/verifier.h"
#include "neuroscale/agents/webhook.h"
#include "neuroscale/base/queue.h"
#include "neuroscale/base/thread.h"
#include "neuroscale/engine/control.h"
#include "neuroscale/engine/engine.h"
#include "neuroscale/engine/gate.h"
#include "neuroscale/kube/lease.h"
#include "neuroscale/runbook/index.h"
#include "neuroscale/store/store.h"
#include "neuroscale/sys/digest.h"

/* What the gate and the digest were made by: part of every digest, so that a change of rules voids what is open. */
#define NS_POLICY_VERSION "2"

enum { NS_MAX_MESSAGES = 200, NS_MAX_SUBSCRIBERS = 40, NS_MAX_ATTEMPTS = 3, NS_LONGEST_RETRY_MS = 30000, NS_HEADLINES = 1024 };

typedef enum ns_agent { NS_AG_DETECTOR, NS_AG_ANALYZER, NS_AG_PLANNER, NS_AG_EXECUTOR, NS_AG_ESCALATION, NS_AG_VERIFIER, NS_AG_COUNT } ns_agent;

/* What the detector said last about an identity: kept while it lasts, so that an incident whose cool-down ended opens again. */
typedef struct ns_active {
	char *identity;
	ns_arena *arena;
	ns_alert *alert;
	struct ns_active *next;
} ns_active;

/* A cluster and what works on it. Its keeper's thread makes the three tools, once; the others see them only when `made` says so. */
typedef struct ns_cluster {
	ns_engine *e;
	ns_cluster_opts o;            /* strings point into the engine's arena */
	ns_kubeconfig *own_cfg;       /* o.cfg, when we read it ourselves */
	ns_executor *executor;
	ns_lease *lease;
	ns_detector *detector;
	_Atomic bool made;
	ns_wake *made_wake;           /* for the Lease's thread */
	char keeper[16], renewer[16]; /* names of its threads */
	ns_kube_stats stats;
	_Atomic int busy;             /* workers that it holds now */
	_Atomic int64_t cost_read_ms; /* when the last cost report came, 0 never */
	char why[256];                /* under say_mu: why it could not be made */
	int64_t down_since;           /* wall; before `made` */
	bool storm_before, frozen_before; /* engine thread only */
	enum { NS_LINK_UNSAID, NS_LINK_UP, NS_LINK_DOWN } link_said; /* engine thread only */
	struct { int64_t requests, at; double per_s; } rate;         /* the thread that paints only */
} ns_cluster;

/* A worker's own tools: a handle belongs to one thread. */
typedef struct ns_worker {
	ns_engine *e;
	ns_cluster *cluster;          /* of the job in hand */
	ns_kube_client *client;       /* its own, of that cluster */
	ns_kube_client **clients;     /* by cluster; made when first needed, made anew after a failure */
	size_t turn;                  /* the cluster to look at first */
	const ns_cancel *cancel;
	ns_wake *wake;
	bool job_done;                /* the step's own transaction ended the job */
	char name[16];
} ns_worker;

typedef struct ns_intake ns_intake;
struct ns_engine {
	ns_engine_opts o;             /* strings point into `arena` */
	ns_arena *arena;
	int lock_fd;
	ns_store *store;
	cJSON *who;                   /* us, as the audit names us */
	int64_t anchor_at;            /* engine thread only: mono of the next periodic anchor, 0 not known yet */
	ns_library *library;
	struct {
		ns_analysts *analysts; /* never NULL once open: without a model the offline analyst alone */
		ns_index *index;       /* NULL without a model */
		_Atomic int trouble;   /* ns_llm_trouble of the last analysis: what else the service fails at says nothing of the analyst */
		_Atomic int64_t trouble_at; /* by the engine's clock, mono */
		pthread_mutex_t mu;
		/* Under mu: claims and what came of them, as after the last verdict; what is said of models that claim too much, a line each. */
		ns_arena *record_arena;
		const ns_outcome *record;
		size_t n_record;
		ns_buf capped;
	} model;
	char *kubectl;
	ns_cluster *clusters;         /* as many as were configured; they never move */
	size_t n_clusters;
	ns_control *control;
	ns_webhook *webhook;          /* NULL: off */
	char webhook_said[240];       /* its thread only: what was last wrong with where an alert belongs */
	ns_services *services;
	ns_cancel *cancel;            /* for what is not a service of its own: executor children */
	ns_worker *workers;
	int n_workers, most_per_cluster;

	ns_queue *intake;             /* ns_intake items from the detector's thread to the engine's */
	ns_active *active;            /* engine thread only */
	ns_intake *deferred;          /* engine thread only: could not be recorded, or came after what could not; in order */
	int64_t nag_at, undo_look_at; /* engine thread only: mono of the next word about overdue exceptions, and of the next look at undos that wait */
	int64_t orphans_at;           /* engine thread only: mono of the next look at incidents that nobody alerts any more */
	struct { int64_t cpu_ms, at; double percent; } cpu;          /* the thread that paints only */
	struct { int64_t at; double requests, cpu; } usage;          /* as the last picture says; the same thread */

	ns_wake *wake;                /* of the engine's thread */
	_Atomic bool dirty;           /* the picture is stale */
	_Atomic int64_t clock_offset; /* wall minus monotonic time as last seen, 0 never */
	_Atomic int64_t clock_insane_until;
	_Atomic bool clock_stepped_back; /* the engine's thread has something to do about it */

	/* What pictures show of recorded plans, by incident; the thread that paints only. */
	struct ns_headline { int64_t id, version; char *text; ns_action action; bool has_plan; } headlines[NS_HEADLINES];

	/* The published picture and who waits for a newer one. */
	pthread_mutex_t pub_mu;
	ns_snapshot *picture;
	int64_t seq;
	ns_wake *subscribers[NS_MAX_SUBSCRIBERS];

	/* What happened lately, for the console's message list, and what each agent does. */
	pthread_mutex_t say_mu;
	struct { int64_t at_ms; int level; char text[240]; } said[NS_MAX_MESSAGES];
	size_t n_said, said_next;
	char store_why[200]; /* under say_mu: why the store takes nothing, "" it does */
	struct { char doing[96]; int64_t done, failed; int busy; } agents[NS_AG_COUNT];

	/* The verifier's windows, by incident. */
	pthread_mutex_t verify_mu;
	struct ns_watching { int64_t incident, serial; ns_verify_state v; char *lock_path; bool used; } *verifying; /* lock_path: wait until it is free */
	size_t n_verifying;           /* grows as needed; a place is used again */
	int64_t verify_serial;        /* tells two windows of one incident apart */
	ns_wake *verify_wake;
};

/* From the detector's thread to the engine's. */
struct ns_intake {
	enum { NS_IN_ALERT, NS_IN_RECOVERED, NS_IN_LINK } type;
	ns_cluster *cluster;
	ns_arena *arena;
	ns_alert *alert;
	char *identity;
	int64_t at_ms;
	struct ns_intake *next;       /* while deferred */
};

/* ---- step.c: one step of an incident is one transaction ---- */
typedef struct ns_step {
	ns_engine *e;
	ns_arena *ar;
	ns_incident inc;
	ns_err err;
	const cJSON *who;          /* in whose hands it is, for the audit; NULL: ours */
	bool open;
	ns_worker *worker;         /* with job: the commit ends it */
	const ns_job *job;
	/* Said after the commit, never before. */
	struct { ns_state from, to; bool moved; char note[200], actor[64]; char head[NS_HEX256]; int64_t seq; bool anchored; struct { const char *name; char value[72]; } more[2]; } done[4];
	size_t n_done;
} ns_step;
bool ns_step_begin(ns_step *s, ns_engine *e, ns_arena *ar, int64_t incident);
bool ns_step_begin_job(ns_step *s, ns_worker *w, ns_arena *ar, const ns_job *job); /* the commit also ends the job */
/* The transition with its audit row. */
bool ns_step_move(ns_step *s, ns_state to, ns_verdict verdict, const char *actor, const char *note);
/* An audit row without a transition. detail is consumed (may be NULL); its members before and after (ns_step_change) become the row's own.
 * anchor: its head is anchored (law 13). */
bool ns_step_audit(ns_step *s, const char *actor, const char *action, cJSON *detail, bool anchor);
bool ns_step_fact(ns_step *s, const char *name, cJSON *doc); /* consumes doc */
bool ns_step_job(ns_step *s, const char *kind, int64_t delay_ms);
/* Frees the identity's hold after the cool-down at the latest. */
bool ns_step_hold(ns_step *s);
bool ns_step_commit(ns_step *s);     /* then logs, anchors, wakes; false: rolled back, err says why */
void ns_step_abandon(ns_step *s);
bool ns_step_failed(ns_step *s, ns_err *err); /* abandons it and hands its error on; false */

/* ---- cluster.c: what is asked of a cluster, whether it is up, down or not configured any more (NULL) ---- */
void ns_cluster_init(ns_cluster *c, ns_engine *e, const ns_cluster_opts *o);
bool ns_cluster_make(ns_cluster *c, ns_err *err);      /* once; reads files, asks nobody */
void ns_cluster_run(void *cluster, ns_cancel *cancel); /* service: its keeper and detector */
void ns_cluster_renew(void *cluster, ns_cancel *cancel); /* service: its Lease */
void ns_cluster_end(ns_cluster *c);
ns_cluster *ns_cluster_find(ns_engine *e, const char *name); /* NULL: not configured */
bool ns_cluster_made(const ns_cluster *c);
void ns_cluster_link(ns_cluster *c, ns_link *out);
void ns_cluster_health(ns_engine *e, const ns_workload *w, ns_kind kind, ns_health *out);
bool ns_cluster_holds_lease(ns_cluster *c, int64_t *transitions);
/* In words in why (cap bytes, may be NULL); *changes_ms (may be NULL): wall time at which that changes by itself, -1 never. */
bool ns_cluster_frozen(const ns_cluster *c, int64_t wall_ms, char *why, size_t cap, int64_t *changes_ms);
/* "NAME: " where there are several clusters, "" where there is one; out: 80 bytes. */
const char *ns_cluster_prefix(const ns_engine *e, const char *name, char out[80]);
/* The cluster of a breaker's scope. */
ns_cluster *ns_cluster_of_scope(ns_engine *e, const char *scope);

/* ---- jobs.c ---- */
void ns_worker_run(void *worker, ns_cancel *cancel); /* service */
void ns_engine_work(ns_engine *e);                   /* a job may be due: wake the workers */

/* The steps, one per job kind: return false with err when the job should be tried again. */
bool ns_step_analyze(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err);
bool ns_step_plan(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err);
bool ns_step_replan(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err); /* on fresh evidence */
bool ns_step_dryrun(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err);
bool ns_step_summary(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err); /* card.c: nothing waits for it */
bool ns_step_execute(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err);
bool ns_step_arm(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err);     /* steps_undo.c */
bool ns_step_undo(ns_worker *w, ns_arena *ar, const ns_job *job, ns_err *err);    /* steps_undo.c */
/* Ends an incident in manual_review from any state that may, with words. */
bool ns_give_up(ns_engine *e, ns_arena *ar, int64_t incident, const char *actor, const char *why, ns_err *err);

/* ---- facts.c: reading the recorded facts back ---- */
typedef struct ns_dossier {
	ns_alert *alert;
	ns_case *cs;
	ns_rca *rca;
	ns_plan *plan;
	ns_dryrun *dryrun;
	ns_card *card;
	ns_plan_history history;   /* plans whose change was sent */
	const bool *history_unknown; /* for each: nobody knows whether it was made */
	const char *cluster_identity; /* as it was at analysis, "" unknown */
	size_t n_plans;            /* made so far */
} ns_dossier;
enum {
	NS_D_ALERT = 1, NS_D_CASE = 2, NS_D_RCA = 4, NS_D_PLAN = 8, NS_D_DRYRUN = 16, NS_D_CARD = 32,
	NS_D_HISTORY = 64,         /* history, n_plans, cluster_identity */
	NS_D_ALL = 127
};
/* Reads the parts there are; absent facts stay NULL. */
bool ns_dossier_read(ns_engine *e, ns_arena *ar, int64_t incident, unsigned parts, ns_dossier *d, ns_err *err);
/* Gate facts as of now (law 4). Inside a transaction it sees that transaction. */
void ns_gate_collect(ns_engine *e, ns_arena *ar, const ns_incident *inc, const ns_dossier *d, ns_gate_facts *f);
/* sending: judged again before it is sent, with a person's yes or without; else before anybody is asked. */
cJSON *ns_gate_to_json(const ns_gate_facts *f, const ns_gate_verdict *v, bool sending, bool approved);
/* ---- earned.c ---- */
/* What the plan's runbook, as it stands, has earned in the workload's namespace. False (and nothing earned): autonomy is off there, or it cannot be known. */
bool ns_earned_look(ns_engine *e, ns_arena *ar, const ns_workload *w, const ns_plan *p, ns_autonomy_record *out);
/* Into the recorded judgement: "eligible", "would" and "record", where autonomy is not off. */
void ns_earned_put(ns_engine *e, ns_arena *ar, const ns_workload *w, const ns_plan *p, const ns_gate_facts *f, cJSON *gate);
bool ns_earned_mark(ns_step *s, const ns_plan *p, const ns_gate_facts *f); /* [in a step] an audit row when it was earned or lost since */
const char *ns_earned_line(ns_engine *e, ns_arena *ar, int64_t incident); /* for the detail; "" nothing is on record */
const char *ns_earned_card(ns_engine *e, ns_arena *ar, int64_t incident); /* the same while a person is asked: reads one fact */
void ns_breaker_scope_target(const ns_workload *w, char *out, size_t cap);
/* Breakers of the cluster and the target, together (they live and fall in the same transaction). [in a step] */
bool ns_breakers_take(ns_step *s);
bool ns_breakers_result(ns_step *s, bool fixed);
bool ns_breakers_release(ns_step *s); /* the incident's trial, when it has one */
void ns_breakers_rebase(ns_engine *e); /* own transaction: the wall clock stepped back */

/* ---- alerts.c: alerts of other systems ---- */
bool ns_alerts_open(ns_engine *e, ns_err *err); /* makes e->webhook when it is asked for */
/* The detector of the cluster that an alert names; "" counts when there is but one. NULL: NS_E_NOTFOUND no such, NS_E_BUSY not up yet. */
ns_detector *ns_cluster_detector(ns_engine *e, const char *named, ns_err *err);

/* ---- intake.c, timers.c, verify.c ---- */
extern const ns_detector_sink ns_engine_sink;        /* ctx: ns_cluster */
void ns_engine_run(void *engine, ns_cancel *cancel); /* service: intake, timers, publication */
void ns_intake_handle(ns_engine *e, ns_intake *in); /* takes it */
int64_t ns_intake_again(ns_engine *e);               /* what could not be recorded; mono of the next try, -1 none */
int64_t ns_orphans_recover(ns_engine *e, ns_arena *ar, const ns_incident *list, size_t n); /* see intake.c; next look (mono), -1 none */
void ns_intake_free(void *in);
void ns_active_free(ns_engine *e);
void ns_active_reopen(ns_engine *e);                 /* identities that are free again and still alerted; storm over */
/* Wall and monotonic time of one instant. */
void ns_clock_now(ns_engine *e, int64_t *wall, int64_t *mono);
void ns_clock_stepped_back(ns_engine *e);            /* what waits for a wall time that may be long in coming waits no longer than it would from now */
/* Compares the two with what they were; false while the clock is not trusted. Any thread. */
bool ns_clock_watch(ns_engine *e);
int64_t ns_timers_run(ns_engine *e);                 /* expiry, cool-downs; returns the next deadline (mono), -1 none */
void ns_verifier_run(void *engine, ns_cancel *cancel); /* service */
/* lock_path (may be NULL): a child of a dead engine may still run there; nothing is judged until it is free (law 8). */
void ns_verify_watch(ns_engine *e, int64_t incident, int64_t started_ms, int64_t generation, const char *lock_path);
/* The generation that the workload must have observed once the plan is in effect. x: what came back, NULL when nobody knows. */
int64_t ns_verify_generation(const ns_plan *p, const ns_dryrun *d, const ns_execution *x);
bool ns_verify_progress(ns_engine *e, int64_t incident, int64_t *good_ms, int64_t *need_ms);

/* ---- model.c: the model service, when there is one (e->o.llm) ---- */
void ns_model_open(ns_engine *e);                    /* after store and library */
void ns_model_close(ns_engine *e);
/* One analysis by whoever there is, its trouble told. NULL with err: we are stopping. Blocks. */
ns_analysis *ns_model_analyze(ns_worker *w, ns_arena *ar, const ns_case *c, int64_t incident, ns_err *err);
bool ns_model_ready(ns_engine *e);                   /* the last analysis went well: the service is worth a wait */
/* What the service took for one question, for the record. */
typedef struct ns_model_use {
	bool asked;                                  /* else nothing of this counts */
	ns_llm_role role;
	const char *model, *prompt, *request, *why;  /* why: nothing came of it */
	ns_llm_usage usage;
	int64_t elapsed_ms;
} ns_model_use;
/* [in a step] Facts "analysis" and "usage", and what was spent. Without a model: nothing. */
bool ns_model_record(ns_step *s, const ns_analysis *x);
bool ns_model_spent(ns_step *s, const ns_model_use *u); /* [in a step] a fact "usage", when somebody was asked */
bool ns_model_keep_budget(ns_engine *e, ns_err *err); /* [in a transaction] */
const char *ns_model_note(ns_arena *ar, const ns_analysis *x); /* the incident's note: the cause, and what is to be said of who found it */
void ns_model_learned(ns_engine *e);                 /* after a verdict: says which models' claims are capped from now on */
void ns_model_show(ns_engine *e, ns_snapshot *s);
void ns_model_detail(ns_engine *e, ns_detail *d, int64_t incident);
const char *ns_model_analyst(ns_engine *e, ns_arena *ar, int64_t incident); /* for the card: "qwen-plus; confidence capped at …", "offline analyst: …", "" */

/* ---- retrieve.c ---- */
void ns_index_open(ns_engine *e);
void ns_index_run(void *engine, ns_cancel *cancel);  /* service, with a model only */
/* What a model's index finds for this analysis; NULL: the library's own vectors are to be asked. Blocks as long as one call may take. */
const ns_retrieval *ns_index_find(ns_worker *w, ns_arena *ar, const ns_case *c, const ns_rca *r, int64_t incident, ns_model_use *use);

/* ---- undo.c: the undo capsules (store/capsule.h) ---- */
bool ns_undo_make(ns_step *s, const ns_dossier *d, int64_t intent); /* [in a step] with the change's intent; no valid inverse: none is made */
/* [in a step] The change's outcome: perhaps made, so that its undo is armed, or certainly not. */
bool ns_undo_settled(ns_step *s, int64_t intent, bool perhaps_made, const char *why);
/* [in a step] The engine takes the incident's capsule, if there is one and it has not done so before; *taken: the incident is undoing. */
bool ns_undo_alone(ns_step *s, const char *actor, const char *why, bool *taken);
/* [in a step] Nothing more is known to try: what did not help is taken back first, then a person has it. */
bool ns_undo_or_hand_over(ns_step *s, const char *actor, const char *why);
bool ns_engine_undo(ns_engine *e, uid_t uid, ns_role role, const ns_undo_req *req, char *said, size_t cap, ns_err *err); /* a person */
int64_t ns_undo_timers(ns_engine *e, ns_arena *ar); /* ends of time, overdue exceptions; next deadline (mono), -1 none */
/* A change of that workload was taken back not long ago: its evidence is another one now, so that a plan like it may come out again. A person decides. */
void ns_undo_doubt(ns_engine *e, ns_arena *ar, ns_plan *p);
/* regress.c: did the change do harm? In words. What is new and may have other causes is told in *around. */
bool ns_regression(ns_engine *e, ns_arena *ar, const ns_incident *inc, const ns_verify_state *v, char *why, size_t cap, const char **around);
/* publish_undo.c: what can be taken back, and what a person must know of what cannot. room: free places in s->approvals. */
void ns_undo_show(ns_engine *e, ns_snapshot *s, size_t room);
void ns_undo_detail(ns_engine *e, ns_detail *d, int64_t incident);

/* ---- draft.c: of a runbook, when none had fitted an incident that is over ---- */
void ns_draft_after(ns_engine *e, ns_arena *ar, const ns_incident *inc, const char *how);

/* ---- people.c ---- */
typedef struct ns_person {
	char who[96];              /* the same for one person whatever they do it with: "uid:1000", "slack:U024BE7LH" */
	char by[224];              /* in words, for the record: "uid 1001 (ann), logged in as uid 1000 (kim)" */
	uid_t uid;                 /* under which it was asked for */
	uid_t login;               /* who logged in, as far as is known; else the same */
	bool elsewhere;            /* a person of another system, not of this host */
} ns_person;
/* person: as in ns_decide_req. */
void ns_person_make(uid_t uid, const char *person, ns_person *out);
bool ns_person_counts(const ns_engine *e, const ns_person *p, ns_err *err); /* where two must agree */
void ns_people_check(ns_engine *e);                  /* says what of the configuration would not work */

/* ---- anchor.c: the audit's head outside of the database (law 13) ---- */
/* The one door: whatever else may keep an anchor is told here. Any thread; nothing is held while it runs. */
void ns_anchor_put(ns_engine *e, int64_t seq, const char *head, const char *why);
void ns_anchor_now(ns_engine *e, const char *why);   /* the newest row, if there is one */
int64_t ns_anchor_timer(ns_engine *e);               /* when it is time; mono of the next, -1 none. The engine's thread */

/* ---- witness.c: who and what, as the audit has it ---- */
/* caller NULL: we ourselves. Looks names up: never inside a transaction. The caller frees it. */
cJSON *ns_witness(uid_t uid, const char *person, const char *surface, const ns_caller *caller);
/* Puts what a change does into an audit row's detail: its digest, and by path the fields before and after it. made: they became so, or would; else
 * after is left out. Returns detail. */
cJSON *ns_step_change(cJSON *detail, const char *digest, const char *diff, bool made);

/* ---- decide.c ---- */
/* The store took nothing (a full disk): it is said on the screen until it takes something again, err == NULL. Other errors say nothing. */
void ns_engine_store_says(ns_engine *e, const ns_err *err);
/* A command for people, with the context it is meant for: another shell may stand elsewhere. */
const char *ns_with_context(const ns_cluster *c, ns_arena *ar, const char *text);
bool ns_engine_decide(ns_engine *e, uid_t uid, ns_role role, const ns_decide_req *req, char *said, size_t cap, ns_err *err);

/* ---- recover.c: what a dead engine left ---- */
bool ns_engine_recover(ns_engine *e, ns_err *err);
/* A change that was started and has no outcome becomes UNKNOWN, and its incident goes to verification; its jobs are dropped. */
bool ns_settle_intent(ns_engine *e, ns_arena *ar, const ns_intent *in, const char *why, ns_err *err);

/* ---- publish.c ---- */
void ns_engine_dirty(ns_engine *e);                  /* the picture is stale: wake the engine thread */
bool ns_engine_publish(ns_engine *e, ns_err *err);
bool ns_usage_moved(ns_engine *e); /* what the last picture says of our own cost is not true any more; looks every few seconds. The thread that paints */
ns_detail *ns_engine_detail(ns_engine *e, int64_t incident, ns_err *err);
void ns_fill_row(ns_engine *e, const ns_incident *inc, const ns_dossier *d, ns_inc_row *r);
const char *ns_shown_command(const ns_cluster *c, ns_arena *ar, const ns_dossier *d); /* d->plan is there */
void ns_engine_say(ns_engine *e, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ns_agent_begin(ns_engine *e, ns_agent a, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ns_agent_end(ns_engine *e, ns_agent a, bool ok);
void ns_agent_count(ns_engine *e, ns_agent a); /* one more done, for what is no job */

/* A test may define this to die or stall at a named point; the program does not, and then it is NULL. */
extern void ns_engine_test_point(const char *name, int64_t incident) __attribute__((weak));
#define NS_POINT(name, incident)                                                                                                           \
	do {                                                                                                                               \
		if (ns_engine_test_point)                                                                                                  \
			ns_engine_test_point((name), (incident));                                                                          \
	} while (0)
#endif
