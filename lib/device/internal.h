/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the device library. */
#ifndef FWD_INTERNAL_H
#define FWD_INTERNAL_H

#include <string.h>

#include "device/fwdevice.h"

/*
 * Hide a value from the compiler, so that what was decided once cannot be
 * reused for the second time the same decision is taken.
 */
static inline uint32_t
fwd_launder(uint32_t v)
{
	__asm__ volatile("" : "+r"(v));
	return v;
}

static inline uint64_t
fwd_launder64(uint64_t v)
{
	__asm__ volatile("" : "+r"(v));
	return v;
}

/* Go on only if e is FWD_OK, asked twice; a skipped branch meets the next. */
#define FWD_TRY(e) do {							\
	const fwd_status s_ = (e);					\
	if (fwd_launder(s_) != FWD_OK)					\
		return s_;						\
	if (fwd_launder(~s_) != ~(fwd_status)FWD_OK)			\
		fwd_panic();						\
} while (0)

/* ---- facts for events ------------------------------------------------ */

static inline struct fwd_fact
fwd_fact_none(void)
{
	return (struct fwd_fact){ .kind = FWD_FACT_NONE };
}

static inline struct fwd_fact
fwd_fact_uint(uint64_t u)
{
	return (struct fwd_fact){ .kind = FWD_FACT_UINT, .u = u };
}

static inline struct fwd_fact
fwd_fact_time(int64_t t)
{
	return (struct fwd_fact){ .kind = FWD_FACT_TIME, .u = (uint64_t)t };
}

static inline struct fwd_fact
fwd_fact_alg(int64_t alg)
{
	return (struct fwd_fact){ .kind = FWD_FACT_ALG, .u = (uint64_t)alg };
}

static inline struct fwd_fact
fwd_fact_hex(struct fwd_span s)
{
	return (struct fwd_fact){ .kind = FWD_FACT_HEX, .s = s };
}

static inline struct fwd_fact
fwd_fact_text(struct fwd_span s)
{
	return (struct fwd_fact){ .kind = FWD_FACT_TEXT, .s = s };
}

/* The fact for a string literal. */
#define FWD_FACT_LITERAL(t) \
	fwd_fact_text((struct fwd_span){ (const uint8_t *)(t), sizeof(t) - 1 })

/*
 * Report a step and return its status, so that "return fwd_report(...)" and
 * FWD_TRY(fwd_report(...)) read well.
 */
FWD_MUST_USE fwd_status fwd_report(struct fwd_tracer trace,
    enum fwd_step step, fwd_status status, uint32_t index, int64_t code,
    struct fwd_fact got, struct fwd_fact want);

#endif
