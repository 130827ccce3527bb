/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of our own: for those who have no public key infrastructure.
 * A certificate is put together (x509_make.c) for what the device library
 * demands of its role, judged by it (x509_judge.c), signed in a token, and
 * judged again (x509_issue.c).
 */
#ifndef FW_X509_H
#define FW_X509_H

#include "host/build.h"

/* ---- names and identifiers (x509_name.c) -------------------------- */

/*
 * The first 160 bits of the SHA-256 of the subjectPublicKey (RFC 7093 section
 * 2, method 1): CKA_ID of keys made here, and subjectKeyIdentifier of
 * certificates.  spki in DER.
 */
#define FW_KEYID_SIZE 20u
enum fw_kind fw_x509_keyid(struct fwd_span spki, uint8_t out[FW_KEYID_SIZE],
    struct fw_error *err);
/*
 * A name as fw_name_format() shows it, "CN=Release 2026,O=Example,C=DE" (RFC
 * 4514, the most specific part first), as DER.  FW_E_USAGE for what is no such
 * name, has no CN, or has parts of more than one attribute.
 */
enum fw_kind fw_name_parse(const char *text, struct fw_buf *out,
    struct fw_error *err);

/* ---- putting together (x509_make.c) ------------------------------- */

/* What a certificate is for. */
enum fw_role { FW_ROOT, FW_INTERMEDIATE, FW_RELEASE_SIGNER };
const char *fw_role_name(enum fw_role role);

#define FW_SERIAL_SIZE 20u		/* RFC 5280 section 4.1.2.2 */

struct fw_tbs {
	enum fw_role role;
	uint8_t serial[FW_SERIAL_SIZE];	/* its first bits are 01 */
	int32_t alg;			/* of the issuer's signature */
	struct fwd_span issuer, subject;	/* DER Names */
	struct fwd_span issuer_keyid;	/* empty: none is stated */
	struct fwd_span spki;
	int64_t not_before, not_after;
	int path_len;			/* of a CA; -1: no limit */
};

/* TBSCertificate (RFC 5280 section 4.1.2) with the extensions of the role. */
enum fw_kind fw_tbs_encode(const struct fw_tbs *t, struct fw_buf *out,
    struct fw_error *err);
/* Extensions of the role alone, as a request asks for them. */
enum fw_kind fw_role_extensions(enum fw_role role, int path_len,
    struct fw_buf *out, struct fw_error *err);
/* AlgorithmIdentifier; alg is one of those that are written. */
enum fw_kind fw_alg_encode(int32_t alg, struct fw_buf *out,
    struct fw_error *err);
/* The same of PS256, PS384 or PS512, with the parameters of the hash and of that
   in MGF1 NULL or absent: RFC 4055 section 2.1 allows both. */
enum fw_kind fw_pss_encode(int32_t alg, bool hash_null, bool mgf_null,
    struct fw_buf *out, struct fw_error *err);
/* A signature in COSE form as it stands in a BIT STRING. */
enum fw_kind fw_sig_encode(int32_t alg, struct fwd_span sig,
    struct fw_buf *out, struct fw_error *err);
/* SEQUENCE of tbs, algorithm and signature (as fw_sig_encode() made it). */
enum fw_kind fw_signed_encode(struct fwd_span tbs, int32_t alg,
    struct fwd_span sig, struct fw_buf *out, struct fw_error *err);

/* ---- judging (x509_judge.c) --------------------------------------- */

/*
 * A path, leaf first, to be judged by the device library.  A CA's certificate
 * as the leaf is judged as the issuer of a signer that is made up.
 */
struct fw_path {
	const struct fwd_crypto *crypto;
	struct fw_clock clock;
	const struct fwd_anchor *anchor;
	size_t anchors;
	struct fwd_span cert[FWD_CHAIN_MAX + 1];
	size_t n;
	bool ca;			/* cert[0] is to be a CA's */
	bool blank;			/* its signature is not there yet */
};
/* FW_E_REFUSED, with what the library says. */
enum fw_kind fw_path_judge(const struct fw_path *path,
    struct fwd_chain_result *found, struct fw_error *err);
/* A signature of the right form that does not hold. */
enum fw_kind fw_blank_signature(int32_t alg, size_t rsa_size,
    struct fw_buf *out, struct fw_error *err);

/* ---- issuing (x509_issue.c, x509_csr.c) --------------------------- */

/* What is asked for. */
struct fw_issue {
	enum fw_role role;
	const char *subject;		/* text; NULL: the request's */
	struct fwd_span spki;		/* of whom; empty: the key itself */
	struct fwd_span subject_der;	/* the request's */
	int64_t not_before, not_after;
	bool shorten;			/* not_after is a wish: no later than
					   the issuer's */
	bool default_path_len;
	int path_len;			/* -1: no limit */
	bool reproducible;		/* the serial number follows from the
					   rest */
	struct fw_clock clock;
	const struct fwd_crypto *crypto;
};

/*
 * A root's certificate for the key, in DER.  The device library has accepted
 * it, as the top of a path.
 */
enum fw_kind fw_self_sign(struct fw_key *key, const struct fw_issue *issue,
    struct fw_buf *out, struct fw_error *err);
/*
 * A certificate signed by key, whose own stands first in chain; what is above
 * that, as far as the chain has it, counts as well.  FW_E_REFUSED when the
 * device library would refuse what is asked for; then nothing was signed.
 */
enum fw_kind fw_issue(struct fw_key *key, const struct fw_chain *chain,
    const struct fw_issue *issue, struct fw_buf *out, struct fw_error *err);

/* A certificate request (PKCS #10, RFC 2986), in DER. */
enum fw_kind fw_csr_make(struct fw_key *key, const char *subject,
    enum fw_role role, struct fw_buf *out, struct fw_error *err);
/*
 * Read one from a PEM file: subject and spki point into der.  Its signature
 * holds and its key is one that devices take; the extensions that it asks for
 * are not looked at.
 */
struct fw_csr {
	struct fw_buf subject, spki;
};
enum fw_kind fw_csr_load(const char *path, struct fw_csr *out,
    struct fw_error *err);
void fw_csr_deinit(struct fw_csr *r);

#endif
