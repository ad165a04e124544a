/* Kinds that say all there is to say: each leads to a cause of its own, to a person, and to what a person would try. */
#include "support/test.h"

#include "llm/case_build.h"

static const struct { ns_kind kind; const char *reason, *target, *class; } rows[] = {
    {NS_KIND_EVICTED, "Evicted", "Deployment", "evicted"},
    {NS_KIND_NODE_PRESSURE, "NotReady", "Node", "node_not_ready"},
    {NS_KIND_NODE_PRESSURE, "DiskPressure", "Node", "node_pressure"},
    {NS_KIND_JOB_FAILED, "BackoffLimitExceeded", "Job", "job_failed"},
    {NS_KIND_JOB_FAILED, "DeadlineExceeded", "Job", "job_deadline"},
    {NS_KIND_JOB_FAILED, "MissedSchedule", "CronJob", "cronjob_missed"},
    {NS_KIND_AUTOSCALING, "FailedGetResourceMetric", "Deployment", "autoscaler_blind"},
    {NS_KIND_AUTOSCALING, "TooManyReplicas (flapping: back 1 time, over after 120 s of quiet)", "Deployment", "autoscaler_at_maximum"},
    {NS_KIND_VOLUME_PENDING, "ProvisioningFailed", "PersistentVolumeClaim", "volume_not_provisioned"},
    {NS_KIND_VOLUME_PENDING, "ClaimNotFound", "StatefulSet", "volume_missing"},
    {NS_KIND_CERTIFICATE_EXPIRY, "CertificateExpires", "Secret", "certificate_ends"},
    {NS_KIND_ARGOCD_DRIFT, "OutOfSync", "Application", "drift"},
    {NS_KIND_ARGOCD_DRIFT, "Degraded", "Application", "app_unhealthy"},
    {NS_KIND_ARGOCD_DRIFT, "SyncFailed", "Application", "sync_failed"},
    {NS_KIND_OTHER, "PodFailed", "Pod", "pod_failed"},
    {NS_KIND_OTHER, "StuckTerminating", "Deployment", "stuck_terminating"},
    {NS_KIND_COST_SPIKE, "OverBudget", "Cluster", "cost_over_budget"},
    {NS_KIND_EXTERNAL, "HighLatency", "Deployment", "reported_elsewhere"},
};

static void test_each_kind_leads_to_a_person_with_words(void **state)
{
	unsigned seen = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_arena *ar = ns_arena_new();
		build b = begin(ar, rows[i].kind, rows[i].target, "shop", "thing");
		b.c->alert.reason = rows[i].reason;
		b.c->alert.message = "as it was told";
		b.c->replicas = b.c->unavailable = 0;
		evidence(&b, NS_EV_STATUS, true, ns_arena_printf(ar, "%s: as it was told", rows[i].reason));
		ns_rca *r = ns_offline_analyze(ar, b.c);
		if (strcmp(r->cause_class, rows[i].class) != 0)
			fail_msg("%s: %s, not %s", rows[i].reason, r->cause_class, rows[i].class);
		assert_int_equal(r->action, NS_ACT_MANUAL_REVIEW);
		assert_false(r->auto_remediate);
		assert_true(*r->root_cause && *r->reasoning && *r->next_steps);
		assert_null(strpbrk(r->root_cause, "{}"));
		assert_null(strpbrk(r->next_steps, "{}"));
		assert_true(r->n_claims > 0);
		seen |= 1u << rows[i].kind;
		ns_arena_free(ar);
	}
	for (int k = NS_KIND_EVICTED; k < NS_KIND_STORM; k++)
		assert_true(seen & 1u << k);
}

static void test_what_the_pods_of_a_job_say_weighs_more(void **state)
{
	ns_arena *ar = ns_arena_new();
	build b = begin(ar, NS_KIND_JOB_FAILED, "Job", "shop", "import");
	b.c->alert.reason = "BackoffLimitExceeded";
	evidence(&b, NS_EV_STATUS, true, "BackoffLimitExceeded: Job has reached the specified backoff limit");
	ns_container_facts *f = container(&b, "app", "registry.test/import:1");
	f->has_last = true;
	f->last_reason = "Error";
	f->last_exit = 1;
	evidence(&b, NS_EV_EXIT, true, "container app ended with exit code 1 (Error)");
	b.c->log_lines[b.c->n_log_lines++] = "dial tcp 10.0.0.9:5432: connect: connection refused";
	evidence(&b, NS_EV_LOG, false, "dial tcp 10.0.0.9:5432: connect: connection refused");
	ns_rca *r = ns_offline_analyze(ar, b.c);
	assert_string_equal(r->cause_class, "dependency_unreachable");
	assert_int_equal(r->action, NS_ACT_MANUAL_REVIEW);
	ns_arena_free(ar);
}

static void test_a_detail_does_not_hide_the_reason(void **state)
{
	assert_true(ns_reason_is("ImagePullBackOff (not found)", "ImagePullBackOff"));
	assert_true(ns_reason_is("OOMKilled", "OOMKilled"));
	assert_false(ns_reason_is("OOMKilledTwice", "OOMKilled"));
	assert_false(ns_reason_is("OOM", "OOMKilled"));
	assert_false(ns_reason_is("anything", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_kind_leads_to_a_person_with_words), cmocka_unit_test(test_what_the_pods_of_a_job_say_weighs_more),
	    cmocka_unit_test(test_a_detail_does_not_hide_the_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
