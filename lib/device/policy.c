/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the policy demands of the signers, besides that their signatures hold:
 * how many of whom there must be, and for which components they may sign (the
 * draft, section 9, the second model).  A policy that nobody could meet, or
 * that does not say whom it means, is refused before anything is judged by it.
 */
#include "device/internal.h"

/* ---- a policy that can be met ---------------------------------------- */

static uint32_t
bit(size_t anchor)
{
	return (uint32_t)1 << anchor;	/* FWD_ANCHORS_MAX is less than 32 */
}

/* Does the set name an anchor, and none that is not there? */
static bool
is_set_of(const struct fwd_policy *p, uint32_t set)
{
	return set != 0 && set < bit(p->anchors);
}

/* The most signers that can ever count: a bare key is one signer. */
static size_t
most(const struct fwd_policy *p, uint32_t set, uint32_t distinct)
{
	size_t n = 0;

	for (size_t i = 0; i < p->anchors; i++) {
		if ((set & bit(i)) == 0)
			continue;
		if (distinct == FWD_DISTINCT_KEYS && p->anchor[i].name.n != 0)
			return FWD_AUTH_MAX;
		n++;
	}
	return n < FWD_AUTH_MAX ? n : FWD_AUTH_MAX;
}

/* Has one key two anchors of the set?  They would count as two. */
static bool
has_twins(const struct fwd_policy *p, uint32_t set)
{
	for (size_t i = 0; i < p->anchors; i++)
		for (size_t k = 0; k < i; k++)
			if ((set & bit(i)) != 0 && (set & bit(k)) != 0 &&
			    fwd_span_equal(p->anchor[i].spki,
			    p->anchor[k].spki))
				return true;
	return false;
}

static bool
rule_ok(const struct fwd_policy *p, const struct fwd_rule *r)
{
	if (r->distinct != FWD_DISTINCT_KEYS &&
	    r->distinct != FWD_DISTINCT_ANCHORS)
		return false;
	if (!is_set_of(p, r->anchors) || r->threshold == 0 ||
	    r->threshold > most(p, r->anchors, r->distinct))
		return false;
	return r->distinct == FWD_DISTINCT_KEYS || !has_twins(p, r->anchors);
}

/* Right i names a component, once, and anchors. */
static bool
right_ok(const struct fwd_policy *p, size_t i)
{
	const struct fwd_right *const r = &p->right[i];

	if (r->component.p == NULL || r->component.n == 0 ||
	    !is_set_of(p, r->anchors))
		return false;
	for (size_t k = 0; k < i; k++)
		if (fwd_span_equal(p->right[k].component, r->component))
			return false;
	return true;
}

static fwd_status
judge_policy(const struct fwd_policy *p)
{
	size_t i, k;

	if (p->anchor == NULL || p->anchors == 0 ||
	    p->anchors > FWD_ANCHORS_MAX)
		return FWD_E_POLICY;
	if (p->threshold == 0 || p->threshold > most(p, bit(p->anchors) - 1,
	    FWD_DISTINCT_KEYS))
		return FWD_E_POLICY;
	if (p->clock != FWD_CLOCK_NONE && p->clock != FWD_CLOCK_TRUSTED)
		return FWD_E_POLICY;
	if (p->rules > FWD_RULES_MAX || p->rights > FWD_RIGHTS_MAX ||
	    (p->rules != 0 && p->rule == NULL) ||
	    (p->rights != 0 && p->right == NULL))
		return FWD_E_POLICY;
	if ((p->revokers != 0 && !is_set_of(p, p->revokers)) ||
	    p->revoked.n % FWD_KEY_ID != 0 ||
	    (p->revoked.n != 0 && p->revoked.p == NULL))
		return FWD_E_POLICY;
	for (i = 0; i < p->rules; i++)
		if (!rule_ok(p, &p->rule[i]))
			return FWD_E_POLICY;
	for (k = 0; k < p->rights; k++)
		if (!right_ok(p, k))
			return FWD_E_POLICY;
	if (fwd_launder64(i) != p->rules || fwd_launder64(k) != p->rights)
		fwd_panic();
	return FWD_OK;
}

fwd_status
fwd_policy_check(const struct fwd_policy *policy)
{
	FWD_TRY(judge_policy(policy));
	return judge_policy(fwd_launder_ptr(policy));
}

/* ---- rules ----------------------------------------------------------- */

/* Is signer i one of the rule's, and unlike those in [from, to)? */
static bool
counts(const struct fwd_ctx *ctx, size_t i, size_t from, size_t to,
    const struct fwd_rule *r)
{
	const struct fwd_chain_result *const a = &ctx->signer[i].chain, *b;

	if ((bit(a->anchor) & r->anchors) == 0)
		return false;
	for (; from < to; from++) {
		b = &ctx->signer[from].chain;
		if (fwd_same_key(&a->key, &b->key))
			return false;
		if (r->distinct != FWD_DISTINCT_KEYS && a->anchor == b->anchor)
			return false;
	}
	return true;
}

/* Count the first of those that are alike. */
static uint32_t
count_up(const struct fwd_ctx *ctx, const struct fwd_rule *r)
{
	uint32_t n = 0;

	for (size_t i = 0; i < ctx->signers; i++)
		if (counts(ctx, i, 0, i, r))
			n++;
	return n;
}

/* Count the last of them, from the end. */
static uint32_t
count_down(const struct fwd_ctx *ctx, const struct fwd_rule *r)
{
	uint32_t n = 0;

	for (size_t i = ctx->signers; i > 0; i--)
		if (counts(ctx, i - 1, i, ctx->signers, r))
			n++;
	return n;
}

static fwd_status
judge_rule(const struct fwd_ctx *ctx, const struct fwd_rule *r, uint32_t *n)
{
	*n = count_up(ctx, r);
	if (*n < r->threshold)
		return FWD_E_RULE;
	r = fwd_launder_ptr(r);
	if (r->threshold > count_down(fwd_launder_ptr(ctx), r))
		fwd_panic();
	return FWD_OK;
}

fwd_status
fwd_rules_check(struct fwd_ctx *ctx)
{
	const struct fwd_policy *p = ctx->policy;
	uint32_t i, n;
	fwd_status s;

	FWD_TRY(fwd_policy_check(p));
	for (i = 0; i < p->rules; i++) {
		n = 0;
		s = judge_rule(ctx, &p->rule[i], &n);
		FWD_TRY(fwd_note(ctx, FWD_STEP_RULE, s, i, 0,
		    fwd_hint_size(n),
		    fwd_at_least(fwd_hint_size(p->rule[i].threshold))));
		p = fwd_launder_ptr(p);
		if (fwd_launder(n) < p->rule[i].threshold)
			fwd_panic();
	}
	p = fwd_launder_ptr(p);
	if (fwd_launder(i) != p->rules)
		fwd_panic();
	return FWD_OK;
}

/* ---- rights ---------------------------------------------------------- */

/* The right for a component; NULL: there is none. */
static const struct fwd_right *
find_right(const struct fwd_policy *p, struct fwd_span id)
{
	size_t i;

	for (i = 0; i < p->rights; i++)
		if (fwd_span_equal(p->right[i].component, id))
			return &p->right[i];
	if (fwd_launder64(i) != p->rights)
		fwd_panic();
	return NULL;
}

/* How many signers have it? */
static uint32_t
holders(const struct fwd_ctx *ctx, const struct fwd_right *r)
{
	uint32_t n = 0;

	for (size_t i = 0; i < ctx->signers; i++)
		if ((bit(ctx->signer[i].chain.anchor) & r->anchors) != 0)
			n++;
	return n;
}

/* Is that the identifier of component i in the manifest? */
static fwd_status
check_id(const struct fwd_ctx *ctx, uint32_t i, struct fwd_span id)
{
	struct fwd_cbor c = fwd_cbor_open(ctx->man.components);
	struct fwd_span item = { NULL, 0 };
	uint32_t k;

	for (k = 0; k <= i; k++)
		FWD_TRY(fwd_cbor_skip(&c, &item));
	if (fwd_launder(k) != i + 1 || item.n == 0 || !fwd_span_equal(item, id))
		fwd_panic();
	return FWD_OK;
}

fwd_status
fwd_right_check(struct fwd_ctx *ctx, uint32_t i)
{
	const struct fwd_span id = ctx->component[i].id;
	const struct fwd_right *r;
	uint32_t n;

	if (fwd_launder(ctx->origin) == FWD_ORIGIN_STORAGE) {
		if (fwd_launder(~ctx->origin) !=
		    ~(uint32_t)FWD_ORIGIN_STORAGE)
			fwd_panic();
		return FWD_OK;
	}
	/* No right stands for an identifier that was lost. */
	FWD_TRY(check_id(ctx, i, id));
	r = find_right(ctx->policy, id);
	if (r == NULL) {
		if (find_right(fwd_launder_ptr(ctx->policy), id) != NULL)
			fwd_panic();
		return FWD_OK;
	}
	n = holders(ctx, r);
	FWD_TRY(fwd_note(ctx, FWD_STEP_RIGHT, fwd_launder(n) != 0 ? FWD_OK :
	    FWD_E_RIGHT, i, 0, fwd_hint_size(n), fwd_hint_size(1)));
	if (holders(fwd_launder_ptr(ctx), r) == 0)
		fwd_panic();
	return FWD_OK;
}
