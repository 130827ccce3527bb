/* SPDX-License-Identifier: Apache-2.0 */
/* What a device has in its banks, inside the device library. */
#ifndef FWD_RECORD_H
#define FWD_RECORD_H

#include "device/fwslots.h"
#include "device/internal.h"

/* ---- body.c ---------------------------------------------------------- */

#define FWD_BODY_DIGEST	32u

/* A body under way to flash. */
struct fwd_body {
	struct fwd_device *dev;
	uint32_t area, bank;
	uint64_t start;			/* where it begins in the area */
	uint64_t size;			/* of it, so far */
	uint64_t off;			/* in the area, of unit */
	size_t n;			/* bytes in unit */
	uint8_t unit[FWD_WRITE_MAX];
};

/* Write a body to an area that is erased there: begin, put its parts, end,
   which adds the digest and reads everything back.  No other hash may be used
   in between.  FWD_E_STORE. */
FWD_MUST_USE fwd_status fwd_body_begin(struct fwd_body *b,
    struct fwd_device *dev, uint32_t area, uint32_t bank, uint64_t off);
FWD_MUST_USE fwd_status fwd_body_put(struct fwd_body *b, struct fwd_span data);
FWD_MUST_USE fwd_status fwd_body_end(struct fwd_body *b);
/* Does a body of size bytes hold?  Uses the transfer buffer.  FWD_E_IMAGE,
   FWD_E_STORE. */
FWD_MUST_USE fwd_status fwd_body_check(struct fwd_device *dev, uint32_t area,
    uint32_t bank, uint64_t start, uint64_t size);

/* Numbers, big endian: put one, what lies behind it; take one, and advance. */
uint8_t *fwd_put64(uint8_t *out, uint64_t v);
uint64_t fwd_take64(const uint8_t **p);

/* ---- record.c -------------------------------------------------------- */

/*
 * A record area: the marks, each in FWD_WRITE_MAX bytes of its own so that
 * each can be written by itself, then the body.
 */
enum fwd_mark {
	FWD_MARK_COMMIT = 0,		/* the body is complete */
	FWD_MARK_TRIED,
	FWD_MARK_FAILED,
	FWD_MARK_CONFIRMED,
	FWD_MARK_CONFIRMED_SPARE,	/* the same; see fwd_record_confirm */
	FWD_MARKS,
};

/* Read a bank's record into dev->record and judge its form and digest; state
   EMPTY if it does not hold.  Uses the transfer buffer.  FWD_E_STORE;
   FWD_E_FAULT: read twice, it was not the same. */
FWD_MUST_USE fwd_status fwd_record_read(struct fwd_device *dev,
    uint32_t bank);
/* Read the envelope behind that record into run->envelope. */
FWD_MUST_USE fwd_status fwd_record_envelope(struct fwd_device *dev,
    uint32_t bank, struct fwd_span *envelope);
/* Read its anchors, dev->record.anchors_n bytes. */
FWD_MUST_USE fwd_status fwd_record_anchors(struct fwd_device *dev,
    uint32_t bank, uint8_t *to);
/* Length of the envelope in run->env as it is recorded.  FWD_E_STORE_SIZE:
   too long. */
FWD_MUST_USE fwd_status fwd_record_envelope_size(const struct fwd_device *dev,
    uint64_t *n);
/* Make sure that the bank holds no record, then erase it.  FWD_E_STORE. */
FWD_MUST_USE fwd_status fwd_record_erase(struct fwd_device *dev,
    uint32_t bank);
/* Write dev->record as the bank's, which must be erased, with the envelope in
   run->env; read it back, and commit it.  FWD_E_STORE, FWD_E_STORE_SIZE. */
FWD_MUST_USE fwd_status fwd_record_write(struct fwd_device *dev,
    uint32_t bank);
/* Set a mark that is erased.  FWD_E_STORE. */
FWD_MUST_USE fwd_status fwd_record_mark(struct fwd_device *dev, uint32_t bank,
    enum fwd_mark mark);
/* Mark the bank's release, which has been tried, as confirmed.  FWD_E_STORE. */
FWD_MUST_USE fwd_status fwd_record_confirm(struct fwd_device *dev,
    uint32_t bank);

/* ---- slots.c --------------------------------------------------------- */

/* What the caller says of the device.  FWD_E_API. */
FWD_MUST_USE fwd_status fwd_slots_check(const struct fwd_device *dev);
/* Read a bank's record, and into have, listed and brings what it says; EMPTY if
   there is none.  As fwd_record_read. */
FWD_MUST_USE fwd_status fwd_bank_read(struct fwd_device *dev, uint32_t bank);
/* Is a newer than b? */
bool fwd_bank_newer(const struct fwd_bank *a, const struct fwd_bank *b);
/* Tell what was found in, or becomes of, a bank; as fwd_note. */
FWD_MUST_USE fwd_status fwd_bank_note(struct fwd_device *dev, uint32_t bank,
    fwd_status s, struct fwd_hint fact);
/* The same where nothing is decided by it. */
void fwd_bank_tell(struct fwd_device *dev, uint32_t bank, fwd_status s,
    struct fwd_hint fact);

/* ---- slots_port.c ---------------------------------------------------- */

/* What stands between the library's runs and the flash. */
struct fwd_glue {
	struct fwd_port port;		/* handed to the run */
	const struct fwd_port *under;	/* the caller's */
	struct fwd_device *dev;
	bool booting;
};

/* Put the glue between the run and its port, and take it away again. */
void fwd_glue_attach(struct fwd_glue *g, struct fwd_device *dev,
    bool booting);
void fwd_glue_detach(struct fwd_glue *g);
/* FWD_OK if a load sequence may write there: to memory that no record names.
   component: index in the manifest.  FWD_E_DISABLED. */
FWD_MUST_USE fwd_status fwd_glue_may_load(const struct fwd_device *dev,
    uint32_t component);
/* From now on nothing is written, read or invoked, only judged. */
void fwd_glue_judge_only(struct fwd_glue *g);

/* The bank of an area that belongs to the bank that is worked on. */
uint32_t fwd_bank_of(const struct fwd_device *dev, uint32_t area);

/* ---- trust.c --------------------------------------------------------- */

/* Put the caller's policy aside, and back again. */
void fwd_trust_begin(struct fwd_device *dev);
void fwd_trust_done(struct fwd_device *dev);
/* Read what is in force into dev->in_force, and let the run's policy say the
   same.  FWD_E_STORE. */
FWD_MUST_USE fwd_status fwd_trust_load(struct fwd_device *dev);
/* Let the policy be that under which the record at hand was installed, with all
   keys counting. */
FWD_MUST_USE fwd_status fwd_trust_of_record(struct fwd_device *dev);
/* Is anything else in force than the caller's policy, or was it when the record
   at hand was installed? */
bool fwd_trust_changed(const struct fwd_device *dev);
/* Could the lists among the record's images come into force?  brings says what
   the banks would bring with it. */
FWD_MUST_USE fwd_status fwd_trust_judge(struct fwd_device *dev);
/* Put them into force, where they are news. */
FWD_MUST_USE fwd_status fwd_trust_take(struct fwd_device *dev);
/* Put a list that came by itself into force; what is now is loaded. */
FWD_MUST_USE fwd_status fwd_trust_revoke(struct fwd_device *dev,
    struct fwd_span data);
/* An area with nothing in it. */
FWD_MUST_USE fwd_status fwd_trust_init(struct fwd_device *dev);

/* ---- counter.c ------------------------------------------------------- */

/* FWD_E_STORE when no bank of the counter holds: it is not provisioned. */
FWD_MUST_USE fwd_status fwd_counter_read(struct fwd_device *dev, uint64_t *v);
/* Raise it to v; never lowers it. */
FWD_MUST_USE fwd_status fwd_counter_raise(struct fwd_device *dev, uint64_t v);
FWD_MUST_USE fwd_status fwd_counter_init(struct fwd_device *dev, uint64_t v);

#endif
