/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that many bundles of a batch hold.  Each is read and hashed once, into
 * a copy without a name: nobody else can change that one, so that the digest
 * holds for all bundles, whatever happens to the file meanwhile.
 */
#include <pthread.h>
#include <string.h>

#include "host/build_internal.h"

enum {
	FILES_MAX = 64,			/* copies at a time */
	CHUNK = 256 * 1024,
};

struct fw_shared {
	pthread_mutex_t lock;
	struct fw_shared_file *file[FILES_MAX];
	size_t n;
	uint64_t now;			/* counts the uses */
};

struct fw_shared *
fw_shared_new(void)
{
	struct fw_shared *const s = calloc(1, sizeof *s);

	if (s != NULL && pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		return NULL;
	}
	return s;
}

static void
file_free(struct fw_shared_file *f)
{
	fw_output_abandon(&f->out);
	free(f->image.path);
	free(f);
}

static void
file_cleanup(struct fw_shared_file **f)
{
	if (*f != NULL)
		file_free(*f);
}

void
fw_shared_free(struct fw_shared *s)
{
	if (s == NULL)
		return;
	while (s->n > 0)
		file_free(s->file[--s->n]);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Would both make the same image? */
static bool
same(const struct fw_image *a, const struct fw_image *b)
{
	size_t i;

	if (strcmp(a->path, b->path) != 0 || a->format != b->format)
		return false;
	if (a->format == FW_RAW)
		return true;
	if (a->fill != b->fill || a->has_base != b->has_base ||
	    (a->has_base && a->base != b->base) || a->ignores != b->ignores)
		return false;
	for (i = 0; i < a->ignores; i++)
		if (a->ignore[i].from != b->ignore[i].from ||
		    a->ignore[i].to != b->ignore[i].to)
			return false;
	return true;
}

/* ---- loading -------------------------------------------------------- */

enum fw_kind
fw_image_open(const struct fw_image *image, struct fw_source *out,
    struct fw_error *err)
{
	uint64_t base, size;
	int fd = -1;

	switch (image->format) {
	case FW_INTEL_HEX:
		FW_TRY(fw_hex_load(image, &fd, &base, &size, err));
		break;
	case FW_TRUST_ANCHORS:
	case FW_REVOCATIONS:
		FW_TRY(fw_list_load(image, &fd, err));
		break;
	default:
		return fw_source_open(image->path, out, err);
	}
	return fw_source_take(fd, image->path, out, err);
}

static enum fw_kind
fill(struct fw_shared_file *f, const char *near, struct fw_error *err)
{
	FW_CLEANUP(fw_source_deinit) struct fw_source source = FW_SOURCE_NONE;

	FW_TRY(fw_image_open(&f->image, &source, err));
	FW_TRY(fw_output_open(near, &f->out, err));
	if (ftruncate(f->out.fd, (off_t)source.size) != 0)
		return fw_fail_errno(err, FW_E_IO,
		    "cannot write a copy of '%s'", f->image.path);
	f->size = source.size;
	return fw_copy_hashed(&source, f->out.fd, 0, f->alg, f->digest, NULL,
	    err);
}

static enum fw_kind
load(struct fw_shared *s, const struct fw_image *image, int32_t alg,
    const char *near, struct fw_shared_file **out, struct fw_error *err)
{
	FW_CLEANUP(file_cleanup) struct fw_shared_file *f = calloc(1,
	    sizeof *f);

	if (f == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	f->out = (struct fw_output)FW_OUTPUT_NONE;
	f->shared = s;
	f->image = *image;
	f->image.name = NULL;
	f->alg = alg;
	f->image.path = strdup(image->path);
	if (f->image.path == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fill(f, near, err));
	*out = f;
	f = NULL;
	return FW_OK;
}

/* Make room: the one that was not used for the longest time goes. */
static void
evict(struct fw_shared *s)
{
	size_t i, oldest = FILES_MAX;

	for (i = 0; i < s->n; i++)
		if (s->file[i]->users == 0 && (oldest == FILES_MAX ||
		    s->file[i]->used < s->file[oldest]->used))
			oldest = i;
	if (oldest == FILES_MAX)
		return;
	file_free(s->file[oldest]);
	s->file[oldest] = s->file[--s->n];
}

static enum fw_kind
get(struct fw_shared *s, const struct fw_image *image, int32_t alg,
    const char *near, struct fw_shared_file **out, struct fw_error *err)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->file[i]->alg == alg && same(&s->file[i]->image, image))
			break;
	if (i == s->n) {
		FW_TRY(load(s, image, alg, near, out, err));
		if (s->n == FILES_MAX)
			evict(s);
		(*out)->users = 1;
		if (s->n < FILES_MAX)
			s->file[s->n++] = *out;
		else
			(*out)->shared = NULL;	/* its user's alone */
		return FW_OK;
	}
	*out = s->file[i];
	(*out)->users++;
	(*out)->used = ++s->now;
	return FW_OK;
}

enum fw_kind
fw_shared_get(struct fw_shared *s, const struct fw_image *image, int32_t alg,
    const char *near, struct fw_shared_file **out, struct fw_error *err)
{
	enum fw_kind kind;

	/* Others that want the same file wait for it and not for the disk. */
	(void)pthread_mutex_lock(&s->lock);
	kind = get(s, image, alg, near, out, err);
	(void)pthread_mutex_unlock(&s->lock);
	return kind;
}

void
fw_shared_put(struct fw_shared_file *f)
{
	if (f == NULL)
		return;
	if (f->shared == NULL) {
		file_free(f);
		return;
	}
	(void)pthread_mutex_lock(&f->shared->lock);
	f->users--;
	(void)pthread_mutex_unlock(&f->shared->lock);
}

/* ---- copying -------------------------------------------------------- */

static bool
all_zero(const uint8_t *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

enum fw_kind
fw_shared_copy(const struct fw_shared_file *f, int out, uint64_t off,
    struct fw_error *err)
{
	const size_t room = f->size < CHUNK ? (size_t)f->size : CHUNK;
	FW_FREE uint8_t *buf = malloc(2 * room + 1);
	uint64_t done;
	size_t n;

	if (buf == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (done = 0; done < f->size; done += n) {
		n = f->size - done < room ? (size_t)(f->size - done) : room;
		if (fw_interrupted())
			return fw_fail(err, FW_E_IO, "interrupted");
		FW_TRY(fw_read_at(f->out.fd, buf, n, done, err));
		/* A hole is there already. */
		if (!all_zero(buf, n))
			FW_TRY(fw_write_at(out, buf, n, off + done, err));
		FW_TRY(fw_read_at(out, buf + room, n, off + done, err));
		if (memcmp(buf, buf + room, n) != 0)
			return fw_fail(err, FW_E_IO, "what was read back is "
			    "not what was written (look at the disk)");
	}
	return FW_OK;
}
