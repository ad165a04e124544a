/* Inside the room. */
#ifndef NEUROSCALE_CONFIG_PRIV_H
#define NEUROSCALE_CONFIG_PRIV_H
#include "neuroscale/config/config.h"
#include "neuroscale/model/json.h"
bool config_word_in(const char *words, const char *word); /* "approve" is in "approve reject" and not in "approvals" */
size_t config_count_options(void);
const ns_option *config_find(const char *name, size_t len);

/* values.c */
bool config_set(ns_config *c, const ns_option *o, const char *s, const char *from, ns_err *err); /* checked; from: "FILE:1:1", "command line" */
/* A value as it would stand on the command line. Only a list may be a list; nothing may be a map. */
bool config_yaml_words(const ns_option *o, const cJSON *v, ns_buf *out);
void config_place(char *out, size_t cap, const char *file, const char *text, const char *path); /* "FILE:LINE:COLUMN" of what stands at that path */

/* clusters.c: `clusters:` of the last file that has it, until all else is known */
typedef struct config_clusters {
	cJSON *list;
	char *file, *text;
} config_clusters;
void config_clusters_keep(config_clusters *k, const cJSON *list, const char *file, const char *text);
bool config_clusters_make(ns_config *c, const config_clusters *k, ns_err *err);
void config_clusters_free(config_clusters *k);
#endif
