/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status values keep their distance, and no single answer that lies makes
 * a comparison succeed.
 */
#include <setjmp.h>

#include <criterion/criterion.h>

#include "device/internal.h"

/* ---- the library's own code, with answers that can lie -------------- */

static jmp_buf panicked;
static unsigned asked, lie_at;
static uint32_t lie;

FWD_NORETURN void
fwd_panic(void)
{
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
#define fwd_span_equal lying_span_equal
#define fwd_equal lying_equal
#define fwd_refuse lying_refuse
#define fwd_status_code lying_status_code
#define fwd_status_text lying_status_text
bool lying_span_equal(struct fwd_span a, struct fwd_span b);
fwd_status lying_equal(const void *a, const void *b, size_t n,
    fwd_status mismatch);
fwd_status lying_refuse(fwd_status status);
const char *lying_status_code(fwd_status status);
const char *lying_status_text(fwd_status status);
#include "device/harden.c"
#undef fwd_span_equal
#undef fwd_equal
#undef fwd_refuse
#define fwd_refuse lying_refuse
#undef fwd_status_code
#undef fwd_status_text

/* FWD_TRY alone: FWD_OK only if e is. */
static fwd_status
try_one(fwd_status e)
{
	FWD_TRY(e);
	return FWD_OK;
}

static const uint32_t lies[] = { 0, 1, UINT32_MAX, FWD_OK,
	~(uint32_t)FWD_OK, 4, 0x80 };
enum { NLIES = sizeof lies / sizeof lies[0] };

Test(harden, one_lie_never_makes_bytes_equal)
{
	const uint8_t a[4] = { 1, 2, 3, 4 }, b[4] = { 1, 2, 3, 0x84 };
	volatile unsigned caught = 0, refused = 0;
	volatile unsigned at, k;

	for (at = 1; at < 8; at++) {
		for (k = 0; k < NLIES; k++) {
			asked = 0;
			lie_at = at;
			lie = lies[k];
			if (setjmp(panicked) != 0) {
				caught++;
				continue;
			}
			cr_assert_eq(lying_equal(a, b, 4, FWD_E_SIG),
			    FWD_E_SIG, "lie %u at %u", lies[k], at);
			refused++;
		}
	}
	/* Saying "no difference" once has to be among what was caught. */
	cr_assert_gt(caught, 0);
	cr_assert_gt(refused, 0);
}

Test(harden, one_lie_never_passes_try)
{
	volatile unsigned caught = 0, refused = 0;
	volatile unsigned at, k;

	for (at = 1; at < 4; at++) {
		for (k = 0; k < NLIES; k++) {
			asked = 0;
			lie_at = at;
			lie = lies[k];
			if (setjmp(panicked) != 0) {
				caught++;
				continue;
			}
			cr_assert_neq(try_one(FWD_E_SIG), FWD_OK,
			    "lie %u at %u", lies[k], at);
			refused++;
		}
	}
	cr_assert_gt(caught, 0);
	cr_assert_gt(refused, 0);
}

/* FWD_OK only once the work behind FWD_TRY is done. */
static fwd_status
try_and_work(volatile bool *done)
{
	*done = false;
	FWD_TRY(FWD_OK);
	*done = true;
	return FWD_OK;
}

Test(harden, one_lie_never_ends_early)
{
	volatile unsigned caught = 0;
	volatile unsigned at, k;
	volatile bool done;

	for (at = 1; at < 5; at++) {
		for (k = 0; k < NLIES; k++) {
			asked = 0;
			lie_at = at;
			lie = lies[k];
			if (setjmp(panicked) != 0) {
				caught++;
				continue;
			}
			if (try_and_work(&done) == FWD_OK)
				cr_assert(done, "lie %u at %u", lies[k], at);
		}
	}
	cr_assert_gt(caught, 0);
}

Test(harden, honest_answers_pass)
{
	const uint8_t a[2] = { 1, 2 };

	lie_at = 0;
	cr_assert_eq(lying_equal(a, a, 2, FWD_E_SIG), FWD_OK);
	cr_assert_eq(try_one(FWD_OK), FWD_OK);
}

/* ---- the values ----------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t value;
	const char *code, *text;
} all[] = {
#define ROW(name, value, code, text) { #name, value, code, text },
	FWD_STATUS_LIST(ROW)
#undef ROW
};
enum { NALL = sizeof all / sizeof all[0] };

Test(harden, values_are_far_apart)
{
	for (size_t i = 0; i < NALL; i++) {
		const uint32_t v = all[i].value;

		cr_assert_geq(__builtin_popcount(v), 8, "%s", all[i].name);
		cr_assert_geq(__builtin_popcount(~v), 8, "%s", all[i].name);
		for (size_t j = 0; j < NALL; j++) {
			if (i != j)
				cr_assert_geq(__builtin_popcount(v ^
				    all[j].value), 8, "%s and %s",
				    all[i].name, all[j].name);
			cr_assert_geq(__builtin_popcount(~v ^ all[j].value),
			    8, "%s and the complement of %s", all[j].name,
			    all[i].name);
		}
	}
}

Test(harden, codes_are_unique_words_with_hyphens)
{
	for (size_t i = 0; i < NALL; i++) {
		const char *const c = all[i].code;
		const size_t n = strlen(c);

		cr_assert_eq(strspn(c, "abcdefghijklmnopqrstuvwxyz-"), n,
		    "%s", c);
		cr_assert(n > 0 && c[0] != '-' && c[n - 1] != '-' &&
		    strstr(c, "--") == NULL, "%s", c);
		cr_assert_leq(n, 30, "%s is longer than a line allows", c);
		for (size_t j = 0; j < i; j++) {
			cr_assert_str_neq(c, all[j].code);
			cr_assert_str_neq(all[i].text, all[j].text);
		}
		cr_assert_str_eq(fwd_status_code(all[i].value), c);
		cr_assert_str_eq(fwd_status_text(all[i].value), all[i].text);
		cr_assert_gt(strlen(all[i].text), 10);
		cr_assert_eq(strchr(all[i].text, '\n'), NULL);
		cr_assert_neq(all[i].text[strlen(all[i].text) - 1], '.');
	}
	cr_assert_str_eq(fwd_status_code(0), "unknown");
	cr_assert_str_eq(fwd_status_code(UINT32_MAX), "unknown");
	cr_assert_gt(strlen(fwd_status_text(0)), 10);
}

/* ---- comparisons ---------------------------------------------------- */

Test(harden, equal_sees_every_bit)
{
	uint8_t a[64], b[64];

	lie_at = 0;
	for (size_t n = 1; n <= sizeof a; n++) {
		memset(a, 0x5a, sizeof a);
		memset(b, 0x5a, sizeof b);
		cr_assert_eq(fwd_equal(a, b, n, FWD_E_IMAGE), FWD_OK);
		for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
			b[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_assert_eq(fwd_equal(a, b, n, FWD_E_IMAGE),
			    bit / 8 < n ? FWD_E_IMAGE : FWD_OK);
			b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	cr_assert_eq(fwd_equal(a, b, 0, FWD_E_IMAGE), FWD_E_IMAGE);
}

/* A difference is no success, even if the caller says so. */
Test(harden, equal_refuses_with_a_refusal)
{
	if (setjmp(panicked) == 0) {
		const fwd_status s = fwd_equal("a", "b", 1, FWD_OK);

		cr_assert_fail("a difference is %s", fwd_status_code(s));
	}
}

Test(harden, spans)
{
	const struct fwd_span none = { NULL, 0 }, empty = fwd_span_of("", 0),
	    a = fwd_span_of("ab", 2), b = fwd_span_of("ac", 2),
	    c = fwd_span_of("abc", 3);

	cr_assert(fwd_span_equal(none, none));
	cr_assert(fwd_span_equal(none, empty));
	cr_assert(fwd_span_equal(a, a));
	cr_assert(!fwd_span_equal(a, b));
	cr_assert(!fwd_span_equal(a, c));
	cr_assert(!fwd_span_equal(a, none));
}
