/* The one door (law 1). A change goes through it in two passes of the same steps: order (every static check), live object (pinned uid,
 * generation, resourceVersion), kubectl. The first pass asks the server with --dry-run=server and yields the digest that is approved; the
 * second sends. The body of a patch carries `test` on uid and resourceVersion, so what was read is what is changed, or nothing is. */
#include "neuroscale/agents/executor.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "executor_priv.h"
#include "neuroscale/sys/digest.h"
#include "neuroscale/sys/fs.h"

enum { DEADLINE_MS = 30000, MAX_DIFF = 256 * 1024, MAX_TRIES = 6 };

/* ---- life ---- */

/* One private kubeconfig per cluster, so that the executors of several share a state directory. Two files may call their contexts the same. */
static char *kubeconfig_path(const char *dir, const ns_kubeconfig *cfg)
{
	char hex[NS_HEX256];
	ns_digest *d = ns_digest_new();
	ns_digest_field(d, "file", cfg->file ? cfg->file : "");
	ns_digest_field(d, "context", cfg->context);
	ns_digest_field(d, "server", cfg->server ? cfg->server : "");
	ns_digest_finish(d, hex);
	return ns_xasprintf("%s/%.16s.kubeconfig", dir, hex);
}

static bool prepare(ns_executor *e, const ns_executor_opts *o, ns_err *err)
{
	char *dir = ns_path_join(o->state_dir, "kubectl");
	e->kubeconfig = kubeconfig_path(dir, o->cfg);
	e->home = ns_path_join(dir, "home");
	e->cache = ns_path_join(dir, "cache");
	e->locks = ns_path_join(o->state_dir, "locks");
	bool ok = ns_mkdirs(dir, 0700, err) && ns_mkdirs(e->home, 0700, err) && ns_mkdirs(e->cache, 0700, err) && ns_mkdirs(e->locks, 0700, err) &&
	    ns_kubeconfig_write_private(o->cfg, e->kubeconfig, err);
	free(dir);
	e->envp = ns_kubectl_environment(e->home, (const char *const *)environ);
	return ok;
}

ns_executor *ns_executor_new(const ns_executor_opts *o, ns_err *err)
{
	if (!o->kubectl || *o->kubectl != '/' || access(o->kubectl, X_OK) != 0) {
		ns_fail(err, NS_E_NOTFOUND, "kubectl was not found%s%s: install it, or name it in the configuration", o->kubectl && *o->kubectl ? " at " : "",
		    o->kubectl ? o->kubectl : "");
		return NULL;
	}
	ns_executor *e = ns_xcalloc(1, sizeof *e);
	e->cfg = o->cfg;
	e->spawner = o->spawner ? o->spawner : &ns_spawner_real;
	e->cancel = o->cancel;
	e->clock = o->clock ? o->clock : ns_clock_real();
	e->deadline_ms = o->deadline_ms > 0 ? o->deadline_ms : DEADLINE_MS;
	e->protected_ns = o->protected_ns;
	e->kubectl = ns_xstrdup(o->kubectl);
	if (prepare(e, o, err))
		return e;
	ns_executor_free(e);
	return NULL;
}

void ns_executor_free(ns_executor *e)
{
	if (!e)
		return;
	if (e->kubeconfig)
		unlink(e->kubeconfig); /* it holds credentials */
	ns_strv_free(e->envp);
	free(e->kubectl);
	free(e->kubeconfig);
	free(e->home);
	free(e->cache);
	free(e->locks);
	free(e);
}

/* ---- target locks ---- */

int ns_target_lock(ns_executor *e, const ns_workload *w, char *path, size_t cap, ns_err *err)
{
	char hex[NS_HEX256];
	ns_digest *d = ns_digest_new();
	ns_digest_field(d, "cluster", w->cluster);
	ns_digest_field(d, "ns", w->ns);
	ns_digest_field(d, "kind", w->kind);
	ns_digest_field(d, "name", w->name);
	ns_digest_finish(d, hex);
	char *full = ns_xasprintf("%s/%s.lock", e->locks, hex);
	int fd = -1;
	if (!ns_copy(path, cap, full))
		ns_fail(err, NS_E_TOOBIG, "the path of the lock for %s/%s is too long", w->ns, w->name);
	else if ((fd = ns_lock_file(full, err)) < 0)
		ns_err_wrap(err, "%s/%s is still being acted on", w->ns, w->name);
	free(full);
	return fd;
}

/* Only closed, never LOCK_UN: a child that still runs shares the open file, and unlocking it would take the lock from the child too. */
void ns_target_unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* ---- dry-run ---- */

static const char *const diff_ignores[] = {"status", "metadata.resourceVersion", "metadata.managedFields", "metadata.generation",
    "metadata.creationTimestamp", "metadata.uid", "metadata.selfLink", "spec.template.metadata.creationTimestamp", NULL};

static bool refuse_dryrun(ns_dryrun *d, ns_arena *ar, ns_code code, const char *words)
{
	d->ok = false;
	d->code = code;
	d->error = ns_say_clean(ar, words, strlen(words), 480, false);
	return false;
}

static void hash_json(const cJSON *j, char out[NS_HEX256])
{
	ns_buf text = NS_BUF_INIT;
	ns_json_canonical(j, &text);
	ns_sha256_hex(ns_buf_str(&text), text.len, out);
	ns_buf_free(&text);
}

/* What the digest binds beside the plan, kept with it so that it can be derived again. */
static bool make_digest(const ns_order *o, const ns_executor *e, ns_arena *ar, ns_dryrun *d, const char *diff, const cJSON *result,
    const char *policy_version)
{
	d->context = ns_arena_strdup(ar, e->cfg->context);
	d->target_path = ns_arena_strdup(ar, o->target_path);
	d->policy = ns_arena_strdup(ar, policy_version);
	ns_sha256_hex(diff, strlen(diff), d->diff_hash);
	hash_json(ns_json_get(result, "spec"), d->spec_hash); /* the diff cuts long values, this does not */
	return ns_dryrun_digest(d, o->plan, o->undo, d->digest);
}

/* spec without the creationTimestamp that servers print into a pod template: it says nothing. */
static cJSON *bare_spec(const cJSON *object)
{
	cJSON *spec = cJSON_Duplicate(ns_json_get(object, "spec"), true);
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(spec, "template"), "metadata");
	cJSON_DeleteItemFromObjectCaseSensitive(meta, "creationTimestamp");
	return spec;
}

/* The inverse, applied in code to what the change would give, is the original; for a create, it applies and disarms. */
static bool undo_works(const ns_order *o, const ns_executor *e, const ns_live *live, const cJSON *result)
{
	const char *why;
	ns_meaning m;
	if (!o->inverse->argv || !ns_argv_meaning(o->inverse->argv, e->protected_ns, &m, &why) || m.verb != NS_VERB_PATCH ||
	    strcmp(m.ns, o->m.ns) != 0 || strcmp(m.name, o->m.name) != 0)
		return false;
	cJSON *ops = ns_body_check(o->plan, o->inverse, &m, e->protected_ns, NULL);
	cJSON *back = ops ? ns_patch_apply(result, ops, NULL) : NULL;
	bool works = back != NULL;
	if (works && live->object) {
		cJSON *a = bare_spec(back), *b = bare_spec(live->object);
		works = ns_json_same(a, b);
		cJSON_Delete(a);
		cJSON_Delete(b);
	} else if (works) {
		works = !ns_json_same(ns_json_get(back, "spec"), ns_json_get(result, "spec"));
	}
	cJSON_Delete(ops);
	cJSON_Delete(back);
	return works;
}

/* What the server says it would make of it, compared with what is there. */
static bool judge_answer(ns_dryrun *d, ns_arena *ar, const ns_executor *e, const ns_order *o, const ns_live *live, const cJSON *answer,
    const char *policy_version)
{
	ns_err err = {0};
	if (!ns_order_answered(o, live, answer, &err))
		return refuse_dryrun(d, ar, err.code, err.text);
	cJSON *nothing = cJSON_CreateObject();
	ns_buf diff = NS_BUF_INIT;
	d->diff_lines = ns_json_diff(live->object ? live->object : nothing, answer, diff_ignores, &diff);
	cJSON_Delete(nothing);
	bool ok = true;
	if (d->diff_lines == 0)
		ok = refuse_dryrun(d, ar, NS_E_FAILED, "the server says that nothing would change");
	else if (diff.len > MAX_DIFF) /* what cannot be shown cannot be approved */
		ok = refuse_dryrun(d, ar, NS_E_TOOBIG, "the difference is too large to be shown");
	else {
		d->diff = ns_say_clean(ar, ns_buf_str(&diff), diff.len, 2 * MAX_DIFF, true);
		d->undo_ok = undo_works(o, e, live, answer);
		ok = make_digest(o, e, ar, d, ns_buf_str(&diff), answer, policy_version) || refuse_dryrun(d, ar, NS_E_INVALID, "the plan's body is no JSON");
	}
	ns_buf_free(&diff);
	return ok;
}

/* One pass. *moved: the object changed between reading and asking, so that the `test` failed: worth another pass. */
static bool dryrun_pass(ns_dryrun *d, ns_arena *ar, const ns_executor *e, ns_kube_client *c, const ns_order *o, const char *policy_version, bool *moved)
{
	ns_live live;
	ns_err err = {0};
	if (!ns_order_read(o, ar, c, &live, &err))
		return refuse_dryrun(d, ar, err.code, err.text);
	d->live_uid = live.pinned_uid;
	d->live_generation = live.generation;
	char *text = ns_order_text(o, &live);
	ns_answer a;
	ns_kubectl_run(e, ar, o->cmd->argv, text, true, -1, &a);
	free(text);
	d->warnings = a.warnings;
	const char *fatal = ns_kubectl_fatal_warning(a.warnings);
	bool ok;
	if (!a.ok) {
		*moved = a.cls.code == NS_E_CONFLICT && o->cmd->json_patch;
		ok = refuse_dryrun(d, ar, a.cls.code, a.error);
	} else if (fatal) {
		ok = refuse_dryrun(d, ar, NS_E_DENIED, ns_arena_printf(ar, "it would be accepted and have no effect: %s", a.warnings));
	} else {
		ok = judge_answer(d, ar, e, o, &live, a.object, policy_version);
	}
	ns_answer_free(&a);
	ns_live_free(&live);
	return ok;
}

/* Law 3: the target is the alert's own object. */
static bool same_as_case(const ns_plan *p, const ns_case *cs, ns_err *err)
{
	const ns_workload *a = &p->target, *b = &cs->alert.target;
	return (strcmp(a->ns, b->ns) == 0 && strcmp(a->kind, b->kind) == 0 && strcmp(a->name, b->name) == 0 && strcmp(a->cluster, b->cluster) == 0) ||
	    ns_fail(err, NS_E_DENIED, "the plan's target is not the case's");
}

static void dryrun_order(ns_dryrun *d, ns_arena *ar, const ns_executor *e, ns_kube_client *c, const ns_order *o, const char *policy_version)
{
	ns_err err = {0};
	char *identity = ns_kube_identity(c, e->cfg, &err);
	if (!identity) {
		refuse_dryrun(d, ar, err.code, err.text);
		return;
	}
	d->cluster_identity = ns_arena_strdup(ar, identity);
	free(identity);
	d->shown_command = ns_argv_show(ar, e, o->cmd->argv, o->cmd->body);
	for (int i = 0; i < MAX_TRIES; i++) {
		bool moved = false;
		d->ok = dryrun_pass(d, ar, e, c, o, policy_version, &moved);
		if (d->ok) {
			d->code = NS_OK;
			d->error = "";
		}
		if (!moved)
			return;
	}
}

ns_dryrun *ns_execute_dryrun(ns_executor *e, ns_arena *ar, ns_kube_client *c, const ns_plan *p, const ns_case *cs, const char *policy_version, bool undo)
{
	ns_dryrun *d = ns_arena_alloc(ar, sizeof *d);
	*d = (ns_dryrun){.error = "", .diff = "", .warnings = "", .live_uid = "", .cluster_identity = "", .shown_command = "", .at_ms = ns_clock_wall_ms(e->clock)};
	int64_t began = ns_real_mono_ms();
	ns_order o;
	ns_err err = {0};
	if ((!cs && !undo) || (cs && !same_as_case(p, cs, &err)) || !ns_order_make(&o, ar, e, p, undo, &err)) {
		refuse_dryrun(d, ar, err.code == NS_OK ? NS_E_DENIED : err.code, *err.text ? err.text : "there is no case for it");
	} else {
		dryrun_order(d, ar, e, c, &o, policy_version);
		ns_order_free(&o);
	}
	d->took_ms = ns_real_mono_ms() - began;
	return d;
}

/* ---- execution ---- */

static void refuse_execution(ns_execution *x, ns_arena *ar, ns_code code, const char *words)
{
	x->code = code;
	x->error = ns_say_clean(ar, words, strlen(words), 480, false);
}

static void record_answer(ns_execution *x, ns_arena *ar, const ns_order *o, const ns_live *live, const ns_answer *a)
{
	ns_err err = {0};
	x->sent = x->sent || a->started;
	x->exit_code = a->exit_code;
	x->conflict = false;
	if (!a->ok) {
		x->unknown = a->started && (a->cut_off || a->cls.in_doubt);
		x->conflict = a->started && !x->unknown && a->cls.code == NS_E_CONFLICT;
		x->code = a->cls.code;
		x->error = a->error;
		return;
	}
	const char *fatal = ns_kubectl_fatal_warning(a->warnings);
	x->generation = ns_json_int_or(a->object, "metadata.generation", 0);
	x->output = ns_arena_printf(ar, "%s %s/%s generation %lld resourceVersion %.40s%s%s", ns_json_str(a->object, "kind", ""), o->m.ns, o->m.name,
	    (long long)x->generation, ns_json_str(a->object, "metadata.resourceVersion", ""), *a->warnings ? "; warning: " : "", a->warnings);
	if (!ns_order_answered(o, live, a->object, &err)) {
		x->unknown = true;
		refuse_execution(x, ar, err.code, err.text);
	} else if (fatal) { /* law 9: it exists and does nothing */
		refuse_execution(x, ar, NS_E_DENIED, ns_arena_printf(ar, "it was accepted and has no effect: %s", a->warnings));
	} else {
		x->ok = true;
		x->code = NS_OK;
		x->error = "";
	}
}

/* One try. True when it is worth another: the `test` failed (so nothing was done) because the object moved. That it moved by more than its
 * status is found by the next reading. */
static bool try_once(ns_execution *x, ns_arena *ar, const ns_executor *e, ns_kube_client *c, const ns_order *o, int lock_fd, char *tested, size_t cap)
{
	ns_live live;
	ns_err err = {0};
	if (!ns_order_read(o, ar, c, &live, &err)) {
		x->conflict = err.code == NS_E_CONFLICT || err.code == NS_E_NOTFOUND;
		refuse_execution(x, ar, err.code, err.text);
		return false;
	}
	bool again = false;
	if (*tested && strcmp(tested, live.resource_version) == 0) {
		/* Nothing moved and it was refused all the same: the patch itself does not fit. */
		x->conflict = false;
		refuse_execution(x, ar, NS_E_INVALID, ns_arena_printf(ar, "the server refused the patch: %s", x->error));
	} else {
		ns_copy(tested, cap, live.resource_version);
		char *text = ns_order_text(o, &live);
		ns_answer a;
		ns_kubectl_run(e, ar, o->cmd->argv, text, false, lock_fd, &a);
		free(text);
		record_answer(x, ar, o, &live, &a);
		again = x->conflict && o->cmd->json_patch;
		ns_answer_free(&a);
	}
	ns_live_free(&live);
	return again;
}

ns_execution *ns_execute(ns_executor *e, ns_arena *ar, ns_kube_client *c, const ns_plan *p, bool undo, int lock_fd)
{
	ns_execution *x = ns_arena_alloc(ar, sizeof *x);
	*x = (ns_execution){.error = "", .output = "", .exit_code = -1, .at_ms = ns_clock_wall_ms(e->clock)};
	int64_t began = ns_real_mono_ms();
	ns_order o;
	ns_err err = {0};
	char tested[64] = "";
	if (lock_fd < 0) {
		refuse_execution(x, ar, NS_E_DENIED, "nothing is sent without the target's lock (law 8)");
	} else if (!ns_order_make(&o, ar, e, p, undo, &err)) {
		refuse_execution(x, ar, err.code, err.text);
	} else {
		for (int i = 0; i < MAX_TRIES && try_once(x, ar, e, c, &o, lock_fd, tested, sizeof tested); i++)
			;
		ns_order_free(&o);
	}
	x->took_ms = ns_real_mono_ms() - began;
	return x;
}
