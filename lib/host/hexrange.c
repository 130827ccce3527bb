/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted ranges of addresses. */
#include <stdlib.h>
#include <string.h>

#include "host/hexrange.h"

/* The first range that ends after an address. */
static size_t
find(const struct fw_ranges *r, uint64_t address)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (r->range[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static enum fw_range_status
insert(struct fw_ranges *r, size_t at, uint64_t from, uint64_t end)
{
	const size_t room = r->room == 0 ? 16 : 2 * r->room;
	struct fw_range *more;

	if (r->n == FW_RANGES_MAX)
		return FW_RANGE_MANY;
	if (r->n == r->room) {
		more = realloc(r->range, room * sizeof *more);
		if (more == NULL)
			return FW_RANGE_NOMEM;
		r->range = more;
		r->room = room;
	}
	memmove(r->range + at + 1, r->range + at,
	    (r->n - at) * sizeof *r->range);
	r->range[at] = (struct fw_range){ from, end };
	r->n++;
	return FW_RANGE_OK;
}

enum fw_range_status
fw_ranges_add(struct fw_ranges *r, uint64_t from, uint64_t n,
    uint64_t *other)
{
	const size_t at = find(r, from);
	struct fw_range *const right = at < r->n ? &r->range[at] : NULL;
	struct fw_range *const left = at > 0 ? &r->range[at - 1] : NULL;
	const uint64_t end = from + n;

	if (right != NULL && right->from < end) {
		*other = right->from < from ? from : right->from;
		return FW_RANGE_OVERLAP;
	}
	if (left != NULL && left->end == from) {
		left->end = end;
		if (right == NULL || right->from != end)
			return FW_RANGE_OK;
		/* It closes the gap between the two. */
		left->end = right->end;
		memmove(right, right + 1,
		    (r->n - at - 1) * sizeof *r->range);
		r->n--;
		return FW_RANGE_OK;
	}
	if (right != NULL && right->from == end) {
		right->from = from;
		return FW_RANGE_OK;
	}
	return insert(r, at, from, end);
}

bool
fw_ranges_equal(const struct fw_ranges *a, const struct fw_ranges *b)
{
	return a->n == b->n && (a->n == 0 ||
	    memcmp(a->range, b->range, a->n * sizeof *a->range) == 0);
}

void
fw_ranges_deinit(struct fw_ranges *r)
{
	free(r->range);
	*r = (struct fw_ranges){ 0 };
}
