/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flat OUT NOW --device PROFILE.yaml | --trust FILE... [--envelope]: what a
 * device knows, in the form that the twin runner reads; of a profile, or of a
 * tool without a device, as fwverify chain and envelope are.  NOW is a time
 * (RFC 3339) or none.
 *
 *	device = [vendors: [* bstr], classes: [* bstr], device-id: bstr,
 *	    sequence-number: uint, now: int, timed: bool, boot: uint,
 *	    [* component], state, policy]
 *	component = [id: bstr, size: uint, slots: uint, slot: uint,
 *	    kind: uint, version: [* int]]
 *	state = [told: bool, has-battery: bool, battery: uint,
 *	    has-priority: bool, priority: int, events: [10* uint]]
 *	policy = [[* [name: bstr, key: bstr]], threshold: uint, clock: uint,
 *	    time-min: int, flags: uint, purpose: bstr,
 *	    [* [anchors: uint, threshold: uint, distinct: uint]],
 *	    [* [component: bstr, anchors: uint]], revoked: bstr,
 *	    revokers: uint]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/internal.h"

struct flat {
	struct fw_profile profile;
	struct fw_anchor anchor[FWD_ANCHORS_MAX];
	struct fwd_anchor bare[FWD_ANCHORS_MAX];
	struct fwd_right right[FWD_COMPONENTS_MAX];
	struct fwd_policy policy;
	int64_t now;
	struct fw_cbor out;
};

static void
put_uuids(struct fw_cbor *c, const uint8_t list[][16], size_t n)
{
	fw_cbor_array(c, n);
	for (size_t i = 0; i < n; i++)
		fw_cbor_bytes(c, list[i], 16);
}

static void
put_components(struct fw_cbor *c, const struct fw_profile *p)
{
	fw_cbor_array(c, p->components);
	for (size_t i = 0; i < p->components; i++) {
		const struct fw_profile_component *const k = &p->component[i];

		fw_cbor_array(c, 6);
		fw_cbor_bytes(c, k->id, k->id_n);
		fw_cbor_uint(c, k->size);
		fw_cbor_uint(c, k->slots);
		fw_cbor_uint(c, k->slot);
		fw_cbor_uint(c, k->kind);
		fw_cbor_array(c, k->version.n);
		for (size_t v = 0; v < k->version.n; v++)
			fw_cbor_int(c, k->version.part[v]);
	}
}

static void
put_state(struct fw_cbor *c, const struct fw_profile_state *s)
{
	fw_cbor_array(c, 6);
	fw_cbor_bool(c, s->told);
	fw_cbor_bool(c, s->has_battery);
	fw_cbor_uint(c, s->battery);
	fw_cbor_bool(c, s->has_priority);
	fw_cbor_int(c, s->priority);
	fw_cbor_array(c, FW_EVENTS);
	for (size_t i = 0; i < FW_EVENTS; i++)
		fw_cbor_uint(c, (uint64_t)s->event[i]);
}

static void
put_policy(struct fw_cbor *c, const struct fwd_policy *p)
{
	fw_cbor_array(c, 10);
	fw_cbor_array(c, p->anchors);
	for (size_t i = 0; i < p->anchors; i++) {
		fw_cbor_array(c, 2);
		fw_cbor_bytes(c, p->anchor[i].name.p, p->anchor[i].name.n);
		fw_cbor_bytes(c, p->anchor[i].spki.p, p->anchor[i].spki.n);
	}
	fw_cbor_uint(c, p->threshold);
	fw_cbor_uint(c, p->clock);
	fw_cbor_int(c, p->time_min);
	fw_cbor_uint(c, p->flags);
	fw_cbor_bytes(c, p->purpose.p, p->purpose.n);
	fw_cbor_array(c, p->rules);
	for (size_t i = 0; i < p->rules; i++) {
		fw_cbor_array(c, 3);
		fw_cbor_uint(c, p->rule[i].anchors);
		fw_cbor_uint(c, p->rule[i].threshold);
		fw_cbor_uint(c, p->rule[i].distinct);
	}
	fw_cbor_array(c, p->rights);
	for (size_t i = 0; i < p->rights; i++) {
		fw_cbor_array(c, 2);
		fw_cbor_bytes(c, p->right[i].component.p,
		    p->right[i].component.n);
		fw_cbor_uint(c, p->right[i].anchors);
	}
	fw_cbor_bytes(c, p->revoked.p, p->revoked.n);
	fw_cbor_uint(c, p->revokers);
}

static void
put_device(struct flat *f)
{
	const struct fw_profile *const p = &f->profile;
	struct fw_cbor *const c = &f->out;

	fw_cbor_array(c, 10);
	put_uuids(c, p->vendor_id, p->vendors);
	put_uuids(c, p->class_id, p->classes);
	fw_cbor_bytes(c, p->device_id, p->has_device_id ? 16 : 0);
	fw_cbor_uint(c, p->sequence_number);
	fw_cbor_int(c, f->now);
	fw_cbor_bool(c, f->policy.clock == FWD_CLOCK_TRUSTED);
	fw_cbor_uint(c, p->boot);
	put_components(c, p);
	put_state(c, &p->state);
	put_policy(c, &f->policy);
}

static enum fw_kind
load_anchor(struct flat *f, size_t i, const char *path, struct fw_error *err)
{
	if (i == FWD_ANCHORS_MAX)
		return fw_fail(err, FW_E_USAGE, "too many trust anchors");
	FW_TRY(fw_anchor_load(path, &f->anchor[i], err));
	f->bare[i] = f->anchor[i].anchor;
	return FW_OK;
}

static enum fw_kind
of_profile(struct flat *f, const char *path, struct fw_error *err)
{
	FW_TRY(fw_profile_load(path, &f->profile, err));
	for (size_t i = 0; i < f->profile.anchors; i++)
		FW_TRY(load_anchor(f, i, f->profile.anchor_path[i], err));
	fw_profile_policy(&f->profile, f->bare, f->right, &f->policy);
	return FW_OK;
}

static enum fw_kind
of_anchors(struct flat *f, char **path, bool timed, struct fw_error *err)
{
	size_t n = 0;

	f->policy = (struct fwd_policy){ .anchor = f->bare, .threshold = 1,
	    .clock = timed ? FWD_CLOCK_TRUSTED : FWD_CLOCK_NONE,
	    .time_min = INT64_MIN, .purpose = fwd_code_signing };
	for (; *path != NULL && strcmp(*path, "--envelope") != 0; path++)
		FW_TRY(load_anchor(f, n++, *path, err));
	f->policy.anchors = n;
	f->policy.revokers = (UINT32_C(1) << n) - 1;
	if (*path != NULL)
		f->policy.flags = FWD_ANY_PROFILE;
	return FW_OK;
}

static enum fw_kind
run(int argc, char **argv, struct flat *f, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf out = { 0 };
	const bool timed = argc > 2 && strcmp(argv[2], "none") != 0;

	if (argc < 5 || (timed && !fw_time_parse(argv[2], &f->now)))
		return fw_fail(err, FW_E_USAGE, "usage: flat OUT NOW "
		    "--device PROFILE | --trust FILE... [--envelope]");
	if (strcmp(argv[3], "--device") == 0)
		FW_TRY(of_profile(f, argv[4], err));
	else
		FW_TRY(of_anchors(f, argv + 4, timed, err));
	put_device(f);
	FW_TRY(fw_cbor_done(&f->out, &out, err));
	return fw_file_write(argv[1], out.p, out.n, err);
}

int
main(int argc, char **argv)
{
	static struct flat f;
	struct fw_error err = { 0 };
	const enum fw_kind kind = run(argc, argv, &f, &err);

	if (kind != FW_OK)
		(void)fprintf(stderr, "flat: %s\n", err.text);
	for (size_t i = 0; i < FWD_ANCHORS_MAX; i++)
		fw_anchor_deinit(&f.anchor[i]);
	fw_profile_deinit(&f.profile);
	fw_cbor_deinit(&f.out);
	return kind == FW_OK ? 0 : 1;
}
