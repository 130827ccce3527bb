/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fwsign device library: decides whether a device accepts, installs and
 * boots an update bundle.  Freestanding C11: no heap, no stdio, no global
 * mutable state; of the C library it needs memcpy, memmove, memset and memcmp.
 * What it needs from outside comes through struct fwd_crypto and struct
 * fwd_port, which the caller fills in.
 *
 * Conventions, stated once:
 *  - A struct fwd_span is passed by value and owns nothing.  Spans in results
 *    point into the buffers the caller handed in and live as long as those.
 *  - Sizes are in bytes; times are seconds since 1970-01-01T00:00:00Z.
 *  - Functions that return fwd_status return FWD_OK and nothing else for
 *    success.  Outputs are cleared first and hold nothing of use on failure.
 *  - Nothing here is thread safe by itself; two contexts share no state.
 *
 * Standards: draft-ietf-suit-manifest-37 ("the draft"), RFC 8949 (CBOR),
 * RFC 9052 and RFC 9360 (COSE, x5chain), RFC 9864 (fully specified
 * algorithms), RFC 5280 (X.509).
 */
#ifndef FWDEVICE_H
#define FWDEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Limits.  They size the structures below, so that a caller knows at compile
 * time how much memory the library uses.
 *
 * Those of the first group may be made smaller, for the library and everybody
 * who uses it alike, as with -DFWD_COMPONENTS_MAX=2: what a bundle has beyond
 * them is refused.  A limit that no bundle for the device exceeds changes no
 * verdict; a device's own components are such a limit, since a manifest that
 * names others, or one of them twice, is refused anyhow.
 */
#ifndef FWD_NAME_MAX
#define FWD_NAME_MAX		256u	/* longest member name, plus one */
#endif
#ifndef FWD_COMPONENTS_MAX
#define FWD_COMPONENTS_MAX	16u	/* components in a manifest, 1 to 16 */
#endif
#ifndef FWD_PAYLOADS_MAX
#define FWD_PAYLOADS_MAX	64u	/* payloads a manifest can fetch */
#endif
#ifndef FWD_ATTACHMENTS_MAX
#define FWD_ATTACHMENTS_MAX	32u	/* attachments in a bundle */
#endif
#ifndef FWD_AUTH_MAX
#define FWD_AUTH_MAX		8u	/* signature blocks looked at */
#endif
#ifndef FWD_CHAIN_MAX
#define FWD_CHAIN_MAX		8u	/* certificates in one x5chain */
#endif

#define FWD_BLOCK		512u	/* a ustar block; the transfer buffer
					   is a multiple of it */
#define FWD_ANCHORS_MAX		16u	/* trust anchors in a policy */
#define FWD_RULES_MAX		8u	/* rules about signers in it */
#define FWD_RIGHTS_MAX		32u	/* components with rights in it */
#define FWD_DEPTH_MAX		4u	/* command sequences in one another */
#define FWD_STEPS_MAX		2048u	/* commands in one section's run */
#define FWD_VERSION_MAX		8u	/* integers in a version */
#define FWD_CBOR_DEPTH_MAX	8u	/* nesting of items that are skipped */
#define FWD_DIGEST_MAX		64u	/* SHA-512 */
#define FWD_SIG_MAX		512u	/* RSA-4096 */
#define FWD_POINT_MAX		133u	/* uncompressed P-521 point */
#define FWD_LINE_MAX		640u	/* a formatted trace line */

/*
 * Every verdict: constant, value, published code, meaning.  Published codes
 * and values never change their meaning.  Any two values, and any value and
 * the complement of another, differ in at least 8 bits, and each from all
 * zeros and all ones, so that no simple fault turns one into another.
 */
#define FWD_STATUS_LIST(X)	\
	/* not refusals */	\
	X(FWD_OK, 0x59595959,	\
	    "ok",	\
	    "done and checked")	\
	X(FWD_UNJUDGED, 0x668b8acf,	\
	    "not-judged",	\
	    "not judged: there is no device to ask")	\
	/* the bundle as an archive */	\
	X(FWD_E_TRUNCATED, 0x3f867d53,	\
	    "bundle-truncated",	\
	    "the bundle ends too early")	\
	X(FWD_E_HEADER, 0x34877815,	\
	    "bundle-header",	\
	    "a member header is not the one ustar header a bundle may have")	\
	X(FWD_E_NAME, 0x3691e991,	\
	    "bundle-name",	\
	    "a member name is not a plain relative path")	\
	X(FWD_E_MEMBER, 0x430ea314,	\
	    "bundle-member",	\
	    "a member is not the one that belongs here")	\
	X(FWD_E_TRAILING, 0x2e77dc89,	\
	    "bundle-trailing",	\
	    "there is data after the end of the bundle")	\
	X(FWD_E_ENVELOPE_SIZE, 0x13a68d78,	\
	    "envelope-too-large",	\
	    "the envelope does not fit into the envelope buffer")	\
	/* CBOR, RFC 8949 section 4.2 */	\
	X(FWD_E_CBOR_SHORT, 0x44374d9a,	\
	    "cbor-truncated",	\
	    "an item is longer than the bytes around it")	\
	X(FWD_E_CBOR_FORM, 0x6c8a3c3a,	\
	    "cbor-malformed",	\
	    "an item is not well-formed or has indefinite length")	\
	X(FWD_E_CBOR_SHORTEST, 0x34125867,	\
	    "cbor-not-shortest",	\
	    "a length or number is not in its shortest form")	\
	X(FWD_E_CBOR_ORDER, 0x40d450c7,	\
	    "cbor-key-order",	\
	    "map keys are out of order or repeated")	\
	X(FWD_E_CBOR_TYPE, 0x7fddc82c,	\
	    "cbor-type",	\
	    "an item is of another type than its place demands")	\
	X(FWD_E_CBOR_LEFT, 0x2117bd56,	\
	    "cbor-trailing",	\
	    "there is data after the end of an item")	\
	X(FWD_E_CBOR_DEPTH, 0x177c21f8,	\
	    "cbor-depth",	\
	    "items are nested too deeply")	\
	/* envelope and authentication */	\
	X(FWD_E_ENVELOPE, 0x1b614756,	\
	    "envelope-malformed",	\
	    "the envelope is not a SUIT envelope")	\
	X(FWD_E_ENVELOPE_KEY, 0x79a320e6,	\
	    "envelope-element",	\
	    "the envelope has an element that does not belong there")	\
	X(FWD_E_AUTH_MISSING, 0x0f81134d,	\
	    "signature-missing",	\
	    "there is no signature")	\
	X(FWD_E_AUTH_COUNT, 0x332b70e1,	\
	    "signature-count",	\
	    "there are more signatures than a device looks at")	\
	X(FWD_E_COSE, 0x42e6f00d,	\
	    "cose-malformed",	\
	    "a signature block is not a COSE_Sign1 with detached payload")	\
	X(FWD_E_COSE_HEADER, 0x29c5256e,	\
	    "cose-header",	\
	    "a COSE header is missing, misplaced or unknown")	\
	X(FWD_E_ALG, 0x6c1dcfeb,	\
	    "algorithm-unsupported",	\
	    "the algorithm is not supported")	\
	X(FWD_E_ALG_KEY, 0x618894fd,	\
	    "algorithm-key",	\
	    "the algorithm does not fit the key")	\
	X(FWD_E_KEY, 0x2644d754,	\
	    "key-invalid",	\
	    "the public key is malformed, of a wrong size or not supported")	\
	X(FWD_E_SIG_FORM, 0x728bcf3e,	\
	    "signature-encoding",	\
	    "the signature has a wrong length or a value out of range")	\
	X(FWD_E_SIG, 0x6c3ac3f3,	\
	    "signature-invalid",	\
	    "the signature does not hold")	\
	X(FWD_E_ANCHOR, 0x65538ca0,	\
	    "signer-unknown",	\
	    "no signer leads to a trust anchor")	\
	X(FWD_E_THRESHOLD, 0x30433df9,	\
	    "signers-too-few",	\
	    "fewer signers than the policy demands")	\
	X(FWD_E_POLICY, 0x49bddf10,	\
	    "policy-invalid",	\
	    "the policy has no trust anchor, no threshold or contradicts itself")	\
	/* X.509, RFC 5280 */	\
	X(FWD_E_CERT_DER, 0x5c098579,	\
	    "certificate-der",	\
	    "a certificate is not DER or has a field that may not be there")	\
	X(FWD_E_CERT_VERSION, 0x492e3d5d,	\
	    "certificate-version",	\
	    "a certificate is not of version 3")	\
	X(FWD_E_CERT_EXT, 0x39c97ef3,	\
	    "certificate-extension",	\
	    "a certificate has an extension that is not supported here")	\
	X(FWD_E_CERT_EXT_DUP, 0x5fbe6981,	\
	    "certificate-extension-repeated",	\
	    "a certificate has an extension twice")	\
	X(FWD_E_CERT_SIG, 0x7cc03a03,	\
	    "certificate-signature",	\
	    "a certificate was not signed by its issuer's key")	\
	X(FWD_E_CERT_NAME, 0x39f18fdc,	\
	    "certificate-issuer",	\
	    "a certificate names another issuer than the next one in the chain")	\
	X(FWD_E_CERT_CA, 0x0dfaa586,	\
	    "certificate-not-ca",	\
	    "an issuing certificate is not that of a CA")	\
	X(FWD_E_CERT_PATHLEN, 0x3ca5d207,	\
	    "certificate-path-length",	\
	    "the chain is longer than a certificate in it allows")	\
	X(FWD_E_CERT_LEAF, 0x0d93b8ee,	\
	    "certificate-leaf-ca",	\
	    "the signer's certificate is that of a CA")	\
	X(FWD_E_CERT_USAGE, 0x616e39eb,	\
	    "certificate-key-usage",	\
	    "the key usage of a certificate does not allow this use")	\
	X(FWD_E_CERT_EKU, 0x021c2a6f,	\
	    "certificate-purpose",	\
	    "the signer's certificate is not for the purpose")	\
	X(FWD_E_CERT_EARLY, 0x2fd4d088,	\
	    "certificate-not-yet-valid",	\
	    "a certificate is not valid yet")	\
	X(FWD_E_CERT_LATE, 0x5270d642,	\
	    "certificate-expired",	\
	    "a certificate has expired")	\
	X(FWD_E_CHAIN_LEN, 0x6c51ed7c,	\
	    "chain-length",	\
	    "the chain is empty or has too many certificates")	\
	X(FWD_E_CLOCK, 0x0b6a44c1,	\
	    "clock",	\
	    "the time is not known although the policy trusts the clock, or it lies before the lower bound")	\
	/* manifest */	\
	X(FWD_E_DIGEST_ALG, 0x098e6ef8,	\
	    "digest-algorithm",	\
	    "a digest has an algorithm or a length that is not supported")	\
	X(FWD_E_MANIFEST_DIGEST, 0x0ac67aad,	\
	    "manifest-digest",	\
	    "the manifest is not the one that was signed")	\
	X(FWD_E_MANIFEST, 0x183ae8eb,	\
	    "manifest-malformed",	\
	    "the manifest is not a SUIT manifest")	\
	X(FWD_E_MANIFEST_VERSION, 0x37bd966d,	\
	    "manifest-version",	\
	    "the manifest version is not 1")	\
	X(FWD_E_MANIFEST_KEY, 0x07f63e68,	\
	    "manifest-element",	\
	    "the manifest has an element that is not supported")	\
	X(FWD_E_ROLLBACK, 0x68bf7433,	\
	    "rollback",	\
	    "the sequence number is lower than the one stored")	\
	X(FWD_E_COMPONENTS, 0x46e81645,	\
	    "component-count",	\
	    "there are no components, or more than the device handles")	\
	X(FWD_E_COMPONENT, 0x64fd4d76,	\
	    "component-unknown",	\
	    "the device has no such component")	\
	X(FWD_E_SEVERED, 0x774ef9aa,	\
	    "severed-digest",	\
	    "a severable element is not the one that was signed")	\
	/* command sequences */	\
	X(FWD_E_COMMAND, 0x70fa6229,	\
	    "command-unknown",	\
	    "a command is unknown, malformed or not allowed there")	\
	X(FWD_E_DISABLED, 0x637b9eab,	\
	    "command-disabled",	\
	    "a command or parameter is not enabled on this device")	\
	X(FWD_E_PARAMETER, 0x6e93f150,	\
	    "parameter-unknown",	\
	    "a parameter is unknown or malformed")	\
	X(FWD_E_UNSET, 0x56cf6f15,	\
	    "parameter-missing",	\
	    "a command needs a parameter that is not set")	\
	X(FWD_E_INDEX, 0x4a24be44,	\
	    "component-index",	\
	    "the component index is missing, out of range or of a kind not supported")	\
	X(FWD_E_DEPTH, 0x0f7a14ff,	\
	    "sequence-depth",	\
	    "command sequences are nested too deeply")	\
	X(FWD_E_STEPS, 0x59c08d6b,	\
	    "sequence-steps",	\
	    "there are more commands than a device executes")	\
	X(FWD_E_SHARED, 0x3093589a,	\
	    "shared-sequence",	\
	    "the shared sequence has a command with side effects")	\
	X(FWD_E_UNCHECKED_ID, 0x503110fc,	\
	    "identity-unchecked",	\
	    "a component is written without vendor and class conditions in the shared sequence")	\
	X(FWD_E_UNCHECKED_IMAGE, 0x72187252,	\
	    "image-unchecked",	\
	    "a component is written but its image is not matched afterwards")	\
	/* conditions */	\
	X(FWD_E_VENDOR, 0x04f10fcf,	\
	    "vendor-mismatch",	\
	    "the update is for devices of another vendor")	\
	X(FWD_E_CLASS, 0x2bb9ea7e,	\
	    "class-mismatch",	\
	    "the update is for another class of devices")	\
	X(FWD_E_DEVICE, 0x02bcf504,	\
	    "device-mismatch",	\
	    "the update is for another device")	\
	X(FWD_E_SLOT, 0x7746a723,	\
	    "slot-mismatch",	\
	    "the component slot is another one")	\
	X(FWD_E_IMAGE, 0x4d63a8bc,	\
	    "image-mismatch",	\
	    "an image is not the one the manifest names")	\
	X(FWD_E_CONTENT, 0x36cf4671,	\
	    "content-mismatch",	\
	    "a component does not hold the content the manifest names")	\
	X(FWD_E_ABORT, 0x5eed9d8b,	\
	    "abort",	\
	    "the manifest asks to abort")	\
	X(FWD_E_TRIED_ALL, 0x5f65c443,	\
	    "try-each-exhausted",	\
	    "no alternative in the manifest fits")	\
	/* payloads and attachments */	\
	X(FWD_E_PAYLOAD_MISSING, 0x11b82e7b,	\
	    "payload-missing",	\
	    "a payload that the manifest fetches is not there")	\
	X(FWD_E_PAYLOAD_SIZE, 0x03e90b93,	\
	    "payload-size",	\
	    "a payload has another size than the manifest says")	\
	X(FWD_E_PAYLOAD_DIGEST, 0x47eed471,	\
	    "payload-digest",	\
	    "a payload is not the one that was signed")	\
	X(FWD_E_UNREFERENCED, 0x5600f0aa,	\
	    "payload-unreferenced",	\
	    "there is a payload that the manifest does not name")	\
	X(FWD_E_ATTACHMENT, 0x18b799bb,	\
	    "attachment-list",	\
	    "the list of attachments is malformed")	\
	X(FWD_E_ATTACHMENT_DIGEST, 0x4a3308b3,	\
	    "attachment-digest",	\
	    "an attachment is not the one that was signed")	\
	X(FWD_E_ATTACHMENT_SIZE, 0x18212fa1,	\
	    "attachment-size",	\
	    "an attachment has another size than the manifest says")	\
	X(FWD_E_ATTACHMENT_MISSING, 0x6485d1cb,	\
	    "attachment-missing",	\
	    "an attachment that the manifest lists is not there")	\
	/* the device */	\
	X(FWD_E_STORE_SIZE, 0x6da9cd9f,	\
	    "store-size",	\
	    "the image does not fit into its slot")	\
	X(FWD_E_STORE, 0x52f07eae,	\
	    "store",	\
	    "the storage of a component could not be read or written")	\
	X(FWD_E_IO, 0x7a059164,	\
	    "read-failed",	\
	    "the bundle could not be read")	\
	X(FWD_E_CRYPTO, 0x3b083e42,	\
	    "crypto-failed",	\
	    "the cryptographic port failed")	\
	X(FWD_E_API, 0x7c9fe731,	\
	    "api",	\
	    "the library was called in a way its header forbids")	\
	X(FWD_E_FAULT, 0x50dba4be,	\
	    "fault",	\
	    "two computations of one decision disagree")	\
	/* installing and booting */	\
	X(FWD_E_UNCONFIRMED, 0x472ebf0a,	\
	    "not-confirmed",	\
	    "the running release has not been confirmed, or the one to confirm does not run")	\
	X(FWD_E_COMPONENT_SET, 0x120c559c,	\
	    "component-set",	\
	    "the release leaves out a component that has two slots")	\
	X(FWD_E_NOTHING_BOOTABLE, 0x728ce9f4,	\
	    "nothing-bootable",	\
	    "the device holds no release that may be booted")	\
	/* signers, rights and time */	\
	X(FWD_E_RULE, 0x0e9aa613,	\
	    "signer-rule",	\
	    "the signers do not meet a rule of the policy")	\
	X(FWD_E_RIGHT, 0x78e8d562,	\
	    "component-not-permitted",	\
	    "no signer has the right to sign for a component")	\
	X(FWD_E_USE_BEFORE, 0x5b1f4b62,	\
	    "use-before-passed",	\
	    "the time before which the update had to be used has passed")	\
	X(FWD_E_UNTIMED, 0x22902107,	\
	    "clock-needed",	\
	    "the update has to be used before some time, and the device has no clock")	\
	/* the state of the device */	\
	X(FWD_E_SAME_IMAGE, 0x48ec9840,	\
	    "image-matches",	\
	    "an image is there that must not be")	\
	X(FWD_E_VERSION, 0x40a16475,	\
	    "version-mismatch",	\
	    "the version of a component is not one the manifest asks for")	\
	X(FWD_E_BATTERY, 0x1e755798,	\
	    "battery-low",	\
	    "the battery does not hold what the manifest asks for")	\
	X(FWD_E_UNAUTHORIZED, 0x502f888c,	\
	    "not-authorized",	\
	    "the update was not authorized")	\
	X(FWD_E_WAIT, 0x313b2aed,	\
	    "wait",	\
	    "an event that the manifest waits for has not come")	\
	X(FWD_E_ORDER, 0x5589efd7,	\
	    "order",	\
	    "commands without strict order depend on their order")	\
	/* the life of keys */	\
	X(FWD_E_REVOKED, 0x4efd9b4d,	\
	    "certificate-revoked",	\
	    "the key of a certificate, or of a signer, is revoked")	\
	X(FWD_E_REVOCATIONS, 0x04a27f06,	\
	    "revocation-list",	\
	    "the revocation list is malformed, or no anchor that may revoke has signed it")	\
	X(FWD_E_REVOCATIONS_OLD, 0x07fcdda8,	\
	    "revocation-list-old",	\
	    "the revocation list is older than the one in force, or another one of the same number")	\
	X(FWD_E_ANCHOR_LIST, 0x50628aa7,	\
	    "trust-anchor-list",	\
	    "the list of trust anchors is malformed, or the policy cannot be met with it")

enum fwd_status_value {
#define FWD_STATUS_CONST(name, value, code, text) name = value,
	FWD_STATUS_LIST(FWD_STATUS_CONST)
#undef FWD_STATUS_CONST
};
typedef uint32_t fwd_status;

#if defined(__GNUC__)
#define FWD_MUST_USE __attribute__((warn_unused_result))
#define FWD_NORETURN __attribute__((noreturn))
#else
#define FWD_MUST_USE
#define FWD_NORETURN
#endif

/* The published code of a status, "unknown" for any other value. */
const char *fwd_status_code(fwd_status status);
/* One sentence that says what it means. */
const char *fwd_status_text(fwd_status status);

/*
 * Provided by the caller: must not return.  Called when two computations of
 * one decision disagree, which only a fault can cause: reset the device.
 */
FWD_NORETURN void fwd_panic(void);

/* ---- bytes ---------------------------------------------------------- */

struct fwd_span {
	const uint8_t *p;
	size_t n;
};

/* True when both hold the same bytes; not constant time. */
bool fwd_span_equal(struct fwd_span a, struct fwd_span b);

/*
 * Compare n bytes in constant time, twice.  FWD_OK when equal, otherwise
 * mismatch, which the caller chooses and which is not FWD_OK.  No bytes are
 * never equal: a digest of no length proves nothing.
 */
FWD_MUST_USE fwd_status fwd_equal(const void *a, const void *b, size_t n,
    fwd_status mismatch);

/* ---- algorithms ----------------------------------------------------- */

/* Digests, by COSE identifier (RFC 9054). */
#define FWD_SHA256		(-16)
#define FWD_SHA384		(-43)
#define FWD_SHA512		(-44)

/* Signatures, by COSE identifier. */
#define FWD_ES256		(-7)	/* read only, bound to P-256 */
#define FWD_EDDSA		(-8)	/* read only, bound to Ed25519 */
#define FWD_ESP256		(-9)
#define FWD_ED25519		(-19)
#define FWD_ES384		(-35)	/* read only, bound to P-384 */
#define FWD_ES512		(-36)	/* read only, bound to P-521 */
#define FWD_PS256		(-37)
#define FWD_PS384		(-38)
#define FWD_PS512		(-39)
#define FWD_ESP384		(-51)
#define FWD_ESP512		(-52)
/* PKCS #1 v1.5, in certificates only (RFC 8812). */
#define FWD_RS256		(-257)
#define FWD_RS384		(-258)
#define FWD_RS512		(-259)

enum fwd_key_type {
	FWD_KEY_NONE = 0,
	FWD_KEY_P256,
	FWD_KEY_P384,
	FWD_KEY_P521,
	FWD_KEY_ED25519,
	FWD_KEY_RSA,
};

/*
 * A public key.  point: the uncompressed point 04 || X || Y of an EC key
 * (RFC 5480), the 32 bytes of an Ed25519 key (RFC 8032), or the modulus of an
 * RSA key, big endian without leading zeros; exponent: of an RSA key, likewise.
 * An RSA key can be limited by its SubjectPublicKeyInfo (RFC 4055 section 1.2):
 * pss, never to be used with RS256 and its like; only, if not 0, the one
 * algorithm it is for.
 */
struct fwd_key {
	enum fwd_key_type type;
	struct fwd_span point;
	struct fwd_span exponent;
	bool pss;
	int32_t only;
};

/* Length of a digest in bytes, 0 when alg is none that is supported. */
size_t fwd_digest_size(int64_t alg);
/* "sha-256", "ESP256", ...; "unknown" for others.  Digests and signatures. */
const char *fwd_alg_name(int64_t alg);
/* The algorithm of that name (exact), 0 when there is none. */
int32_t fwd_alg_by_name(const char *name);

/*
 * One signature, as the crypto port sees it.  Lengths and encodings have been
 * checked: ECDSA signatures are r || s of exactly twice the field's length
 * with 0 < r, s < n; RSA signatures are as long as the modulus; Ed25519
 * signatures are 64 bytes with S < L.  alg is one of ESP256, ESP384, ESP512,
 * Ed25519, PS*, RS*: aliases have been resolved.
 */
struct fwd_sig {
	int32_t alg;
	int32_t digest_alg;		/* of digest; 0 with Ed25519 */
	struct fwd_key key;
	uint8_t digest[FWD_DIGEST_MAX];	/* of the message */
	size_t digest_n;		/* 0 with Ed25519 */
	const struct fwd_span *msg;	/* the message in parts (Ed25519) */
	size_t msg_n;
	struct fwd_span sig;
};

/*
 * The crypto port.  One hash is under way at a time.  hash_end writes exactly
 * n = fwd_digest_size(alg) bytes.  verify answers FWD_OK only for a signature
 * that holds, FWD_E_SIG for one that does not, FWD_E_ALG for an algorithm or
 * key type it lacks, FWD_E_KEY for a key that is not on the curve or otherwise
 * unusable, FWD_E_CRYPTO when it could not tell.  PSS: MGF1 with the same hash,
 * salt as long as the digest (RFC 8230 section 2).
 */
struct fwd_crypto {
	void *ctx;
	fwd_status (*hash_start)(void *ctx, int32_t alg);
	fwd_status (*hash_add)(void *ctx, const uint8_t *p, size_t n);
	fwd_status (*hash_end)(void *ctx, uint8_t *out, size_t n);
	fwd_status (*verify)(void *ctx, const struct fwd_sig *sig);
};

/*
 * Check one signature over the message msg[0..n), concatenated: that alg fits
 * the key, lengths and encodings (SEC 1, RFC 8017, RFC 8032), then the port,
 * asked twice.  Errors: FWD_E_ALG, FWD_E_ALG_KEY, FWD_E_KEY, FWD_E_SIG_FORM,
 * FWD_E_SIG, FWD_E_CRYPTO.
 */
FWD_MUST_USE fwd_status fwd_sig_check(const struct fwd_crypto *crypto,
    int64_t alg, const struct fwd_key *key, const struct fwd_span *msg,
    size_t n, struct fwd_span sig);

/*
 * Read a DER SubjectPublicKeyInfo (RFC 5280 section 4.1; RFC 5480 named curve
 * and uncompressed point; RFC 8410; RSA with 2048 to 4096 bits and an odd
 * exponent of at least 3 and at most 32 bits).  Errors: FWD_E_CERT_DER,
 * FWD_E_KEY.
 */
FWD_MUST_USE fwd_status fwd_key_read(struct fwd_span spki,
    struct fwd_key *key);

/* ---- CBOR: a strict reader (RFC 8949 section 4.2.1) ------------------ */

/* A place in encoded data; what is left of it. */
struct fwd_cbor {
	struct fwd_span left;
};

enum fwd_cbor_type {
	FWD_CBOR_UINT = 0, FWD_CBOR_NINT, FWD_CBOR_BYTES, FWD_CBOR_TEXT,
	FWD_CBOR_ARRAY, FWD_CBOR_MAP, FWD_CBOR_TAG, FWD_CBOR_SIMPLE,
	FWD_CBOR_END,
};

/* Iterates over a map and demands keys in ascending bytewise order. */
struct fwd_cbor_map {
	uint64_t left;			/* pairs still to come */
	struct fwd_span last;		/* the encoded key before */
};

struct fwd_cbor fwd_cbor_open(struct fwd_span data);
/* The major type of the next item; FWD_CBOR_END when nothing is left. */
enum fwd_cbor_type fwd_cbor_peek(const struct fwd_cbor *c);
/*
 * Each takes one item of its type.  Errors: FWD_E_CBOR_SHORT, _FORM,
 * _SHORTEST, _TYPE.  An array or map states more items than bytes are left:
 * FWD_E_CBOR_SHORT.  Text must be UTF-8.
 */
FWD_MUST_USE fwd_status fwd_cbor_uint(struct fwd_cbor *c, uint64_t *v);
FWD_MUST_USE fwd_status fwd_cbor_int(struct fwd_cbor *c, int64_t *v);
FWD_MUST_USE fwd_status fwd_cbor_bytes(struct fwd_cbor *c,
    struct fwd_span *v);
FWD_MUST_USE fwd_status fwd_cbor_text(struct fwd_cbor *c, struct fwd_span *v);
FWD_MUST_USE fwd_status fwd_cbor_array(struct fwd_cbor *c, uint64_t *n);
FWD_MUST_USE fwd_status fwd_cbor_map(struct fwd_cbor *c,
    struct fwd_cbor_map *m);
FWD_MUST_USE fwd_status fwd_cbor_tag(struct fwd_cbor *c, uint64_t *v);
FWD_MUST_USE fwd_status fwd_cbor_bool(struct fwd_cbor *c, bool *v);
FWD_MUST_USE fwd_status fwd_cbor_nil(struct fwd_cbor *c);
/*
 * Before each key of a map: checks the order of the key that follows and
 * counts it down, without taking it.  FWD_E_CBOR_ORDER when the key is not
 * greater than the one before.
 */
FWD_MUST_USE fwd_status fwd_cbor_key(const struct fwd_cbor *c,
    struct fwd_cbor_map *m);
/*
 * Take one item of any type, with all that it holds; item, if not NULL, is
 * its encoding.  Nesting beyond FWD_CBOR_DEPTH_MAX: FWD_E_CBOR_DEPTH.
 */
FWD_MUST_USE fwd_status fwd_cbor_skip(struct fwd_cbor *c,
    struct fwd_span *item);
/* FWD_OK when nothing is left, otherwise FWD_E_CBOR_LEFT. */
FWD_MUST_USE fwd_status fwd_cbor_end(const struct fwd_cbor *c);

/* ---- trace ---------------------------------------------------------- */

/* What a step of the library judged: constant and printed name. */
#define FWD_STEP_LIST(X) \
	X(FWD_STEP_MEMBER, "member") \
	X(FWD_STEP_ENVELOPE, "envelope") \
	X(FWD_STEP_BLOCK, "signature-block") \
	X(FWD_STEP_ALGORITHM, "algorithm") \
	X(FWD_STEP_CERT, "certificate") \
	X(FWD_STEP_CERT_ISSUER, "certificate-issuer") \
	X(FWD_STEP_CERT_SIGNATURE, "certificate-signature") \
	X(FWD_STEP_CERT_NOT_BEFORE, "certificate-not-before") \
	X(FWD_STEP_CERT_NOT_AFTER, "certificate-not-after") \
	X(FWD_STEP_CERT_EXTENSION, "certificate-extension") \
	X(FWD_STEP_CERT_CA, "certificate-basic-constraints") \
	X(FWD_STEP_CERT_USAGE, "certificate-key-usage") \
	X(FWD_STEP_CERT_PURPOSE, "certificate-purpose") \
	X(FWD_STEP_REVOKED, "key-revocation") \
	X(FWD_STEP_CLOCK, "clock") \
	X(FWD_STEP_ANCHOR, "trust-anchor") \
	X(FWD_STEP_SIGNATURE, "signature") \
	X(FWD_STEP_SIGNERS, "signers") \
	X(FWD_STEP_RULE, "signer-rule") \
	X(FWD_STEP_RIGHT, "signer-right") \
	X(FWD_STEP_MANIFEST_DIGEST, "manifest-digest") \
	X(FWD_STEP_MANIFEST, "manifest") \
	X(FWD_STEP_SEQUENCE_NUMBER, "sequence-number") \
	X(FWD_STEP_COMPONENT, "component") \
	X(FWD_STEP_SEVERED, "severed-element") \
	X(FWD_STEP_SECTION, "section") \
	X(FWD_STEP_COMMAND, "command") \
	X(FWD_STEP_PARAMETER, "parameter") \
	X(FWD_STEP_PAYLOAD, "payload") \
	X(FWD_STEP_ATTACHMENT, "attachment") \
	X(FWD_STEP_IMAGE, "image") \
	X(FWD_STEP_END, "end") \
	X(FWD_STEP_BANK, "bank") \
	X(FWD_STEP_ANCHOR_LIST, "trust-anchor-list") \
	X(FWD_STEP_REVOCATIONS, "revocation-list") \
	X(FWD_STEP_VERDICT, "verdict")

enum fwd_step {
#define FWD_STEP_CONST(name, text) name,
	FWD_STEP_LIST(FWD_STEP_CONST)
#undef FWD_STEP_CONST
};

enum fwd_fact_kind {
	FWD_FACT_NONE = 0,
	FWD_FACT_UINT,			/* u */
	FWD_FACT_HEX,			/* s, in hexadecimal; printed to 128
					   bytes, then "..." */
	FWD_FACT_TEXT,			/* s, escaped; to 256 characters */
	FWD_FACT_TIME,			/* u as int64_t, RFC 3339 */
	FWD_FACT_ALG,			/* u as int64_t, an algorithm */
};

/* How the fact found has to relate to the one wanted. */
enum fwd_relation {
	FWD_EQUAL = 0,
	FWD_AT_LEAST,
	FWD_AT_MOST,
};

struct fwd_fact {
	enum fwd_fact_kind kind;
	enum fwd_relation relation;	/* of a wanted fact */
	uint64_t u;
	struct fwd_span s;
};

#define FWD_NO_INDEX UINT32_MAX

/*
 * One step.  index: which certificate, component, block, attachment or bank;
 * code: the command's, parameter's or section's number where step is one of
 * these.  got: the fact found; want: what was expected, where that is known.
 * The spans live until the callback returns.
 */
struct fwd_event {
	enum fwd_step step;
	fwd_status status;
	uint32_t index;
	int64_t code;
	struct fwd_fact got;
	struct fwd_fact want;
	uint32_t policy;		/* FWD_REPORT_, of a command that has
					   a reporting policy; else 0 */
};

/*
 * A reporting policy: what the manifest would like to have reported of a
 * command (the draft, section 8.4.7).  Every command is one event for each
 * component that it was for, in the order of the index, asked for or not.
 */
enum {
	FWD_REPORT_SUCCESS = 1, FWD_REPORT_FAILURE = 2,	/* a record */
	FWD_REPORT_INFO_SUCCESS = 4,	/* with system information */
	FWD_REPORT_INFO_FAILURE = 8,
};
/* Does the manifest ask for a record of this event; for system information
   in it?  Only what is FWD_E_ anything failed. */
bool fwd_event_asked(const struct fwd_event *ev);
bool fwd_event_info_asked(const struct fwd_event *ev);

/*
 * Write an event as one line without line end, NUL terminated, cut at n:
 * "STEP[INDEX] NAME: GOT (want WANT): CODE".  At most FWD_LINE_MAX is needed.
 * Returns the length.
 */
size_t fwd_event_format(const struct fwd_event *ev, char *out, size_t n);
/* A fact alone, as it stands in such a line. */
size_t fwd_fact_format(const struct fwd_fact *fact, char *out, size_t n);

/* Receives events; ctx is the caller's.  fn may be NULL: no trace. */
struct fwd_tracer {
	void (*fn)(void *ctx, const struct fwd_event *ev);
	void *ctx;
};

/* Names as in the draft without "suit-": "install", "fetch", "uri"; or
   "custom" for negative and "unknown" for other numbers. */
const char *fwd_section_name(int64_t key);
const char *fwd_command_name(int64_t code);
const char *fwd_parameter_name(int64_t key);

/* ---- trust ---------------------------------------------------------- */

/*
 * A trust anchor (RFC 5280 section 6.1.1 d): a root's subject name (DER, with
 * its SEQUENCE head; compared byte by byte) and SubjectPublicKeyInfo (DER).
 * With an empty name it is a bare key that signs manifests itself, without
 * x5chain.
 */
struct fwd_anchor {
	struct fwd_span name;
	struct fwd_span spki;
};

enum {					/* fwd_policy.clock */
	FWD_CLOCK_NONE = 0x3c5a,	/* validity dates are not judged,
					   except against time_min */
	FWD_CLOCK_TRUSTED = 0xa5c3,	/* they must hold now */
};

enum {					/* fwd_policy.flags */
	/* The identity port may answer FWD_UNJUDGED and the run goes on.
	   For tools that have no device; never set it in one. */
	FWD_NO_DEVICE = 1u << 2,
	/* Do not demand the manifest profile that fwbundle(5) describes;
	   what the draft itself demands still holds. */
	FWD_ANY_PROFILE = 1u << 3,
	/* With FWD_CLOCK_NONE a manifest's use-before is not judged, unless
	   time_min is past it.  Without this flag such a manifest is refused,
	   because nobody can tell whether its time has passed. */
	FWD_UNTIMED = 1u << 4,
	/* The directive swap is enabled, where the port can do it. */
	FWD_ALLOW_SWAP = 1u << 5,
	/* The parameter strict-order may be false.  Commands are executed in
	   order all the same; what depends on it is refused. */
	FWD_ALLOW_UNORDERED = 1u << 6,
};

enum {					/* fwd_rule.distinct */
	FWD_DISTINCT_KEYS = 0x4d72,	/* each key counts once */
	FWD_DISTINCT_ANCHORS = 0xb28d,	/* and each anchor, too */
};

/*
 * So many signers under any of these anchors there have to be: "2 of quality,
 * release and security".
 */
struct fwd_rule {
	uint32_t anchors;		/* bit i: anchor[i] of the policy */
	uint32_t threshold;		/* >= 1 */
	uint32_t distinct;
};

/*
 * Who may sign for a component (the draft, section 9): of the signers, one at
 * least is under one of these anchors.  Demanded of manifests that write to it
 * (fetch, copy, write), copy from it or invoke it.  Anybody may sign for a
 * component that has no right.
 */
struct fwd_right {
	struct fwd_span component;	/* encoded identifier */
	uint32_t anchors;		/* as in fwd_rule */
};

struct fwd_policy {
	const struct fwd_anchor *anchor;	/* at least one */
	size_t anchors;
	uint32_t threshold;		/* signers with different keys, >= 1 */
	uint32_t clock;
	int64_t time_min;		/* the time is at least this; for
					   instance when the running firmware
					   was built; INT64_MIN for none */
	uint32_t flags;
	struct fwd_span purpose;	/* extended key usage the leaf must
					   have: content of the DER OBJECT
					   IDENTIFIER; empty: any */
	/*
	 * Each rule has to be met, besides the threshold.  A key counts once,
	 * for the first of the anchors under which it signs.  A rule or a
	 * right that names no anchor or one that is not there, a threshold
	 * that can never be met, a rule with FWD_DISTINCT_ANCHORS that has two
	 * anchors with one key, and two rights for one component make the
	 * policy invalid.
	 */
	const struct fwd_rule *rule;
	size_t rules;
	const struct fwd_right *right;
	size_t rights;
	/*
	 * Keys that do not count any more, wherever in a chain: their
	 * identifiers, FWD_KEY_ID bytes each, as fwd_revocations_read gives
	 * them.  A signature under a known anchor that needs one of them is
	 * fatal.  revokers: the anchors that may sign revocation lists, as in
	 * fwd_rule; 0 for none.
	 */
	struct fwd_span revoked;
	uint32_t revokers;
};

/* id-kp-codeSigning, 1.3.6.1.5.5.7.3.3, for fwd_policy.purpose. */
extern const struct fwd_span fwd_code_signing;

/* What path validation found out. */
struct fwd_chain_result {
	size_t anchor;			/* index in the policy */
	struct fwd_key key;		/* of the leaf */
	struct fwd_span subject;	/* DER Name of the leaf */
	struct fwd_span serial;		/* content of its serial number */
	int64_t not_before;		/* the latest of the chain */
	int64_t not_after;		/* the earliest of the chain */
};

/*
 * Validate a path (RFC 5280 section 6, restricted as the manual page says):
 * cert[0] is the leaf, each next one issued the one before it, a trust anchor
 * issued the last.  now: the time, looked at with FWD_CLOCK_TRUSTED only.
 * The leaf must allow digitalSignature, have policy->purpose and not be a CA.
 * Work goes from the anchor to the leaf: nothing but the issuer name of a
 * certificate is looked at before its signature holds.
 * Errors: the FWD_E_CERT_ family, FWD_E_CHAIN_LEN, FWD_E_ANCHOR, FWD_E_CLOCK,
 * FWD_E_POLICY and those of fwd_key_read and fwd_sig_check.
 */
FWD_MUST_USE fwd_status fwd_chain_check(const struct fwd_crypto *crypto,
    const struct fwd_policy *policy, int64_t now,
    const struct fwd_span *cert, size_t n, struct fwd_tracer trace,
    struct fwd_chain_result *result);

/*
 * Take the subject name and key out of a DER certificate to make an anchor,
 * without judging it.  Errors: FWD_E_CERT_DER.
 */
FWD_MUST_USE fwd_status fwd_anchor_read(struct fwd_span cert,
    struct fwd_anchor *anchor);

/* ---- the life of keys ------------------------------------------------ */

/*
 * The identifier of a key: the SHA-256 of its DER SubjectPublicKeyInfo (RFC
 * 7093 section 2, method 4).  Errors: FWD_E_CRYPTO.
 */
#define FWD_KEY_ID		32u
FWD_MUST_USE fwd_status fwd_key_id(const struct fwd_crypto *crypto,
    struct fwd_span spki, uint8_t id[FWD_KEY_ID]);
/*
 * The same of an RSA key as if it were stated with rsaEncryption (RFC 3279
 * section 2.3.1), whichever limit to RSASSA-PSS its SubjectPublicKeyInfo has:
 * this identifier revokes the key in all its forms.  spki: one that
 * fwd_key_read takes.  Errors: FWD_E_CRYPTO, FWD_E_CERT_DER.
 */
FWD_MUST_USE fwd_status fwd_key_id_rsa(const struct fwd_crypto *crypto,
    struct fwd_span spki, uint8_t id[FWD_KEY_ID]);

/*
 * A revocation list, CBOR in deterministic encoding; a root signs it, or a
 * bare key, as it would sign a digest, without x5chain:
 *
 *	signed = [ list: bstr .cbor list, signature: bstr .cbor COSE_Sign1 ]
 *	list = [ "fw-revocations", version: 1, number: uint, revoked: bstr ]
 *
 * revoked: key identifiers behind one another, ascending, none twice.
 */
struct fwd_revocations {
	uint64_t number;		/* grows from list to list */
	struct fwd_span revoked;
};

/*
 * Read such a list and judge it: its form, and that one of policy->revokers
 * has signed it, with a key that is not among policy->revoked.  Nothing but
 * the signature is looked at before that holds.  Errors: FWD_E_REVOCATIONS,
 * FWD_E_REVOKED, FWD_E_ALG, FWD_E_POLICY, FWD_E_CRYPTO.
 */
FWD_MUST_USE fwd_status fwd_revocations_read(const struct fwd_crypto *crypto,
    const struct fwd_policy *policy, struct fwd_span data,
    struct fwd_revocations *list);

/*
 * Read a list of trust anchors: a DER TrustAnchorList (RFC 5914 section 3)
 * of one to FWD_ANCHORS_MAX certificates, from which the anchors are taken as
 * fwd_anchor_read does.  Errors: FWD_E_ANCHOR_LIST.
 */
FWD_MUST_USE fwd_status fwd_anchors_read(struct fwd_span list,
    struct fwd_anchor anchor[FWD_ANCHORS_MAX], size_t *n);

/* ---- COSE_Sign1 ------------------------------------------------------ */

/* A signature block (RFC 9052 section 4.2, RFC 9360), decoded. */
struct fwd_cose {
	int64_t alg;
	struct fwd_span protected_;	/* content of the header byte string */
	struct fwd_span cert[FWD_CHAIN_MAX];
	size_t certs;			/* 0: no x5chain */
	struct fwd_span sig;
};

/* Decode one block: tag 18, alg and x5chain protected, nothing else, nil
   payload.  Errors: CBOR, FWD_E_COSE, FWD_E_COSE_HEADER, FWD_E_CHAIN_LEN. */
FWD_MUST_USE fwd_status fwd_cose_read(struct fwd_span block,
    struct fwd_cose *cose);

/*
 * The bytes before and after the protected header and the payload in the
 * Sig_structure, so that the to-be-signed message is the concatenation of
 * msg[0..*n) (RFC 9052 section 4.4, context "Signature1", no external_aad).
 * heads is scratch memory the spans point to; payload is the content of the
 * first byte string of the authentication wrapper.
 */
#define FWD_TBS_PARTS 4u
struct fwd_tbs {
	uint8_t head[2][32];
	struct fwd_span msg[FWD_TBS_PARTS];
};
void fwd_cose_tbs(struct fwd_span protected_, struct fwd_span payload,
    struct fwd_tbs *tbs);

/* ---- SUIT envelope and manifest -------------------------------------- */

/* Keys of the envelope and the manifest (the draft, section 8.4). */
enum {
	FWD_ENV_AUTH = 2, FWD_ENV_MANIFEST = 3,
	FWD_MAN_VERSION = 1, FWD_MAN_SEQUENCE_NUMBER = 2, FWD_MAN_COMMON = 3,
	FWD_MAN_REFERENCE_URI = 4,
	FWD_MAN_VALIDATE = 7, FWD_MAN_LOAD = 8, FWD_MAN_INVOKE = 9,
	FWD_MAN_PAYLOAD_FETCH = 16, FWD_MAN_INSTALL = 20, FWD_MAN_TEXT = 23,
	FWD_COMMON_COMPONENTS = 2, FWD_COMMON_SHARED = 4,
	FWD_TEXT_ATTACHMENTS = -257,	/* in a language map; see fwbundle(5) */
};

/* Commands. */
enum {
	FWD_COND_VENDOR = 1, FWD_COND_CLASS = 2, FWD_COND_IMAGE = 3,
	FWD_COND_USE_BEFORE = 4, FWD_COND_SLOT = 5, FWD_COND_CONTENT = 6,
	FWD_COND_ABORT = 14, FWD_COND_DEVICE = 24, FWD_COND_NOT_IMAGE = 25,
	FWD_COND_BATTERY = 26, FWD_COND_AUTHORIZED = 27, FWD_COND_VERSION = 28,
	FWD_DIR_SET_INDEX = 12, FWD_DIR_TRY_EACH = 15, FWD_DIR_WRITE = 18,
	FWD_DIR_OVERRIDE = 20, FWD_DIR_FETCH = 21, FWD_DIR_COPY = 22,
	FWD_DIR_INVOKE = 23, FWD_DIR_WAIT = 29, FWD_DIR_SWAP = 31,
	FWD_DIR_RUN = 32,
};

/* Parameters. */
enum {
	FWD_PAR_VENDOR = 1, FWD_PAR_CLASS = 2, FWD_PAR_DIGEST = 3,
	FWD_PAR_USE_BEFORE = 4, FWD_PAR_SLOT = 5, FWD_PAR_STRICT_ORDER = 12,
	FWD_PAR_SOFT_FAILURE = 13, FWD_PAR_SIZE = 14, FWD_PAR_CONTENT = 18,
	FWD_PAR_URI = 21, FWD_PAR_SOURCE = 22, FWD_PAR_INVOKE_ARGS = 23,
	FWD_PAR_DEVICE = 24, FWD_PAR_FETCH_ARGS = 25, FWD_PAR_BATTERY = 26,
	FWD_PAR_PRIORITY = 27, FWD_PAR_VERSION = 28, FWD_PAR_WAIT = 29,
};

/* How a component's version compares with the one in the manifest
   (draft-ietf-suit-update-management-14, section 4.4). */
enum {
	FWD_VERSION_GREATER = 1, FWD_VERSION_GREATER_EQUAL, FWD_VERSION_EQUAL,
	FWD_VERSION_LESSER_EQUAL, FWD_VERSION_LESSER,
};

/* Integers of 1.2.3 or, with -1 for a release candidate, -2 beta, -3 alpha,
   of 1.2-rc.3: 1, 2, -1, 3. */
struct fwd_version {
	int64_t part[FWD_VERSION_MAX];
	size_t n;			/* at least 1 */
};

/* A SUIT_Digest (the draft, section 10). */
struct fwd_digest {
	int64_t alg;
	struct fwd_span bytes;
};

/* Take one from c: two elements, an algorithm of ours and as many bytes as it
   has.  Errors: CBOR, FWD_E_DIGEST_ALG. */
FWD_MUST_USE fwd_status fwd_digest_read(struct fwd_cbor *c,
    struct fwd_digest *digest);

/*
 * An envelope taken apart, nothing in it judged but its own form.  Severable
 * elements and integrated payloads stay where they are: look them up.
 */
struct fwd_envelope {
	struct fwd_span whole;
	struct fwd_span payload;	/* COSE payload: the encoded digest */
	struct fwd_digest digest;	/* of the manifest */
	struct fwd_span block[FWD_AUTH_MAX];	/* signature blocks */
	size_t blocks;
	struct fwd_span manifest;	/* content of the byte string */
	struct fwd_span manifest_bstr;	/* with its head, as it is hashed */
	struct fwd_span members;	/* the pairs after the manifest */
	uint64_t members_n;
};

/*
 * Take an envelope apart.  Errors: CBOR, FWD_E_ENVELOPE, FWD_E_ENVELOPE_KEY,
 * FWD_E_AUTH_COUNT, FWD_E_DIGEST_ALG.  An envelope without signature is no
 * error here.
 */
FWD_MUST_USE fwd_status fwd_envelope_read(struct fwd_span data,
    struct fwd_envelope *env);

/* The next element after the manifest.  at: zeroed before the first call.
   key 0: an integrated payload of that name.  whole: the byte string with its
   head.  Returns false at the end. */
struct fwd_member {
	int64_t key;
	struct fwd_span name;
	struct fwd_span content;
	struct fwd_span bstr;
};
bool fwd_envelope_next(const struct fwd_envelope *env, size_t *at,
    struct fwd_member *m);

/* A section that can be severed: in the manifest, in the envelope, or gone. */
struct fwd_section {
	struct fwd_span content;	/* p is NULL when not there */
	struct fwd_span bstr;		/* with its head, as it is hashed */
	struct fwd_digest digest;	/* alg 0: not severable */
	bool declared;			/* the manifest has the element */
	bool judged;			/* it is the one that was signed */
};

/* A manifest (the draft, section 8.4), decoded. */
struct fwd_manifest {
	uint64_t sequence_number;
	struct fwd_span components;	/* encoded array */
	uint64_t components_n;
	struct fwd_span shared;		/* content of the sequences */
	struct fwd_span reference_uri;
	struct fwd_section fetch, install, validate, load, invoke, text;
};

/*
 * Decode a manifest and find its severed elements in env.  Their digests are
 * not judged here.  Errors: CBOR, FWD_E_MANIFEST, FWD_E_MANIFEST_VERSION,
 * FWD_E_MANIFEST_KEY, FWD_E_COMPONENTS, FWD_E_DIGEST_ALG, FWD_E_SEVERED (an
 * element is in the envelope that the manifest does not declare severed).
 */
FWD_MUST_USE fwd_status fwd_manifest_read(const struct fwd_envelope *env,
    struct fwd_manifest *man);

/* A command with its argument, not judged beyond its form. */
struct fwd_command {
	int64_t code;
	struct fwd_span arg;		/* encoded */
};

/*
 * Iterate over the commands of a sequence (the content of its byte string).
 * fwd_sequence_open takes the array head.  fwd_sequence_next takes one
 * command; call it while seq->left is not 0.
 */
struct fwd_sequence {
	struct fwd_cbor c;
	uint64_t left;			/* commands to come */
};
FWD_MUST_USE fwd_status fwd_sequence_open(struct fwd_span data,
    struct fwd_sequence *seq);
FWD_MUST_USE fwd_status fwd_sequence_next(struct fwd_sequence *seq,
    struct fwd_command *cmd);

/* ---- the port -------------------------------------------------------- */

/* What the environment is asked for, and what it answers. */
struct fwd_question {
	uint64_t battery;
	int64_t priority;
	struct fwd_span wait;
	struct fwd_version version;	/* the answer */
};

/*
 * All that the library asks of the device.  Every pointer must be set unless
 * it says otherwise.
 */
struct fwd_port {
	void *ctx;
	/* The bundle, from its beginning: fill buf with n bytes, fewer only at
	   its end; *got says how many.  FWD_E_IO on failure. */
	fwd_status (*read)(void *ctx, uint8_t *buf, size_t n, size_t *got);
	/* Is this UUID (16 bytes) one of the device's for the component?
	   which: FWD_PAR_VENDOR, FWD_PAR_CLASS or FWD_PAR_DEVICE.  FWD_OK; a
	   mismatch: FWD_E_VENDOR, _CLASS, _DEVICE; FWD_UNJUDGED as
	   FWD_NO_DEVICE allows. */
	fwd_status (*identity)(void *ctx, int64_t which, uint32_t component,
	    const uint8_t *uuid);
	/* Which component is this?  id: the encoded SUIT_Component_Identifier;
	   index: its place in the manifest, by which the calls below name it.
	   capacity: bytes its slot holds.  FWD_E_COMPONENT: none of ours. */
	fwd_status (*component)(void *ctx, uint32_t index, struct fwd_span id,
	    uint64_t *capacity);
	/* Is slot the one that is written (or judged) now?  FWD_OK or
	   FWD_E_SLOT. */
	fwd_status (*slot)(void *ctx, uint32_t component, uint64_t slot);
	/* The stored sequence number: manifests below it are refused. */
	fwd_status (*sequence_number)(void *ctx, uint64_t *stored);
	/* The time; called with FWD_CLOCK_TRUSTED only.  FWD_E_CLOCK: not
	   known, as when this is NULL. */
	fwd_status (*now)(void *ctx, int64_t *now);
	/*
	 * Component storage.  All four NULL: nothing is stored, and the
	 * library judges what it would have stored.  begin makes room for size
	 * bytes; write appends at off, in order; end completes.  A component
	 * that was never written keeps what it holds.
	 */
	fwd_status (*store_begin)(void *ctx, uint32_t component,
	    uint64_t size);
	fwd_status (*store_write)(void *ctx, uint32_t component, uint64_t off,
	    const uint8_t *p, size_t n);
	fwd_status (*store_end)(void *ctx, uint32_t component);
	fwd_status (*store_read)(void *ctx, uint32_t component, uint64_t off,
	    uint8_t *p, size_t n);
	/* Start the component; args may be empty.  NULL: judged only. */
	fwd_status (*invoke)(void *ctx, uint32_t component,
	    struct fwd_span args);
	/* Exchange what two components hold, all of it or nothing, also when
	   the power fails.  NULL with storage: the device cannot.
	   FWD_E_STORE_SIZE: one does not fit. */
	fwd_status (*store_swap)(void *ctx, uint32_t a, uint32_t b);
	/*
	 * Payloads that are neither in the envelope nor in the bundle: whose
	 * URI is no name that a member can have, such as 'https://...'.  Both
	 * NULL: there are none.  uri_open says how many bytes it has, or
	 * FWD_E_PAYLOAD_MISSING; uri_read fills p with the next n of them,
	 * fewer only at the end; *got says how many.  One at a time is open.
	 */
	fwd_status (*uri_open)(void *ctx, struct fwd_span uri, uint64_t *size);
	fwd_status (*uri_read)(void *ctx, uint8_t *p, size_t n, size_t *got);
	/*
	 * What the device is like now (draft-ietf-suit-update-management-14).
	 * NULL: it cannot tell, and the commands below are not enabled.  code
	 * says what is asked:
	 * FWD_COND_BATTERY: does the battery hold q->battery mWh?  FWD_OK or
	 *	FWD_E_BATTERY.
	 * FWD_COND_AUTHORIZED: does the application allow an update of
	 *	q->priority?  Smaller is more urgent; 0 if the manifest sets
	 *	none.  FWD_OK or FWD_E_UNAUTHORIZED.
	 * FWD_COND_VERSION: the version of the component, into q->version;
	 *	FWD_E_VERSION: it has none.
	 * FWD_DIR_WAIT: wait for every event in q->wait, an encoded map of
	 *	wait events (section 4.5).  FWD_OK: they came; FWD_E_WAIT: not
	 *	yet, start the run again later; FWD_E_DISABLED: one of them is
	 *	not supported.
	 * To any of them FWD_UNJUDGED as FWD_NO_DEVICE allows.
	 */
	fwd_status (*environment)(void *ctx, int64_t code, uint32_t component,
	    struct fwd_question *q);
	struct fwd_tracer trace;
};

/* ---- a run ----------------------------------------------------------- */

/* Parameters of one component that are set; in fwd_component.set by bit. */
struct fwd_component {
	struct fwd_span id;		/* encoded identifier */
	uint64_t capacity;
	/* parameters */
	uint32_t set;			/* 1 << key */
	struct fwd_span vendor, class_id, device;
	struct fwd_digest digest;
	uint64_t size, slot, source, use_before, battery;
	int64_t priority, comparison;
	struct fwd_version version;
	struct fwd_span wait;
	struct fwd_span content, uri, args, fetch_args;
	/* state */
	bool vendor_ok, class_ok;	/* conditions met in the shared seq. */
	bool written;			/* not matched since */
	bool ever_written;		/* in this run */
	bool copied_from;		/* a staging area */
	bool is_source;			/* a command copies from it */
	bool validated;
	/* what it holds, where the library knows */
	int64_t have_alg;		/* 0: unknown */
	uint64_t have_size;
	uint8_t have[FWD_DIGEST_MAX];
};

/* A signer that was accepted. */
struct fwd_signer {
	size_t block;			/* which signature block */
	int64_t alg;
	struct fwd_chain_result chain;
	bool bare_key;			/* an anchor without certificate */
};

/* An attachment the signed list names. */
struct fwd_attachment {
	struct fwd_span name;
	struct fwd_span type;		/* media type */
	uint64_t size;
	int64_t digest_alg;
	uint8_t digest[FWD_DIGEST_MAX];
};

/*
 * All the memory of a run; the caller provides it and zeroes nothing.  The
 * first group is the caller's to fill in before a run; the results may be read
 * afterwards, the rest is the library's own.
 */
struct fwd_ctx {
	/* in */
	const struct fwd_port *port;
	const struct fwd_crypto *crypto;
	const struct fwd_policy *policy;
	uint8_t *envelope;		/* room for the envelope */
	size_t envelope_max;
	uint8_t *transfer;		/* transfer buffer */
	size_t transfer_n;		/* a multiple of FWD_BLOCK */

	/* results */
	struct fwd_envelope env;
	struct fwd_manifest man;
	struct fwd_signer signer[FWD_AUTH_MAX];
	size_t signers;
	struct fwd_component component[FWD_COMPONENTS_MAX];
	uint32_t components;
	struct fwd_attachment attachment[FWD_ATTACHMENTS_MAX];
	size_t attachments;
	struct fwd_event refusal;	/* the last step that failed */
	uint8_t fact[FWD_DIGEST_MAX];	/* what its got points to, perhaps */

	/* private */
	struct {
		char name[FWD_NAME_MAX];	/* of the current member */
		size_t name_n;
		uint64_t size;
		uint64_t left;		/* of its bytes, not read yet */
		bool have;		/* a header was read and not used */
		bool end;		/* there are no more members */
	} bundle;
	struct {
		struct fwd_span uri[FWD_PAYLOADS_MAX];	/* in order */
		size_t n;
		size_t next;		/* the first that was not passed */
	} payload;
	struct {
		uint32_t list[FWD_COMPONENTS_MAX];	/* component index */
		uint32_t n;		/* entries in list; 0: not set */
		uint32_t steps;
		uint32_t policy;	/* reporting, of this command */
		int64_t section;
	} seq;
	int64_t now;
	uint32_t origin;		/* whether the signers are known */
};

/*
 * Authenticate an envelope that is already in memory: signatures, policy,
 * digest of the manifest; then decode the manifest.  ctx->port: only the clock
 * and trace are used.  Fills env, man, signer.  What verify.c says is the
 * order of the checks.
 */
FWD_MUST_USE fwd_status fwd_envelope_check(struct fwd_ctx *ctx,
    struct fwd_span envelope);

/*
 * Judge a whole bundle, reading it once through the port: authentication,
 * compatibility, rollback, payloads, attachments, then the sequences that
 * would boot it.  With storage in the port it is installed as well.
 */
FWD_MUST_USE fwd_status fwd_bundle_check(struct fwd_ctx *ctx);

/* Likewise for a bare envelope with integrated payloads only. */
FWD_MUST_USE fwd_status fwd_envelope_run(struct fwd_ctx *ctx,
    struct fwd_span envelope);

#endif
