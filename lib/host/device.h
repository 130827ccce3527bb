/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory that stands for a device: its profile and trust anchors, flash as
 * files (fwflash.h), and what its RAM knows.  The device library decides about
 * everything in it; see fwverify(1).
 */
#ifndef FW_DEVICE_H
#define FW_DEVICE_H

#include <jansson.h>

#include "host/judge.h"
#include "port/fwflash.h"

struct fw_device_options {
	const char *dir;
	const char *bundle;		/* to install */
	const char *revocations;	/* a list to put into force first, or
					   NULL */
	enum fw_judge_time time;	/* to install or boot */
	int64_t now;
	const char *crypto;		/* as in struct fw_judge_options */
	bool trace;
	/* power fails: see struct fwp_flash */
	enum fwp_cut cut;
	uint64_t cut_at, seed;
};

/*
 * Each makes a report as schemas/device.schema.json says, an installation one
 * as schemas/verdict.schema.json says, which the caller owns.  A refusal is no
 * failure: *verdict says which it is.  They fail when the directory is no
 * device (FW_E_INPUT), is in use, cannot be written, or power fails as asked
 * (FW_E_IO).
 */
enum fw_kind fw_device_install(const struct fw_device_options *opt,
    json_t **report, fwd_status *verdict, struct fw_error *err);
enum fw_kind fw_device_boot(const struct fw_device_options *opt,
    json_t **report, fwd_status *verdict, struct fw_error *err);
enum fw_kind fw_device_confirm(const struct fw_device_options *opt,
    json_t **report, fwd_status *verdict, struct fw_error *err);
enum fw_kind fw_device_status(const struct fw_device_options *opt,
    json_t **report, fwd_status *verdict, struct fw_error *err);

/*
 * Make the directory of a new device, or finish one that was not; the profile
 * and its anchors are copied.  FW_E_INPUT: the directory holds something else.
 */
enum fw_kind fw_device_provision(const char *profile,
    const struct fw_device_options *opt, json_t **report, fwd_status *verdict,
    struct fw_error *err);

/* Any of these reports as text. */
enum fw_kind fw_device_text(const json_t *report, struct fw_buf *out,
    struct fw_error *err);

#endif
