/* Was the host or the repository of an image mistyped? A registry that no resolver knows while other images arrive, or whose name is a slip of the finger away
 * from one that is named beside it, is a wrong reference of this image; no network is in trouble then. */
#include <string.h>

#include "neuroscale/base/text.h"
#include "text_priv.h"

#define SLIP     2  /* letters by which a mistyped name differs; two neighbours swapped are two */
#define SHORTEST 6  /* characters of a host that can be compared at all */
#define LONGEST  80
#define HOSTS    24

typedef struct host {
	const char *at;
	size_t n;
} host;

/* Letters to change, add or leave out to make b of a; more than SLIP is only said to be so. */
static size_t distance(host a, host b)
{
	size_t row[LONGEST + 1];
	if (a.n > b.n + SLIP || b.n > a.n + SLIP)
		return SLIP + 1;
	for (size_t k = 0; k <= b.n; k++)
		row[k] = k;
	for (size_t i = 1; i <= a.n; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t k = 1; k <= b.n; k++) {
			size_t up = row[k], best = corner + (a.at[i - 1] != b.at[k - 1]);
			best = up + 1 < best ? up + 1 : best;
			row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
			corner = up;
		}
	}
	return row[b.n];
}

/* The same digits in the same order: "api1" and "api2" are two names, no slip. */
static bool same_digits(host a, host b)
{
	size_t i = 0, k = 0;
	for (;;) {
		while (i < a.n && !ns_is_digit(a.at[i]))
			i++;
		while (k < b.n && !ns_is_digit(b.at[k]))
			k++;
		bool more = i < a.n && k < b.n;
		if (!more)
			return i >= a.n && k >= b.n;
		if (a.at[i] != b.at[k])
			return false;
		i++;
		k++;
	}
}

/* A host of labels with a letter in its last one, or the path of a repository, at s; 0 it is none. */
static size_t name_at(const char *s)
{
	size_t n = 0, front = 0, dot = 0, slash = 0;
	while (ns_is_alnum(s[n]) || (s[n] && strchr(".-_/", s[n])))
		n++;
	while (n && !ns_is_alnum(s[n - 1]))
		n--;
	while (front < n && s[front] != '/')
		front++;
	for (size_t i = 0; i < n; i++) {
		dot = i < front && s[i] == '.' ? i : dot;
		slash = s[i] == '/' ? i : slash;
	}
	bool repository = slash && n - slash > SHORTEST, named = dot && ns_is_letter(s[dot + 1]);
	n = repository ? n : named ? front : 0; /* of a short path its host counts */
	return n >= SHORTEST && n <= LONGEST ? n : 0;
}

static size_t names_of(const text_unit *u, host *out, size_t n)
{
	for (const char *p = u->text; *p && n < HOSTS;) {
		size_t len = p > u->text && (ns_is_alnum(p[-1]) || strchr(".-_/", p[-1])) ? 0 : name_at(p);
		if (len)
			out[n++] = (host){p, len};
		p += len ? len : 1;
	}
	return n;
}

const text_unit *ns_text_mistyped_host(const text_doc *d)
{
	static const char unknown[] = "no such host|could not resolve host|name or service not known|nxdomain",
	                  absent[] = "repository does not exist|pull access denied|name unknown|repository name not known|repository not found";
	static const char others[] =
	    "(other|all other|remaining) (image|images|deployment|deployments|pod|pods|service|services|workload|workloads|app|apps|team|teams) * "
	    "(pull|pulls|pulled|start|starts|fine|without|arrive|download)|(pull|pulls|pulled) (fine|normally|ok|without|as usual)|typo|misspel|"
	    "mistyp|misprint|spelled|spelt|wrong (host|registry|hostname)|"
	    "instead of";
	const text_unit *failed = NULL, *missing = NULL, *by_word = NULL;
	host h[HOSTS];
	size_t n = 0;
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		if (u->order || u->place == TEXT_LOG)
			continue;
		if (!failed && ns_flat_find(u->flat, unknown) && ns_flat_find(u->flat, "image|pull|registry|manifest"))
			failed = u;
		if (!missing && ns_flat_find(u->flat, absent))
			missing = u;
		const char *hit = ns_flat_find(u->flat, others);
		if (!by_word && hit && !ns_flat_denied(u->flat, hit) && !ns_flat_find(u->flat, "cannot|fail|neither"))
			by_word = u;
		n = names_of(u, h, n);
	}
	if (failed && by_word)
		return failed;
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++) {
			size_t apart = distance(h[i], h[k]);
			if (apart && apart <= SLIP && same_digits(h[i], h[k]))
				return failed ? failed : missing;
		}
	return NULL;
}
