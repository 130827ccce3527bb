/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists, spoilt in every way: what the host takes for a list is what
 * the device library takes for one, and nothing is added to one that the root
 * has not signed.  Calls that fail leave no file.
 */
#include <openssl/pem.h>

#include "device/internal.h"
#include "device/testpki.h"
#include "host/build.h"
#include "host/describe.h"
#include "host/internal.h"
#include "port/fwport.h"
#include "testdata/fault.h"
#include "testdata/scratch.h"

static struct fwp_openssl *openssl;
static struct fwd_crypto crypto;
static struct fw_revoke_options opt;
static struct fw_error err;
static char key_path[192], root_path[192], out_path[192], next_path[192];
static struct fw_buf list;		/* a good one, in out_path as well */

#define ID_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID_B "ff112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
static const char *const ids[] = { ID_B, ID_A };

static void
write_key(EVP_PKEY *key)
{
	FILE *const f = fopen(key_path, "w"), *const g = fopen(root_path, "w");

	cr_assert(f != NULL && g != NULL);
	cr_assert_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL),
	    1);
	cr_assert_eq(PEM_write_PUBKEY(g, key), 1);
	cr_assert(fclose(f) == 0 && fclose(g) == 0);
}

static void
path_of(char to[192], const char *name)
{
	(void)snprintf(to, 192, "%s/%s", scratch_dir, name);
}

static void
setup(void)
{
	struct fw_revoked done = { 0 };
	EVP_PKEY *const key = tp_key(FWD_KEY_P256);

	fault_reset();
	fault.no_fsync = true;
	scratch_setup();
	path_of(key_path, "key.pem");
	path_of(root_path, "root.pem");
	path_of(out_path, "list");
	path_of(next_path, "next");
	write_key(key);
	EVP_PKEY_free(key);
	openssl = fwp_openssl_new();
	crypto = fwp_openssl_crypto(openssl);
	opt = (struct fw_revoke_options){
		.crypto = &crypto, .signer = { .key = key_path },
		.key = FW_KEY_OPTIONS_NONE, .root = root_path, .number = 300,
		.revoke = ids, .revokes = 2,
	};
	cr_assert_eq(fw_revoke(out_path, &opt, &done, &err), FW_OK, "%s",
	    err.text);
	cr_assert_eq(done.keys, 2);
	fw_revoked_deinit(&done);
	cr_assert_eq(fw_file_read(out_path, FW_LIST_MAX, &list, &err), FW_OK);
}

static void
teardown(void)
{
	fw_buf_deinit(&list);
	fwp_openssl_free(openssl);
	(void)unlink(key_path);
	(void)unlink(root_path);
	(void)unlink(out_path);
	(void)unlink(next_path);
	scratch_teardown();
}

TestSuite(revoke, .init = setup, .fini = teardown);

/* ---- all that a list can be spoilt to ----------------------------------- */

typedef void try_fn(struct fwd_span data, const char *what, size_t at);

/* Each length, each bit, each byte added, and each byte 0 and 255. */
static void
for_all_spoilt(try_fn *try)
{
	static const uint8_t values[] = { 0x00, 0x18, 0x40, 0x5f, 0x80, 0xff };
	uint8_t copy[512];

	cr_assert_lt(list.n, sizeof copy);
	memcpy(copy, list.p, list.n);
	for (size_t i = 0; i < list.n; i++)
		try((struct fwd_span){ copy, i }, "cut", i);
	copy[list.n] = 0;
	try((struct fwd_span){ copy, list.n + 1 }, "trailing", list.n);
	for (size_t i = 0; i < 8 * list.n; i++) {
		copy[i / 8] ^= (uint8_t)(1u << i % 8);
		try((struct fwd_span){ copy, list.n }, "bit", i);
		copy[i / 8] = list.p[i / 8];
	}
	for (size_t i = 0; i < list.n * sizeof values; i++) {
		copy[i / sizeof values] = values[i % sizeof values];
		if (memcmp(copy, list.p, list.n) != 0)
			try((struct fwd_span){ copy, list.n }, "byte", i);
		copy[i / sizeof values] = list.p[i / sizeof values];
	}
}

/* The form, by the device library. */
static bool
device_form(struct fwd_span data)
{
	struct fwd_cbor c = fwd_cbor_open(data);
	struct fwd_revocations out;
	struct fwd_span content, block;
	struct fwd_cose cose;
	uint64_t n;

	return fwd_revocations_stored(data, &out) == FWD_OK &&
	    fwd_cbor_array(&c, &n) == FWD_OK &&
	    fwd_cbor_bytes(&c, &content) == FWD_OK &&
	    fwd_cbor_bytes(&c, &block) == FWD_OK &&
	    fwd_cose_read(block, &cose) == FWD_OK && cose.certs == 0;
}

static size_t accepted, refused;

static void
load_one(struct fwd_span data, const char *what, size_t at)
{
	const bool good = device_form(data);
	struct fwd_revocations device, host;
	struct fw_buf got = { 0 };
	enum fw_kind kind;

	scratch_write(data.p, data.n);
	kind = fw_revocations_load(scratch_path, &got, &host, &err);
	cr_assert_eq(kind, good ? FW_OK : FW_E_INPUT, "%s %zu", what, at);
	accepted += good;
	refused += !good;
	if (good) {
		cr_assert_eq(fwd_revocations_stored(data, &device), FWD_OK);
		cr_assert_eq(host.number, device.number);
		cr_assert(fwd_span_equal(host.revoked, device.revoked));
	}
	fw_buf_deinit(&got);
}

/* Host and device agree about what a list is. */
Test(revoke, form_of_spoilt_lists)
{
	accepted = refused = 0;
	load_one(fw_buf_span(&list), "whole", 0);
	cr_assert_eq(accepted, 1);
	for_all_spoilt(load_one);
	cr_assert_gt(accepted, 500);	/* number, keys, signature */
	cr_assert_gt(refused, 200);
}

static void
add_to_one(struct fwd_span data, const char *what, size_t at)
{
	struct fw_revoked done = { 0 };
	enum fw_kind kind;

	scratch_write(data.p, data.n);
	kind = fw_revoke(next_path, &opt, &done, &err);
	cr_assert(kind == FW_E_REFUSED || kind == FW_E_INPUT, "%s %zu", what,
	    at);
	cr_assert_eq(access(next_path, F_OK), -1, "%s %zu", what, at);
	refused++;
}

/* Nothing is added to what the root has not signed. */
Test(revoke, added_to_spoilt_lists)
{
	struct fw_revoked done = { 0 };

	opt.number = UINT64_MAX;	/* greater than that of any */
	opt.add_to = scratch_path;
	refused = 0;
	for_all_spoilt(add_to_one);
	cr_assert_gt(refused, 1000);
	opt.number = 301;
	scratch_write(list.p, list.n);
	cr_assert_eq(fw_revoke(next_path, &opt, &done, &err), FW_OK, "%s",
	    err.text);
	cr_assert(done.follows && done.before == 300 && done.keys == 2);
	cr_assert(done.key[0].old && done.key[1].old);
	fw_revoked_deinit(&done);
}

/* ---- what inspect shows -------------------------------------------------- */

static void
describe_one(struct fwd_span data, const char *what, size_t at)
{
	const uint8_t *const copy = data.n != 0 ? memcpy(malloc(data.n), data.p,
	    data.n) : NULL;
	const struct fwd_span exact = { copy, data.n };
	json_t *const problems = json_array();
	struct fw_buf text = { 0 };
	json_t *o = NULL, *tree;

	(void)fw_is_revocations(copy, data.n);
	cr_assert_eq(fw_describe_revocations(exact, problems, &o, &err),
	    FW_OK);
	cr_assert_eq(json_array_size(problems) == 0, device_form(data),
	    "%s %zu", what, at);
	tree = json_pack("{s:s, s:s, s:i, s:o, s:o}", "file", "x", "kind",
	    "revocation-list", "size", 1, "revocations", o, "problems",
	    problems);
	cr_assert_eq(fw_describe_text(tree, &text, &err), FW_OK);
	for (size_t i = 0; i < text.n; i++)
		cr_assert(text.p[i] == '\n' || (text.p[i] >= ' ' &&
		    text.p[i] != 0x7f), "%s %zu", what, at);
	fw_buf_deinit(&text);
	json_decref(tree);
	free((void *)(uintptr_t)copy);
}

/* Inspect finds fault with exactly what a device does not read. */
Test(revoke, described)
{
	describe_one(fw_buf_span(&list), "whole", 0);
	for_all_spoilt(describe_one);
}

/* It is told by its first bytes, however long they say it is. */
Test(revoke, recognised)
{
	static const uint8_t name[] = "\x84\x6e" FW_REVOCATIONS_KIND;
	static const struct {
		uint8_t head[10];
		size_t n;
		bool yes;
	} cases[] = {
		{ { 0x82, 0x50 }, 2, true },
		{ { 0x82, 0x58, 1 }, 3, true },
		{ { 0x82, 0x59, 1, 2 }, 4, true },
		{ { 0x82, 0x5a, 1, 2, 3, 4 }, 6, true },
		{ { 0x82, 0x5b, 1, 2, 3, 4, 5, 6, 7, 8 }, 10, true },
		{ { 0x82, 0x5c }, 2, false }, { { 0x82, 0x5f }, 2, false },
		{ { 0x83, 0x50 }, 2, false }, { { 0x82, 0x70 }, 2, false },
	};
	uint8_t p[32];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const size_t n = cases[i].n + sizeof name - 1;

		memcpy(p, cases[i].head, cases[i].n);
		memcpy(p + cases[i].n, name, sizeof name - 1);
		cr_assert_eq(fw_is_revocations(p, n), cases[i].yes, "%zu", i);
		for (size_t k = 0; k < n; k++)
			cr_assert_not(fw_is_revocations(p, k));
	}
}

/* ---- limits -------------------------------------------------------------- */

/* What cannot be signed is refused before the key is asked for. */
Test(revoke, numbers)
{
	static const uint64_t number[] = { 0, 299, 300 };
	struct fw_revoked done = { 0 };

	opt.add_to = out_path;
	opt.signer.key = (char *)(uintptr_t)"nokey";
	for (size_t i = 0; i < 3; i++) {
		opt.number = number[i];
		cr_assert_eq(fw_revoke(next_path, &opt, &done, &err),
		    FW_E_REFUSED);
	}
	opt.number = 301;
	cr_assert_eq(fw_revoke(next_path, &opt, &done, &err), FW_E_KEY);
	cr_assert_eq(access(next_path, F_OK), -1);
}

/* ---- calls that fail ----------------------------------------------------- */

/* Each call of a kind fails in turn: said so, and no file. */
static void
each_call(enum fault_call call, int error)
{
	const int fds = scratch_fds();
	struct fw_revoked done;
	enum fw_kind kind;
	int i;

	for (i = 0;; i++) {
		(void)unlink(next_path);
		done = (struct fw_revoked){ 0 };
		fault_set(call, i, error);
		kind = fw_revoke(next_path, &opt, &done, &err);
		if (!fault_hit())
			break;
		/* Some calls can fail without harm. */
		cr_assert_eq(access(next_path, F_OK), kind == FW_OK ? 0 : -1,
		    "call %d, %d", (int)call, i);
		if (kind != FW_OK)
			cr_assert_neq(err.text[0], '\0');
		fw_revoked_deinit(&done);
		cr_assert_eq(scratch_fds(), fds);
	}
	cr_assert_eq(kind, FW_OK, "%s", err.text);
	cr_assert_gt(i, 0, "call %d is not made", (int)call);
	fw_revoked_deinit(&done);
}

Test(revoke, calls_that_fail)
{
	opt.number = 301;
	opt.add_to = out_path;
	each_call(FAULT_ALLOC, ENOMEM);
	each_call(FAULT_OPEN, EACCES);
	each_call(FAULT_READ, EIO);
	each_call(FAULT_WRITE, ENOSPC);
	each_call(FAULT_PREAD, EIO);
	each_call(FAULT_FSTAT, EIO);
	each_call(FAULT_LINKAT, EIO);
}

/* What the file holds is read again before it gets its name. */
static bool spoiling;

static fwd_status
lying_verify(void *ctx, const struct fwd_sig *sig)
{
	(void)ctx;
	if (spoiling)
		return FWD_E_SIG;
	return crypto.verify(crypto.ctx, sig);
}

Test(revoke, judged_in_the_end)
{
	struct fwd_crypto liar = crypto;
	struct fw_revoked done = { 0 };

	liar.verify = lying_verify;
	opt.crypto = &liar;
	spoiling = true;
	cr_assert_eq(fw_revoke(next_path, &opt, &done, &err), FW_E_REFUSED);
	cr_assert_not_null(strstr(err.text, "the device library refuses"));
	cr_assert_eq(access(next_path, F_OK), -1);
	spoiling = false;
	cr_assert_eq(fw_revoke(next_path, &opt, &done, &err), FW_OK);
	fw_revoked_deinit(&done);
}
