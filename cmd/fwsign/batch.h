/* SPDX-License-Identifier: Apache-2.0 */
/* Many bundles with one command: options and report of build and sign. */
#ifndef FWSIGN_BATCH_H
#define FWSIGN_BATCH_H

#include "fwsign/signing.h"
#include "host/batch.h"

struct batch_args {
	const char *jobs, *dir;
	bool fail_fast;
	/* the run */
	struct signing *signing;
	size_t n;			/* bundles in all */
	size_t seen;			/* results that came */
	json_t *list;			/* of results, with --json */
	bool failed;			/* no memory for the list */
	struct fw_error err;		/* of the report */
	bool bar;			/* it is shown now */
	int64_t shown;			/* when, in milliseconds */
};

/* Values of the options, from where SIGNING_OWN leaves room. */
enum { BATCH_JOBS = SIGNING_OWN + 16, BATCH_DIR, BATCH_FAIL_FAST };
#define BATCH_OPTIONS							\
	{ "jobs", required_argument, NULL, BATCH_JOBS },		\
	{ "output-directory", required_argument, NULL, BATCH_DIR },	\
	{ "fail-fast", no_argument, NULL, BATCH_FAIL_FAST }
#define BATCH_HELP							\
    "      --jobs N        this many at a time (default: one per processor)\n" \
    "      --output-directory DIR\n"					\
    "                      write the bundles there\n"			\
    "      --fail-fast     give up after the first failure\n"

/* Take one option; false: it is another one. */
bool batch_option(struct batch_args *b, int c, const char *arg,
    enum fw_kind *kind, struct fw_error *err);
/* Was any of them given? */
bool batch_wanted(const struct batch_args *b);
/* Build the bundles of a list, or sign those in path[0..n). */
enum fw_kind batch_build(struct batch_args *b, struct signing *s,
    const char *list, const struct fw_set *set, struct fw_error *err);
enum fw_kind batch_sign(struct batch_args *b, struct signing *s,
    char **path, size_t n, struct fw_error *err);

#endif
