/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of faults while a device installs, boots and confirms: it does
 * something again and again, and each time it is lied to in one place.
 */
#ifndef TESTPOWERLIES_H
#define TESTPOWERLIES_H

#include <criterion/parameterized.h>

#include "testdata/sample.h"

#include "device/testlies.h"

#include "device/testpower.h"

/* A sample is one place of so many, and one lie there; in turn, so that each lie
   is told. */
enum { LIES_STRIDE = ONE_OF(19) };

/* Is it told there?  all: every lie is, unless it is a sample. */
static inline bool
lie_due(size_t at, unsigned how, bool all)
{
	if (at % LIES_STRIDE != 1 % LIES_STRIDE)
		return false;
	return (all && LIES_STRIDE == 1) || how == at / LIES_STRIDE % NLIES;
}

/* Power comes back, or a panic has reset the device. */
static inline void
lie_reset(struct bench *b)
{
	lie_at = 0;
	b->kit->ctx.port = &b->kit->port;
	b->kit->ctx.policy = &b->kit->policy;
	kit_dev_rewind(b->kit);
	bench_power(b);
	bench_of_invoke = b;
	b->runs = NULL;
}

/* Reset it and count where its action could be lied to. */
static inline size_t
lie_places(struct bench *b,
    fwd_status (*step)(struct bench *b, const char *action),
    const char *action, fwd_status want, const char *name)
{
	lie_reset(b);
	times_asked = 0;
	kit_eq(step(b, action), want, name);
	cr_assert_gt(times_asked, 5);
	return times_asked;
}

/* Reset it and let it act, with one lie; false if it ended in a panic, and then
   s is FWD_E_FAULT. */
static inline bool
lie_once(struct bench *b,
    fwd_status (*step)(struct bench *b, const char *action),
    const char *action, size_t at, unsigned how, fwd_status *s)
{
	lie_reset(b);
	times_asked = 0;
	lie = how;
	lie_at = at;
	*s = FWD_E_FAULT;
	if (setjmp(panicked) != 0)
		return false;
	*s = step(b, action);
	return true;
}

/* What has run is one of these releases (bits of their numbers), or nothing. */
static inline void
lie_assert_ran(const struct bench *b, unsigned runs, const char *name)
{
	if (b->runs != NULL)
		cr_assert_neq(runs & 1u << (b->runs - b->release), 0,
		    "%s: it ran", name);
}

#endif
