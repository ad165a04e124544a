/* The way to a cluster: kubeconfig, network, certificate, clocks, login, server. What is wrong is said in words that name the way out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "doctor_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/kube/token.h"
#include "neuroscale/sys/cert.h"
#include "neuroscale/sys/fs.h"

#define DAY_MS 86400000ll
enum { SOON_DAYS = 14, SKEW_WARN_MS = 5000, SKEW_FAIL_MS = 300000, ASKED = 5, SLOW_MS = 500 };

static bool is_https(const ns_kubeconfig *k)
{
	return strncmp(k->server, "https://", 8) == 0;
}

static bool is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* ---- kubeconfig ---- */

static void client_certificate(doctor_run *r, const ns_kubeconfig *k)
{
	ns_cert_info c;
	ns_err err = {0};
	int64_t now = ns_clock_wall_ms(NULL);
	if (!ns_cert_read(k->client_cert_pem, &c, &err)) {
		doctor_fail(r, NS_E_INVALID, "", "the client certificate of user \"%s\" cannot be read: %s", k->user, err.text);
		return;
	}
	const char *who = ns_arena_printf(
	    r->ar, "client certificate of %s%s%s%s", c.subject, *c.organisation ? " (" : "", c.organisation, *c.organisation ? ")" : "");
	const char *renew = ns_arena_printf(r->ar, "renew it, and put it into %s", k->file);
	if (c.not_after_ms <= now)
		doctor_fail(r, NS_E_EXPIRED, renew, "%s, expired %s", who, doctor_when(r->ar, c.not_after_ms, now));
	else if (c.not_before_ms > now)
		doctor_fail(r, NS_E_INVALID, "look at the clock here", "%s, valid only %s", who, doctor_when(r->ar, c.not_before_ms, now));
	else if (c.not_after_ms - now < SOON_DAYS * DAY_MS)
		doctor_warn(r, renew, "%s, expires %s", who, doctor_when(r->ar, c.not_after_ms, now));
	else
		doctor_ok(r, "%s, expires %s", who, doctor_when(r->ar, c.not_after_ms, now));
}

static void token(doctor_run *r, const ns_kubeconfig *k, const ns_secret *secret, const char *from)
{
	ns_token_info t;
	int64_t now = ns_clock_wall_ms(NULL);
	if (!ns_token_read(secret, &t)) {
		doctor_ok(r, "a token%s, which does not say whose it is or how long it is good", from);
		return;
	}
	const char *who = ns_arena_printf(r->ar, "token%s of %s", from, *t.subject ? t.subject : "somebody");
	const char *renew = ns_arena_printf(r->ar, "get a new one, and put it into %s", *k->token_file ? k->token_file : k->file);
	if (t.expires_ms && t.expires_ms <= now)
		doctor_fail(r, NS_E_EXPIRED, renew, "%s, expired %s", who, doctor_when(r->ar, t.expires_ms, now));
	else if (t.expires_ms)
		doctor_ok(r, "%s, expires %s", who, doctor_when(r->ar, t.expires_ms, now));
	else
		doctor_warn(r, "a token with an end does less harm when it is lost (kubectl create token)", "%s, which never expires", who);
}

static void token_file(doctor_run *r, const ns_kubeconfig *k)
{
	ns_buf b = NS_BUF_INIT;
	ns_err err = {0};
	if (ns_read_file(k->token_file, 1u << 20, &b, &err)) {
		while (b.len && strchr(" \t\r\n", b.data[b.len - 1]))
			b.data[--b.len] = '\0';
		ns_secret *s = ns_secret_new(ns_buf_str(&b));
		token(r, k, s, ns_arena_printf(r->ar, " in %s", k->token_file));
		ns_secret_free(s);
	} else {
		doctor_fail_err(r, &err, "");
	}
	if (b.data)
		explicit_bzero(b.data, b.len);
	ns_buf_free(&b);
}

static void credential(doctor_run *r, const ns_kubeconfig *k)
{
	size_t before = r->n;
	if (*k->client_cert_pem)
		client_certificate(r, k);
	if (*k->token_file)
		token_file(r, k);
	else if (k->token)
		token(r, k, k->token, "");
	else if (*k->username)
		doctor_warn(r, "use a token or a client certificate: API servers dropped this in 1.19", "user name and password of %s",
		    k->username);
	else if (*k->exec_json && !*k->client_cert_pem) {
		cJSON *j = ns_json_parse(k->exec_json, strlen(k->exec_json), &ns_json_strict, NULL);
		doctor_ok(r, "given by the plug-in %s", ns_json_str(j, "command", "?"));
		cJSON_Delete(j);
	} else if (r->n == before && is_https(k))
		doctor_warn(r, ns_arena_printf(r->ar, "give user \"%s\" a credential in %s", k->user, k->file),
		    "none: the server sees system:anonymous");
	else if (r->n == before)
		doctor_ok(r, "none, over plain http none is sent");
	while (before < r->n) {
		r->lines[before++].name = "credential";
	}
	if (*k->as_json) {
		cJSON *j = ns_json_parse(k->as_json, strlen(k->as_json), &ns_json_strict, NULL);
		doctor_ok(r, "every request is sent as %s", ns_json_str(j, "as", "?"));
		doctor_name_last(r, "impersonation");
		cJSON_Delete(j);
	}
}

static void oddities(doctor_run *r, const ns_kubeconfig *k)
{
	if (k->insecure && is_https(k)) {
		doctor_warn(r, ns_arena_printf(r->ar, "give cluster \"%s\" its certificate-authority in %s instead", k->cluster, k->file),
		    "insecure-skip-tls-verify is set: whoever answers in the server's place gets the credential");
		doctor_name_last(r, "trust");
	}
	if (*k->proxy_url) {
		doctor_ok(r, "%s", k->proxy_url);
		doctor_name_last(r, "proxy");
	}
}

void doctor_way_kubeconfig(doctor_run *r)
{
	const ns_config *c = r->t->cfg;
	ns_err err = {0};
	ns_kubeconfig *k = ns_kubeconfig_load(*c->kubeconfig ? c->kubeconfig : NULL, *c->context ? c->context : NULL, &err);
	if (!k) {
		doctor_fail_err(r, &err, "");
		return;
	}
	r->t->kc = k;
	if (!*r->t->name)
		r->t->name = k->context;
	if (k->in_cluster)
		doctor_ok(r, "the service account of this pod, %s", k->server);
	else
		doctor_ok(r, "%s, context %s, user %s, %s", k->file, k->context, k->user, k->server);
	credential(r, k);
	oddities(r, k);
	/* A credential that is over is told here and refused at the login; the way there is looked at all the same. */
	for (size_t i = 0; i < r->n; i++)
		if (r->lines[i].status == DOCTOR_FAIL)
			r->lines[i].soft = true;
}

/* ---- network ---- */

void doctor_way_network(doctor_run *r)
{
	const ns_kubeconfig *k = r->t->kc;
	ns_way *w = &r->t->way;
	ns_way_walk(k, "/version", r->deadline_ms - 500, r->cancel, w);
	const char *through = *k->proxy_url ? ns_arena_printf(r->ar, " through the proxy %s", k->proxy_url) : "";
	const char *late = ns_arena_printf(r->ar, "no answer within %d s", r->deadline_ms / 1000);
	const char *where = ns_arena_printf(r->ar, strchr(w->host, ':') ? "[%s]:%s" : "%s:%s", w->host, w->port);
	ns_code code = w->timed_out ? NS_E_TIMEOUT : NS_E_UNREACHABLE;
	switch (w->end) {
	case NS_WAY_NO_NAME:
		doctor_fail(r, code, "check the server's name in the kubeconfig, /etc/resolv.conf, and the VPN",
		    "the name %s does not resolve%s%s%s", w->host, through, w->timed_out ? ": " : "", w->timed_out ? late : "");
		return;
	case NS_WAY_NO_CONNECT:
		doctor_fail(r, code,
		    w->timed_out ? "a firewall drops it, or the VPN is down" : "is the API server up, and is this its port?",
		    "nothing answers at %s%s (%s)", where, through, w->timed_out ? late : w->detail);
		return;
	case NS_WAY_NO_TLS:
		doctor_fail(r, code,
		    strstr(w->detail, "wrong version number") ? "what listens there does not speak TLS: is it http://, or another port?"
		                                              : "",
		    "%s is connected, but no TLS comes about%s (%s)", where, through, w->timed_out ? late : w->detail);
		return;
	case NS_WAY_NO_ANSWER:
		doctor_fail(r, code, "is it an API server? kubectl get --raw /version", "%s is connected, but does not answer%s (%s)",
		    where, through, w->timed_out ? late : w->detail);
		return;
	case NS_WAY_ANSWERED: break;
	}
	doctor_ok(r, "%s%s%s%s%s, name %.1f ms, connect %.1f ms, TLS %.1f ms", where, strcmp(w->address, w->host) ? " (" : "",
	    strcmp(w->address, w->host) ? w->address : "", strcmp(w->address, w->host) ? ")" : "", through, w->dns_ms, w->tcp_ms,
	    w->tls_ms);
}

/* ---- certificate ---- */

static const char *out_of_distrust(doctor_run *r, ns_cert_fault fault)
{
	const ns_kubeconfig *k = r->t->kc;
	const ns_way *w = &r->t->way;
	if ((fault == NS_CERT_EXPIRED || fault == NS_CERT_NOT_YET) && w->date_ms && llabs(w->seen_ms - w->date_ms) > SKEW_FAIL_MS)
		return ns_arena_printf(r->ar, "the clock here is %s %s the server's: set it first",
		    doctor_span(r->ar, w->seen_ms - w->date_ms), w->seen_ms > w->date_ms ? "ahead of" : "behind");
	switch (fault) {
	case NS_CERT_UNKNOWN_CA:
		return *k->ca_pem ? ns_arena_printf(r->ar, "certificate-authority of cluster \"%s\" in %s is another cluster's, or old",
		                        k->cluster, k->file)
		                  : ns_arena_printf(r->ar,
		                        "give cluster \"%s\" its certificate-authority in %s; the system's authorities do not know it",
		                        k->cluster, k->file);
	case NS_CERT_WRONG_NAME:
		return ns_arena_printf(
		    r->ar, "use one of those names as server, or as tls-server-name, of cluster \"%s\" in %s", k->cluster, k->file);
	case NS_CERT_EXPIRED: return "renew the server's certificate (kubeadm certs renew)";
	case NS_CERT_NOT_YET: return "look at the clocks here and there";
	default: return "";
	}
}

void doctor_way_certificate(doctor_run *r)
{
	const ns_kubeconfig *k = r->t->kc;
	const ns_way *w = &r->t->way;
	char why[512];
	ns_cert_info c = {0};
	int64_t now = ns_clock_wall_ms(NULL);
	if (!w->https) {
		if (is_loopback(w->host))
			doctor_ok(r, "none: plain http, on this machine");
		else
			doctor_warn(r, "use https://", "none: plain http, everybody on the way reads along, and no credential is sent");
		return;
	}
	ns_cert_fault fault = w->chain_pem ? ns_cert_judge(w->chain_pem, k->ca_pem, w->tls_name, now, why, sizeof why) : NS_CERT_OTHER;
	if (w->chain_pem)
		ns_cert_read(w->chain_pem, &c, NULL);
	else
		snprintf(why, sizeof why, "the server showed none");
	if (fault != NS_CERT_GOOD && k->insecure)
		doctor_warn(r, out_of_distrust(r, fault), "not trusted, and not checked either: %s", why);
	else if (fault != NS_CERT_GOOD)
		doctor_fail(
		    r, fault == NS_CERT_EXPIRED ? NS_E_EXPIRED : NS_E_UNREACHABLE, out_of_distrust(r, fault), "not trusted: %s", why);
	else if (c.not_after_ms - now < SOON_DAYS * DAY_MS)
		doctor_warn(r, "renew the server's certificate (kubeadm certs renew)", "%s by %s, expires %s", c.subject, c.issuer,
		    doctor_when(r->ar, c.not_after_ms, now));
	else
		doctor_ok(
		    r, "%s by %s, good for %s, expires %s", c.subject, c.issuer, w->tls_name, doctor_when(r->ar, c.not_after_ms, now));
}

void doctor_way_skew(doctor_run *r)
{
	const ns_way *w = &r->t->way;
	int64_t apart = w->seen_ms - w->date_ms; /* the header has whole seconds */
	if (!w->date_ms) {
		doctor_skip(r, "the server does not tell its time");
		return;
	}
	const char *words =
	    ns_arena_printf(r->ar, "the clock here is %s %s the server's", doctor_span(r->ar, apart), apart > 0 ? "ahead of" : "behind");
	if (llabs(apart) > SKEW_FAIL_MS)
		doctor_fail(r, NS_E_INVALID, "keep both by a time service (chrony)",
		    "%s: tokens and certificates are refused, and when an incident began cannot be told", words);
	else if (llabs(apart) > SKEW_WARN_MS)
		doctor_warn(r, "keep both by a time service (chrony)", "%s", words);
	else
		doctor_ok(r, "less than %d s", SKEW_WARN_MS / 1000);
}

/* ---- login ---- */

static void say_who(doctor_run *r, ns_kube_client *c)
{
	ns_err err = {0};
	cJSON *who = ns_kube_whoami(c, &err);
	if (!who) {
		doctor_ok(r, "accepted%s", err.code == NS_E_NOTFOUND ? "; whom it sees in us, a server before 1.28 does not say" : "");
		return;
	}
	ns_buf groups = NS_BUF_INIT;
	ns_json_each(
	    g, ns_json_get(who, "groups")) if (cJSON_IsString(g) && strcmp(g->valuestring, "system:authenticated") != 0 && groups.len < 400)
	    ns_buf_printf(&groups, "%s%s", groups.len ? ", " : " (", g->valuestring);
	doctor_ok(r, "%s%s%s", ns_json_str(who, "username", "?"), ns_buf_str(&groups), groups.len ? ")" : "");
	ns_buf_free(&groups);
	cJSON_Delete(who);
}

/* Over which right is argued later; here only whether the server knows us at all. /api is open to everybody who is known. */
void doctor_way_login(doctor_run *r)
{
	const ns_kubeconfig *k = r->t->kc;
	ns_err err = {0};
	ns_buf body = NS_BUF_INIT;
	int http = 0;
	ns_kube_client *c = ns_kube_client_new(k, NULL, r->cancel, &err);
	bool ok = c && ns_kube_get_raw(c, "/api", 1 << 16, &body, &http, &err);
	if (http == 401) {
		ns_token_info t = {0};
		bool old = k->token && ns_token_read(k->token, &t) && t.expires_ms && t.expires_ms < ns_clock_wall_ms(NULL);
		doctor_fail(r, NS_E_DENIED,
		    ns_arena_printf(r->ar, "log in again, and put the new credential of user \"%s\" into %s", k->user, k->file),
		    "401: the server does not accept the credential%s",
		    old ? ", which expired" : "; it expired, was withdrawn, or is another cluster's");
	} else if (http == 403 && strstr(err.text, "system:anonymous")) {
		doctor_fail(r, NS_E_DENIED, ns_arena_printf(r->ar, "give user \"%s\" a credential in %s", k->user, k->file),
		    "403: no credential was sent, and system:anonymous may do nothing");
	} else if (http == 403) {
		say_who(r, c); /* known, and not allowed this */
	} else if (ok) {
		say_who(r, c);
	} else {
		doctor_fail_err(r, &err, "");
	}
	ns_kube_client_free(c);
	ns_buf_free(&body);
}

/* ---- server ---- */

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* The version, and in *p50 how long it took to ask for it at the median. */
static bool read_version(doctor_run *r, ns_kube_client *c, double *p50, ns_err *err)
{
	double took[ASKED];
	for (int i = 0; i < ASKED; i++) {
		double start = now_ms();
		cJSON *j = ns_kube_get(c, "/version", err);
		took[i] = now_ms() - start;
		if (!j)
			return false;
		ns_copy(r->t->version, sizeof r->t->version, ns_json_str(j, "gitVersion", ""));
		r->t->minor = (int)strtol(ns_json_str(j, "minor", "0"), NULL, 10);
		cJSON_Delete(j);
	}
	qsort(took, ASKED, sizeof *took, by_size);
	*p50 = took[ASKED / 2];
	return *r->t->version || ns_fail(err, NS_E_INVALID, "%s has no version: this is no Kubernetes API", r->t->kc->server);
}

/* NULL when it says that it is ready; else what it says. Without the right to ask it is taken for ready. */
static const char *not_ready(doctor_run *r, ns_kube_client *c)
{
	ns_buf body = NS_BUF_INIT;
	ns_err err = {0};
	int http = 0;
	const char *why = NULL;
	if (!ns_kube_get_raw(c, "/readyz", 4096, &body, &http, &err) && http >= 500)
		why = ns_arena_strdup(r->ar, err.text);
	ns_buf_free(&body);
	return why;
}

void doctor_way_server(doctor_run *r)
{
	ns_err err = {0};
	double p50 = 0;
	ns_kube_client *c = ns_kube_client_new(r->t->kc, NULL, r->cancel, &err);
	if (!c || !read_version(r, c, &p50, &err)) {
		doctor_fail_err(r, &err, "");
	} else {
		const char *why = not_ready(r, c),
		           *words = ns_arena_printf(r->ar, "%s, %.1f ms at the median of %d requests", r->t->version, p50, ASKED);
		if (why)
			doctor_warn(r, "kubectl get --raw '/readyz?verbose'", "%s, not ready: %s", words, why);
		else if (p50 > SLOW_MS)
			doctor_warn(r, "a watch bears it; dry-runs and approvals will feel slow", "%s, ready", words);
		else
			doctor_ok(r, "%s, ready", words);
	}
	ns_kube_client_free(c);
}

void doctor_way_kubectl_skew(doctor_run *r)
{
	const ns_kubectl_info *k = &r->host->kubectl;
	int apart = k->minor - r->t->minor;
	if (abs(apart) > 1)
		doctor_warn(r, "only flags that both know are used; a kubectl within one minor version is what Kubernetes supports",
		    "%s is %d minor versions %s than the server (%s)", k->version, abs(apart), apart > 0 ? "newer" : "older",
		    r->t->version);
	else
		doctor_ok(r, "%s fits %s", k->version, r->t->version);
}
