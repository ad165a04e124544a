/* Certificates made to order: any name, any life, signed by any authority. */
#ifndef TESTS_APP_CERT_MAKER_H
#define TESTS_APP_CERT_MAKER_H
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

typedef struct made_cert {
	X509 *cert;
	EVP_PKEY *key;
	char pem[4096], key_pem[4096];
} made_cert;

static void made_text(BIO *b, char *out, size_t cap)
{
	int n = BIO_read(b, out, (int)cap - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(b);
}

/* san: "DNS:kube.test" or NULL for an authority. Life in days from now. by NULL: self-signed. */
static void make_cert(made_cert *m, const char *cn, const char *org, const char *san, int from_day, int to_day, const made_cert *by)
{
	static long serial = 1;
	BIO *a = BIO_new(BIO_s_mem()), *b = BIO_new(BIO_s_mem());
	m->cert = X509_new();
	m->key = EVP_EC_gen("P-256");
	X509_set_version(m->cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(m->cert), serial++);
	X509_gmtime_adj(X509_getm_notBefore(m->cert), from_day * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(m->cert), to_day * 86400L);
	X509_set_pubkey(m->cert, m->key);
	if (org)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(m->cert), "O", MBSTRING_UTF8, (const unsigned char *)org, -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(m->cert), "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(m->cert, X509_get_subject_name(by ? by->cert : m->cert));
	X509_EXTENSION *e = san ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san)
	                        : X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
	X509_add_ext(m->cert, e, -1);
	X509_EXTENSION_free(e);
	X509_sign(m->cert, by ? by->key : m->key, EVP_sha256());
	PEM_write_bio_X509(a, m->cert);
	PEM_write_bio_PrivateKey(b, m->key, NULL, NULL, 0, NULL, NULL);
	made_text(a, m->pem, sizeof m->pem);
	made_text(b, m->key_pem, sizeof m->key_pem);
}

static void free_cert(made_cert *m)
{
	X509_free(m->cert);
	EVP_PKEY_free(m->key);
}
#endif
