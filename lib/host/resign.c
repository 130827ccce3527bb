/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other signatures for a bundle that is there: a new envelope in front,
 * everything behind it copied byte by byte, and the whole judged as after a
 * build.  What is signed was judged first, by the device library and in the
 * copy that will be released, so that a key never vouches for what no device
 * would take.
 */
#include <openssl/evp.h>
#include <string.h>

#include "host/build_internal.h"
#include "host/log.h"

struct resign {
	const struct fw_build_options *opt;
	const struct fw_rework *how;
	struct fw_built *built;
	struct fw_front old;
	struct fw_output out;
	struct fw_signers signers;
	struct fw_buf new_;		/* envelope */
	bool remove[FWD_AUTH_MAX];	/* blocks of old */
	struct fwd_span block[2 * FWD_AUTH_MAX];
	size_t kept;			/* the first of block */
	struct fw_learnt learnt;	/* of the output */
};

static void
resign_deinit(struct resign *r)
{
	fw_front_deinit(&r->old);
	fw_output_abandon(&r->out);
	fw_signers_deinit(&r->signers);
	fw_buf_deinit(&r->new_);
}

/* ---- what goes and what stays ---------------------------------------- */

/* Which signatures stay, and that they may. */
static enum fw_kind
select_blocks(struct resign *r, struct fw_error *err)
{
	const struct fwd_envelope *const env = &r->old.env;
	size_t i, gone;

	FW_TRY(fw_select(&r->old, r->how, r->opt->crypto, r->remove, err));
	for (i = 0; i < env->blocks; i++) {
		if (!r->remove[i]) {
			if (fw_deny_block(r->opt, env->block[i], err) !=
			    FW_OK)
				return fw_wrap(err, "signature %zu of '%s'",
				    i, r->old.in.path);
			r->block[r->kept++] = env->block[i];
			continue;
		}
		gone = r->built->removals;
		FW_TRY(fw_select_report(env, i, &r->built->removed[gone],
		    err));
		r->built->removals++;
	}
	r->built->kept = r->kept;
	if (r->built->removals == 0 && (r->how->all || r->how->n > 0))
		return fw_fail(err, FW_E_REFUSED, "'%s' has no signature that "
		    "could be %s", r->old.in.path, r->how->strip ? "removed" :
		    "replaced (add one with 'fwsign sign')");
	return FW_OK;
}

/* Nobody signs twice. */
static enum fw_kind
check_new(const struct resign *r, struct fw_error *err)
{
	struct fwd_anchor leaf;
	struct fwd_cose cose;
	size_t i, j;

	if (r->kept + r->signers.n > FWD_AUTH_MAX)
		return fw_fail(err, FW_E_REFUSED, "'%s' would have more than "
		    "%u signatures", r->old.in.path, FWD_AUTH_MAX);
	for (i = 0; i < r->kept; i++) {
		if (fwd_cose_read(r->block[i], &cose) != FWD_OK ||
		    cose.certs == 0 ||
		    fwd_anchor_read(cose.cert[0], &leaf) != FWD_OK)
			continue;
		for (j = 0; j < r->signers.n; j++)
			if (fwd_span_equal(leaf.spki, fw_key_public(
			    r->signers.signer[j].key)))
				return fw_fail(err, FW_E_REFUSED,
				    "'%s' has been signed with %s already "
				    "('%s')", r->old.in.path, fw_key_label(
				    r->signers.signer[j].key),
				    r->signers.signer[j].subject);
	}
	return FW_OK;
}

/* What was signed elsewhere is this manifest. */
static enum fw_kind
check_elsewhere(const struct resign *r, struct fw_error *err)
{
	const struct fw_elsewhere *e;
	size_t i;

	for (i = 0; i < r->opt->signers; i++) {
		e = r->opt->signer[i].elsewhere;
		if (e == NULL || e->payload.n == 0 || fwd_span_equal(
		    fw_buf_span(&e->payload), r->old.env.payload))
			continue;
		return fw_fail(err, FW_E_REFUSED, "'%s' is the response to a "
		    "request for another bundle than '%s' (their manifests "
		    "have different digests)", e->path, r->old.in.path);
	}
	return FW_OK;
}

/* ---- writing --------------------------------------------------------- */

/* Make the new envelope, with blanks for new signatures or for good. */
static enum fw_kind
encode(struct resign *r, bool blank, struct fw_error *err)
{
	size_t i;

	fw_buf_deinit(&r->new_);
	FW_TRY(fw_signers_sign(&r->signers, r->old.env.payload, blank, err));
	for (i = 0; i < r->signers.n; i++)
		r->block[r->kept + i] = r->signers.span[i];
	return fw_envelope_rewrap(&r->old.env, r->block,
	    r->kept + r->signers.n, &r->new_, err);
}

static enum fw_kind
write_envelope(struct resign *r, struct fw_error *err)
{
	uint8_t header[FWD_BLOCK];

	FW_TRY(fw_bundle_header(FW_ENVELOPE_NAME, r->new_.n, r->old.mtime,
	    header, err));
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
	const uint64_t size = r->old.in.size;
	const uint64_t from = FWD_BLOCK + fw_bundle_padded(r->old.envelope.n);
	const uint64_t to = FWD_BLOCK + fw_bundle_padded(r->new_.n);

	if (size < from)
		return fw_front_no_bundle(&r->old, "it is too short", err);
	r->built->size = to + (size - from);
	r->built->envelope = r->new_.n;
	r->built->contents.size = size - from;
	if (ftruncate(r->out.fd, (off_t)r->built->size) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'",
		    r->out.path);
	FW_TRY(write_envelope(r, err));
	if (fw_copy_range(&r->old.in, from, size - from, r->out.fd, to,
	    err) != FW_OK)
		return fw_wrap(err, "'%s'", r->out.path);
	return FW_OK;
}

/* ---- judging --------------------------------------------------------- */

/* Before signing: the content, and the signatures that are there.  Those that
   are only taken off need not hold. */
static enum fw_kind
judge_before(struct resign *r, struct fw_error *err)
{
	const struct fw_selfcheck sc = {
		.learn = &r->learnt, .crypto = r->opt->crypto, .fd = r->out.fd,
		.envelope_n = r->new_.n, .first = 0, .signers = r->kept,
		.bare_ok = true,
	};
	enum fw_kind kind = fw_selfcheck(&sc, err);
	size_t i;

	for (i = 0; kind == FW_OK && i < r->old.env.blocks; i++)
		if (r->remove[i] && !r->how->strip)
			kind = fw_selfcheck_block(&sc, &r->old.env, i, err);
	if (kind != FW_OK)
		return fw_wrap(err, "'%s' is not %s", r->old.in.path,
		    r->how->strip ? "written anew" : "signed");
	return FW_OK;
}

static enum fw_kind
judge_after(const struct resign *r, struct fw_error *err)
{
	struct fw_selfcheck sc = {
		.crypto = r->opt->crypto, .fd = r->out.fd,
		.envelope_n = r->new_.n, .first = r->kept,
		.clock = r->opt->clock,
	};

	if (!r->learnt.spoilt) {
		sc.known = r->learnt.known;
		sc.knowns = r->learnt.n;
		sc.alg = r->learnt.alg;
	}
	/* Without new signatures it is the same that was judged before. */
	if (r->signers.n == 0)
		return FW_OK;
	return fw_signers_judge(&r->signers, &sc, r->opt, r->built, err);
}

static enum fw_kind
sign(struct resign *r, struct fw_error *err)
{
	const size_t reserved = r->new_.n;

	if (r->signers.n == 0)
		return FW_OK;
	FW_TRY(encode(r, false, err));
	if (r->new_.n != reserved)
		return fw_fail(err, FW_E_REFUSED, "internal error: the "
		    "envelope has %zu bytes instead of %zu", r->new_.n,
		    reserved);
	return write_envelope(r, err);
}

/* ---- proving that the rest is the same ------------------------------- */

static void
md_free(EVP_MD_CTX **md)
{
	EVP_MD_CTX_free(*md);
}

/*
 * Read both files from these places to their ends: they must hold the same
 * bytes, whose SHA-256 is computed from what was read back.
 */
static enum fw_kind
compare_rest(struct resign *r, uint64_t in, uint64_t out,
    struct fw_error *err)
{
	enum { CHUNK = 256 * 1024 };
	FW_CLEANUP(md_free) EVP_MD_CTX *md = EVP_MD_CTX_new();
	FW_FREE uint8_t *buf = malloc(2 * (size_t)CHUNK);
	uint64_t left = r->built->contents.size;
	size_t n;

	if (md == NULL || buf == NULL ||
	    EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (; left > 0; left -= n, in += n, out += n) {
		n = left < CHUNK ? (size_t)left : (size_t)CHUNK;
		FW_TRY(fw_read_at(r->old.in.fd, buf, n, in, err));
		FW_TRY(fw_read_at(r->out.fd, buf + CHUNK, n, out, err));
		if (memcmp(buf, buf + CHUNK, n) != 0)
			return fw_fail(err, FW_E_IO, "what was read back is "
			    "not what is in '%s' (look at the disk)",
			    r->old.in.path);
		if (fw_interrupted())
			return fw_fail(err, FW_E_IO, "interrupted");
		if (EVP_DigestUpdate(md, buf + CHUNK, n) != 1)
			return fw_fail_ssl(err, FW_E_IO, "cannot hash");
	}
	if (EVP_DigestFinal_ex(md, r->built->contents.digest, NULL) != 1)
		return fw_fail_ssl(err, FW_E_IO, "cannot hash");
	return FW_OK;
}

/* The manifest, and all that is in the envelope besides the signatures. */
static enum fw_kind
compare_envelopes(const struct resign *r, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf back = { 0 };
	const struct fwd_envelope *const old = &r->old.env;
	struct fwd_envelope env;

	FW_TRY(fw_buf_reserve(&back, r->new_.n, err));
	FW_TRY(fw_read_at(r->out.fd, back.p, r->new_.n, FWD_BLOCK, err));
	back.n = r->new_.n;
	if (fwd_envelope_read(fw_buf_span(&back), &env) != FWD_OK ||
	    !fwd_span_equal(env.manifest_bstr, old->manifest_bstr) ||
	    !fwd_span_equal(env.payload, old->payload) ||
	    env.members_n != old->members_n ||
	    (env.members.n > 0 && !fwd_span_equal(env.members, old->members)))
		return fw_fail(err, FW_E_IO, "the envelope that was read back "
		    "is not that of '%s' (look at the disk)",
		    r->old.in.path);
	return FW_OK;
}

static enum fw_kind
prove(struct resign *r, struct fw_error *err)
{
	if (r->built->removals == 0)
		return FW_OK;
	FW_TRY(compare_envelopes(r, err));
	return compare_rest(r, r->old.in.size - r->built->contents.size,
	    r->built->size - r->built->contents.size, err);
}

/* ---- entry points ---------------------------------------------------- */

static enum fw_kind
start(struct resign *r, const char *path, const char *out_path,
    struct fw_error *err)
{
	const struct fw_build_options *const opt = r->opt;
	size_t i;

	FW_TRY(fw_front_open(path, &r->old, err));
	memcpy(r->built->manifest_digest, r->old.digest,
	    sizeof r->built->manifest_digest);
	r->built->digest_alg = (int32_t)r->old.env.digest.alg;
	FW_TRY(fw_output_open(out_path, &r->out, err));
	FW_TRY(fw_signers_spare(opt->signer, opt->signers, opt, &r->out, err));
	for (i = 0; i < r->how->n; i++)
		FW_TRY(fw_output_spares(&r->out, r->how->who[i], err));
	if (opt->session == NULL)
		FW_TRY(fw_log_ready(opt->log, err));
	FW_TRY(select_blocks(r, err));
	FW_TRY(check_elsewhere(r, err));
	FW_TRY(fw_signers_open(opt->signer, opt->signers, opt, &r->signers,
	    err));
	return FW_OK;
}

/*
 * Is the bundle in out_path this one with these signatures already, and does
 * the device library accept it?  Of a batch only.
 */
static bool
was_signed(struct resign *r, const char *out_path)
{
	FW_CLEANUP(fw_front_deinit) struct fw_front there = FW_FRONT_NONE;
	const uint64_t before = FWD_BLOCK +
	    fw_bundle_padded(r->old.envelope.n);
	struct fw_error ignored;
	uint64_t behind;
	size_t i;

	if (r->opt->session == NULL || !r->out.there ||
	    fw_front_open(out_path, &there, &ignored) != FW_OK ||
	    !fwd_span_equal(there.env.manifest_bstr,
	    r->old.env.manifest_bstr))
		return false;
	for (i = 0; i < there.env.blocks; i++)
		if (fw_deny_block(r->opt, there.env.block[i], &ignored) !=
		    FW_OK)
			return false;
	behind = FWD_BLOCK + fw_bundle_padded(there.envelope.n);
	if (there.in.size < behind || r->old.in.size < before ||
	    there.in.size - behind != r->old.in.size - before ||
	    fw_signers_judge_there(&r->signers, &there, r->opt, r->built,
	    &ignored) != FW_OK)
		return false;
	r->built->size = there.in.size;
	r->built->envelope = there.envelope.n;
	r->opt->session->there = true;
	return true;
}

enum fw_kind
fw_rework(const char *path, const char *out_path, const struct fw_rework *how,
    const struct fw_build_options *opt, struct fw_built *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	FW_CLEANUP(resign_deinit) struct resign r = {
		.opt = opt, .how = how, .built = &built, .old = FW_FRONT_NONE,
		.out = FW_OUTPUT_NONE
	};

	FW_TRY(start(&r, path, out_path, err));
	if (was_signed(&r, out_path)) {
		*out = built;
		built = (struct fw_built){ 0 };
		return FW_OK;
	}
	FW_TRY(check_new(&r, err));
	FW_TRY(encode(&r, true, err));
	FW_TRY(copy_rest(&r, err));
	FW_TRY(judge_before(&r, err));
	FW_TRY(sign(&r, err));
	FW_TRY(judge_after(&r, err));
	FW_TRY(prove(&r, err));
	FW_TRY(fw_source_unchanged(&r.old.in, err));
	FW_TRY(fw_signers_report(&r.signers, r.kept, &built, err));
	FW_TRY(fw_release(&r.signers, fw_buf_span(&r.new_), &r.out, opt,
	    err));
	*out = built;
	built = (struct fw_built){ 0 };
	return FW_OK;
}

enum fw_kind
fw_resign(const char *path, const char *out_path,
    const struct fw_build_options *opt, struct fw_built *out,
    struct fw_error *err)
{
	static const struct fw_rework add = { 0 };

	return fw_rework(path, out_path, &add, opt, out, err);
}
