/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a manifest is about, in as few lines as a person can compare, taken
 * from what is signed and from nothing else.  A manifest that cannot be shown
 * in full is refused, and what fwsign itself would not have written is named:
 * whoever signs must not have to trust whoever asks.
 */
#include <string.h>

#include "host/ceremony.h"
#include "host/describe_internal.h"

/* Of struct fw_describe only what is about memory is used. */
struct summary {
	struct fw_describe d;
	const json_t *envelope;		/* as fw_describe_envelope() has it */
	json_t *out;
	json_t *components;		/* of out */
	bool on[FWD_COMPONENTS_MAX];	/* those a command is about */
};

/* Append a copy to a list, unless it is there. */
static void
once(struct summary *s, const char *list, const json_t *value)
{
	json_t *const to = json_object_get(s->out, list);
	const json_t *have;
	size_t i;

	json_array_foreach(to, i, have)
		if (json_equal(have, value))
			return;
	fw_d_add(&s->d, to, json_deep_copy(value));
}

static void
unusual(struct summary *s, const json_t *name)
{
	once(s, "unusual", name);
}

/* ---- images ---------------------------------------------------------- */

/* An image of a component in a slot that has no such member yet, or this very
   value; a new one where there is none. */
static json_t *
image_for(struct summary *s, json_t *component, const json_t *slot,
    const char *key, const json_t *value)
{
	json_t *const images = json_object_get(component, "images");
	json_t *image;
	const json_t *have, *at;
	size_t i;

	json_array_foreach(images, i, image) {
		have = json_object_get(image, key);
		at = json_object_get(image, "slot");
		if ((slot == NULL ? at == NULL : json_equal(at, slot)) &&
		    (have == NULL || json_equal(have, value)))
			return image;
	}
	image = fw_d_entry(&s->d, images);
	if (slot != NULL)
		fw_d_set(&s->d, image, "slot", json_deep_copy(slot));
	return image;
}

/* A size belongs to the digest beside it. */
static void
image_facts(struct summary *s, json_t *component, const json_t *slot,
    const json_t *digest, const json_t *size, const json_t *uri)
{
	json_t *image = NULL;

	if (digest != NULL) {
		image = image_for(s, component, slot, "digest", digest);
		fw_d_set(&s->d, image, "digest", json_deep_copy(digest));
	}
	if (size != NULL) {
		if (image == NULL || (json_object_get(image, "size") != NULL &&
		    !json_equal(json_object_get(image, "size"), size)))
			image = image_for(s, component, slot, "size", size);
		fw_d_set(&s->d, image, "size", json_deep_copy(size));
	}
	if (uri != NULL) {
		image = image_for(s, component, slot, "from", uri);
		fw_d_set(&s->d, image, "from", json_deep_copy(uri));
	}
}

/* ---- commands -------------------------------------------------------- */

static const json_t *
parameter(const json_t *command, int64_t key)
{
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(command, "parameters"), i, p)
		if (json_integer_value(json_object_get(p, "key")) == key)
			return json_object_get(p, "value");
	return NULL;
}

/* Parameters that are the same for all components, and those that fwsign does
   not write. */
static void
common_parameters(struct summary *s, const json_t *command)
{
	const json_t *p;
	size_t i;

	json_array_foreach(json_object_get(command, "parameters"), i, p) {
		const json_t *const value = json_object_get(p, "value");

		switch (json_integer_value(json_object_get(p, "key"))) {
		case FWD_PAR_VENDOR:
			once(s, "vendor-ids", value);
			break;
		case FWD_PAR_CLASS:
			once(s, "class-ids", value);
			break;
		case FWD_PAR_DEVICE:
			once(s, "device-ids", value);
			break;
		case FWD_PAR_USE_BEFORE:
			once(s, "use-before", value);
			break;
		case FWD_PAR_INVOKE_ARGS:
			once(s, "invoke-args", value);
			break;
		case FWD_PAR_DIGEST:
		case FWD_PAR_SLOT:
		case FWD_PAR_SIZE:
		case FWD_PAR_URI:
		case FWD_PAR_SOURCE:
			break;
		default:
			unusual(s, json_object_get(p, "name"));
		}
	}
}

/* slot: the one set, or NULL; returns it as it is afterwards. */
static const json_t *
set_parameters(struct summary *s, const json_t *command, const json_t *slot)
{
	const json_t *const to = parameter(command, FWD_PAR_SLOT);
	size_t i;

	common_parameters(s, command);
	if (to != NULL)
		slot = to;
	for (i = 0; i < json_array_size(s->components); i++)
		if (s->on[i])
			image_facts(s, json_array_get(s->components, i), slot,
			    parameter(command, FWD_PAR_DIGEST),
			    parameter(command, FWD_PAR_SIZE),
			    parameter(command, FWD_PAR_URI));
	return slot;
}

static void
set_index(struct summary *s, const json_t *command)
{
	const json_t *const list = json_object_get(command, "components");
	const json_t *v;
	json_int_t at;
	size_t i;

	for (i = 0; i < FWD_COMPONENTS_MAX; i++)
		s->on[i] = json_is_string(list);	/* "all" */
	json_array_foreach(list, i, v) {
		at = json_integer_value(v);
		if (json_is_integer(v) && at >= 0 && at < FWD_COMPONENTS_MAX)
			s->on[at] = true;
	}
}

static const json_t *
walk(struct summary *s, const json_t *commands, const json_t *slot)
{
	const json_t *c, *alternative;
	size_t i, j;

	/* The tree is FW_DESCRIBE_DEPTH deep at most. */
	json_array_foreach(commands, i, c) {
		switch (json_integer_value(json_object_get(c, "code"))) {
		case FWD_DIR_SET_INDEX:
			set_index(s, c);
			slot = NULL;
			break;
		case FWD_DIR_OVERRIDE:
			slot = set_parameters(s, c, slot);
			break;
		case FWD_DIR_TRY_EACH:
			json_array_foreach(json_object_get(c, "alternatives"),
			    j, alternative)
				(void)walk(s, alternative, slot);
			break;
		case FWD_COND_VENDOR:
		case FWD_COND_CLASS:
		case FWD_COND_DEVICE:
		case FWD_COND_IMAGE:
		case FWD_COND_SLOT:
		case FWD_COND_USE_BEFORE:
		case FWD_DIR_FETCH:
		case FWD_DIR_COPY:
		case FWD_DIR_INVOKE:
			break;
		default:
			unusual(s, json_object_get(c, "name"));
			(void)set_parameters(s, c, slot);
			slot = walk(s, json_object_get(c, "commands"), slot);
		}
	}
	return slot;
}

/* ---- texts ----------------------------------------------------------- */

static void
texts(struct summary *s)
{
	enum { DESCRIPTION = 1, MODEL = 2, DOMAIN = 3, VERSION = 6 };
	const json_t *language, *component, *field, *text;
	size_t i, j, k;

	json_array_foreach(json_object_get(s->envelope, "text"), i, language) {
		json_array_foreach(json_object_get(language, "fields"), j,
		    field)
			if (json_integer_value(json_object_get(field,
			    "key")) == DESCRIPTION)
				once(s, "descriptions", json_object_get(field,
				    "text"));
		json_array_foreach(json_object_get(language, "components"), j,
		    component)
			json_array_foreach(json_object_get(component,
			    "fields"), k, field) {
				text = json_object_get(field, "text");
				switch (json_integer_value(json_object_get(
				    field, "key"))) {
				case MODEL:
					once(s, "products", text);
					break;
				case DOMAIN:
					once(s, "vendors", text);
					break;
				case VERSION:
					once(s, "versions", text);
					break;
				default:
					break;
				}
			}
	}
}

/* ---- the whole ------------------------------------------------------- */

/* A component as people call it: its label, or its identifier. */
static json_t *
component_name(const json_t *component)
{
	struct fw_text t = { 0 };
	json_t *name;

	fw_t_identifier(&t, component);
	name = t.failed ? NULL : json_stringn((char *)t.out.p, t.out.n);
	fw_buf_deinit(&t.out);
	return name;
}

static void
add_components(struct summary *s, const json_t *manifest)
{
	const json_t *c;
	json_t *o;
	size_t i;

	json_array_foreach(json_object_get(manifest, "components"), i, c) {
		o = fw_d_entry(&s->d, s->components);
		fw_d_set(&s->d, o, "component", component_name(c));
		(void)fw_d_list(&s->d, o, "images");
	}
}

/* Everything that matters is there to be seen, and is what was signed. */
static enum fw_kind
complete(const json_t *envelope, const json_t *problems, struct fw_error *err)
{
	const json_t *const first = json_array_get(problems, 0);
	const json_t *o;
	const char *section;
	size_t i;

	if (first != NULL)
		return fw_fail(err, FW_E_REFUSED, "the manifest cannot be shown "
		    "in full: %s: %s", json_string_value(json_object_get(first,
		    "where")), json_string_value(json_object_get(first,
		    "text")));
	json_array_foreach(json_object_get(envelope, "severable"), i, o) {
		section = json_string_value(json_object_get(o, "section"));
		if (json_object_get(o, "digest-matches") == NULL) {
			if (strcmp(section, "text") == 0)
				continue;
			return fw_fail(err, FW_E_REFUSED, "the manifest cannot "
			    "be shown in full: its section '%s' was taken "
			    "out", section);
		}
		if (!json_is_true(json_object_get(o, "digest-matches")))
			return fw_fail(err, FW_E_REFUSED, "%s",
			    fwd_status_text(FWD_E_SEVERED));
	}
	return FW_OK;
}

static void
fill(struct summary *s)
{
	static const char *const lists[] = { "products", "vendors", "versions",
	    "descriptions", "vendor-ids", "class-ids", "device-ids",
	    "use-before", "invoke-args", "unusual" };
	const json_t *const manifest = json_object_get(s->envelope,
	    "manifest");
	const json_t *o;
	size_t i;

	for (i = 0; i < sizeof lists / sizeof lists[0]; i++)
		(void)fw_d_list(&s->d, s->out, lists[i]);
	fw_d_set(&s->d, s->out, "sequence-number", json_deep_copy(
	    json_object_get(manifest, "sequence-number")));
	fw_d_set(&s->d, s->out, "manifest-digest", json_deep_copy(
	    json_object_get(json_object_get(s->envelope, "authentication"),
	    "digest")));
	s->components = fw_d_list(&s->d, s->out, "components");
	add_components(s, manifest);
	texts(s);
	json_array_foreach(json_object_get(s->envelope, "sequences"), i, o) {
		memset(s->on, 0, sizeof s->on);
		s->on[0] = true;	/* where no index is set */
		(void)walk(s, json_object_get(o, "commands"), NULL);
	}
	fw_d_set(&s->d, s->out, "attachments", json_deep_copy(
	    json_object_get(s->envelope, "attachments")));
}

enum fw_kind
fw_request_summary(struct fwd_span envelope, json_t **out,
    struct fw_error *err)
{
	FW_JSON json_t *problems = json_array();
	FW_JSON json_t *tree = NULL;
	FW_JSON json_t *made = json_object();
	struct summary s = { .out = made };

	if (problems == NULL || made == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fw_describe_envelope(envelope, problems, &tree, err));
	FW_TRY(complete(tree, problems, err));
	s.envelope = tree;
	fill(&s);
	if (s.d.no_memory)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*out = made;
	made = NULL;
	return FW_OK;
}
