/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flash that is simulated, for tests and for fwverify: bytes kept in memory or
 * in files behave as fwslots.h says flash does, a violation of its rules is
 * noticed, and power can fail at any operation.
 */
#ifndef FWFLASH_H
#define FWFLASH_H

#include "device/fwslots.h"

/* When power fails: at one operation (a call of erase or write). */
enum fwp_cut {
	FWP_CUT_NONE = 0,
	FWP_CUT_BEFORE,			/* the operation has no effect */
	FWP_CUT_MIDDLE,			/* units before one are done, that one
					   is a mixture of old and new bits;
					   some blocks are erased, one is a
					   mixture, others are not touched */
	FWP_CUT_AFTER,			/* it is done, its success not told */
};

/*
 * What keeps the bytes.  size: of an area, rounded up to erase blocks, 0 when
 * there is none.  fill makes bytes 0xff.  sync, which may be NULL, is called
 * before the device reads: what it reads back, it believes to be stored.
 * false: the medium failed.
 */
struct fwp_medium {
	void *ctx;
	uint64_t (*size)(void *ctx, uint32_t area, uint32_t bank);
	bool (*get)(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
	    uint8_t *p, size_t n);
	bool (*put)(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
	    const uint8_t *p, size_t n);
	bool (*fill)(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
	    uint64_t n);
	bool (*sync)(void *ctx, uint32_t area, uint32_t bank);
};

#define FWP_BLOCK_MAX	65536u		/* largest erase block */

struct fwp_flash {
	struct fwp_medium medium;
	size_t write_unit;
	size_t erase_block;		/* at most FWP_BLOCK_MAX */
	/* power fails at this operation, counted from 1 */
	enum fwp_cut cut;
	uint64_t cut_at;
	uint64_t seed;			/* of mixtures */
	/* what happened */
	uint64_t operations;
	bool off;			/* power has failed: all else fails */
	const char *fault;		/* a rule that was violated, or NULL */
};

/* Good as long as *f. */
struct fwd_flash fwp_flash_port(struct fwp_flash *f);

/*
 * A directory as flash, an area and bank a file: component-0.bank-1,
 * record.bank-0, counter.bank-0, trust.bank-0, with the bytes as they are; what lies behind
 * its end is erased, and a file that is not there holds zeros.  Files of
 * zeros are sparse.  size: of the components' slots.  dir stays the caller's;
 * _free closes nothing else but the files and accepts NULL.  _new returns NULL
 * when out of memory.
 *
 * When the power of the host fails, files are as flash would be: what was read
 * back is on the disk, and what was written to one file is there before
 * another one is written.  _sync does the same for the last of them; false:
 * it failed, see error and name.
 */
#define FWP_FLASHDIR_UNIT	16u
#define FWP_FLASHDIR_BLOCK	4096u
#define FWP_FLASHDIR_COUNTER	FWP_FLASHDIR_BLOCK

struct fwp_flashdir {
	struct fwp_flash flash;
	int error;			/* errno of what failed first, or 0 */
	char name[40];			/* the file */
	/* private */
	int dir;
	uint64_t size[FWD_COMPONENTS_MAX];
	uint32_t components;
	uint64_t record_size, trust_size;
	struct fwp_flashdir_file {
		int fd;
		bool there;
		bool made;		/* its name is not on the disk yet */
		bool dirty;		/* neither are all of its bytes */
		uint64_t size;		/* its length now */
	} file[FWD_COMPONENTS_MAX + 3][FWD_BANKS];
};

struct fwp_flashdir *fwp_flashdir_new(int dir, const uint64_t *size,
    uint32_t components, uint64_t record_size, uint64_t trust_size);
bool fwp_flashdir_sync(struct fwp_flashdir *d);
void fwp_flashdir_free(struct fwp_flashdir *d);

#endif
