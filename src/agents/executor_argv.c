/* The closed set of kubectl commands (laws 2 and 3): a table of shapes. A plan's argv is either exactly one of them or nothing; what it means
 * is then read back from the argv itself, so that the text that was checked is the text that runs.
 *
 * A token is a literal, or ends in a hole: %n a namespace, %o an object's name. Names are RFC 1123, whose letters include neither '-' in
 * front nor '=', blank, quote, control or non-ASCII byte, so no name can turn into a flag, a second argument or another resource. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "executor_priv.h"
#include "neuroscale/base/text.h"

#define MAX_TOKENS 10
#define PATCH_TAIL "--type=json", "--patch-file=/dev/stdin", "-o", "json"

static const struct shape {
	ns_verb verb;
	ns_subject subject;
	const char *tokens[MAX_TOKENS];
	bool cel;
} shapes[] = {
    {NS_VERB_PATCH, NS_SUBJECT_DEPLOYMENT, {"-n", "%n", "patch", "deployment/%o", PATCH_TAIL}, false},
    /* With its group: "policyexception" alone may mean the one of policies.kyverno.io. */
    {NS_VERB_PATCH, NS_SUBJECT_EXCEPTION, {"-n", "%n", "patch", "policyexceptions.kyverno.io/%o", PATCH_TAIL}, false},
    {NS_VERB_PATCH, NS_SUBJECT_EXCEPTION, {"-n", "%n", "patch", "policyexceptions.policies.kyverno.io/%o", PATCH_TAIL}, true},
    {NS_VERB_CREATE, NS_SUBJECT_EXCEPTION, {"-n", "%n", "create", "-f", "-", "-o", "json"}, false},
};
#define N_SHAPES (sizeof shapes / sizeof shapes[0])

/* Does the argument match the token's literal part? *hole gets what stands in its hole, NULL when it has none. */
static bool literal_fits(const char *token, const char *arg, const char **hole)
{
	const char *percent = strchr(token, '%');
	*hole = NULL;
	if (!percent)
		return strcmp(token, arg) == 0;
	size_t n = (size_t)(percent - token);
	if (strncmp(token, arg, n) != 0)
		return false;
	*hole = arg + n;
	return true;
}

static const char *fill(ns_meaning *m, char hole, const char *value, const char *const *protected_ns)
{
	if (hole == 'n') {
		if (!ns_k8s_label_ok(value))
			return "the namespace is no RFC 1123 label";
		if (ns_namespace_protected(value, protected_ns))
			return "the namespace is protected";
		return ns_copy(m->ns, sizeof m->ns, value) ? NULL : "the namespace is too long";
	}
	if (!ns_k8s_subdomain_ok(value))
		return "the object's name is no RFC 1123 subdomain";
	return ns_copy(m->name, sizeof m->name, value) ? NULL : "the object's name is too long";
}

/* NULL when argv is this shape; else what is wrong. *fits: the literals are this shape's, only a name is bad. */
static const char *try_shape(const struct shape *s, const char *const *argv, const char *const *protected_ns, ns_meaning *m, bool *fits)
{
	const char *holes[MAX_TOKENS] = {0};
	size_t n = 0;
	*fits = false;
	for (; n < MAX_TOKENS && s->tokens[n]; n++)
		if (!argv[n] || !literal_fits(s->tokens[n], argv[n], &holes[n]))
			return "it is none of the permitted commands";
	if (argv[n])
		return "it is none of the permitted commands";
	*fits = true;
	*m = (ns_meaning){.verb = s->verb, .subject = s->subject, .cel = s->cel};
	for (size_t i = 0; i < n; i++) {
		const char *bad = holes[i] ? fill(m, strchr(s->tokens[i], '%')[1], holes[i], protected_ns) : NULL;
		if (bad)
			return bad;
	}
	return NULL;
}

bool ns_argv_meaning(const char *const *argv, const char *const *protected_ns, ns_meaning *out, const char **why)
{
	*why = "there is no command";
	for (size_t i = 0; argv && i < N_SHAPES; i++) {
		ns_meaning m;
		bool fits;
		*why = try_shape(&shapes[i], argv, protected_ns, &m, &fits);
		if (!*why) {
			*why = "";
			*out = m;
			return true;
		}
		if (fits)
			return false;
	}
	return false;
}

bool ns_argv_permitted(const char *const *argv, const char *const *protected_ns, const char **why)
{
	ns_meaning m;
	return ns_argv_meaning(argv, protected_ns, &m, why);
}

static size_t count(const char *const *argv)
{
	size_t n = 0;
	while (argv[n])
		n++;
	return n;
}

/* Flags of ours carry their value behind '=', so that a context named "-x" stays a value. Every one is known to kubectl 1.20 and 1.32. */
const char **ns_argv_build(ns_arena *ar, const ns_executor *e, const char *const *argv, bool dry_run)
{
	const char *front[] = {"kubectl", ns_arena_printf(ar, "--kubeconfig=%s", e->kubeconfig), ns_arena_printf(ar, "--context=%s", e->cfg->context),
	    ns_arena_printf(ar, "--cache-dir=%s", e->cache), "--request-timeout=20s"};
	const char *back[] = {"--field-manager=neuroscale-autopilot", dry_run ? "--dry-run=server" : NULL};
	size_t n_front = sizeof front / sizeof *front, n = count(argv), n_back = dry_run ? 2 : 1;
	const char **out = ns_arena_alloc(ar, (n_front + n + n_back + 1) * sizeof *out);
	memcpy(out, front, sizeof front);
	memcpy(out + n_front, argv, n * sizeof *argv);
	memcpy(out + n_front + n, back, n_back * sizeof *back);
	return out;
}

void ns_argv_each_flag(void (*fn)(void *ctx, const char *verb, const char *flag), void *ctx)
{
	static const char *const names[] = {[NS_VERB_PATCH] = "patch", [NS_VERB_CREATE] = "create"};
	static char none[1];
	const ns_kubeconfig cfg = {.context = none};
	const ns_executor any = {.cfg = &cfg, .kubeconfig = none, .cache = none};
	ns_arena *ar = ns_arena_new();
	for (size_t i = 0; i < N_SHAPES; i++) {
		bool told = false;
		for (size_t j = 0; j < i; j++)
			told |= shapes[j].verb == shapes[i].verb;
		const char *tokens[MAX_TOKENS + 1] = {NULL};
		memcpy(tokens, shapes[i].tokens, sizeof shapes[i].tokens);
		const char **argv = ns_argv_build(ar, &any, tokens, true);
		for (size_t k = 0; argv[k] && !told; k++)
			if (argv[k][0] == '-' && argv[k][1])
				fn(ctx, names[shapes[i].verb], ns_arena_strndup(ar, argv[k], strcspn(argv[k], "=")));
	}
	ns_arena_free(ar);
}

static void put_word(ns_buf *b, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,=-";
	if (b->len)
		ns_buf_putc(b, ' ');
	if (*s && s[strspn(s, plain)] == '\0') {
		ns_buf_puts(b, s);
		return;
	}
	ns_buf_putc(b, '\'');
	for (; *s; s++)
		if (*s == '\'')
			ns_buf_puts(b, "'\\''");
		else
			ns_buf_putc(b, *s);
	ns_buf_putc(b, '\'');
}

enum { SHOWN_MAX = 4096 };

const char *ns_argv_show(ns_arena *ar, const ns_executor *e, const char *const *argv, const char *body)
{
	ns_buf b = NS_BUF_INIT;
	put_word(&b, "kubectl");
	put_word(&b, "--context");
	put_word(&b, e->cfg->context);
	for (size_t i = 0; argv[i]; i++)
		put_word(&b, argv[i]);
	if (body && *body) {
		ns_buf_puts(&b, " <<<");
		put_word(&b, body);
	}
	const char *shown = ns_say_clean(ar, ns_buf_str(&b), b.len, SHOWN_MAX, false);
	ns_buf_free(&b);
	return shown;
}
