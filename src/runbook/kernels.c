/* Two sets of the same loops: plain C, and AVX2 with FMA, chosen when the program runs. */
#include "kernels.h"

/* ---- any processor ------------------------------------------------------------------------------------------------ */

static void scan_c(const int8_t *row, size_t rows, size_t n, const int16_t *q, int32_t *out)
{
	for (size_t i = 0; i < rows; i++, row += n) {
		int32_t sum = 0;
		for (size_t j = 0; j < n; j++)
			sum += row[j] * q[j];
		out[i] = sum;
	}
}

static double dot_c(const float *a, const float *b, size_t n)
{
	double part[8] = {0}; /* so that the additions do not wait for each other */
	for (size_t i = 0; i < n; i += 8)
		for (size_t k = 0; k < 8; k++)
			part[k] += (double)a[i + k] * (double)b[i + k];
	return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

static int32_t dot16_c(const int16_t *a, const int16_t *b, size_t n)
{
	int32_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

const ns_kernels ns_kernels_portable = {"portable", scan_c, dot_c, dot16_c};

/* ---- AVX2 --------------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,fma")))

AVX2 static inline int32_t sum_of(__m256i v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
	return _mm_cvtsi128_si32(s);
}

/* 16 bytes become 16 words, times 16 words of the query, neighbours added: eight exact sums a step. */
AVX2 static inline __m256i step(const int8_t *row, const int16_t *q)
{
	__m256i words = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)row));
	return _mm256_madd_epi16(words, _mm256_loadu_si256((const __m256i *)(const void *)q));
}

AVX2 static void scan_avx2(const int8_t *row, size_t rows, size_t n, const int16_t *q, int32_t *out)
{
	for (size_t i = 0; i < rows; i++, row += n) {
		__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
		for (size_t j = 0; j < n; j += NS_KERNEL_STEP) {
			a = _mm256_add_epi32(a, step(row + j, q + j));
			b = _mm256_add_epi32(b, step(row + j + 16, q + j + 16));
			c = _mm256_add_epi32(c, step(row + j + 32, q + j + 32));
			d = _mm256_add_epi32(d, step(row + j + 48, q + j + 48));
		}
		out[i] = sum_of(_mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d)));
	}
}

AVX2 static inline __m256d four(const float *p)
{
	return _mm256_cvtps_pd(_mm_loadu_ps(p));
}

AVX2 static double dot_avx2(const float *a, const float *b, size_t n)
{
	__m256d s[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()};
	for (size_t i = 0; i < n; i += 16)
		for (size_t k = 0; k < 4; k++)
			s[k] = _mm256_fmadd_pd(four(a + i + 4 * k), four(b + i + 4 * k), s[k]);
	double part[4];
	_mm256_storeu_pd(part, _mm256_add_pd(_mm256_add_pd(s[0], s[1]), _mm256_add_pd(s[2], s[3])));
	return (part[0] + part[1]) + (part[2] + part[3]);
}

AVX2 static int32_t dot16_avx2(const int16_t *a, const int16_t *b, size_t n)
{
	__m256i s = _mm256_setzero_si256(), t = s;
	for (size_t i = 0; i < n; i += 32) {
		const __m256i *x = (const __m256i *)(const void *)(a + i), *y = (const __m256i *)(const void *)(b + i);
		s = _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_loadu_si256(x), _mm256_loadu_si256(y)));
		t = _mm256_add_epi32(t, _mm256_madd_epi16(_mm256_loadu_si256(x + 1), _mm256_loadu_si256(y + 1)));
	}
	return sum_of(_mm256_add_epi32(s, t));
}

static const ns_kernels avx2 = {"avx2+fma", scan_avx2, dot_avx2, dot16_avx2};

const ns_kernels *ns_kernels_best(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2 : &ns_kernels_portable;
}
#else
const ns_kernels *ns_kernels_best(void)
{
	return &ns_kernels_portable;
}
#endif
