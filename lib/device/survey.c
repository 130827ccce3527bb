/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All command sequences judged by their form before the first command is
 * executed, so that a malformed sequence is refused before anything is
 * written; and the payloads listed in the order in which they are fetched.
 */
#include "device/internal.h"

struct survey {
	struct fwd_ctx *ctx;
	int64_t section;
	uint32_t commands;
	uint32_t index;			/* bit i: commands are for component i,
					   perhaps */
	bool many;			/* the index is true or an array */
	bool unordered;			/* strict-order is false */
	bool isolate;			/* the next sequence is for one
					   component only */
	bool fixed;			/* the index must not be set again */
};

static fwd_status sequence(struct survey *s, struct fwd_span data,
    uint32_t depth);

/* A reporting policy: four bits (section 8.4.7). */
static fwd_status
check_policy(struct fwd_cbor *c)
{
	uint64_t policy;

	FWD_TRY(fwd_cbor_uint(c, &policy));
	return policy <= 15 ? FWD_OK : FWD_E_COMMAND;
}

/* Before anything is written: is there a signer for all that would be? */
static fwd_status
check_rights(const struct survey *s)
{
	for (uint32_t i = 0; i < s->ctx->man.components_n; i++)
		if ((s->index >> i & 1u) != 0)
			FWD_TRY(fwd_right_check(s->ctx, i));
	return FWD_OK;
}

static fwd_status
check_index(const struct survey *s, uint64_t index)
{
	return index < s->ctx->man.components_n ? FWD_OK : FWD_E_INDEX;
}

static uint32_t
every_component(const struct survey *s)
{
	return ((uint32_t)1 << s->ctx->man.components_n) - 1;
}

/* An index, true for all, or an array of indices (section 6.5). */
static fwd_status
check_index_argument(struct survey *s, struct fwd_cbor *c)
{
	uint64_t n, index;
	bool all;

	s->index = 0;
	s->many = fwd_cbor_peek(c) != FWD_CBOR_UINT;
	switch (fwd_cbor_peek(c)) {
	case FWD_CBOR_UINT:
		FWD_TRY(fwd_cbor_uint(c, &index));
		FWD_TRY(check_index(s, index));
		s->index = (uint32_t)1 << index;
		return FWD_OK;
	case FWD_CBOR_ARRAY:
		FWD_TRY(fwd_cbor_array(c, &n));
		if (n == 0 || n > s->ctx->man.components_n)
			return FWD_E_INDEX;
		for (; n > 0; n--) {
			FWD_TRY(fwd_cbor_uint(c, &index));
			FWD_TRY(check_index(s, index));
			s->index |= (uint32_t)1 << index;
		}
		return FWD_OK;
	default:
		FWD_TRY(fwd_cbor_bool(c, &all));
		s->index = every_component(s);
		return all ? FWD_OK : FWD_E_INDEX;
	}
}

/* Two alternatives at least; nil, meaning none, may be the last. */
static fwd_status
check_try_each(struct survey *s, struct fwd_cbor *c, uint32_t depth)
{
	struct fwd_span data;
	uint64_t n;

	FWD_TRY(fwd_cbor_array(c, &n));
	if (n < 2)
		return FWD_E_COMMAND;
	for (; n > 0; n--) {
		if (n == 1 && fwd_cbor_peek(c) == FWD_CBOR_SIMPLE)
			return fwd_cbor_nil(c);
		FWD_TRY(fwd_cbor_bytes(c, &data));
		FWD_TRY(sequence(s, data, depth + 1));
	}
	return FWD_OK;
}

/*
 * Run-sequence while strict-order is false (section 6.7): the sequence is for
 * one component from its beginning to its end, the one it names first, or each
 * of those that the index names.
 */
static fwd_status
check_isolated(struct survey *s, struct fwd_span data)
{
	struct fwd_sequence seq;
	struct fwd_command cmd;

	FWD_TRY(fwd_sequence_open(data, &seq));
	FWD_TRY(fwd_sequence_next(&seq, &cmd));
	return (cmd.code == FWD_DIR_SET_INDEX) != s->many ? FWD_OK :
	    FWD_E_INDEX;
}

static fwd_status
check_run(struct survey *s, struct fwd_cbor *c, uint32_t depth)
{
	const struct survey outer = *s;
	struct fwd_span data;

	FWD_TRY(fwd_cbor_bytes(c, &data));
	if (s->unordered) {
		FWD_TRY(check_isolated(s, data));
		s->isolate = !s->many;
		s->fixed |= s->many;
	}
	s->unordered = false;
	FWD_TRY(sequence(s, data, depth + 1));
	s->unordered = outer.unordered;
	s->fixed = outer.fixed;
	return FWD_OK;
}

/* Does the URI name an integrated payload, or a member of the bundle? */
static bool
is_fragment(struct fwd_span uri)
{
	return uri.n > 0 && uri.p[0] == '#';
}

/* Remember a payload, once. */
static fwd_status
add_payload(struct fwd_ctx *ctx, struct fwd_span uri)
{
	for (size_t i = 0; i < ctx->payload.n; i++)
		if (fwd_span_equal(ctx->payload.uri[i], uri))
			return FWD_OK;
	if (ctx->payload.n == FWD_PAYLOADS_MAX)
		return FWD_E_STEPS;
	ctx->payload.uri[ctx->payload.n++] = uri;
	return FWD_OK;
}

static fwd_status
check_parameters(struct survey *s, struct fwd_span arg, uint32_t depth)
{
	struct fwd_component scratch = { 0 };
	struct fwd_order order;
	fwd_status status;

	status = fwd_parameters_set(s->ctx, arg, &scratch, &order);
	if (status != FWD_OK)
		return fwd_tell(s->ctx, FWD_STEP_PARAMETER, status,
		    FWD_NO_INDEX, order.last);
	if (order.soft_set && depth == 0)	/* section 8.4.8.15 */
		return FWD_E_PARAMETER;
	if (order.strict_set)
		s->unordered = !order.strict;
	if ((scratch.set >> FWD_PAR_SOURCE & 1u) != 0) {
		FWD_TRY(check_index(s, scratch.source));
		FWD_TRY(fwd_right_check(s->ctx, (uint32_t)scratch.source));
		s->ctx->component[scratch.source].is_source = true;
	}
	if ((scratch.set >> FWD_PAR_URI & 1u) != 0 &&
	    (s->section == FWD_MAN_PAYLOAD_FETCH ||
	    s->section == FWD_MAN_INSTALL))
		return add_payload(s->ctx, scratch.uri);
	return FWD_OK;
}

/* Which sections a directive with side effects belongs to. */
static fwd_status
check_place(const struct survey *s, int64_t code)
{
	if (s->section == FWD_COMMON_SHARED)
		return FWD_E_SHARED;
	if (code == FWD_DIR_FETCH && s->section != FWD_MAN_PAYLOAD_FETCH &&
	    s->section != FWD_MAN_INSTALL)
		return FWD_E_COMMAND;
	if (code == FWD_DIR_INVOKE && s->section != FWD_MAN_INVOKE)
		return FWD_E_COMMAND;
	/* Validation compares what is there and changes nothing. */
	if (s->section == FWD_MAN_VALIDATE)
		return FWD_E_COMMAND;
	return FWD_OK;
}

/* Is swap enabled, and can the port do it? */
static fwd_status
check_swap(const struct survey *s)
{
	const struct fwd_port *const port = s->ctx->port;

	return (s->ctx->policy->flags & FWD_ALLOW_SWAP) != 0 &&
	    (port->store_begin == NULL || port->store_swap != NULL) ?
	    FWD_OK : FWD_E_DISABLED;
}

static fwd_status
command(struct survey *s, const struct fwd_command *cmd, uint32_t depth)
{
	struct fwd_cbor c = fwd_cbor_open(cmd->arg);

	switch (cmd->code) {
	case FWD_COND_VENDOR:
	case FWD_COND_CLASS:
	case FWD_COND_DEVICE:
	case FWD_COND_IMAGE:
	case FWD_COND_SLOT:
	case FWD_COND_CONTENT:
	case FWD_COND_ABORT:
	case FWD_COND_USE_BEFORE:
	case FWD_COND_NOT_IMAGE:
		return check_policy(&c);
	case FWD_COND_BATTERY:
	case FWD_COND_AUTHORIZED:
	case FWD_COND_VERSION:
		FWD_TRY(fwd_environment_has(s->ctx, cmd->code));
		return check_policy(&c);
	case FWD_DIR_WAIT:
		FWD_TRY(fwd_environment_has(s->ctx, cmd->code));
		if (s->section == FWD_COMMON_SHARED)
			return FWD_E_SHARED;
		return check_policy(&c);
	case FWD_DIR_SWAP:
		FWD_TRY(check_swap(s));
		FWD_TRY(check_place(s, cmd->code));
		FWD_TRY(check_rights(s));
		return check_policy(&c);
	case FWD_DIR_WRITE:
	case FWD_DIR_FETCH:
	case FWD_DIR_COPY:
	case FWD_DIR_INVOKE:
		FWD_TRY(check_place(s, cmd->code));
		FWD_TRY(check_rights(s));
		return check_policy(&c);
	case FWD_DIR_SET_INDEX:
		return s->fixed ? FWD_E_INDEX : check_index_argument(s, &c);
	case FWD_DIR_OVERRIDE:
		return check_parameters(s, cmd->arg, depth);
	case FWD_DIR_TRY_EACH:
		return check_try_each(s, &c, depth);
	case FWD_DIR_RUN:
		return check_run(s, &c, depth);
	default:
		return FWD_E_COMMAND;
	}
}

static fwd_status
sequence(struct survey *s, struct fwd_span data, uint32_t depth)
{
	struct fwd_sequence seq;
	struct fwd_command cmd;
	const struct survey outer = *s;
	const bool isolated = s->isolate;
	bool first = depth == 0 && s->ctx->man.components_n > 1;
	fwd_status status;

	if (depth >= FWD_DEPTH_MAX)
		return FWD_E_DEPTH;
	FWD_TRY(fwd_sequence_open(data, &seq));
	s->many = s->isolate = false;
	while (seq.left > 0) {
		if (++s->commands > FWD_STEPS_MAX)
			return FWD_E_STEPS;
		FWD_TRY(fwd_sequence_next(&seq, &cmd));
		if (first && cmd.code != FWD_DIR_SET_INDEX)
			return FWD_E_INDEX;	/* section 6.2 */
		first = false;
		status = command(s, &cmd, depth);
		if (status != FWD_OK)
			return fwd_tell(s->ctx, FWD_STEP_COMMAND, status,
			    FWD_NO_INDEX, cmd.code);
		s->fixed |= isolated;
	}
	s->index = outer.index;		/* as the interpreter restores it */
	s->many = outer.many;
	s->unordered = outer.unordered;
	return FWD_OK;
}

static fwd_status
section(struct fwd_ctx *ctx, int64_t key, struct fwd_span content)
{
	struct survey s = { .ctx = ctx, .section = key };
	fwd_status status;

	if (content.p == NULL)
		return FWD_OK;
	if (ctx->man.components_n == 1)	/* the index may be left out */
		s.index = 1;
	status = sequence(&s, content, 0);
	if (status != FWD_OK)
		return fwd_tell(ctx, FWD_STEP_SECTION, status, FWD_NO_INDEX,
		    key);
	return status;
}

/*
 * Each integrated payload has to be one that is fetched: no signature covers
 * the envelope's elements.  One whose name does not begin with '#' would never
 * be looked at, because that name means a member of the bundle.
 */
static fwd_status
check_integrated(struct fwd_ctx *ctx)
{
	struct fwd_member m;
	size_t at = 0, i;

	while (fwd_envelope_next(&ctx->env, &at, &m)) {
		if (m.key != 0)
			continue;
		for (i = 0; i < ctx->payload.n; i++)
			if (fwd_span_equal(ctx->payload.uri[i], m.name))
				break;
		if (i == ctx->payload.n || !is_fragment(m.name))
			return fwd_note(ctx, FWD_STEP_ENVELOPE,
			    FWD_E_UNREFERENCED, FWD_NO_INDEX, 0,
			    fwd_hint_text(m.name), fwd_hint_none());
	}
	return FWD_OK;
}

/*
 * Leave only what comes as a member: not what lies in the envelope.  The
 * envelope's own name is taken.
 */
static fwd_status
keep_members(struct fwd_ctx *ctx)
{
	size_t n = 0;

	for (size_t i = 0; i < ctx->payload.n; i++) {
		const struct fwd_span uri = ctx->payload.uri[i];

		if (is_fragment(uri) || fwd_uri_is_remote(ctx, uri))
			continue;
		if (fwd_span_equal(uri, fwd_envelope_member()))
			return fwd_note(ctx, FWD_STEP_PAYLOAD, FWD_E_MEMBER,
			    FWD_NO_INDEX, 0, fwd_hint_text(uri),
			    fwd_hint_none());
		ctx->payload.uri[n++] = uri;
	}
	ctx->payload.n = n;
	return FWD_OK;
}

fwd_status
fwd_sequences_survey(struct fwd_ctx *ctx)
{
	const struct fwd_manifest *const man = &ctx->man;

	ctx->payload.n = 0;
	ctx->payload.next = 0;
	FWD_TRY(section(ctx, FWD_COMMON_SHARED, man->shared));
	FWD_TRY(section(ctx, FWD_MAN_PAYLOAD_FETCH, man->fetch.content));
	FWD_TRY(section(ctx, FWD_MAN_INSTALL, man->install.content));
	FWD_TRY(section(ctx, FWD_MAN_VALIDATE, man->validate.content));
	FWD_TRY(section(ctx, FWD_MAN_LOAD, man->load.content));
	FWD_TRY(section(ctx, FWD_MAN_INVOKE, man->invoke.content));
	FWD_TRY(check_integrated(ctx));
	return keep_members(ctx);
}
