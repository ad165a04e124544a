/* JSON patches written from the live object's own template: paths come from positions found there by name, values from code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"
#include "planner_priv.h"

const ns_revision *ns_current_revision(const ns_case *c)
{
	for (size_t i = 0; i < c->n_revisions; i++)
		if (c->revisions[i].current)
			return &c->revisions[i];
	return NULL;
}

cJSON *ns_revision_template(const ns_revision *r)
{
	if (!r || !r->template_json[0])
		return NULL;
	cJSON *t = ns_json_parse(r->template_json, strlen(r->template_json), &ns_json_strict, NULL);
	if (!cJSON_IsObject(t) || !ns_json_len(ns_json_path(t, "spec.containers"))) {
		cJSON_Delete(t);
		return NULL;
	}
	cJSON *labels = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(t, "metadata"), "labels");
	cJSON_DeleteItemFromObjectCaseSensitive(labels, "pod-template-hash");
	return t;
}

/* ---- containers -------------------------------------------------------------------------------------------------- */

static bool place_in(const cJSON *t, const char *list, const char *container, ns_place *out)
{
	int i = 0;
	ns_json_each(x, ns_json_get(ns_json_get(t, "spec"), list))
	{
		if (!strcmp(ns_json_str(x, "name", ""), container)) {
			*out = (ns_place){.list = list, .index = i, .known = true};
			ns_copy(out->memory_limit, sizeof out->memory_limit, ns_json_str(x, "resources.limits.memory", ""));
			ns_copy(out->memory_request, sizeof out->memory_request, ns_json_str(x, "resources.requests.memory", ""));
			return true;
		}
		i++;
	}
	return false;
}

bool ns_container_place(const ns_case *c, const char *container, ns_place *out)
{
	cJSON *t = ns_revision_template(ns_current_revision(c));
	if (t) {
		bool found = place_in(t, "containers", container, out) || place_in(t, "initContainers", container, out);
		cJSON_Delete(t);
		return found;
	}
	/* without the template the case's own order must do; the patch tests the name there, so a wrong guess changes nothing */
	int index = 0, init_index = 0;
	for (size_t i = 0; i < c->n_containers; i++) {
		bool init = c->containers[i].init;
		if (!strcmp(c->containers[i].name, container)) {
			*out = (ns_place){.list = init ? "initContainers" : "containers", .index = init ? init_index : index};
			return true;
		}
		*(init ? &init_index : &index) += 1;
	}
	return false;
}

/* ---- patches ----------------------------------------------------------------------------------------------------- */

cJSON *ns_patch_op(cJSON *ops, const char *op, const char *path, cJSON *value)
{
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "op", op);
	ns_json_put_str(o, "path", path);
	cJSON_AddItemToObject(o, "value", value);
	cJSON_AddItemToArray(ops, o);
	return o;
}

const char *ns_patch_text(ns_arena *ar, cJSON *ops)
{
	char *text = ns_json_text(ops);
	const char *s = ns_arena_strdup(ar, text);
	free(text);
	cJSON_Delete(ops);
	return s;
}

ns_command ns_patch_command(ns_arena *ar, const char *ns, const char *object, const char *body, const char *equivalent)
{
	const char *const argv[] = {"-n", ns, "patch", object, "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
	const char **copy = ns_arena_alloc(ar, sizeof argv);
	for (size_t i = 0; argv[i]; i++)
		copy[i] = ns_arena_strdup(ar, argv[i]);
	return (ns_command){.argv = copy, .body = body, .json_patch = true, .equivalent = equivalent};
}
