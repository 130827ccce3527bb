/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that act on device directories. */
#ifndef FW_DEVICE_INTERNAL_H
#define FW_DEVICE_INTERNAL_H

#include "host/device.h"

/* Names in the directory; anchors are anchor-0.pem and so on. */
#define FW_DEVICE_PROFILE	"profile.yaml"
#define FW_DEVICE_RUNNING	"running"

/* A device directory that is open, and nobody else's meanwhile. */
struct fw_device {
	const struct fw_device_options *opt;
	int dir;
	struct fwp_flashdir *flash;
	struct fwd_flash port;
	uint8_t *trust;			/* memory for d->dev.trust */
	struct fwd_device_component component[FWD_COMPONENTS_MAX];
	struct fwd_device dev;
	struct fw_buf list;		/* opt->revocations */
	uint32_t bank;			/* that was installed, boots, runs */
	bool fast;			/* it boots without signatures */
	fwd_status holds;		/* of its records and counter */
};
#define FW_DEVICE_NONE { .dir = -1, .bank = FWD_NO_INDEX }

/* Open the directory and lock it.  FW_E_INPUT, FW_E_IO: in use. */
enum fw_kind fw_device_open(const struct fw_device_options *opt,
    struct fw_device *d, struct fw_error *err);
void fw_device_close(struct fw_device *d);
/* Its path and a name; allocated. */
enum fw_kind fw_device_path(const struct fw_device_options *opt,
    const char *name, char **out, struct fw_error *err);
enum fw_kind fw_device_anchor_path(const struct fw_device_options *opt,
    size_t i, char **out, struct fw_error *err);
/* Its profile, with the anchors in the directory.  FW_E_INPUT. */
enum fw_kind fw_device_profile(const struct fw_device_options *opt,
    struct fw_profile *out, struct fw_error *err);
/* Can a device directory be what the profile says? */
enum fw_kind fw_device_profile_fits(const struct fw_profile *p,
    struct fw_error *err);
/* Make d->dev of p and run, which both stay where they are; after a failure
   for want of memory d->flash is NULL. */
void fw_device_set_up(struct fw_device *d, const struct fw_profile *p,
    struct fwd_ctx *run);
/* After the library has acted: power that failed, files that could not be
   written, rules of flash that were broken.  FW_E_IO. */
enum fw_kind fw_device_check_flash(const struct fw_device *d,
    struct fw_error *err);
/* What runs: RAM, which a file stands for. */
enum fw_kind fw_device_set_running(struct fw_device *d, struct fw_error *err);
enum fw_kind fw_device_get_running(struct fw_device *d, struct fw_error *err);
void fw_device_clear_running(const struct fw_device *d);
/*
 * Make the report of an action that judges no manifest: what the device holds,
 * read anew by a run without cuts.  d was open and is not any more; its lock is
 * held until then.
 */
enum fw_kind fw_device_report(struct fw_device *d, const char *action,
    json_t **report, fwd_status *verdict, struct fw_error *err);
/* Add banks, counter, running and flash-operations. */
enum fw_kind fw_device_state(struct fw_device *d, json_t *report,
    struct fw_error *err);

#endif
