/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that expose one layer say of it. */
#ifndef FWVERIFY_VERDICT_H
#define FWVERIFY_VERDICT_H

#include <jansson.h>
#include <stdbool.h>

#include "host/fwhost.h"
#include "host/judge.h"
#include "port/fwport.h"

/*
 * Receives the steps of a run: prints them or keeps them for JSON, and
 * remembers the last one that failed.  Zeroed before use, but for the options.
 */
struct verdict {
	bool lines;			/* option: print each step */
	bool keep;			/* option: keep each step */
	char **step;			/* the lines kept */
	size_t steps;
	bool failed;			/* out of memory while keeping them */
	/* the last step that failed */
	bool refused;
	fwd_status status;
	uint32_t index;
	char got[FWD_LINE_MAX], want[FWD_LINE_MAX];	/* "": none */
	json_t *refusal;		/* NULL: none */
};

/* A tracer that tells v. */
struct fwd_tracer verdict_tracer(struct verdict *v);
void verdict_deinit(struct verdict *v);

/* A certificate's serial number in hexadecimal (RFC 5280: 20 octets). */
#define SERIAL_TEXT	(2 * 20 + 1)
void verdict_serial(struct fwd_span serial, char out[SERIAL_TEXT]);

/* The refusal as all reports have it, for the caller; NULL: no memory. */
json_t *verdict_refusal(const struct verdict *v, fwd_status status);

/*
 * Print "accepted", or "refused: CODE: sentence (certificate[I]: found ...,
 * expected ...)" with the facts of v if they belong to status; v may be NULL.
 * Returns FW_OK or FW_E_REFUSED.
 */
enum fw_kind verdict_print(const struct verdict *v, fwd_status status);

/* For option '--time'; text may be NULL. */
enum fw_kind time_option(const char *text, enum fw_judge_time *time,
    int64_t *now, struct fw_error *err);

/* For option '--crypto': set *name, once, to one of fwp_crypto_names. */
enum fw_kind crypto_option(const char **name, const char *given,
    struct fw_error *err);
/* That port, or OpenSSL if name is NULL; for FW_CLEANUP(crypto_close). */
enum fw_kind crypto_open(const char *name, struct fwp_crypto **out,
    struct fw_error *err);
void crypto_close(struct fwp_crypto **c);

#endif
