/* SPDX-License-Identifier: Apache-2.0 */
/* Trace lines: exact, escaped, cut cleanly, with times that are right. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "device/internal.h"

static const uint8_t bytes[] = { 0x00, 0x0f, 0xf0, 0xff };

#define NONE { .kind = FWD_FACT_NONE }
#define UINT(v) { .kind = FWD_FACT_UINT, .u = (v) }
#define TIME(v) { .kind = FWD_FACT_TIME, .u = (uint64_t)(int64_t)(v) }
#define ALG(v) { .kind = FWD_FACT_ALG, .u = (uint64_t)(int64_t)(v) }
#define HEX(p, n) { .kind = FWD_FACT_HEX, .s = { (const uint8_t *)(p), n } }
#define TEXT(t) { .kind = FWD_FACT_TEXT, \
	.s = { (const uint8_t *)(t), sizeof(t) - 1 } }

static const struct {
	struct fwd_event ev;
	const char *line;
} lines[] = {
	{ { FWD_STEP_VERDICT, FWD_OK, FWD_NO_INDEX, 0, NONE, NONE, 0 },
	    "verdict: ok" },
	{ { FWD_STEP_VERDICT, FWD_E_ROLLBACK, FWD_NO_INDEX, 0, NONE, NONE, 0 },
	    "verdict: rollback" },
	{ { FWD_STEP_CERT, FWD_OK, 0, 0, TEXT("x"), NONE, 0 },
	    "certificate[0]: 'x' ok" },
	{ { FWD_STEP_BLOCK, FWD_OK, UINT32_MAX - 1, 0, NONE, NONE, 0 },
	    "signature-block[4294967294]: ok" },
	{ { FWD_STEP_SEQUENCE_NUMBER, FWD_E_ROLLBACK, FWD_NO_INDEX, 0,
	    UINT(0), UINT(UINT64_MAX), 0 },
	    "sequence-number: 0 (want 18446744073709551615) rollback" },
	{ { FWD_STEP_SEQUENCE_NUMBER, FWD_E_ROLLBACK, FWD_NO_INDEX, 0,
	    UINT(6), { .kind = FWD_FACT_UINT, .relation = FWD_AT_LEAST,
	    .u = 7 }, 0 },
	    "sequence-number: 6 (want at least 7) rollback" },
	{ { FWD_STEP_CERT_NOT_BEFORE, FWD_OK, 1, 0, TIME(1),
	    { .kind = FWD_FACT_TIME, .relation = FWD_AT_MOST, .u = 2 }, 0 },
	    "certificate-not-before[1]: 1970-01-01T00:00:01Z "
	    "(want at most 1970-01-01T00:00:02Z) ok" },
	{ { FWD_STEP_COMMAND, FWD_OK, 3, FWD_COND_VENDOR, HEX(bytes, 4),
	    NONE, 0 }, "command[3] condition-vendor-identifier: 000ff0ff ok" },
	{ { FWD_STEP_COMMAND, FWD_E_COMMAND, FWD_NO_INDEX, -257, NONE, NONE, 0 },
	    "command custom: command-unknown" },
	{ { FWD_STEP_COMMAND, FWD_E_COMMAND, FWD_NO_INDEX, 99, NONE, NONE, 0 },
	    "command unknown: command-unknown" },
	{ { FWD_STEP_PARAMETER, FWD_E_PARAMETER, FWD_NO_INDEX, FWD_PAR_URI,
	    NONE, NONE, 0 }, "parameter uri: parameter-unknown" },
	{ { FWD_STEP_SECTION, FWD_OK, FWD_NO_INDEX, FWD_MAN_INSTALL, NONE,
	    NONE, 0 }, "section install: ok" },
	{ { FWD_STEP_SEVERED, FWD_E_SEVERED, FWD_NO_INDEX, FWD_MAN_TEXT,
	    HEX(bytes, 1), HEX(bytes + 3, 1), 0 },
	    "severed-element text: 00 (want ff) severed-digest" },
	{ { FWD_STEP_ALGORITHM, FWD_OK, 0, 0, ALG(FWD_ESP256), NONE, 0 },
	    "algorithm[0]: ESP256 ok" },
	{ { FWD_STEP_ALGORITHM, FWD_E_ALG, 0, 0, ALG(-4711), NONE, 0 },
	    "algorithm[0]: unknown algorithm-unsupported" },
	{ { FWD_STEP_CERT_NOT_AFTER, FWD_E_CERT_LATE, 1, 0, TIME(0),
	    TIME(-1), 0 }, "certificate-not-after[1]: 1970-01-01T00:00:00Z "
	    "(want 1969-12-31T23:59:59Z) certificate-expired" },
	{ { FWD_STEP_MEMBER, FWD_E_MEMBER, FWD_NO_INDEX, 0,
	    TEXT("a'b\\c\n\x7f\x80\xff ~"), TEXT(""), 0 },
	    "member: 'a\\x27b\\x5cc\\x0a\\x7f\\x80\\xff ~' (want '') "
	    "bundle-member" },
	{ { FWD_STEP_PAYLOAD, FWD_UNJUDGED, 0, 0, HEX(NULL, 0), NONE, 0 },
	    "payload[0]: nothing not-judged" },
	{ { (enum fwd_step)999, 12345, FWD_NO_INDEX, 0, NONE, NONE, 0 },
	    "unknown: unknown" },
};
enum { NLINES = sizeof lines / sizeof lines[0] };

Test(trace, lines_are_exact)
{
	char out[FWD_LINE_MAX];

	for (size_t i = 0; i < NLINES; i++) {
		cr_assert_eq(fwd_event_format(&lines[i].ev, out, sizeof out),
		    strlen(lines[i].line));
		cr_assert_str_eq(out, lines[i].line);
	}
}

Test(trace, lines_are_cut_at_every_length)
{
	for (size_t i = 0; i < NLINES; i++) {
		const size_t whole = strlen(lines[i].line);

		for (size_t n = 0; n < whole + 3; n++) {
			const size_t want = n == 0 ? 0 :
			    n - 1 < whole ? n - 1 : whole;
			char out[FWD_LINE_MAX];

			memset(out, '#', sizeof out);
			cr_assert_eq(fwd_event_format(&lines[i].ev, out, n),
			    want);
			cr_assert_eq(memcmp(out, lines[i].line, want), 0);
			if (n != 0)
				cr_assert_eq(out[want], '\0');
			for (size_t k = n; k < sizeof out; k++)
				cr_assert_eq(out[k], '#');
		}
	}
}

Test(trace, facts_alone)
{
	static const struct fwd_fact f = TEXT("a b");
	static const struct fwd_fact none = NONE;
	char out[8];

	cr_assert_eq(fwd_fact_format(&f, out, sizeof out), 5);
	cr_assert_str_eq(out, "'a b'");
	cr_assert_eq(fwd_fact_format(&f, out, 3), 2);
	cr_assert_str_eq(out, "'a");
	cr_assert_eq(fwd_fact_format(&f, out, 0), 0);
	cr_assert_eq(fwd_fact_format(&none, out, sizeof out), 7);
	cr_assert_str_eq(out, "nothing");
}

/* However long the facts, a line fits and ends with the status. */
Test(trace, the_longest_line_fits)
{
	static const uint32_t codes[] = {
#define ROW(name, value, code, text) value,
		FWD_STATUS_LIST(ROW)
#undef ROW
	};
	static const enum fwd_step steps[] = {
#define ROW(name, text) name,
		FWD_STEP_LIST(ROW)
#undef ROW
	};
	static const uint8_t fill[] = { 'a', '\n', 0xff };
	static uint8_t big[4096];
	char out[FWD_LINE_MAX + 64];
	size_t longest = 0;

	for (size_t k = 0; k < sizeof fill; k++) {
		const struct fwd_span s = { big, sizeof big };

		memset(big, fill[k], sizeof big);
		for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		for (size_t j = 0; j < sizeof codes / sizeof codes[0]; j++)
		for (unsigned hex = 0; hex < 2; hex++) {
			const struct fwd_fact f = { hex ? FWD_FACT_HEX :
			    FWD_FACT_TEXT, FWD_AT_LEAST, 0, s };
			const struct fwd_event ev = { steps[i], codes[j],
			    UINT32_MAX - 1, FWD_DIR_OVERRIDE, f, f, 0 };
			const char *const code = fwd_status_code(codes[j]);
			size_t n = fwd_event_format(&ev, out, sizeof out);

			cr_assert_lt(n, FWD_LINE_MAX);
			cr_assert_str_eq(out + n - strlen(code), code);
			if (n > longest)
				longest = n;
		}
	}
	cr_assert_gt(longest, 550, "the limit is not what was tested");
}

Test(trace, long_facts_are_cut)
{
	static uint8_t big[300];
	struct fwd_fact f = { FWD_FACT_TEXT, FWD_EQUAL, 0, { big, 256 } };
	char out[FWD_LINE_MAX];

	memset(big, 'x', sizeof big);
	cr_assert_eq(fwd_fact_format(&f, out, sizeof out), 258);
	cr_assert_str_eq(out + 255, "xx'");
	f.s.n = 257;
	cr_assert_eq(fwd_fact_format(&f, out, sizeof out), 261);
	cr_assert_str_eq(out + 255, "xx'...");
	big[254] = '\n';		/* an escape is there whole or not */
	cr_assert_eq(fwd_fact_format(&f, out, sizeof out), 259);
	cr_assert_str_eq(out + 253, "xx'...");
	f = (struct fwd_fact){ FWD_FACT_HEX, FWD_EQUAL, 0, { big, 128 } };
	cr_assert_eq(fwd_fact_format(&f, out, sizeof out), 256);
	f.s.n = 129;
	cr_assert_eq(fwd_fact_format(&f, out, sizeof out), 259);
	cr_assert_str_eq(out + 254, "78...");
}

/* ---- times ---------------------------------------------------------- */

static void
check_time(int64_t t)
{
	const struct fwd_fact f = { FWD_FACT_TIME, FWD_EQUAL, (uint64_t)t,
	    { NULL, 0 } };
	const time_t tt = (time_t)t;
	char got[64], want[64];
	struct tm tm;

	cr_assert_not_null(gmtime_r(&tt, &tm));
	(void)snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
	(void)fwd_fact_format(&f, got, sizeof got);
	if (strcmp(got, want) != 0)
		cr_assert_fail("%" PRId64 ": %s, not %s", t, got, want);
}

enum { DAY = 86400 };
#define YEAR_0 INT64_C(-62167219200)
#define YEAR_10000 INT64_C(253402300800)

/* The first and the last second of every day of four centuries, and of each
   first and last day of a month in all years that can be printed. */
Test(trace, times_agree_with_the_calendar)
{
	for (int64_t day = -150000; day < 150000; day++) {
		check_time(day * DAY);
		check_time(day * DAY - 1);
	}
	for (int64_t t = YEAR_0; t < YEAR_10000; t += INT64_C(7) * DAY + 4711)
		check_time(t);
	for (int64_t t = 0; t < DAY; t++)
		check_time(t - DAY / 2);
	check_time(YEAR_0);
	check_time(YEAR_10000 - 1);
	check_time(INT32_MAX);
	check_time((int64_t)INT32_MAX + 1);
	check_time((int64_t)UINT32_MAX + 1);
	check_time(951782400);		/* 2000-02-29 */
}

Test(trace, times_that_cannot_be_printed)
{
	static const int64_t t[] = { YEAR_0 - 1, YEAR_10000, INT64_MIN,
	    INT64_MIN + 1, INT64_MAX, INT64_MAX - 1, INT64_MIN / 2,
	    INT64_MAX / 2 };
	char got[64];

	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		const struct fwd_fact f = { FWD_FACT_TIME, FWD_EQUAL,
		    (uint64_t)t[i], { NULL, 0 } };

		(void)fwd_fact_format(&f, got, sizeof got);
		cr_assert_str_eq(got, "out of range");
	}
}

/* ---- names ---------------------------------------------------------- */

/* As the draft's CDDL has them, without their "suit-" and group. */
Test(trace, names)
{
	static const struct {
		const char *(*fn)(int64_t key);
		int64_t key;
		const char *name;
	} rows[] = {
		{ fwd_section_name, 4, "shared" },
		{ fwd_section_name, 7, "validate" },
		{ fwd_section_name, 8, "load" },
		{ fwd_section_name, 9, "invoke" },
		{ fwd_section_name, 16, "payload-fetch" },
		{ fwd_section_name, 20, "install" },
		{ fwd_section_name, 23, "text" },
		{ fwd_command_name, 1, "condition-vendor-identifier" },
		{ fwd_command_name, 2, "condition-class-identifier" },
		{ fwd_command_name, 3, "condition-image-match" },
		{ fwd_command_name, 4, "condition-use-before" },
		{ fwd_command_name, 5, "condition-component-slot" },
		{ fwd_command_name, 6, "condition-check-content" },
		{ fwd_command_name, 12, "directive-set-component-index" },
		{ fwd_command_name, 14, "condition-abort" },
		{ fwd_command_name, 15, "directive-try-each" },
		{ fwd_command_name, 18, "directive-write" },
		{ fwd_command_name, 20, "directive-override-parameters" },
		{ fwd_command_name, 21, "directive-fetch" },
		{ fwd_command_name, 22, "directive-copy" },
		{ fwd_command_name, 23, "directive-invoke" },
		{ fwd_command_name, 24, "condition-device-identifier" },
		{ fwd_command_name, 25, "condition-image-not-match" },
		{ fwd_command_name, 26, "condition-minimum-battery" },
		{ fwd_command_name, 27, "condition-update-authorized" },
		{ fwd_command_name, 28, "condition-version" },
		{ fwd_command_name, 29, "directive-wait" },
		{ fwd_command_name, 31, "directive-swap" },
		{ fwd_command_name, 32, "directive-run-sequence" },
		{ fwd_parameter_name, 1, "vendor-identifier" },
		{ fwd_parameter_name, 2, "class-identifier" },
		{ fwd_parameter_name, 3, "image-digest" },
		{ fwd_parameter_name, 4, "use-before" },
		{ fwd_parameter_name, 5, "component-slot" },
		{ fwd_parameter_name, 12, "strict-order" },
		{ fwd_parameter_name, 13, "soft-failure" },
		{ fwd_parameter_name, 14, "image-size" },
		{ fwd_parameter_name, 18, "content" },
		{ fwd_parameter_name, 21, "uri" },
		{ fwd_parameter_name, 22, "source-component" },
		{ fwd_parameter_name, 23, "invoke-args" },
		{ fwd_parameter_name, 24, "device-identifier" },
		{ fwd_parameter_name, 25, "fetch-arguments" },
		{ fwd_parameter_name, 26, "minimum-battery" },
		{ fwd_parameter_name, 27, "update-priority" },
		{ fwd_parameter_name, 28, "version" },
		{ fwd_parameter_name, 29, "wait-info" },
	};
	static const char *(*const fn[])(int64_t) = { fwd_section_name,
	    fwd_command_name, fwd_parameter_name };
	size_t known[3] = { 0 };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cr_assert_str_eq(rows[i].fn(rows[i].key), rows[i].name);
		for (size_t k = 0; k < 3; k++)
			known[k] += rows[i].fn == fn[k];
	}
	for (size_t k = 0; k < 3; k++) {
		for (int64_t key = -300; key < 300; key++) {
			if (strcmp(fn[k](key), key < 0 ? "custom" :
			    "unknown") != 0)
				known[k]--;
		}
		cr_assert_eq(known[k], 0, "a name is not in the table");
	}
}

/* Step names are unique; a report without a receiver is only a status. */
Test(trace, steps)
{
	static const char *const names[] = {
#define ROW(name, text) text,
		FWD_STEP_LIST(ROW)
#undef ROW
	};
	static const struct fwd_tracer nobody = { NULL, NULL };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(names[i], names[j]);
	cr_assert_eq(fwd_report(nobody, FWD_STEP_END, FWD_E_IO, 0, 0,
	    fwd_hint_none(), fwd_hint_none()), FWD_E_IO);
}
