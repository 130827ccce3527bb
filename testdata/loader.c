/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For schema_test.py: loads each file as descriptor or as profile and prints
 * "accept", or the error as the programs would print it; one line per file.
 *
 *	loader descriptor|profile FILE[,NAME=VALUE]...
 */
#include <stdio.h>
#include <string.h>

#include "host/internal.h"

static enum fw_kind
load(const char *what, const char *path, const struct fw_set *set,
    struct fw_error *err)
{
	struct fw_descriptor *d;
	struct fw_profile *p;
	enum fw_kind kind = FW_E_NOMEM;

	d = calloc(1, sizeof *d);
	p = calloc(1, sizeof *p);
	if (d != NULL && p != NULL)
		kind = strcmp(what, "profile") == 0 ?
		    fw_profile_load(path, p, err) :
		    fw_descriptor_load(path, set, d, err);
	if (d != NULL)
		fw_descriptor_deinit(d);
	if (p != NULL)
		fw_profile_deinit(p);
	free(d);
	free(p);
	return kind;
}

int
main(int argc, char **argv)
{
	char line[FW_ERROR_LINE_MAX];
	const char *pair[8];
	char *rest;

	for (int i = 2; i < argc; i++) {
		struct fw_error err = { 0 };
		struct fw_set set = { .pair = pair };

		rest = argv[i];
		(void)strsep(&rest, ",");
		while (rest != NULL && set.n < 8)
			pair[set.n++] = strsep(&rest, ",");
		if (load(argv[1], argv[i], &set, &err) == FW_OK) {
			puts("accept");
			continue;
		}
		fw_error_format(&err, "loader", line, sizeof line);
		fputs(line, stdout);
	}
	return 0;
}
