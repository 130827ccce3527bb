/* SPDX-License-Identifier: Apache-2.0 */
/* A rule or a right that was not met, in the words of the device profile. */
#include <stdarg.h>
#include <string.h>

#include "host/internal.h"
#include "host/judge.h"

/* Text that grows; what does not fit is left out. */
struct text {
	char *p;
	size_t n;
};

FW_PRINTF(2, 3) static void
add(struct text *t, const char *fmt, ...)
{
	const size_t used = strlen(t->p);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(t->p + used, t->n - used, fmt, ap);
	va_end(ap);
}

/* An anchor as the profile names it, else by its number. */
static void
add_anchor(struct text *t, const struct fw_profile *p, size_t anchor)
{
	if (p->anchor_name[anchor] != NULL)
		add(t, "%s", p->anchor_name[anchor]);
	else
		add(t, "anchor %zu", anchor + 1);
}

/* The anchors of a set, with a word between them. */
static void
add_set(struct text *t, const struct fw_profile *p, uint32_t set,
    const char *between)
{
	bool first = true;

	for (size_t i = 0; i < p->anchors; i++) {
		if ((set >> i & 1u) == 0)
			continue;
		if (!first)
			add(t, "%s", between);
		add_anchor(t, p, i);
		first = false;
	}
}

/* The anchors of those signers whose anchor is in the set. */
static uint32_t
signed_under(const struct fwd_ctx *run, uint32_t set)
{
	uint32_t under = 0;

	for (size_t i = 0; i < run->signers; i++)
		under |= (uint32_t)1 << run->signer[i].chain.anchor;
	return under & set;
}

void
fw_rule_text(const struct fw_profile *p, const struct fwd_ctx *run,
    char found[FW_RULE_TEXT], char wanted[FW_RULE_TEXT])
{
	const struct fwd_rule *const r = &p->rule[run->refusal.index];
	const uint32_t under = signed_under(run, r->anchors);
	struct text f = { found, FW_RULE_TEXT }, w = { wanted, FW_RULE_TEXT };

	found[0] = wanted[0] = '\0';
	add(&f, "%u of %u", (unsigned)run->refusal.got.u,
	    (unsigned)r->threshold);
	if (under != 0)
		add(&f, ": ");
	add_set(&f, p, under, ", ");
	add(&w, "%u of ", (unsigned)r->threshold);
	add_set(&w, p, r->anchors, ", ");
	if (r->threshold > 1)
		add(&w, r->distinct == FWD_DISTINCT_KEYS ?
		    " (different keys)" : " (different anchors)");
}

void
fw_right_text(const struct fw_profile *p, const struct fwd_ctx *run,
    size_t component, char found[FW_RULE_TEXT], char wanted[FW_RULE_TEXT])
{
	struct text f = { found, FW_RULE_TEXT }, w = { wanted, FW_RULE_TEXT };

	found[0] = wanted[0] = '\0';
	add(&f, "component '%s', signed by ", p->component[component].label);
	add_set(&f, p, signed_under(run, UINT32_MAX), ", ");
	for (size_t i = 0; i < p->rights; i++)
		if (p->right[i].component == component)
			add_set(&w, p, p->right[i].anchors, " or ");
}
