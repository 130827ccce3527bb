/* SPDX-License-Identifier: Apache-2.0 */
/* The marks of a record, whatever power has left of them. */
#include "device/testpower.h"

/* A device with a release in its first bank. */
static struct bench *
installed(bool tried)
{
	struct bench *const b = bench_new(AB, FWD_BOOT_FULL);

	kit_eq(bench_provision(b, 4), FWD_OK, "");
	kit_eq(bench_install(b, 1), FWD_OK, b->kit->trace);
	if (tried)
		kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	return b;
}

static void
assert_state(struct bench *b, enum fwd_bank_state want)
{
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	kit_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK, "");
	cr_assert_str_eq(fwd_bank_state_name(bank[0].state),
	    fwd_bank_state_name(want));
}

/* A mark that power spared, one that it cut in two ways, and one that is set. */
enum mark { ERASED, CUT, ZEROS, SET, MARK_STATES };

static void
put_mark(struct bench *b, uint32_t which, enum mark mark)
{
	static const uint8_t eight[8] = { 0x5a, 0x3c, 0xc3, 0xa5, 0x69, 0x96,
		0x0f, 0xf0 };
	uint8_t *const to = b->memory.bytes[PARTS][0] + which * FWD_WRITE_MAX;

	memset(to, mark == ZEROS ? 0 : 0xff, FWD_WRITE_MAX);
	if (mark == SET)
		for (size_t i = 0; i < FWD_WRITE_MAX; i++)
			to[i] = eight[i % sizeof eight];
	if (mark == CUT)
		to[FWD_WRITE_MAX - 1] = 0x7f;
}

/* What fwdevice(3) says that the marks mean. */
static enum fwd_bank_state
meaning(const enum mark mark[MARKS])
{
	if (mark[0] != SET)
		return FWD_BANK_EMPTY;
	if (mark[2] != ERASED)
		return FWD_BANK_FAILED;
	if (mark[3] == SET || mark[4] == SET ||
	    (mark[3] != ERASED && mark[4] != ERASED))
		return FWD_BANK_CONFIRMED;
	return mark[1] != ERASED ? FWD_BANK_TRIED : FWD_BANK_PENDING;
}

Test(slots_marks, meaning)
{
	struct bench *const b = installed(false);
	enum mark mark[MARKS];

	for (uint32_t all = 0; all < 1024; all++) {
		for (uint32_t i = 0; i < MARKS; i++) {
			mark[i] = (enum mark)(all >> 2 * i) % MARK_STATES;
			put_mark(b, i, mark[i]);
		}
		assert_state(b, meaning(mark));
	}
	bench_free(b);
}

/* Power that fails again and again while a release is confirmed: nothing is
   written twice, and in the end it is. */
Test(slots_marks, confirmation_cut_twice)
{
	static const enum mark cut[] = { CUT, ZEROS };
	struct bench *b;

	for (size_t i = 0; i < 4; i++) {
		b = installed(true);
		put_mark(b, 3, cut[i % 2]);
		assert_state(b, FWD_BANK_TRIED);
		if (i < 2)
			kit_eq(bench_confirm(b), FWD_OK, "");
		else
			put_mark(b, 4, ZEROS);
		assert_state(b, FWD_BANK_CONFIRMED);
		kit_eq(bench_confirm(b), FWD_OK, "");
		cr_assert_eq(bench_counter(b), 5);
		bench_free(b);		/* which sees that no rule was broken */
	}
}
