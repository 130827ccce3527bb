/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device of testrow.h with all that a port may have besides: it swaps what
 * it stores, and can be asked about its state.
 */
#ifndef TESTSTATE_H
#define TESTSTATE_H

#include "device/testrow.h"

static struct {
	uint64_t battery;
	int64_t priority;		/* the least urgent that is allowed */
	struct fwd_version version;
	bool asleep;			/* no event comes */
	bool strange;			/* there are events it does not know */
} state;

static inline fwd_status
environment(void *ctx, int64_t code, uint32_t component,
    struct fwd_question *q)
{
	struct kit_dev *const d = ctx;

	cr_assert_lt(component, d->ctx.components);
	if (kit_dev_fails(d))
		return d->fail_with;
	if (d->unjudged)
		return FWD_UNJUDGED;
	switch (code) {
	case FWD_COND_BATTERY:
		return state.battery >= q->battery ? FWD_OK : FWD_E_BATTERY;
	case FWD_COND_AUTHORIZED:
		return q->priority <= state.priority ? FWD_OK :
		    FWD_E_UNAUTHORIZED;
	case FWD_COND_VERSION:
		q->version = state.version;
		return FWD_OK;
	default:
		cr_assert_eq(code, FWD_DIR_WAIT);
		cr_assert_neq(q->wait.n, 0);
		return state.strange ? FWD_E_DISABLED : state.asleep ?
		    FWD_E_WAIT : FWD_OK;
	}
}

static inline fwd_status
store_swap(void *ctx, uint32_t a, uint32_t b)
{
	struct kit_dev *const d = ctx;
	static struct kit_store hold;

	cr_assert(a != b && a < d->ctx.components && b < d->ctx.components);
	if (kit_dev_fails(d))
		return d->fail_with;
	hold = d->store[a];
	d->store[a] = d->store[b];
	d->store[b] = hold;
	return FWD_OK;
}

static inline void
open_all(void)
{
	open_bench();
	dev->port.environment = environment;
	dev->port.store_swap = store_swap;
	memset(&state, 0, sizeof state);
	state.battery = 500;
	state.priority = 10;
	state.version = (struct fwd_version){ { 1, 2, 3 }, 3 };
}

/* Parts of manifests. */
#define FETCH_B "20, {21: \"#b\"}, 21, 2, 3, 15"
#define BOTH "12, 0, " IMAGE_A ", " FETCH_A ", 12, 1, " IMAGE_B ", " FETCH_B
#define SWAP_0 "12, 0, 20, {22: 1}, 31, 2"
#define SWAPPED "12, 0, " IMAGE_B ", 3, 15, 12, 1, " IMAGE_A ", 3, 15"
#define STAGED_COPY FETCH_1 ", " COPY_0 ", 3, 15"
#define UNKNOWN "-257, 0"
#define WAIT "20, {29: <<{1: 0}>>}, 29, 2"

#endif
