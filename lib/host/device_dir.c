/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a device: what is in it, and the flash it stands for. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "host/device_internal.h"
#include "host/internal.h"


enum { TRUST_TIMES = 2 };		/* see fwd_device.trust */

/* ---- the directory ---------------------------------------------------- */

enum fw_kind
fw_device_path(const struct fw_device_options *opt, const char *name,
    char **out, struct fw_error *err)
{
	const size_t n = strlen(opt->dir) + 1 + strlen(name) + 1;
	char *const path = malloc(n);

	if (path == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	(void)snprintf(path, n, "%s/%s", opt->dir, name);
	*out = path;
	return FW_OK;
}

enum fw_kind
fw_device_anchor_path(const struct fw_device_options *opt, size_t i,
    char **out, struct fw_error *err)
{
	char name[40];

	(void)snprintf(name, sizeof name, "anchor-%zu.pem", i);
	return fw_device_path(opt, name, out, err);
}

enum fw_kind
fw_device_open(const struct fw_device_options *opt, struct fw_device *d,
    struct fw_error *err)
{
	d->opt = opt;
	d->dir = open(opt->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		return fw_fail_errno(err, FW_E_INPUT,
		    "cannot open device directory '%s'", opt->dir);
	if (flock(d->dir, LOCK_EX | LOCK_NB) == 0)
		return FW_OK;
	if (errno == EWOULDBLOCK)
		return fw_fail(err, FW_E_IO, "device directory '%s' is in use "
		    "(wait for the other command)", opt->dir);
	return fw_fail_errno(err, FW_E_IO, "cannot lock '%s'", opt->dir);
}

void
fw_device_close(struct fw_device *d)
{
	fwp_flashdir_free(d->flash);
	free(d->trust);
	fw_buf_deinit(&d->list);
	if (d->dir >= 0)
		(void)close(d->dir);
	*d = (struct fw_device)FW_DEVICE_NONE;
}

/* ---- the profile ------------------------------------------------------ */

enum fw_kind
fw_device_profile_fits(const struct fw_profile *p, struct fw_error *err)
{
	if ((p->allow & FWD_ALLOW_SWAP) != 0)
		return fw_fail(err, FW_E_INPUT, "'%s' allows swap (a device "
		    "directory cannot do it)", p->path);
	for (size_t i = 0; i < p->components; i++)
		if (p->component[i].slots > 2)
			return fw_fail(err, FW_E_INPUT, "component '%s' in "
			    "'%s' has %llu slots (a device directory takes 1 "
			    "or 2)", p->component[i].label, p->path,
			    (unsigned long long)p->component[i].slots);
	return FW_OK;
}

static void
free_profile(struct fw_profile *p)
{
	fw_profile_deinit(p);
}

enum fw_kind
fw_device_profile(const struct fw_device_options *opt, struct fw_profile *out,
    struct fw_error *err)
{
	FW_CLEANUP(free_profile) struct fw_profile p = { 0 };
	FW_FREE char *path = NULL;
	char *anchor;

	FW_TRY(fw_device_path(opt, FW_DEVICE_PROFILE, &path, err));
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return fw_fail(err, FW_E_INPUT, "'%s' is not a device "
		    "directory (make one with fwverify provision)", opt->dir);
	FW_TRY(fw_profile_load(path, &p, err));
	for (size_t i = 0; i < p.anchors; i++) {
		FW_TRY(fw_device_anchor_path(opt, i, &anchor, err));
		free(p.anchor_path[i]);
		p.anchor_path[i] = anchor;
	}
	FW_TRY(fw_device_profile_fits(&p, err));
	*out = p;
	p = (struct fw_profile){ 0 };
	return FW_OK;
}

/* ---- the flash -------------------------------------------------------- */

/* The largest list of that kind, or least if the device has none. */
static uint64_t
list_size(const struct fw_profile *p, uint32_t kind, uint64_t least)
{
	for (size_t i = 0; i < p->components; i++)
		if (p->component[i].kind == kind && p->component[i].size >
		    least)
			return p->component[i].size;
	return least;
}

void
fw_device_set_up(struct fw_device *d, const struct fw_profile *p,
    struct fwd_ctx *run)
{
	const uint64_t anchors = list_size(p, FWD_KIND_ANCHORS, 0);
	const uint64_t record = FW_ENVELOPE_MAX + FWD_RECORD_OVERHEAD +
	    anchors;
	/* Room for a list of revoked keys that comes beside a bundle. */
	const uint64_t trust = FWD_TRUST_OVERHEAD + anchors +
	    list_size(p, FWD_KIND_REVOCATIONS, FW_PROFILE_LIST_MAX);
	uint64_t size[FWD_COMPONENTS_MAX];

	for (size_t i = 0; i < p->components; i++) {
		const struct fw_profile_component *const c = &p->component[i];

		size[i] = c->size;
		d->component[i] = (struct fwd_device_component){
		    { c->id, c->id_n }, c->size, (uint32_t)c->slots,
		    c->kind };
	}
	d->trust = malloc(TRUST_TIMES * (size_t)trust);
	if (d->trust != NULL)
		d->flash = fwp_flashdir_new(d->dir, size,
		    (uint32_t)p->components, record, trust);
	if (d->flash == NULL)
		return;
	d->flash->flash.cut = d->opt->cut;
	d->flash->flash.cut_at = d->opt->cut_at;
	d->flash->flash.seed = d->opt->seed;
	d->port = fwp_flash_port(&d->flash->flash);
	d->dev = (struct fwd_device){
		.run = run, .flash = &d->port, .component = d->component,
		.components = (uint32_t)p->components,
		.record_size = record, .boot = p->boot,
		.trust_size = trust, .trust = d->trust,
		.trust_max = TRUST_TIMES * (size_t)trust,
	};
}

enum fw_kind
fw_device_check_flash(const struct fw_device *d, struct fw_error *err)
{
	struct fwp_flashdir *const f = d->flash;

	if (f == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	(void)fwp_flashdir_sync(f);	/* it says so in f->error */
	if (f->flash.fault != NULL)
		return fw_fail(err, FW_E_IO, "%s was tried (a defect of the "
		    "device library)", f->flash.fault);
	if (f->flash.off)
		return fw_fail(err, FW_E_IO, "power failed at operation %llu "
		    "of the flash, as --cut-power asks",
		    (unsigned long long)f->flash.operations);
	if (f->error == 0)
		return FW_OK;
	errno = f->error;
	return fw_fail_errno(err, FW_E_IO, "cannot use '%s/%s'", d->opt->dir,
	    f->name);
}

/* ---- RAM -------------------------------------------------------------- */

void
fw_device_clear_running(const struct fw_device *d)
{
	(void)unlinkat(d->dir, FW_DEVICE_RUNNING, 0);
}

enum fw_kind
fw_device_set_running(struct fw_device *d, struct fw_error *err)
{
	FW_FREE char *path = NULL;
	char text[16];

	(void)snprintf(text, sizeof text, "%u\n", d->bank);
	FW_TRY(fw_device_path(d->opt, FW_DEVICE_RUNNING, &path, err));
	return fw_file_write(path, text, strlen(text), err);
}

enum fw_kind
fw_device_get_running(struct fw_device *d, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_FREE char *path = NULL;

	d->bank = FWD_NO_INDEX;
	if (faccessat(d->dir, FW_DEVICE_RUNNING, F_OK, 0) != 0 &&
	    errno == ENOENT)
		return FW_OK;
	FW_TRY(fw_device_path(d->opt, FW_DEVICE_RUNNING, &path, err));
	FW_TRY(fw_file_read(path, 64, &text, err));
	if (text.n != 2 || text.p[1] != '\n' || text.p[0] < '0' ||
	    text.p[0] >= '0' + FWD_BANKS)
		return fw_fail(err, FW_E_INPUT, "'%s' is damaged (boot the "
		    "device)", path);
	d->bank = (uint32_t)(text.p[0] - '0');
	return FW_OK;
}
