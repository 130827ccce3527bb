/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of a bundle by who made them. */
#include <string.h>

#include "host/build_internal.h"

/* Somebody who may have signed. */
struct who {
	struct fw_key_id id;
	struct fw_buf spki;		/* empty: only the identifier is
					   known */
};

static void
who_deinit(struct who *w)
{
	fw_buf_deinit(&w->spki);
}

/* The key in a PEM file: of its certificate, of the first of its chain, or
   the file's alone. */
static enum fw_kind
load_key(const char *path, struct fw_buf *spki, struct fw_error *err)
{
	FW_CLEANUP(fw_anchor_deinit) struct fw_anchor a = { 0 };
	FW_CLEANUP(fw_chain_deinit) struct fw_chain chain = { 0 };
	struct fwd_anchor leaf;
	struct fw_error ignored;

	if (fw_chain_load(path, &chain, &ignored) == FW_OK) {
		if (fwd_anchor_read(fw_buf_span(&chain.cert[0]), &leaf) !=
		    FWD_OK)
			return fw_fail(err, FW_E_INPUT, "the certificate in "
			    "'%s' cannot be read", path);
		return fw_buf_add(spki, leaf.spki.p, leaf.spki.n, err);
	}
	if (fw_anchor_load(path, &a, err) != FW_OK)
		return fw_wrap(err, "whose signature is meant");
	return fw_buf_add(spki, a.anchor.spki.p, a.anchor.spki.n, err);
}

static enum fw_kind
who_is(const char *text, struct who *w, struct fw_error *err)
{
	if (fw_key_id_parse(text, strlen(text), &w->id))
		return FW_OK;
	FW_TRY(load_key(text, &w->spki, err));
	return fw_key_id(fw_buf_span(&w->spki), &w->id, err);
}

/* A block without certificate says not who made it; his key does. */
static bool
holds(const struct who *w, const struct fwd_envelope *env,
    const struct fwd_cose *cose, const struct fwd_crypto *crypto)
{
	struct fwd_key key;
	struct fwd_tbs tbs;

	if (w->spki.n == 0 ||
	    fwd_key_read(fw_buf_span(&w->spki), &key) != FWD_OK)
		return false;
	fwd_cose_tbs(cose->protected_, env->payload, &tbs);
	return fwd_sig_check(crypto, cose->alg, &key, tbs.msg, FWD_TBS_PARTS,
	    cose->sig) == FWD_OK;
}

static enum fw_kind
is_by(const struct who *w, const struct fwd_envelope *env, size_t i,
    const struct fwd_crypto *crypto, bool *yes, struct fw_error *err)
{
	struct fw_key_id id;
	struct fwd_anchor leaf;
	struct fwd_cose cose;

	*yes = false;
	if (fwd_cose_read(env->block[i], &cose) != FWD_OK)
		return FW_OK;
	if (cose.certs == 0) {
		*yes = holds(w, env, &cose, crypto);
		return FW_OK;
	}
	if (fwd_anchor_read(cose.cert[0], &leaf) != FWD_OK)
		return FW_OK;
	FW_TRY(fw_key_id(leaf.spki, &id, err));
	*yes = memcmp(id.p, w->id.p, sizeof id.p) == 0;
	return FW_OK;
}

enum fw_kind
fw_select(const struct fw_front *f, const struct fw_rework *how,
    const struct fwd_crypto *crypto, bool out[FWD_AUTH_MAX],
    struct fw_error *err)
{
	size_t i, j, found;
	bool yes;

	for (i = 0; i < FWD_AUTH_MAX; i++)
		out[i] = how->all && i < f->env.blocks;
	for (j = 0; j < how->n; j++) {
		FW_CLEANUP(who_deinit) struct who w = { 0 };

		FW_TRY(who_is(how->who[j], &w, err));
		found = 0;
		for (i = 0; i < f->env.blocks; i++) {
			FW_TRY(is_by(&w, &f->env, i, crypto, &yes, err));
			out[i] = out[i] || yes;
			found += yes;
		}
		if (found == 0)
			return fw_fail(err, FW_E_REFUSED, "'%s' has no "
			    "signature of '%s'", f->in.path, how->who[j]);
	}
	return FW_OK;
}

enum fw_kind
fw_select_report(const struct fwd_envelope *env, size_t i,
    struct fw_removed *out, struct fw_error *err)
{
	struct fwd_anchor leaf;
	struct fwd_cose cose;

	*out = (struct fw_removed){ .block = i };
	if (fwd_cose_read(env->block[i], &cose) != FWD_OK || cose.certs == 0 ||
	    fwd_anchor_read(cose.cert[0], &leaf) != FWD_OK)
		return FW_OK;
	FW_TRY(fw_key_id(leaf.spki, &out->id, err));
	return fw_name_format(leaf.name, &out->subject, err);
}
