/* The RCA contract, read strictly: what is a reply, and what is only like one. */
#include "support/test.h"

#include "neuroscale/base/text.h"
#include "neuroscale/llm/reply.h"

#define MEMBERS(CAUSE, CONF, ACTION, RISK, AUTO, WHY) \
	"\"root_cause\":" CAUSE ",\"confidence\":" CONF ",\"action_type\":" ACTION ",\"risk_level\":" RISK ",\"auto_remediate\":" AUTO ",\"reasoning\":" WHY
#define OBJ(CAUSE, CONF, ACTION, RISK, AUTO, WHY) "{" MEMBERS(CAUSE, CONF, ACTION, RISK, AUTO, WHY) "}"
#define WITH_CONF(C)   OBJ("\"a\"", C, "\"rollback\"", "\"low\"", "true", "\"b\"")
#define WITH_ACTION(A) OBJ("\"a\"", "0.9", A, "\"low\"", "true", "\"b\"")
#define WITH_RISK(R)   OBJ("\"a\"", "0.9", "\"rollback\"", R, "true", "\"b\"")
#define WITH_AUTO(A)   OBJ("\"a\"", "0.9", "\"rollback\"", "\"low\"", A, "\"b\"")
#define WITH_CAUSE(C)  OBJ(C, "0.9", "\"rollback\"", "\"low\"", "true", "\"b\"")
#define WITH_WHY(W)    OBJ("\"a\"", "0.9", "\"rollback\"", "\"low\"", "true", W)
#define GOOD           WITH_CONF("0.9")
#define MORE(X)        "{" MEMBERS("\"a\"", "0.9", "\"rollback\"", "\"low\"", "true", "\"b\"") "," X "}"

enum { BAD, ASK, RUN, MAN }; /* invalid; approval; execute; valid and manual review */

static const struct { const char *text; int want; } rows[] = {
    /* forms */
    {GOOD, RUN}, {"  \r\n\t" GOOD "\n\n", RUN}, {"```json\n" GOOD "\n```", RUN}, {"```\n" GOOD "\n```\n", RUN}, {"~~~json\n" GOOD "\n~~~", RUN},
    {"```JSON\r\n" GOOD "\r\n```\r\n", RUN}, {"Here it is:\n```json\n" GOOD "\n```\nGood luck!", RUN}, {"```json " GOOD "```", RUN},
    {"The cause is clear. " GOOD " Thank you.", RUN}, {"<think>let me see</think>\n" GOOD, RUN}, {"Answer [1]: " GOOD, RUN}, {"'" GOOD "'", RUN},
    {"The pod {name} restarts; ${HOME} and {{ .Values.image }} too: " GOOD, RUN}, {GOOD " replace {pod} by its name", RUN},
    {"```bash\nkubectl get pods\n```\n```json\n" GOOD "\n```", RUN}, {"\xEF\xBB\xBF" GOOD, RUN}, {"\xE2\x80\x8B" GOOD, RUN},
    {"{\n\t\"root_cause\" : \"a\" ,\n\"confidence\"\t:\t0.9 , \"action_type\":\"rollback\",\"risk_level\":\"low\",\"auto_remediate\":true,\"reasoning\":\"b\" }", RUN},
    {"", BAD}, {" ", BAD}, {"no JSON here", BAD}, {"{", BAD}, {"}", BAD}, {"{}", BAD}, {"[]", BAD}, {"null", BAD}, {"true", BAD}, {"0.9", BAD}, {"\"x\"", BAD},
    {"[" GOOD "]", BAD}, {"[" GOOD "," GOOD "]", BAD}, {GOOD GOOD, BAD}, {GOOD "\n" GOOD, BAD}, {GOOD "\n{}", BAD}, {"{} " GOOD, BAD},
    {GOOD " {\"done\":true}", BAD}, {"{\"draft\":1} then " GOOD, BAD}, {"```json\n" GOOD "\n```\n```json\n" GOOD "\n```", BAD}, {GOOD "}", BAD},
    {"{" GOOD "}", BAD}, {"{\"rca\":" GOOD "}", BAD}, {"{\"result\":[" GOOD "]}", BAD}, {"````markdown\n```json\n" GOOD "\n```\n````", BAD},
    {"```\n```json\n" GOOD "\n```\n```", BAD}, {"{'root_cause':'a'} " GOOD, BAD}, {"{a: 1} " GOOD, BAD}, {"\"{\\\"root_cause\\\":\\\"a\\\"}\"", BAD},
    {"{\"root_cause\":\"a\",", BAD}, {"{\"root_cause\":\"a\"", BAD}, {"{\"root_cause\":\"a", BAD}, {"Sure! {\"root_cause\": ", BAD},
    /* JSON */
    {MORE(""), BAD}, {"{,\"root_cause\":\"a\"}", BAD}, {MORE("\"x\":NaN"), BAD}, {MORE("\"x\":Infinity"), BAD}, {MORE("\"x\":undefined"), BAD},
    {MORE("\"x\":0x10"), BAD}, {MORE("\"x\":01"), BAD}, {MORE("\"x\":.5"), BAD}, {MORE("\"x\":5."), BAD}, {MORE("\"x\":+5"), BAD}, {MORE("\"x\":1e999"), BAD},
    {MORE("x:1"), BAD}, {MORE("'x':1"), BAD}, {MORE("\"x\":'y'"), BAD}, {MORE("\"x\":True"), BAD}, {MORE("\"x\":None"), BAD}, {MORE("\"x\":\"\t\""), BAD},
    {MORE("\"x\":\"\n\""), BAD}, {MORE("\"x\":\"\\x41\""), BAD}, {MORE("\"x\":\"\\'\""), BAD}, {MORE("\"x\":\"\\u12\""), BAD}, {MORE("\"x\" 1"), BAD},
    {"{\"root_cause\":\"a\" \"confidence\":0.9}", BAD}, {MORE("/* c */\"x\":1"), BAD}, {MORE("\"x\":1 // c\n"), BAD},
    {MORE("\"x\":\"\\ud800\""), BAD}, {MORE("\"x\":\"\\udc00\\ud800\""), BAD}, {MORE("\"x\":\"\\ud83d\\ude00\""), RUN}, {MORE("\"x\":\"\\u0000\""), BAD},
    {MORE("\"\\u0000\":1"), BAD}, {MORE("\"x\":\"\xC0\xAF\""), BAD}, {MORE("\"x\":\"\xED\xA0\x80\""), BAD}, {MORE("\"x\":\"\xF4\x90\x80\x80\""), BAD},
    {"prose \xFF " GOOD, BAD}, {GOOD "\xC3", BAD}, {MORE("\"x\":\"caf\xC3\xA9\""), RUN},
    {MORE("\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"), RUN},
    /* keys */
    {MORE("\"confidence\":0.95"), BAD}, {MORE("\"c\\u006fnfidence\":0.95"), BAD}, {MORE("\"\\u0061uto_remediate\":true"), BAD},
    {MORE("\"x\":{\"y\":1,\"y\":2}"), BAD}, {MORE("\"x\":1,\"x\":1"), BAD}, {MORE("\"Confidence\":0.1"), RUN}, {MORE("\"confidence \":0.1"), RUN},
    {MORE("\"namespace\":\"kube-system\",\"command\":\"kubectl delete ns\""), RUN}, {MORE("\"claims\":7"), RUN}, {MORE("\"__proto__\":{}"), RUN},
    {MORE("\"\":1"), RUN}, {"{\"Root_Cause\":\"a\",\"confidence\":0.9,\"action_type\":\"rollback\",\"risk_level\":\"low\",\"auto_remediate\":true,\"reasoning\":\"b\"}", BAD},
    {"{\"root\\u005fcause\":\"a\",\"confidence\":0.9,\"action_type\":\"rollback\",\"risk_level\":\"low\",\"auto_remediate\":true,\"reasoning\":\"b\"}", RUN},
    {"{\"root\xE2\x80\x8B_cause\":\"a\",\"confidence\":0.9,\"action_type\":\"rollback\",\"risk_level\":\"low\",\"auto_remediate\":true,\"reasoning\":\"b\"}", BAD},
    /* root_cause, reasoning */
    {WITH_CAUSE("\"\""), BAD}, {WITH_CAUSE("\"   \""), BAD}, {WITH_CAUSE("\"\\n\\t\""), BAD}, {WITH_CAUSE("\"\\u200b\\ufeff\""), BAD}, {WITH_CAUSE("null"), BAD},
    {WITH_CAUSE("5"), BAD}, {WITH_CAUSE("[\"a\"]"), BAD}, {WITH_CAUSE("{\"a\":1}"), BAD}, {WITH_CAUSE("true"), BAD}, {WITH_CAUSE("\"a {b} c\""), RUN},
    {WITH_CAUSE("\"a }{ \\\" ``` c\""), RUN}, {WITH_CAUSE("\"\\u001b[2J\""), RUN}, {WITH_CAUSE("\"\xE5\x86\x85\xE5\xAD\x98\""), RUN}, {WITH_WHY("\"\""), RUN},
    {WITH_WHY("null"), BAD}, {WITH_WHY("[]"), BAD}, {WITH_WHY("1"), BAD}, {WITH_WHY("\"auto_remediate: true, risk low, approved by admin\""), RUN},
    /* confidence */
    {WITH_CONF("0"), ASK}, {WITH_CONF("-0"), ASK}, {WITH_CONF("-0.0"), ASK}, {WITH_CONF("1"), RUN}, {WITH_CONF("1.0"), RUN}, {WITH_CONF("1e0"), RUN}, {WITH_CONF("10e-1"), RUN},
    {WITH_CONF("0.75"), ASK}, {WITH_CONF("7.5e-1"), ASK}, {WITH_CONF("0.7500000001"), RUN}, {WITH_CONF("0.7499999999"), ASK}, {WITH_CONF("1e-400"), ASK},
    {WITH_CONF("1.0000001"), BAD}, {WITH_CONF("-0.0000001"), BAD}, {WITH_CONF("-1"), BAD}, {WITH_CONF("2"), BAD}, {WITH_CONF("90"), BAD}, {WITH_CONF("1e1"), BAD},
    {WITH_CONF("99999999999999999999"), BAD}, {WITH_CONF("1e308"), BAD}, {WITH_CONF("1e999"), BAD}, {WITH_CONF("-1e999"), BAD}, {WITH_CONF("NaN"), BAD},
    {WITH_CONF("Infinity"), BAD}, {WITH_CONF("\"0.9\""), BAD}, {WITH_CONF("\"high\""), BAD}, {WITH_CONF("\"90%\""), BAD}, {WITH_CONF("true"), BAD}, {WITH_CONF("null"), BAD},
    {WITH_CONF("[0.9]"), BAD}, {WITH_CONF("{\"value\":0.9}"), BAD}, {WITH_CONF(".9"), BAD}, {WITH_CONF("0,9"), BAD}, {WITH_CONF("00.9"), BAD}, {WITH_CONF("9e-1"), RUN},
    /* action */
    {WITH_ACTION("\"scale\""), RUN}, {WITH_ACTION("\"patch_resources\""), RUN}, {WITH_ACTION("\"policy_exception\""), RUN}, {WITH_ACTION("\"cost_scale_down\""), RUN},
    {WITH_ACTION("\"manual_review\""), MAN}, {WITH_ACTION("\"\\u0072ollback\""), RUN}, {WITH_ACTION("\"Rollback\""), BAD}, {WITH_ACTION("\"ROLLBACK\""), BAD},
    {WITH_ACTION("\"roll_back\""), BAD}, {WITH_ACTION("\"rollback \""), BAD}, {WITH_ACTION("\" rollback\""), BAD}, {WITH_ACTION("\"rollback\\n\""), BAD},
    {WITH_ACTION("\"rollback\\u200b\""), BAD}, {WITH_ACTION("\"r\xD0\xBEllback\""), BAD}, {WITH_ACTION("\"rollback|scale\""), BAD}, {WITH_ACTION("\"rollback,scale\""), BAD},
    {WITH_ACTION("[\"rollback\"]"), BAD}, {WITH_ACTION("1"), BAD}, {WITH_ACTION("null"), BAD}, {WITH_ACTION("\"\""), BAD}, {WITH_ACTION("\"delete_pod\""), BAD},
    {WITH_ACTION("\"kubectl rollout undo\""), BAD}, {WITH_ACTION("\"manual-review\""), BAD}, {WITH_ACTION("\"none\""), BAD}, {WITH_ACTION("{\"type\":\"rollback\"}"), BAD},
    {WITH_ACTION("\"rollback\\u0000\""), BAD},
    /* risk */
    {WITH_RISK("\"medium\""), RUN}, {WITH_RISK("\"high\""), ASK}, {WITH_RISK("\"critical\""), ASK}, {WITH_RISK("\"Low\""), BAD}, {WITH_RISK("\"none\""), BAD}, {WITH_RISK("\"\""), BAD},
    {WITH_RISK("0"), BAD}, {WITH_RISK("null"), BAD}, {WITH_RISK("\"low \""), BAD}, {WITH_RISK("\"l\xC4\xB1w\""), BAD}, {WITH_RISK("\"very low\""), BAD},
    /* auto_remediate */
    {WITH_AUTO("false"), ASK}, {WITH_AUTO("\"true\""), BAD}, {WITH_AUTO("1"), BAD}, {WITH_AUTO("0"), BAD}, {WITH_AUTO("null"), BAD}, {WITH_AUTO("\"yes\""), BAD}, {WITH_AUTO("[]"), BAD},
    {WITH_AUTO("TRUE"), BAD},
};

static int verdict(const char *s, size_t n)
{
	ns_arena *ar = ns_arena_new();
	ns_reply r;
	ns_reply_read(ar, s, n, &r);
	assert_true(*r.reason);
	assert_int_equal(r.may_auto, r.route == NS_ROUTE_EXECUTE);
	int v = !r.valid ? BAD : r.route == NS_ROUTE_EXECUTE ? RUN : r.route == NS_ROUTE_APPROVAL ? ASK : MAN;
	if (v == BAD) {
		assert_int_equal(r.route, NS_ROUTE_MANUAL_REVIEW);
		assert_int_equal(r.action, NS_ACT_MANUAL_REVIEW);
		assert_true(r.confidence == 0 && r.n_claims == 0 && !*r.root_cause);
	}
	char *clean = ns_text_clean_dup(r.reason, 4096); /* it is shown */
	assert_string_equal(clean, r.reason);
	free(clean);
	ns_arena_free(ar);
	return v;
}

static void every_spelling(void **state)
{
	static const char *const names[] = {"invalid", "approval", "execute", "manual"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int v = verdict(rows[i].text, strlen(rows[i].text));
		if (v != rows[i].want)
			fail_msg("%s\n is %s, wanted %s", rows[i].text, names[v], names[rows[i].want]);
	}
}

static void each_missing_member(void **state)
{
	static const char *const members[] = {"\"root_cause\":\"a\"", "\"confidence\":0.9", "\"action_type\":\"rollback\"", "\"risk_level\":\"low\"",
	    "\"auto_remediate\":true", "\"reasoning\":\"b\""};
	for (size_t left_out = 0; left_out <= 6; left_out++) {
		ns_buf b = NS_BUF_INIT;
		for (size_t i = 0; i < 6; i++)
			if (i != left_out)
				ns_buf_printf(&b, "%s%s", b.len ? "," : "{", members[i]);
		ns_buf_putc(&b, '}');
		assert_int_equal(verdict(b.data, b.len), left_out == 6 ? RUN : BAD);
		ns_buf_free(&b);
	}
}

/* No prefix of a reply is a reply; and reading one touches nothing behind it (the sanitizers see). */
static void no_prefix_is_a_reply(void **state)
{
	static const char good[] = "```json\n" GOOD;
	for (size_t n = 0; n < sizeof good - 1; n++) {
		char *exact = malloc(n ? n : 1);
		memcpy(exact, good, n);
		assert_int_equal(verdict(exact, n), BAD);
		free(exact);
	}
	assert_int_equal(verdict(good, sizeof good - 1), RUN);
}

static void a_nul_anywhere(void **state)
{
	static const char tail[] = GOOD "\0", head[] = "\0" GOOD, two[] = GOOD "\0" GOOD;
	assert_int_equal(verdict(tail, sizeof tail - 1), BAD);
	assert_int_equal(verdict(head, sizeof head - 1), BAD);
	assert_int_equal(verdict(two, sizeof two - 1), BAD);
}

static void size_and_depth_bombs(void **state)
{
	static const struct { const char *head, *unit, *tail; size_t count; int want; } bombs[] = {
	    {"{\"x\":\"", "y", "\"," MEMBERS("\"a\"", "0.9", "\"rollback\"", "\"low\"", "true", "\"b\"") "}", 60000, RUN},
	    {"{\"x\":\"", "y", "\"," MEMBERS("\"a\"", "0.9", "\"rollback\"", "\"low\"", "true", "\"b\"") "}", 1 << 20, BAD},
	    {"", "{", "", 65000, BAD}, {"", "{\"a\":", "", 12000, BAD}, {"", "[", "", 65000, BAD}, {"", "}", "", 65000, BAD}, {"", "\"", "", 65000, BAD},
	    {"{\"x\":", "[", "", 65000, BAD}, {"", "{x} ", GOOD, 10000, RUN}, {"", "```\n", GOOD, 10000, RUN}, {"", "\\", "", 65000, BAD},
	    {"{\"x\":\"", "\\u00e9", "\"}", 10000, BAD}, {"", " ", "", 65536, BAD}, {"", "{}", "", 30000, BAD},
	    {"{\"confidence\":", "9", "}", 60000, BAD}, {"{\"confidence\":0.", "9", "}", 60000, BAD},
	};
	for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
		ns_buf b = NS_BUF_INIT;
		ns_buf_puts(&b, bombs[i].head);
		for (size_t k = 0; k < bombs[i].count; k++)
			ns_buf_puts(&b, bombs[i].unit);
		ns_buf_puts(&b, bombs[i].tail);
		int v = verdict(b.data, b.len);
		if (v != bombs[i].want)
			fail_msg("%zu times \"%s\": %d", bombs[i].count, bombs[i].unit, v);
		ns_buf_free(&b);
	}
}

static void claims_are_read_whole_or_not_at_all(void **state)
{
	static const struct { const char *list; size_t n; } lists[] = {{"[{\"text\":\"t\",\"evidence\":[\"E1\",\"E2\"]}]", 1}, {"[]", 0}, {"[{\"text\":\"t\"}]", 0},
	    {"[{\"text\":1,\"evidence\":[]}]", 0}, {"[{\"text\":\"t\",\"evidence\":[\"E1\"]},{\"text\":\"t\",\"evidence\":[1]}]", 0}, {"\"x\"", 0}, {"null", 0}};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		ns_arena *ar = ns_arena_new();
		ns_reply r;
		char *text = ns_arena_printf(ar, "{%s,\"claims\":%s}", MEMBERS("\"a\"", "0.9", "\"scale\"", "\"low\"", "true", "\"b\""), lists[i].list);
		ns_reply_read(ar, text, strlen(text), &r);
		assert_true(r.valid);
		assert_int_equal(r.n_claims, lists[i].n);
		if (r.n_claims)
			assert_string_equal(r.claims[0].evidence[1], "E2");
		ns_arena_free(ar);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_spelling),
	    cmocka_unit_test(each_missing_member),
	    cmocka_unit_test(no_prefix_is_a_reply),
	    cmocka_unit_test(a_nul_anywhere),
	    cmocka_unit_test(size_and_depth_bombs),
	    cmocka_unit_test(claims_are_read_whole_or_not_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
