/* SPDX-License-Identifier: Apache-2.0 */
/* The device profile: schemas/profile.schema.json says the same. */
#include <string.h>

#include "device/fwslots.h"
#include "host/fields.h"
#include "host/internal.h"
#include "host/profile_internal.h"

#define VENDORS_MAX	(sizeof ((struct fw_profile *)0)->vendor_id / 16)
#define CLASSES_MAX	(sizeof ((struct fw_profile *)0)->class_id / 16)
#define SLOTS_MAX	256u
#define N(table)	(sizeof (table) / sizeof (table)[0])

/* The document as it is written; all is borrowed from it. */
struct keys {
	const struct fw_node *device, *trust, *clock, *allow, *state;
	const struct fw_node *components;
	uint64_t format, sequence_number;
	int32_t boot;
};

struct device_keys {
	const char *vendor_domain, *model;
	struct fw_uuid vendor_id, class_id, device_id;
	const struct fw_node *vendor_ids, *class_ids;
};

struct clock_keys {
	int32_t source, use_before;
	const char *not_before;
};

struct component_keys {
	const struct fw_node *id;
	uint64_t size, slots, slot;
	const char *version;
	int32_t kind;
};

static const struct fw_choice sources[] = {
	{ "none", FWD_CLOCK_NONE }, { "trusted", FWD_CLOCK_TRUSTED },
	{ NULL, 0 },
};

/* What becomes of a use-before that nobody can judge. */
enum { REFUSE = 1, IGNORE };
static const struct fw_choice unjudged[] = {
	{ "refuse", REFUSE }, { "ignore", IGNORE }, { NULL, 0 },
};

static const struct fw_choice boots[] = {
	{ "fast", FWD_BOOT_FAST }, { "full", FWD_BOOT_FULL }, { NULL, 0 },
};

/* What manifests may have if the device allows it. */
static const struct fw_choice allowed[] = {
	{ "swap", FWD_ALLOW_SWAP }, { "unordered", FWD_ALLOW_UNORDERED },
	{ NULL, 0 },
};

static const struct fw_choice kinds[] = {
	{ "image", FWD_KIND_IMAGE }, { "trust-anchors", FWD_KIND_ANCHORS },
	{ "revocations", FWD_KIND_REVOCATIONS }, { NULL, 0 },
};

static const char *
rule_time(const char *text)
{
	int64_t t;

	return fw_time_parse(text, &t) ? NULL :
	    "must be a time like 2026-01-31T12:00:00Z";
}

#define AT(member) offsetof(struct keys, member)
static const struct fw_field fields[] = {
	{ .key = "profile", .type = FW_FIELD_UINT, .at = AT(format),
	  .min = 1, .max = 1, .required = true },
	{ .key = "device", .type = FW_FIELD_MAP, .at = AT(device),
	  .required = true },
	{ .key = "sequence-number", .type = FW_FIELD_UINT,
	  .at = AT(sequence_number), .max = INT64_MAX },
	{ .key = "trust", .type = FW_FIELD_MAP, .at = AT(trust),
	  .required = true },
	{ .key = "clock", .type = FW_FIELD_MAP, .at = AT(clock),
	  .required = true },
	{ .key = "boot", .type = FW_FIELD_CHOICE, .at = AT(boot),
	  .choice = boots },
	{ .key = "allow", .type = FW_FIELD_LIST, .at = AT(allow), .min = 1,
	  .max = N(allowed) - 1 },
	{ .key = "state", .type = FW_FIELD_MAP, .at = AT(state) },
	{ .key = "components", .type = FW_FIELD_LIST, .at = AT(components),
	  .min = 1, .max = FWD_COMPONENTS_MAX, .required = true },
};
#undef AT

#define AT(member) offsetof(struct device_keys, member)
static const struct fw_field device_fields[] = {
	{ .key = "vendor-domain", .type = FW_FIELD_TEXT,
	  .at = AT(vendor_domain), .min = 1, .max = 253,
	  .rule = fw_rule_domain },
	{ .key = "vendor-id", .type = FW_FIELD_UUID, .at = AT(vendor_id) },
	{ .key = "vendor-ids", .type = FW_FIELD_LIST, .at = AT(vendor_ids),
	  .min = 1, .max = VENDORS_MAX },
	{ .key = "model", .type = FW_FIELD_TEXT, .at = AT(model), .min = 1,
	  .max = FW_TEXT_MAX },
	{ .key = "class-id", .type = FW_FIELD_UUID, .at = AT(class_id) },
	{ .key = "class-ids", .type = FW_FIELD_LIST, .at = AT(class_ids),
	  .min = 1, .max = CLASSES_MAX },
	{ .key = "device-id", .type = FW_FIELD_UUID, .at = AT(device_id) },
};
#undef AT

#define AT(member) offsetof(struct clock_keys, member)
static const struct fw_field clock_fields[] = {
	{ .key = "source", .type = FW_FIELD_CHOICE, .at = AT(source),
	  .choice = sources, .required = true },
	{ .key = "not-before", .type = FW_FIELD_TEXT, .at = AT(not_before),
	  .min = 1, .max = FW_TEXT_MAX, .rule = rule_time },
	{ .key = "use-before", .type = FW_FIELD_CHOICE, .at = AT(use_before),
	  .choice = unjudged },
};
#undef AT

#define AT(member) offsetof(struct component_keys, member)
static const struct fw_field component_fields[] = {
	{ .key = "id", .type = FW_FIELD_NODE, .at = AT(id),
	  .required = true },
	{ .key = "size", .type = FW_FIELD_UINT, .at = AT(size), .min = 1,
	  .max = INT64_MAX, .required = true },
	{ .key = "slots", .type = FW_FIELD_UINT, .at = AT(slots), .min = 1,
	  .max = SLOTS_MAX },
	{ .key = "slot", .type = FW_FIELD_UINT, .at = AT(slot),
	  .max = SLOTS_MAX - 1 },
	{ .key = "kind", .type = FW_FIELD_CHOICE, .at = AT(kind),
	  .choice = kinds },
	{ .key = "version", .type = FW_FIELD_TEXT, .at = AT(version),
	  .min = 1, .max = FW_TEXT_MAX, .rule = fw_rule_version },
};
#undef AT

/* A list of UUIDs, all different. */
static enum fw_kind
read_uuids(const char *file, const struct fw_node *list, const char *key,
    uint8_t (*out)[16], size_t *n, struct fw_error *err)
{
	const struct fw_field field = { .key = key, .type = FW_FIELD_UUID };
	struct fw_uuid uuid;

	for (size_t i = 0; i < list->n; i++) {
		FW_TRY(fw_field_read(file, list->child[i], &field, &uuid,
		    err));
		for (size_t k = 0; k < i; k++)
			if (memcmp(out[k], uuid.id, 16) == 0)
				return fw_fail_node(err, file, list->child[i],
				    "'%s' has a UUID twice", key);
		memcpy(out[i], uuid.id, 16);
	}
	*n = list->n;
	return FW_OK;
}

static enum fw_kind
read_vendor(const char *file, const struct device_keys *k,
    struct fw_profile *p, struct fw_error *err)
{
	if (k->vendor_ids != NULL)
		return read_uuids(file, k->vendor_ids, "vendor-ids",
		    p->vendor_id, &p->vendors, err);
	p->vendors = 1;
	if (k->vendor_domain != NULL)
		return fw_uuid_vendor(k->vendor_domain, p->vendor_id[0], err);
	memcpy(p->vendor_id[0], k->vendor_id.id, 16);
	return FW_OK;
}

static enum fw_kind
read_class(const char *file, const struct fw_node *map,
    const struct device_keys *k, struct fw_profile *p, struct fw_error *err)
{
	if (k->class_ids != NULL)
		return read_uuids(file, k->class_ids, "class-ids",
		    p->class_id, &p->classes, err);
	p->classes = 1;
	if (k->model == NULL) {
		memcpy(p->class_id[0], k->class_id.id, 16);
		return FW_OK;
	}
	if (k->vendor_ids != NULL)
		return fw_fail_node(err, file, fw_node_key(map, "model"),
		    "'model' needs one vendor ('vendor-domain' or "
		    "'vendor-id'; or give 'class-ids')");
	return fw_uuid5(p->vendor_id[0], k->model, strlen(k->model),
	    p->class_id[0], err);
}

static enum fw_kind
read_device(const char *file, const struct fw_node *map, struct fw_profile *p,
    struct fw_error *err)
{
	struct device_keys k = { 0 };

	FW_TRY(fw_fields_read(file, map, device_fields, N(device_fields), &k,
	    err));
	FW_TRY(fw_one_of(file, map, (const char *const[]){ "vendor-domain",
	    "vendor-id", "vendor-ids", NULL }, err));
	FW_TRY(fw_one_of(file, map, (const char *const[]){ "model",
	    "class-id", "class-ids", NULL }, err));
	FW_TRY(read_vendor(file, &k, p, err));
	FW_TRY(read_class(file, map, &k, p, err));
	p->has_device_id = k.device_id.set;
	memcpy(p->device_id, k.device_id.id, 16);
	return FW_OK;
}

static enum fw_kind
read_clock(const char *file, const struct fw_node *map, struct fw_profile *p,
    struct fw_error *err)
{
	struct clock_keys k = { 0 };

	FW_TRY(fw_fields_read(file, map, clock_fields, N(clock_fields), &k,
	    err));
	if (k.use_before != 0 && k.source != FWD_CLOCK_NONE)
		return fw_fail_node(err, file, fw_node_key(map, "use-before"),
		    "'use-before' is for devices without a clock (with "
		    "'source: none')");
	p->untimed = k.use_before == IGNORE;
	p->clock = (uint32_t)k.source;
	p->time_min = INT64_MIN;
	if (k.not_before != NULL)
		(void)fw_time_parse(k.not_before, &p->time_min);
	return FW_OK;
}

/* A list of names, all different. */
static enum fw_kind
read_allow(const char *file, const struct fw_node *list,
    struct fw_profile *p, struct fw_error *err)
{
	static const struct fw_field field = { .key = "allow",
	    .type = FW_FIELD_CHOICE, .choice = allowed };
	int32_t flag;

	for (size_t i = 0; list != NULL && i < list->n; i++) {
		FW_TRY(fw_field_read(file, list->child[i], &field, &flag,
		    err));
		if ((p->allow & (uint32_t)flag) != 0)
			return fw_fail_node(err, file, list->child[i],
			    "'allow' has a name twice");
		p->allow |= (uint32_t)flag;
	}
	return FW_OK;
}

/* Lists of a kind are in one component, and of a size that RAM may have. */
static enum fw_kind
check_kind(const char *file, const struct fw_node *map,
    const struct fw_profile *p, struct fw_error *err)
{
	const struct fw_profile_component *const c =
	    &p->component[p->components - 1];

	if (c->kind == FWD_KIND_IMAGE)
		return FW_OK;
	for (size_t i = 0; i + 1 < p->components; i++)
		if (p->component[i].kind == c->kind)
			return fw_fail_node(err, file, fw_node_get(map,
			    "kind"), "component '%s' is of this kind already",
			    p->component[i].label);
	if (c->size > FW_PROFILE_LIST_MAX)
		return fw_fail_node(err, file, fw_node_get(map, "size"),
		    "'size' must be at most %u for lists",
		    FW_PROFILE_LIST_MAX);
	if (c->kind == FWD_KIND_REVOCATIONS && p->revokers == 0)
		return fw_fail_node(err, file, fw_node_get(map, "kind"),
		    "no anchor signs revocation lists (name one in "
		    "'revocations' of 'trust')");
	return FW_OK;
}

static enum fw_kind
read_component(const char *file, const struct fw_node *map,
    struct fw_profile *p, struct fw_error *err)
{
	struct fw_profile_component *c = &p->component[p->components++];
	struct component_keys k = { .slots = 1 };

	FW_TRY(fw_fields_read(file, map, component_fields,
	    N(component_fields), &k, err));
	FW_TRY(fw_component_id_read(file, k.id, "id", c->id, &c->id_n,
	    &c->label, err));
	if (k.slot >= k.slots)
		return fw_fail_node(err, file, fw_node_get(map, "slot"),
		    "'slot' must be less than 'slots', which is %llu "
		    "(slots are counted from 0)", (unsigned long long)k.slots);
	c->size = k.size;
	c->kind = (uint32_t)k.kind;
	c->slots = k.slots;
	c->slot = k.slot;
	if (k.version != NULL)
		p->state.told = fw_version_parse(k.version, &c->version);
	for (size_t i = 0; i + 1 < p->components; i++)
		if (p->component[i].id_n == c->id_n &&
		    memcmp(p->component[i].id, c->id, c->id_n) == 0)
			return fw_fail_node(err, file, k.id,
			    "component '%s' is there twice", c->label);
	return check_kind(file, map, p, err);
}

static enum fw_kind
read_profile(const char *file, const struct fw_node *root,
    struct fw_profile *p, struct fw_error *err)
{
	struct keys k = { .boot = FWD_BOOT_FULL };

	FW_TRY(fw_fields_version(file, root, "profile", "descriptor", err));
	FW_TRY(fw_fields_read(file, root, fields, N(fields), &k, err));
	p->sequence_number = k.sequence_number;
	p->boot = (uint32_t)k.boot;
	FW_TRY(fw_text_dup(file, &p->path, err));
	FW_TRY(read_device(file, k.device, p, err));
	FW_TRY(fw_profile_trust_read(file, k.trust, p, err));
	FW_TRY(read_clock(file, k.clock, p, err));
	FW_TRY(read_allow(file, k.allow, p, err));
	FW_TRY(fw_profile_state_read(file, k.state, &p->state, err));
	for (size_t i = 0; i < k.components->n; i++)
		FW_TRY(read_component(file, k.components->child[i], p, err));
	return fw_profile_rights_read(file, k.trust, p, err);
}

static void
free_node(struct fw_node **node)
{
	fw_node_free(*node);
}

enum fw_kind
fw_profile_load(const char *path, struct fw_profile *out,
    struct fw_error *err)
{
	FW_CLEANUP(free_node) struct fw_node *root = NULL;
	FW_CLEANUP(fw_profile_deinit) struct fw_profile p = { 0 };

	/* A profile is what a device is; nothing is filled in from outside. */
	FW_TRY(fw_yaml_load(path, &root, err));
	FW_TRY(read_profile(path, root, &p, err));
	*out = p;
	p = (struct fw_profile){ 0 };
	return FW_OK;
}

void
fw_profile_deinit(struct fw_profile *p)
{
	free(p->path);
	for (size_t i = 0; i < p->anchors; i++) {
		free(p->anchor_path[i]);
		free(p->anchor_name[i]);
	}
	for (size_t i = 0; i < p->components; i++)
		free(p->component[i].label);
	*p = (struct fw_profile){ 0 };
}
