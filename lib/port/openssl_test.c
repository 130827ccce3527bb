/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenSSL port: hashes, keys that are none, the point at infinity, every
 * allocation that fails; and reading a bundle from a file.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "port/port_test.h"

static struct fwp_openssl *o;
static struct fwd_crypto c;

static void
open_port(void)
{
	o = fwp_openssl_new();
	cr_assert_not_null(o);
	c = fwp_openssl_crypto(o);
}

static void
close_port(void)
{
	cr_assert_eq(ERR_peek_error(), 0ul, "something is left in the queue");
	fwp_openssl_free(o);
}

TestSuite(openssl, .init = open_port, .fini = close_port);

PORT_TESTS(openssl, c)

/* r || s of a P-256 signature over a digest of 32 bytes. */
static void
sign_raw(EVP_PKEY *key, const uint8_t *digest, uint8_t out[64])
{
	EVP_PKEY_CTX *const ctx = EVP_PKEY_CTX_new(key, NULL);
	unsigned char der[80];
	const unsigned char *p = der;
	size_t n = sizeof der;
	ECDSA_SIG *sig;

	cr_assert_eq(EVP_PKEY_sign_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_sign(ctx, der, &n, digest, 32), 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32), 32);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32), 32);
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(ctx);
}

/* Keys are kept, but more are used here than that, each for its own. */
Test(openssl, many_keys)
{
	enum { MANY = 12 };
	static uint8_t point[MANY][65], raw[MANY][64];
	struct fwd_sig s = { .alg = FWD_ESP256, .digest_alg = FWD_SHA256,
	    .key.type = FWD_KEY_P256, .digest_n = 32 };
	size_t i, j, n;

	memset(s.digest, 7, 32);
	for (i = 0; i < MANY; i++) {
		EVP_PKEY *const key = EVP_EC_gen("P-256");

		cr_assert_eq(EVP_PKEY_get_octet_string_param(key, "pub",
		    point[i], sizeof point[i], &n), 1);
		sign_raw(key, s.digest, raw[i]);
		EVP_PKEY_free(key);
	}
	for (i = 0; i < 3 * MANY; i++)
		for (j = 0; j < MANY; j++) {
			s.key.point = (struct fwd_span){ point[j], 65 };
			s.sig = (struct fwd_span){ raw[(j + i) % MANY], 64 };
			cr_assert_eq(c.verify(c.ctx, &s), i % MANY == 0 ?
			    FWD_OK : FWD_E_SIG, "%zu %zu", i, j);
		}
	/* One that is none is not kept, and drives out nothing wrong. */
	point[0][64] ^= 1;
	s.key.point = (struct fwd_span){ point[0], 65 };
	s.sig = (struct fwd_span){ raw[0], 64 };
	for (i = 0; i < 3; i++)
		cr_assert_eq(c.verify(c.ctx, &s), FWD_E_KEY);
	point[0][64] ^= 1;
	cr_assert_eq(c.verify(c.ctx, &s), FWD_OK);
	s.key.type = FWD_KEY_P384;
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_KEY);
}

Test(openssl, ed25519_in_parts)
{
	static const uint8_t text[] = "a message in parts";
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	struct fwd_span part[3] = { { text, 3 }, { NULL, 0 },
	    { text + 3, sizeof text - 3 } };
	struct fwd_sig s = { .alg = FWD_ED25519, .msg = part, .msg_n = 3 };
	size_t n = 64, point_n = sizeof port_point;

	cr_assert_eq(EVP_PKEY_get_raw_public_key(key, port_point, &point_n), 1);
	s.key = (struct fwd_key){ .type = FWD_KEY_ED25519,
	    .point = { port_point, 32 } };
	cr_assert_eq(EVP_DigestSignInit(m, NULL, NULL, NULL, key), 1);
	cr_assert_eq(EVP_DigestSign(m, port_raw, &n, text, sizeof text), 1);
	s.sig = (struct fwd_span){ port_raw, 64 };
	cr_assert_eq(c.verify(c.ctx, &s), FWD_OK);
	s.msg_n = 2;
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_SIG);
	s.msg_n = 0;
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_SIG);
	s.msg_n = 1;
	part[0] = (struct fwd_span){ text, sizeof text };
	cr_assert_eq(c.verify(c.ctx, &s), FWD_OK);
	part[0] = (struct fwd_span){ NULL, 0 };
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_SIG);
	EVP_MD_CTX_free(m);
	EVP_PKEY_free(key);
}

/* ---- allocations that fail ------------------------------------------- */

static long countdown = -1;		/* < 0: none fails */
static bool hit;

static bool
fails(void)
{
	if (countdown < 0 || countdown-- > 0)
		return false;
	hit = true;
	return true;
}

static void *
my_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : malloc(n);
}

static void *
my_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(p, n);
}

static void
my_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* libcrypto takes these only before it has allocated anything, which is before
   Criterion runs. */
__attribute__((constructor)) static void
take_over(void)
{
	if (CRYPTO_set_mem_functions(my_malloc, my_realloc, my_free) != 1)
		abort();
}

/* Whichever allocation in libcrypto fails: no wrong signature holds, nothing
   crashes, and the port works again afterwards. */
Test(allocations, each_fails_in_turn)
{
	struct fwd_sig s;
	EVP_PKEY *key;
	fwd_status got;
	long i;

	open_port();
	key = port_sign_p256(&s);
	for (int bad = 0; bad < 2; bad++) {
		port_raw[63] ^= (uint8_t)bad;
		i = 0;
		do {
			hit = false;
			countdown = i++;
			got = c.verify(c.ctx, &s);
			countdown = -1;
			cr_assert(got == FWD_E_SIG || got == FWD_E_KEY ||
			    got == FWD_E_CRYPTO || (got == FWD_OK && !bad),
			    "%ld: %s", i, fwd_status_code(got));
			cr_assert_eq(c.verify(c.ctx, &s), bad ? FWD_E_SIG :
			    FWD_OK);
		} while (hit);
		cr_assert_gt(i, 10);
	}
	EVP_PKEY_free(key);
	close_port();
}

Test(allocations, new_port)
{
	long i = 0;

	open_port();			/* what libcrypto sets up but once */
	close_port();
	do {
		hit = false;
		countdown = i++;
		o = fwp_openssl_new();
		countdown = -1;
		cr_assert(o != NULL || hit);
		fwp_openssl_free(o);
	} while (hit);
	cr_assert_gt(i, 1);
}

/* ---- a bundle in a file ---------------------------------------------- */

/* A pipe delivers what was written in whatever pieces it likes. */
Test(file, reads_all_there_is)
{
	uint8_t buf[100000], chunk[333];
	size_t got;
	pid_t child;
	int fd[2];

	cr_assert_eq(pipe(fd), 0);
	child = fork();
	if (child == 0) {
		for (size_t i = 0; i < 90000; i += sizeof chunk) {
			for (size_t k = 0; k < sizeof chunk; k++)
				chunk[k] = (uint8_t)((i + k) % 251);
			if (write(fd[1], chunk, sizeof chunk) !=
			    (ssize_t)sizeof chunk)
				_exit(1);
		}
		_exit(0);
	}
	close(fd[1]);
	cr_assert_eq(fwp_file_read(&fd[0], buf, 50000, &got), FWD_OK);
	cr_assert_eq(got, 50000u);
	cr_assert_eq(fwp_file_read(&fd[0], buf + got, 50000, &got), FWD_OK);
	cr_assert_eq(got, 271 * sizeof chunk - 50000);
	for (size_t i = 0; i < 271 * sizeof chunk; i++)
		cr_assert_eq(buf[i], i % 251);
	cr_assert_eq(fwp_file_read(&fd[0], buf, 1, &got), FWD_OK);
	cr_assert_eq(got, 0u);
	cr_assert_eq(fwp_file_read(&fd[0], buf, 0, &got), FWD_OK);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	close(fd[0]);
	cr_assert_eq(fwp_file_read(&fd[0], buf, 1, &got), FWD_E_IO);
	cr_assert_eq(got, 0u);
}
