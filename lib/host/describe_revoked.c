/* SPDX-License-Identifier: Apache-2.0 */
/* A signed revocation list as a JSON tree: see fwdevice.h for its form. */
#include <string.h>

#include "host/describe_internal.h"

static const char kind[] = FW_REVOCATIONS_KIND;
enum { KIND = sizeof kind - 1 };

/* An array of two, in it a byte string, in it an array of four, in it the
   name of the format. */
bool
fw_is_revocations(const uint8_t *p, size_t n)
{
	static const size_t more[] = { 1, 2, 4, 8 };
	size_t at = 2;

	if (n < 2 || p[0] != 0x82 || p[1] >> 5 != FWD_CBOR_BYTES ||
	    (p[1] & 31) > 27)
		return false;
	if ((p[1] & 31) >= 24)
		at += more[(p[1] & 31) - 24];
	return n >= at + 2 + KIND && p[at] == 0x84 &&
	    p[at + 1] == 0x60 + KIND &&
	    memcmp(p + at + 2, kind, KIND) == 0;
}

/* Identifiers in their order, as far as there are whole ones. */
static void
identifiers(struct fw_describe *d, json_t *list, struct fwd_span ids)
{
	fwd_status s = ids.n % FWD_KEY_ID == 0 ? FWD_OK : FWD_E_REVOCATIONS;
	const uint8_t *p = ids.p, *last = NULL;
	size_t left = ids.n;

	for (; left >= FWD_KEY_ID && fw_d_more(d); left -= FWD_KEY_ID) {
		if (last != NULL && memcmp(last, p, FWD_KEY_ID) >= 0)
			s = FWD_E_REVOCATIONS;
		fw_d_add(d, list, fw_d_hex((struct fwd_span){ p,
		    FWD_KEY_ID }));
		last = p;
		p += FWD_KEY_ID;
	}
	fw_d_problem(d, s, ids.p);
}

static void
content(struct fw_describe *d, json_t *o, struct fwd_span data)
{
	const size_t mark = fw_d_enter(d, ".list");
	struct fwd_cbor c = fwd_cbor_open(data);
	struct fwd_span name, ids;
	uint64_t n = 0, v;
	fwd_status s;

	s = fwd_cbor_array(&c, &n);
	if (s == FWD_OK)
		s = fwd_cbor_text(&c, &name);
	if (s == FWD_OK)
		s = fwd_cbor_uint(&c, &v);
	if (s == FWD_OK) {
		fw_d_set(d, o, "version", fw_d_uint(v));
		if (v != 1 || n != 4 || name.n != KIND ||
		    memcmp(name.p, kind, KIND) != 0)
			s = FWD_E_REVOCATIONS;
	}
	if (s == FWD_OK)
		s = fwd_cbor_uint(&c, &v);
	if (s == FWD_OK) {
		fw_d_set(d, o, "number", fw_d_uint(v));
		s = fwd_cbor_bytes(&c, &ids);
	}
	if (s == FWD_OK) {
		identifiers(d, json_object_get(o, "revoked"), ids);
		s = fwd_cbor_end(&c);
	}
	fw_d_problem(d, s, c.left.p);
	fw_d_leave(d, mark);
}

static void
block(struct fw_describe *d, json_t *o, struct fwd_span data)
{
	const size_t mark = fw_d_enter(d, ".signature");
	json_t *const to = fw_d_object(d, o, "signature");

	fw_describe_block(d, to, data);
	if (json_array_size(json_object_get(to, "certificates")) != 0)
		fw_d_problem(d, FWD_E_REVOCATIONS, data.p);
	fw_d_leave(d, mark);
}

enum fw_kind
fw_describe_revocations(struct fwd_span data, json_t *problems, json_t **out,
    struct fw_error *err)
{
	struct fw_describe d = { .data = data, .problems = problems,
	    .nodes = FW_DESCRIBE_NODES, .where = "revocations" };
	struct fwd_cbor c = fwd_cbor_open(data);
	FW_JSON json_t *o = json_object();
	struct fwd_span part;
	uint64_t n;
	fwd_status s;

	fw_d_set(&d, o, "version", json_null());
	fw_d_set(&d, o, "number", json_null());
	(void)fw_d_list(&d, o, "revoked");
	fw_d_set(&d, o, "signature", json_null());
	s = fwd_cbor_array(&c, &n);
	if (s == FWD_OK)
		s = n == 2 ? fwd_cbor_bytes(&c, &part) : FWD_E_REVOCATIONS;
	if (s == FWD_OK) {
		content(&d, o, part);
		s = fwd_cbor_bytes(&c, &part);
	}
	if (s == FWD_OK) {
		block(&d, o, part);
		s = fwd_cbor_end(&c);
	}
	fw_d_problem(&d, s, c.left.p);
	if (d.no_memory)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*out = o;
	o = NULL;
	return FW_OK;
}
