/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles as archives, read with libarchive.  For looking only: what a device
 * makes of a bundle is decided by the device library, block by block.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "host/describe_internal.h"

enum { MEMBERS_MAX = 65536 };

struct fw_reader {
	struct archive *a;
	int fd;
	char *path;
	uint64_t size;			/* of the file */
	json_t *seen;			/* names so far, in hexadecimal */
	size_t members;
	bool strict;			/* only plain ustar headers so far */
	uint64_t end;			/* of the last member, if strict */
	fwd_status tail;
};

bool
fw_is_envelope(const uint8_t *p, size_t n)
{
	return n >= 2 && p[0] == 0xd8 && p[1] == 107;
}

bool
fw_name_is_plain(struct fwd_span name)
{
	size_t start = 0, n;

	if (name.n == 0 || name.n >= FWD_NAME_MAX)
		return false;
	for (size_t i = 0; i <= name.n; i++) {
		const char c = i == name.n ? '/' : (char)name.p[i];

		if (c == '/') {
			n = i - start;
			if (n == 0 || (n <= 2 && memcmp(name.p + start, "..",
			    n) == 0))
				return false;
			start = i + 1;
		} else if (c == '\0' || strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz0123456789._+-", c) == NULL) {
			return false;
		}
	}
	return true;
}

void
fw_reader_free(struct fw_reader *r)
{
	if (r == NULL)
		return;
	if (r->a != NULL)
		(void)archive_read_free(r->a);
	if (r->fd >= 0)
		(void)close(r->fd);
	json_decref(r->seen);
	free(r->path);
	free(r);
}

static void
free_reader(struct fw_reader **r)
{
	fw_reader_free(*r);
}

enum fw_kind
fw_reader_open(const char *path, struct fw_reader **out, struct fw_error *err)
{
	FW_CLEANUP(free_reader) struct fw_reader *r = calloc(1, sizeof *r);

	if (r == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	r->fd = -1;
	FW_TRY(fw_file_open(path, &r->fd, &r->size, err));
	r->path = strdup(path);
	r->seen = json_object();
	r->a = archive_read_new();
	r->strict = true;
	r->tail = FWD_OK;
	if (r->path == NULL || r->seen == NULL || r->a == NULL ||
	    archive_read_support_format_tar(r->a) != ARCHIVE_OK ||
	    archive_read_support_filter_none(r->a) != ARCHIVE_OK)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	/* An empty file and the like show up with the first member. */
	(void)archive_read_open_fd(r->a, r->fd, 64 * 1024);
	*out = r;
	r = NULL;
	return FW_OK;
}

static enum fw_kind
refused(struct fw_reader *r, struct fw_error *err)
{
	const char *const why = archive_error_string(r->a);

	if (r->size < r->end)
		r->tail = FWD_E_TRUNCATED;
	return fw_fail(err, FW_E_REFUSED, "cannot read '%s' as a bundle: %s",
	    r->path, why != NULL ? why : "it is no archive");
}

static const char *
entry_type(struct archive_entry *e)
{
	if (archive_entry_hardlink(e) != NULL)
		return "hard link";
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return "file";
	case AE_IFDIR:
		return "directory";
	case AE_IFLNK:
		return "symbolic link";
	case AE_IFCHR:
	case AE_IFBLK:
		return "device";
	case AE_IFIFO:
		return "fifo";
	default:
		return "other";
	}
}

/* Was the name there before?  It is there afterwards. */
static bool
repeated(struct fw_reader *r, struct fwd_span name, bool *failed)
{
	FW_JSON json_t *hex = fw_d_hex(name);
	bool known;

	if (hex == NULL) {
		*failed = true;
		return false;
	}
	known = json_object_get(r->seen, json_string_value(hex)) != NULL;
	if (json_object_set_new(r->seen, json_string_value(hex),
	    json_true()) != 0)
		*failed = true;
	return known;
}

static void
add_note(struct fw_member *m, const char *text)
{
	const size_t n = strlen(m->note);

	(void)snprintf(m->note + n, sizeof m->note - n, "%s%s",
	    n > 0 ? "; " : "", text);
}

/* What a device would not accept, as far as libarchive shows it. */
static void
notes(struct fw_reader *r, struct archive_entry *e, struct fw_member *m,
    bool first, bool *failed)
{
	const char *const user = archive_entry_uname(e);
	const char *const group = archive_entry_gname(e);
	const bool regular = strcmp(m->type, "file") == 0;
	const bool ustar = archive_format(r->a) == ARCHIVE_FORMAT_TAR_USTAR;
	const bool name_ok = fw_name_is_plain(m->name);
	const bool again = repeated(r, m->name, failed);

	m->plain = regular && ustar && name_ok && !again;
	if (!regular)
		add_note(m, "not a regular file");
	if (!ustar)
		add_note(m, "not a plain ustar header");
	if (!name_ok)
		add_note(m, "the name is not a plain relative path");
	if (again)
		add_note(m, "the name is there twice");
	if (first && (m->name.n != strlen("manifest.suit") ||
	    memcmp(m->name.p, "manifest.suit", m->name.n) != 0))
		add_note(m, "the first member is not 'manifest.suit'");
	if (regular && (archive_entry_perm(e) != 0644 ||
	    archive_entry_uid(e) != 0 || archive_entry_gid(e) != 0 ||
	    (user != NULL && user[0] != '\0') ||
	    (group != NULL && group[0] != '\0')))
		add_note(m, "mode is not 0644, or owner is not 0 without "
		    "name");
}

/* After the last member: two blocks of zeros and nothing else. */
static void
look_at_tail(struct fw_reader *r)
{
	uint8_t block[2 * FWD_BLOCK];
	uint8_t all = 0;

	if (!r->strict)
		return;
	r->tail = FWD_E_TRUNCATED;
	if (r->size < r->end || r->size - r->end < sizeof block ||
	    pread(r->fd, block, sizeof block, (off_t)r->end) !=
	    (ssize_t)sizeof block)
		return;
	for (size_t i = 0; i < sizeof block; i++)
		all |= block[i];
	r->tail = all != 0 ? FWD_E_HEADER : r->size != r->end + sizeof block ?
	    FWD_E_TRAILING : FWD_OK;
}

enum fw_kind
fw_reader_next(struct fw_reader *r, struct fw_member *m, bool *more,
    struct fw_error *err)
{
	struct archive_entry *e;
	const char *name;
	bool failed = false;
	int rc;

	*m = (struct fw_member){ .type = "other" };
	*more = false;
	rc = archive_read_next_header(r->a, &e);
	if (rc == ARCHIVE_EOF) {
		look_at_tail(r);
		return FW_OK;
	}
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
		return refused(r, err);
	if (r->members++ == MEMBERS_MAX)
		return fw_fail(err, FW_E_REFUSED,
		    "more than %d members in '%s'", MEMBERS_MAX, r->path);
	name = archive_entry_pathname(e);
	if (name == NULL)
		name = "";
	m->name = (struct fwd_span){ (const uint8_t *)name, strlen(name) };
	m->size = archive_entry_size(e) > 0 ?
	    (uint64_t)archive_entry_size(e) : 0;
	m->type = entry_type(e);
	m->mode = (unsigned)archive_entry_perm(e);
	m->offset = (uint64_t)archive_read_header_position(r->a);
	notes(r, e, m, r->members == 1, &failed);
	if (failed)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	r->strict = r->strict &&
	    archive_format(r->a) == ARCHIVE_FORMAT_TAR_USTAR;
	r->end = m->offset + FWD_BLOCK + (m->size + FWD_BLOCK - 1) /
	    FWD_BLOCK * FWD_BLOCK;
	*more = true;
	return FW_OK;
}

enum fw_kind
fw_reader_data(struct fw_reader *r, void *buf, size_t n, size_t *got,
    struct fw_error *err)
{
	const la_ssize_t len = archive_read_data(r->a, buf, n);

	*got = 0;
	if (len < 0)
		return refused(r, err);
	*got = (size_t)len;
	return FW_OK;
}

fwd_status
fw_reader_tail(const struct fw_reader *r)
{
	return r->tail;
}
