/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults while a device installs, boots and confirms: each value that a
 * decision goes by is replaced by another one, one at a time.  No single lie
 * may start what is not a whole release that has been accepted, bring back one
 * that is older than the counter, or leave a device that does not boot.
 */
#include "device/testpowerlies.h"

enum { NONE = 0, OLD = 1 << 1, NEW = 1 << 2, THIRD = 1 << 3 };

/* ---- what is done, and what is wrong ---------------------------------- */

static void
other_payload(struct bench *b)
{
	struct fw_buf *const bundle = &b->release[2].bundle;

	/* the image is all that lies behind the last header */
	bundle->p[bundle->n - 3 * FWD_BLOCK] ^= 1;
}

static void
other_signer(struct bench *b)
{
	struct kit_pki pki;

	kit_pki_init(&pki, "other");
	fw_buf_deinit(&b->release[2].bundle);
	make_bundle(&b->release[2], b->kind, &pki);
	kit_pki_free(&pki);
}

static void
expired(struct bench *b)
{
	b->kit->policy.clock = FWD_CLOCK_TRUSTED;
	b->kit->now = TP_NOT_AFTER + 1;
}

static void
spoilt_image(struct bench *b)
{
	b->memory.bytes[0][1][700] ^= 1;
}

/* The sequence number, and an octet of the digest of the image. */
static void
spoilt_head(struct bench *b)
{
	b->memory.bytes[PARTS][1][FWD_MARKS * FWD_WRITE_MAX +
	    sizeof magic + 7] ^= 8;
}

static void
spoilt_entry(struct bench *b)
{
	b->memory.bytes[PARTS][1][FWD_MARKS * FWD_WRITE_MAX + HEAD + 30] ^= 8;
}

static void
spoilt_only_image(struct bench *b)
{
	b->memory.bytes[0][0][700] ^= 1;
}

/*
 * setup and action as in power_test.c; "p" confirms bank 1.  want: what comes
 * of the action without a lie; runs: what may be started, by it and by the next
 * boot; confirmed: the sequence number that the counter may rise to.
 */
static const struct scenario {
	const char *name;
	enum kind kind;
	const char *setup;
	void (*wrong)(struct bench *b);
	const char *action;
	fwd_status want;
	unsigned runs;
	uint64_t confirmed;
} scenarios[] = {
	{ "install", AB, "i1 b c", NULL, "i2", FWD_OK, OLD | NEW, 5 },
	{ "install over one slot", SINGLE, "i1 b c", NULL, "i2", FWD_OK,
	  OLD | NEW, 5 },
	{ "install of another payload", AB, "i1 b c", other_payload, "i2",
	  FWD_E_PAYLOAD_DIGEST, OLD, 5 },
	{ "install by another signer", AB, "i1 b c", other_signer, "i2",
	  FWD_E_ANCHOR, OLD, 5 },
	{ "install of expired", AB, "i1 b c", expired, "i2",
	  FWD_E_CERT_LATE, OLD, 5 },
	{ "install of older", AB, "i2 b c", NULL, "i1", FWD_E_ROLLBACK, NEW,
	  7 },
	{ "boot", AB, "i1 b c i2", NULL, "b", FWD_OK, OLD | NEW, 5 },
	{ "boot of a staged release", STAGED, "i1 b c", NULL, "b", FWD_OK,
	  OLD, 5 },
	{ "boot into memory", LOADED, "i1 b c i2", NULL, "b", FWD_OK,
	  OLD | NEW, 5 },
	{ "boot of a spoilt image", AB, "i1 b c i2", spoilt_image, "b",
	  FWD_OK, OLD, 5 },
	{ "boot of the only image, spoilt", AB, "i1 b c", spoilt_only_image,
	  "b", FWD_E_NOTHING_BOOTABLE, NONE, 5 },
	{ "boot of a spoilt head", AB, "i1 b c i2", spoilt_head, "b", FWD_OK,
	  OLD, 5 },
	{ "boot of a spoilt entry", AB, "i1 b c i2", spoilt_entry, "b",
	  FWD_OK, OLD, 5 },
	{ "boot of older", AB, "i1 i2 b c", spoilt_image, "b",
	  FWD_E_NOTHING_BOOTABLE, NONE, 7 },
	{ "confirm", AB, "i1 b c i2 b", NULL, "p", FWD_OK, OLD | NEW, 7 },
	{ "confirm what was not booted", AB, "i1 b c i2", NULL, "p",
	  FWD_E_UNCONFIRMED, OLD | NEW, 5 },
};
enum { NSCENARIOS = sizeof scenarios / sizeof scenarios[0] };

/* What is being done may be cut short: nothing is asserted about it here. */
static fwd_status
step(struct bench *b, const char *action)
{
	uint32_t bank;

	switch (*action) {
	case 'i':
		b->kit->bundle =
		    fw_buf_span(&b->release[action[1] - '0'].bundle);
		return fwd_device_install(&b->dev, &bank);
	case 'b':
		return fwd_device_boot(&b->dev, &b->running);
	case 'c':
		return fwd_device_confirm(&b->dev, b->running);
	default:
		return fwd_device_confirm(&b->dev, 1);
	}
}

static struct bench *
set_up(const struct scenario *sc, uint32_t boot)
{
	struct bench *const b = bench_new(sc->kind, boot);

	b->kit->port.trace.fn = NULL;	/* it would take most of the time */
	b->kit->ctx.transfer_n = 4096;
	lie_reset(b);
	cr_assert_eq(bench_provision(b, 4), FWD_OK);
	for (const char *s = sc->setup; *s != '\0'; s++)
		if (strchr("ibc", *s) != NULL) {
			kit_dev_rewind(b->kit);
			kit_eq(step(b, s), FWD_OK, sc->name);
		}
	if (sc->wrong != NULL)
		sc->wrong(b);
	return b;
}

/* ---- every lie in every place ----------------------------------------- */

/* s: what the action came to, with a lie. */
static void
check_after(struct bench *b, const struct scenario *sc, fwd_status s)
{
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;
	fwd_status again;

	lie_assert_ran(b, sc->runs, sc->name);
	lie_reset(b);
	cr_assert_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK);
	cr_assert_leq(counter, sc->confirmed, "%s", sc->name);
	again = step(b, "b");
	cr_assert_eq(again == FWD_OK, b->runs != NULL);
	if (sc->runs == NONE || b->kind != SINGLE)
		cr_assert_eq(again == FWD_OK, sc->runs != NONE, "%s",
		    sc->name);
	lie_assert_ran(b, sc->runs, sc->name);
	if (s == FWD_OK && *sc->action == 'i')
		cr_assert_eq(b->runs, &b->release[sc->action[1] - '0'],
		    "%s: it was not installed", sc->name);
}

static void
lie_everywhere(const struct scenario *sc, uint32_t boot)
{
	struct bench *const b = set_up(sc, boot);
	const struct memory before = b->memory;
	const uint64_t counter = bench_counter(b);
	const size_t n = lie_places(b, step, sc->action, sc->want, sc->name);
	size_t lied = 0, caught = 0;
	fwd_status s;

	for (size_t at = 1; at <= n; at++)
		for (unsigned k = 0; k < NLIES; k++) {
			if (!lie_due(at, k, true))
				continue;
			b->memory = before;
			lied++;
			if (!lie_once(b, step, sc->action, at, k, &s))
				caught++;
			else if (sc->want != FWD_OK)
				cr_assert_neq(s, FWD_OK, "%s: lie %u at %zu",
				    sc->name, k, at);
			check_after(b, sc, s);
			lie_reset(b);
			cr_assert_geq(bench_counter(b), counter);
		}
	(void)printf("fault: %s: %zu places, %zu lies, %zu noticed, %zu did no "
	    "harm\n", sc->name, n, lied, caught, lied - caught);
	cr_assert_gt(caught, lied / (2 * NLIES), "lies are not noticed");
	lie_reset(b);
	bench_free(b);
}

ParameterizedTestParameters(slots_fault, every_lie)
{
	static size_t row[NSCENARIOS * 2];

	for (size_t i = 0; i < NSCENARIOS * 2; i++)
		row[i] = i;
	return cr_make_param_array(size_t, row, NSCENARIOS * 2);
}

ParameterizedTest(size_t *i, slots_fault, every_lie)
{
	lie_everywhere(&scenarios[*i / 2],
	    *i % 2 == 0 ? FWD_BOOT_FULL : FWD_BOOT_FAST);
}
