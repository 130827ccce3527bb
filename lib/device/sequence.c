/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command-sequence interpreter (draft-ietf-suit-manifest-37, sections 6.4
 * and 8.4.6 to 8.4.10).  Where the draft leaves a choice:
 *  - each section starts with no parameters set and the shared sequence run,
 *    which is run before validation even where there is nothing to validate;
 *  - the component index is restored after try-each and run-sequence;
 *  - commands are executed in order whether strict-order is set or not; it is
 *    scoped to its sequence as soft-failure is, try-each inherits it, and the
 *    survey has judged how it goes together with the component index;
 *  - a directive that fails, and that includes a try-each in which nothing
 *    fitted, ends the run whatever soft-failure says.
 */
#include "device/internal.h"

/* One sequence that is being executed. */
struct frame {
	uint32_t depth;
	bool soft;			/* the soft-failure parameter */
	bool unordered;			/* strict-order is false */
	/* Components that were written and read since it is: bit i */
	uint32_t targets, sources;
	const struct frame *outer;
};

static fwd_status run(struct fwd_ctx *ctx, struct fwd_span data,
    struct frame *frame, bool *soft_failed);

static bool
any_profile(const struct fwd_ctx *ctx)
{
	return (ctx->policy->flags & FWD_ANY_PROFILE) != 0;
}

/* ---- conditions ------------------------------------------------------ */

static bool
is_condition(int64_t code)
{
	return code == FWD_COND_VENDOR || code == FWD_COND_CLASS ||
	    code == FWD_COND_DEVICE || code == FWD_COND_IMAGE ||
	    code == FWD_COND_SLOT || code == FWD_COND_CONTENT ||
	    code == FWD_COND_ABORT || code == FWD_COND_USE_BEFORE ||
	    code == FWD_COND_NOT_IMAGE || code == FWD_COND_BATTERY ||
	    code == FWD_COND_AUTHORIZED || code == FWD_COND_VERSION;
}

/* A condition that does not hold, as opposed to one that broke down. */
static bool
is_no(fwd_status s)
{
	return s == FWD_E_VENDOR || s == FWD_E_CLASS || s == FWD_E_DEVICE ||
	    s == FWD_E_IMAGE || s == FWD_E_SLOT || s == FWD_E_CONTENT ||
	    s == FWD_E_ABORT || s == FWD_E_USE_BEFORE || s == FWD_E_UNSET ||
	    s == FWD_E_SAME_IMAGE || s == FWD_E_BATTERY ||
	    s == FWD_E_UNAUTHORIZED || s == FWD_E_VERSION;
}

/* The port's answer is a verdict only if the policy lets it abstain. */
static fwd_status
answer(const struct fwd_ctx *ctx, fwd_status s)
{
	if (s == FWD_UNJUDGED && (ctx->policy->flags & FWD_NO_DEVICE) == 0)
		return FWD_E_API;
	return s;
}

static fwd_status
identity(struct fwd_ctx *ctx, uint32_t i, int64_t which, struct fwd_span uuid,
    struct fwd_hint *got)
{
	if ((ctx->component[i].set >> which & 1u) == 0)
		return FWD_E_UNSET;
	*got = fwd_hint_hex(uuid);
	return ctx->port->identity(ctx->port->ctx, which, i, uuid.p);
}

static fwd_status
slot(struct fwd_ctx *ctx, uint32_t i, struct fwd_hint *got)
{
	const struct fwd_component *const c = &ctx->component[i];

	if ((c->set >> FWD_PAR_SLOT & 1u) == 0)
		return FWD_E_UNSET;
	*got = fwd_hint_uint(&c->slot);
	return ctx->port->slot(ctx->port->ctx, i, c->slot);
}

static fwd_status
condition(struct fwd_ctx *ctx, uint32_t i, int64_t code)
{
	struct fwd_component *const c = &ctx->component[i];
	struct fwd_hint got = fwd_hint_none(), want = fwd_hint_none();
	uint8_t digest[FWD_DIGEST_MAX];
	size_t n = 0;
	fwd_status s;

	switch (code) {
	case FWD_COND_VENDOR:
		s = identity(ctx, i, FWD_PAR_VENDOR, c->vendor, &got);
		break;
	case FWD_COND_CLASS:
		s = identity(ctx, i, FWD_PAR_CLASS, c->class_id, &got);
		break;
	case FWD_COND_DEVICE:
		s = identity(ctx, i, FWD_PAR_DEVICE, c->device, &got);
		break;
	case FWD_COND_SLOT:
		s = slot(ctx, i, &got);
		break;
	case FWD_COND_BATTERY:
	case FWD_COND_AUTHORIZED:
	case FWD_COND_VERSION:
		s = fwd_environment_ask(ctx, i, code, &got);
		break;
	case FWD_COND_IMAGE:
	case FWD_COND_NOT_IMAGE:
		s = code == FWD_COND_IMAGE ?
		    fwd_component_match(ctx, i, digest, &n) :
		    fwd_component_mismatch(ctx, i, digest, &n);
		if (n != 0)
			got = fwd_hint_hex(fwd_span_of(digest, n));
		if ((c->set >> FWD_PAR_DIGEST & 1u) != 0)
			want = fwd_hint_hex(c->digest.bytes);
		break;
	case FWD_COND_CONTENT:
		s = fwd_component_content(ctx, i);
		break;
	case FWD_COND_USE_BEFORE:	/* no port is asked */
		s = fwd_use_before(ctx, i, &got, &want);
		return fwd_note(ctx, FWD_STEP_COMMAND, s, i, code, got, want);
	default:
		s = FWD_E_ABORT;
		break;
	}
	return fwd_note(ctx, FWD_STEP_COMMAND, answer(ctx, s), i, code, got,
	    want);
}

/* Remember which identities the shared sequence has asked for. */
static void
remember_identity(struct fwd_ctx *ctx, uint32_t i, int64_t code)
{
	if (ctx->seq.section != FWD_COMMON_SHARED)
		return;
	if (code == FWD_COND_VENDOR)
		ctx->component[i].vendor_ok = true;
	if (code == FWD_COND_CLASS)
		ctx->component[i].class_ok = true;
}

/* ---- directives ------------------------------------------------------ */

static void
set_index(struct fwd_ctx *ctx, uint32_t i)
{
	ctx->seq.list[0] = i;
	ctx->seq.n = 1;
}

/* The survey has seen to it that the argument is well-formed. */
static fwd_status
set_component_index(struct fwd_ctx *ctx, struct fwd_span arg)
{
	struct fwd_cbor c = fwd_cbor_open(arg);
	uint64_t n = ctx->components, index;
	bool all;

	switch (fwd_cbor_peek(&c)) {
	case FWD_CBOR_UINT:
		n = 1;
		break;
	case FWD_CBOR_ARRAY:
		FWD_TRY(fwd_cbor_array(&c, &n));
		break;
	default:
		FWD_TRY(fwd_cbor_bool(&c, &all));
		for (uint32_t i = 0; i < ctx->components; i++)
			ctx->seq.list[i] = i;
		ctx->seq.n = ctx->components;
		return FWD_OK;
	}
	if (n > ctx->components)
		return FWD_E_INDEX;
	for (uint32_t i = 0; i < n; i++) {
		FWD_TRY(fwd_cbor_uint(&c, &index));
		if (index >= ctx->components)
			return FWD_E_INDEX;
		ctx->seq.list[i] = (uint32_t)index;
	}
	ctx->seq.n = (uint32_t)n;
	return FWD_OK;
}

/* What a command writes and reads. */
static void
note_use(struct fwd_ctx *ctx, uint32_t i, int64_t code, struct frame *use)
{
	const struct fwd_component *const c = &ctx->component[i];
	const bool swap = code == FWD_DIR_SWAP;

	if (swap || code == FWD_DIR_FETCH || code == FWD_DIR_COPY ||
	    code == FWD_DIR_WRITE)
		use->targets |= (uint32_t)1 << i;
	if ((!swap && code != FWD_DIR_COPY) ||
	    (c->set >> FWD_PAR_SOURCE & 1u) == 0 ||
	    c->source >= ctx->components)
		return;
	use->sources |= (uint32_t)1 << c->source;
	if (swap) {
		use->targets |= (uint32_t)1 << c->source;
		use->sources |= (uint32_t)1 << i;
	}
}

static bool
clash(const struct frame *a, const struct frame *b)
{
	return (a->targets & b->sources) != 0 ||
	    (a->sources & b->targets) != 0;
}

/* What a sequence has used, its enclosing one has. */
static void
merge(struct frame *outer, const struct frame *use)
{
	outer->targets |= use->targets;
	outer->sources |= use->sources;
}

/*
 * Without strict order no component may be a target and a source (section
 * 6.7); one after the other within a sequence of its own it may.  Judged
 * before the command is executed, against what was before it in each sequence
 * around it.
 */
static fwd_status
check_order(struct fwd_ctx *ctx, uint32_t i, int64_t code,
    struct frame *frame)
{
	struct frame use = { 0 };

	note_use(ctx, i, code, &use);
	if (frame->unordered && clash(&use, &use))
		return FWD_E_ORDER;	/* a swap is both by itself */
	for (const struct frame *f = frame; f != NULL; f = f->outer)
		if (f->unordered && clash(f, &use))
			return FWD_E_ORDER;
	merge(frame, &use);
	return FWD_OK;
}

static fwd_status
try_each(struct fwd_ctx *ctx, uint32_t i, struct fwd_span arg,
    struct frame *outer)
{
	struct fwd_cbor c = fwd_cbor_open(arg);
	struct frame frame;
	struct fwd_span data;
	bool soft_failed;
	fwd_status s;
	uint64_t n;

	FWD_TRY(fwd_cbor_array(&c, &n));
	for (; n > 0; n--) {
		if (n == 1 && fwd_cbor_peek(&c) == FWD_CBOR_SIMPLE)
			return FWD_OK;	/* nil: none has to fit */
		FWD_TRY(fwd_cbor_bytes(&c, &data));
		frame = (struct frame){ .depth = outer->depth + 1,
		    .soft = true, .unordered = outer->unordered,
		    .outer = outer };
		set_index(ctx, i);
		s = run(ctx, data, &frame, &soft_failed);
		merge(outer, &frame);
		if (s == FWD_OK || !soft_failed)
			return s;
	}
	return FWD_E_TRIED_ALL;
}

static fwd_status
run_sequence(struct fwd_ctx *ctx, uint32_t i, struct fwd_span arg,
    struct frame *outer)
{
	struct fwd_cbor c = fwd_cbor_open(arg);
	struct frame frame = { .depth = outer->depth + 1, .outer = outer };
	struct fwd_span data;
	bool soft_failed;
	fwd_status s;

	FWD_TRY(fwd_cbor_bytes(&c, &data));
	set_index(ctx, i);
	s = run(ctx, data, &frame, &soft_failed);
	merge(outer, &frame);
	return soft_failed ? FWD_OK : s;
}

static fwd_status
override_parameters(struct fwd_ctx *ctx, uint32_t i, struct fwd_span arg,
    struct frame *frame)
{
	struct fwd_order order;

	FWD_TRY(fwd_parameters_set(ctx, arg, &ctx->component[i], &order));
	if (order.strict_set && frame->unordered == order.strict) {
		frame->unordered = !order.strict;
		if (frame->unordered)	/* all before it is complete */
			frame->targets = frame->sources = 0;
	}
	if (order.soft_set) {
		if (frame->depth == 0)
			return FWD_E_PARAMETER;
		frame->soft = order.soft;
	}
	return FWD_OK;
}

static fwd_status
invoke(struct fwd_ctx *ctx, uint32_t i)
{
	const struct fwd_component *const c = &ctx->component[i];

	if (c->written || (!c->validated && !any_profile(ctx)))
		return FWD_E_UNCHECKED_IMAGE;
	if (fwd_launder(c->written) != 0 ||
	    (fwd_launder(c->validated) == 0 && !any_profile(ctx)))
		fwd_panic();
	FWD_TRY(fwd_right_check(ctx, i));
	if (ctx->port->invoke == NULL)
		return FWD_OK;
	return ctx->port->invoke(ctx->port->ctx, i, c->args);
}

static fwd_status
wait(struct fwd_ctx *ctx, uint32_t i)
{
	struct fwd_hint got = fwd_hint_none();

	return answer(ctx, fwd_environment_ask(ctx, i, FWD_DIR_WAIT, &got));
}

static fwd_status
directive(struct fwd_ctx *ctx, uint32_t i, const struct fwd_command *cmd,
    struct frame *frame)
{
	FWD_TRY(check_order(ctx, i, cmd->code, frame));
	switch (cmd->code) {
	case FWD_DIR_OVERRIDE:
		return override_parameters(ctx, i, cmd->arg, frame);
	case FWD_DIR_TRY_EACH:
		return try_each(ctx, i, cmd->arg, frame);
	case FWD_DIR_RUN:
		return run_sequence(ctx, i, cmd->arg, frame);
	case FWD_DIR_FETCH:
		return fwd_component_fetch(ctx, i);
	case FWD_DIR_COPY:
		return fwd_component_copy(ctx, i);
	case FWD_DIR_WRITE:
		return fwd_component_write(ctx, i);
	case FWD_DIR_SWAP:
		return fwd_component_swap(ctx, i);
	case FWD_DIR_INVOKE:
		return invoke(ctx, i);
	case FWD_DIR_WAIT:
		return wait(ctx, i);
	default:
		return FWD_E_COMMAND;
	}
}

/* ---- the loop -------------------------------------------------------- */

static fwd_status
count_step(struct fwd_ctx *ctx)
{
	return ++ctx->seq.steps > FWD_STEPS_MAX ? FWD_E_STEPS : FWD_OK;
}

/* The reporting policy of a command, 0 for those without (8.4.7). */
static uint32_t
reporting(const struct fwd_command *cmd)
{
	struct fwd_cbor c = fwd_cbor_open(cmd->arg);
	uint64_t policy;

	if (cmd->code == FWD_DIR_SET_INDEX ||
	    fwd_cbor_uint(&c, &policy) != FWD_OK)
		return 0;
	return (uint32_t)policy;
}

/* One command for one component. */
static fwd_status
execute_for(struct fwd_ctx *ctx, uint32_t i, const struct fwd_command *cmd,
    struct frame *frame)
{
	fwd_status s;

	FWD_TRY(count_step(ctx));
	ctx->seq.policy = reporting(cmd);
	if (is_condition(cmd->code)) {
		s = condition(ctx, i, cmd->code);
		if (s == FWD_UNJUDGED)	/* only if the policy allows it */
			s = FWD_OK;
		FWD_TRY(s);
		remember_identity(ctx, i, cmd->code);
		return FWD_OK;
	}
	s = directive(ctx, i, cmd, frame);
	ctx->seq.policy = reporting(cmd);	/* after those it ran */
	s = fwd_tell(ctx, FWD_STEP_COMMAND, s, i, cmd->code);
	/* A wait that nobody can answer for, as the policy allows. */
	return s == FWD_UNJUDGED && cmd->code == FWD_DIR_WAIT ? FWD_OK : s;
}

/* One command for each component the index names (section 6.5). */
static fwd_status
execute(struct fwd_ctx *ctx, const struct fwd_command *cmd,
    struct frame *frame)
{
	uint32_t list[FWD_COMPONENTS_MAX];
	const uint32_t n = ctx->seq.n;
	uint32_t k;

	if (cmd->code == FWD_DIR_SET_INDEX) {
		FWD_TRY(count_step(ctx));
		ctx->seq.policy = 0;
		return fwd_note(ctx, FWD_STEP_COMMAND,
		    set_component_index(ctx, cmd->arg), FWD_NO_INDEX,
		    cmd->code, fwd_hint_hex(cmd->arg), fwd_hint_none());
	}
	if (n == 0)
		return FWD_E_INDEX;
	/* Nested sequences set the index, for themselves only. */
	memcpy(list, ctx->seq.list, n * sizeof list[0]);
	for (k = 0; k < n; k++)
		FWD_TRY(execute_for(ctx, list[k], cmd, frame));
	if (fwd_launder(k) != n)
		fwd_panic();
	memcpy(ctx->seq.list, list, n * sizeof list[0]);
	ctx->seq.n = n;
	return FWD_OK;
}

static fwd_status
run(struct fwd_ctx *ctx, struct fwd_span data, struct frame *frame,
    bool *soft_failed)
{
	struct fwd_sequence seq;
	struct fwd_command cmd;
	fwd_status s;

	*soft_failed = false;
	if (frame->depth >= FWD_DEPTH_MAX)
		return FWD_E_DEPTH;
	FWD_TRY(fwd_sequence_open(data, &seq));
	while (seq.left > 0) {
		FWD_TRY(fwd_sequence_next(&seq, &cmd));
		s = execute(ctx, &cmd, frame);
		if (s != FWD_OK && is_condition(cmd.code) && is_no(s))
			*soft_failed = frame->soft;
		FWD_TRY(s);
	}
	if (fwd_launder64(seq.left) != 0)
		fwd_panic();		/* no command was left out */
	return FWD_OK;
}

/* ---- sections -------------------------------------------------------- */

static void
clear_parameters(struct fwd_ctx *ctx)
{
	for (uint32_t i = 0; i < ctx->components; i++) {
		ctx->component[i].set = 0;
		ctx->component[i].vendor_ok = false;
		ctx->component[i].class_ok = false;
		ctx->component[i].args = fwd_span_of(NULL, 0);
	}
}

static fwd_status
run_top(struct fwd_ctx *ctx, int64_t key, struct fwd_span data)
{
	struct frame frame = { 0 };
	bool soft_failed;

	if (data.p == NULL)
		return FWD_OK;
	ctx->seq.section = key;
	ctx->seq.n = 0;
	if (ctx->components == 1)	/* the index may be left out */
		set_index(ctx, 0);
	return fwd_tell(ctx, FWD_STEP_SECTION, run(ctx, data, &frame,
	    &soft_failed), FWD_NO_INDEX, key);
}

/* Whatever a section has written, it has to have matched as well. */
static fwd_status
check_written(struct fwd_ctx *ctx)
{
	if (any_profile(ctx))
		return FWD_OK;
	for (uint32_t i = 0; i < ctx->components; i++) {
		const struct fwd_component *const c = &ctx->component[i];

		if (c->written || (ctx->seq.section == FWD_MAN_VALIDATE &&
		    c->ever_written && !c->copied_from && !c->validated))
			return fwd_tell(ctx, FWD_STEP_COMPONENT,
			    FWD_E_UNCHECKED_IMAGE, i, 0);
	}
	return FWD_OK;
}

static struct fwd_span
content_of(const struct fwd_manifest *man, int64_t key)
{
	switch (key) {
	case FWD_MAN_PAYLOAD_FETCH:
		return man->fetch.content;
	case FWD_MAN_INSTALL:
		return man->install.content;
	case FWD_MAN_VALIDATE:
		return man->validate.content;
	case FWD_MAN_LOAD:
		return man->load.content;
	case FWD_MAN_INVOKE:
		return man->invoke.content;
	default:
		return fwd_span_of(NULL, 0);
	}
}

fwd_status
fwd_section_run(struct fwd_ctx *ctx, int64_t key)
{
	const struct fwd_span content = content_of(&ctx->man, key);

	ctx->seq.steps = 0;
	clear_parameters(ctx);
	/* The shared sequence is judged even if nothing else is there. */
	if (content.p != NULL || key == FWD_MAN_VALIDATE) {
		FWD_TRY(run_top(ctx, FWD_COMMON_SHARED, ctx->man.shared));
		FWD_TRY(run_top(ctx, key, content));
	}
	ctx->seq.section = key;
	return check_written(ctx);
}
