/* Asks a kubectl what it is. The flags are those of the executor's own shapes, looked up in the options that `kubectl VERB --help` and
 * `kubectl options` list; a help text is the one thing that every version has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executor_priv.h"
#include "neuroscale/agents/kubectl.h"
#include "neuroscale/model/json.h"

enum { MAX_HELP = 256 << 10, MAX_VERBS = 4 };

typedef struct asker {
	const char *path;
	const ns_spawner *spawner;
	const ns_cancel *cancel;
	int deadline_ms;
} asker;

/* Its standard output. False with err unless it ended with 0. */
static bool ask(const asker *a, const char *const *argv, ns_buf *out, ns_err *err)
{
	char **env = ns_kubectl_environment("/nonexistent", (const char *const *)environ);
	union { /* the port promises not to write */
		char *const *rw;
		const char *const *ro;
	} envp = {.rw = env};
	ns_spawn_req req = {.path = a->path,
	    .argv = argv,
	    .envp = envp.ro,
	    .inherit_fd = -1,
	    .deadline_ms = a->deadline_ms,
	    .max_output = MAX_HELP,
	    .cancel = a->cancel};
	ns_spawn_res res = {.exit_code = -1};
	bool ok = a->spawner->run(a->spawner->ctx, &req, &res, err);
	if (ok && (res.timed_out || res.cancelled))
		ok = ns_fail(err, NS_E_TIMEOUT, "%s %s did not end within %d s", a->path, argv[1], a->deadline_ms / 1000);
	else if (ok && res.exit_code != 0)
		ok = ns_fail(
		    err, NS_E_FAILED, "%s %s ended with status %d: %.160s", a->path, argv[1], res.exit_code, ns_buf_str(&res.err_out));
	if (ok)
		ns_buf_put(out, ns_buf_str(&res.out), strlen(ns_buf_str(&res.out)));
	ns_spawn_res_free(&res);
	ns_strv_free(env);
	return ok;
}

/* An option's line begins with it, "  -f, --filename=[]: words": what stands before the colon counts. */
static bool lists(const char *help, const char *flag)
{
	size_t n = strlen(flag);
	for (const char *line = help; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *p = line + strspn(line, " \t"), *end = p + strcspn(p, ":\n");
		while (*p == '-' && p < end) {
			size_t len = strcspn(p, "=:, \n[");
			if (len == n && strncmp(p, flag, n) == 0)
				return true;
			p += len;
			p += strspn(p, ", ");
		}
	}
	return false;
}

typedef struct search {
	const asker *a;
	ns_kubectl_info *out;
	ns_err *err;
	ns_buf options; /* of every verb */
	char verb[16];
	ns_buf help; /* of that verb */
	bool failed;
} search;

static void look_up(void *ctx, const char *verb, const char *flag)
{
	search *s = ctx;
	if (s->failed)
		return;
	if (strcmp(s->verb, verb) != 0) {
		ns_copy(s->verb, sizeof s->verb, verb);
		ns_buf_clear(&s->help);
		s->failed = !ask(s->a, (const char *const[]){"kubectl", verb, "--help", NULL}, &s->help, s->err);
	}
	s->out->flags++;
	if (s->failed || lists(ns_buf_str(&s->help), flag) || lists(ns_buf_str(&s->options), flag))
		return;
	size_t at = strlen(s->out->unknown);
	snprintf(s->out->unknown + at, sizeof s->out->unknown - at, "%s%s %s", at ? ", " : "", verb, flag);
}

static bool read_version(const asker *a, ns_kubectl_info *out, ns_err *err)
{
	ns_buf text = NS_BUF_INIT;
	bool ok = ask(a, (const char *const[]){"kubectl", "version", "--client", "-o", "json", NULL}, &text, err);
	cJSON *j = ok ? ns_json_parse(ns_buf_str(&text), text.len, &ns_json_api, NULL) : NULL;
	ns_copy(out->version, sizeof out->version, ns_json_str(j, "clientVersion.gitVersion", ""));
	/* "20+" is a vendor's way to say 20. */
	out->major = (int)strtol(ns_json_str(j, "clientVersion.major", "0"), NULL, 10);
	out->minor = (int)strtol(ns_json_str(j, "clientVersion.minor", "0"), NULL, 10);
	if (ok && !*out->version)
		ok = ns_fail(err, NS_E_INVALID, "%s does not say its version: it is no kubectl", a->path);
	cJSON_Delete(j);
	ns_buf_free(&text);
	return ok;
}

bool ns_kubectl_probe(
    const char *path, const ns_spawner *spawner, int deadline_ms, const ns_cancel *cancel, ns_kubectl_info *out, ns_err *err)
{
	asker a = {.path = path, .spawner = spawner ? spawner : &ns_spawner_real, .cancel = cancel, .deadline_ms = deadline_ms};
	search s = {.a = &a, .out = out, .err = err};
	*out = (ns_kubectl_info){0};
	bool ok = read_version(&a, out, err) && ask(&a, (const char *const[]){"kubectl", "options", NULL}, &s.options, err);
	if (ok)
		ns_argv_each_flag(look_up, &s);
	ns_buf_free(&s.options);
	ns_buf_free(&s.help);
	return ok && !s.failed;
}
