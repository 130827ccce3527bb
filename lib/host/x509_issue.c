/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issuing certificates.  What a CA has signed cannot be taken back, so the
 * device library judges a certificate before it is signed as well as after.
 */
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "host/cert.h"
#include "host/internal.h"
#include "host/x509.h"

static void
der_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

/* A certificate under way, and who issues it. */
struct issuing {
	struct fw_tbs tbs;
	struct fw_key *key;		/* that signs */
	struct fw_buf subject, issuer;	/* what tbs points into */
	struct fw_buf issuer_spki;
	int64_t issuer_end;
	int issuer_path_len;		/* -1: no limit */
	struct fw_path path;		/* cert[0] is to be filled in */
	struct fwd_anchor anchor;
};

static void
issuing_deinit(struct issuing *in)
{
	fw_buf_deinit(&in->subject);
	fw_buf_deinit(&in->issuer);
	fw_buf_deinit(&in->issuer_spki);
}

/* ---- serial numbers ----------------------------------------------- */

/*
 * 158 bits by chance, or out of all that the certificate says: then two that
 * have one number are one certificate.  Positive and of full length.
 */
static enum fw_kind
set_serial(struct fw_tbs *tbs, bool reproducible, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf rest = { 0 };
	uint8_t digest[FWD_DIGEST_MAX];

	memset(tbs->serial, 0, sizeof tbs->serial);
	if (reproducible) {
		FW_TRY(fw_tbs_encode(tbs, &rest, err));
		FW_TRY(fw_digest(FWD_SHA256, fw_buf_span(&rest), digest,
		    err));
		memcpy(tbs->serial, digest, sizeof tbs->serial);
	} else if (RAND_bytes(tbs->serial, sizeof tbs->serial) != 1) {
		return fw_fail_ssl(err, FW_E_IO, "no random numbers");
	}
	tbs->serial[0] = (tbs->serial[0] & 0x3f) | 0x40;
	return FW_OK;
}

/* ---- judging and signing ------------------------------------------ */

static enum fw_kind
judge(struct issuing *in, const struct fw_buf *cert, bool blank,
    struct fw_error *err)
{
	in->path.cert[0] = fw_buf_span(cert);
	in->path.blank = blank;
	/* One that is made in advance is judged at its first moment. */
	if (in->path.clock.now < in->tbs.not_before)
		in->path.clock.now = in->tbs.not_before;
	return fw_path_judge(&in->path, NULL, err);
}

static enum fw_kind
judge_blank(struct issuing *in, const struct fw_buf *tbs,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf sig = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf cert = { 0 };
	struct fwd_key key = { 0 };

	if (fwd_key_read(fw_key_public(in->key), &key) != FWD_OK)
		return fw_fail(err, FW_E_KEY, "%s is not of a kind that "
		    "devices take", fw_key_label(in->key));
	FW_TRY(fw_blank_signature(in->tbs.alg, key.type == FWD_KEY_RSA ?
	    key.point.n : 0, &sig, err));
	FW_TRY(fw_signed_encode(fw_buf_span(tbs), in->tbs.alg,
	    fw_buf_span(&sig), &cert, err));
	if (judge(in, &cert, true, err) != FW_OK)
		return fw_wrap(err, "the certificate was not signed");
	return FW_OK;
}

static enum fw_kind
sign(struct issuing *in, struct fw_buf *out, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf tbs = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf encoded = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf cert = { 0 };
	uint8_t sig[FWD_SIG_MAX];
	struct fwd_span msg;
	size_t n;

	FW_TRY(fw_tbs_encode(&in->tbs, &tbs, err));
	FW_TRY(judge_blank(in, &tbs, err));
	msg = fw_buf_span(&tbs);
	FW_TRY(fw_key_sign(in->key, in->tbs.alg, &msg, 1, sig, &n, err));
	FW_TRY(fw_sig_encode(in->tbs.alg, (struct fwd_span){ sig, n },
	    &encoded, err));
	FW_TRY(fw_signed_encode(msg, in->tbs.alg, fw_buf_span(&encoded),
	    &cert, err));
	if (judge(in, &cert, false, err) != FW_OK)
		return fw_wrap(err, "the certificate that was made");
	return fw_buf_add(out, cert.p, cert.n, err);
}

/* ---- what is asked for -------------------------------------------- */

static enum fw_kind
set_dates(struct issuing *in, const struct fw_issue *issue,
    struct fw_error *err)
{
	char end[32];

	in->tbs.not_before = issue->not_before;
	in->tbs.not_after = issue->not_after;
	if (in->tbs.not_after > in->issuer_end) {
		fw_time_format(in->issuer_end, end);
		if (!issue->shorten)
			return fw_fail(err, FW_E_REFUSED, "the certificate "
			    "would outlive that of its issuer, which ends on "
			    "%s (choose an earlier end)", end);
		in->tbs.not_after = in->issuer_end;
	}
	if (in->tbs.not_after <= in->tbs.not_before)
		return fw_fail(err, FW_E_USAGE,
		    "the certificate would end before it begins");
	return FW_OK;
}

static enum fw_kind
set_path_len(struct issuing *in, const struct fw_issue *issue,
    struct fw_error *err)
{
	const int limit = in->issuer_path_len;

	in->tbs.path_len = issue->path_len;
	if (issue->default_path_len)
		in->tbs.path_len = issue->role == FW_ROOT ? 1 : 0;
	if (issue->role != FW_INTERMEDIATE || limit < 0)
		return FW_OK;
	if (limit == 0)
		return fw_fail(err, FW_E_REFUSED, "the issuer may certify "
		    "release signers only (its path length is 0)");
	if (in->tbs.path_len < 0 || in->tbs.path_len >= limit)
		return fw_fail(err, FW_E_REFUSED, "the issuer's path length "
		    "of %d allows this one at most %d", limit, limit - 1);
	return FW_OK;
}

static enum fw_kind
set_subject(struct issuing *in, const struct fw_issue *issue,
    struct fw_error *err)
{
	if (issue->subject != NULL)
		FW_TRY(fw_name_parse(issue->subject, &in->subject, err));
	else if (issue->subject_der.n > 0)
		FW_TRY(fw_buf_add(&in->subject, issue->subject_der.p,
		    issue->subject_der.n, err));
	else
		return fw_fail(err, FW_E_USAGE, "the subject is missing "
		    "(--subject NAME)");
	in->tbs.subject = fw_buf_span(&in->subject);
	return FW_OK;
}

static enum fw_kind
set_common(struct issuing *in, struct fw_key *key,
    const struct fw_issue *issue, struct fw_error *err)
{
	in->key = key;
	in->tbs.role = issue->role;
	in->tbs.alg = fw_key_alg(key);
	in->path.crypto = issue->crypto;
	in->path.clock = issue->clock;
	in->path.anchor = &in->anchor;
	in->path.anchors = 1;
	in->path.ca = issue->role != FW_RELEASE_SIGNER;
	FW_TRY(set_subject(in, issue, err));
	FW_TRY(set_path_len(in, issue, err));
	return set_dates(in, issue, err);
}

/* ---- roots -------------------------------------------------------- */

enum fw_kind
fw_self_sign(struct fw_key *key, const struct fw_issue *issue,
    struct fw_buf *out, struct fw_error *err)
{
	FW_CLEANUP(issuing_deinit) struct issuing in = {
		.issuer_end = INT64_MAX, .issuer_path_len = -1,
	};

	if (fw_key_public(key).n == 0)
		return fw_fail(err, FW_E_KEY, "%s does not show its public "
		    "key, which a certificate holds", fw_key_label(key));
	FW_TRY(set_common(&in, key, issue, err));
	in.tbs.issuer = in.tbs.subject;
	in.tbs.spki = fw_key_public(key);
	in.anchor = (struct fwd_anchor){ in.tbs.subject, in.tbs.spki };
	in.path.n = 1;
	FW_TRY(set_serial(&in.tbs, issue->reproducible, err));
	return sign(&in, out, err);
}

/* ---- below a root ------------------------------------------------- */

static enum fw_kind
judge_issuer(X509 *issuer, const char *name, struct fw_error *err)
{
	const uint32_t flags = X509_get_extension_flags(issuer);

	if ((flags & EXFLAG_CA) == 0 || (flags & EXFLAG_V1) != 0)
		return fw_fail(err, FW_E_REFUSED, "'%s' is not the "
		    "certificate of a CA (name the key of one)", name);
	if ((flags & EXFLAG_KUSAGE) != 0 &&
	    (X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN) == 0)
		return fw_fail(err, FW_E_REFUSED, "the certificate '%s' does "
		    "not allow to sign certificates", name);
	return FW_OK;
}

static enum fw_kind
read_issuer(struct issuing *in, X509 *issuer, struct fw_error *err)
{
	FW_CLEANUP(der_free) unsigned char *spki = NULL;
	const unsigned char *name = NULL;
	FW_FREE char *text = NULL;
	const ASN1_OCTET_STRING *id;
	size_t name_n = 0;
	struct tm tm;
	int n;

	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &spki);
	if (n <= 0 || X509_NAME_get0_der(X509_get_subject_name(issuer), &name,
	    &name_n) != 1 || ASN1_TIME_to_tm(X509_get0_notAfter(issuer), &tm)
	    != 1)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the issuer's certificate");
	FW_TRY(fw_name_format((struct fwd_span){ name, name_n }, &text, err));
	FW_TRY(judge_issuer(issuer, text, err));
	FW_TRY(fw_buf_add(&in->issuer, name, name_n, err));
	FW_TRY(fw_buf_add(&in->issuer_spki, spki, (size_t)n, err));
	in->issuer_end = timegm(&tm);
	in->issuer_path_len = (int)X509_get_pathlen(issuer);
	in->tbs.issuer = fw_buf_span(&in->issuer);
	id = X509_get0_subject_key_id(issuer);
	if (id != NULL)
		in->tbs.issuer_keyid = (struct fwd_span){
		    ASN1_STRING_get0_data(id),
		    (size_t)ASN1_STRING_length(id) };
	return FW_OK;
}

/* Is the certificate its own issuer, by name? */
static bool
self_issued(const struct fw_buf *der)
{
	FW_CLEANUP(fw_x509_free) X509 *cert = NULL;
	struct fw_error ignored;

	return fw_x509_read(fw_buf_span(der), &cert, &ignored) == FW_OK &&
	    X509_NAME_cmp(X509_get_subject_name(cert),
	    X509_get_issuer_name(cert)) == 0;
}

/*
 * The certificates above, up to the topmost one, which is the anchor.  A root
 * is judged besides, although devices know of it no more than name and key: it
 * may limit the path.
 */
static enum fw_kind
set_path(struct issuing *in, const struct fw_chain *chain,
    struct fw_error *err)
{
	const struct fw_buf *top = &chain->cert[chain->n - 1];
	size_t i, n = chain->n;

	if (chain->root.n > 0)
		top = &chain->root;
	else if (!self_issued(top))
		n--;
	for (i = 0; i < n; i++)
		in->path.cert[1 + i] = fw_buf_span(&chain->cert[i]);
	in->path.n = 1 + n;
	if (chain->root.n > 0 && in->path.n < FWD_CHAIN_MAX - 1)
		in->path.cert[in->path.n++] = fw_buf_span(&chain->root);
	if (in->path.n + in->path.ca > FWD_CHAIN_MAX)
		return fw_fail(err, FW_E_REFUSED, "the chain would have more "
		    "certificates than devices take (%u)", FWD_CHAIN_MAX);
	if (fwd_anchor_read(fw_buf_span(top), &in->anchor) != FWD_OK)
		return fw_fail(err, FW_E_INPUT, "cannot read the topmost "
		    "certificate of the chain");
	return FW_OK;
}

enum fw_kind
fw_issue(struct fw_key *key, const struct fw_chain *chain,
    const struct fw_issue *issue, struct fw_buf *out, struct fw_error *err)
{
	FW_CLEANUP(issuing_deinit) struct issuing in = { 0 };
	FW_CLEANUP(fw_x509_free) X509 *issuer = NULL;

	FW_TRY(fw_x509_read(fw_buf_span(&chain->cert[0]), &issuer, err));
	FW_TRY(read_issuer(&in, issuer, err));
	if (fw_key_set_public(key, fw_buf_span(&in.issuer_spki), err) !=
	    FW_OK)
		return fw_wrap(err, "the issuer's certificate");
	FW_TRY(set_common(&in, key, issue, err));
	in.tbs.spki = issue->spki;
	if (fwd_span_equal(in.tbs.subject, in.tbs.issuer))
		return fw_fail(err, FW_E_REFUSED, "the subject has the "
		    "issuer's own name (choose another one)");
	if (fwd_span_equal(in.tbs.spki, fw_buf_span(&in.issuer_spki)))
		return fw_fail(err, FW_E_REFUSED, "the key to be certified is "
		    "the issuer's own");
	FW_TRY(set_path(&in, chain, err));
	FW_TRY(set_serial(&in.tbs, issue->reproducible, err));
	return sign(&in, out, err);
}
