/* A runbook: any file gives a whole runbook or an error with its name. */
#include "fuzz.h"
#include "neuroscale/runbook/runbook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	ns_err err = {0};
	ns_arena *ar = ns_arena_new();
	ns_runbook *rb = ns_runbook_parse(ar, "oomkill-increase-memory", (const char *)data, n, &err);
	if (rb)
		NEED(rb->title && rb->n_kinds && rb->n_causes && rb->n_symptoms && rb->n_steps && rb->verify && rb->undo &&
		     strlen(rb->hash) == 64);
	else
		NEED(err.code != NS_OK && strstr(err.text, "oomkill-increase-memory"));
	ns_arena_free(ar);
	return 0;
}
