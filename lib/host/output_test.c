/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs appear whole or not at all, whatever fails and whenever. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#include "host/internal.h"
#include "testdata/fault.h"

static char dir[64], path[128];
static struct fw_error err;
/* The two ways: without a name until the end, or with a temporary one. */
enum { UNNAMED, NAMED };

static void
setup(void)
{
	const char *tmp = getenv("TMPDIR");

	fault_reset();
	memset(&err, 0, sizeof err);
	(void)umask(022);
	(void)snprintf(dir, sizeof dir, "%.40s/fw-out.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/out.fwb", dir);
}

/* How many files there are in the directory; they are removed. */
static int
sweep(bool remove_them)
{
	char name[512];
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	cr_assert_not_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		if (!remove_them)
			continue;
		(void)snprintf(name, sizeof name, "%s/%s", dir, e->d_name);
		if (unlink(name) != 0)
			(void)rmdir(name);
	}
	(void)closedir(d);
	return n;
}

static void
teardown(void)
{
	fault_reset();
	(void)sweep(true);
	(void)rmdir(dir);
}

TestSuite(output, .init = setup, .fini = teardown);

static void
way(int w)
{
	if (w == NAMED)
		fault_always(FAULT_TMPFILE, EOPNOTSUPP);
}

static void
assert_content(const char *want)
{
	char got[64] = "";
	FILE *f = fopen(path, "r");

	cr_assert_not_null(f, "the file is not there");
	got[fread(got, 1, sizeof got - 1, f)] = '\0';
	(void)fclose(f);
	cr_assert_str_eq(got, want);
}

static void
put_old(void)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	(void)fputs("old", f);
	cr_assert_eq(fclose(f), 0);
}

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

/* ---- signals --------------------------------------------------------- */

static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE,
    SIGXCPU, SIGXFSZ };
enum { NFATAL = sizeof fatal / sizeof fatal[0] };

/* In a process of its own, because that is what ends. */
static int
in_child(void (*run)(int sig), int sig)
{
	const struct rlimit none = { 0, 0 };
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &none);
		for (int i = 0; i < NFATAL; i++)
			(void)signal(fatal[i], SIG_DFL);
		run(sig);
		_exit(99);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static struct fw_output left[3];

static void
die_with_outputs(int sig)
{
	char name[160];

	for (int i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof name, "%s/%d", dir, i);
		left[i] = (struct fw_output)FW_OUTPUT_NONE;
		if (fw_output_open(name, &left[i], &err) != FW_OK ||
		    left[i].temporary == NULL)
			_exit(98);
	}
	/* One of them is complete, one given up. */
	if (fw_output_commit(&left[1], &err) != FW_OK)
		_exit(97);
	(void)raise(sig);
}

Test(output, fatal_signals_leave_nothing)
{
	int status;

	way(NAMED);
	for (int i = 0; i < NFATAL; i++) {
		status = in_child(die_with_outputs, fatal[i]);
		cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == fatal[i],
		    "signal %d: status %x", fatal[i], status);
		cr_assert_eq(sweep(true), 1, "signal %d", fatal[i]);
	}
}

static void
die_unnamed(int sig)
{
	struct fw_output out = FW_OUTPUT_NONE;

	if (fw_output_open(path, &out, &err) != FW_OK ||
	    fw_write_all(out.fd, "new", 3, path, &err) != FW_OK)
		_exit(98);
	(void)raise(sig);
}

/* Nothing has a name, so nothing is left even where nobody can clean up. */
Test(output, killed)
{
	const int status = in_child(die_unnamed, SIGKILL);

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_assert_eq(sweep(true), 0);
}

static void
survive_ignored(int sig)
{
	struct fw_output out = FW_OUTPUT_NONE;

	(void)signal(sig, SIG_IGN);
	if (fw_output_open(path, &out, &err) != FW_OK)
		_exit(98);
	(void)raise(sig);
	_exit(fw_output_commit(&out, &err) == FW_OK ? 0 : 97);
}

/* What nohup ignores stays ignored. */
Test(output, ignored_signals)
{
	int status;

	way(NAMED);
	for (int i = 0; i < NFATAL; i++) {
		status = in_child(survive_ignored, fatal[i]);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "signal %d: status %x", fatal[i], status);
		cr_assert_eq(sweep(true), 1);
	}
}

static volatile sig_atomic_t called;

static void
note(int sig)
{
	called = sig;
}

static void
with_handler(int sig)
{
	struct fw_output out = FW_OUTPUT_NONE;
	struct sigaction now;

	(void)signal(sig, note);
	if (fw_output_open(path, &out, &err) != FW_OK)
		_exit(98);
	(void)raise(sig);
	if (called != sig || sweep(false) != 0)
		_exit(97);
	/* The file is gone: this must fail, and not write another one. */
	if (fw_output_commit(&out, &err) != FW_E_IO || sweep(false) != 0)
		_exit(96);
	fw_output_abandon(&out);
	if (sigaction(sig, NULL, &now) != 0 || now.sa_handler != note)
		_exit(95);
	_exit(0);
}

/* A handler that was there before is called after ours. */
Test(output, earlier_handlers)
{
	int status;

	way(NAMED);
	for (int i = 0; i < NFATAL; i++) {
		status = in_child(with_handler, fatal[i]);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "signal %d: status %x", fatal[i], status);
	}
}

/* Handlers are there only as long as there is something to remove. */
Test(output, handlers_are_put_back)
{
	struct fw_output a = FW_OUTPUT_NONE, b = FW_OUTPUT_NONE;
	struct sigaction before[NFATAL], now;

	for (int i = 0; i < NFATAL; i++)
		(void)sigaction(fatal[i], NULL, &before[i]);
	way(NAMED);
	cr_assert_eq(fw_output_open(path, &a, &err), FW_OK);
	cr_assert_eq(fw_output_open(path, &b, &err), FW_OK);
	fw_output_abandon(&a);
	for (int i = 0; i < NFATAL; i++) {
		(void)sigaction(fatal[i], NULL, &now);
		cr_assert_neq(now.sa_handler, before[i].sa_handler);
	}
	cr_assert_eq(fw_output_commit(&b, &err), FW_OK);
	for (int i = 0; i < NFATAL; i++) {
		(void)sigaction(fatal[i], NULL, &now);
		cr_assert_eq(now.sa_handler, before[i].sa_handler);
	}
}

Test(output, too_many)
{
	enum { MOST = 256 };
	static struct fw_output out[MOST + 1];
	char name[160];
	int i;

	way(NAMED);
	for (i = 0; i <= MOST; i++) {
		out[i] = (struct fw_output)FW_OUTPUT_NONE;
		(void)snprintf(name, sizeof name, "%s/%d", dir, i);
		if (fw_output_open(name, &out[i], &err) != FW_OK)
			break;
	}
	cr_assert_eq(i, MOST);
	cr_assert_str_eq(err.text, "more than 256 output files at once");
	fw_output_abandon(&out[3]);
	cr_assert_eq(fw_output_open(name, &out[3], &err), FW_OK);
	for (i = 0; i < MOST; i++)
		fw_output_abandon(&out[i]);
	cr_assert_eq(sweep(true), 0);
}
