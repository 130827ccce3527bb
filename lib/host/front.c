/* SPDX-License-Identifier: Apache-2.0 */
/* The front of a bundle that is there: its envelope, taken apart. */
#include <string.h>

#include "host/build_internal.h"

void
fw_front_deinit(struct fw_front *f)
{
	fw_source_deinit(&f->in);
	fw_buf_deinit(&f->envelope);
	*f = (struct fw_front)FW_FRONT_NONE;
}

/* Eleven octal digits. */
static uint64_t
octal(const uint8_t *p)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < 11; i++)
		v = v << 3 | (uint64_t)(p[i] & 7);
	return v;
}

enum fw_kind
fw_front_no_bundle(const struct fw_front *f, const char *why,
    struct fw_error *err)
{
	return fw_fail(err, FW_E_REFUSED, "'%s' is not a bundle: %s",
	    f->in.path, why);
}

/* The first member, taken apart. */
static enum fw_kind
read_envelope(struct fw_front *f, struct fw_error *err)
{
	uint8_t header[FWD_BLOCK], same[FWD_BLOCK];
	uint64_t size;
	fwd_status s;

	if (f->in.size < 3 * FWD_BLOCK)
		return fw_front_no_bundle(f, "it is too short", err);
	FW_TRY(fw_read_at(f->in.fd, header, sizeof header, 0, err));
	size = octal(header + 124);
	f->mtime = octal(header + 136);
	FW_TRY(fw_bundle_header(FW_ENVELOPE_NAME, size, f->mtime, same, err));
	if (memcmp(header, same, sizeof header) != 0)
		return fw_front_no_bundle(f, "it does not begin with a member "
		    "'" FW_ENVELOPE_NAME "'", err);
	if (size > FW_ENVELOPE_WRITE_MAX || size > f->in.size - FWD_BLOCK)
		return fw_front_no_bundle(f, "its envelope is too large",
		    err);
	FW_TRY(fw_buf_reserve(&f->envelope, (size_t)size, err));
	FW_TRY(fw_read_at(f->in.fd, f->envelope.p, (size_t)size, FWD_BLOCK,
	    err));
	f->envelope.n = (size_t)size;
	s = fwd_envelope_read(fw_buf_span(&f->envelope), &f->env);
	return s == FWD_OK ? FW_OK :
	    fw_front_no_bundle(f, fwd_status_text(s), err);
}

/* A signer must hash the manifest before signing its digest (8.3). */
static enum fw_kind
check_digest(struct fw_front *f, struct fw_error *err)
{
	const struct fwd_digest *const want = &f->env.digest;

	FW_TRY(fw_digest((int32_t)want->alg, f->env.manifest_bstr, f->digest,
	    err));
	if (memcmp(f->digest, want->bytes.p, want->bytes.n) != 0)
		return fw_front_no_bundle(f,
		    fwd_status_text(FWD_E_MANIFEST_DIGEST), err);
	return FW_OK;
}

enum fw_kind
fw_front_open(const char *path, struct fw_front *out, struct fw_error *err)
{
	FW_CLEANUP(fw_front_deinit) struct fw_front f = FW_FRONT_NONE;

	FW_TRY(fw_source_open(path, &f.in, err));
	FW_TRY(read_envelope(&f, err));
	FW_TRY(check_digest(&f, err));
	*out = f;
	f = (struct fw_front)FW_FRONT_NONE;
	return FW_OK;
}
