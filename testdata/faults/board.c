/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated device with the example loader, lib/loader: the same objects of
 * main.c, loader.c, flash.c and handover.c, and of a library with the limits of
 * that device, as in the loader of "make demo-device"; around them a board that
 * is as simple as it can be.  A run begins at main() and ends where the board
 * starts something, or waits.
 */
#include <string.h>

#include "loader/board.h"
#include "loader/loader.h"
#include "loader/product.h"
#include "port/fwport.h"
#include "testdata/faults/ports.h"

/* Of each area no more than what is used is there. */
enum { SLOT = 64, RECORD = 4096, COUNTER = 64,
	BANK = SLOT + RECORD + COUNTER };
/* What a record looks like, see fwdevice(3). */
enum { MARK = 32, BODY = 5 * MARK, SEQUENCE_NUMBER = 15, HEAD = 48,
	IMAGE = 88 };

static struct {
	uint8_t bank[FWD_BANKS][BANK];
	uint32_t at;			/* bytes of the bundle that were read */
	bool running;			/* setting up is over */
} me;

/* ---- who the device is, instead of product.c and trust.c --------------- */

const uint8_t product_vendor[16] = { 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };
const uint8_t product_class[16] = { 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22,
	0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22 };
/* [h'00'] */
const uint8_t product_component[] = { 0x81, 0x41, 0x00 };
const size_t product_component_n = sizeof product_component;

/* The root's certificate; as symbols, because spoil() puts another one there,
   and for the loader it is constant. */
static struct {
	size_t n;
	uint8_t der[GUEST_ROOT];
} root;
__asm__(".global trust_root, trust_root_n\n"
    ".set trust_root_n, root\n"
    ".set trust_root, root + 4\n");

static void
trust(uint32_t i)
{
	const struct guest_blob *const b = &INPUT->anchor[i];

	need(b->n <= sizeof root.der);
	root.n = b->n;
	copy(root.der, (const uint8_t *)(uintptr_t)b->at, b->n);
}

struct fwd_crypto
fwp_bearssl_init(struct fwp_bearssl *b)
{
	(void)b;
	return stub_crypto();
}

/* The loader clears all its memory at each step. */
void *
memset(void *p, int value, size_t n)
{
	fill(p, (uint8_t)value, n);
	return p;
}

/* ---- flash ------------------------------------------------------------- */

/* n bytes of flash; NULL where there are none. */
static uint8_t *
cell(uint32_t at, size_t n)
{
	uint32_t bank = at / BOARD_BANK_SIZE, off = at % BOARD_BANK_SIZE;
	uint32_t begin = 0, size = SLOT;

	if (off >= BOARD_SLOT_SIZE + BOARD_RECORD_SIZE) {
		off -= BOARD_SLOT_SIZE + BOARD_RECORD_SIZE;
		begin = SLOT + RECORD;
		size = COUNTER;
	} else if (off >= BOARD_SLOT_SIZE) {
		off -= BOARD_SLOT_SIZE;
		begin = SLOT;
		size = RECORD;
	}
	return bank < FWD_BANKS && off <= size && n <= size - off ?
	    me.bank[bank] + begin + off : NULL;
}

/* The rollback counter; 0: there is none. */
static uint32_t
counter(void)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		const uint8_t *const p = me.bank[i] + SLOT + RECORD;

		if (p[0] == 0 && p[8] == 0xff && (p[7] ^ p[15]) == 0xff &&
		    p[7] > most)
			most = p[7];
	}
	return most;
}

/* It must not fall, nor begin below what the device was made with. */
static void
watch_counter(uint32_t before)
{
	const uint32_t now = counter();

	if (me.running && (now < before || (now != 0 && now < INPUT->stored)))
		started();
}

bool
board_read(uint32_t at, uint8_t *p, size_t n)
{
	const uint8_t *const from = cell(at, n);

	if (from == NULL)
		return false;
	copy(p, from, n);
	return true;
}

bool
board_erase(uint32_t at)
{
	const uint32_t off = at % BOARD_BANK_SIZE, before = counter();

	if (off == 0)
		fill(cell(at, SLOT), 0xff, SLOT);
	else if (off == BOARD_SLOT_SIZE)
		fill(cell(at, RECORD), 0xff, RECORD);
	else if (off == BOARD_SLOT_SIZE + BOARD_RECORD_SIZE)
		fill(cell(at, COUNTER), 0xff, COUNTER);
	watch_counter(before);
	return true;
}

bool
board_write(uint32_t at, const uint8_t *unit)
{
	static const uint8_t mark[] = { 0x5a, 0x3c, 0xc3, 0xa5 };
	uint8_t *const to = cell(at, BOARD_UNIT);
	const uint32_t before = counter();

	if (to == NULL)
		return false;
	/* The mark that makes a record count is as good as a verdict. */
	if (me.running && at % BOARD_BANK_SIZE == BOARD_SLOT_SIZE &&
	    memcmp(unit, mark, sizeof mark) == 0 &&
	    memcmp(to, mark, sizeof mark) != 0)
		started();
	copy(to, unit, BOARD_UNIT);
	watch_counter(before);
	return true;
}

/* ---- the rest of the board --------------------------------------------- */

void
board_begin(void)
{
}

void
board_say(const char *text)
{
	(void)text;
}

void
board_say_number(uint32_t v)
{
	(void)v;
}

void
board_measure(void)
{
}

void
board_watch(uint32_t ms)
{
	(void)ms;
}

void
board_reset(void)
{
	panicked();
}

bool
board_can_start(uint32_t at, uint64_t n)
{
	(void)at;
	return n <= SLOT;
}

/* Only what was confirmed, in bank 1, may start beside what is spoilt; and from
   where it begins. */
void
board_start(uint32_t at)
{
	if (INPUT->entry == GUEST_OTHER && at == BOARD_BANK_SIZE)
		refused();
	accepted();
}

bool
board_update(void)
{
	return INPUT->entry == GUEST_UPDATE;
}

bool
board_receive(uint8_t *p, size_t n, size_t *got)
{
	*got = receive(&me.at, p, n);
	return true;
}

bool
board_factory(uint64_t *counter)
{
	*counter = 1;
	return INPUT->entry == GUEST_FACTORY;
}

void
board_wait(void)
{
	refused();
}

/* ---- setting up: not faulted ------------------------------------------- */

static void
set_counter(uint8_t number)
{
	uint8_t *const to = cell(BOARD_SLOT_SIZE + BOARD_RECORD_SIZE,
	    COUNTER);

	to[7] = number;
	to[15] = (uint8_t)~number;
}

/* Bits of what was recorded of a release change there, and somebody takes care
   of the record's digest. */
static void
change_record(uint32_t bank, uint32_t at, uint8_t bits)
{
	uint8_t *const body = cell(bank * BOARD_BANK_SIZE + BOARD_SLOT_SIZE,
	    RECORD) + BODY;
	const uint32_t n = HEAD + IMAGE + ((uint32_t)body[30] << 8 | body[31]);

	need(n < RECORD - BODY - GUEST_DIGEST && at < n);
	body[at] ^= bits;
	hash(body, n, body + n);
}

/* What has happened since the installation. */
static void
spoil(uint32_t bank)
{
	switch (INPUT->spoil) {
	case GUEST_SPOILT:
		*cell(bank * BOARD_BANK_SIZE, 1) ^= 1;
		break;
	case GUEST_OVERTAKEN:
		set_counter(9);
		break;
	case GUEST_OTHER_ROOT:
		trust(1);
		break;
	case GUEST_UNSIGNED:
		change_record(bank, HEAD + IMAGE + INPUT->signed_at, 1);
		break;
	case GUEST_BEHIND:
		change_record(bank, SEQUENCE_NUMBER, 7 ^ 8);
		break;
	case GUEST_LOST:
		for (uint32_t i = 0; i < FWD_BANKS; i++)
			fill(cell((i + 1) * BOARD_BANK_SIZE -
			    BOARD_COUNTER_SIZE, COUNTER), 0, COUNTER);
		break;
	default:
		break;
	}
}

static uint32_t
install(void)
{
	uint32_t bank;

	me.at = 0;
	need(loader_install(&bank) == FWD_OK);
	return bank;
}

/* A release that is confirmed, in the bank that is returned. */
static uint32_t
settle(void)
{
	struct loader_image image;
	const uint32_t bank = install();

	need(loader_boot(&image) == FWD_OK && image.bank == bank);
	need(loader_confirm(bank) == FWD_OK);
	return bank;
}

static void
setup(void)
{
	fill(me.bank, 0xa5, sizeof me.bank);
	trust(0);
	need(loader_provision(INPUT->stored) == FWD_OK);
	switch (INPUT->entry) {
	case GUEST_UPDATE:
		if (INPUT->spoil == GUEST_BEHIND)
			spoil(settle());
		break;
	case GUEST_START:
	case GUEST_FACTORY:
		spoil(install());
		break;
	case GUEST_OTHER:
		need(settle() == 0);
		need(settle() == 1);
		need(install() == 0);
		spoil(0);
		break;
	default:
		break;
	}
	if (INPUT->entry == GUEST_UPDATE)
		me.at = 0;
	me.running = true;
	ready();
}

/* ---- the table --------------------------------------------------------- */

int main(void);
extern const struct guest_table guest_table;

__attribute__((section(".table"))) const struct guest_table guest_table = {
	GUEST_TABLE,
	.each_begin = AT(guest_loader_begin),
	.each_end = AT(guest_loader_end),
	.setup = AT(setup),
	.entry = {
		[GUEST_UPDATE] = { AT(main), AT(loader_install), FWD_OK },
		[GUEST_START] = { AT(main), AT(loader_boot), FWD_OK },
		/* It may say so of the other one. */
		[GUEST_OTHER] = { AT(main), AT(loader_boot), 0 },
		[GUEST_FACTORY] = { AT(main), AT(loader_boot), FWD_OK },
	},
};
