/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judgement of a bundle by the device library, and the report of it that
 * people file and machines read.
 */
#ifndef FW_JUDGE_H
#define FW_JUDGE_H

#include <jansson.h>

#include "host/fwhost.h"

/* The largest envelope that is judged. */
#define FW_ENVELOPE_MAX ((size_t)4 << 20)
/* The transfer buffer: so large that the hash sets the pace. */
#define FW_TRANSFER ((size_t)1 << 18)

enum fw_judge_time {
	FW_TIME_DEFAULT,		/* as the profile says, else now */
	FW_TIME_NONE,			/* validity dates are not judged */
	FW_TIME_AT,			/* they must hold at .now */
};

struct fw_profiled;

/*
 * A device that does something, in place of one that only judges: where its
 * profile comes from, and what it does when the run is set up.  run fills in
 * at->component and the slots of p that the report names.
 */
struct fw_judge_act {
	void *ctx;
	enum fw_kind (*load)(void *ctx, struct fw_profile *out,
	    struct fw_error *err);
	fwd_status (*run)(void *ctx, struct fw_profile *p,
	    struct fw_profiled *at, struct fwd_ctx *run);
};

struct fw_judge_options {
	const char *bundle;		/* file; NULL with act only */
	const char *const *trust;	/* PEM files; instead of the profile's */
	size_t trusts;
	const char *device;		/* profile, or NULL: any device */
	enum fw_judge_time time;
	int64_t now;			/* with FW_TIME_AT */
	const char *crypto;		/* one of fwp_crypto_names; NULL:
					   OpenSSL */
	const char *revocations;	/* a revocation list to judge by; not
					   with act */
	bool trace;			/* collect the trace as well */
	const struct fw_judge_act *act;	/* or NULL; device names it then */
};

/*
 * Judge a bundle.  A refusal is no failure: *verdict says which it is, and
 * *report, which the caller owns, is as schemas/verdict.schema.json says.
 * Fails when a file cannot be read (FW_E_INPUT; FW_E_USAGE when no trust
 * anchor is named at all) or for want of memory.
 */
enum fw_kind fw_judge(const struct fw_judge_options *opt, json_t **report,
    fwd_status *verdict, struct fw_error *err);

/*
 * The same as text: the verdict first, then what a quality engineer files.
 * The trace, if any, comes last.  Printable UTF-8 and line ends only.
 */
enum fw_kind fw_judge_text(const json_t *report, struct fw_buf *out,
    struct fw_error *err);

/* {code, meaning, step, fact, expected} of the step a run was refused at;
   NULL for want of memory. */
json_t *fw_refusal_json(const struct fwd_event *ev);
/* The same for a run for the device of p, in the words of its profile.
   component: that of the step, its place in the profile, or -1. */
json_t *fw_judge_refusal(const struct fw_profile *p,
    const struct fwd_ctx *run, int component);

/* ---- what reports are made of (textmap.c) ------------------------------ */

/*
 * In a text section (its content): the text of that number, of the manifest
 * or, with an encoded identifier, of that component, in the first language
 * that has it.  out points into content.
 */
bool fw_text_find(struct fwd_span content, const struct fwd_span *component,
    int64_t number, struct fwd_span *out);
/* An encoded component identifier as descriptors have it: segments joined by
   '/'.  Like those below, NULL for want of memory. */
json_t *fw_component_name(struct fwd_span id);
/* Bytes in hexadecimal behind a prefix. */
json_t *fw_hex_json(const char *prefix, struct fwd_span s);
/* "sha-256:..." */
json_t *fw_digest_json(int64_t alg, const uint8_t *bytes);
/* The number of a revocation list and how many keys it names. */
json_t *fw_revocations_json(const struct fwd_revocations *list);
/* An integer, or decimal digits where JSON readers would lose some. */
json_t *fw_number_json(uint64_t v);

/*
 * Why a run for the device of p was refused with FWD_E_RULE or FWD_E_RIGHT
 * (component: its place in the profile): "1 of 2: release" and "2 of quality,
 * release (different anchors)".
 */
#define FW_RULE_TEXT 2048u
void fw_rule_text(const struct fw_profile *p, const struct fwd_ctx *run,
    char found[FW_RULE_TEXT], char wanted[FW_RULE_TEXT]);
void fw_right_text(const struct fw_profile *p, const struct fwd_ctx *run,
    size_t component, char found[FW_RULE_TEXT], char wanted[FW_RULE_TEXT]);

/*
 * A port that answers for one device as its profile describes it; nothing is
 * stored.  port.ctx is the object itself; set read, bundle, now, timed and
 * trace.  The profile has been loaded.
 */
struct fw_profiled {
	const struct fw_profile *profile;
	void *bundle;
	fwd_status (*read)(void *bundle, uint8_t *buf, size_t n, size_t *got);
	int64_t now;
	bool timed;			/* it knows that it is now */
	const struct fwd_anchor *anchor;	/* in place of the profile's,
						   set by an act; or NULL */
	/* private: profile component by component index; none: -1 */
	int component[FWD_COMPONENTS_MAX];
};
struct fwd_port fw_profiled_port(struct fw_profiled *dev,
    struct fwd_tracer trace);

#endif
