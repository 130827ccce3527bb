/* SPDX-License-Identifier: Apache-2.0 */
/* A Cortex-M3 in Unicorn, with the memory of this process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <unicorn/unicorn.h>

#include "testdata/faults/faults.h"

enum { PAGE = 4096, HOOKS = 16 };

struct machine {
	uc_engine *uc;
	uc_context *fresh;
	const struct guest_table *t;
	uint8_t *flash, *ram, *input;
	const struct watcher *watcher;
	uint32_t ok;
	uint64_t limit;
	met_fn *met;
	void *met_ctx;
	/* of this run */
	struct run run;
	bool ended, said_ok, started;
};

static void
check(uc_err e, const char *what)
{
	if (e != UC_ERR_OK)
		die("unicorn: %s: %s", what, uc_strerror(e));
}

void
program_read(struct program *p, const char *path)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		die("cannot open '%s': %s", path, strerror(errno));
	p->n = fread(p->flash, 1, sizeof p->flash, f);
	(void)fclose(f);
	p->table = (const struct guest_table *)(const void *)p->flash;
	if (p->n < sizeof *p->table || p->table->magic != GUEST_MAGIC)
		die("'%s' is not the guest", path);
}

/* ---- memory ------------------------------------------------------------ */

static uint8_t *
map(uc_engine *uc, uint32_t at, size_t n, uint32_t prot)
{
	uint8_t *const p = aligned_alloc(PAGE, n);

	if (p == NULL)
		die("out of memory");
	memset(p, 0, n);
	check(uc_mem_map_ptr(uc, at, n, prot, p), "uc_mem_map_ptr");
	return p;
}

/* Where n bytes of the guest's are, or NULL. */
static uint8_t *
memory(struct machine *m, uint32_t at, uint32_t n, bool write)
{
	if (at >= GUEST_RAM && n <= GUEST_RAM_SIZE &&
	    at - GUEST_RAM <= GUEST_RAM_SIZE - n)
		return m->ram + (at - GUEST_RAM);
	if (write)
		return NULL;
	if (at >= GUEST_INPUT && n <= GUEST_INPUT_SIZE &&
	    at - GUEST_INPUT <= GUEST_INPUT_SIZE - n)
		return m->input + (at - GUEST_INPUT);
	if (at >= GUEST_FLASH && n <= GUEST_FLASH_SIZE &&
	    at - GUEST_FLASH <= GUEST_FLASH_SIZE - n)
		return m->flash + (at - GUEST_FLASH);
	return NULL;
}

/* ---- what the host does for the guest ---------------------------------- */

static bool
put(struct machine *m, uint32_t to, const uint8_t *from, uint32_t n)
{
	uint8_t *const p = memory(m, to, n, true);

	if (p == NULL || from == NULL)
		return false;
	memmove(p, from, n);
	if (m->watcher != NULL)
		m->watcher->write(m->watcher->ctx, to, p, n);
	return true;
}

static bool
host_fill(struct machine *m, uint32_t to, uint32_t value, uint32_t n)
{
	uint8_t bytes[PAGE * 4];

	if (n > sizeof bytes)
		return false;
	memset(bytes, (int)value, n);
	return put(m, to, bytes, n);
}

static bool
host_hash(struct machine *m, uint32_t message, uint32_t out)
{
	const struct guest_message *const msg = (const void *)memory(m,
	    message, sizeof *msg, false);
	uint8_t digest[GUEST_DIGEST];

	if (msg == NULL || msg->n > sizeof msg->bytes ||
	    EVP_Digest(msg->bytes, msg->n, digest, NULL, EVP_sha256(),
	    NULL) != 1)
		return false;
	return put(m, out, digest, sizeof digest);
}

static bool
host_verify(struct machine *m, uint32_t at, uint32_t *holds)
{
	const struct guest_sig *const s = (const void *)memory(m, at,
	    sizeof *s, false);
	uint8_t sig[GUEST_SIG];

	if (s == NULL)
		return false;
	stub_sign(s->point, s->digest, sig);
	*holds = memcmp(sig, s->sig, sizeof sig) == 0;
	return true;
}

static void
end(struct machine *m, enum outcome o)
{
	if (!m->ended)
		m->run.outcome = o;
	m->ended = true;
	check(uc_emu_stop(m->uc), "uc_emu_stop");
}

static void
on_host_call(uc_engine *uc, uint64_t at, uint32_t n, void *arg)
{
	static int ids[4] = { UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2,
	    UC_ARM_REG_R3 };
	struct machine *const m = arg;
	uint32_t r[4] = { 0 }, result = 0;
	void *p[4] = { &r[0], &r[1], &r[2], &r[3] };
	bool done = false;

	(void)at;
	(void)n;
	check(uc_reg_read_batch(uc, ids, p, 4), "uc_reg_read_batch");
	switch (r[0]) {
	case HOST_COPY:
		done = put(m, r[1], memory(m, r[2], r[3], false), r[3]);
		break;
	case HOST_FILL:
		done = host_fill(m, r[1], r[2], r[3]);
		break;
	case HOST_HASH:
		done = host_hash(m, r[1], r[2]);
		break;
	case HOST_VERIFY:
		done = host_verify(m, r[1], &result);
		break;
	default:
		break;
	}
	if (!done)
		end(m, CRASHED);
	check(uc_reg_write(uc, UC_ARM_REG_R0, &result), "uc_reg_write");
}

/* ---- what happens in a run --------------------------------------------- */

static void
on_place(uc_engine *uc, uint64_t at, uint32_t n, void *arg)
{
	struct machine *const m = arg;
	const uint32_t place = (uint32_t)at | 1u;

	(void)uc;
	(void)n;
	if (place == m->t->started)
		m->started = true;
	else if (place == m->t->accepted || place == m->t->ready)
		end(m, ACCEPTED);
	else if (place == m->t->refused)
		end(m, REFUSED);
	else
		end(m, PANICKED);
}

static void
on_verdict(uc_engine *uc, uint64_t at, uint32_t n, void *arg)
{
	struct machine *const m = arg;

	(void)at;
	(void)n;
	check(uc_reg_read(uc, UC_ARM_REG_R0, &m->run.verdict), "uc_reg_read");
	m->run.answered = true;
	if (m->run.verdict == m->ok)
		m->said_ok = true;
}

static void
on_meet(uc_engine *uc, uint64_t at, uint32_t n, void *arg)
{
	struct machine *const m = arg;

	(void)uc;
	(void)n;
	if (m->met(m->met_ctx, (uint32_t)at))
		end(m, REFUSED);
}

static void
on_block(uc_engine *uc, uint64_t at, uint32_t n, void *arg)
{
	struct machine *const m = arg;

	(void)uc;
	(void)at;
	(void)n;
	if (++m->run.blocks >= m->limit)
		end(m, LOOPED);
}

/* ---- watching ---------------------------------------------------------- */

static int reg_ids[REGS] = {
	UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3,
	UC_ARM_REG_R4, UC_ARM_REG_R5, UC_ARM_REG_R6, UC_ARM_REG_R7,
	UC_ARM_REG_R8, UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11,
	UC_ARM_REG_R12, UC_ARM_REG_SP, UC_ARM_REG_LR, UC_ARM_REG_PC,
	UC_ARM_REG_XPSR,
};

static void
reg_places(const struct state *s, void *p[REGS])
{
	for (size_t i = 0; i < REGS; i++)
		p[i] = (void *)(uintptr_t)&s->r[i];
}

void
machine_state(struct machine *m, struct state *s)
{
	void *p[REGS];

	reg_places(s, p);
	check(uc_reg_read_batch(m->uc, reg_ids, p, REGS), "uc_reg_read_batch");
}

static void
on_step(uc_engine *uc, uint64_t at, uint32_t n, void *arg)
{
	struct machine *const m = arg;
	struct state s;

	(void)uc;
	(void)n;
	if (m->watcher == NULL)
		return;
	machine_state(m, &s);
	s.r[PC] = (uint32_t)at;
	m->watcher->step(m->watcher->ctx, &s);
}

static void
on_memory(uc_engine *uc, uc_mem_type type, uint64_t at, int n, int64_t value,
    void *arg)
{
	struct machine *const m = arg;
	uint8_t bytes[8];

	(void)uc;
	if (m->watcher == NULL)
		return;
	if (type == UC_MEM_READ) {
		m->watcher->read(m->watcher->ctx);
		return;
	}
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
	m->watcher->write(m->watcher->ctx, (uint32_t)at, bytes, (uint32_t)n);
}

/* ---- making and running ------------------------------------------------ */

static void
add_hook(struct machine *m, int type, void *fn, uint64_t begin, uint64_t last)
{
	uc_hook h;

	check(uc_hook_add(m->uc, &h, type, fn, m, begin, last), "uc_hook_add");
}

static void
add_place(struct machine *m, uint32_t place, void *fn)
{
	const uint64_t at = place & ~UINT64_C(1);

	add_hook(m, UC_HOOK_CODE, fn, at, at);
}

struct machine *
machine_new(const struct program *p, const uint8_t input[GUEST_INPUT_SIZE],
    bool watched)
{
	struct machine *const m = calloc(1, sizeof *m);
	const struct guest_table *const t = p->table;

	if (m == NULL)
		die("out of memory");
	m->t = t;
	m->limit = UINT64_MAX;
	check(uc_open(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS, &m->uc),
	    "uc_open");
	check(uc_ctl_set_cpu_model(m->uc, UC_CPU_ARM_CORTEX_M3),
	    "uc_ctl_set_cpu_model");
	m->flash = map(m->uc, GUEST_FLASH, GUEST_FLASH_SIZE,
	    UC_PROT_READ | UC_PROT_EXEC);
	memcpy(m->flash, p->flash, sizeof p->flash);
	m->ram = map(m->uc, GUEST_RAM, GUEST_RAM_SIZE,
	    UC_PROT_READ | UC_PROT_WRITE);
	m->input = map(m->uc, GUEST_INPUT, GUEST_INPUT_SIZE, UC_PROT_READ);
	memcpy(m->input, input, GUEST_INPUT_SIZE);
	add_place(m, t->host_call, (void *)on_host_call);
	add_place(m, t->ready, (void *)on_place);
	add_place(m, t->accepted, (void *)on_place);
	add_place(m, t->refused, (void *)on_place);
	add_place(m, t->panicked, (void *)on_place);
	add_place(m, t->started, (void *)on_place);
	add_hook(m, UC_HOOK_BLOCK, (void *)on_block, 1, 0);
	if (watched) {
		add_hook(m, UC_HOOK_CODE, (void *)on_step, 1, 0);
		add_hook(m, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE,
		    (void *)on_memory, 1, 0);
	}
	check(uc_context_alloc(m->uc, &m->fresh), "uc_context_alloc");
	check(uc_context_save(m->uc, m->fresh), "uc_context_save");
	return m;
}

void
machine_free(struct machine *m)
{
	check(uc_context_free(m->fresh), "uc_context_free");
	check(uc_close(m->uc), "uc_close");
	free(m->flash);
	free(m->ram);
	free(m->input);
	free(m);
}

uint8_t *
machine_ram(struct machine *m)
{
	return m->ram;
}

struct run
machine_run(struct machine *m, const struct state *s)
{
	void *p[REGS];
	uc_err e;

	m->run = (struct run){ .outcome = CRASHED };
	m->ended = m->said_ok = m->started = false;
	reg_places(s, p);
	check(uc_context_restore(m->uc, m->fresh), "uc_context_restore");
	check(uc_reg_write_batch(m->uc, reg_ids, p, REGS),
	    "uc_reg_write_batch");
	e = uc_emu_start(m->uc, s->r[PC] | 1u, UINT32_MAX & ~1u, 0, 0);
	if (!m->ended || e != UC_ERR_OK)
		m->run.outcome = m->ended ? m->run.outcome : CRASHED;
	if (m->started)
		m->run.outcome = ACCEPTED;
	else if (m->said_ok && m->run.outcome != ACCEPTED)
		m->run.outcome = SAID_OK;
	return m->run;
}

static struct state
at_entry(const struct machine *m, uint32_t pc)
{
	return (struct state){ .r = { [13] = m->t->stack, [14] = 1,
	    [PC] = pc & ~1u, [XPSR] = 0x01000000 } };
}

void
machine_setup(struct machine *m, enum guest_entry entry, struct state *loader)
{
	const struct state s = at_entry(m, m->t->setup);
	const struct run run = machine_run(m, &s);

	if (run.outcome != ACCEPTED)
		die("the guest cannot be set up (%d)", (int)run.outcome);
	*loader = at_entry(m, m->t->entry[entry].load);
}

void
machine_expect(struct machine *m, uint32_t verdict_at, uint32_t ok,
    uint64_t limit)
{
	m->ok = ok;
	m->limit = limit;
	add_place(m, verdict_at, (void *)on_verdict);
}


void
machine_meet(struct machine *m, uint32_t at)
{
	add_place(m, at, (void *)on_meet);
}

void
machine_on_meet(struct machine *m, met_fn *met, void *ctx)
{
	m->met = met;
	m->met_ctx = ctx;
}

void
machine_watch(struct machine *m, const struct watcher *w)
{
	m->watcher = w;
}
