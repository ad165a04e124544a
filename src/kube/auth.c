/* The credentials of one thread's requests. A token file is the source of truth once it was read, is looked at again after a minute, and a
 * failed look keeps the last good value: a projected token rotates under us. Over plain http nothing is sent, as kubectl does. */
#include <stdlib.h>
#include <string.h>

#include "kube_priv.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/sys/fs.h"

#define TOKEN_AGE_MS 60000
#define TAKEN_AT_ITS_WORD_MS 1000 /* a plug-in's credential that is expired when it comes is used so long, lest it run for every request */

struct kube_auth {
	const ns_kubeconfig *cfg;
	const ns_cancel *cancel;
	ns_secret *file_token;
	int64_t file_read_ms; /* real mono of the last look, 0 never */
	kube_cred cred;       /* of the plug-in */
	int64_t cred_read_ms; /* real mono of when we got it */
	int64_t refused;      /* serial of the credential that the server refused last */
};

kube_auth *kube_auth_new(const ns_kubeconfig *cfg, const ns_cancel *cancel)
{
	kube_auth *a = ns_xcalloc(1, sizeof *a);
	a->cfg = cfg;
	a->cancel = cancel;
	return a;
}

void kube_auth_free(kube_auth *a)
{
	if (!a)
		return;
	ns_secret_free(a->file_token);
	kube_cred_free(&a->cred);
	free(a);
}

void kube_auth_cancel(kube_auth *a, const ns_cancel *cancel)
{
	a->cancel = cancel;
}

static bool read_token_file(kube_auth *a, ns_err *err)
{
	ns_buf b = NS_BUF_INIT;
	int64_t now = ns_real_mono_ms();
	if (a->file_read_ms && now - a->file_read_ms < TOKEN_AGE_MS)
		return true;
	bool ok = ns_read_file(a->cfg->token_file, 1u << 20, &b, err);
	if (ok) {
		char *t = b.data ? b.data + strspn(b.data, " \t\r\n") : NULL;
		size_t n = t ? strlen(t) : 0;
		while (n && strchr(" \t\r\n", t[n - 1]))
			t[--n] = '\0';
		ok = n > 0 || ns_fail(err, NS_E_INVALID, "token file %s is empty", a->cfg->token_file);
		if (ok) {
			ns_secret_free(a->file_token);
			a->file_token = ns_secret_new(t);
			a->file_read_ms = now;
		}
	}
	if (b.data)
		explicit_bzero(b.data, b.len);
	ns_buf_free(&b);
	return ok || a->file_token || a->cfg->token;
}

/* A plug-in is not run when the configuration already gives a token, basic auth or a client certificate. */
static bool wants_plugin(const ns_kubeconfig *k)
{
	return *k->exec_json && !k->token && !*k->token_file && !*k->username && !*k->client_cert_pem;
}

static void set_certificate(CURL *easy, const char *cert_pem, const ns_secret *key_pem)
{
	const char *key = ns_secret_reveal(key_pem);
	struct curl_blob c = {.data = ns_xstrdup(cert_pem), .len = strlen(cert_pem), .flags = CURL_BLOB_COPY};
	struct curl_blob k = {.data = ns_xstrdup(key), .len = strlen(key), .flags = CURL_BLOB_COPY};
	curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
	curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
	curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &c);
	curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &k);
	explicit_bzero(k.data, k.len);
	free(c.data);
	free(k.data);
}

static void bearer(struct curl_slist **headers, const ns_secret *token)
{
	char *line = ns_xasprintf("Authorization: Bearer %s", ns_secret_reveal(token));
	kube_append_header(headers, line);
	explicit_bzero(line, strlen(line));
	free(line);
}

static void impersonate(struct curl_slist **headers, const char *as_json)
{
	cJSON *as = *as_json ? ns_json_parse(as_json, strlen(as_json), &ns_json_strict, NULL) : NULL;
	if (!as)
		return;
	ns_buf line = NS_BUF_INIT;
	ns_buf_printf(&line, "Impersonate-User: %s", ns_json_str(as, "as", ""));
	kube_append_header(headers, ns_buf_str(&line));
	if (*ns_json_str(as, "as-uid", "")) {
		ns_buf_clear(&line);
		ns_buf_printf(&line, "Impersonate-Uid: %s", ns_json_str(as, "as-uid", ""));
		kube_append_header(headers, ns_buf_str(&line));
	}
	ns_json_each(g, ns_json_get(as, "as-groups"))
	{
		ns_buf_clear(&line);
		ns_buf_printf(&line, "Impersonate-Group: %s", cJSON_IsString(g) ? g->valuestring : "");
		kube_append_header(headers, ns_buf_str(&line));
	}
	ns_json_each(x, ns_json_get(as, "as-user-extra"))
	{
		ns_json_each(v, x)
		{
			ns_buf_clear(&line);
			ns_buf_puts(&line, "Impersonate-Extra-");
			ns_url_escape(&line, x->string);
			ns_buf_printf(&line, ": %s", cJSON_IsString(v) ? v->valuestring : "");
			kube_append_header(headers, ns_buf_str(&line));
		}
	}
	cJSON_Delete(as);
	ns_buf_free(&line);
}

static bool usable(const kube_auth *a)
{
	return a->cred.serial && a->cred.serial != a->refused &&
	    (kube_cred_fresh(&a->cred) || ns_real_mono_ms() - a->cred_read_ms < TAKEN_AT_ITS_WORD_MS);
}

void kube_auth_take(kube_auth *a, kube_cred *cred)
{
	kube_cred_free(&a->cred);
	a->cred = *cred;
	a->cred_read_ms = ns_real_mono_ms();
	*cred = (kube_cred){0};
}

/* Over plain http nothing is sent, so nothing need be had. */
static bool plain(const ns_kubeconfig *k)
{
	return strncmp(k->server, "https://", 8) != 0;
}

bool kube_auth_ready(kube_auth *a)
{
	kube_cred known = {0};
	if (plain(a->cfg) || !wants_plugin(a->cfg) || usable(a))
		return true;
	if (!kube_exec_known(a->cfg, a->refused, &known))
		return false;
	kube_auth_take(a, &known);
	return true;
}

static bool use_plugin(kube_auth *a, ns_err *err)
{
	kube_cred got = {0};
	if (usable(a))
		return true;
	if (!kube_exec_credential(a->cfg, a->cancel, a->refused, &got, err))
		return false;
	kube_auth_take(a, &got);
	return true;
}

bool kube_auth_apply(kube_auth *a, CURL *easy, struct curl_slist **headers, ns_err *err)
{
	const ns_kubeconfig *k = a->cfg;
	const ns_secret *token = k->token;
	if (plain(k))
		return true;
	if (*k->client_cert_pem && k->client_key_pem)
		set_certificate(easy, k->client_cert_pem, k->client_key_pem);
	if (*k->token_file) {
		if (!read_token_file(a, err))
			return ns_err_wrap(err, "credentials of user \"%s\"", k->user);
		if (a->file_token)
			token = a->file_token;
	} else if (wants_plugin(k)) {
		if (!use_plugin(a, err))
			return ns_err_wrap(err, "credentials of user \"%s\"", k->user);
		token = a->cred.token;
		if (*a->cred.cert_pem)
			set_certificate(easy, a->cred.cert_pem, a->cred.key_pem);
	}
	if (token) {
		bearer(headers, token);
	} else if (*k->username) {
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERNAME, k->username);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, k->password ? ns_secret_reveal(k->password) : "");
	}
	impersonate(headers, k->as_json);
	return true;
}

int64_t kube_auth_serial(const kube_auth *a)
{
	return a->cred.serial;
}

int64_t kube_auth_last_refused(const kube_auth *a)
{
	return a->refused;
}

bool kube_auth_refused(kube_auth *a, int64_t serial)
{
	bool again = *a->cfg->token_file || wants_plugin(a->cfg);
	a->file_read_ms = 0;
	if (serial > a->refused)
		a->refused = serial;
	return again;
}
