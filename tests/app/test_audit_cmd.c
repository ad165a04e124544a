/* `audit`: the record proven where it is and where it was taken to, with all that can be done to either. */
#include "neuroscale/base/text.h"
#include "run_cmd.h"
#include "store/fixture.h"

static const char *const none[] = {NULL}, *const verify[] = {"verify", NULL}, *const export[] = {"export", NULL};
enum { BROKEN = 8 }; /* malformed */

/* Rows 1..8: incident 1 has the odd ones, incident 2 the others. heads[i]: the head after row i. */
static void fill(fixture *f, char heads[9][NS_HEX256])
{
	static const char *const names[] = {"web", "api"};
	int64_t id[2];
	memcpy(heads[0], ns_audit_genesis, NS_HEX256);
	for (int i = 0; i < 2; i++)
		id[i] = open_incident(f, names[i]);
	for (int i = 1; i <= 8; i++) {
		cJSON *who = cJSON_CreateObject(), *detail = cJSON_CreateObject();
		ns_json_put_int(who, "uid", 1000);
		ns_json_put_num(detail, "share", 0.1 * i);
		ns_json_put_str(detail, "note", i % 2 ? "odd \xe2\x80\x94 \"quoted\"" : "even");
		ns_clock_advance(f->clock, 86400000);
		ns_audit_entry e = {.actor = "uid 1000 (kim)", .action = "step", .incident = id[(i + 1) % 2], .who = who, .detail = i == 5 ? NULL : detail, .digest = i > 3 ? DIGEST_A : "",
		    .before = who};
		TX(f, ns_store_fact_put(f->s, e.incident, "alert", who, &f->err));
		TX(f, ns_store_audit(f->s, &e, heads[i], NULL, &f->err));
		cJSON_Delete(who);
		cJSON_Delete(detail);
	}
}

static ns_config config(const fixture *f)
{
	return (ns_config){.state_dir = f->dir, .command = "audit", .anchors = none, .set = none, .head = "", .since = ""};
}

static char *run(const ns_config *c, const char *const *args, int want)
{
	return cmd_output(ns_app_audit, c, args, want);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* An exported file, line by line; what is left out is NULL. */
typedef struct lines {
	char *text, *line[32];
	size_t n;
} lines;

static lines split(char *text)
{
	lines l = {.text = text};
	for (char *save = NULL, *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		l.line[l.n++] = p;
	return l;
}

static void join(const lines *l, const char *path)
{
	ns_buf b = NS_BUF_INIT;
	for (size_t i = 0; i < l->n; i++)
		if (l->line[i])
			ns_buf_printf(&b, "%s\n", l->line[i]);
	write_text(path, ns_buf_str(&b));
	ns_buf_free(&b);
}

static void the_record_is_proven(void **state)
{
	fixture *f = *state;
	char heads[9][NS_HEX256];
	ns_config c = config(f);
	fill(f, heads);
	char *text = run(&c, verify, 0);
	assert_non_null(strstr(text, "audit record whole: 8 rows, head "));
	assert_non_null(strstr(text, heads[8]));
	cmd_says(text, "8 recorded facts are as the rows say; no --anchor was given");
	c.json = true;
	cmd_says(run(&c, verify, 0), "\"whole\":true,\"rows\":8,");
	raw_sql(f, "DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'uid 0 (root)' WHERE seq = 4");
	c.json = false;
	cmd_says(run(&c, verify, BROKEN), "audit row 4 does not match its hash: its content was changed after it was written");
	c.json = true;
	cmd_says(run(&c, verify, BROKEN), "\"whole\":false,\"error\":\"audit row 4 ");
	cmd_says(run(&c, export, BROKEN), "audit row 4 does not match its hash; all rows were written out");
}

/* A line as syslog has it, whatever the daemon puts in front. */
static char *log_line(const char *hash, int seq, const char *dir)
{
	return ns_xasprintf("Nov 24 03:00:00 bastion neuroscale-tui[77]: neuroscale-tui audit anchor %s@%d periodic; in %s\n", hash, seq, dir);
}

static void anchors_come_from_arguments_and_from_logs(void **state)
{
	fixture *f = *state;
	char heads[9][NS_HEX256];
	fill(f, heads);
	char *at3 = ns_xasprintf("%s@3", heads[3]), *wrong = ns_xasprintf("%s@4", heads[3]), *beyond = ns_xasprintf("%s@9", heads[8]), *log = ns_path_join(f->dir, "auth.log");
	const struct { const char *anchor; int status; const char *says; } rows[] = {
	    {at3, 0, "1 anchors agree, the latest at row 3"}, {heads[7], 0, "the latest at row 7"}, {wrong, BROKEN, "audit row 4 is not the one that was anchored"},
	    {beyond, BROKEN, "the audit ends at row 8, before the anchored row 9"}, {DIGEST_A, BROKEN, "cut off, or it was made anew"}, {log, 0, "2 anchors agree, the latest at row 8"},
	    {"/nonexistent/log", ns_code_lookup(NS_E_NOTFOUND)->exit_status, "neither HASH@ROW nor a file"}, {"abc@7", ns_code_lookup(NS_E_NOTFOUND)->exit_status, "neither"}};
	char *a = log_line(heads[2], 2, f->dir), *b = log_line(DIGEST_A, 5, "/var/lib/another"), *d = log_line(heads[8], 8, f->dir);
	char *text = ns_xasprintf("something kim@bastion else\n%s%s%s", a, b, d);
	write_text(log, text);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *const list[] = {rows[i].anchor, NULL};
		ns_config c = config(f);
		c.anchors = list;
		cmd_says(run(&c, verify, rows[i].status), rows[i].says);
	}
	const char *const list[] = {log, NULL};
	ns_config c = config(f);
	c.anchors = list;
	c.json = true;
	cmd_says(run(&c, verify, 0), "\"anchors\":2,\"anchors_of_others\":1,\"anchored\":8");
	write_text(log, b);
	cmd_says(run(&c, verify, ns_code_lookup(NS_E_NOTFOUND)->exit_status), "has 1 anchors and none of them is of ");
	write_text(log, "nothing here\n");
	cmd_says(run(&c, verify, ns_code_lookup(NS_E_NOTFOUND)->exit_status), "has no anchor");
	char *typed = ns_xasprintf("x neuroscale-tui audit anchor %s@6 incident 1 rejected %s@1; in /elsewhere by uid 1000 (kim); in %s\n", heads[5], heads[1], f->dir);
	write_text(log, typed); /* a reason cannot make its own anchor somebody else's, or another one */
	cmd_says(run(&c, verify, BROKEN), "audit row 6 is not the one that was anchored");
	free(typed);
	char *e = log_line(heads[5], 6, f->dir);
	write_text(log, e);
	cmd_says(run(&c, verify, BROKEN), "audit row 6 is not the one that was anchored");
	char *const all[] = {at3, wrong, beyond, log, a, b, d, e, text};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		free(all[i]);
}

static void an_export_is_proven_without_the_store(void **state)
{
	fixture *f = *state;
	char heads[9][NS_HEX256], *path = ns_path_join(f->dir, "export.jsonl");
	const char *const file[] = {"verify", path, NULL};
	ns_config c = config(f), plain = config(f);
	fill(f, heads);
	c.json = true;
	char *text = run(&c, export, 0);
	write_text(path, text);
	cmd_says(run(&plain, file, 0), "exported audit whole: rows 1 to 8, 8 shown, 0 by their digest, 0 taken as given");
	assert_non_null(strstr(text, "\"note\":\"even\""));
	cmd_says(text, "\"who\":{\"uid\":1000}");
	cmd_says(run(&plain, export, 0), "uid 1000 (kim)");

	/* What can be done to it. */
	static const struct { const char *what, *says; } ways[] = {
	    {"edit", "line 3: audit row 3 does not match its digest"}, {"relabel", "line 3: audit row 3 does not match its hash"}, {"remove", "audit row 3 is missing: row 4 follows row 2"},
	    {"reorder", "audit row 3 is missing: row 4 follows row 2"}, {"hide", "line 4: audit row 4 does not match its hash"}, {"behead", "does not say what was before it"},
	    {"garbage", "line 3: "}};
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		lines l = split(run(&c, export, 0));
		char *line = l.line[2], *p;
		if (strcmp(ways[i].what, "edit") == 0) {
			p = strstr(line, "\"actor\":\"uid 1000");
			assert_non_null(p);
			p[16] = '2'; /* "uid 1000" is "uid 1200" or so: another person */
		} else if (strcmp(ways[i].what, "relabel") == 0) {
			p = strstr(line, "\"hash\":\"");
			p[8] = p[8] == 'a' ? 'b' : 'a';
		} else if (strcmp(ways[i].what, "remove") == 0) {
			l.line[2] = NULL;
		} else if (strcmp(ways[i].what, "reorder") == 0) {
			l.line[2] = l.line[3];
			l.line[3] = line;
		} else if (strcmp(ways[i].what, "hide") == 0) { /* a made-up row by its hash alone */
			l.line[2] = ns_arena_printf(f->ar, "{\"seq\":3,\"hash\":\"%s\"}", DIGEST_A);
		} else if (strcmp(ways[i].what, "behead") == 0) {
			l.line[0] = l.line[1] = NULL;
		} else {
			l.line[2][5] = '\x01';
		}
		join(&l, path);
		cmd_says(run(&plain, file, BROKEN), ways[i].says);
		free(l.text);
	}
	lines l = split(run(&c, export, 0)); /* its end cut off: only an anchor tells */
	l.line[7] = NULL;
	join(&l, path);
	free(l.text);
	cmd_says(run(&plain, file, 0), "rows 1 to 7");
	const char *const anchors[] = {heads[8], NULL};
	plain.anchors = anchors;
	cmd_says(run(&plain, file, BROKEN), "ends at row 7");
	free(path);
}

static void what_is_left_out_still_carries_the_chain(void **state)
{
	fixture *f = *state;
	char heads[9][NS_HEX256], *path = ns_path_join(f->dir, "export.jsonl");
	const char *const file[] = {"verify", path, NULL};
	ns_config c = config(f), plain = config(f);
	fill(f, heads);
	c.json = true;
	c.incident = 2;
	char *text = run(&c, export, 0);
	assert_null(strstr(text, "odd"));
	write_text(path, text);
	free(text);
	cmd_says(run(&plain, file, 0), "rows 2 to 8, 4 shown, 3 by their digest, 0 taken as given");
	c.incident = 0;
	c.since = "2026-09-26";
	text = run(&c, export, 0);
	assert_non_null(strstr(text, heads[4])); /* what was before its first row, 5 */
	write_text(path, text);
	free(text);
	const char *const anchors[] = {heads[8], NULL};
	plain.anchors = anchors;
	char *said = run(&plain, file, 0);
	assert_non_null(strstr(said, heads[8]));
	cmd_says(said, "rows 5 to 8, 4 shown");
	plain.json = true;
	cmd_says(run(&plain, file, 0), "\"anchored\":8");
	free(path);
}

/* What today's redaction knows for a secret and yesterday's did not; and rows of the first form. */
static void nothing_secret_leaves_and_nothing_is_vouched_for_unseen(void **state)
{
	fixture *f = *state;
	char hash[NS_HEX256], prev[NS_HEX256], *path = ns_path_join(f->dir, "export.jsonl");
	const char *const file[] = {"verify", path, NULL};
	ns_config c = config(f), plain = config(f);
	static const char secret[] = "{\"note\":\"PASSWORD=hunter2secret\"}";
	memcpy(prev, ns_audit_genesis, sizeof prev);
	for (int i = 1; i <= 4; i++) {
		ns_audit_row r = {.seq = i, .at_ms = WALL0, .incident = i % 2, .actor = "engine", .action = "step", .detail = i == 3 ? secret : NULL, .who = i > 2 ? "{}" : NULL};
		ns_audit_row_hash(prev, &r, hash);
		memcpy(prev, hash, sizeof prev);
		char *sql = ns_xasprintf("INSERT INTO audit (seq, at_ms, actor, action, incident, detail, who, hash) VALUES (%d, %lld, 'engine', 'step', %d, %s%s%s, %s, '%s')", i,
		    (long long)WALL0, i % 2, i == 3 ? "'" : "", i == 3 ? secret : "NULL", i == 3 ? "'" : "", i > 2 ? "'{}'" : "NULL", hash);
		raw_sql(f, sql);
		free(sql);
	}
	c.json = true;
	char *text = run(&c, export, 0);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "\"redacted\":true"));
	write_text(path, text);
	free(text);
	cmd_says(run(&plain, file, 0), "rows 1 to 4, 3 shown, 1 by their digest, 0 taken as given");
	c.incident = 1;
	text = run(&c, export, 0);
	write_text(path, text);
	free(text);
	cmd_says(run(&plain, file, 0), "rows 1 to 4, 1 shown, 2 by their digest, 1 taken as given");
	free(path);
}

static void what_does_not_go_together_is_said(void **state)
{
	fixture *f = *state;
	static const char *const other[] = {"prove", NULL}, *const more[] = {"export", "x", NULL}, *const anchors[] = {DIGEST_A, NULL};
	int usage = ns_code_lookup(NS_E_USAGE)->exit_status;
	ns_config c = config(f);
	cmd_says(run(&c, other, usage), "there are verify [FILE] and export");
	cmd_says(run(&c, more, usage), "usage: neuroscale-tui audit export");
	c.since = "yesterday";
	cmd_says(run(&c, export, usage), "--since yesterday is no day");
	cmd_says(run(&c, verify, usage), "--since and --incident are for audit export");
	c.since = "";
	c.anchors = anchors;
	cmd_says(run(&c, export, usage), "usage");
	c.anchors = none;
	c.head = "abc";
	cmd_says(run(&c, verify, usage), "--head abc is no hash");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup_store, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_record_is_proven),
	    T(anchors_come_from_arguments_and_from_logs),
	    T(an_export_is_proven_without_the_store),
	    T(what_is_left_out_still_carries_the_chain),
	    T(nothing_secret_leaves_and_nothing_is_vouched_for_unseen),
	    T(what_does_not_go_together_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
