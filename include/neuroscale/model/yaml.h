/* The one strict YAML reader around libyaml: one document, depth, node and size limits, no aliases, no duplicate keys, errors with
 * line and column. The result is a cJSON tree by the YAML 1.2 core schema (JSON is valid input). Thread-safe. */
#ifndef NEUROSCALE_MODEL_YAML_H
#define NEUROSCALE_MODEL_YAML_H
#include "neuroscale/model/json.h"
/* `name` is what errors call the input ("runbooks/x.md"). line_offset is added to reported lines. max_bytes 0 means 1 MiB. */
cJSON *ns_yaml_parse(const char *s, size_t n, const char *name, int line_offset, size_t max_bytes, ns_err *err);
/* Where the key, or the list's item by its number, at a path like "clusters.1.profile" stands in a text that ns_yaml_parse took; from 1. Reads
 * the text again: for errors. False, and 1:1, when there is no such place. Keys with dots in them are not found. */
bool ns_yaml_where(const char *s, size_t n, const char *path, int *line, int *column);
#endif
