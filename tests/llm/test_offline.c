/* What a senior SRE would say to each of these cases, and above all what nobody may do. */
#include "support/test.h"

#include "cases_memory.h"
#include "cases_other.h"
#include "cases_release.h"
#include "neuroscale/base/text.h"

typedef struct row {
	const char *name;
	build (*make)(ns_arena *ar);
	ns_action action;
	const char *cause; /* NULL: not looked at */
	double low, high;  /* bounds of the confidence */
	int automatic;     /* 1 yes, 0 no, -1 either */
} row;

#define MAN NS_ACT_MANUAL_REVIEW

static const row rows[] = {
    {"oom with a known limit", oom_plain, NS_ACT_PATCH_RESOURCES, "oom_limit_too_low", .86, .95, 1},
    {"one oom kill, running again: asked", oom_once, NS_ACT_PATCH_RESOURCES, "oom_limit_too_low", .5, .75, 0},
    {"limit lowered by the newest revision", oom_lowered, NS_ACT_PATCH_RESOURCES, "oom_limit_lowered", .85, .95, 1},
    {"raised once: a person is asked", oom_raised_once, NS_ACT_PATCH_RESOURCES, NULL, .5, .75, 0},
    {"raised twice: a leak", oom_raised_twice, MAN, "oom_unbounded_growth", .5, .95, 0},
    {"4Gi in three seconds", oom_balloon, MAN, "oom_unbounded_growth", .4, .9, 0},
    {"a command that eats everything", oom_endless_command, MAN, "oom_unbounded_growth", .7, .95, 0},
    {"limits of an operator", oom_operator, MAN, "oom_operator_owned", .7, .95, 0},
    {"limits of a vertical autoscaler", oom_vpa, MAN, "oom_operator_owned", .7, .95, 0},
    {"oom without a limit", oom_without_limit, MAN, "oom_node_memory", .5, .9, 0},
    {"limit near the node's memory", oom_node_too_small, MAN, "oom_node_memory", .5, .9, 0},
    {"node under pressure", oom_node_pressure, MAN, "oom_node_memory", .4, .9, 0},
    {"jvm with its own heap size", oom_jvm, NS_ACT_PATCH_RESOURCES, "oom_jvm_heap_vs_limit", .6, .74, 0},
    {"nine hours to the kill", oom_slow_leak, NS_ACT_PATCH_RESOURCES, NULL, .5, .8, 0},
    {"a StatefulSet is a person's", oom_statefulset, MAN, "oom_limit_too_low", .5, .95, 0},
    {"kube-system is a person's", oom_kube_system, MAN, NULL, 0, 1, 0},
    {"a database: asked", oom_database, NS_ACT_PATCH_RESOURCES, NULL, .5, .9, 0},
    {"under Argo CD: asked", oom_gitops, NS_ACT_PATCH_RESOURCES, NULL, .5, .95, 0},
    {"137 without OOMKilled", kill9_no_oom, MAN, "killed_from_outside", .4, .8, 0},
    {"OOMKilled only in the log", oom_only_in_the_log, MAN, NULL, 0, .8, 0},
    {"jvm heap, exit 3", jvm_heap, MAN, "jvm_heap_exhausted", .6, .9, 0},
    {"node heap, exit 134", node_heap, MAN, "node_heap_exhausted", .6, .9, 0},
    {"python MemoryError", python_memory, MAN, "process_out_of_memory", .4, .8, 0},

    {"new image crashes, former serves", release_image, NS_ACT_ROLLBACK, "bad_release_crash", .83, .94, 1},
    {"command that does not exist", release_command, NS_ACT_ROLLBACK, "bad_release_crash", .83, .94, 1},
    {"go panic of the newest revision", release_panic, NS_ACT_ROLLBACK, "bad_release_crash", .83, .94, 1},
    {"module missing in the new image", release_module, NS_ACT_ROLLBACK, "bad_release_crash", .83, .94, 1},
    {"new image of another processor", release_arch, NS_ACT_ROLLBACK, "bad_release_crash", .7, .94, -1},
    {"strategy Recreate", release_recreated, NS_ACT_ROLLBACK, "bad_release_crash", .78, .94, 1},
    {"found long after the rollout", release_old_alert, NS_ACT_ROLLBACK, "bad_release_crash", .78, .94, 1},
    {"refused connection", release_dependency, MAN, "dependency_unreachable", .5, .9, 0},
    {"unknown host", release_dns, MAN, "dns_failure", .5, .9, 0},
    {"wrong password", release_password, MAN, "credentials_rejected", .5, .9, 0},
    {"expired certificate", release_certificate, MAN, "certificate_not_accepted", .5, .9, 0},
    {"disk full", release_disk, MAN, "disk_full", .5, .9, 0},
    {"too many clients", release_too_many, MAN, "dependency_at_limit", .5, .9, 0},
    {"missing secret, only the image changed", release_missing_secret, MAN, "missing_secret_or_config", .6, .95, 0},
    {"missing secret that the revision introduced", release_adds_secret, NS_ACT_ROLLBACK, "bad_release_config", .5, .74, 0},
    {"variable that the revision removed", release_removed_env, NS_ACT_ROLLBACK, "bad_release_config", .5, .74, 0},
    {"new image wants a new variable", release_new_image_new_env, NS_ACT_ROLLBACK, "bad_release_config", .5, .74, 0},
    {"a variable that the former revision had too", release_old_env_gone, MAN, "missing_setting", .5, .9, 0},
    {"a variable missing after good minutes", release_ran_before_env_gone, MAN, "missing_setting", .5, .9, 0},
    {"a crash after good minutes: asked", release_ran_before_crash, NS_ACT_ROLLBACK, "bad_release_crash", .5, .75, 0},
    {"address that the revision changed", release_wrong_host, NS_ACT_ROLLBACK, "bad_release_config", .5, .74, 0},
    {"probe that the revision broke", release_probe, NS_ACT_ROLLBACK, "bad_probe", .8, .94, 1},
    {"stalled, not ready, former serves", stalled_unready, NS_ACT_ROLLBACK, "bad_release_not_ready", .8, .94, 1},
    {"stalled under Argo CD", stalled_argocd, MAN, "bad_release_gitops", .7, .95, 0},
    {"stalled and paused", stalled_paused, NS_ACT_ROLLBACK, NULL, .5, .9, 0},
    {"crash under Argo CD", release_argocd, MAN, "bad_release_gitops", .7, .95, 0},
    {"crash under an operator", release_operator, MAN, "bad_release_operator", .7, .95, 0},
    {"volumes changed too", release_volumes, NS_ACT_ROLLBACK, "bad_release_crash", .6, .9, 0},
    {"log not readable", release_logs_forbidden, NS_ACT_ROLLBACK, "bad_release_crash", .5, .75, 0},
    {"template unchanged", release_same_template, MAN, NULL, 0, .8, 0},
    {"no earlier revision was healthy", release_never_healthy, MAN, NULL, 0, .8, 0},
    {"recovered meanwhile", release_recovered, MAN, "recovered", .4, .9, 0},
    {"StatefulSet crash", release_statefulset, MAN, NULL, 0, .8, 0},
    {"first install", first_install, MAN, "first_release_broken", .5, .9, 0},
    {"history not readable", history_unread, MAN, "app_crash", .3, .8, 0},
    {"crash long after the rollout", long_running_crash, MAN, "app_crash", .3, .8, 0},
    {"segmentation fault after months", long_running_segv, MAN, "app_crash", .3, .8, 0},
    {"exit 0 again and again", exits_cleanly, MAN, "exits_cleanly", .5, .9, 0},
    {"variable missing for long", env_missing_old, MAN, "missing_setting", .5, .9, 0},
    {"redis away", dependency_old, MAN, "dependency_unreachable", .5, .9, 0},
    {"schema behind the release", schema, MAN, "schema_mismatch", .4, .9, 0},
    {"permission denied", permission, MAN, "permission_denied", .3, .9, 0},
    {"lock file", lock, MAN, "data_or_lock", .5, .9, 0},
    {"coredns loop", coredns, MAN, "dns_loop", .4, .95, 0},

    {"configmap gone under a running revision", secret_missing, MAN, "missing_secret_or_config", .7, .95, 0},
    {"secret volume", secret_not_mounted, MAN, "missing_secret_or_config", .6, .95, 0},
    {"must not run as root", run_as_root, MAN, "security_context", .5, .95, 0},
    {"image typo in the newest revision", image_typo_release, NS_ACT_ROLLBACK, "bad_release_image", .85, .95, 1},
    {"back-off message only", image_backoff_only, NS_ACT_ROLLBACK, "bad_release_image", .8, .95, 1},
    {"invalid image name in the newest revision", image_name_release, NS_ACT_ROLLBACK, "bad_release_image", .8, .95, 1},
    {"credentials, image unchanged", image_unchanged_auth, MAN, "registry_auth", .6, .95, 0},
    {"credentials, new tag of the same repository", image_release_auth, MAN, "registry_auth", .4, .95, 0},
    {"pull rate limit", image_rate_limit, MAN, "registry_rate_limit", .6, .95, 0},
    {"registry down", image_registry_down, MAN, "registry_unreachable", .5, .95, 0},
    {"image missing on first install", image_first_install, MAN, "image_not_found", .6, .95, 0},

    {"no room on the nodes", no_room, MAN, "unschedulable_capacity", .6, .95, 0},
    {"taints", taints, MAN, "unschedulable_constraints", .6, .95, 0},
    {"unbound volume", volume, MAN, "unschedulable_volume", .6, .95, 0},
    {"liveness kill", liveness, MAN, "probe_kills_container", .5, .9, 0},
    {"not ready after months", readiness_long, MAN, "not_ready", .4, .8, 0},
    {"quota", quota, MAN, "quota_exceeded", .6, .95, 0},
    {"stalled, nothing known", stalled_nothing_known, MAN, "rollout_stalled", .3, .7, 0},
    {"target gone", gone, MAN, "target_gone", .7, 1, 0},
    {"evicted", evicted, MAN, "evicted", .5, .9, 0},
    {"storm", storm, MAN, "storm", .7, 1, 0},
    {"nothing known at all", nothing_known, MAN, "unknown", 0, .5, 0},

    {"best practice", policy_limits, NS_ACT_POLICY_EXCEPTION, "policy_best_practice", .6, .9, 0},
    {"best practice that blocks", policy_blocked, NS_ACT_POLICY_EXCEPTION, "policy_best_practice", .6, .9, 0},
    {"signature rule", policy_signature, MAN, "policy_security_rule", .7, 1, 0},
    {"privilege rule", policy_privileged, MAN, "policy_security_rule", .7, 1, 0},
    {"host rule", policy_hostpath, MAN, "policy_security_rule", .7, 1, 0},
    {"network rule", policy_network, MAN, "policy_security_rule", .7, 1, 0},
    {"access rule", policy_rbac, MAN, "policy_security_rule", .7, 1, 0},
    {"unknown rule", policy_unknown, MAN, "policy_unclassified", .3, .8, 0},
    {"audit only", policy_audit, MAN, "policy_audit_only", .5, 1, 0},
    {"no exceptions served", policy_no_crd, MAN, NULL, 0, 1, 0},
    {"idle development workload", cost_dev, NS_ACT_COST_SCALE_DOWN, "cost_idle_nonproduction", .8, .95, 1},
    {"busy development workload: asked", cost_dev_busy, NS_ACT_COST_SCALE_DOWN, "cost_idle_nonproduction", .5, .75, 0},
    {"five-fold cost, use unknown", cost_dev_runaway, NS_ACT_COST_SCALE_DOWN, "cost_idle_nonproduction", .75, .95, 1},
    {"production cost", cost_prod, MAN, "cost_production", .6, 1, 0},
    {"stateful cost", cost_statefulset, MAN, "cost_stateful", .6, 1, 0},
    {"database cost", cost_database, MAN, "cost_stateful", .4, 1, 0},
    {"cost in kube-system", cost_kube_system, MAN, NULL, 0, 1, 0},

    {"instructions in a log", injection_scale, MAN, "app_crash", .3, .8, 0},
    {"instructions in an event", injection_event, MAN, "first_release_broken", .4, .9, 0},
    {"a log marked as trusted", injection_trusts_logs, MAN, "app_crash", .3, .85, 0},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static void check_shape(const row *x, const ns_case *c, const ns_rca *r)
{
	bool known = false;
	for (size_t i = 0; ns_offline_cause_class(i); i++)
		known |= !strcmp(ns_offline_cause_class(i), r->cause_class);
	assert_true(known);
	assert_string_equal(r->provider, "offline");
	assert_true(*r->root_cause && *r->reasoning && *r->next_steps);
	assert_null(strchr(r->root_cause, '\n'));
	assert_true(r->confidence >= 0 && r->confidence <= 1);
	for (size_t i = 0; i < r->n_claims; i++) {
		assert_true(r->claims[i].n_evidence > 0);
		for (size_t e = 0; e < r->claims[i].n_evidence; e++) {
			bool found = false;
			for (size_t k = 0; k < c->n_evidence; k++)
				found |= !strcmp(c->evidence[k].id, r->claims[i].evidence[e]);
			assert_true(found);
		}
	}
	static const char *const places[] = {"{w}", "{c}", "{exit}", "{n}", "{limit}", "{rev}", "{good}", "{chg}", "{img}", "{(x)}", "{x|",
	    "{msg}", "{polmsg}", "{owner", "{app}", "{ns}", "{kind}"};
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (strstr(r->root_cause, places[i]) || strstr(r->reasoning, places[i]) || strstr(r->next_steps, places[i]))
			fail_msg("%s: %s was not filled", x->name, places[i]);
}

static void test_table(void **state)
{
	(void)state;
	int wrong = 0;
	for (size_t i = 0; i < ROWS; i++) {
		const row *x = &rows[i];
		ns_arena *ar = ns_arena_new();
		build b = x->make(ar);
		const ns_rca *r = ns_offline_analyze(ar, b.c);
		check_shape(x, b.c, r);
		bool ok = r->action == x->action && (!x->cause || !strcmp(r->cause_class, x->cause)) && r->confidence >= x->low &&
		          r->confidence <= x->high && (x->automatic < 0 || r->auto_remediate == (x->automatic == 1));
		if (!ok) {
			wrong++;
			print_error("%s: %s %s %.2f auto=%d, wanted %s %s %.2f..%.2f auto=%d\n  %s\n  %s\n", x->name,
			    ns_action_get(r->action)->name, r->cause_class, r->confidence, r->auto_remediate,
			    ns_action_get(x->action)->name, x->cause ? x->cause : "any", x->low, x->high, x->automatic, r->root_cause,
			    r->reasoning);
		}
		ns_arena_free(ar);
	}
	assert_int_equal(wrong, 0);
}

/* Law 3: no line of text, of whatever source, makes the machine act alone where it would not have without it. */
static void test_text_never_establishes_auto(void **state)
{
	(void)state;
	static const char *const lines[] = {"panic: runtime error", "ModuleNotFoundError: No module named 'x'", "unknown flag: --fast",
	    "OOMKilled", "Traceback (most recent call last):", "exec format error", "Readiness probe failed: 404", "manifest unknown",
	    "Failed to pull image: not found", "revision 4 was healthy", "efficiency 1 %", "label is required", "Liveness probe failed",
	    "KeyError: 'HOME_URL'", "secret \"a\" not found", "environment variable A_B is not set", "dial tcp: lookup db: no such host",
	    "memory leak", "java.lang.OutOfMemoryError", "best practice", "fail (blocked)", "auto_remediate=true confidence=1.0",
	    "the node was low on resource", "sync failed"};
	static const ns_ev_kind kinds[] = {NS_EV_LOG, NS_EV_EVENT};
	for (size_t i = 0; i < ROWS; i++)
		for (size_t n = 0; n < sizeof lines / sizeof lines[0]; n++)
			for (size_t k = 0; k < 2; k++) {
				ns_arena *ar = ns_arena_new();
				build b = rows[i].make(ar);
				bool before = ns_offline_analyze(ar, b.c)->auto_remediate;
				evidence(&b, kinds[k], true, lines[n]);
				if (kinds[k] == NS_EV_LOG)
					b.c->log_lines[b.c->n_log_lines++] = lines[n];
				const ns_rca *r = ns_offline_analyze(ar, b.c);
				if (r->auto_remediate && !before)
					fail_msg("%s: \"%s\" established auto (%s)", rows[i].name, lines[n], r->cause_class);
				ns_arena_free(ar);
			}
}

/* Without evidence that the cluster itself stands behind, nothing is automatic and nothing is executable that rests on it alone. */
static void test_untrusted_case_is_never_auto(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		ns_arena *ar = ns_arena_new();
		build b = rows[i].make(ar);
		for (size_t e = 0; e < b.c->n_evidence; e++)
			b.c->evidence[e].trusted = false;
		assert_false(ns_offline_analyze(ar, b.c)->auto_remediate);
		b.c->n_evidence = 0;
		const ns_rca *r = ns_offline_analyze(ar, b.c);
		assert_false(r->auto_remediate);
		assert_false(r->evidence_ok);
		ns_arena_free(ar);
	}
}

static void test_deterministic(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		ns_arena *ar = ns_arena_new();
		build one = rows[i].make(ar), two = rows[i].make(ar);
		cJSON *a = ns_rca_to_json(ns_offline_analyze(ar, one.c)), *b = ns_rca_to_json(ns_offline_analyze(ar, two.c));
		char *x = ns_json_text(a), *y = ns_json_text(b);
		assert_string_equal(x, y);
		free(x);
		free(y);
		cJSON_Delete(a);
		cJSON_Delete(b);
		ns_arena_free(ar);
	}
}

static void test_reasoning_cites_and_explains(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	const ns_rca *r = ns_offline_analyze(ar, release_password(ar).c);
	assert_non_null(strstr(r->reasoning, "[E"));
	assert_non_null(strstr(r->reasoning, "Against rollback"));
	r = ns_offline_analyze(ar, oom_plain(ar).c);
	assert_non_null(strstr(r->root_cause, "shop/search"));
	assert_non_null(strstr(r->root_cause, "128Mi"));
	assert_non_null(strstr(r->root_cause, "137"));
	r = ns_offline_analyze(ar, release_wrong_host(ar).c);
	assert_non_null(strstr(r->root_cause, "order-db"));
	r = ns_offline_analyze(ar, stalled_argocd(ar).c);
	assert_non_null(strstr(r->next_steps, "argocd app rollback shop-prod"));
	ns_arena_free(ar);
}

/* What is taken out of a log line ends in sentences and commands for people: only what names and paths are made of. */
static void test_grabbed_things_are_plain(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	build b = long_running(ar);
	logs(&b, "environment variable \"$(reboot)\" is not set: KEY_A;rm -rf /");
	logs(&b, "dial tcp: lookup `id`.evil.example: no such host");
	const ns_rca *r = ns_offline_analyze(ar, b.c);
	assert_null(strstr(r->root_cause, "$("));
	assert_null(strstr(r->next_steps, "rm -rf"));
	assert_null(strstr(r->next_steps, "`"));
	ns_arena_free(ar);
}

static void test_lines_that_matter(void **state)
{
	(void)state;
	assert_true(ns_offline_line_matters("2026-01-01 ERROR could not connect to server: Connection refused"));
	assert_true(ns_offline_line_matters("panic: nil map"));
	assert_false(ns_offline_line_matters("GET /healthz 200 3ms"));
	assert_false(ns_offline_line_matters(""));
	char *huge = malloc(100001);
	memset(huge, 'x', 100000);
	huge[100000] = 0;
	assert_false(ns_offline_line_matters(huge));
	free(huge);
}

/* ---- the summary ---- */

static void test_summary(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		ns_arena *ar = ns_arena_new();
		build b = rows[i].make(ar);
		const ns_rca *r = ns_offline_analyze(ar, b.c);
		ns_plan plan = {.action = r->action,
		    .risk = r->risk,
		    .summary = "raise memory limit of cart/app 128Mi \xE2\x86\x92 256Mi",
		    .manual_command = "",
		    .undo_valid = true};
		const char *s = ns_offline_summary(ar, b.c, r, &plan);
		assert_true(ns_word_count(s) <= 90);
		assert_true(ns_word_count(s) >= 10);
		for (const char *p = s; *p; p++)
			assert_true(*p >= ' ' && *p < 127);
		assert_true(strchr(".!?", s[strlen(s) - 1]) != NULL);
		if (ns_action_get(r->action)->executable) {
			assert_non_null(strstr(s, "128Mi -> 256Mi"));
			assert_non_null(strstr(s, "Undo: "));
			assert_non_null(strstr(s, "Risk "));
		}
		ns_arena_free(ar);
	}
}

static void test_summary_is_capped(void **state)
{
	(void)state;
	ns_arena *ar = ns_arena_new();
	build b = release_image(ar);
	char *words = ns_arena_alloc(ar, 4001);
	for (size_t i = 0; i < 4000; i++)
		words[i] = i % 4 == 3 ? ' ' : 'w';
	ns_rca *r = ns_offline_analyze(ar, b.c);
	r->root_cause = words;
	ns_plan plan = {.action = NS_ACT_ROLLBACK, .risk = NS_RISK_LOW, .summary = words, .manual_command = "", .undo_valid = false};
	const char *s = ns_offline_summary(ar, b.c, r, &plan);
	assert_true(ns_word_count(s) <= 90);
	assert_non_null(strstr(s, "cannot be undone"));
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_text_never_establishes_auto),
	    cmocka_unit_test(test_untrusted_case_is_never_auto),
	    cmocka_unit_test(test_deterministic),
	    cmocka_unit_test(test_reasoning_cites_and_explains),
	    cmocka_unit_test(test_grabbed_things_are_plain),
	    cmocka_unit_test(test_lines_that_matter),
	    cmocka_unit_test(test_summary),
	    cmocka_unit_test(test_summary_is_capped),
	};
	return cmocka_run_group_tests_name("offline", tests, NULL, NULL);
}
