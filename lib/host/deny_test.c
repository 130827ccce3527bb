/* SPDX-License-Identifier: Apache-2.0 */
/* Deny lists, and the mark of certificates that are for tests. */
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "host/build.h"
#include "host/internal.h"
#include "host/x509.h"
#include "testdata/fault.h"
#include "testdata/scratch.h"

static struct fw_error err;

static void
setup(void)
{
	fault_reset();
	scratch_setup();
}

TestSuite(deny, .init = setup, .fini = scratch_teardown);

#define ID1 "d833714a73723f58ffbc574b9bfb4a8a7f1ade25050702d20d95950b684004dd"
#define ID2 "1BF75C21751EDAB88C01B404206890D55DC958012D9E1F07C7CC032A9A35E619"

/* ---- lists ----------------------------------------------------------- */

static const struct {
	const char *what, *text;
	size_t n;			/* keys */
	unsigned line, column;		/* of the error; 0: none */
} lists[] = {
	{ "empty", "", 0, 0, 0 },
	{ "comments", "# nobody\n\n   \t\n#\n", 0, 0, 0 },
	{ "one", ID1 "\n", 1, 0, 0 },
	{ "without line end", ID1, 1, 0, 0 },
	{ "either case, blanks", " " ID1 "  \n\t" ID2 "\t\n", 2, 0, 0 },
	{ "line ends of DOS", ID1 "\r\n\r\n" ID2 "\r\n", 2, 0, 0 },
	{ "the mark of UTF-8", "\xef\xbb\xbf" ID1 "\n", 1, 0, 0 },
	{ "nothing but that", "\xef\xbb\xbf", 0, 0, 0 },
	{ "twice that", "\xef\xbb\xbf\xef\xbb\xbf" ID1 "\n", 0, 1, 1 },
	{ "with comments", "# lost\n" ID1 " # in May\n" ID2 "# ours\n", 2, 0,
	    0 },
	{ "twice", ID1 "\n" ID1 "\n", 2, 0, 0 },
	{ "a digit less", "\n" "d833714a73723f58ffbc574b9bfb4a8a7f1ade250507"
	    "02d20d95950b684004d\n", 0, 2, 1 },
	{ "a digit more", ID1 "0\n", 0, 1, 1 },
	{ "no digit", "#\n  g833714a73723f58ffbc574b9bfb4a8a7f1ade25050702d2"
	    "0d95950b684004dd\n", 0, 2, 3 },
	{ "two on a line", ID1 " " ID2 "\n", 0, 1, 1 },
	{ "the name of the digest", "sha-256:" ID1 "\n", 0, 1, 1 },
	{ "half a line", ID1 "\nd833714a", 0, 2, 1 },
};
enum { NLISTS = sizeof lists / sizeof lists[0] };

Test(deny, lists)
{
	for (size_t i = 0; i < NLISTS; i++) {
		FW_CLEANUP(fw_deny_deinit) struct fw_deny d = { 0 };
		enum fw_kind kind;

		scratch_text(lists[i].text);
		memset(&err, 0, sizeof err);
		kind = fw_deny_load(scratch_path, &d, &err);
		cr_assert_eq(kind, lists[i].line == 0 ? FW_OK : FW_E_INPUT,
		    "%s: %s", lists[i].what, err.text);
		cr_assert_eq(d.n, lists[i].n, "%s", lists[i].what);
		cr_assert_eq(err.line, lists[i].line, "%s", lists[i].what);
		cr_assert_eq(err.column, lists[i].column, "%s",
		    lists[i].what);
	}
}

/* A NUL is no line end and no digit. */
Test(deny, nul)
{
	FW_CLEANUP(fw_deny_deinit) struct fw_deny d = { 0 };

	scratch_write(ID1 "\0\n", 66);
	cr_assert_eq(fw_deny_load(scratch_path, &d, &err), FW_E_INPUT);
	(void)unlink(scratch_path);
	cr_assert_eq(fw_deny_load(scratch_path, &d, &err), FW_E_INPUT);
}

/* As many keys as there can be in as many bytes, without line ends between
   the last and its end. */
Test(deny, lines_are_counted)
{
	FW_CLEANUP(fw_deny_deinit) struct fw_deny d = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf t = { 0 };

	for (size_t i = 0; i < 1000; i++)
		cr_assert_eq(fw_buf_add(&t, i % 2 ? ID1 "\n" : ID2 "\n", 65,
		    &err), FW_OK);
	scratch_write(t.p, t.n - 1);
	cr_assert_eq(fw_deny_load(scratch_path, &d, &err), FW_OK);
	cr_assert_eq(d.n, 1000);
	cr_assert_eq(d.key[999].line, 1000);
}

Test(deny, identifiers)
{
	char text[2 * FW_KEY_ID_SIZE + 1];
	struct fw_key_id id;

	cr_assert(fw_key_id_parse(ID2, 64, &id));
	fw_key_id_format(&id, text);
	cr_assert_eq(strcasecmp(text, ID2), 0);
	cr_assert_not(fw_key_id_parse(ID2, 63, &id));
	/* SHA-256 of "abc" (FIPS 180-4). */
	cr_assert_eq(fw_key_id((struct fwd_span){ (const uint8_t *)"abc", 3 },
	    &id, &err), FW_OK);
	fw_key_id_format(&id, text);
	cr_assert_str_eq(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a"
	    "9cb410ff61f20015ad");
}

/* ---- certificates ---------------------------------------------------- */

/* A name of attributes, "OU=x" in UTF-8 or, with a '!', in UTF-16, where '@' is
   a NUL. */
static void
add_names(X509_NAME *name, const char *const *attribute)
{
	for (; *attribute != NULL; attribute++) {
		const char *const eq = strchr(*attribute, '=');
		FW_FREE char *type = strndup(*attribute,
		    (size_t)(eq - *attribute));
		uint8_t wide[128];
		size_t n = strlen(eq + 1), i;

		if (type[0] != '!') {
			cr_assert_eq(X509_NAME_add_entry_by_txt(name, type,
			    V_ASN1_UTF8STRING, (const uint8_t *)eq + 1, (int)n,
			    -1, 0), 1);
			continue;
		}
		for (i = 0; i < n; i++) {
			wide[2 * i] = 0;
			wide[2 * i + 1] = eq[1 + i] == '@' ? 0 :
			    (uint8_t)eq[1 + i];
		}
		cr_assert_eq(X509_NAME_add_entry_by_txt(name, type + 1,
		    V_ASN1_BMPSTRING, wide, (int)(2 * n), -1, 0), 1);
	}
}

/* A certificate with these names, self-signed however they are. */
static void
make_cert(const char *const *subject, const char *const *issuer,
    struct fw_buf *out)
{
	EVP_PKEY *const key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *const x = X509_new();
	unsigned char *der = NULL;
	int n;

	cr_assert_not_null(key);
	cr_assert_eq(X509_set_version(x, 2), 1);
	cr_assert_eq(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	cr_assert_not_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	cr_assert_eq(X509_set_pubkey(x, key), 1);
	add_names(X509_get_subject_name(x), subject);
	add_names(X509_get_issuer_name(x), issuer);
	cr_assert_gt(X509_sign(x, key, EVP_sha256()), 0);
	n = i2d_X509(x, &der);
	cr_assert_gt(n, 0);
	cr_assert_eq(fw_buf_add(out, der, (size_t)n, &err), FW_OK);
	OPENSSL_free(der);
	X509_free(x);
	EVP_PKEY_free(key);
}

static const struct {
	const char *what;
	const char *subject[4], *issuer[4];
	bool marked;
} names[] = {
	{ "no unit", { "CN=a" }, { "CN=b" }, false },
	{ "the mark", { "OU=TEST ONLY", "CN=a" }, { "CN=b" }, true },
	{ "the issuer's", { "CN=a" }, { "CN=b", "OU=TEST ONLY" }, true },
	{ "the second unit", { "OU=Pumps", "OU=TEST ONLY" }, { "CN=b" },
	    true },
	{ "other letters", { "OU=Test only" }, { "CN=b" }, true },
	{ "spaces", { "OU=  test   ONLY " }, { "CN=b" }, true },
	{ "as UTF-16", { "!OU=Test Only" }, { "CN=b" }, true },
	{ "a NUL behind it", { "!OU=TEST ONLY@" }, { "CN=b" }, true },
	{ "more behind a NUL", { "!OU=TEST ONLY@@ 2" }, { "CN=b" }, true },
	{ "a NUL in it", { "!OU=TEST@ONLY" }, { "CN=b" }, true },
	{ "another attribute", { "O=TEST ONLY", "CN=TEST ONLY" },
	    { "CN=b" }, false },
	{ "more", { "OU=TEST ONLY 2" }, { "CN=b" }, false },
	{ "more in front", { "OU=Not TEST ONLY" }, { "CN=b" }, false },
	{ "less", { "OU=TEST" }, { "CN=b" }, false },
	{ "in one word", { "OU=TESTONLY" }, { "CN=b" }, false },
	{ "nothing", { "CN=a", "OU= " }, { "CN=b" }, false },
};
enum { NNAMES = sizeof names / sizeof names[0] };

Test(deny, mark)
{
	const struct fw_build_options strict = { 0 };
	const struct fw_build_options lax = { .allow_test = true };

	for (size_t i = 0; i < NNAMES; i++) {
		FW_CLEANUP(fw_buf_deinit) struct fw_buf cert = { 0 };

		make_cert(names[i].subject, names[i].issuer, &cert);
		cr_assert_eq(fw_deny_cert(&strict, fw_buf_span(&cert), &err),
		    names[i].marked ? FW_E_REFUSED : FW_OK, "%s",
		    names[i].what);
		cr_assert_eq(fw_deny_cert(&lax, fw_buf_span(&cert), &err),
		    FW_OK, "%s", names[i].what);
	}
}

/* Each certificate of a chain counts, and its root. */
Test(deny, anywhere_in_the_chain)
{
	static const char *const plain[] = { "CN=a", NULL };
	FW_CLEANUP(fw_chain_deinit) struct fw_chain chain = { .n = 3 };
	FW_CLEANUP(fw_deny_deinit) struct fw_deny d = { .n = 1 };
	struct fw_build_options opt = { 0 };
	struct fwd_anchor a;

	for (size_t i = 0; i < 3; i++)
		make_cert(plain, plain, &chain.cert[i]);
	make_cert(plain, plain, &chain.root);
	d.path = strdup("list");
	d.key = calloc(1, sizeof *d.key);
	cr_assert_eq(fw_deny_chain(&opt, &chain, &err), FW_OK);
	opt.deny = &d;
	cr_assert_eq(fw_deny_chain(&opt, &chain, &err), FW_OK);
	for (size_t i = 0; i < 4; i++) {
		const struct fwd_span cert = i < 3 ?
		    fw_buf_span(&chain.cert[i]) : fw_buf_span(&chain.root);

		cr_assert_eq(fwd_anchor_read(cert, &a), FWD_OK);
		cr_assert_eq(fw_key_id(a.spki, &d.key[0].id, &err), FW_OK);
		cr_assert_eq(fw_deny_chain(&opt, &chain, &err), FW_E_REFUSED);
		cr_assert_eq(fw_deny_cert(&opt, cert, &err), FW_E_REFUSED);
		cr_assert_eq(fw_deny_key(&opt, a.spki, "k", &err),
		    FW_E_REFUSED);
		/* Every bit of it counts. */
		for (size_t bit = 0; bit < 256; bit++) {
			d.key[0].id.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_assert_eq(fw_deny_chain(&opt, &chain, &err), FW_OK);
			d.key[0].id.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* Running out of memory is never a yes. */
Test(deny, no_memory)
{
	static const char *const marked[] = { "OU=TEST ONLY", NULL };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf cert = { 0 };
	const struct fw_build_options strict = { 0 };

	make_cert(marked, marked, &cert);
	for (int i = 0; ; i++) {
		enum fw_kind kind;

		fault_set(FAULT_ALLOC, i, ENOMEM);
		kind = fw_deny_cert(&strict, fw_buf_span(&cert), &err);
		if (!fault_hit())
			break;
		cr_assert_neq(kind, FW_OK, "%d", i);
	}
	scratch_text(ID1 "\n");
	for (int i = 0; ; i++) {
		FW_CLEANUP(fw_deny_deinit) struct fw_deny d = { 0 };
		enum fw_kind kind;

		fault_set(FAULT_ALLOC, i, ENOMEM);
		kind = fw_deny_load(scratch_path, &d, &err);
		if (!fault_hit())
			break;
		cr_assert_eq(kind, FW_E_NOMEM, "%d", i);
		cr_assert_eq(d.n, 0);
	}
}

/* ---- RSA keys ---------------------------------------------------------- */

/* The same key under another AlgorithmIdentifier: the inner part is that of
   rsaEncryption, behind its head and 15 bytes. */
static size_t
rsa_form(const uint8_t *plain, size_t n, const uint8_t *alg, size_t alg_n,
    uint8_t *out)
{
	const size_t inner = n - 4 - 15, all = alg_n + inner;

	out[0] = 0x30;
	out[1] = 0x82;
	out[2] = (uint8_t)(all >> 8);
	out[3] = (uint8_t)all;
	memcpy(out + 4, alg, alg_n);
	memcpy(out + 4 + alg_n, plain + 4 + 15, inner);
	return 4 + all;
}

/* A key is denied in all its forms by the identifier of any of them. */
Test(deny, rsa_in_all_forms)
{
	enum { FORMS = 14 };
	static const int32_t algs[] = { FWD_PS256, FWD_PS384, FWD_PS512 };
	static const uint8_t none[] = { 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86,
	    0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a };
	EVP_PKEY *const key = EVP_RSA_gen(3072), *const other =
	    EVP_RSA_gen(3072);
	static uint8_t form[FORMS][1024];
	uint8_t stranger[1024], *p = form[0];
	struct fwd_span spki[FORMS], strange;
	struct fwd_key read;
	size_t i, j, n;

	n = (size_t)i2d_PUBKEY(key, &p);
	spki[0] = (struct fwd_span){ form[0], n };
	spki[1] = (struct fwd_span){ form[1],
	    rsa_form(form[0], n, none, sizeof none, form[1]) };
	for (i = 0; i < FORMS - 2; i++) {
		FW_CLEANUP(fw_buf_deinit) struct fw_buf alg = { 0 };

		cr_assert_eq(fw_pss_encode(algs[i / 4], i & 1, i & 2, &alg,
		    &err), FW_OK);
		spki[2 + i] = (struct fwd_span){ form[2 + i],
		    rsa_form(form[0], n, alg.p, alg.n, form[2 + i]) };
	}
	p = stranger;
	n = (size_t)i2d_PUBKEY(other, &p);
	strange = (struct fwd_span){ stranger, n };
	for (i = 0; i < FORMS; i++) {
		struct fw_denied denied = { .line = 1 };
		char path[] = "list";
		struct fw_deny list = { .path = path, .key = &denied, .n = 1 };
		const struct fw_build_options opt = { .deny = &list };

		cr_assert_eq(fw_key_id(spki[i], &denied.id, &err), FW_OK);
		cr_assert_eq(fwd_key_read(spki[i], &read), FWD_OK);
		for (j = 0; j < FORMS; j++)
			cr_assert_eq(fw_deny_key(&opt, spki[j], "x", &err),
			    FW_E_REFUSED, "%zu by %zu", j, i);
		cr_assert_eq(fw_deny_key(&opt, strange, "x", &err), FW_OK);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
