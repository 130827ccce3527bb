/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adding signatures to a bundle: a new envelope in front, everything behind it
 * copied byte by byte, and the whole judged as after a build.  What is signed
 * was judged first, by the device library and in the copy that will be
 * released, so that a key never vouches for what no device would take.
 */
#include <string.h>

#include "host/build_internal.h"

struct resign {
	const struct fw_build_options *opt;
	struct fw_built *built;
	struct fw_source in;
	struct fw_output out;
	struct fw_signers signers;
	uint64_t mtime;			/* of the envelope that was there */
	struct fw_buf old, new_;	/* envelopes */
	struct fwd_envelope env;	/* old */
	struct fwd_span block[FWD_AUTH_MAX];
};

static void
resign_deinit(struct resign *r)
{
	fw_source_deinit(&r->in);
	fw_output_abandon(&r->out);
	fw_signers_deinit(&r->signers);
	fw_buf_deinit(&r->old);
	fw_buf_deinit(&r->new_);
}

/* Eleven octal digits. */
static uint64_t
octal(const uint8_t *p)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < 11; i++)
		v = v << 3 | (uint64_t)(p[i] & 7);
	return v;
}

static enum fw_kind
no_bundle(const struct resign *r, const char *why, struct fw_error *err)
{
	return fw_fail(err, FW_E_REFUSED, "'%s' is not a bundle: %s",
	    r->in.path, why);
}

/* The first member, taken apart. */
static enum fw_kind
read_envelope(struct resign *r, struct fw_error *err)
{
	uint8_t header[FWD_BLOCK], same[FWD_BLOCK];
	uint64_t size;
	fwd_status s;

	if (r->in.size < 3 * FWD_BLOCK)
		return no_bundle(r, "it is too short", err);
	FW_TRY(fw_read_at(r->in.fd, header, sizeof header, 0, err));
	size = octal(header + 124);
	r->mtime = octal(header + 136);
	FW_TRY(fw_bundle_header(FW_ENVELOPE_NAME, size, r->mtime, same, err));
	if (memcmp(header, same, sizeof header) != 0)
		return no_bundle(r, "it does not begin with a member '"
		    FW_ENVELOPE_NAME "'", err);
	if (size > FW_ENVELOPE_WRITE_MAX || size > r->in.size - FWD_BLOCK)
		return no_bundle(r, "its envelope is too large", err);
	FW_TRY(fw_buf_reserve(&r->old, (size_t)size, err));
	FW_TRY(fw_read_at(r->in.fd, r->old.p, (size_t)size, FWD_BLOCK, err));
	r->old.n = (size_t)size;
	s = fwd_envelope_read(fw_buf_span(&r->old), &r->env);
	return s == FWD_OK ? FW_OK : no_bundle(r, fwd_status_text(s), err);
}

/* A signer must hash the manifest before signing its digest (8.3). */
static enum fw_kind
check_digest(const struct resign *r, struct fw_error *err)
{
	const struct fwd_digest *const want = &r->env.digest;
	uint8_t got[FWD_DIGEST_MAX];

	FW_TRY(fw_digest((int32_t)want->alg, r->env.manifest_bstr, got, err));
	if (memcmp(got, want->bytes.p, want->bytes.n) != 0)
		return no_bundle(r,
		    fwd_status_text(FWD_E_MANIFEST_DIGEST), err);
	memcpy(r->built->manifest_digest, got, want->bytes.n);
	return FW_OK;
}

/* Nobody signs twice. */
static enum fw_kind
check_new(const struct resign *r, struct fw_error *err)
{
	struct fwd_anchor leaf;
	struct fwd_cose cose;
	size_t i, j;

	if (r->env.blocks + r->signers.n > FWD_AUTH_MAX)
		return fw_fail(err, FW_E_REFUSED, "'%s' would have more than "
		    "%u signatures", r->in.path, FWD_AUTH_MAX);
	for (i = 0; i < r->env.blocks; i++) {
		if (fwd_cose_read(r->env.block[i], &cose) != FWD_OK ||
		    cose.certs == 0 ||
		    fwd_anchor_read(cose.cert[0], &leaf) != FWD_OK)
			continue;
		for (j = 0; j < r->signers.n; j++)
			if (fwd_span_equal(leaf.spki, fw_key_public(
			    r->signers.signer[j].key)))
				return fw_fail(err, FW_E_REFUSED,
				    "'%s' has been signed with %s "
				    "already", r->in.path, fw_key_label(
				    r->signers.signer[j].key));
	}
	return FW_OK;
}

/* Make the new envelope, with blanks for new signatures or for good. */
static enum fw_kind
encode(struct resign *r, bool blank, struct fw_error *err)
{
	size_t i, n = 0;

	fw_buf_deinit(&r->new_);
	FW_TRY(fw_signers_sign(&r->signers, r->env.payload, blank, err));
	for (i = 0; i < r->env.blocks; i++)
		r->block[n++] = r->env.block[i];
	for (i = 0; i < r->signers.n; i++)
		r->block[n++] = r->signers.span[i];
	return fw_envelope_rewrap(&r->env, r->block, n, &r->new_, err);
}

static enum fw_kind
write_envelope(struct resign *r, struct fw_error *err)
{
	uint8_t header[FWD_BLOCK];

	FW_TRY(fw_bundle_header(FW_ENVELOPE_NAME, r->new_.n, r->mtime, header,
	    err));
	if (fw_write_at(r->out.fd, header, sizeof header, 0, err) != FW_OK ||
	    fw_write_at(r->out.fd, r->new_.p, r->new_.n, FWD_BLOCK, err) !=
	    FW_OK)
		return fw_wrap(err, "'%s'", r->out.path);
	return FW_OK;
}

/* A new, blank envelope and behind it all that was behind the old one. */
static enum fw_kind
copy_rest(struct resign *r, struct fw_error *err)
{
	const uint64_t from = FWD_BLOCK + fw_bundle_padded(r->old.n);
	const uint64_t to = FWD_BLOCK + fw_bundle_padded(r->new_.n);

	if (r->in.size < from)
		return no_bundle(r, "it is too short", err);
	r->built->size = to + (r->in.size - from);
	r->built->envelope = r->new_.n;
	if (ftruncate(r->out.fd, (off_t)r->built->size) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'",
		    r->out.path);
	FW_TRY(write_envelope(r, err));
	if (fw_copy_range(&r->in, from, r->in.size - from, r->out.fd, to,
	    err) != FW_OK)
		return fw_wrap(err, "'%s'", r->out.path);
	return FW_OK;
}

/* Before signing: the content, and the signatures that are there. */
static enum fw_kind
judge_before(const struct resign *r, struct fw_error *err)
{
	const struct fw_selfcheck sc = {
		.crypto = r->opt->crypto, .fd = r->out.fd,
		.envelope_n = r->new_.n, .first = 0, .signers = r->env.blocks,
		.bare_ok = true,
	};

	if (fw_selfcheck(&sc, err) != FW_OK)
		return fw_wrap(err, "'%s' is not signed", r->in.path);
	return FW_OK;
}

static enum fw_kind
judge_after(const struct resign *r, struct fw_error *err)
{
	struct fw_selfcheck sc = {
		.crypto = r->opt->crypto, .fd = r->out.fd,
		.envelope_n = r->new_.n, .first = r->env.blocks,
		.clock = r->opt->clock,
	};

	return fw_signers_judge(&r->signers, &sc, r->opt, r->built, err);
}

static enum fw_kind
sign(struct resign *r, struct fw_error *err)
{
	const size_t reserved = r->new_.n;

	FW_TRY(encode(r, false, err));
	if (r->new_.n != reserved)
		return fw_fail(err, FW_E_REFUSED, "internal error: the "
		    "envelope has %zu bytes instead of %zu", r->new_.n,
		    reserved);
	return write_envelope(r, err);
}

enum fw_kind
fw_resign(const char *path, const char *out_path,
    const struct fw_build_options *opt, struct fw_built *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	FW_CLEANUP(resign_deinit) struct resign r = {
		.opt = opt, .built = &built, .in = FW_SOURCE_NONE,
		.out = FW_OUTPUT_NONE
	};

	FW_TRY(fw_source_open(path, &r.in, err));
	FW_TRY(read_envelope(&r, err));
	FW_TRY(check_digest(&r, err));
	FW_TRY(fw_output_open(out_path, &r.out, err));
	FW_TRY(fw_signers_spare(opt->signer, opt->signers, opt, &r.out, err));
	FW_TRY(fw_signers_open(opt->signer, opt->signers, opt, &r.signers,
	    err));
	FW_TRY(check_new(&r, err));
	FW_TRY(encode(&r, true, err));
	FW_TRY(copy_rest(&r, err));
	FW_TRY(judge_before(&r, err));
	FW_TRY(sign(&r, err));
	FW_TRY(judge_after(&r, err));
	FW_TRY(fw_source_unchanged(&r.in, err));
	FW_TRY(fw_signers_report(&r.signers, r.env.blocks, &built, err));
	fw_signers_deinit(&r.signers);
	FW_TRY(fw_output_commit(&r.out, err));
	*out = built;
	built = (struct fw_built){ 0 };
	return FW_OK;
}
