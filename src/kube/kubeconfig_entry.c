/* What one cluster entry and one user entry of a kubeconfig mean, and the checks that kubectl makes on them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kubeconfig_priv.h"
#include "neuroscale/model/yaml.h"
#include "neuroscale/sys/cert.h"
#include "neuroscale/sys/digest.h"
#include "neuroscale/sys/fs.h"

int kc_line(const kc_entry *e, const char *key)
{
	char path[128];
	int line, column;
	snprintf(path, sizeof path, "%s.%s", e->path, key);
	if (!*key || !ns_yaml_where(e->text, e->text_len, path, &line, &column))
		ns_yaml_where(e->text, e->text_len, e->path, &line, &column);
	return line;
}

bool kc_bad(const kc_entry *e, ns_err *err, ns_code code, const char *key, const char *what)
{
	return ns_fail(err, code, "%s:%d: %s \"%s\": %s%s%s", e->file, kc_line(e, key), e->what, e->name, key, *key ? " " : "", what);
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
		kc_bad(e, err, NS_E_INVALID, key, "must be a text");
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
		return kc_bad(e, err, NS_E_INVALID, key, "must be true or false");
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

/* That it can be used at all is checked here, where the line is known; whether it fits is TLS's business. */
static bool check_pem(const kc_entry *e, const char *key, const ns_buf *pem, bool is_key, ns_err *err)
{
	const char *text = ns_buf_str(pem);
	ns_cert_info info;
	ns_err why = {0};
	if (strlen(text) != pem->len)
		return kc_bad(e, err, NS_E_INVALID, key, "holds a NUL byte: it is no PEM, perhaps DER (openssl x509 -inform DER turns it into PEM)");
	if (!strstr(text, "-----BEGIN "))
		return kc_bad(e, err, NS_E_INVALID, key, "holds no PEM (-----BEGIN …)");
	if (is_key && !strstr(text, "PRIVATE KEY-----"))
		return kc_bad(e, err, NS_E_INVALID, key, "holds no private key");
	if (is_key && strstr(text, "ENCRYPTED"))
		return kc_bad(e, err, NS_E_UNSUPPORTED, key, "is encrypted, and there is nobody to ask for its password");
	if (!is_key && !ns_cert_read(text, &info, &why))
		return kc_bad(e, err, NS_E_INVALID, key, "holds no certificate that can be read");
	return true;
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
		kc_bad(e, err, NS_E_INVALID, data_key, "and the same as a file are both given; remove one");
		goto done;
	}
	if (!*data && !*path) {
		pem = ns_xstrdup("");
		goto done;
	}
	if (*data) {
		if (!ns_base64_decode(data, strlen(data), &out)) {
			kc_bad(e, err, NS_E_INVALID, data_key, "is not base64");
			goto done;
		}
	} else {
		char *file = resolve(e, path);
		bool ok = ns_read_file(file, 1u << 20, &out, err);
		free(file);
		if (!ok) {
			ns_err_wrap(err, "%s:%d: %s \"%s\": %s", e->file, kc_line(e, key), e->what, e->name, key);
			goto done;
		}
	}
	if (check_pem(e, *data ? data_key : key, &out, strcmp(key, "client-key") == 0, err))
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
		kc_bad(e, err, NS_E_INVALID, "server", "must begin with https:// or http://");
		return NULL;
	}
	char *url = scheme ? ns_xstrdup(server) : ns_xasprintf("%s://%s", tls ? "https" : "http", server);
	url[strcspn(url, "?#")] = '\0';
	char *host = strstr(url, "://") + 3;
	for (size_t n = strlen(host); n && host[n - 1] == '/'; n--)
		host[n - 1] = '\0';
	if (!*host || *host == '/' || strpbrk(host, " \t\r\n\"\\<>") || strchr(host, '@')) {
		kc_bad(e, err, NS_E_INVALID, "server", "is no URL of an API server");
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
	ns_json_each(x, ns_json_get(e->body, "extensions"))
		if (strcmp(ns_json_str(x, "name", ""), KC_EXEC_EXTENSION) == 0 && ns_json_get(x, "extension"))
			set(&k->exec_config, ns_json_text(ns_json_get(x, "extension")));
	if (k->insecure && *ca)
		return kc_bad(e, err, NS_E_INVALID, "insecure-skip-tls-verify", "and a certificate authority are both given; remove one");
	if (!(server = kc_text(e, "server", err)))
		return false;
	if (!*server)
		kc_bad(e, err, NS_E_INVALID, "", "has no server");
	else if (*k->proxy_url && strncmp(k->proxy_url, "http://", 7) && strncmp(k->proxy_url, "https://", 8) && strncmp(k->proxy_url, "socks5://", 9))
		kc_bad(e, err, NS_E_INVALID, "proxy-url", "must begin with http://, https:// or socks5://");
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
	return !any || named || kc_bad(e, err, NS_E_INVALID, "", "asks for uid, groups or user-extra without impersonating a user (as)");
}

/* A list of texts, or of {name, value}. */
static bool check_exec_list(const kc_entry *e, const cJSON *exec, const char *key, bool pairs, ns_err *err)
{
	const cJSON *l = ns_json_get(exec, key);
	char path[16];
	bool ok = !l || cJSON_IsNull(l) || cJSON_IsArray(l);
	ns_json_each(x, ok ? l : NULL)
		ok &= pairs ? *ns_json_str(x, "name", "") && cJSON_IsString(ns_json_get(x, "value")) : cJSON_IsString(x);
	snprintf(path, sizeof path, "exec.%s", key);
	return ok || kc_bad(e, err, NS_E_INVALID, path, pairs ? "must be a list of {name, value}, both texts" : "must be a list of texts");
}

static bool read_exec(ns_kubeconfig *k, const kc_entry *e, const cJSON *exec, ns_err *err)
{
	static const char *const modes[] = {"Never", "IfAvailable", "Always"};
	const char *version = ns_json_str(exec, "apiVersion", ""), *command = ns_json_str(exec, "command", "");
	const char *mode = ns_json_str(exec, "interactiveMode", "");
	bool v1 = strcmp(version, "client.authentication.k8s.io/v1") == 0;
	if (!cJSON_IsObject(exec))
		return kc_bad(e, err, NS_E_INVALID, "exec", "must be a map");
	if (!*command)
		return kc_bad(e, err, NS_E_INVALID, "exec", "has no command");
	if (!*version)
		return kc_bad(e, err, NS_E_INVALID, "exec", "has no apiVersion");
	if (!v1 && strcmp(version, "client.authentication.k8s.io/v1beta1") != 0)
		return kc_bad(e, err, NS_E_UNSUPPORTED, "exec", "apiVersion must be client.authentication.k8s.io/v1 or v1beta1");
	if (v1 && !*mode)
		return kc_bad(e, err, NS_E_INVALID, "exec", "has no interactiveMode (v1 requires it)");
	if (!check_exec_list(e, exec, "args", false, err) || !check_exec_list(e, exec, "env", true, err))
		return false;
	const cJSON *info = ns_json_get(exec, "provideClusterInfo");
	if (info && !cJSON_IsNull(info) && !cJSON_IsBool(info))
		return kc_bad(e, err, NS_E_INVALID, "exec.provideClusterInfo", "must be true or false");
	bool known = !*mode;
	for (size_t i = 0; i < 3; i++)
		known |= strcmp(mode, modes[i]) == 0;
	if (!known)
		return kc_bad(e, err, NS_E_INVALID, "exec", "interactiveMode must be Never, IfAvailable or Always");
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
			ok = kc_bad(e, err, NS_E_INVALID, "", "has a client certificate but no client-key");
		else if ((*token || *file) && *k->username)
			ok = kc_bad(e, err, NS_E_INVALID, "", "has a token and a username; only one is allowed");
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
		return kc_bad(e, err, both ? NS_E_INVALID : NS_E_UNSUPPORTED, "auth-provider",
		    both ? "cannot stand beside exec" : "was removed from Kubernetes clients; use the vendor's exec plug-in");
	}
	return read_credentials(k, e, err) && read_impersonation(k, e, err) && (!exec || cJSON_IsNull(exec) || read_exec(k, e, exec, err));
}

/* The text of a small file of the service account, white space behind it left out; NULL with err. Caller frees. */
static char *account_file(const char *dir, const char *name, ns_err *err)
{
	char *path = ns_path_join(dir, name);
	ns_buf b = NS_BUF_INIT;
	bool ok = ns_read_file(path, 1u << 20, &b, err);
	free(path);
	if (!ok) {
		ns_buf_free(&b);
		return NULL;
	}
	while (b.len && strchr(" \r\n\t", b.data[b.len - 1]))
		b.data[--b.len] = '\0';
	return ns_buf_steal(&b);
}

ns_kubeconfig *kc_in_cluster(const char *dir, ns_err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
	if (!host || !*host || !port || !*port) {
		ns_fail(err, NS_E_NOTFOUND, "not in a cluster");
		return NULL;
	}
	ns_cert_info info;
	char *ca = account_file(dir, "ca.crt", err);
	if (!ca || !ns_cert_read(ca, &info, err)) {
		ns_err_wrap(err, "in-cluster configuration: %s/ca.crt", dir);
		free(ca);
		return NULL;
	}
	ns_kubeconfig *k = kc_new();
	k->in_cluster = true;
	set(&k->file, ns_xstrdup(dir));
	set(&k->context, ns_xstrdup("in-cluster"));
	set(&k->cluster, ns_xstrdup("in-cluster"));
	set(&k->user, ns_xstrdup("in-cluster"));
	bool v6 = strchr(host, ':') != NULL;
	set(&k->server, ns_xasprintf("https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port));
	set(&k->ca_pem, ca);
	set(&k->token_file, ns_path_join(dir, "token"));
	char *ns = account_file(dir, "namespace", NULL);
	if (ns && *ns)
		set(&k->ns, ns_xstrdup(ns));
	free(ns);
	return k;
}
