/* The action table. Each builder checks its preconditions, keeps its bounds, and writes the change together with its inverse.
 *
 * The argv never holds anything but our own words and names that passed a check; the values are in the body, and the body's values are
 * numbers computed here, quantities formatted here, or a pod template of the cluster's own record. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"
#include "neuroscale/model/k8s.h"
#include "neuroscale/policy/policy.h"
#include "neuroscale/sys/digest.h"
#include "planner_priv.h"

#define MI            (1024LL * 1024)
#define MAX_TTL_HOURS 168
#define MAX_RAISES    2

static const char *object_of(ns_draft *d)
{
	return ns_arena_printf(d->ar, "deployment/%s", d->c->alert.target.name);
}

/* ---- patch_resources --------------------------------------------------------------------------------------------- */

/* The container that ran out of memory: the alert's own, or the only one that was killed so. */
static const ns_container_facts *oom_container(ns_draft *d)
{
	const ns_case *c = d->c;
	const ns_container_facts *found = NULL;
	size_t killed = 0;
	for (size_t i = 0; i < c->n_containers; i++) {
		const ns_container_facts *k = &c->containers[i];
		bool oom = !strcmp(k->last_reason, "OOMKilled");
		if (c->alert.container[0]) {
			if (!strcmp(k->name, c->alert.container))
				found = oom || c->alert.kind == NS_KIND_OOM_KILLED ? k : NULL;
		} else if (oom) {
			killed++;
			found = k;
		}
	}
	if (killed > 1)
		ns_draft_refuse(d, "several containers were killed for memory; which one to raise is a person's choice");
	else if (!found)
		ns_draft_refuse(d, "no container of it is seen as OOMKilled; memory is not raised on suspicion");
	return killed > 1 ? NULL : found;
}

/* Down to a unit that a person would write. */
static int64_t round_down(int64_t bytes)
{
	int64_t unit = bytes >= 4096 * MI   ? 256 * MI
	               : bytes >= 1024 * MI ? 64 * MI
	               : bytes >= 256 * MI  ? 16 * MI
	               : bytes >= 32 * MI   ? 4 * MI
	                                    : MI;
	return bytes / unit * unit;
}

/* What the LimitRange's maximum for a pod leaves to this container, -1 no such. */
static int64_t pod_memory_room(const ns_case *c, const ns_container_facts *k)
{
	int64_t others = 0;
	if (c->pod_mem_max <= 0)
		return -1;
	for (size_t i = 0; i < c->n_containers; i++)
		if (&c->containers[i] != k && (!c->containers[i].init || c->containers[i].sidecar))
			others += c->containers[i].mem_limit;
	return c->pod_mem_max > others ? c->pod_mem_max - others : 0;
}

/* Quotas count pods, not Deployments: a raise past one is accepted and then stops half-way, with fewer pods than before. Counted at the
 * rollout's widest: every replica with the new amount and the surge on top of it. */
static bool quota_room(ns_draft *d, int64_t left, int64_t before, int64_t after, const char *what)
{
	const ns_case *c = d->c;
	char has[32], takes[32];
	if (!c->quota[0] || left < 0)
		return true;
	int64_t need = (after - before) * c->replicas + after * c->surge;
	if (need <= left)
		return true;
	ns_quantity_format_bytes(left / MI * MI, has);
	ns_quantity_format_bytes(need, takes);
	return ns_draft_refuse(d, "quota %s leaves %s of %s to the namespace and the rollout would take %s", c->quota, has, what, takes);
}

static bool new_limit(ns_draft *d, const ns_container_facts *k, int64_t *out)
{
	double factor = d->lim->mem_factor;
	if (!(factor > 1) || factor > 8)
		return ns_draft_refuse(d, "the configured memory factor is not between 1 and 8");
	int64_t old = k->mem_limit;
	double want = (double)old * factor;
	const char *bound = "the factor";
	if (want > (double)d->lim->mem_cap) {
		want = (double)d->lim->mem_cap;
		bound = "the configured cap";
	}
	double room = (double)d->c->node_allocatable_mem * 0.8;
	if (room > 0 && want > room) {
		want = room;
		bound = "80 % of the smallest node that hosts it";
	}
	const int64_t max = d->c->container_mem_max, pod_room = pod_memory_room(d->c, k);
	if (max > 0 && want > (double)max) {
		want = (double)max;
		bound = "its namespace's LimitRange";
	}
	if (pod_room >= 0 && want > (double)pod_room) {
		want = (double)pod_room;
		bound = "its namespace's LimitRange for the whole pod";
	}
	*out = round_down(want < 0 ? 0 : (int64_t)want);
	char now[32];
	ns_quantity_format_bytes(old, now);
	if (*out < old + old / 10)
		return ns_draft_refuse(d, "its memory limit of %s cannot be raised by a tenth without passing %s", now, bound);
	return true;
}

static size_t executed_before(const ns_draft *d, ns_action a)
{
	size_t n = 0;
	for (size_t i = 0; d->h && i < d->h->n; i++)
		n += d->h->executed[i]->action == a;
	return n;
}

/* What could not be read is not taken for absent. */
static void doubt_bounds(ns_draft *d)
{
	if (d->c->unread[0])
		ns_draft_ask(d, "bounds: %s could not be read, so what they forbid is not known", d->c->unread);
}

/* Patch operations that set limit and, with Guaranteed QoS, request of one container. */
static const char *memory_patch(ns_draft *d, const ns_place *at, const char *container, const char *limit, const char *request)
{
	char base[96], path[160];
	cJSON *ops = cJSON_CreateArray();
	snprintf(base, sizeof base, "/spec/template/spec/%s/%d", at->list, at->index);
	snprintf(path, sizeof path, "%s/name", base);
	ns_patch_op(ops, "test", path, cJSON_CreateString(container));
	snprintf(path, sizeof path, "%s/resources/limits/memory", base);
	ns_patch_op(ops, "replace", path, cJSON_CreateString(limit));
	snprintf(path, sizeof path, "%s/resources/requests/memory", base);
	if (request)
		ns_patch_op(ops, "replace", path, cJSON_CreateString(request));
	return ns_patch_text(d->ar, ops);
}

static bool build_patch_resources(ns_draft *d)
{
	const ns_container_facts *k = oom_container(d);
	ns_plan *p = d->plan;
	ns_place at;
	int64_t to = 0, in_template;
	if (!k)
		return false;
	if (k->mem_limit <= 0)
		return ns_draft_refuse(d, "container %s has no memory limit; the node ran short, not the container", k->name);
	size_t raises = executed_before(d, NS_ACT_PATCH_RESOURCES);
	if (raises >= MAX_RAISES)
		return ns_draft_refuse(d, "its memory was raised twice for this incident and it is still OOMKilled: a leak?");
	if (!ns_container_place(d->c, k->name, &at))
		return ns_draft_refuse(d, "container %s is not in the pod template; something else put it into the pod", k->name);
	if (at.known && (!at.memory_limit[0] || !ns_quantity_bytes(at.memory_limit, &in_template) || in_template != k->mem_limit))
		return ns_draft_refuse(d, "the memory limit in effect is not the one in the pod template (a LimitRange, a webhook or a "
		                          "rollout in progress set it)");
	if (!new_limit(d, k, &to))
		return false;
	if (d->c->has_vpa)
		return ns_draft_refuse(d, "a VerticalPodAutoscaler sets the resources of its pods; change its policy");

	char before[48], after[32];
	ns_quantity_format_bytes(to, after);
	if (at.known)
		ns_copy(before, sizeof before, at.memory_limit);
	else
		ns_quantity_format_bytes(k->mem_limit, before);
	int64_t request;
	bool guaranteed = at.known ? at.memory_request[0] && ns_quantity_bytes(at.memory_request, &request) && request == k->mem_limit
	                           : k->mem_request == k->mem_limit;
	if (!quota_room(d, d->c->quota_limit_left, k->mem_limit, to, "memory limits") ||
	    (guaranteed && !quota_room(d, d->c->quota_request_left, k->mem_limit, to, "memory requests")))
		return false;
	doubt_bounds(d);
	const char *old_request = !guaranteed ? NULL : at.known ? at.memory_request : before;

	p->mem_before = k->mem_limit;
	p->mem_after = to;
	p->command = ns_patch_command(d->ar, p->target.ns, object_of(d), memory_patch(d, &at, k->name, after, guaranteed ? after : NULL),
	    ns_arena_printf(d->ar, "kubectl -n %s set resources deployment/%s -c %s --limits=memory=%s%s%s", p->target.ns, p->target.name,
	        k->name, after, guaranteed ? " --requests=memory=" : "", guaranteed ? after : ""));
	p->undo = ns_patch_command(d->ar, p->target.ns, object_of(d), memory_patch(d, &at, k->name, before, old_request),
	    ns_arena_printf(d->ar, "kubectl -n %s set resources deployment/%s -c %s --limits=memory=%s%s%s", p->target.ns, p->target.name,
	        k->name, before, old_request ? " --requests=memory=" : "", old_request ? old_request : ""));
	p->undo_valid = at.known;
	p->summary = ns_arena_printf(d->ar, "raise memory limit of %s/%s %s -> %s", p->target.name, k->name, before, after);
	char more[32];
	ns_quantity_format_bytes(to - k->mem_limit, more);
	p->expected_effect = ns_arena_printf(d->ar, "%s more memory for each of %lld replica%s%s", more, (long long)d->c->replicas,
	    d->c->replicas == 1 ? "" : "s", guaranteed ? ", reserved on the node as well (request equals limit)" : "");
	if (raises)
		ns_draft_ask(d, "history: its memory was raised once for this incident and it was killed again; this could be a leak");
	if (k->jvm)
		ns_draft_step(d,
		    "A heap setting was recognised in container %s: see that it leaves a quarter of the new limit to the rest of the "
		    "process",
		    k->name);
	if (at.list[0] == 'i')
		ns_draft_step(d, "Container %s is an init container: its limit counts while the pod starts", k->name);
	return true;
}

/* ---- rollback ---------------------------------------------------------------------------------------------------- */

static bool rollback_to(ns_draft *d, const ns_revision *cur, const ns_revision *rev, cJSON *now, cJSON *then)
{
	ns_plan *p = d->plan;
	const char *unsafe = ns_template_unsafe(d->ar, now, then);
	if (unsafe[0]) {
		ns_draft_ask(d, "unsafe fields: going back to revision %lld also changes %s", (long long)rev->number, unsafe);
		ns_draft_raise(d, NS_RISK_HIGH);
	} else if (!rev->only_safe_fields) {
		ns_draft_ask(d,
		    "unsafe fields: going back to revision %lld changes more than image, command, args, env, probes and resources",
		    (long long)rev->number);
		ns_draft_raise(d, NS_RISK_HIGH);
	}
	if (!rev->health_seen)
		ns_draft_ask(d, "record: that revision %lld was healthy is told by its age only, no pod of it was seen serving", (long long)rev->number);
	cJSON *fwd = cJSON_CreateArray(), *back = cJSON_CreateArray();
	ns_patch_op(fwd, "replace", "/spec/template", cJSON_Duplicate(then, true));
	ns_patch_op(back, "replace", "/spec/template", cJSON_Duplicate(now, true));
	p->command = ns_patch_command(d->ar, p->target.ns, object_of(d), ns_patch_text(d->ar, fwd),
	    ns_arena_printf(d->ar, "kubectl -n %s rollout undo deployment/%s --to-revision=%lld", p->target.ns, p->target.name,
	        (long long)rev->number));
	p->undo = ns_patch_command(d->ar, p->target.ns, object_of(d), ns_patch_text(d->ar, back),
	    ns_arena_printf(d->ar, "kubectl -n %s rollout undo deployment/%s --to-revision=%lld", p->target.ns, p->target.name,
	        (long long)cur->number));
	p->undo_valid = true;
	p->revision_to = rev->number;
	p->summary = ns_arena_printf(d->ar, "roll %s back from revision %lld to %lld, which was healthy", p->target.name,
	    (long long)cur->number, (long long)rev->number);
	p->expected_effect = ns_arena_printf(d->ar,
	    "the pod template of revision %lld again; ConfigMaps, Secrets and replica count stay as they are", (long long)rev->number);
	return true;
}

static bool build_rollback(ns_draft *d)
{
	const ns_case *c = d->c;
	const ns_revision *cur = ns_current_revision(c), *rev = NULL;
	bool earlier = false, healthy = false;
	if (!cur)
		return ns_draft_refuse(d, "which revision runs now could not be told");
	cJSON *now = ns_revision_template(cur), *then = NULL;
	if (!now)
		return ns_draft_refuse(d, "the pod template of revision %lld could not be read", (long long)cur->number);
	for (size_t i = 0; i < c->n_revisions && !rev; i++) {
		const ns_revision *x = &c->revisions[i];
		if (x->current || x->number >= cur->number)
			continue;
		earlier = true;
		if (!x->was_healthy)
			continue;
		healthy = true;
		cJSON *t = ns_revision_template(x);
		if (t && x->changes[0] && !cJSON_Compare(t, now, true)) {
			rev = x;
			then = t;
		} else {
			cJSON_Delete(t);
		}
	}
	bool ok;
	if (rev)
		ok = rollback_to(d, cur, rev, now, then);
	else if (!earlier)
		ok = ns_draft_refuse(d, "there is no earlier revision to go back to");
	else if (!healthy)
		ok = ns_draft_refuse(d, "no earlier revision was ever seen healthy");
	else
		ok = ns_draft_refuse(d, "the earlier healthy revisions have the same pod template: going back changes nothing");
	cJSON_Delete(now);
	cJSON_Delete(then);
	for (size_t i = 0; ok && i < c->n_containers; i++)
		if (!strcmp(c->containers[i].last_reason, "OOMKilled")) {
			ns_draft_ask(d, "last kill: container %s was OOMKilled, the earlier revision may need as much memory",
			    c->containers[i].name);
			break;
		}
	return ok;
}

/* ---- scale, cost_scale_down -------------------------------------------------------------------------------------- */

static const char *replicas_patch(ns_draft *d, int64_t from, int64_t to)
{
	cJSON *ops = cJSON_CreateArray();
	ns_patch_op(ops, "test", "/spec/replicas", cJSON_CreateNumber((double)from));
	ns_patch_op(ops, "replace", "/spec/replicas", cJSON_CreateNumber((double)to));
	return ns_patch_text(d->ar, ops);
}

static void set_replicas(ns_draft *d, int64_t to)
{
	ns_plan *p = d->plan;
	int64_t from = d->c->replicas;
	p->replicas_before = from;
	p->replicas_after = to;
	p->command = ns_patch_command(d->ar, p->target.ns, object_of(d), replicas_patch(d, from, to),
	    ns_arena_printf(d->ar, "kubectl -n %s scale deployment/%s --current-replicas=%lld --replicas=%lld", p->target.ns,
	        p->target.name, (long long)from, (long long)to));
	p->undo = ns_patch_command(d->ar, p->target.ns, object_of(d), replicas_patch(d, to, from),
	    ns_arena_printf(d->ar, "kubectl -n %s scale deployment/%s --current-replicas=%lld --replicas=%lld", p->target.ns,
	        p->target.name, (long long)to, (long long)from));
	p->undo_valid = from > 0; /* back to zero is nothing that is done here */
	p->summary = ns_arena_printf(d->ar, "scale %s %lld -> %lld replicas", p->target.name, (long long)from, (long long)to);
}

static bool may_scale(ns_draft *d)
{
	const ns_case *c = d->c;
	if (c->has_hpa)
		return ns_draft_refuse(d, "a HorizontalPodAutoscaler owns its replica count and would set it back");
	if (c->replicas < 0 || c->replicas > 100000)
		return ns_draft_refuse(d, "its replica count could not be read");
	doubt_bounds(d);
	return true;
}

static bool build_scale(ns_draft *d)
{
	const ns_case *c = d->c;
	if (!may_scale(d))
		return false;
	int64_t to = c->replicas ? c->replicas * 2 : 1;
	if (to > d->lim->scale_max)
		to = d->lim->scale_max;
	if (to < 1 || to <= c->replicas)
		return ns_draft_refuse(
		    d, "it has %lld replicas and the configured maximum is %lld", (long long)c->replicas, (long long)d->lim->scale_max);
	if (!c->replicas)
		ns_draft_ask(d, "intent: somebody scaled it to zero, which may be meant");
	set_replicas(d, to);
	d->plan->expected_effect = ns_arena_printf(d->ar, "%lld more replicas of the same template", (long long)(to - c->replicas));
	return true;
}

static bool build_cost_scale_down(ns_draft *d)
{
	const ns_case *c = d->c;
	const int64_t floor = c->pdb_min_available > 1 ? c->pdb_min_available : 1;
	if (!c->nonproduction)
		return ns_draft_refuse(
		    d, "production: no label or configuration names it non-production, and unlabelled counts as production");
	if (!may_scale(d))
		return false;
	if (c->replicas <= floor)
		return ns_draft_refuse(
		    d, "it has %lld replicas already; nothing is scaled below %lld%s", (long long)c->replicas, (long long)floor,
		    floor > 1 ? ", which its disruption budget wants available" : "");
	set_replicas(d, floor);
	double saving = c->monthly_saving > 0 ? c->monthly_saving : c->monthly_cost * (double)(c->replicas - floor) / (double)c->replicas;
	if (saving > 0 && isfinite(saving) && saving < 1e12)
		d->plan->expected_effect = ns_arena_printf(d->ar, "about %.2f USD/month saved", saving);
	else
		ns_draft_ask(d, "cost: OpenCost gives no figure for it, the saving is unknown");
	return true;
}

/* ---- policy_exception -------------------------------------------------------------------------------------------- */

/* An exact name: printable, no wildcard. It goes into the body only. */
static bool exact(const char *s)
{
	size_t n = strlen(s);
	if (!n || n > 128)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] > '~' || strchr("*?\"\\{}", s[i]))
			return false;
	return true;
}

/* "name" of a cluster policy or "namespace/name" of a namespaced one. */
static bool policy_name_ok(const char *s)
{
	const char *slash = strchr(s, '/');
	char ns[64];
	if (!slash)
		return ns_k8s_subdomain_ok(s);
	size_t n = (size_t)(slash - s);
	if (n >= sizeof ns)
		return false;
	memcpy(ns, s, n);
	ns[n] = 0;
	return ns_k8s_label_ok(ns) && ns_k8s_subdomain_ok(slash + 1);
}

static bool exception_allowed(ns_draft *d, const char *const *rules, size_t n)
{
	const ns_case *c = d->c;
	const ns_alert *a = &c->alert;
	const char *why = "";
	if (!c->exception_api_version[0])
		return ns_draft_refuse(d, "the cluster serves no PolicyException");
	if (!ns_listed(c->exception_api_version, ns_exception_versions(ns_policy_is_cel(c->policy_kind))))
		return ns_draft_refuse(d, "the cluster's version of PolicyException is not one that is written here");
	if (c->exception_off[0])
		return ns_draft_refuse(d, "Kyverno would take an exception and ignore it: %s", c->exception_off);
	if (c->policy_guard[0])
		return ns_draft_refuse(d, "no exception for this rule, whoever asks: %s", c->policy_guard);
	if (!c->exception_namespace[0])
		return ns_draft_refuse(d, "the namespace in which Kyverno accepts exceptions is not known; set it in the configuration");
	if (!ns_k8s_label_ok(c->exception_namespace) || ns_namespace_protected(c->exception_namespace, d->lim->protected_ns))
		return ns_draft_refuse(d, "the namespace for exceptions is protected or malformed");
	static const char *const validating[] = {"ValidatingPolicy", "NamespacedValidatingPolicy", NULL};
	bool cel = ns_policy_is_cel(c->policy_kind);
	if (cel && !ns_listed(c->policy_kind, validating))
		return ns_draft_refuse(d, "no exception for this rule, whoever asks: it is one of a policy that verifies images, or changes objects itself");
	if (cel && !ns_exception_permitted(a->policy, a->rule[0] ? a->rule : c->policy_kind, c->policy_category, c->policy_message, &why))
		return ns_draft_refuse(d, "no exception for this rule, whoever asks: %s", why);
	if (!policy_name_ok(a->policy) || (!n && !cel))
		return ns_draft_refuse(d, "policy and rule of the violation are not known exactly");
	for (size_t i = 0; i < n; i++) {
		if (!exact(rules[i]))
			return ns_draft_refuse(d, "a rule of the violation has a name that cannot be matched exactly");
		if (!ns_exception_permitted(a->policy, rules[i], c->policy_category, c->policy_message, &why))
			return ns_draft_refuse(d, "no exception for this rule, whoever asks: %s", why);
	}
	return true;
}

/* Nothing here deletes, so that a name once given stays: those of other workloads called so, of an incident of the same number in another engine's
 * record, or in one begun anew, are told apart by the object and by when it began to fail. */
static const char *exception_name(ns_draft *d, const char *incident)
{
	const ns_workload *t = &d->plan->target;
	char hash[NS_HEX256], name[40];
	const char *what = ns_arena_printf(d->ar, "%s/%s/%s/%lld", t->ns, t->name, t->uid, (long long)d->c->alert.first_ms);
	ns_sha256_hex(what, strlen(what), hash);
	snprintf(name, sizeof name, "%.24s", t->name);
	for (size_t n = strlen(name); n && (name[n - 1] == '-' || name[n - 1] == '.'); n--)
		name[n - 1] = 0;
	return ns_arena_printf(d->ar, "neuroscale-%s-%s-%.8s", incident, name, hash);
}

static bool build_policy_exception(ns_draft *d)
{
	const ns_case *c = d->c;
	const ns_alert *a = &c->alert;
	ns_plan *p = d->plan;
	const char *const *rules = c->n_rules ? c->rules : &a->rule;
	size_t n_rules = c->n_rules ? c->n_rules : a->rule[0] ? 1 : 0;
	if (!exception_allowed(d, rules, n_rules))
		return false;
	const char *incident = ns_arena_printf(d->ar, "inc-%lld", (long long)d->incident);
	const char *name = exception_name(d, incident);
	int ttl = d->lim->exception_ttl_hours;
	ttl = ttl < 1 ? 1 : ttl > MAX_TTL_HOURS ? MAX_TTL_HOURS : ttl;
	const ns_violation v = {.policy = a->policy,
	    .rule = n_rules ? rules[0] : "",
	    .message = c->policy_message,
	    .kind = p->target.kind,
	    .ns = p->target.ns,
	    .name = p->target.name,
	    .uid = p->target.uid,
	    .policy_kind = c->policy_kind};
	cJSON *ex = ns_exception_build(
	    c->exception_api_version, c->exception_namespace, name, &v, rules, n_rules, incident, "neuroscale-autopilot", ttl);
	bool cel = ns_policy_is_cel(c->policy_kind);
	cJSON *disarm = cel ? ns_exception_disarm_cel_patch() : ns_exception_disarm_patch();
	const char *resource = cel ? "policyexceptions.policies.kyverno.io" : "policyexceptions.kyverno.io";
	if (!ex || !disarm || !ns_k8s_subdomain_ok(name)) {
		cJSON_Delete(ex);
		cJSON_Delete(disarm);
		return ns_draft_refuse(d, "an exact exception could not be written for it");
	}
	const char *const argv[] = {"-n", c->exception_namespace, "create", "-f", "-", "-o", "json", NULL};
	const char **copy = ns_arena_alloc(d->ar, sizeof argv);
	for (size_t i = 0; argv[i]; i++)
		copy[i] = ns_arena_strdup(d->ar, argv[i]);
	p->command = (ns_command){.argv = copy,
	    .body = ns_patch_text(d->ar, ex),
	    .equivalent = ns_arena_printf(d->ar, "kubectl -n %s create -f %s.yaml", c->exception_namespace, name)};
	p->undo = ns_patch_command(d->ar, c->exception_namespace, ns_arena_printf(d->ar, "%s/%s", resource, name),
	    ns_patch_text(d->ar, disarm),
	    ns_arena_printf(d->ar, "kubectl -n %s delete %s/%s", c->exception_namespace, resource, name));
	p->undo_valid = true;
	p->summary = ns_arena_printf(d->ar, "except %s/%s from policy %s%s%s%s, for %d h", p->target.ns, p->target.name, a->policy,
	    n_rules ? ", rule " : "", n_rules ? rules[0] : "", n_rules > 1 ? " and its twins" : "", ttl);
	p->expected_effect =
	    ns_arena_printf(d->ar, "%s is admitted in spite of this rule, for %d hours; every other rule still holds", p->target.name, ttl);
	ns_draft_ask(d, "policy: an exception weakens a rule that somebody set, a person agrees to each one");
	return true;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* Beginnings of cause classes. */
static const char *const hopeless_memory[] = {"oom_leak", "oom_unbounded", "oom_operator", "oom_node", "jvm_heap", "node_heap", NULL};
static const char *const hopeless_rollback[] = {
    "registry_",
    "unschedulable",
    "missing_dependency",
    "dependency_",
    "credentials_",
    "certificate_",
    "dns_",
    "disk_",
    "volume_",
    "evicted",
    "node_",
    "quota_",
    "first_release",
    "oom_leak",
    "oom_unbounded",
    NULL,
};
static const char *const hopeless_scale[] = {
    "oom_",
    "bad_",
    "image_",
    "registry_",
    "missing_",
    "credentials_",
    "certificate_",
    "dependency_",
    "unschedulable",
    "quota_",
    "policy_",
    NULL,
};
static const char *const hopeless_cost[] = {"cost_production", "cost_stateful", NULL};
static const char *const hopeless_exception[] = {"policy_security", "policy_audit", NULL};

static const ns_action_row rows[] = {
    {NS_ACT_PATCH_RESOURCES, NS_RISK_LOW, build_patch_resources, "no container is OOMKilled and all replicas are ready, for at least 120 s",
        hopeless_memory, false},
    {NS_ACT_ROLLBACK, NS_RISK_MEDIUM, build_rollback,
        "all replicas run the restored template, are ready and do not restart, for at least 120 s", hopeless_rollback, false},
    {NS_ACT_SCALE, NS_RISK_MEDIUM, build_scale, "the wanted number of replicas is ready, for at least 120 s", hopeless_scale, true},
    {NS_ACT_COST_SCALE_DOWN, NS_RISK_LOW, build_cost_scale_down,
        "the remaining replicas are ready and no new incident of it appears, for at least 120 s", hopeless_cost, true},
    {NS_ACT_POLICY_EXCEPTION, NS_RISK_MEDIUM, build_policy_exception,
        "the violation is gone: the workload is admitted, or its report turns to skip", hopeless_exception, false},
};

const ns_action_row *ns_action_row_get(ns_action a)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].action == a)
			return &rows[i];
	return NULL;
}
