/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto port on the PSA Crypto API, version 1.0, and nothing beyond it.
 * Tried with Mbed TLS 2.28.  It adds no judgement of its own.
 */
#include <string.h>

#include <psa/crypto.h>

#include "port/fwport.h"

/* What is in a struct fwp_psa. */
struct state {
	psa_hash_operation_t hash;
} __attribute__((may_alias));
_Static_assert(sizeof(struct state) <= sizeof(struct fwp_psa),
    "FWP_PSA_SIZE is too small for this implementation of PSA");

static psa_algorithm_t
hash_alg(int32_t alg)
{
	switch (alg) {
	case FWD_SHA256:
		return PSA_ALG_SHA_256;
	case FWD_SHA384:
		return PSA_ALG_SHA_384;
	case FWD_SHA512:
		return PSA_ALG_SHA_512;
	default:
		return PSA_ALG_NONE;
	}
}

/* ---- hash ------------------------------------------------------------ */

static fwd_status
hash_start(void *ctx, int32_t alg)
{
	struct state *const s = ctx;
	const psa_algorithm_t h = hash_alg(alg);
	psa_status_t r;

	if (psa_hash_abort(&s->hash) != PSA_SUCCESS)
		return FWD_E_CRYPTO;
	if (h == PSA_ALG_NONE)
		return FWD_E_ALG;
	r = psa_hash_setup(&s->hash, h);
	if (r == PSA_ERROR_NOT_SUPPORTED)
		return FWD_E_ALG;
	return r == PSA_SUCCESS ? FWD_OK : FWD_E_CRYPTO;
}

static fwd_status
hash_add(void *ctx, const uint8_t *p, size_t n)
{
	struct state *const s = ctx;

	/* Without a hash under way this fails as well. */
	return psa_hash_update(&s->hash, p, n) == PSA_SUCCESS ? FWD_OK :
	    FWD_E_CRYPTO;
}

static fwd_status
hash_end(void *ctx, uint8_t *out, size_t n)
{
	struct state *const s = ctx;
	size_t got = 0;

	if (psa_hash_finish(&s->hash, out, n, &got) == PSA_SUCCESS &&
	    got == n)
		return FWD_OK;
	(void)psa_hash_abort(&s->hash);
	memset(out, 0, n);
	return FWD_E_CRYPTO;
}

/* ---- keys ------------------------------------------------------------ */

#define DER_MAX	(4 + 4 + 1 + FWD_SIG_MAX + 2 + 1 + 4)	/* RSAPublicKey */

/* An INTEGER; its length.  The number is positive and has no leading zero. */
static size_t
der_integer(struct fwd_span number, uint8_t *out)
{
	const size_t zero = number.p[0] >> 7, n = number.n + zero;
	size_t at = 0;

	out[at++] = 0x02;
	if (n > 0x7f) {
		out[at++] = 0x82;
		out[at++] = (uint8_t)(n >> 8);
	}
	out[at++] = (uint8_t)n;
	if (zero != 0)
		out[at++] = 0;
	memcpy(out + at, number.p, number.n);
	return at + number.n;
}

/* RFC 8017 section A.1.1, the form in which PSA wants a key; its length. */
static size_t
der_rsa_key(const struct fwd_key *key, uint8_t der[DER_MAX])
{
	size_t n = 4;

	n += der_integer(key->point, der + n);
	n += der_integer(key->exponent, der + n);
	der[0] = 0x30;
	der[1] = 0x82;			/* at least 256 bytes */
	der[2] = (uint8_t)((n - 4) >> 8);
	der[3] = (uint8_t)(n - 4);
	return n;
}

static fwd_status
import(psa_key_type_t type, size_t bits, psa_algorithm_t alg,
    struct fwd_span data, psa_key_id_t *id)
{
	psa_key_attributes_t a = psa_key_attributes_init();
	psa_status_t r;

	psa_set_key_usage_flags(&a, PSA_KEY_USAGE_VERIFY_HASH);
	psa_set_key_algorithm(&a, alg);
	psa_set_key_type(&a, type);
	psa_set_key_bits(&a, bits);
	r = psa_import_key(&a, data.p, data.n, id);
	psa_reset_key_attributes(&a);
	switch (r) {
	case PSA_SUCCESS:
		return FWD_OK;
	case PSA_ERROR_INVALID_ARGUMENT:
		return FWD_E_KEY;	/* not on the curve, for instance */
	case PSA_ERROR_NOT_SUPPORTED:
		return FWD_E_ALG;
	default:
		return FWD_E_CRYPTO;
	}
}

static fwd_status
import_ec(const struct fwd_sig *sig, size_t bits, psa_algorithm_t alg,
    psa_key_id_t *id)
{
	return import(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1),
	    bits, alg, sig->key.point, id);
}

static fwd_status
import_rsa(const struct fwd_sig *sig, psa_algorithm_t alg, psa_key_id_t *id)
{
	const struct fwd_key *const key = &sig->key;
	uint8_t der[DER_MAX];

	/* The library has seen to this. */
	if (key->point.n < 256 || key->point.n > FWD_SIG_MAX ||
	    key->exponent.n == 0 || key->exponent.n > 4)
		return FWD_E_KEY;
	return import(PSA_KEY_TYPE_RSA_PUBLIC_KEY, 0, alg,
	    (struct fwd_span){ der, der_rsa_key(key, der) }, id);
}

static fwd_status
make_key(const struct fwd_sig *sig, psa_algorithm_t alg, psa_key_id_t *id)
{
	switch (sig->key.type) {
	case FWD_KEY_P256:
		return import_ec(sig, 256, alg, id);
	case FWD_KEY_P384:
		return import_ec(sig, 384, alg, id);
	case FWD_KEY_P521:
		return import_ec(sig, 521, alg, id);
	case FWD_KEY_RSA:
		return import_rsa(sig, alg, id);
	default:
		return FWD_E_ALG;
	}
}

/* ---- signatures ------------------------------------------------------ */

static psa_algorithm_t
sig_alg(const struct fwd_sig *sig)
{
	const psa_algorithm_t h = hash_alg(sig->digest_alg);

	if (h == PSA_ALG_NONE)
		return PSA_ALG_NONE;
	switch (sig->alg) {
	case FWD_ESP256:
	case FWD_ESP384:
	case FWD_ESP512:
		return PSA_ALG_ECDSA(h);
	case FWD_PS256:
	case FWD_PS384:
	case FWD_PS512:
		return PSA_ALG_RSA_PSS(h);	/* salt as long as the hash */
	case FWD_RS256:
	case FWD_RS384:
	case FWD_RS512:
		return PSA_ALG_RSA_PKCS1V15_SIGN(h);
	default:
		return PSA_ALG_NONE;
	}
}

static fwd_status
answer(psa_status_t r, bool rsa)
{
	switch (r) {
	case PSA_SUCCESS:
		return FWD_OK;
	case PSA_ERROR_INVALID_SIGNATURE:
	case PSA_ERROR_INVALID_PADDING:
		return FWD_E_SIG;
	case PSA_ERROR_INVALID_ARGUMENT:
		/* Mbed TLS says so when the first bit of a PSS encoding is
		   set.  Key and algorithm were good enough to import. */
		return rsa ? FWD_E_SIG : FWD_E_CRYPTO;
	case PSA_ERROR_NOT_SUPPORTED:
		return FWD_E_ALG;
	default:
		return FWD_E_CRYPTO;
	}
}

static fwd_status
verify(void *ctx, const struct fwd_sig *sig)
{
	const psa_algorithm_t alg = sig_alg(sig);
	psa_key_id_t id;
	psa_status_t r;
	fwd_status s;

	(void)ctx;
	if (alg == PSA_ALG_NONE)
		return FWD_E_ALG;
	s = make_key(sig, alg, &id);
	if (s != FWD_OK)
		return s;
	r = psa_verify_hash(id, alg, sig->digest, sig->digest_n, sig->sig.p,
	    sig->sig.n);
	if (psa_destroy_key(id) != PSA_SUCCESS)
		return FWD_E_CRYPTO;
	return answer(r, sig->key.type == FWD_KEY_RSA);
}

/* ---- the port -------------------------------------------------------- */

fwd_status
fwp_psa_init(struct fwp_psa *p, struct fwd_crypto *out)
{
	struct state *const s = (void *)p;

	memset(out, 0, sizeof *out);
	s->hash = psa_hash_operation_init();
	if (psa_crypto_init() != PSA_SUCCESS)
		return FWD_E_CRYPTO;
	*out = (struct fwd_crypto){ p, hash_start, hash_add, hash_end,
	    verify };
	return FWD_OK;
}

void
fwp_psa_deinit(struct fwp_psa *p)
{
	struct state *const s = (void *)p;

	(void)psa_hash_abort(&s->hash);
}
