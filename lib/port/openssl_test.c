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
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "port/fwport.h"

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

/* ---- hash ------------------------------------------------------------ */

static const struct {
	int32_t alg;
	const char *name;
} digests[] = {
	{ FWD_SHA256, "SHA256" }, { FWD_SHA384, "SHA384" },
	{ FWD_SHA512, "SHA512" },
};

Test(openssl, hashes_in_any_pieces)
{
	uint8_t msg[300], got[64], want[64];
	size_t n;

	for (size_t i = 0; i < sizeof msg; i++)
		msg[i] = (uint8_t)(7 * i);
	for (size_t d = 0; d < 3; d++) {
		cr_assert_eq(EVP_Q_digest(NULL, digests[d].name, NULL, msg,
		    sizeof msg, want, &n), 1);
		cr_assert_eq(n, fwd_digest_size(digests[d].alg));
		for (size_t cut = 0; cut <= sizeof msg; cut++) {
			cr_assert_eq(c.hash_start(c.ctx, digests[d].alg),
			    FWD_OK);
			cr_assert_eq(c.hash_add(c.ctx, msg, cut), FWD_OK);
			cr_assert_eq(c.hash_add(c.ctx, msg + cut,
			    sizeof msg - cut), FWD_OK);
			cr_assert_eq(c.hash_end(c.ctx, got, n), FWD_OK);
			cr_assert_eq(memcmp(got, want, n), 0);
		}
	}
}

Test(openssl, hash_begun_anew_forgets)
{
	uint8_t got[32], want[32];

	cr_assert_eq(EVP_Q_digest(NULL, "SHA256", NULL, "b", 1, want, NULL),
	    1);
	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA512), FWD_OK);
	cr_assert_eq(c.hash_add(c.ctx, (const uint8_t *)"a", 1), FWD_OK);
	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c.hash_add(c.ctx, (const uint8_t *)"b", 1), FWD_OK);
	cr_assert_eq(c.hash_end(c.ctx, got, 32), FWD_OK);
	cr_assert_eq(memcmp(got, want, 32), 0);
}

Test(openssl, hash_out_of_turn)
{
	uint8_t out[64] = { 0 };

	cr_assert_eq(c.hash_add(c.ctx, out, 1), FWD_E_CRYPTO);
	cr_assert_eq(c.hash_end(c.ctx, out, 32), FWD_E_CRYPTO);
	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c.hash_end(c.ctx, out, 31), FWD_E_CRYPTO);
	cr_assert_eq(c.hash_add(c.ctx, out, 1), FWD_E_CRYPTO);
	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c.hash_end(c.ctx, out, 32), FWD_OK);
	cr_assert_eq(c.hash_end(c.ctx, out, 32), FWD_E_CRYPTO);
	cr_assert_eq(c.hash_start(c.ctx, FWD_SHA256), FWD_OK);
	cr_assert_eq(c.hash_start(c.ctx, -15), FWD_E_ALG);
	cr_assert_eq(c.hash_end(c.ctx, out, 32), FWD_E_CRYPTO);
}

/* ---- signatures ------------------------------------------------------ */

static uint8_t point[1 + 2 * 66], raw[2 * 66], other_sig[512];

/* A P-256 key, a digest and a signature in s; spans point to the above. */
static EVP_PKEY *
sign_p256(struct fwd_sig *s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_PKEY_CTX *p = EVP_PKEY_CTX_new(key, NULL);
	const unsigned char *der = other_sig;
	ECDSA_SIG *sig;
	size_t n = sizeof other_sig, point_n;

	memset(s, 0, sizeof *s);
	s->alg = FWD_ESP256;
	s->digest_alg = FWD_SHA256;
	s->digest_n = 32;
	memset(s->digest, 0x5a, 32);
	s->key.type = FWD_KEY_P256;
	cr_assert_eq(EVP_PKEY_get_octet_string_param(key,
	    OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &point_n), 1);
	s->key.point = (struct fwd_span){ point, point_n };
	cr_assert_eq(point_n, 65u);
	cr_assert_eq(EVP_PKEY_sign_init(p), 1);
	cr_assert_eq(EVP_PKEY_sign(p, other_sig, &n, s->digest, 32), 1);
	sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32), 32);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32), 32);
	s->sig = (struct fwd_span){ raw, 64 };
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(p);
	return key;
}

Test(openssl, answers)
{
	struct fwd_sig s;
	EVP_PKEY *key = sign_p256(&s);

	cr_assert_eq(c.verify(c.ctx, &s), FWD_OK);
	s.digest[31] ^= 1;
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_SIG);
	s.digest[31] ^= 1;
	point[64] ^= 1;			/* not on the curve */
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_KEY);
	point[64] ^= 1;
	s.key.type = FWD_KEY_P384;	/* nor on that one */
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_KEY);
	s.key.type = FWD_KEY_NONE;
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_ALG);
	s.key.type = FWD_KEY_RSA;
	s.digest_alg = 0;
	s.key.exponent = (struct fwd_span){ (const uint8_t *)"\3", 1 };
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_ALG);
	s.key.type = FWD_KEY_P256;
	cr_assert_eq(c.verify(c.ctx, &s), FWD_OK);
	EVP_PKEY_free(key);
}

/*
 * r = -z / d makes u1 G + u2 Q the point at infinity, for any s: in range and
 * yet no signature.  Some libraries fail at it instead of saying no.
 */
Test(openssl, point_at_infinity)
{
	struct fwd_sig s;
	EVP_PKEY *key = sign_p256(&s);
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	const BIGNUM *n = EC_GROUP_get0_order(g);
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *d = NULL, *z = BN_bin2bn(s.digest, 32, NULL), *r = BN_new();

	cr_assert_eq(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d),
	    1);
	cr_assert_not_null(BN_mod_inverse(r, d, n, ctx));
	cr_assert_eq(BN_mod_mul(r, r, z, n, ctx), 1);
	cr_assert_eq(BN_sub(r, n, r), 1);
	cr_assert_eq(BN_bn2binpad(r, raw, 32), 32);
	cr_assert_eq(c.verify(c.ctx, &s), FWD_E_SIG);
	BN_free(d);
	BN_free(z);
	BN_free(r);
	BN_CTX_free(ctx);
	EC_GROUP_free(g);
	EVP_PKEY_free(key);
}

Test(openssl, ed25519_in_parts)
{
	static const uint8_t text[] = "a message in parts";
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	struct fwd_span part[3] = { { text, 3 }, { NULL, 0 },
	    { text + 3, sizeof text - 3 } };
	struct fwd_sig s = { .alg = FWD_ED25519, .msg = part, .msg_n = 3 };
	size_t n = 64, point_n = sizeof point;

	cr_assert_eq(EVP_PKEY_get_raw_public_key(key, point, &point_n), 1);
	s.key = (struct fwd_key){ .type = FWD_KEY_ED25519,
	    .point = { point, 32 } };
	cr_assert_eq(EVP_DigestSignInit(m, NULL, NULL, NULL, key), 1);
	cr_assert_eq(EVP_DigestSign(m, raw, &n, text, sizeof text), 1);
	s.sig = (struct fwd_span){ raw, 64 };
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
	key = sign_p256(&s);
	for (int bad = 0; bad < 2; bad++) {
		raw[63] ^= (uint8_t)bad;
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
