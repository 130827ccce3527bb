/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of tokens share: keys, a PKI made once, the mock's controls. */
#ifndef TESTDATA_P11_H
#define TESTDATA_P11_H

#include <criterion/hooks.h>
#include <libgen.h>
#include <limits.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <termios.h>

#include "testdata/sig.h"

static const char *pki;			/* folder made once, for all tests */
static char dir[64];			/* of one test */
static char mock_module[PATH_MAX];
static struct fw_error err;
static struct fw_key *key;
static struct sig_warned warned;
static struct fw_key_options opt;
static const char *pin_in_uri;		/* added to URIs; or NULL */
static EVP_PKEY *made;			/* the key in dir/key.pem */
static struct fw_buf spki;

#define HAS(part) cr_assert_not_null(strstr(err.text, (part)), "%s", err.text)

static const char *
scratch(void)
{
	const char *const tmp = getenv("TMPDIR");

	return tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp";
}

/* Run a shell command that must succeed. */
static inline void
run(const char *fmt, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	if (system(command) != 0) {
		(void)fprintf(stderr, "failed: %s\n", command);
		abort();
	}
}

/* The mock module lies two folders above this program. */
static inline void
find_mock(void)
{
	char exe[PATH_MAX - 64];
	const ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	cr_assert_gt(n, 0);
	exe[n] = '\0';
	(void)snprintf(mock_module, sizeof mock_module, "%s/mock_p11.so",
	    dirname(dirname(dirname(exe))));
}

static inline void
release_made(void)
{
	EVP_PKEY_free(made);
	made = NULL;
	fw_buf_deinit(&spki);
}

/* Make a key of that name in dir/key.pem. */
static inline void
mock_key(const char *name)
{
	static char last[32];
	char path[128];

	if (made != NULL && strcmp(last, name) == 0)
		return;			/* RSA keys take their time */
	(void)snprintf(last, sizeof last, "%s", name);
	release_made();
	made = sig_key(name);
	(void)snprintf(path, sizeof path, "%s/key.pem", dir);
	sig_key_write(made, path, NULL);
}

static inline struct fwd_span
made_spki(void)
{
	unsigned char *der = NULL;
	const int n = i2d_PUBKEY(made, &der);

	fw_buf_deinit(&spki);
	cr_assert_eq(fw_buf_add(&spki, der, (size_t)n, &err), FW_OK);
	OPENSSL_free(der);
	return fw_buf_span(&spki);
}

/* Change the mock's settings; for mock() see there. */
static inline void
mock_vset(const char *fmt, va_list ap)
{
	char settings[4096];

	(void)vsnprintf(settings, sizeof settings, fmt, ap);
	cr_assert_eq(setenv("MOCK_P11", settings, 1), 0);
}

static inline void
mock_only(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	mock_vset(fmt, ap);
	va_end(ap);
}

/* Change the settings and begin a new log. */
static inline void
mock(const char *fmt, ...)
{
	char log[128];
	va_list ap;

	va_start(ap, fmt);
	mock_vset(fmt, ap);
	va_end(ap);
	(void)snprintf(log, sizeof log, "%s/log", dir);
	(void)unlink(log);
	cr_assert_eq(setenv("MOCK_P11_LOG", log, 1), 0);
}

/* How often a call was made since mock(). */
static inline size_t
mock_calls(const char *call)
{
	char line[64], path[128];
	size_t n = 0;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/log", dir);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		n += strcmp(line, call) == 0;
	}
	if (f != NULL)
		(void)fclose(f);
	return n;
}

static inline void
mock_setup(void)
{
	find_mock();
	pki = getenv("FW_TEST_PKI");
	cr_assert_not_null(pki);
	(void)snprintf(dir, sizeof dir, "%s/fw-p11.XXXXXX", scratch());
	cr_assert_not_null(mkdtemp(dir));
	opt = (struct fw_key_options)FW_KEY_OPTIONS_NONE;
	opt.module = mock_module;
	opt.no_prompt = true;
	opt.warn = sig_warn;
	opt.warn_ctx = &warned;
	pin_in_uri = "pin-value=1234";
	mock_key("p256");
}

static inline void
mock_teardown(void)
{
	fw_key_free(key);
	release_made();
	run("rm -rf '%s'", dir);
}

/* Open the key with the PIN of pin_in_uri. */
static inline enum fw_kind
open_with_pin(const char *uri)
{
	char text[2048];

	cr_assert_null(key);
	(void)snprintf(text, sizeof text, "%s%s%s", uri,
	    pin_in_uri ? "?" : "", pin_in_uri ? pin_in_uri : "");
	return fw_key_open(text, &opt, &key, &err);
}

static inline void
open_ok(const char *uri)
{
	cr_assert_eq(open_with_pin(uri), FW_OK, "%s: %s", uri, err.text);
	cr_assert_not_null(key);
}

static inline void
open_fails(const char *uri, enum fw_kind kind, const char *want)
{
	cr_assert_eq(open_with_pin(uri), kind, "%s: %s", uri, err.text);
	cr_assert_null(key);
	HAS(want);
}

static inline void
close_key(void)
{
	fw_key_free(key);
	key = NULL;
}

/* A token with one key, k, that behaves. */
static inline void
open_mock(void)
{
	mock("key=%s/key.pem:k:01", dir);
	open_ok("pkcs11:token=mock;object=k");
}

/* Give the key the public half of a new one. */
static inline void
set_public_of(const char *name, enum fw_kind want)
{
	EVP_PKEY *const other = sig_key(name);
	unsigned char *der = NULL;
	const int n = i2d_PUBKEY(other, &der);

	cr_assert_eq(fw_key_set_public(key, (struct fwd_span){ der,
	    (size_t)n }, &err), want, "%s", err.text);
	OPENSSL_free(der);
	EVP_PKEY_free(other);
}

#ifndef P11_OWN_PKI
/*
 * Certificates of file keys, and one more for the same signer's key.  Each
 * test is a process of its own, which knows the folder by its environment.
 */
ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	char folder[64];

	(void)tests;
	(void)snprintf(folder, sizeof folder, "%s/fw-pki.XXXXXX", scratch());
	if (mkdtemp(folder) == NULL || setenv("FW_TEST_PKI", folder, 1) != 0)
		abort();
	run("testdata/pki/mkpki.sh --files '%s' p256", folder);
	run("openssl req -new -x509 -key '%s/p256/release.key' "
	    "-subj '/CN=renewed' -days 2 -out '%s/renewed.pem'", folder,
	    folder);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	(void)stats;
	run("rm -rf '%s'", getenv("FW_TEST_PKI"));
}
#endif

#endif
