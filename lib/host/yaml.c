/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict loader of YAML documents over libyaml's event parser.  What makes a
 * document mean something else than a reviewer reads (aliases, tags, a key
 * given twice, a second document) is refused; every node keeps its place.
 */
#include <string.h>

#include <yaml.h>

#include "host/fields.h"
#include "host/internal.h"

enum {
	SIZE_LIMIT = 1024 * 1024,
	DEPTH_LIMIT = 32,
	NODE_LIMIT = 100000,
};

struct loader {
	const char *file;
	yaml_parser_t parser;
	struct fw_node *root;
	struct fw_node *open[DEPTH_LIMIT];	/* from the root inwards */
	size_t depth;
	size_t nodes;
	bool ended;			/* end of the only document seen */
};

void
fw_node_free(struct fw_node *node)
{
	if (node == NULL)
		return;
	/* At most DEPTH_LIMIT levels. */
	for (size_t i = 0; i < node->n; i++) {
		if (node->key != NULL)
			fw_node_free(node->key[i]);
		if (node->child != NULL)
			fw_node_free(node->child[i]);
	}
	free(node->key);
	free(node->child);
	free(node->text);
	free(node);
}

static void
free_node(struct fw_node **node)
{
	fw_node_free(*node);
}

static enum fw_kind
fail_mark(const struct loader *l, yaml_mark_t mark, const char *what,
    struct fw_error *err)
{
	return fw_fail_at(err, FW_E_INPUT, l->file, (unsigned)mark.line + 1,
	    (unsigned)mark.column + 1, "%s", what);
}

/* What libyaml found wrong. */
static enum fw_kind
fail_parser(const struct loader *l, struct fw_error *err)
{
	const yaml_parser_t *p = &l->parser;

	if (p->error == YAML_MEMORY_ERROR)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (p->context == NULL)
		return fw_fail_at(err, FW_E_INPUT, l->file,
		    (unsigned)p->problem_mark.line + 1,
		    (unsigned)p->problem_mark.column + 1,
		    "not valid YAML: %s", p->problem);
	return fw_fail_at(err, FW_E_INPUT, l->file,
	    (unsigned)p->problem_mark.line + 1,
	    (unsigned)p->problem_mark.column + 1,
	    "not valid YAML: %s %s (it begins in line %u)", p->problem,
	    p->context, (unsigned)p->context_mark.line + 1);
}

/* Characters that YAML allows, section 5.1; a BOM inside is none of them. */
static bool
is_allowed(uint32_t cp)
{
	return cp == '\t' || cp == '\n' || cp == '\r' || cp == 0x85 ||
	    (!fw_is_control(cp) && cp != 0xfeff && cp != 0xfffe &&
	    cp != 0xffff);
}

/*
 * Check the encoding before libyaml does: it guesses other encodings, and its
 * errors have no place.
 */
static enum fw_kind
check_characters(const char *file, const char *p, size_t n,
    struct fw_error *err)
{
	unsigned line = 1, column = 1;
	uint32_t cp;

	for (size_t step; n > 0; p += step, n -= step) {
		step = fw_utf8_next(p, n, &cp);
		if (step == 0)
			return fw_fail_at(err, FW_E_INPUT, file, line, column,
			    "byte 0x%02x is not UTF-8", (unsigned)cp);
		if (!is_allowed(cp))
			return fw_fail_at(err, FW_E_INPUT, file, line, column,
			    "character U+%04X is not allowed", (unsigned)cp);
		column++;
		if (cp == '\n') {
			line++;
			column = 1;
		}
	}
	return FW_OK;
}

/* Make room for one more entry; the room is the next power of two. */
static bool
grow(struct fw_node ***list, size_t n)
{
	struct fw_node **more;

	if ((n & (n - 1)) != 0)
		return true;
	more = realloc(*list, (n == 0 ? 1 : 2 * n) * sizeof **list);
	if (more == NULL)
		return false;
	*list = more;
	return true;
}

/* The value of the last key is still to come. */
static bool
awaits_value(const struct fw_node *map)
{
	return map->n > 0 && map->child[map->n - 1] == NULL;
}

/* Put a node where it belongs; the tree owns it on success. */
static enum fw_kind
attach(struct loader *l, struct fw_node *node, struct fw_error *err)
{
	struct fw_node *in;

	if (l->depth == 0) {
		l->root = node;
		return FW_OK;
	}
	in = l->open[l->depth - 1];
	if (in->type == FW_MAP && awaits_value(in)) {
		in->child[in->n - 1] = node;
		return FW_OK;
	}
	if (in->type == FW_MAP && node->type != FW_SCALAR)
		return fw_fail_node(err, l->file, node,
		    "a key must be a scalar");
	if (!grow(&in->child, in->n) ||
	    (in->type == FW_MAP && !grow(&in->key, in->n)))
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (in->type == FW_MAP)
		in->key[in->n] = node;
	in->child[in->n++] = in->type == FW_MAP ? NULL : node;
	return FW_OK;
}

static enum fw_kind
new_node(struct loader *l, enum fw_node_type type, yaml_mark_t mark,
    struct fw_node **out, struct fw_error *err)
{
	if (l->nodes == NODE_LIMIT)
		return fail_mark(l, mark, "more than 100000 values", err);
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	l->nodes++;
	(*out)->type = type;
	(*out)->line = (unsigned)mark.line + 1;
	(*out)->column = (unsigned)mark.column + 1;
	return FW_OK;
}

/* Anchors and tags, which any node may have. */
static enum fw_kind
check_properties(const struct loader *l, const yaml_event_t *event,
    const yaml_char_t *anchor, const yaml_char_t *tag, struct fw_error *err)
{
	if (anchor != NULL)
		return fail_mark(l, event->start_mark, "anchors are not "
		    "supported (write the value where it is needed)", err);
	if (tag != NULL)
		return fail_mark(l, event->start_mark,
		    "tags are not supported", err);
	return FW_OK;
}

static enum fw_kind
on_scalar(struct loader *l, const yaml_event_t *event, struct fw_error *err)
{
	FW_CLEANUP(free_node) struct fw_node *node = NULL;
	const char *text = (const char *)event->data.scalar.value;
	const size_t n = event->data.scalar.length;

	FW_TRY(check_properties(l, event, event->data.scalar.anchor,
	    event->data.scalar.tag, err));
	FW_TRY(new_node(l, FW_SCALAR, event->start_mark, &node, err));
	if (memchr(text, '\0', n) != NULL)
		return fw_fail_node(err, l->file, node,
		    "character U+0000 is not allowed");
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = strndup(text, n);
	if (node->text == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(attach(l, node, err));
	node = NULL;			/* the tree owns it now */
	return FW_OK;
}

static enum fw_kind
on_start(struct loader *l, const yaml_event_t *event, struct fw_error *err)
{
	FW_CLEANUP(free_node) struct fw_node *node = NULL;
	const bool list = event->type == YAML_SEQUENCE_START_EVENT;

	FW_TRY(list ? check_properties(l, event,
	    event->data.sequence_start.anchor,
	    event->data.sequence_start.tag, err) :
	    check_properties(l, event, event->data.mapping_start.anchor,
	    event->data.mapping_start.tag, err));
	if (l->depth == DEPTH_LIMIT)
		return fail_mark(l, event->start_mark,
		    "more than 32 levels", err);
	FW_TRY(new_node(l, list ? FW_LIST : FW_MAP, event->start_mark, &node,
	    err));
	FW_TRY(attach(l, node, err));
	l->open[l->depth++] = node;
	node = NULL;
	return FW_OK;
}

/* Order by text, then by place. */
static int
compare_keys(const void *a, const void *b)
{
	const struct fw_node *x = *(struct fw_node *const *)a;
	const struct fw_node *y = *(struct fw_node *const *)b;
	const int d = strcmp(x->text, y->text);

	if (d != 0)
		return d;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->column > y->column) - (x->column < y->column);
}

/* Refuse a key that is there twice; told is the first repetition. */
static enum fw_kind
check_repeated(const struct loader *l, const struct fw_node *map,
    struct fw_error *err)
{
	FW_FREE struct fw_node **sorted = NULL;
	const struct fw_node *first = NULL, *again = NULL;

	if (map->n < 2)
		return FW_OK;
	sorted = malloc(map->n * sizeof *sorted);
	if (sorted == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	memcpy(sorted, map->key, map->n * sizeof *sorted);
	qsort(sorted, map->n, sizeof *sorted, compare_keys);
	for (size_t i = 1; i < map->n; i++) {
		const struct fw_node *k = sorted[i];

		if (strcmp(sorted[i - 1]->text, k->text) != 0)
			continue;
		if (again == NULL || k->line < again->line ||
		    (k->line == again->line && k->column < again->column)) {
			first = sorted[i - 1];
			again = k;
		}
	}
	if (again == NULL)
		return FW_OK;
	return fw_fail_node(err, l->file, again,
	    "key '%s' is there twice (first in line %u, column %u)",
	    again->text, first->line, first->column);
}

static enum fw_kind
on_document(struct loader *l, const yaml_event_t *event,
    struct fw_error *err)
{
	const yaml_version_directive_t *v =
	    event->data.document_start.version_directive;

	if (l->ended)
		return fail_mark(l, event->start_mark,
		    "there is a second document", err);
	/* In 1.1 'on' is true and 010 is eight. */
	if (v != NULL && (v->major != 1 || v->minor != 2))
		return fail_mark(l, event->start_mark,
		    "only YAML 1.2 is supported", err);
	if (event->data.document_start.tag_directives.start !=
	    event->data.document_start.tag_directives.end)
		return fail_mark(l, event->start_mark,
		    "tags are not supported", err);
	return FW_OK;
}

static enum fw_kind
on_event(struct loader *l, const yaml_event_t *event, struct fw_error *err)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(l, event, err);
	case YAML_DOCUMENT_END_EVENT:
		l->ended = true;
		return FW_OK;
	case YAML_ALIAS_EVENT:
		return fail_mark(l, event->start_mark, "aliases are not "
		    "supported (write the value where it is needed)", err);
	case YAML_SCALAR_EVENT:
		return on_scalar(l, event, err);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_start(l, event, err);
	case YAML_MAPPING_END_EVENT:
		FW_TRY(check_repeated(l, l->open[l->depth - 1], err));
		l->depth--;
		return FW_OK;
	case YAML_SEQUENCE_END_EVENT:
		l->depth--;
		return FW_OK;
	default:
		return FW_OK;		/* begin and end of the stream */
	}
}

static enum fw_kind
parse(struct loader *l, struct fw_error *err)
{
	yaml_event_type_t type;

	do {
		FW_CLEANUP(yaml_event_delete) yaml_event_t event = { 0 };

		if (yaml_parser_parse(&l->parser, &event) != 1)
			return fail_parser(l, err);
		FW_TRY(on_event(l, &event, err));
		type = event.type;
	} while (type != YAML_STREAM_END_EVENT);
	if (l->root == NULL)
		return fw_fail(err, FW_E_INPUT, "'%s' is empty", l->file);
	return FW_OK;
}

static void
loader_deinit(struct loader *l)
{
	fw_node_free(l->root);
	yaml_parser_delete(&l->parser);
}

enum fw_kind
fw_yaml_load(const char *path, struct fw_node **out, struct fw_error *err)
{
	static const char bom[] = "\xef\xbb\xbf";
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	FW_CLEANUP(loader_deinit) struct loader l = { .file = path };
	const uint8_t *p;
	size_t n;

	FW_TRY(fw_file_read(path, SIZE_LIMIT, &b, err));
	p = b.p;
	n = b.n;
	if (n >= 3 && memcmp(p, bom, 3) == 0) {
		p += 3;
		n -= 3;
	}
	if (n == 0)
		return fw_fail(err, FW_E_INPUT, "'%s' is empty", path);
	FW_TRY(check_characters(path, (const char *)p, n, err));
	if (yaml_parser_initialize(&l.parser) != 1)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, p, n);
	FW_TRY(parse(&l, err));
	*out = l.root;
	l.root = NULL;			/* the caller owns it now */
	return FW_OK;
}

/* ---- ${NAME} --------------------------------------------------------- */

/* A map or list is no deeper than the loader lets it be. */
static enum fw_kind
replace_below(struct fw_subst *s, const char *file, struct fw_node *node,
    struct fw_error *err)
{
	if (node->type == FW_SCALAR)
		return fw_subst_apply(s, file, node, err);
	for (size_t i = 0; i < node->n; i++)
		FW_TRY(replace_below(s, file, node->child[i], err));
	return FW_OK;
}

static struct fw_node *copy(const struct fw_node *from);

/* Copies of n nodes, which may be none; false: out of memory. */
static bool
copy_list(struct fw_node *const *from, size_t n, struct fw_node ***to)
{
	bool ok = true;

	if (from == NULL)
		return true;
	*to = calloc(n, sizeof **to);
	if (*to == NULL)
		return false;
	for (size_t i = 0; i < n && ok; i++) {
		(*to)[i] = copy(from[i]);
		ok = (*to)[i] != NULL;
	}
	return ok;
}

/* NULL: out of memory. */
static struct fw_node *
copy(const struct fw_node *from)
{
	struct fw_node *const to = malloc(sizeof *to);

	if (to == NULL)
		return NULL;
	*to = *from;
	to->key = to->child = NULL;
	to->text = from->text != NULL ? strdup(from->text) : NULL;
	if ((to->text == NULL) == (from->text == NULL) &&
	    copy_list(from->child, from->n, &to->child) &&
	    copy_list(from->key, from->n, &to->key))
		return to;
	fw_node_free(to);
	return NULL;
}

enum fw_kind
fw_yaml_replace(const char *file, const struct fw_node *from,
    const struct fw_set *set, struct fw_node **out, struct fw_error *err)
{
	FW_CLEANUP(free_node) struct fw_node *root = copy(from);
	FW_CLEANUP(fw_subst_deinit) struct fw_subst s = { .set = set,
		.left = SIZE_LIMIT };

	if (root == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fw_subst_init(&s, set, err));
	FW_TRY(replace_below(&s, file, root, err));
	FW_TRY(fw_subst_done(&s, file, err));
	*out = root;
	root = NULL;
	return FW_OK;
}
