/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: where our profile coincides with the draft's published examples
 * the bytes are the same; where it does not, the bytes are spelled out here.
 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/build.h"
#include "host/internal.h"

/* The digests and sizes of the draft's examples. */
static const uint8_t d1[32] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
	0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
	0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
};
static const uint8_t d2[32] = {
	0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba,
	0x98, 0x76, 0x54, 0x32, 0x10, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
	0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};
enum { SIZE1 = 34768, SIZE2 = 76834 };

static struct fw_descriptor d;
static struct fw_measures m;
static struct fw_error err;

/* What was encoded last, and taken apart again by the device library. */
static struct fw_buf text, manifest, payload, envelope;
static struct fwd_envelope env;
static struct fwd_manifest man;

static void
add_component(uint8_t id, const char *uri)
{
	struct fw_component *const c = &d.component[d.components];

	c->label = (char *)(uintptr_t)"label";
	memcpy(c->id, (uint8_t[]){ 0x81, 0x41, id }, 3);
	c->id_n = 3;
	c->images = 1;
	c->image[0].name = (char *)(uintptr_t)uri;
	memcpy(m.image[d.components][0].digest, d1, sizeof d1);
	m.image[d.components][0].size = SIZE1;
	d.components++;
}

/* One component as in most of the draft's examples. */
static void
begin(void)
{
	memset(&d, 0, sizeof d);
	memset(&m, 0, sizeof m);
	memset(&err, 0, sizeof err);
	cr_assert(fw_uuid_parse("fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe",
	    d.vendor_id));
	cr_assert(fw_uuid_parse("1492af14-2569-5e48-bf42-9b2d51f2ab45",
	    d.class_id));
	d.path = d.version = (char *)(uintptr_t)"1.2.3";
	d.language = (char *)(uintptr_t)"en";
	d.digest_alg = FWD_SHA256;
	add_component(0, "http://example.com/file.bin");
}

static void
finish(void)
{
	fw_buf_deinit(&text);
	fw_buf_deinit(&manifest);
	fw_buf_deinit(&payload);
	fw_buf_deinit(&envelope);
}

TestSuite(manifest, .init = begin, .fini = finish);

static enum fw_kind
encode(void)
{
	finish();
	FW_TRY(fw_text_encode(&d, &m, &text, &err));
	FW_TRY(fw_manifest_encode(&d, &m, fw_buf_span(&text), &manifest,
	    &err));
	FW_TRY(fw_payload_encode(d.digest_alg, fw_buf_span(&manifest),
	    &payload, &err));
	return fw_envelope_encode(&(struct fw_envelope_parts){
	    .payload = fw_buf_span(&payload),
	    .manifest = fw_buf_span(&manifest),
	    .element = &(struct fw_element){ NULL, fw_buf_span(&text) },
	    .elements = 1 }, &envelope, &err);
}

/* Encode, and have the device library take it apart. */
static void
build(void)
{
	cr_assert_eq(encode(), FW_OK, "%s", err.text);
	cr_assert_eq(fwd_envelope_read(fw_buf_span(&envelope), &env), FWD_OK);
	cr_assert_eq(fwd_manifest_read(&env, &man), FWD_OK);
	cr_assert_eq(man.sequence_number, d.sequence_number);
}

/* ---- the published examples ------------------------------------------ */

static struct {
	struct fw_buf file;
	struct fwd_envelope env;
	struct fwd_manifest man;
} example;

static void
load_example(int n)
{
	char path[64];

	(void)snprintf(path, sizeof path, "testdata/suit/example%d.suit", n);
	cr_assert_eq(fw_file_read(path, 4096, &example.file, &err), FW_OK,
	    "%s", err.text);
	cr_assert_eq(fwd_envelope_read(fw_buf_span(&example.file),
	    &example.env), FWD_OK);
	cr_assert_eq(fwd_manifest_read(&example.env, &example.man), FWD_OK);
	d.sequence_number = (uint64_t)n;
}

static void
same(const char *what, struct fwd_span got, struct fwd_span want)
{
	cr_assert_neq(want.n, 0, "%s", what);
	cr_assert_eq(got.n, want.n, "%s: %zu bytes instead of %zu", what,
	    got.n, want.n);
	cr_assert_arr_eq(got.p, want.p, want.n, "%s", what);
}
#define SAME(member) same(#member, man.member, example.man.member)

Test(manifest, example_0)
{
	load_example(0);
	d.component[0].invoke = true;
	build();
	SAME(components);
	SAME(shared);
	SAME(validate.content);
	SAME(invoke.content);
	fw_buf_deinit(&example.file);
}

Test(manifest, example_1)
{
	load_example(1);
	build();
	SAME(components);
	SAME(shared);
	SAME(validate.content);
	SAME(install.content);
	cr_assert_not(man.invoke.declared);
	cr_assert_not(man.fetch.declared);
	cr_assert_not(man.load.declared);
	fw_buf_deinit(&example.file);
}

Test(manifest, example_2)
{
	load_example(2);
	d.component[0].invoke = true;
	d.reference_uri = (char *)(uintptr_t)"https://git.io/JJYoj";
	build();
	SAME(components);
	SAME(shared);
	SAME(reference_uri);
	SAME(validate.content);
	SAME(invoke.content);
	cr_assert_gt(example.man.install.content.n, 0);
	fw_buf_deinit(&example.file);
}

static void
two_slots(uint64_t a, uint64_t b)
{
	struct fw_component *const c = &d.component[0];

	c->slotted = true;
	c->images = 2;
	c->image[0].slot = a;
	c->image[1].slot = b;
	c->image[0].name = (char *)(uintptr_t)"http://example.com/file1.bin";
	c->image[1].name = (char *)(uintptr_t)"http://example.com/file2.bin";
	memcpy(m.image[0][1].digest, d2, sizeof d2);
	m.image[0][1].size = SIZE2;
}

Test(manifest, example_3)
{
	load_example(3);
	two_slots(0, 1);
	build();
	SAME(components);
	SAME(shared);
	SAME(validate.content);
	SAME(install.content);
	fw_buf_deinit(&example.file);
}

/* Its payload-fetch sets a digest that ours has from the shared sequence. */
Test(manifest, example_4)
{
	static const uint8_t fetch[] = "\x88\x0c\x01\x14\xa1\x15\x78\x1b"
	    "http://example.com/file.bin\x15\x02\x03\x0f";

	load_example(4);
	d.component[0].staged = true;
	memcpy(d.component[0].staging_id, (uint8_t[]){ 0x81, 0x41, 2 }, 3);
	d.component[0].staging_id_n = 3;
	build();
	SAME(validate.content);
	SAME(install.content);
	same("fetch", man.fetch.content,
	    (struct fwd_span){ fetch, sizeof fetch - 1 });
	cr_assert_eq(man.components_n, 2);
	cr_assert_eq(man.components.n, 6);
	cr_assert_arr_eq(man.components.p, "\x81\x41\x00\x81\x41\x02", 6);
	fw_buf_deinit(&example.file);
}

Test(manifest, example_5)
{
	load_example(5);
	add_component(1, "http://example.com/file2.bin");
	d.component[0].image[0].name =
	    (char *)(uintptr_t)"http://example.com/file1.bin";
	d.component[0].invoke = true;
	build();
	SAME(components);
	SAME(validate.content);
	SAME(invoke.content);
	SAME(install.content);
	fw_buf_deinit(&example.file);
}

/* ---- what the examples do not show ------------------------------------ */

/* Two components: the second has its own conditions, unlike example 5. */
Test(manifest, shared_of_two)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf want = { 0 };
	struct fw_cbor c = { 0 };

	add_component(1, "b");
	memcpy(m.image[1][0].digest, d2, sizeof d2);
	m.image[1][0].size = SIZE2;
	build();
	fw_cbor_array(&c, 16);
	for (unsigned i = 0; i < 2; i++) {
		struct fw_cbor digest = { 0 };

		fw_cbor_raw(&c, (uint8_t[]){ 0x0c, (uint8_t)i, 0x14, 0xa4, 1 },
		    5);
		fw_cbor_bytes(&c, d.vendor_id, 16);
		fw_cbor_uint(&c, 2);
		fw_cbor_bytes(&c, d.class_id, 16);
		fw_cbor_uint(&c, 3);
		fw_cbor_digest(&digest, FWD_SHA256, i == 0 ? d1 : d2);
		fw_cbor_wrap(&c, &digest);
		fw_cbor_uint(&c, 14);
		fw_cbor_uint(&c, i == 0 ? SIZE1 : SIZE2);
		fw_cbor_raw(&c, "\x01\x0f\x02\x0f", 4);
	}
	cr_assert_eq(fw_cbor_done(&c, &want, &err), FW_OK);
	same("shared", man.shared, fw_buf_span(&want));
}

/* A staging component is judged like its owner, with the same digest. */
Test(manifest, shared_of_staged)
{
	const uint8_t *second;

	d.component[0].staged = true;
	memcpy(d.component[0].staging_id, (uint8_t[]){ 0x81, 0x41, 9 }, 3);
	d.component[0].staging_id_n = 3;
	build();
	/* The halves differ in the component index alone. */
	cr_assert_eq(man.shared.n % 2, 1);
	second = man.shared.p + 1 + man.shared.n / 2;
	cr_assert_arr_eq(man.shared.p, "\x90\x0c\x00", 3);
	cr_assert_arr_eq(second, "\x0c\x01", 2);
	cr_assert_arr_eq(man.shared.p + 3, second + 2, man.shared.n / 2 - 2);
}

/* The limit of time stands before all that is written, and only there. */
Test(manifest, use_before)
{
	d.use_before = INT64_C(1800000000);
	build();
	cr_assert_arr_eq(man.install.content.p,
	    "\x8a\x14\xa1\x04\x1a\x6b\x49\xd2\x00\x04\x0f\x14\xa1\x15", 14);
	cr_assert_null(man.fetch.content.p);
	d.component[0].staged = true;
	memcpy(d.component[0].staging_id, (uint8_t[]){ 0x81, 0x41, 9 }, 3);
	d.component[0].staging_id_n = 3;
	build();
	cr_assert_arr_eq(man.fetch.content.p,
	    "\x8e\x0c\x01\x14\xa1\x04\x1a\x6b\x49\xd2\x00\x04\x0f\x0c\x01", 15);
	cr_assert_arr_eq(man.install.content.p,
	    "\x8e\x0c\x00\x14\xa1\x04\x1a\x6b\x49\xd2\x00\x04\x0f\x0c\x00", 15);
	/* Without it, nothing of it. */
	d.use_before = 0;
	build();
	cr_assert_arr_eq(man.install.content.p, "\x88\x0c\x00\x14\xa1\x16",
	    6);
}

Test(manifest, device_identifier)
{
	const uint8_t *p;

	d.has_device_id = true;
	memset(d.device_id, 0xdd, sizeof d.device_id);
	build();
	/* last parameter, last condition */
	p = man.shared.p + man.shared.n - 26;
	cr_assert_arr_eq(p, "\x18\x18\x50", 3);
	for (size_t i = 0; i < 16; i++)
		cr_assert_eq(p[3 + i], 0xdd);
	cr_assert_arr_eq(p + 19, "\x01\x0f\x02\x0f\x18\x18\x0f", 7);
	cr_assert_arr_eq(man.shared.p, "\x88\x14\xa5\x01", 4);
}

/* One slot: nothing to try, the condition stands in line. */
Test(manifest, one_slot)
{
	static const uint8_t install[] = "\x8a\x14\xa1\x05\x07\x05\x05\x14"
	    "\xa1\x15\x61" "u\x15\x02\x03\x0f";

	d.component[0].slotted = true;
	d.component[0].image[0].slot = 7;
	d.component[0].image[0].name = (char *)(uintptr_t)"u";
	build();
	same("install", man.install.content,
	    (struct fwd_span){ install, sizeof install - 1 });
}

Test(manifest, invoke_arguments)
{
	static const uint8_t one[] =
	    "\x84\x14\xa1\x17\x43" "a=b\x17\x02";
	static const uint8_t two[] =
	    "\x8a\x0c\x00\x14\xa1\x17\x43" "a=b\x17\x02" "\x0c\x01\x17\x02";

	d.component[0].invoke = true;
	cr_assert_eq(fw_buf_add(&d.component[0].invoke_args, "a=b", 3, &err),
	    FW_OK);
	build();
	same("invoke", man.invoke.content,
	    (struct fwd_span){ one, sizeof one - 1 });
	add_component(1, "b");
	d.component[1].invoke = true;
	build();
	same("invoke", man.invoke.content,
	    (struct fwd_span){ two, sizeof two - 1 });
	fw_buf_deinit(&d.component[0].invoke_args);
}

/* With several components every sequence begins with an index. */
Test(manifest, index_first)
{
	add_component(1, "b");
	add_component(2, "c");
	d.component[1].invoke = true;
	d.component[2].staged = true;
	memcpy(d.component[2].staging_id, (uint8_t[]){ 0x81, 0x41, 9 }, 3);
	d.component[2].staging_id_n = 3;
	build();
	cr_assert_eq(man.components_n, 4);
	cr_assert_eq(man.shared.p[1 + (man.shared.p[0] == 0x98)], 12);
	cr_assert_arr_eq(man.fetch.content.p + 1, "\x0c\x03", 2);
	cr_assert_arr_eq(man.install.content.p + 1 +
	    (man.install.content.p[0] == 0x98), "\x0c\x00", 2);
	cr_assert_arr_eq(man.validate.content.p + 1, "\x0c\x00", 2);
	cr_assert_arr_eq(man.invoke.content.p + 1, "\x0c\x01", 2);
}

/* ---- digests ---------------------------------------------------------- */

/* Severed text and manifest are hashed with their heads. */
Test(manifest, digests)
{
	static const int32_t algs[] = { FWD_SHA256, FWD_SHA384, FWD_SHA512 };
	uint8_t digest[FWD_DIGEST_MAX];
	struct fwd_member t = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < 3; i++) {
		const size_t n = fwd_digest_size(algs[i]);

		d.digest_alg = algs[i];
		build();
		cr_assert_eq(env.digest.alg, algs[i]);
		cr_assert_eq(fw_digest(algs[i], env.manifest_bstr, digest,
		    &err), FW_OK);
		cr_assert_eq(env.digest.bytes.n, n);
		cr_assert_arr_eq(env.digest.bytes.p, digest, n);
		cr_assert_eq(fw_digest_bstr(algs[i], env.manifest, digest,
		    &err), FW_OK);
		cr_assert_arr_eq(env.digest.bytes.p, digest, n);

		at = 0;
		cr_assert(fwd_envelope_next(&env, &at, &t));
		cr_assert_eq(t.key, FWD_MAN_TEXT);
		cr_assert_eq(fw_digest(algs[i], t.bstr, digest, &err), FW_OK);
		cr_assert_eq(man.text.digest.alg, algs[i]);
		cr_assert_arr_eq(man.text.digest.bytes.p, digest, n);
		cr_assert_not(fwd_envelope_next(&env, &at, &t));
	}
	d.digest_alg = -18;
	cr_assert_eq(encode(), FW_E_INPUT);
}

/* The same input gives the same bytes; digests do not change lengths. */
Test(manifest, deterministic)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf before = { 0 };
	const size_t n = 4096;

	two_slots(0, 1);
	build();
	cr_assert_lt(envelope.n, n);
	cr_assert_eq(fw_buf_add(&before, envelope.p, envelope.n, &err), FW_OK);
	build();
	same("again", fw_buf_span(&envelope), fw_buf_span(&before));
	memset(m.image[0][0].digest, 0, sizeof d1);
	build();
	cr_assert_eq(envelope.n, before.n);
	cr_assert_neq(memcmp(envelope.p, before.p, before.n), 0);
}

/* ---- text ------------------------------------------------------------- */

static void
text_is(const char *what, const void *want, size_t n)
{
	fw_buf_deinit(&text);
	cr_assert_eq(fw_text_encode(&d, &m, &text, &err), FW_OK);
	same(what, fw_buf_span(&text), (struct fwd_span){ want, n });
}
#define TEXT_IS(bytes) text_is(#bytes, bytes, sizeof(bytes) - 1)

Test(manifest, text_least)
{
	TEXT_IS("\xa1\x62" "en\xa1\x81\x41\x00\xa1\x06\x65" "1.2.3");
}

/* Keys in bytewise order: 1, 2, -257, then identifiers. */
Test(manifest, text_all)
{
	d.description = (char *)(uintptr_t)"D";
	d.notes = (char *)(uintptr_t)"N";
	d.language = (char *)(uintptr_t)"de";
	d.vendor_name = (char *)(uintptr_t)"V";
	d.component[0].description = (char *)(uintptr_t)"C";
	d.component[0].version = (char *)(uintptr_t)"9";
	d.attachments = 1;
	d.attachment[0].name = (char *)(uintptr_t)"a.json";
	d.attachment[0].type = (char *)(uintptr_t)"a/b";
	m.attachment[0].size = 5;
	memcpy(m.attachment[0].digest, d1, sizeof d1);
	TEXT_IS("\xa1\x62" "de\xa4" "\x01\x61" "D" "\x02\x61" "N"
	    "\x39\x01\x00\x78\x7d"
	    "[{\"digest\":\"sha-256:00112233445566778899aabbccddeeff0123456789"
	    "abcdeffedcba9876543210\",\"name\":\"a.json\",\"size\":5,"
	    "\"type\":\"a/b\"}]"
	    "\x81\x41\x00\xa3" "\x01\x61" "V" "\x05\x61" "C" "\x06\x61" "9");
}

/* The names stand there as the source of identifiers only if they are. */
Test(manifest, text_derived)
{
	d.vendor_domain = (char *)(uintptr_t)"example.com";
	d.model = (char *)(uintptr_t)"M";
	TEXT_IS("\xa1\x62" "en\xa1\x81\x41\x00\xa2\x02\x61" "M"
	    "\x06\x65" "1.2.3");
	cr_assert_eq(fw_uuid_vendor("example.com", d.vendor_id, &err), FW_OK);
	cr_assert_eq(fw_uuid5(d.vendor_id, "M", 1, d.class_id, &err), FW_OK);
	TEXT_IS("\xa1\x62" "en\xa1\x81\x41\x00\xa4\x02\x61" "M"
	    "\x03\x6b" "example.com" "\x04\x61" "M" "\x06\x65" "1.2.3");
}

/* Identifiers are sorted as encoded, whatever the descriptor's order. */
Test(manifest, text_order)
{
	d.component[0].id[2] = 7;
	add_component(3, "b");
	add_component(5, "c");
	memcpy(d.component[2].id, "\x82\x41\x00\x40", 4);
	d.component[2].id_n = 4;
	TEXT_IS("\xa1\x62" "en\xa3" "\x81\x41\x03\xa1\x06\x65" "1.2.3"
	    "\x81\x41\x07\xa1\x06\x65" "1.2.3"
	    "\x82\x41\x00\x40\xa1\x06\x65" "1.2.3");
}

/* ---- envelope ---------------------------------------------------------- */

/* Elements are sorted: the text, then names by length, then bytewise. */
Test(manifest, elements)
{
	static const uint8_t byte[] = { 0x55 };
	const struct fwd_span one = { byte, 1 };
	const struct fw_element element[] = {
		{ "#zz", one }, { "#b", one }, { NULL, one }, { "#aa", one },
		{ "#123456789012345678901234", one },
		{ "#12345678901234567890123", one }, { "#a", one },
	};
	static const char *const want[] = { "", "#a", "#b", "#aa", "#zz",
		"#12345678901234567890123", "#123456789012345678901234" };
	struct fwd_member e;
	size_t at = 0;

	build();
	fw_buf_deinit(&envelope);
	cr_assert_eq(fw_envelope_encode(&(struct fw_envelope_parts){
	    .payload = fw_buf_span(&payload),
	    .manifest = fw_buf_span(&manifest), .element = element,
	    .elements = 7 }, &envelope, &err), FW_OK);
	cr_assert_eq(fwd_envelope_read(fw_buf_span(&envelope), &env), FWD_OK);
	for (size_t i = 0; i < 7; i++) {
		cr_assert(fwd_envelope_next(&env, &at, &e));
		cr_assert_eq(e.key, i == 0 ? FWD_MAN_TEXT : 0);
		cr_assert_eq(e.name.n, strlen(want[i]));
		if (i != 0)
			cr_assert_arr_eq(e.name.p, want[i], e.name.n);
		cr_assert_eq(e.content.n, 1);
	}
	cr_assert_not(fwd_envelope_next(&env, &at, &e));
}

/* Other signature blocks, all else byte by byte the same. */
Test(manifest, rewrap)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf again = { 0 };

	build();
	cr_assert_eq(fw_envelope_rewrap(&env, NULL, 0, &again, &err), FW_OK);
	same("rewrap", fw_buf_span(&again), fw_buf_span(&envelope));
}

/* ---- what cannot be said ----------------------------------------------- */

Test(manifest, refusals)
{
	d.components = 0;
	cr_assert_eq(encode(), FW_E_INPUT);
	d.components = 1;
	d.component[0].images = 0;
	cr_assert_eq(encode(), FW_E_INPUT);
	d.component[0].images = 2;
	cr_assert_eq(encode(), FW_E_INPUT, "two images without slots");
	two_slots(0, 1);
	d.component[0].staged = true;
	cr_assert_eq(encode(), FW_E_INPUT, "slots and staging");
}

/* As many components as there may be, and one more. */
Test(manifest, most_components)
{
	while (d.components < FWD_COMPONENTS_MAX)
		add_component((uint8_t)d.components, "x");
	build();
	cr_assert_eq(man.components_n, FWD_COMPONENTS_MAX);
	d.component[3].staged = true;
	cr_assert_eq(encode(), FW_E_INPUT);
}
