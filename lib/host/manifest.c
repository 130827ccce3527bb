/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a descriptor to a SUIT manifest, by the draft's templates (section 7).
 *
 * Where the draft leaves open whether parameters live on from one sequence to
 * the next, the manifest means the same either way: what the shared sequence
 * sets is there before each sequence because the shared sequence runs first,
 * and every other parameter is set in each sequence that uses it.  Nothing
 * inside a try-each changes the component index.
 */
#include <string.h>

#include "host/build.h"
#include "host/internal.h"

enum {					/* reporting policies, as the draft's
					   examples have them */
	REPORT_CONDITION = 15, REPORT_SLOT = 5, REPORT_DIRECTIVE = 2
};

/* A command sequence being written. */
struct sequence {
	struct fw_cbor body;
	uint64_t items;
};

static void
sequence_deinit(struct sequence *s)
{
	fw_cbor_deinit(&s->body);
}

/* A command whose argument is a number. */
static void
command(struct sequence *s, uint64_t code, uint64_t arg)
{
	fw_cbor_uint(&s->body, code);
	fw_cbor_uint(&s->body, arg);
	s->items += 2;
}

/* An override-parameters of n parameters, which the caller adds. */
static void
override(struct sequence *s, uint64_t n)
{
	fw_cbor_uint(&s->body, FWD_DIR_OVERRIDE);
	fw_cbor_map(&s->body, n);
	s->items += 2;
}

static void
override_uint(struct sequence *s, uint64_t key, uint64_t v)
{
	override(s, 1);
	fw_cbor_uint(&s->body, key);
	fw_cbor_uint(&s->body, v);
}

/* Append the sequence as a byte string; s is empty afterwards. */
static void
sequence_wrap(struct fw_cbor *c, struct sequence *s)
{
	struct fw_cbor whole = { 0 };

	fw_cbor_array(&whole, s->items);
	fw_cbor_raw(&whole, s->body.out.p, s->body.out.n);
	whole.failed |= s->body.failed;
	fw_cbor_wrap(c, &whole);
	sequence_deinit(s);
	s->items = 0;
}

/* What is needed everywhere below. */
struct plan {
	const struct fw_descriptor *d;
	const struct fw_measures *m;
	size_t n;			/* components, staging ones too */
	size_t staging[FWD_COMPONENTS_MAX];	/* index of each one's */
};

/* Make component i the one that commands apply to. */
static void
select_component(struct sequence *s, const struct plan *p, size_t i)
{
	if (p->n > 1)
		command(s, FWD_DIR_SET_INDEX, i);
}

void
fw_cbor_digest(struct fw_cbor *c, int32_t alg, const uint8_t *digest)
{
	fw_cbor_array(c, 2);
	fw_cbor_int(c, alg);
	fw_cbor_bytes(c, digest, fwd_digest_size(alg));
}

/* The parameters digest and size, keys and values. */
static void
image_parameters(struct sequence *s, const struct plan *p,
    const struct fw_measure *m)
{
	struct fw_cbor digest = { 0 };

	fw_cbor_digest(&digest, p->d->digest_alg, m->digest);
	fw_cbor_uint(&s->body, FWD_PAR_DIGEST);
	fw_cbor_wrap(&s->body, &digest);
	fw_cbor_uint(&s->body, FWD_PAR_SIZE);
	fw_cbor_uint(&s->body, m->size);
}

/*
 * Commands that depend on the slot a component stands in: for each slot check
 * it, then what one() adds for image i.  With one slot there is nothing to
 * choose, and a try-each must have two alternatives.
 */
static void
per_slot(struct sequence *s, const struct plan *p, size_t component,
    void (*one)(struct sequence *s, const struct plan *p, size_t component,
    size_t image))
{
	const struct fw_component *const co = &p->d->component[component];
	struct sequence each = { 0 };
	size_t i;

	if (co->images > 1) {
		fw_cbor_uint(&s->body, FWD_DIR_TRY_EACH);
		fw_cbor_array(&s->body, co->images);
		s->items += 2;
	}
	for (i = 0; i < co->images; i++) {
		struct sequence *const to = co->images > 1 ? &each : s;

		override_uint(to, FWD_PAR_SLOT, co->image[i].slot);
		command(to, FWD_COND_SLOT, REPORT_SLOT);
		one(to, p, component, i);
		if (to == &each)
			sequence_wrap(&s->body, &each);
	}
}

static void
set_image(struct sequence *s, const struct plan *p, size_t component,
    size_t image)
{
	override(s, 2);
	image_parameters(s, p, &p->m->image[component][image]);
}

static void
set_uri(struct sequence *s, const struct plan *p, size_t component,
    size_t image)
{
	override(s, 1);
	fw_cbor_uint(&s->body, FWD_PAR_URI);
	fw_cbor_text(&s->body, p->d->component[component].image[image].name);
}

/*
 * Compatibility check (7.1) of one component, with the digest and size of its
 * image (7.2, 7.3; by slot 7.7).  index is its own or that of its staging
 * component.
 */
static void
shared_component(struct sequence *s, const struct plan *p, size_t component,
    size_t index)
{
	const struct fw_descriptor *const d = p->d;
	const struct fw_component *const co = &d->component[component];
	const uint64_t identity = d->has_device_id ? 3 : 2;

	select_component(s, p, index);
	override(s, co->slotted ? identity : identity + 2);
	fw_cbor_uint(&s->body, FWD_PAR_VENDOR);
	fw_cbor_bytes(&s->body, d->vendor_id, sizeof d->vendor_id);
	fw_cbor_uint(&s->body, FWD_PAR_CLASS);
	fw_cbor_bytes(&s->body, d->class_id, sizeof d->class_id);
	if (!co->slotted)
		image_parameters(s, p, &p->m->image[component][0]);
	if (d->has_device_id) {
		fw_cbor_uint(&s->body, FWD_PAR_DEVICE);
		fw_cbor_bytes(&s->body, d->device_id, sizeof d->device_id);
	}
	if (co->slotted)
		per_slot(s, p, component, set_image);
	command(s, FWD_COND_VENDOR, REPORT_CONDITION);
	command(s, FWD_COND_CLASS, REPORT_CONDITION);
	if (d->has_device_id)
		command(s, FWD_COND_DEVICE, REPORT_CONDITION);
}

/* Fetch an image into a component and match it (7.3, 7.5, 7.7). */
static void
fetch_component(struct sequence *s, const struct plan *p, size_t component,
    size_t index)
{
	select_component(s, p, index);
	if (p->d->component[component].slotted)
		per_slot(s, p, component, set_uri);
	else
		set_uri(s, p, component, 0);
	command(s, FWD_DIR_FETCH, REPORT_DIRECTIVE);
	command(s, FWD_COND_IMAGE, REPORT_CONDITION);
}

static void
shared_sequence(struct sequence *s, const struct plan *p)
{
	const struct fw_descriptor *const d = p->d;
	size_t i;

	for (i = 0; i < d->components; i++)
		shared_component(s, p, i, i);
	for (i = 0; i < d->components; i++)
		if (d->component[i].staged)
			shared_component(s, p, i, p->staging[i]);
}

/*
 * Before anything is written: is it too late?  Not in the shared sequence, or
 * what was installed in time would not boot afterwards.
 */
static void
use_before(struct sequence *s, const struct plan *p, size_t index)
{
	if (p->d->use_before == 0)
		return;
	select_component(s, p, index);
	override_uint(s, FWD_PAR_USE_BEFORE, (uint64_t)p->d->use_before);
	command(s, FWD_COND_USE_BEFORE, REPORT_CONDITION);
}

static void
fetch_sequence(struct sequence *s, const struct plan *p)
{
	size_t i;

	for (i = 0; i < p->d->components; i++) {
		if (!p->d->component[i].staged)
			continue;
		if (s->items == 0)
			use_before(s, p, p->staging[i]);
		fetch_component(s, p, i, p->staging[i]);
	}
}

static void
install_sequence(struct sequence *s, const struct plan *p)
{
	size_t i;

	use_before(s, p, 0);
	for (i = 0; i < p->d->components; i++) {
		if (!p->d->component[i].staged) {
			fetch_component(s, p, i, i);
			continue;
		}
		select_component(s, p, i);
		override_uint(s, FWD_PAR_SOURCE, p->staging[i]);
		command(s, FWD_DIR_COPY, REPORT_DIRECTIVE);
		command(s, FWD_COND_IMAGE, REPORT_CONDITION);
	}
}

static void
validate_sequence(struct sequence *s, const struct plan *p)
{
	size_t i;

	for (i = 0; i < p->d->components; i++) {
		select_component(s, p, i);
		command(s, FWD_COND_IMAGE, REPORT_CONDITION);
	}
}

static void
invoke_sequence(struct sequence *s, const struct plan *p)
{
	const struct fw_component *co;
	size_t i;

	for (i = 0; i < p->d->components; i++) {
		co = &p->d->component[i];
		if (!co->invoke)
			continue;
		select_component(s, p, i);
		if (co->invoke_args.n > 0) {
			override(s, 1);
			fw_cbor_uint(&s->body, FWD_PAR_INVOKE_ARGS);
			fw_cbor_bytes(&s->body, co->invoke_args.p,
			    co->invoke_args.n);
		}
		command(s, FWD_DIR_INVOKE, REPORT_DIRECTIVE);
	}
}

/* The common block: component identifiers and the shared sequence. */
static void
common(struct fw_cbor *c, const struct plan *p)
{
	const struct fw_descriptor *const d = p->d;
	struct sequence s = { 0 };
	struct fw_cbor map = { 0 };
	size_t i;

	fw_cbor_map(&map, 2);
	fw_cbor_uint(&map, FWD_COMMON_COMPONENTS);
	fw_cbor_array(&map, p->n);
	for (i = 0; i < d->components; i++)
		fw_cbor_raw(&map, d->component[i].id, d->component[i].id_n);
	for (i = 0; i < d->components; i++)
		if (d->component[i].staged)
			fw_cbor_raw(&map, d->component[i].staging_id,
			    d->component[i].staging_id_n);
	fw_cbor_uint(&map, FWD_COMMON_SHARED);
	shared_sequence(&s, p);
	sequence_wrap(&map, &s);
	fw_cbor_wrap(c, &map);
}

/* A manifest element that is a sequence; nothing when it has no commands. */
static void
section(struct fw_cbor *c, const struct plan *p, uint64_t key,
    void (*fill)(struct sequence *s, const struct plan *p), uint64_t *n)
{
	struct sequence s = { 0 };

	fill(&s, p);
	if (s.items == 0)
		return;
	fw_cbor_uint(c, key);
	sequence_wrap(c, &s);
	(*n)++;
}

/* Refuse what has no place in a manifest, and count the components. */
static enum fw_kind
plan(const struct fw_descriptor *d, const struct fw_measures *m,
    struct plan *p, struct fw_error *err)
{
	const struct fw_component *co;
	size_t i;

	*p = (struct plan){ .d = d, .m = m, .n = d->components };
	if (d->components == 0)
		return fw_fail(err, FW_E_INPUT, "there are no components");
	for (i = 0; i < d->components; i++) {
		co = &d->component[i];
		if (co->images == 0 || (!co->slotted && co->images != 1))
			return fw_fail(err, FW_E_INPUT,
			    "component '%s' has %zu images", co->label,
			    co->images);
		if (co->staged && co->slotted)
			return fw_fail(err, FW_E_INPUT,
			    "component '%s' has slots and staging (use one "
			    "of them)", co->label);
		if (co->staged)
			p->staging[i] = p->n++;
	}
	if (p->n > FWD_COMPONENTS_MAX)
		return fw_fail(err, FW_E_INPUT,
		    "more than %u components, staging included",
		    FWD_COMPONENTS_MAX);
	return FW_OK;
}

enum fw_kind
fw_manifest_encode(const struct fw_descriptor *d, const struct fw_measures *m,
    struct fwd_span text, struct fw_buf *out, struct fw_error *err)
{
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor whole = { 0 };
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor map = { 0 };
	uint8_t digest[FWD_DIGEST_MAX];
	uint64_t n = 4;			/* what is always there */
	struct plan p;

	FW_TRY(plan(d, m, &p, err));
	FW_TRY(fw_digest_bstr(d->digest_alg, text, digest, err));
	fw_cbor_uint(&map, FWD_MAN_VERSION);
	fw_cbor_uint(&map, 1);
	fw_cbor_uint(&map, FWD_MAN_SEQUENCE_NUMBER);
	fw_cbor_uint(&map, d->sequence_number);
	fw_cbor_uint(&map, FWD_MAN_COMMON);
	common(&map, &p);
	if (d->reference_uri != NULL) {
		fw_cbor_uint(&map, FWD_MAN_REFERENCE_URI);
		fw_cbor_text(&map, d->reference_uri);
		n++;
	}
	section(&map, &p, FWD_MAN_VALIDATE, validate_sequence, &n);
	section(&map, &p, FWD_MAN_INVOKE, invoke_sequence, &n);
	section(&map, &p, FWD_MAN_PAYLOAD_FETCH, fetch_sequence, &n);
	section(&map, &p, FWD_MAN_INSTALL, install_sequence, &n);
	fw_cbor_uint(&map, FWD_MAN_TEXT);
	fw_cbor_digest(&map, d->digest_alg, digest);

	fw_cbor_map(&whole, n);
	fw_cbor_raw(&whole, map.out.p, map.out.n);
	whole.failed |= map.failed;
	return fw_cbor_done(&whole, out, err);
}
