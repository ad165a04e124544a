/* Which names announce a secret. A name is split into its words ("dbPassword", "DB_PASSWORD", "db.password"), and its last words
 * decide: "token" is a secret, "tokenFile" is a path, "secretName" is a reference. */
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "redact_priv.h"

enum { WORDS_MAX = 192 };

typedef struct words {
	char text[WORDS_MAX]; /* " db password": lower case, each with a space in front */
	size_t len, count;
} words;

/* A word begins at a capital after a small letter, and at the last capital of a run that a small letter follows ("APIKey"). */
static bool begins_word(const char *s, size_t n, size_t i)
{
	if (i == 0 || !(ns_is_upper(s[i - 1]) || ns_is_lower(s[i - 1]) || ns_is_digit(s[i - 1])))
		return true;
	if (!ns_is_upper(s[i]))
		return false;
	return !ns_is_upper(s[i - 1]) || (i + 1 < n && ns_is_lower(s[i + 1]));
}

static void split(words *w, const char *s, size_t n)
{
	*w = (words){0};
	if (n > WORDS_MAX / 2) { /* the end decides */
		s += n - WORDS_MAX / 2;
		n = WORDS_MAX / 2;
	}
	for (size_t i = 0; i < n && w->len + 2 < sizeof w->text; i++) {
		if (!ns_is_upper(s[i]) && !ns_is_lower(s[i])) /* digits number a name, they do not change it */
			continue;
		if (begins_word(s, n, i)) {
			w->text[w->len++] = ' ';
			w->count++;
		}
		w->text[w->len++] = (char)(s[i] | 0x20);
	}
}

static bool ends_in(const words *w, const char *suffix)
{
	size_t n = strlen(suffix);
	return w->len >= n && w->text[w->len - 1] == suffix[n - 1] && memcmp(w->text + w->len - n, suffix, n) == 0;
}

/* "env[DB_PASSWORD].value" is about the password. */
static void drop_carriers(words *w)
{
	static const char *const carriers[] = {" value", " data", " plain", " plaintext", " raw", " base64", " string", " text", " b"};
	for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++)
		if (w->count > 1 && ends_in(w, carriers[i])) {
			w->len -= strlen(carriers[i]);
			w->text[w->len] = '\0';
			w->count--;
			i = (size_t)-1; /* there may be two */
		}
}

/* A suffix with a space in front is whole words, one without may be glued ("dbpassword"). First match decides. */
static const struct {
	const char *suffix;
	ns_key_strength strength;
	const char *kind;
} endings[] = {
    {" page token", NS_KEY_HARMLESS, ""},
    {" next token", NS_KEY_HARMLESS, ""},
    {" continue token", NS_KEY_HARMLESS, ""},
    {" continuation token", NS_KEY_HARMLESS, ""},
    {" automount service account token", NS_KEY_HARMLESS, ""},
    {" progress token", NS_KEY_HARMLESS, ""},
    {" public key", NS_KEY_HARMLESS, ""},
    {"password", NS_KEY_STRONG, "password"},
    {"passwd", NS_KEY_STRONG, "password"},
    {"passphrase", NS_KEY_STRONG, "password"},
    {" password hash", NS_KEY_STRONG, "password"},
    {"pwd", NS_KEY_STRONG, "password"},
    {" pass", NS_KEY_STRONG, "password"},
    {" psk", NS_KEY_STRONG, "password"},
    {"pw", NS_KEY_STRONG, "password"},
    {"requirepass", NS_KEY_STRONG, "password"},
    {"smtppass", NS_KEY_STRONG, "password"},
    {"dbpass", NS_KEY_STRONG, "password"},
    {"rootpass", NS_KEY_STRONG, "password"},
    {"userpass", NS_KEY_STRONG, "password"},
    {"adminpass", NS_KEY_STRONG, "password"},
    {"authpass", NS_KEY_STRONG, "password"},
    {"keypass", NS_KEY_STRONG, "password"},
    {"storepass", NS_KEY_STRONG, "password"},
    {"mailpass", NS_KEY_STRONG, "password"},
    {"masterauth", NS_KEY_STRONG, "password"},
    {"secret", NS_KEY_NOUN, "secret"},
    {" secret id", NS_KEY_STRONG, "secret"},
    {"token", NS_KEY_NOUN, "token"},
    {"apikey", NS_KEY_STRONG, "api-key"},
    {" api key", NS_KEY_STRONG, "api-key"},
    {"accesskey", NS_KEY_STRONG, "access-key"},
    {" access key", NS_KEY_STRONG, "access-key"},
    {" access key id", NS_KEY_STRONG, "access-key"},
    {" accesskey id", NS_KEY_STRONG, "access-key"},
    {"secretkey", NS_KEY_STRONG, "secret"},
    {" secret key", NS_KEY_STRONG, "secret"},
    {"privatekey", NS_KEY_STRONG, "private-key"},
    {" secret key base", NS_KEY_STRONG, "secret"},
    {" private key", NS_KEY_STRONG, "private-key"},
    {" encryption key", NS_KEY_STRONG, "secret"},
    {" signing key", NS_KEY_STRONG, "secret"},
    {" account key", NS_KEY_STRONG, "secret"},
    {" master key", NS_KEY_STRONG, "secret"},
    {" shared key", NS_KEY_STRONG, "secret"},
    {" storage key", NS_KEY_STRONG, "secret"},
    {" subscription key", NS_KEY_STRONG, "secret"},
    {" auth key", NS_KEY_STRONG, "secret"},
    {" hmac key", NS_KEY_STRONG, "secret"},
    {" ingestion key", NS_KEY_WEAK, "api-key"},
    {" integration key", NS_KEY_WEAK, "api-key"},
    {" license key", NS_KEY_WEAK, "api-key"},
    {" application key", NS_KEY_WEAK, "api-key"},
    {" app key", NS_KEY_WEAK, "api-key"},
    {" aes key", NS_KEY_STRONG, "secret"},
    {" cookie key", NS_KEY_STRONG, "secret"},
    {" session key", NS_KEY_STRONG, "secret"},
    {" webhook key", NS_KEY_STRONG, "secret"},
    {"credential", NS_KEY_NOUN, "credential"},
    {"credentials", NS_KEY_NOUN, "credential"},
    {" creds", NS_KEY_NOUN, "credential"},
    {" authorization", NS_KEY_HEADER, "authorization"},
    {" cookie", NS_KEY_HEADER, "cookie"},
    {" amz signature", NS_KEY_WEAK, "signature"},
    {" goog signature", NS_KEY_WEAK, "signature"},
    {"dockerconfigjson", NS_KEY_WEAK, "credential"},
    {"dockercfg", NS_KEY_WEAK, "credential"},
    {" sig", NS_KEY_WEAK, "signature"},
    {" auth", NS_KEY_WEAK, "credential"},
    {" connection string", NS_KEY_WEAK, "credential"},
    {" jwt", NS_KEY_WEAK, "token"},
    {" otp", NS_KEY_CODE, "code"},
    {" totp", NS_KEY_CODE, "code"},
    {" mfa", NS_KEY_CODE, "code"},
    {" otp code", NS_KEY_CODE, "code"},
    {" totp code", NS_KEY_CODE, "code"},
    {" mfa code", NS_KEY_CODE, "code"},
    {" fa code", NS_KEY_CODE, "code"}, /* 2fa: digits are no part of a name */
    {" sms code", NS_KEY_CODE, "code"},
    {" verification code", NS_KEY_CODE, "code"},
    {" verify code", NS_KEY_CODE, "code"},
    {" confirmation code", NS_KEY_CODE, "code"},
    {" security code", NS_KEY_CODE, "code"},
    {" login code", NS_KEY_CODE, "code"},
    {" auth code", NS_KEY_CODE, "code"},
    {" access code", NS_KEY_CODE, "code"},
    {" recovery code", NS_KEY_CODE, "code"},
    {" backup code", NS_KEY_CODE, "code"},
    {" time code", NS_KEY_CODE, "code"},
    {" factor code", NS_KEY_CODE, "code"},
    {" passcode", NS_KEY_CODE, "code"},
    {" pin", NS_KEY_CODE, "code"},
    {" pincode", NS_KEY_CODE, "code"},
    {" cvv", NS_KEY_CODE, "code"},
};

/* Names in capitals are settings: STRIPE_KEY holds a key, cache_key a name. */
static bool is_setting(const char *s, size_t n)
{
	bool joined = false;
	for (size_t i = 0; i < n; i++) {
		joined |= s[i] == '_';
		if (ns_is_lower(s[i]))
			return false;
	}
	return joined;
}

static bool any_ending(const words *w, const char *const *list)
{
	for (; *list; list++)
		if (ends_in(w, *list))
			return true;
	return false;
}

ns_key_info ns_redact_key(const char *key, size_t n)
{
	static const char *const plurals[] = {"passwords", " tokens", " secrets", " api keys", " access keys", " secret keys", " private keys", " recovery codes",
	    " backup codes", "passphrases", " cookies", NULL};
	static const char *const names[] = {" cache key", " partition key", " primary key", " sort key", " object key", " foreign key", " lock key",
	    " idempotency key", " hash key", " bucket key", " row key", " s key", NULL};
	static const char *const references[] = {" existing secret", " tls secret", " pull secret", " certificate secret", " cert secret", " ca secret",
	    " credentials secret", " auth secret", " password secret", " user secret", " from secret", " target secret", NULL};
	words w;
	split(&w, key, n);
	drop_carriers(&w);
	ns_key_info info = {.bare = w.count == 1, .kind = "", .plural = any_ending(&w, plurals), .reference = any_ending(&w, references)};
	if (info.plural)
		w.text[--w.len] = '\0';
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (ends_in(&w, endings[i].suffix)) {
			info.strength = endings[i].strength;
			info.kind = endings[i].kind;
			return info;
		}
	if (w.count > 1 && ends_in(&w, " key") && is_setting(key, n) && !any_ending(&w, names)) {
		info.strength = NS_KEY_WEAK;
		info.kind = "secret";
		info.setting = true;
	}
	return info;
}
