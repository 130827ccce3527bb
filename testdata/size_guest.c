/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For size.sh: the smallest program that judges a bundle on a Cortex-M, and
 * what it needs for that.
 *	size_guest ROOT.der BUNDLE
 * Prints the verdict, the bytes of stack that it took and the time in ticks of
 * SysTick, and how many ticks a loop of a million instructions takes.
 */
#include <string.h>

#include "arm/semihost.h"
#include "device/fwdevice.h"
#include "port/fwport.h"
#ifdef SIZE_PSA
#include "arm/mbedtls_board.h"
#endif

enum { ARGUMENTS = 256, LOOPS = 500000 };

/* The vendor acme.example and its "Infusion Pump Display", see fwdevice(3). */
static const uint8_t vendor[16] = {
	0x06, 0x37, 0xe3, 0x01, 0xe0, 0x5d, 0x50, 0x5b,
	0x82, 0x67, 0x48, 0x6f, 0x56, 0x77, 0xde, 0x9b,
};
static const uint8_t class_id[16] = {
	0x5a, 0x82, 0xbd, 0x39, 0xc6, 0x70, 0x57, 0x0b,
	0xab, 0x38, 0x44, 0x2b, 0x19, 0x4d, 0x82, 0xfc,
};
/* ["firmware"] in CBOR */
static const uint8_t firmware[] = "\x81\x48" "firmware";

/* What a loader has in RAM besides its stack. */
static struct {
	struct fwd_ctx run;
	uint8_t transfer[FWD_BLOCK];
#ifdef SIZE_PSA
	struct fwp_psa state;
#else
	struct fwp_bearssl state;
#endif
} me;
/* Not counted: a loader has its root in flash, and no arguments. */
__attribute__((section(".noinit"))) static uint8_t envelope[4096], root[1024];
__attribute__((section(".noinit"))) static char arguments[ARGUMENTS];

/* ---- time ------------------------------------------------------------ */

/* SysTick (Armv7-M B3.3): counts down, 24 bits. */
#define SYST_CSR	((volatile uint32_t *)0xe000e010u)
#define SYST_RVR	((volatile uint32_t *)0xe000e014u)
#define SYST_CVR	((volatile uint32_t *)0xe000e018u)
#define SYST_LAST	0xffffffu

static void
time_start(void)
{
	*SYST_RVR = SYST_LAST;
	*SYST_CVR = 0;
	*SYST_CSR = 5;			/* the processor's clock, no interrupt */
}

/* Ticks since the start; 0 if there were too many. */
static uint32_t
time_end(void)
{
	const uint32_t left = *SYST_CVR;
	const bool wrapped = (*SYST_CSR >> 16 & 1u) != 0;

	*SYST_CSR = 0;
	return wrapped ? 0 : SYST_LAST - left;
}

/* Two instructions each. */
__attribute__((noinline)) static void
loop(uint32_t n)
{
	__asm__ volatile(
	    ".syntax unified\n"
	    "1:\n"
	    "subs	%0, %0, #1\n"
	    "bne	1b\n" : "+l"(n) : : "cc");
}

/* ---- the device ------------------------------------------------------ */

static fwd_status
read(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	const long r = fwa_read(*(const int *)ctx, buf, n);

	*got = r < 0 ? 0 : (size_t)r;
	return r < 0 ? FWD_E_IO : FWD_OK;
}

static fwd_status
identity(void *ctx, int64_t which, uint32_t component, const uint8_t *uuid)
{
	(void)ctx;
	(void)component;
	if (which == FWD_PAR_VENDOR)
		return fwd_equal(uuid, vendor, 16, FWD_E_VENDOR);
	if (which == FWD_PAR_CLASS)
		return fwd_equal(uuid, class_id, 16, FWD_E_CLASS);
	return FWD_E_DEVICE;
}

static fwd_status
component(void *ctx, uint32_t index, struct fwd_span id, uint64_t *capacity)
{
	(void)ctx;
	(void)index;
	*capacity = 64 * 1024;
	if (id.n != sizeof firmware - 1)
		return FWD_E_COMPONENT;
	return fwd_equal(id.p, firmware, id.n, FWD_E_COMPONENT);
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
	*stored = 6;
	return FWD_OK;
}

static fwd_status
crypto_start(struct fwd_crypto *crypto)
{
#ifdef SIZE_PSA
	fwa_mbedtls_start();
	return fwp_psa_init(&me.state, crypto);
#else
	*crypto = fwp_bearssl_init(&me.state);
	return FWD_OK;
#endif
}

/* ---- one verification ------------------------------------------------ */

static void
say_number(const char *name, uint32_t n)
{
	char digits[12];
	size_t at = sizeof digits - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	fwa_say(name);
	fwa_say(" ");
	fwa_say(digits + at);
	fwa_say("\n");
}

static fwd_status
judge(int *bundle, const struct fwd_crypto *crypto,
    const struct fwd_anchor *anchor)
{
	const struct fwd_policy policy = {
		.anchor = anchor, .anchors = 1, .threshold = 1,
		.clock = FWD_CLOCK_NONE, .time_min = INT64_MIN,
		.purpose = fwd_code_signing,
	};
	const struct fwd_port port = {
		.ctx = bundle, .read = read, .identity = identity,
		.component = component, .slot = slot,
		.sequence_number = sequence_number,
	};

	me.run.port = &port;
	me.run.crypto = crypto;
	me.run.policy = &policy;
	me.run.envelope = envelope;
	me.run.envelope_max = sizeof envelope;
	me.run.transfer = me.transfer;
	me.run.transfer_n = sizeof me.transfer;
	return fwd_bundle_check(&me.run);
}

static long
load(const char *path)
{
	const int fd = fwa_open(path, FWA_READ);
	const long n = fd < 0 ? -1 : fwa_read(fd, root, sizeof root);

	(void)fwa_close(fd);
	return n;
}

int
main(void)
{
	struct fwd_anchor anchor;
	struct fwd_crypto crypto;
	char *argv[2];
	fwd_status status;
	uint32_t ticks;
	int bundle;
	long n;

	if (fwa_args(arguments, sizeof arguments, argv, 2) != 2)
		return 2;
	n = load(argv[0]);
	bundle = fwa_open(argv[1], FWA_READ);
	if (n <= 0 || bundle < 0 || crypto_start(&crypto) != FWD_OK ||
	    fwd_anchor_read((struct fwd_span){ root, (size_t)n }, &anchor) !=
	    FWD_OK)
		return 2;
	fwa_stack_refill();
	time_start();
	status = judge(&bundle, &crypto, &anchor);
	ticks = time_end();
	say_number("stack", (uint32_t)fwa_stack_used());
	say_number("ticks", ticks);
	time_start();
	loop(LOOPS);
	say_number("million", time_end());
	say_number("status", status);
	return status == FWD_OK ? 0 : 1;
}
