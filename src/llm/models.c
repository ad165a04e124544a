/* What is known of model names. A name nobody listed works too: it is asked in the most careful form that its maker is likely to take. */
#include <string.h>

#include "neuroscale/base/text.h"
#include "provider_priv.h"

const char *ns_llm_role_name(ns_llm_role r)
{
	static const char *const names[] = {"analyzer", "planner", "escalation"};
	return (unsigned)r < NS_LLM_ROLES ? names[r] : "";
}

/* qwen-max and qwen-turbo, the names of these classes once, were withdrawn on 2026-07-13. */
const char *const *ns_llm_default_models(ns_llm_role r)
{
	static const char *const strong[] = {"qwen3.7-max", "qwen3.7-plus", "qwen-plus", NULL};
	static const char *const embedding[] = {"text-embedding-v3", "text-embedding-v4", NULL};
	static const char *const cheap[] = {"qwen-flash", "qwen3.5-flash", "qwen-plus", NULL};
	return r == NS_LLM_PLANNER ? embedding : r == NS_LLM_ESCALATION ? cheap : strong;
}

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

llm_form llm_model_form(const char *model)
{
	/* First match counts. */
	static const struct { const char *prefix; llm_form form; } rows[] = {
	    {"qwen-max", LLM_OBJECT}, {"qwen-turbo", LLM_OBJECT}, {"qwen3-max", LLM_SCHEMA}, {"qwen-plus", LLM_SCHEMA}, {"qwen-flash", LLM_SCHEMA},
	    {"qwen3.", LLM_SCHEMA}, {"gpt-", LLM_SCHEMA}, {"qwen", LLM_OBJECT}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (begins(model, rows[i].prefix))
			return rows[i].form;
	return LLM_OBJECT;
}

bool llm_model_takes_thinking(const char *model, const char *base_url)
{
	return strstr(base_url, ".aliyuncs.com") != NULL || begins(model, "qwen");
}

size_t llm_model_batch(const char *model)
{
	return begins(model, "text-embedding-v1") || begins(model, "text-embedding-v2") ? 25 : 10;
}

bool llm_model_takes_dimensions(const char *model)
{
	return !begins(model, "text-embedding-v1") && !begins(model, "text-embedding-v2") && strstr(model, "embedding") != NULL && !begins(model, "nomic");
}
