/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto port on OpenSSL 3.  It adds no judgement of its own to what
 * libcrypto says: lengths, encodings and ranges have been checked by the
 * library.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "port/fwport.h"

#define SCALAR_MAX	66u		/* P-521 */

enum { NDIGESTS = 3 };
static const struct {
	int32_t alg;
	const char *name;
} digests[NDIGESTS] = {
	{ FWD_SHA256, "SHA2-256" },
	{ FWD_SHA384, "SHA2-384" },
	{ FWD_SHA512, "SHA2-512" },
};

enum { KEYS = 8, KEY_BYTES = FWD_SIG_MAX + 8 };

/* A key that was used, by all that it was made from. */
struct cached {
	EVP_PKEY *pkey;			/* NULL: none */
	EVP_PKEY_CTX *ctx;		/* of it; NULL with Ed25519 */
	int64_t alg;			/* that ctx is ready for, or 0 */
	const EVP_MD *md;		/* likewise */
	enum fwd_key_type type;
	size_t point, exponent;		/* their lengths */
	uint8_t bytes[KEY_BYTES];	/* one behind the other */
};

struct fwp_openssl {
	EVP_MD *md[NDIGESTS];		/* fetched once: a fetch is slow */
	EVP_MD_CTX *hash;		/* used again for each hash */
	bool busy;			/* a hash is under way */
	struct cached key[KEYS];	/* making one costs as much as using
					   it; the last used first */
};

static void
cached_free(struct cached *k)
{
	EVP_PKEY_CTX_free(k->ctx);
	EVP_PKEY_free(k->pkey);
	k->ctx = NULL;
	k->alg = 0;
	k->pkey = NULL;
}

struct fwp_openssl *
fwp_openssl_new(void)
{
	struct fwp_openssl *o = calloc(1, sizeof *o);
	size_t i;

	if (o == NULL)
		return NULL;
	o->hash = EVP_MD_CTX_new();
	for (i = 0; i < NDIGESTS; i++) {
		o->md[i] = EVP_MD_fetch(NULL, digests[i].name, NULL);
		if (o->md[i] == NULL || o->hash == NULL) {
			fwp_openssl_free(o);
			ERR_clear_error();
			return NULL;
		}
	}
	return o;
}

void
fwp_openssl_free(struct fwp_openssl *o)
{
	size_t i;

	if (o == NULL)
		return;
	for (i = 0; i < NDIGESTS; i++)
		EVP_MD_free(o->md[i]);
	for (i = 0; i < KEYS; i++)
		cached_free(&o->key[i]);
	EVP_MD_CTX_free(o->hash);
	free(o);
}

static const EVP_MD *
digest_find(const struct fwp_openssl *o, int32_t alg)
{
	size_t i;

	for (i = 0; i < NDIGESTS; i++) {
		if (digests[i].alg == alg)
			return o->md[i];
	}
	return NULL;
}

/* ---- hash ------------------------------------------------------------ */

static fwd_status
hash_start(void *ctx, int32_t alg)
{
	struct fwp_openssl *const o = ctx;
	const EVP_MD *const md = digest_find(o, alg);

	o->busy = false;
	if (md == NULL)
		return FWD_E_ALG;
	if (EVP_DigestInit_ex2(o->hash, md, NULL) != 1) {
		ERR_clear_error();
		return FWD_E_CRYPTO;
	}
	o->busy = true;
	return FWD_OK;
}

static fwd_status
hash_add(void *ctx, const uint8_t *p, size_t n)
{
	struct fwp_openssl *const o = ctx;

	if (!o->busy || EVP_DigestUpdate(o->hash, p, n) != 1) {
		ERR_clear_error();
		return FWD_E_CRYPTO;
	}
	return FWD_OK;
}

static fwd_status
hash_end(void *ctx, uint8_t *out, size_t n)
{
	struct fwp_openssl *const o = ctx;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned got = 0;

	memset(out, 0, n);
	if (!o->busy || EVP_DigestFinal_ex(o->hash, digest, &got) != 1 ||
	    got != n) {
		ERR_clear_error();
		o->busy = false;
		return FWD_E_CRYPTO;
	}
	o->busy = false;
	memcpy(out, digest, n);
	return FWD_OK;
}

/* ---- keys ------------------------------------------------------------ */

static const char *
curve_name(enum fwd_key_type type)
{
	switch (type) {
	case FWD_KEY_P256:
		return "P-256";
	case FWD_KEY_P384:
		return "P-384";
	case FWD_KEY_P521:
		return "P-521";
	default:
		return NULL;
	}
}

static fwd_status
key_from_params(const char *type, OSSL_PARAM *params, EVP_PKEY **out)
{
	EVP_PKEY_CTX *const c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	fwd_status s = FWD_E_CRYPTO;

	if (c != NULL && EVP_PKEY_fromdata_init(c) == 1)
		s = EVP_PKEY_fromdata(c, out, EVP_PKEY_PUBLIC_KEY, params) == 1
		    ? FWD_OK : FWD_E_KEY;
	EVP_PKEY_CTX_free(c);
	return s;
}

/* A point that is not on the curve makes EVP_PKEY_fromdata() fail. */
static fwd_status
ec_key(const char *curve, const struct fwd_key *key, EVP_PKEY **out)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    (char *)(uintptr_t)curve, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
		    (void *)(uintptr_t)key->point.p, key->point.n),
		OSSL_PARAM_construct_end(),
	};

	return key_from_params("EC", params, out);
}

/* A number as OSSL_PARAM wants it: in the order of this machine. */
static fwd_status
native(struct fwd_span number, uint8_t *out, size_t n)
{
	BIGNUM *b;
	fwd_status s = FWD_E_CRYPTO;

	if (number.n > n || number.n > INT_MAX)
		return FWD_E_KEY;
	b = BN_bin2bn(number.p, (int)number.n, NULL);
	if (b != NULL && BN_bn2nativepad(b, out, (int)number.n) ==
	    (int)number.n)
		s = FWD_OK;
	BN_free(b);
	return s;
}

static fwd_status
rsa_key(const struct fwd_key *key, EVP_PKEY **out)
{
	uint8_t n[FWD_SIG_MAX], e[8];
	OSSL_PARAM params[3];
	fwd_status s;

	s = native(key->point, n, sizeof n);
	if (s == FWD_OK)
		s = native(key->exponent, e, sizeof e);
	if (s != FWD_OK)
		return s;
	params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n,
	    key->point.n);
	params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e,
	    key->exponent.n);
	params[2] = OSSL_PARAM_construct_end();
	return key_from_params("RSA", params, out);
}

static fwd_status
make_key(const struct fwd_key *key, EVP_PKEY **out)
{
	const char *const curve = curve_name(key->type);

	*out = NULL;
	if (curve != NULL)
		return ec_key(curve, key, out);
	if (key->type == FWD_KEY_RSA)
		return rsa_key(key, out);
	if (key->type != FWD_KEY_ED25519)
		return FWD_E_ALG;
	*out = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL,
	    key->point.p, key->point.n);
	return *out != NULL ? FWD_OK : FWD_E_KEY;
}

static bool
is_cached(const struct cached *c, const struct fwd_key *key)
{
	return c->pkey != NULL && c->type == key->type &&
	    c->point == key->point.n && c->exponent == key->exponent.n &&
	    memcmp(c->bytes, key->point.p, c->point) == 0 &&
	    (c->exponent == 0 || memcmp(c->bytes + c->point, key->exponent.p,
	    c->exponent) == 0);
}

/* Make a key in c, which is empty. */
static fwd_status
cache_fill(struct cached *c, const struct fwd_key *key)
{
	fwd_status s;

	if (key->point.n > KEY_BYTES ||
	    key->exponent.n > KEY_BYTES - key->point.n)
		return FWD_E_KEY;
	s = make_key(key, &c->pkey);
	if (s != FWD_OK)
		return s;
	c->type = key->type;
	c->point = key->point.n;
	c->exponent = key->exponent.n;
	memcpy(c->bytes, key->point.p, key->point.n);
	if (key->exponent.n != 0)
		memcpy(c->bytes + c->point, key->exponent.p, key->exponent.n);
	if (key->type == FWD_KEY_ED25519)
		return FWD_OK;
	c->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, c->pkey, NULL);
	return c->ctx != NULL ? FWD_OK : FWD_E_CRYPTO;
}

/* Find the key among those that were used, or make it; it is in front then. */
static fwd_status
find_key(struct fwp_openssl *o, const struct fwd_key *key)
{
	struct cached found;
	fwd_status s;
	size_t i;

	for (i = 0; i < KEYS - 1 && !is_cached(&o->key[i], key); i++)
		;
	if (!is_cached(&o->key[i], key)) {
		cached_free(&o->key[i]);
		s = cache_fill(&o->key[i], key);
		if (s != FWD_OK) {
			cached_free(&o->key[i]);
			return s;
		}
	}
	if (i != 0) {
		found = o->key[i];
		memmove(&o->key[1], &o->key[0], i * sizeof found);
		o->key[0] = found;
	}
	return FWD_OK;
}

/* ---- signatures ------------------------------------------------------ */

/* 1 holds, 0 does not; below 0 libcrypto could not tell. */
static fwd_status
answer(int r)
{
	if (r == 1)
		return FWD_OK;
	return r == 0 ? FWD_E_SIG : FWD_E_CRYPTO;
}

/* r || s as the DER that libcrypto wants; *n bytes, allocated. */
static unsigned char *
ecdsa_der(struct fwd_span sig, size_t *n)
{
	const int half = (int)(sig.n / 2);
	ECDSA_SIG *const s = ECDSA_SIG_new();
	BIGNUM *const a = BN_bin2bn(sig.p, half, NULL);
	BIGNUM *const b = BN_bin2bn(sig.p + half, half, NULL);
	unsigned char *der = NULL;
	int len = -1;

	if (s != NULL && a != NULL && b != NULL &&
	    ECDSA_SIG_set0(s, a, b) == 1) {
		len = i2d_ECDSA_SIG(s, &der);	/* s owns a and b now */
	} else {
		BN_free(a);
		BN_free(b);
	}
	ECDSA_SIG_free(s);
	if (len <= 0)
		return NULL;
	*n = (size_t)len;
	return der;
}

/* Make the key's context ready for the algorithm, unless it is. */
static fwd_status
make_ready(struct cached *k, const EVP_MD *md, int64_t alg)
{
	const bool pss = alg == FWD_PS256 || alg == FWD_PS384 ||
	    alg == FWD_PS512;
	EVP_PKEY_CTX *const c = k->ctx;

	if (k->alg == alg && k->md == md)
		return FWD_OK;
	k->alg = 0;
	if (EVP_PKEY_verify_init(c) != 1)
		return FWD_E_CRYPTO;
	if (k->type == FWD_KEY_RSA && (EVP_PKEY_CTX_set_rsa_padding(c, pss ?
	    RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(c, md) != 1))
		return FWD_E_CRYPTO;
	if (k->type == FWD_KEY_RSA && pss &&
	    (EVP_PKEY_CTX_set_rsa_mgf1_md(c, md) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) != 1))
		return FWD_E_CRYPTO;
	k->alg = alg;
	k->md = md;
	return FWD_OK;
}

static fwd_status
verify_ecdsa(EVP_PKEY_CTX *c, const struct fwd_sig *sig)
{
	unsigned char *der;
	size_t n = 0;
	int r;

	if (sig->sig.n > 2 * SCALAR_MAX)
		return FWD_E_SIG;
	der = ecdsa_der(sig->sig, &n);
	if (der == NULL)
		return FWD_E_CRYPTO;
	ERR_clear_error();
	r = EVP_PKEY_verify(c, der, n, sig->digest, sig->digest_n);
	OPENSSL_free(der);
	/* The point at infinity is no failure but a signature that is wrong:
	   FIPS 186-4 section 6.4, SEC 1 section 4.1.4 step 5. */
	if (r < 0 && ERR_GET_REASON(ERR_peek_error()) ==
	    EC_R_POINT_AT_INFINITY)
		return FWD_E_SIG;
	return answer(r);
}

/* The parts of a message as one; *n bytes, allocated, at least one. */
static uint8_t *
join(const struct fwd_span *msg, size_t parts, size_t *n)
{
	size_t i, at = 0;
	uint8_t *p;

	*n = 0;
	for (i = 0; i < parts; i++) {
		if (msg[i].n > SIZE_MAX - 1 - *n)
			return NULL;
		*n += msg[i].n;
	}
	p = malloc(*n + 1);
	for (i = 0; p != NULL && i < parts; i++) {
		if (msg[i].n != 0)
			memcpy(p + at, msg[i].p, msg[i].n);
		at += msg[i].n;
	}
	return p;
}

/*
 * Ed25519 reads the message twice, so it must lie in one piece.  libcrypto
 * does not tell a key that is not on the curve from a wrong signature.
 */
static fwd_status
verify_ed25519(EVP_PKEY *key, const struct fwd_sig *sig)
{
	EVP_MD_CTX *const c = EVP_MD_CTX_new();
	const uint8_t *msg = sig->msg_n == 1 ? sig->msg[0].p : NULL;
	uint8_t *joined = NULL;
	size_t n = sig->msg_n == 1 ? sig->msg[0].n : 0;
	fwd_status s = FWD_E_CRYPTO;

	if (sig->msg_n != 1 || msg == NULL)
		msg = joined = join(sig->msg, sig->msg_n, &n);
	if (c != NULL && msg != NULL &&
	    EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) == 1)
		s = answer(EVP_DigestVerify(c, sig->sig.p, sig->sig.n, msg,
		    n));
	free(joined);
	EVP_MD_CTX_free(c);
	return s;
}

static fwd_status
verify(void *ctx, const struct fwd_sig *sig)
{
	struct fwp_openssl *const o = ctx;
	const EVP_MD *md;
	fwd_status s;

	s = find_key(o, &sig->key);
	if (s == FWD_OK && sig->key.type != FWD_KEY_ED25519) {
		md = digest_find(o, sig->digest_alg);
		s = md != NULL ? make_ready(&o->key[0], md, sig->alg) :
		    FWD_E_ALG;
	}
	if (s == FWD_OK && sig->key.type == FWD_KEY_ED25519)
		s = verify_ed25519(o->key[0].pkey, sig);
	else if (s == FWD_OK && sig->key.type == FWD_KEY_RSA)
		s = answer(EVP_PKEY_verify(o->key[0].ctx, sig->sig.p,
		    sig->sig.n, sig->digest, sig->digest_n));
	else if (s == FWD_OK)
		s = verify_ecdsa(o->key[0].ctx, sig);
	ERR_clear_error();		/* the status says it all */
	return s;
}

struct fwd_crypto
fwp_openssl_crypto(struct fwp_openssl *o)
{
	return (struct fwd_crypto){ o, hash_start, hash_add, hash_end,
	    verify };
}

/* ---- a bundle in a file ---------------------------------------------- */

fwd_status
fwp_file_read(void *fd, uint8_t *buf, size_t n, size_t *got)
{
	const int file = *(const int *)fd;
	ssize_t r;

	*got = 0;
	while (*got < n) {
		const size_t left = n - *got;

		r = read(file, buf + *got,
		    left < INT_MAX ? left : (size_t)INT_MAX);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return FWD_E_IO;
		if (r == 0)
			break;
		*got += (size_t)r;
	}
	return FWD_OK;
}
