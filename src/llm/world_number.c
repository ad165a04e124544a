/* Numbers in prose. A number is bare, or has a unit glued or one blank behind. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "world_priv.h"

static const struct { const char *name; world_unit unit; double factor; } units[] = {
    {"bytes", UNIT_BYTES, 1}, {"Ki", UNIT_BYTES, 1024}, {"Mi", UNIT_BYTES, 1048576}, {"Gi", UNIT_BYTES, 1073741824}, {"Ti", UNIT_BYTES, 1099511627776},
    {"KiB", UNIT_BYTES, 1024}, {"MiB", UNIT_BYTES, 1048576}, {"GiB", UNIT_BYTES, 1073741824}, {"TiB", UNIT_BYTES, 1099511627776},
    {"KB", UNIT_BYTES, 1e3}, {"kB", UNIT_BYTES, 1e3}, {"MB", UNIT_BYTES, 1e6}, {"GB", UNIT_BYTES, 1e9}, {"G", UNIT_BYTES, 1e9}, {"M", UNIT_BYTES, 1e6},
    {"%", UNIT_PERCENT, 1}, {"percent", UNIT_PERCENT, 1},
    {"ms", UNIT_SECONDS, .001}, {"s", UNIT_SECONDS, 1}, {"sec", UNIT_SECONDS, 1}, {"second", UNIT_SECONDS, 1}, {"seconds", UNIT_SECONDS, 1},
    {"m", UNIT_CORES, .001}, {"min", UNIT_SECONDS, 60}, {"minute", UNIT_SECONDS, 60}, {"minutes", UNIT_SECONDS, 60}, {"h", UNIT_SECONDS, 3600},
    {"hour", UNIT_SECONDS, 3600}, {"hours", UNIT_SECONDS, 3600}, {"d", UNIT_SECONDS, 86400}, {"day", UNIT_SECONDS, 86400}, {"days", UNIT_SECONDS, 86400},
    {"core", UNIT_CORES, 1}, {"cores", UNIT_CORES, 1}, {"millicores", UNIT_CORES, .001}, {"x", UNIT_TIMES, 1}, {"times", UNIT_TIMES, 1},
    {"-fold", UNIT_TIMES, 1}, {"USD", UNIT_MONEY, 1}, {"dollars", UNIT_MONEY, 1},
};

static bool is_word(char c)
{
	return ns_is_alnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

/* The unit that begins at s[i], one blank allowed in front; leaves i behind it. */
static void read_unit(const char *s, size_t n, size_t *i, world_number *x, double *factor)
{
	size_t at = *i + (*i < n && s[*i] == ' ');
	for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
		size_t len = strlen(units[k].name);
		bool glued = at == *i, letter = ns_is_letter(units[k].name[0]);
		if (n - at < len || memcmp(s + at, units[k].name, len) != 0 || (letter && at + len < n && is_word(s[at + len])))
			continue;
		if (!glued && len == 1 && letter) /* "5 s" is a unit, "5 m" hardly, "3 d" neither */
			continue;
		x->unit = units[k].unit;
		*factor = units[k].factor;
		*i = at + len;
		return;
	}
}

/* In front and behind: part of a name, a version, an address, a time or a path. */
static bool stands_alone(const char *s, size_t n, size_t from, size_t to)
{
	char before = from ? s[from - 1] : ' ', after = to < n ? s[to] : ' ', beyond = to + 1 < n ? s[to + 1] : ' ';
	if (is_word(before) || strchr("-./:@#", before))
		return before == ':' && from >= 2 && !is_word(s[from - 2]);
	if (is_word(after) || after == '/' || after == '@')
		return false;
	return !((after == '.' || after == ':' || after == '-') && is_word(beyond));
}

bool world_next_number(const char *s, size_t n, size_t *i, world_number *out)
{
	for (; *i < n; ++*i) {
		if (!ns_is_digit(s[*i]))
			continue;
		size_t from = *i, to = from;
		char text[40];
		size_t len = 0;
		int decimals = -1;
		for (; to < n && len + 1 < sizeof text; to++) {
			if (s[to] == ',' && to + 3 < n && ns_is_digit(s[to + 1]) && ns_is_digit(s[to + 2]) && ns_is_digit(s[to + 3]) && decimals < 0)
				continue; /* 1,204 */
			if (s[to] == '.' && decimals < 0 && to + 1 < n && ns_is_digit(s[to + 1]))
				decimals = 0;
			else if (!ns_is_digit(s[to]))
				break;
			else if (decimals >= 0)
				decimals++;
			text[len++] = s[to];
		}
		text[len] = '\0';
		double factor = 1;
		*out = (world_number){.value = strtod(text, NULL), .from = from};
		*i = to;
		read_unit(s, n, i, out, &factor);
		out->to = *i;
		out->value *= factor;
		out->precision = .5 * pow(10, decimals > 0 ? -decimals : 0) * factor;
		if (stands_alone(s, n, from, *i))
			return true;
		while (*i < n && (is_word(s[*i]) || strchr("-./:", s[*i])))
			++*i;
	}
	return false;
}

static bool same(double a, double b, double precision)
{
	return fabs(a - b) <= precision + 1e-9 * fabs(b);
}

static bool comparable(const world_number *a, const world_number *b)
{
	return a->unit == b->unit;
}

/* MB and MiB are mixed up by everybody: a tolerance of five per cent for bytes that were written with such a unit. */
static double slack(const world_number *x, const world_number *k)
{
	return x->unit == UNIT_BYTES && k->value >= 1e6 ? .05 * k->value : x->precision > .5 * x->value ? 0 : x->precision;
}

static bool states(const world_number *k, const world_number *x)
{
	if (comparable(k, x) && (same(x->value, k->value, x->unit == UNIT_NONE ? 1e-9 : slack(x, k))))
		return true;
	/* The evidence says "134217728" or "3", the model says "128Mi" or "3 seconds", or the other way round. */
	return (k->unit == UNIT_NONE || x->unit == UNIT_NONE) && same(x->value, k->value, k->unit == UNIT_BYTES || x->unit == UNIT_BYTES ? .001 * k->value : 1e-9);
}

bool world_knows_number(const world_number *known, size_t n, const world_number *x)
{
	for (size_t i = 0; i < n; i++)
		if (states(&known[i], x))
			return true;
	/* Derived: only where a unit says what was computed, else two of many small numbers would give anything. */
	if (x->unit == UNIT_NONE || x->unit == UNIT_CORES)
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			const world_number *a = &known[i], *b = &known[k];
			if (i == k || !comparable(a, b) || b->value == 0)
				continue;
			if (x->unit == UNIT_PERCENT && (same(x->value, 100 * a->value / b->value, x->precision) ||
			                                   same(x->value, 100 * (a->value / b->value - 1), x->precision)))
				return true;
			if (x->unit == UNIT_TIMES && same(x->value, a->value / b->value, x->precision))
				return true;
			if (x->unit == a->unit && x->unit != UNIT_PERCENT && x->unit != UNIT_TIMES && same(x->value, fabs(a->value - b->value), slack(x, a)))
				return true;
		}
	return false;
}
