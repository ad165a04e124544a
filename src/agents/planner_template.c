/* What a change of a pod template touches. Closed by default: two templates are compared field by field, and only what stands in a table here
 * may differ without being named. Safe fields still have unsafe corners (a Secret that the earlier template read, a probe that asks another
 * host, a device claim beside memory and CPU): those are looked into, in the direction of the change. */
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"
#include "planner_priv.h"

static void note(ns_buf *out, const char *where, const char *key)
{
	char item[160];
	snprintf(item, sizeof item, "%s%.100s", where, key);
	const char *have = strstr(ns_buf_str(out), item);
	if (have && (!have[strlen(item)] || have[strlen(item)] == ','))
		return;
	ns_buf_printf(out, "%s%s", out->len ? ", " : "", item);
}

/* Keys of a and b whose values differ, `skip` apart, are noted. */
static void differing(const cJSON *a, const cJSON *b, const char *where, const char *const *skip, ns_buf *out)
{
	ns_json_each(x, a) if (!ns_listed(x->string, skip) && !ns_json_same(x, ns_json_get(b, x->string))) note(out, where, x->string);
	ns_json_each(y, b) if (!ns_listed(y->string, skip) && !ns_json_get(a, y->string)) note(out, where, y->string);
}

/* ---- safe fields and their corners: what `then` has and `now` has not ---- */

/* A variable may change its value, read another ConfigMap, or stop reading a Secret; it does not begin to read one. */
static bool reads_new_secret(const cJSON *now, const cJSON *then, const char *ref)
{
	ns_json_each(y, then)
	{
		const cJSON *secret = ns_json_path(y, ref);
		bool had = false;
		ns_json_each(x, now) had |= ns_json_same(ns_json_path(x, ref), secret);
		if (secret && !had)
			return true;
	}
	return false;
}

static bool env_corner(const cJSON *now, const cJSON *then)
{
	return reads_new_secret(now, then, "valueFrom.secretKeyRef");
}
static bool env_from_corner(const cJSON *now, const cJSON *then)
{
	return reads_new_secret(now, then, "secretRef");
}

/* A probe asks the pod itself. */
static bool probe_corner(const cJSON *now, const cJSON *then)
{
	static const char *const hosts[] = {"httpGet.host", "tcpSocket.host"};
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
		if (*ns_json_str(then, hosts[i], "") && strcmp(ns_json_str(now, hosts[i], ""), ns_json_str(then, hosts[i], "")) != 0)
			return true;
	return false;
}

/* Devices are claimed beside amounts, and named among them. */
static bool resources_corner(const cJSON *now, const cJSON *then)
{
	static const char *const amounts[] = {"cpu", "memory", "ephemeral-storage", NULL}, *const parts[] = {"limits", "requests", NULL};
	ns_buf other = NS_BUF_INIT;
	differing(now, then, "", parts, &other);
	for (size_t i = 0; parts[i]; i++)
		differing(ns_json_get(now, parts[i]), ns_json_get(then, parts[i]), "", amounts, &other);
	bool any = other.len > 0;
	ns_buf_free(&other);
	return any;
}

static const struct safe_field {
	const char *key;
	bool (*corner)(const cJSON *now, const cJSON *then);
	const char *words; /* for its corner */
} safe_fields[] = {
    {"image", NULL, NULL},
    {"command", NULL, NULL},
    {"args", NULL, NULL},
    {"env", env_corner, "env (reads a Secret)"},
    {"envFrom", env_from_corner, "envFrom (reads a Secret)"},
    {"livenessProbe", probe_corner, "livenessProbe (asks another host)"},
    {"readinessProbe", probe_corner, "readinessProbe (asks another host)"},
    {"startupProbe", probe_corner, "startupProbe (asks another host)"},
    {"resources", resources_corner, "resources (other than CPU, memory and ephemeral storage)"},
};
enum { N_SAFE = sizeof safe_fields / sizeof *safe_fields };

static void compare_container(const cJSON *now, const cJSON *then, ns_buf *out)
{
	const char *skip[N_SAFE + 1] = {NULL};
	for (size_t i = 0; i < N_SAFE; i++) {
		const struct safe_field *f = &safe_fields[i];
		skip[i] = f->key;
		if (f->corner && f->corner(ns_json_get(now, f->key), ns_json_get(then, f->key)))
			note(out, "container ", f->words);
	}
	differing(now, then, "container ", skip, out);
}

/* By position where the order means something: init containers run one after the other. */
static void compare_list(const cJSON *now, const cJSON *then, const char *list, bool ordered, ns_buf *out)
{
	const cJSON *la = ns_json_get(now, list), *lb = ns_json_get(then, list);
	const cJSON *beside = lb ? lb->child : NULL;
	if (ns_json_len(la) != ns_json_len(lb))
		note(out, list, " (one less or more)");
	ns_json_each(x, la)
	{
		const char *name = ns_json_str(x, "name", "");
		const cJSON *y = ns_json_named(lb, name);
		if (!y || !*name || ns_json_named(la, name) != x)
			note(out, list, " (one less or more)");
		else
			compare_container(x, y, out);
		if (ordered && y && y != beside)
			note(out, list, " (their order)");
		beside = beside ? beside->next : NULL;
	}
}

const char *ns_template_unsafe(ns_arena *ar, const cJSON *now, const cJSON *then)
{
	static const char *const skip_top[] = {"spec", "metadata", NULL}, *const none[] = {NULL},
	    *const skip_spec[] = {"containers", "initContainers", NULL};
	const cJSON *a = ns_json_get(now, "spec"), *b = ns_json_get(then, "spec");
	ns_buf out = NS_BUF_INIT;
	differing(now, then, "", skip_top, &out);
	differing(ns_json_get(now, "metadata"), ns_json_get(then, "metadata"), "metadata.", none, &out);
	differing(a, b, "", skip_spec, &out);
	compare_list(a, b, "containers", false, &out);
	compare_list(a, b, "initContainers", true, &out);
	return ns_arena_take(ar, &out);
}
