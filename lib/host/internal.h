/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the host libraries: cleanup helpers. */
#ifndef FW_HOST_INTERNAL_H
#define FW_HOST_INTERNAL_H

#include <stdlib.h>
#include <unistd.h>

#include "host/fwhost.h"

/* Calls fn(&variable) when the variable goes out of scope. */
#define FW_CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void
fw_free_ptr(void *pp)
{
	free(*(void **)pp);
}

static inline void
fw_close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#define FW_FREE FW_CLEANUP(fw_free_ptr)
#define FW_FD FW_CLEANUP(fw_close_fd)

/* Remove temporary names; the program is about to end.  Safe in a signal
   handler. */
void fw_output_emergency(void);

/* Go on only if e is FW_OK; the error has been written already. */
#define FW_TRY(e) do {							\
	const enum fw_kind k_ = (e);					\
	if (k_ != FW_OK)						\
		return k_;						\
} while (0)

#endif
