/* This machine: clock, limits, terminal, state directory, runbooks, kubectl. */
#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "doctor_priv.h"
#include "neuroscale/base/text.h"
#include "neuroscale/runbook/runbook.h"
#include "neuroscale/store/store.h"
#include "neuroscale/sys/fs.h"

enum { LEAST_FILES = 256, LEAST_COLUMNS = 80, LEAST_LINES = 24 };
#define LEAST_FREE  (256ull << 20)
#define LONG_AGO_MS 1735689600000ll /* 2025-01-01: older than this program */

void doctor_host_clock(doctor_run *r)
{
	struct timex tx = {.modes = 0}; /* modes 0: read */
	char now[32];
	int64_t wall = ns_clock_wall_ms(NULL);
	ns_time_format(wall, now);
	int state = adjtimex(&tx);
	if (wall < LONG_AGO_MS)
		doctor_fail(r, NS_E_INVALID, "set it: tokens, certificates and approval deadlines are judged by it",
		    "it is %s here, which cannot be", now);
	else if (state == TIME_ERROR || (state >= 0 && tx.status & STA_UNSYNC))
		doctor_warn(r, "start chrony or systemd-timesyncd, unless something outside this machine sets its clock",
		    "%s, and no time service keeps it", now);
	else
		doctor_ok(r, "%s%s", now, state < 0 ? "" : ", kept by a time service");
}

void doctor_host_files(doctor_run *r)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		doctor_skip(r, "the limit cannot be read: %s", strerror(errno));
	else if (l.rlim_cur < LEAST_FILES)
		doctor_warn(r, "ulimit -n 1024", "at most %llu, %d are advised", (unsigned long long)l.rlim_cur, LEAST_FILES);
	else
		doctor_ok(r, "at most %llu", (unsigned long long)l.rlim_cur);
}

void doctor_host_terminal(doctor_run *r)
{
	const char *term = getenv("TERM"), *codeset = nl_langinfo(CODESET);
	struct winsize ws = {0};
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		doctor_skip(r, "none here; the console needs one, --headless does not");
		return;
	}
	if (!term || !*term || strcmp(term, "dumb") == 0) {
		doctor_warn(r, "set TERM to what your terminal is, for example xterm-256color", "TERM is \"%s\": the console cannot draw",
		    term ? term : "");
		return;
	}
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
	if (strcmp(codeset, "UTF-8") != 0)
		doctor_warn(
		    r, "export LC_CTYPE=C.UTF-8", "%s, the locale's characters are %s: names outside of ASCII are garbled", term, codeset);
	else if (ws.ws_col && (ws.ws_col < LEAST_COLUMNS || ws.ws_row < LEAST_LINES))
		doctor_warn(r, "make the window larger", "%dx%d: panes are shown one at a time below %dx%d", ws.ws_col, ws.ws_row,
		    LEAST_COLUMNS, LEAST_LINES);
	else
		doctor_ok(r, "%s, %dx%d, UTF-8%s", term, ws.ws_col, ws.ws_row,
		    strstr(term, "256color") || getenv("COLORTERM") ? ", 256 colours" : "");
}

/* ---- the state directory ---- */

static unsigned long long free_bytes(const char *path)
{
	struct statvfs v;
	return statvfs(path, &v) == 0 ? (unsigned long long)v.f_bavail * v.f_frsize : ~0ull;
}

/* The nearest directory above that exists: where the state directory would be made. */
static char *existing(const char *path)
{
	char *p = ns_xstrdup(path);
	while (!ns_exists(p) && strcmp(p, "/") != 0 && strcmp(p, ".") != 0) {
		char *up = ns_path_dirname(p);
		free(p);
		p = up;
	}
	return p;
}

static const char *size_words(ns_arena *ar, unsigned long long bytes)
{
	if (bytes >= 1ull << 30)
		return ns_arena_printf(ar, "%.1f GiB", (double)bytes / (double)(1ull << 30));
	return ns_arena_printf(ar, "%llu MiB", bytes >> 20);
}

static void state_to_be_made(doctor_run *r, const char *dir)
{
	char *up = existing(dir);
	if (access(up, W_OK | X_OK) != 0)
		doctor_fail(r, NS_E_DENIED, "name another with --state-dir", "%s does not exist, and %s may not be written to", dir, up);
	else
		doctor_ok(r, "%s will be made at the first start, %s free", dir, size_words(r->ar, free_bytes(up)));
	free(up);
}

static void state_store(doctor_run *r, const char *dir)
{
	char *db = ns_path_join(dir, "neuroscale.db"), *lock = ns_path_join(dir, "engine.lock");
	ns_err err = {0};
	bool there = ns_exists(db);
	ns_store *s = there ? ns_store_open_readonly(dir, ns_clock_real(), &err) : NULL;
	const char *engine = ns_lock_is_free(lock) ? "no engine runs on it" : "an engine runs on it";
	if (!there)
		doctor_ok(r, "%s is empty yet, %s free", dir, size_words(r->ar, free_bytes(dir)));
	else if (!s && err.code == NS_E_VERSION && strstr(err.text, "start the engine"))
		doctor_ok(r, "%s: the store is from an older version and will be brought up to date at the next start", dir);
	else if (!s)
		doctor_fail_err(r, &err, err.code == NS_E_VERSION ? "install that version, or name another with --state-dir" : "");
	else
		doctor_ok(r, "%s, %s free, %s", dir, size_words(r->ar, free_bytes(dir)), engine);
	ns_store_close(s);
	free(db);
	free(lock);
}

void doctor_host_state(doctor_run *r)
{
	const char *dir = r->host->cfg->state_dir;
	struct stat st;
	if (stat(dir, &st) != 0)
		state_to_be_made(r, dir);
	else if (!S_ISDIR(st.st_mode))
		doctor_fail(r, NS_E_INVALID, "name another with --state-dir", "%s is no directory", dir);
	else if (st.st_uid != geteuid())
		doctor_fail(r, NS_E_DENIED, "name one of your own with --state-dir", "%s belongs to the user with uid %u, not to you (%u)",
		    dir, (unsigned)st.st_uid, (unsigned)geteuid());
	else if (access(dir, R_OK | W_OK | X_OK) != 0)
		doctor_fail(r, NS_E_DENIED, "chmod 700, or name another with --state-dir", "%s may not be written to (mode %03o)", dir,
		    (unsigned)st.st_mode & 0777);
	else if (st.st_mode & 077)
		doctor_warn(
		    r, ns_arena_printf(r->ar, "chmod 700 %s", dir), "%s is open to others (mode %03o)", dir, (unsigned)st.st_mode & 0777);
	else if (free_bytes(dir) < LEAST_FREE)
		doctor_warn(r, "make room: on a full disk nothing is decided and nothing is sent", "%s has only %s free", dir,
		    size_words(r->ar, free_bytes(dir)));
	else
		state_store(r, dir);
}

void doctor_host_runbooks(doctor_run *r)
{
	const char *dir = r->host->cfg->runbook_dir;
	ns_err err = {0};
	ns_library *lib = ns_library_load(*dir ? dir : NULL, &err);
	if (lib)
		doctor_ok(r, "%zu%s%s", ns_library_size(lib), *dir ? ", with those of " : ", all built in", dir);
	else
		doctor_fail_err(r, &err, "");
	ns_library_free(lib);
}

/* ---- kubectl ---- */

void doctor_host_kubectl(doctor_run *r)
{
	static const char lost[] = "plans are shown, none can be run";
	const char *set = r->host->cfg->kubectl, *path = getenv("PATH");
	ns_kubectl_info *k = &r->host->kubectl;
	ns_err err = {0};
	char *found = *set ? ns_xstrdup(set) : ns_find_program("kubectl", path ? path : "/usr/local/bin:/usr/bin:/bin");
	if (!found)
		doctor_fail(r, NS_E_NOTFOUND, "install it (contrib/deps.sh), or name it with --kubectl", "not in PATH: %s", lost);
	else if (access(found, X_OK) != 0)
		doctor_fail(r, NS_E_NOTFOUND, "name another with --kubectl", "%s cannot be run (%s): %s", found, strerror(errno), lost);
	else if (!ns_kubectl_probe(found, NULL, r->deadline_ms, r->cancel, k, &err))
		doctor_fail_err(r, &err, "name another with --kubectl");
	else if (*k->unknown)
		doctor_fail(r, NS_E_UNSUPPORTED, ns_arena_printf(r->ar, "install kubectl 1.%d or newer", NS_KUBECTL_MINOR),
		    "%s %s does not know: %s", found, k->version, k->unknown);
	else if (k->major == 1 && k->minor < NS_KUBECTL_MINOR)
		doctor_warn(r, ns_arena_printf(r->ar, "install kubectl 1.%d or newer", NS_KUBECTL_MINOR),
		    "%s %s is older than what is tested", found, k->version);
	else
		doctor_ok(r, "%s %s, knows all %d flags that are used", found, k->version, k->flags);
	free(found);
}
