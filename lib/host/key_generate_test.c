/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making keys and storing certificates, against testdata/mock_p11.c: tokens
 * that refuse, fail in the middle, or do something else than they were asked
 * for.  Nothing half made may stay.
 */
#include "testdata/fault.h"
#include "testdata/p11.h"

#include <jansson.h>

#include "host/key_internal.h"
#include "host/token.h"
#include "host/x509.h"

static json_t *listed;			/* by the last list() */

static void
teardown(void)
{
	json_decref(listed);
	mock_teardown();
}

TestSuite(token, .init = mock_setup, .fini = teardown, .timeout = 600);

#define NEW "pkcs11:token=mock;object=new"

static enum fw_kind
generate(const char *uri, const char *type)
{
	char text[512];

	cr_assert_null(key);
	(void)snprintf(text, sizeof text, "%s?pin-value=1234", uri);
	return fw_key_generate(text, type, &opt, NULL, &key, &err);
}

static void
generate_ok(const char *type)
{
	cr_assert_eq(generate(NEW, type), FW_OK, "%s: %s", type, err.text);
	cr_assert_not_null(key);
	cr_assert_eq(mock_calls("C_Login"), 1);
	cr_assert_eq(mock_calls("C_DestroyObject"), 0);
}

/* What was made is gone again, and the module in order. */
static void
nothing_left(const char *what)
{
	cr_assert_null(key);
	cr_assert_eq(mock_calls("C_DestroyObject"),
	    2 * mock_calls("C_GenerateKeyPair"), "%s: %s", what, err.text);
	cr_assert_eq(mock_calls("C_Finalize"), mock_calls("C_Initialize"),
	    "%s", what);
	cr_assert_leq(mock_calls("C_Login"), 1);
}

static json_t *
list(const char *uri, bool login, size_t *problems)
{
	json_decref(listed);
	listed = NULL;
	cr_assert_eq(fw_tokens_list(uri, login, &opt, &listed, problems,
	    &err), FW_OK, "%s", err.text);
	return json_object_get(listed, "tokens");
}

/* ---- making keys ---------------------------------------------------- */

Test(token, every_type_on_every_token)
{
	static const char *const how[] = { "rw", "rw,edname", "rw,rawpoint", "rw,noraw", "rw,always",
		"rw,nologin", "rw,public" };
	static const int32_t alg[] = { FWD_ESP256, FWD_ESP384, FWD_ESP512,
		FWD_ED25519, FWD_PS256 };
	uint8_t id[FW_KEYID_SIZE];
	char hex[2 * FW_KEYID_SIZE + 1];
	size_t i, j, k;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < (i < 4 ? sizeof how / sizeof how[0] : 2);
		    j++) {
			mock("%s", how[j]);
			cr_assert_eq(generate(NEW, fw_key_types[i]), FW_OK,
			    "%s %s: %s", fw_key_types[i], how[j], err.text);
			cr_assert_eq(fw_key_alg(key), alg[i]);
			cr_assert_eq(fw_x509_keyid(fw_key_public(key), id,
			    &err), FW_OK);
			for (k = 0; k < sizeof id; k++)
				(void)snprintf(hex + 2 * k, 3, "%02x", id[k]);
			cr_assert_not_null(strstr(fw_key_label(key), hex),
			    "%s", fw_key_label(key));
			cr_assert_eq(mock_calls("C_SetAttributeValue"), 2);
			close_key();
			cr_assert_eq(mock_calls("C_DestroyObject"), 0);
		}
	}
}

Test(token, what_is_not_as_asked_for_is_destroyed)
{
	static const struct {
		const char *how, *says;
	} cases[] = {
		{ "leaky", "can be exported" },
		{ "loud", "can be exported" },
		{ "mute", "does not say that it cannot" },
		{ "hidden", "does not show the public key" },
		{ "sig=flip", "does not hold" },
		{ "sig=short", "bytes" },
		{ "fail=C_Sign:30", "C_Sign failed: CKR_DEVICE_ERROR" },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		mock("rw,%s", cases[i].how);
		cr_assert_eq(generate(NEW, "P-256"), FW_E_KEY, "%s",
		    cases[i].how);
		HAS(cases[i].says);
		cr_assert_eq(mock_calls("C_GenerateKeyPair"), 1);
		nothing_left(cases[i].how);
	}
}

static enum fw_kind
not_kept(void *ctx, struct fw_key *new_, struct fw_error *why)
{
	cr_assert_not_null(new_);
	cr_assert_gt(fw_key_public(new_).n, 0);
	++*(int *)ctx;
	return fw_fail(why, FW_E_IO, "no room");
}

Test(token, what_cannot_be_written_down_is_destroyed)
{
	int asked = 0;
	const struct fw_key_made keep = { not_kept, &asked };

	mock("rw");
	cr_assert_eq(fw_key_generate(NEW "?pin-value=1234", "P-256", &opt,
	    &keep, &key, &err), FW_E_IO);
	HAS("was destroyed again: no room");
	cr_assert_eq(asked, 1);
	nothing_left("not kept");
}

Test(token, each_call_fails_in_turn)
{
	static const char *const calls[] = { "C_OpenSession", "C_Login",
		"C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal",
		"C_GetAttributeValue", "C_SignInit", "C_Sign" };
	size_t i, n;

	for (i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		for (n = 0;; n++) {
			mock("rw,fail=%s:30:%zu", calls[i], n);
			if (generate(NEW, "P-256") == FW_OK)
				break;
			cr_assert_eq(err.kind, FW_E_KEY);
			HAS(calls[i]);
			nothing_left(calls[i]);
			cr_assert_lt(n, 1000);
		}
		cr_assert_gt(n, 0, "%s is called", calls[i]);
		close_key();
	}
}

Test(token, generation_itself_fails)
{
	mock("rw,fail=C_GenerateKeyPair:31");
	cr_assert_eq(generate(NEW, "P-384"), FW_E_KEY);
	HAS("cannot make a key of type P-384 on token 'mock'");
	HAS("CKR_DEVICE_MEMORY");
	cr_assert_eq(mock_calls("C_GenerateKeyPair"), 1, "not tried again");
	cr_assert_eq(mock_calls("C_DestroyObject"), 0);

	mock("rw,nomech");
	cr_assert_eq(generate(NEW, "RSA-3072"), FW_E_KEY);
	HAS("choose another type of key");
	mock("nothing");
	cr_assert_eq(generate(NEW, "P-256"), FW_E_KEY);
	HAS("C_OpenSession failed: CKR_TOKEN_WRITE_PROTECTED");
	mock("rw,wp");
	cr_assert_eq(generate(NEW, "P-256"), FW_E_KEY);
	HAS("is write-protected (nothing can be stored on it)");
	cr_assert_eq(mock_calls("C_GenerateKeyPair"), 0);
}

/* A token that does not allow another id keeps the first one, on both. */
Test(token, ids_that_cannot_be_set)
{
	const json_t *objects;
	size_t problems;

	mock("rw,fail=C_SetAttributeValue:10");
	generate_ok("P-256");
	objects = json_object_get(json_array_get(list(
	    "pkcs11:?pin-value=1234", true, &problems), 0), "objects");
	cr_assert_eq(json_array_size(objects), 2);
	cr_assert(json_equal(json_object_get(json_array_get(objects, 0),
	    "id"), json_object_get(json_array_get(objects, 1), "id")));
	close_key();

	/* One of two, and no way back. */
	mock("rw,fail=C_SetAttributeValue:10:1");
	cr_assert_eq(generate(NEW, "P-256"), FW_E_KEY);
	HAS("C_SetAttributeValue");
	nothing_left("one of two");
}

/* What a key may do besides signing is taken from it, where that is possible. */
Test(token, uses)
{
	static const char *const how[] = { "rw,eager",
		"rw,eager,fail=C_SetAttributeValue:10" };
	const json_t *may;
	size_t i, problems;

	for (i = 0; i < 2; i++) {
		mock("%s", how[i]);
		generate_ok("P-256");
		cr_assert_eq(mock_calls("C_SetAttributeValue"), i == 0 ? 5 :
		    4);
		may = json_object_get(json_array_get(json_object_get(
		    json_array_get(list("pkcs11:?pin-value=1234", true,
		    &problems), 0), "objects"), 0), "may");
		cr_assert_eq(json_array_size(may), i == 0 ? 1 : 4);
		close_key();
	}
}

Test(token, names_that_are_taken)
{
	static const char *const what[] = { "key", "pub" };
	size_t i;

	for (i = 0; i < 2; i++) {
		mock("%s=%s/key.pem:new:01,rw", what[i], dir);
		cr_assert_eq(generate(NEW, "P-256"), FW_E_REFUSED, "%s",
		    what[i]);
		HAS("there is an object 'new'");
		cr_assert_eq(mock_calls("C_GenerateKeyPair"), 0);
	}
	mock("cert=%s/p256/leaf.pem:new:01,rw", pki);
	cr_assert_eq(generate(NEW, "P-256"), FW_E_REFUSED);
	mock("rw");
	cr_assert_eq(generate("pkcs11:token=mock", "P-256"), FW_E_INPUT);
	cr_assert_eq(generate(NEW ";id=%01", "P-256"), FW_E_INPUT);
	cr_assert_eq(mock_calls("C_Initialize"), 0, "seen before a module");
	cr_assert_eq(generate(NEW, "P-224"), FW_E_USAGE);
}

Test(token, memory_runs_out)
{
	int i;

	for (i = 0;; i++) {
		mock("rw");
		fault_set(FAULT_ALLOC, i, ENOMEM);
		if (generate(NEW, "P-256") == FW_OK && fault.hits == 0)
			break;
		/* p11-kit does not tell why it failed. */
		if (key != NULL)
			close_key();
		else
			nothing_left("memory");
		fault_reset();
		cr_assert_lt(i, 5000);
	}
	fault_reset();
	cr_assert_gt(i, 20);
	close_key();
}

/* ---- storing certificates --------------------------------------------- */

static struct fw_import import;

static enum fw_kind
store(const char *file)
{
	struct fw_chain chain = { 0 };
	char path[256];
	enum fw_kind kind;

	(void)snprintf(path, sizeof path, "%s/%s", pki, file);
	cr_assert_eq(fw_chain_load(path, &chain, &err), FW_OK, "%s",
	    err.text);
	kind = fw_key_import(key, &chain, &import, &err);
	fw_chain_deinit(&chain);
	return kind;
}

/* The token with the release signer's key. */
static void
open_signer(const char *settings)
{
	mock("key=%s/p256/release.key:k:01,rw%s", pki, settings);
	open_ok("pkcs11:token=mock;object=k");
}

Test(token, a_chain_is_stored_whole_or_not_at_all)
{
	char settings[64];
	size_t n;

	for (n = 0;; n++) {
		(void)snprintf(settings, sizeof settings,
		    ",fail=C_CreateObject:31:%zu", n);
		open_signer(settings);
		if (store("p256/full-chain.pem") == FW_OK)
			break;
		cr_assert_eq(err.kind, FW_E_KEY);
		HAS("C_CreateObject failed: CKR_DEVICE_MEMORY");
		cr_assert_eq(mock_calls("C_DestroyObject"), n);
		close_key();
	}
	cr_assert_eq(n, 3);
	cr_assert_eq(import.stored, 3);
	cr_assert_eq(store("p256/full-chain.pem"), FW_OK);
	cr_assert_eq(import.there, 3);
	cr_assert_eq(mock_calls("C_CreateObject"), 3);
}

Test(token, the_chain_that_was_stored_is_found)
{
	struct fw_chain chain = { 0 };
	size_t n;

	open_signer("");
	cr_assert_eq(fw_key_certificates(key, &n, &err), FW_OK);
	cr_assert_eq(n, 0);
	cr_assert_eq(store("p256/full-chain.pem"), FW_OK, "%s", err.text);
	cr_assert_eq(fw_key_certificates(key, &n, &err), FW_OK);
	cr_assert_eq(n, 1);
	cr_assert_eq(fw_key_chain(key, &chain, &err), FW_OK, "%s", err.text);
	cr_assert_eq(chain.n, 2);
	cr_assert_gt(chain.root.n, 0);
	fw_chain_deinit(&chain);
}

Test(token, replacing)
{
	size_t n;

	open_signer("");
	cr_assert_eq(store("p256/leaf.pem"), FW_OK, "%s", err.text);
	cr_assert_eq(store("renewed.pem"), FW_E_REFUSED);
	HAS("--replace");
	cr_assert_eq(mock_calls("C_CreateObject"), 1);
	import.replace = true;
	cr_assert_eq(store("renewed.pem"), FW_OK, "%s", err.text);
	cr_assert_eq(import.removed, 1);
	cr_assert_eq(fw_key_certificates(key, &n, &err), FW_OK);
	cr_assert_eq(n, 1);
	close_key();

	/* An old one that cannot go: then the new one does not stay. */
	open_signer(",fail=C_DestroyObject:1b");
	cr_assert_eq(store("p256/leaf.pem"), FW_OK, "%s", err.text);
	cr_assert_eq(store("renewed.pem"), FW_E_KEY);
	HAS("cannot remove the certificate that is to be replaced");
	cr_assert_eq(mock_calls("C_DestroyObject"), 2, "the old, the new");
}

Test(token, certificates_of_others)
{
	open_signer("");
	cr_assert_eq(store("p256/intermediate.pem"), FW_E_REFUSED);
	HAS("their public keys differ");
	cr_assert_eq(mock_calls("C_OpenSession"), 1, "none that writes");
	close_key();

	/* Where the token shows no public key, a signature tells. */
	mock("key=%s/key.pem:k:01,rw,nopub", dir);
	open_ok("pkcs11:token=mock;object=k");
	cr_assert_eq(store("p256/leaf.pem"), FW_E_REFUSED);
	HAS("is it the certificate of another key?");
	cr_assert_eq(mock_calls("C_CreateObject"), 0);
	close_key();
	mock("key=%s/p256/release.key:k:01,rw,nopub", pki);
	open_ok("pkcs11:token=mock;object=k");
	cr_assert_eq(store("p256/leaf.pem"), FW_OK, "%s", err.text);
	close_key();

	mock("key=%s/p256/release.key:k:,rw", pki);
	open_ok("pkcs11:token=mock;object=k");
	cr_assert_eq(store("p256/leaf.pem"), FW_E_KEY);
	HAS("has no id to tie a certificate to it");
}

/* ---- the list ------------------------------------------------------------ */

static const char *
get(const json_t *o, const char *member)
{
	const char *const s = json_string_value(json_object_get(o, member));

	return s != NULL ? s : "";
}

Test(token, lists_all_tokens_and_what_fails)
{
	json_t *tokens;
	size_t n, problems;

	mock("key=%s/key.pem:k:01,tokens=3", dir);
	tokens = list(NULL, false, &problems);
	cr_assert_eq(json_array_size(tokens), 3);
	cr_assert_eq(problems, 0);
	cr_assert_eq(mock_calls("C_Login"), 0);
	cr_assert_str_eq(get(json_array_get(tokens, 0), "pin"), "good");
	cr_assert_eq(json_array_size(json_object_get(json_array_get(tokens,
	    2), "objects")), 1, "the public key");

	mock("key=%s/key.pem:k:01,tokens=2,fail=C_OpenSession:b1:1", dir);
	tokens = list(NULL, false, &problems);
	cr_assert_eq(json_array_size(tokens), 2);
	cr_assert_eq(problems, 1);
	cr_assert_not_null(strstr(get(json_array_get(tokens, 1), "problem"),
	    "CKR_SESSION_COUNT"));

	/* Whatever fails, it is said. */
	for (n = 0;; n++) {
		mock("key=%s/key.pem:k:01,cert=%s/p256/leaf.pem:c:02,"
		    "fail=C_GetAttributeValue:30:%zu", dir, pki, n);
		tokens = list("pkcs11:?pin-value=1234", true, &problems);
		if (problems == 0)
			break;
		cr_assert_not_null(strstr(get(json_array_get(tokens, 0),
		    "problem"), "C_GetAttributeValue"));
	}
	cr_assert_gt(n, 20);
	cr_assert_eq(json_array_size(json_object_get(json_array_get(tokens,
	    0), "objects")), 3);
}

Test(token, lists_what_the_flags_say)
{
	static const struct {
		const char *how, *pin;
	} cases[] = {
		{ "tries=0", "locked" }, { "tries=1", "final-try" },
		{ "tries=2", "few-tries" }, { "nologin", "none" },
		{ "noflags,tries=1", "good" },
	};
	size_t i, problems;
	json_t *t;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		mock("%s,pad,wp", cases[i].how);
		t = json_array_get(list(NULL, false, &problems), 0);
		cr_assert_str_eq(get(t, "pin"), cases[i].pin);
		cr_assert(json_is_true(json_object_get(t, "pin-pad")));
		cr_assert(json_is_true(json_object_get(t,
		    "write-protected")));
	}
}

Test(token, export_in_words)
{
	static const struct {
		struct fw_key_guard g;	/* sensitive, extractable, always
					   sensitive, never extractable */
		const char *want;
	} cases[] = {
		{ { FW_YES, FW_NO, FW_YES, FW_YES, FW_YES }, "never" },
		{ { FW_YES, FW_NO, FW_YES, FW_NO, FW_YES }, "no" },
		{ { FW_YES, FW_NO, FW_NO, FW_YES, FW_YES }, "no" },
		{ { FW_YES, FW_NO, FW_UNKNOWN, FW_YES, FW_YES }, "no" },
		{ { FW_NO, FW_NO, FW_NO, FW_NO, FW_NO }, "no" },
		{ { FW_YES, FW_YES, FW_YES, FW_NO, FW_YES }, "wrapped" },
		{ { FW_NO, FW_YES, FW_NO, FW_NO, FW_YES }, "plain" },
		{ { FW_UNKNOWN, FW_YES, FW_NO, FW_NO, FW_YES }, "plain" },
		{ { FW_YES, FW_UNKNOWN, FW_YES, FW_YES, FW_YES }, "unknown" },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
		cr_assert_str_eq(fw_key_export(&cases[i].g), cases[i].want,
		    "case %zu", i);
}
