/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host and the program that it emulates have in common.  Addresses
 * are the guest's.
 */
#ifndef FAULTS_GUEST_H
#define FAULTS_GUEST_H

#include <stdint.h>

/* Where things are; guest.ld says the same of the first two. */
#define GUEST_FLASH	0x00010000u
#define GUEST_RAM	0x20000000u
#define GUEST_INPUT	0x30000000u
enum { GUEST_FLASH_SIZE = 0x40000, GUEST_RAM_SIZE = 0xc000,
	GUEST_INPUT_SIZE = 0x4000 };

enum { GUEST_ANCHORS = 4, GUEST_POINT = 65, GUEST_SIG = 64,
	GUEST_DIGEST = 32, GUEST_MESSAGE = 6144, GUEST_ROOT = 512 };

struct guest_blob {
	uint32_t at, n;
};

/* Which loader runs, and what it is there for. */
enum guest_entry {
	/* that of guest.c */
	GUEST_BUNDLE = 1,		/* judges a bundle, stores nothing */
	GUEST_STORE,			/* the same with storage */
	GUEST_INSTALL,			/* installs it into a bank */
	GUEST_BOOT,			/* boots what was installed */
	GUEST_NAIVE,			/* the verifier of naive.c */
	/* that of lib/loader, in board.c: main() */
	GUEST_UPDATE,			/* gets a bundle */
	GUEST_START,			/* starts what was installed */
	GUEST_OTHER,			/* the same, beside a release that was
					   confirmed */
	GUEST_FACTORY,			/* is provisioned once more */
	GUEST_ENTRIES
};

/* What happens to a bank before it is booted. */
enum guest_spoil {
	GUEST_WHOLE,
	GUEST_SPOILT,			/* a bit of the image changes */
	GUEST_OVERTAKEN,		/* the counter has risen */
	GUEST_OTHER_ROOT,		/* another root is trusted */
	GUEST_TWO_NOW,			/* two signers are demanded */
	GUEST_UNSIGNED,			/* a bit of the recorded signature, and
					   the record's digest with it */
	GUEST_LOST,			/* the counter is gone */
	GUEST_BEHIND,			/* the counter has not risen to what was
					   confirmed */
};

/* What it is about: at GUEST_INPUT, read only. */
struct guest_input {
	uint32_t entry;
	uint32_t stored;		/* sequence number */
	uint32_t threshold;
	uint32_t clock;			/* FWD_CLOCK_ */
	uint32_t now;
	uint32_t rule;			/* anchors of which one must sign */
	uint32_t right;			/* who may sign for the component */
	uint32_t spoil;			/* enum guest_spoil */
	uint32_t fast;			/* FWD_BOOT_FAST */
	uint32_t signed_at;		/* the signature's end in the envelope */
	uint32_t anchors;
	struct guest_blob anchor[GUEST_ANCHORS];	/* certificates */
	struct guest_blob bundle, revoked;
	uint8_t class_id[16];
};

/* A signature for the host to judge. */
struct guest_sig {
	uint32_t alg, digest_alg;
	uint32_t point_n, digest_n, sig_n;
	uint8_t point[GUEST_POINT + 3], digest[GUEST_DIGEST], sig[GUEST_SIG];
};

/* At the beginning of the program. */
#define GUEST_MAGIC 0x67756573u
struct guest_table {
	uint32_t magic, stack, data_end;
	uint32_t setup;
	/* what is faulted; each instruction there, or only some but for those
	   in between */
	uint32_t faulted_begin, faulted_end;
	uint32_t each_begin, each_end;
	/* places where something has happened when they are reached */
	uint32_t ready, accepted, refused, panicked, started;
	/* the function that the host computes */
	uint32_t host_call;
	/* by entry: the loader, the function that is asked, and its success */
	struct {
		uint32_t load, judge, ok;
	} entry[GUEST_ENTRIES];
};

/* What the host does for the program: its first argument. */
enum host_call {
	HOST_COPY,			/* to, from, n */
	HOST_FILL,			/* to, value, n */
	HOST_HASH,			/* a guest_message, out */
	HOST_VERIFY,			/* a guest_sig; 1: it holds */
};

struct guest_message {
	uint32_t n;
	uint8_t bytes[GUEST_MESSAGE];
};

/*
 * What naive.c reads: a file of one image, one class, and up to two signatures
 * over everything before them.
 */
struct naive_file {
	uint32_t sequence_number;
	uint8_t class_id[16];
	uint8_t image_sha256[GUEST_DIGEST];
	uint32_t signatures;
	uint8_t sig[2][GUEST_SIG];
	uint8_t image[32];
};

#endif
