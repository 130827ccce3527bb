/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of devices that install and boot: releases for several kinds of
 * devices, a device with flash in memory, and what must hold of it whenever
 * power has failed.
 */
#ifndef TESTPOWER_H
#define TESTPOWER_H

#include "device/fwslots.h"
#include "device/testdevice.h"
#include "device/testlists.h"
#include "port/fwflash.h"

/* ---- kinds of devices ----------------------------------------------- */

enum kind { AB, SLOTTED, SINGLE, STAGED, THREE, MIXED, LOADED, KEYED, KINDS };
enum { PARTS = 3, SLOT = 4096, RECORD = 8192, TRUST = 2048, RELEASES = 4 };
enum { MARKS = 5 };			/* of a record, see fwdevice(3) */

/* ['0'], ['1'], ['2'] */
static const uint8_t part_id[PARTS][3] = {
	{ 0x81, 0x41, '0' }, { 0x81, 0x41, '1' }, { 0x81, 0x41, '2' },
};

static const struct {
	const char *name;
	uint32_t parts;
	uint32_t slots[PARTS];
	uint32_t images;		/* of these parts a release has images */
} kinds[KINDS] = {
	[AB] = { "two slots", 1, { 2 }, 1 },
	[SLOTTED] = { "two slots, an image for each", 1, { 2 }, 1 },
	[SINGLE] = { "one slot", 1, { 1 }, 1 },
	[STAGED] = { "one slot, a staging area", 2, { 1, 1 }, 1 },
	[THREE] = { "three components", 3, { 2, 2, 2 }, 3 },
	[MIXED] = { "two slots and one slot", 2, { 2, 1 }, 2 },
	[LOADED] = { "two slots, loaded into memory", 2, { 2, 1 }, 1 },
	[KEYED] = { "a trust area", 3, { 2, 2, 2 }, 3 },
};
/* The parts that are lists. */
enum { ANCHORS = 1, REVOKED = 2 };

/* ---- releases ------------------------------------------------------- */

struct release {
	uint64_t sequence_number;
	size_t size[PARTS];
	uint8_t image[PARTS][FWD_BANKS][SLOT];
	struct fw_buf bundle;
};

/* An image nobody mistakes for another; the same for both banks, unless the
   kind has one for each. */
static inline void
make_images(struct release *r, enum kind kind, unsigned number)
{
	for (uint32_t i = 0; i < PARTS; i++) {
		r->size[i] = 900 + 517 * i + 211 * number;
		for (uint32_t b = 0; b < FWD_BANKS; b++)
			for (size_t k = 0; k < r->size[i]; k++)
				r->image[i][b][k] = (uint8_t)(k * 7 + k / 256 +
				    number * 31 + i * 101 +
				    (kind == SLOTTED ? b * 53 : 0));
	}
}

struct notation {
	char text[4096];
	size_t n;
};

__attribute__((format(printf, 2, 3)))
static inline void
note(struct notation *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	to->n += (size_t)vsnprintf(to->text + to->n, sizeof to->text - to->n,
	    fmt, ap);
	va_end(ap);
	cr_assert_lt(to->n, sizeof to->text);
}

/* "key: digest, 14: size" */
static inline void
note_image(struct notation *to, const struct release *r, uint32_t i,
    uint32_t bank)
{
	uint8_t digest[32];

	kit_sha256((struct fwd_span){ r->image[i][bank], r->size[i] },
	    digest);
	note(to, "3: <<[-16, h'");
	for (size_t k = 0; k < sizeof digest; k++)
		note(to, "%02x", digest[k]);
	note(to, "']>>, 14: %zu", r->size[i]);
}

#define ID_PARAMETERS "1: h'" KIT_VENDOR "', 2: h'" KIT_CLASS "'"

static inline void
note_shared(struct notation *to, enum kind kind, const struct release *r)
{
	const uint32_t parts = kinds[kind].parts;

	note(to, "4: <<[");
	for (uint32_t i = 0; i < parts; i++) {
		if (parts > 1)
			note(to, "12, %u, ", i);
		note(to, "20, {" ID_PARAMETERS);
		if (kind == SLOTTED) {
			note(to, "}, 15, [<<[20, {5: 0}, 5, 5, 20, {");
			note_image(to, r, i, 0);
			note(to, "}]>>, <<[20, {5: 1}, 5, 5, 20, {");
			note_image(to, r, i, 1);
			note(to, "}]>>], 1, 15, 2, 15, ");
		} else {
			note(to, ", ");
			note_image(to, r, i < kinds[kind].images ? i : 0, 0);
			note(to, "}, 1, 15, 2, 15, ");
		}
	}
	note(to, "]>>");
}

/* What the next releases have besides. */
static struct {
	const char *load;		/* instead of what the kind has */
	const char *invoke;		/* commands before invoke */
	unsigned integrated;		/* payloads in the envelope, not used */
} extra;

static inline void
note_install(struct notation *to, enum kind kind)
{
	note(to, "20: <<[");
	if (kinds[kind].parts > 1 && extra.integrated > 0)
		note(to, "12, 0, ");
	for (unsigned i = 0; i < extra.integrated; i++)
		note(to, "20, {21: \"#%02u\"}, ", i);
	if (kind == SLOTTED)
		note(to, "15, [<<[20, {5: 0}, 5, 5, 20, {21: \"p0\"}]>>, "
		    "<<[20, {5: 1}, 5, 5, 20, {21: \"p1\"}]>>], 21, 2, 3, "
		    "15");
	else if (kind == STAGED)
		note(to, "12, 1, 20, {21: \"p0\"}, 21, 2, 3, 15, "
		    "12, 0, 20, {22: 1}, 22, 2, 3, 15");
	else
		for (uint32_t i = 0; i < kinds[kind].images; i++) {
			if (kinds[kind].parts > 1)
				note(to, "12, %u, ", i);
			note(to, "20, {21: \"p%u\"}, 21, 2, 3, 15, ", i);
		}
	note(to, "]>>");
}

static inline void
note_manifest(struct notation *to, enum kind kind, const struct release *r)
{
	const uint32_t parts = kinds[kind].parts;
	uint32_t i;

	note(to, "{1: 1, 2: %llu, 3: <<{2: [",
	    (unsigned long long)r->sequence_number);
	for (i = 0; i < parts; i++)
		note(to, "[h'3%u'], ", i);
	note(to, "], ");
	note_shared(to, kind, r);
	note(to, "}>>, 7: <<[");
	for (i = 0; i < kinds[kind].images; i++) {
		if (parts > 1)
			note(to, "12, %u, ", i);
		note(to, "3, 15, ");
	}
	note(to, "]>>, ");
	if (kind == LOADED)		/* memory is what runs */
		note(to, "8: <<[%s]>>, 9: <<[12, 1, 23, 2]>>, ",
		    extra.load != NULL ? extra.load :
		    "12, 1, 20, {22: 0}, 22, 2, 3, 15");
	else
		note(to, "9: <<[%s%s23, 2]>>, ", parts > 1 ? "12, 0, " : "",
		    extra.invoke != NULL ? extra.invoke : "");
	note_install(to, kind);
	note(to, "}");
}

static inline void
make_bundle_by(struct release *r, enum kind kind,
    const struct kit_block *block, size_t blocks)
{
	struct notation text = { .n = 0 };
	struct fw_buf manifest, envelope;
	struct fw_cbor members = { 0 };

	note_manifest(&text, kind, r);
	manifest = kit_cbor(text.text, NULL, 0);
	for (unsigned i = 0; i < extra.integrated; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "#%02u", i);
		fw_cbor_text(&members, name);
		fw_cbor_bytes(&members, "x", 1);
	}
	envelope = kit_envelope(fw_buf_span(&manifest), block, blocks,
	    fw_buf_span(&members.out), extra.integrated);
	fw_cbor_deinit(&members);
	kit_member(&r->bundle, "manifest.suit", envelope.p, envelope.n);
	for (uint32_t i = 0; i < kinds[kind].images; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "p%u", i);
		kit_member(&r->bundle, name, r->image[i][0], r->size[i]);
		if (kind == SLOTTED)
			kit_member(&r->bundle, "p1", r->image[i][1],
			    r->size[i]);
	}
	kit_end(&r->bundle);
	fw_buf_deinit(&manifest);
	fw_buf_deinit(&envelope);
}

static inline void
make_bundle(struct release *r, enum kind kind, const struct kit_pki *pki)
{
	const struct kit_block block = { .pki = pki };

	make_bundle_by(r, kind, &block, 1);
}

/* ---- releases with lists --------------------------------------------- */

/* Let a list be that part of a release. */
static inline void
set_list(struct release *r, uint32_t part, struct fwd_span list)
{
	cr_assert_leq(list.n, SLOT);
	r->size[part] = list.n;
	for (uint32_t b = 0; b < FWD_BANKS && list.n != 0; b++)
		memcpy(r->image[part][b], list.p, list.n);
}

/* The list that is that part of it. */
static inline struct fwd_span
get_list(const struct release *r, uint32_t part)
{
	return (struct fwd_span){ r->image[part][0], r->size[part] };
}

static inline void
set_anchors(struct release *r, const struct kit_pki *const *of, size_t n)
{
	const struct tp_bytes *cert[FWD_ANCHORS_MAX];
	struct fw_buf list;

	for (size_t i = 0; i < n; i++)
		cert[i] = &of[i]->root;
	list = list_anchors(cert, n);
	set_list(r, ANCHORS, fw_buf_span(&list));
	fw_buf_deinit(&list);
}

/* By that key; at most one other key is revoked. */
static inline void
set_revoked(struct release *r, EVP_PKEY *revoker, uint64_t number,
    EVP_PKEY *revoked)
{
	uint8_t id[FWD_KEY_ID];
	struct fw_buf list;

	if (revoked != NULL)
		list_key_id(revoked, id);
	list = list_revoking(revoker, FWD_ESP256, number, (struct fwd_span)
	    { id, revoked != NULL ? sizeof id : 0 });
	set_list(r, REVOKED, fw_buf_span(&list));
	fw_buf_deinit(&list);
}

/* ---- flash in memory ------------------------------------------------ */

enum { PLACES = PARTS + 3, BLOCK = 256, UNIT = 8 };

struct memory {
	uint8_t bytes[PLACES][FWD_BANKS][RECORD];
};

static inline uint32_t
memory_place(uint32_t area)
{
	return area == FWD_AREA_RECORD ? PARTS :
	    area == FWD_AREA_COUNTER ? PARTS + 1 :
	    area == FWD_AREA_TRUST ? PARTS + 2 : area;
}

static inline uint64_t
memory_size(void *ctx, uint32_t area, uint32_t bank)
{
	(void)ctx;
	if (bank >= FWD_BANKS || memory_place(area) >= PLACES)
		return 0;
	return area == FWD_AREA_RECORD ? RECORD :
	    area == FWD_AREA_COUNTER ? BLOCK :
	    area == FWD_AREA_TRUST ? TRUST : SLOT;
}

static inline bool
memory_get(void *ctx, uint32_t area, uint32_t bank, uint64_t off, uint8_t *p,
    size_t n)
{
	const struct memory *const m = ctx;

	memcpy(p, &m->bytes[memory_place(area)][bank][off], n);
	return true;
}

static inline bool
memory_put(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
    const uint8_t *p, size_t n)
{
	struct memory *const m = ctx;

	memcpy(&m->bytes[memory_place(area)][bank][off], p, n);
	return true;
}

static inline bool
memory_fill(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
    uint64_t n)
{
	struct memory *const m = ctx;

	memset(&m->bytes[memory_place(area)][bank][off], 0xff, n);
	return true;
}

/* ---- a device ------------------------------------------------------- */

struct bench {
	enum kind kind;
	struct kit_pki pki;
	/* of kind KEYED: whose root comes next; who may revoke, at place 1 */
	struct kit_pki next, revoker;
	struct fwd_anchor anchor[2];
	uint8_t trust[2 * TRUST];
	struct kit_dev *kit;
	struct release *release;	/* [RELEASES], the first not used */
	struct fwd_device_component component[PARTS];
	struct fwd_device dev;
	struct memory memory;
	struct fwp_flash flash;
	struct fwd_flash port;
	/* RAM */
	uint32_t running;		/* bank, or FWD_NO_INDEX */
	const struct release *runs;
};

/* Does a release have an image in a slot that both banks share? */
static inline bool
bench_shares(const struct bench *b)
{
	for (uint32_t i = 0; i < kinds[b->kind].images; i++)
		if (kinds[b->kind].slots[i] == 1)
			return true;
	return false;
}

/* The release a bank holds, all of its images; NULL: none, or a mixture. */
static inline const struct release *
bench_whole(const struct bench *b, uint32_t bank)
{
	for (unsigned r = 1; r < RELEASES; r++) {
		const struct release *const rel = &b->release[r];
		bool same = true;

		for (uint32_t i = 0; i < kinds[b->kind].images; i++)
			same = same && memcmp(b->memory.bytes[i]
			    [kinds[b->kind].slots[i] == 1 ? 0 : bank],
			    rel->image[i][kinds[b->kind].slots[i] == 1 ? 0 :
			    bank], rel->size[i]) == 0;
		if (same)
			return rel;
	}
	return NULL;
}

/* Whatever is started is whole at that moment, wherever power failed. */
static inline fwd_status
bench_invoke(void *ctx, uint32_t component, struct fwd_span args)
{
	struct bench *const b = ctx;

	(void)args;
	cr_assert_eq(component, b->kind == LOADED ? 1 : 0);
	b->runs = bench_whole(b, b->dev.bank);
	cr_assert_not_null(b->runs, "a mixture was booted");
	if (b->kind == LOADED)
		cr_assert_eq(memcmp(b->memory.bytes[1][0],
		    b->runs->image[0][0], b->runs->size[0]), 0);
	return FWD_OK;
}

/* kit_dev is the ctx of its port; the bench is found behind the invoke. */
static struct bench *bench_of_invoke;

static inline fwd_status
bench_invoke_kit(void *ctx, uint32_t component, struct fwd_span args)
{
	(void)ctx;
	return bench_invoke(bench_of_invoke, component, args);
}

/* Power comes back: RAM is empty. */
static inline void
bench_power(struct bench *b)
{
	const struct fwd_device old = b->dev;

	cr_assert_null(b->flash.fault, "%s", b->flash.fault);
	b->flash.off = false;
	b->flash.operations = 0;
	b->flash.cut = FWP_CUT_NONE;
	b->running = FWD_NO_INDEX;
	memset(&b->dev, 0x5a, sizeof b->dev);
	b->dev.run = old.run;
	b->dev.flash = old.flash;
	b->dev.component = old.component;
	b->dev.components = old.components;
	b->dev.record_size = old.record_size;
	b->dev.boot = old.boot;
	b->dev.trust_size = old.trust_size;
	b->dev.trust = old.trust;
	b->dev.trust_max = old.trust_max;
	memset(b->trust, 0x5a, sizeof b->trust);
}

static inline fwd_status
bench_provision(struct bench *b, uint64_t counter)
{
	return fwd_device_provision(&b->dev, counter);
}

static inline fwd_status
bench_install(struct bench *b, unsigned release)
{
	uint32_t bank;
	fwd_status s;

	kit_dev_rewind(b->kit);
	b->kit->bundle = fw_buf_span(&b->release[release].bundle);
	s = fwd_device_install(&b->dev, &bank);
	cr_assert_eq(b->kit->ctx.refusal.status, s);
	cr_assert_eq(bank == FWD_NO_INDEX, s != FWD_OK);
	return s;
}

static inline fwd_status
bench_boot(struct bench *b)
{
	fwd_status s;

	kit_dev_rewind(b->kit);
	bench_of_invoke = b;
	b->runs = NULL;
	s = fwd_device_boot(&b->dev, &b->running);
	cr_assert_eq(b->running == FWD_NO_INDEX, s != FWD_OK);
	cr_assert_eq(b->runs != NULL, s == FWD_OK);
	if (s == FWD_OK)
		cr_assert_eq(b->runs, bench_whole(b, b->running));
	return s;
}

static inline fwd_status
bench_confirm(struct bench *b)
{
	return fwd_device_confirm(&b->dev, b->running);
}

static inline uint64_t
bench_counter(struct bench *b)
{
	struct fwd_bank bank[FWD_BANKS];
	uint64_t v;

	cr_assert_eq(fwd_device_status(&b->dev, bank, &v), FWD_OK);
	return v;
}

/* A list that comes by itself. */
static inline fwd_status
bench_revoke(struct bench *b, struct fwd_span list)
{
	const struct fwd_span copy = kit_dup(list.p, list.n);
	fwd_status s;

	kit_dev_rewind(b->kit);
	s = fwd_device_revoke(&b->dev, copy);
	cr_assert_eq(b->kit->ctx.refusal.status, s);
	kit_free(copy);
	return s;
}

/* Bundles of releases with lists: the first by the first root, the others by
   the next one as well, which the second brings; the third adds the first one
   again.  Each has a list of revoked keys of ten times its number. */
static inline void
bench_add_lists(struct bench *b)
{
	const struct kit_pki *const old[] = { &b->pki, &b->revoker };
	const struct kit_pki *const new[] = { &b->next, &b->revoker,
	    &b->pki };
	const struct kit_block by[] = { { .pki = &b->pki },
	    { .pki = &b->next } };

	for (unsigned r = 1; r < RELEASES; r++) {
		set_anchors(&b->release[r], r == 1 ? old : new,
		    r == 3 ? 3 : 2);
		set_revoked(&b->release[r], b->revoker.root_key, 10 * r,
		    r == 1 ? NULL : b->revoker.leaf_key);
		make_bundle_by(&b->release[r], KEYED, by, r == 1 ? 1 : 2);
	}
}

static inline void
bench_make_keyed(struct bench *b)
{
	kit_pki_init(&b->next, "next");
	kit_pki_init(&b->revoker, "revoker");
	b->anchor[0] = b->pki.anchor;
	b->anchor[1] = b->revoker.anchor;
	b->kit->policy.anchor = b->anchor;
	b->kit->policy.anchors = 2;
	b->kit->policy.revokers = 2;
	b->component[ANCHORS].kind = FWD_KIND_ANCHORS;
	b->component[REVOKED].kind = FWD_KIND_REVOCATIONS;
	b->dev.trust = b->trust;
	b->dev.trust_size = TRUST;
	b->dev.trust_max = sizeof b->trust;
	bench_add_lists(b);
}

/* A new device of that kind, never provisioned: flash holds anything. */
static inline struct bench *
bench_new(enum kind kind, uint32_t boot)
{
	struct bench *const b = calloc(1, sizeof *b);

	cr_assert_not_null(b);
	b->kind = kind;
	kit_pki_init(&b->pki, "power");
	b->kit = kit_dev_new(&b->pki.anchor, 1);
	b->kit->port.invoke = bench_invoke_kit;
	b->release = calloc(RELEASES, sizeof *b->release);
	cr_assert_not_null(b->release);
	for (unsigned r = 1; r < RELEASES; r++) {
		b->release[r].sequence_number = 3 + 2 * r;
		make_images(&b->release[r], kind, r);
		if (kind != KEYED)
			make_bundle(&b->release[r], kind, &b->pki);
	}
	for (size_t i = 0; i < sizeof b->memory; i++)
		((uint8_t *)&b->memory)[i] = (uint8_t)(i * 13 + i / 7);
	b->flash = (struct fwp_flash){ .medium = { &b->memory, memory_size,
	    memory_get, memory_put, memory_fill, NULL }, .write_unit =
	    UNIT, .erase_block = BLOCK };
	b->port = fwp_flash_port(&b->flash);
	for (uint32_t i = 0; i < kinds[kind].parts; i++)
		b->component[i] = (struct fwd_device_component){
		    { part_id[i], sizeof part_id[i] }, SLOT,
		    kinds[kind].slots[i], FWD_KIND_IMAGE };
	b->dev = (struct fwd_device){ .run = &b->kit->ctx, .flash = &b->port,
	    .component = b->component, .components = kinds[kind].parts,
	    .record_size = RECORD, .boot = boot };
	if (kind == KEYED)
		bench_make_keyed(b);
	bench_power(b);
	return b;
}

static inline void
bench_free(struct bench *b)
{
	cr_assert_null(b->flash.fault, "%s", b->flash.fault);
	for (unsigned r = 1; r < RELEASES; r++)
		fw_buf_deinit(&b->release[r].bundle);
	free(b->release);
	kit_dev_free(b->kit);
	kit_pki_free(&b->pki);
	kit_pki_free(&b->next);
	kit_pki_free(&b->revoker);
	free(b);
}

#endif
