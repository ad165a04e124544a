/* Where an object stands that we changed: the fields that plan and undo set, compared with what is there. Reads only. */
#include "executor_priv.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 4, MAX_VALUE = 48 };

/* A pod template without what servers print into it and says nothing. */
static bool same_value(const cJSON *a, const cJSON *b)
{
	cJSON *x = cJSON_Duplicate(a, true), *y = cJSON_Duplicate(b, true);
	cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(x, "metadata"), "creationTimestamp");
	cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(y, "metadata"), "creationTimestamp");
	bool same = x && y && ns_json_same(x, y);
	cJSON_Delete(x);
	cJSON_Delete(y);
	return same;
}

/* Does the object have every value that these operations would write? False for operations that write none. */
static bool stands_as(const cJSON *object, const cJSON *ops)
{
	size_t n = 0;
	bool all = true;
	ns_json_each(op, ops)
	{
		const char *kind = ns_json_str(op, "op", "");
		if (strcmp(kind, "replace") != 0 && strcmp(kind, "add") != 0)
			continue;
		n++;
		const cJSON *there = ns_patch_find(object, ns_json_str(op, "path", ""));
		all = all && there && same_value(there, ns_json_get(op, "value"));
	}
	return n && all;
}

static const char *value_text(ns_arena *ar, const cJSON *v)
{
	if (!v)
		return "nothing";
	if (!cJSON_IsString(v) && !cJSON_IsNumber(v) && !cJSON_IsBool(v))
		return "another value";
	char *text = ns_json_text(v);
	const char *out = ns_say_clean(ar, text, strlen(text), MAX_VALUE, false);
	free(text);
	return out;
}

/* "/spec/replicas is 5 (we set 4, before it was 2)" for each field that the change wrote. */
static const char *fields_text(ns_arena *ar, const cJSON *object, const cJSON *set, const cJSON *before)
{
	ns_buf out = NS_BUF_INIT;
	size_t n = 0;
	ns_json_each(op, set)
	{
		const char *path = ns_json_str(op, "path", "");
		if (strcmp(ns_json_str(op, "op", ""), "replace") != 0 || n++ == MAX_FIELDS)
			continue;
		const cJSON *was = NULL, *ours = ns_json_get(op, "value");
		ns_json_each(b, before) if (strcmp(ns_json_str(b, "path", ""), path) == 0 && strcmp(ns_json_str(b, "op", ""), "test") != 0)
		    was = ns_json_get(b, "value");
		const cJSON *there = ns_patch_find(object, path);
		ns_buf_printf(&out, "%s%s ", out.len ? "; " : "", path);
		if (there && ours && same_value(there, ours))
			ns_buf_puts(&out, "is as we set it");
		else if (there && was && same_value(there, was))
			ns_buf_puts(&out, "is as it was before");
		else
			ns_buf_printf(
			    &out, "is %s (we set %s, before it was %s)", value_text(ar, there), value_text(ar, ours), value_text(ar, was));
	}
	const char *text = ns_say_clean(ar, ns_buf_str(&out), out.len, 400, false);
	ns_buf_free(&out);
	return text;
}

static bool look_at_exception(const ns_order *o, const cJSON *object, ns_stand *stand, const char **words)
{
	cJSON *created = ns_json_parse(o->plan->command.body, strlen(o->plan->command.body), &ns_json_strict, NULL);
	bool as_made = created != NULL;
	ns_json_each(part, ns_json_get(created, "spec")) as_made =
	    as_made && ns_json_same(part, ns_json_get(ns_json_get(object, "spec"), part->string));
	cJSON_Delete(created);
	*stand = stands_as(object, o->body) ? NS_STAND_AS_BEFORE : as_made ? NS_STAND_AS_SET : NS_STAND_OTHER;
	*words = *stand == NS_STAND_AS_BEFORE ? "the exception matches nothing any more"
	         : *stand == NS_STAND_AS_SET  ? "the exception is in effect as it was made"
	                                      : "the exception was changed by somebody else";
	return true;
}

static bool look_at_deployment(
    const ns_order *o, ns_arena *ar, const ns_executor *e, const cJSON *object, ns_stand *stand, const char **words, ns_err *err)
{
	const ns_plan *p = o->plan;
	ns_order forward;
	if (strcmp(ns_json_str(object, "metadata.uid", ""), p->target.uid) != 0) {
		*stand = NS_STAND_OTHER;
		*words = ns_arena_printf(ar, "%s/%s is another object of the same name", p->target.ns, p->target.name);
		return true;
	}
	if (!ns_order_make(&forward, ar, e, p, false, err))
		return false;
	bool set = stands_as(object, forward.body), before = stands_as(object, o->body);
	*stand = set == before ? NS_STAND_OTHER : set ? NS_STAND_AS_SET : NS_STAND_AS_BEFORE;
	*words = ns_arena_printf(ar, "%s; generation %lld, our change left %lld", fields_text(ar, object, forward.body, o->body),
	    (long long)ns_json_int_or(object, "metadata.generation", -1), (long long)p->generation + 1);
	ns_order_free(&forward);
	return true;
}

bool ns_execute_look(ns_executor *e, ns_arena *ar, ns_kube_client *c, const ns_plan *p, ns_stand *stand, const char **words, ns_err *err)
{
	ns_order o;
	ns_err why = {0};
	*stand = NS_STAND_OTHER;
	*words = "";
	if (!ns_order_make(&o, ar, e, p, true, err))
		return false;
	bool exception = o.m.subject == NS_SUBJECT_EXCEPTION, ok = true;
	cJSON *object = ns_kube_get(c, o.object_path, &why);
	if (!object && why.code == NS_E_NOTFOUND) {
		*stand = exception ? NS_STAND_AS_BEFORE : NS_STAND_OTHER;
		*words = exception ? "the exception is gone" : ns_arena_printf(ar, "%s/%s is gone", p->target.ns, p->target.name);
	} else if (!object) {
		if (err)
			*err = why;
		ok = ns_err_wrap(err, "read %s", o.object_path);
	} else {
		ok = exception ? look_at_exception(&o, object, stand, words) : look_at_deployment(&o, ar, e, object, stand, words, err);
	}
	cJSON_Delete(object);
	ns_order_free(&o);
	return ok;
}
