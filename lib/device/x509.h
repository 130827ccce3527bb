/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, inside the device library. */
#ifndef FWD_X509_H
#define FWD_X509_H

#include "device/fwdevice.h"

/* Extensions in one certificate; more are refused. */
#define FWD_EXTENSIONS_MAX	32u

enum {					/* fwd_cert.flags */
	FWD_CERT_BASIC = 1u << 0,	/* has basicConstraints */
	FWD_CERT_BASIC_CRITICAL = 1u << 1,
	FWD_CERT_CA = 1u << 2,
	FWD_CERT_PATHLEN = 1u << 3,	/* path_len counts */
	FWD_CERT_USAGE = 1u << 4,	/* has keyUsage */
	FWD_CERT_EKU = 1u << 5,		/* has extKeyUsage */
};

enum {					/* fwd_cert.usage */
	FWD_USAGE_SIGN = 1u << 0,	/* digitalSignature */
	FWD_USAGE_CERT_SIGN = 1u << 5,	/* keyCertSign */
};

/* A certificate.  "whole": with identifier and length octets. */
struct fwd_cert {
	/* set by fwd_cert_open() */
	struct fwd_span tbs;		/* whole: what is signed */
	struct fwd_span alg;		/* whole AlgorithmIdentifier */
	struct fwd_span sig;
	struct fwd_span version;	/* content of [0]; may be empty */
	struct fwd_span serial;		/* whole INTEGER */
	struct fwd_span inner_alg;	/* whole */
	struct fwd_span issuer;		/* whole Name */
	struct fwd_span rest;		/* from validity on */
	/* set by fwd_cert_decode() */
	int64_t not_before, not_after;
	struct fwd_span subject;	/* whole Name */
	struct fwd_span spki;		/* whole */
	struct fwd_key key;
	uint32_t flags;
	uint32_t usage;			/* bit i: named bit i of keyUsage */
	uint32_t path_len;
	struct fwd_span eku;		/* the KeyPurposeIds */
	struct fwd_span fault;		/* OID of an extension refused */
};

/*
 * Find what is needed to check the signature, and the issuer's name; judge
 * nothing else.  FWD_E_CERT_DER.
 */
FWD_MUST_USE fwd_status fwd_cert_open(struct fwd_span der,
    struct fwd_cert *cert);

/*
 * Decode the rest of a certificate that was opened and hold it to the profile.
 * FWD_E_CERT_DER, _VERSION, _NAME (an empty one), _EXT, _EXT_DUP, FWD_E_KEY.
 */
FWD_MUST_USE fwd_status fwd_cert_decode(struct fwd_cert *cert);

/*
 * The algorithm of a signature's AlgorithmIdentifier: ES* (ECDSA with that
 * hash, on any curve), Ed25519, PS*, RS*.  FWD_E_ALG.
 */
FWD_MUST_USE fwd_status fwd_cert_alg(struct fwd_span alg, int32_t *out);

/*
 * An ECDSA-Sig-Value (RFC 3279 section 2.2.3) as r || s, each width bytes.
 * raw has room for 2 * width.  FWD_E_CERT_DER; FWD_E_SIG_FORM when a number is
 * longer than width.
 */
FWD_MUST_USE fwd_status fwd_cert_ecdsa_sig(struct fwd_span der, size_t width,
    uint8_t *raw);

/* ---- facts for events (x509_fact.c) ------------------------------- */

/*
 * All set kind and s of fact.  What a person knows a Name by: its last common name, or else all of it.  The
 * name need not be well-formed.
 */
void fwd_cert_name_fact(struct fwd_span name, struct fwd_fact *fact);
/* A purpose or an extension: its name where it has one, or its octets. */
void fwd_cert_purpose_fact(struct fwd_span oid, struct fwd_fact *fact);
void fwd_cert_ext_fact(struct fwd_span oid, struct fwd_fact *fact);

#endif
