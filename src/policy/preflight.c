/* Will Kyverno use an exception? In a wrong namespace, or with the feature off, it takes the object and ignores it. Its flags tell; where a flag is
 * absent, the default of its version does (on in 1.11 and 1.12, off before and after; before 1.13 any namespace would do). */
#include <stdio.h>
#include <string.h>

#include "neuroscale/policy/policy.h"

const char *const *ns_exception_versions(bool cel)
{
	static const char *const legacy[] = {"kyverno.io/v2", "kyverno.io/v2beta1", "kyverno.io/v2alpha1", NULL},
	    *const newer[] = {"policies.kyverno.io/v1", "policies.kyverno.io/v1beta1", "policies.kyverno.io/v1alpha1", NULL};
	return cel ? newer : legacy;
}

/* "--flag=value" and "-flag=value"; a flag alone is true, as Go reads it. NULL absent. The last one counts. */
static const char *flag(const cJSON *args, const char *name)
{
	const char *found = NULL;
	size_t n = strlen(name);
	ns_json_each(a, args)
	{
		const char *s = cJSON_IsString(a) ? a->valuestring : "";
		s += strspn(s, "-");
		if (cJSON_IsString(a) && s != a->valuestring && !strncmp(s, name, n) && (!s[n] || s[n] == '='))
			found = s[n] ? s + n + 1 : "true";
	}
	return found;
}

static bool is_true(const char *s)
{
	static const char *const words[] = {"1", "t", "T", "true", "TRUE", "True"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(s, words[i]))
			return true;
	return false;
}

/* "ghcr.io/kyverno/kyverno:v1.13.4" is 13; -1 unknown. */
static int minor_of(const char *image)
{
	const char *slash = strrchr(image, '/'), *tag = strchr(slash ? slash : image, ':');
	int major = 0, minor = -1;
	return tag && sscanf(tag + 1 + (tag[1] == 'v'), "%d.%d", &major, &minor) == 2 && major == 1 ? minor : -1;
}

void ns_exception_switch(
    ns_arena *ar, const cJSON *deployments, const char *configured, const char *target_ns, const char **where, const char **off)
{
	*where = configured;
	*off = "";
	ns_json_each(d, deployments) ns_json_each(c, ns_json_path(d, "spec.template.spec.containers"))
	{
		const cJSON *args = ns_json_get(c, "args");
		const char *enabled = flag(args, "enablePolicyException"), *ns = flag(args, "exceptionNamespace");
		int minor = minor_of(ns_json_str(c, "image", ""));
		if (!ns_json_len(args))
			continue; /* a side-car, or flags that stand elsewhere */
		bool by_default = minor == 11 || minor == 12;
		if (enabled ? !is_true(enabled) : minor >= 0 && !by_default)
			*off = enabled ? "its policy exceptions are switched off (--enablePolicyException=false)"
			               : "its policy exceptions are off by default in this version (--enablePolicyException is not set)";
		else if ((!ns || !*ns) && minor >= 13)
			*off = "it accepts exceptions in no namespace (--exceptionNamespace is not set)";
		else if (ns && *ns && strcmp(ns, "*") && *configured && strcmp(ns, configured))
			*off = ns_arena_printf(ar, "it accepts exceptions in namespace %.63s only, and the configuration names %.63s", ns, configured);
		else if (!*configured)
			*where = !ns || !*ns ? (enabled || by_default ? target_ns : "") : strcmp(ns, "*") ? ns_arena_strdup(ar, ns) : target_ns;
	}
}
