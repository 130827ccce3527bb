/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of commands (draft-ietf-suit-manifest-37, section 8.4.8). */
#include "device/internal.h"

enum { UUID_SIZE = 16 };

static fwd_status
read_uuid(struct fwd_cbor *c, struct fwd_span *v)
{
	FWD_TRY(fwd_cbor_bytes(c, v));
	return v->n == UUID_SIZE ? FWD_OK : FWD_E_PARAMETER;
}

/* A SUIT_Digest, wrapped in a byte string like all encoded parameters. */
static fwd_status
read_digest(struct fwd_cbor *c, struct fwd_digest *v)
{
	struct fwd_span wrapped;
	struct fwd_cbor inner;

	FWD_TRY(fwd_cbor_bytes(c, &wrapped));
	inner = fwd_cbor_open(wrapped);
	FWD_TRY(fwd_digest_read(&inner, v));
	return fwd_cbor_end(&inner);
}

static fwd_status
read_strict_order(const struct fwd_ctx *ctx, struct fwd_cbor *c,
    struct fwd_order *order)
{
	order->strict_set = true;
	FWD_TRY(fwd_cbor_bool(c, &order->strict));
	return order->strict ||
	    (ctx->policy->flags & FWD_ALLOW_UNORDERED) != 0 ? FWD_OK :
	    FWD_E_DISABLED;
}

static fwd_status
set_one(const struct fwd_ctx *ctx, struct fwd_cbor *c, int64_t key,
    struct fwd_component *to, struct fwd_order *order)
{
	switch (key) {
	case FWD_PAR_VENDOR:
		return read_uuid(c, &to->vendor);
	case FWD_PAR_CLASS:
		return read_uuid(c, &to->class_id);
	case FWD_PAR_DEVICE:
		return read_uuid(c, &to->device);
	case FWD_PAR_DIGEST:
		return read_digest(c, &to->digest);
	case FWD_PAR_SIZE:
		return fwd_cbor_uint(c, &to->size);
	case FWD_PAR_SLOT:
		return fwd_cbor_uint(c, &to->slot);
	case FWD_PAR_USE_BEFORE:
		return fwd_cbor_uint(c, &to->use_before);
	case FWD_PAR_SOURCE:
		return fwd_cbor_uint(c, &to->source);
	case FWD_PAR_URI:
		return fwd_cbor_text(c, &to->uri);
	case FWD_PAR_CONTENT:
		return fwd_cbor_bytes(c, &to->content);
	case FWD_PAR_INVOKE_ARGS:
		return fwd_cbor_bytes(c, &to->args);
	case FWD_PAR_STRICT_ORDER:
		return read_strict_order(ctx, c, order);
	case FWD_PAR_SOFT_FAILURE:
		order->soft_set = true;
		return fwd_cbor_bool(c, &order->soft);
	case FWD_PAR_BATTERY:
		return fwd_cbor_uint(c, &to->battery);
	case FWD_PAR_PRIORITY:
		return fwd_cbor_int(c, &to->priority);
	case FWD_PAR_VERSION:
		return fwd_version_read(c, to);
	case FWD_PAR_WAIT:
		return fwd_wait_read(c, &to->wait);
	case FWD_PAR_FETCH_ARGS:	/* no device of ours knows any */
		return FWD_E_DISABLED;
	default:
		return FWD_E_PARAMETER;
	}
}

fwd_status
fwd_parameters_set(const struct fwd_ctx *ctx, struct fwd_span map,
    struct fwd_component *to, struct fwd_order *order)
{
	struct fwd_cbor c = fwd_cbor_open(map);
	struct fwd_cbor_map m;
	int64_t key;

	*order = (struct fwd_order){ 0 };
	FWD_TRY(fwd_cbor_map(&c, &m));
	if (m.left == 0)
		return FWD_E_PARAMETER;
	while (m.left > 0) {
		FWD_TRY(fwd_cbor_key(&c, &m));
		FWD_TRY(fwd_cbor_int(&c, &key));
		order->last = key;
		FWD_TRY(fwd_environment_has(ctx, key));
		FWD_TRY(set_one(ctx, &c, key, to, order));
		to->set |= (uint32_t)1 << key;	/* keys known are below 32 */
	}
	return fwd_cbor_end(&c);
}
