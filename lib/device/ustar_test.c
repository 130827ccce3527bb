/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive: headers of GNU tar and of our writer, each field wrong in
 * turn, each bit flipped, names, sizes, ends, and transfer buffers of any size.
 */
#include <unistd.h>

#include "device/internal.h"
#include "device/testdevice.h"

/* ---- reading one archive -------------------------------------------- */

static struct kit_dev *dev;
static struct fwd_anchor no_anchor;

static void
open_device(void)
{
	dev = kit_dev_new(&no_anchor, 1);
}

static void
close_device(void)
{
	kit_dev_free(dev);
}

/* A run that is about to read an archive from its beginning. */
static void
start(struct fwd_span archive)
{
	kit_dev_rewind(dev);
	dev->bundle = archive;
	memset(&dev->ctx.bundle, 0, sizeof dev->ctx.bundle);
	dev->ctx.refusal.status = FWD_OK;
}

/* Read all members; names and sizes are collected as text. */
static fwd_status
read_all(struct fwd_span archive, char *list, size_t n)
{
	list[0] = '\0';
	start(archive);
	for (;;) {
		FWD_TRY(fwd_member_next(&dev->ctx));
		if (dev->ctx.bundle.end)
			return FWD_OK;
		(void)snprintf(list + strlen(list), n - strlen(list),
		    "%.*s %llu\n", (int)dev->ctx.bundle.name_n,
		    dev->ctx.bundle.name,
		    (unsigned long long)dev->ctx.bundle.size);
		FWD_TRY(fwd_member_pass(&dev->ctx));
	}
}

/* Judge a header alone. */
static fwd_status
judge(const uint8_t h[FWD_BLOCK])
{
	start((struct fwd_span){ h, FWD_BLOCK });
	return fwd_member_next(&dev->ctx);
}

static void
make_header(const char *name, uint64_t size, uint8_t h[FWD_BLOCK])
{
	struct fw_error err;

	cr_assert_eq(fw_bundle_header(name, size, 0, h, &err), FW_OK, "%s",
	    err.text);
}

/* ---- GNU tar -------------------------------------------------------- */

static struct fw_buf
run(const char *command)
{
	struct fw_buf b = { 0 };
	uint8_t buf[4096];
	FILE *const f = popen(command, "r");
	size_t n;

	cr_assert_not_null(f);
	while ((n = fread(buf, 1, sizeof buf, f)) > 0)
		kit_add(&b, buf, n);
	cr_assert_eq(pclose(f), 0, "%s", command);
	return b;
}

/*
 * An archive of GNU tar is one of ours but for its longer end and, in the
 * device fields of a file, nothing instead of zeros.
 */
Test(ustar, gnu_tar_agrees, .init = open_device, .fini = close_device)
{
	char dir[] = "/tmp/ustar_test.XXXXXX", command[512], list[256];
	struct fw_buf theirs, ours = { 0 };
	uint8_t h[FWD_BLOCK];
	char data[600];
	FILE *f;

	cr_assert_not_null(mkdtemp(dir));
	memset(data, 'd', sizeof data);
	(void)snprintf(command, sizeof command, "%s/a.bin", dir);
	f = fopen(command, "w");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(data, 1, sizeof data, f), sizeof data);
	cr_assert_eq(fclose(f), 0);
	(void)snprintf(command, sizeof command, "tar --format=ustar -b 1 "
	    "--owner=0 --group=0 --numeric-owner --mode=0644 --mtime=@0 "
	    "-C %s -cf - a.bin", dir);
	theirs = run(command);
	(void)snprintf(command, sizeof command, "rm -r %s", dir);
	cr_assert_eq(system(command), 0);

	kit_member(&ours, "a.bin", data, sizeof data);
	kit_end(&ours);
	cr_assert_eq(theirs.n, ours.n);
	memcpy(h, theirs.p, sizeof h);
	memcpy(h + 329, "0000000\0000000000", 16);
	kit_checksum(h);
	cr_assert_eq(judge(h), FWD_OK);
	cr_assert_eq(memcmp(h, ours.p, FWD_BLOCK), 0);
	cr_assert_eq(memcmp(theirs.p + FWD_BLOCK, ours.p + FWD_BLOCK,
	    ours.n - FWD_BLOCK), 0);
	cr_assert_eq(read_all(fw_buf_span(&ours), list, sizeof list), FWD_OK);
	cr_assert_str_eq(list, "a.bin 600\n");
	fw_buf_deinit(&theirs);
	fw_buf_deinit(&ours);
}

/* ---- fields --------------------------------------------------------- */

static const struct {
	const char *what;
	size_t at;
	const char *bytes;
	size_t n;
	fwd_status want;
} fields[] = {
#define F(what, at, bytes, want) { what, at, bytes, sizeof(bytes) - 1, want }
	F("nothing", 0, "", FWD_OK),
	F("another name", 0, "b", FWD_OK),
	F("data behind the name", 60, "x", FWD_E_HEADER),
	F("mode 0755", 100, "0000755", FWD_E_HEADER),
	F("mode with blanks", 100, "000644 ", FWD_E_HEADER),
	F("set-uid", 100, "0004644", FWD_E_HEADER),
	F("uid 1", 108, "0000001", FWD_E_HEADER),
	F("uid empty", 108, "\0\0\0\0\0\0\0", FWD_E_HEADER),
	F("gid 1", 116, "0000001", FWD_E_HEADER),
	F("size not octal", 124, "00000000008", FWD_E_HEADER),
	F("size with blanks", 124, "          3", FWD_E_HEADER),
	F("size ends in a blank", 135, " ", FWD_E_HEADER),
	F("size negative in base 256", 124,
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", FWD_E_HEADER),
	F("size in base 256 without need", 124,
	    "\x80\0\0\0\0\0\0\0\0\0\0\x03", FWD_E_HEADER),
	F("size in base 256, 8 GiB - 1", 124,
	    "\x80\0\0\0\0\0\0\x01\xff\xff\xff\xff", FWD_E_HEADER),
	F("size in base 256, 8 GiB", 124,
	    "\x80\0\0\0\0\0\0\x02\0\0\0\0", FWD_OK),
	F("size in base 256, most", 124,
	    "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", FWD_OK),
	F("size in base 256, 2^63", 124,
	    "\x80\0\0\0\x80\0\0\0\0\0\0\0", FWD_E_HEADER),
	F("size in base 256, 2^64", 124,
	    "\x80\0\0\x01\0\0\0\0\0\0\0\0", FWD_E_HEADER),
	F("size in base 256, 2^80", 124,
	    "\x80\x01\0\0\0\0\0\0\0\0\0\0", FWD_E_HEADER),
	F("size in base 256 of another kind", 124,
	    "\x81\0\0\0\0\0\0\x02\0\0\0\0", FWD_E_HEADER),
	F("mtime", 136, "17777777777", FWD_OK),
	F("mtime not octal", 136, "0000000000 ", FWD_E_HEADER),
	F("mtime in base 256", 136, "\x80", FWD_E_HEADER),
	F("hard link", 156, "1", FWD_E_HEADER),
	F("symbolic link", 156, "2", FWD_E_HEADER),
	F("character device", 156, "3", FWD_E_HEADER),
	F("block device", 156, "4", FWD_E_HEADER),
	F("directory", 156, "5", FWD_E_HEADER),
	F("fifo", 156, "6", FWD_E_HEADER),
	F("contiguous file", 156, "7", FWD_E_HEADER),
	F("pax header", 156, "x", FWD_E_HEADER),
	F("global pax header", 156, "g", FWD_E_HEADER),
	F("GNU long name", 156, "L", FWD_E_HEADER),
	F("GNU sparse file", 156, "S", FWD_E_HEADER),
	F("old regular file", 156, "\0", FWD_E_HEADER),
	F("link name", 157, "a", FWD_E_HEADER),
	F("end of the link name", 256, "a", FWD_E_HEADER),
	F("GNU magic", 257, "ustar  ", FWD_E_HEADER),
	F("no magic", 257, "\0\0\0\0\0\0\0\0", FWD_E_HEADER),
	F("version 01", 263, "01", FWD_E_HEADER),
	F("user name", 265, "root", FWD_E_HEADER),
	F("end of the user name", 296, "x", FWD_E_HEADER),
	F("group name", 297, "root", FWD_E_HEADER),
	F("end of the group name", 328, "x", FWD_E_HEADER),
	F("major number", 335, "1", FWD_E_HEADER),
	F("minor number", 343, "1", FWD_E_HEADER),
	F("no device numbers", 329, "\0\0\0\0\0\0\0\0", FWD_E_HEADER),
	F("prefix without need", 345, "p", FWD_E_HEADER),
	F("end of the prefix", 499, "p", FWD_E_HEADER),
	F("padding", 500, "x", FWD_E_HEADER),
	F("end of the padding", 511, "x", FWD_E_HEADER),
#undef F
};
enum { NFIELDS = sizeof fields / sizeof fields[0] };

Test(ustar, fields, .init = open_device, .fini = close_device)
{
	uint8_t h[FWD_BLOCK];

	for (size_t i = 0; i < NFIELDS; i++) {
		make_header("a.bin", 3, h);
		memcpy(h + fields[i].at, fields[i].bytes, fields[i].n);
		kit_checksum(h);
		kit_eq(judge(h), fields[i].want, fields[i].what);
	}
}

/* Every byte with every value, the checksum made right again. */
Test(ustar, every_byte_of_a_header, .init = open_device,
    .fini = close_device)
{
	uint8_t good[FWD_BLOCK], h[FWD_BLOCK];
	size_t accepted = 0, refused = 0;

	make_header("a.bin", 3, good);
	for (size_t at = 0; at < FWD_BLOCK; at++) {
		/* Where any value of a certain kind may stand. */
		const bool name = at < 100, size = at >= 124 && at < 136,
		    mtime = at >= 136 && at < 148,
		    checksum = at >= 148 && at < 156;

		for (unsigned v = 0; v < 256; v++) {
			fwd_status s;

			memcpy(h, good, sizeof h);
			h[at] = (uint8_t)v;
			if (!checksum)
				kit_checksum(h);
			s = judge(h);
			if (s == FWD_OK) {
				accepted++;
				cr_assert(name || size || mtime ||
				    v == good[at], "byte %zu, value %u", at,
				    v);
			} else {
				refused++;
				cr_assert(s == FWD_E_HEADER ||
				    (name && s == FWD_E_NAME));
			}
		}
	}
	/* 11 digits each of size and time, four plain characters before ".bin"
	   and one behind it, each the rest as it was */
	cr_assert_gt(accepted, 512);
	cr_assert_lt(accepted, 512 + 22 * 7 + 6 * 66 + 1);
	cr_assert_eq(accepted + refused, 512 * 256);
}

/* Without a new checksum every flipped bit is seen. */
Test(ustar, every_bit_of_a_header, .init = open_device, .fini = close_device)
{
	static const struct {
		const char *name;
		uint64_t size;
	} rows[] = {
		{ "a.bin", 3 }, { "a.bin", 0 },
		{ "manifest.suit", 0777777777 }, { "x", 1ull << 33 },
		{ "0123456789/0123456789/0123456789/0123456789/0123456789/"
		    "0123456789/0123456789/0123456789/0123456789/"
		    "0123456789", INT64_MAX - 1024 },
	};
	uint8_t h[FWD_BLOCK];
	size_t mutants = 0;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		make_header(rows[i].name, rows[i].size, h);
		cr_assert_eq(judge(h), FWD_OK, "%s", rows[i].name);
		cr_assert_eq(dev->ctx.bundle.size, rows[i].size);
		cr_assert(fwd_span_equal(fwd_span_of(dev->ctx.bundle.name,
		    dev->ctx.bundle.name_n), fwd_span_of(rows[i].name,
		    strlen(rows[i].name))));
		for (size_t bit = 0; bit < 8 * FWD_BLOCK; bit++) {
			h[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_assert_eq(judge(h), FWD_E_HEADER, "bit %zu", bit);
			h[bit / 8] ^= (uint8_t)(1u << bit % 8);
			mutants++;
		}
	}
	(void)printf("ustar: %zu headers with one bit flipped\n", mutants);
}

/* ---- names ---------------------------------------------------------- */

Test(ustar, names)
{
	static const struct {
		const char *name;
		bool ok;
	} rows[] = {
		{ "a", true }, { "A-Z_0.9+", true }, { "a/b", true },
		{ "a/b/c", true }, { ".a", true }, { "..a", true },
		{ "a..", true }, { "...", true }, { "a/.b", true },
		{ "a/...", true },
		{ "", false }, { "/", false }, { "/a", false },
		{ "a/", false }, { "a//b", false }, { ".", false },
		{ "..", false }, { "./a", false }, { "../a", false },
		{ "a/.", false }, { "a/..", false }, { "a/./b", false },
		{ "a/../b", false }, { "a b", false }, { "a\\b", false },
		{ "a:b", false }, { "#a", false }, { "~", false },
		{ "a\n", false }, { "\xc3\xa4", false }, { "a%2fb", false },
		{ "http://x", false }, { "C:/a", false },
	};
	char name[FWD_NAME_MAX + 2];
	struct fwd_span s;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s = kit_dup(rows[i].name, strlen(rows[i].name));
		cr_assert_eq(fwd_member_name_ok(s), rows[i].ok, "%s",
		    rows[i].name);
		kit_free(s);
	}
	memset(name, 'n', sizeof name);
	cr_assert(fwd_member_name_ok(fwd_span_of(name, FWD_NAME_MAX - 1)));
	cr_assert(!fwd_member_name_ok(fwd_span_of(name, FWD_NAME_MAX)));
	for (unsigned v = 0; v < 256; v++) {
		const bool plain = (v >= '0' && v <= '9') ||
		    (v >= 'a' && v <= 'z') || (v >= 'A' && v <= 'Z') ||
		    (v != 0 && strchr("._+-/", (int)v) != NULL);

		name[0] = name[2] = 'n';
		name[1] = (char)v;
		cr_assert_eq(fwd_member_name_ok(fwd_span_of(name, 3)), plain,
		    "%u", v);
	}
}

/* For every length the one way to write a name is read, and only that. */
Test(ustar, long_names, .init = open_device, .fini = close_device)
{
	size_t refused = 0;

	for (size_t n = 1; n < FWD_NAME_MAX; n++)
	for (size_t step = 2; step < 120; step += 7) {
		uint8_t h[FWD_BLOCK], other[FWD_BLOCK];
		char name[FWD_NAME_MAX];
		struct fw_error err;

		for (size_t i = 0; i < n; i++)
			name[i] = i % step == step - 1 && i + 1 < n ? '/' :
			    (char)('a' + i % 26);
		name[n] = '\0';
		if (fw_bundle_header(name, 1, 0, h, &err) != FW_OK)
			continue;	/* no '/' where it is needed */
		cr_assert_eq(judge(h), FWD_OK, "%s", name);
		cr_assert_eq(dev->ctx.bundle.name_n, n);
		cr_assert_eq(memcmp(dev->ctx.bundle.name, name, n), 0);
		/* Parted anywhere else it is not read. */
		for (size_t at = 1; at < n && at <= 155; at++) {
			if (name[at] != '/' || n - at - 1 > 100)
				continue;
			memcpy(other, h, sizeof other);
			memset(other, 0, 100);
			memset(other + 345, 0, 155);
			memcpy(other + 345, name, at);
			memcpy(other, name + at + 1, n - at - 1);
			kit_checksum(other);
			if (memcmp(other, h, sizeof h) == 0)
				continue;
			cr_assert_eq(judge(other), FWD_E_HEADER, "%s at %zu",
			    name, at);
			refused++;
		}
	}
	cr_assert_gt(refused, 1000);
}

Test(ustar, illegal_names_in_headers, .init = open_device,
    .fini = close_device)
{
	static const char *const names[] = { "/a", "a/", "a//b", "..", "../a",
	    "a/../b", ".", "./a", "a b", "#a", "" };
	uint8_t h[FWD_BLOCK];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		make_header("a.bin", 3, h);
		memset(h, 0, 100);
		memcpy(h, names[i], strlen(names[i]));
		kit_checksum(h);
		kit_eq(judge(h), FWD_E_NAME, names[i]);
	}
}

/* ---- sizes ---------------------------------------------------------- */

Test(ustar, sizes_in_headers, .init = open_device, .fini = close_device)
{
	static const uint64_t sizes[] = { 0, 1, 511, 512, 513, 07777777,
	    (1ull << 31) - 1, 1ull << 31, (1ull << 31) + 1, (1ull << 32) - 1,
	    1ull << 32, (1ull << 32) + 1, (1ull << 33) - 1, 1ull << 33,
	    (1ull << 33) + 1, 1ull << 62, INT64_MAX - 1024 };
	uint8_t h[FWD_BLOCK];

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		make_header("a.bin", sizes[i], h);
		cr_assert_eq(h[124] == 0x80, sizes[i] >= 1ull << 33);
		cr_assert_eq(judge(h), FWD_OK);
		cr_assert_eq(dev->ctx.bundle.size, sizes[i]);
		cr_assert_eq(dev->ctx.bundle.left, sizes[i]);
	}
}

/* The largest member there can be is only cut short. */
Test(ustar, largest_member, .init = open_device, .fini = close_device)
{
	uint8_t b[2 * FWD_BLOCK] = { 0 };
	struct fwd_span data;

	make_header("a.bin", 3, b);
	memcpy(b + 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
	kit_checksum(b);
	start(fwd_span_of(b, sizeof b));
	cr_assert_eq(fwd_member_next(&dev->ctx), FWD_OK);
	cr_assert_eq(dev->ctx.bundle.size, INT64_MAX);
	cr_assert_eq(fwd_member_data(&dev->ctx, &data), FWD_OK);
	cr_assert_eq(data.n, FWD_BLOCK);
	cr_assert_eq(fwd_member_data(&dev->ctx, &data), FWD_E_TRUNCATED);
}

/* ---- whole archives ------------------------------------------------- */

static const size_t data_sizes[] = { 0, 1, 511, 512, 513, 1023, 1024, 1025,
	5000 };
enum { NSIZES = sizeof data_sizes / sizeof data_sizes[0] };

static struct fw_buf
archive(char *want, size_t n)
{
	static uint8_t data[5000];
	struct fw_buf b = { 0 };
	char name[16];

	memset(data, 0x7e, sizeof data);
	want[0] = '\0';
	for (size_t i = 0; i < NSIZES; i++) {
		(void)snprintf(name, sizeof name, "m%zu", i);
		kit_member(&b, name, data, data_sizes[i]);
		(void)snprintf(want + strlen(want), n - strlen(want),
		    "%s %zu\n", name, data_sizes[i]);
	}
	kit_end(&b);
	return b;
}

Test(ustar, transfer_buffers, .init = open_device, .fini = close_device)
{
	static const size_t sizes[] = { 512, 1024, 1536, 4096, 5120, 1 << 20 };
	char want[256], list[256];
	struct fw_buf b = archive(want, sizeof want);

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		dev->ctx.transfer_n = sizes[i];
		cr_assert_eq(read_all(fw_buf_span(&b), list, sizeof list),
		    FWD_OK);
		cr_assert_str_eq(list, want);
		cr_assert_eq(dev->at, b.n);
	}
	fw_buf_deinit(&b);
}

Test(ustar, data_comes_whole, .init = open_device, .fini = close_device)
{
	uint8_t data[3000];
	struct fw_buf b = { 0 };
	struct fwd_span part;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 31 >> 3);
	kit_member(&b, "a", data, sizeof data);
	kit_end(&b);
	for (size_t n = FWD_BLOCK; n <= 4096; n += FWD_BLOCK) {
		size_t off = 0;

		dev->ctx.transfer_n = n;
		start(fw_buf_span(&b));
		cr_assert_eq(fwd_member_next(&dev->ctx), FWD_OK);
		do {
			cr_assert_eq(fwd_member_data(&dev->ctx, &part),
			    FWD_OK);
			cr_assert_eq(memcmp(part.p, data + off, part.n), 0);
			off += part.n;
		} while (part.n != 0);
		cr_assert_eq(off, sizeof data);
	}
	fw_buf_deinit(&b);
}

/* Cut anywhere, an archive is too short, whatever the buffer. */
Test(ustar, every_truncation, .init = open_device, .fini = close_device)
{
	char want[256], list[256];
	struct fw_buf b = archive(want, sizeof want);

	for (size_t n = 0; n < b.n; n++) {
		dev->ctx.transfer_n = FWD_BLOCK << n % 3;
		cr_assert_eq(read_all((struct fwd_span){ b.p, n }, list,
		    sizeof list), FWD_E_TRUNCATED, "%zu", n);
	}
	fw_buf_deinit(&b);
}

/* Padding is zero, the end is two zero blocks, and then nothing. */
Test(ustar, padding_and_end, .init = open_device, .fini = close_device)
{
	static const uint8_t zeros[4 * FWD_BLOCK];
	char want[256], list[256];
	struct fw_buf b = archive(want, sizeof want);
	size_t at = 0;

	for (size_t i = 0; i < NSIZES; i++) {
		const size_t data = at + FWD_BLOCK + data_sizes[i];

		at += FWD_BLOCK + (size_t)fw_bundle_padded(data_sizes[i]);
		for (size_t k = data; k < at; k++) {
			b.p[k] = 1;
			cr_assert_eq(read_all(fw_buf_span(&b), list,
			    sizeof list), FWD_E_HEADER, "%zu", k);
			b.p[k] = 0;
		}
	}
	for (; at < b.n; at++) {
		b.p[at] = 1;
		cr_assert_eq(read_all(fw_buf_span(&b), list, sizeof list),
		    FWD_E_HEADER);
		b.p[at] = 0;
	}
	for (size_t n = 1; n <= sizeof zeros; n += 73) {
		const size_t whole = b.n;

		kit_add(&b, zeros, n);
		cr_assert_eq(read_all(fw_buf_span(&b), list, sizeof list),
		    FWD_E_TRAILING);
		b.n = whole;
	}
	/* one zero block, then a member */
	b.n -= FWD_BLOCK;
	kit_member(&b, "z", "z", 1);
	kit_end(&b);
	cr_assert_eq(read_all(fw_buf_span(&b), list, sizeof list),
	    FWD_E_HEADER);
	fw_buf_deinit(&b);
}

/* What a member is asked for out of turn. */
Test(ustar, order_of_calls, .init = open_device, .fini = close_device)
{
	char want[256];
	struct fw_buf b = archive(want, sizeof want);
	struct fwd_span data;

	start(fw_buf_span(&b));
	cr_assert_eq(fwd_member_expect(&dev->ctx, fwd_span_of("m0", 2)),
	    FWD_OK);
	/* The same member still waits to be read. */
	cr_assert_eq(fwd_member_expect(&dev->ctx, fwd_span_of("m1", 2)),
	    FWD_E_MEMBER);
	cr_assert_eq(fwd_member_pass(&dev->ctx), FWD_OK);
	cr_assert_eq(fwd_member_next(&dev->ctx), FWD_OK);
	cr_assert_eq(fwd_member_pass(&dev->ctx), FWD_OK);
	for (size_t i = 2; i < 7; i++) {
		cr_assert_eq(fwd_member_next(&dev->ctx), FWD_OK);
		cr_assert_eq(fwd_member_pass(&dev->ctx), FWD_OK);
	}
	cr_assert_eq(fwd_member_next(&dev->ctx), FWD_OK);
	cr_assert_eq(fwd_member_data(&dev->ctx, &data), FWD_OK);
	cr_assert_eq(fwd_member_next(&dev->ctx), FWD_E_API,
	    "data of the member are left");
	cr_assert_eq(fwd_member_pass(&dev->ctx), FWD_OK);
	cr_assert_eq(fwd_member_next(&dev->ctx), FWD_OK);
	cr_assert_eq(fwd_member_pass(&dev->ctx), FWD_OK);
	cr_assert_eq(fwd_member_expect(&dev->ctx, fwd_span_of("x", 1)),
	    FWD_E_MEMBER);
	cr_assert(dev->ctx.bundle.end);
	cr_assert_eq(fwd_member_next(&dev->ctx), FWD_OK);
	fw_buf_deinit(&b);
}

/* A read that fails, or that says it got more than there was room for. */
Test(ustar, failing_reads, .init = open_device, .fini = close_device)
{
	char want[256], list[256];
	struct fw_buf b = archive(want, sizeof want);
	size_t calls;

	dev->fail_with = FWD_E_IO;
	dev->fail_at = 0;
	cr_assert_eq(read_all(fw_buf_span(&b), list, sizeof list), FWD_OK);
	calls = dev->calls;
	for (size_t i = 1; i <= calls; i++) {
		dev->fail_at = i;
		cr_assert_eq(read_all(fw_buf_span(&b), list, sizeof list),
		    FWD_E_IO);
	}
	fw_buf_deinit(&b);
}
