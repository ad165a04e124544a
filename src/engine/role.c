/* Who may do what, by the uid that the kernel names. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "neuroscale/base/buf.h"
#include "neuroscale/engine/control.h"

enum { NAMES = 65536, FIRST_GROUPS = 64 }; /* NAMES: a group's entry lists its members */

bool ns_group_id(const char *name, gid_t *gid)
{
	struct group gr, *found = NULL;
	char *buf = ns_xcalloc(1, NAMES);
	bool ok = getgrnam_r(name, &gr, buf, NAMES, &found) == 0 && found;
	if (ok)
		*gid = found->gr_gid;
	free(buf);
	return ok;
}

static bool is_member(uid_t uid, const char *group)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	gid_t gid;
	if (!ns_group_id(group, &gid) || getpwuid_r(uid, &pw, buf, sizeof buf, &found) != 0 || !found)
		return false;
	int n = FIRST_GROUPS;
	gid_t *list = ns_xcalloc((size_t)n, sizeof *list);
	if (getgrouplist(pw.pw_name, pw.pw_gid, list, &n) < 0) { /* n is how many there are */
		list = ns_xrealloc(list, (size_t)n * sizeof *list);
		if (getgrouplist(pw.pw_name, pw.pw_gid, list, &n) < 0)
			n = 0;
	}
	bool member = false;
	for (int i = 0; i < n && !member; i++)
		member = list[i] == gid;
	free(list);
	return member;
}

ns_role ns_role_of_uid(uid_t uid, const char *approvers)
{
	if (uid == geteuid())
		return NS_ROLE_ADMIN;
	if (uid == 0) /* it could read all of it anyway */
		return NS_ROLE_VIEWER;
	return approvers && *approvers && is_member(uid, approvers) ? NS_ROLE_APPROVER : NS_ROLE_NONE;
}

void ns_uid_words(uid_t uid, char *out, size_t cap)
{
	struct passwd pw, *found = NULL;
	char buf[1024];
	if (getpwuid_r(uid, &pw, buf, sizeof buf, &found) == 0 && found)
		snprintf(out, cap, "uid %u (%s)", (unsigned)uid, found->pw_name);
	else
		snprintf(out, cap, "uid %u", (unsigned)uid);
}
