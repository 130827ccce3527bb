/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "host/fwhost.h"
#include "testdata/fault.h"
#include "testdata/scratch.h"

#define END ":00000001FF\n"

static struct fw_image img;
static struct fw_error err;
static int fds;

static void
setup(void)
{
	fault_reset();
	fault.on_read = NULL;
	scratch_setup();
	img = (struct fw_image){
		.path = scratch_path, .format = FW_INTEL_HEX, .fill = 0xff,
	};
	memset(&err, 0, sizeof err);
	fds = scratch_fds();
}

static void
teardown(void)
{
	fault_reset();
	cr_assert_eq(scratch_fds(), fds, "a file stayed open");
	scratch_teardown();
}

TestSuite(hex, .init = setup, .fini = teardown);

/* Append a record with its checksum. */
static void
record(char **at, unsigned type, unsigned offset, const uint8_t *p, unsigned n)
{
	unsigned sum = n + (offset >> 8) + (offset & 0xff) + type;

	*at += sprintf(*at, ":%02X%04X%02X", n, offset, type);
	for (unsigned i = 0; i < n; i++) {
		*at += sprintf(*at, "%02X", p[i]);
		sum += p[i];
	}
	*at += sprintf(*at, "%02X\n", -sum & 0xff);
}

static enum fw_kind
load(uint8_t *out, size_t room, uint64_t *base, uint64_t *size)
{
	enum fw_kind kind;
	struct stat st;
	int fd = -1;

	*base = *size = 0;
	kind = fw_hex_load(&img, &fd, base, size, &err);
	if (kind != FW_OK) {
		cr_assert_eq(fd, -1);
		cr_assert_eq(err.kind, kind);
		return kind;
	}
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq((uint64_t)st.st_size, *size);
	cr_assert_eq(st.st_nlink, 0, "the file has a name");
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 0);
	if (*size <= room)
		cr_assert_eq(read(fd, out, *size), (ssize_t)*size);
	cr_assert_eq(close(fd), 0);
	return FW_OK;
}

static const struct {
	const char *what, *text;
	uint64_t base;
	const char *image;		/* hexadecimal */
} good[] = {
	{ "one", ":0400000001020304F2\n" END, 0, "01020304" },
	{ "lower case, CRLF", ":04001000deadbeefb4\r\n:00000001ff\r\n", 0x10,
	    "deadbeef" },
	{ "no newline at the end", ":0400000001020304F2\n:00000001FF", 0,
	    "01020304" },
	{ "empty lines", "\n\r\n:0400000001020304F2\n\n" END "\n\r\n", 0,
	    "01020304" },
	{ "gap", ":0100000001FE\n:0100040002F9\n" END, 0, "01ffffff02" },
	{ "backwards", ":0100010002FC\n:0100000001FE\n" END, 0, "0102" },
	{ "between", ":0100000001FE\n:0100020003FA\n:0100010002FC\n" END, 0,
	    "010203" },
	{ "empty data", ":0000000000\n:0100000001FE\n" END, 0, "01" },
	{ "end with an address", ":0100000001FE\n:00123401B9\n", 0, "01" },
	{ "linear", ":020000040800F2\n:0100000001FE\n" END, 0x08000000,
	    "01" },
	{ "linear goes on at 64 KiB", ":020000040001F9\n:02FFFF000102FD\n" END,
	    0x1ffff, "0102" },
	{ "linear to the last address",
	    ":02000004FFFFFC\n:01FFFF000100\n" END, 0xffffffff, "01" },
	{ "segment", ":020000021200EA\n:0100010002FC\n" END, 0x12001, "02" },
	{ "starts", ":0400000300003800C1\n:04000005000000CD2A\n"
	    ":0100000001FE\n" END, 0, "01" },
	{ "the second pass begins low again", ":0100000001FE\n"
	    ":020000020001FB\n:0100000002FD\n" END, 0,
	    "01ffffffffffffffffffffffffffffff02" },
	{ "back to low", ":020000040001F9\n:0100000002FD\n:020000040000FA\n"
	    ":01FFFF000100\n" END, 0xffff, "0102" },
};

static void
to_hex(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		(void)sprintf(out + 2 * i, "%02x", p[i]);
	out[2 * n] = '\0';
}

Test(hex, good)
{
	uint8_t out[64];
	char text[129];
	uint64_t base, size;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		scratch_text(good[i].text);
		cr_assert_eq(load(out, sizeof out, &base, &size), FW_OK,
		    "%s: %s", good[i].what, err.text);
		cr_assert_eq(base, good[i].base, "%s", good[i].what);
		to_hex(out, size, text);
		cr_assert_str_eq(text, good[i].image, "%s", good[i].what);
	}
}

/* After record 02 the byte behind xFFFF is that at x0000. */
Test(hex, segment_wraps)
{
	static uint8_t out[0x10000];
	const uint8_t base_of[] = { 0x10, 0x00 }, data[] = { 1, 2, 3 };
	uint64_t base, size;
	char text[256], *at = text;

	record(&at, 2, 0, base_of, 2);
	record(&at, 0, 0xfffe, data, 3);
	(void)strcpy(at, END);
	scratch_text(text);
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_OK, "%s",
	    err.text);
	cr_assert_eq(base, 0x10000);
	cr_assert_eq(size, 0x10000);
	cr_assert_eq(out[0], 3);
	cr_assert_eq(out[1], 0xff);
	cr_assert_eq(out[0xfffe], 1);
	cr_assert_eq(out[0xffff], 2);
}

static const struct {
	const char *text;
	unsigned line, column;
	const char *says;
} bad[] = {
	{ "", 1, 1, "the end record is missing" },
	{ "\n\n", 3, 1, "the end record is missing" },
	{ ":0100000001FE\n", 2, 1, "the end record is missing" },
	{ END, 0, 0, "holds no data" },
	{ ":0000000000\n" END, 0, 0, "holds no data" },
	{ ":0100000001FE\n" END ":0100010001FD\n", 3, 1, "after the end" },
	{ ":0100000001FE\n" END " \n", 3, 1, "after the end" },
	{ ":0100000001FE\n" END "\x1a", 3, 1, "after the end" },
	{ ":0100000001FE\n" END END, 3, 1, "after the end" },
	{ " :0100000001FE\n" END, 1, 1, "must begin with ':'" },
	{ ":0100000001FE \n" END, 1, 14, "not a hexadecimal digit" },
	{ ":01000G0001FE\n" END, 1, 7, "not a hexadecimal digit" },
	{ ":010000:0001FE\n" END, 1, 8, "not a hexadecimal digit" },
	{ ":0100000001F\r\n" END, 1, 13, "ends too early" },
	{ ":01\n" END, 1, 4, "ends too early" },
	{ ":\n" END, 1, 2, "ends too early" },
	{ ":00000000\n" END, 1, 10, "ends too early" },
	{ ":0200000001FD\n" END, 1, 2, "says it has 2 bytes of data, but has "
	    "1" },
	{ ":0000000001FF\n" END, 1, 2, "says it has 0 bytes of data, but has "
	    "1" },
	{ ":0100000001FF\n" END, 1, 12, "checksum is 0xff but should be "
	    "0xfe" },
	{ "\n\n:0400000001020304F3\n" END, 3, 18, "checksum is 0xf3 but "
	    "should be 0xf2" },
	{ ":0100000001FE\n:0100000001FE\n" END, 2, 1, "data for 0x00000000 "
	    "already" },
	{ ":0400000001020304F2\n:020003000102F8\n" END, 2, 1,
	    "data for 0x00000003 already" },
	{ ":020003000102F8\n:0400000001020304F2\n" END, 2, 1,
	    "data for 0x00000003 already" },
	{ ":0100000001FE\n:0100020001FC\n:03000000010101FA\n" END, 3, 1,
	    "data for 0x00000000 already" },
	{ ":02FFFF000102FD\n" END, 1, 1, "passes 64 KiB" },
	{ ":02000004FFFFFC\n:02FFFF000102FD\n" END, 2, 1, "passes 4 GiB" },
	{ ":01000006019F8\n" END, 1, 15, "ends too early" },
	{ ":0100000601F8\n" END, 1, 8, "record type 0x06 is not" },
	{ ":0000000AF6\n" END, 1, 8, "record type 0x0a is not" },
	{ ":000000FF01\n" END, 1, 8, "record type 0xff is not" },
	{ ":0100000400FB\n" END, 1, 2, "type 0x04 has 2 bytes of data, not 1" },
	{ ":0300000200000000FB\n" END, 1, 2, "says it has 3" },
	{ ":030000020000FFFC\n" END, 1, 2, "type 0x02 has 2 bytes of data" },
	{ ":020000030000FB\n" END, 1, 2, "type 0x03 has 4 bytes of data" },
	{ ":020000050000F9\n" END, 1, 2, "type 0x05 has 4 bytes of data" },
	{ ":0100000100FE\n", 1, 2, "type 0x01 has 0 bytes of data" },
	{ ":020001040000F9\n" END, 1, 4, "type 0x04 has the offset 0" },
};

Test(hex, bad)
{
	uint64_t base, size;
	uint8_t out[64];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		scratch_text(bad[i].text);
		cr_assert_eq(load(out, sizeof out, &base, &size), FW_E_INPUT,
		    "%s", bad[i].text);
		cr_assert_not_null(strstr(err.text, bad[i].says),
		    "%s says %s", bad[i].text, err.text);
		cr_assert_eq(err.line, bad[i].line, "%s: line %u",
		    bad[i].text, err.line);
		cr_assert_eq(err.column, bad[i].column, "%s: column %u",
		    bad[i].text, err.column);
		if (bad[i].line != 0)
			cr_assert_str_eq(err.file, scratch_path);
	}
}

Test(hex, base)
{
	uint64_t base, size;
	uint8_t out[64];

	scratch_text(":0200040001AA4F\n" END);
	img.has_base = true;
	img.base = 4;
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_OK);
	cr_assert_eq(base, 4);
	cr_assert_eq(size, 2);
	img.base = 2;
	img.fill = 0x55;
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_OK);
	cr_assert_eq(base, 2);
	cr_assert_eq(size, 4);
	cr_assert_arr_eq(out, "\x55\x55\x01\xaa", 4);
	img.base = 5;
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_E_INPUT);
	cr_assert_not_null(strstr(err.text,
	    "data at 0x00000004 lie below the base 0x00000005"));
	cr_assert_eq(err.line, 1);
}

Test(hex, ignore)
{
	uint64_t base, size;
	uint8_t out[64];

	/* 8 bytes from 0: each area in turn is left out. */
	scratch_text(":080000000102030405060708D4\n" END);
	img.fill = 0;
	for (unsigned from = 0; from < 9; from++)
		for (unsigned to = from; to < 9; to++) {
			img.ignore[0] = (struct fw_area){ from, to };
			img.ignores = 1;
			if (from == 0 && to >= 7) {
				cr_assert_eq(load(out, 64, &base, &size),
				    FW_E_INPUT);
				cr_assert_not_null(strstr(err.text,
				    "outside of the areas to ignore"));
				continue;
			}
			cr_assert_eq(load(out, 64, &base, &size), FW_OK);
			cr_assert_eq(base, from == 0 ? to + 1 : 0);
			cr_assert_eq(base + size, to >= 7 && from < 8 ? from :
			    8);
			for (unsigned i = 0; i < size; i++)
				cr_assert_eq(out[i], i + base >= from &&
				    i + base <= to ? 0 : i + base + 1);
		}
	/* What is left out may lie below the base, and overlap. */
	img.ignore[0] = (struct fw_area){ 0, 3 };
	img.ignore[1] = (struct fw_area){ 6, 0xffffffff };
	img.ignores = 2;
	img.has_base = true;
	img.base = 4;
	scratch_text(":080000000102030405060708D4\n:0100000001FE\n"
	    ":020000041000EA\n:0100000001FE\n" END);
	cr_assert_eq(load(out, 64, &base, &size), FW_OK, "%s", err.text);
	cr_assert_eq(size, 2);
	cr_assert_arr_eq(out, "\x05\x06", 2);
}

Test(hex, limit)
{
	const uint8_t one = 1, high[] = { 0x10, 0x00 };
	const uint8_t below[] = { 0x0f, 0xff };
	uint64_t base, size;
	char text[256], *at = text;
	uint8_t out[1];

	record(&at, 0, 0, &one, 1);
	record(&at, 4, 0, below, 2);
	record(&at, 0, 0xffff, &one, 1);
	(void)strcpy(at, END);
	scratch_text(text);
	img.fill = 0;
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_OK, "%s",
	    err.text);
	cr_assert_eq(size, 256u << 20);
	record(&at, 4, 0, high, 2);
	record(&at, 0, 0, &one, 1);
	(void)strcpy(at, END);
	scratch_text(text);
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_E_INPUT);
	cr_assert_not_null(strstr(err.text,
	    "0x00000000 to 0x10000000, more than 256 MiB"), "%s", err.text);
}

Test(hex, longest_record)
{
	uint8_t data[255], out[256];
	uint64_t base, size;
	char text[1024], *at = text;

	for (unsigned i = 0; i < 255; i++)
		data[i] = (uint8_t)(i * 7);
	record(&at, 0, 0, data, 255);
	at[-1] = '\r';
	(void)strcpy(at, "\n" END);
	scratch_text(text);
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_OK, "%s",
	    err.text);
	cr_assert_eq(size, 255);
	cr_assert_arr_eq(out, data, 255);
	/* One more digit is one too many, and no more of it is read. */
	(void)strcpy(at - 1, "00\n" END);
	scratch_text(text);
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_E_INPUT);
	cr_assert_not_null(strstr(err.text, "longer than a record can be"));
	cr_assert_eq(err.line, 1);
}

/* More than any buffer holds, without a gap and with a large one. */
Test(hex, large)
{
	const uint32_t n = 300000, gap = 200001;
	char *text = malloc(4 * n), *at = text;
	uint8_t *out = malloc(2 * n), data[32];
	uint64_t base, size;

	cr_assert_not_null(text);
	cr_assert_not_null(out);
	for (uint32_t i = 0; i < n; i += 32) {
		const uint32_t address = i < n / 2 ? i : i + gap;
		const uint8_t upper[] = { 0, (uint8_t)(address >> 16) };
		const uint32_t left = 0x10000 - (address & 0xffff);

		for (uint32_t k = 0; k < 32; k++)
			data[k] = (uint8_t)((i + k) * 2654435761u >> 24);
		record(&at, 4, 0, upper, 2);
		record(&at, 0, address & 0xffff, data, left < 32 ? left : 32);
		if (left >= 32)
			continue;
		record(&at, 4, 0, (uint8_t[]){ 0, (uint8_t)(upper[1] + 1) },
		    2);
		record(&at, 0, 0, data + left, 32 - left);
	}
	(void)strcpy(at, END);
	scratch_text(text);
	img.fill = 0x3c;
	cr_assert_eq(load(out, 2 * n, &base, &size), FW_OK, "%s", err.text);
	cr_assert_eq(size, n + gap);
	for (uint32_t i = 0; i < n + gap; i++) {
		/* the first record behind the gap begins at a multiple of 32 */
		const uint32_t half = (n / 2 + 31) / 32 * 32;
		const uint8_t want = i < half ?
		    (uint8_t)(i * 2654435761u >> 24) : i < half + gap ? 0x3c :
		    (uint8_t)((i - gap) * 2654435761u >> 24);

		if (out[i] != want)
			cr_assert(false, "byte %u", i);
	}
	free(text);
	free(out);
}

/* More pieces than are kept: a clean error, whatever the memory. */
Test(hex, too_many_pieces)
{
	const size_t n = 65537;
	char *text = malloc(n * 14 + 65 * 16 + 16), *at = text;
	uint64_t base, size;
	uint8_t out[1], upper[2] = { 0 };
	const uint8_t one = 1;

	cr_assert_not_null(text);
	for (unsigned i = 0; i < n; i++) {
		if (i % 0x8000 == 0) {
			upper[1] = (uint8_t)(i / 0x8000);
			record(&at, 4, 0, upper, 2);
		}
		record(&at, 0, i % 0x8000 * 2, &one, 1);
	}
	(void)strcpy(at, END);
	scratch_text(text);
	cr_assert_eq(load(out, 0, &base, &size), FW_E_INPUT);
	cr_assert_not_null(strstr(err.text, "in more than 65536 pieces"));
	free(text);
}

/* Every beginning of a file is refused, but without its last newline. */
Test(hex, every_truncation)
{
	static const char whole[] = ":020000040800F2\n:0400000001020304F2\n"
	    ":0100040002F9\n:04000005080000CD22\n" END;
	uint64_t base, size;
	uint8_t out[64];

	for (size_t n = 0; n < sizeof whole - 2; n++) {
		scratch_write(whole, n);
		cr_assert_eq(load(out, sizeof out, &base, &size), FW_E_INPUT,
		    "%zu", n);
	}
	scratch_write(whole, sizeof whole - 2);
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_OK);
}

/* Every value of every byte: nothing but the case of a digit may change. */
Test(hex, every_corruption)
{
	static const char whole[] = ":020000040800F2\n:040000000102030AEC\n"
	    ":00000001FF\n";
	char text[sizeof whole];
	uint64_t base, size;
	uint8_t out[64];
	enum fw_kind kind;

	for (size_t i = 0; i < sizeof whole - 1; i++)
		for (int c = 0; c < 256; c++) {
			const char was = whole[i], now = (char)c;
			const bool same = was == now || (was >= 'A' &&
			    was <= 'F' && now == was - 'A' + 'a') ||
			    /* a second line end, or the end of the file */
			    (was == '\n' && i == sizeof whole - 2 &&
			    now == '\r');

			memcpy(text, whole, sizeof text);
			text[i] = now;
			scratch_write(text, sizeof text - 1);
			kind = load(out, sizeof out, &base, &size);
			cr_assert_eq(kind, same ? FW_OK : FW_E_INPUT,
			    "byte %zu is 0x%02x", i, (unsigned)c);
		}
}

/* ---- against objcopy -------------------------------------------------- */

static uint32_t seed;

static uint32_t
next_random(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

/* A file of up to 64 records of random lengths in random order. */
static void
write_random(void)
{
	struct { uint32_t at, n; } piece[64];
	const uint32_t n = 1 + next_random(64);
	uint32_t at = next_random(0x20000);
	uint8_t data[255];
	static char text[64 * 600];
	char *out = text;

	for (uint32_t i = 0; i < n; i++) {
		piece[i].at = at;
		piece[i].n = 1 + next_random(i % 2 == 0 ? 255 : 16);
		if ((at & 0xffff) + piece[i].n > 0x10000)
			piece[i].n = 0x10000 - (at & 0xffff);
		at += piece[i].n + next_random(2) * next_random(3000);
	}
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t k = i + next_random(n - i);
		const uint8_t upper[] = { 0, (uint8_t)(piece[k].at >> 16) };

		for (uint32_t b = 0; b < piece[k].n; b++)
			data[b] = (uint8_t)next_random(256);
		record(&out, 4, 0, upper, 2);
		record(&out, 0, piece[k].at & 0xffff, data, piece[k].n);
		piece[k] = piece[i];
	}
	(void)strcpy(out, END);
	scratch_text(text);
}

Test(hex, same_as_objcopy)
{
	static uint8_t mine[1 << 20], theirs[1 << 20];
	char command[512], other[200];
	uint64_t base, size;
	ssize_t n;
	int fd;

	(void)snprintf(other, sizeof other, "%s/other", scratch_dir);
	(void)snprintf(command, sizeof command, "objcopy -I ihex -O binary "
	    "--gap-fill 0xa5 '%s' '%s'", scratch_path, other);
	img.fill = 0xa5;
	for (seed = 1; seed < 4000000000u; seed += 133333333) {
		const uint32_t keep = seed;

		write_random();
		seed = keep;
		cr_assert_eq(load(mine, sizeof mine, &base, &size), FW_OK,
		    "seed %u: %s", keep, err.text);
		cr_assert_eq(system(command), 0);
		fd = open(other, O_RDONLY);
		cr_assert_geq(fd, 0);
		n = read(fd, theirs, sizeof theirs);
		(void)close(fd);
		(void)unlink(other);
		cr_assert_eq(n, (ssize_t)size, "seed %u", keep);
		cr_assert_eq(memcmp(mine, theirs, size), 0, "seed %u", keep);
	}
}

/* ---- failures --------------------------------------------------------- */

static const char small[] = ":0100000001FE\n:0100040002F9\n" END;

static void
fail_each(enum fault_call call, int error, enum fw_kind want)
{
	uint64_t base, size;
	uint8_t out[64];
	int i;

	scratch_text(small);
	for (i = 0; ; i++) {
		enum fw_kind kind;
		int fd = -1;

		fault_set(call, i, error);
		kind = fw_hex_load(&img, &fd, &base, &size, &err);
		if (!fault_hit()) {
			cr_assert_eq(kind, FW_OK);
			(void)close(fd);
			break;
		}
		if (kind == FW_OK) {	/* there was another way */
			cr_assert_eq(call, FAULT_OPEN);
			(void)close(fd);
			continue;
		}
		cr_assert_eq(kind, want, "call %d: %s", i, err.text);
		cr_assert_eq(fd, -1);
	}
	cr_assert_gt(i, 0);
	cr_assert_eq(load(out, sizeof out, &base, &size), FW_OK);
}

Test(hex, no_memory)
{
	fail_each(FAULT_ALLOC, ENOMEM, FW_E_NOMEM);
}

Test(hex, cannot_read)
{
	fail_each(FAULT_READ, EIO, FW_E_IO);
}

/* Without O_TMPFILE a name is made and removed at once. */
Test(hex, cannot_open)
{
	fail_each(FAULT_OPEN, EOPNOTSUPP, FW_E_INPUT);
}

Test(hex, missing_file)
{
	uint64_t base, size;
	int fd = -1;

	cr_assert_eq(fw_hex_load(&img, &fd, &base, &size, &err), FW_E_INPUT);
	cr_assert_eq(fd, -1);
}

Test(hex, no_temporary_folder)
{
	uint64_t base, size;
	int fd = -1;

	scratch_text(small);
	cr_assert_eq(setenv("TMPDIR", "/nowhere/at/all", 1), 0);
	cr_assert_eq(fw_hex_load(&img, &fd, &base, &size, &err), FW_E_IO);
	cr_assert_not_null(strstr(err.text, "'/nowhere/at/all'"));
	cr_assert_eq(fd, -1);
}

/* The disk is full, at each of the steps that need room. */
Test(hex, no_room)
{
	static const rlim_t room[] = { 0, 1, 100, 0x30000 };
	const uint8_t one = 1, upper[] = { 0, 3 };
	char text[256], *at = text;
	struct rlimit limit;
	uint64_t base, size;
	int fd = -1;

	record(&at, 0, 0, &one, 1);
	record(&at, 4, 0, upper, 2);
	record(&at, 0, 0, &one, 1);
	(void)strcpy(at, END);
	scratch_text(text);
	cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	for (size_t i = 0; i < sizeof room / sizeof room[0]; i++) {
		limit.rlim_cur = room[i];
		cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		cr_assert_eq(fw_hex_load(&img, &fd, &base, &size, &err),
		    FW_E_IO);
		cr_assert_eq(fd, -1);
	}
	limit.rlim_cur = limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* ---- a file that changes between the two passes ------------------------ */

static int reads;
static const char *later;

/* The first pass reads twice: the content and its end. */
static void
change(void)
{
	if (++reads == 3)
		scratch_text(later);
}

Test(hex, changed_while_read)
{
	static const char *const other[] = {
		":0100010001FD\n:0100040002F9\n" END,	/* lower bound up */
		":0100000001FE\n:0100050002F8\n" END,	/* upper bound up */
		":0100000001FE\n:0100020002FB\n:0100040002F9\n" END,
		":0100040002F9\n" END,
		":0A0000000102030405060708090ABF\n" END,
		END,
	};
	uint64_t base, size;
	int fd = -1;

	for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
		scratch_text(small);
		later = other[i];
		reads = 0;
		fault.on_read = change;
		cr_assert_eq(fw_hex_load(&img, &fd, &base, &size, &err),
		    FW_E_INPUT, "%zu", i);
		fault.on_read = NULL;
		cr_assert_not_null(strstr(err.text,
		    "changed while it was read"), "%zu: %s", i, err.text);
	}
}
