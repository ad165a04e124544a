/* An answer put together from its pieces, in the compatible or in the native form. Reasoning is not kept; a piece that is no JSON is an end. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "provider_priv.h"

enum { PIECE = 128 }; /* bytes: less in gap_ms is a drip. At half of it an answer would not be over in total_ms */

static const ns_json_limits limits = {.max_bytes = 8 << 20, .max_depth = 64, .allow_duplicate_keys = true};

static void take_usage(llm_collect *c, const cJSON *u)
{
	if (!cJSON_IsObject(u))
		return;
	int64_t in = ns_json_int_or(u, "prompt_tokens", ns_json_int_or(u, "input_tokens", -1));
	int64_t out = ns_json_int_or(u, "completion_tokens", ns_json_int_or(u, "output_tokens", in >= 0 ? 0 : -1));
	int64_t cached = ns_json_int_or(u, "prompt_tokens_details.cached_tokens", 0);
	enum { MOST = 100000000 };
	if (in < 0 || out < 0 || in > MOST || out > MOST)
		return;
	c->has_usage = true;
	c->prompt = in;
	c->completion = out;
	c->cached = cached < 0 || cached > in ? 0 : cached;
}

static void take_id(llm_collect *c, const cJSON *j)
{
	const char *id = ns_json_str(j, "request_id", ns_json_str(j, "id", ""));
	if (strncmp(id, "chatcmpl-", 9) == 0)
		id += 9;
	if (*id && !*c->request_id) {
		char *clean = ns_text_clean_dup(id, sizeof c->request_id - 1);
		ns_copy(c->request_id, sizeof c->request_id, clean);
		free(clean);
	}
}

/* Native streams say "null" in words while they run. */
static void take_finish(llm_collect *c, const cJSON *choice)
{
	const char *why = ns_json_str(choice, "finish_reason", "");
	if (*why && strcmp(why, "null") != 0)
		ns_copy(c->finish, sizeof c->finish, why);
}

/* The first word is a beginning; after it single letters now and then are none: an answer that drips would take minutes. */
static void note_progress(llm_collect *c, size_t n)
{
	c->unheard += n;
	if (!n || (c->begun && c->unheard < PIECE))
		return;
	c->begun = c->progress = true;
	c->unheard = 0;
}

static void take_text(llm_collect *c, const cJSON *part)
{
	const char *text = ns_json_str(part, "content", "");
	note_progress(c, strlen(text) + strlen(ns_json_str(part, "reasoning_content", "")));
	if (c->content.len + strlen(text) > c->max)
		c->broken = true;
	else
		ns_buf_puts(&c->content, text);
}

static bool is_error(const cJSON *j, const char *name)
{
	const cJSON *code = ns_json_get(j, "code");
	return strcmp(name, "error") == 0 || cJSON_IsObject(ns_json_get(j, "error")) || (cJSON_IsString(code) && *code->valuestring && !ns_json_get(j, "choices"));
}

static void take(llm_collect *c, const cJSON *j, const char *part_name)
{
	const cJSON *choices = ns_json_get(j, "choices");
	if (!choices)
		choices = ns_json_path(j, "output.choices");
	take_id(c, j);
	take_usage(c, ns_json_get(j, "usage"));
	if (!cJSON_IsArray(choices)) {
		c->broken = true;
		return;
	}
	const cJSON *first = choices->child;
	if (!first)
		return; /* the last piece, which has the usage */
	const cJSON *part = ns_json_get(first, part_name);
	take_text(c, part ? part : ns_json_get(first, "message"));
	take_finish(c, first);
}

bool llm_collect_event(void *ctx, const char *name, int status, const char *data, size_t n)
{
	llm_collect *c = ctx;
	if (n >= 6 && memcmp(data, "[DONE]", 6) == 0) {
		c->done = *c->finish != '\0';
		return false;
	}
	cJSON *j = ns_json_parse(data, n, &limits, NULL);
	if (!cJSON_IsObject(j)) {
		c->broken = true;
	} else if (is_error(j, name)) {
		c->failed = true;
		llm_failure_read(status ? status : 200, data, n, &c->failure);
	} else {
		take(c, j, "delta");
	}
	cJSON_Delete(j);
	return !c->broken && !c->failed;
}

void llm_collect_body(llm_collect *c, const char *body, size_t n)
{
	cJSON *j = ns_json_parse(body, n, &limits, NULL);
	if (!cJSON_IsObject(j)) {
		c->broken = true;
	} else if (is_error(j, "")) {
		c->failed = true;
		llm_failure_read(200, body, n, &c->failure);
	} else {
		take(c, j, "message");
		c->done = *c->finish != '\0';
	}
	cJSON_Delete(j);
}

void llm_collect_free(llm_collect *c)
{
	ns_buf_free(&c->content);
}
