/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated device: a loader around the device library, or around the naive
 * verifier, with ports as simple as they can be.  Bytes are moved, hashes and
 * signatures are computed by the host.
 */
#include "device/fwslots.h"
#include "testdata/faults/naive.h"

#define INPUT ((const struct guest_input *)GUEST_INPUT)
#define APART(name) __attribute__((noreturn, noinline, section(name)))

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
	struct guest_message message;
	struct guest_sig sig;
	uint8_t envelope[3072], transfer[FWD_BLOCK];
	uint8_t bank[FWD_BANKS][BANK];
	uint8_t store[SLOT];
	uint32_t at;			/* bytes of the bundle that were read */
} me;

/* [h'00'] */
static const uint8_t component_id[] = { 0x81, 0x41, 0x00 };

/* ---- places and calls that the host watches ---------------------------- */

uint32_t host_call(uint32_t op, uint32_t a, uint32_t b, uint32_t c);
void ready(void);
void started(void);
__asm__(".text\n.thumb\n.syntax unified\n"
    ".thumb_func\nhost_call: bx lr\n"
    ".thumb_func\nready: bx lr\n"
    ".thumb_func\nstarted: bx lr\n");

/* Many times, so that what falls into it stays there. */
#define STAY __asm__ volatile(".rept 16\nb .\n.endr")

static APART(".accepted") void
accepted(void)
{
	STAY;
	for (;;)
		;
}

static APART(".refused") void
refused(void)
{
	STAY;
	for (;;)
		;
}

APART(".panicked") void
fwd_panic(void)
{
	STAY;
	for (;;)
		;
}

static uint32_t
address(const void *p)
{
	return (uint32_t)(uintptr_t)p;
}

static void
copy(void *to, const void *from, size_t n)
{
	(void)host_call(HOST_COPY, address(to), address(from), n);
}

/* ---- the crypto port --------------------------------------------------- */

static fwd_status
hash_start(void *ctx, int32_t alg)
{
	(void)ctx;
	me.message.n = 0;
	return alg == FWD_SHA256 ? FWD_OK : FWD_E_ALG;
}

static fwd_status
hash_add(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	if (n > GUEST_MESSAGE - me.message.n)
		return FWD_E_CRYPTO;
	copy(me.message.bytes + me.message.n, p, n);
	me.message.n += n;
	return FWD_OK;
}

static fwd_status
hash_end(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	if (n != GUEST_DIGEST)
		return FWD_E_CRYPTO;
	(void)host_call(HOST_HASH, address(&me.message), address(out), n);
	return FWD_OK;
}

static fwd_status
verify(void *ctx, const struct fwd_sig *sig)
{
	struct guest_sig *const s = &me.sig;

	(void)ctx;
	if (sig->alg != FWD_ESP256 || sig->digest_alg != FWD_SHA256 ||
	    sig->key.type != FWD_KEY_P256)
		return FWD_E_ALG;
	if (sig->key.point.n != GUEST_POINT || sig->sig.n != GUEST_SIG ||
	    sig->digest_n != GUEST_DIGEST)
		return FWD_E_KEY;
	copy(s->point, sig->key.point.p, GUEST_POINT);
	copy(s->digest, sig->digest, GUEST_DIGEST);
	copy(s->sig, sig->sig.p, GUEST_SIG);
	return host_call(HOST_VERIFY, address(s), 0, 0) == 1 ? FWD_OK :
	    FWD_E_SIG;
}

/* ---- the port ---------------------------------------------------------- */

static fwd_status
read_bundle(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	const struct guest_blob *const b = &INPUT->bundle;

	(void)ctx;
	*got = b->n - me.at < n ? b->n - me.at : n;
	copy(buf, (const uint8_t *)(uintptr_t)(b->at + me.at), *got);
	me.at += *got;
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

/* ---- the naive verifier's port ----------------------------------------- */

void
naive_hash(const uint8_t *p, size_t n, uint8_t out[GUEST_DIGEST])
{
	me.message.n = n;
	copy(me.message.bytes, p, n);
	(void)host_call(HOST_HASH, address(&me.message), address(out),
	    GUEST_DIGEST);
}

int
naive_verify(const struct naive_key *key, const uint8_t digest[GUEST_DIGEST],
    const uint8_t sig[GUEST_SIG])
{
	copy(me.sig.point, key->point, GUEST_POINT);
	copy(me.sig.digest, digest, GUEST_DIGEST);
	copy(me.sig.sig, sig, GUEST_SIG);
	return host_call(HOST_VERIFY, address(&me.sig), 0, 0) == 1 ? 0 : -1;
}

/* ---- setting up: not faulted ------------------------------------------- */

static void
need(bool ok)
{
	if (!ok)
		fwd_panic();
}

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
	me.crypto = (struct fwd_crypto){ NULL, hash_start, hash_add, hash_end,
	    verify };
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

extern const uint8_t guest_stack[], guest_data_end[],
    guest_faulted_begin[], guest_faulted_end[];
extern const struct guest_table guest_table;

#define AT(x) ((uint32_t)(uintptr_t)(x))

__attribute__((section(".table"))) const struct guest_table guest_table = {
	.magic = GUEST_MAGIC,
	.stack = AT(guest_stack),
	.data_end = AT(guest_data_end),
	.setup = AT(setup),
	.faulted_begin = AT(guest_faulted_begin),
	.faulted_end = AT(guest_faulted_end),
	.ready = AT(ready),
	.accepted = AT(accepted),
	.refused = AT(refused),
	.panicked = AT(fwd_panic),
	.started = AT(started),
	.host_call = AT(host_call),
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
