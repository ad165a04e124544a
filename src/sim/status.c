/* Error answers in the API machinery's own words. */
#include "http_priv.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void resp_json(sim_resp *r, int code, const cJSON *j)
{
	r->code = code;
	r->ctype = "application/json";
	ns_buf_clear(&r->body);
	ns_json_write(j, &r->body);
	ns_buf_putc(&r->body, '\n');
}

void resp_text(sim_resp *r, int code, const char *text)
{
	r->code = code;
	r->ctype = "text/plain; charset=utf-8";
	ns_buf_clear(&r->body);
	ns_buf_puts(&r->body, text);
}

static cJSON *status_new(int code, const char *reason, const char *message)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "kind", "Status");
	ns_json_put_str(j, "apiVersion", "v1");
	cJSON_AddObjectToObject(j, "metadata");
	ns_json_put_str(j, "status", "Failure");
	ns_json_put_str(j, "message", message);
	if (reason)
		ns_json_put_str(j, "reason", reason);
	ns_json_put_int(j, "code", code);
	return j;
}

/* details go before code, as the server writes them. */
static void put_details(cJSON *status, cJSON *details)
{
	cJSON *code = cJSON_DetachItemFromObject(status, "code");
	cJSON_AddItemToObject(status, "details", details);
	cJSON_AddItemToObject(status, "code", code);
}

static cJSON *details_new(const char *name, const char *group, const char *kind)
{
	cJSON *d = cJSON_CreateObject();
	if (name && *name)
		ns_json_put_str(d, "name", name);
	if (*group)
		ns_json_put_str(d, "group", group);
	ns_json_put_str(d, "kind", kind);
	return d;
}

void status_error(sim_resp *r, int code, const char *reason, const sim_kind *k, const char *name, const char *fmt, ...)
{
	ns_buf text = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	cJSON *j = status_new(code, reason, ns_buf_str(&text));
	if (k)
		put_details(j, details_new(name, k->group, k->resource));
	resp_json(r, code, j);
	cJSON_Delete(j);
	ns_buf_free(&text);
}

void status_not_found(sim_resp *r, const sim_kind *k, const char *name)
{
	char what[128];
	kind_qualified(k, what);
	status_error(r, 404, "NotFound", k, name, "%s \"%s\" not found", what, name);
}

void status_forbidden(sim_resp *r, const char *verb, const sim_kind *k, const char *sub, const char *ns, const char *name)
{
	char what[128], quoted[300] = "", where[300];
	kind_qualified(k, what);
	if (name && *name)
		snprintf(quoted, sizeof quoted, " \"%s\"", name);
	if (ns && *ns)
		snprintf(where, sizeof where, "in the namespace \"%s\"", ns);
	else
		snprintf(where, sizeof where, "at the cluster scope");
	status_error(r, 403, "Forbidden", k, name, "%s%s is forbidden: User \"%s\" cannot %s resource \"%s%s%s\" in API group \"%s\" %s",
	    what, quoted, sim_user, verb, k->resource, sub && *sub ? "/" : "", sub ? sub : "", k->group, where);
}

void status_conflict(sim_resp *r, const sim_kind *k, const char *name, const char *why)
{
	char what[128];
	kind_qualified(k, what);
	status_error(r, 409, "Conflict", k, name, "Operation cannot be fulfilled on %s \"%s\": %s", what, name,
	    why ? why : "the object has been modified; please apply your changes to the latest version and try again");
}

cJSON *status_expired(const char *fmt, ...)
{
	ns_buf text = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	cJSON *j = status_new(410, "Expired", ns_buf_str(&text));
	ns_buf_free(&text);
	return j;
}

void cause_add(sim_causes *c, const char *reason, const char *field, const char *fmt, ...)
{
	ns_buf text = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (!c->list)
		c->list = cJSON_CreateArray();
	cJSON *e = cJSON_CreateObject();
	ns_json_put_str(e, "reason", reason);
	ns_json_put_str(e, "message", ns_buf_str(&text));
	ns_json_put_str(e, "field", field);
	cJSON_AddItemToArray(c->list, e);
	ns_buf_free(&text);
}

bool causes_answer(sim_causes *c, sim_resp *r, const sim_kind *k, const char *name)
{
	if (!c->list)
		return false;
	size_t n = ns_json_len(c->list);
	ns_buf text = NS_BUF_INIT;
	ns_buf_printf(&text, "%s%s%s \"%s\" is invalid: %s", k->kind, *k->group ? "." : "", k->group, name, n > 1 ? "[" : "");
	ns_json_each(e, c->list)
	    ns_buf_printf(&text, "%s%s: %s", e == c->list->child ? "" : ", ", ns_json_str(e, "field", ""), ns_json_str(e, "message", ""));
	if (n > 1)
		ns_buf_putc(&text, ']');
	cJSON *j = status_new(422, "Invalid", ns_buf_str(&text));
	cJSON *d = details_new(name, k->group, k->kind);
	cJSON_AddItemToObject(d, "causes", c->list);
	c->list = NULL;
	put_details(j, d);
	resp_json(r, 422, j);
	cJSON_Delete(j);
	ns_buf_free(&text);
	return true;
}
