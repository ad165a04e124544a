/* Small values by key. */
#include "store_priv.h"

bool ns_store_meta_set(ns_store *s, const char *key, const char *value, ns_err *err)
{
	return store_write(
	    s, NULL, err, "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", BINDS(TEXT(key), TEXT(store_or_empty(value))));
}

typedef struct entry {
	const char *value;
} entry;
static const column entry_cols[] = {{COL_TEXT, offsetof(entry, value), NULL}};
static const shape entry_shape = SHAPE(entry, entry_cols, "value");

bool ns_store_meta_get(ns_store *s, ns_arena *ar, const char *key, const char **value, ns_err *err)
{
	entry e;
	if (!store_row(s, ar, &entry_shape, &e, err, "SELECT value FROM meta WHERE key = ?1", BINDS(TEXT(key))))
		return ns_err_wrap(err, "%s", key);
	*value = e.value;
	return true;
}
