/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot loader with the fwsign device library, to be copied: this is the seam
 * between it and the board.
 *
 * What is here to stay is loader.c (what the library is asked, and what is done
 * about its answers), flash.c (where things lie in flash), handover.c (what
 * loader and application tell each other) and main.c (what happens at a
 * start).  What a product replaces:
 *
 *	layout.h	the memory map
 *	product.c	who the device is
 *	trust.c		the root certificate; trust.sh makes it
 *	board.c		console, watchdog, reset, jump: here Arm's MPS2 with
 *			a Cortex-M3
 *	emulator.c	flash, where updates come from, the factory: here they
 *			are files of the host of an emulator
 *	loader.ld app.ld, lib/arm/start.c	as the tool chain wants it
 *	app.c		the application
 *	loader.mk	the limits of the device (fwdevice.h), to be given to
 *			the compiler for loader and library alike
 *
 * What has to be true of the hardware, because no code can make up for it:
 *
 *  - The loader's own flash, with keys and identity, is write-protected in
 *    hardware, for good or until the next reset, and it is what runs after
 *    every reset.  The debug port is closed in products.
 *  - Records and counters are written by the loader only: board_start() should
 *    lock the whole flash until the next reset, if the processor can.  The
 *    application here never writes to flash; it asks the loader, which does
 *    it after a reset.  If the application can write, then it can undo the
 *    protection against rollback; signatures are verified at each start even
 *    so (FWD_BOOT_FULL).
 *  - A unit whose writing was cut by a failing power is read as anything, or
 *    as zeros: a driver for flash with error correction turns the error into
 *    zeros (fwslots.h).
 *  - A watchdog that the application cannot stop, or falling back from one
 *    that hangs needs somebody who takes the battery out.
 *
 * RAM: the loader needs what "make demo-device" prints at its end, while it
 * runs and not longer; the application has all of it but BOARD_RETAINED.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/fwslots.h"
#include "loader/layout.h"

/* ---- for the loader and the application: board.c --------------------- */

/* Call it first: the console. */
void board_begin(void);
/* Write text to the console. */
void board_say(const char *text);
void board_say_number(uint32_t v);

/* Start again as after power has come back, but with what is in
   BOARD_RETAINED. */
FWD_NORETURN void board_reset(void);

/* Reset by itself unless it is called again within so many milliseconds, at
   most 60,000.  Nothing but a reset ends that. */
void board_watch(uint32_t ms);

/* ---- for the loader -------------------------------------------------- */

/*
 * Is there a program at that place in flash, of n bytes, that was made to run
 * there?  What is signed need not be: somebody may have built it for
 * the other bank.
 */
bool board_can_start(uint32_t at, uint64_t n);
/* Leave everything as after a reset, and start it. */
FWD_NORETURN void board_start(uint32_t at);

/*
 * Flash; places in it count from BOARD_BANKS on.  read: any bytes.  erase: one
 * sector becomes 0xff.  write: one unit, which was erased; or zeros, to one
 * that may hold anything.  Both return when it is done and can be read.  false:
 * it failed.
 */
bool board_read(uint32_t at, uint8_t *p, size_t n);
bool board_erase(uint32_t at);
bool board_write(uint32_t at, const uint8_t *unit);

/*
 * Is there an update, by cable, by radio or in another memory?  The answer is
 * yes once for each that came.  Then receive its bytes one after another: n of
 * them, fewer at its end only; *got says how many.  false if it failed.
 */
bool board_update(void);
bool board_receive(uint8_t *p, size_t n, size_t *got);

/*
 * Is the device being made: is it to get its first record and counter?  A
 * product asks a fuse or a jig, and never anybody who can be had later.
 */
bool board_factory(uint64_t *counter);

/* Nothing can be started: wait until that may have changed. */
void board_wait(void);

/* Something will be started: the last moment to look at the loader itself. */
void board_measure(void);

#endif
