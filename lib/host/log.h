/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signing log, fwlog(5): one line of JSON for each signature that was
 * made, chained by hashes to the line before, with signed checkpoints.
 *
 * A line is in the file, and on the disk, before what was signed gets its
 * name: no signature leaves the tool that the log does not know.
 */
#ifndef FW_LOG_H
#define FW_LOG_H

#include <jansson.h>

#include "host/build.h"

#define FW_LOG_LINE_MAX		((size_t)256 * 1024)	/* without its end */
#define FW_LOG_TORN_MAX		64u	/* lines that one repair covers */

/* ---- what is logged (log_entry.c) ----------------------------------- */

/* A signature that was made.  What is NULL is not known. */
struct fw_log_signature {
	const struct fw_signer *signer;
	struct fwd_span signature;	/* its bytes, in COSE form */
	const char *bundle;		/* the file it is for */
	const char *product, *version;
	uint64_t sequence_number;
	int32_t digest_alg;
	const uint8_t *manifest_digest;
};
/* The entry of a signature, which the caller owns. */
enum fw_kind fw_log_entry(const struct fw_log_signature *s, json_t **out,
    struct fw_error *err);

/* What a manifest says it is, from the texts of its first component. */
struct fw_about {
	uint64_t sequence_number;
	char *product, *version;	/* NULL: it does not say */
};
/*
 * Nothing is judged here but the form; the text must belong to the manifest.
 * FW_E_REFUSED when it does not, or cannot be decoded.
 */
enum fw_kind fw_about_read(const struct fwd_envelope *env,
    struct fw_about *out, struct fw_error *err);
void fw_about_deinit(struct fw_about *a);

/* ---- appending (log_append.c) --------------------------------------- */

/*
 * Append signatures to a log, which is made if it is not there, and have them
 * on the disk when this returns.  All are there or none is.  A last line that
 * was cut short is repaired, see fwlog(5); one that is damaged is
 * FW_E_REFUSED.  Others may append at the same time.
 *
 * To be called after a signature was made and before it is released; when this
 * fails, it must not be.
 */
enum fw_kind fw_log_append(const char *path,
    const struct fw_log_signature *s, size_t n, struct fw_error *err);
/* The same with entries that were made before. */
enum fw_kind fw_log_append_entries(const char *path, json_t *const *entry,
    size_t n, struct fw_error *err);
/*
 * Would it work?  To be asked before a PIN is.  NULL is no log, and no error.
 * Leaves an empty log where there was none.
 */
enum fw_kind fw_log_ready(const char *path, struct fw_error *err);

/* ---- checkpoints, verifying (log_checkpoint.c, log_verify.c) -------- */

struct fw_log_options {
	const struct fwd_crypto *crypto;
	const char *const *trust;	/* PEM files; none: checkpoints are
					   judged by their own certificate */
	size_t trusts;
	const char *const *checkpoint;	/* files with lines kept elsewhere */
	size_t checkpoints;
};

/*
 * Sign the log as it is now: append a checkpoint, once it was judged as
 * fw_log_verify() will.  line, which may be NULL: its text with the line end,
 * to be kept elsewhere.  What lies before it is not verified here.
 */
enum fw_kind fw_log_checkpoint(const char *path,
    const struct fw_signer *signer, const struct fw_log_options *opt,
    struct fw_buf *line, uint64_t *number, struct fw_error *err);

#define FW_LOG_REPAIRS_SHOWN 32u

struct fw_log_report {
	uint64_t lines, signatures, checkpoints, repairs;
	uint64_t torn;			/* lines that repairs cover */
	char head[65];			/* SHA-256 of the last line; "" when
					   the log is empty */
	char first[32], last[32];	/* times */
	/* the last checkpoint; 0: there is none */
	uint64_t checkpoint;
	char checkpoint_time[32];
	char *signer;			/* its certificate's subject */
	struct {
		uint64_t line;		/* of the repair */
		uint64_t lines, size;	/* what it covers */
		char time[32];
	} repair[FW_LOG_REPAIRS_SHOWN];	/* the first ones */
};
void fw_log_report_deinit(struct fw_log_report *r);

/*
 * Verify a log from its first line to its last.  FW_E_REFUSED, with file and
 * line, when a line was removed, changed, inserted or moved, when the last one
 * was cut short, and when a checkpoint does not hold; with roots also when
 * there is none.
 */
enum fw_kind fw_log_verify(const char *path,
    const struct fw_log_options *opt, struct fw_log_report *out,
    struct fw_error *err);

#endif
