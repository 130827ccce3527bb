/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The twin runner: judges a corpus with the device library and writes down
 * every step.  The same source runs on a host and on an emulated Cortex-M;
 * what differs, the operating system and the crypto, is in files of its own.
 */
#ifndef TWIN_H
#define TWIN_H

#include "arm/semihost.h"
#include "device/fwslots.h"

/* Leave the function with -1 unless the device library says FWD_OK. */
#define TAKE(e) do {							\
	if ((e) != FWD_OK)						\
		return -1;						\
} while (0)

/* ---- memory ----------------------------------------------------------- */

enum {
	TWIN_LIST = 1 << 20,		/* the list of cases */
	TWIN_FILE = 320 << 10,		/* a bundle; also when edited */
	TWIN_DEVICE = 32 << 10,		/* a device, encoded */
	TWIN_ENVELOPE = 64 << 10,
	TWIN_FLASH = 1 << 20,		/* of all components of a device */
	TWIN_RECORD = 32 << 10,		/* a record area */
	TWIN_TRUST = 8 << 10,		/* a trust area */
	TWIN_VENDORS = 4, TWIN_CLASSES = 8, TWIN_EVENTS = 10,
	TWIN_ANCHORS = FWD_ANCHORS_MAX,
};

/* ---- a device (device.c) ---------------------------------------------- */

struct twin_component {
	struct fwd_span id;
	uint64_t size, slots, slot;
	uint32_t kind;
	struct fwd_version version;
};

/*
 * A device as testdata/twin/flat.c has encoded its profile.  The spans point
 * into the encoding.
 */
struct twin_device {
	struct fwd_span vendor[TWIN_VENDORS], class_id[TWIN_CLASSES];
	size_t vendors, classes;
	struct fwd_span device_id;	/* empty: none */
	uint64_t sequence_number;
	int64_t now;
	bool timed;
	uint32_t boot;
	struct twin_component component[FWD_COMPONENTS_MAX];
	uint32_t components;
	bool told, has_battery, has_priority;
	uint64_t battery;
	int64_t priority;
	uint64_t event[TWIN_EVENTS];	/* 0: not told, 1: met, 2: not */
	struct fwd_anchor anchor[TWIN_ANCHORS];
	struct fwd_rule rule[FWD_RULES_MAX];
	struct fwd_right right[FWD_RIGHTS_MAX];
	struct fwd_policy policy;
	/* The run: the bundle and how much of it was read, the place of each
	   component of the manifest. */
	struct fwd_span bundle;
	size_t at;
	bool unreadable;		/* behind its first half */
	uint32_t place[FWD_COMPONENTS_MAX];
};

/* 0, or -1 when data is no device. */
int twin_device_read(struct fwd_span data, struct twin_device *dev);
/* The port of a device that stores nothing. */
struct fwd_port twin_device_port(struct twin_device *dev,
    struct fwd_tracer trace);
/* Make it store images in memory as well. */
void twin_device_store(struct twin_device *dev, struct fwd_port *port);
/* Write down what is stored. */
void twin_device_stored(const struct twin_device *dev,
    const struct fwd_crypto *crypto);

/* ---- a device with banks (life.c) ------------------------------------- */

/* What a device lives through: install, boot, confirm, power cuts, as the
   encoded list says; written down.  0, or -1: the list is none. */
int twin_life(struct fwd_span list, struct twin_device *dev,
    struct fwd_ctx *ctx, struct fwd_port *port);

/* ---- the runner (twin.c) ---------------------------------------------- */

/* LIST TRACE: judge what the list says, write the trace; an exit status. */
int twin(int argc, char **argv);
/* Append to the trace. */
void twin_put(const char *text);
void twin_put_number(uint64_t v);
void twin_put_hex(const uint8_t *p, size_t n);
/* "accepted" or "refused CODE". */
void twin_put_verdict(fwd_status s);
/* All of a file into buf; -1 when that is not possible. */
long twin_load(const char *path, uint8_t *buf, size_t max);

/* ---- crypto (crypto_*.c, memo.c) -------------------------------------- */

/* What this program was built with; -1 when it does not start. */
int twin_crypto(struct fwd_crypto *out);
extern const char twin_crypto_name[];

/*
 * The same, but a signature that was found to hold twice (the library asks
 * twice) is not computed again: most of what a mutant is judged by is not
 * changed.  What does not hold is computed each time.
 */
struct fwd_crypto twin_memo(const struct fwd_crypto *real);
/* How many signatures were computed, and how many remembered. */
void twin_memo_counts(uint32_t *computed, uint32_t *remembered);

#endif
