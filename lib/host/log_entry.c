/* SPDX-License-Identifier: Apache-2.0 */
/* What the signing log says of a signature: who, what, and with what. */
#include <openssl/x509.h>
#include <string.h>

#include "host/describe.h"
#include "host/log_internal.h"

enum { TEXT_MODEL = 2, TEXT_VERSION = 6 };

static void
x509_free(X509 **x)
{
	X509_free(*x);
}

static void
der_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

/* ---- who, and with what --------------------------------------------- */

static enum fw_kind
issuer_name(struct fwd_span der, char **out, struct fw_error *err)
{
	const unsigned char *p = der.p;
	FW_CLEANUP(x509_free) X509 *x = d2i_X509(NULL, &p, (long)der.n);
	FW_CLEANUP(der_free) unsigned char *name = NULL;
	int n = -1;

	if (x != NULL)
		n = i2d_X509_NAME(X509_get_issuer_name(x), &name);
	if (n < 0)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the issuer of the certificate");
	return fw_name_format((struct fwd_span){ name, (size_t)n }, out, err);
}

static enum fw_kind
certificate(const struct fw_signer *s, json_t **out, struct fw_error *err)
{
	const struct fwd_span leaf = fw_buf_span(&s->chain.cert[0]);
	FW_FREE char *issuer = NULL;
	fw_log_hex hash;

	FW_TRY(issuer_name(leaf, &issuer, err));
	FW_TRY(fw_log_hash(leaf, hash, err));
	*out = json_pack("{s:o, s:s, s:s, s:o}", "issuer",
	    fw_json_printable(issuer), "serial", s->serial, "sha256", hash,
	    "subject", fw_json_printable(s->subject));
	return FW_OK;			/* NULL: seen by who asks */
}

static json_t *
token(const struct fw_key_token *t)
{
	if (t->label[0] == '\0' && t->serial[0] == '\0' &&
	    t->model[0] == '\0' && t->manufacturer[0] == '\0')
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s}", "label", t->label,
	    "manufacturer", t->manufacturer, "model", t->model, "serial",
	    t->serial);
}

enum fw_kind
fw_log_who(json_t *to, const struct fw_signer *s, struct fw_error *err)
{
	struct fw_key_token where;
	json_t *cert = NULL;
	int rc = 0;

	fw_key_token(s->key, &where);
	/* The key may have signed another bundle since. */
	if (s->mechanism != NULL)
		where.mechanism = s->mechanism;
	FW_TRY(certificate(s, &cert, err));
	rc |= json_object_set_new(to, "certificate", cert);
	rc |= json_object_set_new(to, "algorithm",
	    json_string(fwd_alg_name(s->alg)));
	rc |= json_object_set_new(to, "key",
	    fw_json_printable(fw_key_label(s->key)));
	rc |= json_object_set_new(to, "mechanism", where.mechanism != NULL ?
	    json_string(where.mechanism) : json_null());
	rc |= json_object_set_new(to, "token", token(&where));
	if (rc != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

/* ---- what ----------------------------------------------------------- */

static json_t *
maybe(const char *text)
{
	return text != NULL ? fw_json_printable(text) : json_null();
}

/* As all reports have it: digits where readers of JSON would lose some. */
static json_t *
number(uint64_t v)
{
	char digits[24];

	if (v <= INT64_MAX)
		return json_integer((json_int_t)v);
	(void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
	return json_string(digits);
}

static json_t *
digest(int32_t alg, const uint8_t *p)
{
	char text[16 + 2 * FWD_DIGEST_MAX];
	int n = snprintf(text, 16, "%s:", fwd_alg_name(alg));
	size_t i;

	for (i = 0; i < fwd_digest_size(alg); i++)
		n += snprintf(text + n, 3, "%02x", p[i]);
	return json_string(text);
}

enum fw_kind
fw_log_entry(const struct fw_log_signature *s, json_t **out,
    struct fw_error *err)
{
	FW_JSON json_t *o = json_pack("{s:s}", "type", "signature");
	fw_log_hex hash;
	int rc = 0;

	if (o == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fw_log_who(o, s->signer, err));
	FW_TRY(fw_log_hash(s->signature, hash, err));
	rc |= json_object_set_new(o, "signature-sha256", json_string(hash));
	rc |= json_object_set_new(o, "bundle", maybe(s->bundle));
	rc |= json_object_set_new(o, "product", maybe(s->product));
	rc |= json_object_set_new(o, "version", maybe(s->version));
	rc |= json_object_set_new(o, "sequence-number",
	    number(s->sequence_number));
	rc |= json_object_set_new(o, "manifest-digest",
	    digest(s->digest_alg, s->manifest_digest));
	if (rc != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*out = o;
	o = NULL;
	return FW_OK;
}

/* ---- what a manifest says it is ------------------------------------- */

void
fw_about_deinit(struct fw_about *a)
{
	free(a->product);
	free(a->version);
	*a = (struct fw_about){ 0 };
}

/* A text of a component in a language map, or nothing. */
static bool
find_in_component(struct fwd_cbor c, int64_t want, struct fwd_span *out)
{
	struct fwd_cbor_map map;
	int64_t key;

	if (fwd_cbor_map(&c, &map) != FWD_OK)
		return false;
	while (map.left > 0) {
		if (fwd_cbor_key(&c, &map) != FWD_OK ||
		    fwd_cbor_int(&c, &key) != FWD_OK)
			return false;
		if (key == want)
			return fwd_cbor_text(&c, out) == FWD_OK;
		if (fwd_cbor_skip(&c, NULL) != FWD_OK)
			return false;
	}
	return false;
}

static bool
find_in_language(struct fwd_cbor c, struct fwd_span component, int64_t want,
    struct fwd_span *out)
{
	struct fwd_cbor_map map;
	struct fwd_span key;

	if (fwd_cbor_map(&c, &map) != FWD_OK)
		return false;
	while (map.left > 0) {
		if (fwd_cbor_key(&c, &map) != FWD_OK ||
		    fwd_cbor_skip(&c, &key) != FWD_OK)
			return false;
		if (fwd_span_equal(key, component))
			return find_in_component(c, want, out);
		if (fwd_cbor_skip(&c, NULL) != FWD_OK)
			return false;
	}
	return false;
}

/* In the first language that has it. */
static enum fw_kind
find(struct fwd_span text, struct fwd_span component, int64_t want,
    char **out, struct fw_error *err)
{
	struct fwd_cbor c = fwd_cbor_open(text);
	struct fwd_cbor_map map;
	struct fwd_span found;

	if (fwd_cbor_map(&c, &map) != FWD_OK)
		return FW_OK;
	while (map.left > 0) {
		if (fwd_cbor_key(&c, &map) != FWD_OK ||
		    fwd_cbor_skip(&c, NULL) != FWD_OK)
			return FW_OK;
		if (find_in_language(c, component, want, &found)) {
			*out = strndup((const char *)found.p, found.n);
			return *out != NULL ? FW_OK :
			    fw_fail(err, FW_E_NOMEM, "out of memory");
		}
		if (fwd_cbor_skip(&c, NULL) != FWD_OK)
			return FW_OK;
	}
	return FW_OK;
}

/* Does the manifest vouch for the text that lies in the envelope? */
static enum fw_kind
text_holds(const struct fwd_section *text, struct fw_error *err)
{
	uint8_t got[FWD_DIGEST_MAX];

	if (text->digest.alg == 0)
		return FW_OK;		/* it is in the manifest */
	FW_TRY(fw_digest((int32_t)text->digest.alg, text->bstr, got, err));
	if (memcmp(got, text->digest.bytes.p, text->digest.bytes.n) != 0)
		return fw_fail(err, FW_E_REFUSED, "%s",
		    fwd_status_text(FWD_E_SEVERED));
	return FW_OK;
}

enum fw_kind
fw_about_read(const struct fwd_envelope *env, struct fw_about *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_about_deinit) struct fw_about a = { 0 };
	struct fwd_manifest man;
	struct fwd_span first;
	struct fwd_cbor ids;
	fwd_status s;

	s = fwd_manifest_read(env, &man);
	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "the manifest: %s",
		    fwd_status_text(s));
	a.sequence_number = man.sequence_number;
	ids = fwd_cbor_open(man.components);
	if (man.text.content.p != NULL &&
	    fwd_cbor_skip(&ids, &first) == FWD_OK) {
		FW_TRY(text_holds(&man.text, err));
		FW_TRY(find(man.text.content, first, TEXT_MODEL, &a.product,
		    err));
		FW_TRY(find(man.text.content, first, TEXT_VERSION, &a.version,
		    err));
	}
	*out = a;
	a = (struct fw_about){ 0 };
	return FW_OK;
}
