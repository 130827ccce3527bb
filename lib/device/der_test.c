/* SPDX-License-Identifier: Apache-2.0 */
/* DER: one encoding for each value; times against the C library. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "device/der.h"

static struct fwd_span
text(const char *s, size_t n)
{
	return (struct fwd_span){ (const uint8_t *)s, n };
}

#define S(t) text(t, sizeof(t) - 1)

Test(der, lengths)
{
	static uint8_t big[70000];
	static const struct {
		uint8_t head[6];
		size_t n;		/* octets of head */
		size_t content;
		bool ok;
	} cases[] = {
		{ { 4, 0 }, 2, 0, true },
		{ { 4, 0x7f }, 2, 0x7f, true },
		{ { 4, 0x80 }, 2, 0, false },		/* indefinite */
		{ { 4, 0x81, 0x80 }, 3, 0x80, true },
		{ { 4, 0x81, 0x7f }, 3, 0x7f, false },
		{ { 4, 0x81, 0 }, 3, 0, false },
		{ { 4, 0x81, 0xff }, 3, 0xff, true },
		{ { 4, 0x82, 0, 0x80 }, 4, 0x80, false },
		{ { 4, 0x82, 0, 0xff }, 4, 0xff, false },
		{ { 4, 0x82, 1, 0 }, 4, 0x100, true },
		{ { 4, 0x82, 0xff, 0xff }, 4, 0xffff, true },
		{ { 4, 0x83, 0, 0xff, 0xff }, 5, 0xffff, false },
		{ { 4, 0x83, 1, 0, 0 }, 5, 0x10000, true },
		{ { 4, 0x84, 0, 1, 0, 0 }, 6, 0x10000, false },
		{ { 4, 0x84, 0xff, 0xff, 0xff, 0xff }, 6, 0x10000, false },
		{ { 4, 0x85, 0, 0, 0, 0 }, 6, 0, false },
		{ { 4, 0xff, 0, 0, 0, 0 }, 6, 0x100, false },
		{ { 0x1f, 0x20, 0 }, 3, 0, false },	/* long tag */
		{ { 0x3f, 0 }, 2, 0, false },
		{ { 0, 0 }, 2, 0, false },
	};
	struct fwd_span left;
	struct fwd_der el;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memset(big, 0, sizeof big);
		memcpy(big, cases[i].head, cases[i].n);
		/* one octet more behind it */
		left = (struct fwd_span){ big,
		    cases[i].n + cases[i].content + 1 };
		cr_assert_eq(fwd_der_any(&left, &el) == FWD_OK, cases[i].ok,
		    "%zu", i);
		if (!cases[i].ok)
			continue;
		cr_assert_eq(el.content.n, cases[i].content);
		cr_assert_eq(el.content.p, big + cases[i].n);
		cr_assert_eq(el.whole.n, cases[i].n + cases[i].content);
		cr_assert_eq(left.n, 1u);
		/* one octet less than it says */
		left = (struct fwd_span){ big,
		    cases[i].n + cases[i].content - 1 };
		cr_assert_eq(fwd_der_any(&left, &el), FWD_E_CERT_DER);
		cr_assert_eq(el.whole.n, 0u);
	}
}

/* Whatever three octets say, what is taken lies within them. */
Test(der, three_octets)
{
	uint8_t b[3];
	struct fwd_span left;
	struct fwd_der el;
	size_t good = 0;

	for (unsigned v = 0; v < 1u << 24; v++) {
		b[0] = (uint8_t)(v >> 16);
		b[1] = (uint8_t)(v >> 8);
		b[2] = (uint8_t)v;
		left = (struct fwd_span){ b, 3 };
		if (fwd_der_any(&left, &el) != FWD_OK)
			continue;
		good++;
		if (el.whole.p != b || el.whole.n + left.n != 3 ||
		    el.content.n != b[1] || el.whole.n != 2u + b[1])
			cr_assert_fail("%06x", v);
	}
	/* 256 - 8 long tags - the tag 0; lengths 0 and 1; any third octet */
	cr_assert_eq(good, 247u * 2 * 256);
}

Test(der, integers)
{
	static const struct {
		struct { const char *p; size_t n; } der;
		bool ok;
		uint32_t v;
	} cases[] = {
#define C(t, good, value) { { t, sizeof(t) - 1 }, good, value }
		C("\2\1\0", true, 0), C("\2\1\1", true, 1),
		C("\2\1\x7f", true, 127), C("\2\1\x80", false, 0),
		C("\2\1\xff", false, 0), C("\2\2\0\x80", true, 128),
		C("\2\2\0\x7f", false, 0), C("\2\2\0\0", false, 0),
		C("\2\2\1\0", true, 256), C("\2\3\0\xff\xff", true, 65535),
		C("\2\3\1\0\0", true, UINT32_MAX),
		C("\2\5\0\xff\xff\xff\xff", true, UINT32_MAX),
		C("\2\0", false, 0), C("\2\1", false, 0),
		C("\3\1\1", false, 0), C("", false, 0),
#undef C
	};
	struct fwd_span left;
	uint32_t v;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		left = text(cases[i].der.p, cases[i].der.n);
		cr_assert_eq(fwd_der_small(&left, &v) == FWD_OK,
		    cases[i].ok, "%zu", i);
		cr_assert(!cases[i].ok || v == cases[i].v, "%zu", i);
	}
}

Test(der, booleans)
{
	uint8_t b[3] = { 1, 1, 0 };
	struct fwd_span left;

	for (unsigned v = 0; v < 256; v++) {
		b[2] = (uint8_t)v;
		left = (struct fwd_span){ b, 3 };
		cr_assert_eq(fwd_der_true(&left), v == 0xff ? FWD_OK :
		    FWD_E_CERT_DER);
	}
	left = S("\1\2\xff\xff");
	cr_assert_eq(fwd_der_true(&left), FWD_E_CERT_DER);
}

/* All strings of up to 16 named bits: exactly one encoding for each set. */
Test(der, named_bits)
{
	uint8_t b[5] = { 3 };
	struct fwd_span left;
	uint32_t v, want;
	size_t good = 0;

	for (size_t n = 1; n <= 2; n++) {
		b[1] = (uint8_t)(n + 1);
		for (unsigned unused = 0; unused < 256; unused++) {
			b[2] = (uint8_t)unused;
			for (unsigned bits = 0; bits < 1u << 8 * n; bits++) {
				b[3] = (uint8_t)(bits >> (8 * n - 8));
				b[4] = (uint8_t)bits;
				left = (struct fwd_span){ b, 3 + n };
				if (fwd_der_named_bits(&left, &v) != FWD_OK)
					continue;
				good++;
				want = 0;
				for (unsigned i = 0; i < 8 * n; i++)
					want |= (bits >> (8 * n - 1 - i) & 1)
					    << i;
				if (v != want || (v >> (8 * n - 1 - unused))
				    != 1)
					cr_assert_fail("%u %x", unused, bits);
			}
		}
	}
	/* every set of 16 bits but the empty one */
	cr_assert_eq(good, 65535u);
	left = S("\3\1\0");
	cr_assert_eq(fwd_der_named_bits(&left, &v), FWD_E_CERT_DER);
	left = S("\3\0");
	cr_assert_eq(fwd_der_named_bits(&left, &v), FWD_E_CERT_DER);
}

Test(der, oids)
{
	static const struct {
		struct { const char *p; size_t n; } der;
		bool ok;
	} cases[] = {
#define C(t, good) { { t, sizeof(t) - 1 }, good }
		C("\6\1\x2a", true), C("\6\0", false), C("\6\1\x80", false),
		C("\6\2\x80\1", false), C("\6\2\x81\1", true),
		C("\6\2\x2a\x80", false), C("\6\3\x2a\x80\1", false),
		C("\6\3\x2a\x81\1", true), C("\6\4\x2a\x81\x80\1", true),
		C("\5\1\x2a", false),
#undef C
	};
	struct fwd_span left, v;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		left = text(cases[i].der.p, cases[i].der.n);
		cr_assert_eq(fwd_der_oid(&left, &v) == FWD_OK, cases[i].ok,
		    "%zu", i);
	}
}

static fwd_status
read_time(uint8_t tag, const char *s, int64_t *t)
{
	uint8_t b[40] = { tag, (uint8_t)strlen(s) };
	struct fwd_span left = { b, 2 + strlen(s) };

	memcpy(b + 2, s, strlen(s));
	return fwd_der_time(&left, t);
}

/* Each date from 1950 on, real or not, against the C library. */
Test(der, every_date, .timeout = 600)
{
	char s[40];
	int64_t t;
	fwd_status got;
	struct tm tm, back;
	time_t want;
	bool real;

	for (int year = 1950; year < 2200; year++) {
		for (int i = 0; i < 14 * 33; i++) {
			const int month = i / 33, day = i % 33;

			tm = (struct tm){ .tm_year = year - 1900,
			    .tm_mon = month - 1, .tm_mday = day,
			    .tm_hour = day % 24, .tm_min = month,
			    .tm_sec = 59 - day };
			back = tm;
			want = timegm(&back);
			real = back.tm_mday == day &&
			    back.tm_mon == month - 1;
			(void)snprintf(s, sizeof s,
			    year < 2050 ? "%02d%02d%02d%02d%02d%02dZ" :
			    "%04d%02d%02d%02d%02d%02dZ",
			    year < 2050 ? year % 100 : year, month, day,
			    day % 24, month, 59 - day);
			got = read_time(year < 2050 ? FWD_DER_UTCTIME :
			    FWD_DER_GENTIME, s, &t);
			if (got != (real ? FWD_OK : FWD_E_CERT_DER) ||
			    (real && t != want))
				cr_assert_fail("%s", s);
		}
	}
}

/* Every other character in every place. */
Test(der, every_character)
{
	static const char *const good[] = { "260228235959Z",
	    "20520229235959Z" };
	char s[20];
	int64_t t;

	for (size_t i = 0; i < 2; i++) {
		for (size_t at = 0; good[i][at] != '\0'; at++) {
			strcpy(s, good[i]);
			for (int c = 1; c < 256; c++) {
				s[at] = (char)c;
				if (c >= '0' && c <= '9' && good[i][at] != 'Z')
					continue;
				cr_assert_eq(read_time(i == 0 ?
				    FWD_DER_UTCTIME : FWD_DER_GENTIME, s,
				    &t), c == good[i][at] ? FWD_OK :
				    FWD_E_CERT_DER, "%s", s);
			}
		}
	}
	cr_assert_eq(read_time(FWD_DER_GENTIME, "99991231235959Z", &t),
	    FWD_OK);
	cr_assert_eq(t, 253402300799);
	cr_assert_eq(read_time(FWD_DER_GENTIME, "20491231235959Z", &t),
	    FWD_E_CERT_DER);
	cr_assert_eq(read_time(FWD_DER_UTCTIME, "260228246000Z", &t),
	    FWD_E_CERT_DER);
	cr_assert_eq(read_time(FWD_DER_UTCTIME, "2602282359Z", &t),
	    FWD_E_CERT_DER);
	cr_assert_eq(read_time(0x16, "260228235959Z", &t), FWD_E_CERT_DER);
}
