/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For schema_test.sh.
 *
 *	loader descriptor|profile|batch FILE[,NAME=VALUE]...
 *
 * loads each file and prints "accept", or the error as the programs would
 * print it; one line per file.
 *
 *	loader memory descriptor|profile|batch|hex FILE[,NAME=VALUE]...
 *
 * loads each file again and again and lets each allocation in turn fail, those
 * inside of libyaml, OpenSSL and the C library too.  Prints one line per file:
 * "ok" and how many allocations there were, or what went wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "testdata/sample.h"

#include "host/batch.h"
#include "host/internal.h"

/* ---- allocations that fail -------------------------------------------- */

static long until_failure = -1;		/* allocations; negative: never */
static long blocks;			/* that are allocated */

#ifndef HAS_SANITIZER
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t m, size_t n);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static bool
fails(void)
{
	if (until_failure < 0 || until_failure-- > 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t n)
{
	void *const p = fails() ? NULL : __libc_malloc(n);

	blocks += p != NULL;
	return p;
}

void *
calloc(size_t m, size_t n)
{
	void *const p = fails() ? NULL : __libc_calloc(m, n);

	blocks += p != NULL;
	return p;
}

void *
realloc(void *old, size_t n)
{
	void *const p = fails() ? NULL : __libc_realloc(old, n);

	blocks += p != NULL && old == NULL;
	return p;
}

void
free(void *p)
{
	blocks -= p != NULL;
	__libc_free(p);
}
#endif

/* ---- loading ---------------------------------------------------------- */

/* What was derived last: the same whenever loading succeeds. */
static uint8_t derived[2][16];

static enum fw_kind
load(const char *what, const char *path, const struct fw_set *set,
    struct fw_error *err)
{
	static struct fw_descriptor d;
	static struct fw_profile p;
	static struct fw_batch b;
	const struct fw_image img = {
		.path = (char *)(uintptr_t)path, .format = FW_INTEL_HEX,
	};
	uint64_t base, size;
	enum fw_kind kind;
	int fd = -1;

	if (strcmp(what, "hex") == 0) {
		kind = fw_hex_load(&img, &fd, &base, &size, err);
		fw_close_fd(&fd);
	} else if (strcmp(what, "batch") == 0) {
		kind = fw_batch_load(path, set, NULL, &b, err);
		derived[0][0] = (uint8_t)b.n;
		fw_batch_deinit(&b);
	} else if (strcmp(what, "profile") == 0) {
		kind = fw_profile_load(path, &p, err);
		memcpy(derived[0], p.vendor_id[0], 16);
		memcpy(derived[1], p.class_id[0], 16);
		fw_profile_deinit(&p);
	} else {
		kind = fw_descriptor_load(path, set, &d, err);
		memcpy(derived[0], d.vendor_id, 16);
		memcpy(derived[1], d.class_id, 16);
		fw_descriptor_deinit(&d);
	}
	return kind;
}

static void
report(const char *what, const char *path, const struct fw_set *set)
{
	char line[FW_ERROR_LINE_MAX];
	struct fw_error err = { 0 };

	if (load(what, path, set, &err) == FW_OK) {
		puts("accept");
		return;
	}
	fw_error_format(&err, "loader", line, sizeof line);
	fputs(line, stdout);
}

static void
starve(const char *what, const char *path, const struct fw_set *set)
{
	struct fw_error err = { 0 };
	uint8_t want[2][16];
	enum fw_kind kind;
	long n, before;
	bool failed;

	/* Once for what OpenSSL allocates and keeps. */
	if (load(what, path, set, &err) != FW_OK) {
		printf("cannot be loaded at all: %s\n", err.text);
		return;
	}
	memcpy(want, derived, sizeof want);
	for (n = 0; ; n++) {
		before = blocks;
		until_failure = n;
		kind = load(what, path, set, &err);
		failed = until_failure < 0;
		until_failure = -1;
		if (blocks != before) {
			printf("allocation %ld: %ld blocks are lost\n", n,
			    blocks - before);
			return;
		}
		if (!failed)
			break;
		/* Some can do without: qsort() and OpenSSL's caches. */
		if (kind != FW_E_NOMEM && (kind != FW_OK ||
		    memcmp(want, derived, sizeof want) != 0)) {
			printf("allocation %ld: kind %d: %s\n", n, (int)kind,
			    err.text);
			return;
		}
	}
	if (kind == FW_OK && n > 0)
		printf("ok %ld\n", n);
	else
		printf("after %ld allocations: kind %d\n", n, (int)kind);
}

int
main(int argc, char **argv)
{
	const bool memory = argc > 1 && strcmp(argv[1], "memory") == 0;
	const char *pair[8];
	char *rest;

	for (int i = memory ? 3 : 2; i < argc; i++) {
		struct fw_set set = { .pair = pair };

		rest = argv[i];
		(void)strsep(&rest, ",");
		while (rest != NULL && set.n < 8)
			pair[set.n++] = strsep(&rest, ",");
		if (memory)
			starve(argv[2], argv[i], &set);
		else
			report(argv[1], argv[i], &set);
	}
	return 0;
}
