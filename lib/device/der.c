/* SPDX-License-Identifier: Apache-2.0 */
/* Strict DER: one encoding for each value, and nothing but that is taken. */
#include "device/internal.h"
#include "device/der.h"

#define LONG_MAX_OCTETS	4u		/* of a length in its long form */

static struct fwd_span
skip(struct fwd_span s, size_t n)
{
	return (struct fwd_span){ s.p + n, s.n - n };
}

/* Read a length; *n is its value, *head how many octets it took. */
static fwd_status
read_length(struct fwd_span s, size_t *n, size_t *head)
{
	size_t octets, i;
	uint32_t v = 0;

	if (s.n == 0)
		return FWD_E_CERT_DER;
	*head = 1;
	*n = s.p[0];
	if (s.p[0] < 0x80)
		return FWD_OK;
	octets = s.p[0] & 0x7fu;	/* 0: indefinite, not in DER */
	if (octets == 0 || octets > LONG_MAX_OCTETS || octets > s.n - 1)
		return FWD_E_CERT_DER;
	for (i = 1; i <= octets; i++)
		v = v << 8 | s.p[i];
	if (v < 0x80 || s.p[1] == 0)
		return FWD_E_CERT_DER;	/* a shorter form exists */
	*n = v;
	*head = 1 + octets;
	return FWD_OK;
}

bool
fwd_der_at(struct fwd_span left, uint8_t tag)
{
	return left.n != 0 && left.p[0] == tag;
}

fwd_status
fwd_der_any(struct fwd_span *left, struct fwd_der *el)
{
	size_t n = 0, head = 0;

	memset(el, 0, sizeof *el);
	if (left->n == 0 || (left->p[0] & 0x1f) == 0x1f || left->p[0] == 0)
		return FWD_E_CERT_DER;	/* tag numbers from 31; no tag */
	FWD_TRY(read_length(skip(*left, 1), &n, &head));
	if (n > left->n - 1 - head)
		return FWD_E_CERT_DER;
	el->tag = left->p[0];
	el->content = (struct fwd_span){ left->p + 1 + head, n };
	el->whole = (struct fwd_span){ left->p, 1 + head + n };
	*left = skip(*left, el->whole.n);
	return FWD_OK;
}

fwd_status
fwd_der_take(struct fwd_span *left, uint8_t tag, struct fwd_span *content)
{
	struct fwd_der el;

	*content = (struct fwd_span){ 0 };
	if (!fwd_der_at(*left, tag))
		return FWD_E_CERT_DER;
	FWD_TRY(fwd_der_any(left, &el));
	*content = el.content;
	return FWD_OK;
}

fwd_status
fwd_der_end(struct fwd_span left)
{
	if (fwd_launder64(left.n) != 0)
		return FWD_E_CERT_DER;
	return FWD_OK;
}

fwd_status
fwd_der_true(struct fwd_span *left)
{
	struct fwd_span v;

	FWD_TRY(fwd_der_take(left, FWD_DER_BOOLEAN, &v));
	/* X.690 sections 11.1 and 11.5: TRUE is ff, a default is left out. */
	if (v.n != 1 || v.p[0] != 0xff)
		return FWD_E_CERT_DER;
	return FWD_OK;
}

fwd_status
fwd_der_uint(struct fwd_span *left, struct fwd_span *v)
{
	FWD_TRY(fwd_der_take(left, FWD_DER_INTEGER, v));
	if (v->n == 0 || v->p[0] >= 0x80)
		return FWD_E_CERT_DER;	/* no content; negative */
	if (v->p[0] != 0)
		return FWD_OK;
	if (v->n > 1 && v->p[1] < 0x80)
		return FWD_E_CERT_DER;	/* a zero too many */
	*v = skip(*v, 1);
	return FWD_OK;
}

fwd_status
fwd_der_small(struct fwd_span *left, uint32_t *v)
{
	struct fwd_span s;
	size_t i;

	*v = 0;
	FWD_TRY(fwd_der_uint(left, &s));
	if (s.n > 2) {
		*v = UINT32_MAX;
		return FWD_OK;
	}
	for (i = 0; i < s.n; i++)
		*v = *v << 8 | s.p[i];
	return FWD_OK;
}

fwd_status
fwd_der_bits(struct fwd_span *left, struct fwd_span *v)
{
	FWD_TRY(fwd_der_take(left, FWD_DER_BITS, v));
	if (v->n == 0 || v->p[0] != 0)
		return FWD_E_CERT_DER;
	*v = skip(*v, 1);
	return FWD_OK;
}

fwd_status
fwd_der_named_bits(struct fwd_span *left, uint32_t *v)
{
	struct fwd_span s;
	unsigned unused;
	size_t i;

	*v = 0;
	FWD_TRY(fwd_der_take(left, FWD_DER_BITS, &s));
	if (s.n < 2 || s.n > 3 || s.p[0] > 7)
		return FWD_E_CERT_DER;
	unused = s.p[0];
	/* The last bit in use is set, those behind it are not. */
	if ((s.p[s.n - 1] & ((2u << unused) - 1)) != 1u << unused)
		return FWD_E_CERT_DER;
	for (i = 0; i < 8 * (s.n - 1); i++) {
		if ((s.p[1 + i / 8] & (0x80u >> i % 8)) != 0)
			*v |= (uint32_t)1 << i;
	}
	return FWD_OK;
}

fwd_status
fwd_der_oid(struct fwd_span *left, struct fwd_span *v)
{
	size_t i;

	FWD_TRY(fwd_der_take(left, FWD_DER_OID, v));
	if (v->n == 0 || v->p[v->n - 1] >= 0x80)
		return FWD_E_CERT_DER;
	for (i = 0; i < v->n; i++) {
		/* X.690 section 8.19.2: an arc does not begin with zeros. */
		if (v->p[i] == 0x80 && (i == 0 || v->p[i - 1] < 0x80))
			return FWD_E_CERT_DER;
	}
	return FWD_OK;
}

/* Two decimal digits at p; 100, which nothing accepts, if they are not. */
static uint32_t
two_digits(const uint8_t *p)
{
	const uint32_t a = p[0] - (uint32_t)'0', b = p[1] - (uint32_t)'0';

	return a > 9 || b > 9 ? 100 : 10 * a + b;
}

/* Days from 1970-01-01 to the first of March of a year, of which leap years
   need to know nothing. */
static int64_t
days_to_march(int64_t year)
{
	return 365 * year + year / 4 - year / 100 + year / 400 - 719468;
}

static bool
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* The rest of a Time: MMDDHHMMSSZ of a year. */
static fwd_status
read_date(int64_t year, const uint8_t *p, int64_t *t)
{
	static const uint8_t length[12] =
	    { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	/* days of the months since March */
	static const uint16_t before[12] =
	    { 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275 };
	const uint32_t month = two_digits(p), day = two_digits(p + 2),
	    hour = two_digits(p + 4), minute = two_digits(p + 6),
	    second = two_digits(p + 8);
	uint32_t days;

	if (month < 1 || month > 12 || hour > 23 || minute > 59 ||
	    second > 59 || p[10] != 'Z')
		return FWD_E_CERT_DER;
	days = length[month - 1];
	if (month == 2 && is_leap(year))
		days++;
	if (day < 1 || day > days)
		return FWD_E_CERT_DER;
	*t = days_to_march(month < 3 ? year - 1 : year) + before[month - 1] +
	    (int64_t)day - 1;
	*t = ((*t * 24 + hour) * 60 + minute) * 60 + second;
	return FWD_OK;
}

fwd_status
fwd_der_time(struct fwd_span *left, int64_t *t)
{
	struct fwd_span s;
	uint32_t high, low;

	*t = 0;
	if (fwd_der_at(*left, FWD_DER_UTCTIME)) {
		FWD_TRY(fwd_der_take(left, FWD_DER_UTCTIME, &s));
		if (s.n != 13)
			return FWD_E_CERT_DER;
		low = two_digits(s.p);
		if (low > 99)
			return FWD_E_CERT_DER;
		return read_date(low < 50 ? 2000 + low : 1900 + low, s.p + 2,
		    t);
	}
	FWD_TRY(fwd_der_take(left, FWD_DER_GENTIME, &s));
	if (s.n != 15)
		return FWD_E_CERT_DER;
	high = two_digits(s.p);
	low = two_digits(s.p + 2);
	/* Dates through 2049 must be a UTCTime. */
	if (high > 99 || low > 99 || 100 * high + low < 2050)
		return FWD_E_CERT_DER;
	return read_date(100 * (int64_t)high + low, s.p + 4, t);
}
