/* The schema as a table of migrations: a store of a user_version below `to` runs the row. Rows are appended, never edited once released.
 *
 * What must never happen is said here a second time, so that no code path can do it: two holders of an identity, two open jobs of a
 * kind, two pending approvals of an incident, one yes where two are needed, two open intents on a target, an effect twice under one approval, a decision changed,
 * an intent finished twice, a change undone twice, a fact or audit row changed. Times are wall milliseconds; 0 means "not yet". Vocabularies of model/ are
 * stored by name and checked when read. */
#include "store_priv.h"
#include <inttypes.h>
#include <stdio.h>

enum { APPLICATION_ID = 0x4e534150 }; /* "NSAP" */

static const struct {
	int64_t to;
	const char *sql;
} migrations[] = {
    {1, "CREATE TABLE incidents ("
        " id INTEGER PRIMARY KEY, identity TEXT NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 1,"
        " kind TEXT NOT NULL, severity TEXT NOT NULL,"
        " cluster TEXT NOT NULL, ns TEXT NOT NULL, owner_kind TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL,"
        " container TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL, members INTEGER NOT NULL,"
        " opened_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, closed_ms INTEGER NOT NULL DEFAULT 0,"
        " detected_ms INTEGER NOT NULL, analyzed_ms INTEGER NOT NULL DEFAULT 0, planned_ms INTEGER NOT NULL DEFAULT 0,"
        " decided_ms INTEGER NOT NULL DEFAULT 0, executed_ms INTEGER NOT NULL DEFAULT 0, verified_ms INTEGER NOT NULL DEFAULT 0,"
        " cooldown_until_ms INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,"
        " verdict TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '', last_rejected_case TEXT NOT NULL DEFAULT ''"
        ") STRICT;"
        "CREATE UNIQUE INDEX incidents_held ON incidents(identity) WHERE closed_ms = 0;"},
    {1, "CREATE TABLE facts ("
        " seq INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incidents(id), name TEXT NOT NULL,"
        " at_ms INTEGER NOT NULL, json TEXT NOT NULL"
        ") STRICT;"
        "CREATE INDEX facts_named ON facts(incident, name, seq);"
        "CREATE TRIGGER facts_no_update BEFORE UPDATE ON facts BEGIN SELECT RAISE(ABORT, 'facts are never changed'); END;"
        "CREATE TRIGGER facts_no_delete BEFORE DELETE ON facts BEGIN SELECT RAISE(ABORT, 'facts are never deleted'); END;"},
    {1, "CREATE TABLE jobs ("
        " id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incidents(id), kind TEXT NOT NULL,"
        " state TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'claimed', 'done', 'dropped')),"
        " run_after_ms INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, put_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL"
        ") STRICT;"
        "CREATE UNIQUE INDEX jobs_open ON jobs(incident, kind) WHERE state IN ('ready', 'claimed');"
        "CREATE INDEX jobs_due ON jobs(run_after_ms, id) WHERE state = 'ready';"},
    {1, "CREATE TABLE approvals ("
        " id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incidents(id), digest TEXT NOT NULL, token TEXT NOT NULL UNIQUE,"
        " state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'rejected', 'expired', 'withdrawn', 'voided')),"
        " created_ms INTEGER NOT NULL, deadline_wall_ms INTEGER NOT NULL, deadline_mono_ms INTEGER NOT NULL, boot_id TEXT NOT NULL,"
        " decided_by TEXT NOT NULL DEFAULT '', surface TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',"
        " decided_ms INTEGER NOT NULL DEFAULT 0"
        ") STRICT;"
        "CREATE UNIQUE INDEX approvals_pending ON approvals(incident) WHERE state = 'pending';"
        "CREATE INDEX approvals_of ON approvals(incident, id);"
        "CREATE TRIGGER approvals_once BEFORE UPDATE ON approvals WHEN OLD.state <> 'pending'"
        " BEGIN SELECT RAISE(ABORT, 'decided already'); END;"
        "CREATE TRIGGER approvals_no_delete BEFORE DELETE ON approvals BEGIN SELECT RAISE(ABORT, 'approvals are never deleted'); END;"},
    {1, "CREATE TABLE intents ("
        " id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incidents(id), approval INTEGER REFERENCES approvals(id),"
        " digest TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, cluster TEXT NOT NULL, argv_json TEXT NOT NULL,"
        " body TEXT NOT NULL, lock_path TEXT NOT NULL, lease_transitions INTEGER NOT NULL,"
        " started_ms INTEGER NOT NULL, finished_ms INTEGER NOT NULL DEFAULT 0,"
        " outcome TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'sent', 'refused', 'failed', 'unknown')),"
        " detail TEXT NOT NULL DEFAULT '', undo INTEGER NOT NULL CHECK (undo IN (0, 1)),"
        " CHECK ((outcome = '') = (finished_ms = 0))"
        ") STRICT;"
        "CREATE UNIQUE INDEX intents_open ON intents(cluster, target) WHERE finished_ms = 0;"
        "CREATE UNIQUE INDEX intents_one_effect ON intents(approval)"
        " WHERE approval IS NOT NULL AND undo = 0 AND outcome IN ('', 'sent', 'unknown');"
        "CREATE INDEX intents_of ON intents(incident, id);"
        "CREATE INDEX intents_since ON intents(started_ms);"
        "CREATE TRIGGER intents_once BEFORE UPDATE ON intents WHEN OLD.finished_ms <> 0"
        " BEGIN SELECT RAISE(ABORT, 'has its outcome already'); END;"
        "CREATE TRIGGER intents_no_delete BEFORE DELETE ON intents BEGIN SELECT RAISE(ABORT, 'intents are never deleted'); END;"},
    {1, "CREATE TABLE breakers ("
        " scope TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('closed', 'open', 'half_open')), failures INTEGER NOT NULL,"
        " opened_ms INTEGER NOT NULL, trial_incident INTEGER NOT NULL"
        ") STRICT, WITHOUT ROWID;"},
    {1, "CREATE TABLE audit ("
        " seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, incident INTEGER NOT NULL,"
        " detail TEXT, hash TEXT NOT NULL"
        ") STRICT;"
        "CREATE INDEX audit_of ON audit(incident, seq);"
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;"
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;"},
    {1, "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"},
    {2, "CREATE TABLE vectors ("
        " hash TEXT NOT NULL, model TEXT NOT NULL, dim INTEGER NOT NULL, vector BLOB NOT NULL, made_ms INTEGER NOT NULL,"
        " PRIMARY KEY (hash, model, dim), CHECK (length(vector) = 4 * dim)"
        ") STRICT;"
        "CREATE INDEX incidents_of_workload ON incidents(cluster, ns, owner_kind, name);"},
    {3, "CREATE TABLE capsules ("
        " id INTEGER PRIMARY KEY REFERENCES intents(id), incident INTEGER NOT NULL REFERENCES incidents(id),"
        " plan INTEGER NOT NULL REFERENCES facts(seq), cluster TEXT NOT NULL, target TEXT NOT NULL, action TEXT NOT NULL,"
        " state TEXT NOT NULL DEFAULT 'valid' CHECK (state IN ('valid', 'armed', 'taken', 'undone', 'expired', 'failed', 'void')),"
        " summary TEXT NOT NULL, digest TEXT NOT NULL DEFAULT '', command TEXT NOT NULL DEFAULT '', diff TEXT NOT NULL DEFAULT '',"
        " taken_by TEXT NOT NULL DEFAULT '', why TEXT NOT NULL DEFAULT '', waits TEXT NOT NULL DEFAULT '',"
        " undo_intent INTEGER UNIQUE REFERENCES intents(id),"
        " made_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, taken_ms INTEGER NOT NULL DEFAULT 0, changed_ms INTEGER NOT NULL"
        ") STRICT;"
        "CREATE INDEX capsules_of ON capsules(incident, id);"
        "CREATE INDEX capsules_open ON capsules(state) WHERE state IN ('valid', 'armed', 'taken', 'failed');"
        "CREATE INDEX incidents_opened ON incidents(cluster, opened_ms);"
        "CREATE TRIGGER capsules_final BEFORE UPDATE ON capsules WHEN OLD.state IN ('undone', 'expired', 'failed', 'void')"
        " BEGIN SELECT RAISE(ABORT, 'has ended already'); END;"
        "CREATE TRIGGER capsules_once BEFORE UPDATE ON capsules WHEN OLD.undo_intent IS NOT NULL AND NEW.undo_intent IS NOT OLD.undo_intent"
        " AND (SELECT outcome FROM intents WHERE id = OLD.undo_intent) NOT IN ('refused', 'failed')"
        " BEGIN SELECT RAISE(ABORT, 'was sent already'); END;"
        "CREATE TRIGGER capsules_no_delete BEFORE DELETE ON capsules BEGIN SELECT RAISE(ABORT, 'capsules are never deleted'); END;"},
    {4, "ALTER TABLE approvals ADD COLUMN needed INTEGER NOT NULL DEFAULT 1 CHECK (needed IN (1, 2));"
        "CREATE TABLE yeses ("
        " approval INTEGER NOT NULL REFERENCES approvals(id), who TEXT NOT NULL CHECK (who <> ''), digest TEXT NOT NULL,"
        " said_by TEXT NOT NULL, surface TEXT NOT NULL, reason TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (approval, who)"
        ") STRICT, WITHOUT ROWID;"
        "CREATE TRIGGER yeses_in_time BEFORE INSERT ON yeses WHEN NOT EXISTS"
        " (SELECT 1 FROM approvals a WHERE a.id = NEW.approval AND a.state = 'pending' AND a.digest = NEW.digest)"
        " BEGIN SELECT RAISE(ABORT, 'a yes to what does not wait'); END;"
        "CREATE TRIGGER yeses_no_update BEFORE UPDATE ON yeses BEGIN SELECT RAISE(ABORT, 'yeses are never changed'); END;"
        "CREATE TRIGGER yeses_no_delete BEFORE DELETE ON yeses BEGIN SELECT RAISE(ABORT, 'yeses are never deleted'); END;"
        "CREATE TRIGGER approvals_needed BEFORE UPDATE ON approvals WHEN NEW.needed < OLD.needed"
        " BEGIN SELECT RAISE(ABORT, 'no fewer people than were asked'); END;"
        "CREATE TRIGGER approvals_two BEFORE UPDATE ON approvals WHEN NEW.state = 'approved' AND NEW.needed >"
        " max(1, (SELECT count(*) FROM yeses y WHERE y.approval = NEW.id AND y.digest = NEW.digest))"
        " BEGIN SELECT RAISE(ABORT, 'a second person has not said yes'); END;"},
    {5, "ALTER TABLE audit ADD COLUMN who TEXT;" /* NULL: written before there was one, and hashed in the first form */
        "ALTER TABLE audit ADD COLUMN digest TEXT;"
        "ALTER TABLE audit ADD COLUMN before TEXT;"
        "ALTER TABLE audit ADD COLUMN after TEXT;"
        "ALTER TABLE audit ADD COLUMN facts TEXT;"},
};

int64_t schema_current(void)
{
	return migrations[sizeof migrations / sizeof migrations[0] - 1].to;
}

bool schema_check(conn *c, const char *path, int64_t *version, ns_err *err)
{
	int64_t id = 0, objects = 0;
	if (!conn_pragma_int(c, "PRAGMA application_id", &id, err) || !conn_pragma_int(c, "PRAGMA user_version", version, err) ||
	    !conn_pragma_int(c, "SELECT count(*) FROM sqlite_schema", &objects, err))
		return false;
	bool empty = id == 0 && *version == 0 && objects == 0;
	if ((id != APPLICATION_ID || *version < 1) && !empty)
		return ns_fail(err, NS_E_INVALID, "%s is a database of another program (application id 0x%08" PRIx32 "): it was left alone",
		    path, (uint32_t)id);
	if (*version > schema_current())
		return ns_fail(err, NS_E_VERSION,
		    "%s was made by a newer version of this program (store version %" PRId64 ", this one knows %" PRId64
		    "): update the program, or use another --state-dir",
		    path, *version, schema_current());
	return true;
}

bool schema_migrate(conn *c, const char *path, ns_err *err)
{
	char stamp[96];
	int64_t version;
	if (!conn_exec(c, "BEGIN IMMEDIATE", err))
		return false;
	bool ok = schema_check(c, path, &version, err); /* again, now that nobody else can migrate */
	for (size_t i = 0; ok && i < sizeof migrations / sizeof migrations[0]; i++)
		ok = migrations[i].to <= version || conn_exec(c, migrations[i].sql, err);
	if (ok && version < schema_current()) {
		snprintf(
		    stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %" PRId64, APPLICATION_ID, schema_current());
		ok = conn_exec(c, stamp, err);
	}
	ok = ok && conn_exec(c, "COMMIT", err);
	if (!ok && !sqlite3_get_autocommit(c->db))
		conn_exec(c, "ROLLBACK", NULL);
	return ok;
}
