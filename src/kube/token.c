/* The middle part of a JWT, which is base64url of a JSON object. */
#include "neuroscale/kube/token.h"

#include <string.h>

#include "neuroscale/model/json.h"
#include "neuroscale/sys/digest.h"

static cJSON *claims_of(const char *jwt)
{
	const char *from = strchr(jwt, '.'), *to = from ? strchr(from + 1, '.') : NULL;
	ns_buf text = NS_BUF_INIT, json = NS_BUF_INIT;
	cJSON *j = NULL;
	if (!to || strchr(to + 1, '.'))
		return NULL;
	for (const char *p = from + 1; p < to; p++)
		ns_buf_putc(&text, *p == '-' ? '+' : *p == '_' ? '/' : *p);
	while (text.len % 4)
		ns_buf_putc(&text, '=');
	if (ns_base64_decode(ns_buf_str(&text), text.len, &json))
		j = ns_json_parse(ns_buf_str(&json), json.len, &ns_json_strict, NULL);
	if (json.data)
		explicit_bzero(json.data, json.len);
	ns_buf_free(&text);
	ns_buf_free(&json);
	return j;
}

bool ns_token_read(const ns_secret *token, ns_token_info *out)
{
	cJSON *j = token ? claims_of(ns_secret_reveal(token)) : NULL;
	double exp = ns_json_num_or(j, "exp", 0); /* some issuers write a fraction */
	*out = (ns_token_info){0};
	ns_copy(out->subject, sizeof out->subject, ns_json_str(j, "sub", ""));
	if (exp > 0 && exp < 1e11)
		out->expires_ms = (int64_t)(exp * 1000);
	cJSON_Delete(j);
	return j != NULL;
}
