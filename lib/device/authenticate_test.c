/* SPDX-License-Identifier: Apache-2.0 */
/* Who signed: blocks, anchors, thresholds, algorithms, and what was signed. */
#include "device/testbundle.h"

/* ---- signers -------------------------------------------------------- */

Test(authenticate, signers, .init = open_bench, .fini = close_bench)
{
	/* Blocks: p, o: signed by either; capital: broken; q, r: without
	   x5chain; anchors: which of p, o, and their bare keys q, r. */
	static const struct {
		const char *blocks, *anchors;
		uint32_t threshold;
		fwd_status want;
	} rows[] = {
		{ "p", "p", 1, FWD_OK }, { "o", "p", 1, FWD_E_ANCHOR },
		{ "p", "o", 1, FWD_E_ANCHOR }, { "p", "op", 1, FWD_OK },
		{ "op", "p", 1, FWD_OK }, { "po", "p", 1, FWD_OK },
		{ "P", "p", 1, FWD_E_SIG },
		/* a broken one of an anchor of ours is fatal */
		{ "pP", "p", 1, FWD_E_SIG }, { "Pp", "p", 1, FWD_E_SIG },
		{ "pO", "po", 1, FWD_E_SIG }, { "Op", "po", 1, FWD_E_SIG },
		/* nobody knows whether another one's holds */
		{ "pO", "p", 1, FWD_OK }, { "Op", "p", 1, FWD_OK },
		/* thresholds */
		{ "po", "po", 2, FWD_OK }, { "op", "po", 2, FWD_OK },
		{ "p", "po", 2, FWD_E_THRESHOLD },
		{ "pp", "po", 2, FWD_E_THRESHOLD },
		{ "ppppoppp", "po", 2, FWD_OK },
		{ "po", "p", 2, FWD_E_THRESHOLD },
		{ "po", "po", 3, FWD_E_THRESHOLD },
		{ "oo", "p", 2, FWD_E_ANCHOR },
		/* bare keys */
		{ "q", "q", 1, FWD_OK }, { "r", "rq", 1, FWD_OK },
		{ "q", "r", 1, FWD_E_ANCHOR }, { "q", "p", 1, FWD_E_ANCHOR },
		{ "p", "q", 1, FWD_E_ANCHOR }, { "Q", "q", 1, FWD_E_ANCHOR },
		{ "Qq", "q", 1, FWD_OK },
		{ "qr", "qr", 2, FWD_OK }, { "qo", "qo", 2, FWD_OK },
		/* one key is one signer, in whatever way it is trusted */
		{ "pq", "pq", 2, FWD_E_THRESHOLD },
		{ "pq", "pq", 1, FWD_OK },
		{ "qq", "qr", 2, FWD_E_THRESHOLD },
		/* how many */
		{ "pppppppp", "p", 1, FWD_OK },
		{ "ppppppppp", "p", 1, FWD_E_AUTH_COUNT },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fwd_anchor anchor[4];
		struct recipe r = bare;

		for (const char *c = rows[i].blocks; *c != '\0'; c++) {
			const bool second = strchr("oOrR", *c) != NULL;

			r.block[r.blocks++] = (struct kit_block){
			    .pki = second ? other : pki,
			    .bare = strchr("qrQR", *c) != NULL,
			    .broken = *c < 'a' };
		}
		dev->policy.anchors = 0;
		for (const char *c = rows[i].anchors; *c != '\0'; c++)
			anchor[dev->policy.anchors++] =
			    *c == 'p' ? pki->anchor : *c == 'o' ?
			    other->anchor : *c == 'q' ? pki->bare_anchor :
			    other->bare_anchor;
		dev->policy.anchor = anchor;
		dev->policy.threshold = rows[i].threshold;
		kit_eq(judge(&r), rows[i].want, dev->trace);
		if (rows[i].want == FWD_OK)
			cr_assert_geq(dev->ctx.signers, rows[i].threshold);
	}
}

Test(authenticate, unsigned_bundle, .init = open_bench, .fini = close_bench)
{
	struct fw_buf m = kit_cbor(bare.manifest, names, names_n);
	struct fw_buf env = kit_envelope(fw_buf_span(&m), NULL, 0,
	    (struct fwd_span){ NULL, 0 }, 0);

	kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_E_AUTH_MISSING,
	    dev->trace);
	cr_assert_null(strstr(dev->trace, "manifest"), "read unsigned");
	fw_buf_deinit(&m);
	fw_buf_deinit(&env);
}

/* A block in diagnostic notation instead of a good one. */
static fwd_status
judge_block(const char *notation)
{
	struct fw_buf m = kit_cbor(bare.manifest, names, names_n), payload,
	    block = kit_cbor(notation, names, names_n), out = { 0 };
	struct fw_cbor auth = { 0 }, c = { 0 };
	struct fw_error err;
	fwd_status s;

	payload = kit_payload(fw_buf_span(&m));
	fw_cbor_array(&auth, 2);
	fw_cbor_bytes(&auth, payload.p, payload.n);
	fw_cbor_bytes(&auth, block.p, block.n);
	fw_cbor_tag(&c, 107);
	fw_cbor_map(&c, 2);
	fw_cbor_uint(&c, 2);
	fw_cbor_wrap(&c, &auth);
	fw_cbor_uint(&c, 3);
	fw_cbor_bytes(&c, m.p, m.n);
	cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK);
	kit_dev_rewind(dev);
	s = fwd_envelope_check(&dev->ctx, fw_buf_span(&out));
	fw_buf_deinit(&m);
	fw_buf_deinit(&payload);
	fw_buf_deinit(&block);
	fw_buf_deinit(&out);
	return s;
}

static void
add_bytes(const char *name, const struct tp_bytes *b)
{
	struct fw_cbor c = { 0 };

	fw_cbor_bytes(&c, b->p, b->n);
	add_name(name, &c);
}

Test(authenticate, blocks, .init = open_bench, .fini = close_bench)
{
	EVP_PKEY *const rsa = tp_key(FWD_KEY_RSA);
	struct tp_cert c = tp_template("weak", "test ca", rsa, pki->mid_key,
	    false);
	struct tp_bytes sig = { .n = 64 }, sig_rsa = { .n = 256 },
	    weak = tp_issue(&c), spki = tp_spki(rsa);
	const struct fwd_anchor weak_key = { .spki = tp_span(&spki) };

	memset(sig.p, 1, sig.n);
	memset(sig_rsa.p, 1, sig_rsa.n);
	add_bytes("leaf", &pki->leaf);
	add_bytes("mid", &pki->mid);
	add_bytes("weak", &weak);
	add_bytes("sig", &sig);
	add_bytes("sig_rsa", &sig_rsa);
	kit_eq(judge_block("18([<<{1: -9, 33: [$leaf, $mid]}>>, {}, null, "
	    "$sig])"), FWD_E_SIG, dev->trace);
	kit_eq(judge_block("18([<<{1: -9, 33: [$leaf, $mid]}>>, {}, null, "
	    "h''])"), FWD_E_SIG_FORM, dev->trace);
	kit_eq(judge_block("18([<<{1: -9, 33: [$mid, $leaf]}>>, {}, null, "
	    "$sig])"), FWD_E_ANCHOR, dev->trace);
	kit_eq(judge_block("18([<<{1: -9, 33: $leaf}>>, {}, null, $sig])"),
	    FWD_E_ANCHOR, dev->trace);
	kit_eq(judge_block("18([<<{1: -51, 33: [$leaf, $mid]}>>, {}, null, "
	    "$sig])"), FWD_E_ALG_KEY, dev->trace);
	kit_eq(judge_block("18([<<{1: -19, 33: [$leaf, $mid]}>>, {}, null, "
	    "$sig])"), FWD_E_ALG_KEY, dev->trace);
	/* RSA keys of signers have 3072 bits at least */
	kit_eq(judge_block("18([<<{1: -37, 33: [$weak, $mid]}>>, {}, null, "
	    "$sig_rsa])"), FWD_E_KEY, dev->trace);
	dev->policy.anchor = &weak_key;
	kit_eq(judge_block("18([<<{1: -37}>>, {}, null, $sig_rsa])"),
	    FWD_E_ANCHOR, dev->trace);
	/* algorithms that are for certificates only, or for nothing */
	for (int64_t alg = -300; alg < 100; alg++) {
		char text[64];
		fwd_status s;

		(void)snprintf(text, sizeof text,
		    "18([<<{1: %lld}>>, {}, null, $sig])", (long long)alg);
		s = judge_block(text);
		switch (alg) {
		case FWD_ES256: case FWD_ES384: case FWD_ES512:
		case FWD_EDDSA: case FWD_ESP256: case FWD_ESP384:
		case FWD_ESP512: case FWD_ED25519: case FWD_PS256:
		case FWD_PS384: case FWD_PS512:
			kit_eq(s, FWD_E_ANCHOR, text);
			break;
		default:
			kit_eq(s, FWD_E_ALG, text);
			break;
		}
	}
	EVP_PKEY_free(rsa);
}

/* An anchor that is no key is no anchor. */
Test(authenticate, broken_anchors, .init = open_bench, .fini = close_bench)
{
	const struct fwd_anchor anchor[] = {
		{ .spki = { (const uint8_t *)"\x30\x00", 2 } },
		{ .spki = { NULL, 0 } },
		{ pki->anchor.name, { (const uint8_t *)"\x30\x00", 2 } },
	};
	struct recipe r = bare;

	dev->policy.anchor = anchor;
	dev->policy.anchors = 3;
	cr_assert_neq(judge(&r), FWD_OK);
	r.block[0] = (struct kit_block){ .pki = pki, .bare = true };
	r.blocks = 1;
	kit_eq(judge(&r), FWD_E_ANCHOR, dev->trace);
}

/* The digest in the envelope is signed, the manifest is another one. */
Test(authenticate, another_manifest, .init = open_bench, .fini = close_bench)
{
	struct fw_buf env = make_envelope(&bare), second;
	struct recipe r = bare;
	struct fwd_envelope a, b;

	/* the same but for the sequence number, so of the same length */
	r.manifest = "{1: 1, 2: 9, 3: <<{2: [[h'00']], 4: <<[" ID IMAGE
	    "]>>}>>, 7: <<[3, 15]>>, 20: <<" INSTALL ">>}";
	second = make_envelope(&r);
	cr_assert_eq(fwd_envelope_read(fw_buf_span(&env), &a), FWD_OK);
	cr_assert_eq(fwd_envelope_read(fw_buf_span(&second), &b), FWD_OK);
	cr_assert_eq(a.manifest.n, b.manifest.n);
	memcpy(env.p + (a.manifest.p - env.p), b.manifest.p, b.manifest.n);
	kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_E_MANIFEST_DIGEST,
	    dev->trace);
	/* ... and with its digest, which nobody signed */
	memcpy(env.p + (a.payload.p - env.p), b.payload.p, b.payload.n);
	kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_E_SIG, dev->trace);
	fw_buf_deinit(&env);
	fw_buf_deinit(&second);
}
