/* Several clusters in one engine: one falls, hangs or is missing, and the other's loop goes on; what is decided is decided by the incident's own
 * cluster; nothing of one is taken for the other's. */
#include <netinet/in.h>
#include <sys/socket.h>
#include "../../src/engine/engine_priv.h"
#include "cases.h"

typedef struct pair {
	live l;               /* cluster "a" is its simulated one */
	ns_sim *sim;          /* cluster "b" */
	char *config;         /* its kubeconfig */
	ns_kubeconfig *kc;
	ns_cluster_opts c[2];
} pair;

static void pair_open(pair *p, const char *a, const char *b, ns_profile pa, ns_profile pb)
{
	ns_err err = {0};
	memset(p, 0, sizeof *p);
	live_open(&p->l, a, 60, pa);
	p->config = ns_path_join(p->l.r.dir, "kubeconfig-b");
	if (b) {
		ns_sim_opts o = {.listen = "127.0.0.1:0", .scenario = b, .clock = p->l.r.clock, .seed = 2};
		p->sim = ns_sim_start(&o, &err);
		must(p->sim && ns_sim_write_kubeconfig(p->sim, p->config, &err) && (p->kc = ns_kubeconfig_load(p->config, NULL, &err)), "%s", err.text);
	}
	p->c[0] = p->l.c;
	p->c[0].name = "a";
	p->c[1] = (ns_cluster_opts){.name = "b", .cfg = p->kc, .kubeconfig = p->config, .profile = pb};
	p->l.o.clusters = p->c;
	p->l.o.n_clusters = 2;
}

static void pair_close(pair *p)
{
	if (p->l.e)
		live_stop(&p->l);
	if (p->sim)
		ns_sim_stop(p->sim);
	ns_kubeconfig_free(p->kc);
	free(p->config);
	live_close(&p->l);
}

static const ns_inc_row *row_in(const ns_snapshot *s, const char *cluster, const char *ns, const char *name)
{
	const ns_inc_row *found = NULL;
	for (size_t i = 0; s && i < s->n_incidents; i++) {
		const ns_inc_row *r = &s->incidents[i];
		if (!strcmp(r->cluster, cluster) && !strcmp(r->ns, ns) && !strcmp(r->target, name) && (!found || r->id > found->id))
			found = r;
	}
	return found;
}

static ns_inc_row until_in(pair *p, const char *cluster, const char *ns, const char *name, const char *states)
{
	static char note[600];
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (;;) {
		ns_snapshot *s = p->l.door.snapshot(p->l.door.ctx, NULL);
		const ns_inc_row *r = row_in(s, cluster, ns, name);
		ns_inc_row row = r ? *r : (ns_inc_row){0};
		ns_copy(note, sizeof note, r ? r->note : "");
		row.note = note;
		bool there = r != NULL;
		ns_snapshot_unref(s);
		const char *is = there ? ns_state_get(row.state)->name : "nowhere", *at = strstr(states, is);
		if (at && (at == states || at[-1] == '|') && strchr("|", at[strlen(is)]))
			return row;
		must(ns_real_mono_ms() < end, "%s: %s/%s is %s (%s), must be %s", cluster, ns, name, is, note, states);
		rig_nap(LIVE_NAP_MS);
	}
}

static card card_in(pair *p, const char *cluster, const char *name)
{
	card c = {0};
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	while (!c.id) {
		ns_snapshot *s = p->l.door.snapshot(p->l.door.ctx, NULL);
		for (size_t i = 0; i < s->n_approvals; i++) {
			const ns_appr_row *a = &s->approvals[i];
			if (a->state != NS_CARD_READY || strcmp(a->target, name) != 0 || strcmp(a->cluster, cluster) != 0)
				continue;
			c.id = a->id;
			c.incident = a->incident;
			ns_copy(c.digest, sizeof c.digest, a->digest);
			ns_copy(c.ask, sizeof c.ask, a->ask);
		}
		ns_snapshot_unref(s);
		must(ns_real_mono_ms() < end, "nobody was asked about %s in %s", name, cluster);
		rig_nap(LIVE_NAP_MS);
	}
	return c;
}

/* Until the cluster's row says so. */
static void until_link(pair *p, size_t i, bool up)
{
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (;;) {
		ns_snapshot *s = p->l.door.snapshot(p->l.door.ctx, NULL);
		const ns_cluster_row *k = &s->clusters[i];
		bool is = k->live && k->synced, why = *k->down_why != '\0';
		ns_snapshot_unref(s);
		if (is == up && (up || why))
			return;
		must(ns_real_mono_ms() < end, "cluster %zu is %s", i, is ? "live" : "down");
		rig_nap(LIVE_NAP_MS);
	}
}

/* ---- one falls ---- */

/* From alert to FIXED in a, while b is killed in the middle of its own incident. */
static void one_is_killed(void)
{
	pair p;
	pair_open(&p, "oom-simple", "oom-simple", NS_PROFILE_APPROVE, NS_PROFILE_APPROVE);
	live_start(&p.l);
	card b = card_in(&p, "b", "checkout"), a = card_in(&p, "a", "checkout");
	ns_sim_outage(p.sim, true);
	until_link(&p, 1, false);
	live_yes(&p.l, &a);
	live_yes(&p.l, &b); /* it may be said; nothing can be sent */
	ns_inc_row row = until_in(&p, "a", "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&p.l) == 1 && ns_sim_mutations(p.sim, NULL, NULL) == 0, "%lld and %lld changes", (long long)live_sent(&p.l),
	    (long long)ns_sim_mutations(p.sim, NULL, NULL));
	ns_snapshot *s = p.l.door.snapshot(p.l.door.ctx, NULL);
	must(s->clusters[0].live && !s->clusters[1].live && s->clusters[1].down_why[0], "the screen does not say which one is down");
	must(s->clusters[1].n_open == 1, "the incident of the one that is down is gone");
	ns_snapshot_unref(s);
	pair_close(&p);
}

/* ---- nothing mixes ---- */

/* The same workload breaks in both: two incidents, two questions, and each yes changes its own cluster only. */
static void identities_do_not_mix(void)
{
	pair p;
	ns_err err = {0};
	pair_open(&p, "oom-simple", "oom-simple", NS_PROFILE_APPROVE, NS_PROFILE_APPROVE);
	live_start(&p.l);
	card a = card_in(&p, "a", "checkout"), b = card_in(&p, "b", "checkout");
	must(a.incident != b.incident && a.id != b.id && strcmp(a.digest, b.digest) != 0, "the two are one");
	card crossed = a;
	ns_copy(crossed.digest, sizeof crossed.digest, b.digest);
	must(!live_decide(&p.l, &crossed, true, &err) && err.code == NS_E_CONFLICT, "the digest of one approved the other");
	live_yes(&p.l, &b);
	ns_inc_row row = until_in(&p, "b", "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	must(live_sent(&p.l) == 0 && ns_sim_mutations(p.sim, "shop", "checkout") == 1, "the change went to the wrong cluster");
	until_in(&p, "a", "shop", "checkout", "awaiting_approval");
	ns_detail *d = p.l.door.detail(p.l.door.ctx, b.incident, NULL);
	must(d && !strcmp(d->row.cluster, "b"), "the detail is the other's");
	ns_detail_free(d);
	pair_close(&p);
}

/* ---- its own rules ---- */

static void profiles_are_each_ones_own(void)
{
	pair p;
	pair_open(&p, "crashloop-release", "crashloop-release", NS_PROFILE_OBSERVE, NS_PROFILE_AUTO);
	live_start(&p.l);
	ns_inc_row row = until_in(&p, "b", "shop", "cart", "resolved|failed|manual_review|awaiting_approval");
	must(row.verdict == NS_VERDICT_FIXED, "auto: %s: %s", ns_state_get(row.state)->name, row.note);
	row = until_in(&p, "a", "shop", "cart", "manual_review");
	must(live_sent(&p.l) == 0 && ns_sim_mutations(p.sim, NULL, NULL) == 1, "what is only observed was changed");
	pair_close(&p);
}

/* The engine's clock is about now: a window around it freezes one of them. */
static void a_freeze_window_is_each_ones_own(void)
{
	pair p;
	ns_err err = {0};
	char from[32], to[32], text[80];
	ns_arena *ar = ns_arena_new();
	ns_freeze window;
	pair_open(&p, "crashloop-release", "crashloop-release", NS_PROFILE_AUTO, NS_PROFILE_AUTO);
	int64_t now = ns_clock_wall_ms(p.l.r.clock);
	ns_time_format(now - 86400000, from);
	ns_time_format(now + 86400000, to);
	snprintf(text, sizeof text, "%.10s..%.10s", from, to);
	must(ns_freeze_parse(ar, text, &window, &err), "%s", err.text);
	p.c[0].windows = &window;
	p.c[0].n_windows = 1;
	live_start(&p.l);
	ns_inc_row row = until_in(&p, "b", "shop", "cart", "resolved|failed|manual_review|awaiting_approval");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	card c = card_in(&p, "a", "cart");
	must(strstr(c.ask, "freeze"), "the question does not say why: %s", c.ask);
	must(live_sent(&p.l) == 0, "sent alone in a freeze window");
	ns_snapshot *s = p.l.door.snapshot(p.l.door.ctx, NULL);
	must(s->clusters[0].frozen && strstr(s->clusters[0].frozen_why, text) && !s->clusters[1].frozen, "the screen says \"%s\"", s->clusters[0].frozen_why);
	ns_snapshot_unref(s);
	live_yes(&p.l, &c); /* a person may, in a freeze too */
	row = until_in(&p, "a", "shop", "cart", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	pair_close(&p);
	ns_arena_free(ar);
}

/* The hour's one automatic change of a is used up: b's is not. */
static void limits_are_each_ones_own(void)
{
	pair p;
	ns_err err = {0};
	int64_t id = 0;
	pair_open(&p, "crashloop-release", "crashloop-release", NS_PROFILE_AUTO, NS_PROFILE_AUTO);
	p.c[0].actions_per_hour = p.c[1].actions_per_hour = 1;
	ns_store *st = ns_store_open(p.l.r.state, p.l.r.clock, &err);
	ns_alert old = {.kind = NS_KIND_CONFIG_ERROR, .severity = NS_SEV_WARN, .container = "", .reason = "x", .message = "x", .policy = "", .rule = "",
	    .object_uid = "", .target = {.cluster = "a", .ns = "other", .kind = "Deployment", .name = "done", .uid = "u"}};
	ns_intent it = {.digest = "d", .action = "scale", .target = "other/Deployment/done", .cluster = "a", .argv_json = "[]", .body = "", .lock_path = ""};
	bool is_new, ok = st && ns_store_begin(st, &err) && ns_store_incident_open(st, &old, &it.incident, &is_new, &err) &&
	    ns_store_intent_start(st, &it, &id, &err) && ns_store_intent_finish(st, id, "sent", "", &err) && ns_store_commit(st, &err);
	must(ok, "%s", err.text);
	ns_store_close(st);
	live_start(&p.l);
	ns_inc_row row = until_in(&p, "b", "shop", "cart", "resolved|failed|manual_review|awaiting_approval");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	card c = card_in(&p, "a", "cart");
	must(strstr(c.ask, "limit"), "the question does not say why: %s", c.ask);
	must(live_sent(&p.l) == 0, "over its limit");
	pair_close(&p);
}

/* What is configured away in a counts in b; what has no namespace counts everywhere. */
static void namespaces_are_each_ones_own(void)
{
	static const char *const only[] = {"web", NULL};
	pair p;
	pair_open(&p, "oom-simple", "oom-simple", NS_PROFILE_OBSERVE, NS_PROFILE_OBSERVE);
	p.c[0].namespaces = only;
	live_start(&p.l);
	until_in(&p, "b", "shop", "checkout", "manual_review");
	until_link(&p, 0, true);
	ns_alert node = {.kind = NS_KIND_STORM, .severity = NS_SEV_CRIT, .target = {"a", "", "Cluster", "a", ""}, .container = "", .reason = "x", .message = "x",
	    .policy = "", .rule = "", .object_uid = ""};
	ns_engine_sink.alert(&p.l.e->clusters[0], &node); /* behind whatever the detector said before */
	until_in(&p, "a", "", "a", "manual_review");
	ns_snapshot *s = p.l.door.snapshot(p.l.door.ctx, NULL);
	must(!row_in(s, "a", "shop", "checkout"), "a namespace that does not count has an incident");
	ns_snapshot_unref(s);
	pair_close(&p);
}

/* ---- not there, not yet, not any more ---- */

static void down_at_start_and_up_later(void)
{
	pair p;
	ns_err err = {0};
	pair_open(&p, "oom-simple", "crashloop-release", NS_PROFILE_APPROVE, NS_PROFILE_AUTO);
	ns_kubeconfig_free(p.kc);
	p.kc = NULL;
	p.c[1].cfg = NULL;
	must(unlink(p.config) == 0, "unlink");
	live_start(&p.l); /* the engine is there, and says what is missing */
	until_link(&p, 1, false);
	ns_snapshot *s = p.l.door.snapshot(p.l.door.ctx, NULL);
	must(strstr(s->clusters[1].down_why, "kubeconfig-b"), "it does not name the file: %s", s->clusters[1].down_why);
	ns_snapshot_unref(s);
	card a = card_in(&p, "a", "checkout");
	must(ns_sim_write_kubeconfig(p.sim, p.config, &err), "%s", err.text);
	until_link(&p, 1, true);
	ns_inc_row row = until_in(&p, "b", "shop", "cart", "resolved|failed|manual_review|awaiting_approval");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	live_yes(&p.l, &a);
	row = until_in(&p, "a", "shop", "checkout", "resolved|failed|manual_review");
	must(row.verdict == NS_VERDICT_FIXED, "%s: %s", ns_state_get(row.state)->name, row.note);
	pair_close(&p);
}

/* A server that takes every connection and never answers holds no more workers than it may. */
static void one_that_hangs_leaves_workers_free(void)
{
	pair p;
	ns_err err = {0};
	pair_open(&p, "oom-simple", NULL, NS_PROFILE_APPROVE, NS_PROFILE_APPROVE);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 64) == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0, "socket");
	char *text = ns_xasprintf("apiVersion: v1\nkind: Config\nclusters:\n- name: b\n  cluster: {server: \"http://127.0.0.1:%d\"}\nusers:\n- name: b\n  user: {}\n"
	                          "contexts:\n- name: b\n  context: {cluster: b, user: b}\ncurrent-context: b\n",
	    ntohs(at.sin_port));
	must(ns_write_file_atomic(p.config, text, strlen(text), 0600, &err) && (p.kc = ns_kubeconfig_load(p.config, NULL, &err)), "%s", err.text);
	p.c[1].cfg = p.kc;
	live_start(&p.l);
	for (int i = 0; i < 12; i++) {
		char name[32], uid[32];
		snprintf(name, sizeof name, "stuck-%d", i);
		snprintf(uid, sizeof uid, "u-%d", i);
		const char *pods[] = {name};
		ns_alert x = {.kind = NS_KIND_POD_CRASHLOOP, .severity = NS_SEV_CRIT, .target = {"b", "shop", "Deployment", name, uid}, .container = "app",
		    .reason = "CrashLoopBackOff", .message = "it crashes", .pods = pods, .n_pods = 1, .policy = "", .rule = "", .object_uid = uid};
		ns_engine_sink.alert(&p.l.e->clusters[1], &x);
	}
	int most = 0;
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	card a = card_in(&p, "a", "checkout");
	live_yes(&p.l, &a);
	for (bool over = false; !over;) {
		ns_snapshot *s = p.l.door.snapshot(p.l.door.ctx, NULL);
		const ns_inc_row *r = row_in(s, "a", "shop", "checkout");
		over = r && ns_state_get(r->state)->terminal;
		must(!over || r->verdict == NS_VERDICT_FIXED, "%s", r->note);
		ns_snapshot_unref(s);
		int busy = atomic_load(&p.l.e->clusters[1].busy);
		most = busy > most ? busy : most;
		must(ns_real_mono_ms() < end, "the other one waits for the one that hangs");
		rig_nap(LIVE_NAP_MS);
	}
	must(most >= 1, "nothing ever hung: the case proves nothing");
	must(most <= p.l.e->most_per_cluster + 1, "%d workers hang", most); /* + 1: one that only looks */
	must(p.l.e->n_workers >= 2 * p.l.e->most_per_cluster, "there are not enough workers for both");
	close(fd);
	free(text);
	pair_close(&p);
}

/* An open question and an incident of a cluster that is not in the configuration any more: there, untouched, and it says so. */
static void not_configured_any_more(void)
{
	pair p;
	ns_err err = {0};
	pair_open(&p, "oom-simple", "oom-simple", NS_PROFILE_APPROVE, NS_PROFILE_APPROVE);
	live_start(&p.l);
	card b = card_in(&p, "b", "checkout");
	live_stop(&p.l);
	p.l.o.n_clusters = 1;
	live_start(&p.l);
	ns_inc_row row = until_in(&p, "b", "shop", "checkout", "manual_review");
	must(strstr(row.note, "not configured any more") && row.open, "%s", row.note);
	must(!live_decide(&p.l, &b, true, &err), "a question of a cluster that is not configured was answered");
	card a = card_in(&p, "a", "checkout");
	live_yes(&p.l, &a);
	until_in(&p, "a", "shop", "checkout", "resolved");
	until_in(&p, "b", "shop", "checkout", "manual_review");
	must(ns_sim_mutations(p.sim, NULL, NULL) == 0, "something was sent");
	live_stop(&p.l);
	p.l.o.n_clusters = 2; /* back again: in the end it is asked anew */
	p.l.o.cooldown_ms = MINUTES(1);
	live_start(&p.l);
	card again = card_in(&p, "b", "checkout");
	must(again.id > b.id, "the old question came back");
	pair_close(&p);
}

/* A server that says more than can be worked off, for as long as it lasts. */
typedef struct flood {
	ns_cluster *c;
	_Atomic bool over;
} flood;

static void *pour(void *ctx)
{
	flood *f = ctx;
	ns_alert a = {.kind = NS_KIND_POD_CRASHLOOP, .severity = NS_SEV_CRIT, .target = {"b", "shop", "Deployment", "nobody", "u-1"}, .container = "app",
	    .reason = "CrashLoopBackOff", .message = "again", .policy = "", .rule = "", .object_uid = "u-1"};
	while (!f->over)
		ns_engine_sink.alert(f->c, &a);
	return NULL;
}

static void what_never_stops_stalls_no_deadline(void)
{
	pair p;
	pthread_t t;
	pair_open(&p, "oom-simple", "healthy", NS_PROFILE_APPROVE, NS_PROFILE_APPROVE);
	p.l.o.approval_timeout_ms = MINUTES(2);
	live_start(&p.l);
	card_in(&p, "a", "checkout");
	flood f = {.c = &p.l.e->clusters[1]};
	must(pthread_create(&t, NULL, pour, &f) == 0, "no thread");
	until_in(&p, "a", "shop", "checkout", "expired"); /* silence is no, on time, and it is shown */
	f.over = true;
	pthread_join(t, NULL);
	pair_close(&p);
}

static void two_of_one_name(void)
{
	pair p;
	ns_err err = {0};
	pair_open(&p, "healthy", "healthy", NS_PROFILE_APPROVE, NS_PROFILE_APPROVE);
	p.c[1].name = "a";
	must(!ns_engine_start(&p.l.o, &err) && err.code == NS_E_USAGE && strstr(err.text, "\"a\""), "%s", err.text);
	pair_close(&p);
}

static test_case list[] = {
    {.name = "one_is_killed", .run = one_is_killed},
    {.name = "identities_do_not_mix", .run = identities_do_not_mix},
    {.name = "profiles_are_each_ones_own", .run = profiles_are_each_ones_own},
    {.name = "a_freeze_window_is_each_ones_own", .run = a_freeze_window_is_each_ones_own},
    {.name = "limits_are_each_ones_own", .run = limits_are_each_ones_own},
    {.name = "namespaces_are_each_ones_own", .run = namespaces_are_each_ones_own},
    {.name = "down_at_start_and_up_later", .run = down_at_start_and_up_later},
    {.name = "one_that_hangs_leaves_workers_free", .run = one_that_hangs_leaves_workers_free},
    {.name = "what_never_stops_stalls_no_deadline", .run = what_never_stops_stalls_no_deadline},
    {.name = "not_configured_any_more", .run = not_configured_any_more},
    {.name = "two_of_one_name", .run = two_of_one_name},
};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, "clusters", list, sizeof list / sizeof list[0]);
}
