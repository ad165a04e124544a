/* From bytes to a verdict. The order is the contract's: bytes, the one object, its JSON, its six members, then the code's own rules. */
#include "neuroscale/llm/reply.h"

#include <string.h>

#include "neuroscale/base/text.h"
#include "reply_priv.h"

enum { MAX_CLAIMS = 32, MAX_CITED = 32, SHOWN = 60 };

const char *ns_route_name(ns_route r)
{
	static const char *const names[] = {"manual_review", "approval", "execute"};
	return names[r <= NS_ROUTE_EXECUTE ? r : NS_ROUTE_MANUAL_REVIEW];
}

/* A value of the model's for people: cleaned and short. */
static const char *shown(ns_arena *ar, const char *s)
{
	return ns_text_clean_in(ar, s, SHOWN);
}

/* Blank, or made of nothing a person sees. */
static bool is_blank(const char *s)
{
	size_t n = strlen(s);
	uint32_t cp;
	for (size_t len; (len = ns_utf8_next(s, n, &cp)); s += len, n -= len) {
		bool space = cp <= ' ' || cp == 0x7F || cp == 0xA0 || (cp >= 0x2000 && cp <= 0x200F) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F ||
		             (cp >= 0x205F && cp <= 0x2064) || cp == 0x3000 || cp == 0xFEFF || (cp >= 0xE0000 && cp <= 0xE0FFF);
		if (!space)
			return false;
	}
	return true;
}

/* ---- the six members; each returns NULL or why it will not do ---- */

static const char *missing(ns_arena *ar, const cJSON *v, const char *name)
{
	return v ? NULL : ns_arena_printf(ar, "%s is missing", name);
}

static const char *read_text(ns_arena *ar, const cJSON *obj, const char *name, bool filled, const char **out)
{
	const cJSON *v = ns_json_get(obj, name);
	if (!v)
		return missing(ar, v, name);
	if (!cJSON_IsString(v))
		return ns_arena_printf(ar, "%s is not a text", name);
	if (filled && is_blank(v->valuestring))
		return ns_arena_printf(ar, "%s is empty", name);
	*out = ns_arena_strdup(ar, v->valuestring);
	return NULL;
}

static const char *read_confidence(ns_arena *ar, const cJSON *obj, double *out)
{
	const cJSON *v = ns_json_get(obj, "confidence");
	if (!v)
		return missing(ar, v, "confidence");
	if (cJSON_IsRaw(v)) /* an integer beyond 2^53 */
		return "confidence is not between 0 and 1";
	if (!cJSON_IsNumber(v))
		return "confidence is not a number";
	if (!(v->valuedouble >= 0 && v->valuedouble <= 1))
		return ns_arena_printf(ar, "confidence %g is not between 0 and 1", v->valuedouble);
	*out = v->valuedouble;
	return NULL;
}

static const char *read_action(ns_arena *ar, const cJSON *obj, ns_action *out)
{
	const char *word = NULL, *why = read_text(ar, obj, "action_type", false, &word);
	bool known = false;
	if (why)
		return why;
	*out = ns_action_parse(word, &known);
	return known ? NULL : ns_arena_printf(ar, "unknown action \"%s\"", shown(ar, word));
}

static const char *read_risk(ns_arena *ar, const cJSON *obj, ns_risk *out)
{
	const char *word = NULL, *why = read_text(ar, obj, "risk_level", false, &word);
	if (why)
		return why;
	return ns_risk_parse(word, out) ? NULL : ns_arena_printf(ar, "unknown risk level \"%s\"", shown(ar, word));
}

static const char *read_flag(ns_arena *ar, const cJSON *obj, bool *out)
{
	const cJSON *v = ns_json_get(obj, "auto_remediate");
	if (!v)
		return missing(ar, v, "auto_remediate");
	if (!cJSON_IsBool(v))
		return "auto_remediate is neither true nor false";
	*out = cJSON_IsTrue(v);
	return NULL;
}

static const char *read_members(ns_arena *ar, const cJSON *obj, ns_reply *r)
{
	const char *why = read_text(ar, obj, "root_cause", true, &r->root_cause);
	why = why ? why : read_confidence(ar, obj, &r->confidence);
	why = why ? why : read_action(ar, obj, &r->action);
	why = why ? why : read_risk(ar, obj, &r->risk);
	why = why ? why : read_flag(ar, obj, &r->auto_remediate);
	return why ? why : read_text(ar, obj, "reasoning", false, &r->reasoning);
}

/* ---- claims: optional, so a wrong shape costs them and nothing else (then no claim cites evidence) ---- */

static bool read_claim(ns_arena *ar, const cJSON *j, ns_claim *out)
{
	const cJSON *text = ns_json_get(j, "text"), *ids = ns_json_get(j, "evidence");
	if (!cJSON_IsString(text) || !cJSON_IsArray(ids) || ns_json_len(ids) > MAX_CITED)
		return false;
	const char **list = ns_arena_alloc(ar, (ns_json_len(ids) + 1) * sizeof *list);
	size_t n = 0;
	ns_json_each(id, ids)
	{
		if (!cJSON_IsString(id))
			return false;
		list[n++] = ns_arena_strdup(ar, id->valuestring);
	}
	*out = (ns_claim){ns_arena_strdup(ar, text->valuestring), list, n};
	return true;
}

static void read_claims(ns_arena *ar, const cJSON *obj, ns_reply *r)
{
	const cJSON *list = ns_json_get(obj, "claims");
	if (!cJSON_IsArray(list) || ns_json_len(list) > MAX_CLAIMS)
		return;
	r->claims = ns_arena_alloc(ar, (ns_json_len(list) + 1) * sizeof *r->claims);
	ns_json_each(j, list)
	{
		if (!read_claim(ar, j, &r->claims[r->n_claims++])) {
			r->n_claims = 0;
			return;
		}
	}
}

/* ---- the code's own rules ---- */

/* Why it may not run without a person, NULL when it may. */
static const char *held_back(ns_arena *ar, const ns_reply *r)
{
	if (!(r->confidence > NS_REPLY_AT_GATE))
		return ns_arena_printf(ar, "confidence %.4g is not above %.2f", r->confidence, NS_REPLY_AT_GATE);
	if (r->risk != NS_RISK_LOW && r->risk != NS_RISK_MEDIUM)
		return ns_arena_printf(ar, "risk %s needs a person", ns_risk_name(r->risk));
	return r->auto_remediate ? NULL : "the model declined automation";
}

static void decide(ns_arena *ar, ns_reply *r)
{
	if (!ns_action_get(r->action)->executable) {
		r->reason = "the model asks for manual review";
		return;
	}
	const char *held = held_back(ar, r);
	r->may_auto = !held;
	r->route = held ? NS_ROUTE_APPROVAL : NS_ROUTE_EXECUTE;
	r->reason = held ? held : ns_arena_printf(ar, "%s, confidence %.4g, risk %s", ns_action_get(r->action)->name, r->confidence, ns_risk_name(r->risk));
}

static const char *read_object(ns_arena *ar, const char *s, size_t n, ns_reply *r)
{
	size_t from = 0, to = 0;
	ns_err err = {0};
	if (!n)
		return "the reply is empty";
	if (n > NS_REPLY_MAX)
		return ns_arena_printf(ar, "the reply has %zu bytes, at most %d are taken", n, NS_REPLY_MAX);
	if (memchr(s, '\0', n))
		return "the reply holds a NUL";
	if (!ns_utf8_valid(s, n))
		return "the reply is not UTF-8";
	const char *why = reply_find(s, n, &from, &to);
	if (why)
		return why;
	cJSON *obj = ns_json_parse(s + from, to - from, &ns_json_strict, &err);
	if (!obj)
		return shown(ar, err.text);
	why = read_members(ar, obj, r);
	if (!why)
		read_claims(ar, obj, r);
	cJSON_Delete(obj);
	return why;
}

void ns_reply_read(ns_arena *ar, const char *s, size_t n, ns_reply *out)
{
	*out = (ns_reply){.route = NS_ROUTE_MANUAL_REVIEW, .reason = "", .root_cause = "", .reasoning = ""};
	const char *why = read_object(ar, s, n, out);
	out->valid = !why;
	if (out->valid) {
		decide(ar, out);
		return;
	}
	/* Nothing of a reply that is not valid may be used by mistake. */
	*out = (ns_reply){.route = NS_ROUTE_MANUAL_REVIEW, .reason = why, .root_cause = "", .reasoning = "", .action = NS_ACT_MANUAL_REVIEW,
	    .risk = NS_RISK_CRITICAL};
}
