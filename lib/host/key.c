/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signing key, wherever it lies.  What a key signed is believed only after
 * the signature was verified with its public key, by code that shares nothing
 * with the token.
 */
#include <stdarg.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "host/build.h"
#include "host/key_internal.h"
#include "host/p11uri.h"

#define RSA_MIN_BITS 3072
#define RSA_MAX_BITS 4096

static const struct fw_sigalg sigalgs[] = {
	{ FWD_ESP256, FWD_KEY_P256, "SHA256" },
	{ FWD_ESP384, FWD_KEY_P384, "SHA384" },
	{ FWD_ESP512, FWD_KEY_P521, "SHA512" },
	{ FWD_ED25519, FWD_KEY_ED25519, NULL },
	/* The first of a type is the one that fits if none is named. */
	{ FWD_PS256, FWD_KEY_RSA, "SHA256" },
	{ FWD_PS384, FWD_KEY_RSA, "SHA384" },
	{ FWD_PS512, FWD_KEY_RSA, "SHA512" },
};
enum { NSIGALGS = sizeof sigalgs / sizeof sigalgs[0] };

static void
md_ctx_free(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void
ecdsa_sig_free(ECDSA_SIG **sig)
{
	ECDSA_SIG_free(*sig);
}

void
fw_pkey_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void
openssl_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

void
fw_key_warn(const struct fw_key_options *opt, const char *fmt, ...)
{
	char text[FW_ERROR_TEXT_MAX];
	va_list ap;

	if (opt->warn == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	opt->warn(opt->warn_ctx, text);
}

static const char *
type_name(enum fwd_key_type type)
{
	switch (type) {
	case FWD_KEY_P256: return "a P-256 key";
	case FWD_KEY_P384: return "a P-384 key";
	case FWD_KEY_P521: return "a P-521 key";
	case FWD_KEY_ED25519: return "an Ed25519 key";
	case FWD_KEY_RSA: return "an RSA key";
	default: return "an unknown key";
	}
}

size_t
fw_ec_size(enum fwd_key_type type)
{
	return type == FWD_KEY_P256 ? 32 : type == FWD_KEY_P384 ? 48 :
	    type == FWD_KEY_P521 ? 66 : 0;
}

/* The device library takes names exactly; its list is tried as it stands. */
int32_t
fw_alg_by_name(const char *name)
{
	static const int32_t known[] = { FWD_ESP256, FWD_ESP384, FWD_ESP512,
	    FWD_ED25519, FWD_PS256, FWD_PS384, FWD_PS512, FWD_ES256,
	    FWD_ES384, FWD_ES512, FWD_EDDSA, FWD_RS256, FWD_RS384,
	    FWD_RS512 };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcasecmp(fwd_alg_name(known[i]), name) == 0)
			return known[i];
	return 0;
}

/* ---- the public key -------------------------------------------------- */

static enum fwd_key_type
ec_type(const EVP_PKEY *pub)
{
	char group[32] = "";
	int nid;

	/* Fails for explicit parameters, which no device takes. */
	if (EVP_PKEY_get_group_name(pub, group, sizeof group, NULL) != 1)
		return FWD_KEY_NONE;
	nid = OBJ_sn2nid(group);
	return nid == NID_X9_62_prime256v1 ? FWD_KEY_P256 :
	    nid == NID_secp384r1 ? FWD_KEY_P384 :
	    nid == NID_secp521r1 ? FWD_KEY_P521 : FWD_KEY_NONE;
}

/* What kind of key is it, and how long are its signatures? */
static enum fw_kind
classify(const EVP_PKEY *pub, enum fwd_key_type *type, size_t *size,
    struct fw_error *err)
{
	const int bits = EVP_PKEY_get_bits(pub);

	switch (EVP_PKEY_get_base_id(pub)) {
	case EVP_PKEY_RSA:
		if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS)
			return fw_fail(err, FW_E_KEY, "the RSA key has %d "
			    "bits (%d to %d are needed for signing)", bits,
			    RSA_MIN_BITS, RSA_MAX_BITS);
		*type = FWD_KEY_RSA;
		*size = ((size_t)bits + 7) / 8;
		return FW_OK;
	case EVP_PKEY_RSA_PSS:
		return fw_fail(err, FW_E_KEY, "the RSA key is restricted to "
		    "PSS by its type, which devices do not read (use a plain "
		    "RSA key, it signs with PSS as well)");
	case EVP_PKEY_ED25519:
		*type = FWD_KEY_ED25519;
		*size = 64;
		return FW_OK;
	case EVP_PKEY_EC:
		*type = ec_type(pub);
		*size = 2 * fw_ec_size(*type);
		if (*type != FWD_KEY_NONE)
			return FW_OK;
		return fw_fail(err, FW_E_KEY, "the key's curve is not "
		    "supported (P-256, P-384, P-521 or Ed25519 is needed)");
	default:
		break;
	}
	return fw_fail(err, FW_E_KEY, "keys of type %s cannot sign here (EC, "
	    "Ed25519 or RSA is needed)", EVP_PKEY_get0_type_name(pub) ?
	    EVP_PKEY_get0_type_name(pub) : "unknown");
}

/* A copy without private parts, EC points uncompressed, as DER. */
static enum fw_kind
encode_public(EVP_PKEY *from, struct fw_buf *spki, EVP_PKEY **pub,
    struct fw_error *err)
{
	FW_CLEANUP(openssl_free) unsigned char *der = NULL;
	const unsigned char *p;
	struct fwd_key judged;
	int n;

	ERR_clear_error();
	if (EVP_PKEY_get_base_id(from) == EVP_PKEY_EC &&
	    EVP_PKEY_set_utf8_string_param(from,
	    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed") != 1)
		return fw_fail_ssl(err, FW_E_KEY, "cannot encode the key");
	n = i2d_PUBKEY(from, &der);
	p = der;
	if (n <= 0 || (*pub = d2i_PUBKEY(NULL, &p, n)) == NULL)
		return fw_fail_ssl(err, FW_E_KEY, "cannot encode the key");
	FW_TRY(fw_buf_add(spki, der, (size_t)n, err));
	/* A key that no device can read is of no use. */
	if (fwd_key_read(fw_buf_span(spki), &judged) != FWD_OK)
		return fw_fail(err, FW_E_KEY,
		    "the public key is not one that devices accept");
	return FW_OK;
}

enum fw_kind
fw_key_adopt(struct fw_key *key, EVP_PKEY *pub, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf spki = { 0 };
	FW_CLEANUP(fw_pkey_free) EVP_PKEY *copy = NULL;
	enum fwd_key_type type = FWD_KEY_NONE;
	size_t size = 0;

	FW_TRY(classify(pub, &type, &size, err));
	FW_TRY(encode_public(pub, &spki, &copy, err));
	key->type = type;
	key->size = size;
	key->spki = spki;
	key->pub = copy;
	spki = (struct fw_buf){ 0 };
	copy = NULL;
	return FW_OK;
}

static enum fw_kind
not_the_keys(const struct fw_key *key, struct fw_error *err)
{
	return fw_fail(err, FW_E_REFUSED, "the certificate is not that of %s "
	    "(their public keys differ)", key->label);
}

enum fw_kind
fw_key_set_public(struct fw_key *key, struct fwd_span spki,
    struct fw_error *err)
{
	FW_CLEANUP(fw_pkey_free) EVP_PKEY *pub = NULL;
	const unsigned char *p = spki.p;
	enum fwd_key_type type = FWD_KEY_NONE;
	size_t size = 0;

	ERR_clear_error();
	if (spki.n > 0 && spki.n < 65536)
		pub = d2i_PUBKEY(NULL, &p, (long)spki.n);
	if (pub == NULL || p != spki.p + spki.n)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "the certificate's public key is malformed");
	if (key->pub != NULL) {
		if (EVP_PKEY_eq(key->pub, pub) == 1)
			return FW_OK;
		ERR_clear_error();
		return not_the_keys(key, err);
	}
	if (classify(pub, &type, &size, err) != FW_OK)
		return fw_wrap(err, "the certificate's public key");
	if ((key->type != FWD_KEY_NONE && key->type != type) ||
	    (key->size != 0 && key->size != size))
		return not_the_keys(key, err);
	FW_TRY(fw_key_adopt(key, pub, err));
	key->pub_given = true;
	return FW_OK;
}

struct fwd_span
fw_key_public(const struct fw_key *key)
{
	return fw_buf_span(&key->spki);
}

/* ---- messages -------------------------------------------------------- */

enum fw_kind
fw_msg_digest(const char *md, const struct fwd_span *msg, size_t parts,
    uint8_t out[FWD_DIGEST_MAX], size_t *n, struct fw_error *err)
{
	FW_CLEANUP(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *const type = fw_digest_md(strcmp(md, "SHA256") == 0 ?
	    FWD_SHA256 : strcmp(md, "SHA384") == 0 ? FWD_SHA384 : FWD_SHA512);
	unsigned len = 0;
	size_t i;

	if (ctx == NULL || type == NULL || EVP_DigestInit(ctx, type) != 1)
		return fw_fail_ssl(err, FW_E_KEY, "cannot hash with %s", md);
	for (i = 0; i < parts; i++)
		if (EVP_DigestUpdate(ctx, msg[i].p, msg[i].n) != 1)
			return fw_fail_ssl(err, FW_E_KEY,
			    "cannot hash with %s", md);
	if (EVP_DigestFinal(ctx, out, &len) != 1 || len == 0 ||
	    len > FWD_DIGEST_MAX)
		return fw_fail_ssl(err, FW_E_KEY, "cannot hash with %s", md);
	*n = len;
	return FW_OK;
}

enum fw_kind
fw_msg_join(const struct fwd_span *msg, size_t parts, struct fw_buf *out,
    struct fw_error *err)
{
	size_t i;

	for (i = 0; i < parts; i++)
		FW_TRY(fw_buf_add(out, msg[i].p, msg[i].n, err));
	return FW_OK;
}

bool
fw_pss_setup(EVP_PKEY_CTX *ctx, const char *md)
{
	const EVP_MD *const type = EVP_get_digestbyname(md);

	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) ==
	    1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, type) == 1;
}

/* ---- verification ---------------------------------------------------- */

/* r || s as the DER that OpenSSL verifies. */
static int
ecdsa_der(const uint8_t *sig, size_t n, unsigned char **der)
{
	FW_CLEANUP(ecdsa_sig_free) ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *const r = BN_bin2bn(sig, (int)(n / 2), NULL);
	BIGNUM *const v = BN_bin2bn(sig + n / 2, (int)(n / 2), NULL);

	if (s == NULL || r == NULL || v == NULL ||
	    ECDSA_SIG_set0(s, r, v) != 1) {
		BN_free(r);
		BN_free(v);
		return -1;
	}
	return i2d_ECDSA_SIG(s, der);
}

/* Does the signature hold?  The message is hashed anew. */
static bool
holds(const struct fw_key *key, const struct fw_sigalg *a,
    const struct fw_buf *msg, const uint8_t *sig, size_t sig_n)
{
	FW_CLEANUP(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	FW_CLEANUP(openssl_free) unsigned char *der = NULL;
	EVP_PKEY_CTX *pctx = NULL;
	int der_n;

	if (ctx == NULL || EVP_DigestVerifyInit(ctx, &pctx,
	    a->md ? EVP_get_digestbyname(a->md) : NULL, NULL, key->pub) != 1)
		return false;
	if (a->type == FWD_KEY_RSA && !fw_pss_setup(pctx, a->md))
		return false;
	if (fw_ec_size(a->type) != 0) {
		der_n = ecdsa_der(sig, sig_n, &der);
		return der_n > 0 && EVP_DigestVerify(ctx, der, (size_t)der_n,
		    msg->p, msg->n) == 1;
	}
	return EVP_DigestVerify(ctx, sig, sig_n, msg->p, msg->n) == 1;
}

static enum fw_kind
verify(const struct fw_key *key, const struct fw_sigalg *a,
    const struct fwd_span *msg, size_t n, const uint8_t *sig, size_t sig_n,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf whole = { 0 };
	bool good;

	FW_TRY(fw_msg_join(msg, n, &whole, err));
	good = sig_n == key->size && holds(key, a, &whole, sig, sig_n);
	ERR_clear_error();
	if (good)
		return FW_OK;
	if (key->elsewhere)
		return fw_fail(err, FW_E_REFUSED, "the signature by %s does "
		    "not hold with the certificate's public key (was it made "
		    "for another bundle, chain or algorithm?)", key->label);
	if (key->pub_given)
		return fw_fail(err, FW_E_REFUSED, "the signature that %s made "
		    "does not hold with the certificate's public key (is it "
		    "the certificate of another key?)", key->label);
	return fw_fail(err, FW_E_KEY, "the signature that %s made does not "
	    "hold with its own public key (is the token faulty, or its "
	    "public key another key's?)", key->label);
}

/* ---- the interface --------------------------------------------------- */

void
fw_key_free(struct fw_key *key)
{
	if (key == NULL)
		return;
	free(key->label);
	fw_buf_deinit(&key->spki);
	EVP_PKEY_free(key->pub);
	EVP_PKEY_free(key->priv);
	fw_buf_deinit(&key->made);
	/* Last: a signal that was held back may end the program here. */
	fw_p11_free(key->p11);
	free(key);
}

static void
key_cleanup(struct fw_key **key)
{
	fw_key_free(*key);
}

enum fw_kind
fw_key_open(const char *ref, const struct fw_key_options *opt,
    struct fw_key **out, struct fw_error *err)
{
	static const struct fw_key_options none = FW_KEY_OPTIONS_NONE;
	FW_CLEANUP(key_cleanup) struct fw_key *key = calloc(1, sizeof *key);

	if (key == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (opt == NULL)
		opt = &none;
	if (fw_p11_uri_is(ref))
		FW_TRY(fw_p11_open(ref, opt, key, err));
	else
		FW_TRY(fw_keyfile_open(ref, opt, key, err));
	*out = key;
	key = NULL;
	return FW_OK;
}

enum fw_kind
fw_key_elsewhere(struct fwd_span sig, const char *from, struct fw_key **out,
    struct fw_error *err)
{
	FW_CLEANUP(key_cleanup) struct fw_key *key = calloc(1, sizeof *key);

	if (key == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (from == NULL)
		key->label = strdup("a key elsewhere");
	else if (asprintf(&key->label, "the key behind '%s'", from) < 0)
		key->label = NULL;
	if (key->label == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	key->elsewhere = true;
	if (sig.n > 0)
		FW_TRY(fw_buf_add(&key->made, sig.p, sig.n, err));
	*out = key;
	key = NULL;
	return FW_OK;
}

bool
fw_key_is_file(const struct fw_key *key)
{
	return key->p11 == NULL && !key->elsewhere;
}

const char *
fw_key_label(const struct fw_key *key)
{
	return key->label;
}

int32_t
fw_key_alg(const struct fw_key *key)
{
	size_t i;

	for (i = 0; i < NSIGALGS; i++)
		if (sigalgs[i].type == key->type)
			return sigalgs[i].alg;
	return 0;
}

/* Find the algorithm and see that the key can do it. */
static enum fw_kind
choose(const struct fw_key *key, int32_t alg, const struct fw_sigalg **out,
    struct fw_error *err)
{
	const char *const fits = fwd_alg_name(fw_key_alg(key));
	size_t i;

	for (i = 0; i < NSIGALGS; i++) {
		if (sigalgs[i].alg != alg)
			continue;
		*out = &sigalgs[i];
		if (sigalgs[i].type == key->type)
			return FW_OK;
		return fw_fail(err, FW_E_INPUT, "%s cannot be made with %s "
		    "(%s fits it)", fwd_alg_name(alg), type_name(key->type),
		    key->type == FWD_KEY_RSA ? "PS256, PS384 or PS512" : fits);
	}
	return fw_fail(err, FW_E_INPUT, "signatures of algorithm %s (%d) are "
	    "not made here (%s fits %s)", fwd_alg_name(alg), (int)alg, fits,
	    type_name(key->type));
}

/* ECDSA-Sig-Value (RFC 3279 section 2.2.3), which must be DER, as r || s. */
static bool
ecdsa_raw(const struct fw_buf *der, size_t size, uint8_t *out)
{
	FW_CLEANUP(openssl_free) unsigned char *again = NULL;
	FW_CLEANUP(ecdsa_sig_free) ECDSA_SIG *sig = NULL;
	const unsigned char *p = der->p;
	int n;

	sig = d2i_ECDSA_SIG(NULL, &p, (long)der->n);
	if (sig == NULL)
		return false;
	n = i2d_ECDSA_SIG(sig, &again);
	return n >= 0 && (size_t)n == der->n &&
	    memcmp(again, der->p, der->n) == 0 &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)size) >= 0 &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + size, (int)size) >= 0;
}

/* Hand out what was made elsewhere. */
static enum fw_kind
made_elsewhere(const struct fw_key *key, const struct fw_sigalg *a,
    uint8_t sig[FWD_SIG_MAX], size_t *sig_n, struct fw_error *err)
{
	const size_t field = fw_ec_size(a->type);
	bool good;

	if (key->made.n == 0)
		return fw_fail(err, FW_E_KEY, "%s cannot sign here",
		    key->label);
	*sig_n = key->size;
	if (key->made.n == key->size) {
		memcpy(sig, key->made.p, key->size);
		return FW_OK;
	}
	good = field != 0 && key->made.n < 65536 &&
	    ecdsa_raw(&key->made, field, sig);
	ERR_clear_error();
	if (good)
		return FW_OK;
	return fw_fail(err, FW_E_REFUSED, "the signature of %zu bytes is none "
	    "of %s (%zu bytes%s)", key->made.n, fwd_alg_name(a->alg),
	    key->size, field != 0 ? ", or DER" : "");
}

/* Have it made by whoever holds the private key. */
static enum fw_kind
make(const struct fw_key *key, const struct fw_sigalg *a,
    const struct fwd_span *msg, size_t n, uint8_t sig[FWD_SIG_MAX],
    size_t *sig_n, struct fw_error *err)
{
	if (key->elsewhere)
		return made_elsewhere(key, a, sig, sig_n, err);
	if (key->p11 != NULL)
		return fw_p11_sign(key, a, msg, n, sig, sig_n, err);
	return fw_keyfile_sign(key, a, msg, n, sig, sig_n, err);
}

enum fw_kind
fw_key_sign_unchecked(struct fw_key *key, int32_t alg,
    const struct fwd_span *msg, size_t n, uint8_t sig[FWD_SIG_MAX],
    size_t *sig_n, struct fw_error *err)
{
	const struct fw_sigalg *a = NULL;

	if (key->pub == NULL)
		return fw_fail(err, FW_E_KEY, "%s does not show its public "
		    "key, so that its signatures cannot be checked (name its "
		    "certificate)", key->label);
	FW_TRY(choose(key, alg, &a, err));
	if (fw_interrupted())
		return fw_fail(err, FW_E_KEY, "interrupted before signing");
	return make(key, a, msg, n, sig, sig_n, err);
}

enum fw_kind
fw_key_verify(const struct fw_key *key, int32_t alg,
    const struct fwd_span *msg, size_t n, struct fwd_span sig,
    struct fw_error *err)
{
	const struct fw_sigalg *a = NULL;

	FW_TRY(choose(key, alg, &a, err));
	return verify(key, a, msg, n, sig.p, sig.n, err);
}

enum fw_kind
fw_key_sign(struct fw_key *key, int32_t alg, const struct fwd_span *msg,
    size_t n, uint8_t sig[FWD_SIG_MAX], size_t *sig_n, struct fw_error *err)
{
	uint8_t made[FWD_SIG_MAX] = { 0 };
	size_t made_n = 0;

	FW_TRY(fw_key_sign_unchecked(key, alg, msg, n, made, &made_n, err));
	FW_TRY(fw_key_verify(key, alg, msg, n,
	    (struct fwd_span){ made, made_n }, err));
	memcpy(sig, made, made_n);
	*sig_n = made_n;
	return FW_OK;
}

enum fw_kind
fw_key_chain(struct fw_key *key, struct fw_chain *out, struct fw_error *err)
{
	if (key->p11 == NULL)
		return fw_fail(err, FW_E_KEY, "%s holds no "
		    "certificates (name the chain)", key->label);
	return fw_p11_chain(key, out, err);
}
