/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PINs and logins, signals and the prompt, against testdata/mock_p11.c, whose
 * log tells how often a login was tried.
 */
#include "testdata/p11.h"

TestSuite(p11_login, .init = mock_setup, .fini = mock_teardown,
    .timeout = 600);

static const struct fwd_span msg[] = {
	{ (const uint8_t *)"to be ", 6 }, { (const uint8_t *)"signed", 6 },
};
static const char whole[] = "to be signed";

static uint8_t sig[FWD_SIG_MAX];
static size_t sig_n;

static void
sign_ok(const struct sig_case *c)
{
	cr_assert_eq(fw_key_sign(key, c->alg, msg, 2, sig, &sig_n, &err),
	    FW_OK, "%s", err.text);
	cr_assert(sig_good(made, c, whole, sizeof whole - 1, sig, sig_n));
	cr_assert_eq(mock_calls("C_Sign(size)"), 0);
}

/* ---- PINs ------------------------------------------------------------------------ */

/* One wrong PIN, with these tries left before. */
static void
wrong_pin(int tries, const char *more, const char *want, size_t logins)
{
	mock("key=%s/key.pem:k:01,pin=5678,tries=%d%s", dir, tries, more);
	open_fails("pkcs11:object=k", FW_E_KEY, want);
	cr_assert_eq(mock_calls("C_Login"), logins, "%zu logins",
	    mock_calls("C_Login"));
	cr_assert_eq(mock_calls("C_Login(context)"), 0);
	cr_assert_eq(mock_calls("C_Finalize"), 1);
	cr_assert_null(strstr(err.text, "1234"), "the PIN is shown");
	HAS("token 'mock' (serial 0000)");
}

Test(p11_login, wrong_pin_is_tried_once)
{
	wrong_pin(9, "", "C_Login failed: CKR_PIN_INCORRECT: the PIN is wrong "
	    "(the token does not say how many tries", 1);
	wrong_pin(3, "", "C_Login failed: CKR_PIN_INCORRECT: the PIN is wrong "
	    "(the token says that few tries are left", 1);
	cr_assert_null(strstr(warned.text, "few tries"));
	wrong_pin(2, "", "(the token says that one try is left", 1);
	cr_assert_not_null(strstr(warned.text, "few tries for the PIN"));
	wrong_pin(2, ",noflags", "does not say how many tries", 1);
}

Test(p11_login, final_try)
{
	wrong_pin(1, "", "one more wrong PIN locks it; no PIN was sent", 0);
	opt.final_try = true;
	wrong_pin(1, "", "the token says that it is locked now", 1);
	cr_assert_not_null(strstr(warned.text, "this is the final try"));
	mock("key=%s/key.pem:k:01,tries=1", dir);
	open_ok("pkcs11:object=k");
}

Test(p11_login, locked)
{
	wrong_pin(0, "", "is locked (unlock it", 0);
	opt.final_try = true;
	wrong_pin(0, "", "is locked (unlock it", 0);
	wrong_pin(0, ",noflags", "CKR_PIN_LOCKED: the PIN is locked", 1);
}

Test(p11_login, pin_of_impossible_length)
{
	static const struct {
		const char *limits, *want;
	} cases[] = {
		{ "minpin=5", "too short; it was not tried (its PINs have at "
		    "least 5" },
		{ "maxpin=3", "too long; it was not tried (its PINs have at "
		    "most 3" },
	};
	static const char *const fine[] = { "minpin=4,maxpin=4", "maxpin=0",
		"minpin=0xffffffffffffffff,maxpin=0xffffffffffffffff" };
	size_t i;

	for (i = 0; i < 2; i++) {
		mock("key=%s/key.pem:k:01,%s", dir, cases[i].limits);
		open_fails("pkcs11:object=k", FW_E_KEY, cases[i].want);
		cr_assert_eq(mock_calls("C_Login"), 0);
	}
	for (i = 0; i < 3; i++) {
		mock("key=%s/key.pem:k:01,%s", dir, fine[i]);
		open_ok("pkcs11:object=k");
		close_key();
	}
}

Test(p11_login, pin_entered_at_the_token)
{
	opt.pin_env = NULL;
	pin_in_uri = NULL;
	mock("key=%s/key.pem:k:01,pad,always", dir);
	open_ok("pkcs11:object=k");
	cr_assert_not_null(strstr(warned.text, "enter the PIN at token"));
	sign_ok(&sig_cases[0]);
	close_key();
	cr_assert_eq(mock_calls("C_Login"), 1);
	cr_assert_eq(mock_calls("C_Login(context)"), 1);
	mock("key=%s/key.pem:k:01,padwrong", dir);
	open_fails("pkcs11:object=k", FW_E_KEY, "CKR_PIN_INCORRECT");
	cr_assert_eq(mock_calls("C_Login"), 1);
}

Test(p11_login, no_pin_is_never_an_empty_one)
{
	pin_in_uri = NULL;
	mock("key=%s/key.pem:k:01", dir);
	open_fails("pkcs11:object=k", FW_E_KEY, "there is no PIN for token");
	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(setenv("FW_TEST_PIN", "", 1), 0);
	open_fails("pkcs11:object=k", FW_E_KEY, "is empty");
	cr_assert_eq(mock_calls("C_Login"), 0);
}

Test(p11_login, pin_sources)
{
	char file[128], text[512];
	FILE *f;
	size_t i;
	static const struct {
		const char *content, *want;
	} cases[] = {
		{ "1234", NULL }, { "1234\n", NULL },
		{ "1234\n\n", "control character" },
		{ "1234\r\n", "control character" },
		{ "\n", "is empty" }, { "", "is empty" },
	};

	(void)snprintf(file, sizeof file, "%s/a pin", dir);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		f = fopen(file, "w");
		(void)fputs(cases[i].content, f);
		cr_assert_eq(fclose(f), 0);
		(void)snprintf(text, sizeof text, "pin-source=%s/a%%20pin",
		    dir);
		pin_in_uri = text;
		mock("key=%s/key.pem:k:01", dir);
		if (cases[i].want == NULL)
			open_ok("pkcs11:object=k"), close_key();
		else
			open_fails("pkcs11:object=k", FW_E_KEY,
			    cases[i].want);
		cr_assert_eq(mock_calls("C_Login"), cases[i].want == NULL);
	}
	f = fopen(file, "w");
	(void)fputs("1234\n", f);
	cr_assert_eq(fclose(f), 0);
	/* A file: URI is decoded once more; several spellings are one. */
	for (i = 0; i < 4; i++) {
		static const char *const form[] = { "file:%s/a%%2520pin",
			"file://%s/a%%2520pin", "FILE://localhost%s/a%%2520pin",
			"%s/./a%%20pin" };
		int n = snprintf(text, sizeof text, "pin-source=");

		#pragma GCC diagnostic push
		#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(text + n, sizeof text - (size_t)n, form[i],
		    dir);
		#pragma GCC diagnostic pop
		mock("key=%s/key.pem:k:01", dir);
		open_ok("pkcs11:object=k");
		close_key();
	}
}

Test(p11_login, pin_sources_that_are_none)
{
	static const struct {
		const char *source, *want;
	} cases[] = {
		{ "pin-source=|cat%20x", "is not run" },
		{ "pin-source=/nonexistent/pin", "cannot read the PIN" },
		{ "pin-source=http:x", "neither a path nor a file: URI" },
		{ "pin-source=file:x", "does not name an absolute path" },
		{ "pin-source=file://host/x", "does not name an absolute" },
		{ "pin-source=file:/x%25", "hexadecimal digits" },
		{ "pin-source=file:/x%2500", "has a NUL" },
		{ "pin-source=/", "cannot read the PIN" },
	};
	size_t i;

	mock("key=%s/key.pem:k:01", dir);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		pin_in_uri = cases[i].source;
		open_fails("pkcs11:object=k", cases[i].want[0] == 'h' &&
		    cases[i].want[1] == 'e' ? FW_E_INPUT : FW_E_KEY,
		    cases[i].want);
		cr_assert_eq(mock_calls("C_Login"), 0);
	}
}

Test(p11_login, pin_file_that_all_can_read)
{
	char text[256], file[128];
	FILE *f;
	int mode;

	(void)snprintf(file, sizeof file, "%s/pin", dir);
	(void)snprintf(text, sizeof text, "pin-source=%s/pin", dir);
	pin_in_uri = text;
	f = fopen(file, "w");
	(void)fputs("1234\n", f);
	cr_assert_eq(fclose(f), 0);
	for (mode = 0600; mode <= 0604; mode += 4) {
		cr_assert_eq(chmod(file, (mode_t)mode), 0);
		warned = (struct sig_warned){ 0 };
		mock("key=%s/key.pem:k:01", dir);
		open_ok("pkcs11:object=k");
		close_key();
		cr_assert_eq(warned.n, mode == 0604);
	}
}

Test(p11_login, pin_in_uri_is_warned_of)
{
	open_mock();
	cr_assert_eq(warned.n, 1);
	cr_assert_not_null(strstr(warned.text, "use pin-source"));
}

Test(p11_login, options_go_before_the_uri)
{
	pin_in_uri = "pin-value=9999";
	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(setenv("FW_TEST_PIN", "1234", 1), 0);
	open_mock();
	cr_assert_null(getenv("FW_TEST_PIN"));
}

/* What a module starts, such as p11-kit's "remote", does not inherit it. */
Test(p11_login, no_pin_in_the_environment_of_modules)
{
	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(setenv("FW_TEST_PIN", "1234", 1), 0);
	mock("key=%s/key.pem:k:01,noenv=FW_TEST_PIN", dir);
	open_ok("pkcs11:object=k");
	cr_assert_null(getenv("FW_TEST_PIN"));
	close_key();
	/* Where it was not needed it is still there for the next key. */
	cr_assert_eq(setenv("FW_TEST_PIN", "1234", 1), 0);
	mock("key=%s/key.pem:k:01,noenv=FW_TEST_PIN,nologin", dir);
	open_ok("pkcs11:object=k");
	cr_assert_str_eq(getenv("FW_TEST_PIN"), "1234");
	close_key();
	open_fails("pkcs11:object=other", FW_E_KEY, "no private key");
	cr_assert_str_eq(getenv("FW_TEST_PIN"), "1234");
}

Test(p11_login, always_authenticate_keeps_the_pin_and_asks_once)
{
	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(setenv("FW_TEST_PIN", "1234", 1), 0);
	mock("key=%s/key.pem:k:01,always", dir);
	open_ok("pkcs11:object=k");
	sign_ok(&sig_cases[0]);
	sign_ok(&sig_cases[0]);
	sign_ok(&sig_cases[0]);
	cr_assert_eq(mock_calls("C_Login"), 1);
	cr_assert_eq(mock_calls("C_Login(context)"), 3);
}

Test(p11_login, always_authenticate_refused)
{
	mock("key=%s/key.pem:k:01,always,fail=C_Login(context):a0", dir);
	open_ok("pkcs11:object=k");
	cr_assert_eq(fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err),
	    FW_E_KEY);
	HAS("C_Login failed: CKR_PIN_INCORRECT");
	cr_assert_eq(fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err),
	    FW_E_KEY);
	HAS("is not tried again");
	cr_assert_eq(mock_calls("C_Login(context)"), 1);
}

/* Two signers on one token: one login, and a PIN is asked for once. */
Test(p11_login, two_keys_one_login)
{
	struct fw_key *other;

	opt.pin_env = "FW_TEST_PIN";
	cr_assert_eq(setenv("FW_TEST_PIN", "1234", 1), 0);
	mock("key=%s/key.pem:k:01,key=%s/p256/release.key:r:02", dir, pki);
	open_ok("pkcs11:object=r");
	other = key;
	key = NULL;
	open_ok("pkcs11:object=k");
	cr_assert_eq(mock_calls("C_Login"), 1);
	fw_key_free(other);		/* does not end it for the other */
	cr_assert_eq(mock_calls("C_Finalize"), 0);
	sign_ok(&sig_cases[0]);
	close_key();
	cr_assert_eq(mock_calls("C_Finalize"), 1);
}

/* ---- signals -------------------------------------------------------------------------- */

/* Run fn in a child; its wait status. */
static int
in_child(void (*fn)(void))
{
	const pid_t pid = fork();
	int status = 0;

	cr_assert_neq(pid, -1);
	if (pid == 0) {
		fn();
		_exit(99);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int signal_sent;

static void
signalled(void)
{
	mock("key=%s/key.pem:k:01", dir);
	open_ok("pkcs11:object=k");
	if (fw_interrupted())
		_exit(1);
	(void)raise(signal_sent);
	/* still here, and told */
	if (!fw_interrupted())
		_exit(2);
	if (fw_key_sign(key, FWD_ESP256, msg, 2, sig, &sig_n, &err) !=
	    FW_E_KEY || strstr(err.text, "interrupted") == NULL)
		_exit(3);
	if (mock_calls("C_Finalize") != 0)
		_exit(4);
	fw_key_free(key);		/* ends here */
}

Test(p11_login, signals_wait_until_the_token_is_left)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	size_t i;
	int status;

	for (i = 0; i < 3; i++) {
		signal_sent = sigs[i];
		status = in_child(signalled);
		cr_assert(WIFSIGNALED(status), "status %#x",
		    (unsigned)status);
		cr_assert_eq(WTERMSIG(status), sigs[i]);
		cr_assert_eq(mock_calls("C_Finalize"), 1);
		cr_assert_eq(mock_calls("C_SignInit"), 0);
	}
}

static void
nohup(void)
{
	(void)signal(SIGHUP, SIG_IGN);
	mock("key=%s/key.pem:k:01", dir);
	open_ok("pkcs11:object=k");
	(void)raise(SIGHUP);
	if (fw_interrupted())
		_exit(1);
	sign_ok(&sig_cases[0]);
	fw_key_free(key);
	_exit(0);
}

Test(p11_login, ignored_signals_stay_ignored)
{
	cr_assert_eq(in_child(nohup), 0);
}

/* The mask is as before, also after failures and with keys freed crosswise. */
Test(p11_login, signal_mask_is_restored)
{
	sigset_t before, after;
	struct fw_key *other;
	int s;

	cr_assert_eq(sigprocmask(SIG_BLOCK, NULL, &before), 0);
	mock("key=%s/key.pem:k:01", dir);
	open_ok("pkcs11:object=k");
	cr_assert_eq(sigprocmask(SIG_BLOCK, NULL, &after), 0);
	cr_assert_eq(sigismember(&after, SIGINT), 1);
	cr_assert_eq(sigismember(&after, SIGQUIT),
	    sigismember(&before, SIGQUIT));
	other = key;
	key = NULL;
	open_ok("pkcs11:object=k");
	fw_key_free(other);
	cr_assert_eq(sigprocmask(SIG_BLOCK, NULL, &after), 0);
	cr_assert_eq(sigismember(&after, SIGINT), 1);
	close_key();
	open_fails("pkcs11:object=x", FW_E_KEY, "no private key");
	open_fails("pkcs11:;", FW_E_INPUT, "malformed");
	cr_assert_eq(sigprocmask(SIG_BLOCK, NULL, &after), 0);
	for (s = 1; s < 32; s++)
		cr_assert_eq(sigismember(&before, s), sigismember(&after, s),
		    "signal %d", s);
}

/* ---- the prompt ----------------------------------------------------------------------- */

/* In a terminal of its own: what the person there types, and what is shown. */
static void
at_prompt(void)
{
	opt.no_prompt = false;
	pin_in_uri = NULL;
	mock("key=%s/key.pem:k:01", dir);
	if (fw_key_open("pkcs11:object=k", &opt, &key, &err) != FW_OK) {
		(void)dprintf(2, "%s\n", err.text);
		_exit(1);
	}
	fw_key_free(key);
	(void)dprintf(2, "opened\n");
	_exit(0);
}

/* Read until the text is there, or the terminal closes. */
static bool
until(int fd, char *seen, size_t room, const char *text)
{
	size_t n = strlen(seen);
	ssize_t got;

	while (strstr(seen, text) == NULL) {
		got = n + 1 < room ? read(fd, seen + n, room - 1 - n) : 0;
		if (got <= 0)
			return false;
		n += (size_t)got;
		seen[n] = '\0';
	}
	return true;
}

static int
prompted(const char *typed, char *seen, size_t room)
{
	struct termios mode;
	int fd = -1, status = 0;
	const pid_t pid = forkpty(&fd, NULL, NULL, NULL);

	cr_assert_neq(pid, -1);
	if (pid == 0)
		at_prompt();
	seen[0] = '\0';
	cr_assert(until(fd, seen, room,
	    "PIN for token 'mock' (serial 0000): "), "%s", seen);
	cr_assert_eq(tcgetattr(fd, &mode), 0);
	cr_assert_eq(mode.c_lflag & ECHO, 0, "the echo is on");
	cr_assert_eq(write(fd, typed, strlen(typed)), (ssize_t)strlen(typed));
	(void)until(fd, seen, room, "(the end)");
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(close(fd), 0);
	return status;
}

Test(p11_login, prompt)
{
	char seen[4096];

	cr_assert_eq(prompted("1234\n", seen, sizeof seen), 0, "%s", seen);
	cr_assert_not_null(strstr(seen, "opened"));
	cr_assert_null(strstr(seen, "1234"), "%s", seen);

	cr_assert_neq(prompted("4321\n", seen, sizeof seen), 0);
	cr_assert_not_null(strstr(seen, "CKR_PIN_INCORRECT"), "%s", seen);
	cr_assert_null(strstr(seen, "4321"));
	cr_assert_eq(mock_calls("C_Login"), 1);

	cr_assert_neq(prompted("\n", seen, sizeof seen), 0);
	cr_assert_not_null(strstr(seen, "is empty"), "%s", seen);
	cr_assert_neq(prompted("\x04", seen, sizeof seen), 0);
	cr_assert_not_null(strstr(seen, "is empty"), "%s", seen);
	cr_assert_eq(mock_calls("C_Login"), 0);
}

/* Control-C at the prompt: the token is left in order, then the end. */
Test(p11_login, prompt_interrupted)
{
	char seen[4096];
	const int status = prompted("12\x03", seen, sizeof seen);

	cr_assert(WIFSIGNALED(status), "%s", seen);
	cr_assert_eq(WTERMSIG(status), SIGINT);
	cr_assert_eq(mock_calls("C_Finalize"), 1);
	cr_assert_eq(mock_calls("C_Login"), 0);
}

/* Without a terminal there is nobody to ask. */
static void
without_terminal(void)
{
	(void)setsid();
	if (freopen("/dev/null", "w", stderr) == NULL)
		_exit(98);
	at_prompt();
}

Test(p11_login, no_terminal)
{
	const int status = in_child(without_terminal);

	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 1);
	cr_assert_eq(mock_calls("C_Login"), 0);
	cr_assert_eq(mock_calls("C_Finalize"), 1);
}
