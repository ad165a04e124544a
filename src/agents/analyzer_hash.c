/* The case's hash: the same cause gives the same hash, so that it is analysed once. Times, pod names, counts and numbers in texts are left
 * out; two workloads of one kind that fail of the same thing may share it only when their templates are the same. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer_priv.h"
#include "neuroscale/llm/analyst.h"
#include "neuroscale/sys/digest.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Words with a digit in them are times, ids, addresses and counters. */
static const char *without_numbers(ns_arena *ar, const char *line)
{
	ns_buf out = NS_BUF_INIT;
	for (const char *p = line; *p;) {
		size_t n = strcspn(p, " ");
		if (strcspn(p, "0123456789") < n)
			ns_buf_puts(&out, "#");
		else
			ns_buf_put(&out, p, n);
		ns_buf_putc(&out, ' ');
		p += n;
		p += strspn(p, " ");
	}
	return ns_arena_take(ar, &out);
}

static void field_number(ns_digest *d, const char *name, int64_t v)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)v);
	ns_digest_field(d, name, text);
}

static void sorted_fields(ns_digest *d, const char *name, const char **list, size_t n)
{
	qsort(list, n, sizeof *list, by_text);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(list[i], list[i - 1]))
			ns_digest_field(d, name, list[i]);
}

void ns_collect_hash(ns_collector *k)
{
	ns_case *c = k->c;
	const ns_alert *a = &c->alert;
	ns_digest *d = ns_digest_new();
	ns_digest_field(d, "kind", ns_kind_get(a->kind)->name);
	ns_digest_field(d, "target", a->target.kind);
	ns_digest_field(d, "container", k->failing);
	ns_digest_field(d, "policy", a->policy);
	ns_digest_field(d, "rule", a->rule);
	ns_digest_field(d, "managed", c->managed_by);
	ns_digest_field(d, "nonproduction", c->nonproduction ? "yes" : "no");
	ns_digest_field(d, "progressing", c->cond_progressing_reason);
	field_number(d, "found", c->found);
	field_number(d, "paused", c->paused);
	for (size_t i = 0; i < c->n_containers; i++) {
		const ns_container_facts *f = &c->containers[i];
		if (strcmp(f->name, k->failing))
			continue;
		ns_digest_field(d, "image", f->image);
		/* In back-off or between two runs it is the same failure. */
		ns_digest_field(d, "waiting", !strcmp(f->waiting_reason, "CrashLoopBackOff") ? "" : f->waiting_reason);
		ns_digest_field(d, "reason", f->has_last ? f->last_reason : NULL);
		field_number(d, "exit", f->last_exit);
		field_number(d, "memory", f->mem_limit);
		field_number(d, "cpu", f->cpu_limit_milli);
	}
	for (size_t i = 0; i < c->n_revisions; i++) {
		ns_digest_field(d, c->revisions[i].current ? "current" : "revision", c->revisions[i].template_json);
		ns_digest_field(d, "healthy", c->revisions[i].was_healthy ? "yes" : "no");
	}
	const char **reasons = ns_arena_alloc(k->ar, (k->n_reasons + 1) * sizeof *reasons), **lines = ns_arena_alloc(k->ar, (c->n_log_lines + 1) * sizeof *lines);
	size_t n = 0;
	for (size_t i = 0; i < k->n_reasons; i++)
		if (strcmp(k->reasons[i], "BackOff")) /* comes with the second failure of the same cause */
			reasons[n++] = k->reasons[i];
	sorted_fields(d, "event", reasons, n);
	n = 0;
	for (size_t i = 0; i < c->n_log_lines; i++)
		if (ns_offline_line_matters(c->log_lines[i]))
			lines[n++] = without_numbers(k->ar, c->log_lines[i]);
	sorted_fields(d, "log", lines, n);
	ns_digest_finish(d, c->hash);
}
