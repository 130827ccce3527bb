/* SPDX-License-Identifier: Apache-2.0 */
/* Holding back signals while a token is in use; see fwhost.h. */
#include <signal.h>

#include "host/key_internal.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
enum { NSIGNALS = sizeof signals / sizeof signals[0] };

/*
 * The signal mask belongs to the process and not to a key, and so does the
 * account of who changed it: two keys may be freed in any order.
 */
static unsigned held;
static sigset_t added;

void
fw_hold(void)
{
	struct sigaction sa;
	sigset_t old;
	size_t i;

	if (held++ > 0)
		return;
	sigemptyset(&added);
	pthread_sigmask(SIG_BLOCK, NULL, &old);
	for (i = 0; i < NSIGNALS; i++) {
		/* Blocked, an ignored one would wait and look like a wish. */
		if (sigaction(signals[i], NULL, &sa) == 0 &&
		    sa.sa_handler != SIG_IGN &&
		    sigismember(&old, signals[i]) == 0)
			sigaddset(&added, signals[i]);
	}
	pthread_sigmask(SIG_BLOCK, &added, NULL);
}

void
fw_unhold(void)
{
	if (held > 0 && --held == 0)
		pthread_sigmask(SIG_UNBLOCK, &added, NULL);
}

bool
fw_interrupted(void)
{
	sigset_t pending;
	size_t i;

	if (held == 0 || sigpending(&pending) != 0)
		return false;
	for (i = 0; i < NSIGNALS; i++)
		if (sigismember(&added, signals[i]) == 1 &&
		    sigismember(&pending, signals[i]) == 1)
			return true;
	return false;
}
