/* Who may do what by uid and group, and whom the socket lets in. */
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../src/engine/engine_priv.h"
#include "support/test.h"
#include "support/tmpdir.h"

/* A user that is neither root nor us, with the name of a group that it is in. */
static bool somebody(uid_t *uid, char group[64])
{
	struct passwd *p;
	struct group *g = NULL;
	setpwent();
	while (!g && (p = getpwent())) {
		*uid = p->pw_uid;
		if (*uid != 0 && *uid != geteuid())
			g = getgrgid(p->pw_gid);
	}
	endpwent();
	return g && ns_copy(group, 64, g->gr_name);
}

static void the_group_decides(void **state)
{
	uid_t uid = 0;
	char group[64];
	assert_int_equal(ns_role_of_uid(geteuid(), NULL), NS_ROLE_ADMIN);
	assert_int_equal(ns_role_of_uid(geteuid(), "no-such-group"), NS_ROLE_ADMIN);
	if (geteuid() != 0)
		assert_int_equal(ns_role_of_uid(0, NULL), NS_ROLE_VIEWER);
	if (!somebody(&uid, group))
		skip();
	assert_int_equal(ns_role_of_uid(uid, NULL), NS_ROLE_NONE);
	assert_int_equal(ns_role_of_uid(uid, ""), NS_ROLE_NONE);
	assert_int_equal(ns_role_of_uid(uid, "no-such-group"), NS_ROLE_NONE);
	assert_int_equal(ns_role_of_uid(uid, group), NS_ROLE_APPROVER);
	assert_int_equal(ns_role_of_uid(999999, group), NS_ROLE_NONE); /* nobody the system knows */
}

static unsigned mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void the_socket_opens_to_the_group_and_nothing_else_does(void **state)
{
	ns_control_backend b = {0};
	ns_err err = {0};
	struct group *g = getgrgid(getegid());
	char dir[200], name[64], file[200];
	ns_copy(dir, sizeof dir, *state);
	ns_copy(file, sizeof file, tmpdir_path(state, "secret"));
	if (!g || !ns_copy(name, sizeof name, g->gr_name))
		skip();
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(chmod(dir, 0700), 0);
	ns_control *c = ns_control_new(dir, &b, &err);
	assert_non_null(c);
	assert_int_equal(mode_of(tmpdir_path(state, "control.sock")), 0600);
	assert_false(ns_control_admit(c, "no-such-group", &err));
	assert_int_equal(err.code, NS_E_NOTFOUND);
	assert_int_equal(mode_of(dir), 0700);
	if (!ns_control_admit(c, name, &err))
		fail_msg("%s", err.text);
	assert_int_equal(mode_of(tmpdir_path(state, "control.sock")), 0660);
	assert_int_equal(mode_of(dir), 0710);
	assert_int_equal(mode_of(file), 0600);
	ns_control_free(c);
}

static void a_person_is_who_logged_in(void **state)
{
	ns_person p;
	char words[96], login[NS_LOGIN];
	ns_uid_words(4001, words, sizeof words);
	ns_person_make(4001, NULL, &p);
	assert_string_equal(p.who, "uid:4001");
	assert_string_equal(p.by, words);
	ns_person_make(4001, "uid:4001", &p);
	assert_string_equal(p.by, words);
	ns_person_make(4001, "uid:4002", &p); /* sudo -u: who logged in is who it is, and both are on record */
	assert_string_equal(p.who, "uid:4002");
	assert_string_equal(p.by, "uid 4001, logged in as uid 4002");
	assert_false(p.elsewhere);
	ns_person_make(4001, "slack:U1", &p);
	assert_string_equal(p.who, "slack:U1");
	assert_string_equal(p.by, "slack:U1");
	assert_true(p.elsewhere);
	FILE *f = fopen("/proc/self/loginuid", "r");
	unsigned long uid = UINT32_MAX;
	bool known = f && fscanf(f, "%lu", &uid) == 1 && uid != UINT32_MAX;
	if (f)
		fclose(f);
	assert_int_equal(ns_login_of(getpid(), login), known);
	if (known) {
		snprintf(words, sizeof words, "uid:%lu", uid);
		assert_string_equal(login, words);
	}
	assert_false(ns_login_of(-1, login));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_group_decides),
	    cmocka_unit_test(a_person_is_who_logged_in),
	    cmocka_unit_test_setup_teardown(the_socket_opens_to_the_group_and_nothing_else_does, tmpdir_make, tmpdir_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
