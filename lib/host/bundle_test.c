/* SPDX-License-Identifier: Apache-2.0 */
/* Member headers, against the device library's reader and libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include <criterion/criterion.h>

#include "device/internal.h"
#include "host/build.h"

static struct fw_error err;
static uint8_t header[FWD_BLOCK];

static enum fw_kind
make(const char *name, uint64_t size, uint64_t mtime)
{
	memset(header, 0xaa, sizeof header);
	return fw_bundle_header(name, size, mtime, header, &err);
}

/* ---- the reader a device has ----------------------------------------- */

static fwd_status
read_once(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	(void)ctx;
	*got = n < sizeof header ? n : sizeof header;
	memcpy(buf, header, *got);
	return FWD_OK;
}

/* What the device library makes of the header. */
static fwd_status
device_reads(struct fwd_ctx *run)
{
	static uint8_t transfer[FWD_BLOCK];
	static const struct fwd_port port = { .read = read_once };

	memset(run, 0, sizeof *run);
	run->port = &port;
	run->transfer = transfer;
	run->transfer_n = sizeof transfer;
	return fwd_member_next(run);
}

/* ---- what is written --------------------------------------------------- */

/* Every byte of one header, as tar(5) has them. */
Test(bundle, every_field)
{
	static const char want[] =
	    "0000644\0" "0000000\0" "0000000\0" "00000000123\0"
	    "00000001750\0" "003755\0 " "0";

	cr_assert_eq(make("fw.bin", 0123, 01750), FW_OK);
	cr_assert_arr_eq(header, "fw.bin", 6);
	for (size_t i = 6; i < 100; i++)
		cr_assert_eq(header[i], 0, "%zu", i);
	cr_assert_arr_eq(header + 100, want, 48);
	cr_assert_arr_eq(header + 154, "\0 0", 3);
	for (size_t i = 157; i < 257; i++)
		cr_assert_eq(header[i], 0, "%zu", i);
	cr_assert_arr_eq(header + 257, "ustar\0" "00", 8);
	for (size_t i = 265; i < 329; i++)
		cr_assert_eq(header[i], 0, "%zu", i);
	cr_assert_arr_eq(header + 329, "0000000\0" "0000000\0", 16);
	for (size_t i = 345; i < 512; i++)
		cr_assert_eq(header[i], 0, "%zu", i);
}

static const uint64_t sizes[] = {
	0, 1, 511, 512, 513, INT32_MAX - 1ull, INT32_MAX, INT32_MAX + 1ull,
	UINT32_MAX - 1ull, UINT32_MAX, UINT32_MAX + 1ull,
	077777777777 - 1ull, 077777777777, 077777777777 + 1ull,
	((uint64_t)8 << 30) + 1, (uint64_t)1 << 40,
	INT64_MAX - 2 * (uint64_t)FWD_BLOCK,
};
enum { NSIZES = sizeof sizes / sizeof sizes[0] };

Test(bundle, sizes_as_a_device_reads_them)
{
	static struct fwd_ctx run;

	for (size_t i = 0; i < NSIZES; i++) {
		cr_assert_eq(make("a/b.bin", sizes[i], 0), FW_OK);
		cr_assert_eq(header[124] == 0x80, sizes[i] > 077777777777,
		    "base 256 only where octal does not do");
		cr_assert_eq(device_reads(&run), FWD_OK, "%zu", i);
		cr_assert_eq(run.bundle.size, sizes[i]);
		cr_assert_eq(run.bundle.name_n, 7);
		cr_assert_arr_eq(run.bundle.name, "a/b.bin", 7);
	}
	cr_assert_eq(make("a", (uint64_t)INT64_MAX, 0), FW_E_INPUT);
	cr_assert_eq(make("a", UINT64_MAX, 0), FW_E_INPUT);
}

/* The same through libarchive, which stands for tools people have. */
Test(bundle, sizes_as_libarchive_reads_them)
{
	for (size_t i = 0; i < NSIZES; i++) {
		struct archive *const a = archive_read_new();
		struct archive_entry *e = NULL;

		cr_assert_eq(make("a/b.bin", sizes[i], 86400), FW_OK);
		(void)archive_read_support_format_tar(a);
		cr_assert_eq(archive_read_open_memory(a, header,
		    sizeof header), ARCHIVE_OK);
		cr_assert_eq(archive_read_next_header(a, &e), ARCHIVE_OK,
		    "%zu", i);
		cr_assert_eq((uint64_t)archive_entry_size(e), sizes[i]);
		cr_assert_str_eq(archive_entry_pathname(e), "a/b.bin");
		cr_assert_eq(archive_entry_filetype(e), AE_IFREG);
		cr_assert_eq(archive_entry_perm(e), 0644);
		cr_assert_eq(archive_entry_mtime(e), 86400);
		cr_assert_eq(archive_entry_uid(e), 0);
		cr_assert_eq(archive_entry_gid(e), 0);
		cr_assert_str_eq(archive_entry_uname(e), "");
		cr_assert_str_eq(archive_entry_gname(e), "");
		(void)archive_read_free(a);
	}
}

Test(bundle, times)
{
	cr_assert_eq(make("a", 1, 077777777777), FW_OK);
	cr_assert_arr_eq(header + 136, "77777777777", 12);
	cr_assert_eq(make("a", 1, 077777777777 + 1ull), FW_E_INPUT);
}

/* ---- names ----------------------------------------------------------- */

Test(bundle, characters)
{
	char name[] = "aXb";

	for (unsigned b = 1; b < 256; b++) {
		const bool ok = (b >= 'a' && b <= 'z') ||
		    (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
		    b == '.' || b == '_' || b == '+' || b == '-' || b == '/';

		name[1] = (char)b;
		cr_assert_eq(make(name, 1, 0), ok ? FW_OK : FW_E_INPUT,
		    "%02x", b);
		cr_assert_eq(fwd_member_name_ok((struct fwd_span){
		    (const uint8_t *)name, 3 }), ok, "%02x", b);
	}
}

Test(bundle, paths)
{
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", ".",
	    "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "//" };
	static const char *const good[] = { "a", "...", ".a", "a.", "..a",
	    "a/.../b", "a/b/c/d", "-", "+", "_" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert_eq(make(bad[i], 1, 0), FW_E_INPUT, "%s", bad[i]);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		cr_assert_eq(make(good[i], 1, 0), FW_OK, "%s", good[i]);
}

/*
 * Names of every length with a slash at every place: either a device reads
 * back the very name, or it was refused because no slash parts it.
 */
Test(bundle, lengths)
{
	static struct fwd_ctx run;
	char name[300];
	size_t n, at, refused = 0;

	for (n = 1; n < 290; n++) {
		for (at = 0; at + 1 < n; at++) {
			const bool fits = n < FWD_NAME_MAX && (n <= 100 ||
			    (at != 0 && at <= 155 && n - at - 1 <= 100));

			memset(name, 'x', n);
			name[n] = '\0';
			if (at != 0)
				name[at] = '/';
			cr_assert_eq(make(name, 7, 0), fits ? FW_OK :
			    FW_E_INPUT, "%zu, slash at %zu", n, at);
			refused += !fits;
			if (!fits)
				continue;
			cr_assert_eq(device_reads(&run), FWD_OK);
			cr_assert_eq(run.bundle.name_n, n);
			cr_assert_arr_eq(run.bundle.name, name, n);
		}
	}
	cr_assert_gt(refused, 1000);
}

/* Of several slashes one that fits is found. */
Test(bundle, best_slash)
{
	static struct fwd_ctx run;
	char name[256];

	memset(name, 'x', 255);
	name[255] = '\0';
	for (size_t i = 9; i < 255; i += 10)
		name[i] = '/';
	cr_assert_eq(make(name, 7, 0), FW_E_INPUT, "155 is no slash");
	name[155] = '/';
	cr_assert_eq(make(name, 7, 0), FW_OK);
	cr_assert_eq(device_reads(&run), FWD_OK);
	cr_assert_arr_eq(run.bundle.name, name, 255);
}

/* Nothing in a header can be changed without a device noticing it. */
Test(bundle, every_bit)
{
	static struct fwd_ctx run;
	uint8_t good[FWD_BLOCK];

	cr_assert_eq(make("fw.bin", 12345, 99), FW_OK);
	memcpy(good, header, sizeof good);
	for (size_t bit = 0; bit < 8 * sizeof header; bit++) {
		memcpy(header, good, sizeof good);
		header[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_neq(device_reads(&run), FWD_OK, "bit %zu", bit);
	}
}

Test(bundle, padding)
{
	cr_assert_eq(fw_bundle_padded(0), 0);
	cr_assert_eq(fw_bundle_padded(1), 512);
	cr_assert_eq(fw_bundle_padded(512), 512);
	cr_assert_eq(fw_bundle_padded(513), 1024);
	cr_assert_eq(fw_bundle_padded((uint64_t)1 << 40), (uint64_t)1 << 40);
}
