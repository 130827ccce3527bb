/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COSE_Sign1 with detached payload and x5chain in the protected header (RFC
 * 9052, RFC 9360), and the envelope around it all (the draft, section 8.2).
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "host/build.h"
#include "host/internal.h"

enum { TAG_SIGN1 = 18, TAG_ENVELOPE = 107 };
enum { HEADER_ALG = 1, HEADER_X5CHAIN = 33 };

static void
x509_free(X509 **x)
{
	X509_free(*x);
}

static void
der_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

static void
pkey_free(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

/* ---- signers --------------------------------------------------------- */

void
fw_signer_deinit(struct fw_signer *s)
{
	fw_key_free(s->key);
	fw_chain_deinit(&s->chain);
	fw_buf_deinit(&s->protected_);
	free(s->subject);
	free(s->serial);
	*s = (struct fw_signer){ 0 };
}

/* The length of a signature; 0: the algorithm does not fit the key. */
static size_t
signature_size(int32_t alg, EVP_PKEY *key)
{
	const int type = EVP_PKEY_get_base_id(key);
	const int bits = EVP_PKEY_get_bits(key);

	switch (alg) {
	case FWD_ESP256:
		return type == EVP_PKEY_EC && bits == 256 ? 64 : 0;
	case FWD_ESP384:
		return type == EVP_PKEY_EC && bits == 384 ? 96 : 0;
	case FWD_ESP512:
		return type == EVP_PKEY_EC && bits == 521 ? 132 : 0;
	case FWD_ED25519:
		return type == EVP_PKEY_ED25519 ? 64 : 0;
	case FWD_PS256:
	case FWD_PS384:
	case FWD_PS512:
		return (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) &&
		    EVP_PKEY_get_size(key) <= (int)FWD_SIG_MAX ?
		    (size_t)EVP_PKEY_get_size(key) : 0;
	default:
		return 0;
	}
}

static enum fw_kind
read_time(const ASN1_TIME *t, int64_t *out, struct fw_error *err)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read a date in the certificate");
	*out = timegm(&tm);
	return FW_OK;
}

static enum fw_kind
read_subject(const X509 *leaf, char **out, struct fw_error *err)
{
	FW_CLEANUP(der_free) unsigned char *der = NULL;
	const int n = i2d_X509_NAME(X509_get_subject_name(leaf), &der);

	if (n < 0)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the subject of the certificate");
	return fw_name_format((struct fwd_span){ der, (size_t)n }, out, err);
}

/* The octets of the encoded number, as all reports show it. */
static enum fw_kind
read_serial(const X509 *leaf, char **out, struct fw_error *err)
{
	const ASN1_INTEGER *const serial = X509_get0_serialNumber(leaf);
	const uint8_t *const p = ASN1_STRING_get0_data(serial);
	const size_t n = (size_t)ASN1_STRING_length(serial);
	char *const text = malloc(2 * n + 3);
	size_t at = 0;

	if (text == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	text[0] = '\0';
	/* OpenSSL drops the zero in front of a set first bit. */
	if (n > 0 && (p[0] & 0x80) != 0)
		at = (size_t)snprintf(text, 3, "00");
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, 3, "%02x", p[i]);
	*out = text;
	return FW_OK;
}

/* Settle the algorithm and how long its signatures are. */
static enum fw_kind
choose_alg(struct fw_signer *s, struct fwd_span spki, int32_t alg,
    struct fw_error *err)
{
	const unsigned char *p = spki.p;
	FW_CLEANUP(pkey_free) EVP_PKEY *pkey = NULL;

	pkey = d2i_PUBKEY(NULL, &p, (long)spki.n);
	if (pkey == NULL)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the public key of '%s'", s->subject);
	s->alg = alg != 0 ? alg : fw_key_alg(s->key);
	s->sig_n = signature_size(s->alg, pkey);
	if (s->sig_n == 0)
		return fw_fail(err, FW_E_INPUT,
		    "algorithm %s does not fit %s",
		    fwd_alg_name(s->alg), fw_key_label(s->key));
	return FW_OK;
}

/* The key is the certificate's: bind the two. */
static enum fw_kind
bind_key(struct fw_signer *s, const X509 *leaf, int32_t alg,
    struct fw_error *err)
{
	FW_CLEANUP(der_free) unsigned char *der = NULL;
	const int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
	struct fwd_span spki;

	if (n < 0 || X509_get0_pubkey(leaf) == NULL)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the public key of '%s'", s->subject);
	spki = (struct fwd_span){ der, (size_t)n };
	if (fw_key_set_public(s->key, spki, err) != FW_OK)
		return fw_wrap(err, "%s and certificate '%s'",
		    fw_key_label(s->key), s->subject);
	return choose_alg(s, spki, alg, err);
}

static enum fw_kind
judge_dates(const struct fw_signer *s, struct fw_clock clock,
    struct fw_error *err)
{
	char when[32];

	if (!clock.judge)
		return FW_OK;
	if (clock.now < s->not_before) {
		fw_time_format(s->not_before, when);
		return fw_fail(err, FW_E_REFUSED,
		    "certificate '%s' is not valid before %s", s->subject,
		    when);
	}
	if (clock.now > s->not_after) {
		fw_time_format(s->not_after, when);
		return fw_fail(err, FW_E_REFUSED,
		    "certificate '%s' expired on %s (sign with a valid one)",
		    s->subject, when);
	}
	return FW_OK;
}

/*
 * Where the issuer is not at hand, the device library cannot judge the
 * certificate before a root is known; what no device accepts is said here.
 */
static enum fw_kind
judge_lone(const struct fw_signer *s, X509 *leaf, struct fw_error *err)
{
	const uint32_t flags = X509_get_extension_flags(leaf);
	const char *why = NULL;

	if (s->chain.n > 1)
		return FW_OK;
	if ((flags & EXFLAG_CA) != 0)
		why = "is that of a CA, which does not sign firmware";
	else if ((flags & EXFLAG_KUSAGE) == 0 ||
	    (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
		why = "has no keyUsage that allows signatures";
	else if ((flags & EXFLAG_XKUSAGE) == 0 ||
	    (X509_get_extended_key_usage(leaf) & XKU_CODE_SIGN) == 0)
		why = "is not for code signing";
	if (why != NULL)
		return fw_fail(err, FW_E_REFUSED, "certificate '%s' %s",
		    s->subject, why);
	return FW_OK;
}

/* alg, and x5chain, if there is a chain, as RFC 9360 has it: a lone certificate
   is no array. */
static enum fw_kind
encode_protected(struct fw_signer *s, struct fw_error *err)
{
	struct fw_cbor c = { 0 };
	size_t i;

	fw_cbor_map(&c, s->chain.n > 0 ? 2 : 1);
	fw_cbor_uint(&c, HEADER_ALG);
	fw_cbor_int(&c, s->alg);
	if (s->chain.n > 0)
		fw_cbor_uint(&c, HEADER_X5CHAIN);
	if (s->chain.n > 1)
		fw_cbor_array(&c, s->chain.n);
	for (i = 0; i < s->chain.n; i++)
		fw_cbor_bytes(&c, s->chain.cert[i].p, s->chain.cert[i].n);
	return fw_cbor_done(&c, &s->protected_, err);
}

static enum fw_kind
load_chain(struct fw_signer *s, const struct fw_signer_spec *spec,
    struct fw_error *err)
{
	if (spec->chain != NULL)
		FW_TRY(fw_chain_load(spec->chain, &s->chain, err));
	else if (fw_key_chain(s->key, &s->chain, err) != FW_OK)
		return fw_wrap(err, "no certificate chain is given");
	return FW_OK;
}

/* Everything about a signer but where its key and chain come from. */
static enum fw_kind
complete(struct fw_signer *s, int32_t alg, struct fw_clock clock,
    struct fw_error *err)
{
	FW_CLEANUP(x509_free) X509 *leaf = NULL;
	const unsigned char *p = s->chain.cert[0].p;

	leaf = d2i_X509(NULL, &p, (long)s->chain.cert[0].n);
	if (leaf == NULL)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the certificate of %s",
		    fw_key_label(s->key));
	FW_TRY(read_subject(leaf, &s->subject, err));
	FW_TRY(read_serial(leaf, &s->serial, err));
	FW_TRY(read_time(X509_get0_notBefore(leaf), &s->not_before, err));
	FW_TRY(read_time(X509_get0_notAfter(leaf), &s->not_after, err));
	FW_TRY(bind_key(s, leaf, alg, err));
	FW_TRY(judge_dates(s, clock, err));
	FW_TRY(judge_lone(s, leaf, err));
	return encode_protected(s, err);
}

enum fw_kind
fw_signer_make(struct fw_key *key, struct fw_chain *chain, int32_t alg,
    const struct fw_build_options *opt, struct fw_signer *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_signer_deinit) struct fw_signer s = { .key = key,
	    .chain = *chain };

	*chain = (struct fw_chain){ 0 };
	if (key == NULL)
		FW_TRY(fw_key_elsewhere((struct fwd_span){ NULL, 0 }, NULL,
		    &s.key, err));
	FW_TRY(fw_deny_chain(opt, &s.chain, err));
	FW_TRY(complete(&s, alg, opt->clock, err));
	*out = s;
	s = (struct fw_signer){ 0 };
	return FW_OK;
}

enum fw_kind
fw_signer_open_bare(const struct fw_signer_spec *spec,
    const struct fw_key_options *opt, const struct fw_anchor *anchor,
    struct fw_signer *out, struct fw_error *err)
{
	FW_CLEANUP(fw_signer_deinit) struct fw_signer s = { 0 };
	enum fw_kind kind;

	s.subject = strdup(anchor->label);
	if (s.subject == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fw_key_open(spec->key, opt, &s.key, err));
	kind = fw_key_set_public(s.key, anchor->anchor.spki, err);
	if (kind == FW_E_REFUSED)
		return fw_fail(err, FW_E_REFUSED, "%s is not the key of '%s' "
		    "(their public keys differ)", fw_key_label(s.key),
		    s.subject);
	if (kind != FW_OK)
		return fw_wrap(err, "%s and '%s'", fw_key_label(s.key),
		    s.subject);
	FW_TRY(choose_alg(&s, anchor->anchor.spki, spec->alg, err));
	FW_TRY(encode_protected(&s, err));
	*out = s;
	s = (struct fw_signer){ 0 };
	return FW_OK;
}

/* The signature is there already. */
static enum fw_kind
open_elsewhere(const struct fw_elsewhere *e,
    const struct fw_build_options *opt, struct fw_signer *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_chain_deinit) struct fw_chain chain = { 0 };
	struct fw_key *key = NULL;

	FW_TRY(fw_chain_copy(&e->chain, &chain, err));
	FW_TRY(fw_key_elsewhere(fw_buf_span(&e->sig), e->path, &key, err));
	FW_TRY(fw_signer_make(key, &chain, e->alg, opt, out, err));
	fw_deny_warn(opt, &out->chain);
	return FW_OK;
}

enum fw_kind
fw_signer_open(const struct fw_signer_spec *spec,
    const struct fw_build_options *opt, struct fw_signer *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_signer_deinit) struct fw_signer s = { 0 };
	struct fw_key *key;

	if (spec->elsewhere != NULL)
		return open_elsewhere(spec->elsewhere, opt, out, err);
	/* A chain that cannot be used is found without asking for a PIN. */
	if (spec->chain != NULL) {
		FW_TRY(load_chain(&s, spec, err));
		FW_TRY(fw_deny_chain(opt, &s.chain, err));
	}
	FW_TRY(fw_key_open(spec->key, &opt->key, &s.key, err));
	if (spec->chain == NULL)
		FW_TRY(load_chain(&s, spec, err));
	key = s.key;
	s.key = NULL;
	FW_TRY(fw_signer_make(key, &s.chain, spec->alg, opt, out, err));
	fw_deny_warn(opt, &out->chain);
	return FW_OK;
}

void
fw_cbor_sign1(struct fw_cbor *c, struct fwd_span protected_, const void *sig,
    size_t n)
{
	fw_cbor_tag(c, TAG_SIGN1);
	fw_cbor_array(c, 4);
	fw_cbor_bytes(c, protected_.p, protected_.n);
	fw_cbor_map(c, 0);		/* nothing unprotected */
	fw_cbor_nil(c);			/* the payload is detached */
	fw_cbor_bytes(c, sig, n);
}

enum fw_kind
fw_signer_block(const struct fw_signer *s, struct fwd_span payload, bool blank,
    struct fw_buf *block, struct fw_error *err)
{
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor c = { 0 };
	uint8_t sig[FWD_SIG_MAX] = { 0 };
	size_t n = s->sig_n;
	struct fwd_tbs tbs;

	if (!blank) {
		fwd_cose_tbs(fw_buf_span(&s->protected_), payload, &tbs);
		FW_TRY(fw_key_sign_unchecked(s->key, s->alg, tbs.msg,
		    FWD_TBS_PARTS, sig, &n, err));
		if (n != s->sig_n)
			return fw_fail(err, FW_E_KEY,
			    "%s made a signature of %zu bytes instead "
			    "of %zu", fw_key_label(s->key), n, s->sig_n);
	}
	fw_cbor_sign1(&c, fw_buf_span(&s->protected_), sig, n);
	return fw_cbor_done(&c, block, err);
}

enum fw_kind
fw_signer_verify(const struct fw_signer *s, struct fwd_span payload,
    struct fwd_span block, struct fw_error *err)
{
	struct fwd_cose cose;
	struct fwd_tbs tbs;

	if (fwd_cose_read(block, &cose) != FWD_OK)
		return fw_fail(err, FW_E_REFUSED,
		    "internal error: a signature block cannot be read");
	fwd_cose_tbs(fw_buf_span(&s->protected_), payload, &tbs);
	return fw_key_verify(s->key, s->alg, tbs.msg, FWD_TBS_PARTS, cose.sig,
	    err);
}

enum fw_kind
fw_signer_sign(const struct fw_signer *s, struct fwd_span payload,
    struct fw_buf *block, struct fw_error *err)
{
	FW_TRY(fw_signer_block(s, payload, false, block, err));
	return fw_signer_verify(s, payload, fw_buf_span(block), err);
}

/* ---- envelope -------------------------------------------------------- */

enum fw_kind
fw_payload_encode(int32_t alg, struct fwd_span manifest, struct fw_buf *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor c = { 0 };
	uint8_t digest[FWD_DIGEST_MAX];

	FW_TRY(fw_digest_bstr(alg, manifest, digest, err));
	fw_cbor_digest(&c, alg, digest);
	return fw_cbor_done(&c, out, err);
}

/* The order of encoded keys: the text's is a number, so it comes first; of
   two texts the shorter one, whose length makes the smaller head. */
static int
by_key(const void *va, const void *vb)
{
	const struct fw_element *a = va, *b = vb;
	size_t an, bn;

	if (a->name == NULL || b->name == NULL)
		return (a->name != NULL) - (b->name != NULL);
	an = strlen(a->name);
	bn = strlen(b->name);
	if (an != bn)
		return an < bn ? -1 : 1;
	return memcmp(a->name, b->name, an);
}

/* Everything up to the elements, of which n will follow. */
static void
envelope_front(struct fw_cbor *c, struct fwd_span payload,
    const struct fwd_span *block, size_t blocks, uint64_t n)
{
	struct fw_cbor auth = { 0 };
	size_t i;

	fw_cbor_array(&auth, 1 + blocks);
	fw_cbor_bytes(&auth, payload.p, payload.n);
	for (i = 0; i < blocks; i++)
		fw_cbor_bytes(&auth, block[i].p, block[i].n);
	fw_cbor_tag(c, TAG_ENVELOPE);
	fw_cbor_map(c, 2 + n);
	fw_cbor_uint(c, FWD_ENV_AUTH);
	fw_cbor_wrap(c, &auth);
	fw_cbor_uint(c, FWD_ENV_MANIFEST);
}

enum fw_kind
fw_envelope_rewrap(const struct fwd_envelope *env,
    const struct fwd_span *block, size_t blocks, struct fw_buf *out,
    struct fw_error *err)
{
	struct fw_cbor c = { 0 };

	envelope_front(&c, env->payload, block, blocks, env->members_n);
	fw_cbor_raw(&c, env->manifest_bstr.p, env->manifest_bstr.n);
	fw_cbor_raw(&c, env->members.p, env->members.n);
	return fw_cbor_done(&c, out, err);
}

enum fw_kind
fw_envelope_bare(const struct fwd_envelope *env, struct fw_buf *out,
    struct fw_error *err)
{
	struct fw_cbor c = { 0 };
	struct fwd_member m;
	uint64_t n = 0;
	size_t at = 0;

	while (fwd_envelope_next(env, &at, &m))
		n += m.key != 0;
	envelope_front(&c, env->payload, NULL, 0, n);
	fw_cbor_raw(&c, env->manifest_bstr.p, env->manifest_bstr.n);
	at = 0;
	while (fwd_envelope_next(env, &at, &m)) {
		if (m.key == 0)
			continue;
		fw_cbor_int(&c, m.key);
		fw_cbor_raw(&c, m.bstr.p, m.bstr.n);
	}
	return fw_cbor_done(&c, out, err);
}

enum fw_kind
fw_envelope_encode(const struct fw_envelope_parts *parts, struct fw_buf *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor c = { 0 };
	FW_FREE struct fw_element *sorted =
	    calloc(parts->elements + 1, sizeof *sorted);
	size_t i;

	if (sorted == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	envelope_front(&c, parts->payload, parts->block, parts->blocks,
	    parts->elements);
	fw_cbor_bytes(&c, parts->manifest.p, parts->manifest.n);
	for (i = 0; i < parts->elements; i++)
		sorted[i] = parts->element[i];
	qsort(sorted, parts->elements, sizeof *sorted, by_key);
	for (i = 0; i < parts->elements; i++) {
		if (sorted[i].name == NULL)
			fw_cbor_uint(&c, FWD_MAN_TEXT);
		else
			fw_cbor_text(&c, sorted[i].name);
		fw_cbor_bytes(&c, sorted[i].content.p, sorted[i].content.n);
	}
	return fw_cbor_done(&c, out, err);
}
