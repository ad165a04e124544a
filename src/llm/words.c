/* Templates of the cause table: {name} from the case, {x|fallback} for the thing that the text named, {(x)} for " (thing)" or nothing. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"
#include "offline_priv.h"

/* At most n bytes of somebody else's text, on one line, cut at a word, without a stop at its end. */
static const char *quote(const scene *s, const char *text, size_t n)
{
	char *clean = ns_text_clean_dup(text, 4096);
	size_t len = strlen(clean);
	bool cut = len > n;
	if (cut) {
		len = n;
		while (len > n / 2 && clean[len] != ' ')
			len--;
		while (len && ((unsigned char)clean[len] & 0xC0) == 0x80)
			len--;
	}
	while (len && strchr(" .;:,", clean[len - 1]))
		len--;
	const char *out = ns_arena_printf(s->ar, "%.*s%s", (int)len, clean, cut ? " ~" : "");
	free(clean);
	return out;
}

static const char *w_workload(const scene *s, const char *x)
{
	return ns_arena_printf(s->ar, "%s/%s", s->c->alert.target.ns, s->c->alert.target.name);
}
static const char *w_kind(const scene *s, const char *x)
{
	char *k = ns_arena_strdup(s->ar, s->c->alert.target.kind);
	for (char *p = k; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return k;
}
static const char *w_name(const scene *s, const char *x)
{
	return s->c->alert.target.name;
}
static const char *w_ns(const scene *s, const char *x)
{
	return s->c->alert.target.ns;
}
static const char *w_container(const scene *s, const char *x)
{
	return s->bad ? s->bad->name : *s->c->alert.container ? s->c->alert.container : "(unknown)";
}
static const char *w_exit(const scene *s, const char *x)
{
	if (s->bad && s->bad->has_last)
		return ns_arena_printf(s->ar, "%d", s->bad->last_exit);
	return s->bad && *s->bad->waiting_reason ? s->bad->waiting_reason : "unknown";
}
static const char *w_limit(const scene *s, const char *x)
{
	char out[32];
	if (!s->bad || s->bad->mem_limit <= 0)
		return "none";
	ns_quantity_format_bytes(s->bad->mem_limit, out);
	return ns_arena_strdup(s->ar, out);
}
static const char *w_restarts(const scene *s, const char *x)
{
	long long n = s->bad ? (long long)s->bad->restarts : 0;
	return n ? ns_arena_printf(s->ar, "%lld restart%s", n, n == 1 ? "" : "s") : "not restarted yet";
}
static const char *w_revision(const scene *s, const char *x)
{
	return s->cur ? ns_arena_printf(s->ar, "%lld", (long long)s->cur->number) : "?";
}
static const char *w_good(const scene *s, const char *x)
{
	return s->good ? ns_arena_printf(s->ar, "%lld", (long long)s->good->number) : "?";
}
static const char *w_changes(const scene *s, const char *x)
{
	return s->good ? quote(s, s->good->changes, 160) : "unknown";
}
static const char *w_image(const scene *s, const char *x)
{
	return s->bad && *s->bad->image ? quote(s, s->bad->image, 200) : "its image";
}
static const char *w_ready(const scene *s, const char *x)
{
	return ns_arena_printf(s->ar, "%lld", (long long)s->c->ready);
}
static const char *w_want(const scene *s, const char *x)
{
	return ns_arena_printf(s->ar, "%lld", (long long)s->c->replicas);
}
static const char *w_reason(const scene *s, const char *x)
{
	return *s->c->alert.reason ? quote(s, s->c->alert.reason, 80) : ns_kind_get(s->c->alert.kind)->title;
}
static const char *w_message(const scene *s, const char *x)
{
	/* The scheduler's own words, where the pod's condition has them. */
	int ev = ns_evidence_find(s->c, NS_EV_CONDITION, "Unschedulable: ");
	const char *p = ev >= 0 ? strstr(s->c->evidence[ev].text, "Unschedulable: ") : NULL;
	if (p)
		return quote(s, p + strlen("Unschedulable: "), 200);
	return *s->c->alert.message ? quote(s, s->c->alert.message, 200) : "see its conditions";
}
static const char *w_owner(const scene *s, const char *x)
{
	const char *m = s->c->managed_by;
	if (!strncmp(m, "operator:", 9))
		return ns_arena_printf(s->ar, "its %s", m + 9);
	return !strcmp(m, "argocd") ? "Argo CD" : !strcmp(m, "flux") ? "Flux" : !strcmp(m, "helm") ? "Helm" : "the deployment tool";
}
static const char *w_owner_kind(const scene *s, const char *x)
{
	const char *m = s->c->managed_by;
	return !strncmp(m, "operator:", 9) ? m + 9 : "OWNER";
}
static const char *w_app(const scene *s, const char *x)
{
	/* The collector's owner row names the application, "application NAME". */
	int ev = ns_evidence_find(s->c, NS_EV_OWNER, "application ");
	const char *p = ev >= 0 ? strstr(s->c->evidence[ev].text, "application ") : NULL;
	return p ? ns_arena_strndup(s->ar, p + 12, strcspn(p + 12, " ,;)")) : "APPLICATION";
}
static const char *w_policy(const scene *s, const char *x)
{
	return *s->c->alert.policy ? s->c->alert.policy : "(unknown)";
}
static const char *w_rule(const scene *s, const char *x)
{
	return *s->c->alert.rule ? s->c->alert.rule : "(unnamed)";
}
static const char *w_policy_message(const scene *s, const char *x)
{
	const char *m = *s->c->policy_message ? s->c->policy_message : s->c->alert.message;
	return *m ? quote(s, m, 160) : "no message";
}
static const char *w_now(const scene *s, const char *x)
{
	return ns_arena_printf(s->ar, "%.2f", s->c->alert.cost_now);
}
static const char *w_before(const scene *s, const char *x)
{
	return ns_arena_printf(s->ar, "%.2f", s->c->alert.cost_before);
}
static const char *w_thing(const scene *s, const char *x)
{
	return x;
}
static const char *w_in_brackets(const scene *s, const char *x)
{
	return *x ? ns_arena_printf(s->ar, " (%s)", x) : "";
}

static const struct {
	const char *name;
	const char *(*fn)(const scene *, const char *x);
} placeholders[] = {
    {"w", w_workload},
    {"kind", w_kind},
    {"name", w_name},
    {"ns", w_ns},
    {"c", w_container},
    {"exit", w_exit},
    {"limit", w_limit},
    {"n", w_restarts},
    {"rev", w_revision},
    {"good", w_good},
    {"chg", w_changes},
    {"img", w_image},
    {"ready", w_ready},
    {"want", w_want},
    {"reason", w_reason},
    {"msg", w_message},
    {"owner", w_owner},
    {"ownerkind", w_owner_kind},
    {"app", w_app},
    {"pol", w_policy},
    {"rule", w_rule},
    {"polmsg", w_policy_message},
    {"now", w_now},
    {"before", w_before},
    {"x", w_thing},
    {"(x)", w_in_brackets},
};

static const char *placeholder(const scene *s, const char *name, size_t n, const char *x)
{
	for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++)
		if (strlen(placeholders[i].name) == n && !memcmp(placeholders[i].name, name, n))
			return placeholders[i].fn(s, x);
	return NULL;
}

/* Braces that name nothing stand as they are: jsonpath and the like. */
const char *ns_words_expand(const scene *s, const char *tmpl, const char *x)
{
	ns_buf out = NS_BUF_INIT;
	for (const char *p = tmpl; *p;) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		const char *bar = end ? memchr(p, '|', (size_t)(end - p)) : NULL;
		const char *value = end ? placeholder(s, p + 1, (size_t)((bar ? bar : end) - p - 1), x) : NULL;
		if (!value) {
			ns_buf_putc(&out, *p++);
			continue;
		}
		if (*value || !bar)
			ns_buf_puts(&out, value);
		else
			ns_buf_put(&out, bar + 1, (size_t)(end - bar - 1));
		p = end + 1;
	}
	return ns_arena_take(s->ar, &out);
}
