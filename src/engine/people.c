/* Who decides, as a person. Over the socket, and in this process, that is the uid that the kernel names; where a login uid is known (set at login,
 * inherited, and not changed by sudo or su) it is the one who logged in, so that nobody is two people with one password. A surface of our own
 * process (a chat) names whom it has identified itself. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine_priv.h"
#include "neuroscale/base/log.h"
#include "neuroscale/base/text.h"

static const char uid_prefix[] = "uid:";

bool ns_login_of(pid_t pid, char out[NS_LOGIN])
{
	char path[64], text[16] = "";
	snprintf(path, sizeof path, "/proc/%ld/loginuid", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (fd >= 0)
		close(fd);
	char *end;
	errno = 0;
	unsigned long uid = n > 0 ? strtoul(text, &end, 10) : UINT32_MAX;
	bool known = n > 0 && !errno && end != text && uid < UINT32_MAX; /* the kernel's "never logged in" is the highest */
	if (known)
		snprintf(out, NS_LOGIN, "%s%lu", uid_prefix, uid);
	return known;
}

static bool uid_of(const char *who, uid_t *uid)
{
	char *end;
	size_t n = sizeof uid_prefix - 1;
	if (strncmp(who, uid_prefix, n) != 0)
		return false;
	errno = 0;
	unsigned long v = strtoul(who + n, &end, 10);
	*uid = (uid_t)v;
	return !errno && end != who + n && !*end && v <= UINT32_MAX;
}

void ns_person_make(uid_t uid, const char *person, ns_person *out)
{
	uid_t login = uid;
	char own[96];
	*out = (ns_person){.uid = uid, .login = uid};
	ns_uid_words(uid, own, sizeof own);
	snprintf(out->who, sizeof out->who, "%s%u", uid_prefix, (unsigned)uid);
	ns_copy(out->by, sizeof out->by, own);
	if (!person || strcmp(person, out->who) == 0)
		return;
	ns_copy(out->who, sizeof out->who, person);
	out->elsewhere = !uid_of(person, &login);
	if (out->elsewhere) {
		ns_copy(out->by, sizeof out->by, person);
		return;
	}
	char words[96];
	out->login = login;
	ns_uid_words(login, words, sizeof words);
	snprintf(out->by, sizeof out->by, "%s, logged in as %s", own, words);
}

static bool is_shared(const ns_engine *e, uid_t uid)
{
	struct passwd pw, *found = NULL;
	char buf[4096], number[16];
	snprintf(number, sizeof number, "%u", (unsigned)uid);
	return ns_listed(number, e->o.shared_accounts) ||
	    (getpwuid_r(uid, &pw, buf, sizeof buf, &found) == 0 && found && ns_listed(pw.pw_name, e->o.shared_accounts));
}

bool ns_person_counts(const ns_engine *e, const ns_person *p, ns_err *err)
{
	uid_t login = p->uid;
	bool root = !p->elsewhere && (p->uid == 0 || (uid_of(p->who, &login) && login == 0));
	if (root)
		return ns_fail(err, NS_E_DENIED, "two people must agree to this one, and root is nobody in particular: approve it as yourself");
	if (p->elsewhere ? ns_listed(p->who, e->o.shared_accounts) : is_shared(e, p->uid) || is_shared(e, login))
		return ns_fail(err, NS_E_DENIED, "two people must agree to this one, and this account is a shared one: approve it as yourself");
	return true;
}

static void warn(ns_engine *e, const char *words)
{
	ns_log(NS_LOG_WARN, "engine", "%s", words);
	ns_engine_say(e, NS_LOG_WARN, "%s", words);
}

/* What would let every such question expire, or would protect nothing, and nobody would know why. */
void ns_people_check(ns_engine *e)
{
	bool two = false;
	for (size_t i = 0; i < e->n_clusters; i++)
		two = two || e->clusters[i].o.four_eyes;
	if (two && !*e->o.approvers)
		warn(e, "four-eyes is on, but only the user that runs the engine may decide: what takes two people will expire; name a group with --approvers");
	for (const char *const *a = e->o.shared_accounts; two && *a; a++) {
		struct passwd pw, *found = NULL;
		char buf[4096], words[200];
		if (strchr(*a, ':') || (*a)[strspn(*a, "0123456789")] == '\0' || (getpwnam_r(*a, &pw, buf, sizeof buf, &found) == 0 && found))
			continue;
		snprintf(words, sizeof words, "shared-accounts: there is no user \"%.60s\" on this host, so nobody is kept out by that name", *a);
		warn(e, words);
	}
}
