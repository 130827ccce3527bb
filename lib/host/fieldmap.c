/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: looking up, unknown and missing keys, what was meant instead. */
#include <string.h>

#include "host/fields.h"
#include "host/internal.h"

/* The longest key that is compared with the known ones. */
enum { KEY_MAX = 31 };

static size_t
min3(size_t a, size_t b, size_t c)
{
	const size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * How many characters must be changed, left out, added or swapped with their
 * neighbour to turn a into b; both have at most KEY_MAX bytes.
 */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t row[3][KEY_MAX + 1];	/* of i - 2, i - 1 and i, modulo 3 */
	const size_t an = strlen(a), bn = strlen(b);

	for (size_t k = 0; k <= bn; k++)
		row[0][k] = k;
	for (size_t i = 1; i <= an; i++) {
		size_t *const now = row[i % 3];
		const size_t *const up = row[(i - 1) % 3];
		const size_t *const upper = row[(i + 1) % 3];

		now[0] = i;
		for (size_t k = 1; k <= bn; k++) {
			now[k] = min3(up[k] + 1, now[k - 1] + 1,
			    up[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1] && upper[k - 2] + 1 < now[k])
				now[k] = upper[k - 2] + 1;
		}
	}
	return row[an % 3][bn];
}

/* The known key that is near enough to have been meant, or NULL. */
static const char *
nearest(const char *key, const struct fw_field *field, size_t n)
{
	const char *best = NULL;
	size_t least, d;

	if (strlen(key) > KEY_MAX)
		return NULL;
	/* A third of it may be wrong. */
	least = 1 + (strlen(key) + 1) / 3;
	for (size_t i = 0; i < n; i++) {
		d = edit_distance(key, field[i].key);
		if (d < least) {
			least = d;
			best = field[i].key;
		}
	}
	return best;
}

static const struct fw_field *
find(const struct fw_field *field, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(field[i].key, key) == 0)
			return &field[i];
	return NULL;
}

static enum fw_kind
fail_unknown(const char *file, const struct fw_node *key,
    const struct fw_field *field, size_t n, struct fw_error *err)
{
	const char *meant = nearest(key->text, field, n);

	if (meant == NULL)
		return fw_fail_node(err, file, key, "unknown key '%.*s'%s",
		    80, key->text, strlen(key->text) > 80 ? "..." : "");
	return fw_fail_node(err, file, key,
	    "unknown key '%s' (did you mean '%s'?)", key->text, meant);
}

enum fw_kind
fw_fields_read(const char *file, const struct fw_node *map,
    const struct fw_field *field, size_t n, void *target,
    struct fw_error *err)
{
	if (map->type != FW_MAP)
		return fw_fail_node(err, file, map,
		    "here must be a map of keys and values");
	/* A misspelt key explains a missing one, so it is told first. */
	for (size_t i = 0; i < map->n; i++)
		if (find(field, n, map->key[i]->text) == NULL)
			return fail_unknown(file, map->key[i], field, n, err);
	for (size_t i = 0; i < n; i++)
		if (field[i].required &&
		    fw_node_get(map, field[i].key) == NULL)
			return fw_fail_node(err, file, map,
			    "key '%s' is missing", field[i].key);
	for (size_t i = 0; i < map->n; i++)
		FW_TRY(fw_field_read(file, map->child[i],
		    find(field, n, map->key[i]->text), target, err));
	return FW_OK;
}

enum fw_kind
fw_fields_version(const char *file, const struct fw_node *root,
    const char *key, const char *other, struct fw_error *err)
{
	const struct fw_field version = {
		.key = key, .type = FW_FIELD_UINT, .min = 0, .max = UINT64_MAX,
	};
	const struct fw_node *value;
	uint64_t v;

	if (root->type != FW_MAP)
		return fw_fail_node(err, file, root,
		    "here must be a map of keys and values");
	value = fw_node_get(root, key);
	if (value == NULL && fw_node_get(root, other) != NULL)
		return fw_fail_node(err, file, root,
		    "this is a %s, not a %s", other, key);
	if (value == NULL)
		return fw_fail_node(err, file, root,
		    "key '%s' is missing (begin with '%s: 1')", key, key);
	FW_TRY(fw_field_read(file, value, &version, &v, err));
	if (v != 1)
		return fw_fail_node(err, file, value, "%s format %llu is not "
		    "supported (this program knows format 1)", key,
		    (unsigned long long)v);
	return FW_OK;
}

/* The place of a key in a map, n when it is not there. */
static size_t
position(const struct fw_node *map, const char *key)
{
	size_t i;

	for (i = 0; i < map->n; i++)
		if (strcmp(map->key[i]->text, key) == 0)
			break;
	return i;
}

const struct fw_node *
fw_node_get(const struct fw_node *map, const char *key)
{
	const size_t i = position(map, key);

	return i == map->n ? NULL : map->child[i];
}

const struct fw_node *
fw_node_key(const struct fw_node *map, const char *key)
{
	const size_t i = position(map, key);

	return i == map->n ? map : map->key[i];
}

enum fw_kind
fw_one_of(const char *file, const struct fw_node *map,
    const char *const *alternative, struct fw_error *err)
{
	const char *first = NULL;

	for (const char *const *a = alternative; *a != NULL; a++) {
		if (fw_node_get(map, *a) == NULL)
			continue;
		if (first != NULL)
			return fw_fail_node(err, file, fw_node_key(map, *a),
			    "'%s' cannot stand beside '%s' (leave one out)",
			    *a, first);
		first = *a;
	}
	if (first == NULL)
		return fw_fail_node(err, file, map,
		    "key '%s' is missing (or '%s')", alternative[0],
		    alternative[1]);
	return FW_OK;
}

enum fw_kind
fw_text_dup(const char *text, char **out, struct fw_error *err)
{
	char *copy;

	if (text == NULL) {
		*out = NULL;
		return FW_OK;
	}
	copy = strdup(text);
	if (copy == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*out = copy;
	return FW_OK;
}

enum fw_kind
fw_path_resolve(const char *file, const char *path, char **out,
    struct fw_error *err)
{
	const char *slash = strrchr(file, '/');
	const size_t n = slash == NULL ? 0 : (size_t)(slash - file) + 1;
	char *full;

	if (path[0] == '/' || n == 0)
		return fw_text_dup(path, out, err);
	full = malloc(n + strlen(path) + 1);
	if (full == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	memcpy(full, file, n);
	memcpy(full + n, path, strlen(path) + 1);
	*out = full;
	return FW_OK;
}
