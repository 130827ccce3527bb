/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow, files that are read with a limit. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

#include "host/internal.h"

enum { READ_STEP = 64 * 1024 };

void
fw_buf_deinit(struct fw_buf *b)
{
	if (b->p != NULL) {
		OPENSSL_cleanse(b->p, b->room);
		free(b->p);
	}
	*b = (struct fw_buf){ 0 };
}

enum fw_kind
fw_buf_reserve(struct fw_buf *b, size_t n, struct fw_error *err)
{
	size_t room;
	uint8_t *p;

	if (n <= b->room - b->n)
		return FW_OK;
	if (n > SIZE_MAX / 4 - b->n)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	room = b->n + n;
	if (room < 2 * b->room)
		room = 2 * b->room;
	if (room < 64)
		room = 64;
	/* Never realloc(): what it leaves behind would not be wiped. */
	p = malloc(room);
	if (p == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (b->n != 0)
		memcpy(p, b->p, b->n);
	if (b->p != NULL) {
		OPENSSL_cleanse(b->p, b->room);
		free(b->p);
	}
	b->p = p;
	b->room = room;
	return FW_OK;
}

enum fw_kind
fw_buf_add(struct fw_buf *b, const void *p, size_t n, struct fw_error *err)
{
	if (n == 0)
		return FW_OK;
	FW_TRY(fw_buf_reserve(b, n, err));
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return FW_OK;
}

struct fwd_span
fw_buf_span(const struct fw_buf *b)
{
	return (struct fwd_span){ b->p, b->n };
}

/* The system's shortcomings are not the input's fault. */
static enum fw_kind
open_kind(void)
{
	return errno == EMFILE || errno == ENFILE || errno == EIO ?
	    FW_E_IO : FW_E_INPUT;
}

enum fw_kind
fw_file_open(const char *path, int *fd, uint64_t *size, struct fw_error *err)
{
	/* O_NONBLOCK: do not hang on a FIFO, which is refused below. */
	FW_FD int f = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (f < 0)
		return fw_fail_errno(err, open_kind(), "cannot open '%s'",
		    path);
	if (fstat(f, &st) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot look at '%s'",
		    path);
	if (S_ISDIR(st.st_mode))
		return fw_fail(err, FW_E_INPUT, "'%s' is a directory", path);
	if (!S_ISREG(st.st_mode))
		return fw_fail(err, FW_E_INPUT,
		    "'%s' is not a regular file", path);
	if (size != NULL)
		*size = (uint64_t)st.st_size;
	*fd = f;
	f = -1;
	return FW_OK;
}

/* Read up to the end; the file may be longer or shorter than it was. */
static enum fw_kind
read_rest(int fd, const char *path, size_t max, struct fw_buf *b,
    struct fw_error *err)
{
	size_t want;
	ssize_t got;

	for (;;) {
		want = b->room - b->n;
		if (want == 0) {
			FW_TRY(fw_buf_reserve(b, READ_STEP, err));
			want = b->room - b->n;
		}
		got = read(fd, b->p + b->n, want);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fw_fail_errno(err, FW_E_IO, "cannot read '%s'",
			    path);
		if (got == 0)
			return FW_OK;
		b->n += (size_t)got;
		if (b->n > max)
			return fw_fail(err, FW_E_INPUT,
			    "'%s' is larger than %zu bytes", path, max);
	}
}

enum fw_kind
fw_file_read(const char *path, size_t max, struct fw_buf *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	FW_FD int fd = -1;
	uint64_t size;

	FW_TRY(fw_file_open(path, &fd, &size, err));
	if (size > max)
		return fw_fail(err, FW_E_INPUT,
		    "'%s' is larger than %zu bytes", path, max);
	/* One more, so that the end is seen without growing. */
	FW_TRY(fw_buf_reserve(&b, (size_t)size + 1, err));
	FW_TRY(read_rest(fd, path, max, &b, err));
	*out = b;
	b = (struct fw_buf){ 0 };
	return FW_OK;
}

enum fw_kind
fw_write_all(int fd, const void *p, size_t n, const char *path,
    struct fw_error *err)
{
	const uint8_t *at = p;
	ssize_t put;

	while (n > 0) {
		put = write(fd, at, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			errno = put == 0 ? ENOSPC : errno;
			return fw_fail_errno(err, FW_E_IO,
			    "cannot write '%s'", path);
		}
		at += put;
		n -= (size_t)put;
	}
	return FW_OK;
}

enum fw_kind
fw_temporary_open(int *fd, struct fw_error *err)
{
	const char *dir = secure_getenv("TMPDIR");
	FW_FREE char *name = NULL;

	if (dir == NULL || dir[0] == '\0')
		dir = "/tmp";
	*fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return FW_OK;
	/* Not every file system can do that. */
	if (asprintf(&name, "%s/fwsign-XXXXXX", dir) < 0) {
		name = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	*fd = mkostemp(name, O_CLOEXEC);
	if (*fd < 0)
		return fw_fail_errno(err, FW_E_IO,
		    "cannot make a temporary file in '%s'", dir);
	(void)unlink(name);
	return FW_OK;
}
