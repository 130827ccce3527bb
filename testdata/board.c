/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For loader_test.sh: the board of the loader in fwdevice(3), and a life of it.
 *	board ROOT.der RELEASE.fwb
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/fwslots.h"

enum { SECTOR = 4096, UNIT = 16, BANK = 256 * 1024 + 16 * 1024 + SECTOR };

bool board_erase(uint32_t at);
bool board_write(uint32_t at, const uint8_t *unit);
bool board_receive(uint8_t *p, size_t n, size_t *got);
void board_start(uint32_t at);
void board_reset(void);
fwd_status loader_provision(uint64_t counter);
fwd_status loader_install(void);
fwd_status loader_boot(uint32_t *bank);
fwd_status loader_confirm(uint32_t bank);

uint8_t board_flash[FWD_BANKS * BANK], board_root[4096];
size_t board_root_n;

static uint8_t bundle[1 << 20], saved[sizeof board_flash];
static size_t bundle_n, bundle_at;
static uint32_t started;		/* where, or FWD_NO_INDEX */
static unsigned long operations, power;	/* it fails at this one; 0: never */
static int failures;

/* ---- the board ------------------------------------------------------- */

static bool
powered(void)
{
	operations++;
	return power == 0 || operations < power;
}

static void
broken(const char *rule)
{
	printf("not ok the loader keeps to the rules of flash: %s\n", rule);
	exit(1);
}

bool
board_erase(uint32_t at)
{
	if (at % SECTOR != 0 || at >= sizeof board_flash)
		broken("what is erased");
	if (!powered())
		return false;
	memset(board_flash + at, 0xff, SECTOR);
	return true;
}

bool
board_write(uint32_t at, const uint8_t *unit)
{
	if (at % UNIT != 0 || at >= sizeof board_flash)
		broken("what is written");
	for (int i = 0; i < UNIT; i++)
		if ((unit[i] & ~board_flash[at + (uint32_t)i]) != 0)
			broken("written without being erased");
	if (!powered())
		return false;
	memcpy(board_flash + at, unit, UNIT);
	return true;
}

bool
board_receive(uint8_t *p, size_t n, size_t *got)
{
	*got = bundle_n - bundle_at < n ? bundle_n - bundle_at : n;
	memcpy(p, bundle + bundle_at, *got);
	bundle_at += *got;
	return true;
}

void
board_start(uint32_t at)
{
	started = at;
}

void
board_reset(void)
{
	puts("not ok the loader does not panic");
	exit(1);
}

/* ---- its life -------------------------------------------------------- */

static void
expect(const char *what, fwd_status got, fwd_status want)
{
	printf("%s the loader: %s%s%s\n", got == want ? "ok" : "not ok",
	    what, got == want ? "" : ": ",
	    got == want ? "" : fwd_status_code(got));
	failures += got != want;
}

static fwd_status
install(void)
{
	bundle_at = 0;
	return loader_install();
}

/* Boot; the firmware must be started where it was installed. */
static fwd_status
boot(uint32_t *bank)
{
	fwd_status s;

	started = FWD_NO_INDEX;
	s = loader_boot(bank);
	if ((s == FWD_OK) != (started != FWD_NO_INDEX) ||
	    (s == FWD_OK && started != *bank * BANK))
		return FWD_E_API;
	return s;
}

/* Power fails at each operation of an installation: something boots. */
static void
cuts(void)
{
	unsigned long n;
	uint32_t bank;
	bool all = true;

	memcpy(saved, board_flash, sizeof saved);
	operations = 0;
	expect("install again", install(), FWD_OK);
	n = operations;
	for (unsigned long i = 1; i <= n; i++) {
		memcpy(board_flash, saved, sizeof saved);
		operations = 0;
		power = i;
		all = all && install() != FWD_OK;
		power = 0;
		all = all && boot(&bank) == FWD_OK;
	}
	printf("%s the loader: power failed at %lu operations\n",
	    all && n > 20 ? "ok" : "not ok", n);
	failures += !all;
	memcpy(board_flash, saved, sizeof saved);
}

static size_t
load(const char *path, uint8_t *p, size_t max)
{
	FILE *const f = fopen(path, "rb");
	const size_t n = f != NULL ? fread(p, 1, max, f) : 0;

	if (n == 0 || n == max) {
		perror(path);
		exit(1);
	}
	(void)fclose(f);
	return n;
}

int
main(int argc, char **argv)
{
	uint32_t bank, other;

	if (argc != 3)
		return 2;
	board_root_n = load(argv[1], board_root, sizeof board_root);
	bundle_n = load(argv[2], bundle, sizeof bundle);
	memset(board_flash, 0xa5, sizeof board_flash);
	expect("nothing boots", boot(&bank), FWD_E_NOTHING_BOOTABLE);
	expect("provision", loader_provision(0), FWD_OK);
	expect("nothing boots yet", boot(&bank), FWD_E_NOTHING_BOOTABLE);
	expect("install", install(), FWD_OK);
	expect("boot", boot(&bank), FWD_OK);
	expect("install beside what is tried", install(), FWD_OK);
	expect("boot the other", boot(&other), FWD_OK);
	expect("it is the other", other != bank ? FWD_OK : FWD_E_SLOT,
	    FWD_OK);
	expect("confirm", loader_confirm(other), FWD_OK);
	cuts();
	expect("install", install(), FWD_OK);
	expect("boot", boot(&bank), FWD_OK);
	expect("fall back", boot(&bank), FWD_OK);
	expect("to what was confirmed", bank == other ? FWD_OK : FWD_E_SLOT,
	    FWD_OK);
	bundle[700] ^= 1;
	expect("refuse", install() != FWD_OK ? FWD_OK : FWD_E_API, FWD_OK);
	expect("and boot", boot(&bank), FWD_OK);
	expect("provision above it", loader_provision(1000), FWD_OK);
	bundle[700] ^= 1;
	expect("rollback", install(), FWD_E_ROLLBACK);
	return failures != 0;
}
