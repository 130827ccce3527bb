/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that the rest of this folder works, on the emulator or on a board:
 *	args A B...	print them, one in each line
 *	copy FROM TO	read a file backwards, write it forwards
 *	stack N		use about N bytes of stack: do they show?
 *	exit N, panic, fault, unaligned
 */
#include <string.h>

#include "arm/semihost.h"
#include "device/fwdevice.h"

static char line[512];
static uint32_t initialised = 0x12345678, zero;

static uint32_t
number(const char *s)
{
	uint32_t v = 0;

	while (*s >= '0' && *s <= '9')
		v = v * 10 + (uint32_t)(*s++ - '0');
	return v;
}

static int
copy(const char *from, const char *to)
{
	const int in = fwa_open(from, FWA_READ), out = fwa_open(to, FWA_WRITE);
	const long n = in < 0 ? -1 : fwa_length(in);
	uint8_t byte;
	long at;

	if (n < 0 || out < 0)
		return 1;
	/* Every byte from its own place, so that seeking is tried as well. */
	for (at = n - 1; at >= 0; at--) {
		if (fwa_seek(in, (uint32_t)at) != 0 ||
		    fwa_read(in, &byte, 1) != 1 ||
		    fwa_seek(out, (uint32_t)at) != 0 ||
		    fwa_write(out, &byte, 1) != 0)
			return 1;
	}
	if (fwa_seek(in, (uint32_t)n) != 0 || fwa_read(in, &byte, 1) != 0)
		return 1;		/* the end is no error, but the end */
	return fwa_close(in) == 0 && fwa_close(out) == 0 ? 0 : 1;
}

/* Takes 64 bytes and a frame each time. */
static uint32_t
deep(uint32_t n)
{
	volatile uint8_t room[64];

	room[n & 63] = (uint8_t)n;
	return n < sizeof room ? room[n & 63] :
	    deep(n - (uint32_t)sizeof room) + room[n & 63];
}

static int
stack(uint32_t n)
{
	volatile uint32_t sum;
	size_t before, after;

	fwa_stack_refill();
	before = fwa_stack_used();
	sum = deep(n);
	after = fwa_stack_used();
	(void)sum;
	return after >= before + n && after <= fwa_stack_size() ? 0 : 1;
}

static int
unaligned(void)
{
	const uint32_t two[2] = { 0x03020100, 0x07060504 };
	const volatile uint32_t *p;
	uintptr_t a = (uintptr_t)two + 1;

	__asm__ volatile("" : "+r"(a));
	p = (const volatile uint32_t *)a;
	return *p == 0x04030201 ? 0 : 1;
}

int
main(void)
{
	char *argv[8];
	const int argc = fwa_args(line, sizeof line, argv, 8);
	int i;

	if (initialised != 0x12345678 || zero++ != 0 || argc < 1)
		return 99;
	if (strcmp(argv[0], "args") == 0) {
		for (i = 1; i < argc; i++) {
			fwa_say(argv[i]);
			fwa_say("\n");
		}
		return 0;
	}
	if (strcmp(argv[0], "copy") == 0 && argc == 3)
		return copy(argv[1], argv[2]);
	if (strcmp(argv[0], "stack") == 0 && argc == 2)
		return stack(number(argv[1]));
	if (strcmp(argv[0], "exit") == 0 && argc == 2)
		return (int)number(argv[1]);
	if (strcmp(argv[0], "unaligned") == 0)
		return unaligned();
	if (strcmp(argv[0], "panic") == 0)
		fwd_panic();
	if (strcmp(argv[0], "fault") == 0)
		__asm__ volatile("udf #0");
	return 98;
}
