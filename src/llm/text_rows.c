/* Rows of `kubectl get pods` and `kubectl get rs`: the hash in a name tells the template, the other columns whether its pods are ready. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "text_priv.h"

static bool spoken(const text_unit *u)
{
	return !u->order && u->place != TEXT_LOG;
}

typedef struct pod_row {
	char base[64], hash[16];
	bool fine, broken;
	int64_t age_s;
} pod_row;

/* "13d", "9m20s", "5h58m". */
static int64_t age_of(const char *s)
{
	int64_t total = 0;
	while (ns_is_digit(*s)) {
		char *end;
		int64_t v = strtoll(s, &end, 10);
		int64_t by = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : *end == 'y' ? 31536000 : 0;
		if (!by || v > 100000)
			return -1;
		total += v * by;
		s = end + 1;
	}
	return *s ? -1 : total;
}

/* "[NS ]NAME-HASH-ID  1/1  Running  0  13d" */
static bool read_pod_row(const char *text, pod_row *r)
{
	char line[256], *save = NULL, *word[12];
	size_t n = 0, ready = 0;
	ns_copy(line, sizeof line, text);
	for (char *w = strtok_r(line, " \t", &save); w && n < 12; w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	for (size_t i = 1; i + 3 < n && !ready; i++)
		if (ns_is_digit(word[i][0]) && word[i][strspn(word[i], "0123456789")] == '/')
			ready = i;
	if (!ready || ready > 2)
		return false;
	char *dash = strrchr(word[ready - 1], '-');
	if (!dash || !ns_text_generated(dash + 1, strlen(dash + 1)))
		return false;
	*dash = 0;
	dash = strrchr(word[ready - 1], '-');
	if (!dash || strlen(dash + 1) < 4 || strlen(dash + 1) > 10 || !ns_text_generated(dash + 1, strlen(dash + 1)))
		return false;
	*dash = 0;
	ns_copy(r->base, sizeof r->base, word[ready - 1]);
	ns_copy(r->hash, sizeof r->hash, dash + 1);
	const char *slash = strchr(word[ready], '/');
	size_t digits = (size_t)(slash - word[ready]);
	bool full = strlen(slash + 1) == digits && !memcmp(word[ready], slash + 1, digits);
	r->fine = full && !strcmp(word[ready + 1], "Running");
	r->broken = !full && strcmp(word[ready + 1], "Completed") != 0;
	r->age_s = age_of(word[n - 1]);
	return r->age_s >= 0;
}

/* "NAME-HASH  DESIRED  CURRENT  READY  AGE" of `kubectl get rs` */
static bool read_set_row(const char *text, pod_row *r)
{
	char line[256], *save = NULL, *word[12] = {NULL};
	size_t n = 0, at = 0;
	ns_copy(line, sizeof line, text);
	for (char *w = strtok_r(line, " \t", &save); w && n < 12; w = strtok_r(NULL, " \t", &save))
		word[n++] = w;
	for (size_t i = 1; i + 3 < n && i <= 2 && !at; i++)
		if (strspn(word[i], "0123456789") == strlen(word[i]) && strspn(word[i + 1], "0123456789") == strlen(word[i + 1]) &&
		    strspn(word[i + 2], "0123456789") == strlen(word[i + 2]) && age_of(word[i + 3]) > 0)
			at = i;
	char *dash = at ? strrchr(word[at - 1], '-') : NULL;
	if (!dash || strlen(dash + 1) < 4 || strlen(dash + 1) > 10 || !ns_text_generated(dash + 1, strlen(dash + 1)))
		return false;
	*dash = 0;
	ns_copy(r->base, sizeof r->base, word[at - 1]);
	ns_copy(r->hash, sizeof r->hash, dash + 1);
	long want = strtol(word[at], NULL, 10), ready = strtol(word[at + 2], NULL, 10);
	r->fine = want > 0 && ready == want;
	r->broken = want > 0 && ready < want;
	r->age_s = age_of(word[at + 3]);
	return true;
}

static bool read_row(const char *text, pod_row *r)
{
	return read_pod_row(text, r) || read_set_row(text, r);
}

const text_unit *ns_text_old_pod(const text_doc *d)
{
	pod_row a, b;
	for (size_t i = 0; i < d->n; i++) {
		if (!spoken(&d->unit[i]) || !read_row(d->unit[i].text, &a) || !a.broken)
			continue;
		for (size_t k = 0; k < d->n; k++)
			if (k != i && spoken(&d->unit[k]) && read_row(d->unit[k].text, &b) && b.fine && !strcmp(a.base, b.base) &&
			    strcmp(a.hash, b.hash) != 0 && b.age_s > a.age_s)
				return &d->unit[k];
	}
	return NULL;
}
