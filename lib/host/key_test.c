/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in files: every algorithm, every wrong one, passphrases, bad files. */
#include <ctype.h>

#include "testdata/sig.h"

static char dir[64], path[128];
static struct fw_error err;
static struct fw_key *key;
static struct sig_warned warned;
static struct fw_key_options opt;

static void
setup(void)
{
	const char *const tmp = getenv("TMPDIR");

	(void)snprintf(dir, sizeof dir, "%.40s/fw-key.XXXXXX",
	    tmp ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/key.pem", dir);
	opt = (struct fw_key_options)FW_KEY_OPTIONS_NONE;
	opt.no_prompt = true;
	opt.warn = sig_warn;
	opt.warn_ctx = &warned;
}

static void
teardown(void)
{
	char command[128];

	fw_key_free(key);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
	cr_assert_eq(system(command), 0);
}

TestSuite(key, .init = setup, .fini = teardown, .timeout = 600);

/* Write bytes to path. */
static void
put(const void *p, size_t n)
{
	FILE *const f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(p, 1, n, f), n);
	cr_assert_eq(fclose(f), 0);
}

/* Make a key file and open it. */
static EVP_PKEY *
open_new(const char *name)
{
	EVP_PKEY *const made = sig_key(name);

	sig_key_write(made, path, NULL);
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_OK, "%s",
	    err.text);
	return made;
}

#define HAS(part) cr_assert_not_null(strstr(err.text, (part)), "%s", err.text)

static const struct fwd_span parts[] = {
	{ (const uint8_t *)"a message ", 10 },
	{ NULL, 0 },
	{ (const uint8_t *)"in ", 3 },
	{ (const uint8_t *)"parts", 5 },
};
static const char whole[] = "a message in parts";
enum { NPARTS = sizeof parts / sizeof parts[0] };

Test(key, every_algorithm_and_every_wrong_one)
{
	uint8_t sig[FWD_SIG_MAX];
	EVP_PKEY *made = NULL;
	const char *name = "";
	size_t i, j, n;

	for (i = 0; i < SIG_CASES; i++) {
		const struct sig_case *const c = &sig_cases[i];

		if (strcmp(name, c->name) != 0) {
			fw_key_free(key);
			key = NULL;
			EVP_PKEY_free(made);
			made = open_new(name = c->name);
			cr_assert_eq(fw_key_alg(key), c->alg);
		}
		n = 0;
		cr_assert_eq(fw_key_sign(key, c->alg, parts, NPARTS, sig, &n,
		    &err), FW_OK, "%s", err.text);
		cr_assert(sig_good(made, c, whole, sizeof whole - 1, sig, n));
		cr_assert(sig_good_spki(fw_key_public(key), c, whole,
		    sizeof whole - 1, sig, n));
		/* the judge of this test can say no */
		cr_assert_not(sig_good(made, c, whole, sizeof whole - 2, sig,
		    n));
		sig[n / 3] ^= 0x10;
		cr_assert_not(sig_good(made, c, whole, sizeof whole - 1, sig,
		    n));

		for (j = 0; j < SIG_CASES; j++) {
			/* "rsa" of any size, or the same curve */
			if (strncmp(sig_cases[j].name, c->name, 3) == 0)
				continue;
			memset(sig, 0xee, sizeof sig);
			n = 7;
			cr_assert_eq(fw_key_sign(key, sig_cases[j].alg, parts,
			    NPARTS, sig, &n, &err), FW_E_INPUT);
			HAS("cannot be made with a");
			HAS(fwd_alg_name(c->alg));
			cr_assert_eq(n, 7);
			cr_assert_eq(sig[0], 0xee);
		}
	}
	EVP_PKEY_free(made);
}

Test(key, algorithms_that_are_only_read)
{
	static const int32_t alg[] = { 0, FWD_ES256, FWD_EDDSA, FWD_ES384,
		FWD_ES512, FWD_RS256, FWD_RS384, FWD_RS512, FWD_SHA256, -1,
		INT32_MIN, INT32_MAX };
	uint8_t sig[FWD_SIG_MAX];
	size_t i, n = 0;

	EVP_PKEY_free(open_new("p256"));
	for (i = 0; i < sizeof alg / sizeof alg[0]; i++) {
		cr_assert_eq(fw_key_sign(key, alg[i], parts, NPARTS, sig, &n,
		    &err), FW_E_INPUT);
		HAS("are not made here (ESP256 fits");
	}
}

Test(key, warns_loudly)
{
	EVP_PKEY_free(open_new("p256"));
	cr_assert_eq(warned.n, 1);
	cr_assert_not_null(strstr(warned.text, "for development only"));
	cr_assert_not_null(strstr(warned.text, path));
	cr_assert(fw_key_is_file(key));
	cr_assert_not_null(strstr(fw_key_label(key), path));
}

Test(key, no_options)
{
	EVP_PKEY *const made = sig_key("p256");

	sig_key_write(made, path, NULL);
	EVP_PKEY_free(made);
	cr_assert_eq(fw_key_open(path, NULL, &key, &err), FW_OK);
}

Test(key, a_file_has_no_chain)
{
	struct fw_chain chain = { 0 };

	EVP_PKEY_free(open_new("ed25519"));
	cr_assert_eq(fw_key_chain(key, &chain, &err), FW_E_KEY);
	HAS("name the chain");
}

/* Keys that OpenSSL reads and devices or the rules do not take. */
Test(key, kinds_that_cannot_sign)
{
	static const struct {
		const char *name, *want;
	} bad[] = {
		{ "rsa2048", "has 2048 bits (3072 to 4096" },
		{ "rsa3064", "has 3064 bits" },
		{ "rsa4104", "has 4104 bits" },
		{ "secp256k1", "curve is not supported" },
		{ "brainpoolP256r1", "curve is not supported" },
		{ "P-224", "curve is not supported" },
	};
	static const char *const other[] = { "X25519", "ED448" };
	EVP_PKEY *made;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		made = sig_key(bad[i].name);
		sig_key_write(made, path, NULL);
		EVP_PKEY_free(made);
		cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY,
		    "%s", bad[i].name);
		HAS(bad[i].want);
		HAS(path);
	}
	for (i = 0; i < 2; i++) {
		made = EVP_PKEY_Q_keygen(NULL, NULL, other[i]);
		sig_key_write(made, path, NULL);
		EVP_PKEY_free(made);
		cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
		HAS("cannot sign here");
	}
	cr_assert_null(key);
	cr_assert_eq(warned.n, 0);
}

Test(key, rsa_restricted_to_pss)
{
	EVP_PKEY_CTX *const ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA_PSS, NULL);
	EVP_PKEY *made = NULL;

	cr_assert_eq(EVP_PKEY_keygen_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 3072), 1);
	cr_assert_eq(EVP_PKEY_keygen(ctx, &made), 1);
	EVP_PKEY_CTX_free(ctx);
	sig_key_write(made, path, NULL);
	EVP_PKEY_free(made);
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
	HAS("restricted to PSS");
}

/* ---- bad files ------------------------------------------------------------ */

Test(key, not_there)
{
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
	HAS(path);
}

Test(key, not_a_key)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----\nMAA=\n"
	    "-----END CERTIFICATE-----\n";
	static const char *const text[] = { "", "\n", "hello\n", pem };
	size_t i;

	for (i = 0; i < sizeof text / sizeof text[0]; i++) {
		put(text[i], strlen(text[i]));
		cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
		HAS(path);
	}
}

/* A key file cut anywhere is no key, and nothing crashes. */
Test(key, every_cut)
{
	uint8_t buf[4096];
	EVP_PKEY *const made = sig_key("p256");
	size_t n, cut;
	FILE *f;

	sig_key_write(made, path, NULL);
	EVP_PKEY_free(made);
	f = fopen(path, "r");
	n = fread(buf, 1, sizeof buf, f);
	(void)fclose(f);
	/* The line end may be missing. */
	for (cut = 0; cut < n - 1; cut++) {
		put(buf, cut);
		cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY,
		    "cut at %zu", cut);
	}
	put(buf, n - 1);
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_OK);
}

/* ---- passphrases ------------------------------------------------------------- */

static void
encrypted(void)
{
	EVP_PKEY *const made = sig_key("p256");

	sig_key_write(made, path, "correct horse");
	EVP_PKEY_free(made);
}

Test(key, passphrase_by_environment)
{
	encrypted();
	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(setenv("FW_TEST_PIN", "correct horse", 1), 0);
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_OK, "%s",
	    err.text);
	cr_assert_null(getenv("FW_TEST_PIN"), "the variable is still there");
}

Test(key, passphrase_wrong)
{
	encrypted();
	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(setenv("FW_TEST_PIN", "wrong horse", 1), 0);
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
	HAS("is the passphrase right?");
	cr_assert_null(strstr(err.text, "horse"));
}

Test(key, passphrase_missing)
{
	encrypted();
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
	HAS("there is no passphrase for the key file");
	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(unsetenv("FW_TEST_PIN"), 0);
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
	HAS("'FW_TEST_PIN' is not set");
}

/* Both halves of a pipe; what was written is all there is to read. */
static int
pipe_with(const char *text)
{
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	cr_assert_eq(write(fd[1], text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(close(fd[1]), 0);
	return fd[0];
}

Test(key, passphrase_by_descriptor_one_line_at_a_time)
{
	static const char *const text[] = { "correct horse",
		"correct horse\n", "correct horse\nnext\n" };
	char rest[16] = "";
	size_t i;

	encrypted();
	for (i = 0; i < 3; i++) {
		opt.pin_fd = pipe_with(text[i]);
		cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_OK, "%s",
		    err.text);
		fw_key_free(key);
		key = NULL;
		(void)!read(opt.pin_fd, rest, sizeof rest);
		cr_assert_eq(close(opt.pin_fd), 0);
	}
	cr_assert_str_eq(rest, "next\n");
}

Test(key, passphrase_from_two_places)
{
	encrypted();
	opt.pin_env = "FW_TEST_PIN";
	opt.pin_fd = 0;
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_USAGE);
	HAS("give one");
}

Test(key, passphrase_that_cannot_be_meant)
{
	static const struct {
		const char *text, *want;
	} bad[] = {
		{ "", "is empty" },
		{ "\n", "is empty" },
		{ "correct horse\r\n", "control character" },
		{ "correct\thorse\n", "control character" },
	};
	char text[300];
	size_t i;

	encrypted();
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		opt.pin_fd = pipe_with(bad[i].text);
		cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
		HAS(bad[i].want);
		cr_assert_eq(close(opt.pin_fd), 0);
	}
	memset(text, 'x', sizeof text);
	for (i = 254; i < 259; i++) {
		text[i] = '\0';
		opt.pin_fd = pipe_with(text);
		cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
		HAS(i <= 255 ? "is the passphrase right" : "longer than 255");
		cr_assert_eq(close(opt.pin_fd), 0);
		text[i] = 'x';
	}
	opt.pin_fd = 1000;
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_E_KEY);
	HAS("file descriptor 1000");
}

/* ---- public keys of certificates ---------------------------------------------- */

static void
set_public_of(EVP_PKEY *other, enum fw_kind want)
{
	unsigned char *der = NULL;
	const int n = i2d_PUBKEY(other, &der);
	const struct fwd_span span = { der, (size_t)n };

	cr_assert_eq(fw_key_set_public(key, span, &err), want, "%s", err.text);
	OPENSSL_free(der);
	EVP_PKEY_free(other);
}

Test(key, certificate_of_another_key)
{
	set_public_of(open_new("p256"), FW_OK);
	set_public_of(sig_key("p256"), FW_E_REFUSED);
	HAS("their public keys differ");
	set_public_of(sig_key("p384"), FW_E_REFUSED);
	set_public_of(sig_key("ed25519"), FW_E_REFUSED);
	cr_assert_eq(fw_key_set_public(key, (struct fwd_span){ NULL, 0 },
	    &err), FW_E_INPUT);
	cr_assert_eq(fw_key_set_public(key, (struct fwd_span){
	    (const uint8_t *)"\x30\x00", 2 }, &err), FW_E_INPUT);
}

/* A compressed point in the file becomes the form that devices read. */
Test(key, points_are_uncompressed)
{
	EVP_PKEY *const made = sig_key("p256");
	struct fwd_key read;

	cr_assert_eq(EVP_PKEY_set_utf8_string_param(made,
	    "point-format", "compressed"), 1);
	sig_key_write(made, path, NULL);
	EVP_PKEY_free(made);
	cr_assert_eq(fw_key_open(path, &opt, &key, &err), FW_OK, "%s",
	    err.text);
	cr_assert_eq(fwd_key_read(fw_key_public(key), &read), FWD_OK);
	cr_assert_eq(read.point.n, 65);
}

/* ---- names of algorithms ------------------------------------------------- */

/* Every name of the device library, in any letter case, and no other. */
Test(algorithm, names)
{
	static const char *const none[] = { "", "ES", "ESP2560", "sha-256",
	    "ESP-256", "unknown", " ESP256", "ed25519 " };
	static const int32_t all[] = { FWD_ESP256, FWD_ESP384, FWD_ESP512,
	    FWD_ED25519, FWD_PS256, FWD_PS384, FWD_PS512, FWD_ES256,
	    FWD_ES384, FWD_ES512, FWD_EDDSA, FWD_RS256, FWD_RS384,
	    FWD_RS512 };
	char name[32];

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		(void)snprintf(name, sizeof name, "%s", fwd_alg_name(all[i]));
		cr_expect_eq(fw_alg_by_name(name), all[i], "%s", name);
		for (char *p = name; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		cr_expect_eq(fw_alg_by_name(name), all[i], "%s", name);
		for (char *p = name; *p != '\0'; p++)
			*p = (char)toupper((unsigned char)*p);
		cr_expect_eq(fw_alg_by_name(name), all[i], "%s", name);
	}
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		cr_expect_eq(fw_alg_by_name(none[i]), 0, "'%s'", none[i]);
}
