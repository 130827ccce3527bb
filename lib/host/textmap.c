/* SPDX-License-Identifier: Apache-2.0 */
/* What reports are made of: texts of a manifest, identifiers, numbers. */
#include <string.h>

#include "host/internal.h"
#include "host/judge.h"

/* ---- texts (the draft, section 8.4.4) ---------------------------------- */

/* In one language's map: the text of that number, of the manifest or, with an
   identifier, of that component. */
static bool
find_in_language(struct fwd_cbor c, const struct fwd_span *component,
    int64_t number, struct fwd_span *out)
{
	struct fwd_cbor_map map;
	struct fwd_span key, value;
	struct fwd_cbor inner;
	int64_t n;

	if (fwd_cbor_map(&c, &map) != FWD_OK)
		return false;
	while (map.left > 0) {
		if (fwd_cbor_key(&c, &map) != FWD_OK ||
		    fwd_cbor_skip(&c, &key) != FWD_OK ||
		    fwd_cbor_skip(&c, &value) != FWD_OK)
			return false;
		inner = fwd_cbor_open(key);
		if (component != NULL && fwd_span_equal(key, *component))
			return find_in_language(fwd_cbor_open(value), NULL,
			    number, out);
		if (component != NULL ||
		    fwd_cbor_int(&inner, &n) != FWD_OK || n != number)
			continue;
		inner = fwd_cbor_open(value);
		return fwd_cbor_text(&inner, out) == FWD_OK;
	}
	return false;
}

bool
fw_text_find(struct fwd_span content, const struct fwd_span *component,
    int64_t number, struct fwd_span *out)
{
	struct fwd_cbor c = fwd_cbor_open(content);
	struct fwd_cbor_map map;
	struct fwd_cbor value;

	if (fwd_cbor_map(&c, &map) != FWD_OK)
		return false;
	while (map.left > 0) {
		if (fwd_cbor_key(&c, &map) != FWD_OK ||
		    fwd_cbor_skip(&c, NULL) != FWD_OK)
			return false;
		value = c;
		if (find_in_language(value, component, number, out))
			return true;
		if (fwd_cbor_skip(&c, NULL) != FWD_OK)
			return false;
	}
	return false;
}

/* ---- component identifiers --------------------------------------------- */

/* One segment of an identifier: as text, or in hexadecimal behind "0x". */
static bool
add_segment(char *name, size_t room, size_t *used, struct fwd_span s)
{
	bool plain = s.n > 0;
	int n;

	for (size_t i = 0; i < s.n; i++)
		plain = plain && s.p[i] > ' ' && s.p[i] <= '~' &&
		    s.p[i] != '/';
	if (room - *used < 2 * s.n + 4)
		return false;
	if (plain) {
		memcpy(name + *used, s.p, s.n);
		*used += s.n;
		return true;
	}
	n = snprintf(name + *used, room - *used, "0x");
	*used += (size_t)n;
	for (size_t i = 0; i < s.n; i++) {
		n = snprintf(name + *used, room - *used, "%02x", s.p[i]);
		*used += (size_t)n;
	}
	return true;
}

json_t *
fw_component_name(struct fwd_span id)
{
	struct fwd_cbor c = fwd_cbor_open(id);
	struct fwd_span segment;
	char name[256];
	size_t used = 0;
	uint64_t n;

	if (fwd_cbor_array(&c, &n) != FWD_OK || n == 0)
		return fw_hex_json("0x", id);
	for (uint64_t i = 0; i < n; i++) {
		if (i > 0 && used < sizeof name)
			name[used++] = '/';
		if (fwd_cbor_bytes(&c, &segment) != FWD_OK ||
		    !add_segment(name, sizeof name, &used, segment))
			return fw_hex_json("0x", id);
	}
	return json_stringn(name, used);
}

/* ---- values ------------------------------------------------------------ */

json_t *
fw_hex_json(const char *prefix, struct fwd_span s)
{
	const size_t n = strlen(prefix);
	FW_FREE char *out = malloc(n + 2 * s.n + 1);

	if (out == NULL)
		return NULL;
	memcpy(out, prefix, n + 1);
	for (size_t i = 0; i < s.n; i++)
		(void)snprintf(out + n + 2 * i, 3, "%02x", s.p[i]);
	return json_string(out);
}

json_t *
fw_digest_json(int64_t alg, const uint8_t *bytes)
{
	char prefix[32];

	(void)snprintf(prefix, sizeof prefix, "%s:", fwd_alg_name(alg));
	return fw_hex_json(prefix,
	    (struct fwd_span){ bytes, fwd_digest_size(alg) });
}

json_t *
fw_revocations_json(const struct fwd_revocations *list)
{
	json_t *const o = json_object();

	if (json_object_set_new(o, "number",
	    fw_number_json(list->number)) == 0 &&
	    json_object_set_new(o, "keys", fw_number_json(
	    list->revoked.n / FWD_KEY_ID)) == 0)
		return o;
	json_decref(o);
	return NULL;
}

json_t *
fw_number_json(uint64_t v)
{
	return v <= INT64_MAX ? json_integer((json_int_t)v) :
	    json_sprintf("%ju", (uintmax_t)v);
}
