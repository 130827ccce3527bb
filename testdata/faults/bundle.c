/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenarios: a bundle, a device that has to refuse it, and why.  They are
 * small, so that little has to be executed, and the same in every run: keys
 * and signatures are made of digests of their names.
 */
#include "device/testbundle.h"

#include "testdata/faults/faults.h"

/* ---- keys and signatures that are none --------------------------------- */

struct key {
	uint8_t point[GUEST_POINT];
	struct tp_bytes spki;
};

static void
sha256(uint8_t out[32], const char *what, const void *p, size_t n,
    const void *q, size_t m)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, what, strlen(what)) != 1 ||
	    EVP_DigestUpdate(ctx, p, n) != 1 ||
	    EVP_DigestUpdate(ctx, q, m) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		die("SHA-256 does not work");
	EVP_MD_CTX_free(ctx);
}

void
stub_sign(const uint8_t point[GUEST_POINT], const uint8_t digest[GUEST_DIGEST],
    uint8_t sig[GUEST_SIG])
{
	sha256(sig, "r", point, GUEST_POINT, digest, GUEST_DIGEST);
	sha256(sig + 32, "s", point, GUEST_POINT, digest, GUEST_DIGEST);
	/* of one length in DER, and less than the order of the group */
	sig[0] = (sig[0] & 0x3f) | 0x40;
	sig[32] = (sig[32] & 0x3f) | 0x40;
}

static struct key
make_key(const char *name)
{
	struct key k = { .point = { 4 } };

	sha256(k.point + 1, "x", name, strlen(name), "", 0);
	sha256(k.point + 33, "y", name, strlen(name), "", 0);
	tp_hex(&k.spki, "30 59 30 13 06 07 2a8648ce3d0201 "
	    "06 08 2a8648ce3d030107 03 42 00");
	tp_add(&k.spki, k.point, sizeof k.point);
	return k;
}

/* ---- certificates ------------------------------------------------------ */

struct chain {
	struct key root_key, ca_key, leaf_key;
	struct tp_bytes root, ca, leaf;
};

/* The first element of a certificate's SEQUENCE, which is what is signed. */
static struct fwd_span
signed_part(const struct tp_bytes *cert)
{
	const uint8_t *const p = cert->p + 4;

	cr_assert(cert->p[1] == 0x82 && p[1] == 0x81);
	return (struct fwd_span){ p, 3u + p[2] };
}

static struct tp_bytes
issue(const char *subject, const struct key *key, const char *issuer,
    const struct key *by, bool ca)
{
	struct tp_cert c = { .issuer = tp_name(issuer),
	    .subject = tp_name(subject), .spki = key->spki };
	struct tp_bytes cert, r = { 0 }, s = { 0 }, both = { 0 };
	uint8_t digest[GUEST_DIGEST], sig[GUEST_SIG];

	tp_hex(&c.version, "a0 03 02 01 02");
	tp_hex(&c.serial, "02 01 01");
	tp_hex(&c.alg, TP_ECDSA_SHA256);
	tp_hex(&c.validity, TP_VALIDITY);
	tp_hex(&c.extensions, ca ? TP_BC_CA TP_KU_CA :
	    TP_KU_SIGN TP_EKU_CODE);
	tp_add(&c.sig, sig, sizeof sig);	/* for the time being */
	cert = tp_issue(&c);
	kit_sha256(signed_part(&cert), digest);
	stub_sign(by->point, digest, sig);
	tp_add(&r, sig, 32);
	tp_add(&s, sig + 32, 32);
	tp_tlv(&both, 0x02, &r);
	tp_tlv(&both, 0x02, &s);
	c.sig.n = 0;
	tp_tlv(&c.sig, 0x30, &both);
	return tp_issue(&c);
}

static void
make_chain(struct chain *c, const char *name)
{
	char root[32], ca[32], leaf[32];

	(void)snprintf(root, sizeof root, "%s root", name);
	(void)snprintf(ca, sizeof ca, "%s ca", name);
	(void)snprintf(leaf, sizeof leaf, "%s release", name);
	c->root_key = make_key(root);
	c->ca_key = make_key(ca);
	c->leaf_key = make_key(leaf);
	c->root = issue(root, &c->root_key, root, &c->root_key, true);
	c->ca = issue(ca, &c->ca_key, root, &c->root_key, true);
	c->leaf = issue(leaf, &c->leaf_key, ca, &c->ca_key, false);
}

/* ---- bundles ----------------------------------------------------------- */

static struct chain ours, others;
static uint32_t signed_at;		/* where the last signature ends */
static const uint8_t image[16] = "the new release";

/* What is wrong with the bundle; most things are with the device. */
enum {
	BAD_SIGNATURE = 1, BAD_LEAF = 2, BAD_CA = 4, BAD_SIGNER = 8,
	BAD_MANIFEST = 16, BAD_SECTION = 32, BAD_PAYLOAD = 64,
	SEVERED = 128, MEMBER = 256,
};

static struct fw_buf
make_block(const struct chain *c, struct fwd_span payload, unsigned bad)
{
	struct fw_cbor header = { 0 }, signed_ = { 0 }, block = { 0 };
	struct tp_bytes leaf = c->leaf, ca = c->ca;
	uint8_t digest[GUEST_DIGEST], sig[GUEST_SIG];
	struct fw_buf out = { 0 };
	struct fw_error err;

	/* the last byte of a certificate is one of its signature */
	if ((bad & BAD_LEAF) != 0)
		leaf.p[leaf.n - 1] ^= 1;
	if ((bad & BAD_CA) != 0)
		ca.p[ca.n - 1] ^= 1;
	fw_cbor_map(&header, 2);
	fw_cbor_uint(&header, 1);
	fw_cbor_int(&header, FWD_ESP256);
	fw_cbor_uint(&header, 33);
	fw_cbor_array(&header, 2);
	fw_cbor_bytes(&header, leaf.p, leaf.n);
	fw_cbor_bytes(&header, ca.p, ca.n);
	fw_cbor_array(&signed_, 4);
	fw_cbor_text(&signed_, "Signature1");
	fw_cbor_bytes(&signed_, header.out.p, header.out.n);
	fw_cbor_bytes(&signed_, "", 0);
	fw_cbor_bytes(&signed_, payload.p, payload.n);
	kit_sha256(fw_buf_span(&signed_.out), digest);
	stub_sign(c->leaf_key.point, digest, sig);
	if ((bad & BAD_SIGNATURE) != 0)
		sig[63] ^= 1;
	fw_cbor_tag(&block, 18);
	fw_cbor_array(&block, 4);
	fw_cbor_wrap(&block, &header);
	fw_cbor_map(&block, 0);
	fw_cbor_nil(&block);
	fw_cbor_bytes(&block, sig, sizeof sig);
	fw_cbor_deinit(&signed_);
	cr_assert_eq(fw_cbor_done(&block, &out, &err), FW_OK);
	return out;
}

#define COMMON_16 \
	"{1: 1, 2: 7, 3: <<{2: [[h'00']], 4: <<[" ID ", " \
	"20, {3: $image, 14: 16}]>>}>>, 7: <<[3, 15]>>, 9: <<[23, 2]>>, "
#define FETCH(name) "[20, {21: \"" name "\"}, 21, 2, 3, 15]"

static struct fw_buf
make_manifest(unsigned how)
{
	return kit_cbor((how & SEVERED) != 0 ? COMMON_16 "20: $fetch_d}" :
	    (how & MEMBER) != 0 ? COMMON_16 "20: <<" FETCH("app.bin") ">>}" :
	    COMMON_16 "20: <<" FETCH("#app") ">>}", names, names_n);
}

static struct fw_buf
make_faults_envelope(const struct chain *c, unsigned how)
{
	struct fw_buf manifest = make_manifest(how), out = { 0 }, block,
	    payload = kit_payload(fw_buf_span(&manifest));
	struct fw_cbor auth = { 0 }, env = { 0 };
	uint8_t app[sizeof image], block_end;
	struct fw_error err;

	memcpy(app, image, sizeof app);
	if ((how & BAD_PAYLOAD) != 0)
		app[0] ^= 1;
	if ((how & BAD_MANIFEST) != 0)	/* the end of what is installed */
		manifest.p[manifest.n - 1] ^= 0x10;
	block = make_block(c, fw_buf_span(&payload), how);
	/* Tag, map and key, then the heads of a byte string, an array and two
	   byte strings in it; the block ends with its signature. */
	block_end = block.p[block.n - 1];
	signed_at = (uint32_t)(2 + 1 + 1 + 3 + 1 + 2 + payload.n + 3 +
	    block.n - 1);
	fw_cbor_array(&auth, 2);
	fw_cbor_bytes(&auth, payload.p, payload.n);
	fw_cbor_bytes(&auth, block.p, block.n);
	fw_cbor_tag(&env, 107);
	fw_cbor_map(&env, (how & SEVERED) != 0 ? 4 : (how & MEMBER) != 0 ? 2 :
	    3);
	fw_cbor_uint(&env, 2);
	fw_cbor_wrap(&env, &auth);
	fw_cbor_uint(&env, 3);
	fw_cbor_bytes(&env, manifest.p, manifest.n);
	if ((how & SEVERED) != 0) {
		struct fw_buf section = kit_cbor(FETCH("#app"), NULL, 0);

		fw_cbor_uint(&env, 20);
		if ((how & BAD_SECTION) != 0)
			section.p[section.n - 1] ^= 1;
		fw_cbor_bytes(&env, section.p, section.n);
		fw_buf_deinit(&section);
	}
	if ((how & MEMBER) == 0) {
		fw_cbor_text(&env, "#app");
		fw_cbor_bytes(&env, app, sizeof app);
	}
	fw_buf_deinit(&manifest);
	fw_buf_deinit(&payload);
	fw_buf_deinit(&block);
	cr_assert_eq(fw_cbor_done(&env, &out, &err), FW_OK);
	cr_assert(out.p[signed_at] == block_end && out.p[signed_at + 1] == 3);
	return out;
}

static struct fw_buf
make_faults_bundle(unsigned how)
{
	struct fw_buf env, b = { 0 };
	uint8_t app[sizeof image];

	memcpy(app, image, sizeof app);
	if ((how & BAD_PAYLOAD) != 0)
		app[0] ^= 1;
	env = make_faults_envelope((how & BAD_SIGNER) != 0 ? &others : &ours,
	    how);
	kit_member(&b, "manifest.suit", env.p, env.n);
	if ((how & MEMBER) != 0)
		kit_member(&b, "app.bin", app, sizeof app);
	kit_end(&b);
	fw_buf_deinit(&env);
	return b;
}

/* The file of the naive verifier. */
static struct fw_buf
make_naive_file(unsigned how)
{
	struct naive_file f = { .sequence_number = 7, .signatures = 1 };
	uint8_t digest[GUEST_DIGEST];
	struct fw_buf b = { 0 };

	memset(f.class_id, 0x22, sizeof f.class_id);
	memcpy(f.image, image, sizeof image);
	kit_sha256((struct fwd_span){ f.image, sizeof f.image },
	    f.image_sha256);
	if ((how & BAD_PAYLOAD) != 0)
		f.image[0] ^= 1;
	kit_sha256((struct fwd_span){ (const uint8_t *)&f,
	    offsetof(struct naive_file, signatures) }, digest);
	stub_sign(ours.root_key.point, digest, f.sig[0]);
	if ((how & BAD_SIGNATURE) != 0)
		f.sig[0][63] ^= 1;
	kit_add(&b, &f, sizeof f);
	return b;
}

/* ---- scenarios --------------------------------------------------------- */

/* What is different about the device. */
enum {
	STORED_8 = 1, CLASS = 2, TWO_SIGNERS = 4, RULE = 8, RIGHT = 16,
	REVOKED_LEAF = 32, REVOKED_ROOT = 64, LATE = 128, SPOILT = 256,
	FAST = 512, OVERTAKEN = 1024, OTHER_ROOT = 2048, TWO_NOW = 4096,
	UNSIGNED = 8192, LOST = 16384, BEHIND = 32768,
};

static const struct row {
	struct scenario s;
	unsigned how, device;
} rows[] = {
	{ { "good bundle", GUEST_BUNDLE, FWD_OK, LIBRARY }, 0, 0 },
	{ { "good bundle, member", GUEST_STORE, FWD_OK, LIBRARY }, MEMBER, 0 },
	{ { "good bundle, severed", GUEST_BUNDLE, FWD_OK, LIBRARY }, SEVERED,
	    0 },
	{ { "good installation", GUEST_INSTALL, FWD_OK, LIBRARY }, 0, 0 },
	{ { "good boot", GUEST_BOOT, FWD_OK, LIBRARY }, 0, 0 },
	{ { "signature", GUEST_BUNDLE, FWD_E_SIG, LIBRARY }, BAD_SIGNATURE, 0 },
	{ { "leaf certificate", GUEST_BUNDLE, FWD_E_CERT_SIG, LIBRARY },
	    BAD_LEAF, 0 },
	{ { "ca certificate", GUEST_BUNDLE, FWD_E_CERT_SIG, LIBRARY }, BAD_CA,
	    0 },
	{ { "unknown root", GUEST_BUNDLE, FWD_E_ANCHOR, LIBRARY }, BAD_SIGNER,
	    0 },
	{ { "expired", GUEST_BUNDLE, FWD_E_CERT_LATE, LIBRARY }, 0, LATE },
	{ { "revoked leaf", GUEST_BUNDLE, FWD_E_REVOKED, LIBRARY }, 0,
	    REVOKED_LEAF },
	{ { "revoked root", GUEST_BUNDLE, FWD_E_REVOKED, LIBRARY }, 0,
	    REVOKED_ROOT },
	{ { "second signer", GUEST_BUNDLE, FWD_E_THRESHOLD, LIBRARY }, 0,
	    TWO_SIGNERS },
	{ { "signer rule", GUEST_BUNDLE, FWD_E_RULE, LIBRARY }, 0, RULE },
	{ { "signer right", GUEST_BUNDLE, FWD_E_RIGHT, LIBRARY }, 0, RIGHT },
	{ { "manifest digest", GUEST_BUNDLE, FWD_E_MANIFEST_DIGEST, LIBRARY },
	    BAD_MANIFEST, 0 },
	{ { "severed section", GUEST_BUNDLE, FWD_E_SEVERED, LIBRARY },
	    SEVERED | BAD_SECTION, 0 },
	{ { "rollback", GUEST_BUNDLE, FWD_E_ROLLBACK, LIBRARY }, 0, STORED_8 },
	{ { "class", GUEST_BUNDLE, FWD_E_CLASS, LIBRARY }, 0, CLASS },
	{ { "image digest", GUEST_BUNDLE, FWD_E_PAYLOAD_DIGEST, LIBRARY },
	    BAD_PAYLOAD, 0 },
	{ { "image digest, stored", GUEST_STORE, FWD_E_PAYLOAD_DIGEST, LIBRARY },
	    BAD_PAYLOAD | MEMBER, 0 },
	{ { "image digest, installed", GUEST_INSTALL, FWD_E_PAYLOAD_DIGEST,
	    LIBRARY }, BAD_PAYLOAD, 0 },
	{ { "boot of a changed image", GUEST_BOOT, FWD_E_NOTHING_BOOTABLE,
	    LIBRARY }, 0, SPOILT },
	{ { "the same, fast", GUEST_BOOT, FWD_E_NOTHING_BOOTABLE, LIBRARY }, 0,
	    SPOILT | FAST },
	{ { "boot rollback", GUEST_BOOT, FWD_E_NOTHING_BOOTABLE,
	    LIBRARY }, 0, OVERTAKEN },
	{ { "boot rollback fast", GUEST_BOOT, FWD_E_NOTHING_BOOTABLE,
	    LIBRARY }, 0, OVERTAKEN | FAST },
	{ { "boot unknown root", GUEST_BOOT, FWD_E_NOTHING_BOOTABLE,
	    LIBRARY }, 0, OTHER_ROOT },
	{ { "boot second signer", GUEST_BOOT, FWD_E_NOTHING_BOOTABLE,
	    LIBRARY }, 0, TWO_NOW },
	{ { "install rollback", GUEST_INSTALL, FWD_E_ROLLBACK,
	    LIBRARY }, 0, STORED_8 },
	{ { "install signature", GUEST_INSTALL, FWD_E_SIG,
	    LIBRARY }, BAD_SIGNATURE, 0 },
	{ { "install second signer", GUEST_INSTALL, FWD_E_THRESHOLD,
	    LIBRARY }, 0, TWO_SIGNERS },
	{ { "install right", GUEST_INSTALL, FWD_E_RIGHT, LIBRARY }, 0, RIGHT },
	{ { "install class", GUEST_INSTALL, FWD_E_CLASS, LIBRARY }, 0, CLASS },
	{ { "install unknown root", GUEST_INSTALL, FWD_E_ANCHOR,
	    LIBRARY }, BAD_SIGNER, 0 },
	{ { "install leaf", GUEST_INSTALL, FWD_E_CERT_SIG,
	    LIBRARY }, BAD_LEAF, 0 },
	{ { "install expired", GUEST_INSTALL, FWD_E_CERT_LATE,
	    LIBRARY }, 0, LATE },
	{ { "install rule", GUEST_INSTALL, FWD_E_RULE, LIBRARY }, 0, RULE },
	{ { "install revoked root", GUEST_INSTALL, FWD_E_REVOKED,
	    LIBRARY }, 0, REVOKED_ROOT },
	{ { "install manifest", GUEST_INSTALL, FWD_E_MANIFEST_DIGEST,
	    LIBRARY }, BAD_MANIFEST, 0 },
	{ { "loader: good update", GUEST_UPDATE, FWD_OK, LOADER }, 0, 0 },
	{ { "loader: good start", GUEST_START, FWD_OK, LOADER }, 0, 0 },
	{ { "loader: good beside other", GUEST_OTHER, FWD_OK, LOADER }, 0, 0 },
	{ { "loader: signature", GUEST_UPDATE, FWD_E_SIG, LOADER },
	    BAD_SIGNATURE, 0 },
	{ { "loader: image digest", GUEST_UPDATE, FWD_E_PAYLOAD_DIGEST,
	    LOADER }, BAD_PAYLOAD, 0 },
	{ { "loader: rollback", GUEST_UPDATE, FWD_E_ROLLBACK, LOADER }, 0,
	    STORED_8 },
	{ { "loader: counter behind", GUEST_UPDATE, FWD_E_ROLLBACK, LOADER },
	    0, BEHIND },
	{ { "loader: unknown root", GUEST_UPDATE, FWD_E_ANCHOR, LOADER },
	    BAD_SIGNER, 0 },
	{ { "loader: changed image", GUEST_START, FWD_E_NOTHING_BOOTABLE,
	    LOADER }, 0, SPOILT },
	{ { "loader: changed record", GUEST_START, FWD_E_NOTHING_BOOTABLE,
	    LOADER }, 0, UNSIGNED },
	{ { "loader: another root", GUEST_START, FWD_E_NOTHING_BOOTABLE,
	    LOADER }, 0, OTHER_ROOT },
	{ { "loader: too old", GUEST_START, FWD_E_NOTHING_BOOTABLE, LOADER },
	    0, OVERTAKEN },
	{ { "loader: changed one of two", GUEST_OTHER, FWD_OK, LOADER_OTHER },
	    0, SPOILT },
	{ { "loader: counter anew", GUEST_FACTORY, FWD_E_NOTHING_BOOTABLE,
	    LOADER }, 0, SPOILT },
	{ { "loader: counter lost", GUEST_FACTORY, FWD_E_NOTHING_BOOTABLE,
	    LOADER }, 0, LOST },
	{ { "naive: good", GUEST_NAIVE, 0, NAIVE }, 0, 0 },
	{ { "naive: signature", GUEST_NAIVE, UINT32_MAX, NAIVE },
	    BAD_SIGNATURE, 0 },
	{ { "naive: rollback", GUEST_NAIVE, UINT32_MAX, NAIVE }, 0, STORED_8 },
	{ { "naive: class", GUEST_NAIVE, UINT32_MAX, NAIVE }, 0, CLASS },
	{ { "naive: image digest", GUEST_NAIVE, UINT32_MAX, NAIVE },
	    BAD_PAYLOAD, 0 },
	{ { "naive: second signer", GUEST_NAIVE, UINT32_MAX, NAIVE }, 0,
	    TWO_SIGNERS },
};

bool
scenario_is_good(const struct scenario *s)
{
	return s->of != LOADER_OTHER &&
	    s->status == (s->of == NAIVE ? 0 : FWD_OK);
}

size_t
scenarios(void)
{
	return sizeof rows / sizeof rows[0];
}

const struct scenario *
scenario(size_t i)
{
	return &rows[i].s;
}

/* ---- what the guest gets ----------------------------------------------- */

static struct guest_blob
add_blob(uint8_t *input, size_t *at, const void *p, size_t n)
{
	const struct guest_blob b = { GUEST_INPUT + (uint32_t)*at,
	    (uint32_t)n };

	if (n > GUEST_INPUT_SIZE - *at)
		die("the guest's input is too small");
	memcpy(input + *at, p, n);
	*at += (n + 15) & ~(size_t)15;
	return b;
}

static void
set_policy(struct guest_input *in, unsigned device, uint8_t *input, size_t *at)
{
	uint8_t id[32];

	in->threshold = (device & TWO_SIGNERS) != 0 ? 2 : 1;
	in->clock = (device & LATE) != 0 ? FWD_CLOCK_TRUSTED : FWD_CLOCK_NONE;
	in->now = TP_NOT_AFTER + 1;
	in->stored = (device & STORED_8) != 0 ? 8 : 7;
	in->rule = (device & RULE) != 0 ? 2 : 0;
	in->right = (device & RIGHT) != 0 ? 2 : 0;
	in->spoil = (device & OVERTAKEN) != 0 ? GUEST_OVERTAKEN :
	    (device & OTHER_ROOT) != 0 ? GUEST_OTHER_ROOT :
	    (device & TWO_NOW) != 0 ? GUEST_TWO_NOW :
	    (device & UNSIGNED) != 0 ? GUEST_UNSIGNED :
	    (device & LOST) != 0 ? GUEST_LOST :
	    (device & BEHIND) != 0 ? GUEST_BEHIND :
	    (device & SPOILT) != 0 ? GUEST_SPOILT : GUEST_WHOLE;
	in->fast = (device & FAST) != 0;
	memset(in->class_id, (device & CLASS) != 0 ? 0x23 : 0x22,
	    sizeof in->class_id);
	/* The second anchor is there for those scenarios that need it. */
	in->anchors = (device & (RULE | RIGHT | TWO_SIGNERS)) != 0 ? 2 : 1;
	in->anchor[0] = add_blob(input, at, ours.root.p, ours.root.n);
	in->anchor[1] = add_blob(input, at, others.root.p, others.root.n);
	if ((device & (REVOKED_LEAF | REVOKED_ROOT)) != 0) {
		kit_sha256(tp_span((device & REVOKED_LEAF) != 0 ?
		    &ours.leaf_key.spki : &ours.root_key.spki), id);
		in->revoked = add_blob(input, at, id, sizeof id);
	}
}

/* Values that the notation of the manifests refers to. */
static void
prepare(void)
{
	if (names_n != 0)
		return;
	make_chain(&ours, "our");
	make_chain(&others, "other");
	add_digest("image", image, sizeof image);
	add_severed("fetch", "fetch_d", FETCH("#app"));
}

void
scenario_input(size_t i, uint8_t input[GUEST_INPUT_SIZE])
{
	struct guest_input in = { .entry = rows[i].s.entry };
	size_t at = (sizeof in + 15) & ~(size_t)15;
	struct fw_buf b;

	prepare();
	memset(input, 0, GUEST_INPUT_SIZE);
	set_policy(&in, rows[i].device, input, &at);
	b = rows[i].s.of == NAIVE ? make_naive_file(rows[i].how) :
	    make_faults_bundle(rows[i].how);
	in.signed_at = signed_at;
	in.bundle = add_blob(input, &at, b.p, b.n);
	memcpy(input, &in, sizeof in);
	fw_buf_deinit(&b);
}
