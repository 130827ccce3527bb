/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a bundle's member headers: the one form of a ustar header that
 * fwbundle(5) describes.  No archive library is used, because it is exactly
 * this form that is signed off: base-256 sizes in plain ustar, no names of
 * people, no times but the given one.
 */
#include <stdio.h>
#include <string.h>

#include "host/build.h"
#include "host/internal.h"

/* Places and lengths in a header block (IEEE Std 1003.1, pax). */
enum {
	NAME = 0, NAME_N = 100, MODE = 100, UID = 108, GID = 116, SIZE = 124,
	MTIME = 136, CHECKSUM = 148, TYPE = 156, MAGIC = 257, VERSION = 263,
	DEVMAJOR = 329, DEVMINOR = 337, PREFIX = 345, PREFIX_N = 155
};

/* What 11 octal digits hold. */
#define OCTAL_MAX ((uint64_t)077777777777)

uint64_t
fw_bundle_padded(uint64_t size)
{
	return (size + FWD_BLOCK - 1) / FWD_BLOCK * FWD_BLOCK;
}

/* digits octal digits, and the NUL that the field was cleared to */
static void
put_octal(uint8_t *p, unsigned digits, uint64_t v)
{
	while (digits-- > 0) {
		p[digits] = (uint8_t)('0' + (v & 7));
		v >>= 3;
	}
}

static void
put_size(uint8_t *p, uint64_t v)
{
	unsigned i;

	if (v <= OCTAL_MAX) {
		put_octal(p, 11, v);
		return;
	}
	p[0] = 0x80;			/* base 256, big endian */
	for (i = 11; v != 0; i--) {
		p[i] = (uint8_t)v;
		v >>= 8;
	}
}

/* Plain relative path of portable characters, as a device demands it. */
static bool
name_ok(const char *name)
{
	static const char portable[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789._+-";
	size_t n;

	for (;; name += n + 1) {
		n = strspn(name, portable);
		if (n == 0 || (name[n] != '\0' && name[n] != '/') ||
		    (n <= 2 && strncmp(name, "..", n) == 0))
			return false;
		if (name[n] == '\0')
			return true;
	}
}

/*
 * A name that is too long for its field goes into prefix and name, parted at
 * the last slash that lets both fit; false when there is none.
 */
static bool
put_name(uint8_t *h, const char *name)
{
	const size_t n = strlen(name);
	size_t at;

	if (n <= NAME_N) {
		memcpy(h + NAME, name, n);
		return true;
	}
	for (at = n < PREFIX_N + 1 ? n - 1 : PREFIX_N; at > 0; at--) {
		if (name[at] != '/')
			continue;
		if (n - at - 1 > NAME_N)
			return false;
		memcpy(h + PREFIX, name, at);
		memcpy(h + NAME, name + at + 1, n - at - 1);
		return true;
	}
	return false;
}

enum fw_kind
fw_bundle_header(const char *name, uint64_t size, uint64_t mtime,
    uint8_t out[FWD_BLOCK], struct fw_error *err)
{
	uint8_t h[FWD_BLOCK] = { 0 };
	unsigned sum = 0;
	size_t i;

	if (!name_ok(name) || strlen(name) >= FWD_NAME_MAX)
		return fw_fail(err, FW_E_INPUT,
		    "'%s' cannot be the name of a member (use letters, "
		    "digits, '.', '_', '+', '-' and single '/')", name);
	if (!put_name(h, name))
		return fw_fail(err, FW_E_INPUT, "member name '%s' is too long "
		    "(at most %d characters behind a '/')", name, NAME_N);
	if (mtime > OCTAL_MAX)
		return fw_fail(err, FW_E_INPUT,
		    "time %llu does not fit into a member header",
		    (unsigned long long)mtime);
	if (size > INT64_MAX - 2 * (uint64_t)FWD_BLOCK)
		return fw_fail(err, FW_E_INPUT, "member '%s' is too large",
		    name);
	put_octal(h + MODE, 7, 0644);
	put_octal(h + UID, 7, 0);
	put_octal(h + GID, 7, 0);
	put_size(h + SIZE, size);
	put_octal(h + MTIME, 11, mtime);
	memset(h + CHECKSUM, ' ', 8);
	h[TYPE] = '0';
	memcpy(h + MAGIC, "ustar", 6);
	memcpy(h + VERSION, "00", 2);
	put_octal(h + DEVMAJOR, 7, 0);
	put_octal(h + DEVMINOR, 7, 0);
	for (i = 0; i < FWD_BLOCK; i++)
		sum += h[i];
	put_octal(h + CHECKSUM, 6, sum);
	h[CHECKSUM + 6] = '\0';
	memcpy(out, h, FWD_BLOCK);
	return FW_OK;
}
