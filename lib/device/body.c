/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What secure storage holds, but for marks: a body in whole write units with
 * its SHA-256 behind it.  Numbers in it are big endian.
 */
#include "device/internal.h"
#include "device/record.h"

uint8_t *
fwd_put64(uint8_t *out, uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(v >> (56 - 8 * i));
	return out + 8;
}

uint64_t
fwd_take64(const uint8_t **p)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++)
		v = v << 8 | (*p)[i];
	*p += 8;
	return v;
}

/* ---- writing --------------------------------------------------------- */

static fwd_status
flush(struct fwd_body *b)
{
	const struct fwd_flash *const f = b->dev->flash;

	if (b->n == 0)
		return FWD_OK;
	memset(b->unit + b->n, 0xff, sizeof b->unit - b->n);
	FWD_TRY(f->write(f->ctx, b->area, b->bank, b->off, b->unit,
	    sizeof b->unit));
	b->off += sizeof b->unit;
	b->n = 0;
	return FWD_OK;
}

static fwd_status
put_bytes(struct fwd_body *b, const uint8_t *p, size_t n)
{
	size_t part;

	for (; n > 0; p += part, n -= part) {
		part = sizeof b->unit - b->n < n ? sizeof b->unit - b->n : n;
		memcpy(b->unit + b->n, p, part);
		b->n += part;
		if (b->n == sizeof b->unit)
			FWD_TRY(flush(b));
	}
	return FWD_OK;
}

fwd_status
fwd_body_begin(struct fwd_body *b, struct fwd_device *dev, uint32_t area,
    uint32_t bank, uint64_t off)
{
	const struct fwd_crypto *const crypto = dev->run->crypto;

	*b = (struct fwd_body){ .dev = dev, .area = area, .bank = bank,
	    .start = off, .off = off };
	return crypto->hash_start(crypto->ctx, FWD_SHA256);
}

fwd_status
fwd_body_put(struct fwd_body *b, struct fwd_span data)
{
	const struct fwd_crypto *const crypto = b->dev->run->crypto;

	if (data.n == 0)
		return FWD_OK;
	FWD_TRY(crypto->hash_add(crypto->ctx, data.p, data.n));
	b->size += data.n;
	return put_bytes(b, data.p, data.n);
}

/* Does flash hold what was meant to be written? */
static fwd_status
read_back(const struct fwd_body *b, const uint8_t *digest)
{
	uint8_t stored[FWD_BODY_DIGEST];

	FWD_TRY(fwd_body_check(b->dev, b->area, b->bank, b->start, b->size));
	FWD_TRY(b->dev->flash->read(b->dev->flash->ctx, b->area, b->bank,
	    b->start + b->size, stored, sizeof stored));
	return fwd_equal(stored, digest, sizeof stored, FWD_E_IMAGE);
}

fwd_status
fwd_body_end(struct fwd_body *b)
{
	const struct fwd_crypto *const crypto = b->dev->run->crypto;
	uint8_t digest[FWD_DIGEST_MAX];

	FWD_TRY(crypto->hash_end(crypto->ctx, digest, FWD_BODY_DIGEST));
	FWD_TRY(put_bytes(b, digest, FWD_BODY_DIGEST));
	FWD_TRY(flush(b));
	return read_back(b, digest) == FWD_OK ? FWD_OK : FWD_E_STORE;
}

/* ---- reading --------------------------------------------------------- */

static fwd_status
hash_flash(struct fwd_device *dev, uint32_t area, uint32_t bank,
    uint64_t start, uint64_t size, uint8_t *digest)
{
	const struct fwd_crypto *const crypto = dev->run->crypto;
	const struct fwd_flash *const f = dev->flash;
	uint64_t off = 0;
	size_t n;

	FWD_TRY(crypto->hash_start(crypto->ctx, FWD_SHA256));
	for (; off < size; off += n) {
		n = size - off < dev->run->transfer_n ? (size_t)(size - off) :
		    dev->run->transfer_n;
		FWD_TRY(f->read(f->ctx, area, bank, start + off,
		    dev->run->transfer, n));
		FWD_TRY(crypto->hash_add(crypto->ctx, dev->run->transfer, n));
	}
	if (fwd_launder64(off) != size)
		fwd_panic();
	return crypto->hash_end(crypto->ctx, digest, FWD_BODY_DIGEST);
}

fwd_status
fwd_body_check(struct fwd_device *dev, uint32_t area, uint32_t bank,
    uint64_t start, uint64_t size)
{
	uint8_t want[FWD_BODY_DIGEST], got[FWD_DIGEST_MAX];

	FWD_TRY(dev->flash->read(dev->flash->ctx, area, bank, start + size,
	    want, sizeof want));
	FWD_TRY(hash_flash(dev, area, bank, start, size, got));
	return fwd_equal(got, want, sizeof want, FWD_E_IMAGE);
}
