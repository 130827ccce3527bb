/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making bundles: from a descriptor to a file a device accepts.  From the
 * bottom up: manifest (manifest.c, text.c), signature and envelope
 * (cose_sign.c), archive (bundle.c, copy.c), the judgement of the result by
 * the device library (anydevice.c, selfcheck.c), who may sign (deny.c), the
 * whole (signers.c, build.c, front.c, resign.c, ceremony.c), and the lists by
 * which keys are revoked (revoke.c).
 */
#ifndef FW_BUILD_H
#define FW_BUILD_H

#include <openssl/types.h>

#include "host/fwhost.h"

/* The largest envelope that is written, integrated payloads included. */
#define FW_ENVELOPE_WRITE_MAX		((size_t)4 << 20)
/* All integrated payloads together. */
#define FW_INTEGRATED_MAX	((size_t)2 << 20)
/* Name of the first member. */
#define FW_ENVELOPE_NAME	"manifest.suit"

/* ---- manifest (manifest.c, text.c) ----------------------------------- */

/* What a manifest says about a file. */
struct fw_measure {
	uint64_t size;
	uint8_t digest[FWD_DIGEST_MAX];	/* in the descriptor's algorithm */
};

/* Of all files a descriptor names, at the same places as there. */
struct fw_measures {
	struct fw_measure image[FWD_COMPONENTS_MAX][FW_SLOTS_MAX];
	struct fw_measure attachment[FWD_ATTACHMENTS_MAX];
};

/*
 * Encode the content of the severable text.  FW_E_NOMEM, FW_E_INPUT.
 */
enum fw_kind fw_text_encode(const struct fw_descriptor *d,
    const struct fw_measures *m, struct fw_buf *out, struct fw_error *err);

/*
 * Encode a manifest (the content of its byte string); text: what
 * fw_text_encode made.  The length of the result depends on the measures'
 * sizes, not on their digests.  FW_E_INPUT when the descriptor asks for what a
 * manifest cannot say.
 */
enum fw_kind fw_manifest_encode(const struct fw_descriptor *d,
    const struct fw_measures *m, struct fwd_span text, struct fw_buf *out,
    struct fw_error *err);

/* OpenSSL's digest for a COSE identifier; NULL when it is not supported. */
const EVP_MD *fw_digest_md(int32_t alg);
/* SHA-1, for what is made of it by its standard and is no matter of security;
   NULL where OpenSSL has it no more. */
const EVP_MD *fw_sha1_md(void);
/* Hash bytes as they are. */
enum fw_kind fw_digest(int32_t alg, struct fwd_span data,
    uint8_t out[FWD_DIGEST_MAX], struct fw_error *err);
/*
 * Hash a byte string with its CBOR head, as SUIT does for everything that is
 * wrapped (the draft, sections 8.3 and 8.4.12).
 */
enum fw_kind fw_digest_bstr(int32_t alg, struct fwd_span content,
    uint8_t out[FWD_DIGEST_MAX], struct fw_error *err);
/* Append a SUIT_Digest. */
void fw_cbor_digest(struct fw_cbor *c, int32_t alg, const uint8_t *digest);

/* ---- signature and envelope (cose_sign.c) ---------------------------- */

/* A key with its certificates, ready to sign. */
struct fw_signer {
	struct fw_key *key;
	struct fw_chain chain;		/* at least the leaf; of a bare key
					   empty */
	int32_t alg;
	size_t sig_n;			/* signatures have this length */
	struct fw_buf protected_;	/* encoded protected header */
	char *subject;			/* of the leaf, printable */
	char *serial;			/* of the leaf, hexadecimal; or NULL */
	int64_t not_before, not_after;	/* of the leaf */
	const char *mechanism;		/* of the last signature that was made
					   for a bundle; NULL: ask the key */
};

/* What "now" is for validity dates. */
struct fw_clock {
	bool judge;			/* false: dates are not judged */
	int64_t now;
};

struct fw_build_options;
struct fw_session;

/*
 * Open a key and its chain.  The key must be that of the leaf certificate, the
 * leaf be valid now if the clock is to be judged, and no certificate one that
 * must not sign (see deny.c).  FW_E_REFUSED when it is not so; FW_E_KEY,
 * FW_E_INPUT.
 */
enum fw_kind fw_signer_open(const struct fw_signer_spec *spec,
    const struct fw_build_options *opt, struct fw_signer *out,
    struct fw_error *err);
/*
 * The same of a key that is open, or NULL if nothing will be signed, and a
 * chain in memory; alg 0: what fits the key.  Both are taken over in any case.
 */
enum fw_kind fw_signer_make(struct fw_key *key, struct fw_chain *chain,
    int32_t alg, const struct fw_build_options *opt, struct fw_signer *out,
    struct fw_error *err);
/*
 * Open the key of a trust anchor, which signs without certificates.  spec's
 * chain is not looked at; subject is the anchor's label, there are no dates.
 * FW_E_REFUSED when the key is another one; FW_E_KEY, FW_E_INPUT.
 */
enum fw_kind fw_signer_open_bare(const struct fw_signer_spec *spec,
    const struct fw_key_options *opt, const struct fw_anchor *anchor,
    struct fw_signer *out, struct fw_error *err);
void fw_signer_deinit(struct fw_signer *s);

/*
 * Make a COSE_Sign1 over payload, such as an encoded SUIT_Digest.  blank: with
 * zeros in place of the signature; the key is not used.  Nobody has verified
 * the signature: the device library judges the whole bundle later, and only
 * when it refuses that, _verify tells whether it is because of the signature,
 * with the words of fw_key_sign().
 */
enum fw_kind fw_signer_block(const struct fw_signer *s,
    struct fwd_span payload, bool blank, struct fw_buf *block,
    struct fw_error *err);
enum fw_kind fw_signer_verify(const struct fw_signer *s,
    struct fwd_span payload, struct fwd_span block, struct fw_error *err);
/* Both at once. */
enum fw_kind fw_signer_sign(const struct fw_signer *s, struct fwd_span payload,
    struct fw_buf *block, struct fw_error *err);
/* Append a COSE_Sign1 with the given protected header and signature. */
void fw_cbor_sign1(struct fw_cbor *c, struct fwd_span protected_,
    const void *sig, size_t n);

/* An element of the envelope behind the manifest. */
struct fw_element {
	const char *name;		/* "#..."; NULL: the text, key 23 */
	struct fwd_span content;
};
struct fw_envelope_parts {
	struct fwd_span payload;	/* encoded SUIT_Digest */
	const struct fwd_span *block;	/* encoded COSE_Sign1 */
	size_t blocks;
	struct fwd_span manifest;
	const struct fw_element *element;	/* in any order */
	size_t elements;
};
enum fw_kind fw_envelope_encode(const struct fw_envelope_parts *parts,
    struct fw_buf *out, struct fw_error *err);
/* The same envelope with other signature blocks. */
enum fw_kind fw_envelope_rewrap(const struct fwd_envelope *env,
    const struct fwd_span *block, size_t blocks, struct fw_buf *out,
    struct fw_error *err);
/* The same without signatures and integrated payloads. */
enum fw_kind fw_envelope_bare(const struct fwd_envelope *env,
    struct fw_buf *out, struct fw_error *err);
/* The encoded SUIT_Digest of a manifest. */
enum fw_kind fw_payload_encode(int32_t alg, struct fwd_span manifest,
    struct fw_buf *out, struct fw_error *err);

/* ---- who may sign (deny.c) ------------------------------------------- */

/* What names a key: the SHA-256 of its SubjectPublicKeyInfo in DER. */
#define FW_KEY_ID_SIZE 32u
struct fw_key_id {
	uint8_t p[FW_KEY_ID_SIZE];
};
enum fw_kind fw_key_id(struct fwd_span spki, struct fw_key_id *out,
    struct fw_error *err);
void fw_key_id_format(const struct fw_key_id *id,
    char out[2 * FW_KEY_ID_SIZE + 1]);
/* 64 hexadecimal digits in either case, n characters in all. */
bool fw_key_id_parse(const char *text, size_t n, struct fw_key_id *out);

/* Keys that must neither sign nor have signed a release. */
struct fw_deny {
	char *path;
	struct fw_denied {
		struct fw_key_id id;
		unsigned line;
	} *key;
	size_t n;
};
/* Load a list, see fwsign(1); FW_E_INPUT with its place if it is malformed. */
enum fw_kind fw_deny_load(const char *path, struct fw_deny *out,
    struct fw_error *err);
void fw_deny_deinit(struct fw_deny *d);

/*
 * FW_E_REFUSED when a certificate in DER has a key that opt denies, or is
 * marked as one for tests and opt does not allow these.  What cannot be
 * parsed is FW_E_INPUT.
 */
enum fw_kind fw_deny_cert(const struct fw_build_options *opt,
    struct fwd_span cert, struct fw_error *err);
/* The same of a whole chain, the root included. */
enum fw_kind fw_deny_chain(const struct fw_build_options *opt,
    const struct fw_chain *chain, struct fw_error *err);
/* Of the roots in opt that bundles are judged against: their keys alone. */
enum fw_kind fw_deny_roots(const struct fw_build_options *opt,
    struct fw_error *err);
/* Warn if a deny list says nothing about the root, because nobody knows it. */
void fw_deny_warn(const struct fw_build_options *opt,
    const struct fw_chain *chain);
/* The same of a signature block. */
enum fw_kind fw_deny_block(const struct fw_build_options *opt,
    struct fwd_span block, struct fw_error *err);
/* The same of a key without certificate. */
enum fw_kind fw_deny_key(const struct fw_build_options *opt,
    struct fwd_span spki, const char *label, struct fw_error *err);

/* ---- archive (bundle.c, copy.c) -------------------------------------- */

/*
 * Fill in a member header.  FW_E_INPUT when name is no plain relative path of
 * at most 255 bytes that a ustar header can hold, or mtime is out of range.
 */
enum fw_kind fw_bundle_header(const char *name, uint64_t size, uint64_t mtime,
    uint8_t out[FWD_BLOCK], struct fw_error *err);
/* size rounded up to whole blocks */
uint64_t fw_bundle_padded(uint64_t size);

typedef void fw_progress_fn(void *ctx, uint64_t done);

/*
 * Called with how much of the payloads is done; fn may be NULL.
 */
struct fw_progress {
	fw_progress_fn *fn;
	void *ctx;
	uint64_t before;		/* done before this copy */
};

/* A file that is read once, and must not change meanwhile. */
struct fw_source {
	int fd;
	char *path;			/* for messages */
	uint64_t size;
	struct { int64_t s, ns; } mtime, ctime;
};
#define FW_SOURCE_NONE { .fd = -1 }
/* Open a regular file; FW_E_INPUT without a place on failure. */
enum fw_kind fw_source_open(const char *path, struct fw_source *out,
    struct fw_error *err);
/* Take over an open file; closes fd on failure as well. */
enum fw_kind fw_source_take(int fd, const char *path, struct fw_source *out,
    struct fw_error *err);
/* FW_E_IO when the file is not what it was when it was opened. */
enum fw_kind fw_source_unchanged(const struct fw_source *s,
    struct fw_error *err);
void fw_source_deinit(struct fw_source *s);

/*
 * Copy the whole of a source to out at off and hash it on the way.  What was
 * written is read back and compared with what was read, chunk by chunk, before
 * this returns: digest is that of the bytes in out.  Chunks of zeros become
 * holes: out must have been extended over the place already.
 */
enum fw_kind fw_copy_hashed(const struct fw_source *in, int out, uint64_t off,
    int32_t alg, uint8_t digest[FWD_DIGEST_MAX],
    const struct fw_progress *progress, struct fw_error *err);
/* The same without a digest (alg 0), of n bytes from the source at from. */
enum fw_kind fw_copy_range(const struct fw_source *in, uint64_t from,
    uint64_t n, int out, uint64_t off, struct fw_error *err);
/* Write all of p at off. */
enum fw_kind fw_write_at(int fd, const void *p, size_t n, uint64_t off,
    struct fw_error *err);
/* Read exactly n bytes at off; FW_E_IO when there are fewer. */
enum fw_kind fw_read_at(int fd, void *p, size_t n, uint64_t off,
    struct fw_error *err);

/* ---- judging without a device (anydevice.c) -------------------------- */

#define FW_SLOT_VALUES_MAX 64u

/*
 * A port for fwd_bundle_check that stands for every device a bundle could be
 * meant for: it has all components, with room for anything, and the identity is
 * not judged (set FWD_NO_DEVICE in the policy).  Slots are tried one by one.
 */
struct fw_anydevice {
	/* in: the bundle; rewind makes read begin at its beginning again */
	void *bundle;
	fwd_status (*read)(void *bundle, uint8_t *buf, size_t n, size_t *got);
	fwd_status (*rewind)(void *bundle);
	int64_t now;			/* for FWD_CLOCK_TRUSTED */
	struct fwd_tracer trace;
	bool direct;			/* do not explore: reading is cheap, and
					   there is no trace */
	/* called after each pass that counts; may be NULL */
	void (*pass)(void *ctx, const struct fw_anydevice *dev,
	    const struct fwd_ctx *run, fwd_status status);
	void *pass_ctx;

	/* out */
	struct {
		uint64_t value[FW_SLOT_VALUES_MAX];
		size_t n;		/* slots the manifest asks for */
		bool wanted, complete;	/* private */
	} slots[FWD_COMPONENTS_MAX];
	size_t number;			/* of the pass, from 0 */
	size_t passes;			/* that counted */

	/* private */
	struct fwd_port port;
	bool exploring, untried;
	size_t budget;
};

/*
 * Run fwd_bundle_check as often as it takes to try every slot that the
 * manifest asks for: in pass k each component stands in its k-th slot, or its
 * last when it has fewer.  run: filled in as for fwd_bundle_check, but for the
 * port.  The status is that of the first pass that was refused, or FWD_OK; run
 * is left as that pass, or the last, left it.
 */
fwd_status fw_anydevice_check(struct fw_anydevice *dev, struct fwd_ctx *run);
/* The slot a component stands in, in this pass; false: it has none. */
bool fw_anydevice_slot(const struct fw_anydevice *dev, size_t component,
    uint64_t *slot);

/* ---- the judgement of what was built (selfcheck.c) ------------------- */

/* A place in the output whose digest is known to be that of its bytes. */
struct fw_known {
	uint64_t off, size;
	const uint8_t *digest;
};

/* What a judgement found out about a file, for the next one of the same file,
   in which nothing but its first member may change.  To be zeroed. */
#define FW_LEARN_MAX 32u
struct fw_learnt {
	struct fw_known known[FW_LEARN_MAX];	/* unless spoilt */
	uint8_t digest[FW_LEARN_MAX][FWD_DIGEST_MAX];
	size_t n;
	int32_t alg;
	bool spoilt;
};

struct fw_selfcheck {
	struct fw_learnt *learn;	/* to be added to; or NULL */
	const struct fwd_crypto *crypto;
	int fd;				/* the finished bundle */
	size_t envelope_n;		/* length of its first member */
	const struct fw_known *known;	/* apart from each other; or none */
	size_t knowns;
	int32_t alg;			/* of the known digests */
	const struct fwd_anchor *anchor;
	size_t anchors;			/* 0: no root is known */
	struct fw_clock clock;
	size_t first, signers;		/* these blocks are to be judged */
	bool bare_ok;			/* blocks without certificates cannot
					   be, and are passed over */
};
/*
 * Have the device library judge a bundle.  FW_E_REFUSED with its reason when
 * it refuses.  Each of the blocks must be accepted.  Where no root is known,
 * each is judged against the topmost certificate it carries, and all that lies
 * behind the authentication is run under a stand-in signature.
 */
enum fw_kind fw_selfcheck(const struct fw_selfcheck *sc, struct fw_error *err);
/* Have it judge one signature block of env alone, as where no root is known. */
enum fw_kind fw_selfcheck_block(const struct fw_selfcheck *sc,
    const struct fwd_envelope *env, size_t block, struct fw_error *err);
/* The second half of fw_selfcheck(), for a bundle without signatures. */
enum fw_kind fw_selfcheck_content(const struct fw_selfcheck *sc,
    struct fw_error *err);

/* ---- the whole (build.c, resign.c) ----------------------------------- */

struct fw_build_options {
	const struct fwd_crypto *crypto;	/* to judge the result with */
	struct fw_key_options key;	/* its warn is for all warnings */
	bool no_sign;			/* leave the bundle unsigned */
	const struct fw_signer_spec *signer;	/* instead of the descriptor's;
					   NULL: the descriptor's */
	size_t signers;
	const char *const *trust;	/* PEM files: judge against these */
	size_t trusts;
	const struct fw_deny *deny;	/* or NULL */
	bool allow_test;		/* certificates that are marked as for
					   tests may sign */
	struct fw_clock clock;
	uint64_t mtime;			/* of the members */
	struct fw_session *session;	/* private: of a batch; or NULL */
	const char *log;		/* the signing log that a signature is
					   in before the bundle has its name,
					   see log.h; NULL: none */
	/* total is constant; may be NULL */
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *progress_ctx;
};

/* What was done, for people and machines. */
struct fw_built {
	uint64_t size;			/* of the bundle */
	size_t envelope;		/* of it, the envelope */
	struct fw_measures measures;
	uint8_t manifest_digest[FWD_DIGEST_MAX];
	struct {
		char *subject, *serial, *key;
		size_t block;		/* its signature's, from 0 */
		int32_t alg;
		int64_t not_before, not_after;
		bool file;		/* a key file was used */
	} signer[FW_SIGNERS_MAX];
	size_t signers;
	bool judged_to_root;		/* against a root, not the topmost
					   certificate of the chain */
	int32_t digest_alg;		/* of manifest_digest */
	/* of fw_rework() */
	size_t kept;			/* signatures that stayed, in front of
					   the others */
	struct fw_removed {
		size_t block;		/* its place before, from 0 */
		char *subject;		/* NULL: it named no certificate */
		struct fw_key_id id;	/* likewise, zeros */
	} removed[FWD_AUTH_MAX];
	size_t removals;
	struct fw_unchanged {
		uint64_t size;		/* of all behind the envelope */
		uint8_t digest[FWD_DIGEST_MAX];	/* SHA-256 of it */
	} contents;
};
void fw_built_deinit(struct fw_built *b);

/* Build a bundle; path appears whole or not at all. */
enum fw_kind fw_build(const struct fw_descriptor *d, const char *path,
    const struct fw_build_options *opt, struct fw_built *out,
    struct fw_error *err);

/* Which of the signatures that are there are removed. */
struct fw_rework {
	bool all;
	/* or those of these signers: key identifiers, or PEM files that hold
	   a certificate, a chain or a public key; each must be found */
	const char *const *who;
	size_t n;
	bool strip;			/* and that is all that is done */
};

/*
 * Remove signatures from the bundle in path, add the signers in opt, and write
 * the result to out_path (which may be the same).  Manifest and contents stay
 * as they are, which is proved by reading the result back and comparing it
 * with what was there: *out says what was compared.  FW_E_REFUSED when path is
 * no bundle a device would accept but for its signatures, a signature that
 * stays or is replaced does not hold, there is none to remove, a signer has
 * signed already, or one that stays must not have signed (see deny.c).
 */
enum fw_kind fw_rework(const char *path, const char *out_path,
    const struct fw_rework *how, const struct fw_build_options *opt,
    struct fw_built *out, struct fw_error *err);

/* Add the signers in opt, and remove nothing. */
enum fw_kind fw_resign(const char *path, const char *out_path,
    const struct fw_build_options *opt, struct fw_built *out,
    struct fw_error *err);

/* ---- revocation lists (revoke.c) --------------------------------------- */

struct fw_revoke_options {
	const struct fwd_crypto *crypto;	/* to judge the result with */
	struct fw_signer_spec signer;	/* of it, the key and alg */
	struct fw_key_options key;
	const char *root;		/* PEM: its certificate or public key,
					   as it is the devices' anchor */
	uint64_t number;
	const char *add_to;		/* a signed list, or NULL */
	const char *old_root;		/* which signed that, if not root */
	/* PEM files with one certificate or public key each, or identifiers
	   of 64 hexadecimal digits */
	const char *const *revoke;
	size_t revokes;
	bool last;			/* the signer's own key is one of them,
					   so that it can sign no other */
};

/* What was done; keys in the order of the list. */
struct fw_revoked {
	size_t size;			/* of the list */
	uint64_t number;
	bool follows;			/* add_to was given */
	uint64_t before;		/* its number */
	char *subject, *key_label;	/* of the root and its key */
	uint8_t root_id[FWD_KEY_ID];
	int32_t alg;
	bool file;			/* a key file was used */
	struct fw_revoked_key {
		uint8_t id[FWD_KEY_ID];
		char *subject;		/* of the certificate; or NULL */
		char *file;		/* it was given by; or NULL */
		bool old;		/* add_to had it */
	} *key;
	size_t keys;
};
void fw_revoked_deinit(struct fw_revoked *r);

/*
 * Make a revocation list and sign it with the key of the root; path appears
 * whole or not at all.  A key that is given twice is in it once.  FW_E_REFUSED
 * when a device that has add_to in force would not take it: when that was not
 * signed by the root, has no smaller number, or revokes the root itself; when
 * the root's key is among the keys without last; when the key is not the
 * root's.  FW_E_INPUT, FW_E_KEY, FW_E_USAGE.
 */
enum fw_kind fw_revoke(const char *path, const struct fw_revoke_options *opt,
    struct fw_revoked *out, struct fw_error *err);

#endif
