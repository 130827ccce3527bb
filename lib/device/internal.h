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

/*
 * A status on its way out because it is not FWD_OK.  If it is, after all, then
 * the branch that led here was forced: to return it would skip the rest.
 */
FWD_MUST_USE fwd_status fwd_refuse(fwd_status status);

/* Go on only if e is FWD_OK, asked twice; a skipped branch meets the next. */
#define FWD_TRY(e) do {							\
	const fwd_status s_ = (e);					\
	if (fwd_launder(s_) != FWD_OK)					\
		return fwd_refuse(s_);					\
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

/* A wanted fact that is a bound. */
static inline struct fwd_fact
fwd_at_least(struct fwd_fact fact)
{
	fact.relation = FWD_AT_LEAST;
	return fact;
}

static inline struct fwd_fact
fwd_at_most(struct fwd_fact fact)
{
	fact.relation = FWD_AT_MOST;
	return fact;
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

/* A tracer that remembers the last failed step in ctx->refusal. */
struct fwd_tracer fwd_ctx_tracer(struct fwd_ctx *ctx);

/* The same for a run: report a step of it. */
static inline FWD_MUST_USE fwd_status
fwd_note(struct fwd_ctx *ctx, enum fwd_step step, fwd_status status,
    uint32_t index, int64_t code, struct fwd_fact got, struct fwd_fact want)
{
	return fwd_report(fwd_ctx_tracer(ctx), step, status, index, code, got,
	    want);
}

static inline struct fwd_span
fwd_span_of(const void *p, size_t n)
{
	return (struct fwd_span){ (const uint8_t *)p, n };
}

/* The name of a bundle's first member. */
static inline struct fwd_span
fwd_envelope_member(void)
{
	static const char name[] = "manifest.suit";

	return fwd_span_of(name, sizeof name - 1);
}

/* ---- authenticate.c -------------------------------------------------- */

/* Judge the signature blocks of ctx->env against the policy. */
FWD_MUST_USE fwd_status fwd_authenticate(struct fwd_ctx *ctx);

/* ---- ustar.c --------------------------------------------------------- */

/* Read the next member's header, unless one waits already: afterwards
   ctx->bundle has its name and size, or end is true. */
FWD_MUST_USE fwd_status fwd_member_next(struct fwd_ctx *ctx);
/* The next bytes of the member, in the transfer buffer; none at its end. */
FWD_MUST_USE fwd_status fwd_member_data(struct fwd_ctx *ctx,
    struct fwd_span *data);
/* Is name one that a member may have? */
bool fwd_member_name_ok(struct fwd_span name);
/* Demand that the next member has this name, and report it. */
FWD_MUST_USE fwd_status fwd_member_expect(struct fwd_ctx *ctx,
    struct fwd_span name);
/* Read the member's data and let them go. */
FWD_MUST_USE fwd_status fwd_member_pass(struct fwd_ctx *ctx);

/* ---- attach.c -------------------------------------------------------- */

/* Read the signed list out of the text section into ctx->attachment. */
FWD_MUST_USE fwd_status fwd_attachments_read(struct fwd_ctx *ctx);
/* Judge the members behind the payloads, up to the end of the bundle. */
FWD_MUST_USE fwd_status fwd_attachments_check(struct fwd_ctx *ctx);

/* ---- component.c ----------------------------------------------------- */

/* Hash one span.  out has room for FWD_DIGEST_MAX. */
FWD_MUST_USE fwd_status fwd_hash(const struct fwd_crypto *crypto, int64_t alg,
    struct fwd_span data, uint8_t *out);
/* Fetch the component's payload by its parameters; what it holds then. */
FWD_MUST_USE fwd_status fwd_component_fetch(struct fwd_ctx *ctx, uint32_t i);
/* Read over the payloads that were not fetched. */
FWD_MUST_USE fwd_status fwd_payloads_pass(struct fwd_ctx *ctx);
FWD_MUST_USE fwd_status fwd_component_copy(struct fwd_ctx *ctx, uint32_t i);
FWD_MUST_USE fwd_status fwd_component_write(struct fwd_ctx *ctx, uint32_t i);
/* Compare what it holds with its digest, or content, parameter.  got, of
   FWD_DIGEST_MAX bytes, is the digest it has, *got_n 0 if that is unknown. */
FWD_MUST_USE fwd_status fwd_component_match(struct fwd_ctx *ctx, uint32_t i,
    uint8_t *got, size_t *got_n);
FWD_MUST_USE fwd_status fwd_component_content(struct fwd_ctx *ctx,
    uint32_t i);

/* ---- parameter.c ----------------------------------------------------- */

/* What an override-parameters directive may set besides parameters. */
struct fwd_order {
	bool soft_set, soft;		/* soft-failure */
	int64_t last;			/* the parameter looked at last */
};
/* Apply the encoded map of parameters to c.  Errors: CBOR,
   FWD_E_PARAMETER, FWD_E_DISABLED, FWD_E_DIGEST_ALG. */
FWD_MUST_USE fwd_status fwd_parameters_set(struct fwd_span map,
    struct fwd_component *c, struct fwd_order *order);

/* ---- sequence.c ------------------------------------------------------ */

/* Run the shared sequence and then the section of that key, if there. */
FWD_MUST_USE fwd_status fwd_section_run(struct fwd_ctx *ctx, int64_t key);

/* ---- survey.c -------------------------------------------------------- */

/* Judge the form of every sequence, all branches of it, before anything is
   executed, and list the payloads they fetch in ctx->payload. */
FWD_MUST_USE fwd_status fwd_sequences_survey(struct fwd_ctx *ctx);

#endif
