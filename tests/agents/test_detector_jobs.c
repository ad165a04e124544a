/* Jobs and CronJobs as clusters show them: finished runs are kept for days, retries leave failed pods behind, runs are refused, schedules
 * change. */
#include "agents/detector_rig.h"

#define HOUR 3600000ll
#define DAY  (24 * HOUR)

__attribute__((format(printf, 3, 4))) static void feed(rig *r, dt_row row, const char *fmt, ...)
{
	char b[4096];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	rig_feed(r, row, NS_WATCH_MODIFIED, b);
}

static void cron(rig *r, const char *schedule, bool suspended, int64_t ran_ago_ms)
{
	feed(r, DT_ROW_CRONJOBS,
	    "{\"metadata\":{\"name\":\"nightly\",\"namespace\":\"shop\",\"uid\":\"cj\",\"creationTimestamp\":\"%s\"},\"spec\":{"
	    "\"schedule\":\"%s\",\"suspend\":%s},"
	    "\"status\":{\"lastScheduleTime\":\"%s\"}}",
	    rig_time(r, 90 * DAY), schedule, suspended ? "true" : "false", rig_time(r, ran_ago_ms));
}

/* how: "Failed", "Complete", or "" while it runs. */
static void job(rig *r, const char *name, const char *how, int64_t ago_ms)
{
	char done[64] = "", cond[256] = "";
	if (*how)
		snprintf(cond, sizeof cond,
		    "{\"type\":\"%s\",\"status\":\"True\",\"reason\":\"BackoffLimitExceeded\",\"lastTransitionTime\":\"%s\"}", how,
		    rig_time(r, ago_ms));
	if (strcmp(how, "Complete") == 0)
		snprintf(done, sizeof done, "\"completionTime\":\"%s\",", rig_time(r, ago_ms));
	feed(r, DT_ROW_JOBS,
	    "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"shop\",\"uid\":\"job-%s\",\"creationTimestamp\":\"%s\",\"ownerReferences\":[{"
	    "\"kind\":\"CronJob\",\"name\":\"nightly\","
	    "\"uid\":\"cj\",\"controller\":true}]},\"spec\":{\"selector\":{\"matchLabels\":{\"job\":\"%s\"}}},\"status\":{%s\"conditions\":"
	    "[%s]}}",
	    name, name, rig_time(r, ago_ms + 60000), name, done, cond);
}

static void job_pod(rig *r, const char *job, const char *id, const char *phase, int exit, const char *reason, int64_t ended_ago_ms)
{
	feed(r, DT_ROW_PODS,
	    "{\"metadata\":{\"name\":\"%s-%s\",\"namespace\":\"shop\",\"uid\":\"%s-%s\",\"creationTimestamp\":\"%s\",\"labels\":{\"job\":"
	    "\"%s\"},\"ownerReferences\":["
	    "{\"kind\":\"Job\",\"name\":\"%s\",\"uid\":\"job-%s\",\"controller\":true}]},\"spec\":{\"nodeName\":\"n1\"},\"status\":{"
	    "\"phase\":\"%s\",\"conditions\":["
	    "{\"type\":\"Ready\",\"status\":\"False\",\"lastTransitionTime\":\"%s\"}],\"containerStatuses\":[{\"name\":\"c\",\"state\":{"
	    "\"terminated\":{"
	    "\"exitCode\":%d,\"reason\":\"%s\",\"finishedAt\":\"%s\"}}}]}}",
	    job, id, job, id, rig_time(r, ended_ago_ms + 30000), job, job, job, phase, rig_time(r, ended_ago_ms), exit, reason,
	    rig_time(r, ended_ago_ms));
}

static void refused(rig *r, const char *job)
{
	feed(r, DT_ROW_EVENTS,
	    "{\"metadata\":{\"name\":\"e\",\"namespace\":\"shop\",\"uid\":\"ev\"},\"involvedObject\":{\"kind\":\"Job\",\"namespace\":"
	    "\"shop\",\"name\":\"%s\",\"uid\":\"job-%s\"},"
	    "\"reason\":\"FailedCreate\",\"message\":\"Error creating: pods is forbidden: exceeded quota: "
	    "small\",\"type\":\"Warning\",\"count\":1,\"lastTimestamp\":\"%s\"}",
	    job, job, rig_time(r, 0));
}

/* failedJobsHistoryLimit keeps the failed run and its pod until the next failure, however many runs go well meanwhile. */
static void test_failed_run_of_yesterday_is_history(void **state)
{
	rig r;
	rig_open(&r, NULL);
	cron(&r, "0 * * * *", false, 60000);
	job(&r, "nightly-1", "Failed", 20 * HOUR);
	job_pod(&r, "nightly-1", "x", "Failed", 137, "OOMKilled", 20 * HOUR);
	job(&r, "nightly-2", "Complete", 30000);
	rig_sync(&r);
	assert_string_equal(rig_pass(&r, 600000), "");
	assert_true(rig_health(&r, "CronJob", "nightly", NS_KIND_OOM_KILLED).healthy);
	rig_close(&r);
}

static void test_oom_of_a_run_is_over_when_a_later_one_goes_well(void **state)
{
	rig r;
	rig_open(&r, NULL);
	cron(&r, "0 * * * *", false, 60000);
	job(&r, "nightly-1", "Failed", 1000);
	job_pod(&r, "nightly-1", "x", "Failed", 137, "OOMKilled", 1000);
	rig_sync(&r);
	assert_string_equal(rig_pass(&r, HOUR / 2), "+oom_killed CronJob/nightly OOMKilled c[1];");
	assert_false(rig_health(&r, "CronJob", "nightly", NS_KIND_OOM_KILLED).healthy);
	job(&r, "nightly-2", "Complete", 0);
	job_pod(&r, "nightly-2", "y", "Succeeded", 0, "Completed", 0);
	assert_string_equal(rig_pass(&r, 110000), "");
	assert_string_equal(rig_pass(&r, 20000), "-oom_killed CronJob/nightly;");
	rig_close(&r);
}

/* backoffLimit: the first try is killed, the second goes well; the first pod stays. */
static void test_retry_that_goes_well_ends_it(void **state)
{
	rig r;
	rig_open(&r, NULL);
	cron(&r, "0 * * * *", false, 60000);
	job(&r, "nightly-1", "", 0);
	rig_sync(&r);
	job_pod(&r, "nightly-1", "x", "Failed", 137, "OOMKilled", 1000);
	assert_string_equal(rig_tick(&r), "+oom_killed CronJob/nightly OOMKilled c[1];");
	job_pod(&r, "nightly-1", "y", "Succeeded", 0, "Completed", 0);
	job(&r, "nightly-1", "Complete", 0);
	assert_string_equal(rig_pass(&r, 15 * 60000), "-oom_killed CronJob/nightly;");
	assert_true(rig_health(&r, "CronJob", "nightly", NS_KIND_OOM_KILLED).healthy);
	rig_close(&r);
}

static void test_oom_of_a_pod_that_nobody_makes_again_is_over_after_a_day(void **state)
{
	rig r;
	rig_open(&r, NULL);
	rig_sync(&r);
	rig_pod(&r, (pod){.app = "once",
	                .hash = "x",
	                .id = "1",
	                .bare = true,
	                .phase = "Failed",
	                .containers = c_text(
	                    "{\"name\":\"c\",\"state\":{\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\",\"finishedAt\":\"%s\"}}}",
	                    rig_time(&r, 0))});
	assert_string_equal(rig_pass(&r, DAY - 60000), "+oom_killed Pod/once-x-1 OOMKilled c[1];");
	assert_false(rig_health(&r, "Pod", "once-x-1", NS_KIND_OOM_KILLED).healthy);
	assert_string_equal(rig_pass(&r, 10 * 60000), "-oom_killed Pod/once-x-1;");
	/* Nor is it well: it is just no news any more. */
	assert_false(rig_health(&r, "Pod", "once-x-1", NS_KIND_OOM_KILLED).healthy);
	rig_close(&r);
}

static void test_job_whose_pods_are_refused(void **state)
{
	rig r;
	rig_open(&r, NULL);
	cron(&r, "0 * * * *", false, 60000);
	job(&r, "nightly-1", "", 0);
	rig_sync(&r);
	refused(&r, "nightly-1");
	assert_string_equal(rig_pass(&r, 9000), "");
	assert_string_equal(rig_pass(&r, 5000), "+job_failed CronJob/nightly FailedCreate (quota)[0];");
	job_pod(&r, "nightly-1", "x", "Running", 0, "", -31000);
	assert_string_equal(rig_pass(&r, 5000), "-job_failed CronJob/nightly;");
	rig_close(&r);
}

static void test_one_refusal_that_the_next_try_gets_over(void **state)
{
	rig r;
	rig_open(&r, NULL);
	cron(&r, "0 * * * *", false, 60000);
	job(&r, "nightly-1", "", 0);
	rig_sync(&r);
	refused(&r, "nightly-1");
	assert_string_equal(rig_pass(&r, 2000), "");
	job_pod(&r, "nightly-1", "x", "Running", 0, "", -30000);
	assert_string_equal(rig_pass(&r, 60000), "");
	rig_close(&r);
}

/* With a startingDeadlineSeconds nothing runs before the schedule's next time. */
static void test_resumed_and_rescheduled_cronjobs_have_missed_nothing(void **state)
{
	static const struct {
		const char *before, *after;
		bool suspended;
	} rows[] = {{"0 3 * * *", "0 3 * * *", true}, {"0 3 * * 0", "0 3 * * *", false}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		rig_open(&r, NULL);
		cron(&r, rows[i].before, rows[i].suspended, 5 * DAY);
		rig_sync(&r);
		assert_string_equal(rig_pass(&r, 60000), "");
		cron(&r, rows[i].after, false, 5 * DAY);
		assert_string_equal(rig_pass(&r, 25 * HOUR), "");
		assert_string_equal(rig_pass(&r, HOUR), "+job_failed CronJob/nightly MissedSchedule[0];");
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_failed_run_of_yesterday_is_history),
	    cmocka_unit_test(test_oom_of_a_run_is_over_when_a_later_one_goes_well),
	    cmocka_unit_test(test_retry_that_goes_well_ends_it),
	    cmocka_unit_test(test_oom_of_a_pod_that_nobody_makes_again_is_over_after_a_day),
	    cmocka_unit_test(test_job_whose_pods_are_refused),
	    cmocka_unit_test(test_one_refusal_that_the_next_try_gets_over),
	    cmocka_unit_test(test_resumed_and_rescheduled_cronjobs_have_missed_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
