/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Install, boot, confirm: see fwslots.h for what they promise.  The order of
 * writes is what makes the promises hold:
 *
 * install  erase the bank's record; images; record body; commit mark
 * boot     tried mark, before an unconfirmed release runs for the first time;
 *          failed mark, before the other bank is tried instead
 * confirm  confirmed mark; counter (a boot raises it if power failed between)
 */
#include "device/internal.h"
#include "device/record.h"

/* ---- the port, as fwd_bundle_check sees it --------------------------- */

/* What stands between the library's runs and the flash. */
struct glue {
	struct fwd_port port;		/* handed to the run */
	const struct fwd_port *under;	/* the caller's */
	struct fwd_device *dev;
	bool booting;			/* storage of loads is allowed only */
};

static fwd_status
glue_read(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	const struct glue *const g = ctx;

	return g->under->read(g->under->ctx, buf, n, got);
}

static fwd_status
glue_identity(void *ctx, int64_t which, uint32_t component,
    const uint8_t *uuid)
{
	const struct glue *const g = ctx;

	return g->under->identity(g->under->ctx, which, component, uuid);
}

static fwd_status
glue_component(void *ctx, uint32_t index, struct fwd_span id,
    uint64_t *capacity)
{
	struct fwd_device *const dev = ((struct glue *)ctx)->dev;

	*capacity = 0;
	for (uint32_t i = 0; i < dev->components; i++) {
		if (!fwd_span_equal(dev->component[i].id, id))
			continue;
		dev->area[index] = i;
		*capacity = dev->component[i].size;
		return FWD_OK;
	}
	return FWD_E_COMPONENT;
}

/* The bank of the component that belongs to the bank that is worked on. */
static uint32_t
bank_of(const struct fwd_device *dev, uint32_t area)
{
	return dev->component[area].slots == 1 ? 0 : dev->bank;
}

static fwd_status
glue_slot(void *ctx, uint32_t component, uint64_t slot)
{
	const struct fwd_device *const dev = ((struct glue *)ctx)->dev;

	return bank_of(dev, dev->area[component]) == slot ? FWD_OK :
	    FWD_E_SLOT;
}

static fwd_status
glue_sequence_number(void *ctx, uint64_t *stored)
{
	*stored = ((const struct glue *)ctx)->dev->counter;
	return FWD_OK;
}

static fwd_status
glue_now(void *ctx, int64_t *now)
{
	const struct glue *const g = ctx;

	return g->under->now(g->under->ctx, now);
}

/* A release names every component that has two slots, or its bank would be a
   mixture. */
static fwd_status
check_set(const struct fwd_device *dev)
{
	uint32_t k;

	for (uint32_t i = 0; i < dev->components; i++) {
		for (k = 0; k < dev->run->components; k++)
			if (dev->area[k] == i)
				break;
		if (dev->component[i].slots == 2 && k == dev->run->components)
			return FWD_E_COMPONENT_SET;
	}
	return FWD_OK;
}

/* Before the first image is written: no record may speak of what it replaces. */
static fwd_status
prepare(struct fwd_device *dev)
{
	const struct fwd_flash *const f = dev->flash;
	bool shared = false;

	if (dev->prepared)
		return FWD_OK;
	FWD_TRY(check_set(dev));
	for (uint32_t i = 0; i < dev->components; i++)
		shared = shared || dev->component[i].slots == 1;
	if (shared)
		FWD_TRY(f->erase(f->ctx, FWD_AREA_RECORD, 1 - dev->bank,
		    dev->record_size));
	FWD_TRY(f->erase(f->ctx, FWD_AREA_RECORD, dev->bank,
	    dev->record_size));
	dev->prepared = true;
	return FWD_OK;
}

static fwd_status
glue_begin(void *ctx, uint32_t component, uint64_t size)
{
	struct fwd_device *const dev = ((struct glue *)ctx)->dev;
	const uint32_t area = dev->area[component];

	FWD_TRY(prepare(dev));
	return dev->flash->erase(dev->flash->ctx, area, bank_of(dev, area),
	    size);
}

static fwd_status
glue_write(void *ctx, uint32_t component, uint64_t off, const uint8_t *p,
    size_t n)
{
	struct fwd_device *const dev = ((struct glue *)ctx)->dev;
	const struct fwd_flash *const f = dev->flash;
	const uint32_t area = dev->area[component], bank = bank_of(dev, area);
	const size_t tail = n % f->write_unit;
	uint8_t unit[FWD_WRITE_MAX];

	if (off % f->write_unit != 0)
		return FWD_E_API;
	if (n != tail)
		FWD_TRY(f->write(f->ctx, area, bank, off, p, n - tail));
	if (tail == 0)
		return FWD_OK;
	memset(unit, 0xff, sizeof unit);
	memcpy(unit, p + n - tail, tail);
	return f->write(f->ctx, area, bank, off + n - tail, unit,
	    f->write_unit);
}

static fwd_status
glue_end(void *ctx, uint32_t component)
{
	(void)ctx;
	(void)component;
	return FWD_OK;			/* image-match reads it back */
}

static fwd_status
glue_read_back(void *ctx, uint32_t component, uint64_t off, uint8_t *p,
    size_t n)
{
	const struct fwd_device *const dev = ((struct glue *)ctx)->dev;
	const uint32_t area = dev->area[component];

	return dev->flash->read(dev->flash->ctx, area, bank_of(dev, area),
	    off, p, n);
}

static fwd_status
glue_invoke(void *ctx, uint32_t component, struct fwd_span args)
{
	const struct glue *const g = ctx;

	if (g->under->invoke == NULL)
		return FWD_OK;
	return g->under->invoke(g->under->ctx, g->dev->area[component], args);
}

/* Put the glue between the run and its port. */
static void
attach(struct glue *g, struct fwd_device *dev)
{
	g->under = dev->run->port;
	g->dev = dev;
	g->port = (struct fwd_port){
		.ctx = g,
		.read = glue_read,
		.identity = glue_identity,
		.component = glue_component,
		.slot = glue_slot,
		.sequence_number = glue_sequence_number,
		.now = glue_now,
		.store_begin = glue_begin,
		.store_write = glue_write,
		.store_end = glue_end,
		.store_read = glue_read_back,
		.invoke = glue_invoke,
		.trace = g->under->trace,
	};
	dev->run->port = &g->port;
}

static void
detach(struct glue *g)
{
	g->dev->run->port = g->under;
}

/* ---- install --------------------------------------------------------- */

/* Is a newer than b? */
static bool
newer(const struct fwd_bank *a, const struct fwd_bank *b)
{
	return a->sequence_number > b->sequence_number ||
	    (a->sequence_number == b->sequence_number &&
	    a->number > b->number);
}

static fwd_status
read_banks(struct fwd_device *dev, struct fwd_bank bank[FWD_BANKS])
{
	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		FWD_TRY(fwd_record_read(dev, i));
		bank[i] = dev->record.bank;
	}
	return FWD_OK;
}

/*
 * What a bank is worth to the device: the one worth less is written.  The
 * newest confirmed release is what the device falls back to; one that was tried
 * may be what runs now.
 */
static unsigned
worth(const struct fwd_bank *bank, const struct fwd_bank *other)
{
	switch (bank->state) {
	case FWD_BANK_CONFIRMED:
		return other->state == FWD_BANK_CONFIRMED &&
		    newer(other, bank) ? 1 : 4;
	case FWD_BANK_TRIED:
		return 3;
	case FWD_BANK_PENDING:
		return 2;
	default:
		return 0;
	}
}

static fwd_status
choose_target(struct fwd_device *dev, const struct fwd_bank bank[FWD_BANKS])
{
	dev->bank = worth(&bank[1], &bank[0]) < worth(&bank[0], &bank[1]);
	if (bank[dev->bank].state == FWD_BANK_TRIED)
		return FWD_E_UNCONFIRMED;
	for (uint32_t i = 0; i < dev->components; i++)
		if (dev->component[i].slots == 1 &&
		    bank[1 - dev->bank].state == FWD_BANK_TRIED)
			return FWD_E_UNCONFIRMED;
	return FWD_OK;
}

/* The record of what a run has installed. */
static fwd_status
make_record(struct fwd_device *dev, const struct fwd_bank bank[FWD_BANKS])
{
	const struct fwd_ctx *const run = dev->run;
	struct fwd_record *const rec = &dev->record;
	struct fwd_record_image *to;

	memset(rec, 0, sizeof *rec);
	rec->bank.sequence_number = run->man.sequence_number;
	rec->bank.number = 1 + (bank[0].number > bank[1].number ?
	    bank[0].number : bank[1].number);
	rec->bank.envelope_n = (uint64_t)(run->env.members.p -
	    run->env.whole.p);
	for (uint32_t i = 0; i < run->components; i++) {
		const struct fwd_component *const c = &run->component[i];

		if (!c->ever_written || c->copied_from)
			continue;
		if (!c->validated)
			return FWD_E_UNCHECKED_IMAGE;
		to = &rec->image[rec->images++];
		to->area = dev->area[i];
		to->alg = c->have_alg;
		to->size = c->have_size;
		memcpy(to->digest, c->have, sizeof to->digest);
	}
	return rec->images != 0 ? FWD_OK : FWD_E_COMPONENT_SET;
}

static fwd_status
install(struct fwd_device *dev)
{
	struct fwd_bank bank[FWD_BANKS];
	struct glue glue;
	fwd_status s;

	FWD_TRY(fwd_counter_read(dev, &dev->counter));
	FWD_TRY(read_banks(dev, bank));
	FWD_TRY(choose_target(dev, bank));
	dev->prepared = false;
	attach(&glue, dev);
	s = fwd_bundle_install(dev->run);
	detach(&glue);
	FWD_TRY(s);
	FWD_TRY(make_record(dev, bank));
	return fwd_record_write(dev, dev->bank);
}

fwd_status
fwd_device_install(struct fwd_device *dev, uint32_t *bank)
{
	*bank = FWD_NO_INDEX;
	FWD_TRY(install(dev));
	*bank = dev->bank;
	return FWD_OK;
}

/* ---- boot ------------------------------------------------------------ */

/* Compare an image with its record, and remember what the component holds. */
static fwd_status
check_image(struct fwd_device *dev, const struct fwd_record_image *image)
{
	struct fwd_ctx *const run = dev->run;
	uint8_t got[FWD_DIGEST_MAX];
	const size_t n = fwd_digest_size(image->alg);

	for (uint32_t i = 0; i < run->components; i++) {
		struct fwd_component *const c = &run->component[i];

		if (dev->area[i] != image->area)
			continue;
		FWD_TRY(fwd_hash_stored(run, i, image->alg, image->size, got));
		FWD_TRY(fwd_note(run, FWD_STEP_IMAGE, fwd_equal(got,
		    image->digest, n, FWD_E_IMAGE), i, 0,
		    fwd_fact_hex(fwd_span_of(got, n)),
		    fwd_fact_hex(fwd_span_of(image->digest, n))));
		c->have_alg = image->alg;
		c->have_size = image->size;
		memcpy(c->have, image->digest, sizeof c->have);
		c->validated = true;
		return FWD_OK;
	}
	return FWD_E_COMPONENT;		/* the manifest does not name it */
}

/* Is what lies in the bank still what was installed? */
static fwd_status
verify_bank(struct fwd_device *dev)
{
	const struct fwd_record *const rec = &dev->record;
	const bool full = fwd_launder(dev->boot) != FWD_BOOT_FAST;
	struct fwd_span envelope;

	FWD_TRY(fwd_record_envelope(dev, dev->bank, &envelope));
	FWD_TRY(fwd_boot_begin(dev->run, envelope, full));
	if (dev->run->man.sequence_number != rec->bank.sequence_number)
		return FWD_E_ROLLBACK;
	for (uint32_t i = 0; i < rec->images; i++)
		FWD_TRY(check_image(dev, &rec->image[i]));
	if (!full)
		return FWD_OK;
	return fwd_section_run(dev->run, FWD_MAN_VALIDATE);
}

/* Just before the release runs: write down what the next boot has to know. */
static fwd_status
account(struct fwd_device *dev, uint32_t given_up)
{
	const struct fwd_bank *const bank = &dev->record.bank;

	if (given_up != FWD_NO_INDEX)
		FWD_TRY(fwd_record_mark(dev, given_up, FWD_MARK_FAILED));
	if (bank->state == FWD_BANK_PENDING)
		return fwd_record_mark(dev, dev->bank, FWD_MARK_TRIED);
	if (bank->state == FWD_BANK_CONFIRMED)
		/* Power may have failed between the mark and the counter. */
		return fwd_counter_raise(dev, bank->sequence_number);
	return FWD_OK;
}

static fwd_status
run_bank(struct fwd_device *dev, uint32_t given_up)
{
	FWD_TRY(verify_bank(dev));
	FWD_TRY(account(dev, given_up));
	FWD_TRY(fwd_section_run(dev->run, FWD_MAN_LOAD));
	return fwd_section_run(dev->run, FWD_MAN_INVOKE);
}

/* given_up: another bank, which is given up for this one, or none. */
static fwd_status
boot_bank(struct fwd_device *dev, uint32_t bank, uint32_t given_up)
{
	struct glue glue;
	fwd_status s;

	dev->bank = bank;
	dev->prepared = true;		/* loading erases no record */
	FWD_TRY(fwd_record_read(dev, bank));
	/* A release that never ran may have become too old meanwhile. */
	if (dev->record.bank.state == FWD_BANK_PENDING &&
	    fwd_launder64(dev->record.bank.sequence_number) < dev->counter)
		return FWD_E_ROLLBACK;
	attach(&glue, dev);
	s = run_bank(dev, given_up);
	detach(&glue);
	return s;
}

/*
 * The newest release first.  One that was tried and has not confirmed itself
 * is given up for the other, but tried again rather than booting nothing.
 */
fwd_status
fwd_device_boot(struct fwd_device *dev, uint32_t *bank)
{
	struct fwd_bank have[FWD_BANKS];
	uint32_t tried = FWD_NO_INDEX, first, i, k;

	*bank = FWD_NO_INDEX;
	FWD_TRY(fwd_counter_read(dev, &dev->counter));
	FWD_TRY(read_banks(dev, have));
	first = newer(&have[1], &have[0]);
	for (i = 0; i < FWD_BANKS && *bank == FWD_NO_INDEX; i++) {
		k = i == 0 ? first : 1 - first;
		if (have[k].state == FWD_BANK_TRIED)
			tried = k;
		else if ((have[k].state == FWD_BANK_PENDING ||
		    have[k].state == FWD_BANK_CONFIRMED) &&
		    boot_bank(dev, k, i == 0 ? FWD_NO_INDEX : tried) ==
		    FWD_OK)
			*bank = k;
	}
	if (*bank == FWD_NO_INDEX && tried != FWD_NO_INDEX &&
	    boot_bank(dev, tried, FWD_NO_INDEX) == FWD_OK)
		*bank = tried;
	return *bank != FWD_NO_INDEX ? FWD_OK : FWD_E_NOTHING_BOOTABLE;
}

/* ---- confirm, provision, status -------------------------------------- */

fwd_status
fwd_device_confirm(struct fwd_device *dev, uint32_t bank)
{
	const struct fwd_bank *const have = &dev->record.bank;

	if (bank >= FWD_BANKS)
		return FWD_E_API;
	FWD_TRY(fwd_record_read(dev, bank));
	if (have->state == FWD_BANK_TRIED)
		FWD_TRY(fwd_record_mark(dev, bank, FWD_MARK_CONFIRMED));
	else if (have->state != FWD_BANK_CONFIRMED)
		return FWD_E_UNCONFIRMED;
	return fwd_counter_raise(dev, have->sequence_number);
}

fwd_status
fwd_device_provision(struct fwd_device *dev, uint64_t counter)
{
	const struct fwd_flash *const f = dev->flash;

	for (uint32_t i = 0; i < FWD_BANKS; i++)
		FWD_TRY(f->erase(f->ctx, FWD_AREA_RECORD, i,
		    dev->record_size));
	return fwd_counter_init(dev, counter);
}

fwd_status
fwd_device_status(struct fwd_device *dev, struct fwd_bank bank[FWD_BANKS],
    uint64_t *counter)
{
	FWD_TRY(fwd_counter_read(dev, counter));
	return read_banks(dev, bank);
}
