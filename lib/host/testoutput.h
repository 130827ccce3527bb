/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of outputs: a folder for each, and what is in it.  To be included
 * after testdata/fault.h.
 */
#ifndef TESTOUTPUT_H
#define TESTOUTPUT_H

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/internal.h"

static char dir[64], path[128];
static struct fw_error err;
/* The two ways: without a name until the end, or with a temporary one. */
enum { UNNAMED, NAMED };

static inline void
setup(void)
{
	const char *tmp = getenv("TMPDIR");

	fault_reset();
	memset(&err, 0, sizeof err);
	(void)umask(022);
	(void)snprintf(dir, sizeof dir, "%.40s/fw-out.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/out.fwb", dir);
}

/* How many files there are in the directory; they are removed. */
static inline int
sweep(bool remove_them)
{
	char name[512];
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	cr_assert_not_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		if (!remove_them)
			continue;
		(void)snprintf(name, sizeof name, "%s/%s", dir, e->d_name);
		if (unlink(name) != 0)
			(void)rmdir(name);
	}
	(void)closedir(d);
	return n;
}

static inline void
teardown(void)
{
	fault_reset();
	(void)sweep(true);
	(void)rmdir(dir);
}

static inline void
way(int w)
{
	if (w == NAMED)
		fault_always(FAULT_TMPFILE, EOPNOTSUPP);
}

static inline void
assert_content(const char *want)
{
	char got[64] = "";
	FILE *f = fopen(path, "r");

	cr_assert_not_null(f, "the file is not there");
	got[fread(got, 1, sizeof got - 1, f)] = '\0';
	(void)fclose(f);
	cr_assert_str_eq(got, want);
}

static inline void
put_old(void)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	(void)fputs("old", f);
	cr_assert_eq(fclose(f), 0);
}

#endif
