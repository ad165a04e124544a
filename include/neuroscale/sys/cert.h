/* X.509 certificates by OpenSSL libcrypto: what one says, and what is wrong with one that a server showed, in words. Nothing here decides whom a
 * connection trusts (libcurl does); it tells a person why it was refused. Thread-safe; strings in results are for people: clean them at the edge. */
#ifndef NEUROSCALE_SYS_CERT_H
#define NEUROSCALE_SYS_CERT_H
#include <stdbool.h>
#include <stdint.h>
#include "neuroscale/base/err.h"

typedef struct ns_cert_info {
	char subject[128], issuer[128]; /* the common name, else the organisation, "" neither */
	char organisation[128];         /* O of the subject (a client's groups), "" none */
	char names[320];                /* DNS names and addresses it is valid for, ", " between them, "…" when there are more */
	int64_t not_before_ms, not_after_ms; /* wall */
} ns_cert_info;
/* The first certificate of a PEM text. NS_E_INVALID when there is none. */
bool ns_cert_read(const char *pem, ns_cert_info *out, ns_err *err);

typedef enum ns_cert_fault {
	NS_CERT_GOOD,
	NS_CERT_UNKNOWN_CA,   /* signed by none of the authorities that are trusted */
	NS_CERT_WRONG_NAME,   /* valid, for another name */
	NS_CERT_EXPIRED,      /* it or one above it */
	NS_CERT_NOT_YET,      /* valid from a later time on */
	NS_CERT_OTHER         /* the text says */
} ns_cert_fault;
/* Judges what a server showed (leaf first) at wall time now_ms for `name` (a DNS name, or an address without brackets). ca_pem "" means the
 * system's authorities. text (cap bytes) says what is wrong, "" when good. */
ns_cert_fault ns_cert_judge(const char *chain_pem, const char *ca_pem, const char *name, int64_t now_ms, char *text, int cap);
#endif
