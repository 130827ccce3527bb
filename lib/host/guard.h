/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that crash, end the program or do not come back; see guard.c. */
#ifndef FW_GUARD_H
#define FW_GUARD_H

#include <stdbool.h>

/*
 * Around each call into a module, by the thread that makes it: what is called,
 * and the module's file or name, both of which must outlive the call.
 */
void fw_guard_enter(const char *call, const char *module);
void fw_guard_leave(void);
/* Is a thread in a module just now? */
bool fw_guard_busy(void);

/* Watch for crashes and exits, from the first of these to the last. */
void fw_guard_start(void);
void fw_guard_stop(void);
/*
 * Say that the module did not come back for so long after signal sig, which is
 * pending and blocked in all threads, and let it act on this one.  Returns if
 * that does not end the program.  close_all is given a short time to close
 * sessions.
 */
void fw_guard_give_up(int sig, unsigned seconds, void (*close_all)(void));

#endif
