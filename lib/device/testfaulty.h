/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: flash whose calls fail, one of them at a time. */
#ifndef TESTFAULTY_H
#define TESTFAULTY_H

#include "device/fwslots.h"

static struct {
	struct fwd_flash real;
	uint64_t calls, fail_at;
} faulty;

static inline bool
fails(void)
{
	return ++faulty.calls == faulty.fail_at;
}

static inline fwd_status
faulty_erase(void *ctx, uint32_t area, uint32_t bank, uint64_t size)
{
	return fails() ? FWD_E_STORE : faulty.real.erase(ctx, area, bank,
	    size);
}

static inline fwd_status
faulty_write(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
    const uint8_t *p, size_t n)
{
	return fails() ? FWD_E_STORE : faulty.real.write(ctx, area, bank, off,
	    p, n);
}

static inline fwd_status
faulty_read(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
    uint8_t *p, size_t n)
{
	return fails() ? FWD_E_STORE : faulty.real.read(ctx, area, bank, off,
	    p, n);
}

#endif
