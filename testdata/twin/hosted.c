/* SPDX-License-Identifier: Apache-2.0 */
/* The twin runner on a host: what semihost.h gives on a microcontroller. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testdata/twin/twin.h"

_Noreturn void
fwa_exit(int status)
{
	exit(status);
}

void
fwa_complain(const char *text)
{
	(void)fputs(text, stderr);
}

void
fwa_say(const char *text)
{
	(void)fputs(text, stdout);
}

int
fwa_open(const char *path, enum fwa_mode mode)
{
	return open(path, mode == FWA_READ ? O_RDONLY :
	    O_RDWR | O_CREAT | (mode == FWA_WRITE ? O_TRUNC : 0), 0666);
}

long
fwa_read(int fd, void *buf, size_t n)
{
	return read(fd, buf, n);
}

int
fwa_write(int fd, const void *buf, size_t n)
{
	return write(fd, buf, n) == (ssize_t)n ? 0 : -1;
}

long
fwa_length(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (long)st.st_size : -1;
}

int
fwa_close(int fd)
{
	return close(fd);
}

size_t
fwa_stack_used(void)
{
	return 0;			/* nobody knows */
}

int
main(int argc, char **argv)
{
	return twin(argc - 1, argv + 1);
}
