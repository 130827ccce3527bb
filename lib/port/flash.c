/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated flash: its rules, and power that fails. */
#include <string.h>

#include "port/fwflash.h"

enum { CHUNK = 4096 };

/* splitmix64: mixtures that a seed repeats */
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static fwd_status
violated(struct fwp_flash *f, const char *rule)
{
	if (f->fault == NULL)
		f->fault = rule;
	return FWD_E_STORE;
}

static bool
inside(const struct fwp_flash *f, uint32_t area, uint32_t bank, uint64_t off,
    uint64_t n)
{
	const uint64_t size = f->medium.size(f->medium.ctx, area, bank);

	return off <= size && n <= size - off;
}

/* What happens to the operation that begins now. */
static enum fwp_cut
begin(struct fwp_flash *f)
{
	return ++f->operations == f->cut_at ? f->cut : FWP_CUT_NONE;
}

static fwd_status
power_off(struct fwp_flash *f)
{
	f->off = true;
	return FWD_E_STORE;
}

static fwd_status
done(bool ok)
{
	return ok ? FWD_OK : FWD_E_STORE;
}

/* ---- reading --------------------------------------------------------- */

static fwd_status
flash_read(void *ctx, uint32_t area, uint32_t bank, uint64_t off, uint8_t *p,
    size_t n)
{
	struct fwp_flash *const f = ctx;

	if (f->off)
		return FWD_E_STORE;
	if (!inside(f, area, bank, off, n))
		return violated(f, "a read outside of an area");
	if (f->medium.sync != NULL && !f->medium.sync(f->medium.ctx, area,
	    bank))
		return FWD_E_STORE;
	return done(f->medium.get(f->medium.ctx, area, bank, off, p, n));
}

/* ---- erasing --------------------------------------------------------- */

/* Some bits of one block are erased, others not yet. */
static bool
mix_block(struct fwp_flash *f, uint32_t area, uint32_t bank, uint64_t off,
    uint64_t *random)
{
	uint8_t part[CHUNK];
	size_t done_n = 0, n;

	for (; done_n < f->erase_block; done_n += n) {
		n = f->erase_block - done_n < sizeof part ?
		    f->erase_block - done_n : sizeof part;
		if (!f->medium.get(f->medium.ctx, area, bank, off + done_n,
		    part, n))
			return false;
		for (size_t i = 0; i < n; i++)
			part[i] |= (uint8_t)draw(random);
		if (!f->medium.put(f->medium.ctx, area, bank, off + done_n,
		    part, n))
			return false;
	}
	return true;
}

/* Which blocks an erasure reached: from, up to but not including end. */
struct reach {
	bool some;			/* only half of them, in no order */
	uint64_t from, end;
	uint64_t mixed;			/* one that is half done */
};

/*
 * All over the area; or the cut came early, and a few of the first blocks are
 * all that was touched; or it came late, and one of them is all that was not.
 */
static struct reach
draw_reach(uint64_t *random, uint64_t blocks)
{
	const uint64_t first = blocks < 4 ? blocks : 4;
	struct reach r = { .end = blocks };

	switch (draw(random) % 3) {
	case 0:
		r.some = true;
		r.mixed = draw(random) % blocks;
		break;
	case 1:
		r.from = draw(random) % first;
		r.mixed = r.from + draw(random) % 5;
		r.end = r.mixed < blocks ? r.mixed : blocks;
		break;
	default:
		r.mixed = draw(random) % first;
		break;
	}
	return r;
}

static bool
erase_some(struct fwp_flash *f, uint32_t area, uint32_t bank, uint64_t blocks)
{
	uint64_t random = f->seed ^ f->operations << 32;
	const struct reach r = draw_reach(&random, blocks);
	uint64_t off = 0;
	bool ok = true;

	for (uint64_t i = 0; i < blocks && ok; i++, off += f->erase_block) {
		if (i == r.mixed)
			ok = mix_block(f, area, bank, off, &random);
		else if (i >= r.from && i < r.end &&
		    (!r.some || (draw(&random) & 1) != 0))
			ok = f->medium.fill(f->medium.ctx, area, bank, off,
			    f->erase_block);
	}
	return ok;
}

static fwd_status
flash_erase(void *ctx, uint32_t area, uint32_t bank, uint64_t size)
{
	struct fwp_flash *const f = ctx;
	const uint64_t blocks = size / f->erase_block +
	    (size % f->erase_block != 0);
	enum fwp_cut cut;

	if (f->off)
		return FWD_E_STORE;
	if (!inside(f, area, bank, 0, size))
		return violated(f, "an erasure outside of an area");
	cut = begin(f);
	if (cut == FWP_CUT_MIDDLE && blocks > 0)
		(void)erase_some(f, area, bank, blocks);
	if (cut == FWP_CUT_BEFORE || cut == FWP_CUT_MIDDLE)
		return power_off(f);
	if (blocks > 0 && !f->medium.fill(f->medium.ctx, area, bank, 0,
	    blocks * f->erase_block))
		return FWD_E_STORE;
	return cut == FWP_CUT_AFTER ? power_off(f) : FWD_OK;
}

/* ---- writing --------------------------------------------------------- */

static bool
is_all(const uint8_t *p, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* Is each unit erased, or written with zeros? */
static fwd_status
check_units(struct fwp_flash *f, uint32_t area, uint32_t bank, uint64_t off,
    const uint8_t *p, size_t n)
{
	const size_t unit = f->write_unit;
	uint8_t old[CHUNK];
	size_t part;

	for (; n > 0; off += part, p += part, n -= part) {
		part = n < sizeof old ? n : sizeof old;
		if (!f->medium.get(f->medium.ctx, area, bank, off, old, part))
			return FWD_E_STORE;
		for (size_t i = 0; i < part; i += unit)
			if (!is_all(old + i, unit, 0xff) &&
			    !is_all(p + i, unit, 0))
				return violated(f,
				    "a write over what was not erased");
	}
	return FWD_OK;
}

/* Whole units up to one, and that one in part. */
static bool
write_some(struct fwp_flash *f, uint32_t area, uint32_t bank, uint64_t off,
    const uint8_t *p, size_t n)
{
	uint64_t random = f->seed ^ f->operations << 32;
	const size_t before = (size_t)(draw(&random) % (n / f->write_unit)) *
	    f->write_unit;
	uint8_t unit[FWD_WRITE_MAX];

	if (before > 0 && !f->medium.put(f->medium.ctx, area, bank, off, p,
	    before))
		return false;
	if (!f->medium.get(f->medium.ctx, area, bank, off + before, unit,
	    f->write_unit))
		return false;
	if ((draw(&random) & 1) != 0)
		/* error correction: what cannot be read since is zeros */
		memset(unit, 0, f->write_unit);
	else
		for (size_t i = 0; i < f->write_unit; i++)
			unit[i] = (uint8_t)(p[before + i] |
			    (unit[i] & (uint8_t)draw(&random)));
	return f->medium.put(f->medium.ctx, area, bank, off + before, unit,
	    f->write_unit);
}

static fwd_status
flash_write(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
    const uint8_t *p, size_t n)
{
	struct fwp_flash *const f = ctx;
	enum fwp_cut cut;
	fwd_status s;

	if (f->off)
		return FWD_E_STORE;
	if (!inside(f, area, bank, off, n))
		return violated(f, "a write outside of an area");
	if (n == 0 || off % f->write_unit != 0 || n % f->write_unit != 0)
		return violated(f, "a write that is not of whole units");
	s = check_units(f, area, bank, off, p, n);
	if (s != FWD_OK)
		return s;
	cut = begin(f);
	if (cut == FWP_CUT_MIDDLE)
		(void)write_some(f, area, bank, off, p, n);
	if (cut == FWP_CUT_BEFORE || cut == FWP_CUT_MIDDLE)
		return power_off(f);
	if (!f->medium.put(f->medium.ctx, area, bank, off, p, n))
		return FWD_E_STORE;
	return cut == FWP_CUT_AFTER ? power_off(f) : FWD_OK;
}

struct fwd_flash
fwp_flash_port(struct fwp_flash *f)
{
	return (struct fwd_flash){ f, f->write_unit, flash_erase, flash_write,
	    flash_read };
}
