/* SPDX-License-Identifier: Apache-2.0 */
/* The summary of a request in the form that two people compare. */
#include <stdio.h>
#include <string.h>

#include "host/ceremony.h"
#include "host/describe_internal.h"

enum { WIDTH = 17 };			/* values begin here */

static void
label(struct fw_text *t, const char *name)
{
	fw_t_put(t, "%-*s", WIDTH - 1, name);
	fw_t_put(t, " ");
}

static void
row(struct fw_text *t, const char *name, const json_t *value)
{
	label(t, name);
	fw_t_value(t, value);
	fw_t_put(t, "\n");
}

/* One row for each value; none: a row that says so, or nothing. */
static void
rows(struct fw_text *t, const char *name, const json_t *list,
    const char *none)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
		row(t, i == 0 ? name : "", v);
	if (json_array_size(list) == 0 && none != NULL) {
		label(t, name);
		fw_t_put(t, "%s\n", none);
	}
}

static void
file(struct fw_text *t, const json_t *name, const json_t *o)
{
	label(t, "");
	fw_t_value(t, name);
	fw_t_put(t, ", ");
	fw_t_value(t, json_object_get(o, "size"));
	fw_t_put(t, " bytes\n");
	row(t, "", json_object_get(o, "digest"));
}

static void
component(struct fw_text *t, const json_t *c)
{
	const json_t *image, *slot;
	size_t i;

	row(t, "component", json_object_get(c, "component"));
	json_array_foreach(json_object_get(c, "images"), i, image) {
		slot = json_object_get(image, "slot");
		if (slot != NULL) {
			label(t, "");
			fw_t_put(t, "slot ");
			fw_t_value(t, slot);
			fw_t_put(t, ":\n");
		}
		file(t, json_object_get(image, "from"), image);
	}
	if (json_array_size(json_object_get(c, "images")) == 0) {
		label(t, "");
		fw_t_put(t, "nothing is installed\n");
	}
}

static void
signer(struct fw_text *t, const json_t *s)
{
	row(t, "signer", json_object_get(s, "subject"));
	label(t, "");
	fw_t_put(t, "serial number ");
	fw_t_value(t, json_object_get(s, "serial"));
	fw_t_put(t, "\n");
	label(t, "");
	fw_t_put(t, "valid ");
	fw_t_value(t, json_object_get(s, "not-before"));
	fw_t_put(t, " to ");
	fw_t_value(t, json_object_get(s, "not-after"));
	fw_t_put(t, "\n");
	row(t, "its key", json_object_get(s, "key-id"));
}

static void
all(struct fw_text *t, const struct fw_request *r)
{
	const json_t *const s = r->summary;
	FW_JSON json_t *digest = fw_request_digest(r);
	const json_t *o;
	size_t i;

	rows(t, "product", json_object_get(s, "products"), "(not named)");
	rows(t, "vendor", json_object_get(s, "vendors"), "(not named)");
	rows(t, "version", json_object_get(s, "versions"), "(not named)");
	row(t, "sequence number", json_object_get(s, "sequence-number"));
	rows(t, "description", json_object_get(s, "descriptions"), NULL);
	rows(t, "vendor id", json_object_get(s, "vendor-ids"), "(any)");
	rows(t, "class id", json_object_get(s, "class-ids"), "(any)");
	rows(t, "device id", json_object_get(s, "device-ids"), NULL);
	rows(t, "use before", json_object_get(s, "use-before"), NULL);
	rows(t, "started with", json_object_get(s, "invoke-args"), NULL);
	json_array_foreach(json_object_get(s, "components"), i, o)
		component(t, o);
	json_array_foreach(json_object_get(s, "attachments"), i, o) {
		row(t, "attachment", json_object_get(o, "type"));
		file(t, json_object_get(o, "name"), o);
	}
	if (json_array_size(json_object_get(s, "unusual")) > 0)
		rows(t, "BEWARE, it has", json_object_get(s, "unusual"),
		    NULL);
	row(t, "manifest", json_object_get(s, "manifest-digest"));
	signer(t, json_object_get(s, "signer"));
	label(t, "to be signed");
	fw_t_put(t, "%zu bytes, with %s\n", r->tbs.n, fwd_alg_name(r->alg));
	row(t, "", digest);
	t->failed = t->failed || digest == NULL;
}

enum fw_kind
fw_request_text(const struct fw_request *r, struct fw_buf *out,
    struct fw_error *err)
{
	struct fw_text t = { 0 };

	all(&t, r);
	if (t.failed) {
		fw_buf_deinit(&t.out);
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	*out = t.out;
	return FW_OK;
}

/* "sha-256:..." or the digits alone, in either case. */
static bool
is_digest(const char *text, const json_t *digest)
{
	const char *const want = json_string_value(digest);
	const char *const colon = want != NULL ? strchr(want, ':') : NULL;

	return colon != NULL && (strcasecmp(text, want) == 0 ||
	    strcasecmp(text, colon + 1) == 0);
}

bool
fw_request_is(const struct fw_request *r, const char *text)
{
	FW_JSON json_t *digest = fw_request_digest(r);

	return is_digest(text, digest) || is_digest(text,
	    json_object_get(r->summary, "manifest-digest"));
}
