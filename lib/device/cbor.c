/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader for deterministically encoded CBOR (RFC 8949 section 4.2.1) over a
 * span: definite lengths, shortest forms, ascending map keys.
 */
#include "device/internal.h"

struct fwd_cbor
fwd_cbor_open(struct fwd_span data)
{
	return (struct fwd_cbor){ data };
}

enum fwd_cbor_type
fwd_cbor_peek(const struct fwd_cbor *c)
{
	if (c->left.n == 0)
		return FWD_CBOR_END;
	return (enum fwd_cbor_type)(c->left.p[0] >> 5);
}

/* Take n bytes that are known to be there. */
static struct fwd_span
take(struct fwd_cbor *c, size_t n)
{
	const struct fwd_span s = { c->left.p, n };

	c->left.p += n;
	c->left.n -= n;
	return s;
}

/*
 * Take the head of an item that is no simple value or float: major type and
 * argument (section 3).
 */
static fwd_status
head(struct fwd_cbor *c, enum fwd_cbor_type *type, uint64_t *value)
{
	/* The smallest argument that needs 1, 2, 4, 8 bytes. */
	static const uint64_t least[4] = { 24, 1u << 8, 1u << 16,
	    (uint64_t)1 << 32 };
	unsigned info, size;
	struct fwd_span s;
	uint64_t v = 0;

	*type = FWD_CBOR_END;
	*value = 0;
	if (c->left.n == 0)
		return FWD_E_CBOR_SHORT;
	info = c->left.p[0] & 31u;
	if (info > 27)
		return FWD_E_CBOR_FORM;	/* reserved, or indefinite length */
	size = info < 24 ? 0 : 1u << (info - 24);
	if (c->left.n - 1 < size)
		return FWD_E_CBOR_SHORT;
	*type = (enum fwd_cbor_type)(c->left.p[0] >> 5);
	s = take(c, 1 + (size_t)size);
	if (size == 0) {
		*value = info;
		return FWD_OK;
	}
	for (size_t i = 1; i < s.n; i++)
		v = v << 8 | s.p[i];
	if (v < least[info - 24])
		return FWD_E_CBOR_SHORTEST;
	*value = v;
	return FWD_OK;
}

/* Take the head of an item that has to be of this type. */
static fwd_status
expect(struct fwd_cbor *c, enum fwd_cbor_type want, uint64_t *value)
{
	enum fwd_cbor_type type;

	*value = 0;
	if (c->left.n != 0 && fwd_cbor_peek(c) != want)
		return FWD_E_CBOR_TYPE;
	return head(c, &type, value);
}

fwd_status
fwd_cbor_uint(struct fwd_cbor *c, uint64_t *v)
{
	return expect(c, FWD_CBOR_UINT, v);
}

fwd_status
fwd_cbor_int(struct fwd_cbor *c, int64_t *v)
{
	enum fwd_cbor_type type;
	uint64_t u;

	*v = 0;
	type = fwd_cbor_peek(c);
	if (c->left.n != 0 && type != FWD_CBOR_UINT && type != FWD_CBOR_NINT)
		return FWD_E_CBOR_TYPE;
	FWD_TRY(head(c, &type, &u));
	if (u > INT64_MAX)
		return FWD_E_CBOR_TYPE;
	*v = type == FWD_CBOR_NINT ? -1 - (int64_t)u : (int64_t)u;
	return FWD_OK;
}

/* Take a string of either type. */
static fwd_status
string(struct fwd_cbor *c, enum fwd_cbor_type type, struct fwd_span *v)
{
	uint64_t n;

	*v = (struct fwd_span){ NULL, 0 };
	FWD_TRY(expect(c, type, &n));
	if (n > c->left.n)
		return FWD_E_CBOR_SHORT;
	*v = take(c, (size_t)n);
	return FWD_OK;
}

fwd_status
fwd_cbor_bytes(struct fwd_cbor *c, struct fwd_span *v)
{
	return string(c, FWD_CBOR_BYTES, v);
}

/* How many bytes a UTF-8 sequence at p has, 0 if malformed (RFC 3629). */
static size_t
utf8(const uint8_t *p, size_t left)
{
	size_t n;

	if (p[0] < 0x80)
		return 1;
	n = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 :
	    p[0] >= 0xe0 && p[0] <= 0xef ? 3 :
	    p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, beyond U+10FFFF */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

fwd_status
fwd_cbor_text(struct fwd_cbor *c, struct fwd_span *v)
{
	struct fwd_span s;
	size_t n;

	*v = (struct fwd_span){ NULL, 0 };
	FWD_TRY(string(c, FWD_CBOR_TEXT, &s));
	for (size_t i = 0; i < s.n; i += n) {
		n = utf8(s.p + i, s.n - i);
		if (n == 0)
			return FWD_E_CBOR_FORM;
	}
	*v = s;
	return FWD_OK;
}

fwd_status
fwd_cbor_array(struct fwd_cbor *c, uint64_t *n)
{
	FWD_TRY(expect(c, FWD_CBOR_ARRAY, n));
	if (*n > c->left.n) {		/* an item has a byte at least */
		*n = 0;
		return FWD_E_CBOR_SHORT;
	}
	return FWD_OK;
}

fwd_status
fwd_cbor_map(struct fwd_cbor *c, struct fwd_cbor_map *m)
{
	*m = (struct fwd_cbor_map){ 0, { NULL, 0 } };
	FWD_TRY(expect(c, FWD_CBOR_MAP, &m->left));
	if (m->left > c->left.n / 2) {	/* a pair has two bytes at least */
		m->left = 0;
		return FWD_E_CBOR_SHORT;
	}
	return FWD_OK;
}

fwd_status
fwd_cbor_tag(struct fwd_cbor *c, uint64_t *v)
{
	return expect(c, FWD_CBOR_TAG, v);
}

fwd_status
fwd_cbor_bool(struct fwd_cbor *c, bool *v)
{
	*v = false;
	if (c->left.n == 0)
		return FWD_E_CBOR_SHORT;
	if (c->left.p[0] != 0xf4 && c->left.p[0] != 0xf5)
		return FWD_E_CBOR_TYPE;
	*v = take(c, 1).p[0] == 0xf5;
	return FWD_OK;
}

fwd_status
fwd_cbor_nil(struct fwd_cbor *c)
{
	if (c->left.n == 0)
		return FWD_E_CBOR_SHORT;
	if (c->left.p[0] != 0xf6)
		return FWD_E_CBOR_TYPE;
	(void)take(c, 1);
	return FWD_OK;
}

/* Is key b greater than key a, bytewise? (section 4.2.1) */
static bool
ascending(struct fwd_span a, struct fwd_span b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	const int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return order < 0 || (order == 0 && a.n < b.n);
}

fwd_status
fwd_cbor_key(const struct fwd_cbor *c, struct fwd_cbor_map *m)
{
	struct fwd_cbor copy = *c;
	struct fwd_span key;

	if (m->left == 0)
		return FWD_E_API;
	FWD_TRY(fwd_cbor_skip(&copy, &key));
	if (m->last.n != 0 && !ascending(m->last, key))
		return FWD_E_CBOR_ORDER;
	m->last = key;
	m->left--;
	return FWD_OK;
}

/* What is open while an item is skipped: array, map or tag. */
struct level {
	uint64_t left;			/* items, or pairs of a map */
	struct fwd_span last;		/* of a map: the key before */
	bool is_map;
	bool is_value;			/* of a map: a value comes next */
};

/* Take the next item's head and, if it is a string, its content. */
static fwd_status
shallow(struct fwd_cbor *c, struct level *open)
{
	struct fwd_span s;
	struct fwd_cbor_map map;
	uint64_t v;
	enum fwd_cbor_type type;

	*open = (struct level){ 0 };
	switch (fwd_cbor_peek(c)) {
	case FWD_CBOR_UINT:
	case FWD_CBOR_NINT:
		return head(c, &type, &v);
	case FWD_CBOR_BYTES:
		return fwd_cbor_bytes(c, &s);
	case FWD_CBOR_TEXT:
		return fwd_cbor_text(c, &s);
	case FWD_CBOR_ARRAY:
		return fwd_cbor_array(c, &open->left);
	case FWD_CBOR_MAP:
		open->is_map = true;
		FWD_TRY(fwd_cbor_map(c, &map));
		open->left = map.left;
		return FWD_OK;
	case FWD_CBOR_TAG:
		open->left = 1;
		return fwd_cbor_tag(c, &v);
	case FWD_CBOR_SIMPLE:
		/* false, true and null; floats have no place in a manifest */
		if (c->left.p[0] < 0xf4 || c->left.p[0] > 0xf6)
			return FWD_E_CBOR_FORM;
		(void)take(c, 1);
		return FWD_OK;
	case FWD_CBOR_END:
	default:
		return FWD_E_CBOR_SHORT;
	}
}

/* An item inside a map is complete: if it is a key, keys have to ascend. */
static fwd_status
check_key(struct level *l, struct fwd_span key)
{
	if (!l->is_map || l->is_value)
		return FWD_OK;
	if (l->last.n != 0 && !ascending(l->last, key))
		return FWD_E_CBOR_ORDER;
	l->last = key;
	return FWD_OK;
}

/*
 * An item of level l is complete; it began at start.  Count it, and say
 * whether the level is complete as well.
 */
static fwd_status
complete(struct level *l, const struct fwd_cbor *c, const uint8_t *start,
    bool *done)
{
	const struct fwd_span item = { start, (size_t)(c->left.p - start) };

	FWD_TRY(check_key(l, item));
	if (l->is_map)
		l->is_value = !l->is_value;
	if (!l->is_map || !l->is_value)
		l->left--;
	*done = l->left == 0;
	return FWD_OK;
}

fwd_status
fwd_cbor_skip(struct fwd_cbor *c, struct fwd_span *item)
{
	struct level level[FWD_CBOR_DEPTH_MAX];
	const uint8_t *start[FWD_CBOR_DEPTH_MAX + 1];
	struct level next;
	unsigned depth = 0;
	bool done;

	if (item != NULL)
		*item = (struct fwd_span){ NULL, 0 };
	for (;;) {
		start[depth] = c->left.p;
		FWD_TRY(shallow(c, &next));
		if (next.left != 0) {
			if (depth == FWD_CBOR_DEPTH_MAX)
				return FWD_E_CBOR_DEPTH;
			level[depth++] = next;
			continue;
		}
		/* Whatever this item completes is complete as well. */
		for (done = true; done && depth > 0;) {
			FWD_TRY(complete(&level[depth - 1], c, start[depth],
			    &done));
			if (done)
				depth--;
		}
		if (done)
			break;
	}
	if (item != NULL)
		*item = (struct fwd_span){ start[0],
		    (size_t)(c->left.p - start[0]) };
	return FWD_OK;
}

fwd_status
fwd_cbor_end(const struct fwd_cbor *c)
{
	return c->left.n == 0 ? FWD_OK : FWD_E_CBOR_LEFT;
}
