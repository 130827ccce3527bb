/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the C library that fail on demand, for the tests.  A test program
 * that includes this file (once, in one source file) is linked with --wrap for
 * the calls below, so that calls from it and from our libraries come here.
 *
 *	for (int i = 0; fault_set(FAULT_ALLOC, i, ENOMEM), try(), fault_hit();
 *	    i++)
 *		...				the call i failed
 */
#ifndef FAULT_H
#define FAULT_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>

/* malloc, calloc, realloc, strdup and strndup are counted as one. */
enum fault_call {
	FAULT_NONE, FAULT_ALLOC, FAULT_OPEN, FAULT_OPENAT, FAULT_TMPFILE,
	FAULT_LINKAT, FAULT_RENAMEAT, FAULT_FSYNC, FAULT_FSTAT, FAULT_FSTATAT,
	FAULT_LSTAT, FAULT_GETRANDOM, FAULT_READ, FAULT_WRITE, FAULT_PREAD,
	FAULT_PWRITE, FAULT_FTRUNCATE, FAULT_FLOCK, FAULT_MKDIR,
	FAULT_CALLS,
};

static struct {
	int skip[FAULT_CALLS];		/* calls that succeed before; < 0: all */
	int error[FAULT_CALLS];		/* errno of the one that fails */
	bool for_good[FAULT_CALLS];	/* all calls after it fail as well */
	unsigned hits;
	size_t most;			/* bytes in one write; 0: no limit */
	bool same_random;		/* getrandom() always says the same */
	bool no_fsync;			/* fsync() does not wait for a disk */
	void (*on_free)(const void *p);
	void (*on_read)(void);
} fault;

static inline void
fault_reset(void)
{
	fault.hits = 0;
	for (int i = 0; i < FAULT_CALLS; i++) {
		fault.skip[i] = -1;
		fault.for_good[i] = false;
	}
}

/* Let one call fail with that errno after skip others; all others succeed. */
static inline void
fault_set(enum fault_call call, int skip, int error)
{
	fault_reset();
	fault.skip[call] = skip;
	fault.error[call] = error;
}

/* In addition, let a call fail whenever it is made. */
static inline void
fault_always(enum fault_call call, int error)
{
	fault.skip[call] = 0;
	fault.error[call] = error;
	fault.for_good[call] = true;
}

/* Did one fail?  Ends it all. */
static inline bool
fault_hit(void)
{
	const bool hit = fault.hits != 0;

	fault_reset();
	return hit;
}

static inline bool
fault_now(enum fault_call call)
{
	if (fault.error[call] == 0 || fault.skip[call] < 0)
		return false;
	if (fault.skip[call] > 0) {
		fault.skip[call]--;
		return false;
	}
	if (!fault.for_good[call]) {
		fault.skip[call] = -1;
		fault.hits++;
	}
	errno = fault.error[call];
	return true;
}

#define FAULT_WRAP(result, failed, call, name, params, args)		\
	result __real_##name params;					\
	result __wrap_##name params;					\
	result __wrap_##name params					\
	{								\
		return fault_now(call) ? failed : __real_##name args;	\
	}

FAULT_WRAP(void *, NULL, FAULT_ALLOC, malloc, (size_t n), (n))
FAULT_WRAP(void *, NULL, FAULT_ALLOC, calloc, (size_t m, size_t n), (m, n))
FAULT_WRAP(void *, NULL, FAULT_ALLOC, realloc, (void *p, size_t n), (p, n))
FAULT_WRAP(char *, NULL, FAULT_ALLOC, strdup, (const char *s), (s))
FAULT_WRAP(char *, NULL, FAULT_ALLOC, strndup, (const char *s, size_t n),
    (s, n))
FAULT_WRAP(int, -1, FAULT_LINKAT, linkat, (int od, const char *o, int nd,
    const char *n, int flags), (od, o, nd, n, flags))
FAULT_WRAP(int, -1, FAULT_RENAMEAT, renameat, (int od, const char *o, int nd,
    const char *n), (od, o, nd, n))
FAULT_WRAP(int, -1, FAULT_FSTAT, fstat, (int fd, struct stat *st), (fd, st))
FAULT_WRAP(int, -1, FAULT_FSTATAT, fstatat, (int dir, const char *name,
    struct stat *st, int flags), (dir, name, st, flags))
FAULT_WRAP(int, -1, FAULT_LSTAT, lstat, (const char *name, struct stat *st),
    (name, st))
FAULT_WRAP(ssize_t, -1, FAULT_PREAD, pread, (int fd, void *p, size_t n,
    off_t off), (fd, p, n, off))
FAULT_WRAP(ssize_t, -1, FAULT_PWRITE, pwrite, (int fd, const void *p,
    size_t n, off_t off), (fd, p, n, off))
FAULT_WRAP(int, -1, FAULT_FTRUNCATE, ftruncate, (int fd, off_t n), (fd, n))
FAULT_WRAP(int, -1, FAULT_FLOCK, flock, (int fd, int how), (fd, how))
FAULT_WRAP(int, -1, FAULT_MKDIR, mkdir, (const char *name, mode_t mode),
    (name, mode))

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
ssize_t __real_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
void __real_free(void *p);
void __wrap_free(void *p);

static inline bool
fault_has_mode(int flags)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

int
__wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (fault_now(FAULT_OPEN))
		return -1;
	va_start(ap, flags);
	if (fault_has_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return __real_open(path, flags, mode);
}

int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (fault_now((flags & O_TMPFILE) == O_TMPFILE ? FAULT_TMPFILE :
	    FAULT_OPENAT))
		return -1;
	va_start(ap, flags);
	if (fault_has_mode(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return __real_openat(dir, path, flags, mode);
}

int
__wrap_fsync(int fd)
{
	if (fault_now(FAULT_FSYNC))
		return -1;
	return fault.no_fsync ? 0 : __real_fsync(fd);
}

ssize_t
__wrap_getrandom(void *p, size_t n, unsigned flags)
{
	if (fault_now(FAULT_GETRANDOM))
		return -1;
	if (!fault.same_random)
		return __real_getrandom(p, n, flags);
	for (size_t i = 0; i < n; i++)
		((unsigned char *)p)[i] = 0x5a;
	return (ssize_t)n;
}

ssize_t
__wrap_read(int fd, void *p, size_t n)
{
	if (fault.on_read != NULL)
		fault.on_read();
	return fault_now(FAULT_READ) ? -1 : __real_read(fd, p, n);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	if (fault_now(FAULT_WRITE))
		return fault.error[FAULT_WRITE] < 0 ? 0 : -1;
	return __real_write(fd, p, fault.most != 0 && n > fault.most ?
	    fault.most : n);
}

void
__wrap_free(void *p)
{
	if (fault.on_free != NULL)
		fault.on_free(p);
	__real_free(p);
}

#endif
