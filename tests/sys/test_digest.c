/* Known answers for everything that decides by digest or token. */
#include "support/test.h"

#include "neuroscale/sys/digest.h"

static void sha256_known_answers(void **state)
{
	char out[NS_HEX256];
	ns_sha256_hex("", 0, out);
	assert_string_equal(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	ns_sha256_hex("abc", 3, out);
	assert_string_equal(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, test cases 1 and 2. */
static void hmac_known_answers(void **state)
{
	char out[NS_HEX256], key[20];
	memset(key, 0x0b, sizeof key);
	ns_hmac_sha256_hex(key, sizeof key, "Hi There", 8, out);
	assert_string_equal(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	ns_hmac_sha256_hex("Jefe", 4, "what do ya want for nothing?", 28, out);
	assert_string_equal(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	ns_hmac_sha256_hex("", 0, "", 0, out);
	assert_string_equal(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void digest_of(char out[NS_HEX256], const char *const *pairs)
{
	ns_digest *d = ns_digest_new();
	for (; *pairs; pairs += 2)
		ns_digest_field(d, pairs[0], pairs[1]);
	ns_digest_finish(d, out);
}

static void fields_cannot_run_into_each_other(void **state)
{
	static const char *const rows[][6] = {
	    {"a", "bc", NULL},
	    {"ab", "c", NULL},
	    {"a", "b", "c", "", NULL},
	    {"a", "", NULL},
	    {"a", NULL, NULL}, /* absent is not empty; the NULL value ends nothing */
	    {"a", "1:b,", NULL},
	    {"a", "-,", NULL},
	};
	char out[7][NS_HEX256], again[NS_HEX256];
	for (size_t i = 0; i < 7; i++) {
		digest_of(out[i], rows[i]);
		digest_of(again, rows[i]);
		assert_string_equal(out[i], again);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(out[i], out[j]);
	}
}

/* Stored digests must mean the same in the next version. */
static void the_encoding_is_stable(void **state)
{
	char out[NS_HEX256], plain[NS_HEX256];
	static const char *const pairs[] = {"uid", "8f14", "body", "", NULL};
	digest_of(out, pairs);
	ns_sha256_hex("3:uid,4:8f14,4:body,0:,", 23, plain);
	assert_string_equal(out, plain);
}

static void random_is_hex_and_differs(void **state)
{
	char a[102], b[102];
	ns_random_hex(a, 101);
	ns_random_hex(b, 101);
	assert_int_equal(strlen(a), 101);
	assert_int_equal(strspn(a, "0123456789abcdef"), 101);
	assert_string_not_equal(a, b);
	ns_random_hex(a, 0);
	assert_string_equal(a, "");
	assert_true(ns_random_u64() != ns_random_u64());
}

static void base64_known_answers(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"}, {"\xff\xfe\xfd", "//79"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_buf b = NS_BUF_INIT;
		ns_base64_encode(rows[i].plain, strlen(rows[i].plain), &b);
		assert_string_equal(ns_buf_str(&b), rows[i].coded);
		ns_buf_clear(&b);
		assert_true(ns_base64_decode(rows[i].coded, strlen(rows[i].coded), &b));
		assert_string_equal(ns_buf_str(&b), rows[i].plain);
		ns_buf_free(&b);
	}
}

static void base64_of_all_bytes_comes_back(void **state)
{
	unsigned char all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	for (size_t n = 250; n <= 256; n++) {
		ns_buf coded = NS_BUF_INIT, back = NS_BUF_INIT;
		ns_base64_encode(all, n, &coded);
		assert_true(ns_base64_decode(coded.data, coded.len, &back));
		assert_int_equal(back.len, n);
		assert_memory_equal(back.data, all, n);
		ns_buf_free(&coded);
		ns_buf_free(&back);
	}
}

static void base64_ignores_white_space_only(void **state)
{
	ns_buf b = NS_BUF_INIT;
	assert_true(ns_base64_decode(" Zm9v\r\n YmFy\n", 13, &b));
	assert_string_equal(b.data, "foobar");
	static const char *const bad[] = {
	    "Z", "Zg", "Zg=", "Zg===", "Zg==Zg==", "Zg=a", "====", "Zm9v====", "Zm9v!", "Zm-_", "=Zm9", "Zm9v="};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_false(ns_base64_decode(bad[i], strlen(bad[i]), &b));
		assert_string_equal(b.data, "foobar"); /* what was there stays, nothing is added */
		assert_int_equal(b.len, 6);
	}
	ns_buf_free(&b);
}

static void tokens_compare(void **state)
{
	assert_true(ns_const_time_eq("", ""));
	assert_true(ns_const_time_eq("abc", "abc"));
	assert_false(ns_const_time_eq("abc", "abd"));
	assert_false(ns_const_time_eq("abc", "ab"));
	assert_false(ns_const_time_eq("ab", "abc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_known_answers),
	    cmocka_unit_test(hmac_known_answers),
	    cmocka_unit_test(fields_cannot_run_into_each_other),
	    cmocka_unit_test(the_encoding_is_stable),
	    cmocka_unit_test(random_is_hex_and_differs),
	    cmocka_unit_test(base64_known_answers),
	    cmocka_unit_test(base64_of_all_bytes_comes_back),
	    cmocka_unit_test(base64_ignores_white_space_only),
	    cmocka_unit_test(tokens_compare),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
