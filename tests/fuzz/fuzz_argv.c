/* The command line: words split at newlines. It is taken, or refused in one line; a dump of what was taken can be printed. */
#include "fuzz.h"
#include "neuroscale/config/config.h"

enum { MAX_WORDS = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char program[] = "neuroscale-tui";
	char *argv[MAX_WORDS + 2] = {program}, *copy = malloc(n + 1);
	int argc = 1;
	memcpy(copy, data, n);
	copy[n] = '\0';
	for (char *p = copy; p && argc <= MAX_WORDS;) {
		argv[argc++] = p;
		p = strchr(p, '\n');
		if (p)
			*p++ = '\0';
	}
	argv[argc] = NULL;
	setenv("HOME", "/nonexistent", 1);
	unsetenv("XDG_CONFIG_HOME");
	bool file = false; /* files of this machine are no part of the input */
	for (int i = 1; i < argc; i++)
		file = file || strstr(argv[i], "-c") != NULL;
	ns_err err = {0};
	ns_config *c = file ? NULL : ns_config_load(argc, argv, &err);
	if (c) {
		ns_buf out = NS_BUF_INIT;
		ns_config_dump(c, &out);
		ns_config_help(&out, c->command);
		NEED(c->approval_timeout_ms > 0 && c->actions_per_hour > 0 && c->mem_factor >= 1.1 && c->exception_ttl_ms >= 3600000 &&
		     c->state_dir[0]);
		ns_buf_free(&out);
		ns_config_free(c);
	} else if (!file) {
		NEED(err.code == NS_E_USAGE && err.text[0] && !strchr(err.text, '\n'));
	}
	free(copy);
	return 0;
}
