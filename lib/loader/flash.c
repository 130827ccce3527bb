/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flash port of the device library (struct fwd_flash): in each bank a slot,
 * a record and a counter, as layout.h has them.
 */
#include "loader/board.h"
#include "loader/loader.h"

_Static_assert(BOARD_BANK_SIZE == BOARD_SLOT_SIZE + BOARD_RECORD_SIZE +
    BOARD_COUNTER_SIZE, "a bank is what is in it");
_Static_assert(BOARD_SLOT_SIZE % BOARD_SECTOR == 0 &&
    BOARD_RECORD_SIZE % BOARD_SECTOR == 0 &&
    BOARD_COUNTER_SIZE % BOARD_SECTOR == 0, "areas share no sector");
_Static_assert(BOARD_UNIT <= FWD_WRITE_MAX && BOARD_SECTOR % BOARD_UNIT == 0,
    "the library writes whole units");

/* n bytes of an area: where in flash they are. */
static fwd_status
place(uint32_t area, uint32_t bank, uint64_t off, uint64_t n, uint32_t *at)
{
	uint32_t begin = 0, size = BOARD_SLOT_SIZE;

	if (area == FWD_AREA_RECORD) {
		begin = BOARD_SLOT_SIZE;
		size = BOARD_RECORD_SIZE;
	} else if (area == FWD_AREA_COUNTER) {
		begin = BOARD_SLOT_SIZE + BOARD_RECORD_SIZE;
		size = BOARD_COUNTER_SIZE;
	} else if (area != 0) {
		return FWD_E_STORE;
	}
	if (bank >= FWD_BANKS || off > size || n > size - off)
		return FWD_E_STORE;
	*at = bank * BOARD_BANK_SIZE + begin + (uint32_t)off;
	return FWD_OK;
}

/* The same, found twice, for what is going to change: a wrong place may be the
   counter. */
static fwd_status
place_twice(uint32_t area, uint32_t bank, uint64_t off, uint64_t n,
    uint32_t *at)
{
	uint32_t again;

	if (place(area, bank, off, n, at) != FWD_OK ||
	    place(area, bank, off, n, &again) != FWD_OK || *at != again)
		return FWD_E_STORE;
	return FWD_OK;
}

static fwd_status
flash_erase(void *ctx, uint32_t area, uint32_t bank, uint64_t size)
{
	uint32_t at;

	(void)ctx;
	if (place(area, bank, 0, size, &at) != FWD_OK)
		return FWD_E_STORE;
	/* Each sector is looked up by itself: what lies behind an area may be
	   the counter, and a loop can be made to run once too often. */
	for (uint32_t i = 0; i < size; i += BOARD_SECTOR)
		if (place_twice(area, bank, i, 1, &at) != FWD_OK ||
		    !board_erase(at))
			return FWD_E_STORE;
	return FWD_OK;
}

static fwd_status
flash_write(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
    const uint8_t *p, size_t n)
{
	uint32_t at;

	(void)ctx;
	if (place_twice(area, bank, off, n, &at) != FWD_OK)
		return FWD_E_STORE;
	for (size_t i = 0; i < n; i += BOARD_UNIT)
		if (!board_write(at + (uint32_t)i, p + i))
			return FWD_E_STORE;
	return FWD_OK;
}

static fwd_status
flash_read(void *ctx, uint32_t area, uint32_t bank, uint64_t off, uint8_t *p,
    size_t n)
{
	uint32_t at;

	(void)ctx;
	if (place(area, bank, off, n, &at) != FWD_OK || !board_read(at, p, n))
		return FWD_E_STORE;
	return FWD_OK;
}

const struct fwd_flash loader_flash = {
	.write_unit = BOARD_UNIT,
	.erase = flash_erase,
	.write = flash_write,
	.read = flash_read,
};
