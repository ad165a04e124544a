/* The audit outside of the store: what it is held against, and its exported form. One JSON object a line:
 *
 *   {"seq":7,"at":"2026-11-24T03:00:00Z","at_ms":…,"incident":3,"actor":…,"action":…,"detail":…,"who":{…},"digest":…,"before":{…},"after":{…},
 *    "facts":"12-14:…","row":"<digest of all this>","hash":"<SHA-256 of the hash before it and row>"}
 *
 * detail, who, before and after are the stored text as JSON; where that would not give the same bytes back it is a string in KEY_text. What is not
 * shown (another incident's row, or one that today's redaction would hide something of) is {"seq","row","hash"} with or without more: its digest still
 * carries the chain. A row of the first form has no `row`: not shown, its hash is taken as given. The first line has "prev", the hash before it. */
#ifndef NEUROSCALE_APP_AUDIT_H
#define NEUROSCALE_APP_AUDIT_H
#include "neuroscale/store/store.h"

/* What --anchor names: HASH@ROW, HASH, or files. *skipped: lines in files that are of another state directory. Free *out. */
bool audit_anchors_read(const char *const *names, const char *head, const char *state_dir, ns_audit_anchor **out, size_t *n, size_t *skipped, ns_err *err);
/* A row as a line, without its newline. shown: else its digest only. prev: NULL but for the first line. */
void audit_line(ns_buf *out, const ns_audit_row *r, bool shown, const char *prev);
typedef struct audit_file_proof {
	int64_t first, rows, shown, given; /* first: seq of the first row; given: hashes that could not be checked */
	char prev[65], head[65];
} audit_file_proof;
/* An exported file, read line by line. False: names the first line that is wrong. */
bool audit_file_prove(const char *path, ns_audit_anchors *anchors, audit_file_proof *out, ns_err *err);
#endif
