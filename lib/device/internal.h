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

static inline const void *
fwd_launder_ptr(const void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/* The same pointer, about what it leads to nothing is known any more. */
#define FWD_ANEW(p) do {						\
	__asm__ volatile("" : "+r"(p) : : "memory");			\
} while (0)

/*
 * A status on its way out because it is not FWD_OK.  If it is, after all, then
 * the branch that led here was forced: to return it would skip the rest.
 */
FWD_MUST_USE fwd_status fwd_refuse(fwd_status status);

/*
 * Go on only if e is FWD_OK, asked twice; a skipped branch meets the next.
 * FWD_OK is an immediate operand of Thumb-2, so that no register or literal
 * is shared by two questions.
 */
#define FWD_TRY(e) do {							\
	const fwd_status s_ = (e);					\
	if (fwd_launder(s_) != FWD_OK)					\
		return fwd_refuse(s_);					\
	if (fwd_launder(s_) != FWD_OK)					\
		fwd_panic();						\
} while (0)

/* ---- facts for events ------------------------------------------------ */

/*
 * A fact on its way into an event, in two words: where it is, not a copy.
 * What it points to must stay until it was reported.
 */
struct fwd_hint {
	const void *p;
	uint32_t what;			/* n << 8 | relation << 4 | kind */
};

enum {					/* kinds of hints */
	FWD_HINT_NONE,
	FWD_HINT_SIZE,			/* n itself */
	FWD_HINT_UINT,			/* at p a uint64_t */
	FWD_HINT_TIME,			/* an int64_t */
	FWD_HINT_ALG,			/* an int64_t */
	FWD_HINT_HEX,			/* n bytes */
	FWD_HINT_TEXT,			/* n bytes */
	FWD_HINT_NAME,			/* n bytes, a Name */
	FWD_HINT_PURPOSE,		/* n bytes, a KeyPurposeId */
	FWD_HINT_EXTENSION,		/* n bytes, an extension's OID */
};
#define FWD_HINT_MAX 0xffffffu		/* of n; longer is cut */

static inline struct fwd_hint
fwd_hint_make(const void *p, size_t n, uint32_t kind)
{
	const uint32_t cut = n < FWD_HINT_MAX ? (uint32_t)n : FWD_HINT_MAX;

	return (struct fwd_hint){ p, cut << 8 | kind };
}

static inline struct fwd_hint
fwd_hint_none(void)
{
	return (struct fwd_hint){ NULL, FWD_HINT_NONE };
}

static inline struct fwd_hint
fwd_hint_size(size_t n)
{
	return fwd_hint_make(NULL, n, FWD_HINT_SIZE);
}

static inline struct fwd_hint
fwd_hint_uint(const uint64_t *u)
{
	return (struct fwd_hint){ u, FWD_HINT_UINT };
}

static inline struct fwd_hint
fwd_hint_time(const int64_t *t)
{
	return (struct fwd_hint){ t, FWD_HINT_TIME };
}

static inline struct fwd_hint
fwd_hint_alg(const int64_t *alg)
{
	return (struct fwd_hint){ alg, FWD_HINT_ALG };
}

static inline struct fwd_hint
fwd_hint_hex(struct fwd_span s)
{
	return fwd_hint_make(s.p, s.n, FWD_HINT_HEX);
}

static inline struct fwd_hint
fwd_hint_text(struct fwd_span s)
{
	return fwd_hint_make(s.p, s.n, FWD_HINT_TEXT);
}

/* What a person knows a Name, a purpose or an extension by. */
static inline struct fwd_hint
fwd_hint_name(struct fwd_span der)
{
	return fwd_hint_make(der.p, der.n, FWD_HINT_NAME);
}

static inline struct fwd_hint
fwd_hint_purpose(struct fwd_span oid)
{
	return fwd_hint_make(oid.p, oid.n, FWD_HINT_PURPOSE);
}

static inline struct fwd_hint
fwd_hint_extension(struct fwd_span oid)
{
	return fwd_hint_make(oid.p, oid.n, FWD_HINT_EXTENSION);
}

/* A wanted fact that is a bound. */
static inline struct fwd_hint
fwd_at_least(struct fwd_hint hint)
{
	hint.what |= (uint32_t)FWD_AT_LEAST << 4;
	return hint;
}

static inline struct fwd_hint
fwd_at_most(struct fwd_hint hint)
{
	hint.what |= (uint32_t)FWD_AT_MOST << 4;
	return hint;
}

/* The fact for a string literal. */
#define FWD_HINT_LITERAL(t) \
	((struct fwd_hint){ (t), (sizeof(t) - 1) << 8 | FWD_HINT_TEXT })

/*
 * Report a step and return its status, so that "return fwd_report(...)" and
 * FWD_TRY(fwd_report(...)) read well.
 */
FWD_MUST_USE fwd_status fwd_report(struct fwd_tracer trace,
    enum fwd_step step, fwd_status status, uint32_t index, int64_t code,
    struct fwd_hint got, struct fwd_hint want);

/* A tracer that remembers the last failed step in ctx->refusal. */
struct fwd_tracer fwd_ctx_tracer(struct fwd_ctx *ctx);

/* The same for a run: report a step of it; and one without facts. */
FWD_MUST_USE fwd_status fwd_note(struct fwd_ctx *ctx, enum fwd_step step,
    fwd_status status, uint32_t index, int64_t code, struct fwd_hint got,
    struct fwd_hint want);
FWD_MUST_USE fwd_status fwd_tell(struct fwd_ctx *ctx, enum fwd_step step,
    fwd_status status, uint32_t index, int64_t code);

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

	_Static_assert(sizeof name <= FWD_NAME_MAX, "FWD_NAME_MAX");
	return fwd_span_of(name, sizeof name - 1);
}

/* ---- authenticate.c -------------------------------------------------- */

/* Judge the signature blocks of ctx->env against the policy. */
FWD_MUST_USE fwd_status fwd_authenticate(struct fwd_ctx *ctx);

/* A signature by key over that payload, with an algorithm that signers may
   have.  Errors: as of fwd_sig_check. */
FWD_MUST_USE fwd_status fwd_cose_check(const struct fwd_crypto *crypto,
    const struct fwd_cose *cose, const struct fwd_key *key,
    struct fwd_span payload);

/* Are these one key?  An RSA modulus is one, whatever the exponent. */
bool fwd_same_key(const struct fwd_key *a, const struct fwd_key *b);

/* ---- policy.c -------------------------------------------------------- */

enum {					/* fwd_ctx.origin */
	/* The signers are judged in this run. */
	FWD_ORIGIN_SIGNERS = 0x2d96,
	/* They were judged, with rules and rights, when the envelope was put
	   into secure storage, and are not known now. */
	FWD_ORIGIN_STORAGE = 0xd269,
};

/* Can the policy be met at all?  FWD_OK or FWD_E_POLICY. */
FWD_MUST_USE fwd_status fwd_policy_check(const struct fwd_policy *policy);
/* Do the signers of ctx meet the rules? */
FWD_MUST_USE fwd_status fwd_rules_check(struct fwd_ctx *ctx);
/* May one of them sign for component i? */
FWD_MUST_USE fwd_status fwd_right_check(struct fwd_ctx *ctx, uint32_t i);

/* ---- revocation.c ---------------------------------------------------- */

/* Is the key, of that SubjectPublicKeyInfo, one that still counts?  Reported,
   with that index, if the policy has revoked any.  FWD_E_REVOKED. */
FWD_MUST_USE fwd_status fwd_revoked_check(const struct fwd_crypto *crypto,
    const struct fwd_policy *policy, const struct fwd_span *spki,
    const struct fwd_key *key, struct fwd_tracer trace, uint32_t index);
/* A revocation list out of secure storage, judged before it was put there. */
FWD_MUST_USE fwd_status fwd_revocations_stored(struct fwd_span data,
    struct fwd_revocations *list);

/* ---- clock.c --------------------------------------------------------- */

/* Read the time into ctx->now, if the policy has a clock. */
FWD_MUST_USE fwd_status fwd_clock_read(struct fwd_ctx *ctx);
/* The condition use-before of component i, for the caller to report.
   FWD_UNJUDGED: nobody can tell, and the policy leaves it at that. */
FWD_MUST_USE fwd_status fwd_use_before(const struct fwd_ctx *ctx, uint32_t i,
    struct fwd_hint *got, struct fwd_hint *want);

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
/* Hash what is stored of a component, reading it back. */
FWD_MUST_USE fwd_status fwd_hash_stored(struct fwd_ctx *ctx, uint32_t i,
    int64_t alg, uint64_t size, uint8_t *out);
/* Fetch the component's payload by its parameters; what it holds then. */
FWD_MUST_USE fwd_status fwd_component_fetch(struct fwd_ctx *ctx, uint32_t i);
/* Read over the payloads that were not fetched. */
FWD_MUST_USE fwd_status fwd_payloads_pass(struct fwd_ctx *ctx);
FWD_MUST_USE fwd_status fwd_component_copy(struct fwd_ctx *ctx, uint32_t i);
FWD_MUST_USE fwd_status fwd_component_write(struct fwd_ctx *ctx, uint32_t i);
/* Is the payload one that the port fetches, not the bundle's or the
   envelope's? */
bool fwd_uri_is_remote(const struct fwd_ctx *ctx, struct fwd_span uri);
/* Exchange what it and its source hold. */
FWD_MUST_USE fwd_status fwd_component_swap(struct fwd_ctx *ctx, uint32_t i);
/* Compare what it holds with its digest, or content, parameter.  got, of
   FWD_DIGEST_MAX bytes, is the digest it has, *got_n 0 if that is unknown. */
FWD_MUST_USE fwd_status fwd_component_match(struct fwd_ctx *ctx, uint32_t i,
    uint8_t *got, size_t *got_n);
FWD_MUST_USE fwd_status fwd_component_content(struct fwd_ctx *ctx,
    uint32_t i);
/* The opposite of fwd_component_match, which proves nothing of what was
   written. */
FWD_MUST_USE fwd_status fwd_component_mismatch(struct fwd_ctx *ctx,
    uint32_t i, uint8_t *got, size_t *got_n);

/* ---- parameter.c ----------------------------------------------------- */

/* What an override-parameters directive may set besides parameters. */
struct fwd_order {
	bool soft_set, soft;		/* soft-failure */
	bool strict_set, strict;	/* strict-order */
	int64_t last;			/* the parameter looked at last */
};
/* Apply the encoded map of parameters to c.  Errors: CBOR,
   FWD_E_PARAMETER, FWD_E_DISABLED, FWD_E_DIGEST_ALG. */
FWD_MUST_USE fwd_status fwd_parameters_set(const struct fwd_ctx *ctx,
    struct fwd_span map, struct fwd_component *c, struct fwd_order *order);

/* ---- environment.c --------------------------------------------------- */

/* Has the port anyone to ask about this command or parameter?  FWD_OK or
   FWD_E_DISABLED; FWD_OK for all that need not be asked about. */
FWD_MUST_USE fwd_status fwd_environment_has(const struct fwd_ctx *ctx,
    int64_t number);
/* Take a byte string with a comparison and a version into to.
   Errors: CBOR, FWD_E_PARAMETER. */
FWD_MUST_USE fwd_status fwd_version_read(struct fwd_cbor *c,
    struct fwd_component *to);
/* A byte string with a map of wait events, judged by its form. */
FWD_MUST_USE fwd_status fwd_wait_read(struct fwd_cbor *c,
    struct fwd_span *wait);
/* Conditions minimum-battery, update-authorized, version and directive wait
   of component i, for the caller to report.  Answers as the port does. */
FWD_MUST_USE fwd_status fwd_environment_ask(const struct fwd_ctx *ctx,
    uint32_t i, int64_t code, struct fwd_hint *got);

/* ---- sequence.c ------------------------------------------------------ */

/* Run the shared sequence and then the section of that key, if there. */
FWD_MUST_USE fwd_status fwd_section_run(struct fwd_ctx *ctx, int64_t key);

/* ---- survey.c -------------------------------------------------------- */

/* Judge the form of every sequence, all branches of it, before anything is
   executed, and list the payloads they fetch in ctx->payload. */
FWD_MUST_USE fwd_status fwd_sequences_survey(struct fwd_ctx *ctx);

/* ---- verify.c -------------------------------------------------------- */

/* The parts of fwd_bundle_check, for callers that do something in between. */

/* Forget earlier runs and judge what the caller has set. */
FWD_MUST_USE fwd_status fwd_run_begin(struct fwd_ctx *ctx);
/* fwd_run_begin, then read and authenticate the envelope of a bundle. */
FWD_MUST_USE fwd_status fwd_bundle_open(struct fwd_ctx *ctx);
/* The same for an envelope that was judged when it was installed, with what
   comes before the sequences; the signatures only if asked for, and without
   the dates of their certificates. */
FWD_MUST_USE fwd_status fwd_boot_begin(struct fwd_ctx *ctx,
    struct fwd_span envelope, bool signatures);
/* Everything up to the validate sequence. */
FWD_MUST_USE fwd_status fwd_manifest_install(struct fwd_ctx *ctx);
/* The load and invoke sequences. */
FWD_MUST_USE fwd_status fwd_manifest_start(struct fwd_ctx *ctx);
/* The last word, reported; returns s. */
FWD_MUST_USE fwd_status fwd_verdict(struct fwd_ctx *ctx, fwd_status s);

#endif
