/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding back signals while a token is in use; see fwhost.h.  A thread of our
 * own sees to it that one that came does not wait for ever for a token that
 * hangs.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "host/guard.h"
#include "host/key_internal.h"

#define GRACE_MS 3000			/* for the token, to be left in order */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
enum { NSIGNALS = sizeof signals / sizeof signals[0] };

/*
 * The signal mask belongs to the process and not to a key, and so does the
 * account of who changed it: two keys may be freed in any order.
 */
static unsigned held;
static sigset_t added;
static struct {
	pthread_t thread;
	pid_t pid;			/* of the process; 0: no thread */
	int came, stop;			/* descriptors: a signal; an event */
} watcher;

/* ---- the thread --------------------------------------------------------- */

static int
pending_signal(void)
{
	sigset_t pending;
	size_t i;

	if (sigpending(&pending) != 0)
		return 0;
	for (i = 0; i < NSIGNALS; i++)
		if (sigismember(&added, signals[i]) == 1 &&
		    sigismember(&pending, signals[i]) == 1)
			return signals[i];
	return 0;
}

/* Is it over within that time?  Less than 0: no matter how long. */
static bool
stopped(int ms)
{
	struct pollfd p = { .fd = watcher.stop, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

static void *
watch(void *unused)
{
	struct pollfd p[] = {
		{ .fd = watcher.came, .events = POLLIN },
		{ .fd = watcher.stop, .events = POLLIN },
	};
	int sig;

	(void)unused;
	/* All signals are blocked here, EINTR cannot be. */
	if (poll(p, 2, -1) < 0 || p[1].revents != 0 || stopped(GRACE_MS))
		return NULL;
	/* What is done outside of modules comes to its end by itself. */
	while (!fw_guard_busy())
		if (stopped(50))
			return NULL;
	sig = pending_signal();
	if (sig != 0)
		fw_guard_give_up(sig, GRACE_MS / 1000, fw_p11_close_all);
	return NULL;
}

static void
watch_start(void)
{
	sigset_t all, old;

	watcher.came = signalfd(-1, &added, SFD_CLOEXEC);
	watcher.stop = eventfd(0, EFD_CLOEXEC);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	if (watcher.came >= 0 && watcher.stop >= 0 &&
	    pthread_create(&watcher.thread, NULL, watch, NULL) == 0)
		watcher.pid = getpid();
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void
watch_stop(void)
{
	const uint64_t one = 1;

	/* After fork() it is the parent's. */
	if (watcher.pid == getpid() &&
	    write(watcher.stop, &one, sizeof one) == (ssize_t)sizeof one)
		(void)pthread_join(watcher.thread, NULL);
	watcher.pid = 0;
	if (watcher.came >= 0)
		(void)close(watcher.came);
	if (watcher.stop >= 0)
		(void)close(watcher.stop);
}

/* ---- holding ------------------------------------------------------------ */

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
	fw_guard_start();
	watch_start();
}

void
fw_unhold(void)
{
	if (held == 0 || --held > 0)
		return;
	watch_stop();
	fw_guard_stop();
	pthread_sigmask(SIG_UNBLOCK, &added, NULL);
}

bool
fw_interrupted(void)
{
	return held > 0 && pending_signal() != 0;
}
