/* SPDX-License-Identifier: Apache-2.0 */
/* The build descriptor: schemas/descriptor.schema.json says the same. */
#include <stdio.h>
#include <string.h>

#include "host/fields.h"
#include "host/internal.h"
#include "host/p11uri.h"

/* The document as it is written; all is borrowed from it. */
struct keys {
	const struct fw_node *device, *components, *signers, *attachments;
	uint64_t format, sequence_number;
	const char *version, *description, *notes, *language, *reference_uri;
	const char *use_before;
	int32_t digest;
};

struct device_keys {
	const char *vendor_domain, *vendor_name, *model;
	struct fw_uuid vendor_id, class_id, device_id;
};

struct signer_keys {
	const char *key, *chain;
	int32_t algorithm;
};

struct attachment_keys {
	const char *name, *type, *file;
};

static const struct fw_choice digests[] = {
	{ "sha-256", FWD_SHA256 }, { "sha-384", FWD_SHA384 },
	{ "sha-512", FWD_SHA512 }, { NULL, 0 },
};
static const struct fw_choice algorithms[] = {
	{ "ESP256", FWD_ESP256 }, { "ESP384", FWD_ESP384 },
	{ "ESP512", FWD_ESP512 }, { "Ed25519", FWD_ED25519 },
	{ "PS256", FWD_PS256 }, { "PS384", FWD_PS384 },
	{ "PS512", FWD_PS512 }, { NULL, 0 },
};

/* The manifest counts from 1970. */
static const char *
rule_use_before(const char *text)
{
	int64_t t;

	return fw_time_parse(text, &t) && t > 0 ? NULL :
	    "must be a time like 2026-01-31T12:00:00Z, after 1970";
}

#define AT(member) offsetof(struct keys, member)
static const struct fw_field fields[] = {
	{ .key = "descriptor", .type = FW_FIELD_UINT, .at = AT(format),
	  .min = 1, .max = 1, .required = true },
	{ .key = "device", .type = FW_FIELD_MAP, .at = AT(device),
	  .required = true },
	{ .key = "sequence-number", .type = FW_FIELD_UINT,
	  .at = AT(sequence_number), .max = INT64_MAX, .required = true },
	{ .key = "version", .type = FW_FIELD_TEXT, .at = AT(version),
	  .min = 1, .max = 64, .required = true },
	{ .key = "description", .type = FW_FIELD_LINES,
	  .at = AT(description), .min = 1, .max = FW_TEXT_MAX },
	{ .key = "notes", .type = FW_FIELD_LINES, .at = AT(notes), .min = 1,
	  .max = FW_TEXT_MAX },
	{ .key = "language", .type = FW_FIELD_TEXT, .at = AT(language),
	  .min = 1, .max = 35, .rule = fw_rule_language },
	{ .key = "reference-uri", .type = FW_FIELD_TEXT,
	  .at = AT(reference_uri), .min = 1, .max = 2048,
	  .rule = fw_rule_uri },
	{ .key = "digest", .type = FW_FIELD_CHOICE, .at = AT(digest),
	  .choice = digests },
	{ .key = "use-before", .type = FW_FIELD_TEXT, .at = AT(use_before),
	  .min = 1, .max = FW_TEXT_MAX, .rule = rule_use_before },
	{ .key = "components", .type = FW_FIELD_LIST, .at = AT(components),
	  .min = 1, .max = FWD_COMPONENTS_MAX, .required = true },
	{ .key = "signers", .type = FW_FIELD_LIST, .at = AT(signers),
	  .max = FW_SIGNERS_MAX },
	{ .key = "attachments", .type = FW_FIELD_LIST, .at = AT(attachments),
	  .max = FWD_ATTACHMENTS_MAX },
};
#undef AT

#define AT(member) offsetof(struct device_keys, member)
static const struct fw_field device_fields[] = {
	{ .key = "vendor-domain", .type = FW_FIELD_TEXT,
	  .at = AT(vendor_domain), .min = 1, .max = 253,
	  .rule = fw_rule_domain },
	{ .key = "vendor-id", .type = FW_FIELD_UUID, .at = AT(vendor_id) },
	{ .key = "vendor-name", .type = FW_FIELD_TEXT, .at = AT(vendor_name),
	  .min = 1, .max = FW_TEXT_MAX },
	{ .key = "model", .type = FW_FIELD_TEXT, .at = AT(model), .min = 1,
	  .max = FW_TEXT_MAX },
	{ .key = "class-id", .type = FW_FIELD_UUID, .at = AT(class_id) },
	{ .key = "device-id", .type = FW_FIELD_UUID, .at = AT(device_id) },
};
#undef AT

#define AT(member) offsetof(struct signer_keys, member)
static const struct fw_field signer_fields[] = {
	{ .key = "key", .type = FW_FIELD_TEXT, .at = AT(key), .min = 1,
	  .max = FW_TEXT_MAX, .required = true, .rule = fw_rule_key },
	{ .key = "chain", .type = FW_FIELD_TEXT, .at = AT(chain), .min = 1,
	  .max = FW_TEXT_MAX },
	{ .key = "algorithm", .type = FW_FIELD_CHOICE, .at = AT(algorithm),
	  .choice = algorithms },
};
#undef AT

#define AT(member) offsetof(struct attachment_keys, member)
static const struct fw_field attachment_fields[] = {
	{ .key = "name", .type = FW_FIELD_TEXT, .at = AT(name), .min = 1,
	  .max = FW_TEXT_MAX, .required = true, .rule = fw_rule_member },
	{ .key = "type", .type = FW_FIELD_TEXT, .at = AT(type), .min = 1,
	  .max = 255, .required = true, .rule = fw_rule_media_type },
	{ .key = "file", .type = FW_FIELD_TEXT, .at = AT(file), .min = 1,
	  .max = FW_TEXT_MAX, .required = true },
};
#undef AT

enum {
	FIELDS = sizeof fields / sizeof fields[0],
	DEVICE_FIELDS = sizeof device_fields / sizeof device_fields[0],
	SIGNER_FIELDS = sizeof signer_fields / sizeof signer_fields[0],
	ATTACHMENT_FIELDS = sizeof attachment_fields /
	    sizeof attachment_fields[0],
};

/* ---- device ---------------------------------------------------------- */

static enum fw_kind
read_device(const char *file, const struct fw_node *map,
    struct fw_descriptor *d, struct fw_error *err)
{
	struct device_keys k = { 0 };

	FW_TRY(fw_fields_read(file, map, device_fields, DEVICE_FIELDS, &k,
	    err));
	FW_TRY(fw_one_of(file, map, (const char *const[]){ "vendor-domain",
	    "vendor-id", NULL }, err));
	FW_TRY(fw_one_of(file, map, (const char *const[]){ "model",
	    "class-id", NULL }, err));
	if (k.vendor_domain != NULL)
		FW_TRY(fw_uuid_vendor(k.vendor_domain, k.vendor_id.id, err));
	if (k.model != NULL)
		FW_TRY(fw_uuid5(k.vendor_id.id, k.model, strlen(k.model),
		    k.class_id.id, err));
	memcpy(d->vendor_id, k.vendor_id.id, sizeof d->vendor_id);
	memcpy(d->class_id, k.class_id.id, sizeof d->class_id);
	memcpy(d->device_id, k.device_id.id, sizeof d->device_id);
	d->has_device_id = k.device_id.set;
	FW_TRY(fw_text_dup(k.vendor_domain, &d->vendor_domain, err));
	FW_TRY(fw_text_dup(k.vendor_name, &d->vendor_name, err));
	return fw_text_dup(k.model, &d->model, err);
}

/* ---- signers and attachments ----------------------------------------- */

static enum fw_kind
read_signer(const char *file, const struct fw_node *map,
    struct fw_signer_spec *s, struct fw_error *err)
{
	struct signer_keys k = { 0 };
	const struct fw_node *place;
	bool token;

	FW_TRY(fw_fields_read(file, map, signer_fields, SIGNER_FIELDS, &k,
	    err));
	place = fw_node_get(map, "key");
	token = fw_p11_uri_is(k.key);
	if (!token && k.chain == NULL)
		return fw_fail_node(err, file, place, "a key in a file needs "
		    "'chain' (only a token can hold the certificates)");
	s->line = place->line;
	s->column = place->column;
	s->alg = k.algorithm;
	FW_TRY(token ? fw_text_dup(k.key, &s->key, err) :
	    fw_path_resolve(file, k.key, &s->key, err));
	if (k.chain != NULL)
		FW_TRY(fw_path_resolve(file, k.chain, &s->chain, err));
	return FW_OK;
}

static enum fw_kind
read_signers(const char *file, const struct fw_node *list,
    struct fw_descriptor *d, struct fw_error *err)
{
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		struct fw_signer_spec *s = &d->signer[d->signers++];

		FW_TRY(read_signer(file, list->child[i], s, err));
		for (size_t k = 0; k + 1 < d->signers; k++)
			if (strcmp(d->signer[k].key, s->key) == 0)
				return fw_fail_at(err, FW_E_INPUT, file,
				    s->line, s->column,
				    "the same key signs twice");
	}
	return FW_OK;
}

static enum fw_kind
read_attachments(const char *file, const struct fw_node *list,
    struct fw_descriptor *d, struct fw_error *err)
{
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		const struct fw_node *const map = list->child[i], *place;
		struct fw_attachment *a = &d->attachment[d->attachments++];
		struct attachment_keys k = { 0 };

		FW_TRY(fw_fields_read(file, map, attachment_fields,
		    ATTACHMENT_FIELDS, &k, err));
		place = fw_node_get(map, "file");
		a->line = place->line;
		a->column = place->column;
		FW_TRY(fw_text_dup(k.name, &a->name, err));
		FW_TRY(fw_text_dup(k.type, &a->type, err));
		FW_TRY(fw_path_resolve(file, k.file, &a->path, err));
	}
	return FW_OK;
}

/* ---- names of members ------------------------------------------------ */

/* A name in the bundle, or in the envelope, and where it comes from. */
struct member {
	const char *name;
	unsigned line, column;
};

static const char *
without_mark(const char *name)
{
	return name[0] == '#' ? name + 1 : name;
}

static size_t
collect_members(const struct fw_descriptor *d, struct member *out)
{
	size_t n = 0;

	for (size_t i = 0; i < d->components; i++)
		for (size_t k = 0; k < d->component[i].images; k++) {
			const struct fw_image *img = &d->component[i].image[k];

			out[n++] = (struct member){ without_mark(img->name),
			    img->line, img->column };
		}
	for (size_t i = 0; i < d->attachments; i++)
		out[n++] = (struct member){ d->attachment[i].name,
		    d->attachment[i].line, d->attachment[i].column };
	return n;
}

/* All can be extracted into one folder, integrated payloads too. */
static enum fw_kind
check_members(const char *file, const struct fw_descriptor *d,
    struct fw_error *err)
{
	struct member m[FWD_COMPONENTS_MAX * FW_SLOTS_MAX +
	    FWD_ATTACHMENTS_MAX];
	const size_t n = collect_members(d, m);

	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++) {
			if (!fw_member_conflict(m[i].name, m[k].name))
				continue;
			if (strcmp(m[i].name, m[k].name) == 0)
				return fw_fail_at(err, FW_E_INPUT, file,
				    m[i].line, m[i].column, "two members have "
				    "the name '%s', the other is in line %u "
				    "(give one another 'name')", m[i].name,
				    m[k].line);
			return fw_fail_at(err, FW_E_INPUT, file, m[i].line,
			    m[i].column, "member '%s' would be a file and "
			    "a folder beside '%s' in line %u (give one "
			    "another 'name')", m[i].name, m[k].name,
			    m[k].line);
		}
	return FW_OK;
}

/* ---- the whole ------------------------------------------------------- */

static enum fw_kind
read_descriptor(const char *file, const struct fw_node *root,
    struct fw_descriptor *d, struct fw_error *err)
{
	struct keys k = { .language = "en", .digest = FWD_SHA256 };

	FW_TRY(fw_fields_version(file, root, "descriptor", "profile", err));
	FW_TRY(fw_fields_read(file, root, fields, FIELDS, &k, err));
	d->sequence_number = k.sequence_number;
	if (k.use_before != NULL)
		(void)fw_time_parse(k.use_before, &d->use_before);
	d->digest_alg = k.digest;
	FW_TRY(fw_text_dup(file, &d->path, err));
	FW_TRY(fw_text_dup(k.version, &d->version, err));
	FW_TRY(fw_text_dup(k.description, &d->description, err));
	FW_TRY(fw_text_dup(k.notes, &d->notes, err));
	FW_TRY(fw_text_dup(k.language, &d->language, err));
	FW_TRY(fw_text_dup(k.reference_uri, &d->reference_uri, err));
	FW_TRY(read_device(file, k.device, d, err));
	FW_TRY(fw_components_read(file, k.components, d, err));
	FW_TRY(read_signers(file, k.signers, d, err));
	FW_TRY(read_attachments(file, k.attachments, d, err));
	return check_members(file, d, err);
}

static void
free_node(struct fw_node **node)
{
	fw_node_free(*node);
}

enum fw_kind
fw_descriptor_read(const char *file, const struct fw_node *root,
    const struct fw_set *set, struct fw_descriptor *out, struct fw_error *err)
{
	static const struct fw_set nothing = { 0 };
	FW_CLEANUP(free_node) struct fw_node *own = NULL;
	FW_CLEANUP(fw_descriptor_deinit) struct fw_descriptor d = { 0 };

	FW_TRY(fw_yaml_replace(file, root, set == NULL ? &nothing : set, &own,
	    err));
	FW_TRY(read_descriptor(file, own, &d, err));
	*out = d;
	d = (struct fw_descriptor){ 0 };
	return FW_OK;
}

enum fw_kind
fw_descriptor_load(const char *path, const struct fw_set *set,
    struct fw_descriptor *out, struct fw_error *err)
{
	FW_CLEANUP(free_node) struct fw_node *root = NULL;

	FW_TRY(fw_yaml_load(path, &root, err));
	return fw_descriptor_read(path, root, set, out, err);
}

void
fw_descriptor_deinit(struct fw_descriptor *d)
{
	free(d->path);
	free(d->vendor_domain);
	free(d->vendor_name);
	free(d->model);
	free(d->version);
	free(d->description);
	free(d->notes);
	free(d->language);
	free(d->reference_uri);
	for (size_t i = 0; i < d->components; i++)
		fw_component_deinit(&d->component[i]);
	for (size_t i = 0; i < d->signers; i++) {
		free(d->signer[i].key);
		free(d->signer[i].chain);
	}
	for (size_t i = 0; i < d->attachments; i++) {
		free(d->attachment[i].name);
		free(d->attachment[i].type);
		free(d->attachment[i].path);
	}
	*d = (struct fw_descriptor){ 0 };
}
