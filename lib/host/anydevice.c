/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port that stands for every device a bundle could be meant for.
 *
 * Which slots a manifest has alternatives for is found out by running it: a
 * component stands in the first slot it is asked about in pass 0, in the second
 * different one in pass 1, and so on.  A try-each asks about its alternatives
 * only until one fits, so a pass may find that there was no further slot: then
 * the component stays in its last one.  Such passes would be noise in a trace
 * and would read payloads for nothing, so the slots are explored first, without
 * a trace and with a limit on what is read; what the exploration misses, the
 * passes that count still find, and so they do without one.
 */
#include <string.h>

#include "host/build.h"
#include "host/internal.h"

/* Exploring reads the envelope and this much behind it. */
#define EXPLORE_MORE ((size_t)64 * 1024)

/* ---- the port -------------------------------------------------------- */

static fwd_status
any_read(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	struct fw_anydevice *const dev = ctx;

	*got = 0;
	if (dev->exploring) {
		if (n > dev->budget)
			return FWD_E_IO;
		dev->budget -= n;
	}
	return dev->read(dev->bundle, buf, n, got);
}

static fwd_status
any_identity(void *ctx, int64_t which, uint32_t component,
    const uint8_t *uuid)
{
	(void)ctx;
	(void)which;
	(void)component;
	(void)uuid;
	return FWD_UNJUDGED;
}

static fwd_status
any_component(void *ctx, uint32_t index, struct fwd_span id,
    uint64_t *capacity)
{
	(void)ctx;
	(void)index;
	(void)id;
	*capacity = UINT64_MAX;
	return FWD_OK;
}

bool
fw_anydevice_slot(const struct fw_anydevice *dev, size_t component,
    uint64_t *slot)
{
	const size_t n = component < FWD_COMPONENTS_MAX ?
	    dev->slots[component].n : 0;

	if (n == 0)
		return false;
	*slot = dev->slots[component].value[dev->number < n ? dev->number :
	    n - 1];
	return true;
}

static fwd_status
any_slot(void *ctx, uint32_t component, uint64_t slot)
{
	struct fw_anydevice *const dev = ctx;
	uint64_t here = 0;
	size_t i, n;

	if (component >= FWD_COMPONENTS_MAX)
		return FWD_E_SLOT;
	n = dev->slots[component].n;
	for (i = 0; i < n && dev->slots[component].value[i] != slot; i++)
		;
	if (i == n) {			/* not asked about before */
		if (n == FW_SLOT_VALUES_MAX) {
			dev->untried = true;
			return FWD_E_SLOT;
		}
		dev->slots[component].value[n] = slot;
		dev->slots[component].n = ++n;
		dev->slots[component].wanted = false;
	}
	/* A component that may have one more slot waits for it. */
	if (dev->number >= n && !dev->slots[component].complete) {
		dev->slots[component].wanted = true;
		return FWD_E_SLOT;
	}
	(void)fw_anydevice_slot(dev, component, &here);
	return slot == here ? FWD_OK : FWD_E_SLOT;
}

static fwd_status
any_sequence_number(void *ctx, uint64_t *stored)
{
	(void)ctx;
	*stored = 0;
	return FWD_OK;
}

static fwd_status
any_now(void *ctx, int64_t *now)
{
	const struct fw_anydevice *const dev = ctx;

	*now = dev->now;
	return FWD_OK;
}

/* Nobody to ask about its battery, its owner, versions and events. */
static fwd_status
any_environment(void *ctx, int64_t code, uint32_t component,
    struct fwd_question *q)
{
	(void)ctx;
	(void)code;
	(void)component;
	(void)q;
	return FWD_UNJUDGED;
}

/* ---- the passes ------------------------------------------------------ */

/* After a pass: does a component turn out to have no further slot? */
static bool
settle(struct fw_anydevice *dev)
{
	bool more = false;
	size_t i;

	for (i = 0; i < FWD_COMPONENTS_MAX; i++) {
		if (!dev->slots[i].wanted)
			continue;
		dev->slots[i].wanted = false;
		dev->slots[i].complete = true;
		more = true;
	}
	return more;
}

/* In that pass, could a component stand in a slot it did not stand in yet? */
static bool
worth_a_pass(const struct fw_anydevice *dev, size_t number)
{
	size_t i;

	for (i = 0; i < FWD_COMPONENTS_MAX; i++)
		if (dev->slots[i].n > number || (dev->slots[i].n > 0 &&
		    !dev->slots[i].complete))
			return true;
	return number == 0;
}

/* Run a pass until no component waits for a slot that does not come. */
static fwd_status
one_pass(struct fw_anydevice *dev, struct fwd_ctx *run)
{
	fwd_status s;

	do {
		s = dev->rewind(dev->bundle);
		if (s != FWD_OK)
			return s;
		dev->budget = run->envelope_max > SIZE_MAX - EXPLORE_MORE ?
		    SIZE_MAX : run->envelope_max + EXPLORE_MORE;
		s = fwd_bundle_check(run);
	} while (settle(dev) && worth_a_pass(dev, dev->number));
	return s;
}

static void
explore(struct fw_anydevice *dev, struct fwd_ctx *run)
{
	dev->exploring = true;
	dev->port.trace = (struct fwd_tracer){ 0 };
	for (dev->number = 0; dev->number <= FW_SLOT_VALUES_MAX &&
	    worth_a_pass(dev, dev->number); dev->number++)
		(void)one_pass(dev, run);
	dev->exploring = false;
}

/*
 * The passes that count.  When the last one turns out to have had no slot to
 * try, the one before is repeated, so that run tells about one that counted.
 */
static fwd_status
judge(struct fw_anydevice *dev, struct fwd_ctx *run)
{
	fwd_status s;

	dev->port.trace = dev->trace;
	for (dev->number = 0;; dev->number++) {
		s = one_pass(dev, run);
		if (!worth_a_pass(dev, dev->number)) {
			dev->number--;
			return one_pass(dev, run);
		}
		dev->passes++;
		if (dev->pass != NULL)
			dev->pass(dev->pass_ctx, dev, run, s);
		if (s != FWD_OK || !worth_a_pass(dev, dev->number + 1))
			return s;
	}
}

fwd_status
fw_anydevice_check(struct fw_anydevice *dev, struct fwd_ctx *run)
{
	fwd_status s;

	dev->port = (struct fwd_port){
		.ctx = dev, .read = any_read, .identity = any_identity,
		.component = any_component, .slot = any_slot,
		.sequence_number = any_sequence_number, .now = any_now,
		.environment = any_environment,
	};
	memset(dev->slots, 0, sizeof dev->slots);
	dev->passes = 0;
	dev->untried = false;
	run->port = &dev->port;
	if (!dev->direct)
		explore(dev, run);
	s = judge(dev, run);
	/* What could not be tried is not accepted. */
	return s == FWD_OK && dev->untried ? FWD_E_SLOT : s;
}
