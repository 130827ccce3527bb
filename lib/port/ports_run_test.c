/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains, envelopes and bundles through all ports, good and bad: verdicts and
 * traces must be the same, byte for byte.  Where a port lacks an algorithm, the
 * trace is the same up to the step that says so.  What is spoilt is a sample:
 * each bit has its turn in path_test.c, mutants_test.c and verify_test.c, which
 * ask one port; what reads it is not part of the ports.
 */
#include "device/testdevice.h"
#include "port/ports.h"

TestSuite(ports_run, .init = ports_open, .fini = ports_close,
    .timeout = 600);

/* ---- what a run said ----------------------------------------------------- */

struct log {
	fwd_status status;
	size_t n;
	char text[1 << 16];
};
static struct log said[PORTS];

static void
on_event(void *ctx, const struct fwd_event *ev)
{
	struct log *const log = ctx;

	cr_assert_lt(log->n, sizeof log->text - FWD_LINE_MAX - 1);
	log->n += fwd_event_format(ev, log->text + log->n, FWD_LINE_MAX);
	log->text[log->n++] = '\n';
	log->text[log->n] = '\0';
}

/* The first run is OpenSSL's; compare another with it. */
static void
compare(size_t p, const char *what, size_t i)
{
	static const char lacks[] = " algorithm-unsupported\n";
	const struct log *const a = &said[0], *const b = &said[p];
	const char *at;

	ports_sum.due++;
	if (!ports[p].lacked) {
		ports_sum.compared++;
		cr_assert_eq(b->status, a->status, "%s: %s %zu: %s, not %s",
		    ports[p].name, what, i, fwd_status_code(b->status),
		    fwd_status_code(a->status));
		cr_assert_str_eq(b->text, a->text, "%s: %s %zu",
		    ports[p].name, what, i);
		return;
	}
	ports_sum.lacked++;
	cr_assert_eq(b->status, FWD_E_ALG, "%s: %s %zu: %s", ports[p].name,
	    what, i, fwd_status_code(b->status));
	at = strstr(b->text, lacks);
	cr_assert_not_null(at);
	while (at > b->text && at[-1] != '\n')
		at--;
	cr_assert_eq(strncmp(a->text, b->text, (size_t)(at - b->text)), 0,
	    "%s: %s %zu:\n%s", ports[p].name, what, i, b->text);
}

/* ---- signers --------------------------------------------------------------- */

/* A signature algorithm, in a certificate and in a block. */
static const struct signer {
	const char *name;
	enum fwd_key_type type;
	int32_t alg;			/* in a block; 0: certificates only */
	const char *cert_alg;
	const EVP_MD *(*md)(void);
	bool pss;
} signers[] = {
	{ "ESP256", FWD_KEY_P256, FWD_ESP256, TP_ECDSA_SHA256,
	    EVP_sha256, false },
	{ "ESP384", FWD_KEY_P384, FWD_ESP384, TP_ECDSA_SHA384,
	    EVP_sha384, false },
	{ "ESP512", FWD_KEY_P521, FWD_ESP512, TP_ECDSA_SHA512,
	    EVP_sha512, false },
	{ "Ed25519", FWD_KEY_ED25519, FWD_ED25519, TP_ED25519, NULL,
	    false },
	{ "PS256", FWD_KEY_RSA, FWD_PS256, TP_PSS("1", "20"),
	    EVP_sha256, true },
	{ "PS384", FWD_KEY_RSA, FWD_PS384, TP_PSS("2", "30"),
	    EVP_sha384, true },
	{ "PS512", FWD_KEY_RSA, FWD_PS512, TP_PSS("3", "40"),
	    EVP_sha512, true },
	{ "RS256", FWD_KEY_RSA, 0, TP_RS256, EVP_sha256, false },
	{ "RS384", FWD_KEY_RSA, 0, TP_RS384, EVP_sha384, false },
	{ "RS512", FWD_KEY_RSA, 0, TP_RS512, EVP_sha512, false },
	{ "P-521 with SHA-256", FWD_KEY_P521, 0, TP_ECDSA_SHA256,
	    EVP_sha256, false },
	{ "P-256 with SHA-512", FWD_KEY_P256, 0, TP_ECDSA_SHA512,
	    EVP_sha512, false },
};
enum { NSIGNERS = sizeof signers / sizeof signers[0] };

/* Of RSA two in turn, since making one takes as long as hundreds of verdicts;
   3072 bits are what a signer must have at least. */
static EVP_PKEY *
new_key(enum fwd_key_type type)
{
	static EVP_PKEY *kept[2];
	static size_t turn;
	EVP_PKEY **const k = &kept[turn % 2];

	if (type != FWD_KEY_RSA)
		return tp_key(type);
	turn++;
	if (*k == NULL)
		*k = EVP_RSA_gen(3072);
	cr_assert(*k != NULL && EVP_PKEY_up_ref(*k) == 1);
	return *k;
}

static struct tp_bytes
issue(const char *subject, const char *issuer, EVP_PKEY *key, EVP_PKEY *by,
    const struct signer *s, bool ca)
{
	struct tp_cert c = tp_template(subject, issuer, key, by, ca);

	c.alg = (struct tp_bytes){ 0 };
	tp_hex(&c.alg, s->cert_alg);
	c.md = s->md != NULL ? s->md() : NULL;
	c.pss = s->pss;
	return tp_issue(&c);
}

/* ---- chains ------------------------------------------------------------------ */

static struct chain {
	struct tp_bytes cert[2];	/* leaf first */
	struct tp_bytes root;
	struct fwd_anchor anchor;
	EVP_PKEY *leaf_key;
} chain;

/* Root and CA sign with the one, the leaf has a key for the other. */
static void
make_chain(const struct signer *ca, enum fwd_key_type leaf)
{
	EVP_PKEY *root = new_key(ca->type), *mid = new_key(ca->type);

	chain.leaf_key = new_key(leaf);
	chain.root = issue("R", "R", root, root, ca, true);
	chain.cert[1] = issue("I", "R", mid, root, ca, true);
	chain.cert[0] = issue("L", "I", chain.leaf_key, mid, ca, false);
	cr_assert_eq(fwd_anchor_read(tp_span(&chain.root), &chain.anchor),
	    FWD_OK);
	EVP_PKEY_free(root);
	EVP_PKEY_free(mid);
}

static void
free_chain(void)
{
	EVP_PKEY_free(chain.leaf_key);
}

static fwd_status
judge_chain(int64_t now, const char *what, size_t i)
{
	const struct fwd_policy policy = { .anchor = &chain.anchor,
	    .anchors = 1, .threshold = 1, .clock = FWD_CLOCK_TRUSTED,
	    .time_min = INT64_MIN, .purpose = fwd_code_signing };
	const struct fwd_span cert[2] = { tp_span(&chain.cert[0]),
	    tp_span(&chain.cert[1]) };
	struct fwd_chain_result result;

	for (size_t p = 0; p < PORTS - (ports_sample ? 1 : 0); p++) {
		said[p].n = 0;
		ports[p].lacked = false;
		said[p].status = fwd_chain_check(&ports[p].crypto, &policy,
		    now, cert, 2, (struct fwd_tracer){ on_event, &said[p] },
		    &result);
		if (p == 0)
			ports_count(said[0].status);
		else
			compare(p, what, i);
	}
	return said[0].status;
}

Test(ports_run, chains)
{
	for (size_t s = 0; s < NSIGNERS; s++) {
		/* large curves take their time */
		const size_t step = signers[s].type == FWD_KEY_P384 ||
		    signers[s].type == FWD_KEY_P521 ? 19 : 7;

		make_chain(&signers[s], FWD_KEY_P256);
		ports_sample = false;
		cr_assert_eq(judge_chain(TP_NOT_BEFORE, signers[s].name, 0),
		    FWD_OK);
		cr_assert_eq(judge_chain(TP_NOT_BEFORE - 1, "too early", s),
		    FWD_E_CERT_EARLY);
		cr_assert_eq(judge_chain(TP_NOT_AFTER + 1, "too late", s),
		    FWD_E_CERT_LATE);
		/* one bit of some bytes of both */
		ports_sample = true;
		for (size_t c = 0; c < 2; c++)
			for (size_t i = c; i < chain.cert[c].n; i += step) {
				const uint8_t bit =
				    (uint8_t)(1u << i / step % 8);

				if (!ports_turn())
					continue;
				chain.cert[c].p[i] ^= bit;
				cr_assert_neq(judge_chain(TP_NOT_BEFORE,
				    signers[s].name, i), FWD_OK);
				chain.cert[c].p[i] ^= bit;
			}
		free_chain();
	}
	ports_print("chains");
}

/* ---- bundles and envelopes --------------------------------------------------- */

/* vendor, class, size and digest; fetch and match; validate */
static struct fw_buf
make_manifest(struct fwd_span payload)
{
	uint8_t digest[32];
	struct fw_cbor d = { 0 }, n = { 0 };
	struct kit_name names[2] = { { "digest", { 0 } }, { "size", { 0 } } };
	struct fw_buf out;

	kit_sha256(payload, digest);
	fw_cbor_array(&n, 2);
	fw_cbor_int(&n, FWD_SHA256);
	fw_cbor_bytes(&n, digest, sizeof digest);
	fw_cbor_wrap(&d, &n);
	names[0].cbor = fw_buf_span(&d.out);
	fw_cbor_deinit(&n);
	n = (struct fw_cbor){ 0 };
	fw_cbor_uint(&n, payload.n);
	names[1].cbor = fw_buf_span(&n.out);
	out = kit_cbor("{1: 1, 2: 7, 3: <<{2: [[h'6170']],"
	    " 4: <<[20, {1: h'" KIT_VENDOR "', 2: h'" KIT_CLASS "',"
	    " 3: $digest, 14: $size}, 1, 15, 2, 15]>>}>>,"
	    " 7: <<[3, 15]>>,"
	    " 20: <<[20, {3: $digest, 14: $size, 21: \"app.bin\"},"
	    " 21, 15, 3, 15]>>}", names, 2);
	fw_cbor_deinit(&d);
	fw_cbor_deinit(&n);
	return out;
}

/* A COSE signature by the leaf's key. */
static size_t
cose_sign(const struct signer *s, struct fwd_span tbs, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const size_t w = fwd_curve_width(s->type);
	uint8_t der[512];
	const uint8_t *p = der;
	size_t n = sizeof der;
	EVP_PKEY_CTX *c = NULL;
	ECDSA_SIG *sig;

	cr_assert_eq(EVP_DigestSignInit(ctx, &c, s->md != NULL ? s->md() :
	    NULL, NULL, chain.leaf_key), 1);
	if (s->pss) {
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(c,
		    RSA_PKCS1_PSS_PADDING), 1);
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(c,
		    RSA_PSS_SALTLEN_DIGEST), 1);
	}
	cr_assert_eq(EVP_DigestSign(ctx, der, &n, tbs.p, tbs.n), 1);
	EVP_MD_CTX_free(ctx);
	if (w == 0) {
		memcpy(out, der, n);
		return n;
	}
	sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)w),
	    (int)w);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + w, (int)w),
	    (int)w);
	ECDSA_SIG_free(sig);
	return 2 * w;
}

static struct fw_buf
make_envelope(const struct signer *s, bool bare, struct fwd_span manifest)
{
	struct fw_cbor header = { 0 }, tbs = { 0 }, block = { 0 },
	    auth = { 0 }, c = { 0 };
	struct fw_buf payload = kit_payload(manifest), out = { 0 };
	struct fw_error err;
	uint8_t sig[512];

	fw_cbor_map(&header, bare ? 1 : 2);
	fw_cbor_uint(&header, 1);
	fw_cbor_int(&header, s->alg);
	if (!bare) {
		fw_cbor_uint(&header, 33);
		fw_cbor_array(&header, 2);
		fw_cbor_bytes(&header, chain.cert[0].p, chain.cert[0].n);
		fw_cbor_bytes(&header, chain.cert[1].p, chain.cert[1].n);
	}
	fw_cbor_array(&tbs, 4);
	fw_cbor_text(&tbs, "Signature1");
	fw_cbor_bytes(&tbs, header.out.p, header.out.n);
	fw_cbor_bytes(&tbs, "", 0);
	fw_cbor_bytes(&tbs, payload.p, payload.n);
	fw_cbor_tag(&block, 18);
	fw_cbor_array(&block, 4);
	fw_cbor_wrap(&block, &header);
	fw_cbor_map(&block, 0);
	fw_cbor_nil(&block);
	fw_cbor_bytes(&block, sig, cose_sign(s, fw_buf_span(&tbs.out), sig));
	fw_cbor_array(&auth, 2);
	fw_cbor_bytes(&auth, payload.p, payload.n);
	fw_cbor_wrap(&auth, &block);
	fw_cbor_tag(&c, 107);
	fw_cbor_map(&c, 2);
	fw_cbor_uint(&c, 2);
	fw_cbor_wrap(&c, &auth);
	fw_cbor_uint(&c, 3);
	fw_cbor_bytes(&c, manifest.p, manifest.n);
	cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK);
	fw_cbor_deinit(&tbs);
	fw_buf_deinit(&payload);
	return out;
}

static const uint8_t app[700] = "a payload of more than one block";

/* One device for each port. */
static struct kit_dev *dev[PORTS];

static void
open_devices(const struct fwd_anchor *anchor)
{
	for (size_t p = 0; p < PORTS; p++) {
		dev[p] = kit_dev_new(anchor, 1);
		/* remembers what holds; asks the port about the rest */
		dev[p]->kit.real = ports[p].crypto;
	}
}

static void
close_devices(void)
{
	for (size_t p = 0; p < PORTS; p++)
		kit_dev_free(dev[p]);
}

static fwd_status
judge(struct fwd_span data, bool bundle, const char *what, size_t i)
{
	for (size_t p = 0; p < PORTS - (ports_sample ? 1 : 0); p++) {
		ports[p].lacked = false;
		kit_dev_rewind(dev[p]);
		dev[p]->bundle = data;
		said[p].status = bundle ? fwd_bundle_check(&dev[p]->ctx) :
		    fwd_envelope_check(&dev[p]->ctx, data);
		cr_assert_lt(dev[p]->trace_n, sizeof said[p].text);
		memcpy(said[p].text, dev[p]->trace, dev[p]->trace_n + 1);
		if (p == 0)
			ports_count(said[0].status);
		else
			compare(p, what, i);
	}
	return said[0].status;
}

/* Bits flipped, one in every `step`th byte, and cuts. */
static void
spoil(struct fw_buf *b, bool bundle, const char *what, size_t step)
{
	ports_sample = true;
	for (size_t i = 0; i < b->n; i += step) {
		const uint8_t bit = (uint8_t)(1u << i / step % 8);

		if (!ports_turn())
			continue;
		b->p[i] ^= bit;
		cr_assert_neq(judge(fw_buf_span(b), bundle, what, i), FWD_OK,
		    "%s %zu", what, i);
		b->p[i] ^= bit;
		cr_assert_neq(judge((struct fwd_span){ b->p, i }, bundle,
		    what, i), FWD_OK, "%s cut at %zu", what, i);
	}
	ports_sample = false;
	cr_assert_eq(judge(fw_buf_span(b), bundle, what, 0), FWD_OK);
}

/* The leaf signs with that; with the key alone as an anchor, or a chain. */
static void
whole(const struct signer *s, bool bare, bool bundle)
{
	const struct fwd_span payload = { app, sizeof app };
	struct fw_buf manifest = make_manifest(payload), envelope, b = { 0 };
	struct tp_bytes spki;
	struct fwd_anchor anchor;

	make_chain(&signers[0], s->type);
	spki = tp_spki(chain.leaf_key);
	anchor = chain.anchor;
	if (bare)
		anchor = (struct fwd_anchor){ .spki = tp_span(&spki) };
	envelope = make_envelope(s, bare, fw_buf_span(&manifest));
	if (bundle) {
		kit_member(&b, "manifest.suit", envelope.p, envelope.n);
		kit_member(&b, "app.bin", app, sizeof app);
		kit_end(&b);
	}
	open_devices(&anchor);
	cr_assert_eq(judge(fw_buf_span(bundle ? &b : &envelope), bundle,
	    s->name, 0), FWD_OK, "%s: %s", s->name, said[0].text);
	spoil(bundle ? &b : &envelope, bundle, s->name, bundle ? 17 : 7);
	close_devices();
	fw_buf_deinit(&envelope);
	fw_buf_deinit(&manifest);
	fw_buf_deinit(&b);
	free_chain();
}

Test(ports_run, envelopes_with_chains)
{
	for (size_t s = 0; s < NSIGNERS && signers[s].alg != 0; s++)
		whole(&signers[s], false, false);
	ports_print("envelopes, chains");
}

Test(ports_run, envelopes_with_bare_keys)
{
	for (size_t s = 0; s < NSIGNERS && signers[s].alg != 0; s++)
		whole(&signers[s], true, false);
	ports_print("envelopes, bare keys");
}

Test(ports_run, bundles)
{
	for (size_t s = 0; s < NSIGNERS && signers[s].alg != 0; s++)
		whole(&signers[s], false, true);
	ports_print("bundles");
}
