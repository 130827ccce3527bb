/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate chains and trust anchors from PEM files; names for people. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "host/cert.h"
#include "host/internal.h"

#define PEM_FILE_MAX (1024u * 1024u)

void
fw_x509_free(X509 **cert)
{
	X509_free(*cert);
}

static void
bio_free(BIO **bio)
{
	BIO_free(*bio);
}

static void
pkey_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

/* One block of a PEM file, wiped on release: it may be a private key. */
struct pem {
	char *name, *header;
	unsigned char *data;
	long n;
};

static void
pem_deinit(struct pem *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	if (b->data != NULL)
		OPENSSL_clear_free(b->data, (size_t)b->n);
	*b = (struct pem){ 0 };
}

/* The next block; *got is false at the end of the file. */
static enum fw_kind
pem_next(BIO *bio, struct pem *b, bool *got, struct fw_error *err)
{
	unsigned long e;

	ERR_clear_error();
	*got = PEM_read_bio(bio, &b->name, &b->header, &b->data, &b->n) == 1;
	if (*got)
		return FW_OK;
	e = ERR_peek_last_error();
	if (ERR_GET_LIB(e) != ERR_LIB_PEM ||
	    ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
		return fw_fail_ssl(err, FW_E_INPUT, "cannot read the PEM data");
	ERR_clear_error();		/* the end of the file is no error */
	return FW_OK;
}

/* A PEM file, in memory. */
static enum fw_kind
pem_open(const char *path, struct fw_buf *text, BIO **bio,
    struct fw_error *err)
{
	FW_TRY(fw_file_read(path, PEM_FILE_MAX, text, err));
	*bio = BIO_new_mem_buf(text->n ? (void *)text->p : "", (int)text->n);
	return *bio != NULL ? FW_OK : fw_fail(err, FW_E_NOMEM,
	    "out of memory");
}

static bool
pem_is_cert(const struct pem *b)
{
	return strcmp(b->name, PEM_STRING_X509) == 0 ||
	    strcmp(b->name, PEM_STRING_X509_OLD) == 0;
}

enum fw_kind
fw_x509_read(struct fwd_span der, X509 **out, struct fw_error *err)
{
	const unsigned char *p = der.p;
	X509 *cert;

	ERR_clear_error();
	if (der.n > PEM_FILE_MAX)
		return fw_fail(err, FW_E_INPUT, "it is too large");
	cert = d2i_X509(NULL, &p, (long)der.n);
	if (cert == NULL)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "it is not a DER certificate");
	if (p != der.p + der.n) {
		X509_free(cert);
		return fw_fail(err, FW_E_INPUT, "there is data after its end");
	}
	*out = cert;
	return FW_OK;
}

/* The encoding of a name as it stands in the certificate. */
static struct fwd_span
name_der(const X509_NAME *name)
{
	const unsigned char *p = NULL;
	size_t n = 0;

	if (X509_NAME_get0_der(name, &p, &n) != 1)
		return (struct fwd_span){ NULL, 0 };
	return (struct fwd_span){ p, n };
}

static bool
same(struct fwd_span a, struct fwd_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Does the name say that issuer issued cert?  Compared byte by byte. */
static bool
names_issuer(const X509 *cert, const X509 *issuer)
{
	return same(name_der(X509_get_issuer_name(cert)),
	    name_der(X509_get_subject_name(issuer)));
}

void
fw_chain_deinit(struct fw_chain *c)
{
	size_t i;

	for (i = 0; i < FWD_CHAIN_MAX; i++)
		fw_buf_deinit(&c->cert[i]);
	fw_buf_deinit(&c->root);
	*c = (struct fw_chain){ 0 };
}

enum fw_kind
fw_chain_copy(const struct fw_chain *from, struct fw_chain *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_chain_deinit) struct fw_chain c = { 0 };

	for (; c.n < from->n; c.n++)
		FW_TRY(fw_buf_add(&c.cert[c.n], from->cert[c.n].p,
		    from->cert[c.n].n, err));
	if (from->root.n > 0)
		FW_TRY(fw_buf_add(&c.root, from->root.p, from->root.n, err));
	*out = c;
	c = (struct fw_chain){ 0 };
	return FW_OK;
}

/* ---- from a file ------------------------------------------------------ */

struct loaded {
	X509 *x[FWD_CHAIN_MAX + 1];	/* and a root */
	size_t n;
};

static void
loaded_deinit(struct loaded *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		X509_free(l->x[i]);
	l->n = 0;
}

static enum fw_kind
add_cert(const struct pem *b, struct loaded *l, struct fw_chain *chain,
    struct fw_error *err)
{
	const struct fwd_span der = { b->data, (size_t)b->n };
	struct fw_buf *const to = l->n < FWD_CHAIN_MAX ? &chain->cert[l->n] :
	    &chain->root;

	if (l->n == FWD_CHAIN_MAX + 1)
		return fw_fail(err, FW_E_INPUT,
		    "there are more than %u certificates",
		    FWD_CHAIN_MAX + 1);
	if (fw_x509_read(der, &l->x[l->n], err) != FW_OK)
		return fw_wrap(err, "certificate %zu", l->n + 1);
	l->n++;
	return fw_buf_add(to, der.p, der.n, err);
}

static enum fw_kind
check_order(const struct loaded *l, struct fw_error *err)
{
	size_t i;

	for (i = 0; i + 1 < l->n; i++)
		if (!names_issuer(l->x[i], l->x[i + 1]))
			return fw_fail(err, FW_E_INPUT,
			    "certificate %zu did not issue certificate %zu",
			    i + 2, i + 1);
	return FW_OK;
}

/* Move a self-issued last certificate where it belongs, if there is one. */
static enum fw_kind
split_root(const struct loaded *l, struct fw_chain *chain,
    struct fw_error *err)
{
	const size_t last = l->n - 1;
	const bool self = names_issuer(l->x[last], l->x[last]);

	chain->n = l->n;
	if (last == FWD_CHAIN_MAX) {
		if (!self)
			return fw_fail(err, FW_E_INPUT,
			    "there are more than %u certificates besides the "
			    "root", FWD_CHAIN_MAX);
		chain->n = last;	/* it was put there at once */
	} else if (self && last > 0) {
		chain->root = chain->cert[last];
		chain->cert[last] = (struct fw_buf){ 0 };
		chain->n = last;
	}
	return FW_OK;
}

enum fw_kind
fw_chain_load(const char *path, struct fw_chain *out, struct fw_error *err)
{
	FW_CLEANUP(fw_chain_deinit) struct fw_chain chain = { 0 };
	FW_CLEANUP(loaded_deinit) struct loaded l = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_CLEANUP(bio_free) BIO *bio = NULL;
	bool got;

	FW_TRY(pem_open(path, &text, &bio, err));
	do {
		FW_CLEANUP(pem_deinit) struct pem b = { 0 };

		if (pem_next(bio, &b, &got, err) != FW_OK)
			return fw_wrap(err, "'%s'", path);
		if (got && pem_is_cert(&b) &&
		    add_cert(&b, &l, &chain, err) != FW_OK)
			return fw_wrap(err, "'%s'", path);
	} while (got);
	if (l.n == 0)
		return fw_fail(err, FW_E_INPUT, "there is no certificate in "
		    "'%s' (a PEM file, leaf first, is needed)", path);
	if (check_order(&l, err) != FW_OK)
		return fw_wrap(err, "chain in '%s' is out of order", path);
	if (split_root(&l, &chain, err) != FW_OK)
		return fw_wrap(err, "'%s'", path);

	*out = chain;
	chain = (struct fw_chain){ 0 };	/* the caller owns it now */
	return FW_OK;
}

/* ---- from a heap of certificates --------------------------------------- */

/* Did the key of issuer make the signature of cert? */
static bool
signed_by(X509 *cert, X509 *issuer)
{
	EVP_PKEY *const key = X509_get0_pubkey(issuer);
	const bool yes = key != NULL && X509_verify(cert, key) == 1;

	ERR_clear_error();
	return yes;
}

/*
 * Find the issuer of cert among x[1..n).  Renewed certificates of one CA share
 * name and key: then the choice is the user's, not ours.
 */
static enum fw_kind
find_issuer(X509 *cert, X509 **x, const struct fw_buf *der, size_t n,
    size_t *which, struct fw_error *err)
{
	FW_FREE char *name = NULL;
	size_t i;

	*which = 0;
	for (i = 1; i < n; i++) {
		if (der[i].n == 0 || x[i] == NULL ||
		    !names_issuer(cert, x[i]) || !signed_by(cert, x[i]))
			continue;
		if (*which == 0) {
			*which = i;
		} else if (!same(fw_buf_span(&der[*which]),
		    fw_buf_span(&der[i]))) {
			FW_TRY(fw_name_format(name_der(
			    X509_get_issuer_name(cert)), &name, err));
			return fw_fail(err, FW_E_KEY, "there is more than one "
			    "certificate of the issuer '%s' (name the chain "
			    "in a file)", name);
		}
	}
	return FW_OK;
}

struct parsed {
	X509 **x;
	size_t n;
};

static void
parsed_deinit(struct parsed *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		X509_free(p->x[i]);
	free(p->x);
}

/* What is no certificate leads nowhere; only the leaf has to be one. */
static enum fw_kind
parse_all(const struct fw_buf *cert, size_t n, struct parsed *p,
    struct fw_error *err)
{
	size_t i;

	if (n == 0)
		return fw_fail(err, FW_E_KEY, "there is no certificate");
	p->x = calloc(n, sizeof *p->x);
	if (p->x == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	p->n = n;
	if (fw_x509_read(fw_buf_span(&cert[0]), &p->x[0], err) != FW_OK)
		return fw_wrap(err, "the key's certificate");
	for (i = 1; i < n; i++) {
		struct fw_error ignored;

		(void)fw_x509_read(fw_buf_span(&cert[i]), &p->x[i], &ignored);
	}
	return FW_OK;
}

enum fw_kind
fw_chain_order(struct fw_buf *cert, size_t n, struct fw_chain *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_chain_deinit) struct fw_chain chain = { 0 };
	FW_CLEANUP(parsed_deinit) struct parsed p = { 0 };
	size_t at = 0;
	bool self;

	FW_TRY(parse_all(cert, n, &p, err));
	for (;;) {
		self = names_issuer(p.x[at], p.x[at]);
		if (self && chain.n > 0) {
			chain.root = cert[at];
			cert[at] = (struct fw_buf){ 0 };
			break;
		}
		if (chain.n == FWD_CHAIN_MAX)
			return fw_fail(err, FW_E_KEY, "the chain has more "
			    "than %u certificates", FWD_CHAIN_MAX);
		chain.cert[chain.n++] = cert[at];
		cert[at] = (struct fw_buf){ 0 };	/* used up: no loops */
		if (self)
			break;
		FW_TRY(find_issuer(p.x[at], p.x, cert, n, &at, err));
		if (at == 0)
			break;
	}
	*out = chain;
	chain = (struct fw_chain){ 0 };
	return FW_OK;
}

/* ---- anchors ----------------------------------------------------------- */

void
fw_anchor_deinit(struct fw_anchor *a)
{
	free(a->label);
	fw_buf_deinit(&a->der);
	*a = (struct fw_anchor){ 0 };
}

static enum fw_kind
anchor_key(struct fw_anchor *a, struct fw_error *err)
{
	const struct fwd_span der = fw_buf_span(&a->der);
	const unsigned char *p = der.p;
	FW_CLEANUP(pkey_free) EVP_PKEY *key = NULL;

	ERR_clear_error();
	key = d2i_PUBKEY(NULL, &p, (long)der.n);
	if (key == NULL || p != der.p + der.n)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "the public key is malformed");
	a->anchor.spki = der;
	return FW_OK;
}

static enum fw_kind
anchor_cert(struct fw_anchor *a, struct fw_error *err)
{
	const fwd_status s = fwd_anchor_read(fw_buf_span(&a->der), &a->anchor);

	if (s != FWD_OK)
		return fw_fail(err, FW_E_INPUT,
		    "the certificate cannot be read: %s", fwd_status_text(s));
	return fw_name_format(a->anchor.name, &a->label, err);
}

/* Take the one block that can be an anchor; *cert tells its kind. */
static enum fw_kind
anchor_block(BIO *bio, struct fw_anchor *a, bool *cert, struct fw_error *err)
{
	bool got;

	do {
		FW_CLEANUP(pem_deinit) struct pem b = { 0 };

		FW_TRY(pem_next(bio, &b, &got, err));
		if (!got || (!pem_is_cert(&b) &&
		    strcmp(b.name, PEM_STRING_PUBLIC) != 0))
			continue;
		if (a->der.n > 0)
			return fw_fail(err, FW_E_INPUT, "there is more than "
			    "one certificate or public key (give each a file "
			    "of its own)");
		*cert = pem_is_cert(&b);
		FW_TRY(fw_buf_add(&a->der, b.data, (size_t)b.n, err));
	} while (got);
	if (a->der.n == 0)
		return fw_fail(err, FW_E_INPUT,
		    "there is no certificate or public key in PEM form");
	return FW_OK;
}

static enum fw_kind
public_read(BIO *bio, struct fw_anchor *a, struct fw_error *err)
{
	bool cert = false;

	FW_TRY(anchor_block(bio, a, &cert, err));
	return cert ? anchor_cert(a, err) : anchor_key(a, err);
}

/* what: stands in front of the file's name in errors. */
static enum fw_kind
public_load(const char *path, const char *what, struct fw_anchor *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_anchor_deinit) struct fw_anchor a = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_CLEANUP(bio_free) BIO *bio = NULL;

	FW_TRY(pem_open(path, &text, &bio, err));
	if (public_read(bio, &a, err) != FW_OK)
		return fw_wrap(err, "%s'%s'", what, path);

	*out = a;
	a = (struct fw_anchor){ 0 };	/* the caller owns it now */
	return FW_OK;
}

enum fw_kind
fw_public_load(const char *path, struct fw_anchor *out, struct fw_error *err)
{
	return public_load(path, "", out, err);
}

enum fw_kind
fw_anchor_load(const char *path, struct fw_anchor *out, struct fw_error *err)
{
	FW_CLEANUP(fw_anchor_deinit) struct fw_anchor a = { 0 };

	FW_TRY(public_load(path, "trust anchor ", &a, err));
	if (a.label == NULL && (a.label = strdup(path)) == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");

	*out = a;
	a = (struct fw_anchor){ 0 };
	return FW_OK;
}

/* ---- certificates as they come ------------------------------------------ */

static enum fw_kind
take_cert(const struct pem *b, size_t max, struct fw_buf *cert, size_t *n,
    struct fw_error *err)
{
	if (!pem_is_cert(b))
		return fw_fail(err, FW_E_INPUT, "there is a block '%s' beside "
		    "the certificates", b->name);
	if (*n == max)
		return fw_fail(err, FW_E_INPUT,
		    "there are more than %zu certificates", max);
	return fw_buf_add(&cert[(*n)++], b->data, (size_t)b->n, err);
}

enum fw_kind
fw_certs_load(const char *path, size_t max, struct fw_buf *cert, size_t *n,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_CLEANUP(bio_free) BIO *bio = NULL;
	bool got;

	*n = 0;
	FW_TRY(pem_open(path, &text, &bio, err));
	do {
		FW_CLEANUP(pem_deinit) struct pem b = { 0 };

		if (pem_next(bio, &b, &got, err) != FW_OK ||
		    (got && take_cert(&b, max, cert, n, err) != FW_OK))
			return fw_wrap(err, "'%s'", path);
	} while (got);
	if (*n == 0)
		return fw_fail(err, FW_E_INPUT,
		    "there is no certificate in PEM form in '%s'", path);
	return FW_OK;
}

bool
fw_cert_is_root(struct fwd_span der)
{
	FW_CLEANUP(fw_x509_free) X509 *x = NULL;
	struct fw_error ignored;

	return fw_x509_read(der, &x, &ignored) == FW_OK &&
	    names_issuer(x, x) && signed_by(x, x);
}
