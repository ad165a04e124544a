/* How much of a thing is used, and money per time: numbers that people and reports write in many ways. "CPU 8m each", "GPUs at 0%",
 * "cpuEfficiency 0.01", "0 jobs in queue" all say that it is idle; "$310/h" and "540 EUR/month" both are a price. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "neuroscale/base/text.h"
#include "text_priv.h"

#define NEAR        28 /* characters between a number and what it is about */
#define LOW_PERCENT 10 /* of what is reserved: under it a workload is idle */
#define LOW_MILLI   30 /* thousandths of a core */
#define HIGH_IDLE   80

/* The last and the first word of a text that touches a number; lower case. */
static bool near(const char *from, size_t n, const char *pattern)
{
	char window[NEAR + 3];
	size_t k = 1;
	window[0] = ' ';
	for (size_t i = 0; i < n && k < NEAR + 1; i++)
		if (ns_is_alnum(from[i]))
			window[k++] = (char)(ns_is_upper(from[i]) ? from[i] + 32 : from[i]);
		else if (window[k - 1] != ' ')
			window[k++] = ' ';
	if (window[k - 1] != ' ')
		window[k++] = ' ';
	window[k] = 0;
	return window[1] && ns_flat_find(window, pattern) != NULL;
}

static const char resources[] = "~cpu|~gpu|~utilis|~utiliz|usage|used|~eff |~efficien|busy|load";

/* Is the number at p (its end at `end`) about use of a resource? The word stands before it, or right behind it. */
static bool about(const char *text, const char *p, const char *end, const char *pattern)
{
	size_t back = (size_t)(p - text) < NEAR ? (size_t)(p - text) : NEAR, ahead = strcspn(end, ",;\n");
	const char *from = p - back;
	for (const char *q = p; q-- > from;)
		if (strchr(",;(|", *q)) {
			from = q + 1;
			break;
		}
	return near(from, (size_t)(p - from), pattern) || near(end, ahead < 14 ? ahead : 14, pattern);
}

static bool idle_number(const char *text, const char *p)
{
	char *end;
	double v = strtod(p, &end);
	const char *unit = end + (*end == ' ');
	bool percent = *unit == '%' || !strncasecmp(unit, "percent", 7) || !strncasecmp(unit, "per cent", 8);
	if (percent && v <= LOW_PERCENT && about(text, p, unit, resources))
		return true;
	if (percent && v >= HIGH_IDLE && about(text, p, unit, "idle"))
		return true;
	if (*end == 'm' && !ns_is_alnum(end[1]) && v <= LOW_MILLI && about(text, p, end, "~cpu"))
		return true;
	return v < LOW_PERCENT / 100.0 && memchr(p, '.', (size_t)(end - p)) &&
	       about(text, p, end, "~eff |~efficien|~utilis|~utiliz|~cpu used|cpu use");
}

static const char nothing[] = "(0|no|zero) "
                              "(players|viewers|orders|calls|kernels|runs|subscribers|jobs|requests|traffic|sessions|users|tasks|messages|"
                              "connections|hits|queries|builds|work|tests|visitors|logins|rps|qps|"
                              "activity|jobs|clients|load)|(players|viewers|orders|calls|requests|traffic|rps|qps|sessions|jobs|queue|hits|"
                              "connections|tasks) (0|zero|none|nil|empty) |queue is "
                              "empty|no one (uses|used)|nobody (uses|used)|cpuefficiency 0 0|efficiency 0 0";

const text_unit *ns_text_idle(const text_doc *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		if (u->order || (u->place != TEXT_PROSE && u->place != TEXT_STATUS))
			continue;
		if (ns_flat_find(u->flat, nothing))
			return u;
		for (const char *p = u->text; *p;) {
			if (ns_is_digit(*p) && (p == u->text || (!ns_is_alnum(p[-1]) && p[-1] != '.'))) {
				if (idle_number(u->text, p))
					return u;
				p += strspn(p, "0123456789.");
			} else {
				p++;
			}
		}
	}
	return NULL;
}

/* "$48/h", "USD 22 per day", "540 EUR/month", "$310 an hour". */
bool ns_text_price(const text_unit *u)
{
	static const char *const marks[] = {"$", "USD", "EUR", "GBP", "CHF", "\xe2\x82\xac", NULL};
	for (const char *const *m = marks; *m; m++)
		for (const char *p = u->text; (p = strstr(p, *m)); p++) {
			const char *s = p + strlen(*m), *b = p;
			while (*s == ' ')
				s++;
			while (b > u->text && b[-1] == ' ')
				b--;
			const char *sign = b; /* "+$6k", "+1,900 EUR" */
			while (sign > u->text && strchr("0123456789., k", sign[-1]))
				sign--;
			if (sign > u->text && sign[-1] == '+' && (ns_is_digit(*s) || sign < b))
				return true;
			bool amount = ns_is_digit(*s) || (b > u->text && ns_is_digit(b[-1]));
			s += strspn(s, "0123456789., k");
			if (amount &&
			    (near(s, strnlen(s, 12), "day|month|hour|week|year|per |h |d |mo |hr |daily|monthly|more|extra") || *s == '/'))
				return true;
		}
	return false;
}
