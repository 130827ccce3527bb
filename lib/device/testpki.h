/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for tests, put together from their DER parts, so that each part
 * can be anything, and signed with keys made for the occasion.
 */
#ifndef TESTPKI_H
#define TESTPKI_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "device/fwdevice.h"

#define TP_MAX 8192

struct tp_bytes {
	uint8_t p[TP_MAX];
	size_t n;
};

static inline struct fwd_span
tp_span(const struct tp_bytes *b)
{
	return (struct fwd_span){ b->p, b->n };
}

static inline void
tp_add(struct tp_bytes *b, const void *p, size_t n)
{
	cr_assert_leq(n, TP_MAX - b->n);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

/* Append what is written in hexadecimal; spaces are for the reader. */
static inline void
tp_hex(struct tp_bytes *b, const char *hex)
{
	unsigned v;
	uint8_t byte;

	while (*hex != '\0') {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		cr_assert_eq(sscanf(hex, "%2x", &v), 1);
		byte = (uint8_t)v;
		tp_add(b, &byte, 1);
		hex += 2;
	}
}

/* Append an element. */
static inline void
tp_tlv(struct tp_bytes *b, uint8_t tag, const struct tp_bytes *content)
{
	uint8_t head[4] = { tag, (uint8_t)content->n };
	size_t n = 2;

	if (content->n > 0xff) {
		head[1] = 0x82;
		head[2] = (uint8_t)(content->n >> 8);
		head[3] = (uint8_t)content->n;
		n = 4;
	} else if (content->n > 0x7f) {
		head[1] = 0x81;
		head[2] = (uint8_t)content->n;
		n = 3;
	}
	tp_add(b, head, n);
	tp_add(b, content->p, content->n);
}

/* A Name of one common name. */
static inline struct tp_bytes
tp_name(const char *cn)
{
	struct tp_bytes value = { 0 }, pair = { 0 }, set = { 0 },
	    rdn = { 0 }, name = { 0 };

	tp_hex(&pair, "06 03 550403");
	tp_add(&value, cn, strlen(cn));
	tp_tlv(&pair, 0x0c, &value);
	tp_tlv(&set, 0x30, &pair);
	tp_tlv(&rdn, 0x31, &set);
	tp_tlv(&name, 0x30, &rdn);
	return name;
}

/* ---- keys ------------------------------------------------------------ */

static inline EVP_PKEY *
tp_key(enum fwd_key_type type)
{
	EVP_PKEY *key = NULL;

	switch (type) {
	case FWD_KEY_P256:
		key = EVP_EC_gen("P-256");
		break;
	case FWD_KEY_P384:
		key = EVP_EC_gen("P-384");
		break;
	case FWD_KEY_P521:
		key = EVP_EC_gen("P-521");
		break;
	case FWD_KEY_ED25519:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case FWD_KEY_RSA:
		key = EVP_RSA_gen(2048);
		break;
	default:
		break;
	}
	cr_assert_not_null(key);
	return key;
}

static inline struct tp_bytes
tp_spki(EVP_PKEY *key)
{
	struct tp_bytes b = { 0 };
	unsigned char *p = b.p;
	const int n = i2d_PUBKEY(key, NULL);

	cr_assert(n > 0 && n <= TP_MAX);
	cr_assert_eq(i2d_PUBKEY(key, &p), n);
	b.n = (size_t)n;
	return b;
}

#define TP_ECDSA_SHA256 "30 0a 06 08 2a8648ce3d040302"
#define TP_ECDSA_SHA384 "30 0a 06 08 2a8648ce3d040303"
#define TP_ECDSA_SHA512 "30 0a 06 08 2a8648ce3d040304"
#define TP_ED25519 "30 05 06 03 2b6570"
#define TP_RS256 "30 0d 06 09 2a864886f70d01010b 05 00"
#define TP_RS384 "30 0d 06 09 2a864886f70d01010c 05 00"
#define TP_RS512 "30 0d 06 09 2a864886f70d01010d 05 00"
/* hash, MGF1 with hash, salt; the hashes with NULL parameters */
#define TP_PSS(hash, salt) \
	"30 41 06 09 2a864886f70d01010a 30 34" \
	" a0 0f 30 0d 06 09 60864801650304020" hash " 05 00" \
	" a1 1c 30 1a 06 09 2a864886f70d010108" \
	" 30 0d 06 09 60864801650304020" hash " 05 00" \
	" a2 03 02 01 " salt
/* the same without the NULLs */
#define TP_PSS_BARE(hash, salt) \
	"30 3d 06 09 2a864886f70d01010a 30 30" \
	" a0 0d 30 0b 06 09 60864801650304020" hash \
	" a1 1a 30 18 06 09 2a864886f70d010108" \
	" 30 0b 06 09 60864801650304020" hash \
	" a2 03 02 01 " salt

/* ---- certificates ---------------------------------------------------- */

/* Parts of a certificate, each whole, and how it is signed. */
struct tp_cert {
	struct tp_bytes version, serial, alg, issuer, validity, subject, spki,
	    unique, extensions;	/* extensions: content of the SEQUENCE */
	bool no_extensions;		/* leave [3] out altogether */
	struct tp_bytes outer_alg;	/* if not the same */
	struct tp_bytes tail, tbs_tail;	/* behind the end */
	struct tp_bytes sig;		/* instead of one that holds */
	EVP_PKEY *signer;
	const EVP_MD *md;		/* NULL: Ed25519 */
	bool pss;
};

static inline void
tp_sign(const struct tp_cert *c, const struct tp_bytes *tbs,
    struct tp_bytes *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;

	sig->n = sizeof sig->p;
	cr_assert_eq(EVP_DigestSignInit(ctx, &p, c->md, NULL, c->signer), 1);
	if (c->pss) {
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(p,
		    RSA_PKCS1_PSS_PADDING), 1);
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(p,
		    RSA_PSS_SALTLEN_DIGEST), 1);
	}
	cr_assert_eq(EVP_DigestSign(ctx, sig->p, &sig->n, tbs->p, tbs->n), 1);
	EVP_MD_CTX_free(ctx);
}

static inline struct tp_bytes
tp_issue(const struct tp_cert *c)
{
	struct tp_bytes body = { 0 }, tbs = { 0 }, list = { 0 }, ext = { 0 },
	    sig = { 0 }, bits = { 0 }, all = { 0 }, cert = { 0 };

	tp_add(&body, c->version.p, c->version.n);
	tp_add(&body, c->serial.p, c->serial.n);
	tp_add(&body, c->alg.p, c->alg.n);
	tp_add(&body, c->issuer.p, c->issuer.n);
	tp_add(&body, c->validity.p, c->validity.n);
	tp_add(&body, c->subject.p, c->subject.n);
	tp_add(&body, c->spki.p, c->spki.n);
	tp_add(&body, c->unique.p, c->unique.n);
	if (!c->no_extensions) {
		tp_tlv(&list, 0x30, &c->extensions);
		tp_tlv(&ext, 0xa3, &list);
		tp_add(&body, ext.p, ext.n);
	}
	tp_add(&body, c->tbs_tail.p, c->tbs_tail.n);
	tp_tlv(&tbs, 0x30, &body);

	if (c->sig.n != 0)
		sig = c->sig;
	else
		tp_sign(c, &tbs, &sig);
	tp_hex(&bits, "00");
	tp_add(&bits, sig.p, sig.n);
	all = tbs;
	if (c->outer_alg.n != 0)
		tp_add(&all, c->outer_alg.p, c->outer_alg.n);
	else
		tp_add(&all, c->alg.p, c->alg.n);
	tp_tlv(&all, 0x03, &bits);
	tp_tlv(&cert, 0x30, &all);
	tp_add(&cert, c->tail.p, c->tail.n);
	return cert;
}

/* Extensions. */
#define TP_BC_CA "30 0f 06 03 551d13 01 01 ff 04 05 30 03 01 01 ff"
#define TP_BC_CA_PATHLEN(n) \
	"30 12 06 03 551d13 01 01 ff 04 08 30 06 01 01 ff 02 01 " n
#define TP_KU_CA "30 0e 06 03 551d0f 01 01 ff 04 04 03 02 01 06"
#define TP_KU_SIGN "30 0e 06 03 551d0f 01 01 ff 04 04 03 02 07 80"
#define TP_EKU_CODE "30 13 06 03 551d25 04 0c 30 0a 06 08 2b06010505070303"
/* 2026-01-01 to 2036-01-01 */
#define TP_VALIDITY \
	"30 1e 17 0d 3236303130313030303030305a" \
	" 17 0d 3336303130313030303030305a"
#define TP_NOT_BEFORE 1767225600
#define TP_NOT_AFTER 2082758400

/* A certificate that fits the profile: of a CA, or for code signing. */
static inline struct tp_cert
tp_template(const char *subject, const char *issuer, EVP_PKEY *key,
    EVP_PKEY *signer, bool ca)
{
	struct tp_cert c = { .issuer = tp_name(issuer),
	    .subject = tp_name(subject), .spki = tp_spki(key),
	    .signer = signer, .md = EVP_sha256() };

	tp_hex(&c.version, "a0 03 02 01 02");
	tp_hex(&c.serial, "02 01 01");
	tp_hex(&c.alg, TP_ECDSA_SHA256);
	tp_hex(&c.validity, TP_VALIDITY);
	tp_hex(&c.extensions, ca ? TP_BC_CA TP_KU_CA :
	    TP_KU_SIGN TP_EKU_CODE);
	return c;
}

#endif
