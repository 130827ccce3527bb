/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot loader's decisions: a device with one component, "firmware", that
 * has a slot in each of two banks, and one root that has to have signed.  Every
 * function sets up everything anew, so that none depends on what another one
 * left.
 */
#include <string.h>

#include "loader/board.h"
#include "loader/loader.h"
#include "loader/product.h"
#include "port/fwport.h"

/* The largest manifest with its texts, signatures and certificates. */
enum { ENVELOPE = 8192 };

_Static_assert(BOARD_RECORD_SIZE >= ENVELOPE + FWD_RECORD_OVERHEAD,
    "a record holds an envelope");

/* All memory that the loader needs besides its stack. */
static struct {
	struct fwp_bearssl space;
	struct fwd_crypto crypto;
	struct fwd_anchor anchor;
	struct fwd_policy policy;
	struct fwd_port port;
	struct fwd_device_component component;
	struct fwd_ctx run;
	struct fwd_device dev;
	uint8_t envelope[ENVELOPE], transfer[FWD_BLOCK];
	volatile uint32_t chosen;	/* bank that a boot came to */
} me;

/* Only a fault leads here, or somebody who causes faults. */
void
fwd_panic(void)
{
	board_reset();
}

bool
loader_granted(fwd_status status)
{
	/* No register answers both questions. */
	volatile fwd_status s = status, again = ~status;

	if (s != FWD_OK)
		return false;
	if (again != ~(fwd_status)FWD_OK)
		fwd_panic();
	return true;
}

/* ---- the port: what the library asks the device ---------------------- */

static fwd_status
receive(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	(void)ctx;
	return board_receive(buf, n, got) ? FWD_OK : FWD_E_IO;
}

static fwd_status
identity(void *ctx, int64_t which, uint32_t component, const uint8_t *uuid)
{
	(void)ctx;
	(void)component;
	if (which == FWD_PAR_VENDOR)
		return fwd_equal(uuid, product_vendor, sizeof product_vendor,
		    FWD_E_VENDOR);
	if (which == FWD_PAR_CLASS)
		return fwd_equal(uuid, product_class, sizeof product_class,
		    FWD_E_CLASS);
	return FWD_E_DEVICE;
}

/*
 * The last thing that a boot does: everything has been verified.  Nothing is
 * started from in here, so that the verdict comes back to where it was asked
 * for and is looked at once more.  An error makes the library try the other
 * bank.
 */
static fwd_status
invoke(void *ctx, uint32_t component, struct fwd_span args)
{
	const struct fwd_record *const rec = &me.dev.record;

	(void)ctx;
	(void)args;
	if (component != 0 || rec->images != 1)
		return FWD_E_COMPONENT;
	if (!board_can_start(me.dev.bank * BOARD_BANK_SIZE,
	    rec->image[0].size))
		return FWD_E_SLOT;
	me.chosen = me.dev.bank;
	return FWD_OK;
}

/* ---- setting up ------------------------------------------------------ */

static void
set_up_run(void)
{
	me.crypto = fwp_bearssl_init(&me.space);
	me.policy = (struct fwd_policy){
		.anchor = &me.anchor, .anchors = 1, .threshold = 1,
		.clock = FWD_CLOCK_NONE, .time_min = INT64_MIN,
		.purpose = fwd_code_signing,
	};
	me.port = (struct fwd_port){
		.read = receive, .identity = identity, .invoke = invoke,
	};
	me.run.port = &me.port;
	me.run.crypto = &me.crypto;
	me.run.policy = &me.policy;
	me.run.envelope = me.envelope;
	me.run.envelope_max = sizeof me.envelope;
	me.run.transfer = me.transfer;
	me.run.transfer_n = sizeof me.transfer;
}

static fwd_status
begin(void)
{
	memset(&me, 0, sizeof me);
	me.chosen = FWD_NO_INDEX;
	set_up_run();
	me.component = (struct fwd_device_component){
		.id = { product_component, product_component_n },
		.size = BOARD_SLOT_SIZE, .slots = 2, .kind = FWD_KIND_IMAGE,
	};
	me.dev.run = &me.run;
	me.dev.flash = &loader_flash;
	me.dev.component = &me.component;
	me.dev.components = 1;
	me.dev.record_size = BOARD_RECORD_SIZE;
	me.dev.boot = FWD_BOOT_FULL;
	return fwd_anchor_read((struct fwd_span){ trust_root, trust_root_n },
	    &me.anchor);
}

/* ---- the decisions --------------------------------------------------- */

/*
 * The counter is written last: a device that has one is complete.  One that
 * has a release has lost its counter, and is not to be given a lower one.
 */
static bool
is_new(void)
{
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	return begin() == FWD_OK &&
	    fwd_device_status(&me.dev, bank, &counter) == FWD_E_STORE &&
	    bank[0].state == FWD_BANK_EMPTY && bank[1].state == FWD_BANK_EMPTY;
}

fwd_status
loader_provision(uint64_t counter)
{
	/* Asked twice: what cannot be read looks like what is not there. */
	if (!is_new() || !is_new())
		return FWD_E_API;
	return fwd_device_provision(&me.dev, counter);
}

fwd_status
loader_install(uint32_t *bank)
{
	fwd_status s;

	*bank = FWD_NO_INDEX;
	/* That this is FWD_OK must not be taken for the verdict. */
	if (begin() != FWD_OK)
		return FWD_E_ANCHOR;
	s = fwd_device_install(&me.dev, bank);
	/* The verdict is good: then it was asked for, and says where. */
	if (s == FWD_OK && *bank >= FWD_BANKS)
		fwd_panic();
	return s;
}

fwd_status
loader_boot(struct loader_image *image)
{
	fwd_status s = begin();

	*image = (struct loader_image){ .bank = FWD_NO_INDEX };
	if (s == FWD_OK)
		s = fwd_device_boot(&me.dev, &image->bank);
	if (!loader_granted(s))
		return s;
	/* The verdict is good: then invoke was called, and for that bank. */
	if (image->bank >= FWD_BANKS || me.chosen != image->bank)
		fwd_panic();
	image->at = me.chosen * BOARD_BANK_SIZE;
	image->trial = me.dev.record.bank.state != FWD_BANK_CONFIRMED;
	return s;
}

fwd_status
loader_confirm(uint32_t bank)
{
	fwd_status s = begin();

	if (s == FWD_OK)
		s = fwd_device_confirm(&me.dev, bank);
	return s;
}
