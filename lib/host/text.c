/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The severable text of a manifest (the draft, section 8.4.4): what people
 * read, and the list of attachments, which the signature covers this way.
 */
#include <jansson.h>
#include <string.h>

#include "host/build.h"
#include "host/internal.h"

enum {					/* keys in a language map */
	DESCRIPTION = 1, NOTES = 2
};
enum {					/* keys of a component */
	VENDOR_NAME = 1, MODEL_NAME, VENDOR_DOMAIN, MODEL_INFO,
	COMPONENT_DESCRIPTION, COMPONENT_VERSION, COMPONENT_KEYS
};

static void
json_free(json_t **j)
{
	json_decref(*j);
}

/* "sha-256:0123..." */
static enum fw_kind
digest_text(int32_t alg, const uint8_t *digest, char *out, size_t n,
    struct fw_error *err)
{
	static const char digits[] = "0123456789abcdef";
	const size_t len = fwd_digest_size(alg);
	const char *name = fwd_alg_name(alg);
	size_t i, at = strlen(name);

	if (len == 0 || at + 2 + 2 * len > n)
		return fw_fail(err, FW_E_INPUT,
		    "digest algorithm %ld is not supported", (long)alg);
	memcpy(out, name, at);
	out[at++] = ':';
	for (i = 0; i < len; i++) {
		out[at++] = digits[digest[i] >> 4];
		out[at++] = digits[digest[i] & 15];
	}
	out[at] = '\0';
	return FW_OK;
}

/* The list as compact JSON with sorted keys and only ASCII in it. */
static enum fw_kind
attachments_json(const struct fw_descriptor *d, const struct fw_measures *m,
    char **out, struct fw_error *err)
{
	FW_CLEANUP(json_free) json_t *list = json_array();
	char digest[16 + 2 * FWD_DIGEST_MAX];
	const struct fw_attachment *a;
	size_t i;

	for (i = 0; i < d->attachments; i++) {
		a = &d->attachment[i];
		FW_TRY(digest_text(d->digest_alg, m->attachment[i].digest,
		    digest, sizeof digest, err));
		if (m->attachment[i].size > INT64_MAX)
			return fw_fail(err, FW_E_INPUT,
			    "attachment '%s' is too large", a->name);
		if (json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:I, s:s}", "name", a->name, "type", a->type,
		    "size", (json_int_t)m->attachment[i].size,
		    "digest", digest)) != 0)
			return fw_fail(err, FW_E_NOMEM,
			    "cannot encode the list of attachments");
	}
	*out = json_dumps(list,
	    JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
	if (*out == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

/* Were the identifiers derived from the names, so that they explain them? */
static enum fw_kind
derived(const struct fw_descriptor *d, bool *vendor, bool *class_,
    struct fw_error *err)
{
	uint8_t id[16];

	*vendor = *class_ = false;
	if (d->vendor_domain != NULL) {
		FW_TRY(fw_uuid_vendor(d->vendor_domain, id, err));
		*vendor = memcmp(id, d->vendor_id, sizeof id) == 0;
	}
	if (d->model != NULL) {
		FW_TRY(fw_uuid5(d->vendor_id, d->model, strlen(d->model), id,
		    err));
		*class_ = memcmp(id, d->class_id, sizeof id) == 0;
	}
	return FW_OK;
}

/* The map of one component; texts that are NULL are left out. */
static void
component_text(struct fw_cbor *c, const char *const text[COMPONENT_KEYS])
{
	uint64_t n = 0;
	unsigned key;

	for (key = 1; key < COMPONENT_KEYS; key++)
		n += text[key] != NULL;
	fw_cbor_map(c, n);
	for (key = 1; key < COMPONENT_KEYS; key++) {
		if (text[key] == NULL)
			continue;
		fw_cbor_uint(c, key);
		fw_cbor_text(c, text[key]);
	}
}

/* Bytewise order of encoded identifiers: they are map keys. */
static int
by_id(const void *va, const void *vb)
{
	const struct fw_component *const *a = va, *const *b = vb;
	const size_t n = (*a)->id_n < (*b)->id_n ? (*a)->id_n : (*b)->id_n;
	const int order = memcmp((*a)->id, (*b)->id, n);

	if (order != 0)
		return order;
	return ((*a)->id_n > (*b)->id_n) - ((*a)->id_n < (*b)->id_n);
}

static enum fw_kind
component_texts(struct fw_cbor *c, const struct fw_descriptor *d,
    struct fw_error *err)
{
	const struct fw_component *sorted[FWD_COMPONENTS_MAX];
	const char *text[COMPONENT_KEYS] = { NULL };
	bool vendor, class_;
	size_t i;

	FW_TRY(derived(d, &vendor, &class_, err));
	for (i = 0; i < d->components; i++)
		sorted[i] = &d->component[i];
	qsort(sorted, d->components, sizeof sorted[0], by_id);

	text[VENDOR_NAME] = d->vendor_name;
	text[MODEL_NAME] = d->model;
	text[VENDOR_DOMAIN] = vendor ? d->vendor_domain : NULL;
	text[MODEL_INFO] = class_ ? d->model : NULL;
	for (i = 0; i < d->components; i++) {
		text[COMPONENT_DESCRIPTION] = sorted[i]->description;
		text[COMPONENT_VERSION] = sorted[i]->version != NULL ?
		    sorted[i]->version : d->version;
		fw_cbor_raw(c, sorted[i]->id, sorted[i]->id_n);
		component_text(c, text);
	}
	return FW_OK;
}

enum fw_kind
fw_text_encode(const struct fw_descriptor *d, const struct fw_measures *m,
    struct fw_buf *out, struct fw_error *err)
{
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor c = { 0 };
	FW_FREE char *list = NULL;

	if (d->attachments > 0)
		FW_TRY(attachments_json(d, m, &list, err));
	fw_cbor_map(&c, 1);
	fw_cbor_text(&c, d->language);
	fw_cbor_map(&c, (uint64_t)(d->description != NULL) +
	    (d->notes != NULL) + (list != NULL) + d->components);
	if (d->description != NULL) {
		fw_cbor_uint(&c, DESCRIPTION);
		fw_cbor_text(&c, d->description);
	}
	if (d->notes != NULL) {
		fw_cbor_uint(&c, NOTES);
		fw_cbor_text(&c, d->notes);
	}
	if (list != NULL) {
		fw_cbor_int(&c, FWD_TEXT_ATTACHMENTS);
		fw_cbor_text(&c, list);
	}
	FW_TRY(component_texts(&c, d, err));
	return fw_cbor_done(&c, out, err);
}
