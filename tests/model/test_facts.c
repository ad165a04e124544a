/* Facts survive the store: every member of every struct goes out and comes back. */
#include "support/test.h"

#include "neuroscale/model/facts.h"

static const ns_workload web = {"prod-eu-1", "shop", "Deployment", "web", "8f14e45f-ceea"};
static const char *const pods[] = {"web-1", "web-2"};

static ns_alert sample_alert(void)
{
	return (ns_alert){.kind = NS_KIND_KYVERNO_VIOLATION,
	    .severity = NS_SEV_WARN,
	    .target = web,
	    .container = "app",
	    .reason = "OOMKilled",
	    .message = "m \"quoted\" \xc3\xa4",
	    .pods = pods,
	    .n_pods = 2,
	    .first_ms = 1795402029000,
	    .seen_ms = 9007199254740993,
	    .policy = "require-limits",
	    .rule = "r",
	    .cost_now = 12.25,
	    .cost_before = 0.1,
	    .object_uid = "obj"};
}

static char *text_of(cJSON *j)
{
	char *s = ns_json_text(j);
	cJSON_Delete(j);
	return s;
}

static cJSON *read_back(const char *text)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(text, strlen(text), &ns_json_strict, &err);
	if (!j)
		fail_msg("%s", err.text);
	return j;
}

static void an_alert_comes_back(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_alert a = sample_alert();
	char *text = text_of(ns_alert_to_json(&a));
	cJSON *j = read_back(text);
	ns_alert *b = ns_alert_from_json(ar, j, NULL);
	cJSON_Delete(j);
	assert_non_null(b);
	assert_int_equal(b->kind, a.kind);
	assert_int_equal(b->severity, a.severity);
	assert_string_equal(b->target.cluster, "prod-eu-1");
	assert_string_equal(b->target.uid, "8f14e45f-ceea");
	assert_string_equal(b->message, a.message);
	assert_int_equal(b->n_pods, 2);
	assert_string_equal(b->pods[1], "web-2");
	assert_null(b->pods[2]);
	assert_true(b->seen_ms == 9007199254740993);
	assert_true(b->cost_before == 0.1);
	assert_string_equal(b->object_uid, "obj");
	char *again = text_of(ns_alert_to_json(b));
	assert_string_equal(again, text);
	free(again);
	free(text);
	ns_arena_free(ar);
}

/* A case with every member set to something of its own, so that a forgotten row of a table shows. */
static void a_case_comes_back(void **state)
{
	ns_container_facts containers[] = {{.name = "app",
	                                       .image = "r/app:1",
	                                       .init = true,
	                                       .sidecar = true,
	                                       .ready = true,
	                                       .running = true,
	                                       .restarts = 7,
	                                       .waiting_reason = "CrashLoopBackOff",
	                                       .waiting_message = "wm",
	                                       .has_last = true,
	                                       .last_reason = "OOMKilled",
	                                       .last_message = "lm",
	                                       .last_exit = 137,
	                                       .last_signal = 9,
	                                       .last_started_ms = 11,
	                                       .last_finished_ms = 12,
	                                       .mem_limit = 13,
	                                       .mem_request = 14,
	                                       .cpu_limit_milli = 15,
	                                       .cpu_request_milli = 16,
	                                       .jvm = true},
	    {.name = "log",
	        .image = "",
	        .waiting_reason = "",
	        .waiting_message = "",
	        .last_reason = "",
	        .last_message = "",
	        .last_exit = -1}};
	ns_revision revisions[] = {{.number = 3,
	    .replicaset = "web-abc",
	    .uid = "u3",
	    .created_ms = 21,
	    .replicas = 22,
	    .ready = 23,
	    .current = true,
	    .was_healthy = true,
	    .changes = "image a:1 -> a:2",
	    .only_safe_fields = true,
	    .template_json = "{\"spec\":{}}"}};
	ns_evidence evidence[] = {{"E1", NS_EV_EXIT, true, "exit 137", 31}, {"E2", NS_EV_LOG, false, "log", 0}};
	const char *logs[] = {"line 1", ""};
	ns_case c = {.alert = sample_alert(),
	    .taken_ms = 41,
	    .api_version = "apps/v1",
	    .generation = 42,
	    .observed_generation = 43,
	    .replicas = 44,
	    .ready = 45,
	    .updated = 46,
	    .available = 47,
	    .unavailable = 48,
	    .resource_version = "99",
	    .paused = true,
	    .found = true,
	    .managed_by = "argocd",
	    .nonproduction = true,
	    .has_hpa = true,
	    .cond_progressing_reason = "cp",
	    .cond_available_reason = "ca",
	    .cond_message = "cm",
	    .containers = containers,
	    .n_containers = 2,
	    .revisions = revisions,
	    .n_revisions = 1,
	    .log_lines = logs,
	    .n_log_lines = 2,
	    .evidence = evidence,
	    .n_evidence = 2,
	    .node_allocatable_mem = 49,
	    .policy_message = "pm",
	    .policy_category = "pc",
	    .policy_severity = "ps",
	    .rules = pods,
	    .n_rules = 2,
	    .exception_api_version = "kyverno.io/v2",
	    .exception_namespace = "kyverno",
	    .monthly_cost = 50.5,
	    .monthly_saving = 51.5};
	memset(c.hash, 'a', 64);
	ns_arena *ar = ns_arena_new();
	char *text = text_of(ns_case_to_json(&c));
	cJSON *j = read_back(text);
	ns_case *d = ns_case_from_json(ar, j, NULL);
	cJSON_Delete(j);
	assert_non_null(d);
	assert_int_equal(d->n_containers, 2);
	const ns_container_facts *k = &d->containers[0];
	assert_true(k->init && k->sidecar && k->ready && k->running && k->has_last && k->jvm);
	assert_int_equal(k->restarts + k->last_exit + k->last_signal, 7 + 137 + 9);
	assert_int_equal(
	    k->last_started_ms + k->last_finished_ms + k->mem_limit + k->mem_request + k->cpu_limit_milli + k->cpu_request_milli,
	    11 + 12 + 13 + 14 + 15 + 16);
	assert_int_equal(d->containers[1].last_exit, -1);
	assert_false(d->containers[1].jvm);
	assert_string_equal(d->revisions[0].template_json, "{\"spec\":{}}");
	assert_true(d->revisions[0].current && d->revisions[0].was_healthy && d->revisions[0].only_safe_fields);
	assert_int_equal(
	    d->revisions[0].number + d->revisions[0].created_ms + d->revisions[0].replicas + d->revisions[0].ready, 3 + 21 + 22 + 23);
	assert_int_equal(d->generation + d->observed_generation + d->replicas + d->ready + d->updated + d->available + d->unavailable,
	    42 + 43 + 44 + 45 + 46 + 47 + 48);
	assert_true(d->paused && d->found && d->nonproduction && d->has_hpa);
	assert_true(d->evidence[0].trusted && !d->evidence[1].trusted);
	assert_int_equal(d->evidence[1].kind, NS_EV_LOG);
	assert_int_equal(d->n_log_lines, 2);
	assert_string_equal(d->log_lines[1], "");
	assert_string_equal(d->exception_namespace, "kyverno");
	assert_int_equal(d->node_allocatable_mem, 49);
	assert_true(d->monthly_cost == 50.5 && d->monthly_saving == 51.5);
	assert_string_equal(d->hash, c.hash);
	assert_string_equal(d->alert.target.name, "web");
	char *again = text_of(ns_case_to_json(d));
	assert_string_equal(again, text);
	free(again);
	free(text);
	ns_arena_free(ar);
}

static ns_plan sample_plan(void)
{
	static const char *const argv[] = {"-n", "shop", "patch", "deployment/web", NULL};
	return (ns_plan){.action = NS_ACT_PATCH_RESOURCES,
	    .risk = NS_RISK_MEDIUM,
	    .target = web,
	    .generation = 5,
	    .runbook = "oom",
	    .runbook_hash = "h",
	    .runbook_title = "t",
	    .score = 0.75,
	    .margin = 0.25,
	    .summary = "raise",
	    .steps = pods,
	    .n_steps = 2,
	    .command = {argv, "[{\"op\":\"replace\"}]", true, "kubectl patch"},
	    .undo = {NULL, "", false, ""},
	    .undo_valid = true,
	    .requires_approval = true,
	    .approval_reasons = pods,
	    .n_approval_reasons = 1,
	    .verify = "v",
	    .manual_command = "",
	    .expected_effect = "e",
	    .mem_before = 1,
	    .mem_after = 2,
	    .replicas_before = 3,
	    .replicas_after = 4,
	    .revision_to = 5};
}

static void a_plan_comes_back(void **state)
{
	ns_arena *ar = ns_arena_new();
	ns_plan p = sample_plan();
	char *text = text_of(ns_plan_to_json(&p));
	cJSON *j = read_back(text);
	ns_plan *q = ns_plan_from_json(ar, j, NULL);
	cJSON_Delete(j);
	assert_non_null(q);
	assert_int_equal(q->action, NS_ACT_PATCH_RESOURCES);
	assert_int_equal(q->risk, NS_RISK_MEDIUM);
	assert_string_equal(q->command.argv[3], "deployment/web");
	assert_null(q->command.argv[4]);
	assert_true(q->command.json_patch);
	assert_string_equal(q->command.body, p.command.body);
	assert_null(q->undo.argv); /* absent is not empty: there is nothing to run */
	assert_true(q->undo_valid && q->requires_approval);
	assert_int_equal(
	    q->mem_before * 10000 + q->mem_after * 1000 + q->replicas_before * 100 + q->replicas_after * 10 + q->revision_to, 12345);
	char *again = text_of(ns_plan_to_json(q));
	assert_string_equal(again, text);
	free(again);
	free(text);
	ns_arena_free(ar);
}

static void an_rca_comes_back(void **state)
{
	ns_claim claims[] = {{"limit too low", pods, 2}, {"none", NULL, 0}};
	ns_rca r = {
	    "cause", 0.9, NS_ACT_ROLLBACK, NS_RISK_CRITICAL, true, "because", claims, 2, "offline", "oom_limit_too_low", true, "next"};
	ns_arena *ar = ns_arena_new();
	char *text = text_of(ns_rca_to_json(&r));
	cJSON *j = read_back(text);
	ns_rca *s = ns_rca_from_json(ar, j, NULL);
	cJSON_Delete(j);
	assert_non_null(s);
	assert_true(s->confidence == 0.9 && s->auto_remediate && s->evidence_ok);
	assert_int_equal(s->action, NS_ACT_ROLLBACK);
	assert_int_equal(s->risk, NS_RISK_CRITICAL);
	assert_int_equal(s->n_claims, 2);
	assert_string_equal(s->claims[0].evidence[1], "web-2");
	assert_int_equal(s->claims[1].n_evidence, 0);
	char *again = text_of(ns_rca_to_json(s));
	assert_string_equal(again, text);
	free(again);
	free(text);
	ns_arena_free(ar);
}

static void absent_members_read_as_nothing(void **state)
{
	ns_arena *ar = ns_arena_new();
	cJSON *j = read_back("{\"kind\":\"storm\",\"severity\":\"crit\",\"unknown\":{\"x\":[1]},\"reason\":null}");
	ns_alert *a = ns_alert_from_json(ar, j, NULL);
	cJSON_Delete(j);
	assert_non_null(a);
	assert_string_equal(a->reason, "");
	assert_string_equal(a->target.name, "");
	assert_string_equal(a->policy, "");
	assert_int_equal(a->n_pods, 0);
	assert_int_equal(a->first_ms, 0);
	ns_arena_free(ar);
}

static void wrong_types_are_refused(void **state)
{
	static const struct {
		const char *key, *json, *says;
	} rows[] = {
	    {"kind", "\"oom\"", "kind"},
	    {"kind", "3", "kind"},
	    {"kind", NULL, "kind"},
	    {"severity", "null", "severity"},
	    {"reason", "7", "reason"},
	    {"pods", "\"web-1\"", "pods"},
	    {"pods", "[1]", "pods"},
	    {"pods", "{}", "pods"},
	    {"first_ms", "1.5", "first_ms"},
	    {"first_ms", "\"1\"", "first_ms"},
	    {"first_ms", "9223372036854775808", "first_ms"},
	    {"cost_now", "\"1\"", "cost_now"},
	    {"target", "[]", "target"},
	    {"target", "{\"name\":1}", "name"},
	};
	ns_alert a = sample_alert();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		ns_err err = {0};
		cJSON *j = ns_alert_to_json(&a);
		cJSON_DeleteItemFromObjectCaseSensitive(j, rows[i].key);
		if (rows[i].json)
			cJSON_AddItemToObject(j, rows[i].key, read_back(rows[i].json));
		assert_null(ns_alert_from_json(ar, j, &err));
		assert_int_equal(err.code, NS_E_INVALID);
		assert_non_null(strstr(err.text, rows[i].says));
		cJSON_Delete(j);
		ns_arena_free(ar);
	}
}

static ns_plan *plan_with(ns_arena *ar, const char *key, cJSON *value, ns_err *err)
{
	ns_plan p = sample_plan();
	cJSON *j = ns_plan_to_json(&p);
	cJSON_DeleteItemFromObjectCaseSensitive(j, key);
	if (value)
		cJSON_AddItemToObject(j, key, value);
	ns_plan *q = ns_plan_from_json(ar, j, err);
	cJSON_Delete(j);
	return q;
}

/* What would read as "low risk", "no approval needed" when it is missing must be there. */
static void dangerous_absences_are_refused(void **state)
{
	static const char *const keys[] = {"action", "risk", "requires_approval"};
	ns_arena *ar = ns_arena_new();
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		ns_err err = {0};
		assert_null(plan_with(ar, keys[i], NULL, &err));
		assert_non_null(strstr(err.text, keys[i]));
	}
	assert_null(plan_with(ar, "action", cJSON_CreateString("delete"), NULL));
	assert_null(plan_with(ar, "requires_approval", cJSON_CreateString("true"), NULL));
	assert_null(plan_with(ar, "command", cJSON_CreateArray(), NULL));
	assert_non_null(plan_with(ar, "undo", NULL, NULL));
	ns_arena_free(ar);
}

static void confidence_is_a_probability(void **state)
{
	static const struct {
		double value;
		bool ok;
	} rows[] = {{0, true}, {1, true}, {0.5, true}, {1.01, false}, {-0.1, false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		ns_rca r = {.root_cause = "", .confidence = rows[i].value};
		cJSON *j = ns_rca_to_json(&r);
		assert_int_equal(ns_rca_from_json(ar, j, NULL) != NULL, rows[i].ok);
		cJSON_Delete(j);
		ns_arena_free(ar);
	}
}

static void no_object_is_refused(void **state)
{
	ns_arena *ar = ns_arena_new();
	cJSON *j = cJSON_CreateArray();
	ns_err err = {0};
	assert_null(ns_alert_from_json(ar, j, &err));
	assert_null(ns_case_from_json(ar, NULL, &err));
	assert_null(ns_rca_from_json(ar, j, &err));
	assert_null(ns_plan_from_json(ar, NULL, &err));
	assert_int_equal(err.code, NS_E_INVALID);
	cJSON_Delete(j);
	ns_arena_free(ar);
}

static void identities(void **state)
{
	ns_alert a = sample_alert(), b = a;
	char key[512], other[512], small[8];
	a.kind = b.kind = NS_KIND_OOM_KILLED;
	ns_identity(&a, key, sizeof key);
	assert_string_equal(key, "prod-eu-1/oom_killed/shop/Deployment/web");
	b.pods = NULL; /* neither members nor words are part of it */
	b.n_pods = 0;
	b.message = b.container = b.reason = "other";
	b.target.uid = "other";
	ns_identity(&b, other, sizeof other);
	assert_string_equal(other, key);
	b.target.name = "web2";
	ns_identity(&b, other, sizeof other);
	assert_string_not_equal(other, key);
	ns_identity(&a, small, sizeof small);
	assert_string_equal(small, "prod-eu");
}

static void evidence_kinds_have_words(void **state)
{
	for (int i = 0; i < NS_EV_KIND_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(ns_ev_kind_name((ns_ev_kind)i), ns_ev_kind_name((ns_ev_kind)j));
	assert_string_equal(ns_ev_kind_name((ns_ev_kind)77), "note");
}

static void a_copied_alert_owns_all_its_text(void **state)
{
	ns_arena *from = ns_arena_new(), *to = ns_arena_new();
	ns_alert a = sample_alert();
	char *text = text_of(ns_alert_to_json(&a));
	cJSON *j = ns_json_parse(text, strlen(text), &ns_json_strict, NULL);
	ns_alert *copy = ns_alert_copy(to, ns_alert_from_json(from, j, NULL));
	cJSON_Delete(j);
	ns_arena_free(from); /* a sanitizer sees what still points there */
	char *again = text_of(ns_alert_to_json(copy));
	assert_string_equal(again, text);
	free(again);
	free(text);
	ns_arena_free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_alert_comes_back),
	    cmocka_unit_test(a_copied_alert_owns_all_its_text),
	    cmocka_unit_test(a_case_comes_back),
	    cmocka_unit_test(a_plan_comes_back),
	    cmocka_unit_test(an_rca_comes_back),
	    cmocka_unit_test(absent_members_read_as_nothing),
	    cmocka_unit_test(wrong_types_are_refused),
	    cmocka_unit_test(dangerous_absences_are_refused),
	    cmocka_unit_test(confidence_is_a_probability),
	    cmocka_unit_test(no_object_is_refused),
	    cmocka_unit_test(identities),
	    cmocka_unit_test(evidence_kinds_have_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
