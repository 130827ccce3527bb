/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests (PKCS #10, RFC 2986) by keys that stay in a token. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "host/internal.h"
#include "host/x509.h"

#define REQUEST_MAX 65536u
#define RSA_MIN 384u			/* bytes: what keys here sign with */

static void
req_free(X509_REQ **req)
{
	X509_REQ_free(*req);
}

static void
pkey_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void
name_free(X509_NAME **name)
{
	X509_NAME_free(*name);
}

static void
alg_free(X509_ALGOR **alg)
{
	X509_ALGOR_free(*alg);
}

static void
bio_free(BIO **bio)
{
	BIO_free(*bio);
}

static void
der_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

static void
pss_free(RSA_PSS_PARAMS **pss)
{
	RSA_PSS_PARAMS_free(*pss);
}

static void
extensions_free(X509_EXTENSIONS **list)
{
	sk_X509_EXTENSION_pop_free(*list, X509_EXTENSION_free);
}

/* ---- making one --------------------------------------------------- */

/* A CA may ignore what it is asked for; most want to be asked. */
static enum fw_kind
ask_for(X509_REQ *req, enum fw_role role, struct fw_error *err)
{
	FW_CLEANUP(extensions_free) X509_EXTENSIONS *list = NULL;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };
	const unsigned char *p;

	FW_TRY(fw_role_extensions(role, role == FW_INTERMEDIATE ? 0 : -1,
	    &der, err));
	p = der.p;
	list = d2i_X509_EXTENSIONS(NULL, &p, (long)der.n);
	if (list == NULL || X509_REQ_add_extensions(req, list) != 1)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot make a request");
	return FW_OK;
}

static enum fw_kind
fill_in(X509_REQ *req, struct fw_key *key, const char *subject,
    enum fw_role role, struct fw_error *err)
{
	FW_CLEANUP(name_free) X509_NAME *name = NULL;
	FW_CLEANUP(pkey_free) EVP_PKEY *pub = NULL;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };
	const struct fwd_span spki = fw_key_public(key);
	const unsigned char *p;

	FW_TRY(fw_name_parse(subject, &der, err));
	p = der.p;
	name = d2i_X509_NAME(NULL, &p, (long)der.n);
	p = spki.p;
	if (spki.n > 0)
		pub = d2i_PUBKEY(NULL, &p, (long)spki.n);
	if (pub == NULL)
		return fw_fail_ssl(err, FW_E_KEY, "%s does not show its "
		    "public key, which a request holds", fw_key_label(key));
	if (name == NULL || X509_REQ_set_version(req, 0) != 1 ||
	    X509_REQ_set_subject_name(req, name) != 1 ||
	    X509_REQ_set_pubkey(req, pub) != 1)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot make a request");
	return ask_for(req, role, err);
}

static enum fw_kind
set_signature(X509_REQ *req, int32_t alg, struct fwd_span sig,
    struct fw_error *err)
{
	FW_CLEANUP(alg_free) X509_ALGOR *algor = NULL;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf encoded = { 0 };
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	const unsigned char *p;

	if (bits == NULL || fw_alg_encode(alg, &der, err) != FW_OK ||
	    fw_sig_encode(alg, sig, &encoded, err) != FW_OK) {
		ASN1_BIT_STRING_free(bits);
		return bits == NULL ?
		    fw_fail(err, FW_E_NOMEM, "out of memory") : err->kind;
	}
	p = der.p;
	algor = d2i_X509_ALGOR(NULL, &p, (long)der.n);
	if (algor == NULL || X509_REQ_set1_signature_algo(req, algor) != 1 ||
	    ASN1_STRING_set(bits, encoded.p, (int)encoded.n) != 1) {
		ASN1_BIT_STRING_free(bits);
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot make a request");
	}
	bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07);
	bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;	/* none unused */
	X509_REQ_set0_signature(req, bits);
	return FW_OK;
}

static enum fw_kind
sign(X509_REQ *req, struct fw_key *key, struct fw_error *err)
{
	FW_CLEANUP(der_free) unsigned char *tbs = NULL;
	const int n = i2d_re_X509_REQ_tbs(req, &tbs);
	const int32_t alg = fw_key_alg(key);
	uint8_t sig[FWD_SIG_MAX];
	struct fwd_span msg;
	size_t sig_n;

	if (n <= 0)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot make a request");
	msg = (struct fwd_span){ tbs, (size_t)n };
	FW_TRY(fw_key_sign(key, alg, &msg, 1, sig, &sig_n, err));
	return set_signature(req, alg, (struct fwd_span){ sig, sig_n }, err);
}

enum fw_kind
fw_csr_make(struct fw_key *key, const char *subject, enum fw_role role,
    struct fw_buf *out, struct fw_error *err)
{
	FW_CLEANUP(req_free) X509_REQ *req = X509_REQ_new();
	FW_CLEANUP(der_free) unsigned char *der = NULL;
	int n;

	if (req == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fill_in(req, key, subject, role, err));
	FW_TRY(sign(req, key, err));
	if (X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) != 1)
		return fw_fail_ssl(err, FW_E_KEY, "the signature of the "
		    "request that was made does not hold");
	n = i2d_X509_REQ(req, &der);
	if (n <= 0)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot make a request");
	return fw_buf_add(out, der, (size_t)n, err);
}

/* ---- reading one -------------------------------------------------- */

void
fw_csr_deinit(struct fw_csr *r)
{
	fw_buf_deinit(&r->subject);
	fw_buf_deinit(&r->spki);
}

/* The digest that the request was signed with; NID_undef with Ed25519. */
static int
signed_digest(const X509_REQ *req)
{
	const X509_ALGOR *alg = NULL, *hash = NULL;
	FW_CLEANUP(pss_free) RSA_PSS_PARAMS *pss = NULL;
	const unsigned char *p;
	const ASN1_STRING *s;
	const void *param;
	int nid, type, md = NID_md5;	/* what cannot be read is as bad */

	X509_REQ_get0_signature(req, NULL, &alg);
	nid = X509_REQ_get_signature_nid(req);
	if (nid == NID_ED25519)
		return NID_undef;
	if (nid != NID_rsassaPss)
		return OBJ_find_sigid_algs(nid, &md, NULL) == 1 ? md : NID_md5;
	X509_ALGOR_get0(NULL, &type, &param, alg);
	if (type != V_ASN1_SEQUENCE)
		return NID_sha1;	/* the default, by RFC 4055 */
	s = param;
	p = ASN1_STRING_get0_data(s);
	pss = d2i_RSA_PSS_PARAMS(NULL, &p, ASN1_STRING_length(s));
	hash = pss != NULL ? pss->hashAlgorithm : NULL;
	return hash != NULL ? OBJ_obj2nid(hash->algorithm) : NID_sha1;
}

/*
 * With SHA-1 (RFC 9155) or an older digest, the request could be another one
 * than the owner of the key has signed.
 */
static enum fw_kind
check_digest(const X509_REQ *req, struct fw_error *err)
{
	const int md = signed_digest(req);

	if (md == NID_undef || md == NID_sha256 || md == NID_sha384 ||
	    md == NID_sha512)
		return FW_OK;
	return fw_fail(err, FW_E_REFUSED, "the request is signed with the "
	    "digest %s (have it made with SHA-256, SHA-384 or SHA-512)",
	    OBJ_nid2ln(md));
}

/* Who asks has the key, and devices take it. */
static enum fw_kind
take(X509_REQ *req, struct fw_csr *out, struct fw_error *err)
{
	FW_CLEANUP(der_free) unsigned char *spki = NULL;
	EVP_PKEY *const pub = X509_REQ_get0_pubkey(req);
	X509_NAME *const name = X509_REQ_get_subject_name(req);
	const unsigned char *der;
	struct fwd_key key;
	size_t name_n;
	int n;

	if (pub == NULL || X509_REQ_verify(req, pub) != 1)
		return fw_fail_ssl(err, FW_E_REFUSED,
		    "the signature of the request does not hold");
	FW_TRY(check_digest(req, err));
	n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &spki);
	if (n <= 0 || X509_NAME_get0_der(name, &der, &name_n) != 1)
		return fw_fail_ssl(err, FW_E_INPUT, "cannot read the request");
	if (fwd_key_read((struct fwd_span){ spki, (size_t)n }, &key) !=
	    FWD_OK || (key.type == FWD_KEY_RSA && key.point.n < RSA_MIN))
		return fw_fail(err, FW_E_REFUSED, "the key of the request is "
		    "not one that devices take (P-256, P-384, P-521, Ed25519, "
		    "RSA of 3072 or 4096 bits)");
	FW_TRY(fw_buf_add(&out->spki, spki, (size_t)n, err));
	if (X509_NAME_entry_count(name) == 0)
		return FW_OK;
	return fw_buf_add(&out->subject, der, name_n, err);
}

enum fw_kind
fw_csr_load(const char *path, struct fw_csr *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_csr_deinit) struct fw_csr r = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_CLEANUP(req_free) X509_REQ *req = NULL;
	FW_CLEANUP(bio_free) BIO *bio = NULL;

	FW_TRY(fw_file_read(path, REQUEST_MAX, &text, err));
	bio = BIO_new_mem_buf(text.n ? (void *)text.p : "", (int)text.n);
	if (bio == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	ERR_clear_error();
	req = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
	if (req == NULL)
		return fw_fail_ssl(err, FW_E_INPUT, "there is no certificate "
		    "request in PEM form in '%s'", path);
	if (take(req, &r, err) != FW_OK)
		return fw_wrap(err, "'%s'", path);
	*out = r;
	r = (struct fw_csr){ 0 };
	return FW_OK;
}
