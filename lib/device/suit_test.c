/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUIT envelopes and manifests: the examples the draft publishes, each of
 * their bits flipped and each of their prefixes; and the forms refused.
 */
#include <openssl/pem.h>

#include "device/internal.h"
#include "device/testdevice.h"

/* ---- the published examples ----------------------------------------- */

static const struct {
	const char *name;
	const char *unsigned_name;
	/* what its appendix says: components, and the sections it has */
	uint64_t components, sequence_number;
	const char *sections;
} examples[] = {
	{ "example0", "example0-unsigned", 1, 0, "validate invoke " },
	{ "example1", "example1-unsigned", 1, 1, "validate install " },
	{ "example2", "example2-unsigned", 1, 2,
	    "validate invoke install text " },
	{ "example3", "example3-unsigned", 1, 3, "validate install " },
	{ "example4", "example4-unsigned", 3, 4,
	    "validate load invoke fetch install " },
	{ "example5", "example5-unsigned", 2, 5,
	    "validate invoke install " },
};
enum { NEXAMPLES = sizeof examples / sizeof examples[0] };

static struct fw_buf
load(const char *name)
{
	struct fw_buf b = { 0 };
	struct fw_error err = { 0 };
	char path[128];

	(void)snprintf(path, sizeof path, "testdata/suit/%s.suit", name);
	cr_assert_eq(fw_file_read(path, 1 << 20, &b, &err), FW_OK, "%s",
	    err.text);
	return b;
}

/* The examples' key, as an anchor without certificate. */
static struct fwd_span
public_key(void)
{
	FILE *const f = fopen("testdata/suit/public_key.pem", "r");
	unsigned char *der = NULL;
	EVP_PKEY *key;
	int n;

	cr_assert_not_null(f, "run the tests from the top of the tree");
	key = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	(void)fclose(f);
	cr_assert_not_null(key);
	n = i2d_PUBKEY(key, &der);
	cr_assert_gt(n, 0);
	EVP_PKEY_free(key);
	return (struct fwd_span){ der, (size_t)n };
}

static struct kit_dev *dev;
static struct fwd_anchor anchor;

static void
open_device(void)
{
	anchor = (struct fwd_anchor){ .spki = public_key() };
	dev = kit_dev_new(&anchor, 1);
}

static void
close_device(void)
{
	OPENSSL_free((void *)(uintptr_t)anchor.spki.p);
	kit_dev_free(dev);
}

static fwd_status
check(struct fwd_span envelope)
{
	kit_dev_rewind(dev);
	return fwd_envelope_check(&dev->ctx, envelope);
}

static void
name_section(char *out, size_t n, const struct fwd_section *s,
    const char *name)
{
	if (!s->declared)
		return;
	cr_assert_not_null(s->content.p, "%s is gone", name);
	(void)snprintf(out + strlen(out), n - strlen(out), "%s ", name);
}

Test(suit, examples_authenticate, .init = open_device, .fini = close_device)
{
	for (size_t i = 0; i < NEXAMPLES; i++) {
		struct fw_buf b = load(examples[i].name);
		const struct fwd_manifest *const m = &dev->ctx.man;
		char sections[128] = "";
		uint8_t digest[32];

		kit_eq(check(fw_buf_span(&b)), FWD_OK, examples[i].name);
		cr_assert_eq(dev->ctx.signers, 1);
		cr_assert(dev->ctx.signer[0].bare_key);
		cr_assert_eq(dev->ctx.signer[0].alg, FWD_ES256);
		cr_assert_eq(m->components_n, examples[i].components);
		cr_assert_eq(m->sequence_number, examples[i].sequence_number);
		name_section(sections, sizeof sections, &m->validate,
		    "validate");
		name_section(sections, sizeof sections, &m->load, "load");
		name_section(sections, sizeof sections, &m->invoke, "invoke");
		name_section(sections, sizeof sections, &m->fetch, "fetch");
		name_section(sections, sizeof sections, &m->install,
		    "install");
		name_section(sections, sizeof sections, &m->text, "text");
		cr_assert_str_eq(sections, examples[i].sections);
		/* The digest covers the byte string with its head (8.3). */
		kit_sha256(dev->ctx.env.manifest_bstr, digest);
		cr_assert_eq(memcmp(digest, dev->ctx.env.digest.bytes.p, 32),
		    0);
		fw_buf_deinit(&b);
	}
}

/* The same with every severable element taken away (8.6). */
Test(suit, severed_example, .init = open_device, .fini = close_device)
{
	struct fw_buf b = load("example2-severed");

	kit_eq(check(fw_buf_span(&b)), FWD_OK, "severed");
	cr_assert(dev->ctx.man.install.declared &&
	    dev->ctx.man.install.content.p == NULL);
	cr_assert(dev->ctx.man.text.declared &&
	    dev->ctx.man.text.content.p == NULL);
	cr_assert_eq(dev->ctx.env.members_n, 0);
	/* Without its install sequence it cannot be installed. */
	dev->policy.flags = FWD_ANY_PROFILE;
	kit_eq(kit_run(dev, fw_buf_span(&b)), FWD_E_SEVERED, "run");
	fw_buf_deinit(&b);
}

Test(suit, unsigned_examples_are_refused, .init = open_device,
    .fini = close_device)
{
	for (size_t i = 0; i < NEXAMPLES; i++) {
		struct fw_buf b = load(examples[i].unsigned_name);

		kit_eq(check(fw_buf_span(&b)), FWD_E_AUTH_MISSING,
		    examples[i].unsigned_name);
		fw_buf_deinit(&b);
	}
}

static bool
is_in(fwd_status s, const fwd_status *set, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (set[i] == s)
			return true;
	return false;
}

/* Everywhere in an envelope only these can come out. */
static const fwd_status flip_codes[] = { FWD_E_ENVELOPE, FWD_E_ENVELOPE_KEY,
	FWD_E_CBOR_SHORT, FWD_E_CBOR_FORM, FWD_E_CBOR_SHORTEST,
	FWD_E_CBOR_ORDER, FWD_E_CBOR_TYPE, FWD_E_CBOR_LEFT, FWD_E_CBOR_DEPTH,
	FWD_E_AUTH_COUNT, FWD_E_AUTH_MISSING, FWD_E_DIGEST_ALG, FWD_E_COSE,
	FWD_E_COSE_HEADER, FWD_E_ALG, FWD_E_ANCHOR, FWD_E_MANIFEST_DIGEST,
	FWD_E_SEVERED, FWD_E_CHAIN_LEN };

static bool
within(struct fwd_span part, size_t at, struct fwd_span whole)
{
	const size_t from = (size_t)(part.p - whole.p);

	return at >= from && at < from + part.n;
}

/*
 * Every single bit flipped.  The bytes of an integrated payload are judged
 * when it is fetched, so an authentication leaves them alone: example 5 and
 * its payload are verify_test.c's business.
 */
Test(suit, every_bit_flipped, .init = open_device, .fini = close_device)
{
	size_t mutants = 0, counts[sizeof flip_codes / sizeof flip_codes[0]] =
	    { 0 };

	for (size_t i = 0; i < NEXAMPLES; i++) {
		struct fw_buf b = load(examples[i].name);
		const struct fwd_span whole = { b.p, b.n };
		struct fwd_envelope env;

		cr_assert_eq(fwd_envelope_read(whole, &env), FWD_OK);
		for (size_t bit = 0; bit < 8 * b.n; bit++) {
			fwd_status s;

			b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			s = check(whole);
			b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			mutants++;
			cr_assert(is_in(s, flip_codes, sizeof flip_codes /
			    sizeof flip_codes[0]), "%s, bit %zu: %s",
			    examples[i].name, bit, fwd_status_code(s));
			for (size_t k = 0; k < sizeof counts /
			    sizeof counts[0]; k++)
				counts[k] += flip_codes[k] == s;
			/* Nothing of a manifest that does not hold is read. */
			if (within(env.manifest, bit / 8, whole))
				kit_eq(s, FWD_E_MANIFEST_DIGEST,
				    examples[i].name);
			if (within(env.digest.bytes, bit / 8, whole))
				kit_eq(s, FWD_E_ANCHOR, examples[i].name);
		}
		kit_eq(check(whole), FWD_OK, "restored");
		fw_buf_deinit(&b);
	}
	(void)printf("suit: %zu envelopes with one bit flipped:", mutants);
	for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
		if (counts[k] != 0)
			(void)printf(" %s %zu", fwd_status_code(flip_codes[k]),
			    counts[k]);
	(void)printf("\n");
}

Test(suit, every_truncation, .init = open_device, .fini = close_device)
{
	size_t mutants = 0;

	for (size_t i = 0; i < NEXAMPLES; i++) {
		struct fw_buf b = load(examples[i].name);

		for (size_t n = 0; n < b.n; n++) {
			struct fwd_span cut = kit_dup(b.p, n);
			const fwd_status s = check(cut);

			cr_assert(s == FWD_E_CBOR_SHORT ||
			    (s == FWD_E_ENVELOPE && n == 0), "%s cut at %zu: "
			    "%s", examples[i].name, n, fwd_status_code(s));
			kit_free(cut);
			mutants++;
		}
		kit_add(&b, "", 1);
		kit_eq(check(fw_buf_span(&b)), FWD_E_CBOR_LEFT, "one more");
		fw_buf_deinit(&b);
	}
	(void)printf("suit: %zu truncated envelopes\n", mutants);
}

/* ---- forms of envelopes --------------------------------------------- */

#define D32 "h'000102030405060708090a0b0c0d0e0f" \
	"101112131415161718191a1b1c1d1e1f'"
#define DIGEST "[-16, " D32 "]"
#define AUTH "2: <<[<<" DIGEST ">>]>>"

static const struct {
	const char *envelope;
	fwd_status want;
} envelopes[] = {
	{ "107({" AUTH ", 3: h'a0'})", FWD_OK },
	{ "107({" AUTH ", 3: h'a0', 16: h'', 20: h'', 23: h'', \"#a\": h''})",
	    FWD_OK },
	{ "{" AUTH ", 3: h'a0'}", FWD_E_ENVELOPE },
	{ "106({" AUTH ", 3: h'a0'})", FWD_E_ENVELOPE },
	{ "1070({" AUTH ", 3: h'a0'})", FWD_E_ENVELOPE },
	{ "107([" "2, 3])", FWD_E_CBOR_TYPE },
	{ "107({})", FWD_E_ENVELOPE },
	{ "107({3: h'a0'})", FWD_E_ENVELOPE_KEY },
	{ "107({" AUTH "})", FWD_E_ENVELOPE },
	{ "107({" AUTH ", 20: h''})", FWD_E_ENVELOPE_KEY },
	{ "107({3: h'a0', " AUTH "})", FWD_E_ENVELOPE_KEY },
	{ "107({" AUTH ", " AUTH ", 3: h'a0'})", FWD_E_CBOR_ORDER },
	{ "107({" AUTH ", 3: h'a0', 3: h'a0'})", FWD_E_CBOR_ORDER },
	/* delegation is not supported */
	{ "107({1: h'80', " AUTH ", 3: h'a0'})", FWD_E_ENVELOPE_KEY },
	{ "107({" AUTH ", 3: h'a0', 4: h''})", FWD_E_ENVELOPE_KEY },
	{ "107({" AUTH ", 3: h'a0', 7: h''})", FWD_E_ENVELOPE_KEY },
	{ "107({" AUTH ", 3: h'a0', 24: h''})", FWD_E_ENVELOPE_KEY },
	{ "107({" AUTH ", 3: h'a0', -1: h''})", FWD_E_ENVELOPE_KEY },
	{ "107({" AUTH ", 3: h'a0', h'aa': h''})", FWD_E_ENVELOPE_KEY },
	{ "107({\"#a\": h'', " AUTH ", 3: h'a0'})", FWD_E_ENVELOPE_KEY },
	{ "107({" AUTH ", 3: h'a0', 23: h'', 20: h''})", FWD_E_CBOR_ORDER },
	{ "107({" AUTH ", 3: h'a0', \"#b\": h'', \"#a\": h''})",
	    FWD_E_CBOR_ORDER },
	{ "107({" AUTH ", 3: h'a0', \"#a\": h'', \"#a\": h''})",
	    FWD_E_CBOR_ORDER },
	{ "107({" AUTH ", 3: h'a0', \"#a\": \"\"})", FWD_E_CBOR_TYPE },
	{ "107({" AUTH ", 3: h'a0', 20: []})", FWD_E_CBOR_TYPE },
	{ "107({" AUTH ", 3: {}})", FWD_E_CBOR_TYPE },
	/* authentication */
	{ "107({2: <<[]>>, 3: h'a0'})", FWD_E_ENVELOPE },
	{ "107({2: [], 3: h'a0'})", FWD_E_CBOR_TYPE },
	{ "107({2: <<[" DIGEST "]>>, 3: h'a0'})", FWD_E_CBOR_TYPE },
	{ "107({2: <<[<<" DIGEST ">>], 0>>, 3: h'a0'})", FWD_E_CBOR_LEFT },
	{ "107({2: <<[<<" DIGEST ", 0>>]>>, 3: h'a0'})", FWD_E_CBOR_LEFT },
	{ "107({2: <<[<<" DIGEST ">>, 1]>>, 3: h'a0'})", FWD_E_CBOR_TYPE },
	{ "107({2: <<[<<" DIGEST ">>, h'01', h'02', h'03', h'04', h'05', "
	    "h'06', h'07', h'08']>>, 3: h'a0'})", FWD_OK },
	{ "107({2: <<[<<" DIGEST ">>, h'01', h'02', h'03', h'04', h'05', "
	    "h'06', h'07', h'08', h'09']>>, 3: h'a0'})", FWD_E_AUTH_COUNT },
	{ "107({2: <<[<<[-16]>>]>>, 3: h'a0'})", FWD_E_DIGEST_ALG },
	{ "107({2: <<[<<[-16, " D32 ", 1]>>]>>, 3: h'a0'})",
	    FWD_E_DIGEST_ALG },
	{ "107({2: <<[<<[-16, h'00']>>]>>, 3: h'a0'})", FWD_E_DIGEST_ALG },
	{ "107({2: <<[<<[-16, h'']>>]>>, 3: h'a0'})", FWD_E_DIGEST_ALG },
	{ "107({2: <<[<<[-44, " D32 "]>>]>>, 3: h'a0'})", FWD_E_DIGEST_ALG },
	{ "107({2: <<[<<[-18, " D32 "]>>]>>, 3: h'a0'})", FWD_E_DIGEST_ALG },
	{ "107({2: <<[<<[0, h'']>>]>>, 3: h'a0'})", FWD_E_DIGEST_ALG },
	{ "107({2: <<[<<[\"sha\", h'']>>]>>, 3: h'a0'})", FWD_E_CBOR_TYPE },
};

Test(suit, forms_of_envelopes)
{
	struct fwd_envelope env;

	for (size_t i = 0; i < sizeof envelopes / sizeof envelopes[0]; i++) {
		struct fw_buf b = kit_cbor(envelopes[i].envelope, NULL, 0);
		const fwd_status s = fwd_envelope_read(fw_buf_span(&b), &env);

		kit_eq(s, envelopes[i].want, envelopes[i].envelope);
		if (s != FWD_OK)
			cr_assert(env.whole.p == NULL && env.blocks == 0 &&
			    env.digest.alg == 0);
		fw_buf_deinit(&b);
	}
}

Test(suit, elements_are_iterated)
{
	struct fw_buf b = kit_cbor(envelopes[1].envelope, NULL, 0);
	static const int64_t keys[] = { 16, 20, 23, 0 };
	struct fwd_envelope env;
	struct fwd_member m;
	size_t at = 0, n = 0;

	cr_assert_eq(fwd_envelope_read(fw_buf_span(&b), &env), FWD_OK);
	cr_assert_eq(env.members_n, 4);
	while (fwd_envelope_next(&env, &at, &m)) {
		cr_assert_eq(m.key, keys[n++]);
		cr_assert(m.bstr.n == 1 && m.bstr.p[0] == 0x40);
		cr_assert_eq(m.content.n, 0);
		cr_assert_eq(m.name.n, m.key == 0 ? 2 : 0);
	}
	cr_assert_eq(n, 4);
	/* Elements that were not judged end the iteration. */
	env.members = (struct fwd_span){ (const uint8_t *)"\x17\x60", 2 };
	at = 0;
	cr_assert(!fwd_envelope_next(&env, &at, &m));
	fw_buf_deinit(&b);
}

/* ---- forms of manifests --------------------------------------------- */

#define COMMON "3: <<{2: [[h'00']]}>>"

static const struct {
	const char *manifest;
	const char *members;		/* of the envelope, or NULL */
	fwd_status want;
} manifests[] = {
	{ "{1: 1, 2: 0, " COMMON "}", NULL, FWD_OK },
	{ "{1: 1, 2: 18446744073709551615, " COMMON ", 4: \"u\", 7: h'', "
	    "8: h'', 9: h'', 16: h'', 20: h'', 23: h''}", NULL, FWD_OK },
	{ "{1: 2, 2: 0, " COMMON "}", NULL, FWD_E_MANIFEST_VERSION },
	{ "{1: 0, 2: 0, " COMMON "}", NULL, FWD_E_MANIFEST_VERSION },
	{ "{1: -1, 2: 0, " COMMON "}", NULL, FWD_E_CBOR_TYPE },
	{ "{2: 0, " COMMON "}", NULL, FWD_E_MANIFEST },
	{ "{1: 1, " COMMON "}", NULL, FWD_E_MANIFEST },
	{ "{1: 1, 2: 0}", NULL, FWD_E_MANIFEST },
	{ "{}", NULL, FWD_E_MANIFEST },
	{ "[]", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: -1, " COMMON "}", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, " COMMON ", 4: h'00'}", NULL, FWD_E_CBOR_TYPE },
	{ "{2: 0, 1: 1, " COMMON "}", NULL, FWD_E_CBOR_ORDER },
	{ "{1: 1, 1: 1, 2: 0, " COMMON "}", NULL, FWD_E_CBOR_ORDER },
	{ "{1: 1, 2: 0, " COMMON ", 5: h''}", NULL, FWD_E_MANIFEST_KEY },
	{ "{1: 1, 2: 0, " COMMON ", 6: h''}", NULL, FWD_E_MANIFEST_KEY },
	{ "{1: 1, 2: 0, " COMMON ", 24: h''}", NULL, FWD_E_MANIFEST_KEY },
	{ "{1: 1, 2: 0, " COMMON ", -1: h''}", NULL, FWD_E_MANIFEST_KEY },
	{ "{0: 1, 1: 1, 2: 0, " COMMON "}", NULL, FWD_E_MANIFEST_KEY },
	{ "{1: 1, 2: 0, " COMMON ", \"x\": 1}", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, " COMMON ", 7: []}", NULL, FWD_E_CBOR_TYPE },
	/* common */
	{ "{1: 1, 2: 0, 3: {}}", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, 3: <<{}>>}", NULL, FWD_E_COMPONENTS },
	{ "{1: 1, 2: 0, 3: <<{4: h''}>>}", NULL, FWD_E_COMPONENTS },
	{ "{1: 1, 2: 0, 3: <<{2: []}>>}", NULL, FWD_E_COMPONENTS },
	{ "{1: 1, 2: 0, 3: <<{2: {}}>>}", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, 3: <<{2: [h'00']}>>}", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, 3: <<{2: [[\"a\"]]}>>}", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, 3: <<{2: [[]]}>>}", NULL, FWD_OK },
	{ "{1: 1, 2: 0, 3: <<{2: [[h'00', h'01'], [h'00']]}>>}", NULL,
	    FWD_OK },
	{ "{1: 1, 2: 0, 3: <<{2: [[h'00'], [h'00']]}>>}", NULL,
	    FWD_E_COMPONENTS },
	{ "{1: 1, 2: 0, 3: <<{2: [[h'00'], [h'01'], [h'00']]}>>}", NULL,
	    FWD_E_COMPONENTS },
	{ "{1: 1, 2: 0, 3: <<{2: [[h'00'], [h'01'], [h'02'], [h'03'], "
	    "[h'04'], [h'05'], [h'06'], [h'07'], [h'08'], [h'09'], [h'0a'], "
	    "[h'0b'], [h'0c'], [h'0d'], [h'0e'], [h'0f']]}>>}", NULL, FWD_OK },
	{ "{1: 1, 2: 0, 3: <<{2: [[h'00'], [h'01'], [h'02'], [h'03'], "
	    "[h'04'], [h'05'], [h'06'], [h'07'], [h'08'], [h'09'], [h'0a'], "
	    "[h'0b'], [h'0c'], [h'0d'], [h'0e'], [h'0f'], [h'10']]}>>}", NULL,
	    FWD_E_COMPONENTS },
	{ "{1: 1, 2: 0, 3: <<{2: [[h'00']], 3: h''}>>}", NULL,
	    FWD_E_MANIFEST_KEY },
	{ "{1: 1, 2: 0, 3: <<{1: h'', 2: [[h'00']]}>>}", NULL,
	    FWD_E_MANIFEST_KEY },
	{ "{1: 1, 2: 0, 3: <<{2: [[h'00']], 4: []}>>}", NULL,
	    FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, 3: <<{2: [[h'00']]}, 0>>}", NULL, FWD_E_CBOR_LEFT },
	/* severable elements */
	{ "{1: 1, 2: 0, " COMMON ", 16: " DIGEST ", 20: " DIGEST ", 23: "
	    DIGEST "}", NULL, FWD_OK },
	{ "{1: 1, 2: 0, " COMMON ", 23: " DIGEST "}", "{23: h'aa'}", FWD_OK },
	{ "{1: 1, 2: 0, " COMMON ", 7: " DIGEST "}", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, " COMMON ", 8: " DIGEST "}", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, " COMMON ", 9: " DIGEST "}", NULL, FWD_E_CBOR_TYPE },
	{ "{1: 1, 2: 0, " COMMON ", 20: [-16, h'00']}", NULL,
	    FWD_E_DIGEST_ALG },
	{ "{1: 1, 2: 0, " COMMON "}", "{23: h'aa'}", FWD_E_SEVERED },
	{ "{1: 1, 2: 0, " COMMON ", 20: h'bb'}", "{20: h'aa'}",
	    FWD_E_SEVERED },
	{ "{1: 1, 2: 0, " COMMON ", 23: " DIGEST "}", "{16: h'aa'}",
	    FWD_E_SEVERED },
	{ "{1: 1, 2: 0, " COMMON "}", "{\"#x\": h'aa'}", FWD_OK },
};

Test(suit, forms_of_manifests)
{
	struct fwd_manifest man;

	for (size_t i = 0; i < sizeof manifests / sizeof manifests[0]; i++) {
		struct fw_buf b = kit_cbor(manifests[i].manifest, NULL, 0);
		struct fw_buf m = kit_cbor(manifests[i].members == NULL ?
		    "{}" : manifests[i].members, NULL, 0);
		const struct fwd_envelope env = {
			.manifest = fw_buf_span(&b),
			.members = { m.p + 1, m.n - 1 },
			.members_n = manifests[i].members != NULL,
		};
		const fwd_status s = fwd_manifest_read(&env, &man);

		kit_eq(s, manifests[i].want, manifests[i].manifest);
		if (s != FWD_OK)
			cr_assert(man.components_n == 0 &&
			    man.components.p == NULL);
		fw_buf_deinit(&b);
		fw_buf_deinit(&m);
	}
}

/* Truncated anywhere, and with something behind it. */
Test(suit, truncated_manifests)
{
	struct fwd_envelope env = { 0 };
	struct fwd_manifest man;

	for (size_t i = 0; i < 2; i++) {
		struct fw_buf b = kit_cbor(manifests[i].manifest, NULL, 0);

		for (size_t n = 0; n < b.n; n++) {
			env.manifest = kit_dup(b.p, n);
			kit_eq(fwd_manifest_read(&env, &man),
			    FWD_E_CBOR_SHORT, manifests[i].manifest);
			kit_free(env.manifest);
		}
		kit_add(&b, "", 1);
		env.manifest = fw_buf_span(&b);
		kit_eq(fwd_manifest_read(&env, &man), FWD_E_CBOR_LEFT,
		    "one byte more");
		fw_buf_deinit(&b);
	}
}

Test(suit, sequences)
{
	static const struct {
		const char *seq;
		fwd_status want;
		uint64_t n;
	} rows[] = {
		{ "[1, 15]", FWD_OK, 1 },
		{ "[1, 15, -300, null, 20, {1: 2}]", FWD_OK, 3 },
		{ "[]", FWD_E_COMMAND, 0 },
		{ "[1]", FWD_E_COMMAND, 0 },
		{ "[1, 2, 3]", FWD_E_COMMAND, 0 },
		{ "{1: 2}", FWD_E_CBOR_TYPE, 0 },
		{ "[\"a\", 1]", FWD_E_CBOR_TYPE, 0 },
		{ "[1, 18446744073709551615]", FWD_OK, 1 },
		{ "[18446744073709551615, 1]", FWD_E_CBOR_TYPE, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fw_buf b = kit_cbor(rows[i].seq, NULL, 0);
		struct fwd_sequence seq;
		struct fwd_command cmd;
		uint64_t n = 0;
		fwd_status s = fwd_sequence_open(fw_buf_span(&b), &seq);

		while (s == FWD_OK && seq.left > 0) {
			s = fwd_sequence_next(&seq, &cmd);
			n += s == FWD_OK;
		}
		kit_eq(s, rows[i].want, rows[i].seq);
		cr_assert_eq(n, rows[i].n);
		if (s == FWD_OK)
			cr_assert_eq(fwd_sequence_next(&seq, &cmd),
			    FWD_E_API);
		/* Something behind the last command. */
		if (s == FWD_OK) {
			kit_add(&b, "", 1);
			s = fwd_sequence_open(fw_buf_span(&b), &seq);
			while (s == FWD_OK && seq.left > 0)
				s = fwd_sequence_next(&seq, &cmd);
			kit_eq(s, FWD_E_CBOR_LEFT, rows[i].seq);
		}
		fw_buf_deinit(&b);
	}
}
