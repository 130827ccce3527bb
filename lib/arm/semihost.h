/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program on an emulated Cortex-M needs from the world: its arguments,
 * files of the host, standard output and error, and an end.  It comes through
 * semihosting (Arm's "Semihosting for AArch32 and AArch64", release 2.0),
 * which QEMU speaks with -semihosting-config enable=on,target=native,arg=...
 * and a debugger in front of a board likewise.
 *
 * To reuse it: link lib/arm/start.c and lib/arm/semihost.c with a program that
 * has an "int main(void)", using one of the linker scripts (m0.ld, m3.ld,
 * m33.ld); arm.mk says how.  On a product without a debugger leave semihost.c
 * away and write fwa_exit() and fwa_complain() yourself: start.c needs no more.
 */
#ifndef SEMIHOST_H
#define SEMIHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a guest ends that does not end by itself: its exit status. */
enum {
	FWA_EXIT_PANIC = 101,		/* fwd_panic() was called */
	FWA_EXIT_FAULT = 102,		/* a fault or a stray interrupt */
	FWA_EXIT_STACK = 103,		/* the stack was too small */
};

/* End the program with that status, 0 to 255. */
_Noreturn void fwa_exit(int status);
/* Write to standard error, as it is. */
void fwa_complain(const char *text);
/* The same for a number, as 0x and eight digits. */
void fwa_complain_hex(uint32_t v);
/* Write to standard output, as it is. */
void fwa_say(const char *text);

/*
 * The arguments, split at blanks, in buf, which is the caller's.  QEMU makes
 * the first of them the first arg= of its option, not the program's name.
 * Returns how many there are, at most max; -1: no arguments, or no room.
 */
int fwa_args(char *buf, size_t n, char **argv, int max);

/* Files.  All return -1 on failure. */
enum fwa_mode { FWA_READ = 1, FWA_WRITE = 5, FWA_UPDATE = 3 };	/* binary:
					   rb, wb (which empties it), rb+ */
int fwa_open(const char *path, enum fwa_mode mode);
/* Bytes read; fewer than n only at the end of the file. */
long fwa_read(int fd, void *buf, size_t n);
/* 0 when all n bytes were written. */
int fwa_write(int fd, const void *buf, size_t n);
/* To that place, counted from the beginning. */
int fwa_seek(int fd, uint32_t at);
long fwa_length(int fd);
int fwa_close(int fd);

/* ---- start.c --------------------------------------------------------- */

/* Called at a fault and at an interrupt that nobody serves, with an empty
   stack; number: of the exception; frame: r0 to r3, r12, lr, pc and xpsr, if
   the stack had room for them. */
_Noreturn void fwa_fault(const uint32_t *frame, uint32_t number);

/* The most bytes of stack that were in use since the start; its size. */
size_t fwa_stack_used(void);
size_t fwa_stack_size(void);
/* Forget what was in use deeper than the caller, to measure from here. */
void fwa_stack_refill(void);

#endif
