/* Whether the value of a secret's name is the secret: not a state ("token: expired"), not a reference ("secret=shop/db-login"), not
 * a placeholder ("${DB_PASSWORD}"), not the rest of a sentence ("password: must be longer"). */
#include <string.h>

#include "neuroscale/base/text.h"
#include "redact_priv.h"

enum { LONGEST_WORD = 4096 };

static bool is_one_of(const char *v, size_t n, const char *const *list)
{
	char word[24];
	while (n && strchr(".,;:!)", v[n - 1]))
		n--;
	if (!n || n >= sizeof word)
		return false;
	memcpy(word, v, n);
	word[n] = '\0';
	for (; *list; list++)
		if (ns_ieq(word, *list))
			return true;
	return false;
}

static const char *const states[] = {"true", "false", "null", "nil", "none", "undefined", "yes", "no", "on", "off", "enabled", "disabled",
    "empty", "unset", "missing", "required", "invalid", "expired", "string", "n/a",
    "redacted", "masked", "hidden", "filtered", "removed", NULL};

/* In a loose place these are the beginning of a sentence or an error, not a value. */
static const char *const sentence_words[] = {"revoked", "rejected", "denied", "failed", "failure", "error", "unauthorized",
    "unauthenticated", "forbidden", "unknown", "incorrect", "wrong", "mismatch", "bad", "valid", "present", "absent", "optional", "not",
    "is", "was", "has", "cannot", "could", "must", "should", "may", "will", "the", "a", "an", "for", "from", "with", "and", "or", "to",
    "in", "of", "at", "by", "unable", "unsupported", "unexpected", "malformed", "changed", "updated", "rotated", "created", "deleted",
    "configured", "found", "hidden", "masked", "redacted", "ok", "set", "object", "array", "authentication", "notfound", "timeout",
    "refused", "skipped", "ready", "bearer", "basic", "oauth2", "oidc", NULL};

/* "****", "xxxx", "....", and the "|" or ">-" of a YAML block that has no lines. */
static bool is_mask(const char *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr("*xX.-#?|>\"'", v[i]))
			return false;
	return true;
}

static bool begins(const char *v, size_t n, const char *prefix)
{
	size_t len = strlen(prefix);
	return n >= len && memcmp(v, prefix, len) == 0;
}

/* --token=TOKEN, password=YOUR_PASSWORD: a usage text. */
static bool names_itself(const char *v, size_t n)
{
	static const char *const words[] = {"TOKEN", "PASSWORD", "SECRET", "KEY"};
	for (size_t i = 0; i < n; i++)
		if (!ns_is_upper(v[i]) && v[i] != '_')
			return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (n >= strlen(words[i]) && begins(v + n - strlen(words[i]), strlen(words[i]), words[i]))
			return true;
	return false;
}

static bool is_placeholder(const char *v, size_t n)
{
	static const char *const prefixes[] = {"${", "$(", "{{", "%(", "<", "[redacted", "[REDACTED", "(redacted", "(sensitive", "(known after", "(*", "0xc0", "{", "[", "map["};
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (begins(v, n, prefixes[i]))
			return true;
	if (names_itself(v, n))
		return true;
	if (*v != '$' || n < 2)
		return false;
	for (size_t i = 1; i < n; i++) /* $DB_PASSWORD, but not $2a$10$… */
		if (!ns_is_letter(v[i]) && v[i] != '_' && !(i > 1 && ns_is_digit(v[i])))
			return false;
	return true;
}

/* "/var/run/secrets/token", "ca.pem", "https://…" (its own password is found where it stands). */
static bool is_path_or_url(const char *v, size_t n)
{
	static const char *const files[] = {".pem", ".crt", ".key", ".txt", ".json", ".yaml", ".yml", ".conf"};
	size_t odd = 0;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (n > strlen(files[i]) && begins(v + n - strlen(files[i]), strlen(files[i]), files[i]))
			return true;
	if (memmem(v, n, "://", 3))
		return true;
	if (!(begins(v, n, "/") || begins(v, n, "./") || begins(v, n, "../") || begins(v, n, "~/")))
		return false;
	for (size_t i = 0; i < n; i++)
		odd += ns_is_digit(v[i]) || (v[i] >= 'A' && v[i] <= 'Z') || v[i] == '+' || v[i] == '=';
	return odd * 4 < n || n < 3;
}

/* Without the five letters of a generated name, whose alphabet has no vowels and no 0, 1, 3. */
static size_t without_suffix(const char *v, size_t n)
{
	enum { SUFFIX = 5 };
	if (n < SUFFIX + 3 || v[n - SUFFIX - 1] != '-')
		return n;
	for (size_t i = n - SUFFIX; i < n; i++)
		if (!strchr("bcdfghjklmnpqrstvwxz2456789", v[i]))
			return n;
	return n - SUFFIX;
}

/* "db-login", "shop/db-login": what a controller logs under "secret". A random value has digits among its letters. */
static bool is_object_name(const char *v, size_t n)
{
	n = without_suffix(v, n);
	bool joined = false;
	size_t digits = 0, part = 0, mixed = 0;
	for (size_t i = 0; i < n; i++) {
		char c = v[i];
		mixed += i && ns_is_digit(c) != ns_is_digit(v[i - 1]) && ns_is_alnum(v[i - 1]) && ns_is_alnum(c);
		bool joint = c == '-' || c == '/' || c == '.';
		if (!joint && !ns_is_digit(c) && !(c >= 'a' && c <= 'z'))
			return false;
		joined = joined || (joint && i);
		digits += ns_is_digit(c);
		part = joint ? 0 : part + 1;
		if (part > 16)
			return false;
	}
	return joined && (digits * 4 <= n || (!mixed && ns_is_lower(*v) && digits <= 4));
}

static bool is_number(const char *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ns_is_digit(v[i]))
			return false;
	return true;
}

static bool is_plain_word(const char *v, size_t n)
{
	while (n && strchr(".,;:!)", v[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++)
		if (!((v[i] >= 'a' && v[i] <= 'z') || (i == 0 && ns_is_letter(v[0])) || v[i] == '\'' || (v[i] == '-' && i)))
			return false;
	return true;
}

/* Another word follows in the same line, and it is not the name of the next pair. */
static bool sentence_goes_on(const char *s, size_t n, size_t at)
{
	if (at >= n || s[at] != ' ')
		return false;
	while (at < n && s[at] == ' ')
		at++;
	size_t from = at;
	while (at < n && (ns_is_letter(s[at]) || ns_is_digit(s[at]) || s[at] == '_' || s[at] == '.' || s[at] == '-'))
		at++;
	if (at == from)
		return from < n && (s[from] == '"' || s[from] == '\'' || s[from] == '(');
	return at >= n || (s[at] != '=' && s[at] != ':');
}

/* password=must not be empty, {"password": "is too short"}: what a validation says. */
static bool is_complaint(const char *s, size_t n, size_t from, size_t to, bool quoted)
{
	static const char *const verbs[] = {"is", "must", "not", "cannot", "can't", "should", "was", "has", "does", "may", "too", "failed", "incorrect", "wrong", "doesn't",
	    "didn't", "invalid", "missing", "required", "expired", NULL};
	size_t word = from;
	while (word < n && (ns_is_letter(s[word]) || s[word] == '\''))
		word++;
	if (word == from || word >= n || s[word] != ' ' || !is_one_of(s + from, word - from, verbs))
		return false;
	if (!quoted)
		return word == to && sentence_goes_on(s, n, to);
	for (size_t i = word; i < to; i++)
		if (!ns_is_letter(s[i]) && !ns_is_digit(s[i]) && !strchr(" ,.'-()", s[i]))
			return false;
	return true;
}

static bool named_as_missing(const char *s, size_t n, size_t to)
{
	static const char *const tails[] = {" not found", " does not exist", " is forbidden", " already exists"};
	size_t at = to + (to < n && (s[to] == '"' || s[to] == '\''));
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
		if (at < n && begins(s + at, n - at, tails[i]))
			return true;
	return false;
}

/* 123456, 123-456, 7XK29Q */
static bool is_code(const char *v, size_t n)
{
	size_t digits = 0, odd = 0;
	for (size_t i = 0; i < n; i++) {
		digits += ns_is_digit(v[i]);
		odd += !ns_is_alnum(v[i]) && v[i] != '-';
	}
	return n >= 4 && n <= 24 && !odd && (digits >= 4 || (n >= 6 && digits >= 2 && ns_redact_looks_random(v, n, 6)));
}

bool ns_redact_value(const ns_value_context *c, const char *s, size_t n, size_t from, size_t to)
{
	const char *v = s + from;
	size_t len = to - from;
	const ns_key_strength strength = c->key.strength;
	if (len > LONGEST_WORD)
		return true; /* no state, name or sentence is that long */
	if (!len || is_mask(v, len) || is_placeholder(v, len) || is_path_or_url(v, len) || is_one_of(v, len, states))
		return false;
	if (is_number(v, len) && begins(s + to, n - to, " bytes")) /* kubectl describe secret */
		return false;
	if (c->key.plural && strength < NS_KEY_STRONG && is_object_name(v, len))
		return false;
	if (is_complaint(s, n, from, to, c->value_quoted))
		return false;
	if (strength == NS_KEY_WEAK && c->key.setting && (memchr(v, '.', len) || !ns_redact_looks_random(v, len, 16)))
		return false; /* S3_KEY=dump/2026.gz */
	if (strength == NS_KEY_WEAK)
		return ns_redact_looks_random(v, len, 8);
	if (strength == NS_KEY_CODE)
		return is_code(v, len);
	if (strength == NS_KEY_NOUN) {
		if (is_number(v, len) && len < 6)
			return false;
		if ((c->key.bare || c->key.reference) && strcmp(c->key.kind, "token") != 0 && is_object_name(v, len))
			return false;
		if (c->after_word && c->loose && !ns_redact_looks_random(v, len, 6))
			return false;
		if (named_as_missing(s, n, to))
			return false;
	}
	if (c->loose && !c->value_quoted) {
		if (is_one_of(v, len, sentence_words))
			return false;
		if (is_plain_word(v, len) && sentence_goes_on(s, n, to))
			return false;
	}
	return true;
}
