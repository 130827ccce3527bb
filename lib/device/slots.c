/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Install, boot, confirm: see fwslots.h for what they promise.  The order of
 * writes is what makes the promises hold:
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

static fwd_status
check_device(const struct fwd_device *dev)
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

/* What was found in, or becomes of, a bank. */
static fwd_status
note_bank(struct fwd_device *dev, uint32_t bank, fwd_status s,
    struct fwd_hint fact)
{
	return fwd_note(dev->run, FWD_STEP_BANK, s, bank, 0, fact,
	    fwd_hint_none());
}

/* The same where nothing is decided by it. */
static void
tell_bank(struct fwd_device *dev, uint32_t bank, fwd_status s,
    struct fwd_hint fact)
{
	const fwd_status told = note_bank(dev, bank, s, fact);

	(void)told;
}

static struct fwd_hint
state_fact(enum fwd_bank_state state)
{
	const char *const name = fwd_bank_state_name(state);
	size_t n = 0;

	while (name[n] != '\0')
		n++;
	return fwd_hint_text(fwd_span_of(name, n));
}

/* Is a newer than b? */
static bool
newer(const struct fwd_bank *a, const struct fwd_bank *b)
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

static fwd_status
read_bank(struct fwd_device *dev, uint32_t bank)
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
		FWD_TRY(read_bank(dev, i));
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
		    newer(other, bank) ? 1 : 4;
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
	return note_bank(dev, dev->bank, check_record(dev),
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
	return note_bank(dev, dev->bank, fwd_record_write(dev, dev->bank),
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
		    newer(&dev->have[1 - i], &dev->have[i]))
			dev->have[i].state = FWD_BANK_FAILED;
}

static fwd_status
begin_install(struct fwd_device *dev)
{
	uint64_t counter;		/* there is one; what it is, later */

	FWD_TRY(fwd_run_begin(dev->run));
	FWD_TRY(check_device(dev));
	FWD_TRY(fwd_trust_load(dev));
	FWD_TRY(fwd_counter_read(dev, &counter));
	FWD_TRY(read_banks(dev));
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

/* ---- boot ------------------------------------------------------------ */

/* The manifest's component for an area; their number: it does not name it. */
static uint32_t
find_component(const struct fwd_device *dev, uint32_t area)
{
	uint32_t i;

	for (i = 0; i < dev->run->components; i++)
		if (dev->area[i] == area)
			break;
	return i;
}

/* Compare what is stored with the record. */
static fwd_status
compare_image(struct fwd_device *dev, uint32_t i,
    const struct fwd_record_image *image)
{
	const size_t n = fwd_digest_size(image->alg);
	uint8_t got[FWD_DIGEST_MAX];

	FWD_TRY(fwd_hash_stored(dev->run, i, image->alg, image->size, got));
	FWD_TRY(fwd_note(dev->run, FWD_STEP_IMAGE, fwd_equal(got,
	    image->digest, n, FWD_E_IMAGE), i, 0,
	    fwd_hint_hex(fwd_span_of(got, n)),
	    fwd_hint_hex(fwd_span_of(image->digest, n))));
	dev->run->component[i].validated = true;
	return FWD_OK;
}

/* full: the validate sequence has run, and has to have matched the image. */
static fwd_status
check_image(struct fwd_device *dev, const struct fwd_record_image *image,
    bool full)
{
	const uint32_t i = find_component(dev, image->area);
	struct fwd_component *const c = &dev->run->component[i];

	if (i == dev->run->components)
		return FWD_E_COMPONENT;
	if (fwd_launder(full) == 0)
		FWD_TRY(compare_image(dev, i, image));
	if (fwd_launder(c->validated) == 0)
		return FWD_E_UNCHECKED_IMAGE;
	/* what a load sequence may copy */
	c->have_alg = image->alg;
	c->have_size = image->size;
	memcpy(c->have, image->digest, sizeof c->have);
	return FWD_OK;
}

/*
 * The least number that the release at hand may have.  Only what was confirmed
 * may be older than the counter: it is what the device falls back to.  A counter
 * that cannot be read lets nothing else boot.
 */
static uint64_t
least_number(struct fwd_device *dev)
{
	uint64_t v;

	if (dev->record.bank.state == FWD_BANK_CONFIRMED)
		return dev->record.bank.sequence_number;
	return fwd_counter_read(dev, &v) == FWD_OK ? v : UINT64_MAX;
}

/* Is the manifest the one that was recorded, and not too old? */
static fwd_status
check_number(struct fwd_device *dev)
{
	const uint64_t number = dev->run->man.sequence_number;
	const uint64_t least = least_number(dev);
	fwd_status s = FWD_OK;

	if (number != dev->record.bank.sequence_number ||
	    fwd_launder64(number) < least)
		s = FWD_E_ROLLBACK;
	FWD_TRY(fwd_note(dev->run, FWD_STEP_SEQUENCE_NUMBER, s, FWD_NO_INDEX,
	    0, fwd_hint_uint(&number), fwd_hint_uint(&least)));
	/* All of it anew. */
	FWD_ANEW(dev);
	if (least_number(dev) > dev->run->man.sequence_number ||
	    dev->run->man.sequence_number != dev->record.bank.sequence_number)
		return FWD_E_FAULT;	/* or the flash fails now */
	return FWD_OK;
}

/* Has the release at hand never run?  Asked twice. */
static bool
is_fresh(const struct fwd_device *dev)
{
	const uint32_t state = dev->record.bank.state;

	if (fwd_launder(state) == FWD_BANK_PENDING)
		return true;
	if (fwd_launder(~state) == ~(uint32_t)FWD_BANK_PENDING)
		fwd_panic();
	return false;
}

/* Are its signatures verified, or only what it has stored?  Asked twice. */
static bool
is_full(const struct fwd_device *dev)
{
	if (fwd_launder(dev->boot) != FWD_BOOT_FAST ||
	    (is_fresh(dev) && fwd_trust_changed(dev)))
		return true;
	if (fwd_launder(~dev->boot) != ~(uint32_t)FWD_BOOT_FAST ||
	    (is_fresh(dev) && fwd_trust_changed(dev)))
		fwd_panic();
	return false;
}

/*
 * Whom the release at hand has to be signed by: those trusted now as long as
 * it has not run, then those trusted when it was installed.
 */
static fwd_status
choose_trust(struct fwd_device *dev)
{
	const fwd_status s = fwd_trust_load(dev);

	return is_fresh(dev) ? s : fwd_trust_of_record(dev);
}

/* The signers were judged in this run if they have to be, decided anew. */
static fwd_status
check_origin(struct fwd_device *dev)
{
	FWD_ANEW(dev);
	if (is_full(dev) && dev->run->origin != FWD_ORIGIN_SIGNERS)
		fwd_panic();
	return FWD_OK;
}

/* Is what lies in the bank still what was installed? */
static fwd_status
verify_bank(struct fwd_device *dev)
{
	const struct fwd_record *const rec = &dev->record;
	struct fwd_span envelope;
	uint32_t i;
	bool full;

	FWD_TRY(choose_trust(dev));
	full = is_full(dev);
	FWD_TRY(fwd_record_envelope(dev, dev->bank, &envelope));
	FWD_TRY(fwd_boot_begin(dev->run, envelope, full));
	FWD_TRY(check_origin(dev));
	FWD_TRY(check_number(dev));
	if (full)
		FWD_TRY(fwd_section_run(dev->run, FWD_MAN_VALIDATE));
	for (i = 0; i < rec->images; i++)
		FWD_TRY(check_image(dev, &rec->image[i], full));
	if (fwd_launder(i) != rec->images)
		fwd_panic();
	return FWD_OK;
}

/* A confirmed release counts, and so do the lists that it brought. */
static fwd_status
account_for(struct fwd_device *dev)
{
	FWD_TRY(fwd_counter_raise(dev, dev->record.bank.sequence_number));
	return fwd_trust_take(dev);
}

/*
 * Just before the release runs: write down what the next boot has to know.  Of
 * these only the tried mark is worth not booting for.
 */
static fwd_status
account(struct fwd_device *dev, bool give_up)
{
	const struct fwd_bank *const bank = &dev->record.bank;
	const uint32_t other = 1 - dev->bank;

	if (give_up)
		tell_bank(dev, other, fwd_record_mark(dev, other,
		    FWD_MARK_FAILED), FWD_HINT_LITERAL("given up"));
	if (bank->state == FWD_BANK_CONFIRMED)
		/* Power may have failed between the mark and the counter. */
		tell_bank(dev, dev->bank, account_for(dev),
		    FWD_HINT_LITERAL("counted"));
	if (bank->state == FWD_BANK_PENDING)
		return note_bank(dev, dev->bank, fwd_record_mark(dev,
		    dev->bank, FWD_MARK_TRIED), FWD_HINT_LITERAL("tried"));
	return FWD_OK;
}

static fwd_status
run_bank(struct fwd_device *dev, bool give_up)
{
	FWD_TRY(fwd_record_read(dev, dev->bank));
	FWD_TRY(verify_bank(dev));
	FWD_TRY(account(dev, give_up));
	tell_bank(dev, dev->bank, FWD_OK, FWD_HINT_LITERAL("boots"));
	return fwd_manifest_start(dev->run);
}

/*
 * Which bank to try, and in which states: the newest release first.  One that
 * was tried and has not confirmed itself comes last, the newest of two at the
 * very last.
 */
static bool
is_turn(const struct fwd_device *dev, uint32_t turn, uint32_t first,
    uint32_t *bank)
{
	enum fwd_bank_state state;

	*bank = turn == 0 || turn == 3 ? first : 1 - first;
	state = dev->have[*bank].state;
	return turn < FWD_BANKS ? state == FWD_BANK_PENDING ||
	    state == FWD_BANK_CONFIRMED : state == FWD_BANK_TRIED;
}

static fwd_status
boot(struct fwd_device *dev)
{
	const uint32_t first = newer(&dev->have[1], &dev->have[0]) ? 1 : 0;
	bool refused[FWD_BANKS] = { false, false };
	fwd_status s;
	uint32_t k;

	for (uint32_t turn = 0; turn < 2 * FWD_BANKS; turn++) {
		if (!is_turn(dev, turn, first, &k))
			continue;
		dev->bank = k;
		s = run_bank(dev, refused[1 - k] || (k != first &&
		    dev->have[first].state == FWD_BANK_TRIED));
		if (fwd_launder(s) == FWD_OK)
			return s;
		refused[k] = true;
		tell_bank(dev, k, s, FWD_HINT_LITERAL("does not boot"));
	}
	return FWD_E_NOTHING_BOOTABLE;
}

/* What cannot be read does not keep the rest from booting. */
static fwd_status
begin_boot(struct fwd_device *dev)
{
	fwd_status s;

	FWD_TRY(fwd_run_begin(dev->run));
	FWD_TRY(check_device(dev));
	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		s = read_bank(dev, i);
		tell_bank(dev, i, s, state_fact(dev->have[i].state));
	}
	return FWD_OK;
}

/* Does the clock that the policy trusts know the time? */
static bool
has_time(const struct fwd_ctx *run)
{
	int64_t now = INT64_MIN;

	return run->port->now != NULL &&
	    run->port->now(run->port->ctx, &now) == FWD_OK &&
	    now >= run->policy->time_min;
}

fwd_status
fwd_device_boot(struct fwd_device *dev, uint32_t *bank)
{
	const struct fwd_policy *const policy = dev->run->policy;
	struct fwd_policy as_it_is = *policy;
	struct fwd_glue glue;
	fwd_status s;

	*bank = FWD_NO_INDEX;
	if (policy->clock == FWD_CLOCK_TRUSTED && !has_time(dev->run))
		as_it_is.clock = FWD_CLOCK_NONE;
	dev->run->policy = &as_it_is;
	fwd_glue_attach(&glue, dev, true);
	fwd_trust_begin(dev);
	s = begin_boot(dev);
	if (s == FWD_OK)
		s = boot(dev);
	s = fwd_verdict(dev->run, s);
	fwd_trust_done(dev);
	fwd_glue_detach(&glue);
	dev->run->policy = policy;
	FWD_TRY(s);
	*bank = dev->bank;
	return FWD_OK;
}

/* ---- confirm, provision, status -------------------------------------- */

static fwd_status
confirm(struct fwd_device *dev, uint32_t bank)
{
	const struct fwd_bank *const have = &dev->record.bank;

	FWD_TRY(check_device(dev));
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
	FWD_TRY(check_device(dev));
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
	FWD_TRY(check_device(dev));
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
	FWD_TRY(check_device(dev));
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
	FWD_TRY(check_device(dev));
	if (bank >= FWD_BANKS)
		return FWD_E_API;
	FWD_TRY(fwd_record_read(dev, bank));
	if (dev->record.bank.state == FWD_BANK_EMPTY)
		return FWD_E_NOTHING_BOOTABLE;
	FWD_TRY(fwd_record_envelope(dev, bank, &envelope));
	FWD_TRY(fwd_envelope_read(envelope, &run->env));
	return fwd_manifest_read(&run->env, &run->man);
}
