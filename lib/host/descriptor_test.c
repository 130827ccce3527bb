/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read from descriptors.  What is refused, and what is said about it,
 * stands in testdata/descriptor (schema_test.sh).
 */
#include "host/internal.h"
#include "testdata/fault.h"
#include "testdata/scratch.h"

static struct fw_descriptor d;
static struct fw_error err;
static char where[256];
static int fds;

static void
setup(void)
{
	fault_reset();
	scratch_setup();
	memset(&err, 0, sizeof err);
	memset(&d, 0, sizeof d);
	fds = scratch_fds();
}

static void
teardown(void)
{
	fault_reset();
	fw_descriptor_deinit(&d);
	fw_descriptor_deinit(&d);	/* an empty one */
	cr_assert_eq(scratch_fds(), fds, "a file stayed open");
	scratch_teardown();
}

TestSuite(descriptor, .init = setup, .fini = teardown);

static void
load(const char *text, const struct fw_set *set)
{
	scratch_text(text);
	cr_assert_eq(fw_descriptor_load(scratch_path, set, &d, &err), FW_OK,
	    "%u:%u: %s", err.line, err.column, err.text);
}

/* A name in the folder of the descriptor. */
static const char *
beside(const char *name)
{
	(void)snprintf(where, sizeof where, "%s/%s", scratch_dir, name);
	return where;
}

static void
assert_uuid(const uint8_t got[16], const char *want)
{
	char text[37];

	fw_uuid_format(got, text);
	cr_assert_str_eq(text, want);
}

#define HEAD								\
	"descriptor: 1\n"						\
	"device: {vendor-domain: acme.example, "			\
	"model: Infusion Pump 3000 rev C}\n"				\
	"sequence-number: 42\n"						\
	"version: \"1.4.2\"\n"						\
	"components:\n"
static const char minimal[] = HEAD "  - id: main\n    file: app.bin\n";

Test(descriptor, minimal)
{
	const struct fw_component *c = &d.component[0];
	const struct fw_image *img = &c->image[0];

	load(minimal, NULL);
	cr_assert_str_eq(d.path, scratch_path);
	cr_assert_str_eq(d.vendor_domain, "acme.example");
	cr_assert_str_eq(d.model, "Infusion Pump 3000 rev C");
	cr_assert_null(d.vendor_name);
	assert_uuid(d.vendor_id, "0637e301-e05d-505b-8267-486f5677de9b");
	assert_uuid(d.class_id, "9af113c0-47e5-554d-b7ea-7e20dec01c59");
	cr_assert_not(d.has_device_id);
	cr_assert_eq(d.sequence_number, 42);
	cr_assert_str_eq(d.version, "1.4.2");
	cr_assert_null(d.description);
	cr_assert_null(d.notes);
	cr_assert_str_eq(d.language, "en");
	cr_assert_null(d.reference_uri);
	cr_assert_eq(d.digest_alg, FWD_SHA256);
	cr_assert_eq(d.components, 1);
	cr_assert_eq(d.signers, 0);
	cr_assert_eq(d.attachments, 0);
	cr_assert_eq(c->id_n, 6);
	cr_assert_arr_eq(c->id, "\x81\x44main", 6);
	cr_assert_str_eq(c->label, "main");
	cr_assert_null(c->description);
	cr_assert_null(c->version);
	cr_assert_not(c->integrated);
	cr_assert_not(c->staged);
	cr_assert_not(c->slotted);
	cr_assert(c->invoke);
	cr_assert_eq(c->invoke_args.n, 0);
	cr_assert_eq(c->max_size, 0);
	cr_assert_eq(c->images, 1);
	cr_assert_str_eq(img->path, beside("app.bin"));
	cr_assert_eq(img->format, FW_RAW);
	cr_assert_not(img->has_base);
	cr_assert_eq(img->ignores, 0);
	cr_assert_str_eq(img->name, "app.bin");
	cr_assert_eq(img->line, 7);
	cr_assert_eq(img->column, 11);
}

Test(descriptor, texts)
{
	load("descriptor: 1\n"
	    "device:\n"
	    "  vendor-id: FA6B4A53-d5ad-5fdf-be9d-e663e4d41ffe\n"
	    "  class-id: 1492af14-2569-5e48-bf42-9b2d51f2ab45\n"
	    "  device-id: 2f1f7a5e-3b5a-4f0e-9c38-0d8a3f7be111\n"
	    "  vendor-name: ACME Medical\n"
	    "sequence-number: 9223372036854775807\n"
	    "version: 1.4.2\n"
	    "description: |\n  two\n  lines\n"
	    "notes: \xc3\xa4\n"
	    "language: de-AT\n"
	    "reference-uri: https://acme.example/\n"
	    "digest: sha-512\n"
	    "components: [{id: a, file: b}]\n", NULL);
	cr_assert_null(d.vendor_domain);
	cr_assert_null(d.model);
	assert_uuid(d.vendor_id, "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe");
	assert_uuid(d.class_id, "1492af14-2569-5e48-bf42-9b2d51f2ab45");
	cr_assert(d.has_device_id);
	assert_uuid(d.device_id, "2f1f7a5e-3b5a-4f0e-9c38-0d8a3f7be111");
	cr_assert_str_eq(d.vendor_name, "ACME Medical");
	cr_assert_eq(d.sequence_number, INT64_MAX);
	cr_assert_str_eq(d.version, "1.4.2");
	cr_assert_str_eq(d.description, "two\nlines\n");
	cr_assert_str_eq(d.notes, "\xc3\xa4");
	cr_assert_str_eq(d.language, "de-AT");
	cr_assert_str_eq(d.reference_uri, "https://acme.example/");
	cr_assert_eq(d.digest_alg, FWD_SHA512);
}

static const char components[] = HEAD
	"  - id: [main, \"0x00fF\"]\n"
	"    description: The application\n"
	"    version: \"7\"\n"
	"    file: out/app.HEX\n"
	"    format: intel-hex\n"
	"    fill: 0x5A\n"
	"    base: 0x08000000\n"
	"    ignore: [{from: 1, to: 2}, {from: 0x10, to: 0xffffffff}]\n"
	"    max-size: 0o17\n"
	"    install: staged\n"
	"    staging: ext/1\n"
	"    payload: integrated\n"
	"  - id: radio\n"
	"    format: raw\n"
	"    slots:\n"
	"      - {slot: 3, file: /abs/r.hex}\n"
	"      - {slot: 0, file: r0.bin, name: r/0}\n"
	"    invoke: true\n"
	"    invoke-args: \"-v \\\"x\\\"\"\n"
	"signers:\n"
	"  - key: pkcs11:token=a;object=b\n"
	"  - {key: dev/key.pem, chain: /etc/chain.pem, algorithm: Ed25519}\n"
	"attachments:\n"
	"  - {name: a/sbom.json, type: application/json, file: sbom.json}\n";

Test(descriptor, first_component)
{
	const struct fw_component *c = &d.component[0];
	const struct fw_image *img = &c->image[0];

	load(components, NULL);
	cr_assert_eq(d.components, 2);
	cr_assert_eq(c->id_n, 9);
	cr_assert_arr_eq(c->id, "\x82\x44main\x42\x00\xff", 9);
	cr_assert_str_eq(c->label, "main/0x00fF");
	cr_assert_str_eq(c->description, "The application");
	cr_assert_str_eq(c->version, "7");
	cr_assert_eq(c->max_size, 15);
	cr_assert(c->staged);
	cr_assert_eq(c->staging_id_n, 7);
	cr_assert_arr_eq(c->staging_id, "\x82\x43" "ext\x41" "1", 7);
	cr_assert(c->integrated);
	cr_assert_not(c->invoke);	/* the other one says it is */
	cr_assert_str_eq(img->path, beside("out/app.HEX"));
	cr_assert_str_eq(img->name, "#app.bin");
	cr_assert_eq(img->format, FW_INTEL_HEX);
	cr_assert_eq(img->fill, 0x5a);
	cr_assert(img->has_base);
	cr_assert_eq(img->base, 0x08000000);
	cr_assert_eq(img->ignores, 2);
	cr_assert_eq(img->ignore[0].from, 1);
	cr_assert_eq(img->ignore[0].to, 2);
	cr_assert_eq(img->ignore[1].from, 0x10);
	cr_assert_eq(img->ignore[1].to, 0xffffffff);
}

Test(descriptor, slots)
{
	const struct fw_component *c = &d.component[1];

	load(components, NULL);
	cr_assert(c->slotted);
	cr_assert_not(c->integrated);
	cr_assert(c->invoke);
	cr_assert_eq(c->invoke_args.n, 6);
	cr_assert_arr_eq(c->invoke_args.p, "-v \"x\"", 6);
	cr_assert_eq(c->images, 2);
	cr_assert_eq(c->image[0].slot, 3);
	cr_assert_str_eq(c->image[0].path, "/abs/r.hex");
	cr_assert_str_eq(c->image[0].name, "r.hex");
	cr_assert_eq(c->image[0].line, 21);
	cr_assert_eq(c->image[0].column, 25);
	cr_assert_eq(c->image[1].slot, 0);
	cr_assert_str_eq(c->image[1].path, beside("r0.bin"));
	cr_assert_str_eq(c->image[1].name, "r/0");
	cr_assert_not(c->image[1].has_base);
}

Test(descriptor, signers_and_attachments)
{
	load(components, NULL);
	cr_assert_eq(d.signers, 2);
	cr_assert_str_eq(d.signer[0].key, "pkcs11:token=a;object=b");
	cr_assert_null(d.signer[0].chain);
	cr_assert_eq(d.signer[0].alg, 0);
	cr_assert_eq(d.signer[0].line, 26);
	cr_assert_eq(d.signer[0].column, 10);
	cr_assert_str_eq(d.signer[1].key, beside("dev/key.pem"));
	cr_assert_str_eq(d.signer[1].chain, "/etc/chain.pem");
	cr_assert_eq(d.signer[1].alg, FWD_ED25519);
	cr_assert_eq(d.attachments, 1);
	cr_assert_str_eq(d.attachment[0].name, "a/sbom.json");
	cr_assert_str_eq(d.attachment[0].type, "application/json");
	cr_assert_str_eq(d.attachment[0].path, beside("sbom.json"));
	cr_assert_eq(d.attachment[0].line, 29);
}

static const struct {
	const char *name;
	int32_t alg;
} algorithms[] = {
	{ "ESP256", -9 }, { "ESP384", -51 }, { "ESP512", -52 },
	{ "Ed25519", -19 }, { "PS256", -37 }, { "PS384", -38 },
	{ "PS512", -39 },
};

Test(descriptor, algorithms)
{
	char text[1024];

	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
		(void)snprintf(text, sizeof text, "%ssigners:\n"
		    "  - {key: \"pkcs11:\", algorithm: %s}\n", minimal,
		    algorithms[i].name);
		load(text, NULL);
		cr_assert_eq(d.signer[0].alg, algorithms[i].alg);
		fw_descriptor_deinit(&d);
	}
}

/* Who is started: what is said, and otherwise the first. */
Test(descriptor, invoke)
{
	static const char *const said[] = { "", ", invoke: true",
	    ", invoke: false" };
	char text[1024];

	for (int a = 0; a < 3; a++)
		for (int b = 0; b < 3; b++) {
			(void)snprintf(text, sizeof text, HEAD
			    "  - {id: a, file: a%s}\n"
			    "  - {id: b, file: b%s}\n", said[a], said[b]);
			load(text, NULL);
			cr_assert_eq(d.component[0].invoke,
			    a == 1 || (a == 0 && b != 1), "%d %d", a, b);
			cr_assert_eq(d.component[1].invoke, b == 1);
			fw_descriptor_deinit(&d);
		}
}

/* All lengths of an identifier, and its encoding. */
Test(descriptor, component_ids)
{
	char text[1024], id[70];

	for (size_t n = 1; n <= 60; n++) {
		const struct fw_component *c = &d.component[0];
		const size_t head = n < 24 ? 2 : 3;

		memset(id, 'x', n);
		id[n] = '\0';
		(void)snprintf(text, sizeof text, HEAD "  - {id: %s, "
		    "file: a}\n", id);
		load(text, NULL);
		cr_assert_eq(c->id_n, head + n);
		cr_assert_eq(c->id[0], 0x81);
		cr_assert_eq(c->id[1], n < 24 ? 0x40 + n : 0x58);
		cr_assert_eq(c->id[head - 1], n < 24 ? 0x40 + n : n);
		cr_assert_arr_eq(c->id + head, id, n);
		cr_assert_str_eq(c->label, id);
		fw_descriptor_deinit(&d);
	}
}

/* "x/" n times "a": every way to cut 60 characters fits. */
Test(descriptor, component_id_segments)
{
	char text[1024], id[61];

	for (unsigned cut = 1; cut < 59; cut++)
		for (unsigned more = cut + 2; more < 61; more++) {
			memset(id, 'a', 60);
			id[60] = '\0';
			id[cut] = '/';
			if (more < 59)
				id[more] = '/';
			(void)snprintf(text, sizeof text, HEAD "  - {id: %s, "
			    "file: a}\n", id);
			load(text, NULL);
			cr_assert_leq(d.component[0].id_n, 64);
			cr_assert_str_eq(d.component[0].label, id);
			fw_descriptor_deinit(&d);
		}
}

/* Without a folder in the descriptor's name there is none in front. */
Test(descriptor, relative_paths)
{
	scratch_text(minimal);
	cr_assert_eq(chdir(scratch_dir), 0);
	cr_assert_eq(fw_descriptor_load("file", NULL, &d, &err), FW_OK);
	cr_assert_str_eq(d.component[0].image[0].path, "app.bin");
	fw_descriptor_deinit(&d);
	cr_assert_eq(fw_descriptor_load("./file", NULL, &d, &err), FW_OK);
	cr_assert_str_eq(d.component[0].image[0].path, "./app.bin");
}

Test(descriptor, substitution)
{
	static const char *const pairs[] = { "N=0x10", "V=1.10" };
	const struct fw_set set = { pairs, 2, NULL };

	load("descriptor: 1\n"
	    "device: {vendor-domain: acme.example, model: \"${V}\"}\n"
	    "sequence-number: ${N}\n"
	    "version: '${V}-rc'\n"
	    "components: [{id: main, file: \"app-${V}.bin\"}]\n", &set);
	cr_assert_eq(d.sequence_number, 16);
	cr_assert_str_eq(d.version, "1.10-rc");
	cr_assert_str_eq(d.model, "1.10");
	cr_assert_str_eq(d.component[0].image[0].name, "app-1.10.bin");
}

/* ---- hostile and unlucky ----------------------------------------------- */

/* A document that ends early is whole after its last line only. */
Test(descriptor, every_truncation)
{
	static const char whole[] = HEAD "  - file: app.bin\n    id: main\n";
	const size_t last = sizeof whole - 1 - strlen("main\n");

	for (size_t n = 0; n < sizeof whole; n++) {
		const enum fw_kind want = n <= last ? FW_E_INPUT : FW_OK;

		scratch_write(whole, n);
		memset(&err, 0, sizeof err);
		cr_assert_eq(fw_descriptor_load(scratch_path, NULL, &d, &err),
		    want, "%zu: %s", n, err.text);
		if (want != FW_OK)
			cr_assert_str_neq(err.text, "");
		fw_descriptor_deinit(&d);
	}
}

/* The large one: never anything but a clean answer. */
Test(descriptor, every_truncation_of_all_keys)
{
	for (size_t n = 0; n < sizeof components; n++) {
		enum fw_kind kind;

		scratch_write(components, n);
		memset(&err, 0, sizeof err);
		kind = fw_descriptor_load(scratch_path, NULL, &d, &err);
		cr_assert(kind == FW_OK || kind == FW_E_INPUT);
		cr_assert_eq(kind == FW_OK, err.text[0] == '\0');
		fw_descriptor_deinit(&d);
	}
}

Test(descriptor, every_corruption)
{
	static const char small[] =
	    "descriptor: 1\n"
	    "device: {vendor-domain: a.b, model: c}\n"
	    "sequence-number: 4\n"
	    "version: \"1\"\n"
	    "components: [{id: m, file: f}]\n";
	char text[sizeof small];
	unsigned accepted = 0;

	for (size_t i = 0; i < sizeof small - 1; i++)
		for (int c = 0; c < 256; c++) {
			enum fw_kind kind;

			memcpy(text, small, sizeof text);
			text[i] = (char)c;
			scratch_write(text, sizeof text - 1);
			memset(&err, 0, sizeof err);
			kind = fw_descriptor_load(scratch_path, NULL, &d,
			    &err);
			cr_assert(kind == FW_OK || kind == FW_E_INPUT,
			    "byte %zu is 0x%02x: %s", i, (unsigned)c,
			    err.text);
			cr_assert_eq(kind == FW_OK, err.text[0] == '\0');
			if (kind != FW_OK)
				cr_assert_null(d.path);
			accepted += kind == FW_OK;
			fw_descriptor_deinit(&d);
		}
	/* Itself at each place, other names and numbers, not much else. */
	cr_assert_gt(accepted, sizeof small - 1);
	cr_assert_lt(accepted, 2000);
}

static void
fail_each(enum fault_call call, int error, enum fw_kind want)
{
	int i;

	scratch_text(components);
	for (i = 0; ; i++) {
		enum fw_kind kind;

		fault_set(call, i, error);
		kind = fw_descriptor_load(scratch_path, NULL, &d, &err);
		if (!fault_hit()) {
			cr_assert_eq(kind, FW_OK);
			break;
		}
		cr_assert_eq(kind, want, "call %d: %s", i, err.text);
		cr_assert_null(d.path);
	}
	cr_assert_gt(i, 0);
	cr_assert_eq(d.components, 2);
}

Test(descriptor, no_memory)
{
	fail_each(FAULT_ALLOC, ENOMEM, FW_E_NOMEM);
}

Test(descriptor, cannot_read)
{
	fail_each(FAULT_READ, EIO, FW_E_IO);
}

/* On failure nothing was written to it. */
Test(descriptor, output_untouched_on_failure)
{
	struct fw_descriptor before;

	memset(&d, 0x5a, sizeof d);
	memcpy(&before, &d, sizeof d);
	scratch_text("descriptor: 1\n");
	cr_assert_eq(fw_descriptor_load(scratch_path, NULL, &d, &err),
	    FW_E_INPUT);
	cr_assert_eq(memcmp(&before, &d, sizeof d), 0);
	memset(&d, 0, sizeof d);
}
