/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The faults.  A fault at an instruction is a state to go on with instead of
 * the one that the run without fault had:
 *
 * skip		each instruction that is executed has no effect;
 * invert	each conditional branch goes the other way, each instruction
 *		of an IT block that was not executed is, and the condition of
 *		each IT instruction is the opposite one; that one which was
 *		executed is not, is a skip already;
 * zero, ones	each register that is loaded from memory, but for the program
 *		counter, is loaded with zeros or with ones, as many as are
 *		loaded; the byte or halfword of a table branch likewise.
 */
#include <stdlib.h>

#include <capstone/capstone.h>

#include "testdata/faults/faults.h"

enum { LOADS = 16, ITEMS = GUEST_FLASH_SIZE / 2 };

const char *const model_name[MODELS] = {
	[SKIP] = "skip", [INVERT] = "invert", [ZERO] = "zero", [ONES] = "ones",
};

struct insn {
	bool known;
	uint8_t size;
	bool conditional, it, loads_pc;
	uint8_t table;			/* bytes of an entry: tbb, tbh */
	uint32_t target;		/* of a conditional branch */
	uint8_t loads, load[LOADS];	/* registers */
	uint32_t ones;			/* what they hold then */
};

struct decoder {
	csh cs;
	cs_insn *insn;
	const struct program *program;
	struct insn cache[ITEMS];
};

struct decoder *
decoder_new(const struct program *p)
{
	struct decoder *const d = calloc(1, sizeof *d);

	if (d == NULL || cs_open(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS,
	    &d->cs) != CS_ERR_OK || cs_option(d->cs, CS_OPT_DETAIL,
	    CS_OPT_ON) != CS_ERR_OK || (d->insn = cs_malloc(d->cs)) == NULL)
		die("capstone does not start");
	d->program = p;
	return d;
}

void
decoder_free(struct decoder *d)
{
	cs_free(d->insn, 1);
	(void)cs_close(&d->cs);
	free(d);
}

/* ---- decoding ---------------------------------------------------------- */

/* The number of a register, as in struct state. */
static uint8_t
number(unsigned reg)
{
	switch (reg) {
	case ARM_REG_SP: return 13;
	case ARM_REG_LR: return 14;
	case ARM_REG_PC: return PC;
	default: break;
	}
	if (reg < ARM_REG_R0 || reg > ARM_REG_R12)
		die("a load into register %u of capstone", reg);
	return (uint8_t)(reg - ARM_REG_R0);
}

static void
add_load(struct insn *in, const cs_arm *arm, size_t first, size_t last,
    uint32_t ones)
{
	in->ones = ones;
	for (size_t i = first; i <= last; i++) {
		const uint8_t r = number((unsigned)arm->operands[i].reg);

		if (r == PC)
			in->loads_pc = true;
		else
			in->load[in->loads++] = r;
	}
}

static void
decode_load(struct insn *in, unsigned id, const cs_arm *arm)
{
	const size_t last = (size_t)arm->op_count - 1;

	switch (id) {
	case ARM_INS_LDR: case ARM_INS_LDRT: case ARM_INS_LDREX:
		add_load(in, arm, 0, 0, UINT32_MAX);
		break;
	case ARM_INS_LDRSB: case ARM_INS_LDRSH:
		add_load(in, arm, 0, 0, UINT32_MAX);
		break;
	case ARM_INS_LDRB: case ARM_INS_LDRBT:
		add_load(in, arm, 0, 0, UINT8_MAX);
		break;
	case ARM_INS_LDRH: case ARM_INS_LDRHT:
		add_load(in, arm, 0, 0, UINT16_MAX);
		break;
	case ARM_INS_LDRD:
		add_load(in, arm, 0, 1, UINT32_MAX);
		break;
	case ARM_INS_LDM: case ARM_INS_LDMDB:
		add_load(in, arm, 1, last, UINT32_MAX);
		break;
	case ARM_INS_POP:
		add_load(in, arm, 0, last, UINT32_MAX);
		break;
	case ARM_INS_TBB:
		in->table = 1;
		break;
	case ARM_INS_TBH:
		in->table = 2;
		break;
	default:
		break;
	}
}

static void
decode_branch(struct insn *in, unsigned id, const cs_arm *arm)
{
	if (id == ARM_INS_CBZ || id == ARM_INS_CBNZ) {
		in->conditional = true;
		in->target = (uint32_t)arm->operands[1].imm;
	} else if (id == ARM_INS_B && arm->cc != ARM_CC_AL &&
	    arm->cc != ARM_CC_INVALID) {
		in->conditional = true;
		in->target = (uint32_t)arm->operands[0].imm;
	}
}

static const struct insn *
decode(struct decoder *d, uint32_t at)
{
	const uint32_t off = at - GUEST_FLASH;
	const uint8_t *code = d->program->flash + off;
	struct insn *const in = &d->cache[off / 2];
	size_t n = 4;
	uint64_t address = at;

	if (in->known)
		return in;
	in->known = true;
	in->size = (uint8_t)insn_size(code[0] | (uint32_t)code[1] << 8);
	in->it = is_it(code[0] | (uint32_t)code[1] << 8);
	if (!cs_disasm_iter(d->cs, &code, &n, &address, d->insn) ||
	    d->insn->size != in->size)
		die("capstone does not know the instruction at 0x%x", at);
	decode_load(in, d->insn->id, &d->insn->detail->arm);
	decode_branch(in, d->insn->id, &d->insn->detail->arm);
	return in;
}

/* ---- faults ------------------------------------------------------------ */

struct place {
	struct decoder *d;
	const struct record *r;
	size_t step;
	const struct insn *in;
	uint32_t at;
	fault_fn *fault;
	void *ctx;
};

static void
inject(const struct place *p, enum model model, uint32_t at,
    const struct state *s)
{
	p->fault(p->ctx, model, p->step, at, s);
}

/* s, going on at another place. */
static struct state
moved(struct state s, uint32_t pc, uint32_t it)
{
	s.r[PC] = pc;
	s.r[XPSR] = it_put(s.r[XPSR], it);
	return s;
}

static void
skip(const struct place *p)
{
	const struct state *const s = &p->r->step[p->step].s;
	const struct state t = moved(*s, p->at + p->in->size,
	    it_advance(it_get(s->r[XPSR])));

	inject(p, SKIP, p->at, &t);
}

/* The block of this IT instruction with all conditions inverted: the lowest
   one of the mask stays, it only ends the block. */
static void
invert_block(const struct place *p)
{
	const uint32_t it = p->d->program->flash[p->at - GUEST_FLASH];
	const uint32_t end = it & (0u - it) & 0xf;
	const struct state t = moved(p->r->step[p->step].s, p->at + 2,
	    it ^ (0x1fu & ~(end | (end - 1))));

	inject(p, INVERT, p->at, &t);
}

/* The instructions between this one and the next that was executed, if they
   are of one IT block: each executed, after all. */
static void
invert_passed(const struct place *p)
{
	const struct state *const s = &p->r->step[p->step].s;
	const struct state *const next = &p->r->step[p->step + 1].s;
	uint32_t it = p->in->it ? p->d->program->flash[p->at - GUEST_FLASH] :
	    it_advance(it_get(s->r[XPSR]));
	uint32_t at = p->at + p->in->size;

	for (; it != 0 && at < next->r[PC]; it = it_advance(it)) {
		const struct state t = moved(*next, at, it ^ 0x10);

		inject(p, INVERT, at, &t);
		at += decode(p->d, at)->size;
	}
}

static void
invert(const struct place *p)
{
	const struct state *const s = &p->r->step[p->step].s;
	const uint32_t on = p->at + p->in->size;
	struct state t;

	if (p->in->conditional) {
		t = moved(*s, p->r->step[p->step + 1].s.r[PC] == on ?
		    p->in->target : on, 0);
		inject(p, INVERT, p->at, &t);
	}
	if (p->in->it)
		invert_block(p);
	invert_passed(p);
}

static void
replace_load(const struct place *p, size_t i, enum model model,
    uint32_t value)
{
	struct state t = p->r->step[p->step + 1].s;

	if (t.r[p->in->load[i]] == value)
		return;			/* no fault */
	t.r[p->in->load[i]] = value;
	inject(p, model, p->at, &t);
}

static void
replace_table(const struct place *p, enum model model, uint32_t entry)
{
	const uint32_t to = p->at + 4 + 2 * entry;
	struct state t;

	if (p->r->step[p->step + 1].s.r[PC] == to)
		return;
	t = moved(p->r->step[p->step].s, to, 0);
	inject(p, model, p->at, &t);
}

static void
replace(const struct place *p)
{
	for (size_t i = 0; i < p->in->loads; i++) {
		replace_load(p, i, ZERO, 0);
		replace_load(p, i, ONES, p->in->ones);
	}
	if (p->in->table != 0) {
		replace_table(p, ZERO, 0);
		replace_table(p, ONES, p->in->table == 1 ? UINT8_MAX :
		    UINT16_MAX);
	}
}

/* Some of what is faulted in another program already are enough. */
static bool
is_chosen(const struct place *p)
{
	const struct guest_table *const t = p->d->program->table;

	if (p->at < t->faulted_begin || p->at >= t->faulted_end)
		return false;
	return (p->at >= t->each_begin && p->at < t->each_end) ||
	    (p->step + p->r->steps) % (LEFT_OUT + 1) == 0;
}

void
model_faults(struct decoder *d, const struct record *r, size_t from,
    size_t to, fault_fn *fault, void *ctx)
{
	struct place p = { .d = d, .r = r, .fault = fault, .ctx = ctx };
	bool reads;

	/* After the last one nothing is executed. */
	for (p.step = from; p.step < to && p.step + 1 < r->steps; p.step++) {
		p.at = r->step[p.step].s.r[PC];
		if (!is_chosen(&p))
			continue;
		p.in = decode(d, p.at);
		reads = p.in->loads != 0 || p.in->loads_pc ||
		    p.in->table != 0;
		if (reads != (r->step[p.step].reads != 0))
			die("the instruction at 0x%x was not understood",
			    p.at);
		skip(&p);
		invert(&p);
		replace(&p);
	}
}
