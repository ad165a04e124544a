/* Keys from bytes. A pure state machine: escape sequences become keys, replies of the terminal that nobody asked for (OSC, DCS, CSI
 * reports) and unknown sequences are swallowed, a bracketed paste becomes one event, and a key that came in one read with many different
 * ones is marked. */
#ifndef NEUROSCALE_TUI_INPUT_H
#define NEUROSCALE_TUI_INPUT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Above every code point. Control keys are their own character (^L is 12). */
enum {
	NS_KEY_UP = 0x110000,
	NS_KEY_DOWN,
	NS_KEY_LEFT,
	NS_KEY_RIGHT,
	NS_KEY_HOME,
	NS_KEY_END,
	NS_KEY_PGUP,
	NS_KEY_PGDN,
	NS_KEY_BACKTAB,
	NS_KEY_DELETE,
	NS_KEY_PASTE, /* text: what was pasted; not a key for any table */
};
enum { NS_KEY_TAB = 9, NS_KEY_ENTER = 13, NS_KEY_ESC = 27, NS_KEY_BACKSPACE = 127 };
#define NS_CTRL(c) ((uint32_t)(c)&0x1F)

typedef struct ns_key {
	uint32_t key;
	bool burst;
} ns_key;

typedef struct ns_input {
	unsigned char pend[64]; /* an unfinished sequence */
	size_t n;
	int64_t since; /* when its last byte came */
	char swallow;  /* inside of an OSC, DCS, APC, PM or SOS string: its kind, 0 outside */
	bool swallow_esc;
	bool paste;
	char text[1024]; /* the paste so far; the rest is dropped */
	size_t text_len;
} ns_input;

enum { NS_INPUT_MAX = 512 }; /* bytes that one feed takes; at most as many keys come out */
/* Decodes n <= NS_INPUT_MAX bytes that came in one read. Returns the keys put into out. in->text holds the text of the last NS_KEY_PASTE.
 */
size_t ns_input_feed(ns_input *in, const unsigned char *s, size_t n, int64_t mono_ms, ns_key out[NS_INPUT_MAX]);
/* Time has passed: a lone ESC becomes a key, the beginning of a sequence that never ends is dropped. */
size_t ns_input_idle(ns_input *in, int64_t mono_ms, ns_key out[NS_INPUT_MAX]);
int64_t ns_input_deadline(const ns_input *in); /* mono time at which ns_input_idle has work, -1 none */
#endif
