/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PSA port: what all ports have in common; key slots are given back.
 */
#include "port/port_test.h"

static struct fwp_psa space;
static struct fwd_crypto c;

static void
open_port(void)
{
	memset(&space, 0xa5, sizeof space);
	cr_assert_eq(fwp_psa_init(&space, &c), FWD_OK);
}

static void
close_port(void)
{
	fwp_psa_deinit(&space);
}

TestSuite(psa, .init = open_port, .fini = close_port);
PORT_TESTS(psa, c)

Test(psa, lacks_ed25519)
{
	port_lacks_ed25519(&c);
}

/* PSA has 32 slots for volatile keys; each signature must give its own back,
   whatever the answer. */
Test(psa, key_slots)
{
	struct fwd_sig s;
	EVP_PKEY *key = port_sign_p256(&s);

	for (int i = 0; i < 100; i++) {
		cr_assert_eq(c.verify(c.ctx, &s), FWD_OK);
		port_raw[40] ^= 1;
		cr_assert_eq(c.verify(c.ctx, &s), FWD_E_SIG);
		port_raw[40] ^= 1;
		port_point[40] ^= 1;
		cr_assert_eq(c.verify(c.ctx, &s), FWD_E_KEY);
		port_point[40] ^= 1;
	}
	EVP_PKEY_free(key);
}

/* Two ports at a time share nothing. */
Test(psa, two_hashes)
{
	struct fwp_psa other;
	struct fwd_crypto d;
	uint8_t a[32], b[32];

	cr_assert_eq(fwp_psa_init(&other, &d), FWD_OK);
	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(d.hash_start(d.ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c.hash_add(c.ctx, (const uint8_t *)"a", 1), FWD_OK);
	cr_assert_eq(d.hash_add(d.ctx, (const uint8_t *)"a", 1), FWD_OK);
	cr_assert_eq(c.hash_end(c.ctx, a, 32), FWD_OK);
	cr_assert_eq(d.hash_end(d.ctx, b, 32), FWD_OK);
	cr_assert_eq(memcmp(a, b, 32), 0);
	fwp_psa_deinit(&other);
	fwp_psa_deinit(&other);
}
