/* Passwords in addresses: scheme://user:password@host, user:password@tcp(host), thin:user/password@host. */
#include "redact_scan.h"

enum { LONGEST = 1024 }; /* of the part of an address that is searched */

static bool in_url(const redactor *r, size_t *secret, size_t *end)
{
	if (!starts(r, r->i, "://"))
		return false;
	enum { TOKEN_USER = 20 };
	size_t from = r->i + 3, colon = 0, amp = 0;
	for (size_t i = from; i < r->n && i - from < LONGEST && !strchr(" \t\r\n/?\"'<>`\\", r->s[i]) && (r->s[i] != '#' || colon); i++) {
		if (r->s[i] == ':' && !colon && !amp)
			colon = i;
		if (r->s[i] == '@')
			amp = i; /* the last one: a password may hold others */
	}
	*secret = colon ? colon + 1 : from; /* a long user without a password is a token */
	*end = amp;
	return amp && amp != *secret && (colon || amp - from >= TOKEN_USER) && !(at(r, *secret) == '$' && at(r, *secret + 1) == '{') &&
	       !starts(r, from, MARKER);
}

/* As the MySQL drivers of Go and Python write it: user:password@tcp(host). */
static bool in_dsn(const redactor *r, size_t *secret, size_t *end)
{
	bool bare = starts(r, r->i, "@/"); /* of the default host */
	if (!bare && !starts(r, r->i, "@tcp(") && !starts(r, r->i, "@unix("))
		return false;
	size_t from = r->i;
	while (from > r->flushed && r->i - from < LONGEST && !strchr(" \t\n\"'=", r->s[from - 1]))
		from--;
	const char *colon = memchr(r->s + from, ':', r->i - from);
	*secret = colon ? (size_t)(colon - r->s) + 1 : 0;
	*end = r->i;
	return colon && *secret < r->i && !(bare && memchr(r->s + from, '/', r->i - from));
}

/* Oracle: jdbc:oracle:thin:user/password@host, sqlplus user/password@service. */
static bool in_oracle(const redactor *r, size_t *secret, size_t *end)
{
	static const char *const leads[] = {
	    "oracle:thin:", "oracle:oci:", "oracle:oci8:", "sqlplus ", "sqlldr ", "expdp ", "impdp ", "rman target "};
	size_t i = r->i, slash = 0, amp = 0;
	for (size_t k = 0; k < sizeof leads / sizeof *leads && i == r->i; k++)
		if (starts(r, i, leads[k]))
			i += strlen(leads[k]);
	if (i == r->i)
		return false;
	for (size_t from = i; i < r->n && i - from < LONGEST && !amp && !strchr(" \t\r\n\"'", r->s[i]); i++) {
		if (r->s[i] == '/' && !slash)
			slash = i + 1;
		if (r->s[i] == '@')
			amp = i;
	}
	*secret = slash;
	*end = amp;
	return slash && amp > slash && !strchr("$<{", r->s[slash]);
}

bool ns_redact_url_password(const redactor *r, size_t *from, size_t *to)
{
	char c = r->s[r->i];
	bool found = c == ':' ? in_url(r, from, to) : c == '@' ? in_dsn(r, from, to) : ns_is_lower(c) && in_oracle(r, from, to);
	return found && !starts(r, *from, MARKER);
}
