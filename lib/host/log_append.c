/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending to the signing log.  Whoever appends holds an exclusive lock on
 * the file from before its end is read until the new lines are on the disk.
 * Lines are only ever added, so that the file can be made append-only.
 *
 * What a power failure cuts short is never removed: the bytes stay, get a line
 * end, and a repair line that states their hash follows.  It goes on from the
 * last whole line, so that the chain has no gap.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "host/log_internal.h"

enum { OPEN_TRIES = 16 };

void
fw_log_file_close(struct fw_log_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);	/* ends the lock */
	fw_buf_deinit(&f->torn);
	*f = (struct fw_log_file)FW_LOG_FILE_NONE;
}

/* ---- opening -------------------------------------------------------- */

/* A new name must outlive a power failure, too. */
static enum fw_kind
sync_directory(const char *path, struct fw_error *err)
{
	const char *const slash = strrchr(path, '/');
	FW_FREE char *dir = slash == NULL ? strdup(".") :
	    strndup(path, (size_t)(slash - path) + 1);
	FW_FD int fd = -1;

	if (dir == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return FW_OK;		/* not readable: nothing to be done */
	if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
		return fw_fail_errno(err, FW_E_IO,
		    "cannot write the directory of '%s'", path);
	return FW_OK;
}

static enum fw_kind
open_once(struct fw_log_file *f, struct fw_error *err)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK;
	struct stat st;

	f->fd = open(f->path, flags);
	if (f->fd < 0 && errno == ENOENT) {
		f->fd = open(f->path, flags | O_CREAT, 0666);
		if (f->fd >= 0)
			FW_TRY(sync_directory(f->path, err));
	}
	if (f->fd < 0)
		return fw_fail_errno(err, FW_E_IO,
		    "cannot open the signing log '%s'", f->path);
	if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fw_fail(err, FW_E_IO,
		    "the signing log '%s' is not a regular file", f->path);
	while (flock(f->fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return fw_fail_errno(err, FW_E_IO,
			    "cannot lock the signing log '%s'", f->path);
	return FW_OK;
}

/* Is it still the file of that name, or was it moved while we waited? */
static bool
still_there(struct fw_log_file *f)
{
	struct stat a, b;

	if (fstat(f->fd, &a) != 0 || stat(f->path, &b) != 0 ||
	    a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return false;
	f->size = (uint64_t)a.st_size;
	return true;
}

static enum fw_kind
open_locked(struct fw_log_file *f, struct fw_error *err)
{
	int i;

	for (i = 0; i < OPEN_TRIES; i++) {
		FW_TRY(open_once(f, err));
		if (still_there(f))
			return FW_OK;
		(void)close(f->fd);
		f->fd = -1;
	}
	return fw_fail(err, FW_E_IO, "the signing log '%s' is replaced again "
	    "and again", f->path);
}

/* ---- the end that is there ------------------------------------------ */

/* The line before end (its own end not included) in the bytes at p. */
static size_t
line_start(const uint8_t *p, size_t end)
{
	const uint8_t *const nl = end > 0 ? memrchr(p, '\n', end) : NULL;

	return nl == NULL ? 0 : (size_t)(nl - p) + 1;
}

static enum fw_kind
damaged(const struct fw_log_file *f, const char *why, struct fw_error *err)
{
	return fw_fail(err, FW_E_REFUSED, "a line at the end of the signing "
	    "log '%s' %s (see 'fwsign log verify'; nothing is signed into a "
	    "log that is damaged)", f->path, why);
}

/* Go back from the end to the last line that is one. */
static enum fw_kind
find_last(struct fw_log_file *f, const struct fw_buf *tail, bool whole,
    struct fw_error *err)
{
	FW_CLEANUP(fw_log_line_deinit) struct fw_log_line line = { 0 };
	bool ended = tail->p[tail->n - 1] == '\n', torn;
	size_t end = tail->n - ended, start, from = tail->n;
	struct fwd_span text;
	const char *why;

	f->torn_ended = ended;
	for (;;) {
		start = line_start(tail->p, end);
		if (start == 0 && !whole)
			return damaged(f, "is longer than any is", err);
		text = (struct fwd_span){ tail->p + start, end - start };
		why = fw_log_line_read(text, &line, &torn);
		if (why == NULL)
			break;
		if (!torn || ++f->torn_lines > FW_LOG_TORN_MAX)
			return damaged(f, why, err);
		from = start;
		if (start == 0)
			break;
		end = start - 1;
	}
	if (why == NULL) {
		f->number = line.number;
		f->unended = f->torn_lines == 0 && !ended;
		FW_TRY(fw_log_hash(text, f->head, err));
	}
	return fw_buf_add(&f->torn, tail->p + from, tail->n - from, err);
}

static enum fw_kind
read_tail(struct fw_log_file *f, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf tail = { 0 };
	const size_t n = f->size < FW_LOG_TAIL_MAX ? (size_t)f->size : FW_LOG_TAIL_MAX;

	memcpy(f->head, fw_log_nothing, sizeof f->head);
	if (n == 0)
		return FW_OK;
	FW_TRY(fw_buf_reserve(&tail, n, err));
	if (fw_read_at(f->fd, tail.p, n, f->size - n, err) != FW_OK)
		return fw_wrap(err, "the signing log '%s'", f->path);
	tail.n = n;
	return find_last(f, &tail, n == f->size, err);
}

enum fw_kind
fw_log_file_open(const char *path, struct fw_log_file *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_log_file_close) struct fw_log_file f = FW_LOG_FILE_NONE;

	f.path = path;
	FW_TRY(open_locked(&f, err));
	FW_TRY(read_tail(&f, err));
	*out = f;
	f = (struct fw_log_file)FW_LOG_FILE_NONE;
	return FW_OK;
}

enum fw_kind
fw_log_ready(const char *path, struct fw_error *err)
{
	FW_CLEANUP(fw_log_file_close) struct fw_log_file f = FW_LOG_FILE_NONE;

	return path == NULL ? FW_OK : fw_log_file_open(path, &f, err);
}

/* ---- the end that will be there ------------------------------------- */

static enum fw_kind
add_repair(struct fw_log_file *f, struct fw_buf *out, struct fw_error *err)
{
	FW_JSON json_t *entry = NULL;
	fw_log_hex hash;

	if (!f->torn_ended) {
		FW_TRY(fw_buf_add(out, "\n", 1, err));
		FW_TRY(fw_buf_add(&f->torn, "\n", 1, err));
	}
	FW_TRY(fw_log_hash(fw_buf_span(&f->torn), hash, err));
	entry = json_pack("{s:s, s:{s:I, s:s, s:I}}", "type", "repair", "torn",
	    "lines", (json_int_t)f->torn_lines, "sha256", hash, "size",
	    (json_int_t)f->torn.n);
	if (entry == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	f->number += f->torn_lines + 1;
	return fw_log_line_add(entry, f->number, f->head, out, f->head, err);
}

enum fw_kind
fw_log_file_begin(struct fw_log_file *f, struct fw_buf *out,
    struct fw_error *err)
{
	if (f->torn_lines > 0)
		return add_repair(f, out, err);
	return f->unended ? fw_buf_add(out, "\n", 1, err) : FW_OK;
}

enum fw_kind
fw_log_file_write(const struct fw_log_file *f, const struct fw_buf *add,
    struct fw_error *err)
{
	if (fw_write_all(f->fd, add->p, add->n, f->path, err) == FW_OK) {
		if (fdatasync(f->fd) == 0 || errno == EINVAL)
			return FW_OK;
		(void)fw_fail_errno(err, FW_E_IO, "cannot write '%s'",
		    f->path);
	}
	/* Where this is not allowed, the next addition repairs it. */
	(void)!ftruncate(f->fd, (off_t)f->size);
	return fw_wrap(err, "the signing log");
}

/* ---- signatures ----------------------------------------------------- */

enum fw_kind
fw_log_append_entries(const char *path, json_t *const *entry, size_t n,
    struct fw_error *err)
{
	FW_CLEANUP(fw_log_file_close) struct fw_log_file f = FW_LOG_FILE_NONE;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf add = { 0 };
	size_t i;

	if (n == 0)
		return FW_OK;
	FW_TRY(fw_log_file_open(path, &f, err));
	FW_TRY(fw_log_file_begin(&f, &add, err));
	for (i = 0; i < n; i++)
		FW_TRY(fw_log_line_add(entry[i], ++f.number, f.head, &add,
		    f.head, err));
	return fw_log_file_write(&f, &add, err);
}

enum fw_kind
fw_log_append(const char *path, const struct fw_log_signature *s, size_t n,
    struct fw_error *err)
{
	json_t *entry[FW_SIGNERS_MAX] = { NULL };
	enum fw_kind kind = FW_OK;
	size_t i;

	if (n > FW_SIGNERS_MAX)
		return fw_fail(err, FW_E_USAGE, "more than %u signatures",
		    FW_SIGNERS_MAX);
	for (i = 0; i < n && kind == FW_OK; i++)
		kind = fw_log_entry(&s[i], &entry[i], err);
	if (kind == FW_OK)
		kind = fw_log_append_entries(path, entry, n, err);
	for (i = 0; i < n; i++)
		json_decref(entry[i]);
	return kind;
}
