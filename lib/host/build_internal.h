/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by building a bundle and signing one that is there. */
#ifndef FW_BUILD_INTERNAL_H
#define FW_BUILD_INTERNAL_H

#include "host/build.h"
#include "host/internal.h"

/* All who sign one bundle, with the blocks they made. */
struct fw_signers {
	struct fw_signer signer[FW_SIGNERS_MAX];
	struct fw_buf block[FW_SIGNERS_MAX];
	struct fwd_span span[FW_SIGNERS_MAX];	/* of block */
	struct fwd_span payload;	/* what was signed; not owned */
	size_t n;
	bool borrowed;			/* the keys and chains are another's */
	struct fw_pool *pool;		/* where to get keys to sign with; or
					   NULL: these are */
};
void fw_signers_deinit(struct fw_signers *s);
/* Open keys and chains; no key may be there twice (FW_E_INPUT). */
enum fw_kind fw_signers_open(const struct fw_signer_spec *spec, size_t n,
    const struct fw_build_options *opt, struct fw_signers *out,
    struct fw_error *err);
/* None of the files they need may be the one that out replaces. */
enum fw_kind fw_signers_spare(const struct fw_signer_spec *spec, size_t n,
    const struct fw_build_options *opt, const struct fw_output *out,
    struct fw_error *err);
/* Make all blocks; see fw_signer_block().  payload is looked at again when
   they are judged. */
enum fw_kind fw_signers_sign(struct fw_signers *s, struct fwd_span payload,
    bool blank, struct fw_error *err);
/*
 * Have the result judged, against the roots in opt or else those of the
 * chains; sets built->judged_to_root.  Without signers the content alone.
 */
enum fw_kind fw_signers_judge(const struct fw_signers *s,
    struct fw_selfcheck *sc, const struct fw_build_options *opt,
    struct fw_built *built, struct fw_error *err);
/* Fill in built->signer; first: the place of the first of their blocks. */
enum fw_kind fw_signers_report(const struct fw_signers *s, size_t first,
    struct fw_built *built, struct fw_error *err);

/* ---- the signing log (log_bundle.c) ----------------------------------- */

/* Log what they signed: the envelope they made, of the bundle in path.  To be
   called before it gets its name, with the keys still open. */
enum fw_kind fw_signers_log(const struct fw_signers *s,
    struct fwd_span envelope, const char *path,
    const struct fw_build_options *opt, struct fw_error *err);

/* ---- many at a time (session.c, shared.c) ------------------------------ */

/* Roots to judge against: those that are given, or those of the chains. */
struct fw_roots {
	struct fw_anchor file[FWD_ANCHORS_MAX];
	size_t files;
	struct fwd_anchor anchor[FWD_ANCHORS_MAX];
	size_t n;
};
enum fw_kind fw_roots_load(struct fw_roots *r, const struct fw_signers *s,
    const struct fw_build_options *opt, struct fw_error *err);
void fw_roots_deinit(struct fw_roots *r);

/* A file that many bundles hold: read and hashed once, and kept in a copy
   without a name, which nobody can change. */
struct fw_shared_file {
	struct fw_output out;		/* never committed */
	uint64_t size;
	uint8_t digest[FWD_DIGEST_MAX];
	/* private */
	struct fw_shared *shared;
	struct fw_image image;
	int32_t alg;
	unsigned users;
	uint64_t used;			/* when last; the oldest goes first */
};
struct fw_shared;
struct fw_shared *fw_shared_new(void);
void fw_shared_free(struct fw_shared *s);
/* near: a file beside which there is room for the copy. */
enum fw_kind fw_shared_get(struct fw_shared *s, const struct fw_image *image,
    int32_t alg, const char *near, struct fw_shared_file **out,
    struct fw_error *err);
void fw_shared_put(struct fw_shared_file *f);	/* NULL is allowed */
/* Write all of it to out at off, read it back and compare. */
enum fw_kind fw_shared_copy(const struct fw_shared_file *f, int out,
    uint64_t off, struct fw_error *err);
/* The file as it is, or the image that an Intel HEX file makes. */
enum fw_kind fw_image_open(const struct fw_image *image,
    struct fw_source *out, struct fw_error *err);

/*
 * What one thread of a batch has, for fw_build() and fw_rework(): with a
 * session they open no keys, load no roots and write no log, and what they
 * made is left here without its name.
 */
struct fw_session {
	struct fw_signers *signers;	/* of pool, the first */
	struct fw_pool *pool;
	const struct fw_roots *roots;
	struct fw_shared *shared;
	/* out */
	bool there;			/* it was made before: nothing to do */
	struct fw_output out;
	struct json_t *entry[FW_SIGNERS_MAX];	/* for the log, if any */
};
/* The same keys and chains for another thread, see fw_key_again(). */
enum fw_kind fw_signers_again(const struct fw_signers *s,
    const struct fw_build_options *opt, struct fw_signers *out,
    struct fw_error *err);
/* For the time of one bundle; keys to sign with come from the pool. */
void fw_signers_borrow(const struct fw_signers *s, struct fw_pool *pool,
    struct fw_signers *out);

/* ---- the sessions of a batch (batch_pool.c) ----------------------------- */

struct fw_pool;
struct fw_pool *fw_pool_new(void);	/* NULL: out of memory */
void fw_pool_free(struct fw_pool *p);	/* NULL is allowed */
/* Open the keys, with as many sessions as are wanted or, after a warning, as
   the token has. */
enum fw_kind fw_pool_open(struct fw_pool *p, const struct fw_signer_spec *spec,
    size_t n, const struct fw_build_options *opt, unsigned want,
    struct fw_error *err);
unsigned fw_pool_size(const struct fw_pool *p);
/* For all but signing, which is not to be done with it. */
struct fw_signers *fw_pool_first(struct fw_pool *p);
/* Wait for a set that nobody signs with, and give it back, by the same thread. */
struct fw_signers *fw_pool_take(struct fw_pool *p);
void fw_pool_put(struct fw_pool *p, struct fw_signers *s);
/* Do signatures leave half of the processors or more to others?  False as long
   as that is not known. */
bool fw_pool_waits(struct fw_pool *p, unsigned processors);

/* ---- what is there already (session.c) ---------------------------------- */

/* Is this the blank envelope with signatures by them, whether they hold or
   not? */
bool fw_signers_made(const struct fw_signers *s,
    const struct fwd_envelope *env, struct fwd_span blank);
/* Have they all signed what is there?  Judged by the device library. */
struct fw_front;
enum fw_kind fw_signers_judge_there(const struct fw_signers *s,
    const struct fw_front *there, const struct fw_build_options *opt,
    struct fw_built *built, struct fw_error *err);
/*
 * The last step: log the signatures, free the keys, and give the bundle its
 * name; what interrupts us takes effect before it has one.  With a session the
 * rest is left to the batch.
 */
enum fw_kind fw_release(struct fw_signers *s, struct fwd_span envelope,
    struct fw_output *out, const struct fw_build_options *opt,
    struct fw_error *err);

/* ---- the front of a bundle that is there (front.c) -------------------- */

struct fw_front {
	struct fw_source in;
	uint64_t mtime;			/* of the envelope */
	struct fw_buf envelope;
	struct fwd_envelope env;	/* the same, taken apart */
	uint8_t digest[FWD_DIGEST_MAX];	/* of the manifest: env.digest, as it
					   was computed */
};
#define FW_FRONT_NONE { .in = FW_SOURCE_NONE }
/* Open a bundle and read its first member.  FW_E_REFUSED when it is none or
   the manifest is not the one that its digest is of. */
enum fw_kind fw_front_open(const char *path, struct fw_front *out,
    struct fw_error *err);
void fw_front_deinit(struct fw_front *f);
/* FW_E_REFUSED: "'FILE' is not a bundle: WHY". */
enum fw_kind fw_front_no_bundle(const struct fw_front *f, const char *why,
    struct fw_error *err);

/* ---- signatures by who made them (select.c) --------------------------- */

/* Which signatures how means: out[i] for block i. */
enum fw_kind fw_select(const struct fw_front *f, const struct fw_rework *how,
    const struct fwd_crypto *crypto, bool out[FWD_AUTH_MAX],
    struct fw_error *err);
/* Say whose block i is.  The subject is allocated. */
enum fw_kind fw_select_report(const struct fwd_envelope *env, size_t i,
    struct fw_removed *out, struct fw_error *err);

#endif
