/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who must not sign a release: keys on a deny list, and certificates that are
 * marked as being for tests.  Both are looked for in the whole chain, so that
 * denying or marking an authority is enough.
 *
 * The mark is an organizational unit "TEST ONLY" in the subject or the issuer
 * of a certificate: any authority can issue it, any tool shows it, and because
 * a certificate names its issuer, all that is below a marked root is marked,
 * although the root itself does not travel.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "host/build.h"
#include "host/cert.h"
#include "host/internal.h"
#include "host/x509.h"

enum { DENY_MAX = 1 << 20 };
#define TEST_MARK "TEST ONLY"

/* ---- key identifiers --------------------------------------------------- */

enum fw_kind
fw_key_id(struct fwd_span spki, struct fw_key_id *out, struct fw_error *err)
{
	uint8_t digest[FWD_DIGEST_MAX];

	FW_TRY(fw_digest(FWD_SHA256, spki, digest, err));
	memcpy(out->p, digest, sizeof out->p);
	return FW_OK;
}

void
fw_key_id_format(const struct fw_key_id *id, char out[2 * FW_KEY_ID_SIZE + 1])
{
	size_t i;

	for (i = 0; i < FW_KEY_ID_SIZE; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", id->p[i]);
}

static int
nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
fw_key_id_parse(const char *text, size_t n, struct fw_key_id *out)
{
	struct fw_key_id id;
	size_t i;
	int high, low;

	if (n != 2 * sizeof id.p)
		return false;
	for (i = 0; i < sizeof id.p; i++) {
		high = nibble(text[2 * i]);
		low = nibble(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		id.p[i] = (uint8_t)(high << 4 | low);
	}
	*out = id;
	return true;
}

/* ---- deny list ------------------------------------------------------- */

void
fw_deny_deinit(struct fw_deny *d)
{
	free(d->path);
	free(d->key);
	*d = (struct fw_deny){ 0 };
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line without its end: a key identifier, a comment, both or nothing. */
static enum fw_kind
read_line(struct fw_deny *d, const char *p, size_t n, unsigned line,
    struct fw_error *err)
{
	const char *const comment = memchr(p, '#', n);
	struct fw_denied *const to = &d->key[d->n];
	size_t at = 0;

	if (comment != NULL)
		n = (size_t)(comment - p);
	while (n > 0 && is_blank(p[n - 1]))
		n--;
	while (at < n && is_blank(p[at]))
		at++;
	if (at == n)
		return FW_OK;
	if (!fw_key_id_parse(p + at, n - at, &to->id))
		return fw_fail_at(err, FW_E_INPUT, d->path, line,
		    (unsigned)at + 1, "this is no key identifier (64 "
		    "hexadecimal digits, the SHA-256 of the "
		    "SubjectPublicKeyInfo)");
	to->line = line;
	d->n++;
	return FW_OK;
}

enum fw_kind
fw_deny_load(const char *path, struct fw_deny *out, struct fw_error *err)
{
	FW_CLEANUP(fw_deny_deinit) struct fw_deny d = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	const char *p, *end, *stop;
	unsigned line;

	FW_TRY(fw_file_read(path, DENY_MAX, &text, err));
	d.path = strdup(path);
	d.key = calloc(text.n / (2 * FW_KEY_ID_SIZE) + 1, sizeof *d.key);
	if (d.path == NULL || d.key == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	p = (const char *)text.p;
	/* Some editors begin what is UTF-8 with a mark of it. */
	if (text.n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		text.n -= 3;
	}
	for (line = 1; text.n > 0; line++) {
		end = memchr(p, '\n', text.n);
		stop = end != NULL ? end : p + text.n;
		FW_TRY(read_line(&d, p, (size_t)(stop - p), line, err));
		stop += end != NULL;
		text.n -= (size_t)(stop - p);
		p = stop;
	}
	*out = d;
	d = (struct fw_deny){ 0 };
	return FW_OK;
}

static enum fw_kind
deny_spki(const struct fw_deny *d, struct fwd_span spki, const char *label,
    struct fw_error *err)
{
	char text[2 * FW_KEY_ID_SIZE + 1];
	struct fw_key_id id;
	size_t i;

	FW_TRY(fw_key_id(spki, &id, err));
	for (i = 0; i < d->n; i++) {
		if (memcmp(id.p, d->key[i].id.p, sizeof id.p) != 0)
			continue;
		fw_key_id_format(&id, text);
		return fw_fail(err, FW_E_REFUSED, "the key of '%s' is denied "
		    "by line %u of '%s' (%s)", label, d->key[i].line, d->path,
		    text);
	}
	return FW_OK;
}

/* ---- RSA keys in all forms -------------------------------------------- */

/*
 * An RSA key has as many identifiers as there are forms of its
 * SubjectPublicKeyInfo: rsaEncryption, and RSASSA-PSS (RFC 4055) without
 * parameters or with those of PS256, PS384 and PS512, each in four encodings.
 * It is denied by any.
 */
static const uint8_t rsa_plain[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
    0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
static const uint8_t rsa_pss[] = { 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
    0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };
static const int32_t rsa_algs[] = { FWD_PS256, FWD_PS384, FWD_PS512 };

static void
pubkey_free(X509_PUBKEY **pub)
{
	X509_PUBKEY_free(*pub);
}

static void
der_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

/* The key with another AlgorithmIdentifier. */
static enum fw_kind
deny_form(const struct fw_deny *d, X509_PUBKEY *pub, struct fwd_span alg,
    const char *label, struct fw_error *err)
{
	FW_CLEANUP(der_free) unsigned char *der = NULL;
	const unsigned char *p = alg.p;
	X509_ALGOR *to = NULL;
	int n = -1;

	if (X509_PUBKEY_get0_param(NULL, NULL, NULL, &to, pub) == 1 &&
	    d2i_X509_ALGOR(&to, &p, (long)alg.n) != NULL)
		n = i2d_X509_PUBKEY(pub, &der);
	if (n < 0)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot look up the key "
		    "of '%s'", label);
	return deny_spki(d, (struct fwd_span){ der, (size_t)n }, label, err);
}

static enum fw_kind
deny_rsa(const struct fw_deny *d, struct fwd_span spki, const char *label,
    struct fw_error *err)
{
	FW_CLEANUP(pubkey_free) X509_PUBKEY *pub = NULL;
	const unsigned char *p = spki.p;
	size_t i;
	unsigned nulls;

	pub = d2i_X509_PUBKEY(NULL, &p, (long)spki.n);
	if (pub == NULL)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the public key of '%s'", label);
	FW_TRY(deny_form(d, pub, (struct fwd_span){ rsa_plain,
	    sizeof rsa_plain }, label, err));
	FW_TRY(deny_form(d, pub, (struct fwd_span){ rsa_pss, sizeof rsa_pss },
	    label, err));
	for (i = 0; i < sizeof rsa_algs / sizeof rsa_algs[0]; i++)
		for (nulls = 0; nulls < 4; nulls++) {
			FW_CLEANUP(fw_buf_deinit) struct fw_buf alg = { 0 };

			FW_TRY(fw_pss_encode(rsa_algs[i], nulls & 1, nulls & 2,
			    &alg, err));
			FW_TRY(deny_form(d, pub, fw_buf_span(&alg), label,
			    err));
		}
	return FW_OK;
}

enum fw_kind
fw_deny_key(const struct fw_build_options *opt, struct fwd_span spki,
    const char *label, struct fw_error *err)
{
	struct fwd_key key;

	if (opt->deny == NULL || opt->deny->n == 0)
		return FW_OK;
	FW_TRY(deny_spki(opt->deny, spki, label, err));
	if (fwd_key_read(spki, &key) != FWD_OK || key.type != FWD_KEY_RSA)
		return FW_OK;
	return deny_rsa(opt->deny, spki, label, err);
}

/* ---- the mark of test certificates ----------------------------------- */

static void
openssl_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

/* Is it the mark?  Letter case, and spaces but between the words, do not
   matter; how many are there neither.  There is no NUL in it. */
static bool
is_mark(const unsigned char *p, size_t n)
{
	const char *mark = TEST_MARK;
	size_t i = 0;
	char c;

	while (n > 0 && p[n - 1] == ' ')
		n--;
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n; i++, mark++) {
		c = (char)p[i];
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c != *mark)		/* its end is a NUL */
			return false;
		while (c == ' ' && i + 1 < n && p[i + 1] == ' ')
			i++;
	}
	return *mark == '\0';
}

/* What cannot be read counts as the mark: nobody knows what it says.  Nor does
   anyone see what stands behind a NUL. */
static bool
name_is_marked(const X509_NAME *name)
{
	const X509_NAME_ENTRY *e;
	int i = -1, n;

	while ((i = X509_NAME_get_index_by_NID(name,
	    NID_organizationalUnitName, i)) >= 0) {
		FW_CLEANUP(openssl_free) unsigned char *text = NULL;

		e = X509_NAME_get_entry(name, i);
		n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(e));
		ERR_clear_error();
		if (n < 0 || memchr(text, '\0', (size_t)n) != NULL ||
		    is_mark(text, (size_t)n))
			return true;
	}
	return false;
}

static enum fw_kind
refuse_mark(const X509 *cert, const char *subject, struct fw_error *err)
{
	if (!name_is_marked(X509_get_subject_name(cert)) &&
	    !name_is_marked(X509_get_issuer_name(cert)))
		return FW_OK;
	return fw_fail(err, FW_E_REFUSED, "certificate '%s' is for tests only, "
	    "as its organizational unit or its issuer's says (--allow-test "
	    "takes it nevertheless)", subject);
}

/* ---- certificates ---------------------------------------------------- */

static enum fw_kind
subject_of(const X509 *cert, char **out, struct fw_error *err)
{
	const unsigned char *p = NULL;
	size_t n = 0;

	if (X509_NAME_get0_der(X509_get_subject_name(cert), &p, &n) != 1)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the subject of a certificate");
	return fw_name_format((struct fwd_span){ p, n }, out, err);
}

enum fw_kind
fw_deny_cert(const struct fw_build_options *opt, struct fwd_span cert,
    struct fw_error *err)
{
	FW_CLEANUP(fw_x509_free) X509 *x = NULL;
	FW_FREE char *subject = NULL;
	struct fwd_anchor a;

	if (opt->deny == NULL && opt->allow_test)
		return FW_OK;
	if (fw_x509_read(cert, &x, err) != FW_OK)
		return fw_wrap(err, "a certificate cannot be read");
	FW_TRY(subject_of(x, &subject, err));
	if (fwd_anchor_read(cert, &a) != FWD_OK)
		return fw_fail(err, FW_E_INPUT,
		    "the certificate '%s' cannot be read", subject);
	FW_TRY(fw_deny_key(opt, a.spki, subject, err));
	return opt->allow_test ? FW_OK : refuse_mark(x, subject, err);
}

enum fw_kind
fw_deny_chain(const struct fw_build_options *opt,
    const struct fw_chain *chain, struct fw_error *err)
{
	size_t i;

	for (i = 0; i < chain->n; i++)
		FW_TRY(fw_deny_cert(opt, fw_buf_span(&chain->cert[i]), err));
	return chain->root.n > 0 ?
	    fw_deny_cert(opt, fw_buf_span(&chain->root), err) : FW_OK;
}

enum fw_kind
fw_deny_roots(const struct fw_build_options *opt, struct fw_error *err)
{
	size_t i;

	for (i = 0; opt->deny != NULL && i < opt->trusts; i++) {
		FW_CLEANUP(fw_anchor_deinit) struct fw_anchor a = { 0 };

		FW_TRY(fw_anchor_load(opt->trust[i], &a, err));
		FW_TRY(fw_deny_key(opt, a.anchor.spki, a.label, err));
	}
	return FW_OK;
}

void
fw_deny_warn(const struct fw_build_options *opt, const struct fw_chain *chain)
{
	FW_CLEANUP(fw_x509_free) X509 *top = NULL;
	FW_FREE char *subject = NULL;
	char text[FW_ERROR_TEXT_MAX];
	struct fw_error ignored;

	if (opt->deny == NULL || opt->trusts > 0 || chain->root.n > 0 ||
	    chain->n == 0 || opt->key.warn == NULL ||
	    fw_x509_read(fw_buf_span(&chain->cert[chain->n - 1]), &top,
	    &ignored) != FW_OK || subject_of(top, &subject, &ignored) != FW_OK)
		return;
	(void)snprintf(text, sizeof text, "the root above '%s' is not known "
	    "and was not looked up in '%s' (name it with --trust, or put it "
	    "at the end of the chain)", subject, opt->deny->path);
	opt->key.warn(opt->key.warn_ctx, text);
}

/* The certificates of a block, whose signature is judged elsewhere. */
enum fw_kind
fw_deny_block(const struct fw_build_options *opt, struct fwd_span block,
    struct fw_error *err)
{
	struct fwd_cose cose;
	const fwd_status s = fwd_cose_read(block, &cose);
	size_t i;

	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "%s", fwd_status_text(s));
	if (cose.certs == 0 && opt->deny != NULL)
		return fw_fail(err, FW_E_REFUSED, "it names no certificate, so "
		    "that its key cannot be looked up in '%s'",
		    opt->deny->path);
	for (i = 0; i < cose.certs; i++)
		FW_TRY(fw_deny_cert(opt, cose.cert[i], err));
	return FW_OK;
}
