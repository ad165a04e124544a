/* Time zones by the system's own files (TZif, RFC 8536): the transitions, and behind the last one the rule in the file's foot. glibc can do
 * this for one zone per process only. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "neuroscale/base/text.h"
#include "neuroscale/config/freeze.h"
#include "neuroscale/sys/fs.h"

enum { MAX_FILE = 256 * 1024, HEADER = 44, DAY_S = 86400 };

/* One of the two changes of a year: "M3.5.0/2" the last Sunday of March at two, "J60/0" or "59" by the day of the year. */
typedef struct change {
	char form; /* 'M' 'J' or '0' */
	int month, week, day;
	int64_t at_s;
} change;

struct ns_zone {
	size_t n;
	const int64_t *at;     /* transitions, ascending */
	const int32_t *offset; /* in force from at[i] */
	int64_t first;         /* before the first */
	int64_t std, dst;      /* behind the last one: the rule */
	bool has_dst;
	change begins, ends;
};

/* ---- the rule ---- */

static bool rule_name(const char **p)
{
	const char *s = *p;
	if (*s == '<') {
		const char *end = strchr(s, '>');
		*p = end ? end + 1 : s;
		return end != NULL;
	}
	while (isalpha((unsigned char)**p))
		(*p)++;
	return *p - s >= 3;
}

static bool number(const char **p, int most, int *out)
{
	char *end;
	if (!ns_is_digit(**p))
		return false;
	long v = strtol(*p, &end, 10);
	*p = end;
	*out = (int)v;
	return v <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool clock_time(const char **p, int64_t *out)
{
	int part[3] = {0}, sign = **p == '-' ? -1 : 1, n = 0;
	*p += **p == '-' || **p == '+';
	do {
		if (!number(p, n ? 59 : 167, &part[n]))
			return false;
	} while (++n < 3 && **p == ':' && (*p)++);
	*out = sign * (part[0] * INT64_C(3600) + part[1] * 60 + part[2]);
	return true;
}

static bool rule_change(const char **p, change *c)
{
	bool ok;
	if (*(*p)++ != ',')
		return false;
	c->form = **p == 'M' || **p == 'J' ? *(*p)++ : '0';
	if (c->form == 'M')
		ok = number(p, 12, &c->month) && c->month && *(*p)++ == '.' && number(p, 5, &c->week) && c->week && *(*p)++ == '.' && number(p, 6, &c->day);
	else
		ok = number(p, 365, &c->day);
	c->at_s = 7200;
	return ok && (**p != '/' || ((*p)++, clock_time(p, &c->at_s)));
}

/* "CET-1CEST,M3.5.0,M10.5.0/3": its offsets count westward. */
static bool rule(const char *p, ns_zone *z)
{
	int64_t west;
	if (!rule_name(&p) || !clock_time(&p, &west))
		return false;
	z->std = -west;
	if (!*p)
		return true;
	if (!rule_name(&p))
		return false;
	z->has_dst = true;
	z->dst = z->std + 3600;
	if (*p && *p != ',') {
		if (!clock_time(&p, &west))
			return false;
		z->dst = -west;
	}
	return rule_change(&p, &z->begins) && rule_change(&p, &z->ends) && !*p;
}

static bool leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Days from 1970-01-01 to January 1st of a year from 1970 on. */
static int64_t new_year(int64_t y)
{
	int64_t n = y - 1;
	return (y - 1970) * 365 + (n / 4 - n / 100 + n / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

/* Local seconds since 1970 at which the change falls in that year. */
static int64_t change_in(const change *c, int64_t y)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	int64_t day = new_year(y);
	if (c->form == 'J') {
		day += c->day - 1 + (leap(y) && c->day >= 60);
	} else if (c->form == '0') {
		day += c->day;
	} else {
		int64_t first = day + before[c->month - 1] + (leap(y) && c->month > 2);
		int64_t length = before[c->month] - before[c->month - 1] + (leap(y) && c->month == 2);
		int64_t weekday = (first + 4) % 7; /* 1970-01-01 was a Thursday; 0 is Sunday */
		int64_t in_month = (c->day - weekday + 7) % 7 + (c->week - 1) * 7;
		while (in_month >= length)
			in_month -= 7;
		day = first + in_month;
	}
	return day * DAY_S + c->at_s;
}

static int64_t by_rule(const ns_zone *z, int64_t utc)
{
	if (!z->has_dst)
		return z->std;
	int64_t y = 1970 + (utc + z->std) / (DAY_S * INT64_C(365));
	while (new_year(y) * DAY_S > utc + z->std)
		y--;
	int64_t begins = change_in(&z->begins, y) - z->std, ends = change_in(&z->ends, y) - z->dst;
	bool summer = begins < ends ? utc >= begins && utc < ends : utc >= begins || utc < ends;
	return summer ? z->dst : z->std;
}

int64_t ns_zone_offset(const ns_zone *z, int64_t utc)
{
	if (!z->n || utc >= z->at[z->n - 1])
		return by_rule(z, utc);
	size_t low = 0, high = z->n; /* transitions up to utc */
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (z->at[mid] <= utc)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? z->offset[low - 1] : z->first;
}

/* ---- the file ---- */

static int64_t big_endian(const char *p, int n)
{
	uint64_t v = 0;
	for (int i = 0; i < n; i++)
		v = v << 8 | (unsigned char)p[i];
	return n == 4 ? (int64_t)(int32_t)v : (int64_t)v;
}

typedef struct counts {
	size_t utc, std, leaps, times, types, chars;
} counts;

/* The size of the data behind a header whose numbers are width bytes wide; false: no TZif header, or counts that nobody writes. */
static bool read_header(const char *p, size_t left, int width, counts *c, size_t *size)
{
	if (left < HEADER || memcmp(p, "TZif", 4) != 0)
		return false;
	size_t *const all[] = {&c->utc, &c->std, &c->leaps, &c->times, &c->types, &c->chars};
	for (int i = 0; i < 6; i++) {
		int64_t v = big_endian(p + 20 + 4 * i, 4);
		if (v < 0 || v > MAX_FILE)
			return false;
		*all[i] = (size_t)v;
	}
	size_t w = (size_t)width;
	*size = HEADER + c->times * (w + 1) + c->types * 6 + c->chars + c->leaps * (w + 4) + c->std + c->utc;
	return *size <= left;
}

static bool read_data(ns_arena *ar, const char *p, const counts *c, ns_zone *z)
{
	const char *times = p + HEADER, *which = times + c->times * 8, *types = which + c->times;
	int64_t *at = ns_arena_alloc(ar, (c->times + 1) * sizeof *at);
	int32_t *offset = ns_arena_alloc(ar, (c->times + 1) * sizeof *offset);
	for (size_t i = 0; i < c->times; i++) {
		size_t type = (unsigned char)which[i];
		at[i] = big_endian(times + i * 8, 8);
		if (type >= c->types || (i && at[i] <= at[i - 1]))
			return false;
		offset[i] = (int32_t)big_endian(types + type * 6, 4);
	}
	z->n = c->times;
	z->at = at;
	z->offset = offset;
	z->first = c->types ? big_endian(types, 4) : 0;
	return true;
}

static bool read_tzif(ns_arena *ar, const ns_buf *b, ns_zone *z)
{
	counts c;
	size_t first, second;
	if (!read_header(b->data, b->len, 4, &c, &first) || b->data[4] < '2' || !read_header(b->data + first, b->len - first, 8, &c, &second))
		return false;
	const char *foot = b->data + first + second, *end = b->data + b->len;
	char text[128];
	size_t n = (size_t)(end - foot);
	if (n < 2 || n - 1 > sizeof text || foot[0] != '\n' || end[-1] != '\n')
		return false;
	snprintf(text, sizeof text, "%.*s", (int)(n - 2), foot + 1);
	return read_data(ar, b->data + first, &c, z) && rule(text, z);
}

/* "Europe/Berlin": nothing that leaves the directory. */
static bool name_ok(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!ns_is_alnum(*p) && !strchr("/_+-", *p))
			return false;
	return ns_is_letter(*name) && strlen(name) < 64;
}

const ns_zone *ns_zone_find(ns_arena *ar, const char *name, ns_err *err)
{
	ns_zone *z = ns_arena_alloc(ar, sizeof *z);
	if (strcmp(name, "UTC") == 0)
		return z;
	if (*name == '+' || *name == '-') {
		const char *p = name;
		bool ok = strlen(name) == 6 && name[3] == ':' && clock_time(&p, &z->std) && !*p && llabs(z->std) <= 14 * 3600;
		if (!ok)
			ns_fail(err, NS_E_INVALID, "\"%.20s\" is no offset: write it as +05:30", name);
		return ok ? z : NULL;
	}
	char path[128];
	ns_buf b = NS_BUF_INIT;
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name_ok(name) ? name : "");
	bool ok = name_ok(name) && ns_read_file(path, MAX_FILE, &b, NULL) && read_tzif(ar, &b, z);
	ns_buf_free(&b);
	if (!ok)
		ns_fail(err, NS_E_INVALID, "there is no time zone \"%.60s\" in /usr/share/zoneinfo: write UTC, +01:00 or a name such as Europe/Berlin", name);
	return ok ? z : NULL;
}
