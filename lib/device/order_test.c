/* SPDX-License-Identifier: Apache-2.0 */
/* What the draft leaves optional: the directive swap, and strict order. */
#include "device/teststate.h"

/* ---- swap ------------------------------------------------------------ */

static const struct row swaps[] = {
	{ "there and back", TWO | SWAP, ALL_ID, BOTH ", " SWAP_0 ", " SWAPPED
	    ", " SWAP_0 ", 12, 0, 3, 15, 12, 1, 3, 15", NULL, NULL,
	    FWD_E_IMAGE },
	{ "there and back, as they were", TWO | SWAP, ALL_ID, BOTH ", " SWAP_0
	    ", " SWAPPED ", " SWAP_0 ", 12, 0, " IMAGE_A ", 3, 15, 12, 1, "
	    IMAGE_B ", 3, 15", "12, 0, " IMAGE_A ", 3, 15, 12, 1, " IMAGE_B
	    ", 3, 15", NULL, FWD_OK },
	{ "with what was there", TWO | SWAP | STORED, ALL_ID, "12, 1, "
	    IMAGE_A ", " FETCH_A ", 12, 0, " IMAGE_A ", 20, {22: 1}, 31, 2, "
	    "3, 15, 12, 1, 20, {18: h'0000'}, 6, 15", "12, 0, " IMAGE_A
	    ", 3, 15, 12, 1, 20, {18: h'0000'}, 6, 15", NULL, FWD_OK },
	{ "and invoked", TWO | SWAP, ALL_ID, BOTH ", " SWAP_0 ", " SWAPPED,
	    SWAPPED, "12, 0, 23, 2", FWD_OK },
	{ "one is not matched", TWO | SWAP, ALL_ID, BOTH ", " SWAP_0 ", 12, 0"
	    ", " IMAGE_B ", 3, 15", SWAPPED, NULL, FWD_E_UNCHECKED_IMAGE },
	{ "the other is not matched", TWO | SWAP, ALL_ID, BOTH ", " SWAP_0
	    ", 12, 1, " IMAGE_A ", 3, 15", SWAPPED, NULL,
	    FWD_E_UNCHECKED_IMAGE },
	{ "one is not validated", TWO | SWAP, ALL_ID, BOTH ", " SWAP_0 ", "
	    SWAPPED, "12, 0, " IMAGE_B ", 3, 15", NULL,
	    FWD_E_UNCHECKED_IMAGE },
	{ "matched as before", TWO | SWAP, ALL_ID, BOTH ", " SWAP_0
	    ", 3, 15", NULL, NULL, FWD_E_IMAGE },
	{ "no source", TWO | SWAP, ALL_ID, BOTH ", 12, 0, 31, 2", NULL, NULL,
	    FWD_E_UNSET },
	{ "no digest", TWO | SWAP, ALL_ID, "12, 1, " IMAGE_A ", " FETCH_A
	    ", " SWAP_0, NULL, NULL, FWD_E_UNSET },
	{ "with itself", TWO | SWAP, ALL_ID, BOTH ", 12, 0, 20, {22: 0}, "
	    "31, 2", NULL, NULL, FWD_E_INDEX },
	{ "with nobody", TWO | SWAP, ALL_ID, BOTH ", 12, 0, 20, {22: 2}, "
	    "31, 2", NULL, NULL, FWD_E_INDEX },
	{ "nothing there", TWO | SWAP, ALL_ID, "12, 0, " IMAGE_A ", " FETCH_A
	    ", " SWAP_0, NULL, NULL, FWD_E_PAYLOAD_MISSING },
	{ "source not matched", TWO | SWAP, ALL_ID, "12, 1, " IMAGE_A
	    ", 20, {21: \"#a\"}, 21, 2, 12, 0, " IMAGE_A ", 20, {22: 1}, "
	    "31, 2", NULL, NULL, FWD_E_UNCHECKED_IMAGE },
	{ "identity of one", TWO | SWAP, "12, 1, " ID, "12, 1, " IMAGE_A ", "
	    FETCH_A ", 12, 0, " IMAGE_A ", 20, {22: 1}, 31, 2", NULL, NULL,
	    FWD_E_UNCHECKED_ID },
	{ "in the shared sequence", TWO | SWAP, ALL_ID ", 31, 2", NULL, NULL,
	    NULL, FWD_E_SHARED },
	{ "in validate", TWO | SWAP, ALL_ID, NULL, "12, 0, 31, 2", NULL,
	    FWD_E_COMMAND },
	{ "reporting policy", TWO | SWAP, ALL_ID, "12, 0, 31, 16", NULL,
	    NULL, FWD_E_COMMAND },
};

Test(order, swap, .init = open_all, .fini = close_bench)
{
	RUN_ROWS(swaps);
}

static const struct row swap_both = { "swap", TWO | SWAP, ALL_ID,
    BOTH ", " SWAP_0 ", " SWAPPED, SWAPPED, "12, 0, 23, 2", FWD_OK };

Test(order, swap_moves_what_is_stored, .init = open_all,
    .fini = close_bench)
{
	kit_eq(run_row(&swap_both, true), FWD_OK, dev->trace);
	cr_assert_eq(dev->store[0].size, B_N);
	cr_assert_eq(memcmp(dev->store[0].bytes, data_b, B_N), 0);
	cr_assert_eq(dev->store[1].size, A_N);
	cr_assert_eq(memcmp(dev->store[1].bytes, data_a, A_N), 0);
	cr_assert_eq(dev->invoked, 1);
	/* A device with storage that cannot do it writes nothing. */
	dev->port.store_swap = NULL;
	kit_eq(run_row(&swap_both, true), FWD_E_DISABLED, dev->trace);
	cr_assert_eq(dev->begun, 0);
	kit_eq(run_row(&swap_both, false), FWD_OK, dev->trace);
}

/* Slots of different sizes: neither image has to fit into the other's. */
static uint64_t room[2];

static fwd_status
component(void *ctx, uint32_t index, struct fwd_span id, uint64_t *capacity)
{
	fwd_status s = kit_component(ctx, index, id, capacity);

	*capacity = room[index];
	return s;
}

Test(order, swap_needs_room, .init = open_all, .fini = close_bench)
{
	dev->port.component = component;
	for (unsigned stored = 0; stored < 2; stored++) {
		room[0] = room[1] = B_N;
		kit_eq(run_row(&swap_both, stored), FWD_OK, dev->trace);
		room[0]--;
		kit_eq(run_row(&swap_both, stored), FWD_E_STORE_SIZE,
		    dev->trace);
		/* b is in the larger one and has to come back */
		const struct row back = { "back", TWO | SWAP, ALL_ID,
		    "12, 0, " IMAGE_B ", " FETCH_B ", 12, 1, " IMAGE_A ", "
		    FETCH_A ", " SWAP_0, NULL, NULL, FWD_E_STORE_SIZE };

		room[0] = B_N;
		room[1] = B_N - 1;
		kit_eq(run_row(&back, stored), FWD_E_STORE_SIZE, dev->trace);
		cr_assert_eq(dev->ctx.refusal.index, 1);
	}
}

/* ---- strict order ---------------------------------------------------- */

#define LOOSELY "20, {12: false}"
#define STRICTLY "20, {12: true}"

static const struct row orders[] = {
	{ "what does not depend on it", TWO | LOOSE, ALL_ID, "12, true, "
	    LOOSELY ", " BOTH, "12, 0, " IMAGE_A ", 3, 15, 12, 1, " IMAGE_B
	    ", 3, 15", NULL, FWD_OK },
	{ "it is in order all the same", LOOSE, ID ", " IMAGE_A, LOOSELY ", "
	    FETCH_A, LOOSELY ", 3, 15", NULL, FWD_OK },
	{ "true is always allowed", 0, STRICTLY, NULL, NULL, NULL, FWD_OK },
	{ "no boolean", LOOSE, "20, {12: 0}", NULL, NULL, NULL,
	    FWD_E_CBOR_TYPE },
	/* targets and sources */
	{ "target, then source", TWO | LOOSE, STAGED, "12, 0, " LOOSELY ", "
	    STAGED_COPY, "12, 0, 3, 15", NULL, FWD_E_ORDER },
	{ "set for another component", TWO | LOOSE, STAGED, "12, 1, " LOOSELY
	    ", " STAGED_COPY, "12, 0, 3, 15", NULL, FWD_E_ORDER },
	{ "source, then target", TWO | LOOSE, STAGED, FETCH_1 ", " LOOSELY
	    ", " COPY_0 ", 3, 15, 12, 1, 21, 2, 3, 15", "12, true, 3, 15",
	    NULL, FWD_E_ORDER },
	{ "complete before it is false", TWO | LOOSE, STAGED, FETCH_1 ", "
	    LOOSELY ", " COPY_0 ", 3, 15", "12, 0, 3, 15", NULL, FWD_OK },
	{ "false while it is false", TWO | LOOSE, STAGED, "12, 1, " LOOSELY
	    ", " FETCH_A ", " LOOSELY ", " COPY_0, NULL, NULL, FWD_E_ORDER },
	{ "true again", TWO | LOOSE, STAGED, "12, 1, " LOOSELY ", " FETCH_A
	    ", " STRICTLY ", " COPY_0 ", 3, 15", "12, 0, 3, 15", NULL,
	    FWD_OK },
	{ "true and false again", TWO | LOOSE, STAGED, "12, 1, " LOOSELY ", "
	    FETCH_A ", " STRICTLY ", " LOOSELY ", " COPY_0 ", 3, 15",
	    "12, 0, 3, 15", NULL, FWD_OK },
	{ "write, then copy", TWO | LOOSE, ALL_ID, "12, 1, " LOOSELY ", "
	    "20, {3: $hi, 14: 2, 18: h'6869'}, 18, 0, 3, 15, 12, 0, "
	    "20, {3: $hi, 14: 2, 22: 1}, 22, 2", NULL, NULL, FWD_E_ORDER },
	{ "swap", TWO | LOOSE | SWAP, ALL_ID, BOTH ", " LOOSELY ", " SWAP_0,
	    NULL, NULL, FWD_E_ORDER },
	/* its scope */
	{ "it ends with its sequence", TWO | LOOSE, STAGED, "12, 1, 32, <<["
	    LOOSELY ", " FETCH_A "]>>, " COPY_0 ", 3, 15", "12, 0, 3, 15",
	    NULL, FWD_OK },
	{ "and with its section", TWO | LOOSE, STAGED ", " LOOSELY,
	    STAGED_COPY, "12, 0, 3, 15", NULL, FWD_OK },
	{ "try-each inherits it", TWO | LOOSE, STAGED, "12, 0, " LOOSELY
	    ", 15, [<<[" STAGED_COPY "]>>, null]", NULL, NULL, FWD_E_ORDER },
	{ "and what is done there counts", TWO | LOOSE, STAGED, "12, 1, "
	    LOOSELY ", 15, [<<[" FETCH_A "]>>, null], " COPY_0, NULL, NULL,
	    FWD_E_ORDER },
	{ "and what was done before", TWO | LOOSE, STAGED, "12, 1, " LOOSELY
	    ", " FETCH_A ", 15, [<<[" COPY_0 "]>>, null]", NULL, NULL,
	    FWD_E_ORDER },
	{ "also where it was given up", TWO | LOOSE, STAGED, "12, 1, "
	    LOOSELY ", 15, [<<[" FETCH_A ", " NO "]>>, null], " COPY_0, NULL,
	    NULL, FWD_E_ORDER },
	{ "true in one of them", TWO | LOOSE, STAGED, "12, 0, " LOOSELY
	    ", 15, [<<[" STRICTLY ", " STAGED_COPY "]>>, null]",
	    "12, 0, 3, 15", NULL, FWD_OK },
	{ "run-sequence starts strict", LOOSE, ID ", " IMAGE_A, LOOSELY
	    ", 32, <<[12, 0, " FETCH_A "]>>", "3, 15", NULL, FWD_OK },
	{ "sequences side by side", TWO | LOOSE, STAGED, "12, 0, " LOOSELY
	    ", 32, <<[" FETCH_1 "]>>, 32, <<[12, 0, " FETCH_A "]>>",
	    "12, true, 3, 15", NULL, FWD_OK },
	{ "one reads what another writes", TWO | LOOSE, STAGED, "12, 0, "
	    LOOSELY ", 32, <<[" FETCH_1 "]>>, 32, <<[" COPY_0 "]>>", NULL,
	    NULL, FWD_E_ORDER },
	{ "in a sequence further in", TWO | LOOSE, STAGED, "12, 0, " LOOSELY
	    ", 32, <<[" FETCH_1 "]>>, 32, <<[12, 0, 20, {22: 1}, 32, "
	    "<<[22, 2]>>]>>", NULL, NULL, FWD_E_ORDER },
	/* the index in isolated sequences */
	{ "run-sequence without index", LOOSE, LOOSELY ", 32, <<[" YES "]>>",
	    NULL, NULL, NULL, FWD_E_INDEX },
	{ "index, and again", TWO | LOOSE, "12, 0, " LOOSELY ", 32, <<[12, 0"
	    ", " YES ", 12, 1]>>", NULL, NULL, NULL, FWD_E_INDEX },
	{ "again, in a branch", TWO | LOOSE, "12, 0, " LOOSELY ", 32, <<[12, "
	    "0, 15, [<<[" YES "]>>, <<[12, 1, " YES "]>>]]>>", NULL, NULL,
	    NULL, FWD_E_INDEX },
	{ "again, in a sequence", TWO | LOOSE, "12, 0, " LOOSELY ", 32, <<[12"
	    ", 0, 32, <<[12, 1, " YES "]>>]>>", NULL, NULL, NULL,
	    FWD_E_INDEX },
	{ "a branch of a strict one", TWO | LOOSE, "12, 0, 32, <<[12, 0, 15, "
	    "[<<[12, 1, " YES "]>>, null], 12, 1]>>", NULL, NULL, NULL,
	    FWD_OK },
	{ "the index may be set after it", TWO | LOOSE, "12, 0, " LOOSELY
	    ", 32, <<[12, 0, " YES "]>>, 12, 1, " YES, NULL, NULL, NULL,
	    FWD_OK },
	{ "true again, the index is free", TWO | LOOSE, "12, 0, " LOOSELY
	    ", " STRICTLY ", 32, <<[" YES ", 12, 1]>>", NULL, NULL, NULL,
	    FWD_OK },
	{ "for all", TWO | LOOSE, "12, true, " LOOSELY ", 32, <<[" YES "]>>",
	    NULL, NULL, NULL, FWD_OK },
	{ "for a list", TWO | LOOSE, "12, [1], " LOOSELY ", 32, <<[" YES
	    "]>>", NULL, NULL, NULL, FWD_OK },
	{ "for all, with index", TWO | LOOSE, "12, true, " LOOSELY
	    ", 32, <<[12, 0, " YES "]>>", NULL, NULL, NULL, FWD_E_INDEX },
	{ "for all, with index later", TWO | LOOSE, "12, true, " LOOSELY
	    ", 32, <<[" YES ", 12, 0]>>", NULL, NULL, NULL, FWD_E_INDEX },
	{ "for all, with index in a branch", TWO | LOOSE, "12, true, " LOOSELY
	    ", 32, <<[15, [<<[12, 0]>>, null]]>>", NULL, NULL, NULL,
	    FWD_E_INDEX },
	{ "for one of all", TWO | LOOSE, "12, true, " LOOSELY ", 15, [<<[32, "
	    "<<[" YES "]>>]>>, null]", NULL, NULL, NULL, FWD_E_INDEX },
};

Test(order, unordered, .init = open_all, .fini = close_bench)
{
	RUN_ROWS(orders);
}

/* What is in an isolated sequence is judged before anything is written; what
   clashes is not begun. */
Test(order, unordered_writes_nothing, .init = open_all,
    .fini = close_bench)
{
	const struct row index = { "index", TWO | LOOSE, STAGED, "12, 1, "
	    FETCH_A ", " LOOSELY ", 32, <<[" YES "]>>", NULL, NULL,
	    FWD_E_INDEX };
	const struct row race = { "race", TWO | LOOSE, STAGED, "12, 0, "
	    LOOSELY ", 32, <<[" FETCH_1 "]>>, 32, <<[" COPY_0 "]>>", NULL,
	    NULL, FWD_E_ORDER };

	kit_eq(run_row(&index, true), FWD_E_INDEX, dev->trace);
	cr_assert_eq(dev->begun, 0);
	kit_eq(run_row(&race, true), FWD_E_ORDER, dev->trace);
	cr_assert_eq(dev->begun, 1);
	cr_assert_eq(dev->ctx.refusal.step, FWD_STEP_COMMAND);
}
