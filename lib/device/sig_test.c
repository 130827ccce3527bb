/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures: published vectors, every bit of them flipped, every length and
 * range that is wrong, and crypto ports that lie.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include "device/sig.h"
#include "device/sig_vectors.h"
#include "port/fwport.h"

/* ---- a port that counts and can be told what to say --------------- */

static struct fwp_openssl *openssl;

static struct spy {
	struct fwd_crypto real;
	unsigned verifies, hashes;
	bool scripted;
	fwd_status say[2];		/* instead of the real answers */
	fwd_status start, add, end;
} spy;

static fwd_status
spy_start(void *ctx, int32_t alg)
{
	(void)ctx;
	spy.hashes++;
	return spy.start != FWD_OK ? spy.start :
	    spy.real.hash_start(spy.real.ctx, alg);
}

static fwd_status
spy_add(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	return spy.add != FWD_OK ? spy.add :
	    spy.real.hash_add(spy.real.ctx, p, n);
}

static fwd_status
spy_end(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	return spy.end != FWD_OK ? spy.end :
	    spy.real.hash_end(spy.real.ctx, out, n);
}

static fwd_status
spy_verify(void *ctx, const struct fwd_sig *sig)
{
	const unsigned i = spy.verifies++;

	(void)ctx;
	if (!spy.scripted)
		return spy.real.verify(spy.real.ctx, sig);
	cr_assert_lt(i, 2u, "the port is asked more than twice");
	return spy.say[i];
}

static const struct fwd_crypto port = { NULL, spy_start, spy_add, spy_end,
    spy_verify };

static void
open_port(void)
{
	openssl = fwp_openssl_new();
	cr_assert_not_null(openssl);
	memset(&spy, 0, sizeof spy);
	spy.real = fwp_openssl_crypto(openssl);
	spy.start = spy.add = spy.end = FWD_OK;
}

static void
close_port(void)
{
	fwp_openssl_free(openssl);
}

TestSuite(sig, .init = open_port, .fini = close_port);

/* ---- helpers ------------------------------------------------------ */

struct bytes {
	uint8_t p[1200];
	size_t n;
};

static struct bytes
unhex(const char *s)
{
	struct bytes b = { .n = strlen(s) / 2 };
	unsigned v;

	for (size_t i = 0; i < b.n; i++) {
		cr_assert_eq(sscanf(s + 2 * i, "%2x", &v), 1);
		b.p[i] = (uint8_t)v;
	}
	return b;
}

static struct bytes
text(const char *s)
{
	struct bytes b = { .n = strlen(s) };

	memcpy(b.p, s, b.n);
	return b;
}

static struct fwd_span
span(const struct bytes *b)
{
	return (struct fwd_span){ b->p, b->n };
}

/* One signature with all that belongs to it, to be spoilt by the tests. */
struct item {
	int32_t alg;
	enum fwd_key_type type;
	struct bytes point, exponent, msg, sig;
};

static fwd_status
check(const struct item *t)
{
	const struct fwd_key key = { .type = t->type,
	    .point = span(&t->point), .exponent = span(&t->exponent) };
	const struct fwd_span msg = span(&t->msg);

	spy.verifies = 0;
	return fwd_sig_check(&port, t->alg, &key, &msg, 1, span(&t->sig));
}

static int32_t
alg_of(enum fwd_key_type type)
{
	return type == FWD_KEY_P256 ? FWD_ESP256 :
	    type == FWD_KEY_P384 ? FWD_ESP384 :
	    type == FWD_KEY_P521 ? FWD_ESP512 : FWD_ED25519;
}

static struct item
ecdsa(size_t i)
{
	return (struct item){ .alg = alg_of(ecdsa_vectors[i].type),
	    .type = ecdsa_vectors[i].type,
	    .point = unhex(ecdsa_vectors[i].point),
	    .msg = text(ecdsa_vectors[i].msg),
	    .sig = unhex(ecdsa_vectors[i].sig) };
}

/* The vector of a curve with the hash that belongs to it. */
static struct item
ecdsa_of(enum fwd_key_type type)
{
	const int32_t alg = type == FWD_KEY_P256 ? FWD_ES256 :
	    type == FWD_KEY_P384 ? FWD_ES384 : FWD_ES512;

	for (size_t i = 0; i < NECDSA; i++) {
		if (ecdsa_vectors[i].type == type &&
		    ecdsa_vectors[i].alg == alg)
			return ecdsa(i);
	}
	cr_assert_fail("no vector");
	return (struct item){ 0 };
}

static struct item
ed25519(size_t i)
{
	return (struct item){ .alg = FWD_ED25519, .type = FWD_KEY_ED25519,
	    .point = unhex(ed25519_vectors[i].key),
	    .msg = unhex(ed25519_vectors[i].msg),
	    .sig = unhex(ed25519_vectors[i].sig) };
}

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

/* Each bit of b is flipped in turn; the signature never holds. */
static void
flip_all(struct item *t, struct bytes *b, const char *what)
{
	fwd_status s;

	for (size_t i = 0; i < 8 * b->n; i++) {
		b->p[i / 8] ^= (uint8_t)(1u << i % 8);
		s = check(t);
		cr_assert(s == FWD_E_SIG || s == FWD_E_SIG_FORM ||
		    s == FWD_E_KEY, "%s bit %zu of %s: %s",
		    fwd_alg_name(t->alg), i, what, fwd_status_code(s));
		b->p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	cr_assert_eq(check(t), FWD_OK);
}

/* Every other length of the signature is refused without asking the port. */
static void
wrong_lengths(struct item *t)
{
	const size_t right = t->sig.n;

	for (t->sig.n = 0; t->sig.n <= right + 8; t->sig.n++) {
		if (t->sig.n == right)
			continue;
		cr_assert_eq(check(t), FWD_E_SIG_FORM, "%zu", t->sig.n);
		cr_assert_eq(spy.verifies, 0u);
	}
	t->sig.n = right;
}

/* ---- names -------------------------------------------------------- */

Test(sig, names_lead_there_and_back)
{
	static const int32_t algs[] = { FWD_SHA256, FWD_SHA384, FWD_SHA512,
	    FWD_ES256, FWD_ES384, FWD_ES512, FWD_EDDSA, FWD_ESP256,
	    FWD_ESP384, FWD_ESP512, FWD_ED25519, FWD_PS256, FWD_PS384,
	    FWD_PS512, FWD_RS256, FWD_RS384, FWD_RS512 };

	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
		cr_assert_eq(fwd_alg_by_name(fwd_alg_name(algs[i])), algs[i]);
	cr_assert_str_eq(fwd_alg_name(0), "unknown");
	cr_assert_str_eq(fwd_alg_name(FWD_SHA256 - ((int64_t)1 << 32)),
	    "unknown");
	cr_assert_eq(fwd_alg_by_name("unknown"), 0);
	cr_assert_eq(fwd_alg_by_name(""), 0);
	cr_assert_eq(fwd_alg_by_name("esp256"), 0);
	cr_assert_eq(fwd_alg_by_name("ESP25"), 0);
	cr_assert_eq(fwd_alg_by_name("ESP2567"), 0);
}

Test(sig, digest_sizes)
{
	cr_assert_eq(fwd_digest_size(FWD_SHA256), 32u);
	cr_assert_eq(fwd_digest_size(FWD_SHA384), 48u);
	cr_assert_eq(fwd_digest_size(FWD_SHA512), 64u);
	cr_assert_eq(fwd_digest_size(0), 0u);
	cr_assert_eq(fwd_digest_size(FWD_ESP256), 0u);
	cr_assert_eq(fwd_digest_size(FWD_SHA256 + ((int64_t)1 << 32)), 0u);
}

/* ---- ECDSA -------------------------------------------------------- */

Test(sig, rfc6979)
{
	struct item t;
	struct fwd_key key = { 0 };

	for (size_t i = 0; i < NECDSA; i++) {
		t = ecdsa(i);
		key.type = t.type;
		key.point = span(&t.point);
		cr_assert_eq(fwd_sig_check_cert(&port, ecdsa_vectors[i].alg,
		    &key, span(&t.msg), span(&t.sig)), FWD_OK, "%zu", i);
	}
	cr_assert_eq(NECDSA, 18);
	cr_assert_eq(spy.verifies, 36u, "each is asked twice");
}

Test(sig, ecdsa_hash_belongs_to_curve)
{
	struct item t;
	int32_t natural;

	for (size_t i = 0; i < NECDSA; i++) {
		t = ecdsa(i);
		natural = t.type == FWD_KEY_P256 ? FWD_ES256 :
		    t.type == FWD_KEY_P384 ? FWD_ES384 : FWD_ES512;
		cr_assert_eq(check(&t), natural == ecdsa_vectors[i].alg ?
		    FWD_OK : FWD_E_SIG);
		t.alg = ecdsa_vectors[i].alg;	/* as an alias */
		cr_assert_eq(check(&t), natural == t.alg ? FWD_OK :
		    FWD_E_ALG_KEY);
	}
}

static void
spoil_ecdsa(enum fwd_key_type type)
{
	struct item t = ecdsa_of(type);
	const size_t point = t.point.n;

	flip_all(&t, &t.sig, "signature");
	flip_all(&t, &t.point, "key");
	flip_all(&t, &t.msg, "message");
	wrong_lengths(&t);
	for (t.point.n = 0; t.point.n <= point + 2; t.point.n++)
		cr_assert_eq(check(&t), t.point.n == point ? FWD_OK :
		    FWD_E_KEY);
	t.point.n = point;
	/* compressed and hybrid forms of the very same point */
	for (unsigned form = 0; form < 256; form++) {
		t.point.p[0] = (uint8_t)form;
		cr_assert_eq(check(&t), form == 4 ? FWD_OK : FWD_E_KEY);
	}
}

Test(sig, p256_spoilt) { spoil_ecdsa(FWD_KEY_P256); }
Test(sig, p384_spoilt) { spoil_ecdsa(FWD_KEY_P384); }
Test(sig, p521_spoilt) { spoil_ecdsa(FWD_KEY_P521); }

/* Put value + delta into one half of a signature or point. */
static void
put(struct bytes *b, size_t at, size_t width, const BIGNUM *value, int delta)
{
	BIGNUM *v = BN_dup(value);

	if (delta >= 0)
		cr_assert_eq(BN_add_word(v, (BN_ULONG)delta), 1);
	else
		cr_assert_eq(BN_sub_word(v, (BN_ULONG)-delta), 1);
	cr_assert_eq(BN_bn2binpad(v, b->p + at, (int)width), (int)width);
	BN_free(v);
}

/* The ranges of r, s, x and y, against OpenSSL's own constants. */
static void
ecdsa_ranges(enum fwd_key_type type, int nid)
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(nid);
	const BIGNUM *n = EC_GROUP_get0_order(g);
	BIGNUM *p = BN_new(), *zero = BN_new();
	struct item good = ecdsa_of(type), t;
	const size_t w = good.sig.n / 2;

	cr_assert_eq(EC_GROUP_get_curve(g, p, NULL, NULL, NULL), 1);
	for (size_t at = 0; at <= w; at += w) {
		t = good;
		put(&t.sig, at, w, zero, 0);
		cr_assert_eq(check(&t), FWD_E_SIG_FORM);
		put(&t.sig, at, w, n, 0);
		cr_assert_eq(check(&t), FWD_E_SIG_FORM);
		put(&t.sig, at, w, n, 1);
		cr_assert_eq(check(&t), FWD_E_SIG_FORM);
		memset(t.sig.p + at, 0xff, w);
		cr_assert_eq(check(&t), FWD_E_SIG_FORM);
		cr_assert_eq(spy.verifies, 0u);
		put(&t.sig, at, w, zero, 1);
		cr_assert_eq(check(&t), FWD_E_SIG);
		put(&t.sig, at, w, n, -1);
		cr_assert_eq(check(&t), FWD_E_SIG);
		cr_assert_eq(spy.verifies, 1u, "in range: the port says");

		t = good;
		put(&t.point, 1 + at, w, p, 0);
		cr_assert_eq(check(&t), FWD_E_KEY);
		cr_assert_eq(spy.verifies, 0u);
		put(&t.point, 1 + at, w, p, -1);
		cr_assert_eq(check(&t), FWD_E_KEY);
		cr_assert_eq(spy.verifies, 1u, "not on the curve");
	}
	BN_free(p);
	BN_free(zero);
	EC_GROUP_free(g);
}

Test(sig, ranges)
{
	ecdsa_ranges(FWD_KEY_P256, NID_X9_62_prime256v1);
	ecdsa_ranges(FWD_KEY_P384, NID_secp384r1);
	ecdsa_ranges(FWD_KEY_P521, NID_secp521r1);
}

/* ---- Ed25519 ------------------------------------------------------ */

Test(sig, rfc8032)
{
	struct item t;

	cr_assert_eq(NED25519, 5);
	for (size_t i = 0; i < NED25519; i++) {
		t = ed25519(i);
		cr_assert_eq(check(&t), FWD_OK, "%zu", i);
		t.alg = FWD_EDDSA;
		cr_assert_eq(check(&t), FWD_OK, "%zu", i);
		cr_assert_eq(spy.verifies, 2u);
		cr_assert_eq(spy.hashes, 0u);
	}
}

Test(sig, ed25519_spoilt)
{
	struct item t;

	for (size_t i = 0; i < NED25519; i++) {
		t = ed25519(i);
		flip_all(&t, &t.sig, "signature");
		flip_all(&t, &t.point, "key");
		flip_all(&t, &t.msg, "message");
		wrong_lengths(&t);
	}
	for (t.point.n = 0; t.point.n <= 40; t.point.n++)
		cr_assert_eq(check(&t), t.point.n == 32 ? FWD_OK :
		    FWD_E_KEY);
}

/* L, little endian: RFC 8032 section 5.1. */
static const uint8_t ed_order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63,
    0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };

/* S + L makes the same signature for those who do not look: malleability. */
Test(sig, ed25519_s_below_l)
{
	struct item t = ed25519(1);
	unsigned carry = 0;

	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)t.sig.p[32 + i] + ed_order[i];
		t.sig.p[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	cr_assert_eq(check(&t), FWD_E_SIG_FORM);
	memcpy(t.sig.p + 32, ed_order, 32);
	cr_assert_eq(check(&t), FWD_E_SIG_FORM);
	t.sig.p[32]--;			/* L - 1 */
	cr_assert_eq(spy.verifies, 0u);
	cr_assert_eq(check(&t), FWD_E_SIG);
}

/* The points of small order and encodings with y >= p: no keys. */
Test(sig, ed25519_weak_keys)
{
	static const char *const weak[] = {
		"00000000000000000000000000000000"
		"00000000000000000000000000000000",
		"01000000000000000000000000000000"
		"00000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"ffffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0"
		"d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f"
		"2a2053fa2c39ccc64ec7fd7792ac037a",
	};
	struct item t = ed25519(0);

	for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
		t.point = unhex(weak[i]);
		cr_assert_eq(check(&t), FWD_E_KEY, "%zu", i);
		t.point.p[31] |= 0x80;
		cr_assert_eq(check(&t), FWD_E_KEY, "%zu", i);
		cr_assert_eq(spy.verifies, 0u);
	}
	/* The neighbours are no such points. */
	t.point = unhex("02000000000000000000000000000000"
	    "00000000000000000000000000000000");
	cr_assert_eq(check(&t), FWD_E_SIG);
}

/* ---- RSA ---------------------------------------------------------- */

static const int32_t rsa_algs[] = { FWD_PS256, FWD_PS384, FWD_PS512,
    FWD_RS256, FWD_RS384, FWD_RS512 };
enum { NRSA = sizeof rsa_algs / sizeof rsa_algs[0] };

Test(sig, rsa)
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

Test(sig, rsa_spoilt)
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
Test(sig, pss_salt)
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

Test(sig, rsa_ranges)
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

Test(sig, rsa_exponents)
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
Test(sig, rsa_limited_keys)
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

/* ---- algorithm and key -------------------------------------------- */

Test(sig, algorithm_fits_key)
{
	static const struct {
		int32_t alg;
		enum fwd_key_type type;
	} all[] = {
		{ FWD_ES256, FWD_KEY_P256 }, { FWD_ESP256, FWD_KEY_P256 },
		{ FWD_ES384, FWD_KEY_P384 }, { FWD_ESP384, FWD_KEY_P384 },
		{ FWD_ES512, FWD_KEY_P521 }, { FWD_ESP512, FWD_KEY_P521 },
		{ FWD_EDDSA, FWD_KEY_ED25519 },
		{ FWD_ED25519, FWD_KEY_ED25519 },
		{ FWD_PS256, FWD_KEY_RSA }, { FWD_PS384, FWD_KEY_RSA },
		{ FWD_PS512, FWD_KEY_RSA }, { FWD_RS256, FWD_KEY_RSA },
		{ FWD_RS384, FWD_KEY_RSA }, { FWD_RS512, FWD_KEY_RSA },
	};
	struct item t = { 0 };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		for (t.type = FWD_KEY_NONE; t.type <= FWD_KEY_RSA + 1;
		    t.type++) {
			t.alg = all[i].alg;
			cr_assert_eq(check(&t), t.type == all[i].type ?
			    FWD_E_KEY : FWD_E_ALG_KEY, "%s, type %d",
			    fwd_alg_name(t.alg), (int)t.type);
		}
	}
	for (t.alg = -300; t.alg < 300; t.alg++) {
		if (fwd_alg_name(t.alg)[0] == 'u' || fwd_digest_size(t.alg))
			cr_assert_eq(check(&t), FWD_E_ALG);
	}
	cr_assert_eq(spy.verifies, 0u);
}

/* 64-bit identifiers from CBOR do not wrap around to known ones. */
Test(sig, algorithm_is_64_bits)
{
	const struct item t = ecdsa_of(FWD_KEY_P256);
	const struct fwd_key key = { .type = t.type, .point = span(&t.point) };
	const struct fwd_span msg = span(&t.msg);

	cr_assert_eq(fwd_sig_check(&port, FWD_ESP256, &key, &msg, 1,
	    span(&t.sig)), FWD_OK);
	cr_assert_eq(fwd_sig_check(&port, FWD_ESP256 + ((int64_t)1 << 32),
	    &key, &msg, 1, span(&t.sig)), FWD_E_ALG);
	cr_assert_eq(fwd_sig_check(&port, FWD_ESP256 - ((int64_t)1 << 32),
	    &key, &msg, 1, span(&t.sig)), FWD_E_ALG);
}

/* ---- messages in parts -------------------------------------------- */

static void
all_splits(const struct item *t)
{
	const struct fwd_key key = { .type = t->type,
	    .point = span(&t->point) };

	for (size_t a = 0; a <= t->msg.n; a++) {
		for (size_t b = a; b <= t->msg.n; b++) {
			const struct fwd_span msg[4] = {
				{ t->msg.p, a },
				{ t->msg.p + a, b - a },
				{ NULL, 0 },
				{ t->msg.p + b, t->msg.n - b },
			};
			cr_assert_eq(fwd_sig_check(&port, t->alg, &key, msg,
			    4, span(&t->sig)), FWD_OK);
			cr_assert_eq(fwd_sig_check(&port, t->alg, &key, msg,
			    3, span(&t->sig)), b == t->msg.n ? FWD_OK :
			    FWD_E_SIG);
		}
	}
}

Test(sig, message_in_parts)
{
	struct item t = ecdsa_of(FWD_KEY_P256);

	all_splits(&t);
	for (size_t i = 0; i < 3; i++) {
		t = ed25519(i);
		all_splits(&t);
	}
}

/* ---- ports that lie or fail --------------------------------------- */

Test(sig, port_answers)
{
	static const struct {
		fwd_status say[2], want;
		unsigned asked;
	} cases[] = {
		{ { FWD_OK, FWD_OK }, FWD_OK, 2 },
		{ { FWD_OK, FWD_E_SIG }, FWD_E_FAULT, 2 },
		{ { FWD_E_SIG, FWD_OK }, FWD_E_SIG, 1 },
		{ { FWD_OK, FWD_E_CRYPTO }, FWD_E_CRYPTO, 2 },
		{ { FWD_E_CRYPTO, FWD_OK }, FWD_E_CRYPTO, 1 },
		{ { FWD_OK, FWD_E_KEY }, FWD_E_KEY, 2 },
		{ { FWD_E_KEY, FWD_OK }, FWD_E_KEY, 1 },
		{ { FWD_E_ALG, FWD_OK }, FWD_E_ALG, 1 },
		{ { FWD_OK, 0 }, FWD_E_CRYPTO, 2 },
		{ { FWD_OK, 1 }, FWD_E_CRYPTO, 2 },
		{ { 0, FWD_OK }, FWD_E_CRYPTO, 1 },
		{ { 1, FWD_OK }, FWD_E_CRYPTO, 1 },
		{ { ~(fwd_status)FWD_OK, FWD_OK }, FWD_E_CRYPTO, 1 },
		{ { FWD_UNJUDGED, FWD_OK }, FWD_E_CRYPTO, 1 },
	};
	const struct item t = ecdsa_of(FWD_KEY_P256);

	spy.scripted = true;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memcpy(spy.say, cases[i].say, sizeof spy.say);
		cr_assert_eq(check(&t), cases[i].want, "%zu", i);
		cr_assert_eq(spy.verifies, cases[i].asked, "%zu", i);
	}
}

/* No answer that is one bit away from "holds" is taken for it. */
Test(sig, port_answers_near_ok)
{
	const struct item t = ecdsa_of(FWD_KEY_P256);

	spy.scripted = true;
	for (unsigned i = 0; i < 32; i++) {
		spy.say[0] = FWD_OK;
		spy.say[1] = FWD_OK ^ ((fwd_status)1 << i);
		cr_assert_neq(check(&t), FWD_OK);
		spy.say[0] = spy.say[1];
		spy.say[1] = FWD_OK;
		cr_assert_neq(check(&t), FWD_OK);
	}
}

Test(sig, hash_that_fails)
{
	const struct item t = ecdsa_of(FWD_KEY_P256);

	spy.start = FWD_E_CRYPTO;
	cr_assert_eq(check(&t), FWD_E_CRYPTO);
	spy.start = FWD_E_ALG;
	cr_assert_eq(check(&t), FWD_E_ALG);
	spy.start = FWD_OK;
	spy.add = FWD_E_CRYPTO;
	cr_assert_eq(check(&t), FWD_E_CRYPTO);
	spy.add = FWD_OK;
	spy.end = FWD_E_CRYPTO;
	cr_assert_eq(check(&t), FWD_E_CRYPTO);
	cr_assert_eq(spy.verifies, 0u);
	spy.end = FWD_OK;
	cr_assert_eq(check(&t), FWD_OK);
}
