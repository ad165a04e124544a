/* `gate`: why an incident went the way it did, from the record alone; what would have been otherwise; the table itself. */
#include "support/test.h"

#include <fcntl.h>
#include <unistd.h>

#include "neuroscale/app/app.h"
#include "neuroscale/engine/gate.h"
#include "neuroscale/store/store.h"
#include "neuroscale/sys/fs.h"
#include "support/tmpdir.h"

static const char *const nothing[] = {NULL};

static int64_t incident(ns_store *s, const char *name)
{
	ns_alert a = {.kind = NS_KIND_OOM_KILLED, .target = {"c1", "shop", "Deployment", name, "u"}, .container = "app", .reason = "OOMKilled", .message = "killed",
	    .policy = "", .rule = "", .object_uid = "u"};
	ns_err err = {0};
	int64_t id = 0;
	bool is_new = false;
	if (!ns_store_begin(s, &err) || !ns_store_incident_open(s, &a, &id, &is_new, &err) || !ns_store_commit(s, &err))
		fail_msg("%s", err.text);
	return id;
}

static void put(ns_store *s, int64_t id, const char *name, cJSON *doc)
{
	ns_err err = {0};
	if (!ns_store_begin(s, &err) || !ns_store_fact_put(s, id, name, doc, &err) || !ns_store_commit(s, &err))
		fail_msg("%s", err.text);
	cJSON_Delete(doc);
}

/* A judgement as the engine records it. */
static void put_gate(ns_store *s, int64_t id, const ns_gate_facts *f, const char *way, bool sending)
{
	cJSON *g = cJSON_CreateObject();
	ns_gate_verdict v;
	ns_json_put_str(g, "way", way);
	ns_json_put_bool(g, "sending", sending);
	ns_json_put_bool(g, "approved", sending);
	ns_json_put_bool(g, "sends", ns_gate_may_send(f, sending, &v));
	cJSON_AddItemToObject(g, "facts", ns_gate_facts_to_json(f));
	ns_json_put_str(g, "record", "4 of 4 fixed here");
	put(s, id, "gate", g);
}

/* Runs it with both outputs in a file; the caller frees the text. */
static char *output(const char *dir, const char *const *args, const char *const *set, bool json, int want)
{
	ns_config cfg = {.state_dir = dir, .command = "gate", .args = args, .set = set, .json = json};
	char name[] = "/tmp/ns-gate-XXXXXX";
	int fd = mkstemp(name), out = dup(1), err = dup(2);
	ns_buf text = NS_BUF_INIT;
	while (args[cfg.n_args])
		cfg.n_args++;
	assert_true(fd >= 0);
	fflush(stdout);
	dup2(fd, 1);
	dup2(fd, 2);
	int status = ns_app_gate(&cfg);
	fflush(stdout);
	fflush(stderr);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(fd);
	assert_true(ns_read_file(name, 1 << 20, &text, NULL));
	unlink(name);
	if (status != want)
		fail_msg("status %d, wanted %d: %s", status, want, ns_buf_str(&text));
	return ns_buf_steal(&text);
}

static void has(char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* The outcome of a row in the JSON form. */
static const char *outcome_of(const cJSON *j, const char *condition)
{
	ns_json_each(r, ns_json_get(j, "rows"))
	{
		if (strcmp(ns_json_str(r, "condition", ""), condition) == 0)
			return ns_json_str(r, "outcome", "");
	}
	return "no such row";
}

static cJSON *parsed(char *text)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse(text, strlen(text), &ns_json_strict, &err);
	if (!j)
		fail_msg("%s in %s", err.text, text);
	free(text);
	return j;
}

static void from_scratch(void **state)
{
	static const char *const args[] = {"explain", NULL}, *const set[] = {"confidence=0.7", "four_eyes=true", "plan_risk=high", "yeses=1", NULL};
	char *text = output(*state, args, nothing, false, 0);
	has(text, "decision: it acts alone (0 of ");
	free(text);
	text = output(*state, args, set, false, 0);
	has(text, "NEEDS A PERSON  confidence       law 4         confidence=0.7 (was 1)");
	has(text, "BARS SENDING    four-eyes");
	has(text, "decision: a person is asked (3 of ");
	has(text, "after a yes: it is not sent while these hold: four-eyes");
	free(text);
	cJSON *j = parsed(output(*state, args, set, true, 0));
	assert_string_equal(ns_json_str(j, "way", ""), "ask");
	assert_false(ns_json_bool_or(j, "sent_after_yes", true));
	assert_string_equal(outcome_of(j, "confidence"), "person");
	assert_string_equal(outcome_of(j, "storm"), "pass");
	assert_int_equal(ns_json_len(ns_json_get(j, "rows")), ns_gate_rows());
	cJSON_Delete(j);
}

static void an_incident_from_its_record(void **state)
{
	static const char *const args[] = {"explain", "1", NULL}, *const mended[] = {"freeze=false", "profile=auto", NULL};
	const char *dir = *state;
	ns_clock *clock = ns_clock_manual(INT64_C(1795478400000), 1000);
	ns_store *s = ns_store_open(dir, clock, NULL);
	ns_gate_facts f;
	assert_non_null(s);
	assert_int_equal(incident(s, "cart"), 1);
	ns_gate_best(&f);
	f.freeze = true;
	f.profile = NS_PROFILE_APPROVE;
	put_gate(s, 1, &f, "ask", false);
	f.breaker_target = NS_BREAKER_OPEN;
	put_gate(s, 1, &f, "ask", true);
	ns_store_close(s);

	char *text = output(dir, args, nothing, false, 0);
	has(text, "#1 OOMKilled  shop/cart Deployment, cluster c1  [detected]");
	has(text, "before anybody was asked: ask");
	has(text, "before sending, with a person's yes: refused");
	has(text, "NEEDS A PERSON  freeze           law 4         freeze=true\n");
	has(text, "-> a freeze window is open (law 4)");
	has(text, "4 of 4 fixed here");
	has(text, "NEEDS A PERSON  profile          law 4         profile=approve\n");
	has(text, "BARS SENDING    breaker-target   law 10        breaker_target=open\n");
	has(text, "after a yes: it is not sent while these hold: breaker-target");
	free(text);
	s = ns_store_open(dir, clock, NULL);
	f.breaker_target = NS_BREAKER_CLOSED;
	put_gate(s, 1, &f, "ask", true);
	ns_store_close(s);
	text = output(dir, args, nothing, false, 0);
	has(text, "before sending, with a person's yes: sent");
	free(text);
	s = ns_store_open(dir, clock, NULL);
	f.breaker_target = NS_BREAKER_OPEN;
	put_gate(s, 1, &f, "ask", true);
	ns_store_close(s);
	ns_clock_free(clock);
	cJSON *j = parsed(output(dir, args, mended, true, 0));
	assert_string_equal(outcome_of(j, "freeze"), "pass");
	assert_string_equal(outcome_of(j, "breaker-target"), "sending");
	assert_int_equal(ns_json_len(ns_json_get(j, "judged")), 4);
	cJSON_Delete(j);
	static const char *const all[] = {"freeze=false", "profile=auto", "breaker_target=closed", NULL};
	text = output(dir, args, all, false, 0);
	has(text, "decision: it acts alone (0 of ");
	has(text, "freeze=false (was true)");
	free(text);
}

/* A name is what somebody wrote into a cluster or an alert: it reaches no terminal as it is. */
static void hostile_names_are_cleaned(void **state)
{
	static const char *const args[] = {"explain", "1", NULL};
	const char *dir = *state;
	ns_clock *clock = ns_clock_manual(INT64_C(1795478400000), 1000);
	ns_store *s = ns_store_open(dir, clock, NULL);
	assert_non_null(s);
	assert_int_equal(incident(s, "ca\033[2Jrt\nforged"), 1);
	ns_store_close(s);
	ns_clock_free(clock);
	char *text = output(dir, args, nothing, false, 0);
	has(text, "forged");
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "\nforged"));
	free(text);
}

/* What never came to the gate is told by its documents; what nobody wrote down is not made up. */
static void an_incident_that_the_gate_never_saw(void **state)
{
	static const char *const args[] = {"explain", "1", NULL};
	const char *dir = *state;
	ns_clock *clock = ns_clock_manual(INT64_C(1795478400000), 1000);
	ns_store *s = ns_store_open(dir, clock, NULL);
	assert_int_equal(incident(s, "pay"), 1);
	put(s, 1, "plan", cJSON_Parse("{\"action\":\"manual_review\",\"risk\":\"low\",\"requires_approval\":true}"));
	ns_store_close(s);
	ns_clock_free(clock);
	char *text = output(dir, args, nothing, false, 0);
	has(text, "the gate was not asked");
	has(text, "FORBIDDEN       action           law 2         plan_action=manual_review\n");
	has(text, "not recorded    storm            law 4         storm=?\n");
	has(text, "decision: none, not every fact is on record");
	free(text);
	cJSON *j = parsed(output(dir, args, nothing, true, 0));
	assert_null(ns_json_get(j, "way"));
	assert_string_equal(outcome_of(j, "storm"), "unknown");
	cJSON_Delete(j);
}

static void the_table(void **state)
{
	static const char *const args[] = {"table", NULL};
	char *text = output(*state, args, nothing, false, 0);
	for (size_t i = 0; i < ns_gate_rows(); i++)
		has(text, ns_gate_row(i).words);
	free(text);
	cJSON *j = parsed(output(*state, args, nothing, true, 0));
	assert_int_equal(ns_json_len(j), ns_gate_rows());
	ns_json_each(r, j)
	{
		assert_int_equal(strncmp(ns_json_str(r, "law", ""), "law", 3), 0);
	}
	cJSON_Delete(j);
}

static void what_is_wrong_is_said(void **state)
{
	const struct { const char *args[4], *set[2], *say; int status; } rows[] = {
	    {{"explian"}, {NULL}, "there are explain [ID] and table", 2},
	    {{"explain", "checkout"}, {NULL}, "is no ID", 2},
	    {{"explain", "77"}, {NULL}, "no engine has kept a record", ns_code_lookup(NS_E_NOTFOUND)->exit_status},
	    {{"explain"}, {"confidense=1"}, "did you mean \"confidence\"?", 2},
	    {{"explain"}, {"confidence"}, "it is FACT=VALUE", 2},
	    {{"explain"}, {"profile=yolo"}, "it is one of observe|approve|auto", 2},
	    {{"table", "1"}, {NULL}, "usage: neuroscale-tui gate table", 2},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *text = output(*state, rows[i].args, rows[i].set, false, rows[i].status);
		has(text, rows[i].say);
		free(text);
	}
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, tmpdir_make, tmpdir_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(from_scratch),
	    T(an_incident_from_its_record),
	    T(an_incident_that_the_gate_never_saw),
	    T(hostile_names_are_cleaned),
	    T(the_table),
	    T(what_is_wrong_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
