/* Bodies of requests, and how many tokens they will be. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "provider_priv.h"

int64_t llm_tokens(const char *s)
{
	/* 3.5 ASCII characters or 1.5 others to a token, and a tenth more. */
	double ascii = 0, other = 0;
	for (; *s; s++) {
		ascii += (unsigned char)*s < 0x80;
		other += (unsigned char)*s >= 0xC0;
	}
	return (int64_t)((ascii / 3.5 + other / 1.5) * 1.1) + 8;
}

static void message(cJSON *list, const char *role, const char *text, const char *more)
{
	cJSON *m = cJSON_CreateObject();
	ns_json_put_str(m, "role", role);
	char *all = ns_xasprintf("%s%s", text, more);
	ns_json_put_str(m, "content", all);
	free(all);
	cJSON_AddItemToArray(list, m);
}

static void response_format(cJSON *j, llm_form form, const ns_llm_ask *ask)
{
	if (form == LLM_PLAIN)
		return;
	cJSON *f = cJSON_AddObjectToObject(j, "response_format");
	cJSON *schema = form == LLM_SCHEMA ? ns_json_parse(ask->schema, strlen(ask->schema), &ns_json_strict, NULL) : NULL;
	ns_json_put_str(f, "type", schema ? "json_schema" : "json_object");
	if (!schema)
		return;
	cJSON *s = cJSON_AddObjectToObject(f, "json_schema");
	ns_json_put_str(s, "name", ask->schema_name);
	ns_json_put_bool(s, "strict", true);
	cJSON_AddItemToObject(s, "schema", schema);
}

static char *text_of(cJSON *j)
{
	char *text = ns_json_text(j);
	cJSON_Delete(j);
	return text;
}

char *llm_chat_body(const ns_llm_opts *o, const char *model, llm_form form, bool thinking_field, const ns_llm_ask *ask)
{
	cJSON *j = cJSON_CreateObject();
	/* JSON mode is refused when no message holds the word. */
	bool lacks_word = ask->schema && !ns_icontains(ask->system, "json") && !ns_icontains(ask->user, "json");
	ns_json_put_str(j, "model", model);
	cJSON *list = cJSON_AddArrayToObject(j, "messages");
	message(list, "system", ask->system, lacks_word ? "\nAnswer in JSON." : "");
	message(list, "user", ask->user, "");
	ns_json_put_num(j, "temperature", 0.1);
	ns_json_put_int(j, "max_tokens", o->max_tokens);
	if (thinking_field)
		ns_json_put_bool(j, "enable_thinking", false);
	if (ask->schema)
		response_format(j, form, ask);
	ns_json_put_bool(j, "stream", true);
	ns_json_put_bool(cJSON_AddObjectToObject(j, "stream_options"), "include_usage", true);
	return text_of(j);
}

char *llm_embed_body(const ns_llm_opts *o, const char *model, const char *const *texts, size_t n)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "model", model);
	cJSON *list = cJSON_AddArrayToObject(j, "input");
	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(texts[i]));
	if (llm_model_takes_dimensions(model))
		ns_json_put_int(j, "dimensions", o->dimensions);
	ns_json_put_str(j, "encoding_format", "float");
	return text_of(j);
}
