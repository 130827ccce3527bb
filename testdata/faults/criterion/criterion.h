/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kits of the device library's tests (lib/device/test*.h) outside of a
 * Criterion test: what they assert ends the program.
 */
#ifndef FAULTS_CRITERION_H
#define FAULTS_CRITERION_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void
cr_stop(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "faults: %s:%d: %s\n", file, line, what);
	exit(2);
}

#define cr_assert_fail(...) cr_stop(__FILE__, __LINE__, #__VA_ARGS__)
#define cr_assert_(e, what) \
	((e) ? (void)0 : cr_stop(__FILE__, __LINE__, what))
#define cr_assert(e, ...) cr_assert_(e, #e)
#define cr_assert_eq(a, b, ...) cr_assert_((a) == (b), #a " == " #b)
#define cr_assert_neq(a, b, ...) cr_assert_((a) != (b), #a " != " #b)
#define cr_assert_lt(a, b, ...) cr_assert_((a) < (b), #a " < " #b)
#define cr_assert_leq(a, b, ...) cr_assert_((a) <= (b), #a " <= " #b)
#define cr_assert_gt(a, b, ...) cr_assert_((a) > (b), #a " > " #b)
#define cr_assert_geq(a, b, ...) cr_assert_((a) >= (b), #a " >= " #b)
#define cr_assert_not_null(p, ...) cr_assert_((p) != NULL, #p)
#define cr_assert_str_eq(a, b, ...) \
	cr_assert_(strcmp(a, b) == 0, #a " == " #b)

#endif
