/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of a bundle, and payloads in its envelope, to files.  Nothing in a
 * bundle decides where these lie but their names, which must be plain relative
 * paths; directories on the way are entered one by one and never through a
 * symbolic link.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host/describe_internal.h"

static const char manifest_name[] = "manifest.suit";

struct job {
	const struct fw_extract *opt;
	int dir;			/* of opt->dir */
	json_t *files;			/* names of files to be written */
	json_t *found;			/* names asked for that were found */
	struct fw_buf envelope;
	bool have_envelope;
	bool payloads;			/* look for them in the envelope */
};

static void
job_deinit(struct job *j)
{
	if (j->dir >= 0)
		(void)close(j->dir);
	json_decref(j->files);
	json_decref(j->found);
	fw_buf_deinit(&j->envelope);
}

/* ---- names ------------------------------------------------------------------ */

static bool
wanted(const struct job *j, struct fwd_span name)
{
	for (size_t i = 0; i < j->opt->names; i++)
		if (strlen(j->opt->name[i]) == name.n &&
		    memcmp(j->opt->name[i], name.p, name.n) == 0)
			return true;
	return j->opt->all;
}

/* The file an integrated payload goes to: its name without '#'. */
static struct fwd_span
payload_file(struct fwd_span name)
{
	if (name.n > 0 && name.p[0] == '#')
		return (struct fwd_span){ name.p + 1, name.n - 1 };
	return name;
}

/* A name as a C string; it has been found to be plain. */
static void
copy_name(struct fwd_span name, char out[FWD_NAME_MAX])
{
	memcpy(out, name.p, name.n);
	out[name.n] = '\0';
}

static enum fw_kind
refuse_name(struct fwd_span name, const char *why, struct fw_error *err)
{
	const int n = name.n < 128 ? (int)name.n : 128;

	return fw_fail(err, FW_E_REFUSED, "cannot extract '%.*s': %s", n,
	    name.n > 0 ? (const char *)name.p : "", why);
}

/* ---- directories ---------------------------------------------------------------- */

/*
 * Open the directory of a file, make what is missing if make is set, and find
 * the last segment of its name.  *fd is -1 when a directory is missing.
 */
static enum fw_kind
enter(const struct job *j, const char *file, bool make, int *fd,
    const char **base, struct fw_error *err)
{
	FW_FD int at = fcntl(j->dir, F_DUPFD_CLOEXEC, 3);
	char segment[FWD_NAME_MAX];
	const char *slash;
	int next;

	*fd = -1;
	if (at < 0)
		return fw_fail_errno(err, FW_E_IO, "cannot open '%s'",
		    j->opt->dir);
	for (; (slash = strchr(file, '/')) != NULL; file = slash + 1) {
		(void)snprintf(segment, sizeof segment, "%.*s",
		    (int)(slash - file), file);
		if (make && mkdirat(at, segment, 0777) != 0 &&
		    errno != EEXIST)
			return fw_fail_errno(err, FW_E_IO,
			    "cannot make directory '%s' in '%s'", segment,
			    j->opt->dir);
		next = openat(at, segment,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && errno == ENOENT && !make)
			return FW_OK;
		if (next < 0)
			return fw_fail_errno(err, FW_E_IO,
			    "cannot enter directory '%s' in '%s'", segment,
			    j->opt->dir);
		(void)close(at);
		at = next;
	}
	*base = file;
	*fd = at;
	at = -1;
	return FW_OK;
}

/* A file that exists is replaced only if that was asked for. */
static enum fw_kind
check_absent(const struct job *j, int dir, const char *base, const char *file,
    struct fw_error *err)
{
	struct stat st;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return FW_OK;
		return fw_fail_errno(err, FW_E_IO, "cannot look at '%s/%s'",
		    j->opt->dir, file);
	}
	if (j->opt->force && S_ISREG(st.st_mode))
		return FW_OK;
	return fw_fail(err, FW_E_REFUSED, S_ISREG(st.st_mode) ?
	    "'%s/%s' exists already (--force replaces it)" :
	    "'%s/%s' exists already and is not a regular file", j->opt->dir,
	    file);
}

/* ---- writing ------------------------------------------------------------------------ */

/* Where the bytes of a file come from: a member, or memory. */
struct source {
	struct fw_reader *reader;	/* NULL: data */
	struct fwd_span data;
	uint64_t size;
};

static enum fw_kind
take(struct source *src, uint8_t *buf, size_t room, size_t *got,
    struct fw_error *err)
{
	if (src->reader != NULL)
		return fw_reader_data(src->reader, buf, room, got, err);
	*got = src->data.n < room ? src->data.n : room;
	if (*got > 0)
		memcpy(buf, src->data.p, *got);
	src->data.p += *got;
	src->data.n -= *got;
	return FW_OK;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	return n > 0 && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* Copy all bytes; blocks of zeros become holes. */
static enum fw_kind
copy(struct source *src, int fd, const char *shown, struct fw_error *err)
{
	uint8_t chunk[65536];
	uint64_t done = 0;
	size_t got;

	if (src->size > INT64_MAX || ftruncate(fd, (off_t)src->size) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'", shown);
	for (;;) {
		FW_TRY(take(src, chunk, sizeof chunk, &got, err));
		if (got == 0)
			break;
		if (got > src->size - done)
			return fw_fail(err, FW_E_REFUSED,
			    "'%s' is longer than its header says", shown);
		if (!all_zero(chunk, got))
			FW_TRY(fw_write_all(fd, chunk, got, shown, err));
		else if (lseek(fd, (off_t)got, SEEK_CUR) < 0)
			return fw_fail_errno(err, FW_E_IO,
			    "cannot write '%s'", shown);
		done += got;
	}
	if (done != src->size)
		return fw_fail(err, FW_E_REFUSED,
		    "'%s' is shorter than its header says", shown);
	return FW_OK;
}

static enum fw_kind
write_file(const struct job *j, struct fwd_span name, struct source *src,
    struct fw_error *err)
{
	FW_CLEANUP(fw_output_abandon) struct fw_output out = FW_OUTPUT_NONE;
	FW_FREE char *shown = NULL;
	char file[FWD_NAME_MAX];
	const char *base;
	FW_FD int dir = -1;

	copy_name(name, file);
	if (asprintf(&shown, "%s/%s", j->opt->dir, file) < 0) {
		shown = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	FW_TRY(enter(j, file, true, &dir, &base, err));
	FW_TRY(check_absent(j, dir, base, file, err));
	FW_TRY(fw_output_open_at(dir, shown, &out, err));
	FW_TRY(fw_output_spares(&out, j->opt->path, err));
	FW_TRY(copy(src, out.fd, shown, err));
	/* A file that came meanwhile is seen as well. */
	out.exclusive = !j->opt->force;
	FW_TRY(fw_output_commit(&out, err));
	if (j->opt->written != NULL)
		j->opt->written(j->opt->written_ctx, shown, src->size);
	return FW_OK;
}

static enum fw_kind
write_manifest(const struct job *j, struct fw_error *err)
{
	FW_CLEANUP(fw_output_abandon) struct fw_output out = FW_OUTPUT_NONE;
	const char *const path = j->opt->manifest;
	struct stat st;

	if (!j->have_envelope)
		return fw_fail(err, FW_E_REFUSED, "there is no '%s' in '%s'",
		    manifest_name, j->opt->path);
	if (!j->opt->force && lstat(path, &st) == 0)
		return fw_fail(err, FW_E_REFUSED,
		    "'%s' exists already (--force replaces it)", path);
	FW_TRY(fw_output_open(path, &out, err));
	FW_TRY(fw_output_spares(&out, j->opt->path, err));
	FW_TRY(fw_write_all(out.fd, j->envelope.p, j->envelope.n, path, err));
	out.exclusive = !j->opt->force;
	FW_TRY(fw_output_commit(&out, err));
	if (j->opt->written != NULL)
		j->opt->written(j->opt->written_ctx, path, j->envelope.n);
	return FW_OK;
}

/* ---- first pass: what will be written ---------------------------------------------------- */

static enum fw_kind
plan(struct job *j, struct fwd_span name, struct fwd_span file,
    struct fw_error *err)
{
	char text[FWD_NAME_MAX];
	const char *base;
	FW_FD int dir = -1;

	if (!fw_name_is_plain(file))
		return refuse_name(name, "its name is not a plain relative "
		    "path", err);
	copy_name(file, text);
	if (json_object_get(j->files, text) != NULL)
		return refuse_name(name, "there are two of that name", err);
	if (json_object_set_new(j->files, text, json_true()) != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(enter(j, text, false, &dir, &base, err));
	return dir < 0 ? FW_OK : check_absent(j, dir, base, text, err);
}

static enum fw_kind
mark_found(struct job *j, struct fwd_span name, struct fw_error *err)
{
	FW_FREE char *text = strndup((const char *)name.p, name.n);

	/* Only names that were asked for matter, and these are C strings. */
	if (text == NULL || json_object_set_new_nocheck(j->found, text,
	    json_true()) != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

static enum fw_kind
read_envelope(struct job *j, struct fw_reader *r, struct fw_error *err)
{
	uint8_t chunk[16384];
	size_t got;

	do {
		FW_TRY(fw_reader_data(r, chunk, sizeof chunk, &got, err));
		if (got > FW_DESCRIBE_MAX - j->envelope.n)
			return fw_fail(err, FW_E_REFUSED,
			    "the envelope in '%s' is larger than %zu bytes",
			    j->opt->path, FW_DESCRIBE_MAX);
		FW_TRY(fw_buf_add(&j->envelope, chunk, got, err));
	} while (got != 0);
	j->have_envelope = true;
	return FW_OK;
}

static enum fw_kind
plan_members(struct job *j, struct fw_reader *r, struct fw_error *err)
{
	struct fw_member m;
	bool more;

	for (;;) {
		FW_TRY(fw_reader_next(r, &m, &more, err));
		if (!more)
			return FW_OK;
		if (wanted(j, m.name)) {
			if (!m.plain)
				return refuse_name(m.name, m.note, err);
			FW_TRY(plan(j, m.name, m.name, err));
			FW_TRY(mark_found(j, m.name, err));
		}
		if (!j->have_envelope && m.plain &&
		    m.name.n == sizeof manifest_name - 1 &&
		    memcmp(m.name.p, manifest_name, m.name.n) == 0)
			FW_TRY(read_envelope(j, r, err));
	}
}

/* Is there a reason to look into the envelope? */
static bool
wants_payloads(const struct job *j)
{
	for (size_t i = 0; i < j->opt->names; i++)
		if (json_object_get(j->found, j->opt->name[i]) == NULL)
			return true;
	return j->opt->all;
}

typedef enum fw_kind payload_fn(struct job *j, const struct fwd_member *m,
    struct fw_error *err);

static enum fw_kind
each_payload(struct job *j, payload_fn *fn, struct fw_error *err)
{
	struct fwd_envelope env;
	struct fwd_member m;
	size_t at = 0;
	fwd_status s;

	if (!j->have_envelope || !j->payloads)
		return FW_OK;
	s = fwd_envelope_read(fw_buf_span(&j->envelope), &env);
	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "the envelope in '%s' is "
		    "malformed: %s: %s (name the members to extract)",
		    j->opt->path, fwd_status_code(s), fwd_status_text(s));
	while (fwd_envelope_next(&env, &at, &m))
		if (m.key == 0 && wanted(j, m.name))
			FW_TRY(fn(j, &m, err));
	return FW_OK;
}

static enum fw_kind
plan_payload(struct job *j, const struct fwd_member *m, struct fw_error *err)
{
	FW_TRY(plan(j, m->name, payload_file(m->name), err));
	return mark_found(j, m->name, err);
}

static enum fw_kind
write_payload(struct job *j, const struct fwd_member *m, struct fw_error *err)
{
	struct source src = { NULL, m->content, m->content.n };

	return write_file(j, payload_file(m->name), &src, err);
}

/* ---- second pass ---------------------------------------------------------------------------- */

static enum fw_kind
write_members(struct job *j, struct fw_reader *r, struct fw_error *err)
{
	struct fw_member m;
	struct source src;
	bool more;

	for (;;) {
		FW_TRY(fw_reader_next(r, &m, &more, err));
		if (!more)
			return FW_OK;
		if (!wanted(j, m.name))
			continue;
		if (!m.plain)		/* the file changed meanwhile */
			return refuse_name(m.name, m.note, err);
		src = (struct source){ r, { NULL, 0 }, m.size };
		FW_TRY(write_file(j, m.name, &src, err));
	}
}

static enum fw_kind
over_members(struct job *j, enum fw_kind (*fn)(struct job *j,
    struct fw_reader *r, struct fw_error *err), struct fw_error *err)
{
	struct fw_reader *r = NULL;
	enum fw_kind kind;

	FW_TRY(fw_reader_open(j->opt->path, &r, err));
	kind = fn(j, r, err);
	fw_reader_free(r);
	return kind;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static enum fw_kind
is_bare(const char *path, bool *bare, struct fw_error *err)
{
	uint8_t begin[2];
	FW_FD int fd = -1;

	FW_TRY(fw_file_open(path, &fd, NULL, err));
	*bare = pread(fd, begin, sizeof begin, 0) == (ssize_t)sizeof begin &&
	    fw_is_envelope(begin, sizeof begin);
	return FW_OK;
}

static enum fw_kind
all_found(const struct job *j, struct fw_error *err)
{
	for (size_t i = 0; i < j->opt->names; i++)
		if (json_object_get(j->found, j->opt->name[i]) == NULL)
			return fw_fail(err, FW_E_USAGE, "there is no '%s' in "
			    "'%s' (fwsign inspect lists what there is)",
			    j->opt->name[i], j->opt->path);
	return FW_OK;
}

static enum fw_kind
run(struct job *j, bool bare, struct fw_error *err)
{
	if (bare) {
		FW_TRY(fw_file_read(j->opt->path, FW_DESCRIBE_MAX,
		    &j->envelope, err));
		j->have_envelope = true;
	} else {
		FW_TRY(over_members(j, plan_members, err));
	}
	j->payloads = wants_payloads(j);
	FW_TRY(each_payload(j, plan_payload, err));
	FW_TRY(all_found(j, err));
	if (j->opt->manifest != NULL)
		FW_TRY(write_manifest(j, err));
	if (!bare && (j->opt->all || j->opt->names > 0))
		FW_TRY(over_members(j, write_members, err));
	return each_payload(j, write_payload, err);
}

enum fw_kind
fw_extract(const struct fw_extract *opt, struct fw_error *err)
{
	FW_CLEANUP(job_deinit) struct job j = { .opt = opt, .dir = -1 };
	bool bare = false;

	FW_TRY(is_bare(opt->path, &bare, err));
	j.files = json_object();
	j.found = json_object();
	if (j.files == NULL || j.found == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	j.dir = open(opt->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j.dir < 0)
		return fw_fail_errno(err, FW_E_IO,
		    "cannot open directory '%s'", opt->dir);
	return run(&j, bare, err);
}
