/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads on their way into a bundle: one thread reads and hashes, another
 * writes the same chunks, reads them back and compares, so that a payload is
 * read once and the digest of the source is known to be that of the output.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "host/build.h"
#include "host/internal.h"

enum {
	CHUNK = 64 * 1024,		/* all of them fit into a core's cache */
	CHUNKS = 4,			/* under way at a time */
	WRITEBACK = 8 * 1024 * 1024,	/* handed to the disk at a time */
	SMALL = 16 * CHUNK,		/* not worth a thread */
};

/* ---- sources --------------------------------------------------------- */

void
fw_source_deinit(struct fw_source *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->path);
	*s = (struct fw_source)FW_SOURCE_NONE;
}

enum fw_kind
fw_source_take(int fd, const char *path, struct fw_source *out,
    struct fw_error *err)
{
	struct fw_source s = { .fd = fd, .path = strdup(path) };
	struct stat st;

	if (s.path == NULL || fstat(fd, &st) != 0) {
		(void)fw_fail_errno(err, s.path == NULL ? FW_E_NOMEM : FW_E_IO,
		    "cannot look at '%s'", path);
		fw_source_deinit(&s);
		return err->kind;
	}
	s.size = (uint64_t)st.st_size;
	s.mtime.s = st.st_mtim.tv_sec;
	s.mtime.ns = st.st_mtim.tv_nsec;
	s.ctime.s = st.st_ctim.tv_sec;
	s.ctime.ns = st.st_ctim.tv_nsec;
	*out = s;
	return FW_OK;
}

enum fw_kind
fw_source_open(const char *path, struct fw_source *out, struct fw_error *err)
{
	int fd = -1;

	FW_TRY(fw_file_open(path, &fd, NULL, err));
	return fw_source_take(fd, path, out, err);
}

enum fw_kind
fw_source_unchanged(const struct fw_source *s, struct fw_error *err)
{
	struct stat st;

	if (fstat(s->fd, &st) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot look at '%s'",
		    s->path);
	if ((uint64_t)st.st_size != s->size ||
	    st.st_mtim.tv_sec != s->mtime.s ||
	    st.st_mtim.tv_nsec != s->mtime.ns ||
	    st.st_ctim.tv_sec != s->ctime.s ||
	    st.st_ctim.tv_nsec != s->ctime.ns)
		return fw_fail(err, FW_E_IO,
		    "'%s' changed while it was read (build again when nothing "
		    "writes to it)", s->path);
	return FW_OK;
}

/* ---- whole reads and writes ------------------------------------------ */

enum fw_kind
fw_write_at(int fd, const void *p, size_t n, uint64_t off,
    struct fw_error *err)
{
	const uint8_t *from = p;
	ssize_t did;

	while (n > 0) {
		did = pwrite(fd, from, n, (off_t)off);
		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0)
			return fw_fail_errno(err, FW_E_IO, "cannot write");
		from += did;
		n -= (size_t)did;
		off += (uint64_t)did;
	}
	return FW_OK;
}

enum fw_kind
fw_read_at(int fd, void *p, size_t n, uint64_t off, struct fw_error *err)
{
	uint8_t *to = p;
	ssize_t did;

	while (n > 0) {
		did = pread(fd, to, n, (off_t)off);
		if (did < 0 && errno == EINTR)
			continue;
		if (did < 0)
			return fw_fail_errno(err, FW_E_IO, "cannot read");
		if (did == 0)
			return fw_fail(err, FW_E_IO,
			    "cannot read: the file became shorter");
		to += did;
		n -= (size_t)did;
		off += (uint64_t)did;
	}
	return FW_OK;
}

/* ---- the two threads ------------------------------------------------- */

/*
 * Chunks in a ring.  The reader fills chunk[filled % CHUNKS], the writer
 * takes chunk[written % CHUNKS]; both only read a chunk once it is filled.
 */
struct ring {
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct {
		uint8_t *p;
		size_t n;
	} chunk[CHUNKS];
	uint8_t *back;			/* what was read back */
	unsigned long filled, written;
	bool end;			/* no more chunks will be filled */
	bool failed;			/* the writer gave up; error says why */
	int out;
	uint64_t off;
	uint64_t started;		/* handed to the disk up to here */
	uint64_t size;			/* of the output, before the copy */
	struct fw_error error;
};

static bool
all_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/*
 * Where the next data in a file begin, seen from off; what lies before them is
 * a hole, which reads as zeros.  off itself where the system cannot tell.
 */
static uint64_t
next_data(int fd, uint64_t off)
{
	const off_t at = lseek(fd, (off_t)off, SEEK_DATA);

	if (at < 0)
		return errno == ENXIO ? UINT64_MAX : off;
	return (uint64_t)at;
}

static enum fw_kind
compare_chunk(struct ring *r, const uint8_t *p, size_t n)
{
	struct fw_error *const err = &r->error;

	FW_TRY(fw_read_at(r->out, r->back, n, r->off, err));
	if (memcmp(p, r->back, n) != 0)
		return fw_fail(err, FW_E_IO, "what was read back is not what "
		    "was written (look at the disk)");
	return FW_OK;
}

/*
 * Let the disk begin with what lies behind us, so that the fsync() at the end
 * has little to wait for.  Only a hint: nothing depends on it.
 */
static void
start_writeback(struct ring *r)
{
	if (r->off - r->started < WRITEBACK)
		return;
	(void)sync_file_range(r->out, (off_t)r->started,
	    (off_t)(r->off - r->started), SYNC_FILE_RANGE_WRITE);
	r->started = r->off;
}

/*
 * Write one chunk and prove that it is there.  Zeros are not written; that
 * their place is a hole proves them without reading gigabytes of nothing.
 */
static enum fw_kind
write_chunk(struct ring *r, const uint8_t *p, size_t n)
{
	const bool zero = all_zero(p, n);

	if (!zero)
		FW_TRY(fw_write_at(r->out, p, n, r->off, &r->error));
	if (!zero || r->off + n > r->size ||
	    next_data(r->out, r->off) < r->off + n)
		FW_TRY(compare_chunk(r, p, n));
	r->off += n;
	start_writeback(r);
	return FW_OK;
}

static void *
writer(void *arg)
{
	struct ring *const r = arg;
	enum fw_kind kind = FW_OK;
	size_t i;

	(void)pthread_mutex_lock(&r->lock);
	while (kind == FW_OK) {
		while (r->written == r->filled && !r->end)
			(void)pthread_cond_wait(&r->change, &r->lock);
		if (r->written == r->filled)
			break;
		i = r->written % CHUNKS;
		(void)pthread_mutex_unlock(&r->lock);
		kind = write_chunk(r, r->chunk[i].p, r->chunk[i].n);
		(void)pthread_mutex_lock(&r->lock);
		r->written++;
		r->failed = kind != FW_OK;
		(void)pthread_cond_signal(&r->change);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* Wait for a chunk that can be filled; NULL when the writer gave up. */
static uint8_t *
ring_take(struct ring *r)
{
	uint8_t *p = NULL;

	(void)pthread_mutex_lock(&r->lock);
	while (r->filled - r->written == CHUNKS && !r->failed)
		(void)pthread_cond_wait(&r->change, &r->lock);
	if (!r->failed)
		p = r->chunk[r->filled % CHUNKS].p;
	(void)pthread_mutex_unlock(&r->lock);
	return p;
}

static void
ring_give(struct ring *r, size_t n)
{
	(void)pthread_mutex_lock(&r->lock);
	r->chunk[r->filled % CHUNKS].n = n;
	r->filled++;
	(void)pthread_cond_signal(&r->change);
	(void)pthread_mutex_unlock(&r->lock);
}

static void
ring_free(struct ring *r)
{
	size_t i;

	for (i = 0; i < CHUNKS; i++)
		free(r->chunk[i].p);
	free(r->back);
	(void)pthread_cond_destroy(&r->change);
	(void)pthread_mutex_destroy(&r->lock);
}

static bool
ring_new(struct ring *r)
{
	bool ok;
	size_t i;

	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->change, NULL);
	r->back = malloc(CHUNK);
	ok = r->back != NULL;
	for (i = 0; i < CHUNKS; i++) {
		r->chunk[i].p = malloc(CHUNK);
		ok = ok && r->chunk[i].p != NULL;
	}
	return ok;
}

/* What is known of holes in the source. */
struct holes {
	uint64_t end;			/* zeros up to here */
	bool ask;			/* the last chunk was zeros */
};

/* Fill p from the source, without reading what lies in a hole. */
static enum fw_kind
read_chunk(const struct fw_source *in, uint8_t *p, size_t n, uint64_t off,
    struct holes *holes, struct fw_error *err)
{
	if (holes->ask && holes->end <= off)
		holes->end = next_data(in->fd, off);
	if (holes->end >= off + n) {
		memset(p, 0, n);
		return FW_OK;
	}
	if (fw_read_at(in->fd, p, n, off, err) != FW_OK)
		return fw_wrap(err, "'%s'", in->path);
	holes->ask = all_zero(p, n);
	return FW_OK;
}

/* The reader's loop; md may be NULL. */
static enum fw_kind
read_chunks(struct ring *r, const struct fw_source *in, uint64_t from,
    uint64_t left, EVP_MD_CTX *md, const struct fw_progress *progress,
    struct fw_error *err)
{
	struct holes holes = { .ask = true };
	uint64_t done = 0;
	uint8_t *p;
	size_t n;

	for (; left > 0; left -= n, done += n) {
		n = left < CHUNK ? (size_t)left : CHUNK;
		if (fw_interrupted())
			return fw_fail(err, FW_E_IO, "interrupted");
		p = ring_take(r);
		if (p == NULL)
			return FW_OK;	/* the writer knows why */
		FW_TRY(read_chunk(in, p, n, from + done, &holes, err));
		ring_give(r, n);
		if (md != NULL && EVP_DigestUpdate(md, p, n) != 1)
			return fw_fail_ssl(err, FW_E_IO, "cannot hash");
		if (progress != NULL && progress->fn != NULL)
			progress->fn(progress->ctx,
			    progress->before + done + n);
	}
	return FW_OK;
}

/* The same without another thread. */
static enum fw_kind
copy_here(struct ring *r, const struct fw_source *in, uint64_t from,
    uint64_t left, EVP_MD_CTX *md, struct fw_error *err)
{
	const size_t room = left < CHUNK ? (size_t)left : CHUNK;
	FW_FREE uint8_t *p = malloc(2 * room + 1);
	struct holes holes = { .ask = true };
	size_t n;

	if (p == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (fw_interrupted())
		return fw_fail(err, FW_E_IO, "interrupted");
	for (; left > 0; left -= n, from += n) {
		n = left < room ? (size_t)left : room;
		FW_TRY(read_chunk(in, p, n, from, &holes, err));
		if (md != NULL && EVP_DigestUpdate(md, p, n) != 1)
			return fw_fail_ssl(err, FW_E_IO, "cannot hash");
		r->back = p + room;
		if (write_chunk(r, p, n) != FW_OK) {
			*err = r->error;
			return err->kind;
		}
	}
	return fw_source_unchanged(in, err);
}

/* With a thread of its own for the output. */
static enum fw_kind
copy_there(struct ring *r, const struct fw_source *in, uint64_t from,
    uint64_t n, EVP_MD_CTX *md, const struct fw_progress *progress,
    struct fw_error *err)
{
	enum fw_kind kind;
	pthread_t thread;

	if (!ring_new(r))
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (pthread_create(&thread, NULL, writer, r) != 0)
		return fw_fail(err, FW_E_NOMEM, "cannot start a thread");
	kind = read_chunks(r, in, from, n, md, progress, err);
	(void)pthread_mutex_lock(&r->lock);
	r->end = true;
	(void)pthread_cond_signal(&r->change);
	(void)pthread_mutex_unlock(&r->lock);
	(void)pthread_join(thread, NULL);
	if (kind == FW_OK && r->failed) {
		*err = r->error;
		return err->kind;
	}
	FW_TRY(kind);
	return fw_source_unchanged(in, err);
}

static enum fw_kind
copy(const struct fw_source *in, uint64_t from, uint64_t n, int out,
    uint64_t off, EVP_MD_CTX *md, const struct fw_progress *progress,
    struct fw_error *err)
{
	struct ring r = { .out = out, .off = off, .started = off };
	enum fw_kind kind;
	struct stat st;

	if (from > in->size || n > in->size - from)
		return fw_fail(err, FW_E_IO,
		    "cannot read '%s': it is too short", in->path);
	if (fstat(out, &st) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot look at the output");
	r.size = (uint64_t)st.st_size;
	if (n <= SMALL && progress == NULL)
		return copy_here(&r, in, from, n, md, err);
	kind = copy_there(&r, in, from, n, md, progress, err);
	ring_free(&r);
	return kind;
}

static void
md_free(EVP_MD_CTX **md)
{
	EVP_MD_CTX_free(*md);
}

enum fw_kind
fw_copy_hashed(const struct fw_source *in, int out, uint64_t off, int32_t alg,
    uint8_t digest[FWD_DIGEST_MAX], const struct fw_progress *progress,
    struct fw_error *err)
{
	FW_CLEANUP(md_free) EVP_MD_CTX *md = EVP_MD_CTX_new();
	const EVP_MD *const type = fw_digest_md(alg);

	if (md == NULL || type == NULL ||
	    EVP_DigestInit_ex(md, type, NULL) != 1)
		return fw_fail_ssl(err, FW_E_INPUT, "cannot hash with %s",
		    fwd_alg_name(alg));
	FW_TRY(copy(in, 0, in->size, out, off, md, progress, err));
	if (EVP_DigestFinal_ex(md, digest, NULL) != 1)
		return fw_fail_ssl(err, FW_E_IO, "cannot hash");
	return FW_OK;
}

enum fw_kind
fw_copy_range(const struct fw_source *in, uint64_t from, uint64_t n, int out,
    uint64_t off, struct fw_error *err)
{
	return copy(in, from, n, out, off, NULL, NULL, err);
}
