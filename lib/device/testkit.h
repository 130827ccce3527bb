/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of whole runs: CBOR from its diagnostic notation, a public key
 * infrastructure of three certificates made on the spot, envelopes, bundles in
 * memory, and a device whose storage is memory and whose every call can fail.
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

/* ---- bytes ----------------------------------------------------------- */

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

/* ---- CBOR from diagnostic notation (RFC 8949 section 8, RFC 8610 G) --- */

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

/* ---- keys and certificates ------------------------------------------- */

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

/* ---- envelopes ------------------------------------------------------- */

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

/* ---- bundles --------------------------------------------------------- */

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

/* ---- crypto that remembers ------------------------------------------- */

/*
 * The OpenSSL port, but a signature that was found to hold is not computed
 * again: most of what a spoilt bundle is judged by is not spoilt.
 */
enum { KIT_CACHE = 16 };
struct kit_crypto {
	struct fwp_openssl *openssl;
	struct fwd_crypto real;
	struct {
		struct fwd_sig sig;
		uint8_t point[FWD_POINT_MAX], bytes[FWD_SIG_MAX];
	} seen[KIT_CACHE];
	size_t n;
	/* faults */
	size_t calls;			/* of any kind */
	size_t fail_at;			/* 0: never */
	fwd_status fail_with;
};

static inline bool
kit_fails(struct kit_crypto *k)
{
	return ++k->calls == k->fail_at;
}

static inline fwd_status
kit_hash_start(void *ctx, int32_t alg)
{
	struct kit_crypto *const k = ctx;

	if (kit_fails(k))
		return k->fail_with;
	return k->real.hash_start(k->real.ctx, alg);
}

static inline fwd_status
kit_hash_add(void *ctx, const uint8_t *p, size_t n)
{
	struct kit_crypto *const k = ctx;

	if (kit_fails(k))
		return k->fail_with;
	return k->real.hash_add(k->real.ctx, p, n);
}

static inline fwd_status
kit_hash_end(void *ctx, uint8_t *out, size_t n)
{
	struct kit_crypto *const k = ctx;

	if (kit_fails(k))
		return k->fail_with;
	return k->real.hash_end(k->real.ctx, out, n);
}

static inline bool
kit_was_seen(const struct kit_crypto *k, size_t i, const struct fwd_sig *s)
{
	const struct fwd_sig *const t = &k->seen[i].sig;

	return t->alg == s->alg && t->digest_alg == s->digest_alg &&
	    t->key.type == s->key.type && t->digest_n == s->digest_n &&
	    memcmp(t->digest, s->digest, s->digest_n) == 0 &&
	    t->key.point.n == s->key.point.n &&
	    memcmp(k->seen[i].point, s->key.point.p, s->key.point.n) == 0 &&
	    t->sig.n == s->sig.n &&
	    memcmp(k->seen[i].bytes, s->sig.p, s->sig.n) == 0;
}

static inline fwd_status
kit_verify(void *ctx, const struct fwd_sig *s)
{
	struct kit_crypto *const k = ctx;
	fwd_status status;

	if (kit_fails(k))
		return k->fail_with;
	for (size_t i = 0; i < k->n; i++)
		if (kit_was_seen(k, i, s))
			return FWD_OK;
	status = k->real.verify(k->real.ctx, s);
	if (status == FWD_OK && k->n < KIT_CACHE &&
	    s->key.type != FWD_KEY_ED25519 && s->key.type != FWD_KEY_RSA) {
		k->seen[k->n].sig = *s;
		memcpy(k->seen[k->n].point, s->key.point.p, s->key.point.n);
		memcpy(k->seen[k->n].bytes, s->sig.p, s->sig.n);
		k->n++;
	}
	return status;
}

static inline struct fwd_crypto
kit_crypto_init(struct kit_crypto *k)
{
	memset(k, 0, sizeof *k);
	k->openssl = fwp_openssl_new();
	cr_assert_not_null(k->openssl);
	k->real = fwp_openssl_crypto(k->openssl);
	return (struct fwd_crypto){ k, kit_hash_start, kit_hash_add,
	    kit_hash_end, kit_verify };
}

/* ---- a device -------------------------------------------------------- */

#define KIT_VENDOR "11111111111111111111111111111111"
#define KIT_CLASS "22222222222222222222222222222222"
#define KIT_DEVICE "33333333333333333333333333333333"

enum { KIT_STORE = 4096, KIT_ENVELOPE = 65536, KIT_TRANSFER = 1 << 20,
	KIT_TRACE = 1 << 16 };

struct kit_store {
	uint8_t bytes[KIT_STORE];
	uint64_t size;			/* made room for */
	bool open, complete;
};

struct kit_dev {
	struct fwd_ctx ctx;
	struct fwd_port port;
	struct fwd_crypto crypto;
	struct kit_crypto kit;
	struct fwd_policy policy;

	struct fwd_span bundle;
	size_t at;
	uint64_t sequence_number, slot, capacity;
	int64_t now;
	bool unjudged;			/* identity and slot abstain */
	struct kit_store store[FWD_COMPONENTS_MAX];
	size_t spoil;			/* byte of what is stored, plus one,
					   that does not keep its value */
	unsigned begun, invoked;
	uint8_t args[64];
	size_t args_n;

	size_t calls, fail_at;		/* of the port, as in kit_crypto */
	fwd_status fail_with;

	char trace[KIT_TRACE];
	size_t trace_n;
	size_t events;

	uint8_t envelope[KIT_ENVELOPE];
	uint8_t transfer[KIT_TRANSFER];
};

static inline bool
kit_dev_fails(struct kit_dev *d)
{
	return ++d->calls == d->fail_at;
}

static inline fwd_status
kit_read(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	*got = d->bundle.n - d->at < n ? d->bundle.n - d->at : n;
	if (*got != 0)
		memcpy(buf, d->bundle.p + d->at, *got);
	d->at += *got;
	return FWD_OK;
}

static inline fwd_status
kit_identity(void *ctx, int64_t which, uint32_t component,
    const uint8_t *uuid)
{
	struct kit_dev *const d = ctx;
	const uint8_t want = which == FWD_PAR_VENDOR ? 0x11 :
	    which == FWD_PAR_CLASS ? 0x22 : 0x33;

	cr_assert_lt(component, d->ctx.components);
	if (kit_dev_fails(d))
		return d->fail_with;
	if (d->unjudged)
		return FWD_UNJUDGED;
	for (size_t i = 0; i < 16; i++)
		if (uuid[i] != want)
			return which == FWD_PAR_VENDOR ? FWD_E_VENDOR :
			    which == FWD_PAR_CLASS ? FWD_E_CLASS :
			    FWD_E_DEVICE;
	return FWD_OK;
}

static inline fwd_status
kit_component(void *ctx, uint32_t index, struct fwd_span id,
    uint64_t *capacity)
{
	struct kit_dev *const d = ctx;

	cr_assert_lt(index, FWD_COMPONENTS_MAX);
	if (kit_dev_fails(d))
		return d->fail_with;
	/* ['no'] is the one that the device does not have */
	if (id.n == 4 && memcmp(id.p, "\x81\x42no", 4) == 0)
		return FWD_E_COMPONENT;
	*capacity = d->capacity;
	return FWD_OK;
}

static inline fwd_status
kit_slot(void *ctx, uint32_t component, uint64_t slot)
{
	struct kit_dev *const d = ctx;

	cr_assert_lt(component, d->ctx.components);
	if (kit_dev_fails(d))
		return d->fail_with;
	if (d->unjudged)
		return FWD_UNJUDGED;
	return slot == d->slot ? FWD_OK : FWD_E_SLOT;
}

static inline fwd_status
kit_sequence_number(void *ctx, uint64_t *stored)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	*stored = d->sequence_number;
	return FWD_OK;
}

static inline fwd_status
kit_now(void *ctx, int64_t *now)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	*now = d->now;
	return FWD_OK;
}

static inline fwd_status
kit_store_begin(void *ctx, uint32_t component, uint64_t size)
{
	struct kit_dev *const d = ctx;
	struct kit_store *const s = &d->store[component];

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert_leq(size, KIT_STORE);
	memset(s, 0xff, sizeof s->bytes);
	s->size = 0;
	s->open = true;
	s->complete = false;
	d->begun++;
	return FWD_OK;
}

static inline fwd_status
kit_store_write(void *ctx, uint32_t component, uint64_t off,
    const uint8_t *p, size_t n)
{
	struct kit_dev *const d = ctx;
	struct kit_store *const s = &d->store[component];

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert(s->open && off == s->size && n != 0 && off + n <= KIT_STORE);
	memcpy(s->bytes + off, p, n);
	s->size += n;
	if (d->spoil > off && d->spoil <= s->size)
		s->bytes[d->spoil - 1] ^= 0x10;
	return FWD_OK;
}

static inline fwd_status
kit_store_end(void *ctx, uint32_t component)
{
	struct kit_dev *const d = ctx;
	struct kit_store *const s = &d->store[component];

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert(s->open);
	s->open = false;
	s->complete = true;
	return FWD_OK;
}

static inline fwd_status
kit_store_read(void *ctx, uint32_t component, uint64_t off, uint8_t *p,
    size_t n)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert(!d->store[component].open && off + n <= KIT_STORE);
	memcpy(p, d->store[component].bytes + off, n);
	return FWD_OK;
}

static inline fwd_status
kit_invoke(void *ctx, uint32_t component, struct fwd_span args)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert(component < d->ctx.components && args.n <= sizeof d->args);
	if (args.n != 0)
		memcpy(d->args, args.p, args.n);
	d->args_n = args.n;
	d->invoked++;
	return FWD_OK;
}

static inline void
kit_trace(void *ctx, const struct fwd_event *ev)
{
	struct kit_dev *const d = ctx;
	char line[FWD_LINE_MAX];
	const size_t n = fwd_event_format(ev, line, sizeof line);

	cr_assert_eq(n, strlen(line));
	cr_assert_lt(n, sizeof line - 1);
	d->events++;
	if (d->trace_n + n + 2 > sizeof d->trace)
		return;
	memcpy(d->trace + d->trace_n, line, n);
	d->trace_n += n;
	d->trace[d->trace_n++] = '\n';
	d->trace[d->trace_n] = '\0';
}

static inline void
kit_store_on(struct kit_dev *d)
{
	d->port.store_begin = kit_store_begin;
	d->port.store_write = kit_store_write;
	d->port.store_end = kit_store_end;
	d->port.store_read = kit_store_read;
}

/* A device with one anchor, no clock and no storage. */
static inline struct kit_dev *
kit_dev_new(const struct fwd_anchor *anchor, size_t anchors)
{
	struct kit_dev *const d = calloc(1, sizeof *d);

	cr_assert_not_null(d);
	d->crypto = kit_crypto_init(&d->kit);
	d->policy = (struct fwd_policy){ .anchor = anchor, .anchors = anchors,
	    .threshold = 1, .clock = FWD_CLOCK_NONE, .time_min = INT64_MIN,
	    .purpose = fwd_code_signing };
	d->port = (struct fwd_port){ .ctx = d, .read = kit_read,
	    .identity = kit_identity, .component = kit_component,
	    .slot = kit_slot, .sequence_number = kit_sequence_number,
	    .now = kit_now, .trace = { kit_trace, d } };
	d->now = TP_NOT_BEFORE + 86400;
	d->capacity = KIT_STORE;
	/* The library must not need any of it to be zero. */
	memset(&d->ctx, 0xa5, sizeof d->ctx);
	d->ctx.port = &d->port;
	d->ctx.crypto = &d->crypto;
	d->ctx.policy = &d->policy;
	d->ctx.envelope = d->envelope;
	d->ctx.envelope_max = sizeof d->envelope;
	d->ctx.transfer = d->transfer;
	d->ctx.transfer_n = FWD_BLOCK;
	return d;
}

static inline void
kit_dev_free(struct kit_dev *d)
{
	fwp_openssl_free(d->kit.openssl);
	free(d);
}

static inline void
kit_dev_rewind(struct kit_dev *d)
{
	d->at = d->calls = d->kit.calls = d->trace_n = d->events = 0;
	d->begun = d->invoked = 0;
	d->trace[0] = '\0';
}

/* Judge a bundle from its beginning. */
static inline fwd_status
kit_check(struct kit_dev *d, struct fwd_span bundle)
{
	fwd_status s;

	kit_dev_rewind(d);
	d->bundle = bundle;
	s = fwd_bundle_check(&d->ctx);
	/* The refusal a caller shows is the verdict's. */
	cr_assert_eq(d->ctx.refusal.status, s);
	return s;
}

static inline fwd_status
kit_run(struct kit_dev *d, struct fwd_span envelope)
{
	fwd_status s;

	kit_dev_rewind(d);
	s = fwd_envelope_run(&d->ctx, envelope);
	cr_assert_eq(d->ctx.refusal.status, s);
	return s;
}

#define kit_eq(got, want, ...) \
	cr_assert_eq((got), (want), "%s, not %s: %s", fwd_status_code(got), \
	    fwd_status_code(want), __VA_ARGS__)

#endif
