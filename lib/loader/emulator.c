/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a board has around the processor, made of files of the emulator's host.
 * A product has drivers instead; nothing of this is to be copied but for tests.
 * Arguments, through semihosting:
 *
 *	flash=FILE	what the flash holds, FWD_BANKS * BOARD_BANK_SIZE
 *			bytes; whatever is erased or written is in the file
 *			before the loader goes on
 *	bundle=FILE	an update, there once after power has come
 *	factory=N	the device is being made; N: what its rollback counter
 *			is set to
 *	cut-before=N cut-middle=N cut-after=N
 *			power fails at the Nth sector that is erased or unit
 *			that is written: it has not changed, is half done, or
 *			is done
 *	slow=N		each of these takes N microseconds, and says a dot
 *	stats		say how many there were, and what stack was used
 *
 * The emulator ends with EXIT_CUT when power has failed, with EXIT_WAIT when
 * there is nothing to start, and with EXIT_FLASH when the loader has violated
 * a rule of flash or the files cannot be used.
 */
#include <string.h>

#include "arm/semihost.h"
#include "loader/board.h"

enum { EXIT_CUT = 75, EXIT_WAIT = 76, EXIT_FLASH = 77 };

enum { ARGUMENTS = 16, LINE = 1024 };

enum cut { CUT_NONE, CUT_BEFORE, CUT_MIDDLE, CUT_AFTER };

/* What goes on over a reset, as a plug does. */
struct powered {
	uint32_t magic;			/* POWERED: it is not the first start */
	uint32_t operations;		/* on flash, since power came */
	uint32_t took_update;
};
#define POWERED	0x90e2ed01u
extern struct powered emulator_powered;

/* At BOARD_BANKS; the linker script says so. */
extern uint8_t board_flash[FWD_BANKS * BOARD_BANK_SIZE];

static struct {
	bool ready;
	char line[LINE];
	char *argument[ARGUMENTS];
	int arguments;
	int flash, bundle;		/* files; -1: none */
	uint32_t slow;
	enum cut cut;
	uint32_t cut_at;
} emu;

/* ---- arguments ------------------------------------------------------- */

/* The value of NAME=VALUE; NULL: there is none. */
static const char *
argument(const char *name)
{
	const size_t n = strlen(name);

	for (int i = 0; i < emu.arguments; i++)
		if (strncmp(emu.argument[i], name, n) == 0)
			return emu.argument[i] + n;
	return NULL;
}

static bool
number(const char *name, uint32_t *v)
{
	const char *p = argument(name);

	*v = 0;
	if (p == NULL)
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		*v = *v * 10 + (uint32_t)(*p - '0');
	return true;
}

static FWD_NORETURN void
give_up(const char *why)
{
	board_say("emulator: ");
	board_say(why);
	board_say("\n");
	fwa_exit(EXIT_FLASH);
}

static void
open_flash(void)
{
	const char *const path = argument("flash=");

	emu.flash = path != NULL ? fwa_open(path, FWA_UPDATE) : -1;
	if (emu.flash < 0 ||
	    fwa_length(emu.flash) != sizeof board_flash ||
	    fwa_read(emu.flash, board_flash, sizeof board_flash) !=
	    sizeof board_flash)
		give_up("flash=FILE is missing or of another size");
}

/* Power has come, or a reset; the file is the flash. */
static void
begin(void)
{
	if (emu.ready)
		return;
	emu.ready = true;
	emu.arguments = fwa_args(emu.line, sizeof emu.line, emu.argument,
	    ARGUMENTS);
	if (emu.arguments < 0)
		give_up("there are too many arguments");
	if (emulator_powered.magic != POWERED)
		emulator_powered = (struct powered){ .magic = POWERED };
	(void)number("slow=", &emu.slow);
	if (number("cut-before=", &emu.cut_at))
		emu.cut = CUT_BEFORE;
	else if (number("cut-middle=", &emu.cut_at))
		emu.cut = CUT_MIDDLE;
	else if (number("cut-after=", &emu.cut_at))
		emu.cut = CUT_AFTER;
	emu.bundle = -1;
	open_flash();
}

/* ---- flash ----------------------------------------------------------- */

#define SYST_CSR	(*(volatile uint32_t *)(uintptr_t)0xe000e010)
#define SYST_RVR	(*(volatile uint32_t *)(uintptr_t)0xe000e014)
#define SYST_CVR	(*(volatile uint32_t *)(uintptr_t)0xe000e018)

static void
wait_us(uint32_t us)
{
	enum { ENABLE = 1 << 0, CORE = 1 << 2, ROUND = 1 << 16, MHZ = 25 };

	SYST_RVR = us * MHZ;
	SYST_CVR = 0;
	SYST_CSR = ENABLE | CORE;
	while ((SYST_CSR & ROUND) == 0)
		;
	SYST_CSR = 0;
}

static FWD_NORETURN void
power_off(void)
{
	board_say("emulator: power fails\n");
	fwa_exit(EXIT_CUT);
}

/* An operation begins: what becomes of it? */
static enum cut
operate(void)
{
	if (emu.slow != 0) {
		board_say(".");
		wait_us(emu.slow);
	}
	return ++emulator_powered.operations == emu.cut_at ? emu.cut :
	    CUT_NONE;
}

/* Bits that a cut leaves as they were: any, but the same each time. */
static uint8_t
some_bits(uint32_t at)
{
	uint32_t v = (at + 1) * UINT32_C(2654435761);

	v ^= emulator_powered.operations * UINT32_C(0x85ebca6b);
	v ^= v >> 15;
	v *= UINT32_C(0x2c1b3c6d);
	return (uint8_t)(v >> 13);
}

/* Memory has changed there: the file has to. */
static void
keep(uint32_t at, size_t n)
{
	if (fwa_seek(emu.flash, at) != 0 ||
	    fwa_write(emu.flash, board_flash + at, n) != 0)
		give_up("the file of the flash cannot be written");
}

bool
board_read(uint32_t at, uint8_t *p, size_t n)
{
	begin();
	if (at > sizeof board_flash || n > sizeof board_flash - at)
		give_up("what is read is not in flash");
	memcpy(p, board_flash + at, n);
	return true;
}

bool
board_erase(uint32_t at)
{
	uint8_t *const p = board_flash + at;
	enum cut cut;

	begin();
	if (at % BOARD_SECTOR != 0 || at >= sizeof board_flash)
		give_up("what is erased is no sector");
	cut = operate();
	if (cut == CUT_BEFORE)
		power_off();
	for (uint32_t i = 0; i < BOARD_SECTOR; i++)
		p[i] |= cut == CUT_MIDDLE ? some_bits(i) : 0xff;
	keep(at, BOARD_SECTOR);
	if (cut != CUT_NONE)
		power_off();
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

/* A unit that is not erased can be written with zeros only (fwslots.h). */
static void
check_unit(uint32_t at, const uint8_t *unit)
{
	if (at % BOARD_UNIT != 0 || at >= sizeof board_flash)
		give_up("what is written is no unit");
	if (!is_all(board_flash + at, 0xff) && !is_all(unit, 0))
		give_up("a unit is written that was not erased");
}

/* Does power fail so that the unit cannot be read any more?  As in flash with
   error correction it is zeros then. */
static bool
is_lost(enum cut cut)
{
	return cut == CUT_MIDDLE && (some_bits(BOARD_UNIT) & 1) != 0;
}

bool
board_write(uint32_t at, const uint8_t *unit)
{
	uint8_t *const p = board_flash + at;
	enum cut cut;

	begin();
	check_unit(at, unit);
	cut = operate();
	if (cut == CUT_BEFORE)
		power_off();
	if (is_lost(cut))
		memset(p, 0, BOARD_UNIT);
	else
		for (uint32_t i = 0; i < BOARD_UNIT; i++)
			p[i] &= (uint8_t)(unit[i] |
			    (cut == CUT_MIDDLE ? some_bits(i) : 0));
	keep(at, BOARD_UNIT);
	if (cut != CUT_NONE)
		power_off();
	return true;
}

/* ---- updates, the factory -------------------------------------------- */

bool
board_update(void)
{
	const char *path;

	begin();
	path = argument("bundle=");
	if (path == NULL || emulator_powered.took_update != 0)
		return false;
	emulator_powered.took_update = 1;
	emu.bundle = fwa_open(path, FWA_READ);
	if (emu.bundle < 0)
		give_up("bundle=FILE cannot be opened");
	return true;
}

bool
board_receive(uint8_t *p, size_t n, size_t *got)
{
	const long here = emu.bundle < 0 ? -1 : fwa_read(emu.bundle, p, n);

	*got = here < 0 ? 0 : (size_t)here;
	return here >= 0;
}

bool
board_factory(uint64_t *counter)
{
	uint32_t v;
	bool there;

	begin();
	there = number("factory=", &v);
	*counter = v;
	return there;
}

/* Without a file that could change, that would be for ever. */
void
board_wait(void)
{
	board_say("emulator: nothing to start, no update\n");
	fwa_exit(EXIT_WAIT);
}

void
board_measure(void)
{
	if (argument("stats") == NULL)
		return;
	board_say("emulator: ");
	board_say_number(emulator_powered.operations);
	board_say(" operations on flash, ");
	board_say_number(fwa_stack_used());
	board_say(" bytes of stack\n");
}
