/* Times as text: RFC 3339 in both directions and short durations. No time zone data is consulted, ever. */
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/clock.h"

static bool digits(const char **s, int n, int *out)
{
	int v = 0;
	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (**s - '0');
	}
	*out = v;
	return true;
}

static bool literal(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool leap_year(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int month_days(int y, int m)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[m - 1] + (m == 2 && leap_year(y));
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar; the year is taken to begin in March, so that a leap day ends it. */
static int64_t days_from_civil(int y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void civil_from_days(int64_t z, int64_t *y, int *m, int *d)
{
	z += 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;
	*d = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*m = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*y = year_of_era + era * 400 + (*m <= 2);
}

/* ".123456789": milliseconds, the rest is dropped. */
static bool fraction(const char **s, int *ms)
{
	int n = 0, v = 0;
	for (; **s >= '0' && **s <= '9'; (*s)++, n++)
		if (n < 3)
			v = v * 10 + (**s - '0');
	for (int i = n; i < 3; i++)
		v *= 10;
	*ms = v;
	return n >= 1 && n <= 9;
}

static bool zone(const char **s, int *minutes)
{
	*minutes = 0;
	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		return true;
	}
	int sign = **s == '-' ? -1 : 1, h, m;
	if (**s != '+' && **s != '-')
		return false;
	(*s)++;
	if (!digits(s, 2, &h) || !literal(s, ':') || !digits(s, 2, &m) || h > 23 || m > 59)
		return false;
	*minutes = sign * (h * 60 + m);
	return true;
}

bool ns_time_parse(const char *s, int64_t *wall_ms)
{
	int y, mo, d, h, mi, sec, ms = 0, offset;
	if (!s || !digits(&s, 4, &y) || !literal(&s, '-') || !digits(&s, 2, &mo) || !literal(&s, '-') || !digits(&s, 2, &d))
		return false;
	if (!literal(&s, 'T') && !literal(&s, 't'))
		return false;
	if (!digits(&s, 2, &h) || !literal(&s, ':') || !digits(&s, 2, &mi) || !literal(&s, ':') || !digits(&s, 2, &sec))
		return false;
	if (literal(&s, '.') && !fraction(&s, &ms))
		return false;
	if (!zone(&s, &offset) || *s)
		return false;
	if (mo < 1 || mo > 12 || d < 1 || d > month_days(y, mo) || h > 23 || mi > 59 || sec > 60)
		return false; /* second 60 is a leap second and reads as the next second */
	int64_t minutes = (days_from_civil(y, mo, d) * 24 + h) * 60 + mi - offset;
	*wall_ms = (minutes * 60 + sec) * 1000 + ms;
	return true;
}

/* "2026-11-23T02:47:09"; what four digits of a year cannot hold is shown as the nearest that they can. */
static int date_time(int64_t wall_ms, char *out, size_t cap, int *ms)
{
	const int64_t first = -62167219200000, last = 253402300799999; /* years 0000 and 9999 */
	wall_ms = wall_ms < first ? first : wall_ms > last ? last : wall_ms;
	int64_t day = wall_ms / 86400000, in_day = wall_ms % 86400000;
	if (in_day < 0) {
		in_day += 86400000;
		day--;
	}
	int64_t y;
	int m, d;
	civil_from_days(day, &y, &m, &d);
	*ms = (int)(in_day % 1000);
	int s = (int)(in_day / 1000);
	return snprintf(out, cap, "%04d-%02d-%02dT%02d:%02d:%02d", (int)y, m, d, s / 3600, s / 60 % 60, s % 60);
}

void ns_time_format(int64_t wall_ms, char out[32])
{
	char text[96];
	int ms;
	date_time(wall_ms, text, sizeof text, &ms);
	snprintf(out, 32, "%.19sZ", text);
}

void ns_time_format_micro(int64_t wall_ms, char out[40])
{
	char text[96];
	int ms;
	date_time(wall_ms, text, sizeof text, &ms);
	snprintf(out, 40, "%.19s.%03d000Z", text, ms);
}

void ns_duration_format(int64_t ms, char out[16])
{
	const int64_t most_days = 99999999;
	int64_t s = ms > 0 ? ms / 1000 : 0;
	if (s < 60)
		snprintf(out, 16, "%ds", (int)s);
	else if (s < 3600)
		snprintf(out, 16, "%dm", (int)(s / 60));
	else if (s < 86400 && s / 60 % 60 == 0)
		snprintf(out, 16, "%dh", (int)(s / 3600));
	else if (s < 86400)
		snprintf(out, 16, "%dh%dm", (int)(s / 3600), (int)(s / 60 % 60));
	else
		snprintf(out, 16, "%dd", (int)(s / 86400 < most_days ? s / 86400 : most_days));
}
