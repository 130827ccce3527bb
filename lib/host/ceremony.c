/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done with a request where the key is, and the response to it.  Like
 * a request, a response is taken only if it is what would be written for the
 * few things in it from which the rest follows.
 */
#include <string.h>

#include "host/build_internal.h"
#include "host/ceremony.h"
#include "host/describe_internal.h"
#include "host/log.h"

static const char format[] = "fwsign-response-1";

void
fw_elsewhere_deinit(struct fw_elsewhere *e)
{
	fw_chain_deinit(&e->chain);
	fw_buf_deinit(&e->payload);
	fw_buf_deinit(&e->sig);
	*e = (struct fw_elsewhere){ 0 };
}

/* ---- judging and signing --------------------------------------------- */

struct anchors {
	struct fw_anchor file[FWD_ANCHORS_MAX];
	struct fwd_anchor anchor[FWD_ANCHORS_MAX];
	size_t n;
};

static void
anchors_deinit(struct anchors *a)
{
	size_t i;

	for (i = 0; i < FWD_ANCHORS_MAX; i++)
		fw_anchor_deinit(&a->file[i]);
}

static enum fw_kind
given_anchors(struct anchors *a, const struct fw_build_options *opt,
    struct fw_error *err)
{
	if (opt->trusts > FWD_ANCHORS_MAX)
		return fw_fail(err, FW_E_USAGE, "more than %u roots",
		    FWD_ANCHORS_MAX);
	for (; a->n < opt->trusts; a->n++) {
		FW_TRY(fw_anchor_load(opt->trust[a->n], &a->file[a->n], err));
		a->anchor[a->n] = a->file[a->n].anchor;
		FW_TRY(fw_deny_key(opt, a->anchor[a->n].spki,
		    a->file[a->n].label, err));
	}
	return FW_OK;
}

/* The chain as it travels, and without a root the certificate at its top in
   place of one; a lone certificate then has nothing above it to be judged by.
   *certs is what is left to judge. */
static fwd_status
own_anchor(struct anchors *a, const struct fw_chain *chain, size_t *certs)
{
	a->n = 1;
	if (chain->root.n > 0)
		return fwd_anchor_read(fw_buf_span(&chain->root),
		    &a->anchor[0]);
	*certs = chain->n - 1;
	return fwd_anchor_read(fw_buf_span(&chain->cert[chain->n - 1]),
	    &a->anchor[0]);
}

enum fw_kind
fw_request_judge(const struct fw_request *r,
    const struct fw_build_options *opt, bool *to_root, struct fw_error *err)
{
	FW_CLEANUP(anchors_deinit) struct anchors a = { 0 };
	struct fwd_policy policy = {
		.anchor = a.anchor, .threshold = 1,
		.clock = opt->clock.judge ? FWD_CLOCK_TRUSTED :
		    FWD_CLOCK_NONE,
		.time_min = INT64_MIN, .flags = FWD_NO_DEVICE,
		.purpose = fwd_code_signing,
	};
	struct fwd_span cert[FWD_CHAIN_MAX];
	struct fwd_chain_result result;
	size_t n = r->chain.n;
	fwd_status s = FWD_OK;

	FW_TRY(fw_deny_roots(opt, err));
	FW_TRY(fw_deny_chain(opt, &r->chain, err));
	fw_deny_warn(opt, &r->chain);
	FW_TRY(given_anchors(&a, opt, err));
	*to_root = a.n > 0 || r->chain.root.n > 0;
	if (a.n == 0)
		s = own_anchor(&a, &r->chain, &n);
	for (size_t i = 0; i < n; i++)
		cert[i] = fw_buf_span(&r->chain.cert[i]);
	policy.anchors = a.n;
	if (s == FWD_OK && n > 0)
		s = fwd_chain_check(opt->crypto, &policy, opt->clock.now,
		    cert, n, (struct fwd_tracer){ 0 }, &result);
	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "the device library refuses "
		    "the chain: %s (%s)", fwd_status_text(s),
		    fwd_status_code(s));
	return FW_OK;
}

enum fw_kind
fw_request_sign(const struct fw_request *r, const char *key,
    const struct fw_build_options *opt, struct fw_elsewhere *out,
    struct fw_signer *signer, struct fw_error *err)
{
	FW_CLEANUP(fw_elsewhere_deinit) struct fw_elsewhere e = { 0 };
	FW_CLEANUP(fw_signer_deinit) struct fw_signer s = { 0 };
	FW_CLEANUP(fw_chain_deinit) struct fw_chain chain = { 0 };
	const struct fwd_span tbs = fw_buf_span(&r->tbs);
	uint8_t sig[FWD_SIG_MAX];
	struct fw_key *k = NULL;
	size_t n = 0;

	FW_TRY(fw_chain_copy(&r->chain, &chain, err));
	FW_TRY(fw_chain_copy(&r->chain, &e.chain, err));
	FW_TRY(fw_buf_add(&e.payload, r->payload.p, r->payload.n, err));
	e.alg = r->alg;
	FW_TRY(fw_key_open(key, &opt->key, &k, err));
	FW_TRY(fw_signer_make(k, &chain, r->alg, opt, &s, err));
	FW_TRY(fw_key_sign(s.key, s.alg, &tbs, 1, sig, &n, err));
	FW_TRY(fw_buf_add(&e.sig, sig, n, err));
	*out = e;
	e = (struct fw_elsewhere){ 0 };
	*signer = s;
	s = (struct fw_signer){ 0 };
	return FW_OK;
}

enum fw_kind
fw_request_log(const struct fw_request *r, const struct fw_elsewhere *made,
    const struct fw_signer *signer, const char *request, const char *log,
    struct fw_error *err)
{
	FW_CLEANUP(fw_about_deinit) struct fw_about about = { 0 };
	struct fwd_envelope env;
	struct fw_log_signature s;
	fwd_status status;

	if (log == NULL)
		return FW_OK;
	status = fwd_envelope_read(fw_buf_span(&r->envelope), &env);
	if (status != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "%s",
		    fwd_status_text(status));
	FW_TRY(fw_about_read(&env, &about, err));
	s = (struct fw_log_signature){
		.signer = signer, .signature = fw_buf_span(&made->sig),
		.bundle = request, .product = about.product,
		.version = about.version,
		.sequence_number = about.sequence_number,
		.digest_alg = (int32_t)env.digest.alg,
		.manifest_digest = env.digest.bytes.p,
	};
	return fw_log_append(log, &s, 1, err);
}

/* ---- responses ------------------------------------------------------- */

static json_t *
payload_text(const struct fw_elsewhere *e)
{
	struct fwd_cbor c = fwd_cbor_open(fw_buf_span(&e->payload));
	struct fwd_digest digest;

	if (fwd_digest_read(&c, &digest) != FWD_OK)
		return NULL;
	return fw_d_digest_text(digest.alg, digest.bytes);
}

enum fw_kind
fw_response_encode(const struct fw_elsewhere *e, struct fw_buf *out,
    struct fw_error *err)
{
	FW_JSON json_t *tree = json_pack("{s:s, s:o, s:s, s:o}", "format",
	    format, "manifest-digest", payload_text(e), "algorithm",
	    fwd_alg_name(e->alg), "signature",
	    fw_base64(fw_buf_span(&e->sig)));

	if (tree == NULL || !fw_exchange_set_chain(tree, &e->chain))
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return fw_exchange_encode(tree, out, err);
}

/* "sha-256:0123..." as an encoded SUIT_Digest. */
static bool
read_payload(const json_t *text, struct fw_buf *out)
{
	static const int32_t algs[] = { FWD_SHA256, FWD_SHA384, FWD_SHA512 };
	const char *const s = json_string_value(text);
	const char *const colon = s != NULL ? strchr(s, ':') : NULL;
	struct fw_cbor c = { 0 };
	uint8_t digest[FWD_DIGEST_MAX];
	struct fw_error ignored;
	unsigned v;
	size_t i, n;

	if (colon == NULL)
		return false;
	for (i = 0; i < 3; i++)
		if (strlen(fwd_alg_name(algs[i])) == (size_t)(colon - s) &&
		    strncmp(fwd_alg_name(algs[i]), s, (size_t)(colon - s)) ==
		    0)
			break;
	n = i < 3 ? fwd_digest_size(algs[i]) : 0;
	if (n == 0 || strspn(colon + 1, "0123456789abcdef") != 2 * n ||
	    json_string_length(text) != (size_t)(colon + 1 - s) + 2 * n)
		return false;
	for (size_t j = 0; j < n; j++) {
		if (sscanf(colon + 1 + 2 * j, "%2x", &v) != 1)
			return false;
		digest[j] = (uint8_t)v;
	}
	fw_cbor_digest(&c, algs[i], digest);
	return fw_cbor_done(&c, out, &ignored) == FW_OK;
}

enum fw_kind
fw_response_decode(struct fwd_span text, const char *path,
    struct fw_elsewhere *out, struct fw_error *err)
{
	FW_CLEANUP(fw_elsewhere_deinit) struct fw_elsewhere e = {
	    .path = path };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf again = { 0 };
	FW_JSON json_t *tree = NULL;
	const char *alg;

	FW_TRY(fw_exchange_parse(text, format, path, &tree, err));
	alg = json_string_value(json_object_get(tree, "algorithm"));
	if (alg != NULL)
		e.alg = fwd_alg_by_name(alg);
	if (e.alg == 0 || !fw_exchange_chain(tree, &e.chain) ||
	    !read_payload(json_object_get(tree, "manifest-digest"),
	    &e.payload) || !fw_unbase64(json_object_get(tree, "signature"),
	    &e.sig))
		return fw_exchange_bad(path, format, "it has no algorithm, "
		    "chain, digest or signature", err);
	FW_TRY(fw_response_encode(&e, &again, err));
	if (!fwd_span_equal(fw_buf_span(&again), text))
		return fw_exchange_bad(path, format, "it is not written as "
		    "fwsign does it", err);
	*out = e;
	e = (struct fw_elsewhere){ 0 };
	return FW_OK;
}
