/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that expose one layer say of it. */
#ifndef FWVERIFY_VERDICT_H
#define FWVERIFY_VERDICT_H

#include <stdbool.h>

#include "host/fwhost.h"

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
	char at[64];			/* "STEP[INDEX]" */
	uint32_t index;
	char got[FWD_LINE_MAX], want[FWD_LINE_MAX];	/* "": none */
};

/* A tracer that tells v. */
struct fwd_tracer verdict_tracer(struct verdict *v);
void verdict_deinit(struct verdict *v);

/*
 * Print "accepted", or "refused: CODE: sentence (certificate[I]: found ...,
 * expected ...)" with the facts of v if they belong to status; v may be NULL.
 * Returns FW_OK or FW_E_REFUSED.
 */
enum fw_kind verdict_print(const struct verdict *v, fwd_status status);

#endif
