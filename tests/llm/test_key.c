/* Where the key comes from, and what is refused. */
#include "support/test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "neuroscale/llm/provider.h"
#include "support/tmpdir.h"

static const char *env_key, *env_file;

static const char *env(const char *name)
{
	return strcmp(name, "DASHSCOPE_API_KEY") == 0 ? env_key : strcmp(name, "DASHSCOPE_API_KEY_FILE_PATH") == 0 ? env_file : NULL;
}

static const char *said;
static int status;

static bool run(void *ctx, const ns_spawn_req *req, ns_spawn_res *res, ns_err *err)
{
	assert_int_equal(req->inherit_fd, -1);
	*res = (ns_spawn_res){.started = true, .exit_code = status};
	ns_buf_puts(&res->out, said);
	return true;
}
static const ns_spawner spawner = {run, NULL};

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

/* The key, or the error. */
static void check(const ns_llm_key_opts *o, const char *key, ns_code code)
{
	ns_err err = {0};
	ns_secret *s = ns_llm_key_load(o, NULL, &err);
	if (key) {
		if (!s)
			fail_msg("%s", err.text);
		assert_string_equal(ns_secret_reveal(s), key);
	} else {
		assert_null(s);
		assert_int_equal(err.code, code);
		assert_null(strstr(err.text, "s3cret")); /* never in an error */
	}
	ns_secret_free(s);
}

static void every_source(void **state)
{
	const char *dir = *state;
	char *file = ns_xasprintf("%s/key", dir), *open_file = ns_xasprintf("%s/open", dir), *home_dir = ns_xasprintf("%s/.dashscope", dir),
	     *home_file = ns_xasprintf("%s/.dashscope/api_key", dir), *bad = ns_xasprintf("%s/bad", dir), *none = ns_xasprintf("%s/none", dir);
	static const char *const argv[] = {"/bin/pass", "show", NULL};
	put(file, "  s3cret-file \nsecond line\n", 0600);
	put(open_file, "s3cret", 0644);
	put(bad, "s3cret with blanks\n", 0600);
	env_key = env_file = NULL;
	check(&(ns_llm_key_opts){.getenv = env}, NULL, NS_E_NOTFOUND);
	env_key = "s3cret-env";
	check(&(ns_llm_key_opts){.getenv = env}, "s3cret-env", 0);
	check(&(ns_llm_key_opts){.getenv = env, .file = file}, "s3cret-file", 0);
	check(&(ns_llm_key_opts){.getenv = env, .file = open_file}, NULL, NS_E_DENIED); /* and the environment is not taken for it */
	check(&(ns_llm_key_opts){.getenv = env, .file = bad}, NULL, NS_E_INVALID);
	check(&(ns_llm_key_opts){.getenv = env, .file = none}, NULL, NS_E_NOTFOUND);
	check(&(ns_llm_key_opts){.getenv = env, .file = dir}, NULL, NS_E_INVALID);
	said = "s3cret-cmd\n";
	check(&(ns_llm_key_opts){.getenv = env, .command = argv, .spawner = &spawner}, "s3cret-cmd", 0);
	said = "";
	check(&(ns_llm_key_opts){.getenv = env, .command = argv, .spawner = &spawner}, NULL, NS_E_INVALID);
	said = "s3cret";
	status = 1;
	check(&(ns_llm_key_opts){.getenv = env, .command = argv, .spawner = &spawner}, NULL, NS_E_FAILED);
	env_key = "s3cret\x01";
	check(&(ns_llm_key_opts){.getenv = env}, NULL, NS_E_INVALID);
	env_key = NULL;
	env_file = file;
	check(&(ns_llm_key_opts){.getenv = env}, "s3cret-file", 0);
	env_file = NULL;
	mkdir(home_dir, 0700);
	put(home_file, "s3cret-home", 0600);
	check(&(ns_llm_key_opts){.getenv = env, .home = dir}, "s3cret-home", 0);
	chmod(home_file, 0640);
	check(&(ns_llm_key_opts){.getenv = env, .home = dir}, NULL, NS_E_DENIED);
	free(file);
	free(open_file);
	free(home_dir);
	free(home_file);
	free(bad);
	free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(every_source, tmpdir_make, tmpdir_remove)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
