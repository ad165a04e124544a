/* Options: one table from which help, the man page's option list, --dump-config, the configuration file and validation derive.
 * Precedence: flags > environment > user file > system file > default. */
#ifndef NEUROSCALE_CONFIG_CONFIG_H
#define NEUROSCALE_CONFIG_CONFIG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/base/err.h"
#include "neuroscale/base/buf.h"
#include "neuroscale/base/log.h"
#include "neuroscale/config/freeze.h"
#include "neuroscale/model/vocab.h"

typedef struct ns_config {
	/* where */
	const char *kubeconfig, *context, *cluster; /* "": the usual rules; cluster "": the context's name */
	const char *state_dir, *kubectl, *runbook_dir, *opencost_url, *lease_ns, *exception_ns, *config_file;
	/* how */
	bool headless, help, version, dump_config, no_color, freeze;
	int log_format, log_level;            /* ns_log_format, ns_log_level */
	const char *theme, *clock;            /* clock: "RATE:BOOT_MS:WALL_MS" for a simulated cluster on loopback only, "" real */
	int profile;                          /* ns_profile */
	int64_t anchor_every_ms;
	int anchor_facility;                  /* place in the option's list */
	int64_t approval_timeout_ms, cooldown_ms, undo_ttl_ms, target_cooldown_ms, cost_every_ms, exception_ttl_ms;
	int actions_per_hour, ns_actions_per_hour, target_actions_per_hour, scale_max;
	double mem_factor, cost_ratio, cost_min_per_day;
	int64_t mem_cap;
	bool four_eyes;
	int autonomy;                         /* ns_autonomy: 0 off, 1 shadow, 2 on */
	double autonomy_threshold;
	int autonomy_least;
	const char *approvers;                /* a Unix group, "" none */
	const char *const *shared_accounts;   /* NULL-terminated, never NULL */
	const char *am_listen, *am_token_file, *am_cluster_label; /* Alertmanager's webhook: am_listen "" off */
	int64_t am_expire_ms;
	const char *const *protected_ns, *const *nonprod_labels, *const *allowed_actions; /* NULL-terminated, never NULL */
	/* the model service: see llm/provider.h; "" and empty lists: the defaults there */
	const char *model_url, *model_ca, *model_key_file, *model_prices;
	const char *const *model_key_command, *const *analyzer_models, *const *planner_models, *const *escalation_models; /* NULL-terminated, never NULL */
	int model_calls_per_hour;
	double model_usd_per_incident, model_usd_per_day;
	bool redact_email;
	/* of commands */
	const char *digest, *reason, *listen, *scenario, *head, *since;
	const char *const *anchors;           /* of audit: "HASH@ROW" or files, NULL-terminated, never NULL */
	int incident;                         /* of audit export: 0 all */
	int format;                           /* of export: 0 dashscope-sft */
	int rate;
	int seed, runs;                       /* of demo and eval loop; seed 0: of the demo as written */
	int mode;                             /* of the demo: 0 scripted, 1 auto */
	const char *const *set;               /* of gate explain: "FACT=VALUE", NULL-terminated, never NULL */
	bool json, role, score;
	int provider;                         /* of eval: 0 offline, 1 dashscope */
	const char *const *act_in;            /* of doctor: NULL-terminated, never NULL */
	int demo_clusters;
	/* of one cluster; see clusters */
	int color;                            /* ns_color_name: 0 none */
	double cost_budget;                   /* per day, 0 none */
	double storm_ratio;                   /* of the workloads, or of the nodes, and at least so many: */
	int storm_workloads, storm_nodes;
	bool tls_secrets;
	const char *const *namespaces, *const *freeze_windows; /* NULL-terminated, never NULL; namespaces empty: all */
	const ns_freeze *windows;             /* freeze_windows, read */
	size_t n_windows;
	/* Never empty. Each is a configuration of its own: what its entry of `clusters:` leaves out it has from here (ns_cluster_keys). Without
	 * `clusters:` the only one is this. --context, or --cluster where it is no filter, picks one of them. */
	const struct ns_config *const *clusters;
	size_t n_clusters;
	bool many;                            /* they come from `clusters:` */
	bool beside_others;                   /* there are more than this one, chosen by --context or not */
	const char *where;                    /* "FILE:LINE:COLUMN" of its entry, "" */
	/* what to do */
	const char *command;                  /* "" the console; "demo" "sim" "approvals" "approve" … */
	const char *const *args;              /* what stands after the command */
	size_t n_args;
	const char **origin;                  /* per option: where its value came from */
	ns_arena *arena;                      /* owns every string */
} ns_config;

typedef enum ns_option_type {
	NS_OPT_STR, NS_OPT_BOOL, NS_OPT_INT, NS_OPT_DURATION, NS_OPT_BYTES, NS_OPT_NUM, NS_OPT_ENUM, NS_OPT_LIST
} ns_option_type;
typedef struct ns_option {
	const char *name;       /* "state-dir": --state-dir, "state-dir:" in the file, NEUROSCALE_STATE_DIR */
	char letter;            /* 0 none */
	ns_option_type type;
	size_t offset;
	const char *values;     /* ENUM: "text|json"; INT and NUM: "MIN..MAX" */
	const char *dflt;
	const char *arg;        /* "DIR", NULL for BOOL */
	const char *help;
	const char *commands;   /* NULL everywhere; "approve reject": only there */
	bool file;              /* may stand in the configuration file and the environment */
} ns_option;
extern const ns_option ns_options[];      /* ends with name == NULL */
/* What may stand in an entry of `clusters:`. The same options with the same values, so that each is described and checked once. */
typedef struct ns_cluster_key {
	const char *key, *option;
	bool inherits;          /* left out it is what the option is; else it is the option's default, and the option goes with one cluster only */
} ns_cluster_key;
extern const ns_cluster_key ns_cluster_keys[]; /* ends with key == NULL */
enum { NS_MAX_CLUSTERS = 32 };
const char *ns_color_name(int color); /* "" none; "red" "green" "yellow" "blue" "magenta" "cyan" */
typedef struct ns_command_info {
	const char *name, *args, *help;
	size_t min_args, max_args;
} ns_command_info;
extern const ns_command_info ns_commands[]; /* ends with name == NULL */

/* Parses the environment, the files and argv. Unknown option or command: NS_E_USAGE with the nearest name. NULL on error. */
ns_config *ns_config_load(int argc, char *const *argv, ns_err *err);
void ns_config_free(ns_config *c);
bool ns_config_is_default(const ns_config *c, const char *option); /* nobody set it */
bool ns_config_is_said(const ns_config *c, const char *option);    /* on the command line or in the environment */
void ns_config_help(ns_buf *out, const char *command);  /* "" the overview */
void ns_config_dump(const ns_config *c, ns_buf *out);   /* YAML, with where each value came from as a comment */
void ns_config_man(ns_buf *out);                        /* the OPTIONS section of the man page, mdoc */
#endif
