/* Doctor on servers that say what a test wants: results end up as lines "cluster: name|status|text -> fix", to be searched. */
#ifndef TESTS_APP_DOCTOR_RIG_H
#define TESTS_APP_DOCTOR_RIG_H
#include "support/test.h"

#include <curl/curl.h>

#include "../../src/app/doctor_priv.h"
#include "kube/kc_file.h"
#include "neuroscale/app/app.h"

typedef struct found {
	ns_buf text;
	ns_code first; /* of the first failure */
	bool complete;
	int64_t took_ms;
} found;

static void keep_lines(void *ctx, const doctor_check *check, const char *cluster, const doctor_line *lines, size_t n, int64_t took_ms)
{
	static const char *const words[] = {"ok", "warn", "fail", "skip"};
	found *f = ctx;
	for (size_t i = 0; i < n; i++) {
		ns_buf_printf(&f->text, "%s: %s|%s|%s%s -> %s\n", cluster, lines[i].name, words[lines[i].status],
		    lines[i].unmet ? "needs " : "", lines[i].text, lines[i].fix);
		if (lines[i].status == DOCTOR_FAIL && f->first == NS_OK)
			f->first = lines[i].code;
	}
}

static ns_config *config_of(const char *const *more)
{
	const char *argv[32] = {"neuroscale-tui", "doctor", "--state-dir", kc_path("state"), "--kubectl", "/bin/true"};
	int n = 6;
	ns_err err = {0};
	for (; more && *more; more++)
		argv[n++] = *more;
	union {
		const char **ro;
		char *const *rw;
	} v = {.ro = argv};
	ns_config *c = ns_config_load(n, v.rw, &err);
	if (!c)
		fail_msg("%s", err.text);
	return c;
}

static void left_out(doctor_run *r)
{
	doctor_ok(r, "-");
}

/* Only rows from..to of the table, with `ms` (0: their own) as their deadline. */
static void doctor_rows(found *f, const ns_config *cfg, doctor_id from, doctor_id to, int ms)
{
	doctor_check rows[DOCTOR_COUNT];
	for (int i = 0; i < DOCTOR_COUNT; i++) {
		rows[i] = doctor_checks[i];
		if (i < (int)from || i > (int)to)
			rows[i] = (doctor_check){.name = "left out", .group = "", .cluster = rows[i].cluster, .run = left_out};
		rows[i].deadline_ms = ms ? ms : 20000; /* on a loaded machine */
	}
	*f = (found){.text = NS_BUF_INIT};
	doctor_opts o = {
	    .cfg = cfg, .clusters = cfg->clusters, .n_clusters = cfg->n_clusters, .show = keep_lines, .ctx = f, .checks = rows};
	int64_t start = ns_real_mono_ms();
	f->complete = doctor_run_all(&o);
	f->took_ms = ns_real_mono_ms() - start;
}

static void doctor_at(found *f, const char *const *options, doctor_id from, doctor_id to, int ms)
{
	ns_config *c = config_of(options);
	doctor_rows(f, c, from, to, ms);
	ns_config_free(c);
}

static void has(const found *f, const char *what)
{
	if (!strstr(ns_buf_str(&f->text), what))
		fail_msg("no \"%s\" in\n%s", what, ns_buf_str(&f->text));
}

static inline void lacks(const found *f, const char *what)
{
	if (strstr(ns_buf_str(&f->text), what))
		fail_msg("\"%s\" in\n%s", what, ns_buf_str(&f->text));
}

static void done(found *f)
{
	ns_buf_free(&f->text);
}

/* One context on `server`; cluster and user are members of the maps. */
static inline const char *kubeconfig_for(const char *name, const char *server, const char *cluster, const char *user)
{
	return kc_write(name,
	    "current-context: %s\ncontexts:\n- name: %s\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster: {server: '%s', "
	    "%s}\nusers:\n- name: u\n  user: {%s}\n",
	    name, name, server, cluster, user);
}

static int rig_setup(void **state)
{
	if (kc_setup(state) != 0)
		return -1;
	setenv("HOME", kc_dir, 1);
	setenv("XDG_CONFIG_HOME", kc_dir, 1);
	unsetenv("KUBECONFIG");
	unsetenv("NEUROSCALE_KUBECONFIG");
	return 0;
}
#endif
