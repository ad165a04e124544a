/* TLS, and vectors: in batches, in their order, of one model. */
#include "support/test.h"

#include <math.h>
#include <microhttpd.h>
#include <unistd.h>

#include "llm_cert.h"
#include "../../src/llm/provider_priv.h"
#include "llm_rig.h"
#include "support/tmpdir.h"

/* ---- TLS ---- */

static enum MHD_Result answer(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data, size_t *n, void **ctx)
{
	static char body[] = GOOD_BODY;
	static int began;
	if (!*ctx) {
		*ctx = &began;
		return MHD_YES;
	}
	if (*n) {
		*n = 0;
		return MHD_YES;
	}
	const char *auth = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
	struct MHD_Response *r = MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc = MHD_queue_response(c, auth && strcmp(auth, "Bearer sk-tls") == 0 ? 200 : 401, r);
	MHD_destroy_response(r);
	return rc;
}

static void over_tls_only_to_whom_is_trusted(void **state)
{
	const char *ca = tmpdir_path(state, "ca.pem");
	FILE *f = fopen(ca, "w");
	fputs(llm_cert_pem, f);
	fclose(f);
	struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, answer, NULL, MHD_OPTION_HTTPS_MEM_KEY, llm_key_pem,
	    MHD_OPTION_HTTPS_MEM_CERT, llm_cert_pem, MHD_OPTION_END);
	assert_non_null(d);
	char url[64];
	snprintf(url, sizeof url, "https://127.0.0.1:%d/v1", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	ns_secret *key = ns_secret_new("sk-tls");
	for (int trusted = 0; trusted < 2; trusted++) {
		ns_llm_opts o = ns_llm_defaults;
		ns_err err = {0};
		ns_llm_answer a;
		o.base_url = url;
		o.key = key;
		o.ca_file = trusted ? ca : "";
		o.retry_ms = 1;
		o.begin_ms = 20000;
		ns_llm *l = ns_llm_new(&o, &err);
		ns_llm_ask ask = {.system = "JSON", .user = "u"};
		bool ok = ns_llm_chat(l, NS_LLM_ANALYZER, &ask, NULL, &a, &err);
		if (ok != (trusted == 1))
			fail_msg("%s", err.text);
		if (trusted)
			assert_string_equal(ns_buf_str(&a.text), "hello");
		else
			assert_true(a.trouble == NS_LLM_DOWN && a.attempts == 1); /* it would not be trusted a second time either */
		ns_llm_answer_free(&a);
		ns_llm_free(l);
	}
	ns_secret_free(key);
	MHD_stop_daemon(d);
}

/* ---- vectors ---- */

/* A vector (first, 1) for each text "N", rows in reverse order; texts over ten are refused as the service does. */
typedef struct vectors { atomic_int requests; int gone_after; char models[8][64]; size_t sizes[8]; } vectors;

static bool serve(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	vectors *v = s->ctx;
	cJSON *j = ns_json_parse(body, strlen(body), &ns_json_api, NULL);
	const cJSON *in = ns_json_get(j, "input");
	size_t n = ns_json_len(in), k = n;
	int q = v->requests++;
	const char *model = ns_json_str(j, "model", "");
	if (q < 8) {
		snprintf(v->models[q], sizeof v->models[q], "%s", model);
		v->sizes[q] = n;
	}
	ns_buf b = NS_BUF_INIT;
	bool gone = v->gone_after >= 0 && q >= v->gone_after && strcmp(model, "text-embedding-a") == 0;
	ns_buf_puts(&b, "{\"data\":[");
	for (const cJSON *x = in->child; x; x = x->next)
		k--;
	for (k = n; k-- > 0;) {
		const cJSON *x = cJSON_GetArrayItem(in, (int)k);
		ns_buf_printf(&b, "{\"index\":%zu,\"embedding\":[%s,%d]}%s", k, x->valuestring, strcmp(model, "text-embedding-a") == 0 ? 1 : -1, k ? "," : "");
	}
	ns_buf_printf(&b, "],\"usage\":{\"total_tokens\":%zu},\"id\":\"e1\"}", n);
	bool ok = gone      ? script_answer(fd, 404, "", "{\"error\":{\"code\":\"model_not_found\",\"message\":\"gone\"}}")
	          : n > 10 ? script_answer(fd, 400, "", "{\"error\":{\"code\":\"InvalidParameter\",\"message\":\"batch size\"}}")
	                   : script_answer(fd, 200, "", b.data);
	ns_buf_free(&b);
	cJSON_Delete(j);
	return ok;
}

static void batches_in_order_of_one_model(void **state)
{
	for (int gone_after = -1; gone_after < 3; gone_after++) {
		vectors v = {.gone_after = gone_after};
		script_server s;
		static rig r; /* for its options */
		char url[64], names[23][8];
		const char *texts[23];
		float *out;
		size_t dim;
		ns_llm_answer a;
		ns_err err = {0};
		script_start(&s, serve, &v);
		r.server.port = s.port;
		pthread_mutex_init(&r.mu, NULL);
		ns_llm_opts o = rig_opts(&r, url);
		for (int i = 0; i < 23; i++) {
			snprintf(names[i], sizeof names[i], "%d", i);
			texts[i] = i == 5 ? "" : names[i];
		}
		ns_llm *l = ns_llm_new(&o, &err);
		if (!ns_llm_embed(l, texts, 23, 0, NULL, &out, &dim, &a, &err))
			fail_msg("%s", err.text);
		assert_int_equal(dim, 2);
		double second = gone_after < 0 ? 1 : -1;
		assert_string_equal(a.model, gone_after < 0 ? "text-embedding-a" : "text-embedding-b");
		for (int i = 0; i < 23; i++) {
			double len = sqrt((double)i * i + 1);
			assert_true(fabs(out[2 * i] - (i == 5 ? 0 : i / len)) < 1e-6);
			assert_true(fabs(out[2 * i + 1] - (i == 5 ? 0 : second / len)) < 1e-6); /* none of the model before is among them */
		}
		for (int i = 0; i < v.requests && i < 8; i++)
			assert_true(v.sizes[i] <= 10);
		assert_true(a.usage.prompt >= 22);
		free(out);
		ns_llm_answer_free(&a);
		ns_llm_free(l);
		script_stop(&s);
	}
}

static void vectors_that_are_none(void **state)
{
	static const char *const bodies[] = {"{}", "{\"data\":[]}", "{\"data\":[{\"index\":0,\"embedding\":[]}]}", "{\"data\":[{\"index\":1,\"embedding\":[1,2]}]}",
	    "{\"data\":[{\"index\":0,\"embedding\":[0,0]}]}", "{\"data\":[{\"index\":0,\"embedding\":[1,\"x\"]}]}", "{\"data\":[{\"embedding\":[1,2]}]}",
	    "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}", "{\"data\":[{\"index\":0,\"embedding\":\"AACAPw==\"}]}", "nonsense", "{\"data\":[{\"index\":0}]}"};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		static rig r;
		const step steps[] = {{SAY, 200, 0, bodies[i]}};
		char url[64];
		const char *text = "x";
		float *out;
		size_t dim;
		ns_llm_answer a;
		ns_err err = {0};
		rig_start(&r, steps, 1);
		ns_llm_opts o = rig_opts(&r, url);
		ns_llm *l = ns_llm_new(&o, &err);
		if (ns_llm_embed(l, &text, 1, 0, NULL, &out, &dim, &a, &err) || out)
			fail_msg("%s", bodies[i]);
		assert_int_equal(a.trouble, NS_LLM_WRONG);
		ns_llm_answer_free(&a);
		ns_llm_free(l);
		rig_stop(&r);
	}
}

static void pauses_differ_and_stay_near(void **state)
{
	int64_t least = INT64_MAX, most = 0;
	for (int i = 0; i < 400; i++) {
		int64_t ms = llm_jitter(1000);
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	assert_true(least >= 500 && most <= 1500);
	assert_true(least < 700 && most > 1300); /* 400 draws out of a thousand that all miss a fifth at an end: one in 10^38 */
	assert_true(llm_jitter(0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(over_tls_only_to_whom_is_trusted, tmpdir_make, tmpdir_remove),
	    cmocka_unit_test(pauses_differ_and_stay_near),
	    cmocka_unit_test(batches_in_order_of_one_model), cmocka_unit_test(vectors_that_are_none)};
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	curl_global_cleanup();
	return failed;
}
