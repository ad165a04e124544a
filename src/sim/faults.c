/* The fault scripts that scenes share: one row each. */
#include "faults_priv.h"

/* clang-format off */
/* Killed while it warms up, before it is ready. */
const sim_does oom_220 = {.what = DOES_OOM, .after_ms = 2400, .need_mib = 220, .says = &words_java};
/* Ready for a while each time, so that a rollout of it goes through. */
const sim_does oom_400 = {.what = DOES_OOM, .after_ms = 9000, .need_mib = 400, .says = &words_java};
const sim_does oom_leak = {.what = DOES_OOM, .after_ms = 9000, .need_mib = 256, .grows = 110, .says = &words_leak};
const sim_does oom_burst = {.what = DOES_OOM, .after_ms = 4000, .need_mib = 600, .says = &words_java};
const sim_does panic_at_start = {.what = DOES_EXIT, .after_ms = 1500, .exit_code = 2, .says = &words_go_panic};
const sim_does node_at_start = {.what = DOES_EXIT, .after_ms = 1200, .exit_code = 1, .says = &words_node};
const sim_does secret_env_missing = {.what = DOES_EXIT, .after_ms = 1200, .exit_code = 1, .says = &words_secret_env};
const sim_does secret_file_missing = {.what = DOES_EXIT, .after_ms = 900, .exit_code = 1, .says = &words_secret_file};
const sim_does secret_missing = {.what = DOES_CONFIG, .message = "secret \"billing-db\" not found"};
const sim_does db_down = {.what = DOES_EXIT, .after_ms = 6000, .exit_code = 1, .says = &words_db_down};
/* Data that every revision trips over once it is read; the log does not say that it is the data. */
const sim_does bad_tables = {.what = DOES_EXIT, .after_ms = 8000, .exit_code = 2, .at_start = true, .says = &words_flags};
const sim_does dns_down = {.what = DOES_EXIT, .after_ms = 2500, .exit_code = 1, .says = &words_dns};
/* A process that ends by itself now and then: a rotated worker, and one that lost its connection. */
const sim_does ends_well = {.what = DOES_EXIT, .after_ms = 4000, .exit_code = 0, .says = &words_http};
const sim_does stumbles = {.what = DOES_EXIT, .after_ms = 4000, .exit_code = 1, .says = &words_db_down};
const sim_does never_ready = {.what = DOES_UNREADY, .message = "HTTP probe failed with statuscode: 503", .says = &words_warming};

const sim_violation needs_limits = {"require-limits", "check-limits", "Best Practices", "medium",
    "validation error: CPU and memory resource limits are required. rule autogen-check-limits failed at path "
    "/spec/template/spec/containers/0/resources/limits/cpu/"};
const sim_violation no_privileged = {"disallow-privileged-containers", "privileged-containers", "Pod Security Standards (Baseline)", "high",
    "validation error: Privileged mode is disallowed. The fields spec.containers[*].securityContext.privileged must be unset or set to "
    "`false`. rule autogen-privileged-containers failed at path /spec/template/spec/containers/0/securityContext/privileged/"};
