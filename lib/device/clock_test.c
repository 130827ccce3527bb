/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time at its edges: a clock that is trusted, one that is not there, a lower
 * bound, validity dates, and use-before.
 */
#include "device/internal.h"
#include "device/testbundle.h"

/* ---- the clock --------------------------------------------------------- */

static const int64_t edges[] = { INT64_MIN, INT64_MIN + 1, INT32_MIN, -1, 0,
    1, INT32_MAX, (int64_t)INT32_MAX + 1, UINT32_MAX,
    (int64_t)UINT32_MAX + 1, TP_NOT_BEFORE, INT64_MAX - 1, INT64_MAX };
enum { EDGES = sizeof edges / sizeof edges[0] };

Test(clock, lower_bound, .init = open_bench, .fini = close_bench)
{
	dev->policy.clock = FWD_CLOCK_TRUSTED;
	for (size_t i = 0; i < EDGES; i++)
	for (size_t k = 0; k < EDGES; k++) {
		dev->now = edges[i];
		dev->policy.time_min = edges[k];
		kit_dev_rewind(dev);
		kit_eq(fwd_clock_read(&dev->ctx), edges[i] >= edges[k] ?
		    FWD_OK : FWD_E_CLOCK, dev->trace);
		cr_assert_eq(dev->ctx.now, edges[i]);
	}
	/* Without a clock nobody is asked. */
	dev->policy.clock = FWD_CLOCK_NONE;
	dev->policy.time_min = INT64_MAX;
	kit_dev_rewind(dev);
	kit_eq(fwd_clock_read(&dev->ctx), FWD_OK, dev->trace);
	cr_assert_eq(dev->calls, 0);
	cr_assert_eq(dev->ctx.now, 0);
}

/* A key without certificate is bound by the clock as well. */
Test(clock, no_time, .init = open_bench, .fini = close_bench)
{
	struct recipe r = bare;

	r.block[0] = (struct kit_block){ .pki = pki, .bare = true };
	r.blocks = 1;
	dev->policy.anchor = &pki->bare_anchor;
	dev->policy.clock = FWD_CLOCK_TRUSTED;
	kit_eq(judge(&r), FWD_OK, dev->trace);
	dev->policy.time_min = dev->now + 1;
	kit_eq(judge(&r), FWD_E_CLOCK, dev->trace);
	dev->policy.time_min = INT64_MIN;
	dev->port.now = NULL;
	kit_eq(judge(&r), FWD_E_CLOCK, dev->trace);
	cr_assert_str_eq(strstr(dev->trace, "clock"),
	    "clock: clock\nverdict: clock\n");
	dev->policy.clock = FWD_CLOCK_NONE;
	kit_eq(judge(&r), FWD_OK, dev->trace);
}

/* ---- validity ----------------------------------------------------------- */

Test(clock, validity, .init = open_bench, .fini = close_bench)
{
	static const struct {
		int64_t now;
		fwd_status want;
	} rows[] = {
		{ INT64_MIN, FWD_E_CERT_EARLY }, { -1, FWD_E_CERT_EARLY },
		{ 0, FWD_E_CERT_EARLY }, { TP_NOT_BEFORE - 1,
		    FWD_E_CERT_EARLY }, { TP_NOT_BEFORE, FWD_OK },
		{ TP_NOT_BEFORE + 1, FWD_OK }, { TP_NOT_AFTER - 1, FWD_OK },
		{ TP_NOT_AFTER, FWD_OK }, { TP_NOT_AFTER + 1,
		    FWD_E_CERT_LATE }, { INT64_MAX, FWD_E_CERT_LATE },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fwd_status by_min = rows[i].want;

		dev->policy.clock = FWD_CLOCK_TRUSTED;
		dev->policy.time_min = INT64_MIN;
		dev->now = rows[i].now;
		kit_eq(judge(&bare), rows[i].want, dev->trace);
		/* equal to the lower bound is not below it */
		dev->policy.time_min = rows[i].now;
		kit_eq(judge(&bare), rows[i].want, dev->trace);
		/* what has expired by then has expired, clock or not; what
		   is not valid yet may be by now */
		dev->policy.clock = FWD_CLOCK_NONE;
		if (by_min == FWD_E_CERT_EARLY)
			by_min = FWD_OK;
		kit_eq(judge(&bare), by_min, dev->trace);
	}
}

/* ---- use-before ----------------------------------------------------------- */

/* now < end, with more bits than needed. */
static bool
is_before(int64_t now, uint64_t end)
{
	return (__int128)now < (__int128)end;
}

Test(clock, use_before, .init = open_bench, .fini = close_bench)
{
	static const uint64_t ends[] = { 1, 2, INT32_MAX,
	    (uint64_t)INT32_MAX + 1, (uint64_t)INT32_MAX + 2, UINT32_MAX,
	    (uint64_t)UINT32_MAX + 1, (uint64_t)UINT32_MAX + 2,
	    TP_NOT_BEFORE - 1, TP_NOT_BEFORE, TP_NOT_BEFORE + 1,
	    INT64_MAX - 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX };
	struct fwd_component *const c = &dev->ctx.component[0];
	struct fwd_hint got, want;
	size_t n = 0;

	c->set = 0;
	dev->policy.clock = FWD_CLOCK_TRUSTED;
	cr_assert_eq(fwd_use_before(&dev->ctx, 0, &got, &want), FWD_E_UNSET);
	c->set = 1u << FWD_PAR_USE_BEFORE;
	for (size_t i = 0; i < EDGES; i++)
	for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
		const bool ok = is_before(edges[i], ends[k]);

		c->use_before = ends[k];
		dev->policy.flags = FWD_UNTIMED | FWD_NO_DEVICE;
		dev->policy.clock = FWD_CLOCK_TRUSTED;
		dev->policy.time_min = INT64_MIN;
		dev->ctx.now = edges[i];
		cr_assert_eq(fwd_use_before(&dev->ctx, 0, &got, &want), ok ?
		    FWD_OK : FWD_E_USE_BEFORE);
		/* The lower bound says when it is too late, never when it is
		   not. */
		dev->policy.clock = FWD_CLOCK_NONE;
		dev->policy.time_min = edges[i];
		dev->ctx.now = INT64_MAX;
		cr_assert_eq(fwd_use_before(&dev->ctx, 0, &got, &want), ok ?
		    FWD_UNJUDGED : FWD_E_USE_BEFORE);
		dev->policy.flags = FWD_ANY_PROFILE;
		cr_assert_eq(fwd_use_before(&dev->ctx, 0, &got, &want), ok ?
		    FWD_E_UNTIMED : FWD_E_USE_BEFORE);
		n++;
	}
	/* Before 1970 nothing is used. */
	c->use_before = 0;
	dev->policy.clock = FWD_CLOCK_TRUSTED;
	for (size_t i = 0; i < EDGES; i++) {
		dev->ctx.now = edges[i];
		cr_assert_eq(fwd_use_before(&dev->ctx, 0, &got, &want),
		    FWD_E_USE_BEFORE);
	}
	(void)printf("clock: %zu times of use\n", n);
}

/* The condition where a manifest can have it; T is TP_NOT_BEFORE + a day,
   the time of the device. */
#define T "1767312000"
#define LATER "1767312001"
#define USE(t) "20, {4: " t "}, 4, 15"
#define INSTALLING "20, {21: \"app.bin\"}, 21, 2, 3, 15"

static const struct {
	const char *what, *install, *validate;
	fwd_status timed, blind, untimed;	/* trusted clock; none; none
						   and FWD_UNTIMED */
} rows[] = {
	{ "in time", USE(LATER) ", " INSTALLING, "3, 15", FWD_OK,
	    FWD_E_UNTIMED, FWD_OK },
	{ "too late", USE(T) ", " INSTALLING, "3, 15", FWD_E_USE_BEFORE,
	    FWD_E_UNTIMED, FWD_OK },
	{ "when validated", INSTALLING, USE(T) ", 3, 15", FWD_E_USE_BEFORE,
	    FWD_E_UNTIMED, FWD_OK },
	{ "without parameter", "4, 15, " INSTALLING, "3, 15", FWD_E_UNSET,
	    FWD_E_UNSET, FWD_E_UNSET },
	/* A condition like any other where it can be judged, */
	{ "the other branch", "15, [<<[" USE(T) "]>>, <<[14, 15]>>], "
	    INSTALLING, "3, 15", FWD_E_TRIED_ALL, FWD_E_UNTIMED, FWD_OK },
	{ "or none", "15, [<<[" USE(T) "]>>, null], " INSTALLING, "3, 15",
	    FWD_OK, FWD_E_UNTIMED, FWD_OK },
	{ "softly", "32, <<[20, {13: true}, " USE(T) "]>>, " INSTALLING,
	    "3, 15", FWD_OK, FWD_E_UNTIMED, FWD_OK },
	/* ... and malformed. */
	{ "negative", "20, {4: -1}, 4, 15, " INSTALLING, "3, 15",
	    FWD_E_CBOR_TYPE, FWD_E_CBOR_TYPE, FWD_E_CBOR_TYPE },
	{ "a tagged time", "20, {4: 1(" T ")}, 4, 15, " INSTALLING, "3, 15",
	    FWD_E_CBOR_TYPE, FWD_E_CBOR_TYPE, FWD_E_CBOR_TYPE },
	{ "a policy of 16", "20, {4: " T "}, 4, 16, " INSTALLING, "3, 15",
	    FWD_E_COMMAND, FWD_E_COMMAND, FWD_E_COMMAND },
};

static fwd_status
run(size_t i, uint32_t clock, uint32_t flags)
{
	struct recipe r = bare;
	char text[2048];
	int n;

	n = snprintf(text, sizeof text, COMMON(IMAGE) "7: <<[%s]>>, 20: "
	    "<<[%s]>>}", rows[i].validate, rows[i].install);
	cr_assert_lt((size_t)n, sizeof text);
	r.manifest = text;
	dev->policy.clock = clock;
	dev->policy.flags = flags;
	return judge(&r);
}

Test(clock, manifests, .init = open_bench, .fini = close_bench)
{
	cr_assert_eq(dev->now, 1767312000);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		kit_eq(run(i, FWD_CLOCK_TRUSTED, 0), rows[i].timed,
		    rows[i].what);
		/* the flag is for those that have no clock */
		kit_eq(run(i, FWD_CLOCK_TRUSTED, FWD_UNTIMED), rows[i].timed,
		    rows[i].what);
		kit_eq(run(i, FWD_CLOCK_NONE, 0), rows[i].blind,
		    rows[i].what);
		kit_eq(run(i, FWD_CLOCK_NONE, FWD_UNTIMED), rows[i].untimed,
		    rows[i].what);
	}
	/* Nothing is written that is too late. */
	kit_store_on(dev);
	kit_eq(run(1, FWD_CLOCK_TRUSTED, 0), FWD_E_USE_BEFORE, dev->trace);
	cr_assert_eq(dev->begun, 0);
	cr_assert_not_null(strstr(dev->trace, "condition-use-before: "
	    "2026-01-02T00:00:00Z (want 2026-01-02T00:00:00Z) "
	    "use-before-passed\n"), "%s", dev->trace);
	/* The flag does not let identities and slots abstain. */
	dev->unjudged = true;
	kit_eq(run(0, FWD_CLOCK_NONE, FWD_UNTIMED), FWD_E_API, dev->trace);
}
