/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 7512 URIs.  p11-kit's own parser is lax: it loses what follows an empty
 * attribute, drops spaces, lets the last of two attributes win and takes a
 * fragment for a value.  A key chosen by what is left of a URI may be the wrong
 * one, so the whole is judged here, and p11-kit is given only a path that was
 * found good.  The query is decoded here, which keeps a PIN out of p11-kit's
 * memory.
 */
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "host/cert.h"
#include "host/internal.h"
#include "host/p11uri.h"

#define SCHEME "pkcs11:"
#define URI_MAX 4096u

enum kind { TEXT, BYTES, TYPE, VERSION, NUMBER };

enum attr {
	TOKEN, MANUFACTURER, SERIAL, MODEL, LIB_MANUFACTURER, LIB_DESCRIPTION,
	LIB_VERSION, OBJECT, OBJECT_TYPE, ID, SLOT_DESCRIPTION,
	SLOT_MANUFACTURER, SLOT_ID, PIN_SOURCE, PIN_VALUE, MODULE_NAME,
	MODULE_PATH,
	NATTRS
};

/* max: what the field of the PKCS #11 structure holds, or a sane limit. */
static const struct {
	const char *name;
	bool query;
	enum kind kind;
	size_t max;
} attrs[NATTRS] = {
	[TOKEN] = { "token", false, TEXT, 32 },
	[MANUFACTURER] = { "manufacturer", false, TEXT, 32 },
	[SERIAL] = { "serial", false, TEXT, 16 },
	[MODEL] = { "model", false, TEXT, 16 },
	[LIB_MANUFACTURER] = { "library-manufacturer", false, TEXT, 32 },
	[LIB_DESCRIPTION] = { "library-description", false, TEXT, 32 },
	[LIB_VERSION] = { "library-version", false, VERSION, 7 },
	[OBJECT] = { "object", false, TEXT, 1024 },
	[OBJECT_TYPE] = { "type", false, TYPE, 16 },
	[ID] = { "id", false, BYTES, 1024 },
	[SLOT_DESCRIPTION] = { "slot-description", false, TEXT, 64 },
	[SLOT_MANUFACTURER] = { "slot-manufacturer", false, TEXT, 32 },
	[SLOT_ID] = { "slot-id", false, NUMBER, 10 },
	[PIN_SOURCE] = { "pin-source", true, TEXT, URI_MAX },
	[PIN_VALUE] = { "pin-value", true, TEXT, 255 },
	[MODULE_NAME] = { "module-name", true, TEXT, 255 },
	[MODULE_PATH] = { "module-path", true, TEXT, URI_MAX },
};

/* One attribute, its value decoded. */
struct value {
	char *p;
	size_t n;
};
struct values {
	struct value v[NATTRS];
};

static void
values_deinit(struct values *vs)
{
	size_t i;

	for (i = 0; i < NATTRS; i++) {
		if (vs->v[i].p != NULL)
			OPENSSL_cleanse(vs->v[i].p, vs->v[i].n);
		free(vs->v[i].p);
	}
	*vs = (struct values){ 0 };
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum fw_kind
fw_percent_decode(const char *text, size_t n, char **out, size_t *len,
    struct fw_error *err)
{
	char *const p = malloc(n + 1);
	size_t i, o = 0;

	if (p == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = 0; i < n; i++) {
		if (text[i] != '%') {
			p[o++] = text[i];
			continue;
		}
		if (n - i < 3 || hex(text[i + 1]) < 0 ||
		    hex(text[i + 2]) < 0) {
			OPENSSL_cleanse(p, n + 1);
			free(p);
			return fw_fail(err, FW_E_INPUT, "a '%%' is not "
			    "followed by two hexadecimal digits");
		}
		p[o++] = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
		i += 2;
	}
	p[o] = '\0';
	*out = p;
	*len = o;
	return FW_OK;
}

bool
fw_p11_uri_is(const char *text)
{
	return strncasecmp(text, SCHEME, sizeof SCHEME - 1) == 0;
}

/* pk11-pchar and pk11-qchar of RFC 7512, '%' included. */
static bool
allowed(char c, bool query)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9'))
		return true;
	return c != '\0' && strchr(query ? "-._~:[]@!$'()*+,=/?|%" :
	    "-._~:[]@!$'()*+,=&%", c) != NULL;
}

static enum fw_kind
check_characters(const char *text, size_t n, bool query, size_t at,
    struct fw_error *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (allowed(text[i], query))
			continue;
		/* Only the place: it may be in the middle of a PIN. */
		if (text[i] == '#')
			return fw_fail(err, FW_E_INPUT, "character %zu is a "
			    "'#' (write %%23; a fragment is not allowed)",
			    at + i + 1);
		return fw_fail(err, FW_E_INPUT, "character %zu is not allowed "
		    "there (write %%%02X)", at + i + 1,
		    (unsigned)(unsigned char)text[i]);
	}
	return FW_OK;
}

static bool
is_digits(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return n > 0;
}

/* 1*DIGIT [ "." 1*DIGIT ], each of which fits a byte. */
static bool
is_version(const char *p, size_t n)
{
	const char *const dot = memchr(p, '.', n);
	const size_t major = dot ? (size_t)(dot - p) : n;

	if (!is_digits(p, major) || major > 3 || atoi(p) > 255)
		return false;
	return dot == NULL || (is_digits(dot + 1, n - major - 1) &&
	    n - major - 1 <= 3 && atoi(dot + 1) <= 255);
}

static enum fw_kind
check_value(enum attr a, const struct value *v, struct fw_error *err)
{
	const char *const name = attrs[a].name;

	if (v->n == 0)
		return fw_fail(err, FW_E_INPUT, "attribute '%s' is empty%s",
		    name, attrs[a].query ? "" : " (leave it out to match any)");
	if (v->n > attrs[a].max)
		return fw_fail(err, FW_E_INPUT, "attribute '%s' is longer than "
		    "%zu bytes, which none can be", name, attrs[a].max);
	switch (attrs[a].kind) {
	case BYTES:
		return FW_OK;
	case TYPE:
		if (strcmp(v->p, "private") == 0)
			return FW_OK;
		return fw_fail(err, FW_E_INPUT, "attribute 'type' is not "
		    "'private' (only a private key can sign)");
	case VERSION:
		return is_version(v->p, v->n) ? FW_OK :
		    fw_fail(err, FW_E_INPUT, "attribute '%s' is no version "
		    "number like 2.4", name);
	case NUMBER:
		return is_digits(v->p, v->n) ? FW_OK :
		    fw_fail(err, FW_E_INPUT, "attribute '%s' is no number",
		    name);
	default:
		break;
	}
	/* What a terminal cannot show cannot be a name a person chose. */
	if (a != PIN_VALUE && !fw_text_is_plain(v->p, v->n))
		return fw_fail(err, FW_E_INPUT, "attribute '%s' is not plain "
		    "UTF-8 text", name);
	if (strlen(v->p) != v->n)
		return fw_fail(err, FW_E_INPUT, "attribute '%s' has a NUL in "
		    "it", name);
	return FW_OK;
}

static enum fw_kind
find_attr(const char *name, size_t n, bool query, enum attr *out,
    struct fw_error *err)
{
	enum attr a;

	for (a = 0; a < NATTRS; a++) {
		if (strlen(attrs[a].name) != n ||
		    memcmp(attrs[a].name, name, n) != 0)
			continue;
		*out = a;
		if (attrs[a].query == query)
			return FW_OK;
		return fw_fail(err, FW_E_INPUT, "attribute '%s' belongs %s "
		    "the '?'", attrs[a].name, query ? "before" : "after");
	}
	return fw_fail(err, FW_E_INPUT, "unknown attribute '%.*s'",
	    n > 64 ? 64 : (int)n, name);
}

/* The scanner's place in the URI. */
struct scan {
	const char *text;		/* all of it, for places */
	bool query;
	struct values *vs;
};

static enum fw_kind
one_attr(const struct scan *s, const char *p, size_t n, struct fw_error *err)
{
	const size_t at = (size_t)(p - s->text);
	const char *const eq = memchr(p, '=', n);
	enum attr a = NATTRS;
	struct value *v;
	size_t name_n;

	if (n == 0)
		return fw_fail(err, FW_E_INPUT, "there is an empty attribute "
		    "at character %zu", at + 1);
	name_n = eq ? (size_t)(eq - p) : 0;
	if (name_n == 0) {
		FW_TRY(check_characters(p, n, s->query, at, err));
		return fw_fail(err, FW_E_INPUT, "the attribute at character "
		    "%zu has no %s", at + 1, eq ? "name" : "'='");
	}
	/* Names are not shown that may be the rest of a PIN with an '&'. */
	if (find_attr(p, name_n, s->query, &a, err) != FW_OK)
		return s->vs->v[PIN_VALUE].p == NULL ? err->kind :
		    fw_fail(err, FW_E_INPUT, "the attribute at character %zu "
		    "is unknown (write %%26 for an '&' in a PIN)", at + 1);
	FW_TRY(check_characters(p, n, s->query, at, err));
	v = &s->vs->v[a];
	if (v->p != NULL)
		return fw_fail(err, FW_E_INPUT, "attribute '%s' is given twice",
		    attrs[a].name);
	if (fw_percent_decode(eq + 1, n - name_n - 1, &v->p, &v->n, err) !=
	    FW_OK)
		return fw_wrap(err, "attribute '%s'", attrs[a].name);
	return check_value(a, v, err);
}

/* Attributes with a delimiter between; none at all is allowed. */
static enum fw_kind
all_attrs(const struct scan *s, const char *p, size_t n, char delimiter,
    struct fw_error *err)
{
	const char *const end = p + n;
	const char *next;

	if (n == 0)
		return FW_OK;
	for (;; p = next + 1) {
		next = memchr(p, delimiter, (size_t)(end - p));
		FW_TRY(one_attr(s, p, (size_t)((next ? next : end) - p), err));
		if (next == NULL)
			return FW_OK;
	}
}

/* Let p11-kit read the path, and see that it saw what we saw. */
static enum fw_kind
to_p11kit(const char *path, size_t n, const struct values *vs,
    P11KitUri **out, struct fw_error *err)
{
	FW_FREE char *text = NULL;
	P11KitUri *const uri = p11_kit_uri_new();
	const CK_ATTRIBUTE *id, *label;
	int rc;

	if (uri == NULL || asprintf(&text, SCHEME "%.*s", (int)n, path) < 0) {
		text = NULL;
		p11_kit_uri_free(uri);
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	rc = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri);
	id = p11_kit_uri_get_attribute(uri, CKA_ID);
	label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
	if (rc == P11_KIT_URI_OK && !p11_kit_uri_any_unrecognized(uri) &&
	    (id != NULL) == (vs->v[ID].p != NULL) &&
	    (label != NULL) == (vs->v[OBJECT].p != NULL) &&
	    (id == NULL || id->ulValueLen == vs->v[ID].n) &&
	    (label == NULL || label->ulValueLen == vs->v[OBJECT].n)) {
		*out = uri;
		return FW_OK;
	}
	p11_kit_uri_free(uri);
	return fw_fail(err, FW_E_INPUT, "p11-kit does not read it: %s",
	    rc == P11_KIT_URI_OK ? "attributes were lost" :
	    p11_kit_uri_message(rc));
}

static enum fw_kind
check_query(const struct values *vs, struct fw_error *err)
{
	if (vs->v[PIN_SOURCE].p != NULL && vs->v[PIN_VALUE].p != NULL)
		return fw_fail(err, FW_E_INPUT, "both 'pin-source' and "
		    "'pin-value' are given (give one)");
	if (vs->v[MODULE_PATH].p != NULL && vs->v[MODULE_NAME].p != NULL)
		return fw_fail(err, FW_E_INPUT, "both 'module-path' and "
		    "'module-name' are given (give one)");
	if (vs->v[MODULE_PATH].p != NULL && vs->v[MODULE_PATH].p[0] != '/')
		return fw_fail(err, FW_E_INPUT, "'module-path' is not an "
		    "absolute path");
	return FW_OK;
}

/* Hand a decoded value over. */
static char *
take(struct values *vs, enum attr a)
{
	char *const p = vs->v[a].p;

	vs->v[a] = (struct value){ 0 };
	return p;
}

static enum fw_kind
parse(const char *text, struct fw_p11_uri *out, struct fw_error *err)
{
	FW_CLEANUP(values_deinit) struct values vs = { 0 };
	struct scan s = { .text = text, .vs = &vs };
	const char *path, *query;
	size_t path_n;

	if (!fw_p11_uri_is(text))
		return fw_fail(err, FW_E_INPUT,
		    "it does not begin with 'pkcs11:'");
	if (strlen(text) > URI_MAX)
		return fw_fail(err, FW_E_INPUT, "it is longer than %u "
		    "characters", URI_MAX);
	path = text + sizeof SCHEME - 1;
	query = strchr(path, '?');
	path_n = query ? (size_t)(query - path) : strlen(path);
	FW_TRY(all_attrs(&s, path, path_n, ';', err));
	s.query = true;
	if (query != NULL)
		FW_TRY(all_attrs(&s, query + 1, strlen(query + 1), '&', err));
	FW_TRY(check_query(&vs, err));
	FW_TRY(to_p11kit(path, path_n, &vs, &out->match, err));
	out->module_path = take(&vs, MODULE_PATH);
	out->module_name = take(&vs, MODULE_NAME);
	out->pin_source = take(&vs, PIN_SOURCE);
	out->pin_value = take(&vs, PIN_VALUE);
	return FW_OK;
}

enum fw_kind
fw_p11_uri_parse(const char *text, struct fw_p11_uri *out,
    struct fw_error *err)
{
	struct fw_p11_uri uri = { 0 };

	if (parse(text, &uri, err) != FW_OK)
		return fw_wrap(err, "malformed key URI");
	*out = uri;
	return FW_OK;
}

void
fw_p11_uri_deinit(struct fw_p11_uri *uri)
{
	p11_kit_uri_free(uri->match);
	free(uri->module_path);
	free(uri->module_name);
	free(uri->pin_source);
	if (uri->pin_value != NULL)
		OPENSSL_cleanse(uri->pin_value, strlen(uri->pin_value));
	free(uri->pin_value);
	*uri = (struct fw_p11_uri){ 0 };
}
