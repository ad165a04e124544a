#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/log.h"
#include "neuroscale/sys/fs.h"
#include "neuroscale/sys/spawn.h"

enum { MAX_PRICES = 1 << 20 };

const char *app_model_url(const ns_config *cfg)
{
	const char *env = getenv("DASHSCOPE_COMPATIBLE_BASE_URL");
	return cfg->model_url[0] ? cfg->model_url : env && *env ? env : ns_llm_defaults.base_url;
}

static ns_prices *open_prices(const ns_config *cfg, ns_err *err)
{
	ns_buf text = NS_BUF_INIT;
	ns_prices *p = NULL;
	if (!cfg->model_prices[0])
		return ns_prices_parse(NULL, 0, NULL, err);
	if (ns_read_file(cfg->model_prices, MAX_PRICES, &text, err))
		p = ns_prices_parse(ns_buf_str(&text), text.len, cfg->model_prices, err);
	ns_buf_free(&text);
	return p;
}

static ns_budget *open_budget(const ns_config *cfg)
{
	ns_budget_limits l = ns_budget_defaults;
	l.most[NS_PER_HOUR].calls = cfg->model_calls_per_hour;
	l.most[NS_PER_INCIDENT].micro_usd = (int64_t)(cfg->model_usd_per_incident * 1e6);
	l.most[NS_PER_DAY].micro_usd = (int64_t)(cfg->model_usd_per_day * 1e6);
	if (l.most[NS_PER_HOUR].micro_usd < l.most[NS_PER_INCIDENT].micro_usd) /* the hour is no stricter than what one incident may have */
		l.most[NS_PER_HOUR].micro_usd = l.most[NS_PER_INCIDENT].micro_usd;
	return ns_budget_new(&l);
}

/* A service of one's own mostly has no key; DashScope always has. */
static bool needs_key(const char *url)
{
	return strstr(url, ".aliyuncs.com") != NULL;
}

bool app_model_open(app_model *m, const ns_config *cfg, const ns_cancel *cancel, void (*tell)(void *ctx, const char *words), void *tell_ctx, ns_err *err)
{
	const ns_llm_key_opts where = {.file = cfg->model_key_file, .command = cfg->model_key_command, .spawner = &ns_spawner_real, .home = getenv("HOME")};
	ns_llm_opts o = ns_llm_defaults;
	ns_err why = {0};
	*m = (app_model){.key = ns_llm_key_load(&where, cancel, &why)};
	if (!m->key && (why.code != NS_E_NOTFOUND || needs_key(app_model_url(cfg)))) {
		if (err)
			*err = why;
		return false;
	}
	m->prices = open_prices(cfg, err);
	m->budget = open_budget(cfg);
	o.base_url = app_model_url(cfg);
	o.ca_file = cfg->model_ca;
	o.key = m->key;
	o.prices = m->prices;
	o.budget = m->budget;
	o.clock = ns_clock_real();
	o.models[NS_LLM_ANALYZER] = cfg->analyzer_models;
	o.models[NS_LLM_PLANNER] = cfg->planner_models;
	o.models[NS_LLM_ESCALATION] = cfg->escalation_models;
	o.tell = tell;
	o.tell_ctx = tell_ctx;
	m->llm = m->prices ? ns_llm_new(&o, err) : NULL;
	if (m->llm)
		return true;
	app_model_close(m);
	return false;
}

ns_engine *app_model_engine(app_model *m, const ns_config *cfg, ns_engine_opts *o, const ns_cancel *cancel, ns_err *err)
{
	ns_err why = {0};
	bool unusable = !app_model_open(m, cfg, cancel, NULL, NULL, &why) && why.code != NS_E_NOTFOUND;
	o->llm = m->llm;
	o->budget = m->budget;
	ns_engine *e = ns_engine_start(o, err);
	if (e && m->llm) {
		ns_llm_view v;
		ns_llm_look(m->llm, &v);
		ns_log(NS_LOG_INFO, "model", "%s: %s analyses, %s finds runbooks, %s words cards; prices of %s", app_model_url(cfg), v.model[NS_LLM_ANALYZER],
		    v.model[NS_LLM_PLANNER], v.model[NS_LLM_ESCALATION], ns_prices_dated(m->prices));
	}
	if (unusable)
		ns_log(NS_LOG_WARN, "model", "the offline analyst works alone: %s", why.text);
	if (e && unusable) {
		char *words = ns_xasprintf("the offline analyst works alone: %s", why.text);
		ns_engine_notice(e, words);
		free(words);
	}
	return e;
}

void app_model_close(app_model *m)
{
	ns_llm_free(m->llm);
	ns_budget_free(m->budget);
	ns_prices_free(m->prices);
	ns_secret_free(m->key);
	*m = (app_model){0};
}
