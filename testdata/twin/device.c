/* SPDX-License-Identifier: Apache-2.0 */
/* A device out of its encoding, and its port. */
#include <string.h>

#include "testdata/twin/twin.h"

/* ---- reading ---------------------------------------------------------- */

static int
take_spans(struct fwd_cbor *c, struct fwd_span *out, size_t max, size_t *n)
{
	uint64_t count;

	TAKE(fwd_cbor_array(c, &count));
	if (count > max)
		return -1;
	for (*n = 0; *n < count; ++*n)
		TAKE(fwd_cbor_bytes(c, &out[*n]));
	return 0;
}

static int
take_u32(struct fwd_cbor *c, uint32_t *out)
{
	uint64_t v;

	TAKE(fwd_cbor_uint(c, &v));
	*out = (uint32_t)v;
	return v <= UINT32_MAX ? 0 : -1;
}

static int
take_array(struct fwd_cbor *c, uint64_t want)
{
	uint64_t n;

	TAKE(fwd_cbor_array(c, &n));
	return n == want ? 0 : -1;
}

static int
take_component(struct fwd_cbor *c, struct twin_component *out)
{
	uint64_t n;

	if (take_array(c, 6) != 0)
		return -1;
	TAKE(fwd_cbor_bytes(c, &out->id));
	TAKE(fwd_cbor_uint(c, &out->size));
	TAKE(fwd_cbor_uint(c, &out->slots));
	TAKE(fwd_cbor_uint(c, &out->slot));
	if (take_u32(c, &out->kind) != 0)
		return -1;
	TAKE(fwd_cbor_array(c, &n));
	if (n > FWD_VERSION_MAX)
		return -1;
	out->version.n = (size_t)n;
	for (size_t i = 0; i < n; i++)
		TAKE(fwd_cbor_int(c, &out->version.part[i]));
	return 0;
}

static int
take_state(struct fwd_cbor *c, struct twin_device *d)
{
	if (take_array(c, 6) != 0)
		return -1;
	TAKE(fwd_cbor_bool(c, &d->told));
	TAKE(fwd_cbor_bool(c, &d->has_battery));
	TAKE(fwd_cbor_uint(c, &d->battery));
	TAKE(fwd_cbor_bool(c, &d->has_priority));
	TAKE(fwd_cbor_int(c, &d->priority));
	if (take_array(c, TWIN_EVENTS) != 0)
		return -1;
	for (size_t i = 0; i < TWIN_EVENTS; i++)
		TAKE(fwd_cbor_uint(c, &d->event[i]));
	return 0;
}

static int
take_anchors(struct fwd_cbor *c, struct twin_device *d)
{
	uint64_t n;

	TAKE(fwd_cbor_array(c, &n));
	if (n > TWIN_ANCHORS)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (take_array(c, 2) != 0)
			return -1;
		TAKE(fwd_cbor_bytes(c, &d->anchor[i].name));
		TAKE(fwd_cbor_bytes(c, &d->anchor[i].spki));
	}
	d->policy.anchor = d->anchor;
	d->policy.anchors = (size_t)n;
	return 0;
}

static int
take_rules(struct fwd_cbor *c, struct twin_device *d)
{
	uint64_t n;

	TAKE(fwd_cbor_array(c, &n));
	if (n > FWD_RULES_MAX)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (take_array(c, 3) != 0 ||
		    take_u32(c, &d->rule[i].anchors) != 0 ||
		    take_u32(c, &d->rule[i].threshold) != 0 ||
		    take_u32(c, &d->rule[i].distinct) != 0)
			return -1;
	d->policy.rule = d->rule;
	d->policy.rules = (size_t)n;
	TAKE(fwd_cbor_array(c, &n));
	if (n > FWD_RIGHTS_MAX)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (take_array(c, 2) != 0)
			return -1;
		TAKE(fwd_cbor_bytes(c, &d->right[i].component));
		if (take_u32(c, &d->right[i].anchors) != 0)
			return -1;
	}
	d->policy.right = d->right;
	d->policy.rights = (size_t)n;
	return 0;
}

static int
take_policy(struct fwd_cbor *c, struct twin_device *d)
{
	struct fwd_policy *const p = &d->policy;

	if (take_array(c, 10) != 0 || take_anchors(c, d) != 0 ||
	    take_u32(c, &p->threshold) != 0 || take_u32(c, &p->clock) != 0)
		return -1;
	TAKE(fwd_cbor_int(c, &p->time_min));
	if (take_u32(c, &p->flags) != 0)
		return -1;
	TAKE(fwd_cbor_bytes(c, &p->purpose));
	if (take_rules(c, d) != 0)
		return -1;
	TAKE(fwd_cbor_bytes(c, &p->revoked));
	return take_u32(c, &p->revokers);
}

int
twin_device_read(struct fwd_span data, struct twin_device *d)
{
	struct fwd_cbor c = fwd_cbor_open(data);
	uint64_t n;

	memset(d, 0, sizeof *d);
	if (take_array(&c, 10) != 0 ||
	    take_spans(&c, d->vendor, TWIN_VENDORS, &d->vendors) != 0 ||
	    take_spans(&c, d->class_id, TWIN_CLASSES, &d->classes) != 0)
		return -1;
	TAKE(fwd_cbor_bytes(&c, &d->device_id));
	TAKE(fwd_cbor_uint(&c, &d->sequence_number));
	TAKE(fwd_cbor_int(&c, &d->now));
	TAKE(fwd_cbor_bool(&c, &d->timed));
	if (take_u32(&c, &d->boot) != 0)
		return -1;
	TAKE(fwd_cbor_array(&c, &n));
	if (n > FWD_COMPONENTS_MAX)
		return -1;
	for (; d->components < n; d->components++)
		if (take_component(&c, &d->component[d->components]) != 0)
			return -1;
	if (take_state(&c, d) != 0 || take_policy(&c, d) != 0)
		return -1;
	TAKE(fwd_cbor_end(&c));
	return 0;
}

/* ---- what it answers -------------------------------------------------- */

static fwd_status
port_read(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	struct twin_device *const d = ctx;

	if (d->unreadable && d->at >= d->bundle.n / 2)
		return FWD_E_IO;
	*got = d->bundle.n - d->at < n ? d->bundle.n - d->at : n;
	memcpy(buf, d->bundle.p + d->at, *got);
	d->at += *got;
	return FWD_OK;
}

static bool
one_of(const uint8_t *uuid, const struct fwd_span *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].n == 16 && memcmp(list[i].p, uuid, 16) == 0)
			return true;
	return false;
}

static fwd_status
port_identity(void *ctx, int64_t which, uint32_t component,
    const uint8_t *uuid)
{
	const struct twin_device *const d = ctx;

	(void)component;
	if (which == FWD_PAR_VENDOR)
		return one_of(uuid, d->vendor, d->vendors) ? FWD_OK :
		    FWD_E_VENDOR;
	if (which == FWD_PAR_CLASS)
		return one_of(uuid, d->class_id, d->classes) ? FWD_OK :
		    FWD_E_CLASS;
	return one_of(uuid, &d->device_id, 1) ? FWD_OK : FWD_E_DEVICE;
}

static fwd_status
port_component(void *ctx, uint32_t index, struct fwd_span id,
    uint64_t *capacity)
{
	struct twin_device *const d = ctx;

	*capacity = 0;
	for (uint32_t i = 0; i < d->components; i++)
		if (fwd_span_equal(id, d->component[i].id)) {
			d->place[index] = i;
			*capacity = d->component[i].size;
			return FWD_OK;
		}
	return FWD_E_COMPONENT;
}

static fwd_status
port_slot(void *ctx, uint32_t component, uint64_t slot)
{
	const struct twin_device *const d = ctx;

	return d->component[d->place[component]].slot == slot ? FWD_OK :
	    FWD_E_SLOT;
}

static fwd_status
port_sequence_number(void *ctx, uint64_t *stored)
{
	*stored = ((const struct twin_device *)ctx)->sequence_number;
	return FWD_OK;
}

static fwd_status
port_now(void *ctx, int64_t *now)
{
	*now = ((const struct twin_device *)ctx)->now;
	return FWD_OK;
}

/* ---- what it is like -------------------------------------------------- */

enum { EVENT_AUTHORIZATION = 1, EVENT_TIME = 5 };

static fwd_status
await_one(const struct twin_device *d, int64_t event, struct fwd_span value)
{
	const int64_t known = d->timed ? d->now : d->policy.time_min;
	struct fwd_cbor c = fwd_cbor_open(value);
	int64_t priority;
	uint64_t when;

	if (event <= 0 || event >= TWIN_EVENTS)
		return FWD_E_DISABLED;
	if (event == EVENT_TIME) {
		if (fwd_cbor_uint(&c, &when) != FWD_OK)
			return FWD_E_DISABLED;
		if (known >= 0 && (uint64_t)known >= when)
			return FWD_OK;
		return d->timed ? FWD_E_WAIT : FWD_E_DISABLED;
	}
	if (event == EVENT_AUTHORIZATION) {
		if (fwd_cbor_int(&c, &priority) != FWD_OK || !d->has_priority)
			return FWD_E_DISABLED;
		return priority <= d->priority ? FWD_OK : FWD_E_WAIT;
	}
	if (d->event[event] == 0)
		return FWD_E_DISABLED;
	return d->event[event] == 1 ? FWD_OK : FWD_E_WAIT;
}

static fwd_status
await(const struct twin_device *d, struct fwd_span events)
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
		one = await_one(d, event, value);
		if (one == FWD_E_DISABLED)
			return one;
		if (one != FWD_OK)
			all = one;
	}
	return all;
}

static fwd_status
port_environment(void *ctx, int64_t code, uint32_t component,
    struct fwd_question *q)
{
	const struct twin_device *const d = ctx;

	switch (code) {
	case FWD_COND_BATTERY:
		if (!d->has_battery)
			return FWD_E_DISABLED;
		return d->battery >= q->battery ? FWD_OK : FWD_E_BATTERY;
	case FWD_COND_AUTHORIZED:
		if (!d->has_priority)
			return FWD_E_DISABLED;
		return q->priority <= d->priority ? FWD_OK :
		    FWD_E_UNAUTHORIZED;
	case FWD_COND_VERSION:
		q->version = d->component[d->place[component]].version;
		return q->version.n == 0 ? FWD_E_DISABLED : FWD_OK;
	case FWD_DIR_WAIT:
		return await(d, q->wait);
	default:
		return FWD_E_DISABLED;
	}
}

/* ---- what it stores --------------------------------------------------- */

enum { STORE = 16 << 10 };		/* of each component */
static struct {
	uint8_t bytes[STORE];
	uint64_t size;
	bool written;
} store[FWD_COMPONENTS_MAX];

static fwd_status
store_begin(void *ctx, uint32_t component, uint64_t size)
{
	const struct twin_device *const d = ctx;

	if (size > STORE || size > d->component[d->place[component]].size)
		return FWD_E_STORE_SIZE;
	memset(&store[component], 0xff, sizeof store[component]);
	store[component].size = 0;
	store[component].written = true;
	return FWD_OK;
}

static fwd_status
store_write(void *ctx, uint32_t component, uint64_t off, const uint8_t *p,
    size_t n)
{
	(void)ctx;
	if (off != store[component].size || n > STORE - off)
		return FWD_E_STORE;
	memcpy(store[component].bytes + off, p, n);
	store[component].size += n;
	return FWD_OK;
}

static fwd_status
store_end(void *ctx, uint32_t component)
{
	(void)ctx;
	return store[component].written ? FWD_OK : FWD_E_STORE;
}

static fwd_status
store_read(void *ctx, uint32_t component, uint64_t off, uint8_t *p, size_t n)
{
	(void)ctx;
	if (off > STORE || n > STORE - off)
		return FWD_E_STORE;
	memcpy(p, store[component].bytes + off, n);
	return FWD_OK;
}

static fwd_status
store_swap(void *ctx, uint32_t a, uint32_t b)
{
	static uint8_t spare[sizeof store[0]];

	(void)ctx;
	memcpy(spare, &store[a], sizeof spare);
	memcpy(&store[a], &store[b], sizeof spare);
	memcpy(&store[b], spare, sizeof spare);
	return FWD_OK;
}

static fwd_status
store_invoke(void *ctx, uint32_t component, struct fwd_span args)
{
	(void)ctx;
	twin_put("> invoke ");
	twin_put_number(component);
	twin_put(" ");
	twin_put_hex(args.p, args.n);
	twin_put("\n");
	return FWD_OK;
}

void
twin_device_store(struct twin_device *dev, struct fwd_port *port)
{
	(void)dev;
	memset(store, 0, sizeof store);
	port->store_begin = store_begin;
	port->store_write = store_write;
	port->store_end = store_end;
	port->store_read = store_read;
	port->store_swap = store_swap;
	port->invoke = store_invoke;
}

void
twin_device_stored(const struct twin_device *dev,
    const struct fwd_crypto *crypto)
{
	uint8_t digest[FWD_DIGEST_MAX] = { 0 };

	(void)dev;
	for (uint32_t i = 0; i < FWD_COMPONENTS_MAX; i++) {
		if (!store[i].written)
			continue;
		if (crypto->hash_start(crypto->ctx, FWD_SHA256) != FWD_OK ||
		    crypto->hash_add(crypto->ctx, store[i].bytes,
		    (size_t)store[i].size) != FWD_OK ||
		    crypto->hash_end(crypto->ctx, digest, 32) != FWD_OK)
			memset(digest, 0, sizeof digest);
		twin_put("> stored ");
		twin_put_number(i);
		twin_put(" ");
		twin_put_number(store[i].size);
		twin_put(" ");
		twin_put_hex(digest, 32);
		twin_put("\n");
	}
}

struct fwd_port
twin_device_port(struct twin_device *dev, struct fwd_tracer trace)
{
	dev->at = 0;
	dev->unreadable = false;
	return (struct fwd_port){
		.ctx = dev, .read = port_read, .identity = port_identity,
		.component = port_component, .slot = port_slot,
		.sequence_number = port_sequence_number, .now = port_now,
		.environment = dev->told ? port_environment : NULL,
		.trace = trace,
	};
}
