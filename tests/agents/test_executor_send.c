/* The executor from the approval on: sending once, conflicts, outcomes, locks, undo, exceptions. */
#include <signal.h>
#include "executor_fixture.h"
#include "neuroscale/policy/policy.h"

static const char *const do_create_ex[] = {"-n", "kyverno", "create", "-f", "-", "-o", "json", NULL};
static const char *const do_disarm[] = {"-n", "kyverno", "patch", "policyexceptions.kyverno.io/inc-7-web", "--type=json", "--patch-file=/dev/stdin", "-o",
    "json", NULL};

static void plan_exception(void)
{
	const ns_violation v = {.policy = "require-limits", .rule = "check", .message = "m", .kind = "Deployment", .ns = "shop", .name = "web", .uid = "u-1"};
	const char *const rules[] = {"check", "autogen-check"};
	cJSON *built = ns_exception_build("kyverno.io/v2", "kyverno", "inc-7-web", &v, rules, 2, "inc-7", "neuroscale-autopilot", 24);
	cJSON *ops = ns_exception_disarm_patch();
	free(exception_body);
	free(disarm_body);
	exception_body = ns_json_text(built);
	disarm_body = ns_json_text(ops);
	cJSON_Delete(built);
	cJSON_Delete(ops);
	plan_memory();
	plan.action = NS_ACT_POLICY_EXCEPTION;
	plan.command = (ns_command){.argv = do_create_ex, .body = exception_body};
	plan.undo = (ns_command){.argv = do_disarm, .body = disarm_body, .json_patch = true};
}

static void moved_status(void)
{
	bump_rv(api.deployment);
}

static void moved_spec(void)
{
	cJSON *ops = cJSON_Parse("[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":7}]"), *made = ns_patch_apply(api.deployment, ops, NULL);
	cJSON_Delete(ops);
	cJSON_Delete(api.deployment);
	api.deployment = made;
	bump_generation(made);
}

static void a_status_that_moves_in_between_is_read_again(void **state)
{
	kubectl.before = moved_status;
	ns_dryrun *d = dry();
	assert_true(d->ok);
	assert_int_equal(kubectl.runs, 2);
	kubectl.runs = 0;
	kubectl.before = moved_status;
	ns_execution *x = run_locked(false);
	assert_true(x->ok && x->sent && !x->conflict && !x->unknown);
	assert_int_equal(kubectl.runs, 2);
	assert_int_equal(kubectl.applied, 1); /* twice asked, once done */

	fresh_world();
	api.noise = true; /* it never stands still: after six tries it is a conflict, not a seventh try and not a force */
	x = run_locked(false);
	assert_true(x->conflict && !x->ok && !x->unknown);
	assert_int_equal(kubectl.runs, 6);
	assert_int_equal(kubectl.applied, 0);
}

static void a_spec_that_moves_in_between_is_a_conflict(void **state)
{
	kubectl.before = moved_spec;
	ns_execution *x = run_locked(false);
	assert_true(x->conflict && x->sent && !x->ok && !x->unknown);
	assert_int_equal(x->code, NS_E_CONFLICT);
	assert_int_equal(kubectl.runs, 1);
	assert_int_equal(kubectl.applied, 0);
	assert_int_equal(ns_json_int_or(api.deployment, "spec.replicas", 0), 7); /* theirs stands */
}

static void a_patch_that_does_not_fit_is_no_conflict(void **state)
{
	kubectl.scripted = true;
	kubectl.exit_code = 1;
	kubectl.err = "The request is invalid\n"; /* and the object did not move */
	ns_execution *x = run_locked(false);
	assert_false(x->conflict || x->ok || x->unknown);
	assert_int_equal(x->code, NS_E_INVALID);
	assert_int_equal(kubectl.runs, 1);
}

static void executed_once_with_what_was_approved(void **state)
{
	ns_execution *x = run_locked(false);
	assert_true(x->sent && x->ok);
	assert_int_equal(x->code, NS_OK);
	assert_int_equal(x->generation, 5);
	assert_int_equal(x->at_ms, NOW);
	assert_string_equal(x->error, "");
	assert_int_equal(kubectl.applied, 1);
	assert_false(kubectl.dry);
	assert_null(strstr(kubectl.argv, "dry-run"));
	assert_non_null(strstr(kubectl.body, "{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"100\"}"));
	/* the same plan again finds a moved object */
	x = run_locked(false);
	assert_true(x->conflict && !x->sent);
	assert_int_equal(kubectl.applied, 1);
}

static void without_the_lock_nothing_is_sent(void **state)
{
	ns_execution *x = ns_execute(ex, ar, client, &plan, false, -1);
	assert_false(x->sent || x->ok || x->unknown);
	assert_int_equal(x->code, NS_E_DENIED);
	assert_int_equal(kubectl.runs, 0);
}

static void outcomes(void **state)
{
	const struct { int exit_code, killed_by; bool timed_out, cut, unknown; const char *out, *err; ns_code code; } rows[] = {
	    {1, 0, false, false, false, "", "The connection to the server x:1 was refused - did you specify the right host or port?\n", NS_E_UNREACHABLE},
	    {1, 0, false, false, false, "", "Error from server (Forbidden): no\n", NS_E_DENIED},
	    {1, 0, false, false, false, "", "Error from server: admission webhook \"w\" denied the request: no\n", NS_E_DENIED},
	    {1, 0, false, false, true, "", "Error from server (Timeout): later\n", NS_E_TIMEOUT},
	    {1, 0, false, false, true, "", "Error from server (InternalError): x\n", NS_E_FAILED},
	    {1, 0, false, false, true, "", "Unable to connect to the server: EOF\n", NS_E_UNREACHABLE},
	    {1, 0, false, false, true, "", "", NS_E_FAILED},
	    {2, 0, false, false, true, "", "panic: runtime error\n", NS_E_FAILED},
	    {-1, SIGKILL, false, false, true, "", "", NS_E_FAILED},
	    {-1, SIGTERM, true, false, true, "", "", NS_E_TIMEOUT},
	    {0, 0, true, false, true, "{}", "", NS_E_TIMEOUT}, /* succeeded after its deadline: nobody was there to see it */
	    {0, 0, false, true, true, "{}", "", NS_E_TOOBIG},
	    {0, 0, false, false, true, "", "", NS_E_INVALID},
	    {0, 0, false, false, true, "{\"kind\":\"Deployment\"", "", NS_E_INVALID},
	    {0, 0, false, false, true, "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u-2\"},\"spec\":{}}", "", NS_E_INVALID},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		kubectl.scripted = true;
		kubectl.exit_code = rows[i].exit_code;
		kubectl.killed_by = rows[i].killed_by;
		kubectl.timed_out = rows[i].timed_out;
		kubectl.cut = rows[i].cut;
		kubectl.out = rows[i].out;
		kubectl.err = rows[i].err;
		ns_execution *x = run_locked(false);
		if (!x->sent || x->ok || x->conflict || x->unknown != rows[i].unknown || x->code != rows[i].code || !*x->error)
			fail_msg("row %zu: ok %d unknown %d %s: %s", i, x->ok, x->unknown, ns_code_lookup(x->code)->name, x->error);
	}
	kubectl.no_start = true;
	ns_execution *x = run_locked(false);
	assert_false(x->sent || x->ok || x->unknown || x->conflict);
	assert_int_equal(x->code, NS_E_NOTFOUND);
}

static void one_child_per_target(void **state)
{
	char a[512], b[512];
	ns_err err;
	int fd = ns_target_lock(ex, &plan.target, a, sizeof a, &err);
	assert_true(fd >= 0);
	assert_int_equal(ns_target_lock(ex, &plan.target, b, sizeof b, &err), -1);
	assert_int_equal(err.code, NS_E_LOCKED);
	assert_non_null(strstr(err.text, "shop/web"));
	ns_workload other = plan.target;
	other.name = "../../etc/passwd";
	int fd2 = ns_target_lock(ex, &other, b, sizeof b, &err);
	assert_true(fd2 >= 0);
	assert_null(strstr(b, "passwd"));
	ns_target_unlock(fd2);
	assert_false(ns_lock_is_free(a));
	ns_target_unlock(fd);
	assert_true(ns_lock_is_free(a));
	assert_int_equal(ns_target_lock(ex, &plan.target, b, 10, &err), -1);
	assert_int_equal(err.code, NS_E_TOOBIG);
}

static struct { int fd; const char *path; bool free_while_running; } orphan;
static void engine_dies_here(void *ctx, pid_t pid)
{
	ns_target_unlock(orphan.fd);
	orphan.free_while_running = ns_lock_is_free(orphan.path);
}

static void a_child_keeps_the_lock_when_the_engine_is_gone(void **state)
{
	char path[512];
	ns_err err;
	orphan.fd = ns_target_lock(ex, &plan.target, path, sizeof path, &err);
	orphan.path = path;
	const char *const argv[] = {"sleep", "0.3", NULL}, *const env[] = {NULL};
	ns_spawn_req req = {.path = "/bin/sleep", .argv = argv, .envp = env, .inherit_fd = orphan.fd, .deadline_ms = 5000, .max_output = 100,
	    .on_started = engine_dies_here};
	ns_spawn_res res;
	assert_true(ns_spawner_real.run(NULL, &req, &res, &err));
	ns_spawn_res_free(&res);
	assert_false(orphan.free_while_running);
	assert_true(ns_lock_is_free(path));
}

static void the_undo_gives_the_original_back(void **state)
{
	cJSON *before = cJSON_Duplicate(cJSON_GetObjectItem(api.deployment, "spec"), true);
	assert_true(run_locked(false)->ok);
	ns_dryrun *armed = ns_execute_dryrun(ex, ar, client, &plan, NULL, "policy-1", true);
	assert_true(armed->ok);
	assert_string_not_equal(armed->digest, dry()->digest);
	assert_true(run_locked(true)->ok);
	assert_true(ns_json_same(before, cJSON_GetObjectItem(api.deployment, "spec")));
	assert_int_equal(kubectl.applied, 2);
	cJSON_Delete(before);
}

static void an_undo_does_not_overwrite_what_others_did_since(void **state)
{
	assert_true(run_locked(false)->ok);
	moved_spec();
	ns_execution *x = run_locked(true);
	assert_true(x->conflict && !x->sent);
	assert_int_equal(kubectl.applied, 1);
	/* nor is there anything to undo before it was done */
	fresh_world();
	x = run_locked(true);
	assert_true(x->conflict && !x->sent);
}

static ns_stand look(const char **words)
{
	ns_stand stand = NS_STAND_OTHER;
	ns_err err = {0};
	*words = "";
	if (!ns_execute_look(ex, ar, client, &plan, &stand, words, &err))
		fail_msg("%s", err.text);
	return stand;
}

/* What an undo of unknown outcome is judged by, and what a person is told: nothing is sent for it. */
static void where_it_stands_is_read(void **state)
{
	const char *words;
	ns_stand stand;
	ns_err err = {0};
	assert_int_equal(look(&words), NS_STAND_AS_BEFORE);
	assert_non_null(strstr(words, "is as it was before"));
	assert_true(run_locked(false)->ok);
	assert_int_equal(look(&words), NS_STAND_AS_SET);
	assert_non_null(strstr(words, "is as we set it; generation"));
	moved_spec(); /* somebody else's fields: ours stand */
	assert_int_equal(look(&words), NS_STAND_AS_SET);
	assert_non_null(strstr(words, "our change left"));
	int sent = kubectl.applied;
	cJSON *uid = cJSON_GetObjectItem(cJSON_GetObjectItem(api.deployment, "metadata"), "uid");
	cJSON_SetValuestring(uid, "u-other");
	assert_int_equal(look(&words), NS_STAND_OTHER);
	assert_non_null(strstr(words, "another object of the same name"));
	api.fail = 503;
	assert_false(ns_execute_look(ex, ar, client, &plan, &stand, &words, &err));
	assert_int_equal(stand, NS_STAND_OTHER); /* not read is never "as before" */
	api.fail = 0;
	cJSON_Delete(api.deployment);
	api.deployment = NULL;
	assert_int_equal(look(&words), NS_STAND_OTHER);
	assert_non_null(strstr(words, "is gone"));
	assert_int_equal(kubectl.applied, sent);
}

static void where_an_exception_stands_is_read(void **state)
{
	const char *words;
	plan_exception();
	assert_int_equal(look(&words), NS_STAND_AS_BEFORE); /* none there lets nothing through */
	assert_true(run_locked(false)->ok);
	assert_int_equal(look(&words), NS_STAND_AS_SET);
	assert_true(run_locked(true)->ok);
	assert_int_equal(look(&words), NS_STAND_AS_BEFORE);
	assert_non_null(strstr(words, "matches nothing any more"));
}

static void an_exception_is_created_and_disarmed(void **state)
{
	plan_exception();
	ns_dryrun *d = dry();
	if (!d->ok)
		fail_msg("%s", d->error);
	assert_true(d->undo_ok);
	assert_null(strstr(d->diff, "creationTimestamp"));
	assert_string_equal(d->live_uid, "u-1"); /* of the workload it is for */
	char first[65];
	snprintf(first, sizeof first, "%s", d->digest);
	assert_string_equal(dry()->digest, first); /* uid and times of the answer differ each time */
	assert_null(api.exception);

	ns_execution *x = run_locked(false);
	if (!x->ok)
		fail_msg("%s", x->error);
	assert_non_null(api.exception);
	assert_non_null(strstr(kubectl.argv, "\n-n\nkyverno\ncreate\n-f\n-\n-o\njson\n--field-manager=neuroscale-autopilot\n"));
	refused((kubectl.applied = 0, dry()), NS_E_CONFLICT, "exists already");

	x = run_locked(true);
	if (!x->ok)
		fail_msg("%s", x->error);
	cJSON *created = cJSON_Parse(exception_body);
	assert_false(ns_json_same(ns_json_path(created, "spec.match"), ns_json_path(api.exception, "spec.match")));
	cJSON_Delete(created);
	x = run_locked(true); /* it is not as we created it any more */
	assert_true(x->conflict && !x->sent);
}

static void an_exception_without_effect_is_a_failure(void **state)
{
	plan_exception();
	static const char *const warnings[] = {"Warning: PolicyException resource namespace must match the defined namespace.\n",
	    "Warning: PolicyException resources would not be processed until it is enabled.\n", "Warning: The exceptionNamespace flag is not set\n"};
	for (size_t i = 0; i < 3; i++) {
		kubectl.warn = warnings[i];
		refused(dry(), NS_E_DENIED, "no effect");
	}
	ns_execution *x = run_locked(false);
	assert_true(x->sent && !x->ok && !x->unknown);
	kubectl.warn = "Warning: kyverno.io/v2 PolicyException is deprecated\n";
	fresh_world();
	plan_exception();
	kubectl.warn = "Warning: kyverno.io/v2 PolicyException is deprecated\n";
	ns_dryrun *d = dry();
	assert_true(d->ok);
	assert_string_equal(d->warnings, "kyverno.io/v2 PolicyException is deprecated");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_status_that_moves_in_between_is_read_again),
	    T(a_spec_that_moves_in_between_is_a_conflict),
	    T(a_patch_that_does_not_fit_is_no_conflict),
	    T(executed_once_with_what_was_approved),
	    T(without_the_lock_nothing_is_sent),
	    T(outcomes),
	    T(one_child_per_target),
	    T(a_child_keeps_the_lock_when_the_engine_is_gone),
	    T(the_undo_gives_the_original_back),
	    T(an_undo_does_not_overwrite_what_others_did_since),
	    T(where_it_stands_is_read),
	    T(where_an_exception_stands_is_read),
	    T(an_exception_is_created_and_disarmed),
	    T(an_exception_without_effect_is_a_failure),
	};
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
