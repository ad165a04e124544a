/* A pick of an object is what parsing all of it and taking away the rest gives: for objects as they are, for every kind of broken text, for
 * text made at random, and wherever the bytes of a list or a watch were cut. */
#include "support/test.h"

#include "../../src/kube/kube_priv.h"
#include "../../src/kube/pick.h"
#include "../../src/kube/pick_scan.h"
#include "pick_oracle.h"

static const char *const keep[] = {"metadata.name", "metadata.labels", "spec.nodeName", "status.conditions.type", "status.conditions.status",
    "metadata.annotations.a\\.b/c", "x", "n.m.o", NULL};

static ns_buf padded(const char *s, size_t n)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_put(&b, s, n);
	kube_pick_pad(&b);
	return b;
}

/* Compares one text: tree, or error, and says which text it was. */
static void same(kube_pick *p, const char *const *paths, bool event, const char *s, size_t n)
{
	ns_err err = {0};
	ns_buf b = padded(s, n);
	const cJSON *got = event ? kube_pick_event(p, b.data, n, &err) : kube_pick_object(p, b.data, n, &err);
	cJSON *want = oracle_pick(s, n, paths, event);
	if (!got != !want || (got && !ns_json_same(got, want))) {
		char *g = got ? ns_json_text(got) : ns_xstrdup(err.text), *w = want ? ns_json_text(want) : ns_xstrdup("an error");
		fail_msg("%.*s\ngives %s\nnot   %s", (int)n, s, g, w);
	}
	if (!got && (!err.text[0] || (err.code != NS_E_INVALID && err.code != NS_E_TOOBIG)))
		fail_msg("%.*s: error without words", (int)n, s);
	/* As cJSON has them: siblings point back, the first child at the last. */
	for (const cJSON *c = got ? got->child : NULL; c; c = c->next)
		assert_true(c->next ? c->next->prev == c : got->child->prev == c);
	cJSON_Delete(want);
	ns_buf_free(&b);
}

static const char *const texts[] = {
    "{}", "[]", "3", "\"x\"", "null", " { } ", "{\"x\":1}", "{\"x\":{\"a\":[1,2,{\"b\":null}]},\"y\":{\"z\":[true,false,null,\"s\",-1.5e3]}}",
    "{\"metadata\":{\"name\":\"web-1\",\"managedFields\":[{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:app\":{}}}}],\"labels\":{\"app\":\"web\",\"a.b/c\":\"d\"},"
    "\"annotations\":{\"a.b/c\":\"kept\",\"a\":{\"b/c\":1},\"big\":\"{\\\"a\\\":[1,2]}\"},\"resourceVersion\":\"7\"},\"spec\":{\"nodeName\":\"n1\",\"containers\":[{\"env\":[]}]},"
    "\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"message\":\"m\"},{\"type\":\"Initialized\"},3,[{\"type\":1,\"u\":2}]]}}",
    /* wrong types where paths lead */
    "{\"metadata\":\"text\",\"spec\":[{\"nodeName\":1,\"other\":2},\"s\"],\"status\":null,\"n\":{\"m\":5}}", "{\"n\":{\"m\":{\"o\":{\"deep\":[{}]},\"p\":1}}}",
    /* duplicates: the last one wins, whole, also where it is of another type */
    "{\"x\":1,\"x\":2}", "{\"x\":1,\"y\":0,\"x\":[3],\"x\":null}", "{\"metadata\":{\"name\":\"a\",\"name\":\"b\"},\"metadata\":{\"labels\":{\"a\":1,\"a\":2,\"b\":3}}}",
    "{\"metadata\":{\"name\":\"a\"},\"metadata\":3}", "{\"x\":{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":11,\"l\":12,\"m\":13,\"b\":14,\"a\":15,\"a\":16}}",
    /* strings */
    "{\"x\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00\"}", "{\"\\u0078\":1,\"n\\u0061me\":2}", "{\"x\":\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"}",
    "{\"x\":\"\\u0000\",\"y\":\"\\u0000\"}", "{\"x\":\"\\\\u0000\"}", "{\"x\":\"\"}", "{\"\":1,\"x\":{\"\":2}}", "{\"x\":\"0123456789abcdef0123456789abcdef\\n0123456789abcdef\"}",
    "{\"x\":\"\x7f\"}",
    /* broken strings, kept and not */
    "{\"x\":\"\\ud83d\"}", "{\"y\":\"\\ud83d\"}", "{\"x\":\"\\ude00\"}", "{\"y\":\"\\ude00\\ud83d\"}", "{\"x\":\"\\ud83d\\u0041\"}", "{\"y\":\"\\ud83dx\"}", "{\"x\":\"\\u12\"}", "{\"y\":\"\\u12\"}",
    "{\"x\":\"\\q\"}", "{\"y\":\"\\q\"}", "{\"x\":\"\xff\"}", "{\"y\":\"\xff\"}", "{\"y\":\"\xc3\"}", "{\"y\":\"\xed\xa0\x80\"}", "{\"y\":\"\xc0\x80\"}", "{\"x\":\"a\nb\"}", "{\"y\":\"a\nb\"}", "{\"y\":\"a\x1f\"}",
    "{\"x\":\"\\ud800\\u0000\"}", "{\"y\":\"\\", "{\"x\":\"\\u", "{\"y", "{\"x\":\"abc", "{\"x\":\"\\\"}",
    /* numbers */
    "[0,-0,1,-1,9007199254740992,9007199254740993,-9007199254740993,123456789012345678901234567890,1e308,1.5,-2E-5,999999999999999,1000000000000000,2147483647,2147483648,-2147483649]",
    "{\"x\":[0,-0,9007199254740993,18446744073709551616,0.1,1e400]}", "{\"x\":[12345678901234567890,0.30000000000000004,1e-400,-9223372036854775808]}", "{\"y\":1e400}", "{\"y\":01}", "{\"x\":01}", "{\"y\":-}", "{\"x\":1.}", "{\"y\":.5}", "{\"y\":1e}", "{\"y\":+1}", "{\"y\":0x10}",
    "{\"y\":1234567890123456789012345678901234567890123456789012345678901234}", "{\"y\":123456789012345678901234567890123456789012345678901234567890123}",
    /* broken structure in what is not kept */
    "{\"y\":[}", "{\"y\":[{]}", "{\"y\":{\"a\":1,}}", "{\"y\":[1,]}", "{\"y\":[,1]}", "{\"y\":{,}}", "{\"y\":{\"a\"}}", "{\"y\":{\"a\" 1}}", "{\"y\":{1:2}}", "{\"y\":[1 2]}", "{\"y\":tru}", "{\"y\":True}",
    "{\"y\":nul}", "{\"y\":}", "{\"y\"}", "{\"y\":1,}", "{\"y\":1}}", "{\"y\":1}{", "{\"y\":1} x", "{\"y\":{\"x\":[}}", "{\"x\":[}", "{\"x\":{]", "{,}", "{\"x\":1,}", "{\"x\" 1}", "[1,]", "[", "{", "]", "}", ":", ",", "\"", "", " ",
    "{\"y\":[[[[]]],{}]}", "{\"y\":{\"a\":{},\"b\":[]},\"x\":{}}", "{\"y\" : [ 1 , 2 ] , \"x\" : { \"a\" : 1 } } ", "{\"y\":\"]}\",\"x\":2}", "{\"y\":'a'}", "{y:1}", "// c\n{}",
    "{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old\",\"details\":{}}",
};

static const char *const events[] = {
    "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"resourceVersion\":\"9\"},\"spec\":{\"nodeName\":\"n\",\"volumes\":[]}}}",
    "{\"object\":{\"metadata\":{\"name\":\"a\"},\"y\":1},\"type\":\"DELETED\",\"extra\":{\"type\":\"x\"}}", "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Gone\",\"message\":\"m\",\"y\":[}}",
    "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Gone\",\"message\":\"m\",\"y\":[]}}", "{\"type\":1,\"object\":2}", "{\"type\":\"ADDED\",\"object\":[{\"x\":1,\"y\":2}]}", "{}", "[]", "",
    "{\"type\":\"ADDED\",\"object\":{\"x\":1},\"object\":{\"y\":2}}",
};

static void test_the_same_as_parse_then_prune(void **state)
{
	kube_pick *some = kube_pick_new(keep), *all = kube_pick_new(NULL);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		same(some, keep, false, texts[i], strlen(texts[i]));
		same(all, NULL, false, texts[i], strlen(texts[i]));
	}
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		same(some, keep, true, events[i], strlen(events[i]));
		same(all, NULL, true, events[i], strlen(events[i]));
	}
	kube_pick_free(some);
	kube_pick_free(all);
}

static uint64_t seed = 88172645463325252u;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Every byte of every text becomes another, goes, or is doubled. */
static void test_broken_everywhere(void **state)
{
	static const char with[] = "{}[]\",:\\0a \n\x01\xc3";
	kube_pick *some = kube_pick_new(keep);
	char b[2048];
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		size_t n = strlen(texts[i]);
		for (size_t at = 0; at < n; at++) {
			memcpy(b, texts[i], n);
			for (size_t k = 0; k < sizeof with; k++) { /* the NUL too */
				b[at] = with[k];
				same(some, keep, false, b, n);
			}
			memcpy(b, texts[i], n);
			memmove(b + at, b + at + 1, n - at - 1);
			same(some, keep, false, b, n - 1);
			same(some, keep, false, texts[i], at);
			memcpy(b, texts[i], at + 1);
			memcpy(b + at + 1, texts[i] + at, n - at);
			same(some, keep, false, b, n + 1);
		}
	}
	kube_pick_free(some);
}

/* A value made of the tokens that matter to the paths. */
static void put_random(ns_buf *b, int depth)
{
	static const char *const keys[] = {"metadata", "name", "labels", "status", "conditions", "type", "x", "y", "n", "m", "o", "annotations", "a.b/c", "\\u0078", "spec", "nodeName", "object"};
	static const char *const scalars[] = {"1", "-2.5", "\"s\"", "\"\\n\\u00e9 }{][\\\\\"", "true", "null", "9007199254740993", "\"\"", "\"long enough to be more than one block of 16\""};
	uint64_t what = rnd() % 8, n = rnd() % 6;
	if (depth > 6 || what < 2) {
		ns_buf_puts(b, scalars[rnd() % (sizeof scalars / sizeof *scalars)]);
		return;
	}
	ns_buf_putc(b, what < 6 ? '{' : '[');
	for (uint64_t i = 0; i < n; i++) {
		ns_buf_puts(b, i ? "," : rnd() % 4 ? "" : " ");
		if (what < 6)
			ns_buf_printf(b, "\"%s\":", keys[rnd() % (sizeof keys / sizeof *keys)]);
		put_random(b, depth + 1);
	}
	ns_buf_putc(b, what < 6 ? '}' : ']');
}

static void test_at_random(void **state)
{
	kube_pick *some = kube_pick_new(keep);
	ns_buf b = NS_BUF_INIT;
	for (int i = 0; i < 4000; i++) {
		ns_buf_clear(&b);
		put_random(&b, 0);
		same(some, keep, i % 2, b.data, b.len);
		if (b.len < 2)
			continue;
		b.data[rnd() % b.len] = "{}[]\",:\\ 1"[rnd() % 10]; /* mostly broken now */
		same(some, keep, i % 2, b.data, b.len);
	}
	ns_buf_free(&b);
	kube_pick_free(some);
}

static void test_depth(void **state)
{
	kube_pick *some = kube_pick_new(keep);
	for (int n = 120; n < 140; n++)
		for (int kept = 0; kept < 2; kept++) {
			ns_buf b = NS_BUF_INIT;
			ns_buf_puts(&b, kept ? "{\"x\":" : "{\"y\":");
			for (int i = 0; i < n; i++)
				ns_buf_puts(&b, i % 3 ? "[" : "{\"a\":");
			ns_buf_puts(&b, "1");
			for (int i = n - 1; i >= 0; i--)
				ns_buf_puts(&b, i % 3 ? "]" : "}");
			ns_buf_puts(&b, "}");
			same(some, keep, false, b.data, b.len);
			ns_err err = {0};
			kube_pick_pad(&b);
			bool ok = kube_pick_object(some, b.data, b.len, &err) != NULL;
			assert_int_equal(ok, n + 1 <= KUBE_PICK_DEPTH);
			assert_int_equal(err.code, ok ? NS_OK : NS_E_TOOBIG);
			ns_buf_free(&b);
		}
	kube_pick_free(some);
}

static void test_values_are_bounded(void **state)
{
	kube_pick *some = kube_pick_new(keep);
	for (int kept = 0; kept < 2; kept++) {
		ns_err err = {0};
		ns_buf b = NS_BUF_INIT;
		ns_buf_puts(&b, kept ? "{\"x\":[0" : "{\"y\":[0");
		for (unsigned i = 0; i < KUBE_PICK_MAX_NODES; i++)
			ns_buf_puts(&b, ",0");
		ns_buf_puts(&b, "]}");
		kube_pick_pad(&b);
		assert_int_equal(kube_pick_object(some, b.data, b.len, &err) == NULL, kept);
		assert_int_equal(err.code, kept ? NS_E_TOOBIG : NS_OK);
		ns_buf_free(&b);
	}
	same(some, keep, false, texts[0], strlen(texts[0])); /* it goes on after that */
	kube_pick_free(some);
}

/* ---- lists, cut at every byte ---- */

typedef struct taker { kube_pick *pick; ns_buf out; ns_err err; } taker;

static bool take(void *ctx, char *json, size_t n)
{
	taker *t = ctx;
	const cJSON *got = kube_pick_object(t->pick, json, n, &t->err);
	if (!got)
		return false;
	ns_json_canonical(got, &t->out);
	ns_buf_putc(&t->out, '\n');
	return true;
}

/* Items of the list as one text, or "error". */
static char *split_and_pick(kube_pick *p, const char *s, size_t n, size_t first, size_t step)
{
	taker t = {.pick = p};
	kube_split_ops ops = {.item = take, .ctx = &t, .max_item = 1 << 20};
	kube_split *split = kube_split_new(&ops);
	bool ok = kube_split_feed(split, s, first, NULL);
	for (size_t i = first; ok && i < n; i += step)
		ok = kube_split_feed(split, s + i, step < n - i ? step : n - i, NULL);
	cJSON *rest = ok ? kube_split_end(split, NULL) : NULL;
	if (!rest) {
		ns_buf_clear(&t.out);
		ns_buf_puts(&t.out, "error");
	}
	cJSON_Delete(rest);
	kube_split_free(split);
	return ns_buf_steal(&t.out);
}

static char *whole_list(const char *s, size_t n)
{
	ns_buf b = NS_BUF_INIT;
	char *copy = oracle_no_nul(s, n);
	cJSON *list = ns_json_parse(copy, n, &ns_json_api, NULL);
	free(copy);
	if (!cJSON_IsObject(list))
		ns_buf_puts(&b, "error");
	ns_json_each(item, cJSON_IsArray(ns_json_get(list, "items")) ? ns_json_get(list, "items") : NULL)
	{
		char *text = ns_json_text(item);
		cJSON *one = oracle_pick(text, strlen(text), keep, false);
		ns_json_canonical(one, &b);
		ns_buf_putc(&b, '\n');
		cJSON_Delete(one);
		free(text);
	}
	cJSON_Delete(list);
	return ns_buf_steal(&b);
}

static void put_list(ns_buf *b)
{
	ns_buf_puts(b, "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		cJSON *ok = oracle_pick(texts[i], strlen(texts[i]), NULL, false);
		if (ok)
			ns_buf_printf(b, "%s%s", b->data[b->len - 1] == '[' ? "" : ", ", texts[i]);
		cJSON_Delete(ok);
	}
	ns_buf_puts(b, "],\"tail\":[1,{\"items\":[2]}]}");
}

static void test_a_list_cut_at_every_byte(void **state)
{
	kube_pick *p = kube_pick_new(keep);
	ns_buf b = NS_BUF_INIT;
	put_list(&b);
	char *want = whole_list(b.data, b.len);
	for (size_t cut = 0; cut <= b.len; cut++) {
		char *got = split_and_pick(p, b.data, b.len, cut, b.len);
		assert_string_equal(got, want);
		free(got);
	}
	for (size_t step = 1; step < 200; step++) {
		char *got = split_and_pick(p, b.data, b.len, 0, step);
		assert_string_equal(got, want);
		free(got);
	}
	free(want);
	ns_buf_free(&b);
	kube_pick_free(p);
}

/* One byte of the list is another: whatever the chunks, it is an error or the very list that a parser sees. */
static void test_a_broken_list_is_no_other_list(void **state)
{
	static const char with[] = "{}[]\",:\\ x";
	kube_pick *p = kube_pick_new(keep);
	ns_buf b = NS_BUF_INIT;
	put_list(&b);
	for (size_t at = 0; at < b.len; at++)
		for (size_t k = 0; k < sizeof with - 1; k++) {
			char was = b.data[at];
			b.data[at] = with[k];
			char *want = whole_list(b.data, b.len);
			static const size_t steps[] = {1, 7, 64, 1 << 20};
			char *got = split_and_pick(p, b.data, b.len, 0, steps[(at + k) % 4]);
			if (strcmp(got, want) != 0)
				fail_msg("byte %zu as %c: %s\nnot %s", at, with[k], got, want);
			free(got);
			free(want);
			b.data[at] = was;
		}
	ns_buf_free(&b);
	kube_pick_free(p);
}

/* ---- the scans ---- */

static void test_both_scans_agree(void **state)
{
	static const char interesting[] = "{}[]\"\\\x1f\x7f\x80\xff !#Z^;=|z`@";
	char b[64 + KUBE_SCAN_PAD + 1];
	for (int i = 0; i < 20000; i++) {
		uint64_t rare = 1 + rnd() % 40;
		for (size_t k = 0; k < 64; k++)
			b[k] = rnd() % rare ? (char)('a' + rnd() % 26) : rnd() % 3 ? interesting[rnd() % (sizeof interesting - 1)] : (char)rnd();
		memset(b + 64, 0, sizeof b - 64);
		kube_bits x = kube_block(b), y = kube_block_portable(b);
		assert_memory_equal(&x, &y, sizeof x);
		for (size_t from = 0; from < 64; from += 1 + rnd() % 9) {
			const char *stop = kube_plain_end(b + from), *slow = b + from;
			while ((unsigned char)*slow >= 0x20 && (unsigned char)*slow <= 0x7f && *slow != '"' && *slow != '\\')
				slow++;
			assert_ptr_equal(stop, slow);
			assert_ptr_equal(kube_plain_end_portable(b + from), slow);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same_as_parse_then_prune), cmocka_unit_test(test_broken_everywhere),
	    cmocka_unit_test(test_at_random), cmocka_unit_test(test_depth), cmocka_unit_test(test_values_are_bounded),
	    cmocka_unit_test(test_a_list_cut_at_every_byte), cmocka_unit_test(test_a_broken_list_is_no_other_list), cmocka_unit_test(test_both_scans_agree)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
