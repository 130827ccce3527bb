/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of all checks.  Authenticate first, interpret after: nothing of
 * the manifest is parsed before a signature over its digest holds, nothing is
 * written before the whole manifest has been judged, and no payload byte
 * counts before its digest holds.
 */
#include "device/internal.h"

/* Report a step that is about the whole run. */
static fwd_status
note(struct fwd_ctx *ctx, enum fwd_step step, fwd_status s)
{
	return fwd_tell(ctx, step, s, FWD_NO_INDEX, 0);
}

/* Forget what an earlier run has left, then judge what the caller set. */
static fwd_status
begin(struct fwd_ctx *ctx)
{
	ctx->env = (struct fwd_envelope){ 0 };
	ctx->man = (struct fwd_manifest){ 0 };
	ctx->refusal = (struct fwd_event){ .status = FWD_OK };
	ctx->signers = ctx->attachments = 0;
	ctx->components = 0;
	ctx->now = 0;
	ctx->origin = FWD_ORIGIN_SIGNERS;
	ctx->seq.policy = 0;
	memset(&ctx->bundle, 0, sizeof ctx->bundle);
	if (fwd_policy_check(ctx->policy) != FWD_OK)
		return note(ctx, FWD_STEP_SIGNERS, FWD_E_POLICY);
	return FWD_OK;
}

/* Hash a byte string with its head and compare (sections 8.3 and 8.4.12).
   What is compared comes first: in registers, not on a stack that a skipped
   instruction moves. */
static fwd_status
check_bstr(struct fwd_ctx *ctx, const struct fwd_digest *want,
    const struct fwd_span *bstr, fwd_status mismatch, enum fwd_step step,
    int64_t code)
{
	uint8_t got[FWD_DIGEST_MAX];

	FWD_TRY(fwd_hash(ctx->crypto, want->alg, *bstr, got));
	return fwd_note(ctx, step, fwd_equal(got, want->bytes.p,
	    want->bytes.n, mismatch), FWD_NO_INDEX, code,
	    fwd_hint_hex(fwd_span_of(got, want->bytes.n)),
	    fwd_hint_hex(want->bytes));
}

/* The signed digest is that of this manifest. */
static fwd_status
check_manifest_digest(struct fwd_ctx *ctx)
{
	return check_bstr(ctx, &ctx->env.digest, &ctx->env.manifest_bstr,
	    FWD_E_MANIFEST_DIGEST, FWD_STEP_MANIFEST_DIGEST, 0);
}

/* Did the section come in the envelope, where no signature covers it? */
static bool
is_moved(const struct fwd_section *s)
{
	return s->digest.alg != 0 && s->content.p != NULL;
}

static fwd_status
check_severed(struct fwd_ctx *ctx, struct fwd_section *s, int64_t key)
{
	if (is_moved(s))
		FWD_TRY(check_bstr(ctx, &s->digest, &s->bstr, FWD_E_SEVERED,
		    FWD_STEP_SEVERED, key));
	else if (is_moved(fwd_launder_ptr(s)))
		fwd_panic();
	s->judged = true;
	return FWD_OK;
}

/* A manifest older than the one the device runs is refused (8.4.2). */
static fwd_status
check_rollback(struct fwd_ctx *ctx)
{
	struct fwd_manifest again;
	uint64_t stored = UINT64_MAX;
	fwd_status s;

	FWD_TRY(ctx->port->sequence_number(ctx->port->ctx, &stored));
	s = fwd_launder64(ctx->man.sequence_number) < stored ?
	    FWD_E_ROLLBACK : FWD_OK;
	FWD_TRY(fwd_note(ctx, FWD_STEP_SEQUENCE_NUMBER, s, FWD_NO_INDEX, 0,
	    fwd_hint_uint(&ctx->man.sequence_number),
	    fwd_at_least(fwd_hint_uint(&stored))));
	/* Both anew, the number out of the signed bytes. */
	FWD_TRY(ctx->port->sequence_number(ctx->port->ctx, &stored));
	FWD_TRY(fwd_manifest_read(fwd_launder_ptr(&ctx->env), &again));
	if (stored > again.sequence_number)
		fwd_panic();
	return FWD_OK;
}

/* The device has each component the manifest names. */
static fwd_status
check_components(struct fwd_ctx *ctx)
{
	struct fwd_cbor c = fwd_cbor_open(ctx->man.components);
	struct fwd_component *to;
	fwd_status s;

	for (uint32_t i = 0; i < ctx->man.components_n; i++) {
		to = &ctx->component[i];
		*to = (struct fwd_component){ 0 };
		FWD_TRY(fwd_cbor_skip(&c, &to->id));
		s = ctx->port->component(ctx->port->ctx, i, to->id,
		    &to->capacity);
		FWD_TRY(fwd_note(ctx, FWD_STEP_COMPONENT, s, i, 0,
		    fwd_hint_hex(to->id), fwd_hint_none()));
		ctx->components++;
	}
	return FWD_OK;
}

/* Command sequences that were severed and are gone cannot be installed. */
static fwd_status
check_complete(struct fwd_ctx *ctx)
{
	const struct fwd_manifest *const m = &ctx->man;

	if ((m->fetch.declared && m->fetch.content.p == NULL) ||
	    (m->install.declared && m->install.content.p == NULL))
		return note(ctx, FWD_STEP_SEVERED, FWD_E_SEVERED);
	return FWD_OK;
}

/* The payloads that were meant for other slots, then the attachments. */
static fwd_status
check_rest(struct fwd_ctx *ctx)
{
	FWD_TRY(fwd_payloads_pass(ctx));
	return fwd_attachments_check(ctx);
}

/* Take the envelope, the first member, into the caller's buffer. */
static fwd_status
read_envelope(struct fwd_ctx *ctx, struct fwd_span *envelope)
{
	const uint64_t max = ctx->envelope_max;
	struct fwd_span data;
	size_t n = 0;

	*envelope = fwd_span_of(NULL, 0);
	FWD_TRY(fwd_member_expect(ctx, fwd_envelope_member()));
	if (ctx->bundle.size > max)
		return fwd_note(ctx, FWD_STEP_ENVELOPE, FWD_E_ENVELOPE_SIZE,
		    FWD_NO_INDEX, 0, fwd_hint_uint(&ctx->bundle.size),
		    fwd_at_most(fwd_hint_uint(&max)));
	do {
		FWD_TRY(fwd_member_data(ctx, &data));
		memcpy(ctx->envelope + n, data.p, data.n);
		n += data.n;
	} while (data.n != 0);
	*envelope = fwd_span_of(ctx->envelope, n);
	return FWD_OK;
}

/* Does the envelope come out of secure storage, its signers judged before?  No
   single lie may say so. */
static bool
is_stored(uint32_t origin)
{
	if (fwd_launder(origin) != FWD_ORIGIN_STORAGE)
		return false;
	if (fwd_launder(~origin) != ~(uint32_t)FWD_ORIGIN_STORAGE)
		fwd_panic();
	return true;
}

/* Is it ours, and is it whole? */
static fwd_status
authenticate(struct fwd_ctx *ctx, struct fwd_span envelope, uint32_t origin)
{
	FWD_TRY(fwd_clock_read(ctx));
	FWD_TRY(note(ctx, FWD_STEP_ENVELOPE,
	    fwd_envelope_read(envelope, &ctx->env)));
	ctx->origin = origin;
	if (!is_stored(origin))
		FWD_TRY(fwd_authenticate(ctx));
	FWD_TRY(check_manifest_digest(ctx));
	/* Only now does anything in the manifest mean something. */
	FWD_TRY(note(ctx, FWD_STEP_MANIFEST,
	    fwd_manifest_read(&ctx->env, &ctx->man)));
	FWD_TRY(check_severed(ctx, &ctx->man.fetch, FWD_MAN_PAYLOAD_FETCH));
	FWD_TRY(check_severed(ctx, &ctx->man.install, FWD_MAN_INSTALL));
	FWD_TRY(check_severed(ctx, &ctx->man.text, FWD_MAN_TEXT));
	/* None was judged instead of another. */
	if (!ctx->man.fetch.judged || !ctx->man.install.judged ||
	    !ctx->man.text.judged)
		fwd_panic();
	return FWD_OK;
}

/* May this device have it?  Then do what the manifest says. */
fwd_status
fwd_manifest_install(struct fwd_ctx *ctx)
{
	FWD_TRY(check_rollback(ctx));
	FWD_TRY(check_components(ctx));
	FWD_TRY(check_complete(ctx));
	FWD_TRY(fwd_sequences_survey(ctx));
	FWD_TRY(fwd_attachments_read(ctx));
	FWD_TRY(fwd_section_run(ctx, FWD_MAN_PAYLOAD_FETCH));
	FWD_TRY(fwd_section_run(ctx, FWD_MAN_INSTALL));
	FWD_TRY(check_rest(ctx));
	return fwd_section_run(ctx, FWD_MAN_VALIDATE);
}

fwd_status
fwd_manifest_start(struct fwd_ctx *ctx)
{
	FWD_TRY(fwd_section_run(ctx, FWD_MAN_LOAD));
	return fwd_section_run(ctx, FWD_MAN_INVOKE);
}

static fwd_status
interpret(struct fwd_ctx *ctx)
{
	FWD_TRY(fwd_manifest_install(ctx));
	return fwd_manifest_start(ctx);
}

/* An acceptance forgets the alternatives that did not fit. */
fwd_status
fwd_verdict(struct fwd_ctx *ctx, fwd_status s)
{
	if (s == FWD_OK)
		ctx->refusal = (struct fwd_event){ .status = FWD_OK };
	else if (ctx->refusal.status != s)
		ctx->refusal = (struct fwd_event){ .step = FWD_STEP_VERDICT,
		    .status = s, .index = FWD_NO_INDEX };
	return fwd_report(ctx->port->trace, FWD_STEP_VERDICT, s, FWD_NO_INDEX,
	    0, fwd_hint_none(), fwd_hint_none());
}

static fwd_status
check_envelope(struct fwd_ctx *ctx, struct fwd_span envelope)
{
	FWD_TRY(begin(ctx));
	return authenticate(ctx, envelope, FWD_ORIGIN_SIGNERS);
}

fwd_status
fwd_envelope_check(struct fwd_ctx *ctx, struct fwd_span envelope)
{
	return fwd_verdict(ctx, check_envelope(ctx, envelope));
}

/* The same for a run that reads payloads: buffers, and storage or none. */
fwd_status
fwd_run_begin(struct fwd_ctx *ctx)
{
	const struct fwd_port *const p = ctx->port;
	const bool store = p->store_begin != NULL;

	FWD_TRY(begin(ctx));
	if (ctx->transfer == NULL || ctx->transfer_n == 0 ||
	    ctx->transfer_n % FWD_BLOCK != 0 ||
	    (p->store_write != NULL) != store ||
	    (p->store_end != NULL) != store ||
	    (p->store_read != NULL) != store ||
	    (p->uri_open != NULL) != (p->uri_read != NULL))
		return FWD_E_API;
	return FWD_OK;
}

static fwd_status
run_envelope(struct fwd_ctx *ctx, struct fwd_span envelope)
{
	FWD_TRY(fwd_run_begin(ctx));
	ctx->bundle.end = true;		/* there are no members */
	FWD_TRY(authenticate(ctx, envelope, FWD_ORIGIN_SIGNERS));
	return interpret(ctx);
}

fwd_status
fwd_envelope_run(struct fwd_ctx *ctx, struct fwd_span envelope)
{
	return fwd_verdict(ctx, run_envelope(ctx, envelope));
}

fwd_status
fwd_bundle_open(struct fwd_ctx *ctx)
{
	struct fwd_span envelope;

	FWD_TRY(fwd_run_begin(ctx));
	FWD_TRY(read_envelope(ctx, &envelope));
	return authenticate(ctx, envelope, FWD_ORIGIN_SIGNERS);
}

static fwd_status
check_bundle(struct fwd_ctx *ctx)
{
	FWD_TRY(fwd_bundle_open(ctx));
	return interpret(ctx);
}

fwd_status
fwd_bundle_check(struct fwd_ctx *ctx)
{
	return fwd_verdict(ctx, check_bundle(ctx));
}

/* Signatures that were judged when their certificates were valid. */
static fwd_status
authenticate_again(struct fwd_ctx *ctx, struct fwd_span envelope,
    bool signatures)
{
	const struct fwd_policy *const policy = ctx->policy;
	struct fwd_policy timeless = *policy;
	fwd_status s;

	timeless.clock = FWD_CLOCK_NONE;
	timeless.time_min = INT64_MIN;
	ctx->policy = &timeless;
	s = authenticate(ctx, envelope,
	    signatures ? FWD_ORIGIN_SIGNERS : FWD_ORIGIN_STORAGE);
	ctx->policy = policy;
	return s;
}

fwd_status
fwd_boot_begin(struct fwd_ctx *ctx, struct fwd_span envelope, bool signatures)
{
	FWD_TRY(fwd_run_begin(ctx));
	ctx->bundle.end = true;
	FWD_TRY(authenticate_again(ctx, envelope, signatures));
	FWD_TRY(fwd_clock_read(ctx));
	FWD_TRY(check_components(ctx));
	return fwd_sequences_survey(ctx);
}

/* ---- remembering what failed ------------------------------------------ */

/* Keep the last failed step; what its fact points to may be gone soon. */
static void
remember(void *arg, const struct fwd_event *said)
{
	struct fwd_ctx *const ctx = arg;
	struct fwd_event own = *said;
	const struct fwd_event *const ev = &own;

	if (own.step == FWD_STEP_COMMAND)
		own.policy = ctx->seq.policy;
	if (ev->status != FWD_OK && ev->status != FWD_UNJUDGED &&
	    (ev->status != ctx->refusal.status || ev->got.kind != FWD_FACT_NONE
	    || ev->want.kind != FWD_FACT_NONE)) {
		ctx->refusal = *ev;
		if (ev->got.kind == FWD_FACT_HEX &&
		    ev->got.s.n <= sizeof ctx->fact) {
			memcpy(ctx->fact, ev->got.s.p, ev->got.s.n);
			ctx->refusal.got.s.p = ctx->fact;
		}
	}
	if (ctx->port->trace.fn != NULL)
		ctx->port->trace.fn(ctx->port->trace.ctx, ev);
}

struct fwd_tracer
fwd_ctx_tracer(struct fwd_ctx *ctx)
{
	return (struct fwd_tracer){ remember, ctx };
}

fwd_status
fwd_note(struct fwd_ctx *ctx, enum fwd_step step, fwd_status status,
    uint32_t index, int64_t code, struct fwd_hint got, struct fwd_hint want)
{
	return fwd_report(fwd_ctx_tracer(ctx), step, status, index, code, got,
	    want);
}

fwd_status
fwd_tell(struct fwd_ctx *ctx, enum fwd_step step, fwd_status status,
    uint32_t index, int64_t code)
{
	return fwd_note(ctx, step, status, index, code, fwd_hint_none(),
	    fwd_hint_none());
}
