/* From a case whose every string comes from hell to the argv that would be spawned: one try for each action, from any bytes. Shared by the
 * bounded run of the tests and the fuzzer. */
#ifndef TESTS_AGENTS_HELL_PLAN_H
#define TESTS_AGENTS_HELL_PLAN_H
#include "support/test.h"

#include "../../src/agents/executor_priv.h"
#include "agents/kubectl_grammar.h"
#include "agents/planner_case.h"
#include "neuroscale/gitops/gitops.h"
#include "neuroscale/policy/policy.h"

typedef struct hell_source {
	const uint8_t *p;
	size_t n;
	ns_arena *ar;
} hell_source;

static inline uint8_t hell_byte(hell_source *s)
{
	if (!s->n)
		return 0;
	s->n--;
	return *s->p++;
}

/* A good name, one from the list, or whatever bytes follow. */
static inline const char *hell_text(hell_source *s, const char *good)
{
	static const char *const list[] = {"", "-", "--", "-x", "=", "--server=http://evil", "--server", "-nkube-system", "web --force",
	    "web\n--force", "a=b", "web;id", "$(id)", "`id`", "web'", "web\"", "../../x", "web/scale", "Web", "w\xc3\xa9", "\xff\xfe",
	    "web.", "-web", "web*", "?", "kube-system", "kube-public", "a' || true || '", "' && id #", "{}", "\x1b[2J", "w\xe2\x80\xae",
	    "0", "true", "&&", "|", "\\", "web\\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	uint8_t how = hell_byte(s);
	if (how < 160)
		return good;
	if (how < 220)
		return list[hell_byte(s) % (sizeof list / sizeof *list)];
	size_t n = how == 255 ? 100 * 1024 : hell_byte(s) % 24;
	char *out = ns_arena_alloc(s->ar, n + 1);
	for (size_t i = 0; i < n; i++) {
		uint8_t b = n > 255 ? 'a' : hell_byte(s);
		out[i] = (char)(b ? b : 'a');
	}
	out[n] = 0;
	return out;
}

/* What is wrong with the argv of one order, NULL nothing. */
static inline const char *hell_judge(ns_arena *ar, const ns_executor *ex, const fixture *f, const ns_plan *p, bool undo)
{
	ns_order o;
	ns_err err = {0};
	if (!ns_order_make(&o, ar, ex, p, undo, &err))
		return NULL; /* the door stays shut: nothing is spawned */
	const char *bad = NULL;
	bool policy = p->action == NS_ACT_POLICY_EXCEPTION;
	const char *want_ns = policy ? f->c.exception_namespace : f->c.alert.target.ns;
	const char *prefix = !policy                              ? "deployment/"
	                     : ns_policy_is_cel(f->c.policy_kind) ? "policyexceptions.policies.kyverno.io/"
	                                                          : "policyexceptions.kyverno.io/";
	for (int dry = 0; dry < 2 && !bad; dry++) {
		kubectl_parsed k = kubectl_parse(ns_argv_build(ar, ex, o.cmd->argv, dry));
		bool create = policy && !undo;
		if (k.bad || !k.ns || !k.context || !k.kubeconfig || !k.output)
			bad = "something is taken as another flag";
		else if (strcmp(k.ns, want_ns) || !plain_name(k.ns, 63, false) || ns_namespace_protected(k.ns, ex->protected_ns))
			bad = "another namespace";
		else if (strcmp(k.context, ex->cfg->context) || strcmp(k.kubeconfig, ex->kubeconfig) || strcmp(k.output, "json"))
			bad = "another cluster or output";
		else if (dry ? !k.dry_run || strcmp(k.dry_run, "server") : k.dry_run != NULL)
			bad = "a dry-run that is none, or a change that is one";
		else if (k.n_words != (create ? 1u : 2u) || strcmp(k.words[0], create ? "create" : "patch"))
			bad = "another verb, or more words";
		else if (create ? !k.filename || strcmp(k.filename, "-") || k.patch_file
		                : !k.patch_file || strcmp(k.patch_file, "/dev/stdin") || k.filename)
			bad = "another body";
		else if (!create && (strncmp(k.words[1], prefix, strlen(prefix)) || !plain_name(k.words[1] + strlen(prefix), 253, true)))
			bad = "another kind of object";
		else if (!create && !policy && strcmp(k.words[1] + strlen(prefix), f->c.alert.target.name))
			bad = "another object";
	}
	ns_order_free(&o);
	return bad;
}

/* What stands in a command for a person is a text for a shell: outside of our own quotes only the letters that our patterns have. */
static inline const char *hell_shell(const fixture *f, const char *command)
{
	static const char quoted[] = "'";
	bool in = false;
	for (const char *c = command; *c; c++) {
		unsigned char b = (unsigned char)*c;
		in ^= *c == *quoted;
		if (b < ' ' || b > '~')
			return "a control or foreign byte in a command for a person";
		if (!in && strchr("`$<>\\\"", *c))
			return "a shell's letter in a command for a person";
	}
	if (in)
		return "an open quote in a command for a person";
	const char *const used[] = {f->c.alert.target.ns, f->c.alert.target.name, f->c.owner.ns, f->c.owner.name};
	for (size_t i = 0; i < sizeof used / sizeof *used; i++)
		if (!plain_name(used[i], 253, true) && strlen(used[i]) > 3 && strstr(command, used[i]))
			return "a text that is no name in a command for a person";
	return NULL;
}

/* What a person reads, a screen shows: no byte of it moves a cursor. */
static inline const char *hell_steps(const ns_plan *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		for (const char *c = p->steps[i]; *c; c++)
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				return "a control byte in a step for a person";
	return NULL;
}

/* ---- who deploys it, by objects whose every string comes from hell ---- */

static inline cJSON *hell_entry(hell_source *s, int id)
{
	cJSON *e = cJSON_CreateObject(), *source = cJSON_AddObjectToObject(e, "source");
	cJSON_AddNumberToObject(e, "id", id);
	cJSON_AddStringToObject(e, "revision", hell_text(s, id ? "abc" : "def"));
	cJSON_AddStringToObject(e, "deployedAt", id ? "2026-01-01T00:00:00Z" : "2025-01-01T00:00:00Z");
	cJSON_AddStringToObject(source, "repoURL", hell_text(s, "https://git/x"));
	return e;
}

static inline void hell_application(hell_source *s, ns_arena *ar, ns_owner *o)
{
	cJSON *app = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(app, "metadata"), *spec = cJSON_AddObjectToObject(app, "spec");
	cJSON *status = cJSON_AddObjectToObject(app, "status"), *history = cJSON_AddArrayToObject(status, "history");
	cJSON *policy = cJSON_AddObjectToObject(spec, "syncPolicy"), *labels = cJSON_AddObjectToObject(meta, "labels");
	cJSON_AddStringToObject(meta, "namespace", hell_text(s, "argocd"));
	cJSON_AddStringToObject(meta, "name", hell_text(s, "shop"));
	if (hell_byte(s) & 1)
		cJSON_AddStringToObject(labels, "argocd.argoproj.io/instance", hell_text(s, "parent"));
	if (hell_byte(s) & 1) {
		cJSON *automated = cJSON_AddObjectToObject(policy, "automated");
		cJSON_AddStringToObject(automated, "prune", hell_text(s, "true"));
		cJSON_AddStringToObject(automated, hell_text(s, "enabled"), hell_text(s, "true"));
		cJSON_AddBoolToObject(automated, "selfHeal", hell_byte(s) & 1);
	}
	cJSON_AddItemToArray(history, hell_entry(s, 0));
	cJSON_AddItemToArray(history, hell_entry(s, 1));
	cJSON_AddStringToObject(cJSON_AddObjectToObject(status, "sync"), "revision", hell_text(s, "abc"));
	ns_argo_read(ar, app, 0, o);
	o->confirmed = hell_byte(s) & 1;
	cJSON_Delete(app);
}

/* The marks that a tool leaves on what it deploys; anybody may write them. */
static inline void hell_marks(hell_source *s, ns_arena *ar, ns_owner *o)
{
	static const char *const keys[][2] = {{"labels", "kustomize.toolkit.fluxcd.io/name"},
	    {"labels", "kustomize.toolkit.fluxcd.io/namespace"}, {"labels", "helm.toolkit.fluxcd.io/name"},
	    {"labels", "helm.toolkit.fluxcd.io/namespace"}, {"annotations", "meta.helm.sh/release-name"},
	    {"annotations", "meta.helm.sh/release-namespace"}, {"annotations", "argocd.argoproj.io/tracking-id"}};
	cJSON *object = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(object, "metadata");
	cJSON_AddObjectToObject(meta, "labels");
	cJSON_AddObjectToObject(meta, "annotations");
	uint8_t which = hell_byte(s);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (which >> i & 1)
			cJSON_AddStringToObject(cJSON_GetObjectItemCaseSensitive(meta, keys[i][0]), keys[i][1],
			    hell_text(s, i == 6 ? "argocd_shop:apps/Deployment:shop/web" : "shop"));
	ns_gitops_marks(ar, object, o);
	cJSON_Delete(object);
}

typedef struct hell_tally {
	size_t plans, orders, manual, owned;
} hell_tally;

/* NULL when nothing escaped. */
static inline const char *hell_plan(const uint8_t *bytes, size_t n, const ns_library *library, hell_tally *t)
{
	static char context[] = "-t;$(rm)", kubeconfig[] = "/state/k c/x.kubeconfig", cache[] = "/state/cache";
	static const char *const guarded[] = {"billing", NULL};
	const ns_kubeconfig cfg = {.context = context};
	const ns_executor ex = {.cfg = &cfg, .kubeconfig = kubeconfig, .cache = cache, .protected_ns = guarded};
	ns_arena *ar = ns_arena_new();
	hell_source s = {.p = bytes, .n = n, .ar = ar};
	static void (*const fixtures[])(fixture *, ns_arena *) = {fixture_oom, fixture_crash, fixture_cost, fixture_policy};
	fixture f;
	fixtures[hell_byte(&s) % 4](&f, ar);
	ns_workload *w = &f.c.alert.target;
	w->ns = hell_text(&s, "shop");
	w->name = hell_text(&s, "web");
	w->kind = hell_text(&s, "Deployment");
	w->uid = hell_text(&s, w->uid);
	f.c.alert.container = hell_text(&s, f.c.alert.container);
	f.k[2].name = hell_text(&s, "app");
	f.k[2].image = hell_text(&s, f.k[2].image);
	f.rev[1].replicaset = hell_text(&s, "web-b");
	f.rev[1].template_json = hell_text(&s, f.rev[1].template_json);
	f.c.alert.policy = hell_text(&s, f.c.alert.policy);
	f.c.alert.rule = hell_text(&s, f.c.alert.rule);
	f.c.policy_message = hell_text(&s, f.c.policy_message);
	f.c.exception_namespace = hell_text(&s, f.c.exception_namespace);
	f.rules[0] = hell_text(&s, "check-limits");
	if (hell_byte(&s) & 1) {
		f.c.policy_kind = hell_text(&s, "ValidatingPolicy");
		f.c.exception_api_version = hell_text(&s, "policies.kyverno.io/v1");
	}
	uint8_t owner = hell_byte(&s);
	if (owner & 1) {
		(owner & 2 ? hell_application : hell_marks)(&s, ar, &f.c.owner);
		f.c.managed_by = f.c.owner.tool;
		t->owned += *f.c.owner.tool != '\0';
	}
	f.rev[1].number = (int64_t)hell_byte(&s) - 8;
	f.c.replicas = (int64_t)hell_byte(&s) - 8;
	ns_plan *p = ns_plan_make(ar, &f.c, &f.r, library, &f.lim, &f.h, 7);
	const char *bad = NULL;
	t->plans++;
	if (p->action == NS_ACT_MANUAL_REVIEW) {
		t->manual++;
		bad = p->command.argv ? "a plan for a person has a command that runs" : hell_shell(&f, p->manual_command);
		bad = bad ? bad : hell_steps(p);
	} else {
		for (int undo = 0; undo < 2 && !bad; undo++) {
			ns_order o;
			if (ns_order_make(&o, ar, &ex, p, undo, NULL)) {
				t->orders++;
				ns_order_free(&o);
			}
			bad = hell_judge(ar, &ex, &f, p, undo);
		}
	}
	ns_arena_free(ar);
	return bad;
}
#endif
