/* SPDX-License-Identifier: Apache-2.0 */
/* The report as text: nothing in it is cut, and nothing reaches a terminal. */
#include <criterion/criterion.h>
#include <string.h>

#include "host/internal.h"
#include "host/judge.h"

static void
release(json_t **tree)
{
	json_decref(*tree);
}

/* The text of a report that has this product, and this not judged. */
static struct fw_buf
text_of(const char *bytes, size_t n)
{
	struct fw_error err;
	struct fw_buf out = { 0 };
	FW_CLEANUP(release) json_t *report = json_pack(
	    "{s:s, s:s, s:s%, s:[s%]}", "verdict", "accepted", "bundle", "b",
	    "product", bytes, n, "not-judged", bytes, n);

	cr_assert_not_null(report);
	cr_assert_eq(fw_judge_text(report, &out, &err), FW_OK);
	cr_assert_eq(fw_buf_add(&out, "", 1, &err), FW_OK);
	return out;
}

/* A manifest's texts are the signer's: any characters may be in them. */
Test(judge_text, any_character)
{
	for (unsigned c = 0; c < 0x80; c++) {
		const char text[] = { 'a', (char)c, 'z' };
		FW_CLEANUP(fw_buf_deinit) struct fw_buf out =
		    text_of(text, sizeof text);
		char shown[16];

		if (c < 0x20 || c == 0x7f)
			(void)snprintf(shown, sizeof shown, "a\\x%02xz\n", c);
		else
			(void)snprintf(shown, sizeof shown, "a%cz\n", c);
		for (const char *p = (const char *)out.p; *p != '\0'; p++)
			cr_assert(*p == '\n' || (*p >= 0x20 && *p != 0x7f),
			    "character %u reaches the terminal", c);
		if (c == '\\')
			continue;	/* how it is shown is its own business */
		cr_assert_not_null(strstr((const char *)out.p, shown),
		    "character %u: %s", c, (const char *)out.p);
	}
}
