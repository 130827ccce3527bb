/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crypto port that remembers which signatures held.  The bundles of a batch
 * carry the same certificates, and whether the signatures in these hold does
 * not change from one to the next.  Only a success is remembered, by the
 * SHA-256 of all that it depends on.
 */
#include <openssl/evp.h>
#include <string.h>

#include "host/memo.h"
#include "host/internal.h"

enum { SEEN_MAX = 4 * FWD_CHAIN_MAX, HASH = 32 };

struct fw_memo {
	const struct fwd_crypto *real;
	EVP_MD_CTX *md;
	uint8_t seen[SEEN_MAX][HASH];	/* the last used first */
	size_t n;
};

struct fw_memo *
fw_memo_new(const struct fwd_crypto *real)
{
	struct fw_memo *const m = calloc(1, sizeof *m);

	if (m == NULL || (m->md = EVP_MD_CTX_new()) == NULL) {
		free(m);
		return NULL;
	}
	m->real = real;
	return m;
}

void
fw_memo_free(struct fw_memo *m)
{
	if (m == NULL)
		return;
	EVP_MD_CTX_free(m->md);
	free(m);
}

static bool
add(struct fw_memo *m, struct fwd_span s)
{
	const uint64_t n = s.n;

	return EVP_DigestUpdate(m->md, &n, sizeof n) == 1 &&
	    (n == 0 || EVP_DigestUpdate(m->md, s.p, s.n) == 1);
}

/* All that the answer depends on, each part with its length. */
static bool
hash(struct fw_memo *m, const struct fwd_sig *sig, uint8_t out[HASH])
{
	const int64_t numbers[] = { sig->alg, sig->digest_alg,
	    (int64_t)sig->key.type, sig->key.pss, sig->key.only,
	    (int64_t)sig->msg_n };
	size_t i;

	if (EVP_DigestInit_ex(m->md, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(m->md, numbers, sizeof numbers) != 1 ||
	    !add(m, sig->key.point) || !add(m, sig->key.exponent) ||
	    !add(m, (struct fwd_span){ sig->digest, sig->digest_n }) ||
	    !add(m, sig->sig))
		return false;
	for (i = 0; i < sig->msg_n; i++)
		if (!add(m, sig->msg[i]))
			return false;
	return EVP_DigestFinal_ex(m->md, out, NULL) == 1;
}

/* Put it in front; the last one goes. */
static void
remember(struct fw_memo *m, const uint8_t h[HASH], size_t at)
{
	memmove(m->seen[1], m->seen[0], at * HASH);
	memcpy(m->seen[0], h, HASH);
}

static fwd_status
memo_verify(void *ctx, const struct fwd_sig *sig)
{
	struct fw_memo *const m = ctx;
	uint8_t h[HASH];
	fwd_status s;
	size_t i;

	if (!hash(m, sig, h))
		return m->real->verify(m->real->ctx, sig);
	for (i = 0; i < m->n; i++)
		if (memcmp(m->seen[i], h, HASH) == 0) {
			remember(m, h, i);
			return FWD_OK;
		}
	s = m->real->verify(m->real->ctx, sig);
	if (s != FWD_OK)
		return s;
	if (m->n < SEEN_MAX)
		m->n++;
	remember(m, h, m->n - 1);
	return FWD_OK;
}

static fwd_status
memo_start(void *ctx, int32_t alg)
{
	const struct fw_memo *const m = ctx;

	return m->real->hash_start(m->real->ctx, alg);
}

static fwd_status
memo_add(void *ctx, const uint8_t *p, size_t n)
{
	const struct fw_memo *const m = ctx;

	return m->real->hash_add(m->real->ctx, p, n);
}

static fwd_status
memo_end(void *ctx, uint8_t *out, size_t n)
{
	const struct fw_memo *const m = ctx;

	return m->real->hash_end(m->real->ctx, out, n);
}

struct fwd_crypto
fw_memo_crypto(struct fw_memo *m)
{
	return (struct fwd_crypto){ m, memo_start, memo_add, memo_end,
	    memo_verify };
}
