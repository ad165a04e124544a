/* What the store keeps of a dry-run and of an execution. */
#include <string.h>
#include "neuroscale/agents/executor.h"
#include "neuroscale/model/record.h"

static const char *code_name(int code)
{
	return ns_code_lookup((ns_code)code)->name;
}

static const ns_field dryrun_fields[] = {
    NS_FIELD(ns_dryrun, ok, BOOL), NS_FIELD(ns_dryrun, error, STR), NS_FIELD_ENUM(ns_dryrun, code, code_name, NS_CODE_COUNT),
    NS_FIELD(ns_dryrun, diff, STR), NS_FIELD(ns_dryrun, diff_lines, SIZE), NS_FIELD(ns_dryrun, warnings, STR), NS_FIELD(ns_dryrun, live_uid, STR),
    NS_FIELD(ns_dryrun, live_generation, I64), NS_FIELD(ns_dryrun, cluster_identity, STR), NS_FIELD_CHARS(ns_dryrun, digest),
    NS_FIELD(ns_dryrun, context, STR), NS_FIELD(ns_dryrun, target_path, STR), NS_FIELD(ns_dryrun, policy, STR), NS_FIELD_CHARS(ns_dryrun, diff_hash),
    NS_FIELD_CHARS(ns_dryrun, spec_hash),
    NS_FIELD(ns_dryrun, undo_ok, BOOL), NS_FIELD(ns_dryrun, shown_command, STR), NS_FIELD(ns_dryrun, at_ms, I64),
    NS_FIELD(ns_dryrun, took_ms, I64), NS_FIELD_END,
};

cJSON *ns_dryrun_to_json(const ns_dryrun *d)
{
	return ns_record_encode(dryrun_fields, d);
}

ns_dryrun *ns_dryrun_from_json(ns_arena *ar, const cJSON *j, ns_err *err)
{
	ns_dryrun *d = ns_arena_alloc(ar, sizeof *d);
	if (!ns_record_decode(ar, j, dryrun_fields, d, err)) {
		ns_err_wrap(err, "dry-run");
		return NULL;
	}
	size_t digits = strspn(d->digest, "0123456789abcdef");
	if (d->ok && (digits != 64 || d->code != NS_OK || d->diff_lines == 0)) {
		ns_fail(err, NS_E_INVALID, "dry-run: it says ok without a digest or a difference");
		return NULL;
	}
	return d;
}

static const ns_field execution_fields[] = {
    NS_FIELD(ns_execution, sent, BOOL), NS_FIELD(ns_execution, ok, BOOL), NS_FIELD(ns_execution, unknown, BOOL),
    NS_FIELD(ns_execution, conflict, BOOL), NS_FIELD_ENUM(ns_execution, code, code_name, NS_CODE_COUNT), NS_FIELD(ns_execution, error, STR),
    NS_FIELD(ns_execution, output, STR), NS_FIELD(ns_execution, exit_code, INT), NS_FIELD(ns_execution, generation, I64),
    NS_FIELD(ns_execution, at_ms, I64), NS_FIELD(ns_execution, took_ms, I64), NS_FIELD_END,
};

cJSON *ns_execution_to_json(const ns_execution *x)
{
	return ns_record_encode(execution_fields, x);
}
