/* Secrets that a sentence tells: password 'x', "the password is x", "your one-time code is 123456", machine h login u password x. */
#include <ctype.h>
#include <strings.h>

#include "redact_scan.h"

enum { LOOK_BACK = 160, LOOK_AHEAD = 64 };

static bool leads(const redactor *r, size_t i, const char *lead)
{
	size_t len = strlen(lead);
	return (at(r, i) | 0x20) == (lead[0] | 0x20) && r->n - i >= len && strncasecmp(r->s + i, lead, len) == 0;
}

/* password 'x', IDENTIFIED BY 'x' */
static bool quoted_password(const redactor *r, size_t *from, size_t *to)
{
	static const char *const words[] = {"password ", "passwd ", "pwd ", "passphrase ", "identified by ", "password("};
	for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
		size_t slashes, value = r->i + strlen(words[k]);
		if (!leads(r, r->i, words[k]) || !ns_redact_open_quote(r, &value, &slashes))
			continue;
		*from = value;
		*to = ns_redact_close_quote(r, value, r->s[value - 1], slashes);
		return *to > value && !starts(r, value, MARKER);
	}
	return false;
}

static bool line_holds(const redactor *r, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = r->i; i && r->i - i < LOOK_BACK && r->s[i - 1] != '\n'; i--)
		if (r->i - i + 1 >= len && (r->s[i - 1] | 0x20) == word[0] && strncasecmp(r->s + i - 1, word, len) == 0)
			return true;
	return false;
}

bool ns_redact_mixes_digits(const char *s, size_t n)
{
	enum { LEAST = 8 };
	bool digit = false, letter = false;
	for (size_t i = 0; i < n; i++) {
		digit |= ns_is_digit(s[i]);
		letter |= ns_is_letter(s[i]);
	}
	return n >= LEAST && digit && letter;
}

bool ns_redact_names_user(const redactor *r)
{
	return line_holds(r, "user") || line_holds(r, "login");
}

/* Words that are followed by the secret itself. */
static bool told_password(const redactor *r, size_t *from, size_t *to)
{
	/* guess: only what chance made is taken for the secret; else it is a sentence. */
	static const struct {
		const char *lead;
		bool netrc, guess;
	} rows[] = {{"requirepass ", false, false}, {"masterauth ", false, false}, {"password ", true, false}, {"password ", false, true},
	    {"password\t", false, true}, {"password is ", false, true}, {"password was ", false, true}, {"password to ", false, true},
	    {"password -> ", false, true}, {"passwd ", false, true}, {"pwd ", false, true}, {"pass ", false, true}, {"pw ", false, true},
	    {"pw: ", false, true}, {"passphrase is ", false, true}, {"passphrase ", false, true}, {"secret key: ", false, true},
	    {"secret key is ", false, true}, {"access key: ", false, true}, {"api key: ", false, true}, {"api key is ", false, true},
	    {"api key ", false, true}, {"apikey ", false, true}, {"aws_secret_access_key ", false, true}, {"token is ", false, true},
	    {"token was ", false, true}, {"secret is ", false, true}, {"client secret ", false, true}, {"operator unseal ", false, true}};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		if (!leads(r, r->i, rows[k].lead) || (rows[k].netrc && !(line_holds(r, "login ") && line_holds(r, "machine "))))
			continue;
		size_t value = skip_blank(r, r->i + strlen(rows[k].lead));
		value += is_quote(at(r, value));
		*from = value;
		*to = ns_redact_bare_end(r, value, NAME_LOOK);
		ns_value_context c = {.key = {.strength = NS_KEY_STRONG, .kind = "password", .bare = true}, .loose = true};
		if (*to == value || (rows[k].guess && !ns_redact_mixes_digits(r->s + value, *to - value)))
			continue;
		return !starts(r, value, MARKER) && ns_redact_value(&c, r->s, r->n, value, *to);
	}
	return false;
}

/* ---- one-time codes ---- */

enum { CODE_LEAST = 4, CODE_MOST = 8 };

/* 123456, 123-456, 123 456: the length with what joins it, 0 when it is another number. */
static size_t code_length(const redactor *r, size_t i)
{
	size_t k = i, digits = 0;
	while (ns_is_digit(at(r, k)) || (digits == 3 && (at(r, k) == '-' || at(r, k) == ' ') && ns_is_digit(at(r, k + 1)))) {
		digits += ns_is_digit(at(r, k));
		k++;
	}
	bool ends = !ns_is_alnum(at(r, k)) && !(strchr(".,:/%_-", at(r, k)) && ns_is_alnum(at(r, k + 1)));
	return ends && digits >= CODE_LEAST && digits <= CODE_MOST ? k - i : 0;
}

static bool word_is(const char *s, size_t n, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == n && strncasecmp(s, *list, n) == 0)
			return true;
	return false;
}

/* "one-time code for bob is 123456": only words that may stand between the two. */
static bool told_code(const redactor *r, size_t *from, size_t *to)
{
	static const char *const names[] = {"otp", "totp", "one-time code", "one time code", "one-time password", "one time password",
	    "one-time passcode", "one-time pin", "verification code", "confirmation code", "authentication code", "authenticator code",
	    "security code", "login code", "sign-in code", "access code", "auth code", "recovery code", "backup code", "sms code",
	    "passcode", "2fa code", "2fa", "mfa code", "mfa", "pin code", "pin is"};
	static const char *const between[] = {"is", "was", "are", "code", "value", "number", "sent", "entered", "received", "submitted",
	    "provided", "given", "got", "generated", "expected", "your", "the", "token", NULL};
	static const char *const to_whom[] = {"for", "to", "user", "by", "from", NULL};
	size_t i = 0;
	for (size_t k = 0; k < sizeof names / sizeof *names && !i; k++)
		if (leads(r, r->i, names[k]) && !ns_is_alnum(at(r, r->i + strlen(names[k]))))
			i = r->i + strlen(names[k]);
	bool a_name = false;
	for (size_t begin = i; i && i < r->n && i - begin < LOOK_AHEAD;) {
		while (strchr(" \t:=#\"'([*`<>", at(r, i)) && at(r, i))
			i++;
		size_t word = i, code = a_name ? 0 : code_length(r, i);
		if (code) {
			*from = i;
			*to = i + code;
			return true;
		}
		while (ns_is_alnum(at(r, i)) || (a_name && strchr("_-.@+", at(r, i)) && at(r, i)))
			i++;
		if (i == word)
			return false;
		bool whom = word_is(r->s + word, i - word, to_whom);
		if (!a_name && !whom && !word_is(r->s + word, i - word, between))
			return false;
		a_name = whom;
	}
	return false;
}

/* "123456 is your code" */
static bool code_before(const redactor *r, size_t *from, size_t *to)
{
	static const char *const words[] = {"code", "otp", "pin", "passcode", "password"};
	size_t len = ns_is_digit(r->s[r->i]) ? code_length(r, r->i) : 0, i = r->i + len;
	if (!len || !(leads(r, i, " is your ") || leads(r, i, " is the ")))
		return false;
	*from = r->i;
	*to = i;
	for (size_t end = i + LOOK_AHEAD; i < end && !is_end_of_line(r, i); i++)
		for (size_t k = 0; k < sizeof words / sizeof *words; k++)
			if (r->s[i] == ' ' && leads(r, i + 1, words[k]))
				return true;
	return false;
}

/* …?code=…&state=…: what OAuth hands out is as good as a password, and so is the signature of an address. */
static bool query_code(const redactor *r, size_t *from, size_t *to)
{
	enum { LEAST = 16 };
	static const char *const names[] = {"code=", "Signature=", "signature=", "hmac=", "ticket="};
	if (!r->i || !strchr("?&", r->s[r->i - 1]))
		return false;
	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		if (!starts(r, r->i, names[k]))
			continue;
		*from = r->i + strlen(names[k]);
		*to = ns_redact_bare_end(r, *from, VALUE_LOOK);
		return *to - *from >= LEAST && ns_redact_mixes_digits(r->s + *from, *to - *from) && !starts(r, *from, MARKER);
	}
	return false;
}

bool ns_redact_told(const redactor *r, size_t *from, size_t *to)
{
	static const char firsts[] = "2abcilmoprstvh"; /* of all that is looked for, but for digits */
	char c = r->s[r->i];
	if (!ns_is_alnum(c) || (r->i && is_name_char(r->s[r->i - 1])) || !(ns_is_digit(c) || strchr(firsts, c | 0x20)))
		return false;
	return quoted_password(r, from, to) || told_password(r, from, to) || told_code(r, from, to) || code_before(r, from, to) ||
	       query_code(r, from, to);
}
