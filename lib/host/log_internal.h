/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make up the signing log: log_*.c. */
#ifndef FW_LOG_INTERNAL_H
#define FW_LOG_INTERNAL_H

#include "host/internal.h"
#include "host/log.h"

enum { LOG_HASH = 32 };
/* The end of a log that who adds looks at: a whole line, and what was torn. */
#define FW_LOG_TAIL_MAX (4 * FW_LOG_LINE_MAX)
typedef char fw_log_hex[2 * LOG_HASH + 1];

#define FW_JSON FW_CLEANUP(fw_log_json_free)

static inline void
fw_log_json_free(json_t **j)
{
	json_decref(*j);
}

/* SHA-256 in hexadecimal. */
enum fw_kind fw_log_hash(struct fwd_span data, fw_log_hex out,
    struct fw_error *err);
/* What "previous" says in the first line. */
extern const fw_log_hex fw_log_nothing;

/* ---- lines (log_line.c) --------------------------------------------- */

/* A line, decoded. */
struct fw_log_line {
	json_t *o;
	uint64_t number;
	const char *type, *previous, *time;	/* in o */
};
void fw_log_line_deinit(struct fw_log_line *l);
/*
 * Decode a line, without its end, and see that it is one: in canonical form,
 * with all that its type needs and nothing else, and with its own hash right.
 * NULL, or what is wrong.  *torn, which may be NULL: it looks like one that
 * was cut short.
 */
const char *fw_log_line_read(struct fwd_span text, struct fw_log_line *out,
    bool *torn);
/*
 * Complete an entry to a line: add what all have (n: its number, previous: the
 * hash of the line before).  Appends the text to out, with its end, and sets
 * head to its hash.
 */
enum fw_kind fw_log_line_add(json_t *entry, uint64_t n,
    const fw_log_hex previous, struct fw_buf *out, fw_log_hex head,
    struct fw_error *err);
/* The first part of that alone: add what all have, but for the hash. */
enum fw_kind fw_log_line_stamp(json_t *entry, uint64_t n,
    const fw_log_hex previous, struct fw_error *err);
/* The canonical form of an object without some of its members (NULL ends). */
enum fw_kind fw_log_dump(const json_t *o, const char *const *without,
    struct fw_buf *out, struct fw_error *err);

/* ---- entries (log_entry.c) ------------------------------------------ */

/* Who signs, and with what: members that signatures and checkpoints have. */
enum fw_kind fw_log_who(json_t *to, const struct fw_signer *s,
    struct fw_error *err);

/* ---- bundles (log_bundle.c) ----------------------------------------- */

struct fw_signers;
/* The entries of what they signed, one for each; the caller owns them. */
enum fw_kind fw_signers_entries(const struct fw_signers *s,
    struct fwd_span envelope, const char *path, json_t *out[FW_SIGNERS_MAX],
    struct fw_error *err);

/* ---- the file (log_append.c) ---------------------------------------- */

/* An open log, locked for this process alone, and what its end is like. */
struct fw_log_file {
	int fd;
	const char *path;
	uint64_t size;
	uint64_t number;		/* of the last line; 0: none */
	fw_log_hex head;		/* its hash */
	bool unended;			/* its end is missing */
	/* lines behind it that were cut short */
	struct fw_buf torn;		/* their bytes, without the last end */
	uint64_t torn_lines;
	bool torn_ended;
};
#define FW_LOG_FILE_NONE { .fd = -1 }
enum fw_kind fw_log_file_open(const char *path, struct fw_log_file *out,
    struct fw_error *err);
void fw_log_file_close(struct fw_log_file *f);
/*
 * Begin an addition: what ends or repairs the last line goes to out.  number
 * and head are those of the line to go on from.
 */
enum fw_kind fw_log_file_begin(struct fw_log_file *f, struct fw_buf *out,
    struct fw_error *err);
/* Write it and have it on the disk. */
enum fw_kind fw_log_file_write(const struct fw_log_file *f,
    const struct fw_buf *add, struct fw_error *err);

/* ---- checkpoints (log_checkpoint.c) --------------------------------- */

/* The roots that are given. */
struct fw_log_roots {
	struct fw_anchor file[FWD_ANCHORS_MAX];
	struct fwd_anchor anchor[FWD_ANCHORS_MAX];
	size_t n;
};
enum fw_kind fw_log_roots_load(const struct fw_log_options *opt,
    struct fw_log_roots *out, struct fw_error *err);
void fw_log_roots_deinit(struct fw_log_roots *r);
/* Does a checkpoint hold?  No roots: with its own certificate. */
enum fw_kind fw_log_checkpoint_check(const struct fw_log_line *l,
    const struct fwd_crypto *crypto, const struct fw_log_roots *roots,
    struct fw_error *err);

#endif
