/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain for tests, judged by the device library and by OpenSSL: what the
 * first accepts, the second must accept as well.
 */
#ifndef TESTCHAIN_H
#define TESTCHAIN_H

#include <openssl/x509_vfy.h>

#include "device/testpki.h"
#include "port/fwport.h"

#define NOW 1780000000			/* 2026-05-28 */
#define MAX_CERTS 12

/* ---- a chain and its judges --------------------------------------- */

static struct fwp_openssl *openssl;
static struct fwd_crypto crypto;
static EVP_PKEY *key[4];		/* root, two CAs, leaf */

static struct tp_bytes der[MAX_CERTS];	/* leaf first */
static size_t ders;
static struct fwd_anchor anchor[FWD_ANCHORS_MAX];
static struct tp_bytes root_name, root_spki;
static struct fwd_policy policy;
static int64_t now;
static struct fwd_chain_result result;

/* The last step that failed. */
static struct fwd_event last;

static inline void
on_event(void *ctx, const struct fwd_event *ev)
{
	char line[FWD_LINE_MAX];

	(void)ctx;
	/* whatever the facts are, they can be read and printed */
	cr_assert_lt(fwd_event_format(ev, line, sizeof line), FWD_LINE_MAX);
	if (ev->status != FWD_OK)
		last = *ev;
}

static inline void
open_pki(void)
{
	openssl = fwp_openssl_new();
	cr_assert_not_null(openssl);
	crypto = fwp_openssl_crypto(openssl);
	for (size_t i = 0; i < 4; i++)
		key[i] = tp_key(FWD_KEY_P256);
	root_name = tp_name("R");
	root_spki = tp_spki(key[0]);
	anchor[0] = (struct fwd_anchor){ tp_span(&root_name),
	    tp_span(&root_spki) };
	policy = (struct fwd_policy){ .anchor = anchor, .anchors = 1,
	    .threshold = 1, .clock = FWD_CLOCK_TRUSTED,
	    .time_min = INT64_MIN, .purpose = fwd_code_signing };
	now = NOW;
	ders = 0;
}

static inline void
close_pki(void)
{
	for (size_t i = 0; i < 4; i++)
		EVP_PKEY_free(key[i]);
	fwp_openssl_free(openssl);
}

static inline fwd_status
judge(void)
{
	static const struct fwd_chain_result none;
	struct fwd_span cert[MAX_CERTS];
	fwd_status s;

	for (size_t i = 0; i < ders; i++)
		cert[i] = tp_span(&der[i]);
	memset(&last, 0, sizeof last);
	memset(&result, 0xff, sizeof result);
	s = fwd_chain_check(&crypto, &policy, now, cert, ders,
	    (struct fwd_tracer){ on_event, NULL }, &result);
	if (s != FWD_OK) {
		cr_assert_eq(last.status, s, "the trace says %s, not %s",
		    fwd_status_code(last.status), fwd_status_code(s));
		cr_assert_eq(memcmp(&result, &none, sizeof none), 0,
		    "a refusal leaves a result");
	}
	return s;
}

static inline X509 *
parse(const struct tp_bytes *b)
{
	const unsigned char *p = b->p;
	X509 *const x = d2i_X509(NULL, &p, (long)b->n);

	cr_assert_not_null(x);
	cr_assert_eq(p, b->p + b->n);
	return x;
}

/* Does OpenSSL accept the chain below the root, which it gets whole? */
static inline bool
openssl_accepts(void)
{
	struct tp_cert c = tp_template("R", "R", key[0], key[0], true);
	const struct tp_bytes root = tp_issue(&c);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *rest = sk_X509_new_null();
	X509 *leaf = parse(&der[0]), *x = parse(&root);
	bool good;

	cr_assert_eq(X509_STORE_add_cert(store, x), 1);
	X509_free(x);
	for (size_t i = 1; i < ders; i++)
		cr_assert(sk_X509_push(rest, parse(&der[i])) > 0);
	cr_assert_eq(X509_STORE_CTX_init(ctx, store, leaf, rest), 1);
	if (policy.clock == FWD_CLOCK_TRUSTED)
		X509_STORE_CTX_set_time(ctx, 0, (time_t)now);
	else
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
	good = X509_verify_cert(ctx) == 1;
	if (!good)
		cr_log_error("%s", X509_verify_cert_error_string(
		    X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_pop_free(rest, X509_free);
	X509_free(leaf);
	return good;
}

#define EXPECT(want, ...) do {						\
	const fwd_status s_ = judge();					\
	cr_assert_eq(s_, want, "got %s", fwd_status_code(s_));		\
	if (s_ == FWD_OK)						\
		cr_assert(openssl_accepts(), "OpenSSL refuses");	\
} while (0)

/* Leaf L below I below the root. */
static inline void
issue_two(struct tp_cert *c)
{
	der[0] = tp_issue(&c[0]);
	der[1] = tp_issue(&c[1]);
	ders = 2;
}

static inline void
two(struct tp_cert *c)
{
	c[0] = tp_template("L", "I", key[3], key[1], false);
	c[1] = tp_template("I", "R", key[1], key[0], true);
}

/* Leaf L below I below J below the root: three certificates. */
static inline void
three(void)
{
	struct tp_cert c;

	c = tp_template("L", "I", key[3], key[1], false);
	der[0] = tp_issue(&c);
	c = tp_template("I", "J", key[1], key[2], true);
	der[1] = tp_issue(&c);
	c = tp_template("J", "R", key[2], key[0], true);
	der[2] = tp_issue(&c);
	ders = 3;
}

static struct tp_cert pair[2];		/* too large for the stack */

#endif
