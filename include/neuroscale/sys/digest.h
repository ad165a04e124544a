/* Digests, HMAC, base64 and random bytes, by OpenSSL libcrypto. Thread-safe. */
#ifndef NEUROSCALE_SYS_DIGEST_H
#define NEUROSCALE_SYS_DIGEST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/buf.h"

#define NS_HEX256 65 /* 64 hex digits and NUL */
void ns_sha256_hex(const void *data, size_t n, char out[NS_HEX256]);
void ns_hmac_sha256_hex(const void *key, size_t key_len, const void *data, size_t n, char out[NS_HEX256]);
/* A digest over fields that cannot run into each other: each is hashed as "<len>:<bytes>,". */
typedef struct ns_digest ns_digest;
ns_digest *ns_digest_new(void);
void ns_digest_field(ns_digest *d, const char *name, const char *value); /* NULL value differs from "" */
void ns_digest_finish(ns_digest *d, char out[NS_HEX256]);                /* frees d */
void ns_random_hex(char *out, size_t hex_digits);                        /* out holds hex_digits + 1; getrandom */
uint64_t ns_random_u64(void);
bool ns_base64_decode(const char *s, size_t n, ns_buf *out);             /* white space ignored; false when malformed */
void ns_base64_encode(const void *data, size_t n, ns_buf *out);
bool ns_const_time_eq(const char *a, const char *b);                     /* for tokens and digests */
#endif
