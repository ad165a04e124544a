/* One scenario, headless: its own simulated cluster, engine and state directory in this process, a scripted approver at the CLI's door, and a
 * judge that reads the record afterwards (scenario_judge.c). */
#include "scenario.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "neuroscale/app/app.h"
#include "neuroscale/base/log.h"

enum { LOOK_EVERY_MS = 100, MAX_DECIDED = 64 };

const char *const play_modes[] = {[PLAY_SCRIPTED] = "scripted", [PLAY_AUTO] = "auto", NULL};

typedef struct play {
	const ns_sim_scenario *sc;
	const play_opts *o;
	ns_sim_approver approver;
	ns_app_stage stage;
	ns_door door;
	ns_clock *clock;
	int64_t decided[MAX_DECIDED];
	size_t n_decided;
	int64_t stall_ms;
} play;

static bool decided_before(play *p, int64_t id)
{
	for (size_t i = 0; i < p->n_decided; i++)
		if (p->decided[i] == id)
			return true;
	return false;
}

/* What a person at the CLI would do: look at what waits, say yes or no to its digest. */
static void approve(play *p, const ns_snapshot *s)
{
	for (size_t i = 0; i < s->n_approvals && p->approver != NS_SIM_SILENT; i++) {
		const ns_appr_row *a = &s->approvals[i];
		char said[256];
		ns_err err = {0};
		if (a->state != NS_CARD_READY || decided_before(p, a->id) || p->n_decided == MAX_DECIDED)
			continue;
		ns_decide_req req = {.approval = a->id, .approve = p->approver != NS_SIM_REJECT, .digest = a->digest, .reason = "scripted approver", .surface = "cli"};
		p->decided[p->n_decided++] = a->id;
		if (!p->door.decide(p->door.ctx, &req, said, sizeof said, &err))
			ns_log(NS_LOG_WARN, "approver", "%s", err.text);
	}
}

/* Who thinks better of it: takes back, once each, what was fixed. */
static void take_back(play *p, const ns_snapshot *s)
{
	for (size_t i = 0; i < s->n_undos && p->approver == NS_SIM_UNDO; i++) {
		const ns_appr_row *u = &s->undos[i];
		char said[256];
		ns_err err = {0};
		bool fixed = false;
		for (size_t k = 0; k < s->n_incidents; k++)
			fixed |= s->incidents[k].id == u->incident && s->incidents[k].state == NS_ST_RESOLVED;
		if (!fixed || decided_before(p, -u->id) || p->n_decided == MAX_DECIDED)
			continue;
		ns_undo_req req = {.incident = u->incident, .digest = u->digest, .reason = "scripted second thoughts", .surface = "cli"};
		p->decided[p->n_decided++] = -u->id; /* undos have numbers of their own */
		if (!p->door.undo(p->door.ctx, &req, said, sizeof said, &err))
			ns_log(NS_LOG_WARN, "approver", "%s", err.text);
	}
}

static bool about(const ns_inc_row *r, const ns_sim_expect *x)
{
	return play_is_target(x, r->ns, r->target) && (play_is_quiet(x) || play_one_of(x->kind, ns_kind_get(r->kind)->name, '|'));
}

/* The newest incident of what is expected, NULL when there is none. */
static const ns_inc_row *find_row(const ns_snapshot *s, const ns_sim_expect *x)
{
	const ns_inc_row *found = NULL;
	for (size_t i = 0; i < s->n_incidents; i++)
		if (about(&s->incidents[i], x) && (!found || s->incidents[i].id > found->id))
			found = &s->incidents[i];
	return found;
}

static bool as_expected(const ns_inc_row *r, const ns_sim_expect *x)
{
	return play_one_of(x->state, ns_state_get(r->state)->name, '|') && play_one_of(x->verdict, ns_verdict_name(r->verdict), '|') &&
	    play_one_of(x->action, ns_action_get(r->action)->name, '|');
}

/* Over before its horizon: everything that must happen has happened. What must not happen needs the whole time. */
static bool settled(const play *p, const ns_snapshot *s)
{
	for (const ns_sim_expect *x = p->sc->expect; x->ns; x++) {
		const ns_inc_row *r = play_is_quiet(x) ? NULL : find_row(s, x);
		if (!r || !as_expected(r, x))
			return false;
	}
	return true;
}

static bool watch(play *p, const ns_cancel *cancel, ns_err *err)
{
	int64_t end = ns_clock_mono_ms(p->clock) + p->sc->horizon_ms + (p->o->seed ? NS_SIM_LATER_MS : 0), looked = ns_real_mono_ms();
	while (ns_clock_mono_ms(p->clock) < end) {
		ns_snapshot *s = p->door.snapshot(p->door.ctx, err);
		if (!s)
			return false;
		approve(p, s);
		take_back(p, s);
		bool over = settled(p, s);
		ns_snapshot_unref(s);
		if (over)
			return true;
		if (!ns_cancel_sleep(cancel, ns_clock_real(), LOOK_EVERY_MS))
			return ns_fail(err, NS_E_CANCELLED, "stopped");
		int64_t now = ns_real_mono_ms(), stall = now - looked - LOOK_EVERY_MS;
		p->stall_ms = stall > p->stall_ms ? stall : p->stall_ms;
		looked = now;
	}
	return true;
}

/* Of all threads of this process, by the scheduler's own account: time on a processor, and time waiting for one. */
static double slowdown(void)
{
	double ran = 0, waited = 0;
	DIR *tasks = opendir("/proc/self/task");
	for (const struct dirent *e; tasks && (e = readdir(tasks));) {
		char path[300];
		double on, off;
		snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (f && fscanf(f, "%lf %lf", &on, &off) == 2) {
			ran += on;
			waited += off;
		}
		if (f)
			fclose(f);
	}
	if (tasks)
		closedir(tasks);
	return ran > 0 ? (ran + waited) / ran : 1;
}

bool app_play(const ns_config *cfg, const play_opts *o, const char *state_dir, const ns_cancel *cancel, play_result *r, ns_err *err)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	bool alone = o->mode == PLAY_AUTO;
	play p = {.sc = o->sc, .o = o, .approver = alone ? NS_SIM_SILENT : o->sc->approver};
	int64_t began = ns_real_mono_ms();
	*r = (play_result){.card_ms = cJSON_CreateArray(), .claims = cJSON_CreateArray()};
	p.clock = ns_clock_scaled(o->rate > 0 ? o->rate : PLAY_RATE, began, (int64_t)t.tv_sec * 1000);
	ns_log_init(o->log_fd, (ns_log_format)cfg->log_format, (ns_log_level)cfg->log_level, p.clock);
	ns_app_part part = {.scenario = p.sc, .profile = alone ? NS_PROFILE_AUTO : p.sc->profile, .seed = o->seed};
	bool ok = ns_app_stage_open(&p.stage, cfg, &part, 1, state_dir, p.clock, err) && ns_door_connect(state_dir, &p.door, err);
	if (ok) {
		ok = watch(&p, cancel, err);
		r->slowdown = slowdown();
		p.door.close(p.door.ctx);
		ns_app_stage_stop(&p.stage);
		ok = ok && play_judge(o, p.stage.sim[0], state_dir, p.clock, r, err);
	}
	ns_app_stage_close(&p.stage);
	r->seconds = (double)(ns_real_mono_ms() - began) / 1000;
	r->stall_ms = p.stall_ms;
	ns_clock_free(p.clock);
	return ok;
}

void play_result_free(play_result *r)
{
	ns_buf_free(&r->faults);
	cJSON_Delete(r->card_ms);
	cJSON_Delete(r->claims);
}

cJSON *play_result_json(const play_opts *o, const play_result *r)
{
	cJSON *j = cJSON_CreateObject();
	ns_json_put_str(j, "scenario", o->sc->name);
	ns_json_put_str(j, "mode", play_modes[o->mode]);
	ns_json_put_int(j, "seed", (int64_t)o->seed);
	ns_json_put_bool(j, "pass", r->faults.len == 0);
	ns_json_put_str(j, "faults", r->faults.len ? ns_buf_str(&r->faults) + 2 : "");
	const struct { const char *name; int64_t n; } counts[] = {{"sent", r->sent}, {"unsafe", r->unsafe}, {"false_remediations", r->false_fixes},
	    {"controls", (int64_t)r->controls}, {"faulty", (int64_t)r->faulty}, {"fixable", (int64_t)r->fixable}, {"fixed", (int64_t)r->fixed},
	    {"alone", (int64_t)r->alone}, {"incidents", (int64_t)r->incidents}, {"stall_ms", r->stall_ms}};
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		ns_json_put_int(j, counts[i].name, counts[i].n);
	cJSON_AddItemToObject(j, "card_ms", cJSON_Duplicate(r->card_ms, true));
	cJSON_AddItemToObject(j, "claims", cJSON_Duplicate(r->claims, true));
	ns_json_put_int(j, "rate", o->rate > 0 ? o->rate : PLAY_RATE);
	ns_json_put_num(j, "slowdown", r->slowdown);
	ns_json_put_num(j, "seconds", r->seconds);
	return j;
}

bool ns_app_scenario(const ns_config *cfg, const char *state_dir, const ns_cancel *cancel, ns_err *err)
{
	play_opts o = {.sc = ns_sim_scenario_find(cfg->scenario), .mode = (play_mode)cfg->mode, .seed = (uint64_t)cfg->seed, .rate = cfg->rate,
	    .log_fd = cfg->json ? STDERR_FILENO : STDOUT_FILENO};
	play_result r;
	bool ok = app_play(cfg, &o, state_dir, cancel, &r, err);
	if (ok && cfg->json) {
		cJSON *j = play_result_json(&o, &r);
		char *text = ns_json_text(j);
		puts(text);
		free(text);
		cJSON_Delete(j);
	} else if (!ok) {
		fprintf(cfg->json ? stderr : stdout, "FAILED %s: %s\n", o.sc->name, err->text);
	} else if (r.faults.len) {
		printf("FAILED %s: %s\n", o.sc->name, ns_buf_str(&r.faults) + 2);
	} else {
		printf("ok %s (%s; %lld change%s sent; %.1f s)\n", o.sc->name, o.sc->title, (long long)r.sent, r.sent == 1 ? "" : "s", r.seconds);
	}
	fflush(stdout);
	ok = ok && !r.faults.len;
	play_result_free(&r);
	return ok;
}
