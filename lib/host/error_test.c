/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <criterion/criterion.h>

#include "host/internal.h"

/* ---- causes ---------------------------------------------------------- */

Test(error, fail)
{
	struct fw_error e = { .file = "old", .line = 3, .column = 4 };

	cr_assert_eq(fw_fail(&e, FW_E_INPUT, "bad %s %d", "thing", 7),
	    FW_E_INPUT);
	cr_assert_eq(e.kind, FW_E_INPUT);
	cr_assert_str_eq(e.text, "bad thing 7");
	cr_assert_str_empty(e.file, "the place of an older error is gone");
	cr_assert(e.line == 0 && e.column == 0);
}

Test(error, arguments_may_point_into_the_error)
{
	struct fw_error e;

	fw_fail_at(&e, FW_E_INPUT, "a.yaml", 1, 2, "inner");
	fw_fail(&e, FW_E_IO, "[%s] in %s", e.text, e.file);
	cr_assert_str_eq(e.text, "[inner] in a.yaml");
	fw_fail_at(&e, FW_E_INPUT, "b.yaml", 1, 2, "x");
	fw_fail_at(&e, FW_E_INPUT, e.file, 3, 4, "y of %s", e.file);
	cr_assert_str_eq(e.file, "b.yaml");
	cr_assert_str_eq(e.text, "y of b.yaml");
	fw_wrap(&e, "around %s", e.text);
	cr_assert_str_eq(e.text, "around y of b.yaml: y of b.yaml");
}

/* A cause of any length is cut between characters and says so. */
Test(error, long_causes_are_marked)
{
	static const char *const unit[] = { "a", "\xc3\xa4", "\xe2\x82\xac",
	    "\xf0\x9f\x99\x82" };
	char text[2 * FW_ERROR_TEXT_MAX];
	struct fw_error e;
	size_t step, n, kept;

	for (size_t u = 0; u < 4; u++) {
		step = strlen(unit[u]);
		text[0] = '\0';
		for (n = 0; n + step < sizeof text; n += step) {
			memcpy(text + n, unit[u], step + 1);
			memset(&e, 0x55, sizeof e);
			fw_fail(&e, FW_E_INPUT, "%s", text);
			if (n + step < FW_ERROR_TEXT_MAX) {
				cr_assert_str_eq(e.text, text);
				continue;
			}
			kept = strlen(e.text);
			cr_assert_lt(kept, FW_ERROR_TEXT_MAX);
			cr_assert_gt(kept, FW_ERROR_TEXT_MAX - 5);
			cr_assert_str_eq(e.text + kept - 3, "...");
			cr_assert_eq((kept - 3) % step, 0);
			cr_assert_eq(memcmp(e.text, text, kept - 3), 0);
		}
	}
}

Test(error, place)
{
	char path[600], out[FW_ERROR_LINE_MAX];
	struct fw_error e;

	fw_fail_at(&e, FW_E_INPUT, "dir/a.yaml", 12, 3, "unknown key '%s'",
	    "x");
	fw_error_format(&e, "fwsign", out, sizeof out);
	cr_assert_str_eq(out, "fwsign: dir/a.yaml:12:3: unknown key 'x'\n");
	e.column = 0;
	fw_error_format(&e, "fwsign", out, sizeof out);
	cr_assert_str_eq(out, "fwsign: dir/a.yaml:12: unknown key 'x'\n");
	e.line = 0;
	fw_error_format(&e, NULL, out, sizeof out);
	cr_assert_str_eq(out, "dir/a.yaml: unknown key 'x'\n");
	e.file[0] = '\0';
	fw_error_format(&e, NULL, out, sizeof out);
	cr_assert_str_eq(out, "unknown key 'x'\n");

	/* Of a path that is too long the end stays. */
	for (size_t n = 200; n < sizeof path; n++) {
		memset(path, 'd', n);
		memcpy(path + n - 7, "/a.yaml", 8);
		fw_fail_at(&e, FW_E_INPUT, path, 1, 1, "x");
		if (n < sizeof e.file) {
			cr_assert_str_eq(e.file, path);
			continue;
		}
		cr_assert_eq(strlen(e.file), sizeof e.file - 1);
		cr_assert_eq(memcmp(e.file, "...d", 4), 0);
		cr_assert_str_eq(e.file + sizeof e.file - 8, "/a.yaml");
	}
}

Test(error, errno_reason)
{
	struct fw_error e;

	errno = ENOENT;
	cr_assert_eq(fw_fail_errno(&e, FW_E_INPUT, "cannot open '%s'", "f"),
	    FW_E_INPUT);
	cr_assert_str_eq(e.text, "cannot open 'f': No such file or directory");
	errno = ENOMEM;
	cr_assert_eq(fw_fail_errno(&e, FW_E_INPUT, "x"), FW_E_NOMEM,
	    "a lack of memory is not the input's fault");
	cr_assert_eq(e.kind, FW_E_NOMEM);
	errno = 123456;
	fw_fail_errno(&e, FW_E_IO, "x");
	cr_assert_str_eq(e.text, "x: Unknown error 123456");
}

Test(error, ssl_reason)
{
	struct fw_error e;
	BIO *bio;

	ERR_clear_error();
	cr_assert_eq(fw_fail_ssl(&e, FW_E_KEY, "no reason"), FW_E_KEY);
	cr_assert_str_eq(e.text, "no reason");

	cr_assert_null(BIO_new_file("/nonexistent/file", "r"));
	fw_fail_ssl(&e, FW_E_IO, "cannot open");
	cr_assert_str_eq(e.text, "cannot open: No such file or directory");
	cr_assert_eq(ERR_peek_error(), 0, "the queue is empty");

	bio = BIO_new_mem_buf("junk", -1);
	cr_assert_null(PEM_read_bio_X509(bio, NULL, NULL, NULL));
	BIO_free(bio);
	fw_fail_ssl(&e, FW_E_INPUT, "cannot read");
	cr_assert_str_eq(e.text, "cannot read: no start line");
	cr_assert_eq(ERR_peek_error(), 0);
}

/* ---- context --------------------------------------------------------- */

Test(error, wrap)
{
	struct fw_error e;

	fw_fail(&e, FW_E_KEY, "cause");
	cr_assert_eq(fw_wrap(&e, "in %d", 2), FW_E_KEY);
	cr_assert_eq(fw_wrap(&e, "in %d", 3), FW_E_KEY);
	cr_assert_str_eq(e.text, "in 3: in 2: cause");
}

/* For all lengths of cause and context: the cause stays, whole. */
Test(error, wrap_drops_what_does_not_fit)
{
	char cause[FW_ERROR_TEXT_MAX], context[FW_ERROR_TEXT_MAX + 20];
	char want[3 * FW_ERROR_TEXT_MAX];
	struct fw_error e;

	for (size_t c = 0; c < sizeof cause; c += c < 1000 ? 97 : 1) {
		memset(cause, 'c', c);
		cause[c] = '\0';
		for (size_t x = 0; x < sizeof context; x++) {
			memset(context, 'x', x);
			context[x] = '\0';
			fw_fail(&e, FW_E_INPUT, "%s", cause);
			cr_assert_eq(fw_wrap(&e, "%s", context), FW_E_INPUT);
			if (c + x + 2 < sizeof e.text)
				(void)snprintf(want, sizeof want, "%s: %s",
				    context, cause);
			else
				(void)snprintf(want, sizeof want, "%s", cause);
			cr_assert_str_eq(e.text, want);
		}
	}
}

/* ---- one printable line ---------------------------------------------- */

static size_t
encode(uint32_t cp, char out[5])
{
	size_t n = 0;

	if (cp < 0x80) {
		out[n++] = (char)cp;
	} else if (cp < 0x800) {
		out[n++] = (char)(0xc0 | cp >> 6);
		out[n++] = (char)(0x80 | (cp & 0x3f));
	} else if (cp < 0x10000) {
		out[n++] = (char)(0xe0 | cp >> 12);
		out[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[n++] = (char)(0x80 | (cp & 0x3f));
	} else {
		out[n++] = (char)(0xf0 | cp >> 18);
		out[n++] = (char)(0x80 | (cp >> 12 & 0x3f));
		out[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[n++] = (char)(0x80 | (cp & 0x3f));
	}
	out[n] = '\0';
	return n;
}

static void
escape(const char *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		(void)sprintf(out + 4 * i, "\\x%02x", (unsigned char)p[i]);
}

static bool
must_escape(uint32_t cp)
{
	static const struct { uint32_t from, to; } range[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f },	/* C0, DEL, C1 */
		{ 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x202a, 0x202e },
		{ 0x2066, 0x2069 },		/* reading order */
		{ 0x2028, 0x2029 },		/* line ends */
		{ 0xd800, 0xdfff },		/* not characters */
		{ 0xfeff, 0xfeff },		/* invisible */
		{ 0x110000, 0x1fffff },		/* beyond Unicode */
	};

	for (size_t i = 0; i < sizeof range / sizeof range[0]; i++)
		if (cp >= range[i].from && cp <= range[i].to)
			return true;
	return false;
}

/* Every character there is, and every one there could be. */
Test(error, printable_every_character)
{
	char in[5], out[32], want[32];
	size_t n;

	for (uint32_t cp = 0; cp <= 0x1fffff; cp++) {
		n = encode(cp, in);
		if (must_escape(cp))
			escape(in, n, want);
		else
			memcpy(want, in, n + 1);
		if (fw_printable(in, n, out, sizeof out) != 0 ||
		    strcmp(out, want) != 0)
			cr_assert_fail("U+%04x gave '%s'", cp, out);
	}
}

static bool
is_dull(char c)
{
	return ((unsigned char)c & 0x80) == 0 && c != 0x1b && c != 'a';
}

/* Whatever two or three bytes say, what comes out is safe and stays so. */
Test(error, printable_every_sequence)
{
	char in[3], out[16], again[16];
	size_t left;

	for (uint32_t v = 0; v < 1u << 24; v++) {
		/* ASCII is dull: an escape and a letter stand for it. */
		for (int i = 0; i < 3; i++)
			in[i] = (char)(v >> 8 * i);
		if (is_dull(in[0]) || is_dull(in[1]) || is_dull(in[2]))
			continue;
		left = fw_printable(in, 3, out, sizeof out);
		if (left != 0 ||
		    fw_printable(out, strlen(out), again, sizeof again) != 0 ||
		    strcmp(out, again) != 0)
			cr_assert_fail("%06x gave '%s'", v, out);
	}
}

Test(error, printable_overlong)
{
	static const char *const in[] = { "\xc0\x80", "\xc1\xbf",
	    "\xe0\x80\x8a", "\xe0\x9f\xbf", "\xf0\x80\x80\x8a",
	    "\xf0\x8f\xbf\xbf", "\xf8\x88\x80\x80\x80", "\xfe", "\xff" };
	char out[32], want[32];

	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
		escape(in[i], strlen(in[i]), want);
		cr_assert_eq(fw_printable(in[i], strlen(in[i]), out,
		    sizeof out), 0);
		cr_assert_str_eq(out, want);
	}
}

/* In any room: never more than fits, never half a character or escape. */
Test(error, printable_every_room)
{
	static const char in[] = "a\n\xe2\x82\xac\xff\xf0\x9f\x99\x82z";
	static const char *const pieces[] = { "a", "\\x0a", "\xe2\x82\xac",
	    "\\xff", "\xf0\x9f\x99\x82", "z" };
	static const size_t taken[] = { 1, 1, 3, 1, 4, 1 };
	char out[32], want[32];
	size_t left, want_left, used;

	for (size_t room = 0; room <= 20; room++) {
		used = 0;
		want_left = sizeof in - 1;
		want[0] = '\0';
		for (size_t i = 0; i < 6 && room != 0 &&
		    used + strlen(pieces[i]) <= room - 1; i++) {
			strcpy(want + used, pieces[i]);
			used += strlen(pieces[i]);
			want_left -= taken[i];
		}
		memset(out, 0x55, sizeof out);
		left = fw_printable(in, sizeof in - 1, out, room);
		cr_assert_eq(left, want_left);
		if (room > 0)
			cr_assert_str_eq(out, want);
		for (size_t i = room; i < sizeof out; i++)
			cr_assert_eq(out[i], 0x55, "wrote past the room");
	}
}

/* The longest error there can be fits into one line. */
Test(error, line_max)
{
	char out[FW_ERROR_LINE_MAX];
	struct fw_error e;
	size_t n;

	memset(&e, 0xff, sizeof e);
	e.file[sizeof e.file - 1] = '\0';
	e.text[sizeof e.text - 1] = '\0';
	e.line = e.column = 4294967295u;
	fw_error_format(&e, "a-name-of-32-characters-at-most-", out,
	    sizeof out);
	n = strlen(out);
	cr_assert_eq(n, 32 + 2 + 4 * 255 + 22 + 2 + 4 * 1023 + 1);
	cr_assert_eq(out[n - 1], '\n');
	cr_assert_eq(strchr(out, '\n'), out + n - 1);
}

/* In a buffer that is too small it is still one line. */
Test(error, format_every_room)
{
	static const char want[] = "fwsign: a:1:2: some text\n";
	char out[64];
	struct fw_error e;

	fw_fail_at(&e, FW_E_INPUT, "a", 1, 2, "some text");
	for (size_t n = 2; n < sizeof out; n++) {
		memset(out, 0x55, sizeof out);
		fw_error_format(&e, "fwsign", out, n);
		if (n >= sizeof want) {
			cr_assert_str_eq(out, want);
			continue;
		}
		cr_assert_eq(strlen(out), n - 1);
		cr_assert_eq(memcmp(out, want, n - 2), 0);
		cr_assert_eq(out[n - 2], '\n');
		cr_assert_eq(out[n], 0x55);
	}
}
