/* Words and scripts that scenes share. */
#ifndef NEUROSCALE_SIM_FAULTS_PRIV_H
#define NEUROSCALE_SIM_FAULTS_PRIV_H
#include "cluster_priv.h"
extern const sim_words words_java, words_leak, words_go_panic, words_node, words_secret_env, words_secret_file, words_db_down, words_dns,
    words_warming, words_flags;
/* faults.c */
extern const sim_does oom_220, oom_400, oom_leak, oom_burst, panic_at_start, node_at_start, secret_env_missing, secret_file_missing,
    secret_missing, db_down, dns_down, never_ready, bad_tables, ends_well, stumbles;
extern const sim_violation needs_limits, no_privileged;
#define SECONDS(n) ((n)*1000LL)
#define MINUTES(n) ((n)*60000LL)
#define HOURS(n)   ((n)*3600000LL)
#define DAYS(n)    ((n)*86400000LL)
#endif
