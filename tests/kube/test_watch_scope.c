/* Accounts that may not watch everywhere: a made-up API server with a table of rights. What may be watched is, as one row; what may not is said once. */
#include "kube/watch_rig.h"

#include <curl/curl.h>

#define FORBIDDEN "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"pods is forbidden: User \\\"u\\\" cannot list resource\",\"reason\":\"Forbidden\",\"code\":403}"

typedef struct rights {
	const char *pods;      /* namespaces where pods may be listed and watched: " shop web " */
	bool all;              /* and everywhere */
	bool namespaces;       /* namespaces may be listed */
	bool incomplete;       /* the server cannot say what we may */
	const char *lies_in;   /* its rules say yes there, its list says 403 */
	int all_after_watches; /* everywhere, once so many watches were opened; 0 never */
	atomic_int reviews, refused_lists, lists, watches, expire;
} rights;

/* "shop" of "/api/v1/namespaces/shop/pods?…", "" of the path for all. */
static void namespace_of(const char *target, char *ns, size_t cap)
{
	const char *p = strstr(target, "/namespaces/");
	snprintf(ns, cap, "%.*s", p ? (int)strcspn(p + 12, "/?") : 0, p ? p + 12 : "");
}

static bool in(const char *list, const char *ns)
{
	char word[80];
	snprintf(word, sizeof word, " %s ", ns);
	return list && strstr(list, word);
}

static bool answer_review(rights *x, int fd, const char *body)
{
	char ns[64] = "", text[512];
	const char *p = strstr(body, "\"namespace\":\"");
	if (p)
		snprintf(ns, sizeof ns, "%.*s", (int)strcspn(p + 13, "\""), p + 13);
	atomic_fetch_add(&x->reviews, 1);
	bool yes = in(x->pods, ns) || (x->lies_in && strcmp(x->lies_in, ns) == 0);
	snprintf(text, sizeof text, "{\"status\":{\"incomplete\":%s,\"resourceRules\":[%s]}}", x->incomplete ? "true" : "false",
	    yes ? "{\"verbs\":[\"get\",\"list\",\"watch\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}" : "{\"verbs\":[\"get\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]}");
	return script_answer(fd, 201, "", text);
}

static bool handle(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	rights *x = s->ctx;
	char ns[64], text[1024];
	if (strstr(target, "selfsubjectrulesreviews"))
		return answer_review(x, fd, body);
	if (strncmp(target, "/api/v1/namespaces?", 19) == 0)
		return x->namespaces ? script_answer(fd, 200, "", "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"shop\"}},{\"metadata\":{\"name\":\"web\"}},{\"metadata\":{\"name\":\"vault\"}}]}")
		                     : script_answer(fd, 403, "", FORBIDDEN);
	namespace_of(target, ns, sizeof ns);
	if (strstr(target, "/nodes") || !(*ns ? in(x->pods, ns) : x->all || (x->all_after_watches && atomic_load(&x->watches) >= x->all_after_watches))) {
		atomic_fetch_add(&x->refused_lists, 1);
		return script_answer(fd, 403, "", FORBIDDEN);
	}
	if (!strstr(target, "watch=1")) {
		atomic_fetch_add(&x->lists, 1);
		snprintf(text, sizeof text, "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[{\"metadata\":{\"name\":\"p\",\"namespace\":\"%s\",\"resourceVersion\":\"4\"}}]}", ns);
		return script_answer(fd, 200, "", text);
	}
	atomic_fetch_add(&x->watches, 1);
	script_send(fd, SCRIPT_STREAM_HEAD, strlen(SCRIPT_STREAM_HEAD));
	if (strcmp(ns, "web") == 0 && atomic_exchange(&x->expire, 0)) {
		snprintf(text, sizeof text, "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Expired\"}}\n");
		script_chunk(fd, text, strlen(text));
		script_send(fd, "0\r\n\r\n", 5);
		return false;
	}
	snprintf(text, sizeof text, "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"p\",\"namespace\":\"%s\",\"resourceVersion\":\"6\"}}}\n", ns);
	script_chunk(fd, text, strlen(text));
	script_hold(s, fd);
	return false;
}

/* ---- what the owner hears ---- */

typedef struct heard {
	rig *r;
	char log[2][512], note[2][512], why[2][512];
	ns_code code[2];
	int want_modified, modified, want_downs[2], downs[2], lives;
} heard;

static void on_event(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	heard *h = ctx;
	char one[80];
	static const char *const words[] = {"[", "]", "A", "M", "D", "L", "X", "-"};
	snprintf(one, sizeof one, "%s%s", words[type], obj ? ns_json_str(obj, "metadata.namespace", "") : "");
	strncat(h->log[row], one, sizeof h->log[row] - strlen(h->log[row]) - 1);
	h->modified += type == NS_WATCH_MODIFIED;
	h->lives += type == NS_WATCH_LIVE;
	if (type == NS_WATCH_LIVE && why)
		snprintf(h->note[row], sizeof h->note[row], "%s", why->text);
	if (type == NS_WATCH_DOWN) {
		h->downs[row]++;
		h->code[row] = why->code;
		snprintf(h->why[row], sizeof h->why[row], "%s", why->text);
	}
	if (h->modified >= h->want_modified && h->downs[0] >= h->want_downs[0] && h->downs[1] >= h->want_downs[1])
		ns_cancel_fire(h->r->cancel);
}

static const ns_watch_row rows[] = {{.name = "pods", .path = "/api/v1/pods", .query = ""},
    {.name = "nodes", .path = "/api/v1/nodes", .query = "", .optional = true, .cluster_scoped = true}};

static void play(rights *x, heard *h, const char *const *namespaces, const char *context_ns)
{
	script_server s;
	rig r = {.rows = rows, .n_rows = 2, .on_event = on_event, .ctx = h, .namespaces = namespaces, .ns = context_ns};
	h->r = &r;
	script_start(&s, handle, x);
	rig_run(&r, &s);
	script_stop(&s);
}

static void test_all_that_may_be_listed_by_the_servers_own_rules(void **state)
{
	rights x = {.pods = " shop web ", .namespaces = true};
	heard h = {.want_modified = 2, .want_downs = {0, 1}};
	play(&x, &h, NULL, NULL);
	assert_int_equal(strncmp(h.log[0], "[AshopAweb]", 11), 0); /* one replacement */
	assert_int_equal(h.lives, 1);
	assert_string_equal(h.note[0], "pods only in shop, web");
	assert_int_equal(h.downs[0], 0);
	/* What has no namespaces is refused for good, and said once. */
	assert_string_equal(h.log[1], "[X");
	assert_int_equal(h.code[1], NS_E_DENIED);
	assert_int_equal(atomic_load(&x.refused_lists), 2); /* pods everywhere, nodes; nothing was tried that the rules forbid */
	assert_int_equal(atomic_load(&x.reviews), 4);       /* default, shop, web, vault */
}

static void test_the_contexts_own_namespace_when_namespaces_are_hidden(void **state)
{
	rights x = {.pods = " shop "};
	heard h = {.want_modified = 1};
	play(&x, &h, NULL, "shop");
	assert_string_equal(h.note[0], "pods only in shop");
}

static void test_configured_namespaces_and_no_others(void **state)
{
	static const char *const two[] = {"web", "shop", NULL};
	rights x = {.pods = " shop web vault ", .namespaces = true};
	heard h = {.want_modified = 2};
	play(&x, &h, two, "vault");
	assert_int_equal(strncmp(h.log[0], "[AwebAshop]", 11), 0);
	assert_string_equal(h.note[0], "pods only in web, shop");
}

static void test_rules_that_are_not_told_are_tried(void **state)
{
	rights x = {.pods = " web ", .namespaces = true, .incomplete = true};
	heard h = {.want_modified = 1};
	play(&x, &h, NULL, NULL);
	assert_string_equal(h.note[0], "pods only in web");
	assert_int_equal(h.downs[0], 0);
}

static void test_a_namespace_that_refuses_in_spite_of_its_rules_is_left_out(void **state)
{
	rights x = {.pods = " web ", .namespaces = true, .lies_in = "vault"};
	heard h = {.want_modified = 1};
	play(&x, &h, NULL, NULL);
	assert_string_equal(h.note[0], "pods only in web");
	assert_int_equal(strncmp(h.log[0], "[Aweb]", 6), 0);
}

static void test_nowhere_is_said_with_the_servers_words(void **state)
{
	rights x = {.namespaces = true};
	heard h = {.want_downs = {1, 1}};
	play(&x, &h, NULL, NULL);
	assert_int_equal(h.code[0], NS_E_DENIED);
	assert_non_null(strstr(h.why[0], "watch of pods: GET /api/v1/pods: pods is forbidden"));
}

static void test_one_expired_namespace_lists_the_row_anew(void **state)
{
	rights x = {.pods = " shop web ", .namespaces = true, .expire = 1};
	heard h = {.want_modified = 2};
	play(&x, &h, NULL, NULL);
	assert_int_equal(atomic_load(&x.lists), 4);
	assert_non_null(strstr(h.log[0] + 1, "[AshopAweb]"));
	assert_int_equal(h.downs[0], 0);
}

/* Rights that are given meanwhile are noticed when the row is listed anew. */
static void test_rights_that_grow(void **state)
{
	rights x = {.pods = " shop web ", .namespaces = true, .expire = 1, .all_after_watches = 1};
	heard h = {.want_modified = 2};
	play(&x, &h, NULL, NULL);
	assert_non_null(strstr(h.log[0] + 1, "[A]")); /* everywhere, in one list */
	assert_string_equal(h.log[0] + strlen(h.log[0]) - 2, "LM");
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_that_may_be_listed_by_the_servers_own_rules),
	    cmocka_unit_test(test_the_contexts_own_namespace_when_namespaces_are_hidden),
	    cmocka_unit_test(test_configured_namespaces_and_no_others),
	    cmocka_unit_test(test_rules_that_are_not_told_are_tried),
	    cmocka_unit_test(test_a_namespace_that_refuses_in_spite_of_its_rules_is_left_out),
	    cmocka_unit_test(test_nowhere_is_said_with_the_servers_words),
	    cmocka_unit_test(test_one_expired_namespace_lists_the_row_anew),
	    cmocka_unit_test(test_rights_that_grow),
	};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
