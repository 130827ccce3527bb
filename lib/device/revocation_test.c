/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of revoked keys, and what is revoked by them. */
#include "device/internal.h"
#include "device/testdevice.h"
#include "device/testlists.h"

#include "device/testchain.h"	/* behind those: its names are common ones */

/* ---- keys and lists ---------------------------------------------------- */

enum { IDS = 3 };
static uint8_t ids[IDS][FWD_KEY_ID];
static struct tp_bytes signer_spki;
static struct fwd_anchor two_anchors[2];

static struct fwd_span
ids_span(size_t n)
{
	return (struct fwd_span){ ids[0], n * FWD_KEY_ID };
}

static void
open_lists(void)
{
	open_pki();
	for (size_t i = 0; i < IDS; i++)
		memset(ids[i], (int)(0x11 + 0x40 * i), FWD_KEY_ID);
}

/* Place 0 is another's; at place 1 is a key that may revoke. */
static void
let_revoke(EVP_PKEY *signer)
{
	signer_spki = tp_spki(signer);
	two_anchors[0] = anchor[0];
	two_anchors[1] = (struct fwd_anchor){ tp_span(&root_name),
	    tp_span(&signer_spki) };
	policy.anchor = two_anchors;
	policy.anchors = 2;
	policy.revokers = 2;
}

/* Read a copy of a list, so that ASan sees what reads past it. */
static fwd_status
read_list(struct fwd_span list, struct fwd_revocations *out)
{
	const struct fwd_span copy = kit_dup(list.p, list.n);
	fwd_status s;

	memset(out, 0xff, sizeof *out);
	s = fwd_revocations_read(&crypto, &policy, copy, out);
	if (s != FWD_OK) {
		cr_assert_null(out->revoked.p);
		cr_assert_eq(out->revoked.n, 0);
		cr_assert_eq(out->number, 0);
	}
	kit_free(copy);
	return s;
}

static void
expect_list(struct fw_buf list, fwd_status want, const char *what)
{
	struct fwd_revocations out;

	kit_eq(read_list(fw_buf_span(&list), &out), want, what);
	fw_buf_deinit(&list);
}

/* ---- by whom it may be signed ------------------------------------------ */

static const struct {
	const char *name;
	int64_t alg;
	enum fwd_key_type type;
	unsigned bits;
	fwd_status want;
} signers[] = {
	{ "ESP256", FWD_ESP256, FWD_KEY_P256, 0, FWD_OK },
	{ "ESP384", FWD_ESP384, FWD_KEY_P384, 0, FWD_OK },
	{ "ESP512", FWD_ESP512, FWD_KEY_P521, 0, FWD_OK },
	{ "ES256", FWD_ES256, FWD_KEY_P256, 0, FWD_OK },
	{ "ES384", FWD_ES384, FWD_KEY_P384, 0, FWD_OK },
	{ "ES512", FWD_ES512, FWD_KEY_P521, 0, FWD_OK },
	{ "Ed25519", FWD_ED25519, FWD_KEY_ED25519, 0, FWD_OK },
	{ "EdDSA", FWD_EDDSA, FWD_KEY_ED25519, 0, FWD_OK },
	{ "PS256", FWD_PS256, FWD_KEY_RSA, 3072, FWD_OK },
	{ "PS384", FWD_PS384, FWD_KEY_RSA, 3072, FWD_OK },
	{ "PS512", FWD_PS512, FWD_KEY_RSA, 3072, FWD_OK },
	{ "RS256", FWD_RS256, FWD_KEY_RSA, 3072, FWD_E_ALG },
	{ "PS256, 2048 bits", FWD_PS256, FWD_KEY_RSA, 2048,
	  FWD_E_REVOCATIONS },
	{ "PS256, 3064 bits", FWD_PS256, FWD_KEY_RSA, 3064,
	  FWD_E_REVOCATIONS },
	{ "P-384 with ESP256", FWD_ESP256, FWD_KEY_P384, 0,
	  FWD_E_REVOCATIONS },
};
enum { NSIGNERS = sizeof signers / sizeof signers[0] };

/* An RSA key takes long to make: several signers in a row share one. */
static EVP_PKEY *
make_signer(size_t i)
{
	static EVP_PKEY *rsa;

	if (signers[i].bits == 0)
		return tp_key(signers[i].type);
	if (rsa == NULL || EVP_PKEY_get_bits(rsa) != (int)signers[i].bits) {
		EVP_PKEY_free(rsa);
		rsa = EVP_RSA_gen(signers[i].bits);
		cr_assert_not_null(rsa);
	}
	cr_assert_eq(EVP_PKEY_up_ref(rsa), 1);
	return rsa;
}

Test(revocation, every_algorithm, .init = open_lists, .fini = close_pki)
{
	struct fwd_revocations out;

	for (size_t i = 0; i < NSIGNERS; i++) {
		EVP_PKEY *const k = make_signer(i);
		struct fw_buf list = list_revoking(k, signers[i].alg, 41,
		    ids_span(IDS));

		let_revoke(k);
		kit_eq(read_list(fw_buf_span(&list), &out), signers[i].want,
		    signers[i].name);
		if (signers[i].want == FWD_OK) {
			cr_assert_eq(out.number, 41);
			cr_assert_eq(out.revoked.n, sizeof ids);
			cr_assert_eq(fwd_revocations_read(&crypto, &policy,
			    fw_buf_span(&list), &out), FWD_OK);
			cr_assert_eq(memcmp(out.revoked.p, ids, sizeof ids),
			    0);
			/* not without the right to */
			policy.revokers = 1;
			kit_eq(read_list(fw_buf_span(&list), &out),
			    FWD_E_REVOCATIONS, signers[i].name);
			policy.revokers = 0;
			kit_eq(read_list(fw_buf_span(&list), &out),
			    FWD_E_REVOCATIONS, signers[i].name);
			policy.revokers = 3;
			kit_eq(read_list(fw_buf_span(&list), &out), FWD_OK,
			    signers[i].name);
		}
		fw_buf_deinit(&list);
		EVP_PKEY_free(k);
	}
}

/* A bare key may revoke as well as a root. */
Test(revocation, bare_key, .init = open_lists, .fini = close_pki)
{
	let_revoke(key[1]);
	two_anchors[1].name = (struct fwd_span){ 0 };
	expect_list(list_revoking(key[1], FWD_ESP256, 1, ids_span(1)), FWD_OK,
	    "bare key");
	expect_list(list_revoking(key[2], FWD_ESP256, 1, ids_span(1)),
	    FWD_E_REVOCATIONS, "a key that is nowhere");
}

/* Whoever has a revoked key revokes nothing, nor takes it back. */
Test(revocation, revoked_revoker, .init = open_lists, .fini = close_pki)
{
	uint8_t own[FWD_KEY_ID];

	let_revoke(key[1]);
	list_key_id(key[1], own);
	/* its own is as good as any, once */
	expect_list(list_revoking(key[1], FWD_ESP256, 1,
	    (struct fwd_span){ own, sizeof own }), FWD_OK, "its own");
	policy.revoked = (struct fwd_span){ own, sizeof own };
	expect_list(list_revoking(key[1], FWD_ESP256, 2, ids_span(0)),
	    FWD_E_REVOKED, "afterwards");
	policy.revokers = 3;
	expect_list(list_revoking(key[1], FWD_ESP256, 2, ids_span(0)),
	    FWD_E_REVOKED, "afterwards, with another");
	expect_list(list_revoking(key[0], FWD_ESP256, 2, ids_span(0)), FWD_OK,
	    "the other");
	policy.revoked = ids_span(IDS);
	expect_list(list_revoking(key[1], FWD_ESP256, 2, ids_span(0)), FWD_OK,
	    "others are revoked");
}

/* ---- every bit and every length of it ---------------------------------- */

/* Where the algorithm lies: an unknown one may be called that. */
static bool
in_alg(struct fwd_span list, size_t at)
{
	/* 84 43 a1 01 26 or 44 a1 01 38 24: protected header in the array */
	for (size_t i = 0; i + 6 < list.n; i++)
		if (list.p[i] == 0xd2 && list.p[i + 1] == 0x84 &&
		    list.p[i + 3] == 0xa1 && list.p[i + 4] == 0x01)
			return at == i + 5 || at == i + 6;
	cr_assert_fail("no protected header");
	return false;
}

static void
expect_spoilt(struct fwd_span list, size_t bit)
{
	struct fwd_span bad = kit_dup(list.p, list.n);
	struct fwd_revocations out;
	fwd_status s;

	((uint8_t *)(uintptr_t)bad.p)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	s = read_list(bad, &out);
	cr_assert(s == FWD_E_REVOCATIONS || (s == FWD_E_ALG &&
	    in_alg(list, bit / 8)), "bit %zu: %s", bit, fwd_status_code(s));
	kit_free(bad);
}

static void
spoil_list(size_t i)
{
	EVP_PKEY *const k = make_signer(i);
	struct fw_buf list = list_revoking(k, signers[i].alg, 300,
	    ids_span(2));
	struct fwd_revocations out;

	let_revoke(k);
	kit_eq(read_list(fw_buf_span(&list), &out), FWD_OK, "as it is");
	for (size_t bit = 0; bit < 8 * list.n; bit++)
		expect_spoilt(fw_buf_span(&list), bit);
	for (size_t n = 0; n < list.n; n++)
		kit_eq(read_list((struct fwd_span){ list.p, n }, &out),
		    FWD_E_REVOCATIONS, "cut");
	for (unsigned more = 0; more < 256; more++) {
		const uint8_t byte = (uint8_t)more;

		kit_add(&list, &byte, 1);
		kit_eq(read_list(fw_buf_span(&list), &out), FWD_E_REVOCATIONS,
		    "more");
		list.n--;
	}
	printf("revocation: %s: a list of %zu bytes, every bit and length\n",
	    signers[i].name, list.n);
	(void)fflush(stdout);
	fw_buf_deinit(&list);
	EVP_PKEY_free(k);
}

Test(revocation, spoilt_ecdsa, .init = open_lists, .fini = close_pki)
{
	spoil_list(0);
}

Test(revocation, spoilt_ed25519, .init = open_lists, .fini = close_pki)
{
	spoil_list(6);
}

Test(revocation, spoilt_rsa, .init = open_lists, .fini = close_pki)
{
	spoil_list(8);
}

/* ---- the form of what is signed ---------------------------------------- */

#define ID_A "0000000000000000000000000000000000000000000000000000000000000001"
#define ID_B "0000000000000000000000000000000000000000000000000000000000000002"
#define ID_C "0100000000000000000000000000000000000000000000000000000000000000"

static const struct {
	const char *content;
	fwd_status want;
	uint64_t number;
	size_t n;
} forms[] = {
	{ "[\"fw-revocations\", 1, 0, h'']", FWD_OK, 0, 0 },
	{ "[\"fw-revocations\", 1, 7, h'" ID_A "']", FWD_OK, 7, 32 },
	{ "[\"fw-revocations\", 1, 18446744073709551615, h'" ID_A ID_B ID_C
	  "']", FWD_OK, UINT64_MAX, 96 },
	/* order and whole identifiers */
	{ "[\"fw-revocations\", 1, 7, h'" ID_B ID_A "']", FWD_E_REVOCATIONS,
	  0, 0 },
	{ "[\"fw-revocations\", 1, 7, h'" ID_C ID_A "']", FWD_E_REVOCATIONS,
	  0, 0 },
	{ "[\"fw-revocations\", 1, 7, h'" ID_A ID_C ID_B "']",
	  FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 1, 7, h'" ID_A ID_A "']", FWD_E_REVOCATIONS,
	  0, 0 },
	{ "[\"fw-revocations\", 1, 7, h'" ID_A ID_B ID_B "']",
	  FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 1, 7, h'00']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 1, 7, h'" ID_A "00']", FWD_E_REVOCATIONS, 0,
	  0 },
	{ "[\"fw-revocations\", 1, 7, h'" ID_A ID_B "0101']",
	  FWD_E_REVOCATIONS, 0, 0 },
	/* version and kind */
	{ "[\"fw-revocations\", 0, 7, h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 2, 7, h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", -1, 7, h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocation\", 1, 7, h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocationz\", 1, 7, h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations2\", 1, 7, h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"\", 1, 7, h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[h'66772d7265766f636174696f6e73', 1, 7, h'']", FWD_E_REVOCATIONS,
	  0, 0 },
	/* elements */
	{ "[\"fw-revocations\", 1, 7]", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 1, 7, h'', h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 1, 7, h'', 0]", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 1, h'', 7]", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 1, -7, h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 1, \"7\", h'']", FWD_E_REVOCATIONS, 0, 0 },
	{ "[\"fw-revocations\", 1, 7, [h'" ID_A "']]", FWD_E_REVOCATIONS, 0,
	  0 },
	{ "[\"fw-revocations\", 1, 7, null]", FWD_E_REVOCATIONS, 0, 0 },
	{ "[]", FWD_E_REVOCATIONS, 0, 0 },
	{ "{}", FWD_E_REVOCATIONS, 0, 0 },
	{ "1", FWD_E_REVOCATIONS, 0, 0 },
	{ "18([\"fw-revocations\", 1, 7, h''])", FWD_E_REVOCATIONS, 0, 0 },
	/* what a manifest is signed by */
	{ "[-16, h'" ID_A "']", FWD_E_REVOCATIONS, 0, 0 },
};

Test(revocation, forms, .init = open_lists, .fini = close_pki)
{
	struct fwd_revocations out;

	let_revoke(key[1]);
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		struct fw_buf content = kit_cbor(forms[i].content, NULL, 0);
		struct fw_buf list = list_signed(key[1], FWD_ESP256,
		    fw_buf_span(&content));

		kit_eq(read_list(fw_buf_span(&list), &out), forms[i].want,
		    forms[i].content);
		cr_assert_eq(out.number, forms[i].number);
		cr_assert_eq(out.revoked.n, forms[i].n);
		fw_buf_deinit(&list);
		fw_buf_deinit(&content);
	}
}

/* Signed, but not in the one encoding. */
Test(revocation, encodings, .init = open_lists, .fini = close_pki)
{
	static const char *const tails[] = {
		"01 07 40 00", "1801 07 40", "01 1807 40", "01 07 5800",
		"01 07 5fff", "01 c207 40",
	};
	struct fwd_revocations out;

	let_revoke(key[1]);
	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		struct tp_bytes b = { 0 };
		struct fw_buf list;

		tp_hex(&b, "84 6e 66772d7265766f636174696f6e73");
		tp_hex(&b, tails[i]);
		list = list_signed(key[1], FWD_ESP256, tp_span(&b));
		kit_eq(read_list(fw_buf_span(&list), &out), FWD_E_REVOCATIONS,
		    tails[i]);
		fw_buf_deinit(&list);
	}
}

/* What is around the content and the signature. */
Test(revocation, around, .init = open_lists, .fini = close_pki)
{
	static const char *const bad[] = {
		"[$list]", "[$list, $block, $block]", "[$block, $list]",
		"[$list, $list]", "[$block, $block]", "[$list, h'']",
		"[$list, $chained]", "[$list, null]", "{1: $list, 2: $block}",
		"18([$list, $block])", "[$list, [$block]]", "[[$list], $block]",
		"[h'', $block]", "[$list, $other]",
	};
	struct fw_buf content = kit_cbor(forms[1].content, NULL, 0);
	struct fw_buf block[4] = {
		content,
		list_block(key[1], FWD_ESP256, fw_buf_span(&content), NULL),
		list_block(key[1], FWD_ESP256, fw_buf_span(&content),
		    &root_spki),
		list_block(key[2], FWD_ESP256, fw_buf_span(&content), NULL),
	};
	struct kit_name name[4] = { { "list", { 0 } }, { "block", { 0 } },
		{ "chained", { 0 } }, { "other", { 0 } } };
	struct fw_buf encoded[4] = { { 0 } };
	struct fw_error err;

	let_revoke(key[1]);
	for (size_t i = 0; i < 4; i++) {
		struct fw_cbor c = { 0 };

		fw_cbor_bytes(&c, block[i].p, block[i].n);
		cr_assert_eq(fw_cbor_done(&c, &encoded[i], &err), FW_OK);
		name[i].cbor = fw_buf_span(&encoded[i]);
	}
	expect_list(kit_cbor("[$list, $block]", name, 4), FWD_OK, "good");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		expect_list(kit_cbor(bad[i], name, 4), FWD_E_REVOCATIONS,
		    bad[i]);
	for (size_t i = 0; i < 4; i++) {
		fw_buf_deinit(&encoded[i]);
		fw_buf_deinit(&block[i]);
	}
}

/* ---- a port that fails ------------------------------------------------- */

Test(revocation, failing_calls, .init = open_lists, .fini = close_pki)
{
	static const fwd_status with[] = { FWD_E_CRYPTO, FWD_E_FAULT };
	struct fwd_crypto real = crypto;
	struct kit_crypto k;
	struct fwd_revocations out;
	struct fw_buf list = list_revoking(key[1], FWD_ESP256, 3,
	    ids_span(1));
	size_t calls;

	crypto = kit_crypto_init(&k);
	let_revoke(key[1]);
	policy.revokers = 3;
	policy.revoked = ids_span(IDS);
	kit_eq(read_list(fw_buf_span(&list), &out), FWD_OK, "");
	calls = k.calls;
	cr_assert_gt(calls, 6);
	for (size_t i = 1; i <= calls; i++)
		for (size_t w = 0; w < 2; w++) {
			k.n = k.calls = 0;
			k.fail_at = i;
			k.fail_with = with[w];
			cr_assert_neq(read_list(fw_buf_span(&list), &out),
			    FWD_OK, "call %zu", i);
		}
	fwp_openssl_free(k.openssl);
	crypto = real;
	fw_buf_deinit(&list);
}

/* ---- identifiers and what they stop ------------------------------------ */

static const enum fwd_key_type types[] = { FWD_KEY_P256, FWD_KEY_P384,
	FWD_KEY_P521, FWD_KEY_ED25519, FWD_KEY_RSA };
enum { NTYPES = sizeof types / sizeof types[0] };

Test(revocation, key_identifier, .init = open_lists, .fini = close_pki)
{
	uint8_t want[FWD_KEY_ID], got[FWD_KEY_ID];

	for (size_t i = 0; i < NTYPES; i++) {
		EVP_PKEY *const k = tp_key(types[i]);
		struct tp_cert c = tp_template("R", "R", k, key[0], true);
		const struct tp_bytes cert = tp_issue(&c);
		X509 *const x = parse(&cert);
		unsigned char *spki = NULL;
		const int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
		struct fwd_anchor a;

		cr_assert_gt(n, 0);
		kit_sha256((struct fwd_span){ spki, (size_t)n }, want);
		cr_assert_eq(fwd_anchor_read(tp_span(&cert), &a), FWD_OK);
		cr_assert_eq(fwd_key_id(&crypto, a.spki, got), FWD_OK);
		cr_assert_eq(memcmp(got, want, sizeof got), 0);
		list_key_id(k, got);
		cr_assert_eq(memcmp(got, want, sizeof got), 0);
		OPENSSL_free(spki);
		X509_free(x);
		EVP_PKEY_free(k);
	}
}

/* Leaf, two authorities, anchor: each revoked, with keys of that type; an
   identifier that differs in one bit stops nobody. */
Test(revocation, chains, .init = open_lists, .fini = close_pki)
{
	static const uint32_t index[] = { FWD_NO_INDEX, 1, 2, 0 };
	uint8_t id[FWD_KEY_ID];

	for (size_t t = 0; t < NTYPES; t++) {
		EVP_PKEY_free(key[3]);
		key[3] = tp_key(types[t]);
		three();
		policy.revoked = ids_span(IDS);
		EXPECT(FWD_OK);
		for (size_t k = 0; k < 4; k++) {
			list_key_id(key[k], id);
			policy.revoked = (struct fwd_span){ id, sizeof id };
			EXPECT(FWD_E_REVOKED);
			cr_assert_eq(last.step, FWD_STEP_REVOKED);
			cr_assert_eq(last.index, index[k]);
			memcpy(ids[k % IDS], id, sizeof id);
			policy.revoked = ids_span(IDS);
			EXPECT(FWD_E_REVOKED);
			for (size_t bit = 0; bit < (size_t)8 * FWD_KEY_ID;
			    bit += t == 0 ? 1 : 37) {
				id[bit / 8] ^= (uint8_t)(1u << bit % 8);
				policy.revoked = (struct fwd_span){ id,
				    sizeof id };
				cr_assert_eq(judge(), FWD_OK);
				id[bit / 8] ^= (uint8_t)(1u << bit % 8);
			}
			memset(ids[k % IDS], 0x77, FWD_KEY_ID);
		}
	}
}

/* The keys of an authority and of a root, of each type. */
Test(revocation, issuers, .init = open_lists, .fini = close_pki)
{
	uint8_t id[FWD_KEY_ID];

	for (size_t t = 0; t < NTYPES; t++) {
		EVP_PKEY *const k = tp_key(types[t]);

		two(pair);
		pair[1] = tp_template("I", "R", k, key[0], true);
		pair[0] = tp_template("L", "I", key[3], k, false);
		pair[0].alg.n = 0;
		tp_hex(&pair[0].alg, types[t] == FWD_KEY_ED25519 ? TP_ED25519 :
		    types[t] == FWD_KEY_RSA ? TP_RS256 : TP_ECDSA_SHA256);
		if (types[t] == FWD_KEY_ED25519)
			pair[0].md = NULL;
		issue_two(pair);
		policy.revoked = ids_span(IDS);
		EXPECT(FWD_OK);
		list_key_id(k, id);
		policy.revoked = (struct fwd_span){ id, sizeof id };
		EXPECT(FWD_E_REVOKED);
		cr_assert_eq(last.index, 1);
		EVP_PKEY_free(k);
	}
}

/* ---- whole envelopes --------------------------------------------------- */

struct signing {
	struct kit_pki pki, other;
	struct kit_dev *dev;
	struct fw_buf manifest;
};

static fwd_status
run_signed(struct signing *s, const struct kit_block *block, size_t blocks)
{
	struct fw_buf env = kit_envelope(fw_buf_span(&s->manifest), block,
	    blocks, (struct fwd_span){ 0 }, 0);
	const fwd_status status = kit_run(s->dev, fw_buf_span(&env));

	fw_buf_deinit(&env);
	return status;
}

Test(revocation, signers_of_a_manifest, .init = open_lists, .fini = close_pki)
{
	struct signing *const s = calloc(1, sizeof *s);
	struct fwd_anchor anchors[3];
	uint8_t id[FWD_KEY_ID];

	cr_assert_not_null(s);
	kit_pki_init(&s->pki, "one");
	kit_pki_init(&s->other, "two");
	anchors[0] = s->pki.bare_anchor;
	anchors[1] = s->other.anchor;
	anchors[2] = s->other.bare_anchor;
	s->dev = kit_dev_new(anchors, 3);
	s->manifest = kit_cbor("{1: 1, 2: 7, 3: <<{2: [[h'00']], 4: <<[20, "
	    "{1: h'" KIT_VENDOR "', 2: h'" KIT_CLASS "'}, 1, 15, 2, 15]>>}>>}",
	    NULL, 0);
	for (unsigned i = 0; i < 4; i++) {
		const struct kit_pki *const of = i < 2 ? &s->pki : &s->other;
		const struct kit_block block = { .pki = of,
		    .bare = i == 0 || i == 2 };
		const struct kit_block both[] = { { .pki = &s->other },
		    { .pki = of, .bare = block.bare } };

		if (i == 1)
			anchors[0] = s->pki.anchor;
		s->dev->policy.revoked = ids_span(IDS);
		kit_eq(run_signed(s, &block, 1), FWD_OK, s->dev->trace);
		list_key_id(of->leaf_key, id);
		s->dev->policy.revoked = (struct fwd_span){ id, sizeof id };
		kit_eq(run_signed(s, &block, 1), FWD_E_REVOKED,
		    s->dev->trace);
		/* fatal, whoever else has signed */
		kit_eq(run_signed(s, both, 2), FWD_E_REVOKED, s->dev->trace);
		list_key_id(s->pki.mid_key, id);
		kit_eq(run_signed(s, &block, 1), i == 1 ? FWD_E_REVOKED :
		    FWD_OK, s->dev->trace);
	}
	fw_buf_deinit(&s->manifest);
	kit_dev_free(s->dev);
	kit_pki_free(&s->pki);
	kit_pki_free(&s->other);
	free(s);
}

/* ---- policies ---------------------------------------------------------- */

Test(revocation, policies, .init = open_lists, .fini = close_pki)
{
	let_revoke(key[1]);
	cr_assert_eq(fwd_policy_check(&policy), FWD_OK);
	for (uint32_t set = 0; set < 64; set++) {
		policy.revokers = set;
		kit_eq(fwd_policy_check(&policy), set < 4 ? FWD_OK :
		    FWD_E_POLICY, "revokers");
	}
	policy.revokers = (uint32_t)1 << 31;
	expect_list(list_revoking(key[1], FWD_ESP256, 1, ids_span(1)),
	    FWD_E_POLICY, "revokers");
	policy.revokers = 2;
	for (size_t n = 0; n <= sizeof ids; n++) {
		policy.revoked = (struct fwd_span){ ids[0], n };
		kit_eq(fwd_policy_check(&policy), n % FWD_KEY_ID == 0 ?
		    FWD_OK : FWD_E_POLICY, "revoked");
	}
	policy.revoked = (struct fwd_span){ NULL, FWD_KEY_ID };
	kit_eq(fwd_policy_check(&policy), FWD_E_POLICY, "no bytes");
}
