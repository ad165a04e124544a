/* Cutting and sorting: output stays in lines, prose becomes sentences, and every piece gets the place where such words stand. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "text_priv.h"

#define READ_HEAD (48 * 1024)
#define READ_TAIL (16 * 1024)
#define MAX_UNITS 2000
#define MAX_UNIT  960 /* the analyst's matcher reads that much of a line */
#define GAP       60

/* ---- matching ---------------------------------------------------------------------------------------------------- */

static const char *find_piece(const char *s, const char *piece, size_t n, size_t within)
{
	bool inside = n > 1 && *piece == '~';
	piece += inside;
	n -= inside;
	for (const char *p = s; (p = memmem(p, strlen(p), piece, n)); p++) {
		if ((size_t)(p - s) > within)
			return NULL;
		if (inside || p[-1] == ' ')
			return p;
	}
	return NULL;
}

/* The pieces of one alternative, in order; a later piece may follow any of the first one's places. */
static const char *find_rest(const char *at, const char *p, const char *end)
{
	while (p < end) {
		const char *star = memchr(p, '*', (size_t)(end - p));
		const char *stop = star ? star : end;
		while (p < stop && *p == ' ')
			p++;
		size_t n = (size_t)(stop - p);
		while (star && n && p[n - 1] == ' ')
			n--;
		if (n) {
			at = find_piece(at, p, n, GAP);
			if (!at)
				return NULL;
			at += n;
		}
		p = star ? star + 1 : end;
	}
	return at;
}

static const char *find_alternative(const char *flat, const char *p, const char *end)
{
	const char *star = memchr(p, '*', (size_t)(end - p));
	size_t n = (size_t)((star ? star : end) - p);
	while (star && n && p[n - 1] == ' ')
		n--;
	for (const char *at = flat + 1; n && (at = find_piece(at, p, n, SIZE_MAX)); at++)
		if (!star || find_rest(at + n, star, end))
			return at;
	return NULL;
}

/* "a (b|c) d" stands for "a b d" and "a c d". */
static const char *find_grouped(const char *flat, const char *p, const char *end)
{
	const char *open = memchr(p, '(', (size_t)(end - p)), *close = open ? memchr(open, ')', (size_t)(end - open)) : NULL;
	if (!close)
		return find_alternative(flat, p, end);
	for (const char *from = open + 1; from <= close;) {
		const char *to = from;
		while (to < close && *to != '|')
			to++;
		char one[512];
		int n = snprintf(
		    one, sizeof one, "%.*s%.*s%.*s", (int)(open - p), p, (int)(to - from), from, (int)(end - close - 1), close + 1);
		const char *hit = n > 0 && (size_t)n < sizeof one ? find_grouped(flat, one, one + n) : NULL;
		if (hit)
			return hit;
		from = to + 1;
	}
	return NULL;
}

const char *ns_flat_find(const char *flat, const char *pattern)
{
	for (const char *p = pattern, *end; *p && *flat; p = *end ? end + 1 : end) {
		int depth = 0;
		for (end = p; *end && (*end != '|' || depth); end++)
			depth += (*end == '(') - (*end == ')');
		const char *hit = find_grouped(flat, p, end);
		if (hit)
			return hit;
	}
	return NULL;
}

static unsigned start_bit(const char *s)
{
	return (unsigned)(s[0] & 127) * 128 + (unsigned)(s[1] & 127);
}

static bool may_begin(const text_doc *d, const char *p, size_t n)
{
	if (n < 2 || *p == '~' || *p == '(' || p[1] == '(' || p[1] == '*')
		return true;
	unsigned bit = start_bit(p);
	return d->starts[bit / 8] >> (bit % 8) & 1;
}

bool ns_doc_may(const text_doc *d, const char *pattern)
{
	for (const char *p = pattern, *end; *p && *d->all; p = *end ? end + 1 : end) {
		int depth = 0;
		for (end = p; *end && (*end != '|' || depth); end++)
			depth += (*end == '(') - (*end == ')');
		if (may_begin(d, p, (size_t)(end - p)) && find_grouped(d->all, p, end))
			return true;
	}
	return false;
}

bool ns_flat_denied(const char *flat, const char *hit)
{
	static const char *const words[] = {"no", "not", "never", "without", "none", "nothing", "neither", "nor", "isn", "wasn", "aren",
	    "weren", "didn", "doesn", "don", "zero", "hasn", "haven", "cannot", NULL};
	/* These carry a denial on to the word behind them: "no sign of any", "has not yet been". */
	static const char *const fillers[] = {"any", "sign", "signs", "of", "been", "a", "an", "the", "was", "were", "be", "is", "to",
	    "single", "further", "more", "yet", "being", "has", "have", "new", "recent", NULL};
	/* With these the denial is at its end: "secret not found, CreateContainerConfigError". */
	static const char *const closed[] = {"found", "ready", "available", "exist", "reachable", "known", "set", "healthy", NULL};
	char behind[16] = "";
	const char *p = hit;
	for (int i = 0; i < 2 && p > flat + 1;) {
		const char *end = p - 1, *w = end;
		while (w > flat && w[-1] != ' ')
			w--;
		char word[16];
		ns_copy(word, (size_t)(end - w) + 1 < sizeof word ? (size_t)(end - w) + 1 : sizeof word, w);
		if (ns_listed(word, words))
			return !ns_listed(behind, closed);
		ns_copy(behind, sizeof behind, word);
		i += !ns_listed(word, fillers);
		p = w;
	}
	return false;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

static bool begins_any(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (!strncasecmp(s, *list, strlen(*list)))
			return true;
	return false;
}

static bool stamped(const char *s)
{
	size_t digits = 0;
	if (*s == '[' || *s == '{' || *s == '"')
		s++;
	if ((*s == 'I' || *s == 'W' || *s == 'E' || *s == 'F') && strspn(s + 1, "0123456789") == 4 && s[5] == ' ')
		return true; /* klog */
	while (isdigit((unsigned char)s[digits]))
		digits++;
	return (digits == 4 && (s[4] == '-' || s[4] == '/') && isdigit((unsigned char)s[5])) ||
	       (digits == 2 && s[2] == ':' && isdigit((unsigned char)s[3]) && s[5] == ':'); /* "14:31 deploy" is a diary */
}

static bool looks_like_log(const char *s)
{
	static const char *const starts[] = {"level=", "time=", "ts=", "{\"", "[ERROR]", "[FATAL]", "[INFO]", "[WARN", "[emerg]", "[error]",
	    "[crit]", "ERROR:", "FATAL:", "ERROR ", "FATAL ", "INFO ", "WARN ", "INFO:", "CRITICAL", "panic:", "goroutine ", "Traceback",
	    "File \"", "Exception in", "Caused by:", "at com.", "at org.", "at java.", "at Object.", "at Module.", "npm ERR", "thread '",
	    "Segmentation fault", "standard_init_linux", "exec user process", "PHP Fatal", "nginx:", "Unhandled exception", "java.lang.",
	    "<--- Last few GCs", NULL};
	/* An alert or a part of a status, handed on as JSON, is no line of a log. */
	static const char *const reports[] = {"\"alert", "\"labels\"", "\"lastState\"", "\"resources\"", "\"restartCount\"", "\"limits\"",
	    "\"requests\"", NULL};
	for (const char *const *r = reports; *s == '{' && *r; r++)
		if (strstr(s, *r))
			return false;
	static const char *const names[] = {
	    "Error: ", "TypeError:", "ReferenceError:", "SyntaxError:", "ImportError:", "ModuleNotFoundError:", "KeyError:", NULL};
	return stamped(s) || begins_any(s, starts) ||
	       (begins_any(s, names) && !strstr(s, "secret") && !strstr(s, "configmap") && !strstr(s, "container has"));
}

static bool looks_like_event(const char *s)
{
	static const char *const starts[] = {
	    "Warning ", "Normal ", "Warning\t", "Normal\t", "Event:", "Events:", "Events ", "event:", NULL};
	static const char *const within[] = {
	    " Warning ", " kubelet ", "default-scheduler", "FailedScheduling", "deployment-controller", "replicaset-controller", NULL};
	if (begins_any(s, starts))
		return true;
	for (const char *const *w = within; *w; w++)
		if (strstr(s, *w))
			return true;
	return false;
}

/* "Key:   value" of describe, or a row of `kubectl get`. */
static bool looks_like_status(const char *line)
{
	size_t indent = strspn(line, " \t");
	const char *s = line + indent, *colon = strchr(s, ':');
	static const char *const heads[] = {"NAME ", "NAMESPACE ", "READY ", NULL};
	if (begins_any(s, heads))
		return true;
	if (colon && colon - s < 32 && isupper((unsigned char)*s) && (colon[1] == 0 || (colon[1] == ' ' && colon[2] == ' ')))
		return true;
	return indent >= 2 && colon && colon - s < 24;
}

/* Where a line hands over to a log in its midst: "shop/cart log: panic: …". */
static const char *log_begins(const char *s)
{
	static const char *const marks[] = {
	    " log: ", " logs: ", " log says: ", "stderr: ", "stdout: ", " log line: ", " logs --previous: ", " last log: ", " log:"};
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		const char *p = strcasestr(s, marks[i]);
		if (p && p - s < 80 && p[strlen(marks[i])])
			return p + strlen(marks[i]);
	}
	static const char *const fronts[] = {"log: ", "logs: ", "log line: ", "previous log: ", NULL};
	return begins_any(s, fronts) ? strchr(s, ':') + 2 : NULL;
}

static const char *quotation_end(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((*p == '.' && p[1] == ' ' && isupper((unsigned char)p[2])) || (*p == ';' && p[1] == ' '))
			return p + 1 + strspn(p + 1, " ");
	return s + strlen(s);
}

/* A line that opens a block of log lines, or closes one. */
static bool opens_log(const char *s)
{
	size_t n = strlen(s);
	if (strcasestr(s, "kubectl logs") || strcasestr(s, "kubectl -n") == s)
		return strcasestr(s, "logs") != NULL;
	return n < 60 && strcasestr(s, "log") && (s[n - 1] == ':' || !strncmp(s, "---", 3) || !strncmp(s, "===", 3));
}

static bool closes_log(const char *s)
{
	static const char *const heads[] = {"$ ", "---", "===", "Events:", "Conditions:", "Name: ", "NAME ", "Warning ", "Normal ",
	    "Deployment", "Pod ", "Last State", "Limits", "limits", "Revision", "revision", "kubectl", "[FIRING", "Alert", NULL};
	return begins_any(s, heads);
}

/* A person goes on about releases and pods: what is told below a log belongs to it no longer. */
static bool narrates(const char *s)
{
	static const char *const first[] = {"the ", "old ", "new ", "prior ", "previous ", "former ", "earlier ", "older ", "last ", "all ", "no ",
	    "other ", "since ", "pods ", "revision ", "rev ", "deployment ", "deployed ", "rollout ", "rolled ", "image ", "node ", "nodes ",
	    "replicaset ", "release ", "users ", "helm ", "changed ", "nothing ", "somebody ", "someone ", "a new ", NULL};
	static const char *const nouns[] = {"revision", "replicaset", "rollout", "rolled out", "deploy", "release", " pods", "pods ",
	    "replicas", "image ", "node os", "version", NULL};
	if (looks_like_log(s) || !begins_any(s, first))
		return false;
	for (const char *const *n = nouns; *n; n++)
		if (strcasestr(s, *n))
			return true;
	return false;
}

/* Whatever stands before more lines of a log is one of them. */
static bool log_follows(const char *rest)
{
	for (const char *p = rest; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		char line[256];
		size_t n = strcspn(p, "\n");
		ns_copy(line, n + 1 < sizeof line ? n + 1 : sizeof line, p);
		const char *s = line + strspn(line, " \t");
		if (closes_log(s))
			return false;
		if (looks_like_log(s))
			return true;
	}
	return false;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static const char *flatten(ns_arena *ar, const char *s)
{
	size_t n = strlen(s), k = 1;
	char *out = ns_arena_alloc(ar, n + 3);
	out[0] = ' ';
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (isalnum(c))
			out[k++] = (char)tolower(c);
		else if (out[k - 1] != ' ')
			out[k++] = ' ';
	}
	if (out[k - 1] != ' ')
		out[k++] = ' ';
	out[k] = 0;
	return out;
}

static void add_unit(text_doc *d, const char *s, size_t n, text_place place, size_t line)
{
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	if (!n || d->n == MAX_UNITS)
		return;
	text_unit *u = &d->unit[d->n++];
	*u = (text_unit){.text = ns_arena_strndup(d->ar, s, n > MAX_UNIT ? MAX_UNIT : n), .place = place, .line = line};
	u->flat = flatten(d->ar, u->text);
}

/* Prose: a sentence ends with a stop and a blank, or a semicolon; not inside quotes. */
static void add_prose(text_doc *d, const char *s, size_t n, text_place place, size_t line)
{
	size_t from = 0;
	bool quoted = false;
	for (size_t i = 0; i < n; i++) {
		quoted ^= s[i] == '"';
		bool stop = (s[i] == '.' || s[i] == '!' || s[i] == '?') && i + 1 < n && s[i + 1] == ' ' && i > from + 3 &&
		            (i + 2 >= n || !islower((unsigned char)s[i + 2]));
		if (!quoted && (stop || (s[i] == ';' && i + 1 < n && s[i + 1] == ' '))) {
			add_unit(d, s + from, i + (stop ? 1 : 0) - from, place, line);
			from = i + 1;
			while (from < n && s[from] == ' ')
				from++;
		}
	}
	if (from < n)
		add_unit(d, s + from, n - from, place, line);
}

static bool read_line(text_doc *d, const char *line, const char *rest, size_t number, bool in_log)
{
	const char *s = line + strspn(line, " \t");
	if (!*s)
		return in_log;
	if (opens_log(s) && !log_begins(s)) {
		add_unit(d, line, strlen(line), TEXT_PROSE, number);
		return true;
	}
	if (in_log && (closes_log(s) || (s == line && narrates(s) && !log_follows(rest))))
		in_log = false;
	const char *said = log_begins(s);
	if (in_log)
		add_unit(d, line, strlen(line), TEXT_LOG, number);
	else if (looks_like_event(s))
		add_unit(d, line, strlen(line), TEXT_EVENT, number);
	else if (looks_like_log(s))
		add_unit(d, line, strlen(line), TEXT_LOG, number);
	else if (said) {
		/* In the midst of a sentence the quotation ends with it; a line that begins with "log:" is one to its end. */
		const char *end = said - s > 8 ? quotation_end(said) : said + strlen(said);
		add_prose(d, s, (size_t)(said - s), TEXT_PROSE, number);
		add_unit(d, said, (size_t)(end - said), TEXT_LOG, number);
		add_prose(d, end, strlen(end), TEXT_PROSE, number);
	} else if (looks_like_status(line))
		add_unit(d, line, strlen(line), TEXT_STATUS, number);
	else
		add_prose(d, s, strlen(s), TEXT_PROSE, number);
	return in_log;
}

void ns_text_read(ns_arena *ar, const char *text, size_t n, text_doc *d)
{
	ns_buf clean = NS_BUF_INIT;
	*d = (text_doc){.ar = ar, .unit = ns_arena_alloc(ar, MAX_UNITS * sizeof(text_unit))};
	if (n > READ_HEAD + READ_TAIL) {
		ns_text_clean(&clean, text, READ_HEAD, 2 * READ_HEAD, true);
		ns_buf_putc(&clean, '\n');
		ns_text_clean(&clean, text + n - READ_TAIL, READ_TAIL, 2 * READ_TAIL, true);
	} else {
		ns_text_clean(&clean, text, n, 2 * (READ_HEAD + READ_TAIL), true);
	}
	char *copy = ns_arena_strdup(ar, ns_buf_str(&clean));
	ns_buf_free(&clean);
	bool in_log = false;
	size_t number = 0;
	for (char *p = copy, *next; p; p = next) {
		next = strchr(p, '\n');
		if (next)
			*next++ = 0;
		in_log = read_line(d, p, next, number, in_log);
		number += *p != 0;
	}
	ns_buf all = NS_BUF_INIT;
	for (size_t i = 0; i < d->n; i++)
		ns_buf_puts(&all, d->unit[i].flat);
	d->all = ns_arena_take(ar, &all);
	for (const char *p = d->all; *p; p++)
		if (p[0] == ' ' && p[1] && p[1] != ' ') {
			unsigned bit = start_bit(p + 1);
			d->starts[bit / 8] |= (unsigned char)(1u << (bit % 8));
		}
	bool any = ns_text_orders(d);
	for (size_t i = 0; any && i < d->n; i++)
		d->unit[i].order = ns_text_is_order(d->unit[i].flat);
}
