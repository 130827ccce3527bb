/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read from device profiles.  What is refused, and what is said about
 * it, stands in testdata/profile (schema_test.sh).
 */
#include "host/internal.h"
#include "testdata/fault.h"
#include "testdata/scratch.h"

static struct fw_profile p;
static struct fw_error err;
static char where[256];
static int fds;

static void
setup(void)
{
	fault_reset();
	scratch_setup();
	memset(&err, 0, sizeof err);
	memset(&p, 0, sizeof p);
	fds = scratch_fds();
}

static void
teardown(void)
{
	fault_reset();
	fw_profile_deinit(&p);
	fw_profile_deinit(&p);		/* an empty one */
	cr_assert_eq(scratch_fds(), fds, "a file stayed open");
	scratch_teardown();
}

TestSuite(profile, .init = setup, .fini = teardown);

static void
load(const char *text)
{
	scratch_text(text);
	cr_assert_eq(fw_profile_load(scratch_path, &p, &err), FW_OK,
	    "%u:%u: %s", err.line, err.column, err.text);
}

static const char *
beside(const char *name)
{
	(void)snprintf(where, sizeof where, "%s/%s", scratch_dir, name);
	return where;
}

static void
assert_uuid(const uint8_t got[16], const char *want)
{
	char text[37];

	fw_uuid_format(got, text);
	cr_assert_str_eq(text, want);
}

static const char minimal[] =
	"profile: 1\n"
	"device: {vendor-domain: acme.example, "
	"model: Infusion Pump 3000 rev C}\n"
	"trust: {anchors: [root.pem]}\n"
	"clock: {source: none}\n"
	"components: [{id: main, size: 524288}]\n";

Test(profile, minimal)
{
	load(minimal);
	cr_assert_str_eq(p.path, scratch_path);
	cr_assert_eq(p.vendors, 1);
	assert_uuid(p.vendor_id[0], "0637e301-e05d-505b-8267-486f5677de9b");
	cr_assert_eq(p.classes, 1);
	assert_uuid(p.class_id[0], "9af113c0-47e5-554d-b7ea-7e20dec01c59");
	cr_assert_not(p.has_device_id);
	cr_assert_eq(p.sequence_number, 0);
	cr_assert_eq(p.anchors, 1);
	cr_assert_str_eq(p.anchor_path[0], beside("root.pem"));
	cr_assert_eq(p.threshold, 1);
	cr_assert_eq(p.clock, FWD_CLOCK_NONE);
	cr_assert_eq(p.time_min, INT64_MIN);
	cr_assert_eq(p.components, 1);
	cr_assert_eq(p.component[0].id_n, 6);
	cr_assert_arr_eq(p.component[0].id, "\x81\x44main", 6);
	cr_assert_str_eq(p.component[0].label, "main");
	cr_assert_eq(p.component[0].size, 524288);
	cr_assert_eq(p.component[0].slots, 1);
	cr_assert_eq(p.component[0].slot, 0);
}

static const char full[] =
	"profile: 1\n"
	"device:\n"
	"  vendor-ids:\n"
	"    - fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe\n"
	"    - 6ba7b810-9dad-11d1-80b4-00c04fd430c8\n"
	"  class-ids: [1492af14-2569-5e48-bf42-9b2d51f2ab45, "
	"2ed6657d-e927-568b-95e1-2665a8aea6a2]\n"
	"  device-id: 2f1f7a5e-3b5a-4f0e-9c38-0d8a3f7be111\n"
	"sequence-number: 41\n"
	"trust:\n"
	"  anchors: [{name: release, file: root.pem}, /etc/old.pem, "
	"{name: qa, file: sub/k.pem}]\n"
	"  signatures: 2\n"
	"  rules:\n"
	"    - {at-least: 2, of: [qa, release]}\n"
	"    - {at-least: 3, of: [qa], distinct: keys}\n"
	"  rights: [{component: [radio, \"0x01\"], anchors: [release]}]\n"
	"clock: {source: trusted, not-before: 2026-01-31T12:00:00Z}\n"
	"state: {battery: 500, authorized-priority: -7, events: {power: met, "
	"day-of-week-utc: pending}}\n"
	"components:\n"
	"  - {id: main, size: 524288, slots: 2, slot: 1, version: 1.2-rc.3}\n"
	"  - {id: [radio, \"0x01\"], size: 9223372036854775807}\n";

Test(profile, full)
{
	load(full);
	cr_assert_eq(p.vendors, 2);
	assert_uuid(p.vendor_id[1], "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	cr_assert_eq(p.classes, 2);
	assert_uuid(p.class_id[0], "1492af14-2569-5e48-bf42-9b2d51f2ab45");
	assert_uuid(p.class_id[1], "2ed6657d-e927-568b-95e1-2665a8aea6a2");
	cr_assert(p.has_device_id);
	assert_uuid(p.device_id, "2f1f7a5e-3b5a-4f0e-9c38-0d8a3f7be111");
	cr_assert_eq(p.sequence_number, 41);
	cr_assert_eq(p.anchors, 3);
	cr_assert_str_eq(p.anchor_path[0], beside("root.pem"));
	cr_assert_str_eq(p.anchor_path[1], "/etc/old.pem");
	cr_assert_str_eq(p.anchor_path[2], beside("sub/k.pem"));
	cr_assert_str_eq(p.anchor_name[0], "release");
	cr_assert_null(p.anchor_name[1]);
	cr_assert_str_eq(p.anchor_name[2], "qa");
	cr_assert_eq(p.threshold, 2);
	cr_assert_eq(p.rules, 2);
	cr_assert_eq(p.rule[0].anchors, 5);
	cr_assert_eq(p.rule[0].threshold, 2);
	cr_assert_eq(p.rule[0].distinct, FWD_DISTINCT_ANCHORS);
	cr_assert_eq(p.rule[1].anchors, 4);
	cr_assert_eq(p.rule[1].threshold, 3);
	cr_assert_eq(p.rule[1].distinct, FWD_DISTINCT_KEYS);
	cr_assert_eq(p.rights, 1);
	cr_assert_eq(p.right[0].component, 1);
	cr_assert_eq(p.right[0].anchors, 1);
	cr_assert_eq(p.clock, FWD_CLOCK_TRUSTED);
	cr_assert_eq(p.time_min, 1769860800);
	cr_assert_eq(p.components, 2);
	cr_assert_eq(p.component[0].slots, 2);
	cr_assert_eq(p.component[0].slot, 1);
	cr_assert_arr_eq(p.component[1].id, "\x82\x45radio\x41\x01", 9);
	cr_assert_str_eq(p.component[1].label, "radio/0x01");
	cr_assert_eq(p.component[1].size, INT64_MAX);
	cr_assert_eq(p.component[0].version.n, 4);
	cr_assert_eq(p.component[0].version.part[2], -1);
	cr_assert_eq(p.component[1].version.n, 0);
	cr_assert(p.state.told && p.state.has_battery && p.state.has_priority);
	cr_assert_eq(p.state.battery, 500);
	cr_assert_eq(p.state.priority, -7);
	for (int i = 0; i < FW_EVENTS; i++)
		cr_assert_eq(p.state.event[i], i == FW_EVENT_POWER ?
		    FW_EVENT_MET : i == FW_EVENT_DAY_OF_WEEK_UTC ?
		    FW_EVENT_PENDING : 0);
}

/* What is told by itself, and what zero means. */
Test(profile, state)
{
	static const struct {
		const char *state, *version;
		bool told, battery, priority;
	} rows[] = {
		{ "", "", false, false, false },
		{ "state: {battery: 0}\n", "", true, true, false },
		{ "state: {authorized-priority: -0}\n", "", true, false,
		    true },
		{ "state: {events: {network: met}}\n", "", true, false,
		    false },
		{ "", ", version: \"0\"", true, false, false },
	};
	char text[512];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		(void)snprintf(text, sizeof text, "profile: 1\n"
		    "device: {vendor-domain: acme.example, model: m}\n"
		    "trust: {anchors: [root.pem]}\n"
		    "clock: {source: none}\n%s"
		    "components: [{id: main, size: 1%s}]\n", rows[i].state,
		    rows[i].version);
		load(text);
		cr_assert_eq(p.state.told, rows[i].told, "%zu", i);
		cr_assert_eq(p.state.has_battery, rows[i].battery);
		cr_assert_eq(p.state.has_priority, rows[i].priority);
		cr_assert_eq(p.component[0].version.n,
		    rows[i].version[0] != '\0');
		fw_profile_deinit(&p);
	}
}

Test(profile, signed_numbers)
{
	static const struct {
		const char *text;
		int64_t want;
	} rows[] = {
		{ "0", 0 }, { "-1", -1 }, { "+1", 1 }, { "0x10", 16 },
		{ "0o17", 15 }, { "9223372036854775807", INT64_MAX },
		{ "-9223372036854775807", -INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
	};
	char text[512];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		(void)snprintf(text, sizeof text, "profile: 1\n"
		    "device: {vendor-domain: acme.example, model: m}\n"
		    "trust: {anchors: [root.pem]}\n"
		    "clock: {source: none}\n"
		    "state: {authorized-priority: %s}\n"
		    "components: [{id: main, size: 1}]\n", rows[i].text);
		load(text);
		cr_assert_eq(p.state.priority, rows[i].want, "%s",
		    rows[i].text);
		fw_profile_deinit(&p);
	}
}

/* What the device library gets of it. */
Test(profile, policy)
{
	struct fwd_right right[FWD_COMPONENTS_MAX];
	struct fwd_anchor anchor[3];
	struct fwd_policy policy;

	load(full);
	fw_profile_policy(&p, anchor, right, &policy);
	cr_assert_eq(policy.anchor, anchor);
	cr_assert_eq(policy.anchors, 3);
	cr_assert_eq(policy.threshold, 2);
	cr_assert_eq(policy.clock, FWD_CLOCK_TRUSTED);
	cr_assert_eq(policy.time_min, 1769860800);
	cr_assert_eq(policy.flags, 0);
	cr_assert(fwd_span_equal(policy.purpose, fwd_code_signing));
	cr_assert_eq(policy.rule, p.rule);
	cr_assert_eq(policy.rules, 2);
	cr_assert_eq(policy.right, right);
	cr_assert_eq(policy.rights, 1);
	cr_assert(fwd_span_equal(right[0].component,
	    (struct fwd_span){ p.component[1].id, p.component[1].id_n }));
	cr_assert_eq(right[0].anchors, 1);
	fw_profile_deinit(&p);
	load("profile: 1\n"
	    "device: {vendor-domain: acme.example, model: m}\n"
	    "trust: {anchors: [root.pem]}\n"
	    "clock: {source: none, use-before: ignore}\n"
	    "components: [{id: main, size: 1}]\n");
	fw_profile_policy(&p, anchor, right, &policy);
	cr_assert_eq(policy.flags, FWD_UNTIMED);
	cr_assert_eq(policy.rules, 0);
	cr_assert_eq(policy.rights, 0);
}

Test(profile, what_is_allowed)
{
	static const struct {
		const char *allow;
		uint32_t flags;
	} rows[] = {
		{ "", 0 },
		{ "allow: [swap]\n", FWD_ALLOW_SWAP },
		{ "allow: [unordered]\n", FWD_ALLOW_UNORDERED },
		{ "allow: [unordered, swap]\n",
		    FWD_ALLOW_SWAP | FWD_ALLOW_UNORDERED },
	};
	struct fwd_anchor anchor[FWD_ANCHORS_MAX];
	struct fwd_right right[FWD_COMPONENTS_MAX];
	struct fwd_policy policy;
	char text[512];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		(void)snprintf(text, sizeof text, "profile: 1\n"
		    "device: {vendor-domain: acme.example, model: m}\n"
		    "trust: {anchors: [root.pem]}\n"
		    "clock: {source: none}\n%s"
		    "components: [{id: main, size: 1}]\n", rows[i].allow);
		load(text);
		fw_profile_policy(&p, anchor, right, &policy);
		cr_assert_eq(policy.flags, rows[i].flags);
		fw_profile_deinit(&p);
	}
}

/* The model's identifier is the same for a vendor given either way. */
Test(profile, model_of_explicit_vendor)
{
	load("profile: 1\n"
	    "device: {vendor-id: 0637e301-e05d-505b-8267-486f5677de9b, "
	    "model: Infusion Pump 3000 rev C}\n"
	    "trust: {anchors: [root.pem]}\n"
	    "clock: {source: none}\n"
	    "components: [{id: main, size: 1}]\n");
	assert_uuid(p.class_id[0], "9af113c0-47e5-554d-b7ea-7e20dec01c59");
}

/* Nothing is taken from outside. */
Test(profile, no_substitution)
{
	cr_assert_eq(setenv("ROOT", "evil", 1), 0);
	load("profile: 1\n"
	    "device: {vendor-domain: acme.example, model: m}\n"
	    "trust: {anchors: ['${ROOT}.pem']}\n"
	    "clock: {source: none}\n"
	    "components: [{id: main, size: 1}]\n");
	cr_assert_str_eq(p.anchor_path[0], beside("${ROOT}.pem"));
}

Test(profile, every_truncation)
{
	for (size_t n = 0; n < sizeof minimal - 2; n++) {
		scratch_write(minimal, n);
		memset(&err, 0, sizeof err);
		cr_assert_eq(fw_profile_load(scratch_path, &p, &err),
		    FW_E_INPUT, "%zu", n);
		cr_assert_str_neq(err.text, "");
	}
	for (size_t n = 0; n < sizeof full; n++) {
		enum fw_kind kind;

		scratch_write(full, n);
		memset(&err, 0, sizeof err);
		kind = fw_profile_load(scratch_path, &p, &err);
		cr_assert(kind == FW_OK || kind == FW_E_INPUT);
		cr_assert_eq(kind == FW_OK, err.text[0] == '\0');
		fw_profile_deinit(&p);
	}
}

Test(profile, every_bit)
{
	char text[sizeof full];

	for (size_t i = 0; i < 8 * (sizeof full - 1); i++) {
		enum fw_kind kind;

		memcpy(text, full, sizeof text);
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		scratch_write(text, sizeof text - 1);
		memset(&err, 0, sizeof err);
		kind = fw_profile_load(scratch_path, &p, &err);
		cr_assert(kind == FW_OK || kind == FW_E_INPUT, "bit %zu", i);
		cr_assert_eq(kind == FW_OK, err.text[0] == '\0');
		fw_profile_deinit(&p);
	}
}

static void
fail_each(enum fault_call call, int error, enum fw_kind want)
{
	int i;

	scratch_text(full);
	for (i = 0; ; i++) {
		enum fw_kind kind;

		fault_set(call, i, error);
		kind = fw_profile_load(scratch_path, &p, &err);
		if (!fault_hit()) {
			cr_assert_eq(kind, FW_OK);
			break;
		}
		cr_assert_eq(kind, want, "call %d: %s", i, err.text);
		cr_assert_null(p.path);
	}
	cr_assert_gt(i, 0);
	cr_assert_eq(p.components, 2);
	fw_profile_deinit(&p);
}

Test(profile, failing_calls)
{
	fail_each(FAULT_ALLOC, ENOMEM, FW_E_NOMEM);
	fail_each(FAULT_OPEN, EACCES, FW_E_INPUT);
	fail_each(FAULT_READ, EIO, FW_E_IO);
}
