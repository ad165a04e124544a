/* X.509 for people. Verification repeats what TLS does, on the certificates that were shown, so that the reason can be told apart:
 * libcurl's own words are one sentence for an unknown authority, a wrong name and a wrong clock. */
#include "neuroscale/sys/cert.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "neuroscale/base/buf.h"

static X509 *next_of(BIO *in)
{
	X509 *c = PEM_read_bio_X509(in, NULL, NULL, NULL);
	ERR_clear_error(); /* the end of the text is one too */
	return c;
}

static void name_part(const X509_NAME *name, int nid, char *out, size_t cap)
{
	int i = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *text = NULL;
	*out = '\0';
	if (i < 0 || ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i))) < 0)
		return;
	ns_copy(out, cap, (const char *)text);
	OPENSSL_free(text);
}

static void common_name(const X509_NAME *name, char *out, size_t cap)
{
	name_part(name, NID_commonName, out, cap);
	if (!*out)
		name_part(name, NID_organizationName, out, cap);
}

static int64_t time_of(const ASN1_TIME *t)
{
	struct tm tm = {0};
	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

static void one_name(const GENERAL_NAME *g, char *out, size_t cap)
{
	int type;
	const ASN1_STRING *s = GENERAL_NAME_get0_value(g, &type);
	*out = '\0';
	if (type == GEN_DNS)
		snprintf(out, cap, "%.*s", ASN1_STRING_length(s), (const char *)ASN1_STRING_get0_data(s));
	else if (type == GEN_IPADD)
		inet_ntop(ASN1_STRING_length(s) == 16 ? AF_INET6 : AF_INET, ASN1_STRING_get0_data(s), out, (socklen_t)cap);
}

static void all_names(const X509 *c, char *out, size_t cap)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(c, NID_subject_alt_name, NULL, NULL);
	size_t n = 0;
	*out = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		char one[256];
		one_name(sk_GENERAL_NAME_value(list, i), one, sizeof one);
		if (!*one)
			continue;
		if (n + strlen(one) + sizeof ", …" >= cap) {
			snprintf(out + n, cap - n, "…");
			break;
		}
		n += (size_t)snprintf(out + n, cap - n, "%s%s", n ? ", " : "", one);
	}
	GENERAL_NAMES_free(list);
}

static void describe(const X509 *c, ns_cert_info *out)
{
	common_name(X509_get_subject_name(c), out->subject, sizeof out->subject);
	common_name(X509_get_issuer_name(c), out->issuer, sizeof out->issuer);
	name_part(X509_get_subject_name(c), NID_organizationName, out->organisation, sizeof out->organisation);
	all_names(c, out->names, sizeof out->names);
	out->not_before_ms = time_of(X509_get0_notBefore(c));
	out->not_after_ms = time_of(X509_get0_notAfter(c));
}

bool ns_cert_read(const char *pem, ns_cert_info *out, ns_err *err)
{
	BIO *in = BIO_new_mem_buf(pem, -1);
	X509 *c = in ? next_of(in) : NULL;
	*out = (ns_cert_info){0};
	if (c)
		describe(c, out);
	X509_free(c);
	BIO_free(in);
	return c || ns_fail(err, NS_E_INVALID, "there is no certificate in it");
}

/* ---- what is wrong ---- */

static const struct {
	int code;
	ns_cert_fault fault;
} faults[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, NS_CERT_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, NS_CERT_NOT_YET},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, NS_CERT_UNKNOWN_CA},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, NS_CERT_UNKNOWN_CA},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, NS_CERT_UNKNOWN_CA},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, NS_CERT_UNKNOWN_CA},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, NS_CERT_UNKNOWN_CA},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, NS_CERT_UNKNOWN_CA}, /* an authority of the same name with another key */
    {X509_V_ERR_HOSTNAME_MISMATCH, NS_CERT_WRONG_NAME},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, NS_CERT_WRONG_NAME},
};

static ns_cert_fault fault_of(int code)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		if (faults[i].code == code)
			return faults[i].fault;
	return NS_CERT_OTHER;
}

static void day(int64_t wall_ms, char out[16])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	gmtime_r(&t, &tm);
	strftime(out, 16, "%Y-%m-%d", &tm);
}

static void say(ns_cert_fault fault, int code, const ns_cert_info *leaf, const X509 *at, const char *name, char *text, size_t cap)
{
	ns_cert_info bad = {0};
	char from[16], until[16];
	describe(at, &bad);
	day(bad.not_before_ms, from);
	day(bad.not_after_ms, until);
	switch (fault) {
	case NS_CERT_UNKNOWN_CA:
		snprintf(text, cap, "signed by \"%s\", which is not among the authorities trusted here", leaf->issuer);
		break;
	case NS_CERT_WRONG_NAME:
		snprintf(text, cap, "it is not for %s, but for %s", name, *leaf->names ? leaf->names : leaf->subject);
		break;
	case NS_CERT_EXPIRED: snprintf(text, cap, "\"%s\" expired on %s", bad.subject, until); break;
	case NS_CERT_NOT_YET: snprintf(text, cap, "\"%s\" is not valid before %s", bad.subject, from); break;
	default: snprintf(text, cap, "%s", X509_verify_cert_error_string(code));
	}
}

static X509_STORE *trust(const char *ca_pem)
{
	X509_STORE *store = X509_STORE_new();
	BIO *in = *ca_pem ? BIO_new_mem_buf(ca_pem, -1) : NULL;
	if (!in)
		X509_STORE_set_default_paths(store);
	for (X509 *c; in && (c = next_of(in)); X509_free(c))
		X509_STORE_add_cert(store, c);
	BIO_free(in);
	return store;
}

static int verify(X509_STORE *store, X509 *leaf, STACK_OF(X509) * chain, const char *name, int64_t now_ms, X509_STORE_CTX *ctx)
{
	if (!X509_STORE_CTX_init(ctx, store, leaf, chain))
		return X509_V_ERR_UNSPECIFIED;
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_time(p, (time_t)(now_ms / 1000));
	/* As libcurl: an authority that is trusted need not be a root. */
	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	if (!X509_VERIFY_PARAM_set1_ip_asc(p, name))
		X509_VERIFY_PARAM_set1_host(p, name, 0);
	return X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
}

ns_cert_fault ns_cert_judge(const char *chain_pem, const char *ca_pem, const char *name, int64_t now_ms, char *text, int cap)
{
	BIO *in = BIO_new_mem_buf(chain_pem, -1);
	X509 *leaf = in ? next_of(in) : NULL;
	ns_cert_fault fault = NS_CERT_OTHER;
	snprintf(text, (size_t)cap, "it cannot be read");
	if (leaf) {
		ns_cert_info info = {0};
		STACK_OF(X509) *chain = sk_X509_new_null();
		X509_STORE *store = trust(ca_pem);
		X509_STORE_CTX *ctx = X509_STORE_CTX_new();
		for (X509 *c; (c = next_of(in));)
			sk_X509_push(chain, c);
		int code = verify(store, leaf, chain, name, now_ms, ctx);
		X509 *at = X509_STORE_CTX_get_current_cert(ctx);
		fault = code == X509_V_OK ? NS_CERT_GOOD : fault_of(code);
		describe(leaf, &info);
		*text = '\0';
		if (fault != NS_CERT_GOOD)
			say(fault, code, &info, at ? at : leaf, name, text, (size_t)cap);
		X509_STORE_CTX_free(ctx);
		X509_STORE_free(store);
		sk_X509_pop_free(chain, X509_free);
	}
	ERR_clear_error();
	X509_free(leaf);
	BIO_free(in);
	return fault;
}
