/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults ELF BIN LOADER-ELF LOADER-BIN [SCENARIO]: the campaign.  Each BIN is
 * run, the first with guest.c around the device library, the second with board.c
 * around the example loader; ELF is the same with the names for what is found.
 * Fails if a fault makes one of them accept what it has to refuse, and if none
 * makes the naive verifier do so.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/fwdevice.h"
#include "testdata/faults/faults.h"

enum { SCENARIOS = 64, PARTS = 4, FOUND = 4096, AHEAD = 8 };

/* What the workers share. */
struct found {
	size_t scenario, step;
	enum model model;
	enum outcome outcome;
	uint32_t at;
};
struct figures {
	atomic_ulong count[SCENARIOS][MODELS][OUTCOMES];
	atomic_ulong instructions[SCENARIOS];
	atomic_ulong next;		/* task */
	atomic_ulong found;
	struct found what[FOUND];
};

/* A program that is run, and its names. */
struct subject_program {
	struct program program;
	const char *elf;
};
enum { PROGRAMS = 2 };

struct worker {
	const struct subject_program *programs;
	struct decoder *decoders[PROGRAMS];
	struct figures *figures;
	/* of a task */
	const struct program *program;
	size_t scenario;
	const struct scenario *sc;
	struct record record;
	struct machine *machine;
	size_t changed;			/* changes that are in ram */
	uint8_t ram[GUEST_RAM_SIZE];	/* before the step that is faulted */
	size_t first;			/* mark after that step */
	size_t mark;			/* that this run may come to next */
};

void
die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)fputs("faults: ", stderr);
	(void)vfprintf(stderr, format, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

/* ---- one task: some faults of a scenario ------------------------------- */

static size_t
program_of(const struct scenario *sc)
{
	return sc->of == LOADER || sc->of == LOADER_OTHER ? 1 : 0;
}

/* Is the run at that mark what it was without the fault?  Then it goes on as
   that did.  Nobody reads what is beneath the stack pointer. */
static bool
is_same(struct worker *w, const struct mark *mark)
{
	const struct state *const want = &w->record.step[mark->step].s;
	const size_t data = w->program->table->data_end - GUEST_RAM;
	const uint8_t *const ram = machine_ram(w->machine);
	struct state s;
	size_t sp;

	machine_state(w->machine, &s);
	s.r[PC] = want->r[PC];
	if (memcmp(&s, want, sizeof s) != 0)
		return false;
	sp = s.r[13] - GUEST_RAM;
	return memcmp(ram + sp, mark->ram + sp, GUEST_RAM_SIZE - sp) == 0 &&
	    memcmp(ram, mark->ram, data) == 0;
}

/* The run comes by an address that has marks: is it the next one? */
static bool
on_mark(void *ctx, uint32_t at)
{
	struct worker *const w = ctx;
	const struct record *const r = &w->record;

	for (size_t i = w->mark; i < r->marks && i < w->mark + AHEAD; i++) {
		if (r->step[r->mark[i].step].s.r[PC] != at)
			continue;
		w->mark = i + 1;
		return is_same(w, &r->mark[i]);
	}
	return false;
}

static void
keep(struct worker *w, enum model model, size_t step, uint32_t at,
    enum outcome o)
{
	const size_t n = atomic_fetch_add(&w->figures->found, 1);

	if (n < FOUND)
		w->figures->what[n] = (struct found){ w->scenario, step, model,
		    o, at };
}

static void
on_fault(void *ctx, enum model model, size_t step, uint32_t at,
    const struct state *s)
{
	struct worker *const w = ctx;
	struct run run;

	record_replay(&w->record, &w->changed, step, w->ram);
	while (w->first < w->record.marks &&
	    w->record.mark[w->first].step <= step)
		w->first++;
	w->mark = w->first;
	memcpy(machine_ram(w->machine), w->ram, sizeof w->ram);
	run = machine_run(w->machine, s);
	atomic_fetch_add(&w->figures->count[w->scenario][model][run.outcome],
	    1);
	if (run.outcome >= SAID_OK)
		keep(w, model, step, at, run.outcome);
}

/* The run without fault has to end as the scenario says. */
static void
expect(const struct worker *w)
{
	const struct run *const run = &w->record.run;
	const bool good = scenario_is_good(w->sc);

	if (!run->answered || run->verdict != w->sc->status ||
	    run->outcome != (good ? ACCEPTED : REFUSED))
		die("'%s' ends with 0x%08x (%s), outcome %d, not with 0x%08x "
		    "(%s)", w->sc->name, run->verdict,
		    fwd_status_code(run->verdict), (int)run->outcome,
		    w->sc->status, fwd_status_code(w->sc->status));
}

/* Watch each address once. */
static void
set_marks(struct worker *w)
{
	const struct record *const r = &w->record;
	static bool seen[GUEST_FLASH_SIZE / 2];

	memset(seen, 0, sizeof seen);
	for (size_t i = 0; i < r->marks; i++) {
		const uint32_t at = r->step[r->mark[i].step].s.r[PC];

		if (!seen[(at - GUEST_FLASH) / 2])
			machine_meet(w->machine, at);
		seen[(at - GUEST_FLASH) / 2] = true;
	}
	machine_on_meet(w->machine, on_mark, w);
}

static void
work(struct worker *w, size_t scenario_, size_t part, bool inject)
{
	uint8_t input[GUEST_INPUT_SIZE];
	const struct guest_table *t;
	size_t n;

	w->scenario = scenario_;
	w->sc = scenario(scenario_);
	w->program = &w->programs[program_of(w->sc)].program;
	scenario_input(scenario_, input);
	record_make(&w->record, w->program, input, w->sc);
	expect(w);
	n = w->record.steps;
	atomic_store(&w->figures->instructions[scenario_], n);
	if (inject) {
		t = w->program->table;
		w->machine = machine_new(w->program, input, false);
		machine_expect(w->machine, w->record.verdict_at,
		    t->entry[w->sc->entry].ok, 100000);
		memcpy(w->ram, w->record.ram, sizeof w->ram);
		w->changed = w->first = 0;
		set_marks(w);
		model_faults(w->decoders[program_of(w->sc)], &w->record, n * part / PARTS,
		    n * (part + 1) / PARTS, on_fault, w);
		machine_free(w->machine);
	}
	record_free(&w->record);
}

/* ---- workers ----------------------------------------------------------- */

static int
worker(const struct subject_program *programs, struct figures *f,
    const char *only)
{
	struct worker *const w = calloc(1, sizeof *w);
	size_t task;

	if (w == NULL)
		die("out of memory");
	w->programs = programs;
	for (size_t i = 0; i < PROGRAMS; i++)
		w->decoders[i] = decoder_new(&programs[i].program);
	w->figures = f;
	while ((task = atomic_fetch_add(&f->next, 1)) < scenarios() * PARTS) {
		const struct scenario *const sc = scenario(task / PARTS);

		if (only != NULL && strcmp(only, sc->name) != 0)
			continue;
		if (!scenario_is_good(sc) || task % PARTS == 0)
			work(w, task / PARTS, task % PARTS, !scenario_is_good(sc));
	}
	for (size_t i = 0; i < PROGRAMS; i++)
		decoder_free(w->decoders[i]);
	free(w);
	return 0;
}

static void
work_all(const struct subject_program *programs, struct figures *f,
    const char *only)
{
	const long n = sysconf(_SC_NPROCESSORS_ONLN);
	bool failed = false;
	int status;
	pid_t pid;

	for (long i = 0; i < n; i++) {
		pid = fork();
		if (pid < 0)
			die("cannot fork");
		if (pid == 0)
			exit(worker(programs, f, only));
	}
	for (long i = 0; i < n; i++)
		if (wait(&status) < 0 || status != 0)
			failed = true;
	if (failed)
		die("a worker failed");
}

/* ---- what came of it --------------------------------------------------- */

static unsigned long
sum(const struct figures *f, size_t i, enum model m)
{
	unsigned long n = 0;

	for (size_t o = 0; o < OUTCOMES; o++)
		n += f->count[i][m][o];
	return n;
}

static unsigned long
accepted(const struct figures *f, size_t i, enum model m)
{
	return f->count[i][m][SAID_OK] + f->count[i][m][ACCEPTED];
}

static void
print_stubs(void)
{
	(void)puts("Computed by the host, and not faulted: the digests "
	    "(SHA-256); whether a signature\nholds (it is compared with one "
	    "made of digests, instead of ECDSA); the moving of\nbytes by the "
	    "ports. Faulted: lib/device, what it needs of the C library, the "
	    "loader.");
	(void)printf("With lib/loader (loader: ...): each instruction of its "
	    "main.c, loader.c, flash.c and\nhandover.c, from main() until "
	    "something starts, and 1 in %d of the library; not the\nboard, "
	    "which is the campaign's, and not memset().\n\n", LEFT_OUT + 1);
}

static void
print_table(const struct figures *f, const char *only)
{
	(void)printf("%-25s %-6s %7s %8s %8s %8s %6s %7s %8s\n", "scenario",
	    "model", "faults", "refused", "panicked", "crashed", "looped",
	    "said ok", "accepted");
	for (size_t i = 0; i < scenarios(); i++) {
		const struct scenario *const sc = scenario(i);

		if (only != NULL && strcmp(only, sc->name) != 0)
			continue;
		(void)printf("%-25s %s without fault, %lu instructions\n",
		    sc->name, scenario_is_good(sc) ? "accepted" :
		    sc->of == NAIVE ? "refused" :
		    sc->of == LOADER_OTHER ? "starts the other bank" :
		    fwd_status_code(sc->status),
		    (unsigned long)f->instructions[i]);
		for (size_t m = 0; m < MODELS && !scenario_is_good(sc); m++)
			(void)printf("%-25s %-6s %7lu %8lu %8lu %8lu %6lu "
			    "%7lu %8lu\n", "", model_name[m],
			    sum(f, i, (enum model)m), f->count[i][m][REFUSED],
			    f->count[i][m][PANICKED], f->count[i][m][CRASHED],
			    f->count[i][m][LOOPED], f->count[i][m][SAID_OK],
			    f->count[i][m][ACCEPTED]);
	}
}

/* Where the faults are that were not withstood. */
static void
print_found(const struct figures *f, const struct subject_program *programs)
{
	for (size_t i = 0; i < f->found && i < FOUND; i++) {
		const struct found *const w = &f->what[i];
		char command[512];

		if (scenario(w->scenario)->of == NAIVE)
			continue;
		(void)printf("%s: %s at 0x%x (step %zu): %s: ",
		    scenario(w->scenario)->name, model_name[w->model], w->at,
		    w->step, w->outcome == ACCEPTED ? "accepted" : "said ok");
		(void)fflush(stdout);
		(void)snprintf(command, sizeof command,
		    "arm-none-eabi-addr2line -pfise '%s' 0x%x",
		    programs[program_of(scenario(w->scenario))].elf, w->at);
		if (system(command) != 0)
			(void)puts("?");
	}
}

/* The sums for each model, and whether they are what they have to be: none
   for library and loader, some for the naive verifier. */
static bool
judge(const struct figures *f, const char *only)
{
	bool ok = true;

	for (size_t m = 0; m < MODELS; m++) {
		unsigned long tried[SUBJECTS] = { 0 }, got[SUBJECTS] = { 0 };

		for (size_t i = 0; i < scenarios(); i++) {
			const enum subject of = scenario(i)->of ==
			    LOADER_OTHER ? LOADER : scenario(i)->of;

			tried[of] += sum(f, i, (enum model)m);
			got[of] += accepted(f, i, (enum model)m);
		}
		(void)printf("%-6s device library: %lu of %lu accepted; "
		    "example loader: %lu of %lu; naive verifier: %lu of %lu\n",
		    model_name[m], got[LIBRARY], tried[LIBRARY], got[LOADER],
		    tried[LOADER], got[NAIVE], tried[NAIVE]);
		if (got[LIBRARY] != 0 || got[LOADER] != 0 || (only == NULL &&
		    (tried[LIBRARY] == 0 || tried[LOADER] == 0 ||
		    got[NAIVE] == 0)))
			ok = false;
	}
	return ok;
}

static bool
is_known(const char *only)
{
	for (size_t i = 0; i < scenarios(); i++)
		if (only == NULL || strcmp(only, scenario(i)->name) == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	static struct subject_program programs[PROGRAMS];
	const char *const only = argc == 6 ? argv[5] : NULL;
	struct figures *const f = mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (argc != 5 && argc != 6)
		die("usage: faults ELF BIN LOADER-ELF LOADER-BIN [SCENARIO]");
	if (f == MAP_FAILED)
		die("out of memory");
	if (scenarios() > SCENARIOS)
		die("too many scenarios");
	if (!is_known(only))
		die("there is no scenario '%s'", only);
	for (size_t i = 0; i < PROGRAMS; i++) {
		programs[i].elf = argv[1 + 2 * i];
		program_read(&programs[i].program, argv[2 + 2 * i]);
	}
	print_stubs();
	(void)fflush(stdout);
	work_all(programs, f, only);
	print_table(f, only);
	print_found(f, programs);
	if (judge(f, only))
		return 0;
	(void)fputs("faults: the device library or the loader accepted "
	    "something, or the naive verifier nothing\n", stderr);
	return 1;
}
