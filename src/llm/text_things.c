/* Names and numbers: the workload, the container, exit codes, quantities, revisions, money. Everything is checked by the grammar that the
 * thing has in Kubernetes; what does not pass is not there. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/k8s.h"
#include "text_priv.h"

static bool spoken(const text_unit *u)
{
	return !u->order && u->place != TEXT_LOG;
}

/* ---- exit codes -------------------------------------------------------------------------------------------------- */

/* "exit code: 137", "exit 1", "exited with status 127", "Exit Code:    2". */
static int exit_in(const char *flat)
{
	static const char *const fillers[] = {"code", "codes", "status", "with", "is", "was", "of", "and", "error", "returned", NULL};
	for (const char *p = flat; (p = ns_flat_find(p, "exit |exits |exited |exitcode |exit_code |terminated |rc "));) {
		const char *w = strchr(p + 1, ' ');
		for (int i = 0; i < 4 && w; i++) {
			char word[16];
			size_t n = strcspn(w + 1, " ");
			ns_copy(word, n + 1 < sizeof word ? n + 1 : sizeof word, w + 1);
			if (n && n < 4 && strspn(word, "0123456789") == n && strtol(word, NULL, 10) <= 255)
				return (int)strtol(word, NULL, 10);
			if (!ns_listed(word, fillers))
				break;
			w = strchr(w + 1, ' ');
		}
		p = strchr(p + 1, ' ');
		if (!p)
			break;
	}
	static const struct {
		const char *pattern;
		int code;
	} names[] = {{"sigsegv|segmentation fault|signal 11 ", 139}, {"sigabrt|signal 6 ", 134}, {"sigkill|signal 9 ", 137},
	    {"sigterm|signal 15 ", 143}, {"starterror|containercannotrun", 128}};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (ns_flat_find(flat, names[i].pattern))
			return names[i].code;
	return -1;
}

/* ---- quantities -------------------------------------------------------------------------------------------------- */

/* A quantity of bytes at s: "128Mi", "1.5 GiB", "512MB", "30M". Returns the characters read, 0 none. */
static size_t bytes_at(const char *s, int64_t *out)
{
	static const struct {
		const char *unit;
		double by;
	} units[] = {{"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824.0}, {"Ki", 1024}, {"Mi", 1048576}, {"Gi", 1073741824.0},
	    {"Ti", 1099511627776.0}, {"KB", 1e3}, {"kB", 1e3}, {"kb", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"mb", 1e6}, {"gb", 1e9}, {"M", 1e6}, {"G", 1e9}};
	char *end;
	if (!ns_is_digit(*s))
		return 0;
	double v = strtod(s, &end);
	if (*end == ' ')
		end++;
	if (v >= 1e6 && v < 1e13 && !strncasecmp(end, "byte", 4)) {
		*out = (int64_t)v;
		return (size_t)(end - s) + 4;
	}
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		size_t n = strlen(units[i].unit);
		if (!strncmp(end, units[i].unit, n) && !ns_is_alnum(end[n]) && v > 0 && v < 1e6) {
			*out = (int64_t)(v * units[i].by);
			return (size_t)(end - s) + n;
		}
	}
	return 0;
}

/* The quantity nearest after `word`, within `reach` characters. */
static bool bytes_after(const char *text, const char *word, size_t reach, int64_t *out)
{
	for (const char *p = text; (p = strcasestr(p, word)); p++) {
		const char *s = p + strlen(word);
		for (size_t i = 0; i < reach && s[i]; i++)
			if (ns_is_digit(s[i]) && !ns_is_alnum((s + i)[-1]) && (s + i)[-1] != '.' && bytes_at(s + i, out))
				return true;
	}
	return false;
}

/* "a 256Mi limit", "128Mi memory limit". */
static bool bytes_before(const char *text, const char *word, int64_t *out)
{
	const char *p = strcasestr(text, word);
	for (const char *s = p; p && s > text && p - s < 24; s--)
		if (ns_is_digit(*s) && (s == text || (!ns_is_alnum(s[-1]) && s[-1] != '.')) && bytes_at(s, out))
			return true;
	return false;
}

bool ns_text_quantity_between(const char *text, int64_t from, int64_t to, int64_t but)
{
	int64_t v;
	for (const char *p = text; *p; p++)
		if (ns_is_digit(*p) && (p == text || (!ns_is_alnum(p[-1]) && p[-1] != '.')) && bytes_at(p, &v) && v >= from && v <= to &&
		    v != but)
			return true;
	return false;
}

size_t ns_text_rising(const char *text)
{
	size_t n = 0;
	int64_t last = 0, v;
	for (const char *p = text; *p; p++) {
		size_t len = ns_is_digit(*p) && (p == text || (!ns_is_alnum(p[-1]) && p[-1] != '.')) ? bytes_at(p, &v) : 0;
		if (!len)
			continue;
		n = v > last ? n + 1 : 1;
		last = v;
		if (n == 3 && !strcasestr(text, "request"))
			return n;
		p += len - 1;
	}
	return n < 3 ? n : 0;
}

static void read_memory(const text_doc *d, text_things *t)
{
	enum { NOTHING, LIMITS, REQUESTS } block = NOTHING;
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		const char *s = u->text + strspn(u->text, " \t-");
		if (!spoken(u))
			continue;
		int64_t v;
		size_t n = strlen(s);
		if ((!strncasecmp(s, "limits:", 7) || !strncasecmp(s, "requests:", 9)) && n < 10)
			block = !strncasecmp(s, "limits", 6) ? LIMITS : REQUESTS;
		else if (block != NOTHING && !strncasecmp(s, "memory:", 7) && bytes_after(s, "memory:", 24, &v)) {
			*(block == LIMITS ? &t->mem_limit : &t->mem_request) = v;
			if (block == LIMITS)
				t->limit_at = u;
			block = block == LIMITS ? NOTHING : block;
			continue;
		} else if (strncasecmp(s, "cpu:", 4) && !strstr(s, "/gpu"))
			block = NOTHING;
		if (!t->mem_limit && strcasestr(s, "limit") && !strcasestr(s, "ephemeral") && !strcasestr(s, "pull rate")) {
			const char *req = strcasestr(s, "request");
			char before[400];
			ns_copy(before, sizeof before, s);
			if (req && req > s && (size_t)(req - s) < sizeof before && strcasestr(s, "limit") < req)
				before[req - s] = 0;
			const char *from = strstr(before, " from ");
			if ((from && bytes_after(from, " to ", 8, &v)) || bytes_after(before, "limit", 48, &v) ||
			    bytes_before(before, "limit", &v)) {
				t->mem_limit = v;
				t->limit_at = u;
			}
		}
		/* kube-state-metrics: kube_pod_container_resource_limits{resource="memory",...} 67108864 */
		const char *brace = strstr(s, "resource_limits{") && strstr(s, "memory") ? strrchr(s, '}') : NULL;
		if (!t->mem_limit && brace && strtod(brace + 1, NULL) >= 1e6 && strtod(brace + 1, NULL) < 1e13) {
			t->mem_limit = (int64_t)strtod(brace + 1, NULL);
			t->limit_at = u;
		}
		static const char *const deaths[] = {"killed at ", "killed with ", "killed by the kernel at ", "oomed at ", "dies at ", "died at ", "gave it ", "given ", "have configured ", "configured with ", "capped at ", "default ",
		    "defaults to ", "default of ", "allowance of "};
		for (size_t k = 0; k < sizeof deaths / sizeof deaths[0] && !t->mem_limit; k++)
			if (bytes_after(s, deaths[k], 8, &v)) {
				t->mem_limit = v;
				t->limit_at = u;
			}
		if (!t->mem_request && strcasestr(s, "request") && bytes_after(s, "request", 40, &v))
			t->mem_request = v;
	}
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* The next word of names: [a-z0-9.-/:_@]; returns its start, *n its length without closing punctuation. */
static const char *next_word(const char *s, size_t *n)
{
	while (*s && !(ns_is_alnum(*s)))
		s++;
	size_t k = 0;
	while (s[k] && (ns_is_alnum(s[k]) || strchr("-._/:@", s[k])))
		k++;
	while (k && strchr(".:,-/_@", s[k - 1]))
		k--;
	*n = k;
	return s;
}

/* "web-7d9f8c6b5-x2x4z" -> "web": the suffixes that controllers give. Letters of generated names have no vowels but digits. */
bool ns_text_generated(const char *s, size_t n)
{
	bool digit = false, vowel = false;
	for (size_t i = 0; i < n; i++) {
		if (!ns_is_lower(s[i]) && !ns_is_digit(s[i]))
			return false;
		digit |= ns_is_digit(s[i]);
		vowel |= s[i] && strchr("aeiou", s[i]) != NULL;
	}
	return (digit || !vowel) && n;
}

static bool strip_suffixes(char *name, bool *ordinal)
{
	bool cut = false;
	*ordinal = false;
	char *dash = strrchr(name, '-');
	size_t n = dash ? strlen(dash + 1) : 0;
	if (dash && (n <= 2 && strspn(dash + 1, "0123456789") == n) && n) {
		*ordinal = true;
		*dash = 0;
		return true;
	}
	if (dash && (n == 5 || n == 4) && (ns_text_generated(dash + 1, n) || !strcmp(dash + 1, "xxxxx") || !strcmp(dash + 1, "xxxx"))) {
		*dash = 0;
		cut = true;
		dash = strrchr(name, '-');
		n = dash ? strlen(dash + 1) : 0;
	}
	if (dash && n >= 5 && n <= 10 && ns_text_generated(dash + 1, n)) {
		*dash = 0;
		cut = true;
	}
	return cut;
}

static const struct {
	const char *word, *kind;
} kinds[] = {{"deployment", "Deployment"}, {"deploy", "Deployment"}, {"statefulset", "StatefulSet"}, {"sts", "StatefulSet"},
    {"daemonset", "DaemonSet"}, {"ds", "DaemonSet"}, {"job", "Job"}, {"cronjob", "CronJob"}, {"pod", ""}, {"replicaset", "Deployment"},
    {"rs", "Deployment"}, {"service", ""}, {"svc", ""}, {"po", ""}};

static const char *kind_word(const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strlen(kinds[i].word) == n && !strncasecmp(s, kinds[i].word, n))
			return kinds[i].kind;
	return NULL;
}

static void set_name(const text_doc *d, text_things *t, const char *s, size_t n)
{
	char name[64];
	bool ordinal;
	if (*t->name || n < 2 || n >= sizeof name)
		return;
	ns_copy(name, n + 1, s);
	strip_suffixes(name, &ordinal);
	if (!ns_k8s_label_ok(name))
		return;
	t->name = ns_arena_strdup(d->ar, name);
	/* "qa-1, qa-2" are environments. */
	static const char *const environments[] = {
	    "dev", "qa", "test", "uat", "staging", "stage", "demo", "sandbox", "env", "preview", "prod", "cluster", "team", NULL};
	if (ordinal && !*t->kind && !ns_listed(name, environments))
		t->kind = "StatefulSet";
}

/* "ns/name", "deployment/name", "ns/pod" where both sides are names. */
static void read_path(const text_doc *d, text_things *t, const char *w, size_t n)
{
	const char *slash = memchr(w, '/', n);
	if (!slash || memchr(slash + 1, '/', n - (size_t)(slash + 1 - w)) || memchr(w, ':', n) || memchr(w, '@', n) || memchr(w, '_', n))
		return;
	char a[64];
	size_t na = (size_t)(slash - w), nb = n - na - 1;
	if (na >= sizeof a || !nb)
		return;
	ns_copy(a, na + 1, w);
	const char *kind = kind_word(a, na);
	if (kind) {
		if (*kind && !*t->kind)
			t->kind = kind;
		set_name(d, t, slash + 1, nb);
		return;
	}
	if (!ns_k8s_label_ok(a) || strspn(a, "0123456789") == na || strspn(slash + 1, "0123456789.") == nb || memchr(slash + 1, '.', nb) ||
	    na < 2 || nb < 3)
		return;
	if (!*t->ns && !*t->name) {
		t->ns = ns_arena_strdup(d->ar, a);
		set_name(d, t, slash + 1, nb);
	}
}

static void read_named(const text_doc *d, text_things *t, const text_unit *u)
{
	const char *s = u->text + strspn(u->text, " \t");
	size_t n;
	if (!strncmp(s, "Namespace:", 10) || !strncasecmp(s, "namespace=", 10)) {
		const char *w = next_word(s + 10, &n);
		if (n && n < 64 && !*t->ns)
			t->ns = ns_arena_strndup(d->ar, w, n);
	} else if (!strncmp(s, "Name:", 5)) {
		const char *w = next_word(s + 5, &n);
		set_name(d, t, w, n);
	} else if (!strncmp(s, "Controlled By:", 14)) {
		const char *w = next_word(s + 14, &n), *slash = memchr(w, '/', n);
		const char *kind = slash ? kind_word(w, (size_t)(slash - w)) : NULL;
		if (kind && *kind)
			t->kind = kind;
	} else if (!strncmp(s, "Image:", 6) && !*t->image) {
		const char *w = next_word(s + 6, &n);
		t->image = ns_arena_strndup(d->ar, w, n);
	}
	static const char *const fronts[] = {" namespace ", " -n ", " in namespace "};
	for (size_t i = 0; i < sizeof fronts / sizeof fronts[0]; i++) {
		const char *p = strstr(u->text, fronts[i]);
		const char *w = p ? next_word(p + strlen(fronts[i]), &n) : NULL;
		char ns[64];
		if (w && n && n < sizeof ns && !*t->ns) {
			ns_copy(ns, n + 1, w);
			if (ns_k8s_label_ok(ns))
				t->ns = ns_arena_strdup(d->ar, ns);
		}
	}
}

static bool is_reference(const char *w, size_t n)
{
	static const char *const words[] = {"configmap", "secret", "image", "repository", "persistentvolumeclaim", "pvc", NULL};
	for (const char *const *x = words; *x; x++)
		if (strlen(*x) == n && !strncasecmp(w, *x, n))
			return true;
	return false;
}

/* "Deployment web …", "pod cart-0 …", and in the end any word that looks like a pod's name. */
static void read_words(const text_doc *d, text_things *t, const text_unit *u, bool pods)
{
	const char *kind = NULL;
	size_t n;
	bool refers = false;
	for (const char *w = next_word(u->text, &n); *w; w = next_word(w + n, &n)) {
		if (!n) {
			w++;
			continue;
		}
		/* A path of a file, or what the workload refers to, is not its name. */
		if (!(w > u->text && w[-1] == '/') && !refers)
			read_path(d, t, w, n);
		refers = is_reference(w, n);
		char name[64];
		bool ordinal;
		bool plain = n < sizeof name && memchr(w, '-', n) && !memchr(w, '/', n) && !memchr(w, ':', n) && !memchr(w, '.', n);
		if (plain) {
			ns_copy(name, n + 1, w);
			if ((kind ||
			        (pods && strip_suffixes(name, &ordinal) && strchr(name, 0) - name >= 2 && (!ordinal || u->line == 0))) &&
			    ns_k8s_label_ok(name)) {
				if (kind && *kind && !*t->kind)
					t->kind = kind;
				set_name(d, t, w, n);
			}
		}
		kind = kind_word(w, n);
	}
}

/* ---- reasons, revisions, policies, money ---------------------------------------------------------------------------- */

static void read_waiting(const text_doc *d, text_things *t)
{
	/* What holds the container up outranks that it is restarted. */
	static const char *const reasons[] = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "InvalidImageName",
	    "ErrImageNeverPull", "ImageInspectError", "SignatureValidationFailed", "ImagePullBackOff", "ErrImagePull", "CrashLoopBackOff",
	    "ContainerCreating", "PodInitializing", NULL};
	static const struct {
		const char *pattern, *reason;
	} prose[] = {{"failed to pull image|back off pulling image|image tag * (does not exist|not found)|cannot pull|image pull "
	              "(fails|failed|error)|pull access denied|manifest unknown",
	                 "ImagePullBackOff"},
	    {"crash loop|~crashloop|back off * restarting|back off restarting|restart continuously|restarts continuously|crashes on "
	     "start|crashes at start|crash at start|keeps restarting|keeps crashing|restarts constantly|restarting constantly|restart "
	     "loop|restarts endlessly|restarts forever|restarts every",
	        "CrashLoopBackOff"},
	    {"container has runasnonroot|error secret * not found|error configmap * not found|couldn t find key",
	        "CreateContainerConfigError"}};
	for (const char *const *r = reasons; *r && !t->waiting_at; r++)
		for (size_t i = 0; i < d->n && !t->waiting_at; i++) {
			char flat[40];
			snprintf(flat, sizeof flat, "%s ", *r);
			for (char *p = flat; *p; p++)
				*p = (char)tolower((unsigned char)*p);
			const char *hit = spoken(&d->unit[i]) ? ns_flat_find(d->unit[i].flat, flat) : NULL;
			if (hit && !ns_flat_denied(d->unit[i].flat, hit)) {
				t->waiting = *r;
				t->waiting_at = &d->unit[i];
			}
		}
	for (size_t k = 0; k < sizeof prose / sizeof prose[0]; k++)
		for (size_t i = 0; i < d->n && (!t->waiting_at || !strcmp(t->waiting, "ContainerCreating")); i++) {
			const char *hit = spoken(&d->unit[i]) ? ns_flat_find(d->unit[i].flat, prose[k].pattern) : NULL;
			if (hit && !ns_flat_denied(d->unit[i].flat, hit)) {
				t->waiting = prose[k].reason;
				t->waiting_at = &d->unit[i];
			}
		}
}

/* Are two numbers of a flat text one of a version: "1 13" of "1.13.2"? */
static bool dotted(const char *text, const char *first, size_t digits)
{
	const char *second = first + digits + 1;
	char joined[16];
	size_t n = strspn(second, "0123456789");
	if (first[digits] != ' ' || !n || digits + n + 2 > sizeof joined)
		return false;
	memcpy(joined, first, digits + 1 + n);
	joined[digits] = '.';
	joined[digits + 1 + n] = 0;
	return strstr(text, joined) != NULL;
}

/* "revision 23 -> 24" names 24 as well, "revision 7 to 8" too. */
static int64_t number_behind_arrow(const char *text)
{
	static const char *const words[] = {"revision ", "rev ", "revisions "};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		for (const char *p = text; (p = strcasestr(p, words[i])); p++) {
			const char *s = p + strlen(words[i]);
			s += strspn(s, "0123456789");
			const char *to = !strncmp(s, " -> ", 4) || !strncmp(s, " to ", 4) ? s + 4 : !strncmp(s, "->", 2) ? s + 2 : NULL;
			size_t n = to && s[-1] != ' ' ? strspn(to, "0123456789") : 0;
			if (n && n <= 5 && to[n] != '.')
				return strtoll(to, NULL, 10);
		}
	return 0;
}

static int64_t number_after(const text_unit *u, const char *word)
{
	const char *flat = u->flat;
	int64_t most = 0;
	size_t n = strlen(word);
	for (const char *p = flat; (p = strstr(p, word)); p += n) {
		size_t digits = strspn(p + n, "0123456789");
		if (!digits || digits > 5 || dotted(u->text, p + n, digits)) /* "revision 1.13.2" is a version */
			continue;
		int64_t v = strtoll(p + n, NULL, 10);
		most = v > most ? v : most;
	}
	return most;
}

static void read_numbers(const text_doc *d, text_things *t)
{
	static const char *const replica_words[] = {" replicas "};
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		if (u->order)
			continue;
		int code = exit_in(u->flat);
		if (code >= 0 && t->exit_code < 0) {
			t->exit_code = code;
			t->exit_at = u;
		}
		if (!spoken(u))
			continue;
		const char *words[] = {" revision ", " rev "};
		for (size_t k = 0; k < 2; k++) {
			int64_t v = number_after(u, words[k]);
			t->revision = v > t->revision ? v : t->revision;
		}
		int64_t behind = number_behind_arrow(u->text);
		t->revision = behind > t->revision ? behind : t->revision;
		int64_t r = number_after(u, " restart count ");
		for (const char *p = u->flat; !r && (p = ns_flat_find(p + 1 > u->flat ? p : u->flat, "restart")); p++) {
			if (ns_is_digit(p[strcspn(p, " ") + 1])) /* "restarts 16", "restarted 5 times" */
				r = strtoll(p + strcspn(p, " ") + 1, NULL, 10);
			const char *b = p - 1;
			while (b > u->flat && ns_is_digit(b[-1]))
				b--;
			if (!r && b < p - 1)
				r = strtoll(b, NULL, 10);
		}
		if (r > t->restarts && r < 1000000)
			t->restarts = r;
		for (size_t k = 0; k < 1; k++) {
			int64_t v = number_after(u, replica_words[k]);
			if (v > 0 && !t->replicas)
				t->replicas = v;
		}
	}
}

/* The first words that look like a policy's and a rule's name: verb and object joined by dashes. */
static void read_policy(const text_doc *d, text_things *t)
{
	static const char *const verbs[] = {"require", "disallow", "restrict", "deny", "verify", "block", "check", "enforce", "validate",
	    "limit", "prevent", "no", "must", "only", "allow", "forbid", "ensure", "prohibit", "autogen", "add", "need", "drop", "cap",
	    "max", "min", "pod", "resource", "label", "labels", "best", "host", "privileged", NULL};
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		size_t n;
		if (u->order)
			continue;
		for (const char *w = next_word(u->text, &n); *w; w = next_word(w + n, &n)) {
			if (!n) {
				w++;
				continue;
			}
			char word[80], verb[24];
			if (n >= sizeof word || !memchr(w, '-', n))
				continue;
			ns_copy(word, n + 1, w);
			char *slash = strchr(word, '/');
			if (slash) {
				*slash = 0;
				if (!*t->rule && strchr(word, '-') && ns_k8s_label_ok(slash + 1))
					t->rule = ns_arena_strdup(d->ar, slash + 1);
			}
			ns_copy(verb, strcspn(word, "-") + 1 < sizeof verb ? strcspn(word, "-") + 1 : sizeof verb, word);
			if (!ns_listed(verb, verbs) || !ns_k8s_subdomain_ok(word))
				continue;
			if (!*t->policy)
				t->policy = ns_arena_strdup(d->ar, word);
			else if (!*t->rule && strcmp(word, t->policy))
				t->rule = ns_arena_strdup(d->ar, word);
		}
	}
	if (*t->policy && !*t->rule)
		t->rule = t->policy;
}

static void read_money(const text_doc *d, text_things *t)
{
	double seen[2] = {0, 0};
	size_t n = 0;
	for (size_t i = 0; i < d->n; i++) {
		if (d->unit[i].order)
			continue;
		for (const char *p = d->unit[i].text; *p && n < 2; p++) {
			bool sign = *p == '$' && ns_is_digit(p[1]);
			bool unit = ns_is_digit(*p) && (p == d->unit[i].text || !ns_is_alnum(p[-1])) &&
			            (strcasestr(p, " usd") == p + strspn(p, "0123456789.,") ||
			                strcasestr(p, " eur") == p + strspn(p, "0123456789.,"));
			if (sign || unit) {
				seen[n++] = strtod(p + (sign ? 1 : 0), NULL);
				p += strspn(p + 1, "0123456789.,");
			}
		}
	}
	t->cost_now = seen[0] > seen[1] ? seen[0] : seen[1];
	t->cost_before = n == 2 ? (seen[0] > seen[1] ? seen[1] : seen[0]) : 0;
}

/* "argocd-image-updater: container OOMKilled": whom the first line is about, when nothing else names it. */
static void read_subject(const text_doc *d, text_things *t)
{
	static const char *const after[] = {"pod", "pods", "container", "deployment", "is", "gets", "oomkilled", "crashloopbackoff", "restarts",
	    "memory", "keeps", "crashes", "exits", "cannot", "fails", NULL};
	const text_unit *u = d->n ? &d->unit[0] : NULL;
	if (!u || *t->name || u->order || u->place != TEXT_PROSE)
		return;
	size_t n, k;
	const char *w = next_word(u->text, &n);
	if (w != u->text || !memchr(w, '-', n) || memchr(w, '/', n) || memchr(w, '.', n) || memchr(w, ':', n))
		return;
	char word[20];
	const char *v = next_word(w + n, &k);
	ns_copy(word, k + 1 < sizeof word ? k + 1 : sizeof word, v);
	for (char *p = word; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (w[n] == ':' || ns_listed(word, after))
		set_name(d, t, w, n);
}

void ns_text_things(const text_doc *d, text_things *t)
{
	*t = (text_things){
	    .ns = "", .kind = "", .name = "", .container = "", .image = "", .waiting = "", .exit_code = -1, .policy = "", .rule = ""};
	for (size_t i = 0; i < d->n; i++)
		if (spoken(&d->unit[i]))
			read_named(d, t, &d->unit[i]);
	for (int pods = 0; pods < 2; pods++)
		for (size_t i = 0; i < d->n && !*t->name; i++)
			if (!d->unit[i].order)
				read_words(d, t, &d->unit[i], pods);
	read_subject(d, t);
	read_memory(d, t);
	read_waiting(d, t);
	read_numbers(d, t);
	read_policy(d, t);
	read_money(d, t);
}
