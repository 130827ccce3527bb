/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a device with banks: what it installs, boots and confirms, and
 * when its power fails.  Its flash is memory, kept to the rules of flash by
 * lib/port/flash.c.  A life is CBOR:
 *
 *	life = [* step]
 *	step = ["provision", uint] / ["install", file: tstr] / ["boot"] /
 *	    ["confirm"] / ["revoke", file: tstr] / ["status"] /
 *	    ["cut", how: uint, operation: uint] / ["power"]
 *
 * "cut": power fails, as enum fwp_cut says, at that operation from now on;
 * "power" brings it back.
 */
#include <string.h>

#include "port/fwflash.h"
#include "testdata/twin/twin.h"

enum { BLOCK = 1024, UNIT = 16, COUNTER = BLOCK };

static uint8_t flash[TWIN_FLASH], bundle[TWIN_FILE];
static uint8_t trust[4 * TWIN_TRUST];
static struct fwd_device dev;
static struct fwp_flash simulated;
static struct fwd_device_component component[FWD_COMPONENTS_MAX];

struct step {
	struct fwd_span name, text;
	uint64_t number[2];
};

/* ---- memory as flash -------------------------------------------------- */

static uint64_t
area_size(void *ctx, uint32_t area, uint32_t bank)
{
	(void)ctx;
	if (bank >= FWD_BANKS)
		return 0;
	if (area == FWD_AREA_RECORD)
		return TWIN_RECORD;
	if (area == FWD_AREA_COUNTER)
		return COUNTER;
	if (area == FWD_AREA_TRUST)
		return dev.trust_size;
	if (area >= dev.components || bank >= component[area].slots)
		return 0;
	return (component[area].size + BLOCK - 1) / BLOCK * BLOCK;
}

/* Areas one behind the other; NULL when there is no room. */
static uint8_t *
place(uint32_t area, uint32_t bank)
{
	static const uint32_t others[] = { FWD_AREA_RECORD, FWD_AREA_COUNTER,
	    FWD_AREA_TRUST };
	uint64_t at = 0;
	uint32_t a, b;

	for (uint32_t i = 0; i < dev.components + 3; i++) {
		a = i < 3 ? others[i] : i - 3;
		for (b = 0; b < FWD_BANKS; b++) {
			if (at + area_size(NULL, a, b) > sizeof flash)
				return NULL;
			if (a == area && b == bank)
				return flash + at;
			at += area_size(NULL, a, b);
		}
	}
	return NULL;
}

static bool
get(void *ctx, uint32_t area, uint32_t bank, uint64_t off, uint8_t *p,
    size_t n)
{
	const uint8_t *const from = place(area, bank);

	(void)ctx;
	if (from == NULL)
		return false;
	memcpy(p, from + off, n);
	return true;
}

static bool
put(void *ctx, uint32_t area, uint32_t bank, uint64_t off, const uint8_t *p,
    size_t n)
{
	uint8_t *const to = place(area, bank);

	(void)ctx;
	if (to == NULL)
		return false;
	memcpy(to + off, p, n);
	return true;
}

static bool
fill(void *ctx, uint32_t area, uint32_t bank, uint64_t off, uint64_t n)
{
	uint8_t *const to = place(area, bank);

	(void)ctx;
	if (to == NULL)
		return false;
	memset(to + off, 0xff, (size_t)n);
	return true;
}

static fwd_status
invoke(void *ctx, uint32_t which, struct fwd_span args)
{
	(void)ctx;
	twin_put("> invoke ");
	twin_put_number(which);
	twin_put(" ");
	twin_put_hex(args.p, args.n);
	twin_put("\n");
	return FWD_OK;
}

/* ---- steps ------------------------------------------------------------ */

static int
take_step(struct fwd_cbor *c, struct step *s)
{
	uint64_t n;

	memset(s, 0, sizeof *s);
	TAKE(fwd_cbor_array(c, &n));
	if (n < 1 || n > 3)
		return -1;
	TAKE(fwd_cbor_text(c, &s->name));
	for (size_t i = 0; i + 1 < n; i++)
		if (fwd_cbor_peek(c) == FWD_CBOR_TEXT)
			TAKE(fwd_cbor_text(c, &s->text));
		else
			TAKE(fwd_cbor_uint(c, &s->number[i]));
	return 0;
}

static long
load(struct fwd_span name)
{
	char path[256];

	if (name.n == 0 || name.n >= sizeof path)
		return -1;
	memcpy(path, name.p, name.n);
	path[name.n] = '\0';
	return twin_load(path, bundle, sizeof bundle);
}

static void
put_bank(fwd_status s, uint32_t bank)
{
	twin_put("> ");
	twin_put_verdict(s);
	twin_put(" bank ");
	twin_put_number(bank);
	twin_put("\n");
}

static void
status(void)
{
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter = 0;
	const fwd_status s = fwd_device_status(&dev, bank, &counter);

	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		twin_put("> bank ");
		twin_put(fwd_bank_state_name(bank[i].state));
		twin_put(" ");
		twin_put_number(bank[i].sequence_number);
		twin_put(" ");
		twin_put_number(bank[i].number);
		twin_put("\n");
	}
	twin_put("> counter ");
	twin_put_number(counter);
	twin_put(" anchors ");
	twin_put_number(dev.in_force.anchors.n);
	twin_put(" revoked ");
	twin_put_number(dev.in_force.list.revoked.n / FWD_KEY_ID);
	put_bank(s, FWD_BANKS);
}

static bool
is(const struct step *s, const char *name)
{
	return s->name.n == strlen(name) &&
	    memcmp(s->name.p, name, s->name.n) == 0;
}

static int
do_step(const struct step *s, struct twin_device *d, uint32_t *bank)
{
	fwd_status r;
	long n = 0;

	if (s->text.n != 0 && (n = load(s->text)) < 0)
		return -1;
	d->bundle = (struct fwd_span){ bundle, (size_t)n };
	d->at = 0;
	if (is(s, "provision")) {
		put_bank(fwd_device_provision(&dev, s->number[0]), 0);
	} else if (is(s, "install")) {
		uint32_t to = FWD_BANKS;

		r = fwd_device_install(&dev, &to);
		put_bank(r, to);
	} else if (is(s, "boot")) {
		r = fwd_device_boot(&dev, bank);
		put_bank(r, *bank);
	} else if (is(s, "confirm")) {
		put_bank(fwd_device_confirm(&dev, *bank), *bank);
	} else if (is(s, "revoke")) {
		put_bank(fwd_device_revoke(&dev, d->bundle), 0);
	} else if (is(s, "cut")) {
		simulated.cut = (enum fwp_cut)s->number[0];
		simulated.cut_at = simulated.operations + s->number[1];
	} else if (is(s, "power")) {
		simulated.cut = FWP_CUT_NONE;
		simulated.off = false;
	} else if (!is(s, "status")) {
		return -1;
	}
	if (is(s, "status") || is(s, "power"))
		status();
	return 0;
}

static void
set_up(const struct twin_device *d, struct fwd_ctx *ctx)
{
	memset(&dev, 0, sizeof dev);
	memset(flash, 0, sizeof flash);
	dev.run = ctx;
	dev.component = component;
	dev.components = d->components;
	dev.record_size = TWIN_RECORD;
	dev.boot = d->boot;
	for (uint32_t i = 0; i < d->components; i++) {
		component[i] = (struct fwd_device_component){
			.id = d->component[i].id, .size = d->component[i].size,
			.slots = (uint32_t)d->component[i].slots,
			.kind = d->component[i].kind,
		};
		if (component[i].kind == FWD_KIND_IMAGE)
			continue;
		dev.trust_size = TWIN_TRUST;
		dev.trust = trust;
		dev.trust_max = sizeof trust;
	}
	simulated = (struct fwp_flash){
		.medium = { NULL, area_size, get, put, fill, NULL },
		.write_unit = UNIT, .erase_block = BLOCK, .seed = 4,
	};
}

int
twin_life(struct fwd_span life, struct twin_device *d, struct fwd_ctx *ctx,
    struct fwd_port *port)
{
	struct fwd_cbor c = fwd_cbor_open(life);
	struct fwd_flash calls;
	struct step s;
	uint64_t n;
	uint32_t bank = 0;

	set_up(d, ctx);
	calls = fwp_flash_port(&simulated);
	dev.flash = &calls;
	port->invoke = invoke;
	for (uint32_t i = 0; i < FWD_COMPONENTS_MAX; i++)
		d->place[i] = i;
	TAKE(fwd_cbor_array(&c, &n));
	for (uint64_t i = 0; i < n; i++) {
		if (take_step(&c, &s) != 0)
			return -1;
		twin_put("> ");
		for (size_t k = 0; k < s.name.n; k++)
			twin_put((char[2]){ (char)s.name.p[k], '\0' });
		twin_put("\n");
		if (do_step(&s, d, &bank) != 0)
			return -1;
		if (simulated.fault != NULL) {
			twin_put("> flash: ");
			twin_put(simulated.fault);
			twin_put("\n");
			return -1;
		}
	}
	twin_put("> operations ");
	twin_put_number(simulated.operations);
	twin_put("\n");
	return 0;
}
