/* What derives from the tables: help, --dump-config, the OPTIONS section of the man page. */
#include "config_priv.h"
#include "neuroscale/model/json.h"
#include <stdio.h>
#include <string.h>

static void option_line(ns_buf *out, const ns_option *o)
{
	char left[64], letter[8] = "    ";
	if (o->letter)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	ns_buf_printf(out, "  %-34s %s", left, o->help);
	if (o->type == NS_OPT_ENUM)
		ns_buf_printf(out, " (%s; %s)", o->values, o->dflt);
	else if (o->arg && o->dflt[0] && strlen(o->dflt) < 20)
		ns_buf_printf(out, " (%s)", o->dflt);
	ns_buf_putc(out, '\n');
}

static bool belongs(const ns_option *o, const char *command)
{
	if (!o->commands)
		return !command[0];
	return command[0] ? config_word_in(o->commands, command) : !o->commands[0];
}

void ns_config_help(ns_buf *out, const char *command)
{
	for (const ns_command_info *k = ns_commands; k->name && command[0]; k++) {
		if (strcmp(k->name, command) != 0)
			continue;
		ns_buf_printf(out, "neuroscale-tui %s %s\n  %s\n", k->name, k->args, k->help);
		for (const ns_option *o = ns_options; o->name; o++)
			if (belongs(o, command))
				option_line(out, o);
		ns_buf_puts(out, "Options that go everywhere: neuroscale-tui --help\n");
		return;
	}
	ns_buf_puts(out, "neuroscale-tui: a console in which five agents repair Kubernetes workloads and a person approves.\n\n"
	                 "  neuroscale-tui demo               watch the whole loop on a simulated cluster\n"
	                 "  neuroscale-tui                    the console on the current kubeconfig context\n"
	                 "  neuroscale-tui --headless         the engine alone, for tmux and systemd\n\nCommands:\n");
	for (const ns_command_info *k = ns_commands; k->name; k++) {
		char left[40];
		snprintf(left, sizeof left, "%s %s", k->name, k->args);
		ns_buf_printf(out, "  %-34s %s\n", left, k->help);
	}
	ns_buf_puts(out, "\nOptions:\n");
	for (const ns_option *o = ns_options; o->name; o++)
		if (belongs(o, ""))
			option_line(out, o);
	ns_buf_puts(out, "\nneuroscale-tui(1) says more: files, environment, exit status.\n");
}

/* JSON's quoting is YAML's too. */
static void quoted(ns_buf *out, const char *s)
{
	cJSON *j = cJSON_CreateString(s);
	ns_json_write(j, out);
	cJSON_Delete(j);
}

static void value_text(const ns_config *c, const ns_option *o, ns_buf *out)
{
	const void *p = (const char *)c + o->offset;
	switch (o->type) {
	case NS_OPT_STR: quoted(out, *(const char *const *)p); break;
	case NS_OPT_BOOL: ns_buf_puts(out, *(const bool *)p ? "true" : "false"); break;
	case NS_OPT_INT: ns_buf_printf(out, "%d", *(const int *)p); break;
	case NS_OPT_NUM: ns_buf_printf(out, "%g", *(const double *)p); break;
	case NS_OPT_DURATION: {
		long long ms = (long long)*(const int64_t *)p;
		ns_buf_printf(out, "%lld%s", ms % 1000 ? ms : ms / 1000, ms % 1000 ? "ms" : "s");
		break;
	}
	case NS_OPT_BYTES: ns_buf_printf(out, "%lld", (long long)*(const int64_t *)p); break;
	case NS_OPT_ENUM: {
		const char *v = o->values;
		for (int i = *(const int *)p; i > 0; i--)
			v = strchr(v, '|') + 1;
		ns_buf_put(out, v, strcspn(v, "|"));
		break;
	}
	case NS_OPT_LIST:
		ns_buf_putc(out, '[');
		for (const char *const *l = *(const char *const *const *)p; *l; l++) {
			ns_buf_puts(out, l == *(const char *const *const *)p ? "" : ", ");
			quoted(out, *l);
		}
		ns_buf_putc(out, ']');
		break;
	}
}

static void dump_line(const ns_config *c, const char *key, const ns_option *o, ns_buf *out)
{
	ns_buf_printf(out, "%s: ", key);
	value_text(c, o, out);
	ns_buf_printf(out, "  # %s\n", c->origin[o - ns_options]);
}

/* Beside `clusters:` these stand in the entries only. */
static bool of_one_cluster(const ns_option *o)
{
	for (const ns_cluster_key *k = ns_cluster_keys; k->key; k++)
		if (!k->inherits && strcmp(k->option, o->name) == 0)
			return true;
	return false;
}

void ns_config_dump(const ns_config *c, ns_buf *out)
{
	for (const ns_option *o = ns_options; o->name; o++)
		if (o->file && !(c->many && of_one_cluster(o)))
			dump_line(c, o->name, o, out);
	for (size_t i = 0; c->many && i < c->n_clusters; i++) {
		ns_buf_puts(out, i ? "" : "clusters:\n");
		for (const ns_cluster_key *k = ns_cluster_keys; k->key; k++) {
			ns_buf_puts(out, k == ns_cluster_keys ? "  - " : "    ");
			dump_line(c->clusters[i], k->key, config_find(k->option, strlen(k->option)), out);
		}
	}
}

/* One sentence of roff, wrapped: no line of the source is longer than 79 characters. */
static void sentence(ns_buf *out, const char *text)
{
	enum { WIDTH = 79 };
	size_t col = 0;
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, " ");
		if (col)
			ns_buf_putc(out, col + 1 + n > WIDTH ? '\n' : ' ');
		col = col && col + 1 + n <= WIDTH ? col + 1 + n : n;
		ns_buf_put(out, p, n);
		p += n + strspn(p + n, " ");
	}
	ns_buf_putc(out, '\n');
}

static void default_sentence(ns_buf *out, const ns_option *o)
{
	ns_buf text = NS_BUF_INIT;
	if (o->type == NS_OPT_ENUM)
		ns_buf_printf(&text, "One of %s; the default is %s.", o->values, o->dflt);
	else if (o->arg && o->dflt[0]) {
		ns_buf_puts(&text, "The default is ");
		for (const char *p = o->dflt; *p; p++) { /* long lists must have somewhere to break */
			ns_buf_putc(&text, *p);
			if (*p == ',' && o->type == NS_OPT_LIST)
				ns_buf_putc(&text, ' ');
		}
		ns_buf_putc(&text, '.');
	}
	if (text.len)
		sentence(out, ns_buf_str(&text));
	if (o->type != NS_OPT_ENUM && o->values)
		ns_buf_printf(out, "Allowed: %s.\n", o->values);
	ns_buf_free(&text);
}

void ns_config_man(ns_buf *out)
{
	ns_buf_puts(out, ".Bl -tag -width Ds\n");
	for (const ns_option *o = ns_options; o->name; o++) {
		char help[256];
		ns_buf_puts(out, ".It ");
		if (o->letter)
			ns_buf_printf(out, "Fl %c , ", o->letter);
		ns_buf_printf(out, "Fl -%s", o->name);
		if (o->arg)
			ns_buf_printf(out, " Ar %s", o->arg);
		ns_buf_putc(out, '\n');
		snprintf(help, sizeof help, "%c%s.", o->help[0] >= 'a' && o->help[0] <= 'z' ? o->help[0] - 32 : o->help[0], o->help + 1);
		sentence(out, help);
		default_sentence(out, o);
		if (!o->commands || !o->commands[0])
			continue;
		ns_buf_puts(out, "Only with\n");
		for (const char *p = o->commands; *p;) {
			size_t n = strcspn(p, " ");
			ns_buf_printf(out, ".Cm %.*s%s\n", (int)n, p, p[n] ? " ," : " .");
			p += n + (p[n] == ' ');
		}
	}
	ns_buf_puts(out, ".El\n");
}
