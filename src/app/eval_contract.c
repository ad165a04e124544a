/* `eval contract FILE`: what the strict parser and the code's own rules say of each model reply. */
#include "eval.h"
#include "neuroscale/base/arena.h"
#include "neuroscale/llm/reply.h"
#include "neuroscale/sys/digest.h"

static bool row(void *ctx, const cJSON *j, ns_err *err)
{
	ns_buf raw = NS_BUF_INIT;
	cJSON *out = NULL;
	if (!eval_text(j, "raw", &raw, err) || !eval_begin(j, &out, err)) {
		ns_buf_free(&raw);
		return false;
	}
	ns_arena *ar = ns_arena_new();
	ns_reply reply;
	ns_reply_read(ar, ns_buf_str(&raw), raw.len, &reply);
	ns_json_put_bool(out, "valid", reply.valid);
	ns_json_put_bool(out, "auto", reply.may_auto);
	ns_json_put_str(out, "route", ns_route_name(reply.route));
	ns_json_put_str(out, "reason", reply.reason);
	ns_arena_free(ar);
	ns_buf_free(&raw);
	return eval_print(out, err);
}

int eval_contract(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	return eval_each(cfg->args[1], row, NULL, cancel, &err) ? 0 : ns_app_failed(&err);
}
