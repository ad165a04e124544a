/* The world is all text of the case, lower case, and all its numbers. A model's text is cut into words; what looks like a name, an image, a quoted
 * line or a number must be found. */
#include "neuroscale/llm/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "world_priv.h"

enum { MAX_NUMBERS = 600, MAX_CODES = 64, MAX_TOKEN = 300 };

struct ns_world {
	char *text; /* everything, lower case, blanks squeezed, one blank at both ends */
	size_t len;
	world_number *numbers;
	size_t n_numbers;
	double codes[MAX_CODES]; /* exit codes, signals, status codes: among so many small numbers only these may follow such a word */
	size_t n_codes;
};

/* ---- what is known ---- */

static char lower(char c)
{
	return ns_is_upper(c) ? (char)(c | 0x20) : c;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void add_number(ns_world *w, double value, world_unit unit)
{
	if (w->n_numbers < MAX_NUMBERS && isfinite(value))
		w->numbers[w->n_numbers++] = (world_number){.value = value, .unit = unit};
}

static void add_code(ns_world *w, double code)
{
	if (w->n_codes < MAX_CODES)
		w->codes[w->n_codes++] = code;
}

static bool after_code_word(const char *s, size_t from)
{
	static const char *const words[] = {"code ", "code: ", "code=", "exit ", "signal ", "signal: "};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i]);
		if (from >= n && strncasecmp(s + from - n, words[i], n) == 0)
			return true;
	}
	return false;
}

static void add_text(ns_world *w, ns_buf *b, const char *s)
{
	size_t n = strlen(s), i = 0;
	world_number x;
	ns_buf_puts(b, s);
	ns_buf_putc(b, '\n');
	while (w->n_numbers < MAX_NUMBERS && world_next_number(s, n, &i, &x)) {
		w->numbers[w->n_numbers++] = x;
		if (after_code_word(s, x.from))
			add_code(w, x.value);
	}
}

/* Every string and number of the case's own JSON form: what is added to the case is known here by itself. */
static void add_tree(ns_world *w, ns_buf *b, const cJSON *j)
{
	if (cJSON_IsString(j) && strcmp(j->string ? j->string : "", "template_json") != 0)
		add_text(w, b, j->valuestring);
	else if (cJSON_IsNumber(j) && (j->valuedouble < 1e12 || j->valuedouble != floor(j->valuedouble))) /* times stand apart */
		add_number(w, j->valuedouble, strstr(j->string ? j->string : "", "mem") ? UNIT_BYTES : UNIT_NONE);
	for (const cJSON *x = cJSON_IsObject(j) || cJSON_IsArray(j) ? j->child : NULL; x; x = x->next)
		add_tree(w, b, x);
}

static void add_codes(ns_world *w, const ns_container_facts *f)
{
	if (!f->has_last)
		return;
	add_code(w, f->last_exit);
	add_code(w, f->last_signal ? f->last_signal : f->last_exit > 128 ? f->last_exit - 128 : f->last_exit); /* 137 = 128 + 9 */
	if (f->last_exit > 128) {
		add_number(w, 128, UNIT_NONE);
		add_number(w, f->last_exit - 128, UNIT_NONE);
	}
}

static void add_counts_and_times(ns_world *w, const ns_case *c)
{
	const size_t counts[] = {c->n_containers, c->n_revisions, c->n_evidence, c->n_log_lines, c->alert.n_pods, c->n_rules};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		add_number(w, (double)counts[i], UNIT_NONE);
	for (size_t i = 0; i < c->n_containers; i++) {
		const ns_container_facts *f = &c->containers[i];
		add_codes(w, f);
		add_number(w, (double)f->cpu_limit_milli / 1000, UNIT_CORES);
		add_number(w, (double)f->cpu_request_milli / 1000, UNIT_CORES);
		if (f->last_finished_ms > f->last_started_ms && f->last_started_ms > 0)
			add_number(w, (double)(f->last_finished_ms - f->last_started_ms) / 1000, UNIT_SECONDS);
	}
	add_number(w, (double)(c->taken_ms - c->alert.first_ms) / 1000, UNIT_SECONDS);
	add_number(w, (double)(c->alert.seen_ms - c->alert.first_ms) / 1000, UNIT_SECONDS);
}

static void squeeze(ns_world *w, ns_arena *ar, const ns_buf *b)
{
	w->text = ns_arena_alloc(ar, b->len + 3);
	w->text[w->len++] = ' ';
	for (size_t i = 0; i < b->len; i++)
		if (!is_blank(b->data[i]))
			w->text[w->len++] = lower(b->data[i]);
		else if (w->text[w->len - 1] != ' ')
			w->text[w->len++] = ' ';
	w->text[w->len++] = ' ';
}

ns_world *ns_world_new(ns_arena *ar, const ns_case *c)
{
	ns_world *w = ns_arena_alloc(ar, sizeof *w);
	ns_buf b = NS_BUF_INIT;
	cJSON *j = ns_case_to_json(c);
	w->numbers = ns_arena_alloc(ar, MAX_NUMBERS * sizeof *w->numbers);
	add_counts_and_times(w, c);
	add_tree(w, &b, j);
	ns_buf_puts(&b, ns_kind_get(c->alert.kind)->title);
	ns_buf_printf(&b, "\n%s/%s %s/%s\n", c->alert.target.ns, c->alert.target.name, c->alert.target.kind, c->alert.target.name);
	squeeze(w, ar, &b);
	cJSON_Delete(j);
	ns_buf_free(&b);
	return w;
}

/* ---- looking ---- */

static bool is_name_char(char c)
{
	return ns_is_alnum(c) || c == '_' || c == '-' || (unsigned char)c >= 0x80;
}

/* `whole`: as a name of its own, not as a part of a longer one ("web" is not in "webhook"; "app:1" is in "reg.io/app:1"). */
static bool in_world(const ns_world *w, const char *s, size_t n, bool whole)
{
	char low[MAX_TOKEN + 1];
	size_t len = 0;
	for (size_t i = 0; i < n && len < MAX_TOKEN; i++)
		if (!is_blank(s[i]))
			low[len++] = lower(s[i]);
		else if (len && low[len - 1] != ' ')
			low[len++] = ' ';
	while (len && low[len - 1] == ' ')
		len--;
	for (const char *at = w->text, *end = w->text + w->len; len && (at = memmem(at, (size_t)(end - at), low, len)); at++)
		if (!whole || (!is_name_char(at[-1]) && !is_name_char(at[len])))
			return true;
	return !len;
}

static void stranger(ns_arena *ar, ns_strangers *out, const char *s, size_t n, const char *what)
{
	enum { SHOWN = 80 };
	const char *text = ns_text_clean_in(ar, ns_arena_strndup(ar, s, n), SHOWN);
	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->text[i], text) == 0)
			return;
	if (out->n == NS_WORLD_MAX_STRANGERS)
		return;
	out->text[out->n] = text;
	out->what[out->n++] = what;
}

/* ---- names and images ---- */

/* Parts of hyphenated words that are language: "out-of-memory", "read-only", "back-off". */
static const char *const language[] = {"a", "access", "after", "and", "application", "at", "auto", "back", "based", "before", "best", "built", "bound", "by",
    "case", "cause", "change", "check", "class", "clean", "client", "cluster", "code", "cold", "config", "container", "control", "cost", "cpu", "crash",
    "cross", "custom", "data", "day", "de", "dead", "default", "depth", "down", "driven", "dry", "early", "effect", "end", "ended", "env", "error", "exit", "fail",
    "failed", "failing", "fast", "first", "fix", "fixed", "fold", "follow", "for", "free", "front", "full", "go", "good", "grade", "grained", "grown", "half",
    "hand", "hard", "health", "heap", "heavy", "high", "host", "human", "idle", "image", "in", "init", "it", "kill", "killed", "known", "kube", "last", "layer", "length",
    "level", "life", "limit", "limits", "line", "live", "liveness", "load", "like", "lived", "log", "long", "loop", "low", "made", "main", "manual", "max", "medium", "memory", "min", "mid",
    "minute", "mis", "multi", "name", "never", "new", "node", "non", "not", "of", "off", "on", "one", "only", "op", "open", "out", "over", "owned", "part", "per", "phase", "plan", "pod", "point",
    "policy", "post", "practice", "pre", "privileged", "probe", "process", "prod", "production", "pull", "push", "quality", "rate", "re", "read", "ready", "readiness", "real", "restart", "review", "risk",
    "roll", "rolled", "rolling", "rollout", "root", "run", "running", "safe", "scale", "scaled", "scaling", "schema", "self", "server", "service", "set", "shared", "short", "shut",
    "side", "sided", "signal", "single", "size", "slow", "so", "source", "specific", "start", "started", "startup", "state", "step", "still", "stop", "store", "sub", "system", "term", "test", "the",
    "third", "through", "time", "timeout", "tier", "to", "tolerant", "top", "touch", "two", "type", "under", "unit", "up", "user", "via", "wait", "well", "wide", "with", "work", "workload", "write", "wrong", "zero", NULL};

static bool is_language(const char *s, size_t n)
{
	char part[32];
	for (size_t from = 0, i = 0; i <= n; i++) {
		if (i < n && s[i] != '-' && s[i] != '/')
			continue;
		size_t len = i - from;
		if (len >= sizeof part)
			return false;
		for (size_t k = 0; k < len; k++)
			part[k] = lower(s[from + k]);
		part[len] = '\0';
		if (len && !ns_listed(part, language))
			return false;
		from = i + 1;
	}
	return true;
}

static bool is_evidence_id(const char *s, size_t n)
{
	if (n < 2 || n > 5 || s[0] != 'E')
		return false;
	for (size_t i = 1; i < n; i++)
		if (!ns_is_digit(s[i]))
			return false;
	return true;
}

/* A token with joints or with digits among letters: an object, an image, an address. */
static bool looks_named(const char *s, size_t n, bool *image)
{
	bool joint = false, digit = false, letter = false, colon = false;
	size_t dots = 0;
	*image = false;
	for (size_t i = 0; i < n; i++) {
		joint |= (s[i] == '-' || s[i] == '/' || s[i] == '_' || s[i] == '@' || (s[i] == '.' && i && i + 1 < n)) && n > 2;
		colon |= s[i] == ':' && i && i + 1 < n;
		digit |= ns_is_digit(s[i]);
		dots += s[i] == '.';
		letter |= ns_is_letter(s[i]) || (unsigned char)s[i] >= 0x80;
	}
	*image = letter && colon;
	return dots == 3 || (letter && (joint || colon || (digit && n > 3)));
}

static const char *const kinds[] = {"deployment", "statefulset", "daemonset", "replicaset", "pod", "namespace", "configmap", "secret", "service", "node", "container",
    "job", "cronjob", "ingress", "pvc", "image", "revision", "runbook", "policy", "application", "hpa", "named", "called", NULL};
static const char *const grammar[] = {"is", "was", "are", "were", "has", "had", "have", "and", "or", "in", "on", "of", "for", "to", "with", "that", "this", "which", "the", "a", "an", "from", "by",
    "at", "as", "be", "can", "cannot", "could", "will", "would", "should", "may", "must", "does", "did", "not", "no", "it", "its", "because", "after", "before", "while", "when", "until", "since", "then", "but",
    "if", "so", "than", "also", "itself", "needs", "need", "itself", "level", "name", "object", "quota", "scoped", "wide", NULL};

/* "namespace nowhere", "Statefulset foo": a plain word right behind a kind that is written as one. */
static bool named_by_kind(const char *s, size_t before_from, size_t before_to, const char *word, size_t n)
{
	char kind[24], low[40];
	size_t len = before_to - before_from;
	if (len >= sizeof kind || n >= sizeof low || !n)
		return false;
	bool proper = ns_is_upper(s[before_from]);
	for (size_t i = 0; i < len; i++)
		kind[i] = lower(s[before_from + i]);
	kind[len] = '\0';
	for (size_t i = 0; i < n; i++)
		low[i] = lower(word[i]);
	low[n] = '\0';
	if (!ns_listed(kind, kinds) || ns_listed(low, grammar) || ns_listed(low, language) || ns_listed(low, kinds) || !ns_is_lower(word[0]))
		return false;
	return proper || !strcmp(kind, "namespace") || !strcmp(kind, "named") || !strcmp(kind, "called");
}

static bool ends_token(char c)
{
	return is_blank(c) || strchr(",;()[]{}\"'`<>=|!?*", c);
}

static void check_token(ns_arena *ar, const ns_world *w, const char *s, size_t from, size_t to, size_t before_from, size_t before_to, ns_strangers *out)
{
	while (to > from && strchr(".:,-/", s[to - 1]))
		to--;
	while (from < to && strchr(".:-", s[from]))
		from++;
	size_t n = to - from;
	bool image, whole = n <= MAX_TOKEN;
	if (!n || in_world(w, s + from, n, true))
		return;
	if (is_evidence_id(s + from, n)) {
		stranger(ar, out, s + from, n, "evidence id");
		return;
	}
	if (before_to > before_from && named_by_kind(s, before_from, before_to, s + from, n)) {
		stranger(ar, out, s + from, n, "name");
		return;
	}
	size_t i = from;
	world_number x;
	if (world_next_number(s, to, &i, &x) && x.from == from && x.to == to)
		return; /* a number, with its unit: judged as one */
	if (looks_named(s + from, n, &image) && !(whole && is_language(s + from, n)))
		stranger(ar, out, s + from, n, image ? "image" : "name");
}

static void check_tokens(ns_arena *ar, const ns_world *w, const char *s, size_t n, ns_strangers *out)
{
	size_t before_from = 0, before_to = 0;
	for (size_t i = 0; i < n;) {
		while (i < n && ends_token(s[i]))
			i++;
		size_t from = i;
		while (i < n && !ends_token(s[i]))
			i++;
		check_token(ar, w, s, from, i, before_from, before_to, out);
		before_from = from;
		before_to = i;
		if (i < n && !is_blank(s[i])) /* behind a comma or a bracket the word before says nothing */
			before_from = before_to = strchr("\"'`", s[i]) ? before_from : i;
	}
}

/* ---- quoted lines ---- */

static void check_quotes(ns_arena *ar, const ns_world *w, const char *s, size_t n, ns_strangers *out)
{
	for (size_t i = 0; i < n; i++) {
		char q = s[i];
		if ((q != '"' && q != '`' && q != '\'') || (i && ns_is_alnum(s[i - 1]))) /* don't */
			continue;
		const char *end = memchr(s + i + 1, q, n - i - 1);
		size_t len = end ? (size_t)(end - (s + i + 1)) : 0;
		if (!end)
			continue;
		if (len && !in_world(w, s + i + 1, len, false))
			stranger(ar, out, s + i + 1, len, "quotation");
		i += len + 1;
	}
}

/* ---- numbers ---- */

static bool is_code(const ns_world *w, double v)
{
	for (size_t i = 0; i < w->n_codes; i++)
		if (w->codes[i] == v)
			return true;
	return false;
}

static void check_numbers(ns_arena *ar, const ns_world *w, const char *s, size_t n, ns_strangers *out)
{
	enum { SMALL = 3 };
	world_number x;
	for (size_t i = 0; world_next_number(s, n, &i, &x);) {
		bool ordinary = (x.unit == UNIT_NONE && x.value <= SMALL) || (x.unit == UNIT_PERCENT && (x.value == 100 || x.value == 0));
		bool known = x.unit == UNIT_NONE && after_code_word(s, x.from) ? is_code(w, x.value) : ordinary || world_knows_number(w->numbers, w->n_numbers, &x);
		if (!known)
			stranger(ar, out, s + x.from, x.to - x.from, "number");
	}
}

void ns_world_check(ns_arena *ar, const ns_world *w, const char *text, ns_strangers *out)
{
	size_t n = strlen(text);
	check_tokens(ar, w, text, n, out);
	check_quotes(ar, w, text, n, out);
	check_numbers(ar, w, text, n, out);
}
