/* SPDX-License-Identifier: Apache-2.0 */
/* Crypto that remembers which signatures hold. */
#include <string.h>

#include "testdata/twin/twin.h"

enum { SEEN = 256 };
static struct seen {
	struct fwd_sig sig;		/* its spans point to what follows */
	uint8_t point[FWD_SIG_MAX], exponent[8], bytes[FWD_SIG_MAX];
	unsigned times;			/* it was found to hold */
} seen[SEEN];
static size_t count, next;		/* the oldest is replaced */
static uint32_t computed, remembered;
static const struct fwd_crypto *behind;

static fwd_status
memo_start(void *ctx, int32_t alg)
{
	(void)ctx;
	return behind->hash_start(behind->ctx, alg);
}

static fwd_status
memo_add(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	return behind->hash_add(behind->ctx, p, n);
}

static fwd_status
memo_end(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	return behind->hash_end(behind->ctx, out, n);
}

static bool
same(const struct fwd_sig *a, const struct fwd_sig *b)
{
	return a->alg == b->alg && a->digest_alg == b->digest_alg &&
	    a->key.type == b->key.type && a->key.pss == b->key.pss &&
	    a->key.only == b->key.only && a->digest_n == b->digest_n &&
	    memcmp(a->digest, b->digest, a->digest_n) == 0 &&
	    fwd_span_equal(a->key.point, b->key.point) &&
	    fwd_span_equal(a->key.exponent, b->key.exponent) &&
	    fwd_span_equal(a->sig, b->sig);
}

static struct seen *
find(const struct fwd_sig *sig)
{
	for (size_t i = 0; i < count; i++)
		if (same(&seen[i].sig, sig))
			return &seen[i];
	return NULL;
}

static struct fwd_span
keep(struct fwd_span from, uint8_t *to)
{
	memcpy(to, from.p, from.n);
	return (struct fwd_span){ to, from.n };
}

static void
remember(const struct fwd_sig *sig)
{
	struct seen *const s = &seen[next];

	if (sig->digest_n == 0 || sig->key.point.n > sizeof s->point ||
	    sig->key.exponent.n > sizeof s->exponent ||
	    sig->sig.n > sizeof s->bytes)
		return;
	s->sig = *sig;
	s->sig.key.point = keep(sig->key.point, s->point);
	s->sig.key.exponent = sig->key.exponent.n == 0 ?
	    (struct fwd_span){ s->exponent, 0 } :
	    keep(sig->key.exponent, s->exponent);
	s->sig.sig = keep(sig->sig, s->bytes);
	s->times = 1;
	next = (next + 1) % SEEN;
	if (count < SEEN)
		count++;
}

static fwd_status
memo_verify(void *ctx, const struct fwd_sig *sig)
{
	struct seen *const s = find(sig);
	fwd_status status;

	(void)ctx;
	if (s != NULL && s->times >= 2) {
		remembered++;
		return FWD_OK;
	}
	computed++;
	status = behind->verify(behind->ctx, sig);
	if (status == FWD_OK && s != NULL)
		s->times++;
	else if (status == FWD_OK)
		remember(sig);
	return status;
}

struct fwd_crypto
twin_memo(const struct fwd_crypto *real)
{
	behind = real;
	return (struct fwd_crypto){ NULL, memo_start, memo_add, memo_end,
	    memo_verify };
}

void
twin_memo_counts(uint32_t *c, uint32_t *r)
{
	*c = computed;
	*r = remembered;
}
