/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time it is, and whether it is too late.  A device without a clock knows
 * at most that it is not before policy->time_min.
 */
#include "device/internal.h"

/* FWD_E_CLOCK when a trusted clock shows a time that is past for sure. */
static fwd_status
check_min(const struct fwd_ctx *ctx)
{
	const int64_t min = ctx->policy->time_min;

	if ((int64_t)fwd_launder64((uint64_t)ctx->now) < min)
		return FWD_E_CLOCK;
	if ((int64_t)fwd_launder64((uint64_t)min) > ctx->now)
		fwd_panic();
	return FWD_OK;
}

fwd_status
fwd_clock_read(struct fwd_ctx *ctx)
{
	const int64_t min = ctx->policy->time_min;
	struct fwd_hint got = fwd_hint_none();
	fwd_status s = FWD_E_CLOCK;

	ctx->now = 0;
	if (fwd_launder(ctx->policy->clock) == FWD_CLOCK_NONE)
		return FWD_OK;
	if (ctx->port->now != NULL)
		s = ctx->port->now(ctx->port->ctx, &ctx->now);
	if (s == FWD_OK) {
		got = fwd_hint_time(&ctx->now);
		s = check_min(ctx);
	}
	return fwd_note(ctx, FWD_STEP_CLOCK, s, FWD_NO_INDEX, 0, got,
	    min != INT64_MIN ? fwd_hint_time(&min) : fwd_hint_none());
}

/* t < end, in 64 bits (draft-ietf-suit-update-management-14, section 5.1). */
static fwd_status
before(int64_t t, uint64_t end)
{
	const uint64_t since = t < 0 ? 0 : (uint64_t)t;

	if (end == 0 || fwd_launder64(since) >= end)
		return FWD_E_USE_BEFORE;
	if (fwd_launder64(end) <= since)
		fwd_panic();
	return FWD_OK;
}

fwd_status
fwd_use_before(const struct fwd_ctx *ctx, uint32_t i, struct fwd_hint *got,
    struct fwd_hint *want)
{
	const struct fwd_policy *const p = ctx->policy;
	const struct fwd_component *const c = &ctx->component[i];

	if ((c->set >> FWD_PAR_USE_BEFORE & 1u) == 0)
		return FWD_E_UNSET;
	*want = c->use_before <= INT64_MAX ?
	    fwd_hint_make(&c->use_before, 0, FWD_HINT_TIME) :
	    fwd_hint_uint(&c->use_before);
	if (fwd_launder(p->clock) != FWD_CLOCK_NONE) {
		*got = fwd_hint_time(&ctx->now);
		return before(ctx->now, c->use_before);
	}
	*got = p->time_min == INT64_MIN ? FWD_HINT_LITERAL("no clock") :
	    fwd_hint_time(&p->time_min);
	FWD_TRY(before(p->time_min, c->use_before));
	*got = FWD_HINT_LITERAL("no clock");
	return (p->flags & (FWD_UNTIMED | FWD_NO_DEVICE)) != 0 ?
	    FWD_UNJUDGED : FWD_E_UNTIMED;
}
