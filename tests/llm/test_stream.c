/* Server-sent events and what they are put together to; the error envelopes, and what each means. */
#include "support/test.h"

#include "../../src/llm/provider_priv.h"
#include "../../src/llm/stream.h"
#include "neuroscale/model/json.h"

typedef struct seen { char text[2048]; int stop_after; } seen;

static bool note(void *ctx, const char *name, int status, const char *data, size_t n)
{
	seen *s = ctx;
	size_t at = strlen(s->text);
	snprintf(s->text + at, sizeof s->text - at, "[%s|%d|%.*s]", name, status, (int)n, data);
	return --s->stop_after != 0;
}

static const struct { const char *in, *out; } rows[] = {
    {"data: a\n\ndata: b\n\n", "[|0|a][|0|b]"}, {"data:a\n\n", "[|0|a]"}, {"data:  a\n\n", "[|0| a]"}, {"data: a\r\n\r\ndata: b\r\n\r\n", "[|0|a][|0|b]"},
    {"data: a\r\rdata: b\r\r", "[|0|a][|0|b]"}, {"data: a\ndata: b\n\n", "[|0|a\nb]"}, {"data\n\n", "[|0|]"}, {"data:\n\n", "[|0|]"}, {": hi\n\n", ""}, {"\n\n\n", ""},
    {"event: error\ndata: x\n\ndata: y\n\n", "[error|0|x][|0|y]"}, {"id:1\nevent:error\n:HTTP_STATUS/400\ndata:{}\n\n", "[error|400|{}]"}, {"event: x\n\ndata: y\n\n", "[|0|y]"},
    {"data: last", "[|0|last]"}, {"data: last\n", "[|0|last]"}, {"\xEF\xBB\xBF" "data: a\n\n", "[|0|a]"}, {"datax: a\n\n", ""}, {"Data: a\n\n", ""}, {"retry: 5\n\n", ""},
    {":HTTP_STATUS/99999\ndata:a\n\n", "[|0|a]"}, {"garbage\ndata: a\n\n", "[|0|a]"},
};

static void every_cut_means_the_same(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t piece = 1; piece < 9; piece++) {
			seen s = {.stop_after = -1};
			llm_stream p = {.event = note, .ctx = &s, .max_event = 1000};
			for (size_t n = strlen(rows[i].in), k = 0; k < n; k += piece)
				assert_true(llm_stream_feed(&p, rows[i].in + k, n - k < piece ? n - k : piece, NULL));
			assert_true(llm_stream_end(&p));
			llm_stream_free(&p);
			if (strcmp(s.text, rows[i].out) != 0)
				fail_msg("row %zu in pieces of %zu: %s", i, piece, s.text);
		}
}

static void caps_and_stops(void **state)
{
	static const char *const endless[] = {"data: xxxxxxxx", "x", "data: xxxxxxxx\n"};
	for (size_t i = 0; i < 3; i++) {
		seen s = {.stop_after = -1};
		bool big = false, on = true;
		llm_stream p = {.event = note, .ctx = &s, .max_event = 1000};
		for (int k = 0; on && k < 100000; k++)
			on = llm_stream_feed(&p, endless[i], strlen(endless[i]), &big);
		assert_true(!on && big && p.line.len < 2000 && p.data.len <= 1000);
		llm_stream_free(&p);
	}
	seen s = {.stop_after = 1};
	llm_stream p = {.event = note, .ctx = &s, .max_event = 1000};
	bool big = true;
	assert_false(llm_stream_feed(&p, "data: a\n\ndata: b\n\n", 18, &big));
	assert_false(big);
	assert_string_equal(s.text, "[|0|a]");
	llm_stream_free(&p);
}

static void errors_and_what_they_mean(void **state)
{
	static const struct { long status; const char *body; llm_verdict verdict; const char *code, *words; } list[] = {
	    {401, "{\"error\":{\"message\":\"no\",\"code\":\"invalid_api_key\"}}", LLM_STOP_KEY, "invalid_api_key", "no"},
	    {400, "{\"code\":\"Arrearage\",\"message\":\"pay\",\"request_id\":\"r\"}", LLM_STOP_MONEY, "Arrearage", "pay"},
	    {429, "{\"error\":{\"message\":\"q\",\"code\":\"insufficient_quota\"}}", LLM_RETRY, "insufficient_quota", "q"},
	    {429, "{\"code\":\"CommodityNotPurchased\",\"message\":\"q\"}", LLM_STOP_MONEY, "CommodityNotPurchased", "q"},
	    {404, "{\"error\":{\"message\":\"model x\",\"code\":\"model_not_found\"}}", LLM_NEXT_MODEL, "model_not_found", "model x"},
	    {404, "<html>", LLM_STOP, "", "HTTP 404 with a page instead of an answer"}, {403, "{\"code\":\"Endpoint.AccessDenied\",\"message\":\"x\"}", LLM_NEXT_MODEL, "Endpoint.AccessDenied", "x"},
	    {403, "{\"code\":\"AccessDenied\",\"message\":\"x\"}", LLM_STOP_KEY, "AccessDenied", "x"}, {403, "{\"code\":\"AccessDenied.Unpurchased\",\"message\":\"x\"}", LLM_STOP_MONEY, "AccessDenied.Unpurchased", "x"},
	    {500, "{\"code\":\"RequestTimeOut\",\"message\":\"x\"}", LLM_RETRY_ONCE, "RequestTimeOut", "x"}, {502, "<html>", LLM_RETRY, "", "HTTP 502 with a page instead of an answer"}, {503, "", LLM_RETRY, "", "HTTP 503"},
	    {400, "{\"code\":\"DataInspectionFailed\",\"message\":\"x\"}", LLM_STOP_FILTER, "DataInspectionFailed", "x"}, {409, "{}", LLM_STOP, "", "HTTP 409"}, {418, "", LLM_STOP, "", "HTTP 418"},
	    {400, "{\"error\":{\"message\":\"<400> InternalError.Algo.InvalidParameter: bad top_p\",\"code\":\"invalid_parameter_error\"}}", LLM_STOP, "invalid_parameter_error", "bad top_p"},
	    {400, "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"InvalidParameter\",\"message\":\"<400> InternalError.Algo.InvalidParameter: Range\",\"request_id\":\"f1\"}\n", LLM_STOP, "InvalidParameter", "Range"},
	    {400, "{\"error\":\"plain words\"}", LLM_STOP, "", "plain words"}, {200, "{\"code\":\"Throttling\",\"message\":\"x\"}", LLM_RETRY, "Throttling", "x"},
	    {401, "{\"error\":{\"message\":\"your key sk-0123456789abcdef0123456789abcdef\\u001b[2J is wrong\",\"code\":\"x\"}}", LLM_STOP_KEY, "x", "your key [redacted:api-key]^[[2J is wrong"}};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
		llm_failure f;
		llm_failure_read(list[i].status, list[i].body, strlen(list[i].body), &f);
		if (f.verdict != list[i].verdict || strcmp(f.code, list[i].code) != 0 || strcmp(f.words, list[i].words) != 0)
			fail_msg("%s: verdict %d, \"%s\", \"%s\"", list[i].body, f.verdict, f.code, f.words);
	}
}

/* What the reference says of each recorded error: which may be tried again. */
static void the_recorded_errors(void **state)
{
	static const struct { const char *name; llm_verdict verdict; } want[] = {{"401", LLM_STOP_KEY}, {"arrearage", LLM_STOP_MONEY}, {"inspection", LLM_STOP_FILTER},
	    {"model_not_found", LLM_NEXT_MODEL}, {"retired_model", LLM_NEXT_MODEL}, {"429", LLM_RETRY}, {"request_timeout", LLM_RETRY_ONCE}, {"html_502", LLM_RETRY},
	    {"embedding_batch", LLM_STOP}, {"role_order", LLM_STOP}, {"enable_thinking", LLM_NO_THINKING}, {"json_keyword", LLM_NEXT_FORM}};
	FILE *f = fopen("../shared/fixtures/dashscope/errors.json", "r");
	static char text[65536];
	if (!f) {
		print_message("# no ../shared/fixtures/dashscope/errors.json\n");
		skip();
	}
	size_t n = fread(text, 1, sizeof text, f), seen_rows = 0;
	fclose(f);
	cJSON *all = ns_json_parse(text, n, &ns_json_api, NULL);
	ns_json_each(row, all)
	{
		const cJSON *body = ns_json_get(row, "body");
		char *raw = cJSON_IsString(body) ? ns_xstrdup(body->valuestring) : ns_json_text(body);
		llm_failure e;
		llm_failure_read((long)ns_json_int_or(row, "http", 0), raw, strlen(raw), &e);
		for (size_t i = 0; i < sizeof want / sizeof *want; i++)
			if (strstr(ns_json_str(row, "name", ""), want[i].name)) {
				if (e.verdict != want[i].verdict)
					fail_msg("%s: %d (%s)", ns_json_str(row, "name", ""), e.verdict, e.words);
				seen_rows++;
				break;
			}
		free(raw);
	}
	assert_int_equal(seen_rows, ns_json_len(all));
	cJSON_Delete(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_cut_means_the_same), cmocka_unit_test(caps_and_stops), cmocka_unit_test(errors_and_what_they_mean),
	    cmocka_unit_test(the_recorded_errors)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
