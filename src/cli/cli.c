/* The verbs: one row each. stdout is data, stderr is messages; the exit status comes from the one table in base/err.h. */
#include "neuroscale/cli/cli.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"

enum { MIN_DIGEST = 8 };

static bool parse_id(const char *s, int64_t *id, ns_err *err)
{
	char *end;
	errno = 0;
	long long v = strtoll(s, &end, 10);
	if (errno || end == s || *end || v <= 0)
		return ns_fail(err, NS_E_USAGE, "\"%s\" is no ID: it is the number in the first column", s);
	*id = v;
	return true;
}

static bool print_json(cJSON *j)
{
	ns_buf out = NS_BUF_INIT;
	ns_json_write(j, &out);
	puts(ns_buf_str(&out));
	ns_buf_free(&out);
	cJSON_Delete(j);
	return true;
}

/* The snapshot's own JSON, one member of it. */
static bool print_member(const ns_snapshot *s, const char *key, const char *only)
{
	cJSON *all = ns_snapshot_to_json(s);
	cJSON *part = cJSON_DetachItemFromObjectCaseSensitive(all, key);
	cJSON_Delete(all);
	for (int i = cJSON_GetArraySize(part) - 1; *only && i >= 0; i--)
		if (strcmp(ns_json_str(cJSON_GetArrayItem(part, i), "cluster", ""), only) != 0)
			cJSON_DeleteItemFromArray(part, i);
	return print_json(part);
}

/* --cluster NAME, checked: a name that is none would look like "no incidents". */
static bool pick_cluster(const ns_config *cfg, const ns_snapshot *s, const char **only, ns_err *err)
{
	const char *names[NS_MAX_CLUSTERS];
	size_t n = 0;
	*only = ns_config_is_said(cfg, "cluster") ? cfg->cluster : "";
	if (!**only || ns_snapshot_cluster(s, *only))
		return true;
	for (size_t i = 0; i < s->n_incidents; i++)
		if (strcmp(s->incidents[i].cluster, *only) == 0)
			return true; /* one that is not configured any more */
	ns_buf all = NS_BUF_INIT;
	for (; n < s->n_clusters && n < NS_MAX_CLUSTERS; n++) {
		names[n] = s->clusters[n].name;
		ns_buf_printf(&all, "%s%s", n ? ", " : "", names[n]);
	}
	const char *near = ns_nearest(*only, names, n);
	ns_fail(err, NS_E_NOTFOUND, "the engine watches no cluster \"%s\"%s%s%s (it watches: %s)", *only, near ? ", did you mean \"" : "", near ? near : "",
	    near ? "\"?" : "", ns_buf_str(&all));
	ns_buf_free(&all);
	return false;
}

static bool verb_approvals(const ns_config *cfg, const ns_door *door, ns_err *err)
{
	ns_snapshot *s = door->snapshot(door->ctx, err);
	if (!s)
		return false;
	const char *only;
	bool ok = pick_cluster(cfg, s, &only, err);
	if (ok && cfg->json)
		print_member(s, "approvals", only);
	else if (ok)
		ns_cli_approvals(s, only);
	ns_snapshot_unref(s);
	return ok;
}

static bool verb_incidents(const ns_config *cfg, const ns_door *door, ns_err *err)
{
	ns_snapshot *s = door->snapshot(door->ctx, err);
	if (!s)
		return false;
	const char *only;
	bool ok = pick_cluster(cfg, s, &only, err);
	if (ok && cfg->json)
		print_member(s, "incidents", only);
	else if (ok)
		ns_cli_incidents(s, only);
	ns_snapshot_unref(s);
	return ok;
}

static bool verb_incident(const ns_config *cfg, const ns_door *door, ns_err *err)
{
	int64_t id = 0;
	ns_detail *d = parse_id(cfg->args[0], &id, err) ? door->detail(door->ctx, id, err) : NULL;
	if (!d)
		return false;
	if (cfg->json)
		print_json(ns_detail_to_json(d));
	else
		ns_cli_incident(d);
	ns_detail_free(d);
	return true;
}

/* The full digest of the approval if what was typed begins it: eight digits are proof enough of having seen it. */
static bool complete_digest(const ns_door *door, int64_t id, const char *typed, char full[65], ns_err *err)
{
	size_t n = strlen(typed);
	if (n < MIN_DIGEST || n > 64)
		return ns_fail(err, NS_E_USAGE, "approve needs --digest with at least %d digits of what `neuroscale-tui approvals` shows", MIN_DIGEST);
	ns_snapshot *s = door->snapshot(door->ctx, err);
	if (!s)
		return false;
	bool known = false, same = false;
	for (size_t i = 0; i < s->n_approvals; i++) {
		if (s->approvals[i].id != id)
			continue;
		known = true;
		same = strncmp(s->approvals[i].digest, typed, n) == 0;
		if (same)
			ns_copy(full, 65, s->approvals[i].digest);
	}
	ns_snapshot_unref(s);
	if (!known) /* decided or gone: the engine says by whom; it needs 64 digits to look */
		return snprintf(full, 65, "%064d", 0) == 64;
	return same || ns_fail(err, NS_E_CONFLICT, "approval %lld has another digest now: look at it again with `neuroscale-tui approvals`", (long long)id);
}

static bool decide(const ns_config *cfg, const ns_door *door, bool approve, ns_err *err)
{
	ns_decide_req req = {.approve = approve, .reason = cfg->reason, .surface = "cli"};
	char full[65] = "", said[256] = "";
	if (!parse_id(cfg->args[0], &req.approval, err) || (approve && !complete_digest(door, req.approval, cfg->digest, full, err)))
		return false;
	req.digest = approve ? full : NULL;
	if (!door->decide(door->ctx, &req, said, sizeof said, err))
		return false;
	if (cfg->json) {
		cJSON *o = cJSON_CreateObject();
		ns_json_put_int(o, "approval", req.approval);
		ns_json_put_str(o, "said", said);
		return print_json(o);
	}
	puts(said);
	return true;
}

static bool verb_approve(const ns_config *cfg, const ns_door *door, ns_err *err)
{
	return decide(cfg, door, true, err);
}

static bool verb_reject(const ns_config *cfg, const ns_door *door, ns_err *err)
{
	return decide(cfg, door, false, err);
}

/* The undo of that incident as the engine offers it. */
static const ns_appr_row *undo_of(const ns_snapshot *s, int64_t incident)
{
	for (size_t i = 0; i < s->n_undos; i++)
		if (s->undos[i].incident == incident)
			return &s->undos[i];
	return NULL;
}

/* Without --digest it only shows what would be sent: whoever types a wrong number must not take back another's repair. */
static bool verb_undo(const ns_config *cfg, const ns_door *door, ns_err *err)
{
	ns_undo_req req = {.reason = cfg->reason, .surface = "cli"};
	char full[65], said[256] = "";
	size_t n = strlen(cfg->digest);
	if (!parse_id(cfg->args[0], &req.incident, err))
		return false;
	if (n && (n < MIN_DIGEST || n > 64))
		return ns_fail(err, NS_E_USAGE, "undo needs --digest with at least %d digits of what `neuroscale-tui undo %s` shows", MIN_DIGEST, cfg->args[0]);
	ns_snapshot *s = door->snapshot(door->ctx, err);
	if (!s)
		return false;
	const ns_appr_row *r = undo_of(s, req.incident);
	bool same = !r || strncmp(r->digest, cfg->digest, n) == 0;
	if (r && !n)
		ns_cli_undo(r);
	snprintf(full, sizeof full, "%s", r ? r->digest : "");
	ns_snapshot_unref(s);
	if (!same)
		return ns_fail(err, NS_E_CONFLICT, "the undo of incident %lld has another digest now: look at it again", (long long)req.incident);
	if (r && !n)
		return ns_fail(err, NS_E_USAGE, "nothing was sent: add --digest %.12s to take it back", full);
	if (!r) /* taken, over or never there: the engine says which; it needs 64 digits to look */
		snprintf(full, sizeof full, "%064d", 0);
	req.digest = full;
	if (!door->undo(door->ctx, &req, said, sizeof said, err))
		return false;
	if (cfg->json) {
		cJSON *o = cJSON_CreateObject();
		ns_json_put_int(o, "incident", req.incident);
		ns_json_put_str(o, "said", said);
		return print_json(o);
	}
	puts(said);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(const ns_config *cfg, const ns_door *door, ns_err *err);
} verbs[] = {
    {"approvals", verb_approvals}, {"approve", verb_approve}, {"reject", verb_reject}, {"undo", verb_undo}, {"incidents", verb_incidents}, {"incident", verb_incident},
};

bool ns_cli_is_verb(const char *command)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, command) == 0)
			return true;
	return false;
}

int ns_cli_run(const ns_config *cfg, const ns_door *door)
{
	ns_err err = {0};
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].name, cfg->command) != 0)
			continue;
		if (verbs[i].run(cfg, door, &err)) {
			if (fflush(stdout) == 0 && !ferror(stdout))
				return 0;
			ns_fail_errno(&err, NS_E_IO, "writing the answer");
		}
		break;
	}
	fprintf(stderr, "neuroscale-tui: %s\n", err.text);
	return ns_code_lookup(err.code)->exit_status;
}
