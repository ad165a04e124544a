/* Who and what, as the audit has it. The uid is the kernel's word; account names are as they were when it was written. Where a caller comes from is
 * read from its environment, which is its own claim and marked so; nothing is decided by it. */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "engine_priv.h"
#include "neuroscale/base/text.h"

enum { ENVIRONMENT = 1 << 20, MAX_FIELDS = 64 };
static const char variable[] = "SSH_CONNECTION=";

/* "203.0.113.9 50222 10.0.0.7 22": the first two. Kept only when they look like an address and a port. */
static void take_ssh(const char *value, ns_caller *out)
{
	char address[48], port[8];
	if (sscanf(value, "%47s %7s", address, port) != 2 || port[strspn(port, "0123456789")])
		return;
	const char *zone = address + strspn(address, "0123456789abcdefABCDEF.:"); /* fe80::1%eth0 */
	if (*zone == '%')
		do
			zone++;
		while (ns_is_alnum(*zone) || *zone == '-' || *zone == '_');
	if (*zone)
		return;
	snprintf(out->ssh, sizeof out->ssh, "%s %s", address, port);
}

/* /proc/PID opened first: what is read through it belongs to one process, whoever has the number by then. */
static bool read_environment(pid_t pid, uid_t uid, ns_buf *out)
{
	char path[40];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%ld", (long)pid);
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = dir >= 0 && fstat(dir, &st) == 0 && st.st_uid == uid ? openat(dir, "environ", O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = -1;
	if (fd >= 0) {
		ns_buf_reserve(out, 65536);
		while (out->len < ENVIRONMENT && (n = read(fd, out->data + out->len, 65535)) > 0) {
			out->len += (size_t)n;
			ns_buf_reserve(out, 65536);
		}
		out->data[out->len] = '\0';
		close(fd);
	}
	if (dir >= 0)
		close(dir);
	return n >= 0;
}

void ns_caller_of(pid_t pid, uid_t uid, ns_caller *out)
{
	*out = (ns_caller){.pid = pid ? (long)pid : (long)getpid()};
	if (!pid) {
		const char *own = getenv("SSH_CONNECTION");
		take_ssh(own ? own : "", out);
		return;
	}
	ns_buf all = NS_BUF_INIT;
	out->ssh_unread = !read_environment(pid, uid, &all);
	for (size_t at = 0; at < all.len; at += strlen(all.data + at) + 1)
		if (strncmp(all.data + at, variable, sizeof variable - 1) == 0)
			take_ssh(all.data + at + sizeof variable - 1, out);
	out->ssh_claimed = *out->ssh != '\0';
	ns_buf_free(&all);
}

static void put_account(cJSON *o, const char *number, const char *name, uid_t uid)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	ns_json_put_int(o, number, uid);
	if (getpwuid_r(uid, &pw, buf, sizeof buf, &found) == 0 && found)
		ns_json_put_str(o, name, pw.pw_name);
}

static void put_ssh(cJSON *o, const ns_caller *c)
{
	const char *space = strchr(c->ssh, ' ');
	if (c->ssh_unread)
		ns_json_put_bool(o, "ssh_unread", true);
	if (!space)
		return;
	cJSON *ssh = cJSON_AddObjectToObject(o, "ssh");
	char address[64];
	snprintf(address, sizeof address, "%.*s", (int)(space - c->ssh), c->ssh);
	ns_json_put_str(ssh, "address", address);
	ns_json_put_int(ssh, "port", strtol(space + 1, NULL, 10));
	ns_json_put_bool(ssh, "claimed", c->ssh_claimed);
}

cJSON *ns_witness(uid_t uid, const char *person, const char *surface, const ns_caller *caller)
{
	ns_person p;
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "client", strcmp(surface, "console") == 0 ? "tui" : surface);
	put_account(o, "uid", "user", uid);
	ns_person_make(uid, person, &p);
	if (p.elsewhere) /* "slack:U024BE7LH" */
		ns_json_put_str(o, "id", p.who);
	else if (p.login != uid)
		put_account(o, "login_uid", "login", p.login);
	if (caller && *caller->id)
		ns_json_put_str(o, "id", caller->id);
	if (caller && caller->pid)
		ns_json_put_int(o, "pid", caller->pid);
	if (caller)
		put_ssh(o, caller);
	return o;
}

/* Lines "- path: old" and "+ path: new", as the dry-run has them for people, by path. The values are the text that people see. */
cJSON *ns_step_change(cJSON *detail, const char *digest, const char *diff, bool made)
{
	cJSON *before = cJSON_CreateObject(), *after = cJSON_CreateObject();
	size_t n = 0;
	for (const char *line = diff, *end; *line && n < MAX_FIELDS; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		const char *colon = memmem(line, (size_t)(end - line), ": ", 2);
		if ((*line != '-' && *line != '+') || line[1] != ' ' || !colon)
			continue;
		char *path = ns_xasprintf("%.*s", (int)(colon - line - 2), line + 2), *value = ns_xasprintf("%.*s", (int)(end - colon - 2), colon + 2);
		ns_json_put_str(*line == '-' ? before : after, path, value);
		free(path);
		free(value);
		n++;
	}
	if (!n || !made) {
		cJSON_Delete(after);
		after = NULL;
	}
	if (n)
		cJSON_AddItemToObject(detail, "before", before);
	else
		cJSON_Delete(before);
	if (after)
		cJSON_AddItemToObject(detail, "after", after);
	ns_json_put_str(detail, "digest", digest);
	return detail;
}
