/* `eval`: figures anyone can print again, on data that need not be in this repository. The table of its sub-commands, and what they share. */
#include "eval.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neuroscale/base/text.h"
#include "neuroscale/sys/digest.h"

enum { MAX_ROW = 8 << 20, MAX_TEXT = 64 << 20 };

static const eval_command commands[] = {
    {"incidents", "FILE", "kind, runbook, action and decision for each incident; --score judges them by the labels", 1, eval_incidents},
    {"contract", "FILE", "verdict on each model reply: valid, auto, route, reason", 1, eval_contract},
    {"injection", "FILE", "what each hostile text leaves in prompt, screen, Slack, log and argv, and what is decided", 1, eval_injection},
    {"loop", "", "the fault pack on the simulated cluster: what was fixed, by whom, how surely, and what must not have been done", 0, eval_loop},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const char *names(char out[256])
{
	size_t n = 0;
	for (size_t i = 0; i < N_COMMANDS; i++)
		n += (size_t)snprintf(out + n, 256 - n, "%s%s%s%s", i ? ", " : "", commands[i].name, *commands[i].args ? " " : "", commands[i].args);
	return out;
}

int ns_app_eval(const ns_config *cfg, const ns_cancel *cancel)
{
	ns_err err = {0};
	char list[256];
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, cfg->args[0]) != 0)
			continue;
		if (cfg->n_args == 1 + commands[i].n_args)
			return commands[i].run(cfg, cancel);
		ns_fail(&err, NS_E_USAGE, "usage: neuroscale-tui eval %s%s%s", commands[i].name, *commands[i].args ? " " : "", commands[i].args);
		return ns_app_failed(&err);
	}
	ns_fail(&err, NS_E_USAGE, "unknown command \"eval %s\": there are %s", cfg->args[0], names(list));
	return ns_app_failed(&err);
}

/* Our texts end at a NUL and our JSON has no half of a surrogate pair, but a row may carry either as an escape. Both are turned, in place, into an
 * escape of the same length that no data uses, and eval_text() turns that into the bytes that were meant. */
#define NUL_MARK       "f8fe"
#define NUL_MARK_UTF8  "\xEF\xA3\xBE"
#define HALF_MARK      "f8fd"
#define HALF_MARK_UTF8 "\xEF\xA3\xBD"
#define HALF_BYTES     "\xED\xA0\x80" /* broken UTF-8, as half a pair is */

static unsigned escaped_unit(const char *s)
{
	char hex[5] = {0};
	if (s[0] != '\\' || s[1] != 'u')
		return 0x10000;
	memcpy(hex, s + 2, strnlen(s + 2, 4));
	return strspn(hex, "0123456789abcdefABCDEF") == 4 ? (unsigned)strtoul(hex, NULL, 16) : 0x10000;
}

static void tame(char *s)
{
	while (*s) {
		if (*s != '\\' || !s[1]) {
			s++;
			continue;
		}
		unsigned u = escaped_unit(s), low = u >= 0xD800 && u <= 0xDBFF ? escaped_unit(s + 6) : 0;
		if (s[1] != 'u' || u > 0xFFFF) {
			s += 2;
		} else if (low >= 0xDC00 && low <= 0xDFFF) {
			s += 12;
		} else {
			if (!u || (u >= 0xD800 && u <= 0xDFFF))
				memcpy(s + 2, u ? HALF_MARK : NUL_MARK, 4); // NOLINT(bugprone-not-null-terminated-result)
			s += 6;
		}
	}
}

static void untame(ns_buf *b)
{
	if (!b->len || !memmem(b->data, b->len, "\xEF\xA3", 2))
		return;
	ns_buf out = NS_BUF_INIT;
	for (size_t i = 0; i < b->len; i++) {
		bool room = b->len - i >= 3;
		if (room && memcmp(b->data + i, NUL_MARK_UTF8, 3) == 0) {
			ns_buf_putc(&out, '\0');
			i += 2;
		} else if (room && memcmp(b->data + i, HALF_MARK_UTF8, 3) == 0) {
			ns_buf_put(&out, HALF_BYTES, 3);
			i += 2;
		} else {
			ns_buf_putc(&out, b->data[i]);
		}
	}
	ns_buf_free(b);
	*b = out;
}

bool eval_each(const char *file, eval_row fn, void *ctx, const ns_cancel *cancel, ns_err *err)
{
	static const ns_json_limits limits = {.max_bytes = MAX_ROW, .max_depth = 64, .allow_duplicate_keys = false};
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	char *line = NULL;
	size_t cap = 0, number = 0, broken = 0;
	bool ok = true;
	if (!f)
		return ns_fail_errno(err, NS_E_IO, "%s", file);
	for (ssize_t n; ok && !ns_cancel_fired(cancel) && (n = getline(&line, &cap, f)) >= 0;) {
		number++;
		size_t len = (size_t)n;
		while (len && strchr(" \t\r\n", line[len - 1]) && line[len - 1])
			len--;
		if (!len)
			continue;
		tame(line);
		size_t mark = number == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
		cJSON *row = ns_json_parse(line + mark, len - mark, &limits, err);
		ok = cJSON_IsObject(row) ? fn(ctx, row, err) : row ? ns_fail(err, NS_E_INVALID, "no JSON object") : false;
		if (!ok && !ferror(stdout)) { /* without somebody who reads it there is no use in going on */
			ns_err_wrap(err, "%s:%zu", file, number);
			fprintf(stderr, "neuroscale-tui: %s\n", err->text);
			broken++;
			ok = true;
		}
		cJSON_Delete(row);
	}
	if (ok && broken)
		ok = ns_fail(err, NS_E_INVALID, "%s: %zu rows of %zu could not be used", file, broken, number);
	if (ok && ferror(f))
		ok = ns_fail_errno(err, NS_E_IO, "%s", file);
	if (ok && ns_cancel_fired(cancel))
		ok = ns_fail(err, NS_E_CANCELLED, "%s: cancelled at line %zu", file, number);
	free(line);
	if (f != stdin)
		fclose(f);
	return ok;
}

/* Every token becomes `count` times `char`, and the suffix behind them. */
static bool expand(const cJSON *how, ns_buf *text, ns_err *err)
{
	const char *token = ns_json_str(how, "token", ""), *unit = ns_json_str(how, "char", ""), *suffix = ns_json_str(how, "suffix", "");
	const int64_t count = ns_json_int_or(how, "count", -1);
	const size_t len = strlen(token), unit_len = strlen(unit);
	if (!len || count < 0)
		return ns_fail(err, NS_E_INVALID, "\"expand\" is not {\"token\", \"char\", \"count\", \"suffix\"}");
	ns_buf out = NS_BUF_INIT;
	bool fits = !unit_len || (uint64_t)count <= MAX_TEXT / unit_len;
	for (size_t i = 0; fits && i < text->len;) {
		if (text->len - i < len || memcmp(text->data + i, token, len) != 0) {
			ns_buf_putc(&out, text->data[i++]);
			continue;
		}
		fits = out.len + (size_t)count * unit_len + strlen(suffix) <= MAX_TEXT;
		for (int64_t k = 0; fits && unit_len && k < count; k++)
			ns_buf_put(&out, unit, unit_len);
		ns_buf_puts(&out, suffix);
		i += len;
	}
	ns_buf_free(text);
	*text = out;
	return fits || ns_fail(err, NS_E_TOOBIG, "expand to more than %d bytes", MAX_TEXT);
}

bool eval_string(const cJSON *row, const char *key, ns_buf *out, ns_err *err)
{
	const cJSON *plain = ns_json_get(row, key);
	if (!cJSON_IsString(plain))
		return ns_fail(err, NS_E_INVALID, "\"%s\" is no string", key);
	ns_buf_puts(out, plain->valuestring);
	untame(out);
	return true;
}

bool eval_text(const cJSON *row, const char *key, ns_buf *out, ns_err *err)
{
	char coded[32];
	snprintf(coded, sizeof coded, "%s_b64", key);
	const cJSON *base64 = ns_json_get(row, coded), *how = ns_json_get(row, "expand");
	if (!base64)
		base64 = ns_json_get(row, "raw_b64");
	if (!eval_string(row, key, out, NULL)) {
		if (!cJSON_IsString(base64))
			return ns_fail(err, NS_E_INVALID, "neither \"%s\" nor \"%s\" is a string", key, coded);
		if (!ns_base64_decode(base64->valuestring, strlen(base64->valuestring), out))
			return ns_fail(err, NS_E_INVALID, "\"%s\" is no base64", base64->string);
	}
	return !how || cJSON_IsNull(how) || expand(how, out, err);
}

bool eval_begin(const cJSON *row, cJSON **line, ns_err *err)
{
	const cJSON *id = ns_json_get(row, "id");
	if (!cJSON_IsString(id) && !cJSON_IsNumber(id) && !cJSON_IsRaw(id)) /* raw: an integer beyond 2^53 */
		return ns_fail(err, NS_E_INVALID, "\"id\" is neither a string nor a number");
	*line = cJSON_CreateObject();
	cJSON_AddItemToObject(*line, "id", cJSON_Duplicate(id, true));
	return true;
}

bool eval_print(cJSON *line, ns_err *err)
{
	char *text = ns_json_text(line);
	bool ok = puts(text) >= 0 && fflush(stdout) == 0; /* who reads a pipe sees each as it comes, and a full disk is known */
	free(text);
	cJSON_Delete(line);
	return ok || ns_fail_errno(err, NS_E_IO, "standard output");
}
