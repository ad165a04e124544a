/* The byte decoder. The sequences are those that xterm, screen, tmux, rxvt, the Linux console and PuTTY send; a table of terminfo would
 * only add the ways in which its entry is wrong. */
#include "input.h"

#include "neuroscale/base/text.h"
#include <string.h>

enum {
	ESC_MS = 50,      /* a lone ESC is the key */
	PREFIX_MS = 300,  /* ESC [ on a loaded link: the rest may take its time */
	STRING_MS = 2000, /* a reply or a paste without its end */
	BURST_BYTES = 8,
	BURST_DISTINCT = 4,
};

typedef struct seq {
	const char *text; /* after ESC */
	uint32_t key;
} seq;

static const seq seqs[] = {
    {"[A", NS_KEY_UP},
    {"[B", NS_KEY_DOWN},
    {"[C", NS_KEY_RIGHT},
    {"[D", NS_KEY_LEFT},
    {"[H", NS_KEY_HOME},
    {"[F", NS_KEY_END},
    {"[Z", NS_KEY_BACKTAB},
    {"[1~", NS_KEY_HOME},
    {"[3~", NS_KEY_DELETE},
    {"[4~", NS_KEY_END},
    {"[5~", NS_KEY_PGUP},
    {"[6~", NS_KEY_PGDN},
    {"[7~", NS_KEY_HOME},
    {"[8~", NS_KEY_END},
    {"OA", NS_KEY_UP},
    {"OB", NS_KEY_DOWN},
    {"OC", NS_KEY_RIGHT},
    {"OD", NS_KEY_LEFT},
    {"OH", NS_KEY_HOME},
    {"OF", NS_KEY_END},
    {"OM", NS_KEY_ENTER},
};

typedef struct sink {
	ns_key *out;
	size_t n;
} sink;

static void emit(sink *k, uint32_t key)
{
	if (k->n < NS_INPUT_MAX)
		k->out[k->n++] = (ns_key){key, false};
}

static void paste_byte(ns_input *in, unsigned char c)
{
	if (in->text_len + 1 < sizeof in->text)
		in->text[in->text_len++] = (char)c;
	in->text[in->text_len] = '\0';
}

static void paste_end(ns_input *in, sink *k)
{
	in->paste = false;
	emit(k, NS_KEY_PASTE);
}

/* A whole escape sequence in pend (with its ESC). */
static void sequence(ns_input *in, sink *k)
{
	char text[sizeof in->pend];
	memcpy(text, in->pend + 1, in->n - 1);
	text[in->n - 1] = '\0';
	in->n = 0;
	if (in->paste) {
		if (!strcmp(text, "[201~"))
			paste_end(in, k);
		return; /* any other sequence inside of a paste is no text */
	}
	if (!strcmp(text, "[200~")) {
		in->paste = true;
		in->text_len = 0;
		in->text[0] = '\0';
		return;
	}
	for (size_t i = 0; i < sizeof seqs / sizeof *seqs; i++)
		if (!strcmp(text, seqs[i].text))
			emit(k, seqs[i].key);
}

static bool opens_string(unsigned char c)
{
	return c == ']' || c == 'P' || c == '_' || c == '^' || c == 'X';
}

/* One byte after an ESC. */
static void escape(ns_input *in, sink *k, unsigned char c)
{
	if (in->n == 1) {
		if (c == 0x1B) { /* the first one was the key */
			if (!in->paste)
				emit(k, NS_KEY_ESC);
			return;
		}
		if (opens_string(c)) {
			in->n = 0;
			in->swallow = (char)c;
			in->swallow_esc = false;
			return;
		}
		if (c != '[' && c != 'O') { /* ESC and then a key, typed fast */
			in->n = 0;
			if (in->paste)
				return;
			emit(k, NS_KEY_ESC);
			if (c < 0x80)
				emit(k, c == '\n' ? NS_KEY_ENTER : c == 8 ? NS_KEY_BACKSPACE : c);
			return;
		}
		in->pend[in->n++] = c;
		return;
	}
	if (c == 0x1B) { /* the sequence was cut off */
		in->n = 1;
		return;
	}
	if (in->n + 1 < sizeof in->pend)
		in->pend[in->n++] = c;
	/* ESC [ [ A..E are the function keys of the Linux console: the second bracket is no end */
	bool linux_fn = in->n == 3 && in->pend[1] == '[' && c == '[';
	if ((c >= 0x40 && c <= 0x7E && !linux_fn) || in->pend[1] == 'O' || c < 0x20)
		sequence(in, k);
}

static void plain(ns_input *in, sink *k, unsigned char c)
{
	if (in->paste) {
		paste_byte(in, c);
		return;
	}
	if (c < 0x80) {
		emit(k, c == '\n' ? NS_KEY_ENTER : c == 8 ? NS_KEY_BACKSPACE : c);
		return;
	}
	in->pend[in->n++] = c;
}

/* The bytes of a character above ASCII. */
static void utf8(ns_input *in, sink *k, unsigned char c)
{
	if ((c & 0xC0) != 0x80) { /* broken: forget it, look at this byte anew */
		in->n = 0;
		plain(in, k, c);
		return;
	}
	in->pend[in->n++] = c;
	size_t want = in->pend[0] >= 0xF0 ? 4 : in->pend[0] >= 0xE0 ? 3 : 2;
	if (in->n < want)
		return;
	uint32_t cp;
	size_t len = ns_utf8_next((const char *)in->pend, in->n, &cp);
	in->n = 0;
	if (len == want && cp >= 0xA0)
		emit(k, cp);
}

static void byte(ns_input *in, sink *k, unsigned char c)
{
	if (in->swallow) {
		bool end = (c == 7 && in->swallow == ']') || (in->swallow_esc && c == '\\');
		in->swallow_esc = c == 0x1B;
		if (end)
			in->swallow = 0;
		return;
	}
	if (in->n && in->pend[0] == 0x1B) {
		escape(in, k, c);
	} else if (c == 0x1B) {
		in->pend[0] = c;
		in->n = 1;
	} else if (in->n) {
		utf8(in, k, c);
	} else {
		plain(in, k, c);
	}
}

/* Some clients paste without brackets. Many different characters in one read were not typed; a key that repeats on a slow link was. */
static void mark_burst(sink *k, size_t bytes)
{
	uint32_t seen[BURST_DISTINCT];
	size_t distinct = 0;
	if (bytes < BURST_BYTES)
		return;
	for (size_t i = 0; i < k->n && distinct < BURST_DISTINCT; i++) {
		uint32_t c = k->out[i].key;
		size_t j = 0;
		while (j < distinct && seen[j] != c)
			j++;
		if (j == distinct && c > 0x20 && c < NS_KEY_UP && c != 0x7F)
			seen[distinct++] = c;
	}
	if (distinct < BURST_DISTINCT)
		return;
	for (size_t i = 0; i < k->n; i++)
		k->out[i].burst = true;
}

size_t ns_input_feed(ns_input *in, const unsigned char *s, size_t n, int64_t mono_ms, ns_key out[NS_INPUT_MAX])
{
	sink k = {out, 0};
	k.n = ns_input_idle(in, mono_ms, out); /* what was pending came in an earlier read and may have run out by now */
	for (size_t i = 0; i < n && i < NS_INPUT_MAX; i++)
		byte(in, &k, s[i]);
	in->since = mono_ms;
	mark_burst(&k, n);
	return k.n;
}

int64_t ns_input_deadline(const ns_input *in)
{
	if (in->swallow || (in->paste && !in->n))
		return in->since + STRING_MS;
	if (!in->n)
		return -1;
	return in->since + (in->n == 1 && in->pend[0] == 0x1B ? ESC_MS : PREFIX_MS);
}

size_t ns_input_idle(ns_input *in, int64_t mono_ms, ns_key out[NS_INPUT_MAX])
{
	sink k = {out, 0};
	int64_t due = ns_input_deadline(in);
	if (due < 0 || mono_ms < due)
		return 0;
	bool lone = in->n == 1 && in->pend[0] == 0x1B;
	in->n = 0;
	if (in->swallow) {
		in->swallow = 0;
	} else if (in->paste) {
		if (!lone)
			paste_end(in, &k);
	} else if (lone) {
		emit(&k, NS_KEY_ESC);
	}
	return k.n;
}
