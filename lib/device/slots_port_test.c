/* SPDX-License-Identifier: Apache-2.0 */
/* What a device that installs and boots hands on to its caller's port. */
#include "device/testpower.h"

/* ---- a device that is asked ------------------------------------------- */

static struct {
	uint64_t battery;
	unsigned asked;
	/* a payload elsewhere */
	struct fwd_span remote;
	size_t at, chunk;
	unsigned opened;
} outside;

static fwd_status
environment(void *ctx, int64_t code, uint32_t component,
    struct fwd_question *q)
{
	(void)ctx;
	cr_assert_eq(code, FWD_COND_BATTERY);
	cr_assert_eq(component, 1, "not the component's place");
	outside.asked++;
	return q->battery <= outside.battery ? FWD_OK : FWD_E_BATTERY;
}

static fwd_status
identity(void *ctx, int64_t which, uint32_t component, const uint8_t *uuid)
{
	cr_assert_eq(component, 1, "not the component's place");
	return kit_identity(ctx, which, 0, uuid);
}

static fwd_status
uri_open(void *ctx, struct fwd_span uri, uint64_t *size)
{
	(void)ctx;
	cr_assert_eq(uri.n, 18);
	cr_assert_eq(memcmp(uri.p, "https://example/p0", uri.n), 0);
	outside.at = 0;
	outside.opened++;
	*size = outside.remote.n;
	return outside.remote.p != NULL ? FWD_OK : FWD_E_PAYLOAD_MISSING;
}

static fwd_status
uri_read(void *ctx, uint8_t *p, size_t n, size_t *got)
{
	const size_t left = outside.remote.n - outside.at;

	(void)ctx;
	*got = left < n ? left : n;
	if (outside.chunk != 0 && *got > outside.chunk)
		*got = outside.chunk;
	memcpy(p, outside.remote.p + outside.at, *got);
	outside.at += *got;
	return FWD_OK;
}

/* The manifest's only component, ['0'], is the second that the device has. */
static struct bench *
open_second(enum kind kind)
{
	struct bench *const b = bench_new(kind, FWD_BOOT_FULL);

	b->component[1] = b->component[0];
	b->component[0].id = (struct fwd_span){ part_id[1],
	    sizeof part_id[1] };
	b->component[0].slots = 1;
	b->dev.components = 2;
	b->kit->port.identity = identity;
	memset(&outside, 0, sizeof outside);
	cr_assert_eq(bench_provision(b, 4), FWD_OK);
	return b;
}

static fwd_status
install(struct bench *b, unsigned release)
{
	const fwd_status s = bench_install(b, release);

	cr_assert_eq(b->kit->ctx.port, &b->kit->port);
	return s;
}

/* The release runs from the second place: bench_boot looks at the first. */
static fwd_status
second_invoke(void *ctx, uint32_t component, struct fwd_span args)
{
	(void)ctx;
	(void)args;
	cr_assert_eq(component, 1);
	return FWD_OK;
}

static fwd_status
boot(struct bench *b)
{
	fwd_status s;

	kit_dev_rewind(b->kit);
	b->kit->port.invoke = second_invoke;
	s = fwd_device_boot(&b->dev, &b->running);
	cr_assert_eq(b->kit->ctx.port, &b->kit->port);
	return s;
}

/* ---- the environment -------------------------------------------------- */

/* Asked once before it is recorded, and again whenever it boots. */
Test(slots_port, battery)
{
	struct bench *b;

	extra.invoke = "20, {26: 100}, 26, 15, ";
	b = open_second(AB);
	kit_eq(install(b, 1), FWD_E_DISABLED, b->kit->trace);
	b->kit->port.environment = environment;
	outside.battery = 99;
	kit_eq(install(b, 1), FWD_E_BATTERY, b->kit->trace);
	cr_assert_eq(outside.asked, 1);
	kit_eq(boot(b), FWD_E_NOTHING_BOOTABLE, b->kit->trace);
	outside.battery = 100;
	kit_eq(install(b, 1), FWD_OK, b->kit->trace);
	kit_eq(boot(b), FWD_OK, b->kit->trace);
	cr_assert_eq(outside.asked, 3);
	outside.battery = 99;
	kit_eq(boot(b), FWD_E_NOTHING_BOOTABLE, b->kit->trace);
	cr_assert_not_null(strstr(b->kit->trace, "battery-low\n"));
	extra.invoke = NULL;
	bench_free(b);
}

/* ---- payloads elsewhere ----------------------------------------------- */

static void
make_remote(struct release *r, const struct kit_pki *pki)
{
	const struct kit_block block = { .pki = pki };
	struct notation text = { .n = 0 };
	struct fw_buf manifest, envelope;

	note(&text, "{1: 1, 2: 9, 3: <<{2: [[h'30']], ");
	note_shared(&text, AB, r);
	note(&text, "}>>, 7: <<[3, 15]>>, 9: <<[23, 2]>>, 20: <<[20, "
	    "{21: \"https://example/p0\"}, 21, 2, 3, 15]>>}");
	manifest = kit_cbor(text.text, NULL, 0);
	envelope = kit_envelope(fw_buf_span(&manifest), &block, 1,
	    (struct fwd_span){ NULL, 0 }, 0);
	fw_buf_deinit(&r->bundle);
	kit_member(&r->bundle, "manifest.suit", envelope.p, envelope.n);
	kit_end(&r->bundle);
	fw_buf_deinit(&manifest);
	fw_buf_deinit(&envelope);
}

Test(slots_port, remote)
{
	struct bench *const b = open_second(AB);
	struct release *const r = &b->release[3];

	make_remote(r, &b->pki);
	kit_eq(install(b, 3), FWD_E_MEMBER, b->kit->trace);
	b->kit->port.uri_open = uri_open;
	b->kit->port.uri_read = uri_read;
	kit_eq(install(b, 3), FWD_E_PAYLOAD_MISSING, b->kit->trace);
	outside.remote = (struct fwd_span){ r->image[0][0], r->size[0] - 1 };
	kit_eq(install(b, 3), FWD_E_PAYLOAD_SIZE, b->kit->trace);
	/* less than asked for, and not at the end: no flash can write that */
	outside.remote.n++;
	for (outside.chunk = 1; outside.chunk < FWD_BLOCK; outside.chunk++)
		if (outside.chunk % UNIT != 0)
			kit_eq(install(b, 3), FWD_E_API, b->kit->trace);
	kit_eq(boot(b), FWD_E_NOTHING_BOOTABLE, b->kit->trace);
	outside.chunk = 0;
	outside.opened = 0;
	kit_eq(install(b, 3), FWD_OK, b->kit->trace);
	cr_assert_eq(outside.opened, 1);
	cr_assert_eq(memcmp(b->memory.bytes[1][b->dev.bank], r->image[0][0],
	    r->size[0]), 0);
	kit_eq(boot(b), FWD_OK, b->kit->trace);
	bench_free(b);
}

/* ---- components -------------------------------------------------------- */

Test(slots_port, component_unknown)
{
	struct bench *const b = bench_new(AB, FWD_BOOT_FULL);

	cr_assert_eq(bench_provision(b, 4), FWD_OK);
	fw_buf_deinit(&b->release[1].bundle);
	make_bundle(&b->release[1], THREE, &b->pki);
	kit_eq(install(b, 1), FWD_E_COMPONENT, b->kit->trace);
	bench_free(b);
}
