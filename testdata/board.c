/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For loader_test.sh: a board for lib/loader on the host, and a life of it.
 *	board RELEASE.fwb
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/board.h"
#include "loader/loader.h"

static uint8_t flash[FWD_BANKS * BOARD_BANK_SIZE], saved[sizeof flash];
static uint8_t bundle[1 << 20];
static size_t bundle_n, bundle_at;
static uint32_t not_for = FWD_NO_INDEX;	/* where no program can start */
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
board_read(uint32_t at, uint8_t *p, size_t n)
{
	if (at > sizeof flash || n > sizeof flash - at)
		broken("what is read");
	memcpy(p, flash + at, n);
	return true;
}

bool
board_erase(uint32_t at)
{
	if (at % BOARD_SECTOR != 0 || at >= sizeof flash)
		broken("what is erased");
	if (!powered())
		return false;
	memset(flash + at, 0xff, BOARD_SECTOR);
	return true;
}

static bool
is_all(const uint8_t *unit, uint8_t value)
{
	for (uint32_t i = 0; i < BOARD_UNIT; i++)
		if (unit[i] != value)
			return false;
	return true;
}

bool
board_write(uint32_t at, const uint8_t *unit)
{
	if (at % BOARD_UNIT != 0 || at >= sizeof flash)
		broken("what is written");
	if (!is_all(flash + at, 0xff) && !is_all(unit, 0))
		broken("written without being erased");
	if (!powered())
		return false;
	memcpy(flash + at, unit, BOARD_UNIT);
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

bool
board_can_start(uint32_t at, uint64_t n)
{
	return at != not_for && n <= BOARD_SLOT_SIZE;
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

static void
claim(const char *what, bool so)
{
	expect(what, so ? FWD_OK : FWD_E_SLOT, FWD_OK);
}

static fwd_status
install(void)
{
	uint32_t bank;
	fwd_status s;

	bundle_at = 0;
	s = loader_install(&bank);
	return (s == FWD_OK) == (bank < FWD_BANKS) ? s : FWD_E_API;
}

/* Boot; the firmware must be where it was installed. */
static fwd_status
boot(struct loader_image *image)
{
	const fwd_status s = loader_boot(image);

	if (s != FWD_OK)
		return image->bank == FWD_NO_INDEX ? s : FWD_E_API;
	return image->at == image->bank * BOARD_BANK_SIZE ? s : FWD_E_API;
}

/* Power fails at each operation of an installation: something boots. */
static void
cuts(void)
{
	struct loader_image image;
	unsigned long n;
	bool all = true;

	memcpy(saved, flash, sizeof saved);
	operations = 0;
	expect("install again", install(), FWD_OK);
	n = operations;
	for (unsigned long i = 1; i <= n; i++) {
		memcpy(flash, saved, sizeof saved);
		operations = 0;
		power = i;
		all = all && install() != FWD_OK;
		power = 0;
		all = all && boot(&image) == FWD_OK;
	}
	printf("%s the loader: power failed at %lu operations\n",
	    all && n > 20 ? "ok" : "not ok", n);
	failures += !all;
	memcpy(flash, saved, sizeof saved);
}

/* From the factory to a release that is kept; which bank it is in. */
static uint32_t
youth(void)
{
	struct loader_image first, second;

	expect("nothing boots", boot(&first), FWD_E_NOTHING_BOOTABLE);
	expect("provision", loader_provision(0), FWD_OK);
	expect("not twice", loader_provision(0), FWD_E_API);
	expect("nothing boots yet", boot(&first), FWD_E_NOTHING_BOOTABLE);
	expect("install", install(), FWD_OK);
	expect("boot", boot(&first), FWD_OK);
	claim("on trial", first.trial);
	expect("install beside what is tried", install(), FWD_OK);
	expect("boot the other", boot(&second), FWD_OK);
	claim("it is the other", second.bank != first.bank);
	expect("confirm", loader_confirm(second.bank), FWD_OK);
	expect("boot it again", boot(&first), FWD_OK);
	claim("it is the same, and no trial", second.bank == first.bank &&
	    !first.trial);
	return first.bank;
}

/* Of releases that do not start. */
static void
trials(uint32_t kept)
{
	struct loader_image image;

	expect("install", install(), FWD_OK);
	expect("boot", boot(&image), FWD_OK);
	expect("fall back", boot(&image), FWD_OK);
	claim("to what was confirmed", image.bank == kept && !image.trial);
	expect("install", install(), FWD_OK);
	not_for = (1 - kept) * BOARD_BANK_SIZE;
	expect("boot, but not what is for another bank", boot(&image), FWD_OK);
	claim("the one that was confirmed", image.bank == kept);
	not_for = kept * BOARD_BANK_SIZE;
	expect("nothing else", boot(&image), FWD_E_NOTHING_BOOTABLE);
	not_for = FWD_NO_INDEX;
}

static void
lose_counter(void)
{
	for (uint32_t i = 0; i < FWD_BANKS; i++)
		memset(flash + (size_t)(i + 1) * BOARD_BANK_SIZE -
		    BOARD_COUNTER_SIZE, 0, BOARD_COUNTER_SIZE);
}

static void
load(const char *path)
{
	FILE *const f = fopen(path, "rb");

	bundle_n = f != NULL ? fread(bundle, 1, sizeof bundle, f) : 0;
	if (bundle_n == 0 || bundle_n == sizeof bundle) {
		perror(path);
		exit(1);
	}
	(void)fclose(f);
}

int
main(int argc, char **argv)
{
	struct loader_image image;
	uint32_t kept;

	if (argc != 2)
		return 2;
	load(argv[1]);
	memset(flash, 0xa5, sizeof flash);
	kept = youth();
	cuts();
	trials(kept);
	claim("nothing but ok is ok", loader_granted(FWD_OK) &&
	    !loader_granted(~(fwd_status)FWD_OK) && !loader_granted(0));
	bundle[700] ^= 1;
	claim("refuse", install() != FWD_OK);
	expect("and boot", boot(&image), FWD_OK);
	bundle[700] ^= 1;
	lose_counter();
	expect("no counter: no other one", loader_provision(0), FWD_E_API);
	expect("but it boots", boot(&image), FWD_OK);
	memset(flash, 0xa5, sizeof flash);
	expect("another device, above it", loader_provision(1000), FWD_OK);
	expect("rollback", install(), FWD_E_ROLLBACK);
	return failures != 0;
}
