/* Reading an Application of Argo CD (argoproj.io/v1alpha1). Its history holds successful syncs only and says nothing of health: which entry is
 * good is told by when the pod template that fails was made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/gitops/gitops.h"
#include "neuroscale/model/k8s.h"

static int64_t time_at(const cJSON *j, const char *path)
{
	int64_t ms;
	return ns_time_parse(ns_json_str(j, path, ""), &ms) ? ms : 0;
}

bool ns_argo_lists(const cJSON *app, const char *kind, const char *ns, const char *name)
{
	ns_json_each(r, ns_json_path(app, "status.resources"))
	{
		if (!strcmp(ns_json_str(r, "kind", ""), kind) && !strcmp(ns_json_str(r, "name", ""), name) && !strcmp(ns_json_str(r, "namespace", ""), ns))
			return true;
	}
	return false;
}

size_t ns_argo_drift(ns_arena *ar, const cJSON *app, const char **lines, size_t max)
{
	size_t n = 0;
	ns_json_each(r, ns_json_path(app, "status.resources"))
	{
		if (strcmp(ns_json_str(r, "status", ""), "OutOfSync"))
			continue;
		const char *how = ns_json_bool_or(r, "requiresPruning", false) ? "is not in Git any more"
		    : !strcmp(ns_json_str(r, "health.status", ""), "Missing")   ? "is missing"
		                                                                  : "differs";
		if (n < max)
			lines[n] = ns_arena_printf(ar, "%s %s/%s %s", ns_json_str(r, "kind", ""), ns_json_str(r, "namespace", ""), ns_json_str(r, "name", ""), how);
		n++;
	}
	return n;
}

/* ---- automation ---- */

/* The members that it has, and no others: what is restored is written anew from them. */
static const char *automated_text(ns_arena *ar, const cJSON *automated)
{
	static const char *const members[] = {"prune", "selfHeal", "allowEmpty", "enabled"};
	cJSON *o = cJSON_CreateObject();
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		const cJSON *m = ns_json_get(automated, members[i]);
		if (cJSON_IsBool(m))
			cJSON_AddBoolToObject(o, members[i], cJSON_IsTrue(m));
	}
	char *text = ns_json_text(o);
	const char *out = ns_arena_strdup(ar, text);
	free(text);
	cJSON_Delete(o);
	return out;
}

/* Whose spec is written by another object gets it back within minutes, automation included. */
static const char *generator(ns_arena *ar, const cJSON *app)
{
	ns_json_each(ref, ns_json_path(app, "metadata.ownerReferences"))
	{
		const char *kind = ns_json_str(ref, "kind", ""), *name = ns_json_str(ref, "name", "");
		if (!strcmp(kind, "ApplicationSet") && ns_k8s_subdomain_ok(name))
			return ns_arena_printf(ar, "ApplicationSet %s", name);
	}
	ns_owner parent;
	ns_gitops_marks(ar, app, &parent);
	return *parent.tool ? ns_arena_printf(ar, "%s %s", parent.kind, *parent.name ? parent.name : "of another") : "";
}

/* ---- history ---- */

static bool revision_ok(const char *s)
{
	size_t n = strlen(s);
	return n > 0 && n <= 64 && *s != '-' && !s[strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-_")];
}

static const char *revision_of(ns_arena *ar, const cJSON *entry)
{
	const char *one = ns_json_str(entry, "revision", "");
	const cJSON *many = ns_json_get(entry, "revisions");
	if (*one || !cJSON_IsArray(many))
		return one;
	ns_buf b = NS_BUF_INIT;
	ns_json_each(r, many) if (cJSON_IsString(r)) ns_buf_printf(&b, "%s%s", b.len ? "+" : "", r->valuestring);
	return ns_arena_take(ar, &b);
}

/* The same commit with other parameters is another state. */
static bool same_state(const cJSON *a, const cJSON *b)
{
	static const char *const parts[] = {"revision", "revisions", "source", "sources"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!ns_json_same(ns_json_get(a, parts[i]), ns_json_get(b, parts[i])))
			return false;
	return true;
}

static int64_t id_of(const cJSON *entry)
{
	return ns_json_int_or(entry, "id", -1);
}

/* The newest entry below `under` that is another state than `than`; ids rise, the order in the list is not relied on. */
static const cJSON *entry_before(const cJSON *history, int64_t under, const cJSON *than, int64_t broken_ms)
{
	const cJSON *best = NULL;
	ns_json_each(e, history)
	{
		int64_t at = time_at(e, "deployedAt");
		bool usable = id_of(e) >= 0 && id_of(e) < under && at > 0 && (!broken_ms || at <= broken_ms) &&
		    (ns_json_get(e, "source") || ns_json_get(e, "sources"));
		if (usable && (!than || !same_state(e, than)) && (!best || id_of(e) > id_of(best)))
			best = e;
	}
	return best;
}

static const char *choose(ns_arena *ar, const cJSON *app, int64_t broken_ms, ns_owner *o)
{
	const cJSON *history = ns_json_path(app, "status.history");
	const cJSON *last = entry_before(history, INT64_MAX, NULL, 0), *to;
	if (!last)
		return "its history has no sync yet";
	if (broken_ms && time_at(last, "deployedAt") + 60000 < broken_ms)
		return "what runs now was made after its last sync, so not by it: a sync sets it back";
	to = entry_before(history, id_of(last), last, broken_ms);
	if (!to)
		return "its history has no earlier state than the one that runs";
	if (!revision_ok(revision_of(ar, to)))
		return "the earlier state in its history names no revision that could be checked";
	o->has_target = true;
	o->history_id = id_of(to);
	o->history_revision = ns_arena_strdup(ar, revision_of(ar, to));
	return "";
}

void ns_argo_read(ns_arena *ar, const cJSON *app, int64_t broken_ms, ns_owner *o)
{
	const cJSON *automated = ns_json_path(app, "spec.syncPolicy.automated");
	const char *now = ns_json_str(app, "status.sync.revision", "");
	*o = (ns_owner){.tool = "argocd",
	    .kind = "Application",
	    .ns = ns_arena_strdup(ar, ns_json_str(app, "metadata.namespace", "")),
	    .name = ns_arena_strdup(ar, ns_json_str(app, "metadata.name", "")),
	    .auto_sync = cJSON_IsObject(automated) && ns_json_bool_or(automated, "enabled", true),
	    .automated = cJSON_IsObject(automated) ? automated_text(ar, automated) : "",
	    .generated_by = generator(ar, app),
	    .history_revision = "",
	    .revision = revision_ok(now) ? ns_arena_strdup(ar, now) : "",
	    .why = ""};
	o->self_heal = o->auto_sync && ns_json_bool_or(automated, "selfHeal", false);
	if (ns_json_path(app, "metadata.deletionTimestamp"))
		o->why = "it is being deleted";
	else if (*o->generated_by)
		o->why = ns_arena_printf(ar, "%s writes it and would set it back: the commit is reverted in Git", o->generated_by);
	else if (ns_json_get(app, "operation") ||
	         (!strcmp(ns_json_str(app, "status.operationState.phase", ""), "Running") && !ns_json_path(app, "status.operationState.finishedAt")))
		o->why = "an operation of it is running";
	else
		o->why = choose(ar, app, broken_ms, o);
}
