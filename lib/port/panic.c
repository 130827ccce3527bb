/* SPDX-License-Identifier: Apache-2.0 */
/* What a host does when two computations of one decision disagree. */
#include <stdlib.h>
#include <unistd.h>

#include "port/fwport.h"

void
fwd_panic(void)
{
	static const char text[] = "fatal: a security decision was computed "
	    "twice with different results\n";

	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		abort();
	abort();
}
