/* Applications of Argo CD and the marks of other tools: what is read of them, and that a command for a person holds nothing but names, numbers
 * and our own words. */
#include "support/test.h"

#include <dirent.h>
#include <stdlib.h>

#include "neuroscale/base/clock.h"
#include "neuroscale/gitops/gitops.h"
#include "neuroscale/model/yaml.h"

#define BROKEN "2026-11-23T02:00:30Z"
#define ENTRY(id, rev, at) "{id: " id ", revision: " rev ", deployStartedAt: '" at "', deployedAt: '" at "', source: {repoURL: 'https://g/r', path: a, targetRevision: main}}"
#define USUAL_HISTORY ENTRY("1", "aaa", "2026-11-20T00:00:00Z") "," ENTRY("2", "bbb", "2026-11-22T00:00:00Z") "," ENTRY("4", "ccc", "2026-11-23T02:00:35Z")

static cJSON *app_of(ns_arena *ar, const char *meta, const char *policy, const char *history, const char *rest)
{
	ns_err err = {0};
	const char *text = ns_arena_printf(ar,
	    "{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd, resourceVersion: '77'%s}, spec: {syncPolicy: %s}, "
	    "status: {sync: {status: Synced, revision: ccc}, health: {status: Degraded}, resources: [{group: apps, kind: Deployment, namespace: shop, name: web, "
	    "status: OutOfSync}, {kind: ConfigMap, namespace: shop, name: cfg, status: OutOfSync, requiresPruning: true}, {kind: Service, namespace: shop, "
	    "name: web, status: Synced}], history: [%s]}%s}", meta, policy, history, rest);
	cJSON *j = ns_yaml_parse(text, strlen(text), "app", 0, 0, &err);
	if (!j)
		fail_msg("%s: %s", err.text, text);
	return j;
}

static int64_t broken(void)
{
	int64_t ms = 0;
	assert_true(ns_time_parse(BROKEN, &ms));
	return ms;
}

/* ---- history ---- */

static void test_which_state_to_go_back_to(void **state)
{
	(void)state;
	static const struct {
		const char *what, *meta, *policy, *history, *rest;
		int64_t id; /* -1 none */
		const char *why;
	} rows[] = {
	    {"the last before it broke", "", "{}", USUAL_HISTORY, "", 2, ""},
	    {"in any order", "", "{}", ENTRY("4", "ccc", "2026-11-23T02:00:35Z") "," ENTRY("2", "bbb", "2026-11-22T00:00:00Z"), "", 2, ""},
	    {"the same commit synced again is no other state", "", "{}",
	        ENTRY("1", "aaa", "2026-11-20T00:00:00Z") "," ENTRY("3", "ccc", "2026-11-22T00:00:00Z") "," ENTRY("4", "ccc", "2026-11-23T02:00:35Z"), "", 1, ""},
	    {"id 0 is an id", "", "{}", ENTRY("0", "aaa", "2026-11-20T00:00:00Z") "," ENTRY("1", "ccc", "2026-11-23T02:00:35Z"), "", 0, ""},
	    {"synced after it broke does not help", "", "{}",
	        ENTRY("1", "aaa", "2026-11-20T00:00:00Z") "," ENTRY("2", "bbb", "2026-11-23T02:10:00Z") "," ENTRY("4", "ccc", "2026-11-23T02:20:00Z"), "", 1, ""},
	    {"first sync", "", "{}", ENTRY("1", "ccc", "2026-11-23T02:00:35Z"), "", -1, "no earlier state"},
	    {"never synced", "", "{}", "", "", -1, "no sync yet"},
	    {"changed by hand since", "", "{}", ENTRY("1", "aaa", "2026-11-20T00:00:00Z") "," ENTRY("2", "bbb", "2026-11-22T00:00:00Z"), "", -1, "a sync sets it back"},
	    {"a revision that is a flag", "", "{}", ENTRY("1", "--server=x", "2026-11-20T00:00:00Z") "," ENTRY("4", "ccc", "2026-11-23T02:00:35Z"), "", -1,
	        "could be checked"},
	    {"an operation is asked for", "", "{}", USUAL_HISTORY, ", operation: {sync: {}}", -1, "operation of it is running"},
	    {"being deleted", ", deletionTimestamp: '2026-11-23T01:00:00Z'", "{}", USUAL_HISTORY, "", -1, "being deleted"},
	    {"of an ApplicationSet", ", ownerReferences: [{kind: ApplicationSet, name: apps, uid: u}]", "{}", USUAL_HISTORY, "", -1, "ApplicationSet apps writes it"},
	    {"app of apps", ", annotations: {argocd.argoproj.io/tracking-id: 'root:argoproj.io/Application:argocd/shop'}", "{}", USUAL_HISTORY, "", -1,
	        "Application root writes it"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		cJSON *j = app_of(ar, rows[i].meta, rows[i].policy, rows[i].history, rows[i].rest);
		ns_owner o;
		ns_argo_read(ar, j, broken(), &o);
		if (o.has_target != (rows[i].id >= 0) || (o.has_target && o.history_id != rows[i].id) || !strstr(o.why, rows[i].why) || (o.has_target && *o.why))
			fail_msg("%s: target %d id %lld, \"%s\"", rows[i].what, o.has_target, (long long)o.history_id, o.why);
		cJSON_Delete(j);
		ns_arena_free(ar);
	}
}

static void test_automation(void **state)
{
	(void)state;
	static const struct {
		const char *policy, *kept;
		bool on, heals;
	} rows[] = {
	    {"{}", "", false, false},
	    {"{automated: {}}", "{}", true, false},
	    {"{automated: {prune: true, selfHeal: true}}", "{\"prune\":true,\"selfHeal\":true}", true, true},
	    {"{automated: {enabled: false, selfHeal: true}}", "{\"selfHeal\":true,\"enabled\":false}", false, false},
	    {"{automated: {selfHeal: true, evil: '; rm -rf /', prune: \"$(id)\"}}", "{\"selfHeal\":true}", true, true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		cJSON *j = app_of(ar, "", rows[i].policy, USUAL_HISTORY, "");
		ns_owner o;
		ns_argo_read(ar, j, broken(), &o);
		o.confirmed = true;
		assert_int_equal(o.auto_sync, rows[i].on);
		assert_int_equal(o.self_heal, rows[i].heals);
		assert_string_equal(o.automated, rows[i].kept);
		assert_int_equal(ns_gitops_reverts(&o), rows[i].heals);
		o.confirmed = false;
		assert_true(ns_gitops_reverts(&o)); /* what nobody could read is taken to watch */
		ns_gitops_way w;
		const ns_workload web = {"c", "shop", "Deployment", "web", "u"};
		ns_gitops_ways(ar, &o, &web, 2, &w);
		/* Paused first, given back as it was; and where there is nothing to pause, nothing of it. */
		assert_int_equal(strstr(w.rollback, "\"automated\":null") != NULL, rows[i].on);
		assert_int_equal(*w.restore != 0, rows[i].on);
		assert_non_null(strstr(w.rollback, "syncStrategy: {apply: {}}, syncOptions: ")); /* braces that are no place to fill */
		if (rows[i].on)
			assert_non_null(strstr(w.restore, ns_arena_printf(ar, "{\"spec\":{\"syncPolicy\":{\"automated\":%s}}}", rows[i].kept)));
		cJSON_Delete(j);
		ns_arena_free(ar);
	}
}

static void test_drift_and_ownership(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	cJSON *j = app_of(ar, "", "{}", USUAL_HISTORY, "");
	const char *lines[1];
	assert_int_equal(ns_argo_drift(ar, j, lines, 1), 2);
	assert_string_equal(lines[0], "Deployment shop/web differs");
	assert_true(ns_argo_lists(j, "Deployment", "shop", "web"));
	assert_false(ns_argo_lists(j, "Deployment", "shop", "we"));
	assert_false(ns_argo_lists(j, "Deployment", "other", "web"));
	assert_false(ns_argo_lists(j, "StatefulSet", "shop", "web"));
	cJSON_Delete(j);
	ns_arena_free(ar);
}

/* ---- marks and commands ---- */

static void test_marks(void **state)
{
	(void)state;
	static const struct {
		const char *meta, *tool, *kind, *ns, *name;
	} rows[] = {
	    {"{annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:shop/web'}}", "argocd", "Application", "", "shop"},
	    {"{annotations: {argocd.argoproj.io/tracking-id: 'team-a_shop:apps/Deployment:shop/web'}}", "argocd", "Application", "team-a", "shop"},
	    {"{labels: {argocd.argoproj.io/instance: shop}}", "argocd", "Application", "", "shop"},
	    {"{labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: flux-system}}", "flux", "Kustomization", "flux-system", "apps"},
	    {"{labels: {helm.toolkit.fluxcd.io/name: web, helm.toolkit.fluxcd.io/namespace: shop}}", "flux", "HelmRelease", "shop", "web"},
	    {"{annotations: {meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: shop}}", "helm", "release", "shop", "web"},
	    {"{labels: {app.kubernetes.io/managed-by: Helm, app.kubernetes.io/instance: web}}", "helm", "release", "", "web"},
	    {"{labels: {app.kubernetes.io/managed-by: kustomize}}", "", "", "", ""},
	    {"{labels: {app.kubernetes.io/instance: web}}", "", "", "", ""},
	    {"{annotations: {argocd.argoproj.io/tracking-id: '--server=evil:apps'}}", "argocd", "Application", "", ""},
	    {"{annotations: {meta.helm.sh/release-name: \"a; id\", meta.helm.sh/release-namespace: -n}}", "helm", "release", "", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		const char *text = ns_arena_printf(ar, "{metadata: %s}", rows[i].meta);
		cJSON *j = ns_yaml_parse(text, strlen(text), "object", 0, 0, &err);
		assert_non_null(j);
		ns_owner o;
		ns_gitops_marks(ar, j, &o);
		if (strcmp(o.tool, rows[i].tool) || strcmp(o.kind, rows[i].kind) || strcmp(o.ns, rows[i].ns) || strcmp(o.name, rows[i].name))
			fail_msg("%s: %s %s %s/%s", rows[i].meta, o.tool, o.kind, o.ns, o.name);
		cJSON_Delete(j);
		ns_arena_free(ar);
	}
}

static void test_ways(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	const ns_workload web = {"c", "shop", "Deployment", "web", "u"};
	ns_gitops_way w;
	ns_owner o = {.tool = "flux", .kind = "HelmRelease", .ns = "shop", .name = "web", .automated = ""};
	ns_gitops_ways(ar, &o, &web, 3, &w);
	assert_string_equal(w.rollback, "flux suspend helmrelease web -n shop && kubectl -n shop rollout undo deployment/web --to-revision=3");
	assert_string_equal(w.restore, "flux resume helmrelease web -n shop");
	ns_gitops_ways(ar, &o, &web, 0, &w);
	assert_string_equal(w.rollback, ""); /* nothing to go back to */
	o = (ns_owner){.tool = "helm", .kind = "release", .ns = "shop", .name = "web", .automated = ""};
	ns_gitops_ways(ar, &o, &web, 0, &w);
	assert_string_equal(w.rollback, "helm -n shop history web && helm -n shop rollback web --wait");
	static const char *const bad[] = {"", "-x", "a b", "a;id", "$(id)", "A", "a\nb", "a'", "--server=x", "\xe2\x80\xae", "a/b"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		o.name = bad[i];
		o.ns = "shop";
		ns_gitops_ways(ar, &o, &web, 3, &w);
		assert_true(!*w.rollback && !*w.sync && !*w.compare && !*w.restore);
		o.name = "web";
		o.ns = bad[i];
		ns_gitops_ways(ar, &o, &web, 3, &w);
		assert_true(!*w.rollback && !*w.sync && !*w.compare && !*w.restore);
	}
	ns_arena_free(ar);
}

/* Applications as clusters have them, where they are at hand: they are read without harm, and what is said of them holds together. */
static void test_real_applications(void **state)
{
	(void)state;
	static const char dir[] = "../shared/fixtures/applications";
	DIR *d = opendir(dir);
	if (!d) {
		print_message("skipped: no %s\n", dir);
		skip();
	}
	size_t read = 0, with_history = 0;
	for (struct dirent *e; (e = readdir(d));) {
		char path[600];
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		FILE *f = *e->d_name == '.' ? NULL : fopen(path, "r");
		if (!f)
			continue;
		char *text = calloc(1, 1 << 20);
		size_t n = fread(text, 1, (1 << 20) - 1, f);
		fclose(f);
		cJSON *j = strstr(path, ".json") ? ns_json_parse(text, n, &ns_json_api, NULL) : ns_yaml_parse(text, n, path, 0, 0, NULL);
		free(text);
		if (!j)
			continue;
		ns_arena *ar = ns_arena_new();
		ns_owner o;
		ns_argo_read(ar, j, 0, &o);
		read++;
		with_history += ns_json_len(ns_json_path(j, "status.history")) > 1;
		assert_true(o.has_target == !*o.why);
		assert_int_equal(o.auto_sync && !*o.automated, 0);
		ns_arena_free(ar);
		cJSON_Delete(j);
	}
	closedir(d);
	assert_true(read >= 5);
	print_message("## gitops: %zu real applications read, %zu with a history\n", read, with_history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_which_state_to_go_back_to), cmocka_unit_test(test_automation), cmocka_unit_test(test_drift_and_ownership),
	    cmocka_unit_test(test_marks), cmocka_unit_test(test_ways), cmocka_unit_test(test_real_applications),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
