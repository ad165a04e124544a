/* Inside the app room: the sub-commands of `eval`. `loop` plays scenarios; the others read rows (one JSON object a line) and print one JSON line for
 * each. */
#ifndef NEUROSCALE_APP_EVAL_H
#define NEUROSCALE_APP_EVAL_H
#include "neuroscale/app/app.h"
#include "neuroscale/model/json.h"

/* A sub-command: one row of the table in eval.c, one file eval_NAME.c. Returns the exit status. */
typedef struct eval_command {
	const char *name, *args, *help;
	size_t n_args; /* after the name */
	int (*run)(const ns_config *cfg, const ns_cancel *cancel);
} eval_command;
int eval_incidents(const ns_config *cfg, const ns_cancel *cancel);
int eval_contract(const ns_config *cfg, const ns_cancel *cancel);
int eval_injection(const ns_config *cfg, const ns_cancel *cancel);
int eval_loop(const ns_config *cfg, const ns_cancel *cancel);

/* Calls fn for every row of FILE ("-" is stdin) in order; empty lines and a byte order mark are left out. A line that is no JSON object, or that fn refuses (it
 * fills err), is told on stderr with FILE:LINE and makes the whole fail, after the last row. A row may be 8 MiB long. */
typedef bool (*eval_row)(void *ctx, const cJSON *row, ns_err *err);
bool eval_each(const char *file, eval_row fn, void *ctx, const ns_cancel *cancel, ns_err *err);
/* The bytes of a row's member, which must be a string. Appends to out. */
bool eval_string(const cJSON *row, const char *key, ns_buf *out, ns_err *err);
/* The same of a text that may be coded: `key` as it stands or key_b64 decoded ("raw", "raw_b64"; "text" falls back to raw_b64 too), then `expand`
 * {token, char, count, suffix}: each token is replaced by char count times and the suffix. At most 64 MiB. Appends to out. */
bool eval_text(const cJSON *row, const char *key, ns_buf *out, ns_err *err);
/* The line that answers a row, begun with the row's own id as it stands there (a string or a number). False when it has none. */
bool eval_begin(const cJSON *row, cJSON **line, ns_err *err);
/* Prints the object as one line and frees it. False when stdout is gone. */
bool eval_print(cJSON *line, ns_err *err);
#endif
