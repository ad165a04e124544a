/* Whether an engine has a model service behind it: by configuration, key and mode, and what is said when it has none that can be used. */
#include "support/test.h"

#include <curl/curl.h>
#include <sys/stat.h>

#include "../../src/app/stage.h"
#include "kube/kc_file.h"
#include "kube/script_server.h"
#include "neuroscale/app/app.h"
#include "neuroscale/sys/fs.h"

static atomic_int asked;

static bool gone(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	(void)s, (void)method, (void)target, (void)head, (void)body;
	atomic_fetch_add(&asked, 1);
	return script_answer(fd, 404, "", "{\"error\":{\"code\":\"model_not_found\",\"message\":\"not here\"}}");
}

static ns_config *config_of(const char *const *more)
{
	const char *argv[16] = {"neuroscale-tui", "demo", "--state-dir", kc_path("state"), "--kubectl", "/bin/true"};
	int n = 6;
	ns_err err = {0};
	for (; *more; more++)
		argv[n++] = *more;
	union {
		const char **ro;
		char *const *rw;
	} v = {.ro = argv};
	ns_config *c = ns_config_load(n, v.rw, &err);
	if (!c)
		fail_msg("%s", err.text);
	return c;
}

/* A quiet cluster and its engine; until `words` stands among its messages ("": at once). That picture. */
static ns_snapshot *engine_with(const char *const *options, bool ask_model, const char *words)
{
	ns_err err = {0};
	ns_config *cfg = config_of(options);
	ns_clock *clock = ns_clock_scaled(60, ns_real_mono_ms(), ns_clock_wall_ms(ns_clock_real()));
	ns_app_part part = {.scenario = ns_sim_scenario_find("healthy"), .name = "sim", .profile = NS_PROFILE_OBSERVE};
	ns_app_stage stage = {.ask_model = ask_model};
	ns_door door;
	if (!ns_mkdirs(kc_path("state"), 0700, &err) || !ns_app_stage_open(&stage, cfg, &part, 1, kc_path("state"), clock, &err) || !ns_engine_door(stage.engine, &door, &err))
		fail_msg("%s", err.text);
	ns_snapshot *s = door.snapshot(door.ctx, NULL);
	for (int64_t end = ns_real_mono_ms() + 20000; *words;) {
		bool there = false;
		for (size_t i = 0; i < s->n_messages; i++)
			there |= strstr(s->messages[i].text, words) != NULL;
		if (there)
			break;
		if (ns_real_mono_ms() > end)
			fail_msg("nobody says \"%s\"", words);
		usleep(20000);
		ns_snapshot_unref(s);
		s = door.snapshot(door.ctx, NULL);
	}
	door.close(door.ctx);
	ns_app_stage_close(&stage);
	ns_clock_free(clock);
	ns_config_free(cfg);
	return s;
}

static int setup(void **state)
{
	if (kc_setup(state) != 0)
		return -1;
	setenv("HOME", kc_dir, 1);
	setenv("XDG_CONFIG_HOME", kc_dir, 1);
	unsetenv("DASHSCOPE_API_KEY");
	unsetenv("DASHSCOPE_API_KEY_FILE_PATH");
	unsetenv("DASHSCOPE_COMPATIBLE_BASE_URL");
	atomic_store(&asked, 0);
	return 0;
}

static void a_service_that_is_named_is_asked_and_what_it_says_at_once_is_heard(void **state)
{
	script_server server;
	char url[64];
	(void)state;
	script_start(&server, gone, NULL);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", server.port);
	const char *const options[] = {"--model-url", url, "--analyzer-models", "qwen-a", "--planner-models", "text-embedding-a", NULL};
	ns_snapshot *s = engine_with(options, true, "model text-embedding-a is not there");
	assert_true(s->model.on);
	assert_string_equal(s->model.name, "qwen-a");
	assert_string_equal(s->model.finds, "offline");
	assert_true(s->model.hour.most_calls == 120 && s->model.day.most_micro_usd == 10000000);
	ns_snapshot_unref(s);
	assert_true(atomic_load(&asked) > 0);

	atomic_store(&asked, 0); /* a play that is judged asks nobody, whatever is configured */
	s = engine_with(options, false, "");
	assert_false(s->model.on);
	ns_snapshot_unref(s);
	assert_int_equal(atomic_load(&asked), 0);
	script_stop(&server);
}

static void a_key_that_cannot_be_used_is_said_and_stops_no_engine(void **state)
{
	(void)state;
	const char *key = kc_write("key", "sk-open-to-all\n");
	chmod(key, 0644);
	ns_snapshot *s = engine_with((const char *const[]){"--model-key-file", key, NULL}, true, "the offline analyst works alone: ");
	assert_false(s->model.on);
	for (size_t i = 0; i < s->n_messages; i++)
		assert_null(strstr(s->messages[i].text, "sk-open"));
	ns_snapshot_unref(s);
}

static void without_a_key_there_is_nothing_to_say(void **state)
{
	(void)state;
	ns_snapshot *s = engine_with((const char *const[]){NULL}, true, "");
	assert_false(s->model.on);
	for (size_t i = 0; i < s->n_messages; i++)
		assert_null(strstr(s->messages[i].text, "offline analyst"));
	ns_snapshot_unref(s);
}

int main(void)
{
#define WITH(t) cmocka_unit_test_setup_teardown(t, setup, kc_teardown)
	const struct CMUnitTest tests[] = {WITH(a_service_that_is_named_is_asked_and_what_it_says_at_once_is_heard),
	    WITH(a_key_that_cannot_be_used_is_said_and_stops_no_engine), WITH(without_a_key_there_is_nothing_to_say)};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return rc;
}
