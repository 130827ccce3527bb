/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated device: a loader around the device library, or around the naive
 * verifier, with ports as simple as they can be.
 */
#include "device/fwslots.h"
#include "testdata/faults/naive.h"
#include "testdata/faults/ports.h"

enum { SLOT = 64, RECORD = 4096, COUNTER = 64, UNIT = 4,
	BANK = SLOT + RECORD + COUNTER };

static struct {
	struct fwd_anchor anchor[GUEST_ANCHORS];
	struct fwd_rule rule;
	struct fwd_right right;
	struct fwd_crypto crypto;
	struct fwd_policy policy;
	struct fwd_port port;
	struct fwd_flash flash;
	struct fwd_device_component component;
	struct fwd_ctx run;
	struct fwd_device dev;
	struct naive_device naive;
	struct naive_key key[GUEST_ANCHORS];
	uint8_t envelope[3072], transfer[FWD_BLOCK];
	uint8_t bank[FWD_BANKS][BANK];
	uint8_t store[SLOT];
	uint32_t at;			/* bytes of the bundle that were read */
} me;

/* [h'00'] */
static const uint8_t component_id[] = { 0x81, 0x41, 0x00 };

void
fwd_panic(void)
{
	panicked();
}

/* ---- the port ---------------------------------------------------------- */

static fwd_status
read_bundle(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	(void)ctx;
	*got = receive(&me.at, buf, n);
	return FWD_OK;
}

static fwd_status
identity(void *ctx, int64_t which, uint32_t component, const uint8_t *uuid)
{
	static const uint8_t vendor[16] = { 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	    0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };

	(void)ctx;
	(void)component;
	if (which == FWD_PAR_VENDOR)
		return fwd_equal(uuid, vendor, sizeof vendor, FWD_E_VENDOR);
	if (which == FWD_PAR_CLASS)
		return fwd_equal(uuid, INPUT->class_id,
		    sizeof INPUT->class_id, FWD_E_CLASS);
	return FWD_E_DEVICE;
}

static fwd_status
component(void *ctx, uint32_t index, struct fwd_span id, uint64_t *capacity)
{
	(void)ctx;
	(void)index;
	*capacity = SLOT;
	if (id.n != sizeof component_id)
		return FWD_E_COMPONENT;
	return fwd_equal(id.p, component_id, id.n, FWD_E_COMPONENT);
}

static fwd_status
slot(void *ctx, uint32_t index, uint64_t number)
{
	(void)ctx;
	(void)index;
	return number == 0 ? FWD_OK : FWD_E_SLOT;
}

static fwd_status
sequence_number(void *ctx, uint64_t *stored)
{
	(void)ctx;
	*stored = INPUT->stored;
	return FWD_OK;
}

static fwd_status
now(void *ctx, int64_t *t)
{
	(void)ctx;
	*t = INPUT->now;
	return FWD_OK;
}

static fwd_status
invoke(void *ctx, uint32_t index, struct fwd_span args)
{
	(void)ctx;
	(void)index;
	(void)args;
	started();
	return FWD_OK;
}

static fwd_status
store_begin(void *ctx, uint32_t index, uint64_t size)
{
	(void)ctx;
	(void)index;
	return size <= SLOT ? FWD_OK : FWD_E_STORE;
}

static fwd_status
store_write(void *ctx, uint32_t index, uint64_t off, const uint8_t *p,
    size_t n)
{
	(void)ctx;
	(void)index;
	if (off > SLOT || n > SLOT - off)
		return FWD_E_STORE;
	copy(me.store + off, p, n);
	return FWD_OK;
}

static fwd_status
store_end(void *ctx, uint32_t index)
{
	(void)ctx;
	(void)index;
	return FWD_OK;
}

static fwd_status
store_read(void *ctx, uint32_t index, uint64_t off, uint8_t *p, size_t n)
{
	(void)ctx;
	(void)index;
	if (off > SLOT || n > SLOT - off)
		return FWD_E_STORE;
	copy(p, me.store + off, n);
	return FWD_OK;
}

/* ---- flash ------------------------------------------------------------- */

static uint8_t *
place(uint32_t area, uint32_t bank, uint64_t off, uint64_t n)
{
	uint32_t begin = 0, size = SLOT;

	if (area == FWD_AREA_RECORD) {
		begin = SLOT;
		size = RECORD;
	} else if (area == FWD_AREA_COUNTER) {
		begin = SLOT + RECORD;
		size = COUNTER;
	} else if (area != 0) {
		return NULL;
	}
	if (bank >= FWD_BANKS || off > size || n > size - off)
		return NULL;
	return me.bank[bank] + begin + off;
}

static fwd_status
flash_erase(void *ctx, uint32_t area, uint32_t bank, uint64_t size)
{
	uint8_t *const to = place(area, bank, 0, size);

	(void)ctx;
	if (to == NULL)
		return FWD_E_STORE;
	for (uint32_t i = 0; i < size; i += 4)
		*(volatile uint32_t *)(to + i) = UINT32_MAX;
	return FWD_OK;
}

static fwd_status
flash_write(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
    const uint8_t *p, size_t n)
{
	uint8_t *const to = place(area, bank, off, n);

	(void)ctx;
	if (to == NULL)
		return FWD_E_STORE;
	/* The mark that makes a record count is as good as a verdict. */
	if (area == FWD_AREA_RECORD && off == 0 && p[0] == 0x5a &&
	    p[1] == 0x3c && p[2] == 0xc3 && p[3] == 0xa5)
		started();
	copy(to, p, n);
	return FWD_OK;
}

static fwd_status
flash_read(void *ctx, uint32_t area, uint32_t bank, uint64_t off, uint8_t *p,
    size_t n)
{
	const uint8_t *const from = place(area, bank, off, n);

	(void)ctx;
	if (from == NULL)
		return FWD_E_STORE;
	copy(p, from, n);
	return FWD_OK;
}

/* ---- setting up: not faulted ------------------------------------------- */

static void
set_policy(void)
{
	const struct guest_input *const in = INPUT;
	struct fwd_key key;

	me.policy = (struct fwd_policy){
		.anchor = me.anchor, .anchors = in->anchors,
		.threshold = in->threshold, .clock = in->clock,
		.time_min = INT64_MIN, .purpose = fwd_code_signing,
		.revoked = { (const uint8_t *)(uintptr_t)in->revoked.at,
		    in->revoked.n },
	};
	for (uint32_t i = 0; i < in->anchors; i++) {
		need(fwd_anchor_read((struct fwd_span){ (const uint8_t *)
		    (uintptr_t)in->anchor[i].at, in->anchor[i].n },
		    &me.anchor[i]) == FWD_OK);
		need(fwd_key_read(me.anchor[i].spki, &key) == FWD_OK);
		copy(me.key[i].point, key.point.p, GUEST_POINT);
	}
	me.rule = (struct fwd_rule){ in->rule, 1, FWD_DISTINCT_KEYS };
	me.right = (struct fwd_right){ { component_id, sizeof component_id },
	    in->right };
	if (in->rule != 0) {
		me.policy.rule = &me.rule;
		me.policy.rules = 1;
	}
	if (in->right != 0) {
		me.policy.right = &me.right;
		me.policy.rights = 1;
	}
}

static void
set_device(void)
{
	me.crypto = stub_crypto();
	me.port = (struct fwd_port){ .read = read_bundle, .identity = identity,
	    .component = component, .slot = slot,
	    .sequence_number = sequence_number, .now = now,
	    .invoke = invoke };
	me.flash = (struct fwd_flash){ NULL, UNIT, flash_erase, flash_write,
	    flash_read };
	me.component = (struct fwd_device_component){
	    .id = { component_id, sizeof component_id }, .size = SLOT,
	    .slots = 2, .kind = FWD_KIND_IMAGE };
	me.run.port = &me.port;
	me.run.crypto = &me.crypto;
	me.run.policy = &me.policy;
	me.run.envelope = me.envelope;
	me.run.envelope_max = sizeof me.envelope;
	me.run.transfer = me.transfer;
	me.run.transfer_n = sizeof me.transfer;
	me.dev = (struct fwd_device){ .run = &me.run, .flash = &me.flash,
	    .component = &me.component, .components = 1,
	    .record_size = RECORD, .boot = INPUT->fast != 0 ? FWD_BOOT_FAST :
	    FWD_BOOT_FULL };
	me.naive = (struct naive_device){ INPUT->stored, INPUT->threshold,
	    INPUT->class_id, me.key };
}

/* What has happened since the installation. */
static void
spoil(uint32_t bank)
{
	uint8_t *const counter = me.bank[0] + SLOT + RECORD;
	const struct fwd_span root = { (const uint8_t *)(uintptr_t)
	    INPUT->anchor[1].at, INPUT->anchor[1].n };

	switch (INPUT->spoil) {
	case GUEST_SPOILT:
		me.bank[bank][0] ^= 1;
		break;
	case GUEST_OVERTAKEN:		/* a big-endian number, its inverse */
		counter[7] = 9;
		counter[15] = (uint8_t)~9;
		break;
	case GUEST_OTHER_ROOT:
		need(fwd_anchor_read(root, &me.anchor[0]) == FWD_OK);
		break;
	case GUEST_TWO_NOW:
		me.policy.threshold = 2;
		break;
	default:
		break;
	}
}

/* Provision, and install what is to be booted. */
static void
set_banks(void)
{
	uint32_t bank;

	need(fwd_device_provision(&me.dev, INPUT->stored) == FWD_OK);
	if (INPUT->entry != GUEST_BOOT)
		return;
	need(fwd_device_install(&me.dev, &bank) == FWD_OK);
	spoil(bank);
}

static void
setup(void)
{
	set_policy();
	set_device();
	if (INPUT->entry == GUEST_STORE) {
		me.port.store_begin = store_begin;
		me.port.store_write = store_write;
		me.port.store_end = store_end;
		me.port.store_read = store_read;
	} else if (INPUT->entry == GUEST_INSTALL ||
	    INPUT->entry == GUEST_BOOT) {
		set_banks();
	}
	ready();
}

/* ---- the loaders ------------------------------------------------------- */

#define LOADER __attribute__((noinline, section(".loader")))

/*
 * What fwdevice(3) tells a loader to do with a verdict: keep it and its
 * complement in memory, where neither is success before it is one, and go on
 * only if both say so, each compared with a constant of its own.
 */
#define DECIDE(call) do {						\
	volatile fwd_status verdict = FWD_E_FAULT, again = FWD_E_FAULT;	\
									\
	verdict = (call);						\
	again = ~verdict;						\
	if (verdict != FWD_OK)						\
		refused();						\
	if (again != ~(fwd_status)FWD_OK)				\
		fwd_panic();						\
	accepted();							\
} while (0)

static LOADER void
load_bundle(void)
{
	DECIDE(fwd_bundle_check(&me.run));
}

static LOADER void
load_install(void)
{
	uint32_t bank;

	DECIDE(fwd_device_install(&me.dev, &bank));
}

static LOADER void
load_boot(void)
{
	uint32_t bank;

	DECIDE(fwd_device_boot(&me.dev, &bank));
}

static LOADER void
load_naive(void)
{
	if (naive_check(&me.naive, (const struct naive_file *)
	    (uintptr_t)INPUT->bundle.at) != 0)
		refused();
	accepted();
}

/* ---- the table --------------------------------------------------------- */

extern const struct guest_table guest_table;

__attribute__((section(".table"))) const struct guest_table guest_table = {
	GUEST_TABLE,
	.each_begin = AT(guest_faulted_begin),
	.each_end = AT(guest_faulted_end),
	.setup = AT(setup),
	.entry = {
		[GUEST_BUNDLE] = { AT(load_bundle), AT(fwd_bundle_check),
		    FWD_OK },
		[GUEST_STORE] = { AT(load_bundle), AT(fwd_bundle_check),
		    FWD_OK },
		[GUEST_INSTALL] = { AT(load_install), AT(fwd_device_install),
		    FWD_OK },
		[GUEST_BOOT] = { AT(load_boot), AT(fwd_device_boot), FWD_OK },
		[GUEST_NAIVE] = { AT(load_naive), AT(naive_check), 0 },
	},
};
