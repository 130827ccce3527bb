/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as RFC 3339 text.  By own arithmetic: the C library's goes through
 * time zones and int years.
 */
#include <stdio.h>
#include <string.h>

#include "host/internal.h"

enum { DAY = 86400, ERA_DAYS = 146097, ERA_YEARS = 400 };

/* Days from 0000-03-01, from which leap days end the year, to 1970-01-01. */
enum { EPOCH_DAYS = 719468 };

/* Read n digits; false when there is anything else. */
static bool
digits(const char **at, unsigned n, unsigned least, unsigned most,
    unsigned *out)
{
	unsigned v = 0;

	for (; n > 0; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		v = v * 10 + (unsigned)(**at - '0');
	}
	*out = v;
	return v >= least && v <= most;
}

/* One of two characters. */
static bool
one_of(const char **at, char a, char b)
{
	if (**at != a && **at != b)
		return false;
	(*at)++;
	return true;
}

static unsigned
days_in(unsigned year, unsigned month)
{
	static const uint8_t days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
	};
	const bool leap = year % 4 == 0 && (year % 100 != 0 ||
	    year % 400 == 0);

	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* Days since 1970-01-01 of a date in the years 0 to 9999. */
static int64_t
days_from_date(unsigned year, unsigned month, unsigned day)
{
	/* Years that begin in March; 400 more, so that none is negative. */
	const unsigned y = year + ERA_YEARS - (month < 3);
	const unsigned m = month < 3 ? month + 9 : month - 3;
	const unsigned era = y / ERA_YEARS, of_era = y % ERA_YEARS;
	const unsigned of_year = (153 * m + 2) / 5 + day - 1;
	const unsigned days = of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year;

	return ((int64_t)era - 1) * ERA_DAYS + days - EPOCH_DAYS;
}

/* "Z" or "+hh:mm"; seconds east of Greenwich. */
static bool
parse_offset(const char **at, int64_t *out)
{
	unsigned hours, minutes;
	const bool west = **at == '-';

	*out = 0;
	if (one_of(at, 'Z', 'z'))
		return true;
	if (!one_of(at, '+', '-') || !digits(at, 2, 0, 23, &hours) ||
	    !one_of(at, ':', ':') || !digits(at, 2, 0, 59, &minutes))
		return false;
	*out = (int64_t)hours * 3600 + minutes * 60;
	if (west)
		*out = -*out;
	return true;
}

bool
fw_time_parse(const char *text, int64_t *out)
{
	unsigned year, month, day, hour, minute, second;
	const char *at = text;
	int64_t offset;

	if (!digits(&at, 4, 0, 9999, &year) || !one_of(&at, '-', '-') ||
	    !digits(&at, 2, 1, 12, &month) || !one_of(&at, '-', '-') ||
	    !digits(&at, 2, 1, days_in(year, month), &day) ||
	    !one_of(&at, 'T', 't') ||
	    !digits(&at, 2, 0, 23, &hour) || !one_of(&at, ':', ':') ||
	    !digits(&at, 2, 0, 59, &minute) || !one_of(&at, ':', ':') ||
	    !digits(&at, 2, 0, 59, &second) ||
	    !parse_offset(&at, &offset) || *at != '\0')
		return false;
	*out = days_from_date(year, month, day) * DAY + hour * 3600 +
	    minute * 60 + second - offset;
	return true;
}

void
fw_time_format(int64_t t, char out[32])
{
	/* Rounded down, whatever the sign. */
	const int64_t day = t / DAY - (t % DAY < 0);
	const unsigned of_day = (unsigned)((t % DAY + DAY) % DAY);
	const int64_t d = day + EPOCH_DAYS;
	const int64_t era = d / ERA_DAYS - (d % ERA_DAYS < 0);
	const unsigned of_era = (unsigned)(d - era * ERA_DAYS);
	const unsigned year = (of_era - of_era / 1460 + of_era / 36524 -
	    of_era / (ERA_DAYS - 1)) / 365;
	const unsigned of_year = of_era - (365 * year + year / 4 -
	    year / 100);
	const unsigned m = (5 * of_year + 2) / 153;
	const unsigned month = m < 10 ? m + 3 : m - 9;
	char text[64] = "";

	(void)snprintf(text, sizeof text, "%04lld-%02u-%02uT%02u:%02u:%02uZ",
	    (long long)(era * ERA_YEARS + year + (month < 3)), month,
	    of_year - (153 * m + 2) / 5 + 1, of_day / 3600,
	    of_day / 60 % 60, of_day % 60);
	/* The earliest and the latest time take 29 characters. */
	memcpy(out, text, 31);
	out[31] = '\0';
}
