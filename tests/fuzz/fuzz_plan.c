/* A case from hell, planned and ordered: what kubectl would get is what was meant, or nothing. The library is the one that ships. */
#include "fuzz.h"

#include "agents/hell_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!lib && load(NULL) != 0)
		return 0;
	NEED(lib);
	hell_tally t = {0};
	const char *bad = hell_plan(data, n, lib, &t);
	if (bad)
		fprintf(stderr, "%s\n", bad);
	NEED(!bad);
	return 0;
}
