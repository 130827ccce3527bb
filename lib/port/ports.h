/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: all ports side by side, BearSSL with words of 31 and of 15 bits.
 * Each signature is judged through each of them; what they say must be the same,
 * unless one lacks the algorithm, and then must say so.
 */
#ifndef PORTS_H
#define PORTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "testdata/sample.h"

#include "device/sig.h"

/* The same source again. */
#define FWP_BEARSSL_15
#define fwp_bearssl_init ports_bearssl15_init
struct fwp_bearssl;
struct fwd_crypto ports_bearssl15_init(struct fwp_bearssl *b);
#include "port/bearssl.c"
#undef fwp_bearssl_init

enum { PORTS = 4 };
static struct ports_one {
	const char *name;
	struct fwp_crypto *opened;
	struct fwp_bearssl space;
	struct fwd_crypto real;
	struct fwd_crypto crypto;	/* real, watched */
	bool lacked;			/* it was asked what it has not */
	unsigned asked;
} ports[PORTS];

/* A sample of what is spoilt in many ways: one of so many, so that each bit of a
   byte has its turn. */
#define PORTS_STRIDE	ONE_OF(23u)

/* What was compared; due: how often it had to be; spoilt: in how many ways,
   had all of them been judged. */
static struct {
	size_t items, accepted, refused, lacked, compared, due, spoilt;
} ports_sum;

/* Is it this one's turn? */
static inline bool
ports_turn(void)
{
	return ports_sum.spoilt++ % PORTS_STRIDE == 0;
}

/* The last port, words of 15 bits, is slow, and asked about a sample where
   there are many signatures or large curves. */
static bool ports_sample;

static inline size_t
ports_used(enum fwd_key_type type)
{
	const bool slow = ports_sample || type == FWD_KEY_P384 ||
	    type == FWD_KEY_P521;

	return slow && ports_sum.items % 13 != 0 ? PORTS - 1 : PORTS;
}

static inline fwd_status
ports_hash_start(void *ctx, int32_t alg)
{
	struct ports_one *const p = ctx;

	return p->real.hash_start(p->real.ctx, alg);
}

static inline fwd_status
ports_hash_add(void *ctx, const uint8_t *data, size_t n)
{
	struct ports_one *const p = ctx;

	return p->real.hash_add(p->real.ctx, data, n);
}

static inline fwd_status
ports_hash_end(void *ctx, uint8_t *out, size_t n)
{
	struct ports_one *const p = ctx;

	return p->real.hash_end(p->real.ctx, out, n);
}

static inline bool
ports_lacks(const struct ports_one *p, const struct fwd_key *key)
{
	if (p == &ports[0])
		return false;
	if (key->type == FWD_KEY_RSA)
		return strcmp(p->name, "psa") == 0 && key->point.p[0] < 0x80;
	return key->type == FWD_KEY_ED25519;
}

/* FWD_E_ALG exactly when the algorithm is lacking. */
static inline fwd_status
ports_verify(void *ctx, const struct fwd_sig *sig)
{
	struct ports_one *const p = ctx;
	const fwd_status s = p->real.verify(p->real.ctx, sig);
	const bool lacks = ports_lacks(p, &sig->key);

	cr_assert_eq(s == FWD_E_ALG, lacks, "%s with %s: %s", p->name,
	    fwd_alg_name(sig->alg), fwd_status_code(s));
	cr_assert(s == FWD_OK || s == FWD_E_SIG || s == FWD_E_KEY || lacks,
	    "%s with %s: %s", p->name, fwd_alg_name(sig->alg),
	    fwd_status_code(s));
	p->lacked |= lacks;
	p->asked++;
	return s;
}

static inline void
ports_open(void)
{
	static const char *const names[PORTS] = { "openssl", "bearssl",
	    "psa", "bearssl 15" };

	memset(&ports_sum, 0, sizeof ports_sum);
	for (size_t i = 0; i < PORTS; i++) {
		struct ports_one *const p = &ports[i];

		p->name = names[i];
		if (i == 3) {
			p->real = ports_bearssl15_init(&p->space);
		} else {
			p->opened = fwp_crypto_new(names[i]);
			cr_assert_not_null(p->opened);
			p->real = *fwp_crypto_get(p->opened);
		}
		p->crypto = (struct fwd_crypto){ p, ports_hash_start,
		    ports_hash_add, ports_hash_end, ports_verify };
	}
}

static inline void
ports_close(void)
{
	for (size_t i = 0; i < PORTS; i++)
		fwp_crypto_free(ports[i].opened);
}

static inline void
ports_print(const char *what)
{
	cr_assert(ports_sum.items != 0 && ports_sum.refused != 0);
	cr_assert_eq(ports_sum.compared + ports_sum.lacked, ports_sum.due);
	cr_assert_geq(ports_sum.due, 2 * ports_sum.items);
	(void)printf("ports: %-26s %6zu (%zu accepted, %zu refused), %zu "
	    "same verdicts, %zu unsupported", what, ports_sum.items,
	    ports_sum.accepted, ports_sum.refused, ports_sum.compared,
	    ports_sum.lacked);
	if (PORTS_STRIDE > 1)
		(void)printf("; 1 of %u of %zu variations",
		    PORTS_STRIDE, ports_sum.spoilt);
	(void)printf("\n");
	(void)fflush(stdout);
}

static inline void
ports_count(fwd_status want)
{
	ports_sum.items++;
	if (want == FWD_OK)
		ports_sum.accepted++;
	else
		ports_sum.refused++;
}

/* ---- one signature --------------------------------------------------- */

struct ports_bytes {
	uint8_t p[1200];
	size_t n;
};

static inline struct fwd_span
ports_span(const struct ports_bytes *b)
{
	return (struct fwd_span){ b->p, b->n };
}

struct ports_item {
	int32_t alg;
	enum fwd_key_type type;
	bool cert;			/* as in a certificate */
	struct ports_bytes point, exponent, msg, sig;
};

static inline fwd_status
ports_check(struct ports_one *p, const struct ports_item *t)
{
	const struct fwd_key key = { .type = t->type,
	    .point = ports_span(&t->point),
	    .exponent = ports_span(&t->exponent) };
	const struct fwd_span msg = ports_span(&t->msg);

	p->lacked = false;
	p->asked = 0;
	if (t->cert)
		return fwd_sig_check_cert(&p->crypto, t->alg, &key, msg,
		    ports_span(&t->sig));
	return fwd_sig_check(&p->crypto, t->alg, &key, &msg, 1,
	    ports_span(&t->sig));
}

/* Judge by all; returns what they agree upon. */
static inline fwd_status
ports_agree(const struct ports_item *t, const char *what, size_t i)
{
	const fwd_status want = ports_check(&ports[0], t);
	const size_t used = ports_used(t->type);
	fwd_status got;

	ports_count(want);
	ports_sum.due += used - 1;
	for (size_t k = 1; k < used; k++) {
		got = ports_check(&ports[k], t);
		cr_assert_eq(ports[k].asked != 0, ports[0].asked != 0);
		if (ports[k].lacked) {
			ports_sum.lacked++;
			cr_assert_eq(got, FWD_E_ALG, "%s: %s %s %zu: %s",
			    ports[k].name, fwd_alg_name(t->alg), what, i,
			    fwd_status_code(got));
			continue;
		}
		ports_sum.compared++;
		cr_assert_eq(got, want, "%s: %s %s %zu: %s, not %s",
		    ports[k].name, fwd_alg_name(t->alg), what, i,
		    fwd_status_code(got), fwd_status_code(want));
	}
	return want;
}

static inline void
ports_good(const struct ports_item *t, const char *what, size_t i)
{
	const fwd_status s = ports_agree(t, what, i);

	cr_assert_eq(s, FWD_OK, "%s %s %zu: %s", fwd_alg_name(t->alg), what,
	    i, fwd_status_code(s));
}

static inline void
ports_bad(const struct ports_item *t, const char *what, size_t i)
{
	cr_assert_neq(ports_agree(t, what, i), FWD_OK, "%s %s %zu",
	    fwd_alg_name(t->alg), what, i);
}

/* Bits [from, to) of b, or every so many of them, flipped one by one. */
static inline void
ports_flip(struct ports_item *t, struct ports_bytes *b, size_t from,
    size_t to, size_t step, const char *what)
{
	ports_sample = true;
	for (size_t i = from; i < to; i += step) {
		if (!ports_turn())
			continue;
		b->p[i / 8] ^= (uint8_t)(1u << i % 8);
		ports_bad(t, what, i);
		b->p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	ports_sample = false;
}

/* All wrong lengths, cut or with zeros at the end, and zeros in front. */
static inline void
ports_lengths(const struct ports_item *good)
{
	struct ports_item t = *good;

	memset(t.sig.p + good->sig.n, 0, sizeof t.sig.p - good->sig.n);
	for (t.sig.n = 0; t.sig.n <= good->sig.n + 8; t.sig.n++)
		if (t.sig.n != good->sig.n && ports_turn())
			ports_bad(&t, "length", t.sig.n);
	for (size_t i = 1; i <= 16; i++) {
		memset(t.sig.p, 0, i);
		memcpy(t.sig.p + i, good->sig.p, good->sig.n);
		t.sig.n = good->sig.n + i;
		ports_bad(&t, "zeros in front", i);
		t.sig.n = good->sig.n;
		ports_bad(&t, "moved", i);
	}
}

static inline void
ports_text(struct ports_bytes *b, const char *s)
{
	b->n = strlen(s);
	memcpy(b->p, s, b->n);
}

static inline const EVP_MD *
ports_md(int32_t alg)
{
	switch (alg) {
	case FWD_ESP256:
	case FWD_ES256:
	case FWD_PS256:
	case FWD_RS256:
		return EVP_sha256();
	case FWD_ESP384:
	case FWD_ES384:
	case FWD_PS384:
	case FWD_RS384:
		return EVP_sha384();
	default:
		return EVP_sha512();
	}
}

#endif
