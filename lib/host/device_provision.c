/* SPDX-License-Identifier: Apache-2.0 */
/* A new device: its directory, profile, anchors and erased records. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "host/device_internal.h"
#include "host/internal.h"
#include "port/fwport.h"

#define PROFILE_MAX	((size_t)1 << 20)
#define ANCHOR_MAX	((size_t)1 << 20)

static void
close_dir(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

/* A name that a provisioning which was cut short may have left. */
static bool
is_ours(const char *name)
{
	static const char *const begin[] = { "anchor-", "record.bank-",
	    "counter.bank-", "trust.bank-", "component-", ".fw-" };

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++)
		if (strncmp(name, begin[i], strlen(begin[i])) == 0)
			return true;
	return false;
}

static enum fw_kind
check_no_device(int dir, const char *path, struct fw_error *err)
{
	if (faccessat(dir, FW_DEVICE_PROFILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return fw_fail(err, FW_E_INPUT, "'%s' is a device already "
		    "(remove it, or name another)", path);
	return FW_OK;
}

/* Make the directory; one that is there holds nothing but ours. */
static enum fw_kind
take_directory(const char *path, struct fw_error *err)
{
	FW_CLEANUP(close_dir) DIR *dir = NULL;
	const struct dirent *e;

	if (mkdir(path, 0777) == 0)
		return FW_OK;
	if (errno != EEXIST)
		return fw_fail_errno(err, FW_E_IO, "cannot make '%s'", path);
	dir = opendir(path);
	if (dir == NULL)
		return fw_fail_errno(err, FW_E_INPUT,
		    "cannot open device directory '%s'", path);
	FW_TRY(check_no_device(dirfd(dir), path, err));
	while ((e = readdir(dir)) != NULL)
		if (!is_ours(e->d_name))
			return fw_fail(err, FW_E_INPUT, "'%s' is not empty: "
			    "it holds '%s' (name a directory of its own)",
			    path, e->d_name);
	return FW_OK;
}

static enum fw_kind
copy_file(const char *from, size_t max, const char *to, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };

	FW_TRY(fw_file_read(from, max, &text, err));
	return fw_file_write(to, text.p, text.n, err);
}

/* An anchor that cannot be read is found out now. */
static enum fw_kind
copy_anchors(const struct fw_device_options *opt, const struct fw_profile *p,
    struct fw_error *err)
{
	for (size_t i = 0; i < p->anchors; i++) {
		FW_CLEANUP(fw_anchor_deinit) struct fw_anchor anchor = { 0 };
		FW_FREE char *to = NULL;

		FW_TRY(fw_anchor_load(p->anchor_path[i], &anchor, err));
		FW_TRY(fw_device_anchor_path(opt, i, &to, err));
		FW_TRY(copy_file(p->anchor_path[i], ANCHOR_MAX, to, err));
	}
	return FW_OK;
}

/* What the library needs to write secure storage. */
struct eraser {
	struct fwd_ctx run;
	struct fwp_crypto *crypto;
	uint8_t transfer[4096];
};

static void
free_eraser(struct eraser **e)
{
	if (*e != NULL)
		fwp_crypto_free((*e)->crypto);
	free(*e);
}

static enum fw_kind
erase_flash(struct fw_device *d, const struct fw_profile *p,
    struct fw_error *err)
{
	FW_CLEANUP(free_eraser) struct eraser *e = calloc(1, sizeof *e);
	fwd_status s;

	if (e == NULL || (e->crypto = fwp_crypto_new("openssl")) == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	e->run.crypto = fwp_crypto_get(e->crypto);
	e->run.transfer = e->transfer;
	e->run.transfer_n = sizeof e->transfer;
	fw_device_set_up(d, p, &e->run);
	if (d->flash == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	s = fwd_device_provision(&d->dev, p->sequence_number);
	FW_TRY(fw_device_check_flash(d, err));
	if (s != FWD_OK)
		return fw_fail(err, FW_E_IO, "cannot provision '%s': %s",
		    d->opt->dir, fwd_status_text(s));
	return FW_OK;
}

static void
free_profile(struct fw_profile *p)
{
	fw_profile_deinit(p);
}

/* The profile comes last: with it the directory is a device. */
static enum fw_kind
provision(const char *profile, const struct fw_device_options *opt,
    struct fw_device *d, struct fw_error *err)
{
	FW_CLEANUP(free_profile) struct fw_profile p = { 0 };
	FW_FREE char *to = NULL;

	FW_TRY(fw_profile_load(profile, &p, err));
	FW_TRY(fw_device_profile_fits(&p, err));
	FW_TRY(take_directory(opt->dir, err));
	FW_TRY(fw_device_open(opt, d, err));
	/* Somebody else may have made it before we had the lock. */
	FW_TRY(check_no_device(d->dir, opt->dir, err));
	FW_TRY(copy_anchors(opt, &p, err));
	FW_TRY(erase_flash(d, &p, err));
	FW_TRY(fw_device_path(opt, FW_DEVICE_PROFILE, &to, err));
	return copy_file(profile, PROFILE_MAX, to, err);
}

enum fw_kind
fw_device_provision(const char *profile, const struct fw_device_options *opt,
    json_t **report, fwd_status *verdict, struct fw_error *err)
{
	FW_CLEANUP(fw_device_close) struct fw_device d = FW_DEVICE_NONE;

	FW_TRY(provision(profile, opt, &d, err));
	return fw_device_report(&d, "provision", report, verdict, err);
}
