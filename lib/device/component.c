/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Components: filled by fetch, copy and write, compared with digests and
 * content.  Where the port stores nothing, the digest of what would have been
 * stored stands for the stored bytes.
 */
#include "device/internal.h"

static bool
stores(const struct fwd_ctx *ctx)
{
	return ctx->port->store_write != NULL;
}

static bool
is_set(const struct fwd_component *c, unsigned parameter)
{
	return (c->set >> parameter & 1u) != 0;
}

fwd_status
fwd_hash(const struct fwd_crypto *crypto, int64_t alg, struct fwd_span data,
    uint8_t *out)
{
	const size_t n = fwd_digest_size(alg);

	if (n == 0)
		return FWD_E_DIGEST_ALG;
	FWD_TRY(crypto->hash_start(crypto->ctx, (int32_t)alg));
	FWD_TRY(crypto->hash_add(crypto->ctx, data.p, data.n));
	return crypto->hash_end(crypto->ctx, out, n);
}

/* ---- filling --------------------------------------------------------- */

/* Something is about to be written: may it, and is there room? */
static fwd_status
prepare(struct fwd_ctx *ctx, uint32_t i, uint64_t size)
{
	struct fwd_component *const c = &ctx->component[i];

	if ((ctx->policy->flags & FWD_ANY_PROFILE) == 0 &&
	    (!c->vendor_ok || !c->class_ok))
		return FWD_E_UNCHECKED_ID;
	FWD_TRY(fwd_right_check(ctx, i));
	if (size > c->capacity)
		return fwd_note(ctx, FWD_STEP_COMPONENT, FWD_E_STORE_SIZE, i,
		    0, fwd_hint_uint(&size),
		    fwd_at_most(fwd_hint_uint(&c->capacity)));
	if (fwd_launder64(size) > fwd_launder64(c->capacity))
		fwd_panic();
	return FWD_OK;
}

/* From now on nobody knows what it holds, and it has to be matched. */
static void
spoil(struct fwd_component *c)
{
	c->have_alg = 0;
	c->written = true;
	c->ever_written = true;
	c->validated = false;
}

static fwd_status
begin(struct fwd_ctx *ctx, uint32_t i, uint64_t size)
{
	FWD_TRY(prepare(ctx, i, size));
	spoil(&ctx->component[i]);
	return stores(ctx) ?
	    ctx->port->store_begin(ctx->port->ctx, i, size) : FWD_OK;
}

static fwd_status
put(struct fwd_ctx *ctx, uint32_t i, uint64_t off, struct fwd_span data)
{
	if (!stores(ctx) || data.n == 0)
		return FWD_OK;
	return ctx->port->store_write(ctx->port->ctx, i, off, data.p, data.n);
}

static fwd_status
finish(struct fwd_ctx *ctx, uint32_t i)
{
	return stores(ctx) ? ctx->port->store_end(ctx->port->ctx, i) : FWD_OK;
}

/* The digest parameter was reached: remember it as what the component has. */
static fwd_status
digest_reached(struct fwd_component *c, uint64_t size, const uint8_t *got,
    fwd_status mismatch)
{
	FWD_TRY(fwd_equal(got, c->digest.bytes.p, c->digest.bytes.n,
	    mismatch));
	c->have_alg = c->digest.alg;
	c->have_size = size;
	memcpy(c->have, got, c->digest.bytes.n);
	return FWD_OK;
}

/* A payload of another size than the manifest says. */
static fwd_status
refuse_size(struct fwd_ctx *ctx, uint32_t i, uint64_t size)
{
	return fwd_note(ctx, FWD_STEP_PAYLOAD, FWD_E_PAYLOAD_SIZE, i, 0,
	    fwd_hint_uint(&size), fwd_hint_uint(&ctx->component[i].size));
}

static fwd_status
note_payload(struct fwd_ctx *ctx, fwd_status s, uint32_t i,
    const uint8_t *got)
{
	const struct fwd_span want = ctx->component[i].digest.bytes;

	return fwd_note(ctx, FWD_STEP_PAYLOAD, s, i, 0,
	    fwd_hint_hex(fwd_span_of(got, want.n)), fwd_hint_hex(want));
}

/* An integrated payload: the element of the envelope with that name. */
static bool
find_integrated(const struct fwd_envelope *env, struct fwd_span name,
    struct fwd_span *content)
{
	struct fwd_member m;
	size_t at = 0;

	while (fwd_envelope_next(env, &at, &m)) {
		if (m.key == 0 && fwd_span_equal(m.name, name)) {
			*content = m.content;
			return true;
		}
	}
	return false;
}

static fwd_status
take_integrated(struct fwd_ctx *ctx, uint32_t i, struct fwd_span data)
{
	struct fwd_component *const c = &ctx->component[i];
	uint8_t got[FWD_DIGEST_MAX];
	fwd_status s;

	if (is_set(c, FWD_PAR_SIZE) && data.n != c->size)
		return refuse_size(ctx, i, data.n);
	FWD_TRY(begin(ctx, i, data.n));
	FWD_TRY(put(ctx, i, 0, data));
	FWD_TRY(finish(ctx, i));
	FWD_TRY(fwd_hash(ctx->crypto, c->digest.alg, data, got));
	s = digest_reached(c, data.n, got, FWD_E_PAYLOAD_DIGEST);
	return note_payload(ctx, s, i, got);
}

/* Take the header of the next payload; it has to be the one listed next. */
static fwd_status
next_payload(struct fwd_ctx *ctx, struct fwd_span *name)
{
	*name = ctx->payload.uri[ctx->payload.next];
	FWD_TRY(fwd_member_expect(ctx, *name));
	ctx->payload.next++;
	return FWD_OK;
}

/* Read over a payload that is for another slot, and say so. */
static fwd_status
pass_payload(struct fwd_ctx *ctx, struct fwd_span name)
{
	FWD_TRY(fwd_member_pass(ctx));
	return fwd_note(ctx, FWD_STEP_PAYLOAD, FWD_UNJUDGED, FWD_NO_INDEX, 0,
	    fwd_hint_text(name), fwd_hint_none()) == FWD_UNJUDGED ? FWD_OK :
	    FWD_E_API;
}

fwd_status
fwd_payloads_pass(struct fwd_ctx *ctx)
{
	struct fwd_span name;

	while (ctx->payload.next < ctx->payload.n) {
		FWD_TRY(next_payload(ctx, &name));
		FWD_TRY(pass_payload(ctx, name));
	}
	return FWD_OK;
}

/* Go on in the bundle to the member of that name, past those before it. */
static fwd_status
find_member(struct fwd_ctx *ctx, struct fwd_span name)
{
	struct fwd_span next;

	while (ctx->payload.next < ctx->payload.n) {
		FWD_TRY(next_payload(ctx, &next));
		if (fwd_span_equal(next, name))
			return FWD_OK;
		FWD_TRY(pass_payload(ctx, next));
	}
	return FWD_E_PAYLOAD_MISSING;
}

/* The next bytes of what the port has opened; none at its end. */
static fwd_status
uri_data(struct fwd_ctx *ctx, struct fwd_span *data)
{
	*data = fwd_span_of(ctx->transfer, 0);
	FWD_TRY(ctx->port->uri_read(ctx->port->ctx, ctx->transfer,
	    ctx->transfer_n, &data->n));
	return data->n <= ctx->transfer_n ? FWD_OK : FWD_E_API;
}

/* Stream size bytes into the component: of the current member, or of what the
   port has opened. */
static fwd_status
stream(struct fwd_ctx *ctx, uint32_t i, bool member, uint64_t size,
    uint8_t *got)
{
	const struct fwd_crypto *const crypto = ctx->crypto;
	struct fwd_component *const c = &ctx->component[i];
	struct fwd_span data;
	uint64_t off = 0;

	FWD_TRY(crypto->hash_start(crypto->ctx, (int32_t)c->digest.alg));
	do {
		FWD_TRY(member ? fwd_member_data(ctx, &data) :
		    uri_data(ctx, &data));
		if (data.n > size - off)	/* more than was announced */
			return FWD_E_PAYLOAD_SIZE;
		FWD_TRY(crypto->hash_add(crypto->ctx, data.p, data.n));
		FWD_TRY(put(ctx, i, off, data));
		off += data.n;
	} while (data.n != 0);
	if (!member && off != size)
		return FWD_E_PAYLOAD_SIZE;
	if (fwd_launder64(off) != size)
		fwd_panic();		/* the loop cannot end here by itself */
	FWD_TRY(crypto->hash_end(crypto->ctx, got, c->digest.bytes.n));
	return finish(ctx, i);
}

bool
fwd_uri_is_remote(const struct fwd_ctx *ctx, struct fwd_span uri)
{
	return ctx->port->uri_open != NULL && (uri.n == 0 ||
	    uri.p[0] != '#') && !fwd_member_name_ok(uri);
}

static fwd_status
take_streamed(struct fwd_ctx *ctx, uint32_t i)
{
	struct fwd_component *const c = &ctx->component[i];
	const bool member = !fwd_uri_is_remote(ctx, c->uri);
	uint8_t got[FWD_DIGEST_MAX] = { 0 };
	uint64_t size = 0;
	fwd_status s;

	if (member) {
		FWD_TRY(find_member(ctx, c->uri));
		size = ctx->bundle.size;
	} else {
		FWD_TRY(ctx->port->uri_open(ctx->port->ctx, c->uri, &size));
	}
	if (is_set(c, FWD_PAR_SIZE) && size != c->size)
		return refuse_size(ctx, i, size);
	FWD_TRY(begin(ctx, i, size));
	FWD_TRY(stream(ctx, i, member, size, got));
	s = digest_reached(c, size, got, FWD_E_PAYLOAD_DIGEST);
	return note_payload(ctx, s, i, got);
}

fwd_status
fwd_component_fetch(struct fwd_ctx *ctx, uint32_t i)
{
	const struct fwd_component *const c = &ctx->component[i];
	struct fwd_span data;

	if (!is_set(c, FWD_PAR_URI) || !is_set(c, FWD_PAR_DIGEST))
		return FWD_E_UNSET;
	if (!is_set(c, FWD_PAR_SIZE) &&
	    (ctx->policy->flags & FWD_ANY_PROFILE) == 0)
		return FWD_E_UNSET;
	if (c->uri.n == 0 || c->uri.p[0] != '#')
		return take_streamed(ctx, i);
	if (!find_integrated(&ctx->env, c->uri, &data))
		return FWD_E_PAYLOAD_MISSING;
	return take_integrated(ctx, i, data);
}

/*
 * The source that copy and swap need: filled in this run, and matched since.
 */
static fwd_status
find_source(struct fwd_ctx *ctx, uint32_t i, struct fwd_component **from)
{
	const struct fwd_component *const c = &ctx->component[i];

	if (!is_set(c, FWD_PAR_SOURCE) || !is_set(c, FWD_PAR_DIGEST))
		return FWD_E_UNSET;
	if (c->source >= ctx->components || c->source == i)
		return FWD_E_INDEX;
	*from = &ctx->component[c->source];
	if ((*from)->have_alg == 0)
		return FWD_E_PAYLOAD_MISSING;
	if ((*from)->written && (ctx->policy->flags & FWD_ANY_PROFILE) == 0)
		return FWD_E_UNCHECKED_IMAGE;
	return FWD_OK;
}

/* Copy stored bytes through the transfer buffer. */
static fwd_status
copy_stored(struct fwd_ctx *ctx, uint32_t to, uint32_t from, uint64_t size)
{
	uint64_t off = 0;
	size_t n;

	for (; off < size; off += n) {
		n = size - off < ctx->transfer_n ? (size_t)(size - off) :
		    ctx->transfer_n;
		FWD_TRY(ctx->port->store_read(ctx->port->ctx, from, off,
		    ctx->transfer, n));
		FWD_TRY(put(ctx, to, off, fwd_span_of(ctx->transfer, n)));
	}
	return finish(ctx, to);
}

/*
 * Is the copy to become something else than the source?  A device may unpack
 * while it writes; what came out is judged by reading it back.  The profile of
 * fwbundle(5) has no such copies.
 */
static bool
is_other(const struct fwd_ctx *ctx, const struct fwd_component *c,
    const struct fwd_component *from)
{
	return (ctx->policy->flags & FWD_ANY_PROFILE) != 0 &&
	    from->have_alg == c->digest.alg &&
	    memcmp(from->have, c->digest.bytes.p, c->digest.bytes.n) != 0;
}

fwd_status
fwd_component_copy(struct fwd_ctx *ctx, uint32_t i)
{
	struct fwd_component *const c = &ctx->component[i];
	struct fwd_component *from;

	FWD_TRY(find_source(ctx, i, &from));
	FWD_TRY(fwd_right_check(ctx, (uint32_t)c->source));
	from->copied_from = true;
	if (is_other(ctx, c, from)) {
		FWD_TRY(begin(ctx, i, is_set(c, FWD_PAR_SIZE) ? c->size :
		    from->have_size));
	} else {
		FWD_TRY(begin(ctx, i, from->have_size));
		c->have_alg = from->have_alg;
		c->have_size = from->have_size;
		memcpy(c->have, from->have, sizeof c->have);
	}
	return stores(ctx) ? copy_stored(ctx, i, (uint32_t)c->source,
	    from->have_size) : FWD_OK;
}

static void
exchange(struct fwd_component *a, struct fwd_component *b)
{
	uint8_t have[FWD_DIGEST_MAX];
	const int64_t alg = a->have_alg;
	const uint64_t size = a->have_size;

	memcpy(have, a->have, sizeof have);
	a->have_alg = b->have_alg;
	a->have_size = b->have_size;
	memcpy(a->have, b->have, sizeof have);
	b->have_alg = alg;
	b->have_size = size;
	memcpy(b->have, have, sizeof have);
}

/* Both are written, so both have to be allowed and matched. */
fwd_status
fwd_component_swap(struct fwd_ctx *ctx, uint32_t i)
{
	const struct fwd_port *const port = ctx->port;
	struct fwd_component *const c = &ctx->component[i];
	struct fwd_component *from;
	int64_t alg[2];
	uint32_t k;

	if ((ctx->policy->flags & FWD_ALLOW_SWAP) == 0 ||
	    (stores(ctx) && port->store_swap == NULL))
		return FWD_E_DISABLED;
	FWD_TRY(find_source(ctx, i, &from));
	k = (uint32_t)c->source;
	FWD_TRY(prepare(ctx, i, from->have_size));
	/* What it held before is not known, perhaps; the port knows then. */
	FWD_TRY(prepare(ctx, k, c->have_alg != 0 ? c->have_size : 0));
	alg[0] = c->have_alg;
	alg[1] = from->have_alg;
	spoil(c);
	spoil(from);
	if (stores(ctx))
		FWD_TRY(port->store_swap(port->ctx, i, k));
	c->have_alg = alg[0];
	from->have_alg = alg[1];
	exchange(c, from);
	return FWD_OK;
}

fwd_status
fwd_component_write(struct fwd_ctx *ctx, uint32_t i)
{
	struct fwd_component *const c = &ctx->component[i];
	const int64_t alg = is_set(c, FWD_PAR_DIGEST) ? c->digest.alg :
	    FWD_SHA256;

	if (!is_set(c, FWD_PAR_CONTENT))
		return FWD_E_UNSET;
	FWD_TRY(begin(ctx, i, c->content.n));
	FWD_TRY(put(ctx, i, 0, c->content));
	FWD_TRY(finish(ctx, i));
	FWD_TRY(fwd_hash(ctx->crypto, alg, c->content, c->have));
	c->have_alg = alg;
	c->have_size = c->content.n;
	return FWD_OK;
}

/* ---- comparing ------------------------------------------------------- */

fwd_status
fwd_hash_stored(struct fwd_ctx *ctx, uint32_t i, int64_t alg, uint64_t size,
    uint8_t *out)
{
	const struct fwd_crypto *const crypto = ctx->crypto;
	uint64_t off = 0;
	size_t n;

	FWD_TRY(crypto->hash_start(crypto->ctx, (int32_t)alg));
	for (; off < size; off += n) {
		n = size - off < ctx->transfer_n ? (size_t)(size - off) :
		    ctx->transfer_n;
		FWD_TRY(ctx->port->store_read(ctx->port->ctx, i, off,
		    ctx->transfer, n));
		FWD_TRY(crypto->hash_add(crypto->ctx, ctx->transfer, n));
	}
	if (fwd_launder64(off) != size)
		fwd_panic();
	return crypto->hash_end(crypto->ctx, out, fwd_digest_size(alg));
}

/* What was written has been compared, by reading it back where it is stored. */
static fwd_status
matched(struct fwd_ctx *ctx, uint32_t i, fwd_status verdict)
{
	struct fwd_component *const c = &ctx->component[i];

	c->written = false;
	if (ctx->seq.section == FWD_MAN_VALIDATE ||
	    ctx->seq.section == FWD_MAN_LOAD)
		c->validated = true;
	return verdict;
}

/* Nothing is known of the component: only a tool may leave it at that. */
static fwd_status
unknown(struct fwd_ctx *ctx, uint32_t i, fwd_status mismatch)
{
	if ((ctx->policy->flags & FWD_NO_DEVICE) == 0)
		return mismatch;
	return matched(ctx, i, FWD_UNJUDGED);
}

/*
 * Find out the digest of what it holds, got.  *fits: it may be the one of the
 * digest parameter; otherwise it is another image for its size or algorithm.
 */
static fwd_status
measure(struct fwd_ctx *ctx, uint32_t i, uint8_t *got, size_t *got_n,
    bool *fits)
{
	const struct fwd_component *const c = &ctx->component[i];
	const uint64_t size = is_set(c, FWD_PAR_SIZE) ? c->size :
	    c->have_size;

	*fits = false;
	if (stores(ctx)) {
		if (!is_set(c, FWD_PAR_SIZE) && c->have_alg == 0)
			return FWD_E_UNSET;
		if (size > c->capacity)
			return FWD_OK;
		FWD_TRY(fwd_hash_stored(ctx, i, c->digest.alg, size, got));
	} else {
		memcpy(got, c->have, FWD_DIGEST_MAX);
		if (c->have_alg != c->digest.alg)
			return FWD_OK;
	}
	*got_n = c->digest.bytes.n;
	*fits = c->have_alg == 0 || c->have_size == size;
	return FWD_OK;
}

fwd_status
fwd_component_match(struct fwd_ctx *ctx, uint32_t i, uint8_t *got,
    size_t *got_n)
{
	struct fwd_component *const c = &ctx->component[i];
	bool fits;

	*got_n = 0;
	if (!is_set(c, FWD_PAR_DIGEST))
		return FWD_E_UNSET;
	if (!stores(ctx) && c->have_alg == 0)
		return unknown(ctx, i, FWD_E_IMAGE);
	FWD_TRY(measure(ctx, i, got, got_n, &fits));
	if (!fits)
		return FWD_E_IMAGE;
	FWD_TRY(fwd_equal(got, c->digest.bytes.p, c->digest.bytes.n,
	    FWD_E_IMAGE));
	return matched(ctx, i, FWD_OK);
}

fwd_status
fwd_component_mismatch(struct fwd_ctx *ctx, uint32_t i, uint8_t *got,
    size_t *got_n)
{
	const struct fwd_component *const c = &ctx->component[i];
	bool fits;

	*got_n = 0;
	if (!is_set(c, FWD_PAR_DIGEST))
		return FWD_E_UNSET;
	/* Of another algorithm's digest nobody can tell. */
	if (!stores(ctx) && c->have_alg != c->digest.alg)
		return (ctx->policy->flags & FWD_NO_DEVICE) != 0 ?
		    FWD_UNJUDGED : FWD_E_SAME_IMAGE;
	FWD_TRY(measure(ctx, i, got, got_n, &fits));
	if (!fits)
		return FWD_OK;
	/* Equal unless proven otherwise. */
	return fwd_equal(got, c->digest.bytes.p, c->digest.bytes.n,
	    FWD_E_IMAGE) == FWD_E_IMAGE ? FWD_OK : FWD_E_SAME_IMAGE;
}

/* Compare stored bytes with the content, all of them (8.4.9.3). */
static fwd_status
content_stored(struct fwd_ctx *ctx, uint32_t i)
{
	const struct fwd_span want = ctx->component[i].content;
	uint32_t differs = 0;
	size_t off = 0, n;

	for (; off < want.n; off += n) {
		n = want.n - off < ctx->transfer_n ? want.n - off :
		    ctx->transfer_n;
		FWD_TRY(ctx->port->store_read(ctx->port->ctx, i, off,
		    ctx->transfer, n));
		differs |= fwd_equal(ctx->transfer, want.p + off, n,
		    FWD_E_CONTENT) ^ FWD_OK;
	}
	if (fwd_launder64(off) != want.n)
		fwd_panic();
	return fwd_launder(differs) == 0 ? FWD_OK : FWD_E_CONTENT;
}

fwd_status
fwd_component_content(struct fwd_ctx *ctx, uint32_t i)
{
	struct fwd_component *const c = &ctx->component[i];
	uint8_t want[FWD_DIGEST_MAX];

	if (!is_set(c, FWD_PAR_CONTENT))
		return FWD_E_UNSET;
	if (c->have_alg != 0 && c->have_size != c->content.n)
		return FWD_E_CONTENT;
	if (stores(ctx)) {
		if (c->content.n > c->capacity)
			return FWD_E_CONTENT;
		FWD_TRY(content_stored(ctx, i));
	} else if (c->have_alg == 0) {
		return unknown(ctx, i, FWD_E_CONTENT);
	} else {
		FWD_TRY(fwd_hash(ctx->crypto, c->have_alg, c->content, want));
		FWD_TRY(fwd_equal(want, c->have, fwd_digest_size(c->have_alg),
		    FWD_E_CONTENT));
	}
	return matched(ctx, i, FWD_OK);
}
