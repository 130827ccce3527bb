/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a PIN comes from.  A wrong one costs a try of few, so that what cannot
 * be meant (nothing, two lines, control characters) is refused here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>

#include <openssl/crypto.h>

#include "host/key_internal.h"
#include "host/p11uri.h"

enum { WAIT_MS = 100 };			/* between looks for a signal */

void
fw_pin_wipe(struct fw_pin *pin)
{
	OPENSSL_cleanse(pin, sizeof *pin);
}

/* Judge what a source gave; from says which one, for the error. */
static enum fw_kind
pin_check(const struct fw_pin_ask *ask, const struct fw_pin *pin,
    const char *from, struct fw_error *err)
{
	size_t i;

	if (pin->n == 0)
		return fw_fail(err, FW_E_KEY, "the %s from %s is empty",
		    ask->what, from);
	for (i = 0; i < pin->n; i++)
		if (pin->p[i] < 0x20 || pin->p[i] == 0x7f)
			return fw_fail(err, FW_E_KEY, "the %s from %s has a "
			    "control character in it (a second line, or a "
			    "line end of another system); it was not tried",
			    ask->what, from);
	return FW_OK;
}

static enum fw_kind
too_long(const struct fw_pin_ask *ask, const char *from, struct fw_error *err)
{
	return fw_fail(err, FW_E_KEY, "the %s from %s is longer than %u bytes",
	    ask->what, from, FW_PIN_MAX);
}

static enum fw_kind
pin_set(const struct fw_pin_ask *ask, const char *text, const char *from,
    struct fw_pin *out, struct fw_error *err)
{
	const size_t n = strlen(text);

	if (n > FW_PIN_MAX)
		return too_long(ask, from, err);
	memcpy(out->p, text, n);
	out->p[n] = 0;
	out->n = n;
	return pin_check(ask, out, from, err);
}

/* Wait for what may never come, such as a pipe's; false when interrupted: while
   a key is opened, signals are held back. */
static bool
wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	int n;

	while ((n = poll(&p, 1, WAIT_MS)) <= 0) {
		if (fw_interrupted())
			return false;
		if (n < 0 && errno != EINTR)
			break;		/* reading says why */
	}
	return true;
}

/*
 * Read up to the end or, when line is set, the first line end, and no byte
 * further.  The line end is dropped.
 */
static enum fw_kind
pin_read(const struct fw_pin_ask *ask, int fd, bool line, const char *from,
    struct fw_pin *out, struct fw_error *err)
{
	ssize_t got;
	uint8_t c;

	for (;;) {
		if (!wait_for(fd))
			return fw_fail(err, FW_E_KEY, "interrupted while the "
			    "%s was waited for", ask->what);
		got = read(fd, &c, 1);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			return fw_fail_errno(err, FW_E_KEY,
			    "cannot read the %s from %s", ask->what, from);
		if (got == 0 || (line && c == '\n'))
			break;
		/* One more than fits: the line end of a file. */
		if (out->n > FW_PIN_MAX)
			return too_long(ask, from, err);
		out->p[out->n++] = c;
	}
	OPENSSL_cleanse(&c, 1);
	if (!line && out->n > 0 && out->p[out->n - 1] == '\n')
		out->n--;
	if (out->n > FW_PIN_MAX)
		return too_long(ask, from, err);
	out->p[out->n] = 0;
	return pin_check(ask, out, from, err);
}

static enum fw_kind
from_fd(const struct fw_pin_ask *ask, struct fw_pin *out,
    struct fw_error *err)
{
	char from[48];

	(void)snprintf(from, sizeof from, "file descriptor %d",
	    ask->opt->pin_fd);
	return pin_read(ask, ask->opt->pin_fd, true, from, out, err);
}

static enum fw_kind
from_env(const struct fw_pin_ask *ask, struct fw_pin *out,
    struct fw_error *err)
{
	const char *const name = ask->opt->pin_env;
	char *const value = getenv(name);
	char from[128];
	enum fw_kind kind;

	if (value == NULL)
		return fw_fail(err, FW_E_KEY, "there is no %s for %s: the "
		    "environment variable '%s' is not set", ask->what,
		    ask->of, name);
	(void)snprintf(from, sizeof from, "the environment variable '%s'",
	    name);
	kind = pin_set(ask, value, from, out, err);
	/* Neither children nor /proc shall see it any longer. */
	OPENSSL_cleanse(value, strlen(value));
	(void)unsetenv(name);
	return kind;
}

enum fw_kind
fw_pin_hide(const char *name, char **hidden, struct fw_error *err)
{
	char *const value = name != NULL ? getenv(name) : NULL;

	if (value == NULL)
		return FW_OK;
	*hidden = strdup(value);
	if (*hidden == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	OPENSSL_cleanse(value, strlen(value));
	(void)unsetenv(name);
	return FW_OK;
}

enum fw_kind
fw_pin_unhide(const char *name, char **hidden, struct fw_error *err)
{
	int rc;

	if (*hidden == NULL)
		return FW_OK;
	rc = setenv(name, *hidden, 0);
	OPENSSL_cleanse(*hidden, strlen(*hidden));
	free(*hidden);
	*hidden = NULL;
	return rc == 0 ? FW_OK : fw_fail(err, FW_E_NOMEM, "out of memory");
}

/* A pin-source is a path or a file: URI; *path is allocated. */
static enum fw_kind
source_path(const char *source, char **path, struct fw_error *err)
{
	const size_t scheme = strcspn(source, ":/");
	size_t n = 0;

	if (source[0] == '|')
		return fw_fail(err, FW_E_KEY, "a command as pin-source is not "
		    "run (give a file, or a PIN by file descriptor)");
	if (source[scheme] != ':' || scheme == 0) {
		*path = strdup(source);
		return *path ? FW_OK :
		    fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	if (strncasecmp(source, "file:", 5) != 0)
		return fw_fail(err, FW_E_KEY, "the pin-source '%s' is neither "
		    "a path nor a file: URI", source);
	source += 5;
	if (strncasecmp(source, "//localhost/", 12) == 0)
		source += 11;
	else if (strncmp(source, "///", 3) == 0)
		source += 2;
	if (source[0] != '/' || source[1] == '/')
		return fw_fail(err, FW_E_KEY, "the file: URI of pin-source "
		    "does not name an absolute path on this machine");
	if (fw_percent_decode(source, strlen(source), path, &n, err) != FW_OK)
		return fw_wrap(err, "the file: URI of pin-source");
	if (strlen(*path) != n)
		return fw_fail(err, FW_E_KEY, "the file: URI of pin-source "
		    "has a NUL in it");
	return FW_OK;
}

static enum fw_kind
from_file(const struct fw_pin_ask *ask, struct fw_pin *out,
    struct fw_error *err)
{
	FW_FREE char *path = NULL;
	FW_FREE char *from = NULL;
	FW_FD int fd = -1;
	struct stat st;

	FW_TRY(source_path(ask->source, &path, err));
	if (asprintf(&from, "the file '%s'", path) < 0) {
		from = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	/* Not to wait in here for who writes into a pipe. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		return fw_fail_errno(err, FW_E_KEY, "cannot read the %s from "
		    "%s", ask->what, from);
	if (S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0)
		fw_key_warn(ask->opt, "every user of this machine can read "
		    "the %s in '%s' (chmod 600)", ask->what, path);
	return pin_read(ask, fd, false, from, out, err);
}

/* ---- terminal ----------------------------------------------------------- */

struct tty {
	int fd, signals;
	bool changed;
	struct termios before;
};

static void
tty_close(struct tty *t)
{
	if (t->changed) {
		(void)tcsetattr(t->fd, TCSAFLUSH, &t->before);
		(void)!write(t->fd, "\n", 1);
	}
	if (t->fd >= 0)
		(void)close(t->fd);
	if (t->signals >= 0)
		(void)close(t->signals);
	/* Now, with the echo back, a signal that came may end the program. */
	fw_unhold();
}

static bool
tty_open(struct tty *t)
{
	struct termios quiet;
	sigset_t set;

	fw_hold();
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC);
	t->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->fd < 0 || t->signals < 0 || tcgetattr(t->fd, &t->before) != 0)
		return false;
	quiet = t->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	t->changed = tcsetattr(t->fd, TCSAFLUSH, &quiet) == 0;
	return t->changed;
}

/* Wait until there is a line, or a signal that is held back. */
static bool
tty_wait(const struct tty *t)
{
	struct pollfd p[] = {
		{ .fd = t->fd, .events = POLLIN },
		{ .fd = t->signals, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return false;
		if (p[1].revents != 0 || fw_interrupted())
			return false;
		if (p[0].revents != 0)
			return true;
	}
}

static enum fw_kind
from_tty(const struct fw_pin_ask *ask, struct fw_pin *out,
    struct fw_error *err)
{
	FW_CLEANUP(tty_close) struct tty t = { .fd = -1, .signals = -1 };
	ssize_t got;

	if (!tty_open(&t))
		return fw_fail(err, FW_E_KEY, "there is no %s for %s, and no "
		    "terminal to ask on (give a pin-source in the URI, an "
		    "environment variable or a file descriptor)", ask->what,
		    ask->of);
	(void)dprintf(t.fd, "%s for %s: ", ask->what, ask->of);
	if (!tty_wait(&t))
		return fw_fail(err, FW_E_KEY, "interrupted at the prompt for "
		    "the %s", ask->what);
	/* A terminal gives one line at a time. */
	got = read(t.fd, out->p, sizeof out->p);
	if (got < 0)
		return fw_fail_errno(err, FW_E_KEY,
		    "cannot read the %s from the terminal", ask->what);
	out->n = (size_t)got;
	if (out->n > 0 && out->p[out->n - 1] == '\n')
		out->n--;
	else if (out->n == sizeof out->p)
		return too_long(ask, "the terminal", err);
	out->p[out->n] = 0;
	return pin_check(ask, out, "the terminal", err);
}

static enum fw_kind
pin_find(const struct fw_pin_ask *ask, struct fw_pin *pin,
    struct fw_error *err)
{
	const struct fw_key_options *const opt = ask->opt;

	if (opt->pin_fd >= 0 && opt->pin_env != NULL)
		return fw_fail(err, FW_E_USAGE, "the %s is to come from a file "
		    "descriptor and from an environment variable (give one)",
		    ask->what);
	if (opt->pin_fd >= 0)
		return from_fd(ask, pin, err);
	if (opt->pin_env != NULL)
		return from_env(ask, pin, err);
	if (ask->source != NULL)
		return from_file(ask, pin, err);
	if (ask->value != NULL) {
		fw_key_warn(opt, "the PIN stands in the URI (pin-value), where "
		    "logs and other users may see it; use pin-source");
		return pin_set(ask, ask->value, "pin-value", pin, err);
	}
	if (opt->no_prompt)
		return fw_fail(err, FW_E_KEY, "there is no %s for %s (give a "
		    "pin-source in the URI, an environment variable or a file "
		    "descriptor)", ask->what, ask->of);
	return from_tty(ask, pin, err);
}

enum fw_kind
fw_pin_get(const struct fw_pin_ask *ask, struct fw_pin *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_pin_wipe) struct fw_pin pin = { .n = 0 };

	FW_TRY(pin_find(ask, &pin, err));
	*out = pin;
	return FW_OK;
}
