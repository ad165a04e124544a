/* The machine's own rows, the rights on the simulated cluster, how checks hang together, and what is printed. */
#include "app/doctor_rig.h"
#include "kube/script_server.h"
#include "neuroscale/sim/sim.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "neuroscale/store/store.h"

/* ---- the simulated cluster ---- */

static ns_sim *sim;
static char opencost[128];

static void start_sim(void)
{
	ns_err err = {0};
	sim = ns_sim_start(&(ns_sim_opts){.listen = "127.0.0.1:0", .scenario = "demo", .clock = ns_clock_real(), .seed = 1}, &err);
	if (!sim || !ns_sim_write_kubeconfig(sim, kc_path("sim"), &err))
		fail_msg("%s", err.text);
	ns_sim_opencost_url(sim, opencost, sizeof opencost);
}

static void at_sim(found *f, const char *option, const char *value)
{
	doctor_at(f, (const char *const[]){"--kubeconfig", kc_path("sim"), option, value, NULL}, DOCTOR_KUBECONFIG, DOCTOR_OPENCOST, 0);
}

static void test_a_cluster_that_is_well(void **state)
{
	found f;
	start_sim();
	int64_t before = ns_sim_mutations(sim, NULL, NULL);
	at_sim(&f, "--opencost", opencost);
	assert_int_equal(f.first, NS_OK);
	has(&f, "server|ok|v1.32.4, ");
	has(&f, "lease|ok|may hold the Lease neuroscale-autopilot in default");
	has(&f, "act|ok|may get, patch deployments.apps in every namespace");
	has(&f, "Kyverno|ok|PolicyException kyverno.io/v2, takes exceptions in every namespace");
	has(&f, "policy reports|ok|wgpolicyk8s.io v1alpha2");
	has(&f, "Argo CD|skip|not installed");
	has(&f, "OpenCost|ok|");
	has(&f, "more than needed|warn|it also may ");
	has(&f, "read secrets");
	lacks(&f, "fail|");
	assert_int_equal(ns_sim_mutations(sim, NULL, NULL), before); /* it only looks */
	done(&f);
	ns_sim_stop(sim);
}

static void test_a_right_that_is_missing_is_named_with_its_loss(void **state)
{
	static const struct {
		const char *verb, *resource, *line;
		ns_code code;
	} rows[] = {
	    {"watch", "v1/pods", "watch|fail|no right to watch pods: nothing is detected -> neuroscale-tui doctor --role", NS_E_DENIED},
	    {"list", "apps/v1/deployments", "watch|fail|no right to list deployments.apps: nothing is detected", NS_E_DENIED},
	    {"watch", "v1/nodes", "watch|warn|no right to watch nodes: node incidents are not seen", NS_OK},
	    {"list", "batch/v1/jobs", "watch|warn|no right to list jobs.batch: failed Jobs are not seen", NS_OK},
	    {"get", "v1/namespaces", "read|fail|no right to get namespaces: which cluster it is cannot be told", NS_E_DENIED},
	    {"create", "coordination.k8s.io/v1/leases",
	        "lease|warn|no right to create leases.coordination.k8s.io in default: it only observes", NS_OK},
	    {"update", "coordination.k8s.io/v1/leases",
	        "lease|warn|no right to update leases.coordination.k8s.io in default: it only observes", NS_OK},
	    {"patch", "apps/v1/deployments",
	        "act|warn|no right to get, patch deployments.apps in any namespace: no rollback, no scale, no patch_resources, no "
	        "cost_scale_down",
	        NS_OK},
	    {"create", "kyverno.io/v2/policyexceptions",
	        "act|warn|no right to get, create, patch policyexceptions.kyverno.io in any namespace: no policy_exception", NS_OK},
	};
	start_sim();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		found f;
		assert_true(ns_sim_deny(sim, rows[i].verb, rows[i].resource, true));
		at_sim(&f, NULL, NULL);
		has(&f, rows[i].line);
		assert_int_equal(f.first, rows[i].code);
		done(&f);
		ns_sim_deny(sim, rows[i].verb, rows[i].resource, false);
		at_sim(&f, NULL, NULL);
		lacks(&f, rows[i].line);
		done(&f);
	}
	ns_sim_stop(sim);
}

static void test_what_is_not_allowed_is_not_asked_for(void **state)
{
	found f;
	start_sim();
	ns_sim_deny(sim, "create", "kyverno.io/v2/policyexceptions", true);
	at_sim(&f, "--allowed-actions", "rollback");
	lacks(&f, "policyexceptions.kyverno.io in");
	has(&f, "Kyverno|ok|PolicyException kyverno.io/v2; --allowed-actions leaves it out");
	done(&f);
	at_sim(&f, "--profile", "observe");
	has(&f, "act|skip|the profile is observe");
	done(&f);
	ns_sim_stop(sim);
}

static void test_exceptions_in_the_wrong_namespace(void **state)
{
	found f;
	ns_err err = {0};
	sim = ns_sim_start(
	    &(ns_sim_opts){.listen = "127.0.0.1:0", .scenario = "kyverno-namespace", .clock = ns_clock_real(), .seed = 1}, &err);
	assert_true(sim && ns_sim_write_kubeconfig(sim, kc_path("sim"), &err));
	at_sim(&f, "--exception-namespace", "shop");
	has(&f, "Kyverno|warn|PolicyException kyverno.io/v2 takes exceptions in policy-exceptions, and --exception-namespace says shop: "
	        "they would have no effect -> --exception-namespace policy-exceptions");
	done(&f);
	at_sim(&f, NULL, NULL);
	has(&f, "Kyverno|ok|PolicyException kyverno.io/v2, takes exceptions in policy-exceptions");
	done(&f);
	ns_sim_stop(sim);
}

static void test_opencost_that_is_not_there(void **state)
{
	found f;
	start_sim();
	at_sim(&f, "--opencost", "http://127.0.0.1:1");
	has(&f, "OpenCost|fail|nothing answers at http://127.0.0.1:1");
	assert_int_equal(f.first, NS_E_UNREACHABLE);
	done(&f);
	at_sim(&f, NULL, NULL);
	has(&f, "OpenCost|skip|not configured");
	done(&f);
	ns_sim_stop(sim);
}

static void test_the_webhook(void **state)
{
	static const struct {
		const char *at, *line;
		unsigned mode;
	} rows[] = {
	    {"127.0.0.1:9099", "Alertmanager|ok|http://127.0.0.1:9099/alertmanager, from this machine only", 0},
	    {"0.0.0.0:9099", "Alertmanager|warn|0.0.0.0:9099 takes alerts from whoever reaches it", 0},
	    {"0.0.0.0:9099", "Alertmanager|ok|http://0.0.0.0:9099/alertmanager, with a token", 0600},
	    {"0.0.0.0:9099", "is open to others (mode 644) -> chmod 600 ", 0644},
	};
	found f;
	doctor_at(&f, NULL, DOCTOR_ALERTMANAGER, DOCTOR_MODEL, 0);
	has(&f, "Alertmanager|skip|not configured");
	has(&f, "model provider|skip|no key: the analyst that is built in works offline");
	done(&f);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *file = kc_write("token", "t\n");
		chmod(file, rows[i].mode ? rows[i].mode : 0600);
		doctor_at(&f,
		    (const char *const[]){
		        "--alertmanager-listen", rows[i].at, rows[i].mode ? "--alertmanager-token-file" : NULL, file, NULL},
		    DOCTOR_ALERTMANAGER, DOCTOR_MODEL, 0);
		has(&f, rows[i].line);
		done(&f);
	}
	doctor_at(&f, (const char *const[]){"--alertmanager-listen", "127.0.0.1:9099", "--alertmanager-token-file", kc_path("gone"), NULL},
	    DOCTOR_ALERTMANAGER, DOCTOR_MODEL, 0);
	has(&f, "Alertmanager|fail|the token file ");
	assert_int_equal(f.first, NS_E_NOTFOUND);
	done(&f);
}

/* A model service that answers everything with one status, and what it was asked. */
typedef struct asked {
	int status;
	atomic_int n;
	char head[2048], body[4096];
} asked;

static bool model_says(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	asked *a = s->ctx;
	(void)method;
	(void)target;
	snprintf(a->head, sizeof a->head, "%s", head);
	snprintf(a->body, sizeof a->body, "%s", body);
	atomic_fetch_add(&a->n, 1);
	return script_answer(fd, a->status, "", a->status == 200
	        ? "{\"id\":\"chatcmpl-d1\",\"choices\":[{\"message\":{\"content\":\"ready\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}"
	        : "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"Incorrect API key provided.\"}}");
}

/* One small question, with the key that is there; a refusal comes with its way out. */
static void test_the_model_is_asked_once(void **state)
{
	static const struct { int status; const char *line; ns_code code; } rows[] = {
	    {200, "model provider|ok|http://127.0.0.1:", NS_OK},
	    {401, "model provider|fail|the key of the model service is refused", NS_E_DENIED},
	};
	const char *key = kc_write("key", "sk-of-the-doctor\n");
	chmod(key, 0600);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static asked a;
		script_server server;
		found f;
		char url[64];
		a = (asked){.status = rows[i].status};
		script_start(&server, model_says, &a);
		snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", server.port);
		doctor_at(&f, (const char *const[]){"--model-url", url, "--model-key-file", key, "--escalation-models", "qwen-a", NULL}, DOCTOR_MODEL, DOCTOR_MODEL, 0);
		has(&f, rows[i].line);
		has(&f, rows[i].status == 200 ? "answers as qwen-a in " : "-> a key is valid in one region only: set --model-url to the key's");
		lacks(&f, "sk-of-the-doctor");
		assert_int_equal(f.first, rows[i].code);
		assert_int_equal(a.n, 1);
		assert_non_null(strstr(a.head, "Bearer sk-of-the-doctor"));
		assert_true(strlen(a.body) < 1024); /* tiny */
		done(&f);
		script_stop(&server);
	}
	found f;
	doctor_at(&f, (const char *const[]){"--model-url", "http://127.0.0.1:1/v1", "--model-key-file", key, NULL}, DOCTOR_MODEL, DOCTOR_MODEL, 0);
	has(&f, "model provider|fail|the model service is down");
	assert_int_equal(f.first, NS_E_UNREACHABLE);
	done(&f);
}

/* ---- this machine ---- */

static void on_machine(found *f, const char *option, const char *value)
{
	doctor_at(f, (const char *const[]){option, value, NULL}, DOCTOR_CLOCK, DOCTOR_KUBECTL, 0);
}

static void test_the_state_directory(void **state)
{
	found f;
	ns_err err = {0};
	const char *dir = kc_path("state");
	on_machine(&f, NULL, NULL);
	has(&f, "state directory|ok|");
	has(&f, "will be made at the first start");
	assert_false(ns_exists(dir)); /* it changes nothing */
	done(&f);
	ns_store *s = ns_store_open(dir, ns_clock_real(), &err);
	assert_non_null(s);
	ns_store_close(s);
	on_machine(&f, NULL, NULL);
	has(&f, "no engine runs on it");
	done(&f);
	chmod(dir, 0755);
	on_machine(&f, NULL, NULL);
	has(&f, "state directory|warn|");
	has(&f, "is open to others (mode 755) -> chmod 700 ");
	done(&f);
	chmod(dir, 0700);
	kc_write("state/neuroscale.db", "this is no database, it is a text that somebody put there\n");
	on_machine(&f, NULL, NULL);
	has(&f, "state directory|fail|");
	done(&f);
	kc_write("file", "x");
	on_machine(&f, "--state-dir", kc_path("file"));
	has(&f, "file is no directory");
	assert_int_equal(f.first, NS_E_INVALID);
	done(&f);
}

static void test_kubectl(void **state)
{
	found f;
	on_machine(&f, "--kubectl", "/nowhere/kubectl");
	has(&f, "kubectl|fail|/nowhere/kubectl cannot be run");
	assert_int_equal(f.first, NS_E_NOTFOUND);
	done(&f);
	chmod(kc_write("kubectl", "#!/bin/sh\nexec sleep 600\n"), 0755);
	doctor_at(&f, (const char *const[]){"--kubectl", kc_path("kubectl"), NULL}, DOCTOR_KUBECTL, DOCTOR_KUBECTL, 1000);
	has(&f, "kubectl|fail|");
	assert_int_equal(f.first, NS_E_TIMEOUT);
	done(&f);
	chmod(kc_write("kubectl", "#!/bin/sh\n[ $1 = version ] && echo "
	                          "'{\"clientVersion\":{\"major\":\"1\",\"minor\":\"12\",\"gitVersion\":\"v1.12.0\"}}'\nexit 0\n"),
	    0755);
	on_machine(&f, "--kubectl", kc_path("kubectl"));
	has(&f, "kubectl|fail|");
	has(&f, "v1.12.0 does not know: patch --kubeconfig, ");
	assert_int_equal(f.first, NS_E_UNSUPPORTED);
	done(&f);
}

static void test_few_files(void **state)
{
	struct rlimit was, few;
	found f;
	getrlimit(RLIMIT_NOFILE, &was);
	few = (struct rlimit){.rlim_cur = 128, .rlim_max = was.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	on_machine(&f, NULL, NULL);
	setrlimit(RLIMIT_NOFILE, &was);
	has(&f, "open files|warn|at most 128");
	done(&f);
}

/* ---- how checks hang together ---- */

static void fails(doctor_run *r)
{
	doctor_fail(r, NS_E_CONFLICT, "the way out", "broken");
}

static void ends(doctor_run *r)
{
	doctor_ok(r, "well");
}

static void waits(doctor_run *r)
{
	ns_cancel_sleep(r->cancel, ns_clock_real(), 600000);
	ns_err err = {.code = NS_E_CANCELLED};
	doctor_fail_err(r, &err, "");
}

static void leave_at_first(void *ctx, const doctor_check *check, const char *cluster, const doctor_line *lines, size_t n, int64_t took_ms)
{
	ns_cancel_fire(ctx);
}

static void table_of(doctor_check rows[DOCTOR_COUNT])
{
	for (int i = 0; i < DOCTOR_COUNT; i++)
		rows[i] = (doctor_check){.name = doctor_checks[i].name, .group = "g", .run = ends, .deadline_ms = 20000};
}

static void test_a_failure_keeps_only_what_needs_it_from_running(void **state)
{
	doctor_check rows[DOCTOR_COUNT];
	ns_config *c = config_of(NULL);
	found f = {.text = NS_BUF_INIT};
	table_of(rows);
	rows[DOCTOR_NETWORK].run = fails;
	rows[DOCTOR_LOGIN].needs = DOCTOR_BIT(NETWORK);
	rows[DOCTOR_WATCH].needs = DOCTOR_BIT(LOGIN) | DOCTOR_BIT(CLOCK);
	rows[DOCTOR_FILES].needs = DOCTOR_BIT(MODEL); /* a row may need a later one */
	assert_true(doctor_run_all(&(doctor_opts){.cfg = c, .show = keep_lines, .ctx = &f, .checks = rows}));
	has(&f, ": network|fail|broken -> the way out\n");
	has(&f, ": login|skip|needs network");
	has(&f, ": watch|skip|needs network");
	has(&f, ": open files|ok|well");
	has(&f, ": read|ok|well");
	assert_true(strstr(f.text.data, "clock|") < strstr(f.text.data, "network|")); /* in the order of the table */
	done(&f);
	ns_config_free(c);
}

/* More that hang than there are hands: each has its own deadline from its own start. */
static void test_deadlines_run_beside_each_other(void **state)
{
	doctor_check rows[DOCTOR_COUNT];
	ns_config *c = config_of(NULL);
	found f = {.text = NS_BUF_INIT};
	table_of(rows);
	for (int i = 0; i < 7; i++) {
		rows[i].run = waits;
		rows[i].deadline_ms = 2000;
	}
	int64_t start = ns_real_mono_ms();
	assert_true(doctor_run_all(&(doctor_opts){.cfg = c, .show = keep_lines, .ctx = &f, .checks = rows}));
	int64_t took = ns_real_mono_ms() - start;
	has(&f, "fail|no answer within 2 s");
	has(&f, "watch|ok|well");
	assert_true(took >= 2000 && took < 12000); /* one after the other it were 14000 */
	done(&f);
	ns_config_free(c);
}

static void test_it_can_be_left(void **state)
{
	doctor_check rows[DOCTOR_COUNT];
	ns_config *c = config_of(NULL);
	ns_cancel *leave = ns_cancel_new();
	table_of(rows);
	rows[DOCTOR_OPENCOST].run = waits;
	rows[DOCTOR_OPENCOST].deadline_ms = 600000;
	assert_false(doctor_run_all(&(doctor_opts){.cfg = c, .leave = leave, .show = leave_at_first, .ctx = leave, .checks = rows}));
	ns_cancel_free(leave);
	ns_config_free(c);
}

/* ---- what is printed ---- */

static doctor_line lines[] = {
    {DOCTOR_OK, NS_OK, false, false, "network", "127.0.0.1:6443", ""},
    {DOCTOR_WARN, NS_OK, false, false, "watch", "first", "the same way out"},
    {DOCTOR_WARN, NS_OK, false, false, "watch", "second \033[31m red \xe2\x80\xae", "the same way out"},
    {DOCTOR_FAIL, NS_E_DENIED, false, false, "login", "401: Bearer abcdefghijklmnopqrstuvwxyz0123456789", "log in again"},
    {DOCTOR_SKIP, NS_OK, true, false, "lease", "login", ""},
    {DOCTOR_SKIP, NS_OK, true, false, "act", "login", ""},
    {DOCTOR_FAIL, NS_E_TIMEOUT, false, false, "late", "no answer", ""},
};

/* What the printer wrote, and its exit status. */
static int printed(bool json, bool color, int columns, ns_buf *out)
{
	static const doctor_check check = {.name = "check", .group = "The way there"};
	fflush(stdout);
	int was = dup(STDOUT_FILENO), fd = open(kc_path("out"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDOUT_FILENO);
	doctor_printer *p = doctor_printer_new(json, color, columns);
	doctor_print(p, &check, "prod", lines, sizeof lines / sizeof *lines, 12);
	int status = doctor_printer_end(p, true, 345);
	fflush(stdout);
	dup2(was, STDOUT_FILENO);
	close(was);
	close(fd);
	assert_true(ns_read_file(kc_path("out"), 1 << 20, out, NULL));
	return status;
}

static void test_text(void **state)
{
	ns_buf out = NS_BUF_INIT;
	assert_int_equal(printed(false, false, 0, &out), 4); /* that of the first failure */
	assert_string_equal(ns_buf_str(&out), "prod: The way there\n"
	                                      "  ok    network             127.0.0.1:6443\n"
	                                      "  warn  watch               first\n"
	                                      "  warn  watch               second ^[[31m red <U+202E>\n"
	                                      "                            -> the same way out\n"
	                                      "  fail  login               401: Bearer [redacted:bearer]\n"
	                                      "                            -> log in again\n"
	                                      "  skip  not checked         lease, act (needs login)\n"
	                                      "  fail  late                no answer\n"
	                                      "\n1 ok, 2 warnings, 2 failed, 2 not checked, in 0.3 s\n");
	ns_buf_free(&out);
	printed(false, true, 60, &out);
	assert_non_null(strstr(out.data, "\033[1;31mfail\033[0m"));
	ns_buf_free(&out);
}

static void test_json(void **state)
{
	ns_buf out = NS_BUF_INIT;
	ns_err err = {0};
	assert_int_equal(printed(true, false, 0, &out), 4);
	cJSON *j = ns_json_parse(ns_buf_str(&out), out.len - 1, &ns_json_strict, &err);
	if (!j)
		fail_msg("%s: %s", err.text, out.data);
	assert_int_equal(ns_json_len(j), sizeof lines / sizeof *lines);
	assert_string_equal(ns_json_str(j->child, "status", ""), "ok");
	assert_string_equal(ns_json_str(j->child, "cluster", ""), "prod");
	const cJSON *fourth = cJSON_GetArrayItem(j, 3), *fifth = cJSON_GetArrayItem(j, 4);
	assert_string_equal(ns_json_str(fourth, "code", ""), "denied");
	assert_string_equal(ns_json_str(fourth, "fix", ""), "log in again");
	assert_string_equal(ns_json_str(fifth, "text", ""), "not checked: needs login");
	cJSON_Delete(j);
	ns_buf_free(&out);
}

static void test_lines_are_wrapped_for_a_terminal(void **state)
{
	ns_buf out = NS_BUF_INIT;
	const char *was = lines[0].text;
	lines[0].text = "one two three four five six seven eight nine ten eleven twelve";
	printed(false, false, 60, &out);
	lines[0].text = was;
	for (const char *p = out.data; *p; p += strcspn(p, "\n") + 1)
		assert_true(strcspn(p, "\n") <= 60);
	assert_non_null(strstr(out.data, "\n                            "));
	ns_buf_free(&out);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, rig_setup, kc_teardown)
	const struct CMUnitTest tests[] = {WITH(test_a_cluster_that_is_well), WITH(test_a_right_that_is_missing_is_named_with_its_loss),
	    WITH(test_what_is_not_allowed_is_not_asked_for), WITH(test_exceptions_in_the_wrong_namespace),
	    WITH(test_opencost_that_is_not_there), WITH(test_the_webhook), WITH(test_the_model_is_asked_once), WITH(test_the_state_directory), WITH(test_kubectl),
	    WITH(test_few_files), WITH(test_a_failure_keeps_only_what_needs_it_from_running), WITH(test_deadlines_run_beside_each_other),
	    WITH(test_it_can_be_left), WITH(test_text), WITH(test_json), WITH(test_lines_are_wrapped_for_a_terminal)};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return rc;
}
