/* What one cluster entry and one user entry of a kubeconfig mean, and the checks that kubectl makes on them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kubeconfig_priv.h"
#include "neuroscale/sys/digest.h"
#include "neuroscale/sys/fs.h"

#define SA_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

static bool bad(const kc_entry *e, ns_err *err, ns_code code, const char *key, const char *what)
{
	return ns_fail(err, code, "%s: %s \"%s\": %s%s%s", e->file, e->what, e->name, key, *key ? " " : "", what);
}

static void set(char **field, char *value)
{
	free(*field);
	*field = value;
}

static void set_secret(ns_secret **field, const char *value)
{
	ns_secret_free(*field);
	*field = *value ? ns_secret_new(value) : NULL;
}

/* Unquoted numbers and booleans in YAML: Go's decoder turns them back into text where a text is wanted. */
char *kc_text(const kc_entry *e, const char *key, ns_err *err)
{
	const cJSON *v = ns_json_get(e->body, key);
	if (!v || cJSON_IsNull(v))
		return ns_xstrdup("");
	if (cJSON_IsString(v))
		return ns_xstrdup(v->valuestring);
	if (cJSON_IsArray(v) || cJSON_IsObject(v)) {
		bad(e, err, NS_E_INVALID, key, "must be a text");
		return NULL;
	}
	return ns_json_text(v);
}

static bool take_text(const kc_entry *e, const char *key, char **field, ns_err *err)
{
	char *v = kc_text(e, key, err);
	if (!v)
		return false;
	set(field, v);
	return true;
}

static bool take_bool(const kc_entry *e, const char *key, bool *field, ns_err *err)
{
	const cJSON *v = ns_json_get(e->body, key);
	if (v && !cJSON_IsNull(v) && !cJSON_IsBool(v))
		return bad(e, err, NS_E_INVALID, key, "must be true or false");
	*field = v && cJSON_IsTrue(v);
	return true;
}

/* Relative paths are relative to the file that they were read from. */
static char *resolve(const kc_entry *e, const char *path)
{
	return *path == '/' ? ns_xstrdup(path) : ns_path_join(e->dir, path);
}

static void wipe_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

/* The PEM of KEY-data (base64) or of the file that KEY names; "" when neither is there. Caller frees. */
static char *take_pem(const kc_entry *e, const char *key, ns_err *err)
{
	char data_key[48];
	snprintf(data_key, sizeof data_key, "%s-data", key);
	char *data = kc_text(e, data_key, err), *path = data ? kc_text(e, key, err) : NULL, *pem = NULL;
	ns_buf out = NS_BUF_INIT;
	if (!path)
		goto done;
	if (*data && *path) {
		bad(e, err, NS_E_INVALID, data_key, "and the same as a file are both given; remove one");
		goto done;
	}
	if (!*data && !*path) {
		pem = ns_xstrdup("");
		goto done;
	}
	if (*data) {
		if (!ns_base64_decode(data, strlen(data), &out)) {
			bad(e, err, NS_E_INVALID, data_key, "is not base64");
			goto done;
		}
	} else {
		char *file = resolve(e, path);
		bool ok = ns_read_file(file, 1u << 20, &out, err);
		free(file);
		if (!ok) {
			ns_err_wrap(err, "%s: %s \"%s\": %s", e->file, e->what, e->name, key);
			goto done;
		}
	}
	if (!strstr(ns_buf_str(&out), "-----BEGIN "))
		bad(e, err, NS_E_INVALID, *data ? data_key : key, "holds no PEM (-----BEGIN …)");
	else
		pem = ns_xstrdup(ns_buf_str(&out));
done:
	if (out.data)
		explicit_bzero(out.data, out.len);
	ns_buf_free(&out);
	wipe_free(data);
	free(path);
	return pem;
}

char *kc_server(const kc_entry *e, const char *server, bool tls, ns_err *err)
{
	const char *scheme = strstr(server, "://");
	if (scheme && strncmp(server, "https://", 8) != 0 && strncmp(server, "http://", 7) != 0) {
		bad(e, err, NS_E_INVALID, "server", "must begin with https:// or http://");
		return NULL;
	}
	char *url = scheme ? ns_xstrdup(server) : ns_xasprintf("%s://%s", tls ? "https" : "http", server);
	url[strcspn(url, "?#")] = '\0';
	char *host = strstr(url, "://") + 3;
	for (size_t n = strlen(host); n && host[n - 1] == '/'; n--)
		host[n - 1] = '\0';
	if (!*host || *host == '/' || strpbrk(host, " \t\r\n\"\\<>") || strchr(host, '@')) {
		bad(e, err, NS_E_INVALID, "server", "is no URL of an API server");
		free(url);
		return NULL;
	}
	return url;
}

bool kc_read_cluster(ns_kubeconfig *k, const kc_entry *e, ns_err *err)
{
	char *server = NULL;
	bool ok = false;
	if (!take_text(e, "tls-server-name", &k->tls_server_name, err) || !take_text(e, "proxy-url", &k->proxy_url, err) ||
	    !take_bool(e, "insecure-skip-tls-verify", &k->insecure, err) || !take_bool(e, "disable-compression", &k->disable_compression, err))
		return false;
	char *ca = take_pem(e, "certificate-authority", err);
	if (!ca)
		return false;
	set(&k->ca_pem, ca);
	if (k->insecure && *ca)
		return bad(e, err, NS_E_INVALID, "insecure-skip-tls-verify", "and a certificate authority are both given; remove one");
	if (!(server = kc_text(e, "server", err)))
		return false;
	if (!*server)
		bad(e, err, NS_E_INVALID, "", "has no server");
	else if (*k->proxy_url && strncmp(k->proxy_url, "http://", 7) && strncmp(k->proxy_url, "https://", 8) && strncmp(k->proxy_url, "socks5://", 9))
		bad(e, err, NS_E_INVALID, "proxy-url", "must begin with http://, https:// or socks5://");
	else
		ok = true;
	char *url = ok ? kc_server(e, server, *ca || k->insecure, err) : NULL;
	free(server);
	if (!url)
		return false;
	set(&k->server, url);
	return true;
}

static bool read_impersonation(ns_kubeconfig *k, const kc_entry *e, ns_err *err)
{
	static const char *const keys[] = {"as", "as-uid", "as-groups", "as-user-extra"};
	cJSON *as = cJSON_CreateObject();
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const cJSON *v = ns_json_get(e->body, keys[i]);
		if (v && !cJSON_IsNull(v))
			cJSON_AddItemToObject(as, keys[i], cJSON_Duplicate(v, true));
	}
	bool any = as->child != NULL, named = *ns_json_str(as, "as", "") != '\0';
	if (any && named)
		set(&k->as_json, ns_json_text(as));
	cJSON_Delete(as);
	return !any || named || bad(e, err, NS_E_INVALID, "", "asks for uid, groups or user-extra without impersonating a user (as)");
}

static bool read_exec(ns_kubeconfig *k, const kc_entry *e, const cJSON *exec, ns_err *err)
{
	static const char *const modes[] = {"Never", "IfAvailable", "Always"};
	const char *version = ns_json_str(exec, "apiVersion", ""), *command = ns_json_str(exec, "command", "");
	const char *mode = ns_json_str(exec, "interactiveMode", "");
	bool v1 = strcmp(version, "client.authentication.k8s.io/v1") == 0;
	if (!cJSON_IsObject(exec))
		return bad(e, err, NS_E_INVALID, "exec", "must be a map");
	if (!*command)
		return bad(e, err, NS_E_INVALID, "exec", "has no command");
	if (!*version)
		return bad(e, err, NS_E_INVALID, "exec", "has no apiVersion");
	if (!v1 && strcmp(version, "client.authentication.k8s.io/v1beta1") != 0)
		return bad(e, err, NS_E_UNSUPPORTED, "exec", "apiVersion must be client.authentication.k8s.io/v1 or v1beta1");
	if (v1 && !*mode)
		return bad(e, err, NS_E_INVALID, "exec", "has no interactiveMode (v1 requires it)");
	bool known = !*mode;
	for (size_t i = 0; i < 3; i++)
		known |= strcmp(mode, modes[i]) == 0;
	if (!known)
		return bad(e, err, NS_E_INVALID, "exec", "interactiveMode must be Never, IfAvailable or Always");
	cJSON *copy = cJSON_Duplicate(exec, true);
	if (strchr(command, '/') && *command != '/') {
		char *abs = resolve(e, command);
		ns_json_put_str(copy, "command", abs);
		free(abs);
	}
	set(&k->exec_json, ns_json_text(copy));
	cJSON_Delete(copy);
	return true;
}

static bool read_credentials(ns_kubeconfig *k, const kc_entry *e, ns_err *err)
{
	char *cert = take_pem(e, "client-certificate", err), *key = cert ? take_pem(e, "client-key", err) : NULL;
	char *token = key ? kc_text(e, "token", err) : NULL, *password = token ? kc_text(e, "password", err) : NULL, *file = NULL;
	bool ok = password && take_text(e, "username", &k->username, err) && (file = kc_text(e, "tokenFile", err));
	if (ok) {
		if (*cert && !*key)
			ok = bad(e, err, NS_E_INVALID, "", "has a client certificate but no client-key");
		else if ((*token || *file) && *k->username)
			ok = bad(e, err, NS_E_INVALID, "", "has a token and a username; only one is allowed");
	}
	if (ok) {
		set(&k->client_cert_pem, cert);
		cert = NULL;
		set_secret(&k->client_key_pem, key);
		set_secret(&k->token, token);
		set_secret(&k->password, password);
		if (*file)
			set(&k->token_file, resolve(e, file));
	}
	free(cert);
	wipe_free(key);
	wipe_free(token);
	wipe_free(password);
	free(file);
	return ok;
}

bool kc_read_user(ns_kubeconfig *k, const kc_entry *e, ns_err *err)
{
	const cJSON *exec = ns_json_get(e->body, "exec"), *provider = ns_json_get(e->body, "auth-provider");
	if (provider && !cJSON_IsNull(provider)) {
		bool both = exec && !cJSON_IsNull(exec);
		return bad(e, err, both ? NS_E_INVALID : NS_E_UNSUPPORTED, "auth-provider",
		    both ? "cannot stand beside exec" : "was removed from Kubernetes clients; use the vendor's exec plug-in");
	}
	return read_credentials(k, e, err) && read_impersonation(k, e, err) && (!exec || cJSON_IsNull(exec) || read_exec(k, e, exec, err));
}

ns_kubeconfig *kc_in_cluster(ns_err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	ns_buf ca = NS_BUF_INIT, ns = NS_BUF_INIT;
	if (!host || !*host || !port || !*port) {
		ns_fail(err, NS_E_NOTFOUND, "not in a cluster");
		return NULL;
	}
	if (!ns_read_file(SA_DIR "/ca.crt", 1u << 20, &ca, err)) {
		ns_err_wrap(err, "in-cluster configuration");
		ns_buf_free(&ca);
		return NULL;
	}
	ns_kubeconfig *k = kc_new();
	k->in_cluster = true;
	set(&k->file, ns_xstrdup(SA_DIR));
	set(&k->context, ns_xstrdup("in-cluster"));
	set(&k->cluster, ns_xstrdup("in-cluster"));
	set(&k->user, ns_xstrdup("in-cluster"));
	bool v6 = strchr(host, ':') != NULL;
	set(&k->server, ns_xasprintf("https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port));
	set(&k->ca_pem, ns_xstrdup(ns_buf_str(&ca)));
	set(&k->token_file, ns_xstrdup(SA_DIR "/token"));
	if (ns_read_file(SA_DIR "/namespace", 4096, &ns, NULL) && ns.len) {
		ns.data[strcspn(ns.data, " \r\n\t")] = '\0';
		set(&k->ns, ns_xstrdup(ns.data));
	}
	ns_buf_free(&ca);
	ns_buf_free(&ns);
	return k;
}
