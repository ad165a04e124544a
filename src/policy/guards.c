/* Which rules guard something that no exception may open, by their names and by what they themselves say (law 2). */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/buf.h"
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

static const char *guard_of(const ns_buf *words)
{
	for (size_t i = 0; i < sizeof guards / sizeof guards[0]; i++)
		for (size_t k = 0; k < sizeof guards[i].words / sizeof guards[i].words[0] && guards[i].words[k]; k++) {
			char word[40];
			snprintf(word, sizeof word, " %s", guards[i].words[k]);
			if (strstr(words->data, word))
				return guards[i].why;
		}
	return NULL;
}

bool ns_exception_permitted(const char *policy, const char *rule, const char *category, const char *message, const char **why)
{
	const char *texts[] = {policy, rule, category, message};
	ns_buf words = NS_BUF_INIT;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		normalise(&words, texts[i] ? texts[i] : "");
	const char *found = guard_of(&words);
	ns_buf_free(&words);
	if (!found && !(policy && *policy && rule && *rule))
		found = "the rule is not named, so nobody can tell what it guards";
	if (why)
		*why = found ? found : "";
	return !found;
}

/* ---- by content ---- */

/* Keys and strings of what a rule demands, as one text. What it matches by name or user says nothing of what it guards. */
static void gather(ns_buf *words, const cJSON *j)
{
	static const char *const skipped[] = {"message", "messageExpression", "names", "namespaces", "subjects", "clusterRoles", "roles", "namespaceSelector"};
	ns_json_each(x, j)
	{
		bool skip = false;
		for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++)
			skip |= x->string && !strcmp(x->string, skipped[i]);
		if (skip)
			continue;
		if (x->string)
			normalise(words, x->string);
		if (cJSON_IsString(x))
			normalise(words, x->valuestring);
		gather(words, x);
	}
}

const char *ns_policy_guards(const cJSON *policy, const char *rule)
{
	static const char signatures[] = "the rule guards where images come from: signatures, attestations and registries";
	static const char *const parts[] = {"match", "validate", "mutate", "generate"}, *const cel[] = {"matchConstraints", "validations", "variables", "matchConditions"};
	const cJSON *spec = ns_json_get(policy, "spec"), *rules = ns_json_get(spec, "rules");
	ns_buf words = NS_BUF_INIT;
	ns_buf_putc(&words, ' ');
	if (strstr(ns_json_str(policy, "kind", ""), "ImageValidatingPolicy") || ns_json_get(spec, "attestors")) {
		ns_buf_free(&words);
		return signatures;
	}
	ns_json_each(r, rules)
	{
		if (*rule && strcmp(ns_rule_base(rule), ns_json_str(r, "name", "")) != 0)
			continue;
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
			gather(&words, ns_json_get(r, parts[i]));
		if (ns_json_get(r, "verifyImages"))
			ns_buf_puts(&words, " verifyimage");
	}
	for (size_t i = 0; !rules && i < sizeof cel / sizeof *cel; i++)
		gather(&words, ns_json_get(spec, cel[i]));
	const char *found = guard_of(&words);
	ns_buf_free(&words);
	return found;
}
