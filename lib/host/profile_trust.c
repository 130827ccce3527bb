/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a device trusts with what: 'trust' of the device profile. */
#include <string.h>

#include "host/fields.h"
#include "host/internal.h"
#include "host/profile_internal.h"

#define NAME_MAX_	64u
#define N(table) (sizeof (table) / sizeof (table)[0])

struct trust_keys {
	const struct fw_node *anchors, *rules, *rights, *revocations;
	uint64_t signatures;
};

struct anchor_keys {
	const char *name, *file;
};

struct rule_keys {
	const struct fw_node *of;
	uint64_t at_least;
	int32_t distinct;
};

struct right_keys {
	const struct fw_node *component, *anchors;
};

static const struct fw_choice distinct[] = {
	{ "anchors", FWD_DISTINCT_ANCHORS }, { "keys", FWD_DISTINCT_KEYS },
	{ NULL, 0 },
};

static const char *
rule_name(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")] == '\0' ? NULL :
	    "must be made of A-Z, a-z, 0-9, '.', '_', '+' and '-'";
}

#define AT(member) offsetof(struct trust_keys, member)
static const struct fw_field trust_fields[] = {
	{ .key = "anchors", .type = FW_FIELD_LIST, .at = AT(anchors),
	  .min = 1, .max = FWD_ANCHORS_MAX, .required = true },
	{ .key = "signatures", .type = FW_FIELD_UINT, .at = AT(signatures),
	  .min = 1, .max = FWD_AUTH_MAX },
	{ .key = "rules", .type = FW_FIELD_LIST, .at = AT(rules),
	  .min = 1, .max = FWD_RULES_MAX },
	{ .key = "rights", .type = FW_FIELD_LIST, .at = AT(rights),
	  .min = 1, .max = FWD_COMPONENTS_MAX },
	{ .key = "revocations", .type = FW_FIELD_LIST, .at = AT(revocations),
	  .min = 1, .max = FWD_ANCHORS_MAX },
};
#undef AT

#define AT(member) offsetof(struct anchor_keys, member)
static const struct fw_field anchor_fields[] = {
	{ .key = "name", .type = FW_FIELD_TEXT, .at = AT(name), .min = 1,
	  .max = NAME_MAX_, .rule = rule_name, .required = true },
	{ .key = "file", .type = FW_FIELD_TEXT, .at = AT(file), .min = 1,
	  .max = FW_TEXT_MAX, .required = true },
};
#undef AT

#define AT(member) offsetof(struct rule_keys, member)
static const struct fw_field rule_fields[] = {
	{ .key = "at-least", .type = FW_FIELD_UINT, .at = AT(at_least),
	  .min = 1, .max = FWD_AUTH_MAX, .required = true },
	{ .key = "of", .type = FW_FIELD_LIST, .at = AT(of), .min = 1,
	  .max = FWD_ANCHORS_MAX, .required = true },
	{ .key = "distinct", .type = FW_FIELD_CHOICE, .at = AT(distinct),
	  .choice = distinct },
};
#undef AT

#define AT(member) offsetof(struct right_keys, member)
static const struct fw_field right_fields[] = {
	{ .key = "component", .type = FW_FIELD_NODE, .at = AT(component),
	  .required = true },
	{ .key = "anchors", .type = FW_FIELD_LIST, .at = AT(anchors),
	  .min = 1, .max = FWD_ANCHORS_MAX, .required = true },
};
#undef AT

/* ---- anchors --------------------------------------------------------- */

/* A path, or a map with a name for it. */
static enum fw_kind
read_anchor(const char *file, const struct fw_node *at, struct fw_profile *p,
    struct fw_error *err)
{
	static const struct fw_field path = {
		.key = "anchors", .type = FW_FIELD_TEXT, .min = 1,
		.max = FW_TEXT_MAX,
	};
	const size_t n = p->anchors++;
	struct anchor_keys k = { 0 };

	if (at->type == FW_MAP)
		FW_TRY(fw_fields_read(file, at, anchor_fields,
		    N(anchor_fields), &k, err));
	else
		FW_TRY(fw_field_read(file, at, &path, &k.file, err));
	FW_TRY(fw_path_resolve(file, k.file, &p->anchor_path[n], err));
	FW_TRY(fw_text_dup(k.name, &p->anchor_name[n], err));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(p->anchor_path[i], p->anchor_path[n]) == 0)
			return fw_fail_node(err, file, at,
			    "'anchors' has '%s' twice", k.file);
		if (k.name != NULL && p->anchor_name[i] != NULL &&
		    strcmp(p->anchor_name[i], k.name) == 0)
			return fw_fail_node(err, file, at,
			    "two anchors have the name '%s'", k.name);
	}
	return FW_OK;
}

/* A list of names, each once, as a set of anchors. */
static enum fw_kind
read_names(const char *file, const struct fw_node *list, const char *key,
    const struct fw_profile *p, uint32_t *set, struct fw_error *err)
{
	const struct fw_field field = { .key = key, .type = FW_FIELD_TEXT,
	    .min = 1, .max = NAME_MAX_, .rule = rule_name };
	const char *name;
	size_t a;

	*set = 0;
	for (size_t i = 0; i < list->n; i++) {
		FW_TRY(fw_field_read(file, list->child[i], &field, &name,
		    err));
		for (a = 0; a < p->anchors; a++)
			if (p->anchor_name[a] != NULL &&
			    strcmp(p->anchor_name[a], name) == 0)
				break;
		if (a == p->anchors)
			return fw_fail_node(err, file, list->child[i],
			    "no anchor has the name '%s' (name it: "
			    "'{name: %s, file: ...}')", name, name);
		if ((*set >> a & 1u) != 0)
			return fw_fail_node(err, file, list->child[i],
			    "'%s' has '%s' twice", key, name);
		*set |= (uint32_t)1 << a;
	}
	return FW_OK;
}

/* ---- rules and rights ------------------------------------------------- */

static enum fw_kind
read_rule(const char *file, const struct fw_node *map, struct fw_profile *p,
    struct fw_error *err)
{
	struct rule_keys k = { .distinct = FWD_DISTINCT_ANCHORS };
	struct fwd_rule *const rule = &p->rule[p->rules++];

	FW_TRY(fw_fields_read(file, map, rule_fields, N(rule_fields), &k,
	    err));
	FW_TRY(read_names(file, k.of, "of", p, &rule->anchors, err));
	if (k.distinct == FWD_DISTINCT_ANCHORS && k.at_least > k.of->n)
		return fw_fail_node(err, file, fw_node_get(map, "at-least"),
		    "'at-least' is more than the anchors in 'of', which are "
		    "%zu (with 'distinct: keys' several signers under one "
		    "count)", k.of->n);
	rule->threshold = (uint32_t)k.at_least;
	rule->distinct = (uint32_t)k.distinct;
	return FW_OK;
}

enum fw_kind
fw_profile_trust_read(const char *file, const struct fw_node *map,
    struct fw_profile *p, struct fw_error *err)
{
	struct trust_keys k = { .signatures = 1 };

	FW_TRY(fw_fields_read(file, map, trust_fields, N(trust_fields), &k,
	    err));
	p->threshold = (uint32_t)k.signatures;
	for (size_t i = 0; i < k.anchors->n; i++)
		FW_TRY(read_anchor(file, k.anchors->child[i], p, err));
	for (size_t i = 0; k.rules != NULL && i < k.rules->n; i++)
		FW_TRY(read_rule(file, k.rules->child[i], p, err));
	if (k.revocations != NULL)
		return read_names(file, k.revocations, "revocations", p,
		    &p->revokers, err);
	/* Of one anchor nobody has to say so. */
	p->revokers = p->anchors == 1 ? 1 : 0;
	return FW_OK;
}

/* The device's component with that identifier. */
static enum fw_kind
find_component(const char *file, const struct fw_node *id,
    const struct fw_profile *p, size_t *component, struct fw_error *err)
{
	uint8_t bytes[FW_ID_MAX];
	FW_FREE char *label = NULL;
	size_t n;

	FW_TRY(fw_component_id_read(file, id, "component", bytes, &n, &label,
	    err));
	for (*component = 0; *component < p->components; (*component)++)
		if (p->component[*component].id_n == n &&
		    memcmp(p->component[*component].id, bytes, n) == 0)
			return FW_OK;
	return fw_fail_node(err, file, id,
	    "'components' has no component '%s'", label);
}

static enum fw_kind
read_right(const char *file, const struct fw_node *map, struct fw_profile *p,
    struct fw_error *err)
{
	struct right_keys k = { 0 };
	struct fw_profile_right *const r = &p->right[p->rights++];

	FW_TRY(fw_fields_read(file, map, right_fields, N(right_fields), &k,
	    err));
	FW_TRY(find_component(file, k.component, p, &r->component, err));
	FW_TRY(read_names(file, k.anchors, "anchors", p, &r->anchors, err));
	for (size_t i = 0; i + 1 < p->rights; i++)
		if (p->right[i].component == r->component)
			return fw_fail_node(err, file, k.component,
			    "'rights' has component '%s' twice",
			    p->component[r->component].label);
	return FW_OK;
}

enum fw_kind
fw_profile_rights_read(const char *file, const struct fw_node *map,
    struct fw_profile *p, struct fw_error *err)
{
	const struct fw_node *const list = fw_node_get(map, "rights");

	for (size_t i = 0; list != NULL && i < list->n; i++)
		FW_TRY(read_right(file, list->child[i], p, err));
	return FW_OK;
}
