/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of a batch share and what each has of its own, and the last
 * step of making a bundle.
 */
#include <string.h>

#include "host/build_internal.h"
#include "host/log_internal.h"

/* ---- signers -------------------------------------------------------- */

enum fw_kind
fw_signers_again(const struct fw_signers *s,
    const struct fw_build_options *opt, struct fw_signers *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_signers_deinit) struct fw_signers made = { 0 };
	FW_CLEANUP(fw_chain_deinit) struct fw_chain chain = { 0 };
	struct fw_key *key = NULL;

	for (; made.n < s->n; made.n++) {
		FW_TRY(fw_chain_copy(&s->signer[made.n].chain, &chain, err));
		FW_TRY(fw_key_again(s->signer[made.n].key, &key, err));
		FW_TRY(fw_signer_make(key, &chain, s->signer[made.n].alg, opt,
		    &made.signer[made.n], err));
	}
	*out = made;
	made = (struct fw_signers){ 0 };
	return FW_OK;
}

void
fw_signers_borrow(const struct fw_signers *s, struct fw_pool *pool,
    struct fw_signers *out)
{
	*out = (struct fw_signers){ .n = s->n, .borrowed = true,
	    .pool = pool };
	memcpy(out->signer, s->signer, sizeof out->signer);
}

/* ---- what is there already ------------------------------------------ */

/* The block of a signer: with its algorithm and its certificates. */
static bool
find_block(const struct fw_signer *s, const struct fwd_envelope *env,
    size_t *out)
{
	struct fwd_cose cose;

	for (*out = 0; *out < env->blocks; (*out)++)
		if (fwd_cose_read(env->block[*out], &cose) == FWD_OK &&
		    fwd_span_equal(cose.protected_,
		    fw_buf_span(&s->protected_)))
			return true;
	return false;
}

static bool
same(struct fwd_span a, struct fwd_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
fw_signers_made(const struct fw_signers *s, const struct fwd_envelope *env,
    struct fwd_span blank)
{
	struct fwd_envelope want;
	size_t i, at;

	if (fwd_envelope_read(blank, &want) != FWD_OK ||
	    env->whole.n != blank.n || env->blocks != s->n ||
	    !same(env->payload, want.payload) ||
	    !same(env->manifest_bstr, want.manifest_bstr) ||
	    env->members_n != want.members_n ||
	    !same(env->members, want.members))
		return false;
	for (i = 0; i < s->n; i++)
		if (!find_block(&s->signer[i], env, &at) || at != i)
			return false;
	return true;
}

enum fw_kind
fw_signers_judge_there(const struct fw_signers *s,
    const struct fw_front *there, const struct fw_build_options *opt,
    struct fw_built *built, struct fw_error *err)
{
	const struct fw_roots *const roots = opt->session->roots;
	struct fw_selfcheck sc = {
		.crypto = opt->crypto, .fd = there->in.fd,
		.envelope_n = there->envelope.n, .clock = opt->clock,
		.anchor = roots->anchor, .anchors = roots->n, .signers = 1,
	};
	size_t at[FW_SIGNERS_MAX], i;

	for (i = 0; i < s->n; i++) {
		if (!find_block(&s->signer[i], &there->env, &at[i]))
			return fw_fail(err, FW_E_REFUSED, "'%s' has not been "
			    "signed with %s", there->in.path,
			    fw_key_label(s->signer[i].key));
		sc.first = at[i];
		FW_TRY(fw_selfcheck(&sc, err));
	}
	FW_TRY(fw_source_unchanged(&there->in, err));
	FW_TRY(fw_signers_report(s, 0, built, err));
	for (i = 0; i < s->n; i++)
		built->signer[i].block = at[i];
	built->judged_to_root = roots->n > 0;
	return FW_OK;
}

/* ---- the last step -------------------------------------------------- */

enum fw_kind
fw_release(struct fw_signers *s, struct fwd_span envelope,
    struct fw_output *out, const struct fw_build_options *opt,
    struct fw_error *err)
{
	struct fw_session *const session = opt->session;

	if (session == NULL) {
		FW_TRY(fw_signers_log(s, envelope, out->path, opt, err));
		fw_signers_deinit(s);
		return fw_output_commit(out, err);
	}
	if (opt->log != NULL)
		FW_TRY(fw_signers_entries(s, envelope, out->path,
		    session->entry, err));
	session->out = *out;
	*out = (struct fw_output)FW_OUTPUT_NONE;
	return FW_OK;
}
