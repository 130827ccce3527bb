/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles for tests of whole runs, and the parts they are made of. */
#ifndef TESTBUNDLE_H
#define TESTBUNDLE_H

#include "device/testdevice.h"

/* ---- bundles to judge ----------------------------------------------- */

static struct kit_pki *pki, *other;
static struct kit_dev *dev;

static const uint8_t app_a[700] = "slot a", app_b[300] = "slot b";
static const uint8_t sbom[] = "{\"bomFormat\": \"CycloneDX\"}\n";
static const uint8_t notes[] = "fixes\n";

enum { NAMES = 16 };
static struct fw_buf names_cbor[NAMES];
static struct kit_name names[NAMES];
static size_t names_n;

static inline void
add_name(const char *name, struct fw_cbor *c)
{
	struct fw_error err;

	cr_assert_lt(names_n, NAMES);
	cr_assert_eq(fw_cbor_done(c, &names_cbor[names_n], &err), FW_OK);
	names[names_n].name = name;
	names[names_n].cbor = fw_buf_span(&names_cbor[names_n]);
	names_n++;
}

/* $NAME is the digest of data, wrapped as a parameter has it. */
static inline void
add_digest(const char *name, const void *p, size_t n)
{
	struct fw_cbor inner = { 0 }, c = { 0 };
	uint8_t digest[32];

	kit_sha256((struct fwd_span){ p, n }, digest);
	fw_cbor_digest(&inner, FWD_SHA256, digest);
	fw_cbor_wrap(&c, &inner);
	add_name(name, &c);
}

/* $NAME is an element that was severed, $NAME_d its digest. */
static inline void
add_severed(const char *name, const char *digest_name, const char *notation)
{
	struct fw_buf content = kit_cbor(notation, names, names_n);
	struct fw_cbor c = { 0 }, d = { 0 };
	uint8_t digest[FWD_DIGEST_MAX];
	struct fw_error err;

	cr_assert_eq(fw_digest_bstr(FWD_SHA256, fw_buf_span(&content), digest,
	    &err), FW_OK);
	fw_cbor_bytes(&c, content.p, content.n);
	fw_cbor_digest(&d, FWD_SHA256, digest);
	fw_buf_deinit(&content);
	add_name(name, &c);
	add_name(digest_name, &d);
}

static inline void
add_list(void)
{
	struct fw_cbor c = { 0 };
	uint8_t digest[2][32];
	char list[1024];
	size_t n = 0;

	kit_sha256((struct fwd_span){ sbom, sizeof sbom }, digest[0]);
	kit_sha256((struct fwd_span){ notes, sizeof notes }, digest[1]);
	for (size_t k = 0; k < 2; k++) {
		n += (size_t)snprintf(list + n, sizeof list - n,
		    "%s{\"digest\":\"sha-256:", k == 0 ? "[" : ",");
		for (size_t i = 0; i < 32; i++)
			n += (size_t)snprintf(list + n, sizeof list - n,
			    "%02x", digest[k][i]);
		n += (size_t)snprintf(list + n, sizeof list - n, "\",\"name\":"
		    "\"%s\",\"size\":%zu,\"type\":\"text/plain\"}",
		    k == 0 ? "sbom.json" : "notes.txt",
		    k == 0 ? sizeof sbom : sizeof notes);
	}
	(void)snprintf(list + n, sizeof list - n, "]");
	fw_cbor_text(&c, list);
	add_name("list", &c);
}

#define ID "20, {1: h'" KIT_VENDOR "', 2: h'" KIT_CLASS "'}, 1, 15, 2, 15"
#define INSTALL "[20, {21: \"app.bin\"}, 21, 2, 3, 15]"

static inline void
open_bench(void)
{
	pki = calloc(1, sizeof *pki);
	other = calloc(1, sizeof *other);
	cr_assert(pki != NULL && other != NULL);
	kit_pki_init(pki, "test");
	kit_pki_init(other, "other");
	dev = kit_dev_new(&pki->anchor, 1);
	dev->sequence_number = 7;
	names_n = 0;
	add_digest("a", app_a, sizeof app_a);
	add_digest("b", app_b, sizeof app_b);
	add_list();
	add_severed("text", "text_d", "{\"en\": {1: \"A test.\", "
	    "-257: $list, [h'00']: {6: \"1.0\"}}}");
	add_severed("plain", "plain_d", "{\"en\": {1: \"A test.\"}}");
	add_severed("install", "install_d", INSTALL);
}

static inline void
close_bench(void)
{
	for (size_t i = 0; i < names_n; i++)
		fw_buf_deinit(&names_cbor[i]);
	kit_dev_free(dev);
	kit_pki_free(pki);
	kit_pki_free(other);
	free(pki);
	free(other);
}

/* What a bundle is made of. */
struct recipe {
	const char *manifest, *members;	/* notation; members of the envelope */
	const char *files;		/* a, b: payloads; s, n: attachments */
	struct kit_block block[10];
	size_t blocks;
};

static inline void
add_file(struct fw_buf *b, char file)
{
	switch (file) {
	case 'a':
		kit_member(b, "app.bin", app_a, sizeof app_a);
		break;
	case 'b':
		kit_member(b, "b/app.bin", app_b, sizeof app_b);
		break;
	case 's':
		kit_member(b, "sbom.json", sbom, sizeof sbom);
		break;
	case 'n':
		kit_member(b, "notes.txt", notes, sizeof notes);
		break;
	default:
		kit_member(b, "other", "x", 1);
		break;
	}
}

static inline struct fw_buf
make_envelope(const struct recipe *r)
{
	const struct kit_block one = { .pki = pki };
	struct fw_buf manifest = kit_cbor(r->manifest, names, names_n);
	struct fw_buf members = kit_cbor(r->members, names, names_n);
	struct fw_buf env = kit_envelope(fw_buf_span(&manifest),
	    r->blocks == 0 ? &one : r->block, r->blocks == 0 ? 1 : r->blocks,
	    (struct fwd_span){ members.p + 1, members.n - 1 },
	    members.p[0] & 31u);

	cr_assert_geq(members.p[0], 0xa0);
	fw_buf_deinit(&manifest);
	fw_buf_deinit(&members);
	return env;
}

static inline struct fw_buf
make_bundle(const struct recipe *r)
{
	struct fw_buf env = make_envelope(r), b = { 0 };

	kit_member(&b, "manifest.suit", env.p, env.n);
	for (const char *f = r->files; *f != '\0'; f++)
		add_file(&b, *f);
	kit_end(&b);
	fw_buf_deinit(&env);
	return b;
}

#define COMMON(image) \
	"{1: 1, 2: 7, 3: <<{2: [[h'00']], 4: <<[" ID image "]>>}>>, "
#define IMAGE ", 20, {3: $a, 14: 700}"

/* One component, a payload, two attachments. */
static const struct recipe single = {
	COMMON(IMAGE) "7: <<[3, 15]>>, 9: <<[23, 2]>>, 20: <<" INSTALL ">>, "
	    "23: $text_d}", "{23: $text}", "asn", { { 0 } }, 0 };
/* Without text. */
static const struct recipe bare = {
	COMMON(IMAGE) "7: <<[3, 15]>>, 20: <<" INSTALL ">>}", "{}", "a",
	{ { 0 } }, 0 };
/* Two slots (7.7). */
static const struct recipe slots = {
	COMMON(", 15, [<<[20, {5: 0}, 5, 5, 20, {3: $a, 14: 700}]>>, "
	    "<<[20, {5: 1}, 5, 5, 20, {3: $b, 14: 300}]>>]")
	    "7: <<[3, 15]>>, 9: <<[23, 2]>>, 20: <<["
	    "15, [<<[20, {5: 0}, 5, 5, 20, {21: \"app.bin\"}]>>, "
	    "<<[20, {5: 1}, 5, 5, 20, {21: \"b/app.bin\"}]>>], "
	    "21, 2, 3, 15]>>}", "{}", "ab", { { 0 } }, 0 };
/* Fetched to a staging area, then copied (7.4). */
static const struct recipe staged = {
	"{1: 1, 2: 7, 3: <<{2: [[h'00'], [h'01']], 4: <<[12, true, " ID IMAGE
	    "]>>}>>, 7: <<[12, 0, 3, 15]>>, 9: <<[12, 0, 23, 2]>>, "
	    "16: <<[12, 1, 20, {21: \"app.bin\"}, 21, 2, 3, 15]>>, "
	    "20: <<[12, 0, 20, {22: 1}, 22, 2, 3, 15]>>}", "{}", "a",
	{ { 0 } }, 0 };
/* The payload in the envelope (7.5). */
static const struct recipe integrated = {
	COMMON(", 20, {3: $hi, 14: 2}") "7: <<[3, 15]>>, 20: <<[20, "
	    "{21: \"#app\"}, 21, 2, 3, 15]>>}", "{\"#app\": h'6869'}", "",
	{ { 0 } }, 0 };
/* The install sequence severed. */
static const struct recipe severed = {
	COMMON(IMAGE) "7: <<[3, 15]>>, 20: $install_d, 23: $plain_d}",
	"{20: $install, 23: $plain}", "a", { { 0 } }, 0 };

static inline fwd_status
judge(const struct recipe *r)
{
	struct fw_buf b = make_bundle(r);
	const fwd_status s = kit_check(dev, fw_buf_span(&b));

	fw_buf_deinit(&b);
	return s;
}

#endif
