/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rollback counter: a number and its complement, in one of two banks.  A
 * new number goes into the bank that does not hold the current one, so that
 * one of them holds whenever power fails.
 */
#include "device/internal.h"
#include "device/record.h"

enum { CELL = FWD_WRITE_MAX };		/* number, complement, filler */

static fwd_status
read_cell(struct fwd_device *dev, uint32_t bank, bool *holds, uint64_t *v)
{
	uint8_t cell[CELL];
	const uint8_t *p = cell;
	uint64_t check;

	*holds = false;
	*v = 0;
	FWD_TRY(dev->flash->read(dev->flash->ctx, FWD_AREA_COUNTER, bank, 0,
	    cell, sizeof cell));
	*v = fwd_take64(&p);
	check = ~fwd_take64(&p);
	*holds = fwd_launder64(*v) == check;
	/* Without it an older number counts: asked twice. */
	if (!*holds && fwd_launder64(*v) == check)
		fwd_panic();
	return FWD_OK;
}

static fwd_status
write_cell(struct fwd_device *dev, uint32_t bank, uint64_t v)
{
	const struct fwd_flash *const f = dev->flash;
	uint8_t cell[CELL];
	uint64_t back;
	bool holds;

	memset(cell, 0, sizeof cell);
	(void)fwd_put64(fwd_put64(cell, v), ~v);
	FWD_TRY(f->erase(f->ctx, FWD_AREA_COUNTER, bank, sizeof cell));
	FWD_TRY(f->write(f->ctx, FWD_AREA_COUNTER, bank, 0, cell,
	    sizeof cell));
	FWD_TRY(read_cell(dev, bank, &holds, &back));
	return holds && back == v ? FWD_OK : FWD_E_STORE;
}

/* The bank that holds the highest number. */
static fwd_status
find(struct fwd_device *dev, uint32_t *bank, uint64_t *v)
{
	bool found = false, holds;
	uint64_t here;

	*bank = 0;
	*v = 0;
	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		FWD_TRY(read_cell(dev, i, &holds, &here));
		if (!holds || (found && here <= *v))
			continue;
		found = true;
		*bank = i;
		*v = here;
	}
	return found ? FWD_OK : FWD_E_STORE;
}

fwd_status
fwd_counter_read(struct fwd_device *dev, uint64_t *v)
{
	uint32_t bank;
	uint64_t again;

	FWD_TRY(find(dev, &bank, v));
	/* A lower number than there is would let old releases in. */
	FWD_ANEW(dev);
	FWD_TRY(find(dev, &bank, &again));
	return again == *v ? FWD_OK : FWD_E_FAULT;
}

fwd_status
fwd_counter_raise(struct fwd_device *dev, uint64_t v)
{
	uint32_t bank;
	uint64_t now;

	FWD_TRY(find(dev, &bank, &now));
	if (fwd_launder64(v) <= now)
		return FWD_OK;
	return write_cell(dev, 1 - bank, v);
}

fwd_status
fwd_counter_init(struct fwd_device *dev, uint64_t v)
{
	const struct fwd_flash *const f = dev->flash;

	FWD_TRY(f->erase(f->ctx, FWD_AREA_COUNTER, 1, CELL));
	return write_cell(dev, 0, v);
}
