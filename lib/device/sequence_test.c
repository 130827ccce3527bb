/* SPDX-License-Identifier: Apache-2.0 */
/* The command interpreter, by tables: commands, control flow, index, copy. */
#include "device/testrow.h"

/* ---- commands ------------------------------------------------------- */

static const struct row basic[] = {
	{ "nothing", 0, NULL, NULL, NULL, NULL, FWD_OK },
	{ "identity", 0, ID, NULL, NULL, NULL, FWD_OK },
	{ "fetch, match, validate, invoke", 0, ID ", " IMAGE_A, FETCH_A,
	    "3, 15", "23, 2", FWD_OK },
	{ "sha-384", 0, ID ", 20, {3: $a384, 14: 10}", FETCH_A, "3, 15",
	    "23, 2", FWD_OK },
	{ "sha-512", 0, ID ", 20, {3: $a512, 14: 10}", FETCH_A, "3, 15",
	    "23, 2", FWD_OK },
	{ "empty payload", 0, ID ", 20, {3: $empty, 14: 0}",
	    "20, {21: \"#e\"}, 21, 2, 3, 15", "3, 15", NULL, FWD_OK },
	{ "payload larger than a block", 0, ID ", " IMAGE_B,
	    "20, {21: \"#b\"}, 21, 2, 3, 15", "3, 15", NULL, FWD_OK },
	/* fetch */
	{ "wrong payload", 0, ID ", 20, {3: $b, 14: 10}", FETCH_A, "3, 15",
	    NULL, FWD_E_PAYLOAD_DIGEST },
	{ "wrong size", 0, ID ", 20, {3: $a, 14: 11}", FETCH_A, "3, 15", NULL,
	    FWD_E_PAYLOAD_SIZE },
	{ "no size", 0, ID ", 20, {3: $a}", FETCH_A, "3, 15", NULL,
	    FWD_E_UNSET },
	{ "no size, any profile", ANY, ID ", 20, {3: $a}", FETCH_A, "3, 15",
	    NULL, FWD_OK },
	{ "no digest", ANY, ID ", 20, {14: 10}", "20, {21: \"#a\"}, 21, 2",
	    NULL, NULL, FWD_E_UNSET },
	{ "no uri", 0, ID ", " IMAGE_A, "21, 2", NULL, NULL, FWD_E_UNSET },
	{ "no such integrated payload", 0, ID ", " IMAGE_A,
	    "20, {21: \"#x\"}, 21, 2", NULL, NULL, FWD_E_PAYLOAD_MISSING },
	{ "no such member", 0, ID ", " IMAGE_A, "20, {21: \"x\"}, 21, 2",
	    NULL, NULL, FWD_E_MEMBER },
	{ "an empty uri", 0, ID ", " IMAGE_A, "20, {21: \"\"}, 21, 2",
	    NULL, NULL, FWD_E_MEMBER },
	{ "the envelope as payload", 0, ID ", " IMAGE_A,
	    "20, {21: \"manifest.suit\"}, 21, 2", NULL, NULL, FWD_E_MEMBER },
	{ "too large for the slot", SMALL, ID ", " IMAGE_A, FETCH_A, "3, 15",
	    NULL, FWD_E_STORE_SIZE },
	{ "set but not fetched", 0, ID ", " IMAGE_A, "20, {21: \"#a\"}", NULL,
	    NULL, FWD_OK },
	/* write */
	{ "write", 0, ID, "20, {3: $hi, 14: 2, 18: h'6869'}, 18, 0, 3, 0",
	    "20, {3: $hi, 14: 2}, 3, 0", NULL, FWD_OK },
	{ "write, compare the content", 0, ID,
	    "20, {18: h'6869'}, 18, 0, 6, 0", "20, {18: h'6869'}, 6, 0",
	    NULL, FWD_OK },
	{ "write, compare other content", 0, ID,
	    "20, {18: h'6869'}, 18, 0, 20, {18: h'6968'}, 6, 0", NULL, NULL,
	    FWD_E_CONTENT },
	{ "write, compare shorter content", 0, ID,
	    "20, {18: h'6869'}, 18, 0, 20, {18: h'68'}, 6, 0", NULL, NULL,
	    FWD_E_CONTENT },
	{ "write, compare longer content", 0, ID,
	    "20, {18: h'6869'}, 18, 0, 20, {18: h'686900'}, 6, 0", NULL, NULL,
	    FWD_E_CONTENT },
	{ "write, no content", 0, ID, "18, 0", NULL, NULL, FWD_E_UNSET },
	{ "compare, no content", 0, ID, "6, 0", NULL, NULL, FWD_E_UNSET },
	{ "write too much", SMALL, ID, "20, {18: h'00112233445566778899'}, "
	    "18, 0", NULL, NULL, FWD_E_STORE_SIZE },
	{ "write nothing", 0, ID, "20, {18: h''}, 18, 0, 6, 0",
	    "20, {18: h''}, 6, 0", NULL, FWD_OK },
	{ "written, another algorithm asked", BLANK, ID,
	    "20, {18: h'6869'}, 18, 0, 20, {3: $a384, 14: 2}, 3, 0", NULL,
	    NULL, FWD_E_IMAGE },
	/* image match */
	{ "no digest to match", 0, ID, NULL, "3, 15", NULL, FWD_E_UNSET },
	{ "another image", 0, ID ", " IMAGE_A, FETCH_A,
	    "20, {3: $b}, 3, 15", NULL, FWD_E_IMAGE },
	{ "another size", 0, ID ", " IMAGE_A, FETCH_A,
	    "20, {14: 9}, 3, 15", NULL, FWD_E_IMAGE },
	{ "more than the slot holds", STORED, ID ", " IMAGE_A, FETCH_A,
	    "20, {14: 18446744073709551615}, 3, 15", NULL, FWD_E_IMAGE },
	{ "not known what is there", BLANK, ID ", " IMAGE_A, NULL, "3, 15",
	    NULL, FWD_E_IMAGE },
	{ "something else is there", STORED, ID ", " IMAGE_A, NULL, "3, 15",
	    NULL, FWD_E_IMAGE },
	{ "no size of what is there", STORED, ID ", 20, {3: $a}", NULL,
	    "3, 15", NULL, FWD_E_UNSET },
	{ "not known what content is there", BLANK, ID, NULL,
	    "20, {18: h'00'}, 6, 15", NULL, FWD_E_CONTENT },
	{ "that content is there", STORED, ID, NULL,
	    "20, {18: h'0000'}, 6, 15", NULL, FWD_OK },
	{ "other content is there", STORED, ID, NULL,
	    "20, {18: h'0001'}, 6, 15", NULL, FWD_E_CONTENT },
	{ "more content than the slot holds", STORED | SMALL, ID, NULL,
	    "20, {18: h'00000000000000000000'}, 6, 15", NULL,
	    FWD_E_CONTENT },
	/* identity */
	{ "another vendor", 0, "20, {1: " OTHER "}, 1, 15", NULL, NULL, NULL,
	    FWD_E_VENDOR },
	{ "another class", 0, "20, {2: " OTHER "}, 2, 15", NULL, NULL, NULL,
	    FWD_E_CLASS },
	{ "another device", 0, "20, {24: " OTHER "}, 24, 15", NULL, NULL,
	    NULL, FWD_E_DEVICE },
	{ "this device", 0, "20, {24: h'" KIT_DEVICE "'}, 24, 15", NULL, NULL,
	    NULL, FWD_OK },
	{ "no vendor", 0, "1, 15", NULL, NULL, NULL, FWD_E_UNSET },
	{ "no class", 0, "2, 15", NULL, NULL, NULL, FWD_E_UNSET },
	{ "no device", 0, "24, 15", NULL, NULL, NULL, FWD_E_UNSET },
	{ "slot", 0, "20, {5: 1}, 5, 5", NULL, NULL, NULL, FWD_OK },
	{ "another slot", 0, "20, {5: 0}, 5, 5", NULL, NULL, NULL,
	    FWD_E_SLOT },
	{ "no slot", 0, "5, 5", NULL, NULL, NULL, FWD_E_UNSET },
	{ "abort", 0, "14, 0", NULL, NULL, NULL, FWD_E_ABORT },
	/* a device that abstains */
	{ "no device to ask", NODEV, ID ", " IMAGE_A, FETCH_A, "3, 15",
	    "23, 2", FWD_OK },
	{ "no device, other identity", NODEV, "20, {1: " OTHER ", 24: " OTHER
	    ", 5: 9}, 1, 15, 24, 15, 5, 5", NULL, NULL, NULL,
	    FWD_E_CBOR_ORDER },
	{ "no device, other identity", NODEV, "20, {1: " OTHER ", 5: 9, 24: "
	    OTHER "}, 1, 15, 24, 15, 5, 5", NULL, NULL, NULL, FWD_OK },
	{ "no device, image not known", NODEV | BLANK, ID ", " IMAGE_A, NULL,
	    "3, 15", "23, 2", FWD_OK },
	{ "no device, content not known", NODEV | BLANK, ID, NULL,
	    "20, {18: h'00'}, 6, 15", NULL, FWD_OK },
	{ "no device, abort is judged", NODEV, "14, 0", NULL, NULL, NULL,
	    FWD_E_ABORT },
	{ "no device, image is judged", NODEV, ID ", " IMAGE_A, FETCH_A,
	    "20, {3: $b}, 3, 15", NULL, FWD_E_IMAGE },
	{ "a device must not abstain", HALF, ID, NULL, NULL, NULL,
	    FWD_E_API },
	{ "nor for slots", HALF, "20, {5: 1}, 5, 5", NULL, NULL, NULL,
	    FWD_E_API },
};

Test(sequence, commands, .init = open_bench, .fini = close_bench)
{
	RUN_ROWS(basic);
}

/* ---- try-each, run-sequence, soft failure --------------------------- */

static const struct row flow[] = {
	{ "the first fits", 0, "15, [<<[" YES "]>>, <<[" NO "]>>]", NULL,
	    NULL, NULL, FWD_OK },
	{ "the second fits", 0, "15, [<<[" NO "]>>, <<[" YES "]>>]", NULL,
	    NULL, NULL, FWD_OK },
	{ "none fits", 0, "15, [<<[" NO "]>>, <<[" NO "]>>]", NULL, NULL,
	    NULL, FWD_E_TRIED_ALL },
	{ "none has to fit", 0, "15, [<<[" NO "]>>, <<[" NO "]>>, null]",
	    NULL, NULL, NULL, FWD_OK },
	{ "each condition fails softly", 0, "15, [<<[20, {1: " OTHER
	    "}, 1, 15]>>, <<[20, {2: " OTHER "}, 2, 15]>>, <<[20, {24: " OTHER
	    "}, 24, 15]>>, <<[20, {5: 9}, 5, 15]>>, <<[" NO "]>>, null]",
	    NULL, NULL, NULL, FWD_OK },
	{ "so does one that lacks its parameter", 0,
	    "15, [<<[1, 15]>>, <<[5, 15]>>, <<[3, 15]>>, <<[6, 15]>>, null]",
	    NULL, NULL, NULL, FWD_OK },
	{ "image match and content fail softly", 0, ID ", " IMAGE_A,
	    FETCH_A ", 15, [<<[20, {3: $b}, 3, 15]>>, <<[20, {18: h'00'}, 6, "
	    "15]>>, null]", "20, {3: $a}, 3, 15", NULL, FWD_OK },
	{ "a directive never fails softly", 0, ID ", " IMAGE_A,
	    "15, [<<[20, {21: \"#x\"}, 21, 2]>>, <<[" YES "]>>]", NULL, NULL,
	    FWD_E_PAYLOAD_MISSING },
	{ "nor one that lacks its parameter", 0, ID,
	    "15, [<<[21, 2]>>, <<[" YES "]>>]", NULL, NULL, FWD_E_UNSET },
	{ "an exhausted try-each is such a directive", 0,
	    "15, [<<[15, [<<[" NO "]>>, <<[" NO "]>>]]>>, <<[" YES "]>>]",
	    NULL, NULL, NULL, FWD_E_TRIED_ALL },
	{ "soft failure taken away", 0, "15, [<<[" HARD ", " NO "]>>, <<["
	    YES "]>>]", NULL, NULL, NULL, FWD_E_ABORT },
	{ "for that alternative only", 0, "15, [<<[" NO "]>>, <<[" HARD ", "
	    YES "]>>]", NULL, NULL, NULL, FWD_OK },
	{ "and given back", 0, "15, [<<[" HARD ", " SOFT ", " NO "]>>, <<["
	    YES "]>>]", NULL, NULL, NULL, FWD_OK },
	{ "not inherited by a sequence inside", 0, "15, [<<[32, <<[" NO
	    "]>>]>>, <<[" YES "]>>]", NULL, NULL, NULL, FWD_E_ABORT },
	{ "nor by a try-each inside", 0, "15, [<<[" HARD ", 15, [<<[" NO
	    "]>>, <<[" YES "]>>]]>>, <<[" NO "]>>]", NULL, NULL, NULL,
	    FWD_OK },
	{ "and what is set inside stays inside", 0, "15, [<<[32, <<[" SOFT
	    "]>>, " NO "]>>, <<[" YES "]>>]", NULL, NULL, NULL, FWD_OK },
	{ "soft failure inside does not soften outside", 0, "32, <<[32, <<["
	    SOFT ", " NO "]>>, " NO "]>>", NULL, NULL, NULL, FWD_E_ABORT },
	{ "run-sequence", 0, "32, <<[" YES "]>>", NULL, NULL, NULL, FWD_OK },
	{ "run-sequence fails hard", 0, "32, <<[" NO "]>>", NULL, NULL, NULL,
	    FWD_E_ABORT },
	{ "unless told otherwise", 0, "32, <<[" SOFT ", " NO "]>>", NULL,
	    NULL, NULL, FWD_OK },
	{ "and then ends there", 0, "20, {5: 1}, 32, <<[" SOFT ", " NO
	    ", 20, {5: 9}]>>, 5, 5", NULL, NULL, NULL, FWD_OK },
	{ "directives fail hard there as well", 0, ID, "32, <<[" SOFT
	    ", 21, 2]>>", NULL, NULL, FWD_E_UNSET },
	{ "soft failure outside of both", 0, SOFT, NULL, NULL, NULL,
	    FWD_E_PARAMETER },
	{ "even to say no", 0, HARD, NULL, NULL, NULL, FWD_E_PARAMETER },
	{ "not outside in install", 0, NULL, SOFT, NULL, NULL,
	    FWD_E_PARAMETER },
	/* parameters */
	{ "parameters of an alternative that failed stay", 0,
	    "15, [<<[20, {5: 1}, " NO "]>>, null], 5, 5", NULL, NULL, NULL,
	    FWD_OK },
	{ "those of the one that fits stay", 0, "15, [<<[" NO
	    "]>>, <<[20, {5: 1}]>>], 5, 5", NULL, NULL, NULL, FWD_OK },
	{ "a later value replaces an earlier one", 0,
	    "20, {5: 9}, 20, {5: 1}, 5, 5", NULL, NULL, NULL, FWD_OK },
	{ "parameters do not pass from section to section", 0, ID ", "
	    IMAGE_A, FETCH_A ", 20, {5: 1}", "5, 5", NULL, FWD_E_UNSET },
	{ "what the shared sequence sets is set again", 0, ID ", " IMAGE_A
	    ", 20, {5: 1}", FETCH_A ", 20, {5: 9}", "3, 15, 5, 5", NULL,
	    FWD_OK },
	/* depth */
	{ "four levels", 0, "32, <<[32, <<[32, <<[" YES "]>>]>>]>>", NULL,
	    NULL, NULL, FWD_OK },
	{ "five levels", 0, "32, <<[32, <<[32, <<[32, <<[" YES
	    "]>>]>>]>>]>>", NULL, NULL, NULL, FWD_E_DEPTH },
	{ "four levels of try-each", 0, "15, [<<[15, [<<[15, [<<[" YES
	    "]>>, null]]>>, null]]>>, null]", NULL, NULL, NULL, FWD_OK },
	{ "five levels in a branch that is not taken", 0, "15, [<<[" YES
	    "]>>, <<[32, <<[32, <<[32, <<[" YES "]>>]>>]>>]>>]", NULL, NULL,
	    NULL, FWD_E_DEPTH },
};

Test(sequence, control_flow, .init = open_bench, .fini = close_bench)
{
	RUN_ROWS(flow);
}

/* ---- component index ------------------------------------------------ */

static const struct row indices[] = {
	{ "one component needs no index", 0, YES, NULL, NULL, NULL, FWD_OK },
	{ "but may have it", 0, "12, 0, " YES, NULL, NULL, NULL, FWD_OK },
	{ "or any form of it", 0, "12, [0], " YES ", 12, true, " YES, NULL,
	    NULL, NULL, FWD_OK },
	{ "out of range", 0, "12, 1, " YES, NULL, NULL, NULL, FWD_E_INDEX },
	{ "far out of range", 0, "12, 18446744073709551615", NULL, NULL, NULL,
	    FWD_E_INDEX },
	{ "false", 0, "12, false", NULL, NULL, NULL, FWD_E_INDEX },
	{ "nil", 0, "12, null", NULL, NULL, NULL, FWD_E_CBOR_TYPE },
	{ "negative", 0, "12, -1", NULL, NULL, NULL, FWD_E_CBOR_TYPE },
	{ "an empty list", 0, "12, []", NULL, NULL, NULL, FWD_E_INDEX },
	{ "too long a list", 0, "12, [0, 0]", NULL, NULL, NULL, FWD_E_INDEX },
	{ "a list with what there is not", TWO, "12, [0, 2]", NULL, NULL,
	    NULL, FWD_E_INDEX },
	{ "a list of no numbers", TWO, "12, [0, true]", NULL, NULL, NULL,
	    FWD_E_CBOR_TYPE },
	{ "two components, no index", TWO, YES, NULL, NULL, NULL,
	    FWD_E_INDEX },
	{ "not even later", TWO, "20, {5: 1}, 12, 0", NULL, NULL, NULL,
	    FWD_E_INDEX },
	{ "each section begins with it", TWO, "12, 0, " YES, "20, {5: 1}",
	    NULL, NULL, FWD_E_INDEX },
	{ "parameters are of one component", TWO,
	    "12, 0, 20, {5: 1}, 12, 1, 5, 5", NULL, NULL, NULL, FWD_E_UNSET },
	{ "true is for all", TWO, "12, true, 20, {5: 1}, 12, 1, 5, 5", NULL,
	    NULL, NULL, FWD_OK },
	{ "a list is for those in it", TWO,
	    "12, [1, 0], 20, {5: 1}, 12, 1, 5, 5, 12, 0, 5, 5", NULL, NULL,
	    NULL, FWD_OK },
	{ "one that fails is enough", TWO, "12, true, 20, {5: 1}, "
	    "12, 1, 20, {5: 9}, 12, true, 5, 5", NULL, NULL, NULL,
	    FWD_E_SLOT },
	{ "whichever it is", TWO, "12, true, 20, {5: 1}, "
	    "12, 0, 20, {5: 9}, 12, true, 5, 5", NULL, NULL, NULL,
	    FWD_E_SLOT },
	{ "a sequence runs once for each", TWO, "12, true, 32, <<[20, {5: 1},"
	    " 5, 5]>>, 12, 1, 5, 5, 12, 0, 5, 5", NULL, NULL, NULL, FWD_OK },
	{ "so does try-each", TWO, "12, 0, 20, {5: 1}, 12, 1, 20, {5: 9}, "
	    "12, true, 15, [<<[5, 5]>>, <<[20, {5: 1}, 5, 5]>>], 12, 1, 5, 5",
	    NULL, NULL, NULL, FWD_OK },
	{ "the index set inside stays inside", TWO, "12, 0, 20, {5: 1}, "
	    "32, <<[12, 1]>>, 5, 5", NULL, NULL, NULL, FWD_OK },
	{ "also when all were meant", TWO, "12, true, 20, {5: 1}, "
	    "32, <<[12, 0]>>, 20, {5: 1}, 12, 1, 5, 5", NULL, NULL, NULL,
	    FWD_OK },
	{ "also after a failure", TWO, "12, 0, 20, {5: 1}, 15, [<<[12, 1, "
	    NO "]>>, null], 5, 5", NULL, NULL, NULL, FWD_OK },
	{ "also from a soft run-sequence", TWO, "12, 0, 20, {5: 1}, 32, <<["
	    SOFT ", 12, 1, " NO "]>>, 5, 5", NULL, NULL, NULL, FWD_OK },
	{ "the next alternative starts with the old index", TWO,
	    "12, 0, 20, {5: 1}, 15, [<<[12, 1, " NO "]>>, <<[5, 5]>>]", NULL,
	    NULL, NULL, FWD_OK },
	{ "the next section starts without", TWO, "12, 1, " YES,
	    "12, 0, 5, 5", NULL, NULL, FWD_E_UNSET },
	{ "both are filled", TWO, ALL_ID ", 12, 0, " IMAGE_A ", 12, 1, "
	    IMAGE_B, "12, 0, " FETCH_A ", 12, 1, 20, {21: \"#b\"}, 21, 2, "
	    "3, 15", "12, true, 3, 15", "12, 1, 23, 2", FWD_OK },
	{ "one payload for both", TWO, ALL_ID ", " IMAGE_A, "12, true, "
	    FETCH_A, "12, true, 3, 15", NULL, FWD_OK },
};

Test(sequence, component_index, .init = open_bench, .fini = close_bench)
{
	RUN_ROWS(indices);
}

/* ---- copy ----------------------------------------------------------- */

static const struct row copies[] = {
	{ "fetched, matched, copied, matched", TWO, STAGED, FETCH_1 ", "
	    COPY_0 ", 3, 15", "12, 0, 3, 15", "12, 0, 23, 2", FWD_OK },
	{ "the staging area may be validated too", TWO, STAGED, FETCH_1 ", "
	    COPY_0 ", 3, 15", "12, true, 3, 15", NULL, FWD_OK },
	{ "copied but not matched", TWO, STAGED, FETCH_1 ", " COPY_0,
	    "12, 0, 3, 15", NULL, FWD_E_UNCHECKED_IMAGE },
	{ "copied before it was matched", TWO, STAGED,
	    "12, 1, 20, {21: \"#a\"}, 21, 2, " COPY_0 ", 3, 15",
	    "12, 0, 3, 15", NULL, FWD_E_UNCHECKED_IMAGE },
	{ "that is allowed to any profile", TWO | ANY, STAGED,
	    "12, 1, 20, {21: \"#a\"}, 21, 2, " COPY_0 ", 3, 15",
	    "12, 0, 3, 15", NULL, FWD_OK },
	{ "not what is wanted there", TWO, STAGED, FETCH_1
	    ", 12, 0, 20, {3: $b, 22: 1}, 22, 2, 3, 15", "12, 0, 3, 15", NULL,
	    FWD_E_IMAGE },
	{ "not as large as wanted there", TWO, STAGED, FETCH_1
	    ", 12, 0, 20, {14: 11, 22: 1}, 22, 2, 3, 15", "12, 0, 3, 15",
	    NULL, FWD_E_IMAGE },
	{ "no source", TWO, STAGED, FETCH_1 ", 12, 0, 22, 2", NULL, NULL,
	    FWD_E_UNSET },
	{ "no digest", TWO | ANY, ALL_ID, "12, 0, 20, {22: 1}, 22, 2", NULL,
	    NULL, FWD_E_UNSET },
	{ "from itself", TWO, STAGED, "12, 0, 20, {22: 0}, 22, 2", NULL, NULL,
	    FWD_E_INDEX },
	{ "from where there is nothing", TWO, STAGED, "12, 0, 20, {22: 2}, "
	    "22, 2", NULL, NULL, FWD_E_INDEX },
	{ "from what was not filled", TWO, STAGED, COPY_0, NULL, NULL,
	    FWD_E_PAYLOAD_MISSING },
	{ "too large for the slot", TWO | SMALL, STAGED, COPY_0, NULL, NULL,
	    FWD_E_PAYLOAD_MISSING },
};

Test(sequence, copy, .init = open_bench, .fini = close_bench)
{
	RUN_ROWS(copies);
}

/* A copy in the load section; and one that does not fit. */
Test(sequence, load, .init = open_bench, .fini = close_bench)
{
	const struct row r = { "load", TWO, STAGED, FETCH_1, "12, 1, 3, 15",
	    "12, 0, 23, 2", FWD_OK };
	struct fw_buf env = row_envelope(&r, COPY_0 ", 3, 15");

	kit_store_on(dev);
	kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_OK, dev->trace);
	cr_assert_eq(dev->invoked, 1);
	cr_assert_eq(memcmp(dev->store[0].bytes, data_a, A_N), 0);
	fw_buf_deinit(&env);
	env = row_envelope(&r, COPY_0);
	kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_E_UNCHECKED_IMAGE,
	    dev->trace);
	cr_assert_eq(dev->invoked, 0);
	fw_buf_deinit(&env);
	/* The load section may not fetch. */
	env = row_envelope(&r, "12, 0, 20, {21: \"#a\"}, 21, 2, 3, 15");
	kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_E_COMMAND, dev->trace);
	cr_assert_eq(dev->begun, 0, "something was written");
	fw_buf_deinit(&env);
}
