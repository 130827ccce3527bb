/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public key that belongs to a private one on a token.  Where it stands
 * differs from module to module, and it may be malformed or missing in one
 * place and good in the next; what is wrong is found out when the first
 * signature is verified.
 */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "host/cert.h"
#include "host/p11.h"

static void
bld_free(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
}

static void
params_free(OSSL_PARAM **params)
{
	OSSL_PARAM_free(*params);
}

static void
ctx_free(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void
bn_free(BIGNUM **bn)
{
	BN_free(*bn);
}

/* ---- making keys of attributes ------------------------------------------ */

/* NULL when the attributes are no key. */
static EVP_PKEY *
from_params(const char *type, OSSL_PARAM *params)
{
	FW_CLEANUP(ctx_free) EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || params == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

static EVP_PKEY *
rsa_key(const struct fw_buf *modulus, const struct fw_buf *exponent)
{
	FW_CLEANUP(bld_free) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	FW_CLEANUP(bn_free) BIGNUM *n = NULL;
	FW_CLEANUP(bn_free) BIGNUM *e = NULL;
	FW_CLEANUP(params_free) OSSL_PARAM *params = NULL;

	if (modulus->n == 0 || exponent->n == 0)
		return NULL;
	n = BN_bin2bn(modulus->p, (int)modulus->n, NULL);
	e = BN_bin2bn(exponent->p, (int)exponent->n, NULL);
	if (bld == NULL || n == NULL || e == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1)
		return NULL;
	params = OSSL_PARAM_BLD_to_param(bld);
	return from_params("RSA", params);
}

enum fwd_key_type
fw_p11_curve(const struct fw_buf *params)
{
	static const struct {
		enum fwd_key_type type;
		size_t n;
		uint8_t der[16];
	} known[] = {
		{ FWD_KEY_P256, 10, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" },
		{ FWD_KEY_P384, 7, "\x06\x05\x2b\x81\x04\x00\x22" },
		{ FWD_KEY_P521, 7, "\x06\x05\x2b\x81\x04\x00\x23" },
		{ FWD_KEY_ED25519, 5, "\x06\x03\x2b\x65\x70" },
		{ FWD_KEY_ED25519, 14, "\x13\x0c" "edwards25519" },
	};
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (params->n == known[i].n &&
		    memcmp(params->p, known[i].der, known[i].n) == 0)
			return known[i].type;
	return FWD_KEY_NONE;
}

/*
 * CKA_EC_POINT comes raw or inside a DER OCTET STRING, and both begin with 04;
 * only the exact length tells them apart.
 */
static struct fwd_span
point(const struct fw_buf *b, size_t want)
{
	const size_t head = want < 128 ? 2 : 3;

	if (b->n == want)
		return fw_buf_span(b);
	if (b->n == head + want && b->p[0] == 0x04 &&
	    (head == 2 || b->p[1] == 0x81) && b->p[head - 1] == want)
		return (struct fwd_span){ b->p + head, want };
	return (struct fwd_span){ NULL, 0 };
}

static EVP_PKEY *
ec_key(const struct fw_buf *ec_params, const struct fw_buf *ec_point)
{
	static const char *const groups[] = {
		[FWD_KEY_P256] = "P-256", [FWD_KEY_P384] = "P-384",
		[FWD_KEY_P521] = "P-521",
	};
	const enum fwd_key_type type = fw_p11_curve(ec_params);
	struct fwd_span q;
	OSSL_PARAM params[3];

	if (type == FWD_KEY_NONE)
		return NULL;
	if (type == FWD_KEY_ED25519) {
		q = point(ec_point, 32);
		return q.n == 0 ? NULL : EVP_PKEY_new_raw_public_key(
		    EVP_PKEY_ED25519, NULL, q.p, q.n);
	}
	q = point(ec_point, 1 + 2 * fw_ec_size(type));
	if (q.n == 0 || q.p[0] != 0x04)
		return NULL;
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)groups[type], 0);
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)q.p, q.n);
	params[2] = OSSL_PARAM_construct_end();
	return from_params("EC", params);
}

/* ---- reading them from objects -------------------------------------------- */

static enum fw_kind
by_value(struct fw_p11 *p, CK_OBJECT_HANDLE object, EVP_PKEY **out,
    struct fw_error *err)
{
	const bool rsa = p->type == CKK_RSA;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf a = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };

	FW_TRY(fw_p11_attr(p, object, rsa ? CKA_MODULUS : CKA_EC_PARAMS, &a,
	    err));
	FW_TRY(fw_p11_attr(p, object, rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT,
	    &b, err));
	*out = rsa ? rsa_key(&a, &b) : ec_key(&a, &b);
	return FW_OK;
}

static enum fw_kind
by_info(struct fw_p11 *p, CK_OBJECT_HANDLE object, EVP_PKEY **out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };
	const unsigned char *at;

	FW_TRY(fw_p11_attr(p, object, CKA_PUBLIC_KEY_INFO, &der, err));
	at = der.p;
	if (der.n > 0)
		*out = d2i_PUBKEY(NULL, &at, (long)der.n);
	if (*out != NULL && at != der.p + der.n) {
		EVP_PKEY_free(*out);
		*out = NULL;
	}
	return FW_OK;
}

static enum fw_kind
by_cert(struct fw_p11 *p, CK_OBJECT_HANDLE object, EVP_PKEY **out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };
	FW_CLEANUP(fw_x509_free) X509 *cert = NULL;
	struct fw_error ignored;

	FW_TRY(fw_p11_attr(p, object, CKA_VALUE, &der, err));
	if (fw_x509_read(fw_buf_span(&der), &cert, &ignored) == FW_OK)
		*out = X509_get_pubkey(cert);
	return FW_OK;
}

typedef enum fw_kind reader(struct fw_p11 *p, CK_OBJECT_HANDLE object,
    EVP_PKEY **out, struct fw_error *err);

/* Is it of the private key's type? */
static bool
fits(const struct fw_p11 *p, const EVP_PKEY *key)
{
	const int id = EVP_PKEY_get_base_id(key);

	switch (p->type) {
	case CKK_RSA: return id == EVP_PKEY_RSA;
	case CKK_EC: return id == EVP_PKEY_EC || id == EVP_PKEY_ED25519;
	case CKK_EC_EDWARDS: return id == EVP_PKEY_ED25519;
	default: return false;
	}
}

/* Objects of the private key's CKA_ID; if they disagree, none counts. */
static enum fw_kind
by_id(struct fw_p11 *p, CK_OBJECT_CLASS class, reader *read, EVP_PKEY **out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_p11_list_deinit) struct fw_p11_list l = { 0 };
	FW_CLEANUP(fw_pkey_free) EVP_PKEY *found = NULL;
	CK_ATTRIBUTE like[] = {
		{ CKA_CLASS, &class, sizeof class },
		{ CKA_ID, p->id.p, p->id.n },
	};
	size_t i;

	if (p->id.n == 0)
		return FW_OK;
	FW_TRY(fw_p11_find(p, like, 2, &l, err));
	for (i = 0; i < l.n; i++) {
		FW_CLEANUP(fw_pkey_free) EVP_PKEY *one = NULL;

		FW_TRY(read(p, l.h[i], &one, err));
		if (one == NULL || !fits(p, one))
			continue;
		if (found != NULL && EVP_PKEY_eq(found, one) != 1)
			return FW_OK;
		if (found == NULL) {
			found = one;
			one = NULL;
		}
	}
	*out = found;
	found = NULL;
	return FW_OK;
}

/* The private key itself may show it. */
static enum fw_kind
by_key(struct fw_p11 *p, reader *read, EVP_PKEY **out, struct fw_error *err)
{
	FW_CLEANUP(fw_pkey_free) EVP_PKEY *one = NULL;

	FW_TRY(read(p, p->key, &one, err));
	if (one != NULL && fits(p, one)) {
		*out = one;
		one = NULL;
	}
	return FW_OK;
}

/* What is known of the type when there is no public key. */
static enum fw_kind
learn_type(struct fw_p11 *p, struct fw_key *key, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf params = { 0 };

	if (p->type == CKK_RSA) {
		key->type = FWD_KEY_RSA;
		return FW_OK;
	}
	FW_TRY(fw_p11_attr(p, p->key, CKA_EC_PARAMS, &params, err));
	key->type = fw_p11_curve(&params);
	if (key->type == FWD_KEY_NONE && params.n > 0)
		return fw_fail(err, FW_E_KEY, "%s: the key's curve is not "
		    "supported (P-256, P-384, P-521 or Ed25519 is needed)",
		    key->label);
	if (key->type == FWD_KEY_NONE && p->type == CKK_EC_EDWARDS)
		key->type = FWD_KEY_ED25519;
	key->size = key->type == FWD_KEY_ED25519 ? 64 :
	    2 * fw_ec_size(key->type);
	return FW_OK;
}

enum fw_kind
fw_p11_find_public(struct fw_p11 *p, struct fw_key *key, struct fw_error *err)
{
	FW_CLEANUP(fw_pkey_free) EVP_PKEY *pub = NULL;

	if (p->type != CKK_RSA && p->type != CKK_EC &&
	    p->type != CKK_EC_EDWARDS)
		return fw_fail(err, FW_E_KEY, "%s is of a type that cannot "
		    "sign here (EC, Ed25519 or RSA is needed)", key->label);
	FW_TRY(by_id(p, CKO_PUBLIC_KEY, by_value, &pub, err));
	if (pub == NULL)
		FW_TRY(by_key(p, by_info, &pub, err));
	if (pub == NULL)
		FW_TRY(by_key(p, by_value, &pub, err));
	if (pub == NULL)
		FW_TRY(by_id(p, CKO_CERTIFICATE, by_cert, &pub, err));
	ERR_clear_error();
	if (pub == NULL)
		return learn_type(p, key, err);
	if (fw_key_adopt(key, pub, err) != FW_OK)
		return fw_wrap(err, "%s", key->label);
	return FW_OK;
}
