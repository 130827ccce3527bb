/* SPDX-License-Identifier: Apache-2.0 */
/* Versions as text; what is refused stands in testdata/profile as well. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "host/fields.h"
#include "host/internal.h"

static const struct {
	const char *text;
	struct fwd_version v;
} good[] = {
	/* the examples of draft-ietf-suit-update-management-14, 4.4.1 */
	{ "1.2.3", { { 1, 2, 3 }, 3 } },
	{ "1.2-rc.3", { { 1, 2, -1, 3 }, 4 } },
	{ "1.2-beta", { { 1, 2, -2 }, 3 } },
	{ "1.2-alpha", { { 1, 2, -3 }, 3 } },
	{ "1.2.3-alpha.4", { { 1, 2, 3, -3, 4 }, 5 } },
	{ "2025.12.6", { { 2025, 12, 6 }, 3 } },
	{ "0", { { 0 }, 1 } },
	{ "0.0", { { 0, 0 }, 2 } },
	{ "10-rc", { { 10, -1 }, 2 } },
	{ "1.2.3.4.5.6.7.8", { { 1, 2, 3, 4, 5, 6, 7, 8 }, 8 } },
	{ "1.2.3.4.5.6-rc.8", { { 1, 2, 3, 4, 5, 6, -1, 8 }, 8 } },
	{ "999999999999999999", { { 999999999999999999 }, 1 } },
};
static const char *const bad[] = {
	"", ".", "-", "1.", ".1", "1..2", "01", "1.02", "v1", "-1", "1-",
	"1-2", "1.rc", "rc", "1-rc.", "1-rc-rc", "1-rc.1-beta", "1-rc1",
	"1-RC", "1-r", "1-alph", "1-alphabeta", "1+2", "1 ", " 1", "1,2",
	"1.2.3.4.5.6.7.8.9", "1.2.3.4.5.6.7.8-rc", "1.2.3.4.5.6.7-rc.1",
	"1000000000000000000", "1.1000000000000000000", "0x1", "1e3", "+1",
};

Test(version, parse_and_format)
{
	char text[FW_VERSION_TEXT];
	struct fwd_version v;

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		cr_assert(fw_version_parse(good[i].text, &v), "%s",
		    good[i].text);
		cr_assert_eq(v.n, good[i].v.n);
		cr_assert_arr_eq(v.part, good[i].v.part, sizeof v.part);
		fw_version_format(&v, text);
		cr_assert_str_eq(text, good[i].text);
		cr_assert_null(fw_rule_version(text));
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&v, 0xff, sizeof v);
		cr_assert_not(fw_version_parse(bad[i], &v), "%s", bad[i]);
		cr_assert_eq(v.n, 0);
		cr_assert_not_null(fw_rule_version(bad[i]));
	}
}

/* All texts of up to six of these characters: what is read is what is
   written, and nothing else is. */
Test(version, every_text)
{
	static const char set[] = "012.-rcx";
	char text[7] = "", back[FW_VERSION_TEXT];
	size_t at[6], n, taken = 0;
	struct fwd_version v;

	for (n = 1; n <= 6; n++) {
		memset(at, 0, sizeof at);
		text[n] = '\0';
		for (;;) {
			size_t k = 0;

			for (size_t i = 0; i < n; i++)
				text[i] = set[at[i]];
			if (fw_version_parse(text, &v)) {
				fw_version_format(&v, back);
				cr_assert_str_eq(back, text);
				taken++;
			}
			while (k < n && ++at[k] == sizeof set - 1)
				at[k++] = 0;
			if (k == n)
				break;
		}
	}
	(void)printf("version: %zu texts are versions\n", taken);
	cr_assert_gt(taken, 1000);
}

/* What comes out of a manifest may be what no text stands for. */
Test(version, format_anything)
{
	struct fwd_version v = { { INT64_MIN, INT64_MIN, INT64_MAX, -4, -1,
	    -2, -3, INT64_MIN }, 8 };
	char text[FW_VERSION_TEXT];

	fw_version_format(&v, text);
	cr_assert_str_eq(text, "-9223372036854775808.-9223372036854775808."
	    "9223372036854775807.-4-rc-beta-alpha.-9223372036854775808");
	for (size_t i = 0; i < 8; i++)
		v.part[i] = INT64_MIN;
	fw_version_format(&v, text);
	cr_assert_eq(strlen(text), 8 * 20 + 7);
	v.n = 0;
	fw_version_format(&v, text);
	cr_assert_str_eq(text, "");
}
