/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing on a token.  The digest is made outside, so that the token gets a
 * few bytes; modules that only sign whole messages get the message, which is
 * small.  No size is asked for: some modules count that as an operation, some
 * lie.  The buffer holds whatever the algorithms can make.
 */
#include <stdio.h>
#include <string.h>

#include "host/p11.h"

#define OUT_MAX 2048u

/* The mechanisms that make the signature of one digest. */
static const struct {
	const char *md;
	CK_MECHANISM_TYPE hash, ecdsa, pss;
	CK_RSA_PKCS_MGF_TYPE mgf;
	CK_ULONG salt;
} mechanisms[] = {
	{ "SHA256", CKM_SHA256, CKM_ECDSA_SHA256, CKM_SHA256_RSA_PKCS_PSS,
	    CKG_MGF1_SHA256, 32 },
	{ "SHA384", CKM_SHA384, CKM_ECDSA_SHA384, CKM_SHA384_RSA_PKCS_PSS,
	    CKG_MGF1_SHA384, 48 },
	{ "SHA512", CKM_SHA512, CKM_ECDSA_SHA512, CKM_SHA512_RSA_PKCS_PSS,
	    CKG_MGF1_SHA512, 64 },
};
enum { NMECHANISMS = sizeof mechanisms / sizeof mechanisms[0] };

struct made {
	uint8_t p[OUT_MAX];
	CK_ULONG n;
};

/* What modules say of a mechanism that they, or this key, do not have. */
static bool
no_mechanism(CK_RV rv)
{
	return rv == CKR_MECHANISM_INVALID ||
	    rv == CKR_MECHANISM_PARAM_INVALID ||
	    rv == CKR_FUNCTION_NOT_SUPPORTED ||
	    rv == CKR_KEY_TYPE_INCONSISTENT;
}

/*
 * One C_SignInit and C_Sign.  *rv tells a mechanism that is not there from
 * other failures.  After a failure the session is replaced: whether an
 * operation is still active in it differs from module to module.
 */
static enum fw_kind
sign_once(struct fw_p11 *p, CK_MECHANISM *mech, struct fwd_span data,
    struct made *out, CK_RV *rv, struct fw_error *err)
{
	enum fw_kind kind = FW_OK;

	*rv = FW_P11_CALL(p, C_SignInit, p->session, mech, p->key);
	if (*rv != CKR_OK)
		kind = fw_p11_fail(err, "C_SignInit", *rv);
	else if (p->always_auth)
		kind = fw_p11_login_again(p, err);
	if (kind == FW_OK) {
		out->n = sizeof out->p;
		*rv = FW_P11_CALL(p, C_Sign, p->session,
		    (CK_BYTE_PTR)(uintptr_t)data.p, data.n, out->p, &out->n);
		if (*rv == CKR_OK) {
			p->used = mech->mechanism;
			return FW_OK;
		}
		kind = fw_p11_fail(err, "C_Sign", *rv);
		*rv = CKR_OK;		/* the mechanism was accepted */
	}
	fw_p11_recover(p);
	return kind;
}

/* Raw mechanism over the digest, else the combined one over the message. */
static enum fw_kind
sign_hashed(struct fw_p11 *p, const struct fw_sigalg *a,
    const struct fwd_span *msg, size_t n, struct made *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf whole = { 0 };
	uint8_t digest[FWD_DIGEST_MAX];
	struct fwd_span data = { digest, 0 };
	CK_RSA_PKCS_PSS_PARAMS pss;
	CK_MECHANISM mech = { 0 };
	struct fw_error first;
	enum fw_kind kind;
	CK_RV rv = CKR_OK;
	size_t i;

	for (i = 0; i + 1 < NMECHANISMS; i++)
		if (strcmp(mechanisms[i].md, a->md) == 0)
			break;
	FW_TRY(fw_msg_digest(a->md, msg, n, digest, &data.n, err));
	/* Some tokens would sign a digest of any length. */
	if (data.n != mechanisms[i].salt)
		return fw_fail(err, FW_E_KEY, "the digest has a wrong length");
	mech.mechanism = CKM_ECDSA;
	if (a->type == FWD_KEY_RSA) {
		pss = (CK_RSA_PKCS_PSS_PARAMS){ mechanisms[i].hash,
		    mechanisms[i].mgf, mechanisms[i].salt };
		mech = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, &pss, sizeof pss };
	}
	if (!p->combined) {
		kind = sign_once(p, &mech, data, out, &rv, err);
		if (kind == FW_OK || !no_mechanism(rv) || p->lost)
			return kind;
		first = *err;
	}
	mech.mechanism = a->type == FWD_KEY_RSA ? mechanisms[i].pss :
	    mechanisms[i].ecdsa;
	FW_TRY(fw_msg_join(msg, n, &whole, err));
	kind = sign_once(p, &mech, fw_buf_span(&whole), out, &rv, err);
	if (kind != FW_OK && rv == CKR_MECHANISM_INVALID && !p->combined)
		*err = first;
	p->combined |= kind == FW_OK;
	return kind;
}

static enum fw_kind
sign_whole(struct fw_p11 *p, const struct fwd_span *msg, size_t n,
    struct made *out, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf whole = { 0 };
	CK_MECHANISM mech = { CKM_EDDSA, NULL, 0 };
	CK_RV rv = CKR_OK;

	FW_TRY(fw_msg_join(msg, n, &whole, err));
	return sign_once(p, &mech, fw_buf_span(&whole), out, &rv, err);
}

enum fw_kind
fw_p11_sign(const struct fw_key *key, const struct fw_sigalg *a,
    const struct fwd_span *msg, size_t n, uint8_t sig[FWD_SIG_MAX],
    size_t *sig_n, struct fw_error *err)
{
	struct fw_p11 *const p = key->p11;
	struct made out;
	enum fw_kind kind;

	if (p->refused)
		return fw_fail(err, FW_E_KEY, "%s has refused the PIN before; "
		    "it is not tried again", p->name);
	if (p->lost)
		return fw_fail(err, FW_E_KEY, "cannot sign with %s: the token "
		    "was lost before (put it back and start again)",
		    key->label);
	if (p->session == CK_INVALID_HANDLE)
		FW_TRY(fw_p11_session(p, err));
	kind = a->md == NULL ? sign_whole(p, msg, n, &out, err) :
	    sign_hashed(p, a, msg, n, &out, err);
	if (kind != FW_OK)
		return fw_wrap(err, "cannot sign with %s", key->label);
	if (out.n != key->size || out.n > FWD_SIG_MAX)
		return fw_fail(err, FW_E_KEY, "%s made a signature of %lu "
		    "bytes, where %zu belong", key->label, out.n, key->size);
	memcpy(sig, out.p, out.n);
	*sig_n = out.n;
	return FW_OK;
}

bool
fw_key_lost(const struct fw_key *key)
{
	return key->p11 != NULL && key->p11->lost;
}
