/* The index by a model's vectors: what is embedded and when, that models never mix, and that its search is brute force's. The model is a function
 * of the test: no network. */
#include "support/test.h"

#include <math.h>

#include "neuroscale/runbook/index.h"
#include "neuroscale/runbook/vectors.h"
#include "neuroscale/sys/fs.h"
#include "support/tmpdir.h"

/* ---- a model of bags of words, with the narrow cone of real ones ---- */

typedef struct model {
	char name[NS_INDEX_MODEL];
	size_t dim, texts, calls;
	bool fails, says_nothing, nan;
	size_t fail_after;     /* calls */
	const char *then_name; /* answers from call `fail_after` on under this name */
} model;

static void embed_text(const model *m, const char *text, float *out)
{
	double sq = 0;
	for (size_t i = 0; i < m->dim; i++)
		out[i] = 0.4f; /* what all texts have in common */
	for (const char *p = text; *p;) {
		uint64_t h = 1469598103934665603u;
		size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		for (size_t i = 0; i < n; i++)
			h = (h ^ (unsigned char)(p[i] | 0x20)) * 1099511628211u;
		for (size_t i = 0; n > 2 && i < 6; i++) {
			h = h * 6364136223846793005u + 1442695040888963407u;
			out[(h >> 33) % m->dim] += (h >> 20) & 1 ? 2 : -2;
		}
		p += n ? n : 1;
	}
	for (size_t i = 0; i < m->dim; i++)
		sq += (double)out[i] * (double)out[i];
	for (size_t i = 0; i < m->dim; i++)
		out[i] = m->nan ? NAN : (float)((double)out[i] / sqrt(sq));
}

static void who(void *ctx, char name[NS_INDEX_MODEL], size_t *dim)
{
	const model *m = ctx;
	snprintf(name, NS_INDEX_MODEL, "%s", m->name);
	*dim = m->says_nothing ? 0 : m->dim;
}

static bool embed(void *ctx, void *asked, const char *const *texts, size_t n, const ns_cancel *cancel, float **out, size_t *dim, char name[NS_INDEX_MODEL], ns_err *err)
{
	model *m = ctx;
	(void)cancel;
	m->calls++;
	if (m->fails || (m->fail_after && !m->then_name && m->calls > m->fail_after))
		return ns_fail(err, NS_E_UNREACHABLE, "the model is down");
	if (m->then_name && m->calls > m->fail_after)
		snprintf(m->name, sizeof m->name, "%s", m->then_name);
	m->texts += n;
	*out = ns_xmalloc(n * m->dim * sizeof **out);
	*dim = m->dim;
	snprintf(name, NS_INDEX_MODEL, "%s", m->name);
	for (size_t i = 0; i < n; i++) {
		assert_true(*texts[i] && strlen(texts[i]) <= 1600);
		embed_text(m, texts[i], *out + i * m->dim);
	}
	return true;
}

/* ---- a store of the test ---- */

typedef struct kept {
	struct row {
		char model[NS_INDEX_MODEL], hash[65];
		size_t dim;
		float *v;
	} *row;
	size_t n;
} kept;

static struct row *find(const kept *k, const char *name, size_t dim, const char *hash)
{
	for (size_t i = 0; i < k->n; i++)
		if (!strcmp(k->row[i].hash, hash) && k->row[i].dim == dim && !strcmp(k->row[i].model, name))
			return &k->row[i];
	return NULL;
}

static bool load(void *ctx, const char *name, size_t dim, const char *const *hashes, size_t n, float *rows, bool *found, ns_err *err)
{
	(void)err;
	for (size_t i = 0; i < n; i++) {
		const struct row *r = find(ctx, name, dim, hashes[i]);
		found[i] = r != NULL;
		if (r)
			memcpy(rows + i * dim, r->v, dim * sizeof *rows);
	}
	return true;
}

static bool save(void *ctx, const char *name, size_t dim, const char *const *hashes, size_t n, const float *rows, ns_err *err)
{
	kept *k = ctx;
	(void)err;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(strlen(hashes[i]), 64);
		k->row = ns_xrealloc(k->row, (k->n + 1) * sizeof *k->row);
		struct row *r = &k->row[k->n++];
		snprintf(r->model, sizeof r->model, "%s", name);
		snprintf(r->hash, sizeof r->hash, "%s", hashes[i]);
		r->dim = dim;
		r->v = ns_xmalloc(dim * sizeof *rows);
		memcpy(r->v, rows + i * dim, dim * sizeof *rows);
	}
	return true;
}

static void drop_others(void *ctx, const char *name, size_t dim, const char *const *hashes, size_t n)
{
	kept *k = ctx;
	size_t left = 0;
	for (size_t i = 0; i < k->n; i++) {
		struct row *r = &k->row[i];
		bool stays = r->dim != dim || strcmp(r->model, name) != 0;
		for (size_t h = 0; h < n && !stays; h++)
			stays = strcmp(hashes[h], r->hash) == 0;
		if (stays)
			k->row[left++] = *r;
		else
			free(r->v);
	}
	k->n = left;
}

/* ---- */

typedef struct rig {
	model m;
	kept k;
	ns_library *lib;
	ns_index *x;
} rig;

static void rig_open(rig *r, const char *dir)
{
	ns_err err = {0};
	r->lib = ns_library_load(dir, &err);
	assert_non_null(r->lib);
	r->x = ns_index_new(r->lib, &(ns_embedder){&r->m, who, embed}, &(ns_vector_keep){&r->k, load, save, drop_others});
}

static void rig_shut(rig *r)
{
	ns_index_free(r->x);
	ns_library_free(r->lib);
}

static void rig_free(rig *r)
{
	rig_shut(r);
	for (size_t i = 0; i < r->k.n; i++)
		free(r->k.row[i].v);
	free(r->k.row);
}

static rig new_rig(void)
{
	rig r = {.m = {.name = "words-1", .dim = 512}};
	return r;
}

static const char *answers(ns_index *x, const char *query)
{
	static ns_retrieval r;
	ns_index_search(x, query, NULL, NULL, &r);
	return r.by;
}

static void test_offline_until_there_is_an_index(void **state)
{
	(void)state;
	rig r = new_rig();
	ns_err err = {0};
	ns_index_news news;
	ns_retrieval a, b;
	rig_open(&r, NULL);
	ns_index_search(r.x, "OOMKilled, the memory limit is too low", NULL, NULL, &a);
	assert_string_equal(a.by, "offline");
	assert_string_equal(a.mark, "");
	assert_int_equal(r.m.calls, 0);
	ns_library_retrieve(r.lib, "OOMKilled, the memory limit is too low", &b);
	assert_true(a.n == b.n && a.match[0].score == b.match[0].score && a.score_floor == ns_library_score_floor(r.lib));

	r.m.fails = true;
	assert_false(ns_index_refresh(r.x, NULL, &news, &err));
	assert_string_equal(err.text, "the model is down");
	assert_string_equal(answers(r.x, "x"), "offline");

	r.m.fails = false;
	assert_true(ns_index_refresh(r.x, NULL, &news, &err));
	assert_true(news.switched && news.embedded == news.passages && news.passages > 100);
	assert_non_null(strstr(news.words, "words-1, 512 dimensions"));
	assert_string_equal(answers(r.x, "x"), "words-1/512");
	rig_free(&r);
}

static void test_finds_by_the_model(void **state)
{
	(void)state;
	static const struct {
		const char *query, *want;
	} rows[] = {
	    {"The container was OOMKilled, exit code 137, its memory limit is too low", "oomkill-increase-memory"},
	    {"CrashLoopBackOff since the new image was rolled out, the former revision was healthy", "crashloop-rollback"},
	    {"Kyverno denied the request: validation error of a policy rule, require limits", "kyverno-policy-exception"},
	    {"violin orchestra, mountain lake, poem, autumn", "none"},
	    {"node has DiskPressure, image garbage collection failed", "none"},
	};
	rig r = new_rig();
	ns_index_news news;
	rig_open(&r, NULL);
	assert_true(ns_index_refresh(r.x, NULL, &news, NULL));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_retrieval got;
		ns_index_search(r.x, rows[i].query, NULL, NULL, &got);
		const char *id = got.match[0].score >= got.score_floor ? got.match[0].runbook->id : "none";
		if (strcmp(id, rows[i].want) != 0)
			fail_msg("\"%s\": %s (%.3f, floor %.3f)", rows[i].query, got.match[0].runbook->id, got.match[0].score, got.score_floor);
		assert_true(got.match[0].score >= 0 && got.match[0].score <= 1 && got.margin_floor > 0);
	}
	rig_free(&r);
}

/* A restart embeds nothing; a changed sentence only its own passages; another model or dimension everything. */
static void test_only_what_changed(void **state)
{
	rig r = new_rig();
	ns_index_news first, news;
	const char *path = tmpdir_path(state, "crashloop-rollback.md"), *dir = *state;
	ns_buf text = NS_BUF_INIT;
	rig_open(&r, dir);
	assert_true(ns_index_refresh(r.x, NULL, &first, NULL));
	assert_true(ns_index_refresh(r.x, NULL, &news, NULL));
	assert_true(!news.embedded && !news.switched);
	rig_shut(&r);
	rig_open(&r, dir);
	r.m.texts = 0;
	assert_true(ns_index_refresh(r.x, NULL, &news, NULL));
	assert_true(!news.embedded && news.switched && r.m.texts == 0);
	rig_shut(&r);

	assert_true(ns_read_file("runbooks/crashloop-rollback.md", 1 << 20, &text, NULL));
	char *at = strstr(text.data, "symptoms:\n  - ");
	assert_non_null(at);
	at[strlen("symptoms:\n  - ")] = 'Q';
	assert_true(ns_write_file_atomic(path, text.data, text.len, 0600, NULL));
	rig_open(&r, dir);
	assert_true(ns_index_refresh(r.x, NULL, &news, NULL));
	assert_true(news.embedded >= 2 && news.embedded <= 3 && news.passages == first.passages);
	assert_int_equal(r.k.n, news.passages); /* and what the changed sentence was is kept no longer */

	r.m.dim = 256;
	assert_true(ns_index_refresh(r.x, NULL, &news, NULL));
	assert_true(news.embedded == news.passages && news.switched);
	snprintf(r.m.name, sizeof r.m.name, "words-2");
	assert_true(ns_index_refresh(r.x, NULL, &news, NULL));
	assert_true(news.embedded == news.passages && news.switched);
	assert_non_null(strstr(news.words, "no more by words-1"));
	ns_buf_free(&text);
	rig_free(&r);
}

/* What was embedded before a failure is kept, and the next try goes on from there. */
static void test_interrupted(void **state)
{
	(void)state;
	rig r = new_rig();
	ns_err err = {0};
	ns_index_news news;
	rig_open(&r, NULL);
	r.m.fail_after = 1;
	assert_false(ns_index_refresh(r.x, NULL, &news, &err));
	assert_string_equal(answers(r.x, "x"), "offline");
	size_t kept_rows = r.k.n;
	assert_true(kept_rows > 0);
	r.m.fail_after = 0;
	assert_true(ns_index_refresh(r.x, NULL, &news, NULL));
	assert_int_equal(news.embedded + kept_rows, news.passages);
	rig_free(&r);
}

/* Another model answers in the middle: all vectors are made anew by that one, and no row of the former counts. */
static void test_models_never_mix(void **state)
{
	(void)state;
	rig r = new_rig();
	ns_index_news news;
	rig_open(&r, NULL);
	r.m.fail_after = 1;
	r.m.then_name = "words-fallback";
	assert_true(ns_index_refresh(r.x, NULL, &news, NULL));
	assert_string_equal(answers(r.x, "OOMKilled"), "words-fallback/512");
	size_t of_it = 0;
	for (size_t i = 0; i < r.k.n; i++)
		of_it += !strcmp(r.k.row[i].model, "words-fallback");
	assert_int_equal(of_it, news.passages);

	/* the query's vector comes from yet another one: the library's own vectors answer, and say why */
	snprintf(r.m.name, sizeof r.m.name, "words-3");
	r.m.then_name = NULL;
	r.m.fail_after = 0;
	ns_retrieval got;
	ns_index_search(r.x, "OOMKilled, memory limit", NULL, NULL, &got);
	assert_string_equal(got.by, "offline");
	assert_non_null(strstr(got.mark, "words-3/512 answered"));
	assert_true(got.score_floor == ns_library_score_floor(r.lib));
	r.m.fails = true;
	ns_index_search(r.x, "OOMKilled, memory limit", NULL, NULL, &got);
	assert_string_equal(got.by, "offline");
	assert_string_equal(got.mark, "the model is down");
	assert_true(got.n == 5);
	rig_free(&r);
}

static void test_useless_vectors(void **state)
{
	(void)state;
	rig r = new_rig();
	ns_err err = {0};
	ns_index_news news;
	rig_open(&r, NULL);
	r.m.nan = true;
	assert_false(ns_index_refresh(r.x, NULL, &news, &err));
	assert_int_equal(err.code, NS_E_INVALID);
	assert_string_equal(answers(r.x, "x"), "offline");
	rig_free(&r);
	ns_index *none = ns_index_new(r.lib = ns_library_load(NULL, NULL), NULL, NULL);
	assert_false(ns_index_refresh(none, NULL, &news, &err));
	assert_string_equal(answers(none, "x"), "offline");
	ns_index_free(none);
	ns_library_free(r.lib);
}

static void write_runbook(const char *dir, size_t i)
{
	static const char *const actions[] = {"rollback", "scale", "patch_resources", "manual_review"};
	static const char *const words[] = {"queue", "disk", "latency", "certificate", "quota", "cache", "leader", "replica", "socket", "token", "index", "shard"};
	char id[32], *path;
	ns_buf b = NS_BUF_INIT;
	snprintf(id, sizeof id, "made-%04zu", i);
	ns_buf_printf(&b, "---\nid: %s\ntitle: The %s of tenant %zu\nkinds: [pod_crashloop]\naction: %s\nrisk: low\ncauses: [made]\nsymptoms:\n", id, words[i % 12], i,
	    actions[i % 4]);
	for (size_t k = 0; k < 3; k++)
		ns_buf_printf(&b, "  - The %s is %s because of the %s of %c%c%c\n", words[(i * 7 + k) % 12], words[(i / 12 + k) % 12], words[(i * 5 + k * 3) % 12],
		    (char)('a' + i % 26), (char)('a' + i / 26 % 26), (char)('a' + k));
	ns_buf_puts(&b, "preconditions: [none]\nsteps: [look]\nverify: fine\nundo: none\n---\n# Made\n\n## When it fits\n\nAs said.\n");
	snprintf(id, sizeof id, "made-%04zu.md", i);
	path = ns_path_join(dir, id);
	assert_true(ns_write_file_atomic(path, b.data, b.len, 0600, NULL));
	free(path);
	ns_buf_free(&b);
}

/* What is left out because of its interval changes nothing: the same matches, scores and margins as with every runbook computed from floats. */
static void test_search_is_exact(void **state)
{
	enum { N = 300 };
	rig r = new_rig();
	const char *dir = *state;
	for (size_t i = 0; i < N; i++)
		write_runbook(dir, i);
	rig_open(&r, dir);
	ns_index_news news;
	assert_true(ns_index_refresh(r.x, NULL, &news, NULL));
	for (size_t i = 0; i < N; i += 7) {
		const ns_runbook *rb = ns_library_at(r.lib, i);
		ns_retrieval fast, plain;
		ns_index_search(r.x, rb->symptoms[i % rb->n_symptoms], NULL, NULL, &fast);
		ns_vectors_use(NS_VECTORS_BRUTE);
		ns_index_search(r.x, rb->symptoms[i % rb->n_symptoms], NULL, NULL, &plain);
		ns_vectors_use(NS_VECTORS_BEST);
		assert_int_equal(fast.n, NS_RETRIEVED);
		for (size_t k = 0; k < fast.n; k++) {
			assert_string_equal(fast.match[k].runbook->id, plain.match[k].runbook->id);
			assert_true(fast.match[k].score == plain.match[k].score && fast.match[k].margin == plain.match[k].margin);
		}
	}
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_offline_until_there_is_an_index),
	    cmocka_unit_test(test_finds_by_the_model),
	    cmocka_unit_test_setup_teardown(test_only_what_changed, tmpdir_make, tmpdir_remove),
	    cmocka_unit_test(test_interrupted),
	    cmocka_unit_test(test_models_never_mix),
	    cmocka_unit_test(test_useless_vectors),
	    cmocka_unit_test_setup_teardown(test_search_is_exact, tmpdir_make, tmpdir_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
