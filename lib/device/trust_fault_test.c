/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults while a device judges lists of anchors and of revoked keys, and what
 * they stop: each value that a decision goes by is replaced by another one, one
 * at a time.  No single lie may bring a bad list into force, or an old one
 * back, or start a release of a revoked key.
 */
#include "device/testpowerlies.h"

enum { OLD = 1 << 1, NEW = 1 << 2 };

/* Places before the last so many are lied about in one way each, in turn: what
   comes there is what slots_fault_test.c has seen. */
enum { LAST = 1000 };

/* ---- what is wrong ------------------------------------------------------ */

static struct fw_buf by_itself;		/* the list of action "r" */

static void
sign_again(struct bench *b)
{
	fw_buf_deinit(&b->release[2].bundle);
	make_bundle(&b->release[2], KEYED, &b->pki);
}

static void
put_by_itself(EVP_PKEY *by, uint64_t number, EVP_PKEY *revoked)
{
	uint8_t id[FWD_KEY_ID];

	list_key_id(revoked, id);
	fw_buf_deinit(&by_itself);
	by_itself = list_revoking(by, FWD_ESP256, number,
	    (struct fwd_span){ id, sizeof id });
}

static void
revoke_now(struct bench *b, EVP_PKEY *revoked)
{
	put_by_itself(b->revoker.root_key, 15, revoked);
	kit_eq(bench_revoke(b, fw_buf_span(&by_itself)), FWD_OK, "");
}

/* A list of anchors with a byte behind its end. */
static void
malformed_anchors(struct bench *b)
{
	b->release[2].image[ANCHORS][0][b->release[2].size[ANCHORS]] = 0;
	b->release[2].image[ANCHORS][1][b->release[2].size[ANCHORS]] = 0;
	b->release[2].size[ANCHORS]++;
	sign_again(b);
}

/* Nobody is at the place of the one who may revoke. */
static void
too_few_anchors(struct bench *b)
{
	const struct kit_pki *const one[] = { &b->next };

	set_anchors(&b->release[2], one, 1);
	sign_again(b);
}

static void
wrong_revoker(struct bench *b)
{
	set_revoked(&b->release[2], b->pki.root_key, 20, NULL);
	sign_again(b);
}

static void
same_number(struct bench *b)
{
	set_revoked(&b->release[2], b->revoker.root_key, 10,
	    b->next.leaf_key);
	sign_again(b);
}

static void
revoked_leaf(struct bench *b)
{
	revoke_now(b, b->pki.leaf_key);
}

static void
revoked_root(struct bench *b)
{
	revoke_now(b, b->pki.root_key);
}

static void
lost_area(struct bench *b)
{
	memset(b->memory.bytes[PARTS + 2], 0x5a, sizeof b->memory.bytes[0]);
}

static void
good_by_itself(struct bench *b)
{
	put_by_itself(b->revoker.root_key, 15, b->next.leaf_key);
}

static void
old_by_itself(struct bench *b)
{
	put_by_itself(b->revoker.root_key, 9, b->next.leaf_key);
}

static void
same_by_itself(struct bench *b)
{
	put_by_itself(b->revoker.root_key, 10, b->next.leaf_key);
}

static void
wrong_by_itself(struct bench *b)
{
	put_by_itself(b->pki.root_key, 15, b->next.leaf_key);
}

static void
spoilt_by_itself(struct bench *b)
{
	good_by_itself(b);
	by_itself.p[by_itself.n - 20] ^= 1;
}

/* Signed by the one whose key is revoked by the list in force. */
static void
revoked_by_itself(struct bench *b)
{
	revoke_now(b, b->revoker.root_key);
	put_by_itself(b->revoker.root_key, 16, b->next.leaf_key);
}

/*
 * setup and action as in power_test.c; "3" installs the third release, signed
 * by the first root only.  runs: what may be started by the action and the next
 * boot; number: of the list in force, before and after; 0: the area is lost.
 */
static const struct scenario {
	const char *name;
	const char *setup;
	void (*wrong)(struct bench *b);
	const char *action;
	fwd_status want;
	unsigned runs;
	uint64_t number[2];
} scenarios[] = {
	{ "malformed list of anchors", "i1 b c", malformed_anchors, "i2",
	  FWD_E_ANCHOR_LIST, OLD, { 10, 10 } },
	{ "too few anchors", "i1 b c", too_few_anchors, "i2",
	  FWD_E_ANCHOR_LIST, OLD, { 10, 10 } },
	{ "revocations by the wrong signer", "i1 b c", wrong_revoker, "i2",
	  FWD_E_REVOCATIONS, OLD, { 10, 10 } },
	{ "revocations of the same number", "i1 b c", same_number, "i2",
	  FWD_E_REVOCATIONS_OLD, OLD, { 10, 10 } },
	{ "install of a revoked key", "i1 b c", revoked_leaf, "i2",
	  FWD_E_REVOKED, OLD, { 15, 15 } },
	{ "boot of a revoked key", "i1 b c i2", revoked_leaf, "b", FWD_OK,
	  OLD, { 15, 15 } },
	{ "boot of a revoked root", "i1 b c i2", revoked_root, "b", FWD_OK,
	  OLD, { 15, 15 } },
	{ "boot under anchors that are gone", "i2 b 3 c", NULL, "b", FWD_OK,
	  NEW, { 20, 20 } },
	{ "install without the area", "i1 b c", lost_area, "i2", FWD_E_STORE,
	  OLD, { 0, 0 } },
	{ "boot without the area", "i1 b c i2", lost_area, "b", FWD_OK,
	  OLD, { 0, 0 } },
	{ "confirm", "i1 b c i2 b", NULL, "p", FWD_OK, OLD | NEW,
	  { 10, 20 } },
	{ "revoke", "i1 b c", good_by_itself, "r", FWD_OK, OLD,
	  { 10, 15 } },
	{ "revoke by an older list", "i1 b c", old_by_itself, "r",
	  FWD_E_REVOCATIONS_OLD, OLD, { 10, 10 } },
	{ "revoke by another list", "i1 b c", same_by_itself, "r",
	  FWD_E_REVOCATIONS_OLD, OLD, { 10, 10 } },
	{ "revoke by the wrong signer", "i1 b c", wrong_by_itself, "r",
	  FWD_E_REVOCATIONS, OLD, { 10, 10 } },
	{ "revoke with another signature", "i1 b c", spoilt_by_itself, "r",
	  FWD_E_REVOCATIONS, OLD, { 10, 10 } },
	{ "revoke by a revoked key", "i1 b c", revoked_by_itself, "r",
	  FWD_E_REVOKED, OLD, { 15, 15 } },
};
enum { NSCENARIOS = sizeof scenarios / sizeof scenarios[0] };

/* ---- the device --------------------------------------------------------- */

/* What is being done may be cut short: nothing is asserted about it here. */
static fwd_status
step(struct bench *b, const char *action)
{
	uint32_t bank;

	switch (*action) {
	case 'i':
	case '3':
		b->kit->bundle = fw_buf_span(&b->release[*action == '3' ? 3 :
		    action[1] - '0'].bundle);
		return fwd_device_install(&b->dev, &bank);
	case 'b':
		return fwd_device_boot(&b->dev, &b->running);
	case 'c':
		return fwd_device_confirm(&b->dev, b->running);
	case 'r':
		return fwd_device_revoke(&b->dev, fw_buf_span(&by_itself));
	default:
		return fwd_device_confirm(&b->dev, 1);
	}
}

static struct bench *
set_up(const struct scenario *sc, uint32_t boot)
{
	struct bench *const b = bench_new(KEYED, boot);

	b->kit->port.trace.fn = NULL;	/* it would take most of the time */
	b->kit->ctx.transfer_n = 4096;
	lie_reset(b);
	fw_buf_deinit(&b->release[3].bundle);
	make_bundle(&b->release[3], KEYED, &b->pki);
	cr_assert_eq(bench_provision(b, 4), FWD_OK);
	for (const char *s = sc->setup; *s != '\0'; s++) {
		if (strchr(" 12", *s) != NULL)
			continue;
		kit_dev_rewind(b->kit);
		kit_eq(step(b, s), FWD_OK, sc->name);
	}
	if (sc->wrong != NULL)
		sc->wrong(b);
	return b;
}

/* ---- every lie in every place ------------------------------------------- */

/* The lists in force are those before or after, and never some of each. */
static void
check_lists(struct bench *b, const struct scenario *sc)
{
	const struct fwd_trust *const t = &b->dev.in_force;
	const unsigned first = sc->setup[1] == '1' ? 1 : 2;
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;
	unsigned anchors = first;

	cr_assert_eq(fwd_device_status(&b->dev, bank, &counter),
	    sc->number[0] != 0 ? FWD_OK : FWD_E_STORE);
	if (sc->number[0] == 0)
		return;
	cr_assert(t->list.number == sc->number[0] ||
	    t->list.number == sc->number[1], "%s: list %llu", sc->name,
	    (unsigned long long)t->list.number);
	if (*sc->action == 'p' && t->list.number == sc->number[1])
		anchors = 2;
	cr_assert(fwd_span_equal(t->anchors, get_list(&b->release[anchors],
	    ANCHORS)), "%s: anchors", sc->name);
}

static void
check_after(struct bench *b, const struct scenario *sc)
{
	lie_assert_ran(b, sc->runs, sc->name);
	lie_reset(b);
	check_lists(b, sc);
	cr_assert_eq(step(b, "b"), FWD_OK, "%s", sc->name);
	lie_assert_ran(b, sc->runs, sc->name);
	check_lists(b, sc);
}

static void
lie_everywhere(const struct scenario *sc, uint32_t boot)
{
	struct bench *const b = set_up(sc, boot);
	const struct memory before = b->memory;
	const size_t n = lie_places(b, step, sc->action, sc->want, sc->name);
	size_t lied = 0, caught = 0;
	fwd_status s;

	for (size_t at = 1; at <= n; at++)
		for (unsigned k = 0; k < NLIES; k++) {
			if (!lie_due(at, k, at + LAST > n))
				continue;
			b->memory = before;
			lied++;
			if (!lie_once(b, step, sc->action, at, k, &s))
				caught++;
			else if (sc->want != FWD_OK)
				cr_assert_neq(s, FWD_OK, "%s: lie %u at %zu",
				    sc->name, k, at);
			check_after(b, sc);
		}
	(void)printf("fault: %s, %s boot: %zu places, %zu lies, %zu noticed, "
	    "%zu did no harm\n", sc->name, boot == FWD_BOOT_FULL ? "full" :
	    "fast", n, lied, caught, lied - caught);
	cr_assert_gt(caught, lied / 2, "lies are not noticed");
	lie_reset(b);
	fw_buf_deinit(&by_itself);
	bench_free(b);
}

ParameterizedTestParameters(trust_fault, every_lie)
{
	static size_t row[NSCENARIOS * 2];
	size_t rows = 0;

	/* how the device boots is looked at when it does */
	for (size_t i = 0; i < NSCENARIOS * 2; i++)
		if (i % 2 == 0 || *scenarios[i / 2].action == 'b')
			row[rows++] = i;
	return cr_make_param_array(size_t, row, rows);
}

ParameterizedTest(size_t *i, trust_fault, every_lie)
{
	lie_everywhere(&scenarios[*i / 2],
	    *i % 2 == 0 ? FWD_BOOT_FAST : FWD_BOOT_FULL);
}
