/* Objects, their versions, and the ring of changes. Every write is one change with the next version number, so the ring is contiguous:
 * a watch that starts at version N finds its first change by arithmetic, and N older than the ring is 410. */
#include "sim_priv.h"
#include "watch_priv.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_RV = 1000 };

void world_init(sim_world *w)
{
	w->rv = w->oldest = FIRST_RV;
}

static void change_drop(sim_world *w)
{
	sim_change *c = &w->ring[w->ring_head];
	w->oldest = c->rv;
	w->ring_bytes -= c->now->len;
	ver_unref(c->now);
	ver_unref(c->was);
	w->ring_head = (w->ring_head + 1) % SIM_RING;
	w->ring_n--;
}

static void obj_free(sim_obj *o)
{
	cJSON_Delete(o->j);
	ver_unref(o->cur);
	free(o->ns);
	free(o->name);
	free(o);
}

void world_free(sim_world *w)
{
	while (w->ring_n)
		change_drop(w);
	for (int k = 0; k < K_COUNT; k++) {
		for (size_t i = 0; i < w->shelf[k].n; i++)
			obj_free(w->shelf[k].v[i]);
		free(w->shelf[k].v);
	}
	for (size_t i = 0; i < w->n_names; i++)
		free(w->names[i]);
	free(w->names);
	for (size_t i = 0; i < w->n_mutated; i++) {
		free(w->mutated[i].ns);
		free(w->mutated[i].name);
	}
	free(w->mutated);
}

/* The ring outlives objects, so its namespace names are kept for good; a cluster has few. */
static const char *intern(sim_world *w, const char *ns)
{
	for (size_t i = 0; i < w->n_names; i++)
		if (!strcmp(w->names[i], ns))
			return w->names[i];
	w->names = ns_xrealloc(w->names, (w->n_names + 1) * sizeof *w->names);
	return w->names[w->n_names++] = ns_xstrdup(ns);
}

sim_ver *ver_ref(sim_ver *v)
{
	v->refs++;
	return v;
}

void ver_unref(sim_ver *v)
{
	if (v && --v->refs == 0)
		free(v);
}

static sim_ver *ver_new(const cJSON *j, int64_t rv)
{
	ns_buf b = NS_BUF_INIT;
	ns_json_write(j, &b);
	sim_ver *v = ns_xmalloc(sizeof *v + b.len + 1);
	v->refs = 1;
	v->rv = rv;
	v->len = b.len;
	memcpy(v->text, ns_buf_str(&b), b.len + 1);
	ns_buf_free(&b);
	return v;
}

/* The place of (ns, name) on the shelf: where it is, or where it would go. */
static size_t shelf_find(const sim_shelf *sh, const char *ns, const char *name, bool *found)
{
	size_t lo = 0, hi = sh->n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = strcmp(sh->v[mid]->ns, ns);
		if (!d)
			d = strcmp(sh->v[mid]->name, name);
		if (!d) {
			*found = true;
			return mid;
		}
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = false;
	return lo;
}

sim_obj *world_get(const sim_world *w, sim_k k, const char *ns, const char *name)
{
	bool found;
	const sim_shelf *sh = &w->shelf[k];
	size_t i = shelf_find(sh, sim_kinds[k].namespaced ? ns : "", name, &found);
	return found ? sh->v[i] : NULL;
}

/* Takes over the references to now and was. */
static void publish(ns_sim *s, sim_change_type type, const sim_obj *o, sim_ver *now, sim_ver *was)
{
	sim_world *w = &s->world;
	while (w->ring_n == SIM_RING || (w->ring_n && w->ring_bytes + now->len > SIM_RING_BYTES))
		change_drop(w);
	sim_change *c = &w->ring[(w->ring_head + w->ring_n++) % SIM_RING];
	*c = (sim_change){.rv = now->rv, .type = type, .kind = o->kind->id, .ns = intern(w, o->ns), .now = now, .was = was};
	w->ring_bytes += now->len;
	watch_wake(s, o->kind->id);
}

static void set_rv(cJSON *j, int64_t rv)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)rv);
	json_set(json_child(j, "metadata"), "resourceVersion", cJSON_CreateString(text));
}

sim_obj *world_put(ns_sim *s, sim_k k, cJSON *j)
{
	sim_world *w = &s->world;
	sim_shelf *sh = &w->shelf[k];
	const char *ns = sim_kinds[k].namespaced ? ns_json_str(j, "metadata.namespace", "default") : "";
	const char *name = ns_json_str(j, "metadata.name", "");
	bool found;
	size_t at = shelf_find(sh, ns, name, &found);
	set_rv(j, ++w->rv);
	sim_ver *now = ver_new(j, w->rv);
	if (found) {
		sim_obj *o = sh->v[at];
		sim_ver *was = o->cur;
		o->cur = ver_ref(now);
		if (o->j != j)
			cJSON_Delete(o->j);
		o->j = j;
		publish(s, CH_MODIFIED, o, now, was);
		return o;
	}
	sim_obj *o = ns_xcalloc(1, sizeof *o);
	*o = (sim_obj){.kind = &sim_kinds[k], .ns = ns_xstrdup(ns), .name = ns_xstrdup(name), .j = j, .cur = ver_ref(now)};
	if (sh->n == sh->cap) {
		sh->cap = sh->cap ? sh->cap * 2 : 16;
		sh->v = ns_xrealloc(sh->v, sh->cap * sizeof *sh->v);
	}
	memmove(sh->v + at + 1, sh->v + at, (sh->n - at) * sizeof *sh->v);
	sh->v[at] = o;
	sh->n++;
	publish(s, CH_ADDED, o, now, NULL);
	return o;
}

void world_delete(ns_sim *s, sim_obj *o)
{
	sim_world *w = &s->world;
	sim_shelf *sh = &w->shelf[o->kind->id];
	bool found;
	size_t at = shelf_find(sh, o->ns, o->name, &found);
	set_rv(o->j, ++w->rv); /* the last state carries the version of its deletion */
	publish(s, CH_DELETED, o, ver_new(o->j, w->rv), ver_ref(o->cur));
	memmove(sh->v + at, sh->v + at + 1, (sh->n - at - 1) * sizeof *sh->v);
	sh->n--;
	obj_free(o);
}

void world_compact(sim_world *w)
{
	while (w->ring_n)
		change_drop(w);
	w->oldest = w->rv;
}

void world_count_mutation(sim_world *w, const char *ns, const char *name)
{
	w->mutations++;
	for (size_t i = 0; i < w->n_mutated; i++)
		if (!strcmp(w->mutated[i].ns, ns) && !strcmp(w->mutated[i].name, name)) {
			w->mutated[i].n++;
			return;
		}
	w->mutated = ns_xrealloc(w->mutated, (w->n_mutated + 1) * sizeof *w->mutated);
	w->mutated[w->n_mutated++] = (struct sim_mutated){ns_xstrdup(ns), ns_xstrdup(name), 1};
}
