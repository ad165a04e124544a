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
    "a", "about", "above", "according", "after", "again", "ago", "alert", "all", "also", "always", "an", "and", "any", "app", "application",
    "applications", "applied", "are", "around", "as", "at", "attached", "average", "avg", "back", "be", "because", "been", "before", "being",
    "below", "between", "but", "by", "bytes", "can", "chart", "cluster", "code", "colleagues", "comes", "configured", "constant", "container",
    "containers", "controller", "count", "cpu", "crash", "crashes", "crashloop", "crashlooping", "crashloops", "critical", "current",
    "currently", "dashboard", "day", "days", "dear", "default", "defaults", "deployment", "describe", "dev", "dies", "docs", "documentation",
    "documented", "does", "down", "due", "during", "each", "eight", "environment", "estimate", "even", "evening", "event", "events", "every",
    "exceeded", "exceeds", "exit", "exited", "exits", "few", "fine", "firing", "first", "five", "flat", "flux", "for", "four", "fourth",
    "from", "get", "gets", "getting", "gi", "gib", "graph", "had", "half", "happened", "happens", "has", "have", "hello", "hey", "hi", "hit",
    "hits", "hour", "hourly", "hours", "i", "if", "in", "initial", "install", "installed", "into", "is", "it", "its", "job", "just", "keeps",
    "kernel", "kib", "kill", "killed", "killer", "kills", "kube", "kubectl", "kubelet", "last", "later", "least", "less", "limit", "limits",
    "logs", "look", "looks", "loop", "low", "main", "manager", "many", "max", "maximum", "maybe", "mb", "measured", "mebibytes", "megabytes",
    "mem", "memory", "message", "metric", "metrics", "mi", "mib", "min", "minimum", "minute", "minutes", "monitor", "month", "more",
    "morning", "most", "much", "name", "namespace", "needed", "needs", "never", "new", "next", "night", "nine", "no", "node", "nodes", "not",
    "nothing", "now", "of", "often", "on", "once", "one", "only", "oom", "oomkill", "oomkilled", "or", "other", "others", "our", "out",
    "output", "over", "owner", "past", "peak", "per", "please", "pod", "pods", "process", "production", "prometheus", "quite", "ready",
    "really", "reason", "recommended", "recommends", "recreated", "repeatedly", "replica", "replicas", "report", "reported", "reports",
    "request", "requests", "reset", "resource", "resources", "restart", "restarted", "restarting", "restarts", "right", "rss", "run",
    "running", "runs", "s", "said", "same", "says", "second", "seconds", "see", "seen", "service", "set", "sets", "seven", "several",
    "severity", "shop", "shortly", "should", "shows", "signal", "since", "six", "small", "so", "some", "soon", "stable", "staging", "start",
    "started", "starts", "startup", "state", "status", "steady", "still", "t", "team", "ten", "terminated", "test", "than", "thanks", "that",
    "the", "their", "them", "then", "there", "these", "they", "third", "this", "three", "time", "times", "to", "today", "tonight", "too",
    "total", "twice", "two", "under", "until", "up", "us", "usage", "use", "used", "user", "users", "uses", "value", "values", "very", "via",
    "waiting", "warning", "was", "we", "web", "week", "weeks", "were", "when", "where", "which", "while", "with", "within", "without",
    "worker", "working", "working_set", "workload", "yesterday",
    /* clang-format on */
};

/* And those of money, use and the end of use. Sorted bytewise. */
static const char *const of_cost[] = {
    /* clang-format off */
    "abandoned", "accident", "accidentally", "active", "activity", "agent", "agents", "almost", "annual", "anomaly", "another", "anymore",
    "apps", "april", "august", "autoscaler", "barely", "benchmark", "bill", "billed", "branch", "branches", "budget", "build", "builds",
    "calls", "cancelled", "change", "changed", "ci", "cleaned", "closed", "clusters", "colleague", "come", "company", "complete",
    "completed", "copied", "copies", "copy", "cost", "costing", "costs", "course", "daily", "december", "deleted", "demo", "deploy",
    "deployments", "deploys", "developer", "disabled", "doing", "dollars", "done", "doubled", "dozen", "dozens", "eff", "efficiency",
    "empty", "enabled", "ended", "env", "environments", "eur", "euro", "everywhere", "experiment", "feature", "features", "february",
    "finished", "finops", "forecast", "forgot", "forgotten", "friday", "generator", "generators", "gone", "grew", "h", "hackathon",
    "hand", "hardly", "holiday", "holidays", "hpa", "hundred", "hundreds", "idle", "increase", "increased", "instead", "intern",
    "january", "jobs", "july", "jumped", "june", "jupyter", "kernels", "kubecost", "lab", "leave", "left", "leftover", "little", "load",
    "loadtest", "logged", "login", "logins", "longer", "manually", "march", "may", "merged", "messages", "midnight", "minreplicas",
    "mistake", "monday", "monthly", "months", "mostly", "moved", "namespaces", "near", "neither", "newest", "nightly", "nights", "nil",
    "nobody", "non", "none", "nonprod", "noon", "notebook", "notebooks", "november", "october", "off", "old", "opencost", "orphaned",
    "overnight", "pending", "percent", "platform", "pool", "preview", "price", "prod", "project", "projects", "pull", "put", "qa",
    "quarter", "queries", "queue", "rate", "region", "regions", "release", "released", "releases", "removed", "replaced", "research",
    "review", "rolled", "rose", "runner", "runners", "sandbox", "saturday", "savings", "scale", "scaled", "scaling", "schedule",
    "scheduled", "script", "semester", "september", "sessions", "share", "shut", "shutdown", "simulator", "somebody", "someone", "spend",
    "spending", "spike", "sprint", "stale", "stopped", "students", "sunday", "switched", "task", "tasks", "tester", "testers", "thursday",
    "traffic", "training", "trial", "tripled", "tuesday", "turned", "typo", "uat", "unchanged", "unused", "usd", "utilisation",
    "utilization", "vacation", "vendor", "webserver", "webservers", "wednesday", "weekend", "weekends", "weekly", "went", "workers",
    "workshop", "wrong", "yearly", "years", "zero",
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

static bool is_of_cost(const char *word)
{
	return bsearch(word, of_cost, sizeof of_cost / sizeof of_cost[0], sizeof of_cost[0], compare) != NULL;
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

/* Words of a unit that are neither names nor numbers nor plain. */
static size_t unexplained(const text_unit *u, bool cost)
{
	size_t count = 0;
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
			count += !is_plain(word) && !(cost && is_of_cost(word));
		}
		p += whole;
	}
	return count;
}

static bool prose(const text_unit *u)
{
	return !u->order && u->place == TEXT_PROSE && !strstr(u->text, "   "); /* no row of a table */
}

size_t ns_text_unexplained(const text_doc *d)
{
	size_t count = 0;
	for (size_t i = 0; i < d->n; i++)
		count += prose(&d->unit[i]) ? unexplained(&d->unit[i], false) : 0;
	return count;
}

size_t ns_text_strange(const text_doc *d)
{
	size_t most = 0;
	for (size_t i = 0; i < d->n; i++) {
		size_t n = prose(&d->unit[i]) ? unexplained(&d->unit[i], true) : 0;
		most = n > most ? n : most;
	}
	return most;
}

/* "… but legal forbids it": what stands behind such a word takes back what stood before it, unless it reassures. */
bool ns_text_contrast(const text_doc *d)
{
	static const char turns[] = "but |however |although |though |except |unless |despite |nevertheless |on the other hand";
	static const char reassures[] = "~idle|no leak|not a leak|flat|constant|stable|settles|nobody|no one|no "
	                                "|nothing|zero|unused|finished|ended|over|done|fine|healthy|ready|"
	                                "running|serv|works|worked|still|never (put|stopped|scaled)|ok |limit|needs|was |memory|image|tag "
	                                "|typo|listens|exits|fails|crash|process|"
	                                "without";
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		/* A parser's own words: "flag provided but not defined", "expected a number but got". */
		if (ns_flat_find(u->flat, "provided but not defined|(expected|wanted|want|expects|required|requires) * but "))
			continue;
		const char *turn = u->order || u->place != TEXT_PROSE ? NULL : ns_flat_find(u->flat, turns);
		if (turn && !ns_flat_find(turn, reassures))
			return true;
	}
	return false;
}
