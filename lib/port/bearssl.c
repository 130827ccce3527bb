/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto port on BearSSL 0.6.  Freestanding: of the C library it needs
 * memcpy and memset.  Padding of RSA signatures is judged here: BearSSL has no
 * PSS, and of PKCS #1 v1.5 it takes two forms where others take one.
 */
#include <string.h>

#include <bearssl.h>

#include "port/fwport.h"

/*
 * Words of 31 bits multiply 32 by 32 to 64 bits.  Where the processor cannot,
 * words of 15 bits are faster.  No key is secret here, so it does not matter
 * that some multipliers, the Cortex-M3's for one, take a variable time.
 */
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
#define FWP_BEARSSL_15
#endif
#ifdef FWP_BEARSSL_15
#define EC_P256		br_ec_p256_m15
#define EC_OTHERS	br_ec_prime_i15
#define ECDSA_VRFY	br_ecdsa_i15_vrfy_raw
#define RSA_PUBLIC	br_rsa_i15_public
#else
#define EC_P256		br_ec_p256_m31
#define EC_OTHERS	br_ec_prime_i31
#define ECDSA_VRFY	br_ecdsa_i31_vrfy_raw
#define RSA_PUBLIC	br_rsa_i31_public
#endif

union hash {
	const br_hash_class *vtable;	/* NULL: none under way */
	br_sha256_context sha256;
#ifndef FWP_BEARSSL_SMALL
	br_sha512_context sha512;	/* SHA-384 as well */
#endif
};

/* What is in a struct fwp_bearssl. */
struct state {
	union hash hash;
	size_t size;			/* of the digest */
} __attribute__((may_alias));
_Static_assert(sizeof(struct state) <= sizeof(struct fwp_bearssl),
    "FWP_BEARSSL_SIZE is too small");

static const br_hash_class *
hash_class(int32_t alg)
{
	switch (alg) {
	case FWD_SHA256:
		return &br_sha256_vtable;
#ifndef FWP_BEARSSL_SMALL
	case FWD_SHA384:
		return &br_sha384_vtable;
	case FWD_SHA512:
		return &br_sha512_vtable;
#endif
	default:
		return NULL;
	}
}

/* ---- hash ------------------------------------------------------------ */

static fwd_status
hash_start(void *ctx, int32_t alg)
{
	struct state *const s = ctx;
	const br_hash_class *const class = hash_class(alg);

	s->hash.vtable = NULL;
	if (class == NULL)
		return FWD_E_ALG;
	class->init(&s->hash.vtable);
	s->size = fwd_digest_size(alg);
	return FWD_OK;
}

static fwd_status
hash_add(void *ctx, const uint8_t *p, size_t n)
{
	struct state *const s = ctx;

	if (s->hash.vtable == NULL)
		return FWD_E_CRYPTO;
	s->hash.vtable->update(&s->hash.vtable, p, n);
	return FWD_OK;
}

static fwd_status
hash_end(void *ctx, uint8_t *out, size_t n)
{
	struct state *const s = ctx;
	const bool good = s->hash.vtable != NULL && s->size == n;

	memset(out, 0, n);
	if (good)
		s->hash.vtable->out(&s->hash.vtable, out);
	s->hash.vtable = NULL;
	return good ? FWD_OK : FWD_E_CRYPTO;
}

/* ---- ECDSA ----------------------------------------------------------- */

/* Multiply by one: that fails if it is no point of the curve. */
static bool
on_curve(const br_ec_impl *ec, const br_ec_public_key *key)
{
	static const uint8_t one[1] = { 1 };
	uint8_t point[FWD_POINT_MAX];

	if (key->qlen > sizeof point)
		return false;
	memcpy(point, key->q, key->qlen);
	return ec->mul(point, key->qlen, one, sizeof one, key->curve) == 1;
}

static fwd_status
verify_ecdsa(const br_ec_impl *ec, int curve, const struct fwd_sig *sig)
{
	const br_ec_public_key key = { curve,
	    (unsigned char *)(uintptr_t)sig->key.point.p, sig->key.point.n };

	if (ECDSA_VRFY(ec, sig->digest, sig->digest_n, &key, sig->sig.p,
	    sig->sig.n) == 1)
		return FWD_OK;
	/* BearSSL does not say what was wrong. */
	return on_curve(ec, &key) ? FWD_E_SIG : FWD_E_KEY;
}

/* ---- RSA ------------------------------------------------------------- */

#ifndef FWP_BEARSSL_SMALL

/*
 * RFC 8017 section 9.2, compared with what it would have to be.  That the NULL
 * parameters are there is what all who sign do (section A.2.4) and what the
 * other ports demand.
 */
static fwd_status
check_pkcs1(const struct fwd_sig *sig, const uint8_t *em, size_t n)
{
	const uint8_t hash_n = (uint8_t)sig->digest_n;
	/* DigestInfo of id-sha256 is 1, of id-sha384 2, of id-sha512 3. */
	const uint8_t id = sig->digest_alg == FWD_SHA256 ? 1 :
	    sig->digest_alg == FWD_SHA384 ? 2 : 3;
	const uint8_t prefix[] = { 0x00, 0x30, (uint8_t)(17 + hash_n), 0x30,
	    0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
	    id, 0x05, 0x00, 0x04, hash_n };
	const size_t tail = sizeof prefix + hash_n;
	unsigned bad;
	size_t i;

	if (n < 2 + 8 + tail)
		return FWD_E_SIG;
	bad = em[0] | (em[1] ^ 0x01u);
	for (i = 2; i < n - tail; i++)
		bad |= em[i] ^ 0xffu;
	for (i = 0; i < sizeof prefix; i++)
		bad |= (unsigned)(em[n - tail + i] ^ prefix[i]);
	if (bad != 0)
		return FWD_E_SIG;
	return fwd_equal(em + n - hash_n, sig->digest, hash_n, FWD_E_SIG);
}

/* RFC 8017 section B.2.1: data ^= MGF1(seed) */
static void
mask(const br_hash_class *class, const uint8_t *seed, size_t seed_n,
    uint8_t *data, size_t n)
{
	uint8_t counter[4] = { 0, 0, 0, 0 }, block[FWD_DIGEST_MAX];
	union hash h;
	size_t at, i;

	/* 512 bytes are 16 blocks: one byte counts them */
	for (at = 0; at < n; at += seed_n, counter[3]++) {
		class->init(&h.vtable);
		class->update(&h.vtable, seed, seed_n);
		class->update(&h.vtable, counter, sizeof counter);
		class->out(&h.vtable, block);
		for (i = 0; i < seed_n && i < n - at; i++)
			data[at + i] ^= block[i];
	}
}

/*
 * RFC 8017 section 9.1.2 with a salt as long as the digest; em, which is
 * changed, is n bytes of which the first `unused` bits do not count.
 */
static fwd_status
check_pss(const struct fwd_sig *sig, uint8_t *em, size_t n, unsigned unused)
{
	static const uint8_t zeros[8];
	const br_hash_class *const class = hash_class(sig->digest_alg);
	const size_t hash_n = sig->digest_n;
	const uint8_t front = (uint8_t)(0xff00u >> unused);	/* step 6 */
	size_t db_n, i;
	uint8_t again[FWD_DIGEST_MAX];
	union hash h;
	unsigned bad;

	if (n < 2 * hash_n + 2)					/* step 3 */
		return FWD_E_SIG;
	db_n = n - hash_n - 1;
	bad = em[n - 1] ^ 0xbcu;				/* step 4 */
	bad |= em[0] & front;					/* step 6 */
	mask(class, em + db_n, hash_n, em, db_n);		/* 7 and 8 */
	em[0] &= (uint8_t)~front;				/* step 9 */
	for (i = 0; i < db_n - hash_n - 1; i++)			/* step 10 */
		bad |= em[i];
	bad |= em[i] ^ 0x01u;
	if (bad != 0)
		return FWD_E_SIG;
	class->init(&h.vtable);					/* 12 and 13 */
	class->update(&h.vtable, zeros, sizeof zeros);
	class->update(&h.vtable, sig->digest, hash_n);
	class->update(&h.vtable, em + db_n - hash_n, hash_n);
	class->out(&h.vtable, again);
	return fwd_equal(again, em + db_n, hash_n, FWD_E_SIG);	/* step 14 */
}

/* Bits in front of the highest one of a byte. */
static unsigned
leading_zeros(uint8_t byte)
{
	unsigned n = 0;

	while (n < 8 && (byte & (0x80u >> n)) == 0)
		n++;
	return n;
}

static fwd_status
verify_pss(const struct fwd_sig *sig, uint8_t *em, size_t n)
{
	/* emBits is one less than the modulus has: section 8.1.2 */
	const unsigned unused = leading_zeros(sig->key.point.p[0]) + 1;

	if (unused < 8)
		return check_pss(sig, em, n, unused);
	/* It is a byte shorter then: step 2c. */
	return em[0] == 0 ? check_pss(sig, em + 1, n - 1, unused - 8) :
	    FWD_E_SIG;
}

static fwd_status
verify_rsa(const struct fwd_sig *sig)
{
	const br_rsa_public_key key = {
	    (unsigned char *)(uintptr_t)sig->key.point.p, sig->key.point.n,
	    (unsigned char *)(uintptr_t)sig->key.exponent.p,
	    sig->key.exponent.n };
	uint8_t em[FWD_SIG_MAX];

	if (hash_class(sig->digest_alg) == NULL)
		return FWD_E_ALG;
	/* The library has seen to this. */
	if (sig->sig.n > sizeof em || sig->sig.n != key.nlen ||
	    sig->digest_n != fwd_digest_size(sig->digest_alg))
		return FWD_E_CRYPTO;
	memcpy(em, sig->sig.p, sig->sig.n);
	if (RSA_PUBLIC(em, sig->sig.n, &key) != 1)
		return FWD_E_CRYPTO;
	switch (sig->alg) {
	case FWD_PS256:
	case FWD_PS384:
	case FWD_PS512:
		return verify_pss(sig, em, sig->sig.n);
	case FWD_RS256:
	case FWD_RS384:
	case FWD_RS512:
		return check_pkcs1(sig, em, sig->sig.n);
	default:
		return FWD_E_ALG;
	}
}

#endif /* !FWP_BEARSSL_SMALL */

/* ---- the port -------------------------------------------------------- */

static fwd_status
verify(void *ctx, const struct fwd_sig *sig)
{
	(void)ctx;
	switch (sig->key.type) {
	case FWD_KEY_P256:
		return verify_ecdsa(&EC_P256, BR_EC_secp256r1, sig);
#ifndef FWP_BEARSSL_SMALL
	case FWD_KEY_P384:
		return verify_ecdsa(&EC_OTHERS, BR_EC_secp384r1, sig);
	case FWD_KEY_P521:
		return verify_ecdsa(&EC_OTHERS, BR_EC_secp521r1, sig);
	case FWD_KEY_RSA:
		return verify_rsa(sig);
#endif
	default:
		return FWD_E_ALG;
	}
}

struct fwd_crypto
fwp_bearssl_init(struct fwp_bearssl *b)
{
	memset(b, 0, sizeof *b);
	return (struct fwd_crypto){ b, hash_start, hash_add, hash_end,
	    verify };
}
