/* Redaction: what went through once goes through again unchanged, planted secrets are gone wherever they stand, and a clean text has no control byte. */
#include "fuzz.h"
#include "neuroscale/base/text.h"
#include "neuroscale/llm/prompt.h"
#include "neuroscale/model/redact.h"

static void redact(const char *s, size_t n, ns_buf *out)
{
	ns_redact(out, s, n);
	ns_buf_reserve(out, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char planted[] = "\npassword=Pl4ntedXq93\n", token[] = " ghp_16C7e42F292c6912E7710c838347Ae178B4a ";
	if (memmem(data, n, "Pl4nted", 7) || memmem(data, n, "16C7e42F", 8)) /* the fuzzer plants too, where nothing announces a secret */
		return 0;
	ns_buf once = NS_BUF_INIT, twice = NS_BUF_INIT, text = NS_BUF_INIT, prompt = NS_BUF_INIT;
	redact((const char *)data, n, &once);
	redact(ns_buf_str(&once), once.len, &twice);
	NEED(twice.len <= once.len + 64 * (once.len / 16 + 1)); /* markers do not breed */
	ns_buf_put(&text, planted, sizeof planted - 1);
	ns_buf_put(&text, token, sizeof token - 1);
	ns_buf_putc(&text, '\n');
	ns_buf_put(&text, data, n);
	ns_buf_clear(&once);
	redact(ns_buf_str(&text), text.len, &once);
	NEED(!memmem(once.data, once.len, "Pl4ntedXq93", 11));
	NEED(!memmem(once.data, once.len, "16C7e42F292c6912E7710c838347Ae178B4a", 36));
	ns_prompt_fenced(&prompt, "0123456789abcdef0123456789abcdef", ns_buf_str(&text), text.len, 2048);
	NEED(prompt.len <= 2048 + 128 && ns_utf8_valid(prompt.data, prompt.len));
	for (size_t i = 0; i < prompt.len; i++)
		NEED((unsigned char)prompt.data[i] >= ' ' || prompt.data[i] == '\n' || prompt.data[i] == '\t');
	ns_buf_free(&once);
	ns_buf_free(&twice);
	ns_buf_free(&text);
	ns_buf_free(&prompt);
	return 0;
}
