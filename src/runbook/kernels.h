/* The inner loops over vectors, in the words of this processor. n is a multiple of NS_KERNEL_STEP; what is beyond a vector's end is zero. */
#ifndef NEUROSCALE_RUNBOOK_KERNELS_H
#define NEUROSCALE_RUNBOOK_KERNELS_H
#include <stddef.h>
#include <stdint.h>

enum { NS_KERNEL_STEP = 64 };

typedef struct ns_kernels {
	const char *name;
	/* The dot products of `rows` rows of n bytes each with q. No sum may pass 2^31: the caller sees to it. */
	void (*scan)(const int8_t *row, size_t rows, size_t n, const int16_t *q, int32_t *out);
	/* A dot product of floats, products exact, summed in double. */
	double (*dot)(const float *a, const float *b, size_t n);
	int32_t (*dot16)(const int16_t *a, const int16_t *b, size_t n);
} ns_kernels;

extern const ns_kernels ns_kernels_portable;
const ns_kernels *ns_kernels_best(void); /* asked of the processor; the portable ones when it has nothing better */
#endif
