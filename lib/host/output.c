/* SPDX-License-Identifier: Apache-2.0 */
/* Output files that appear whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "host/internal.h"

enum {
	TEMPS_MAX = 256,		/* outputs open at the same time */
	TEMP_NAME = 4 + 16 + 4 + 1,	/* .fw-0123456789abcdef.tmp */
	TRIES_MAX = 16,			/* for a name nobody has */
	WAIT_MS = 1000,			/* for other threads, at the end */
};

/* ---- temporary names that fatal signals remove ----------------------- */

static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE,
    SIGXCPU, SIGXFSZ };
enum { NFATAL = sizeof fatal / sizeof fatal[0] };

/*
 * The one mutable global of the host libraries: a signal handler has nothing
 * else to look at.  A slot is filled in while claimed, used while armed.
 */
enum { FREE, CLAIMED, ARMED };
static struct {
	atomic_int state;
	int dir;
	char name[TEMP_NAME];
} temps[TEMPS_MAX];
static atomic_int armed;
static struct sigaction before[NFATAL];
/* For the handlers, not for what they look at. */
static pthread_mutex_t catching = PTHREAD_MUTEX_INITIALIZER;

/* A file that another thread makes when all are removed would be left. */
static atomic_bool ending;		/* no more are made */
static atomic_int making;		/* threads that make one just now */
static _Thread_local bool maker;	/* this is one of them */

static void
make_begin(void)
{
	maker = true;
	atomic_fetch_add(&making, 1);
	if (!atomic_load(&ending))
		return;
	atomic_fetch_sub(&making, 1);
	for (;;)
		(void)pause();
}

static void
make_end(void)
{
	atomic_fetch_sub(&making, 1);
	maker = false;
}

/* Only async-signal-safe calls here. */
static void
remove_all(void)
{
	for (int i = 0; i < TEMPS_MAX; i++)
		if (atomic_load(&temps[i].state) == ARMED)
			(void)unlinkat(temps[i].dir, temps[i].name, 0);
}

/* And here. */
void
fw_output_emergency(void)
{
	const struct timespec tick = { .tv_nsec = 1000000 };

	atomic_store(&ending, true);
	for (int ms = 0; ms < WAIT_MS && atomic_load(&making) > maker; ms++)
		(void)nanosleep(&tick, NULL);
	remove_all();
}

/* And here. */
static void
on_fatal(int sig)
{
	const int saved = errno;
	int i;

	for (i = 0; i < NFATAL - 1 && fatal[i] != sig; i++)
		;
	if (before[i].sa_handler == SIG_DFL)
		fw_output_emergency();
	else
		remove_all();
	/* On return the signal comes again and finds what was there before. */
	(void)sigaction(sig, &before[i], NULL);
	(void)raise(sig);
	errno = saved;
}

static void
catch_fatal(void)
{
	struct sigaction ours = { .sa_handler = on_fatal };

	(void)sigfillset(&ours.sa_mask);
	for (int i = 0; i < NFATAL; i++) {
		if (sigaction(fatal[i], NULL, &before[i]) != 0 ||
		    (before[i].sa_handler == SIG_IGN &&
		    (before[i].sa_flags & SA_SIGINFO) == 0))
			continue;		/* nohup stays in force */
		(void)sigaction(fatal[i], &ours, NULL);
	}
}

static void
release_fatal(void)
{
	struct sigaction now;

	for (int i = 0; i < NFATAL; i++)
		if (sigaction(fatal[i], NULL, &now) == 0 &&
		    (now.sa_flags & SA_SIGINFO) == 0 &&
		    now.sa_handler == on_fatal)
			(void)sigaction(fatal[i], &before[i], NULL);
}

static bool
temp_arm(int dir, const char *name)
{
	for (int i = 0; i < TEMPS_MAX; i++) {
		int expected = FREE;

		if (!atomic_compare_exchange_strong(&temps[i].state, &expected,
		    CLAIMED))
			continue;
		temps[i].dir = dir;
		memcpy(temps[i].name, name, TEMP_NAME);
		(void)pthread_mutex_lock(&catching);
		if (atomic_fetch_add(&armed, 1) == 0)
			catch_fatal();
		(void)pthread_mutex_unlock(&catching);
		atomic_store(&temps[i].state, ARMED);
		return true;
	}
	return false;
}

static void
temp_disarm(int dir, const char *name)
{
	for (int i = 0; i < TEMPS_MAX; i++) {
		if (atomic_load(&temps[i].state) != ARMED ||
		    temps[i].dir != dir || strcmp(temps[i].name, name) != 0)
			continue;
		atomic_store(&temps[i].state, FREE);
		(void)pthread_mutex_lock(&catching);
		if (atomic_fetch_sub(&armed, 1) == 1)
			release_fatal();
		(void)pthread_mutex_unlock(&catching);
		return;
	}
}

/* ---- opening --------------------------------------------------------- */

/* The last segment of a path; may be empty. */
static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* What exists at the final name must be a regular file. */
static enum fw_kind
check_target(struct fw_output *out, struct fw_error *err)
{
	const char *name = base_name(out->path);
	struct stat st;

	out->there = false;
	if (fstatat(out->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return FW_OK;
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'",
		    out->path);
	}
	if (S_ISDIR(st.st_mode))
		return fw_fail(err, FW_E_IO,
		    "cannot write '%s': it is a directory (name a file in it)",
		    out->path);
	if (S_ISLNK(st.st_mode))
		return fw_fail(err, FW_E_IO, "cannot write '%s': it is a "
		    "symbolic link (name the file it stands for)", out->path);
	if (!S_ISREG(st.st_mode))
		return fw_fail(err, FW_E_IO, "cannot write '%s': it is not a "
		    "regular file (an output appears whole or not at all, "
		    "which needs one)", out->path);
	out->there = true;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return FW_OK;
}

static enum fw_kind
check_name(const struct fw_output *out, struct fw_error *err)
{
	const char *name = base_name(out->path);

	if (strcmp(name, "") == 0 || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return fw_fail(err, FW_E_USAGE,
		    "cannot write '%s': it does not name a file", out->path);
	return FW_OK;
}

static enum fw_kind
open_directory(struct fw_output *out, struct fw_error *err)
{
	const size_t n = (size_t)(base_name(out->path) - out->path);
	FW_FREE char *dir = n == 0 ? strdup(".") : strndup(out->path, n);

	if (dir == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	out->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A directory can be writable without being readable. */
	if (out->dir < 0 && errno == EACCES)
		out->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (out->dir < 0)
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'",
		    out->path);
	return FW_OK;
}

static bool
random_name(char name[TEMP_NAME])
{
	uint64_t r;

	if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
		return false;
	(void)snprintf(name, TEMP_NAME, ".fw-%016" PRIx64 ".tmp", r);
	return true;
}

/*
 * Find a free temporary name beside the target and make the file appear
 * there: a new one when fd is -1, otherwise the unnamed fd.  The name is armed
 * before the file exists, so that no signal comes between.
 */
static enum fw_kind
take_temporary(struct fw_output *out, int (*make)(struct fw_output *out,
    const char *name), struct fw_error *err)
{
	char *name = malloc(TEMP_NAME);
	int saved = EEXIST;
	bool made;

	if (name == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (int i = 0; i < TRIES_MAX && saved == EEXIST; i++) {
		if (!random_name(name)) {
			saved = errno;
			break;
		}
		if (!temp_arm(out->dir, name)) {
			free(name);
			return fw_fail(err, FW_E_IO,
			    "more than %d output files at once", TEMPS_MAX);
		}
		make_begin();
		made = make(out, name) == 0;
		saved = errno;
		make_end();
		if (made) {
			out->temporary = name;
			return FW_OK;
		}
		temp_disarm(out->dir, name);
	}
	free(name);
	errno = saved;
	return fw_fail_errno(err, FW_E_IO, "cannot write '%s'", out->path);
}

static int
make_new(struct fw_output *out, const char *name)
{
	out->fd = openat(out->dir, name,
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	return out->fd < 0 ? -1 : 0;
}

/* The link that stands for an open file; NULL when /proc is not there. */
static bool
proc_link(int fd, char out[32])
{
	static atomic_bool seen;	/* it does not go away again */
	struct stat st;

	(void)snprintf(out, 32, "/proc/self/fd/%d", fd);
	if (!atomic_load(&seen) && lstat(out, &st) == 0)
		atomic_store(&seen, true);
	return atomic_load(&seen);
}

/* Give the unnamed file a name; errno EEXIST when it is taken. */
static int
make_link(struct fw_output *out, const char *name)
{
	char from[32];

	if (!proc_link(out->fd, from))
		return -1;
	return linkat(AT_FDCWD, from, out->dir, name, AT_SYMLINK_FOLLOW);
}

/* False when the file system or the system cannot do it. */
static bool
open_unnamed(struct fw_output *out)
{
	char from[32];

	out->fd = openat(out->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (out->fd < 0)
		return false;
	if (proc_link(out->fd, from))
		return true;
	(void)close(out->fd);
	out->fd = -1;
	return false;
}

/* dir: -1, or the directory to use instead of the one in path. */
static enum fw_kind
open_in(int dir, const char *path, struct fw_output *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_output_abandon) struct fw_output o = FW_OUTPUT_NONE;

	o.path = strdup(path);
	if (o.path == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(check_name(&o, err));
	if (dir < 0)
		FW_TRY(open_directory(&o, err));
	else if ((o.dir = fcntl(dir, F_DUPFD_CLOEXEC, 3)) < 0)
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'", path);
	FW_TRY(check_target(&o, err));
	/* A real obstacle (permissions, a full disk) shows up again here. */
	if (!open_unnamed(&o))
		FW_TRY(take_temporary(&o, make_new, err));
	*out = o;
	o = (struct fw_output)FW_OUTPUT_NONE;
	return FW_OK;
}

enum fw_kind
fw_output_open(const char *path, struct fw_output *out, struct fw_error *err)
{
	return open_in(-1, path, out, err);
}

enum fw_kind
fw_output_open_at(int dir, const char *path, struct fw_output *out,
    struct fw_error *err)
{
	return open_in(dir, path, out, err);
}

enum fw_kind
fw_output_spares(const struct fw_output *out, const char *input,
    struct fw_error *err)
{
	struct stat in;

	if (input == NULL || !out->there || stat(input, &in) != 0 ||
	    in.st_dev != out->dev || in.st_ino != out->ino)
		return FW_OK;
	return fw_fail(err, FW_E_USAGE, "the output '%s' would replace the "
	    "input '%s'", out->path, input);
}

/* The folder of a path. */
static enum fw_kind
stat_folder(const char *path, struct stat *st, bool *there,
    struct fw_error *err)
{
	const size_t n = (size_t)(base_name(path) - path);
	FW_FREE char *dir = n == 0 ? strdup(".") : strndup(path, n);

	if (dir == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*there = stat(dir, st) == 0;
	return FW_OK;
}

enum fw_kind
fw_output_apart(const struct fw_output *out, const char *other,
    struct fw_error *err)
{
	struct stat a, b;
	bool there = false;

	if (other == NULL)
		return FW_OK;
	FW_TRY(fw_output_spares(out, other, err));
	if (strcmp(base_name(out->path), base_name(other)) != 0)
		return FW_OK;
	FW_TRY(stat_folder(other, &b, &there, err));
	if (!there || fstat(out->dir, &a) != 0 || a.st_dev != b.st_dev ||
	    a.st_ino != b.st_ino)
		return FW_OK;
	return fw_fail(err, FW_E_USAGE, "'%s' would be written twice (as '%s' "
	    "and as '%s': give each a name of its own)", out->path, out->path,
	    other);
}

/* ---- the end --------------------------------------------------------- */

static void
forget_temporary(struct fw_output *out)
{
	temp_disarm(out->dir, out->temporary);
	free(out->temporary);
	out->temporary = NULL;
}

/*
 * Give the file its final name unless it is taken.  A link and no renaming
 * where that is possible: the latter exists for some file systems only.
 */
static enum fw_kind
put_exclusively(struct fw_output *out, struct fw_error *err)
{
	const char *name = base_name(out->path);
	int rc;

	if (out->temporary == NULL) {
		rc = make_link(out, name);
	} else {
		rc = linkat(out->dir, out->temporary, out->dir, name, 0);
		if (rc == 0)
			(void)unlinkat(out->dir, out->temporary, 0);
		else if (errno == EPERM || errno == EOPNOTSUPP)
			rc = renameat2(out->dir, out->temporary, out->dir,
			    name, RENAME_NOREPLACE);
	}
	if (rc != 0 && errno == EEXIST)
		return fw_fail(err, FW_E_REFUSED, "'%s' exists already",
		    out->path);
	if (rc != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'",
		    out->path);
	if (out->temporary != NULL)
		forget_temporary(out);
	return FW_OK;
}

/* Give the file its final name, in one step. */
static enum fw_kind
put_in_place(struct fw_output *out, struct fw_error *err)
{
	const char *name = base_name(out->path);

	if (out->exclusive)
		return put_exclusively(out, err);
	if (out->temporary == NULL) {
		if (make_link(out, name) == 0)
			return FW_OK;
		if (errno != EEXIST)
			return fw_fail_errno(err, FW_E_IO,
			    "cannot write '%s'", out->path);
		/* linkat() does not replace, renameat() does. */
		FW_TRY(check_target(out, err));
		FW_TRY(take_temporary(out, make_link, err));
	} else {
		FW_TRY(check_target(out, err));
	}
	if (renameat(out->dir, out->temporary, out->dir, name) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'",
		    out->path);
	forget_temporary(out);
	return FW_OK;
}

/* What the name shows must be on the disk before the name is. */
static enum fw_kind
sync_content(const struct fw_output *out, struct fw_error *err)
{
	if (fsync(out->fd) != 0 && errno != EINVAL && errno != EROFS)
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'",
		    out->path);
	return FW_OK;
}

static enum fw_kind
sync_name(const struct fw_output *out, struct fw_error *err)
{
	if (fsync(out->dir) != 0 && errno != EINVAL && errno != EROFS &&
	    errno != EBADF)
		return fw_fail_errno(err, FW_E_IO, "cannot write the "
		    "directory of '%s' (the file is there, but may not "
		    "outlive a power failure)", out->path);
	return FW_OK;
}

enum fw_kind
fw_output_commit(struct fw_output *out, struct fw_error *err)
{
	FW_TRY(sync_content(out, err));
	FW_TRY(put_in_place(out, err));
	FW_TRY(sync_name(out, err));
	fw_output_abandon(out);
	return FW_OK;
}

/* Is one before it, which went well, in the same directory, or just on the
   same file system? */
static bool
beside(const struct fw_error *err, const struct stat *at, size_t i,
    bool directory)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (err[j].kind == FW_OK && at[j].st_dev == at[i].st_dev &&
		    (!directory || at[j].st_ino == at[i].st_ino))
			return true;
	return false;
}

/*
 * One flush of a file system for all that is new on it: with hundreds of small
 * files that is much less than one for each of them.
 */
static void
sync_contents(struct fw_output *const *out, size_t n, const struct stat *at,
    struct fw_error *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (beside(err, at, i, false))
			continue;
		if (syncfs(out[i]->fd) == 0)
			continue;
		(void)fw_fail_errno(&err[i], FW_E_IO, "cannot write '%s'",
		    out[i]->path);
	}
	/* A failure belongs to all that may be meant. */
	for (i = 0; i < n; i++)
		for (size_t j = 0; j < i && err[i].kind == FW_OK; j++)
			if (err[j].kind != FW_OK &&
			    at[j].st_dev == at[i].st_dev)
				err[i] = err[j];
}

void
fw_output_commit_all(struct fw_output *const *out, size_t n,
    struct fw_error *err)
{
	FW_FREE struct stat *at = calloc(n + 1, sizeof *at);
	size_t i;

	for (i = 0; i < n; i++) {
		err[i] = (struct fw_error){ .kind = FW_OK };
		if (at == NULL)
			(void)fw_fail(&err[i], FW_E_NOMEM, "out of memory");
		else if (fstat(out[i]->dir, &at[i]) != 0)
			(void)fw_fail_errno(&err[i], FW_E_IO,
			    "cannot write '%s'", out[i]->path);
	}
	if (at == NULL)
		return;
	sync_contents(out, n, at, err);
	for (i = 0; i < n; i++)
		if (err[i].kind == FW_OK)
			(void)put_in_place(out[i], &err[i]);
	for (i = 0; i < n; i++)
		if (err[i].kind == FW_OK && !beside(err, at, i, true))
			(void)sync_name(out[i], &err[i]);
	for (i = 0; i < n; i++)
		if (err[i].kind == FW_OK)
			fw_output_abandon(out[i]);
}

void
fw_output_abandon(struct fw_output *out)
{
	if (out->temporary != NULL) {
		(void)unlinkat(out->dir, out->temporary, 0);
		temp_disarm(out->dir, out->temporary);
	}
	if (out->fd >= 0)
		(void)close(out->fd);
	if (out->dir >= 0)
		(void)close(out->dir);
	free(out->temporary);
	free(out->path);
	*out = (struct fw_output)FW_OUTPUT_NONE;
}

enum fw_kind
fw_file_write(const char *path, const void *p, size_t n, struct fw_error *err)
{
	FW_CLEANUP(fw_output_abandon) struct fw_output out = FW_OUTPUT_NONE;

	FW_TRY(fw_output_open(path, &out, err));
	FW_TRY(fw_write_all(out.fd, p, n, path, err));
	return fw_output_commit(&out, err);
}
