/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The campaign: scenarios (bundle.c), an emulated processor (machine.c), the
 * devices that it runs (guest.c, board.c, ports.c), what they do without a fault
 * (record.c), the faults (model.c), and the figures (main.c).  Whatever goes wrong
 * with the campaign itself ends the program.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "testdata/faults/guest.h"

void die(const char *format, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

/* ---- bundle.c ---------------------------------------------------------- */

enum outcome {
	REFUSED,
	PANICKED,
	CRASHED,			/* a fault of the processor */
	LOOPED,				/* stopped after too many steps */
	SAID_OK,			/* what was asked did, the loader not */
	ACCEPTED,			/* by the loader, or started */
	OUTCOMES
};

/* What has to withstand faults. */
enum subject {
	LIBRARY,
	LOADER,				/* lib/loader */
	LOADER_OTHER,			/* the same; it starts the other bank */
	NAIVE,				/* and what need not */
	SUBJECTS
};

struct scenario {
	const char *name;
	enum guest_entry entry;
	uint32_t status;		/* without fault, of what is asked */
	enum subject of;
};

const struct scenario *scenario(size_t i);
size_t scenarios(void);
/* Is what it is about to be accepted? */
bool scenario_is_good(const struct scenario *s);
/* What scenario i gives the guest. */
void scenario_input(size_t i, uint8_t input[GUEST_INPUT_SIZE]);
/* The signature that holds for that key and digest, instead of ECDSA: other
   bytes than these do not. */
void stub_sign(const uint8_t point[GUEST_POINT],
    const uint8_t digest[GUEST_DIGEST], uint8_t sig[GUEST_SIG]);

/* ---- machine.c --------------------------------------------------------- */

enum { PC = 15, XPSR = 16, REGS = 17 };

/* The registers before an instruction; XPSR with the state of an IT block. */
struct state {
	uint32_t r[REGS];
};

struct program {
	uint8_t flash[GUEST_FLASH_SIZE];
	size_t n;
	const struct guest_table *table;
};
void program_read(struct program *p, const char *path);

struct machine;
/* watched: that machine_watch() may be used; it is slow. */
struct machine *machine_new(const struct program *p,
    const uint8_t input[GUEST_INPUT_SIZE], bool watched);
void machine_free(struct machine *m);
uint8_t *machine_ram(struct machine *m);

/* From reset until that loader may begin: the state in which it does. */
void machine_setup(struct machine *m, enum guest_entry entry,
    struct state *loader);

/* What the recorder is told: each instruction, and each byte written. */
struct watcher {
	void (*step)(void *ctx, const struct state *s);
	void (*write)(void *ctx, uint32_t at, const uint8_t *p, uint32_t n);
	void (*read)(void *ctx);
	void *ctx;
};

struct run {
	enum outcome outcome;
	uint32_t verdict;		/* of the library, if it came to that */
	bool answered;
	uint64_t blocks;		/* executed */
};
/* Run from there to an end.  limit: blocks.  verdict_at: where the library
   returns to; ok: what it says then. */
void machine_expect(struct machine *m, uint32_t verdict_at, uint32_t ok,
    uint64_t limit);
/* Call met at that address; if it says true, the run ends as refused. */
typedef bool met_fn(void *ctx, uint32_t at);
void machine_meet(struct machine *m, uint32_t at);
void machine_on_meet(struct machine *m, met_fn *met, void *ctx);
/* The registers now, while met is called. */
void machine_state(struct machine *m, struct state *s);
void machine_watch(struct machine *m, const struct watcher *w);
struct run machine_run(struct machine *m, const struct state *s);

/* ---- Thumb-2: IT blocks (ARMv7-M ARM, A7.3.3) -------------------------- */

static inline uint32_t
insn_size(uint32_t halfword)
{
	return (halfword >> 11) >= 0x1d ? 4 : 2;
}

static inline bool
is_it(uint32_t halfword)
{
	return (halfword & 0xff00) == 0xbf00 && (halfword & 0xf) != 0;
}

/* ITSTATE for the next instruction. */
static inline uint32_t
it_advance(uint32_t it)
{
	return (it & 7) == 0 ? 0 : (it & 0xe0) | ((it << 1) & 0x1f);
}

static inline uint32_t
it_get(uint32_t xpsr)
{
	return ((xpsr >> 25) & 3) | ((xpsr >> 10) & 0x3f) << 2;
}

static inline uint32_t
it_put(uint32_t xpsr, uint32_t it)
{
	return (xpsr & ~0x0600fc00u) | (it & 3) << 25 | (it >> 2) << 10;
}

/* ---- record.c ---------------------------------------------------------- */

struct step {
	struct state s;
	uint32_t reads;
};

struct change {				/* of memory */
	size_t step;			/* by which */
	uint32_t at, n;
	uint8_t bytes[8];
};

/* A place that the run without fault came by, and its memory then. */
struct mark {
	size_t step;
	uint8_t *ram;
};

/* A run without fault. */
struct record {
	struct run run;
	uint32_t verdict_at;
	struct step *step;
	size_t steps;
	struct change *change;
	size_t changes;
	uint8_t ram[GUEST_RAM_SIZE];	/* at its beginning */
	struct mark *mark;		/* every few hundred steps */
	size_t marks;
};
void record_make(struct record *r, const struct program *p,
    const uint8_t input[GUEST_INPUT_SIZE], const struct scenario *sc);
void record_free(struct record *r);
/* Bring the changes from *at on, made before that step, to ram. */
void record_replay(const struct record *r, size_t *at, size_t step,
    uint8_t *ram);

/* ---- model.c ----------------------------------------------------------- */

enum model { SKIP, INVERT, ZERO, ONES, MODELS };
extern const char *const model_name[MODELS];
/* Where not each instruction is faulted, this many are left out for each that
   is, others in each scenario. */
enum { LEFT_OUT = 15 };

struct insn;
struct decoder;
struct decoder *decoder_new(const struct program *p);
void decoder_free(struct decoder *d);

/* Call fault for each fault at steps from to to - 1: the state to go on
   with instead, and the address of the instruction that suffers it. */
typedef void fault_fn(void *ctx, enum model model, size_t step, uint32_t at,
    const struct state *s);
void model_faults(struct decoder *d, const struct record *r, size_t from,
    size_t to, fault_fn *fault, void *ctx);

#endif
