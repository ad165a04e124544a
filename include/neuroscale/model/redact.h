/* The one redaction point (law 12): what leaves the process (model, audit, log, screen, Slack, MCP) passes here first. Pure, thread-safe. */
#ifndef NEUROSCALE_MODEL_REDACT_H
#define NEUROSCALE_MODEL_REDACT_H
#include <stdbool.h>
#include "neuroscale/base/buf.h"
/* Appends s with secrets replaced by "[redacted:KIND]": bearer tokens, JWTs, private keys, cloud access keys, passwords in URLs,
 * key=value pairs whose key names a secret, base64 of Kubernetes Secret data. Returns how many were replaced. */
size_t ns_redact(ns_buf *out, const char *s, size_t n);
/* Whether e-mail addresses are secrets too (no). For the whole process; set it before the first thread. */
void ns_redact_emails(bool on);
/* ns_text_clean after ns_redact, one line, capped: for evidence. Caller frees. */
char *ns_redact_line(const char *s, size_t n, size_t max_bytes);

/* A secret that cannot be printed: its only reader is the function that puts it into a request. */
typedef struct ns_secret ns_secret;
ns_secret *ns_secret_new(const char *value);
void ns_secret_free(ns_secret *s);                  /* wipes */
const char *ns_secret_reveal(const ns_secret *s);   /* grep for this name to see every use */
#endif
