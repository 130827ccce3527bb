/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intel HEX ("Hexadecimal Object File Format Specification", revision A) into
 * an image.  The file is read twice, line by line: once to see that it is
 * sound and which addresses it fills, once to write them.  So memory does not
 * depend on its size, and nothing is written for a file that is unsound.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "host/fields.h"
#include "host/hexrange.h"
#include "host/internal.h"

enum {
	DATA, END, SEGMENT_BASE, SEGMENT_START, LINEAR_BASE, LINEAR_START,
};
enum {
	RECORD_MAX = 255 + 5,		/* bytes, with length and checksum */
	LINE_LIMIT = 1 + 2 * RECORD_MAX + 1,	/* with ':' and CR */
	BUFFER = 64 * 1024,
};
#define SEGMENT_SIZE	0x10000u
#define ADDRESS_END	((uint64_t)1 << 32)
#define IMAGE_LIMIT	((uint64_t)256 << 20)

/* How addresses go on: nothing said yet, after record 02, after record 04. */
enum mode { SHORT, SEGMENTED, LINEAR };

struct reader {
	const struct fw_image *img;
	int fd;
	size_t at, n;			/* in in[] */
	bool finished;			/* no more to read */
	unsigned line;
	char text[LINE_LIMIT + 1];
	size_t text_n;
	uint8_t record[RECORD_MAX];
	enum mode mode;
	uint64_t upper;			/* address of the segment */
	bool ended;			/* the end record was seen */
	struct fw_ranges ranges;
	/* second pass */
	int out;			/* -1: the first */
	uint64_t base, size;
	uint64_t pending_at;		/* offset in the image */
	size_t pending;			/* bytes in out_buf */
	uint8_t in[BUFFER], out_buf[BUFFER];
};

static enum fw_kind
fail(const struct reader *r, unsigned column, struct fw_error *err,
    const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	return fw_fail_at(err, FW_E_INPUT, r->img->path, r->line, column,
	    "%s", text);
}

/* ---- writing --------------------------------------------------------- */

static enum fw_kind
write_at(const struct reader *r, uint64_t off, const uint8_t *p, size_t n,
    struct fw_error *err)
{
	ssize_t put;

	while (n > 0) {
		put = pwrite(r->out, p, n, (off_t)off);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			errno = put == 0 ? ENOSPC : errno;
			return fw_fail_errno(err, FW_E_IO, "cannot write the "
			    "image of '%s' to a temporary file",
			    r->img->path);
		}
		p += put;
		off += (uint64_t)put;
		n -= (size_t)put;
	}
	return FW_OK;
}

static enum fw_kind
flush(struct reader *r, struct fw_error *err)
{
	const size_t n = r->pending;

	r->pending = 0;
	return write_at(r, r->pending_at, r->out_buf, n, err);
}

/* Collect what is contiguous, as nearly everything is. */
static enum fw_kind
write_data(struct reader *r, uint64_t off, const uint8_t *p, size_t n,
    struct fw_error *err)
{
	if (r->pending > 0 && (off != r->pending_at + r->pending ||
	    n > BUFFER - r->pending))
		FW_TRY(flush(r, err));
	if (r->pending == 0)
		r->pending_at = off;
	memcpy(r->out_buf + r->pending, p, n);
	r->pending += n;
	return FW_OK;
}

static enum fw_kind
fill_gap(struct reader *r, uint64_t from, uint64_t to, struct fw_error *err)
{
	memset(r->out_buf, r->img->fill, BUFFER);
	for (size_t n; from < to; from += n) {
		n = to - from < BUFFER ? (size_t)(to - from) : BUFFER;
		FW_TRY(write_at(r, from - r->base, r->out_buf, n, err));
	}
	return FW_OK;
}

/* Holes in the file are zeros already. */
static enum fw_kind
fill_gaps(struct reader *r, struct fw_error *err)
{
	uint64_t at = r->base;

	for (size_t i = 0; r->img->fill != 0 && i < r->ranges.n; i++) {
		FW_TRY(fill_gap(r, at, r->ranges.range[i].from, err));
		at = r->ranges.range[i].end;
	}
	return FW_OK;
}

/* ---- records --------------------------------------------------------- */

/* One piece of data whose addresses are contiguous and wanted. */
static enum fw_kind
put(struct reader *r, uint64_t address, const uint8_t *p, size_t n,
    struct fw_error *err)
{
	uint64_t other;

	if (r->img->has_base && address < r->img->base)
		return fail(r, 1, err, "data at 0x%08llx lie below the base "
		    "0x%08llx", (unsigned long long)address,
		    (unsigned long long)r->img->base);
	switch (fw_ranges_add(&r->ranges, address, n, &other)) {
	case FW_RANGE_OK:
		break;
	case FW_RANGE_OVERLAP:
		return fail(r, 1, err, "there are data for 0x%08llx already",
		    (unsigned long long)other);
	case FW_RANGE_MANY:
		return fail(r, 1, err, "the data lie in more than %u pieces",
		    FW_RANGES_MAX);
	case FW_RANGE_NOMEM:
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	if (r->out < 0)
		return FW_OK;
	if (address < r->base || n > r->size ||
	    address - r->base > r->size - n)
		return fw_fail(err, FW_E_INPUT,
		    "'%s' changed while it was read", r->img->path);
	return write_data(r, address - r->base, p, n, err);
}

/* How many of n bytes from address share its fate; *drop says which. */
static size_t
same_area(const struct fw_image *img, uint64_t address, size_t n, bool *drop)
{
	uint64_t left = n;

	*drop = false;
	for (size_t i = 0; i < img->ignores; i++) {
		const struct fw_area *a = &img->ignore[i];

		if (address >= a->from && address <= a->to) {
			*drop = true;
			left = a->to - address + 1;
			return left < n ? (size_t)left : n;
		}
		if (address < a->from && a->from - address < left)
			left = a->from - address;
	}
	return (size_t)left;
}

/* Data with contiguous addresses, without what is to be ignored. */
static enum fw_kind
put_wanted(struct reader *r, uint64_t address, const uint8_t *p, size_t n,
    struct fw_error *err)
{
	bool drop;

	for (size_t part; n > 0; address += part, p += part, n -= part) {
		part = same_area(r->img, address, n, &drop);
		if (!drop)
			FW_TRY(put(r, address, p, part, err));
	}
	return FW_OK;
}

static enum fw_kind
on_data(struct reader *r, uint64_t offset, const uint8_t *p, size_t n,
    struct fw_error *err)
{
	size_t first;

	switch (r->mode) {
	case SHORT:
		if (offset + n > SEGMENT_SIZE)
			return fail(r, 1, err, "the record passes 64 KiB "
			    "without an extended address record before it");
		break;
	case LINEAR:
		if (r->upper + offset + n > ADDRESS_END)
			return fail(r, 1, err, "the record passes 4 GiB");
		break;
	case SEGMENTED:
		/* "SBA + ([DRLO + DRI] MOD 64K)": the rest is at its start */
		first = offset + n <= SEGMENT_SIZE ? n :
		    (size_t)(SEGMENT_SIZE - offset);
		FW_TRY(put_wanted(r, r->upper + offset, p, first, err));
		return put_wanted(r, r->upper, p + first, n - first, err);
	}
	return put_wanted(r, r->upper + offset, p, n, err);
}

/* A record other than data has one length and, but for the end, offset 0. */
static enum fw_kind
check_form(const struct reader *r, unsigned type, unsigned offset, size_t n,
    struct fw_error *err)
{
	static const uint8_t length[] = { 0, 0, 2, 4, 2, 4 };

	if (type > LINEAR_START)
		return fail(r, 8, err,
		    "record type 0x%02x is not Intel HEX", type);
	if (type == DATA)
		return FW_OK;
	if (n != length[type])
		return fail(r, 2, err, "a record of type 0x%02x has %u bytes "
		    "of data, not %u", type, length[type], (unsigned)n);
	if (type != END && offset != 0)
		return fail(r, 4, err,
		    "a record of type 0x%02x has the offset 0", type);
	return FW_OK;
}

static enum fw_kind
on_record(struct reader *r, struct fw_error *err)
{
	const uint8_t *const p = r->record, *const data = p + 4;
	const size_t n = p[0];
	const unsigned offset = (unsigned)p[1] << 8 | p[2], type = p[3];

	FW_TRY(check_form(r, type, offset, n, err));
	switch (type) {
	case DATA:
		return on_data(r, offset, data, n, err);
	case END:
		r->ended = true;
		break;
	case SEGMENT_BASE:
		r->mode = SEGMENTED;
		r->upper = ((uint64_t)data[0] << 8 | data[1]) << 4;
		break;
	case LINEAR_BASE:
		r->mode = LINEAR;
		r->upper = ((uint64_t)data[0] << 8 | data[1]) << 16;
		break;
	default:
		break;			/* where execution starts */
	}
	return FW_OK;
}

/* ---- lines ----------------------------------------------------------- */

/* One more byte; false at the end. */
static enum fw_kind
next_byte(struct reader *r, char *out, bool *more, struct fw_error *err)
{
	ssize_t got;

	while (r->at == r->n && !r->finished) {
		got = read(r->fd, r->in, sizeof r->in);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fw_fail_errno(err, FW_E_IO,
			    "cannot read '%s'", r->img->path);
		r->at = 0;
		r->n = (size_t)got;
		r->finished = got == 0;
	}
	*more = r->at < r->n;
	if (*more)
		*out = (char)r->in[r->at++];
	return FW_OK;
}

/* The next line without its end; *more is false when there is none. */
static enum fw_kind
next_line(struct reader *r, bool *more, struct fw_error *err)
{
	char c = '\0';

	r->text_n = 0;
	r->line++;
	for (;;) {
		FW_TRY(next_byte(r, &c, more, err));
		if (!*more || c == '\n')
			break;
		if (r->text_n == LINE_LIMIT)
			return fail(r, LINE_LIMIT + 1, err,
			    "the line is longer than a record can be");
		r->text[r->text_n++] = c;
	}
	*more = *more || r->text_n > 0;
	if (r->text_n > 0 && r->text[r->text_n - 1] == '\r')
		r->text_n--;
	return FW_OK;
}

/* ":" and pairs of digits, as many as the first one says, summing up to 0. */
static enum fw_kind
decode_line(struct reader *r, struct fw_error *err)
{
	const size_t n = (r->text_n - 1) / 2;
	uint8_t sum = 0;

	if (r->text[0] != ':')
		return fail(r, 1, err, "a record must begin with ':'");
	for (size_t i = 1; i < r->text_n; i++)
		if (fw_hex_digit(r->text[i]) < 0)
			return fail(r, (unsigned)i + 1, err,
			    "this is not a hexadecimal digit");
	if (r->text_n % 2 == 0 || n < 5)
		return fail(r, (unsigned)r->text_n + 1, err,
		    "the record ends too early");
	for (size_t i = 0; i < n && i < RECORD_MAX; i++) {
		r->record[i] = (uint8_t)(
		    fw_hex_digit(r->text[1 + 2 * i]) << 4 |
		    fw_hex_digit(r->text[2 + 2 * i]));
		sum = (uint8_t)(sum + r->record[i]);
	}
	if (n != (size_t)r->record[0] + 5)
		return fail(r, 2, err, "the record says it has %u bytes of "
		    "data, but has %d", r->record[0], (int)n - 5);
	if (sum != 0)
		return fail(r, (unsigned)r->text_n - 1, err, "the checksum is "
		    "0x%02x but should be 0x%02x", r->record[n - 1],
		    (unsigned)(uint8_t)(r->record[n - 1] - sum));
	return FW_OK;
}

static enum fw_kind
read_records(struct reader *r, struct fw_error *err)
{
	bool more;

	for (;;) {
		FW_TRY(next_line(r, &more, err));
		if (!more)
			break;
		if (r->text_n == 0)
			continue;
		if (r->ended)
			return fail(r, 1, err,
			    "there is something after the end record");
		FW_TRY(decode_line(r, err));
		FW_TRY(on_record(r, err));
	}
	if (!r->ended)
		return fail(r, 1, err, "the end record is missing");
	return FW_OK;
}

/* ---- the two passes -------------------------------------------------- */

static void
reader_free(struct reader **r)
{
	if (*r != NULL)
		fw_ranges_deinit(&(*r)->ranges);
	free(*r);
}

static enum fw_kind
first_pass(struct reader *r, struct fw_error *err)
{
	const struct fw_image *img = r->img;
	uint64_t end;

	FW_TRY(read_records(r, err));
	if (r->ranges.n == 0)
		return fw_fail(err, FW_E_INPUT, "'%s' holds no data%s",
		    img->path, img->ignores == 0 ? "" :
		    " outside of the areas to ignore");
	r->base = img->has_base ? img->base : r->ranges.range[0].from;
	end = r->ranges.range[r->ranges.n - 1].end;
	r->size = end - r->base;
	if (r->size > IMAGE_LIMIT)
		return fw_fail(err, FW_E_INPUT, "an image of '%s' would reach "
		    "from 0x%08llx to 0x%08llx, more than 256 MiB (data of "
		    "other memories can be left out with 'ignore')",
		    img->path, (unsigned long long)r->base,
		    (unsigned long long)end - 1);
	return FW_OK;
}

static enum fw_kind
second_pass(struct reader *r, struct fw_error *err)
{
	FW_CLEANUP(fw_ranges_deinit) struct fw_ranges before = r->ranges;

	r->ranges = (struct fw_ranges){ 0 };
	r->at = r->n = 0;
	r->finished = r->ended = false;
	r->line = 0;
	r->mode = SHORT;
	r->upper = 0;
	if (lseek(r->fd, 0, SEEK_SET) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot read '%s' again",
		    r->img->path);
	if (ftruncate(r->out, (off_t)r->size) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot make room for the "
		    "image of '%s' in a temporary file", r->img->path);
	FW_TRY(read_records(r, err));
	FW_TRY(flush(r, err));
	if (!fw_ranges_equal(&before, &r->ranges))
		return fw_fail(err, FW_E_INPUT,
		    "'%s' changed while it was read", r->img->path);
	return fill_gaps(r, err);
}

enum fw_kind
fw_hex_load(const struct fw_image *img, int *fd, uint64_t *base,
    uint64_t *size, struct fw_error *err)
{
	FW_CLEANUP(reader_free) struct reader *r = calloc(1, sizeof *r);
	FW_FD int in = -1;
	FW_FD int out = -1;

	if (r == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	r->img = img;
	r->out = -1;
	FW_TRY(fw_file_open(img->path, &in, NULL, err));
	r->fd = in;
	FW_TRY(first_pass(r, err));
	FW_TRY(fw_temporary_open(&out, err));
	r->out = out;
	FW_TRY(second_pass(r, err));
	*base = r->base;
	*size = r->size;
	*fd = out;
	out = -1;			/* the caller owns it now */
	return FW_OK;
}
