/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing on another machine.  A request goes there with all that is signed
 * and all that a person needs to know what it is; a response comes back with
 * the signature.  No image travels.  Both formats are described in
 * fwrequest(5); a reader believes only what it can compute itself from the
 * manifest and the chain that a request carries.
 */
#ifndef FW_CEREMONY_H
#define FW_CEREMONY_H

#include <jansson.h>

#include "host/build.h"

#define FW_REQUEST_MAX		((size_t)16 << 20)	/* bytes of a file */

struct fw_request {
	/* what all the rest is computed from */
	struct fw_buf envelope;		/* without signatures and payloads */
	struct fw_chain chain;		/* without root */
	int32_t alg;

	struct fw_buf payload;		/* the encoded SUIT_Digest */
	struct fw_buf tbs;		/* the bytes that are signed */
	int32_t digest_alg;		/* of digest: what alg hashes with, but
					   SHA-256 for Ed25519, which hashes in
					   its own way */
	uint8_t digest[FWD_DIGEST_MAX];	/* of tbs */
	json_t *summary;		/* as in schemas/request.schema.json */
};
void fw_request_deinit(struct fw_request *r);

/*
 * Make a request for a bundle, which is judged as before signing, and so is the
 * chain, see fw_request_judge().  The signer must be one that could sign it,
 * but for his key, which is not here.
 */
enum fw_kind fw_request_make(const char *bundle, const char *chain,
    int32_t alg, const struct fw_build_options *opt, struct fw_request *out,
    bool *to_root, struct fw_error *err);
/* The file, and back.  FW_E_REFUSED when text is not exactly what would be
   written for the manifest and the chain in it; path is for messages. */
enum fw_kind fw_request_encode(const struct fw_request *r, struct fw_buf *out,
    struct fw_error *err);
enum fw_kind fw_request_decode(struct fwd_span text, const char *path,
    struct fw_request *out, struct fw_error *err);
/* The summary for people: printable UTF-8 and line ends only. */
enum fw_kind fw_request_text(const struct fw_request *r, struct fw_buf *out,
    struct fw_error *err);
/* Is text one of the digests that name what is signed: of the bytes, or of the
   manifest; with or without "sha-256:" in front. */
bool fw_request_is(const struct fw_request *r, const char *text);
/* "sha-256:0123..." of the bytes that are signed; of the manifest. */
json_t *fw_request_digest(const struct fw_request *r);
json_t *fw_request_manifest_digest(const struct fw_request *r);

/*
 * The chain of a request leads up to one of the roots in opt, or without any
 * to its topmost certificate: *to_root says which.  Asked of the device
 * library.  No certificate is one that opt denies.
 */
enum fw_kind fw_request_judge(const struct fw_request *r,
    const struct fw_build_options *opt, bool *to_root, struct fw_error *err);

/* A signature, with what it is for; struct fw_elsewhere is what is added to a
   bundle.  signer: who has signed, to be released. */
enum fw_kind fw_request_sign(const struct fw_request *r, const char *key,
    const struct fw_build_options *opt, struct fw_elsewhere *out,
    struct fw_signer *signer, struct fw_error *err);
void fw_elsewhere_deinit(struct fw_elsewhere *e);
enum fw_kind fw_response_encode(const struct fw_elsewhere *e,
    struct fw_buf *out, struct fw_error *err);
/* As of a request; whether the signature holds is asked when it is attached. */
enum fw_kind fw_response_decode(struct fwd_span text, const char *path,
    struct fw_elsewhere *out, struct fw_error *err);

/* Add the signature to a signing log; NULL: none. */
enum fw_kind fw_request_log(const struct fw_request *r,
    const struct fw_elsewhere *made, const struct fw_signer *signer,
    const char *request, const char *log, struct fw_error *err);

/* ---- files ------------------------------------------------------------ */

struct fw_exchange_file {
	const char *path;
	struct fwd_span data;
};
#define FW_EXCHANGE_FILES_MAX 3u
/* Write files of different names, all or none, and in the place of none of
   the inputs (each may be NULL). */
enum fw_kind fw_exchange_write(const struct fw_exchange_file *file, size_t n,
    const char *const *input, size_t inputs, struct fw_error *err);
/* Could they be written?  To be asked before a PIN is. */
enum fw_kind fw_exchange_writable(const struct fw_exchange_file *file,
    size_t n, const char *const *input, size_t inputs, struct fw_error *err);

/* ---- shared by requests and responses (exchange.c) -------------------- */

/* Append a digest of all text before it to tree, and encode. */
enum fw_kind fw_exchange_encode(json_t *tree, struct fw_buf *out,
    struct fw_error *err);
/* Parse what fw_exchange_encode() has made: format must be the one that is
   named, and the digest right. */
enum fw_kind fw_exchange_parse(struct fwd_span text, const char *format,
    const char *path, json_t **out, struct fw_error *err);
/* FW_E_REFUSED: "'PATH' is not a FORMAT: WHY". */
enum fw_kind fw_exchange_bad(const char *path, const char *format,
    const char *why, struct fw_error *err);
json_t *fw_base64(struct fwd_span data);
/* false: it is none, or memory ran out */
bool fw_unbase64(const json_t *text, struct fw_buf *out);
/* In and out of tree.  A root, which would be no more to be trusted than any
   other one, does not travel. */
bool fw_exchange_set_chain(json_t *tree, const struct fw_chain *chain);
bool fw_exchange_chain(const json_t *tree, struct fw_chain *out);

/* The summary of a manifest (request_summary.c); FW_E_REFUSED when it cannot
   be shown in full. */
enum fw_kind fw_request_summary(struct fwd_span envelope, json_t **out,
    struct fw_error *err);

#endif
