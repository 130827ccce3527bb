/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a boot loader does with the device library; see board.h for how to put
 * it on a board.
 */
#ifndef LOADER_H
#define LOADER_H

#include "device/fwslots.h"

/* What boots, and where it is in flash. */
struct loader_image {
	uint32_t bank;
	uint32_t at;
	bool trial;			/* it has not been confirmed */
};

/*
 * In the factory: no release, and none below that number from now on.  Once
 * only, FWD_E_API otherwise: a counter that can be set again protects from
 * nothing.
 */
FWD_MUST_USE fwd_status loader_provision(uint64_t counter);

/* Receive a bundle, judge it, and put it into the bank that is not needed. */
FWD_MUST_USE fwd_status loader_install(uint32_t *bank);

/*
 * Choose what boots and verify it.  A caller that gets anything but FWD_OK
 * starts nothing; one that gets it asks loader_granted() as well, and whether
 * image->at is where that bank begins: two answers, found in two ways.
 */
FWD_MUST_USE fwd_status loader_boot(struct loader_image *image);

/* The release in that bank works: keep it. */
FWD_MUST_USE fwd_status loader_confirm(uint32_t bank);

/* Is it FWD_OK?  Asked twice: one answer can be forced from outside. */
FWD_MUST_USE bool loader_granted(fwd_status status);

/* flash.c */
extern const struct fwd_flash loader_flash;

#endif
