/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BearSSL port: what all ports have in common, and the same sources
 * compiled for small processors and with little in them.
 */
#include "port/port_test.h"

static struct fwp_bearssl space;
static struct fwd_crypto c;

static void
open_port(void)
{
	memset(&space, 0xa5, sizeof space);
	c = fwp_bearssl_init(&space);
}

TestSuite(bearssl, .init = open_port);
PORT_TESTS(bearssl, c)

Test(bearssl, lacks_ed25519)
{
	port_lacks_ed25519(&c);
}

/* Nothing points into the structure: it can be moved between two hashes. */
Test(bearssl, moves)
{
	struct fwp_bearssl copy;
	uint8_t out[32];

	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c.hash_end(c.ctx, out, 32), FWD_OK);
	copy = space;
	memset(&space, 0xa5, sizeof space);
	c.ctx = &copy;
	port_hashes_all_lengths(&c);
}

/* ---- SHA-256 and P-256 alone, words of 15 bits ----------------------- */

#define FWP_BEARSSL_15
#define FWP_BEARSSL_SMALL
#define fwp_bearssl_init small_init
struct fwd_crypto small_init(struct fwp_bearssl *b);
#include "port/bearssl.c"

static void
open_small(void)
{
	c = small_init(&space);
}

Test(small, p256_and_sha256, .init = open_small)
{
	uint8_t got[32], want[32];
	struct fwd_sig s;

	cr_assert_eq(EVP_Q_digest(NULL, "SHA256", NULL, "abc", 3, want,
	    NULL), 1);
	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c.hash_add(c.ctx, (const uint8_t *)"abc", 3), FWD_OK);
	cr_assert_eq(c.hash_end(c.ctx, got, 32), FWD_OK);
	cr_assert_eq(memcmp(got, want, 32), 0);
	EVP_PKEY_free(port_sign_p256(&s));
	cr_assert_eq(c.verify(c.ctx, &s), FWD_OK);
	for (size_t i = 0; i < 8 * s.sig.n; i++) {
		port_raw[i / 8] ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(c.verify(c.ctx, &s), FWD_E_SIG);
		port_raw[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t i = 8; i < 8 * s.key.point.n; i++) {
		port_point[i / 8] ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(c.verify(c.ctx, &s), FWD_E_KEY);
		port_point[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	cr_assert_eq(c.verify(c.ctx, &s), FWD_OK);
	port_point_at_infinity(&c);
}

Test(small, nothing_else, .init = open_small)
{
	static const enum fwd_key_type types[] = { FWD_KEY_NONE, FWD_KEY_P384,
	    FWD_KEY_P521, FWD_KEY_ED25519, FWD_KEY_RSA };
	struct fwd_sig s;

	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA384), FWD_E_ALG);
	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA512), FWD_E_ALG);
	EVP_PKEY_free(port_sign_p256(&s));
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		s.key.type = types[i];
		cr_assert_eq(c.verify(c.ctx, &s), FWD_E_ALG);
	}
}
