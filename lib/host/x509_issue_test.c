/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of our own making: every kind of key under every other, what the
 * device library says of each changed bit, and that nothing is signed that it
 * would refuse.  What other programs think of them is in keycmd_test.sh.
 */
#include "testdata/fault.h"
#include "testdata/p11.h"

#include <openssl/x509.h>

#include "host/cert.h"
#include "host/key_internal.h"
#include "host/x509.h"
#include "port/fwport.h"

static struct fwp_openssl *port;
static struct fwd_crypto crypto;

static void
setup(void)
{
	mock_setup();
	port = fwp_openssl_new();
	cr_assert_not_null(port);
	crypto = fwp_openssl_crypto(port);
}

static void
teardown(void)
{
	fwp_openssl_free(port);
	mock_teardown();
}

TestSuite(issue, .init = setup, .fini = teardown, .timeout = 600);

#define NOW INT64_C(1800000000)
enum { DAY = 86400 };

/* One who has a key, and perhaps a certificate. */
struct role {
	struct fw_key *key;
	struct fw_chain chain;
};

static void
role_deinit(struct role *r)
{
	fw_key_free(r->key);
	fw_chain_deinit(&r->chain);
}

/* A key in a file: there is no token to wait for. */
static void
make_key(struct role *r, const char *type, const char *name)
{
	char path[128];
	EVP_PKEY *const pkey = sig_key(type);

	(void)snprintf(path, sizeof path, "%s/%s.key", dir, name);
	sig_key_write(pkey, path, NULL);
	EVP_PKEY_free(pkey);
	cr_assert_eq(fw_key_open(path, &opt, &r->key, &err), FW_OK, "%s",
	    err.text);
}

static struct fw_issue
wish(enum fw_role role, const char *subject)
{
	return (struct fw_issue){ .role = role, .subject = subject,
	    .not_before = NOW, .not_after = NOW + 100 * DAY,
	    .default_path_len = true, .clock = { true, NOW + DAY },
	    .crypto = &crypto };
}

static void
make_root(struct role *r, const char *type)
{
	const struct fw_issue w = wish(FW_ROOT, "CN=Root,O=Example");

	make_key(r, type, "root");
	cr_assert_eq(fw_self_sign(r->key, &w, &r->chain.cert[0], &err), FW_OK,
	    "%s: %s", type, err.text);
	r->chain.n = 1;
}

static enum fw_kind
issue_for(struct role *by, struct fw_issue *w, struct role *r)
{
	size_t i;

	w->spki = fw_key_public(r->key);
	FW_TRY(fw_issue(by->key, &by->chain, w, &r->chain.cert[0], &err));
	for (i = 0; i < by->chain.n; i++)
		FW_TRY(fw_buf_add(&r->chain.cert[1 + i], by->chain.cert[i].p,
		    by->chain.cert[i].n, &err));
	r->chain.n = 1 + by->chain.n;
	return FW_OK;
}

/* ---- all kinds of keys -------------------------------------------------- */

Test(issue, every_key_under_every_other)
{
	static const char *const types[] = { "p256", "p384", "p521",
		"ed25519", "rsa3072" };
	struct fw_issue w;
	size_t i, j;

	for (i = 0; i < 5; i++) {
		FW_CLEANUP(role_deinit) struct role root = { 0 };

		make_root(&root, types[i]);
		for (j = 0; j < 5; j++) {
			FW_CLEANUP(role_deinit) struct role ca = { 0 };
			FW_CLEANUP(role_deinit) struct role signer = { 0 };

			make_key(&ca, types[j], "ca");
			w = wish(FW_INTERMEDIATE, "CN=CA");
			cr_assert_eq(issue_for(&root, &w, &ca), FW_OK,
			    "%s under %s: %s", types[j], types[i], err.text);
			make_key(&signer, "p256", "signer");
			w = wish(FW_RELEASE_SIGNER, "CN=Signer");
			cr_assert_eq(issue_for(&ca, &w, &signer), FW_OK,
			    "p256 under %s: %s", types[j], err.text);
			cr_assert_eq(signer.chain.n, 3);
		}
	}
}

/* A chain as long as devices take, and one certificate more. */
Test(issue, long_chains)
{
	struct role r[FWD_CHAIN_MAX + 1] = { 0 };
	struct fw_issue w;
	char name[32];
	size_t n;

	make_key(&r[0], "ed25519", "r0");
	w = wish(FW_ROOT, "CN=Root");
	w.default_path_len = false;
	w.path_len = -1;
	cr_assert_eq(fw_self_sign(r[0].key, &w, &r[0].chain.cert[0], &err),
	    FW_OK, "%s", err.text);
	r[0].chain.n = 1;
	for (n = 1; n < FWD_CHAIN_MAX; n++) {
		(void)snprintf(name, sizeof name, "r%zu", n);
		make_key(&r[n], "ed25519", name);
		(void)snprintf(name, sizeof name, "CN=CA %zu", n);
		w = wish(FW_INTERMEDIATE, name);
		w.default_path_len = false;
		w.path_len = -1;
		if (issue_for(&r[n - 1], &w, &r[n]) != FW_OK)
			break;
	}
	/* The root and the signer that is made up count as well. */
	cr_assert_eq(n, FWD_CHAIN_MAX - 1, "%zu: %s", n, err.text);
	cr_assert_eq(err.kind, FW_E_REFUSED);
	HAS("more certificates than devices take");
	for (n = 0; n <= FWD_CHAIN_MAX; n++)
		role_deinit(&r[n]);
}

/* ---- judging -------------------------------------------------------------- */

/* Judge a certificate in which one bit is changed. */
static enum fw_kind
judge_flipped(const struct role *r, size_t bit, bool ca)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf bad = { 0 };
	struct fwd_anchor anchor;
	struct fw_path path = { .crypto = &crypto, .clock = { true, NOW + 1 },
	    .anchor = &anchor, .anchors = 1, .ca = ca };
	const struct fw_buf *const top = &r->chain.cert[r->chain.n - 1];

	FW_TRY(fw_buf_add(&bad, r->chain.cert[0].p, r->chain.cert[0].n,
	    &err));
	if (bit < 8 * bad.n)
		bad.p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	cr_assert_eq(fwd_anchor_read(fw_buf_span(top), &anchor), FWD_OK);
	path.cert[path.n++] = fw_buf_span(&bad);
	if (r->chain.n > 1)
		path.cert[path.n++] = fw_buf_span(&r->chain.cert[1]);
	return fw_path_judge(&path, NULL, &err);
}

/* The made-up signer and the port that knows it let nothing else pass. */
Test(issue, every_bit_counts)
{
	FW_CLEANUP(role_deinit) struct role root = { 0 };
	FW_CLEANUP(role_deinit) struct role ca = { 0 };
	FW_CLEANUP(role_deinit) struct role signer = { 0 };
	struct role *const all[] = { &root, &ca, &signer };
	struct fw_issue w;
	size_t i, bit, n;

	make_root(&root, "ed25519");
	make_key(&ca, "ed25519", "ca");
	w = wish(FW_INTERMEDIATE, "CN=CA");
	cr_assert_eq(issue_for(&root, &w, &ca), FW_OK, "%s", err.text);
	make_key(&signer, "ed25519", "signer");
	w = wish(FW_RELEASE_SIGNER, "CN=Signer");
	cr_assert_eq(issue_for(&root, &w, &signer), FW_OK, "%s", err.text);
	for (i = 0; i < 3; i++) {
		n = 8 * all[i]->chain.cert[0].n;
		cr_assert_eq(judge_flipped(all[i], n, i < 2), FW_OK, "%s",
		    err.text);
		for (bit = 0; bit < n; bit++)
			cr_assert_eq(judge_flipped(all[i], bit, i < 2),
			    FW_E_REFUSED, "certificate %zu, bit %zu", i, bit);
	}
	/* Nor is a CA a signer, or a signer a CA. */
	cr_assert_eq(judge_flipped(&ca, n * 8, false), FW_E_REFUSED);
	HAS("certificate-leaf-ca");
	cr_assert_eq(judge_flipped(&signer, n * 8, true), FW_E_REFUSED);
	HAS("certificate-not-ca");
}

/* ---- nothing is signed that is refused ------------------------------------- */

/* The root's key on a token that counts signatures. */
static void
root_on_token(struct role *root)
{
	const struct fw_issue w = wish(FW_ROOT, "CN=Root,O=Example");

	open_mock();
	root->key = key;
	key = NULL;
	cr_assert_eq(fw_self_sign(root->key, &w, &root->chain.cert[0], &err),
	    FW_OK, "%s", err.text);
	root->chain.n = 1;
	cr_assert_eq(mock_calls("C_Sign"), 1);
}

Test(issue, refusals_come_before_the_signature)
{
	FW_CLEANUP(role_deinit) struct role root = { 0 };
	FW_CLEANUP(role_deinit) struct role r = { 0 };
	struct fw_issue w, good;

	root_on_token(&root);
	make_key(&r, "p256", "signer");
	good = wish(FW_RELEASE_SIGNER, "CN=Signer");

	w = good;
	w.clock.now = NOW + 101 * DAY;
	cr_assert_eq(issue_for(&root, &w, &r), FW_E_REFUSED);
	HAS("the certificate was not signed: the device library refuses it");
	w = good;
	w.not_after++;
	cr_assert_eq(issue_for(&root, &w, &r), FW_E_REFUSED);
	HAS("would outlive that of its issuer");
	w = good;
	w.not_after = w.not_before;
	cr_assert_eq(issue_for(&root, &w, &r), FW_E_USAGE);
	w = good;
	w.subject = "CN=Root,O=Example";
	cr_assert_eq(issue_for(&root, &w, &r), FW_E_REFUSED);
	w = wish(FW_INTERMEDIATE, "CN=CA");
	w.default_path_len = false;
	w.path_len = 1;
	cr_assert_eq(issue_for(&root, &w, &r), FW_E_REFUSED);
	cr_assert_eq(mock_calls("C_Sign"), 1, "only the root's own");

	w = good;
	cr_assert_eq(issue_for(&root, &w, &r), FW_OK, "%s", err.text);
	cr_assert_eq(mock_calls("C_Sign"), 2);
	/* A signer issues nothing. */
	{
		FW_CLEANUP(role_deinit) struct role below = { 0 };

		make_key(&below, "p256", "below");
		w = wish(FW_RELEASE_SIGNER, "CN=Below");
		cr_assert_eq(issue_for(&r, &w, &below), FW_E_REFUSED);
		HAS("is not the certificate of a CA");
	}
}

Test(issue, a_root_that_devices_refuse)
{
	struct fw_issue w = wish(FW_ROOT, "CN=Root");
	struct fw_buf der = { 0 };

	open_mock();
	w.clock.now = NOW + 101 * DAY;
	cr_assert_eq(fw_self_sign(key, &w, &der, &err), FW_E_REFUSED);
	HAS("certificate-expired");
	w.not_after = INT64_C(253402300800);	/* the year 10000 */
	w.clock.judge = false;
	cr_assert_neq(fw_self_sign(key, &w, &der, &err), FW_OK);
	cr_assert_eq(mock_calls("C_Sign"), 0);
	cr_assert_eq(der.n, 0);
}

Test(issue, signatures_that_do_not_hold)
{
	const struct fw_issue w = wish(FW_ROOT, "CN=Root");
	struct fw_buf der = { 0 };

	mock("key=%s/key.pem:k:01,sig=flip", dir);
	open_ok("pkcs11:token=mock;object=k");
	cr_assert_eq(fw_self_sign(key, &w, &der, &err), FW_E_KEY);
	HAS("does not hold");
	cr_assert_eq(der.n, 0);
	cr_assert_eq(fw_csr_make(key, "CN=x", FW_RELEASE_SIGNER, &der, &err),
	    FW_E_KEY);
	cr_assert_eq(der.n, 0);
}

/* ---- serial numbers ------------------------------------------------------------ */

static const ASN1_INTEGER *
serial(const struct fw_buf *der, X509 **cert)
{
	cr_assert_eq(fw_x509_read(fw_buf_span(der), cert, &err), FW_OK);
	return X509_get0_serialNumber(*cert);
}

Test(issue, serial_numbers)
{
	FW_CLEANUP(role_deinit) struct role root = { 0 };
	struct fw_issue w = wish(FW_ROOT, "CN=Root");
	struct fw_buf der[4] = { 0 };
	X509 *cert[4] = { 0 };
	const ASN1_INTEGER *n[4];
	size_t i;

	make_key(&root, "ed25519", "root");
	for (i = 0; i < 4; i++) {
		w.reproducible = i >= 2;
		cr_assert_eq(fw_self_sign(root.key, &w, &der[i], &err), FW_OK,
		    "%s", err.text);
		n[i] = serial(&der[i], &cert[i]);
		cr_assert_eq(ASN1_STRING_length(n[i]), 20);
		cr_assert_eq(ASN1_STRING_type(n[i]), V_ASN1_INTEGER);
		cr_assert_eq(ASN1_STRING_get0_data(n[i])[0] >> 6, 1);
	}
	cr_assert_neq(ASN1_INTEGER_cmp(n[0], n[1]), 0);
	cr_assert_neq(ASN1_INTEGER_cmp(n[1], n[2]), 0);
	cr_assert(fwd_span_equal(fw_buf_span(&der[2]),
	    fw_buf_span(&der[3])));
	for (i = 0; i < 4; i++) {
		fw_buf_deinit(&der[i]);
		X509_free(cert[i]);
	}
}

/* ---- memory -------------------------------------------------------------------- */

Test(issue, memory_runs_out)
{
	FW_CLEANUP(role_deinit) struct role root = { 0 };
	FW_CLEANUP(role_deinit) struct role r = { 0 };
	struct fw_issue w = wish(FW_INTERMEDIATE, "CN=CA,OU=a,OU=b,C=DE");
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };
	enum fw_kind kind;
	int i;

	make_root(&root, "p256");
	make_key(&r, "p256", "ca");
	w.spki = fw_key_public(r.key);
	for (i = 0;; i++) {
		fault_set(FAULT_ALLOC, i, ENOMEM);
		kind = fw_issue(root.key, &root.chain, &w, &der, &err);
		if (fault.hits == 0)
			break;
		cr_assert_neq(kind, FW_OK, "allocation %d", i);
		cr_assert_eq(der.n, 0);
	}
	fault_reset();
	cr_assert_eq(kind, FW_OK, "%s", err.text);
	cr_assert_gt(i, 20);
}
