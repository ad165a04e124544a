/* What may reach kubectl at all: argv shapes under names from hell, bodies under their table, the JSON patch engine, the environment, and the
 * classes of stderr. Nothing here runs a child. */
#include "../../src/agents/executor_priv.h"
#include "agents/kubectl_grammar.h"
#include "neuroscale/policy/policy.h"
#include "support/test.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define TAIL "--type=json", "--patch-file=/dev/stdin", "-o", "json"

static const ns_kubeconfig cfg = {.context = (char *)(uintptr_t) "-t;$(rm)"};
static ns_executor ex = {.cfg = &cfg, .kubeconfig = (char *)(uintptr_t) "/state/k c/x.kubeconfig", .cache = (char *)(uintptr_t) "/state/cache"};
static const char *const extra_protected[] = {"billing", NULL};

/* If it is permitted, kubectl must understand exactly what we read from it, and that must be one of the three intended things. */
static bool holds(ns_arena *ar, const char *const *argv)
{
	ns_meaning m;
	const char *why = NULL;
	bool permitted = ns_argv_meaning(argv, extra_protected, &m, &why);
	assert_int_equal(permitted, ns_argv_permitted(argv, extra_protected, &why));
	assert_non_null(why);
	if (!permitted) {
		assert_string_not_equal(why, "");
		return false;
	}
	for (int dry = 0; dry < 2; dry++) {
		const char *const *full = ns_argv_build(ar, &ex, argv, dry);
		kubectl_parsed p = kubectl_parse(full);
		assert_false(p.bad);
		assert_string_equal(full[0], "kubectl");
		assert_string_equal(p.context, cfg.context);
		assert_string_equal(p.kubeconfig, ex.kubeconfig);
		assert_string_equal(p.ns, m.ns);
		assert_true(plain_name(p.ns, 63, false));
		assert_true(strcmp(p.ns, "kube-system") && strcmp(p.ns, "kube-public") && strcmp(p.ns, "kube-node-lease") && strcmp(p.ns, "billing"));
		assert_string_equal(p.output, "json");
		if (dry)
			assert_string_equal(p.dry_run, "server");
		else
			assert_null(p.dry_run);
		if (m.verb == NS_VERB_CREATE) {
			assert_int_equal(p.n_words, 1);
			assert_string_equal(p.words[0], "create");
			assert_string_equal(p.filename, "-");
			assert_null(p.patch_file);
			continue;
		}
		const char *prefix = m.subject == NS_SUBJECT_DEPLOYMENT ? "deployment/"
		    : m.cel                                             ? "policyexceptions.policies.kyverno.io/"
		                                                        : "policyexceptions.kyverno.io/";
		assert_int_equal(p.n_words, 2);
		assert_string_equal(p.words[0], "patch");
		assert_memory_equal(p.words[1], prefix, strlen(prefix));
		assert_string_equal(p.words[1] + strlen(prefix), m.name);
		assert_true(plain_name(m.name, 253, true));
		assert_string_equal(p.type, "json");
		assert_string_equal(p.patch_file, "/dev/stdin");
		assert_null(p.filename);
	}
	return true;
}

static void the_three_commands_are_permitted(void **state)
{
	ns_arena *ar = ns_arena_new();
	const char *const good[][10] = {
	    {"-n", "shop", "patch", "deployment/web", TAIL},
	    {"-n", "shop", "patch", "deployment/web.v2-x", TAIL},
	    {"-n", "kyverno", "patch", "policyexceptions.kyverno.io/inc-7", TAIL},
	    {"-n", "kyverno", "create", "-f", "-", "-o", "json"},
	};
	for (size_t i = 0; i < N(good); i++)
		assert_true(holds(ar, good[i]));
	ns_arena_free(ar);
}

static void near_misses_are_not(void **state)
{
	ns_arena *ar = ns_arena_new();
	const char *const bad[][12] = {
	    {NULL},
	    {"patch", "deployment/web", TAIL},                                     /* no namespace: the context's would be used */
	    {"-n", "shop", "delete", "deployment/web"},
	    {"-n", "shop", "delete", "deployment/web", TAIL},
	    {"-n", "shop", "exec", "deployment/web", TAIL},
	    {"-n", "shop", "patch", "pod/web", TAIL},
	    {"-n", "shop", "patch", "namespace/shop", TAIL},
	    {"-n", "shop", "patch", "clusterrole/admin", TAIL},
	    {"-n", "shop", "patch", "deployments/web", TAIL},
	    {"-n", "shop", "patch", "policyexception/x", TAIL},
	    {"-n", "shop", "patch", "deployment/", TAIL},
	    {"-n", "shop", "patch", "deployment", "web", TAIL},
	    {"-n", "shop", "patch", "deployment/web", "deployment/db", TAIL},
	    {"-n", "shop", "patch", "deployment/web/scale", TAIL},
	    {"-n", "shop", "patch", "deployment/web", TAIL, "--server=http://evil"},
	    {"-n", "shop", "patch", "deployment/web", TAIL, "--force"},
	    {"-n", "shop", "patch", "deployment/web", TAIL, ""},
	    {"-n", "shop", "patch", "deployment/web", "--type=merge", "--patch-file=/dev/stdin", "-o", "json"},
	    {"-n", "shop", "patch", "deployment/web", "--type=json", "--patch-file=/etc/passwd", "-o", "json"},
	    {"-n", "shop", "patch", "deployment/web", "--type=json", "-p", "[]", "-o", "json"},
	    {"-n", "shop", "patch", "--server=http://evil", TAIL},
	    {"-n", "--server=http://evil", "patch", "deployment/web", TAIL},
	    {"-n=shop", "patch", "deployment/web", TAIL},
	    {"--", "-n", "shop", "patch", "deployment/web", TAIL},
	    {"-n", "shop", "create", "-f", "/etc/passwd", "-o", "json"},
	    {"-n", "shop", "create", "-f", "http://evil/x.yaml", "-o", "json"},
	    {"-n", "shop", "create", "-f", "-", "-o", "json", "-R"},
	    {"-n", "shop", "apply", "-f", "-", "-o", "json"},
	    {"-n", "shop", "scale", "deployment/web", "--replicas=0"},
	    {"-n", "shop", "rollout", "undo", "deployment/web"},
	    {"-n", "kube-system", "patch", "deployment/coredns", TAIL},
	    {"-n", "kube-public", "create", "-f", "-", "-o", "json"},
	    {"-n", "kube-node-lease", "patch", "deployment/x", TAIL},
	    {"-n", "billing", "patch", "deployment/web", TAIL}, /* protected by configuration */
	};
	for (size_t i = 0; i < N(bad); i++)
		if (holds(ar, bad[i]))
			fail_msg("row %zu is permitted", i);
	const char *why;
	assert_false(ns_argv_permitted(NULL, NULL, &why));
	assert_false(ns_argv_permitted((const char *const[]){"-n", "kube-system", "patch", "deployment/coredns", TAIL, NULL}, NULL, &why));
	assert_string_equal(why, "the namespace is protected");
	ns_arena_free(ar);
}

static const char *const hell[] = {
    "", "-", "--", "-x", "--server=http://evil", "--kubeconfig=/tmp/x", "-nkube-system", "web --force", "web\n--force", "web\r", "web\t", "web\x1b[2J",
    "web=1", "web;rm -rf /", "$(id)", "`id`", "web'", "web\"", "web\\", "../../x", "web/", "/web", "web/scale", "Web", "WEB", "w\xc3\xa9" "b",
    "w\xe2\x80\xae" "b", "\xff\xfe", "web.", ".web", "web-", "web_1", "web*", "web?", "web,db", "web:8080", "web@1", "web%00", "web#", "web~", "web+x",
    "{}", "[]", "null", "0", "1", "-1", "a", "a-b", "a.b", "a..b", "a.-b", "a--b", "kube-system", "kube-public", "default", "billing", "xn--abc",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",  /* 63 */
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", /* 64 */
    "deployment/web", "-f", "-o", "json", "patch", "create", "delete", "exec", "--type=json", "--patch-file=/dev/stdin", "--dry-run=none", "-n", "--all",
    "--all-namespaces", "-A", "--as=system:admin", "--token=x", "--raw=/", "--subresource=status", "--local", "-l", "app=web", "secrets/x",
    "policyexceptions.kyverno.io/x", "deployment/-x", "deployment/--force", "deployment/a=b", "deployment/a,b", "deployment/*", "deployment/\n",
};

static uint64_t seed = 0x5eed;
static uint64_t rnd(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static const char *hell_name(char *buf, size_t cap)
{
	if (rnd(2))
		return hell[rnd(N(hell))];
	size_t n = rnd(20) == 0 ? cap - 1 : rnd(12);
	for (size_t i = 0; i < n; i++) /* half plain letters, so that some get through */
		buf[i] = rnd(8) ? "abcxyz019-."[rnd(11)] : (char)(1 + rnd(255));
	buf[n] = '\0';
	return buf;
}

static void names_from_hell(void **state)
{
	static char huge[100001];
	long tried = 0, passed = 0;
	char a[400], b[400], object[900];
	memset(huge, 'a', sizeof huge - 1);
	for (int i = 0; i < 60000; i++) {
		ns_arena *ar = ns_arena_new();
		const char *ns = hell_name(a, sizeof a), *name = i % 1000 ? hell_name(b, sizeof b) : huge;
		static const char *const kinds[] = {"deployment/", "policyexceptions.kyverno.io/", "policyexceptions.policies.kyverno.io/", "pod/", ""};
		snprintf(object, sizeof object, "%s%.600s", kinds[rnd(N(kinds))], name);
		const char *const argv[] = {"-n", ns, "patch", object, TAIL, NULL};
		passed += holds(ar, argv);
		tried++;
		ns_arena_free(ar);
	}
	assert_true(passed > 500);
	print_message("# argv: %ld names from hell tried, %ld were names, 0 escapes\n", tried, passed);
}

/* Whole tokens taken away, doubled, put in, swapped: what still passes must be a command of ours. */
static void mutated_commands(void **state)
{
	const char *const base[][9] = {
	    {"-n", "shop", "patch", "deployment/web", TAIL, NULL},
	    {"-n", "kyverno", "patch", "policyexceptions.kyverno.io/x", TAIL, NULL},
	    {"-n", "kyverno", "create", "-f", "-", "-o", "json", NULL},
	};
	long tried = 0, passed = 0;
	for (int i = 0; i < 60000; i++) {
		const char *argv[20];
		size_t n = 0;
		for (const char *const *t = base[rnd(N(base))]; *t; t++)
			argv[n++] = *t;
		for (uint64_t k = 1 + rnd(3); k; k--) {
			size_t at = rnd(n);
			switch (n > 1 ? rnd(4) : 1) {
			case 0: memmove(&argv[at], &argv[at + 1], (n - at - 1) * sizeof *argv); n--; break;
			case 1: memmove(&argv[at + 1], &argv[at], (n - at) * sizeof *argv); argv[at] = hell[rnd(N(hell))]; n++; break;
			case 2: argv[at] = hell[rnd(N(hell))]; break;
			case 3: { size_t to = rnd(n); const char *t = argv[at]; argv[at] = argv[to]; argv[to] = t; }
			}
		}
		argv[n] = NULL;
		ns_arena *ar = ns_arena_new();
		passed += holds(ar, argv);
		tried++;
		ns_arena_free(ar);
	}
	assert_true(passed > 500);
	print_message("# argv: %ld mutated commands tried, %ld were commands, 0 escapes\n", tried, passed);
}

/* ---- bodies ---- */

static ns_plan plan_of(ns_action a)
{
	return (ns_plan){.action = a, .target = {.cluster = "c", .ns = "shop", .kind = "Deployment", .name = "web", .uid = "u-1"}};
}

static ns_err last_error;
static bool body_ok(ns_action a, ns_meaning m, const char *body)
{
	ns_plan p = plan_of(a);
	ns_command cmd = {.body = body, .json_patch = m.verb == NS_VERB_PATCH};
	ns_err err = {0};
	cJSON *j = ns_body_check(&p, &cmd, &m, NULL, &err);
	bool ok = j != NULL;
	assert_int_equal(ok, *err.text == '\0');
	last_error = err;
	cJSON_Delete(j);
	return ok;
}

static const ns_meaning patch_web = {.verb = NS_VERB_PATCH, .subject = NS_SUBJECT_DEPLOYMENT, .ns = "shop", .name = "web"};
#define C0 "/spec/template/spec/containers/0"

static void patches_change_their_own_fields_only(void **state)
{
	const struct { ns_action a; const char *body; } good[] = {
	    {NS_ACT_SCALE, "[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":2},{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]"},
	    {NS_ACT_COST_SCALE_DOWN, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":1}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"test\",\"path\":\"" C0 "/name\",\"value\":\"app\"},{\"op\":\"replace\",\"path\":\"" C0 "/resources/limits/memory\",\"value\":\"256Mi\"}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"add\",\"path\":\"" C0 "/resources\",\"value\":{\"limits\":{\"memory\":\"256Mi\",\"cpu\":1}}}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"remove\",\"path\":\"/spec/template/spec/initContainers/12/resources/requests/cpu\"}]"},
	    {NS_ACT_ROLLBACK, "[{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"a\"}]}}}]"},
	};
	for (size_t i = 0; i < N(good); i++)
		if (!body_ok(good[i].a, patch_web, good[i].body))
			fail_msg("good body %zu was refused: %s", i, last_error.text);
	const struct { ns_action a; const char *body; } bad[] = {
	    {NS_ACT_SCALE, ""},
	    {NS_ACT_SCALE, "{}"},
	    {NS_ACT_SCALE, "[]"},
	    {NS_ACT_SCALE, "[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":2}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":0}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":-1}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":99999}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":2.5}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":\"3\"}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\"}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"remove\",\"path\":\"/spec/replicas\"}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3,\"value\":4}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3,\"from\":\"/x\"}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"move\",\"from\":\"/spec\",\"path\":\"/spec/replicas\"}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"copy\",\"from\":\"/spec\",\"path\":\"/spec/replicas\"}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":{\"metadata\":{},\"spec\":{\"containers\":[{}]}}}]"},
	    {NS_ACT_SCALE, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}] x"},
	    {NS_ACT_ROLLBACK, "[{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":{}}]"},
	    {NS_ACT_ROLLBACK, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]"},
	    {NS_ACT_ROLLBACK, "[{\"op\":\"replace\",\"path\":\"\",\"value\":{}}]"},
	    {NS_ACT_ROLLBACK, "[{\"op\":\"replace\",\"path\":\"/metadata/annotations\",\"value\":{}}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"replace\",\"path\":\"" C0 "/image\",\"value\":\"evil\"}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"replace\",\"path\":\"" C0 "/resources/limits/memory\",\"value\":\"lots\"}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"replace\",\"path\":\"" C0 "/resources/limits/memory\",\"value\":\"-1Gi\"}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"replace\",\"path\":\"" C0 "/resources/limits/memory/x\",\"value\":\"1Gi\"}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/-/resources\",\"value\":{}}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/1000/resources\",\"value\":{}}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"add\",\"path\":\"" C0 "/resources\",\"value\":{\"claims\":[]}}]"},
	    {NS_ACT_PATCH_RESOURCES, "[{\"op\":\"replace\",\"path\":\"/metadata/finalizers\",\"value\":[]}]"},
	    {NS_ACT_MANUAL_REVIEW, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]"},
	    {NS_ACT_POLICY_EXCEPTION, "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]"},
	};
	for (size_t i = 0; i < N(bad); i++)
		if (body_ok(bad[i].a, patch_web, bad[i].body))
			fail_msg("bad body %zu was let through", i);
}

static char *exception_text(const char *match, const char *exceptions, const char *more)
{
	return ns_xasprintf("{\"apiVersion\":\"kyverno.io/v2\",\"kind\":\"PolicyException\",\"metadata\":{\"name\":\"inc-7\"%s},\"spec\":{\"match\":%s,"
	                    "\"exceptions\":%s}}", more, match, exceptions);
}

#define MATCH(ns, names) "{\"any\":[{\"resources\":{\"kinds\":[\"Pod\"],\"namespaces\":[" ns "],\"names\":[" names "]}}]}"
#define RULES "[{\"policyName\":\"require-limits\",\"ruleNames\":[\"check\"]}]"

static void exceptions_name_one_workload_and_exact_rules(void **state)
{
	const ns_meaning create = {.verb = NS_VERB_CREATE, .subject = NS_SUBJECT_EXCEPTION, .ns = "kyverno"};
	const struct { bool ok; const char *match, *rules, *more; } rows[] = {
	    {true, MATCH("\"shop\"", "\"web\",\"web-???????\?-?????\""), RULES, ""},
	    {false, MATCH("\"shop\"", "\"web\",\"web-*\""), RULES, ""},
	    {false, MATCH("\"shop\"", "\"web?\""), RULES, ""},
	    {true, MATCH("\"shop\"", "\"web\""), RULES, ",\"namespace\":\"kyverno\",\"labels\":{\"cleanup.kyverno.io/ttl\":\"4h\"}"},
	    {false, MATCH("\"shop\"", "\"web\""), RULES, ",\"namespace\":\"kube-system\""},
	    {false, MATCH("\"shop\"", "\"web\""), RULES, ",\"generateName\":\"x\""},
	    {false, MATCH("\"*\"", "\"web\""), RULES, ""},
	    {false, MATCH("\"shop\",\"bank\"", "\"web\""), RULES, ""},
	    {false, MATCH("\"bank\"", "\"web\""), RULES, ""},
	    {false, MATCH("", "\"web\""), RULES, ""},
	    {false, MATCH("\"shop\"", "\"*\""), RULES, ""},
	    {false, MATCH("\"shop\"", "\"web*\""), RULES, ""},
	    {false, MATCH("\"shop\"", "\"w*\""), RULES, ""},
	    {false, MATCH("\"shop\"", ""), RULES, ""},
	    {false, "{\"any\":[{\"resources\":{\"kinds\":[\"*\"],\"namespaces\":[\"shop\"],\"names\":[\"web\"]}}]}", RULES, ""},
	    {false, "{\"any\":[{\"resources\":{\"kinds\":[\"Pod\"],\"names\":[\"web\"]}}]}", RULES, ""},
	    {false, "{\"any\":[{\"resources\":{\"kinds\":[\"Pod\"],\"namespaces\":[\"shop\"],\"names\":[\"web\"]}},{}]}", RULES, ""},
	    {false, "{\"all\":[]}", RULES, ""},
	    {false, "{}", RULES, ""},
	    {false, MATCH("\"shop\"", "\"web\""), "[{\"policyName\":\"*\",\"ruleNames\":[\"check\"]}]", ""},
	    {false, MATCH("\"shop\"", "\"web\""), "[{\"policyName\":\"p\",\"ruleNames\":[\"*\"]}]", ""},
	    {false, MATCH("\"shop\"", "\"web\""), "[{\"policyName\":\"p\",\"ruleNames\":[]}]", ""},
	    {false, MATCH("\"shop\"", "\"web\""), "[]", ""},
	};
	for (size_t i = 0; i < N(rows); i++) {
		char *text = exception_text(rows[i].match, rows[i].rules, rows[i].more);
		if (body_ok(NS_ACT_POLICY_EXCEPTION, create, text) != rows[i].ok)
			fail_msg("exception %zu: %s", i, text);
		free(text);
	}
	assert_false(body_ok(NS_ACT_POLICY_EXCEPTION, create, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"x\"}}"));
	assert_false(body_ok(NS_ACT_POLICY_EXCEPTION, create, "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"ClusterRoleBinding\"}"));
}

/* What the policy room builds must pass the executor's eyes. */
static void the_builder_and_the_checker_agree(void **state)
{
	const ns_meaning create = {.verb = NS_VERB_CREATE, .subject = NS_SUBJECT_EXCEPTION, .ns = "kyverno"};
	const ns_meaning disarm = {.verb = NS_VERB_PATCH, .subject = NS_SUBJECT_EXCEPTION, .ns = "kyverno", .name = "inc-7"};
	const ns_violation v = {.policy = "require-limits", .rule = "check", .message = "m", .kind = "Deployment", .ns = "shop", .name = "web", .uid = "u-1"};
	const char *const rules[] = {"check", "autogen-check"};
	cJSON *built = ns_exception_build("kyverno.io/v2", "kyverno", "inc-7", &v, rules, 2, "inc-7", "neuroscale-autopilot", 24);
	cJSON *ops = ns_exception_disarm_patch();
	char *text = ns_json_text(built), *undo = ns_json_text(ops);
	assert_true(body_ok(NS_ACT_POLICY_EXCEPTION, create, text));
	assert_true(body_ok(NS_ACT_POLICY_EXCEPTION, disarm, undo));
	assert_false(body_ok(NS_ACT_POLICY_EXCEPTION, disarm, "[{\"op\":\"remove\",\"path\":\"/spec/match\"}]"));
	cJSON *after = ns_patch_apply(built, ops, NULL);
	assert_non_null(after);
	assert_false(ns_json_same(after, built));
	cJSON_Delete(after);
	cJSON_Delete(built);
	cJSON_Delete(ops);
	free(text);
	free(undo);
}

/* ---- RFC 6902 ---- */

static void patch_engine(void **state)
{
	const struct { const char *doc, *ops, *want; } rows[] = {
	    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/b\",\"value\":2}]", "{\"a\":1,\"b\":2}"},
	    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":2}]", "{\"a\":2}"},
	    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":{\"x\":[]}}]", "{\"a\":{\"x\":[]}}"},
	    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":2}]", NULL},
	    {"{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/b\"}]", NULL},
	    {"{\"a\":1,\"b\":2}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", "{\"b\":2}"},
	    {"{\"a\":[1,2,3]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":9}]", "{\"a\":[1,9,2,3]}"},
	    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/1\",\"value\":9}]", "{\"a\":[1,9]}"},
	    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/-\",\"value\":9}]", "{\"a\":[1,9]}"},
	    {"{\"a\":[1]}", "[{\"op\":\"add\",\"path\":\"/a/2\",\"value\":9}]", NULL},
	    {"{\"a\":[1]}", "[{\"op\":\"replace\",\"path\":\"/a/01\",\"value\":9}]", NULL},
	    {"{\"a\":[1]}", "[{\"op\":\"replace\",\"path\":\"/a/-\",\"value\":9}]", NULL},
	    {"{\"a\":[1,2]}", "[{\"op\":\"remove\",\"path\":\"/a/0\"}]", "{\"a\":[2]}"},
	    {"{\"a/b\":1,\"c~d\":2}", "[{\"op\":\"replace\",\"path\":\"/a~1b\",\"value\":3},{\"op\":\"remove\",\"path\":\"/c~0d\"}]", "{\"a/b\":3}"},
	    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/~2\",\"value\":3}]", NULL},
	    {"{\"\":1}", "[{\"op\":\"replace\",\"path\":\"/\",\"value\":3}]", "{\"\":3}"},
	    {"{\"a\":{\"b\":1}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"b\":1}},{\"op\":\"remove\",\"path\":\"/a/b\"}]", "{\"a\":{}}"},
	    {"{\"a\":{\"b\":1}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"b\":2}},{\"op\":\"remove\",\"path\":\"/a/b\"}]", NULL},
	    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/nope\",\"value\":1}]", NULL},
	    {"{\"a\":9007199254740993}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":9007199254740992}]", NULL},
	    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"a\",\"value\":3}]", NULL},
	    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":3}]", NULL},
	    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a/b\",\"value\":3}]", NULL},
	    {"{\"a\":1}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"}]", NULL},
	    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"/a\"}]", NULL},
	    {"{\"a\":1}", "{}", NULL},
	};
	for (size_t i = 0; i < N(rows); i++) {
		cJSON *doc = ns_json_parse(rows[i].doc, strlen(rows[i].doc), &ns_json_strict, NULL);
		cJSON *ops = ns_json_parse(rows[i].ops, strlen(rows[i].ops), &ns_json_strict, NULL);
		ns_err err = {0};
		cJSON *got = ns_patch_apply(doc, ops, &err);
		char *text = got ? ns_json_text(got) : NULL;
		if ((got == NULL) != (rows[i].want == NULL) || (got && strcmp(text, rows[i].want) != 0))
			fail_msg("row %zu: %s", i, text ? text : err.text);
		free(text);
		cJSON_Delete(got);
		cJSON_Delete(doc);
		cJSON_Delete(ops);
	}
}

static void the_lock_stands_in_front(void **state)
{
	cJSON *ops = cJSON_Parse("[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]");
	char *text = ns_body_locked(ops, "u-1", "42");
	assert_string_equal(text, "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u-1\"},"
	                          "{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"42\"},"
	                          "{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]");
	free(text);
	cJSON_Delete(ops);
}

/* ---- environment and words ---- */

static void the_environment_is_an_allow_list(void **state)
{
	const char *const parent[] = {"PATH=/bin", "HOME=/root", "KUBECONFIG=/x", "KUBECTL_EXTERNAL_DIFF=evil", "LD_PRELOAD=/evil.so", "AWS_SECRET_ACCESS_KEY=x",
	    "HTTPS_PROXY=http://p", "no_proxy=10.0.0.0/8", "SSL_CERT_FILE=/ca", "LANG=de_DE", "LC_ALL=x", "PATHX=1", "NOEQUALS", NULL};
	char **env = ns_kubectl_environment("/state/home", parent);
	const char *const want[] = {"HOME=/state/home", "LANG=C", "PATH=/bin", "HTTPS_PROXY=http://p", "no_proxy=10.0.0.0/8", "SSL_CERT_FILE=/ca"};
	for (size_t i = 0; i < N(want); i++)
		assert_string_equal(env[i], want[i]);
	assert_null(env[N(want)]);
	ns_strv_free(env);
}

static void the_shown_command_is_one_safe_line(void **state)
{
	ns_arena *ar = ns_arena_new();
	const ns_kubeconfig plain = {.context = (char *)(uintptr_t) "prod"};
	const ns_executor e = {.cfg = &plain};
	const char *const argv[] = {"-n", "shop", "patch", "deployment/web", TAIL, NULL};
	assert_string_equal(ns_argv_show(ar, &e, argv, "[{\"op\":\"x'y\"}]"),
	    "kubectl --context prod -n shop patch deployment/web --type=json --patch-file=/dev/stdin -o json <<< '[{\"op\":\"x'\\''y\"}]'");
	const char *shown = ns_argv_show(ar, &e, argv, "[\"\x1b[2J\xe2\x80\xae\n\"]");
	assert_null(strpbrk(shown, "\x1b\n"));
	assert_null(strstr(shown, "\xe2\x80\xae"));
	ns_arena_free(ar);
}

static void stderr_classes(void **state)
{
	/* As kubectl 1.20 and 1.32 printed them; the last column: may the change have been made? */
	const struct { const char *text; ns_code code; bool retryable, in_doubt; } rows[] = {
	    {"The request is invalid\n", NS_E_CONFLICT, false, false},
	    {"The request is invalid: the server rejected our request due to an error in our request\n", NS_E_CONFLICT, false, false},
	    {"The request is invalid: patch: Invalid value: \"{\\\"apiVersion\\\"\": v1.Deployment.Spec: readUint32: unexpected character\n", NS_E_INVALID, false, false},
	    {"Error from server (Conflict): Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please apply\n", NS_E_CONFLICT, false, false},
	    {"The Deployment \"web\" is invalid: spec.replicas: Invalid value: -2: must be greater than or equal to 0\n", NS_E_INVALID, false, false},
	    {"The Deployment \"web\" is invalid: \n* spec.selector: Invalid value: x: field is immutable\n", NS_E_INVALID, false, false},
	    {"Error from server (NotFound): deployments.apps \"nope\" not found\n", NS_E_NOTFOUND, false, false},
	    {"Error from server (Forbidden): deployments.apps \"web\" is forbidden: User \"nobody\" cannot get\n", NS_E_DENIED, false, false},
	    {"error: You must be logged in to the server (Unauthorized)\n", NS_E_DENIED, false, false},
	    {"Error from server: admission webhook \"validate.kyverno.svc-fail\" denied the request: no\n", NS_E_DENIED, false, false},
	    {"Error from server (InternalError): Internal error occurred: failed calling webhook \"x\": Post: context deadline exceeded\n", NS_E_BUSY, true, false},
	    {"Error from server (InternalError): an error on the server\n", NS_E_FAILED, true, true},
	    {"Error from server (AlreadyExists): error when creating \"STDIN\": policyexceptions.kyverno.io \"x\" already exists\n", NS_E_CONFLICT, false, false},
	    {"Error from server (Timeout): the server was unable to return a response in the time allotted\n", NS_E_TIMEOUT, true, true},
	    {"Error from server (ServiceUnavailable): the server is currently unable to handle the request\n", NS_E_BUSY, true, true},
	    {"Error from server: etcdserver: request timed out\n", NS_E_TIMEOUT, true, true},
	    {"Error from server (TooManyRequests): too many requests\n", NS_E_BUSY, true, false},
	    {"E1123 20:01:16.219052   29920 memcache.go:265] \"Unhandled Error\" err=\"dial tcp 127.0.0.1:1: connect: connection refused\"\n"
	     "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n", NS_E_UNREACHABLE, true, false},
	    {"Unable to connect to the server: dial tcp: lookup nope: no such host\n", NS_E_UNREACHABLE, true, false},
	    {"Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout\n", NS_E_UNREACHABLE, true, false},
	    {"Unable to connect to the server: x509: certificate signed by unknown authority\n", NS_E_DENIED, false, false},
	    {"Unable to connect to the server: net/http: request canceled (Client.Timeout exceeded while awaiting headers)\n", NS_E_TIMEOUT, true, true},
	    {"Unable to connect to the server: EOF\n", NS_E_UNREACHABLE, true, true},
	    {"Unable to connect to the server: read tcp 127.0.0.1:5: read: connection reset by peer\n", NS_E_UNREACHABLE, true, true},
	    {"error: context \"zzz\" does not exist\n", NS_E_INVALID, false, false},
	    {"error: stat /nope: no such file or directory\n", NS_E_INVALID, false, false},
	    {"error: the server doesn't have a resource type \"policyexceptions\"\n", NS_E_UNSUPPORTED, false, false},
	    {"error: resource mapping not found for name: \"x\" namespace: \"\" from \"STDIN\": no matches for kind\nensure CRDs are installed first\n", NS_E_UNSUPPORTED, false, false},
	    {"error: unable to recognize \"STDIN\": no matches for kind \"PolicyException\" in version \"kyverno.io/v2\"\n", NS_E_UNSUPPORTED, false, false},
	    {"error: unknown flag: --x\n", NS_E_USAGE, false, false},
	    {"Warning: policy violation\nError from server (Conflict): x\n", NS_E_CONFLICT, false, false},
	    {"", NS_E_FAILED, false, true},
	    {"E", NS_E_FAILED, false, true},
	    {"panic: runtime error\n", NS_E_FAILED, false, true},
	    {"error: something nobody has seen\n", NS_E_FAILED, false, true},
	};
	for (size_t i = 0; i < N(rows); i++) {
		ns_kubectl_class c = ns_kubectl_classify(rows[i].text);
		if (c.code != rows[i].code || c.retryable != rows[i].retryable || c.in_doubt != rows[i].in_doubt)
			fail_msg("row %zu: %s, retryable %d, in doubt %d: %s", i, ns_code_lookup(c.code)->name, c.retryable, c.in_doubt, rows[i].text);
	}
	assert_non_null(ns_kubectl_fatal_warning("PolicyException resource namespace must match the defined namespace."));
	assert_non_null(ns_kubectl_fatal_warning("x; PolicyException resources would not be processed until it is enabled."));
	assert_non_null(ns_kubectl_fatal_warning("The exceptionNamespace flag is not set"));
	assert_null(ns_kubectl_fatal_warning("kyverno.io/v2beta1 PolicyException is deprecated"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_three_commands_are_permitted),
	    cmocka_unit_test(near_misses_are_not),
	    cmocka_unit_test(names_from_hell),
	    cmocka_unit_test(mutated_commands),
	    cmocka_unit_test(patches_change_their_own_fields_only),
	    cmocka_unit_test(exceptions_name_one_workload_and_exact_rules),
	    cmocka_unit_test(the_builder_and_the_checker_agree),
	    cmocka_unit_test(patch_engine),
	    cmocka_unit_test(the_lock_stands_in_front),
	    cmocka_unit_test(the_environment_is_an_allow_list),
	    cmocka_unit_test(the_shown_command_is_one_safe_line),
	    cmocka_unit_test(stderr_classes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
