/* Law 12: what leaves the process has passed here. The tables are the measure: every secret goes, every ordinary line stays as it is.
 * All values are made up or the public examples of the products' documentation. */
#include "support/test.h"

#include <math.h>
#include <time.h>

#include "neuroscale/base/text.h"
#include "neuroscale/model/json.h"
#include "neuroscale/model/redact.h"

static const struct {
	const char *text, *secrets[2];
} secret_lines[] = {
    {"AWS_SECRET_ACCESS_KEY=je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY", {"je7MtGb"}},
    {"mongodb+srv://svc:Examp1ePass@cluster0.example.net/app: auth failed", {"Examp1ePass"}},
    {"X-Api-Key: EXAMPLE-0123456789abcdef0123456789abcdef", {"EXAMPLE-0123"}},
    {"curl -H \"Authorization: Bearer EXAMPLETOKENEXAMPLETOKENEXAMPLETOKEN\" https://api/", {"EXAMPLETOKEN"}},
    {"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIEXAMPLEEXAMPLEEXAMPLE\n-----END EC PRIVATE KEY----- done", {"MHcCAQ"}},
    {"login user=bob password=\"open sesame\" ok=false", {"open sesame"}},
    {"Authorization: Bearer x", {"Bearer x"}},
    {"authorization: Basic dXNlcjpwYXNzd29yZA==", {"dXNlcjpw"}},
    {"\"Authorization\":[\"Bearer abc.def.123\"]", {"abc.def"}},
    {"map[Authorization:[Bearer abcdef12345]]", {"abcdef12345"}},
    {"Authorization: Token 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b", {"9944b"}},
    {"got token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U invalid",
        {"eyJhbGci", "dozjg"}},
    {"AKIAIOSFODNN7EXAMPLE in request", {"AKIAIOSF"}},
    {"using LTAI5tExampleKeyId1234567 for oss", {"LTAI5tEx"}},
    {"OPENAI key sk-proj-abcDEF1234567890abcdef1234 rejected", {"abcDEF1234"}},
    {"dashscope sk-0123456789abcdef0123456789abcdef", {"0123456789abcdef"}},
    {"ghp_16C7e42F292c6912E7710c838347Ae178B4a leaked", {"16C7e42F"}},
    {"github_pat_11ABCDEFG0123456789abc_defghijklmnop", {"11ABCDEF"}},
    {"xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOp", {"AbCdEf"}},
    {"xapp-1-A0123-1234-abcdef0123456789", {"abcdef0123"}},
    {"AIzaSyA-1234567890abcdefghijklmnopqrstuv", {"AIzaSy"}},
    {"redis://:hunter2@redis:6379/0", {"hunter2"}},
    {"postgres://user:p%40ss@db:5432/x?sslmode=disable", {"p%40ss"}},
    {"postgres://user:p@ss@db:5432/x", {"p@ss"}},
    {"amqp://guest:guest@rabbit:5672/", {"guest:guest"}},
    {"dsn=root:secretpw@tcp(mysql:3306)/app", {"secretpw"}},
    {"{\"password\":\"hunter2\",\"user\":\"bob\"}", {"hunter2"}},
    {"{\"user\":\"bob\",\"db\":{\"password\": \"hunter2 x\"}}", {"hunter2"}},
    {"msg=\"{\\\"password\\\":\\\"hunter2\\\"}\"", {"hunter2"}},
    {"{'password': 'hunter2'}", {"hunter2"}},
    {":password=>\"hunter2\"", {"hunter2"}},
    {"password: hunter2", {"hunter2"}},
    {"password: changeme", {"changeme"}},
    {"password=changeme", {"changeme"}},
    {"DB_PASSWORD=postgres", {"=postgres"}},
    {"spring.datasource.password=letmein", {"letmein"}},
    {"{Host:db Password:hunter2 User:bob}", {"hunter2"}},
    {"--password hunter2 --user bob", {"hunter2"}},
    {"args [\"--db-password\",\"hunter2\",\"-v\"]", {"hunter2"}},
    {"\"command\": [\"run\", \"-token\", \"hunter2\"]", {"hunter2"}},
    {"{\"a\":\"[\\\"--password\\\",\\\"hunter2\\\"]\"}", {"hunter2"}},
    {"--password=hunter2", {"hunter2"}},
    {"--token abcdef123456", {"abcdef123456"}},
    {"api_key=abcd1234", {"abcd1234"}},
    {"apikey: abcd1234efgh", {"abcd1234"}},
    {"apiKey: 'abcd1234efgh'", {"abcd1234"}},
    {"client_secret=a1b2c3d4e5", {"a1b2c3"}},
    {"\"clientSecret\": \"a1b2-c3d4-e5f6\"", {"a1b2-c3"}},
    {"refresh_token=abc123def", {"abc123def"}},
    {"https://x/y?access_token=abc123&z=1", {"abc123"}},
    {"DefaultEndpointsProtocol=https;AccountName=x;AccountKey=abcDEF123+/abcDEF123==;EndpointSuffix=core", {"abcDEF123"}},
    {"Server=tcp:db;User Id=sa;Password=P@ssw0rd!;Encrypt=true", {"P@ssw0rd"}},
    {"Server=db;Pwd=P@ss,w0rd;", {"P@ss,w0rd"}},
    {"<password>hunter2</password>", {"hunter2"}},
    {"{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"}", {"hunter2"}},
    {"- name: DB_PASSWORD\n  value: hunter2", {"hunter2"}},
    {"{\"key\":\"password\",\"value\":\"hunter2\"}", {"hunter2"}},
    {"{\"Key\":\"DB_PASSWORD\",\"Value\":\"hunter2\"}", {"hunter2"}},
    {"<add key=\"Password\" value=\"hunter2\"/>", {"hunter2"}},
    {"\"password\":[\"hunter2\"]", {"hunter2"}},
    {"\"password\": [ \"hunter2\" ]", {"hunter2"}},
    {"redirect=%2Flogin%3Fuser%3Dbob%26password%3Dhunter2", {"hunter2"}},
    {"db.password : hunter2", {"hunter2"}},
    {"- spec.template.spec.containers[app].env[DB_PASSWORD].value: hunter2", {"hunter2"}},
    {"ALTER USER x IDENTIFIED BY 'hunter2'", {"hunter2"}},
    {"password 'hunter2' is wrong", {"hunter2"}},
    {"Cookie: session=abc123; csrf=def456", {"abc123", "def456"}},
    {"Set-Cookie: sid=abc123; Path=/", {"abc123"}},
    {"X-Vault-Token: s.abcdefg12345", {"s.abcdef"}},
    {"PRIVATE-TOKEN: abcdefg12345", {"abcdefg12345"}},
    {"hvs.CAESIJ1234567890abcdefghij", {"CAESIJ"}},
    {"\"auth\":\"dXNlcjpwYXNzd29yZA==\"", {"dXNlcjpw"}},
    {"//registry.npmjs.org/:_authToken=npm_abcdefghijklmnopqrstuvwxyz0123456789", {"abcdefghij"}},
    {"apiVersion: v1\nkind: Secret\ndata:\n  username: YWRtaW4=\n  config.json: eyJhIjoiYiJ9\ntype: Opaque", {"YWRtaW4=", "eyJhIj"}},
    {"{\"apiVersion\":\"v1\",\"data\":{\"username\":\"YWRtaW4=\",\"x\":\"MWYyZDFlMmU2N2Rm\"},\"kind\":\"Secret\"}", {"YWRtaW4=", "MWYyZD"}},
    {"stringData:\n  a: foo bar\nkind: Secret", {"foo bar"}},
    {"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  user: YWRtaW4=\nstringData:\n  x: plain1\n", {"YWRtaW4=", "plain1"}},
    {"{\"kind\":\"Secret\",\"stringData\":{\"c.json\":\"{\\\"a\\\":1}\",\"z\":\"after\"},\"data\":{\"q\":\"YWRtaW4=\"}}",
        {"after", "YWRtaW4="}},
    {"\"last\":\"{\\\"kind\\\":\\\"Secret\\\",\\\"data\\\":{\\\"a\\\":\\\"YWRtaW4=\\\",\\\"b\\\":\\\"Zm9vYmFy\\\"}}\"",
        {"YWRtaW4=", "Zm9vYmFy"}},
    {"tls.key: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlF", {"LS0tLS1"}},
    {"\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBg\\n-----END PRIVATE KEY-----\\n\"", {"MIIEvQ"}},
    {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA", {"b3Blbn"}},
    {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY is wrong", {"wJalrX"}},
    {"secret=s3cr3tv4lue", {"s3cr3t"}},
    {"SECRET_KEY_BASE=0123456789abcdef0123456789abcdef", {"0123456789abcdef"}},
    {"secret: 5up3rS3cret!", {"5up3r"}},
    {"token: abcdef0123456789", {"abcdef0123"}},
    {"token=abc", {"=abc"}},
    {"invalid token: abc123XYZ789", {"abc123XYZ"}},
    {"credentials=user:pass123", {"pass123"}},
    {"AWS_SESSION_TOKEN=FwoGZXIvYXdzEXAMPLE//////////", {"FwoGZX"}},
    {"X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024&x=1", {"fe5f80"}},
    {"ENCRYPTION_KEY=abcdefabcdef", {"abcdefabc"}},
    {"passwd: s3cret", {"s3cret"}},
    {"PGPASSWORD=foo psql", {"=foo"}},
    {"\"passphrase\" : \"correct horse\"", {"correct horse"}},
    {"password = \"hunter2\"", {"hunter2"}},
    {"password => hunter2", {"hunter2"}},
    {"mysql.root_password: r00t!", {"r00t!"}},
    {"jdbc:mysql://db/app?user=root&password=r00tpw", {"r00tpw"}},
    {"smtp_pass=abc123", {"abc123"}},
    {"PASS=abc123", {"abc123"}},
    {"webhook https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", {"XXXXXXXXXXXXXXXX"}},
    {"SENTRY_DSN=https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/1", {"0123456789abcdef"}},
    {"password:hunter2,user:bob", {"hunter2"}},
    {"\"ACCESS_KEY_ID\": \"STS.NUabcdefghijk12345\"", {"NUabcdef"}},
    {"accessKeySecret: \"abcdefghijklmnopqrstuvwxyz1234\"", {"abcdefghij"}},
    {"secretAccessKey=abc/def+ghi", {"abc/def"}},
    {"jwt_secret=verysecret", {"verysecret"}},
    {"error: pq: password authentication failed, password=hunter2 host=db", {"hunter2"}},
    {"Password: \"it's; me & you\"", {"me & you"}},
    {"SLACK_WEBHOOK_SECRET='abc'", {"'abc'"}},
    {"token=\"ab c\"", {"ab c"}},
    {"AccountKey=abc123", {"abc123"}},
    {"ANTHROPIC_API_KEY=sk-ant-api03-abcdefghij_klmnopqrst-uvwxyz", {"abcdefghij"}},
    {"{\"auths\":{\"reg.io\":{\"username\":\"u\",\"password\":\"p4ss\",\"auth\":\"dTpwNHNz\"}}}", {"p4ss", "dTpwNHNz"}},
    {"sms otp=003307 sent", {"003307"}},
    {"{\"totp\":\"554131\"}", {"554131"}},
    {"mfa_code: 666193 accepted", {"666193"}},
    {"Your one-time code is 230325. It expires", {"230325"}},
    {"OTP for alice@example.com: 839061", {"839061"}},
    {"412345 is your Acme verification code", {"412345"}},
    {"Use security code 412-345 to sign in", {"412-345"}},
    {"users:\n  passwords:\n    - winter-monkey-37\n    - \"open sesame\"\n", {"winter-monkey", "open sesame"}},
    {"password:\r\n- first1\r\n- second2", {"first1", "second2"}},
    {"tokens: [\"winterHorse0\", \"6VHrQ6fh3o2y\"]", {"winterHorse0", "6VHrQ6"}},
    {"\"passwords\": {\"admin\": \"hunter22\", bob: tiger99}", {"hunter22", "tiger99"}},
    {"password: &db hunter2\n", {"hunter2"}},
    {"password: !!str hunter2", {"hunter2"}},
    {"{\"password\":{\"S\":\"hunter2\"}}", {"hunter2"}},
    {"variable \"db_password\" { default = \"hunter2\" }", {"hunter2"}},
    {"- value: hunter2\n  name: DB_PASSWORD", {"hunter2"}},
    {"<string name=\"api_key\">hunter2x</string>", {"hunter2x"}},
    {"vault login s.n8iZZyHYHXrYdQ7p5a3E5xCY", {"n8iZZy"}},
    {"login with user bob pwd R3ln2wyqqT0E failed", {"R3ln2w"}},
    {"user: root pass: tiger-moon host: db", {"tiger-moon"}},
    {"{\"user\":\"a\",\"pass\":\"hunter2\"}", {"hunter2"}},
    {"initialAdminPassword d8f1619cd98cdfe23f625c8a", {"d8f1619"}},
    {"jdbc:oracle:thin:scott/tiger2017@//ora:1521/XE", {"tiger2017"}},
    {"app:hunter2@/shop?parseTime=true", {"hunter2"}},
    {"DRIVER={x};UID=u;PWD={hunter2};", {"hunter2"}},
    {"amqps://u:a42B#hivPx@mq:5671", {"hivPx"}},
    {"https://api.telegram.org/bot83405304:AAQgfhAkqx_roM42fKyuxOedthmmetlR9gC/send", {"roM42f"}},
    {"databricks dapiec14089fb6abc2b23c7afef259ca189c", {"ec14089f"}},
    {"secret VJb8Q~cLB1FtDK4Cz2jTYWkYx6iDJUJWRYxiKIGb", {"cLB1FtDK"}},
    {"export STRIPE_KEY=4CmXGsLfUoTcwt8WjvtkF2vC", {"4CmXGs"}},
    {"GET /cb?code=CrLcpP7tgTSKedIpuo81CO1W&state=xyz", {"CrLcpP7"}},
    {"body=%7B%22password%22%3A%22hunter2%22%7D", {"hunter2"}},
    {"{&quot;password&quot;:&quot;hunter2&quot;}", {"hunter2"}},
    {"next=a%2526token%253Dabc123xyz", {"abc123xyz"}},
    {"password\\u003dhunter2", {"hunter2"}},
    {"ENV API_TOKEN hunter2x", {"hunter2x"}},
    {"define(\"DB_PASSWORD\", \"hunter2\");", {"hunter2"}},
    {"$cfg['db']['password'] = 'hunter2';", {"hunter2"}},
    {"smtp_password=SecretStr('hunter2')", {"hunter2"}},
    {"    Args:\n      --admin-password\n      hunter2\n      --verbose", {"hunter2"}},
    {"app -secret hunter2x -port 80", {"hunter2x"}},
    {"rabbitmqctl add_user bob hunter2", {"hunter2"}},
    {"htpasswd -b /etc/f bob hunter2", {"hunter2"}},
    {"smbclient //s/x -U bob%hunter2 -c ls", {"hunter2"}},
    {"INSERT INTO users (name, password) VALUES ('bob', 'hunter2')", {"hunter2"}},
    {"kind: Secret\ndata:\n  a.conf: |\n    Zm9vYmFy\n    YmF6cXV4\n", {"Zm9vYmFy", "YmF6cXV4"}},
    {"Authorization: Digest username=\"u\", response=\"fbc9d3708a6976\"", {"fbc9d3"}},
    {"pass\xE2\x80\x8Bword: hunter2", {"hunter2"}},
    {"pa\xF3\xA0\x81\xA1ssword=hunter2", {"hunter2"}},
    {"p\xD0\xB0ssword=hunter2", {"hunter2"}},
    {"\xEF\xBD\x94oken\xEF\xBC\x9Ahunter2x", {"hunter2x"}},
    {"pass\bword=hunter2", {"hunter2"}},
    {"pass\rword=hunter2", {"hunter2"}},
    {"\xC2\x9B""1mpassword\xC2\x9B""0m=hunter2", {"hunter2"}},
    {"pass\xFFword=hunter2", {"hunter2"}},
    {"\033]8;;https://u:hunter2@h\alink\033]8;;\a", {"hunter2"}},
    {"api_token := \"hunter2\"", {"hunter2"}},
    {"| dbPasswd | hunter22 |", {"hunter2"}},
    {"**password:** `hunter2`", {"hunter2"}},
    {"**password**: `hunter2`", {"hunter2"}},
    {"setx jwtSecret \"hunter2\"", {"hunter2"}},
    {"adminPassword -> hunter2", {"hunter2"}},
    {"\"db_password\" -> \"hunter2\"", {"hunter2"}},
    {"~ password = \"old-one1\" -> \"hunter2\"", {"hunter2"}},
    {"Content-Disposition: form-data; name=\"db_password\"\r\n\r\nhunter2\r\n--b", {"hunter2"}},
    {"{\"op\":\"add\",\"path\":\"/data/password\",\"value\":\"hunter2\"}", {"hunter2"}},
    {"db_password\thunter22", {"hunter2"}},
    {"access_token (hunter22) rejected", {"hunter2"}},
    {"wrong access_token \"hunter22\" for bob", {"hunter2"}},
    {"var dbPassword string = \"hunter2\"", {"hunter2"}},
    {"password: str = \"hunter2\"", {"hunter2"}},
    {"run --smtppass=hunter2", {"hunter2"}},
    {"etcdctl --user root:hunter2 get /", {"hunter2"}},
    {"secret: db-8jz46x1q", {"8jz46x1q"}},
};

static const char *const ordinary_lines[] = {
    "containerd://0ca62d24c10ebbe7b13c9ca1a2c9a0b00fba4bfff06ec37042e6245e203c1f66 exited 137",
    "password must be at least 12 characters",
    "secret \"db-credentials\" not found",
    "secretName: db-credentials",
    "tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token",
    "token expired",
    "token: expired",
    "image: nginx@sha256:0ca62d24c10ebbe7b13c9ca1a2c9a0b00fba4bfff06ec37042e6245e203c1f66",
    "uid: 8f14e45f-ceea-467f-a0e6-1c2b3d4e5f60",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "MountVolume.SetUp failed for volume \"db-password\" : secret \"db-password\" not found",
    "Error: couldn't find key password in Secret shop/db",
    "FATAL: password authentication failed for user \"postgres\"",
    "Unexpected token < in JSON at position 0",
    "SyntaxError: Unexpected token: punc ({)",
    "unexpected token: 'foo'",
    "password: must be at least 12 characters",
    "DB_PASSWORD:  <set to the key 'password' in secret 'db'>  Optional: false",
    "DB_PASSWORD=${DB_PASSWORD}",
    "password: ***",
    "password=[redacted:password]",
    "authToken: null",
    "secret=default/db-credentials reconciled",
    "\"secret\":\"shop/db-login\",\"controller\":\"externalsecret\"",
    "automountServiceAccountToken: false",
    "imagePullSecrets: regcred",
    "max_tokens=4096 total_tokens: 512",
    "PWD=/app",
    "OLDPWD=/root",
    "pass=12 fail=0",
    "PASS: TestFoo (0.01s)",
    "first pass: ok",
    "WWW-Authenticate: Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\"",
    "Failed to pull image \"registry.io/team/token:v1.2\": not found",
    "POST /oauth/token: 401 Unauthorized",
    "pods \"web-7d4b9c6f5d-abcde\" is forbidden: User \"system:serviceaccount:a:b\" cannot get resource \"secrets\"",
    "Bearer token is missing",
    "bearer authentication required",
    "Basic authentication failed",
    "nextPageToken: CAES12345",
    "continue_token=abc123",
    "https://example.com:8080/a@b/c",
    "http://user@host/path",
    "git@github.com:foo/bar.git",
    "sha512-abcDEF1230123abcDEF1230123abcDEF1230123abcDEF1230123abcDEF1230123abcDEF1230123==",
    "serviceaccount/token-controller: started",
    "token_type=Bearer expires_in=3600",
    "secret: not found",
    "credentials: invalid",
    "authorization failed for user bob",
    "authorization: denied",
    "auth: failed",
    "auth=basic",
    ("certificate-authority-data: "
     "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSURCekNDQWUrZ0F3SUJBZ0lVQzFQNDNYVlpXcGF0aG5KdE5DR2N0TkFkRFRFTkF3RE5CZ2txaGtpRzl3MEI="),
    "reading password from file /run/secrets/db",
    "--password-file=/run/secrets/db",
    "use --token to authenticate",
    "{\"valueFrom\":{\"secretKeyRef\":{\"key\":\"password\",\"name\":\"db\"}}},{\"name\":\"LOG_LEVEL\",\"value\":\"info\"}",
    "password : must be at least 12 characters",
    "[\"--token\",\"--verbose\"]",
    "{\"password\",\"user\"}",
    "--password is required",
    "kind: Secret",
    "the secret: why it fails",
    "com.example.service.payments.PaymentProcessor.process(PaymentProcessor.java:142)",
    "/home/runner/work/Payments2024/Services/Internal/Handlers/Main.java",
    "default-token-abcde",
    "Error creating: pods \"x\" is forbidden: no providers available to validate pod request",
    "level=info msg=\"Successfully synced\" key=default/my-secret",
    "Readiness probe failed: HTTP probe failed with statuscode: 401",
    "token.go:123: unexpected EOF",
    "passwordPolicy=strong",
    "secretRef: name=db",
    "error parsing token: malformed",
    "auth.enabled=true",
    "Authorization header missing",
    "couldn't decode token: illegal base64 data at input byte 0",
    "passwords do not match",
    "password reset requested for user 12",
    "password is incorrect",
    "AUTH failed: WRONGPASS invalid username-password pair",
    "secret/db-credentials configured",
    "api_key is required",
    "missing api_key",
    "api key: missing",
    "invalid api key",
    "access denied for user 'root'@'10.0.0.1' (using password: YES)",
    "(using password: NO)",
    "token count: 128",
    "tokens: 12",
    "task-0123456789abcdef0123456789abcdef",
    "risk-assessment-service-7d4b9c6f5d-abcde",
    "commit 9E44F437E843AC698152077EE0F3A1156D2E85B6",
    "integrity sha512-KZzU6UQhtziXxXCJIsR459RGyAezm9x5W6PFVfDzQvPBSNlvOXolHMVIm5+6wRdlM/8KID2Y/5/mb+abRHbWag==",
    "existingSecret: redis-auth-8",
    "{\"secret\":\"db-93\",\"msg\":\"rotated\"}",
    "use --token=TOKEN or --token-file",
    "flag provided but not defined: -password (2)",
    "S3_KEY=backups/2026/4/dump.gz",
    "cache_key=user:12:0123456789abcdef0123456789abcdef",
    "otp service listening on port 10443",
    "verification of code signature failed",
    "pin memory: false",
    "tokens: {prompt: 12345, completion: 678}",
    "tokens:\n- name: ci\n  expires: 10h",
    "secrets:\n- db-login\n- web-tls",
    "prompt_tokens: 12345",
    "--- PASS: TestLogin12 (0.01s)",
    "pass: 12/14",
    "s.processNextWorkItemFromQ()",
    "password = (sensitive value)",
    "GET /x?code=404&state=1",
    "insert into t (id, name) values (12, 'bob1234567')",
    "code=PermissionDenied desc = x",
    "/proc/1/environ: A=1 B=2",
    "{\"db_password\":\"must not be empty\"}",
    "<secretKey>must not be empty</secretKey>",
    "config.apiKey=is required",
    "checksum/secret=9ec8ab42e5f31ca75fd79ba1f3a8d54d",
    "curl -F password=[REDACTED] h",
    "&Cfg{Password:(*string)(0xc000012345), X:1}",
    "password: [FILTERED]",
    "POST /oauth/token -> 401",
    "| password | required |",
    "password (required)",
    "apiToken \"missing\"",
    "Data\n====\npassword:  31 bytes\nca.crt:  1099 bytes",
    "Tokens:              default-token-tbg5g\nMountable secrets:   default-token-tr5zq",
    "unable to decrypt sealed secret: db-8jz46",
};

static char *redact(const char *s, size_t n, size_t *count)
{
	ns_buf b = NS_BUF_INIT;
	size_t k = ns_redact(&b, s, n);
	if (count)
		*count = k;
	return ns_buf_steal(&b);
}

static void secrets_go(void **state)
{
	for (size_t i = 0; i < sizeof secret_lines / sizeof *secret_lines; i++) {
		size_t count;
		char *out = redact(secret_lines[i].text, strlen(secret_lines[i].text), &count);
		for (size_t k = 0; k < 2 && secret_lines[i].secrets[k]; k++)
			if (strstr(out, secret_lines[i].secrets[k]))
				fail_msg("%s\n -> %s", secret_lines[i].text, out);
		assert_true(count > 0);
		assert_non_null(strstr(out, "[redacted:"));
		free(out);
	}
}

static void ordinary_lines_stay(void **state)
{
	for (size_t i = 0; i < sizeof ordinary_lines / sizeof *ordinary_lines; i++) {
		size_t count;
		char *out = redact(ordinary_lines[i], strlen(ordinary_lines[i]), &count);
		if (count || strcmp(out, ordinary_lines[i]) != 0)
			fail_msg("%s\n -> %s", ordinary_lines[i], out);
		free(out);
	}
}

static void what_is_redacted_stays_redacted(void **state)
{
	for (size_t i = 0; i < sizeof secret_lines / sizeof *secret_lines; i++) {
		char *once = redact(secret_lines[i].text, strlen(secret_lines[i].text), NULL);
		char *twice = redact(once, strlen(once), NULL);
		assert_string_equal(twice, once);
		free(once);
		free(twice);
	}
}

static void the_rest_of_a_line_is_kept(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"login user=bob password=\"open sesame\" ok=false", "login user=bob password=\"[redacted:password]\" ok=false"},
	    {"mongodb+srv://svc:Examp1ePass@c0.example.net/app: auth failed",
	        "mongodb+srv://svc:[redacted:url-password]@c0.example.net/app: auth failed"},
	    {"{\"password\":\"a\\\"b\",\"user\":\"bob\"}", "{\"password\":\"[redacted:password]\",\"user\":\"bob\"}"},
	    {"curl -H \"Authorization: Bearer abc\" https://api/",
	        "curl -H \"Authorization: Bearer [redacted:authorization]\" https://api/"},
	    {"?a=1&token=abc123&b=2", "?a=1&token=[redacted:token]&b=2"},
	    {"(password=x1)", "(password=[redacted:password])"},
	    {"password=a, user=b", "password=[redacted:password], user=b"},
	    {"apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  user: YWRtaW4=\ntype: Opaque\n",
	        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  user: [redacted:secret-data]\ntype: Opaque\n"},
	    {"kind: ConfigMap\ndata:\n  user: YWRtaW4=\n", "kind: ConfigMap\ndata:\n  user: YWRtaW4=\n"},
	    {"Set-Cookie: sid=abc123; Path=/; HttpOnly", "Set-Cookie: sid=[redacted:cookie]; Path=/; HttpOnly"},
	    {"{\"q\":\"password=hunter2\\u0026x=1\"}", "{\"q\":\"password=[redacted:password]\\u0026x=1\"}"},
	    {"OTP for alice is 123456, valid 5m", "OTP for alice is [redacted:password], valid 5m"},
	    {"tokens: [\"winterHorse0\", \"b\"]", "tokens: [\"[redacted:token]\", \"b\"]"},
	    {"password=\xE2\x80\x8Bze\xD0\xB0 x", "password=\xE2\x80\x8B[redacted:password] x"},
	    {"a -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- b", "a [redacted:private-key] b"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *out = redact(rows[i].in, strlen(rows[i].in), NULL);
		assert_string_equal(out, rows[i].out);
		free(out);
	}
}

/* Sanitizers see a byte read behind the end; a text may hold NULs and any byte. */
static void every_prefix_is_handled(void **state)
{
	for (size_t i = 0; i < sizeof secret_lines / sizeof *secret_lines; i++)
		for (size_t n = 0; n <= strlen(secret_lines[i].text); n++) {
			char *exact = malloc(n ? n : 1);
			memcpy(exact, secret_lines[i].text, n);
			free(redact(exact, n, NULL));
			free(exact);
		}
	size_t count;
	char *out = redact("a\0password=x1y2\0b=c", 19, &count);
	assert_int_equal(count, 1);
	assert_memory_equal(out, "a\0password=[redacted:password]\0b=c", 34);
	free(out);
}

/* A container writes what it likes into its log; the time must not depend on what that is. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HOSTILE_BYTES = 64 * 1000 };
#else
enum { HOSTILE_BYTES = 160 * 1000 };
#endif

/* Processor time of this thread: what else the machine does only adds. */
static double redact_seconds(const char *text, size_t n)
{
	struct timespec began, ended;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
	free(redact(text, n, NULL));
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
	return (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
}

static void hostile_text_takes_linear_time(void **state)
{
	static const char *const pieces[] = {"a=", "token=", "token=${", "sk-", "eyJ-", "eyJaaaaaaaa.", "bearer ", "@tcp(", "a=\\\"",
	    "token=\"", "kind: Secret data:{a:", "-----BEGIN ", "://a:", "password '", "name:", "value:", "cookie: ", "authorization: x",
	    "token:/", "[[[", "a.b-c_", "\\\\\\\"", "'\"`", "secret: a-b ", "AKIA", "LS0tLS1CRUdJTiBDRVJU",
	    "curl -u ", " -p", "--from-literal ", "-----BEGIN CERTIFICATE-----", "\x1b]", "\x1b[", "\\u001b[", "password: |\n ", "\"token\":\n", "password is ",
	    "machine login password ", "arn:secret:", "AC", "a@a.", "tokens: [", "tokens: [a, ", "passwords:\n- ", "passwords:\n- a\n", "passwords: {a: b, ", "otp ", "otp for ", "otp=", "?code=",
	    "(password)values(", ")values('", "password%3A%22", "%22", "&quot;password&quot;:", "cookie: a=b;", "cookie:path=", "--password\n  ", "htpasswd -b ", "\xC2\x9B",
	    "\xEF\xBC\x81", "oracle:thin:a/", "a:b@/", "password: &a ", "\"password\" {", "value: a name: ", "\x1b]8;;https://", "<string name=\"token\">", "1 is your ", "ENV token ", "token -> ", "| a_token | ", "a_token (", "a_token\t", "**token:** ",
	    "name=\"token\"\r\n\r\n", "\"path\":\"/token\",", "token: str ", "password=\"a\" -> "};
	/* Eight times the text: eight times the work, or 64 times where it is quadratic. */
	char *text = malloc(HOSTILE_BYTES);
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		size_t len = strlen(pieces[i]);
		for (size_t k = 0; k < HOSTILE_BYTES; k++)
			text[k] = pieces[i][k % len];
		double part = redact_seconds(text, HOSTILE_BYTES / 8), whole = redact_seconds(text, HOSTILE_BYTES);
		for (int again = 0; again < 4 && whole > 24 * (part + 0.0005); again++) /* a disturbed run is measured again, a quadratic one stays so */
			whole = fmin(whole, redact_seconds(text, HOSTILE_BYTES));
		if (whole > 24 * (part + 0.0005))
			fail_msg("\"%s\": %.4f s for an eighth, %.4f s for all of it", pieces[i], part, whole);
	}
	free(text);
}

static void lines_are_redacted_then_cleaned_then_cut(void **state)
{
	char *s = ns_redact_line("a\nb\x1b[31m token=abc123def", 24, 200);
	assert_string_equal(s, "a b^[[31m token=[redacted:token]");
	free(s);
	s = ns_redact_line("password=hunter2hunter2", 23, 12); /* the cut must not come first */
	assert_string_equal(s, "password=[r~");
	free(s);
	s = ns_redact_line("", 0, 10);
	assert_string_equal(s, "");
	free(s);
}

static void a_secret_is_revealed_only_on_purpose(void **state)
{
	ns_secret *s = ns_secret_new("k3y");
	assert_string_equal(ns_secret_reveal(s), "k3y");
	ns_secret_free(s);
	s = ns_secret_new(NULL);
	assert_string_equal(ns_secret_reveal(s), "");
	ns_secret_free(s);
	ns_secret_free(NULL);
	assert_string_equal(ns_secret_reveal(NULL), "");
}

/* The shared collection of hostile texts lies beside the checkout, where there is one. */
static void the_shared_collection(void **state)
{
	FILE *f = fopen("../shared/fixtures/injection-dev.jsonl", "r");
	if (!f) {
		print_message("# no ../shared/fixtures/injection-dev.jsonl\n");
		skip();
	}
	char *line = NULL;
	size_t cap = 0;
	for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
		cJSON *j = ns_json_parse(line, (size_t)n, &ns_json_strict, NULL);
		const char *text = ns_json_str(j, "text", "");
		char *out = ns_redact_line(text, strlen(text), 1 << 16);
		ns_json_each(secret, ns_json_path(j, "expected.must_redact"))
		{
			if (strstr(out, secret->valuestring))
				fail_msg("%s: %s", ns_json_str(j, "id", "?"), out);
		}
		ns_json_each(word, ns_json_path(j, "expected.must_keep"))
		{
			if (*text && !strstr(out, word->valuestring))
				fail_msg("%s: %s", ns_json_str(j, "id", "?"), out);
		}
		ns_json_each(raw, ns_json_path(j, "expected.display_must_not_contain"))
		{
			assert_null(strstr(out, raw->valuestring));
		}
		assert_true(ns_utf8_valid(out, strlen(out)));
		free(out);
		cJSON_Delete(j);
	}
	free(line);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(secrets_go),
	    cmocka_unit_test(ordinary_lines_stay),
	    cmocka_unit_test(what_is_redacted_stays_redacted),
	    cmocka_unit_test(the_rest_of_a_line_is_kept),
	    cmocka_unit_test(every_prefix_is_handled),
	    cmocka_unit_test(hostile_text_takes_linear_time),
	    cmocka_unit_test(lines_are_redacted_then_cleaned_then_cut),
	    cmocka_unit_test(a_secret_is_revealed_only_on_purpose),
	    cmocka_unit_test(the_shared_collection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
