/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a manifest may ask about the state of the device
 * (draft-ietf-suit-update-management-14, sections 4.2 to 4.5 and 5.3 to 5.6).
 * The port knows the state; the forms and the order of versions are judged
 * here, so that no two ports differ.
 */
#include "device/internal.h"

/* Commands and parameters of one subject have one number. */
_Static_assert((int)FWD_COND_BATTERY == (int)FWD_PAR_BATTERY &&
    (int)FWD_COND_AUTHORIZED == (int)FWD_PAR_PRIORITY &&
    (int)FWD_COND_VERSION == (int)FWD_PAR_VERSION &&
    (int)FWD_DIR_WAIT == (int)FWD_PAR_WAIT, "numbers of the registries");

fwd_status
fwd_environment_has(const struct fwd_ctx *ctx, int64_t number)
{
	if (number < FWD_COND_BATTERY || number > FWD_DIR_WAIT)
		return FWD_OK;
	return ctx->port->environment != NULL ? FWD_OK : FWD_E_DISABLED;
}

/* ---- forms ----------------------------------------------------------- */

static bool
version_ok(const struct fwd_version *v)
{
	/* A pre-release is one of something (section 4.4.1). */
	return v->n != 0 && v->n <= FWD_VERSION_MAX && v->part[0] >= 0;
}

/* SUIT_Parameter_Version_Match */
static fwd_status
read_match(struct fwd_cbor *c, int64_t *comparison, struct fwd_version *v)
{
	uint64_t n;

	FWD_TRY(fwd_cbor_array(c, &n));
	if (n != 2)
		return FWD_E_PARAMETER;
	FWD_TRY(fwd_cbor_int(c, comparison));
	if (*comparison < FWD_VERSION_GREATER ||
	    *comparison > FWD_VERSION_LESSER)
		return FWD_E_PARAMETER;
	FWD_TRY(fwd_cbor_array(c, &n));
	if (n > FWD_VERSION_MAX)
		return FWD_E_PARAMETER;
	for (size_t i = 0; i < n; i++)
		FWD_TRY(fwd_cbor_int(c, &v->part[i]));
	v->n = (size_t)n;
	return version_ok(v) ? FWD_OK : FWD_E_PARAMETER;
}

fwd_status
fwd_version_read(struct fwd_cbor *c, struct fwd_component *to)
{
	struct fwd_span wrapped;
	struct fwd_cbor inner;

	FWD_TRY(fwd_cbor_bytes(c, &wrapped));
	inner = fwd_cbor_open(wrapped);
	FWD_TRY(read_match(&inner, &to->comparison, &to->version));
	return fwd_cbor_end(&inner);
}

enum {					/* wait events, section 4.5 */
	WAIT_NETWORK = 3, WAIT_OTHER_DEVICE = 4, WAIT_LAST = 9,
};

/* An identifier and a list of comparisons. */
static fwd_status
read_other_device(struct fwd_cbor *c)
{
	struct fwd_version version;
	struct fwd_span device;
	int64_t comparison;
	uint64_t n;

	FWD_TRY(fwd_cbor_array(c, &n));
	if (n != 2)
		return FWD_E_PARAMETER;
	FWD_TRY(fwd_cbor_bytes(c, &device));
	FWD_TRY(fwd_cbor_array(c, &n));
	if (n == 0)
		return FWD_E_PARAMETER;
	for (; n > 0; n--)
		FWD_TRY(read_match(c, &comparison, &version));
	return FWD_OK;
}

static fwd_status
read_event(struct fwd_cbor *c)
{
	int64_t event, state;
	uint64_t when;

	FWD_TRY(fwd_cbor_int(c, &event));
	if (event <= 0 || event > WAIT_LAST)
		return FWD_E_PARAMETER;
	if (event <= WAIT_NETWORK)
		return fwd_cbor_int(c, &state);
	if (event == WAIT_OTHER_DEVICE)
		return read_other_device(c);
	return fwd_cbor_uint(c, &when);
}

fwd_status
fwd_wait_read(struct fwd_cbor *c, struct fwd_span *wait)
{
	struct fwd_cbor inner;
	struct fwd_cbor_map map;

	FWD_TRY(fwd_cbor_bytes(c, wait));
	inner = fwd_cbor_open(*wait);
	FWD_TRY(fwd_cbor_map(&inner, &map));
	if (map.left == 0)
		return FWD_E_PARAMETER;
	while (map.left > 0) {
		FWD_TRY(fwd_cbor_key(&inner, &map));
		FWD_TRY(read_event(&inner));
	}
	return fwd_cbor_end(&inner);
}

/* ---- versions -------------------------------------------------------- */

/*
 * As far as the manifest's version goes, and no further; what the component's
 * lacks is 0, so that 2.0-rc.1 comes before 2.0, and 2.0 is 2.0.0.
 */
static int
compare(const struct fwd_version *have, const struct fwd_version *want)
{
	int64_t part;

	for (size_t i = 0; i < want->n; i++) {
		part = i < have->n ? have->part[i] : 0;
		if (part != want->part[i])
			return part < want->part[i] ? -1 : 1;
	}
	return 0;
}

static bool
holds(const struct fwd_component *c, const struct fwd_version *have)
{
	const int order = compare(have, &c->version);

	switch (c->comparison) {
	case FWD_VERSION_GREATER:
		return order > 0;
	case FWD_VERSION_GREATER_EQUAL:
		return order >= 0;
	case FWD_VERSION_EQUAL:
		return order == 0;
	case FWD_VERSION_LESSER_EQUAL:
		return order <= 0;
	case FWD_VERSION_LESSER:
		return order < 0;
	default:
		return false;
	}
}

static fwd_status
judge_version(const struct fwd_component *c, const struct fwd_version *have)
{
	if (!version_ok(have))
		return FWD_E_API;
	if (!holds(c, have))
		return FWD_E_VERSION;
	if (!holds(fwd_launder_ptr(c), have))
		fwd_panic();
	return FWD_OK;
}

/* ---- asking ---------------------------------------------------------- */

fwd_status
fwd_environment_ask(const struct fwd_ctx *ctx, uint32_t i, int64_t code,
    struct fwd_hint *got)
{
	const struct fwd_component *const c = &ctx->component[i];
	struct fwd_question q = { 0 };

	FWD_TRY(fwd_environment_has(ctx, code));
	/* The priority is the one that may be left out. */
	if (code != FWD_COND_AUTHORIZED && (c->set >> code & 1u) == 0)
		return FWD_E_UNSET;
	if (code == FWD_COND_BATTERY) {
		q.battery = c->battery;
		*got = fwd_hint_uint(&ctx->component[i].battery);
	} else if (code == FWD_DIR_WAIT) {
		q.wait = c->wait;
		*got = fwd_hint_hex(q.wait);
	} else if ((c->set >> FWD_PAR_PRIORITY & 1u) != 0) {
		q.priority = c->priority;
	}
	FWD_TRY(ctx->port->environment(ctx->port->ctx, code, i, &q));
	return code == FWD_COND_VERSION ? judge_version(c, &q.version) :
	    FWD_OK;
}
