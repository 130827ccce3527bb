/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures: published vectors, every bit of them flipped, every length and
 * range that is wrong, and crypto ports that lie.  RSA is in sig_rsa_test.c.
 */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#include "device/sig_vectors.h"
#include "device/testsig.h"

TestSuite(sig, .init = open_port, .fini = close_port);

/* ---- vectors ------------------------------------------------------ */

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
