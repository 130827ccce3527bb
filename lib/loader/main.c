/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens at a start: the application that ran before the reset is kept
 * if it asks for it; an update is installed if there is one; then the best of
 * what is there is started.  Nothing that goes wrong on the way keeps the
 * device from starting what it has.
 */
#include "loader/board.h"
#include "loader/handover.h"
#include "loader/loader.h"

/* An application on trial has to work within so many milliseconds. */
enum { TRIAL = 1000 };

static void
say_in_bank(const char *what, uint32_t bank)
{
	board_say("loader: ");
	board_say(what);
	board_say(" bank ");
	board_say_number(bank);
	board_say("\n");
}

static void
say_refused(const char *what, fwd_status status)
{
	board_say("loader: ");
	board_say(what);
	board_say(": ");
	board_say(fwd_status_code(status));
	board_say("\n");
}

/* It can fail after the mark is set; the next boot does what is left then. */
static void
confirm(uint32_t bank)
{
	const fwd_status s = loader_confirm(bank);

	if (s == FWD_OK)
		say_in_bank("confirmed", bank);
	else
		say_refused("not confirmed", s);
}

static void
install(void)
{
	uint32_t bank;
	const fwd_status s = loader_install(&bank);

	if (s == FWD_OK)
		say_in_bank("installed in", bank);
	else
		say_refused("update refused", s);
}

static void
provision(uint64_t counter)
{
	const fwd_status s = loader_provision(counter);

	if (s == FWD_OK)
		board_say("loader: provisioned\n");
	else
		say_refused("not provisioned", s);
}

/* Returns only if there is nothing to start. */
static void
boot(void)
{
	struct loader_image image;
	const fwd_status s = loader_boot(&image);

	if (!loader_granted(s)) {
		say_refused("nothing started", s);
		return;
	}
	say_in_bank(image.trial ? "starts on trial" : "starts", image.bank);
	handover_give(image.bank, image.trial ? HANDOVER_TRIAL :
	    HANDOVER_CONFIRMED);
	board_measure();
	if (image.trial)
		board_watch(TRIAL);
	/* Once more: is it to start, and is it there? */
	if (!loader_granted(s) || image.at != image.bank * BOARD_BANK_SIZE)
		fwd_panic();
	board_start(image.at);
}

int
main(void)
{
	struct handover last;
	uint64_t counter;

	board_begin();
	if (handover_take(&last) && last.request == HANDOVER_CONFIRM)
		confirm(last.bank);
	if (board_factory(&counter))
		provision(counter);
	for (;;) {
		if (board_update())
			install();
		boot();
		board_wait();
	}
}
