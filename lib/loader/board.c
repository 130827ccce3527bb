/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board: Arm's MPS2 with the image for a Cortex-M3 (application note 385),
 * as QEMU has it.  See board.h for what each function has to do.
 */
#include "arm/semihost.h"
#include "loader/board.h"

/* ---- what the processor has ------------------------------------------ */

#define REGISTER(a)	(*(volatile uint32_t *)(uintptr_t)(a))

/* Armv7-M B3.2, B3.3, B3.4 */
#define SYST_CSR	REGISTER(0xe000e010)
#define NVIC_ICER(i)	REGISTER(0xe000e180 + 4 * (i))
#define NVIC_ICPR(i)	REGISTER(0xe000e280 + 4 * (i))
#define SCB_VTOR	REGISTER(0xe000ed08)
#define SCB_AIRCR	REGISTER(0xe000ed0c)
/* CMSDK's UART and watchdog, of the board */
#define UART_DATA	REGISTER(0x40004000)
#define UART_STATE	REGISTER(0x40004004)
#define UART_CTRL	REGISTER(0x40004008)
#define UART_BAUDDIV	REGISTER(0x40004010)
#define WDOG_LOAD	REGISTER(0x40008000)
#define WDOG_CONTROL	REGISTER(0x40008008)
#define WDOG_INTCLR	REGISTER(0x4000800c)
#define WDOG_LOCK	REGISTER(0x40008c00)

enum {
	CLOCK = 25000000, BAUD = 115200,
	UART_FULL = 1, UART_TRANSMIT = 1,
	WDOG_INTERRUPT = 1, WDOG_RESET = 2,
	INTERRUPTS = 32,		/* that the processor has */
	VECTORS = 2 * 4,		/* bytes that are looked at */
};
#define WDOG_UNLOCK	0x1acce551u
#define RESET_REQUEST	0x05fa0004u	/* VECTKEY and SYSRESETREQ */

/* ---- console --------------------------------------------------------- */

void
board_begin(void)
{
	UART_BAUDDIV = CLOCK / BAUD;
	UART_CTRL = UART_TRANSMIT;
}

void
board_say(const char *text)
{
	for (; *text != '\0'; text++) {
		while ((UART_STATE & UART_FULL) != 0)
			;
		UART_DATA = (uint8_t)*text;
	}
}

void
board_say_number(uint32_t v)
{
	char text[11], *p = text + sizeof text - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	board_say(p);
}

/* ---- reset ----------------------------------------------------------- */

void
board_reset(void)
{
	__asm__ volatile("dsb" : : : "memory");
	SCB_AIRCR = RESET_REQUEST;
	for (;;)
		;
}

/* When it has run down it interrupts, which resets (fwa_fault); when nobody
   serves that, it resets the second time. */
void
board_watch(uint32_t ms)
{
	WDOG_LOCK = WDOG_UNLOCK;
	WDOG_LOAD = CLOCK / 1000 * ms;
	WDOG_INTCLR = 1;
	WDOG_CONTROL = WDOG_INTERRUPT | WDOG_RESET;
	WDOG_LOCK = 0;
}

/* Of start.c: faults, and the watchdog's interrupt, which is the NMI. */
void
fwa_fault(const uint32_t *frame, uint32_t number)
{
	(void)frame;
	board_say("board: exception ");
	board_say_number(number);
	board_say("\n");
	board_reset();
}

/* ---- start ----------------------------------------------------------- */

/* Flash as memory; the linker script knows where. */
extern const volatile uint32_t board_flash[];

/* A vector table begins with the stack and the way in (Armv7-M B1.5.3). */
static uint32_t
vector(uint32_t at, uint32_t i)
{
	return board_flash[at / sizeof *board_flash + i];
}

bool
board_can_start(uint32_t at, uint64_t n)
{
	const uint32_t begin = BOARD_BANKS + at;
	uint32_t stack, entry;

	if (n < VECTORS || n > BOARD_SLOT_SIZE)
		return false;
	stack = vector(at, 0);
	entry = vector(at, 1);
	return stack % 8 == 0 && stack > BOARD_RAM &&
	    stack <= BOARD_RAM + BOARD_RAM_SIZE &&
	    (entry & 1) != 0 && entry > begin && entry - begin < n;
}

/*
 * Here a product locks its flash and what else only the loader may do, and
 * wipes RAM if there were secrets in it; there are none.
 */
void
board_start(uint32_t at)
{
	SYST_CSR = 0;
	for (uint32_t i = 0; i < INTERRUPTS / 32; i++) {
		NVIC_ICER(i) = UINT32_MAX;
		NVIC_ICPR(i) = UINT32_MAX;
	}
	SCB_VTOR = BOARD_BANKS + at;
	__asm__ volatile(
	    "dsb\n"
	    "isb\n"
	    "msr	msp, %0\n"
	    "bx		%1\n"
	    : : "r"(vector(at, 0)), "r"(vector(at, 1)) : "memory");
	for (;;)
		;
}
