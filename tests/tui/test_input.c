/* Bytes to keys: what terminals send, whole, in pieces and by mistake. */
#include "../../src/tui/input.h"
#include "support/test.h"

typedef struct typist {
	ns_input in;
	ns_key out[NS_INPUT_MAX];
	size_t n;
	int64_t now;
} typist;

static void send(typist *t, const char *bytes, size_t n)
{
	t->n = ns_input_feed(&t->in, (const unsigned char *)bytes, n, t->now, t->out);
}
#define SEND(T, LITERAL) send((T), (LITERAL), sizeof(LITERAL) - 1)

static void known_sequences(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t key;
	} rows[] = {{"\033[A", NS_KEY_UP}, {"\033OB", NS_KEY_DOWN}, {"\033[5~", NS_KEY_PGUP}, {"\033[6~", NS_KEY_PGDN},
	    {"\033[1~", NS_KEY_HOME}, {"\033OF", NS_KEY_END}, {"\033[Z", NS_KEY_BACKTAB}, {"\r", NS_KEY_ENTER}, {"\n", NS_KEY_ENTER},
	    {"\b", NS_KEY_BACKSPACE}, {"\177", NS_KEY_BACKSPACE}, {"a", 'a'}, {"\003", 3}, {"\xc3\xa9", 0xE9}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		typist t = {.now = 100};
		send(&t, rows[i].bytes, strlen(rows[i].bytes));
		assert_int_equal(t.n, 1);
		assert_int_equal(t.out[0].key, rows[i].key);
		assert_false(t.out[0].burst);
		/* the same, a byte at a time on a slow link */
		typist s = {.now = 100};
		for (const char *c = rows[i].bytes; *c; c++) {
			send(&s, c, 1);
			s.now += 20;
		}
		assert_int_equal(s.n, 1);
		assert_int_equal(s.out[0].key, rows[i].key);
	}
}

static void a_lone_escape_is_a_key_soon(void **state)
{
	typist t = {.now = 100};
	SEND(&t, "\033");
	assert_int_equal(t.n, 0);
	assert_int_equal(ns_input_deadline(&t.in), 150);
	assert_int_equal(ns_input_idle(&t.in, 149, t.out), 0);
	assert_int_equal(ns_input_idle(&t.in, 150, t.out), 1);
	assert_int_equal(t.out[0].key, NS_KEY_ESC);
	assert_int_equal(ns_input_deadline(&t.in), -1);
	/* and at once when another key follows */
	SEND(&t, "\033q");
	assert_int_equal(t.n, 2);
	assert_int_equal(t.out[0].key, NS_KEY_ESC);
	assert_int_equal(t.out[1].key, 'q');
}

static void a_torn_sequence_is_dropped(void **state)
{
	typist t = {.now = 100};
	SEND(&t, "\033[");
	assert_int_equal(ns_input_deadline(&t.in), 400);
	assert_int_equal(ns_input_idle(&t.in, 400, t.out), 0);
	t.now = 500;
	SEND(&t, "A");
	assert_int_equal(t.n, 1);
	assert_int_equal(t.out[0].key, 'A');
}

/* Answers to questions nobody asked: none of their bytes is a key. */
static void replies_are_swallowed(void **state)
{
	static const char *const replies[] = {"\033]11;rgb:1a1a/2b2b/3c3c\007", "\033]11;rgb:1a1a/2b2b/3c3c\033\\", "\033[?62;1;6;22c",
	    "\033[24;80R", "\033P>|tmux 3.4\033\\", "\033_Gi=31;OK\033\\", "\033[<0;10;20M", "\033[I", "\033[[A", "\033[1;5C", "\033Op"};
	for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
		typist t = {.now = 100};
		size_t total = 0;
		for (const char *c = replies[i]; *c; c++) {
			send(&t, c, 1);
			total += t.n;
		}
		assert_int_equal(total, 0);
		SEND(&t, "j");
		assert_int_equal(t.n, 1);
		assert_int_equal(t.out[0].key, 'j');
	}
}

static void an_endless_reply_ends(void **state)
{
	typist t = {.now = 100};
	SEND(&t, "\033]11;rgb:");
	assert_int_equal(ns_input_idle(&t.in, 2100, t.out), 0);
	t.now = 2200;
	SEND(&t, "j");
	assert_int_equal(t.n, 1);
}

static void a_paste_is_one_event(void **state)
{
	typist t = {.now = 100};
	SEND(&t, "\033[200~ay\r\033[Aq\033[201~j");
	assert_int_equal(t.n, 2);
	assert_int_equal(t.out[0].key, NS_KEY_PASTE);
	assert_string_equal(t.in.text, "ay\rq");
	assert_int_equal(t.out[1].key, 'j');
}

static void a_paste_without_its_end_ends(void **state)
{
	typist t = {.now = 100};
	SEND(&t, "\033[200~ayay");
	assert_int_equal(t.n, 0);
	assert_int_equal(ns_input_idle(&t.in, 2100, t.out), 1);
	assert_int_equal(t.out[0].key, NS_KEY_PASTE);
	t.now = 2200;
	SEND(&t, "j");
	assert_int_equal(t.out[0].key, 'j');
}

static void many_different_letters_at_once_are_a_burst(void **state)
{
	typist t = {.now = 100};
	SEND(&t, "kubectl apply");
	for (size_t i = 0; i < t.n; i++)
		assert_true(t.out[i].burst);
	SEND(&t, "jjjjjjjjjjjj"); /* a key that repeats on a slow link */
	for (size_t i = 0; i < t.n; i++)
		assert_false(t.out[i].burst);
	SEND(&t, "\033[B\033[B\033[B\033[B");
	assert_int_equal(t.n, 4);
	assert_false(t.out[0].burst);
	SEND(&t, "ayq"); /* short: a fast typist */
	assert_false(t.out[0].burst);
	SEND(&t, "]11;rgb:1a1a/2b2b"); /* a reply whose ESC came alone before */
	assert_true(t.out[0].burst);
}

static void any_bytes_at_all(void **state)
{
	typist t = {.now = 100};
	uint64_t seed = 42;
	for (int i = 0; i < 200000; i++) {
		char bytes[NS_INPUT_MAX];
		size_t n = 1 + (size_t)(seed >> 33) % 40;
		for (size_t k = 0; k < n; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			static const char likely[] = "\033[]OP~;?200~201~\\\007";
			unsigned r = (unsigned)(seed >> 40);
			bytes[k] = r % 3 ? likely[(r >> 8) % (sizeof likely - 1)] : (char)(r >> 8);
		}
		send(&t, bytes, n);
		assert_in_range(t.n, 0, n + 1);
		t.now += (int64_t)(seed >> 60) * 40;
		ns_input_idle(&t.in, t.now, t.out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_sequences),
	    cmocka_unit_test(a_lone_escape_is_a_key_soon),
	    cmocka_unit_test(a_torn_sequence_is_dropped),
	    cmocka_unit_test(replies_are_swallowed),
	    cmocka_unit_test(an_endless_reply_ends),
	    cmocka_unit_test(a_paste_is_one_event),
	    cmocka_unit_test(a_paste_without_its_end_ends),
	    cmocka_unit_test(many_different_letters_at_once_are_a_burst),
	    cmocka_unit_test(any_bytes_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
