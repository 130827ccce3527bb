/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads on their way into a bundle: right digests, and no lying disk. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "host/build.h"
#include "host/internal.h"
#include "testdata/scratch.h"

enum { CHUNK = 64 * 1024, BEFORE = 1536, BEHIND = 700 };

static struct fw_error err;
static uint8_t digest[FWD_DIGEST_MAX], want[FWD_DIGEST_MAX];

TestSuite(copy, .init = scratch_setup, .fini = scratch_teardown);

/* n bytes that are not zero and do not repeat with the chunks. */
static uint8_t *
bytes(size_t n)
{
	uint8_t *const p = malloc(n + 1);
	uint32_t x = 12345;

	cr_assert_not_null(p);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (uint8_t)(x >> 24 | 1);
	}
	return p;
}

static struct fw_source
source(const void *p, size_t n)
{
	struct fw_source s = FW_SOURCE_NONE;

	scratch_write(p, n);
	cr_assert_eq(fw_source_open(scratch_path, &s, &err), FW_OK);
	cr_assert_eq(s.size, n);
	return s;
}

static int
output(size_t n)
{
	const int fd = memfd_create("out", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, (off_t)(BEFORE + n + BEHIND)), 0);
	return fd;
}

/* What stands in the output is p, with nothing changed around it. */
static void
check_output(int fd, const uint8_t *p, size_t n)
{
	uint8_t *const got = malloc(BEFORE + n + BEHIND);
	size_t i;

	cr_assert_eq(fw_read_at(fd, got, BEFORE + n + BEHIND, 0, &err), FW_OK);
	cr_assert_arr_eq(got + BEFORE, p, n);
	for (i = 0; i < BEFORE; i++)
		cr_assert_eq(got[i], 0);
	for (i = 0; i < BEHIND; i++)
		cr_assert_eq(got[BEFORE + n + i], 0);
	free(got);
}

static void
one_way(const uint8_t *p, size_t n, int32_t alg,
    const struct fw_progress *progress)
{
	struct fw_source in = source(p, n);
	const int out = output(n);

	memset(digest, 0, sizeof digest);
	cr_assert_eq(fw_copy_hashed(&in, out, BEFORE, alg, digest, progress,
	    &err), FW_OK, "%zu: %s", n, err.text);
	cr_assert_eq(fw_digest(alg, (struct fwd_span){ p, n }, want, &err),
	    FW_OK);
	cr_assert_arr_eq(digest, want, fwd_digest_size(alg));
	check_output(out, p, n);
	(void)close(out);
	fw_source_deinit(&in);
}

/* With a second thread, and without one if it is small. */
static void
roundtrip(const uint8_t *p, size_t n, int32_t alg)
{
	static const struct fw_progress quiet = { 0 };

	one_way(p, n, alg, &quiet);
	one_way(p, n, alg, NULL);
}

Test(copy, sizes)
{
	static const size_t sizes[] = { 1, 2, 511, 512, 513, CHUNK - 1, CHUNK,
	    CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 4 * CHUNK - 1, 4 * CHUNK,
	    4 * CHUNK + 1, 5 * CHUNK, 9 * CHUNK + 12345, 40 * CHUNK };
	uint8_t *const p = bytes(40 * CHUNK);

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		roundtrip(p, sizes[i], FWD_SHA256);
	roundtrip(p, 5 * CHUNK + 1, FWD_SHA384);
	roundtrip(p, 5 * CHUNK + 1, FWD_SHA512);
	free(p);
}

/* Zeros anywhere, alone in a chunk or not: the same bytes and digests. */
Test(copy, zeros)
{
	enum { N = 6 * CHUNK + 77 };
	uint8_t *const p = bytes(N);

	memset(p, 0, CHUNK);
	roundtrip(p, N, FWD_SHA256);
	memset(p + 2 * CHUNK + 1, 0, 2 * CHUNK);
	roundtrip(p, N, FWD_SHA256);
	memset(p + 6 * CHUNK, 0, 77);
	roundtrip(p, N, FWD_SHA256);
	memset(p, 0, N);
	roundtrip(p, N, FWD_SHA256);
	p[N - 1] = 1;
	roundtrip(p, N, FWD_SHA256);
	p[N - 1] = 0;
	p[CHUNK] = 1;
	roundtrip(p, N, FWD_SHA256);
	free(p);
}

/* Zeros take no room in the output. */
Test(copy, holes)
{
	struct fw_source in = FW_SOURCE_NONE;
	const int out = output(64 * CHUNK);
	struct stat st;

	scratch_write("x", 1);
	cr_assert_eq(truncate(scratch_path, 64 * CHUNK), 0);
	cr_assert_eq(fw_source_open(scratch_path, &in, &err), FW_OK);
	cr_assert_eq(fw_copy_hashed(&in, out, BEFORE, FWD_SHA256, digest, NULL,
	    &err), FW_OK);
	cr_assert_eq(fstat(out, &st), 0);
	cr_assert_lt((size_t)st.st_blocks * 512, 64 * CHUNK);
	(void)close(out);
	fw_source_deinit(&in);
}

Test(copy, range)
{
	enum { N = 3 * CHUNK };
	uint8_t *const p = bytes(N);
	struct fw_source in = source(p, N);
	const int out = output(N - 100);

	cr_assert_eq(fw_copy_range(&in, 100, N - 100, out, BEFORE, &err),
	    FW_OK);
	check_output(out, p + 100, N - 100);
	cr_assert_eq(fw_copy_range(&in, 100, N, out, BEFORE, &err), FW_E_IO,
	    "past the end");
	(void)close(out);
	fw_source_deinit(&in);
	free(p);
}

/* ---- a source that changes --------------------------------------------- */

static void
grow(void *ctx, uint64_t done)
{
	FILE *const f = fopen(scratch_path, "a");

	(void)ctx;
	(void)done;
	cr_assert_not_null(f);
	cr_assert_eq(fputc('x', f), 'x');
	cr_assert_eq(fclose(f), 0);
}

static void
shrink(void *ctx, uint64_t done)
{
	(void)ctx;
	(void)done;
	cr_assert_eq(truncate(scratch_path, CHUNK), 0);
}

/* One byte, and the old time of modification put back. */
static void
modify(void *ctx, uint64_t done)
{
	struct timespec times[2];
	struct stat st;
	FILE *f;

	(void)ctx;
	(void)done;
	cr_assert_eq(stat(scratch_path, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	f = fopen(scratch_path, "r+");
	cr_assert_not_null(f);
	cr_assert_eq(fputc('x', f), 'x');
	cr_assert_eq(fclose(f), 0);
	(void)usleep(20000);		/* coarser than any clock tick */
	cr_assert_eq(utimensat(AT_FDCWD, scratch_path, times, 0), 0);
}

static void
change(fw_progress_fn *how, const char *message)
{
	const struct fw_progress progress = { .fn = how };
	uint8_t *const p = bytes(12 * CHUNK);
	struct fw_source in = source(p, 12 * CHUNK);
	const int out = output(12 * CHUNK);

	cr_assert_eq(fw_copy_hashed(&in, out, BEFORE, FWD_SHA256, digest,
	    &progress, &err), FW_E_IO);
	cr_assert_not_null(strstr(err.text, message), "%s", err.text);
	cr_assert_not_null(strstr(err.text, scratch_path), "%s", err.text);
	(void)close(out);
	fw_source_deinit(&in);
	free(p);
}

Test(copy, source_grows)
{
	change(grow, "changed while it was read");
}

Test(copy, source_shrinks)
{
	change(shrink, "shorter");
}

Test(copy, source_modified)
{
	change(modify, "changed while it was read");
}

Test(copy, unchanged)
{
	struct fw_source in = source("abc", 3);

	cr_assert_eq(fw_source_unchanged(&in, &err), FW_OK);
	grow(NULL, 0);
	cr_assert_eq(fw_source_unchanged(&in, &err), FW_E_IO);
	fw_source_deinit(&in);
}

/* ---- an output that fails or lies ---------------------------------------- */

static void
bad_output(const char *path, size_t n, const char *message)
{
	uint8_t *const p = bytes(n);
	struct fw_source in = source(p, n);
	const int out = open(path, O_RDWR | O_CLOEXEC);

	cr_assert_geq(out, 0);
	memset(&err, 0, sizeof err);
	cr_assert_eq(fw_copy_hashed(&in, out, 0, FWD_SHA256, digest, NULL,
	    &err), FW_E_IO);
	cr_assert_not_null(strstr(err.text, message), "%s", err.text);
	(void)close(out);
	fw_source_deinit(&in);
	free(p);
}

/* /dev/full has no room, /dev/zero forgets, /dev/null is empty. */
Test(copy, full)
{
	bad_output("/dev/full", 1, "No space left");
	bad_output("/dev/full", 30 * CHUNK, "No space left");
}

Test(copy, forgets)
{
	bad_output("/dev/zero", 1, "read back");
	bad_output("/dev/zero", 30 * CHUNK, "read back");
}

Test(copy, empty)
{
	bad_output("/dev/null", 1, "shorter");
	bad_output("/dev/null", 30 * CHUNK, "shorter");
}

/* The limit on the size of files is met in the middle. */
Test(copy, limit)
{
	const struct rlimit limit = { 10 * CHUNK, 10 * CHUNK };
	char path[200];

	(void)snprintf(path, sizeof path, "%s/out", scratch_dir);
	cr_assert_eq(fw_file_write(path, "x", 1, &err), FW_OK);
	(void)signal(SIGXFSZ, SIG_IGN);
	{
		uint8_t *const p = bytes(30 * CHUNK);
		struct fw_source in = source(p, 30 * CHUNK);
		const int out = open(path, O_RDWR | O_CLOEXEC);

		cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		cr_assert_eq(fw_copy_hashed(&in, out, 0, FWD_SHA256, digest,
		    NULL, &err), FW_E_IO);
		cr_assert_not_null(strstr(err.text, "File too large"));
		(void)close(out);
		fw_source_deinit(&in);
		free(p);
	}
	(void)unlink(path);
}

Test(copy, no_such_algorithm)
{
	struct fw_source in = source("abc", 3);
	const int out = output(3);

	cr_assert_eq(fw_copy_hashed(&in, out, BEFORE, -18, digest, NULL,
	    &err), FW_E_INPUT);
	(void)close(out);
	fw_source_deinit(&in);
}

Test(copy, no_source)
{
	struct fw_source in = FW_SOURCE_NONE;

	cr_assert_eq(fw_source_open(scratch_path, &in, &err), FW_E_INPUT);
	cr_assert_eq(fw_source_open(scratch_dir, &in, &err), FW_E_INPUT);
	cr_assert_eq(fw_source_open("/dev/null", &in, &err), FW_E_INPUT);
	cr_assert_eq(in.fd, -1);
}
