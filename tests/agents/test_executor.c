/* The executor up to the approval: what the child is given, what the digest binds, and what never gets that far. */
#include <sys/stat.h>
#include "executor_fixture.h"

static void without_kubectl_there_is_no_executor(void **state)
{
	ns_err err;
	const char *const absent[] = {NULL, "", "kubectl", "/nowhere/kubectl"};
	for (size_t i = 0; i < 4; i++) {
		ns_executor_opts o = {.cfg = cfg, .state_dir = dir, .kubectl = absent[i], .spawner = &fake};
		assert_null(ns_executor_new(&o, &err));
		assert_int_equal(err.code, NS_E_NOTFOUND);
		assert_non_null(strstr(err.text, "kubectl was not found"));
	}
}

static int mode_of(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

static void the_kubeconfig_is_private_and_goes_away(void **state)
{
	assert_int_equal(mode_of(ex->kubeconfig), 0600);
	assert_int_equal(mode_of(ex->home), 0700);
	assert_int_equal(mode_of(ex->locks), 0700);
	ns_executor *other = make_executor();
	char *path = ns_xstrdup(other->kubeconfig);
	ns_executor_free(other);
	assert_int_equal(mode_of(path), -1);
	free(path);
}

static void the_child_gets_exactly_this(void **state)
{
	ns_dryrun *d = dry();
	if (!d->ok)
		fail_msg("%s", d->error);
	char *want = ns_xasprintf("kubectl\n--kubeconfig=%s\n--context=t\n--cache-dir=%s\n--request-timeout=20s\n-n\nshop\npatch\ndeployment/web\n--type=json\n"
	    "--patch-file=/dev/stdin\n-o\njson\n--field-manager=neuroscale-autopilot\n--dry-run=server\n", ex->kubeconfig, ex->cache);
	assert_string_equal(kubectl.argv, want);
	free(want);
	assert_null(strstr(kubectl.argv, "256Mi")); /* bodies go by the pipe, `ps` shows argv */
	assert_string_equal(kubectl.body, "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u-1\"},"
	    "{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"100\"},"
	    "{\"op\":\"test\",\"path\":\"/spec/template/spec/containers/0/name\",\"value\":\"app\"},"
	    "{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/resources/limits/memory\",\"value\":\"256Mi\"}]");
	assert_null(strstr(kubectl.env, "KUBE"));
	assert_null(strstr(kubectl.env, "LC_"));
	assert_non_null(strstr(kubectl.env, "LANG=C\n"));
	assert_int_equal(kubectl.inherit_fd, -1);
	assert_int_equal(kubectl.applied, 0);

	assert_non_null(strstr(d->diff, "128Mi"));
	assert_non_null(strstr(d->diff, "256Mi"));
	assert_null(strstr(d->diff, "resourceVersion"));
	assert_int_equal(d->diff_lines, 2);
	assert_true(d->undo_ok);
	assert_string_equal(d->live_uid, "u-1");
	assert_int_equal(d->live_generation, 4);
	assert_int_equal(strlen(d->digest), 64);
	assert_int_equal(d->at_ms, NOW);
	assert_non_null(strstr(d->shown_command, "kubectl --context t -n shop patch deployment/web"));
}

static void status_noise_does_not_void_an_approval_but_everything_else_does(void **state)
{
	char first[65];
	snprintf(first, sizeof first, "%s", dry()->digest);
	bump_rv(api.deployment);
	cJSON_SetIntValue(cJSON_GetObjectItem(cJSON_GetObjectItem(api.deployment, "status"), "replicas"), 1);
	assert_string_equal(dry()->digest, first);

	ns_dryrun *d = ns_execute_dryrun(ex, ar, client, &plan, &cs, "policy-2", false);
	assert_string_not_equal(d->digest, first);
	plan.runbook_hash = "rb2";
	assert_string_not_equal(dry()->digest, first);
	plan_memory();
	plan.command.body = MEMORY("257Mi");
	assert_string_not_equal(dry()->digest, first);
	plan_memory();
	snprintf(api.system_uid, sizeof api.system_uid, "sys-2"); /* another cluster behind the same name */
	assert_string_not_equal(dry()->digest, first);
	snprintf(api.system_uid, sizeof api.system_uid, "sys-1");
	kubectl.mutate = "[{\"op\":\"add\",\"path\":\"/spec/template/metadata/labels/injected\",\"value\":\"yes\"}]"; /* the same request, another effect */
	d = dry();
	assert_true(d->ok);
	assert_string_not_equal(d->digest, first);
	assert_false(d->undo_ok);
	kubectl.mutate = NULL;
	set_meta(api.deployment, "uid", cJSON_CreateString("u-2"));
	plan.target.uid = cs.alert.target.uid = "u-2";
	assert_string_not_equal(dry()->digest, first);
	plan_memory();
	set_meta(api.deployment, "uid", cJSON_CreateString("u-1"));
	bump_generation(api.deployment);
	plan.generation = 5;
	assert_string_not_equal(dry()->digest, first);
	plan.generation = 4;
	set_meta(api.deployment, "generation", cJSON_CreateNumber(4));
	assert_string_equal(dry()->digest, first);
}

#define TEMPLATE(env) "[{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":{\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":" \
	"[{\"name\":\"app\",\"image\":\"web:0\",\"env\":[" env "]}]}}}]"

static void secrets_are_not_shown_but_bound(void **state)
{
	plan.action = NS_ACT_ROLLBACK;
	plan.command.body = TEMPLATE("{\"name\":\"DB_PASSWORD\",\"value\":\"correct-horse-1\"}");
	ns_dryrun *d = dry();
	assert_true(d->ok);
	assert_non_null(strstr(d->diff, "DB_PASSWORD"));
	assert_null(strstr(d->diff, "correct-horse"));
	assert_null(strstr(d->shown_command, "correct-horse"));
	char first[65];
	snprintf(first, sizeof first, "%s", d->digest);
	plan.command.body = TEMPLATE("{\"name\":\"DB_PASSWORD\",\"value\":\"correct-horse-2\"}");
	assert_string_not_equal(dry()->digest, first);
}

static void long_values_are_bound_to_their_end(void **state)
{
	char digests[2][65];
	for (int i = 0; i < 2; i++) { /* a webhook whose text differs behind what a difference shows */
		char *mutation = ns_xasprintf("[{\"op\":\"add\",\"path\":\"/spec/template/metadata/annotations\",\"value\":{\"x\":\"%04000d%d\"}}]", 0, i);
		kubectl.mutate = mutation;
		snprintf(digests[i], sizeof digests[i], "%s", dry()->digest);
		free(mutation);
	}
	kubectl.mutate = NULL;
	assert_int_equal(strlen(digests[0]), 64);
	assert_string_not_equal(digests[0], digests[1]);
}

static void what_moved_since_the_analysis_is_not_acted_on(void **state)
{
	set_meta(api.deployment, "uid", cJSON_CreateString("u-2")); /* deleted and made again under the same name */
	refused(dry(), NS_E_CONFLICT, "UID changed");
	set_meta(api.deployment, "uid", cJSON_CreateString("u-1"));
	bump_generation(api.deployment);
	refused(dry(), NS_E_CONFLICT, "generation 5, expected 4");
	cJSON_Delete(api.deployment);
	api.deployment = NULL;
	refused(dry(), NS_E_NOTFOUND, "shop/web");
	assert_int_equal(kubectl.runs, 0);
}

static void a_plan_for_anything_else_never_reaches_a_spawn(void **state)
{
	cs.alert.target.name = "other";
	refused(dry(), NS_E_DENIED, "not the case's");
	cs.alert.target.name = "web";
	refused(ns_execute_dryrun(ex, ar, client, &plan, NULL, "p", false), NS_E_DENIED, "no case");
	plan.target.uid = "";
	refused(dry(), NS_E_DENIED, "not pinned");
	plan_memory();
	plan.action = NS_ACT_MANUAL_REVIEW;
	refused(dry(), NS_E_DENIED, "not executable");
	plan_memory();
	plan.action = NS_ACT_SCALE; /* body of another action */
	refused(dry(), NS_E_DENIED, "scale may not");
	plan_memory();
	plan.action = NS_ACT_POLICY_EXCEPTION;
	refused(dry(), NS_E_DENIED, "not one of policy_exception");
	plan_memory();
	plan.command.argv = (const char *const[]){"-n", "shop", "patch", "deployment/db", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
	refused(dry(), NS_E_DENIED, "another target");
	plan.command.argv = (const char *const[]){"-n", "kube-system", "patch", "deployment/web", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
	refused(dry(), NS_E_DENIED, "protected");
	plan.command.argv = (const char *const[]){"-n", "billing", "patch", "deployment/web", "--type=json", "--patch-file=/dev/stdin", "-o", "json", NULL};
	refused(dry(), NS_E_DENIED, "protected");
	plan.command.argv = (const char *const[]){"-n", "shop", "delete", "deployment/web", NULL};
	refused(dry(), NS_E_DENIED, "none of the permitted");
	plan.command.argv = NULL;
	refused(dry(), NS_E_DENIED, "no command");
	plan_memory();
	plan.target.kind = "StatefulSet";
	cs.alert.target.kind = "StatefulSet";
	refused(dry(), NS_E_UNSUPPORTED, "no action on a StatefulSet");
	assert_int_equal(kubectl.runs, 0);

	plan_memory();
	plan.command.body = "[{\"op\":\"replace\",\"path\":\"/metadata/finalizers\",\"value\":[]}]";
	ns_execution *x = run_locked(false);
	assert_false(x->sent || x->ok || x->unknown);
	assert_int_equal(x->code, NS_E_DENIED);
	assert_int_equal(kubectl.runs, 0);
}

static void failures_of_a_dry_run_are_classed(void **state)
{
	api.fail = 503;
	refused(dry(), NS_E_BUSY, "");
	api.fail = 0;
	kubectl.no_start = true;
	refused(dry(), NS_E_NOTFOUND, "could not be started");
	kubectl.no_start = false;
	kubectl.scripted = true;
	kubectl.exit_code = 0;
	refused(dry(), NS_E_INVALID, "cannot be read"); /* law 9: an empty answer is a failure */
	kubectl.out = "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u-9\"},\"spec\":{}}";
	refused(dry(), NS_E_INVALID, "another object");
	kubectl.out = "{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"db\",\"namespace\":\"shop\",\"uid\":\"u-1\"},\"spec\":{}}";
	refused(dry(), NS_E_INVALID, "not Deployment shop/web");
	kubectl.out = "[]";
	refused(dry(), NS_E_INVALID, "no object");
	kubectl.cut = true;
	refused(dry(), NS_E_TOOBIG, "MiB");
	kubectl.cut = false;
	kubectl.out = "";
	kubectl.exit_code = 1;
	kubectl.err = "Error from server (Forbidden): deployments.apps \"web\" is forbidden: User \"x\x1b[2J\" cannot patch\n";
	ns_dryrun *d = dry();
	refused(d, NS_E_DENIED, "is forbidden");
	assert_null(strchr(d->error, '\x1b')); /* law 11 */
	kubectl.err = "";
	refused(dry(), NS_E_FAILED, "said nothing");
	kubectl.exit_code = -1;
	kubectl.timed_out = true;
	refused(dry(), NS_E_TIMEOUT, "did not answer within 30 s");
}

static void a_change_that_changes_nothing_is_a_failure(void **state)
{
	plan.command.body = MEMORY("128Mi");
	refused(dry(), NS_E_FAILED, "nothing would change");
}

static void no_inverse_is_no_undo(void **state)
{
	plan.undo.body = MEMORY("129Mi");
	assert_false(dry()->undo_ok);
	plan.undo.body = "[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":2}]";
	assert_false(dry()->undo_ok);
	plan.undo.argv = NULL;
	ns_dryrun *d = dry();
	assert_false(d->undo_ok);
	assert_true(d->ok); /* a person may still say yes */
}

static void the_record_survives_its_json(void **state)
{
	ns_dryrun *d = dry();
	cJSON *j = ns_dryrun_to_json(d);
	ns_err err;
	ns_dryrun *back = ns_dryrun_from_json(ar, j, &err);
	if (!back)
		fail_msg("%s", err.text);
	assert_string_equal(back->digest, d->digest);
	assert_string_equal(back->diff, d->diff);
	assert_true(back->ok && back->undo_ok && back->code == NS_OK && back->live_generation == 4);
	cJSON_ReplaceItemInObject(j, "digest", cJSON_CreateString("00"));
	assert_null(ns_dryrun_from_json(ar, j, &err)); /* ok without a digest would be approvable */
	cJSON_Delete(j);
	j = ns_execution_to_json(run_locked(false));
	assert_true(ns_json_bool_or(j, "ok", false) && ns_json_int_or(j, "generation", 0) == 5);
	cJSON_Delete(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(without_kubectl_there_is_no_executor),
	    T(the_kubeconfig_is_private_and_goes_away),
	    T(the_child_gets_exactly_this),
	    T(status_noise_does_not_void_an_approval_but_everything_else_does),
	    T(secrets_are_not_shown_but_bound),
	    T(long_values_are_bound_to_their_end),
	    T(what_moved_since_the_analysis_is_not_acted_on),
	    T(a_plan_for_anything_else_never_reaches_a_spawn),
	    T(failures_of_a_dry_run_are_classed),
	    T(a_change_that_changes_nothing_is_a_failure),
	    T(no_inverse_is_no_undo),
	    T(the_record_survives_its_json),
	};
	return cmocka_run_group_tests(tests, start_all, stop_all);
}
