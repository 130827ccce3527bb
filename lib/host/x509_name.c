/* SPDX-License-Identifier: Apache-2.0 */
/* Names from text, and key identifiers. */
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "host/cert.h"
#include "host/internal.h"
#include "host/x509.h"

enum { PARTS_MAX = 16, VALUE_MAX = 256 };

static void
name_free(X509_NAME **name)
{
	X509_NAME_free(*name);
}

static void
pubkey_free(X509_PUBKEY **key)
{
	X509_PUBKEY_free(*key);
}

static void
der_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

enum fw_kind
fw_x509_keyid(struct fwd_span spki, uint8_t out[FW_KEYID_SIZE],
    struct fw_error *err)
{
	FW_CLEANUP(pubkey_free) X509_PUBKEY *key = NULL;
	const unsigned char *p = spki.p, *bits = NULL;
	uint8_t digest[FWD_DIGEST_MAX];
	int n = 0;

	if (spki.n > 0 && spki.n < 65536)
		key = d2i_X509_PUBKEY(NULL, &p, (long)spki.n);
	if (key == NULL || X509_PUBKEY_get0_param(NULL, &bits, &n, NULL,
	    key) != 1 || n <= 0)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read the public key");
	FW_TRY(fw_digest(FWD_SHA256, (struct fwd_span){ bits, (size_t)n },
	    digest, err));
	memcpy(out, digest, FW_KEYID_SIZE);
	return FW_OK;
}

/* ---- names -------------------------------------------------------- */

/* Those that fw_name_format() shows by name, and people use. */
static const struct {
	const char *name;
	int nid;
	bool once;
} types[] = {
	{ "CN", NID_commonName, true },
	{ "O", NID_organizationName, true },
	{ "OU", NID_organizationalUnitName, false },
	{ "C", NID_countryName, true },
	{ "ST", NID_stateOrProvinceName, true },
	{ "L", NID_localityName, true },
	{ "DC", NID_domainComponent, false },
	{ "UID", NID_userId, true },
	{ "serialNumber", NID_serialNumber, true },
};
enum { NTYPES = sizeof types / sizeof types[0] };

struct part {
	size_t type;
	char value[VALUE_MAX];
	size_t n;
};

struct parts {
	struct part part[PARTS_MAX];
	size_t n;
};

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What stands behind a backslash; *at is left behind it. */
static bool
escaped(const char **at, char *out)
{
	const char *const p = *at;

	if (*p != '\0' && strchr(" ,+\"\\<>;=#", *p) != NULL) {
		*out = *p;
		*at = p + 1;
		return true;
	}
	if (hex(p[0]) < 0 || hex(p[1]) < 0)
		return false;
	*out = (char)(hex(p[0]) << 4 | hex(p[1]));
	*at = p + 2;
	return true;
}

static enum fw_kind
take_type(const char **at, struct part *part, struct fw_error *err)
{
	const char *p = *at;
	size_t n;

	p += strspn(p, " ");
	n = strcspn(p, "=,+");
	if (p[n] != '=')
		return fw_fail(err, FW_E_USAGE, "'%.*s' has no '='",
		    n > 64 ? 64 : (int)n, p);
	for (part->type = 0; part->type < NTYPES; part->type++)
		if (strlen(types[part->type].name) == n &&
		    strncasecmp(types[part->type].name, p, n) == 0)
			break;
	if (part->type == NTYPES)
		return fw_fail(err, FW_E_USAGE, "unknown attribute '%.*s' (CN, "
		    "O, OU, C, ST, L, DC, UID or serialNumber)",
		    n > 64 ? 64 : (int)n, p);
	*at = p + n + 1;
	return FW_OK;
}

/* Up to a comma or the end; spaces around a value do not belong to it. */
static enum fw_kind
take_value(const char **at, struct part *part, struct fw_error *err)
{
	const char *p = *at + strspn(*at, " ");
	size_t kept = 0;
	char c;

	for (part->n = 0; *p != '\0' && *p != ',';) {
		c = *p++;
		if (c == '\\') {
			if (!escaped(&p, &c))
				return fw_fail(err, FW_E_USAGE, "a '\\' is "
				    "followed by nothing it can stand before");
			kept = part->n + 1;
		} else if (strchr("+\"<>;", c) != NULL ||
		    (c == '#' && part->n == 0)) {
			return fw_fail(err, FW_E_USAGE, "there is a '%c' "
			    "(write '\\%c' if it belongs to a value)", c, c);
		} else if (c != ' ') {
			kept = part->n + 1;
		}
		if (part->n == VALUE_MAX)
			return fw_fail(err, FW_E_USAGE, "the value of %s is "
			    "longer than %d bytes", types[part->type].name,
			    VALUE_MAX);
		part->value[part->n++] = c;
	}
	part->n = kept;
	*at = p;
	if (part->n == 0)
		return fw_fail(err, FW_E_USAGE, "%s has no value",
		    types[part->type].name);
	if (!fw_text_is_plain(part->value, part->n))
		return fw_fail(err, FW_E_USAGE, "the value of %s is not plain "
		    "UTF-8 text", types[part->type].name);
	return FW_OK;
}

static enum fw_kind
add_part(struct parts *parts, const struct part *part, struct fw_error *err)
{
	size_t i;

	for (i = 0; i < parts->n && types[part->type].once; i++)
		if (parts->part[i].type == part->type)
			return fw_fail(err, FW_E_USAGE, "%s is there twice",
			    types[part->type].name);
	if (parts->n == PARTS_MAX)
		return fw_fail(err, FW_E_USAGE, "there are more than %d parts",
		    PARTS_MAX);
	parts->part[parts->n++] = *part;
	return FW_OK;
}

static enum fw_kind
take_parts(const char *text, struct parts *parts, struct fw_error *err)
{
	struct part part;
	size_t i;

	for (;;) {
		FW_TRY(take_type(&text, &part, err));
		FW_TRY(take_value(&text, &part, err));
		FW_TRY(add_part(parts, &part, err));
		if (*text == '\0')
			break;
		text++;			/* the comma */
	}
	for (i = 0; i < parts->n; i++)
		if (types[parts->part[i].type].nid == NID_commonName)
			return FW_OK;
	return fw_fail(err, FW_E_USAGE, "there is no CN (it is what people "
	    "know a certificate by)");
}

/* The encoding has the most general part first. */
static enum fw_kind
encode(const struct parts *parts, struct fw_buf *out, struct fw_error *err)
{
	FW_CLEANUP(name_free) X509_NAME *name = X509_NAME_new();
	FW_CLEANUP(der_free) unsigned char *der = NULL;
	const struct part *part;
	size_t i;
	int n;

	if (name == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = parts->n; i-- > 0;) {
		part = &parts->part[i];
		if (X509_NAME_add_entry_by_NID(name, types[part->type].nid,
		    MBSTRING_UTF8, (const unsigned char *)part->value,
		    (int)part->n, -1, 0) != 1)
			return fw_fail_ssl(err, FW_E_USAGE, "%s cannot be "
			    "'%.*s'", types[part->type].name, (int)part->n,
			    part->value);
	}
	n = i2d_X509_NAME(name, &der);
	if (n <= 0)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot encode a name");
	return fw_buf_add(out, der, (size_t)n, err);
}

enum fw_kind
fw_name_parse(const char *text, struct fw_buf *out, struct fw_error *err)
{
	FW_FREE struct parts *parts = calloc(1, sizeof *parts);

	if (parts == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (take_parts(text, parts, err) != FW_OK ||
	    encode(parts, out, err) != FW_OK)
		return fw_wrap(err, "the name '%s'", text);
	return FW_OK;
}
