/* SPDX-License-Identifier: Apache-2.0 */
/* The components of a descriptor: what is installed where, from which file. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "host/fields.h"
#include "host/internal.h"

#define ADDRESS_MAX	UINT32_MAX
#define SLOT_MAX	255u

enum { NOT_GIVEN = -1 };
enum { DIRECT, STAGED };
enum { MEMBER, INTEGRATED };

/* A component as it is written; all is borrowed from the document. */
struct keys {
	const struct fw_node *id, *staging, *slots, *ignore;
	const char *description, *version, *invoke_args;
	const char *file, *name;
	int32_t format, payload, install;
	bool invoke;
	uint64_t fill, base, max_size;
};

/* One entry of its slots. */
struct slot_keys {
	const char *file, *name;
	uint64_t slot, base;
};

static const struct fw_choice formats[] = {
	{ "raw", FW_RAW }, { "intel-hex", FW_INTEL_HEX },
	{ "trust-anchors", FW_TRUST_ANCHORS },
	{ "revocations", FW_REVOCATIONS }, { NULL, 0 },
};
static const struct fw_choice payloads[] = {
	{ "member", MEMBER }, { "integrated", INTEGRATED }, { NULL, 0 },
};
static const struct fw_choice installs[] = {
	{ "direct", DIRECT }, { "staged", STAGED }, { NULL, 0 },
};

#define AT(member) offsetof(struct keys, member)
static const struct fw_field fields[] = {
	{ .key = "id", .type = FW_FIELD_NODE, .at = AT(id),
	  .required = true },
	{ .key = "description", .type = FW_FIELD_LINES,
	  .at = AT(description), .min = 1, .max = FW_TEXT_MAX },
	{ .key = "version", .type = FW_FIELD_TEXT, .at = AT(version),
	  .min = 1, .max = 64 },
	{ .key = "file", .type = FW_FIELD_TEXT, .at = AT(file), .min = 1,
	  .max = FW_TEXT_MAX },
	{ .key = "format", .type = FW_FIELD_CHOICE, .at = AT(format),
	  .choice = formats },
	{ .key = "fill", .type = FW_FIELD_UINT, .at = AT(fill), .max = 255 },
	{ .key = "base", .type = FW_FIELD_UINT, .at = AT(base),
	  .max = ADDRESS_MAX },
	{ .key = "ignore", .type = FW_FIELD_LIST, .at = AT(ignore), .min = 1,
	  .max = FW_AREAS_MAX },
	{ .key = "max-size", .type = FW_FIELD_UINT, .at = AT(max_size),
	  .min = 1, .max = INT64_MAX },
	{ .key = "name", .type = FW_FIELD_TEXT, .at = AT(name), .min = 1,
	  .max = FW_TEXT_MAX, .rule = fw_rule_member },
	{ .key = "payload", .type = FW_FIELD_CHOICE, .at = AT(payload),
	  .choice = payloads },
	{ .key = "install", .type = FW_FIELD_CHOICE, .at = AT(install),
	  .choice = installs },
	{ .key = "staging", .type = FW_FIELD_NODE, .at = AT(staging) },
	{ .key = "invoke", .type = FW_FIELD_BOOL, .at = AT(invoke) },
	{ .key = "invoke-args", .type = FW_FIELD_TEXT, .at = AT(invoke_args),
	  .min = 1, .max = FW_TEXT_MAX },
	{ .key = "slots", .type = FW_FIELD_LIST, .at = AT(slots), .min = 2,
	  .max = FW_SLOTS_MAX },
};
#undef AT

#define AT(member) offsetof(struct slot_keys, member)
static const struct fw_field slot_fields[] = {
	{ .key = "slot", .type = FW_FIELD_UINT, .at = AT(slot),
	  .max = SLOT_MAX, .required = true },
	{ .key = "file", .type = FW_FIELD_TEXT, .at = AT(file), .min = 1,
	  .max = FW_TEXT_MAX, .required = true },
	{ .key = "base", .type = FW_FIELD_UINT, .at = AT(base),
	  .max = ADDRESS_MAX },
	{ .key = "name", .type = FW_FIELD_TEXT, .at = AT(name), .min = 1,
	  .max = FW_TEXT_MAX, .rule = fw_rule_member },
};
#undef AT

#define AT(member) offsetof(struct fw_area, member)
static const struct fw_field area_fields[] = {
	{ .key = "from", .type = FW_FIELD_UINT, .at = AT(from),
	  .max = ADDRESS_MAX, .required = true },
	{ .key = "to", .type = FW_FIELD_UINT, .at = AT(to),
	  .max = ADDRESS_MAX, .required = true },
};
#undef AT

enum {
	FIELDS = sizeof fields / sizeof fields[0],
	SLOT_FIELDS = sizeof slot_fields / sizeof slot_fields[0],
	AREA_FIELDS = sizeof area_fields / sizeof area_fields[0],
};

/* Where a message about a file belongs: node is the map that names it. */
static const struct fw_node *
file_place(const struct fw_node *map)
{
	return fw_node_get(map, "file");
}

/* The length of the suffix if it is there, in any letter case, or 0. */
static size_t
has_suffix(const char *file, const char *suffix)
{
	const size_t n = strlen(file), s = strlen(suffix);

	return n > s && strcasecmp(file + n - s, suffix) == 0 ? s : 0;
}

static size_t
hex_suffix(const char *file)
{
	return has_suffix(file, ".hex") + has_suffix(file, ".ihex");
}

/* What comes in place of the last *cut characters of the file's name. */
static const char *
image_suffix(int32_t format, const char *file, size_t *cut)
{
	*cut = 0;
	if (format == FW_INTEL_HEX)
		*cut = hex_suffix(file);
	else if (format == FW_TRUST_ANCHORS)
		*cut = has_suffix(file, ".pem");
	return *cut == 0 ? "" : format == FW_INTEL_HEX ? ".bin" : ".der";
}

/* The member's name when none is given. */
static enum fw_kind
default_name(const char *file, const struct fw_node *place,
    const struct fw_image *img, const char *image_file, char **out,
    struct fw_error *err)
{
	const char *slash = strrchr(image_file, '/');
	const char *const base = slash == NULL ? image_file : slash + 1;
	size_t cut;
	const char *const suffix = image_suffix((int32_t)img->format, base,
	    &cut);
	FW_FREE char *name = NULL;

	if (asprintf(&name, "%.*s%s", (int)(strlen(base) - cut), base,
	    suffix) < 0) {
		name = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	if (fw_rule_member(name) != NULL)
		return fw_fail_node(err, file, place, "'%s' cannot be the "
		    "name of a member (give one with 'name')", name);
	*out = name;
	name = NULL;
	return FW_OK;
}

/* The envelope's key of an integrated payload is "#name". */
static enum fw_kind
set_name(struct fw_image *img, bool integrated, char *name,
    struct fw_error *err)
{
	FW_FREE char *owned = name;

	if (integrated && asprintf(&img->name, "#%s", name) < 0) {
		img->name = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	if (!integrated) {
		img->name = owned;
		owned = NULL;
	}
	return FW_OK;
}

static enum fw_kind
read_areas(const char *file, const struct fw_node *list, struct fw_image *img,
    struct fw_error *err)
{
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		struct fw_area *area = &img->ignore[img->ignores];

		FW_TRY(fw_fields_read(file, list->child[i], area_fields,
		    AREA_FIELDS, area, err));
		if (area->from > area->to)
			return fw_fail_node(err, file,
			    fw_node_get(list->child[i], "to"),
			    "'to' must not be less than 'from'");
		img->ignores++;
	}
	return FW_OK;
}

/* One file; map is the one that names it, of the component or of a slot. */
static enum fw_kind
read_image(const char *file, const struct fw_node *map, const struct keys *k,
    const struct slot_keys *s, struct fw_image *img, struct fw_error *err)
{
	const struct fw_node *const place = file_place(map);
	char *name = NULL;

	if (k->format == NOT_GIVEN && hex_suffix(s->file) != 0)
		return fw_fail_node(err, file, place, "'%s' looks like Intel "
		    "HEX (say 'format: intel-hex' or 'format: raw')",
		    s->file);
	img->format = k->format == NOT_GIVEN ? FW_RAW :
	    (enum fw_format)k->format;
	img->slot = s->slot;
	img->fill = (uint8_t)k->fill;
	img->has_base = fw_node_get(map, "base") != NULL;
	img->base = s->base;
	img->line = place->line;
	img->column = place->column;
	FW_TRY(read_areas(file, k->ignore, img, err));
	FW_TRY(fw_path_resolve(file, s->file, &img->path, err));
	if (s->name != NULL)
		FW_TRY(fw_text_dup(s->name, &name, err));
	else
		FW_TRY(default_name(file, place, img, s->file, &name, err));
	return set_name(img, k->payload == INTEGRATED, name, err);
}

static enum fw_kind
read_slot(const char *file, const struct fw_node *map, const struct keys *k,
    struct fw_component *c, struct fw_error *err)
{
	struct slot_keys s = { 0 };

	FW_TRY(fw_fields_read(file, map, slot_fields, SLOT_FIELDS, &s, err));
	if (k->format != FW_INTEL_HEX && fw_node_get(map, "base") != NULL)
		return fw_fail_node(err, file, fw_node_key(map, "base"),
		    "'base' needs 'format: intel-hex'");
	for (size_t i = 0; i < c->images; i++)
		if (c->image[i].slot == s.slot)
			return fw_fail_node(err, file,
			    fw_node_get(map, "slot"),
			    "slot %llu is there twice",
			    (unsigned long long)s.slot);
	return read_image(file, map, k, &s, &c->image[c->images++], err);
}

/* A list of anchors or of revoked keys, which is no program. */
static bool
is_list(const struct keys *k)
{
	return k->format == FW_TRUST_ANCHORS || k->format == FW_REVOCATIONS;
}

/* Refuse keys that stand beside others they contradict or that they need. */
static enum fw_kind
check_keys(const char *file, const struct fw_node *map, const struct keys *k,
    struct fw_error *err)
{
	static const char *const of_hex[] = { "fill", "base", "ignore" };
	static const char *const of_slot[] = { "file", "name", "base" };

	if (k->file == NULL && k->slots == NULL)
		return fw_fail_node(err, file, map,
		    "key 'file' is missing (or 'slots')");
	for (size_t i = 0; k->slots != NULL && i < 3; i++)
		if (fw_node_get(map, of_slot[i]) != NULL)
			return fw_fail_node(err, file,
			    fw_node_key(map, of_slot[i]),
			    "'%s' cannot stand beside 'slots' (move it into "
			    "each slot)", of_slot[i]);
	for (size_t i = 0; k->format != FW_INTEL_HEX && i < 3; i++)
		if (fw_node_get(map, of_hex[i]) != NULL)
			return fw_fail_node(err, file,
			    fw_node_key(map, of_hex[i]),
			    "'%s' needs 'format: intel-hex'", of_hex[i]);
	if (k->install == STAGED && k->slots != NULL)
		return fw_fail_node(err, file, fw_node_key(map, "install"),
		    "a component with slots cannot be staged (the slot that "
		    "is not in use takes the place of the staging area)");
	if (k->install == STAGED && k->staging == NULL)
		return fw_fail_node(err, file, fw_node_key(map, "install"),
		    "'install: staged' needs 'staging' (the identifier of "
		    "the component it is fetched into)");
	if (k->install != STAGED && k->staging != NULL)
		return fw_fail_node(err, file, fw_node_key(map, "staging"),
		    "'staging' needs 'install: staged'");
	if (k->invoke_args != NULL && !k->invoke)
		return fw_fail_node(err, file,
		    fw_node_key(map, "invoke-args"),
		    "'invoke-args' needs 'invoke: true'");
	if (is_list(k) && k->invoke)
		return fw_fail_node(err, file, fw_node_key(map, "invoke"),
		    "a list cannot be started");
	return FW_OK;
}

static enum fw_kind
read_staging(const char *file, const struct fw_node *node,
    struct fw_component *c, struct fw_error *err)
{
	FW_FREE char *label = NULL;

	if (node == NULL)
		return FW_OK;
	c->staged = true;
	return fw_component_id_read(file, node, "staging", c->staging_id,
	    &c->staging_id_n, &label, err);
}

static enum fw_kind
read_component(const char *file, const struct fw_node *map,
    struct fw_component *c, struct fw_error *err)
{
	struct keys k = { .format = NOT_GIVEN, .fill = 0xff };

	FW_TRY(fw_fields_read(file, map, fields, FIELDS, &k, err));
	FW_TRY(check_keys(file, map, &k, err));
	FW_TRY(fw_component_id_read(file, k.id, "id", c->id, &c->id_n,
	    &c->label, err));
	FW_TRY(read_staging(file, k.staging, c, err));
	FW_TRY(fw_text_dup(k.description, &c->description, err));
	FW_TRY(fw_text_dup(k.version, &c->version, err));
	if (k.invoke_args != NULL)
		FW_TRY(fw_buf_add(&c->invoke_args, k.invoke_args,
		    strlen(k.invoke_args), err));
	c->invoke = k.invoke;
	c->integrated = k.payload == INTEGRATED;
	c->max_size = k.max_size;
	if (k.slots == NULL) {
		const struct slot_keys s = {
			.file = k.file, .name = k.name, .base = k.base,
		};

		return read_image(file, map, &k, &s, &c->image[c->images++],
		    err);
	}
	c->slotted = true;
	for (size_t i = 0; i < k.slots->n; i++)
		FW_TRY(read_slot(file, k.slots->child[i], &k, c, err));
	return FW_OK;
}

/* Does a component have this identifier, its own or of its staging area? */
static bool
has_id(const struct fw_component *c, const uint8_t *id, size_t n)
{
	return (c->id_n == n && memcmp(c->id, id, n) == 0) ||
	    (c->staged && c->staging_id_n == n &&
	    memcmp(c->staging_id, id, n) == 0);
}

/* All identifiers differ, and there are not too many. */
static enum fw_kind
check_id(const char *file, const struct fw_node *map,
    const struct fw_descriptor *d, size_t *ids, struct fw_error *err)
{
	const struct fw_component *c = &d->component[d->components - 1];

	*ids += c->staged ? 2 : 1;
	if (*ids > FWD_COMPONENTS_MAX)
		return fw_fail_node(err, file, map, "more than %u components "
		    "with the staging areas", FWD_COMPONENTS_MAX);
	if (c->staged && c->id_n == c->staging_id_n &&
	    memcmp(c->id, c->staging_id, c->id_n) == 0)
		return fw_fail_node(err, file, fw_node_get(map, "staging"),
		    "a component cannot be its own staging area");
	for (size_t i = 0; i + 1 < d->components; i++) {
		if (has_id(&d->component[i], c->id, c->id_n))
			return fw_fail_node(err, file, fw_node_get(map, "id"),
			    "component '%s' is there twice", c->label);
		if (c->staged && has_id(&d->component[i], c->staging_id,
		    c->staging_id_n))
			return fw_fail_node(err, file,
			    fw_node_get(map, "staging"), "the staging area is "
			    "another component already");
	}
	return FW_OK;
}

/*
 * If nothing is said about it, the first component that is no list is the one
 * to start.
 */
static void
default_invoke(struct fw_descriptor *d, const struct fw_node *list)
{
	size_t first = d->components;

	for (size_t i = d->components; i-- > 0;) {
		const enum fw_format f = d->component[i].image[0].format;

		if (d->component[i].invoke)
			return;
		if (f != FW_TRUST_ANCHORS && f != FW_REVOCATIONS)
			first = i;
	}
	if (first < d->components &&
	    fw_node_get(list->child[first], "invoke") == NULL)
		d->component[first].invoke = true;
}

enum fw_kind
fw_components_read(const char *file, const struct fw_node *list,
    struct fw_descriptor *d, struct fw_error *err)
{
	size_t ids = 0;

	for (size_t i = 0; i < list->n; i++) {
		FW_TRY(read_component(file, list->child[i],
		    &d->component[d->components++], err));
		FW_TRY(check_id(file, list->child[i], d, &ids, err));
	}
	default_invoke(d, list);
	return FW_OK;
}

void
fw_component_deinit(struct fw_component *c)
{
	free(c->label);
	free(c->description);
	free(c->version);
	fw_buf_deinit(&c->invoke_args);
	for (size_t i = 0; i < c->images; i++) {
		free(c->image[i].path);
		free(c->image[i].name);
	}
	*c = (struct fw_component){ 0 };
}
