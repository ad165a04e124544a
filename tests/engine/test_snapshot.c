/* The picture's life and its JSON form, there and back. */
#include <pthread.h>
#include "picture.h"

static cJSON *through_text(cJSON *j)
{
	static const ns_json_limits limits = {.max_bytes = 1 << 20, .max_depth = 64, .allow_duplicate_keys = false};
	ns_err err = {0};
	char *text = ns_json_text(j);
	cJSON_Delete(j);
	cJSON *back = ns_json_parse(text, strlen(text), &limits, &err);
	if (!back)
		fail_msg("%s", err.text);
	cJSON_free(text);
	return back;
}

/* A word that was not zero and is now: a member that the table does not know. */
static void assert_no_holes(const char *what, const void *before, const void *after, size_t n)
{
	for (size_t at = 0; at + sizeof(uint64_t) <= n; at += sizeof(uint64_t)) {
		uint64_t a, b;
		memcpy(&a, (const char *)before + at, sizeof a);
		memcpy(&b, (const char *)after + at, sizeof b);
		if (a && !b)
			fail_msg("%s: the member at offset %zu is lost", what, at);
	}
}

static void picture_there_and_back(void **state)
{
	ns_err err = {0};
	ns_snapshot *s = make_picture(2);
	cJSON *j = through_text(ns_snapshot_to_json(s));
	ns_snapshot *back = ns_snapshot_from_json(j, &err);
	cJSON_Delete(j);
	if (!back)
		fail_msg("%s", err.text);
	assert_same_json(ns_snapshot_to_json(s), ns_snapshot_to_json(back));
	assert_no_holes("snapshot", s, back, sizeof *s);
	assert_no_holes("incident", &s->incidents[1], &back->incidents[1], sizeof *s->incidents);
	assert_no_holes("approval", s->approvals, back->approvals, sizeof *s->approvals);
	assert_int_equal(back->n_undos, 1);
	assert_no_holes("undo", s->undos, back->undos, sizeof *s->undos);
	assert_no_holes("cluster", &s->clusters[1], &back->clusters[1], sizeof *s->clusters);
	assert_no_holes("cost", s->cost, back->cost, sizeof *s->cost);
	assert_no_holes("agent", s->agents, back->agents, sizeof *s->agents);
	assert_no_holes("message", s->messages, back->messages, sizeof *s->messages);
	assert_true(back->incidents[1].updated_ms == INT64_C(9007199254740993));
	assert_string_equal(back->messages->text, HOSTILE);
	ns_snapshot_unref(s);
	ns_snapshot_unref(back);
}

static void detail_there_and_back(void **state)
{
	ns_err err = {0};
	ns_detail *d = make_detail();
	cJSON *j = through_text(ns_detail_to_json(d));
	ns_detail *back = ns_detail_from_json(j, &err);
	cJSON_Delete(j);
	if (!back)
		fail_msg("%s", err.text);
	assert_same_json(ns_detail_to_json(d), ns_detail_to_json(back));
	assert_no_holes("detail", d, back, sizeof *d);
	assert_no_holes("evidence", d->evidence, back->evidence, sizeof *d->evidence);
	assert_no_holes("step", d->history, back->history, sizeof *d->history);
	assert_string_equal(back->plan_steps[1], HOSTILE);
	ns_detail_free(d);
	ns_detail_free(back);
}

/* An engine of another version, or none at all: refused in words, never half a picture. */
static void foreign_pictures_are_refused(void **state)
{
	static const struct { const char *list, *key; const char *value; } bad[] = {
	    {"incidents", "state", "\"exploded\""}, {"incidents", "kind", "7"}, {"incidents", "stage_plan", "\"maybe\""}, {"incidents", "id", "\"seven\""},
	    {"approvals", "risk", "\"none\""}, {"approvals", "state", "\"\""}, {"approvals", "confidence", "\"high\""}, {"clusters", "profile", "\"yolo\""},
	    {NULL, "incidents", "{}"}, {NULL, "seq", "1.5"}, {NULL, "n_open", "-1"}, {NULL, "user", "1"}, {"clusters", "name", "1"}};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ns_err err = {0};
		ns_snapshot *s = make_picture(1);
		cJSON *j = ns_snapshot_to_json(s), *at = bad[i].list ? cJSON_GetArrayItem(cJSON_GetObjectItem(j, bad[i].list), 0) : j;
		assert_true(cJSON_HasObjectItem(at, bad[i].key) || strcmp(bad[i].key, "n_open") == 0);
		cJSON_DeleteItemFromObject(at, bad[i].key);
		cJSON_AddItemToObject(at, bad[i].key, cJSON_Parse(bad[i].value));
		ns_snapshot *back = ns_snapshot_from_json(j, &err);
		if (back)
			fail_msg("\"%s\": %s was taken", bad[i].key, bad[i].value);
		assert_true(err.code != NS_OK && err.text[0]);
		cJSON_Delete(j);
		ns_snapshot_unref(s);
	}
	assert_null(ns_snapshot_from_json(NULL, NULL));
	assert_null(ns_detail_from_json(NULL, NULL));
}

enum { HOLDERS = 4, TURNS = 20000 };
static void *hold(void *picture)
{
	for (int i = 0; i < TURNS; i++) {
		ns_snapshot *s = ns_snapshot_ref(picture);
		if (s->n_incidents != 3)
			abort();
		ns_snapshot_unref(s);
	}
	ns_snapshot_unref(picture);
	return NULL;
}

/* Whoever lets go last frees it, on whatever thread. */
static void many_holders(void **state)
{
	pthread_t th[HOLDERS];
	ns_snapshot *s = make_picture(3);
	for (int i = 0; i < HOLDERS; i++)
		assert_int_equal(pthread_create(&th[i], NULL, hold, ns_snapshot_ref(s)), 0);
	ns_snapshot_unref(s);
	for (int i = 0; i < HOLDERS; i++)
		pthread_join(th[i], NULL);
	assert_null(ns_snapshot_ref(NULL));
	ns_snapshot_unref(NULL);
	ns_detail_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(picture_there_and_back),
	    cmocka_unit_test(detail_there_and_back),
	    cmocka_unit_test(foreign_pictures_are_refused),
	    cmocka_unit_test(many_holders),
	};
	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
