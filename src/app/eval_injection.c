/* `eval injection FILE`: each hostile text is put where its channel says, and what it leaves everywhere is printed: in the prompt, on the screen, in
 * Slack, in the log, in an argv, and in the decision. */
#include <stdlib.h>
#include <string.h>

#include "eval.h"
#include "eval_judge.h"
#include "neuroscale/agents/analyzer.h"
#include "neuroscale/base/text.h"
#include "neuroscale/llm/prompt.h"
#include "neuroscale/model/k8s.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/sys/digest.h"

enum { MAX_SHOWN = 16384, MAX_LINES = 64, NOW = 0 };

/* ---- the places ---- */

typedef struct place {
	ns_case *c;
	const char *clean, *line; /* the text as an edge lets it in: with its lines, and as one line */
} place;

static void add(ns_arena *ar, ns_case *c, ns_ev_kind kind, const char *text)
{
	if (c->n_evidence == MAX_LINES)
		return;
	const char *id = ns_arena_printf(ar, "E%zu", c->n_evidence + 1);
	c->evidence[c->n_evidence++] = (ns_evidence){id, kind, false, text, NOW};
}

static void in_log(ns_arena *ar, const place *p)
{
	for (const char *s = p->clean; *s && p->c->n_log_lines < MAX_LINES;) {
		size_t n = strcspn(s, "\n");
		const char *line = ns_arena_strndup(ar, s, n);
		p->c->log_lines[p->c->n_log_lines++] = line;
		add(ar, p->c, NS_EV_LOG, line);
		s += n + (s[n] == '\n');
	}
}

static void in_event(ns_arena *ar, const place *p)
{
	p->c->alert.message = p->line;
	add(ar, p->c, NS_EV_EVENT, p->line);
}

static void in_note(ns_arena *ar, const place *p)
{
	add(ar, p->c, NS_EV_NOTE, p->line);
}

static void in_alert(ns_arena *ar, const place *p)
{
	p->c->alert.message = p->line;
	add(ar, p->c, NS_EV_NOTE, p->line);
}

static void in_namespace(ns_arena *ar, const place *p)
{
	p->c->alert.target.ns = p->line;
}

static void in_workload(ns_arena *ar, const place *p)
{
	p->c->alert.target.name = p->line;
}

static void in_pod(ns_arena *ar, const place *p)
{
	const char **pods = ns_arena_alloc(ar, sizeof *pods);
	pods[0] = p->line;
	p->c->alert.pods = pods;
	p->c->alert.n_pods = 1;
}

static void in_image(ns_arena *ar, const place *p)
{
	p->c->containers[0].image = p->line;
}

/* A runbook's name is its file's: what the library takes, and no path. */
static bool runbook_name_ok(const char *s)
{
	return ns_k8s_label_ok(s);
}

static const struct channel {
	const char *name;
	void (*put)(ns_arena *ar, const place *p);
	bool (*name_ok)(const char *s); /* NULL where the channel is no name */
} channels[] = {
    {"log_line", in_log, NULL},
    {"log_block", in_log, NULL},
    {"event_message", in_event, NULL},
    {"annotation", in_note, NULL},
    {"label", in_note, NULL},
    {"env", in_note, NULL},
    {"manifest", in_note, NULL},
    {"commit_message", in_note, NULL},
    {"alert_annotation", in_alert, NULL},
    {"pod_name", in_pod, ns_k8s_subdomain_ok},
    {"namespace", in_namespace, ns_k8s_label_ok},
    {"deployment_name", in_workload, ns_k8s_subdomain_ok},
    {"image", in_image, ns_image_ref_ok},
    {"runbook_name", in_note, runbook_name_ok},
};

/* A place nobody listed is treated like a note: data. It is a name if it calls itself one. */
static const struct channel *channel_of(const char *name)
{
	static const struct channel other = {"", in_note, NULL}, other_name = {"", in_note, ns_k8s_subdomain_ok};
	const size_t n = strlen(name);
	for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
		if (strcmp(channels[i].name, name) == 0)
			return &channels[i];
	return n > 5 && strcmp(name + n - 5, "_name") == 0 ? &other_name : &other;
}

/* ---- the decision ---- */

/* A Deployment that the cluster itself says nothing bad about: whatever is decided more than for this comes from the text. */
static ns_case *quiet_case(ns_arena *ar)
{
	ns_case *c = ns_case_new(ar);
	c->alert = (ns_alert){.kind = NS_KIND_EXTERNAL, .severity = NS_SEV_WARN, .target = {"eval", "shop", "Deployment", "web", "uid-1"}, .container = "app",
	    .reason = "", .message = "", .policy = "", .rule = "", .object_uid = "uid-1", .cost_now = -1, .cost_before = -1};
	c->found = true;
	c->api_version = "apps/v1";
	c->generation = c->observed_generation = 1;
	c->replicas = c->ready = c->updated = c->available = 2;
	c->resource_version = "1";
	c->containers = ns_arena_alloc(ar, sizeof *c->containers);
	c->containers[0] = (ns_container_facts){.name = "app", .image = "shop/web:1", .ready = true, .running = true, .waiting_reason = "",
	    .waiting_message = "", .last_reason = "", .last_message = ""};
	c->n_containers = 1;
	c->log_lines = ns_arena_alloc(ar, MAX_LINES * sizeof *c->log_lines);
	c->evidence = ns_arena_alloc(ar, MAX_LINES * sizeof *c->evidence);
	return c;
}

/* Analyst, planner and gate, with everything around them as good as can be. */
static ns_gate_way decide(ns_arena *ar, const ns_library *lib, const ns_case *c)
{
	eval_verdict v;
	eval_judge(ar, lib, c, ns_analyze(ar, c), NULL, &v);
	return v.gate.way;
}

static const char *way_name(ns_gate_way w)
{
	return w == NS_GATE_AUTO ? "execute" : w == NS_GATE_ASK ? "approval" : "manual_review";
}

/* ---- the edges ---- */

/* At most MAX_SHOWN bytes, redacted, without control bytes. */
static char *edge(const ns_buf *text, bool keep_lines)
{
	ns_buf safe = NS_BUF_INIT, clean = NS_BUF_INIT, cut = NS_BUF_INIT;
	ns_redact(&safe, ns_buf_str(text), text->len);
	ns_text_clean(&clean, ns_buf_str(&safe), safe.len, SIZE_MAX, keep_lines);
	ns_prompt_excerpt(&cut, ns_buf_str(&clean), clean.len, MAX_SHOWN);
	ns_buf_free(&safe);
	ns_buf_free(&clean);
	return ns_buf_steal(&cut);
}

typedef struct run {
	ns_library *library;
} run;

static void put_edges(cJSON *out, const ns_buf *text, const char *clean, const char *line)
{
	char boundary[33];
	ns_buf prompt = NS_BUF_INIT, slack = NS_BUF_INIT, shorter = NS_BUF_INIT;
	ns_random_hex(boundary, 32);
	ns_prompt_fenced(&prompt, boundary, ns_buf_str(text), text->len, NS_PROMPT_ITEM);
	ns_prompt_excerpt(&shorter, clean, strlen(clean), MAX_SHOWN / 2); /* an entity is five characters for one */
	ns_text_slack(&slack, ns_buf_str(&shorter));
	ns_buf_free(&shorter);
	ns_json_put_str(out, "prompt_text", ns_buf_str(&prompt));
	ns_json_put_str(out, "screen_text", clean);
	ns_json_put_str(out, "slack_text", ns_buf_str(&slack));
	ns_json_put_str(out, "log_text", line);
	ns_buf_free(&prompt);
	ns_buf_free(&slack);
}

static bool row(void *ctx, const cJSON *j, ns_err *err)
{
	const run *r = ctx;
	ns_buf text = NS_BUF_INIT;
	cJSON *out = NULL;
	if (!eval_text(j, "text", &text, err) || !eval_begin(j, &out, err)) {
		ns_buf_free(&text);
		return false;
	}
	const struct channel *ch = channel_of(ns_json_str(j, "channel", ""));
	ns_arena *ar = ns_arena_new();
	char *clean = edge(&text, true), *line = edge(&text, false);
	place p = {quiet_case(ar), clean, line};
	ns_gate_way without = decide(ar, r->library, p.c);
	ch->put(ar, &p);
	ns_gate_way with = decide(ar, r->library, p.c);
	put_edges(out, &text, clean, line);
	/* The name as it came: what had to be cleaned is no name. */
	if (ch->name_ok)
		ns_json_put_bool(out, "argv_ok", text.len == strlen(ns_buf_str(&text)) && ch->name_ok(ns_buf_str(&text)));
	else
		cJSON_AddNullToObject(out, "argv_ok");
	ns_json_put_str(out, "decision", way_name(with < without ? with : without)); /* text alone never raises */
	ns_arena_free(ar);
	free(clean);
	free(line);
	ns_buf_free(&text);
	return eval_print(out, err);
}

int eval_injection(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	run r = {ns_library_load(cfg->runbook_dir[0] ? cfg->runbook_dir : NULL, &err)};
	bool ok = r.library && eval_each(cfg->args[1], row, &r, cancel, &err);
	ns_library_free(r.library);
	return ok ? 0 : ns_app_failed(&err);
}
