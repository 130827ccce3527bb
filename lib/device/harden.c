/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons that are taken twice; names of the verdicts. */
#include "device/internal.h"

fwd_status
fwd_refuse(fwd_status status)
{
	if (fwd_launder(status) == FWD_OK)
		fwd_panic();
	return status;
}

bool
fwd_span_equal(struct fwd_span a, struct fwd_span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* The difference of two byte strings: 0 when equal.  No early exit. */
static uint32_t
differ(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint32_t diff = 0;
	size_t i;

	for (i = 0; i < n; i++)
		diff |= (uint32_t)(a[i] ^ b[i]);
	if (fwd_launder64(i) != n)
		fwd_panic();		/* the loop cannot end early by itself */
	return diff;
}

fwd_status
fwd_equal(const void *a, const void *b, size_t n, fwd_status mismatch)
{
	if (n == 0 || fwd_launder(differ(a, b, n)) != 0)
		return fwd_refuse(mismatch);
	/* Asked again the other way round: one skipped answer is not enough. */
	if (fwd_launder(differ(b, a, n)) != 0)
		fwd_panic();
	return FWD_OK;
}

const char *
fwd_status_code(fwd_status status)
{
	switch (status) {
#define FWD_CASE(name, value, code, text) case name: return code;
	FWD_STATUS_LIST(FWD_CASE)
#undef FWD_CASE
	default:
		return "unknown";
	}
}

const char *
fwd_status_text(fwd_status status)
{
	switch (status) {
#define FWD_CASE(name, value, code, text) case name: return text;
	FWD_STATUS_LIST(FWD_CASE)
#undef FWD_CASE
	default:
		return "an unknown status, which the library never returns";
	}
}
