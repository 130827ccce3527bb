/* SPDX-License-Identifier: Apache-2.0 */
/* The tree as text that is read in one look. */
#include <stdio.h>
#include <string.h>

#include "host/describe_internal.h"

static void
heading(struct fw_text *t, const char *text)
{
	fw_t_put(t, "\n%s\n", text);
}

/* ---- bundle --------------------------------------------------------------- */

static void
pad(struct fw_text *t, size_t from, int width)
{
	const int used = (int)(t->out.n - from);

	fw_t_put(t, "%*s", used < width ? width - used : 1, "");
}

static void
member(struct fw_text *t, const json_t *m)
{
	const char *const role = json_string_value(json_object_get(m,
	    "role"));
	const json_t *note;
	size_t start, i;

	fw_t_put(t, "  ");
	start = t->out.n;
	fw_t_value(t, json_object_get(m, "name"));
	pad(t, start, 32);
	start = t->out.n;
	fw_t_value(t, json_object_get(m, "size"));
	pad(t, start, 12);
	if (role != NULL)
		fw_t_put(t, "%s", role);
	else
		fw_t_put(t, "not named in the manifest");
	fw_t_put(t, "\n");
	json_array_foreach(json_object_get(m, "notes"), i, note) {
		fw_t_put(t, "    note: ");
		fw_t_value(t, note);
		fw_t_put(t, "\n");
	}
}

static void
bundle(struct fw_text *t, const json_t *b)
{
	const json_t *m, *note;
	size_t i;

	heading(t, "Members");
	json_array_foreach(json_object_get(b, "members"), i, m)
		member(t, m);
	json_array_foreach(json_object_get(b, "notes"), i, note) {
		fw_t_put(t, "  note: ");
		fw_t_value(t, note);
		fw_t_put(t, "\n");
	}
}

/* ---- authentication -------------------------------------------------------- */

static void
computed(struct fw_text *t, unsigned indent, const json_t *of)
{
	const json_t *const matches = json_object_get(of, "digest-matches");

	if (matches == NULL)
		return;
	fw_t_label(t, indent, "");
	if (json_is_true(matches)) {
		fw_t_put(t, "matches what was computed here\n");
		return;
	}
	fw_t_put(t, "DOES NOT MATCH what was computed here: ");
	fw_t_value(t, json_object_get(of, "digest-computed"));
	fw_t_put(t, "\n");
}

static void
certificate(struct fw_text *t, size_t i, const json_t *c)
{
	fw_t_put(t, "  certificate %zu%s\n", i + 1,
	    json_is_true(json_object_get(c, "ca")) ? " (CA)" : "");
	if (json_is_true(json_object_get(c, "readable"))) {
		fw_t_row(t, 4, "subject", json_object_get(c, "subject"));
		fw_t_row(t, 4, "issuer", json_object_get(c, "issuer"));
		fw_t_row(t, 4, "serial", json_object_get(c, "serial"));
		fw_t_row(t, 4, "not before", json_object_get(c,
		    "not-before"));
		fw_t_row(t, 4, "not after", json_object_get(c, "not-after"));
		fw_t_row(t, 4, "key", json_object_get(c, "key"));
	} else {
		fw_t_put(t, "    cannot be read\n");
	}
	fw_t_row(t, 4, "fingerprint", json_object_get(c, "fingerprint"));
}

static void
signature(struct fw_text *t, const json_t *s)
{
	const json_t *const certificates = json_object_get(s,
	    "certificates");
	const json_t *c, *h;
	size_t i;

	fw_t_label(t, 2, "type");
	fw_t_value(t, json_object_get(s, "type"));
	fw_t_put(t, "%s\n", json_is_false(json_object_get(s, "detached")) ?
	    ", payload attached" : "");
	fw_t_row(t, 2, "algorithm", json_object_get(s, "algorithm"));
	fw_t_row(t, 2, "signature", json_object_get(s, "signature"));
	json_array_foreach(json_object_get(s, "other-headers"), i, h) {
		fw_t_label(t, 2, "header");
		fw_t_value(t, json_object_get(h, "label"));
		fw_t_put(t, " = ");
		fw_t_value(t, json_object_get(h, "value"));
		fw_t_put(t, "%s\n", json_is_true(json_object_get(h,
		    "protected")) ? "" : " (unprotected)");
	}
	if (json_array_size(certificates) == 0)
		fw_t_put(t, "  no certificates\n");
	json_array_foreach(certificates, i, c)
		certificate(t, i, c);
}

static void
authentication(struct fw_text *t, const json_t *auth)
{
	const json_t *const list = json_object_get(auth, "signatures");
	const json_t *s;
	size_t i;

	if (!json_is_object(auth)) {
		heading(t, "No authentication wrapper");
		return;
	}
	if (json_array_size(list) == 0)
		heading(t, "No signatures");
	json_array_foreach(list, i, s) {
		fw_t_put(t, "\nSignature %zu of %zu\n", i + 1,
		    json_array_size(list));
		signature(t, s);
	}
}

/* ---- manifest --------------------------------------------------------------- */

static void
manifest(struct fw_text *t, const json_t *envelope)
{
	const json_t *const m = json_object_get(envelope, "manifest");
	const json_t *const auth = json_object_get(envelope,
	    "authentication");
	const json_t *c;
	char label[40];
	size_t i;

	if (!json_is_object(m)) {
		heading(t, "No manifest");
		return;
	}
	heading(t, "Manifest");
	fw_t_row(t, 2, "version", json_object_get(m, "version"));
	fw_t_row(t, 2, "sequence number", json_object_get(m,
	    "sequence-number"));
	if (!json_is_null(json_object_get(m, "reference-uri")))
		fw_t_row(t, 2, "reference URI", json_object_get(m,
		    "reference-uri"));
	fw_t_row(t, 2, "digest", json_object_get(auth, "digest"));
	computed(t, 2, auth);
	json_array_foreach(json_object_get(m, "components"), i, c) {
		(void)snprintf(label, sizeof label, "component %zu", i);
		fw_t_label(t, 2, label);
		fw_t_identifier(t, c);
		fw_t_put(t, "\n");
	}
	json_array_foreach(json_object_get(m, "unknown"), i, c) {
		fw_t_put(t, "  unknown element ");
		fw_t_value(t, json_object_get(c, "key"));
		fw_t_put(t, ": ");
		fw_t_value(t, json_object_get(c, "value"));
		fw_t_put(t, "\n");
	}
}

static void
severable(struct fw_text *t, const json_t *envelope)
{
	const json_t *const list = json_object_get(envelope, "severable");
	const json_t *s;
	const char *name;
	size_t i;

	if (json_array_size(list) == 0)
		return;
	heading(t, "Severable elements");
	json_array_foreach(list, i, s) {
		name = json_string_value(json_object_get(s, "section"));
		fw_t_label(t, 2, name != NULL ? name : "unknown");
		fw_t_value(t, json_object_get(s, "state"));
		fw_t_put(t, ", ");
		fw_t_value(t, json_object_get(s, "digest"));
		fw_t_put(t, "\n");
		computed(t, 2, s);
	}
}

/* ---- text, attachments, payloads ---------------------------------------------- */

static void
fields(struct fw_text *t, unsigned indent, const json_t *list)
{
	const json_t *f;
	const char *name;
	size_t i;

	json_array_foreach(list, i, f) {
		name = json_string_value(json_object_get(f, "name"));
		if (name == NULL || strcmp(name, "attachments") == 0)
			continue;	/* they have a heading of their own */
		fw_t_row(t, indent, name, json_object_get(f, "text"));
	}
}

static void
texts(struct fw_text *t, const json_t *envelope)
{
	const json_t *language, *c;
	size_t i, j;

	json_array_foreach(json_object_get(envelope, "text"), i, language) {
		fw_t_put(t, "\nText (");
		fw_t_value(t, json_object_get(language, "language"));
		fw_t_put(t, ")\n");
		fields(t, 2, json_object_get(language, "fields"));
		json_array_foreach(json_object_get(language, "components"), j,
		    c) {
			fw_t_put(t, "  component ");
			fw_t_identifier(t, c);
			fw_t_put(t, "\n");
			fields(t, 4, json_object_get(c, "fields"));
		}
	}
}

static void
attachments(struct fw_text *t, const json_t *envelope)
{
	const json_t *const list = json_object_get(envelope, "attachments");
	const json_t *a;
	size_t i;

	if (json_array_size(list) != 0)
		heading(t, "Attachments");
	json_array_foreach(list, i, a) {
		fw_t_put(t, "  ");
		fw_t_value(t, json_object_get(a, "name"));
		fw_t_put(t, "\n");
		fw_t_row(t, 4, "type", json_object_get(a, "type"));
		fw_t_row(t, 4, "size", json_object_get(a, "size"));
		fw_t_row(t, 4, "digest", json_object_get(a, "digest"));
	}
}

static void
payloads(struct fw_text *t, const json_t *envelope)
{
	const json_t *const list = json_object_get(envelope, "payloads");
	const json_t *p;
	size_t start, i;

	if (json_array_size(list) != 0)
		heading(t, "Integrated payloads");
	json_array_foreach(list, i, p) {
		fw_t_put(t, "  ");
		start = t->out.n;
		fw_t_value(t, json_object_get(p, "name"));
		pad(t, start, 32);
		fw_t_value(t, json_object_get(p, "size"));
		fw_t_put(t, "\n");
	}
}

/* ---- revocation list ------------------------------------------------------------- */

static void
revocations(struct fw_text *t, const json_t *r)
{
	const json_t *const keys = json_object_get(r, "revoked");
	const json_t *const s = json_object_get(r, "signature");
	const json_t *k;
	size_t i;

	heading(t, "Revoked keys");
	fw_t_row(t, 2, "version", json_object_get(r, "version"));
	fw_t_row(t, 2, "number", json_object_get(r, "number"));
	fw_t_label(t, 2, "keys");
	fw_t_put(t, "%zu\n", json_array_size(keys));
	json_array_foreach(keys, i, k) {
		fw_t_put(t, "  ");
		fw_t_value(t, k);
		fw_t_put(t, "\n");
	}
	if (!json_is_object(s)) {
		heading(t, "No signature");
		return;
	}
	heading(t, "Signature");
	signature(t, s);
}

/* ---- the whole ------------------------------------------------------------------ */

static void
problems(struct fw_text *t, const json_t *list)
{
	const json_t *p, *offset;
	size_t i;

	if (json_array_size(list) != 0)
		heading(t, "Problems");
	json_array_foreach(list, i, p) {
		fw_t_put(t, "  malformed at ");
		fw_t_value(t, json_object_get(p, "where"));
		offset = json_object_get(p, "offset");
		if (offset != NULL) {
			fw_t_put(t, ", byte ");
			fw_t_value(t, offset);
		}
		fw_t_put(t, ": ");
		fw_t_value(t, json_object_get(p, "code"));
		fw_t_put(t, ": ");
		fw_t_value(t, json_object_get(p, "text"));
		fw_t_put(t, "\n");
	}
}

static void
envelope_text(struct fw_text *t, const json_t *envelope)
{
	if (!json_is_object(envelope)) {
		heading(t, "No envelope");
		return;
	}
	manifest(t, envelope);
	texts(t, envelope);
	severable(t, envelope);
	payloads(t, envelope);
	attachments(t, envelope);
	fw_t_sequences(t, envelope);
	authentication(t, json_object_get(envelope, "authentication"));
}

/* Hand over what was written. */
static enum fw_kind
done(struct fw_text *t, struct fw_buf *out, struct fw_error *err)
{
	enum fw_kind kind = FW_OK;

	if (t->failed)
		kind = fw_fail(err, FW_E_NOMEM, "out of memory");
	else
		kind = fw_buf_add(out, t->out.p, t->out.n, err);
	fw_buf_deinit(&t->out);
	return kind;
}

enum fw_kind
fw_describe_text(const json_t *tree, struct fw_buf *out, struct fw_error *err)
{
	const json_t *const b = json_object_get(tree, "bundle");
	const json_t *const list = json_object_get(tree, "revocations");
	const bool unknown = fw_describe_unknown(tree);
	struct fw_text t = { .failed = false };

	fw_t_value(&t, json_object_get(tree, "file"));
	fw_t_put(&t, ": ");
	if (unknown)
		fw_t_put(&t, "neither a bundle nor an envelope nor a "
		    "revocation list");
	else if (json_is_object(list))
		fw_t_put(&t, "revocation list");
	else
		fw_t_value(&t, json_object_get(tree, "kind"));
	fw_t_put(&t, ", ");
	fw_t_value(&t, json_object_get(tree, "size"));
	fw_t_put(&t, " bytes\n");
	if (json_is_object(b))
		bundle(&t, b);
	if (json_is_object(list))
		revocations(&t, list);
	else if (!unknown)
		envelope_text(&t, json_object_get(tree, "envelope"));
	if (!unknown)
		problems(&t, json_object_get(tree, "problems"));
	fw_t_put(&t, "\nnothing here was verified; use 'fwverify check%s'\n",
	    json_is_object(list) ? " --revocations" : "");
	return done(&t, out, err);
}

enum fw_kind
fw_describe_sequences(const json_t *envelope, struct fw_buf *out,
    struct fw_error *err)
{
	struct fw_text t = { .failed = false };

	fw_t_sequences(&t, envelope);
	return done(&t, out, err);
}
