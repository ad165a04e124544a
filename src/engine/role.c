/* Who may do what, by the uid that the kernel names. */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>
#include "neuroscale/engine/control.h"

ns_role ns_role_of_uid(uid_t uid)
{
	/* In this first form only the engine's own uid decides. Root may look: it could read all of it anyway. */
	return uid == geteuid() ? NS_ROLE_ADMIN : uid == 0 ? NS_ROLE_VIEWER : NS_ROLE_NONE;
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
