/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "host/fwhost.h"

/* One date, against the C library, which turns 31 April into 1 May. */
static bool
date_holds(int year, int month, int day, unsigned *days)
{
	struct tm tm = {
		.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day,
		.tm_hour = day % 24, .tm_min = month * 4, .tm_sec = day,
	};
	char text[32], again[32];
	time_t want;
	int64_t t;

	(void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    year % 10000, month % 100, day % 100, tm.tm_hour % 24,
	    tm.tm_min % 60, tm.tm_sec % 60);
	want = timegm(&tm);
	if (!fw_time_parse(text, &t))
		return tm.tm_mday != day;
	++*days;
	fw_time_format(t, again);
	return tm.tm_mday == day && t == want && strcmp(text, again) == 0;
}

/* Every day of the years 0 to 9999. */
Test(timefmt, every_day)
{
	unsigned days = 0;

	for (int year = 0; year <= 9999; year++)
		for (int month = 1; month <= 12; month++)
			for (int day = 1; day <= 31; day++)
				if (!date_holds(year, month, day, &days))
					cr_assert(false, "%d-%d-%d", year,
					    month, day);
	cr_assert_eq(days, 3652425);
}

static const struct {
	const char *text;
	int64_t t;
} good[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1970-01-01t00:00:00z", 0 },
	{ "1970-01-01T00:00:00+00:00", 0 },
	{ "1970-01-01T00:00:00-00:00", 0 },
	{ "1970-01-01T01:30:00+01:30", 0 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "1969-12-31T00:01:00-23:59", 0 },
	{ "2026-01-31T12:00:00Z", 1769860800 },
	{ "2026-01-31T12:00:00-08:00", 1769889600 },
	{ "0000-01-01T00:00:00+23:59", -62167305540 },
	{ "9999-12-31T23:59:59-23:59", 253402387139 },
	{ "2000-02-29T00:00:00Z", 951782400 },
};

Test(timefmt, good)
{
	int64_t t;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		cr_assert(fw_time_parse(good[i].text, &t), "%s",
		    good[i].text);
		cr_assert_eq(t, good[i].t, "%s", good[i].text);
	}
}

Test(timefmt, bad)
{
	static const char *const bad[] = {
		"2026-01-31", "2026-01-31T12:00Z", "2026-01-31 12:00:00Z",
		"2026-01-31T12:00:00", "2026-01-31T12:00:00.0Z",
		"2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z",
		"2026-01-31T12:00:60Z", "2026-00-31T12:00:00Z",
		"2026-13-31T12:00:00Z", "2026-01-00T12:00:00Z",
		"2026-02-29T12:00:00Z", "1900-02-29T12:00:00Z",
		"2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+01:60",
		"2026-01-31T12:00:00+0100", "2026-01-31T12:00:00+01",
		"2026-01-31T12:00:00Z ", " 2026-01-31T12:00:00Z",
		"+2026-01-31T12:00:00Z", "12026-01-31T12:00:00Z",
		"2026-1-31T12:00:00Z", "2026-01-31T12:00:00UTC",
		"20260131T120000Z",
	};
	int64_t t = 77;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		cr_assert_not(fw_time_parse(bad[i], &t), "%s", bad[i]);
	cr_assert_eq(t, 77);
}

/* Every beginning, and every byte value at every place. */
Test(timefmt, hostile)
{
	static const char whole[] = "2026-01-31T12:00:00+01:00";
	char text[sizeof whole];
	int64_t t;

	for (size_t n = 0; n < sizeof whole - 1; n++) {
		memcpy(text, whole, n);
		text[n] = '\0';
		cr_assert_not(fw_time_parse(text, &t), "%s", text);
	}
	for (size_t i = 0; i < sizeof whole - 1; i++)
		for (int c = 1; c < 256; c++) {
			bool digit = c >= '0' && c <= '9';

			memcpy(text, whole, sizeof text);
			text[i] = (char)c;
			if (fw_time_parse(text, &t))
				cr_assert(digit || c == whole[i] ||
				    (i == 19 && c == '-') ||
				    (i == 10 && c == 't'), "%s", text);
		}
}

/* Any time at all can be printed, and the C library agrees. */
Test(timefmt, format_far_away)
{
	static const int64_t far[] = {
		INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 1, 0, -1,
		-62167219201, -62167219200, 253402300799, 253402300800,
	};
	char text[32];

	fw_time_format(INT64_MIN, text);
	cr_assert_str_eq(text, "-292277022657-01-27T08:29:52Z");
	fw_time_format(INT64_MAX, text);
	cr_assert_str_eq(text, "292277026596-12-04T15:30:07Z");
	for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
		fw_time_format(far[i], text);
		cr_assert_lt(strlen(text), sizeof text);
	}
	for (int64_t t = -67768040609740800; t < 67767976233532799;
	    t += 13555360168432741) {
		const time_t tt = (time_t)t;
		struct tm tm;
		char want[64];

		cr_assert_not_null(gmtime_r(&tt, &tm));
		(void)snprintf(want, sizeof want,
		    "%04lld-%02d-%02dT%02d:%02d:%02dZ",
		    tm.tm_year + 1900LL, tm.tm_mon + 1, tm.tm_mday,
		    tm.tm_hour, tm.tm_min, tm.tm_sec);
		fw_time_format(t, text);
		cr_assert_str_eq(text, want);
	}
}
