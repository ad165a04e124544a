/* A workload that recovered in the hands of a person when no runbook had fitted leaves a draft; one with a runbook leaves none. */
#include "cases.h"

/* What an engine before this one left: an incident in the hands of a person. */
static void leave_incident(const live *l, const char *name, const char *plan)
{
	ns_err err = {0};
	ns_arena *ar = ns_arena_new();
	ns_store *st = ns_store_open(l->r.state, l->r.clock, &err);
	must(st, "%s", err.text);
	ns_case *c = ns_case_new(ar);
	c->alert = (ns_alert){.kind = NS_KIND_CONFIG_ERROR, .severity = NS_SEV_WARN, .target = {"sim", "shop", "Deployment", name, "none"}, .container = "app",
	    .reason = "CreateContainerConfigError", .message = "secret not found", .policy = "", .rule = "", .object_uid = ""};
	ns_rca r = {.root_cause = "A Secret is missing.", .reasoning = "", .provider = "offline", .cause_class = "secret_missing", .next_steps = ""};
	cJSON *facts[] = {ns_alert_to_json(&c->alert), ns_case_to_json(c), ns_rca_to_json(&r), cJSON_Parse(plan)};
	static const char *const names[] = {"alert", "case", "rca", "plan"};
	static const ns_state way[] = {NS_ST_DETECTED, NS_ST_ANALYZING, NS_ST_PLANNING, NS_ST_MANUAL_REVIEW};
	int64_t id;
	bool is_new = false, ok = ns_store_begin(st, &err) && ns_store_incident_open(st, &c->alert, &id, &is_new, &err);
	for (size_t i = 0; ok && i < 4; i++)
		ok = ns_store_fact_put(st, id, names[i], facts[i], &err);
	for (int64_t i = 1; ok && i < 4; i++)
		ok = ns_store_transition(st, id, way[i - 1], i, way[i], NS_VERDICT_NONE, "by hand", &err);
	ok = ok && ns_store_incident_set(st, id, 0, ns_clock_wall_ms(l->r.clock) + MINUTES(600), "", &err) && ns_store_commit(st, &err);
	must(ok, "%s", err.text);
	for (size_t i = 0; i < 4; i++)
		cJSON_Delete(facts[i]);
	ns_store_close(st);
	ns_arena_free(ar);
}

static void no_runbook_leaves_a_draft(void)
{
	live l;
	live_open(&l, "healthy", 120, NS_PROFILE_APPROVE);
	leave_incident(&l, "catalog", "{\"action\":\"manual_review\",\"risk\":\"medium\",\"requires_approval\":true}");
	live_start(&l);
	live_until(&l, "shop", "catalog", "resolved");
	live_stop(&l);
	char *path = ns_path_join(l.r.state, "drafts/config-error-secret-missing.md");
	ns_buf text = NS_BUF_INIT;
	ns_err err = {0};
	must(ns_read_file(path, 1 << 20, &text, &err), "%s", err.text);
	must(strstr(ns_buf_str(&text), "causes: [secret_missing]\n") != NULL, "%s", ns_buf_str(&text));
	ns_buf_free(&text);
	free(path);
	live_close(&l);
}

static void a_runbook_leaves_none(void)
{
	live l;
	live_open(&l, "healthy", 120, NS_PROFILE_APPROVE);
	leave_incident(&l, "catalog", "{\"action\":\"manual_review\",\"risk\":\"medium\",\"requires_approval\":true,\"runbook\":\"crashloop-rollback\"}");
	live_start(&l);
	live_until(&l, "shop", "catalog", "resolved");
	live_stop(&l);
	char *path = ns_path_join(l.r.state, "drafts");
	must(!ns_exists(path), "there is a draft");
	free(path);
	live_close(&l);
}

static test_case list[] = {
    {.name = "no_runbook_leaves_a_draft", .run = no_runbook_leaves_a_draft},
    {.name = "a_runbook_leaves_none", .run = a_runbook_leaves_none},
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, "draft", list, sizeof list / sizeof list[0]);
}
