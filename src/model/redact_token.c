/* Secrets that show by their own form: keys with a maker's prefix, JWTs, private keys, bearer tokens, long random base64. */
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "redact_priv.h"

static bool in_set(char c, const char *more)
{
	return ns_is_alnum(c) || (c && strchr(more, c));
}

static size_t run(const char *s, size_t n, size_t i, const char *more)
{
	size_t from = i;
	while (i < n && in_set(s[i], more))
		i++;
	return i - from;
}

/* The same, but no further than it takes to decide: a hostile text may begin such a run at every place. */
static size_t short_run(const char *s, size_t n, size_t i, const char *more)
{
	enum { ENOUGH = 512 };
	return run(s, n - i > ENOUGH ? i + ENOUGH : n, i, more);
}

static bool starts(const char *s, size_t n, size_t i, const char *prefix)
{
	size_t len = strlen(prefix);
	return n - i >= len && memcmp(s + i, prefix, len) == 0;
}

bool ns_redact_looks_random(const char *s, size_t n, size_t least)
{
	bool digit = false, lower = false, upper = false, padded = n && s[n - 1] == '=';
	for (size_t i = 0; i < n; i++) {
		digit = digit || ns_is_digit(s[i]);
		lower = lower || ns_is_lower(s[i]);
		upper = upper || (i && ns_is_upper(s[i])); /* a capital at the start is grammar */
	}
	return n >= least && (digit || padded || (lower && upper));
}

/* ---- makers' prefixes ---- */

/* `solid` is the least run of letters and digits without a break that must occur: object names are made of short parts. */
static const struct {
	const char *prefix, *more; /* further characters beside letters and digits */
	unsigned char least, solid;
	const char *kind;
} makers[] = {
    {"AKIA", "", 16, 16, "aws-key"},
    {"ASIA", "", 16, 16, "aws-key"},
    {"LTAI", "", 12, 12, "alibaba-key"},
    {"AKID", "", 28, 28, "tencent-key"},
    {"AIza", "_-", 30, 8, "google-key"},
    {"ya29.", "_-.", 20, 8, "google-token"},
    {"GOCSPX-", "_-", 20, 8, "google-secret"},
    {"sk-", "_-", 16, 16, "api-key"},
    {"sk_live_", "", 16, 16, "api-key"},
    {"sk_test_", "", 16, 16, "api-key"},
    {"rk_live_", "", 16, 16, "api-key"},
    {"whsec_", "", 16, 16, "api-key"},
    {"gsk_", "", 30, 30, "api-key"},
    {"xai-", "", 30, 30, "api-key"},
    {"hf_", "", 30, 30, "api-key"},
    {"r8_", "", 30, 30, "api-key"},
    {"ghp_", "", 20, 20, "github-token"},
    {"gho_", "", 20, 20, "github-token"},
    {"ghu_", "", 20, 20, "github-token"},
    {"ghs_", "", 20, 20, "github-token"},
    {"ghr_", "", 20, 20, "github-token"},
    {"github_pat_", "_", 20, 20, "github-token"},
    {"glpat-", "_-.", 16, 8, "gitlab-token"},
    {"gldt-", "_-", 16, 8, "gitlab-token"},
    {"glrt-", "_-", 16, 8, "gitlab-token"},
    {"glsa_", "_", 20, 20, "grafana-token"},
    {"xoxb-", "-", 8, 6, "slack-token"},
    {"xoxa-", "-", 8, 6, "slack-token"},
    {"xoxp-", "-", 8, 6, "slack-token"},
    {"xoxr-", "-", 8, 6, "slack-token"},
    {"xoxs-", "-", 8, 6, "slack-token"},
    {"xoxe-", "-", 8, 6, "slack-token"},
    {"xapp-", "-", 8, 6, "slack-token"},
    {"npm_", "", 30, 30, "npm-token"},
    {"pypi-", "_-", 32, 16, "pypi-token"},
    {"dckr_pat_", "_-", 16, 8, "docker-token"},
    {"hvs.", "_-", 20, 8, "vault-token"},
    {"hvb.", "_-", 20, 8, "vault-token"},
    {"dop_v1_", "", 32, 32, "digitalocean-token"},
    {"SG.", "_-.", 40, 8, "sendgrid-key"},
    {"shpat_", "", 32, 32, "shopify-token"},
    {"hooks.slack.com/services/", "/", 20, 8, "webhook"},
    {"discord.com/api/webhooks/", "/_-", 20, 8, "webhook"},
    {"AGE-SECRET-KEY-1", "", 20, 20, "age-key"},
    {"ATATT3", "_-=", 24, 8, "atlassian-token"},
    {"tskey-", "-", 16, 8, "tailscale-key"},
    {"SK", "", 32, 32, "twilio-key"},
    {"glcbt-", "_-", 16, 8, "gitlab-token"},
    {"glptt-", "_-", 16, 8, "gitlab-token"},
    {"glft-", "_-", 16, 8, "gitlab-token"},
    {"glimt-", "_-", 16, 8, "gitlab-token"},
    {"glsoat-", "_-", 16, 8, "gitlab-token"},
    {"gloas-", "_-", 16, 8, "gitlab-token"},
    {"glagent-", "_-", 16, 8, "gitlab-token"},
    {"glc_", "_=+/", 30, 8, "grafana-token"},
    {"dapi", "-", 32, 32, "databricks-token"},
    {"NRAK-", "", 24, 24, "newrelic-key"},
    {"NRJS-", "", 16, 16, "newrelic-key"},
    {"NRII-", "_-", 24, 8, "newrelic-key"},
    {"PMAK-", "-", 50, 20, "postman-key"},
    {"lin_api_", "", 30, 30, "linear-key"},
    {"figd_", "_-", 30, 8, "figma-token"},
    {"ntn_", "", 30, 30, "notion-token"},
    {"secret_", "", 40, 40, "notion-token"},
    {"pplx-", "", 30, 30, "api-key"},
    {"pcsk_", "_", 30, 16, "api-key"},
    {"lsv2_", "_", 30, 30, "api-key"},
    {"sk_", "", 40, 40, "api-key"},
    {"pk_live_", "", 16, 16, "api-key"},
    {"rk_test_", "", 16, 16, "api-key"},
    {"sq0atp-", "_-", 20, 8, "square-token"},
    {"sq0csp-", "_-", 30, 8, "square-token"},
    {"sntrys_", "_-=+/", 30, 8, "sentry-token"},
    {"sntryu_", "", 30, 30, "sentry-token"},
    {"sbp_", "", 30, 30, "supabase-token"},
    {"pul-", "", 40, 40, "pulumi-token"},
    {"rubygems_", "", 40, 40, "rubygems-token"},
    {"pscale_tkn_", "_-.=", 30, 8, "planetscale-token"},
    {"pscale_pw_", "_-.=", 30, 8, "planetscale-token"},
    {"pscale_oauth_", "_-.=", 30, 8, "planetscale-token"},
    {"squ_", "", 40, 40, "sonar-token"},
    {"sqp_", "", 40, 40, "sonar-token"},
    {"sqa_", "", 40, 40, "sonar-token"},
    {"doo_v1_", "", 32, 32, "digitalocean-token"},
    {"dor_v1_", "", 32, 32, "digitalocean-token"},
    {"dp.pt.", "", 40, 40, "doppler-token"},
    {"dp.st.", "_.-", 40, 30, "doppler-token"},
    {"dt0c01.", ".", 64, 20, "dynatrace-token"},
    {"dt0s01.", ".", 64, 20, "dynatrace-token"},
    {"xkeysib-", "-", 60, 30, "sendinblue-key"},
    {"key-", "", 32, 32, "mailgun-key"},
    {"shpca_", "", 32, 32, "shopify-token"},
    {"shppa_", "", 32, 32, "shopify-token"},
    {"shpss_", "", 32, 32, "shopify-token"},
    {"dckr_oat_", "_-", 16, 8, "docker-token"},
    {"ATCTT3", "_-=", 24, 8, "atlassian-token"},
    {"ATBB", "", 28, 28, "atlassian-token"},
    {"sha256~", "_-", 40, 8, "openshift-token"},
    {"AKCp", "", 60, 60, "artifactory-key"},
    {"cmVmdGtu", "", 50, 50, "artifactory-key"},
    {"CCIPAT_", "_", 40, 20, "circleci-token"},
    {"HRKU-", "_-", 36, 8, "heroku-key"},
    {"fo1_", "_-", 40, 20, "fly-token"},
    {"FlyV1 ", "_-=+/,", 60, 20, "fly-token"},
    {"rdme_", "", 60, 60, "api-key"},
    {"EAAA", "_-", 56, 20, "access-token"},
    {"1//0", "_-", 40, 8, "google-token"},
    {"AQVN", "_-", 35, 8, "yandex-key"},
    {"STS.N", "", 16, 16, "alibaba-key"},
    {"IQoJb3JpZ2lu", "+/=", 60, 16, "aws-session"},
    {"FwoGZXIvYXdz", "+/=", 60, 16, "aws-session"},
    {"ABIA", "", 16, 16, "aws-key"},
    {"hooks.zapier.com/hooks/catch/", "/", 10, 5, "webhook"},
    {"discordapp.com/api/webhooks/", "/_-", 20, 8, "webhook"},
    {"webhook.office.com/webhookb2/", "/@-", 40, 12, "webhook"},
    {"hooks.slack.com/workflows/", "/", 20, 8, "webhook"},
    {"oapi.dingtalk.com/robot/send?access_token=", "", 20, 20, "webhook"},
};

static bool has_solid(const char *s, size_t n, size_t least)
{
	size_t longest = 0, here = 0;
	for (size_t i = 0; i < n; i++) {
		here = ns_is_alnum(s[i]) ? here + 1 : 0;
		longest = here > longest ? here : longest;
	}
	return longest >= least;
}

static size_t maker_key(const char *s, size_t n, size_t i, const char **kind)
{
	for (size_t m = 0; m < sizeof makers / sizeof *makers; m++) {
		if (makers[m].prefix[0] != s[i] || !starts(s, n, i, makers[m].prefix))
			continue;
		size_t prefix = strlen(makers[m].prefix), body = short_run(s, n, i + prefix, makers[m].more);
		if (body >= makers[m].least && has_solid(s + i + prefix, body, makers[m].solid)) {
			*kind = makers[m].kind;
			return prefix + run(s, n, i + prefix, makers[m].more);
		}
	}
	return 0;
}

/* Vault's former form: s. and 24 of both cases and digits, where code would write a name. */
static size_t vault_service(const char *s, size_t n, size_t i)
{
	enum { BODY = 24, LEAST = 2 };
	size_t upper = 0, digits = 0, lower = 0;
	if (!starts(s, n, i, "s.") || short_run(s, n, i + 2, "") != BODY)
		return 0;
	for (size_t k = i + 2; k < i + 2 + BODY; k++) {
		upper += ns_is_upper(s[k]);
		lower += ns_is_lower(s[k]);
		digits += ns_is_digit(s[k]);
	}
	return upper >= LEAST && lower >= LEAST && digits ? 2 + BODY : 0;
}

/* Of Entra ID: three characters, a digit, "Q~" and 31 to 34 more. */
static size_t entra_secret(const char *s, size_t n, size_t i)
{
	enum { HEAD = 6, LEAST = 31 };
	if (n - i < HEAD + LEAST || !ns_is_digit(s[i + 3]) || !starts(s, n, i + 4, "Q~") || run(s, i + 3, i, "_~.-") != 3)
		return 0;
	size_t body = short_run(s, n, i + HEAD, "_~.-");
	return body >= LEAST ? HEAD + body : 0;
}

/* 123456789:AA… of Telegram, behind "bot" in its addresses. */
static size_t telegram(const char *s, size_t n, size_t i)
{
	size_t at = i + (starts(s, n, i, "bot") ? 3 : 0), digits = at;
	while (at < n && at - digits < 12 && ns_is_digit(s[at]))
		at++;
	if (at - digits < 8 || !starts(s, n, at, ":AA") || short_run(s, n, at + 1, "_-") < 34)
		return 0;
	return at + 1 + run(s, n, at + 1, "_-") - i;
}

/* header.payload.signature, each base64url; the header is JSON, so it begins with {" = eyJ. */
static size_t jwt(const char *s, size_t n, size_t i)
{
	if (!starts(s, n, i, "eyJ"))
		return 0;
	size_t head = short_run(s, n, i, "_-=");
	if (head < 10 || i + head >= n || s[i + head] != '.')
		return 0;
	size_t payload = short_run(s, n, i + head + 1, "_-=");
	return payload >= 8 ? run(s, n, i, "_-=.") : 0;
}

/* ---- private keys ---- */

static const char *find(const char *s, size_t n, const char *what)
{
	return memmem(s, n, what, strlen(what));
}

/* A whole block; without its end everything that follows is taken for key. */
static size_t private_key(const char *s, size_t n, size_t i)
{
	static const char begin[] = "-----BEGIN ", end[] = "-----END ", rule[] = "-----";
	if (!starts(s, n, i, begin))
		return 0;
	size_t label = i + sizeof begin - 1;
	const char *close = find(s + label, n - label, rule);
	size_t label_len = close ? (size_t)(close - (s + label)) : n - label;
	if (!find(s + label, label_len, "PRIVATE KEY"))
		return 0;
	const char *last = find(s + label, n - label, end);
	if (!last)
		return n - i;
	const char *after = last + sizeof end - 1;
	const char *stop = find(after, (size_t)(s + n - after), rule);
	return stop ? (size_t)(stop + sizeof rule - 1 - (s + i)) : n - i;
}

/* Where the base64 text (lines and padding too) that starts at i ends. */
static size_t base64_text_end(const char *s, size_t n, size_t i)
{
	while (i < n && (in_set(s[i], "+/") || (s[i] && strchr(" \t\r\n", s[i]))))
		i++;
	while (i < n && s[i] && strchr("= \t\r\n", s[i]))
		i++;
	return i;
}

size_t ns_redact_public_block(const char *s, size_t n, size_t i)
{
	static const char *const labels[] = {"CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY", "EC PARAMETERS", "CERTIFICATE REQUEST", "X509 CRL"};
	for (size_t k = 0; k < sizeof labels / sizeof *labels; k++) {
		char begin[64], end[64];
		snprintf(begin, sizeof begin, "-----BEGIN %s-----", labels[k]);
		snprintf(end, sizeof end, "-----END %s-----", labels[k]);
		if (!starts(s, n, i, begin))
			continue;
		size_t to = base64_text_end(s, n, i + strlen(begin)); /* not a search for the end mark: it may be a megabyte away, for every begin */
		if (starts(s, n, to, end))
			return to + strlen(end) - i;
	}
	return 0;
}

/* ---- base64 ---- */

enum { AWS_SECRET = 40 };

static const char base64_begin[] = "LS0tLS1CRUdJTi";             /* "-----BEGIN" */
static const char base64_certificate[] = "LS0tLS1CRUdJTiBDRVJU"; /* "-----BEGIN CERT": public */

static int class_of(char c)
{
	return ns_is_lower(c) ? 0 : ns_is_upper(c) ? 1 : ns_is_digit(c) ? 2 : 3;
}

/* Letters of both cases and digits, mixed as only chance mixes them: paths and camel case change class far more rarely. */
static bool mixed_by_chance(const char *s, size_t n)
{
	size_t count[4] = {0}, changes = 0;
	for (size_t i = 0; i < n; i++) {
		count[class_of(s[i])]++;
		changes += i && class_of(s[i]) != class_of(s[i - 1]);
	}
	if (count[0] < 5 || count[1] < 5)
		return false;
	if (n == AWS_SECRET) /* this length alone says much */
		return count[2] >= 1 && changes * 20 >= n * 7;
	return count[2] >= 3 && changes * 20 >= n * 9;
}

/* Base64 of what is a secret by its own form: AKIA…, ghp_…, eyJ…, postgres://…, {"auths": */
static bool is_coded_secret(const char *s, size_t n, size_t i, size_t len)
{
	static const char *const begins[] = {"QUtJQ", "QVNJQ", "Z2hwX", "Z2hzX", "Z2l0aHViX3BhdF", "c2tfbGl2ZV", "eG94Yi", "eG94cC", "Z2xwYXQt", "eyJhdXRocyI6", "ZXlKaGJHY2lPa",
	    "cG9zdGdyZXM6Ly", "cG9zdGdyZXNxbDovL", "bW9uZ29kYjovL", "bW9uZ29kYitzcnY6Ly", "bXlzcWw6Ly", "cmVkaXM6Ly", "YW1xcDovL"};
	enum { LEAST = 24 };
	for (size_t k = 0; k < sizeof begins / sizeof *begins && len >= LEAST; k++)
		if (starts(s, n, i, begins[k]))
			return true;
	return false;
}

/* What an SSH public key begins with. */
static bool is_ssh_public(const char *s, size_t n, size_t i)
{
	return starts(s, n, i, "AAAAB3NzaC1") || starts(s, n, i, "AAAAC3NzaC1") || starts(s, n, i, "AAAAE2VjZHNh");
}

static bool after_digest_name(const char *s, size_t i)
{
	static const char *const names[] = {"sha1-", "sha256-", "sha384-", "sha512-", "SHA256:", "sha256:", "h1:"};
	for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
		size_t len = strlen(names[k]);
		if (i >= len && memcmp(s + i - len, names[k], len) == 0)
			return true;
	}
	return false;
}

/* sha512-…: the "+" in it is no end of it. */
static bool is_digest(const char *s, size_t n, size_t i)
{
	return starts(s, n, i, "sha256-") || starts(s, n, i, "sha384-") || starts(s, n, i, "sha512-");
}

static size_t long_base64(const char *s, size_t n, size_t i, const char **kind)
{
	if (is_digest(s, n, i))
		return 0;
	size_t len = run(s, n, i, "+/");
	if (i + len < n && (s[i + len] == '-' || s[i + len] == '_'))
		len = run(s, n, i, "-_");
	while (i + len < n && s[i + len] == '=')
		len++;
	if (starts(s, n, i, base64_begin)) {
		*kind = "private-key";
		return starts(s, n, i, base64_certificate) ? 0 : len;
	}
	*kind = "random";
	if (is_coded_secret(s, n, i, len))
		return len;
	return len >= AWS_SECRET && !after_digest_name(s, i) && !is_ssh_public(s, n, i) && mixed_by_chance(s + i, len) ? len : 0;
}

/* ---- "Bearer x", "Basic x" ---- */

/* realm="x", expires_in=3600: a lower-case name in front of the sign, where padded base64 has anything else. */
static bool is_parameter(const char *s, size_t n)
{
	size_t name = 0;
	while (name < n && (ns_is_lower(s[name]) || s[name] == '_'))
		name++;
	return name < n && s[name] == '=' && (name + 1 == n || s[name + 1] != '=');
}

static size_t scheme_value(const char *s, size_t n, size_t i, const char *scheme, const char **kind, size_t *skip)
{
	size_t len = strlen(scheme), at = i + len;
	if (n - i <= len + 1 || (s[at] != ' ' && s[at] != '+'))
		return 0;
	for (size_t k = 0; k < len; k++)
		if ((s[i + k] | 0x20) != scheme[k])
			return 0;
	at++;
	size_t value = short_run(s, n, at, "._~+/=-:%");
	if (is_parameter(s + at, value))
		return 0;
	bool basic = scheme[1] == 'a';
	bool random = ns_redact_looks_random(s + at, value, 8) && (!basic || value % 4 == 0);
	if (!random && (basic || value < 24))
		return 0;
	*kind = scheme;
	*skip = len + 1;
	return len + 1 + run(s, n, at, "._~+/=-:%");
}

size_t ns_redact_token(const char *s, size_t n, size_t i, const char **kind, size_t *skip)
{
	char before = i ? s[i - 1] : ' ';
	size_t len;
	*skip = 0;
	if (s[i] == '-' && (len = private_key(s, n, i))) {
		*kind = "private-key";
		return len;
	}
	if (ns_is_alnum(before) || !ns_is_alnum(s[i]))
		return 0;
	if ((len = maker_key(s, n, i, kind)))
		return len;
	if (starts(s, n, i, "AC") && short_run(s, n, i, "") == 34 && i + 34 < n && s[i + 34] == ':' && short_run(s, n, i + 35, "") == 32) {
		*kind = "twilio-token"; /* account:token */
		*skip = 35;
		return 67;
	}
	if ((len = vault_service(s, n, i))) {
		*kind = "vault-token";
		return len;
	}
	if ((len = entra_secret(s, n, i))) {
		*kind = "azure-secret";
		return len;
	}
	if ((len = telegram(s, n, i))) {
		*kind = "telegram-token";
		return len;
	}
	if ((len = jwt(s, n, i))) {
		*kind = "jwt";
		return len;
	}
	if ((len = scheme_value(s, n, i, "bearer", kind, skip)) || (len = scheme_value(s, n, i, "basic", kind, skip)))
		return len;
	bool inside = before && strchr("+/=_-.", before); /* of a longer token that was judged at its start */
	return inside && before != '=' ? 0 : long_base64(s, n, i, kind);
}
