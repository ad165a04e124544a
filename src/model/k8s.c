/* Names, quantities and image references as Kubernetes reads them. */
#include "neuroscale/model/k8s.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- names ---- */

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* One dot-free part of [0-9a-z-] that neither begins nor ends with '-'. */
static bool dns_part(const char *s, size_t n)
{
	if (!n || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_lower_alnum(s[i]) && s[i] != '-')
			return false;
	return true;
}

bool ns_k8s_label_ok(const char *s)
{
	size_t n = s ? strnlen(s, 64) : 0;
	return n <= 63 && dns_part(s, n);
}

bool ns_k8s_subdomain_ok(const char *s)
{
	if (!s || strnlen(s, NS_K8S_NAME) > NS_K8S_NAME - 1)
		return false;
	for (;; s++) {
		size_t n = strcspn(s, ".");
		if (!dns_part(s, n))
			return false;
		s += n;
		if (!*s)
			return true;
	}
}

bool ns_k8s_uid_ok(const char *s)
{
	size_t n = s ? strnlen(s, 65) : 0;
	if (!n || n > 64 || s[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(s[i]) && s[i] != '-')
			return false;
	return true;
}

bool ns_namespace_protected(const char *ns, const char *const *extra)
{
	static const char *const always[] = {"kube-system", "kube-public", "kube-node-lease", NULL};
	const char *const *lists[] = {always, extra};
	for (size_t i = 0; i < 2; i++)
		for (const char *const *p = lists[i]; p && *p; p++)
			if (strcmp(*p, ns) == 0)
				return true;
	return false;
}

/* ---- quantities ---- */

__extension__ typedef unsigned __int128 wide;

/* A number as read: digits * 10^exp10 * 2^exp2; `more` when non-zero digits were dropped. */
typedef struct decimal {
	bool negative, more;
	uint64_t digits;
	int exp10, exp2;
} decimal;

enum { KEPT_DIGITS = 19, LARGEST_EXPONENT = 1000 };

static const char *read_mantissa(const char *s, decimal *d)
{
	int kept = 0, seen = 0;
	bool fraction = false;
	for (;; s++) {
		if (*s == '.' && !fraction) {
			fraction = true;
			continue;
		}
		if (*s < '0' || *s > '9')
			break;
		seen++;
		if (kept < KEPT_DIGITS) {
			d->digits = d->digits * 10 + (uint64_t)(*s - '0');
			kept += d->digits != 0;
			d->exp10 -= fraction;
		} else {
			d->more = d->more || *s != '0';
			d->exp10 += !fraction;
		}
	}
	return seen ? s : NULL;
}

static const struct {
	const char *suffix;
	int exp10, exp2;
} suffixes[] = {
    {"", 0, 0},
    {"m", -3, 0},
    {"k", 3, 0},
    {"M", 6, 0},
    {"G", 9, 0},
    {"T", 12, 0},
    {"P", 15, 0},
    {"E", 18, 0},
    {"u", -6, 0},
    {"n", -9, 0},
    {"Ki", 0, 10},
    {"Mi", 0, 20},
    {"Gi", 0, 30},
    {"Ti", 0, 40},
    {"Pi", 0, 50},
    {"Ei", 0, 60},
};

static bool read_suffix(const char *s, decimal *d)
{
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (strcmp(s, suffixes[i].suffix) == 0) {
			d->exp10 += suffixes[i].exp10;
			d->exp2 = suffixes[i].exp2;
			return true;
		}
	if (*s != 'e' && *s != 'E')
		return false;
	bool negative = *++s == '-';
	if (*s == '-' || *s == '+')
		s++;
	if (!*s || s[strspn(s, "0123456789")])
		return false;
	int e = 0;
	for (; *s; s++)
		if (e < LARGEST_EXPONENT)
			e = e * 10 + (*s - '0');
	d->exp10 += negative ? -e : e;
	return true;
}

/* The number in units of 10^-unit, rounded away from zero, saturating: that is what Kubernetes does. */
static int64_t scaled(const decimal *d, int unit)
{
	const uint64_t top = INT64_MAX;
	wide v = (wide)d->digits << d->exp2; /* below 10^19 * 2^60: fits */
	bool rest = d->more;
	int e = d->exp10 + unit;
	for (; e > 0 && v && v <= top; e--)
		v *= 10;
	for (; e < 0 && v; e++) {
		rest = rest || v % 10 != 0;
		v /= 10;
	}
	v += rest;
	int64_t magnitude = v > top ? INT64_MAX : (int64_t)v;
	return d->negative ? -magnitude : magnitude;
}

static bool quantity(const char *s, int unit, int64_t *out)
{
	decimal d = {0};
	if (!s)
		return false;
	d.negative = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	s = read_mantissa(s, &d);
	if (!s || !read_suffix(s, &d))
		return false;
	*out = scaled(&d, unit);
	return true;
}

bool ns_quantity_milli(const char *s, int64_t *milli)
{
	return quantity(s, 3, milli);
}

bool ns_quantity_bytes(const char *s, int64_t *bytes)
{
	return quantity(s, 0, bytes);
}

void ns_quantity_format_bytes(int64_t bytes, char out[32])
{
	static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	size_t u = 0;
	for (; bytes && bytes % 1024 == 0 && u + 1 < sizeof units / sizeof *units; u++)
		bytes /= 1024;
	snprintf(out, 32, "%" PRId64 "%s", bytes, units[u]);
}

/* ---- image references ---- */

/* [a-z0-9]+ joined by ".", "_", "__" or any number of "-". */
static bool path_component(const char *s, size_t n)
{
	size_t i = 0;
	for (;;) {
		size_t from = i;
		while (i < n && is_lower_alnum(s[i]))
			i++;
		if (i == from)
			return false;
		if (i == n)
			return true;
		size_t run = i;
		while (run < n && s[run] == s[i])
			run++;
		bool joins = s[i] == '-' || (s[i] == '_' && run - i <= 2) || (s[i] == '.' && run - i == 1);
		if (!joins)
			return false;
		i = run;
	}
}

static bool host_part(const char *s, size_t n)
{
	if (!n || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(s[i]) && s[i] != '-')
			return false;
	return true;
}

/* "registry.example.com:5000", "localhost", "[fd00::1]:5000". */
static bool domain(const char *s, size_t n)
{
	const char *end = s + n;
	if (n && *s == '[') {
		size_t in = strspn(s + 1, "0123456789abcdefABCDEF:");
		s += in + 1;
		if (!in || s >= end || *s != ']')
			return false;
		s++;
	} else {
		for (;; s++) {
			size_t part = strcspn(s, ".:/");
			if (part > (size_t)(end - s) || !host_part(s, part))
				return false;
			s += part;
			if (*s != '.')
				break;
		}
	}
	if (s == end)
		return true;
	size_t port = strspn(s + 1, "0123456789");
	return *s == ':' && port && s + 1 + port == end;
}

static bool image_name(const char *s, size_t n)
{
	if (!n || n > 255)
		return false;
	const char *slash = memchr(s, '/', n);
	if (slash && domain(s, (size_t)(slash - s))) {
		n -= (size_t)(slash - s) + 1;
		s = slash + 1;
	}
	for (const char *end = s + n;; s++) {
		const char *next = memchr(s, '/', (size_t)(end - s));
		size_t part = (size_t)((next ? next : end) - s);
		if (!path_component(s, part))
			return false;
		if (!next)
			return true;
		s = next;
	}
}

static bool tag_ok(const char *s, size_t n)
{
	if (!n || n > 128 || !(is_alnum(s[0]) || s[0] == '_'))
		return false;
	for (size_t i = 1; i < n; i++)
		if (!is_alnum(s[i]) && !strchr("_.-", s[i]))
			return false;
	return true;
}

/* "sha256:<at least 32 hex digits>"; the algorithm may be joined of several words. */
static bool digest_ok(const char *s)
{
	for (;; s++) {
		if (!is_alnum(*s) || (*s >= '0' && *s <= '9'))
			return false;
		while (is_alnum(*s))
			s++;
		if (!*s || !strchr("+._-", *s))
			break;
	}
	if (*s++ != ':')
		return false;
	size_t hex = strspn(s, "0123456789abcdefABCDEF");
	return hex >= 32 && !s[hex];
}

bool ns_image_ref_ok(const char *image)
{
	if (!image)
		return false;
	size_t n = strcspn(image, "@");
	if (image[n] && !digest_ok(image + n + 1))
		return false;
	size_t name = n;
	while (name && image[name - 1] != ':' && image[name - 1] != '/')
		name--;
	if (name && image[name - 1] == ':') {
		if (!tag_ok(image + name, n - name))
			return false;
		name--;
	} else {
		name = n;
	}
	return image_name(image, name);
}
