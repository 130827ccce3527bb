/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of devices with a trust area: what they go through, and what is in
   force then. */
#ifndef TESTTRUST_H
#define TESTTRUST_H

#include "device/testpower.h"

static const uint32_t modes[] = { FWD_BOOT_FULL, FWD_BOOT_FAST };
enum { MODES = 2, NO_LIST = 0 };

/* ---- a device with a trust area ---------------------------------------- */

static inline struct bench *
new_device(uint32_t boot)
{
	struct bench *const b = bench_new(KEYED, boot);

	kit_eq(bench_provision(b, 4), FWD_OK, "");
	return b;
}

/* "iN" installs, "b" boots, "c" confirms. */
static inline void
go(struct bench *b, const char *steps)
{
	fwd_status s = FWD_OK;

	for (const char *p = steps; *p != '\0'; p++) {
		if (*p == 'i')
			s = bench_install(b, (unsigned)(p[1] - '0'));
		else if (*p == 'b')
			s = bench_boot(b);
		else if (*p == 'c')
			s = bench_confirm(b);
		kit_eq(s, FWD_OK, b->kit->trace);
	}
}

static inline struct bench *
after(uint32_t boot, const char *steps)
{
	struct bench *const b = new_device(boot);

	go(b, steps);
	return b;
}

/* Power comes back, and the same release runs. */
static inline void
forget(struct bench *b)
{
	const uint32_t running = b->running;

	bench_power(b);
	b->running = running;
}

/* The anchors of that release are in force, and a list of that number. */
static inline void
assert_in_force(struct bench *b, unsigned release, uint64_t number)
{
	const struct fwd_trust *const t = &b->dev.in_force;
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	forget(b);
	kit_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK, "");
	cr_assert(fwd_span_equal(t->anchors, release == 0 ?
	    (struct fwd_span){ 0 } : get_list(&b->release[release],
	    ANCHORS)), "not the anchors of release %u", release);
	cr_assert_eq(t->revocations.n == 0, number == NO_LIST);
	cr_assert_eq(t->list.number, number);
	cr_assert_eq(b->kit->ctx.policy, &b->kit->policy);
}

static inline void
assert_states(struct bench *b, enum fwd_bank_state first,
    enum fwd_bank_state second)
{
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	cr_assert_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK);
	cr_assert_str_eq(fwd_bank_state_name(bank[0].state),
	    fwd_bank_state_name(first));
	cr_assert_str_eq(fwd_bank_state_name(bank[1].state),
	    fwd_bank_state_name(second));
}

/* Make the bundle of a release again, signed by others. */
static inline void
sign_by(struct bench *b, unsigned release, const struct kit_pki *pki)
{
	fw_buf_deinit(&b->release[release].bundle);
	make_bundle(&b->release[release], KEYED, pki);
}

/* Refused before anything is written. */
static inline void
refuses(struct bench *b, unsigned release, fwd_status want)
{
	const struct memory before = b->memory;

	kit_eq(bench_install(b, release), want, b->kit->trace);
	cr_assert_eq(memcmp(&before, &b->memory, sizeof before), 0);
}

/* Refused when its images are there: nothing is recorded. */
static inline void
refuses_lists(struct bench *b, unsigned release, fwd_status want)
{
	const struct memory before = b->memory;
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	kit_eq(bench_install(b, release), want, b->kit->trace);
	cr_assert_eq(memcmp(before.bytes[PARTS + 2],
	    b->memory.bytes[PARTS + 2], sizeof before.bytes[0]), 0);
	cr_assert_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK);
	cr_assert_eq(bank[b->dev.bank].state, FWD_BANK_EMPTY);
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	cr_assert_neq(b->runs, &b->release[release]);
}

/* A list by the revoker's root, that revokes so many keys: that one, and the
   rest that nobody has. */
static inline struct fw_buf
make_list(const struct bench *b, uint64_t number, EVP_PKEY *revoked,
    unsigned more)
{
	uint8_t id[16][FWD_KEY_ID] = { { 0 } };

	for (unsigned i = 0; i < more; i++)
		id[i][FWD_KEY_ID - 1] = (uint8_t)(i + 1);
	if (revoked != NULL)
		list_key_id(revoked, id[more++]);
	return list_revoking(b->revoker.root_key, FWD_ESP256, number,
	    (struct fwd_span){ id[0], more * sizeof id[0] });
}

/* Put it in force by itself, or not. */
static inline void
revoke(struct bench *b, struct fw_buf list, fwd_status want)
{
	const struct memory before = b->memory;

	kit_eq(bench_revoke(b, fw_buf_span(&list)), want, b->kit->trace);
	if (want != FWD_OK)
		cr_assert_eq(memcmp(&before, &b->memory, sizeof before), 0);
	fw_buf_deinit(&list);
}

/* The image of what a bank holds. */
static inline void
spoil(struct bench *b, uint32_t bank)
{
	b->memory.bytes[0][bank][17] ^= 0x20;
}

#endif
