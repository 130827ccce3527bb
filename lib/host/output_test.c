/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outputs appear whole or not at all, whatever fails.  What signals do to them
 * is in output_signals_test.c.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "testdata/fault.h"

#include "host/testoutput.h"

TestSuite(output, .init = setup, .fini = teardown);

/* ---- when all goes well ---------------------------------------------- */

Test(output, appears_at_commit)
{
	for (int w = UNNAMED; w <= NAMED; w++) {
		struct fw_output out = FW_OUTPUT_NONE;

		way(w);
		cr_assert_eq(fw_output_open(path, &out, &err), FW_OK, "%s",
		    err.text);
		cr_assert_eq(out.temporary != NULL, w == NAMED);
		cr_assert_eq(fw_write_all(out.fd, "new", 3, path, &err),
		    FW_OK);
		cr_assert_neq(access(path, F_OK), 0, "too early");
		cr_assert_eq(sweep(false), w == NAMED);
		cr_assert_eq(fw_output_commit(&out, &err), FW_OK, "%s",
		    err.text);
		cr_assert(out.fd == -1 && out.dir == -1 && out.path == NULL &&
		    out.temporary == NULL);
		assert_content("new");
		fw_output_abandon(&out);
		assert_content("new");
		cr_assert_eq(sweep(true), 1);
		fault_reset();
	}
}

Test(output, replaces)
{
	for (int w = UNNAMED; w <= NAMED; w++) {
		struct fw_output out = FW_OUTPUT_NONE;

		put_old();
		way(w);
		cr_assert_eq(fw_output_open(path, &out, &err), FW_OK);
		cr_assert_eq(fw_write_all(out.fd, "new", 3, path, &err),
		    FW_OK);
		assert_content("old");
		cr_assert_eq(fw_output_commit(&out, &err), FW_OK, "%s",
		    err.text);
		assert_content("new");
		cr_assert_eq(sweep(true), 1);
		fault_reset();
	}
}

Test(output, abandoned)
{
	for (int w = UNNAMED; w <= NAMED; w++) {
		for (int exists = 0; exists <= 1; exists++) {
			struct fw_output out = FW_OUTPUT_NONE;

			if (exists)
				put_old();
			way(w);
			cr_assert_eq(fw_output_open(path, &out, &err), FW_OK);
			cr_assert_eq(fw_write_all(out.fd, "new", 3, path,
			    &err), FW_OK);
			fw_output_abandon(&out);
			fault_reset();
			if (exists)
				assert_content("old");
			cr_assert_eq(sweep(true), exists);
			fw_output_abandon(&out);
		}
	}
}

Test(output, permissions)
{
	static const mode_t masks[] = { 0, 022, 027, 077, 0177 };
	struct stat st;

	for (int w = UNNAMED; w <= NAMED; w++) {
		for (size_t i = 0; i < 5; i++) {
			(void)umask(masks[i]);
			way(w);
			cr_assert_eq(fw_file_write(path, "x", 1, &err), FW_OK);
			cr_assert_eq(stat(path, &st), 0);
			cr_assert_eq(st.st_mode & 07777, 0666 & ~masks[i]);
			cr_assert_eq(st.st_nlink, 1);
			fault_reset();
		}
	}
}

/* Names relative to the working directory, and the longest there are. */
Test(output, names)
{
	char name[257];

	cr_assert_eq(chdir(dir), 0);
	for (int w = UNNAMED; w <= NAMED; w++) {
		way(w);
		cr_assert_eq(fw_file_write("plain", "x", 1, &err), FW_OK);
		cr_assert_eq(fw_file_write("./dotted", "x", 1, &err), FW_OK);
		memset(name, 'n', sizeof name);
		name[255] = '\0';
		cr_assert_eq(fw_file_write(name, "x", 1, &err), FW_OK, "%s",
		    err.text);
		cr_assert_eq(fw_file_write(name, "y", 1, &err), FW_OK);
		name[255] = 'n';
		name[256] = '\0';
		cr_assert_eq(fw_file_write(name, "x", 1, &err), FW_E_IO);
		cr_assert_eq(sweep(true), 3);
		fault_reset();
	}
	cr_assert_eq(chdir("/"), 0);
}

/* Where /proc is missing the unnamed way is not taken in the first place. */
Test(output, without_proc)
{
	struct fw_output out = FW_OUTPUT_NONE;

	fault_set(FAULT_LSTAT, 0, ENOENT);
	cr_assert_eq(fw_output_open(path, &out, &err), FW_OK);
	cr_assert(fault_hit());
	cr_assert_not_null(out.temporary);
	cr_assert_eq(fw_output_commit(&out, &err), FW_OK);
	cr_assert_eq(sweep(false), 1);
}

/* All the ways in which file systems and kernels say they lack O_TMPFILE. */
Test(output, no_tmpfile)
{
	static const int says[] = { EOPNOTSUPP, EISDIR, ENOENT, EINVAL };

	for (size_t i = 0; i < 4; i++) {
		fault_always(FAULT_TMPFILE, says[i]);
		cr_assert_eq(fw_file_write(path, "x", 1, &err), FW_OK);
		fault_reset();
		cr_assert_eq(sweep(true), 1);
	}
}

/* ---- when something fails -------------------------------------------- */

/*
 * Make one call after the other fail: an error of the right kind, nothing left
 * behind, and of an older file all is kept.  Returns how many calls there are.
 */
static int
fail_each(enum fault_call call, int error, enum fw_kind want, int w,
    bool exists)
{
	const int before = dup(0);
	enum fw_kind kind;
	int i;

	cr_assert_eq(close(before), 0);
	for (i = 0; i < 100; i++) {
		if (exists)
			put_old();
		fault_set(call, i, error);
		way(w);
		kind = fw_file_write(path, "new", 3, &err);
		if (!fault_hit()) {
			cr_assert_eq(kind, FW_OK, "%s", err.text);
			assert_content("new");
			cr_assert_eq(sweep(true), 1);
			break;
		}
		cr_assert_eq(kind, want, "call %d: kind %d (%s)", i, kind,
		    err.text);
		if (exists)
			assert_content("old");
		cr_assert_eq(sweep(true), exists, "call %d left a file", i);
	}
	cr_assert_eq(dup(0), before, "a file was left open");
	cr_assert_eq(close(before), 0);
	return i;
}

Test(output, every_call_fails)
{
	static const struct {
		enum fault_call call;
		int error;
		enum fw_kind kind;
		int calls[2][2];	/* [way][a file exists] */
	} cases[] = {
		{ FAULT_ALLOC, ENOMEM, FW_E_NOMEM, { { 2, 3 }, { 3, 3 } } },
		{ FAULT_OPEN, ENOENT, FW_E_IO, { { 1, 1 }, { 1, 1 } } },
		{ FAULT_OPEN, ENOTDIR, FW_E_IO, { { 1, 1 }, { 1, 1 } } },
		{ FAULT_OPENAT, EACCES, FW_E_IO, { { 0, 0 }, { 1, 1 } } },
		{ FAULT_OPENAT, EROFS, FW_E_IO, { { 0, 0 }, { 1, 1 } } },
		{ FAULT_WRITE, ENOSPC, FW_E_IO, { { 1, 1 }, { 1, 1 } } },
		{ FAULT_WRITE, EDQUOT, FW_E_IO, { { 1, 1 }, { 1, 1 } } },
		{ FAULT_FSTATAT, EIO, FW_E_IO, { { 1, 2 }, { 2, 2 } } },
		{ FAULT_LINKAT, ENOSPC, FW_E_IO, { { 1, 2 }, { 0, 0 } } },
		{ FAULT_RENAMEAT, EIO, FW_E_IO, { { 0, 1 }, { 1, 1 } } },
		{ FAULT_GETRANDOM, ENOSYS, FW_E_IO, { { 0, 1 }, { 1, 1 } } },
	};
	int n;

	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		for (int w = UNNAMED; w <= NAMED; w++) {
			for (int exists = 0; exists <= 1; exists++) {
				n = fail_each(cases[c].call, cases[c].error,
				    cases[c].kind, w, exists != 0);
				cr_assert_eq(n, cases[c].calls[w][exists],
				    "case %zu, way %d, exists %d: %d calls",
				    c, w, exists, n);
			}
		}
	}
}

/* The data are on the disk before the name is, the name after that. */
Test(output, fsync_fails)
{
	for (int w = UNNAMED; w <= NAMED; w++) {
		put_old();
		fault_set(FAULT_FSYNC, 0, EIO);
		way(w);
		cr_assert_eq(fw_file_write(path, "new", 3, &err), FW_E_IO);
		cr_assert(fault_hit());
		assert_content("old");
		cr_assert_eq(sweep(false), 1);

		fault_set(FAULT_FSYNC, 1, EIO);
		way(w);
		cr_assert_eq(fw_file_write(path, "new", 3, &err), FW_E_IO);
		cr_assert(fault_hit());
		cr_assert(strstr(err.text, "power failure") != NULL);
		assert_content("new");
		cr_assert_eq(sweep(true), 1);

		/* File systems that cannot do it are not an error. */
		fault_set(FAULT_FSYNC, 1, EINVAL);
		way(w);
		cr_assert_eq(fw_file_write(path, "new", 3, &err), FW_OK);
		cr_assert(fault_hit());
		cr_assert_eq(sweep(true), 1);
	}
}

/* A real limit rather than an invented one. */
Test(output, full)
{
	const struct rlimit limit = { 1000, 1000 };
	char data[4096];

	memset(data, 'x', sizeof data);
	(void)signal(SIGXFSZ, SIG_IGN);
	put_old();
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int w = UNNAMED; w <= NAMED; w++) {
		way(w);
		cr_assert_eq(fw_file_write(path, data, sizeof data, &err),
		    FW_E_IO);
		cr_assert(strstr(err.text, "File too large") != NULL);
		assert_content("old");
		cr_assert_eq(sweep(false), 1);
		fault_reset();
	}
}

/* Somebody else's file with the name we would take stays what it is. */
Test(output, temporary_name_is_taken)
{
	char taken[160];
	struct stat st;

	(void)snprintf(taken, sizeof taken, "%s/.fw-5a5a5a5a5a5a5a5a.tmp",
	    dir);
	for (int w = UNNAMED; w <= NAMED; w++) {
		FILE *f = fopen(taken, "w");

		cr_assert_not_null(f);
		(void)fputs("theirs", f);
		(void)fclose(f);
		put_old();
		fault.same_random = true;
		way(w);
		cr_assert_eq(fw_file_write(path, "new", 3, &err), FW_E_IO);
		cr_assert(strstr(err.text, "File exists") != NULL);
		fault.same_random = false;
		fault_reset();
		assert_content("old");
		cr_assert_eq(stat(taken, &st), 0);
		cr_assert_eq(st.st_size, 6);
		cr_assert_eq(sweep(true), 2);
	}
}

/* ---- what cannot be replaced ----------------------------------------- */

static void
refused(const char *target, enum fw_kind kind, const char *why)
{
	struct fw_output out = FW_OUTPUT_NONE;

	memset(&err, 0, sizeof err);
	cr_assert_eq(fw_output_open(target, &out, &err), kind, "'%s': %s",
	    target, err.text);
	cr_assert(strstr(err.text, why) != NULL, "'%s': %s", target, err.text);
	cr_assert(out.fd == -1 && out.dir == -1 && out.path == NULL);
}

Test(output, only_regular_files_are_replaced)
{
	char name[160];

	cr_assert_eq(mkfifo(path, 0600), 0);
	refused(path, FW_E_IO, "not a regular file");
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink("/nonexistent", path), 0);
	refused(path, FW_E_IO, "symbolic link");
	cr_assert_eq(unlink(path), 0);
	refused("/dev/null", FW_E_IO, "not a regular file");
	refused(dir, FW_E_IO, "is a directory");
	refused("", FW_E_USAGE, "does not name a file");
	refused(".", FW_E_USAGE, "does not name a file");
	refused("..", FW_E_USAGE, "does not name a file");
	(void)snprintf(name, sizeof name, "%s/", dir);
	refused(name, FW_E_USAGE, "does not name a file");
	(void)snprintf(name, sizeof name, "%s/none/out", dir);
	refused(name, FW_E_IO, "No such file or directory");
	put_old();
	(void)snprintf(name, sizeof name, "%s/out", path);
	refused(name, FW_E_IO, "Not a directory");
	(void)snprintf(name, sizeof name, "%s/", path);
	refused(name, FW_E_USAGE, "does not name a file");
	assert_content("old");
	cr_assert_eq(sweep(false), 1);
}

/* What comes to stand there while the output is being written. */
Test(output, target_changes_meanwhile)
{
	for (int w = UNNAMED; w <= NAMED; w++) {
		for (int what = 0; what < 3; what++) {
			struct fw_output out = FW_OUTPUT_NONE;

			way(w);
			cr_assert_eq(fw_output_open(path, &out, &err), FW_OK);
			if (what == 0)
				cr_assert_eq(mkdir(path, 0700), 0);
			else if (what == 1)
				cr_assert_eq(symlink("/x", path), 0);
			else
				cr_assert_eq(mkfifo(path, 0600), 0);
			cr_assert_eq(fw_output_commit(&out, &err), FW_E_IO);
			fw_output_abandon(&out);
			fault_reset();
			cr_assert_eq(sweep(true), 1);
		}
	}
}

/* ---- exclusively, and in an open directory ------------------------------ */

/* Whatever came meanwhile stays; nothing else is left. */
Test(output, exclusive)
{
	static const int links[] = { 0, EPERM, EOPNOTSUPP };

	for (int w = UNNAMED; w <= NAMED; w++) {
		for (int what = 0; what < 4; what++) {
			for (size_t i = 0; i < 3; i++) {
				struct fw_output out = FW_OUTPUT_NONE;
				enum fw_kind kind;

				/* No links: only a temporary name helps. */
				if (w == UNNAMED && links[i] != 0)
					continue;
				way(w);
				cr_assert_eq(fw_output_open(path, &out, &err),
				    FW_OK);
				cr_assert_eq(fw_write_all(out.fd, "new", 3,
				    path, &err), FW_OK);
				if (what == 1)
					put_old();
				else if (what == 2)
					cr_assert_eq(symlink("/x", path), 0);
				else if (what == 3)
					cr_assert_eq(mkdir(path, 0700), 0);
				if (links[i] != 0)
					fault_always(FAULT_LINKAT, links[i]);
				out.exclusive = true;
				kind = fw_output_commit(&out, &err);
				fault_reset();
				cr_assert_eq(kind, what == 0 ? FW_OK :
				    FW_E_REFUSED, "way %d, %d, %zu: %s", w,
				    what, i, err.text);
				if (what == 0)
					assert_content("new");
				else
					cr_assert_not_null(strstr(err.text,
					    "exists already"));
				if (what == 1)
					assert_content("old");
				fw_output_abandon(&out);
				cr_assert_eq(sweep(true), 1);
			}
		}
	}
}

/* Failures other than a taken name are told apart, and leave nothing. */
Test(output, exclusive_fails)
{
	for (int w = UNNAMED; w <= NAMED; w++) {
		struct fw_output out = FW_OUTPUT_NONE;

		way(w);
		cr_assert_eq(fw_output_open(path, &out, &err), FW_OK);
		out.exclusive = true;
		fault_always(FAULT_LINKAT, ENOSPC);
		cr_assert_eq(fw_output_commit(&out, &err), FW_E_IO);
		fw_output_abandon(&out);
		fault_reset();
		cr_assert_eq(sweep(true), 0);
	}
}

/* The directory's name may lead elsewhere by now; only the last segment of the
   path counts. */
Test(output, in_an_open_directory)
{
	char moved[80], shown[160];
	int fd;

	for (int w = UNNAMED; w <= NAMED; w++) {
		struct fw_output out = FW_OUTPUT_NONE;

		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		cr_assert_geq(fd, 0);
		(void)snprintf(moved, sizeof moved, "%s.moved", dir);
		cr_assert_eq(rename(dir, moved), 0);
		(void)snprintf(shown, sizeof shown, "%s/none/out.fwb", dir);
		way(w);
		cr_assert_eq(fw_output_open_at(fd, shown, &out, &err), FW_OK,
		    "%s", err.text);
		cr_assert_eq(fw_write_all(out.fd, "new", 3, shown, &err),
		    FW_OK);
		cr_assert_eq(fw_output_commit(&out, &err), FW_OK);
		fault_reset();
		cr_assert_eq(rename(moved, dir), 0);
		assert_content("new");
		cr_assert_eq(sweep(true), 1);
		/* It is still open, and errors show the path. */
		cr_assert_eq(fw_output_open_at(fd, "a/..", &out, &err),
		    FW_E_USAGE);
		cr_assert_eq(close(fd), 0);
		cr_assert_eq(fw_output_open_at(fd, shown, &out, &err),
		    FW_E_IO);
		cr_assert_not_null(strstr(err.text, shown), "%s", err.text);
	}
}

/* An input is told by the file it is, not by its name. */
Test(output, spares_inputs)
{
	struct fw_output out = FW_OUTPUT_NONE;
	char other[160], link_[160];

	(void)snprintf(other, sizeof other, "%s/other", dir);
	(void)snprintf(link_, sizeof link_, "%s/link", dir);
	cr_assert_eq(fw_output_open(path, &out, &err), FW_OK);
	cr_expect_eq(fw_output_spares(&out, path, &err), FW_OK, "not there");
	fw_output_abandon(&out);
	put_old();
	cr_assert_eq(fw_output_open(path, &out, &err), FW_OK);
	cr_assert_eq(fw_file_write(other, "x", 1, &err), FW_OK);
	cr_assert_eq(symlink(path, link_), 0);
	cr_expect_eq(fw_output_spares(&out, other, &err), FW_OK);
	cr_expect_eq(fw_output_spares(&out, NULL, &err), FW_OK);
	cr_expect_eq(fw_output_spares(&out, "", &err), FW_OK);
	cr_expect_eq(fw_output_spares(&out, path, &err), FW_E_USAGE);
	cr_expect_eq(fw_output_spares(&out, link_, &err), FW_E_USAGE);
	cr_expect_not_null(strstr(err.text, "/link'"));
	cr_assert_eq(unlink(other), 0);
	cr_assert_eq(link(path, other), 0);
	cr_expect_eq(fw_output_spares(&out, other, &err), FW_E_USAGE);
	fw_output_abandon(&out);
}

/* As an ordinary user, whoever runs the test. */
static void
drop_root(void)
{
	if (geteuid() != 0)
		return;
	cr_assert_eq(chown(dir, 65534, 65534), 0);
	cr_assert_eq(seteuid(65534), 0);
}

static void
regain_root(void)
{
	if (getuid() == geteuid())
		return;
	cr_assert_eq(seteuid(getuid()), 0);
	/* The leak sanitizer could not look at this process otherwise. */
	cr_assert_eq(prctl(PR_SET_DUMPABLE, 1), 0);
}

Test(output, directory_not_writable)
{
	drop_root();
	cr_assert_eq(chmod(dir, 0500), 0);
	refused(path, FW_E_IO, "Permission denied");
	cr_assert_eq(chmod(dir, 0700), 0);
	regain_root();
}

Test(output, directory_not_readable)
{
	drop_root();
	for (int w = UNNAMED; w <= NAMED; w++) {
		for (int again = 0; again <= 1; again++) {
			cr_assert_eq(chmod(dir, 0300), 0);
			way(w);
			cr_assert_eq(fw_file_write(path, "new", 3, &err),
			    FW_OK, "%s", err.text);
			cr_assert_eq(chmod(dir, 0700), 0);
			assert_content("new");
			cr_assert_eq(sweep(false), 1);
			fault_reset();
		}
		(void)sweep(true);
	}
	regain_root();
}
