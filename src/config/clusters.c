/* `clusters:`: each entry is read with the rows of the options into a configuration of its own. */
#include "config_priv.h"
#include "neuroscale/base/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE = 300 };

const char *ns_color_name(int color)
{
	static const char *const names[] = {"", "red", "green", "yellow", "blue", "magenta", "cyan"};
	return color >= 0 && (size_t)color < sizeof names / sizeof names[0] ? names[color] : "";
}

void config_clusters_keep(config_clusters *k, const cJSON *list, const char *file, const char *text)
{
	config_clusters_free(k);
	*k = (config_clusters){cJSON_Duplicate(list, true), ns_xstrdup(file), ns_xstrdup(text)};
}

void config_clusters_free(config_clusters *k)
{
	cJSON_Delete(k->list);
	free(k->file);
	free(k->text);
	*k = (config_clusters){0};
}

static const ns_option *option_of(const ns_cluster_key *k)
{
	return config_find(k->option, strlen(k->option));
}

static bool unknown_key(const char *place, const char *key, ns_err *err)
{
	const char *names[40];
	size_t n = 0;
	for (const ns_cluster_key *k = ns_cluster_keys; k->key && n < 40; k++)
		names[n++] = k->key;
	const char *near = ns_nearest(key, names, n);
	return ns_fail(err, NS_E_USAGE, "%s: a cluster has no key \"%s\"%s%s%s", place, key, near ? ", did you mean \"" : "; neuroscale-tui(1) lists them",
	    near ? near : "", near ? "\"?" : "");
}

static bool set_key(ns_config *one, const config_clusters *k, size_t i, const cJSON *v, ns_err *err)
{
	char path[160], place[PLACE];
	snprintf(path, sizeof path, "clusters.%zu.%s", i, v->string);
	config_place(place, sizeof place, k->file, k->text, path);
	const ns_cluster_key *row = ns_cluster_keys;
	while (row->key && strcmp(row->key, v->string) != 0)
		row++;
	if (!row->key)
		return unknown_key(place, v->string, err);
	const ns_option *o = option_of(row);
	ns_buf words = NS_BUF_INIT;
	bool ok = config_yaml_words(o, v, &words) ||
	    ns_fail(err, NS_E_USAGE, "%s: %s must be %s", place, row->key, o->type == NS_OPT_LIST ? "a list of words without commas" : "one value");
	ok = ok && config_set(one, o, ns_buf_str(&words), place, err);
	ns_buf_free(&words);
	return ok;
}

/* The order of the file does not matter; what --profile, --freeze and --four-eyes say can only make a cluster more careful. */
static bool make_one(const ns_config *c, const config_clusters *k, size_t i, const cJSON *item, ns_config **out, ns_err *err)
{
	char path[32], place[PLACE];
	snprintf(path, sizeof path, "clusters.%zu", i);
	config_place(place, sizeof place, k->file, k->text, path);
	if (!cJSON_IsObject(item))
		return ns_fail(err, NS_E_USAGE, "%s: a cluster is a map: \"- context: NAME\", and what else differs below it", place);
	size_t n = config_count_options() + 1;
	ns_config *one = *out = ns_arena_alloc(c->arena, sizeof *one);
	*one = *c;
	one->many = true;
	one->beside_others = cJSON_GetArraySize(k->list) > 1;
	one->where = ns_arena_strdup(c->arena, place);
	one->origin = ns_arena_alloc(c->arena, n * sizeof *one->origin);
	memcpy(one->origin, c->origin, n * sizeof *one->origin);
	for (const ns_cluster_key *row = ns_cluster_keys; row->key; row++)
		if (!row->inherits && !config_set(one, option_of(row), option_of(row)->dflt, "default", err))
			return false;
	for (const cJSON *v = item->child; v; v = v->next)
		if (!set_key(one, k, i, v, err))
			return false;
	if (!one->context[0])
		return ns_fail(err, NS_E_USAGE, "%s: a cluster needs its context: \"context: NAME\" as in the kubeconfig", place);
	if (!one->cluster[0])
		one->cluster = one->context;
	if (ns_config_is_said(c, "profile") && c->profile < one->profile)
		one->profile = c->profile;
	one->four_eyes = one->four_eyes || (c->four_eyes && ns_config_is_said(c, "four-eyes"));
	one->freeze = one->freeze || (c->freeze && ns_config_is_said(c, "freeze"));
	return true;
}

static bool distinct(ns_config *const *list, size_t n, ns_err *err)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			if (strcmp(list[i]->cluster, list[j]->cluster) == 0)
				return ns_fail(err, NS_E_USAGE, "%s: the name \"%s\" is taken by the cluster at %s", list[i]->where, list[i]->cluster, list[j]->where);
			if (strcmp(list[i]->context, list[j]->context) == 0 && strcmp(list[i]->kubeconfig, list[j]->kubeconfig) == 0)
				return ns_fail(err, NS_E_USAGE, "%s: the context \"%s\" is watched already, by the cluster at %s", list[i]->where, list[i]->context,
				    list[j]->where);
		}
	return true;
}

/* What belongs to one cluster must stand in its entry: beside `clusters:` it would be read by nobody. */
static bool nothing_stray(const ns_config *c, ns_err *err)
{
	for (const ns_cluster_key *row = ns_cluster_keys; row->key; row++) {
		const ns_option *o = option_of(row);
		const char *from = c->origin[o - ns_options];
		if (!row->inherits && !ns_config_is_said(c, o->name) && strcmp(from, "default") != 0)
			return ns_fail(err, NS_E_USAGE, "%s: beside \"clusters:\" it says nothing: put \"%s\" into the cluster that it is for", from, row->key);
	}
	return true;
}

/* --context NAME, or --cluster NAME where it is no filter: the one that is called so. */
static bool select_one(ns_config *c, ns_config *const *list, ns_err *err)
{
	bool filter = c->command[0] && strcmp(c->command, "doctor") != 0 && strcmp(c->command, "policy") != 0;
	const char *want = ns_config_is_said(c, "context") ? c->context : ns_config_is_said(c, "cluster") && !filter ? c->cluster : "";
	const char *names[NS_MAX_CLUSTERS];
	ns_buf all = NS_BUF_INIT;
	for (size_t i = 0; *want && i < c->n_clusters; i++) {
		if (strcmp(want, list[i]->context) == 0 || strcmp(want, list[i]->cluster) == 0) {
			c->clusters = (const ns_config *const *)list + i;
			c->n_clusters = 1;
			ns_buf_free(&all);
			return true;
		}
		names[i] = list[i]->cluster;
		ns_buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	const char *near = *want ? ns_nearest(want, names, c->n_clusters) : NULL;
	bool ok = !*want ||
	    ns_fail(err, NS_E_USAGE, "no cluster of the configuration is called \"%s\"%s%s%s (there are: %s)", want, near ? ", did you mean \"" : "",
	        near ? near : "", near ? "\"?" : "", ns_buf_str(&all));
	ns_buf_free(&all);
	return ok;
}

bool config_clusters_make(ns_config *c, const config_clusters *k, ns_err *err)
{
	const ns_config **alone = ns_arena_alloc(c->arena, sizeof *alone);
	alone[0] = c;
	c->clusters = alone;
	c->n_clusters = 1;
	if (!k->list)
		return true;
	char place[PLACE];
	config_place(place, sizeof place, k->file, k->text, "clusters");
	int n = cJSON_IsArray(k->list) ? cJSON_GetArraySize(k->list) : 0;
	if (n < 1 || n > NS_MAX_CLUSTERS)
		return ns_fail(err, NS_E_USAGE, "%s: clusters must be a list of 1 to %d maps, each with a context", place, NS_MAX_CLUSTERS);
	ns_config **list = ns_arena_alloc(c->arena, (size_t)n * sizeof *list);
	size_t i = 0;
	ns_json_each(item, k->list)
	{
		if (!make_one(c, k, i, item, &list[i], err))
			return false;
		i++;
	}
	c->many = true;
	c->clusters = (const ns_config *const *)list;
	c->n_clusters = i;
	return nothing_stray(c, err) && distinct(list, i, err) && select_one(c, list, err);
}
