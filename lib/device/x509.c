/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and public keys (RFC 5280 section 4, RFC 5480, RFC 8410,
 * RFC 4055): what one may hold here.  What the profile does not support is
 * refused, not skipped, unless RFC 5280 says that it may be ignored.
 */
#include "device/internal.h"
#include "device/der.h"
#include "device/sig.h"
#include "device/x509.h"

#define SERIAL_MAX	20u		/* RFC 5280 section 4.1.2.2 */

#define BYTES(...) \
	{ (const uint8_t []){ __VA_ARGS__ }, \
	    sizeof (const uint8_t []){ __VA_ARGS__ } }

/* 1.2.840.10045.2.1, 1.3.101.112, 1.2.840.113549.1.1.1 and .10 */
static const struct fwd_span oid_ec =
    BYTES(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);
static const struct fwd_span oid_ed25519 = BYTES(0x2b, 0x65, 0x70);
static const struct fwd_span oid_rsa =
    BYTES(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01);
static const struct fwd_span oid_pss =
    BYTES(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a);
/* 1.2.840.113549.1.1.8 */
static const struct fwd_span oid_mgf1 =
    BYTES(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08);
/* NULL */
static const struct fwd_span der_null = BYTES(0x05, 0x00);
/* INTEGER 2: version 3 */
static const struct fwd_span v3 = BYTES(0x02, 0x01, 0x02);

/* Curves as parameters of id-ecPublicKey: RFC 5480 section 2.1.1.1. */
static const struct {
	enum fwd_key_type type;
	struct fwd_span params;
} curves[] = {
	{ FWD_KEY_P256, BYTES(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
	    0x01, 0x07) },
	{ FWD_KEY_P384, BYTES(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22) },
	{ FWD_KEY_P521, BYTES(0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23) },
};
enum { NCURVES = sizeof curves / sizeof curves[0] };

/*
 * Signature algorithms with fixed parameters, as the content of their
 * AlgorithmIdentifier: RFC 5758 section 3.2, RFC 8410, RFC 4055 section 5.
 */
static const struct {
	int32_t alg;
	struct fwd_span content;
} algs[] = {
	{ FWD_ES256, BYTES(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,
	    0x03, 0x02) },
	{ FWD_ES384, BYTES(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,
	    0x03, 0x03) },
	{ FWD_ES512, BYTES(0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,
	    0x03, 0x04) },
	{ FWD_ED25519, BYTES(0x06, 0x03, 0x2b, 0x65, 0x70) },
	{ FWD_RS256, BYTES(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	    0x01, 0x01, 0x0b, 0x05, 0x00) },
	{ FWD_RS384, BYTES(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	    0x01, 0x01, 0x0c, 0x05, 0x00) },
	{ FWD_RS512, BYTES(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	    0x01, 0x01, 0x0d, 0x05, 0x00) },
};
enum { NALGS = sizeof algs / sizeof algs[0] };

/* Hashes (RFC 5754) and the PSS algorithm with each. */
static const struct hash {
	int32_t pss;
	uint32_t size;
	struct fwd_span oid;
} hashes[] = {
	{ FWD_PS256, 32, BYTES(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
	    0x01) },
	{ FWD_PS384, 48, BYTES(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
	    0x02) },
	{ FWD_PS512, 64, BYTES(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
	    0x03) },
};
enum { NHASHES = sizeof hashes / sizeof hashes[0] };

/* ---- algorithms and keys ------------------------------------------ */

/* A hash's AlgorithmIdentifier; parameters NULL or absent, as RFC 4055
   section 2.1 demands.  NULL when it is none of ours. */
static const struct hash *
read_hash(struct fwd_span *left)
{
	struct fwd_span seq, oid;
	size_t i;

	if (fwd_der_take(left, FWD_DER_SEQUENCE, &seq) != FWD_OK ||
	    fwd_der_oid(&seq, &oid) != FWD_OK ||
	    (seq.n != 0 && !fwd_span_equal(seq, der_null)))
		return NULL;
	for (i = 0; i < NHASHES; i++) {
		if (fwd_span_equal(hashes[i].oid, oid))
			return &hashes[i];
	}
	return NULL;
}

/* The AlgorithmIdentifier of MGF1 with a hash. */
static const struct hash *
read_mgf(struct fwd_span *left)
{
	const struct hash *h;
	struct fwd_span seq, oid;

	if (fwd_der_take(left, FWD_DER_SEQUENCE, &seq) != FWD_OK ||
	    fwd_der_oid(&seq, &oid) != FWD_OK ||
	    !fwd_span_equal(oid, oid_mgf1))
		return NULL;
	h = read_hash(&seq);
	return seq.n == 0 ? h : NULL;
}

/*
 * RSASSA-PSS-params (RFC 4055 section 3.1): hash, MGF1 with the same hash,
 * salt as long as the digest, trailer by default.  All but the last differ
 * from their defaults and so must be there.
 */
static fwd_status
read_pss(struct fwd_span left, int32_t *alg)
{
	const struct hash *h, *mgf;
	struct fwd_span seq, v;
	uint32_t salt;

	*alg = 0;
	FWD_TRY(fwd_der_take(&left, FWD_DER_SEQUENCE, &seq));
	FWD_TRY(fwd_der_end(left));
	FWD_TRY(fwd_der_take(&seq, FWD_DER_CONTEXT | 0, &v));
	h = read_hash(&v);
	if (h == NULL || v.n != 0)
		return FWD_E_ALG;
	FWD_TRY(fwd_der_take(&seq, FWD_DER_CONTEXT | 1, &v));
	mgf = read_mgf(&v);
	if (mgf != h || v.n != 0)
		return FWD_E_ALG;
	FWD_TRY(fwd_der_take(&seq, FWD_DER_CONTEXT | 2, &v));
	FWD_TRY(fwd_der_small(&v, &salt));
	if (salt != h->size || v.n != 0 || seq.n != 0)
		return FWD_E_ALG;
	*alg = h->pss;
	return FWD_OK;
}

fwd_status
fwd_cert_alg(struct fwd_span alg, int32_t *out)
{
	struct fwd_span seq, oid;
	size_t i;

	*out = 0;
	if (fwd_der_take(&alg, FWD_DER_SEQUENCE, &seq) != FWD_OK)
		return FWD_E_ALG;
	for (i = 0; i < NALGS; i++) {
		if (fwd_span_equal(algs[i].content, seq)) {
			*out = algs[i].alg;
			return FWD_OK;
		}
	}
	if (fwd_der_oid(&seq, &oid) != FWD_OK ||
	    !fwd_span_equal(oid, oid_pss) || read_pss(seq, out) != FWD_OK)
		return FWD_E_ALG;
	return FWD_OK;
}

/* One number of an ECDSA-Sig-Value, with zeros in front. */
static fwd_status
take_number(struct fwd_span *left, size_t width, uint8_t *raw)
{
	struct fwd_span v;

	FWD_TRY(fwd_der_uint(left, &v));
	if (v.n > width)
		return FWD_E_SIG_FORM;
	memset(raw, 0, width - v.n);
	memcpy(raw + width - v.n, v.p, v.n);
	return FWD_OK;
}

fwd_status
fwd_cert_ecdsa_sig(struct fwd_span der, size_t width, uint8_t *raw)
{
	struct fwd_span seq;

	FWD_TRY(fwd_der_take(&der, FWD_DER_SEQUENCE, &seq));
	FWD_TRY(fwd_der_end(der));
	FWD_TRY(take_number(&seq, width, raw));
	FWD_TRY(take_number(&seq, width, raw + width));
	return fwd_der_end(seq);
}

static fwd_status
read_curve(struct fwd_span params, struct fwd_span bits, struct fwd_key *key)
{
	size_t i;

	for (i = 0; i < NCURVES; i++) {
		if (fwd_span_equal(curves[i].params, params)) {
			key->type = curves[i].type;
			key->point = bits;
			return FWD_OK;
		}
	}
	return FWD_E_KEY;
}

/* RSAPublicKey, RFC 8017 appendix A.1.1. */
static fwd_status
read_rsa(struct fwd_span bits, struct fwd_key *key)
{
	struct fwd_span seq;

	key->type = FWD_KEY_RSA;
	FWD_TRY(fwd_der_take(&bits, FWD_DER_SEQUENCE, &seq));
	FWD_TRY(fwd_der_end(bits));
	FWD_TRY(fwd_der_uint(&seq, &key->point));
	FWD_TRY(fwd_der_uint(&seq, &key->exponent));
	return fwd_der_end(seq);
}

static fwd_status
read_key(struct fwd_span oid, struct fwd_span params, struct fwd_span bits,
    struct fwd_key *key)
{
	if (fwd_span_equal(oid, oid_ec))
		return read_curve(params, bits, key);
	if (fwd_span_equal(oid, oid_ed25519)) {
		key->type = FWD_KEY_ED25519;
		key->point = bits;
		return params.n == 0 ? FWD_OK : FWD_E_CERT_DER;
	}
	if (fwd_span_equal(oid, oid_rsa)) {
		FWD_TRY(read_rsa(bits, key));
		return fwd_span_equal(params, der_null) ? FWD_OK :
		    FWD_E_CERT_DER;
	}
	if (fwd_span_equal(oid, oid_pss)) {
		key->pss = true;
		if (params.n != 0 && read_pss(params, &key->only) != FWD_OK)
			return FWD_E_KEY;
		return read_rsa(bits, key);
	}
	return FWD_E_KEY;
}

fwd_status
fwd_key_read(struct fwd_span spki, struct fwd_key *key)
{
	struct fwd_key found = { 0 };
	struct fwd_span seq, alg, oid, bits;

	memset(key, 0, sizeof *key);
	FWD_TRY(fwd_der_take(&spki, FWD_DER_SEQUENCE, &seq));
	FWD_TRY(fwd_der_end(spki));
	FWD_TRY(fwd_der_take(&seq, FWD_DER_SEQUENCE, &alg));
	FWD_TRY(fwd_der_bits(&seq, &bits));
	FWD_TRY(fwd_der_end(seq));
	FWD_TRY(fwd_der_oid(&alg, &oid));
	FWD_TRY(read_key(oid, alg, bits, &found));
	FWD_TRY(fwd_key_check(&found));
	*key = found;
	return FWD_OK;
}

/* ---- names -------------------------------------------------------- */

/* Is a before b?  The order of a SET OF in DER, X.690 section 11.6. */
static bool
in_order(struct fwd_span a, struct fwd_span b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	const int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return order < 0 || (order == 0 && a.n < b.n);
}

/* A RelativeDistinguishedName: a set of type and value, at least one. */
static fwd_status
check_rdn(struct fwd_span set)
{
	struct fwd_span last = { 0 }, pair, oid;
	struct fwd_der el;

	do {
		FWD_TRY(fwd_der_any(&set, &el));
		if (el.tag != FWD_DER_SEQUENCE || !in_order(last, el.whole))
			return FWD_E_CERT_DER;
		last = el.whole;
		pair = el.content;
		FWD_TRY(fwd_der_oid(&pair, &oid));
		FWD_TRY(fwd_der_any(&pair, &el));
		FWD_TRY(fwd_der_end(pair));
	} while (set.n != 0);
	return FWD_OK;
}

/*
 * A Name, not empty.  The strings in it are compared byte by byte and so need
 * no meaning here.
 */
static fwd_status
check_name(struct fwd_span name)
{
	struct fwd_span seq, set;

	FWD_TRY(fwd_der_take(&name, FWD_DER_SEQUENCE, &seq));
	if (seq.n == 0)
		return FWD_E_CERT_NAME;
	while (seq.n != 0) {
		FWD_TRY(fwd_der_take(&seq, FWD_DER_SET, &set));
		FWD_TRY(check_rdn(set));
	}
	return fwd_der_end(name);
}

/* ---- extensions --------------------------------------------------- */

struct extension {
	struct fwd_span oid;
	bool critical;
	struct fwd_span value;
};

static fwd_status
take_extension(struct fwd_span *left, struct extension *ext)
{
	struct fwd_span seq;

	memset(ext, 0, sizeof *ext);
	FWD_TRY(fwd_der_take(left, FWD_DER_SEQUENCE, &seq));
	FWD_TRY(fwd_der_oid(&seq, &ext->oid));
	if (fwd_der_at(seq, FWD_DER_BOOLEAN)) {
		FWD_TRY(fwd_der_true(&seq));
		ext->critical = true;
	}
	FWD_TRY(fwd_der_take(&seq, FWD_DER_OCTETS, &ext->value));
	return fwd_der_end(seq);
}

static fwd_status
read_basic_constraints(struct fwd_cert *cert, const struct extension *ext)
{
	struct fwd_span left = ext->value, seq;

	cert->flags |= FWD_CERT_BASIC;
	if (ext->critical)
		cert->flags |= FWD_CERT_BASIC_CRITICAL;
	FWD_TRY(fwd_der_take(&left, FWD_DER_SEQUENCE, &seq));
	FWD_TRY(fwd_der_end(left));
	if (seq.n == 0)
		return FWD_OK;
	/* RFC 5280 section 4.2.1.9: no path length without cA. */
	FWD_TRY(fwd_der_true(&seq));
	cert->flags |= FWD_CERT_CA;
	if (seq.n == 0)
		return FWD_OK;
	FWD_TRY(fwd_der_small(&seq, &cert->path_len));
	cert->flags |= FWD_CERT_PATHLEN;
	return fwd_der_end(seq);
}

static fwd_status
read_key_usage(struct fwd_cert *cert, const struct extension *ext)
{
	struct fwd_span left = ext->value;

	cert->flags |= FWD_CERT_USAGE;
	FWD_TRY(fwd_der_named_bits(&left, &cert->usage));
	return fwd_der_end(left);
}

static fwd_status
read_ext_key_usage(struct fwd_cert *cert, const struct extension *ext)
{
	struct fwd_span left = ext->value, seq, oid;

	cert->flags |= FWD_CERT_EKU;
	FWD_TRY(fwd_der_take(&left, FWD_DER_SEQUENCE, &seq));
	FWD_TRY(fwd_der_end(left));
	cert->eku = seq;
	do {				/* at least one */
		FWD_TRY(fwd_der_oid(&seq, &oid));
	} while (seq.n != 0);
	return FWD_OK;
}

/* A constraint that is ignored would allow what the issuer forbade. */
static fwd_status
refuse_extension(struct fwd_cert *cert, const struct extension *ext)
{
	cert->fault = ext->oid;
	return FWD_E_CERT_EXT;
}

static const struct {
	struct fwd_span oid;
	fwd_status (*read)(struct fwd_cert *cert, const struct extension *ext);
} extensions[] = {
	{ BYTES(0x55, 0x1d, 0x13), read_basic_constraints },
	{ BYTES(0x55, 0x1d, 0x0f), read_key_usage },
	{ BYTES(0x55, 0x1d, 0x25), read_ext_key_usage },
	{ BYTES(0x55, 0x1d, 0x1e), refuse_extension },	/* nameConstraints */
	{ BYTES(0x55, 0x1d, 0x24), refuse_extension },	/* policyConstr. */
	{ BYTES(0x55, 0x1d, 0x21), refuse_extension },	/* policyMappings */
	{ BYTES(0x55, 0x1d, 0x36), refuse_extension },	/* inhibitAnyPol. */
};
enum { NEXTENSIONS = sizeof extensions / sizeof extensions[0] };

static fwd_status
read_extension(struct fwd_cert *cert, const struct extension *ext)
{
	size_t i;

	for (i = 0; i < NEXTENSIONS; i++) {
		if (fwd_span_equal(extensions[i].oid, ext->oid))
			return extensions[i].read(cert, ext);
	}
	if (fwd_launder(ext->critical) != 0)
		return refuse_extension(cert, ext);
	return FWD_OK;
}

/* Is ext among the first n of list, which have been read before? */
static fwd_status
check_once(struct fwd_span list, size_t n, const struct extension *ext)
{
	struct extension other;

	for (; n > 0; n--) {
		FWD_TRY(take_extension(&list, &other));
		if (fwd_span_equal(other.oid, ext->oid))
			return FWD_E_CERT_EXT_DUP;
	}
	return FWD_OK;
}

static fwd_status
read_extensions(struct fwd_cert *cert, struct fwd_span left)
{
	struct extension ext;
	struct fwd_span list, seq;
	size_t n = 0;

	FWD_TRY(fwd_der_take(&left, FWD_DER_SEQUENCE, &list));
	FWD_TRY(fwd_der_end(left));
	seq = list;
	do {				/* at least one */
		if (n == FWD_EXTENSIONS_MAX)
			return FWD_E_CERT_EXT;
		FWD_TRY(take_extension(&seq, &ext));
		cert->fault = ext.oid;
		FWD_TRY(check_once(list, n, &ext));
		FWD_TRY(read_extension(cert, &ext));
		n++;
	} while (seq.n != 0);
	cert->fault = (struct fwd_span){ 0 };
	return FWD_OK;
}

/* ---- certificates ------------------------------------------------- */

/* Take an element of a tag, with its head. */
static fwd_status
take_whole(struct fwd_span *left, uint8_t tag, struct fwd_span *whole)
{
	struct fwd_der el;

	if (!fwd_der_at(*left, tag))
		return FWD_E_CERT_DER;
	FWD_TRY(fwd_der_any(left, &el));
	*whole = el.whole;
	return FWD_OK;
}

fwd_status
fwd_cert_open(struct fwd_span der, struct fwd_cert *cert)
{
	struct fwd_span left, tbs;

	memset(cert, 0, sizeof *cert);
	FWD_TRY(fwd_der_take(&der, FWD_DER_SEQUENCE, &left));
	FWD_TRY(fwd_der_end(der));
	FWD_TRY(take_whole(&left, FWD_DER_SEQUENCE, &cert->tbs));
	FWD_TRY(take_whole(&left, FWD_DER_SEQUENCE, &cert->alg));
	FWD_TRY(fwd_der_bits(&left, &cert->sig));
	FWD_TRY(fwd_der_end(left));

	left = cert->tbs;
	FWD_TRY(fwd_der_take(&left, FWD_DER_SEQUENCE, &tbs));
	if (fwd_der_at(tbs, FWD_DER_CONTEXT | 0))
		FWD_TRY(fwd_der_take(&tbs, FWD_DER_CONTEXT | 0,
		    &cert->version));
	FWD_TRY(take_whole(&tbs, FWD_DER_INTEGER, &cert->serial));
	FWD_TRY(take_whole(&tbs, FWD_DER_SEQUENCE, &cert->inner_alg));
	FWD_TRY(take_whole(&tbs, FWD_DER_SEQUENCE, &cert->issuer));
	cert->rest = tbs;
	return FWD_OK;
}

static fwd_status
check_version(struct fwd_span version)
{
	return fwd_span_equal(version, v3) ? FWD_OK : FWD_E_CERT_VERSION;
}

/* RFC 5280 section 4.1.2.2: positive, at most 20 octets. */
static fwd_status
check_serial(struct fwd_span serial)
{
	struct fwd_span v;

	FWD_TRY(fwd_der_uint(&serial, &v));
	if (v.n == 0 || v.n > SERIAL_MAX ||
	    (v.n == SERIAL_MAX && v.p[0] >= 0x80))
		return FWD_E_CERT_DER;
	return FWD_OK;
}

static fwd_status
read_validity(struct fwd_span *left, struct fwd_cert *cert)
{
	struct fwd_span seq;

	FWD_TRY(fwd_der_take(left, FWD_DER_SEQUENCE, &seq));
	FWD_TRY(fwd_der_time(&seq, &cert->not_before));
	FWD_TRY(fwd_der_time(&seq, &cert->not_after));
	return fwd_der_end(seq);
}

fwd_status
fwd_cert_decode(struct fwd_cert *cert)
{
	struct fwd_span left = cert->rest, ext;

	FWD_TRY(check_version(cert->version));
	FWD_TRY(check_serial(cert->serial));
	/* RFC 5280 section 4.1.1.2: both must be the same. */
	if (cert->alg.n != cert->inner_alg.n)
		return FWD_E_CERT_DER;
	FWD_TRY(fwd_equal(cert->alg.p, cert->inner_alg.p, cert->alg.n,
	    FWD_E_CERT_DER));
	FWD_TRY(check_name(cert->issuer));
	FWD_TRY(read_validity(&left, cert));
	FWD_TRY(take_whole(&left, FWD_DER_SEQUENCE, &cert->subject));
	FWD_TRY(check_name(cert->subject));
	FWD_TRY(take_whole(&left, FWD_DER_SEQUENCE, &cert->spki));
	FWD_TRY(fwd_key_read(cert->spki, &cert->key));
	if (left.n == 0)
		return FWD_OK;
	/* Unique identifiers, [1] and [2], are refused by this. */
	FWD_TRY(fwd_der_take(&left, FWD_DER_CONTEXT | 3, &ext));
	FWD_TRY(fwd_der_end(left));
	return read_extensions(cert, ext);
}

fwd_status
fwd_anchor_read(struct fwd_span der, struct fwd_anchor *anchor)
{
	struct fwd_cert cert;
	struct fwd_span left, validity, name, spki;

	memset(anchor, 0, sizeof *anchor);
	FWD_TRY(fwd_cert_open(der, &cert));
	left = cert.rest;
	FWD_TRY(fwd_der_take(&left, FWD_DER_SEQUENCE, &validity));
	FWD_TRY(take_whole(&left, FWD_DER_SEQUENCE, &name));
	FWD_TRY(take_whole(&left, FWD_DER_SEQUENCE, &spki));
	anchor->name = name;
	anchor->spki = spki;
	return FWD_OK;
}
