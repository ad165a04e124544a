/* Redaction measured: made-up secrets of every maker in every place that logs, manifests, environments, URLs and shell lines have, and as many
 * harmless values that look alike. The figures are printed; at least 99 of 100 secrets go, at most 1 of 100 harmless values. */
#include "support/test.h"

#include "neuroscale/base/text.h"
#include "neuroscale/model/redact.h"

static uint64_t seed;

static unsigned below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

/* A pattern: text, and "<Xn>" for n characters of a set: h hex, d digit, a lower letter or digit, A upper letter or digit, w any letter or digit, b base64,
 * u base64url, p what passwords are made of. */
static void make(const char *pattern, char *out)
{
	static const char *const sets[128] = {['h'] = "0123456789abcdef", ['d'] = "0123456789", ['a'] = "abcdefghijklmnopqrstuvwxyz0123456789",
	    ['A'] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ['w'] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
	    ['b'] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/",
	    ['u'] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_",
	    ['p'] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!%+~"};
	while (*pattern) {
		if (*pattern != '<') {
			*out++ = *pattern++;
			continue;
		}
		const char *set = sets[pattern[1] & 127];
		char *end;
		for (size_t n = strtoul(pattern + 2, &end, 10); n; n--)
			*out++ = set[below((unsigned)strlen(set))];
		pattern = end + 1;
	}
	*out = '\0';
}

/* Where the maker's form alone must be enough. */
static const char *const tokens[] = {
    "AKIA<A16>", "ASIA<A16>", "LTAI5t<w18>", "AKID<w32>", "AIza<u35>", "ghp_<w36>", "ghs_<w36>", "gho_<w36>", "github_pat_<w22>_<w59>", "glpat-<w20>", "xoxb-<d12>-<d13>-<w24>",
    "xoxp-<d12>-<d12>-<d13>-<h32>", "xapp-1-<A11>-<d13>-<h64>", "npm_<w36>", "pypi-AgEIcHlwaS5vcmc<w70>", "sk_live_<w24>", "rk_live_<w24>", "sk_test_<w24>", "SG.<u22>.<u43>", "SK<h32>", "sk-<h32>",
    "sk-proj-<w48>", "sk-ws-<w40>", "sk-ant-api03-<w60>", "hvs.<w24>", "dckr_pat_<w27>", "dop_v1_<h64>", "glsa_<w32>_<h8>", "GOCSPX-<w28>", "ya29.<w60>", "hf_<w34>", "eyJ<w33>.eyJ<w60>.<u43>",
    "glrt-<w20>", "shpat_<h32>", "ATATT3<w60>", "https://hooks.slack.com/services/T<A8>/B<A8>/<w24>",
};
#define N(a) (sizeof(a) / sizeof *(a))

/* Places for a token. */
static const char *const places[] = {
    "%s", "using key %s for upload", "error: invalid credentials \"%s\" (401)", "{\"level\":\"error\",\"msg\":\"auth failed\",\"value\":\"%s\"}", "value: %s", "- name: X\n  value: \"%s\"",
    "FOO=%s", "export FOO='%s'", "https://api.example.com/v1?x=%s&y=1", "curl -H 'X-Thing: %s' https://api/", "2026-11-23T02:47:09Z stdout F got %s from vault", "args: [\"--foo=%s\"]",
    "\x1b[31m%s\x1b[0m rejected", "(%s)", "<%s>", "a=%s;b=2", "{\\\"k\\\":\\\"%s\\\"}", "helm upgrade --set a.b=%s app", "  %s  ", "key:%s,", "`%s`", "\"%s\",\n\"other\"",
};

/* Places that announce a password. */
static const char *const announced[] = {
    "password=%s", "PASSWORD=%s", "DB_PASSWORD=%s", "db.password: %s", "password: \"%s\"", "\"password\":\"%s\"", "\"password\": {\"value\": \"%s\"}", "\"db_password\":{\n  \"value\":\n    \"%s\"}",
    "spring.datasource.password=%s", "PGPASSWORD=%s psql -h db", "MYSQL_PWD=%s mysqldump app", "mysql -u root -p%s -h db app", "mysqldump -h db -uroot -p%s app", "psql postgresql://app:%s@db:5432/app",
    "redis-cli -a %s ping", "redis-cli -h r -a %s get x", "curl -u admin:%s https://x/", "curl --user admin:%s https://x/", "curl -s -uadmin:%s https://x/", "wget --password=%s https://x/",
    "kubectl create secret generic db --from-literal=password=%s", "kubectl create secret generic db --from-literal user=%s", "docker login -u bob -p %s reg.io", "helm install x --set auth.password=%s",
    "sshpass -p %s ssh host", "sshpass -p'%s' ssh host", "Server=db;Database=a;User Id=sa;Password=%s;", "Server=db;Uid=sa;Pwd=%s", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=%s;EndpointSuffix=core.windows.net",
    "Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=%s", "amqp://guest:%s@rabbit:5672/", "redis://:%s@redis:6379/0", "mongodb+srv://svc:%s@c0.example.net/app",
    "https://bob:%s@git.example.com/x.git", "root:%s@tcp(mysql:3306)/app", "Authorization: Basic %s", "Authorization: Bearer %s", "authorization: token %s", "X-Api-Key: %s", "x-auth-token: %s", "Proxy-Authorization: Basic %s",
    "Cookie: session=%s", "api_key=%s", "apiKey: %s", "\"client_secret\": \"%s\"", "clientSecret=%s", "access_token=%s&x=1", "\"refresh_token\":\"%s\"", "AWS_SECRET_ACCESS_KEY=%s", "aws_secret_access_key = %s",
    "TENCENTCLOUD_SECRET_KEY=%s", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s", "AZURE_CLIENT_SECRET=%s", "TWILIO_AUTH_TOKEN=%s", "  password: |\n    %s\n", "  password: >-\n    %s", "password=\\\n  %s", "\"password\":\n  \"%s\"",
    "password=\x1b[32m%s\x1b[0m", "pass\x1b[0mword=%s", "\x1b[33mpassword\x1b[0m: %s", "pass\xE2\x80\x8Bword=%s", "{\"name\":\"DB_PASSWORD\",\"value\":\"%s\"}", "- name: API_TOKEN\n  value: %s", "<password>%s</password>",
    "<add key=\"ApiSecret\" value=\"%s\"/>", "--password %s --user bob", "--token=%s", "[\"--password\",\"%s\"]", "{\"password\":[\"%s\"]}", "password%%3D%s", "msg=\"{\\\"password\\\":\\\"%s\\\"}\"", "login with password '%s' failed",
    "ALTER USER x IDENTIFIED BY '%s'", "requirepass %s", "jdbc:postgresql://db/app?user=a&password=%s", "SENDGRID_API_KEY=%s", "SECRET_KEY_BASE=%s", "encryption_key: %s", "jwt_secret=%s", "//registry.npmjs.org/:_authToken=%s",
    "machine git.example.com login bob password %s", "aws configure set aws_secret_access_key %s", "the new password is %s", "set password to \"%s\"", "password -> %s", "PASSWORD\t%s", "kind: Secret\ndata:\n  x: %s\n", "{\"kind\":\"Secret\",\"stringData\":{\"x\":\"%s\"}}", "dockerconfigjson: %s", "\"auth\":\"%s\"", "passphrase: %s", "PASSWD=%s", "env[DB_PASSWORD]: %s",
};

static const char *const harmless[] = {
    "<h40>", "<h7>", "sha256:<h64>", "<h64>", "<h8>-<h4>-4<h3>-8<h3>-<h12>", "128Mi", "256Mi", "500m", "<d10>", "1.<d2>.<d1>", "v1.2<d1>.<d1>", "chatcmpl-<h8>-<h4>-<h4>-<h4>-<h12>",
    "arn:aws:iam::<d12>:role/eks-node", "web-7<h8>-<a5>", "ip-10-0-<d2>-<d3>.ec2.internal", "10.0.<d2>.<d2>:8080", "2026-11-23T02:47:0<d1>Z", "registry.io/shop/web:1.<d2>",
    "/var/log/pods/shop_web-<h9>-<a5>_<h8>-<h4>-<h4>-<h4>-<h12>", "i-0<h16>", "vol-0<h17>", "AC<h32>", "pod_name", "OOMKilled", "req-<a12>", "0x<h12>", "containerd://<h64>", "pk_nothing",
    "bob@example.com", "shop/db-login", "subscriptions/<h8>-<h4>-<h4>-<h4>-<h12>", "eu-west-1a", "arn:aws:secretsmanager:eu-west-1:<d12>:secret:db-<w6>", "projects/p/secrets/db/versions/<d1>",
};
static const char *const harmless_places[] = {
    "%s", "commit %s deployed", "image: %s", "\"requestId\":\"%s\"", "trace_id=%s span=1", "container %s exited 137", "X-Request-Id: %s", "uid: %s", "revision %s", "pod-template-hash=%s", "memory: %s", "GET /v1/%s 200", "node %s is NotReady",
    "checksum/config: %s", "{\"sha\":\"%s\",\"n\":1}", "resourceVersion: \"%s\"", "etag \"%s\"", "secretName: %s", "-n %s get pods", "user=%s ok=true", "docker run -p 8080:80 x:%s", "mkdir -p %s", "kubectl -n shop get pod -a %s",
    "grep -u %s file", "ps -p %s", "secret \"%s\" not found", "key=%s", "\x1b[32m%s\x1b[0m",
};

/* Whole lines in which nothing is secret. */
static const char *const lines[] = {
    "password must be at least 12 characters", "curl -u requires an argument", "mysql -p asks for it", "mysql -u root -p -h db", "docker run -p 8080:80 nginx", "nginx -p /etc/nginx", "ssh -p 2222 host", "mkdir -p /var/lib/mysql",
    "kubectl create secret generic db --from-literal=password=$DB_PASSWORD", "--from-file=tls.key=server.key", "curl -u $USER:$PASS https://x", "redis-cli -a $REDISCLI_AUTH ping", "tar -a -c -f x", "requirepass is not set",
    "-----BEGIN CERTIFICATE-----\nMIIBezCCASGgAwIBAgIUc+c3/7Zc0N6wUc2+bkUztlopHuMwCgYIKoZIzj0EAwIw\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcBv/W8QU5Cj0znYMcBkjV+Pw15Cf\n-----END PUBLIC KEY-----",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDJx bob@host", "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDKzbIJ5XK2kWTqXAk", "sha512-abcDEF1230123abcDEF1230123abcDEF1230123abcDEF1230123==",
    "password: |", "token: >-", "machine learning password policy", "password file /etc/app/pw", "Access key age 90 days", "no password supplied", "login bob password expired", "password is incorrect", "password was changed", "set password to expire", "the token is expired", "secret key: missing", "password is case-sensitive", "unknown flag: --password", "token has expired", "Secret shop/db updated",
};

typedef struct tally { size_t all, bad; } tally;

static char *redacted(const char *text)
{
	ns_buf b = NS_BUF_INIT;
	ns_redact(&b, text, strlen(text));
	return ns_buf_steal(&b);
}

static void secret_row(const char *place, const char *secret, tally *t)
{
	char text[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof text, place, secret);
#pragma GCC diagnostic pop
	char *out = redacted(text);
	t->all++;
	if (strstr(out, secret)) {
		if (t->bad++ < 25)
			print_message("# left: %s\n", out);
	}
	char *again = redacted(out);
	assert_string_equal(again, out); /* what is redacted stays as it is */
	free(again);
	free(out);
}

static void harmless_row(const char *place, const char *value, tally *t)
{
	char text[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof text, place, value);
#pragma GCC diagnostic pop
	char *out = redacted(text);
	t->all++;
	if (strcmp(out, text) != 0) {
		if (t->bad++ < 25)
			print_message("# lost: %s\n   -> %s\n", text, out);
	}
	free(out);
}

static void recall(void **state)
{
	tally t = {0};
	char secret[256];
	seed = 20261123;
	for (int round = 0; round < 4; round++) {
		for (size_t i = 0; i < N(tokens); i++)
			for (size_t k = 0; k < N(places); k++) {
				make(tokens[i], secret);
				secret_row(places[k], secret, &t);
			}
		for (size_t i = 0; i < N(announced); i++) {
			static const char *const passwords[] = {"<p10>", "<p16>", "<w24>", "<h32>", "<b40>", "<w8>!"};
			for (size_t k = 0; k < N(passwords); k++) {
				make(passwords[k], secret);
				secret[0] = (char)('a' + (int)below(26)); /* no path, no number, no reference */
				secret[3] = (char)('0' + (int)below(10));
				secret_row(announced[i], secret, &t);
			}
		}
	}
	print_message("# secrets redacted: %zu of %zu (%.2f %%)\n", t.all - t.bad, t.all, 100.0 * (double)(t.all - t.bad) / (double)t.all);
	assert_true(t.bad * 100 <= t.all);
}

static void false_alarms(void **state)
{
	tally t = {0};
	char value[256];
	seed = 20261124;
	for (int round = 0; round < 4; round++)
		for (size_t i = 0; i < N(harmless); i++)
			for (size_t k = 0; k < N(harmless_places); k++) {
				make(harmless[i], value);
				harmless_row(harmless_places[k], value, &t);
			}
	for (size_t i = 0; i < N(lines); i++) {
		char *out = redacted(lines[i]);
		if (strcmp(out, lines[i]) != 0)
			fail_msg("%s\n -> %s", lines[i], out);
		free(out);
	}
	print_message("# false alarms: %zu of %zu (%.2f %%)\n", t.bad, t.all, 100.0 * (double)t.bad / (double)t.all);
	assert_true(t.bad * 100 <= t.all);
}

/* Keys that come in pieces: each line of a PEM block by itself, as a log splits it. */
static void a_key_over_many_lines(void **state)
{
	static const char *const heads[] = {"", "2026-11-23T02:47:09.000000001Z stdout F ", "    ", "app-1 | "};
	seed = 7;
	for (size_t i = 0; i < N(heads); i++) {
		ns_buf b = NS_BUF_INIT;
		char body[6][80];
		ns_buf_printf(&b, "%s-----BEGIN RSA PRIVATE KEY-----\n", heads[i]);
		for (size_t k = 0; k < 6; k++) {
			make(k < 5 ? "<b64>" : "<b20>", body[k]);
			ns_buf_printf(&b, "%s%s\n", heads[i], body[k]);
		}
		ns_buf_printf(&b, "%s-----END RSA PRIVATE KEY-----\n%sstarted\n", heads[i], heads[i]);
		char *out = redacted(b.data);
		for (size_t k = 0; k < 6; k++)
			assert_null(strstr(out, body[k]));
		assert_non_null(strstr(out, "started"));
		free(out);
		ns_buf_free(&b);
	}
}

static void colours_hide_nothing_and_stay(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
	    {"pass\x1b[1mword=hunter2x \x1b[31mred\x1b[0m", "pass\x1b[1mword=[redacted:password] \x1b[31mred\x1b[0m"},
	    {"password=hun\x1b[1mter2x end", "password=[redacted:password] end"},
	    {"\x1b]0;t\x07 token=\xE2\x80\x8B" "abc123def x", "\x1b]0;t\x07 token=\xE2\x80\x8B[redacted:token] x"},
	    {"\x1b[31mplain\x1b[0m", "\x1b[31mplain\x1b[0m"},
	};
	for (size_t i = 0; i < N(rows); i++) {
		char *out = redacted(rows[i].in);
		assert_string_equal(out, rows[i].out);
		free(out);
	}
}

static void addresses_only_when_asked(void **state)
{
	static const struct { const char *in, *out; } rows[] = {{"mail bob.b+x@mail.example.com now", "mail [redacted:email] now"}, {"<bob@example.com>", "<[redacted:email]>"},
	    {"git@github.com:foo/bar.git", "[redacted:email]:foo/bar.git"}, {"nginx@sha256:0ca6", "nginx@sha256:0ca6"}, {"a@b", "a@b"}, {"@channel", "@channel"}};
	for (int on = 0; on < 2; on++) {
		ns_redact_emails(on);
		for (size_t i = 0; i < N(rows); i++) {
			char *out = redacted(rows[i].in);
			assert_string_equal(out, on ? rows[i].out : rows[i].in);
			free(out);
		}
	}
	ns_redact_emails(false);
}

static void encode(const char *s, char *out)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t n = strlen(s); n; s += n < 3 ? n : 3, n -= n < 3 ? n : 3) {
		unsigned v = (unsigned)(unsigned char)s[0] << 16 | (n > 1 ? (unsigned)(unsigned char)s[1] << 8 : 0) | (n > 2 ? (unsigned char)s[2] : 0);
		*out++ = set[v >> 18];
		*out++ = set[v >> 12 & 63];
		*out++ = n > 1 ? set[v >> 6 & 63] : '=';
		*out++ = n > 2 ? set[v & 63] : '=';
	}
	*out = '\0';
}

static void base64_of_known_shapes(void **state)
{
	static const char *const plain[] = {"AKIAIOSFODNN7EXAMPLE", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "postgres://app:s3cret@db:5432/app", "{\"auths\":{\"reg.io\":{}}}",
	    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "-----BEGIN PRIVATE KEY-----\nMIIE"};
	for (size_t i = 0; i < N(plain); i++) {
		char coded[200], line[256];
		encode(plain[i], coded);
		snprintf(line, sizeof line, "value: %s", coded);
		char *out = redacted(line);
		if (strstr(out, coded))
			fail_msg("%s", out);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(recall), cmocka_unit_test(false_alarms), cmocka_unit_test(a_key_over_many_lines),
	    cmocka_unit_test(colours_hide_nothing_and_stay), cmocka_unit_test(addresses_only_when_asked), cmocka_unit_test(base64_of_known_shapes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
