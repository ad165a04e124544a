/* What a seed does to a scene: it really differs, it can be had again, and it stays within what the expectations bear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/sim/sim_priv.h"

enum { SEEDS = 60, MAX_EARLIER_MS = 64 * 1000 /* the first of the demo and its last change places */ };

static const sim_scene *scene(const char *name)
{
	const sim_scene *x = sim_scenes;
	while (x->name && strcmp(x->name, name) != 0)
		x++;
	assert_non_null(x->name);
	return x;
}

/* When the script of a workload begins, -1 when it has none. */
static int64_t begins(const sim_work *w)
{
	if (w->fault)
		return w->fault_from_ms;
	if (w->scale_at_ms || w->violation)
		return w->scale_at_ms ? w->scale_at_ms : w->violation_from_ms;
	for (size_t i = 0; i < SIM_MAX_REVS && w->revs[i].image; i++)
		if (w->revs[i].at_ms > 0)
			return w->revs[i].at_ms;
	return -1;
}

static int64_t last_begin(const sim_work *works)
{
	int64_t last = -1;
	for (const sim_work *w = works; w->name; w++)
		last = begins(w) > last ? begins(w) : last;
	return last;
}

static void test_not_asked_for_it_plays_as_written(void **state)
{
	ns_sim s = {.seed = 7};
	scene_open(&s, scene("demo"), false);
	assert_ptr_equal(s.scene, scene("demo"));
	scene_close(&s);
}

static void test_a_seed_gives_the_same_scene_again_and_another_another(void **state)
{
	ns_sim a = {.seed = 7}, again = {.seed = 7}, other = {.seed = 8};
	scene_open(&a, scene("demo"), true);
	scene_open(&again, scene("demo"), true);
	scene_open(&other, scene("demo"), true);
	size_t differ = 0;
	for (size_t i = 0; a.scene->works[i].name; i++) {
		const sim_work *x = &a.scene->works[i], *y = &again.scene->works[i], *z = &other.scene->works[i];
		assert_int_equal(begins(x), begins(y));
		assert_int_equal(x->replicas, y->replicas);
		assert_true(!x->mem_limit || strcmp(x->mem_limit, y->mem_limit) == 0);
		differ += begins(x) != begins(z) || x->replicas != z->replicas;
	}
	assert_true(differ > 2);
	scene_close(&a);
	scene_close(&again);
	scene_close(&other);
}

static void check_bounds(const sim_scene *written, const sim_scene *is)
{
	for (size_t i = 0; written->works[i].name; i++) {
		const sim_work *w = &written->works[i], *v = &is->works[i];
		assert_string_equal(v->name, w->name);
		assert_int_equal(begins(v) < 0, begins(w) < 0);
		assert_true(begins(v) <= last_begin(written->works) + NS_SIM_LATER_MS);
		assert_true(v->replicas == w->replicas || (v->replicas == w->replicas + 1 && !w->scale_to));
		if (w->fault_until_ms)
			assert_int_equal(v->fault_until_ms - v->fault_from_ms, w->fault_until_ms - w->fault_from_ms);
		if (w->fault && w->revs[1].image && w->revs[1].at_ms > 0) /* a fault and a release that belong together */
			assert_int_equal(v->revs[1].at_ms - v->fault_from_ms, w->revs[1].at_ms - w->fault_from_ms);
		assert_true(!w->pods_ms || (v->pods_ms >= w->pods_ms - MAX_EARLIER_MS && v->pods_ms < 0));
		int64_t least = w->mem_limit ? strtoll(w->mem_limit, NULL, 10) : 0,
		        mib = v->mem_limit ? strtoll(v->mem_limit, NULL, 10) : 0;
		assert_true(mib >= least && mib <= least + w->limit_span_mib);
		if (w->limit_span_mib && w->fault->need_mib) /* still too low */
			assert_true(mib < w->fault->need_mib);
	}
	assert_int_equal(is->outage_until_ms - is->outage_from_ms, written->outage_until_ms - written->outage_from_ms);
}

static void test_every_seed_of_every_scene_keeps_its_bounds(void **state)
{
	for (const sim_scene *x = sim_scenes; x->name; x++)
		for (uint64_t seed = 1; seed < SEEDS; seed++) {
			ns_sim s = {.seed = seed};
			scene_open(&s, x, true);
			check_bounds(x, s.scene);
			scene_close(&s);
		}
}

static void test_the_order_of_faults_is_the_seeds(void **state)
{
	bool cart_first = false, checkout_first = false;
	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		ns_sim s = {.seed = seed};
		scene_open(&s, scene("demo"), true);
		*(begins(&s.scene->works[0]) < begins(&s.scene->works[1]) ? &checkout_first : &cart_first) = true;
		scene_close(&s);
	}
	assert_true(cart_first && checkout_first);
}

static void test_what_has_one_cause_stays_together(void **state)
{
	for (uint64_t seed = 1; seed < SEEDS; seed++) {
		ns_sim s = {.seed = seed};
		scene_open(&s, scene("storm"), true);
		for (const sim_work *w = s.scene->works; w->name; w++)
			if (w->fault)
				assert_int_equal(w->fault_from_ms, s.scene->works[0].fault_from_ms);
		scene_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_not_asked_for_it_plays_as_written),
	    cmocka_unit_test(test_a_seed_gives_the_same_scene_again_and_another_another),
	    cmocka_unit_test(test_every_seed_of_every_scene_keeps_its_bounds),
	    cmocka_unit_test(test_the_order_of_faults_is_the_seeds),
	    cmocka_unit_test(test_what_has_one_cause_stays_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
