/* How long a CronJob may stay silent. The controller reckons in its own time zone, which nobody tells; but the longest pause between two runs of a
 * schedule is the same in every zone, so that is all that is asked: a run is missed for sure once the last one is longer ago than that. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "detector_priv.h"

enum { MINUTES = 60, HOURS = 24, DAYS = 32, MONTHS = 13, WEEKDAYS = 7, DAY_MINUTES = 24 * 60, LOOK_DAYS = 9 * 366 }; /* a leap day may be 8 years off */

typedef struct field { int low, high; const char *const *names; } field;

static const char *const month_names[] = {"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
static const field fields[5] = {{0, 59, NULL}, {0, 23, NULL}, {1, 31, NULL}, {1, 12, month_names}, {0, 7, day_names}};

static bool number(const char **s, const field *f, int *out)
{
	for (int i = 0; f->names && f->names[i]; i++)
		if (*f->names[i] && strncasecmp(*s, f->names[i], 3) == 0) {
			*s += 3;
			*out = i;
			return true;
		}
	char *end;
	long n = strtol(*s, &end, 10);
	if (end == *s || end - *s > 2 || n < f->low || n > f->high)
		return false;
	*s = end;
	*out = (int)n;
	return true;
}

/* One of the five: "*", "5", "1-5", "a,b", each with "/step". A bit for each value that is meant. */
static bool parse(const char *s, const field *f, uint64_t *bits, bool *any)
{
	*bits = 0;
	*any = *s == '*' || *s == '?';
	do {
		int from = f->low, to = f->high, step = 1;
		bool one = false;
		if (*s == '*' || *s == '?') {
			s++;
		} else {
			if (!number(&s, f, &from))
				return false;
			one = *s != '-';
			to = from;
			if (!one && (s++, !number(&s, f, &to)))
				return false;
		}
		if (*s == '/') {
			to = one ? f->high : to; /* "5/15" runs on to the end */
			char *end;
			long n = strtol(s + 1, &end, 10);
			if (end == s + 1 || n < 1 || n > 60)
				return false;
			step = (int)n;
			s = end;
		}
		if (from > to)
			return false;
		for (int i = from; i <= to; i += step)
			*bits |= 1ull << i;
	} while (*s == ',' && s++);
	return !*s && *bits;
}

static bool leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int days_in(int month, int year)
{
	static const int n[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return n[month] + (month == 2 && leap(year));
}

/* Longest run of days between two that match, by walking the calendar. 0: none ever does. */
static int longest_days(const uint64_t *bits, const bool *any)
{
	int year = 2023, month = 1, day = 1, weekday = 0, last = -1, longest = 0; /* 2023-01-01 was a Sunday */
	for (int i = 0; i < LOOK_DAYS; i++) {
		bool dom = bits[2] >> day & 1, dow = bits[4] >> weekday & 1;
		/* When both are restricted either will do. */
		bool match = (bits[3] >> month & 1) && (any[2] || any[4] ? dom && dow : dom || dow);
		if (match) {
			longest = last >= 0 && i - last > longest ? i - last : longest;
			last = i;
		}
		weekday = (weekday + 1) % 7;
		if (++day > days_in(month, year)) {
			day = 1;
			if (++month > 12) {
				month = 1;
				year++;
			}
		}
	}
	return longest;
}

/* Longest pause in minutes within a day of runs, and first and last minute of such a day. */
static int within(uint64_t minutes, uint64_t hours, int *first, int *last)
{
	int longest = 0;
	*first = *last = -1;
	for (int m = 0; m < DAY_MINUTES; m++) {
		if (!(hours >> (m / 60) & 1) || !(minutes >> (m % 60) & 1))
			continue;
		if (*first < 0)
			*first = m;
		else if (m - *last > longest)
			longest = m - *last;
		*last = m;
	}
	return longest;
}

static const char *plain(const char *schedule)
{
	static const char *const macros[][2] = {{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
	    {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"}};
	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
		if (strcmp(schedule, macros[i][0]) == 0)
			return macros[i][1];
	if (strncmp(schedule, "TZ=", 3) == 0 || strncmp(schedule, "CRON_TZ=", 8) == 0)
		schedule += strcspn(schedule, " ");
	return schedule + strspn(schedule, " \t");
}

int64_t dt_cron_quiet_ms(const char *schedule)
{
	uint64_t bits[5];
	bool any[5];
	char word[128];
	const char *s = plain(schedule);
	for (int i = 0; i < 5; i++) {
		size_t n = strcspn(s, " \t");
		if (!n || n >= sizeof word)
			return 0;
		memcpy(word, s, n);
		word[n] = '\0';
		if (!parse(word, &fields[i], &bits[i], &any[i]))
			return 0;
		s += n;
		s += strspn(s, " \t");
	}
	if (*s)
		return 0;
	bits[4] |= bits[4] >> 7 & 1; /* 7 is Sunday too */
	int first, last, pause = within(bits[0], bits[1], &first, &last), days = longest_days(bits, any);
	if (!days)
		return 0;
	int between = days * DAY_MINUTES - last + first;
	return (int64_t)(between > pause ? between : pause) * 60000;
}
