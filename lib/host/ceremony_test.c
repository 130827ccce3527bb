/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing requests and responses: that they come back as they went, and that
 * nothing else does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "host/ceremony.h"
#include "host/describe.h"
#include "host/internal.h"
#include "port/fwport.h"
#include "testdata/fault.h"

static char dir[64];
static struct fwp_openssl *openssl;
static struct fwd_crypto crypto;
static struct fw_build_options opt;
static struct fw_error err;
static struct fw_request request;
static struct fw_buf text;		/* of it */
static char *bundle, *chain, *key;

static char *
in_dir(const char *name)
{
	char *path = NULL;

	cr_assert_gt(asprintf(&path, "%s/%s", dir, name), 0);
	return path;
}

static void
run(const char *command)
{
	cr_assert_eq(system(command), 0, "%s", command);
}

static const char descriptor[] =
    "descriptor: 1\n"
    "device: {vendor-domain: test.example, model: \"T\xc3\xa4st\"}\n"
    "sequence-number: 3\n"
    "version: \"1\"\n"
    "components:\n"
    "  - {id: a, file: a.bin}\n"
    "  - {id: b, file: b.bin, payload: integrated}\n"
    "  - id: c\n"
    "    slots: [{slot: 0, file: c0.bin}, {slot: 1, file: c1.bin}]\n"
    "attachments:\n"
    "  - {name: sbom.json, type: application/json, file: a.bin}\n";

static void
make_bundle(void)
{
	FW_CLEANUP(fw_descriptor_deinit) struct fw_descriptor d = { 0 };
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	FW_FREE char *path = in_dir("d.yaml");
	static const char *const files[] = { "a.bin", "b.bin", "c0.bin",
	    "c1.bin" };
	struct fw_build_options o = opt;

	for (size_t i = 0; i < 4; i++) {
		FW_FREE char *file = in_dir(files[i]);

		cr_assert_eq(fw_file_write(file, files[i], strlen(files[i]),
		    &err), FW_OK, "%s", err.text);
	}
	cr_assert_eq(fw_file_write(path, descriptor, sizeof descriptor - 1,
	    &err), FW_OK);
	cr_assert_eq(fw_descriptor_load(path, NULL, &d, &err), FW_OK, "%s",
	    err.text);
	o.no_sign = true;
	cr_assert_eq(fw_build(&d, bundle, &o, &built, &err), FW_OK, "%s",
	    err.text);
}

static void
setup(void)
{
	char command[256];
	bool to_root = false;

	fault_reset();
	(void)snprintf(dir, sizeof dir, "/tmp/fw.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(command, sizeof command,
	    "testdata/pki/mkpki.sh --files %s/pki p256 ed25519", dir);
	run(command);
	openssl = fwp_openssl_new();
	cr_assert_not_null(openssl);
	crypto = fwp_openssl_crypto(openssl);
	opt = (struct fw_build_options){
		.crypto = &crypto, .key = FW_KEY_OPTIONS_NONE,
		.clock = { true, (int64_t)time(NULL) },
	};
	bundle = in_dir("u.fwb");
	chain = in_dir("pki/p256/full-chain.pem");
	key = in_dir("pki/p256/release.key");
	make_bundle();
	cr_assert_eq(fw_request_make(bundle, chain, 0, &opt, &request,
	    &to_root, &err), FW_OK, "%s", err.text);
	cr_assert(to_root);
	cr_assert_eq(fw_request_encode(&request, &text, &err), FW_OK);
}

static void
teardown(void)
{
	char command[256];

	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	run(command);
	free(bundle);
	free(chain);
	free(key);
	fw_request_deinit(&request);
	fw_buf_deinit(&text);
	fwp_openssl_free(openssl);
}

TestSuite(ceremony, .init = setup, .fini = teardown);

/* Make the digest at the end right for what is in front of it. */
static void
fix_check(uint8_t *p, size_t n)
{
	static const char line[] = "\n  \"check\": \"sha-256:";
	uint8_t digest[FWD_DIGEST_MAX];
	char *const at = memmem(p, n, line, sizeof line - 1);
	char hex[3];

	if (at == NULL)
		return;
	cr_assert_eq(fw_digest(FWD_SHA256, (struct fwd_span){ p,
	    (size_t)((uint8_t *)at + 1 - p) }, digest, &err), FW_OK);
	for (size_t i = 0; i < 32; i++) {
		(void)snprintf(hex, sizeof hex, "%02x", digest[i]);
		memcpy(at + sizeof line - 1 + 2 * i, hex, 2);
	}
}

static enum fw_kind
decode(const void *p, size_t n)
{
	FW_CLEANUP(fw_request_deinit) struct fw_request r = { 0 };

	return fw_request_decode((struct fwd_span){ p, n }, "x", &r, &err);
}

/* ---- requests -------------------------------------------------------- */

Test(ceremony, round_trip)
{
	FW_CLEANUP(fw_request_deinit) struct fw_request r = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf again = { 0 };

	cr_assert_eq(fw_request_decode(fw_buf_span(&text), "x", &r, &err),
	    FW_OK, "%s", err.text);
	cr_assert_eq(fw_request_encode(&r, &again, &err), FW_OK);
	cr_assert(fwd_span_equal(fw_buf_span(&again), fw_buf_span(&text)));
	cr_assert(json_equal(r.summary, request.summary));
	cr_assert_eq(r.alg, FWD_ESP256);
	/* The second time it is the same: nothing in it is random. */
	fw_request_deinit(&r);
	fw_buf_deinit(&again);
	bool to_root;
	cr_assert_eq(fw_request_make(bundle, chain, 0, &opt, &r, &to_root,
	    &err), FW_OK);
	cr_assert_eq(fw_request_encode(&r, &again, &err), FW_OK);
	cr_assert(fwd_span_equal(fw_buf_span(&again), fw_buf_span(&text)));
}

/* No image travels, not even one that is in the envelope. */
Test(ceremony, no_images)
{
	struct fwd_envelope env;
	struct fwd_member m;
	size_t at = 0;

	cr_assert_eq(fwd_envelope_read(fw_buf_span(&request.envelope), &env),
	    FWD_OK);
	cr_assert_eq(env.blocks, 0);
	cr_assert_eq(env.members_n, 1);
	cr_assert(fwd_envelope_next(&env, &at, &m));
	cr_assert_eq(m.key, FWD_MAN_TEXT);
}

/* What is signed is the Sig_structure, and the digest is that of it. */
Test(ceremony, bytes)
{
	uint8_t digest[FWD_DIGEST_MAX];
	struct fwd_cbor c = fwd_cbor_open(fw_buf_span(&request.tbs));
	struct fwd_span s;
	uint64_t n;

	cr_assert_eq(fwd_cbor_array(&c, &n), FWD_OK);
	cr_assert_eq(n, 4);
	cr_assert_eq(fwd_cbor_text(&c, &s), FWD_OK);
	cr_assert(s.n == 10 && memcmp(s.p, "Signature1", 10) == 0);
	cr_assert_eq(fwd_cbor_bytes(&c, &s), FWD_OK);
	cr_assert_eq(fwd_cbor_bytes(&c, &s), FWD_OK);
	cr_assert_eq(s.n, 0);
	cr_assert_eq(fwd_cbor_bytes(&c, &s), FWD_OK);
	cr_assert(fwd_span_equal(s, fw_buf_span(&request.payload)));
	cr_assert_eq(fwd_cbor_end(&c), FWD_OK);
	cr_assert_eq(fw_digest(FWD_SHA256, fw_buf_span(&request.tbs), digest,
	    &err), FW_OK);
	cr_assert_arr_eq(digest, request.digest, 32);
}

Test(ceremony, every_truncation)
{
	for (size_t n = 0; n < text.n; n++)
		cr_assert_eq(decode(text.p, n), FW_E_REFUSED, "%zu", n);
}

Test(ceremony, every_bit)
{
	for (size_t i = 0; i < 8 * text.n; i++) {
		text.p[i / 8] ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(decode(text.p, text.n), FW_E_REFUSED, "%zu", i);
		text.p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

/* The digest proves nothing: with a right one it is refused all the same. */
Test(ceremony, every_byte_changed_on_purpose)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf copy = { 0 };

	for (size_t i = 0; i < text.n; i++) {
		fw_buf_deinit(&copy);
		cr_assert_eq(fw_buf_add(&copy, text.p, text.n, &err), FW_OK);
		copy.p[i] ^= 1;
		fix_check(copy.p, copy.n);
		if (memcmp(copy.p, text.p, text.n) == 0)
			continue;	/* it was in the digest */
		cr_assert_eq(decode(copy.p, copy.n), FW_E_REFUSED, "%zu", i);
	}
}

static const struct {
	const char *what, *from, *to;
} forms[] = {
	{ "spaces", "\"format\": ", "\"format\":  " },
	{ "a line end less", "}\n", "}" },
	{ "a line end more", "}\n", "}\n\n" },
	{ "a member more", "{\n  \"format\"", "{\n  \"x\": 1,\n  \"format\"" },
	{ "a member twice", "{\n  \"format\"",
	    "{\n  \"algorithm\": \"ESP256\",\n  \"format\"" },
	{ "another version", "request-1", "request-2" },
	{ "a response", "fwsign-request-1", "fwsign-response-1" },
	{ "an alias", "ESP256", "ES256" },
	{ "another algorithm", "ESP256", "ESP384" },
	{ "no algorithm", "ESP256", "XYZ" },
	{ "another escape", "\\u00E4", "\\u00e4" },
	{ "no escape", "\\u00E4", "\xc3\xa4" },
	{ "another product", "T\\u00E4st", "T\\u00E5st" },
	{ "another number", "\"sequence-number\": 3",
	    "\"sequence-number\": 4" },
	{ "a real number", "\"sequence-number\": 3",
	    "\"sequence-number\": 3.0" },
	{ "a slot less", "\"slot\": 1,\n            ", "" },
	{ "something unusual", "\"unusual\": []", "\"unusual\": [\n      "
	    "\"x\"\n    ]" },
	{ "no chain", "\"chain\": [", "\"chains\": [" },
	{ "no envelope", "\"envelope\"", "\"envelop\"" },
	{ "a root", "\"check\"", "\"root\": \"AAAA\",\n  \"check\"" },
};
enum { NFORMS = sizeof forms / sizeof forms[0] };

/* There is one form. */
Test(ceremony, other_forms)
{
	for (size_t i = 0; i < NFORMS; i++) {
		FW_CLEANUP(fw_buf_deinit) struct fw_buf t = { 0 };
		const size_t n = strlen(forms[i].from);
		uint8_t *const at = memmem(text.p, text.n, forms[i].from, n);
		size_t front;

		cr_assert_not_null(at, "%s", forms[i].what);
		front = (size_t)(at - text.p);
		/* Of two the last: an end of the text. */
		if (strncmp(forms[i].from, "}\n", 3) == 0)
			front = text.n - 2;
		cr_assert_eq(fw_buf_add(&t, text.p, front, &err), FW_OK);
		cr_assert_eq(fw_buf_add(&t, forms[i].to,
		    strlen(forms[i].to) + 1, &err), FW_OK);
		t.n--;			/* not its NUL */
		if (front + n < text.n)
			cr_assert_eq(fw_buf_add(&t, text.p + front + n,
			    text.n - front - n, &err), FW_OK);
		fix_check(t.p, t.n);
		cr_assert_eq(decode(t.p, t.n), FW_E_REFUSED, "%s",
		    forms[i].what);
	}
}

Test(ceremony, no_memory)
{
	for (int i = 0; ; i++) {
		FW_CLEANUP(fw_request_deinit) struct fw_request r = { 0 };
		enum fw_kind kind;

		fault_set(FAULT_ALLOC, i, ENOMEM);
		kind = fw_request_decode(fw_buf_span(&text), "x", &r, &err);
		if (!fault_hit()) {
			cr_assert_eq(kind, FW_OK);
			break;
		}
		if (kind == FW_OK) {
			/* OpenSSL goes on without some of what it asks for. */
			cr_assert(json_equal(r.summary, request.summary));
			continue;
		}
		cr_assert(kind == FW_E_NOMEM || kind == FW_E_REFUSED,
		    "%d: %s", i, err.text);
	}
}

Test(ceremony, named_by_its_digests)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf shown = { 0 };
	const char *manifest = json_string_value(json_object_get(
	    request.summary, "manifest-digest"));
	json_t *const digest = fw_request_digest(&request);
	FW_FREE char *upper = strdup(manifest);

	cr_assert(fw_request_is(&request, manifest));
	cr_assert(fw_request_is(&request, manifest + 8));
	cr_assert(fw_request_is(&request, json_string_value(digest)));
	cr_assert(fw_request_is(&request, json_string_value(digest) + 8));
	for (char *p = upper; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'f')
			*p = (char)(*p - 32);
	cr_assert(fw_request_is(&request, upper));
	upper[strlen(upper) - 1] = '\0';
	cr_assert_not(fw_request_is(&request, upper));
	cr_assert_not(fw_request_is(&request, ""));
	cr_assert_not(fw_request_is(&request, "sha-256:"));
	cr_assert_not(fw_request_is(&request, manifest + 9));
	cr_assert_eq(fw_request_text(&request, &shown, &err), FW_OK);
	cr_assert_eq(fw_buf_add(&shown, "", 1, &err), FW_OK);
	cr_assert_not_null(strstr((char *)shown.p, manifest));
	cr_assert_not_null(strstr((char *)shown.p,
	    json_string_value(digest)));
	json_decref(digest);
}

/* ---- what is shown --------------------------------------------------- */

/* A manifest that does something else, under a right digest. */
static enum fw_kind
summary_of(void (*install)(struct fw_cbor *), json_t **out)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf manifest = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf payload = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf envelope = { 0 };
	struct fw_envelope_parts parts = { 0 };
	struct fw_cbor c = { 0 }, common = { 0 }, sequence = { 0 };

	fw_cbor_map(&common, 1);
	fw_cbor_uint(&common, FWD_COMMON_COMPONENTS);
	fw_cbor_array(&common, 2);
	for (unsigned i = 0; i < 2; i++) {
		fw_cbor_array(&common, 1);
		fw_cbor_bytes(&common, i == 0 ? "a" : "\x01", 1);
	}
	install(&sequence);
	fw_cbor_map(&c, 4);
	fw_cbor_uint(&c, FWD_MAN_VERSION);
	fw_cbor_uint(&c, 1);
	fw_cbor_uint(&c, FWD_MAN_SEQUENCE_NUMBER);
	fw_cbor_uint(&c, 1);
	fw_cbor_uint(&c, FWD_MAN_COMMON);
	fw_cbor_wrap(&c, &common);
	fw_cbor_uint(&c, FWD_MAN_INSTALL);
	fw_cbor_wrap(&c, &sequence);
	cr_assert_eq(fw_cbor_done(&c, &manifest, &err), FW_OK);
	cr_assert_eq(fw_payload_encode(FWD_SHA256, fw_buf_span(&manifest),
	    &payload, &err), FW_OK);
	parts.payload = fw_buf_span(&payload);
	parts.manifest = fw_buf_span(&manifest);
	cr_assert_eq(fw_envelope_encode(&parts, &envelope, &err), FW_OK);
	return fw_request_summary(fw_buf_span(&envelope), out, &err);
}

static void
digest_parameter(struct fw_cbor *c, uint8_t first)
{
	uint8_t digest[FWD_DIGEST_MAX] = { first };
	struct fw_cbor d = { 0 };

	fw_cbor_digest(&d, FWD_SHA256, digest);
	fw_cbor_uint(c, FWD_PAR_DIGEST);
	fw_cbor_wrap(c, &d);
}

/* Two digests for one component, and content that is written. */
static void
install_twice(struct fw_cbor *c)
{
	fw_cbor_array(c, 8);
	fw_cbor_uint(c, FWD_DIR_SET_INDEX);
	fw_cbor_bool(c, true);
	fw_cbor_uint(c, FWD_DIR_OVERRIDE);
	fw_cbor_map(c, 1);
	digest_parameter(c, 1);
	fw_cbor_uint(c, FWD_DIR_OVERRIDE);
	fw_cbor_map(c, 2);
	digest_parameter(c, 2);
	fw_cbor_uint(c, FWD_PAR_CONTENT);
	fw_cbor_bytes(c, "x", 1);
	fw_cbor_uint(c, FWD_DIR_WRITE);
	fw_cbor_uint(c, 0);
}

static void
install_unknown(struct fw_cbor *c)
{
	fw_cbor_array(c, 2);
	fw_cbor_uint(c, 99);
	fw_cbor_nil(c);
}

Test(ceremony, summary_shows_what_is_unusual)
{
	json_t *s = NULL;
	const json_t *images;
	FW_FREE char *unusual = NULL;

	cr_assert_eq(summary_of(install_twice, &s), FW_OK, "%s", err.text);
	unusual = json_dumps(json_object_get(s, "unusual"), 0);
	cr_assert_str_eq(unusual, "[\"content\", \"directive-write\"]");
	for (size_t i = 0; i < 2; i++) {
		images = json_object_get(json_array_get(json_object_get(s,
		    "components"), i), "images");
		cr_assert_eq(json_array_size(images), 2);
		for (size_t j = 0; j < 2; j++)
			cr_assert_eq(json_string_value(json_object_get(
			    json_array_get(images, j), "digest"))[9],
			    (char)('1' + (int)j));
	}
	json_decref(s);
	s = NULL;
	cr_assert_eq(summary_of(install_unknown, &s), FW_E_REFUSED);
	cr_assert_not_null(strstr(err.text, "cannot be shown in full"));
	cr_assert_null(s);
}

/* ---- responses ------------------------------------------------------- */

/* A response to the request, and what it says. */
static void
respond(struct fw_elsewhere *e, struct fw_buf *out)
{
	FW_CLEANUP(fw_signer_deinit) struct fw_signer signer = { 0 };

	cr_assert_eq(fw_request_sign(&request, key, &opt, e, &signer, &err),
	    FW_OK, "%s", err.text);
	cr_assert_eq(fw_response_encode(e, out, &err), FW_OK);
}

/* What is asked when it is attached: is it for this manifest, and does the
   signature hold? */
static enum fw_kind
judge_response(const uint8_t *p, size_t n)
{
	FW_CLEANUP(fw_elsewhere_deinit) struct fw_elsewhere e = { 0 };
	FW_CLEANUP(fw_signer_deinit) struct fw_signer s = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf block = { 0 };
	const struct fw_signer_spec spec = { .elsewhere = &e };

	FW_TRY(fw_response_decode((struct fwd_span){ p, n }, "x", &e, &err));
	if (!fwd_span_equal(fw_buf_span(&e.payload),
	    fw_buf_span(&request.payload)))
		return FW_E_REFUSED;
	FW_TRY(fw_signer_open(&spec, &opt, &s, &err));
	return fw_signer_sign(&s, fw_buf_span(&request.payload), &block, &err);
}

Test(ceremony, response)
{
	FW_CLEANUP(fw_elsewhere_deinit) struct fw_elsewhere e = { 0 };
	FW_CLEANUP(fw_elsewhere_deinit) struct fw_elsewhere back = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf t = { 0 }, again = { 0 };

	respond(&e, &t);
	cr_assert_eq(judge_response(t.p, t.n), FW_OK, "%s", err.text);
	cr_assert_eq(fw_response_decode(fw_buf_span(&t), "x", &back, &err),
	    FW_OK);
	cr_assert_eq(fw_response_encode(&back, &again, &err), FW_OK);
	cr_assert(fwd_span_equal(fw_buf_span(&again), fw_buf_span(&t)));
	for (size_t n = 0; n < t.n; n++)
		cr_assert_eq(judge_response(t.p, n), FW_E_REFUSED, "%zu", n);
	for (size_t i = 0; i < 8 * t.n; i++) {
		t.p[i / 8] ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(judge_response(t.p, t.n), FW_E_REFUSED, "%zu",
		    i);
		t.p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	/* Nor is it a request. */
	cr_assert_eq(decode(t.p, t.n), FW_E_REFUSED);
}

Test(ceremony, response_changed_on_purpose)
{
	FW_CLEANUP(fw_elsewhere_deinit) struct fw_elsewhere e = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf t = { 0 }, copy = { 0 };

	respond(&e, &t);
	for (size_t i = 0; i < t.n; i++) {
		fw_buf_deinit(&copy);
		cr_assert_eq(fw_buf_add(&copy, t.p, t.n, &err), FW_OK);
		copy.p[i] ^= 1;
		fix_check(copy.p, copy.n);
		if (memcmp(copy.p, t.p, t.n) == 0)
			continue;
		cr_assert_neq(judge_response(copy.p, copy.n), FW_OK, "%zu",
		    i);
	}
}

/* Another key than the chain's does not sign, whatever the request says. */
Test(ceremony, another_key)
{
	FW_CLEANUP(fw_elsewhere_deinit) struct fw_elsewhere e = { 0 };
	FW_CLEANUP(fw_signer_deinit) struct fw_signer signer = { 0 };
	FW_FREE char *other = in_dir("pki/ed25519/release.key");

	cr_assert_eq(fw_request_sign(&request, other, &opt, &e, &signer, &err),
	    FW_E_REFUSED);
	cr_assert_eq(e.sig.n, 0);
}

/* ---- signatures of other tools --------------------------------------- */

static enum fw_kind
hand_out(const uint8_t *sig, size_t n, uint8_t out[FWD_SIG_MAX])
{
	const struct fwd_span tbs = fw_buf_span(&request.tbs);
	struct fw_key *k = NULL;
	struct fwd_anchor leaf;
	enum fw_kind kind;
	size_t out_n = 0;

	cr_assert_eq(fwd_anchor_read(fw_buf_span(&request.chain.cert[0]),
	    &leaf), FWD_OK);
	cr_assert_eq(fw_key_elsewhere((struct fwd_span){ sig, n }, NULL, &k,
	    &err),
	    FW_OK);
	cr_assert_not(fw_key_is_file(k));
	kind = fw_key_set_public(k, leaf.spki, &err);
	if (kind == FW_OK)
		kind = fw_key_sign(k, FWD_ESP256, &tbs, 1, out, &out_n, &err);
	if (kind == FW_OK)
		cr_assert_eq(out_n, 64);
	fw_key_free(k);
	return kind;
}

/* r and s as DER: the head, two integers. */
static size_t
to_der(const uint8_t *raw, uint8_t *der)
{
	size_t n = 2, at, i, skip;

	for (i = 0; i < 2; i++) {
		for (skip = 0; skip < 31 && raw[32 * i + skip] == 0; skip++)
			;
		der[n++] = 2;
		at = n++;
		if (raw[32 * i + skip] >= 0x80)
			der[n++] = 0;
		memcpy(der + n, raw + 32 * i + skip, 32 - skip);
		n += 32 - skip;
		der[at] = (uint8_t)(n - at - 1);
	}
	der[0] = 0x30;
	der[1] = (uint8_t)(n - 2);
	return n;
}

Test(ceremony, raw_and_der)
{
	FW_CLEANUP(fw_elsewhere_deinit) struct fw_elsewhere e = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf t = { 0 };
	uint8_t der[80], out[FWD_SIG_MAX];
	size_t n;

	respond(&e, &t);
	cr_assert_eq(e.sig.n, 64);
	cr_assert_eq(hand_out(e.sig.p, 64, out), FW_OK, "%s", err.text);
	cr_assert_arr_eq(out, e.sig.p, 64);
	n = to_der(e.sig.p, der);
	cr_assert_eq(hand_out(der, n, out), FW_OK, "%s", err.text);
	cr_assert_arr_eq(out, e.sig.p, 64);
	/* Nothing behind it, nothing missing, no bit another. */
	der[n] = 0;
	cr_assert_eq(hand_out(der, n + 1, out), FW_E_REFUSED);
	for (size_t i = 1; i < n; i++)
		cr_assert_eq(hand_out(der, i, out), FW_E_REFUSED, "%zu", i);
	for (size_t i = 0; i < 8 * n; i++) {
		der[i / 8] ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(hand_out(der, n, out), FW_E_REFUSED, "%zu", i);
		der[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t i = 0; i < 8 * 64; i++) {
		e.sig.p[i / 8] ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(hand_out(e.sig.p, 64, out), FW_E_REFUSED);
		e.sig.p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	/* A key that is elsewhere cannot sign by itself. */
	cr_assert_eq(hand_out(NULL, 0, out), FW_E_KEY);
}
