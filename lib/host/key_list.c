/* SPDX-License-Identifier: Apache-2.0 */
/* What is on tokens, as JSON: see schemas/keys.schema.json. */
#include <string.h>

#include "host/cert.h"
#include "host/describe_internal.h"
#include "host/p11.h"
#include "host/token.h"

static void
uri_free(P11KitUri **uri)
{
	p11_kit_uri_free(*uri);
}

/* A list under way; d is for the JSON functions. */
struct list {
	struct fw_describe d;
	json_t *tokens;
	json_t *objects;		/* of the token at hand */
	const struct fw_p11_uri *uri;
	bool login;
	bool all;			/* no URI was given */
	size_t problems;
};

/* ---- values ------------------------------------------------------- */

/* A blank-padded field. */
static json_t *
field(const unsigned char *p, size_t n)
{
	return fw_d_text((struct fwd_span){ p, p11_kit_space_strlen(p, n) });
}
#define FIELD(f) field((f), sizeof(f))

static json_t *
answer(enum fw_answer a)
{
	return a == FW_UNKNOWN ? json_null() : json_boolean(a == FW_YES);
}

static enum fw_kind
read_answer(struct fw_p11 *p, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, enum fw_answer *out, struct fw_error *err)
{
	CK_ULONG v = 0;

	FW_TRY(fw_p11_number(p, object, type, CK_UNAVAILABLE_INFORMATION, &v,
	    err));
	*out = v == CK_UNAVAILABLE_INFORMATION ? FW_UNKNOWN : v == CK_FALSE ?
	    FW_NO : FW_YES;
	return FW_OK;
}

/* ---- whether a key can leave its token ---------------------------- */

static enum fw_kind
read_guard(struct fw_p11 *p, CK_OBJECT_HANDLE object, struct fw_key_guard *g,
    struct fw_error *err)
{
	FW_TRY(read_answer(p, object, CKA_SENSITIVE, &g->sensitive, err));
	FW_TRY(read_answer(p, object, CKA_EXTRACTABLE, &g->extractable, err));
	FW_TRY(read_answer(p, object, CKA_ALWAYS_SENSITIVE,
	    &g->always_sensitive, err));
	FW_TRY(read_answer(p, object, CKA_NEVER_EXTRACTABLE,
	    &g->never_extractable, err));
	return read_answer(p, object, CKA_LOCAL, &g->local, err);
}

const char *
fw_key_export(const struct fw_key_guard *g)
{
	if (g->extractable == FW_UNKNOWN)
		return "unknown";
	if (g->extractable == FW_YES)
		return g->sensitive == FW_YES ? "wrapped" : "plain";
	return g->never_extractable == FW_YES &&
	    g->always_sensitive == FW_YES ? "never" : "no";
}

enum fw_kind
fw_key_guard(struct fw_key *key, struct fw_key_guard *out,
    struct fw_error *err)
{
	struct fw_p11 *const p = key->p11;

	if (p == NULL)
		return fw_fail(err, FW_E_KEY, "%s is not on a token",
		    key->label);
	if (p->session == CK_INVALID_HANDLE)
		FW_TRY(fw_p11_session(p, err));
	return read_guard(p, p->key, out, err);
}

/* ---- objects ------------------------------------------------------ */

static const struct {
	CK_ATTRIBUTE_TYPE type;
	const char *name;
} uses[] = {
	{ CKA_SIGN, "sign" }, { CKA_SIGN_RECOVER, "sign-recover" },
	{ CKA_VERIFY, "verify" }, { CKA_VERIFY_RECOVER, "verify-recover" },
	{ CKA_ENCRYPT, "encrypt" }, { CKA_DECRYPT, "decrypt" },
	{ CKA_WRAP, "wrap" }, { CKA_UNWRAP, "unwrap" },
	{ CKA_DERIVE, "derive" },
};
enum { NUSES = sizeof uses / sizeof uses[0] };

static enum fw_kind
add_uses(struct list *l, json_t *o, struct fw_p11 *p, CK_OBJECT_HANDLE object,
    struct fw_error *err)
{
	json_t *const may = fw_d_list(&l->d, o, "may");
	CK_ULONG v;
	size_t i;

	for (i = 0; i < NUSES; i++) {
		FW_TRY(fw_p11_number(p, object, uses[i].type, CK_FALSE, &v,
		    err));
		if (v != CK_FALSE)
			fw_d_add(&l->d, may, json_string(uses[i].name));
	}
	return FW_OK;
}

static json_t *
rsa_type(const struct fw_buf *modulus, CK_ULONG bits)
{
	size_t i = 0, n = modulus->n;
	unsigned top;

	while (i < n && modulus->p[i] == 0)
		i++;
	if (i < n) {
		top = modulus->p[i];
		for (bits = 8 * (n - i); (top & 0x80) == 0; top <<= 1)
			bits--;
	}
	return bits == 0 ? json_string("RSA") :
	    json_sprintf("RSA-%lu", bits);
}

/* As generate takes it, where it can. */
static enum fw_kind
add_type(struct list *l, json_t *o, struct fw_p11 *p, CK_OBJECT_HANDLE object,
    struct fw_error *err)
{
	static const char *const names[] = { [FWD_KEY_P256] = "P-256",
	    [FWD_KEY_P384] = "P-384", [FWD_KEY_P521] = "P-521",
	    [FWD_KEY_ED25519] = "Ed25519" };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf value = { 0 };
	CK_ULONG type = 0, bits = 0;
	enum fwd_key_type curve;
	json_t *name;

	FW_TRY(fw_p11_number(p, object, CKA_KEY_TYPE,
	    CK_UNAVAILABLE_INFORMATION, &type, err));
	if (type == CKK_RSA) {
		FW_TRY(fw_p11_attr(p, object, CKA_MODULUS, &value, err));
		FW_TRY(fw_p11_number(p, object, CKA_MODULUS_BITS, 0, &bits,
		    err));
		name = rsa_type(&value, bits);
	} else if (type == CKK_EC || type == CKK_EC_EDWARDS) {
		FW_TRY(fw_p11_attr(p, object, CKA_EC_PARAMS, &value, err));
		curve = fw_p11_curve(&value);
		name = curve != FWD_KEY_NONE ? json_string(names[curve]) :
		    json_string(type == CKK_EC ? "EC" : "EdDSA");
	} else {
		name = json_string("other");
	}
	fw_d_set(&l->d, o, "type", name);
	return FW_OK;
}

static enum fw_kind
add_private(struct list *l, json_t *o, struct fw_p11 *p,
    CK_OBJECT_HANDLE object, struct fw_error *err)
{
	enum fw_answer always = FW_UNKNOWN;
	struct fw_key_guard g;

	FW_TRY(read_guard(p, object, &g, err));
	FW_TRY(read_answer(p, object, CKA_ALWAYS_AUTHENTICATE, &always, err));
	fw_d_set(&l->d, o, "export", json_string(fw_key_export(&g)));
	fw_d_set(&l->d, o, "sensitive", answer(g.sensitive));
	fw_d_set(&l->d, o, "extractable", answer(g.extractable));
	fw_d_set(&l->d, o, "always-sensitive", answer(g.always_sensitive));
	fw_d_set(&l->d, o, "never-extractable", answer(g.never_extractable));
	fw_d_set(&l->d, o, "made-in-token", answer(g.local));
	fw_d_set(&l->d, o, "pin-each-time", json_boolean(always == FW_YES));
	return FW_OK;
}

static enum fw_kind
add_certificate(struct list *l, json_t *o, struct fw_p11 *p,
    CK_OBJECT_HANDLE object, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };

	FW_TRY(fw_p11_attr(p, object, CKA_VALUE, &der, err));
	fw_describe_certificate(&l->d, o, fw_buf_span(&der));
	return FW_OK;
}

/* The shortest URI that names it among all: token, serial, label and id. */
static json_t *
object_uri(const struct fw_p11 *p, const struct fw_buf *label,
    const struct fw_buf *id, const char *type)
{
	FW_CLEANUP(uri_free) P11KitUri *uri = p11_kit_uri_new();
	CK_ATTRIBUTE a = { CKA_LABEL, label->p, label->n };
	CK_ATTRIBUTE b = { CKA_ID, id->p, id->n };
	CK_TOKEN_INFO *t;
	char *text = NULL;
	json_t *out;

	if (uri == NULL)
		return NULL;
	t = p11_kit_uri_get_token_info(uri);
	memcpy(t->label, p->token.label, sizeof t->label);
	if (p11_kit_space_strlen(p->token.serialNumber,
	    sizeof p->token.serialNumber) > 0)
		memcpy(t->serialNumber, p->token.serialNumber,
		    sizeof t->serialNumber);
	if ((label->n > 0 &&
	    p11_kit_uri_set_attribute(uri, &a) != P11_KIT_URI_OK) ||
	    (id->n > 0 &&
	    p11_kit_uri_set_attribute(uri, &b) != P11_KIT_URI_OK) ||
	    p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) !=
	    P11_KIT_URI_OK)
		return NULL;
	out = type == NULL ? json_string(text) :
	    json_sprintf("%s;type=%s", text, type);
	free(text);
	return out;
}

enum fw_kind
fw_key_uri(struct fw_key *key, char **out, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf label = { 0 };
	FW_JSON json_t *uri = NULL;

	if (key->p11 == NULL)
		return fw_fail(err, FW_E_KEY, "%s is not on a token",
		    key->label);
	FW_TRY(fw_p11_attr(key->p11, key->p11->key, CKA_LABEL, &label, err));
	uri = object_uri(key->p11, &label, &key->p11->id, NULL);
	*out = uri != NULL ? strdup(json_string_value(uri)) : NULL;
	return *out != NULL ? FW_OK :
	    fw_fail(err, FW_E_NOMEM, "out of memory");
}

enum fw_kind
fw_cert_describe(struct fwd_span der, json_t **out, struct fw_error *err)
{
	FW_JSON json_t *o = json_object();
	FW_JSON json_t *ignored = json_array();
	struct fw_describe d = { .problems = ignored };

	fw_describe_certificate(&d, o, der);
	if (d.no_memory)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*out = json_incref(o);
	return FW_OK;
}

static const struct class {
	CK_OBJECT_CLASS class;
	const char *name, *uri_type;
} classes[] = {
	{ CKO_PRIVATE_KEY, "private-key", "private" },
	{ CKO_PUBLIC_KEY, "public-key", "public" },
	{ CKO_CERTIFICATE, "certificate", "cert" },
};
enum { NCLASSES = sizeof classes / sizeof classes[0] };

static enum fw_kind
add_object(struct list *l, struct fw_p11 *p, const struct class *c,
    CK_OBJECT_HANDLE object, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf label = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf id = { 0 };
	json_t *const o = fw_d_entry(&l->d, l->objects);

	FW_TRY(fw_p11_attr(p, object, CKA_LABEL, &label, err));
	FW_TRY(fw_p11_attr(p, object, CKA_ID, &id, err));
	fw_d_set(&l->d, o, "class", json_string(c->name));
	fw_d_set(&l->d, o, "label", fw_d_text(fw_buf_span(&label)));
	fw_d_set(&l->d, o, "id", fw_d_hex(fw_buf_span(&id)));
	fw_d_set(&l->d, o, "uri", object_uri(p, &label, &id, c->uri_type));
	if (c->class == CKO_CERTIFICATE)
		return add_certificate(l, o, p, object, err);
	FW_TRY(add_type(l, o, p, object, err));
	FW_TRY(add_uses(l, o, p, object, err));
	return c->class == CKO_PRIVATE_KEY ?
	    add_private(l, o, p, object, err) : FW_OK;
}

static int
compare(const json_t *a, const json_t *b, const char *key)
{
	const char *const x = json_string_value(json_object_get(a, key));
	const char *const y = json_string_value(json_object_get(b, key));

	return x == NULL || y == NULL ? 0 : strcmp(x, y);
}

/* Modules list in any order: put the last one among the n before it that are
   of its class, by label and id. */
static void
sort_last(struct list *l, size_t n)
{
	const size_t last = json_array_size(l->objects) - 1;
	json_t *const o = json_array_get(l->objects, last);
	const json_t *before;
	size_t at = last;
	int order;

	for (; n > 0; n--, at--) {
		before = json_array_get(l->objects, at - 1);
		order = compare(before, o, "label");
		if (order < 0 || (order == 0 && compare(before, o, "id") <= 0))
			break;
	}
	if (at == last)
		return;
	json_incref(o);
	(void)json_array_remove(l->objects, last);
	if (json_array_insert_new(l->objects, at, o) != 0)
		l->d.no_memory = true;
}

static enum fw_kind
add_class(struct list *l, struct fw_p11 *p, const struct class *c,
    struct fw_error *err)
{
	FW_CLEANUP(fw_p11_list_deinit) struct fw_p11_list found = { 0 };
	const CK_ATTRIBUTE *const id = p11_kit_uri_get_attribute(l->uri->match,
	    CKA_ID);
	const CK_ATTRIBUTE *const label = p11_kit_uri_get_attribute(
	    l->uri->match, CKA_LABEL);
	CK_OBJECT_CLASS class = c->class;
	CK_ATTRIBUTE like[3] = { { CKA_CLASS, &class, sizeof class } };
	size_t i, n = 1;

	if (id != NULL)
		like[n++] = *id;
	if (label != NULL)
		like[n++] = *label;
	FW_TRY(fw_p11_find(p, like, n, &found, err));
	for (i = 0; i < found.n; i++) {
		FW_TRY(add_object(l, p, c, found.h[i], err));
		sort_last(l, i);
	}
	return FW_OK;
}

/* ---- tokens ------------------------------------------------------- */

static const char *
pin_state(CK_FLAGS flags)
{
	if ((flags & CKF_LOGIN_REQUIRED) == 0)
		return "none";
	if ((flags & CKF_USER_PIN_INITIALIZED) == 0)
		return "not-set";
	return flags & CKF_USER_PIN_LOCKED ? "locked" :
	    flags & CKF_USER_PIN_FINAL_TRY ? "final-try" :
	    flags & CKF_USER_PIN_COUNT_LOW ? "few-tries" : "good";
}

static void
add_facts(struct list *l, json_t *o, struct fw_p11 *p)
{
	const struct fw_buf none = { 0 };
	const CK_TOKEN_INFO *const t = &p->token;
	char *const module = p11_kit_module_get_filename(p->m);

	fw_d_set(&l->d, o, "label", FIELD(t->label));
	fw_d_set(&l->d, o, "manufacturer", FIELD(t->manufacturerID));
	fw_d_set(&l->d, o, "model", FIELD(t->model));
	fw_d_set(&l->d, o, "serial", FIELD(t->serialNumber));
	fw_d_set(&l->d, o, "slot-id", fw_d_uint(p->slot));
	fw_d_set(&l->d, o, "module", module ? fw_json_printable(module) :
	    json_null());
	fw_d_set(&l->d, o, "uri", object_uri(p, &none, &none, NULL));
	fw_d_set(&l->d, o, "pin", json_string(pin_state(t->flags)));
	fw_d_set(&l->d, o, "pin-pad", json_boolean(
	    (t->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0));
	fw_d_set(&l->d, o, "write-protected", json_boolean(
	    (t->flags & CKF_WRITE_PROTECTED) != 0));
	fw_d_set(&l->d, o, "logged-in", json_boolean(l->login ||
	    (t->flags & CKF_LOGIN_REQUIRED) == 0));
	free(module);
}

static enum fw_kind
add_objects(struct list *l, struct fw_p11 *p, struct fw_error *err)
{
	size_t i;

	for (i = 0; i < NCLASSES; i++)
		FW_TRY(add_class(l, p, &classes[i], err));
	return FW_OK;
}

/* p11-kit's collections of the system's CA certificates are no tokens that
   anybody means. */
static bool
is_system_trust(const struct fw_p11 *p)
{
	FW_FREE char *option = p->by_path ? NULL :
	    p11_kit_config_option(p->m, "trust-policy");

	return option != NULL && strcmp(option, "yes") == 0;
}

/* One that fails is listed, and so are the others. */
static enum fw_kind
add_token(struct fw_p11 *p, void *ctx, struct fw_error *err)
{
	struct list *const l = ctx;
	const bool open = p->session != CK_INVALID_HANDLE;
	struct fw_error why;
	enum fw_kind kind;
	json_t *o;

	if (l->all && is_system_trust(p))
		return FW_OK;
	o = fw_d_entry(&l->d, l->tokens);
	add_facts(l, o, p);
	l->objects = fw_d_list(&l->d, o, "objects");
	kind = open ? FW_OK : fw_p11_session(p, &why);
	if (kind == FW_OK)
		kind = add_objects(l, p, &why);
	if (!open && p->session != CK_INVALID_HANDLE)
		(void)FW_P11_CALL(p, C_CloseSession, p->session);
	if (!open)
		p->session = CK_INVALID_HANDLE;
	if (kind == FW_E_NOMEM || l->d.no_memory)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (kind != FW_OK) {
		fw_d_set(&l->d, o, "problem", fw_json_printable(why.text));
		l->problems++;
	}
	return FW_OK;
}

static void
p11_cleanup(struct fw_p11 **p)
{
	fw_p11_free(*p);
}

static enum fw_kind
run(struct list *l, const char *uri, const struct fw_key_options *opt,
    struct fw_error *err)
{
	FW_CLEANUP(p11_cleanup) struct fw_p11 *p = NULL;

	if (l->login) {
		FW_TRY(fw_p11_open_token(uri, opt, &p, err));
		l->uri = &p->uri;
		return add_token(p, l, err);
	}
	FW_TRY(fw_p11_new(opt, &p, err));
	FW_TRY(fw_p11_uri_parse(uri, &p->uri, err));
	FW_TRY(fw_p11_start(p, err));
	l->uri = &p->uri;
	return fw_p11_each_token(p, add_token, l, err);
}

enum fw_kind
fw_tokens_list(const char *uri, bool login, const struct fw_key_options *opt,
    json_t **out, size_t *problems, struct fw_error *err)
{
	FW_JSON json_t *top = json_object();
	FW_JSON json_t *ignored = json_array();
	struct list l = { .d.problems = ignored, .login = login,
	    .all = uri == NULL };

	l.tokens = fw_d_list(&l.d, top, "tokens");
	FW_TRY(run(&l, uri != NULL ? uri : "pkcs11:", opt, err));
	if (l.d.no_memory)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (json_array_size(l.tokens) == 0)
		return fw_fail(err, FW_E_KEY, "there is no token (is it "
		    "plugged in, and its module in p11-kit's configuration or "
		    "given with --module?)");
	*problems = l.problems;
	*out = json_incref(top);
	return FW_OK;
}
