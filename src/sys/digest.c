/* libcrypto behind plain calls. A failing digest means a broken or exhausted library: going on without one would be worse. */
#include "neuroscale/sys/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SHA256_BYTES = 32 };

static void must(int ok)
{
	if (!ok)
		abort();
}

static void to_hex(const unsigned char *bytes, size_t n, char *out)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 0xF];
	}
	out[2 * n] = '\0';
}

void ns_sha256_hex(const void *data, size_t n, char out[NS_HEX256])
{
	unsigned char md[SHA256_BYTES];
	must(EVP_Digest(data, n, md, NULL, EVP_sha256(), NULL));
	to_hex(md, sizeof md, out);
}

void ns_hmac_sha256_hex(const void *key, size_t key_len, const void *data, size_t n, char out[NS_HEX256])
{
	unsigned char md[SHA256_BYTES];
	must(HMAC(EVP_sha256(), key_len ? key : "", (int)key_len, data, n, md, NULL) != NULL);
	to_hex(md, sizeof md, out);
}

struct ns_digest {
	EVP_MD_CTX *ctx;
};

ns_digest *ns_digest_new(void)
{
	ns_digest *d = ns_xcalloc(1, sizeof *d);
	d->ctx = EVP_MD_CTX_new();
	must(d->ctx && EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL));
	return d;
}

static void update(ns_digest *d, const char *s)
{
	if (!s) {
		must(EVP_DigestUpdate(d->ctx, "-,", 2)); /* no length begins with '-' */
		return;
	}
	char prefix[32];
	size_t len = strlen(s);
	int n = snprintf(prefix, sizeof prefix, "%zu:", len);
	must(EVP_DigestUpdate(d->ctx, prefix, (size_t)n) && EVP_DigestUpdate(d->ctx, s, len) && EVP_DigestUpdate(d->ctx, ",", 1));
}

void ns_digest_field(ns_digest *d, const char *name, const char *value)
{
	update(d, name);
	update(d, value);
}

void ns_digest_finish(ns_digest *d, char out[NS_HEX256])
{
	unsigned char md[SHA256_BYTES];
	must(EVP_DigestFinal_ex(d->ctx, md, NULL));
	to_hex(md, sizeof md, out);
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

static void random_bytes(void *p, size_t n)
{
	unsigned char *at = p;
	while (n) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		must(got > 0);
		at += got;
		n -= (size_t)got;
	}
}

void ns_random_hex(char *out, size_t hex_digits)
{
	size_t done = 0;
	while (done < hex_digits) {
		unsigned char bytes[SHA256_BYTES];
		char hex[2 * SHA256_BYTES + 1];
		size_t take = hex_digits - done < sizeof hex - 1 ? hex_digits - done : sizeof hex - 1;
		random_bytes(bytes, sizeof bytes);
		to_hex(bytes, sizeof bytes, hex);
		memcpy(out + done, hex, take);
		done += take;
	}
	out[hex_digits] = '\0';
}

uint64_t ns_random_u64(void)
{
	uint64_t v;
	random_bytes(&v, sizeof v);
	return v;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool decode(const char *s, size_t n, ns_buf *out)
{
	uint32_t bits = 0;
	size_t digits = 0, pads = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == ' ' || (s[i] >= '\t' && s[i] <= '\r'))
			continue;
		int v = s[i] == '=' ? 0 : base64_value(s[i]);
		if (v < 0 || (pads && s[i] != '='))
			return false;
		pads += s[i] == '=';
		bits = bits << 6 | (uint32_t)v;
		if (++digits % 4)
			continue;
		if (pads > 2)
			return false;
		const char three[3] = {(char)(bits >> 16 & 0xFF), (char)(bits >> 8 & 0xFF), (char)(bits & 0xFF)};
		ns_buf_put(out, three, 3 - pads);
	}
	/* One group at most is padded, and it is the last: a pad in an earlier group was followed by more digits. */
	return digits % 4 == 0 && pads <= 2;
}

bool ns_base64_decode(const char *s, size_t n, ns_buf *out)
{
	size_t before = out->len;
	if (decode(s, n, out))
		return true;
	if (out->data) { /* leave no half-decoded secret behind */
		OPENSSL_cleanse(out->data + before, out->len - before);
		out->len = before;
	}
	return false;
}

void ns_base64_encode(const void *data, size_t n, ns_buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;
	ns_buf_reserve(out, (n + 2) / 3 * 4);
	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16 | (have > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (have > 2 ? p[i + 2] : 0);
		char four[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63], digits[bits & 63]};
		memset(four + have + 1, '=', 3 - have);
		ns_buf_put(out, four, sizeof four);
	}
}

bool ns_const_time_eq(const char *a, const char *b)
{
	size_t n = strlen(a);
	return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}
