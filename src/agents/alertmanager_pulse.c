/* Heartbeats: alerts that always fire, so that their absence tells that Prometheus, Alertmanager or the way between us is down. How often
 * one comes is its receiver's repeat_interval, which nobody tells us: it is learnt. A pair of Alertmanagers sends each twice in a row, so
 * that only gaps of a minute and more count as its rhythm. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/agents/alertmanager.h"

enum { MAX_PULSES = 32, MIN_GAP_MS = 60000, MIN_SILENCE_MS = 5 * 60000, GAPS = 3 };

typedef struct beat {
	char name[64], cluster[256], fingerprint[80]; /* "" fingerprint: free */
	int64_t last_mono, gap_ms;                    /* gap: the longest between two, 0 not known yet */
	int64_t told_mono;                            /* when its absence was last told, -1 not */
	bool stopped, back;                           /* it was resolved; it came again after its absence was told */
} beat;

struct ns_am_pulse {
	int64_t expire_ms;
	beat at[MAX_PULSES];
};

ns_am_pulse *ns_am_pulse_new(int64_t expire_ms)
{
	ns_am_pulse *p = ns_xcalloc(1, sizeof *p);
	p->expire_ms = expire_ms;
	return p;
}

void ns_am_pulse_free(ns_am_pulse *p)
{
	free(p);
}

/* Its place, else a free one, else that of the one that came the longest ago. */
static beat *place_of(ns_am_pulse *p, const char *cluster, const char *fingerprint)
{
	beat *best = &p->at[0];
	for (size_t i = 0; i < MAX_PULSES; i++) {
		beat *b = &p->at[i];
		if (strcmp(b->fingerprint, fingerprint) == 0 && strcmp(b->cluster, cluster) == 0)
			return b;
		if (*best->fingerprint && (!*b->fingerprint || b->last_mono < best->last_mono))
			best = b;
	}
	*best = (beat){.told_mono = -1};
	return best;
}

void ns_am_pulse_beat(ns_am_pulse *p, const ns_am_alert *a, int64_t mono_ms)
{
	char cluster[sizeof p->at->cluster], fingerprint[sizeof p->at->fingerprint];
	ns_copy(cluster, sizeof cluster, a->cluster);
	ns_copy(fingerprint, sizeof fingerprint, a->fingerprint);
	beat *b = place_of(p, cluster, fingerprint);
	bool fresh = !*b->fingerprint;
	if (fresh && a->resolved)
		return; /* the end of what was never seen */
	int64_t gap = mono_ms - b->last_mono;
	if (!fresh && !a->resolved && !b->stopped && b->told_mono < 0 && gap >= MIN_GAP_MS && gap > b->gap_ms)
		b->gap_ms = gap;
	ns_copy(b->name, sizeof b->name, a->name);
	memcpy(b->cluster, cluster, sizeof cluster);
	memcpy(b->fingerprint, fingerprint, sizeof fingerprint);
	b->stopped = a->resolved;
	if (a->resolved)
		return;
	b->last_mono = mono_ms;
	b->back = b->told_mono >= 0;
}

static int64_t silence(const ns_am_pulse *p, const beat *b)
{
	int64_t learnt = b->gap_ms * GAPS;
	return !learnt || learnt > p->expire_ms ? p->expire_ms : learnt < MIN_SILENCE_MS ? MIN_SILENCE_MS : learnt;
}

static void word(const ns_am_pulse *p, const beat *b, ns_arena *ar, int64_t wall, int64_t mono, ns_am_alert *out)
{
	char since[16], every[16];
	ns_duration_format(mono - b->last_mono, since);
	ns_duration_format(b->gap_ms, every);
	*out = (ns_am_alert){.name = ns_arena_printf(ar, "%s silent", b->name),
	    .fingerprint = ns_arena_printf(ar, "silent-%s", b->fingerprint),
	    .cluster = ns_arena_strdup(ar, b->cluster),
	    .resolved = b->back,
	    .severity = NS_SEV_WARN,
	    .starts_ms = wall - (mono - b->last_mono),
	    .ends_ms = b->back ? wall : 0,
	    .expires_ms = wall + p->expire_ms};
	out->about = (ns_am_subject){"", "", "", "", "", "", "", "", "", "", "", "", ""};
	out->message = ns_arena_printf(ar, "Alertmanager's heartbeat %s %s%s%s%s: alerts of this source may reach nobody", b->name,
	    b->stopped ? "was resolved, and came last " : "has not come for ", since, b->stopped ? " ago" : "",
	    b->gap_ms ? ns_arena_printf(ar, " (it came every %s)", every) : "");
}

bool ns_am_pulse_news(ns_am_pulse *p, ns_arena *ar, int64_t wall_ms, int64_t mono_ms, ns_am_alert *out, int64_t *due_mono_ms)
{
	*due_mono_ms = -1;
	for (size_t i = 0; i < MAX_PULSES; i++) {
		beat *b = &p->at[i];
		if (!*b->fingerprint)
			continue;
		/* What is told expires like any alert: it is told again before. */
		int64_t at = b->told_mono >= 0 ? b->told_mono + p->expire_ms / 2 : b->stopped ? mono_ms : b->last_mono + silence(p, b);
		if (!b->back && mono_ms < at) {
			*due_mono_ms = ns_sooner(*due_mono_ms, at);
			continue;
		}
		word(p, b, ar, wall_ms, mono_ms, out);
		b->told_mono = b->back ? -1 : mono_ms;
		b->back = false;
		return true;
	}
	return false;
}
