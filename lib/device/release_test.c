/* SPDX-License-Identifier: Apache-2.0 */
/* What a device says it has. */
#include "device/testpower.h"

/* Release r installed, booted and confirmed in bank 0. */
static struct bench *
bench_with(unsigned r)
{
	struct bench *const b = bench_new(AB, FWD_BOOT_FULL);

	kit_eq(bench_provision(b, 4), FWD_OK, "");
	kit_eq(bench_install(b, r), FWD_OK, b->kit->trace);
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	kit_eq(bench_confirm(b), FWD_OK, "");
	return b;
}

static void
assert_nothing(const struct bench *b)
{
	cr_assert_null(b->kit->ctx.env.whole.p);
	cr_assert_null(b->kit->ctx.man.components.p);
}

Test(release, is_the_one_that_was_installed)
{
	struct bench *const b = bench_with(1);
	const struct fwd_ctx *const run = &b->kit->ctx;
	struct fwd_digest digest;
	uint8_t want[FWD_DIGEST_MAX];

	kit_eq(bench_install(b, 2), FWD_OK, b->kit->trace);
	digest = run->env.digest;
	memcpy(want, digest.bytes.p, digest.bytes.n);
	kit_eq(fwd_device_release(&b->dev, 1), FWD_OK, "");
	cr_assert_eq(run->man.sequence_number, b->release[2].sequence_number);
	cr_assert_eq(run->env.digest.alg, digest.alg);
	cr_assert_arr_eq(run->env.digest.bytes.p, want, digest.bytes.n);
	cr_assert_eq(b->dev.record.bank.state, FWD_BANK_PENDING);
	kit_eq(fwd_device_release(&b->dev, 0), FWD_OK, "");
	cr_assert_eq(run->man.sequence_number, b->release[1].sequence_number);
	cr_assert_eq(b->dev.record.bank.state, FWD_BANK_CONFIRMED);
	cr_assert_eq(b->dev.record.images, b->dev.components);
	bench_free(b);
}

Test(release, none)
{
	struct bench *const b = bench_with(1);

	kit_eq(fwd_device_release(&b->dev, 1), FWD_E_NOTHING_BOOTABLE, "");
	assert_nothing(b);
	kit_eq(fwd_device_release(&b->dev, 2), FWD_E_API, "");
	b->dev.boot = 0;
	kit_eq(fwd_device_release(&b->dev, 0), FWD_E_API, "");
	assert_nothing(b);
	bench_free(b);
}

/* A record with any bit of its body spoilt is none. */
Test(release, spoilt)
{
	struct bench *const b = bench_with(1);
	const struct memory before = b->memory;
	size_t end = RECORD, bits = 0;

	while (before.bytes[PARTS][0][end - 1] == 0xff)
		end--;
	for (size_t i = (size_t)MARKS * FWD_WRITE_MAX * 8; i < end * 8; i++, bits++) {
		b->memory = before;
		b->memory.bytes[PARTS][0][i / 8] ^= (uint8_t)(1u << i % 8);
		kit_eq(fwd_device_release(&b->dev, 0), FWD_E_NOTHING_BOOTABLE,
		    "");
		assert_nothing(b);
	}
	(void)printf("release: %zu bits\n", bits);
	cr_assert_gt(bits, 1000);
	bench_free(b);
}

static struct {
	struct fwd_flash under;
	size_t calls, fail_at;
} reading;

static fwd_status
read_fails(void *ctx, uint32_t area, uint32_t bank, uint64_t off, uint8_t *p,
    size_t n)
{
	(void)ctx;
	if (++reading.calls == reading.fail_at)
		return FWD_E_STORE;
	return reading.under.read(reading.under.ctx, area, bank, off, p, n);
}

Test(release, failing_reads)
{
	struct bench *const b = bench_with(1);
	struct fwd_flash flash = *b->dev.flash;

	reading.under = flash;
	flash.read = read_fails;
	b->dev.flash = &flash;
	for (reading.fail_at = 1; ; reading.fail_at++) {
		reading.calls = 0;
		if (fwd_device_release(&b->dev, 0) == FWD_OK)
			break;
		cr_assert_eq(reading.calls, reading.fail_at);
		assert_nothing(b);
	}
	(void)printf("release: %zu reads\n", reading.calls);
	cr_assert_gt(reading.calls, 5);
	bench_free(b);
}
