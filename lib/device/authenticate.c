/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signed?  Each signature block is one COSE_Sign1 over the digest of the
 * manifest.  A block whose chain leads to no anchor of ours is passed over; a
 * block by an anchor of ours that does not hold is fatal.
 */
#include "device/internal.h"

enum { RSA_SIGNER_MIN = 3072 / 8 };

/* The algorithms a signature block may have: no PKCS #1 v1.5 among them. */
static bool
alg_ok(int64_t alg)
{
	switch (alg) {
	case FWD_ES256: case FWD_ES384: case FWD_ES512: case FWD_EDDSA:
	case FWD_ESP256: case FWD_ESP384: case FWD_ESP512: case FWD_ED25519:
	case FWD_PS256: case FWD_PS384: case FWD_PS512:
		return true;
	default:
		return false;
	}
}

fwd_status
fwd_cose_check(const struct fwd_crypto *crypto, const struct fwd_cose *cose,
    const struct fwd_key *key, struct fwd_span payload)
{
	struct fwd_tbs tbs;

	if (!alg_ok(cose->alg))
		return FWD_E_ALG;
	if (key->type == FWD_KEY_RSA && key->point.n < RSA_SIGNER_MIN)
		return FWD_E_KEY;
	fwd_cose_tbs(cose->protected_, payload, &tbs);
	return fwd_sig_check(crypto, cose->alg, key, tbs.msg, FWD_TBS_PARTS,
	    cose->sig);
}

/* Find the anchor without certificate whose key made the signature. */
static fwd_status
check_bare(struct fwd_ctx *ctx, const struct fwd_cose *cose,
    struct fwd_chain_result *chain)
{
	const struct fwd_policy *const policy = ctx->policy;
	fwd_status none = FWD_E_ANCHOR, s;
	struct fwd_key key;

	for (size_t i = 0; i < policy->anchors; i++) {
		if (policy->anchor[i].name.n != 0 ||
		    fwd_key_read(policy->anchor[i].spki, &key) != FWD_OK)
			continue;
		s = fwd_cose_check(ctx->crypto, cose, &key, ctx->env.payload);
		if (s == FWD_E_ALG)
			none = s;	/* whose, the port cannot tell */
		if (s != FWD_OK && s != FWD_E_CRYPTO && s != FWD_E_FAULT)
			continue;	/* another anchor's, perhaps */
		*chain = (struct fwd_chain_result){ .anchor = i, .key = key };
		FWD_TRY(s);
		return fwd_revoked_check(ctx->crypto, policy,
		    &policy->anchor[i].spki, &key, fwd_ctx_tracer(ctx),
		    FWD_NO_INDEX);
	}
	return none;
}

/* Validate the chain, then the signature with the leaf's key. */
static fwd_status
check_chain(struct fwd_ctx *ctx, const struct fwd_cose *cose,
    struct fwd_chain_result *chain)
{
	FWD_TRY(fwd_chain_check(ctx->crypto, ctx->policy, ctx->now,
	    cose->cert, cose->certs, fwd_ctx_tracer(ctx), chain));
	return fwd_cose_check(ctx->crypto, cose, &chain->key,
	    ctx->env.payload);
}

/* One modulus is one RSA key: its holder can sign for any exponent. */
bool
fwd_same_key(const struct fwd_key *a, const struct fwd_key *b)
{
	return a->type == b->type && fwd_span_equal(a->point, b->point);
}

/*
 * Count a signer whose key was not counted before.  A key under several
 * anchors stands for the first of the policy, in whatever order it signed.
 */
static void
add_signer(struct fwd_ctx *ctx, const struct fwd_signer *signer)
{
	size_t i;

	for (i = 0; i < ctx->signers; i++)
		if (fwd_same_key(&ctx->signer[i].chain.key,
		    &signer->chain.key))
			break;
	if (i == ctx->signers)
		ctx->signers++;
	else if (ctx->signer[i].chain.anchor <= signer->chain.anchor)
		return;
	ctx->signer[i] = *signer;
}

/* Judge one signature block. */
static fwd_status
check_block(struct fwd_ctx *ctx, size_t i)
{
	struct fwd_signer signer = { .block = i };
	struct fwd_cose cose;
	fwd_status s;

	FWD_TRY(fwd_tell(ctx, FWD_STEP_BLOCK,
	    fwd_cose_read(ctx->env.block[i], &cose), (uint32_t)i, 0));
	FWD_TRY(fwd_note(ctx, FWD_STEP_ALGORITHM,
	    alg_ok(cose.alg) ? FWD_OK : FWD_E_ALG, (uint32_t)i, 0,
	    fwd_hint_alg(&cose.alg), fwd_hint_none()));
	signer.alg = cose.alg;
	signer.bare_key = cose.certs == 0;
	s = signer.bare_key ? check_bare(ctx, &cose, &signer.chain) :
	    check_chain(ctx, &cose, &signer.chain);
	if (s == FWD_E_ANCHOR) {
		s = fwd_tell(ctx, FWD_STEP_ANCHOR, s, (uint32_t)i, 0);
		return s == FWD_E_ANCHOR ? FWD_OK : s;	/* not ours */
	}
	FWD_TRY(fwd_tell(ctx, FWD_STEP_SIGNATURE, s, (uint32_t)i, 0));
	add_signer(ctx, &signer);
	return FWD_OK;
}

/* Is any of them counted twice, which add_signer() does not do? */
static bool
is_repeated(const struct fwd_ctx *ctx)
{
	for (size_t i = 1; i < ctx->signers; i++)
		for (size_t k = 0; k < i; k++)
			if (fwd_same_key(&ctx->signer[i].chain.key,
			    &ctx->signer[k].chain.key))
				return true;
	return false;
}

/* Are there as many signers as the policy demands?  All that is compared is
   read again for the second time. */
static fwd_status
count_signers(const struct fwd_ctx *ctx)
{
	if (ctx->env.blocks == 0)
		return FWD_E_AUTH_MISSING;
	if (ctx->signers == 0)
		return FWD_E_ANCHOR;
	if (ctx->signers < ctx->policy->threshold)
		return FWD_E_THRESHOLD;
	ctx = fwd_launder_ptr(ctx);
	if (ctx->signers == 0 || ctx->policy->threshold > ctx->signers ||
	    ctx->signers > ctx->env.blocks || is_repeated(ctx))
		fwd_panic();
	return FWD_OK;
}

fwd_status
fwd_authenticate(struct fwd_ctx *ctx)
{
	size_t i;

	ctx->signers = 0;
	for (i = 0; i < ctx->env.blocks; i++)
		FWD_TRY(check_block(ctx, i));
	if (fwd_launder64(i) != ctx->env.blocks)
		fwd_panic();
	FWD_TRY(fwd_note(ctx, FWD_STEP_SIGNERS, count_signers(ctx),
	    FWD_NO_INDEX, 0, fwd_hint_size(ctx->signers),
	    fwd_at_least(fwd_hint_size(ctx->policy->threshold))));
	return fwd_rules_check(ctx);
}
