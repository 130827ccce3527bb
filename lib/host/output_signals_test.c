/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs appear whole or not at all, whenever a process ends. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "testdata/fault.h"

#include "host/testoutput.h"

TestSuite(output_signals, .init = setup, .fini = teardown);

static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE,
    SIGXCPU, SIGXFSZ };
enum { NFATAL = sizeof fatal / sizeof fatal[0] };

/* In a process of its own, because that is what ends. */
static int
in_child(void (*run)(int sig), int sig)
{
	const struct rlimit none = { 0, 0 };
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		for (int i = 0; i < NFATAL; i++)
			(void)signal(fatal[i], SIG_DFL);
		run(sig);
		_exit(99);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static struct fw_output left[3];

static void
die_with_outputs(int sig)
{
	char name[160];

	for (int i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof name, "%s/%d", dir, i);
		left[i] = (struct fw_output)FW_OUTPUT_NONE;
		if (fw_output_open(name, &left[i], &err) != FW_OK ||
		    left[i].temporary == NULL)
			_exit(98);
	}
	/* One of them is complete, one given up. */
	if (fw_output_commit(&left[1], &err) != FW_OK)
		_exit(97);
	(void)raise(sig);
}

Test(output_signals, fatal_signals_leave_nothing)
{
	int status;

	way(NAMED);
	for (int i = 0; i < NFATAL; i++) {
		status = in_child(die_with_outputs, fatal[i]);
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == fatal[i],
		    "signal %d: status %x", fatal[i], status);
		cr_assert_eq(sweep(true), 1, "signal %d", fatal[i]);
	}
}

/* Open outputs, and give them up, until the end. */
static void *
keep_opening(void *arg)
{
	char name[160];

	(void)snprintf(name, sizeof name, "%s/%c", dir, *(const char *)arg);
	for (;;) {
		struct fw_output out = FW_OUTPUT_NONE;
		struct fw_error why;

		if (fw_output_open(name, &out, &why) != FW_OK)
			_exit(98);
		fw_output_abandon(&out);
	}
	return NULL;
}

static void
die_while_others_open(int sig)
{
	static const char names[] = "abcd";
	const struct timespec some = { .tv_nsec = 2000000 };
	pthread_t thread;
	sigset_t set;

	/* It comes to this thread, and the others are in the middle. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, sig);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&thread, NULL, keep_opening,
		    (void *)(uintptr_t)&names[i]) != 0)
			_exit(97);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	(void)nanosleep(&some, NULL);
	(void)raise(sig);
}

/* Nor do those that other threads make at that moment stay. */
Test(output_signals, other_threads)
{
	int status;

	way(NAMED);
	for (int i = 0; i < 40; i++) {
		status = in_child(die_while_others_open, SIGTERM);
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
		    "status %x", status);
		cr_assert_eq(sweep(true), 0, "time %d", i);
	}
}

static void
die_unnamed(int sig)
{
	struct fw_output out = FW_OUTPUT_NONE;

	if (fw_output_open(path, &out, &err) != FW_OK ||
	    fw_write_all(out.fd, "new", 3, path, &err) != FW_OK)
		_exit(98);
	(void)raise(sig);
}

/* Nothing has a name, so nothing is left even where nobody can clean up. */
Test(output_signals, killed)
{
	const int status = in_child(die_unnamed, SIGKILL);

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_assert_eq(sweep(true), 0);
}

static void
survive_ignored(int sig)
{
	struct fw_output out = FW_OUTPUT_NONE;

	(void)signal(sig, SIG_IGN);
	if (fw_output_open(path, &out, &err) != FW_OK)
		_exit(98);
	(void)raise(sig);
	_exit(fw_output_commit(&out, &err) == FW_OK ? 0 : 97);
}

/* What nohup ignores stays ignored. */
Test(output_signals, ignored_signals)
{
	int status;

	way(NAMED);
	for (int i = 0; i < NFATAL; i++) {
		status = in_child(survive_ignored, fatal[i]);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "signal %d: status %x", fatal[i], status);
		cr_assert_eq(sweep(true), 1);
	}
}

static volatile sig_atomic_t called;

static void
note(int sig)
{
	called = sig;
}

static void
with_handler(int sig)
{
	struct fw_output out = FW_OUTPUT_NONE;
	struct sigaction now;

	(void)signal(sig, note);
	if (fw_output_open(path, &out, &err) != FW_OK)
		_exit(98);
	(void)raise(sig);
	if (called != sig || sweep(false) != 0)
		_exit(97);
	/* The file is gone: this must fail, and not write another one. */
	if (fw_output_commit(&out, &err) != FW_E_IO || sweep(false) != 0)
		_exit(96);
	fw_output_abandon(&out);
	if (sigaction(sig, NULL, &now) != 0 || now.sa_handler != note)
		_exit(95);
	_exit(0);
}

/* A handler that was there before is called after ours. */
Test(output_signals, earlier_handlers)
{
	int status;

	way(NAMED);
	for (int i = 0; i < NFATAL; i++) {
		status = in_child(with_handler, fatal[i]);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "signal %d: status %x", fatal[i], status);
	}
}

/* Handlers are there only as long as there is something to remove. */
Test(output_signals, handlers_are_put_back)
{
	struct fw_output a = FW_OUTPUT_NONE, b = FW_OUTPUT_NONE;
	struct sigaction before[NFATAL], now;

	for (int i = 0; i < NFATAL; i++)
		(void)sigaction(fatal[i], NULL, &before[i]);
	way(NAMED);
	cr_assert_eq(fw_output_open(path, &a, &err), FW_OK);
	cr_assert_eq(fw_output_open(path, &b, &err), FW_OK);
	fw_output_abandon(&a);
	for (int i = 0; i < NFATAL; i++) {
		(void)sigaction(fatal[i], NULL, &now);
		cr_assert_neq(now.sa_handler, before[i].sa_handler);
	}
	cr_assert_eq(fw_output_commit(&b, &err), FW_OK);
	for (int i = 0; i < NFATAL; i++) {
		(void)sigaction(fatal[i], NULL, &now);
		cr_assert_eq(now.sa_handler, before[i].sa_handler);
	}
}

Test(output_signals, too_many)
{
	enum { MOST = 256 };
	static struct fw_output out[MOST + 1];
	char name[160];
	int i;

	way(NAMED);
	for (i = 0; i <= MOST; i++) {
		out[i] = (struct fw_output)FW_OUTPUT_NONE;
		(void)snprintf(name, sizeof name, "%s/%d", dir, i);
		if (fw_output_open(name, &out[i], &err) != FW_OK)
			break;
	}
	cr_assert_eq(i, MOST);
	cr_assert_str_eq(err.text, "more than 256 output files at once");
	fw_output_abandon(&out[3]);
	cr_assert_eq(fw_output_open(name, &out[3], &err), FW_OK);
	for (i = 0; i < MOST; i++)
		fw_output_abandon(&out[i]);
	cr_assert_eq(sweep(true), 0);
}
