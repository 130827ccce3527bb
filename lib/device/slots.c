/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Install and confirm, and boot (boot.c): see fwslots.h for what they promise.
 * The order of writes is what makes the promises hold:
 *
 * install  end the bank's record; images; record body; commit mark
 * boot     failed mark, on the bank that this one is booted instead of; tried
 *          mark, before an unconfirmed release runs for the first time
 * confirm  confirmed mark; counter; trust area (a boot does what is left of
 *          them if power failed between)
 */
#include "device/internal.h"
#include "device/record.h"

/* ---- what there is --------------------------------------------------- */

/* Lists of a kind are in one place, and have where to go. */
static fwd_status
check_kinds(const struct fwd_device *dev)
{
	uint32_t anchors = 0, revocations = 0;

	for (uint32_t i = 0; i < dev->components; i++)
		switch (dev->component[i].kind) {
		case FWD_KIND_IMAGE:
			break;
		case FWD_KIND_ANCHORS:
			anchors++;
			break;
		case FWD_KIND_REVOCATIONS:
			revocations++;
			break;
		default:
			return FWD_E_API;
		}
	if (dev->trust_size == 0)
		return anchors + revocations == 0 ? FWD_OK : FWD_E_API;
	return anchors <= 1 && revocations <= 1 && dev->trust != NULL &&
	    dev->trust_size > FWD_TRUST_OVERHEAD &&
	    dev->trust_max / 2 >= dev->trust_size ? FWD_OK : FWD_E_API;
}

fwd_status
fwd_slots_check(const struct fwd_device *dev)
{
	const size_t unit = dev->flash->write_unit;

	if (unit == 0 || unit > FWD_WRITE_MAX || (unit & (unit - 1)) != 0 ||
	    dev->components == 0 || dev->components > FWD_COMPONENTS_MAX ||
	    dev->record_size <= FWD_RECORD_OVERHEAD ||
	    (dev->boot != FWD_BOOT_FAST && dev->boot != FWD_BOOT_FULL))
		return FWD_E_API;
	for (uint32_t i = 0; i < dev->components; i++)
		if (dev->component[i].slots != 1 &&
		    dev->component[i].slots != 2)
			return FWD_E_API;
	return check_kinds(dev);
}

static const char *const state_names[] = {
	[FWD_BANK_EMPTY] = "empty",
	[FWD_BANK_PENDING] = "pending",
	[FWD_BANK_TRIED] = "tried",
	[FWD_BANK_FAILED] = "failed",
	[FWD_BANK_CONFIRMED] = "confirmed",
};

const char *
fwd_bank_state_name(enum fwd_bank_state state)
{
	return (unsigned)state < sizeof state_names / sizeof state_names[0] ?
	    state_names[state] : "unknown";
}

fwd_status
fwd_bank_note(struct fwd_device *dev, uint32_t bank, fwd_status s,
    struct fwd_hint fact)
{
	return fwd_note(dev->run, FWD_STEP_BANK, s, bank, 0, fact,
	    fwd_hint_none());
}

void
fwd_bank_tell(struct fwd_device *dev, uint32_t bank, fwd_status s,
    struct fwd_hint fact)
{
	const fwd_status told = fwd_bank_note(dev, bank, s, fact);

	(void)told;
}

bool
fwd_bank_newer(const struct fwd_bank *a, const struct fwd_bank *b)
{
	return a->sequence_number > b->sequence_number ||
	    (a->sequence_number == b->sequence_number &&
	    a->number > b->number);
}

/* Remember which areas a bank's record names, lists among them: none. */
static void
list_nothing(struct fwd_device *dev, uint32_t bank)
{
	dev->listed[bank] = 0;
	dev->brings[bank].anchors = 0;
	dev->brings[bank].revocations = 0;
}

/* Those of the record at hand. */
static void
list_areas(struct fwd_device *dev, uint32_t bank)
{
	const struct fwd_record *const rec = &dev->record;

	list_nothing(dev, bank);
	for (uint32_t i = 0; i < rec->images; i++) {
		const uint32_t area = rec->image[i].area;

		dev->listed[bank] |= UINT32_C(1) << area;
		if (dev->component[area].kind == FWD_KIND_ANCHORS)
			dev->brings[bank].anchors = rec->image[i].size;
		if (dev->component[area].kind == FWD_KIND_REVOCATIONS)
			dev->brings[bank].revocations = rec->image[i].size;
	}
}

fwd_status
fwd_bank_read(struct fwd_device *dev, uint32_t bank)
{
	dev->have[bank] = (struct fwd_bank){ .state = FWD_BANK_EMPTY };
	list_nothing(dev, bank);
	FWD_TRY(fwd_record_read(dev, bank));
	dev->have[bank] = dev->record.bank;
	list_areas(dev, bank);
	return FWD_OK;
}

static fwd_status
read_banks(struct fwd_device *dev)
{
	for (uint32_t i = 0; i < FWD_BANKS; i++)
		FWD_TRY(fwd_bank_read(dev, i));
	return FWD_OK;
}

/* ---- install --------------------------------------------------------- */

/*
 * What a bank is worth to the device: the one worth less is written.  After a
 * boot the bank that runs is never worth less than the other.
 */
static unsigned
worth(const struct fwd_bank *bank, const struct fwd_bank *other)
{
	switch (bank->state) {
	case FWD_BANK_CONFIRMED:
		return other->state == FWD_BANK_CONFIRMED &&
		    fwd_bank_newer(other, bank) ? 1 : 4;
	case FWD_BANK_TRIED:
		return 3;
	case FWD_BANK_PENDING:
		return 2;
	default:
		return 0;
	}
}

static uint32_t
choose_target(const struct fwd_bank have[FWD_BANKS])
{
	return worth(&have[1], &have[0]) < worth(&have[0], &have[1]) ? 1 : 0;
}

/* Every component with two slots is in the record, or the bank is a mixture. */
static fwd_status
check_record(const struct fwd_device *dev)
{
	const struct fwd_record *const rec = &dev->record;
	uint32_t k;

	for (uint32_t i = 0; i < dev->components; i++) {
		for (k = 0; k < rec->images; k++)
			if (rec->image[k].area == i)
				break;
		if (dev->component[i].slots == 2 && k == rec->images)
			return FWD_E_COMPONENT_SET;
	}
	return rec->images != 0 ? FWD_OK : FWD_E_COMPONENT_SET;
}

/* The record of what a run has installed. */
static fwd_status
make_record(struct fwd_device *dev)
{
	const struct fwd_ctx *const run = dev->run;
	const struct fwd_bank *const have = dev->have;
	struct fwd_record *const rec = &dev->record;
	struct fwd_record_image *to;

	memset(rec, 0, sizeof *rec);
	rec->bank.sequence_number = run->man.sequence_number;
	rec->bank.number = 1 + (have[0].number > have[1].number ?
	    have[0].number : have[1].number);
	rec->anchors_n = dev->in_force.anchors.n;
	FWD_TRY(fwd_record_envelope_size(dev, &rec->bank.envelope_n));
	for (uint32_t i = 0; i < run->components; i++) {
		const struct fwd_component *const c = &run->component[i];

		if (!c->ever_written || c->copied_from)
			continue;
		if (fwd_launder(c->validated) == 0)
			return FWD_E_UNCHECKED_IMAGE;
		to = &rec->image[rec->images++];
		to->area = dev->area[i];
		to->alg = c->have_alg;
		to->size = c->have_size;
		memcpy(to->digest, c->have, sizeof to->digest);
	}
	return fwd_bank_note(dev, dev->bank, check_record(dev),
	    FWD_HINT_LITERAL("written"));
}

/* What would refuse to start is not recorded. */
static fwd_status
judge_start(struct fwd_device *dev, struct fwd_glue *glue)
{
	struct fwd_ctx *const run = dev->run;

	for (uint32_t i = 0; i < run->components; i++)
		run->component[i].ever_written = false;
	fwd_glue_judge_only(glue);
	FWD_TRY(fwd_manifest_start(run));
	for (uint32_t i = 0; i < run->components; i++)
		if (run->component[i].ever_written)
			FWD_TRY(fwd_tell(run, FWD_STEP_COMPONENT,
			    fwd_glue_may_load(dev, i), i, 0));
	return FWD_OK;
}

static fwd_status
install_with(struct fwd_device *dev, struct fwd_glue *glue)
{
	FWD_TRY(fwd_bundle_open(dev->run));
	FWD_TRY(fwd_manifest_install(dev->run));
	FWD_TRY(make_record(dev));
	list_areas(dev, dev->bank);
	if (dev->alone)
		list_nothing(dev, 1 - dev->bank);
	FWD_TRY(fwd_trust_judge(dev));
	FWD_TRY(judge_start(dev, glue));
	return fwd_bank_note(dev, dev->bank, fwd_record_write(dev, dev->bank),
	    FWD_HINT_LITERAL("recorded"));
}

/* A release that was tried does not run any more once a newer one has been
   confirmed: it may be overwritten. */
static void
give_up_outlived(struct fwd_device *dev)
{
	for (uint32_t i = 0; i < FWD_BANKS; i++)
		if (dev->have[i].state == FWD_BANK_TRIED &&
		    dev->have[1 - i].state == FWD_BANK_CONFIRMED &&
		    fwd_bank_newer(&dev->have[1 - i], &dev->have[i]))
			dev->have[i].state = FWD_BANK_FAILED;
}

/* Is what is known of the banks what they hold?  Nothing older than a release
   that was overlooked would be refused. */
static fwd_status
check_banks(struct fwd_device *dev)
{
	const struct fwd_bank *const now = &dev->record.bank;

	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		FWD_TRY(fwd_record_read(dev, i));
		if (dev->have[i].state != now->state ||
		    dev->have[i].sequence_number != now->sequence_number)
			return FWD_E_FAULT;
	}
	return FWD_OK;
}

static fwd_status
begin_install(struct fwd_device *dev)
{
	uint64_t counter;		/* there is one; what it is, later */

	FWD_TRY(fwd_run_begin(dev->run));
	FWD_TRY(fwd_slots_check(dev));
	FWD_TRY(fwd_trust_load(dev));
	FWD_TRY(fwd_counter_read(dev, &counter));
	FWD_TRY(read_banks(dev));
	FWD_TRY(check_banks(dev));
	give_up_outlived(dev);
	dev->bank = choose_target(dev->have);
	dev->prepared = dev->alone = false;
	return FWD_OK;
}

fwd_status
fwd_device_install(struct fwd_device *dev, uint32_t *bank)
{
	struct fwd_glue glue;
	fwd_status s;

	*bank = FWD_NO_INDEX;
	fwd_glue_attach(&glue, dev, false);
	fwd_trust_begin(dev);
	s = begin_install(dev);
	if (s == FWD_OK)
		s = install_with(dev, &glue);
	s = fwd_verdict(dev->run, s);
	fwd_trust_done(dev);
	fwd_glue_detach(&glue);
	FWD_TRY(s);
	*bank = dev->bank;
	return FWD_OK;
}

/* ---- confirm, provision, status -------------------------------------- */

static fwd_status
confirm(struct fwd_device *dev, uint32_t bank)
{
	const struct fwd_bank *const have = &dev->record.bank;

	FWD_TRY(fwd_slots_check(dev));
	if (bank >= FWD_BANKS)
		return FWD_E_API;
	dev->bank = bank;
	FWD_TRY(fwd_record_read(dev, bank));
	if (have->state == FWD_BANK_TRIED)
		FWD_TRY(fwd_record_confirm(dev, bank));
	else if (have->state != FWD_BANK_CONFIRMED)
		return FWD_E_UNCONFIRMED;
	FWD_TRY(fwd_counter_raise(dev, have->sequence_number));
	FWD_TRY(fwd_trust_load(dev));
	return fwd_trust_take(dev);
}

fwd_status
fwd_device_confirm(struct fwd_device *dev, uint32_t bank)
{
	fwd_status s;

	fwd_trust_begin(dev);
	s = confirm(dev, bank);
	fwd_trust_done(dev);
	return s;
}

static fwd_status
revoke(struct fwd_device *dev, struct fwd_span list)
{
	FWD_TRY(fwd_run_begin(dev->run));
	FWD_TRY(fwd_slots_check(dev));
	if (dev->trust_size == 0)
		return FWD_E_API;
	FWD_TRY(fwd_trust_load(dev));
	FWD_TRY(read_banks(dev));
	return fwd_trust_revoke(dev, list);
}

fwd_status
fwd_device_revoke(struct fwd_device *dev, struct fwd_span list)
{
	fwd_status s;

	fwd_trust_begin(dev);
	s = fwd_verdict(dev->run, revoke(dev, list));
	fwd_trust_done(dev);
	return s;
}

fwd_status
fwd_device_provision(struct fwd_device *dev, uint64_t counter)
{
	FWD_TRY(fwd_slots_check(dev));
	for (uint32_t i = 0; i < FWD_BANKS; i++)
		FWD_TRY(dev->flash->erase(dev->flash->ctx, FWD_AREA_RECORD, i,
		    dev->record_size));
	FWD_TRY(fwd_trust_init(dev));
	return fwd_counter_init(dev, counter);
}

fwd_status
fwd_device_status(struct fwd_device *dev, struct fwd_bank bank[FWD_BANKS],
    uint64_t *counter)
{
	fwd_status s;

	memset(bank, 0, sizeof dev->have);
	*counter = 0;
	FWD_TRY(fwd_slots_check(dev));
	FWD_TRY(read_banks(dev));
	memcpy(bank, dev->have, sizeof dev->have);
	FWD_TRY(fwd_counter_read(dev, counter));
	fwd_trust_begin(dev);
	s = fwd_trust_load(dev);
	fwd_trust_done(dev);
	return s;
}

fwd_status
fwd_device_release(struct fwd_device *dev, uint32_t bank)
{
	struct fwd_ctx *const run = dev->run;
	struct fwd_span envelope;

	run->env = (struct fwd_envelope){ 0 };
	run->man = (struct fwd_manifest){ 0 };
	FWD_TRY(fwd_slots_check(dev));
	if (bank >= FWD_BANKS)
		return FWD_E_API;
	FWD_TRY(fwd_record_read(dev, bank));
	if (dev->record.bank.state == FWD_BANK_EMPTY)
		return FWD_E_NOTHING_BOOTABLE;
	FWD_TRY(fwd_record_envelope(dev, bank, &envelope));
	FWD_TRY(fwd_envelope_read(envelope, &run->env));
	return fwd_manifest_read(&run->env, &run->man);
}
