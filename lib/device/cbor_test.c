/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CBOR reader: the examples of RFC 8949, every form that is not the
 * shortest, every truncation, and all short inputs compared with a second,
 * simpler decoder.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "device/fwdevice.h"

static struct fwd_span
span(const void *p, size_t n)
{
	return (struct fwd_span){ p, n };
}

/* Bytes written in hexadecimal; a copy of just that size. */
static struct fwd_span
unhex(const char *hex)
{
	const size_t n = strlen(hex) / 2;
	uint8_t *const p = malloc(n == 0 ? 1 : n);
	unsigned v;

	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
		p[i] = (uint8_t)v;
	}
	return span(p, n);
}

static void
drop(struct fwd_span s)
{
	free((void *)(uintptr_t)s.p);
}

static fwd_status
skip(struct fwd_span data, size_t *used)
{
	struct fwd_cbor c = fwd_cbor_open(data);
	struct fwd_span item;
	const fwd_status s = fwd_cbor_skip(&c, &item);

	if (s == FWD_OK) {
		cr_assert_eq(item.p, data.p);
		cr_assert_eq(item.n, data.n - c.left.n);
		*used = item.n;
	} else {
		cr_assert(item.p == NULL && item.n == 0);
		*used = 0;
	}
	return s;
}

/* ---- RFC 8949, appendix A ------------------------------------------- */

/* Those that the subset has, and those that it has not. */
static const struct {
	const char *hex;
	fwd_status want;
} examples[] = {
	{ "00", FWD_OK }, { "01", FWD_OK }, { "0a", FWD_OK },
	{ "17", FWD_OK }, { "1818", FWD_OK }, { "1819", FWD_OK },
	{ "1864", FWD_OK }, { "1903e8", FWD_OK }, { "1a000f4240", FWD_OK },
	{ "1b000000e8d4a51000", FWD_OK }, { "1bffffffffffffffff", FWD_OK },
	{ "c249010000000000000000", FWD_OK },
	{ "3bffffffffffffffff", FWD_OK },
	{ "c349010000000000000000", FWD_OK },
	{ "20", FWD_OK }, { "29", FWD_OK }, { "3863", FWD_OK },
	{ "3903e7", FWD_OK },
	/* floats */
	{ "f90000", FWD_E_CBOR_FORM }, { "f98000", FWD_E_CBOR_FORM },
	{ "f93c00", FWD_E_CBOR_FORM },
	{ "fb3ff199999999999a", FWD_E_CBOR_FORM },
	{ "fa47c35000", FWD_E_CBOR_FORM }, { "f97e00", FWD_E_CBOR_FORM },
	{ "fa7f800000", FWD_E_CBOR_FORM },
	{ "fb7ff0000000000000", FWD_E_CBOR_FORM },
	{ "f4", FWD_OK }, { "f5", FWD_OK }, { "f6", FWD_OK },
	/* undefined and other simple values */
	{ "f7", FWD_E_CBOR_FORM }, { "f0", FWD_E_CBOR_FORM },
	{ "f8ff", FWD_E_CBOR_FORM },
	{ "c074323031332d30332d32315432303a30343a30305a", FWD_OK },
	{ "c11a514b67b0", FWD_OK },
	{ "c1fb41d452d9ec200000", FWD_E_CBOR_FORM },
	{ "d74401020304", FWD_OK }, { "d818456449455446", FWD_OK },
	{ "d82076687474703a2f2f7777772e6578616d706c652e636f6d", FWD_OK },
	{ "40", FWD_OK }, { "4401020304", FWD_OK },
	{ "60", FWD_OK }, { "6161", FWD_OK }, { "6449455446", FWD_OK },
	{ "62225c", FWD_OK }, { "62c3bc", FWD_OK }, { "63e6b0b4", FWD_OK },
	{ "64f0908591", FWD_OK },
	{ "80", FWD_OK }, { "83010203", FWD_OK },
	{ "8301820203820405", FWD_OK },
	{ "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
	    FWD_OK },
	{ "a0", FWD_OK }, { "a201020304", FWD_OK },
	{ "a26161016162820203", FWD_OK }, { "826161a161626163", FWD_OK },
	{ "a56161614161626142616361436164614461656145", FWD_OK },
	/* indefinite lengths */
	{ "5f42010243030405ff", FWD_E_CBOR_FORM },
	{ "7f657374726561646d696e67ff", FWD_E_CBOR_FORM },
	{ "9fff", FWD_E_CBOR_FORM },
	{ "9f018202039f0405ffff", FWD_E_CBOR_FORM },
	{ "83018202039f0405ff", FWD_E_CBOR_FORM },
	{ "bf61610161629f0203ffff", FWD_E_CBOR_FORM },
	{ "826161bf61626163ff", FWD_E_CBOR_FORM },
	{ "bf6346756ef563416d7421ff", FWD_E_CBOR_FORM },
};

Test(cbor, rfc8949_examples)
{
	for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
		struct fwd_span data = unhex(examples[i].hex);
		size_t used;

		cr_assert_eq(skip(data, &used), examples[i].want, "%s",
		    examples[i].hex);
		cr_assert_eq(used, examples[i].want == FWD_OK ? data.n : 0,
		    "%s", examples[i].hex);
		drop(data);
	}
}

Test(cbor, every_truncation_is_refused)
{
	for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
		struct fwd_span data = unhex(examples[i].hex), cut;
		size_t used;

		for (size_t n = 0; examples[i].want == FWD_OK && n < data.n;
		    n++) {
			uint8_t *const p = malloc(n == 0 ? 1 : n);

			if (n != 0)
				memcpy(p, data.p, n);
			cut = span(p, n);
			cr_assert_eq(skip(cut, &used), FWD_E_CBOR_SHORT,
			    "%s cut at %zu", examples[i].hex, n);
			drop(cut);
		}
		drop(data);
	}
}

/* ---- heads ---------------------------------------------------------- */

static size_t
head(uint8_t *out, unsigned major, unsigned size, uint64_t v)
{
	static const unsigned info[] = { 0, 24, 25, 0, 26, 0, 0, 0, 27 };

	out[0] = (uint8_t)(major << 5 | (size == 0 ? v : info[size]));
	for (unsigned i = 0; i < size; i++)
		out[1 + i] = (uint8_t)(v >> 8 * (size - 1 - i));
	return 1 + size;
}

static unsigned
shortest(uint64_t v)
{
	return v < 24 ? 0 : v <= 0xff ? 1 : v <= 0xffff ? 2 :
	    v <= 0xffffffff ? 4 : 8;
}

Test(cbor, only_the_shortest_head_is_read)
{
	static const uint64_t values[] = { 0, 1, 22, 23, 24, 25, 31, 32, 127,
	    128, 254, 255, 256, 257, 32767, 65534, 65535, 65536, 65537,
	    0x7fffffff, 0xfffffffe, 0xffffffff, 0x100000000, 0x100000001,
	    INT64_MAX - 1, INT64_MAX, (uint64_t)INT64_MAX + 1,
	    UINT64_MAX - 1, UINT64_MAX };
	static const unsigned sizes[] = { 0, 1, 2, 4, 8 };
	size_t done = 0;

	for (unsigned major = 0; major < 7; major++)
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
	for (size_t k = 0; k < 5; k++) {
		const uint64_t v = values[i];
		struct fwd_cbor_map m;
		struct fwd_cbor c;
		struct fwd_span s;
		uint64_t got = 0;
		uint8_t b[9];
		fwd_status st, want;
		size_t n;

		if (sizes[k] < shortest(v))
			continue;	/* does not fit */
		n = head(b, major, sizes[k], v);
		c = fwd_cbor_open(span(b, n));
		want = sizes[k] == shortest(v) ? FWD_OK : FWD_E_CBOR_SHORTEST;
		switch (major) {
		case 0:
			st = fwd_cbor_uint(&c, &got);
			break;
		case 1: {
			int64_t neg;

			st = fwd_cbor_int(&c, &neg);
			if (want == FWD_OK && v > INT64_MAX)
				want = FWD_E_CBOR_TYPE;
			got = st == FWD_OK ? (uint64_t)(-1 - neg) : 0;
			break;
		}
		case 2: case 3:
			st = major == 2 ? fwd_cbor_bytes(&c, &s) :
			    fwd_cbor_text(&c, &s);
			if (want == FWD_OK && v > 0)
				want = FWD_E_CBOR_SHORT;
			break;
		case 4:
			st = fwd_cbor_array(&c, &got);
			if (want == FWD_OK && v > 0)
				want = FWD_E_CBOR_SHORT;
			break;
		case 5:
			st = fwd_cbor_map(&c, &m);
			got = m.left;
			if (want == FWD_OK && v > 0)
				want = FWD_E_CBOR_SHORT;
			break;
		default:
			st = fwd_cbor_tag(&c, &got);
			break;
		}
		cr_assert_eq(st, want, "major %u, %u bytes, %" PRIu64 ": %s",
		    major, sizes[k], v, fwd_status_code(st));
		if (want == FWD_OK && major != 2 && major != 3)
			cr_assert_eq(got, v);
		else if (major != 2 && major != 3)
			cr_assert_eq(got, 0, "an output is left on failure");
		done++;
	}
	cr_assert_gt(done, 7 * 60);
}

Test(cbor, signed_integers)
{
	static const struct {
		const char *hex;
		fwd_status want;
		int64_t v;
	} rows[] = {
		{ "00", FWD_OK, 0 }, { "20", FWD_OK, -1 },
		{ "1b7fffffffffffffff", FWD_OK, INT64_MAX },
		{ "3b7fffffffffffffff", FWD_OK, INT64_MIN },
		{ "1b8000000000000000", FWD_E_CBOR_TYPE, 0 },
		{ "3b8000000000000000", FWD_E_CBOR_TYPE, 0 },
		{ "3bffffffffffffffff", FWD_E_CBOR_TYPE, 0 },
		{ "", FWD_E_CBOR_SHORT, 0 }, { "40", FWD_E_CBOR_TYPE, 0 },
		{ "f6", FWD_E_CBOR_TYPE, 0 }, { "1c", FWD_E_CBOR_FORM, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fwd_span data = unhex(rows[i].hex);
		struct fwd_cbor c = fwd_cbor_open(data);
		int64_t v = 99;

		cr_assert_eq(fwd_cbor_int(&c, &v), rows[i].want, "%s",
		    rows[i].hex);
		cr_assert_eq(v, rows[i].v);
		drop(data);
	}
}

/* Each taker against the first byte of every item. */
Test(cbor, types_are_told_apart)
{
	static const char *const item[] = { "00", "20", "40", "60", "80", "a0",
	    "c1", "f4", "f5", "f6", "f7", "" };
	static const enum fwd_cbor_type type[] = { FWD_CBOR_UINT,
	    FWD_CBOR_NINT, FWD_CBOR_BYTES, FWD_CBOR_TEXT, FWD_CBOR_ARRAY,
	    FWD_CBOR_MAP, FWD_CBOR_TAG, FWD_CBOR_SIMPLE, FWD_CBOR_SIMPLE,
	    FWD_CBOR_SIMPLE, FWD_CBOR_SIMPLE, FWD_CBOR_END };

	for (size_t i = 0; i < sizeof item / sizeof item[0]; i++) {
		struct fwd_span data = unhex(item[i]), s;
		const fwd_status no = data.n == 0 ? FWD_E_CBOR_SHORT :
		    FWD_E_CBOR_TYPE;
		struct fwd_cbor c = fwd_cbor_open(data);
		struct fwd_cbor_map m;
		uint64_t u;
		int64_t n;
		bool b;

		cr_assert_eq(fwd_cbor_peek(&c), type[i]);
#define TAKES(call, yes) do {						\
	c = fwd_cbor_open(data);					\
	cr_assert_eq(call, (yes) ? FWD_OK : no, "%s %s", #call, item[i]); \
} while (0)
		TAKES(fwd_cbor_uint(&c, &u), i == 0);
		TAKES(fwd_cbor_int(&c, &n), i <= 1);
		TAKES(fwd_cbor_bytes(&c, &s), i == 2);
		TAKES(fwd_cbor_text(&c, &s), i == 3);
		TAKES(fwd_cbor_array(&c, &u), i == 4);
		TAKES(fwd_cbor_map(&c, &m), i == 5);
		TAKES(fwd_cbor_tag(&c, &u), i == 6);
		TAKES(fwd_cbor_bool(&c, &b), i == 7 || i == 8);
		if (i == 7 || i == 8)
			TAKES((fwd_cbor_bool(&c, &b) == FWD_OK &&
			    b == (i == 8)) ? FWD_OK : no, true);
		TAKES(fwd_cbor_nil(&c), i == 9);
#undef TAKES
		c = fwd_cbor_open(data);
		cr_assert_eq(fwd_cbor_end(&c), data.n == 0 ? FWD_OK :
		    FWD_E_CBOR_LEFT);
		drop(data);
	}
}

/* ---- maps ----------------------------------------------------------- */

static const struct {
	const char *hex;
	fwd_status want;
} maps[] = {
	{ "a0", FWD_OK },
	{ "a2010002f6", FWD_OK },
	{ "a201000100", FWD_E_CBOR_ORDER },	/* repeated */
	{ "a202000100", FWD_E_CBOR_ORDER },
	{ "a217001818f6", FWD_OK },
	{ "a21818001700", FWD_E_CBOR_ORDER },
	{ "a21901000018ff", FWD_E_CBOR_ORDER },
	{ "a2000020f6", FWD_OK },		/* unsigned before negative */
	{ "a22000004000", FWD_E_CBOR_ORDER },
	{ "a2200021f6", FWD_OK },
	{ "a221002000", FWD_E_CBOR_ORDER },
	{ "a26161006162f6", FWD_OK },
	{ "a2616200616100", FWD_E_CBOR_ORDER },
	{ "a2616200626161f6", FWD_OK },		/* shorter text first */
	{ "a262616100616200", FWD_E_CBOR_ORDER },
	{ "a240006000", FWD_OK },
	{ "a2800081004000", FWD_OK },
	{ "a2818000800000", FWD_E_CBOR_ORDER },	/* keys that are arrays */
	{ "a2a000f400", FWD_OK },
	{ "a2f500f400", FWD_E_CBOR_ORDER },
	{ "a3010002000100", FWD_E_CBOR_ORDER },
	{ "a101a20200020000", FWD_E_CBOR_ORDER },	/* one level down */
	{ "a1a202000100f6", FWD_E_CBOR_ORDER },		/* inside a key */
	{ "81a2020001f6", FWD_E_CBOR_ORDER },
	{ "c1a2020001f6", FWD_E_CBOR_ORDER },
	{ "a101", FWD_E_CBOR_SHORT },
	{ "a2010002", FWD_E_CBOR_SHORT },
	{ "bb7fffffffffffffff0000", FWD_E_CBOR_SHORT },
	{ "bbffffffffffffffff0000", FWD_E_CBOR_SHORT },
	{ "9bffffffffffffffff00", FWD_E_CBOR_SHORT },
	{ "5bffffffffffffffff00", FWD_E_CBOR_SHORT },
	{ "7bffffffffffffffff00", FWD_E_CBOR_SHORT },
};

Test(cbor, map_keys_ascend)
{
	size_t used;

	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		struct fwd_span data = unhex(maps[i].hex);

		cr_assert_eq(skip(data, &used), maps[i].want, "%s: %s",
		    maps[i].hex, fwd_status_code(skip(data, &used)));
		drop(data);
	}
}

/* fwd_cbor_key, pair by pair, says what fwd_cbor_skip says. */
Test(cbor, map_iteration_agrees_with_skipping)
{
	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		struct fwd_span data = unhex(maps[i].hex), key;
		struct fwd_cbor c = fwd_cbor_open(data);
		struct fwd_cbor_map m;
		fwd_status s;

		if (fwd_cbor_peek(&c) != FWD_CBOR_MAP) {
			drop(data);
			continue;
		}
		s = fwd_cbor_map(&c, &m);
		while (s == FWD_OK && m.left > 0) {
			s = fwd_cbor_key(&c, &m);
			if (s == FWD_OK)
				s = fwd_cbor_skip(&c, &key);
			if (s == FWD_OK) {
				cr_assert_eq(key.p, m.last.p);
				cr_assert_eq(key.n, m.last.n);
				s = fwd_cbor_skip(&c, NULL);
			}
		}
		cr_assert_eq(s, maps[i].want, "%s", maps[i].hex);
		if (s == FWD_OK)
			cr_assert_eq(fwd_cbor_key(&c, &m), FWD_E_API);
		drop(data);
	}
}

/* ---- depth ---------------------------------------------------------- */

Test(cbor, nesting_has_a_limit)
{
	static const struct {
		uint8_t open[2];
		size_t n;
	} kinds[] = { { { 0x81 }, 1 }, { { 0xc1 }, 1 }, { { 0xa1, 0x00 }, 2 },
	    { { 0xd9 }, 0 } };
	uint8_t b[64];
	size_t used, n;

	for (size_t k = 0; kinds[k].n != 0; k++) {
		for (size_t depth = 0; depth < 20; depth++) {
			n = 0;
			for (size_t i = 0; i < depth; i++) {
				memcpy(b + n, kinds[k].open, kinds[k].n);
				n += kinds[k].n;
			}
			b[n++] = 0x05;
			cr_assert_eq(skip(span(b, n), &used),
			    depth <= FWD_CBOR_DEPTH_MAX ? FWD_OK :
			    FWD_E_CBOR_DEPTH);
		}
	}
	/* Deep inside a key as well. */
	memset(b, 0xa1, sizeof b);
	cr_assert_eq(skip(span(b, sizeof b), &used), FWD_E_CBOR_DEPTH);
	/* What holds nothing opens no level. */
	memset(b, 0x81, 8);
	b[8] = 0x80;
	cr_assert_eq(skip(span(b, 9), &used), FWD_OK);
	b[8] = 0xa0;
	cr_assert_eq(skip(span(b, 9), &used), FWD_OK);
}

/* ---- UTF-8 ---------------------------------------------------------- */

/* The length of the first character, by decoding it; 0 if malformed. */
static size_t
ref_utf8(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t v;
	size_t n;

	for (n = 0; n < 8 && (p[0] & (0x80u >> n)) != 0; n++)
		;
	if (n == 0)
		return 1;
	if (n == 1 || n > 4 || n > left)
		return 0;
	v = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		v = v << 6 | (p[i] & 63u);
	}
	return v >= least[n] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff) ?
	    n : 0;
}

static bool
ref_text(const uint8_t *p, size_t n)
{
	size_t k;

	for (size_t i = 0; i < n; i += k) {
		k = ref_utf8(p + i, n - i);
		if (k == 0)
			return false;
	}
	return true;
}

/* All strings of one and two bytes; of three and four at every boundary. */
Test(cbor, text_is_utf8)
{
	static const uint8_t edge[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
	    0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
	    0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xfb, 0xfc, 0xfe,
	    0xff };
	enum { E = sizeof edge };
	size_t good = 0, bad = 0;
	struct fwd_span s;
	struct fwd_cbor c;
	uint8_t b[5];
	fwd_status st;

#define CHECK(n) do {							\
	b[0] = (uint8_t)(0x60 + (n));					\
	c = fwd_cbor_open(span(b, 1 + (n)));				\
	st = fwd_cbor_text(&c, &s);					\
	cr_assert_eq(st, ref_text(b + 1, (n)) ? FWD_OK : FWD_E_CBOR_FORM, \
	    "%02x %02x %02x %02x", b[1], b[2], b[3], b[4]);		\
	if (st == FWD_OK)						\
		good++;							\
	else								\
		bad++;							\
} while (0)
	for (unsigned v = 0; v < 0x10000; v++) {
		b[1] = (uint8_t)(v >> 8);
		b[2] = (uint8_t)v;
		if (b[2] == 0)
			CHECK(1);
		CHECK(2);
	}
	for (unsigned i = 0; i < 256; i++)
	for (unsigned j = 0; j < 256; j++)
	for (size_t k = 0; k < E; k++) {
		b[1] = (uint8_t)i;
		b[2] = (uint8_t)j;
		b[3] = edge[k];
		CHECK(3);
		b[4] = 0xbf;
		CHECK(4);
		b[4] = 0x80;
		CHECK(4);
		b[4] = 0xc0;
		CHECK(4);
	}
#undef CHECK
	cr_assert_gt(good, 100000);
	cr_assert_gt(bad, 100000);
}

/* ---- a second opinion ----------------------------------------------- */

/*
 * Length of the item at p, 0 when there is none that the subset allows.
 * depth: non-empty containers that may still be opened.
 */
static size_t
ref_item(const uint8_t *p, size_t n, int depth)
{
	const unsigned major = n == 0 ? 0 : p[0] >> 5;
	size_t at = 1, extra, key = 0, key_n = 0, k;
	uint64_t v, items;

	if (n == 0)
		return 0;
	if (major == 7)
		return p[0] >= 0xf4 && p[0] <= 0xf6 ? 1 : 0;
	v = p[0] & 31u;
	if (v >= 28)
		return 0;
	if (v >= 24) {
		extra = (size_t)1 << (v - 24);
		if (n < 1 + extra)
			return 0;
		for (v = 0; at < 1 + extra; at++)
			v = v * 256 + p[at];
		if (shortest(v) != extra)
			return 0;
	}
	if (major <= 1)
		return at;
	if (major <= 3) {
		if (v > n - at || (major == 3 &&
		    !ref_text(p + at, (size_t)v)))
			return 0;
		return at + (size_t)v;
	}
	if (v > n - at && major != 6)
		return 0;		/* and it would take forever */
	items = major == 4 ? v : major == 5 ? 2 * v : 1;
	if (items > 0 && depth == 0)
		return 0;
	for (uint64_t i = 0; i < items; i++, at += k) {
		k = ref_item(p + at, n - at, depth - 1);
		if (k == 0)
			return 0;
		if (major != 5 || i % 2 != 0)
			continue;
		if (key_n != 0) {
			const size_t m = k < key_n ? k : key_n;
			const int o = memcmp(p + key, p + at, m);

			if (o > 0 || (o == 0 && key_n >= k))
				return 0;
		}
		key = at;
		key_n = k;
	}
	return at;
}

static size_t
compare(const uint8_t *p, size_t n)
{
	const size_t want = ref_item(p, n, FWD_CBOR_DEPTH_MAX);
	struct fwd_cbor c = fwd_cbor_open(span(p, n));
	const fwd_status s = fwd_cbor_skip(&c, NULL);

	if ((s == FWD_OK) != (want != 0) ||
	    (want != 0 && n - c.left.n != want))
		cr_assert_fail("%02x %02x %02x of %zu: %s, %zu, not %zu",
		    p[0], p[1], p[2], n, fwd_status_code(s), n - c.left.n,
		    want);
	return want;
}

Test(cbor, all_short_inputs)
{
	size_t good[4] = { 0 };
	uint8_t b[3];

	for (unsigned v = 0; v < 1u << 24; v++) {
		b[0] = (uint8_t)(v >> 16);
		b[1] = (uint8_t)(v >> 8);
		b[2] = (uint8_t)v;
		good[3] += compare(b, 3) == 3;
		if (b[2] == 0)
			good[2] += compare(b, 2) == 2;
		if (b[2] == 0 && b[1] == 0)
			good[1] += compare(b, 1) == 1;
	}
	/* 24 + 24 numbers, 2 strings, 2 containers, 3 simple values */
	cr_assert_eq(good[1], 55);
	cr_assert_gt(good[2], 1000);
	cr_assert_gt(good[3], 50000);
}

/* Longer ones at random, biased towards what holds other items. */
Test(cbor, random_inputs)
{
	static const uint8_t often[] = { 0x81, 0x82, 0x83, 0xa1, 0xa2, 0xa3,
	    0xc1, 0x00, 0x01, 0x02, 0x41, 0x61, 0x20, 0xf6, 0x18, 0x80 };
	uint64_t x = 88172645463325252u;
	size_t good = 0;
	uint8_t b[24];

	for (unsigned round = 0; round < 2000000; round++) {
		for (size_t i = 0; i < sizeof b; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			b[i] = (x >> 32 & 15) != 0 ?
			    often[x & 15] : (uint8_t)(x >> 8);
		}
		good += compare(b, sizeof b) != 0;
	}
	cr_assert_gt(good, 100000);
	cr_assert_lt(good, 1900000);
}
