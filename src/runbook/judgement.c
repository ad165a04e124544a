/* weight = (good - bad) / (good + bad + PRIOR): one verdict says little, ten say much, none says nothing. */
#include "neuroscale/runbook/judgement.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/clock.h"

#define PRIOR   2.0
#define UNCLEAR 0.5 /* UNKNOWN is never success */

ns_judgement ns_judge(const ns_judged *rows, size_t n, const char *runbook, const char *cause, int64_t now_ms)
{
	ns_judgement j = {0};
	double good = 0, bad = 0;
	for (size_t i = 0; i < n && *cause; i++) {
		const ns_judged *r = &rows[i];
		if (strcmp(r->runbook, runbook) != 0 || strcmp(r->cause, cause) != 0)
			continue;
		double age = now_ms > r->at_ms ? (double)(now_ms - r->at_ms) : 0, counts = exp2(-age / (double)NS_JUDGED_HALF_MS);
		j.fixed += r->verdict == NS_VERDICT_FIXED;
		j.not_fixed += r->verdict == NS_VERDICT_NOT_FIXED;
		j.unknown += r->verdict == NS_VERDICT_UNKNOWN;
		j.approved += r->said == NS_SAID_YES;
		j.rejected += r->said == NS_SAID_NO;
		good += r->verdict == NS_VERDICT_FIXED ? counts : 0;
		bad += r->verdict == NS_VERDICT_NOT_FIXED || r->said == NS_SAID_NO ? counts : r->verdict == NS_VERDICT_UNKNOWN ? UNCLEAR * counts : 0;
		j.last_ms = r->at_ms > j.last_ms ? r->at_ms : j.last_ms;
	}
	j.weight = (good - bad) / (good + bad + PRIOR);
	return j;
}

static void times(ns_buf *b, const char *what, size_t n)
{
	if (n)
		ns_buf_printf(b, "%s%s ", b->len ? ", " : "", what);
	if (n == 1)
		ns_buf_puts(b, "once");
	else if (n)
		ns_buf_printf(b, "%zu times", n);
}

void ns_judgement_words(const ns_judgement *j, char out[112])
{
	size_t tried = j->fixed + j->not_fixed + j->unknown;
	ns_buf b = NS_BUF_INIT;
	char day[32];
	ns_time_format(j->last_ms, day);
	if (tried)
		ns_buf_printf(&b, "%zu of %zu fixed here", j->fixed, tried);
	times(&b, "rejected", j->rejected);
	if (!tried)
		times(&b, "approved", j->approved);
	if (b.len)
		ns_buf_printf(&b, ", last %.10s", day);
	ns_copy(out, 112, ns_buf_str(&b));
	ns_buf_free(&b);
}

void ns_retrieval_judge(ns_retrieval *r, const ns_judged *rows, size_t n, const char *cause, int64_t now_ms)
{
	double key[NS_RETRIEVED];
	for (size_t i = 0; i < r->n; i++) {
		ns_match *m = &r->match[i];
		double w = ns_judge(rows, n, m->runbook->id, cause, now_ms).weight;
		/* what the text does not support stays where it is, however good its record */
		key[i] = m->score * (w < 0 ? 1 + NS_JUDGED_LOWER * w : m->score < r->score_floor ? 1 : 1 + NS_JUDGED_RAISE * w);
		double shown = key[i] < m->score ? key[i] : m->score;
		m->margin -= m->score - shown;
		m->score = shown;
	}
	for (size_t i = 1; i < r->n; i++) /* few: by insertion, equal ones keep their order */
		for (size_t k = i; k && key[k] > key[k - 1]; k--) {
			ns_match m = r->match[k];
			double was = key[k];
			r->match[k] = r->match[k - 1];
			key[k] = key[k - 1];
			r->match[k - 1] = m;
			key[k - 1] = was;
		}
}
