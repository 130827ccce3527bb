/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port that the library's runs see when a device installs or boots: storage
 * is the flash of the bank that is worked on, and before anything in it is
 * replaced, no record speaks of it any more.
 */
#include "device/internal.h"
#include "device/record.h"

static fwd_status
glue_read(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	const struct fwd_glue *const g = ctx;

	return g->under->read(g->under->ctx, buf, n, got);
}

static fwd_status
glue_identity(void *ctx, int64_t which, uint32_t component,
    const uint8_t *uuid)
{
	const struct fwd_glue *const g = ctx;

	return g->under->identity(g->under->ctx, which,
	    g->dev->area[component], uuid);
}

static fwd_status
glue_component(void *ctx, uint32_t index, struct fwd_span id,
    uint64_t *capacity)
{
	struct fwd_device *const dev = ((struct fwd_glue *)ctx)->dev;

	*capacity = 0;
	for (uint32_t i = 0; i < dev->components; i++) {
		if (!fwd_span_equal(dev->component[i].id, id))
			continue;
		dev->area[index] = i;
		*capacity = dev->component[i].size;
		return FWD_OK;
	}
	return FWD_E_COMPONENT;
}

uint32_t
fwd_bank_of(const struct fwd_device *dev, uint32_t area)
{
	return dev->component[area].slots == 1 ? 0 : dev->bank;
}

static fwd_status
glue_slot(void *ctx, uint32_t component, uint64_t slot)
{
	const struct fwd_device *const dev = ((struct fwd_glue *)ctx)->dev;

	return fwd_bank_of(dev, dev->area[component]) == slot ? FWD_OK :
	    FWD_E_SLOT;
}

static fwd_status
glue_sequence_number(void *ctx, uint64_t *stored)
{
	const struct fwd_glue *const g = ctx;

	/* Out of the flash, whenever the library asks. */
	FWD_TRY(fwd_counter_read(g->dev, stored));
	/* A counter that could not be raised, or lost its newest number, does
	   not let in what is older than what was confirmed. */
	for (uint32_t i = 0; i < FWD_BANKS && !g->booting; i++)
		if (g->dev->have[i].state == FWD_BANK_CONFIRMED &&
		    g->dev->have[i].sequence_number > *stored)
			*stored = g->dev->have[i].sequence_number;
	return FWD_OK;
}

static fwd_status
glue_now(void *ctx, int64_t *now)
{
	const struct fwd_glue *const g = ctx;

	return g->under->now(g->under->ctx, now);
}

static fwd_status
glue_uri_open(void *ctx, struct fwd_span uri, uint64_t *size)
{
	const struct fwd_glue *const g = ctx;

	return g->under->uri_open(g->under->ctx, uri, size);
}

static fwd_status
glue_uri_read(void *ctx, uint8_t *p, size_t n, size_t *got)
{
	const struct fwd_glue *const g = ctx;

	return g->under->uri_read(g->under->ctx, p, n, got);
}

static fwd_status
glue_environment(void *ctx, int64_t code, uint32_t component,
    struct fwd_question *q)
{
	const struct fwd_glue *const g = ctx;

	return g->under->environment(g->under->ctx, code,
	    g->dev->area[component], q);
}

/* ---- before something is replaced ------------------------------------ */

/* A release names every component that has two slots, or its bank would be a
   mixture.  That it writes them is seen when it is recorded. */
static fwd_status
check_set(const struct fwd_device *dev)
{
	uint32_t k;

	for (uint32_t i = 0; i < dev->components; i++) {
		for (k = 0; k < dev->run->components; k++)
			if (dev->area[k] == i)
				break;
		if (dev->component[i].slots == 2 && k == dev->run->components)
			return FWD_E_COMPONENT_SET;
	}
	return FWD_OK;
}

/* Before the first image is written. */
static fwd_status
prepare(struct fwd_device *dev)
{
	uint64_t n;

	if (dev->prepared)
		return FWD_OK;
	if (dev->have[dev->bank].state == FWD_BANK_TRIED)
		return FWD_E_UNCONFIRMED;
	FWD_TRY(check_set(dev));
	FWD_TRY(fwd_record_envelope_size(dev, &n));
	FWD_TRY(fwd_record_erase(dev, dev->bank));
	dev->prepared = true;
	return FWD_OK;
}

/*
 * Before a slot that both banks share is written: the other bank's release ends
 * here, unless the slot is a staging area and that release does not name it.
 */
static fwd_status
end_other(struct fwd_device *dev, uint32_t component)
{
	const uint32_t area = dev->area[component], other = 1 - dev->bank;

	if (dev->component[area].slots != 1 || dev->alone)
		return FWD_OK;
	if (dev->run->component[component].is_source &&
	    (dev->listed[other] >> area & 1u) == 0)
		return FWD_OK;
	FWD_TRY(fwd_record_erase(dev, other));
	dev->alone = true;
	return FWD_OK;
}

fwd_status
fwd_glue_may_load(const struct fwd_device *dev, uint32_t component)
{
	const uint32_t area = dev->area[component];

	return dev->component[area].slots == 1 &&
	    ((dev->listed[0] | dev->listed[1]) >> area & 1u) == 0 ? FWD_OK :
	    FWD_E_DISABLED;
}

/* ---- storage --------------------------------------------------------- */

static fwd_status
glue_begin(void *ctx, uint32_t component, uint64_t size)
{
	const struct fwd_glue *const g = ctx;
	struct fwd_device *const dev = g->dev;
	const uint32_t area = dev->area[component];

	if (fwd_launder(g->booting) != 0) {
		FWD_TRY(fwd_glue_may_load(dev, component));
	} else {
		if (fwd_launder(g->booting) != 0)
			fwd_panic();	/* it would end what is booted */
		FWD_TRY(prepare(dev));
		FWD_TRY(end_other(dev, component));
	}
	return dev->flash->erase(dev->flash->ctx, area, fwd_bank_of(dev, area),
	    size);
}

static fwd_status
glue_write(void *ctx, uint32_t component, uint64_t off, const uint8_t *p,
    size_t n)
{
	struct fwd_device *const dev = ((struct fwd_glue *)ctx)->dev;
	const struct fwd_flash *const f = dev->flash;
	const uint32_t area = dev->area[component], bank = fwd_bank_of(dev, area);
	const size_t tail = n % f->write_unit;
	uint8_t unit[FWD_WRITE_MAX];

	if (off % f->write_unit != 0)
		return FWD_E_API;
	if (n != tail)
		FWD_TRY(f->write(f->ctx, area, bank, off, p, n - tail));
	if (tail == 0)
		return FWD_OK;
	memset(unit, 0xff, sizeof unit);
	memcpy(unit, p + n - tail, tail);
	return f->write(f->ctx, area, bank, off + n - tail, unit,
	    f->write_unit);
}

static fwd_status
glue_end(void *ctx, uint32_t component)
{
	(void)ctx;
	(void)component;
	return FWD_OK;			/* image-match reads it back */
}

static fwd_status
glue_read_back(void *ctx, uint32_t component, uint64_t off, uint8_t *p,
    size_t n)
{
	const struct fwd_device *const dev = ((struct fwd_glue *)ctx)->dev;
	const uint32_t area = dev->area[component];

	return dev->flash->read(dev->flash->ctx, area, fwd_bank_of(dev, area),
	    off, p, n);
}

static fwd_status
glue_invoke(void *ctx, uint32_t component, struct fwd_span args)
{
	const struct fwd_glue *const g = ctx;

	return g->under->invoke(g->under->ctx, g->dev->area[component], args);
}

/* ---- on and off ------------------------------------------------------ */

/* What is NULL beneath stays so; swap is not enabled. */
void
fwd_glue_attach(struct fwd_glue *g, struct fwd_device *dev, bool booting)
{
	const struct fwd_port *const under = dev->run->port;

	g->under = under;
	g->dev = dev;
	g->booting = booting;
	g->port = (struct fwd_port){
		.ctx = g,
		.read = glue_read,
		.identity = glue_identity,
		.component = glue_component,
		.slot = glue_slot,
		.sequence_number = glue_sequence_number,
		.now = under->now != NULL ? glue_now : NULL,
		.store_begin = glue_begin,
		.store_write = glue_write,
		.store_end = glue_end,
		.store_read = glue_read_back,
		.invoke = booting && under->invoke != NULL ? glue_invoke :
		    NULL,
		.uri_open = under->uri_open != NULL ? glue_uri_open : NULL,
		.uri_read = under->uri_read != NULL ? glue_uri_read : NULL,
		.environment = under->environment != NULL ?
		    glue_environment : NULL,
		.trace = under->trace,
	};
	dev->run->port = &g->port;
}

void
fwd_glue_detach(struct fwd_glue *g)
{
	g->dev->run->port = g->under;
}

void
fwd_glue_judge_only(struct fwd_glue *g)
{
	g->port.store_begin = NULL;
	g->port.store_write = NULL;
	g->port.store_end = NULL;
	g->port.store_read = NULL;
	g->port.invoke = NULL;
}
