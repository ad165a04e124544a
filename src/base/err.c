/* The error struct and the one table of codes. */
#include "neuroscale/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "neuroscale/base/buf.h"
#include "neuroscale/base/text.h"

/* JSON-RPC: -32700..-32600 are the protocol's own, ours live in -32000..-32099, the range left to servers. */
static const ns_code_info codes[NS_CODE_COUNT] = {
    {NS_OK, "ok", 0, 200, 0, "done"},
    {NS_E_FAILED, "failed", 1, 500, -32000, "failed"},
    {NS_E_USAGE, "usage", 2, 400, -32602, "wrong usage"},
    {NS_E_NOTFOUND, "not_found", 3, 404, -32001, "does not exist"},
    {NS_E_DENIED, "denied", 4, 403, -32002, "not allowed"},
    {NS_E_CONFLICT, "conflict", 5, 409, -32003, "already decided or changed"},
    {NS_E_EXPIRED, "expired", 6, 410, -32004, "too late"},
    {NS_E_UNREACHABLE, "unreachable", 7, 502, -32005, "cannot be reached"},
    {NS_E_INVALID, "invalid", 8, 422, -32006, "malformed"},
    {NS_E_TIMEOUT, "timeout", 9, 504, -32007, "took too long"},
    {NS_E_CANCELLED, "cancelled", 130, 499, -32008, "cancelled"},
    {NS_E_IO, "io", 10, 500, -32009, "cannot be read or written"},
    {NS_E_NOSPACE, "no_space", 11, 507, -32010, "disk full"},
    {NS_E_TOOBIG, "too_big", 12, 413, -32011, "too big"},
    {NS_E_VERSION, "version", 13, 505, -32012, "made by a newer version"},
    {NS_E_LOCKED, "locked", 14, 423, -32013, "held by another engine"},
    {NS_E_BUSY, "busy", 15, 503, -32014, "busy, try again later"},
    {NS_E_UNSUPPORTED, "unsupported", 16, 501, -32015, "not supported"},
};

const ns_code_info *ns_code_lookup(ns_code code)
{
	return &codes[(unsigned)code < NS_CODE_COUNT ? code : NS_E_FAILED];
}

static ns_code refine(ns_code code, int sys_errno)
{
	if (code != NS_E_IO)
		return code;
	switch (sys_errno) {
	case ENOSPC:
	case EDQUOT: return NS_E_NOSPACE;
	case EACCES:
	case EPERM: return NS_E_DENIED;
	default: return code;
	}
}

/* Texts carry names and words of others: they are cleaned here, once, so that every reader may print them. */
static void store_text(ns_err *err, const ns_buf *raw)
{
	ns_buf clean = NS_BUF_INIT;
	ns_text_clean(&clean, ns_buf_str(raw), raw->len, sizeof err->text - 1, false);
	ns_copy(err->text, sizeof err->text, ns_buf_str(&clean));
	ns_buf_free(&clean);
}

bool ns_err_set(ns_err *err, ns_code code, int sys_errno, const char *file, int line, const char *fmt, ...)
{
	if (!err)
		return false;
	ns_buf raw = NS_BUF_INIT; /* the arguments may point into err->text */
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&raw, fmt, ap);
	va_end(ap);
	if (sys_errno) {
		char words[128];
		ns_buf_printf(&raw, ": %s", strerror_r(sys_errno, words, sizeof words));
	}
	err->code = refine(code, sys_errno);
	err->sys_errno = sys_errno;
	err->file = file;
	err->line = line;
	store_text(err, &raw);
	ns_buf_free(&raw);
	return false;
}

bool ns_err_wrap(ns_err *err, const char *fmt, ...)
{
	if (!err)
		return false;
	ns_buf raw = NS_BUF_INIT;
	va_list ap;
	va_start(ap, fmt);
	ns_buf_vprintf(&raw, fmt, ap);
	va_end(ap);
	ns_buf_puts(&raw, ": ");
	ns_buf_puts(&raw, err->text);
	store_text(err, &raw);
	ns_buf_free(&raw);
	return false;
}

void ns_err_clear(ns_err *err)
{
	if (err)
		*err = (ns_err){.code = NS_OK};
}
