/* Jobs: ready -> claimed -> done, or back to ready, or dropped. Exactly one worker gets a job: the claim is one UPDATE. */
#include "store_priv.h"

#define OPEN "('ready', 'claimed')"

static const column job_cols[] = {{COL_INT, offsetof(ns_job, id), NULL}, {COL_INT, offsetof(ns_job, incident), NULL},
    {COL_INT, offsetof(ns_job, run_after_ms), NULL}, {COL_INT, offsetof(ns_job, attempts), NULL}, {COL_TEXT, offsetof(ns_job, kind), NULL}};
static const shape job_shape = SHAPE(ns_job, job_cols, "due job");

bool ns_store_job_put(ns_store *s, int64_t incident, const char *kind, int64_t run_after_ms, ns_err *err)
{
	int64_t changed;
	if (!store_write(s, &changed, err,
	        "INSERT INTO jobs (incident, kind, run_after_ms, put_ms, changed_ms) VALUES (?1, ?2, ?3, ?4, ?4)"
	        " ON CONFLICT (incident, kind) WHERE state IN " OPEN " DO NOTHING",
	        BINDS(INT(incident), TEXT(kind), INT(run_after_ms), INT(store_now(s)))))
		return ns_err_wrap(err, "incident %lld, job %s", (long long)incident, kind);
	return changed || ns_fail(err, NS_E_CONFLICT, "incident %lld has an open %s job already", (long long)incident, kind);
}

#define OF_CLUSTER(ARG) " AND (" ARG " = '' OR (SELECT cluster FROM incidents WHERE incidents.id = jobs.incident) = " ARG ")"

bool ns_store_job_claim(ns_store *s, ns_arena *ar, const char *cluster, ns_job *out, ns_err *err)
{
	if (!ns_store_begin(s, err))
		return false;
	int64_t now = store_now(s);
	bool ok = store_row(s, ar, &job_shape, out, err,
	    "UPDATE jobs SET state = 'claimed', changed_ms = ?1 WHERE id ="
	    " (SELECT id FROM jobs WHERE state = 'ready' AND run_after_ms <= ?1" OF_CLUSTER("?2") " ORDER BY run_after_ms, id LIMIT 1)"
	    " RETURNING id, incident, run_after_ms, attempts, kind",
	    BINDS(INT(now), TEXT(cluster ? cluster : "")));
	if (ok)
		return ns_store_commit(s, err);
	ns_store_rollback(s);
	return false;
}

/* Its claim is a worker's ticket: when the job was dropped meanwhile, the step that would end it must not be recorded. */
static bool end_claim(ns_store *s, int64_t job, int64_t changed, ns_err *err)
{
	return changed || ns_fail(err, NS_E_CONFLICT, "job %lld is not claimed any more", (long long)job);
}

bool ns_store_job_done(ns_store *s, int64_t job, ns_err *err)
{
	int64_t changed;
	return store_write(s, &changed, err, "UPDATE jobs SET state = 'done', changed_ms = ?2 WHERE id = ?1 AND state = 'claimed'",
	           BINDS(INT(job), INT(store_now(s)))) &&
	       end_claim(s, job, changed, err);
}

bool ns_store_job_retry(ns_store *s, int64_t job, int64_t run_after_ms, ns_err *err)
{
	int64_t changed;
	return store_write(s, &changed, err,
	           "UPDATE jobs SET state = 'ready', run_after_ms = ?2, attempts = attempts + 1, changed_ms = ?3"
	           " WHERE id = ?1 AND state = 'claimed'",
	           BINDS(INT(job), INT(run_after_ms), INT(store_now(s)))) &&
	       end_claim(s, job, changed, err);
}

bool ns_store_jobs_drop(ns_store *s, int64_t incident, ns_err *err)
{
	return store_write(s, NULL, err, "UPDATE jobs SET state = 'dropped', changed_ms = ?2 WHERE incident = ?1 AND state IN " OPEN,
	    BINDS(INT(incident), INT(store_now(s))));
}

bool ns_store_jobs_unclaim(ns_store *s, ns_err *err)
{
	if (!ns_store_begin(s, err))
		return false;
	if (store_write(s, NULL, err, "UPDATE jobs SET state = 'ready', attempts = attempts + 1, changed_ms = ?1 WHERE state = 'claimed'", BINDS(INT(store_now(s)))))
		return ns_store_commit(s, err);
	ns_store_rollback(s);
	return false;
}

bool ns_store_waits_cap(ns_store *s, int64_t job_latest_ms, int64_t hold_latest_ms, ns_err *err)
{
	return store_write(s, NULL, err, "UPDATE jobs SET run_after_ms = ?1, changed_ms = ?2 WHERE state = 'ready' AND run_after_ms > ?1",
	           BINDS(INT(job_latest_ms), INT(store_now(s)))) &&
	       store_write(s, NULL, err, "UPDATE incidents SET cooldown_until_ms = ?1 WHERE closed_ms = 0 AND cooldown_until_ms > ?1",
	           BINDS(INT(hold_latest_ms)));
}

typedef struct due {
	int64_t run_after_ms;
} due;
static const column due_cols[] = {{COL_INT, offsetof(due, run_after_ms), NULL}};
static const shape due_shape = SHAPE(due, due_cols, "ready job");

int64_t ns_store_next_due(ns_store *s, const char *cluster)
{
	due d;
	return store_row(s, NULL, &due_shape, &d, NULL,
	           "SELECT run_after_ms FROM jobs WHERE state = 'ready'" OF_CLUSTER("?1") " ORDER BY run_after_ms, id LIMIT 1",
	           BINDS(TEXT(cluster ? cluster : "")))
	           ? d.run_after_ms
	           : -1;
}
