/* SPDX-License-Identifier: Apache-2.0 */
/* See handover.h. */
#include "loader/handover.h"

enum { MAGIC = 0x464d5753 };

/* At BOARD_RETAINED in loader and application; loader.ld and app.ld say so. */
extern volatile struct handover board_handover;

static uint32_t
check_of(const struct handover *h)
{
	uint32_t sum = MAGIC;

	sum = (sum << 5 | sum >> 27) ^ h->bank;
	sum = (sum << 5 | sum >> 27) ^ h->state;
	sum = (sum << 5 | sum >> 27) ^ h->request;
	return ~sum;
}

static void
put(struct handover h)
{
	h.check = check_of(&h);
	board_handover = h;
}

void
handover_give(uint32_t bank, enum handover_state state)
{
	put((struct handover){ .bank = bank, .state = state,
	    .request = HANDOVER_NOTHING });
}

bool
handover_read(struct handover *h)
{
	*h = board_handover;
	return h->check == check_of(h);
}

void
handover_ask(enum handover_request request)
{
	struct handover h;

	if (!handover_read(&h))
		return;
	h.request = request;
	put(h);
}

bool
handover_take(struct handover *h)
{
	const bool holds = handover_read(h);

	board_handover = (struct handover){ 0 };
	return holds;
}
