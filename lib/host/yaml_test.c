/* SPDX-License-Identifier: Apache-2.0 */
#include "host/internal.h"
#include "testdata/fault.h"
#include "testdata/scratch.h"

static struct fw_error err;
static int fds;

static void
setup(void)
{
	fault_reset();
	scratch_setup();
	memset(&err, 0, sizeof err);
	fds = scratch_fds();
}

static void
teardown(void)
{
	fault_reset();
	cr_assert_eq(scratch_fds(), fds, "a file stayed open");
	scratch_teardown();
}

TestSuite(yaml, .init = setup, .fini = teardown);

/* set NULL: as in a profile */
static enum fw_kind
read_yaml(const struct fw_set *set, struct fw_node **out)
{
	struct fw_node *root = NULL;
	enum fw_kind kind = fw_yaml_load(scratch_path, &root, &err);

	if (kind == FW_OK && set != NULL) {
		kind = fw_yaml_replace(scratch_path, root, set, out, &err);
		fw_node_free(root);
	} else {
		*out = root;
	}
	return kind;
}

static struct fw_node *
load(const struct fw_set *set)
{
	struct fw_node *root = NULL;

	cr_assert_eq(read_yaml(set, &root), FW_OK,
	    "%u:%u: %s", err.line, err.column, err.text);
	cr_assert_not_null(root);
	return root;
}

static void
refuse(const struct fw_set *set, enum fw_kind want, unsigned line,
    unsigned column, const char *says)
{
	struct fw_node *root = NULL;

	cr_assert_eq(read_yaml(set, &root), want,
	    "no '%s'", says);
	cr_assert_null(root);
	cr_assert_eq(err.kind, want);
	cr_assert_not_null(strstr(err.text, says), "'%s' does not say '%s'",
	    err.text, says);
	cr_assert_eq(err.line, line, "line %u, not %u: %s", err.line, line,
	    err.text);
	cr_assert_eq(err.column, column, "column %u, not %u: %s", err.column,
	    column, err.text);
}

static void
assert_scalar(const struct fw_node *n, const char *text, bool plain,
    unsigned line, unsigned column)
{
	cr_assert_eq(n->type, FW_SCALAR);
	cr_assert_str_eq(n->text, text);
	cr_assert_eq(n->plain, plain, "%s", text);
	cr_assert_eq(n->line, line, "%s in line %u", text, n->line);
	cr_assert_eq(n->column, column, "%s in column %u", text, n->column);
}

static void
check_tree(const struct fw_node *root)
{
	const struct fw_node *list;

	cr_assert_eq(root->type, FW_MAP);
	cr_assert_eq(root->n, 5);
	cr_assert_eq(root->line, 1);
	cr_assert_eq(root->column, 1);
	assert_scalar(root->key[0], "a", true, 1, 1);
	assert_scalar(root->child[0], "plain", true, 1, 4);
	assert_scalar(root->key[1], "\xc3\xa4 b", false, 2, 1);
	assert_scalar(root->child[1], "x\ty", false, 2, 8);
	list = root->child[2];
	cr_assert_eq(list->type, FW_LIST);
	cr_assert_null(list->key);
	cr_assert_eq(list->n, 3);
	cr_assert_eq(list->line, 4);
	cr_assert_eq(list->column, 3);
	assert_scalar(list->child[0], "1", true, 4, 5);
	assert_scalar(list->child[1], "", true, 5, 4);
	cr_assert_eq(list->child[2]->type, FW_MAP);
	assert_scalar(list->child[2]->key[0], "k", true, 6, 6);
	assert_scalar(list->child[2]->child[0], "v", false, 6, 9);
	assert_scalar(root->child[3], "two\nlines\n", false, 7, 4);
	cr_assert_eq(root->child[4]->type, FW_MAP);
	cr_assert_eq(root->child[4]->n, 0);
}

static const char tree[] =
	"a: plain # comment\n"
	"'\xc3\xa4 b': \"x\\ty\"\n"
	"c:\n"
	"  - 1\n"
	"  -\n"
	"  - {k: 'v'}\n"
	"d: |\n"
	"  two\n"
	"  lines\n"
	"e: {}\n";

Test(yaml, tree_with_places)
{
	struct fw_node *root;

	scratch_text(tree);
	root = load(NULL);
	check_tree(root);
	fw_node_free(root);
	fw_node_free(NULL);
}

/* A byte order mark and CR LF change nothing. */
Test(yaml, windows)
{
	char text[2 * sizeof tree + 3] = "\xef\xbb\xbf", *at = text + 3;
	struct fw_node *root;

	for (size_t i = 0; i < sizeof tree; i++) {
		if (tree[i] == '\n')
			*at++ = '\r';
		*at++ = tree[i];
	}
	scratch_text(text);
	root = load(NULL);
	check_tree(root);
	fw_node_free(root);
}

/* ---- limits ---------------------------------------------------------- */

static void
write_repeated(const char *before, const char *each, size_t n,
    const char *after)
{
	FILE *f = fopen(scratch_path, "w");

	cr_assert_not_null(f);
	(void)fputs(before, f);
	for (size_t i = 0; i < n; i++)
		(void)fputs(each, f);
	(void)fputs(after, f);
	cr_assert_eq(fclose(f), 0);
}

Test(yaml, levels)
{
	struct fw_node *root, *node;
	unsigned depth = 0;
	char close[64] = "";

	memset(close, ']', 32);
	write_repeated("", "[", 32, close);
	root = load(NULL);
	for (node = root; node->n > 0; node = node->child[0])
		depth++;
	cr_assert_eq(depth + 1, 32);
	fw_node_free(root);
	memset(close, ']', 33);
	write_repeated("", "[", 33, close);
	refuse(NULL, FW_E_INPUT, 1, 33, "more than 32 levels");
	write_repeated("", "{a: ", 33, "");
	refuse(NULL, FW_E_INPUT, 1, 129, "more than 32 levels");
	write_repeated("", "- ", 33, "");
	refuse(NULL, FW_E_INPUT, 1, 65, "more than 32 levels");
}

Test(yaml, number_of_nodes)
{
	struct fw_node *root;

	/* the list itself counts */
	write_repeated("", "- 1\n", 99999, "");
	root = load(NULL);
	cr_assert_eq(root->n, 99999);
	fw_node_free(root);
	write_repeated("", "- 1\n", 100000, "");
	refuse(NULL, FW_E_INPUT, 100000, 3, "more than 100000 values");
}

Test(yaml, size)
{
	struct fw_node *root;

	write_repeated("a: \"", "x", (1 << 20) - 5, "\"");
	root = load(NULL);
	cr_assert_eq(strlen(root->child[0]->text), (1 << 20) - 5);
	fw_node_free(root);
	write_repeated("a: \"", "x", (1 << 20) - 4, "\"");
	refuse(NULL, FW_E_INPUT, 0, 0, "is larger than 1048576 bytes");
}

/* Many keys: none twice, and the last one twice, in good time. */
Test(yaml, many_keys)
{
	FILE *f;
	struct fw_node *root;

	for (int twice = 0; twice < 2; twice++) {
		f = fopen(scratch_path, "w");
		cr_assert_not_null(f);
		for (int i = 0; i < 40000; i++)
			(void)fprintf(f, "k%d: 1\n", i);
		if (twice)
			(void)fputs("k0: 1\nk1: 1\n", f);
		cr_assert_eq(fclose(f), 0);
		if (twice) {
			refuse(NULL, FW_E_INPUT, 40001, 1, "key 'k0' is there "
			    "twice (first in line 1, column 1)");
			break;
		}
		root = load(NULL);
		cr_assert_eq(root->n, 40000);
		fw_node_free(root);
	}
}

Test(yaml, not_a_file)
{
	refuse(NULL, FW_E_INPUT, 0, 0, "cannot open");
	cr_assert_eq(mkdir(scratch_path, 0700), 0);
	refuse(NULL, FW_E_INPUT, 0, 0, "is a directory");
	cr_assert_eq(rmdir(scratch_path), 0);
	cr_assert_eq(mkfifo(scratch_path, 0600), 0);
	refuse(NULL, FW_E_INPUT, 0, 0, "is not a regular file");
}

/* ---- substitution ----------------------------------------------------- */

static const char *const pairs[] = {
	"A=1", "LONG_name9=two words", "EMPTY=", "_=${A}", "EQ=a=b",
	"NL=x\ny: z", "U=\xc3\xa4",
};
static const struct fw_set set =
    { pairs, sizeof pairs / sizeof pairs[0], NULL };
/* Uses them all, so that none is left over. */
#define ALL "${A}${LONG_name9}${EMPTY}${_}${EQ}${NL}${U}"

static const struct {
	const char *text, *want;
} substituted[] = {
	{ "x", "x" }, { "${A}", "1" }, { "a${A}b", "a1b" },
	{ "${A}${A}", "11" }, { "${LONG_name9}", "two words" },
	{ "x${EMPTY}y", "xy" }, { "${_}", "${A}" }, { "${EQ}", "a=b" },
	{ "${NL}", "x\ny: z" }, { "${U}", "\xc3\xa4" },
	{ "$${A}", "${A}" }, { "$$${A}", "$${A}" }, { "$A", "$A" },
	{ "$", "$" }, { "$$", "$$" }, { "a$", "a$" }, { "$$A", "$$A" },
	{ "$ {A}", "$ {A}" }, { "$$${", "$${" }, { "{A}", "{A}" },
	{ "$${${A}}", "${1}" }, { "$${", "${" },
};

Test(yaml, substitution)
{
	char text[256];
	struct fw_node *root;

	for (size_t i = 0; i < sizeof substituted / sizeof substituted[0];
	    i++)
		for (int plain = 0; plain < 2; plain++) {
			(void)snprintf(text, sizeof text, "- %s%s%s\n- %s\n"
			    "- ${A}: 1\n", plain ? "" : "'",
			    substituted[i].text, plain ? "" : "'", ALL);
			if (plain && substituted[i].text[0] == '{')
				continue;	/* that would be a map */
			scratch_text(text);
			root = load(&set);
			assert_scalar(root->child[0], substituted[i].want,
			    plain, 1, 3);
			/* not in keys */
			cr_assert_str_eq(root->child[2]->key[0]->text, "${A}");
			fw_node_free(root);
		}
}

/* Without a set, as in a profile, the text is what it is. */
Test(yaml, no_substitution)
{
	struct fw_node *root;

	scratch_text("- ${A} $${ ${\n");
	root = load(NULL);
	assert_scalar(root->child[0], "${A} $${ ${", true, 1, 3);
	fw_node_free(root);
}

static enum fw_kind
load_with(const char *const *pair, size_t n)
{
	const struct fw_set given = { pair, n, NULL };
	struct fw_node *root = NULL;
	const enum fw_kind kind = read_yaml(&given, &root);

	fw_node_free(root);
	return kind;
}

Test(yaml, wrong_sets)
{
	static const char *const malformed[] = {
		"", "=", "=x", "A", "1A=x", "A-B=x", "A B=x", " A=x",
		"\xc3\xa4=x", "A=\xff", "A=\xed\xa0\x80",
	};
	static const char *const twice[] = { "A=1", "B=2", "A=1" };
	static const char *const prefix[] = { "A=1", "AB=2" };
	static const char *const unused[] = { "A=1", "C=3" };

	scratch_text("- ${A} ${AB}\n");
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
		cr_assert_eq(load_with(&malformed[i], 1), FW_E_USAGE, "%s",
		    malformed[i]);
	cr_assert_eq(load_with(twice, 3), FW_E_USAGE);
	cr_assert_str_eq(err.text, "'A' is set twice");
	cr_assert_eq(load_with(prefix, 2), FW_OK);
	scratch_text("- ${A}\n");
	cr_assert_eq(load_with(unused, 2), FW_E_USAGE);
	cr_assert_not_null(strstr(err.text, "'C' is set but "));
	/* A file that is wrong comes before a set that is not used. */
	scratch_text("- ${A}\n- *x\n");
	cr_assert_eq(load_with(unused, 2), FW_E_INPUT);
}

Test(yaml, missing_names)
{
	static const struct fw_set none = { 0 };
	static const char *const malformed[] = {
		"${}", "${", "${A", "${1}", "${A B}", "${A-B}", "${ A}",
		"x${$A}",
	};
	char text[64];

	scratch_text("a: b\nc:\n  - ok\n  - x ${NAME} y\n");
	refuse(&none, FW_E_INPUT, 4, 5,
	    "'${NAME}' has no value (give it with --set NAME=VALUE)");
	refuse(&(struct fw_set){ (const char *const[]){ "NAM=1" }, 1,
	    NULL },
	    FW_E_INPUT, 4, 5, "'${NAME}' has no value");
	refuse(&(struct fw_set){ (const char *const[]){ "NAMES=1" }, 1,
	    NULL },
	    FW_E_INPUT, 4, 5, "'${NAME}' has no value");
	for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
		(void)snprintf(text, sizeof text, "a: '%s'\n", malformed[i]);
		scratch_text(text);
		refuse(&none, FW_E_INPUT, 1, 4,
		    "'${' does not begin a name in braces");
	}
}

/* The environment is never looked at. */
Test(yaml, not_from_the_environment)
{
	static const struct fw_set none = { 0 };

	cr_assert_eq(setenv("NAME", "value", 1), 0);
	scratch_text("a: ${NAME}\n");
	refuse(&none, FW_E_INPUT, 1, 4, "'${NAME}' has no value");
}

/* A small file cannot be made to fill the memory. */
Test(yaml, growth)
{
	static char pair[2 + 100001];
	const char *const p = pair;
	const struct fw_set big = { &p, 1, NULL };

	memset(pair, 'x', sizeof pair - 1);
	memcpy(pair, "A=", 2);
	write_repeated("", "- ${A}\n", 10, "");
	fw_node_free(load(&big));
	write_repeated("", "- ${A}\n", 11, "");
	refuse(&big, FW_E_INPUT, 11, 3, "makes the file too large");
	write_repeated("- \"", "${A}", 1000, "\"\n");
	refuse(&big, FW_E_INPUT, 1, 3, "makes the file too large");
}

/* ---- failures --------------------------------------------------------- */

static void
fail_each(enum fault_call call, int error, enum fw_kind want)
{
	static const char *const a[] = { "A=1" };
	const struct fw_set given = { a, 1, NULL };
	struct fw_node *root = NULL;
	int i;

	for (i = 0; ; i++) {
		enum fw_kind kind;

		fault_set(call, i, error);
		kind = read_yaml(&given, &root);
		if (!fault_hit()) {
			cr_assert_eq(kind, FW_OK);
			break;
		}
		cr_assert_eq(kind, want, "call %d: %s", i, err.text);
		cr_assert_null(root);
	}
	cr_assert_gt(i, 0);
	fw_node_free(root);
}

Test(yaml, failing_calls)
{
	scratch_text("a: [1, {b: c, d: e, f: g}, '${A}', [x, y, z]]\n");
	fail_each(FAULT_ALLOC, ENOMEM, FW_E_NOMEM);
	fail_each(FAULT_OPEN, EACCES, FW_E_INPUT);
	fail_each(FAULT_FSTAT, EIO, FW_E_IO);
	fail_each(FAULT_READ, EIO, FW_E_IO);
}
