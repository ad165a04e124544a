/* The PolicyException: for which rules a person may grant one at all, and the narrowest object that still lets one workload roll out. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/text.h"
#include "neuroscale/policy/policy.h"

/* ---- which rules guard something (law 2) ---- */

/* Words are matched at their beginning in the lower-case names, category and message, with every separator turned into one space, so that
 * "disallow-host-path", "hostPath" and "host path" are one. */
static const struct {
	const char *why;
	const char *words[36];
} guards[] = {
    {"the rule guards where images come from: signatures, attestations and registries",
        {"verify image", "verifyimage", "image verif", "signature", "signed", "signing", "unsigned", "attest", "cosign", "notary",
            "sigstore", "sbom", "provenance", "slsa", "registr", "digest", "supply chain", "supplychain", "allowed repos", "trusted image",
            "vulnerab", "cve"}},
    {"the rule guards privilege inside containers",
        {"privilege", "unprivileged", "escalat", "capabilit", "root", "nonroot", "non root", "runas", "run as", "seccomp", "apparmor",
            "selinux", "procmount", "proc mount", "sysctl", "pod security", "podsecurity", "pss", "psp", "securitycontext",
            "security context", "read only", "readonly", "rootfs", "fsgroup", "supplementalgroup", "allowprivilege", "hardening",
            "drop all", "add capab", "windows host", "user namespace"}},
    {"the rule guards the node: its paths, namespaces, ports and sockets",
        {"host", "docker sock", "dockersock", "container sock", "containersock", "cri sock", "containerd", "var run", "volume type",
            "volumetype", "node affinity", "nodename", "node selector", "nodeselector", "toleration", "master", "control plane"}},
    {"the rule guards the network",
        {"network", "ingress", "egress", "loadbalancer", "load balancer", "nodeport", "node port", "external ip", "externalip", "tls",
            "mtls", "certificate", "gateway", "istio", "linkerd", "cilium", "service external", "endpoint", "dns"}},
    {"the rule guards access rights",
        {"rbac", "role", "clusterrole", "binding", "rolebinding", "serviceaccount", "service account", "automount", "token", "secret",
            "admin", "cluster admin", "wildcard", "impersonat", "exec", "port forward", "kubeconfig", "access control",
            "namespace isolation", "tenan", "webhook", "permission", "authoriz", "self protect", "deny delete", "block delete"}},
};

/* Lower case, camelCase and separators become single spaces; one space in front, so that " word" is a word's beginning. */
static void normalise(ns_buf *out, const char *s)
{
	ns_buf_putc(out, ' ');
	for (const char *p = s; *p; p++) {
		unsigned char c = (unsigned char)*p;
		bool hump = isupper(c) && p > s && islower((unsigned char)p[-1]);
		if (!isalnum(c) || hump)
			if (out->data[out->len - 1] != ' ')
				ns_buf_putc(out, ' ');
		if (isalnum(c))
			ns_buf_putc(out, (char)tolower(c));
	}
}

bool ns_exception_permitted(const char *policy, const char *rule, const char *category, const char *message, const char **why)
{
	const char *texts[] = {policy, rule, category, message};
	ns_buf words = NS_BUF_INIT;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		normalise(&words, texts[i] ? texts[i] : "");
	const char *found = NULL;
	for (size_t i = 0; i < sizeof guards / sizeof guards[0] && !found; i++)
		for (size_t k = 0; k < sizeof guards[i].words / sizeof guards[i].words[0] && guards[i].words[k] && !found; k++) {
			char word[40];
			snprintf(word, sizeof word, " %s", guards[i].words[k]);
			if (strstr(words.data, word))
				found = guards[i].why;
		}
	ns_buf_free(&words);
	if (!found && !(policy && *policy && rule && *rule))
		found = "the rule is not named, so nobody can tell what it guards";
	if (why)
		*why = found ? found : "";
	return !found;
}

/* ---- the object ---- */

/* What a controller makes carries its name and a suffix of known length: a match by '?' takes those and no neighbour called "web-admin".
 * The hash of a Deployment's template has 8 to 10 characters, in rare cases fewer; such a pod is refused, which is the safe side. */
#define SUFFIX5 "-?????"
static const struct {
	const char *kind;
	struct {
		const char *kind;
		const char *suffixes[4];
	} made[3];
} families[] = {
    {"Deployment", {{"ReplicaSet", {"-????????", "-?????????", "-??????????"}},
                       {"Pod", {"-????????" SUFFIX5, "-?????????" SUFFIX5, "-??????????" SUFFIX5}}}},
    {"ReplicaSet", {{"Pod", {SUFFIX5}}}},
    {"StatefulSet", {{"Pod", {"-?", "-??"}}}},
    {"DaemonSet", {{"Pod", {SUFFIX5}}}},
    {"Job", {{"Pod", {SUFFIX5}}}},
    {"CronJob", {{"Job", {"-????????"}}, {"Pod", {"-????????" SUFFIX5}}}},
};

static cJSON *strings(cJSON *obj, const char *key)
{
	return cJSON_AddArrayToObject(obj, key);
}

static void push(cJSON *arr, const char *s)
{
	ns_json_each(have, arr) if (!strcmp(have->valuestring, s)) return;
	cJSON_AddItemToArray(arr, cJSON_CreateString(s));
}

/* One entry of match.any: kind, namespace and the names given as base and suffixes (NULL-terminated within 4). */
static void add_match(cJSON *any, const char *kind, const ns_violation *v, const char *const *suffixes, size_t n)
{
	cJSON *entry = cJSON_CreateObject(), *res = cJSON_AddObjectToObject(entry, "resources");
	push(strings(res, "kinds"), kind);
	if (*v->ns)
		push(strings(res, "namespaces"), v->ns);
	cJSON *names = strings(res, "names");
	for (size_t i = 0; i < n && suffixes[i]; i++) {
		char *name = ns_xasprintf("%s%s", v->name, suffixes[i]);
		push(names, name);
		free(name);
	}
	cJSON_AddItemToArray(any, entry);
}

/* Autogen rules stand beside the rule that they were made from; all of them must let the object through. */
static void add_rules(cJSON *names, const char *const *rules, size_t n, const char *kind)
{
	for (size_t i = 0; i < n; i++) {
		const char *base = ns_rule_base(rules[i]);
		char *twin = ns_xasprintf("autogen-%s", base), *cron = ns_xasprintf("autogen-cronjob-%s", base);
		push(names, base);
		if (strcmp(kind, "Pod"))
			push(names, twin);
		if (!strcmp(kind, "CronJob"))
			push(names, cron);
		free(twin);
		free(cron);
	}
}

cJSON *ns_exception_build(const char *api_version, const char *exception_ns, const char *name, const ns_violation *v,
    const char *const *rules, size_t n_rules, const char *incident, const char *requested_by, int ttl_hours)
{
	const char *one[] = {v->rule};
	if (!n_rules && *v->rule) {
		rules = one;
		n_rules = 1;
	}
	/* Without a policy, a rule, a name and (but for cluster objects) a namespace it would cover more than one workload. */
	if (!n_rules || !*v->policy || !*v->name || !*v->kind || (!*v->ns && strcmp(v->kind, "Namespace")) || strpbrk(v->name, "*?") ||
	    strpbrk(v->ns, "*?"))
		return NULL;
	cJSON *o = cJSON_CreateObject();
	ns_json_put_str(o, "apiVersion", api_version);
	ns_json_put_str(o, "kind", "PolicyException");
	cJSON *meta = cJSON_AddObjectToObject(o, "metadata");
	ns_json_put_str(meta, "name", name);
	ns_json_put_str(meta, "namespace", exception_ns);
	cJSON *labels = cJSON_AddObjectToObject(meta, "labels");
	char ttl[16];
	snprintf(ttl, sizeof ttl, "%dh", ttl_hours > 0 ? ttl_hours : 1);
	ns_json_put_str(labels, "cleanup.kyverno.io/ttl", ttl);
	ns_json_put_str(labels, "app.kubernetes.io/managed-by", "neuroscale-autopilot");
	cJSON *notes = cJSON_AddObjectToObject(meta, "annotations");
	ns_json_put_str(notes, "neuroscale.io/incident", incident);
	char *by = ns_text_clean_dup(requested_by, 120);
	ns_json_put_str(notes, "neuroscale.io/requested-by", by);
	free(by);

	cJSON *spec = cJSON_AddObjectToObject(o, "spec");
	cJSON *any = cJSON_AddArrayToObject(cJSON_AddObjectToObject(spec, "match"), "any");
	static const char *const exact[] = {"", NULL};
	add_match(any, v->kind, v, exact, 1);
	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
		for (size_t k = 0; k < 3 && !strcmp(families[i].kind, v->kind) && families[i].made[k].kind; k++)
			add_match(any, families[i].made[k].kind, v, families[i].made[k].suffixes, 4);
	cJSON *entry = cJSON_CreateObject();
	cJSON_AddItemToArray(cJSON_AddArrayToObject(spec, "exceptions"), entry);
	ns_json_put_str(entry, "policyName", v->policy);
	add_rules(strings(entry, "ruleNames"), rules, n_rules, v->kind);
	return o;
}

cJSON *ns_exception_disarm_patch(void)
{
	/* Upper case is no object name, so this matches nothing, now or later. */
	static const char *const text =
	    "[{\"op\":\"replace\",\"path\":\"/spec/match\",\"value\":{\"any\":[{\"resources\":{\"kinds\":[\"Pod\"],"
	    "\"namespaces\":[\"DISARMED\"],\"names\":[\"DISARMED\"]}}]}}]";
	return ns_json_parse(text, strlen(text), &ns_json_strict, NULL);
}
