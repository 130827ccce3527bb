/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a key pair in a token.  Tokens differ in what they make of a template:
 * what came out is read back, and a key that is not as it was asked for is
 * destroyed again.
 */
#include <string.h>

#include <openssl/rand.h>

#include "host/p11.h"
#include "host/token.h"
#include "host/x509.h"

const char *const fw_key_types[] = {
	"P-256", "P-384", "P-521", "Ed25519", "RSA-3072", "RSA-4096", NULL
};

/* The mechanism and what tells it the size, in the order of fw_key_types. */
static const struct kind {
	CK_MECHANISM_TYPE mech;
	CK_ULONG bits;			/* RSA */
	const char *params;		/* CKA_EC_PARAMS */
	CK_ULONG params_n;
	const char *other;		/* the same for other tokens, or NULL */
	CK_ULONG other_n;
} kinds[] = {
	{ CKM_EC_KEY_PAIR_GEN, 0, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
	    10, NULL, 0 },
	{ CKM_EC_KEY_PAIR_GEN, 0, "\x06\x05\x2b\x81\x04\x00\x22", 7, NULL,
	    0 },
	{ CKM_EC_KEY_PAIR_GEN, 0, "\x06\x05\x2b\x81\x04\x00\x23", 7, NULL,
	    0 },
	{ CKM_EC_EDWARDS_KEY_PAIR_GEN, 0, "\x06\x03\x2b\x65\x70", 5,
	    "\x13\x0c" "edwards25519", 14 },
	{ CKM_RSA_PKCS_KEY_PAIR_GEN, 3072, NULL, 0, NULL, 0 },
	{ CKM_RSA_PKCS_KEY_PAIR_GEN, 4096, NULL, 0, NULL, 0 },
};

/* A pair under way; destroyed on release unless it is kept. */
struct pair {
	struct fw_p11_rw rw;
	CK_OBJECT_HANDLE pub, priv;
	bool made;
	uint8_t id[FW_KEYID_SIZE];	/* random, until the key is known */
	char label[1025];
	size_t label_n;
};

/* For the error that led here; one of its own would hide it. */
static void
destroy(const struct pair *pair)
{
	struct fw_error ignored;

	(void)fw_p11_destroy(&pair->rw, pair->priv, &ignored);
	(void)fw_p11_destroy(&pair->rw, pair->pub, &ignored);
}

static void
pair_deinit(struct pair *pair)
{
	if (pair->made)
		destroy(pair);
	fw_p11_rw_close(&pair->rw);
}

/* ---- what the URI says -------------------------------------------- */

static const struct kind *
kind_of(const char *type)
{
	size_t i;

	for (i = 0; fw_key_types[i] != NULL; i++)
		if (strcasecmp(fw_key_types[i], type) == 0)
			return &kinds[i];
	return NULL;
}

static enum fw_kind
take_label(const struct fw_p11_uri *uri, struct pair *pair,
    struct fw_error *err)
{
	const CK_ATTRIBUTE *const label = p11_kit_uri_get_attribute(
	    uri->match, CKA_LABEL);

	if (label == NULL || label->ulValueLen >= sizeof pair->label)
		return fw_fail(err, FW_E_INPUT, "the key URI does not say how "
		    "the key is to be called (add object=NAME)");
	if (p11_kit_uri_get_attribute(uri->match, CKA_ID) != NULL)
		return fw_fail(err, FW_E_INPUT, "the key URI has an id, which "
		    "follows from the key to be made (leave it out)");
	memcpy(pair->label, label->pValue, label->ulValueLen);
	pair->label_n = label->ulValueLen;
	return FW_OK;
}

/* Nothing is sent to a token for a URI that cannot be meant. */
static enum fw_kind
check_ref(const char *ref, struct pair *pair, struct fw_error *err)
{
	FW_CLEANUP(fw_p11_uri_deinit) struct fw_p11_uri uri = { 0 };

	if (!fw_p11_uri_is(ref))
		return fw_fail(err, FW_E_INPUT, "'%s' is no pkcs11: URI (keys "
		    "are made in a token)", ref);
	FW_TRY(fw_p11_uri_parse(ref, &uri, err));
	return take_label(&uri, pair, err);
}

/* Of any class: a certificate of that label leads to its key. */
static enum fw_kind
check_free(struct fw_p11 *p, struct pair *pair, struct fw_error *err)
{
	FW_CLEANUP(fw_p11_list_deinit) struct fw_p11_list l = { 0 };
	CK_ATTRIBUTE like = { CKA_LABEL, pair->label, pair->label_n };

	FW_TRY(fw_p11_find(p, &like, 1, &l, err));
	if (l.n > 0)
		return fw_fail(err, FW_E_REFUSED, "there is an object '%s' on "
		    "%s already (choose another name)", pair->label, p->name);
	return FW_OK;
}

/* ---- generating --------------------------------------------------- */

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
#define YES(type) { (type), &yes, sizeof yes }
#define NO(type) { (type), &no, sizeof no }

/*
 * Nothing is said about what the key is not for: a TPM takes a "no" to
 * decryption for one to signatures.  That comes later.
 */
static CK_RV
generate(struct pair *pair, const struct kind *k, bool other)
{
	CK_BYTE exponent[] = { 1, 0, 1 };
	CK_ULONG bits = k->bits;
	CK_MECHANISM mech = { k->mech, NULL, 0 };
	CK_ATTRIBUTE pub[] = {
		YES(CKA_TOKEN), YES(CKA_VERIFY), NO(CKA_PRIVATE),
		{ CKA_LABEL, pair->label, pair->label_n },
		{ CKA_ID, pair->id, sizeof pair->id },
		{ CKA_EC_PARAMS, (void *)(uintptr_t)(other ? k->other :
		    k->params), other ? k->other_n : k->params_n },
		{ CKA_PUBLIC_EXPONENT, exponent, sizeof exponent },
	};
	CK_ATTRIBUTE priv[] = {
		YES(CKA_TOKEN), YES(CKA_PRIVATE), YES(CKA_SENSITIVE),
		NO(CKA_EXTRACTABLE), YES(CKA_SIGN),
		{ CKA_LABEL, pair->label, pair->label_n },
		{ CKA_ID, pair->id, sizeof pair->id },
	};

	if (bits != 0)
		pub[5] = (CK_ATTRIBUTE){ CKA_MODULUS_BITS, &bits,
		    sizeof bits };
	return FW_P11_CALL(pair->rw.p, C_GenerateKeyPair, pair->rw.session,
	    &mech, pub, bits != 0 ? 7 : 6, priv, 7, &pair->pub, &pair->priv);
}

/* Perhaps the curve has another name here. */
static bool
about_curve(CK_RV rv)
{
	return rv == CKR_DOMAIN_PARAMS_INVALID ||
	    rv == CKR_CURVE_NOT_SUPPORTED ||
	    rv == CKR_TEMPLATE_INCONSISTENT ||
	    rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_GENERAL_ERROR ||
	    rv == CKR_FUNCTION_FAILED;
}

static enum fw_kind
make_pair(struct pair *pair, const struct kind *k, const char *type,
    struct fw_error *err)
{
	CK_RV rv;

	if (RAND_bytes(pair->id, sizeof pair->id) != 1)
		return fw_fail_ssl(err, FW_E_KEY, "no random numbers");
	rv = generate(pair, k, false);
	if (about_curve(rv) && k->other != NULL)
		rv = generate(pair, k, true);
	if (rv == CKR_OK) {
		pair->made = true;
		return FW_OK;
	}
	if (rv == CKR_MECHANISM_INVALID)
		(void)fw_p11_fail_remedy(err, "C_GenerateKeyPair", rv,
		    "choose another type of key");
	else
		(void)fw_p11_fail(err, "C_GenerateKeyPair", rv);
	return fw_wrap(err, "cannot make a key of type %s on %s", type,
	    pair->rw.p->name);
}

/* ---- judging what was made ---------------------------------------- */

/*
 * Both halves get the id that follows from the key.  A token that does not
 * allow that leaves the random one, on which nothing depends.
 */
static enum fw_kind
set_ids(struct pair *pair, struct fw_key *key, struct fw_error *err)
{
	const struct fwd_span old = { pair->id, sizeof pair->id };
	uint8_t id[FW_KEYID_SIZE];
	const struct fwd_span new = { id, sizeof id };
	struct fw_error refusal;

	FW_TRY(fw_x509_keyid(fw_key_public(key), id, err));
	if (fw_p11_set(&pair->rw, pair->pub, CKA_ID, new, &refusal) != FW_OK)
		return FW_OK;
	if (fw_p11_set(&pair->rw, pair->priv, CKA_ID, new, &refusal) != FW_OK)
		return fw_p11_set(&pair->rw, pair->pub, CKA_ID, old, err);
	return FW_OK;
}

/* Some tokens let a key do all it can; some do not let that be changed. */
static enum fw_kind
restrict_uses(struct pair *pair, struct fw_error *err)
{
	static const CK_ATTRIBUTE_TYPE uses[] = { CKA_DECRYPT, CKA_UNWRAP,
	    CKA_DERIVE, CKA_SIGN_RECOVER };
	const struct fwd_span none = { (const uint8_t *)&no, sizeof no };
	struct fw_error refusal;
	CK_ULONG may = CK_FALSE;
	size_t i;

	for (i = 0; i < sizeof uses / sizeof uses[0]; i++) {
		FW_TRY(fw_p11_number(pair->rw.p, pair->priv, uses[i],
		    CK_FALSE, &may, err));
		if (may != CK_FALSE)
			(void)fw_p11_set(&pair->rw, pair->priv, uses[i], none,
			    &refusal);
	}
	return FW_OK;
}

static enum fw_kind
check_guard(struct fw_key *key, struct fw_error *err)
{
	struct fw_key_guard g;

	FW_TRY(fw_key_guard(key, &g, err));
	if (g.sensitive != FW_YES || g.extractable != FW_NO)
		return fw_fail(err, FW_E_KEY, "the token made a key that can "
		    "be exported, or does not say that it cannot; it was "
		    "destroyed again (use another token)");
	return FW_OK;
}

/* What opening the key would find, with the handle known already. */
static enum fw_kind
adopt(struct pair *pair, struct fw_key *key, struct fw_error *err)
{
	struct fw_p11 *const p = key->p11;

	p->key = pair->priv;
	FW_TRY(fw_p11_read_key(p, key, err));
	FW_TRY(fw_p11_find_public(p, key, err));
	if (key->pub == NULL)
		return fw_fail(err, FW_E_KEY, "the token does not show the "
		    "public key of what it made; it was destroyed again");
	FW_TRY(set_ids(pair, key, err));
	FW_TRY(restrict_uses(pair, err));
	fw_buf_deinit(&p->id);
	free(key->label);
	key->label = NULL;
	return fw_p11_read_key(p, key, err);
}

static enum fw_kind
make(struct fw_key *key, struct pair *pair, const char *type,
    const struct fw_key_made *made, struct fw_error *err)
{
	FW_TRY(check_free(key->p11, pair, err));
	FW_TRY(fw_p11_rw_open(key->p11, &pair->rw, err));
	FW_TRY(make_pair(pair, kind_of(type), type, err));
	FW_TRY(adopt(pair, key, err));
	FW_TRY(check_guard(key, err));
	FW_TRY(fw_key_try(key, err));
	if (made != NULL && made->fn(made->ctx, key, err) != FW_OK)
		return fw_wrap(err, "%s was destroyed again",
		    fw_key_label(key));
	pair->made = false;		/* it stays */
	return FW_OK;
}

static void
key_cleanup(struct fw_key **key)
{
	fw_key_free(*key);
}

enum fw_kind
fw_key_generate(const char *ref, const char *type,
    const struct fw_key_options *opt, const struct fw_key_made *made,
    struct fw_key **out, struct fw_error *err)
{
	FW_CLEANUP(key_cleanup) struct fw_key *key = calloc(1, sizeof *key);
	/* Released first, while there is a token to release it from. */
	FW_CLEANUP(pair_deinit) struct pair pair = { 0 };

	if (key == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (kind_of(type) == NULL)
		return fw_fail(err, FW_E_USAGE, "'%s' is no type of key",
		    type);
	FW_TRY(check_ref(ref, &pair, err));
	FW_TRY(fw_p11_open_token(ref, opt, &key->p11, err));
	FW_TRY(make(key, &pair, type, made, err));
	*out = key;
	key = NULL;
	return FW_OK;
}
