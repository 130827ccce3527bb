/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner with one constant changed, which must not go unnoticed: no
 * envelope of more than a kilobyte fits.
 */
#define TWIN_ENVELOPE_MAX 1024
#include "testdata/twin/twin.c"
