/* `runbook`: what is in the library and what it has earned where, what a text finds in it, and drafts of what was missing. Needs no engine and no
 * cluster. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/app/app.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "neuroscale/engine/autonomy.h"
#include "neuroscale/runbook/draft.h"
#include "neuroscale/runbook/index.h"
#include "neuroscale/sys/fs.h"

enum { MAX_DRAFT = 256 * 1024, MAX_TRIED = 1000 };

static const char *dir_of(const ns_config *cfg)
{
	return *cfg->runbook_dir ? cfg->runbook_dir : NULL;
}

/* Drafts lie beside the runbooks, or in the state directory while there is no directory of runbooks. */
static char *drafts_of(const ns_config *cfg)
{
	return ns_path_join(*cfg->runbook_dir ? cfg->runbook_dir : cfg->state_dir, "drafts");
}

/* The draft of that name: beside the runbooks, else what an engine without such a directory wrote. */
static char *drafts_with(const ns_config *cfg, const char *name)
{
	char *dir = drafts_of(cfg), *file = ns_xasprintf("%s/%s.md", dir, name), *other = ns_path_join(cfg->state_dir, "drafts");
	char *other_file = ns_xasprintf("%s/%s.md", other, name);
	bool there = ns_exists(file) || !ns_exists(other_file);
	free(file);
	free(other_file);
	free(there ? other : dir);
	return there ? dir : other;
}

static bool print_draft(void *ctx, const char *path, const char *name)
{
	(void)ctx;
	printf("%-34.*s %-17s %s\n", (int)(strlen(name) - strlen(".md")), name, "draft", path);
	return true;
}

static bool list_drafts(const char *dir, ns_err *err)
{
	return !ns_exists(dir) || ns_dir_each(dir, ".md", print_draft, NULL, err);
}

static bool list(const ns_config *cfg, const ns_library *l, ns_err *err)
{
	for (size_t i = 0; i < ns_library_size(l); i++) {
		const ns_runbook *rb = ns_library_at(l, i);
		char *title = ns_text_clean_dup(rb->title, 160);
		printf("%-34s %-17s %s\n", rb->id, ns_action_get(rb->action)->name, title);
		free(title);
	}
	char *dir = drafts_of(cfg), *other = ns_path_join(cfg->state_dir, "drafts");
	bool ok = list_drafts(dir, err) && (strcmp(dir, other) == 0 || list_drafts(other, err));
	free(dir);
	free(other);
	return ok;
}

static void print_list(const char *what, const char *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *line = ns_text_clean_dup(items[i], 400);
		printf("%-14s%s\n", i ? "" : what, line);
		free(line);
	}
}

static void print_one(const char *what, const char *text)
{
	print_list(what, &text, 1);
}

static bool show_draft(const ns_config *cfg, const char *name, ns_err *err)
{
	char *dir = drafts_with(cfg, name), *path = ns_xasprintf("%s/%s.md", dir, name);
	ns_buf text = NS_BUF_INIT, clean = NS_BUF_INIT;
	bool ok = (!strchr(name, '/') && ns_exists(path)) || ns_fail(err, NS_E_NOTFOUND, "there is no runbook \"%.90s\" and no draft of that name", name);
	ok = ok && ns_read_file(path, MAX_DRAFT, &text, err);
	ns_text_clean(&clean, ns_buf_str(&text), text.len, MAX_DRAFT, true);
	if (ok)
		printf("draft, not in use: %s\n\n%s", path, ns_buf_str(&clean));
	ns_buf_free(&text);
	ns_buf_free(&clean);
	free(path);
	free(dir);
	return ok;
}

static const ns_config *cluster_of(const ns_config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->n_clusters; i++)
		if (strcmp(cfg->clusters[i]->cluster, name) == 0)
			return cfg->clusters[i];
	return cfg;
}

/* What it has earned as it stands, place by place, by the record; without one there is nothing to say. */
static bool show_record(const ns_config *cfg, const ns_runbook *rb, ns_err *err)
{
	ns_err why = {0};
	ns_store *s = ns_store_open_readonly(cfg->state_dir, ns_clock_real(), &why);
	ns_arena *ar = ns_arena_new();
	ns_place *places;
	size_t n = 0;
	bool ok = !s || ns_store_places(s, ar, rb->id, &places, &n, err), any = false;
	for (size_t i = 0; ok && i < n; i++) {
		const ns_config *one = cluster_of(cfg, places[i].cluster);
		ns_autonomy_rule rule = {.threshold = one->autonomy_threshold, .least = one->autonomy_least};
		ns_autonomy_record r;
		ns_tried *rows;
		size_t tried;
		ok = ns_store_tried(s, ar, places[i].cluster, places[i].ns, rb->id, rb->hash, MAX_TRIED, &rows, &tried, err);
		if (!ok || !tried)
			continue;
		ns_autonomy_judge(rows, tried, &rule, &r);
		printf("%-14s%s: %s%s\n", any ? "" : "record", ns_text_clean_in(ar, ns_arena_printf(ar, "%s/%s", places[i].cluster, places[i].ns), 400), ns_autonomy_words(ar, &r, &rule),
		    one->autonomy == NS_AUTONOMY_ON       ? ""
		        : one->autonomy == NS_AUTONOMY_SHADOW ? " (in its shadow)"
		                                              : " (earned autonomy is off)");
		any = true;
	}
	ns_arena_free(ar);
	ns_store_close(s);
	return ok;
}

static bool show(const ns_config *cfg, const ns_library *l, ns_err *err)
{
	const ns_runbook *rb = ns_library_find(l, cfg->args[1]);
	if (!rb)
		return show_draft(cfg, cfg->args[1], err);
	print_one("id", rb->id);
	print_one("title", rb->title);
	print_one("action", ns_action_get(rb->action)->name);
	print_one("risk", ns_risk_name(rb->risk));
	for (size_t i = 0; i < rb->n_kinds; i++)
		printf("%-14s%s\n", i ? "" : "kinds", ns_kind_get(rb->kinds[i])->name);
	print_list("causes", rb->causes, rb->n_causes);
	print_list("preconditions", rb->preconditions, rb->n_preconditions);
	print_list("steps", rb->steps, rb->n_steps);
	print_one("verify", rb->verify);
	print_one("undo", rb->undo);
	print_list("symptoms", rb->symptoms, rb->n_symptoms);
	print_list("not for", rb->not_for, rb->n_not_for);
	if (!show_record(cfg, rb, err))
		return false;
	ns_buf body = NS_BUF_INIT;
	ns_text_clean(&body, rb->body, strlen(rb->body), MAX_DRAFT, true);
	printf("\n%s", ns_buf_str(&body));
	ns_buf_free(&body);
	return true;
}

static bool search(const ns_config *cfg, const ns_library *l, ns_err *err)
{
	ns_buf query = NS_BUF_INIT;
	ns_retrieval r;
	(void)err;
	for (size_t i = 1; i < cfg->n_args; i++)
		ns_buf_printf(&query, "%s%s", i > 1 ? " " : "", cfg->args[i]);
	ns_library_retrieve(l, ns_buf_str(&query), &r);
	ns_buf_free(&query);
	for (size_t i = 0; i < r.n; i++)
		printf("%-34s score %.3f  margin %6.3f%s\n", r.match[i].runbook->id, r.match[i].score, r.match[i].margin,
		    r.match[i].score < r.score_floor ? "  does not fit" : i == 0 && r.match[i].margin < r.margin_floor ? "  in doubt" : "");
	printf("(floors: score %.3f, margin %.3f; vectors: %s)\n", r.score_floor, r.margin_floor, r.by);
	return true;
}

static bool promote(const ns_config *cfg, const ns_library *l, ns_err *err)
{
	const char *name = cfg->args[1];
	(void)l;
	if (!*cfg->runbook_dir)
		return ns_fail(err, NS_E_USAGE, "a runbook is promoted into the directory that --runbooks names: there is none");
	char *drafts = drafts_with(cfg, name);
	bool ok = ns_draft_promote(drafts, cfg->runbook_dir, name, err);
	if (ok)
		printf("%s is in %s; the next start of the engine uses it\n", name, cfg->runbook_dir);
	free(drafts);
	return ok;
}

static const struct {
	const char *name, *args;
	size_t min, max;
	bool (*run)(const ns_config *cfg, const ns_library *l, ns_err *err);
} verbs[] = {
    {"list", "", 0, 0, list},
    {"show", " NAME", 1, 1, show},
    {"search", " TEXT...", 1, 64, search},
    {"promote", " NAME", 1, 1, promote},
};

int ns_app_runbook(const ns_config *cfg)
{
	ns_err err = {0};
	size_t i = 0, n = sizeof verbs / sizeof verbs[0];
	while (i < n && strcmp(verbs[i].name, cfg->args[0]) != 0)
		i++;
	if (i == n)
		ns_fail(&err, NS_E_USAGE, "unknown command \"runbook %.60s\": there are list, show NAME, search TEXT and promote NAME", cfg->args[0]);
	else if (cfg->n_args - 1 < verbs[i].min || cfg->n_args - 1 > verbs[i].max)
		ns_fail(&err, NS_E_USAGE, "usage: neuroscale-tui runbook %s%s", verbs[i].name, verbs[i].args);
	ns_library *l = err.code ? NULL : ns_library_load(dir_of(cfg), &err);
	bool ok = l && verbs[i].run(cfg, l, &err);
	ns_library_free(l);
	return ok ? 0 : ns_app_failed(&err);
}
