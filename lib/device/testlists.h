/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: lists of revoked keys and lists of trust anchors. */
#ifndef TESTLISTS_H
#define TESTLISTS_H

#include <openssl/rsa.h>

#include "device/testkit.h"

/* ---- signatures of any algorithm --------------------------------------- */

static inline const EVP_MD *
list_md(int64_t alg)
{
	switch (alg) {
	case FWD_EDDSA: case FWD_ED25519:
		return NULL;
	case FWD_ES384: case FWD_ESP384: case FWD_PS384:
		return EVP_sha384();
	case FWD_ES512: case FWD_ESP512: case FWD_PS512:
		return EVP_sha512();
	default:
		return EVP_sha256();
	}
}

/* r and s behind one another, each as long as the order of the curve. */
static inline size_t
list_raw(EVP_PKEY *key, const uint8_t *der, size_t n, uint8_t *out)
{
	const int width = (EVP_PKEY_get_bits(key) + 7) / 8;
	ECDSA_SIG *const sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

	cr_assert_not_null(sig);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, width), width);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + width, width),
	    width);
	ECDSA_SIG_free(sig);
	return 2 * (size_t)width;
}

/* Length of the signature, as COSE has it. */
static inline size_t
list_sig(EVP_PKEY *key, int64_t alg, struct fwd_span msg,
    uint8_t out[FWD_SIG_MAX])
{
	EVP_MD_CTX *const ctx = EVP_MD_CTX_new();
	uint8_t sig[FWD_SIG_MAX];
	size_t n = sizeof sig;
	EVP_PKEY_CTX *p;

	cr_assert_eq(EVP_DigestSignInit(ctx, &p, list_md(alg), NULL, key), 1);
	if (EVP_PKEY_is_a(key, "RSA") && alg != FWD_RS256) {
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(p,
		    RSA_PKCS1_PSS_PADDING), 1);
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(p,
		    RSA_PSS_SALTLEN_DIGEST), 1);
	}
	cr_assert_eq(EVP_DigestSign(ctx, sig, &n, msg.p, msg.n), 1);
	EVP_MD_CTX_free(ctx);
	if (EVP_PKEY_is_a(key, "EC"))
		return list_raw(key, sig, n, out);
	memcpy(out, sig, n);
	return n;
}

/* ---- a revocation list ------------------------------------------------- */

/* A signature block over that content; with x5chain if there is a
   certificate. */
static inline struct fw_buf
list_block(EVP_PKEY *key, int64_t alg, struct fwd_span content,
    const struct tp_bytes *cert)
{
	struct fw_cbor header = { 0 }, tbs = { 0 }, block = { 0 };
	struct fw_buf out = { 0 };
	struct fw_error err;
	uint8_t sig[FWD_SIG_MAX];
	size_t n;

	fw_cbor_map(&header, cert != NULL ? 2 : 1);
	fw_cbor_uint(&header, 1);
	fw_cbor_int(&header, alg);
	if (cert != NULL) {
		fw_cbor_uint(&header, 33);
		fw_cbor_bytes(&header, cert->p, cert->n);
	}
	/* RFC 9052 section 4.4, written out */
	fw_cbor_array(&tbs, 4);
	fw_cbor_text(&tbs, "Signature1");
	fw_cbor_bytes(&tbs, header.out.p, header.out.n);
	fw_cbor_bytes(&tbs, "", 0);
	fw_cbor_bytes(&tbs, content.p, content.n);
	n = list_sig(key, alg, fw_buf_span(&tbs.out), sig);
	fw_cbor_deinit(&tbs);
	fw_cbor_tag(&block, 18);
	fw_cbor_array(&block, 4);
	fw_cbor_wrap(&block, &header);
	fw_cbor_map(&block, 0);
	fw_cbor_nil(&block);
	fw_cbor_bytes(&block, sig, n);
	cr_assert_eq(fw_cbor_done(&block, &out, &err), FW_OK);
	return out;
}

/* That content with a signature. */
static inline struct fw_buf
list_signed(EVP_PKEY *key, int64_t alg, struct fwd_span content)
{
	struct fw_buf block = list_block(key, alg, content, NULL), out = { 0 };
	struct fw_cbor c = { 0 };
	struct fw_error err;

	fw_cbor_array(&c, 2);
	fw_cbor_bytes(&c, content.p, content.n);
	fw_cbor_bytes(&c, block.p, block.n);
	cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK);
	fw_buf_deinit(&block);
	return out;
}

/* A list with that number and those identifiers. */
static inline struct fw_buf
list_revoking(EVP_PKEY *key, int64_t alg, uint64_t number,
    struct fwd_span revoked)
{
	struct fw_cbor c = { 0 };
	struct fw_buf content = { 0 }, out;
	struct fw_error err;

	fw_cbor_array(&c, 4);
	fw_cbor_text(&c, "fw-revocations");
	fw_cbor_uint(&c, 1);
	fw_cbor_uint(&c, number);
	fw_cbor_bytes(&c, revoked.p, revoked.n);
	cr_assert_eq(fw_cbor_done(&c, &content, &err), FW_OK);
	out = list_signed(key, alg, fw_buf_span(&content));
	fw_buf_deinit(&content);
	return out;
}

/* The identifier of a key, from what OpenSSL makes of it. */
static inline void
list_key_id(EVP_PKEY *key, uint8_t id[FWD_KEY_ID])
{
	const struct tp_bytes spki = tp_spki(key);

	kit_sha256(tp_span(&spki), id);
}

/* ---- a list of anchors ------------------------------------------------- */

/* The head of a SEQUENCE of n bytes. */
static inline void
list_sequence(struct fw_buf *b, size_t n)
{
	uint8_t head[] = { 0x30, 0x82, (uint8_t)(n >> 8), (uint8_t)n };

	cr_assert_lt(n, 0x10000);
	if (n < 0x80) {
		head[1] = (uint8_t)n;
		kit_add(b, head, 2);
	} else if (n < 0x100) {
		head[1] = 0x81;
		head[2] = (uint8_t)n;
		kit_add(b, head, 3);
	} else {
		kit_add(b, head, 4);
	}
}

/* A TrustAnchorList of certificates. */
static inline struct fw_buf
list_anchors(const struct tp_bytes *const *cert, size_t certs)
{
	struct fw_buf out = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < certs; i++)
		n += cert[i]->n;
	list_sequence(&out, n);
	for (size_t i = 0; i < certs; i++)
		kit_add(&out, cert[i]->p, cert[i]->n);
	return out;
}

#endif
