/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths: every length, bit and order of a chain, every algorithm, path
 * lengths, anchors, clocks, and a crypto port that lies once.
 */
#include "device/testchain.h"

TestSuite(path, .init = open_pki, .fini = close_pki);

/* ---- good chains -------------------------------------------------- */

Test(path, chain_lengths)
{
	struct tp_cert c;
	char name[2] = "B", issuer[2] = "R";

	/* R, then B, C, ... all with one key, then the leaf */
	for (size_t n = 1; n <= FWD_CHAIN_MAX + 1; n++) {
		ders = n;
		strcpy(issuer, "R");
		strcpy(name, "B");
		for (size_t i = n - 1; i > 0; i--) {
			c = tp_template(name, issuer, key[1],
			    i == n - 1 ? key[0] : key[1], true);
			der[i] = tp_issue(&c);
			issuer[0] = name[0]++;
		}
		c = tp_template("L", issuer, key[3], n == 1 ? key[0] : key[1],
		    false);
		der[0] = tp_issue(&c);
		EXPECT(n <= FWD_CHAIN_MAX ? FWD_OK : FWD_E_CHAIN_LEN);
	}
	ders = 0;
	EXPECT(FWD_E_CHAIN_LEN);
}

Test(path, result)
{
	struct tp_bytes subject = tp_name("L"), spki = tp_spki(key[3]);
	struct fwd_key want;
	struct tp_cert c;

	three();
	c = tp_template("L", "I", key[3], key[1], false);
	c.serial.n = c.validity.n = 0;
	tp_hex(&c.serial, "0203 00ff01");
	/* 2026-02-01 to 2030-01-01 */
	tp_hex(&c.validity, "301e 170d 3236303230313030303030305a"
	    " 170d 3330303130313030303030305a");
	der[0] = tp_issue(&c);
	anchor[1] = anchor[0];
	anchor[0].name = tp_span(&subject);	/* another one */
	policy.anchors = 2;
	EXPECT(FWD_OK);
	cr_assert_eq(result.anchor, 1u);
	cr_assert(fwd_span_equal(result.subject, tp_span(&subject)));
	cr_assert_eq(result.serial.n, 3u);
	cr_assert_eq(memcmp(result.serial.p, "\0\xff\1", 3), 0);
	cr_assert_eq(result.not_before, 1769904000);
	cr_assert_eq(result.not_after, 1893456000);
	cr_assert_eq(fwd_key_read(tp_span(&spki), &want), FWD_OK);
	cr_assert_eq(result.key.type, FWD_KEY_P256);
	cr_assert(fwd_span_equal(result.key.point, want.point));
}

/* ---- all cuts, all bits ------------------------------------------- */

Test(path, every_cut, .timeout = 600)
{
	size_t whole;

	three();
	EXPECT(FWD_OK);
	for (size_t i = 0; i < ders; i++) {
		whole = der[i].n;
		for (der[i].n = 0; der[i].n < whole; der[i].n++)
			cr_assert_eq(judge(), FWD_E_CERT_DER, "%zu/%zu", i,
			    der[i].n);
	}
	EXPECT(FWD_OK);
}

Test(path, every_bit, .timeout = 600)
{
	fwd_status s;

	three();
	EXPECT(FWD_OK);
	for (size_t i = 0; i < ders; i++) {
		for (size_t bit = 0; bit < 8 * der[i].n; bit++) {
			der[i].p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			s = judge();
			/* The signature is judged before what it covers. */
			cr_assert(s == FWD_E_CERT_DER ||
			    s == FWD_E_CERT_SIG || s == FWD_E_CERT_NAME ||
			    s == FWD_E_ANCHOR || s == FWD_E_ALG,
			    "certificate %zu bit %zu: %s", i, bit,
			    fwd_status_code(s));
			der[i].p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	EXPECT(FWD_OK);
}

Test(path, out_of_order)
{
	static const size_t orders[][3] = { { 0, 2, 1 }, { 1, 0, 2 },
	    { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct tp_bytes good[3];

	three();
	memcpy(good, der, sizeof good);
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		for (size_t k = 0; k < 3; k++)
			der[k] = good[orders[i][k]];
		cr_assert_neq(judge(), FWD_OK, "%zu", i);
	}
	memcpy(der, good, sizeof good);
	ders = 2;			/* the last one is missing */
	EXPECT(FWD_E_ANCHOR);
	der[1] = good[2];		/* the middle one is missing */
	EXPECT(FWD_E_CERT_NAME);
}

/* ---- algorithms --------------------------------------------------- */

static const struct {
	enum fwd_key_type type;
	const char *alg;
	const char *md;			/* NULL: none */
	bool pss;
} algs[] = {
	{ FWD_KEY_P256, TP_ECDSA_SHA256, "SHA256", false },
	{ FWD_KEY_P256, TP_ECDSA_SHA384, "SHA384", false },
	{ FWD_KEY_P256, TP_ECDSA_SHA512, "SHA512", false },
	{ FWD_KEY_P384, TP_ECDSA_SHA256, "SHA256", false },
	{ FWD_KEY_P384, TP_ECDSA_SHA384, "SHA384", false },
	{ FWD_KEY_P384, TP_ECDSA_SHA512, "SHA512", false },
	{ FWD_KEY_P521, TP_ECDSA_SHA256, "SHA256", false },
	{ FWD_KEY_P521, TP_ECDSA_SHA384, "SHA384", false },
	{ FWD_KEY_P521, TP_ECDSA_SHA512, "SHA512", false },
	{ FWD_KEY_ED25519, TP_ED25519, NULL, false },
	{ FWD_KEY_RSA, TP_RS256, "SHA256", false },
	{ FWD_KEY_RSA, TP_RS384, "SHA384", false },
	{ FWD_KEY_RSA, TP_RS512, "SHA512", false },
	{ FWD_KEY_RSA, TP_PSS("1", "20"), "SHA256", true },
	{ FWD_KEY_RSA, TP_PSS("2", "30"), "SHA384", true },
	{ FWD_KEY_RSA, TP_PSS("3", "40"), "SHA512", true },
	{ FWD_KEY_RSA, TP_PSS_BARE("1", "20"), "SHA256", true },
	{ FWD_KEY_RSA, TP_PSS_BARE("3", "40"), "SHA512", true },
};
enum { NALGS = sizeof algs / sizeof algs[0] };

static void
use_alg(struct tp_cert *c, size_t i)
{
	c->alg.n = 0;
	tp_hex(&c->alg, algs[i].alg);
	c->md = algs[i].md != NULL ? EVP_get_digestbyname(algs[i].md) : NULL;
	c->pss = algs[i].pss;
}

Test(path, algorithms, .timeout = 600)
{
	EVP_PKEY *ca;

	for (size_t i = 0; i < NALGS; i++) {
		ca = tp_key(algs[i].type);
		pair[0] = tp_template("L", "I", ca, ca, false);
		pair[1] = tp_template("I", "R", ca, key[0], true);
		use_alg(&pair[0], i);
		issue_two(pair);
		EXPECT(FWD_OK);
		cr_assert_eq(result.key.type, algs[i].type);
		/* last octet of the signature, then of the signed part */
		der[0].p[der[0].n - 1] ^= 1;
		EXPECT(FWD_E_CERT_SIG);
		der[0].p[der[0].n - 1] ^= 1;
		der[0].p[der[0].n / 4] ^= 1;
		cr_assert_neq(judge(), FWD_OK);
		EVP_PKEY_free(ca);
	}
}

/* A certificate of another issuer's key of each type, and all algorithms. */
Test(path, wrong_key_of_any_type, .timeout = 600)
{
	EVP_PKEY *other;

	for (size_t i = 0; i < NALGS; i++) {
		other = tp_key(algs[i].type);
		two(pair);
		pair[0].signer = other;
		use_alg(&pair[0], i);
		issue_two(pair);
		EXPECT(FWD_E_CERT_SIG);
		cr_assert_eq(last.step, FWD_STEP_CERT_SIGNATURE);
		cr_assert_eq(last.index, 0u);
		EVP_PKEY_free(other);
	}
}

/* ---- path length, self-issued ------------------------------------- */

static struct tp_cert
ca(const char *subject, const char *issuer, size_t mine, size_t its,
    const char *path_len)
{
	struct tp_cert c = tp_template(subject, issuer, key[mine], key[its],
	    true);

	if (path_len != NULL) {
		c.extensions.n = 0;
		tp_hex(&c.extensions, path_len);
		tp_hex(&c.extensions, TP_KU_CA);
	}
	return c;
}

Test(path, path_length)
{
	struct tp_cert c;

	three();
	c = ca("J", "R", 2, 0, TP_BC_CA_PATHLEN("01"));
	der[2] = tp_issue(&c);
	EXPECT(FWD_OK);
	c = ca("J", "R", 2, 0, TP_BC_CA_PATHLEN("00"));
	der[2] = tp_issue(&c);
	EXPECT(FWD_E_CERT_PATHLEN);
	cr_assert_eq(last.index, 1u);

	/* A later one cannot widen what an earlier one allows. */
	c = ca("J", "R", 2, 0, TP_BC_CA_PATHLEN("00"));
	der[2] = tp_issue(&c);
	c = ca("I", "J", 1, 2, TP_BC_CA_PATHLEN("05"));
	der[1] = tp_issue(&c);
	EXPECT(FWD_E_CERT_PATHLEN);
}

/* A limit is used up by each CA below, and a later one cannot raise it. */
Test(path, path_length_is_used_up)
{
	static const struct {
		const char *j, *i;	/* path lengths; NULL: none */
		fwd_status want;
	} cases[] = {
		{ NULL, NULL, FWD_OK },
		{ TP_BC_CA_PATHLEN("02"), NULL, FWD_OK },
		{ TP_BC_CA_PATHLEN("01"), NULL, FWD_E_CERT_PATHLEN },
		{ TP_BC_CA_PATHLEN("00"), NULL, FWD_E_CERT_PATHLEN },
		{ TP_BC_CA_PATHLEN("01"), TP_BC_CA_PATHLEN("05"),
		    FWD_E_CERT_PATHLEN },
		{ TP_BC_CA_PATHLEN("02"), TP_BC_CA_PATHLEN("05"), FWD_OK },
		{ TP_BC_CA_PATHLEN("05"), TP_BC_CA_PATHLEN("01"), FWD_OK },
		{ TP_BC_CA_PATHLEN("05"), TP_BC_CA_PATHLEN("00"),
		    FWD_E_CERT_PATHLEN },
	};
	struct tp_cert c;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		c = tp_template("L", "H", key[3], key[1], false);
		der[0] = tp_issue(&c);
		c = ca("H", "I", 1, 1, NULL);
		der[1] = tp_issue(&c);
		c = ca("I", "J", 1, 2, cases[i].i);
		der[2] = tp_issue(&c);
		c = ca("J", "R", 2, 0, cases[i].j);
		der[3] = tp_issue(&c);
		ders = 4;
		EXPECT(cases[i].want);
	}
}

#define SKI(n) "30 0a 06 03 551d0e 04 03 04 01 " n
#define AKI(n) "30 0c 06 03 551d23 04 05 30 03 80 01 " n

/* RFC 5280 section 6.1.4 l: a self-issued certificate does not count. */
Test(path, self_issued_does_not_count)
{
	struct tp_cert c;

	/* Key identifiers: for OpenSSL, which finds its way by them. */
	c = tp_template("L", "J", key[3], key[1], false);
	tp_hex(&c.extensions, AKI("01"));
	der[0] = tp_issue(&c);
	c = ca("J", "J", 1, 2, NULL);	/* the same name, a new key */
	tp_hex(&c.extensions, SKI("01") AKI("02"));
	der[1] = tp_issue(&c);
	c = ca("J", "R", 2, 0, TP_BC_CA_PATHLEN("00"));
	tp_hex(&c.extensions, SKI("02"));
	der[2] = tp_issue(&c);
	ders = 3;
	EXPECT(FWD_OK);
}

/* ---- anchors ------------------------------------------------------ */

Test(path, anchors_of_one_name)
{
	struct tp_bytes spki[3];

	three();
	for (size_t i = 0; i < 3; i++) {
		spki[i] = tp_spki(key[i + 1]);
		anchor[i] = (struct fwd_anchor){ tp_span(&root_name),
		    tp_span(&spki[i]) };
	}
	policy.anchors = 3;
	EXPECT(FWD_E_CERT_SIG);
	for (size_t i = 0; i < 3; i++) {
		anchor[i].spki = tp_span(&root_spki);
		EXPECT(FWD_OK);
		cr_assert_eq(result.anchor, i);
		anchor[i].spki = tp_span(&spki[i]);
	}
}

Test(path, bare_keys_anchor_no_chain)
{
	three();
	anchor[0].name = (struct fwd_span){ 0 };
	EXPECT(FWD_E_ANCHOR);
	anchor[0].name = (struct fwd_span){ root_name.p, 0 };
	EXPECT(FWD_E_ANCHOR);
}

/* A root whose name is an empty Name issues nothing. */
Test(path, empty_name_of_an_anchor)
{
	static const uint8_t empty[] = { 0x30, 0x00 };

	three();
	anchor[0].name = (struct fwd_span){ empty, sizeof empty };
	EXPECT(FWD_E_ANCHOR);
	pair[0] = tp_template("L", "", key[3], key[0], false);
	pair[0].issuer.n = 0;
	tp_hex(&pair[0].issuer, "3000");
	der[0] = tp_issue(&pair[0]);
	ders = 1;
	EXPECT(FWD_E_CERT_NAME);
}

Test(path, unusable_anchor_key)
{
	three();
	root_spki.p[root_spki.n - 1] ^= 1;	/* not on the curve */
	EXPECT(FWD_E_KEY);
	anchor[0].spki.n--;
	EXPECT(FWD_E_CERT_DER);
}

Test(path, anchor_read)
{
	struct tp_cert c = tp_template("R", "R", key[0], key[0], true);
	struct tp_bytes root = tp_issue(&c);
	struct fwd_anchor a;
	const size_t whole = root.n;

	cr_assert_eq(fwd_anchor_read(tp_span(&root), &a), FWD_OK);
	cr_assert(fwd_span_equal(a.name, anchor[0].name));
	cr_assert(fwd_span_equal(a.spki, anchor[0].spki));
	for (root.n = 0; root.n < whole; root.n++) {
		cr_assert_eq(fwd_anchor_read(tp_span(&root), &a),
		    FWD_E_CERT_DER);
		cr_assert(a.name.n == 0 && a.spki.n == 0);
	}
}

/* ---- policy and clock --------------------------------------------- */

Test(path, invalid_policies)
{
	const struct fwd_policy good = policy;

	three();
	policy.anchors = 0;
	EXPECT(FWD_E_POLICY);
	policy = good;
	policy.anchor = NULL;
	EXPECT(FWD_E_POLICY);
	policy = good;
	policy.anchors = FWD_ANCHORS_MAX + 1;
	EXPECT(FWD_E_POLICY);
	policy = good;
	policy.threshold = 0;
	EXPECT(FWD_E_POLICY);
	for (unsigned i = 0; i < 32; i++) {
		policy = good;
		policy.clock ^= 1u << i;
		EXPECT(FWD_E_POLICY);
		policy.clock = FWD_CLOCK_NONE ^ 1u << i;
		EXPECT(FWD_E_POLICY);
	}
	policy = good;
	policy.clock = 0;
	EXPECT(FWD_E_POLICY);
}

Test(path, dates)
{
	static const struct {
		int64_t now, min;
		fwd_status trusted, none;
	} cases[] = {
		{ NOW, INT64_MIN, FWD_OK, FWD_OK },
		{ TP_NOT_BEFORE, INT64_MIN, FWD_OK, FWD_OK },
		{ TP_NOT_BEFORE - 1, INT64_MIN, FWD_E_CERT_EARLY, FWD_OK },
		{ TP_NOT_AFTER, INT64_MIN, FWD_OK, FWD_OK },
		{ TP_NOT_AFTER + 1, INT64_MIN, FWD_E_CERT_LATE, FWD_OK },
		{ INT64_MIN, INT64_MIN, FWD_E_CERT_EARLY, FWD_OK },
		{ INT64_MAX, INT64_MIN, FWD_E_CERT_LATE, FWD_OK },
		{ NOW, NOW, FWD_OK, FWD_OK },
		{ NOW, NOW + 1, FWD_E_CLOCK, FWD_OK },
		{ NOW, NOW - 1, FWD_OK, FWD_OK },
		{ 0, TP_NOT_AFTER, FWD_E_CLOCK, FWD_OK },
		{ 0, TP_NOT_AFTER + 1, FWD_E_CLOCK, FWD_E_CERT_LATE },
		{ TP_NOT_AFTER + 1, TP_NOT_AFTER + 1, FWD_E_CERT_LATE,
		    FWD_E_CERT_LATE },
		{ 0, INT64_MAX, FWD_E_CLOCK, FWD_E_CERT_LATE },
	};

	three();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		now = cases[i].now;
		policy.time_min = cases[i].min;
		policy.clock = FWD_CLOCK_TRUSTED;
		/* The last second counts (RFC 5280 section 4.1.2.5); not so
		   in OpenSSL. */
		if (now == TP_NOT_AFTER)
			cr_assert_eq(judge(), FWD_OK);
		else
			EXPECT(cases[i].trusted);
		policy.clock = FWD_CLOCK_NONE;
		EXPECT(cases[i].none);
	}
}

Test(path, purposes)
{
	static const uint8_t other[] = { 0x2a, 0x03 };

	three();
	policy.purpose = (struct fwd_span){ other, sizeof other };
	EXPECT(FWD_E_CERT_EKU);
	policy.purpose = (struct fwd_span){ 0 };
	EXPECT(FWD_OK);
	two(pair);
	pair[0].extensions.n = 0;	/* says nothing of a purpose */
	tp_hex(&pair[0].extensions, TP_KU_SIGN);
	issue_two(pair);
	EXPECT(FWD_OK);
}

/* ---- a crypto port that lies -------------------------------------- */

static unsigned asked, lie_at;

static fwd_status
lying_verify(void *ctx, const struct fwd_sig *sig)
{
	if (asked++ == lie_at)
		return FWD_OK;
	return fwp_openssl_crypto(ctx).verify(ctx, sig);
}

Test(path, one_lie_is_not_enough)
{
	struct tp_bytes good[3];
	unsigned most;

	three();
	memcpy(good, der, sizeof good);
	crypto.verify = lying_verify;
	lie_at = UINT32_MAX;
	EXPECT(FWD_OK);
	most = asked;
	cr_assert_eq(most, 6u, "each signature is asked for twice");
	for (size_t i = 0; i < 3; i++) {
		der[i].p[der[i].n - 1] ^= 1;
		for (lie_at = 0; lie_at < most; lie_at++) {
			asked = 0;
			cr_assert_neq(judge(), FWD_OK, "%zu %u", i, lie_at);
		}
		memcpy(der, good, sizeof good);
	}
}

/* ---- certificates that OpenSSL made ------------------------------- */

static void
by_openssl(const char *subject, const char *issuer, EVP_PKEY *pkey,
    EVP_PKEY *signer, const EVP_MD *md, bool pss, struct tp_bytes *out)
{
	X509 *x = X509_new();
	X509_NAME *name;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;
	unsigned char *at = out->p;
	struct tp_cert t = tp_template(subject, issuer, pkey, key[0], false);
	const struct tp_bytes model = tp_issue(&t);
	X509 *m = parse(&model);

	cr_assert_eq(X509_set_version(x, X509_VERSION_3), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)subject, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_issuer_name(m));
	ASN1_TIME_set(X509_getm_notBefore(x), NOW - 10);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + 10);
	cr_assert_eq(X509_set_pubkey(x, pkey), 1);
	for (int i = 0; i < X509_get_ext_count(m); i++)
		cr_assert_eq(X509_add_ext(x, X509_get_ext(m, i), -1), 1);
	cr_assert_eq(EVP_DigestSignInit(ctx, &p, md, NULL, signer), 1);
	if (pss) {
		EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(p, RSA_PSS_SALTLEN_DIGEST);
	}
	cr_assert(X509_sign_ctx(x, ctx) > 0);
	out->n = (size_t)i2d_X509(x, &at);
	X509_free(m);
	X509_free(x);
	EVP_MD_CTX_free(ctx);
}

Test(path, made_by_openssl, .timeout = 600)
{
	EVP_PKEY *issuer;

	for (size_t i = 0; i < NALGS; i++) {
		issuer = tp_key(algs[i].type);
		pair[1] = tp_template("I", "R", issuer, key[0], true);
		der[1] = tp_issue(&pair[1]);
		by_openssl("L", "I", key[3], issuer, algs[i].md != NULL ?
		    EVP_get_digestbyname(algs[i].md) : NULL, algs[i].pss,
		    &der[0]);
		ders = 2;
		EXPECT(FWD_OK);
		EVP_PKEY_free(issuer);
	}
}
