/* SPDX-License-Identifier: Apache-2.0 */
/* Semihosting: the contract is in semihost.h, which says how to reuse it. */
#include <string.h>

#include "arm/semihost.h"

enum {
	SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04,
	SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_SEEK = 0x0a, SYS_FLEN = 0x0c,
	SYS_GET_CMDLINE = 0x15, SYS_EXIT_EXTENDED = 0x20,
	STOPPED_APPLICATION_EXIT = 0x20026,
};

/* The call that every debugger knows: BKPT 0xAB, number in r0, block in r1. */
static intptr_t
call(uint32_t number, const void *block)
{
	register uint32_t r0 __asm__("r0") = number;
	register const void *r1 __asm__("r1") = block;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return (intptr_t)r0;
}

static uintptr_t
address(const void *p)
{
	return (uintptr_t)p;
}

_Noreturn void
fwa_exit(int status)
{
	const uintptr_t block[2] = {
		STOPPED_APPLICATION_EXIT, (uintptr_t)status
	};

	for (;;)
		call(SYS_EXIT_EXTENDED, block);
}

void
fwa_complain(const char *text)
{
	call(SYS_WRITE0, text);		/* QEMU's standard error */
}

void
fwa_complain_hex(uint32_t v)
{
	char text[11] = "0x";
	size_t i;

	for (i = 0; i < 8; i++)
		text[2 + i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
	fwa_complain(text);
}

static int
open_as(const char *path, uintptr_t mode)
{
	const uintptr_t block[3] = { address(path), mode, strlen(path) };

	return (int)call(SYS_OPEN, block);
}

void
fwa_say(const char *text)
{
	const int fd = open_as(":tt", 4);	/* w: standard output */

	if (fd < 0 || fwa_write(fd, text, strlen(text)) != 0)
		fwa_complain("cannot write to standard output\n");
	if (fd >= 0)
		fwa_close(fd);
}

int
fwa_args(char *buf, size_t n, char **argv, int max)
{
	uintptr_t block[2] = { address(buf), n };
	char *p = buf;
	int argc = 0;

	if (n == 0 || call(SYS_GET_CMDLINE, block) != 0 || block[1] >= n)
		return -1;
	for (;;) {
		while (*p == ' ')
			*p++ = '\0';
		if (*p == '\0')
			return argc;
		if (argc == max)
			return -1;
		argv[argc++] = p;
		while (*p != ' ' && *p != '\0')
			p++;
	}
}

int
fwa_open(const char *path, enum fwa_mode mode)
{
	return open_as(path, mode);
}

long
fwa_read(int fd, void *buf, size_t n)
{
	uintptr_t block[3];
	size_t got = 0, left;

	/* The answer is what is missing; all of it at the end of the file. */
	while (got < n) {
		block[0] = (uintptr_t)fd;
		block[1] = address(buf) + got;
		block[2] = n - got;
		left = (size_t)call(SYS_READ, block);
		if (left > n - got)
			return -1;
		if (left == n - got)
			break;
		got = n - left;
	}
	return (long)got;
}

int
fwa_write(int fd, const void *buf, size_t n)
{
	const uintptr_t block[3] = { (uintptr_t)fd, address(buf), n };

	return n == 0 || call(SYS_WRITE, block) == 0 ? 0 : -1;
}

int
fwa_seek(int fd, uint32_t at)
{
	const uintptr_t block[2] = { (uintptr_t)fd, at };

	return call(SYS_SEEK, block) == 0 ? 0 : -1;
}

long
fwa_length(int fd)
{
	const uintptr_t block[1] = { (uintptr_t)fd };

	return (long)call(SYS_FLEN, block);
}

int
fwa_close(int fd)
{
	const uintptr_t block[1] = { (uintptr_t)fd };

	return call(SYS_CLOSE, block) == 0 ? 0 : -1;
}
