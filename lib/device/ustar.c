/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundle members: a POSIX ustar archive (IEEE Std 1003.1, pax, "ustar
 * Interchange Format") read in blocks, restricted to the one header that
 * fwbundle(5) describes.
 */
#include "device/internal.h"

/* Places in a header block. */
enum {
	NAME = 0, NAME_N = 100, MODE = 100, UID = 108, GID = 116, SIZE = 124,
	MTIME = 136, CHECKSUM = 148, TYPE = 156, LINK = 157, LINK_N = 100,
	MAGIC = 257, UNAME = 265, UNAME_N = 64, DEVICES = 329, PREFIX = 345,
	PREFIX_N = 155, PAD = 500, PAD_N = 12,
};

/* Beyond this a size does not fit into 11 octal digits. */
#define OCTAL_SIZE_MAX ((uint64_t)0x1ffffffffu)

static bool
zeros(const uint8_t *p, size_t n)
{
	uint8_t all = 0;

	for (size_t i = 0; i < n; i++)
		all |= p[i];
	return all == 0;
}

/* A field of n octal digits and a NUL. */
static bool
octal(const uint8_t *p, size_t n, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '7')
			return false;
		*v = *v << 3 | (uint64_t)(p[i] - '0');
	}
	return p[n] == '\0';
}

/* Octal up to 8 GiB - 1, base-256 only beyond. */
static bool
read_size(const uint8_t *p, uint64_t *v)
{
	if (p[0] != 0x80)
		return octal(p, 11, v);
	*v = 0;
	if (!zeros(p + 1, 3) || p[4] > 0x7f)
		return false;
	for (size_t i = 4; i < 12; i++)
		*v = *v << 8 | p[i];
	return *v > OCTAL_SIZE_MAX;
}

/* The sum of all bytes, the checksum field counted as spaces. */
static bool
checksum_holds(const uint8_t *h)
{
	uint64_t want, sum = 0;

	for (size_t i = 0; i < FWD_BLOCK; i++)
		sum += i >= CHECKSUM && i < CHECKSUM + 8 ? ' ' : h[i];
	return octal(h + CHECKSUM, 6, &want) && h[CHECKSUM + 7] == ' ' &&
	    sum == want;
}

/* The fields that are the same in each header. */
static bool
fixed_fields(const uint8_t *h)
{
	uint64_t mtime;

	return memcmp(h + MODE, "0000644\0" "0000000\0" "0000000", 24) == 0 &&
	    octal(h + MTIME, 11, &mtime) && h[TYPE] == '0' &&
	    zeros(h + LINK, LINK_N) && memcmp(h + MAGIC, "ustar\0" "00", 8) ==
	    0 && zeros(h + UNAME, UNAME_N) &&
	    memcmp(h + DEVICES, "0000000\0" "0000000", 16) == 0 &&
	    zeros(h + PAD, PAD_N);
}

/* The length of a text field; false when bytes follow its NUL. */
static bool
field(const uint8_t *p, size_t n, size_t *length)
{
	for (*length = 0; *length < n && p[*length] != '\0';)
		++*length;
	return zeros(p + *length, n - *length);
}

/* Is the name parted at the last '/' that lets the prefix fit? */
static bool
parted_last(const uint8_t *h, size_t name, size_t prefix)
{
	for (size_t i = 0; i < name && prefix + 1 + i <= PREFIX_N; i++)
		if (h[NAME + i] == '/')
			return false;
	return true;
}

/*
 * Join prefix and name; a prefix is there only if it has to be, so that there
 * is one header for a name.
 */
static bool
read_name(const uint8_t *h, char *out, size_t *out_n)
{
	size_t name, prefix, n = 0;

	*out_n = 0;
	if (!field(h + NAME, NAME_N, &name) ||
	    !field(h + PREFIX, PREFIX_N, &prefix))
		return false;
	if (prefix > 0) {
		if (prefix + 1 + name <= NAME_N ||
		    !parted_last(h, name, prefix))
			return false;
		memcpy(out, h + PREFIX, prefix);
		out[prefix] = '/';
		n = prefix + 1;
	}
	memcpy(out + n, h + NAME, name);
	*out_n = n + name;
	return true;
}

bool
fwd_member_name_ok(struct fwd_span name)
{
	size_t start = 0;		/* of the current segment */

	if (name.n == 0 || name.n >= FWD_NAME_MAX)
		return false;
	for (size_t i = 0; i <= name.n; i++) {
		const uint8_t c = i == name.n ? '/' : name.p[i];
		const struct fwd_span segment = { name.p + start, i - start };

		if (c == '/') {
			if (segment.n == 0 || (segment.n <= 2 &&
			    segment.p[0] == '.' &&
			    segment.p[segment.n - 1] == '.'))
				return false;
			start = i + 1;
		} else if (!((c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '.' || c == '_' || c == '+' || c == '-')) {
			return false;
		}
	}
	return true;
}

/* Fill the transfer buffer with n bytes; the bundle must have them. */
static fwd_status
read_all(struct fwd_ctx *ctx, size_t n)
{
	size_t got = 0;

	FWD_TRY(ctx->port->read(ctx->port->ctx, ctx->transfer, n, &got));
	return got == n ? FWD_OK : FWD_E_TRUNCATED;
}

/* After a first zero block: a second one, and then nothing. */
static fwd_status
read_end(struct fwd_ctx *ctx)
{
	size_t got = 0;

	FWD_TRY(read_all(ctx, FWD_BLOCK));
	if (!zeros(ctx->transfer, FWD_BLOCK))
		return FWD_E_HEADER;
	FWD_TRY(ctx->port->read(ctx->port->ctx, ctx->transfer, FWD_BLOCK,
	    &got));
	if (got != 0)
		return FWD_E_TRAILING;
	ctx->bundle.end = true;
	return FWD_OK;
}

static fwd_status
read_header(struct fwd_ctx *ctx)
{
	const uint8_t *const h = ctx->transfer;

	FWD_TRY(read_all(ctx, FWD_BLOCK));
	if (zeros(h, FWD_BLOCK))
		return read_end(ctx);
	if (!checksum_holds(h) || !fixed_fields(h) ||
	    !read_size(h + SIZE, &ctx->bundle.size) ||
	    !read_name(h, ctx->bundle.name, &ctx->bundle.name_n))
		return FWD_E_HEADER;
	if (!fwd_member_name_ok(fwd_span_of(ctx->bundle.name,
	    ctx->bundle.name_n)))
		return FWD_E_NAME;
	ctx->bundle.left = ctx->bundle.size;
	ctx->bundle.have = true;
	return FWD_OK;
}

fwd_status
fwd_member_next(struct fwd_ctx *ctx)
{
	fwd_status s;

	if (ctx->bundle.have || ctx->bundle.end)
		return FWD_OK;
	if (ctx->bundle.left != 0)
		return FWD_E_API;
	s = read_header(ctx);
	if (s != FWD_OK)
		return fwd_tell(ctx, FWD_STEP_MEMBER, s, FWD_NO_INDEX, 0);
	return s;
}

fwd_status
fwd_member_data(struct fwd_ctx *ctx, struct fwd_span *data)
{
	uint64_t blocks;
	size_t n, want;

	*data = fwd_span_of(ctx->transfer, 0);
	ctx->bundle.have = false;
	if (ctx->bundle.left == 0)
		return FWD_OK;
	n = ctx->bundle.left < ctx->transfer_n ? (size_t)ctx->bundle.left :
	    ctx->transfer_n;
	blocks = ((uint64_t)n + FWD_BLOCK - 1) / FWD_BLOCK;
	want = (size_t)(blocks * FWD_BLOCK);
	FWD_TRY(read_all(ctx, want));
	if (!zeros(ctx->transfer + n, want - n))
		return FWD_E_HEADER;	/* padding is zero */
	ctx->bundle.left -= n;
	data->n = n;
	return FWD_OK;
}

fwd_status
fwd_member_pass(struct fwd_ctx *ctx)
{
	struct fwd_span data;

	do
		FWD_TRY(fwd_member_data(ctx, &data));
	while (data.n != 0);
	return FWD_OK;
}

fwd_status
fwd_member_expect(struct fwd_ctx *ctx, struct fwd_span name)
{
	struct fwd_hint got = FWD_HINT_LITERAL("end of the bundle");
	struct fwd_span have;
	fwd_status s = FWD_E_MEMBER;

	FWD_TRY(fwd_member_next(ctx));
	if (!ctx->bundle.end) {
		have = fwd_span_of(ctx->bundle.name, ctx->bundle.name_n);
		got = fwd_hint_text(have);
		if (fwd_span_equal(have, name))
			s = FWD_OK;
	}
	return fwd_note(ctx, FWD_STEP_MEMBER, s, FWD_NO_INDEX, 0, got,
	    fwd_hint_text(name));
}
