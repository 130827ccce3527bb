/* SPDX-License-Identifier: Apache-2.0 */
/* A key on a PKCS #11 token: the order of all steps, and its certificates. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "host/cert.h"
#include "host/p11.h"

/* All that can be wrong without a PIN is found out before one is sent. */
static enum fw_kind
open_token(struct fw_p11 *p, const char *uri, struct fw_error *err)
{
	FW_TRY(fw_p11_uri_parse(uri, &p->uri, err));
	FW_TRY(fw_p11_start(p, err));
	FW_TRY(fw_p11_find_token(p, err));
	FW_TRY(fw_p11_session(p, err));
	FW_TRY(fw_p11_login(p, err));
	/* It was not needed: the next key may need it. */
	return fw_pin_unhide(p->opt.pin_env, &p->env_pin, err);
}

static enum fw_kind
open_key(struct fw_p11 *p, const char *uri, struct fw_key *key,
    struct fw_error *err)
{
	FW_TRY(open_token(p, uri, err));
	FW_TRY(fw_p11_find_key(p, key, err));
	return fw_p11_find_public(p, key, err);
}

enum fw_kind
fw_p11_new(const struct fw_key_options *opt, struct fw_p11 **out,
    struct fw_error *err)
{
	struct fw_p11 *const p = calloc(1, sizeof *p);

	if (p == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	fw_hold();			/* fw_p11_free() ends it */
	p->opt = *opt;
	p->session = CK_INVALID_HANDLE;
	*out = p;
	return FW_OK;
}

enum fw_kind
fw_p11_open_token(const char *uri, const struct fw_key_options *opt,
    struct fw_p11 **out, struct fw_error *err)
{
	enum fw_kind kind;

	FW_TRY(fw_p11_new(opt, out, err));
	kind = open_token(*out, uri, err);
	fw_pin_wipe(&(*out)->pin);
	return kind;
}

enum fw_kind
fw_p11_open(const char *uri, const struct fw_key_options *opt,
    struct fw_key *key, struct fw_error *err)
{
	enum fw_kind kind;
	struct fw_p11 *p;

	FW_TRY(fw_p11_new(opt, &key->p11, err));
	p = key->p11;
	kind = open_key(p, uri, key, err);
	/* Only a key that wants the PIN for each signature may keep it. */
	if (kind != FW_OK || !p->always_auth)
		fw_pin_wipe(&p->pin);
	return kind;
}

void
fw_p11_free(struct fw_p11 *p)
{
	struct fw_error ignored;

	if (p == NULL)
		return;
	fw_pin_wipe(&p->pin);
	if (p->borrowed) {
		fw_p11_give_back(p);
		free(p);
		fw_unhold();
		return;
	}
	fw_p11_stop(p);
	(void)fw_pin_unhide(p->opt.pin_env, &p->env_pin, &ignored);
	fw_p11_uri_deinit(&p->uri);
	fw_buf_deinit(&p->id);
	free(p->name);
	free(p);
	fw_unhold();
}

/* ---- certificates on the token ------------------------------------------ */

struct certs {
	struct fw_buf *der;
	size_t n;
};

static void
certs_deinit(struct certs *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		fw_buf_deinit(&c->der[i]);
	free(c->der);
	*c = (struct certs){ 0 };
}

/* Is this the key's certificate? */
static enum fw_kind
is_leaf(struct fw_p11 *p, const struct fw_key *key, CK_OBJECT_HANDLE object,
    const struct fw_buf *der, bool *yes, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf id = { 0 };
	FW_CLEANUP(fw_x509_free) X509 *cert = NULL;
	struct fw_error ignored;

	*yes = false;
	if (fw_x509_read(fw_buf_span(der), &cert, &ignored) != FW_OK)
		return FW_OK;
	if (key->pub != NULL) {
		*yes = X509_get0_pubkey(cert) != NULL &&
		    EVP_PKEY_eq(X509_get0_pubkey(cert), key->pub) == 1;
		ERR_clear_error();
		return FW_OK;
	}
	FW_TRY(fw_p11_attr(p, object, CKA_ID, &id, err));
	*yes = id.n > 0 && id.n == p->id.n && memcmp(id.p, p->id.p, id.n) == 0;
	return FW_OK;
}

/* Put the key's certificate first; there must be exactly one. */
static enum fw_kind
add_cert(struct fw_p11 *p, const struct fw_key *key, CK_OBJECT_HANDLE object,
    struct certs *c, bool *have, struct fw_error *err)
{
	struct fw_buf *const der = &c->der[c->n++];
	struct fw_buf *const first = &c->der[0];
	struct fw_buf swap;
	bool leaf;

	FW_TRY(fw_p11_attr(p, object, CKA_VALUE, der, err));
	FW_TRY(is_leaf(p, key, object, der, &leaf, err));
	if (!leaf)
		return FW_OK;
	if (*have && first->n == der->n &&
	    memcmp(first->p, der->p, der->n) == 0)
		return FW_OK;
	if (*have)
		return fw_fail(err, FW_E_KEY, "there is more than one "
		    "certificate for %s (name the chain in a file)",
		    key->label);
	*have = true;
	swap = *first;
	*first = *der;
	*der = swap;
	return FW_OK;
}

enum fw_kind
fw_p11_chain(const struct fw_key *key, struct fw_chain *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_p11_list_deinit) struct fw_p11_list l = { 0 };
	FW_CLEANUP(certs_deinit) struct certs c = { 0 };
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE like = { CKA_CLASS, &class, sizeof class };
	bool have = false;
	size_t i;

	if (key->p11->session == CK_INVALID_HANDLE)
		FW_TRY(fw_p11_session(key->p11, err));
	FW_TRY(fw_p11_find(key->p11, &like, 1, &l, err));
	c.der = calloc(l.n + 1, sizeof *c.der);
	if (c.der == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = 0; i < l.n; i++)
		FW_TRY(add_cert(key->p11, key, l.h[i], &c, &have, err));
	if (!have)
		return fw_fail(err, FW_E_KEY, "the token has no certificate "
		    "for %s (name the chain in a file)", key->label);
	if (fw_chain_order(c.der, c.n, out, err) != FW_OK)
		return fw_wrap(err, "the certificates on %s", key->p11->name);
	return FW_OK;
}
