/* Where values come from, in order: default, system file, user file, environment, flags. */
#include "config_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/yaml.h"
#include "neuroscale/sys/fs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool config_word_in(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = words; n && (p = strstr(p, word)); p += n)
		if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

size_t config_count_options(void)
{
	size_t n = 0;
	while (ns_options[n].name)
		n++;
	return n;
}

const ns_option *config_find(const char *name, size_t len)
{
	for (const ns_option *o = ns_options; o->name; o++)
		if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static const char *nearest_option(const char *word)
{
	const char *names[64];
	size_t n = 0;
	for (const ns_option *o = ns_options; o->name && n < 64; o++)
		names[n++] = o->name;
	return ns_nearest(word, names, n);
}

/* ---- files ---- */

void config_place(char *out, size_t cap, const char *file, const char *text, const char *path)
{
	int line, column;
	ns_yaml_where(text, strlen(text), path, &line, &column);
	snprintf(out, cap, "%s:%d:%d", file, line, column);
}

static bool set_from_yaml(ns_config *c, const cJSON *v, const char *path, const char *text, ns_err *err)
{
	const ns_option *o = config_find(v->string, strlen(v->string));
	char from[300];
	config_place(from, sizeof from, path, text, v->string);
	if (o && !o->file)
		return ns_fail(err, NS_E_USAGE, "%s: \"%s\" goes on the command line, not into a file", from, o->name);
	if (!o) {
		const char *near = nearest_option(v->string);
		return ns_fail(err, NS_E_USAGE, "%s: unknown option \"%s\"%s%s%s", from, v->string,
		    near ? ", did you mean \"" : "; `neuroscale-tui --help` lists them", near ? near : "", near ? "\"?" : "");
	}
	ns_buf words = NS_BUF_INIT;
	bool ok = config_yaml_words(o, v, &words) || ns_fail(err, NS_E_USAGE, "%s: %s must be %s", from, o->name,
	                                          o->type == NS_OPT_LIST ? "a list of words without commas" : "one value");
	ok = ok && config_set(c, o, ns_buf_str(&words), from, err);
	ns_buf_free(&words);
	return ok;
}

static bool read_config_file(ns_config *c, config_clusters *k, const char *path, bool must_exist, ns_err *err)
{
	if (!must_exist && !ns_exists(path))
		return true;
	ns_buf text = NS_BUF_INIT;
	cJSON *doc = NULL;
	bool ok = ns_read_file(path, 1 << 20, &text, err) && (doc = ns_yaml_parse(ns_buf_str(&text), text.len, path, 0, 0, err));
	if (ok && !cJSON_IsObject(doc) && !cJSON_IsNull(doc))
		ok = ns_fail(err, NS_E_INVALID, "%s: it must be a list of \"option: value\" lines", path);
	for (const cJSON *v = ok && doc ? doc->child : NULL; v && ok; v = v->next) {
		if (strcmp(v->string, "clusters") == 0)
			config_clusters_keep(k, v, path, ns_buf_str(&text));
		else
			ok = set_from_yaml(c, v, path, ns_buf_str(&text), err);
	}
	cJSON_Delete(doc);
	ns_buf_free(&text);
	return ok;
}

static bool read_config_files(ns_config *c, config_clusters *k, ns_err *err)
{
	if (c->config_file[0])
		return read_config_file(c, k, c->config_file, true, err);
	if (!read_config_file(c, k, "/etc/xdg/neuroscale-tui/config.yaml", false, err))
		return false;
	char *dir = ns_xdg_dir("XDG_CONFIG_HOME", ".config");
	if (!dir)
		return true;
	char *path = ns_path_join(dir, "neuroscale-tui/config.yaml");
	bool ok = read_config_file(c, k, path, false, err);
	free(path);
	free(dir);
	return ok;
}

static bool read_environment(ns_config *c, ns_err *err)
{
	for (const ns_option *o = ns_options; o->name; o++) {
		char name[80] = "NEUROSCALE_";
		size_t k = strlen(name);
		for (const char *p = o->name; *p && k < sizeof name - 1; p++)
			name[k++] = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
		name[k] = '\0';
		const char *v = o->file ? getenv(name) : NULL;
		if (v && *v && !config_set(c, o, v, name, err))
			return false;
	}
	const char *no_color = getenv("NO_COLOR");
	if (no_color && *no_color)
		c->no_color = true;
	return true;
}

/* ---- flags ---- */

typedef struct flag {
	const ns_option *o;
	const char *value;
} flag;
typedef struct flags {
	flag *list;
	size_t n;
	const char **args;
	size_t n_args;
} flags;

static bool unknown_option(const char *arg, ns_err *err)
{
	char name[64];
	snprintf(name, sizeof name, "%.*s", (int)strcspn(arg, "="), arg); /* its value has no place in the message */
	const char *near = nearest_option(name + strspn(name, "-"));
	return ns_fail(err, NS_E_USAGE, "unknown option %s%s%s%s", name, near ? ", did you mean --" : "; --help lists them",
	    near ? near : "", near ? "?" : "");
}

static bool split_flags(int argc, char *const *argv, flags *f, ns_err *err)
{
	bool only_args = false;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		if (only_args || a[0] != '-' || !a[1]) {
			f->args[f->n_args++] = a;
			continue;
		}
		if (strcmp(a, "--") == 0) {
			only_args = true;
			continue;
		}
		const ns_option *o = NULL;
		const char *value = NULL;
		if (a[1] == '-') {
			size_t len = strcspn(a + 2, "=");
			o = config_find(a + 2, len);
			value = a[2 + len] == '=' ? a + 3 + len : NULL;
		} else {
			for (const ns_option *k = ns_options; k->name && !o; k++)
				o = k->letter == a[1] ? k : NULL;
			value = a[2] ? a + 2 : NULL;
		}
		if (!o)
			return unknown_option(a, err);
		if (o->type == NS_OPT_BOOL && !value)
			value = "true";
		if (!value && i + 1 < argc)
			value = argv[++i];
		if (!value)
			return ns_fail(err, NS_E_USAGE, "--%s needs a value: --%s %s", o->name, o->name, o->arg);
		f->list[f->n++] = (flag){o, value};
	}
	return true;
}

static bool check_command(ns_config *c, const flags *f, ns_err *err)
{
	if (!c->command[0])
		return true;
	const ns_command_info *k = ns_commands;
	const char *names[32];
	size_t n = 0;
	for (; k->name && strcmp(k->name, c->command) != 0; k++)
		names[n++] = k->name;
	if (!k->name) {
		const char *near = ns_nearest(c->command, names, n);
		return ns_fail(err, NS_E_USAGE, "unknown command \"%s\"%s%s%s", c->command,
		    near ? ", did you mean \"" : "; --help lists them", near ? near : "", near ? "\"?" : "");
	}
	if (!c->help && (c->n_args < k->min_args || c->n_args > k->max_args))
		return ns_fail(err, NS_E_USAGE, "usage: neuroscale-tui %s%s%s", k->name, k->args[0] ? " " : "", k->args);
	return true;
}

static bool check_scope(const ns_config *c, const flags *f, ns_err *err)
{
	for (size_t i = 0; i < f->n; i++) {
		const char *where = f->list[i].o->commands;
		bool fits = !where || (c->command[0] ? config_word_in(where, c->command) : !where[0]);
		if (!fits)
			return ns_fail(err, NS_E_USAGE, "--%s does not go with %s%s", f->list[i].o->name,
			    c->command[0] ? c->command : "the console", where[0] ? "; `neuroscale-tui --help` says where" : "");
	}
	return true;
}

static bool default_state_dir(ns_config *c, ns_err *err)
{
	if (c->state_dir[0])
		return true;
	char *dir = ns_xdg_dir("XDG_STATE_HOME", ".local/state");
	if (!dir)
		return ns_fail(err, NS_E_USAGE, "neither XDG_STATE_HOME nor HOME is set: name a directory with --state-dir");
	c->state_dir = ns_arena_printf(c->arena, "%s/neuroscale-tui", dir);
	free(dir);
	return true;
}

/* A list may be given piece by piece: --set a=1 --set b=2. Everything else: the last one counts. */
static const char *joined_before(ns_config *c, const flags *f, size_t i)
{
	const char *value = f->list[i].value;
	for (size_t k = i; f->list[i].o->type == NS_OPT_LIST && k-- > 0;)
		if (f->list[k].o == f->list[i].o)
			value = ns_arena_printf(c->arena, "%s,%s", f->list[k].value, value);
	return value;
}

static bool load(ns_config *c, const flags *f, config_clusters *k, ns_err *err)
{
	for (const ns_option *o = ns_options; o->name; o++)
		if (!config_set(c, o, o->dflt, "default", err))
			return false;
	for (size_t i = 0; i < f->n; i++) /* which file to read is a flag */
		if (f->list[i].o->offset == offsetof(ns_config, config_file))
			c->config_file = ns_arena_strdup(c->arena, f->list[i].value);
	if (!read_config_files(c, k, err) || !read_environment(c, err))
		return false;
	for (size_t i = 0; i < f->n; i++)
		if (!config_set(c, f->list[i].o, joined_before(c, f, i), "command line", err))
			return false;
	c->command = f->n_args ? ns_arena_strdup(c->arena, f->args[0]) : "";
	c->n_args = f->n_args ? f->n_args - 1 : 0;
	const char **args = ns_arena_alloc(c->arena, (c->n_args + 1) * sizeof *args);
	for (size_t i = 0; i < c->n_args; i++)
		args[i] = ns_arena_strdup(c->arena, f->args[i + 1]);
	c->args = args;
	return check_command(c, f, err) && check_scope(c, f, err) && default_state_dir(c, err) && config_clusters_make(c, k, err);
}

ns_config *ns_config_load(int argc, char *const *argv, ns_err *err)
{
	ns_arena *ar = ns_arena_new();
	ns_config *c = ns_arena_alloc(ar, sizeof *c);
	c->arena = ar;
	c->origin = ns_arena_alloc(ar, (config_count_options() + 1) * sizeof *c->origin);
	size_t room = (size_t)argc + 1;
	flags f = {.list = ns_arena_alloc(ar, room * sizeof *f.list), .args = ns_arena_alloc(ar, room * sizeof *f.args)};
	config_clusters k = {0};
	c->where = "";
	bool ok = split_flags(argc, argv, &f, err) && load(c, &f, &k, err);
	config_clusters_free(&k);
	if (ok)
		return c;
	ns_arena_free(ar);
	return NULL;
}

bool ns_config_is_default(const ns_config *c, const char *option)
{
	const ns_option *o = config_find(option, strlen(option));
	return o && strcmp(c->origin[o - ns_options], "default") == 0;
}

bool ns_config_is_said(const ns_config *c, const char *option)
{
	const ns_option *o = config_find(option, strlen(option));
	const char *from = o ? c->origin[o - ns_options] : "";
	return strcmp(from, "command line") == 0 || strncmp(from, "NEUROSCALE_", 11) == 0;
}

void ns_config_free(ns_config *c)
{
	if (c)
		ns_arena_free(c->arena);
}
