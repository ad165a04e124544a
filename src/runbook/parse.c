/* A runbook file: YAML front matter between two "---" lines, then Markdown. Strict: what is misspelled is an error with its line, since a
 * precondition that is silently ignored is worse than a runbook that does not load. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"
#include "neuroscale/model/yaml.h"
#include "neuroscale/sys/digest.h"
#include "runbook_priv.h"

#define MAX_FILE     (256 * 1024)
#define MAX_ITEMS    64
#define MAX_SENTENCE 400

typedef struct reader {
	ns_arena *ar;
	const char *name;  /* of the file, for errors */
	const char *front; /* front matter, begins on line 2 */
	size_t front_len;
	ns_runbook *rb;
	ns_err *err;
} reader;

/* The line of "key:" at the start of a line of the front matter; 1 when it is not there. */
static int line_of(const reader *r, const char *key)
{
	size_t k = strlen(key);
	int line = 2;
	const char *p = r->front, *end = r->front + r->front_len;
	while (p < end) {
		if ((size_t)(end - p) > k && !memcmp(p, key, k) && p[k] == ':')
			return line;
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			break;
		p++;
		line++;
	}
	return 1;
}

#define fail_at(r, key, ...) fail_line((r), line_of((r), (key)), (key), __VA_ARGS__)
static bool fail_line(reader *r, int line, const char *key, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static bool fail_line(reader *r, int line, const char *key, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return ns_fail(r->err, NS_E_INVALID, "%s:%d: %s %s", r->name, line, key, text);
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* One line of text of a sane length, copied. NULL with the error set. */
static const char *sentence(reader *r, const char *key, const cJSON *j, size_t max)
{
	if (!cJSON_IsString(j) || !j->valuestring[0])
		return fail_at(r, key, "must be text"), NULL;
	if (strlen(j->valuestring) > max)
		return fail_at(r, key, "is longer than %zu bytes", max), NULL;
	if (!printable(j->valuestring))
		return fail_at(r, key, "holds a control character"), NULL;
	return ns_arena_strdup(r->ar, j->valuestring);
}

static bool strings(reader *r, const char *key, const cJSON *j, size_t max, const char *const **out, size_t *n)
{
	if (!cJSON_IsArray(j) || !j->child)
		return fail_at(r, key, "must be a list that is not empty");
	size_t count = ns_json_len(j), i = 0;
	if (count > MAX_ITEMS)
		return fail_at(r, key, "has more than %d items", MAX_ITEMS);
	const char **list = ns_arena_alloc(r->ar, (count + 1) * sizeof *list);
	ns_json_each(item, j)
	{
		list[i] = sentence(r, key, item, max);
		if (!list[i++])
			return false;
	}
	*out = list;
	*n = count;
	return true;
}

static bool read_id(reader *r, const char *key, const cJSON *j)
{
	if (!cJSON_IsString(j) || strcmp(j->valuestring, r->rb->id))
		return fail_at(r, key, "must be \"%s\", the file's name without .md", r->rb->id);
	return true;
}

static bool read_title(reader *r, const char *key, const cJSON *j)
{
	return (r->rb->title = sentence(r, key, j, 120)) != NULL;
}

static bool read_kinds(reader *r, const char *key, const cJSON *j)
{
	const char *const *names;
	if (!strings(r, key, j, 64, &names, &r->rb->n_kinds))
		return false;
	r->rb->kinds = ns_arena_alloc(r->ar, r->rb->n_kinds * sizeof *r->rb->kinds);
	for (size_t i = 0; i < r->rb->n_kinds; i++)
		if (!ns_kind_parse(names[i], &r->rb->kinds[i]))
			return fail_at(r, key, "has an unknown alert kind \"%s\"", names[i]);
	return true;
}

static bool one_action(reader *r, const char *key, const char *name, ns_action *out)
{
	bool known;
	*out = ns_action_parse(name, &known);
	return known || fail_at(r, key, "has an unknown action \"%s\"", name);
}

static bool read_action(reader *r, const char *key, const cJSON *j)
{
	const char *name = sentence(r, key, j, 64);
	return name && one_action(r, key, name, &r->rb->action);
}

static bool read_also(reader *r, const char *key, const cJSON *j)
{
	const char *const *names;
	if (!strings(r, key, j, 64, &names, &r->rb->n_also))
		return false;
	r->rb->also = ns_arena_alloc(r->ar, r->rb->n_also * sizeof *r->rb->also);
	for (size_t i = 0; i < r->rb->n_also; i++)
		if (!one_action(r, key, names[i], &r->rb->also[i]))
			return false;
	return true;
}

static bool read_risk(reader *r, const char *key, const cJSON *j)
{
	if (!cJSON_IsString(j) || !ns_risk_parse(j->valuestring, &r->rb->risk))
		return fail_at(r, key, "must be low, medium, high or critical");
	return true;
}

static bool read_causes(reader *r, const char *key, const cJSON *j)
{
	if (!strings(r, key, j, 48, &r->rb->causes, &r->rb->n_causes))
		return false;
	for (size_t i = 0; i < r->rb->n_causes; i++)
		if (strspn(r->rb->causes[i], "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(r->rb->causes[i]))
			return fail_at(r, key, "has \"%s\"; a cause class is a lower-case word like bad_release", r->rb->causes[i]);
	return true;
}

#define LIST_READER(field)                                                                                                                 \
	static bool read_##field(reader *r, const char *key, const cJSON *j)                                                               \
	{                                                                                                                                  \
		return strings(r, key, j, MAX_SENTENCE, &r->rb->field, &r->rb->n_##field);                                                 \
	}
LIST_READER(symptoms)
LIST_READER(not_for)
LIST_READER(preconditions)
LIST_READER(steps)

static bool read_verify(reader *r, const char *key, const cJSON *j)
{
	return (r->rb->verify = sentence(r, key, j, MAX_SENTENCE)) != NULL;
}

static bool read_undo(reader *r, const char *key, const cJSON *j)
{
	return (r->rb->undo = sentence(r, key, j, MAX_SENTENCE)) != NULL;
}

static const struct field {
	const char *key;
	bool required;
	bool (*read)(reader *r, const char *key, const cJSON *j);
} fields[] = {
    {"id", true, read_id},
    {"title", true, read_title},
    {"kinds", true, read_kinds},
    {"action", true, read_action},
    {"also", false, read_also},
    {"risk", true, read_risk},
    {"causes", true, read_causes},
    {"symptoms", true, read_symptoms},
    {"not_for", false, read_not_for},
    {"preconditions", true, read_preconditions},
    {"steps", true, read_steps},
    {"verify", true, read_verify},
    {"undo", true, read_undo},
};
#define N_FIELDS (sizeof fields / sizeof *fields)

static bool read_fields(reader *r, const cJSON *front)
{
	if (!cJSON_IsObject(front))
		return ns_fail(r->err, NS_E_INVALID, "%s:2: the front matter must be a mapping", r->name);
	ns_json_each(j, front)
	{
		const char *names[N_FIELDS];
		size_t i = 0;
		for (; i < N_FIELDS && strcmp(fields[i].key, j->string); i++)
			names[i] = fields[i].key;
		if (i == N_FIELDS) {
			const char *near = ns_nearest(j->string, names, N_FIELDS);
			return fail_at(r, j->string, "is no field of a runbook%s%s%s", near ? "; did you mean " : "", near ? near : "",
			    near ? "?" : "");
		}
		if (!fields[i].read(r, fields[i].key, j))
			return false;
	}
	for (size_t i = 0; i < N_FIELDS; i++)
		if (fields[i].required && !ns_json_get(front, fields[i].key))
			return ns_fail(r->err, NS_E_INVALID, "%s:1: the field %s is missing", r->name, fields[i].key);
	return true;
}

/* Cuts "---\n FRONT ---\n BODY". */
static bool split(reader *r, const char *text, size_t n, const char **body)
{
	if (n < 4 || memcmp(text, "---\n", 4))
		return ns_fail(r->err, NS_E_INVALID, "%s:1: must begin with a line ---", r->name);
	r->front = text + 4;
	for (const char *p = r->front; p && p < text + n; p = memchr(p, '\n', (size_t)(text + n - p)), p = p ? p + 1 : NULL) {
		if ((size_t)(text + n - p) >= 4 && !memcmp(p, "---\n", 4)) {
			r->front_len = (size_t)(p - r->front);
			*body = p + 4;
			return true;
		}
	}
	return ns_fail(r->err, NS_E_INVALID, "%s:1: the front matter has no closing line ---", r->name);
}

ns_runbook *ns_runbook_parse_named(ns_arena *ar, const char *id, const char *name, const char *text, size_t n, ns_err *err)
{
	const char *body = NULL;
	reader r = {.ar = ar, .name = name, .err = err};
	if (n > MAX_FILE)
		return ns_fail(err, NS_E_TOOBIG, "%s: a runbook may have at most %d bytes", name, MAX_FILE), NULL;
	if (memchr(text, 0, n) || !ns_utf8_valid(text, n))
		return ns_fail(err, NS_E_INVALID, "%s: is no UTF-8 text", name), NULL;
	if (!split(&r, text, n, &body))
		return NULL;
	cJSON *front = ns_yaml_parse(r.front, r.front_len, name, 1, 0, err);
	if (!front)
		return NULL;
	r.rb = ns_arena_alloc(ar, sizeof *r.rb);
	r.rb->id = ns_arena_strdup(ar, id);
	bool ok = read_fields(&r, front);
	cJSON_Delete(front);
	if (!ok)
		return NULL;
	r.rb->body = ns_arena_strndup(ar, body, (size_t)(text + n - body));
	ns_sha256_hex(text, n, r.rb->hash);
	return r.rb;
}

ns_runbook *ns_runbook_parse(ns_arena *ar, const char *id, const char *text, size_t n, ns_err *err)
{
	const char *name = ns_arena_printf(ar, "runbooks/%s.md", id);
	return ns_runbook_parse_named(ar, id, name, text, n, err);
}

bool ns_runbook_permits(const ns_runbook *rb, ns_action a)
{
	if (a == NS_ACT_MANUAL_REVIEW || a == rb->action)
		return true;
	for (size_t i = 0; i < rb->n_also; i++)
		if (rb->also[i] == a)
			return true;
	return false;
}

bool ns_runbook_has_cause(const ns_runbook *rb, const char *cause)
{
	for (size_t i = 0; i < rb->n_causes; i++)
		if (!strcmp(rb->causes[i], cause))
			return true;
	return false;
}

bool ns_runbook_has_kind(const ns_runbook *rb, ns_kind k)
{
	for (size_t i = 0; i < rb->n_kinds; i++)
		if (rb->kinds[i] == k)
			return true;
	return false;
}
