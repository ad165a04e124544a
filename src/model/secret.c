/* A secret that cannot be printed by accident: the type is opaque and no formatting function takes it. */
#include <stdlib.h>
#include <string.h>

#include "neuroscale/model/redact.h"

struct ns_secret {
	size_t len;
	char value[];
};

ns_secret *ns_secret_new(const char *value)
{
	size_t len = value ? strlen(value) : 0;
	ns_secret *s = ns_xmalloc(sizeof *s + len + 1);
	s->len = len;
	if (len)
		memcpy(s->value, value, len);
	s->value[len] = '\0';
	return s;
}

void ns_secret_free(ns_secret *s)
{
	if (!s)
		return;
	explicit_bzero(s->value, s->len);
	free(s);
}

const char *ns_secret_reveal(const ns_secret *s)
{
	return s ? s->value : "";
}
