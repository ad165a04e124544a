/* The closed world: what stands in the evidence passes in any spelling, what does not is named. */
#include "support/test.h"

#include "case_build.h"
#include "neuroscale/llm/world.h"

static ns_case *sample(ns_arena *ar)
{
	build b = begin(ar, NS_KIND_OOM_KILLED, "Deployment", "shop", "checkout-api");
	ns_container_facts *f = failing(&b, "app", "registry.io/shop/checkout-api:1.4.2", "CrashLoopBackOff", "back-off 5m0s restarting failed container", "OOMKilled", 137, 7);
	f->mem_limit = 134217728;
	f->mem_request = 64 * MI;
	f->cpu_limit_milli = 500;
	f->last_started_ms = NOW_MS - 90000;
	f->last_finished_ms = NOW_MS - 60000;
	evidence(&b, NS_EV_LOG, false, "dial tcp 10.0.3.7:5432: connect: connection refused");
	evidence(&b, NS_EV_RESOURCES, true, "container app: memory limit 128Mi, request 64Mi, working set 121Mi");
	evidence(&b, NS_EV_EVENT, false, "pod checkout-api-7d4b9c6f5d-abcde: Readiness probe failed: HTTP probe failed with statuscode: 503");
	evidence(&b, NS_EV_COST, true, "costs 12.40 USD a day, 4.10 USD before");
	return b.c;
}

static const char *const known[] = {
    "Container app exceeded its 128Mi memory limit and was OOMKilled (exit code 137).",
    "The limit of 134217728 bytes is too low; 128 MiB is all it has.",
    "137 = 128 + 9, so signal 9 ended it.",
    "Deployment checkout-api in namespace shop restarts; shop/checkout-api has 7 restarts.",
    "Image registry.io/shop/checkout-api:1.4.2 (checkout-api:1.4.2) runs in pod checkout-api-7d4b9c6f5d-abcde.",
    "The log says \"connection refused\" for 10.0.3.7:5432, and the probe \"HTTP probe failed with statuscode: 503\".",
    "Working set 121Mi is 95% of the limit, a headroom of 7Mi.",
    "The request is 50% of the limit: the limit is 2x the request.",
    "It lived for 30 seconds; CrashLoopBackOff follows.",
    "An out-of-memory kill in a non-production-like setting; a roll-back would not help. See E3 and E5.",
    "It costs 12.40 USD a day, 3.02 times what it did (4.10).",
    "None of the 3 replicas is ready; one of two probes failed.",
    "The container was killed; the pod restarts, the deployment is unavailable, the image is fine.",
    "CPU limit 500m (0.5 cores) is no problem.",
};

static const struct { const char *text, *stranger, *what; } unknown[] = {
    {"Statefulset foo-db in namespace nowhere.", "foo-db", "name"},
    {"The trouble is in namespace nowhere.", "nowhere", "name"},
    {"Pod payments-6c9d8b7f4-zzzzz crashed.", "payments-6c9d8b7f4-zzzzz", "name"},
    {"It runs image registry.io/shop/checkout-api:1.4.3 now.", "registry.io/shop/checkout-api:1.4.3", "image"},
    {"nginx:latest was pulled.", "nginx:latest", "image"},
    {"The limit of 256Mi was exceeded.", "256Mi", "number"},
    {"It ended with exit code 139.", "139", "number"},
    {"It ended with exit code 1.", "1", "number"},
    {"42 restarts were seen.", "42", "number"},
    {"Memory is at 97.3% of its limit.", "97.3%", "number"},
    {"It ran for 45 minutes.", "45 minutes", "number"},
    {"The log says \"disk quota exceeded\".", "disk quota exceeded", "quotation"},
    {"Its config `FOO_BAR` is missing.", "FOO_BAR", "name"},
    {"As E99 shows, it leaks.", "E99", "evidence id"},
    {"kube-system/coredns is down.", "kube-system/coredns", "name"},
    {"Secret db-credentials is missing.", "db-credentials", "name"},
    {"It connects to 10.0.3.8:5432.", "10.0.3.8:5432", NULL},
    {"web is in webhook: check out checkout-ap.", "checkout-ap", "name"},
};

static void what_is_in_the_evidence_passes(void **state)
{
	ns_arena *ar = ns_arena_new();
	const ns_world *w = ns_world_new(ar, sample(ar));
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		ns_strangers s = {0};
		ns_world_check(ar, w, known[i], &s);
		if (s.n)
			fail_msg("%s\n  %s \"%s\"", known[i], s.what[0], s.text[0]);
	}
	ns_arena_free(ar);
}

static void what_is_not_is_named(void **state)
{
	ns_arena *ar = ns_arena_new();
	const ns_world *w = ns_world_new(ar, sample(ar));
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		ns_strangers s = {0};
		bool found = false;
		ns_world_check(ar, w, unknown[i].text, &s);
		for (size_t k = 0; k < s.n; k++)
			found |= strcmp(s.text[k], unknown[i].stranger) == 0 && (!unknown[i].what || strcmp(s.what[k], unknown[i].what) == 0);
		if (!found)
			fail_msg("%s\n  %zu strangers, first %s \"%s\"", unknown[i].text, s.n, s.n ? s.what[0] : "", s.n ? s.text[0] : "");
	}
	ns_arena_free(ar);
}

static void hostile_text_is_bounded(void **state)
{
	static const char *const units[] = {"a-", "\"", "1 ", "E1 ", "x:y ", "(", "\xE2\x80\xAE", "9", "namespace ", "'a'", "1.1.", ",000", "-/:."};
	ns_arena *ar = ns_arena_new();
	const ns_world *w = ns_world_new(ar, sample(ar));
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		ns_buf b = NS_BUF_INIT;
		ns_strangers s = {0};
		while (b.len < 60000)
			ns_buf_puts(&b, units[i]);
		ns_world_check(ar, w, b.data, &s);
		assert_true(s.n <= NS_WORLD_MAX_STRANGERS);
		ns_buf_free(&b);
	}
	ns_arena_free(ar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_in_the_evidence_passes), cmocka_unit_test(what_is_not_is_named), cmocka_unit_test(hostile_text_is_bounded)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
