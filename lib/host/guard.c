/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS #11 module is foreign code in this process.  One that crashes, calls
 * exit() or hangs must not take the program with it without a word: it is said
 * which module it was and in which call, temporary files are removed, and the
 * exit status is that of a token that cannot be used.  A probe in a child
 * process would tell no more, would start every module twice, and would see
 * nothing of a crash in a later call.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/batch.h"
#include "host/guard.h"
#include "host/internal.h"

#define EXIT_KEY 3			/* of fwsign(1) */
#define CLOSE_SECONDS 1			/* what closing may take at the end */

static const struct {
	int sig;
	const char *how;
} crashes[] = {
	{ SIGSEGV, " with SIGSEGV" }, { SIGBUS, " with SIGBUS" },
	{ SIGILL, " with SIGILL" }, { SIGFPE, " with SIGFPE" },
	{ SIGABRT, " with SIGABRT" },
};
enum { NCRASHES = sizeof crashes / sizeof crashes[0] };

/* Where this thread is; call is NULL when it is not in a module. */
static _Thread_local struct {
	const char *volatile call;
	const char *volatile module;
} here;
/* How many threads are in one, and where the latest of them is. */
static atomic_uint busy;
static _Atomic(const char *) last_call, last_module;

static struct sigaction before[NCRASHES];
static bool watching;
static atomic_int giving_up;		/* the signal that ends the program */
static char alternate[32768];		/* a stack, if the own one is full */

void
fw_guard_enter(const char *call, const char *module)
{
	atomic_store(&last_call, call);
	atomic_store(&last_module, module);
	atomic_fetch_add(&busy, 1);
	here.module = module;
	here.call = call;
}

void
fw_guard_leave(void)
{
	here.call = NULL;
	atomic_fetch_sub(&busy, 1);
}

bool
fw_guard_busy(void)
{
	return atomic_load(&busy) > 0;
}

/* ---- saying it, with calls that are safe in a signal handler ------------ */

static void
say(const char *const part[], size_t n)
{
	char line[1024];
	size_t i, len, at = 0;

	for (i = 0; i < n; i++) {
		len = strlen(part[i]);
		if (len > sizeof line - 1 - at)
			len = sizeof line - 1 - at;
		memcpy(line + at, part[i], len);
		at += len;
	}
	line[at++] = '\n';
	(void)!write(STDERR_FILENO, line, at);
}

static void
say_inside(const char *did, const char *how, const char *remedy)
{
	const char *const part[] = { program_invocation_short_name,
	    ": PKCS #11 module '", here.module, "' ", did, " in ", here.call,
	    how, " (", remedy, ")" };

	say(part, sizeof part / sizeof part[0]);
}

/* ---- crashes and exits -------------------------------------------------- */

static _Noreturn void
die_of(int sig)
{
	sigset_t set;

	(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, sig);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(sig);
	_exit(128 + sig);
}

/* Where several threads end it, the first one does, and says why. */
static void
first_only(void)
{
	static atomic_flag ending = ATOMIC_FLAG_INIT;

	while (atomic_flag_test_and_set(&ending))
		(void)pause();
}

/* Only async-signal-safe calls here. */
static void
on_crash(int sig)
{
	const int end = atomic_load(&giving_up);
	size_t i;

	for (i = 0; i < NCRASHES - 1 && crashes[i].sig != sig; i++)
		;
	if (here.call == NULL && end == 0) {
		/* It is ours: on return it comes again, as it would have. */
		(void)sigaction(sig, &before[i], NULL);
		return;
	}
	fw_output_emergency();
	/* A module that is pulled down at the end may fall as it likes. */
	if (end != 0)
		die_of(end);
	first_only();
	say_inside("crashed", crashes[i].how, "see whether there is a newer "
	    "one");
	_exit(EXIT_KEY);
}

static void
on_exit_inside(void)
{
	if (here.call == NULL)
		return;
	first_only();
	fw_output_emergency();
	say_inside("ended the program", "", "see the module's own log");
	_exit(EXIT_KEY);
}

void
fw_guard_start(void)
{
	static unsigned registered;
	struct sigaction ours = { .sa_handler = on_crash,
	    .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof alternate };
	stack_t old;
	size_t i;

	if (watching)
		return;
	watching = true;
	/* Each thread that calls exit() has to find one that is not running. */
	while (registered < FW_JOBS_MAX && atexit(on_exit_inside) == 0)
		registered++;
	if (sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE))
		(void)sigaltstack(&stack, NULL);
	(void)sigemptyset(&ours.sa_mask);
	for (i = 0; i < NCRASHES; i++)
		(void)sigaction(crashes[i].sig, &ours, &before[i]);
}

void
fw_guard_stop(void)
{
	struct sigaction now;
	size_t i;

	if (!watching)
		return;
	watching = false;
	for (i = 0; i < NCRASHES; i++)
		if (sigaction(crashes[i].sig, NULL, &now) == 0 &&
		    (now.sa_flags & SA_SIGINFO) == 0 &&
		    now.sa_handler == on_crash)
			(void)sigaction(crashes[i].sig, &before[i], NULL);
}

/* ---- modules that do not come back -------------------------------------- */

static void *
closer(void *arg)
{
	void (*const close_all)(void) = *(void (**)(void))arg;

	close_all();
	return NULL;
}

/* A token that answers only slowly may still close its sessions. */
static void
close_shortly(void (*close_all)(void))
{
	static void (*fn)(void);
	struct timespec until;
	pthread_t thread;

	fn = close_all;
	if (pthread_create(&thread, NULL, closer, &fn) != 0)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CLOSE_SECONDS;
	if (pthread_timedjoin_np(thread, NULL, &until) != 0)
		(void)pthread_detach(thread);
}

void
fw_guard_give_up(int sig, unsigned seconds, void (*close_all)(void))
{
	const char *const call = atomic_load(&last_call);
	const char *const module = atomic_load(&last_module);
	char number[16];
	const char *const part[] = { program_invocation_short_name,
	    ": interrupted: PKCS #11 module '", module, "' did not come back "
	    "from ", call, " within ", number, " seconds (the token may have "
	    "to be plugged in anew)" };
	sigset_t one;

	(void)snprintf(number, sizeof number, "%u", seconds);
	say(part, sizeof part / sizeof part[0]);
	atomic_store(&giving_up, sig);
	close_shortly(close_all);
	/* To this thread, in which nothing waits for the module. */
	(void)sigemptyset(&one);
	(void)sigaddset(&one, sig);
	(void)pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	(void)pthread_sigmask(SIG_BLOCK, &one, NULL);
	atomic_store(&giving_up, 0);
}
