/* SPDX-License-Identifier: Apache-2.0 */
/* The authentication wrapper: digest and signature blocks (section 8.3). */
#include "host/describe_internal.h"

enum {
	COSE_MAC0 = 17, COSE_SIGN1 = 18, COSE_MAC = 97, COSE_SIGN = 98,
	HEADER_ALG = 1, HEADER_X5CHAIN = 33,
};

static const char *
block_type(uint64_t tag)
{
	switch (tag) {
	case COSE_MAC0:
		return "COSE_Mac0";
	case COSE_SIGN1:
		return "COSE_Sign1";
	case COSE_MAC:
		return "COSE_Mac";
	case COSE_SIGN:
		return "COSE_Sign";
	default:
		return "unknown";
	}
}

static void
certificate(struct fw_describe *d, json_t *list, struct fwd_span der)
{
	const size_t mark = fw_d_enter(d, ".certificates[%zu]",
	    json_array_size(list));

	fw_describe_certificate(d, fw_d_entry(d, list), der);
	fw_d_leave(d, mark);
}

/* x5chain: one certificate or several (RFC 9360 section 2). */
static void
x5chain(struct fw_describe *d, json_t *list, struct fwd_span value)
{
	struct fwd_cbor c = fwd_cbor_open(value);
	struct fwd_span der;
	uint64_t n = 1;
	fwd_status s = FWD_OK;

	if (fwd_cbor_peek(&c) == FWD_CBOR_ARRAY)
		s = fwd_cbor_array(&c, &n);
	for (; s == FWD_OK && n > 0 && fw_d_more(d); n--) {
		s = fwd_cbor_bytes(&c, &der);
		if (s == FWD_OK)
			certificate(d, list, der);
	}
	fw_d_problem(d, s, value.p);
}

static void
header(struct fw_describe *d, json_t *block, struct fwd_span key,
    struct fwd_span value, bool is_protected)
{
	json_t *o;
	int64_t label = 0, alg;

	if (fw_d_item_int(key, &label) == FWD_OK && is_protected) {
		if (label == HEADER_ALG &&
		    fw_d_item_int(value, &alg) == FWD_OK) {
			fw_d_set(d, block, "algorithm",
			    fw_d_str(fwd_alg_name(alg)));
			fw_d_set(d, block, "algorithm-id", json_integer(alg));
			return;
		}
		if (label == HEADER_X5CHAIN) {
			x5chain(d, json_object_get(block, "certificates"),
			    value);
			return;
		}
	}
	o = fw_d_entry(d, json_object_get(block, "other-headers"));
	fw_d_set(d, o, "label", fw_d_diagnostic(d, key));
	fw_d_set(d, o, "value", fw_d_diagnostic(d, value));
	fw_d_set(d, o, "protected", json_boolean(is_protected));
}

static void
headers(struct fw_describe *d, json_t *block, struct fwd_span map,
    bool is_protected)
{
	struct fwd_span key, value;
	struct fw_pairs pairs;

	if (is_protected && map.n == 0)	/* how COSE writes an empty one */
		return;
	if (!fw_d_map(d, map, &pairs))
		return;
	while (fw_d_pair(d, &pairs, &key, &value))
		header(d, block, key, value, is_protected);
}

/* The four elements of a COSE_Sign1. */
static fwd_status
sign1(struct fw_describe *d, json_t *o, struct fwd_cbor *c)
{
	struct fwd_span s;
	fwd_status st;
	uint64_t n;

	st = fwd_cbor_array(c, &n);
	if (st != FWD_OK || n != 4)
		return st != FWD_OK ? st : FWD_E_COSE;
	st = fwd_cbor_bytes(c, &s);
	if (st != FWD_OK)
		return st;
	headers(d, o, s, true);
	st = fwd_cbor_skip(c, &s);
	if (st != FWD_OK)
		return st;
	headers(d, o, s, false);
	fw_d_set(d, o, "detached", json_boolean(fwd_cbor_nil(c) == FWD_OK));
	if (!json_boolean_value(json_object_get(o, "detached"))) {
		st = fwd_cbor_skip(c, &s);
		if (st != FWD_OK)
			return st;
	}
	st = fwd_cbor_bytes(c, &s);
	if (st == FWD_OK)
		fw_d_set(d, o, "signature", fw_d_hex(s));
	return st != FWD_OK ? st : fwd_cbor_end(c);
}

void
fw_describe_block(struct fw_describe *d, json_t *o, struct fwd_span block)
{
	const size_t before = json_array_size(d->problems);
	struct fwd_cbor c = fwd_cbor_open(block);
	struct fwd_cose cose;
	uint64_t tag = 0;
	fwd_status s;

	(void)fw_d_list(d, o, "certificates");
	(void)fw_d_list(d, o, "other-headers");
	s = fwd_cbor_tag(&c, &tag);
	fw_d_set(d, o, "type", fw_d_str(s == FWD_OK ? block_type(tag) :
	    "unknown"));
	if (s == FWD_OK && tag == COSE_SIGN1)
		s = sign1(d, o, &c);
	else
		fw_d_set(d, o, "value", fw_d_hex(block));
	fw_d_problem(d, s, c.left.p);
	/* What a device would not read, in so far as that was not said. */
	if (json_array_size(d->problems) == before)
		fw_d_problem(d, fwd_cose_read(block, &cose), block.p);
}

void
fw_describe_auth(struct fw_describe *d, json_t *o, struct fwd_span content,
    struct fwd_span manifest)
{
	json_t *const list = fw_d_list(d, o, "signatures");
	struct fwd_cbor c = fwd_cbor_open(content);
	struct fwd_span item;
	uint64_t n;
	size_t mark;
	fwd_status s;

	s = fwd_cbor_array(&c, &n);
	if (s == FWD_OK)
		s = n == 0 ? FWD_E_ENVELOPE : fwd_cbor_bytes(&c, &item);
	if (s == FWD_OK) {
		fw_d_digest(d, o, "digest", item);
		if (manifest.p != NULL)
			fw_d_compute(d, o, item, manifest);
	}
	for (uint64_t i = 1; s == FWD_OK && i < n && fw_d_more(d); i++) {
		s = fwd_cbor_bytes(&c, &item);
		if (s != FWD_OK)
			break;
		mark = fw_d_enter(d, ".signatures[%llu]",
		    (unsigned long long)(i - 1));
		fw_describe_block(d, fw_d_entry(d, list), item);
		fw_d_leave(d, mark);
	}
	if (s == FWD_OK && !d->limit_told)
		s = fwd_cbor_end(&c);
	fw_d_problem(d, s, c.left.p);
}
