/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From reset to main() on any Cortex-M: vector table, .data, .bss, and a stack
 * filled with a pattern, so that its high-water mark can be read.  What main()
 * returns is the exit status; a fault or fwd_panic() ends the program with a
 * status of its own (semihost.h) and says so on standard error.
 *
 * To reuse it: link it with any of the linker scripts here, or with your own
 * that says where flash and RAM are and includes sections.ld.  It uses nothing
 * of the board.  fwd_panic() and fwa_fault() are weak: a product defines its
 * own, which reset the device.  Interrupts need a longer vector table: add yours behind this
 * one in the section .vectors.irq.
 */
#include <stdint.h>
#include <string.h>

#include "arm/semihost.h"
#include "device/fwdevice.h"

/* Named by sections.ld; each is an address. */
extern uint32_t fwa_stack_bottom[], fwa_stack_top[];
extern uint32_t fwa_data_from[], fwa_data[], fwa_data_end[];
extern uint32_t fwa_bss[], fwa_bss_end[];

#define PATTERN	0x5ac35ac3u

int main(void);
void fwa_reset(void);
_Noreturn void fwa_begin(void);
void fwa_trap(void);

/* The first two words are the stack and the way in (Armv6-M B1.5.3). */
struct vectors {
	uint32_t *stack;
	void (*handler[15])(void);
};
__attribute__((section(".vectors"), used))
static const struct vectors vectors = {
	fwa_stack_top,
	{ fwa_reset, fwa_trap, fwa_trap, fwa_trap, fwa_trap, fwa_trap,
	  fwa_trap, fwa_trap, fwa_trap, fwa_trap, fwa_trap, fwa_trap,
	  fwa_trap, fwa_trap, fwa_trap },
};

/* In assembler, because it fills the stack that C would use.  A boot loader
   may have come here with another stack. */
__attribute__((naked)) void
fwa_reset(void)
{
	__asm__ volatile(
	    "ldr	r1, =fwa_stack_top\n"
	    "msr	msp, r1\n"
	    "ldr	r0, =fwa_stack_bottom\n"
	    "ldr	r2, =%c0\n"
	    "1:\n"
	    "stmia	r0!, {r2}\n"
	    "cmp	r0, r1\n"
	    "bne	1b\n"
	    "bl	fwa_begin\n"
	    ".ltorg\n" : : "i"(PATTERN));
}

_Noreturn void
fwa_begin(void)
{
	memcpy(fwa_data, fwa_data_from,
	    (size_t)((uintptr_t)fwa_data_end - (uintptr_t)fwa_data));
	memset(fwa_bss, 0,
	    (size_t)((uintptr_t)fwa_bss_end - (uintptr_t)fwa_bss));
	fwa_exit(main());
}

/* A fault may be the stack's: go on with an empty one. */
__attribute__((naked)) void
fwa_trap(void)
{
	__asm__ volatile(
	    "mrs	r0, msp\n"
	    "mrs	r1, ipsr\n"
	    "ldr	r2, =fwa_stack_top\n"
	    "msr	msp, r2\n"
	    "bl	fwa_fault\n"
	    ".ltorg\n");
}

__attribute__((weak)) void
fwa_fault(const uint32_t *frame, uint32_t number)
{
	const bool whole = (uintptr_t)frame >= (uintptr_t)fwa_stack_bottom &&
	    (uintptr_t)frame + 32 <= (uintptr_t)fwa_stack_top;

	if (!whole) {
		fwa_complain("the stack is too small\n");
		fwa_exit(FWA_EXIT_STACK);
	}
	fwa_complain("exception ");
	fwa_complain_hex(number);
	fwa_complain(" at ");
	fwa_complain_hex(frame[6]);
	fwa_complain(", called from ");
	fwa_complain_hex(frame[5]);
	fwa_complain("\n");
	fwa_exit(FWA_EXIT_FAULT);
}

__attribute__((weak)) void
fwd_panic(void)
{
	fwa_complain("panic: two computations of one decision disagree\n");
	fwa_exit(FWA_EXIT_PANIC);
}

size_t
fwa_stack_size(void)
{
	return (size_t)((uintptr_t)fwa_stack_top - (uintptr_t)fwa_stack_bottom);
}

size_t
fwa_stack_used(void)
{
	const volatile uint32_t *p = fwa_stack_bottom;

	while ((uintptr_t)p < (uintptr_t)fwa_stack_top && *p == PATTERN)
		p++;
	return (size_t)((uintptr_t)fwa_stack_top - (uintptr_t)p);
}

void
fwa_stack_refill(void)
{
	volatile uint32_t *p = fwa_stack_bottom;
	uint32_t *here;

	__asm__ volatile("mov %0, sp" : "=r"(here));
	while ((uintptr_t)p < (uintptr_t)here)
		*p++ = PATTERN;
}
