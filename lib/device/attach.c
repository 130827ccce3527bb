/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments: files such as an SBOM that travel behind the payloads.  Their
 * names, sizes and digests stand in the signed text section as JSON in one
 * fixed form (fwbundle(5)), so that reading it takes no JSON parser:
 *
 * [{"digest":"sha-256:HEX","name":"NAME","size":N,"type":"TYPE"},...]
 */
#include "device/internal.h"

/* Take a literal off the front. */
static bool
take(struct fwd_span *s, const char *literal, size_t n)
{
	if (s->n < n || memcmp(s->p, literal, n) != 0)
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

#define TAKE(s, literal) take(s, literal, sizeof(literal) - 1)

/* Take a string's characters up to its closing quote; no escapes. */
static bool
take_string(struct fwd_span *s, struct fwd_span *out)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != '"' && s->p[n] != '\\' &&
	    s->p[n] > 0x20 && s->p[n] < 0x7f)
		n++;
	*out = (struct fwd_span){ s->p, n };
	s->p += n;
	s->n -= n;
	return n > 0 && TAKE(s, "\"");
}

static bool
take_size(struct fwd_span *s, uint64_t *out)
{
	size_t n = 0;

	*out = 0;
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9') {
		if (*out > (uint64_t)INT64_MAX / 10 - 1)
			return false;
		*out = *out * 10 + (uint64_t)(s->p[n++] - '0');
	}
	if (n == 0 || (n > 1 && s->p[0] == '0'))
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

/* One lower-case hexadecimal digit, 16 for anything else. */
static unsigned
hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

/* "sha-256:HEX", as many digits as the digest has. */
static bool
read_digest(struct fwd_span s, struct fwd_attachment *a)
{
	size_t n;

	a->digest_alg = TAKE(&s, "sha-256:") ? FWD_SHA256 :
	    TAKE(&s, "sha-384:") ? FWD_SHA384 :
	    TAKE(&s, "sha-512:") ? FWD_SHA512 : 0;
	n = fwd_digest_size(a->digest_alg);
	if (n == 0 || s.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const unsigned high = hex_digit(s.p[2 * i]);
		const unsigned low = hex_digit(s.p[2 * i + 1]);

		if (high > 15 || low > 15)
			return false;
		a->digest[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool
read_entry(struct fwd_span *s, struct fwd_attachment *a)
{
	struct fwd_span digest;

	return TAKE(s, "{\"digest\":\"") && take_string(s, &digest) &&
	    read_digest(digest, a) && TAKE(s, ",\"name\":\"") &&
	    take_string(s, &a->name) && fwd_member_name_ok(a->name) &&
	    TAKE(s, ",\"size\":") && take_size(s, &a->size) &&
	    TAKE(s, ",\"type\":\"") && take_string(s, &a->type) &&
	    TAKE(s, "}");
}

/* No two members have one name: who unpacks the bundle would lose one. */
static bool
name_taken(const struct fwd_ctx *ctx, struct fwd_span name)
{
	for (size_t i = 0; i < ctx->attachments; i++)
		if (fwd_span_equal(ctx->attachment[i].name, name))
			return true;
	for (size_t i = 0; i < ctx->payload.n; i++)
		if (fwd_span_equal(ctx->payload.uri[i], name))
			return true;
	return fwd_span_equal(fwd_envelope_member(), name);
}

static fwd_status
read_list(struct fwd_ctx *ctx, struct fwd_span s)
{
	struct fwd_attachment *to;

	if (ctx->attachments != 0 || !TAKE(&s, "["))
		return FWD_E_ATTACHMENT;	/* or there is a second list */
	do {
		if (ctx->attachments == FWD_ATTACHMENTS_MAX)
			return FWD_E_ATTACHMENT;
		to = &ctx->attachment[ctx->attachments];
		if (!read_entry(&s, to) || name_taken(ctx, to->name))
			return FWD_E_ATTACHMENT;
		ctx->attachments++;
	} while (TAKE(&s, ","));
	return TAKE(&s, "]") && s.n == 0 ? FWD_OK : FWD_E_ATTACHMENT;
}

/* One language: texts by number, and maps by component (section 8.4.4). */
static fwd_status
read_language(struct fwd_ctx *ctx, struct fwd_cbor *c)
{
	struct fwd_cbor_map map;
	struct fwd_span text;
	int64_t key;

	FWD_TRY(fwd_cbor_map(c, &map));
	while (map.left > 0) {
		FWD_TRY(fwd_cbor_key(c, &map));
		if (fwd_cbor_peek(c) == FWD_CBOR_ARRAY) {
			FWD_TRY(fwd_cbor_skip(c, NULL));
			FWD_TRY(fwd_cbor_skip(c, NULL));
			continue;
		}
		FWD_TRY(fwd_cbor_int(c, &key));
		FWD_TRY(fwd_cbor_text(c, &text));
		if (key == FWD_TEXT_ATTACHMENTS)
			FWD_TRY(read_list(ctx, text));
	}
	return FWD_OK;
}

static fwd_status
read_text(struct fwd_ctx *ctx)
{
	struct fwd_cbor c = fwd_cbor_open(ctx->man.text.content);
	struct fwd_cbor_map map;
	struct fwd_span tag;

	FWD_TRY(fwd_cbor_map(&c, &map));
	while (map.left > 0) {
		FWD_TRY(fwd_cbor_key(&c, &map));
		FWD_TRY(fwd_cbor_text(&c, &tag));
		FWD_TRY(read_language(ctx, &c));
	}
	return fwd_cbor_end(&c);
}

fwd_status
fwd_attachments_read(struct fwd_ctx *ctx)
{
	fwd_status s;

	ctx->attachments = 0;
	if (ctx->man.text.content.p == NULL)
		return FWD_OK;		/* severed: then none may follow */
	s = read_text(ctx);
	if (s != FWD_OK)
		return fwd_tell(ctx, FWD_STEP_ATTACHMENT, s, FWD_NO_INDEX, 0);
	return s;
}

/* Read the current member and compare it with what the list says. */
static fwd_status
check_data(struct fwd_ctx *ctx, const struct fwd_attachment *a)
{
	const struct fwd_crypto *const crypto = ctx->crypto;
	const size_t n = fwd_digest_size(a->digest_alg);
	uint8_t got[FWD_DIGEST_MAX];
	struct fwd_span data;

	if (ctx->bundle.size != a->size)
		return FWD_E_ATTACHMENT_SIZE;
	FWD_TRY(crypto->hash_start(crypto->ctx, (int32_t)a->digest_alg));
	do {
		FWD_TRY(fwd_member_data(ctx, &data));
		FWD_TRY(crypto->hash_add(crypto->ctx, data.p, data.n));
	} while (data.n != 0);
	FWD_TRY(crypto->hash_end(crypto->ctx, got, n));
	return fwd_equal(got, a->digest, n, FWD_E_ATTACHMENT_DIGEST);
}

static fwd_status
check_one(struct fwd_ctx *ctx, uint32_t i)
{
	const struct fwd_attachment *const a = &ctx->attachment[i];

	FWD_TRY(fwd_member_next(ctx));
	if (ctx->bundle.end)
		return fwd_note(ctx, FWD_STEP_ATTACHMENT,
		    FWD_E_ATTACHMENT_MISSING, i, 0, fwd_hint_none(),
		    fwd_hint_text(a->name));
	FWD_TRY(fwd_member_expect(ctx, a->name));
	return fwd_note(ctx, FWD_STEP_ATTACHMENT, check_data(ctx, a), i, 0,
	    fwd_hint_uint(&ctx->bundle.size), fwd_hint_uint(&a->size));
}

fwd_status
fwd_attachments_check(struct fwd_ctx *ctx)
{
	for (uint32_t i = 0; i < ctx->attachments; i++)
		FWD_TRY(check_one(ctx, i));
	FWD_TRY(fwd_member_next(ctx));
	if (!ctx->bundle.end)
		return fwd_note(ctx, FWD_STEP_END, FWD_E_MEMBER, FWD_NO_INDEX,
		    0, fwd_hint_text(fwd_span_of(ctx->bundle.name,
		    ctx->bundle.name_n)), FWD_HINT_LITERAL("end of the bundle"));
	return fwd_tell(ctx, FWD_STEP_END, FWD_OK, FWD_NO_INDEX, 0);
}
