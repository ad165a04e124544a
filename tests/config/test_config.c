/* Options: who wins, what is refused and in which words, and that the man page says what the tables say. */
#include "neuroscale/config/config.h"
#include "support/test.h"
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_ARGS = 16 };
static char dir[64];

static const char *put(const char *name, const char *text)
{
	static char path[256];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

/* The words after the program's name, split at spaces. */
static ns_config *load(const char *line, ns_err *err)
{
	char copy[512], program[] = "neuroscale-tui", *argv[MAX_ARGS + 2] = {program}, *save = NULL;
	int argc = 1;
	snprintf(copy, sizeof copy, "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w && argc < MAX_ARGS; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	*err = (ns_err){0};
	return ns_config_load(argc, argv, err);
}

static ns_config *loads(const char *line)
{
	ns_err err;
	ns_config *c = load(line, &err);
	if (!c)
		fail_msg("%s: %s", line, err.text);
	return c;
}

static void refuses(const char *line, ns_code code, const char *text)
{
	ns_err err;
	ns_config *c = load(line, &err);
	if (c)
		fail_msg("\"%s\" was taken", line);
	if (err.code != code || strcmp(err.text, text) != 0)
		fail_msg("\"%s\" gave\n  %d %s\nand not\n  %d %s", line, (int)err.code, err.text, (int)code, text);
}

static int clean_environment(void **state)
{
	static const char *const names[] = {
	    "NEUROSCALE_PROFILE", "NEUROSCALE_CONTEXT", "NEUROSCALE_SCALE_MAX", "NEUROSCALE_HEADLESS", "NO_COLOR", "XDG_STATE_HOME"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unsetenv(names[i]);
	setenv("HOME", dir, 1);
	setenv("XDG_CONFIG_HOME", dir, 1); /* the user's file: DIR/neuroscale-tui/config.yaml */
	char path[128];
	snprintf(path, sizeof path, "%s/neuroscale-tui/config.yaml", dir);
	unlink(path);
	return 0;
}

static void defaults(void **state)
{
	ns_config *c = loads("");
	char want[128];
	snprintf(want, sizeof want, "%s/.local/state/neuroscale-tui", dir);
	assert_string_equal(c->state_dir, want);
	assert_string_equal(c->command, "");
	assert_int_equal(c->profile, NS_PROFILE_APPROVE);
	assert_int_equal(c->approval_timeout_ms, 300000);
	assert_int_equal(c->exception_ttl_ms, 24 * 3600000);
	assert_true(c->mem_factor == 2 && c->cost_ratio == 1.3 && c->cost_min_per_day == 5);
	assert_int_equal(c->mem_cap, 8LL << 30);
	assert_string_equal(c->allowed_actions[0], "rollback");
	assert_null(c->allowed_actions[5]);
	assert_null(c->protected_ns[0]);
	assert_true(ns_config_is_default(c, "state-dir"));
	assert_false(c->headless || c->json || c->freeze);
	ns_config_free(c);
}

static void every_default_is_a_value_it_would_take(void **state)
{
	for (const ns_option *o = ns_options; o->name; o++) {
		const char *where = !o->commands ? "incidents" : o->commands; /* "" the console */
		char line[512], command[32];
		snprintf(command, sizeof command, "%.*s", (int)strcspn(where, " "), where);
		int n = snprintf(line, sizeof line, "--%s=%s %s", o->name, o->dflt, command);
		for (const ns_command_info *k = ns_commands; k->name; k++)
			for (size_t i = 0; strcmp(k->name, command) == 0 && i < k->min_args; i++)
				n += snprintf(line + n, sizeof line - (size_t)n, " 1");
		ns_config_free(loads(line));
	}
}

static void the_command_line_wins_over_environment_over_file(void **state)
{
	char sub[128];
	snprintf(sub, sizeof sub, "%s/neuroscale-tui", dir);
	mkdir(sub, 0700);
	put("neuroscale-tui/config.yaml", "profile: observe\ncontext: from-file\nscale-max: 3\n");
	ns_config *c = loads("");
	assert_int_equal(c->profile, NS_PROFILE_OBSERVE);
	assert_string_equal(c->context, "from-file");
	assert_int_equal(c->scale_max, 3);
	assert_false(ns_config_is_default(c, "profile"));
	ns_config_free(c);

	setenv("NEUROSCALE_PROFILE", "auto", 1);
	setenv("NEUROSCALE_SCALE_MAX", "4", 1);
	c = loads("--scale-max 5");
	assert_int_equal(c->profile, NS_PROFILE_AUTO);
	assert_string_equal(c->context, "from-file");
	assert_int_equal(c->scale_max, 5);
	ns_buf dump = NS_BUF_INIT;
	ns_config_dump(c, &dump);
	assert_non_null(strstr(ns_buf_str(&dump), "scale-max: 5  # command line\n"));
	assert_non_null(strstr(ns_buf_str(&dump), "profile: auto  # NEUROSCALE_PROFILE\n"));
	assert_non_null(strstr(ns_buf_str(&dump), "/neuroscale-tui/config.yaml:2:1\n"));
	ns_buf_free(&dump);
	ns_config_free(c);
}

static void another_file_replaces_the_usual_one(void **state)
{
	char line[300];
	snprintf(line, sizeof line, "-c %s",
	    put("other.yaml", "protected-namespaces: [prod, billing]\nfreeze: true\nmemory-cap: 1Gi\nopencost: http://cost:9003\n"));
	ns_config *c = loads(line);
	assert_string_equal(c->protected_ns[1], "billing");
	assert_null(c->protected_ns[2]);
	assert_true(c->freeze);
	assert_int_equal(c->mem_cap, 1 << 30);
	assert_string_equal(c->opencost_url, "http://cost:9003");
	ns_config_free(c);
	refuses("-c /nonexistent/x.yaml", NS_E_NOTFOUND, "open /nonexistent/x.yaml: No such file or directory");
}

static void no_color_is_heard(void **state)
{
	setenv("NO_COLOR", "1", 1);
	ns_config *c = loads("");
	assert_true(c->no_color);
	ns_config_free(c);
}

static void ways_to_write_a_flag(void **state)
{
	ns_config *c = loads("-p observe --state-dir=/s --headless --log-format json");
	assert_int_equal(c->profile, NS_PROFILE_OBSERVE);
	assert_string_equal(c->state_dir, "/s");
	assert_true(c->headless);
	assert_int_equal(c->log_format, NS_LOG_JSON);
	ns_config_free(c);
	c = loads("-pauto -s /t approve 12 -d 0123456789 --json --reason=because");
	assert_int_equal(c->profile, NS_PROFILE_AUTO);
	assert_string_equal(c->command, "approve");
	assert_int_equal(c->n_args, 1);
	assert_string_equal(c->args[0], "12");
	assert_string_equal(c->digest, "0123456789");
	assert_string_equal(c->reason, "because");
	assert_true(c->json);
	ns_config_free(c);
	c = loads("gate explain --set confidence=0.9 --set=profile=auto,storm=true --profile observe --profile auto");
	assert_string_equal(c->set[0], "confidence=0.9"); /* a list may be given piece by piece */
	assert_string_equal(c->set[1], "profile=auto");
	assert_string_equal(c->set[2], "storm=true");
	assert_null(c->set[3]);
	assert_int_equal(c->profile, NS_PROFILE_AUTO); /* of anything else the last counts */
	ns_config_free(c);
	c = loads("reject -- -5");
	assert_string_equal(c->args[0], "-5");
	ns_config_free(c);
	c = loads("--freeze=false --cooldown 2h --cost-every 90 --target-cooldown 1d");
	assert_false(c->freeze);
	assert_int_equal(c->cooldown_ms, 7200000);
	assert_int_equal(c->cost_every_ms, 90000);
	assert_int_equal(c->target_cooldown_ms, 86400000);
	ns_config_free(c);
}

static void unknown_names_offer_the_nearest(void **state)
{
	refuses("--stat-dir /x", NS_E_USAGE, "unknown option --stat-dir, did you mean --state-dir?");
	refuses("--kubeconfg=/secret/path", NS_E_USAGE, "unknown option --kubeconfg, did you mean --kubeconfig?");
	refuses("--zzzzzzzzzzz", NS_E_USAGE, "unknown option --zzzzzzzzzzz; --help lists them");
	refuses("-x", NS_E_USAGE, "unknown option -x; --help lists them");
	refuses("aprove 1", NS_E_USAGE, "unknown command \"aprove\", did you mean \"approve\"?");
	refuses("approval", NS_E_USAGE, "unknown command \"approval\", did you mean \"approvals\"?");
	refuses("frobnicate", NS_E_USAGE, "unknown command \"frobnicate\"; --help lists them");
	refuses("headless", NS_E_USAGE, "unknown command \"headless\"; --help lists them");
}

static void bad_values_are_one_clear_line(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {
	    {"--profile yolo", "command line: \"yolo\" is no value for profile: it must be one of observe|approve|auto"},
	    {"--profile appr", "command line: \"appr\" is no value for profile: it must be one of observe|approve|auto"},
	    {"--scale-max 0", "command line: \"0\" is no value for scale-max: it must be a whole number in 1..1000"},
	    {"--scale-max 2.5", "command line: \"2.5\" is no value for scale-max: it must be a whole number in 1..1000"},
	    {"--scale-max 99999999999999999999",
	        "command line: \"99999999999999999999\" is no value for scale-max: it must be a whole number in 1..1000"},
	    {"--actions-per-hour 0", "command line: \"0\" is no value for actions-per-hour: it must be a whole number in 1..1000"},
	    {"--memory-factor nan", "command line: \"nan\" is no value for memory-factor: it must be a number in 1.1..4"},
	    {"--memory-factor 1.0", "command line: \"1.0\" is no value for memory-factor: it must be a number in 1.1..4"},
	    {"--memory-factor 2x", "command line: \"2x\" is no value for memory-factor: it must be a number in 1.1..4"},
	    {"--cost-min -1", "command line: \"-1\" is no value for cost-min: it must be a number in 0..1e9"},
	    {"--memory-cap lots", "command line: \"lots\" is no value for memory-cap: it must be a size such as 512Mi"},
	    {"--cooldown soon", "command line: \"soon\" is no value for cooldown: it must be a time such as 90s, 5m or 2h, in 1s..30d"},
	    {"--cooldown 5y", "command line: \"5y\" is no value for cooldown: it must be a time such as 90s, 5m or 2h, in 1s..30d"},
	    {"--approval-timeout 0",
	        "command line: \"0\" is no value for approval-timeout: it must be a time such as 90s, 5m or 2h, in 1s..7d"},
	    {"--exception-ttl 30m",
	        "command line: \"30m\" is no value for exception-ttl: it must be a time such as 90s, 5m or 2h, in 1h..30d"},
	    {"--freeze=yes", "command line: \"yes\" is no value for freeze: it must be true or false"},
	    {"--state-dir", "--state-dir needs a value: --state-dir DIR"},
	    {"-p", "--profile needs a value: --profile PROFILE"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		refuses(rows[i].line, NS_E_USAGE, rows[i].text);
	setenv("NEUROSCALE_PROFILE", "max", 1);
	refuses("", NS_E_USAGE, "NEUROSCALE_PROFILE: \"max\" is no value for profile: it must be one of observe|approve|auto");
}

static void files_are_judged_with_their_line(void **state)
{
	static const struct {
		const char *text, *says;
		ns_code code;
	} rows[] = {
	    {"profile: observe\nscale-mx: 3\n", ":2:1: unknown option \"scale-mx\", did you mean \"scale-max\"?", NS_E_USAGE},
	    {"# first\n\nqqqqqqqqqqqq: 3\n", ":3:1: unknown option \"qqqqqqqqqqqq\"; `neuroscale-tui --help` lists them", NS_E_USAGE},
	    {"cost-ratio: 2\nscale-max: many\n", ":2:1: \"many\" is no value for scale-max: it must be a whole number in 1..1000",
	        NS_E_USAGE},
	    {"headless: true\n", ":1:1: \"headless\" goes on the command line, not into a file", NS_E_USAGE},
	    {"digest: abc\n", ":1:1: \"digest\" goes on the command line, not into a file", NS_E_USAGE},
	    {"profile: [auto]\n", ":1:1: profile must be one value", NS_E_USAGE},
	    {"context: {name: x}\n", ":1:1: context must be one value", NS_E_USAGE},
	    {"protected-namespaces: [prod-*]\n", ":1:1: \"prod-*\" is no value for protected-namespaces: it must be names of namespaces, joined by commas", NS_E_USAGE},
    {"protected-namespaces: [a, {b: c}]\n", ":1:1: protected-namespaces must be a list of words without commas", NS_E_USAGE},
	    {"- profile\n", ": it must be a list of \"option: value\" lines", NS_E_INVALID},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char line[300], want[500];
		const char *path = put("bad.yaml", rows[i].text);
		snprintf(line, sizeof line, "-c %s", path);
		snprintf(want, sizeof want, "%s%s", path, rows[i].says);
		refuses(line, rows[i].code, want);
	}
}

static void yaml_errors_name_the_line(void **state)
{
	static const struct {
		const char *text, *where;
	} rows[] = {
	    {"profile: observe\ncontext: \"open\n", ":"},
	    {"profile: observe\n  context: x\n", ":2"},
	    {"profile: auto\nprofile: observe\n", ":2"},
	    {"a: &x 1\nb: *x\n", ":"},
	    {"profile: observe\n\tcontext: x\n", ":2"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char line[300], want[300];
		ns_err err;
		const char *path = put("bad.yaml", rows[i].text);
		snprintf(line, sizeof line, "-c %s", path);
		snprintf(want, sizeof want, "%s%s", path, rows[i].where);
		assert_null(load(line, &err));
		if (!strstr(err.text, want) || (err.code != NS_E_INVALID && err.code != NS_E_UNSUPPORTED))
			fail_msg("%d %s", (int)err.code, err.text);
	}
}

static void empty_files_and_empty_values_change_nothing(void **state)
{
	char line[300];
	snprintf(line, sizeof line, "-c %s", put("empty.yaml", "# nothing\n"));
	ns_config_free(loads(line));
	/* Law 2: a blank behind a comma must not leave a namespace open. */
	snprintf(line, sizeof line, "-c %s", put("blanks.yaml", "protected-namespaces: ' prod, billing ,, shop'\n"));
	ns_config *b = loads(line);
	assert_string_equal(b->protected_ns[0], "prod");
	assert_string_equal(b->protected_ns[1], "billing");
	assert_string_equal(b->protected_ns[2], "shop");
	assert_null(b->protected_ns[3]);
	ns_config_free(b);
	snprintf(line, sizeof line, "-c %s", put("empty.yaml", "kubectl:\nprotected-namespaces: []\n"));
	ns_config *c = loads(line);
	assert_string_equal(c->kubectl, "");
	assert_null(c->protected_ns[0]);
	ns_config_free(c);
}

static void options_of_commands_stay_there(void **state)
{
	refuses("incidents --digest 12345678", NS_E_USAGE, "--digest does not go with incidents; `neuroscale-tui --help` says where");
	refuses("--digest 12345678", NS_E_USAGE, "--digest does not go with the console; `neuroscale-tui --help` says where");
	refuses("approvals --reason x", NS_E_USAGE, "--reason does not go with approvals; `neuroscale-tui --help` says where");
	refuses("demo --headless", NS_E_USAGE, "--headless does not go with demo");
	refuses("demo --listen 127.0.0.1:1", NS_E_USAGE, "--listen does not go with demo; `neuroscale-tui --help` says where");
	refuses("approve", NS_E_USAGE, "usage: neuroscale-tui approve ID");
	refuses("approve 1 2", NS_E_USAGE, "usage: neuroscale-tui approve ID");
	refuses("incidents 3", NS_E_USAGE, "usage: neuroscale-tui incidents");
	refuses("audit", NS_E_USAGE, "usage: neuroscale-tui audit WHAT [FILE]");
	ns_config_free(loads("sim --listen 127.0.0.1:0 --scenario oom-simple --rate 5"));
	ns_config_free(loads("approve --help"));
}

static void no_home_no_state_dir(void **state)
{
	unsetenv("HOME");
	unsetenv("XDG_CONFIG_HOME");
	ns_err err;
	ns_config *c = load("-s /x", &err);
	assert_non_null(c);
	ns_config_free(c);
	c = load("", &err);
	if (c) /* the password database may know a home */
		ns_config_free(c);
	else
		assert_string_equal(err.text, "neither XDG_STATE_HOME nor HOME is set: name a directory with --state-dir");
}

static void the_dump_is_a_file_that_loads(void **state)
{
	ns_config *c =
	    loads("--context a\"b --cluster c\\d --profile auto --cooldown 1500ms --memory-cap 300Mi --protected-namespaces x,y");
	ns_buf dump = NS_BUF_INIT, again = NS_BUF_INIT;
	ns_config_dump(c, &dump);
	char line[300];
	snprintf(line, sizeof line, "-c %s", put("dump.yaml", ns_buf_str(&dump)));
	ns_config *d = loads(line);
	assert_string_equal(d->context, c->context);
	assert_string_equal(d->cluster, c->cluster);
	assert_int_equal(d->cooldown_ms, 1500);
	assert_int_equal(d->mem_cap, c->mem_cap);
	assert_string_equal(d->protected_ns[1], "y");
	ns_config_dump(d, &again);
	/* the values are the same, only their origin differs */
	const char *p = ns_buf_str(&dump), *q = ns_buf_str(&again);
	for (; *p && *q; p += strcspn(p, "\n") + 1, q += strcspn(q, "\n") + 1) {
		size_t n = (size_t)(strstr(p, "  # ") - p);
		assert_memory_equal(p, q, n);
	}
	ns_buf_free(&dump);
	ns_buf_free(&again);
	ns_config_free(c);
	ns_config_free(d);
}

static void help_names_everything(void **state)
{
	ns_buf all = NS_BUF_INIT;
	ns_config_help(&all, "");
	for (const ns_command_info *k = ns_commands; k->name; k++) {
		ns_buf one = NS_BUF_INIT;
		char head[80];
		assert_non_null(strstr(ns_buf_str(&all), k->help));
		ns_config_help(&one, k->name);
		snprintf(head, sizeof head, "neuroscale-tui %s", k->name);
		assert_memory_equal(ns_buf_str(&one), head, strlen(head));
		ns_buf_puts(&all, ns_buf_str(&one));
		ns_buf_free(&one);
	}
	for (const ns_option *o = ns_options; o->name; o++) {
		char flag[64];
		snprintf(flag, sizeof flag, "--%s", o->name);
		if (!strstr(ns_buf_str(&all), flag))
			fail_msg("%s is in no help", flag);
	}
	ns_buf_clear(&all);
	ns_config_help(&all, "approvals");
	assert_null(strstr(ns_buf_str(&all), "--digest")); /* that is of approve */
	ns_buf_free(&all);
}

static void option_names_are_unique(void **state)
{
	for (const ns_option *o = ns_options; o->name; o++)
		for (const ns_option *k = o + 1; k->name; k++) {
			assert_string_not_equal(o->name, k->name);
			assert_false(o->letter && o->letter == k->letter);
			assert_int_not_equal(o->offset, k->offset);
		}
}

/* ---- the man page ---- */

static char *man_section(const char *begin, const char *end)
{
	FILE *f = fopen("man/neuroscale-tui.1", "r");
	if (!f)
		return NULL; /* run from somewhere else */
	static char text[65536];
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	char *b = strstr(text, begin), *e = strstr(text, end);
	assert_non_null(b);
	assert_non_null(e);
	*e = '\0';
	return b + strlen(begin);
}

static void the_man_page_lists_the_options(void **state)
{
	ns_buf want = NS_BUF_INIT;
	char *is = man_section(".\\\" begin options\n", ".\\\" end options\n");
	if (!is)
		skip();
	ns_config_man(&want);
	assert_string_equal(is, ns_buf_str(&want));
	ns_buf_free(&want);
}

static void the_man_page_lists_the_commands(void **state)
{
	char *is = man_section(".Sh COMMANDS\n", ".Sh OPTIONS\n");
	if (!is)
		skip();
	for (const ns_command_info *k = ns_commands; k->name; k++) {
		char row[64];
		snprintf(row, sizeof row, ".It Ic %s%s%s\n", k->name, !k->args[0] ? "" : strcmp(k->args, "verify") ? " Ar " : " ", k->args);
		if (strncmp(k->args, "WHAT", 4) == 0) /* of sub-commands each has a line */
			snprintf(row, sizeof row, ".It Ic %s ", k->name);
		if (!strstr(is, row))
			fail_msg("man page: no line %s", row);
	}
}

static void the_man_page_lists_every_exit_status(void **state)
{
	ns_buf want = NS_BUF_INIT;
	char *is = man_section(".\\\" begin exit status\n", ".\\\" end exit status\n");
	if (!is)
		skip();
	ns_buf_puts(&want, ".Bl -tag -width Ds\n");
	for (int status = 0; status < 256; status++)
		for (int i = 0; i < NS_CODE_COUNT; i++) {
			const ns_code_info *k = ns_code_lookup((ns_code)i);
			if (k->exit_status == status)
				ns_buf_printf(&want, ".It %d\n%c%s.\n", status, k->words[0] - 32, k->words + 1);
		}
	ns_buf_puts(&want, ".El\n");
	assert_string_equal(is, ns_buf_str(&want));
	ns_buf_free(&want);
}

int main(void)
{
	snprintf(dir, sizeof dir, "/tmp/ns-config-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(defaults, clean_environment),
	    cmocka_unit_test_setup(every_default_is_a_value_it_would_take, clean_environment),
	    cmocka_unit_test_setup(the_command_line_wins_over_environment_over_file, clean_environment),
	    cmocka_unit_test_setup(another_file_replaces_the_usual_one, clean_environment),
	    cmocka_unit_test_setup(no_color_is_heard, clean_environment),
	    cmocka_unit_test_setup(ways_to_write_a_flag, clean_environment),
	    cmocka_unit_test_setup(unknown_names_offer_the_nearest, clean_environment),
	    cmocka_unit_test_setup(bad_values_are_one_clear_line, clean_environment),
	    cmocka_unit_test_setup(files_are_judged_with_their_line, clean_environment),
	    cmocka_unit_test_setup(yaml_errors_name_the_line, clean_environment),
	    cmocka_unit_test_setup(empty_files_and_empty_values_change_nothing, clean_environment),
	    cmocka_unit_test_setup(options_of_commands_stay_there, clean_environment),
	    cmocka_unit_test_setup(no_home_no_state_dir, clean_environment),
	    cmocka_unit_test_setup(the_dump_is_a_file_that_loads, clean_environment),
	    cmocka_unit_test(help_names_everything),
	    cmocka_unit_test(option_names_are_unique),
	    cmocka_unit_test(the_man_page_lists_the_options),
	    cmocka_unit_test(the_man_page_lists_the_commands),
	    cmocka_unit_test(the_man_page_lists_every_exit_status),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	char rm[96];
	static const char *const left[] = {
	    "other.yaml", "bad.yaml", "empty.yaml", "dump.yaml", "neuroscale-tui/config.yaml", "neuroscale-tui", ""};
	for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
		snprintf(rm, sizeof rm, "%s/%s", dir, left[i]);
		remove(rm);
	}
	return failed;
}
