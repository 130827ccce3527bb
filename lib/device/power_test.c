/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power fails at every operation of what a device does, before it, in its
 * middle and after it; then power comes back, and the device has to boot a
 * whole release, the old one or the new, and go on as if nothing had been.
 */
#include "testdata/sample.h"

#include "device/testpower.h"

enum { OLD = 1 << 1, NEW = 1 << 2, THIRD = 1 << 3, NOTHING = 1 << 0 };

/*
 * setup and action: "iN" installs release N, "b" boots, "c" confirms what runs,
 * "rN" puts list N of revoked keys into force; in setup "xN" is an installation
 * of N that power cuts half-way, "C" a confirmation that is cut before the
 * counter, "T" one that is cut when a bank of the trust area is erased, "k"
 * spoils a byte of what runs.  may: what boots afterwards.
 */
static const struct scenario {
	const char *name;
	enum kind kind;
	const char *setup, *action;
	unsigned may;
} scenarios[] = {
	{ "install over empty", AB, "", "i2", NEW | NOTHING },
	{ "install over confirmed", AB, "i1 b c", "i2", OLD | NEW },
	{ "install over two confirmed", AB, "i1 b c i2 b c", "i3",
	  NEW | THIRD },
	{ "install over the older of two", AB, "i1 b c i2 b c i3 b c", "i3",
	  THIRD },
	{ "install over pending", AB, "i1 b c i2", "i3",
	  OLD | NEW | THIRD },
	{ "install after a fallback", AB, "i1 b c i2 b b", "i2", OLD | NEW },
	{ "install another after a fallback", AB, "i1 b c i2 b b", "i3",
	  OLD | THIRD },
	{ "install after damage", AB, "i1 b c i2 b c k b", "i3",
	  OLD | THIRD },
	{ "install the same again", AB, "i1 b c i2 b c", "i2", NEW },
	{ "install while another is tried", AB, "i1 b", "i2", OLD | NEW },
	{ "install over tried and outlived", AB, "i1 b i2 b c", "i3",
	  NEW | THIRD },
	{ "install after a cut", AB, "i1 b c x2", "i2", OLD | NEW },
	{ "boot of pending", AB, "i1 b c i2", "b", OLD | NEW },
	{ "boot of the first", AB, "i2", "b", NEW },
	{ "boot of tried, alone", AB, "i2 b", "b", NEW },
	{ "boot of confirmed", AB, "i1 b c i2 b c", "b", NEW },
	{ "boot before the counter", AB, "i1 b c i2 b C", "b", NEW },
	{ "boot of damaged", AB, "i1 b c i2 b c k", "b", OLD },
	{ "boot of two tried", AB, "i1 b i2 b", "b", OLD },
	{ "confirm", AB, "i1 b c i2 b", "c", OLD | NEW },
	{ "confirm the first", AB, "i2 b", "c", NEW },
	{ "confirm again", AB, "i1 b c i2 b C", "c", NEW },
	{ "fallback", AB, "i1 b c i2 b", "b", OLD },
	{ "image for each slot: install", SLOTTED, "i1 b c", "i2",
	  OLD | NEW },
	{ "image for each slot: install back", SLOTTED, "i1 b c i2 b c",
	  "i3", NEW | THIRD },
	{ "one slot: install over empty", SINGLE, "", "i2", NEW | NOTHING },
	{ "one slot: install", SINGLE, "i1 b c", "i2", OLD | NEW | NOTHING },
	{ "one slot: install over tried", SINGLE, "i1 b", "i2",
	  OLD | NEW | NOTHING },
	{ "one slot: install after a cut", SINGLE, "i1 b c x2", "i2",
	  NEW | NOTHING },
	{ "one slot: boot", SINGLE, "i1 b c i2", "b", NEW },
	{ "one slot: confirm", SINGLE, "i1 b c i2 b", "c", NEW },
	{ "staging: install", STAGED, "i1 b c", "i2", OLD | NEW | NOTHING },
	{ "three components: install over empty", THREE, "", "i2",
	  NEW | NOTHING },
	{ "three components: install", THREE, "i1 b c", "i2", OLD | NEW },
	{ "three components: install back", THREE, "i1 b c i2 b c", "i3",
	  NEW | THIRD },
	{ "three components: install after a cut", THREE, "i1 b c x2", "i2",
	  OLD | NEW },
	{ "three components: boot", THREE, "i1 b c i2", "b", OLD | NEW },
	{ "three components: confirm", THREE, "i1 b c i2 b", "c", OLD | NEW },
	{ "three components: fallback", THREE, "i1 b c i2 b", "b", OLD },
	{ "two slots and one: install", MIXED, "i1 b c", "i2",
	  OLD | NEW | NOTHING },
	{ "two slots and one: boot", MIXED, "i1 b c i2", "b", NEW },
	{ "loaded: install", LOADED, "i1 b c", "i2", OLD | NEW },
	{ "loaded: boot", LOADED, "i1 b c i2", "b", OLD | NEW },
	{ "lists: install over empty", KEYED, "", "i2", NEW | NOTHING },
	{ "lists: install", KEYED, "i1 b c", "i2", OLD | NEW },
	{ "lists: install after others", KEYED, "i1 b c i2 b c", "i3",
	  NEW | THIRD },
	{ "lists: install after a cut", KEYED, "i1 b c i2 b c x3", "i3",
	  NEW | THIRD },
	{ "lists: boot", KEYED, "i1 b c i2", "b", OLD | NEW },
	{ "lists: boot before the counter", KEYED, "i1 b c i2 b C", "b",
	  NEW },
	{ "lists: boot before the lists", KEYED, "i1 b c i2 b T", "b", NEW },
	{ "lists: fallback", KEYED, "i1 b c i2 b", "b", OLD },
	{ "lists: fallback from confirmed", KEYED, "i1 b c i2 b c k", "b",
	  OLD },
	{ "lists: confirm the first", KEYED, "i1 b", "c", OLD },
	{ "lists: confirm", KEYED, "i1 b c i2 b", "c", OLD | NEW },
	{ "lists: confirm again", KEYED, "i1 b c i2 b T", "c", NEW },
	{ "lists: revoke first of all", KEYED, "", "r1", NOTHING },
	{ "lists: revoke", KEYED, "i1 b c", "r1", OLD },
	{ "lists: revoke before a first boot", KEYED, "i1 b c i2", "r1",
	  OLD | NEW },
	{ "lists: revoke while another is tried", KEYED, "i1 b c i2 b", "r2",
	  OLD },
	{ "lists: revoke after others", KEYED, "i1 b c r1 i2 b c", "r2",
	  NEW },
};
enum { NSCENARIOS = sizeof scenarios / sizeof scenarios[0] };

/* Mixtures of different seeds are different cuts: many where an old record
   ends, some elsewhere.  Second cuts come after some of the first ones only. */
enum { SEEDS = 4, SEEDS_MANY = 60, ENDS = 3, SECOND_EVERY = 97, FEW = 3 };
/* Those with lists go through more until they are done. */
enum { KEYED_SEEDS_MANY = 20, KEYED_EVERY = 389, KEYED_FEW = 1 };

/* A sample is one cut of so many. */
enum { STRIDE = ONE_OF(11) };

struct tally {
	uint64_t operations, cuts, second, due;
};

/* What a device says of itself. */
struct said {
	enum fwd_bank_state bank[FWD_BANKS];
	uint64_t sequence_number[FWD_BANKS];
	uint64_t counter;
	unsigned anchors;		/* of that release; 0: the policy's */
	uint64_t revoked;		/* number of the list */
};

/* What a test goes back to, and what is known of it. */
struct state {
	struct memory memory;
	uint32_t running;
	uint64_t counter;
	uint64_t confirmed;		/* the highest number that was */
	unsigned anchors;
	uint64_t revoked;
	struct said done;		/* after the action, without a cut */
};

/* Lists of revoked keys that come by themselves, between those of releases. */
static struct fw_buf list_by_itself[RELEASES];

/* ---- steps ---------------------------------------------------------- */

static void
spoil(struct bench *b)
{
	b->memory.bytes[0][b->running][17] ^= 0x20;
}

/* Before the counter's first operation, or the second one of the trust area. */
static void
confirm_cut(struct bench *b, char how)
{
	const uint32_t running = b->running;

	b->flash.operations = 0;
	b->flash.cut = FWP_CUT_BEFORE;
	b->flash.cut_at = how == 'C' ? 2 : 5;
	cr_assert_neq(bench_confirm(b), FWD_OK);
	bench_power(b);
	b->running = running;
}

static void
install_cut(struct bench *b, unsigned release)
{
	b->flash.operations = 0;
	b->flash.cut = FWP_CUT_MIDDLE;
	b->flash.cut_at = 7;
	b->flash.seed = 5;
	cr_assert_neq(bench_install(b, release), FWD_OK);
	bench_power(b);
}

static fwd_status
step(struct bench *b, const char *s)
{
	switch (*s) {
	case 'i':
		return bench_install(b, (unsigned)(s[1] - '0'));
	case 'b':
		return bench_boot(b);
	case 'r':
		return bench_revoke(b, fw_buf_span(&list_by_itself[s[1] -
		    '0']));
	default:
		return bench_confirm(b);
	}
}

/* A release whose list of anchors is that one; all of it, or none. */
static unsigned
find_anchors(const struct bench *b, struct fwd_span list)
{
	unsigned r = 0;

	if (list.n == 0)
		return 0;
	for (r = 1; r < RELEASES; r++)
		if (fwd_span_equal(list, get_list(&b->release[r], ANCHORS)))
			return r;
	cr_assert_fail("a mixture of anchors is in force");
	return 0;
}

/* A list of a release, or one that came by itself, whole. */
static void
check_revoked(const struct bench *b, struct fwd_span list)
{
	for (unsigned r = 1; r < RELEASES; r++)
		if (fwd_span_equal(list, get_list(&b->release[r], REVOKED)) ||
		    fwd_span_equal(list, fw_buf_span(&list_by_itself[r])))
			return;
	cr_assert_eq(list.n, 0, "a mixture of revocations is in force");
}

static struct said
ask(struct bench *b)
{
	const struct fwd_trust *const t = &b->dev.in_force;
	struct fwd_bank bank[FWD_BANKS];
	struct said said = { .counter = 0 };

	cr_assert_eq(fwd_device_status(&b->dev, bank, &said.counter), FWD_OK);
	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		said.bank[i] = bank[i].state;
		said.sequence_number[i] = bank[i].sequence_number;
	}
	if (b->kind == KEYED) {
		said.anchors = find_anchors(b, t->anchors);
		check_revoked(b, t->revocations);
	}
	said.revoked = t->list.number;
	return said;
}

static void
set_up(struct bench *b, const char *s, struct state *state)
{
	struct said said;

	cr_assert_eq(bench_provision(b, 4), FWD_OK);
	state->confirmed = 4;
	for (; *s != '\0'; s++) {
		if (*s == 'k')
			spoil(b);
		else if (*s == 'x')
			install_cut(b, (unsigned)(s[1] - '0'));
		else if (*s == 'C' || *s == 'T')
			confirm_cut(b, *s);
		else if (strchr("ibcr", *s) != NULL)
			kit_eq(step(b, s), FWD_OK, b->kit->trace);
		if (strchr("cCT", *s) != NULL &&
		    b->runs->sequence_number > state->confirmed)
			state->confirmed = b->runs->sequence_number;
	}
	state->memory = b->memory;
	state->running = b->running;
	said = ask(b);
	state->counter = said.counter;
	state->anchors = said.anchors;
	state->revoked = said.revoked;
}

static void
go_back(struct bench *b, const struct state *state)
{
	bench_power(b);
	b->memory = state->memory;
	b->running = state->running;
}

/* ---- what must hold -------------------------------------------------- */

static unsigned
bit_of(const struct bench *b, fwd_status s)
{
	return s == FWD_OK ? 1u << (b->runs - b->release) : NOTHING;
}

/* The counter never falls and is never above what was confirmed; nor do older
   lists come back, nor newer ones before they may. */
static void
check_counter(struct bench *b, struct state *state, const char *where)
{
	const struct said now = ask(b);

	cr_assert_geq(now.counter, state->counter, "%s", where);
	cr_assert_leq(now.counter, state->confirmed, "%s", where);
	cr_assert_geq(now.anchors, state->anchors, "%s", where);
	cr_assert_geq(now.revoked, state->revoked, "%s", where);
	if (now.anchors != 0)
		cr_assert_leq(b->release[now.anchors].sequence_number,
		    state->confirmed, "%s", where);
	state->counter = now.counter;
	state->anchors = now.anchors;
	state->revoked = now.revoked;
}

/* What a confirmed release has brought is in force when it runs. */
static void
check_lists(const struct bench *b, const struct state *state,
    const char *where)
{
	const unsigned r = (unsigned)(b->runs - b->release);

	if (b->kind != KEYED)
		return;
	cr_assert_geq(state->anchors, r, "%s", where);
	cr_assert_geq(state->revoked, 10 * r, "%s", where);
}

static bool
is_confirmed(struct bench *b)
{
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	cr_assert_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK);
	return bank[b->running].state == FWD_BANK_CONFIRMED;
}

/* Power is back: a whole release boots, one of those that may. */
static void
check_boot(struct bench *b, struct state *state, unsigned may,
    const char *where)
{
	fwd_status s;

	bench_power(b);
	check_counter(b, state, where);
	s = bench_boot(b);
	cr_assert((bit_of(b, s) & may) != 0, "%s: %s\n%s", where,
	    s == FWD_OK ? "the wrong release" : fwd_status_code(s),
	    b->kit->trace);
	check_counter(b, state, where);
	if (s == FWD_OK && is_confirmed(b)) {
		cr_assert_geq(state->counter, b->runs->sequence_number);
		check_lists(b, state, where);
	}
}

/* From wherever it is, the device can be brought to that release. */
static void
check_install(struct bench *b, struct state *state, unsigned release,
    const char *where)
{
	const struct release *const want = &b->release[release];
	fwd_status s = bench_install(b, release);

	if (s == FWD_E_UNCONFIRMED) {	/* what runs falls back first */
		check_boot(b, state, OLD | NEW | THIRD, where);
		s = bench_install(b, release);
	}
	kit_eq(s, FWD_OK, where);
	check_boot(b, state, 1u << release, where);
	kit_eq(bench_confirm(b), FWD_OK, where);
	state->confirmed = want->sequence_number > state->confirmed ?
	    want->sequence_number : state->confirmed;
	check_counter(b, state, where);
	cr_assert_eq(state->counter, state->confirmed, "%s", where);
	check_lists(b, state, where);
	check_boot(b, state, 1u << release, where);
}

/* When it is done once more it is as if power had not failed. */
static void
check_again(struct bench *b, const struct scenario *sc,
    const struct state *before, const char *where)
{
	struct said now;

	if (*sc->action != 'c' && *sc->action != 'r')
		return;
	bench_power(b);
	b->running = before->running;
	kit_eq(step(b, sc->action), FWD_OK, where);
	now = ask(b);
	cr_assert_eq(memcmp(&now, &before->done, sizeof now), 0, "%s", where);
}

/* ---- cuts ----------------------------------------------------------- */

static void
arm(struct bench *b, enum fwp_cut cut, uint64_t at, uint64_t seed)
{
	b->flash.operations = 0;
	b->flash.cut = cut;
	b->flash.cut_at = at;
	b->flash.seed = seed;
}

/* The same cut for each mode, the middle with several seeds. */
static enum fwp_cut
variant(unsigned i, uint64_t *seed)
{
	*seed = i;
	return i == 0 ? FWP_CUT_BEFORE : i == 1 ? FWP_CUT_AFTER :
	    FWP_CUT_MIDDLE;
}

/* What an action that may have been done means for what may be counted. */
static void
may_confirm(const struct bench *b, const char *action, struct state *state)
{
	if (*action == 'c' && b->runs->sequence_number > state->confirmed)
		state->confirmed = b->runs->sequence_number;
}

/* After the release that is to be in the end: by the action, or the next. */
static unsigned
goal(const struct scenario *sc)
{
	return sc->action[0] == 'i' ? (unsigned)(sc->action[1] - '0') : 3;
}

/* What a device does when power is back; true: it failed again meanwhile. */
static bool
recover(struct bench *b, const struct scenario *sc)
{
	const fwd_status booted = bench_boot(b);
	fwd_status s = FWD_OK;

	if (!b->flash.off && *sc->action == 'r')
		s = step(b, sc->action);
	if (!b->flash.off)
		cr_assert(s == FWD_OK);
	if (!b->flash.off)
		s = bench_install(b, goal(sc));
	if (!b->flash.off)
		cr_assert(booted == FWD_OK || booted == FWD_E_NOTHING_BOOTABLE);
	if (!b->flash.off)
		cr_assert(s == FWD_OK || s == FWD_E_UNCONFIRMED);
	if (!b->flash.off && b->kind == KEYED && s == FWD_OK)
		s = bench_boot(b);
	if (!b->flash.off && b->kind == KEYED && s == FWD_OK)
		cr_assert(bench_confirm(b) == FWD_OK || b->flash.off);
	return b->flash.off;
}

/* Power fails again while the device recovers, at each operation of that. */
static void
cut_again(struct bench *b, const struct scenario *sc,
    const struct state *state, const char *where, struct tally *tally)
{
	const uint64_t number = b->release[goal(sc)].sequence_number;
	struct state first = *state, now;
	enum fwp_cut cut;
	uint64_t seed;

	first.memory = b->memory;
	first.running = FWD_NO_INDEX;
	if (b->kind == KEYED && first.confirmed < number)
		first.confirmed = number;
	for (uint64_t at = 1;; at++) {
		for (unsigned i = 0; i < 3; i++) {
			now = first;
			go_back(b, &first);
			cut = variant(i, &seed);
			arm(b, cut, at, seed + at);
			if (!recover(b, sc))
				return;
			tally->second++;
			check_boot(b, &now, sc->may | 1u << goal(sc) |
			    (bench_shares(b) ? NOTHING : 0), where);
			check_install(b, &now, goal(sc), where);
		}
	}
}

static void
cut_once(struct bench *b, const struct scenario *sc,
    const struct state *before, uint64_t at, unsigned i, struct tally *tally)
{
	struct state state = *before;
	struct memory memory;
	char where[160];
	uint64_t seed;
	enum fwp_cut cut = variant(i, &seed);

	(void)snprintf(where, sizeof where, "%s, %s, cut %s operation %llu, "
	    "seed %llu", sc->name, b->dev.boot == FWD_BOOT_FAST ? "fast" :
	    "full", cut == FWP_CUT_BEFORE ? "before" : cut == FWP_CUT_AFTER ?
	    "after" : "in", (unsigned long long)at, (unsigned long long)seed);
	go_back(b, before);
	if (*sc->action == 'c')
		b->runs = bench_whole(b, b->running);
	may_confirm(b, sc->action, &state);
	arm(b, cut, at, seed);
	/* A boot goes on without what it can write the next time. */
	if (step(b, sc->action) == FWD_OK)
		cr_assert_eq(*sc->action, 'b', "%s", where);
	cr_assert(b->flash.off, "%s", where);
	tally->cuts++;
	memory = b->memory;
	if (b->kind == KEYED ? tally->cuts <= KEYED_FEW ||
	    tally->cuts % KEYED_EVERY == 0 :
	    tally->cuts <= FEW || tally->cuts % SECOND_EVERY == 0)
		cut_again(b, sc, &state, where, tally);
	b->memory = memory;
	check_again(b, sc, before, where);
	b->memory = memory;
	check_boot(b, &state, sc->may, where);
	check_install(b, &state, goal(sc), where);
}

static void
make_lists(const struct bench *b)
{
	uint8_t id[FWD_KEY_ID];

	if (b->kind != KEYED)
		return;
	list_key_id(b->revoker.mid_key, id);
	for (unsigned r = 1; r < RELEASES; r++)
		list_by_itself[r] = list_revoking(b->revoker.root_key,
		    FWD_ESP256, 10 * r + 5, (struct fwd_span){ id,
		    sizeof id });
}

/* One scenario: as it is without a cut, then with every one. */
static void
run_scenario(const struct scenario *sc, uint32_t boot, struct tally *total)
{
	struct bench *const b = bench_new(sc->kind, boot);
	struct tally tally = { 0 };
	struct state before;
	fwd_status s;

	b->flash.erase_block = boot == FWD_BOOT_FAST ? 32 : 256;
	b->flash.write_unit = boot == FWD_BOOT_FAST ? 32 : 8;
	b->port = fwp_flash_port(&b->flash);
	make_lists(b);
	set_up(b, sc->setup, &before);
	go_back(b, &before);
	if (*sc->action == 'c')
		b->runs = bench_whole(b, b->running);
	s = step(b, sc->action);
	kit_eq(s, FWD_OK, sc->name);
	tally.operations = b->flash.operations;
	before.done = ask(b);
	for (uint64_t at = 1; at <= tally.operations; at++)
		for (unsigned i = 0; i < 2u + (at > ENDS ? SEEDS :
		    sc->kind == KEYED ? KEYED_SEEDS_MANY : SEEDS_MANY); i++)
			if (tally.due++ % STRIDE == 0)
				cut_once(b, sc, &before, at, i, &tally);
	total->operations += tally.operations;
	total->cuts += tally.cuts;
	total->second += tally.second;
	for (unsigned r = 1; r < RELEASES; r++)
		fw_buf_deinit(&list_by_itself[r]);
	bench_free(b);
}

Test(power, every_cut)
{
	struct tally total = { 0 };

	for (size_t i = 0; i < NSCENARIOS; i++) {
		run_scenario(&scenarios[i], FWD_BOOT_FULL, &total);
		run_scenario(&scenarios[i], FWD_BOOT_FAST, &total);
	}
	printf("power loss: %zu scenarios, full and fast boot, %llu "
	    "operations: %llu cuts, then %llu second cuts\n",
	    (size_t)NSCENARIOS, (unsigned long long)total.operations,
	    (unsigned long long)total.cuts, (unsigned long long)total.second);
	if (STRIDE > 1)
		printf("power loss: 1 of %d cuts\n", STRIDE);
	(void)fflush(stdout);
	cr_assert(total.cuts > 1000 && total.second > 1000);
}
