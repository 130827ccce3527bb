/* SPDX-License-Identifier: Apache-2.0 */
/* Objects on a token: searching, reading, and choosing the one key. */
#include <stdio.h>
#include <string.h>

#include "host/cert.h"
#include "host/p11.h"

#define OBJECTS_MAX 4096u
#define ATTRIBUTE_MAX 65536u
#define LISTED_MAX 8u

void
fw_p11_list_deinit(struct fw_p11_list *l)
{
	free(l->h);
	*l = (struct fw_p11_list){ 0 };
}

static enum fw_kind
list_add(struct fw_p11_list *l, const CK_OBJECT_HANDLE *h, size_t n,
    struct fw_error *err)
{
	CK_OBJECT_HANDLE *more;

	if (n > OBJECTS_MAX - l->n)
		return fw_fail(err, FW_E_KEY, "there are more than %u objects "
		    "on the token", OBJECTS_MAX);
	more = reallocarray(l->h, l->n + n, sizeof *h);
	if (more == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	memcpy(more + l->n, h, n * sizeof *h);
	l->h = more;
	l->n += n;
	return FW_OK;
}

static enum fw_kind
collect(struct fw_p11 *p, struct fw_p11_list *l, struct fw_error *err)
{
	CK_OBJECT_HANDLE h[64];
	CK_ULONG n;
	CK_RV rv;

	for (;;) {
		n = 0;
		rv = FW_P11_CALL(p, C_FindObjects, p->session, h, 64, &n);
		if (rv != CKR_OK)
			return fw_p11_fail(err, "C_FindObjects", rv);
		if (n == 0)
			return FW_OK;
		if (n > 64)
			return fw_p11_fail(err, "C_FindObjects",
			    CKR_BUFFER_TOO_SMALL);
		FW_TRY(list_add(l, h, n, err));
	}
}

enum fw_kind
fw_p11_find(struct fw_p11 *p, CK_ATTRIBUTE *like, size_t n,
    struct fw_p11_list *out, struct fw_error *err)
{
	FW_CLEANUP(fw_p11_list_deinit) struct fw_p11_list l = { 0 };
	enum fw_kind kind;
	CK_RV rv;

	rv = FW_P11_CALL(p, C_FindObjectsInit, p->session, like, n);
	if (rv != CKR_OK)
		return fw_p11_fail(err, "C_FindObjectsInit", rv);
	kind = collect(p, &l, err);
	rv = FW_P11_CALL(p, C_FindObjectsFinal, p->session);
	if (kind != FW_OK)
		return kind;
	if (rv != CKR_OK)
		return fw_p11_fail(err, "C_FindObjectsFinal", rv);
	*out = l;
	l = (struct fw_p11_list){ 0 };
	return FW_OK;
}

enum fw_kind
fw_p11_attr(struct fw_p11 *p, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, struct fw_buf *out, struct fw_error *err)
{
	FW_FREE uint8_t *value = NULL;
	CK_ATTRIBUTE a = { type, NULL, 0 };
	CK_RV rv;

	rv = FW_P11_CALL(p, C_GetAttributeValue, p->session, object, &a, 1);
	/* Which of these says "none" differs from module to module. */
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
	    rv == CKR_ATTRIBUTE_VALUE_INVALID || (rv == CKR_OK &&
	    (a.ulValueLen == CK_UNAVAILABLE_INFORMATION || a.ulValueLen == 0)))
		return FW_OK;
	if (rv != CKR_OK)
		return fw_p11_fail(err, "C_GetAttributeValue", rv);
	if (a.ulValueLen > ATTRIBUTE_MAX)
		return fw_fail(err, FW_E_KEY, "attribute 0x%lx of an object is "
		    "longer than %u bytes", type, ATTRIBUTE_MAX);
	value = calloc(1, a.ulValueLen);
	if (value == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	a.pValue = value;
	rv = FW_P11_CALL(p, C_GetAttributeValue, p->session, object, &a, 1);
	if (rv != CKR_OK)
		return fw_p11_fail(err, "C_GetAttributeValue", rv);
	if (a.ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return FW_OK;
	return fw_buf_add(out, value, a.ulValueLen, err);
}

enum fw_kind
fw_p11_number(struct fw_p11 *p, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, CK_ULONG missing, CK_ULONG *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };

	FW_TRY(fw_p11_attr(p, object, type, &b, err));
	*out = missing;
	if (b.n == sizeof *out)
		memcpy(out, b.p, b.n);
	else if (b.n == sizeof(CK_BBOOL))
		*out = b.p[0] != CK_FALSE;
	return FW_OK;
}

/* ---- choosing ----------------------------------------------------------- */

/* Private keys with these attributes, taken from a URI. */
static enum fw_kind
find_private(struct fw_p11 *p, const CK_ATTRIBUTE *id,
    const CK_ATTRIBUTE *label, struct fw_p11_list *out, struct fw_error *err)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE like[3] = { { CKA_CLASS, &class, sizeof class } };
	size_t n = 1;

	if (id != NULL)
		like[n++] = *id;
	if (label != NULL)
		like[n++] = *label;
	return fw_p11_find(p, like, n, out, err);
}

/* One key by the attributes that a URI names it with; the id in hexadecimal,
   as other tools show it. */
static enum fw_kind
describe(struct fw_p11 *p, CK_OBJECT_HANDLE object, char *out, size_t room,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf label = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf id = { 0 };
	size_t i, at = 0;

	FW_TRY(fw_p11_attr(p, object, CKA_LABEL, &label, err));
	FW_TRY(fw_p11_attr(p, object, CKA_ID, &id, err));
	out[0] = '\0';
	if (label.n > 0 && label.n < room / 2 &&
	    fw_text_is_plain(label.p, label.n))
		at = (size_t)snprintf(out, room, "object '%.*s'%s",
		    (int)label.n, (const char *)label.p, id.n ? " " : "");
	if (id.n > 0)
		at += (size_t)snprintf(out + at, room - at, "id ");
	for (i = 0; i < id.n && room - at > 4; i++)
		at += (size_t)snprintf(out + at, room - at, "%02x",
		    id.p[i]);
	if (at == 0)
		(void)snprintf(out, room, "one without label and id");
	return FW_OK;
}

static enum fw_kind
describe_all(struct fw_p11 *p, const struct fw_p11_list *l, char *out,
    size_t room, struct fw_error *err)
{
	char one[160];
	size_t i, at = 0;

	out[0] = '\0';
	for (i = 0; i < l->n && i < LISTED_MAX && at + 4 < room; i++) {
		FW_TRY(describe(p, l->h[i], one, sizeof one, err));
		at += (size_t)snprintf(out + at, room - at, "%s%s",
		    i ? ", " : "", one);
	}
	if (i < l->n && at + 6 < room)
		(void)snprintf(out + at, room - at, ", ...");
	return FW_OK;
}

/*
 * Tools that import a key with its certificate often label the certificate
 * only: take the CKA_ID of the certificates of that label, if it is one.
 */
static enum fw_kind
id_by_certificate(struct fw_p11 *p, const CK_ATTRIBUTE *label,
    struct fw_buf *id, struct fw_error *err)
{
	FW_CLEANUP(fw_p11_list_deinit) struct fw_p11_list l = { 0 };
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE like[] = { { CKA_CLASS, &class, sizeof class }, *label };
	size_t i;

	FW_TRY(fw_p11_find(p, like, 2, &l, err));
	for (i = 0; i < l.n; i++) {
		FW_CLEANUP(fw_buf_deinit) struct fw_buf one = { 0 };

		FW_TRY(fw_p11_attr(p, l.h[i], CKA_ID, &one, err));
		if (one.n == 0)
			continue;
		if (id->n == 0)
			FW_TRY(fw_buf_add(id, one.p, one.n, err));
		else if (id->n != one.n || memcmp(id->p, one.p, one.n) != 0)
			return fw_fail(err, FW_E_KEY, "no private key has the "
			    "label, and certificates with several ids have it "
			    "(add id= to the key URI)");
	}
	return FW_OK;
}

static enum fw_kind
find_by_certificate(struct fw_p11 *p, const CK_ATTRIBUTE *id,
    const CK_ATTRIBUTE *label, struct fw_p11_list *out, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf theirs = { 0 };
	CK_ATTRIBUTE a;

	if (label == NULL)
		return FW_OK;
	FW_TRY(id_by_certificate(p, label, &theirs, err));
	if (theirs.n == 0 || (id != NULL && (id->ulValueLen != theirs.n ||
	    memcmp(id->pValue, theirs.p, theirs.n) != 0)))
		return FW_OK;
	a = (CK_ATTRIBUTE){ CKA_ID, theirs.p, theirs.n };
	return find_private(p, &a, NULL, out, err);
}

static enum fw_kind
no_key(struct fw_p11 *p, struct fw_error *err)
{
	FW_CLEANUP(fw_p11_list_deinit) struct fw_p11_list all = { 0 };
	char listed[FW_ERROR_TEXT_MAX / 2];

	FW_TRY(find_private(p, NULL, NULL, &all, err));
	if (all.n == 0)
		return fw_fail(err, FW_E_KEY, "there is no private key on %s",
		    p->name);
	FW_TRY(describe_all(p, &all, listed, sizeof listed, err));
	return fw_fail(err, FW_E_KEY, "no private key on %s matches the key "
	    "URI (there is %s)", p->name, listed);
}

static enum fw_kind
choose(struct fw_p11 *p, struct fw_error *err)
{
	FW_CLEANUP(fw_p11_list_deinit) struct fw_p11_list l = { 0 };
	const CK_ATTRIBUTE *const id = p11_kit_uri_get_attribute(p->uri.match,
	    CKA_ID);
	const CK_ATTRIBUTE *const label = p11_kit_uri_get_attribute(
	    p->uri.match, CKA_LABEL);
	char listed[FW_ERROR_TEXT_MAX / 2];

	FW_TRY(find_private(p, id, label, &l, err));
	if (l.n == 0)
		FW_TRY(find_by_certificate(p, id, label, &l, err));
	if (l.n == 0)
		return no_key(p, err);
	if (l.n > 1) {
		FW_TRY(describe_all(p, &l, listed, sizeof listed, err));
		return fw_fail(err, FW_E_KEY, "%zu private keys on %s match "
		    "the key URI (make it name one of: %s)", l.n, p->name,
		    listed);
	}
	p->key = l.h[0];
	return FW_OK;
}

static enum fw_kind
key_label(struct fw_p11 *p, struct fw_key *key, struct fw_error *err)
{
	char text[160];

	FW_TRY(describe(p, p->key, text, sizeof text, err));
	if (asprintf(&key->label, "key %s on %s", text, p->name) < 0) {
		key->label = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	return FW_OK;
}

enum fw_kind
fw_p11_read_key(struct fw_p11 *p, struct fw_key *key, struct fw_error *err)
{
	CK_ULONG may_sign = CK_TRUE, always = CK_FALSE;

	FW_TRY(key_label(p, key, err));
	FW_TRY(fw_p11_number(p, p->key, CKA_KEY_TYPE,
	    CK_UNAVAILABLE_INFORMATION, &p->type, err));
	FW_TRY(fw_p11_number(p, p->key, CKA_SIGN, CK_TRUE, &may_sign, err));
	FW_TRY(fw_p11_number(p, p->key, CKA_ALWAYS_AUTHENTICATE, CK_FALSE,
	    &always, err));
	FW_TRY(fw_p11_attr(p, p->key, CKA_ID, &p->id, err));
	p->always_auth = always != CK_FALSE;
	if (may_sign == CK_FALSE)
		return fw_fail(err, FW_E_KEY, "%s may not sign (its CKA_SIGN "
		    "is false; name another key)", key->label);
	return FW_OK;
}

enum fw_kind
fw_p11_find_key(struct fw_p11 *p, struct fw_key *key, struct fw_error *err)
{
	FW_TRY(choose(p, err));
	return fw_p11_read_key(p, key, err);
}
