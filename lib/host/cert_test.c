/* SPDX-License-Identifier: Apache-2.0 */
/* Chains and anchors from PEM files, order, names. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "host/internal.h"
#include "testdata/fault.h"

enum { NCERTS = 12 };			/* 0: leaf ... 11: root */

static char dir[64], path[128];
static struct fw_error err;
static struct fw_chain chain;
static X509 *cert[NCERTS];
static EVP_PKEY *key[NCERTS];

/* A certificate with these names and no more than the tests need. */
static X509 *
issue(const char *subject, EVP_PKEY *pub, const char *issuer, EVP_PKEY *by)
{
	X509 *const x = X509_new();

	cr_assert_not_null(x);
	cr_assert(X509_set_version(x, X509_VERSION_3));
	cr_assert(ASN1_INTEGER_set(X509_get_serialNumber(x), 1));
	cr_assert(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	cr_assert(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	cr_assert(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_UTF8, (const unsigned char *)subject, -1, -1, 0));
	cr_assert(X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN",
	    MBSTRING_UTF8, (const unsigned char *)issuer, -1, -1, 0));
	cr_assert(X509_set_pubkey(x, pub));
	cr_assert(X509_sign(x, by, EVP_sha256()) > 0);
	return x;
}

static void
setup(void)
{
	const char *const tmp = getenv("TMPDIR");
	char name[16], above[16];
	int i, up;

	(void)snprintf(dir, sizeof dir, "%.40s/fw-cert.XXXXXX",
	    tmp ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/chain.pem", dir);
	for (i = 0; i < NCERTS; i++)
		key[i] = EVP_EC_gen("P-256");
	for (i = 0; i < NCERTS; i++) {
		up = i + 1 < NCERTS ? i + 1 : i;
		(void)snprintf(name, sizeof name, "c%d", i);
		(void)snprintf(above, sizeof above, "c%d", up);
		cert[i] = issue(name, key[i], above, key[up]);
	}
}

static void
teardown(void)
{
	char command[128];
	size_t i;

	fw_chain_deinit(&chain);
	for (i = 0; i < NCERTS; i++) {
		X509_free(cert[i]);
		EVP_PKEY_free(key[i]);
	}
	(void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(cert, .init = setup, .fini = teardown, .timeout = 600);

#define HAS(part) cr_assert_not_null(strstr(err.text, (part)), "%s", err.text)

/* Open path for writing. */
static FILE *
file(void)
{
	FILE *const f = fopen(path, "w");

	cr_assert_not_null(f);
	return f;
}

/* Write the certificates from..to into path, in this order. */
static void
put_certs(size_t from, size_t to)
{
	FILE *const f = file();
	size_t i;

	for (i = from; i <= to; i++)
		cr_assert_eq(PEM_write_X509(f, cert[i]), 1);
	cr_assert_eq(fclose(f), 0);
}

static void
put_text(const char *text, size_t n)
{
	FILE *const f = file();

	cr_assert_eq(fwrite(text, 1, n, f), n);
	cr_assert_eq(fclose(f), 0);
}

static struct fw_buf
der(X509 *x)
{
	struct fw_buf b = { 0 };
	unsigned char *p = NULL;
	const int n = i2d_X509(x, &p);

	cr_assert_eq(fw_buf_add(&b, p, (size_t)n, &err), FW_OK);
	OPENSSL_free(p);
	return b;
}

static void
is_cert(const struct fw_buf *b, size_t i)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf want = der(cert[i]);

	cr_assert_eq(b->n, want.n);
	cr_assert_arr_eq(b->p, want.p, want.n);
}

static void
load(enum fw_kind want)
{
	fw_chain_deinit(&chain);
	cr_assert_eq(fw_chain_load(path, &chain, &err), want, "%s", err.text);
}

/* ---- chains from files ------------------------------------------------------- */

Test(cert, every_length)
{
	size_t n, i;

	for (n = 1; n <= FWD_CHAIN_MAX; n++) {
		put_certs(0, n - 1);
		load(FW_OK);
		cr_assert_eq(chain.n, n);
		cr_assert_eq(chain.root.n, 0);
		for (i = 0; i < n; i++)
			is_cert(&chain.cert[i], i);
	}
	put_certs(0, FWD_CHAIN_MAX);
	load(FW_E_INPUT);
	HAS("more than 8 certificates besides the root");
	put_certs(0, FWD_CHAIN_MAX + 1);
	load(FW_E_INPUT);
	HAS("more than 9 certificates");
}

Test(cert, a_root_at_the_end_is_put_aside)
{
	size_t n, i;

	for (n = 1; n <= FWD_CHAIN_MAX; n++) {
		put_certs(NCERTS - 1 - n, NCERTS - 1);
		load(FW_OK);
		cr_assert_eq(chain.n, n);
		for (i = 0; i < n; i++)
			is_cert(&chain.cert[i], NCERTS - 1 - n + i);
		is_cert(&chain.root, NCERTS - 1);
	}
	put_certs(NCERTS - 1, NCERTS - 1);
	load(FW_OK);
	cr_assert_eq(chain.n, 1, "a lone root is a chain of one");
	cr_assert_eq(chain.root.n, 0);
}

Test(cert, out_of_order)
{
	static const size_t bad[][3] = { { 1, 0, 2 }, { 0, 2, 1 }, { 2, 1, 0 },
		{ 0, 0, 1 }, { 0, 1, 1 }, { 0, 2, 3 } };
	static const char *const want[] = {
		"certificate 2 did not issue certificate 1",
		"certificate 2 did not issue certificate 1",
		"certificate 2 did not issue certificate 1",
		"certificate 2 did not issue certificate 1",
		"certificate 3 did not issue certificate 2",
		"certificate 2 did not issue certificate 1",
	};
	size_t i, j;
	FILE *f;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		f = file();
		for (j = 0; j < 3; j++)
			cr_assert_eq(PEM_write_X509(f, cert[bad[i][j]]), 1);
		cr_assert_eq(fclose(f), 0);
		load(FW_E_INPUT);
		HAS("is out of order");
		HAS(want[i]);
		HAS(path);
	}
	cr_assert_eq(chain.n, 0, "the output was written");
}

/* OpenSSL would call these names equal. */
Test(cert, names_are_compared_byte_by_byte)
{
	static const char *const as[] = { "C1", " c1", "c1 ", "c1" };
	X509 *leaf;
	size_t i;
	FILE *f;

	for (i = 0; i < 4; i++) {
		leaf = issue("leaf", key[0], as[i], key[1]);
		f = file();
		cr_assert_eq(PEM_write_X509(f, leaf), 1);
		cr_assert_eq(PEM_write_X509(f, cert[1]), 1);
		cr_assert_eq(fclose(f), 0);
		X509_free(leaf);
		load(i == 3 ? FW_OK : FW_E_INPUT);
	}
}

Test(cert, text_and_keys_around)
{
	FILE *const f = file();

	(void)fputs("subject: the leaf\n\n", f);
	cr_assert_eq(PEM_write_X509(f, cert[0]), 1);
	(void)fputs("\n# the next one\n", f);
	cr_assert_eq(PEM_write_PKCS8PrivateKey(f, key[0], NULL, NULL, 0, NULL,
	    NULL), 1);
	cr_assert_eq(PEM_write_X509(f, cert[1]), 1);
	(void)fputs("the end", f);
	cr_assert_eq(fclose(f), 0);
	load(FW_OK);
	cr_assert_eq(chain.n, 2);
}

Test(cert, files_without_certificates)
{
	load(FW_E_INPUT);
	HAS("cannot open");
	put_text("", 0);
	load(FW_E_INPUT);
	HAS("there is no certificate in");
	put_text("hello\n", 6);
	load(FW_E_INPUT);
	HAS("there is no certificate in");
}

/* Within a certificate no cut passes; between two, one is left. */
Test(cert, every_cut)
{
	char text[4096];
	size_t n, cut, first;
	FILE *f;

	put_certs(0, 1);
	f = fopen(path, "r");
	n = fread(text, 1, sizeof text, f);
	(void)fclose(f);
	text[n] = '\0';
	first = (size_t)(strstr(text, "-----END") - text) +
	    strlen("-----END CERTIFICATE-----");
	for (cut = 0; cut < n - 1; cut++) {
		put_text(text, cut);
		fw_chain_deinit(&chain);
		if (fw_chain_load(path, &chain, &err) != FW_OK)
			continue;
		/* up to the head of the second it is text behind the first */
		cr_assert_eq(chain.n, 1, "cut at %zu", cut);
		cr_assert(cut >= first &&
		    cut < first + sizeof "-----BEGIN CERTIFICATE-----",
		    "cut at %zu", cut);
	}
}

/* Any changed character is refused, or changes what is loaded. */
Test(cert, damaged_base64)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf want = der(cert[0]);
	char text[2048];
	size_t n, i;
	char was;
	FILE *f;

	put_certs(0, 0);
	f = fopen(path, "r");
	n = fread(text, 1, sizeof text, f);
	(void)fclose(f);
	for (i = 0; i < n; i++) {
		was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		put_text(text, n);
		fw_chain_deinit(&chain);
		/* Before a '=' are bits that stand for nothing. */
		if (was != '\n' && was != '-' && was != '=' &&
		    (i + 1 == n || text[i + 1] != '=') &&
		    fw_chain_load(path, &chain, &err) == FW_OK)
			cr_assert(chain.n == 1 && (chain.cert[0].n != want.n ||
			    memcmp(chain.cert[0].p, want.p, want.n) != 0),
			    "character %zu", i);
		text[i] = was;
	}
}

Test(cert, der_with_more_behind)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = der(cert[0]);
	FILE *const f = file();

	cr_assert_eq(fw_buf_add(&b, "", 1, &err), FW_OK);
	cr_assert(PEM_write(f, "CERTIFICATE", "", b.p, (long)b.n) > 0);
	cr_assert_eq(fclose(f), 0);
	load(FW_E_INPUT);
	HAS("certificate 1: there is data after its end");
}

/* ---- chains from a heap --------------------------------------------------------- */

Test(cert, any_order)
{
	/* all orders of the three above the leaf, with a stranger between */
	static const size_t order[][4] = {
		{ 9, 10, 11, 3 }, { 9, 11, 10, 3 }, { 10, 9, 11, 3 },
		{ 10, 11, 3, 9 }, { 11, 9, 3, 10 }, { 3, 11, 10, 9 },
	};
	size_t i, j;

	for (i = 0; i < sizeof order / sizeof order[0]; i++) {
		struct fw_buf heap[5] = { der(cert[8]) };

		for (j = 0; j < 4; j++)
			heap[1 + j] = der(cert[order[i][j]]);
		fw_chain_deinit(&chain);
		cr_assert_eq(fw_chain_order(heap, 5, &chain, &err), FW_OK);
		cr_assert_eq(chain.n, 3);
		for (j = 0; j < 3; j++)
			is_cert(&chain.cert[j], 8 + j);
		is_cert(&chain.root, 11);
		for (j = 0; j < 5; j++)
			fw_buf_deinit(&heap[j]);
	}
}

Test(cert, order_ends_where_no_issuer_is)
{
	struct fw_buf heap[3] = { der(cert[0]), der(cert[3]), der(cert[1]) };
	size_t i;

	cr_assert_eq(fw_chain_order(heap, 3, &chain, &err), FW_OK);
	cr_assert_eq(chain.n, 2);
	cr_assert_eq(chain.root.n, 0);
	cr_assert(heap[1].n > 0, "what is not used stays");
	for (i = 0; i < 3; i++)
		fw_buf_deinit(&heap[i]);
}

/* An issuer's name with another key is not the issuer. */
Test(cert, order_goes_by_the_signature)
{
	X509 *const fake = issue("c1", key[5], "c2", key[2]);
	struct fw_buf heap[4] = { der(cert[0]), der(fake), der(cert[1]),
		{ 0 } };
	size_t i;

	/* and what is no certificate at all does not disturb */
	cr_assert_eq(fw_buf_add(&heap[3], "x", 1, &err), FW_OK);
	cr_assert_eq(fw_chain_order(heap, 4, &chain, &err), FW_OK);
	cr_assert_eq(chain.n, 2);
	is_cert(&chain.cert[1], 1);
	for (i = 0; i < 4; i++)
		fw_buf_deinit(&heap[i]);
	X509_free(fake);
}

Test(cert, order_does_not_guess)
{
	X509 *const renewed = issue("c1", key[1], "c2", key[2]);
	struct fw_buf heap[4] = { der(cert[0]), der(cert[1]), der(renewed),
		der(cert[1]) };
	size_t i;

	cr_assert_eq(fw_chain_order(heap, 4, &chain, &err), FW_E_KEY);
	HAS("more than one certificate of the issuer 'CN=c1'");
	for (i = 0; i < 4; i++)
		fw_buf_deinit(&heap[i]);
	/* the same one twice is no choice */
	heap[0] = der(cert[0]);
	heap[1] = der(cert[1]);
	heap[2] = der(cert[1]);
	cr_assert_eq(fw_chain_order(heap, 3, &chain, &err), FW_OK);
	cr_assert_eq(chain.n, 2);
	for (i = 0; i < 3; i++)
		fw_buf_deinit(&heap[i]);
	X509_free(renewed);
}

Test(cert, order_of_a_circle_ends)
{
	X509 *const a = issue("a", key[0], "b", key[1]);
	X509 *const b = issue("b", key[1], "a", key[0]);
	struct fw_buf heap[2] = { der(a), der(b) };

	cr_assert_eq(fw_chain_order(heap, 2, &chain, &err), FW_OK);
	cr_assert_eq(chain.n, 2);
	fw_buf_deinit(&heap[0]);
	fw_buf_deinit(&heap[1]);
	X509_free(a);
	X509_free(b);
}

Test(cert, order_of_too_many_and_of_nothing)
{
	struct fw_buf heap[NCERTS] = { { 0 } };
	size_t i;

	cr_assert_eq(fw_chain_order(heap, 0, &chain, &err), FW_E_KEY);
	cr_assert_eq(fw_chain_order(heap, 1, &chain, &err), FW_E_INPUT);
	for (i = 0; i < NCERTS; i++)
		heap[i] = der(cert[i]);
	cr_assert_eq(fw_chain_order(heap, NCERTS, &chain, &err), FW_E_KEY);
	HAS("more than 8");
	for (i = 0; i < NCERTS; i++)
		fw_buf_deinit(&heap[i]);
}

/* ---- anchors ----------------------------------------------------------------------- */

Test(cert, anchor_certificate)
{
	struct fw_anchor a = { 0 };

	put_certs(NCERTS - 1, NCERTS - 1);
	cr_assert_eq(fw_anchor_load(path, &a, &err), FW_OK, "%s", err.text);
	cr_assert_str_eq(a.label, "CN=c11");
	is_cert(&a.der, NCERTS - 1);
	cr_assert(a.anchor.name.n > 0);
	cr_assert(a.anchor.name.p > a.der.p &&
	    a.anchor.name.p < a.der.p + a.der.n);
	cr_assert(a.anchor.spki.p > a.der.p &&
	    a.anchor.spki.p < a.der.p + a.der.n);
	fw_anchor_deinit(&a);
	fw_anchor_deinit(&a);		/* an empty one may be released */
}

Test(cert, anchor_bare_key)
{
	struct fw_anchor a = { 0 };
	unsigned char *want = NULL;
	FILE *const f = file();
	const int n = i2d_PUBKEY(key[0], &want);

	cr_assert_eq(PEM_write_PUBKEY(f, key[0]), 1);
	cr_assert_eq(fclose(f), 0);
	cr_assert_eq(fw_anchor_load(path, &a, &err), FW_OK, "%s", err.text);
	cr_assert_str_eq(a.label, path);
	cr_assert_eq(a.anchor.name.n, 0);
	cr_assert_eq(a.anchor.spki.n, (size_t)n);
	cr_assert_arr_eq(a.anchor.spki.p, want, (size_t)n);
	OPENSSL_free(want);
	fw_anchor_deinit(&a);
}

Test(cert, anchor_files_that_are_none)
{
	struct fw_anchor a = { 0 };
	FILE *f;

	cr_assert_eq(fw_anchor_load(path, &a, &err), FW_E_INPUT);
	HAS("cannot open");
	put_text("", 0);
	cr_assert_eq(fw_anchor_load(path, &a, &err), FW_E_INPUT);
	HAS("no certificate or public key");
	put_certs(0, 1);
	cr_assert_eq(fw_anchor_load(path, &a, &err), FW_E_INPUT);
	HAS("more than one");
	f = file();
	cr_assert_eq(PEM_write_X509(f, cert[0]), 1);
	cr_assert_eq(PEM_write_PUBKEY(f, key[0]), 1);
	cr_assert_eq(fclose(f), 0);
	cr_assert_eq(fw_anchor_load(path, &a, &err), FW_E_INPUT);
	HAS("more than one");
	f = file();
	cr_assert(PEM_write(f, "CERTIFICATE", "", (const unsigned char *)
	    "\x30\x00", 2) > 0);
	cr_assert_eq(fclose(f), 0);
	cr_assert_eq(fw_anchor_load(path, &a, &err), FW_E_INPUT);
	HAS("the certificate cannot be read");
	f = file();
	cr_assert(PEM_write(f, "PUBLIC KEY", "", (const unsigned char *)
	    "\x30\x00", 2) > 0);
	cr_assert_eq(fclose(f), 0);
	cr_assert_eq(fw_anchor_load(path, &a, &err), FW_E_INPUT);
	HAS("public key is malformed");
	cr_assert_null(a.label);
}

Test(cert, every_allocation_failing)
{
	struct fw_anchor a = { 0 };
	enum fw_kind kind;
	bool hit;
	int i;

	put_certs(9, 11);
	for (hit = true, i = 0; hit; i++) {
		fault_set(FAULT_ALLOC, i, ENOMEM);
		kind = fw_chain_load(path, &chain, &err);
		hit = fault_hit();
		cr_assert_eq(kind, hit ? FW_E_NOMEM : FW_OK, "%s", err.text);
	}
	cr_assert_gt(i, 3);
	put_certs(11, 11);
	for (hit = true, i = 0; hit; i++) {
		fault_set(FAULT_ALLOC, i, ENOMEM);
		kind = fw_anchor_load(path, &a, &err);
		hit = fault_hit();
		cr_assert_eq(kind, hit ? FW_E_NOMEM : FW_OK, "%s", err.text);
	}
	cr_assert_gt(i, 3);
	fw_anchor_deinit(&a);
}

/* ---- names ----------------------------------------------------------------------------- */

/* Build a name of (field, type, value) and format it. */
static char *
name_of(const char *const *field, const int *type, const char *const *value,
    size_t n)
{
	X509_NAME *const name = X509_NAME_new();
	unsigned char *p = NULL;
	char *text = NULL;
	size_t i;
	int len;

	for (i = 0; i < n; i++)
		cr_assert(X509_NAME_add_entry_by_txt(name, field[i], type[i],
		    (const unsigned char *)value[i], -1, -1, 0));
	len = i2d_X509_NAME(name, &p);
	cr_assert_eq(fw_name_format((struct fwd_span){ p, (size_t)len }, &text,
	    &err), FW_OK, "%s", err.text);
	OPENSSL_free(p);
	X509_NAME_free(name);
	return text;
}

Test(cert, names)
{
	static const char *const cn[] = { "CN" };
	static const struct {
		const char *value, *want;
		int type;
	} cases[] = {
		{ "Release Key", "CN=Release Key", MBSTRING_UTF8 },
		{ "M\xc3\xbcller", "CN=M\xc3\xbcller", MBSTRING_UTF8 },
		{ "a, b+c", "CN=a\\, b\\+c", MBSTRING_UTF8 },
		{ "\x1b[31mred", "CN=\\1B[31mred", MBSTRING_UTF8 },
		{ "two\nlines", "CN=two\\0Alines", MBSTRING_UTF8 },
		/* right-to-left override: as bytes */
		{ "a\xe2\x80\xae" "b", "CN=a\\E2\\80\\AEb", MBSTRING_UTF8 },
		{ "c\xc2\x85" "d", "CN=c\\C2\\85d", MBSTRING_UTF8 },
		{ "Latin \xfc", "CN=Latin \xc3\xbc", V_ASN1_T61STRING },
		/* not the UTF-8 that it says */
		{ "bad \xff", "(unreadable name)", V_ASN1_UTF8STRING },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		FW_FREE char *text = name_of(cn, &cases[i].type,
		    &cases[i].value, 1);

		cr_assert_str_eq(text, cases[i].want);
	}
}

Test(cert, names_of_several_parts)
{
	static const char *const field[] = { "C", "O", "CN" };
	static const char *const value[] = { "DE", "Example", "Root" };
	static const int type[] = { MBSTRING_ASC, MBSTRING_ASC, MBSTRING_ASC };
	FW_FREE char *text = name_of(field, type, value, 3);
	FW_FREE char *empty = name_of(field, type, value, 0);

	cr_assert_str_eq(text, "CN=Root, O=Example, C=DE");
	cr_assert_str_eq(empty, "(empty name)");
}

Test(cert, names_malformed)
{
	static const uint8_t bad[][4] = { { 0x30, 0x01 }, { 0x31, 0x00 },
		{ 0x30, 0x00, 0x00 }, { 0x30, 0x80 } };
	static const size_t n[] = { 2, 2, 3, 2 };
	size_t i;

	for (i = 0; i < 5; i++) {
		FW_FREE char *text = NULL;

		cr_assert_eq(fw_name_format((struct fwd_span){ i < 4 ? bad[i] :
		    NULL, i < 4 ? n[i] : 0 }, &text, &err), FW_OK);
		cr_assert_str_eq(text, "(unreadable name)");
	}
}
