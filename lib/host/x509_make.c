/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates in DER (RFC 5280), put together from parts, because OpenSSL
 * signs only what it holds the key of.  What comes out is read by OpenSSL and
 * judged by the device library before it is used.
 */
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>

#include "host/internal.h"
#include "host/x509.h"

enum { INTEGER = 0x02, BITS = 0x03, OCTETS = 0x04, OID = 0x06,
	SEQUENCE = 0x30, CONTEXT = 0xa0 };

static void
time_free(ASN1_TIME **t)
{
	ASN1_TIME_free(*t);
}

static void
der_free(unsigned char **p)
{
	OPENSSL_free(*p);
}

const char *
fw_role_name(enum fw_role role)
{
	static const char *const names[] = {
		[FW_ROOT] = "root", [FW_INTERMEDIATE] = "intermediate",
		[FW_RELEASE_SIGNER] = "signer",
	};

	return names[role];
}

/* ---- elements ----------------------------------------------------- */

/* Put a head in front of what stands in b from a place on. */
static enum fw_kind
wrap(struct fw_buf *b, size_t from, uint8_t tag, struct fw_error *err)
{
	const size_t n = b->n - from;
	uint8_t head[4] = { tag };
	size_t head_n = 2;

	if (n > 0xffff)
		return fw_fail(err, FW_E_INPUT, "the certificate is too large");
	if (n < 0x80) {
		head[1] = (uint8_t)n;
	} else if (n <= 0xff) {
		head[1] = 0x81;
		head[2] = (uint8_t)n;
		head_n = 3;
	} else {
		head[1] = 0x82;
		head[2] = (uint8_t)(n >> 8);
		head[3] = (uint8_t)n;
		head_n = 4;
	}
	FW_TRY(fw_buf_reserve(b, head_n, err));
	if (n > 0)
		memmove(b->p + from + head_n, b->p + from, n);
	memcpy(b->p + from, head, head_n);
	b->n += head_n;
	return FW_OK;
}

static enum fw_kind
add(struct fw_buf *b, uint8_t tag, const void *p, size_t n,
    struct fw_error *err)
{
	const size_t from = b->n;

	FW_TRY(fw_buf_add(b, p, n, err));
	return wrap(b, from, tag, err);
}

static enum fw_kind
add_span(struct fw_buf *b, struct fwd_span s, struct fw_error *err)
{
	return fw_buf_add(b, s.p, s.n, err);
}

/* A number that is not negative, big endian with zeros in front. */
static enum fw_kind
add_number(struct fw_buf *b, const uint8_t *p, size_t n, struct fw_error *err)
{
	const size_t from = b->n;

	while (n > 1 && p[0] == 0) {
		p++;
		n--;
	}
	if (p[0] & 0x80)
		FW_TRY(fw_buf_add(b, "", 1, err));
	FW_TRY(fw_buf_add(b, p, n, err));
	return wrap(b, from, INTEGER, err);
}

/* UTCTime up to 2049, GeneralizedTime from then on. */
static enum fw_kind
add_time(struct fw_buf *b, int64_t t, struct fw_error *err)
{
	FW_CLEANUP(time_free) ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)t);
	FW_CLEANUP(der_free) unsigned char *der = NULL;
	const int n = at != NULL ? i2d_ASN1_TIME(at, &der) : -1;

	if (n <= 0)
		return fw_fail_ssl(err, FW_E_USAGE,
		    "a date is not one that certificates can have");
	return fw_buf_add(b, der, (size_t)n, err);
}

/* ---- algorithms --------------------------------------------------- */

static const struct {
	int32_t alg;
	size_t width;			/* ECDSA: of r and of s */
	bool pss;
	uint8_t hash;			/* last octet of its identifier */
	uint8_t salt;
} algs[] = {
	{ FWD_ESP256, 32, false, 2, 0 },
	{ FWD_ESP384, 48, false, 3, 0 },
	{ FWD_ESP512, 66, false, 4, 0 },
	{ FWD_ED25519, 0, false, 0, 0 },
	{ FWD_PS256, 0, true, 1, 32 },
	{ FWD_PS384, 0, true, 2, 48 },
	{ FWD_PS512, 0, true, 3, 64 },
};
enum { NALGS = sizeof algs / sizeof algs[0] };

static size_t
alg_index(int32_t alg)
{
	size_t i;

	for (i = 0; i < NALGS && algs[i].alg != alg; i++)
		;
	return i;
}

/* A hash's AlgorithmIdentifier. */
static enum fw_kind
add_hash(struct fw_buf *b, uint8_t hash, bool null, struct fw_error *err)
{
	const uint8_t oid[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
		hash };
	const size_t from = b->n;

	FW_TRY(add(b, OID, oid, sizeof oid, err));
	if (null)
		FW_TRY(fw_buf_add(b, "\5\0", 2, err));
	return wrap(b, from, SEQUENCE, err);
}

static enum fw_kind
add_mgf1(struct fw_buf *b, uint8_t hash, bool null, struct fw_error *err)
{
	static const uint8_t oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		0x01, 0x01, 0x08 };
	const size_t from = b->n;

	FW_TRY(add(b, OID, oid, sizeof oid, err));
	FW_TRY(add_hash(b, hash, null, err));
	return wrap(b, from, SEQUENCE, err);
}

/* RSASSA-PSS-params, nothing left to its default but the trailer. */
static enum fw_kind
add_pss(struct fw_buf *b, size_t alg, bool hash_null, bool mgf_null,
    struct fw_error *err)
{
	const size_t from = b->n;
	size_t at = from;

	FW_TRY(add_hash(b, algs[alg].hash, hash_null, err));
	FW_TRY(wrap(b, at, CONTEXT | 0, err));
	at = b->n;
	FW_TRY(add_mgf1(b, algs[alg].hash, mgf_null, err));
	FW_TRY(wrap(b, at, CONTEXT | 1, err));
	at = b->n;
	FW_TRY(add(b, INTEGER, &algs[alg].salt, 1, err));
	FW_TRY(wrap(b, at, CONTEXT | 2, err));
	return wrap(b, from, SEQUENCE, err);
}

enum fw_kind
fw_pss_encode(int32_t alg, bool hash_null, bool mgf_null, struct fw_buf *out,
    struct fw_error *err)
{
	static const uint8_t oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		0x01, 0x01, 0x0a };
	const size_t from = out->n;

	FW_TRY(add(out, OID, oid, sizeof oid, err));
	FW_TRY(add_pss(out, alg_index(alg), hash_null, mgf_null, err));
	return wrap(out, from, SEQUENCE, err);
}

enum fw_kind
fw_alg_encode(int32_t alg, struct fw_buf *out, struct fw_error *err)
{
	static const uint8_t ed25519[] = { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
	    0x70 };
	uint8_t ecdsa[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	    0x3d, 0x04, 0x03, 0x00 };
	const size_t i = alg_index(alg);

	if (i == NALGS)
		return fw_fail(err, FW_E_INPUT, "certificates are not signed "
		    "with algorithm %s here", fwd_alg_name(alg));
	if (algs[i].pss)
		return fw_pss_encode(alg, true, true, out, err);
	if (algs[i].width == 0)
		return fw_buf_add(out, ed25519, sizeof ed25519, err);
	ecdsa[sizeof ecdsa - 1] = algs[i].hash;
	return fw_buf_add(out, ecdsa, sizeof ecdsa, err);
}

enum fw_kind
fw_sig_encode(int32_t alg, struct fwd_span sig, struct fw_buf *out,
    struct fw_error *err)
{
	const size_t i = alg_index(alg);
	const size_t from = out->n;

	if (i == NALGS || (algs[i].width != 0 && sig.n != 2 * algs[i].width))
		return fw_fail(err, FW_E_KEY,
		    "the signature has a wrong length");
	if (algs[i].width == 0)
		return add_span(out, sig, err);
	FW_TRY(add_number(out, sig.p, algs[i].width, err));
	FW_TRY(add_number(out, sig.p + algs[i].width, algs[i].width, err));
	return wrap(out, from, SEQUENCE, err);
}

/* ---- extensions --------------------------------------------------- */

/* The last octet of the identifier, 2.5.29.x. */
enum { EXT_SUBJECT_ID = 0x0e, EXT_USAGE = 0x0f, EXT_BASIC = 0x13,
    EXT_ISSUER_ID = 0x23, EXT_PURPOSE = 0x25 };

static enum fw_kind
extension(struct fw_buf *b, uint8_t type, bool critical, const void *p,
    size_t n, struct fw_error *err)
{
	const uint8_t oid[] = { 0x06, 0x03, 0x55, 0x1d, type };
	static const uint8_t true_[] = { 0x01, 0x01, 0xff };
	const size_t from = b->n;

	FW_TRY(fw_buf_add(b, oid, sizeof oid, err));
	if (critical)
		FW_TRY(fw_buf_add(b, true_, sizeof true_, err));
	FW_TRY(add(b, OCTETS, p, n, err));
	return wrap(b, from, SEQUENCE, err);
}

static enum fw_kind
basic_constraints(struct fw_buf *b, enum fw_role role, int path_len,
    struct fw_error *err)
{
	const uint8_t limited[] = { 0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01,
	    (uint8_t)path_len };
	static const uint8_t ca[] = { 0x30, 0x03, 0x01, 0x01, 0xff };
	static const uint8_t no_ca[] = { 0x30, 0x00 };

	if (role == FW_RELEASE_SIGNER)
		return extension(b, EXT_BASIC, true, no_ca, sizeof no_ca, err);
	if (path_len < 0)
		return extension(b, EXT_BASIC, true, ca, sizeof ca, err);
	if (path_len > (int)FWD_CHAIN_MAX)
		return fw_fail(err, FW_E_USAGE, "a path length of %d is more "
		    "than any chain has (%u certificates)", path_len,
		    FWD_CHAIN_MAX);
	return extension(b, EXT_BASIC, true, limited, sizeof limited, err);
}

/* What the device library demands of the role, and no more. */
static enum fw_kind
role_extensions(struct fw_buf *b, enum fw_role role, int path_len,
    struct fw_error *err)
{
	/* keyCertSign and cRLSign; digitalSignature */
	static const uint8_t ca[] = { 0x03, 0x02, 0x01, 0x06 };
	static const uint8_t sign[] = { 0x03, 0x02, 0x07, 0x80 };
	/* codeSigning */
	static const uint8_t code[] = { 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
	    0x01, 0x05, 0x05, 0x07, 0x03, 0x03 };

	FW_TRY(basic_constraints(b, role, path_len, err));
	if (role != FW_RELEASE_SIGNER)
		return extension(b, EXT_USAGE, true, ca, sizeof ca, err);
	FW_TRY(extension(b, EXT_USAGE, true, sign, sizeof sign, err));
	return extension(b, EXT_PURPOSE, false, code, sizeof code, err);
}

enum fw_kind
fw_role_extensions(enum fw_role role, int path_len, struct fw_buf *out,
    struct fw_error *err)
{
	const size_t from = out->n;

	FW_TRY(role_extensions(out, role, path_len, err));
	return wrap(out, from, SEQUENCE, err);
}

static enum fw_kind
keyids(struct fw_buf *b, const struct fw_tbs *t, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf value = { 0 };
	uint8_t id[FW_KEYID_SIZE];

	FW_TRY(fw_x509_keyid(t->spki, id, err));
	FW_TRY(add(&value, OCTETS, id, sizeof id, err));
	FW_TRY(extension(b, EXT_SUBJECT_ID, false, value.p, value.n, err));
	if (t->issuer_keyid.n == 0)
		return FW_OK;
	value.n = 0;
	FW_TRY(add(&value, 0x80, t->issuer_keyid.p, t->issuer_keyid.n, err));
	FW_TRY(wrap(&value, 0, SEQUENCE, err));
	return extension(b, EXT_ISSUER_ID, false, value.p, value.n, err);
}

/* ---- the whole ---------------------------------------------------- */

static enum fw_kind
add_validity(struct fw_buf *b, const struct fw_tbs *t, struct fw_error *err)
{
	const size_t from = b->n;

	FW_TRY(add_time(b, t->not_before, err));
	FW_TRY(add_time(b, t->not_after, err));
	return wrap(b, from, SEQUENCE, err);
}

static enum fw_kind
add_extensions(struct fw_buf *b, const struct fw_tbs *t, struct fw_error *err)
{
	const size_t from = b->n;

	FW_TRY(role_extensions(b, t->role, t->path_len, err));
	FW_TRY(keyids(b, t, err));
	FW_TRY(wrap(b, from, SEQUENCE, err));
	return wrap(b, from, 0xa3, err);
}

enum fw_kind
fw_tbs_encode(const struct fw_tbs *t, struct fw_buf *out,
    struct fw_error *err)
{
	static const uint8_t v3[] = { 0xa0, 0x03, 0x02, 0x01, 0x02 };
	const size_t from = out->n;

	FW_TRY(fw_buf_add(out, v3, sizeof v3, err));
	FW_TRY(add_number(out, t->serial, sizeof t->serial, err));
	FW_TRY(fw_alg_encode(t->alg, out, err));
	FW_TRY(add_span(out, t->issuer, err));
	FW_TRY(add_validity(out, t, err));
	FW_TRY(add_span(out, t->subject, err));
	FW_TRY(add_span(out, t->spki, err));
	FW_TRY(add_extensions(out, t, err));
	return wrap(out, from, SEQUENCE, err);
}

enum fw_kind
fw_signed_encode(struct fwd_span tbs, int32_t alg, struct fwd_span sig,
    struct fw_buf *out, struct fw_error *err)
{
	const size_t from = out->n;
	size_t bits;

	FW_TRY(add_span(out, tbs, err));
	FW_TRY(fw_alg_encode(alg, out, err));
	bits = out->n;
	FW_TRY(fw_buf_add(out, "", 1, err));	/* no unused bits */
	FW_TRY(add_span(out, sig, err));
	FW_TRY(wrap(out, bits, BITS, err));
	return wrap(out, from, SEQUENCE, err);
}
