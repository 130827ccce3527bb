/* SPDX-License-Identifier: Apache-2.0 */
/* The error object: one cause, the context in front of it, a place. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "host/fields.h"
#include "host/internal.h"

/* What stands where text was cut. */
static const char ellipsis[] = "...";

/* Characters that act on a terminal or turn the order of what is read. */
static bool
is_unsafe(uint32_t cp)
{
	return fw_is_control(cp) || cp == 0x061c ||
	    cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

size_t
fw_printable(const void *text, size_t n, char *out, size_t room)
{
	const char *p = text;
	char piece[4 * 4 + 1];
	size_t used = 0, step, len;
	uint32_t cp;

	for (; n > 0; p += step, n -= step) {
		step = fw_utf8_next(p, n, &cp);
		if (step != 0 && !is_unsafe(cp)) {
			memcpy(piece, p, step);
			len = step;
		} else {
			/* Byte by byte, so that nothing is lost. */
			step = step != 0 ? step : 1;
			for (len = 0; len < 4 * step; len += 4)
				(void)snprintf(piece + len, 5, "\\x%02x",
				    (unsigned char)p[len / 4]);
		}
		if (room < 1 || len > room - 1 - used)
			break;
		memcpy(out + used, piece, len);
		used += len;
	}
	if (room > 0)
		out[used] = '\0';
	return n;
}

/* Cut text in place to size - 1 bytes, between characters, and mark it. */
static void
mark_cut(char *text, size_t size)
{
	size_t end = size - sizeof ellipsis;

	while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	memcpy(text + end, ellipsis, sizeof ellipsis);
}

/*
 * Write the cause.  It goes through a buffer of its own, because the arguments
 * may point into *err.
 */
static void
set_cause(struct fw_error *err, enum fw_kind kind, const char *reason,
    const char *fmt, va_list ap)
{
	char text[FW_ERROR_TEXT_MAX];
	int n;

	n = vsnprintf(text, sizeof text, fmt, ap);
	if (n < 0) {
		n = 0;
		text[0] = '\0';
	}
	if (reason != NULL && (size_t)n < sizeof text)
		n += snprintf(text + n, sizeof text - (size_t)n, ": %s",
		    reason);
	if ((size_t)n >= sizeof text)
		mark_cut(text, sizeof text);
	err->kind = kind;
	err->file[0] = '\0';
	err->line = err->column = 0;
	memcpy(err->text, text, sizeof text);
}

enum fw_kind
fw_fail(struct fw_error *err, enum fw_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_cause(err, kind, NULL, fmt, ap);
	va_end(ap);
	return kind;
}

/* Of a path that is too long the end says more than the beginning. */
static void
set_file(struct fw_error *err, const char *file)
{
	const size_t n = strlen(file), room = sizeof err->file - 1;
	const size_t cut = sizeof ellipsis - 1;

	if (n <= room) {
		memmove(err->file, file, n + 1);
		return;
	}
	memcpy(err->file, ellipsis, cut);
	memcpy(err->file + cut, file + n - (room - cut), room - cut + 1);
}

enum fw_kind
fw_fail_at(struct fw_error *err, enum fw_kind kind, const char *file,
    unsigned line, unsigned column, const char *fmt, ...)
{
	char keep[sizeof err->file];
	va_list ap;

	if (file == err->file) {
		memcpy(keep, file, sizeof keep);
		file = keep;
	}
	va_start(ap, fmt);
	set_cause(err, kind, NULL, fmt, ap);
	va_end(ap);
	set_file(err, file);
	err->line = line;
	err->column = column;
	return kind;
}

enum fw_kind
fw_fail_errno(struct fw_error *err, enum fw_kind kind, const char *fmt, ...)
{
	const int saved = errno;
	char reason[128];
	va_list ap;

	va_start(ap, fmt);
	set_cause(err, saved == ENOMEM ? FW_E_NOMEM : kind,
	    strerror_r(saved, reason, sizeof reason), fmt, ap);
	va_end(ap);
	return err->kind;
}

/* The reason of the oldest entry: what went wrong first, below the rest. */
static const char *
ssl_reason(char *buf, size_t n)
{
	const unsigned long e = ERR_peek_error();

	if (e == 0)
		return NULL;
	if (ERR_SYSTEM_ERROR(e))
		return strerror_r(ERR_GET_REASON(e), buf, n);
	return ERR_reason_error_string(e);
}

enum fw_kind
fw_fail_ssl(struct fw_error *err, enum fw_kind kind, const char *fmt, ...)
{
	char reason[128];
	va_list ap;

	va_start(ap, fmt);
	set_cause(err, kind, ssl_reason(reason, sizeof reason), fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return kind;
}

enum fw_kind
fw_wrap(struct fw_error *err, const char *fmt, ...)
{
	char text[FW_ERROR_TEXT_MAX];
	const size_t have = strlen(err->text);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	/* Outer context is dropped whole when full: the cause must stay. */
	if (n < 0 || (size_t)n + 2 + have >= sizeof text)
		return err->kind;
	memmove(err->text + n + 2, err->text, have + 1);
	memcpy(err->text, text, (size_t)n);
	memcpy(err->text + n, ": ", 2);
	return err->kind;
}

void
fw_error_format(const struct fw_error *err, const char *prog, char *out,
    size_t n)
{
	char place[2 * 11 + 1] = "", file[4 * sizeof err->file];
	char text[4 * sizeof err->text];
	int len;

	(void)fw_printable(err->text, strlen(err->text), text, sizeof text);
	(void)fw_printable(err->file, strlen(err->file), file, sizeof file);
	if (err->line != 0 && err->column != 0)
		(void)snprintf(place, sizeof place, ":%u:%u", err->line,
		    err->column);
	else if (err->line != 0)
		(void)snprintf(place, sizeof place, ":%u", err->line);
	len = snprintf(out, n, "%s%s%s%s%s%s\n", prog != NULL ? prog : "",
	    prog != NULL ? ": " : "", file, file[0] != '\0' ? place : "",
	    file[0] != '\0' ? ": " : "", text);
	/* One line even if it had to be cut. */
	if (len > 0 && (size_t)len >= n && n >= 2)
		out[n - 2] = '\n';
}
