/* A whole session of a small cluster, recorded as requests and answers: list in three pages, watch, an expired version in between. The connection is
 * cut at every byte of every answer, and each time the history of each object must come out exactly: nothing missing, nothing twice. */
#include "kube/watch_rig.h"

#include <curl/curl.h>

/* ---- the cluster: a history of changes; version V is the state after change V ---- */

typedef struct change { const char *type, *name; } change;
static const change history[] = {{"ADDED", "a"}, {"ADDED", "b"}, {"ADDED", "c"}, {"ADDED", "d"}, {"ADDED", "e"}, /* before the list: 1..5 */
    {"MODIFIED", "a"}, {"ADDED", "f"}, {"DELETED", "b"}, {"BOOKMARK", ""}, {"MODIFIED", "f"}, {"ADDED", "b"}, {"DELETED", "f"}, {"MODIFIED", "e"}};
enum { N_HISTORY = sizeof history / sizeof *history, LISTED = 5, PAGE = 2 };

/* The state at a version: for each name a..f the version of its object, 0 none. */
static void state_at(int version, int state[6])
{
	memset(state, 0, 6 * sizeof *state);
	for (int i = 0; i < version; i++)
		if (*history[i].name)
			state[history[i].name[0] - 'a'] = strcmp(history[i].type, "DELETED") == 0 ? 0 : i + 1;
}

static void put_object(ns_buf *b, int name, int version)
{
	ns_buf_printf(b, "{\"metadata\":{\"name\":\"%c\",\"uid\":\"u-%c\",\"resourceVersion\":\"%d\",\"annotations\":{\"x\":\"\\u00e9\xc3\xa9{[\\\"\"}}}", 'a' + name, 'a' + name, version);
}

static void put_page(ns_buf *body, int version, int page)
{
	int state[6], seen = 0;
	state_at(version, state);
	ns_buf_puts(body, "{\"kind\":\"PodList\",\"items\":[");
	int put = 0;
	bool more = false;
	for (int i = 0; i < 6; i++) {
		if (!state[i])
			continue;
		if (seen / PAGE == page) {
			ns_buf_puts(body, put++ ? "," : "");
			put_object(body, i, state[i]);
		}
		more |= seen++ / PAGE > page;
	}
	ns_buf_printf(body, "],\"metadata\":{\"resourceVersion\":\"%d\"", version);
	if (more)
		ns_buf_printf(body, ",\"continue\":\"v%d-p%d\"", version, page + 1);
	ns_buf_puts(body, "}}");
}

static void put_event(ns_buf *b, int i)
{
	ns_buf e = NS_BUF_INIT;
	ns_buf_printf(&e, "{\"type\":\"%s\",\"object\":", history[i].type);
	if (*history[i].name)
		put_object(&e, history[i].name[0] - 'a', i + 1);
	else
		ns_buf_printf(&e, "{\"metadata\":{\"resourceVersion\":\"%d\"}}", i + 1);
	ns_buf_puts(&e, "}\n");
	/* Chunks that do not end with the events. */
	size_t half = e.len / 2;
	ns_buf_printf(b, "%zx\r\n%.*s\r\n%zx\r\n%s\r\n", half, (int)half, e.data, e.len - half, e.data + half);
	ns_buf_free(&e);
}

/* ---- the server: its n-th answer is cut after so many bytes ---- */

typedef struct session {
	int cut_answer;       /* which one, -1 none */
	size_t cut_at;
	bool compacted;       /* the first watch from the first list's version is refused as too old */
	int list_version;     /* of lists from now on */
	atomic_int answers;
	size_t length[16];    /* of each answer of a session without a cut */
} session;

/* False when it was cut. */
static bool say(session *x, int fd, const ns_buf *b)
{
	int nth = atomic_fetch_add(&x->answers, 1);
	if (nth < 16)
		x->length[nth] = b->len;
	bool cut = nth == x->cut_answer;
	script_send(fd, b->data, cut && x->cut_at < b->len ? x->cut_at : b->len);
	return !cut;
}

static bool handle(script_server *s, int fd, const char *method, const char *target, const char *head, const char *body)
{
	session *x = s->ctx;
	ns_buf b = NS_BUF_INIT, text = NS_BUF_INIT;
	bool hold = false, on = false;
	const char *token = strstr(target, "continue=v"), *from = strstr(target, "resourceVersion=");
	if (!strstr(target, "watch=1")) {
		int version = token ? atoi(token + 10) : x->list_version, page = token ? atoi(strchr(token, 'p') + 1) : 0;
		put_page(&text, version, page);
		ns_buf_printf(&b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", text.len, text.data);
		on = say(x, fd, &b);
	} else if (x->compacted && atoi(from + 16) < 8) {
		x->list_version = 8; /* what was listed is too old: the new list is of version 8 */
		ns_buf_puts(&text, "{\"kind\":\"Status\",\"message\":\"too old resource version\",\"reason\":\"Expired\",\"code\":410}");
		ns_buf_printf(&b, "HTTP/1.1 410 Gone\r\nContent-Length: %zu\r\n\r\n%s", text.len, text.data);
		on = say(x, fd, &b);
	} else {
		ns_buf_puts(&b, SCRIPT_STREAM_HEAD);
		for (int i = atoi(from + 16); i < N_HISTORY; i++)
			put_event(&b, i);
		hold = say(x, fd, &b);
	}
	ns_buf_free(&b);
	ns_buf_free(&text);
	if (hold)
		script_hold(s, fd);
	return on;
}

/* ---- a store as any owner keeps it, and the history of each object as it was told ---- */

typedef struct store {
	rig *r;
	int have[6], fresh[6]; /* version held; of the list that is under way */
	bool replacing;
	char log[6][128];      /* "+1 ~6 -8" */
	int twice;             /* told again outside of a list */
	int last;
} store;

static void note(store *st, int i, char what, int version)
{
	size_t n = strlen(st->log[i]);
	snprintf(st->log[i] + n, sizeof st->log[i] - n, "%c%d ", what, version);
}

static void on_event(void *ctx, size_t row, ns_watch_type type, const cJSON *obj, const ns_err *why)
{
	store *st = ctx;
	const char *name = ns_json_str(obj, "metadata.name", "");
	int v = atoi(ns_json_str(obj, "metadata.resourceVersion", "0")), i = *name - 'a';
	if (type == NS_WATCH_REPLACE_BEGIN) {
		st->replacing = true;
		memset(st->fresh, 0, sizeof st->fresh);
	} else if (type == NS_WATCH_REPLACE_END) {
		for (int k = 0; k < 6; k++)
			if (st->have[k] && !st->fresh[k]) {
				note(st, k, '-', 0);
				st->have[k] = 0;
			}
		st->replacing = false;
	} else if (type == NS_WATCH_ADDED || type == NS_WATCH_MODIFIED) {
		st->fresh[i] = v;
		if (st->have[i] == v)
			st->twice += !st->replacing;
		else
			note(st, i, st->have[i] ? '~' : '+', v);
		st->have[i] = v;
	} else if (type == NS_WATCH_DELETED) {
		note(st, i, '-', v);
		st->have[i] = 0;
	}
	if (obj && !st->replacing)
		st->last = v;
	if (st->last == N_HISTORY)
		ns_cancel_fire(st->r->cancel);
}

static const ns_watch_row pods[] = {{.name = "pods", .path = "/api/v1/pods", .query = ""}};

static void play(script_server *s, session *x, store *st)
{
	rig r = {.rows = pods, .n_rows = 1, .on_event = on_event, .ctx = st};
	*st = (store){.r = &r};
	x->list_version = LISTED;
	atomic_store(&x->answers, 0);
	rig_run(&r, s);
}

static void expect(const store *st, const session *x, const char *what)
{
	int now[6];
	state_at(N_HISTORY, now);
	/* a: listed at 1, changed at 6. b: 2, gone at 8, back at 11. f: 7, 10, gone at 12. e: 5, changed at 13. */
	static const char *const plain[6] = {"+1 ~6 ", "+2 -8 +11 ", "+3 ", "+4 ", "+5 ~13 ", "+7 ~10 -12 "};
	/* Listed anew at 8: b is gone without a word of its own, a and f come with that list. */
	static const char *const anew[6] = {"+1 ~6 ", "+2 -0 +11 ", "+3 ", "+4 ", "+5 ~13 ", "+7 ~10 -12 "};
	for (int i = 0; i < 6; i++) {
		if (strcmp(st->log[i], (x->compacted ? anew : plain)[i]) != 0 || st->have[i] != now[i])
			fail_msg("%s: object %c: \"%s\", holds %d", what, 'a' + i, st->log[i], st->have[i]);
	}
	if (st->twice)
		fail_msg("%s: %d events twice", what, st->twice);
}

static void cut_everywhere(session *x)
{
	script_server s;
	store st;
	size_t length[16], cuts = 0;
	script_start(&s, handle, x);
	x->cut_answer = -1;
	play(&s, x, &st);
	expect(&st, x, "without a cut");
	int n = atomic_load(&x->answers);
	memcpy(length, x->length, sizeof length);
	assert_true(n >= 4 && n < 16);
	/* A sanitizer build takes some of the bytes to stay within its time. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	size_t step = 11;
#else
	size_t step = 1;
#endif
	for (int a = 0; a < n; a++)
		for (size_t at = 0; at <= length[a]; at += step, cuts++) {
			char what[64];
			snprintf(what, sizeof what, "answer %d cut at byte %zu of %zu", a, at, length[a]);
			x->cut_answer = a;
			x->cut_at = at;
			play(&s, x, &st);
			expect(&st, x, what);
		}
	print_message("# %d answers, %zu cuts\n", n, cuts);
	script_stop(&s);
}

static void test_cut_at_every_byte_of_list_and_watch(void **state)
{
	session x = {0};
	cut_everywhere(&x);
}

static void test_cut_at_every_byte_with_a_relist_in_between(void **state)
{
	session x = {.compacted = true};
	cut_everywhere(&x);
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cut_at_every_byte_of_list_and_watch),
	    cmocka_unit_test(test_cut_at_every_byte_with_a_relist_in_between),
	};
	return cmocka_run_group_tests(tests, kc_setup, kc_teardown);
}
