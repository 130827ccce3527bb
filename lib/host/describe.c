/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An envelope as a JSON tree.  Not the device library's decoder, which stops
 * at the first mistake, but built from the same readers: each byte string is
 * decoded by itself, so that one mistake hides no more than it has to.  What
 * the device library says of the form of the whole is noted at the end.
 */
#include "host/describe_internal.h"

enum { ENVELOPE_TAG = 107 };

/* The sections, in the order in which they are executed. */
static const int64_t sections[] = {
	FWD_COMMON_SHARED, FWD_MAN_PAYLOAD_FETCH, FWD_MAN_INSTALL,
	FWD_MAN_VALIDATE, FWD_MAN_LOAD, FWD_MAN_INVOKE, FWD_MAN_TEXT,
};
enum { NSECTIONS = sizeof sections / sizeof sections[0] };

/* What was found; the maps may hold their elements in any order. */
struct parts {
	struct fwd_span auth;		/* content */
	struct fwd_span manifest;	/* encoded byte string */
	/* encoded, in the manifest and in the envelope; p NULL: not there */
	struct fwd_span declared[NSECTIONS];
	struct fwd_span severed[NSECTIONS];
};

static bool
severable(int64_t key)
{
	return key == FWD_MAN_PAYLOAD_FETCH || key == FWD_MAN_INSTALL ||
	    key == FWD_MAN_TEXT;
}

/* The place of a section's key in the table, NSECTIONS if it has none.  The
   shared sequence has a key of its own map. */
static size_t
section_index(int64_t key)
{
	size_t i;

	for (i = 1; i < NSECTIONS && sections[i] != key; i++)
		;
	return i;
}

/* ---- envelope elements --------------------------------------------------- */

static const char *
element_name(int64_t key)
{
	return key == FWD_ENV_AUTH ? "authentication-wrapper" :
	    key == FWD_ENV_MANIFEST ? "manifest" :
	    severable(key) ? fwd_section_name(key) : "unknown";
}

static void
payload(struct fw_describe *d, json_t *envelope, struct fwd_span name,
    struct fwd_span value)
{
	json_t *o;
	struct fwd_span content;
	const fwd_status s = fw_d_item_bytes(value, &content);

	if (s != FWD_OK) {
		fw_d_problem(d, s, value.p);
		return;
	}
	o = fw_d_entry(d, json_object_get(envelope, "payloads"));
	fw_d_set(d, o, "name", fw_d_text(name));
	fw_d_set(d, o, "size", fw_d_uint(content.n));
}

static void
element(struct fw_describe *d, json_t *envelope, struct parts *parts,
    struct fwd_span key, struct fwd_span value)
{
	json_t *const o = fw_d_entry(d, json_object_get(envelope,
	    "elements"));
	struct fwd_span content;
	int64_t k = 0;
	fwd_status s;

	fw_d_set(d, o, "offset", fw_d_uint((uint64_t)(key.p - d->data.p)));
	fw_d_set(d, o, "size", fw_d_uint(key.n + value.n));
	fw_d_set(d, o, "key", fw_d_diagnostic(d, key));
	if (fw_d_item_text(key, &content) == FWD_OK) {
		fw_d_set(d, o, "name", json_string("integrated-payload"));
		payload(d, envelope, content, value);
		return;
	}
	s = fw_d_item_int(key, &k);
	fw_d_set(d, o, "name", fw_d_str(element_name(k)));
	if (s == FWD_OK)
		s = fw_d_item_bytes(value, &content);
	if (s == FWD_OK && k == FWD_ENV_AUTH)
		parts->auth = content;
	else if (s == FWD_OK && k == FWD_ENV_MANIFEST)
		parts->manifest = value;
	else if (s == FWD_OK && severable(k))
		parts->severed[section_index(k)] = value;
	else if (s == FWD_OK)
		s = FWD_E_ENVELOPE_KEY;
	fw_d_problem(d, s, key.p);
}

static void
elements(struct fw_describe *d, json_t *envelope, struct parts *parts)
{
	struct fwd_cbor c = fwd_cbor_open(d->data);
	struct fwd_span key, value;
	struct fw_pairs pairs;
	uint64_t tag;
	fwd_status s;

	s = fwd_cbor_tag(&c, &tag);
	if (s == FWD_OK && tag != ENVELOPE_TAG)
		s = FWD_E_ENVELOPE;
	fw_d_problem(d, s, d->data.p);
	if (s != FWD_OK || !fw_d_map(d, c.left, &pairs))
		return;
	while (fw_d_pair(d, &pairs, &key, &value))
		element(d, envelope, parts, key, value);
}

/* ---- manifest ------------------------------------------------------------- */

static void
components(struct fw_describe *d, json_t *manifest, struct fwd_span list)
{
	json_t *const out = json_object_get(manifest, "components");
	struct fwd_cbor c = fwd_cbor_open(list);
	struct fwd_span id;
	json_t *o;
	uint64_t n;
	size_t mark;
	fwd_status s;

	s = fwd_cbor_array(&c, &n);
	for (uint64_t i = 0; s == FWD_OK && i < n && fw_d_more(d); i++) {
		s = fwd_cbor_skip(&c, &id);
		if (s != FWD_OK)
			break;
		mark = fw_d_enter(d, ".components[%llu]",
		    (unsigned long long)i);
		o = fw_d_entry(d, out);
		fw_d_set(d, o, "index", fw_d_uint(i));
		fw_d_component(d, o, id);
		fw_d_leave(d, mark);
	}
	fw_d_problem(d, s, c.left.p);
}

static void
unknown(struct fw_describe *d, json_t *manifest, const char *in,
    struct fwd_span key, struct fwd_span value)
{
	json_t *const o = fw_d_entry(d, json_object_get(manifest, "unknown"));

	fw_d_set(d, o, "in", fw_d_str(in));
	fw_d_set(d, o, "key", fw_d_diagnostic(d, key));
	fw_d_set(d, o, "value", fw_d_diagnostic(d, value));
	fw_d_problem(d, FWD_E_MANIFEST_KEY, key.p);
}

static void
common(struct fw_describe *d, json_t *manifest, struct parts *parts,
    struct fwd_span content)
{
	struct fwd_span key, value;
	struct fw_pairs pairs;
	int64_t k;

	if (!fw_d_map(d, content, &pairs))
		return;
	while (fw_d_pair(d, &pairs, &key, &value)) {
		if (fw_d_item_int(key, &k) != FWD_OK)
			k = 0;
		if (k == FWD_COMMON_COMPONENTS)
			components(d, manifest, value);
		else if (k == FWD_COMMON_SHARED)
			parts->declared[0] = value;
		else
			unknown(d, manifest, "common", key, value);
	}
}

static void
manifest_element(struct fw_describe *d, json_t *manifest, struct parts *parts,
    struct fwd_span key, struct fwd_span value)
{
	struct fwd_span s = { NULL, 0 };
	uint64_t v = 0;
	int64_t k = 0;
	fwd_status st = fw_d_item_int(key, &k);
	size_t mark;

	if (st == FWD_OK && section_index(k) < NSECTIONS) {
		parts->declared[section_index(k)] = value;
		return;
	}
	switch (k) {
	case FWD_MAN_VERSION:
	case FWD_MAN_SEQUENCE_NUMBER:
		st = fw_d_item_uint(value, &v);
		if (st == FWD_OK)
			fw_d_set(d, manifest, k == FWD_MAN_VERSION ?
			    "version" : "sequence-number", fw_d_uint(v));
		break;
	case FWD_MAN_COMMON:
		st = fw_d_item_bytes(value, &s);
		mark = fw_d_enter(d, ".common");
		if (st == FWD_OK)
			common(d, manifest, parts, s);
		fw_d_leave(d, mark);
		break;
	case FWD_MAN_REFERENCE_URI:
		st = fw_d_item_text(value, &s);
		if (st == FWD_OK)
			fw_d_set(d, manifest, "reference-uri", fw_d_text(s));
		break;
	default:
		unknown(d, manifest, "manifest", key, value);
		st = FWD_OK;
		break;
	}
	fw_d_problem(d, st, value.p);
}

static void
describe_manifest(struct fw_describe *d, json_t *envelope,
    struct parts *parts)
{
	const size_t mark = fw_d_enter(d, ".manifest");
	struct fwd_span content, key, value;
	struct fw_pairs pairs;
	json_t *o;

	if (fw_d_item_bytes(parts->manifest, &content) == FWD_OK) {
		o = fw_d_object(d, envelope, "manifest");
		fw_d_set(d, o, "size", fw_d_uint(content.n));
		fw_d_set(d, o, "version", json_null());
		fw_d_set(d, o, "sequence-number", json_null());
		fw_d_set(d, o, "reference-uri", json_null());
		(void)fw_d_list(d, o, "components");
		(void)fw_d_list(d, o, "unknown");
		if (fw_d_map(d, content, &pairs))
			while (fw_d_pair(d, &pairs, &key, &value))
				manifest_element(d, o, parts, key, value);
	}
	fw_d_leave(d, mark);
}

/* ---- sections -------------------------------------------------------------- */

/*
 * Where the content of a section is: in the manifest, or in the envelope when
 * the manifest has its digest.  p is NULL when it is nowhere.
 */
static struct fwd_span
locate(struct fw_describe *d, json_t *envelope, const struct parts *parts,
    size_t i, const char **where)
{
	const struct fwd_span declared = parts->declared[i];
	const struct fwd_span severed = parts->severed[i];
	json_t *o;

	*where = "manifest";
	if (severed.p != NULL && (declared.p == NULL ||
	    declared.p[0] >> 5 != FWD_CBOR_ARRAY))
		fw_d_problem(d, FWD_E_SEVERED, severed.p);
	if (declared.p == NULL && severed.p != NULL)
		*where = "envelope";
	if (declared.p == NULL)
		return severed;
	if (!severable(sections[i]) ||
	    declared.p[0] >> 5 != FWD_CBOR_ARRAY)
		return declared;

	*where = "envelope";
	o = fw_d_entry(d, json_object_get(envelope, "severable"));
	fw_d_set(d, o, "section", fw_d_str(fwd_section_name(sections[i])));
	fw_d_set(d, o, "state", json_string(severed.p != NULL ? "present" :
	    "severed"));
	fw_d_digest(d, o, "digest", declared);
	if (severed.p != NULL)
		fw_d_compute(d, o, declared, severed);
	return severed;
}

static void
describe_section(struct fw_describe *d, json_t *envelope,
    const struct parts *parts, size_t i)
{
	const char *const name = fwd_section_name(sections[i]);
	const size_t mark = fw_d_enter(d, ".%s", name);
	struct fwd_span item, content;
	const char *where;
	json_t *o;
	fwd_status s;

	item = locate(d, envelope, parts, i, &where);
	if (item.p != NULL) {
		s = fw_d_item_bytes(item, &content);
		fw_d_problem(d, s, item.p);
		if (s == FWD_OK && sections[i] == FWD_MAN_TEXT) {
			fw_describe_textmap(d, envelope, content);
		} else if (s == FWD_OK) {
			o = fw_d_entry(d, json_object_get(envelope,
			    "sequences"));
			fw_d_set(d, o, "section", fw_d_str(name));
			fw_d_set(d, o, "where", fw_d_str(where));
			fw_describe_sequence(d, fw_d_list(d, o, "commands"),
			    content);
		}
	}
	fw_d_leave(d, mark);
}

/* ---- the whole ------------------------------------------------------------- */

static void
describe_auth(struct fw_describe *d, json_t *envelope,
    const struct parts *parts)
{
	const size_t mark = fw_d_enter(d, ".authentication");

	if (parts->auth.p != NULL)
		fw_describe_auth(d, fw_d_object(d, envelope,
		    "authentication"), parts->auth, parts->manifest);
	fw_d_leave(d, mark);
}

/* What the device library finds wrong with the form, if nothing was noted. */
static void
second_opinion(struct fw_describe *d)
{
	struct fwd_envelope env;
	struct fwd_manifest man;
	fwd_status s;

	if (json_array_size(d->problems) != 0)
		return;
	s = fwd_envelope_read(d->data, &env);
	if (s == FWD_OK)
		s = fwd_manifest_read(&env, &man);
	fw_d_problem(d, s, NULL);
}

enum fw_kind
fw_describe_envelope(struct fwd_span data, json_t *problems, json_t **out,
    struct fw_error *err)
{
	static const char *const lists[] = { "elements", "sequences",
	    "severable", "text", "attachments", "payloads" };
	struct fw_describe d = { .data = data, .problems = problems,
	    .nodes = FW_DESCRIBE_NODES, .where = "envelope" };
	struct parts parts = { 0 };
	FW_JSON json_t *o = json_object();

	fw_d_set(&d, o, "size", fw_d_uint(data.n));
	fw_d_set(&d, o, "authentication", json_null());
	fw_d_set(&d, o, "manifest", json_null());
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		(void)fw_d_list(&d, o, lists[i]);
	elements(&d, o, &parts);
	describe_auth(&d, o, &parts);
	describe_manifest(&d, o, &parts);
	for (size_t i = 0; i < NSECTIONS; i++)
		describe_section(&d, o, &parts, i);
	second_opinion(&d);
	if (d.no_memory)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*out = o;
	o = NULL;
	return FW_OK;
}
