/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy demands of signers: rules, compared with a count done another
 * way; policies that nobody could meet; and one answer that lies.
 */
#include <setjmp.h>

#include "device/internal.h"
#include "device/testbundle.h"

/* ---- the library's own code, with answers that can lie --------------- */

static jmp_buf panicked;
static bool panic_ok;
static unsigned asked, lie_at;
static uint32_t lie;

FWD_NORETURN void
fwd_panic(void)
{
	if (!panic_ok)
		abort();
	longjmp(panicked, 1);
}

/* Launder a value; at the chosen call, answer something else. */
static uint32_t
launder(uint32_t v)
{
	return ++asked == lie_at ? lie : v;
}

static uint64_t
launder64(uint64_t v)
{
	return ++asked == lie_at ? lie : v;
}

#define fwd_launder(v) launder(v)
#define fwd_launder64(v) launder64(v)
#include "device/policy.c"

/* ---- a context with signers, without a run --------------------------- */

enum { KEYS = 5, ANCHORS = 4 };
static const uint8_t points[KEYS] = { 1, 2, 3, 4, 5 };
static const uint8_t names_p[ANCHORS] = { 'a', 'b', 'c', 'd' };
static const uint8_t spkis[ANCHORS] = { 'A', 'B', 'C', 'D' };
static const uint8_t ids[2] = { 0x80, 0xa0 };

struct bench {
	struct fwd_ctx ctx;
	struct fwd_port port;
	struct fwd_policy policy;
	struct fwd_anchor anchor[ANCHORS];
	struct fwd_rule rule[FWD_RULES_MAX + 1];
	struct fwd_right right[FWD_RIGHTS_MAX + 1];
};

static void
bench_init(struct bench *b)
{
	memset(b, 0, sizeof *b);
	for (size_t i = 0; i < ANCHORS; i++)
		b->anchor[i] = (struct fwd_anchor){ { &names_p[i], 1 },
		    { &spkis[i], 1 } };
	b->policy = (struct fwd_policy){ .anchor = b->anchor,
	    .anchors = ANCHORS, .threshold = 1, .clock = FWD_CLOCK_NONE,
	    .time_min = INT64_MIN, .rule = b->rule, .right = b->right };
	b->ctx.port = &b->port;
	b->ctx.policy = &b->policy;
	b->ctx.origin = FWD_ORIGIN_SIGNERS;
	b->ctx.component[0].id = fwd_span_of(&ids[0], 1);
	b->ctx.component[1].id = fwd_span_of(&ids[1], 1);
	b->ctx.man.components = fwd_span_of(ids, sizeof ids);
	b->ctx.components = 2;
	lie_at = 0;
	panic_ok = false;
}

static void
add_key(struct bench *b, size_t key, size_t anchor)
{
	struct fwd_signer *const s = &b->ctx.signer[b->ctx.signers++];

	s->chain.anchor = anchor;
	s->chain.key.type = FWD_KEY_P256;
	s->chain.key.point = fwd_span_of(&points[key], 1);
}

/* ---- rules, against another way of counting --------------------------- */

static uint32_t
model(const unsigned *anchor, unsigned n, const struct fwd_rule *r)
{
	uint32_t all = 0, set = 0;

	for (unsigned i = 0; i < n; i++) {
		all += (r->anchors >> anchor[i] & 1u);
		set |= 1u << anchor[i];
	}
	return r->distinct == FWD_DISTINCT_KEYS ? all :
	    (uint32_t)__builtin_popcount(set & r->anchors);
}

/* Up to four signers under any anchors, any rule. */
Test(policy, every_rule)
{
	static struct bench b;
	struct fwd_rule r;
	size_t n = 0, met = 0;

	for (unsigned code = 0; code < 1u << 10; code++) {
		const unsigned anchor[4] = { code & 3, code >> 2 & 3,
		    code >> 4 & 3, code >> 6 & 3 };
		const unsigned signers = 1 + (code >> 8);

		bench_init(&b);
		b.policy.rules = 1;
		for (unsigned i = 0; i < signers; i++)
			add_key(&b, i, anchor[i]);
		for (r.anchors = 1; r.anchors < 1u << ANCHORS; r.anchors++)
		for (r.threshold = 1; r.threshold < 6; r.threshold++)
		for (unsigned d = 0; d < 2; d++) {
			fwd_status want, s;

			r.distinct = d == 0 ? FWD_DISTINCT_KEYS :
			    FWD_DISTINCT_ANCHORS;
			b.rule[0] = r;
			want = model(anchor, signers, &r) >= r.threshold ?
			    FWD_OK : FWD_E_RULE;
			if (d == 1 && r.threshold >
			    (unsigned)__builtin_popcount(r.anchors))
				want = FWD_E_POLICY;
			s = fwd_rules_check(&b.ctx);
			cr_assert_eq(s, want, "signers %x, of %x at least "
			    "%u: %s, not %s", code, r.anchors, r.threshold,
			    fwd_status_code(s), fwd_status_code(want));
			n++;
			met += s == FWD_OK;
		}
	}
	cr_assert(met > 0 && met < n);
	(void)printf("policy: %zu rules, %zu met\n", n, met);
}

/* Were a key there twice, which it never is, it would count once. */
Test(policy, a_key_counts_once)
{
	static struct bench b;

	bench_init(&b);
	add_key(&b, 0, 0);
	add_key(&b, 0, 1);
	add_key(&b, 0, 0);
	b.policy.rules = 1;
	for (unsigned d = 0; d < 2; d++) {
		b.rule[0] = (struct fwd_rule){ 0xf, 1, d == 0 ?
		    FWD_DISTINCT_KEYS : FWD_DISTINCT_ANCHORS };
		cr_assert_eq(fwd_rules_check(&b.ctx), FWD_OK);
		b.rule[0].threshold = 2;
		cr_assert_eq(fwd_rules_check(&b.ctx), FWD_E_RULE);
	}
	add_key(&b, 1, 2);
	cr_assert_eq(fwd_rules_check(&b.ctx), FWD_OK);
}

/* All rules count, whichever it is that is not met. */
Test(policy, every_rule_of_many)
{
	static struct bench b;

	bench_init(&b);
	add_key(&b, 0, 0);
	b.policy.rules = FWD_RULES_MAX;
	for (size_t bad = 0; bad <= FWD_RULES_MAX; bad++) {
		for (size_t i = 0; i < FWD_RULES_MAX; i++)
			b.rule[i] = (struct fwd_rule){ i == bad ? 2 : 1, 1,
			    FWD_DISTINCT_ANCHORS };
		b.ctx.refusal.status = FWD_OK;
		cr_assert_eq(fwd_rules_check(&b.ctx), bad < FWD_RULES_MAX ?
		    FWD_E_RULE : FWD_OK);
		if (bad == FWD_RULES_MAX)
			continue;
		cr_assert_eq(b.ctx.refusal.step, FWD_STEP_RULE);
		cr_assert_eq(b.ctx.refusal.index, bad);
		cr_assert_eq(b.ctx.refusal.got.u, 0);
		cr_assert_eq(b.ctx.refusal.want.u, 1);
	}
}

/* ---- policies that make no sense --------------------------------------- */

static fwd_status
with_rule(struct bench *b, uint32_t anchors, uint32_t threshold,
    uint32_t distinct)
{
	b->policy.rules = 1;
	b->rule[0] = (struct fwd_rule){ anchors, threshold, distinct };
	return fwd_policy_check(&b->policy);
}

Test(policy, rules_that_make_no_sense)
{
	static struct bench b;

	bench_init(&b);
	cr_assert_eq(with_rule(&b, 3, 2, FWD_DISTINCT_ANCHORS), FWD_OK);
	cr_assert_eq(with_rule(&b, 3, 3, FWD_DISTINCT_ANCHORS), FWD_E_POLICY);
	cr_assert_eq(with_rule(&b, 0xf, 4, FWD_DISTINCT_ANCHORS), FWD_OK);
	cr_assert_eq(with_rule(&b, 3, 0, FWD_DISTINCT_ANCHORS), FWD_E_POLICY);
	cr_assert_eq(with_rule(&b, 1, 8, FWD_DISTINCT_KEYS), FWD_OK);
	cr_assert_eq(with_rule(&b, 1, 9, FWD_DISTINCT_KEYS), FWD_E_POLICY);
	cr_assert_eq(with_rule(&b, 1, UINT32_MAX, FWD_DISTINCT_KEYS),
	    FWD_E_POLICY);
	cr_assert_eq(with_rule(&b, 0, 1, FWD_DISTINCT_KEYS), FWD_E_POLICY);
	for (uint32_t bit_ = 0; bit_ < 32; bit_++) {
		const uint32_t one = (uint32_t)1 << bit_;

		cr_assert_eq(with_rule(&b, one | 1u, 1, FWD_DISTINCT_KEYS),
		    bit_ < ANCHORS ? FWD_OK : FWD_E_POLICY, "anchor %u",
		    bit_);
		cr_assert_eq(with_rule(&b, 1, 1, FWD_DISTINCT_KEYS ^ one),
		    FWD_E_POLICY);
		cr_assert_eq(with_rule(&b, 1, 1, FWD_DISTINCT_ANCHORS ^ one),
		    FWD_E_POLICY);
	}
	/* An anchor that is a bare key is one signer. */
	b.anchor[0].name.n = b.anchor[1].name.n = 0;
	cr_assert_eq(with_rule(&b, 3, 2, FWD_DISTINCT_KEYS), FWD_OK);
	cr_assert_eq(with_rule(&b, 3, 3, FWD_DISTINCT_KEYS), FWD_E_POLICY);
	cr_assert_eq(with_rule(&b, 7, 8, FWD_DISTINCT_KEYS), FWD_OK);
	b.policy.anchors = 2;
	b.policy.rules = 0;
	for (uint32_t t = 0; t < 10; t++) {
		b.policy.threshold = t;
		cr_assert_eq(fwd_policy_check(&b.policy), t == 1 || t == 2 ?
		    FWD_OK : FWD_E_POLICY, "%u of two keys", t);
	}
	/* Two names for one key are not two anchors. */
	bench_init(&b);
	b.anchor[2].spki = b.anchor[0].spki;
	cr_assert_eq(with_rule(&b, 3, 1, FWD_DISTINCT_ANCHORS), FWD_OK);
	cr_assert_eq(with_rule(&b, 5, 1, FWD_DISTINCT_ANCHORS), FWD_E_POLICY);
	cr_assert_eq(with_rule(&b, 5, 1, FWD_DISTINCT_KEYS), FWD_OK);
	/* How many rules, and where. */
	bench_init(&b);
	for (size_t i = 0; i <= FWD_RULES_MAX; i++)
		b.rule[i] = (struct fwd_rule){ 1, 1, FWD_DISTINCT_KEYS };
	b.policy.rules = FWD_RULES_MAX;
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_OK);
	b.rule[FWD_RULES_MAX - 1].threshold = 0;
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_E_POLICY);
	b.rule[FWD_RULES_MAX - 1].threshold = 1;
	b.policy.rules++;
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_E_POLICY);
	b.policy.rules = 1;
	b.policy.rule = NULL;
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_E_POLICY);
}

Test(policy, rights_that_make_no_sense)
{
	static struct bench b;
	uint8_t many[FWD_RIGHTS_MAX + 1];

	bench_init(&b);
	b.policy.rights = 1;
	b.right[0] = (struct fwd_right){ fwd_span_of(&ids[0], 1), 1 };
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_OK);
	for (uint32_t bit_ = 0; bit_ < 32; bit_++) {
		b.right[0].anchors = (uint32_t)1 << bit_;
		cr_assert_eq(fwd_policy_check(&b.policy), bit_ < ANCHORS ?
		    FWD_OK : FWD_E_POLICY);
	}
	b.right[0].anchors = 0;
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_E_POLICY);
	b.right[0] = (struct fwd_right){ fwd_span_of(&ids[0], 0), 1 };
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_E_POLICY);
	b.right[0] = (struct fwd_right){ fwd_span_of(NULL, 1), 1 };
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_E_POLICY);
	for (size_t i = 0; i <= FWD_RIGHTS_MAX; i++) {
		many[i] = (uint8_t)i;
		b.right[i] = (struct fwd_right){ fwd_span_of(&many[i], 1),
		    1 };
	}
	b.policy.rights = FWD_RIGHTS_MAX;
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_OK);
	many[FWD_RIGHTS_MAX - 1] = 0;		/* another entry's */
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_E_POLICY);
	many[FWD_RIGHTS_MAX - 1] = FWD_RIGHTS_MAX - 1;
	b.policy.rights++;
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_E_POLICY);
	b.policy.rights = 1;
	b.policy.right = NULL;
	cr_assert_eq(fwd_policy_check(&b.policy), FWD_E_POLICY);
}

/* A run with any of them is refused before it begins. */
Test(policy, runs_without_policy, .init = open_bench, .fini = close_bench)
{
	const struct fwd_rule rule[] = { { 1, 1, FWD_DISTINCT_KEYS },
	    { 2, 1, FWD_DISTINCT_KEYS } };
	const struct fwd_right right[] = { { { ids, 1 }, 2 } };

	lie_at = 0;
	kit_eq(judge(&bare), FWD_OK, dev->trace);
	dev->policy.rule = rule;
	dev->policy.rules = 1;
	kit_eq(judge(&bare), FWD_OK, dev->trace);
	dev->policy.rules = 2;
	kit_eq(judge(&bare), FWD_E_POLICY, dev->trace);
	cr_assert_str_eq(dev->trace, "signers: policy-invalid\n"
	    "verdict: policy-invalid\n");
	cr_assert_eq(dev->at, 0, "something was read");
	dev->policy.rules = 0;
	dev->policy.right = right;
	dev->policy.rights = 1;
	kit_eq(judge(&bare), FWD_E_POLICY, dev->trace);
}

/* ---- bundles that several sign ----------------------------------------- */

/* p and s are signers under anchor 0, o is one under anchor 1; x is the key
   of p with a certificate under anchor 1; a capital: a broken signature. */
static struct kit_pki second, cross;

static void
leaf(struct kit_pki *out, const struct kit_pki *under, EVP_PKEY *key,
    const char *ca)
{
	struct tp_cert c = tp_template("another", ca, key, under->mid_key,
	    false);

	*out = *under;
	out->leaf_key = key;
	out->leaf = tp_issue(&c);
}

static void
set_blocks(struct recipe *r, const char *blocks)
{
	r->blocks = 0;
	for (const char *c = blocks; *c != '\0'; c++) {
		const char lower = (char)(*c | 0x20);

		r->block[r->blocks++] = (struct kit_block){
		    .pki = lower == 'p' ? pki : lower == 'o' ? other :
		    lower == 's' ? &second : &cross, .broken = *c < 'a' };
	}
}

#define K FWD_DISTINCT_KEYS
#define A FWD_DISTINCT_ANCHORS
static const struct {
	const char *blocks;
	uint32_t anchors, threshold;	/* of the policy */
	struct fwd_rule rule[2];
	size_t rules;
	fwd_status want;
} signed_rows[] = {
	/* one of anchor 1 */
	{ "p", 2, 1, { { 2, 1, K } }, 1, FWD_E_RULE },
	{ "o", 2, 1, { { 2, 1, K } }, 1, FWD_OK },
	{ "po", 2, 1, { { 2, 1, K } }, 1, FWD_OK },
	{ "ps", 2, 1, { { 2, 1, A } }, 1, FWD_E_RULE },
	/* two of both */
	{ "ps", 2, 1, { { 3, 2, K } }, 1, FWD_OK },
	{ "ps", 2, 1, { { 3, 2, A } }, 1, FWD_E_RULE },
	{ "po", 2, 1, { { 3, 2, A } }, 1, FWD_OK },
	{ "pso", 2, 1, { { 3, 2, A } }, 1, FWD_OK },
	{ "pso", 2, 1, { { 3, 3, K } }, 1, FWD_OK },
	{ "ppo", 2, 1, { { 3, 3, K } }, 1, FWD_E_RULE },
	/* one key is one signer, and stands for its first anchor */
	{ "px", 2, 1, { { 3, 2, K } }, 1, FWD_E_RULE },
	{ "px", 2, 1, { { 3, 2, A } }, 1, FWD_E_RULE },
	{ "px", 2, 1, { { 1, 1, K }, { 2, 1, K } }, 2, FWD_E_RULE },
	{ "px", 2, 2, { { 3, 1, K } }, 1, FWD_E_THRESHOLD },
	{ "px", 2, 1, { { 1, 1, K } }, 1, FWD_OK },
	{ "x", 2, 1, { { 2, 1, K } }, 1, FWD_OK },
	{ "xo", 2, 1, { { 2, 2, K } }, 1, FWD_OK },
	{ "xo", 2, 1, { { 2, 1, A } }, 1, FWD_OK },
	{ "pxo", 2, 1, { { 2, 2, K } }, 1, FWD_E_RULE },
	{ "sx", 2, 1, { { 3, 2, A } }, 1, FWD_OK },
	/* each rule, and the threshold */
	{ "po", 2, 2, { { 1, 1, K }, { 2, 1, K } }, 2, FWD_OK },
	{ "po", 2, 3, { { 1, 1, K }, { 2, 1, K } }, 2, FWD_E_THRESHOLD },
	{ "pso", 2, 3, { { 1, 2, K }, { 2, 1, K } }, 2, FWD_OK },
	{ "po", 2, 2, { { 1, 2, K }, { 2, 1, K } }, 2, FWD_E_RULE },
	/* one we do not know does not count, nor does it matter */
	{ "po", 1, 1, { { 1, 1, K } }, 1, FWD_OK },
	{ "po", 1, 1, { { 1, 2, K } }, 1, FWD_E_RULE },
	{ "pO", 1, 1, { { 1, 1, K } }, 1, FWD_OK },
	{ "o", 1, 1, { { 1, 1, K } }, 1, FWD_E_ANCHOR },
	/* a broken one is fatal, even if the rule is met without it */
	{ "pO", 2, 1, { { 1, 1, K } }, 1, FWD_E_SIG },
	{ "pS", 1, 1, { { 1, 1, K } }, 1, FWD_E_SIG },
	{ "psoO", 2, 1, { { 3, 2, A } }, 1, FWD_E_SIG },
};

/* The next order of n letters; false after the last. */
static bool
permute(char *s, size_t n)
{
	size_t i = n - 1, k = n - 1;
	char c;

	while (i > 0 && s[i - 1] >= s[i])
		i--;
	if (i == 0)
		return false;
	while (s[k] <= s[i - 1])
		k--;
	c = s[i - 1], s[i - 1] = s[k], s[k] = c;
	for (k = n - 1; i < k; i++, k--)
		c = s[i], s[i] = s[k], s[k] = c;
	return true;
}

static int
by_letter(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

Test(policy, signed_bundles, .init = open_bench, .fini = close_bench)
{
	const struct fwd_anchor anchor[] = { pki->anchor, other->anchor };
	EVP_PKEY *const key = tp_key(FWD_KEY_P256);
	struct recipe r = bare;
	char blocks[8];
	size_t orders = 0;

	lie_at = 0;
	leaf(&second, pki, key, "test ca");
	leaf(&cross, other, pki->leaf_key, "other ca");
	dev->policy.anchor = anchor;
	for (size_t i = 0; i < sizeof signed_rows / sizeof signed_rows[0];
	    i++) {
		const size_t n = strlen(signed_rows[i].blocks);

		dev->policy.anchors = signed_rows[i].anchors;
		dev->policy.threshold = signed_rows[i].threshold;
		dev->policy.rule = signed_rows[i].rule;
		dev->policy.rules = signed_rows[i].rules;
		memcpy(blocks, signed_rows[i].blocks, n + 1);
		qsort(blocks, n, 1, by_letter);
		do {
			set_blocks(&r, blocks);
			if (judge(&r) != signed_rows[i].want)
				cr_assert_fail("row %zu, %s: not %s\n%s", i,
				    blocks, fwd_status_code(
				    signed_rows[i].want), dev->trace);
			orders++;
		} while (permute(blocks, n));
	}
	(void)printf("policy: %zu orders of signatures\n", orders);
	/* What the trace says of it. */
	set_blocks(&r, "po");
	dev->policy.rule = (const struct fwd_rule[]){ { 3, 2, A },
	    { 1, 2, K } };
	dev->policy.rules = 2;
	dev->policy.threshold = 1;
	kit_eq(judge(&r), FWD_E_RULE, dev->trace);
	cr_assert_not_null(strstr(dev->trace, "\nsigners: 2 (want at least 1) ok\n"
	    "signer-rule[0]: 2 (want at least 2) ok\n"
	    "signer-rule[1]: 1 (want at least 2) signer-rule\n"
	    "verdict: signer-rule\n"), "%s", dev->trace);
	EVP_PKEY_free(key);
}

/* ---- one answer that lies ----------------------------------------------- */

static const uint32_t lies[] = { 0, 1, 2, 9, UINT32_MAX, FWD_OK,
    ~(uint32_t)FWD_OK, FWD_ORIGIN_STORAGE, ~(uint32_t)FWD_ORIGIN_STORAGE,
    FWD_E_RULE, FWD_E_POLICY };
enum { NLIES = sizeof lies / sizeof lies[0] };

/* What must not pass does not pass, whichever answer is a lie. */
static void
never_passes(struct bench *b, fwd_status (*ask)(struct bench *b))
{
	volatile unsigned caught = 0, refused = 0;
	volatile unsigned at, k;

	lie_at = 0;
	panic_ok = true;
	for (at = 1; at < 40; at++) {
		for (k = 0; k < NLIES; k++) {
			asked = 0;
			lie_at = at;
			lie = lies[k];
			if (setjmp(panicked) != 0) {
				caught++;
				continue;
			}
			cr_assert_neq(ask(b), FWD_OK, "lie %x at %u",
			    lies[k], at);
			refused++;
		}
	}
	lie_at = 0;
	panic_ok = false;
	cr_assert_gt(caught, 0);
	cr_assert_gt(refused, 0);
}

static fwd_status
ask_rules(struct bench *b)
{
	return fwd_rules_check(&b->ctx);
}

static fwd_status
ask_right(struct bench *b)
{
	return fwd_right_check(&b->ctx, 1);
}

static fwd_status
ask_policy(struct bench *b)
{
	return fwd_policy_check(&b->policy);
}

Test(policy, one_lie_never_meets_a_rule)
{
	static struct bench b;

	bench_init(&b);
	add_key(&b, 0, 0);
	b.policy.rules = 1;
	b.rule[0] = (struct fwd_rule){ 3, 2, FWD_DISTINCT_KEYS };
	never_passes(&b, ask_rules);
	b.rule[0] = (struct fwd_rule){ 2, 1, FWD_DISTINCT_ANCHORS };
	never_passes(&b, ask_rules);
}

Test(policy, one_lie_never_gives_a_right)
{
	static struct bench b;

	bench_init(&b);
	add_key(&b, 0, 0);
	b.policy.rights = 2;
	b.right[0] = (struct fwd_right){ fwd_span_of(&ids[0], 1), 1 };
	b.right[1] = (struct fwd_right){ fwd_span_of(&ids[1], 1), 2 };
	cr_assert_eq(fwd_right_check(&b.ctx, 0), FWD_OK);
	cr_assert_eq(fwd_right_check(&b.ctx, 1), FWD_E_RIGHT);
	never_passes(&b, ask_right);
	/* From secure storage: it was judged when it was put there. */
	b.ctx.origin = FWD_ORIGIN_STORAGE;
	b.ctx.signers = 0;
	cr_assert_eq(fwd_right_check(&b.ctx, 1), FWD_OK);
	for (uint32_t bit_ = 0; bit_ < 32; bit_++) {
		b.ctx.origin = FWD_ORIGIN_STORAGE ^ (uint32_t)1 << bit_;
		cr_assert_eq(fwd_right_check(&b.ctx, 1), FWD_E_RIGHT);
	}
}

Test(policy, one_lie_never_makes_a_policy)
{
	static struct bench b;

	bench_init(&b);
	b.policy.threshold = 0;
	never_passes(&b, ask_policy);
	bench_init(&b);
	b.policy.rules = 1;		/* all zeros */
	never_passes(&b, ask_policy);
	bench_init(&b);
	b.policy.rights = 1;
	never_passes(&b, ask_policy);
}
