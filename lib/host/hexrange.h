/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses are taken: sorted ranges that do not touch (hexrange.c). */
#ifndef FW_HEXRANGE_H
#define FW_HEXRANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many at a time: bounds memory to 1 MiB and the work of inserting. */
#define FW_RANGES_MAX	65536u

struct fw_range {
	uint64_t from, end;		/* end is not in it */
};

struct fw_ranges {
	struct fw_range *range;
	size_t n, room;
};

enum fw_range_status {
	FW_RANGE_OK, FW_RANGE_OVERLAP, FW_RANGE_MANY, FW_RANGE_NOMEM,
};

/*
 * Add n > 0 addresses.  *other is the first that was taken already, with
 * FW_RANGE_OVERLAP; then nothing changed.
 */
enum fw_range_status fw_ranges_add(struct fw_ranges *r, uint64_t from,
    uint64_t n, uint64_t *other);
bool fw_ranges_equal(const struct fw_ranges *a, const struct fw_ranges *b);
void fw_ranges_deinit(struct fw_ranges *r);

#endif
