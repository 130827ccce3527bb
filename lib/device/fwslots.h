/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installing a bundle into a device and choosing what it boots: banks of
 * component slots, records of installed releases, and a rollback counter, kept
 * so that power may fail at any write.  On top of fwdevice.h, with the same
 * conventions.
 *
 * A device has two banks.  A component with two slots has one in each; one
 * with a single slot shares it between them.  A release is installed into the
 * bank that the device can do without: its images are written and read back,
 * then a record of it is completed by a single mark, which is the moment at
 * which it counts.  It is booted once; if the firmware confirms itself, it
 * stays, and the rollback counter rises to its sequence number; if not, the
 * next boot falls back to the other bank.
 *
 * With a component that has one slot only there is nothing to fall back to
 * once it is being written: power that fails then, or a payload that is not
 * the one that was signed, leaves a device that refuses to boot a mixture and
 * has to be installed again.  A staging area, which the manifest fetches to and
 * copies from, keeps that time short.
 */
#ifndef FWSLOTS_H
#define FWSLOTS_H

#include "fwdevice.h"		/* also when installed */

#define FWD_BANKS		2u
#define FWD_WRITE_MAX		32u	/* largest unit of a flash write */
/* Bytes of a record besides the envelope; a record area holds this and the
   envelope, rounded up to whole write units. */
#define FWD_RECORD_OVERHEAD	2048u

/* Bytes of a trust area besides the two lists in it, likewise. */
#define FWD_TRUST_OVERHEAD	128u

/* Areas of flash that are no component's. */
enum {
	FWD_AREA_RECORD = 0x100,	/* one in each bank */
	FWD_AREA_COUNTER = 0x101,	/* likewise, 64 bytes are enough */
	FWD_AREA_TRUST = 0x102,		/* likewise, if the device has it */
};

/*
 * Flash, as areas with banks.  An area of a component is named by its place in
 * fwd_device.component and holds its size, rounded up to whole write units.
 * Erased bytes are 0xff.  erase makes at least size bytes, from the beginning
 * of an area, erased; an area may hold anything before it was erased once.
 * write gets an offset and a length that are multiples of write_unit, and only
 * units that are erased; or, to end a record, zeros for units that may hold
 * anything.  When power fails, a unit under way may hold anything between old
 * and new; others are untouched.  A unit that cannot be read since, as in flash
 * with error correction, is read as zeros.  All answer FWD_OK or FWD_E_STORE.
 */
struct fwd_flash {
	void *ctx;
	size_t write_unit;		/* power of two, <= FWD_WRITE_MAX */
	fwd_status (*erase)(void *ctx, uint32_t area, uint32_t bank,
	    uint64_t size);
	fwd_status (*write)(void *ctx, uint32_t area, uint32_t bank,
	    uint64_t off, const uint8_t *p, size_t n);
	fwd_status (*read)(void *ctx, uint32_t area, uint32_t bank,
	    uint64_t off, uint8_t *p, size_t n);
};

/*
 * What a component is for.  Of the second and third kind there is at most one
 * each, and they need a trust area.  What they hold comes into force when the
 * release that brought it is confirmed.
 */
enum {					/* fwd_device_component.kind */
	FWD_KIND_IMAGE = 0,
	FWD_KIND_ANCHORS = 0xa56c,	/* for fwd_anchors_read */
	FWD_KIND_REVOCATIONS = 0xc3f5,	/* for fwd_revocations_read */
};

/* A component the device has. */
struct fwd_device_component {
	struct fwd_span id;		/* encoded identifier */
	uint64_t size;			/* of a slot */
	uint32_t slots;			/* 1 or 2 */
	uint32_t kind;
};

enum {					/* fwd_device.boot */
	/* Compare the images with the digests in the record. */
	FWD_BOOT_FAST = 0x39c6,
	/* Verify the signatures again as well. */
	FWD_BOOT_FULL = 0xc639,
};

/* What is known of a bank. */
enum fwd_bank_state {
	FWD_BANK_EMPTY = 0,		/* no release, or one half written */
	FWD_BANK_PENDING,		/* installed, not booted yet */
	FWD_BANK_TRIED,			/* booted, not confirmed */
	FWD_BANK_FAILED,		/* given up for the other bank: it was
					   not confirmed, or is broken */
	FWD_BANK_CONFIRMED,
};

struct fwd_bank {
	enum fwd_bank_state state;
	uint64_t sequence_number;
	uint64_t number;		/* of the installation, from 1 */
	uint64_t envelope_n;
};

/* An image of a release, and a release as it is recorded. */
struct fwd_record_image {
	uint32_t area;			/* place in fwd_device.component */
	int64_t alg;
	uint64_t size;
	uint8_t digest[FWD_DIGEST_MAX];
};

struct fwd_record {
	struct fwd_bank bank;
	uint64_t anchors_n;		/* the list it was judged by; 0: the
					   anchors of the caller's policy */
	uint32_t images;
	struct fwd_record_image image[FWD_COMPONENTS_MAX];
};

/*
 * Whom the device trusts now: the caller's policy, unless a release has
 * replaced its anchors, each by the one at its place in the new list, so that
 * rules and rights go on to hold, or a list its revoked keys.
 */
struct fwd_trust {
	uint64_t generation;		/* of what is stored; 0: nothing is */
	uint64_t release;		/* sequence number of the last one that
					   brought anchors */
	struct fwd_span anchors;	/* the list; empty: the policy's */
	struct fwd_span revocations;	/* the signed list; empty: none */
	struct fwd_revocations list;	/* what is in it */
};

/*
 * The device.  run: as for fwd_bundle_check, with port: of it, the functions
 * of component storage are not used, and component, slot and
 * sequence_number are not either, because they are answered here; swap is not
 * enabled.  The others get a component's place below.  invoke starts it, and
 * may not return.
 */
struct fwd_device {
	struct fwd_ctx *run;
	const struct fwd_flash *flash;
	const struct fwd_device_component *component;
	uint32_t components;
	uint64_t record_size;		/* of a record area */
	uint32_t boot;			/* FWD_BOOT_ */
	/*
	 * A trust area, for a device whose anchors can be replaced or that
	 * takes revocation lists; all 0 for others.  trust: memory for what
	 * an area holds and for what may follow it, at least twice
	 * trust_size; its content is the library's between calls as well.  A
	 * record area has to have room for a list of anchors besides.  Lists
	 * are refused unless the largest of each kind fit together, of those
	 * in force and those of the releases in both banks.
	 */
	uint64_t trust_size;
	uint8_t *trust;
	size_t trust_max;

	/* results */
	struct fwd_trust in_force;	/* of each function but provision */

	/* private */
	uint32_t bank;			/* the one that is worked on */
	uint32_t area[FWD_COMPONENTS_MAX];	/* of the manifest's
						   components */
	bool prepared;			/* the bank's record is erased */
	bool alone;			/* so is the other one */
	struct fwd_bank have[FWD_BANKS];
	uint32_t listed[FWD_BANKS];	/* areas their records name, 1 << area */
	struct {
		uint64_t anchors, revocations;	/* sizes of their lists */
	} brings[FWD_BANKS];
	struct fwd_record record;	/* the one at hand */
	size_t trust_n;			/* bytes of trust that are in use */
	uint32_t trust_bank;		/* where in_force is stored */
	struct fwd_anchor anchor[FWD_ANCHORS_MAX];	/* of a list */
	struct fwd_anchor next[FWD_ANCHORS_MAX];	/* of one to come */
	const struct fwd_policy *base;	/* the caller's */
	struct fwd_policy policy;	/* the same with what is in force */
};

/* "empty", "pending", "tried", "failed", "confirmed". */
const char *fwd_bank_state_name(enum fwd_bank_state state);

/*
 * Make a new device's secure storage: erases both records, empties the trust
 * area and sets the rollback counter.  FWD_E_STORE.
 */
FWD_MUST_USE fwd_status fwd_device_provision(struct fwd_device *dev,
    uint64_t counter);

/* What the banks hold, and the rollback counter; dev->in_force.  FWD_E_STORE;
   the banks are told nevertheless when it is the counter or the trust area
   that does not hold. */
FWD_MUST_USE fwd_status fwd_device_status(struct fwd_device *dev,
    struct fwd_bank bank[FWD_BANKS], uint64_t *counter);

/*
 * Read what is recorded of a bank, so that a device can say what it has: the
 * release into dev->record, its envelope into run->envelope, taken apart in
 * run->env and run->man, with the text section if there was room for it.  This
 * was judged when it was installed; now only the digest of the record is.
 * FWD_E_NOTHING_BOOTABLE: there is no release; FWD_E_STORE.
 */
FWD_MUST_USE fwd_status fwd_device_release(struct fwd_device *dev,
    uint32_t bank);

/*
 * Judge a bundle as fwd_bundle_check does, with the same steps, write it into
 * *bank and record it; nothing is invoked.  Besides that function's refusals:
 * FWD_E_ROLLBACK also below the number of a confirmed release, to which the
 * counter may not have come; FWD_E_UNCONFIRMED when the running release, which
 * has not been confirmed, would be overwritten; FWD_E_COMPONENT_SET when the
 * release does not write all components that have two slots; FWD_E_STORE_SIZE
 * when the envelope does not fit into the record, or a list into the trust area;
 * FWD_E_ANCHOR_LIST, FWD_E_REVOCATIONS and FWD_E_REVOKED when it brings a list
 * that could not come into force, FWD_E_REVOCATIONS_OLD when it is another one
 * of the number in force; an older one has no effect.  As far as the manifest
 * shows it, these come before anything is written.
 */
FWD_MUST_USE fwd_status fwd_device_install(struct fwd_device *dev,
    uint32_t *bank);

/*
 * Choose a release, verify it, and run its load and invoke sequences; *bank is
 * the one that was chosen.  The newest comes first, by sequence number, then by
 * installation.  A release that was tried and not confirmed is given up for the
 * other, if that is whole, and tried again otherwise.  One that was never
 * confirmed is not booted once the counter has passed it.  Validity dates of
 * certificates are not judged: they were, at installation; and a clock that
 * does not know the time is none.  A release that has not been booted yet is
 * judged by what is in force now; where that is not the caller's policy, its
 * signatures are verified in any case.  Others are judged by the anchors they
 * were installed under, whatever was revoked since: a device does not stop.
 * FWD_E_NOTHING_BOOTABLE.
 *
 * A counter, a trust area or a mark of the other bank that cannot be written
 * does not keep the device from booting; the next boot tries again.
 */
FWD_MUST_USE fwd_status fwd_device_boot(struct fwd_device *dev,
    uint32_t *bank);

/*
 * The release in that bank, the one that runs, works: keep it, put the trust
 * anchors and the revocation list that it brought into force, and raise the
 * rollback counter.  FWD_E_UNCONFIRMED when it was not booted; FWD_E_STORE:
 * ask again, it may have been confirmed without the rest.
 */
FWD_MUST_USE fwd_status fwd_device_confirm(struct fwd_device *dev,
    uint32_t bank);

/*
 * Put a revocation list that came by itself into force (see
 * fwd_revocations_read).  The same list again is no error; FWD_E_REVOCATIONS,
 * FWD_E_REVOKED, FWD_E_REVOCATIONS_OLD; FWD_E_STORE_SIZE: it does not fit;
 * FWD_E_API: there is no trust area.
 */
FWD_MUST_USE fwd_status fwd_device_revoke(struct fwd_device *dev,
    struct fwd_span list);

#endif
