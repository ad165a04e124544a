/* How a text that is not ours gets into a prompt, and which words stand around it. */
#include "neuroscale/llm/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/embedded.h"
#include "neuroscale/base/text.h"
#include "neuroscale/model/redact.h"
#include "neuroscale/sys/digest.h"
#include "prompt_priv.h"
#include "prompts_data.h"

/* ---- texts ---- */

static bool inside_char(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

void ns_prompt_excerpt(ns_buf *out, const char *s, size_t n, size_t max)
{
	enum { NOTE = 48 };
	if (n <= max) {
		ns_buf_put(out, s, n);
		return;
	}
	size_t room = max > NOTE ? max - NOTE : 0, head = room / 4 * 3, tail = n - (room - head);
	while (head && inside_char(s[head]))
		head--;
	while (tail < n && inside_char(s[tail]))
		tail++;
	ns_buf_put(out, s, head);
	if (room)
		ns_buf_printf(out, " [%zu bytes left out] ", tail - head);
	ns_buf_put(out, s + tail, n - tail);
}

/* "<|im_start|>", "[INST]": what chat templates are made of must not be read as one. A blank parts its first two characters. */
static void part_markup(ns_buf *out, const char *s, size_t n)
{
	static const char *const openers[] = {"<|", "[INST", "[/INST", "<<SYS", "<</SYS", "<\xEF\xBD\x9C"};
	for (size_t i = 0; i < n; i++) {
		ns_buf_putc(out, s[i]);
		for (size_t k = 0; k < sizeof openers / sizeof *openers && (s[i] == '<' || s[i] == '['); k++)
			if (n - i >= strlen(openers[k]) && memcmp(s + i, openers[k], strlen(openers[k])) == 0) {
				ns_buf_putc(out, ' ');
				break;
			}
	}
}

void ns_prompt_untrusted(ns_buf *out, const char *s, size_t n, size_t max)
{
	ns_buf safe = NS_BUF_INIT, clean = NS_BUF_INIT, parted = NS_BUF_INIT;
	ns_redact(&safe, s, n); /* before anything is cut: half a secret is not recognised */
	ns_text_clean(&clean, ns_buf_str(&safe), safe.len, SIZE_MAX, true);
	part_markup(&parted, ns_buf_str(&clean), clean.len);
	ns_prompt_excerpt(out, ns_buf_str(&parted), parted.len, max);
	ns_buf_free(&safe);
	ns_buf_free(&clean);
	ns_buf_free(&parted);
}

void ns_prompt_fenced(ns_buf *out, const char *boundary, const char *s, size_t n, size_t max)
{
	ns_buf_printf(out, "BEGIN %s\n", boundary);
	ns_prompt_untrusted(out, s, n, max);
	ns_buf_printf(out, "\nEND %s\n", boundary);
}

/* ---- files ---- */

static const ns_embedded *find(const char *name)
{
	for (const ns_embedded *e = ns_builtin_prompts; e->name; e++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

const char *ns_prompt_version(ns_arena *ar, const char *name)
{
	const ns_embedded *e = find(name);
	char hash[NS_HEX256];
	if (!e)
		return "";
	ns_sha256_hex(e->data, e->size, hash);
	const char *v = strstr(e->data, "version: ");
	v = v ? v + strlen("version: ") : "0";
	return ns_arena_printf(ar, "%s/%.*s/%.12s", name, (int)strcspn(v, "\n"), v, hash);
}

ns_prompt *prompt_begin(ns_arena *ar, const char *name)
{
	static const char mark[] = "{{boundary}}";
	const ns_embedded *e = find(name);
	char *boundary = ns_arena_alloc(ar, 33);
	ns_prompt *p = ns_arena_alloc(ar, sizeof *p);
	ns_random_hex(boundary, 32);
	if (!e)
		abort(); /* a name that is not among the files: a mistake in this room */
	const char *text = strstr(e->data, "---\n");
	ns_buf b = NS_BUF_INIT;
	for (text = text ? text + 4 : e->data;;) {
		const char *at = strstr(text, mark);
		ns_buf_put(&b, text, at ? (size_t)(at - text) : strlen(text));
		if (!at)
			break;
		ns_buf_puts(&b, boundary);
		text = at + sizeof mark - 1;
	}
	*p = (ns_prompt){.system = ns_arena_take(ar, &b), .user = "", .version = ns_prompt_version(ar, name), .boundary = boundary};
	return p;
}
