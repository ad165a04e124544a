/* kubeconfig: which files are read, how they merge, which context counts. What an entry means is in kubeconfig_entry.c. */
#include "neuroscale/kube/kubeconfig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kubeconfig_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/yaml.h"
#include "neuroscale/sys/digest.h"
#include "neuroscale/sys/fs.h"

#define MAX_FILES 32

typedef struct source {
	char *file, *dir, *text; /* the text for the lines in errors; it may hold secrets */
	size_t text_len;
	cJSON *root;
} source;

typedef struct sources {
	source at[MAX_FILES];
	size_t n;
	char *looked; /* where we looked, for "no kubeconfig" */
} sources;

static void sources_free(sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->at[i].file);
		free(s->at[i].dir);
		explicit_bzero(s->at[i].text, s->at[i].text_len);
		free(s->at[i].text);
		cJSON_Delete(s->at[i].root);
	}
	free(s->looked);
}

static int line_of(const source *src, const char *path)
{
	int line, column;
	ns_yaml_where(src->text, src->text_len, path, &line, &column);
	return line;
}

static bool take_source(source *src, ns_err *err)
{
	bool blank = strspn(src->text, " \t\r\n") == src->text_len;
	src->root = blank ? cJSON_CreateObject() : ns_yaml_parse(src->text, src->text_len, src->file, 0, KC_MAX_BYTES, err);
	if (!src->root)
		return false;
	if (cJSON_IsNull(src->root)) { /* nothing but comments */
		cJSON_Delete(src->root);
		src->root = cJSON_CreateObject();
	}
	if (!cJSON_IsObject(src->root))
		return ns_fail(err, NS_E_INVALID, "%s:1: not a kubeconfig (a map with clusters, users and contexts is expected)", src->file);
	const char *kind = ns_json_str(src->root, "kind", "Config");
	return strcmp(kind, "Config") == 0 ||
	    ns_fail(err, NS_E_INVALID, "%s:%d: kind is %s, not Config: this is no kubeconfig", src->file, line_of(src, "kind"), kind);
}

static bool read_source(sources *s, const char *file, ns_err *err)
{
	ns_buf text = NS_BUF_INIT;
	if (s->n == MAX_FILES)
		return ns_fail(err, NS_E_TOOBIG, "KUBECONFIG lists more than %d files", MAX_FILES);
	if (!ns_read_file(file, KC_MAX_BYTES, &text, err)) {
		ns_buf_free(&text);
		return ns_err_wrap(err, "kubeconfig");
	}
	size_t n = text.len;
	source *src = &s->at[s->n++];
	*src = (source){.file = ns_xstrdup(file), .dir = ns_path_dirname(file), .text_len = n, .text = ns_buf_steal(&text)};
	return take_source(src, err);
}

static bool already(const sources *s, const char *file)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->at[i].file, file) == 0)
			return true;
	return false;
}

static bool missing(const char *file)
{
	return access(file, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* A missing file of the list is skipped; one that cannot be read or parsed is an error. */
static bool read_list(sources *s, const char *list, ns_err *err)
{
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ":");
		char *file = strndup(p, n);
		bool ok = !n || already(s, file) || missing(file) || read_source(s, file, err);
		free(file);
		if (!ok)
			return false;
		p += n + (p[n] == ':');
	}
	return true;
}

static bool read_all(sources *s, const char *path, ns_err *err)
{
	const char *env = getenv("KUBECONFIG"), *home = getenv("HOME");
	if (path) {
		if (missing(path))
			return ns_fail(err, NS_E_NOTFOUND, "kubeconfig %s does not exist", path);
		s->looked = ns_xstrdup(path);
		return read_source(s, path, err);
	}
	if (env && *env) {
		s->looked = ns_xasprintf("%s (from KUBECONFIG)", env);
		return read_list(s, env, err);
	}
	char *file = ns_path_join(home && *home ? home : "/", ".kube/config");
	bool ok = missing(file) || read_source(s, file, err);
	s->looked = file;
	return ok;
}

static const char *entry_name(const cJSON *item)
{
	return ns_json_str(item, "name", "");
}

/* Every list must be a list of maps with a name, so that a typing error is told as such and not as "does not exist". */
static bool check_shape(const source *src, const char *list, ns_err *err)
{
	const cJSON *l = ns_json_get(src->root, list);
	size_t i = 0;
	if (!l || cJSON_IsNull(l))
		return true;
	if (!cJSON_IsArray(l))
		return ns_fail(err, NS_E_INVALID, "%s:%d: %s must be a list", src->file, line_of(src, list), list);
	ns_json_each(item, l)
	{
		char path[48];
		snprintf(path, sizeof path, "%s.%zu", list, i++);
		if (!cJSON_IsObject(item) || !*entry_name(item))
			return ns_fail(err, NS_E_INVALID, "%s:%d: entry %zu of %s has no name", src->file, line_of(src, path), i, list);
	}
	return true;
}

/* The entry of that name in one file, by its place; -1 when there is none. Two of one name that differ have no meaning that we may guess. */
static int place_of(const source *src, const char *list, const char *key, const char *name, ns_err *err)
{
	int at = 0, hit = -1;
	const cJSON *found = NULL;
	ns_json_each(item, ns_json_get(src->root, list))
	{
		if (strcmp(entry_name(item), name) == 0) {
			char first[48], second[48];
			snprintf(first, sizeof first, "%s.%d", list, hit);
			snprintf(second, sizeof second, "%s.%d", list, at);
			if (found && !ns_json_same(found, item)) {
				ns_fail(err, NS_E_INVALID, "%s:%d: %s \"%s\" is defined a second time and differently (first in line %d)", src->file,
				    line_of(src, second), key, name, line_of(src, first));
				return -1;
			}
			found = item;
			hit = at;
		}
		at++;
	}
	return hit;
}

/* Per name the first file wins as a whole. err->code stays NS_OK when it is in none. */
static bool find(const sources *s, const char *list, const char *key, const char *name, kc_entry *out, ns_err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		const source *src = &s->at[i];
		int at = place_of(src, list, key, name, err);
		if (at < 0 && err->code)
			return false;
		if (at < 0)
			continue;
		const cJSON *item = cJSON_GetArrayItem(ns_json_get(src->root, list), at);
		*out = (kc_entry){.what = key, .name = name, .file = src->file, .dir = src->dir, .body = ns_json_get(item, key), .text = src->text,
		    .text_len = src->text_len};
		snprintf(out->path, sizeof out->path, "%s.%d", list, at);
		if (!cJSON_IsObject(out->body))
			return ns_fail(err, NS_E_INVALID, "%s:%d: %s \"%s\" has no \"%s:\" map", src->file, line_of(src, out->path), key, name, key);
		snprintf(out->path, sizeof out->path, "%s.%d.%s", list, at, key);
		return true;
	}
	return false;
}

/* What a context refers to. */
static bool follow(const sources *s, const kc_entry *context, const char *list, const char *key, const char *name, kc_entry *out, ns_err *err)
{
	if (find(s, list, key, name, out, err))
		return true;
	return err->code ? false
	                 : ns_fail(err, NS_E_NOTFOUND, "%s:%d: context \"%s\": %s \"%s\" does not exist", context->file, kc_line(context, key), context->name, key, name);
}

static size_t context_names(const sources *s, const char **names, size_t cap)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n; i++)
		ns_json_each(item, ns_json_get(s->at[i].root, "contexts"))
			if (n < cap)
				names[n++] = entry_name(item);
	return n;
}

static bool unknown_context(const sources *s, const char *name, ns_err *err)
{
	const char *names[256];
	size_t n = context_names(s, names, 256);
	const char *near = ns_nearest(name, names, n);
	ns_buf some = NS_BUF_INIT;
	for (size_t i = 0; i < n && i < 6; i++)
		ns_buf_printf(&some, "%s%s", i ? ", " : "", names[i]);
	if (n > 6)
		ns_buf_printf(&some, " and %zu more", n - 6);
	if (!*name)
		ns_fail(err, NS_E_NOTFOUND, "%s sets no current-context: give --context NAME (there are: %s)", s->looked, ns_buf_str(&some));
	else if (near)
		ns_fail(err, NS_E_NOTFOUND, "context \"%s\" does not exist in %s; did you mean \"%s\"?", name, s->looked, near);
	else
		ns_fail(err, NS_E_NOTFOUND, "context \"%s\" does not exist in %s (there are: %s)", name, s->looked, n ? ns_buf_str(&some) : "none");
	ns_buf_free(&some);
	return false;
}

static const char *current_context(const sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *c = ns_json_str(s->at[i].root, "current-context", "");
		if (*c)
			return c;
	}
	return "";
}

static bool nothing_configured(const sources *s)
{
	static const char *const lists[] = {"clusters", "users", "contexts"};
	for (size_t i = 0; i < s->n; i++)
		for (size_t l = 0; l < 3; l++)
			if (ns_json_len(ns_json_get(s->at[i].root, lists[l])))
				return false;
	return true;
}

ns_kubeconfig *kc_new(void)
{
	ns_kubeconfig *k = ns_xcalloc(1, sizeof *k);
	char **const strings[] = {&k->file, &k->context, &k->cluster, &k->user, &k->server, &k->tls_server_name, &k->ca_pem, &k->client_cert_pem,
	    &k->token_file, &k->username, &k->proxy_url, &k->exec_json, &k->exec_config, &k->as_json};
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		*strings[i] = ns_xstrdup("");
	k->ns = ns_xstrdup("default");
	return k;
}

void ns_kubeconfig_free(ns_kubeconfig *k)
{
	if (!k)
		return;
	char *const strings[] = {k->file, k->context, k->cluster, k->user, k->ns, k->server, k->tls_server_name, k->ca_pem, k->client_cert_pem,
	    k->token_file, k->username, k->proxy_url, k->exec_json, k->exec_config, k->as_json};
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		free(strings[i]);
	ns_secret_free(k->client_key_pem);
	ns_secret_free(k->token);
	ns_secret_free(k->password);
	free(k);
}

static bool set_text(char **field, const kc_entry *e, const char *key, ns_err *err)
{
	char *v = kc_text(e, key, err);
	if (!v)
		return false;
	if (!*v) {
		free(v);
		return true;
	}
	free(*field);
	*field = v;
	return true;
}

static bool assemble(ns_kubeconfig *k, const sources *s, const char *name, ns_err *err)
{
	kc_entry context, cluster, user;
	if (!*name || !find(s, "contexts", "context", name, &context, err))
		return err->code ? false : unknown_context(s, name, err);
	free(k->context);
	k->context = ns_xstrdup(name);
	free(k->file);
	k->file = ns_xstrdup(context.file);
	if (!set_text(&k->cluster, &context, "cluster", err) || !set_text(&k->user, &context, "user", err) ||
	    !set_text(&k->ns, &context, "namespace", err))
		return false;
	if (!*k->cluster)
		return ns_fail(err, NS_E_INVALID, "%s:%d: context \"%s\" names no cluster", context.file, kc_line(&context, ""), name);
	return follow(s, &context, "clusters", "cluster", k->cluster, &cluster, err) && kc_read_cluster(k, &cluster, err) &&
	    (!*k->user || (follow(s, &context, "users", "user", k->user, &user, err) && kc_read_user(k, &user, err)));
}

ns_kubeconfig *ns_kubeconfig_load(const char *path, const char *context, ns_err *err)
{
	static const char *const lists[] = {"clusters", "users", "contexts"};
	sources s = {0};
	ns_kubeconfig *k = NULL;
	ns_err local = {0};
	if (!err)
		err = &local;
	bool ok = read_all(&s, path, err);
	for (size_t i = 0; ok && i < s.n; i++)
		for (size_t l = 0; ok && l < 3; l++)
			ok = check_shape(&s.at[i], lists[l], err);
	if (ok && nothing_configured(&s)) {
		k = context ? NULL : kc_in_cluster(KC_SERVICE_ACCOUNT, err);
		if (!k && (context || err->code == NS_E_NOTFOUND))
			ns_fail(err, NS_E_NOTFOUND,
			    "no kubeconfig: nothing is configured in %s; give --kubeconfig FILE, set KUBECONFIG, or look at the simulated cluster with "
			    "\"neuroscale-tui demo\"",
			    s.looked);
	} else if (ok) {
		ns_err_clear(err);
		k = kc_new();
		if (!assemble(k, &s, context ? context : current_context(&s), err)) {
			ns_kubeconfig_free(k);
			k = NULL;
		}
	}
	sources_free(&s);
	return k;
}

/* ---- the private copy ---- */

static void put_b64(cJSON *o, const char *key, const char *pem)
{
	ns_buf b = NS_BUF_INIT;
	if (!*pem)
		return;
	ns_base64_encode(pem, strlen(pem), &b);
	ns_json_put_str(o, key, ns_buf_str(&b));
	if (b.data)
		explicit_bzero(b.data, b.len);
	ns_buf_free(&b);
}

static void put_text(cJSON *o, const char *key, const char *value)
{
	if (*value)
		ns_json_put_str(o, key, value);
}

static void put_secret(cJSON *o, const char *key, const ns_secret *s)
{
	if (s)
		ns_json_put_str(o, key, ns_secret_reveal(s));
}

/* [{"name": NAME, KEY: {…}}]; returns the inner map. */
static cJSON *put_entry(cJSON *root, const char *list, const char *key, const char *name)
{
	cJSON *l = cJSON_AddArrayToObject(root, list), *item = cJSON_CreateObject();
	cJSON_AddItemToArray(l, item);
	ns_json_put_str(item, "name", name);
	return cJSON_AddObjectToObject(item, key);
}

static cJSON *private_tree(const ns_kubeconfig *k)
{
	cJSON *root = cJSON_CreateObject();
	ns_json_put_str(root, "apiVersion", "v1");
	ns_json_put_str(root, "kind", "Config");
	ns_json_put_str(root, "current-context", k->context);
	cJSON *c = put_entry(root, "clusters", "cluster", k->cluster);
	ns_json_put_str(c, "server", k->server);
	put_text(c, "tls-server-name", k->tls_server_name);
	put_text(c, "proxy-url", k->proxy_url);
	put_b64(c, "certificate-authority-data", k->ca_pem);
	if (k->insecure)
		ns_json_put_bool(c, "insecure-skip-tls-verify", true);
	if (k->disable_compression)
		ns_json_put_bool(c, "disable-compression", true);
	cJSON *config = *k->exec_config ? ns_json_parse(k->exec_config, strlen(k->exec_config), &ns_json_strict, NULL) : NULL;
	if (config) {
		cJSON *extension = cJSON_CreateObject();
		ns_json_put_str(extension, "name", KC_EXEC_EXTENSION);
		cJSON_AddItemToObject(extension, "extension", config);
		cJSON_AddItemToArray(cJSON_AddArrayToObject(c, "extensions"), extension);
	}
	const char *user = *k->user ? k->user : "none";
	cJSON *x = put_entry(root, "contexts", "context", k->context);
	ns_json_put_str(x, "cluster", k->cluster);
	ns_json_put_str(x, "user", user);
	ns_json_put_str(x, "namespace", k->ns);
	cJSON *as = *k->as_json ? ns_json_parse(k->as_json, strlen(k->as_json), &ns_json_strict, NULL) : NULL;
	cJSON *u = put_entry(root, "users", "user", user);
	if (as) {
		while (as->child) {
			cJSON *item = cJSON_DetachItemViaPointer(as, as->child);
			cJSON_AddItemToObject(u, item->string, item);
		}
		cJSON_Delete(as);
	}
	put_b64(u, "client-certificate-data", k->client_cert_pem);
	if (k->client_key_pem)
		put_b64(u, "client-key-data", ns_secret_reveal(k->client_key_pem));
	put_secret(u, "token", k->token);
	put_text(u, "tokenFile", k->token_file);
	put_text(u, "username", k->username);
	put_secret(u, "password", k->password);
	if (*k->exec_json)
		cJSON_AddItemToObject(u, "exec", ns_json_parse(k->exec_json, strlen(k->exec_json), &ns_json_strict, NULL));
	return root;
}

bool ns_kubeconfig_write_private(const ns_kubeconfig *k, const char *path, ns_err *err)
{
	cJSON *root = private_tree(k);
	char *text = ns_json_text(root);
	bool ok = ns_write_file_atomic(path, text, strlen(text), 0600, err);
	explicit_bzero(text, strlen(text));
	free(text);
	cJSON_Delete(root);
	return ok;
}
