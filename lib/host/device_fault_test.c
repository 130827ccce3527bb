/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device directories when calls of the C library fail: each command succeeds or
 * says in one line why it did not, and leaves a device that boots.
 */
#include <openssl/pem.h>

#include "device/testpower.h"
#include "host/device.h"
#include "host/internal.h"
#include "testdata/fault.h"
#include "testdata/scratch.h"

static struct bench *bench;		/* for its releases */
static struct fw_error err;
static char dir[160], profile[160], anchor[160], bundle[160];
static int fds;

/* ---- files ------------------------------------------------------------- */

static void
put_file(const char *path, const void *p, size_t n)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, p, n), (ssize_t)n);
	cr_assert_eq(close(fd), 0);
}

/* What a folder holds, to go back to. */
static struct kept {
	char name[64];
	uint8_t *p;
	size_t n;
} kept[32];
static size_t kepts;

static void
for_each_file(const char *in, void (*act)(const char *path, const char *name))
{
	DIR *const d = opendir(in);
	char path[512];
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof path, "%s/%s", in, e->d_name);
		if (e->d_type == DT_REG)
			act(path, e->d_name);
	}
	if (d != NULL)
		(void)closedir(d);
}

static void
keep_file(const char *path, const char *name)
{
	const int fd = open(path, O_RDONLY);
	struct stat st;

	cr_assert(fd >= 0 && fstat(fd, &st) == 0);
	cr_assert_lt(kepts, sizeof kept / sizeof kept[0]);
	(void)snprintf(kept[kepts].name, sizeof kept[0].name, "%.63s", name);
	kept[kepts].n = (size_t)st.st_size;
	kept[kepts].p = malloc(kept[kepts].n + 1);
	cr_assert_eq(read(fd, kept[kepts].p, kept[kepts].n), st.st_size);
	kepts++;
	(void)close(fd);
}

static void
drop_file(const char *path, const char *name)
{
	(void)name;
	(void)unlink(path);
}

static void
keep(void)
{
	while (kepts > 0)
		free(kept[--kepts].p);
	for_each_file(dir, keep_file);
}

static void
go_back_to_it(void)
{
	char path[240];

	for_each_file(dir, drop_file);
	(void)mkdir(dir, 0700);
	for (const struct kept *f = kept; f < kept + kepts; f++) {
		(void)snprintf(path, sizeof path, "%s/%.63s", dir, f->name);
		put_file(path, f->p, f->n);
	}
	if (kepts == 0)
		(void)rmdir(dir);
}

/* ---- a device ------------------------------------------------------------ */

static enum fw_kind
command(const char *name, fwd_status *verdict)
{
	const struct fw_device_options opt = { .dir = dir, .bundle = bundle };
	json_t *report = NULL;
	enum fw_kind kind;

	memset(&err, 0, sizeof err);
	*verdict = FWD_E_API;
	switch (*name) {
	case 'p':
		kind = fw_device_provision(profile, &opt, &report, verdict,
		    &err);
		break;
	case 'i':
		kind = fw_device_install(&opt, &report, verdict, &err);
		break;
	case 'b':
		kind = fw_device_boot(&opt, &report, verdict, &err);
		break;
	case 'c':
		kind = fw_device_confirm(&opt, &report, verdict, &err);
		break;
	default:
		kind = fw_device_status(&opt, &report, verdict, &err);
		break;
	}
	cr_assert_eq(kind == FW_OK, report != NULL, "%s: %s", name, err.text);
	json_decref(report);
	return kind;
}

static void
works(const char *name)
{
	fwd_status verdict;

	cr_assert_eq(command(name, &verdict), FW_OK, "%s: %s", name,
	    err.text);
	cr_assert_eq(verdict, FWD_OK, "%s: %s", name,
	    fwd_status_code(verdict));
}

static void
bundle_of(unsigned r)
{
	const struct fw_buf *const b = &bench->release[r].bundle;

	put_file(bundle, b->p, b->n);
}

static void
write_profile(const char *boot)
{
	char text[512];

	(void)snprintf(text, sizeof text, "profile: 1\n"
	    "device: {vendor-id: 11111111-1111-1111-1111-111111111111, "
	    "class-id: 22222222-2222-2222-2222-222222222222}\n"
	    "trust: {anchors: [root.pem]}\n"
	    "clock: {source: none}\n"
	    "boot: %s\n"
	    "components: [{id: \"0\", size: 4096, slots: 2}]\n", boot);
	put_file(profile, text, strlen(text));
}

static void
setup(void)
{
	FILE *f;

	fault_reset();
	fault.no_fsync = true;		/* thousands of them */
	scratch_setup();
	(void)snprintf(dir, sizeof dir, "%s/dev", scratch_dir);
	(void)snprintf(profile, sizeof profile, "%s/p.yaml", scratch_dir);
	(void)snprintf(anchor, sizeof anchor, "%s/root.pem", scratch_dir);
	(void)snprintf(bundle, sizeof bundle, "%s/b.fwb", scratch_dir);
	bench = bench_new(AB, FWD_BOOT_FULL);
	f = fopen(anchor, "w");
	cr_assert_not_null(f);
	cr_assert_gt(PEM_write(f, "CERTIFICATE", "", bench->pki.root.p,
	    (long)bench->pki.root.n), 0);
	cr_assert_eq(fclose(f), 0);
	write_profile("full");
	bundle_of(1);
	kepts = 0;
	works("provision");		/* what others allocate and keep */
	works("install");
	works("boot");
	works("confirm");
	works("status");
	fds = scratch_fds();
}

static void
teardown(void)
{
	fault_reset();
	cr_assert_eq(scratch_fds(), fds, "a file stayed open");
	while (kepts > 0)
		free(kept[--kepts].p);
	go_back_to_it();
	(void)unlink(profile);
	(void)unlink(anchor);
	(void)unlink(bundle);
	bench_free(bench);
	scratch_teardown();
}

TestSuite(device_fault, .init = setup, .fini = teardown, .timeout = 600);

/* ---- each call in turn ------------------------------------------------------ */

static const struct {
	const char *name;
	enum fault_call call;
	int error;
} calls[] = {
	{ "malloc", FAULT_ALLOC, ENOMEM }, { "open", FAULT_OPEN, EMFILE },
	{ "openat", FAULT_OPENAT, ENFILE }, { "tmpfile", FAULT_TMPFILE, EIO },
	{ "linkat", FAULT_LINKAT, EIO }, { "renameat", FAULT_RENAMEAT, EIO },
	{ "fsync", FAULT_FSYNC, ENOSPC }, { "fstat", FAULT_FSTAT, EIO },
	{ "fstatat", FAULT_FSTATAT, EIO }, { "lstat", FAULT_LSTAT, EIO },
	{ "getrandom", FAULT_GETRANDOM, EIO }, { "read", FAULT_READ, EIO },
	{ "write", FAULT_WRITE, ENOSPC }, { "pread", FAULT_PREAD, EIO },
	{ "pwrite", FAULT_PWRITE, ENOSPC },
	{ "ftruncate", FAULT_FTRUNCATE, EFBIG },
	{ "flock", FAULT_FLOCK, ENOLCK }, { "mkdir", FAULT_MKDIR, EACCES },
};
enum { CALLS = sizeof calls / sizeof calls[0] };

static size_t tried, succeeded;

/* One clear message. */
static void
check_message(const char *what, const char *call, int i)
{
	cr_assert_neq(err.kind, FW_OK, "%s, %s %d", what, call, i);
	cr_assert(strlen(err.text) > 10 && strchr(err.text, '\n') == NULL,
	    "%s, %s %d: '%s'", what, call, i, err.text);
	cr_assert_null(strstr(err.text, "Success"), "%s, %s %d: %s", what,
	    call, i, err.text);
	cr_assert_null(strstr(err.text, "defect"), "%s, %s %d: %s", what,
	    call, i, err.text);
}

/* Let each call of that kind fail; then the device must do what after says. */
static void
fail_each(const char *what, size_t k, void (*after)(bool done))
{
	fwd_status verdict;
	enum fw_kind kind;

	for (int i = 0; ; i++) {
		go_back_to_it();
		fault_set(calls[k].call, i, calls[k].error);
		kind = command(what, &verdict);
		if (!fault_hit()) {
			cr_assert(kind == FW_OK && verdict == FWD_OK,
			    "%s, %s %d: %s", what, calls[k].name, i,
			    err.text);
			break;
		}
		tried++;
		if (kind == FW_OK && verdict == FWD_OK)
			succeeded++;
		else if (kind != FW_OK)
			check_message(what, calls[k].name, i);
		cr_assert_eq(scratch_fds(), fds, "%s, %s %d: a file stayed "
		    "open", what, calls[k].name, i);
		after(kind == FW_OK && verdict == FWD_OK);
	}
}

static void
every_call(const char *what, void (*after)(bool done))
{
	tried = succeeded = 0;
	for (size_t k = 0; k < CALLS; k++)
		fail_each(what, k, after);
	(void)printf("device directory: %s: %zu failing calls, %zu did not "
	    "matter\n", what, tried, succeeded);
	cr_assert_gt(tried, 20u);
}

/* It can be finished, unless it is a device already. */
static void
provisioned(bool done)
{
	struct stat st;
	char path[200];

	(void)snprintf(path, sizeof path, "%s/profile.yaml", dir);
	if (!done && stat(path, &st) != 0)
		works("provision");
	works("status");
	bundle_of(1);
	works("install");
	works("boot");
}

Test(device_fault, provision)
{
	for_each_file(dir, drop_file);
	cr_assert_eq(rmdir(dir), 0);
	every_call("provision", provisioned);
}

static void
boots(bool done)
{
	(void)done;
	works("boot");
	works("status");
}

/* The old release or the new one; and it can be installed. */
static void
installed(bool done)
{
	fwd_status verdict;

	boots(done);
	cr_assert_eq(command("install", &verdict), FW_OK, "%s", err.text);
	if (verdict == FWD_E_UNCONFIRMED) {
		works("boot");		/* falls back */
		works("install");
	}
	works("boot");
	works("confirm");
}

Test(device_fault, install)
{
	bundle_of(2);
	keep();
	every_call("install", installed);
}

Test(device_fault, boot)
{
	bundle_of(2);
	works("install");
	keep();
	every_call("boot", boots);
}

Test(device_fault, boot_fast)
{
	write_profile("fast");
	for_each_file(dir, drop_file);
	works("provision");
	works("install");
	works("boot");
	works("confirm");
	bundle_of(2);
	works("install");
	keep();
	every_call("boot", boots);
}

/* What runs goes on to run, confirmed or not, and can be confirmed again. */
static void
confirmed(bool done)
{
	(void)done;
	works("confirm");
	works("boot");
}

Test(device_fault, confirm)
{
	bundle_of(2);
	works("install");
	works("boot");
	keep();
	every_call("confirm", confirmed);
}

Test(device_fault, status)
{
	keep();
	every_call("status", boots);
}
