/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as flash. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/fwflash.h"

enum { RECORD = FWD_COMPONENTS_MAX, COUNTER, TRUST, FILES, CHUNK = 65536 };

static uint64_t
whole_blocks(uint64_t n)
{
	return (n + FWP_FLASHDIR_BLOCK - 1) / FWP_FLASHDIR_BLOCK *
	    FWP_FLASHDIR_BLOCK;
}

/* The place of an area among the files; FILES: there is none. */
static uint32_t
place(const struct fwp_flashdir *d, uint32_t area)
{
	if (area == FWD_AREA_RECORD)
		return RECORD;
	if (area == FWD_AREA_COUNTER)
		return COUNTER;
	if (area == FWD_AREA_TRUST)
		return TRUST;
	return area < d->components ? area : FILES;
}

static uint64_t
dir_size(void *ctx, uint32_t area, uint32_t bank)
{
	const struct fwp_flashdir *const d = ctx;
	const uint32_t at = place(d, area);

	if (bank >= FWD_BANKS || at == FILES)
		return 0;
	if (at == RECORD)
		return whole_blocks(d->record_size);
	if (at == TRUST)
		return whole_blocks(d->trust_size);
	return at == COUNTER ? FWP_FLASHDIR_COUNTER : whole_blocks(d->size[at]);
}

/* ---- files ----------------------------------------------------------- */

static void
name_of(uint32_t at, uint32_t bank, char *out, size_t n)
{
	if (at == RECORD)
		(void)snprintf(out, n, "record.bank-%u", bank);
	else if (at == COUNTER)
		(void)snprintf(out, n, "counter.bank-%u", bank);
	else if (at == TRUST)
		(void)snprintf(out, n, "trust.bank-%u", bank);
	else
		(void)snprintf(out, n, "component-%u.bank-%u", at, bank);
}

static bool
file_failed(struct fwp_flashdir *d, uint32_t at, uint32_t bank)
{
	if (d->error == 0) {
		d->error = errno != 0 ? errno : EIO;
		name_of(at, bank, d->name, sizeof d->name);
	}
	return false;
}

static bool
failed(struct fwp_flashdir *d, uint32_t area, uint32_t bank)
{
	return file_failed(d, place(d, area), bank);
}

/* The file, opened; made if create.  there is false if it does not exist. */
static struct fwp_flashdir_file *
file_of(struct fwp_flashdir *d, uint32_t area, uint32_t bank, bool create)
{
	const uint32_t at = place(d, area);
	struct fwp_flashdir_file *const f = &d->file[at][bank];
	char name[sizeof d->name];
	struct stat st;
	int fd;

	if (f->there)
		return f;
	name_of(at, bank, name, sizeof name);
	fd = openat(d->dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
	    (create ? O_CREAT : 0), 0666);
	if (fd < 0 && errno == ENOENT && !create)
		return f;
	if (fd < 0 || fstat(fd, &st) != 0) {
		(void)failed(d, area, bank);
		if (fd >= 0)
			(void)close(fd);
		return NULL;
	}
	f->fd = fd;
	f->there = true;
	f->made = create;
	f->size = (uint64_t)st.st_size;
	return f;
}

/* A file system that cannot do it has nothing to lose. */
static bool
synced(int fd)
{
	return fsync(fd) == 0 || errno == EINVAL || errno == EROFS;
}

static bool
sync_file(struct fwp_flashdir *d, uint32_t at, uint32_t bank)
{
	struct fwp_flashdir_file *const f = &d->file[at][bank];

	if (!f->dirty)
		return true;
	if (!synced(f->fd) || (f->made && !synced(d->dir)))
		return file_failed(d, at, bank);
	f->made = f->dirty = false;
	return true;
}

static bool
dir_sync(void *ctx, uint32_t area, uint32_t bank)
{
	struct fwp_flashdir *const d = ctx;

	return sync_file(d, place(d, area), bank);
}

/* The file, to be written to: what was written before it comes first. */
static struct fwp_flashdir_file *
target_of(struct fwp_flashdir *d, uint32_t area, uint32_t bank)
{
	struct fwp_flashdir_file *const f = file_of(d, area, bank, true);

	if (f == NULL || f->dirty)
		return f;
	if (!fwp_flashdir_sync(d))
		return NULL;
	f->dirty = true;
	return f;
}

static bool
read_at(int fd, uint8_t *p, size_t n, uint64_t off)
{
	ssize_t got;

	for (; n > 0; p += got, n -= (size_t)got, off += (uint64_t)got) {
		got = pread(fd, p, n, (off_t)off);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return false;
	}
	return true;
}

static bool
write_at(int fd, const uint8_t *p, size_t n, uint64_t off)
{
	ssize_t put;

	for (; n > 0; p += put, n -= (size_t)put, off += (uint64_t)put) {
		put = pwrite(fd, p, n, (off_t)off);
		if (put < 0 && errno == EINTR)
			put = 0;
		else if (put <= 0)
			return false;
	}
	return true;
}

/* ---- the medium ------------------------------------------------------ */

static bool
dir_get(void *ctx, uint32_t area, uint32_t bank, uint64_t off, uint8_t *p,
    size_t n)
{
	struct fwp_flashdir *const d = ctx;
	const struct fwp_flashdir_file *const f = file_of(d, area, bank,
	    false);
	size_t have = 0;

	if (f == NULL)
		return false;
	memset(p, f->there ? 0xff : 0, n);
	if (f->there && off < f->size)
		have = f->size - off < n ? (size_t)(f->size - off) : n;
	return have == 0 || read_at(f->fd, p, have, off) || failed(d, area, bank);
}

/* Write 0xff into the file. */
static bool
blank(const struct fwp_flashdir_file *f, uint64_t off, uint64_t n)
{
	uint8_t ones[CHUNK];
	size_t part;

	memset(ones, 0xff, sizeof ones);
	for (; n > 0; off += part, n -= part) {
		part = n < sizeof ones ? (size_t)n : sizeof ones;
		if (!write_at(f->fd, ones, part, off))
			return false;
	}
	return true;
}

static bool
dir_fill(void *ctx, uint32_t area, uint32_t bank, uint64_t off, uint64_t n)
{
	struct fwp_flashdir *const d = ctx;
	struct fwp_flashdir_file *const f = target_of(d, area, bank);

	if (f == NULL)
		return false;
	if (off >= f->size)
		return true;
	if (n < f->size - off)
		return blank(f, off, n) || failed(d, area, bank);
	if (ftruncate(f->fd, (off_t)off) != 0)
		return failed(d, area, bank);
	f->size = off;
	return true;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static bool
dir_put(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
    const uint8_t *p, size_t n)
{
	struct fwp_flashdir *const d = ctx;
	struct fwp_flashdir_file *const f = target_of(d, area, bank);
	bool ok = true;

	if (f == NULL)
		return false;
	if (off > f->size)
		ok = blank(f, f->size, off - f->size);
	if (ok && off >= f->size && all_zero(p, n))
		ok = ftruncate(f->fd, (off_t)(off + n)) == 0;	/* a hole */
	else if (ok)
		ok = write_at(f->fd, p, n, off);
	if (!ok)
		return failed(d, area, bank);
	if (off + n > f->size)
		f->size = off + n;
	return true;
}

struct fwp_flashdir *
fwp_flashdir_new(int dir, const uint64_t *size, uint32_t components,
    uint64_t record_size, uint64_t trust_size)
{
	struct fwp_flashdir *d;

	if (components > FWD_COMPONENTS_MAX)
		return NULL;
	d = calloc(1, sizeof *d);
	if (d == NULL)
		return NULL;
	d->dir = dir;
	d->components = components;
	d->record_size = record_size;
	d->trust_size = trust_size;
	memcpy(d->size, size, components * sizeof *size);
	d->flash.medium = (struct fwp_medium){ d, dir_size, dir_get, dir_put,
	    dir_fill, dir_sync };
	d->flash.write_unit = FWP_FLASHDIR_UNIT;
	d->flash.erase_block = FWP_FLASHDIR_BLOCK;
	return d;
}

bool
fwp_flashdir_sync(struct fwp_flashdir *d)
{
	for (uint32_t i = 0; i < FILES; i++)
		for (uint32_t k = 0; k < FWD_BANKS; k++)
			if (!sync_file(d, i, k))
				return false;
	return true;
}

void
fwp_flashdir_free(struct fwp_flashdir *d)
{
	if (d == NULL)
		return;
	for (uint32_t i = 0; i < FILES; i++)
		for (uint32_t k = 0; k < FWD_BANKS; k++)
			if (d->file[i][k].there)
				(void)close(d->file[i][k].fd);
	free(d);
}
