/* Objects of a scene that nothing simulates: they appear, or change, at their time, as their controllers would write them. */
#include <stdlib.h>
#include <string.h>

#include "sim_priv.h"

/* "$T" in the text is the time at which it appears. */
static cJSON *body_of(const ns_sim *s, const sim_thing *t)
{
	char stamp[32];
	ns_buf b = NS_BUF_INIT;
	sim_stamp(s, t->at_ms, stamp);
	for (const char *p = t->body; *p;) {
		if (strncmp(p, "$T", 2) == 0) {
			ns_buf_puts(&b, stamp);
			p += 2;
		} else {
			ns_buf_putc(&b, *p++);
		}
	}
	cJSON *j = ns_json_parse(ns_buf_str(&b), b.len, &ns_json_api, NULL);
	ns_buf_free(&b);
	return j;
}

static void appear(ns_sim *s, const sim_thing *t)
{
	const sim_obj *before = world_get(&s->world, t->kind, t->ns, t->name);
	cJSON *j = before ? cJSON_Duplicate(before->j, true) : object_new(s, t->kind, t->ns, t->name, t->at_ms), *body = body_of(s, t);
	ns_json_each(m, body)
		json_set(j, m->string, cJSON_Duplicate(m, true));
	cJSON_Delete(body);
	const sim_obj *o = world_put(s, t->kind, j);
	if (t->reason)
		event_core(s, o, "Warning", t->reason, t->component, "", "%s", t->message);
}

int64_t things_due(const ns_sim *s)
{
	const sim_thing *t = s->scene->things;
	return t && t[s->cluster.n_things].name ? t[s->cluster.n_things].at_ms : SIM_NEVER;
}

void things_step(ns_sim *s)
{
	appear(s, &s->scene->things[s->cluster.n_things++]);
}
