/* Which ReplicaSets are really revisions of the target, and whose health somebody saw. Whoever may write ReplicaSets in a namespace can give one
 * the labels of a Deployment, a controller reference to its UID and a revision number of his choice, or write another template into an old one.
 * What he cannot choose: the time of creation (the server's), and that the pods which were made before keep their own spec.
 *
 * A ReplicaSet that fails here is no revision at all: it is not shown, not compared and never gone back to. Health by age stays what it is, a
 * guess: it is told, and a rollback to it is a person's (ns_revision.health_seen). */
#include <stdlib.h>
#include <string.h>

#include "analyzer_priv.h"

static const char *word(const cJSON *map, const char *key)
{
	const cJSON *v = ns_json_get(map, key);
	return cJSON_IsString(v) ? v->valuestring : "";
}

static int64_t number_of(const cJSON *rs)
{
	return strtoll(word(ns_json_path(rs, "metadata.annotations"), "deployment.kubernetes.io/revision"), NULL, 10);
}

/* Its controller is this Deployment by kind, name and UID, and there is one controller only. */
static bool owned(const cJSON *deployment, const cJSON *rs)
{
	size_t controllers = 0, ours = 0;
	ns_json_each(ref, ns_json_path(rs, "metadata.ownerReferences"))
	{
		if (!ns_json_bool_or(ref, "controller", false))
			continue;
		controllers++;
		ours += !strcmp(ns_json_str(ref, "kind", ""), "Deployment") && *ns_json_str(ref, "uid", "") &&
		        !strcmp(ns_json_str(ref, "uid", ""), ns_json_str(deployment, "metadata.uid", "")) &&
		        !strcmp(ns_json_str(ref, "name", ""), ns_json_str(deployment, "metadata.name", ""));
	}
	return controllers == 1 && ours == 1;
}

/* One hash in labels, selector and, where it stands there, the template; and its selector is the Deployment's with the hash. */
static bool selector_fits(const cJSON *deployment, const cJSON *rs)
{
	static const char key[] = "pod-template-hash";
	const cJSON *labels = ns_json_path(rs, "spec.selector.matchLabels"), *in_template = ns_json_path(rs, "spec.template.metadata.labels");
	const char *hash = word(ns_json_path(rs, "metadata.labels"), key), *made = word(in_template, key);
	if (!*hash || strcmp(hash, word(labels, key)) != 0 || (*made && strcmp(hash, made) != 0))
		return false;
	ns_json_each(want, ns_json_path(deployment, "spec.selector.matchLabels"))
	{
		const cJSON *in_pods = ns_json_get(in_template, want->string);
		if (!ns_json_same(want, ns_json_get(labels, want->string)) || !ns_json_same(want, in_pods))
			return false;
	}
	return true;
}

/* Who writes a ReplicaSet's status is the controller, whatever this distribution calls it; a template that somebody else wrote is not the one
 * that was rolled out. Without managedFields nothing can be said, and the pods have to speak. */
static bool template_touched(const cJSON *rs)
{
	const cJSON *fields = ns_json_path(rs, "metadata.managedFields");
	const char *controller = NULL;
	ns_json_each(f, fields) if (ns_json_path(f, "fieldsV1.f:status")) controller = ns_json_str(f, "manager", "");
	ns_json_each(f, fields)
	{
		const cJSON *spec = ns_json_get(ns_json_get(f, "fieldsV1"), "f:spec");
		if (controller && ns_json_get(spec, "f:template") && strcmp(ns_json_str(f, "manager", ""), controller) != 0)
			return true;
	}
	return false;
}

bool ns_replicaset_own(const cJSON *deployment, const cJSON *rs)
{
	return owned(deployment, rs) && selector_fits(deployment, rs) && number_of(rs) > 0 && !template_touched(rs);
}

/* ---- order in time ---- */

/* The ReplicaSet that has the template of the Deployment: the oldest of them, as its controller chooses too; a copy made later is not it. */
static ns_revision *mark_current(ns_case *c, const char *template_json)
{
	ns_revision *cur = NULL;
	for (size_t i = 0; i < c->n_revisions; i++) {
		ns_revision *r = &c->revisions[i];
		if (!strcmp(r->template_json, template_json) && (!cur || r->created_ms < cur->created_ms))
			cur = r;
	}
	if (cur)
		cur->current = true;
	return cur;
}

static bool number_is_shared(const ns_case *c, const ns_revision *r)
{
	for (size_t i = 0; i < c->n_revisions; i++)
		if (&c->revisions[i] != r && c->revisions[i].number == r->number)
			return true;
	return false;
}

size_t ns_revisions_settle(ns_case *c, const char *template_json, bool (*reused)(const ns_revision *r, void *ctx), void *ctx)
{
	ns_revision *cur = mark_current(c, template_json);
	/* A revision has its number from when it was rolled out, so an earlier one cannot be younger than what runs; unless what runs is itself
	 * one that was gone back to. Then the order says nothing, and nobody acts alone on it (health_seen stays false). */
	bool ordered = cur && cur->created_ms > 0 && !reused(cur, ctx);
	size_t kept = 0, dropped = 0;
	bool *bad = ns_xcalloc(c->n_revisions + 1, sizeof *bad);
	for (size_t i = 0; i < c->n_revisions; i++) {
		const ns_revision *r = &c->revisions[i];
		bad[i] = !r->current && (number_is_shared(c, r) || (ordered && r->number < cur->number && r->created_ms > cur->created_ms));
	}
	for (size_t i = 0; i < c->n_revisions; i++) {
		if (bad[i]) {
			dropped++;
			continue;
		}
		c->revisions[kept] = c->revisions[i];
		c->revisions[kept++].order_known = ordered;
	}
	free(bad);
	c->n_revisions = kept;
	return dropped;
}

/* ---- health that is seen ---- */

static bool is_ready(const cJSON *pod)
{
	ns_json_each(cond, ns_json_path(pod, "status.conditions")) if (!strcmp(ns_json_str(cond, "type", ""), "Ready")) return !strcmp(
	    ns_json_str(cond, "status", ""), "True");
	return false;
}

/* What the template says of a container stands in the pod's. Admission adds to lists of named things, and sets resources. */
static bool made_from(const cJSON *in_template, const cJSON *in_pod)
{
	static const char *const named[] = {"env", "volumeMounts", "ports"};
	ns_json_each(field, in_template)
	{
		const cJSON *other = ns_json_get(in_pod, field->string);
		bool list = false;
		for (size_t i = 0; i < sizeof named / sizeof *named; i++)
			list |= !strcmp(field->string, named[i]);
		if (!strcmp(field->string, "resources"))
			continue;
		if (!list && !ns_json_same(field, other))
			return false;
		for (const cJSON *item = list ? field->child : NULL; item; item = item->next) {
			bool found = false;
			ns_json_each(x, other) found |= ns_json_same(item, x);
			if (!found)
				return false;
		}
	}
	return true;
}

static bool pod_is_of(const cJSON *pod, const ns_revision *r)
{
	cJSON *t = ns_json_parse(r->template_json, strlen(r->template_json), &ns_json_strict, NULL);
	bool same = t != NULL;
	static const char *const lists[] = {"containers", "initContainers"};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		ns_json_each(k, ns_json_get(ns_json_get(t, "spec"), lists[i]))
		{
			const cJSON *there = ns_json_named(ns_json_get(ns_json_get(pod, "spec"), lists[i]), ns_json_str(k, "name", ""));
			same = same && there && made_from(k, there);
		}
	cJSON_Delete(t);
	return same;
}

void ns_collect_proof(ns_collector *k)
{
	for (size_t i = 0; i < k->c->n_revisions; i++) {
		ns_revision *r = &k->c->revisions[i];
		bool seen = false;
		ns_json_each(pod, ns_json_get(k->pods, "items"))
		{
			if (ns_collect_controlled_by(pod, r->uid) && is_ready(pod) && pod_is_of(pod, r))
				seen = true;
		}
		r->health_seen = seen && r->ready > 0 && r->order_known;
		if (r->health_seen && !r->current)
			ns_collect_add(k, NS_EV_ROLLOUT, true, k->c->taken_ms, "revision %lld serves now: a ready pod of it has its template",
			    (long long)r->number);
	}
}
