/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extensions of draft-ietf-suit-update-management-14 but use-before, which
 * clock_test.c has; and ports that fail in them and in swap.
 */
#include "device/teststate.h"

/* ---- update management ----------------------------------------------- */

static const struct row management[] = {
	/* image-not-match */
	{ "another image is there", STORED, ID ", " IMAGE_A ", 25, 15", NULL,
	    NULL, NULL, FWD_OK },
	{ "the image is there", 0, ID ", " IMAGE_A, FETCH_A ", 25, 15", NULL,
	    NULL, FWD_E_SAME_IMAGE },
	{ "another was fetched", 0, ID ", " IMAGE_A, FETCH_A ", " IMAGE_B
	    ", 25, 15", "3, 15", NULL, FWD_OK },
	{ "another size", 0, ID ", " IMAGE_A, FETCH_A ", 20, {14: 9}, 25, 15",
	    "3, 15", NULL, FWD_OK },
	{ "larger than the slot", STORED, "20, {3: $a, 14: 4097}, 25, 15",
	    NULL, NULL, NULL, FWD_OK },
	{ "of another algorithm", STORED, ID ", " IMAGE_A, FETCH_A
	    ", 20, {3: $a384}, 25, 15", "3, 15", NULL, FWD_E_SAME_IMAGE },
	{ "not known for another algorithm", BLANK, ID ", " IMAGE_A, FETCH_A
	    ", 20, {3: $a384}, 25, 15", "3, 15", NULL, FWD_E_SAME_IMAGE },
	{ "not known", BLANK, IMAGE_A ", 25, 15", NULL, NULL, NULL,
	    FWD_E_SAME_IMAGE },
	{ "not known, no device", BLANK | NODEV, IMAGE_A ", 25, 15", NULL,
	    NULL, NULL, FWD_OK },
	{ "no digest", 0, "20, {14: 1}, 25, 15", NULL, NULL, NULL,
	    FWD_E_UNSET },
	{ "no size", STORED, "20, {3: $a}, 25, 15", NULL, NULL, NULL,
	    FWD_E_UNSET },
	{ "it proves nothing", 0, ID ", " IMAGE_A, "20, {21: \"#a\"}, 21, 2, "
	    IMAGE_B ", 25, 15", "3, 15", NULL, FWD_E_UNCHECKED_IMAGE },
	{ "fetched unless it is there", STORED, ID ", " IMAGE_A,
	    "15, [<<[25, 15, " FETCH_A "]>>, <<[3, 15]>>], 15, [<<[25, 15, "
	    FETCH_A "]>>, <<[3, 15]>>]", "3, 15", NULL, FWD_OK },
	/* minimum-battery */
	{ "enough", 0, "20, {26: 500}, 26, 15", NULL, NULL, NULL, FWD_OK },
	{ "not enough", 0, "20, {26: 501}, 26, 15", NULL, NULL, NULL,
	    FWD_E_BATTERY },
	{ "not set", 0, "26, 15", NULL, NULL, NULL, FWD_E_UNSET },
	{ "negative", 0, "20, {26: -1}", NULL, NULL, NULL, FWD_E_CBOR_TYPE },
	{ "later perhaps", 0, "15, [<<[20, {26: 501}, 26, 15]>>, null]", NULL,
	    NULL, NULL, FWD_OK },
	/* update-authorized */
	{ "allowed", 0, "20, {27: 10}, 27, 15", NULL, NULL, NULL, FWD_OK },
	{ "urgent", 0, "20, {27: -5}, 27, 15", NULL, NULL, NULL, FWD_OK },
	{ "not allowed", 0, "20, {27: 11}, 27, 15", NULL, NULL, NULL,
	    FWD_E_UNAUTHORIZED },
	{ "no priority", 0, "27, 15", NULL, NULL, NULL, FWD_OK },
	{ "a priority of text", 0, "20, {27: \"x\"}", NULL, NULL, NULL,
	    FWD_E_CBOR_TYPE },
	{ "softly", 0, "32, <<[" SOFT ", 20, {27: 11}, 27, 15]>>", NULL, NULL,
	    NULL, FWD_OK },
	/* version: its comparisons are below */
	{ "no version", 0, "28, 15", NULL, NULL, NULL, FWD_E_UNSET },
	{ "softly older", 0, "15, [<<[20, {28: <<[1, [2]]>>}, 28, 15]>>, "
	    "null]", NULL, NULL, NULL, FWD_OK },
	{ "eight integers", 0, "20, {28: <<[1, [0, 2, 3, 4, 5, 6, 7, 8]]>>}, "
	    "28, 15", NULL, NULL, NULL, FWD_OK },
	{ "nine integers", 0, "20, {28: <<[1, [0, 2, 3, 4, 5, 6, 7, 8, 9]]>>}"
	    ", 28, 15", NULL, NULL, NULL, FWD_E_PARAMETER },
	{ "no integer", 0, "20, {28: <<[1, []]>>}", NULL, NULL, NULL,
	    FWD_E_PARAMETER },
	{ "a pre-release of nothing", 0, "20, {28: <<[1, [-1]]>>}", NULL,
	    NULL, NULL, FWD_E_PARAMETER },
	{ "comparison 0", 0, "20, {28: <<[0, [1]]>>}", NULL, NULL, NULL,
	    FWD_E_PARAMETER },
	{ "comparison 6", 0, "20, {28: <<[6, [1]]>>}", NULL, NULL, NULL,
	    FWD_E_PARAMETER },
	{ "comparison -1", 0, "20, {28: <<[-1, [1]]>>}", NULL, NULL, NULL,
	    FWD_E_PARAMETER },
	{ "only a comparison", 0, "20, {28: <<[1]>>}", NULL, NULL, NULL,
	    FWD_E_PARAMETER },
	{ "more than a version", 0, "20, {28: <<[1, [1], 1]>>}", NULL, NULL,
	    NULL, FWD_E_PARAMETER },
	{ "something after it", 0, "20, {28: <<[1, [1]], 1>>}", NULL, NULL,
	    NULL, FWD_E_CBOR_LEFT },
	{ "not wrapped", 0, "20, {28: [1, [1]]}", NULL, NULL, NULL,
	    FWD_E_CBOR_TYPE },
	{ "text in it", 0, "20, {28: <<[1, [1, \"2\"]]>>}", NULL, NULL, NULL,
	    FWD_E_CBOR_TYPE },
	/* wait */
	{ "each event", 0, NULL, "20, {29: <<{1: -1, 2: 0, 3: 1, 4: [h'00', "
	    "[[1, [1]], [5, [2, -3]]]], 5: 0, 6: 0, 7: 6, 8: 1, 9: 2}>>}, "
	    "29, 2", NULL, NULL, FWD_OK },
	{ "wait anywhere but there", 0, NULL, WAIT, WAIT, WAIT, FWD_OK },
	{ "wait in the shared sequence", 0, WAIT, NULL, NULL, NULL,
	    FWD_E_SHARED },
	{ "nothing to wait for", 0, NULL, "29, 2", NULL, NULL, FWD_E_UNSET },
	{ "no event", 0, NULL, "20, {29: <<{}>>}", NULL, NULL,
	    FWD_E_PARAMETER },
	{ "event 0", 0, NULL, "20, {29: <<{0: 0}>>}", NULL, NULL,
	    FWD_E_PARAMETER },
	{ "event 10", 0, NULL, "20, {29: <<{10: 0}>>}", NULL, NULL,
	    FWD_E_PARAMETER },
	{ "event -1", 0, NULL, "20, {29: <<{-1: 0}>>}", NULL, NULL,
	    FWD_E_PARAMETER },
	{ "out of order", 0, NULL, "20, {29: <<{2: 0, 1: 0}>>}", NULL, NULL,
	    FWD_E_CBOR_ORDER },
	{ "a time before time", 0, NULL, "20, {29: <<{5: -1}>>}", NULL, NULL,
	    FWD_E_CBOR_TYPE },
	{ "no other device", 0, NULL, "20, {29: <<{4: [h'00', []]}>>}", NULL,
	    NULL, FWD_E_PARAMETER },
	{ "half of one", 0, NULL, "20, {29: <<{4: [h'00']}>>}", NULL, NULL,
	    FWD_E_PARAMETER },
	{ "one without version", 0, NULL, "20, {29: <<{4: [h'00', [[1, []]]]}"
	    ">>}", NULL, NULL, FWD_E_PARAMETER },
	{ "not in a map", 0, NULL, "20, {29: <<[1]>>}", NULL, NULL,
	    FWD_E_CBOR_TYPE },
	{ "after the map", 0, NULL, "20, {29: <<{1: 0}, 0>>}", NULL, NULL,
	    FWD_E_CBOR_LEFT },
	/* a device that abstains */
	{ "no device", NODEV, "20, {26: 501, 27: 11, 28: <<[1, [2]]>>}, "
	    "26, 15, 27, 15, 28, 15", WAIT, NULL, NULL, FWD_OK },
	{ "a device abstains on its battery", HALF, "20, {26: 1}, 26, 15",
	    NULL, NULL, NULL, FWD_E_API },
	{ "on its owner", HALF, "27, 15", NULL, NULL, NULL, FWD_E_API },
	{ "on a version", HALF, "20, {28: <<[1, [0]]>>}, 28, 15", NULL, NULL,
	    NULL, FWD_E_API },
	{ "on an event", HALF, NULL, WAIT, NULL, NULL, FWD_E_API },
};

Test(environment, update_management, .init = open_all, .fini = close_bench)
{
	RUN_ROWS(management);
}

/* What nobody could answer for is said to be so. */
Test(environment, not_judged, .init = open_all, .fini = close_bench)
{
	static const struct row r = { "no device", NODEV, "20, {26: 501, "
	    "27: 11, 28: <<[1, [2]]>>}, 26, 15, 27, 15, 28, 15", WAIT, NULL,
	    NULL, FWD_OK };
	static const char *const lines[] = {
		"command[0] condition-minimum-battery: 501 not-judged\n",
		"command[0] condition-update-authorized: not-judged\n",
		"command[0] condition-version: not-judged\n",
		"command[0] directive-wait: not-judged\n",
	};

	kit_eq(run_row(&r, false), FWD_OK, dev->trace);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		cr_assert_not_null(strstr(dev->trace, lines[i]), "%s\n%s",
		    lines[i], dev->trace);
}

/* Waiting is no condition: the run ends, whatever stands around it. */
Test(environment, waiting, .init = open_all, .fini = close_bench)
{
	const struct row r = { "wait", 0, ID ", " IMAGE_A, "15, [<<[" WAIT
	    "]>>, null], " FETCH_A, "3, 15", NULL, FWD_E_WAIT };

	state.asleep = true;
	kit_eq(run_row(&r, true), FWD_E_WAIT, dev->trace);
	cr_assert_eq(dev->begun, 0);
	state.asleep = false;
	kit_eq(run_row(&r, true), FWD_OK, dev->trace);
	state.strange = true;
	kit_eq(run_row(&r, true), FWD_E_DISABLED, dev->trace);
}

/* Every comparison of versions that stand in their order. */
Test(environment, versions, .init = open_all, .fini = close_bench)
{
	static const struct fwd_version order[] = {
		{ { 0, 9 }, 2 }, { { 1, 0, 0, -3 }, 4 },
		{ { 1, 0, 0, -2 }, 4 }, { { 1, 0, 0, -1, 1 }, 5 },
		{ { 1, 0, 0, -1, 2 }, 5 }, { { 1, 0, 0 }, 3 },
		{ { 1, 2, -1, 3 }, 4 }, { { 1, 2, 0 }, 3 },
		{ { 1, 2, 3 }, 3 }, { { 1, 10, 0 }, 3 },
		{ { 2, 0, -1, 1 }, 4 }, { { 2, 0, 0, 0, 0, 0, 0, 0 }, 8 },
		{ { INT64_MAX, 0, 0 }, 3 },
	};
	enum { N = sizeof order / sizeof order[0] };
	char param[128], seq[256];

	for (size_t have = 0; have < N; have++)
	for (size_t want = 0; want < N; want++)
	for (unsigned type = 1; type <= 5; type++) {
		const bool holds = type == 1 ? have > want :
		    type == 2 ? have >= want : type == 3 ? have == want :
		    type == 4 ? have <= want : have < want;
		const struct row r = { "version", 0, seq, NULL, NULL, NULL,
		    FWD_OK };
		size_t at = 0;

		/* A version that is the other's beginning is not before it:
		   the manifest's ends the comparison. */
		for (size_t i = 0; i < order[want].n; i++)
			at += (size_t)snprintf(param + at, sizeof param - at,
			    "%s%lld", i == 0 ? "" : ", ",
			    (long long)order[want].part[i]);
		if (have != want && order[want].n < order[have].n &&
		    memcmp(order[want].part, order[have].part,
		    order[want].n * sizeof order[want].part[0]) == 0)
			continue;
		state.version = order[have];
		(void)snprintf(seq, sizeof seq, "20, {28: <<[%u, [%s]]>>}, "
		    "28, 15", type, param);
		kit_eq(run_row(&r, false), holds ? FWD_OK : FWD_E_VERSION,
		    seq);
	}
}

/* As far as the manifest's version goes, and no further. */
Test(environment, version_prefixes, .init = open_all, .fini = close_bench)
{
	static const struct {
		struct fwd_version have;
		const char *match;
		fwd_status want;
	} rows[] = {
		{ { { 1, 2, 3 }, 3 }, "[3, [1]]", FWD_OK },
		{ { { 1, 2, 3 }, 3 }, "[1, [1]]", FWD_E_VERSION },
		{ { { 1, 2, 3 }, 3 }, "[5, [1]]", FWD_E_VERSION },
		{ { { 1, 2, 3 }, 3 }, "[2, [1, 0]]", FWD_OK },
		{ { { 1, 9, 9 }, 3 }, "[5, [1, 10]]", FWD_OK },
		{ { { 1, 10 }, 2 }, "[5, [1, 10]]", FWD_E_VERSION },
		{ { { 1, 2, 3, -1 }, 4 }, "[3, [1, 2, 3]]", FWD_OK },
		{ { { 1 }, 1 }, "[3, [1, 0, 0]]", FWD_OK },
		{ { { 1 }, 1 }, "[5, [1, 0, 1]]", FWD_OK },
		{ { { 2 }, 1 }, "[1, [2, 0, -1, 1]]", FWD_OK },
		{ { { 2, 0 }, 2 }, "[4, [2, 0, -1]]", FWD_E_VERSION },
		/* no versions */
		{ { { 1 }, 0 }, "[3, [1]]", FWD_E_API },
		{ { { 1 }, FWD_VERSION_MAX + 1 }, "[3, [1]]", FWD_E_API },
		{ { { -1, 1 }, 2 }, "[5, [1]]", FWD_E_API },
	};
	char seq[256];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row r = { "version", 0, seq, NULL, NULL, NULL,
		    rows[i].want };

		state.version = rows[i].have;
		(void)snprintf(seq, sizeof seq, "20, {28: <<%s>>}, 28, 15",
		    rows[i].match);
		kit_eq(run_row(&r, false), rows[i].want, seq);
	}
}

/* ---- ports that fail ------------------------------------------------- */

static const struct row everything = { "everything", TWO | SWAP | LOOSE,
    ALL_ID ", 20, {12: false, 26: 1, 27: 1, 28: <<[3, [1]]>>}, 26, 15, "
    "27, 15, 28, 15", BOTH ", 25, 15, " SWAP_0, NULL, NULL, FWD_OK };

Test(environment, failing_ports, .init = open_all, .fini = close_bench)
{
	static const fwd_status ways[] = { FWD_E_STORE, FWD_E_CRYPTO,
	    FWD_UNJUDGED, FWD_E_IMAGE, FWD_E_SAME_IMAGE, FWD_E_BATTERY,
	    FWD_E_VERSION, FWD_E_WAIT, 0, 1, UINT32_MAX, ~(uint32_t)FWD_OK };
	struct row r = everything;
	size_t port, crypto, n = 0;

	r.install = BOTH ", 20, {3: $hi}, 25, 15, " SWAP_0 ", 12, 0, " WAIT
	    ", " SWAPPED;
	r.validate = SWAPPED;
	kit_eq(run_row(&r, true), FWD_OK, dev->trace);
	port = dev->calls;
	crypto = dev->kit.calls;
	for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
		dev->fail_with = dev->kit.fail_with = ways[w];
		for (size_t i = 1; i <= port; i++, n++) {
			dev->fail_at = i;
			cr_assert_neq(run_row(&r, true), FWD_OK,
			    "port call %zu, %08x\n%s", i, ways[w],
			    dev->trace);
		}
		dev->fail_at = 0;
		for (size_t i = 1; i <= crypto; i++, n++) {
			dev->kit.fail_at = i;
			cr_assert_neq(run_row(&r, true), FWD_OK,
			    "crypto call %zu, %08x\n%s", i, ways[w],
			    dev->trace);
		}
		dev->kit.fail_at = 0;
	}
	(void)printf("environment: %zu failing calls\n", n);
}
