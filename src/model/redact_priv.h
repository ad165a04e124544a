/* The parts of redaction: what looks like a secret by itself, and which names announce one. Private to model. */
#ifndef NEUROSCALE_MODEL_REDACT_PRIV_H
#define NEUROSCALE_MODEL_REDACT_PRIV_H
#include <stdbool.h>
#include <stddef.h>
#include "neuroscale/base/buf.h"

/* ---- redact_token.c: secrets that show by their own form ---- */

/* Length of the secret that begins at s[i], 0 when none does; *kind is its name. `skip` bytes of it stay visible. */
size_t ns_redact_token(const char *s, size_t n, size_t i, const char **kind, size_t *skip);
/* Has a digit or mixed case or base64 padding, and `least` bytes: no word of a language. */
bool ns_redact_looks_random(const char *s, size_t n, size_t least);

/* Length of a PEM block that begins at s[i] and is public (a certificate, a public key) and nothing else, 0 when none does. */
size_t ns_redact_public_block(const char *s, size_t n, size_t i);

/* ---- redact_view.c: the text as a reader sees it ---- */
/* False when that is the text itself. Else *plain is it, and (*place)[k] where its byte k stands in s, up to plain->len, which is n; caller frees both. */
bool ns_redact_view(const char *s, size_t n, ns_buf *plain, size_t **place);
/* Where in s the character ends that begins at `place` and is seen as this byte of the view. */
size_t ns_redact_view_end(const char *s, size_t n, size_t place, char seen_as);

/* ---- redact_shell.c: options whose value is a secret ---- */
/* An option begins at s[i] whose value s[*from, *to) is a secret. */
bool ns_redact_shell(const char *s, size_t n, size_t i, size_t *from, size_t *to);

/* ---- redact_object.c: Kubernetes Secrets ---- */
bool ns_redact_is_secret_object(const char *s, size_t n); /* one is somewhere in the text */
/* The next data of one from i on: s[*from, *to), both n when there is none. */
void ns_redact_secret_data(const char *s, size_t n, size_t i, size_t *from, size_t *to);

/* ---- redact_email.c ---- */
bool ns_redact_wants_email(void);
size_t ns_redact_email(const char *s, size_t n, size_t i); /* length of the address that begins at s[i], 0 none */

/* ---- redact_key.c: names of secrets ---- */

typedef enum ns_key_strength {
	NS_KEY_HARMLESS,
	NS_KEY_WEAK,   /* "auth", "sig": only a random-looking value is a secret */
	NS_KEY_CODE,   /* "otp": digits */
	NS_KEY_NOUN,   /* "token", "secret", "credential": also words of ordinary sentences */
	NS_KEY_STRONG, /* "password", "api_key" */
	NS_KEY_HEADER, /* "Authorization", "Cookie": the value may hold spaces */
} ns_key_strength;

typedef struct ns_key_info {
	ns_key_strength strength;
	const char *kind;
	bool bare;   /* the name is one word: "secret", "pwd" */
	bool reference; /* "existingSecret", "tlsSecret": mostly the name of an object */
	bool setting; /* of a name in capitals that ends in KEY nothing else is known */
	bool plural; /* "passwords", "tokens": its value is a list, or a count */
} ns_key_info;

ns_key_info ns_redact_key(const char *key, size_t n);

/* ---- redact_value.c: is this value of such a key a secret ---- */

typedef struct ns_value_context {
	ns_key_info key;
	bool key_quoted, value_quoted;
	bool loose;      /* ":" or spaces around "=": could be a sentence */
	bool after_word; /* the name follows another word: "unexpected token: x" */
} ns_value_context;

/* The value is s[from, to); what follows it in its line may show that it is a sentence. */
bool ns_redact_value(const ns_value_context *c, const char *s, size_t n, size_t from, size_t to);
#endif
