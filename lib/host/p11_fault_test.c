/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens and modules that fail: every return value of the standard, tokens
 * that go away, modules that crash, end the program, hang, or are none.
 */
#include <dlfcn.h>
#include <poll.h>
#include <regex.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/crypto.h>

#include "testdata/p11.h"

TestSuite(p11_fault, .init = mock_setup, .fini = mock_teardown,
    .timeout = 600);

static const struct fwd_span msg[] = {
	{ (const uint8_t *)"to be ", 6 }, { (const uint8_t *)"signed", 6 },
};

static uint8_t sig[FWD_SIG_MAX];
static size_t sig_n;

static enum fw_kind
sign(void)
{
	memset(sig, 0xee, sizeof sig);
	sig_n = 7;
	return fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err);
}

static void
no_signature(void)
{
	size_t i;

	cr_assert_eq(sig_n, 7);
	for (i = 0; i < sizeof sig; i++)
		cr_assert_eq(sig[i], 0xee, "byte %zu was written", i);
}

/* One line: "... CALL failed: CKR_NAME: words (remedy)". */
static void
said(const char *call, const char *name)
{
	char pattern[256];
	regex_t re;

	(void)snprintf(pattern, sizeof pattern,
	    "(^|: )%s failed: CKR_%s: [a-z][^()\n]{8,} \\([^()\n]{8,}\\)$",
	    call, name);
	cr_assert_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	cr_assert_eq(regexec(&re, err.text, 0, NULL, 0), 0, "%s: '%s'", name,
	    err.text);
	regfree(&re);
}

/* ---- every return value ------------------------------------------------- */

/* Those of PKCS #11 v3.0, and two that came later. */
static const struct {
	unsigned rv;
	const char *name;
} all[] = {
	{ 0x1, "CANCEL" }, { 0x2, "HOST_MEMORY" }, { 0x3, "SLOT_ID_INVALID" },
	{ 0x5, "GENERAL_ERROR" }, { 0x6, "FUNCTION_FAILED" },
	{ 0x7, "ARGUMENTS_BAD" }, { 0x8, "NO_EVENT" },
	{ 0x9, "NEED_TO_CREATE_THREADS" }, { 0xa, "CANT_LOCK" },
	{ 0x10, "ATTRIBUTE_READ_ONLY" }, { 0x11, "ATTRIBUTE_SENSITIVE" },
	{ 0x12, "ATTRIBUTE_TYPE_INVALID" }, { 0x13, "ATTRIBUTE_VALUE_INVALID" },
	{ 0x1b, "ACTION_PROHIBITED" }, { 0x20, "DATA_INVALID" },
	{ 0x21, "DATA_LEN_RANGE" }, { 0x30, "DEVICE_ERROR" },
	{ 0x31, "DEVICE_MEMORY" }, { 0x32, "DEVICE_REMOVED" },
	{ 0x40, "ENCRYPTED_DATA_INVALID" },
	{ 0x41, "ENCRYPTED_DATA_LEN_RANGE" }, { 0x42, "AEAD_DECRYPT_FAILED" },
	{ 0x50, "FUNCTION_CANCELED" }, { 0x51, "FUNCTION_NOT_PARALLEL" },
	{ 0x54, "FUNCTION_NOT_SUPPORTED" }, { 0x60, "KEY_HANDLE_INVALID" },
	{ 0x62, "KEY_SIZE_RANGE" }, { 0x63, "KEY_TYPE_INCONSISTENT" },
	{ 0x64, "KEY_NOT_NEEDED" }, { 0x65, "KEY_CHANGED" },
	{ 0x66, "KEY_NEEDED" }, { 0x67, "KEY_INDIGESTIBLE" },
	{ 0x68, "KEY_FUNCTION_NOT_PERMITTED" }, { 0x69, "KEY_NOT_WRAPPABLE" },
	{ 0x6a, "KEY_UNEXTRACTABLE" }, { 0x70, "MECHANISM_INVALID" },
	{ 0x71, "MECHANISM_PARAM_INVALID" }, { 0x82, "OBJECT_HANDLE_INVALID" },
	{ 0x90, "OPERATION_ACTIVE" }, { 0x91, "OPERATION_NOT_INITIALIZED" },
	{ 0xa0, "PIN_INCORRECT" }, { 0xa1, "PIN_INVALID" },
	{ 0xa2, "PIN_LEN_RANGE" }, { 0xa3, "PIN_EXPIRED" },
	{ 0xa4, "PIN_LOCKED" }, { 0xb0, "SESSION_CLOSED" },
	{ 0xb1, "SESSION_COUNT" }, { 0xb3, "SESSION_HANDLE_INVALID" },
	{ 0xb4, "SESSION_PARALLEL_NOT_SUPPORTED" },
	{ 0xb5, "SESSION_READ_ONLY" }, { 0xb6, "SESSION_EXISTS" },
	{ 0xb7, "SESSION_READ_ONLY_EXISTS" },
	{ 0xb8, "SESSION_READ_WRITE_SO_EXISTS" }, { 0xc0, "SIGNATURE_INVALID" },
	{ 0xc1, "SIGNATURE_LEN_RANGE" }, { 0xd0, "TEMPLATE_INCOMPLETE" },
	{ 0xd1, "TEMPLATE_INCONSISTENT" }, { 0xe0, "TOKEN_NOT_PRESENT" },
	{ 0xe1, "TOKEN_NOT_RECOGNIZED" }, { 0xe2, "TOKEN_WRITE_PROTECTED" },
	{ 0xf0, "UNWRAPPING_KEY_HANDLE_INVALID" },
	{ 0xf1, "UNWRAPPING_KEY_SIZE_RANGE" },
	{ 0xf2, "UNWRAPPING_KEY_TYPE_INCONSISTENT" },
	{ 0x100, "USER_ALREADY_LOGGED_IN" }, { 0x101, "USER_NOT_LOGGED_IN" },
	{ 0x102, "USER_PIN_NOT_INITIALIZED" }, { 0x103, "USER_TYPE_INVALID" },
	{ 0x104, "USER_ANOTHER_ALREADY_LOGGED_IN" },
	{ 0x105, "USER_TOO_MANY_TYPES" }, { 0x110, "WRAPPED_KEY_INVALID" },
	{ 0x112, "WRAPPED_KEY_LEN_RANGE" },
	{ 0x113, "WRAPPING_KEY_HANDLE_INVALID" },
	{ 0x114, "WRAPPING_KEY_SIZE_RANGE" },
	{ 0x115, "WRAPPING_KEY_TYPE_INCONSISTENT" },
	{ 0x120, "RANDOM_SEED_NOT_SUPPORTED" }, { 0x121, "RANDOM_NO_RNG" },
	{ 0x130, "DOMAIN_PARAMS_INVALID" }, { 0x140, "CURVE_NOT_SUPPORTED" },
	{ 0x150, "BUFFER_TOO_SMALL" }, { 0x160, "SAVED_STATE_INVALID" },
	{ 0x170, "INFORMATION_SENSITIVE" }, { 0x180, "STATE_UNSAVEABLE" },
	{ 0x190, "CRYPTOKI_NOT_INITIALIZED" },
	{ 0x191, "CRYPTOKI_ALREADY_INITIALIZED" }, { 0x1a0, "MUTEX_BAD" },
	{ 0x1a1, "MUTEX_NOT_LOCKED" }, { 0x1b0, "NEW_PIN_MODE" },
	{ 0x1b1, "NEXT_OTP" }, { 0x1b5, "EXCEEDED_MAX_ITERATIONS" },
	{ 0x1b6, "FIPS_SELF_TEST_FAILED" }, { 0x1b7, "LIBRARY_LOAD_FAILED" },
	{ 0x1b8, "PIN_TOO_WEAK" }, { 0x1b9, "PUBLIC_KEY_INVALID" },
	{ 0x200, "FUNCTION_REJECTED" }, { 0x201, "TOKEN_RESOURCE_EXCEEDED" },
	{ 0x202, "OPERATION_CANCEL_FAILED" }, { 0x203, "KEY_EXHAUSTED" },
};
enum { NALL = sizeof all / sizeof all[0] };

/* The mechanism is not there: another is tried. */
static bool
says_no_mechanism(unsigned rv)
{
	return rv == 0x54 || rv == 0x63 || rv == 0x70 || rv == 0x71;
}

Test(p11_fault, every_value_of_sign)
{
	size_t i;

	cr_assert_geq(NALL, 95);
	for (i = 0; i < NALL; i++) {
		mock("key=%s/key.pem:k:01,fail=C_Sign:%x", dir, all[i].rv);
		open_ok("pkcs11:object=k");
		cr_assert_eq(sign(), FW_E_KEY, "%s", all[i].name);
		said("C_Sign", all[i].name);
		HAS("cannot sign with key object 'k' id 01 on token 'mock'");
		no_signature();
		cr_assert_eq(mock_calls("C_Sign"), 1, "no second try");
		cr_assert_not(fw_key_lost(key));
		close_key();
		cr_assert_eq(mock_calls("C_Login"), 1);
		cr_assert_eq(mock_calls("C_OpenSession"),
		    mock_calls("C_CloseSession"));
		cr_assert_eq(mock_calls("C_Finalize"), 1);
	}
}

Test(p11_fault, every_value_of_sign_init)
{
	size_t i;

	for (i = 0; i < NALL; i++) {
		const bool other = says_no_mechanism(all[i].rv);

		mock("key=%s/key.pem:k:01,fail=C_SignInit:%x", dir,
		    all[i].rv);
		open_ok("pkcs11:object=k");
		cr_assert_eq(sign(), other ? FW_OK : FW_E_KEY, "%s",
		    all[i].name);
		if (!other) {
			said("C_SignInit", all[i].name);
			no_signature();
		}
		cr_assert_eq(mock_calls("C_SignInit"), 1);
		cr_assert_eq(mock_calls("C_SignInit(combined)"), other);
		/* once learnt, the raw one is not asked for again */
		if (other) {
			cr_assert_eq(sign(), FW_OK);
			cr_assert_eq(mock_calls("C_SignInit"), 1);
		}
		close_key();
	}
}

/* Both are missing: what is said is what was said of the first. */
Test(p11_fault, no_mechanism_at_all)
{
	mock("key=%s/key.pem:k:01,fail=C_SignInit:71,"
	    "fail=C_SignInit(combined):70", dir);
	open_ok("pkcs11:object=k");
	cr_assert_eq(sign(), FW_E_KEY);
	said("C_SignInit", "MECHANISM_PARAM_INVALID");
	close_key();
	mock("key=%s/key.pem:k:01,fail=C_SignInit:70,"
	    "fail=C_SignInit(combined):30", dir);
	open_ok("pkcs11:object=k");
	cr_assert_eq(sign(), FW_E_KEY);
	said("C_SignInit", "DEVICE_ERROR");
}

Test(p11_fault, every_value_of_login_and_initialize)
{
	size_t i;

	for (i = 0; i < NALL; i++) {
		if (all[i].rv != 0x100) {
			mock("key=%s/key.pem:k:01,fail=C_Login:%x", dir,
			    all[i].rv);
			open_fails("pkcs11:object=k", FW_E_KEY,
			    "token 'mock' (serial 0000): C_Login failed");
			said("C_Login", all[i].name);
			cr_assert_eq(mock_calls("C_Login"), 1);
			cr_assert_eq(mock_calls("C_Finalize"), 1);
		}
		/* p11-kit takes "already initialized" for success */
		if (all[i].rv == 0x191)
			continue;
		mock("key=%s/key.pem:k:01,fail=C_Initialize:%x", dir,
		    all[i].rv);
		open_fails("pkcs11:object=k", FW_E_KEY, mock_module);
		said("C_Initialize", all[i].name);
		cr_assert_eq(mock_calls("C_OpenSession"), 0);
	}
	mock("key=%s/key.pem:k:01,fail=C_Initialize:7", dir);
	open_fails("pkcs11:object=k", FW_E_KEY, "set x-init-reserved");
}

/* ---- tokens that go away ------------------------------------------------ */

static void
goes_away(const char *how, const char *name)
{
	int i;

	mock("key=%s/key.pem:k:01,%s=3", dir, how);
	open_ok("pkcs11:object=k");
	for (i = 0; i < 3; i++)
		cr_assert_eq(sign(), FW_OK, "%s", err.text);
	cr_assert_not(fw_key_lost(key));
	cr_assert_eq(sign(), FW_E_KEY);
	said("C_SignInit", name);
	no_signature();
	cr_assert(fw_key_lost(key));
	/* and nothing is asked of it any more */
	for (i = 0; i < 3; i++) {
		cr_assert_eq(sign(), FW_E_KEY);
		HAS("the token was lost before (put it back and start again)");
		no_signature();
	}
	cr_assert_eq(mock_calls("C_SignInit"), 4);
	close_key();
	cr_assert_eq(mock_calls("C_Login"), 1, "no PIN is sent to another");
	cr_assert_eq(mock_calls("C_OpenSession"), 2);
	cr_assert_geq(mock_calls("C_CloseSession"), 1);
	cr_assert_eq(mock_calls("C_Finalize"), 1);
}

Test(p11_fault, token_removed)
{
	goes_away("removed", "DEVICE_REMOVED");
}

Test(p11_fault, session_lost)
{
	goes_away("lost", "SESSION_HANDLE_INVALID");
}

/* A session that a module ends while the login stays: it can go on. */
Test(p11_fault, session_ends_alone)
{
	mock("key=%s/key.pem:k:01,fail=C_Sign:b3", dir);
	open_ok("pkcs11:object=k");
	cr_assert_eq(sign(), FW_E_KEY);
	said("C_Sign", "SESSION_HANDLE_INVALID");
	cr_assert_not(fw_key_lost(key));
	mock_only("key=%s/key.pem:k:01", dir);
	cr_assert_eq(sign(), FW_OK, "%s", err.text);
	close_key();
	cr_assert_eq(mock_calls("C_Login"), 1);
}

/* Only a token that stays away is none: the look is repeated once. */
Test(p11_fault, removed_before_the_start)
{
	mock("key=%s/key.pem:k:01,removed=0", dir);
	open_fails("pkcs11:object=k", FW_E_KEY, "there is no token");
	cr_assert_eq(mock_calls("C_Initialize"), 2);
	cr_assert_eq(mock_calls("C_Finalize"), 2);
	cr_assert_eq(mock_calls("C_Login"), 0);
}

Test(p11_fault, two_tokens_of_one_label)
{
	mock("key=%s/key.pem:k:01,tokens=2,serials", dir);
	open_fails("pkcs11:token=mock;object=k", FW_E_KEY, "2 tokens match "
	    "the key URI (make it name one of: token 'mock' serial '0001' "
	    "slot-id 1 ");
	HAS("token 'mock' serial '0002' slot-id 2 ");
	cr_assert_eq(mock_calls("C_OpenSession"), 0);
	cr_assert_eq(mock_calls("C_Login"), 0);
	open_ok("pkcs11:token=mock;serial=0002;object=k");
	cr_assert_not_null(strstr(fw_key_label(key), "(serial 0002)"));
	cr_assert_eq(sign(), FW_OK);
}

Test(p11_fault, write_protected_token_signs)
{
	mock("key=%s/key.pem:k:01,wp", dir);
	open_ok("pkcs11:token=mock;object=k");
	cr_assert_eq(sign(), FW_OK, "%s", err.text);
}

/* ---- modules that end the program --------------------------------------- */

static void
open_sign_free(void)
{
	if (open_with_pin("pkcs11:object=k") == FW_OK && sign() == FW_OK) {
		fw_key_free(key);
		_exit(0);
	}
	(void)dprintf(2, "%s\n", err.text);
	fw_key_free(key);
	_exit(1);
}

/* Start it in a child whose stderr can be read. */
static pid_t
start(int *out)
{
	int fd[2];
	pid_t pid;

	cr_assert_eq(pipe(fd), 0);
	pid = fork();
	cr_assert_neq(pid, -1);
	if (pid == 0) {
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGTERM, SIG_DFL);
		(void)signal(SIGHUP, SIG_DFL);
		(void)dup2(fd[1], 2);
		(void)close(fd[0]);
		(void)close(fd[1]);
		open_sign_free();
	}
	(void)close(fd[1]);
	*out = fd[0];
	return pid;
}

/* All it says, and how it ends. */
static int
finish(pid_t pid, int from, char *text, size_t room)
{
	size_t n = 0;
	ssize_t got;
	int status = 0;

	while (n + 1 < room && (got = read(from, text + n, room - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	cr_assert_eq(close(from), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void
ends(const char *how, const char *call, const char *did, const char *with)
{
	char text[4096], want[PATH_MAX + 128];
	pid_t pid;
	int fd, status;

	mock("key=%s/key.pem:k:01,%s=%s", dir, how, call);
	pid = start(&fd);
	status = finish(pid, fd, text, sizeof text);
	cr_assert(WIFEXITED(status), "%s: %s", call, text);
	cr_assert_eq(WEXITSTATUS(status), 3, "%s %s: %d %s", how, call,
	    WEXITSTATUS(status), text);
	(void)snprintf(want, sizeof want, ": PKCS #11 module '%s' %s in %s%s "
	    "(", mock_module, did, call, with);
	cr_assert_not_null(strstr(text, want), "'%s': '%s'", want, text);
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1,
	    "one line: '%s'", text);
}

Test(p11_fault, modules_that_crash_or_exit)
{
	static const char *const call[] = { "C_Initialize", "C_GetSlotList",
		"C_GetTokenInfo", "C_OpenSession", "C_GetSessionInfo",
		"C_Login", "C_FindObjectsInit", "C_FindObjects",
		"C_FindObjectsFinal", "C_GetAttributeValue", "C_SignInit",
		"C_Sign", "C_CloseSession", "C_Finalize" };
	size_t i;

	for (i = 0; i < sizeof call / sizeof call[0]; i++) {
		ends("crash", call[i], "crashed", " with SIGSEGV");
		ends("abort", call[i], "crashed", " with SIGABRT");
		ends("exit", call[i], "ended the program", "");
	}
}

/* A crash of our own is none of the module's. */
static void
own_crash(void)
{
	open_ok("pkcs11:object=k");
	(void)raise(SIGSEGV);
	(void)raise(SIGSEGV);
	_exit(0);
}

Test(p11_fault, own_crashes_stay_ours)
{
	char text[4096];
	int fd[2], status;
	pid_t pid;

	mock("key=%s/key.pem:k:01", dir);
	cr_assert_eq(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fd[1], 2);
		(void)close(fd[0]);
		(void)close(fd[1]);
		own_crash();
	}
	(void)close(fd[1]);
	status = finish(pid, fd[0], text, sizeof text);
	cr_assert(!WIFEXITED(status) || WEXITSTATUS(status) > 3);
	cr_assert_null(strstr(text, "PKCS #11 module"), "%s", text);
}

/* The handlers are as before once the key is free. */
Test(p11_fault, handlers_are_restored)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction before[5], after;
	size_t i;

	for (i = 0; i < 5; i++)
		cr_assert_eq(sigaction(sigs[i], NULL, &before[i]), 0);
	open_mock();
	close_key();
	for (i = 0; i < 5; i++) {
		cr_assert_eq(sigaction(sigs[i], NULL, &after), 0);
		cr_assert_eq(before[i].sa_handler, after.sa_handler);
	}
}

/* ---- modules that take their time --------------------------------------- */

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Wait until the module was called so. */
static void
wait_for(const char *call)
{
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };
	const double end = now() + 60;

	while (mock_calls(call) == 0) {
		cr_assert_lt(now(), end, "%s is not called", call);
		(void)nanosleep(&tick, NULL);
	}
}

/* A token that hangs in that call, and a signal: how long until the end? */
static void
hangs(const char *call, int which)
{
	char text[4096], want[PATH_MAX + 128];
	double begin, took;
	pid_t pid;
	int fd, status;

	mock("key=%s/key.pem:k:01,slow=%s:600000", dir, call);
	pid = start(&fd);
	wait_for(call);
	begin = now();
	cr_assert_eq(kill(pid, which), 0);
	status = finish(pid, fd, text, sizeof text);
	took = now() - begin;
	cr_assert(WIFSIGNALED(status), "%s: status %#x: %s", call,
	    (unsigned)status, text);
	cr_assert_eq(WTERMSIG(status), which);
	cr_assert_lt(took, 8, "%s took %f s", call, took);
	(void)snprintf(want, sizeof want, ": interrupted: PKCS #11 module '%s' "
	    "did not come back from %s within 3 seconds (", mock_module, call);
	cr_assert_not_null(strstr(text, want), "'%s': '%s'", want, text);
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1,
	    "one line: '%s'", text);
}

Test(p11_fault, hanging_sign)
{
	hangs("C_Sign", SIGINT);
	/* its session was closed from outside */
	cr_assert_eq(mock_calls("C_CloseSession") +
	    mock_calls("C_CloseAllSessions"), 1);
	hangs("C_Sign", SIGTERM);
	hangs("C_Sign", SIGHUP);
}

Test(p11_fault, hanging_elsewhere)
{
	hangs("C_Initialize", SIGINT);
	hangs("C_Login", SIGINT);
	hangs("C_CloseSession", SIGINT);
	hangs("C_Finalize", SIGTERM);
}

/* A slow one is waited for, and left in order. */
Test(p11_fault, slow_sign)
{
	char text[4096];
	double begin;
	pid_t pid;
	int fd, status;

	mock("key=%s/key.pem:k:01,slow=C_Sign:1500", dir);
	pid = start(&fd);
	wait_for("C_Sign");
	begin = now();
	cr_assert_eq(kill(pid, SIGINT), 0);
	status = finish(pid, fd, text, sizeof text);
	cr_assert(WIFSIGNALED(status));
	cr_assert_eq(WTERMSIG(status), SIGINT);
	cr_assert_lt(now() - begin, 5);
	cr_assert_null(strstr(text, "did not come back"), "%s", text);
	cr_assert_eq(mock_calls("C_OpenSession"),
	    mock_calls("C_CloseSession"));
	cr_assert_eq(mock_calls("C_Finalize"), 1);
}

/* ---- files that are no module ------------------------------------------- */

static char path[128];

static void
no_module(const char *want)
{
	char whole[256];

	opt.module = path;
	(void)snprintf(whole, sizeof whole, "cannot load the PKCS #11 module "
	    "'%s'", path);
	open_fails("pkcs11:object=k", FW_E_KEY, whole);
	HAS(want);
	cr_assert_null(strchr(err.text, '\n'), "%s", err.text);
}

/* A copy of the mock with one byte changed. */
static void
mock_changed(off_t at, unsigned char value)
{
	FILE *f;

	run("cp '%s' '%s'", mock_module, path);
	f = fopen(path, "r+");
	cr_assert_not_null(f);
	cr_assert_eq(fseeko(f, at, SEEK_SET), 0);
	cr_assert_eq(fputc(value, f), value);
	cr_assert_eq(fclose(f), 0);
}

Test(p11_fault, module_paths)
{
	Dl_info info;

	mock("key=%s/key.pem:k:01", dir);
	(void)snprintf(path, sizeof path, "%s/module.so", dir);
	no_module("No such file or directory (is its package installed?)");
	cr_assert_eq(mkdir(path, 0700), 0);
	no_module("it is a folder (name the .so file in it)");
	cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	no_module("it is no regular file");
	cr_assert_eq(unlink(path), 0);
	run(": >'%s'", path);
	no_module("it is no shared library (name the .so file itself)");
	run("echo 'INPUT(-lc)' >'%s'", path);
	no_module("it is no shared library");
	/* e_machine, little endian: AArch64 or s390 here, whatever we are */
	mock_changed(18, 22);
	no_module("it is for s390, and this program is for ");
	HAS("(install the module for this architecture)");
	mock_changed(4, 1);
	no_module("install the module for this architecture");
	mock_changed(16, 1);
	no_module("it is no shared library");
	cr_assert_neq(dladdr((void *)(uintptr_t)OpenSSL_version_num, &info),
	    0);
	run("ln -sf \"$(readlink -f '%s')\" '%s'", info.dli_fname, path);
	no_module("it is a library without C_GetFunctionList (name a "
	    "PKCS #11 module)");
	opt.module = mock_module;
	mock("key=%s/key.pem:k:01,badlist", dir);
	open_fails("pkcs11:object=k", FW_E_KEY, "cannot load the PKCS #11");
	cr_assert_eq(mock_calls("C_Initialize"), 0);
}

Test(p11_fault, module_that_misses_a_library)
{
	(void)snprintf(path, sizeof path, "%s/module.so", dir);
	run("cd '%s' && echo 'int x(void);int x(void){return 1;}' >x.c && "
	    "cc -shared -fPIC -o libgone.so x.c && "
	    "echo 'int x(void);int C_GetFunctionList(void);"
	    "int C_GetFunctionList(void){return x();}' >y.c && "
	    "cc -shared -fPIC -o module.so y.c -L. -lgone -Wl,--no-as-needed "
	    "&& rm libgone.so", dir);
	no_module("libgone.so: cannot open shared object file");
	HAS("(install what it needs)");
}

/* A path relative to the current folder is just that. */
Test(p11_fault, relative_path)
{
	char before[PATH_MAX];

	mock("key=%s/key.pem:k:01", dir);
	cr_assert_not_null(getcwd(before, sizeof before));
	run("ln -s '%s' '%s/m.so'", mock_module, dir);
	cr_assert_eq(chdir(dir), 0);
	opt.module = "./m.so";
	open_ok("pkcs11:object=k");
	cr_assert_eq(sign(), FW_OK);
	close_key();
	cr_assert_eq(chdir(before), 0);
}

/* One that is cut short may do anything while it is loaded, but not in
   silence, and nothing else than refuse or end with status 3. */
Test(p11_fault, truncated_module)
{
	char text[4096];
	struct stat st;
	int fd, status;
	long part;
	pid_t pid;

	mock("key=%s/key.pem:k:01", dir);
	(void)snprintf(path, sizeof path, "%s/module.so", dir);
	cr_assert_eq(stat(mock_module, &st), 0);
	opt.module = path;
	for (part = 0; part < 32; part++) {
		run("head -c %ld '%s' >'%s'", st.st_size * part / 32,
		    mock_module, path);
		pid = start(&fd);
		status = finish(pid, fd, text, sizeof text);
		cr_assert(WIFEXITED(status), "%ld/32: %#x %s", part,
		    (unsigned)status, text);
		if (WEXITSTATUS(status) == 0)
			continue;	/* only debugging data was cut */
		cr_assert(WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == 3,
		    "%ld/32: %d %s", part, WEXITSTATUS(status), text);
		cr_assert_not_null(strstr(text, path), "%ld/32: '%s'", part,
		    text);
	}
}
