/* SPDX-License-Identifier: Apache-2.0 */
/* Storing certificates on a token, beside the key they belong to. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "host/cert.h"
#include "host/p11.h"
#include "host/token.h"
#include "host/x509.h"

static void
der_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

/* The certificates of the token: handles, and values at the same places. */
struct present {
	struct fw_p11_list l;
	struct fw_buf *der;
};

static void
present_deinit(struct present *have)
{
	size_t i;

	for (i = 0; have->der != NULL && i < have->l.n; i++)
		fw_buf_deinit(&have->der[i]);
	free(have->der);
	fw_p11_list_deinit(&have->l);
}

static enum fw_kind
read_present(struct fw_p11 *p, struct present *have, struct fw_error *err)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE like = { CKA_CLASS, &class, sizeof class };
	size_t i;

	FW_TRY(fw_p11_find(p, &like, 1, &have->l, err));
	have->der = calloc(have->l.n + 1, sizeof *have->der);
	if (have->der == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = 0; i < have->l.n; i++)
		FW_TRY(fw_p11_attr(p, have->l.h[i], CKA_VALUE, &have->der[i],
		    err));
	return FW_OK;
}

static bool
is_there(const struct present *have, const struct fw_buf *der)
{
	size_t i;

	for (i = 0; i < have->l.n; i++)
		if (fwd_span_equal(fw_buf_span(&have->der[i]),
		    fw_buf_span(der)))
			return true;
	return false;
}

/* Is the public key in the certificate that of the key? */
static bool
is_of(struct fwd_span der, const struct fw_key *key)
{
	FW_CLEANUP(fw_x509_free) X509 *cert = NULL;
	struct fw_error ignored;
	bool yes;

	if (fw_x509_read(der, &cert, &ignored) != FW_OK)
		return false;
	yes = X509_get0_pubkey(cert) != NULL &&
	    EVP_PKEY_eq(X509_get0_pubkey(cert), key->pub) == 1;
	ERR_clear_error();
	return yes;
}

/* ---- one certificate ---------------------------------------------- */

/* The attributes of a certificate object, and what they point to. */
struct object {
	struct fwd_span value, id;
	const char *label;
	size_t label_n;
};

static enum fw_kind
store(const struct fw_p11_rw *rw, X509 *cert, const struct object *o,
    CK_OBJECT_HANDLE *made, struct fw_error *err)
{
	FW_CLEANUP(der_free) unsigned char *subject = NULL;
	FW_CLEANUP(der_free) unsigned char *issuer = NULL;
	FW_CLEANUP(der_free) unsigned char *serial = NULL;
	const int subject_n = i2d_X509_NAME(X509_get_subject_name(cert),
	    &subject);
	const int issuer_n = i2d_X509_NAME(X509_get_issuer_name(cert),
	    &issuer);
	const int serial_n = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert),
	    &serial);
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof class },
		{ CKA_CERTIFICATE_TYPE, &type, sizeof type },
		{ CKA_TOKEN, &yes, sizeof yes },
		{ CKA_PRIVATE, &no, sizeof no },
		{ CKA_LABEL, (void *)(uintptr_t)o->label, o->label_n },
		{ CKA_ID, (void *)(uintptr_t)o->id.p, o->id.n },
		{ CKA_VALUE, (void *)(uintptr_t)o->value.p, o->value.n },
		{ CKA_SUBJECT, subject, (CK_ULONG)subject_n },
		{ CKA_ISSUER, issuer, (CK_ULONG)issuer_n },
		{ CKA_SERIAL_NUMBER, serial, (CK_ULONG)serial_n },
	};

	if (subject_n <= 0 || issuer_n <= 0 || serial_n <= 0)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the certificate");
	return fw_p11_create(rw, a, sizeof a / sizeof a[0], made, err);
}

/* What a person knows the certificate by, as its label. */
static enum fw_kind
common_name(X509 *cert, struct fw_buf *out, struct fw_error *err)
{
	X509_NAME *const name = X509_get_subject_name(cert);
	const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	FW_CLEANUP(der_free) unsigned char *text = NULL;
	int n = -1;

	if (at >= 0)
		n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(name, at)));
	ERR_clear_error();
	if (n <= 0 || !fw_text_is_plain(text, (size_t)n))
		return fw_buf_add(out, "certificate", 11, err);
	return fw_buf_add(out, text, (size_t)n, err);
}

/* A certificate above the key's, under an id of its own. */
static enum fw_kind
store_issuer(const struct fw_p11_rw *rw, const struct fw_buf *der,
    CK_OBJECT_HANDLE *made, struct fw_error *err)
{
	FW_CLEANUP(fw_x509_free) X509 *cert = NULL;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf label = { 0 };
	FW_CLEANUP(der_free) unsigned char *spki = NULL;
	uint8_t id[FW_KEYID_SIZE];
	int n;

	FW_TRY(fw_x509_read(fw_buf_span(der), &cert, err));
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	if (n <= 0)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the certificate");
	FW_TRY(fw_x509_keyid((struct fwd_span){ spki, (size_t)n }, id, err));
	FW_TRY(common_name(cert, &label, err));
	return store(rw, cert, &(struct object){ fw_buf_span(der),
	    { id, sizeof id }, (const char *)label.p, label.n }, made,
	    err);
}

static enum fw_kind
store_leaf(const struct fw_p11_rw *rw, const struct fw_buf *der,
    const struct fw_import *import, CK_OBJECT_HANDLE *made,
    struct fw_error *err)
{
	FW_CLEANUP(fw_x509_free) X509 *cert = NULL;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf label = { 0 };
	struct fw_p11 *const p = rw->p;

	FW_TRY(fw_x509_read(fw_buf_span(der), &cert, err));
	if (import->label != NULL)
		FW_TRY(fw_buf_add(&label, import->label,
		    strlen(import->label), err));
	else
		FW_TRY(fw_p11_attr(p, p->key, CKA_LABEL, &label, err));
	return store(rw, cert, &(struct object){ fw_buf_span(der),
	    fw_buf_span(&p->id), (const char *)label.p, label.n }, made,
	    err);
}

/* ---- the key's others --------------------------------------------- */

/* Other certificates of the key would make the choice ambiguous. */
static enum fw_kind
check_others(const struct fw_key *key, const struct present *have,
    const struct fw_buf *leaf, const struct fw_import *import,
    struct fw_error *err)
{
	size_t i;

	for (i = 0; i < have->l.n && !import->replace; i++)
		if (is_of(fw_buf_span(&have->der[i]), key) &&
		    !fwd_span_equal(fw_buf_span(&have->der[i]),
		    fw_buf_span(leaf)))
			return fw_fail(err, FW_E_REFUSED, "there is another "
			    "certificate for %s already (replace it with "
			    "--replace)", key->label);
	return FW_OK;
}

/* Only once the new one is there. */
static enum fw_kind
remove_others(const struct fw_p11_rw *rw, const struct fw_key *key,
    const struct present *have, const struct fw_buf *leaf,
    struct fw_import *import, struct fw_error *err)
{
	size_t i;

	for (i = 0; i < have->l.n; i++) {
		if (!is_of(fw_buf_span(&have->der[i]), key) ||
		    fwd_span_equal(fw_buf_span(&have->der[i]),
		    fw_buf_span(leaf)))
			continue;
		if (fw_p11_destroy(rw, have->l.h[i], err) != FW_OK)
			return fw_wrap(err, "cannot remove the certificate "
			    "that is to be replaced");
		import->removed++;
	}
	return FW_OK;
}

/* What this run has stored, to be taken back if it does not come to its end. */
struct stored {
	const struct fw_p11_rw *rw;
	CK_OBJECT_HANDLE h[FWD_CHAIN_MAX + 1];
	size_t n;
};

static void
take_back(struct stored *s)
{
	struct fw_error ignored;

	while (s->n > 0)
		(void)fw_p11_destroy(s->rw, s->h[--s->n], &ignored);
}

static enum fw_kind
import_all(const struct fw_p11_rw *rw, const struct fw_key *key,
    const struct fw_chain *chain, const struct present *have,
    struct fw_import *import, struct fw_error *err)
{
	FW_CLEANUP(take_back) struct stored s = { .rw = rw };
	const struct fw_buf *der;
	size_t i;

	/* From the top: an end in the middle leaves no leaf without chain. */
	for (i = chain->n + 1; i-- > 0;) {
		der = i == chain->n ? &chain->root : &chain->cert[i];
		if (der->n == 0)
			continue;
		if (is_there(have, der)) {
			import->there++;
			continue;
		}
		FW_TRY(i == 0 ?
		    store_leaf(rw, der, import, &s.h[s.n], err) :
		    store_issuer(rw, der, &s.h[s.n], err));
		s.n++;
	}
	FW_TRY(remove_others(rw, key, have, &chain->cert[0], import, err));
	import->stored = s.n;
	s.n = 0;			/* they stay */
	return FW_OK;
}

enum fw_kind
fw_key_certificates(struct fw_key *key, size_t *n, struct fw_error *err)
{
	FW_CLEANUP(present_deinit) struct present have = { 0 };
	size_t i;

	*n = 0;
	if (key->p11 == NULL || key->pub == NULL)
		return FW_OK;
	FW_TRY(read_present(key->p11, &have, err));
	for (i = 0; i < have.l.n; i++)
		*n += is_of(fw_buf_span(&have.der[i]), key);
	return FW_OK;
}

/* The device library has no say here: a CA's certificate is welcome, too. */
static enum fw_kind
bind(struct fw_key *key, const struct fw_buf *leaf, struct fw_error *err)
{
	FW_CLEANUP(fw_x509_free) X509 *cert = NULL;
	FW_CLEANUP(der_free) unsigned char *spki = NULL;
	const bool shown = key->pub != NULL;
	int n;

	FW_TRY(fw_x509_read(fw_buf_span(leaf), &cert, err));
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	if (n <= 0)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the public key of the certificate");
	FW_TRY(fw_key_set_public(key, (struct fwd_span){ spki, (size_t)n },
	    err));
	/* With no public key to compare with, only a signature can tell. */
	return shown ? FW_OK : fw_key_try(key, err);
}

enum fw_kind
fw_key_import(struct fw_key *key, const struct fw_chain *chain,
    struct fw_import *import, struct fw_error *err)
{
	FW_CLEANUP(fw_p11_rw_close) struct fw_p11_rw rw = { 0 };
	FW_CLEANUP(present_deinit) struct present have = { 0 };

	import->stored = import->there = import->removed = 0;
	if (key->p11 == NULL)
		return fw_fail(err, FW_E_KEY, "%s is not on a token",
		    key->label);
	FW_TRY(bind(key, &chain->cert[0], err));
	if (key->p11->id.n == 0)
		return fw_fail(err, FW_E_KEY, "%s has no id to tie a "
		    "certificate to it (set its CKA_ID with the token's own "
		    "tool)", key->label);
	FW_TRY(read_present(key->p11, &have, err));
	FW_TRY(check_others(key, &have, &chain->cert[0], import, err));
	FW_TRY(fw_p11_rw_open(key->p11, &rw, err));
	return import_all(&rw, key, chain, &have, import, err);
}
