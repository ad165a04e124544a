/* Who did it, from where, and on what: in every row of the audit; and its head where nobody who can write the database reaches (law 13). */
#include <pthread.h>
#include <pwd.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/wait.h>
#include "cases.h"
#include "../../src/engine/engine_priv.h"
#include <sys/syslog.h>

/* ---- the system's log, in memory: the program calls one of the two, as it was compiled ---- */

enum { MOST = 64 };
static struct { int pri; char text[900]; } logged[MOST];
static size_t n_logged;
static pthread_mutex_t logged_mu = PTHREAD_MUTEX_INITIALIZER;

__attribute__((format(printf, 2, 0))) static void keep(int pri, const char *fmt, va_list ap)
{
	pthread_mutex_lock(&logged_mu);
	if (n_logged < MOST) {
		logged[n_logged].pri = pri;
		vsnprintf(logged[n_logged++].text, sizeof logged[0].text, fmt, ap);
	}
	pthread_mutex_unlock(&logged_mu);
}
#undef syslog
void syslog(int pri, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void syslog(int pri, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	keep(pri, fmt, ap);
	va_end(ap);
}
void __syslog_chk(int pri, int flag, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void __syslog_chk(int pri, int flag, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	keep(pri, fmt, ap);
	va_end(ap);
}

static size_t lines_with(const char *words)
{
	size_t n = 0;
	pthread_mutex_lock(&logged_mu);
	for (size_t i = 0; i < n_logged; i++)
		n += strstr(logged[i].text, words) != NULL;
	pthread_mutex_unlock(&logged_mu);
	return n;
}

static void line_comes(const char *words, size_t times)
{
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	while (lines_with(words) < times && ns_real_mono_ms() < end)
		rig_nap(LIVE_NAP_MS);
	must(lines_with(words) >= times, "%zu lines with \"%s\"", lines_with(words), words);
}

/* ---- what the rows say ---- */

static const ns_audit_row *row_of(const ns_audit_row *rows, size_t n, const char *action)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].action, action) == 0)
			return &rows[i];
	must(false, "no row \"%s\"", action);
	return NULL;
}

static cJSON *parsed(const char *text)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(text, strlen(text), &ns_json_strict, &err);
	must(j != NULL, "%s: %s", text, err.text);
	return j;
}

/* Anchors as they were logged, held against the record. */
static void anchors_hold(ns_store *st, const char *dir)
{
	ns_audit_anchor a[MOST] = {0};
	ns_audit_proof p;
	ns_err err = {0};
	char *real = realpath(dir, NULL), *end = ns_xasprintf("; in %s", real);
	size_t n = 0;
	for (; n < n_logged; n++) {
		long long seq;
		must(sscanf(logged[n].text, "neuroscale-tui audit anchor %64[0-9a-f]@%lld ", a[n].hash, &seq) == 2, "%s", logged[n].text);
		must(strlen(logged[n].text) > strlen(end) && strcmp(logged[n].text + strlen(logged[n].text) - strlen(end), end) == 0, "%s", logged[n].text);
		must(logged[n].pri == (LOG_LOCAL3 | LOG_NOTICE), "priority %d", logged[n].pri);
		a[n].seq = seq;
	}
	must(n > 6 && ns_store_audit_prove(st, a, n, &p, &err), "%zu anchors: %s", n, err.text);
	must(p.anchored == p.rows, "the latest anchor is of row %lld of %lld", (long long)p.anchored, (long long)p.rows);
	a[n - 1].hash[0] = a[n - 1].hash[0] == 'a' ? 'b' : 'a';
	must(!ns_store_audit_prove(st, a, n, &p, &err), "an anchor that never was is in it");
	free(real);
	free(end);
}

static void every_row_says_who_and_every_decision_is_anchored(void)
{
	live l;
	ns_err err = {0};
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	l.o.anchor_every_ms = MINUTES(5);
	l.o.anchor_facility = LOG_LOCAL3;
	setenv("SSH_CONNECTION", "198.51.100.7 40404 10.0.0.7 22", 1); /* this process is the console */
	live_start(&l);
	must(n_logged == 0, "an empty record was anchored: %s", logged[0].text);
	card c = live_card(&l, "checkout", 0);
	must(live_decide(&l, &c, true, &err), "%s", err.text);
	ns_inc_row end = live_until(&l, "shop", "checkout", "resolved");
	line_comes(" periodic;", 1);
	ns_store *st = ns_store_open_readonly(l.r.state, l.r.clock, &err);
	must(st != NULL, "%s", err.text);
	live_stop(&l);
	must(lines_with(" stop;") == 1, "nothing was anchored at the stop");
	live_start(&l);
	must(lines_with(" start;") == 1, "nothing was anchored at the start");
	live_stop(&l);
	must(lines_with(" approved by ") == 1 && lines_with(" started by ") == 1 && lines_with(" outcome by ") == 1, "a decision or a change is not anchored");
	anchors_hold(st, l.r.state);

	ns_arena *ar = ns_arena_new();
	ns_audit_row *rows;
	size_t n;
	struct passwd *pw = getpwuid(getuid());
	must(ns_store_audit_rows(st, ar, end.id, 100, &rows, &n, &err), "%s", err.text);
	for (size_t i = 0; i < n; i++) {
		cJSON *who = parsed(rows[i].who);
		bool person = strcmp(rows[i].action, "approved") == 0 || strcmp(rows[i].action, "awaiting_approval -> executing") == 0;
		must(strcmp(ns_json_str(who, "client", ""), person ? "cli" : "engine") == 0, "%s: %s", rows[i].action, rows[i].who);
		must(ns_json_int_or(who, "uid", -1) == (int64_t)getuid() && (!pw || strcmp(ns_json_str(who, "user", ""), pw->pw_name) == 0), "%s", rows[i].who);
		must(strcmp(ns_json_str(who, "ssh.address", ""), person ? "198.51.100.7" : "") == 0, "%s: %s", rows[i].action, rows[i].who);
		must(!person || (ns_json_int_or(who, "ssh.port", 0) == 40404 && !ns_json_bool_or(who, "ssh.claimed", true)), "%s", rows[i].who);
		must((strcmp(rows[i].digest, c.digest) == 0) == (i > 2 && strcmp(rows[i].action, "undo armed") != 0), "%s has the digest \"%s\"", rows[i].action, rows[i].digest);
		cJSON_Delete(who);
	}
	static const char memory[] = "spec.template.spec.containers[app].resources.limits.memory";
	static const char *const about[] = {"approved", "started", "outcome"};
	for (size_t i = 0; i < sizeof about / sizeof about[0]; i++) {
		const ns_audit_row *r = row_of(rows, n, about[i]);
		cJSON *before = parsed(r->before), *after = parsed(r->after);
		must(strcmp(cJSON_GetStringValue(ns_json_get(before, memory)), "128Mi") == 0 && strcmp(cJSON_GetStringValue(ns_json_get(after, memory)), "256Mi") == 0,
		    "%s: %s to %s", about[i], r->before, r->after);
		cJSON_Delete(before);
		cJSON_Delete(after);
	}
	must(strcmp(row_of(rows, n, "executing -> verifying")->after, "{\"state\":\"verifying\"}") == 0, "a transition does not say what it changed");
	ns_arena_free(ar);
	ns_store_close(st);
	unsetenv("SSH_CONNECTION");
	live_close(&l);
}

/* ---- where a caller comes from ---- */

static pid_t child_with(const char *variable)
{
	pid_t pid;
	char *argv[] = {(char *)(uintptr_t) "sleep", (char *)(uintptr_t) "60", NULL}, *envp[] = {(char *)(uintptr_t) "A=1", (char *)(uintptr_t)variable, NULL};
	must(posix_spawnp(&pid, "sleep", NULL, NULL, argv, envp) == 0, "no child");
	char *path = ns_xasprintf("/proc/%ld/environ", (long)pid), first = 0;
	while (!first) { /* we go on before its image is complete */
		FILE *f = fopen(path, "re");
		must(f && fread(&first, 1, 1, f) <= 1, "%s", path);
		fclose(f);
	}
	free(path);
	return pid;
}

static void a_caller_names_its_connection_itself(void)
{
	static const struct { const char *variable, *ssh; } calls[] = {
	    {"SSH_CONNECTION=203.0.113.9 50222 10.0.0.7 22", "203.0.113.9 50222"}, {"SSH_CONNECTION=2001:db8::7%eth0 50222 ::1 22", "2001:db8::7%eth0 50222"},
	    {"SSH_CONNECTION=", ""}, {"SSH_CONNECTION=evil\x1b[2J 50222", ""}, {"SSH_CONNECTION=203.0.113.9 http", ""}, {"XSSH_CONNECTION=203.0.113.9 1", ""}};
	for (size_t i = 0; i < sizeof cases / sizeof calls[0]; i++) {
		ns_caller c;
		pid_t pid = child_with(calls[i].variable);
		ns_caller_of(pid, getuid(), &c);
		must(strcmp(c.ssh, calls[i].ssh) == 0 && c.ssh_claimed == (*c.ssh != '\0') && !c.ssh_unread, "%s: \"%s\"%s", calls[i].variable, c.ssh, c.ssh_unread ? " unread" : "");
		must(c.pid == (long)pid, "pid %ld", c.pid);
		ns_caller_of(pid, getuid() + 1, &c); /* somebody else's process is not asked */
		must(!*c.ssh && c.ssh_unread, "another uid's environment was read");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void clients_are_named(void)
{
	ns_caller mcp = {.id = "claude-code 2.1"};
	static const struct { const char *person, *surface, *client, *id; bool called; } calls[] = {
	    {NULL, "console", "tui", "", false}, {"slack:U024BE7LH", "slack", "slack", "slack:U024BE7LH", false}, {NULL, "mcp", "mcp", "claude-code 2.1", true}};
	for (size_t i = 0; i < sizeof cases / sizeof calls[0]; i++) {
		cJSON *w = ns_witness(getuid(), calls[i].person, calls[i].surface, calls[i].called ? &mcp : NULL);
		must(strcmp(ns_json_str(w, "client", ""), calls[i].client) == 0 && strcmp(ns_json_str(w, "id", ""), calls[i].id) == 0, "case %zu", i);
		must(!ns_json_get(w, "ssh") && !ns_json_get(w, "login_uid"), "case %zu claims what nobody said", i);
		cJSON_Delete(w);
	}
	cJSON *w = ns_witness(54321, "uid:0", "cli", NULL); /* sudo -u: the one who logged in stands beside */
	must(ns_json_int_or(w, "uid", 0) == 54321 && !ns_json_get(w, "user") && ns_json_int_or(w, "login_uid", -1) == 0 &&
	        strcmp(ns_json_str(w, "login", ""), "root") == 0, "the login is lost");
	cJSON_Delete(w);
}

static void a_change_is_told_by_fields(void)
{
	cJSON *d = ns_step_change(cJSON_CreateObject(), "x", "- spec.replicas: 2\n+ spec.replicas: 3\n+ metadata.annotations.note: a: b\n ... and 3 more\n", true);
	must(strcmp(cJSON_GetStringValue(ns_json_get(ns_json_get(d, "before"), "spec.replicas")), "2") == 0, "before");
	must(strcmp(cJSON_GetStringValue(ns_json_get(ns_json_get(d, "after"), "spec.replicas")), "3") == 0, "after");
	must(strcmp(cJSON_GetStringValue(ns_json_get(ns_json_get(d, "after"), "metadata.annotations.note")), "a: b") == 0, "a value with a colon");
	must(ns_json_len(ns_json_get(d, "before")) == 0 && cJSON_GetArraySize(ns_json_get(d, "after")) == 2, "what is no field is one");
	cJSON_Delete(d);
	d = ns_step_change(cJSON_CreateObject(), "x", "- spec.replicas: 2\n+ spec.replicas: 3\n", false);
	must(ns_json_get(d, "before") && !ns_json_get(d, "after"), "what was not made has an after");
	cJSON_Delete(d);
}

#define C(case_)                                                                                                                           \
	{                                                                                                                                  \
		.name = #case_, .run = case_                                                                                               \
	}
#define NO_KUBECTL(case_)                                                                                                                  \
	{                                                                                                                                  \
		.name = #case_, .run = case_, .no_kubectl = true                                                                           \
	}
int main(int argc, char **argv)
{
	static test_case list[] = {C(every_row_says_who_and_every_decision_is_anchored), NO_KUBECTL(a_caller_names_its_connection_itself),
	    NO_KUBECTL(clients_are_named), NO_KUBECTL(a_change_is_told_by_fields)};
	return cases_main(argc, argv, "witness", list, sizeof list / sizeof list[0]);
}
