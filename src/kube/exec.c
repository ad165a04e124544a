/* Credential plug-ins (client.authentication.k8s.io v1 and v1beta1): run by argv without a shell, their answer checked strictly and kept in
 * memory until it expires. One run serves every thread of the process; a thread that needs it while another runs it waits for that run. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube_priv.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/sys/digest.h"
#include "neuroscale/sys/spawn.h"

enum { DEADLINE_MS = 60000, LOOK_MS = 100, MAX_OUTPUT = 1 << 20, MAX_ENV = 4096 };

typedef struct plugin {
	struct plugin *next;
	char key[NS_HEX256]; /* of server and exec stanza */
	kube_cred cred;
	bool running;
	int64_t rounds;      /* runs that ended */
	ns_err failed;       /* why the last one did */
} plugin;

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t done;
static plugin *plugins; /* kept for the life of the process; there is one for each user entry in use */
static int64_t last_serial;

void kube_cred_free(kube_cred *c)
{
	ns_secret_free(c->token);
	ns_secret_free(c->key_pem);
	free(c->cert_pem);
	*c = (kube_cred){0};
}

bool kube_cred_fresh(const kube_cred *c)
{
	return c->serial && (!c->expires_wall_ms || ns_clock_wall_ms(ns_clock_real()) < c->expires_wall_ms);
}

static ns_secret *copy_secret(const ns_secret *s)
{
	return s ? ns_secret_new(ns_secret_reveal(s)) : NULL;
}

static void copy_cred(const kube_cred *from, kube_cred *to)
{
	*to = *from;
	to->token = copy_secret(from->token);
	to->key_pem = copy_secret(from->key_pem);
	to->cert_pem = ns_xstrdup(from->cert_pem);
}

/* ---- what the plug-in is told ---- */

static cJSON *cluster_info(const ns_kubeconfig *cfg)
{
	cJSON *c = cJSON_CreateObject();
	ns_buf b = NS_BUF_INIT;
	ns_json_put_str(c, "server", cfg->server);
	if (*cfg->tls_server_name)
		ns_json_put_str(c, "tls-server-name", cfg->tls_server_name);
	if (cfg->insecure)
		ns_json_put_bool(c, "insecure-skip-tls-verify", true);
	if (*cfg->ca_pem) {
		ns_base64_encode(cfg->ca_pem, strlen(cfg->ca_pem), &b);
		ns_json_put_str(c, "certificate-authority-data", ns_buf_str(&b));
	}
	if (*cfg->proxy_url)
		ns_json_put_str(c, "proxy-url", cfg->proxy_url);
	if (cfg->disable_compression)
		ns_json_put_bool(c, "disable-compression", true);
	if (*cfg->exec_config)
		cJSON_AddItemToObject(c, "config", ns_json_parse(cfg->exec_config, strlen(cfg->exec_config), &ns_json_strict, NULL));
	ns_buf_free(&b);
	return c;
}

static char *exec_info(const ns_kubeconfig *cfg, const cJSON *exec)
{
	cJSON *info = cJSON_CreateObject();
	ns_json_put_str(info, "apiVersion", ns_json_str(exec, "apiVersion", ""));
	ns_json_put_str(info, "kind", "ExecCredential");
	cJSON *spec = cJSON_AddObjectToObject(info, "spec");
	ns_json_put_bool(spec, "interactive", false);
	if (ns_json_bool_or(exec, "provideClusterInfo", false))
		cJSON_AddItemToObject(spec, "cluster", cluster_info(cfg));
	char *text = ns_json_text(info), *line = ns_xasprintf("KUBERNETES_EXEC_INFO=%s", text);
	free(text);
	cJSON_Delete(info);
	return line;
}

/* True when `line` ("NAME=…") sets a name that `env` (the stanza's list) or we set ourselves, or one that is no plug-in's business: the key of the
 * model service. */
static bool overridden(const char *line, const cJSON *env)
{
	static const char *const ours[] = {"KUBERNETES_EXEC_INFO", "DASHSCOPE_API_KEY"};
	size_t n = strcspn(line, "=");
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (strlen(ours[i]) == n && strncmp(line, ours[i], n) == 0)
			return true;
	ns_json_each(e, env)
	{
		const char *name = ns_json_str(e, "name", "");
		if (strlen(name) == n && strncmp(line, name, n) == 0)
			return true;
	}
	return false;
}

/* The parent's environment, the stanza's on top of it. The caller frees the lines from `own` on, and the array. */
static const char **environment(const ns_kubeconfig *cfg, const cJSON *exec, size_t *own)
{
	const cJSON *env = ns_json_get(exec, "env");
	size_t n = 0, mine = ns_json_len(env) + 2;
	while (environ[n])
		n++;
	const char **out = ns_xcalloc(n + mine, sizeof *out);
	size_t k = 0;
	for (size_t i = 0; i < n && k < MAX_ENV; i++)
		if (!overridden(environ[i], env))
			out[k++] = environ[i];
	*own = k;
	ns_json_each(e, env)
		out[k++] = ns_xasprintf("%s=%s", ns_json_str(e, "name", ""), ns_json_str(e, "value", ""));
	out[k] = exec_info(cfg, exec);
	return out;
}

static void free_environment(const char **env, size_t own)
{
	for (size_t i = own; env[i]; i++) {
		char *line;
		memcpy(&line, &env[i], sizeof line);
		free(line);
	}
	free(env);
}

static const char **arguments(const char *command, const cJSON *exec)
{
	const cJSON *args = ns_json_get(exec, "args");
	const char **argv = ns_xcalloc(ns_json_len(args) + 2, sizeof *argv);
	size_t n = 0;
	argv[n++] = command;
	ns_json_each(a, args)
		argv[n++] = cJSON_IsString(a) ? a->valuestring : "";
	return argv;
}

/* ---- what it says ---- */

static bool read_answer(const cJSON *exec, const cJSON *answer, kube_cred *out, ns_err *err)
{
	const char *want = ns_json_str(exec, "apiVersion", ""), *got = ns_json_str(answer, "apiVersion", "");
	const char *token = ns_json_str(answer, "status.token", ""), *cert = ns_json_str(answer, "status.clientCertificateData", "");
	const char *key = ns_json_str(answer, "status.clientKeyData", ""), *until = ns_json_str(answer, "status.expirationTimestamp", "");
	if (strcmp(ns_json_str(answer, "kind", ""), "ExecCredential") != 0)
		return ns_fail(err, NS_E_INVALID, "the plug-in printed no ExecCredential");
	if (strcmp(want, got) != 0)
		return ns_fail(err, NS_E_INVALID, "the plug-in is configured to use API version %s and returned %s", want, got);
	if (!cJSON_IsObject(ns_json_get(answer, "status")))
		return ns_fail(err, NS_E_INVALID, "the plug-in did not return a status field");
	if (!*cert != !*key)
		return ns_fail(err, NS_E_INVALID, "the plug-in returned only a certificate or a key, not both");
	if (!*token && !*cert)
		return ns_fail(err, NS_E_INVALID, "the plug-in did not return a token or a certificate");
	if (*until && !ns_time_parse(until, &out->expires_wall_ms))
		return ns_fail(err, NS_E_INVALID, "the plug-in's expirationTimestamp is no RFC 3339 time");
	out->token = *token ? ns_secret_new(token) : NULL;
	out->key_pem = *key ? ns_secret_new(key) : NULL;
	out->cert_pem = ns_xstrdup(cert);
	return true;
}

static bool run(const ns_kubeconfig *cfg, const cJSON *exec, const ns_cancel *cancel, kube_cred *out, ns_err *err)
{
	const char *command = ns_json_str(exec, "command", ""), *hint = ns_json_str(exec, "installHint", "");
	char *path = ns_find_program(command, getenv("PATH"));
	if (strcmp(ns_json_str(exec, "interactiveMode", ""), "Always") == 0) {
		free(path);
		return ns_fail(err, NS_E_UNSUPPORTED, "plug-in %s wants a terminal (interactiveMode: Always), which it cannot have here", command);
	}
	if (!path)
		return ns_fail(err, NS_E_NOTFOUND, "plug-in %s not found%s%s", command, *hint ? ": " : "", hint);
	size_t own;
	const char **env = environment(cfg, exec, &own), **argv = arguments(command, exec);
	ns_spawn_req req = {.path = path, .argv = argv, .envp = env, .inherit_fd = -1, .deadline_ms = DEADLINE_MS, .max_output = MAX_OUTPUT, .cancel = cancel};
	ns_spawn_res res = {0};
	bool ok = ns_spawner_real.run(ns_spawner_real.ctx, &req, &res, err);
	if (!ok)
		ns_err_wrap(err, "plug-in %s", command);
	else if (res.cancelled)
		ok = ns_fail(err, NS_E_CANCELLED, "plug-in %s was cancelled", command);
	else if (res.timed_out)
		ok = ns_fail(err, NS_E_TIMEOUT, "plug-in %s did not finish within %d s", command, DEADLINE_MS / 1000);
	else if (res.exit_code != 0) {
		char *said = ns_redact_line(ns_buf_str(&res.err_out), res.err_out.len, 200);
		ok = ns_fail(err, NS_E_DENIED, "plug-in %s failed with exit code %d: %s", command, res.exit_code, said);
		free(said);
	}
	if (ok) {
		cJSON *answer = ns_json_parse(ns_buf_str(&res.out), res.out.len, &ns_json_strict, NULL);
		ok = answer ? read_answer(exec, answer, out, err) : ns_fail(err, NS_E_INVALID, "the plug-in's output is not JSON");
		if (!ok)
			ns_err_wrap(err, "plug-in %s", command);
		cJSON_Delete(answer);
	}
	if (res.out.data)
		explicit_bzero(res.out.data, res.out.len);
	ns_spawn_res_free(&res);
	free_environment(env, own);
	free(argv);
	free(path);
	return ok;
}

/* ---- the process-wide place of each plug-in, under the lock ---- */

static void make_cond(void)
{
	ns_cond_init(&done);
}

static plugin *place(const ns_kubeconfig *cfg)
{
	char key[NS_HEX256];
	ns_digest *d = ns_digest_new();
	ns_digest_field(d, "server", cfg->server);
	ns_digest_field(d, "exec", cfg->exec_json);
	ns_digest_finish(d, key);
	pthread_once(&once, make_cond);
	pthread_mutex_lock(&mu);
	plugin *p = plugins;
	while (p && strcmp(p->key, key) != 0)
		p = p->next;
	if (!p) {
		p = ns_xcalloc(1, sizeof *p);
		memcpy(p->key, key, NS_HEX256);
		p->next = plugins;
		plugins = p;
	}
	return p; /* with the lock held */
}

static bool known(const plugin *p, int64_t refused, kube_cred *out)
{
	if (!kube_cred_fresh(&p->cred) || p->cred.serial <= refused)
		return false;
	copy_cred(&p->cred, out);
	return true;
}

bool kube_exec_known(const ns_kubeconfig *cfg, int64_t refused, kube_cred *out)
{
	bool ok = known(place(cfg), refused, out);
	pthread_mutex_unlock(&mu);
	return ok;
}

/* Waits for the run that another thread has begun. False with err when that failed, or when we were cancelled. */
static bool await(plugin *p, const ns_cancel *cancel, ns_err *err)
{
	int64_t round = p->rounds;
	while (p->running && p->rounds == round) {
		if (ns_cancel_fired(cancel))
			return ns_fail(err, NS_E_CANCELLED, "waiting for a credential plug-in was cancelled");
		ns_clock_cond_wait(ns_clock_real(), &done, &mu, ns_real_mono_ms() + LOOK_MS);
	}
	if (p->failed.code && err)
		*err = p->failed;
	return !p->failed.code;
}

/* Runs the plug-in without the lock, and puts what came of it into its place. */
static bool run_for_all(plugin *p, const ns_kubeconfig *cfg, const ns_cancel *cancel, kube_cred *out, ns_err *err)
{
	ns_err why = {0};
	p->running = true;
	pthread_mutex_unlock(&mu);
	cJSON *exec = ns_json_parse(cfg->exec_json, strlen(cfg->exec_json), &ns_json_strict, &why);
	bool ok = exec && run(cfg, exec, cancel, out, &why);
	cJSON_Delete(exec);
	pthread_mutex_lock(&mu);
	out->serial = ++last_serial;
	p->running = false;
	p->rounds++;
	/* That one of us was told to stop is no failure of the plug-in: who waited runs it again. */
	p->failed = why;
	if (why.code == NS_E_CANCELLED)
		ns_err_clear(&p->failed);
	if (ok) {
		kube_cred_free(&p->cred);
		copy_cred(out, &p->cred);
	} else {
		kube_cred_free(out);
		if (err)
			*err = why;
	}
	pthread_cond_broadcast(&done);
	return ok;
}

bool kube_exec_credential(const ns_kubeconfig *cfg, const ns_cancel *cancel, int64_t refused, kube_cred *out, ns_err *err)
{
	plugin *p = place(cfg);
	bool ok = true, have = known(p, refused, out);
	while (ok && !have && p->running) {
		ok = await(p, cancel, err);
		have = ok && known(p, refused, out);
	}
	if (ok && !have)
		ok = !ns_cancel_fired(cancel) || ns_fail(err, NS_E_CANCELLED, "a credential plug-in was not run: cancelled");
	if (ok && !have)
		ok = run_for_all(p, cfg, cancel, out, err);
	pthread_mutex_unlock(&mu);
	return ok;
}
