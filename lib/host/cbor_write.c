/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoder of the deterministic CBOR that lib/device/cbor.c reads (RFC 8949
 * section 4.2.1): definite lengths, shortest heads.  The order of map keys is
 * the caller's: it knows its keys, and the device library checks them.
 */
#include <string.h>

#include "host/internal.h"

enum {					/* major types */
	UINT = 0, NINT, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE
};
enum { FALSE = 20, TRUE = 21, NIL = 22 };	/* simple values */

void
fw_cbor_deinit(struct fw_cbor *c)
{
	fw_buf_deinit(&c->out);
	c->failed = false;
}

void
fw_cbor_raw(struct fw_cbor *c, const void *p, size_t n)
{
	struct fw_error ignored;	/* only memory can be short */

	if (!c->failed && fw_buf_add(&c->out, p, n, &ignored) != FW_OK)
		c->failed = true;
}

void
fw_cbor_head(struct fw_cbor *c, unsigned major, uint64_t v)
{
	uint8_t head[9];
	size_t n, i;
	unsigned info;

	if (v < 24) {
		info = (unsigned)v;
		n = 0;
	} else if (v <= UINT8_MAX) {
		info = 24;
		n = 1;
	} else if (v <= UINT16_MAX) {
		info = 25;
		n = 2;
	} else if (v <= UINT32_MAX) {
		info = 26;
		n = 4;
	} else {
		info = 27;
		n = 8;
	}
	head[0] = (uint8_t)(major << 5 | info);
	for (i = 0; i < n; i++)
		head[1 + i] = (uint8_t)(v >> 8 * (n - 1 - i));
	fw_cbor_raw(c, head, 1 + n);
}

void
fw_cbor_uint(struct fw_cbor *c, uint64_t v)
{
	fw_cbor_head(c, UINT, v);
}

void
fw_cbor_int(struct fw_cbor *c, int64_t v)
{
	if (v >= 0)
		fw_cbor_head(c, UINT, (uint64_t)v);
	else
		fw_cbor_head(c, NINT, (uint64_t)-(v + 1));
}

void
fw_cbor_bytes(struct fw_cbor *c, const void *p, size_t n)
{
	fw_cbor_head(c, BYTES, n);
	fw_cbor_raw(c, p, n);
}

void
fw_cbor_text(struct fw_cbor *c, const char *s)
{
	const size_t n = strlen(s);

	fw_cbor_head(c, TEXT, n);
	fw_cbor_raw(c, s, n);
}

void
fw_cbor_array(struct fw_cbor *c, uint64_t n)
{
	fw_cbor_head(c, ARRAY, n);
}

void
fw_cbor_map(struct fw_cbor *c, uint64_t n)
{
	fw_cbor_head(c, MAP, n);
}

void
fw_cbor_tag(struct fw_cbor *c, uint64_t v)
{
	fw_cbor_head(c, TAG, v);
}

void
fw_cbor_bool(struct fw_cbor *c, bool v)
{
	fw_cbor_head(c, SIMPLE, v ? TRUE : FALSE);
}

void
fw_cbor_nil(struct fw_cbor *c)
{
	fw_cbor_head(c, SIMPLE, NIL);
}

void
fw_cbor_wrap(struct fw_cbor *c, struct fw_cbor *inner)
{
	if (inner->failed)
		c->failed = true;
	else
		fw_cbor_bytes(c, inner->out.p, inner->out.n);
	fw_cbor_deinit(inner);
}

enum fw_kind
fw_cbor_done(struct fw_cbor *c, struct fw_buf *out, struct fw_error *err)
{
	if (c->failed) {
		fw_cbor_deinit(c);
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	*out = c->out;
	c->out = (struct fw_buf){ 0 };
	return FW_OK;
}
