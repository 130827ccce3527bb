/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance matrix of the draft (draft-ietf-suit-manifest-37, section
 * 8.5), row by row, with the tests that go through each; reporting; limits.
 */
#include "device/teststate.h"

/* ---- tables 9, 10 and 11 --------------------------------------------- */

enum { COND, DIR, PAR };

/*
 * What each row of the matrix does when it is accepted, and one way in which
 * it is not.  The tests named besides go through all that it can do.  Custom
 * conditions and parameters are optional, and none is known here.
 */
static const struct {
	int kind;
	int64_t number;
	const char *tests;
	struct row yes, no;
} matrix[] = {
	/* table 9: conditions */
	{ COND, FWD_COND_VENDOR, "sequence commands",
	    { "vendor", 0, ID, NULL, NULL, NULL, FWD_OK },
	    { "vendor", 0, "20, {1: " OTHER "}, 1, 15", NULL, NULL, NULL,
	    FWD_E_VENDOR } },
	{ COND, FWD_COND_CLASS, "sequence commands",
	    { "class", 0, ID, NULL, NULL, NULL, FWD_OK },
	    { "class", 0, "20, {2: " OTHER "}, 2, 15", NULL, NULL, NULL,
	    FWD_E_CLASS } },
	{ COND, FWD_COND_DEVICE, "sequence commands",
	    { "device", 0, "20, {24: h'" KIT_DEVICE "'}, 24, 15", NULL, NULL,
	    NULL, FWD_OK },
	    { "device", 0, "20, {24: " OTHER "}, 24, 15", NULL, NULL, NULL,
	    FWD_E_DEVICE } },
	{ COND, FWD_COND_IMAGE, "sequence commands, interpreter storage_*",
	    { "image", 0, ID ", " IMAGE_A, FETCH_A, "3, 15", NULL, FWD_OK },
	    { "image", 0, ID ", " IMAGE_A, FETCH_A ", 20, {3: $b}, 3, 15",
	    "3, 15", NULL, FWD_E_IMAGE } },
	{ COND, FWD_COND_CONTENT, "sequence commands, interpreter storage_*",
	    { "content", 0, ID, "20, {18: h'68'}, 18, 0, 6, 15",
	    "20, {18: h'68'}, 6, 15", NULL, FWD_OK },
	    { "content", 0, ID, "20, {18: h'68'}, 18, 0, 20, {18: h'69'}, "
	    "6, 15", NULL, NULL, FWD_E_CONTENT } },
	{ COND, FWD_COND_SLOT, "sequence commands",
	    { "slot", 0, "20, {5: 1}, 5, 15", NULL, NULL, NULL, FWD_OK },
	    { "slot", 0, "20, {5: 2}, 5, 15", NULL, NULL, NULL,
	    FWD_E_SLOT } },
	{ COND, FWD_COND_ABORT, "sequence flow",
	    { "abort", 0, "15, [<<[14, 15]>>, null]", NULL, NULL, NULL,
	    FWD_OK },
	    { "abort", 0, "14, 15", NULL, NULL, NULL, FWD_E_ABORT } },
	{ COND, -257, "interpreter illegal_anywhere",
	    { NULL, 0, NULL, NULL, NULL, NULL, 0 },
	    { "custom", 0, UNKNOWN, NULL, NULL, NULL, FWD_E_COMMAND } },
	/* table 10: directives */
	{ DIR, FWD_DIR_SET_INDEX, "sequence index",
	    { "index", TWO, "12, 1, " YES ", 12, [1, 0], " YES ", 12, true, "
	    YES, NULL, NULL, NULL, FWD_OK },
	    { "index", TWO, "12, 2, " YES, NULL, NULL, NULL, FWD_E_INDEX } },
	{ DIR, FWD_DIR_WRITE, "sequence commands",
	    { "write", 0, ID, "20, {18: h'68'}, 18, 0, 6, 15",
	    "20, {18: h'68'}, 6, 15", NULL, FWD_OK },
	    { "write", 0, ID, "18, 0", NULL, NULL, FWD_E_UNSET } },
	{ DIR, FWD_DIR_TRY_EACH, "sequence flow",
	    { "try", 0, "15, [<<[" NO "]>>, <<[" YES "]>>]", NULL, NULL,
	    NULL, FWD_OK },
	    { "try", 0, "15, [<<[" NO "]>>, <<[" NO "]>>]", NULL, NULL, NULL,
	    FWD_E_TRIED_ALL } },
	{ DIR, FWD_DIR_OVERRIDE, "sequence flow",
	    { "override", 0, "20, {5: 0}, " YES, NULL, NULL, NULL, FWD_OK },
	    { "override", 0, "20, {5: 1}, 20, {5: 0}, 5, 15", NULL, NULL,
	    NULL, FWD_E_SLOT } },
	{ DIR, FWD_DIR_FETCH, "sequence commands, verify, examples",
	    { "fetch", 0, ID ", " IMAGE_A, FETCH_A, "3, 15", NULL, FWD_OK },
	    { "fetch", 0, ID ", " IMAGE_B, FETCH_A, "3, 15", NULL,
	    FWD_E_PAYLOAD_SIZE } },
	{ DIR, FWD_DIR_COPY, "sequence copy, verify, examples",
	    { "copy", TWO, STAGED, STAGED_COPY, "12, 0, 3, 15", NULL,
	    FWD_OK },
	    { "copy", TWO, STAGED, COPY_0, NULL, NULL,
	    FWD_E_PAYLOAD_MISSING } },
	{ DIR, FWD_DIR_INVOKE, "interpreter profile, examples",
	    { "invoke", 0, ID ", " IMAGE_A, FETCH_A, "3, 15", "23, 2",
	    FWD_OK },
	    { "invoke", 0, ID ", " IMAGE_A, NULL, NULL, "23, 2",
	    FWD_E_UNCHECKED_IMAGE } },
	{ DIR, FWD_DIR_RUN, "sequence flow",
	    { "run", 0, "32, <<[" SOFT ", " NO "]>>", NULL, NULL, NULL,
	    FWD_OK },
	    { "run", 0, "32, <<[" NO "]>>", NULL, NULL, NULL, FWD_E_ABORT } },
	{ DIR, FWD_DIR_SWAP, "order swap*",
	    { "swap", TWO | SWAP, ALL_ID, BOTH ", " SWAP_0 ", " SWAPPED,
	    SWAPPED, NULL, FWD_OK },
	    { "swap", TWO, ALL_ID, BOTH ", " SWAP_0 ", " SWAPPED, SWAPPED,
	    NULL, FWD_E_DISABLED } },
	/* table 11: parameters */
	{ PAR, FWD_PAR_VENDOR, "sequence commands",
	    { "vendor", 0, ID, NULL, NULL, NULL, FWD_OK },
	    { "vendor", 0, "1, 15", NULL, NULL, NULL, FWD_E_UNSET } },
	{ PAR, FWD_PAR_CLASS, "sequence commands",
	    { "class", 0, ID, NULL, NULL, NULL, FWD_OK },
	    { "class", 0, "2, 15", NULL, NULL, NULL, FWD_E_UNSET } },
	{ PAR, FWD_PAR_DIGEST, "sequence commands",
	    { "digest", 0, ID ", 20, {3: $a512, 14: 10}", FETCH_A, "3, 15",
	    NULL, FWD_OK },
	    { "digest", 0, ID ", 20, {14: 10}", FETCH_A, "3, 15", NULL,
	    FWD_E_UNSET } },
	{ PAR, FWD_PAR_SIZE, "sequence commands",
	    { "size", 0, ID ", " IMAGE_A, FETCH_A, "3, 15", NULL, FWD_OK },
	    { "size", 0, ID ", 20, {3: $a, 14: 9}", FETCH_A, "3, 15", NULL,
	    FWD_E_PAYLOAD_SIZE } },
	{ PAR, FWD_PAR_SLOT, "sequence commands",
	    { "slot", 0, YES, NULL, NULL, NULL, FWD_OK },
	    { "slot", 0, "5, 15", NULL, NULL, NULL, FWD_E_UNSET } },
	{ PAR, FWD_PAR_CONTENT, "sequence commands",
	    { "content", 0, ID, "20, {18: h'68'}, 18, 0, 6, 15",
	    "20, {18: h'68'}, 6, 15", NULL, FWD_OK },
	    { "content", 0, ID, "6, 15", NULL, NULL, FWD_E_UNSET } },
	{ PAR, FWD_PAR_URI, "sequence commands, examples",
	    { "uri", 0, ID ", " IMAGE_A, FETCH_A, "3, 15", NULL, FWD_OK },
	    { "uri", 0, ID ", " IMAGE_A, "21, 2", NULL, NULL,
	    FWD_E_UNSET } },
	{ PAR, FWD_PAR_SOURCE, "sequence copy",
	    { "source", TWO, STAGED, STAGED_COPY, "12, 0, 3, 15", NULL,
	    FWD_OK },
	    { "source", TWO, STAGED, FETCH_1 ", 12, 0, 22, 2", NULL, NULL,
	    FWD_E_UNSET } },
	{ PAR, FWD_PAR_INVOKE_ARGS, "interpreter storage_holds_*",
	    { "args", 0, ID ", " IMAGE_A, FETCH_A, "3, 15",
	    "20, {23: h'00'}, 23, 2", FWD_OK },
	    { "args", 0, ID ", " IMAGE_A, FETCH_A, "3, 15",
	    "20, {23: 0}, 23, 2", FWD_E_CBOR_TYPE } },
	{ PAR, FWD_PAR_DEVICE, "sequence commands",
	    { "device", 0, "20, {24: h'" KIT_DEVICE "'}, 24, 15", NULL, NULL,
	    NULL, FWD_OK },
	    { "device", 0, "24, 15", NULL, NULL, NULL, FWD_E_UNSET } },
	{ PAR, FWD_PAR_STRICT_ORDER, "order unordered*",
	    { "order", LOOSE, "20, {12: false}, " YES, NULL, NULL, NULL,
	    FWD_OK },
	    { "order", 0, "20, {12: false}, " YES, NULL, NULL, NULL,
	    FWD_E_DISABLED } },
	{ PAR, FWD_PAR_SOFT_FAILURE, "sequence flow",
	    { "soft", 0, "32, <<[" SOFT ", " NO "]>>", NULL, NULL, NULL,
	    FWD_OK },
	    { "soft", 0, SOFT, NULL, NULL, NULL, FWD_E_PARAMETER } },
	{ PAR, -257, "interpreter illegal_anywhere",
	    { NULL, 0, NULL, NULL, NULL, NULL, 0 },
	    { "custom", 0, "20, {-257: 0}", NULL, NULL, NULL,
	    FWD_E_PARAMETER } },
};

Test(conformance, matrix, .init = open_all, .fini = close_bench)
{
	/* rows of tables 9, 10 and 11 */
	static const size_t want[3] = { 8, 9, 13 };
	size_t rows[3] = { 0 };

	for (size_t i = 0; i < sizeof matrix / sizeof matrix[0]; i++) {
		const char *const name = matrix[i].kind == PAR ?
		    fwd_parameter_name(matrix[i].number) :
		    fwd_command_name(matrix[i].number);
		char number[24], text[4096];

		for (size_t k = 0; k < i; k++)
			cr_assert(matrix[k].kind != matrix[i].kind ||
			    matrix[k].number != matrix[i].number, "%s",
			    name);
		/* Its number is in the manifest that is accepted. */
		(void)snprintf(number, sizeof number, matrix[i].kind == PAR ?
		    "%lld: " : "%lld, ", (long long)matrix[i].number);
		if (matrix[i].yes.what != NULL) {
			manifest_text(&matrix[i].yes, NULL, text, sizeof text);
			cr_assert_not_null(strstr(text, number), "%s: %s",
			    name, text);
			run_rows(&matrix[i].yes, 1);
		}
		run_rows(&matrix[i].no, 1);
		if (matrix[i].kind != PAR)
			cr_assert_eq(strncmp(name, "condition-", 10) == 0,
			    matrix[i].kind == COND && matrix[i].number > 0);
		(void)printf("conformance: %s: %s\n", name, matrix[i].tests);
		rows[matrix[i].kind]++;
	}
	for (size_t k = 0; k < 3; k++)
		cr_assert_eq(rows[k], want[k], "table %zu", 9 + k);
}

/* ---- reporting ------------------------------------------------------- */

enum { RECORDS = 256 };
static struct {
	int64_t code;
	uint32_t index, policy;
	fwd_status status;
	bool asked, info;
} record[RECORDS];
static size_t records;

static void
keep(void *ctx, const struct fwd_event *ev)
{
	(void)ctx;
	if (ev->step != FWD_STEP_COMMAND) {
		cr_assert_eq(ev->policy, 0);
		return;
	}
	cr_assert_lt(records, RECORDS);
	record[records].code = ev->code;
	record[records].index = ev->index;
	record[records].policy = ev->policy;
	record[records].status = ev->status;
	record[records].asked = fwd_event_asked(ev);
	record[records].info = fwd_event_info_asked(ev);
	records++;
}

static fwd_status
run_recorded(const struct row *r)
{
	fwd_status s;

	dev->port.trace.fn = keep;
	records = 0;
	s = run_row(r, true);
	for (size_t i = 0; i < records; i++) {
		const bool ok = record[i].status == FWD_OK ||
		    record[i].status == FWD_UNJUDGED;

		cr_assert_eq(record[i].asked, (record[i].policy &
		    (ok ? 1u : 2u)) != 0);
		cr_assert_eq(record[i].info, (record[i].policy &
		    (ok ? 4u : 8u)) != 0);
		if (record[i].code == FWD_DIR_SET_INDEX ||
		    record[i].code == FWD_DIR_OVERRIDE ||
		    record[i].code == FWD_DIR_TRY_EACH ||
		    record[i].code == FWD_DIR_RUN)
			cr_assert_eq(record[i].policy, 0);
	}
	return s;
}

/* The records of one command, in their order. */
static size_t
records_of(int64_t code, uint32_t policy, fwd_status status,
    const uint32_t *index, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < records; i++) {
		if (record[i].code != code)
			continue;
		cr_assert_lt(k, n, "%lld", (long long)code);
		cr_assert_eq(record[i].index, index[k], "%lld",
		    (long long)code);
		cr_assert_eq(record[i].policy, policy);
		cr_assert_eq(record[i].status, status);
		k++;
	}
	cr_assert_eq(k, n, "%lld: %zu records, not %zu", (long long)code, k,
	    n);
	return k;
}

Test(conformance, reporting_of_success, .init = open_all,
    .fini = close_bench)
{
	static const uint32_t all[] = { 0, 1 }, list[] = { 1, 0 },
	    one[] = { 1 }, zero[] = { 0 };
	char shared[512], install[512];

	for (uint32_t p = 0; p < 16; p++) {
		const struct row r = { "report", TWO, shared, install,
		    "12, true, 3, 0", "12, 0, 23, 0", FWD_OK };

		(void)snprintf(shared, sizeof shared, "12, true, " IMAGE_A
		    ", 20, {1: h'" KIT_VENDOR "', 2: h'" KIT_CLASS "', "
		    "24: h'" KIT_DEVICE "'}, 1, 0, 2, 0");
		(void)snprintf(install, sizeof install, "12, [1, 0], "
		    "20, {21: \"#a\", 28: <<[3, [1]]>>}, 21, %u, 25, 0", p);
		/* 25 fails: this is what is there */
		kit_eq(run_recorded(&r), FWD_E_SAME_IMAGE, dev->trace);
		(void)records_of(FWD_DIR_FETCH, p, FWD_OK, list, 2);
		(void)snprintf(install, sizeof install, "12, [1, 0], "
		    "20, {5: 1, 21: \"#a\", 28: <<[3, [1]]>>}, 21, 0, "
		    "3, 0, 24, %u, 28, %u, 12, 1, 32, <<[5, %u, 32, <<[27, "
		    "%u]>>]>>", p, p, p, p);
		kit_eq(run_recorded(&r), FWD_OK, dev->trace);
		(void)records_of(FWD_COND_DEVICE, p, FWD_OK, list, 2);
		(void)records_of(FWD_COND_VERSION, p, FWD_OK, list, 2);
		(void)records_of(FWD_COND_SLOT, p, FWD_OK, one, 1);
		(void)records_of(FWD_COND_AUTHORIZED, p, FWD_OK, one, 1);
		(void)records_of(FWD_DIR_INVOKE, 0, FWD_OK, zero, 1);
		(void)records_of(FWD_DIR_RUN, 0, FWD_OK,
		    (const uint32_t[]){ 1, 1 }, 2);
	}
	{
		const struct row r = { "report", TWO, "12, true, 20, {5: 1}, "
		    "5, 9", NULL, NULL, NULL, FWD_OK };

		kit_eq(run_recorded(&r), FWD_OK, dev->trace);
		(void)records_of(FWD_COND_SLOT, 9, FWD_OK, all, 2);
	}
}

Test(conformance, reporting_of_failure, .init = open_all,
    .fini = close_bench)
{
	static const struct {
		int64_t code;
		const char *set;
		fwd_status want;
	} rows[] = {
		{ 1, "{1: " OTHER "}", FWD_E_VENDOR },
		{ 2, "{2: " OTHER "}", FWD_E_CLASS },
		{ 3, "{3: $b, 14: 700}", FWD_E_IMAGE },
		{ 5, "{5: 0}", FWD_E_SLOT },
		{ 6, "{18: h'01'}", FWD_E_CONTENT },
		{ 14, "{5: 0}", FWD_E_ABORT },
		{ 24, "{24: " OTHER "}", FWD_E_DEVICE },
		{ 25, "{14: 700}", FWD_E_UNSET },
		{ 26, "{26: 501}", FWD_E_BATTERY },
		{ 27, "{27: 11}", FWD_E_UNAUTHORIZED },
		{ 28, "{28: <<[5, [1]]>>}", FWD_E_VERSION },
		{ 18, "{5: 0}", FWD_E_UNSET }, { 21, "{5: 0}", FWD_E_UNSET },
		{ 22, "{5: 0}", FWD_E_UNSET }, { 29, "{5: 0}", FWD_E_UNSET },
		{ 31, "{5: 0}", FWD_E_UNSET },
	};
	static const uint32_t first[] = { 1, 1 };
	char seq[256];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
	for (uint32_t p = 0; p < 16; p++) {
		const bool directive = rows[i].code == 18 ||
		    (rows[i].code >= 21 && rows[i].code <= 22) ||
		    rows[i].code >= 29;
		const struct row r = { "report", TWO | SWAP, NULL, seq, NULL,
		    NULL, rows[i].want };

		(void)snprintf(seq, sizeof seq, "12, [1, 0], 20, %s, %lld, "
		    "%u", rows[i].set, (long long)rows[i].code, p);
		kit_eq(run_recorded(&r), rows[i].want, seq);
		/* It ends there: nothing is said of the other. */
		(void)records_of(rows[i].code, p, rows[i].want, first, 1);
		cr_assert_eq(dev->ctx.refusal.policy, p);
		if (directive)
			continue;
		/* Alternatives that do not fit are reported as well. */
		(void)snprintf(seq, sizeof seq, "12, 1, 20, %s, 15, [<<[%lld, "
		    "%u]>>, <<[%lld, %u]>>, null]", rows[i].set,
		    (long long)rows[i].code, p, (long long)rows[i].code, p);
		kit_eq(run_recorded(&r), FWD_OK, seq);
		(void)records_of(rows[i].code, p, rows[i].want, first, 2);
	}
}

/* ---- limits ---------------------------------------------------------- */

/*
 * Each at its limit and one beyond.  Steps and payloads: interpreter_test.c;
 * attachments: attach_test.c; certificates: path_test.c; nested CBOR:
 * cbor_test.c; integers of a version: above.
 */
Test(conformance, sequences_in_sequences, .init = open_all,
    .fini = close_bench)
{
	static const char *const open[] = { "32, <<[", "15, [<<[" };
	static const char *const close[] = { "]>>", "]>>, null]" };

	for (size_t kind = 0; kind < 2; kind++)
	for (size_t depth = 1; depth <= FWD_DEPTH_MAX + 2; depth++)
	for (unsigned in = 0; in < 2; in++) {
		char seq[256] = "";
		struct row r = { "depth", 0, NULL, NULL, NULL, NULL, 0 };

		for (size_t i = 1; i < depth; i++)
			(void)strcat(seq, open[kind]);
		(void)strcat(seq, YES);
		for (size_t i = 1; i < depth; i++)
			(void)strcat(seq, close[kind]);
		*(in == 0 ? &r.shared : &r.install) = seq;
		kit_eq(run_row(&r, true), depth <= FWD_DEPTH_MAX ? FWD_OK :
		    FWD_E_DEPTH, seq);
	}
}

/* An envelope with so many components and so many signatures. */
static fwd_status
run_counts(size_t components, size_t blocks)
{
	struct kit_block block[FWD_AUTH_MAX + 1];
	char text[1024] = "{1: 1, 2: 5, 3: <<{2: [";
	struct fw_buf m, env;
	fwd_status s;

	for (size_t i = 0; i < components; i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text),
		    "%s[h'%02zx']", i == 0 ? "" : ", ", i);
	(void)strcat(text, "], 4: <<[12, true, 20, {5: 1}, 5, 15]>>}>>}");
	for (size_t i = 0; i < blocks; i++)
		block[i] = (struct kit_block){ .pki = pki, .bare = true };
	m = kit_cbor(text, NULL, 0);
	env = kit_envelope(fw_buf_span(&m), block, blocks,
	    (struct fwd_span){ NULL, 0 }, 0);
	s = kit_run(dev, fw_buf_span(&env));
	fw_buf_deinit(&m);
	fw_buf_deinit(&env);
	return s;
}

Test(conformance, counts, .init = open_all, .fini = close_bench)
{
	for (size_t n = 0; n <= FWD_COMPONENTS_MAX + 1; n++)
		kit_eq(run_counts(n, 1), n >= 1 && n <= FWD_COMPONENTS_MAX ?
		    FWD_OK : FWD_E_COMPONENTS, "components");
	for (size_t n = 0; n <= FWD_AUTH_MAX + 1; n++)
		kit_eq(run_counts(1, n), n == 0 ? FWD_E_AUTH_MISSING :
		    n <= FWD_AUTH_MAX ? FWD_OK : FWD_E_AUTH_COUNT,
		    "signatures");
}
