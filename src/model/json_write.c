/* Tree to text, in one pass into one buffer. cJSON's own printer is not used: it turns 1e15 into "1e+15" and copies its result twice. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"

static void write_escape(ns_buf *out, unsigned char c)
{
	static const char named[] = "\bb\tt\nn\ff\rr\"\"\\\\"; /* pairs: character, letter */
	for (const char *p = named; *p; p += 2)
		if ((unsigned char)p[0] == c) {
			const char two[2] = {'\\', p[1]};
			ns_buf_put(out, two, 2);
			return;
		}
	ns_buf_printf(out, "\\u%04x", c);
}

/* A broken byte becomes U+FFFD, so that what is written can always be read. */
static void write_string(ns_buf *out, const char *s)
{
	size_t n = s ? strlen(s) : 0, from = 0, i = 0;
	ns_buf_putc(out, '"');
	while (i < n) {
		unsigned char c = (unsigned char)s[i];
		uint32_t cp = c;
		size_t len = c < 0x80 ? 1 : ns_utf8_next(s + i, n - i, &cp);
		bool plain = c >= 0x80 ? len > 1 : c >= 0x20 && c != '"' && c != '\\';
		if (!plain) {
			ns_buf_put(out, s + from, i - from);
			if (c < 0x80)
				write_escape(out, c);
			else
				ns_buf_puts(out, "\xEF\xBF\xBD");
			from = i + len;
		}
		i += len;
	}
	ns_buf_put(out, s ? s + from : "", n - from);
	ns_buf_putc(out, '"');
}

static void write_number(ns_buf *out, double v)
{
	char text[40];
	if (!isfinite(v)) {
		ns_buf_puts(out, "null"); /* JSON has no word for it */
		return;
	}
	if (v == floor(v) && fabs(v) < 1e17) {
		ns_buf_printf(out, "%.0f", v == 0 ? 0.0 : v);
		return;
	}
	snprintf(text, sizeof text, "%.15g", v);
	if (strtod(text, NULL) != v)
		snprintf(text, sizeof text, "%.17g", v);
	ns_buf_puts(out, text);
}

static void write_value(const cJSON *j, bool sorted, ns_buf *out);

static void write_member(const cJSON *j, bool sorted, ns_buf *out)
{
	write_string(out, j->string);
	ns_buf_putc(out, ':');
	write_value(j, sorted, out);
}

static void write_object(const cJSON *j, bool sorted, ns_buf *out)
{
	ns_buf_putc(out, '{');
	if (sorted) {
		size_t n;
		ns_json_entry *list = ns_json_sorted(j, &n);
		for (size_t i = 0; i < n; i++) {
			if (i)
				ns_buf_putc(out, ',');
			write_member(list[i].item, sorted, out);
		}
		free(list);
	} else {
		ns_json_each(c, j)
		{
			if (c != j->child)
				ns_buf_putc(out, ',');
			write_member(c, sorted, out);
		}
	}
	ns_buf_putc(out, '}');
}

static void write_array(const cJSON *j, bool sorted, ns_buf *out)
{
	ns_buf_putc(out, '[');
	ns_json_each(c, j)
	{
		if (c != j->child)
			ns_buf_putc(out, ',');
		write_value(c, sorted, out);
	}
	ns_buf_putc(out, ']');
}

static void write_value(const cJSON *j, bool sorted, ns_buf *out)
{
	switch (j ? j->type & 0xFF : cJSON_NULL) {
	case cJSON_False: ns_buf_puts(out, "false"); break;
	case cJSON_True: ns_buf_puts(out, "true"); break;
	case cJSON_Number: write_number(out, j->valuedouble); break;
	case cJSON_Raw: ns_buf_puts(out, j->valuestring); break;
	case cJSON_String: write_string(out, j->valuestring); break;
	case cJSON_Array: write_array(j, sorted, out); break;
	case cJSON_Object: write_object(j, sorted, out); break;
	default: ns_buf_puts(out, "null"); break;
	}
}

void ns_json_write(const cJSON *j, ns_buf *out)
{
	write_value(j, false, out);
}

char *ns_json_text(const cJSON *j)
{
	ns_buf b = NS_BUF_INIT;
	ns_json_write(j, &b);
	return ns_buf_steal(&b);
}

void ns_json_canonical(const cJSON *j, ns_buf *out)
{
	write_value(j, true, out);
}

bool ns_json_same(const cJSON *a, const cJSON *b)
{
	if (!a || !b)
		return a == b;
	ns_buf x = NS_BUF_INIT, y = NS_BUF_INIT;
	ns_json_canonical(a, &x);
	ns_json_canonical(b, &y);
	bool same = strcmp(ns_buf_str(&x), ns_buf_str(&y)) == 0;
	ns_buf_free(&x);
	ns_buf_free(&y);
	return same;
}
