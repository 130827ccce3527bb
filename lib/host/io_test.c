/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "host/internal.h"
#include "testdata/fault.h"

static char dir[64], path[128];
static struct fw_error err;

static void
setup(void)
{
	const char *tmp = getenv("TMPDIR");

	fault_reset();
	memset(&err, 0, sizeof err);
	(void)snprintf(dir, sizeof dir, "%.40s/fw-io.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/file", dir);
}

static void
teardown(void)
{
	fault_reset();
	fault.most = 0;
	(void)unlink(path);
	(void)rmdir(path);
	cr_assert_eq(rmdir(dir), 0, "something was left behind");
}

TestSuite(io, .init = setup, .fini = teardown);

static void
make_file(size_t n)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	for (size_t i = 0; i < n; i++)
		cr_assert_neq(putc((int)(i * 7 & 0xff), f), EOF);
	cr_assert_eq(fclose(f), 0);
}

/* ---- bytes ----------------------------------------------------------- */

Test(io, buf_add_every_step)
{
	uint8_t all[700];

	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (uint8_t)(i * 31);
	for (size_t step = 1; step <= 130; step++) {
		struct fw_buf b = { 0 };

		for (size_t i = 0; i < sizeof all; i += step)
			cr_assert_eq(fw_buf_add(&b, all + i,
			    sizeof all - i < step ? sizeof all - i : step,
			    &err), FW_OK);
		cr_assert_eq(b.n, sizeof all);
		cr_assert_leq(b.n, b.room);
		cr_assert_eq(memcmp(b.p, all, sizeof all), 0);
		cr_assert_eq(fw_buf_span(&b).p, b.p);
		cr_assert_eq(fw_buf_span(&b).n, b.n);
		fw_buf_deinit(&b);
		cr_assert(b.p == NULL && b.n == 0 && b.room == 0);
		fw_buf_deinit(&b);
	}
}

Test(io, buf_nothing)
{
	struct fw_buf b = { 0 };

	cr_assert_eq(fw_buf_add(&b, NULL, 0, &err), FW_OK);
	cr_assert_null(b.p);
	cr_assert_eq(fw_buf_reserve(&b, 0, &err), FW_OK);
	cr_assert_null(b.p);
}

Test(io, buf_add_itself)
{
	struct fw_buf b = { 0 };

	cr_assert_eq(fw_buf_add(&b, "x", 1, &err), FW_OK);
	while (b.n < 1000)
		cr_assert_eq(fw_buf_add(&b, "x", 1, &err), FW_OK);
	for (size_t i = 0; i < b.n; i++)
		cr_assert_eq(b.p[i], 'x');
	fw_buf_deinit(&b);
}

/* Sizes that would wrap around are a lack of memory, and harmless. */
Test(io, buf_overflow)
{
	static const size_t huge[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 3,
	    SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX / 4, SIZE_MAX / 4 - 2 };
	struct fw_buf b = { 0 };

	cr_assert_eq(fw_buf_add(&b, "abc", 3, &err), FW_OK);
	fault_always(FAULT_ALLOC, ENOMEM);
	for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
		cr_assert_eq(fw_buf_reserve(&b, huge[i], &err), FW_E_NOMEM);
		cr_assert_str_eq(err.text, "out of memory");
		cr_assert(b.n == 3 && memcmp(b.p, "abc", 3) == 0);
	}
	fault_reset();
	fw_buf_deinit(&b);
}

/* Memory that held content is all zero when it is given back. */
static const uint8_t *watched;
static size_t watched_n, frees, unwiped;

static void
watch(const void *p)
{
	if (p != watched || p == NULL)
		return;
	frees++;
	for (size_t i = 0; i < watched_n; i++)
		unwiped += watched[i] != 0;
}

Test(io, buf_is_wiped)
{
	static const char secret[] = "0123456789abcdef0123456789abcdef";
	struct fw_buf b = { 0 };

	fault.on_free = watch;
	for (size_t i = 0; i < 200; i++) {
		watched = b.p;
		watched_n = b.room;
		cr_assert_eq(fw_buf_add(&b, secret, sizeof secret, &err),
		    FW_OK);
	}
	cr_assert_gt(frees, 3, "growing gives memory back");
	watched = b.p;
	watched_n = b.room;
	frees = 0;
	fw_buf_deinit(&b);
	fault.on_free = NULL;
	cr_assert_eq(frees, 1);
	cr_assert_eq(unwiped, 0);
}

Test(io, buf_no_memory)
{
	struct fw_buf b = { 0 };

	fault_set(FAULT_ALLOC, 0, ENOMEM);
	cr_assert_eq(fw_buf_add(&b, "abc", 3, &err), FW_E_NOMEM);
	cr_assert(fault_hit());
	cr_assert_null(b.p);
	cr_assert_eq(fw_buf_add(&b, "abc", 3, &err), FW_OK);
	fault_set(FAULT_ALLOC, 0, ENOMEM);
	cr_assert_eq(fw_buf_add(&b, dir, 0, &err), FW_OK);
	cr_assert_eq(fw_buf_reserve(&b, 1000, &err), FW_E_NOMEM);
	cr_assert(fault_hit());
	cr_assert(b.n == 3 && memcmp(b.p, "abc", 3) == 0);
	fw_buf_deinit(&b);
}

/* ---- reading --------------------------------------------------------- */

Test(io, read_every_size_and_limit)
{
	static const size_t sizes[] = { 0, 1, 2, 63, 64, 65, 65535, 65536,
	    65537, 131073, 300000 };
	char want[256];

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		const size_t n = sizes[i];
		struct fw_buf b = { 0 };

		make_file(n);
		cr_assert_eq(fw_file_read(path, n, &b, &err), FW_OK);
		cr_assert_eq(b.n, n);
		for (size_t k = 0; k < n; k++)
			cr_assert_eq(b.p[k], k * 7 & 0xff);
		fw_buf_deinit(&b);
		cr_assert_eq(fw_file_read(path, SIZE_MAX, &b, &err), FW_OK);
		cr_assert_eq(b.n, n);
		fw_buf_deinit(&b);
		if (n == 0)
			continue;
		cr_assert_eq(fw_file_read(path, n - 1, &b, &err), FW_E_INPUT);
		(void)snprintf(want, sizeof want,
		    "'%s' is larger than %zu bytes", path, n - 1);
		cr_assert_str_eq(err.text, want);
		cr_assert_null(b.p);
	}
}

static void
append(void)
{
	FILE *f = fopen(path, "a");

	cr_assert_not_null(f);
	cr_assert_gt(fprintf(f, "%01000d", 0), 0);
	cr_assert_eq(fclose(f), 0);
}

/* A file that grows while it is read does not get past the limit. */
Test(io, read_of_a_growing_file)
{
	struct fw_buf b = { 0 };

	make_file(10);
	fault.on_read = append;
	cr_assert_eq(fw_file_read(path, 200000, &b, &err), FW_E_INPUT);
	fault.on_read = NULL;
	cr_assert(strstr(err.text, "is larger than 200000 bytes") != NULL);
}

static void
shrink(void)
{
	cr_assert_eq(truncate(path, 4), 0);
}

Test(io, read_of_a_shrinking_file)
{
	struct fw_buf b = { 0 };

	make_file(1000);
	fault.on_read = shrink;
	cr_assert_eq(fw_file_read(path, 2000, &b, &err), FW_OK);
	fault.on_read = NULL;
	cr_assert_eq(b.n, 4);
	fw_buf_deinit(&b);
}

Test(io, read_only_regular_files)
{
	struct fw_buf b = { 0 };

	cr_assert_eq(fw_file_read(path, 9, &b, &err), FW_E_INPUT);
	cr_assert(strstr(err.text, "No such file") != NULL);
	cr_assert_eq(fw_file_read("", 9, &b, &err), FW_E_INPUT);
	cr_assert_eq(fw_file_read(dir, 9, &b, &err), FW_E_INPUT);
	cr_assert(strstr(err.text, "is a directory") != NULL);
	cr_assert_eq(fw_file_read("/dev/null", 9, &b, &err), FW_E_INPUT);
	cr_assert(strstr(err.text, "is not a regular file") != NULL);
	/* Nobody writes to it: opening it must not wait. */
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(fw_file_read(path, 9, &b, &err), FW_E_INPUT);
	cr_assert(strstr(err.text, "is not a regular file") != NULL);
	cr_assert_null(b.p);
}

/* Each call that can fail, and what it is called then. */
Test(io, read_failures)
{
	static const struct {
		enum fault_call call;
		int error;
		enum fw_kind kind;
	} cases[] = {
		{ FAULT_OPEN, EACCES, FW_E_INPUT },
		{ FAULT_OPEN, ELOOP, FW_E_INPUT },
		{ FAULT_OPEN, EMFILE, FW_E_IO },
		{ FAULT_OPEN, ENFILE, FW_E_IO },
		{ FAULT_OPEN, EIO, FW_E_IO },
		{ FAULT_OPEN, ENOMEM, FW_E_NOMEM },
		{ FAULT_FSTAT, EIO, FW_E_IO },
		{ FAULT_READ, EIO, FW_E_IO },
		{ FAULT_ALLOC, ENOMEM, FW_E_NOMEM },
	};
	struct fw_buf b = { 0 };
	const int before = dup(0);

	make_file(100);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fault_set(cases[i].call, 0, cases[i].error);
		cr_assert_eq(fw_file_read(path, 200, &b, &err), cases[i].kind);
		cr_assert(fault_hit());
		cr_assert_eq(err.kind, cases[i].kind);
		cr_assert_null(b.p);
	}
	/* A signal in between is not a failure. */
	fault_set(FAULT_READ, 0, EINTR);
	cr_assert_eq(fw_file_read(path, 200, &b, &err), FW_OK);
	cr_assert(fault_hit());
	fw_buf_deinit(&b);
	cr_assert_eq(dup(0), before + 1, "a file was left open");
}

/* ---- writing --------------------------------------------------------- */

Test(io, write_in_pieces)
{
	struct fw_buf b = { 0 };
	char data[1000];
	int fd;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 7);
	for (size_t most = 1; most < sizeof data; most += 111) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		cr_assert_geq(fd, 0);
		fault.most = most;
		fault_set(FAULT_WRITE, 1, EINTR);
		cr_assert_eq(fw_write_all(fd, data, sizeof data, path, &err),
		    FW_OK);
		cr_assert(fault_hit());
		cr_assert_eq(close(fd), 0);
		cr_assert_eq(fw_file_read(path, sizeof data, &b, &err), FW_OK);
		cr_assert_eq(b.n, sizeof data);
		cr_assert_eq(memcmp(b.p, data, sizeof data), 0);
		fw_buf_deinit(&b);
	}
}

Test(io, write_failures)
{
	char want[256];
	int fd = open("/dev/full", O_WRONLY);

	cr_assert_geq(fd, 0);
	cr_assert_eq(fw_write_all(fd, "abc", 3, path, &err), FW_E_IO);
	(void)snprintf(want, sizeof want,
	    "cannot write '%s': No space left on device", path);
	cr_assert_str_eq(err.text, want);
	cr_assert_eq(fw_write_all(fd, NULL, 0, path, &err), FW_OK);
	/* A write that writes nothing must not be tried for ever. */
	fault_set(FAULT_WRITE, 0, -1);
	cr_assert_eq(fw_write_all(fd, "abc", 3, path, &err), FW_E_IO);
	cr_assert(fault_hit());
	cr_assert_str_eq(err.text, want);
	cr_assert_eq(close(fd), 0);
	cr_assert_eq(fw_write_all(fd, "abc", 3, path, &err), FW_E_IO);
}
