/* kubectl's own grammar of arguments (spf13/pflag), written down a second time: flags before, between and behind words, values behind '='
 * or as the next argument, a lone '-' is a word. A flag that none of our commands has, one that is given twice, and "--" are bad. */
#ifndef TESTS_AGENTS_KUBECTL_GRAMMAR_H
#define TESTS_AGENTS_KUBECTL_GRAMMAR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct kubectl_parsed {
	const char *ns, *context, *kubeconfig, *type, *patch_file, *filename, *output, *dry_run, *words[8];
	size_t n_words;
	bool bad;
} kubectl_parsed;

static const struct kubectl_flag {
	const char *name; /* "--x" or "-x" */
	size_t off;
} kubectl_flags[] = {
    {"-n", offsetof(kubectl_parsed, ns)},
    {"--namespace", offsetof(kubectl_parsed, ns)},
    {"--context", offsetof(kubectl_parsed, context)},
    {"--kubeconfig", offsetof(kubectl_parsed, kubeconfig)},
    {"--type", offsetof(kubectl_parsed, type)},
    {"--patch-file", offsetof(kubectl_parsed, patch_file)},
    {"-f", offsetof(kubectl_parsed, filename)},
    {"-o", offsetof(kubectl_parsed, output)},
    {"--dry-run", offsetof(kubectl_parsed, dry_run)},
    {"--cache-dir", SIZE_MAX},
    {"--request-timeout", SIZE_MAX},
    {"--field-manager", SIZE_MAX},
};

static inline void kubectl_keep(kubectl_parsed *p, const struct kubectl_flag *f, const char *value)
{
	if (f->off == SIZE_MAX)
		return;
	const char **slot = (const char **)((char *)p + f->off);
	p->bad = p->bad || *slot; /* given twice: the last would win */
	*slot = value;
}

static inline kubectl_parsed kubectl_parse(const char *const *argv)
{
	kubectl_parsed p = {0};
	for (size_t i = 1; argv[i]; i++) {
		const char *a = argv[i];
		if (a[0] != '-' || a[1] == '\0') {
			if (p.n_words < sizeof p.words / sizeof *p.words)
				p.words[p.n_words++] = a;
			else
				p.bad = true;
			continue;
		}
		if (strcmp(a, "--") == 0) {
			p.bad = true;
			continue;
		}
		bool is_long = a[1] == '-';
		size_t name_len = is_long ? strcspn(a, "=") : 2;
		const struct kubectl_flag *f = NULL;
		for (size_t k = 0; k < sizeof kubectl_flags / sizeof *kubectl_flags; k++)
			if (strlen(kubectl_flags[k].name) == name_len && strncmp(kubectl_flags[k].name, a, name_len) == 0)
				f = &kubectl_flags[k];
		if (!f) {
			p.bad = true;
		} else if (is_long && a[name_len] == '=') {
			kubectl_keep(&p, f, a + name_len + 1);
		} else if (!is_long && a[2]) {
			kubectl_keep(&p, f, a + 2 + (a[2] == '='));
		} else if (argv[i + 1]) {
			kubectl_keep(&p, f, argv[++i]);
		} else {
			p.bad = true;
		}
	}
	return p;
}

/* RFC 1123, byte by byte. */
static inline bool plain_name(const char *s, size_t max, bool dots)
{
	size_t n = strlen(s);
	if (n == 0 || n > max)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool alnum = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9');
		bool inner = i > 0 && i + 1 < n && (s[i] == '-' || (dots && s[i] == '.'));
		if (!alnum && !inner)
			return false;
	}
	return true;
}
#endif
