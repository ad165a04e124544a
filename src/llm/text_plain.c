/* Plain words: those with which anybody describes a container that was killed for memory and that say nothing more about it. What is left
 * of a text without them, without names and numbers, is how much it tells that this program does not understand. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "text_priv.h"

/* Sorted bytewise. */
static const char *const plain[] = {
    /* clang-format off */
    "a", "about", "above", "after", "again", "alert", "all", "also", "an", "and", "any", "are", "around", "as", "at", "back", "be", "because",
    "been", "before", "being", "below", "between", "but", "by", "can", "chart", "cluster", "code", "comes", "configured", "container",
    "containers", "controller", "count", "cpu", "crash", "crashes", "crashloop", "crashlooping", "crashloops", "critical", "current",
    "currently", "day", "days", "default", "defaults", "deployment", "dies", "does", "down", "due", "during", "each", "even", "event",
    "events", "every", "exceeded", "exceeds", "exit", "exited", "exits", "few", "fine", "firing", "flux", "for", "from", "get", "gets",
    "getting", "gi", "had", "happened", "happens", "has", "have", "hit", "hits", "hour", "hourly", "hours", "i", "if", "in", "initial",
    "install", "installed", "into", "is", "it", "its", "job", "just", "keeps", "kernel", "kill", "killed", "killer", "kills", "kube",
    "kubectl", "kubelet", "last", "later", "least", "less", "limit", "limits", "logs", "loop", "low", "main", "manager", "max", "mb", "mem",
    "memory", "mi", "min", "minute", "minutes", "monitor", "more", "most", "name", "namespace", "needed", "needs", "never", "new", "night",
    "no", "node", "nodes", "not", "nothing", "now", "of", "often", "on", "once", "one", "only", "oom", "oomkill", "oomkilled", "or", "other",
    "others", "our", "out", "over", "past", "per", "pod", "pods", "process", "production", "ready", "reason", "repeatedly", "replica",
    "replicas", "reported", "request", "requests", "reset", "resource", "resources", "restart", "restarted", "restarting", "restarts",
    "right", "run", "running", "runs", "s", "same", "says", "seconds", "service", "set", "sets", "several", "severity", "shop", "shortly",
    "should", "shows", "signal", "since", "small", "so", "some", "soon", "start", "started", "starts", "startup", "state", "status", "still",
    "t", "team", "terminated", "test", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "three", "time",
    "times", "to", "today", "tonight", "too", "total", "twice", "two", "under", "until", "up", "us", "usage", "use", "used", "uses", "value",
    "values", "via", "waiting", "warning", "was", "we", "web", "were", "when", "where", "which", "while", "with", "within", "without",
    "worker", "working", "workload", "yesterday",
    /* clang-format on */
};

static int compare(const void *key, const void *row)
{
	return strcmp(key, *(const char *const *)row);
}

static bool is_plain(const char *word)
{
	return bsearch(word, plain, sizeof plain / sizeof plain[0], sizeof plain[0], compare) != NULL;
}

/* Names, numbers, paths, identifiers: they tell which one, not what. */
static bool is_name(const char *s, size_t n)
{
	bool inner = false;
	for (size_t i = 0; i < n; i++) {
		if (ns_is_digit(s[i]) || strchr("-_/=:@.", s[i]))
			return true;
		inner |= i && ns_is_upper(s[i]);
	}
	return inner;
}

size_t ns_text_unexplained(const text_doc *d)
{
	size_t count = 0;
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		if (u->order || u->place != TEXT_PROSE || strstr(u->text, "   ")) /* no row of a table */
			continue;
		for (const char *p = u->text; *p;) {
			while (*p && !ns_is_alnum(*p))
				p++;
			size_t n = 0;
			while (p[n] && (ns_is_alnum(p[n]) || strchr("-_/=:@.", p[n])))
				n++;
			size_t whole = n;
			while (n && strchr("-_/=:@.", p[n - 1]))
				n--;
			char word[32];
			if (n && n < sizeof word && !is_name(p, n)) {
				for (size_t k = 0; k < n; k++)
					word[k] = (char)tolower((unsigned char)p[k]);
				word[n] = 0;
				count += !is_plain(word);
			}
			p += whole;
		}
	}
	return count;
}
