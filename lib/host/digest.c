/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes.  To look one up in OpenSSL takes longer than to hash a manifest, so
 * each is looked up once and kept, for all threads, until the program ends.
 */
#include <openssl/evp.h>
#include <pthread.h>

#include "host/build.h"
#include "host/internal.h"

enum { MDS = 4 };
static EVP_MD *known[MDS];			/* NULL: not to be had */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	static const char *const name[MDS] = { "SHA2-256", "SHA2-384",
	    "SHA2-512", "SHA1" };
	size_t i;

	for (i = 0; i < MDS; i++)
		known[i] = EVP_MD_fetch(NULL, name[i], NULL);
}

static const EVP_MD *
get(size_t i)
{
	(void)pthread_once(&once, fetch);
	return known[i];
}

const EVP_MD *
fw_digest_md(int32_t alg)
{
	switch (alg) {
	case FWD_SHA256:
		return get(0);
	case FWD_SHA384:
		return get(1);
	case FWD_SHA512:
		return get(2);
	default:
		return NULL;
	}
}

const EVP_MD *
fw_sha1_md(void)
{
	return get(3);
}

/* Hash head and data, one after the other. */
static enum fw_kind
hash(int32_t alg, struct fwd_span head, struct fwd_span data, uint8_t *out,
    struct fw_error *err)
{
	const EVP_MD *const md = fw_digest_md(alg);
	EVP_MD_CTX *ctx;
	bool ok;

	if (md == NULL)
		return fw_fail(err, FW_E_INPUT,
		    "digest algorithm %ld is not supported", (long)alg);
	ctx = EVP_MD_CTX_new();
	ok = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
	    EVP_DigestUpdate(ctx, head.p, head.n) == 1 &&
	    EVP_DigestUpdate(ctx, data.p, data.n) == 1 &&
	    EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot hash");
	return FW_OK;
}

enum fw_kind
fw_digest(int32_t alg, struct fwd_span data, uint8_t out[FWD_DIGEST_MAX],
    struct fw_error *err)
{
	return hash(alg, (struct fwd_span){ NULL, 0 }, data, out, err);
}

enum fw_kind
fw_digest_bstr(int32_t alg, struct fwd_span content,
    uint8_t out[FWD_DIGEST_MAX], struct fw_error *err)
{
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor head = { 0 };

	fw_cbor_head(&head, FWD_CBOR_BYTES, content.n);
	if (head.failed)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return hash(alg, fw_buf_span(&head.out), content, out, err);
}
