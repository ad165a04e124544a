/* Themes. What a role looks like is settled in this order: the role itself, its family ("sev" for "sev.crit"), the inherited theme, the
 * table built in here. So a theme may say one thing and a new role never breaks an old theme. */
#include "neuroscale/config/theme.h"
#include "neuroscale/base/embedded.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/yaml.h"
#include "neuroscale/sys/fs.h"
#include "themes_data.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 64 * 1024, MAX_DEPTH = 4 };

#define PLAIN -1, -1, -1, -1
/* The look when no file can be read: the terminal's own colours and attributes, the same in colour and without. */
static const struct {
	const char *name;
	ns_style style;
} roles[NS_ROLE_COLOR_COUNT] = {
    [NS_ROLE_TEXT] = {"text", {PLAIN, 0, 0}},
    [NS_ROLE_TEXT_DIM] = {"text.dim", {PLAIN, NS_ATTR_DIM, NS_ATTR_DIM}},
    [NS_ROLE_TEXT_STRONG] = {"text.strong", {PLAIN, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_TITLE] = {"title", {PLAIN, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_BORDER] = {"border", {PLAIN, 0, 0}},
    [NS_ROLE_BORDER_FOCUS] = {"border.focus", {PLAIN, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_HEADER] = {"header", {PLAIN, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_HEADER_PROD] = {"header.prod", {7, 1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD | NS_ATTR_REVERSE}},
    [NS_ROLE_HEADER_DEMO] = {"header.demo", {PLAIN, NS_ATTR_REVERSE, NS_ATTR_REVERSE}},
    [NS_ROLE_KEY_HINT] = {"key.hint", {PLAIN, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_KEY_DISABLED] = {"key.disabled", {PLAIN, NS_ATTR_DIM, NS_ATTR_DIM}},
    [NS_ROLE_SELECTION] = {"selection", {PLAIN, NS_ATTR_BOLD | NS_ATTR_REVERSE, NS_ATTR_BOLD | NS_ATTR_REVERSE}},
    [NS_ROLE_SELECTION_UNFOCUSED] = {"selection.unfocused", {PLAIN, NS_ATTR_UNDERLINE, NS_ATTR_UNDERLINE}},
    [NS_ROLE_SEV_CRIT] = {"sev.crit", {1, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD | NS_ATTR_REVERSE}},
    [NS_ROLE_SEV_WARN] = {"sev.warn", {3, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_SEV_INFO] = {"sev.info", {6, -1, -1, -1, 0, 0}},
    [NS_ROLE_STATE_OK] = {"state.ok", {2, -1, -1, -1, 0, 0}},
    [NS_ROLE_STATE_RUN] = {"state.run", {6, -1, -1, -1, 0, 0}},
    [NS_ROLE_STATE_WAIT] = {"state.wait", {5, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD | NS_ATTR_UNDERLINE}},
    [NS_ROLE_STATE_FAIL] = {"state.fail", {1, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD | NS_ATTR_REVERSE}},
    [NS_ROLE_STATE_STALE] = {"state.stale", {PLAIN, NS_ATTR_BOLD | NS_ATTR_REVERSE, NS_ATTR_BOLD | NS_ATTR_REVERSE}},
    [NS_ROLE_DIFF_ADD] = {"diff.add", {2, -1, -1, -1, 0, 0}},
    [NS_ROLE_DIFF_DEL] = {"diff.del", {1, -1, -1, -1, 0, NS_ATTR_UNDERLINE}},
    [NS_ROLE_FLASH_ERROR] = {"flash.error", {1, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD | NS_ATTR_REVERSE}},
    [NS_ROLE_GRAPH] = {"graph", {6, -1, -1, -1, 0, 0}},
    [NS_ROLE_CLUSTER_RED] = {"cluster.red", {1, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_CLUSTER_GREEN] = {"cluster.green", {2, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_CLUSTER_YELLOW] = {"cluster.yellow", {3, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_CLUSTER_BLUE] = {"cluster.blue", {4, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_CLUSTER_MAGENTA] = {"cluster.magenta", {5, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD}},
    [NS_ROLE_CLUSTER_CYAN] = {"cluster.cyan", {6, -1, -1, -1, NS_ATTR_BOLD, NS_ATTR_BOLD}},
};

/* ---- one file ---- */

typedef struct source {
	const char *text; /* for line numbers */
	const char *name; /* what errors call it */
	ns_err *err;
	bool ok;
} source;

/* The line on which that key stands: the tree does not know lines, and a person wants one. */
static int line_of(const char *text, const char *key)
{
	size_t n = strlen(key);
	int line = 1;
	for (const char *p = text; *p; line++) {
		const char *q = p + strspn(p, " \t\"'");
		if (!strncmp(q, key, n) && strchr(": \t\"'", q[n]))
			return line;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return 0;
}

/* The first complaint is the one that is told; the rest of the theme is used all the same. */
static void complain(source *s, const char *key, const char *what, const char *hint)
{
	if (s->ok)
		ns_fail(s->err, NS_E_INVALID, "%s:%d: %s: %s%s%s", s->name, line_of(s->text, key), key, what, hint ? ", did you mean " : "",
		    hint ? hint : "");
	s->ok = false;
}

static const char *const colors[] = {"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white", "brightblack", "brightred",
    "brightgreen", "brightyellow", "brightblue", "brightmagenta", "brightcyan", "brightwhite"};

static void read_ansi(source *s, const char *role, const cJSON *j, const char *key, short *out)
{
	const cJSON *v = ns_json_get(j, key);
	int64_t n;
	if (!v)
		return;
	if (cJSON_IsString(v)) {
		const char *name = v->valuestring;
		if (!strcmp(name, "default")) {
			*out = -1;
			return;
		}
		for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
			if (!strcmp(name, colors[i])) {
				*out = (short)i;
				return;
			}
		complain(s, role, "no such colour", ns_nearest(name, colors, sizeof colors / sizeof *colors));
	} else if (ns_json_int(j, key, &n) && n >= 0 && n <= 15) {
		*out = (short)n;
	} else {
		complain(s, role, "fg and bg are a colour's name, \"default\" or 0 to 15", NULL);
	}
}

static void read_deep(source *s, const char *role, const cJSON *j, const char *key, short *out)
{
	int64_t n;
	if (!ns_json_get(j, key))
		return;
	if (ns_json_int(j, key, &n) && n >= 0 && n <= 255)
		*out = (short)n;
	else
		complain(s, role, "fg256 and bg256 are 0 to 255", NULL);
}

static void read_attr(source *s, const char *role, const cJSON *j, const char *key, unsigned *out)
{
	static const char *const names[] = {"bold", "reverse", "underline", "dim"};
	const cJSON *v = ns_json_get(j, key);
	if (!v)
		return;
	*out = 0;
	const cJSON *one = cJSON_IsArray(v) ? v->child : v;
	for (; one; one = cJSON_IsArray(v) ? one->next : NULL) {
		size_t i = 0;
		const char *name = cJSON_IsString(one) ? one->valuestring : "";
		while (i < 4 && strcmp(name, names[i]) != 0)
			i++;
		if (i == 4)
			complain(s, role, "attributes are bold, reverse, underline and dim", ns_nearest(name, names, 4));
		else
			*out |= 1u << i;
	}
}

/* A role that a theme names is described by it whole: nothing of the inherited one shines through. Without `mono`, its attributes serve. */
static void read_style(source *s, const char *role, const cJSON *j, ns_style *out)
{
	if (!cJSON_IsObject(j)) {
		complain(s, role, "a role is a mapping like {fg: red, attr: [bold], mono: [bold]}", NULL);
		return;
	}
	static const char *const keys[] = {"fg", "bg", "fg256", "bg256", "attr", "mono"};
	ns_json_each(k, j)
	{
		size_t i = 0;
		while (i < 6 && strcmp(k->string, keys[i]) != 0)
			i++;
		if (i == 6)
			complain(s, role, "a role has fg, bg, fg256, bg256, attr and mono", ns_nearest(k->string, keys, 6));
	}
	ns_style style = {PLAIN, 0, 0};
	read_ansi(s, role, j, "fg", &style.fg);
	read_ansi(s, role, j, "bg", &style.bg);
	read_deep(s, role, j, "fg256", &style.fg256);
	read_deep(s, role, j, "bg256", &style.bg256);
	read_attr(s, role, j, "attr", &style.attr);
	style.mono = style.attr;
	read_attr(s, role, j, "mono", &style.mono);
	*out = style;
}

static bool is_family(const char *key)
{
	size_t n = strlen(key);
	for (int i = 0; i < NS_ROLE_COLOR_COUNT; i++)
		if (!strncmp(roles[i].name, key, n) && roles[i].name[n] == '.')
			return true;
	return false;
}

static void read_roles(source *s, const cJSON *list, ns_theme *t)
{
	const char *names[NS_ROLE_COLOR_COUNT];
	for (int i = 0; i < NS_ROLE_COLOR_COUNT; i++) {
		names[i] = roles[i].name;
		const cJSON *j = ns_json_get(list, roles[i].name);
		const char *dot = strchr(roles[i].name, '.');
		char family[32];
		if (!j && dot) {
			snprintf(family, sizeof family, "%.*s", (int)(dot - roles[i].name), roles[i].name);
			/* "header" is a role of its own and no family of header.prod, "text" none of text.dim: what stands out must not
			 * vanish */
			bool also_role = false;
			for (int k = 0; k < NS_ROLE_COLOR_COUNT; k++)
				also_role = also_role || !strcmp(roles[k].name, family);
			j = also_role ? NULL : ns_json_get(list, family);
		}
		if (j)
			read_style(s, roles[i].name, j, &t->style[i]);
	}
	ns_json_each(j, list)
	{
		bool known = is_family(j->string);
		for (int i = 0; i < NS_ROLE_COLOR_COUNT && !known; i++)
			known = !strcmp(j->string, roles[i].name);
		if (!known)
			complain(s, j->string, "no such role", ns_nearest(j->string, names, NS_ROLE_COLOR_COUNT));
	}
}

/* ---- finding and stacking files ---- */

static void builtin_look(ns_theme *t)
{
	*t = (ns_theme){.name = "default"};
	for (int i = 0; i < NS_ROLE_COLOR_COUNT; i++)
		t->style[i] = roles[i].style;
}

static bool load(const char *name, const char *seen[], int depth, ns_theme *t, ns_err *err);

static bool apply(const char *text, size_t n, const char *where, const char *seen[], int depth, ns_theme *t, ns_err *err)
{
	static const char *const keys[] = {"name", "inherits", "glyphs", "roles"};
	cJSON *j = ns_yaml_parse(text, n, where, 0, MAX_BYTES, err);
	if (!j)
		return false;
	source s = {text, where, err, true};
	const char *parent = ns_json_str(j, "inherits", "");
	if (*parent && !load(parent, seen, depth + 1, t, err))
		s.ok = false;
	ns_json_each(k, j)
	{
		size_t i = 0;
		while (i < 4 && strcmp(k->string ? k->string : "", keys[i]) != 0)
			i++;
		if (i == 4)
			complain(&s, k->string ? k->string : "", "a theme has name, inherits, glyphs and roles", NULL);
	}
	const char *glyphs = ns_json_str(j, "glyphs", "");
	if (*glyphs && strcmp(glyphs, "ascii") != 0 && strcmp(glyphs, "unicode") != 0)
		complain(&s, "glyphs", "glyphs are ascii or unicode", NULL);
	else if (*glyphs)
		t->unicode = !strcmp(glyphs, "unicode");
	const cJSON *list = ns_json_get(j, "roles");
	if (list && !cJSON_IsObject(list))
		complain(&s, "roles", "roles is a mapping", NULL);
	else
		read_roles(&s, list, t);
	ns_copy(t->name, sizeof t->name, ns_json_str(j, "name", where));
	cJSON_Delete(j);
	return s.ok;
}

/* The user's own themes, then those of the machine. Caller frees; NULL when none of them has it. */
static char *find_file(const char *name)
{
	char *dirs[12] = {ns_xdg_dir("XDG_CONFIG_HOME", ".config"), ns_xdg_dir("XDG_DATA_HOME", ".local/share")};
	const char *list = getenv("XDG_DATA_DIRS");
	char *copy = ns_xstrdup(list && *list ? list : "/usr/local/share:/usr/share"), *save = NULL, *found = NULL;
	int n = 2;
	for (char *d = strtok_r(copy, ":", &save); d && n < 12; d = strtok_r(NULL, ":", &save))
		if (*d == '/') /* relative ones do not count, says the XDG specification */
			dirs[n++] = ns_xstrdup(d);
	for (int i = 0; i < n; i++) {
		char *path = dirs[i] && !found ? ns_xasprintf("%s/neuroscale-tui/themes/%s.yaml", dirs[i], name) : NULL;
		if (path && ns_exists(path))
			found = path;
		else
			free(path);
		free(dirs[i]);
	}
	free(copy);
	return found;
}

static bool load_file(const char *path, const char *seen[], int depth, ns_theme *t, ns_err *err)
{
	ns_buf b = NS_BUF_INIT;
	bool ok = ns_read_file(path, MAX_BYTES, &b, err) && apply(ns_buf_str(&b), b.len, path, seen, depth, t, err);
	ns_buf_free(&b);
	return ok;
}

static bool load(const char *name, const char *seen[], int depth, ns_theme *t, ns_err *err)
{
	if (depth >= MAX_DEPTH)
		return ns_fail(err, NS_E_INVALID, "theme %s: more than %d themes inherit from each other", name, MAX_DEPTH);
	seen[depth] = name;
	if (strchr(name, '/'))
		return load_file(name, seen, depth, t, err);
	/* A theme that inherits from its own name means the one that ships under it. */
	bool own = depth > 0 && !strcmp(seen[depth - 1], name);
	char *path = own ? NULL : find_file(name);
	if (path) {
		bool ok = load_file(path, seen, depth, t, err);
		free(path);
		return ok;
	}
	for (const ns_embedded *e = ns_builtin_themes; e->name; e++)
		if (!strcmp(e->name, name)) {
			char where[96];
			snprintf(where, sizeof where, "themes/%s.yaml", e->name);
			return apply(e->data, e->size, where, seen, depth, t, err);
		}
	const char *names[32];
	size_t n = 0;
	for (const ns_embedded *e = ns_builtin_themes; e->name && n < 32; e++)
		names[n++] = e->name;
	const char *near = ns_nearest(name, names, n);
	return ns_fail(
	    err, NS_E_NOTFOUND, "no theme is called %s%s%s; a path needs a slash", name, near ? ", did you mean " : "", near ? near : "");
}

bool ns_theme_load(const char *name, ns_theme *t, ns_err *err)
{
	const char *seen[MAX_DEPTH] = {0};
	builtin_look(t);
	if (load(name && *name ? name : "default", seen, 0, t, err))
		return true;
	/* What could be read of a faulty theme stays; one that could not be read at all gives the default. */
	if (!strcmp(t->name, "default") && name && strcmp(name, "default") != 0) {
		ns_theme dflt;
		const char *none[MAX_DEPTH] = {0};
		builtin_look(&dflt);
		if (load("default", none, 0, &dflt, NULL))
			*t = dflt;
	}
	return false;
}

static bool list_one(void *ctx, const char *path, const char *name)
{
	ns_buf *out = ctx;
	size_t n = strlen(name);
	for (const ns_embedded *e = ns_builtin_themes; e->name; e++)
		if (strlen(e->name) + 5 == n && !strncmp(name, e->name, n - 5))
			return true; /* listed already */
	ns_buf_printf(out, "%.*s\n", (int)(n - 5), name);
	return true;
}

void ns_theme_list(ns_buf *out)
{
	for (const ns_embedded *e = ns_builtin_themes; e->name; e++)
		ns_buf_printf(out, "%s\n", e->name);
	char *base = ns_xdg_dir("XDG_CONFIG_HOME", ".config");
	char *dir = base ? ns_path_join(base, "neuroscale-tui/themes") : NULL;
	if (dir)
		ns_dir_each(dir, ".yaml", list_one, out, NULL);
	free(dir);
	free(base);
}
