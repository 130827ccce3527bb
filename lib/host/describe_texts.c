/* SPDX-License-Identifier: Apache-2.0 */
/* The text map and the list of attachments in it (section 8.4.4). */
#include <string.h>

#include "host/describe_internal.h"

static const char *
text_name(int64_t key, bool component)
{
	static const char *const manifest[] = { NULL, "manifest-description",
	    "update-description", "manifest-json-source",
	    "manifest-yaml-source" };
	static const char *const part[] = { NULL, "vendor-name", "model-name",
	    "vendor-domain", "model-info", "component-description",
	    "component-version" };

	if (component)
		return key >= 1 && key <= 6 ? part[key] :
		    key < 0 ? "custom" : "unknown";
	return key == FWD_TEXT_ATTACHMENTS ? "attachments" :
	    key >= 1 && key <= 4 ? manifest[key] :
	    key < 0 ? "custom" : "unknown";
}

/* ---- attachments --------------------------------------------------------- */

/* One entry of the list: copied if it has the four members it must have. */
static bool
attachment(struct fw_describe *d, json_t *list, const json_t *entry)
{
	static const char *const members[] = { "name", "type", "digest" };
	const json_t *const size = json_object_get(entry, "size");
	json_t *o;

	for (unsigned i = 0; i < 3; i++)
		if (!json_is_string(json_object_get(entry, members[i])))
			return false;
	if (!json_is_integer(size) || json_integer_value(size) < 0 ||
	    json_object_size(entry) != 4)
		return false;
	o = fw_d_entry(d, list);
	for (unsigned i = 0; i < 3; i++)
		fw_d_set(d, o, members[i], json_copy(json_object_get(entry,
		    members[i])));
	fw_d_set(d, o, "size", json_integer(json_integer_value(size)));
	return true;
}

static void
attachments(struct fw_describe *d, json_t *envelope, struct fwd_span text)
{
	FW_JSON json_t *doc = NULL;
	json_t *const list = json_object_get(envelope, "attachments");
	json_error_t error;
	const json_t *entry;
	size_t i;

	doc = json_loadb((const char *)text.p, text.n,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!json_is_array(doc)) {
		fw_d_problem(d, FWD_E_ATTACHMENT, text.p);
		return;
	}
	json_array_foreach(doc, i, entry) {
		if (!fw_d_more(d))
			return;
		if (!attachment(d, list, entry))
			fw_d_problem(d, FWD_E_ATTACHMENT, text.p);
	}
}

/* ---- text ------------------------------------------------------------------ */

/* One field; fields is the list it goes to. */
static void
field(struct fw_describe *d, json_t *envelope, json_t *fields,
    struct fwd_span key, struct fwd_span value, bool component)
{
	struct fwd_span text;
	json_t *o;
	int64_t k;
	fwd_status s = fw_d_item_int(key, &k);

	if (s != FWD_OK) {
		fw_d_problem(d, s, key.p);
		return;
	}
	o = fw_d_entry(d, fields);
	fw_d_set(d, o, "key", json_integer(k));
	fw_d_set(d, o, "name", fw_d_str(text_name(k, component)));
	s = fw_d_item_text(value, &text);
	fw_d_set(d, o, "text", s == FWD_OK ? fw_d_text(text) :
	    fw_d_diagnostic(d, value));
	fw_d_problem(d, s, value.p);
	if (s == FWD_OK && k == FWD_TEXT_ATTACHMENTS && !component)
		attachments(d, envelope, text);
}

static void
component_text(struct fw_describe *d, json_t *envelope, json_t *list,
    struct fwd_span id, struct fwd_span map)
{
	json_t *const o = fw_d_entry(d, list);
	struct fwd_span key, value;
	struct fw_pairs pairs;
	json_t *fields;

	fw_d_component(d, o, id);
	fields = fw_d_list(d, o, "fields");
	if (!fw_d_map(d, map, &pairs))
		return;
	while (fw_d_pair(d, &pairs, &key, &value))
		field(d, envelope, fields, key, value, true);
}

static void
language(struct fw_describe *d, json_t *envelope, json_t *o,
    struct fwd_span map)
{
	json_t *const fields = fw_d_list(d, o, "fields");
	json_t *const components = fw_d_list(d, o, "components");
	struct fwd_span key, value;
	struct fw_pairs pairs;

	if (!fw_d_map(d, map, &pairs))
		return;
	while (fw_d_pair(d, &pairs, &key, &value)) {
		if (key.p[0] >> 5 == FWD_CBOR_ARRAY)
			component_text(d, envelope, components, key, value);
		else
			field(d, envelope, fields, key, value, false);
	}
}

void
fw_describe_textmap(struct fw_describe *d, json_t *envelope,
    struct fwd_span content)
{
	json_t *const list = json_object_get(envelope, "text");
	struct fwd_span key, value, tag;
	struct fw_pairs pairs;
	json_t *o;
	size_t mark;
	fwd_status s;

	if (!fw_d_map(d, content, &pairs))
		return;
	while (fw_d_pair(d, &pairs, &key, &value)) {
		s = fw_d_item_text(key, &tag);
		if (s != FWD_OK) {
			fw_d_problem(d, s, key.p);
			continue;
		}
		o = fw_d_entry(d, list);
		mark = fw_d_enter(d, "[%zu]", json_array_size(list) - 1);
		fw_d_set(d, o, "language", fw_d_text(tag));
		language(d, envelope, o, value);
		fw_d_leave(d, mark);
	}
}
