#include "tmpdir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tmpdir_make(void **state)
{
	const char *base = getenv("TMPDIR");
	char name[4096];
	snprintf(name, sizeof name, "%s/neuroscale-test-XXXXXX", base && *base ? base : "/tmp");
	*state = mkdtemp(name) ? strdup(name) : NULL;
	return *state ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int tmpdir_remove(void **state)
{
	int rc = nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return rc;
}

const char *tmpdir_path(void **state, const char *name)
{
	static char paths[4][4200];
	static unsigned next;
	char *out = paths[next++ % 4];
	snprintf(out, sizeof paths[0], "%s/%s", (const char *)*state, name);
	return out;
}
