/* Jobs and CronJobs as clusters show them: finished runs are kept for days, retries leave failed pods behind, runs are refused, schedules
 * change. */
#include "agents/detector_rig.h"

#define HOUR 3600000ll
#define DAY  (24 * HOUR)

__attribute__((format(printf, 3, 4))) static void feed(rig *r, dt_row row, const char *fmt, ...)
{
	char b[8192];
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

/* ---- one test for each row ---- */

static void feed_job(rig *r, const char *name, const char *owner, const char *condition, int64_t ago_ms)
{
	char own[256] = "", done[64] = "";
	if (owner)
		snprintf(own, sizeof own, ",\"ownerReferences\":[{\"kind\":\"CronJob\",\"name\":\"%s\",\"uid\":\"cj-%s\",\"controller\":true}]", owner, owner);
	if (strcmp(condition, "Complete") == 0)
		snprintf(done, sizeof done, "\"completionTime\":\"%s\",", rig_time(r, ago_ms));
	feed(r, DT_ROW_JOBS,
	    "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"shop\",\"uid\":\"job-%s\",\"creationTimestamp\":\"%s\"%s},\"spec\":{\"selector\":{\"matchLabels\":{\"job\":\"%s\"}}},"
	    "\"status\":{%s\"conditions\":[{\"type\":\"%s\",\"status\":\"True\",\"reason\":\"BackoffLimitExceeded\",\"message\":\"Job has reached the specified backoff limit\","
	    "\"lastTransitionTime\":\"%s\"}]}}",
	    name, name, rig_time(r, ago_ms + 60000), own, name, done, condition, rig_time(r, ago_ms));
}

static void feed_cron(rig *r, const char *schedule, int64_t ran_ago_ms, const char *more)
{
	feed(r, DT_ROW_CRONJOBS,
	    "{\"metadata\":{\"name\":\"nightly\",\"namespace\":\"shop\",\"uid\":\"cj-nightly\",\"creationTimestamp\":\"%s\"},\"spec\":{\"schedule\":\"%s\"%s},"
	    "\"status\":{\"lastScheduleTime\":\"%s\"}}",
	    rig_time(r, 86400000ll * 400), schedule, more, rig_time(r, ran_ago_ms));
}

static void test_failed_job(void **state)
{
	rig r;
	rig_web(&r);
	feed_job(&r, "old", NULL, "Failed", 2 * 86400000);
	assert_string_equal(rig_pass(&r, 5000), "");
	feed_job(&r, "import", NULL, "Failed", 1000);
	assert_string_equal(rig_pass(&r, 3000), "+job_failed Job/import BackoffLimitExceeded[0];");
	rig_feed(&r, DT_ROW_JOBS, NS_WATCH_DELETED, "{\"metadata\":{\"name\":\"import\",\"namespace\":\"shop\",\"uid\":\"job-import\"}}");
	assert_string_equal(rig_tick(&r), "-job_failed Job/import;");
	rig_close(&r);
}

static void test_failed_run_of_a_cronjob_until_one_goes_well(void **state)
{
	rig r;
	rig_web(&r);
	feed_cron(&r, "0 * * * *", 1000, "");
	feed_job(&r, "nightly-1", "nightly", "Failed", 10000);
	assert_string_equal(rig_pass(&r, 3000), "+job_failed CronJob/nightly BackoffLimitExceeded[0];");
	feed_job(&r, "nightly-2", "nightly", "Failed", 500);
	assert_string_equal(rig_pass(&r, 5000), "");
	feed_job(&r, "nightly-3", "nightly", "Complete", 0);
	assert_string_equal(rig_tick(&r), "-job_failed CronJob/nightly;");
	rig_close(&r);
}

static void test_oom_of_a_failed_job_is_its_cause(void **state)
{
	rig r;
	rig_web(&r);
	feed_job(&r, "import", NULL, "Failed", 0);
	feed(&r, DT_ROW_PODS,
	    "{\"metadata\":{\"name\":\"import-x\",\"namespace\":\"shop\",\"uid\":\"jp\",\"labels\":{\"job\":\"import\"},\"ownerReferences\":[{\"kind\":\"Job\",\"name\":\"import\","
	    "\"uid\":\"job-import\",\"controller\":true}]},\"spec\":{\"nodeName\":\"n1\"},\"status\":{\"phase\":\"Failed\",\"containerStatuses\":[{\"name\":\"c\",\"state\":{"
	    "\"terminated\":{\"exitCode\":137,\"reason\":\"OOMKilled\",\"finishedAt\":\"%s\"}}}]}}",
	    rig_time(&r, 0));
	assert_string_equal(rig_pass(&r, 3600000), "+oom_killed Job/import OOMKilled c[1];");
	rig_close(&r);
}

static void test_cronjob_that_misses(void **state)
{
	static const struct { const char *schedule, *more; int64_t ran_ago_min; bool missed; } rows[] = {
	    {"*/5 * * * *", "", 9, false},
	    {"*/5 * * * *", "", 11, true},
	    {"*/5 * * * *", ",\"suspend\":true", 600, false},
	    {"0 3 * * *", "", 25 * 60, false}, /* the clocks went back */
	    {"0 3 * * *", "", 26 * 60, true},
	    {"0 3 * * 1-5", "", 3 * 1440, false},
	    {"0 3 * * 1-5", "", 3 * 1440 + 70, true},
	    {"no schedule", "", 999999, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rig r;
		rig_web(&r);
		feed_cron(&r, rows[i].schedule, rows[i].ran_ago_min * 60000, rows[i].more);
		assert_string_equal(rig_tick(&r), rows[i].missed ? "+job_failed CronJob/nightly MissedSchedule[0];" : "");
		if (rows[i].missed) {
			feed_cron(&r, rows[i].schedule, 0, rows[i].more);
			assert_string_equal(rig_tick(&r), "-job_failed CronJob/nightly;");
		}
		rig_close(&r);
	}
}

static void test_longest_pause_of_a_schedule(void **state)
{
	static const struct { const char *schedule; int64_t minutes; } rows[] = {
	    {"* * * * *", 1}, {"*/15 * * * *", 15}, {"*/7 * * * *", 7}, {"5,10 * * * *", 55}, {"0 9-17 * * *", 16 * 60}, {"30 2 * * *", 1440}, {"@hourly", 60},
	    {"@daily", 1440}, {"0 0 * * 0", 7 * 1440}, {"0 0 * * sun", 7 * 1440}, {"0 0 * * 7", 7 * 1440}, {"0 0 1 * *", 31 * 1440}, {"0 0 31 * *", 61 * 1440},
	    {"0 0 29 2 *", 4 * 1440 * 365 + 1440}, {"0 0 1 jan *", 366 * 1440}, {"@yearly", 366 * 1440}, {"0 0 13 * fri", 7 * 1440}, {"TZ=Asia/Tokyo 0 4 * * *", 1440},
	    {"5/20 * * * *", 20}, {"0 8,20 * * *", 720}, {"0 0 30 2 *", 0}, {"", 0}, {"* * * *", 0}, {"60 * * * *", 0}, {"*/0 * * * *", 0}, {"a b c d e", 0},
	    {"* * * * * *", 0}, {"5-1 * * * *", 0}, {"@every 5m", 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (dt_cron_quiet_ms(rows[i].schedule) != rows[i].minutes * 60000)
			fail_msg("%s: %lld min, not %lld", rows[i].schedule, (long long)dt_cron_quiet_ms(rows[i].schedule) / 60000, (long long)rows[i].minutes);
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
	    cmocka_unit_test(test_failed_job),
	    cmocka_unit_test(test_failed_run_of_a_cronjob_until_one_goes_well),
	    cmocka_unit_test(test_oom_of_a_failed_job_is_its_cause),
	    cmocka_unit_test(test_cronjob_that_misses),
	    cmocka_unit_test(test_longest_pause_of_a_schedule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
