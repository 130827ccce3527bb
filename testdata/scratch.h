/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of its own for each test, with the file most of them need. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

static char scratch_dir[128], scratch_path[160];

static inline void
scratch_setup(void)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(scratch_dir, sizeof scratch_dir, "%.90s/fw.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(scratch_dir));
	(void)snprintf(scratch_path, sizeof scratch_path, "%s/file",
	    scratch_dir);
	cr_assert_eq(setenv("TMPDIR", scratch_dir, 1), 0);
}

static inline void
scratch_teardown(void)
{
	(void)unlink(scratch_path);
	cr_assert_eq(rmdir(scratch_dir), 0, "something was left behind");
}

static inline void
scratch_write(const void *p, size_t n)
{
	/* A file that is truncated first is flushed to disk when closed. */
	const int fd = open(scratch_path, O_WRONLY | O_CREAT, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, p, n), (ssize_t)n);
	cr_assert_eq(ftruncate(fd, (off_t)n), 0);
	cr_assert_eq(close(fd), 0);
}

static inline void
scratch_text(const char *text)
{
	scratch_write(text, strlen(text));
}

/* How many descriptors are open: to see that none is lost. */
static inline int
scratch_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	cr_assert_not_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

#endif
