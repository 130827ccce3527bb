/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of signatures: a signature with all that belongs to it, and a port
 * that counts how often it is asked and can be told what to say.
 */
#ifndef TESTSIG_H
#define TESTSIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "device/sig.h"
#include "port/fwport.h"

/* ---- a port that counts and can be told what to say --------------- */

static struct fwp_openssl *openssl;

static struct spy {
	struct fwd_crypto real;
	unsigned verifies, hashes;
	bool scripted;
	fwd_status say[2];		/* instead of the real answers */
	fwd_status start, add, end;
} spy;

static inline fwd_status
spy_start(void *ctx, int32_t alg)
{
	(void)ctx;
	spy.hashes++;
	return spy.start != FWD_OK ? spy.start :
	    spy.real.hash_start(spy.real.ctx, alg);
}

static inline fwd_status
spy_add(void *ctx, const uint8_t *p, size_t n)
{
	(void)ctx;
	return spy.add != FWD_OK ? spy.add :
	    spy.real.hash_add(spy.real.ctx, p, n);
}

static inline fwd_status
spy_end(void *ctx, uint8_t *out, size_t n)
{
	(void)ctx;
	return spy.end != FWD_OK ? spy.end :
	    spy.real.hash_end(spy.real.ctx, out, n);
}

static inline fwd_status
spy_verify(void *ctx, const struct fwd_sig *sig)
{
	const unsigned i = spy.verifies++;

	(void)ctx;
	if (!spy.scripted)
		return spy.real.verify(spy.real.ctx, sig);
	cr_assert_lt(i, 2u, "the port is asked more than twice");
	return spy.say[i];
}

static const struct fwd_crypto port = { NULL, spy_start, spy_add, spy_end,
    spy_verify };

static inline void
open_port(void)
{
	openssl = fwp_openssl_new();
	cr_assert_not_null(openssl);
	memset(&spy, 0, sizeof spy);
	spy.real = fwp_openssl_crypto(openssl);
	spy.start = spy.add = spy.end = FWD_OK;
}

static inline void
close_port(void)
{
	fwp_openssl_free(openssl);
}

/* ---- signatures --------------------------------------------------- */

struct bytes {
	uint8_t p[1200];
	size_t n;
};

static inline struct bytes
unhex(const char *s)
{
	struct bytes b = { .n = strlen(s) / 2 };
	unsigned v;

	for (size_t i = 0; i < b.n; i++) {
		cr_assert_eq(sscanf(s + 2 * i, "%2x", &v), 1);
		b.p[i] = (uint8_t)v;
	}
	return b;
}

static inline struct bytes
text(const char *s)
{
	struct bytes b = { .n = strlen(s) };

	memcpy(b.p, s, b.n);
	return b;
}

static inline struct fwd_span
span(const struct bytes *b)
{
	return (struct fwd_span){ b->p, b->n };
}

/* One signature with all that belongs to it, to be spoilt by the tests. */
struct item {
	int32_t alg;
	enum fwd_key_type type;
	struct bytes point, exponent, msg, sig;
};

static inline fwd_status
check(const struct item *t)
{
	const struct fwd_key key = { .type = t->type,
	    .point = span(&t->point), .exponent = span(&t->exponent) };
	const struct fwd_span msg = span(&t->msg);

	spy.verifies = 0;
	return fwd_sig_check(&port, t->alg, &key, &msg, 1, span(&t->sig));
}

/* Each bit of b is flipped in turn; the signature never holds. */
static inline void
flip_all(struct item *t, struct bytes *b, const char *what)
{
	fwd_status s;

	for (size_t i = 0; i < 8 * b->n; i++) {
		b->p[i / 8] ^= (uint8_t)(1u << i % 8);
		s = check(t);
		cr_assert(s == FWD_E_SIG || s == FWD_E_SIG_FORM ||
		    s == FWD_E_KEY, "%s bit %zu of %s: %s",
		    fwd_alg_name(t->alg), i, what, fwd_status_code(s));
		b->p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	cr_assert_eq(check(t), FWD_OK);
}

/* Every other length of the signature is refused without asking the port. */
static inline void
wrong_lengths(struct item *t)
{
	const size_t right = t->sig.n;

	for (t->sig.n = 0; t->sig.n <= right + 8; t->sig.n++) {
		if (t->sig.n == right)
			continue;
		cr_assert_eq(check(t), FWD_E_SIG_FORM, "%zu", t->sig.n);
		cr_assert_eq(spy.verifies, 0u);
	}
	t->sig.n = right;
}

#endif
