/* The byte scans under pick and split: with SSE2 where the compiler targets it, else eight bytes at a time in plain C. Both are compiled
 * everywhere they can be, so that a test compares them; kube_plain_end and kube_block are the ones in use. Private to kube. */
#ifndef NEUROSCALE_KUBE_PICK_SCAN_H
#define NEUROSCALE_KUBE_PICK_SCAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* How far behind the end of a text these scans may read: so many zeros must stand there. */
#define KUBE_SCAN_PAD 64

/* 64 bytes of JSON as bits, the first byte in the lowest one. */
typedef struct kube_bits { uint64_t quote, backslash, open, close; } kube_bits; /* open: { or [ */

/* ---- portable ---- */

#define KUBE_EACH_BYTE(b) (0x0101010101010101u * (uint64_t)(b))

/* The high bit of each byte that is zero; above the first such byte others may be marked too. */
static inline uint64_t kube_zero_bytes(uint64_t v)
{
	return (v - KUBE_EACH_BYTE(1)) & ~v & KUBE_EACH_BYTE(0x80);
}

/* The first byte from p on that is more than a plain character of a string: quote, backslash, below a blank, or above 0x7f. The NUL behind
 * the text is one, so this ends. */
static inline char *kube_plain_end_portable(char *p)
{
	for (;; p += 8) {
		uint64_t v;
		memcpy(&v, p, sizeof v);
		uint64_t hit = kube_zero_bytes(v ^ KUBE_EACH_BYTE('"')) | kube_zero_bytes(v ^ KUBE_EACH_BYTE('\\')) |
		               ((v - KUBE_EACH_BYTE(0x20)) & ~v & KUBE_EACH_BYTE(0x80)) | (v & KUBE_EACH_BYTE(0x80));
		if (!hit)
			continue;
		/* Which of the eight it is does not depend on the byte order when they are looked at one by one. */
		for (;; p++) {
			unsigned char c = (unsigned char)*p;
			if (c == '"' || c == '\\' || c < 0x20 || c > 0x7f)
				return p;
		}
	}
}

static inline kube_bits kube_block_portable(const char *p)
{
	kube_bits b = {0};
	for (unsigned i = 0; i < 64; i++) {
		uint64_t bit = (uint64_t)1 << i;
		char c = p[i];
		b.quote |= c == '"' ? bit : 0;
		b.backslash |= c == '\\' ? bit : 0;
		b.open |= c == '{' || c == '[' ? bit : 0;
		b.close |= c == '}' || c == ']' ? bit : 0;
	}
	return b;
}

/* ---- SSE2 ---- */

#ifdef __SSE2__
static inline __m128i kube_load16(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline char *kube_plain_end_sse2(char *p)
{
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(0x20);
	for (;; p += 16) {
		__m128i v = kube_load16(p);
		/* Compared as signed bytes, what is above 0x7f is below a blank too. */
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)), _mm_cmplt_epi8(v, blank));
		int m = _mm_movemask_epi8(hit);
		if (m)
			return p + __builtin_ctz((unsigned)m);
	}
}

static inline kube_bits kube_block_sse2(const char *p)
{
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), lower = _mm_set1_epi8(0x20);
	const __m128i open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
	kube_bits b = {0};
	for (unsigned i = 0; i < 64; i += 16) {
		__m128i v = kube_load16(p + i);
		__m128i low = _mm_or_si128(v, lower); /* [ and ] differ from { and } by that bit; nothing else becomes one of them */
		b.quote |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote)) << i;
		b.backslash |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, backslash)) << i;
		b.open |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(low, open)) << i;
		b.close |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(low, close)) << i;
	}
	return b;
}
#define kube_plain_end kube_plain_end_sse2
#define kube_block     kube_block_sse2
#else
#define kube_plain_end kube_plain_end_portable
#define kube_block     kube_block_portable
#endif
#endif
