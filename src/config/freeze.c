/* Freeze windows: read from one line each, looked at by the minute. */
#include "neuroscale/config/freeze.h"
#include <stdio.h>
#include <string.h>
#include "neuroscale/base/text.h"

enum { DAY_MIN = 1440, WEEK_MIN = 7 * DAY_MIN, DAY_S = 86400 };

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int y, int m, int d)
{
	int64_t years = m <= 2 ? (int64_t)y - 1 : y, era = (years >= 0 ? years : years - 399) / 400, of_era = years - era * 400;
	int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* ---- reading ---- */

static bool take(const char **p, const char *word)
{
	size_t n = strlen(word);
	bool is = strncmp(*p, word, n) == 0;
	*p += is ? n : 0;
	return is;
}

static bool digits(const char **p, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++) {
		if (!ns_is_digit((*p)[i]))
			return false;
		*out = *out * 10 + ((*p)[i] - '0');
	}
	*p += n;
	return true;
}

static bool day(const char **p, int *out)
{
	static const char *const names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	for (int i = 0; i < 7; i++)
		if (take(p, names[i])) {
			*out = i;
			return true;
		}
	return false;
}

/* "Mon", "Mon-Fri", "Sat-Mon", "Mon+Wed", "daily". */
static bool day_set(const char **p, unsigned *days)
{
	int a, b;
	*days = 0;
	if (take(p, "daily")) {
		*days = 0x7F;
		return true;
	}
	do {
		if (!day(p, &a))
			return false;
		b = a;
		if (take(p, "-") && !day(p, &b))
			return false;
		for (int i = a;; i = (i + 1) % 7) {
			*days |= 1u << i;
			if (i == b)
				break;
		}
	} while (take(p, "+"));
	return true;
}

/* Minutes since midnight; 24:00 is the end of the day. */
static bool time_of(const char **p, int64_t *minutes)
{
	int h, m;
	if (!digits(p, 2, &h) || !take(p, ":") || !digits(p, 2, &m))
		return false;
	*minutes = h * 60 + m;
	return m < 60 && *minutes <= DAY_MIN;
}

static bool leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Seconds since 1970 of the zone's own clock. Without a time: the begin of the day, or its end. */
static bool moment(const char **p, bool end, int64_t *seconds)
{
	static const int longest[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y, m, d;
	int64_t minutes = end ? DAY_MIN : 0;
	if (!digits(p, 4, &y) || !take(p, "-") || !digits(p, 2, &m) || !take(p, "-") || !digits(p, 2, &d))
		return false;
	if (m < 1 || m > 12 || d < 1 || d > longest[m - 1] + (m == 2 && leap(y)))
		return false;
	if ((*p)[0] == ' ' && ns_is_digit((*p)[1])) {
		(*p)++;
		if (!time_of(p, &minutes))
			return false;
	}
	*seconds = days_of(y, m, d) * DAY_S + minutes * 60;
	return true;
}

static bool dated(const char **p, ns_freeze *f)
{
	int64_t to;
	if (!moment(p, false, &f->from) || !take(p, "..") || !moment(p, true, &to))
		return false;
	f->length = to - f->from;
	return f->length > 0;
}

static bool weekly(const char **p, ns_freeze *f)
{
	int64_t from, to;
	int last, first = 0;
	if (!day_set(p, &f->days) || !take(p, " ") || !time_of(p, &from) || from == DAY_MIN || !take(p, "-"))
		return false;
	f->from = from;
	if (!ns_is_digit(**p)) { /* across days: from one day, once a week */
		while (first < 7 && f->days != 1u << first)
			first++;
		if (first == 7 || !day(p, &last) || !take(p, " ") || !time_of(p, &to))
			return false;
		f->length = ((last - first) * DAY_MIN + to - from + WEEK_MIN) % WEEK_MIN;
		return f->length > 0;
	}
	if (!time_of(p, &to))
		return false;
	f->length = to > from ? to - from : to - from + DAY_MIN;
	return true;
}

bool ns_freeze_parse(ns_arena *ar, const char *text, ns_freeze *out, ns_err *err)
{
	const char *p = text;
	*out = (ns_freeze){.text = ns_arena_strdup(ar, text)};
	if (!(ns_is_digit(*p) ? dated(&p, out) : weekly(&p, out)) || (*p && *p != ' '))
		return ns_fail(err, NS_E_INVALID,
		    "\"%.80s\" is no freeze window (not understood from \"%.20s\" on): write \"Mon-Fri 09:00-17:00\", \"Fri 16:00-Mon 08:00\" or "
		    "\"2026-12-20..2027-01-03\", and a zone such as Europe/Berlin behind it",
		    text, p);
	out->zone = ns_zone_find(ar, *p ? p + 1 : "UTC", err);
	return out->zone || ns_err_wrap(err, "freeze window \"%.80s\"", text);
}

/* ---- looking ---- */

static int64_t mod(int64_t a, int64_t m)
{
	return ((a % m) + m) % m;
}

/* Local seconds until the state changes, -1 never. */
static bool open_weekly(const ns_freeze *f, int64_t local, int64_t *left)
{
	const int64_t week_s = (int64_t)WEEK_MIN * 60;
	int64_t now = mod(local + 3 * DAY_S, week_s); /* 1970-01-01 was a Thursday */
	int64_t closes = 0, opens = week_s;
	for (int d = 0; d < 7; d++) {
		if (!(f->days & 1u << d))
			continue;
		int64_t since = mod(now - (d * DAY_MIN + f->from) * 60, week_s), rest = f->length * 60 - since;
		if (rest > closes)
			closes = rest;
		if (week_s - since < opens)
			opens = week_s - since;
	}
	*left = closes > 0 ? closes : opens;
	return closes > 0;
}

static bool open_dated(const ns_freeze *f, int64_t local, int64_t *left)
{
	int64_t since = local - f->from;
	*left = since < 0 ? -since : since < f->length ? f->length - since : -1;
	return since >= 0 && since < f->length;
}

bool ns_freeze_open(const ns_freeze *f, int64_t wall_ms, int64_t *changes_ms)
{
	int64_t utc = wall_ms >= 0 ? wall_ms / 1000 : (wall_ms - 999) / 1000, offset = ns_zone_offset(f->zone, utc), left;
	bool open = f->days ? open_weekly(f, utc + offset, &left) : open_dated(f, utc + offset, &left);
	if (changes_ms) {
		/* Summer time may begin or end until then. */
		int64_t at = utc + left;
		at += offset - ns_zone_offset(f->zone, at);
		*changes_ms = left < 0 ? -1 : (at > utc ? at : utc + 1) * 1000;
	}
	return open;
}
