/* Cleaning and redaction: what comes out is UTF-8 without control characters, and cleaning it again changes nothing. */
#include "fuzz.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/redact.h"

static void no_controls(const char *s)
{
	NEED(ns_utf8_valid(s, strlen(s)));
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		NEED(*p >= 0x20 && *p != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *s = (const char *)data;
	ns_buf out = NS_BUF_INIT, twice = NS_BUF_INIT;
	ns_text_clean(&out, s, n, 4096, false);
	no_controls(ns_buf_str(&out));
	ns_text_clean(&twice, ns_buf_str(&out), out.len, 8192, false);
	NEED(strcmp(ns_buf_str(&out), ns_buf_str(&twice)) == 0);
	ns_buf_clear(&out);
	ns_redact(&out, s, n);
	ns_buf_free(&out);
	ns_buf_free(&twice);
	char *line = ns_redact_line(s, n, 300);
	no_controls(line);
	NEED(strlen(line) <= 300);
	free(line);
	char fit[64];
	char *whole = malloc(n + 1);
	memcpy(whole, data, n);
	whole[n] = '\0';
	NEED(ns_utf8_fit(fit, sizeof fit, whole, 12) <= 12);
	free(whole);
	return 0;
}
