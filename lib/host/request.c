/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing requests.  All of a request follows from the manifest and the chain
 * in it; a reader computes the rest anew and takes the file only if it is,
 * byte by byte, what would be written.
 */
#include <string.h>

#include "host/build_internal.h"
#include "host/ceremony.h"
#include "host/describe_internal.h"

static const char format[] = "fwsign-request-1";

void
fw_request_deinit(struct fw_request *r)
{
	fw_buf_deinit(&r->envelope);
	fw_chain_deinit(&r->chain);
	fw_buf_deinit(&r->payload);
	fw_buf_deinit(&r->tbs);
	json_decref(r->summary);
	*r = (struct fw_request){ 0 };
}

/* ---- what follows from manifest and chain ---------------------------- */

static void
signer_deinit(struct fw_signer *s)
{
	fw_signer_deinit(s);
}

/* Who is asked to sign, as far as the certificate says. */
static enum fw_kind
summarize_signer(const struct fw_signer *s, json_t *summary,
    struct fw_error *err)
{
	char id_text[2 * FW_KEY_ID_SIZE + 1], from[32], until[32];
	struct fw_key_id id;

	FW_TRY(fw_key_id(fw_key_public(s->key), &id, err));
	fw_key_id_format(&id, id_text);
	fw_time_format(s->not_before, from);
	fw_time_format(s->not_after, until);
	if (json_object_set_new(summary, "signer", json_pack(
	    "{s:o, s:s, s:s, s:s, s:s}", "subject",
	    fw_json_printable(s->subject), "serial", s->serial, "not-before",
	    from, "not-after", until, "key-id", id_text)) != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

/* What a signature of this algorithm hashes the bytes with. */
static int32_t
digest_of_alg(int32_t alg)
{
	return alg == FWD_ESP384 || alg == FWD_PS384 ? FWD_SHA384 :
	    alg == FWD_ESP512 || alg == FWD_PS512 ? FWD_SHA512 : FWD_SHA256;
}

static enum fw_kind
derive_tbs(struct fw_request *r, const struct fw_signer *s,
    struct fw_error *err)
{
	struct fwd_tbs tbs;
	size_t i;

	fwd_cose_tbs(fw_buf_span(&s->protected_), fw_buf_span(&r->payload),
	    &tbs);
	for (i = 0; i < FWD_TBS_PARTS; i++)
		FW_TRY(fw_buf_add(&r->tbs, tbs.msg[i].p, tbs.msg[i].n, err));
	r->digest_alg = digest_of_alg(r->alg);
	return fw_digest(r->digest_alg, fw_buf_span(&r->tbs), r->digest, err);
}

/* The manifest is the one whose digest will be signed. */
static enum fw_kind
check_envelope(struct fw_request *r, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf again = { 0 };
	uint8_t digest[FWD_DIGEST_MAX];
	struct fwd_manifest man;
	struct fwd_envelope env;
	fwd_status s = fwd_envelope_read(fw_buf_span(&r->envelope), &env);

	if (s == FWD_OK) {
		FW_TRY(fw_digest((int32_t)env.digest.alg, env.manifest_bstr,
		    digest, err));
		if (memcmp(digest, env.digest.bytes.p, env.digest.bytes.n) !=
		    0)
			s = FWD_E_MANIFEST_DIGEST;
	}
	if (s == FWD_OK)
		s = fwd_manifest_read(&env, &man);
	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "%s", fwd_status_text(s));
	FW_TRY(fw_envelope_bare(&env, &again, err));
	if (!fwd_span_equal(fw_buf_span(&again), fw_buf_span(&r->envelope)))
		return fw_fail(err, FW_E_REFUSED, "the envelope in it has "
		    "signatures or payloads");
	return fw_buf_add(&r->payload, env.payload.p, env.payload.n, err);
}

/* Fill in all but envelope, chain and algorithm (0: what fits the key). */
static enum fw_kind
derive(struct fw_request *r, struct fw_error *err)
{
	/* Whether the signer may sign is asked by those who want that. */
	const struct fw_build_options any = { .allow_test = true };
	FW_CLEANUP(signer_deinit) struct fw_signer s = { 0 };
	FW_CLEANUP(fw_chain_deinit) struct fw_chain chain = { 0 };

	FW_TRY(check_envelope(r, err));
	FW_TRY(fw_chain_copy(&r->chain, &chain, err));
	FW_TRY(fw_signer_make(NULL, &chain, r->alg, &any, &s, err));
	r->alg = s.alg;
	FW_TRY(derive_tbs(r, &s, err));
	FW_TRY(fw_request_summary(fw_buf_span(&r->envelope), &r->summary,
	    err));
	return summarize_signer(&s, r->summary, err);
}

/* ---- the file -------------------------------------------------------- */

json_t *
fw_request_digest(const struct fw_request *r)
{
	return fw_d_digest_text(r->digest_alg, (struct fwd_span){ r->digest,
	    fwd_digest_size(r->digest_alg) });
}

json_t *
fw_request_manifest_digest(const struct fw_request *r)
{
	return json_incref(json_object_get(r->summary, "manifest-digest"));
}

enum fw_kind
fw_request_encode(const struct fw_request *r, struct fw_buf *out,
    struct fw_error *err)
{
	FW_JSON json_t *tree = json_pack("{s:s, s:O, s:s, s:o, s:o, s:o}",
	    "format", format, "summary", r->summary, "algorithm",
	    fwd_alg_name(r->alg), "digest", fw_request_digest(r),
	    "to-be-signed", fw_base64(fw_buf_span(&r->tbs)), "envelope",
	    fw_base64(fw_buf_span(&r->envelope)));

	if (tree == NULL || !fw_exchange_set_chain(tree, &r->chain))
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fw_exchange_encode(tree, out, err));
	if (out->n > FW_REQUEST_MAX)
		return fw_fail(err, FW_E_REFUSED, "the request would have more "
		    "than %zu bytes", FW_REQUEST_MAX);
	return FW_OK;
}

enum fw_kind
fw_request_decode(struct fwd_span text, const char *path,
    struct fw_request *out, struct fw_error *err)
{
	FW_CLEANUP(fw_request_deinit) struct fw_request r = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf again = { 0 };
	FW_JSON json_t *tree = NULL;
	const char *alg;

	FW_TRY(fw_exchange_parse(text, format, path, &tree, err));
	alg = json_string_value(json_object_get(tree, "algorithm"));
	if (alg != NULL)
		r.alg = fwd_alg_by_name(alg);
	if (r.alg == 0 || !fw_exchange_chain(tree, &r.chain) ||
	    !fw_unbase64(json_object_get(tree, "envelope"), &r.envelope))
		return fw_exchange_bad(path, format, "it has no algorithm, "
		    "chain or envelope", err);
	if (derive(&r, err) != FW_OK) {
		if (err->kind == FW_E_INPUT || err->kind == FW_E_KEY)
			err->kind = FW_E_REFUSED;
		return fw_wrap(err, "'%s'", path);
	}
	FW_TRY(fw_request_encode(&r, &again, err));
	if (!fwd_span_equal(fw_buf_span(&again), text))
		return fw_exchange_bad(path, format, "it is not what its "
		    "manifest and chain make (was it changed, or written by "
		    "another version?)", err);
	*out = r;
	r = (struct fw_request){ 0 };
	return FW_OK;
}

/* ---- making one ------------------------------------------------------ */

/* What would be signed is judged, as before signing here. */
static enum fw_kind
judge_bundle(const struct fw_front *f, const struct fw_build_options *opt,
    struct fw_error *err)
{
	const struct fw_selfcheck sc = {
		.crypto = opt->crypto, .fd = f->in.fd,
		.envelope_n = f->envelope.n, .signers = f->env.blocks,
		.bare_ok = true,
	};
	size_t i;

	for (i = 0; i < f->env.blocks; i++)
		if (fw_deny_block(opt, f->env.block[i], err) != FW_OK)
			return fw_wrap(err, "signature %zu of '%s'", i,
			    f->in.path);
	if (fw_selfcheck(&sc, err) != FW_OK)
		return fw_wrap(err, "'%s' is not to be signed", f->in.path);
	return fw_source_unchanged(&f->in, err);
}

static enum fw_kind
not_signed_yet(const struct fw_front *f, const struct fw_signer *s,
    struct fw_error *err)
{
	struct fwd_anchor leaf;
	struct fwd_cose cose;
	size_t i;

	for (i = 0; i < f->env.blocks; i++)
		if (fwd_cose_read(f->env.block[i], &cose) == FWD_OK &&
		    cose.certs > 0 &&
		    fwd_anchor_read(cose.cert[0], &leaf) == FWD_OK &&
		    fwd_span_equal(leaf.spki, fw_key_public(s->key)))
			return fw_fail(err, FW_E_REFUSED, "'%s' has been "
			    "signed with the key of '%s' already", f->in.path,
			    s->subject);
	return FW_OK;
}

enum fw_kind
fw_request_make(const char *bundle, const char *chain, int32_t alg,
    const struct fw_build_options *opt, struct fw_request *out,
    bool *to_root, struct fw_error *err)
{
	FW_CLEANUP(fw_request_deinit) struct fw_request r = { .alg = alg };
	FW_CLEANUP(fw_front_deinit) struct fw_front f = FW_FRONT_NONE;
	FW_CLEANUP(signer_deinit) struct fw_signer s = { 0 };
	FW_CLEANUP(fw_chain_deinit) struct fw_chain taken = { 0 };

	FW_TRY(fw_chain_load(chain, &r.chain, err));
	FW_TRY(fw_chain_copy(&r.chain, &taken, err));
	FW_TRY(fw_signer_make(NULL, &taken, alg, opt, &s, err));
	FW_TRY(fw_front_open(bundle, &f, err));
	FW_TRY(not_signed_yet(&f, &s, err));
	FW_TRY(fw_envelope_bare(&f.env, &r.envelope, err));
	if (derive(&r, err) != FW_OK)
		return fw_wrap(err, "'%s'", bundle);
	FW_TRY(fw_request_judge(&r, opt, to_root, err));
	FW_TRY(judge_bundle(&f, opt, err));
	fw_buf_deinit(&r.chain.root);
	*out = r;
	r = (struct fw_request){ 0 };
	return FW_OK;
}
