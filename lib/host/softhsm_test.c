/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys on a real token: SoftHSM, with keys that were made in it and
 * certificates issued through it by testdata/pki/mkpki.sh.  Each test works on
 * a copy of its own, because parallel logins disturb SoftHSM.
 */
#define P11_OWN_PKI
#include "testdata/p11.h"

/* SoftHSM 2.6.1 leaks a few bytes for each Ed25519 signature; tpm2-pkcs11,
   which p11-kit starts as well where it is installed, where there is no TPM. */
const char *__asan_default_options(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void);

const char *
__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

const char *
__lsan_default_options(void)
{
	return "print_suppressions=0";
}

const char *
__lsan_default_suppressions(void)
{
	/* nor are other modules that the system has configured */
	return "leak:libsofthsm2\nleak:libtpm2_pkcs11\n"
	    "leak:p11_kit_module_initialize\n";
}

static const struct fwd_span msg[] = {
	{ (const uint8_t *)"to be ", 6 }, { (const uint8_t *)"signed", 6 },
};
static const char whole[] = "to be signed";

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	char folder[64];

	(void)tests;
	(void)snprintf(folder, sizeof folder, "%s/fw-pki.XXXXXX", scratch());
	if (mkdtemp(folder) == NULL || setenv("FW_TEST_PKI", folder, 1) != 0)
		abort();
	run("testdata/pki/mkpki.sh '%s' p256 p384 p521 ed25519 rsa3072",
	    folder);
	/* The largest alone: three of them would take long. */
	run(". testdata/token.sh && token_use '%s/token' && "
	    "token_key rsa4096 release-rsa4096 4096 && "
	    "mkdir '%s/rsa4096' && "
	    "token_uri release-rsa4096 >'%s/rsa4096/key.uri'", folder, folder,
	    folder);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	(void)stats;
	run("rm -rf '%s'", getenv("FW_TEST_PKI"));
}

static void
setup(void)
{
	char conf[128];

	pki = getenv("FW_TEST_PKI");
	cr_assert_not_null(pki);
	(void)snprintf(dir, sizeof dir, "%s/fw-hsm.XXXXXX", scratch());
	cr_assert_not_null(mkdtemp(dir));
	run("cp -R '%s/token' '%s/token' && sed 's|%s/token|%s/token|' "
	    "'%s/token/softhsm2.conf' >'%s/token/softhsm2.conf'", pki, dir,
	    pki, dir, pki, dir);
	(void)snprintf(conf, sizeof conf, "%s/token/softhsm2.conf", dir);
	cr_assert_eq(setenv("SOFTHSM2_CONF", conf, 1), 0);
	opt = (struct fw_key_options)FW_KEY_OPTIONS_NONE;
	opt.no_prompt = true;
	opt.warn = sig_warn;
	opt.warn_ctx = &warned;
}

static void
teardown(void)
{
	fw_key_free(key);
	run("rm -rf '%s'", dir);
}

TestSuite(softhsm, .init = setup, .fini = teardown, .timeout = 600);

/* The URI that mkpki.sh wrote; its pin-source is that of the original. */
static const char *
uri_of(const char *name)
{
	static char uri[1024];
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s/key.uri", pki, name);
	f = fopen(path, "r");
	cr_assert_not_null(f);
	cr_assert_not_null(fgets(uri, sizeof uri, f));
	(void)fclose(f);
	uri[strcspn(uri, "\n")] = '\0';
	return uri;
}

static void
same_as_file(const struct fw_chain *chain, const char *name)
{
	struct fw_chain want = { 0 };
	char path[128];
	size_t i;

	(void)snprintf(path, sizeof path, "%s/%s/full-chain.pem", pki, name);
	cr_assert_eq(fw_chain_load(path, &want, &err), FW_OK, "%s", err.text);
	cr_assert_eq(chain->n, 2);
	cr_assert_eq(want.n, 2);
	for (i = 0; i < 2; i++) {
		cr_assert_eq(chain->cert[i].n, want.cert[i].n);
		cr_assert_arr_eq(chain->cert[i].p, want.cert[i].p,
		    want.cert[i].n);
	}
	cr_assert_eq(chain->root.n, want.root.n);
	cr_assert_arr_eq(chain->root.p, want.root.p, want.root.n);
	fw_chain_deinit(&want);
}

Test(softhsm, every_algorithm)
{
	struct fw_chain chain = { 0 };
	uint8_t sig[FWD_SIG_MAX];
	size_t i, n;

	for (i = 0; i < SIG_CASES; i++) {
		const struct sig_case *const c = &sig_cases[i];
		int times;

		cr_assert_eq(fw_key_open(uri_of(c->name), &opt, &key, &err),
		    FW_OK, "%s: %s", c->name, err.text);
		cr_assert_not(fw_key_is_file(key));
		if (c->alg != FWD_PS384 && c->alg != FWD_PS512)
			cr_assert_eq(fw_key_alg(key), c->alg);
		for (times = 0; times < 3; times++) {
			cr_assert_eq(fw_key_sign(key, c->alg, msg, 2, sig, &n,
			    &err), FW_OK, "%s", err.text);
			cr_assert(sig_good_spki(fw_key_public(key), c, whole,
			    sizeof whole - 1, sig, n));
		}
		if (strcmp(c->name, "rsa4096") == 0) {
			cr_assert_eq(fw_key_chain(key, &chain, &err),
			    FW_E_KEY);
			HAS("the token has no certificate for key object");
			close_key();
			continue;
		}
		cr_assert_eq(fw_key_chain(key, &chain, &err), FW_OK, "%s",
		    err.text);
		same_as_file(&chain, c->name);
		fw_chain_deinit(&chain);
		close_key();
	}
	cr_assert_eq(warned.n, 0, "%s", warned.text);
}

Test(softhsm, configured_in_p11kit)
{
	char uri[256], home[128];

	(void)snprintf(home, sizeof home, "%s/token/config", dir);
	cr_assert_eq(setenv("XDG_CONFIG_HOME", home, 1), 0);
	(void)snprintf(uri, sizeof uri, "pkcs11:token=fwsign-test;"
	    "object=release-p256?pin-source=%s/token/pin", dir);
	cr_assert_eq(fw_key_open(uri, &opt, &key, &err), FW_OK, "%s",
	    err.text);
	close_key();
	(void)snprintf(uri, sizeof uri, "pkcs11:object=release-p256?"
	    "module-name=softhsm2&pin-source=%s/token/pin", dir);
	cr_assert_eq(fw_key_open(uri, &opt, &key, &err), FW_OK, "%s",
	    err.text);
	close_key();
	(void)snprintf(uri, sizeof uri, "pkcs11:object=release-p256?"
	    "module-name=nonesuch&pin-source=%s/token/pin", dir);
	cr_assert_eq(fw_key_open(uri, &opt, &key, &err), FW_E_KEY);
	HAS("no working module 'nonesuch'");
}

/* SoftHSM says after one bad PIN that few tries are left. */
Test(softhsm, wrong_pin)
{
	char uri[1024];

	(void)snprintf(uri, sizeof uri, "%s", uri_of("p256"));
	*strstr(uri, "&pin-source") = '\0';
	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(setenv("FW_TEST_PIN", "11111", 1), 0);
	cr_assert_eq(fw_key_open(uri, &opt, &key, &err), FW_E_KEY);
	HAS("C_Login failed: CKR_PIN_INCORRECT: the PIN is wrong (the token "
	    "says that few tries are left");
	cr_assert_eq(warned.n, 0);
	/* The next run says so, and a good PIN clears it. */
	cr_assert_eq(setenv("FW_TEST_PIN", "246813", 1), 0);
	cr_assert_eq(fw_key_open(uri, &opt, &key, &err), FW_OK);
	cr_assert_eq(warned.n, 1);
	cr_assert_not_null(strstr(warned.text, "few tries for the PIN"));
	close_key();
	cr_assert_eq(setenv("FW_TEST_PIN", "246813", 1), 0);
	cr_assert_eq(fw_key_open(uri, &opt, &key, &err), FW_OK);
	cr_assert_eq(warned.n, 1);
	close_key();
	/* SoftHSM takes four characters at least. */
	cr_assert_eq(setenv("FW_TEST_PIN", "123", 1), 0);
	cr_assert_eq(fw_key_open(uri, &opt, &key, &err), FW_E_KEY);
	HAS("too short; it was not tried");
}

Test(softhsm, no_such_key_and_too_many)
{
	char uri[512];

	(void)snprintf(uri, sizeof uri, "pkcs11:token=fwsign-test;"
	    "object=nonesuch?pin-source=%s/token/pin", dir);
	cr_assert_eq(fw_key_open(uri, &opt, &key, &err), FW_E_KEY);
	HAS("no private key on token 'fwsign-test'");
	HAS("there is object '");
	(void)snprintf(uri, sizeof uri,
	    "pkcs11:token=fwsign-test?pin-source=%s/token/pin", dir);
	cr_assert_eq(fw_key_open(uri, &opt, &key, &err), FW_E_KEY);
	HAS("16 private keys on token 'fwsign-test'");
}

Test(softhsm, two_signers_one_token)
{
	struct fw_key *other = NULL;
	uint8_t sig[FWD_SIG_MAX];
	size_t n;

	cr_assert_eq(fw_key_open(uri_of("p256"), &opt, &other, &err), FW_OK);
	cr_assert_eq(fw_key_open(uri_of("ed25519"), &opt, &key, &err), FW_OK,
	    "%s", err.text);
	cr_assert_eq(fw_key_sign(other, FWD_ESP256, msg, 2, sig, &n, &err),
	    FW_OK);
	fw_key_free(other);
	cr_assert_eq(fw_key_sign(key, FWD_ED25519, msg, 2, sig, &n, &err),
	    FW_OK, "%s", err.text);
}
