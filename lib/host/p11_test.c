/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys on tokens, against testdata/mock_p11.c: what no real token does on
 * demand.  The module's log tells which calls were made.  See softhsm_test.c
 * for a real token.
 */
#include "testdata/fault.h"
#include "testdata/p11.h"

TestSuite(p11, .init = mock_setup, .fini = mock_teardown, .timeout = 600);

static const struct fwd_span msg[] = {
	{ (const uint8_t *)"to be ", 6 }, { (const uint8_t *)"signed", 6 },
};
static const char whole[] = "to be signed";

static uint8_t sig[FWD_SIG_MAX];
static size_t sig_n;

static void
sign_ok(const struct sig_case *c)
{
	cr_assert_eq(fw_key_sign(key, c->alg, msg, 2, sig, &sig_n, &err),
	    FW_OK, "%s", err.text);
	cr_assert(sig_good(made, c, whole, sizeof whole - 1, sig, sig_n));
	cr_assert_eq(mock_calls("C_Sign(size)"), 0);
}

/* ---- all algorithms, all ways to find the public key ------------------------- */

Test(p11, every_algorithm_every_way)
{
	static const char *const how[] = { "", "rawpoint", "nopub,info",
		"nopub,point", "nopub,point,rawpoint", "noraw", "public",
		"nologin", "edname", "badpoint,info", "always",
		"noflags,nopub,info,noraw" };
	size_t i, j;

	for (i = 0; i < SIG_CASES; i++) {
		mock_key(sig_cases[i].name);
		for (j = 0; j < sizeof how / sizeof how[0]; j++) {
			mock("key=%s/key.pem:k:01,%s", dir, how[j]);
			open_ok("pkcs11:token=mock;object=k");
			cr_assert_eq(fw_key_set_public(key, made_spki(), &err),
			    FW_OK, "%s", how[j]);
			sign_ok(&sig_cases[i]);
			sign_ok(&sig_cases[i]);
			close_key();
			cr_assert_eq(mock_calls("C_Login"),
			    strstr(how[j], "nologin") ? 0 : 1);
			cr_assert_eq(mock_calls("C_Login(context)"),
			    strcmp(how[j], "always") == 0 ? 2 : 0);
			cr_assert_eq(mock_calls("C_Finalize"), 1);
			/* the combined ones where nothing else is left */
			cr_assert_eq(mock_calls("C_SignInit(combined)"),
			    strstr(how[j], "noraw") && sig_cases[i].md ? 2 :
			    0, "%s", how[j]);
		}
	}
}

Test(p11, labels)
{
	mock("key=%s/key.pem:k:01ff", dir);
	open_ok("pkcs11:token=mock");
	cr_assert_str_eq(fw_key_label(key),
	    "key object 'k' id 01ff on token 'mock' (serial 0000)");
	cr_assert_not(fw_key_is_file(key));
	cr_assert_eq(warned.n, 1);	/* of pin-value, not of a key file */
	cr_assert_null(strstr(warned.text, "development"));
}

/* ---- public keys that are missing, malformed or another's ---------------------- */

Test(p11, public_key_absent)
{
	mock("key=%s/key.pem:k:01,nopub", dir);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_public(key).n, 0);
	cr_assert_eq(fw_key_alg(key), FWD_ESP256, "the curve is known");
	cr_assert_eq(fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err),
	    FW_E_KEY);
	HAS("does not show its public key");
	cr_assert_eq(mock_calls("C_SignInit"), 0);

	set_public_of("p384", FW_E_REFUSED);
	HAS("the certificate is not that of key object 'k'");
	set_public_of("ed25519", FW_E_REFUSED);
	set_public_of("rsa3072", FW_E_REFUSED);
	cr_assert_eq(fw_key_public(key).n, 0);

	cr_assert_eq(fw_key_set_public(key, made_spki(), &err), FW_OK);
	sign_ok(&sig_cases[0]);
}

Test(p11, public_key_of_another_certificate)
{
	mock("key=%s/key.pem:k:01,nopub", dir);
	open_ok("pkcs11:object=k");
	set_public_of("p256", FW_OK);	/* nothing to tell them apart yet */
	memset(sig, 0xee, sizeof sig);
	cr_assert_eq(fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err),
	    FW_E_REFUSED);
	HAS("is it the certificate of another key?");
	cr_assert_eq(sig[0], 0xee, "nothing was handed out");
}

Test(p11, rsa_without_anything_public)
{
	mock_key("rsa3072");
	mock("key=%s/key.pem:k:01,nopub", dir);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_alg(key), FWD_PS256);
	set_public_of("p256", FW_E_REFUSED);
	cr_assert_eq(fw_key_set_public(key, made_spki(), &err), FW_OK);
	sign_ok(&sig_cases[4]);
}

Test(p11, public_key_malformed_then_certificate)
{
	mock("key=%s/p256/release.key:k:01,badpoint,"
	    "cert=%s/p256/leaf.pem:c:01", pki, pki);
	open_ok("pkcs11:object=k");
	cr_assert_gt(fw_key_public(key).n, 0);
	cr_assert_eq(fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err),
	    FW_OK, "%s", err.text);
	close_key();
	mock("key=%s/key.pem:k:01,badpoint,point", dir);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_public(key).n, 0);
}

Test(p11, stale_public_key)
{
	mock("key=%s/key.pem:k:01,nopub,pub=%s/p256/release.key:k:01", dir,
	    pki);
	open_ok("pkcs11:object=k");
	cr_assert_gt(fw_key_public(key).n, 0);
	cr_assert_eq(fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err),
	    FW_E_KEY);
	HAS("does not hold with its own public key");
}

Test(p11, public_keys_that_disagree)
{
	mock("key=%s/key.pem:k:01,pub=%s/p256/release.key:k:01", dir, pki);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_public(key).n, 0);
}

Test(p11, certificate_of_another_key)
{
	open_mock();
	set_public_of("p256", FW_E_REFUSED);
	HAS("their public keys differ");
	cr_assert_eq(fw_key_set_public(key, made_spki(), &err), FW_OK);
}

Test(p11, keys_too_weak)
{
	mock_key("rsa2048");
	mock("key=%s/key.pem:k:01", dir);
	open_fails("pkcs11:object=k", FW_E_KEY, "has 2048 bits");
	mock_key("secp256k1");
	open_fails("pkcs11:object=k", FW_E_KEY, "curve is not supported");
}

Test(p11, key_that_may_not_sign)
{
	mock("key=%s/key.pem:k:01,nosign", dir);
	open_fails("pkcs11:object=k", FW_E_KEY, "CKA_SIGN is false");
}

/* ---- choosing token and key ------------------------------------------------------ */

Test(p11, malformed_uri_touches_nothing)
{
	mock("key=%s/key.pem:k:01", dir);
	open_fails("pkcs11:;object=k", FW_E_INPUT, "malformed key URI");
	cr_assert_eq(mock_calls("C_Initialize"), 0);
}

Test(p11, no_token)
{
	mock("key=%s/key.pem:k:01", dir);
	open_fails("pkcs11:token=other", FW_E_KEY, "no token matches the key "
	    "URI (there is token 'mock' serial '0000' slot-id 1)");
	cr_assert_eq(mock_calls("C_Initialize"), 2, "it looks once more");
	cr_assert_eq(mock_calls("C_Finalize"), 2);
	cr_assert_eq(mock_calls("C_Login"), 0);
	mock("tokens=0");
	open_fails("pkcs11:token=mock", FW_E_KEY, "there is no token");
	mock("tokens=0,blank");
	open_fails("pkcs11:", FW_E_KEY, "there is no token");
}

Test(p11, every_token_attribute_counts)
{
	static const char *const good[] = { "token=mock", "serial=0000",
		"model=mock%20model", "manufacturer=mock%20maker", "slot-id=1",
		"slot-description=mock%20slot",
		"slot-manufacturer=mock%20maker",
		"library-manufacturer=mock%20maker",
		"library-description=mock%20module" };
	char uri[128];
	size_t i;

	mock("key=%s/key.pem:k:01", dir);
	for (i = 0; i < sizeof good / sizeof good[0]; i++) {
		(void)snprintf(uri, sizeof uri, "pkcs11:%s", good[i]);
		open_ok(uri);
		close_key();
		(void)snprintf(uri, sizeof uri, "pkcs11:%s1", good[i]);
		open_fails(uri, FW_E_KEY, "token");
	}
	open_fails("pkcs11:library-version=9", FW_E_KEY, "token");
}

Test(p11, token_that_comes_late)
{
	mock("key=%s/key.pem:k:01,late", dir);
	open_ok("pkcs11:token=mock");
	cr_assert_eq(mock_calls("C_Initialize"), 2);
	cr_assert_eq(mock_calls("C_Login"), 1);
}

Test(p11, two_tokens)
{
	mock("key=%s/key.pem:k:01,tokens=2", dir);
	open_fails("pkcs11:object=k", FW_E_KEY, "2 tokens match the key URI "
	    "(make it name one of: token 'mock' serial '0000' slot-id 1 ");
	HAS("slot-id 2");
	cr_assert_eq(mock_calls("C_Login"), 0);
	open_ok("pkcs11:object=k;slot-id=2");
}

Test(p11, uninitialized_token_is_none)
{
	mock("key=%s/key.pem:k:01,blank", dir);
	open_ok("pkcs11:object=k");
}

Test(p11, which_key)
{
	mock("key=%s/key.pem:k:01,key=%s/p256/release.key:k:02,"
	    "key=%s/p256/root.key:r:03", dir, pki, pki);
	open_fails("pkcs11:object=k", FW_E_KEY, "2 private keys on token "
	    "'mock' (serial 0000) match the key URI (make it name one of: "
	    "object 'k' id 01, object 'k' id 02)");
	cr_assert_eq(mock_calls("C_SignInit"), 0);
	open_fails("pkcs11:", FW_E_KEY, "3 private keys");
	open_fails("pkcs11:object=x", FW_E_KEY, "no private key on token");
	HAS("there is object 'k' id 01, object 'k' id 02, object 'r' id "
	    "03");
	open_fails("pkcs11:object=r;id=%01", FW_E_KEY, "no private key");
	open_fails("pkcs11:id=%01%01", FW_E_KEY, "no private key");
	open_ok("pkcs11:object=k;id=%01");
	sign_ok(&sig_cases[0]);
	close_key();
	open_ok("pkcs11:object=r;type=private");
	close_key();
	open_ok("pkcs11:id=%01");
	sign_ok(&sig_cases[0]);
}

Test(p11, token_without_keys)
{
	mock("cert=%s/p256/leaf.pem:c:01", pki);
	open_fails("pkcs11:object=k", FW_E_KEY, "there is no private key on");
}

Test(p11, many_keys_are_not_all_listed)
{
	char text[2048];
	int i, n = 0;

	for (i = 0; i < 10; i++)
		n += snprintf(text + n, sizeof text - (size_t)n,
		    "key=%s/key.pem:k%d:%02d,", dir, i, i);
	mock("%s", text);
	open_fails("pkcs11:object=x", FW_E_KEY, "object 'k7' id 07, ...)");
	cr_assert_null(strstr(err.text, "k8"));
}

/* Tools often put the label on the certificate only. */
Test(p11, key_by_the_label_of_its_certificate)
{
	mock("key=%s/p256/release.key::05,cert=%s/p256/leaf.pem:rel:05,"
	    "cert=%s/p256/root.pem:two:01,cert=%s/p256/leaf.pem:two:05,"
	    "key=%s/key.pem:other:06", pki, pki, pki, pki, dir);
	open_ok("pkcs11:object=rel");
	cr_assert_not_null(strstr(fw_key_label(key), "key id 05"), "%s",
	    fw_key_label(key));
	close_key();
	open_ok("pkcs11:object=rel;id=%05");
	close_key();
	open_fails("pkcs11:object=rel;id=%06", FW_E_KEY, "no private key");
	open_fails("pkcs11:object=two", FW_E_KEY, "add id= to the key URI");
}

/* ---- certificates on the token ----------------------------------------------------- */

Test(p11, chain_from_the_token)
{
	struct fw_chain chain = { 0 };

	mock("key=%s/p256/release.key:k:01,cert=%s/p256/root.pem:a:0a,"
	    "cert=%s/p256/leaf.pem:b:01,cert=%s/p256/intermediate.pem:c:0c,"
	    "cert=%s/p256/leaf.pem:again:0d", pki, pki, pki, pki, pki);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_chain(key, &chain, &err), FW_OK, "%s", err.text);
	cr_assert_eq(chain.n, 2);
	cr_assert(chain.root.n > 0);
	cr_assert_eq(mock_calls("C_Login"), 1);
	fw_chain_deinit(&chain);
	close_key();

	/* found by the id when the token shows no public key: there, the
	   certificate's public key is used */
	mock("key=%s/p256/release.key:k:01,nopub,"
	    "cert=%s/p256/leaf.pem:b:01", pki, pki);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_chain(key, &chain, &err), FW_OK, "%s", err.text);
	cr_assert_eq(chain.n, 1);
	fw_chain_deinit(&chain);
}

Test(p11, chain_missing_or_ambiguous)
{
	struct fw_chain chain = { 0 };

	mock("key=%s/key.pem:k:01,cert=%s/p256/leaf.pem:k:01", dir, pki);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_chain(key, &chain, &err), FW_E_KEY);
	HAS("the token has no certificate for key object 'k'");
	close_key();
	mock("key=%s/p256/release.key:k:01,cert=%s/p256/leaf.pem:k:01,"
	    "cert=%s/renewed.pem:k:01", pki, pki, pki);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_chain(key, &chain, &err), FW_E_KEY);
	HAS("more than one certificate for key object 'k'");
	cr_assert_eq(chain.n, 0);
}

/* ---- signatures that are none -------------------------------------------------------- */

Test(p11, wrong_signatures_are_not_handed_out)
{
	static const struct {
		const char *how, *want;
	} cases[] = {
		{ "flip", "does not hold with its own public key" },
		{ "zero", "does not hold with its own public key" },
		{ "short", "bytes, where" },
		{ "long", "bytes, where" },
	};
	size_t i, j;

	for (i = 0; i < SIG_CASES; i++) {
		mock_key(sig_cases[i].name);
		for (j = 0; j < 4; j++) {
			mock("key=%s/key.pem:k:01,sig=%s", dir, cases[j].how);
			open_ok("pkcs11:object=k");
			memset(sig, 0xee, sizeof sig);
			sig_n = 7;
			cr_assert_eq(fw_key_sign(key, sig_cases[i].alg, msg,
			    2, sig, &sig_n, &err), FW_E_KEY);
			HAS(cases[j].want);
			cr_assert_eq(sig_n, 7);
			cr_assert_eq(sig[0], 0xee);
			close_key();
		}
	}
}

Test(p11, wrong_algorithm_does_not_reach_the_token)
{
	open_mock();
	cr_assert_eq(fw_key_sign(key, FWD_PS256, msg, 2, sig, &sig_n, &err),
	    FW_E_INPUT);
	cr_assert_eq(fw_key_sign(key, FWD_ES256, msg, 2, sig, &sig_n, &err),
	    FW_E_INPUT);
	cr_assert_eq(mock_calls("C_SignInit"), 0);
}

Test(p11, no_mechanism)
{
	mock("key=%s/key.pem:k:01,nomech", dir);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err),
	    FW_E_KEY);
	HAS("cannot sign with key object 'k'");
	HAS("C_SignInit failed: CKR_MECHANISM_INVALID");
	/* one try each, and a clean session after it */
	cr_assert_eq(mock_calls("C_SignInit"), 1);
	cr_assert_eq(mock_calls("C_SignInit(combined)"), 1);
	cr_assert_eq(mock_calls("C_OpenSession"),
	    mock_calls("C_CloseSession") + 1);
}

/* ---- every call fails in turn --------------------------------------------------------- */

Test(p11, every_call_failing)
{
	static const char *const call[] = { "C_Initialize", "C_GetSlotList",
		"C_OpenSession", "C_Login", "C_FindObjectsInit",
		"C_FindObjects", "C_FindObjectsFinal", "C_GetAttributeValue" };
	static const struct {
		unsigned rv;
		const char *name;
	} rvs[] = {
		{ 0x02, "CKR_HOST_MEMORY" }, { 0x05, "CKR_GENERAL_ERROR" },
		{ 0x06, "CKR_FUNCTION_FAILED" }, { 0x30, "CKR_DEVICE_ERROR" },
		{ 0x32, "CKR_DEVICE_REMOVED" },
		{ 0xb3, "CKR_SESSION_HANDLE_INVALID" },
		{ 0x101, "CKR_USER_NOT_LOGGED_IN" },
		{ 0x190, "CKR_CRYPTOKI_NOT_INITIALIZED" },
		{ 0x80000001, "CKR_ 0x80000001: the module's own error" },
		{ 0x7ffffff0, "CKR_ 0x7ffffff0: an error that has no name" },
	};
	char want[64];
	size_t i, j;

	for (i = 0; i < sizeof call / sizeof call[0]; i++) {
		for (j = 0; j < sizeof rvs / sizeof rvs[0]; j++) {
			mock("key=%s/key.pem:k:01,fail=%s:%x", dir, call[i],
			    rvs[j].rv);
			(void)snprintf(want, sizeof want, "%s failed: ",
			    call[i]);
			open_fails("pkcs11:object=k", FW_E_KEY, want);
			HAS(rvs[j].name);
			cr_assert_leq(mock_calls("C_Login"), 1);
			/* p11-kit finalizes what it could initialize */
			cr_assert_eq(mock_calls("C_Finalize"), i > 0, "%s",
			    call[i]);
		}
	}
}

Test(p11, a_token_that_does_not_answer_is_none)
{
	mock("key=%s/key.pem:k:01,fail=C_GetTokenInfo:32", dir);
	open_fails("pkcs11:object=k", FW_E_KEY, "there is no token");
	cr_assert_eq(mock_calls("C_Login"), 0);
}

Test(p11, signing_calls_failing)
{
	static const char *const call[] = { "C_SignInit", "C_Sign" };
	char want[64];
	size_t i;

	for (i = 0; i < 2; i++) {
		mock("key=%s/key.pem:k:01,fail=%s:30", dir, call[i]);
		open_ok("pkcs11:object=k");
		cr_assert_eq(fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n,
		    &err), FW_E_KEY);
		(void)snprintf(want, sizeof want,
		    "%s failed: CKR_DEVICE_ERROR", call[i]);
		HAS(want);
		cr_assert_eq(mock_calls(call[i]), 1, "no second try");
		cr_assert_eq(mock_calls("C_CloseSession"), 1);
		/* and the token may get better */
		mock_only("key=%s/key.pem:k:01", dir);
		sign_ok(&sig_cases[0]);
		cr_assert_eq(mock_calls("C_Login"), 1);
		close_key();
	}
}

static enum fw_kind
open_and_sign(void)
{
	FW_CLEANUP(fw_chain_deinit) struct fw_chain chain = { 0 };

	FW_TRY(open_with_pin("pkcs11:object=k"));
	FW_TRY(fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err));
	return fw_key_chain(key, &chain, &err);
}

Test(p11, every_allocation_failing)
{
	enum fw_kind kind;
	bool hit = true;
	int i;

	mock_only("key=%s/p256/release.key:k:01,nopub,"
	    "cert=%s/p256/leaf.pem:b:01,cert=%s/p256/root.pem:a:0a,"
	    "cert=%s/p256/intermediate.pem:c:0c", pki, pki, pki, pki);
	for (i = 0; hit; i++) {
		mock("%s", getenv("MOCK_P11"));
		fault_set(FAULT_ALLOC, i, ENOMEM);
		kind = open_and_sign();
		hit = fault_hit();
		cr_assert_eq(kind, hit ? FW_E_NOMEM : FW_OK, "%d: %s", i,
		    err.text);
		close_key();
		cr_assert_eq(mock_calls("C_Initialize"),
		    mock_calls("C_Finalize"));
	}
	cr_assert_gt(i, 20);
}

Test(p11, finalize_failing_is_no_crash)
{
	mock("key=%s/key.pem:k:01,fail=C_Finalize:6,fail=C_CloseSession:6",
	    dir);
	open_ok("pkcs11:object=k");
	sign_ok(&sig_cases[0]);
}

Test(p11, module_that_is_none)
{
	opt.module = "/nonexistent/module.so";
	open_fails("pkcs11:object=k", FW_E_KEY,
	    "cannot load the PKCS #11 module '/nonexistent/module.so'");
	opt.module = "/proc/self/exe";
	open_fails("pkcs11:object=k", FW_E_KEY, "cannot load the PKCS #11");
}

Test(p11, module_path_in_the_uri)
{
	char uri[PATH_MAX + 64];

	mock("key=%s/key.pem:k:01", dir);
	opt.module = NULL;
	pin_in_uri = NULL;
	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(setenv("FW_TEST_PIN", "1234", 1), 0);
	(void)snprintf(uri, sizeof uri, "pkcs11:object=k?module-path=%s",
	    mock_module);
	open_ok(uri);
	sign_ok(&sig_cases[0]);
}
