/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of keys: make keys, and judge signatures in another way than the
 * library does (digest first, EVP_PKEY_verify).
 */
#ifndef TESTDATA_SIG_H
#define TESTDATA_SIG_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "host/internal.h"

/* All algorithms that are written, and their keys. */
static const struct sig_case {
	const char *name;		/* of the key, as mkpki.sh names it */
	int32_t alg;
	const char *md;			/* NULL: Ed25519 */
	size_t n;			/* of the signature */
} sig_cases[] = {
	{ "p256", FWD_ESP256, "SHA256", 64 },
	{ "p384", FWD_ESP384, "SHA384", 96 },
	{ "p521", FWD_ESP512, "SHA512", 132 },
	{ "ed25519", FWD_ED25519, NULL, 64 },
	{ "rsa3072", FWD_PS256, "SHA256", 384 },
	{ "rsa3072", FWD_PS384, "SHA384", 384 },
	{ "rsa3072", FWD_PS512, "SHA512", 384 },
	{ "rsa4096", FWD_PS256, "SHA256", 512 },
};
enum { SIG_CASES = sizeof sig_cases / sizeof sig_cases[0] };

/* A new key by the name above, or rsaBITS, or of another curve. */
static inline EVP_PKEY *
sig_key(const char *name)
{
	EVP_PKEY *key;

	if (strncmp(name, "rsa", 3) == 0)
		key = EVP_RSA_gen((unsigned)atoi(name + 3));
	else if (strcmp(name, "ed25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = EVP_EC_gen(strcmp(name, "p256") == 0 ? "P-256" :
		    strcmp(name, "p384") == 0 ? "P-384" :
		    strcmp(name, "p521") == 0 ? "P-521" : name);
	cr_assert_not_null(key, "no key %s", name);
	return key;
}

/* Write it in PEM form; with a passphrase if that is not NULL. */
static inline void
sig_key_write(EVP_PKEY *key, const char *path, const char *passphrase)
{
	FILE *const f = fopen(path, "w");

	cr_assert_not_null(f, "cannot write %s", path);
	cr_assert_eq(PEM_write_PKCS8PrivateKey(f, key,
	    passphrase ? EVP_aes_128_cbc() : NULL, NULL, 0, NULL,
	    (void *)(uintptr_t)passphrase), 1);
	cr_assert_eq(fclose(f), 0);
}

static inline bool
sig_good_digest(EVP_PKEY *key, const struct sig_case *c, const uint8_t *d,
    size_t d_n, const uint8_t *sig, size_t n)
{
	EVP_PKEY_CTX *const ctx = EVP_PKEY_CTX_new(key, NULL);
	ECDSA_SIG *const s = ECDSA_SIG_new();
	unsigned char *der = NULL;
	int der_n;
	bool good;

	cr_assert_eq(EVP_PKEY_verify_init(ctx), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_signature_md(ctx,
	    EVP_get_digestbyname(c->md)), 1);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_PSS_PADDING), 1);
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)d_n),
		    1);
		good = EVP_PKEY_verify(ctx, sig, n, d, d_n) == 1;
	} else {
		cr_assert_eq(ECDSA_SIG_set0(s, BN_bin2bn(sig, (int)n / 2,
		    NULL), BN_bin2bn(sig + n / 2, (int)n / 2, NULL)), 1);
		der_n = i2d_ECDSA_SIG(s, &der);
		good = EVP_PKEY_verify(ctx, der, (size_t)der_n, d, d_n) == 1;
		OPENSSL_free(der);
	}
	ECDSA_SIG_free(s);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* Is it a signature of the message, in COSE form? */
static inline bool
sig_good(EVP_PKEY *key, const struct sig_case *c, const void *msg,
    size_t msg_n, const uint8_t *sig, size_t n)
{
	uint8_t d[EVP_MAX_MD_SIZE];
	unsigned d_n = 0;
	EVP_MD_CTX *ctx;
	bool good;

	if (n != c->n)
		return false;
	if (c->md != NULL) {
		cr_assert_eq(EVP_Digest(msg, msg_n, d, &d_n,
		    EVP_get_digestbyname(c->md), NULL), 1);
		return sig_good_digest(key, c, d, d_n, sig, n);
	}
	ctx = EVP_MD_CTX_new();
	good = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, sig, n, msg, msg_n) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

/* Likewise with the public key in the form that fw_key_public() gives. */
static inline bool
sig_good_spki(struct fwd_span spki, const struct sig_case *c, const void *msg,
    size_t msg_n, const uint8_t *sig, size_t n)
{
	const unsigned char *p = spki.p;
	EVP_PKEY *const key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	bool good;

	cr_assert_not_null(key);
	good = sig_good(key, c, msg, msg_n, sig, n);
	EVP_PKEY_free(key);
	return good;
}

/* What a library warned of, one after the other. */
struct sig_warned {
	size_t n;
	char text[4096];
};

static inline void
sig_warn(void *ctx, const char *text)
{
	struct sig_warned *const w = ctx;

	w->n++;
	(void)strncat(w->text, text, sizeof w->text - strlen(w->text) - 1);
}

#endif
