/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loader and application tell each other, in memory that keeps its content
 * over a reset but not without power.  The application does not write to flash:
 * when it has found itself to work, it asks for confirmation and resets, and
 * the loader writes it down.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

/* Far from each other and from what memory holds by chance. */
enum handover_state {			/* of the application that runs */
	HANDOVER_TRIAL = 0x35c6a953,	/* not confirmed: another start
					   without it, and it is given up */
	HANDOVER_CONFIRMED = 0x4a3956ac,
};
enum handover_request {
	HANDOVER_NOTHING = 0x2b6d94d2,
	HANDOVER_CONFIRM = 0x54926b2d,	/* it works: keep it */
};

struct handover {
	uint32_t bank;			/* that runs */
	uint32_t state;
	uint32_t request;
	uint32_t check;			/* private: whether all this holds */
};

/* By the loader, before it starts an application. */
void handover_give(uint32_t bank, enum handover_state state);
/* By the application: false if no loader has started it. */
bool handover_read(struct handover *h);
/* By the application, before it resets. */
void handover_ask(enum handover_request request);
/* By the loader, after a reset: what is there, and forget it, so that it is
   done once.  false if nothing is. */
bool handover_take(struct handover *h);

#endif
