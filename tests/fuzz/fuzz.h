/* What every fuzz target starts with. */
#ifndef NEUROSCALE_TESTS_FUZZ_H
#define NEUROSCALE_TESTS_FUZZ_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
/* An invariant: the fuzzer keeps the input that breaks it. */
#define NEED(cond)                                                                                                                         \
	do {                                                                                                                               \
		if (!(cond)) {                                                                                                             \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                                                         \
			abort();                                                                                                           \
		}                                                                                                                          \
	} while (0)
#endif
