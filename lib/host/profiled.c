/* SPDX-License-Identifier: Apache-2.0 */
/* A device as its profile describes it, for the device library. */
#include <string.h>

#include "host/internal.h"
#include "host/judge.h"

static fwd_status
profiled_read(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	const struct fw_profiled *const dev = ctx;

	return dev->read(dev->bundle, buf, n, got);
}

static bool
one_of(const uint8_t *uuid, const uint8_t list[][16], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(list[i], uuid, 16) == 0)
			return true;
	return false;
}

static fwd_status
profiled_identity(void *ctx, int64_t which, uint32_t component,
    const uint8_t *uuid)
{
	const struct fw_profile *const p =
	    ((const struct fw_profiled *)ctx)->profile;

	(void)component;		/* all of a profile's have one identity */
	switch (which) {
	case FWD_PAR_VENDOR:
		return one_of(uuid, p->vendor_id, p->vendors) ? FWD_OK :
		    FWD_E_VENDOR;
	case FWD_PAR_CLASS:
		return one_of(uuid, p->class_id, p->classes) ? FWD_OK :
		    FWD_E_CLASS;
	default:
		return p->has_device_id &&
		    memcmp(p->device_id, uuid, 16) == 0 ? FWD_OK :
		    FWD_E_DEVICE;
	}
}

static fwd_status
profiled_component(void *ctx, uint32_t index, struct fwd_span id,
    uint64_t *capacity)
{
	struct fw_profiled *const dev = ctx;
	const struct fw_profile *const p = dev->profile;

	*capacity = 0;
	for (size_t i = 0; i < p->components; i++) {
		const struct fw_profile_component *const c = &p->component[i];

		if (fwd_span_equal(id, (struct fwd_span){ c->id, c->id_n })) {
			dev->component[index] = (int)i;
			*capacity = c->size;
			return FWD_OK;
		}
	}
	return FWD_E_COMPONENT;
}

static fwd_status
profiled_slot(void *ctx, uint32_t component, uint64_t slot)
{
	const struct fw_profiled *const dev = ctx;

	return dev->profile->component[dev->component[component]].slot ==
	    slot ? FWD_OK : FWD_E_SLOT;
}

static fwd_status
profiled_sequence_number(void *ctx, uint64_t *stored)
{
	*stored = ((const struct fw_profiled *)ctx)->profile->sequence_number;
	return FWD_OK;
}

static fwd_status
profiled_now(void *ctx, int64_t *now)
{
	*now = ((const struct fw_profiled *)ctx)->now;
	return FWD_OK;
}

/* ---- what the device is like ------------------------------------------ */

/* Without a clock the time is at least that of time_min. */
static fwd_status
await_time(const struct fw_profiled *dev, uint64_t when)
{
	const int64_t known = dev->timed ? dev->now : dev->profile->time_min;

	if (known >= 0 && (uint64_t)known >= when)
		return FWD_OK;
	return dev->timed ? FWD_E_WAIT : FWD_E_DISABLED;
}

/* One event of a wait, whose form the library has judged. */
static fwd_status
await_one(const struct fw_profiled *dev, int64_t event, struct fwd_span value)
{
	const struct fw_profile_state *const s = &dev->profile->state;
	struct fwd_cbor c = fwd_cbor_open(value);
	int64_t priority;
	uint64_t when;

	if (event <= 0 || event >= FW_EVENTS)
		return FWD_E_DISABLED;
	if (event == FW_EVENT_TIME)
		return fwd_cbor_uint(&c, &when) != FWD_OK ? FWD_E_DISABLED :
		    await_time(dev, when);
	if (event == FW_EVENT_AUTHORIZATION) {
		if (fwd_cbor_int(&c, &priority) != FWD_OK || !s->has_priority)
			return FWD_E_DISABLED;
		return priority <= s->priority ? FWD_OK : FWD_E_WAIT;
	}
	if (s->event[event] == 0)
		return FWD_E_DISABLED;
	return s->event[event] == FW_EVENT_MET ? FWD_OK : FWD_E_WAIT;
}

/* One that is not supported will never come, whatever the others do. */
static fwd_status
await(const struct fw_profiled *dev, struct fwd_span events)
{
	struct fwd_cbor c = fwd_cbor_open(events);
	struct fwd_cbor_map map;
	struct fwd_span value;
	fwd_status one, all = FWD_OK;
	int64_t event;

	if (fwd_cbor_map(&c, &map) != FWD_OK)
		return FWD_E_DISABLED;
	while (map.left > 0) {
		if (fwd_cbor_key(&c, &map) != FWD_OK ||
		    fwd_cbor_int(&c, &event) != FWD_OK ||
		    fwd_cbor_skip(&c, &value) != FWD_OK)
			return FWD_E_DISABLED;
		one = await_one(dev, event, value);
		if (one == FWD_E_DISABLED)
			return one;
		if (one != FWD_OK)
			all = one;
	}
	return all;
}

static fwd_status
profiled_environment(void *ctx, int64_t code, uint32_t component,
    struct fwd_question *q)
{
	const struct fw_profiled *const dev = ctx;
	const struct fw_profile *const p = dev->profile;
	const struct fw_profile_state *const s = &p->state;

	switch (code) {
	case FWD_COND_BATTERY:
		if (!s->has_battery)
			return FWD_E_DISABLED;
		return s->battery >= q->battery ? FWD_OK : FWD_E_BATTERY;
	case FWD_COND_AUTHORIZED:
		if (!s->has_priority)
			return FWD_E_DISABLED;
		return q->priority <= s->priority ? FWD_OK :
		    FWD_E_UNAUTHORIZED;
	case FWD_COND_VERSION:
		q->version = p->component[dev->component[component]].version;
		return q->version.n == 0 ? FWD_E_DISABLED : FWD_OK;
	case FWD_DIR_WAIT:
		return await(dev, q->wait);
	default:
		return FWD_E_DISABLED;
	}
}

struct fwd_port
fw_profiled_port(struct fw_profiled *dev, struct fwd_tracer trace)
{
	return (struct fwd_port){
		.ctx = dev,
		.read = profiled_read,
		.identity = profiled_identity,
		.component = profiled_component,
		.slot = profiled_slot,
		.sequence_number = profiled_sequence_number,
		.now = profiled_now,
		.environment = dev->profile->state.told ?
		    profiled_environment : NULL,
		.trace = trace,
	};
}

void
fw_profile_policy(const struct fw_profile *p, const struct fwd_anchor *anchor,
    struct fwd_right right[FWD_COMPONENTS_MAX], struct fwd_policy *policy)
{
	for (size_t i = 0; i < p->rights; i++) {
		const struct fw_profile_component *const c =
		    &p->component[p->right[i].component];

		right[i] = (struct fwd_right){ { c->id, c->id_n },
		    p->right[i].anchors };
	}
	*policy = (struct fwd_policy){
		.anchor = anchor, .anchors = p->anchors,
		.threshold = p->threshold, .clock = p->clock,
		.time_min = p->time_min,
		.flags = (p->untimed ? FWD_UNTIMED : 0) | p->allow,
		.purpose = fwd_code_signing,
		.rule = p->rule, .rules = p->rules,
		.right = right, .rights = p->rights,
		.revokers = p->revokers,
	};
}
