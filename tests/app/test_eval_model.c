/* `eval incidents --provider dashscope` against a scripted model service: who answers, what leaves, and that nothing falls back in silence.
 */
#include "support/test.h"

#include <curl/curl.h>

#include "kube/script_server.h"
#include "neuroscale/app/app.h"
#include "neuroscale/model/json.h"
#include "run_cmd.h"
#include "support/tmpdir.h"

enum { ROWS = 130, DIM = 4 };
static atomic_int chats, embeddings, leaks, too_many;
static bool refuse;

#define RCA                                                                                                                                \
	"{\\\"root_cause\\\":\\\"x\\\",\\\"confidence\\\":0.9,\\\"action_type\\\":\\\"manual_review\\\",\\\"risk_level\\\":\\\"low\\\","   \
	"\\\"auto_remediate\\\":true,\\\"reasoning\\\":\\\"y\\\"}"

static bool answer_vectors(int fd, const char *body)
{
	cJSON *in = cJSON_Parse(body);
	const cJSON *texts = ns_json_get(in, "input");
	ns_buf b = NS_BUF_INIT;
	size_t k = 0;
	atomic_fetch_add(&embeddings, 1);
	atomic_fetch_add(&too_many, ns_json_len(texts) > 10);
	ns_buf_puts(&b, "{\"data\":[");
	ns_json_each(x, texts)
	{
		size_t n = strlen(x->valuestring);
		ns_buf_printf(&b, "%s{\"index\":%zu,\"embedding\":[1,%zu,%zu,%zu]}", k ? "," : "", k, n % 7, n % 5, n % 3);
		k++;
	}
	ns_buf_puts(&b, "],\"usage\":{\"total_tokens\":5}}");
	bool ok = script_answer(fd, 200, "", ns_buf_str(&b));
	ns_buf_free(&b);
	cJSON_Delete(in);
	return ok;
}

static bool serve(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	(void)s, (void)method, (void)head;
	atomic_fetch_add(&leaks, strstr(body, "hunter2secret") != NULL);
	if (refuse)
		return script_answer(fd, 401, "", "{\"error\":{\"code\":\"invalid_api_key\",\"message\":\"no such key\"}}");
	if (strstr(target, "/embeddings"))
		return answer_vectors(fd, body);
	atomic_fetch_add(&chats, 1);
	return script_answer(fd, 200, "",
	    "{\"id\":\"r\",\"choices\":[{\"message\":{\"content\":\"" RCA
	    "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":9}}");
}

static int eval(const ns_config *cfg)
{
	return ns_app_eval(cfg, NULL);
}

static char *run(const char *file, int port)
{
	char url[64];
	ns_err err = {0};
	snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", port);
	const char *argv[] = {"neuroscale-tui", "eval", "incidents", file, "--provider", "dashscope", "--model-url", url};
	union {
		const char **ro;
		char *const *rw;
	} v = {.ro = argv};
	ns_config *c = ns_config_load(8, v.rw, &err);
	if (!c)
		fail_msg("%s", err.text);
	char *text = cmd_output(eval, c, (const char *const[]){"incidents", file, NULL}, 0);
	ns_config_free(c);
	return text;
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;
	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void every_row_is_the_models_work_and_nothing_is_said_else(void **state)
{
	const char *file = tmpdir_path(state, "rows");
	script_server s;
	refuse = false;
	script_start(&s, serve, NULL);
	char *text = run(file, s.port);
	script_stop(&s);
	assert_int_equal(count(text, "{\"id\":\"r"), ROWS);
	if (strstr(text, "neuroscale-tui: "))
		fail_msg("%s", strstr(text, "neuroscale-tui: "));
	free(text);
	assert_int_equal(chats, ROWS);
	assert_true(embeddings > ROWS); /* each search, and before them the library */
	assert_int_equal(too_many, 0);
	assert_int_equal(leaks, 0);
}

static void a_refused_key_is_asked_once_and_told_with_the_rows_it_cost(void **state)
{
	const char *file = tmpdir_path(state, "rows");
	script_server s;
	refuse = true;
	script_start(&s, serve, NULL);
	char *text = run(file, s.port);
	int requests = atomic_load(&s.requests);
	script_stop(&s);
	assert_int_equal(count(text, "{\"id\":\"r"), ROWS);
	assert_int_equal(requests, 1);
	assert_non_null(strstr(text, "runbooks are found by the library's own vectors: the key of the model service is refused"));
	cmd_says(text, "130 of 130 rows were not all the model's work");
}

static int setup(void **state)
{
	if (tmpdir_make(state) != 0)
		return -1;
	FILE *f = fopen(tmpdir_path(state, "rows"), "we");
	for (int i = 0; f && i < ROWS; i++)
		fprintf(f,
		    "{\"id\":\"r%d\",\"context\":\"Pod shop/web-%d was OOMKilled, exit code 137, limit 256Mi, "
		    "DB_PASSWORD=hunter2secret\"}\n",
		    i, i);
	setenv("DASHSCOPE_API_KEY", "sk-0123456789abcdef0123", 1);
	return f ? fclose(f) : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_is_the_models_work_and_nothing_is_said_else),
	    cmocka_unit_test(a_refused_key_is_asked_once_and_told_with_the_rows_it_cost),
	};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int failed = cmocka_run_group_tests(tests, setup, tmpdir_remove);
	curl_global_cleanup();
	return failed;
}
