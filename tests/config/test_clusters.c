/* `clusters:`: what an entry has, what it inherits, what the command line may still say, and every way to get it wrong. */
#include "neuroscale/config/config.h"
#include "support/test.h"
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], file[96];

static ns_config *load(const char *yaml, const char *flags, ns_err *err)
{
	char copy[256], program[] = "neuroscale-tui", option[] = "--config", *argv[20] = {program, option, file}, *save = NULL;
	int argc = 3;
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	fputs(yaml, f);
	fclose(f);
	snprintf(copy, sizeof copy, "%s", flags);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	*err = (ns_err){0};
	return ns_config_load(argc, argv, err);
}

static ns_config *loads(const char *yaml, const char *flags)
{
	ns_err err;
	ns_config *c = load(yaml, flags, &err);
	if (!c)
		fail_msg("%s", err.text);
	return c;
}

static void refuses(const char *yaml, const char *flags, const char *text)
{
	ns_err err;
	char want[800];
	ns_config *c = load(yaml, flags, &err);
	if (c)
		fail_msg("taken: %s", yaml);
	snprintf(want, sizeof want, "%s%s", *text == ':' ? file : "", text);
	if (err.code != NS_E_USAGE || strncmp(err.text, want, strlen(want)) != 0)
		fail_msg("%s\ngave\n  %s\nand not\n  %s", yaml, err.text, want);
}

static const char three[] = "profile: approve\n"
                            "protected-namespaces: [vault]\n"
                            "actions-per-hour: 7\n"
                            "clusters:\n"
                            "  - context: eu\n"
                            "    name: prod-eu\n"
                            "    color: red\n"
                            "    profile: observe\n"
                            "    freeze-windows: [\"Fri 16:00-Mon 08:00\", \"2026-12-20..2027-01-03\"]\n"
                            "    cost-budget: 1200\n"
                            "    opencost: http://127.0.0.1:9003\n"
                            "  - {context: us, kubeconfig: /k/us, protected-namespaces: [], actions-per-hour: 2, allowed-actions: [rollback]}\n"
                            "  - context: stage\n"
                            "    profile: auto\n"
                            "    namespaces: [shop, pay]\n";

static void an_entry_inherits_what_it_leaves_out(void **state)
{
	ns_config *c = loads(three, "");
	assert_true(c->many);
	assert_int_equal(c->n_clusters, 3);
	const ns_config *eu = c->clusters[0], *us = c->clusters[1], *stage = c->clusters[2];
	assert_string_equal(eu->cluster, "prod-eu");
	assert_string_equal(eu->context, "eu");
	assert_string_equal(ns_color_name(eu->color), "red");
	assert_int_equal(eu->profile, NS_PROFILE_OBSERVE);
	assert_int_equal(eu->n_windows, 2);
	assert_true(eu->cost_budget == 1200);
	assert_string_equal(eu->protected_ns[0], "vault");
	assert_int_equal(eu->actions_per_hour, 7);
	assert_string_equal(us->cluster, "us"); /* its context's name */
	assert_string_equal(us->kubeconfig, "/k/us");
	assert_string_equal(us->opencost_url, ""); /* belongs to one cluster */
	assert_null(us->protected_ns[0]);
	assert_int_equal(us->actions_per_hour, 2);
	assert_string_equal(us->allowed_actions[0], "rollback");
	assert_null(us->allowed_actions[1]);
	assert_int_equal(us->profile, NS_PROFILE_APPROVE);
	assert_int_equal(us->n_windows, 0);
	assert_int_equal(stage->profile, NS_PROFILE_AUTO);
	assert_string_equal(stage->namespaces[1], "pay");
	assert_string_equal(stage->protected_ns[0], "vault");
	ns_config_free(c);
}

static void without_clusters_there_is_one(void **state)
{
	ns_config *c = loads("context: eu\nprofile: auto\n", "");
	assert_false(c->many);
	assert_false(c->beside_others);
	assert_int_equal(c->n_clusters, 1);
	assert_ptr_equal(c->clusters[0], c);
	ns_config_free(c);
}

/* Who decides and how often is each cluster's own; what the command line adds it only adds. */
static void four_eyes_and_limits_are_each_clusters_own(void **state)
{
	static const char text[] = "namespace-actions-per-hour: 4\nearned-autonomy: on\nclusters:\n"
	                           "  - {context: a, four-eyes: true, target-actions-per-hour: 1, earned-autonomy: shadow, autonomy-threshold: 0.9, autonomy-least: 50}\n"
	                           "  - {context: b, namespace-actions-per-hour: 2}\n";
	ns_config *c = loads(text, "");
	const ns_config *a = c->clusters[0], *b = c->clusters[1];
	assert_true(a->four_eyes && !b->four_eyes);
	assert_int_equal(a->ns_actions_per_hour, 4);
	assert_int_equal(b->ns_actions_per_hour, 2);
	assert_int_equal(a->target_actions_per_hour, 1);
	assert_int_equal(b->target_actions_per_hour, 3);
	assert_int_equal(a->autonomy, 1);
	assert_int_equal(b->autonomy, 2);
	assert_true(a->autonomy_threshold == 0.9 && b->autonomy_threshold == 0.8);
	assert_int_equal(a->autonomy_least, 50);
	ns_config_free(c);
	c = loads(text, "--four-eyes");
	assert_true(c->clusters[0]->four_eyes && c->clusters[1]->four_eyes);
	ns_config_free(c);
	c = loads(text, "--four-eyes=false");
	assert_true(c->clusters[0]->four_eyes);
	ns_config_free(c);
}

static void the_command_line_picks_one_and_makes_it_more_careful(void **state)
{
	static const struct { const char *flags, *name; int n; } picks[] = {{"--context us", "us", 1}, {"--context eu", "prod-eu", 1}, {"--cluster prod-eu", "prod-eu", 1},
	    {"", "prod-eu", 3}, {"--cluster anything incidents", "prod-eu", 3}};
	for (size_t i = 0; i < sizeof picks / sizeof picks[0]; i++) {
		ns_config *c = loads(three, picks[i].flags);
		assert_int_equal(c->n_clusters, picks[i].n);
		assert_true(c->clusters[0]->beside_others);
		assert_string_equal(c->clusters[0]->cluster, picks[i].name);
		ns_config_free(c);
	}
	ns_config *c = loads(three, "--profile auto --freeze");
	assert_int_equal(c->clusters[0]->profile, NS_PROFILE_OBSERVE); /* no word on the command line loosens what the file holds */
	assert_int_equal(c->clusters[1]->profile, NS_PROFILE_AUTO);    /* it left that open */
	assert_true(c->clusters[0]->freeze && c->clusters[2]->freeze);
	ns_config_free(c);
	c = loads(three, "--profile observe");
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(c->clusters[i]->profile, NS_PROFILE_OBSERVE);
	ns_config_free(c);
	setenv("NEUROSCALE_PROFILE", "observe", 1);
	c = loads(three, "");
	assert_int_equal(c->clusters[2]->profile, NS_PROFILE_OBSERVE);
	ns_config_free(c);
	unsetenv("NEUROSCALE_PROFILE");
}

static void what_is_dumped_can_be_read_again(void **state)
{
	ns_buf a = NS_BUF_INIT, b = NS_BUF_INIT;
	ns_config *c = loads(three, "");
	ns_config_dump(c, &a);
	assert_non_null(strstr(ns_buf_str(&a), "clusters:\n  - context: \"eu\"  # "));
	assert_non_null(strstr(ns_buf_str(&a), "    profile: observe  # "));
	assert_non_null(strstr(ns_buf_str(&a), ":8:5\n"));
	ns_config *again = loads(ns_buf_str(&a), "");
	ns_config_dump(again, &b);
	for (char *t = a.data, *u = b.data; *t && *u; t += strcspn(t, "\n") + 1, u += strcspn(u, "\n") + 1)
		assert_int_equal(strncmp(t, u, (size_t)(strstr(t, "  # ") ? strstr(t, "  # ") - t : 3)), 0); /* but for where it came from */
	assert_int_equal(again->n_clusters, 3);
	ns_config_free(c);
	ns_config_free(again);
	ns_buf_free(&a);
	ns_buf_free(&b);
}

static void each_mistake_has_its_words(void **state)
{
	refuses("clusters: eu\n", "", ":1:1: clusters must be a list of 1 to 32 maps, each with a context");
	refuses("profile: auto\nclusters: []\n", "", ":2:1: clusters must be a list of 1 to 32 maps");
	refuses("clusters: [eu]\n", "", ":1:12: a cluster is a map");
	refuses("clusters:\n  - name: eu\n", "", ":2:5: a cluster needs its context");
	refuses("clusters:\n  - context: eu\n    profil: auto\n", "", ":3:5: a cluster has no key \"profil\", did you mean \"profile\"?");
	refuses("clusters:\n  - context: eu\n    state-dir: /x\n", "", ":3:5: a cluster has no key \"state-dir\"");
	refuses("clusters:\n  - context: eu\n    profile: [auto]\n", "", ":3:5: profile must be one value");
	refuses("clusters:\n  - context: eu\n    profile: full\n", "", ":3:5: \"full\" is no value for profile: it must be one of observe|approve|auto");
	refuses("clusters:\n  - context: eu\n    color: pink\n", "", ":3:5: \"pink\" is no value for color");
	refuses("clusters:\n  - context: eu\n    freeze-windows: [Friday]\n", "", ":3:5: \"Friday\" is no freeze window");
	refuses("clusters:\n  - context: eu\n    protected-namespaces: [\"a b\"]\n", "", ":3:5: \"a b\" is no value for protected-namespaces");
	refuses("clusters:\n  - context: eu\n    actions-per-hour: 0\n", "", ":3:5: \"0\" is no value for actions-per-hour");
	refuses("clusters:\n  - {context: a, name: x}\n  - {context: b, name: x}\n", "", ":3:5: the name \"x\" is taken by the cluster at ");
	refuses("clusters:\n  - {context: a, name: x}\n  - {context: a, name: y}\n", "", ":3:5: the context \"a\" is watched already, by the cluster at ");
	refuses("opencost: http://x\nclusters:\n  - context: a\n", "", ":1:1: beside \"clusters:\" it says nothing: put \"opencost\" into the cluster");
	refuses(three, "--context stag", "no cluster of the configuration is called \"stag\", did you mean \"stage\"? (there are: prod-eu, us, stage)");
}

/* The example of the manual is one that is taken. */
static void the_manual_tells_the_truth(void **state)
{
	static const char begin[] = ".Bd -literal -offset indent\n";
	char text[65536], *from, *to;
	FILE *f = fopen("man/neuroscale-tui.1", "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	from = strstr(text, ".Sh CLUSTERS");
	assert_non_null(from);
	from = strstr(from, begin);
	to = from ? strstr(from, ".Ed") : NULL;
	assert_true(from && to);
	*to = '\0';
	ns_config *c = loads(from + sizeof begin - 1, "");
	assert_int_equal(c->n_clusters, 3);
	assert_int_equal(c->clusters[0]->n_windows, 2);
	assert_int_equal(c->clusters[1]->profile, NS_PROFILE_OBSERVE);
	*to = '.';
	for (const ns_cluster_key *k = ns_cluster_keys; k->key; k++) /* and it names every key */
		if (!strstr(from, k->key))
			fail_msg("the manual does not know %s", k->key);
	ns_config_free(c);
}

static int make(void **state)
{
	snprintf(dir, sizeof dir, "/tmp/neuroscale-clusters-XXXXXX");
	unsetenv("NEUROSCALE_PROFILE");
	if (!mkdtemp(dir))
		return -1;
	setenv("HOME", dir, 1);
	snprintf(file, sizeof file, "%s/c.yaml", dir);
	return 0;
}
static int drop(void **state)
{
	unlink(file);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_entry_inherits_what_it_leaves_out),
	    cmocka_unit_test(without_clusters_there_is_one),
	    cmocka_unit_test(four_eyes_and_limits_are_each_clusters_own),
	    cmocka_unit_test(the_command_line_picks_one_and_makes_it_more_careful),
	    cmocka_unit_test(what_is_dumped_can_be_read_again),
	    cmocka_unit_test(each_mistake_has_its_words),
	    cmocka_unit_test(the_manual_tells_the_truth),
	};
	return cmocka_run_group_tests_name("clusters", tests, make, drop);
}
