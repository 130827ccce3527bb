/* SPDX-License-Identifier: Apache-2.0 */
/* More sessions of one login, and what is to be told of the token. */
#include <string.h>

#include "host/p11.h"

/*
 * A login holds for all sessions of a process, and so do the handles of
 * objects: what another thread needs is a session.
 */
enum fw_kind
fw_p11_again(const struct fw_p11 *p, struct fw_key *key,
    struct fw_error *err)
{
	struct fw_p11 *again;

	/* Each session would send it, also one that was refused elsewhere. */
	if (p->always_auth)
		return fw_fail(err, FW_E_KEY, "%s wants the PIN for each "
		    "signature", key->label);
	again = calloc(1, sizeof *again);
	if (again == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	fw_hold();			/* fw_p11_free() ends it */
	*again = *p;
	again->session = CK_INVALID_HANDLE;
	again->borrowed = true;
	key->p11 = again;
	return fw_p11_session(again, err);
}

void
fw_p11_give_back(struct fw_p11 *p)
{
	if (p->session != CK_INVALID_HANDLE)
		(void)FW_P11_CALL(p, C_CloseSession, p->session);
	p->session = CK_INVALID_HANDLE;
}

static void
key_cleanup(struct fw_key **key)
{
	fw_key_free(*key);
}

enum fw_kind
fw_key_again(const struct fw_key *key, struct fw_key **out,
    struct fw_error *err)
{
	FW_CLEANUP(key_cleanup) struct fw_key *k = calloc(1, sizeof *k);

	if (k == NULL || (k->label = strdup(key->label)) == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fw_buf_add(&k->spki, key->spki.p, key->spki.n, err));
	k->type = key->type;
	k->size = key->size;
	k->pub_given = key->pub_given;
	if (key->pub != NULL && EVP_PKEY_up_ref(key->pub) == 1)
		k->pub = key->pub;
	if (key->priv != NULL && EVP_PKEY_up_ref(key->priv) == 1)
		k->priv = key->priv;
	if (key->p11 != NULL)
		FW_TRY(fw_p11_again(key->p11, k, err));
	*out = k;
	k = NULL;
	return FW_OK;
}

/* ---- the token ------------------------------------------------------ */

static const char *
mechanism_name(CK_MECHANISM_TYPE type)
{
	static const struct {
		CK_MECHANISM_TYPE type;
		const char *name;
	} names[] = {
		{ CKM_ECDSA, "CKM_ECDSA" },
		{ CKM_ECDSA_SHA256, "CKM_ECDSA_SHA256" },
		{ CKM_ECDSA_SHA384, "CKM_ECDSA_SHA384" },
		{ CKM_ECDSA_SHA512, "CKM_ECDSA_SHA512" },
		{ CKM_EDDSA, "CKM_EDDSA" },
		{ CKM_RSA_PKCS_PSS, "CKM_RSA_PKCS_PSS" },
		{ CKM_SHA256_RSA_PKCS_PSS, "CKM_SHA256_RSA_PKCS_PSS" },
		{ CKM_SHA384_RSA_PKCS_PSS, "CKM_SHA384_RSA_PKCS_PSS" },
		{ CKM_SHA512_RSA_PKCS_PSS, "CKM_SHA512_RSA_PKCS_PSS" },
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].type == type)
			return names[i].name;
	return NULL;
}

/* A field of fixed length, padded with blanks. */
static void
field(const unsigned char *p, size_t n, char *out, size_t room)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	(void)fw_printable(p, n, out, room);
}
#define FIELD(from, to) field(from, sizeof from, to, sizeof to)

void
fw_key_token(const struct fw_key *key, struct fw_key_token *out)
{
	const CK_TOKEN_INFO *t;

	*out = (struct fw_key_token){ 0 };
	if (key->p11 == NULL)
		return;
	t = &key->p11->token;
	FIELD(t->label, out->label);
	FIELD(t->manufacturerID, out->manufacturer);
	FIELD(t->model, out->model);
	FIELD(t->serialNumber, out->serial);
	out->mechanism = mechanism_name(key->p11->used);
}
