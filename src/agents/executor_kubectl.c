/* The child: its environment, its run, and what its words mean. kubectl exits with 1 for every failure, so the class comes from stderr; the
 * table below was read off kubectl 1.20 and 1.32 against real servers. Its last column is the one that matters at 3 AM: where a failure
 * leaves it open whether the change was made, the outcome is UNKNOWN, never "failed" (law 8). What is not in the table is in doubt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "executor_priv.h"
#include "neuroscale/base/text.h"

enum { MAX_OUTPUT = 4 << 20, ERROR_BYTES = 480, WARNING_BYTES = 1200 };

/* ---- what stderr means ---- */

#define SERVER(reason) "Error from server (" reason ")"
/* A line that begins with `prefix` and holds `inside`; the first row that fits a line wins, the first line that fits any row decides. */
static const struct class_row {
	const char *prefix, *inside;
	ns_kubectl_class cls;
} classes[] = {
    /* the server refused: not done */
    {"", "failed calling webhook", {NS_E_BUSY, true, false}},
    {"", "denied the request", {NS_E_DENIED, false, false}},
    {SERVER("NotFound"), "", {NS_E_NOTFOUND, false, false}},
    {SERVER("Forbidden"), "", {NS_E_DENIED, false, false}},
    {SERVER("Unauthorized"), "", {NS_E_DENIED, false, false}},
    {SERVER("Conflict"), "", {NS_E_CONFLICT, false, false}},
    {SERVER("AlreadyExists"), "", {NS_E_CONFLICT, false, false}},
    {SERVER("Invalid"), "", {NS_E_INVALID, false, false}},
    {SERVER("BadRequest"), "", {NS_E_INVALID, false, false}},
    {SERVER("MethodNotAllowed"), "", {NS_E_UNSUPPORTED, false, false}},
    {SERVER("NotAcceptable"), "", {NS_E_UNSUPPORTED, false, false}},
    {SERVER("UnsupportedMediaType"), "", {NS_E_UNSUPPORTED, false, false}},
    {SERVER("RequestEntityTooLarge"), "", {NS_E_TOOBIG, false, false}},
    {SERVER("Gone"), "", {NS_E_EXPIRED, true, false}},
    {SERVER("Expired"), "", {NS_E_EXPIRED, true, false}},
    {SERVER("TooManyRequests"), "", {NS_E_BUSY, true, false}},
    {"The ", "\" is invalid", {NS_E_INVALID, false, false}},
    /* A failed `test`: 422 without causes. 1.20 prints the bare sentence, later ones the generic message behind it. */
    {"The request is invalid", "test failed", {NS_E_CONFLICT, false, false}},
    {"The request is invalid", "testing value", {NS_E_CONFLICT, false, false}},
    {"The request is invalid: the server rejected our request", "", {NS_E_CONFLICT, false, false}},
    {"The request is invalid: ", "", {NS_E_INVALID, false, false}},
    {"The request is invalid", "", {NS_E_CONFLICT, false, false}},
    {"error: You must be logged in to the server", "", {NS_E_DENIED, false, false}},
    /* the server answered, but after it may have begun: in doubt */
    {SERVER("Timeout"), "", {NS_E_TIMEOUT, true, true}},
    {SERVER("ServerTimeout"), "", {NS_E_TIMEOUT, true, true}},
    {SERVER("ServiceUnavailable"), "", {NS_E_BUSY, true, true}},
    {SERVER("InternalError"), "", {NS_E_FAILED, true, true}},
    {"Error from server", "etcdserver:", {NS_E_TIMEOUT, true, true}},
    {"Error from server", "", {NS_E_FAILED, false, true}},
    /* it was never reached: not done */
    {"The connection to the server ", "was refused", {NS_E_UNREACHABLE, true, false}},
    {"Unable to connect to the server: ", "no such host", {NS_E_UNREACHABLE, true, false}},
    {"Unable to connect to the server: ", "connect: ", {NS_E_UNREACHABLE, true, false}},
    {"Unable to connect to the server: ", "dial tcp", {NS_E_UNREACHABLE, true, false}},
    {"Unable to connect to the server: ", "TLS handshake timeout", {NS_E_UNREACHABLE, true, false}},
    {"Unable to connect to the server: ", "x509: ", {NS_E_DENIED, false, false}},
    {"Unable to connect to the server: ", "tls: ", {NS_E_DENIED, false, false}},
    {"Unable to connect to the server: ", "getting credentials", {NS_E_DENIED, false, false}},
    /* the line broke while it was asked: in doubt */
    {"Unable to connect to the server: ", "context deadline exceeded", {NS_E_TIMEOUT, true, true}},
    {"Unable to connect to the server: ", "Client.Timeout", {NS_E_TIMEOUT, true, true}},
    {"Unable to connect to the server: ", "", {NS_E_UNREACHABLE, true, true}},
    /* kubectl itself refused: not done */
    {"Error in configuration: ", "", {NS_E_INVALID, false, false}},
    {"error: context \"", "", {NS_E_INVALID, false, false}},
    {"error: no context exists", "", {NS_E_INVALID, false, false}},
    {"error: stat ", "", {NS_E_INVALID, false, false}},
    {"error: open ", "", {NS_E_INVALID, false, false}},
    {"error: error loading config file", "", {NS_E_INVALID, false, false}},
    {"error: the server doesn't have a resource type", "", {NS_E_UNSUPPORTED, false, false}},
    {"error: resource mapping not found", "", {NS_E_UNSUPPORTED, false, false}},
    {"error: unable to recognize", "", {NS_E_UNSUPPORTED, false, false}},
    {"error: unable to parse", "", {NS_E_INVALID, false, false}},
    {"error: error validating", "", {NS_E_INVALID, false, false}},
    {"error: unknown ", "", {NS_E_USAGE, false, false}},
    {"error: invalid argument", "", {NS_E_USAGE, false, false}},
    {"error: timed out waiting", "", {NS_E_TIMEOUT, true, true}},
};
static const ns_kubectl_class unclassed = {NS_E_FAILED, false, true};

/* klog ("E1123 20:01:16…") tells how kubectl got on, warnings what the server thinks: neither is the failure. */
static bool is_aside(const char *line)
{
	if (!*line || strncmp(line, "Warning: ", 9) == 0)
		return true;
	return strchr("EWIF", *line) && strspn(line + 1, "0123456789") == 4 && line[5] == ' ';
}

static const struct class_row *class_of(const char *line)
{
	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (strncmp(line, classes[i].prefix, strlen(classes[i].prefix)) == 0 && strstr(line, classes[i].inside))
			return &classes[i];
	return NULL;
}

/* Copies the next line into buf (cut when longer) and returns what follows it, NULL at the end. */
static const char *next_line(const char *s, char *buf, size_t cap)
{
	if (!*s)
		return NULL;
	size_t n = strcspn(s, "\n"), keep = n < cap - 1 ? n : cap - 1;
	memcpy(buf, s, keep);
	buf[keep] = '\0';
	return s[n] ? s + n + 1 : s + n;
}

ns_kubectl_class ns_kubectl_classify(const char *err_out)
{
	char line[2048];
	for (const char *s = err_out; (s = next_line(s, line, sizeof line));) {
		const struct class_row *row = is_aside(line) ? NULL : class_of(line);
		if (row)
			return row->cls;
	}
	return unclassed;
}

/* Accepted with 201 and without any effect (kyverno.md 3.3): for us a failure. */
static const char *const fatal_warnings[] = {
    "PolicyException resource namespace must match",
    "would not be processed",
    "exceptionNamespace flag is not set",
};

const char *ns_kubectl_fatal_warning(const char *warnings)
{
	for (size_t i = 0; i < sizeof fatal_warnings / sizeof fatal_warnings[0]; i++)
		if (strstr(warnings, fatal_warnings[i]))
			return fatal_warnings[i];
	return NULL;
}

/* ---- words for people ---- */

const char *ns_say_clean(ns_arena *ar, const char *s, size_t n, size_t max_bytes, bool keep_lines)
{
	ns_buf open = NS_BUF_INIT, clean = NS_BUF_INIT;
	ns_redact(&open, s, n);
	ns_text_clean(&clean, ns_buf_str(&open), open.len, max_bytes, keep_lines);
	const char *kept = ns_arena_strdup(ar, ns_buf_str(&clean));
	ns_buf_free(&open);
	ns_buf_free(&clean);
	return kept;
}

/* The lines of stderr that are (or are not) warnings, joined by "; ". */
static const char *pick(ns_arena *ar, const char *err_out, bool warnings, size_t max_bytes)
{
	ns_buf b = NS_BUF_INIT;
	char line[2048];
	for (const char *s = err_out; (s = next_line(s, line, sizeof line)) && b.len < 16384;) {
		bool warning = strncmp(line, "Warning: ", 9) == 0;
		if (warnings ? !warning : is_aside(line))
			continue;
		if (b.len)
			ns_buf_puts(&b, "; ");
		ns_buf_puts(&b, warning ? line + 9 : line);
	}
	const char *kept = ns_say_clean(ar, ns_buf_str(&b), b.len, max_bytes, false);
	ns_buf_free(&b);
	return kept;
}

/* ---- environment ---- */

static const char *const inherited[] = {"PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY",
    "no_proxy", "ALL_PROXY", "all_proxy"};

static bool is_inherited(const char *entry)
{
	size_t n = strcspn(entry, "=");
	for (size_t i = 0; i < sizeof inherited / sizeof inherited[0]; i++)
		if (strlen(inherited[i]) == n && strncmp(inherited[i], entry, n) == 0)
			return true;
	return false;
}

char **ns_kubectl_environment(const char *home, const char *const *parent)
{
	size_t n = 0;
	char **out = ns_xcalloc(sizeof inherited / sizeof inherited[0] + 3, sizeof *out);
	out[n++] = ns_xasprintf("HOME=%s", home);
	out[n++] = ns_xstrdup("LANG=C");
	for (const char *const *e = parent; e && *e; e++)
		if (is_inherited(*e) && n < sizeof inherited / sizeof inherited[0] + 2)
			out[n++] = ns_xstrdup(*e);
	return out;
}

void ns_strv_free(char **v)
{
	for (char **s = v; s && *s; s++)
		free(*s);
	free(v);
}

/* ---- run ---- */

static void failed(ns_answer *out, ns_arena *ar, ns_kubectl_class cls, const char *words)
{
	out->cls = cls;
	out->error = ns_say_clean(ar, words, strlen(words), ERROR_BYTES, false);
}

static void read_exit_0(ns_answer *out, ns_arena *ar, const ns_spawn_res *res)
{
	static const ns_json_limits limits = {.max_bytes = MAX_OUTPUT, .max_depth = 64, .allow_duplicate_keys = false};
	ns_err err = {0};
	if (res->truncated)
		ns_fail(&err, NS_E_TOOBIG, "the answer is larger than %d MiB", MAX_OUTPUT >> 20);
	else
		out->object = ns_json_parse(ns_buf_str(&res->out), res->out.len, &limits, &err);
	if (out->object && !cJSON_IsObject(out->object)) {
		ns_fail(&err, NS_E_INVALID, "the answer is no object");
		cJSON_Delete(out->object);
		out->object = NULL;
	}
	out->ok = out->object != NULL;
	if (!out->ok) /* law 9: an empty answer is a failure; and it may have been done */
		failed(out, ar, (ns_kubectl_class){err.code, false, true}, ns_arena_printf(ar, "kubectl ended well, but its answer cannot be read: %s", err.text));
}

static void read_result(const ns_executor *e, ns_arena *ar, const ns_spawn_res *res, ns_answer *out)
{
	const char *err_out = ns_buf_str(&res->err_out);
	out->exit_code = res->exit_code;
	out->warnings = pick(ar, err_out, true, WARNING_BYTES);
	if (res->timed_out || res->cancelled || res->term_signal) {
		out->cut_off = true;
		ns_code code = res->timed_out ? NS_E_TIMEOUT : res->cancelled ? NS_E_CANCELLED : NS_E_FAILED;
		failed(out, ar, (ns_kubectl_class){code, true, true},
		    res->timed_out ? ns_arena_printf(ar, "kubectl did not answer within %d s and was stopped", e->deadline_ms / 1000)
		    : res->cancelled ? "kubectl was stopped because this program stops"
		                     : ns_arena_printf(ar, "kubectl was killed by signal %d", res->term_signal));
		return;
	}
	if (res->exit_code == 0) {
		read_exit_0(out, ar, res);
		return;
	}
	const char *said = pick(ar, err_out, false, ERROR_BYTES);
	failed(out, ar, ns_kubectl_classify(err_out), *said ? said : ns_arena_printf(ar, "kubectl ended with status %d and said nothing", res->exit_code));
}

void ns_kubectl_run(const ns_executor *e, ns_arena *ar, const char *const *argv, const char *body, bool dry_run, int lock_fd, ns_answer *out)
{
	*out = (ns_answer){.exit_code = -1, .error = "", .warnings = ""};
	union { /* the port promises not to write */
		char *const *rw;
		const char *const *ro;
	} env = {.rw = e->envp};
	ns_spawn_req req = {
	    .path = e->kubectl, .argv = ns_argv_build(ar, e, argv, dry_run), .envp = env.ro, .stdin_data = body, .stdin_len = strlen(body),
	    .inherit_fd = lock_fd, .deadline_ms = e->deadline_ms, .max_output = MAX_OUTPUT, .cancel = e->cancel,
	};
	ns_spawn_res res = {.exit_code = -1};
	ns_err err = {0};
	bool ran = e->spawner->run(e->spawner->ctx, &req, &res, &err);
	out->started = ran;
	if (ran)
		read_result(e, ar, &res, out);
	else
		failed(out, ar, (ns_kubectl_class){err.code == NS_OK ? NS_E_FAILED : err.code, false, false}, ns_arena_printf(ar, "kubectl could not be started: %s", err.text));
	ns_spawn_res_free(&res);
}

void ns_answer_free(ns_answer *a)
{
	cJSON_Delete(a->object);
	a->object = NULL;
}
