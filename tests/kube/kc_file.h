/* Small files for tests: a directory that is removed again, and kubeconfigs in it. */
#ifndef TESTS_KUBE_KC_FILE_H
#define TESTS_KUBE_KC_FILE_H
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/sys/fs.h"

static char kc_dir[64];

static inline int kc_setup(void **state)
{
	strcpy(kc_dir, "/tmp/ns-kube-XXXXXX");
	return mkdtemp(kc_dir) ? 0 : -1;
}

static inline int kc_teardown(void **state)
{
	return ns_rm_tree(kc_dir, NULL) ? 0 : -1;
}

/* Path of a file in the directory; lives until the eighth next call. */
static inline const char *kc_path(const char *name)
{
	static char p[8][256];
	static int i;
	char *out = p[i++ % 8];
	snprintf(out, sizeof p[0], "%s/%s", kc_dir, name);
	return out;
}

__attribute__((format(printf, 2, 3))) static inline const char *kc_write(const char *name, const char *fmt, ...)
{
	const char *path = kc_path(name);
	ns_buf b = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&b, fmt, ap);
	va_end(ap);
	FILE *f = fopen(path, "w");
	if (!f || fwrite(ns_buf_str(&b), 1, b.len, f) != b.len || fclose(f) != 0)
		abort();
	ns_buf_free(&b);
	return path;
}
#endif
