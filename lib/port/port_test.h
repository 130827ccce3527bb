/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the contract of struct fwd_crypto demands of every port: hashes in any
 * pieces and out of turn, and the answers to signatures and keys.
 */
#ifndef PORT_TEST_H
#define PORT_TEST_H

#include <string.h>

#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "device/sig.h"
#include "device/sig_vectors.h"
#include "port/fwport.h"

/* ---- hash ------------------------------------------------------------ */

static const struct {
	int32_t alg;
	const char *name;
} port_digests[] = {
	{ FWD_SHA256, "SHA256" }, { FWD_SHA384, "SHA384" },
	{ FWD_SHA512, "SHA512" },
};
enum { NPORT_DIGESTS = sizeof port_digests / sizeof port_digests[0] };

static inline void
port_hashes_in_any_pieces(const struct fwd_crypto *c)
{
	uint8_t msg[300], got[64], want[64];
	size_t n;

	for (size_t i = 0; i < sizeof msg; i++)
		msg[i] = (uint8_t)(7 * i);
	for (size_t d = 0; d < NPORT_DIGESTS; d++) {
		cr_assert_eq(EVP_Q_digest(NULL, port_digests[d].name, NULL,
		    msg, sizeof msg, want, &n), 1);
		cr_assert_eq(n, fwd_digest_size(port_digests[d].alg));
		for (size_t cut = 0; cut <= sizeof msg; cut++) {
			cr_assert_eq(c->hash_start(c->ctx,
			    port_digests[d].alg), FWD_OK);
			cr_assert_eq(c->hash_add(c->ctx, msg, cut), FWD_OK);
			cr_assert_eq(c->hash_add(c->ctx, NULL, 0), FWD_OK);
			cr_assert_eq(c->hash_add(c->ctx, msg + cut,
			    sizeof msg - cut), FWD_OK);
			cr_assert_eq(c->hash_end(c->ctx, got, n), FWD_OK);
			cr_assert_eq(memcmp(got, want, n), 0);
		}
	}
}

/* Every length up to a few blocks, where the padding differs. */
static inline void
port_hashes_all_lengths(const struct fwd_crypto *c)
{
	uint8_t msg[600], got[64], want[64];
	size_t n;

	memset(msg, 0xa5, sizeof msg);
	for (size_t d = 0; d < NPORT_DIGESTS; d++) {
		for (size_t i = 0; i <= sizeof msg; i++) {
			cr_assert_eq(EVP_Q_digest(NULL, port_digests[d].name,
			    NULL, msg, i, want, &n), 1);
			cr_assert_eq(c->hash_start(c->ctx,
			    port_digests[d].alg), FWD_OK);
			cr_assert_eq(c->hash_add(c->ctx, msg, i), FWD_OK);
			cr_assert_eq(c->hash_end(c->ctx, got, n), FWD_OK);
			cr_assert_eq(memcmp(got, want, n), 0, "%zu", i);
		}
	}
}

static inline void
port_hash_begun_anew_forgets(const struct fwd_crypto *c)
{
	uint8_t got[32], want[32];

	cr_assert_eq(EVP_Q_digest(NULL, "SHA256", NULL, "b", 1, want, NULL),
	    1);
	cr_assert_eq(c->hash_start(c->ctx, FWD_SHA512), FWD_OK);
	cr_assert_eq(c->hash_add(c->ctx, (const uint8_t *)"a", 1), FWD_OK);
	cr_assert_eq(c->hash_start(c->ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c->hash_add(c->ctx, (const uint8_t *)"b", 1), FWD_OK);
	cr_assert_eq(c->hash_end(c->ctx, got, 32), FWD_OK);
	cr_assert_eq(memcmp(got, want, 32), 0);
}

static inline void
port_hash_out_of_turn(const struct fwd_crypto *c)
{
	static const uint8_t zeros[64];
	uint8_t out[64] = { 0 };

	cr_assert_eq(c->hash_add(c->ctx, out, 1), FWD_E_CRYPTO);
	cr_assert_eq(c->hash_end(c->ctx, out, 32), FWD_E_CRYPTO);
	for (size_t n = 0; n <= sizeof out; n++) {
		if (n == 32)
			continue;
		memset(out, 0xff, sizeof out);
		cr_assert_eq(c->hash_start(c->ctx, FWD_SHA256), FWD_OK);
		cr_assert_eq(c->hash_end(c->ctx, out, n), FWD_E_CRYPTO);
		cr_assert_eq(memcmp(out, zeros, n), 0);
		cr_assert(n == sizeof out || out[n] == 0xff);
		cr_assert_eq(c->hash_add(c->ctx, out, 1), FWD_E_CRYPTO);
	}
	cr_assert_eq(c->hash_start(c->ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c->hash_end(c->ctx, out, 32), FWD_OK);
	cr_assert_eq(c->hash_end(c->ctx, out, 32), FWD_E_CRYPTO);
	cr_assert_eq(c->hash_start(c->ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c->hash_start(c->ctx, -15), FWD_E_ALG);
	cr_assert_eq(c->hash_end(c->ctx, out, 32), FWD_E_CRYPTO);
}

/* ---- signatures ------------------------------------------------------ */

static uint8_t port_point[1 + 2 * 66], port_raw[2 * 66];

/* A P-256 key, a digest and a signature in s; spans point to the above. */
static inline EVP_PKEY *
port_sign_p256(struct fwd_sig *s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_PKEY_CTX *p = EVP_PKEY_CTX_new(key, NULL);
	uint8_t der_sig[128];
	const unsigned char *der = der_sig;
	ECDSA_SIG *sig;
	size_t n = sizeof der_sig, point_n;

	memset(s, 0, sizeof *s);
	s->alg = FWD_ESP256;
	s->digest_alg = FWD_SHA256;
	s->digest_n = 32;
	memset(s->digest, 0x5a, 32);
	s->key.type = FWD_KEY_P256;
	cr_assert_eq(EVP_PKEY_get_octet_string_param(key,
	    OSSL_PKEY_PARAM_PUB_KEY, port_point, sizeof port_point, &point_n),
	    1);
	s->key.point = (struct fwd_span){ port_point, point_n };
	cr_assert_eq(point_n, 65u);
	cr_assert_eq(EVP_PKEY_sign_init(p), 1);
	cr_assert_eq(EVP_PKEY_sign(p, der_sig, &n, s->digest, 32), 1);
	sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), port_raw, 32), 32);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), port_raw + 32, 32),
	    32);
	s->sig = (struct fwd_span){ port_raw, 64 };
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(p);
	return key;
}

static inline void
port_answers(const struct fwd_crypto *c)
{
	struct fwd_sig s;
	EVP_PKEY *key = port_sign_p256(&s);

	cr_assert_eq(c->verify(c->ctx, &s), FWD_OK);
	s.digest[31] ^= 1;
	cr_assert_eq(c->verify(c->ctx, &s), FWD_E_SIG);
	s.digest[31] ^= 1;
	port_point[64] ^= 1;		/* not on the curve */
	cr_assert_eq(c->verify(c->ctx, &s), FWD_E_KEY);
	port_point[64] ^= 1;
	s.key.type = FWD_KEY_P384;	/* nor on that one */
	cr_assert_eq(c->verify(c->ctx, &s), FWD_E_KEY);
	s.key.type = FWD_KEY_NONE;
	cr_assert_eq(c->verify(c->ctx, &s), FWD_E_ALG);
	s.key.type = FWD_KEY_RSA;
	s.digest_alg = 0;
	s.key.exponent = (struct fwd_span){ (const uint8_t *)"\3", 1 };
	cr_assert_eq(c->verify(c->ctx, &s), FWD_E_ALG);
	s.digest_alg = FWD_SHA256;
	s.key.type = FWD_KEY_P256;
	cr_assert_eq(c->verify(c->ctx, &s), FWD_OK);
	EVP_PKEY_free(key);
}

/*
 * r = -z / d makes u1 G + u2 Q the point at infinity, for any s: in range and
 * yet no signature.  Some libraries fail at it instead of saying no.
 */
static inline void
port_point_at_infinity(const struct fwd_crypto *c)
{
	struct fwd_sig s;
	EVP_PKEY *key = port_sign_p256(&s);
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	const BIGNUM *n = EC_GROUP_get0_order(g);
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *d = NULL, *z = BN_bin2bn(s.digest, 32, NULL), *r = BN_new();

	cr_assert_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d),
	    1);
	cr_assert_not_null(BN_mod_inverse(r, d, n, ctx));
	cr_assert_eq(BN_mod_mul(r, r, z, n, ctx), 1);
	cr_assert_eq(BN_sub(r, n, r), 1);
	cr_assert_eq(BN_bn2binpad(r, port_raw, 32), 32);
	cr_assert_eq(c->verify(c->ctx, &s), FWD_E_SIG);
	BN_free(d);
	BN_free(z);
	BN_free(r);
	BN_CTX_free(ctx);
	EC_GROUP_free(g);
	EVP_PKEY_free(key);
}

static inline size_t
port_unhex(const char *hex, uint8_t *out)
{
	const size_t n = strlen(hex) / 2;
	unsigned v;

	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
		out[i] = (uint8_t)v;
	}
	return n;
}

/* RFC 6979: three curves, each with three hashes. */
static inline void
port_vectors(const struct fwd_crypto *c)
{
	struct fwd_key key = { 0 };

	for (size_t i = 0; i < NECDSA; i++) {
		key.type = ecdsa_vectors[i].type;
		key.point = (struct fwd_span){ port_point,
		    port_unhex(ecdsa_vectors[i].point, port_point) };
		cr_assert_eq(fwd_sig_check_cert(c, ecdsa_vectors[i].alg, &key,
		    (struct fwd_span){ (const uint8_t *)ecdsa_vectors[i].msg,
		    strlen(ecdsa_vectors[i].msg) },
		    (struct fwd_span){ port_raw,
		    port_unhex(ecdsa_vectors[i].sig, port_raw) }), FWD_OK,
		    "%zu", i);
	}
}

/* What a port without Ed25519 says of it: not that it holds, nor that not. */
static inline void
port_lacks_ed25519(const struct fwd_crypto *c)
{
	const struct fwd_span msg = { (const uint8_t *)"", 0 };
	struct fwd_sig s = { .alg = FWD_ED25519, .msg = &msg, .msg_n = 1 };

	s.key = (struct fwd_key){ .type = FWD_KEY_ED25519, .point =
	    { port_point, port_unhex(ed25519_vectors[0].key, port_point) } };
	s.sig = (struct fwd_span){ port_raw,
	    port_unhex(ed25519_vectors[0].sig, port_raw) };
	cr_assert_eq(ed25519_vectors[0].msg[0], '\0');
	cr_assert_eq(c->verify(c->ctx, &s), FWD_E_ALG);
	cr_assert_eq(fwd_sig_check(c, FWD_EDDSA, &s.key, &msg, 1, s.sig),
	    FWD_E_ALG);
	port_raw[0] ^= 1;
	cr_assert_eq(fwd_sig_check(c, FWD_ED25519, &s.key, &msg, 1, s.sig),
	    FWD_E_ALG);
}

/* The tests that all have in common, as a suite. */
#define PORT_TESTS(suite, crypto)					\
	Test(suite, hashes_in_any_pieces)				\
	{ port_hashes_in_any_pieces(&(crypto)); }			\
	Test(suite, hashes_all_lengths)					\
	{ port_hashes_all_lengths(&(crypto)); }				\
	Test(suite, hash_begun_anew_forgets)				\
	{ port_hash_begun_anew_forgets(&(crypto)); }			\
	Test(suite, hash_out_of_turn)					\
	{ port_hash_out_of_turn(&(crypto)); }				\
	Test(suite, answers)						\
	{ port_answers(&(crypto)); }					\
	Test(suite, point_at_infinity)					\
	{ port_point_at_infinity(&(crypto)); }				\
	Test(suite, vectors)						\
	{ port_vectors(&(crypto)); }

#endif
