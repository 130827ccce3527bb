/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many bundles at a time: one login, a session of the token for each thread,
 * payloads hashed once.  See fwbatch(5).
 */
#ifndef FW_BATCH_H
#define FW_BATCH_H

#include "host/build.h"

#define FW_JOBS_MAX 64u

/* ---- lists (batch_list.c) ------------------------------------------- */

struct fw_batch_item {
	char *output;			/* the bundle's file */
	char **pair;			/* NAME=VALUE, those of all included */
	bool *spare;			/* the descriptor need not use it */
	size_t pairs;
	unsigned line, column;
};

struct fw_batch {
	char *path;
	char *descriptor;		/* resolved against the list */
	struct fw_node *root;		/* of it, when it was read */
	struct fw_batch_item *item;
	size_t n;
};

/*
 * Load a list (schemas/batch.schema.json).  set: pairs for all bundles; no name
 * in it may stand in the list.  dir: where relative outputs lie instead of
 * beside the list; or NULL.  The descriptor is not looked at.
 */
enum fw_kind fw_batch_load(const char *path, const struct fw_set *set,
    const char *dir, struct fw_batch *out, struct fw_error *err);
void fw_batch_deinit(struct fw_batch *b);
/* Read the descriptor: once, so that all bundles are of the same. */
enum fw_kind fw_batch_read(struct fw_batch *b, struct fw_error *err);
/* The descriptor of one bundle; it was read. */
enum fw_kind fw_batch_descriptor(const struct fw_batch *b, size_t i,
    struct fw_descriptor *out, struct fw_error *err);

/* ---- where they go (batch_place.c) ----------------------------------- */

/*
 * No two bundles may become one file, by whatever names, and none anything that
 * is needed or written besides: the list and what its descriptors name, or the
 * other bundles that are signed; keys, chains and roots; the log.  in: what is
 * signed, where there is no list.  FW_E_INPUT.
 */
enum fw_kind fw_batch_places(const struct fw_batch *list,
    const char *const *in, const char *const *out, size_t n,
    const struct fw_build_options *opt, struct fw_error *err);

/* ---- doing it (batch.c) --------------------------------------------- */

enum fw_batch_state {
	FW_BATCH_DONE,			/* made, signed, released */
	FW_BATCH_THERE,			/* so it was before */
	FW_BATCH_FAILED,
	FW_BATCH_SKIPPED,		/* given up before its turn */
};

/* What became of one bundle. */
struct fw_batch_result {
	const char *path;		/* of the bundle */
	enum fw_batch_state state;
	const struct fw_built *built;	/* if it is there */
	const struct fw_error *err;	/* if it failed */
};

struct fw_batch_sum {
	size_t done, there, failed, skipped;
	unsigned jobs;			/* that there were */
	bool interrupted;		/* by a signal that is still pending */
};

struct fw_batch_options {
	/* opt->progress is not called */
	const struct fw_build_options *opt;
	unsigned jobs;			/* 0: as many as there are processors */
	bool fail_fast;			/* give up after the first failure */
	/* Told each result, in order and by the thread that called; may be
	   NULL. */
	void (*result)(void *ctx, size_t i, const struct fw_batch_result *r);
	/* Told the sum after the last result, with why if not all are there;
	   may be NULL.  It is called before a signal that was held back, while
	   the token was in use, ends the program. */
	void (*end)(void *ctx, const struct fw_batch_sum *sum,
	    const struct fw_error *why);
	void *ctx;
};

/*
 * Build all bundles of a list, with the signers of the first one's descriptor,
 * unless opt has some.  A bundle that fails does not stop the others; a key
 * that cannot be used any more, a signing log that cannot be written and an
 * interruption do.  FW_OK when all are there; otherwise why the batch was given
 * up, or else FW_E_REFUSED with the number of failures.  *sum is filled in
 * whenever there was a result.
 */
enum fw_kind fw_batch_build(const struct fw_batch *list,
    const struct fw_batch_options *batch, struct fw_batch_sum *sum,
    struct fw_error *err);

/* Sign the bundles in path[], the result of path[i] going to out[i]. */
enum fw_kind fw_batch_sign(const char *const *path, const char *const *out,
    size_t n, const struct fw_batch_options *batch,
    struct fw_batch_sum *sum, struct fw_error *err);

#endif
