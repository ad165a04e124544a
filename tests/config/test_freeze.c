/* Freeze windows: what is read, what is refused, and when one is open, in zones whose clocks change. */
#include "neuroscale/base/clock.h"
#include "neuroscale/config/freeze.h"
#include "support/test.h"

static ns_arena *ar;

static ns_freeze window(const char *text)
{
	ns_freeze f;
	ns_err err = {0};
	if (!ns_freeze_parse(ar, text, &f, &err))
		fail_msg("%s", err.text);
	return f;
}

static int64_t at(const char *time)
{
	int64_t ms;
	if (!ns_time_parse(time, &ms))
		fail_msg("%s", time);
	return ms;
}

/* At that time it is open or not, and the next change is then. */
static void check(const char *text, const char *when, bool open, const char *changes)
{
	ns_freeze f = window(text);
	int64_t next;
	char got[32] = "never";
	bool is = ns_freeze_open(&f, at(when), &next);
	if (next >= 0)
		ns_time_format(next, got);
	if (is != open || strcmp(got, changes) != 0)
		fail_msg("%s at %s: %s until %s, must be %s until %s", text, when, is ? "open" : "shut", got, open ? "open" : "shut", changes);
}

static void by_the_day(void **state)
{
	check("Mon-Fri 09:00-17:00", "2026-11-23T09:00:00Z", true, "2026-11-23T17:00:00Z"); /* a Monday */
	check("Mon-Fri 09:00-17:00", "2026-11-23T08:59:59Z", false, "2026-11-23T09:00:00Z");
	check("Mon-Fri 09:00-17:00 UTC", "2026-11-23T17:00:00Z", false, "2026-11-24T09:00:00Z");
	check("Mon-Fri 09:00-17:00", "2026-11-27T17:00:00Z", false, "2026-11-30T09:00:00Z"); /* over the weekend */
	check("Sat+Sun 00:00-24:00", "2026-11-28T12:00:00Z", true, "2026-11-29T00:00:00Z");
	check("Sun 00:00-24:00", "2026-11-29T23:59:59Z", true, "2026-11-30T00:00:00Z");
	check("daily 22:00-06:00", "2026-11-23T03:00:00Z", true, "2026-11-23T06:00:00Z"); /* of the day before */
	check("Sun 22:00-06:00", "2026-11-23T03:00:00Z", true, "2026-11-23T06:00:00Z");   /* over the week's end */
	check("Mon 22:00-06:00", "2026-11-23T03:00:00Z", false, "2026-11-23T22:00:00Z");
	check("Fri-Mon 10:00-11:00", "2026-11-23T10:30:00Z", true, "2026-11-23T11:00:00Z");
}

static void across_days(void **state)
{
	check("Fri 16:00-Mon 08:00", "2026-11-27T15:59:59Z", false, "2026-11-27T16:00:00Z");
	check("Fri 16:00-Mon 08:00", "2026-11-27T16:00:00Z", true, "2026-11-30T08:00:00Z");
	check("Fri 16:00-Mon 08:00", "2026-11-30T07:59:59Z", true, "2026-11-30T08:00:00Z");
	check("Fri 16:00-Mon 08:00", "2026-11-30T08:00:00Z", false, "2026-12-04T16:00:00Z");
	check("Fri 16:00-Mon 08:00 +02:00", "2026-11-27T14:00:00Z", true, "2026-11-30T06:00:00Z");
	check("Fri 16:00-Mon 08:00 -05:30", "2026-11-27T21:30:00Z", true, "2026-11-30T13:30:00Z");
}

static void by_the_date(void **state)
{
	check("2026-12-20..2027-01-03", "2026-12-19T23:59:59Z", false, "2026-12-20T00:00:00Z");
	check("2026-12-20..2027-01-03", "2027-01-03T23:59:59Z", true, "2027-01-04T00:00:00Z"); /* its last day is in it */
	check("2026-12-20..2027-01-03", "2027-01-04T00:00:00Z", false, "never");
	check("2026-12-20 18:00..2027-01-03 06:00", "2026-12-20T18:00:00Z", true, "2027-01-03T06:00:00Z");
	check("2024-02-29..2024-02-29", "2024-02-29T12:00:00Z", true, "2024-03-01T00:00:00Z");
	check("2000-01-01..2000-01-01 +14:00", "1999-12-31T10:00:00Z", true, "2000-01-01T10:00:00Z");
}

/* What people mean is their own clock, whatever it does in between. */
static void in_zones_with_summer_time(void **state)
{
	ns_err err = {0};
	if (!ns_zone_find(ar, "Europe/Berlin", &err)) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	check("Fri 16:00-Mon 08:00 Europe/Berlin", "2026-11-27T15:00:00Z", true, "2026-11-30T07:00:00Z"); /* winter: UTC+1 */
	check("Fri 16:00-Mon 08:00 Europe/Berlin", "2026-07-03T14:00:00Z", true, "2026-07-06T06:00:00Z"); /* summer: UTC+2 */
	check("Fri 16:00-Mon 08:00 Europe/Berlin", "2026-10-23T14:00:00Z", true, "2026-10-26T07:00:00Z"); /* the change is inside */
	check("Fri 16:00-Mon 08:00 Europe/Berlin", "2045-07-07T14:00:00Z", true, "2045-07-10T06:00:00Z"); /* by the rule, behind every table */
	check("daily 09:00-10:00 America/New_York", "2026-11-23T14:30:00Z", true, "2026-11-23T15:00:00Z");
	check("daily 09:00-10:00 Australia/Sydney", "2026-01-10T22:30:00Z", true, "2026-01-10T23:00:00Z"); /* summer over the year's end */
	check("daily 09:00-10:00 Australia/Sydney", "2060-01-10T22:30:00Z", true, "2060-01-10T23:00:00Z");
	check("daily 09:00-10:00 Asia/Kolkata", "2026-11-23T03:30:00Z", true, "2026-11-23T04:30:00Z");
	const ns_zone *z = ns_zone_find(ar, "Europe/Berlin", &err);
	static const struct { const char *utc; int hours; } known[] = {{"2026-03-29T00:59:59Z", 1}, {"2026-03-29T01:00:00Z", 2}, {"2026-10-25T00:59:59Z", 2},
	    {"2026-10-25T01:00:00Z", 1}, {"2050-03-27T00:59:59Z", 1}, {"2050-03-27T01:00:00Z", 2}, {"2050-10-30T01:00:00Z", 1}, {"1980-06-01T00:00:00Z", 2}};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (ns_zone_offset(z, at(known[i].utc) / 1000) != known[i].hours * 3600)
			fail_msg("%s: %lld", known[i].utc, (long long)ns_zone_offset(z, at(known[i].utc) / 1000));
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {"", "Mon", "Mon 9:00-17:00", "Mon-Fri 09:00", "Mon 09:00-25:00", "Mon 09:60-10:00", "Mon 24:00-24:00",
	    "mon 09:00-10:00", "Mon-Fri 09:00-Sat 10:00", "Fri 16:00-Fri 16:00", "Fri 16:00-Mon", "2026-02-29..2026-03-01", "2026-13-01..2026-12-31",
	    "2027-01-03..2026-12-20", "2026-12-20", "2026-12-20..", "Mon 09:00-17:00 ", "Mon 09:00-17:00 Mars/Base", "Mon 09:00-17:00 ../../etc/passwd",
	    "Mon 09:00-17:00 +5", "Mon 09:00-17:00 +15:00", "Mon 09:00-17:00  UTC", "Mon 09:00-17:00 UTC again", "Mon 09:00-17:00x", "Mon+ 09:00-10:00"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ns_freeze f;
		ns_err err = {0};
		if (ns_freeze_parse(ar, bad[i], &f, &err))
			fail_msg("\"%s\" was taken", bad[i]);
		assert_true(err.code == NS_E_INVALID && err.text[0]);
	}
}

static int make(void **state)
{
	ar = ns_arena_new();
	return 0;
}
static int drop(void **state)
{
	ns_arena_free(ar);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_the_day),
	    cmocka_unit_test(across_days),
	    cmocka_unit_test(by_the_date),
	    cmocka_unit_test(in_zones_with_summer_time),
	    cmocka_unit_test(nonsense_is_refused),
	};
	return cmocka_run_group_tests_name("freeze", tests, make, drop);
}
