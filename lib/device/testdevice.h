/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device for tests: its storage is memory, its trace is text, and each call
 * of its ports can be made to fail.
 */
#ifndef TESTDEVICE_H
#define TESTDEVICE_H

#include "device/testkit.h"

/* ---- crypto that remembers ------------------------------------------ */

/*
 * The OpenSSL port, but a signature that was found to hold is not computed
 * again: most of what a spoilt bundle is judged by is not spoilt.
 */
enum { KIT_CACHE = 16 };
struct kit_crypto {
	struct fwp_openssl *openssl;
	struct fwd_crypto real;
	struct {
		struct fwd_sig sig;
		uint8_t point[FWD_POINT_MAX], bytes[FWD_SIG_MAX];
	} seen[KIT_CACHE];
	size_t n;
	/* faults */
	size_t calls;			/* of any kind */
	size_t fail_at;			/* 0: never */
	fwd_status fail_with;
};

static inline bool
kit_fails(struct kit_crypto *k)
{
	return ++k->calls == k->fail_at;
}

static inline fwd_status
kit_hash_start(void *ctx, int32_t alg)
{
	struct kit_crypto *const k = ctx;

	if (kit_fails(k))
		return k->fail_with;
	return k->real.hash_start(k->real.ctx, alg);
}

static inline fwd_status
kit_hash_add(void *ctx, const uint8_t *p, size_t n)
{
	struct kit_crypto *const k = ctx;

	if (kit_fails(k))
		return k->fail_with;
	return k->real.hash_add(k->real.ctx, p, n);
}

static inline fwd_status
kit_hash_end(void *ctx, uint8_t *out, size_t n)
{
	struct kit_crypto *const k = ctx;

	if (kit_fails(k))
		return k->fail_with;
	return k->real.hash_end(k->real.ctx, out, n);
}

static inline bool
kit_was_seen(const struct kit_crypto *k, size_t i, const struct fwd_sig *s)
{
	const struct fwd_sig *const t = &k->seen[i].sig;

	return t->alg == s->alg && t->digest_alg == s->digest_alg &&
	    t->key.type == s->key.type && t->digest_n == s->digest_n &&
	    memcmp(t->digest, s->digest, s->digest_n) == 0 &&
	    t->key.point.n == s->key.point.n &&
	    memcmp(k->seen[i].point, s->key.point.p, s->key.point.n) == 0 &&
	    t->sig.n == s->sig.n &&
	    memcmp(k->seen[i].bytes, s->sig.p, s->sig.n) == 0;
}

static inline fwd_status
kit_verify(void *ctx, const struct fwd_sig *s)
{
	struct kit_crypto *const k = ctx;
	fwd_status status;

	if (kit_fails(k))
		return k->fail_with;
	for (size_t i = 0; i < k->n; i++)
		if (kit_was_seen(k, i, s))
			return FWD_OK;
	status = k->real.verify(k->real.ctx, s);
	if (status == FWD_OK && k->n < KIT_CACHE &&
	    s->key.type != FWD_KEY_ED25519 && s->key.type != FWD_KEY_RSA) {
		k->seen[k->n].sig = *s;
		memcpy(k->seen[k->n].point, s->key.point.p, s->key.point.n);
		memcpy(k->seen[k->n].bytes, s->sig.p, s->sig.n);
		k->n++;
	}
	return status;
}

static inline struct fwd_crypto
kit_crypto_init(struct kit_crypto *k)
{
	memset(k, 0, sizeof *k);
	k->openssl = fwp_openssl_new();
	cr_assert_not_null(k->openssl);
	k->real = fwp_openssl_crypto(k->openssl);
	return (struct fwd_crypto){ k, kit_hash_start, kit_hash_add,
	    kit_hash_end, kit_verify };
}

/* ---- a device ------------------------------------------------------- */

#define KIT_VENDOR "11111111111111111111111111111111"
#define KIT_CLASS "22222222222222222222222222222222"
#define KIT_DEVICE "33333333333333333333333333333333"

enum { KIT_STORE = 4096, KIT_ENVELOPE = 65536, KIT_TRANSFER = 1 << 20,
	KIT_TRACE = 1 << 16 };

struct kit_store {
	uint8_t bytes[KIT_STORE];
	uint64_t size;			/* made room for */
	bool open, complete;
};

struct kit_dev {
	struct fwd_ctx ctx;
	struct fwd_port port;
	struct fwd_crypto crypto;
	struct kit_crypto kit;
	struct fwd_policy policy;

	struct fwd_span bundle;
	size_t at;
	uint64_t sequence_number, slot, capacity;
	int64_t now;
	bool unjudged;			/* identity and slot abstain */
	struct kit_store store[FWD_COMPONENTS_MAX];
	size_t spoil;			/* byte of what is stored, plus one,
					   that does not keep its value */
	unsigned begun, invoked;
	uint8_t args[64];
	size_t args_n;

	size_t calls, fail_at;		/* of the port, as in kit_crypto */
	fwd_status fail_with;

	char trace[KIT_TRACE];
	size_t trace_n;
	size_t events;

	uint8_t envelope[KIT_ENVELOPE];
	uint8_t transfer[KIT_TRANSFER];
};

static inline bool
kit_dev_fails(struct kit_dev *d)
{
	return ++d->calls == d->fail_at;
}

static inline fwd_status
kit_read(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	*got = d->bundle.n - d->at < n ? d->bundle.n - d->at : n;
	if (*got != 0)
		memcpy(buf, d->bundle.p + d->at, *got);
	d->at += *got;
	return FWD_OK;
}

static inline fwd_status
kit_identity(void *ctx, int64_t which, uint32_t component,
    const uint8_t *uuid)
{
	struct kit_dev *const d = ctx;
	const uint8_t want = which == FWD_PAR_VENDOR ? 0x11 :
	    which == FWD_PAR_CLASS ? 0x22 : 0x33;

	cr_assert_lt(component, d->ctx.components);
	if (kit_dev_fails(d))
		return d->fail_with;
	if (d->unjudged)
		return FWD_UNJUDGED;
	for (size_t i = 0; i < 16; i++)
		if (uuid[i] != want)
			return which == FWD_PAR_VENDOR ? FWD_E_VENDOR :
			    which == FWD_PAR_CLASS ? FWD_E_CLASS :
			    FWD_E_DEVICE;
	return FWD_OK;
}

static inline fwd_status
kit_component(void *ctx, uint32_t index, struct fwd_span id,
    uint64_t *capacity)
{
	struct kit_dev *const d = ctx;

	cr_assert_lt(index, FWD_COMPONENTS_MAX);
	if (kit_dev_fails(d))
		return d->fail_with;
	/* ['no'] is the one that the device does not have */
	if (id.n == 4 && memcmp(id.p, "\x81\x42no", 4) == 0)
		return FWD_E_COMPONENT;
	*capacity = d->capacity;
	return FWD_OK;
}

static inline fwd_status
kit_slot(void *ctx, uint32_t component, uint64_t slot)
{
	struct kit_dev *const d = ctx;

	cr_assert_lt(component, d->ctx.components);
	if (kit_dev_fails(d))
		return d->fail_with;
	if (d->unjudged)
		return FWD_UNJUDGED;
	return slot == d->slot ? FWD_OK : FWD_E_SLOT;
}

static inline fwd_status
kit_sequence_number(void *ctx, uint64_t *stored)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	*stored = d->sequence_number;
	return FWD_OK;
}

static inline fwd_status
kit_now(void *ctx, int64_t *now)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	*now = d->now;
	return FWD_OK;
}

static inline fwd_status
kit_store_begin(void *ctx, uint32_t component, uint64_t size)
{
	struct kit_dev *const d = ctx;
	struct kit_store *const s = &d->store[component];

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert_leq(size, KIT_STORE);
	memset(s, 0xff, sizeof s->bytes);
	s->size = 0;
	s->open = true;
	s->complete = false;
	d->begun++;
	return FWD_OK;
}

static inline fwd_status
kit_store_write(void *ctx, uint32_t component, uint64_t off,
    const uint8_t *p, size_t n)
{
	struct kit_dev *const d = ctx;
	struct kit_store *const s = &d->store[component];

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert(s->open && off == s->size && n != 0 && off + n <= KIT_STORE);
	memcpy(s->bytes + off, p, n);
	s->size += n;
	if (d->spoil > off && d->spoil <= s->size)
		s->bytes[d->spoil - 1] ^= 0x10;
	return FWD_OK;
}

static inline fwd_status
kit_store_end(void *ctx, uint32_t component)
{
	struct kit_dev *const d = ctx;
	struct kit_store *const s = &d->store[component];

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert(s->open);
	s->open = false;
	s->complete = true;
	return FWD_OK;
}

static inline fwd_status
kit_store_read(void *ctx, uint32_t component, uint64_t off, uint8_t *p,
    size_t n)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert(!d->store[component].open && off + n <= KIT_STORE);
	memcpy(p, d->store[component].bytes + off, n);
	return FWD_OK;
}

static inline fwd_status
kit_invoke(void *ctx, uint32_t component, struct fwd_span args)
{
	struct kit_dev *const d = ctx;

	if (kit_dev_fails(d))
		return d->fail_with;
	cr_assert(component < d->ctx.components && args.n <= sizeof d->args);
	if (args.n != 0)
		memcpy(d->args, args.p, args.n);
	d->args_n = args.n;
	d->invoked++;
	return FWD_OK;
}

static inline void
kit_trace(void *ctx, const struct fwd_event *ev)
{
	struct kit_dev *const d = ctx;
	char line[FWD_LINE_MAX];
	const size_t n = fwd_event_format(ev, line, sizeof line);

	cr_assert_eq(n, strlen(line));
	cr_assert_lt(n, sizeof line - 1);
	d->events++;
	if (d->trace_n + n + 2 > sizeof d->trace)
		return;
	memcpy(d->trace + d->trace_n, line, n);
	d->trace_n += n;
	d->trace[d->trace_n++] = '\n';
	d->trace[d->trace_n] = '\0';
}

static inline void
kit_store_on(struct kit_dev *d)
{
	d->port.store_begin = kit_store_begin;
	d->port.store_write = kit_store_write;
	d->port.store_end = kit_store_end;
	d->port.store_read = kit_store_read;
}

/* A device with one anchor, no clock and no storage. */
static inline struct kit_dev *
kit_dev_new(const struct fwd_anchor *anchor, size_t anchors)
{
	struct kit_dev *const d = calloc(1, sizeof *d);

	cr_assert_not_null(d);
	d->crypto = kit_crypto_init(&d->kit);
	d->policy = (struct fwd_policy){ .anchor = anchor, .anchors = anchors,
	    .threshold = 1, .clock = FWD_CLOCK_NONE, .time_min = INT64_MIN,
	    .purpose = fwd_code_signing };
	d->port = (struct fwd_port){ .ctx = d, .read = kit_read,
	    .identity = kit_identity, .component = kit_component,
	    .slot = kit_slot, .sequence_number = kit_sequence_number,
	    .now = kit_now, .trace = { kit_trace, d } };
	d->now = TP_NOT_BEFORE + 86400;
	d->capacity = KIT_STORE;
	/* The library must not need any of it to be zero. */
	memset(&d->ctx, 0xa5, sizeof d->ctx);
	d->ctx.port = &d->port;
	d->ctx.crypto = &d->crypto;
	d->ctx.policy = &d->policy;
	d->ctx.envelope = d->envelope;
	d->ctx.envelope_max = sizeof d->envelope;
	d->ctx.transfer = d->transfer;
	d->ctx.transfer_n = FWD_BLOCK;
	return d;
}

static inline void
kit_dev_free(struct kit_dev *d)
{
	fwp_openssl_free(d->kit.openssl);
	free(d);
}

static inline void
kit_dev_rewind(struct kit_dev *d)
{
	d->at = d->calls = d->kit.calls = d->trace_n = d->events = 0;
	d->begun = d->invoked = 0;
	d->trace[0] = '\0';
}

/* Judge a bundle from its beginning. */
static inline fwd_status
kit_check(struct kit_dev *d, struct fwd_span bundle)
{
	fwd_status s;

	kit_dev_rewind(d);
	d->bundle = bundle;
	s = fwd_bundle_check(&d->ctx);
	/* The refusal a caller shows is the verdict's. */
	cr_assert_eq(d->ctx.refusal.status, s);
	return s;
}

static inline fwd_status
kit_run(struct kit_dev *d, struct fwd_span envelope)
{
	fwd_status s;

	kit_dev_rewind(d);
	s = fwd_envelope_run(&d->ctx, envelope);
	cr_assert_eq(d->ctx.refusal.status, s);
	return s;
}

#endif
