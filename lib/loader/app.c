/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application: says what it is, finds out whether it works, and asks to be
 * kept if it is on trial.  Compiled with
 *	APP_VERSION	a text
 *	APP_HANGS	it never gets to its work, as firmware does that
 *			should not have been released
 */
#include "arm/semihost.h"
#include "loader/board.h"
#include "loader/handover.h"
#include "loader/product.h"

#define SCB_VTOR	(*(volatile uint32_t *)(uintptr_t)0xe000ed08)

enum { PATIENCE = 1000 };		/* of the watchdog, milliseconds */

/* Where app.ld has put it. */
extern const uint8_t app_begin[];

static volatile uint32_t initialised = 0x600df00d, zero;

static void
introduce(const struct handover *h)
{
	board_say(PRODUCT_NAME " " APP_VERSION " in bank ");
	board_say_number(h->bank);
	board_say(h->state == HANDOVER_TRIAL ? ", on trial\n" : "\n");
}

/*
 * Whatever has to work so that the device can be used, and be updated again:
 * sensors, radio, the way in which updates come.  Here: memory is as C wants
 * it, and interrupts would come to this program, in the bank it was made for.
 */
static bool
works(const struct handover *h)
{
	const uint32_t begin = BOARD_BANKS + h->bank * BOARD_BANK_SIZE;

	return initialised == 0x600df00d && zero == 0 && SCB_VTOR == begin &&
	    (uintptr_t)app_begin == begin;
}

int
main(void)
{
	struct handover h;

	board_begin();
	if (!handover_read(&h))
		board_reset();
	introduce(&h);
#ifdef APP_HANGS
	for (;;)
		;
#endif
	if (!works(&h))
		board_reset();
	if (h.state == HANDOVER_TRIAL) {
		board_say("  works, and asks to be kept\n");
		handover_ask(HANDOVER_CONFIRM);
		board_reset();
	}
	board_watch(PATIENCE);		/* from now on again and again */
	board_say("  is at work\n");
	return 0;		/* which ends the emulator; a product goes on */
}
