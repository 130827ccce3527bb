/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Booting: which bank comes first, whether what lies in it is what was
 * installed, and what is written down just before it runs (see slots.c for the
 * order of writes).
 */
#include "device/internal.h"
#include "device/record.h"

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
		fwd_bank_tell(dev, other, fwd_record_mark(dev, other,
		    FWD_MARK_FAILED), FWD_HINT_LITERAL("given up"));
	if (bank->state == FWD_BANK_CONFIRMED)
		/* Power may have failed between the mark and the counter. */
		fwd_bank_tell(dev, dev->bank, account_for(dev),
		    FWD_HINT_LITERAL("counted"));
	if (bank->state == FWD_BANK_PENDING)
		return fwd_bank_note(dev, dev->bank, fwd_record_mark(dev,
		    dev->bank, FWD_MARK_TRIED), FWD_HINT_LITERAL("tried"));
	return FWD_OK;
}

static fwd_status
run_bank(struct fwd_device *dev, bool give_up)
{
	FWD_TRY(fwd_record_read(dev, dev->bank));
	FWD_TRY(verify_bank(dev));
	FWD_TRY(account(dev, give_up));
	fwd_bank_tell(dev, dev->bank, FWD_OK, FWD_HINT_LITERAL("boots"));
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
	const uint32_t first = fwd_bank_newer(&dev->have[1], &dev->have[0]) ? 1 : 0;
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
		fwd_bank_tell(dev, k, s, FWD_HINT_LITERAL("does not boot"));
	}
	return FWD_E_NOTHING_BOOTABLE;
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

/* What cannot be read does not keep the rest from booting. */
static fwd_status
begin_boot(struct fwd_device *dev)
{
	fwd_status s;

	FWD_TRY(fwd_run_begin(dev->run));
	FWD_TRY(fwd_slots_check(dev));
	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		s = fwd_bank_read(dev, i);
		fwd_bank_tell(dev, i, s, state_fact(dev->have[i].state));
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
