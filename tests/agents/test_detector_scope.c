/* What may not be watched, and what may only in some namespaces, is said once, by its namespaces; and unsaid when it changes. */
#include "agents/detector_rig.h"

static void live(rig *r, int row, const char *only)
{
	ns_err note = {0};
	dt_on_event(r->d, (size_t)row, NS_WATCH_REPLACE_BEGIN, NULL, NULL);
	dt_on_event(r->d, (size_t)row, NS_WATCH_REPLACE_END, NULL, NULL);
	if (only)
		ns_fail(&note, NS_E_DENIED, "%s only in %s", dt_rows[row].name, only);
	dt_on_event(r->d, (size_t)row, NS_WATCH_LIVE, NULL, only ? &note : NULL);
}

static const char *degraded(rig *r)
{
	static ns_link link;
	ns_detector_link(r->d, &link);
	assert_true(link.live && link.synced);
	return link.degraded;
}

static void test_namespaces_are_said_once(void **state)
{
	rig r;
	ns_err denied = {0};
	rig_open(&r, NULL);
	for (int i = 0; i < DT_ROW_COUNT; i++)
		live(&r, i, NULL);
	assert_string_equal(degraded(&r), "");
	live(&r, DT_ROW_PODS, "shop, web");
	live(&r, DT_ROW_DEPLOYMENTS, "shop, web");
	live(&r, DT_ROW_REPLICASETS, "shop");
	ns_fail(&denied, NS_E_DENIED, "watch of nodes: GET /api/v1/nodes: nodes is forbidden (HTTP 403)");
	dt_on_event(r.d, DT_ROW_NODES, NS_WATCH_DOWN, NULL, &denied);
	rig_tick(&r);
	int before = r.links;
	assert_string_equal(degraded(&r), "may not watch nodes; only in shop, web: pods, deployments; only in shop: replicasets");
	/* Rights that grow are told, and what was said is taken back. */
	for (int i = 0; i < DT_ROW_COUNT; i++)
		live(&r, i, NULL);
	rig_tick(&r);
	assert_true(r.links > before);
	assert_string_equal(degraded(&r), "");
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_namespaces_are_said_once)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
