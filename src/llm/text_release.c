/* The history of a workload's releases as a text tells it: which names of releases stand in it (revision 7, build 4471, v18, 2.31.0, an
 * image's tag), which of two is the older one, and what is said of the older one. People say it in any order and in any words, but the
 * names have a grammar and "is it good?" has a small vocabulary; so this looks for the names first and judges the words around them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "text_priv.h"

#define PARTS    4   /* numbers of a version that are compared */
#define MENTIONS 96  /* names of releases that are looked at */
#define BEHIND   110 /* characters behind a name that speak about it */
#define BEFORE   48  /* and before it */

typedef enum series { SERIES_REVISION, SERIES_BUILD, SERIES_VERSION } series;
typedef struct mention {
	series series;
	long number[PARTS];
	size_t from, to; /* its place in the unit's text */
	const text_unit *unit;
	bool named; /* a word, a v or a colon in front of it says that it is one */
} mention;
typedef struct mentions {
	mention at[MENTIONS];
	size_t n;
} mentions;

static bool told(const text_unit *u)
{
	return !u->order && (u->place == TEXT_PROSE || u->place == TEXT_STATUS);
}

/* ---- names of releases -------------------------------------------------------------------------------------------- */

/* "rev 88", "build #4471", "release v5.0.2", "tag: 1.14". */
static const struct {
	const char *word;
	series series;
} introducers[] = {{"revision", SERIES_REVISION}, {"revisions", SERIES_REVISION}, {"rev", SERIES_REVISION}, {"rev.", SERIES_REVISION},
    {"generation", SERIES_REVISION}, {"build", SERIES_BUILD}, {"builds", SERIES_BUILD}, {"version", SERIES_VERSION},
    {"versions", SERIES_VERSION}, {"release", SERIES_VERSION}, {"tag", SERIES_VERSION}, {"image", SERIES_VERSION},
    {"chart", SERIES_VERSION}};

/* What makes a number an amount, an address, a time or a share: 2.5s, 0.02 CPU, 4.10 USD, 10.0.4.17, 08:17. */
static bool is_amount(const char *end)
{
	static const char *const units[] = {"%", "usd", "eur", "gb", "mb", "gi", "mi", "cpu", "core", "ms ", "s ", "sec", "min ", "minutes",
	    "h ", "hour", "day", "x ", "times", "per ", "req", "rps", NULL};
	const char *s = end + (*end == ' ');
	for (const char *const *u = units; *u; u++)
		if (!strncasecmp(s, *u, strlen(*u)))
			return true;
	return *end == '%' || ((*end == ':' || *end == '/') && ns_is_alnum(end[1]));
}

/* Digits in up to PARTS groups joined by dots, at s. Returns the characters read, 0 when it is no such thing. */
static size_t read_number(const char *s, long *number, size_t *dots)
{
	size_t n = 0, k = 0;
	*dots = 0;
	memset(number, 0, PARTS * sizeof *number);
	for (;;) {
		char *end;
		if (!ns_is_digit(s[n]) || k == PARTS)
			return 0;
		number[k++] = strtol(s + n, &end, 10);
		n = (size_t)(end - s);
		if (s[n] != '.' || !ns_is_digit(s[n + 1]))
			return n;
		n++;
		++*dots;
	}
}

static const char *word_before(const char *text, const char *p, size_t *n)
{
	while (p > text && strchr(" #:=(\"'`*", p[-1]))
		p--;
	const char *end = p;
	while (p > text && (ns_is_letter(p[-1]) || p[-1] == '.'))
		p--;
	*n = (size_t)(end - p);
	return p;
}

static bool introduced(const char *text, const char *p, series *out)
{
	size_t n;
	const char *w = word_before(text, p, &n);
	for (size_t i = 0; i < sizeof introducers / sizeof introducers[0]; i++)
		if (n == strlen(introducers[i].word) && !strncasecmp(w, introducers[i].word, n)) {
			*out = introducers[i].series;
			return true;
		}
	return false;
}

/* "revision 23 -> 24": what stands behind the arrow is one of the same series. */
static bool arrowed(const char *text, const char *p, series *out)
{
	const char *b = p;
	while (b > text && b[-1] == ' ')
		b--;
	if (b - text < 2 || strncmp(b - 2, "->", 2) != 0)
		return false;
	for (b -= 2; b > text && b[-1] == ' ';)
		b--;
	const char *end = b;
	while (b > text && (ns_is_digit(b[-1]) || b[-1] == '.'))
		b--;
	return b < end && introduced(text, b, out);
}

/* Letters that make a name of the digits behind them: v18, r208, rc7. */
static size_t prefix_at(const char *p)
{
	static const char *const prefixes[] = {"v", "V", "r", "rc", "RC", "rev", "b", "beta", "rel", "build", "hotfix", NULL};
	for (const char *const *x = prefixes; *x; x++) {
		size_t n = strlen(*x);
		if (!strncmp(p, *x, n) && ns_is_digit(p[n]))
			return n;
	}
	return 0;
}

/* A name that begins at p; returns its length, 0 none. */
static size_t mention_at(const text_unit *u, const char *p, mention *m)
{
	const char *text = u->text;
	size_t letter = prefix_at(p);
	char before = p > text ? p[-1] : ' ';
	if ((!letter && !ns_is_digit(*p)) || ns_is_alnum(before) || (before == '-' && !letter) || strchr(".$_", before))
		return 0;
	size_t dots, n = read_number(p + letter, m->number, &dots);
	const char *end = p + letter + n;
	if (!n || dots > 2 || ns_is_letter(*end))
		return 0;
	m->series = SERIES_VERSION;
	bool tag = (before == ':' || before == '@') && p - 1 > text && ns_is_letter(p[-2]);
	m->named = introduced(text, p, &m->series) || letter || tag || arrowed(text, p, &m->series);
	if (!m->named && (!dots || is_amount(end)))
		return 0;
	m->from = (size_t)(p - text);
	m->to = m->from + letter + n;
	m->unit = u;
	return m->to - m->from;
}

/* "88 continues to serve", ":88 never crashed", where ocr:88 was named before. */
static size_t repeated_at(const mentions *all, const text_unit *u, const char *p, mention *m)
{
	size_t n = strspn(p, "0123456789");
	char before = p > u->text ? p[-1] : ' ';
	if (before == ':' && (p - 1 == u->text || p[-2] == ' '))
		before = ' '; /* ":88 never crashed" */
	if (n < 2 || n > 6 || ns_is_alnum(p[n]) || p[n] == '.' || p[n] == '/' || p[n] == '-' || is_amount(p + n) || ns_is_alnum(before) ||
	    strchr(".:/-$", before))
		return 0;
	long v = strtol(p, NULL, 10);
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].named && all->at[i].number[0] == v && !all->at[i].number[1] && !all->at[i].number[2]) {
			*m = all->at[i];
			m->from = (size_t)(p - u->text);
			m->to = m->from + n;
			m->unit = u;
			return n;
		}
	return 0;
}

static const text_unit *line_of(const text_doc *d, const char *head);

/* A row of `kubectl rollout history` names its revision by its first column. */
static void find_mentions(const text_doc *d, mentions *all)
{
	all->n = 0;
	const text_unit *history = line_of(d, "REVISION");
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		size_t digits = strspn(u->text, "0123456789");
		if (history && u > history && told(u) && digits && digits < 6 && !strncmp(u->text + digits, "  ", 2) && all->n < MENTIONS)
			all->at[all->n++] = (mention){SERIES_REVISION, {strtol(u->text, NULL, 10)}, 0, digits, u, true};
	}
	for (size_t i = 0; i < d->n; i++)
		for (const char *p = d->unit[i].text; told(&d->unit[i]) && *p && all->n < MENTIONS;) {
			size_t n = mention_at(&d->unit[i], p, &all->at[all->n]);
			n = n ? n : repeated_at(all, &d->unit[i], p, &all->at[all->n]);
			all->n += n != 0;
			p += n ? n : 1;
		}
}

/* ---- older and newer ---------------------------------------------------------------------------------------------- */

static int compare(const mention *a, const mention *b)
{
	for (size_t i = 0; i < PARTS; i++)
		if (a->number[i] != b->number[i])
			return a->number[i] < b->number[i] ? -1 : 1;
	return 0;
}

static bool has_newer(const mentions *all, const mention *m)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].series == m->series && compare(m, &all->at[i]) < 0)
			return true;
	return false;
}

static bool only_one(const mentions *all, const mention *m)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].series == m->series && compare(m, &all->at[i]) != 0)
			return false;
	return true;
}

/* ---- what is said of it ------------------------------------------------------------------------------------------- */

/* Lower case, one space for everything else, a space at both ends; a bracketed "3/3" becomes "3 3". */
static void flatten(const char *s, size_t n, char *out, size_t size)
{
	size_t k = 1;
	out[0] = ' ';
	for (size_t i = 0; i < n && k + 3 < size; i++) {
		if (s[i] == '=' && out[k - 1] == ' ') {
			out[k++] = '='; /* "v7.0.9 = good" */
			out[k++] = ' ';
		} else if (ns_is_alnum(s[i])) {
			out[k++] = (char)tolower((unsigned char)s[i]);
		} else if (out[k - 1] != ' ') {
			out[k++] = ' ';
		}
	}
	if (out[k - 1] != ' ')
		out[k++] = ' ';
	out[k] = 0;
}

static const char *ratio_full(const char *s)
{
	for (; *s; s++)
		if (s[0] == ' ' && ns_is_digit(s[1]) && s[1] != '0' && s[2] == ' ') {
			/* "2 2", "2 of 2", "2 desired, 2 ready" */
			static const char *const joints[] = {"", "of ", "desired ", "wanted ", "replicas ", "pods ", NULL};
			for (const char *const *j = joints; *j; j++) {
				const char *of = s + 3 + strlen(*j);
				if (!strncmp(s + 3, *j, strlen(*j)) && of[0] == s[1] && of[1] == ' ')
					return s + 1;
			}
		}
	return NULL;
}

static const char good_words[] =
    "healthy|worked|works|fine|stable|fast |quick |responsive|serving|serves|serve |served|still up|still ready|still running|"
    "still available|still take|still "
    "answer|keep running|runs fine|ran |was ready|is ready|are ready|were ready|pods ready|replicas ready|pods available|"
    "available replicas|be ready|been ready|ready (for|since|until)|running|run "
    "ok|without restart|no restart|without error|no error|without (a |any |one |problem|issue|incident|trouble|complaint|fail)|no "
    "(problem|issue|complaint|incident|crash|trouble|alert|fail|such)|had no|not a single|not one |ok |okay|good |unaffected|untouched|did "
    "its job|not affected|starts (normally|fine|without)|started (normally|fine|without)|been "
    "(fine|up|running|live|serving|quiet|solid)|up "
    "for|up since|up and running|live (for|since)|had been|in service|was available|available|did not (crash|show|have|do)|didn t "
    "(crash|show|have|do)|doesn t (crash|show|have)|does not (crash|show|have)|never (crashed|restarted|failed|had|showed|did)|successful|"
    "0 restarts|zero restarts|full traffic|takes traffic|take traffic|taking traffic|all traffic|(for|all) * "
    "(days|weeks|months|week|month)|(for|since) (days|weeks|months|ages)|clean|solid|happy|green|quiet|alive|boring|uneventful|as "
    "expected|answer|had none|has none|(logged|logs|shows|showed|saw|sees|threw|gave) (none|no |nothing)|keep (working|going)|"
    "keeps (working|going|running)|up (1|2|3|4|5|6|7|8|9)|(zero|0|no) "
    "(such|events|errors|crashes|issues|incidents)|hummed|kept|ready (pod|replica)|still (has|have)|had "
    "(never|run|not)|has run|ran |never (this|that|happened|seen|saw|did)|no (drama|fuss|surprise)|continue|as before|in order|all "
    "right|alright|intact|unharmed|steady|normal|perfect|(are|is|were|was) up |answering|answers|keep "
    "(taking|serving|answering)|keeps (taking|answering)|flawless|smooth|rock|behaved|behaves|answered|handled|carried|all "
    "good|lief|stabil|marchait|funcionaba";
static const char bad_words[] = "placeholder|hello world|dummy|skeleton|unhealthy|not healthy|never (worked|ready|ran|healthy|came|"
    "started|up|been|became|becomes|was)|not "
                                "ready|not available|also fail|fails|failing|failed|broken|crash|same |did not (work|start|help|come|"
                                "fix|run)|didn t (work|start|help|come|fix|run)|does not (work|start|help|run)|doesn t "
                                "(work|start|help|run)|unavailable|not stable|not work|unstable|none|pending|unknown|both "
                                "(versions|revisions|releases|images|crash|fail)|no "
                                "healthy|too |as well|also |either|restarting|restarts (too|also)|vulnerab|cve|recalled|withdrawn|"
                                "must not|gone|deleted|dead|lost|would|could|should|might|maybe|perhaps|probably|if ";
static const char current_words[] = "new |newest|current|latest|candidate|canary";

/* Is it said to have been good, before anything bad or newer is said? */
static bool good_in(const char *window)
{
	const char *ok = ns_flat_find(window, good_words), *full = ratio_full(window);
	if (full && (!ok || full < ok))
		ok = full;
	const char *no = ns_flat_find(window, bad_words), *now = ns_flat_find(window, current_words);
	/* "never crashed" is no crash. */
	bool cleared = ok && no && no > ok &&
	               ns_flat_find(ok, "never (crash|restart|fail)|did not crash|didn t crash|doesn t crash|does "
	                                "not crash|no (crash|fail)|not a single|not one |without (a |any |fail)|no "
	                                "such") == ok;
	return ok && (cleared || !(no && no < ok)) && !(now && now < ok) &&
	       (*ok == 'n' || !strncmp(ok, "without", 7) || !ns_flat_denied(window, ok));
}

static bool said_good(const char *s, size_t n)
{
	char window[BEHIND + 8] = "";
	if (n > BEHIND)
		for (n = BEHIND; n && s[n] != ' ';)
			n--;
	flatten(s, n, window, sizeof window);
	/* "revision 3 ready" and nothing more */
	static const char *const bare[] = {" ready ", " up ", " ok ", " fine ", NULL};
	return window[1] && (ns_listed(window, bare) || good_in(window));
}

/* "healthy on 3.8", "no problem with build 4468" */
static bool good_before(const mention *m)
{
	char window[BEFORE + 8] = "";
	size_t n = m->from < BEFORE ? m->from : BEFORE;
	flatten(m->unit->text + m->from - n, n, window, sizeof window);
	size_t len = strlen(window);
	static const char *const joints[] = {" with ", " on ", " in ", " under ", " at ", " version ", " release ", " revision ", " rev ",
	    " build ", " image ", " tag ", " until ", " is ", " was ", " of ", " v ", NULL};
	for (const char *const *j = joints; *j; j++) {
		size_t k = strlen(*j);
		if (len > k && !strcmp(window + len - k, *j)) {
			const char *hit = ns_flat_find(window, "(healthy|stable|fine|ok|okay|worked|works|ran well|well|good|quiet|calm|in order|all right|"
			    "no "
			                                       "(problem|problems|issue|issues|crash|crashes|error|errors|restarts)) "
			                                       "(with|on|in|under|at|until)|last (good|working|healthy|stable)|known good");
			return hit && !ns_flat_denied(window, hit) && !ns_flat_find(window, "both|also|neither|nor ");
		}
	}
	return false;
}

/* The words behind a name belong to it until a newer one is named. */
static size_t reach(const mentions *all, const mention *m)
{
	size_t end = strlen(m->unit->text);
	for (size_t i = 0; i < all->n; i++) {
		const mention *o = &all->at[i];
		if (o->unit == m->unit && o->from > m->from && o->series == m->series && compare(m, o) < 0 && o->from < end)
			end = o->from;
	}
	return end - m->to;
}

static const text_unit *good_by_name(const mentions *all)
{
	for (size_t i = 0; i < all->n; i++) {
		const mention *m = &all->at[i];
		if (!has_newer(all, m)) {
			/* Named alone it must be said to be past. */
			char window[BEHIND + 8] = "";
			if (!m->named || !only_one(all, m))
				continue;
			flatten(m->unit->text + m->to, reach(all, m), window, sizeof window);
			const char *past = ns_flat_find(window, "was |were |worked|ran |served|had |did |good|until|before");
			if (!past || past - window > 24)
				continue;
		}
		if (said_good(m->unit->text + m->to, reach(all, m)) || good_before(m))
			return m->unit;
	}
	return NULL;
}

/* "x3 Running 1/1 (previous ReplicaSet)": the good stands in front, and nothing bad or newer in the whole of it. */
static bool good_in_front(const char *flat, const char *at)
{
	static const char former[] = "previous|former|old |older|prior |earlier";
	if (ns_flat_find(at, former) != at + 1 || ns_flat_find(flat, bad_words) || ns_flat_find(flat, current_words))
		return false;
	char window[BEHIND + 8] = "";
	size_t n = (size_t)(at - flat) < BEHIND ? (size_t)(at - flat) : BEHIND;
	flatten(at - n, n, window, sizeof window);
	return good_in(window);
}

/* "release 7": that one is known by its number. */
static bool is_noun(const char *mark)
{
	static const char *const nouns[] = {" version ", " image ", " tag ", " release ", NULL};
	return ns_listed(mark, nouns);
}

/* "the previous one", "the old pods": words for what was there before. */
static const text_unit *good_by_word(const text_doc *d)
{
	static const char *const marks[] = {" previous", " former", " old ", " older", " oldreplicaset", " prior ", " earlier",
	    " last good", " replicaset", " predecessor", " version ", " image ", " tag ", " release ", " the one before", " yesterday s",
	    " last week s", " from before", " before that", " vorige", " vorher", " alte ", " ancien", " anterior", NULL};
	static const char whole[] =
	    "worked before|before (the|that|this) (change|edit|deploy|release|rollout|update|upgrade|bump) (it|they|all|everything) (ran|"
	    "worked|was|were|served|started)|worked until|worked fine|healthy until|healthy before|fine until|fine before|ran fine|ran well|"
	    "stable "
	    "until|stable before|no restarts before|without restarts before|no errors before|rolling back * "
	    "(fixes|fixed|helps|helped|restores|restored|resolves|resolved)|rollback * (fixes|fixed|helps|helped|restores|restored)|was "
	    "healthy|were healthy|last good revision|last known good|previous release was good|(before|until|prior to|up to) * "
	    "(healthy|stable|fine|worked|quiet|calm|no restart|0 restart|zero restart|no problem|no error|in order|nothing)|until then * "
	    "(healthy|stable|fine|worked)|(did not|didn t|never) (show|had|have) * "
	    "(this|that|it|problem|error|restart|crash)|without that|had been stable|had been healthy|was running fine|was running "
	    "ok|running ok|ok (before|with|until)|(when|while) * (was|were) (active|live|current|running) * (never|no "
	    "|fine|stable|healthy)|was ok |been up for|no such (error|problem|crash) (with|in|on|before)";
	for (size_t i = 0; i < d->n; i++) {
		const text_unit *u = &d->unit[i];
		if (!told(u))
			continue;
		const char *hit = ns_flat_find(u->flat, whole);
		if (hit && !ns_flat_denied(u->flat, hit))
			return u;
		for (const char *const *m = marks; *m; m++)
			for (const char *at = u->flat; (at = strstr(at, *m)); at++)
				if (!(is_noun(*m) && ns_is_digit(at[strlen(*m)])) &&
				    (said_good(at + 1, strlen(at + 1)) || good_in_front(u->flat, at)))
					return u;
	}
	return NULL;
}

/* Nothing bad, doubtful or denied is said of an older release, but something is: "r40 kept the lobby online all season". */
static const text_unit *unblamed(const mentions *all)
{
	static const char blame[] =
	    "no |not|never|without|neither|nor |t |error|fault|problem|issue|bug|too |also|as well|unknown|old |leak|slow|oom|restart|"
	    "warn|miss|invalid|wrong|expired|refused|denied|timeout|migrat|corrupt|incompat|exit|loop|after |again|back |instead|roll|due";
	for (size_t i = 0; i < all->n; i++) {
		const mention *m = &all->at[i];
		char window[BEHIND + 8] = "";
		if (!has_newer(all, m))
			continue;
		size_t n = reach(all, m);
		flatten(m->unit->text + m->to, n < BEHIND ? n : BEHIND, window, sizeof window);
		/* A bare "2.1 -> 2.2" or "from 2.1 to" says nothing of it. */
		if (ns_word_count(window) >= 3 && !ns_flat_find(window, bad_words) && !ns_flat_find(window, current_words) &&
		    !ns_flat_find(window, blame))
			return m->unit;
	}
	return NULL;
}

static bool two_releases(const mentions *all)
{
	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->n; k++)
			if ((all->at[i].named || all->at[k].named) && all->at[i].series == all->at[k].series &&
			    compare(&all->at[i], &all->at[k]) < 0)
				return true;
	return false;
}

/* ---- `kubectl describe deployment` -------------------------------------------------------------------------------- */

static const text_unit *line_of(const text_doc *d, const char *head)
{
	for (size_t i = 0; i < d->n; i++) {
		const char *s = d->unit[i].text + strspn(d->unit[i].text, " \t");
		if (told(&d->unit[i]) && !strncmp(s, head, strlen(head)))
			return &d->unit[i];
	}
	return NULL;
}

static long number_before(const char *s, const char *word)
{
	const char *p = s ? strstr(s, word) : NULL;
	if (!p)
		return -1;
	const char *b = p;
	while (b > s && ns_is_digit(b[-1]))
		b--;
	return b < p ? strtol(b, NULL, 10) : -1;
}

/* Pods of an old ReplicaSet are the available ones when no more than those are, and some are not. */
static const text_unit *old_set(const text_doc *d)
{
	const text_unit *old = line_of(d, "OldReplicaSets:"), *new_set = line_of(d, "NewReplicaSet:"), *counts = line_of(d, "Replicas:");
	const char *paren = old ? strchr(old->text, '(') : NULL;
	if (!paren || !new_set || strstr(new_set->text, "<none>") || !counts)
		return NULL;
	long has = strtol(paren + 1, NULL, 10), ready = number_before(counts->text, " available"),
	     missing = number_before(counts->text, " unavailable");
	return has > 0 && ready > 0 && ready <= has && missing > 0 ? old : NULL;
}

void ns_text_past(const text_doc *d, text_past *p)
{
	mentions *all = ns_arena_alloc(d->ar, sizeof *all);
	find_mentions(d, all);
	const text_unit *pod = ns_text_old_pod(d), *by_name = good_by_name(all);
	*p = (text_past){.serving = pod ? pod : old_set(d), .two = two_releases(all)};
	p->good = p->serving ? p->serving : by_name ? by_name : good_by_word(d);
	p->sure = p->good != NULL;
	if (!p->good)
		p->good = unblamed(all);
}
