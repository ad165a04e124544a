/* Rolling windows as 288 slots of five minutes: the last 12 are the hour, all are the day. An hour is thus up to five minutes longer than an hour,
 * which errs on the safe side. A clock that stepped back leaves slots of the future; they count until they are old. */
#include "neuroscale/llm/budget.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/buf.h"

enum { SLOT_MS = 300000, SLOTS = 289, HOUR_SLOTS = 13, INCIDENTS = 512, TICKETS = 64 };

const ns_budget_limits ns_budget_defaults = {{
    [NS_PER_INCIDENT] = {6, 60000, 100000},
    [NS_PER_HOUR] = {120, 1000000, 2000000},
    [NS_PER_DAY] = {1000, 8000000, 10000000},
}};

typedef struct slot { int64_t at; ns_spend used; } slot; /* at: number of the five minutes since the epoch */
typedef struct row { int64_t incident, touched; ns_spend used; } row;
typedef struct reservation { int64_t ticket, incident, at; ns_spend estimate; } reservation;

struct ns_budget {
	pthread_mutex_t mu;
	ns_budget_limits limits;
	slot slots[SLOTS];
	row rows[INCIDENTS];
	reservation open[TICKETS];
	int64_t tickets, touches, refused;
	ns_spend last_refused; /* what hour or day had no room for */
};

ns_budget *ns_budget_new(const ns_budget_limits *l)
{
	ns_budget *b = ns_xcalloc(1, sizeof *b);
	pthread_mutex_init(&b->mu, NULL);
	b->limits = *l;
	return b;
}

void ns_budget_free(ns_budget *b)
{
	if (!b)
		return;
	pthread_mutex_destroy(&b->mu);
	free(b);
}

static void add(ns_spend *to, const ns_spend *what, int sign)
{
	to->calls += sign * what->calls;
	to->tokens += sign * what->tokens;
	to->micro_usd += sign * what->micro_usd;
}

static slot *slot_at(ns_budget *b, int64_t at)
{
	slot *s = &b->slots[at % SLOTS];
	if (s->at != at && at > s->at)
		*s = (slot){.at = at};
	return s; /* a newer one in its place takes the spend: it counts for longer, not for less */
}

static row *row_of(ns_budget *b, int64_t incident, bool make)
{
	row *oldest = &b->rows[0];
	for (size_t i = 0; i < INCIDENTS; i++) {
		if (b->rows[i].incident == incident)
			return &b->rows[i];
		if (b->rows[i].touched < oldest->touched)
			oldest = &b->rows[i];
	}
	if (!make)
		return NULL;
	*oldest = (row){.incident = incident};
	return oldest;
}

static ns_spend used_since(const ns_budget *b, int64_t now_slot, int slots)
{
	ns_spend sum = {0};
	for (size_t i = 0; i < SLOTS; i++)
		if (b->slots[i].at > now_slot - slots)
			add(&sum, &b->slots[i].used, 1);
	return sum;
}

static int64_t slot_of(int64_t now_ms)
{
	return now_ms > 0 ? now_ms / SLOT_MS : 0;
}

/* Which limit the estimate would pass; the words of the error. */
static bool fits(const ns_spend *used, const ns_spend *more, const ns_spend *most, const char *where, ns_err *err)
{
	const struct { const char *what; int64_t used, more, most; } rows[] = {{"calls", used->calls, more->calls, most->calls},
	    {"tokens", used->tokens, more->tokens, most->tokens}, {"millionths of a dollar", used->micro_usd, more->micro_usd, most->micro_usd}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].most >= 0 && rows[i].used + rows[i].more > rows[i].most)
			return ns_fail(err, NS_E_BUSY, "budget: %" PRId64 " of %" PRId64 " %s %s are used", rows[i].used, rows[i].most, rows[i].what, where);
	return true;
}

static reservation *free_ticket(ns_budget *b)
{
	for (size_t i = 0; i < TICKETS; i++)
		if (!b->open[i].ticket)
			return &b->open[i];
	return NULL;
}

static void book(ns_budget *b, int64_t incident, int64_t at, const ns_spend *what, int sign)
{
	add(&slot_at(b, at)->used, what, sign);
	row *r = incident ? row_of(b, incident, sign > 0) : NULL;
	if (r) {
		add(&r->used, what, sign);
		r->touched = ++b->touches;
	}
}

/* What belongs to no incident leaves them the other half: a big library must not put out the analyst. */
static ns_spend part_of(const ns_spend *most, int64_t incident)
{
	const int64_t by = incident ? 1 : 2;
	return (ns_spend){most->calls < 0 ? -1 : most->calls / by, most->tokens < 0 ? -1 : most->tokens / by, most->micro_usd < 0 ? -1 : most->micro_usd / by};
}

bool ns_budget_reserve(ns_budget *b, int64_t incident, const ns_spend *estimate, int64_t now_ms, int64_t *ticket, ns_err *err)
{
	const int64_t now = slot_of(now_ms);
	pthread_mutex_lock(&b->mu);
	const row *r = incident ? row_of(b, incident, false) : NULL;
	ns_spend mine = r ? r->used : (ns_spend){0}, hour = used_since(b, now, HOUR_SLOTS), day = used_since(b, now, SLOTS);
	bool ok = !incident || fits(&mine, estimate, &b->limits.most[NS_PER_INCIDENT], "for this incident", err);
	const ns_spend most_hour = part_of(&b->limits.most[NS_PER_HOUR], incident), most_day = part_of(&b->limits.most[NS_PER_DAY], incident);
	if (ok && !(fits(&hour, estimate, &most_hour, "of this hour", err) && fits(&day, estimate, &most_day, "of this day", err))) {
		b->last_refused = *estimate;
		ok = false;
	}
	reservation *t = ok ? free_ticket(b) : NULL;
	if (ok && !t)
		ns_fail(err, NS_E_BUSY, "budget: %d calls are under way", TICKETS);
	ok = t != NULL;
	if (t) {
		*t = (reservation){++b->tickets, incident, now, *estimate};
		*ticket = t->ticket;
		book(b, incident, now, estimate, 1);
	} else {
		b->refused++;
	}
	pthread_mutex_unlock(&b->mu);
	return ok;
}

void ns_budget_settle(ns_budget *b, int64_t ticket, const ns_spend *actual)
{
	pthread_mutex_lock(&b->mu);
	for (size_t i = 0; i < TICKETS; i++) {
		reservation *t = &b->open[i];
		if (!ticket || t->ticket != ticket)
			continue;
		book(b, t->incident, t->at, &t->estimate, -1);
		book(b, t->incident, t->at, actual, 1);
		*t = (reservation){0};
	}
	pthread_mutex_unlock(&b->mu);
}

/* Nothing is left, or less than what was asked for last. */
static bool used_up(const ns_spend *used, const ns_spend *most, const ns_spend *last)
{
	if (last->calls && !fits(used, last, most, "", NULL))
		return true;
	return (most->calls >= 0 && used->calls >= most->calls) || (most->tokens >= 0 && used->tokens >= most->tokens) ||
	       (most->micro_usd >= 0 && used->micro_usd >= most->micro_usd);
}

void ns_budget_look(ns_budget *b, int64_t now_ms, ns_budget_view *out)
{
	const int64_t now = slot_of(now_ms);
	pthread_mutex_lock(&b->mu);
	const ns_spend last = b->last_refused;
	*out = (ns_budget_view){.hour = used_since(b, now, HOUR_SLOTS), .day = used_since(b, now, SLOTS), .limits = b->limits, .refused = b->refused};
	pthread_mutex_unlock(&b->mu);
	out->stopped = used_up(&out->hour, &out->limits.most[NS_PER_HOUR], &last) || used_up(&out->day, &out->limits.most[NS_PER_DAY], &last);
}

ns_spend ns_budget_incident(ns_budget *b, int64_t incident)
{
	pthread_mutex_lock(&b->mu);
	const row *r = incident ? row_of(b, incident, false) : NULL;
	ns_spend s = r ? r->used : (ns_spend){0};
	pthread_mutex_unlock(&b->mu);
	return s;
}

/* ---- across a restart: rows [key, calls, tokens, micro_usd] ---- */

static void put_row(cJSON *list, int64_t key, const ns_spend *s)
{
	const int64_t v[] = {key, s->calls, s->tokens, s->micro_usd};
	cJSON *r = cJSON_CreateArray();
	for (size_t i = 0; i < 4; i++)
		cJSON_AddItemToArray(r, cJSON_CreateNumber((double)v[i]));
	cJSON_AddItemToArray(list, r);
}

cJSON *ns_budget_to_json(ns_budget *b)
{
	cJSON *j = cJSON_CreateObject(), *slots = cJSON_AddArrayToObject(j, "slots"), *incidents = cJSON_AddArrayToObject(j, "incidents");
	pthread_mutex_lock(&b->mu);
	for (size_t i = 0; i < SLOTS; i++)
		if (b->slots[i].used.calls)
			put_row(slots, b->slots[i].at, &b->slots[i].used);
	for (size_t i = 0; i < INCIDENTS; i++)
		if (b->rows[i].incident)
			put_row(incidents, b->rows[i].incident, &b->rows[i].used);
	pthread_mutex_unlock(&b->mu);
	return j;
}

static bool read_row(const cJSON *j, int64_t v[4])
{
	size_t n = 0;
	memset(v, 0, 4 * sizeof *v);
	if (!cJSON_IsArray(j) || ns_json_len(j) != 4)
		return false;
	ns_json_each(x, j)
	{
		if (!ns_json_int(x, "", &v[n]) || v[n] < 0)
			return false;
		n++;
	}
	return v[0] > 0;
}

/* Both lists in one walk: first only looked at, then booked. */
static bool walk(ns_budget *b, const cJSON *j, bool book_it)
{
	const cJSON *slots = ns_json_get(j, "slots"), *incidents = ns_json_get(j, "incidents");
	int64_t v[4];
	if (!cJSON_IsArray(slots) || !cJSON_IsArray(incidents) || ns_json_len(slots) > SLOTS || ns_json_len(incidents) > INCIDENTS)
		return false;
	ns_json_each(x, slots)
	{
		if (!read_row(x, v))
			return false;
		if (book_it)
			add(&slot_at(b, v[0])->used, &(ns_spend){v[1], v[2], v[3]}, 1);
	}
	ns_json_each(x, incidents)
	{
		if (!read_row(x, v))
			return false;
		if (book_it)
			add(&row_of(b, v[0], true)->used, &(ns_spend){v[1], v[2], v[3]}, 1);
		row *r = book_it ? row_of(b, v[0], false) : NULL;
		if (r)
			r->touched = ++b->touches;
	}
	return true;
}

bool ns_budget_from_json(ns_budget *b, const cJSON *j, ns_err *err)
{
	pthread_mutex_lock(&b->mu);
	bool ok = walk(b, j, false) && walk(b, j, true);
	pthread_mutex_unlock(&b->mu);
	return ok || ns_fail(err, NS_E_INVALID, "the kept budget cannot be read: it begins anew");
}
