/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory map, for C and for the linker scripts, which go through the
 * preprocessor: nothing but numbers is here.
 *
 *	0x00000000	 96 KiB	loader, with keys and identity; write-protected
 *	0x00020000	 64 KiB	bank 0: slot, from which the application runs
 *	0x00030000	 12 KiB		record of the release in it
 *	0x00033000	  4 KiB		rollback counter
 *	0x00034000	 80 KiB	bank 1: the same
 *	0x20000000	 64 KiB	RAM, but for its last 64 bytes
 *	0x2000ffc0	 64 bytes	what outlives a reset (handover.h)
 *
 * To port: put the numbers of your processor here.  Slots, records and counters
 * begin and end at sectors, so that none is erased with another; a record has
 * room for an envelope and FWD_RECORD_OVERHEAD.  Vector tables are at the
 * beginning of a slot, so its address is a multiple of their size, rounded up
 * to a power of two (Armv7-M B3.2.5), which no sector is too small for.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

/* Flash: what is erased at once, what is written at once. */
#define BOARD_SECTOR		0x1000
#define BOARD_UNIT		16

#define BOARD_LOADER		0x00000000
#define BOARD_LOADER_SIZE	0x18000

/* Banks lie behind one another, from here on. */
#define BOARD_BANKS		0x00020000
#define BOARD_SLOT_SIZE		0x10000
#define BOARD_RECORD_SIZE	0x3000
#define BOARD_COUNTER_SIZE	0x1000
#define BOARD_BANK_SIZE		0x14000

#define BOARD_RAM		0x20000000
#define BOARD_RAM_SIZE		0xffc0
#define BOARD_RETAINED		0x2000ffc0
#define BOARD_RETAINED_SIZE	0x40

#endif
