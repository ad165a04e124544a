/* What a provider's error means for us. Two envelopes and an SSE frame carry it, the content type lies, and a throttle may call itself a quota: so
 * the rows below look at status, code and words together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "provider_priv.h"
#include "stream.h"

enum { MAX_BODY = 65536 };

/* First row that fits counts. status 0: any. code: its beginning, any case; words: somewhere in the message, any case; NULL: any. */
static const struct row {
	long status;
	const char *code, *words;
	llm_verdict verdict;
} rows[] = {
    {0, "Arrearage", NULL, LLM_STOP_MONEY},
    {0, "CommodityNotPurchased", NULL, LLM_STOP_MONEY},
    {0, "PrepaidBillOverdue", NULL, LLM_STOP_MONEY},
    {0, "PostpaidBillOverdue", NULL, LLM_STOP_MONEY},
    {402, NULL, NULL, LLM_STOP_MONEY},
    {0, "data_inspection_failed", NULL, LLM_STOP_FILTER},
    {0, "DataInspectionFailed", NULL, LLM_STOP_FILTER},
    {0, "content_filter", NULL, LLM_STOP_FILTER},
    {401, NULL, NULL, LLM_STOP_KEY},
    {0, "invalid_api_key", NULL, LLM_STOP_KEY},
    {0, "InvalidApiKey", NULL, LLM_STOP_KEY},
    {0, "model_not_found", NULL, LLM_NEXT_MODEL},
    {0, "ModelNotFound", NULL, LLM_NEXT_MODEL},
    {0, "Model.AccessDenied", NULL, LLM_NEXT_MODEL},
    {0, "Endpoint.AccessDenied", NULL, LLM_NEXT_MODEL},
    {0, "AllocationQuota.FreeTierOnly", NULL, LLM_NEXT_MODEL},
    {403, NULL, "endpoint access denied", LLM_NEXT_MODEL}, /* how a retired model can look */
    {403, "AccessDenied.Unpurchased", NULL, LLM_STOP_MONEY},
    {403, NULL, NULL, LLM_STOP_KEY},
    {404, "WorkSpaceNotFound", NULL, LLM_STOP_KEY},
    {404, NULL, "model", LLM_NEXT_MODEL},
    {404, NULL, NULL, LLM_STOP},
    {400, NULL, "response_format", LLM_NEXT_FORM},
    {400, NULL, "json_schema", LLM_NEXT_FORM},
    {400, NULL, "json mode", LLM_NEXT_FORM},
    {400, NULL, "enable_thinking", LLM_NO_THINKING},
    {400, NULL, "model not exist", LLM_NEXT_MODEL},
    {400, NULL, "model does not exist", LLM_NEXT_MODEL},
    {400, NULL, "model is not supported", LLM_NEXT_MODEL},
    {400, NULL, "unsupported model", LLM_NEXT_MODEL},
    {408, NULL, NULL, LLM_RETRY_ONCE},
    {429, NULL, NULL, LLM_RETRY},
    {0, "RequestTimeOut", NULL, LLM_RETRY_ONCE},
    {0, "ResponseTimeout", NULL, LLM_RETRY_ONCE},
    {0, "Throttling", NULL, LLM_RETRY},
    {0, "limit_", NULL, LLM_RETRY},
    {0, "insufficient_quota", NULL, LLM_RETRY}, /* tokens per minute, not money */
    {0, "InternalError", NULL, LLM_RETRY},
    {0, "internal_error", NULL, LLM_RETRY},
    {0, "SystemError", NULL, LLM_RETRY},
    {0, "ServiceUnavailable", NULL, LLM_RETRY},
};

static llm_verdict judge(long status, const char *code, const char *words)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		/* A status of 200 is an error inside a stream: only its code speaks. */
		if ((r->status && r->status != status) || (r->code && strncasecmp(code, r->code, strlen(r->code)) != 0) ||
		    (r->words && !ns_icontains(words, r->words)))
			continue;
		return r->verdict;
	}
	return status >= 500 ? LLM_RETRY : LLM_STOP;
}

/* "<400> InternalError.Algo.InvalidParameter: the message" -> "the message" */
static const char *without_prefix(const char *s)
{
	if (*s != '<')
		return s;
	const char *after = strstr(s, ": ");
	return after && after - s < 80 ? after + 2 : s;
}

static bool first_frame(void *ctx, const char *name, int status, const char *data, size_t n)
{
	cJSON **out = ctx;
	*out = ns_json_parse(data, n, &ns_json_api, NULL);
	return false;
}

/* JSON whatever the content type says; else the first "data:" of a frame. */
static cJSON *envelope(const char *body, size_t n)
{
	cJSON *j = ns_json_parse(body, n, &ns_json_api, NULL);
	if (j)
		return j;
	llm_stream s = {.event = first_frame, .ctx = &j, .max_event = MAX_BODY};
	if (llm_stream_feed(&s, body, n, NULL))
		llm_stream_end(&s);
	llm_stream_free(&s);
	return j;
}

static void keep(char *out, size_t cap, const char *s)
{
	char *line = ns_redact_line(s, strlen(s), cap - 1);
	ns_copy(out, cap, line);
	free(line);
}

static const char *either(const cJSON *j, const char *a, const char *b)
{
	const char *s = ns_json_str(j, a, "");
	return *s ? s : ns_json_str(j, b, "");
}

void llm_failure_read(long status, const char *body, size_t n, llm_failure *out)
{
	cJSON *j = n ? envelope(body, n < MAX_BODY ? n : MAX_BODY) : NULL;
	const char *code = either(j, "error.code", "code"), *words = either(j, "error.message", "message");
	*out = (llm_failure){0};
	if (!*code)
		code = ns_json_str(j, "error.type", "");
	if (!*words)
		words = ns_json_str(j, "error", "");
	keep(out->code, sizeof out->code, code);
	keep(out->request_id, sizeof out->request_id, either(j, "request_id", "id"));
	keep(out->words, sizeof out->words, without_prefix(words));
	if (!*out->words)
		snprintf(out->words, sizeof out->words, "HTTP %ld%s", status, n && !j ? " with a page instead of an answer" : "");
	out->verdict = judge(status, code, words);
	cJSON_Delete(j);
}
