/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests: CBOR from its diagnostic notation, a public key infrastructure of
 * three certificates made on the spot, envelopes, and bundles in memory.
 */
#ifndef TESTKIT_H
#define TESTKIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "device/fwdevice.h"
#include "device/testpki.h"
#include "host/build.h"
#include "host/fwhost.h"
#include "port/fwport.h"

/* ---- bytes ---------------------------------------------------------- */

static inline void
kit_add(struct fw_buf *b, const void *p, size_t n)
{
	struct fw_error err;

	cr_assert_eq(fw_buf_add(b, p, n, &err), FW_OK);
}

/* A copy of exactly the right size, so that ASan sees what reads past it. */
static inline struct fwd_span
kit_dup(const void *p, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);

	cr_assert_not_null(copy);
	if (n != 0)
		memcpy(copy, p, n);
	return (struct fwd_span){ copy, n };
}

static inline void
kit_free(struct fwd_span s)
{
	free((void *)(uintptr_t)s.p);
}

static inline void
kit_sha256(struct fwd_span s, uint8_t out[32])
{
	unsigned n = 0;

	cr_assert_eq(EVP_Digest(s.p, s.n, out, &n, EVP_sha256(), NULL), 1);
	cr_assert_eq(n, 32);
}

/* ---- CBOR from diagnostic notation (RFC 8949 section 8, RFC 8610 G) -- */

/* Values that stand for $NAME in the notation; raw CBOR. */
struct kit_name {
	const char *name;
	struct fwd_span cbor;
};

struct kit_diag {
	const char *p;
	const struct kit_name *names;
	size_t n;
};

static inline char
kit_diag_skip(struct kit_diag *d)
{
	while (*d->p == ' ' || *d->p == '\n' || *d->p == '\t')
		d->p++;
	return *d->p;
}

static inline void kit_diag_item(struct kit_diag *d, struct fw_cbor *out);

/* Items up to the closing character; how many there are. */
static inline uint64_t
kit_diag_list(struct kit_diag *d, struct fw_cbor *out, char close)
{
	uint64_t n = 0;

	while (kit_diag_skip(d) != close) {
		cr_assert_neq(*d->p, '\0', "notation without '%c'", close);
		kit_diag_item(d, out);
		n++;
		if (kit_diag_skip(d) == ',' || *d->p == ':')
			d->p++;
	}
	d->p++;
	return n;
}

static inline void
kit_diag_hex(struct kit_diag *d, struct fw_cbor *out)
{
	uint8_t bytes[4096];
	size_t n = 0;
	unsigned v;

	for (d->p += 2; *d->p != '\''; d->p += 2) {
		if (*d->p == ' ') {
			d->p--;
			continue;
		}
		cr_assert_eq(sscanf(d->p, "%2x", &v), 1);
		bytes[n++] = (uint8_t)v;
	}
	d->p++;
	fw_cbor_bytes(out, bytes, n);
}

static inline void
kit_diag_number(struct kit_diag *d, struct fw_cbor *out)
{
	const bool minus = *d->p == '-';
	char *end;
	const unsigned long long v = strtoull(d->p + minus, &end, 10);

	cr_assert_neq(end, d->p + minus, "what is '%s'", d->p);
	d->p = end;
	if (*d->p == '(') {
		fw_cbor_tag(out, v);
		d->p++;
		cr_assert_eq(kit_diag_list(d, out, ')'), 1);
	} else if (minus) {
		fw_cbor_head(out, 1, v - 1);
	} else {
		fw_cbor_uint(out, v);
	}
}

static inline void
kit_diag_name(struct kit_diag *d, struct fw_cbor *out)
{
	size_t n = strspn(++d->p, "abcdefghijklmnopqrstuvwxyz0123456789_");

	for (size_t i = 0; i < d->n; i++) {
		if (strlen(d->names[i].name) == n &&
		    strncmp(d->names[i].name, d->p, n) == 0) {
			fw_cbor_raw(out, d->names[i].cbor.p,
			    d->names[i].cbor.n);
			d->p += n;
			return;
		}
	}
	cr_assert_fail("no value for '$%s'", d->p);
}

static inline void
kit_diag_item(struct kit_diag *d, struct fw_cbor *out)
{
	struct fw_cbor inner = { 0 };
	char text[1024];
	uint64_t n;

	switch (kit_diag_skip(d)) {
	case '[':
		d->p++;
		n = kit_diag_list(d, &inner, ']');
		fw_cbor_array(out, n);
		fw_cbor_raw(out, inner.out.p, inner.out.n);
		break;
	case '{':
		d->p++;
		n = kit_diag_list(d, &inner, '}');
		fw_cbor_map(out, n / 2);
		fw_cbor_raw(out, inner.out.p, inner.out.n);
		break;
	case '<':			/* <<...>> */
		d->p += 2;
		(void)kit_diag_list(d, &inner, '>');
		d->p++;
		fw_cbor_wrap(out, &inner);
		break;
	case '"':
		n = strcspn(++d->p, "\"");
		cr_assert_lt(n, sizeof text);
		memcpy(text, d->p, n);
		text[n] = '\0';
		fw_cbor_text(out, text);
		d->p += n + 1;
		break;
	case 'h':
		kit_diag_hex(d, out);
		break;
	case '$':
		kit_diag_name(d, out);
		break;
	case 't':
		d->p += 4;
		fw_cbor_bool(out, true);
		break;
	case 'f':
		d->p += 5;
		fw_cbor_bool(out, false);
		break;
	case 'n':
		d->p += 4;
		fw_cbor_nil(out);
		break;
	default:
		kit_diag_number(d, out);
		break;
	}
	fw_cbor_deinit(&inner);
}

/* Encode one item; names may be NULL. */
static inline struct fw_buf
kit_cbor(const char *notation, const struct kit_name *names, size_t n)
{
	struct kit_diag d = { notation, names, n };
	struct fw_cbor c = { 0 };
	struct fw_buf out = { 0 };
	struct fw_error err;

	kit_diag_item(&d, &c);
	cr_assert_eq(kit_diag_skip(&d), '\0', "left over: '%s'", d.p);
	cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK);
	return out;
}

/* ---- keys and certificates ------------------------------------------ */

/* Root, intermediate and leaf; the root is left out of the chain. */
struct kit_pki {
	EVP_PKEY *root_key, *mid_key, *leaf_key;
	struct tp_bytes root, mid, leaf;
	struct tp_bytes bare;		/* SubjectPublicKeyInfo of the leaf */
	struct fwd_anchor anchor;	/* the root */
	struct fwd_anchor bare_anchor;	/* the leaf's key */
};

static inline void
kit_pki_init(struct kit_pki *k, const char *name)
{
	char root[64], mid[64], leaf[64];
	struct tp_cert c;

	(void)snprintf(root, sizeof root, "%s root", name);
	(void)snprintf(mid, sizeof mid, "%s ca", name);
	(void)snprintf(leaf, sizeof leaf, "%s release", name);
	k->root_key = tp_key(FWD_KEY_P256);
	k->mid_key = tp_key(FWD_KEY_P256);
	k->leaf_key = tp_key(FWD_KEY_P256);
	c = tp_template(root, root, k->root_key, k->root_key, true);
	k->root = tp_issue(&c);
	c = tp_template(mid, root, k->mid_key, k->root_key, true);
	k->mid = tp_issue(&c);
	c = tp_template(leaf, mid, k->leaf_key, k->mid_key, false);
	k->leaf = tp_issue(&c);
	k->bare = tp_spki(k->leaf_key);
	cr_assert_eq(fwd_anchor_read(tp_span(&k->root), &k->anchor), FWD_OK);
	k->bare_anchor = (struct fwd_anchor){ .spki = tp_span(&k->bare) };
}

static inline void
kit_pki_free(struct kit_pki *k)
{
	EVP_PKEY_free(k->root_key);
	EVP_PKEY_free(k->mid_key);
	EVP_PKEY_free(k->leaf_key);
}

/* r || s of an ECDSA P-256 signature over msg. */
static inline void
kit_sign(EVP_PKEY *key, struct fwd_span msg, uint8_t out[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *p = der;
	size_t n = sizeof der;
	ECDSA_SIG *sig;

	cr_assert_eq(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key),
	    1);
	cr_assert_eq(EVP_DigestSign(ctx, der, &n, msg.p, msg.n), 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	cr_assert_not_null(sig);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32), 32);
	cr_assert_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32), 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

/* ---- envelopes ------------------------------------------------------ */

/* One signature block: content of its byte string. */
struct kit_block {
	const struct kit_pki *pki;
	bool bare;			/* without x5chain */
	bool broken;			/* a signature of something else */
};

/* The encoded SUIT_Digest of a manifest. */
static inline struct fw_buf
kit_payload(struct fwd_span manifest)
{
	struct fw_buf out = { 0 };
	struct fw_error err;

	cr_assert_eq(fw_payload_encode(FWD_SHA256, manifest, &out, &err),
	    FW_OK);
	return out;
}

static inline void
kit_add_block(struct fw_cbor *to, const struct kit_block *b,
    struct fwd_span payload)
{
	struct fw_cbor header = { 0 }, sig_structure = { 0 }, block = { 0 };
	uint8_t sig[64];

	fw_cbor_map(&header, b->bare ? 1 : 2);
	fw_cbor_uint(&header, 1);
	fw_cbor_int(&header, FWD_ESP256);
	if (!b->bare) {
		fw_cbor_uint(&header, 33);
		fw_cbor_array(&header, 2);
		fw_cbor_bytes(&header, b->pki->leaf.p, b->pki->leaf.n);
		fw_cbor_bytes(&header, b->pki->mid.p, b->pki->mid.n);
	}
	/* RFC 9052 section 4.4, written out */
	fw_cbor_array(&sig_structure, 4);
	fw_cbor_text(&sig_structure, "Signature1");
	fw_cbor_bytes(&sig_structure, header.out.p, header.out.n);
	fw_cbor_bytes(&sig_structure, "", 0);
	fw_cbor_bytes(&sig_structure, payload.p,
	    b->broken ? payload.n - 1 : payload.n);
	kit_sign(b->pki->leaf_key, fw_buf_span(&sig_structure.out), sig);
	fw_cbor_deinit(&sig_structure);

	fw_cbor_tag(&block, 18);
	fw_cbor_array(&block, 4);
	fw_cbor_wrap(&block, &header);
	fw_cbor_map(&block, 0);
	fw_cbor_nil(&block);
	fw_cbor_bytes(&block, sig, sizeof sig);
	fw_cbor_wrap(to, &block);
}

/*
 * An envelope around a manifest: members is the encoding of members_n pairs
 * that follow it.
 */
static inline struct fw_buf
kit_envelope(struct fwd_span manifest, const struct kit_block *block,
    size_t blocks, struct fwd_span members, uint64_t members_n)
{
	struct fw_buf payload = kit_payload(manifest), out = { 0 };
	struct fw_cbor auth = { 0 }, c = { 0 };
	struct fw_error err;

	fw_cbor_array(&auth, 1 + blocks);
	fw_cbor_bytes(&auth, payload.p, payload.n);
	for (size_t i = 0; i < blocks; i++)
		kit_add_block(&auth, &block[i], fw_buf_span(&payload));
	fw_cbor_tag(&c, 107);
	fw_cbor_map(&c, 2 + members_n);
	fw_cbor_uint(&c, 2);
	fw_cbor_wrap(&c, &auth);
	fw_cbor_uint(&c, 3);
	fw_cbor_bytes(&c, manifest.p, manifest.n);
	fw_cbor_raw(&c, members.p, members.n);
	cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK);
	fw_buf_deinit(&payload);
	return out;
}

/* ---- bundles -------------------------------------------------------- */

static inline void
kit_member(struct fw_buf *b, const char *name, const void *p, size_t n)
{
	static const uint8_t zeros[FWD_BLOCK];
	uint8_t header[FWD_BLOCK];
	struct fw_error err;

	cr_assert_eq(fw_bundle_header(name, n, 0, header, &err), FW_OK);
	kit_add(b, header, sizeof header);
	if (n != 0)
		kit_add(b, p, n);
	kit_add(b, zeros, (size_t)(fw_bundle_padded(n) - n));
}

static inline void
kit_end(struct fw_buf *b)
{
	static const uint8_t zeros[2 * FWD_BLOCK];

	kit_add(b, zeros, sizeof zeros);
}

/* Make the checksum of a header right again. */
static inline void
kit_checksum(uint8_t h[FWD_BLOCK])
{
	unsigned sum = 0;

	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < FWD_BLOCK; i++)
		sum += h[i];
	(void)snprintf((char *)h + 148, 8, "%06o", sum);
	h[155] = ' ';
}

#define kit_eq(got, want, ...) \
	cr_assert_eq((got), (want), "%s, not %s: %s", fwd_status_code(got), \
	    fwd_status_code(want), __VA_ARGS__)

#endif
