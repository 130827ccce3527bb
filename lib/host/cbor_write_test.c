/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder against RFC 8949 and against the reader in the device library. */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/internal.h"
#include "testdata/fault.h"

static struct fw_cbor c;
static struct fw_buf out;
static struct fw_error err;

static void
reset(void)
{
	fault_reset();
	fw_cbor_deinit(&c);
	fw_buf_deinit(&out);
}

TestSuite(cbor_write, .init = reset, .fini = reset);

/* What was written is exactly these bytes; starts anew. */
static void
wrote(const char *what, const void *p, size_t n)
{
	cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK, "%s", what);
	cr_assert_eq(out.n, n, "%s: %zu bytes", what, out.n);
	cr_assert_arr_eq(out.p, p, n, "%s", what);
	fw_buf_deinit(&out);
}
#define WROTE(bytes) wrote(#bytes, bytes, sizeof(bytes) - 1)

/* RFC 8949 appendix A: what of it is in our subset. */
Test(cbor_write, appendix_a_numbers)
{
	fw_cbor_uint(&c, 0), WROTE("\x00");
	fw_cbor_uint(&c, 1), WROTE("\x01");
	fw_cbor_uint(&c, 10), WROTE("\x0a");
	fw_cbor_uint(&c, 23), WROTE("\x17");
	fw_cbor_uint(&c, 24), WROTE("\x18\x18");
	fw_cbor_uint(&c, 25), WROTE("\x18\x19");
	fw_cbor_uint(&c, 100), WROTE("\x18\x64");
	fw_cbor_uint(&c, 1000), WROTE("\x19\x03\xe8");
	fw_cbor_uint(&c, 1000000), WROTE("\x1a\x00\x0f\x42\x40");
	fw_cbor_uint(&c, 1000000000000),
	    WROTE("\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00");
	fw_cbor_uint(&c, UINT64_MAX),
	    WROTE("\x1b\xff\xff\xff\xff\xff\xff\xff\xff");
	fw_cbor_int(&c, 10), WROTE("\x0a");
	fw_cbor_int(&c, -1), WROTE("\x20");
	fw_cbor_int(&c, -10), WROTE("\x29");
	fw_cbor_int(&c, -100), WROTE("\x38\x63");
	fw_cbor_int(&c, -1000), WROTE("\x39\x03\xe7");
	fw_cbor_int(&c, INT64_MIN),
	    WROTE("\x3b\x7f\xff\xff\xff\xff\xff\xff\xff");
}

Test(cbor_write, appendix_a_others)
{
	fw_cbor_bool(&c, false), WROTE("\xf4");
	fw_cbor_bool(&c, true), WROTE("\xf5");
	fw_cbor_nil(&c), WROTE("\xf6");
	fw_cbor_tag(&c, 1), fw_cbor_uint(&c, 1363896240),
	    WROTE("\xc1\x1a\x51\x4b\x67\xb0");
	fw_cbor_tag(&c, 23), fw_cbor_bytes(&c, "\1\2\3\4", 4),
	    WROTE("\xd7\x44\x01\x02\x03\x04");
	fw_cbor_tag(&c, 32), fw_cbor_text(&c, "http://www.example.com"),
	    WROTE("\xd8\x20\x76http://www.example.com");
	fw_cbor_bytes(&c, NULL, 0), WROTE("\x40");
	fw_cbor_text(&c, ""), WROTE("\x60");
	fw_cbor_text(&c, "a"), WROTE("\x61\x61");
	fw_cbor_text(&c, "IETF"), WROTE("\x64IETF");
	fw_cbor_text(&c, "\"\\"), WROTE("\x62\x22\x5c");
	fw_cbor_text(&c, "\xc3\xbc"), WROTE("\x62\xc3\xbc");
	fw_cbor_array(&c, 0), WROTE("\x80");
	fw_cbor_map(&c, 0), WROTE("\xa0");
}

Test(cbor_write, appendix_a_nested)
{
	/* [1, [2, 3], [4, 5]] */
	fw_cbor_array(&c, 3);
	fw_cbor_uint(&c, 1);
	fw_cbor_array(&c, 2), fw_cbor_uint(&c, 2), fw_cbor_uint(&c, 3);
	fw_cbor_array(&c, 2), fw_cbor_uint(&c, 4), fw_cbor_uint(&c, 5);
	WROTE("\x83\x01\x82\x02\x03\x82\x04\x05");
	/* {"a": 1, "b": [2, 3]} */
	fw_cbor_map(&c, 2);
	fw_cbor_text(&c, "a"), fw_cbor_uint(&c, 1);
	fw_cbor_text(&c, "b");
	fw_cbor_array(&c, 2), fw_cbor_uint(&c, 2), fw_cbor_uint(&c, 3);
	WROTE("\xa2\x61\x61\x01\x61\x62\x82\x02\x03");
	fw_cbor_array(&c, 25);
	for (unsigned i = 1; i <= 25; i++)
		fw_cbor_uint(&c, i);
	WROTE("\x98\x19\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
	    "\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x18\x18\x19");
}

/* Every length of head, on both sides of each border, both ways. */
Test(cbor_write, reader_agrees_on_numbers)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int d = -2; d <= 2; d++) {
			const uint64_t v = (UINT64_C(1) << bit) + (uint64_t)d;
			struct fwd_cbor r;
			uint64_t u = 0;
			int64_t i = 0;

			fw_cbor_uint(&c, v);
			fw_cbor_tag(&c, v);
			fw_cbor_int(&c, (int64_t)v);
			cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK);
			r = fwd_cbor_open(fw_buf_span(&out));
			cr_assert_eq(fwd_cbor_uint(&r, &u), FWD_OK);
			cr_assert_eq(u, v);
			cr_assert_eq(fwd_cbor_tag(&r, &u), FWD_OK);
			cr_assert_eq(u, v);
			cr_assert_eq(fwd_cbor_int(&r, &i), FWD_OK);
			cr_assert_eq(i, (int64_t)v);
			cr_assert_eq(fwd_cbor_end(&r), FWD_OK);
			fw_buf_deinit(&out);
		}
	}
}

Test(cbor_write, reader_agrees_on_lengths)
{
	static const size_t lengths[] = { 0, 1, 23, 24, 25, 255, 256, 257,
	    65535, 65536, 65537 };
	static char text[65538];

	memset(text, 'x', sizeof text - 1);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		const size_t n = lengths[i];
		struct fwd_span s = { 0 };
		struct fwd_cbor r;

		fw_cbor_bytes(&c, text, n);
		fw_cbor_text(&c, text + sizeof text - 1 - n);
		cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK);
		r = fwd_cbor_open(fw_buf_span(&out));
		cr_assert_eq(fwd_cbor_bytes(&r, &s), FWD_OK);
		cr_assert_eq(s.n, n);
		cr_assert_arr_eq(s.p, text, n);
		cr_assert_eq(fwd_cbor_text(&r, &s), FWD_OK);
		cr_assert_eq(s.n, n);
		cr_assert_eq(fwd_cbor_end(&r), FWD_OK);
		fw_buf_deinit(&out);
	}
}

Test(cbor_write, wrap)
{
	struct fw_cbor inner = { 0 };

	fw_cbor_array(&inner, 1);
	fw_cbor_uint(&inner, 1000);
	fw_cbor_wrap(&c, &inner);
	cr_assert_null(inner.out.p, "it is emptied");
	fw_cbor_wrap(&c, &inner);
	WROTE("\x44\x81\x19\x03\xe8\x40");
}

static void
write_all_sorts(void)
{
	struct fw_cbor inner = { 0 };
	char text[600];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	fw_cbor_map(&inner, 1);
	fw_cbor_text(&inner, text);
	fw_cbor_bytes(&inner, text, sizeof text);
	fw_cbor_array(&c, 3);
	fw_cbor_wrap(&c, &inner);
	fw_cbor_nil(&c);
	fw_cbor_raw(&c, text, sizeof text);
}

/* Memory that is short is told at the end, whichever allocation it was. */
Test(cbor_write, no_memory)
{
	int i;

	for (i = 0; fault_set(FAULT_ALLOC, i, ENOMEM), write_all_sorts(),
	    fault_hit(); i++) {
		out = (struct fw_buf){ 0 };
		cr_assert(c.failed, "call %d", i);
		cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_E_NOMEM);
		cr_assert_null(out.p);
		cr_assert_not(c.failed, "ready for the next");
	}
	cr_assert_geq(i, 4);
	cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK);
}
