/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of good, cut, bent and forged envelopes. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "host/describe.h"
#include "host/internal.h"

/* ---- helpers ----------------------------------------------------------- */

static const char *const examples[] = { "example0", "example1", "example2",
    "example2-severed", "example3", "example4", "example5",
    "example2-unsigned" };
enum { NEXAMPLES = sizeof examples / sizeof examples[0] };

/* Tests are run from the top of the tree. */
static void
load(const char *name, struct fw_buf *out)
{
	char path[128];
	struct fw_error err;

	(void)snprintf(path, sizeof path, "testdata/suit/%s.suit", name);
	cr_assert_eq(fw_file_read(path, 65536, out, &err), FW_OK, "%s", path);
}

/* Describe; *problems is what was noted, the caller owns both. */
static json_t *
describe(struct fwd_span data, json_t **problems)
{
	struct fw_error err;
	json_t *o = NULL;

	*problems = json_array();
	cr_assert_eq(fw_describe_envelope(data, *problems, &o, &err), FW_OK);
	cr_assert_not_null(o);
	return o;
}

/* The string at a path like "manifest.components.0.label". */
static const json_t *
at(const json_t *o, const char *path)
{
	char part[64];
	size_t n;

	while (*path != '\0') {
		n = strcspn(path, ".");
		(void)snprintf(part, sizeof part, "%.*s", (int)n, path);
		o = json_is_array(o) ? json_array_get(o,
		    strtoul(part, NULL, 10)) : json_object_get(o, part);
		path += n + (path[n] == '.');
	}
	return o;
}

#define CHECK_STR(o, path, want) do {					\
	const char *got_ = json_string_value(at(o, path));		\
	cr_expect_str_eq(got_ != NULL ? got_ : "(none)", want, "%s", path); \
} while (0)
#define CHECK_INT(o, path, want) \
	cr_expect_eq(json_integer_value(at(o, path)), want, "%s", path)

/* No control characters but line ends, and UTF-8: json_stringn() knows. */
static void
check_text(const struct fw_buf *b, const char *what, size_t where)
{
	json_t *const utf8 = json_stringn((const char *)b->p, b->n);

	cr_assert_not_null(utf8, "%s at %zu is not UTF-8", what, where);
	json_decref(utf8);
	for (size_t i = 0; i < b->n; i++) {
		cr_assert(b->p[i] == '\n' || b->p[i] >= 0x20,
		    "%s at %zu has control character %#x", what, where,
		    b->p[i]);
		cr_assert(b->p[i] != 0x7f, "%s at %zu has DEL", what, where);
		/* C1 controls are c2 80 to c2 9f. */
		cr_assert(b->p[i] != 0xc2 || b->p[i + 1] >= 0xa0,
		    "%s at %zu has a C1 control", what, where);
	}
}

/*
 * Describe whatever this is and demand that what comes out can be shown.
 * Returns how many problems were noted.
 */
static size_t
survive(struct fwd_span data, const char *what, size_t where)
{
	struct fw_buf text = { 0 }, json = { 0 };
	struct fw_error err;
	json_t *problems, *tree;
	json_t *const o = describe(data, &problems);
	const size_t n = json_array_size(problems);

	tree = json_pack("{s:s, s:s, s:i, s:b, s:n, s:o, s:o}", "file", "x",
	    "kind", "envelope", "size", (int)data.n, "verified", 0, "bundle",
	    "envelope", o, "problems", problems);
	cr_assert_not_null(tree);
	cr_assert_eq(fw_describe_text(tree, &text, &err), FW_OK);
	check_text(&text, what, where);
	cr_assert_eq(fw_json_text(tree, &json, &err), FW_OK);
	check_text(&json, what, where);
	for (size_t i = 0; i < json.n; i++)
		cr_assert_lt(json.p[i], 0x7f);
	fw_buf_deinit(&text);
	fw_buf_deinit(&json);
	json_decref(tree);
	return n;
}

/* ---- the published examples ---------------------------------------------- */

Test(describe, minimum)
{
	struct fw_buf b = { 0 };
	json_t *problems, *o;

	load("example0", &b);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect_eq(json_array_size(problems), 0);
	CHECK_INT(o, "size", 237);
	CHECK_STR(o, "elements.0.name", "authentication-wrapper");
	CHECK_STR(o, "elements.1.name", "manifest");
	CHECK_STR(o, "authentication.digest", "sha-256:"
	    "6658ea560262696dd1f13b782239a064"
	    "da7c6c5cbaf52fded428a6fc83c7e5af");
	CHECK_STR(o, "authentication.digest-computed", "sha-256:"
	    "6658ea560262696dd1f13b782239a064"
	    "da7c6c5cbaf52fded428a6fc83c7e5af");
	cr_expect(json_is_true(at(o, "authentication.digest-matches")));
	CHECK_STR(o, "authentication.signatures.0.type", "COSE_Sign1");
	CHECK_STR(o, "authentication.signatures.0.algorithm", "ES256");
	CHECK_INT(o, "manifest.version", 1);
	CHECK_INT(o, "manifest.sequence-number", 0);
	CHECK_STR(o, "manifest.components.0.identifier.0", "00");
	cr_expect(json_is_null(at(o, "manifest.components.0.label")));
	CHECK_STR(o, "sequences.0.section", "shared");
	CHECK_STR(o, "sequences.0.commands.0.name",
	    "directive-override-parameters");
	CHECK_STR(o, "sequences.0.commands.0.parameters.0.value",
	    "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe");
	CHECK_STR(o, "sequences.0.commands.0.parameters.1.value",
	    "1492af14-2569-5e48-bf42-9b2d51f2ab45");
	CHECK_STR(o, "sequences.0.commands.0.parameters.2.value",
	    "sha-256:00112233445566778899aabbccddeeff"
	    "0123456789abcdeffedcba9876543210");
	CHECK_INT(o, "sequences.0.commands.0.parameters.3.value", 34768);
	CHECK_INT(o, "sequences.0.commands.1.policy", 15);
	CHECK_STR(o, "sequences.1.section", "validate");
	CHECK_STR(o, "sequences.2.section", "invoke");
	CHECK_STR(o, "sequences.2.commands.0.reports.0",
	    "record-on-failure");
	json_decref(o);
	json_decref(problems);
	fw_buf_deinit(&b);
}

Test(describe, severable)
{
	struct fw_buf b = { 0 };
	json_t *problems, *o;

	load("example2", &b);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect_eq(json_array_size(problems), 0);
	CHECK_STR(o, "manifest.reference-uri", "https://git.io/JJYoj");
	CHECK_STR(o, "severable.0.section", "install");
	CHECK_STR(o, "severable.0.state", "present");
	cr_expect(json_is_true(at(o, "severable.0.digest-matches")));
	cr_expect(json_is_true(at(o, "severable.1.digest-matches")));
	CHECK_STR(o, "sequences.1.section", "install");
	CHECK_STR(o, "sequences.1.where", "envelope");
	CHECK_STR(o, "text.0.language", "en-US");
	CHECK_STR(o, "text.0.components.0.fields.0.text", "arm.com");
	json_decref(o);
	json_decref(problems);
	fw_buf_deinit(&b);

	load("example2-severed", &b);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect_eq(json_array_size(problems), 0);
	CHECK_STR(o, "severable.0.state", "severed");
	CHECK_STR(o, "severable.1.state", "severed");
	cr_expect_null(at(o, "severable.0.digest-matches"));
	cr_expect_eq(json_array_size(at(o, "text")), 0);
	json_decref(o);
	json_decref(problems);
	fw_buf_deinit(&b);
}

Test(describe, alternatives_and_components)
{
	struct fw_buf b = { 0 };
	json_t *problems, *o;

	load("example3", &b);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect_eq(json_array_size(problems), 0);
	CHECK_STR(o, "sequences.0.commands.1.name", "directive-try-each");
	cr_expect_eq(json_array_size(at(o,
	    "sequences.0.commands.1.alternatives")), 2);
	cr_expect(json_is_false(at(o, "sequences.0.commands.1.or-nothing")));
	CHECK_INT(o, "sequences.0.commands.1.alternatives.1.0.parameters.0."
	    "value", 1);
	json_decref(o);
	json_decref(problems);
	fw_buf_deinit(&b);

	load("example4", &b);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect_eq(json_array_size(problems), 0);
	cr_expect_eq(json_array_size(at(o, "manifest.components")), 3);
	CHECK_STR(o, "manifest.components.1.identifier.0", "02");
	CHECK_STR(o, "sequences.1.section", "payload-fetch");
	CHECK_INT(o, "sequences.1.commands.0.components.0", 1);
	CHECK_STR(o, "sequences.2.section", "install");
	CHECK_STR(o, "sequences.3.section", "validate");
	CHECK_STR(o, "sequences.4.section", "load");
	CHECK_STR(o, "sequences.5.section", "invoke");
	json_decref(o);
	json_decref(problems);
	fw_buf_deinit(&b);
}

/* ---- hostile input ---------------------------------------------------------- */

ParameterizedTestParameters(describe, cut)
{
	static size_t row[NEXAMPLES];

	for (size_t i = 0; i < NEXAMPLES; i++)
		row[i] = i;
	return cr_make_param_array(size_t, row, NEXAMPLES);
}

/* In memory of exactly that length, so that a sanitizer sees a step too far. */
ParameterizedTest(size_t *i, describe, cut)
{
	struct fw_buf b = { 0 };
	uint8_t *copy;

	load(examples[*i], &b);
	cr_assert_eq(survive(fw_buf_span(&b), examples[*i], 0), 0);
	for (size_t n = 0; n < b.n; n++) {
		copy = malloc(n != 0 ? n : 1);
		cr_assert_not_null(copy);
		memcpy(copy, b.p, n);
		cr_assert_gt(survive((struct fwd_span){ copy, n },
		    examples[*i], n), 0, "%s cut at %zu", examples[*i], n);
		free(copy);
	}
	fw_buf_deinit(&b);
}

ParameterizedTestParameters(describe, bent)
{
	static size_t row[NEXAMPLES];

	for (size_t i = 0; i < NEXAMPLES; i++)
		row[i] = i;
	return cr_make_param_array(size_t, row, NEXAMPLES);
}

/* Every single bit.  A digest that differs is no problem but is told. */
ParameterizedTest(size_t *i, describe, bent)
{
	struct fw_buf b = { 0 };

	load(examples[*i], &b);
	for (size_t bit = 0; bit < 8 * b.n; bit++) {
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		(void)survive(fw_buf_span(&b), examples[*i], bit);
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	fw_buf_deinit(&b);
}

/* Every bit of the manifest shows: as a problem, or in the digest. */
Test(describe, no_bit_of_the_manifest_goes_unseen)
{
	struct fw_buf b = { 0 };
	struct fwd_envelope env;
	json_t *problems, *o;
	size_t first, last;

	load("example5", &b);
	cr_assert_eq(fwd_envelope_read(fw_buf_span(&b), &env), FWD_OK);
	first = (size_t)(env.manifest.p - b.p);
	last = first + env.manifest.n;
	for (size_t bit = 8 * first; bit < 8 * last; bit++) {
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		o = describe(fw_buf_span(&b), &problems);
		cr_expect(json_is_false(at(o,
		    "authentication.digest-matches")), "bit %zu", bit);
		json_decref(o);
		json_decref(problems);
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	fw_buf_deinit(&b);
}

/* ---- forged envelopes --------------------------------------------------------- */

/* tag 107 {2: bstr([bstr digest]), 3: bstr manifest, then what extra says} */
static void
forge(const void *manifest, size_t n, const void *extra, size_t extra_n,
    unsigned pairs, struct fw_buf *out)
{
	static const uint8_t digest[] = { 0x82, 0x2f, 0x58, 0x20 };
	struct fw_cbor digest_c = { 0 }, auth = { 0 }, c = { 0 };
	static const uint8_t zeros[32];
	struct fw_error err;

	fw_cbor_raw(&digest_c, digest, sizeof digest);
	fw_cbor_raw(&digest_c, zeros, sizeof zeros);
	fw_cbor_array(&auth, 1);
	fw_cbor_wrap(&auth, &digest_c);
	fw_cbor_tag(&c, 107);
	fw_cbor_map(&c, 2 + pairs);
	fw_cbor_uint(&c, 2);
	fw_cbor_wrap(&c, &auth);
	fw_cbor_uint(&c, 3);
	fw_cbor_bytes(&c, manifest, n);
	fw_cbor_raw(&c, extra, extra_n);
	cr_assert_eq(fw_cbor_done(&c, out, &err), FW_OK);
	fw_cbor_deinit(&digest_c);
	fw_cbor_deinit(&auth);
	fw_cbor_deinit(&c);
}

/* A manifest whose validate section is that sequence. */
static void
forge_sequence(struct fw_cbor *sequence, struct fw_buf *out)
{
	struct fw_cbor common = { 0 }, m = { 0 };
	struct fw_buf manifest = { 0 };
	struct fw_error err;

	fw_cbor_map(&common, 1);
	fw_cbor_uint(&common, 2);
	fw_cbor_array(&common, 1);
	fw_cbor_array(&common, 2);
	fw_cbor_bytes(&common, "main", 4);
	fw_cbor_bytes(&common, "app", 3);
	fw_cbor_map(&m, 4);
	fw_cbor_uint(&m, 1);
	fw_cbor_uint(&m, 1);
	fw_cbor_uint(&m, 2);
	fw_cbor_uint(&m, UINT64_MAX);
	fw_cbor_uint(&m, 3);
	fw_cbor_wrap(&m, &common);
	fw_cbor_uint(&m, 7);
	fw_cbor_wrap(&m, sequence);
	cr_assert_eq(fw_cbor_done(&m, &manifest, &err), FW_OK);
	forge(manifest.p, manifest.n, NULL, 0, 0, out);
	fw_buf_deinit(&manifest);
	fw_cbor_deinit(&common);
	fw_cbor_deinit(&m);
}

/* Does a problem have that code? */
static bool
has_code(const json_t *problems, const char *code)
{
	const json_t *p;
	size_t i;

	json_array_foreach(problems, i, p)
		if (strcmp(json_string_value(json_object_get(p, "code")),
		    code) == 0)
			return true;
	return false;
}

Test(describe, large_numbers_and_labels)
{
	struct fw_cbor s = { 0 };
	struct fw_buf b = { 0 };
	json_t *problems, *o;

	fw_cbor_array(&s, 2);
	fw_cbor_uint(&s, 3);
	fw_cbor_uint(&s, 0);
	forge_sequence(&s, &b);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect_eq(json_array_size(problems), 0);
	CHECK_STR(o, "manifest.sequence-number", "18446744073709551615");
	CHECK_STR(o, "manifest.components.0.label", "main/app");
	cr_expect(json_is_false(at(o, "authentication.digest-matches")));
	json_decref(o);
	json_decref(problems);
	fw_buf_deinit(&b);
	fw_cbor_deinit(&s);
}

/* run-sequence within run-sequence, deeper than is shown */
Test(describe, depth)
{
	struct fw_cbor s = { 0 }, outer;
	struct fw_buf b = { 0 };
	json_t *problems, *o;

	fw_cbor_array(&s, 2);
	fw_cbor_uint(&s, 3);
	fw_cbor_uint(&s, 0);
	for (unsigned i = 0; i < 200; i++) {
		outer = (struct fw_cbor){ 0 };
		fw_cbor_array(&outer, 2);
		fw_cbor_uint(&outer, 32);
		fw_cbor_wrap(&outer, &s);
		fw_cbor_deinit(&s);
		s = outer;
	}
	forge_sequence(&s, &b);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect(has_code(problems, "sequence-depth"));
	json_decref(o);
	json_decref(problems);
	(void)survive(fw_buf_span(&b), "depth", 0);
	fw_buf_deinit(&b);
	fw_cbor_deinit(&s);
}

/* More commands than are shown: told once, and the output is bounded. */
Test(describe, count)
{
	enum { N = 100000 };
	struct fw_cbor s = { 0 };
	struct fw_buf b = { 0 };
	json_t *problems, *o;

	fw_cbor_array(&s, 2 * N);
	for (unsigned i = 0; i < N; i++) {
		fw_cbor_int(&s, -1);
		fw_cbor_nil(&s);
	}
	forge_sequence(&s, &b);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect(has_code(problems, "limit"));
	cr_expect_leq(json_array_size(problems), FW_DESCRIBE_NODES + 1);
	cr_expect_leq(json_array_size(at(o, "sequences.0.commands")),
	    FW_DESCRIBE_NODES);
	json_decref(o);
	json_decref(problems);
	fw_buf_deinit(&b);
	fw_cbor_deinit(&s);
}

/* Text that would act on a terminal, as payload name and in a parameter. */
Test(describe, escapes)
{
	static const char evil[] = "\033]0;owned\007\r\n\302\233A\342\200\256x"
	    "\177\\";
	struct fw_cbor s = { 0 }, extra = { 0 };
	struct fw_buf b = { 0 }, e = { 0 }, text = { 0 };
	struct fw_error err;
	json_t *problems, *o, *tree;

	fw_cbor_array(&s, 2);
	fw_cbor_uint(&s, 20);
	fw_cbor_map(&s, 1);
	fw_cbor_uint(&s, 21);
	fw_cbor_text(&s, evil);
	forge_sequence(&s, &b);
	(void)survive(fw_buf_span(&b), "escapes", 0);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect_eq(json_array_size(problems), 0);
	/* The tree has it as it is; only what is printed is made safe. */
	CHECK_STR(o, "sequences.0.commands.0.parameters.0.value", evil);
	json_decref(o);
	json_decref(problems);
	fw_buf_deinit(&b);

	fw_cbor_text(&extra, evil);
	fw_cbor_bytes(&extra, "abc", 3);
	cr_assert_eq(fw_cbor_done(&extra, &e, &err), FW_OK);
	forge("\xa0", 1, e.p, e.n, 1, &b);
	(void)survive(fw_buf_span(&b), "escapes", 1);
	o = describe(fw_buf_span(&b), &problems);
	CHECK_STR(o, "payloads.0.name", evil);
	CHECK_INT(o, "payloads.0.size", 3);
	tree = json_pack("{s:s, s:s, s:i, s:o, s:o}", "file", evil, "kind",
	    "envelope", "size", 1, "envelope", o, "problems", problems);
	cr_assert_eq(fw_describe_text(tree, &text, &err), FW_OK);
	check_text(&text, "name of the file", 0);
	json_decref(tree);
	fw_buf_deinit(&text);
	fw_buf_deinit(&b);
	fw_buf_deinit(&e);
	fw_cbor_deinit(&extra);
	fw_cbor_deinit(&s);
}

/* What one mistake hides: only its own byte string. */
Test(describe, goes_on_after_a_mistake)
{
	static const uint8_t manifest[] = {
		0xa5,
		0x01, 0x01,		/* version 1 */
		0x02, 0x18, 0x2a,	/* sequence number 42 */
		0x03, 0x43, 0xff, 0xff, 0xff,	/* common is not CBOR */
		0x07, 0x43, 0x82, 0x03, 0x0f,	/* validate: image-match */
		0x18, 0x63, 0x00,	/* element 99 */
	};
	struct fw_buf b = { 0 };
	json_t *problems, *o;

	forge(manifest, sizeof manifest, NULL, 0, 0, &b);
	o = describe(fw_buf_span(&b), &problems);
	cr_expect(has_code(problems, "cbor-type"));
	cr_expect(has_code(problems, "manifest-element"));
	CHECK_INT(o, "manifest.sequence-number", 42);
	CHECK_STR(o, "sequences.0.commands.0.name", "condition-image-match");
	CHECK_STR(o, "manifest.unknown.0.key", "99");
	json_decref(o);
	json_decref(problems);
	fw_buf_deinit(&b);
}

/* ---- names ----------------------------------------------------------------------- */

Test(describe, plain_names)
{
	static const struct {
		const char *name;
		bool plain;
	} cases[] = {
		{ "a", true }, { "a/b.bin", true }, { "a.b_c+d-e", true },
		{ "...", true }, { "..a", true }, { ".hidden", true },
		{ "", false }, { "/", false }, { "/a", false },
		{ "a/", false }, { "a//b", false }, { ".", false },
		{ "..", false }, { "a/..", false }, { "../a", false },
		{ "a/../b", false }, { "./a", false }, { "a/./b", false },
		{ "a b", false }, { "a\\b", false }, { "a\nb", false },
		{ "\303\244", false }, { "a:b", false }, { "#a", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		cr_expect_eq(fw_name_is_plain((struct fwd_span){
		    (const uint8_t *)cases[i].name, strlen(cases[i].name) }),
		    cases[i].plain, "'%s'", cases[i].name);
	cr_expect_not(fw_name_is_plain((struct fwd_span){
	    (const uint8_t *)"a\0b", 3 }));
}

/* ---- no memory -------------------------------------------------------------------- */

static size_t allowed;			/* allocations before the one that fails */
static bool failed;

static void *
failing_malloc(size_t n)
{
	if (allowed == 0) {
		failed = true;
		return NULL;
	}
	allowed--;
	return malloc(n);
}

/* Each allocation of the tree fails in turn: said so, nothing leaked. */
Test(describe, no_memory)
{
	struct fw_buf b = { 0 };
	struct fw_error err;
	json_t *problems, *o;
	enum fw_kind kind = FW_E_NOMEM;

	load("example3", &b);
	for (size_t i = 0; kind != FW_OK; i++) {
		problems = json_array();
		failed = false;
		allowed = i;
		o = NULL;
		json_set_alloc_funcs(failing_malloc, free);
		kind = fw_describe_envelope(fw_buf_span(&b), problems, &o,
		    &err);
		json_set_alloc_funcs(malloc, free);
		cr_assert_eq(kind, failed ? FW_E_NOMEM : FW_OK,
		    "allocation %zu", i);
		cr_assert_eq(o != NULL, kind == FW_OK);
		cr_assert_lt(i, 100000);
		json_decref(o);
		json_decref(problems);
	}
	fw_buf_deinit(&b);
}
