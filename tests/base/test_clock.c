/* Clocks and times as text. */
#include "support/test.h"

#include <poll.h>

#include "neuroscale/base/clock.h"

static void a_manual_clock_moves_only_when_told(void **state)
{
	ns_clock *c = ns_clock_manual(1000000, 500);
	assert_int_equal(ns_clock_wall_ms(c), 1000000);
	assert_int_equal(ns_clock_mono_ms(c), 500);
	ns_clock_advance(c, 250);
	assert_int_equal(ns_clock_wall_ms(c), 1000250);
	assert_int_equal(ns_clock_mono_ms(c), 750);
	ns_clock_jump_wall(c, -5000);
	assert_int_equal(ns_clock_wall_ms(c), 995250);
	assert_int_equal(ns_clock_mono_ms(c), 750);
	assert_int_equal(ns_clock_rate(c), 1);
	char text[64];
	ns_clock_format(c, text, sizeof text);
	assert_string_equal(text, "");
	ns_clock_free(c);
}

static void the_real_clock_runs(void **state)
{
	const ns_clock *c = ns_clock_real();
	int64_t a = ns_clock_mono_ms(c);
	poll(NULL, 0, 3);
	int64_t b = ns_clock_mono_ms(c);
	assert_true(b >= a + 2);
	assert_true(ns_clock_wall_ms(c) > 1700000000000);
	assert_true(ns_clock_mono_ms(NULL) >= b);
	assert_int_equal(strlen(ns_clock_boot_id()), 36);
}

static void a_scaled_clock_is_its_three_numbers(void **state)
{
	int64_t boot = ns_real_mono_ms();
	ns_clock *a = ns_clock_scaled(100, boot, 1700000000000);
	char spec[64];
	ns_clock_format(a, spec, sizeof spec);
	ns_clock *b = ns_clock_parse(spec, NULL);
	assert_non_null(b);
	poll(NULL, 0, 5);
	int64_t wall = ns_clock_wall_ms(a), passed = wall - 1700000000000;
	assert_true(passed >= 400);
	assert_true(ns_clock_wall_ms(b) - wall < 10000); /* both read the same, a moment apart */
	int64_t mono = ns_clock_mono_ms(a);
	assert_true(mono - boot >= passed);
	assert_int_equal(ns_clock_rate(b), 100);
	ns_clock_free(a);
	ns_clock_free(b);
}

static void bad_specs_are_refused(void **state)
{
	static const char *const bad[] = {"", "10", "10:1", "10:1:", ":1:2", "0:1:2", "1001:1:2", "10:-1:2", "10:1:2:3", "10:1:2x",
	    " 10:1:2", "10:1: 2", "+10:1:2", "10:99999999999999999999:2", "x:1:2", "10:9000000000000000000:2"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ns_err err = {0};
		assert_null(ns_clock_parse(bad[i], &err));
		assert_int_equal(err.code, NS_E_INVALID);
	}
	assert_null(ns_clock_parse(NULL, NULL));
}

static void poll_time_is_real_time(void **state)
{
	ns_clock *manual = ns_clock_manual(0, 1000);
	assert_int_equal(ns_clock_poll_ms(manual, -1), -1);
	assert_int_equal(ns_clock_poll_ms(manual, 1000), 0);
	assert_int_equal(ns_clock_poll_ms(manual, 10), 0);
	assert_int_equal(ns_clock_poll_ms(manual, 1003), 3);
	assert_int_equal(ns_clock_poll_ms(manual, 999999), 5);
	ns_clock_free(manual);

	ns_clock *fast = ns_clock_scaled(100, ns_real_mono_ms(), 0);
	int ms = ns_clock_poll_ms(fast, ns_clock_mono_ms(fast) + 60000);
	assert_in_range(ms, 1, 600);
	assert_int_equal(ns_clock_poll_ms(fast, INT64_MAX), 10000); /* and looks again: poll does not count suspend */
	ns_clock_free(fast);
}

static void a_condition_wait_ends_at_the_deadline(void **state)
{
	pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond;
	ns_cond_init(&cond);
	pthread_mutex_lock(&mu);
	const ns_clock *real = ns_clock_real();
	int64_t deadline = ns_clock_mono_ms(real) + 5;
	while (ns_clock_cond_wait(real, &cond, &mu, deadline))
		;
	assert_true(ns_clock_mono_ms(real) >= deadline);
	ns_clock *manual = ns_clock_manual(0, 0);
	assert_true(ns_clock_cond_wait(manual, &cond, &mu, 1000)); /* its time has not come, whatever real time did */
	ns_clock_advance(manual, 1000);
	assert_false(ns_clock_cond_wait(manual, &cond, &mu, 1000));
	pthread_mutex_unlock(&mu);
	ns_clock_free(manual);
	pthread_cond_destroy(&cond);
}

static void good_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
	    {"1970-01-01T00:00:00Z", 0}, {"2026-11-23T02:47:09Z", 1795402029000}, {"2026-11-23T02:47:09.5Z", 1795402029500},
	    {"2026-11-23T02:47:09.123456789Z", 1795402029123}, {"2026-11-23T04:47:09+02:00", 1795402029000},
	    {"2026-11-22T21:17:09-05:30", 1795402029000}, {"2026-11-23t02:47:09z", 1795402029000}, {"2024-02-29T00:00:00Z", 1709164800000},
	    {"2000-02-29T00:00:00Z", 951782400000}, {"2016-12-31T23:59:60Z", 1483228800000}, /* leap second */
	    {"1969-12-31T23:59:59.999Z", -1}, {"0001-01-01T00:00:00Z", -62135596800000},     /* Go's zero time */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t ms = 42;
		assert_true(ns_time_parse(rows[i].text, &ms));
		assert_int_equal(ms, rows[i].ms);
	}
}

static void bad_times(void **state)
{
	static const char *const bad[] = {"", "2026-11-23", "2026-11-23T02:47:09", "2026-11-23 02:47:09Z", "2026-13-01T00:00:00Z",
	    "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-23T24:00:00Z",
	    "2026-11-23T02:60:09Z", "2026-11-23T02:47:61Z", "2026-11-23T02:47:09.Z", "2026-11-23T02:47:09.1234567890Z",
	    "2026-11-23T02:47:09+0200", "2026-11-23T02:47:09+24:00", "2026-11-23T02:47:09Zx", "-026-11-23T02:47:09Z", "null"};
	int64_t ms = 42;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(ns_time_parse(bad[i], &ms));
	assert_false(ns_time_parse(NULL, &ms));
	assert_int_equal(ms, 42);
}

static void times_format_and_come_back(void **state)
{
	char s[32], micro[40];
	ns_time_format(1795402029123, s);
	assert_string_equal(s, "2026-11-23T02:47:09Z");
	ns_time_format_micro(1795402029123, micro);
	assert_string_equal(micro, "2026-11-23T02:47:09.123000Z");
	ns_time_format(-1, s);
	assert_string_equal(s, "1969-12-31T23:59:59Z");
	ns_time_format(INT64_MAX, s);
	assert_string_equal(s, "9999-12-31T23:59:59Z");
	ns_time_format(INT64_MIN, s);
	assert_string_equal(s, "0000-01-01T00:00:00Z");
	for (int64_t t = -62135596800000; t < 253402300799000; t += 86400000LL * 97 + 12345678) {
		int64_t back;
		ns_time_format_micro(t, micro);
		assert_true(ns_time_parse(micro, &back));
		assert_int_equal(back, t);
	}
}

static void durations_are_short(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {{-5, "0s"}, {0, "0s"}, {999, "0s"}, {45000, "45s"}, {59999, "59s"}, {60000, "1m"}, {185000, "3m"}, {3600000, "1h"},
	    {7800000, "2h10m"}, {86399999, "23h59m"}, {86400000, "1d"}, {5 * 86400000LL, "5d"}, {INT64_MAX, "99999999d"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[16];
		ns_duration_format(rows[i].ms, out);
		assert_string_equal(out, rows[i].text);
	}
}

static void none_is_later_than_any_deadline(void **state)
{
	assert_int_equal(ns_sooner(3, 5), 3);
	assert_int_equal(ns_sooner(5, 3), 3);
	assert_int_equal(ns_sooner(-1, 0), 0);
	assert_int_equal(ns_sooner(0, -1), 0);
	assert_int_equal(ns_sooner(-1, -1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_manual_clock_moves_only_when_told),
	    cmocka_unit_test(the_real_clock_runs),
	    cmocka_unit_test(a_scaled_clock_is_its_three_numbers),
	    cmocka_unit_test(bad_specs_are_refused),
	    cmocka_unit_test(poll_time_is_real_time),
	    cmocka_unit_test(none_is_later_than_any_deadline),
	    cmocka_unit_test(a_condition_wait_ends_at_the_deadline),
	    cmocka_unit_test(good_times),
	    cmocka_unit_test(bad_times),
	    cmocka_unit_test(times_format_and_come_back),
	    cmocka_unit_test(durations_are_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
