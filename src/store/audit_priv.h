/* Between the writer of the audit and who proves it. */
#ifndef NEUROSCALE_STORE_AUDIT_PRIV_H
#define NEUROSCALE_STORE_AUDIT_PRIV_H
#include "neuroscale/sys/digest.h"
#include "store_priv.h"

#define AUDIT_COLUMNS "seq, at_ms, incident, actor, action, detail, who, digest, before, after, facts, hash"

/* The digest of an incident's facts whose seq is from..most; *to: the last of them. Returns how many there are, -1 with err. */
int64_t audit_facts_hash(ns_store *s, int64_t incident, int64_t from, int64_t most, int64_t *to, char hash[NS_HEX256], ns_err *err);
bool audit_facts_parse(const char *text, int64_t *from, int64_t *to, char hash[NS_HEX256]);
#endif
