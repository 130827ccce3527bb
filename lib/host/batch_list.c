/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of bundles to build: schemas/batch.schema.json says the same. */
#include <stdio.h>
#include <string.h>

#include "host/batch.h"
#include "host/fields.h"
#include "host/internal.h"

struct keys {
	uint64_t format;
	const char *descriptor, *output;
	const struct fw_node *set, *bundles;
};

struct item_keys {
	const char *output;
	const struct fw_node *set;
};

/* Entries beyond this do not fit into a document anyway. */
#define ITEMS_MAX 50000u
#define PAIRS_MAX 64u

#define AT(member) offsetof(struct keys, member)
static const struct fw_field fields[] = {
	{ .key = "batch", .type = FW_FIELD_UINT, .at = AT(format), .min = 1,
	  .max = 1, .required = true },
	{ .key = "descriptor", .type = FW_FIELD_TEXT, .at = AT(descriptor),
	  .min = 1, .max = FW_TEXT_MAX, .required = true },
	{ .key = "output", .type = FW_FIELD_TEXT, .at = AT(output), .min = 1,
	  .max = FW_TEXT_MAX },
	{ .key = "set", .type = FW_FIELD_MAP, .at = AT(set) },
	{ .key = "bundles", .type = FW_FIELD_LIST, .at = AT(bundles),
	  .min = 1, .max = ITEMS_MAX, .required = true },
};
#undef AT
#define AT(member) offsetof(struct item_keys, member)
static const struct fw_field item_fields[] = {
	{ .key = "output", .type = FW_FIELD_TEXT, .at = AT(output), .min = 1,
	  .max = FW_TEXT_MAX },
	{ .key = "set", .type = FW_FIELD_MAP, .at = AT(set) },
};
#undef AT
enum {
	FIELDS = sizeof fields / sizeof fields[0],
	ITEM_FIELDS = sizeof item_fields / sizeof item_fields[0],
};

struct loader {
	const char *file;
	const char *dir;
	const struct fw_set *given;	/* on the command line */
	const struct fw_node *common;	/* of the list; or NULL */
	const char *output;		/* of the list; or NULL */
};

void
fw_batch_deinit(struct fw_batch *b)
{
	size_t i, j;

	for (i = 0; i < b->n; i++) {
		for (j = 0; j < b->item[i].pairs; j++)
			free(b->item[i].pair[j]);
		free(b->item[i].pair);
		free(b->item[i].spare);
		free(b->item[i].output);
	}
	free(b->item);
	free(b->path);
	free(b->descriptor);
	fw_node_free(b->root);
	*b = (struct fw_batch){ 0 };
}

/* ---- pairs ---------------------------------------------------------- */

static enum fw_kind
add_pair(struct fw_batch_item *item, char *pair, struct fw_error *err)
{
	if (pair == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	item->pair[item->pairs++] = pair;
	return FW_OK;
}

static bool
name_is_good(const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (!((s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_' ||
		    (s[i] >= 'a' && s[i] <= 'z') ||
		    (i > 0 && s[i] >= '0' && s[i] <= '9')))
			return false;
	return i > 0;
}

/* Does a pair before this one give the same name? */
static bool
is_set(const struct fw_batch_item *item, const char *name)
{
	const size_t n = strlen(name);
	size_t i;

	for (i = 0; i < item->pairs; i++)
		if (strncmp(item->pair[i], name, n) == 0 &&
		    item->pair[i][n] == '=')
			return true;
	return false;
}

static enum fw_kind
add_map(const struct loader *l, struct fw_batch_item *item,
    const struct fw_node *map, struct fw_error *err)
{
	const struct fw_node *key, *value;
	char *pair;
	size_t i;

	for (i = 0; map != NULL && i < map->n; i++) {
		key = map->key[i];
		value = map->child[i];
		if (!name_is_good(key->text))
			return fw_fail_node(err, l->file, key, "'%s' is no "
			    "name of letters, digits and '_'", key->text);
		if (value->type != FW_SCALAR ||
		    fw_scalar_type(value) == FW_NULL)
			return fw_fail_node(err, l->file, value,
			    "the value of '%s' must be a text", key->text);
		if (is_set(item, key->text))
			return fw_fail_node(err, l->file, key,
			    "'%s' is set twice for this bundle", key->text);
		if (item->pairs == PAIRS_MAX)
			return fw_fail_node(err, l->file, key, "more than %u "
			    "names are set for this bundle", PAIRS_MAX);
		if (asprintf(&pair, "%s=%s", key->text, value->text) < 0)
			pair = NULL;
		FW_TRY(add_pair(item, pair, err));
	}
	return FW_OK;
}

static enum fw_kind
add_pairs(const struct loader *l, struct fw_batch_item *item,
    const struct fw_node *own, struct fw_error *err)
{
	size_t i;

	item->pair = calloc(PAIRS_MAX, sizeof *item->pair);
	if (item->pair == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = 0; l->given != NULL && i < l->given->n; i++) {
		if (item->pairs == PAIRS_MAX)
			return fw_fail(err, FW_E_USAGE,
			    "more than %u names are set", PAIRS_MAX);
		FW_TRY(add_pair(item, strdup(l->given->pair[i]), err));
	}
	FW_TRY(add_map(l, item, l->common, err));
	FW_TRY(add_map(l, item, own, err));
	item->spare = calloc(item->pairs + 1, sizeof *item->spare);
	return item->spare != NULL ? FW_OK :
	    fw_fail(err, FW_E_NOMEM, "out of memory");
}

/* ---- outputs -------------------------------------------------------- */

/* Beside the list, or in the folder that is given instead. */
static enum fw_kind
place(const struct loader *l, const char *path, char **out,
    struct fw_error *err)
{
	if (l->dir == NULL || path[0] == '/')
		return fw_path_resolve(l->file, path, out, err);
	if (asprintf(out, "%s/%s", l->dir, path) < 0) {
		*out = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	return FW_OK;
}

/* The name of the bundle's file, with ${NAME} replaced; what stands in it
   need not stand in the descriptor. */
static enum fw_kind
name_output(const struct loader *l, struct fw_batch_item *item,
    const char *pattern, const struct fw_node *at, struct fw_error *err)
{
	const struct fw_set set = {
		.pair = (const char *const *)item->pair, .n = item->pairs
	};
	struct fw_node scalar = { .type = FW_SCALAR, .line = at->line,
	    .column = at->column };
	struct fw_subst s = { .set = &set, .left = FW_TEXT_MAX };
	enum fw_kind kind;
	size_t i;

	scalar.text = strdup(pattern);
	if (scalar.text == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	kind = fw_subst_init(&s, &set, err);
	if (kind == FW_OK)
		kind = fw_subst_apply(&s, l->file, &scalar, err);
	for (i = 0; kind == FW_OK && s.used != NULL && i < item->pairs; i++)
		item->spare[i] = s.used[i];
	if (kind == FW_OK)
		kind = place(l, scalar.text, &item->output, err);
	fw_subst_deinit(&s);
	free(scalar.text);
	return kind;
}

static enum fw_kind
read_item(const struct loader *l, const struct fw_node *map,
    struct fw_batch_item *item, struct fw_error *err)
{
	struct item_keys k = { .output = l->output };
	const struct fw_node *at;

	FW_TRY(fw_fields_read(l->file, map, item_fields, ITEM_FIELDS, &k,
	    err));
	at = fw_node_get(map, "output");
	if (at == NULL)
		at = map;
	item->line = at->line;
	item->column = at->column;
	if (k.output == NULL)
		return fw_fail_node(err, l->file, map, "'output' is missing "
		    "(here, or in the list for all bundles)");
	FW_TRY(add_pairs(l, item, k.set, err));
	return name_output(l, item, k.output, at, err);
}

static int
by_output(const void *va, const void *vb)
{
	const struct fw_batch_item *const *a = va, *const *b = vb;
	const int order = strcmp((*a)->output, (*b)->output);

	return order != 0 ? order : *a < *b ? -1 : *a > *b;
}

/* No bundle takes the place of another. */
static enum fw_kind
check_outputs(const struct fw_batch *b, struct fw_error *err)
{
	FW_FREE const struct fw_batch_item **sorted = calloc(b->n,
	    sizeof *sorted);
	size_t i;

	if (sorted == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = 0; i < b->n; i++)
		sorted[i] = &b->item[i];
	qsort(sorted, b->n, sizeof *sorted, by_output);
	for (i = 1; i < b->n; i++)
		if (strcmp(sorted[i - 1]->output, sorted[i]->output) == 0)
			return fw_fail_at(err, FW_E_INPUT, b->path,
			    sorted[i]->line, sorted[i]->column, "'%s' is the "
			    "output of the bundle in line %u already (use "
			    "${NAME} in it)", sorted[i]->output,
			    sorted[i - 1]->line);
	return FW_OK;
}

static void
free_node(struct fw_node **node)
{
	fw_node_free(*node);
}

static enum fw_kind
read_list(struct loader *l, const struct fw_node *root, struct fw_batch *b,
    struct fw_error *err)
{
	struct keys k = { 0 };

	FW_TRY(fw_fields_version(l->file, root, "batch", "descriptor", err));
	FW_TRY(fw_fields_read(l->file, root, fields, FIELDS, &k, err));
	l->common = k.set;
	l->output = k.output;
	FW_TRY(fw_text_dup(l->file, &b->path, err));
	FW_TRY(fw_path_resolve(l->file, k.descriptor, &b->descriptor, err));
	b->item = calloc(k.bundles->n, sizeof *b->item);
	if (b->item == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	while (b->n < k.bundles->n) {
		b->n++;
		FW_TRY(read_item(l, k.bundles->child[b->n - 1],
		    &b->item[b->n - 1], err));
	}
	return check_outputs(b, err);
}

enum fw_kind
fw_batch_load(const char *path, const struct fw_set *set, const char *dir,
    struct fw_batch *out, struct fw_error *err)
{
	FW_CLEANUP(free_node) struct fw_node *root = NULL;
	FW_CLEANUP(fw_batch_deinit) struct fw_batch b = { 0 };
	struct loader l = { .file = path, .dir = dir, .given = set };

	FW_TRY(fw_yaml_load(path, &root, err));
	FW_TRY(read_list(&l, root, &b, err));
	*out = b;
	b = (struct fw_batch){ 0 };
	return FW_OK;
}

enum fw_kind
fw_batch_read(struct fw_batch *b, struct fw_error *err)
{
	return fw_yaml_load(b->descriptor, &b->root, err);
}

enum fw_kind
fw_batch_descriptor(const struct fw_batch *b, size_t i,
    struct fw_descriptor *out, struct fw_error *err)
{
	const struct fw_batch_item *const item = &b->item[i];
	const struct fw_set set = {
		.pair = (const char *const *)item->pair, .n = item->pairs,
		.spare = item->spare
	};

	return fw_descriptor_read(b->descriptor, b->root, &set, out, err);
}
