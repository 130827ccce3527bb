/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run without fault, kept so that it can be taken up again at any of its
 * instructions: the registers before each, and what each wrote.
 */
#include <stdlib.h>
#include <string.h>

#include "testdata/faults/faults.h"

enum { SLOTS = 4, MARKED = 1 << 30 };

struct recorder {
	struct record *r;
	const struct program *program;
	uint32_t judge;			/* entry of the library */
	size_t step_room, change_room;
	struct {			/* of the IT block under way */
		uint32_t at[SLOTS + 1], it[SLOTS + 1];
		size_t n;
	} block;
};

static void *
room(void *p, size_t n, size_t *have, size_t size)
{
	if (n < *have)
		return p;
	*have = *have == 0 ? 4096 : *have * 2;
	p = realloc(p, *have * size);
	if (p == NULL)
		die("out of memory");
	return p;
}

static uint32_t
halfword(const struct program *p, uint32_t at)
{
	const uint8_t *const b = p->flash + (at - GUEST_FLASH);

	if (at < GUEST_FLASH || at - GUEST_FLASH > GUEST_FLASH_SIZE - 2)
		die("no instruction at 0x%x", at);
	return b[0] | (uint32_t)b[1] << 8;
}

/* Remember where the instructions of an IT block are, and ITSTATE before each
   (ARMv7-M ARM, A7.3.3); Unicorn does not tell. */
static void
begin_block(struct recorder *rec, uint32_t at)
{
	uint32_t it = halfword(rec->program, at) & 0xff;

	at += 2;
	rec->block.n = 0;
	while ((it & 0xf) != 0) {
		rec->block.at[rec->block.n] = at;
		rec->block.it[rec->block.n++] = it;
		at += insn_size(halfword(rec->program, at));
		it = it_advance(it);
	}
}

static uint32_t
it_state(const struct recorder *rec, uint32_t at)
{
	for (size_t i = 0; i < rec->block.n; i++)
		if (rec->block.at[i] == at)
			return rec->block.it[i];
	return 0;
}

static void
on_step(void *ctx, const struct state *s)
{
	struct recorder *const rec = ctx;
	struct record *const r = rec->r;
	const uint32_t pc = s->r[PC];
	struct state own = *s;

	own.r[XPSR] = it_put(own.r[XPSR], it_state(rec, pc));
	if (is_it(halfword(rec->program, pc)))
		begin_block(rec, pc);
	else if (it_get(own.r[XPSR]) == 0)
		rec->block.n = 0;
	if (pc == (rec->judge & ~1u) && r->verdict_at == 0)
		r->verdict_at = s->r[14] & ~1u;
	if (pc == r->verdict_at) {
		r->run.verdict = s->r[0];
		r->run.answered = true;
	}
	r->step = room(r->step, r->steps, &rec->step_room, sizeof *r->step);
	r->step[r->steps++] = (struct step){ .s = own };
}

static void
on_write(void *ctx, uint32_t at, const uint8_t *p, uint32_t n)
{
	struct recorder *const rec = ctx;
	struct record *const r = rec->r;
	struct change *c;

	for (uint32_t i = 0; i < n; i += c->n) {
		r->change = room(r->change, r->changes, &rec->change_room,
		    sizeof *r->change);
		c = &r->change[r->changes++];
		*c = (struct change){ .step = r->steps - 1, .at = at + i,
		    .n = n - i < sizeof c->bytes ? n - i : sizeof c->bytes };
		memcpy(c->bytes, p + i, c->n);
	}
}

static void
on_read(void *ctx)
{
	struct recorder *const rec = ctx;

	rec->r->step[rec->r->steps - 1].reads++;
}

/* ---- marks ------------------------------------------------------------- */

enum {
	MARK_EVERY = 200,		/* steps, about */
	MARK_VISITS = 40,		/* no address more often than this */
};

void
record_replay(const struct record *r, size_t *at, size_t step, uint8_t *ram)
{
	const struct change *c;

	for (; *at < r->changes; (*at)++) {
		c = &r->change[*at];
		if (c->step >= step)
			break;
		memcpy(ram + (c->at - GUEST_RAM), c->bytes, c->n);
	}
}

/* Choose addresses that are not executed often: how often they are becomes
   MARKED and more. */
static void
choose_marks(const struct record *r, uint32_t *visits)
{
	size_t last = 0;

	for (size_t i = 0; i < r->steps; i++)
		visits[(r->step[i].s.r[PC] - GUEST_FLASH) / 2]++;
	for (size_t i = 0; i < r->steps; i++) {
		uint32_t *const v =
		    &visits[(r->step[i].s.r[PC] - GUEST_FLASH) / 2];

		if (i - last >= MARK_EVERY && *v <= MARK_VISITS &&
		    it_get(r->step[i].s.r[XPSR]) == 0)
			*v += MARKED;
		if (*v >= MARKED)
			last = i;
	}
}

static void
add_mark(struct record *r, size_t step, const uint8_t *ram, size_t *have)
{
	uint8_t *const copy = malloc(GUEST_RAM_SIZE);

	r->mark = room(r->mark, r->marks, have, sizeof *r->mark);
	if (copy == NULL)
		die("out of memory");
	memcpy(copy, ram, GUEST_RAM_SIZE);
	r->mark[r->marks++] = (struct mark){ step, copy };
}

static void
make_marks(struct record *r)
{
	static uint8_t ram[GUEST_RAM_SIZE];
	uint32_t *const visits = calloc(GUEST_FLASH_SIZE / 2, sizeof *visits);
	size_t have = 0, changed = 0;

	if (visits == NULL)
		die("out of memory");
	memcpy(ram, r->ram, sizeof ram);
	choose_marks(r, visits);
	for (size_t i = 0; i < r->steps; i++) {
		if (visits[(r->step[i].s.r[PC] - GUEST_FLASH) / 2] < MARKED)
			continue;
		record_replay(r, &changed, i, ram);
		add_mark(r, i, ram, &have);
	}
	free(visits);
}

/* ---- the whole --------------------------------------------------------- */

void
record_make(struct record *r, const struct program *p,
    const uint8_t input[GUEST_INPUT_SIZE], const struct scenario *sc)
{
	struct recorder rec = { .r = r, .program = p,
	    .judge = p->table->entry[sc->entry].judge };
	const struct watcher w = { on_step, on_write, on_read, &rec };
	struct machine *m = machine_new(p, input, true);
	struct run run;
	struct state s;

	memset(r, 0, sizeof *r);
	machine_setup(m, sc->entry, &s);
	memcpy(r->ram, machine_ram(m), sizeof r->ram);
	machine_watch(m, &w);
	run = machine_run(m, &s);
	run.verdict = r->run.verdict;
	run.answered = r->run.answered;
	r->run = run;
	machine_free(m);
	make_marks(r);
}

void
record_free(struct record *r)
{
	free(r->step);
	free(r->change);
	for (size_t i = 0; i < r->marks; i++)
		free(r->mark[i].ram);
	free(r->mark);
}
