/* SPDX-License-Identifier: Apache-2.0 */
/* COSE_Sign1: what is read, what is refused, and the bytes that are signed. */
#include "device/testdevice.h"

/* A header with alg -9; one with a chain of one and of two. */
#define P "<<{1: -9}>>"
#define SIG "h'00112233'"

static const struct {
	const char *block;
	fwd_status want;
} blocks[] = {
	{ "18([" P ", {}, null, " SIG "])", FWD_OK },
	{ "18([<<{1: -9, 33: h'aa'}>>, {}, null, " SIG "])", FWD_OK },
	{ "18([<<{1: -9, 33: [h'aa', h'bb']}>>, {}, null, " SIG "])",
	    FWD_OK },
	{ "18([<<{1: -9, 33: [h'a1', h'a2', h'a3', h'a4', h'a5', h'a6', "
	    "h'a7', h'a8']}>>, {}, null, " SIG "])", FWD_OK },
	{ "18([<<{1: -9, 33: [h'a1', h'a2', h'a3', h'a4', h'a5', h'a6', "
	    "h'a7', h'a8', h'a9']}>>, {}, null, " SIG "])",
	    FWD_E_CHAIN_LEN },
	/* one certificate is a byte string, never an array (RFC 9360) */
	{ "18([<<{1: -9, 33: [h'aa']}>>, {}, null, " SIG "])",
	    FWD_E_COSE_HEADER },
	{ "18([<<{1: -9, 33: []}>>, {}, null, " SIG "])", FWD_E_COSE_HEADER },
	{ "18([<<{1: -9, 33: \"aa\"}>>, {}, null, " SIG "])",
	    FWD_E_CBOR_TYPE },
	{ "18([<<{1: -9, 33: [h'aa', 1]}>>, {}, null, " SIG "])",
	    FWD_E_CBOR_TYPE },
	/* the frame */
	{ "[" P ", {}, null, " SIG "]", FWD_E_COSE },
	{ "17([" P ", {}, null, " SIG "])", FWD_E_COSE },
	{ "98([" P ", {}, null, " SIG "])", FWD_E_COSE },
	{ "18(18([" P ", {}, null, " SIG "]))", FWD_E_CBOR_TYPE },
	{ "18([" P ", {}, null])", FWD_E_COSE },
	{ "18([" P ", {}, null, " SIG ", 1])", FWD_E_COSE },
	{ "18([])", FWD_E_COSE },
	{ "18({1: 2})", FWD_E_CBOR_TYPE },
	/* the payload is detached */
	{ "18([" P ", {}, h'', " SIG "])", FWD_E_COSE },
	{ "18([" P ", {}, h'aa', " SIG "])", FWD_E_COSE },
	{ "18([" P ", {}, false, " SIG "])", FWD_E_COSE },
	{ "18([" P ", {}, null, null])", FWD_E_CBOR_TYPE },
	{ "18([" P ", {}, null, \"\"])", FWD_E_CBOR_TYPE },
	/* nothing counts that is not protected */
	{ "18([" P ", {1: -9}, null, " SIG "])", FWD_E_COSE_HEADER },
	{ "18([" P ", {33: h'aa'}, null, " SIG "])", FWD_E_COSE_HEADER },
	{ "18([" P ", {4: h'aa'}, null, " SIG "])", FWD_E_COSE_HEADER },
	{ "18([" P ", [], null, " SIG "])", FWD_E_CBOR_TYPE },
	{ "18([h'', {1: -9}, null, " SIG "])", FWD_E_COSE_HEADER },
	{ "18([h'', {}, null, " SIG "])", FWD_E_CBOR_SHORT },
	{ "18([<<{}>>, {}, null, " SIG "])", FWD_E_COSE_HEADER },
	{ "18([<<{33: h'aa'}>>, {}, null, " SIG "])", FWD_E_COSE_HEADER },
	{ "18([<<{1: -9}, 0>>, {}, null, " SIG "])", FWD_E_CBOR_LEFT },
	{ "18([<<[1, -9]>>, {}, null, " SIG "])", FWD_E_CBOR_TYPE },
	{ "18([{1: -9}, {}, null, " SIG "])", FWD_E_CBOR_TYPE },
	/* unknown headers, crit among them, are refused */
	{ "18([<<{1: -9, 2: [33]}>>, {}, null, " SIG "])",
	    FWD_E_COSE_HEADER },
	{ "18([<<{1: -9, 3: 0}>>, {}, null, " SIG "])", FWD_E_COSE_HEADER },
	{ "18([<<{1: -9, 4: h'aa'}>>, {}, null, " SIG "])",
	    FWD_E_COSE_HEADER },
	{ "18([<<{1: -9, 34: [-16, h'aa']}>>, {}, null, " SIG "])",
	    FWD_E_COSE_HEADER },
	{ "18([<<{1: -9, -1: 0}>>, {}, null, " SIG "])", FWD_E_COSE_HEADER },
	{ "18([<<{1: -9, \"x\": 0}>>, {}, null, " SIG "])",
	    FWD_E_COSE_HEADER },
	{ "18([<<{1: -9, h'aa': 0}>>, {}, null, " SIG "])",
	    FWD_E_CBOR_TYPE },
	{ "18([<<{1: -9, 1: -9}>>, {}, null, " SIG "])", FWD_E_CBOR_ORDER },
	{ "18([<<{33: h'aa', 1: -9}>>, {}, null, " SIG "])",
	    FWD_E_CBOR_ORDER },
	{ "18([<<{1: \"ES256\"}>>, {}, null, " SIG "])", FWD_E_CBOR_TYPE },
	{ "18([<<{1: null}>>, {}, null, " SIG "])", FWD_E_CBOR_TYPE },
};
enum { NBLOCKS = sizeof blocks / sizeof blocks[0] };

Test(cose, forms)
{
	struct fwd_cose cose;

	for (size_t i = 0; i < NBLOCKS; i++) {
		struct fw_buf b = kit_cbor(blocks[i].block, NULL, 0);
		const fwd_status s = fwd_cose_read(fw_buf_span(&b), &cose);

		kit_eq(s, blocks[i].want, blocks[i].block);
		if (s != FWD_OK)
			cr_assert(cose.certs == 0 && cose.sig.p == NULL &&
			    cose.alg == 0);
		fw_buf_deinit(&b);
	}
}

Test(cose, parts)
{
	struct fw_buf b = kit_cbor(blocks[2].block, NULL, 0);
	struct fwd_cose cose;

	cr_assert_eq(fwd_cose_read(fw_buf_span(&b), &cose), FWD_OK);
	cr_assert_eq(cose.alg, FWD_ESP256);
	cr_assert_eq(cose.certs, 2);
	cr_assert(cose.cert[0].n == 1 && cose.cert[0].p[0] == 0xaa);
	cr_assert(cose.cert[1].n == 1 && cose.cert[1].p[0] == 0xbb);
	cr_assert(cose.sig.n == 4 && memcmp(cose.sig.p, "\0\x11\"3", 4) == 0);
	cr_assert_eq(cose.protected_.n, 10);
	fw_buf_deinit(&b);
}

/* Truncated anywhere, and with anything behind it. */
Test(cose, truncations_and_trailing_data)
{
	struct fwd_cose cose;

	for (size_t i = 0; i < 4; i++) {
		struct fw_buf b = kit_cbor(blocks[i].block, NULL, 0);

		for (size_t n = 0; n < b.n; n++) {
			struct fwd_span cut = kit_dup(b.p, n);
			const fwd_status s = fwd_cose_read(cut, &cose);

			/* E_COSE: no tag, or nothing where nil has to be */
			cr_assert(s == FWD_E_CBOR_SHORT || s == FWD_E_COSE,
			    "%zu: %s", n, fwd_status_code(s));
			kit_free(cut);
		}
		kit_add(&b, "", 1);
		kit_eq(fwd_cose_read(fw_buf_span(&b), &cose),
		    FWD_E_CBOR_LEFT, blocks[i].block);
		fw_buf_deinit(&b);
	}
}

/* ---- what is signed ------------------------------------------------- */

/* The concatenation is the Sig_structure, for every size of its parts. */
Test(cose, sig_structure)
{
	static const size_t sizes[] = { 0, 1, 22, 23, 24, 25, 254, 255, 256,
	    257, 65534, 65535, 65536, 65537 };
	enum { N = sizeof sizes / sizeof sizes[0] };
	uint8_t *const part = malloc(65537);

	for (size_t i = 0; i < 65537; i++)
		part[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < N; i++)
	for (size_t j = 0; j < N; j++) {
		struct fw_buf got = { 0 };
		struct fw_cbor want = { 0 };
		struct fwd_tbs tbs;

		fwd_cose_tbs((struct fwd_span){ part, sizes[i] },
		    (struct fwd_span){ part, sizes[j] }, &tbs);
		for (size_t k = 0; k < FWD_TBS_PARTS; k++)
			if (tbs.msg[k].n != 0)
				kit_add(&got, tbs.msg[k].p, tbs.msg[k].n);
		fw_cbor_array(&want, 4);
		fw_cbor_text(&want, "Signature1");
		fw_cbor_bytes(&want, part, sizes[i]);
		fw_cbor_bytes(&want, part, 0);
		fw_cbor_bytes(&want, part, sizes[j]);
		cr_assert_eq(got.n, want.out.n);
		cr_assert_eq(memcmp(got.p, want.out.p, got.n), 0);
		fw_buf_deinit(&got);
		fw_cbor_deinit(&want);
	}
	free(part);
}

/*
 * The largest head: a part of 4 GiB is described, not read.  (On hosts with
 * 64-bit sizes.)
 */
Test(cose, sig_structure_of_huge_parts)
{
	static const uint8_t one[1];
	struct fwd_tbs tbs;

	fwd_cose_tbs((struct fwd_span){ one, (size_t)1 << 32 },
	    (struct fwd_span){ one, UINT32_MAX }, &tbs);
	cr_assert_eq(tbs.msg[0].n, 12 + 9);
	cr_assert_eq(memcmp(tbs.msg[0].p + 12, "\x5b\0\0\0\1\0\0\0\0", 9), 0);
	cr_assert_eq(tbs.msg[2].n, 1 + 5);
	cr_assert_eq(memcmp(tbs.msg[2].p, "\x40\x5a\xff\xff\xff\xff", 6), 0);
}

/* A block that our own encoder makes is read, and its signature holds. */
Test(cose, blocks_of_ours)
{
	static struct kit_pki pki;
	struct fw_buf manifest = kit_cbor("{1: 1}", NULL, 0), payload, env;
	const struct kit_block block = { .pki = &pki };
	struct kit_crypto kit;
	struct fwd_crypto crypto;
	struct fwd_envelope e;
	struct fwd_cose cose;
	struct fwd_key key;
	struct fwd_tbs tbs;

	kit_pki_init(&pki, "test");
	crypto = kit_crypto_init(&kit);
	payload = kit_payload(fw_buf_span(&manifest));
	env = kit_envelope(fw_buf_span(&manifest), &block, 1,
	    (struct fwd_span){ NULL, 0 }, 0);
	cr_assert_eq(fwd_envelope_read(fw_buf_span(&env), &e), FWD_OK);
	cr_assert_eq(e.blocks, 1);
	cr_assert(fwd_span_equal(e.payload, fw_buf_span(&payload)));
	cr_assert_eq(fwd_cose_read(e.block[0], &cose), FWD_OK);
	cr_assert(fwd_span_equal(cose.cert[0], tp_span(&pki.leaf)));
	cr_assert(fwd_span_equal(cose.cert[1], tp_span(&pki.mid)));
	cr_assert_eq(fwd_key_read(pki.bare_anchor.spki, &key), FWD_OK);
	fwd_cose_tbs(cose.protected_, e.payload, &tbs);
	cr_assert_eq(fwd_sig_check(&crypto, cose.alg, &key, tbs.msg,
	    FWD_TBS_PARTS, cose.sig), FWD_OK);
	fw_buf_deinit(&manifest);
	fw_buf_deinit(&payload);
	fw_buf_deinit(&env);
	kit_pki_free(&pki);
	fwp_openssl_free(kit.openssl);
}
