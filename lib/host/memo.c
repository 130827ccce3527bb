/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crypto port that remembers which signatures held.  The bundles of a batch
 * carry the same certificates, and whether the signatures in these hold does
 * not change from one to the next.  Only a success is remembered, by a copy of
 * all that it depends on.
 */
#include <string.h>

#include "host/memo.h"
#include "host/internal.h"

enum { SEEN_MAX = 4 * FWD_CHAIN_MAX };

struct fw_memo {
	const struct fwd_crypto *real;
	struct fw_buf now;		/* what is asked about */
	struct fw_buf seen[SEEN_MAX];	/* the last used first */
	size_t n;
};

struct fw_memo *
fw_memo_new(const struct fwd_crypto *real)
{
	struct fw_memo *const m = calloc(1, sizeof *m);

	if (m != NULL)
		m->real = real;
	return m;
}

void
fw_memo_free(struct fw_memo *m)
{
	size_t i;

	if (m == NULL)
		return;
	fw_buf_deinit(&m->now);
	for (i = 0; i < SEEN_MAX; i++)
		fw_buf_deinit(&m->seen[i]);
	free(m);
}

static bool
add(struct fw_memo *m, const void *p, size_t n)
{
	struct fw_error ignored;

	return fw_buf_add(&m->now, &n, sizeof n, &ignored) == FW_OK &&
	    (n == 0 || fw_buf_add(&m->now, p, n, &ignored) == FW_OK);
}

static bool
add_span(struct fw_memo *m, struct fwd_span s)
{
	return add(m, s.p, s.n);
}

/* All that the answer depends on, each part behind its length. */
static bool
write_down(struct fw_memo *m, const struct fwd_sig *sig)
{
	const int64_t numbers[] = { sig->alg, sig->digest_alg,
	    (int64_t)sig->key.type, sig->key.pss, sig->key.only,
	    (int64_t)sig->msg_n };
	size_t i;

	m->now.n = 0;
	if (!add(m, numbers, sizeof numbers) ||
	    !add_span(m, sig->key.point) || !add_span(m, sig->key.exponent) ||
	    !add(m, sig->digest, sig->digest_n) || !add_span(m, sig->sig))
		return false;
	for (i = 0; i < sig->msg_n; i++)
		if (!add_span(m, sig->msg[i]))
			return false;
	return true;
}

/* Put what is at that place in front. */
static void
to_front(struct fw_memo *m, size_t at)
{
	const struct fw_buf first = m->seen[at];

	memmove(&m->seen[1], &m->seen[0], at * sizeof first);
	m->seen[0] = first;
}

/* What is asked about comes in front; the last one goes, and its memory is
   used for the next question. */
static void
remember(struct fw_memo *m)
{
	struct fw_buf old;

	if (m->n < SEEN_MAX)
		m->n++;
	old = m->seen[m->n - 1];
	m->seen[m->n - 1] = m->now;
	m->now = old;
	to_front(m, m->n - 1);
}

static fwd_status
memo_verify(void *ctx, const struct fwd_sig *sig)
{
	struct fw_memo *const m = ctx;
	fwd_status s;
	size_t i;

	if (!write_down(m, sig))
		return m->real->verify(m->real->ctx, sig);
	for (i = 0; i < m->n; i++)
		if (m->seen[i].n == m->now.n &&
		    memcmp(m->seen[i].p, m->now.p, m->now.n) == 0) {
			to_front(m, i);
			return FWD_OK;
		}
	s = m->real->verify(m->real->ctx, sig);
	if (s == FWD_OK)
		remember(m);
	return s;
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
