/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures by RSA: sizes, paddings, ranges, and what a key is limited to. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "device/testsig.h"

TestSuite(sig_rsa, .init = open_port, .fini = close_port);

static const int32_t rsa_algs[] = { FWD_PS256, FWD_PS384, FWD_PS512,
    FWD_RS256, FWD_RS384, FWD_RS512 };
enum { NRSA = sizeof rsa_algs / sizeof rsa_algs[0] };

static void
number(const BIGNUM *b, struct bytes *out, size_t n)
{
	out->n = n;
	cr_assert_eq(BN_bn2binpad(b, out->p, (int)n), (int)n);
}

static EVP_PKEY *
make_rsa(unsigned bits, struct item *t)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = NULL, *e = NULL;

	cr_assert_eq(EVP_PKEY_keygen_init(c), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(c, (int)bits), 1);
	cr_assert_eq(EVP_PKEY_generate(c, &key), 1);
	EVP_PKEY_CTX_free(c);
	cr_assert_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	cr_assert_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e), 1);
	t->type = FWD_KEY_RSA;
	number(n, &t->point, (size_t)BN_num_bytes(n));
	number(e, &t->exponent, (size_t)BN_num_bytes(e));
	BN_free(n);
	BN_free(e);
	return key;
}

static const EVP_MD *
md_of(int32_t alg)
{
	return alg == FWD_PS256 || alg == FWD_RS256 ? EVP_sha256() :
	    alg == FWD_PS384 || alg == FWD_RS384 ? EVP_sha384() :
	    EVP_sha512();
}

static void
sign_rsa(EVP_PKEY *key, struct item *t, int salt)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;

	t->msg = text("a message");
	cr_assert_eq(EVP_DigestSignInit(c, &p, md_of(t->alg), NULL, key), 1);
	if (t->alg > FWD_RS256) {
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(p,
		    RSA_PKCS1_PSS_PADDING), 1);
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(p, salt), 1);
	}
	t->sig.n = sizeof t->sig.p;
	cr_assert_eq(EVP_DigestSign(c, t->sig.p, &t->sig.n, t->msg.p,
	    t->msg.n), 1);
	EVP_MD_CTX_free(c);
}

Test(sig_rsa, sizes)
{
	static const unsigned bits[] = { 2048, 2049, 3072, 4096 };
	struct item t = { 0 };
	EVP_PKEY *key;

	for (size_t k = 0; k < sizeof bits / sizeof bits[0]; k++) {
		key = make_rsa(bits[k], &t);
		for (size_t i = 0; i < NRSA; i++) {
			t.alg = rsa_algs[i];
			sign_rsa(key, &t, RSA_PSS_SALTLEN_DIGEST);
			cr_assert_eq(check(&t), FWD_OK, "%u %s", bits[k],
			    fwd_alg_name(t.alg));
			cr_assert_eq(spy.verifies, 2u);
			t.msg.p[0] ^= 1;
			cr_assert_eq(check(&t), FWD_E_SIG);
		}
		EVP_PKEY_free(key);
	}
}

Test(sig_rsa, spoilt)
{
	struct item t = { .alg = FWD_PS256 };
	EVP_PKEY *key = make_rsa(2048, &t);

	sign_rsa(key, &t, RSA_PSS_SALTLEN_DIGEST);
	flip_all(&t, &t.sig, "signature");
	flip_all(&t, &t.msg, "message");
	flip_all(&t, &t.point, "modulus");
	wrong_lengths(&t);
	t.alg = FWD_RS256;
	sign_rsa(key, &t, 0);
	flip_all(&t, &t.sig, "signature");
	wrong_lengths(&t);
	/* A signature of one scheme is none of another. */
	for (size_t i = 0; i < NRSA; i++) {
		t.alg = rsa_algs[i];
		cr_assert_eq(check(&t), t.alg == FWD_RS256 ? FWD_OK :
		    FWD_E_SIG);
	}
	EVP_PKEY_free(key);
}

/* Salt of another length than the digest's (RFC 8230 section 2). */
Test(sig_rsa, pss_salt)
{
	struct item t = { .alg = FWD_PS256 };
	EVP_PKEY *key = make_rsa(2048, &t);
	static const int salts[] = { 0, 1, 20, 31, 33, 64,
	    RSA_PSS_SALTLEN_MAX };

	for (size_t i = 0; i < sizeof salts / sizeof salts[0]; i++) {
		sign_rsa(key, &t, salts[i]);
		cr_assert_eq(check(&t), FWD_E_SIG, "%d", salts[i]);
	}
	EVP_PKEY_free(key);
}

Test(sig_rsa, ranges)
{
	struct item t = { .alg = FWD_PS256 }, u;
	EVP_PKEY *key = make_rsa(2048, &t);

	sign_rsa(key, &t, RSA_PSS_SALTLEN_DIGEST);
	u = t;
	u.sig = u.point;		/* s = n */
	cr_assert_eq(check(&u), FWD_E_SIG_FORM);
	memset(u.sig.p, 0xff, u.sig.n);
	cr_assert_eq(check(&u), FWD_E_SIG_FORM);
	cr_assert_eq(spy.verifies, 0u);
	u.sig = u.point;
	u.sig.p[u.sig.n - 1]--;		/* n - 1, n is odd */
	cr_assert_eq(check(&u), FWD_E_SIG);

	u = t;
	u.point.p[u.point.n - 1] ^= 1;	/* even */
	cr_assert_eq(check(&u), FWD_E_KEY);
	u = t;
	u.point.p[0] &= 0x7f;		/* 2047 bits */
	cr_assert_eq(check(&u), FWD_E_KEY);
	u = t;
	u.point.p[0] = 0;		/* a zero in front */
	cr_assert_eq(check(&u), FWD_E_KEY);
	u = t;
	u.point.n = 255;
	cr_assert_eq(check(&u), FWD_E_KEY);
	u.point.n = 513;		/* more than 4096 bits */
	u.point.p[512] = 1;
	u.sig.n = 513;
	cr_assert_eq(check(&u), FWD_E_KEY);
	cr_assert_eq(spy.verifies, 0u);
	EVP_PKEY_free(key);
}

Test(sig_rsa, exponents)
{
	static const struct {
		const char *e;
		bool ok;
	} cases[] = {
		{ "", false }, { "00", false }, { "01", false },
		{ "02", false }, { "03", true }, { "04", false },
		{ "11", true }, { "010001", true }, { "00010001", false },
		{ "010000", false }, { "ffffffff", true },
		{ "fffffffe", false }, { "0100000001", false },
	};
	struct item t = { .alg = FWD_PS256 };
	EVP_PKEY *key = make_rsa(2048, &t);
	struct fwd_key k = { .type = FWD_KEY_RSA, .point = span(&t.point) };

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		t.exponent = unhex(cases[i].e);
		k.exponent = span(&t.exponent);
		cr_assert_eq(fwd_key_check(&k), cases[i].ok ? FWD_OK :
		    FWD_E_KEY, "%s", cases[i].e);
	}
	EVP_PKEY_free(key);
}

/* RFC 4055 section 1.2: what the key's own parameters allow. */
Test(sig_rsa, limited_keys)
{
	struct item t = { 0 };
	EVP_PKEY *key = make_rsa(2048, &t);
	struct fwd_key k = { .type = FWD_KEY_RSA, .point = span(&t.point),
	    .exponent = span(&t.exponent), .pss = true };
	struct fwd_span msg;
	fwd_status s;

	for (size_t i = 0; i < NRSA; i++) {
		t.alg = rsa_algs[i];
		sign_rsa(key, &t, RSA_PSS_SALTLEN_DIGEST);
		msg = span(&t.msg);
		k.only = 0;
		s = fwd_sig_check(&port, t.alg, &k, &msg, 1, span(&t.sig));
		cr_assert_eq(s, t.alg > FWD_RS256 ? FWD_OK : FWD_E_ALG_KEY);
		k.only = FWD_PS384;
		s = fwd_sig_check(&port, t.alg, &k, &msg, 1, span(&t.sig));
		cr_assert_eq(s, t.alg == FWD_PS384 ? FWD_OK : FWD_E_ALG_KEY);
	}
	EVP_PKEY_free(key);
}
