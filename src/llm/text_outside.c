/* Is something outside of the workload said to have changed or to be in trouble? A rollback cures none of that: a Secret that was emptied,
 * a database in failover, a certificate that ran out, a quota that was cut. Two word lists do it: what lies outside of a release, and what
 * happens to such things; a few words apart, in either order where people say it so. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "text_priv.h"

#define APART 6 /* words between the thing and what happened to it */

/* Sorted bytewise. */
static const char *const things[] = {
    /* clang-format off */
    "account", "acl", "acls", "aurora", "bedrock", "broker", "brokers", "bucket", "bundle", "ca", "cassandra", "cert", "certificate",
    "certificates", "certs", "configmap", "configmaps", "consul", "coredns", "crd", "crds", "credential", "credentials", "database",
    "databases", "db", "dba", "disk", "dns", "elasticsearch", "etcd", "firewall", "iam", "idp", "kafka", "keycloak", "keyvault", "kms",
    "ldap", "licence", "license", "loadbalancer", "memcached", "mongo", "mongodb", "mysql", "network", "nfs", "node", "nodes", "oauth",
    "opensearch", "partner", "password", "passwords", "permissions", "policy", "postgres", "postgresql", "proxy", "pvc", "queue", "quota",
    "rabbitmq", "redis", "registry", "s3", "schema", "secret", "secrets", "sso", "storage", "subnet", "table", "tables", "token", "tokens",
    "topic", "topics", "upstream", "vault", "vendor", "volume", "volumes", "zookeeper",
    /* clang-format on */
};
static const char *const troubles[] = {
    /* clang-format off */
    "attached", "blocked", "broken", "changed", "corrupt", "corrupted", "cut", "degraded", "deleted", "denied", "denies", "disabled", "down",
    "edited", "emptied", "empty", "exhausted", "expired", "failed", "failing", "failover", "fails", "full", "garbage", "gone", "held",
    "invalid", "lapsed", "locked", "lost", "lowered", "maintenance", "migrated", "migration", "migrations", "missing", "moved", "outage",
    "overloaded", "patched", "pruned", "rebooted", "recreated", "red", "reduced", "refuses", "rejected", "rejects", "removed", "renamed",
    "renewed", "replaced", "reset", "restored", "revoked", "rotated", "servfail", "slow", "stale", "switched", "throttled", "timeout",
    "unavailable", "unhealthy", "unreachable", "updated", "upgrade", "upgraded", "wiped", "wrong",
    /* clang-format on */
};

static int compare(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

static bool is_thing(const char *w)
{
	return bsearch(w, things, sizeof things / sizeof things[0], sizeof things[0], compare) != NULL;
}

static bool is_trouble(const char *w)
{
	return bsearch(w, troubles, sizeof troubles / sizeof troubles[0], sizeof troubles[0], compare) != NULL;
}

static bool denies(const char *w)
{
	static const char *const words[] = {
	    "no", "not", "never", "without", "neither", "nor", "isn", "wasn", "aren", "weren", "hasn", "t", NULL};
	return ns_listed(w, words);
}

/* The next word of a text, lower case. `part`: it is a piece of a name (registry.example.com, db-migrate), not a word by itself. */
static const char *next(const char *p, char *word, size_t size, bool *part)
{
	while (*p && !ns_is_alnum(*p))
		p++;
	size_t n = 0;
	while (ns_is_alnum(p[n]))
		n++;
	for (size_t i = 0; i < n && i + 1 < size; i++)
		word[i] = (char)tolower((unsigned char)p[i]);
	word[n < size ? n : size - 1] = 0;
	*part = (p[n] && strchr(".-_/:@=", p[n]) && ns_is_alnum(p[n + 1]));
	return p + n;
}

/* "database is down", but not "database is not down" nor "database fine, image changed". */
static bool trouble_in(const text_unit *u)
{
	static const char *const ends[] = {"fine", "ok", "okay", "healthy", "unchanged", "untouched", "image", "release", "version",
	    "revision", "deployment", "and", "but", "while", "probe", NULL};
	int since = -1; /* words since the last thing; -1: none is near */
	bool denied = false, part, was_part = false;
	char word[20];
	for (const char *p = next(u->text, word, sizeof word, &part); *word; p = next(p, word, sizeof word, &part)) {
		bool name = part || was_part;
		was_part = part;
		if (!name && is_thing(word)) {
			since = denied ? -1 : 0; /* "not the database" */
			denied = false;
		} else if (ns_listed(word, ends)) {
			since = -1;
			denied = false;
		} else if (since >= 0 && is_trouble(word) && !denied) {
			return true;
		} else if (since >= 0 && ++since > APART) {
			since = -1;
			denied = false;
		} else {
			denied = denies(word) || (denied && !strcmp(word, "the"));
		}
	}
	return ns_flat_find(u->flat,
	           "(certificate|certificates|cert|certs|license|licence|disk|quota|token|space|subscription|ca) * ran out") != NULL;
}

const text_unit *ns_text_outside(const text_doc *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (!d->unit[i].order && trouble_in(&d->unit[i]))
			return &d->unit[i];
	return NULL;
}
