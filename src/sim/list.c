/* GET of a collection: selectors, pages over one snapshot, versions asked for, tables. */
#include "watch_priv.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_SNAPS = 8 };

/* What is left of a list that was cut by `limit`: the versions as they were when its first page was made. */
struct sim_snap {
	sim_snap *next;
	const sim_kind *kind;
	int64_t rv;
	uint64_t id;
	size_t n;
	sim_ver *v[];
};

static void snap_free(sim_snap *x)
{
	for (size_t i = 0; i < x->n; i++)
		ver_unref(x->v[i]);
	free(x);
}

void snaps_free(ns_sim *s)
{
	while (s->snaps) {
		sim_snap *x = s->snaps;
		s->snaps = x->next;
		snap_free(x);
	}
}

static sim_snap *snap_keep(ns_sim *s, const sim_kind *k, int64_t rv, sim_ver **v, size_t n)
{
	sim_snap *x = ns_xmalloc(sizeof *x + n * sizeof *v);
	*x = (sim_snap){.next = s->snaps, .kind = k, .rv = rv, .id = (s->snaps ? s->snaps->id : 0) + 1, .n = n};
	for (size_t i = 0; i < n; i++)
		x->v[i] = ver_ref(v[i]);
	s->snaps = x;
	size_t seen = 0;
	for (sim_snap **p = &s->snaps; *p;) {
		if (++seen <= MAX_SNAPS) {
			p = &(*p)->next;
			continue;
		}
		sim_snap *old = *p;
		*p = old->next;
		snap_free(old);
	}
	return x;
}

/* Items of built-in kinds lose the kind and apiVersion that every stored text begins with. */
static const char *item_text(const sim_kind *k, const sim_ver *v)
{
	char head[200], api[96];
	kind_api_version(k, api);
	int n = snprintf(head, sizeof head, "{\"kind\":\"%s\",\"apiVersion\":\"%s\",", k->kind, api);
	return !k->custom && !strncmp(v->text, head, (size_t)n) ? v->text + n : NULL;
}

static void put_item(ns_buf *out, const sim_kind *k, const sim_ver *v)
{
	if (k->store != k->id) {
		cJSON *core = cJSON_Parse(v->text), *view = event_as_v1(core);
		cJSON_DeleteItemFromObject(view, "kind");
		cJSON_DeleteItemFromObject(view, "apiVersion");
		ns_json_write(view, out);
		cJSON_Delete(view);
		cJSON_Delete(core);
		return;
	}
	const char *rest = item_text(k, v);
	if (!rest) {
		ns_buf_put(out, v->text, v->len);
		return;
	}
	ns_buf_putc(out, '{');
	ns_buf_puts(out, rest);
}

static void put_list(ns_buf *out, const sim_kind *k, int64_t rv, const char *token, size_t remaining, sim_ver **v, size_t n)
{
	char api[96];
	kind_api_version(k, api);
	ns_buf_printf(
	    out, "{\"kind\":\"%sList\",\"apiVersion\":\"%s\",\"metadata\":{\"resourceVersion\":\"%lld\"", k->kind, api, (long long)rv);
	if (token)
		ns_buf_printf(out, ",\"continue\":\"%s\"", token);
	if (token && remaining)
		ns_buf_printf(out, ",\"remainingItemCount\":%zu", remaining);
	ns_buf_puts(out, "},\"items\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			ns_buf_putc(out, ',');
		put_item(out, k, v[i]);
	}
	ns_buf_puts(out, "]}\n");
}

static void put_table(
    const ns_sim *s, const sim_req *q, sim_resp *r, const sim_kind *k, int64_t rv, const char *token, sim_ver **v, size_t n)
{
	cJSON *t = table_new(k, true, rv);
	const char *include = req_arg(q, "includeObject");
	if (token)
		ns_json_put_str(json_child(t, "metadata"), "continue", token);
	for (size_t i = 0; i < n; i++) {
		cJSON *o = cJSON_Parse(v[i]->text);
		table_add(s, t, k, o, include);
		cJSON_Delete(o);
	}
	resp_json(r, 200, t);
	cJSON_Delete(t);
}

/* "ID-OFFSET" of a snapshot, in hexadecimal: opaque to clients, as the real one is. */
static sim_snap *token_snap(ns_sim *s, const sim_kind *k, const char *token, size_t *from, sim_resp *r)
{
	char *end;
	uint64_t id = strtoull(token, &end, 16);
	if (*end != '-') {
		status_error(r, 400, "BadRequest", NULL, NULL, "invalid continue token: continue key is not valid");
		return NULL;
	}
	*from = strtoull(end + 1, &end, 16);
	for (sim_snap *x = s->snaps; x; x = x->next)
		if (x->id == id && x->kind == k && !*end && *from <= x->n)
			return x;
	cJSON *st =
	    status_expired("The provided continue parameter is too old to display a consistent list result. You can start a new list "
	                   "without the continue parameter.");
	resp_json(r, 410, st);
	cJSON_Delete(st);
	return NULL;
}

/* The version rules of a list. True when it may go on. */
static bool version_ok(ns_sim *s, const sim_req *q, sim_resp *r)
{
	const char *rv = req_arg(q, "resourceVersion"), *match = req_arg(q, "resourceVersionMatch");
	const char *wrong = NULL;
	if (req_arg(q, "sendInitialEvents"))
		wrong = "sendInitialEvents is forbidden for list";
	else if (match && (!rv || !*rv))
		wrong = "resourceVersionMatch is forbidden unless resourceVersion is provided";
	else if (match && req_arg(q, "continue"))
		wrong = "resourceVersionMatch is forbidden when continue is provided";
	else if (match && !strcmp(match, "Exact") && !strcmp(rv, "0"))
		wrong = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
	if (wrong) {
		status_error(
		    r, 422, "Invalid", NULL, NULL, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: %s", wrong);
		return false;
	}
	if (!rv || !*rv)
		return true;
	char *end;
	int64_t want = strtoll(rv, &end, 10);
	if (*end || want < 0) {
		status_error(r, 400, "BadRequest", NULL, NULL,
		    "resourceVersion: Invalid value: \"%s\": strconv.ParseUint: parsing: invalid syntax", rv);
		return false;
	}
	if (want > s->world.rv) {
		status_error(r, 504, "Timeout", NULL, NULL, "Too large resource version: %lld, current: %lld", (long long)want,
		    (long long)s->world.rv);
		cJSON *st = cJSON_Parse(ns_buf_str(&r->body));
		cJSON *d = json_child(st, "details"), *causes = cJSON_AddArrayToObject(d, "causes"), *c = cJSON_CreateObject();
		ns_json_put_str(c, "reason", "ResourceVersionTooLarge");
		ns_json_put_str(c, "message", "Too large resource version");
		cJSON_AddItemToArray(causes, c);
		ns_json_put_int(d, "retryAfterSeconds", 1);
		resp_json(r, 504, st);
		cJSON_Delete(st);
		r->retry_after = 1;
		return false;
	}
	if (match && !strcmp(match, "Exact") && want != s->world.rv) {
		cJSON *st = status_expired("The resourceVersion for the provided list is too old.");
		resp_json(r, 410, st);
		cJSON_Delete(st);
		return false;
	}
	return true;
}

/* The objects that match, as versions in (ns, name) order; caller frees the array only. */
static sim_ver **collect(ns_sim *s, const sim_kind *k, const char *ns, const sim_select *x, size_t *n)
{
	const sim_shelf *sh = &s->world.shelf[k->store];
	sim_ver **v = ns_xmalloc((sh->n + 1) * sizeof *v);
	*n = 0;
	for (size_t i = 0; i < sh->n; i++) {
		sim_obj *o = sh->v[i];
		if (*ns && strcmp(o->ns, ns))
			continue;
		cJSON *view = !select_all(x) && k->store != k->id ? event_as_v1(o->j) : NULL;
		if (select_match(x, view ? view : o->j))
			v[(*n)++] = o->cur;
		cJSON_Delete(view);
	}
	return v;
}

static void answer(
    ns_sim *s, const sim_req *q, const sim_kind *k, int64_t rv, const char *token, size_t remaining, sim_ver **v, size_t n, sim_resp *r)
{
	if (table_wanted(q))
		put_table(s, q, r, k, rv, token, v, n);
	else
		put_list(&r->body, k, rv, token, remaining, v, n);
}

void list_handle(ns_sim *s, const sim_req *q, const sim_kind *k, const char *ns, sim_resp *r)
{
	if (!version_ok(s, q, r))
		return;
	const char *rv = req_arg(q, "resourceVersion"), *limit_arg = req_arg(q, "limit"), *token_arg = req_arg(q, "continue");
	size_t limit = limit_arg && !(rv && !strcmp(rv, "0")) ? strtoull(limit_arg, NULL, 10) : 0, from = 0;
	char token[64];
	if (token_arg && *token_arg) {
		sim_snap *x = token_snap(s, k, token_arg, &from, r);
		if (!x)
			return;
		size_t n = x->n - from;
		bool more = limit && n > limit;
		if (more)
			n = limit;
		snprintf(token, sizeof token, "%llx-%zx", (unsigned long long)x->id, from + n);
		answer(s, q, k, x->rv, more ? token : NULL, x->n - from - n, x->v + from, n, r);
		return;
	}
	sim_select *sel = select_new(k, req_arg(q, "labelSelector"), req_arg(q, "fieldSelector"), r);
	if (!sel)
		return;
	size_t n;
	sim_ver **v = collect(s, k, ns, sel, &n);
	if (limit && n > limit) {
		const sim_snap *x = snap_keep(s, k, s->world.rv, v, n);
		snprintf(token, sizeof token, "%llx-%zx", (unsigned long long)x->id, limit);
		answer(s, q, k, s->world.rv, token, select_all(sel) ? n - limit : 0, v, limit, r);
	} else {
		answer(s, q, k, s->world.rv, NULL, 0, v, n, r);
	}
	free(v);
	select_free(sel);
}
