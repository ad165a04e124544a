/* A directory of its own for each test: use tmpdir_make and tmpdir_remove as setup and teardown, *state is its path. */
#ifndef NEUROSCALE_TESTS_TMPDIR_H
#define NEUROSCALE_TESTS_TMPDIR_H
int tmpdir_make(void **state);
int tmpdir_remove(void **state);
/* "DIR/name"; valid until the fourth next call. */
const char *tmpdir_path(void **state, const char *name);
#endif
