/* Breakers survive a restart (law 10): a row per cluster and per target that ever tripped. */
#include "store_priv.h"

#define AT(field) offsetof(ns_breaker_row, field)
static const column breaker_cols[] = {{COL_TEXT, AT(scope), NULL}, {COL_TEXT, AT(state), NULL}, {COL_INT, AT(failures), NULL},
    {COL_INT, AT(opened_ms), NULL}, {COL_INT, AT(trial_incident), NULL}};
static const shape breaker_shape = SHAPE(ns_breaker_row, breaker_cols, "breaker");

bool ns_store_breaker_get(ns_store *s, ns_arena *ar, const char *scope, ns_breaker_row *out, ns_err *err)
{
	ns_err why = {0};
	if (store_row(s, ar, &breaker_shape, out, &why,
	        "SELECT scope, state, failures, opened_ms, trial_incident FROM breakers WHERE scope = ?1", BINDS(TEXT(scope))))
		return true;
	if (why.code == NS_E_NOTFOUND) {
		*out = (ns_breaker_row){.scope = ns_arena_strdup(ar, scope), .state = "closed"};
		return true;
	}
	if (err)
		*err = why;
	return false;
}

bool ns_store_breaker_put(ns_store *s, const ns_breaker_row *row, ns_err *err)
{
	return store_write(s, NULL, err,
	    "INSERT OR REPLACE INTO breakers (scope, state, failures, opened_ms, trial_incident) VALUES (?1, ?2, ?3, ?4, ?5)",
	    BINDS(TEXT(row->scope), TEXT(row->state), INT(row->failures), INT(row->opened_ms), INT(row->trial_incident)));
}

bool ns_store_breakers(ns_store *s, ns_arena *ar, ns_breaker_row **out, size_t *n, ns_err *err)
{
	*out = store_rows(s, ar, &breaker_shape, n, err,
	    "SELECT scope, state, failures, opened_ms, trial_incident FROM breakers WHERE state <> 'closed' ORDER BY scope", NONE);
	return *out != NULL;
}
