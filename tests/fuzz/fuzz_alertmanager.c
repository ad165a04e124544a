/* Alertmanager's webhook: any body gives alerts within their limits, whose names are names and whose text is clean, or one line that says
 * why not. */
#include "fuzz.h"
#include "neuroscale/agents/alertmanager.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"

static void need_clean(const char *s, size_t max)
{
	NEED(s && strlen(s) <= max && ns_utf8_valid(s, strlen(s)));
	for (; *s; s++)
		NEED((unsigned char)*s >= ' ' && *s != 127);
}

static void need_name(const char *s)
{
	NEED(!*s || ns_k8s_subdomain_ok(s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	ns_err err = {0};
	ns_am_message m;
	ns_arena *ar = ns_arena_new();
	ns_am_opts o = {.cluster_label = "cluster", .now_ms = 1800000000000, .expire_ms = 18000000};
	if (!ns_am_decode(ar, (const char *)data, n, &o, &m, &err)) {
		NEED(err.code != NS_OK && err.text[0] && !strchr(err.text, '\n'));
		ns_arena_free(ar);
		return 0;
	}
	NEED(m.n_alerts <= NS_AM_MAX_ALERTS && m.truncated >= 0);
	ns_am_pulse *p = ns_am_pulse_new(o.expire_ms);
	for (size_t i = 0; i < m.n_alerts; i++) {
		const ns_am_alert *a = &m.alerts[i];
		const ns_am_subject *s = &a->about;
		const char *names[] = {s->ns, s->pod, s->container, s->deployment, s->statefulset, s->daemonset, s->replicaset, s->job,
		    s->cronjob, s->hpa, s->pvc, s->node, s->app};
		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			need_name(names[k]);
		NEED(*s->ns || !(*s->pod || *s->deployment || *s->job || *s->app));
		need_clean(a->name, 512);
		need_clean(a->message, NS_AM_MAX_TEXT);
		NEED(*a->fingerprint && strlen(a->fingerprint) <= 64);
		NEED(a->starts_ms >= 0 && a->starts_ms <= o.now_ms && a->ends_ms <= o.now_ms && a->resolved == (a->ends_ms != 0));
		ns_am_pulse_beat(p, a, 1000 * (int64_t)i);
	}
	ns_am_alert news;
	int64_t due;
	size_t told = 0;
	while (ns_am_pulse_news(p, ar, o.now_ms, o.expire_ms * 2, &news, &due))
		NEED(++told <= 64);
	ns_am_pulse_free(p);
	ns_arena_free(ar);
	return 0;
}
