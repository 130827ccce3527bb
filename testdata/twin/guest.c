/* SPDX-License-Identifier: Apache-2.0 */
/* The twin runner on a microcontroller: its arguments. */
#include "testdata/twin/twin.h"

int
main(void)
{
	static char line[512];
	char *argv[4];

	return twin(fwa_args(line, sizeof line, argv, 4), argv);
}
