/* Themes: what ships, what inherits, what is wrong and still usable. */
#include "neuroscale/config/theme.h"
#include "support/test.h"
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/ns-theme-XXXXXX";

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

static void shipped_themes_are_clean(void **state)
{
	ns_buf names = NS_BUF_INIT;
	int n = 0;
	ns_theme_list(&names);
	for (char *save = NULL, *one = strtok_r(names.data, "\n", &save); one; one = strtok_r(NULL, "\n", &save), n++) {
		ns_theme t;
		ns_err err = {0};
		if (!ns_theme_load(one, &t, &err))
			fail_msg("%s: %s", one, err.text);
		assert_string_equal(t.name, one);
		for (int r = 0; r < NS_ROLE_COLOR_COUNT; r++) {
			assert_in_range(t.style[r].fg + 1, 0, 16);
			assert_in_range(t.style[r].bg + 1, 0, 16);
		}
		/* Without colours, what must be told apart still is. */
		assert_int_not_equal(t.style[NS_ROLE_SEV_CRIT].mono, t.style[NS_ROLE_TEXT].mono);
		assert_int_not_equal(t.style[NS_ROLE_SEV_CRIT].mono, t.style[NS_ROLE_SEV_WARN].mono);
		assert_int_not_equal(t.style[NS_ROLE_SELECTION].mono, t.style[NS_ROLE_TEXT].mono);
		assert_int_not_equal(t.style[NS_ROLE_STATE_FAIL].mono, t.style[NS_ROLE_STATE_OK].mono);
		assert_int_not_equal(t.style[NS_ROLE_BORDER_FOCUS].mono, t.style[NS_ROLE_BORDER].mono);
		assert_int_not_equal(
		    t.style[NS_ROLE_DIFF_ADD].mono == t.style[NS_ROLE_DIFF_DEL].mono && t.style[NS_ROLE_DIFF_DEL].mono == 0, 1);
	}
	assert_true(n >= 2);
	ns_buf_free(&names);
}

static void null_is_default(void **state)
{
	ns_theme t;
	assert_true(ns_theme_load(NULL, &t, NULL));
	assert_string_equal(t.name, "default");
	assert_false(t.unicode);
	assert_int_equal(t.style[NS_ROLE_SEV_CRIT].fg, 1);
	assert_int_equal(t.style[NS_ROLE_SEV_CRIT].attr, NS_ATTR_BOLD);
}

static void a_family_colours_its_members(void **state)
{
	ns_theme t;
	ns_err err = {0};
	const char *path = put("family.yaml",
	    "name: family\nglyphs: unicode\nroles:\n  state: {fg: blue, fg256: 33}\n  state.fail: {fg: brightred, attr: bold}\n");
	if (!ns_theme_load(path, &t, &err))
		fail_msg("%s", err.text);
	assert_true(t.unicode);
	assert_int_equal(t.style[NS_ROLE_STATE_OK].fg, 4);
	assert_int_equal(t.style[NS_ROLE_STATE_OK].fg256, 33);
	assert_int_equal(t.style[NS_ROLE_STATE_FAIL].fg, 9);
	assert_int_equal(t.style[NS_ROLE_STATE_FAIL].fg256, -1);
	assert_int_equal(t.style[NS_ROLE_STATE_FAIL].mono, NS_ATTR_BOLD); /* no mono: its attributes serve */
	assert_int_equal(t.style[NS_ROLE_SEV_CRIT].fg, 1);                /* not named: built in */
}

static void inherits_and_overrides(void **state)
{
	ns_theme t, light;
	const char *path = put("mine.yaml", "name: mine\ninherits: light\nroles:\n  graph: {fg: 5}\n");
	assert_true(ns_theme_load("light", &light, NULL));
	assert_true(ns_theme_load(path, &t, NULL));
	assert_string_equal(t.name, "mine");
	assert_int_equal(t.style[NS_ROLE_GRAPH].fg, 5);
	assert_int_equal(t.style[NS_ROLE_TITLE].fg, light.style[NS_ROLE_TITLE].fg);
}

static void faults_name_their_line_and_leave_a_theme(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"name: x\nroles:\n  sev.crit: {fg: rde}\n", ":3: sev.crit: no such colour, did you mean red"},
	    {"name: x\nroles:\n  text: {fg: red}\n  sev.crti: {fg: red}\n", ":4: sev.crti: no such role, did you mean sev.crit"},
	    {"name: x\nroles:\n  sev.crit: {attr: [bld]}\n", "did you mean bold"},
	    {"name: x\nroles:\n  sev.crit: {fg256: 256}\n", ":3: sev.crit: fg256 and bg256 are 0 to 255"},
	    {"name: x\ncolours: {}\n", ":2: colours: a theme has name, inherits, glyphs and roles"},
	    {"name: x\nglyphs: emoji\n", ":2: glyphs: glyphs are ascii or unicode"},
	    {"name: x\nroles: [a]\n", ":2: roles: roles is a mapping"},
	    {"name: [unclosed\n", "faulty.yaml:"},
	    {"name: x\ninherits: nobody\n", "no theme is called nobody"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_theme t;
		ns_err err = {0};
		const char *path = put("faulty.yaml", rows[i].text);
		assert_false(ns_theme_load(path, &t, &err));
		if (!strstr(err.text, rows[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].says);
		assert_int_equal(t.style[NS_ROLE_SEV_WARN].fg, 3); /* usable all the same */
	}
}

static void a_circle_ends(void **state)
{
	char text[512];
	ns_theme t;
	ns_err err = {0};
	snprintf(text, sizeof text, "name: loop\ninherits: %s/loop.yaml\n", dir);
	const char *path = put("loop.yaml", text);
	assert_false(ns_theme_load(path, &t, &err));
	assert_non_null(strstr(err.text, "inherit from each other"));
}

static void unknown_names_get_the_nearest(void **state)
{
	ns_theme t;
	ns_err err = {0};
	assert_false(ns_theme_load("ligth", &t, &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
	assert_non_null(strstr(err.text, "did you mean light"));
	assert_string_equal(t.name, "default");
	assert_false(ns_theme_load("/nowhere/x.yaml", &t, &err));
	assert_string_equal(t.name, "default");
}

static void the_users_theme_comes_first(void **state)
{
	char path[256];
	ns_theme t;
	snprintf(path, sizeof path, "%s/neuroscale-tui", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/neuroscale-tui/themes", dir);
	mkdir(path, 0700);
	put("neuroscale-tui/themes/light.yaml", "name: light\ninherits: light\nroles:\n  graph: {fg: red}\n");
	setenv("XDG_CONFIG_HOME", dir, 1);
	assert_true(ns_theme_load("light", &t, NULL));
	assert_int_equal(t.style[NS_ROLE_GRAPH].fg, 1);
	assert_int_equal(t.style[NS_ROLE_TITLE].fg, 4); /* from the one that ships under the same name */
	unsetenv("XDG_CONFIG_HOME");
}

static int make_dir(void **state)
{
	setenv("HOME", "/nonexistent", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_DATA_HOME");
	setenv("XDG_DATA_DIRS", "/nonexistent", 1);
	return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
	char cmd[128];
	static const char *const files[] = {"family.yaml", "mine.yaml", "faulty.yaml", "loop.yaml", "neuroscale-tui/themes/light.yaml",
	    "neuroscale-tui/themes", "neuroscale-tui", ""};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(cmd, sizeof cmd, "%s/%s", dir, files[i]);
		if (unlink(cmd) != 0)
			rmdir(cmd);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shipped_themes_are_clean),
	    cmocka_unit_test(null_is_default),
	    cmocka_unit_test(a_family_colours_its_members),
	    cmocka_unit_test(inherits_and_overrides),
	    cmocka_unit_test(faults_name_their_line_and_leave_a_theme),
	    cmocka_unit_test(a_circle_ends),
	    cmocka_unit_test(unknown_names_get_the_nearest),
	    cmocka_unit_test(the_users_theme_comes_first),
	};
	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
