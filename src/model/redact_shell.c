/* Secrets that a command line announces: curl -u user:SECRET, mysql -pSECRET, --from-literal=key=SECRET. What an option means depends on the command
 * in front of it in the line: -p is a password for mysql and a port for docker. */
#include <string.h>

#include "neuroscale/base/text.h"
#include "redact_priv.h"

enum { LOOK_BACK = 256, LONGEST = 4096 };

typedef enum shape { AFTER_COLON, GLUED, VALUE, AFTER_EQUALS, AFTER_PERCENT, SECOND, THIRD, FOURTH } shape; /* SECOND: of the arguments behind it */
static const struct option {
	const char *commands[6]; /* one of them is a word before it in the line; none named: any command */
	const char *name;
	shape shape;
	const char *also; /* another word that must be there, NULL none */
} options[] = {
    {{"curl", "http", "https"}, "-u", AFTER_COLON, NULL},
    {{"curl", "etcdctl", "nats", "wget"}, "--user", AFTER_COLON, NULL},
    {{"curl"}, "--proxy-user", AFTER_COLON, NULL},
    {{"curl"}, "-U", AFTER_COLON, NULL},
    {{"http", "https"}, "-a", AFTER_COLON, NULL},
    {{"mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "mysqlimport"}, "-p", GLUED, NULL},
    {{"redis-cli", "valkey-cli", "keydb-cli"}, "-a", VALUE, NULL},
    {{"redis-cli", "valkey-cli", "keydb-cli"}, "--pass", VALUE, NULL},
    {{"docker", "podman", "nerdctl", "helm", "skopeo", "crane"}, "-p", VALUE, "login"},
    {{"az", "oc", "buildah"}, "-p", VALUE, "login"},
    {{"sshpass"}, "-p", VALUE, NULL},
    {{"mongo", "mongosh", "mongodump", "mongorestore", "mongoimport", "mongoexport"}, "-p", VALUE, NULL},
    {{"plink", "pscp", "psftp"}, "-pw", VALUE, NULL},
    {{"7z", "7za", "7zr", "rar", "unrar"}, "-p", GLUED, NULL},
    {{"openssl"}, "-k", VALUE, NULL},
    {{"cqlsh", "kinit", "svn", "ejabberdctl"}, "-p", VALUE, NULL},
    {{"smbclient", "rpcclient", "smbmap"}, "-U", AFTER_PERCENT, NULL},
    {{"rabbitmqctl"}, "add_user", SECOND, NULL},
    {{"rabbitmqctl"}, "change_password", SECOND, NULL},
    {{"htpasswd"}, "-nb", SECOND, NULL},
    {{"htpasswd"}, "-nbB", SECOND, NULL},
    {{"htpasswd"}, "-b", THIRD, NULL},
    {{"htpasswd"}, "-bc", THIRD, NULL},
    {{"htpasswd"}, "-cb", THIRD, NULL},
    {{"mc"}, "set", FOURTH, "alias"},
    {{"ldapsearch", "ldapmodify", "ldapadd"}, "-w", VALUE, NULL},
    {{"sqlcmd", "zip"}, "-P", VALUE, NULL},
    {{NULL}, "--from-literal", AFTER_EQUALS, NULL},
};

static bool ends_word(char c)
{
	return (unsigned char)c <= ' ' || strchr("\"'`,;|&()[]/=", c);
}

/* `word` stands by itself in s[from, to). */
static bool has_word(const char *s, size_t from, size_t to, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = from; i + n <= to; i++)
		if (s[i] == word[0] && memcmp(s + i, word, n) == 0 && (i == from || ends_word(s[i - 1])) && (i + n == to || ends_word(s[i + n])))
			return true;
	return false;
}

static bool command_fits(const struct option *o, const char *s, size_t i)
{
	size_t from = i;
	while (from && i - from < LOOK_BACK && s[from - 1] != '\n')
		from--;
	bool fits = !o->commands[0];
	for (size_t k = 0; k < 6 && o->commands[k] && !fits; k++)
		fits = has_word(s, from, i, o->commands[k]);
	return fits && (!o->also || has_word(s, from, i, o->also));
}

/* The argument from `at` on: quotes around it do not belong to it. */
static void argument(const char *s, size_t n, size_t at, size_t *from, size_t *to)
{
	char quote = at < n && (s[at] == '"' || s[at] == '\'') ? s[at] : '\0';
	*from = at + (quote != '\0');
	for (*to = *from; *to < n && *to - *from < LONGEST && s[*to] != '\n'; ++*to)
		if (quote ? s[*to] == quote : ((unsigned char)s[*to] <= ' ' || s[*to] == '"' || s[*to] == '\'' || s[*to] == '`' || s[*to] == ';' || s[*to] == '|'))
			break;
}

static bool is_reference(const char *s, size_t from, size_t to)
{
	static const char marker[] = "[redacted:";
	size_t n = sizeof marker - 1;
	return from >= to || strchr("$<{-", s[from]) || (s[from] == '%' && to > from + 1) || (to - from >= n && memcmp(s + from, marker, n) == 0);
}

bool ns_redact_shell(const char *s, size_t n, size_t i, size_t *from, size_t *to)
{
	if (!strchr("-acs", s[i]) || !s[i] || (i && (unsigned char)s[i - 1] > ' ' && !strchr("\"'", s[i - 1])))
		return false;
	for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
		const struct option *o = &options[k];
		size_t len = strlen(o->name), at = i + len;
		if (n - i <= len || memcmp(s + i, o->name, len) != 0)
			continue;
		bool glued = (unsigned char)s[at] > ' ' && s[at] != '"' && s[at] != ',';
		bool quoted = s[at] == '"' && i && s[i - 1] == '"'; /* "-a", "x": the next argument of a list */
		if (o->shape == GLUED ? !glued : glued && ((o->name[1] == '-' && s[at] != '=') || o->shape >= SECOND))
			continue;
		if (!command_fits(o, s, i))
			continue;
		at += (o->shape != GLUED && s[at] == '=') || quoted;
		while (o->shape != GLUED && at < n && (s[at] == ' ' || s[at] == '\t' || (quoted && s[at] == ',')))
			at++;
		argument(s, n, at, from, to);
		for (shape skip = SECOND; o->shape >= skip; skip++) {
			at = *to + (*to < n && s[*to] == s[*from - 1] && *from > at);
			while (at < n && (s[at] == ' ' || s[at] == '\t'))
				at++;
			argument(s, n, at, from, to);
		}
		char sign = o->shape == AFTER_COLON ? ':' : o->shape == AFTER_EQUALS ? '=' : o->shape == AFTER_PERCENT ? '%' : '\0';
		if (sign) {
			const char *mark = memchr(s + *from, sign, *to - *from);
			*from = mark ? (size_t)(mark - s) + 1 : *to;
		}
		if (*from < *to && (s[*from] == '"' || s[*from] == '\''))
			argument(s, n, *from, from, to);
		return !is_reference(s, *from, *to);
	}
	return false;
}
