/* A model service behind the engine, over real HTTP: it may lower trust and never raise it; whatever becomes of it the incident goes on, says so,
 * and what it cost is on record. */
#include "model_rig.h"

void ns_engine_test_point(const char *name, int64_t incident);
static atomic_llong analysing_at, planning_at; /* real, of the first incident */
void ns_engine_test_point(const char *name, int64_t incident)
{
	long long none = 0;
	if (incident == 1 && strcmp(name, "analyzing") == 0)
		atomic_compare_exchange_strong(&analysing_at, &none, (long long)ns_real_mono_ms());
	if (incident == 1 && strcmp(name, "planning") == 0)
		atomic_compare_exchange_strong(&planning_at, &none, (long long)ns_real_mono_ms());
}

/* ---- cases ---- */

static void who_answered_and_what_it_took_is_on_record(void)
{
	live l;
	ns_err err = {0};
	model_open(&l, "crashloop-release", NS_PROFILE_AUTO, (step){SSE, 200, 0, ROLLBACK("0.9")});
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "cart", "resolved");
	cJSON *a = fact(&l, row.id, "analysis"), *u = fact(&l, row.id, "usage"), *r = fact(&l, row.id, "rca");
	must(strcmp(ns_json_str(a, "by", ""), "model") == 0 && strcmp(ns_json_str(a, "model", ""), "qwen-a") == 0, "by %s", ns_json_str(a, "model", ""));
	must(strcmp(ns_json_str(r, "provider", ""), "qwen-a") == 0, "%s", ns_json_str(r, "provider", ""));
	must(strcmp(ns_json_str(a, "request", ""), "r9") == 0 && strncmp(ns_json_str(a, "prompt", ""), "analyzer/", 9) == 0, "no request or prompt");
	must(ns_json_num_or(a, "claimed", 0) == .9, "no claim");
	must(ns_json_int_or(u, "all_calls", 0) >= 1 && ns_json_int_or(u, "all_tokens", 0) >= 990, "no sum");
	cJSON_Delete(a);
	cJSON_Delete(u);
	cJSON_Delete(r);
	ns_detail *d = l.door.detail(l.door.ctx, row.id, &err);
	must(d && strstr(d->usage, "analyzer qwen-a: 900 + 90 tokens") && strstr(d->usage, "request r9"), "detail: %s", d ? d->usage : err.text);
	ns_detail_free(d);
	/* Templates stay here. */
	must(*service.question && !strstr(service.question, "\\\"containers\\\""), "a pod template left the process");
	/* What is spent stays spent over a restart, with a budget that starts empty. */
	ns_budget_view before, after;
	live_stop(&l);
	ns_budget_look(budget, ns_clock_wall_ms(ns_clock_real()), &before);
	ns_budget *fresh = ns_budget_new(&ns_budget_defaults);
	l.o.llm = NULL; /* nobody asks meanwhile */
	l.o.budget = fresh;
	live_start(&l);
	live_stop(&l);
	ns_budget_look(fresh, ns_clock_wall_ms(ns_clock_real()), &after);
	must(before.day.calls > 0 && after.day.tokens == before.day.tokens, "%lld tokens became %lld", (long long)before.day.tokens, (long long)after.day.tokens);
	ns_budget_free(fresh);
	model_close(&l);
}

/* Whatever the service does the incident is planned within five seconds, and says who analysed it and why. */
static void goes_on_offline(step trouble, const char *why)
{
	live l;
	ns_err err = {0};
	model_open(&l, "oom-simple", NS_PROFILE_APPROVE, trouble);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	must(atomic_load(&planning_at) > atomic_load(&analysing_at), "planned before it was analysed");
	cJSON *u = use_of(&l, c.incident, "analyzer"); /* of the service only: what a busy machine needs for the rest is not its fault */
	must(ns_json_int_or(u, "elapsed_ms", 9999) < 5000, "%lld ms", (long long)ns_json_int_or(u, "elapsed_ms", 9999));
	cJSON_Delete(u);
	cJSON *a = fact(&l, c.incident, "analysis"), *r = fact(&l, c.incident, "rca");
	must(strcmp(ns_json_str(a, "by", ""), "offline") == 0 && strcmp(ns_json_str(r, "provider", ""), "offline") == 0, "not offline");
	must(strncmp(ns_json_str(a, "mark", ""), "offline analyst: ", 17) == 0 && strstr(ns_json_str(a, "mark", ""), why), "%s", ns_json_str(a, "mark", ""));
	must(ns_json_num_or(a, "claimed", 0) < 0, "a claim of nobody");
	ns_detail *d = l.door.detail(l.door.ctx, c.incident, &err);
	must(d && strstr(d->analysis, why), "detail: %s", d ? d->analysis : err.text);
	bool noted = false;
	for (size_t i = 0; i < d->n_history; i++)
		noted |= strstr(d->history[i].what, why) != NULL;
	must(noted, "no step says so");
	ns_detail_free(d);
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(s->n_approvals && strncmp(s->approvals[0].analyst, "offline analyst: ", 17) == 0 && strstr(s->approvals[0].analyst, why), "the card does not say so");
	must(s->model.on && *s->model.offline_why, "the header does not say so");
	ns_snapshot_unref(s);
	cJSON_Delete(a);
	cJSON_Delete(r);
	model_close(&l);
}
static void slow(void) { goes_on_offline((step){SILENCE, 0, 0, ""}, "the model is slow"); }
static void down(void) { goes_on_offline((step){SLAM, 0, 0, ""}, "is down"); }
static void refused_key(void) { goes_on_offline((step){SAY, 401, 0, "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"no\"}}"}, "key"); }

static void out_of_money(void)
{
	goes_on_offline((step){SAY, 400, 0, "{\"error\":{\"code\":\"Arrearage\",\"message\":\"Access denied, please make sure your account is in good standing.\"}}"}, "out of money");
}
static void not_even_json(void) { goes_on_offline((step){SAY, 200, 0, "<html>a proxy says hello</html>"}, "the model's answer is none"); }
static void none_of_the_models(void)
{
	goes_on_offline((step){SAY, 404, 0, "{\"error\":{\"code\":\"model_not_found\",\"message\":\"withdrawn\"}}"}, "none of the configured models is there");
}

static void a_broken_reply_is_a_persons_case(void)
{
	live l;
	model_open(&l, "crashloop-release", NS_PROFILE_AUTO, (step){SSE, 200, 0, "{\"root_cause\":7}"});
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "cart", "manual_review");
	cJSON *a = fact(&l, row.id, "analysis");
	must(strstr(ns_json_str(a, "mark", ""), "root_cause is not a text"), "%s", ns_json_str(a, "mark", ""));
	must(live_sent(&l) == 0, "something was sent");
	cJSON_Delete(a);
	model_close(&l);
}

static void no_reply_raises_trust(void)
{
	live l;
	model_open(&l, "crashloop-secret", NS_PROFILE_AUTO, (step){SSE, 200, 0, ROLLBACK("0.99")});
	live_start(&l);
	ns_inc_row row = live_until(&l, "payments", "payments-api", "manual_review|awaiting_approval");
	cJSON *r = fact(&l, row.id, "rca");
	must(!ns_json_bool_or(r, "auto_remediate", true), "the model may act on its own");
	must(ns_json_num_or(r, "confidence", 1) <= NS_DISSENT_CAP, "confidence %.2f", ns_json_num_or(r, "confidence", 1));
	cJSON_Delete(r);
	live_quiet(&l, MINUTES(2));
	must(atomic_load(&service.asked) > 0 && live_sent(&l) == 0, "something was sent");
	model_close(&l);
}

/* A name that nobody has seen: the gate is told as well, not only the confidence. */
static void a_name_from_nowhere_is_no_evidence(void)
{
	live l;
	model_open(&l, "crashloop-release", NS_PROFILE_AUTO, (step){SSE, 200, 0,
	    "{\"root_cause\":\"The new release broke statefulset foo-db.\",\"confidence\":0.99,\"action_type\":\"rollback\",\"risk_level\":\"low\",\"auto_remediate\":true" CLAIM});
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "cart", "manual_review|awaiting_approval");
	cJSON *r = fact(&l, row.id, "rca"), *a = fact(&l, row.id, "analysis");
	must(!ns_json_bool_or(r, "evidence_ok", true), "the evidence is said to hold");
	must(ns_json_num_or(r, "confidence", 1) <= NS_STRANGER_CAP && !ns_json_bool_or(r, "auto_remediate", true), "%.2f", ns_json_num_or(r, "confidence", 1));
	must(strstr(ns_json_str(a, "mark", ""), "foo-db"), "%s", ns_json_str(a, "mark", ""));
	must(live_sent(&l) == 0, "something was sent");
	cJSON_Delete(r);
	cJSON_Delete(a);
	model_close(&l);
}

/* Until the card's summary is, or is not, that text. */
static void until_summary(live *l, const char *text)
{
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (bool is = false; !is;) {
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		for (size_t i = 0; i < s->n_approvals; i++)
			is |= strcmp(s->approvals[i].summary, text) == 0;
		ns_snapshot_unref(s);
		must(is || ns_real_mono_ms() < end, "the card does not say \"%s\"", text);
		rig_nap(LIVE_NAP_MS);
	}
}

static void the_card_gets_the_models_words_when_they_come(void)
{
	live l;
	model_open(&l, "oom-simple", NS_PROFILE_APPROVE, (step){SSE, 200, 0, RAISE});
	service.card = (step){SSE, 200, 0, "{\"summary\":\"It was killed for memory and needs more of it.\"}"};
	live_start(&l);
	live_card(&l, "checkout", 0);
	until_summary(&l, "It was killed for memory and needs more of it.");
	cJSON *u = use_of(&l, 1, "escalation");
	must(strcmp(ns_json_str(u, "model", ""), "qwen-a") == 0 && strcmp(ns_json_str(u, "request", ""), "r9") == 0, "who worded it?");
	must(strncmp(ns_json_str(u, "prompt", ""), "escalation/", 11) == 0 && ns_json_int_or(u, "prompt_tokens", 0) == 900, "by what prompt?");
	must(ns_json_int_or(u, "all_tokens", 0) == 2 * 990, "%lld tokens", (long long)ns_json_int_or(u, "all_tokens", 0));
	cJSON_Delete(u);
	model_close(&l);
}

static void the_card_waits_for_nobody(void)
{
	live l;
	model_open(&l, "oom-simple", NS_PROFILE_APPROVE, (step){SSE, 200, 0, RAISE});
	service.card = (step){SILENCE, 0, 0, ""};
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	cJSON *s = fact(&l, c.incident, "summary");
	must(*ns_json_str(s, "summary", ""), "an empty card");
	cJSON_Delete(s);
	live_yes(&l, &c);
	live_until(&l, "shop", "checkout", "resolved");
	model_close(&l);
}

/* How often the console said that a step did not work. */
static int live_tried_again(live *l)
{
	int n = 0;
	ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
	for (size_t i = 0; i < s->n_messages; i++)
		n += strstr(s->messages[i].text, "is tried again") != NULL;
	ns_snapshot_unref(s);
	return n;
}

/* A card whose words are on their way is no reason to keep an old plan. */
static void a_card_under_way_holds_up_no_new_plan(void)
{
	live l;
	model_open(&l, "oom-simple", NS_PROFILE_APPROVE, (step){SSE, 200, 0, RAISE});
	service.card = (step){SILENCE, 0, 0, ""};
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	while (!atomic_load(&service.cards)) {
		must(ns_real_mono_ms() < end, "nobody words the card");
		rig_nap(LIVE_NAP_MS);
	}
	live_change(&l, "shop", "checkout", "{\"spec\":{\"minReadySeconds\":3}}");
	live_card(&l, "checkout", c.id);
	ns_store *st = live_record(&l);
	ns_arena *ar = ns_arena_new();
	must(rig_count_facts(st, ar, c.incident, "plan") == 2, "%zu plans", rig_count_facts(st, ar, c.incident, "plan"));
	ns_arena_free(ar);
	ns_store_close(st);
	must(live_tried_again(&l) == 0, "planning had to be tried again");
	cJSON *a = fact(&l, c.incident, "analysis");
	must(strcmp(ns_json_str(a, "by", ""), "memory") == 0 && atomic_load(&service.asked) == 1, "%s, asked %d times", ns_json_str(a, "by", ""), atomic_load(&service.asked));
	cJSON_Delete(a);
	model_close(&l);
}

static void until_offline_for(live *l, const char *why)
{
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (bool is = false; !is;) {
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		is = strcmp(s->model.offline_why, why) == 0;
		ns_snapshot_unref(s);
		must(is || ns_real_mono_ms() < end, "the header does not say \"%s\"", why);
		rig_nap(LIVE_NAP_MS);
	}
}

/* Of four incidents at most two are asked about; the others go on offline, the header says so, and no restart gives more. */
static void out_of_budget_is_a_stop_that_shows_and_stays(void)
{
	static const char *const names[][2] = {{"shop", "cart"}, {"shop", "checkout"}, {"web", "storefront"}};
	live l;
	limits = (ns_budget_limits){{{-1, -1, -1}, {-1, -1, -1}, {2, -1, -1}}};
	model_open(&l, "demo", NS_PROFILE_OBSERVE, (step){SSE, 200, 0, ROLLBACK("0.9")});
	live_start(&l);
	int stopped = 0;
	for (size_t i = 0; i < 3; i++) {
		ns_inc_row row = live_until(&l, names[i][0], names[i][1], "manual_review|awaiting_approval");
		cJSON *a = fact(&l, row.id, "analysis");
		stopped += strstr(ns_json_str(a, "mark", ""), "offline analyst: the budget is used up: budget: 2 of 2 calls of this day are used") != NULL;
		cJSON_Delete(a);
	}
	must(stopped >= 1 && atomic_load(&service.asked) + atomic_load(&service.cards) <= 2, "%d stopped, %d asked", stopped, atomic_load(&service.asked));
	until_offline_for(&l, "budget");
	live_stop(&l);
	int before = atomic_load(&service.asked) + atomic_load(&service.cards);
	ns_llm *first = llm;
	ns_budget *empty = ns_budget_new(&limits);
	llm = service_client(empty); /* as a new process has it */
	l.o.llm = llm;
	l.o.budget = empty;
	live_start(&l);
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(strcmp(s->model.offline_why, "budget") == 0 && s->model.day.calls == 2 && s->model.day.most_calls == 2, "forgotten: %s", s->model.offline_why);
	ns_snapshot_unref(s);
	live_stop(&l);
	must(atomic_load(&service.asked) + atomic_load(&service.cards) == before, "asked again");
	ns_llm_free(first);
	ns_budget_free(budget);
	budget = empty;
	model_close(&l);
}

static void until_found_by(live *l, const char *by)
{
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (bool is = false; !is;) {
		ns_snapshot *s = l->door.snapshot(l->door.ctx, NULL);
		is = strcmp(s->model.finds, by) == 0;
		ns_snapshot_unref(s);
		must(is || ns_real_mono_ms() < end, "runbooks are not found by %s", by);
		rig_nap(LIVE_NAP_MS);
	}
}

/* Of a runbook that is no more. */
static const char *stale_hash(void)
{
	static char hash[65];
	memset(hash, 'f', 64);
	return hash;
}

static void leave_stale_vector(const live *l)
{
	ns_err err = {0};
	const char *hash = stale_hash();
	const float v[DIM] = {1};
	ns_store *st = ns_store_open(l->r.state, l->r.clock, &err);
	must(st && ns_store_begin(st, &err) && ns_store_vectors_put(st, "text-embedding-a", DIM, &hash, 1, v, &err) && ns_store_commit(st, &err), "%s", err.text);
	ns_store_close(st);
}

static void until_stale_vector_gone(const live *l)
{
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (bool found = true; found;) {
		const char *hash = stale_hash();
		float v[DIM];
		ns_store *st = live_record(l);
		must(ns_store_vectors_get(st, "text-embedding-a", DIM, &hash, 1, v, &found, NULL), "no store");
		ns_store_close(st);
		must(!found || ns_real_mono_ms() < end, "a vector of nothing is kept");
		rig_nap(LIVE_NAP_MS);
	}
}

/* A runbook of one's own, with what should never have been in it. */
static void leave_runbook(const live *l)
{
	ns_err err = {0};
	ns_buf was = NS_BUF_INIT, text = NS_BUF_INIT;
	must(ns_read_file("runbooks/oomkill-increase-memory.md", 1 << 20, &was, &err), "%s", err.text);
	const char *whole = ns_buf_str(&was), *at = strstr(whole, "symptoms:\n");
	must(at, "no symptoms");
	at += strlen("symptoms:\n");
	ns_buf_printf(&text, "%.*s  - \"OOMKilled, and with password=hunter2-of-the-runbook one may look at the heap.\"\n%s", (int)(at - whole), whole, at);
	ns_buf_free(&was);
	char *path = ns_path_join(l->r.dir, "oomkill-increase-memory.md");
	must(ns_write_file_atomic(path, text.data, text.len, 0600, &err), "%s", err.text);
	free(path);
	ns_buf_free(&text);
}

static void runbooks_are_found_by_the_models_vectors(void)
{
	live l;
	model_open(&l, "oom-simple", NS_PROFILE_APPROVE, (step){SSE, 200, 0, RAISE});
	service.vectors = true;
	leave_runbook(&l);
	l.o.runbook_dir = l.r.dir;
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	until_found_by(&l, "text-embedding-a/64");
	pthread_mutex_lock(&service.mu);
	must(strstr(ns_buf_str(&service.embedded), "password=[redacted:password]"), "the runbook was not embedded");
	must(!strstr(ns_buf_str(&service.embedded), "hunter2"), "a secret left the process");
	pthread_mutex_unlock(&service.mu);
	/* Planned anew: the index is there now. */
	live_change(&l, "shop", "checkout", "{\"spec\":{\"minReadySeconds\":3}}");
	int64_t end = ns_real_mono_ms() + LIVE_LIMIT_MS;
	for (bool is = false; !is;) {
		cJSON *p = fact(&l, c.incident, "plan");
		is = strcmp(ns_json_str(p, "retrieved_by", ""), "text-embedding-a/64") == 0;
		must(is || ns_real_mono_ms() < end, "planned by %s", ns_json_str(p, "retrieved_by", ""));
		cJSON_Delete(p);
		rig_nap(LIVE_NAP_MS);
	}
	cJSON *u = use_of(&l, c.incident, "planner");
	must(strcmp(ns_json_str(u, "model", ""), "text-embedding-a") == 0 && strcmp(ns_json_str(u, "request", ""), "e1") == 0, "who found it?");
	must(ns_json_int_or(u, "prompt_tokens", 0) == 10, "no usage");
	cJSON_Delete(u);
	/* And none is asked for again after a restart. */
	live_stop(&l);
	int before = atomic_load(&service.texts);
	leave_stale_vector(&l);
	live_start(&l);
	until_found_by(&l, "text-embedding-a/64");
	until_stale_vector_gone(&l);
	must(atomic_load(&service.texts) - before <= 2, "%d texts were embedded again", atomic_load(&service.texts) - before);
	model_close(&l);
}

/* What an engine before this one left: claims of 0.95 that fixed nothing. */
static void leave_claims(const live *l, int n)
{
	ns_err err = {0};
	ns_store *st = ns_store_open(l->r.state, l->r.clock, &err);
	must(st, "%s", err.text);
	static const struct { const char *name, *json; } facts[] = {
	    {"analysis", "{\"model\":\"qwen-a\",\"action\":\"rollback\",\"claimed\":0.95}"}, {"plan", "{\"action\":\"rollback\"}"},
	    {"verification", "{\"verdict\":\"NOT FIXED\"}"}};
	for (int i = 0; i < n; i++) {
		char name[32];
		snprintf(name, sizeof name, "old-%d", i);
		ns_alert a = {.kind = NS_KIND_POD_CRASHLOOP, .severity = NS_SEV_WARN, .target = {"sim", "past", "Deployment", name, "none"}, .container = "",
		    .reason = "x", .message = "", .policy = "", .rule = "", .object_uid = ""};
		int64_t id;
		bool is_new, ok = ns_store_begin(st, &err) && ns_store_incident_open(st, &a, &id, &is_new, &err);
		for (size_t k = 0; ok && k < sizeof facts / sizeof *facts; k++) {
			cJSON *j = cJSON_Parse(facts[k].json);
			ok = ns_store_fact_put(st, id, facts[k].name, j, &err);
			cJSON_Delete(j);
		}
		ok = ok && ns_store_transition(st, id, NS_ST_DETECTED, 1, NS_ST_WITHDRAWN, NS_VERDICT_NONE, "long ago", &err) && ns_store_commit(st, &err);
		must(ok, "%s", err.text);
	}
	ns_store_close(st);
}

static void a_record_of_empty_claims_caps_the_next(void)
{
	live l;
	model_open(&l, "crashloop-release", NS_PROFILE_AUTO, (step){SSE, 200, 0, ROLLBACK("0.95")});
	leave_claims(&l, 30);
	live_start(&l);
	ns_inc_row row = live_until(&l, "shop", "cart", "manual_review|awaiting_approval");
	cJSON *r = fact(&l, row.id, "rca"), *a = fact(&l, row.id, "analysis");
	must(ns_json_num_or(r, "confidence", 1) < .75 && !ns_json_bool_or(r, "auto_remediate", true), "%.2f", ns_json_num_or(r, "confidence", 1));
	must(strstr(ns_json_str(a, "mark", ""), "capped at"), "%s", ns_json_str(a, "mark", ""));
	cJSON_Delete(r);
	cJSON_Delete(a);
	bool said = false;
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	for (size_t i = 0; i < s->n_messages; i++)
		said |= strstr(s->messages[i].text, "confidence watch: qwen-a on rollback counts for at most") != NULL;
	must(strstr(s->model.capped, "qwen-a on rollback counts for at most"), "nor does its page: \"%s\"", s->model.capped);
	ns_snapshot_unref(s);
	must(said, "the console does not say so");
	must(live_sent(&l) == 0, "something was sent");
	model_close(&l);
}

static void without_a_model_nothing_of_it_shows(void)
{
	live l;
	live_open(&l, "oom-simple", 60, NS_PROFILE_APPROVE);
	live_start(&l);
	card c = live_card(&l, "checkout", 0);
	ns_store *st = live_record(&l);
	ns_arena *ar = ns_arena_new();
	must(rig_count_facts(st, ar, c.incident, "analysis") == 0 && rig_count_facts(st, ar, c.incident, "summary") == 1, "facts of a model");
	ns_arena_free(ar);
	ns_store_close(st);
	ns_snapshot *s = l.door.snapshot(l.door.ctx, NULL);
	must(!s->model.on && !*s->model.offline_why, "a model in the header");
	ns_snapshot_unref(s);
	live_close(&l);
}

#define CASE(NAME) {.name = #NAME, .run = NAME}
static test_case list[] = {CASE(who_answered_and_what_it_took_is_on_record), CASE(slow), CASE(down), CASE(refused_key), CASE(out_of_money), CASE(not_even_json), CASE(none_of_the_models),
    CASE(a_broken_reply_is_a_persons_case),
    CASE(no_reply_raises_trust), CASE(a_name_from_nowhere_is_no_evidence), CASE(the_card_gets_the_models_words_when_they_come), CASE(the_card_waits_for_nobody), CASE(a_card_under_way_holds_up_no_new_plan),
    CASE(out_of_budget_is_a_stop_that_shows_and_stays),
    CASE(runbooks_are_found_by_the_models_vectors), CASE(a_record_of_empty_claims_caps_the_next), CASE(without_a_model_nothing_of_it_shows)};

int main(int argc, char **argv)
{
	return cases_main(argc, argv, "model", list, sizeof list / sizeof list[0]);
}
