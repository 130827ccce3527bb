/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the interpreter refuses wherever it stands, the manifest profile, the
 * limits, storage that lies, ports that fail, and the trace.
 */
#include "device/testrow.h"

/* ---- what no branch may have ---------------------------------------- */

/* Each of these is refused wherever it stands, also where nobody goes. */
static const struct {
	const char *command;
	fwd_status want;
} illegal[] = {
	{ "4, 16", FWD_E_COMMAND }, { "0, 0", FWD_E_COMMAND },
	{ "7, 0", FWD_E_COMMAND }, { "13, 0", FWD_E_COMMAND },
	{ "19, {5: 1}", FWD_E_COMMAND },	/* set-parameters */
	{ "30, 0", FWD_E_COMMAND }, { "33, 0", FWD_E_COMMAND },
	{ "34, {0: {5: 1}}", FWD_E_COMMAND }, { "35, {0: [5]}", FWD_E_COMMAND },
	/* a device that nobody can ask about its state */
	{ "26, 0", FWD_E_DISABLED }, { "27, 0", FWD_E_DISABLED },
	{ "28, 0", FWD_E_DISABLED }, { "29, 0", FWD_E_DISABLED },
	{ "20, {26: 0}", FWD_E_DISABLED }, { "20, {27: 0}", FWD_E_DISABLED },
	{ "20, {28: h''}", FWD_E_DISABLED },
	{ "20, {29: h''}", FWD_E_DISABLED },
	{ "-1, 0", FWD_E_COMMAND }, { "-257, 0", FWD_E_COMMAND },
	{ "9223372036854775807, 0", FWD_E_COMMAND },
	{ "31, 2", FWD_E_DISABLED },		/* swap */
	/* reporting policies are four bits */
	{ "1, 16", FWD_E_COMMAND }, { "14, 16", FWD_E_COMMAND },
	{ "1, -1", FWD_E_CBOR_TYPE }, { "1, null", FWD_E_CBOR_TYPE },
	{ "1, h''", FWD_E_CBOR_TYPE },
	/* parameters */
	{ "20, {}", FWD_E_PARAMETER }, { "20, 0", FWD_E_CBOR_TYPE },
	{ "20, {0: 0}", FWD_E_PARAMETER }, { "20, {4: -1}", FWD_E_CBOR_TYPE },
	{ "20, {30: h''}", FWD_E_PARAMETER },
	{ "20, {32: 0}", FWD_E_PARAMETER },
	{ "20, {33: 0}", FWD_E_PARAMETER },
	{ "20, {-1: 0}", FWD_E_PARAMETER },
	{ "20, {-257: 0}", FWD_E_PARAMETER },
	{ "20, {\"x\": 0}", FWD_E_CBOR_TYPE },
	{ "20, {12: false}", FWD_E_DISABLED },
	{ "20, {12: 1}", FWD_E_CBOR_TYPE },
	{ "20, {25: h''}", FWD_E_DISABLED },
	{ "20, {1: h'00'}", FWD_E_PARAMETER },
	{ "20, {1: h'" KIT_VENDOR "00'}", FWD_E_PARAMETER },
	{ "20, {1: 112(h'00')}", FWD_E_CBOR_TYPE },
	{ "20, {2: h'00'}", FWD_E_PARAMETER },
	{ "20, {24: h'00'}", FWD_E_PARAMETER },
	{ "20, {3: [-16, h'00']}", FWD_E_CBOR_TYPE },
	{ "20, {3: <<[-16, h'00']>>}", FWD_E_DIGEST_ALG },
	{ "20, {3: <<[-18, h'00']>>}", FWD_E_DIGEST_ALG },
	{ "20, {3: <<[-16, h'" KIT_VENDOR KIT_CLASS "'], 0>>}",
	    FWD_E_CBOR_LEFT },
	{ "20, {14: -1}", FWD_E_CBOR_TYPE },
	{ "20, {5: h'00'}", FWD_E_CBOR_TYPE },
	{ "20, {13: 0}", FWD_E_CBOR_TYPE },
	{ "20, {18: \"x\"}", FWD_E_CBOR_TYPE },
	{ "20, {21: h'00'}", FWD_E_CBOR_TYPE },
	{ "20, {22: 1}", FWD_E_INDEX }, { "20, {22: -1}", FWD_E_CBOR_TYPE },
	{ "20, {23: 0}", FWD_E_CBOR_TYPE },
	{ "20, {14: 1, 5: 1}", FWD_E_CBOR_ORDER },
	{ "20, {5: 1, 5: 1}", FWD_E_CBOR_ORDER },
	/* arguments */
	{ "15, []", FWD_E_COMMAND }, { "15, [null]", FWD_E_COMMAND },
	{ "15, [<<[5, 5]>>]", FWD_E_COMMAND },
	{ "15, [null, <<[5, 5]>>]", FWD_E_CBOR_TYPE },
	{ "15, [<<[5, 5]>>, false]", FWD_E_CBOR_TYPE },
	{ "15, [<<[5, 5]>>, [5, 5]]", FWD_E_CBOR_TYPE },
	{ "15, [<<[5, 5]>>, <<[]>>]", FWD_E_COMMAND },
	{ "15, [<<[5, 5]>>, h'']", FWD_E_CBOR_SHORT },
	{ "15, <<[5, 5]>>", FWD_E_CBOR_TYPE },
	{ "32, [5, 5]", FWD_E_CBOR_TYPE }, { "32, h''", FWD_E_CBOR_SHORT },
	{ "32, <<[]>>", FWD_E_COMMAND }, { "32, <<[5]>>", FWD_E_COMMAND },
	{ "32, <<[5, 5], 0>>", FWD_E_CBOR_LEFT },
	{ "32, null", FWD_E_CBOR_TYPE },
	{ "12, 1", FWD_E_INDEX },
};

Test(interpreter, illegal_anywhere, .init = open_bench, .fini = close_bench)
{
	/* %s: in the open, in a branch not taken, in branches in one another,
	   behind what fails, in a section that is not reached */
	static const char *const places[] = { "%s", YES ", %s",
	    "15, [<<[" YES "]>>, <<[%s]>>]",
	    "15, [<<[" YES "]>>, <<[15, [<<[" YES "]>>, <<[%s]>>]]>>]",
	    NO ", %s", "32, <<[" SOFT ", " NO ", %s]>>" };
	char seq[1024];
	size_t n = 0;

	kit_store_on(dev);
	for (size_t i = 0; i < sizeof illegal / sizeof illegal[0]; i++)
	for (size_t k = 0; k < sizeof places / sizeof places[0]; k++)
	for (unsigned in = 0; in < 4; in++) {
		struct row r = { illegal[i].command, 0, ID ", " IMAGE_A,
		    FETCH_A, "3, 15", "23, 2", illegal[i].want };
		fwd_status s;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(seq, sizeof seq, places[k],
		    illegal[i].command);
#pragma GCC diagnostic pop
		if (in == 0)
			r.shared = seq;
		else if (in == 1)
			r.install = seq;
		else if (in == 2)
			r.validate = seq;
		else
			r.invoke = seq;
		s = run_row(&r, true);
		if (s != r.want)
			cr_assert_fail("%s in %u: %s, not %s\n%s", seq, in,
			    fwd_status_code(s), fwd_status_code(r.want),
			    dev->trace);
		cr_assert_eq(dev->begun, 0, "%s: something was written", seq);
		n++;
	}
	(void)printf("interpreter: %zu illegal commands\n", n);
}

/* Commands with effects outside of where they belong. */
Test(interpreter, places, .init = open_bench, .fini = close_bench)
{
	static const char *const effects[] = { "18, 0", "21, 2", "22, 2",
	    "23, 2" };
	static const char *const wrap[] = { "%s", "32, <<[%s]>>",
	    "15, [<<[" YES "]>>, <<[%s]>>]" };
	/* shared, install, validate, invoke: what becomes of it there; 0: it
	   belongs there and fails in its own way */
	static const fwd_status want[4][4] = {
		{ FWD_E_SHARED, 0, FWD_E_COMMAND, 0 },
		{ FWD_E_SHARED, 0, FWD_E_COMMAND, FWD_E_COMMAND },
		{ FWD_E_SHARED, 0, FWD_E_COMMAND, 0 },
		{ FWD_E_SHARED, FWD_E_COMMAND, FWD_E_COMMAND, 0 },
	};
	char seq[256];

	for (size_t i = 0; i < 4; i++)
	for (size_t k = 0; k < 3; k++)
	for (unsigned in = 0; in < 4; in++) {
		struct row r = { effects[i], 0, ID, NULL, NULL, NULL, 0 };
		fwd_status s;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(seq, sizeof seq, wrap[k], effects[i]);
#pragma GCC diagnostic pop
		*(in == 0 ? &r.shared : in == 1 ? &r.install : in == 2 ?
		    &r.validate : &r.invoke) = seq;
		s = run_row(&r, false);
		if (want[i][in] != 0)
			kit_eq(s, want[i][in], seq);
		else
			cr_assert(s == FWD_E_UNSET || s == FWD_OK ||
			    s == FWD_E_UNCHECKED_IMAGE, "%s in %u: %s", seq,
			    in, fwd_status_code(s));
	}
}

/* ---- the profile ---------------------------------------------------- */

#define NO_ID IMAGE_A
#define HALF_ID "20, {1: h'" KIT_VENDOR "'}, 1, 15, " IMAGE_A

static const struct row profile[] = {
	{ "no identity", 0, NO_ID, FETCH_A, "3, 15", NULL,
	    FWD_E_UNCHECKED_ID },
	{ "no class", 0, HALF_ID, FETCH_A, "3, 15", NULL,
	    FWD_E_UNCHECKED_ID },
	{ "identity in install is too late", 0, NO_ID, ID ", " FETCH_A,
	    "3, 15", NULL, FWD_E_UNCHECKED_ID },
	{ "no shared sequence at all", 0, NULL, IMAGE_A ", " FETCH_A,
	    NULL, NULL, FWD_E_UNCHECKED_ID },
	{ "any profile: no identity", ANY, NO_ID, FETCH_A, "3, 15", NULL,
	    FWD_OK },
	{ "identity of another component", TWO, "12, true, " IMAGE_A
	    ", 12, 0, " ID, "12, 1, " FETCH_A, "12, 1, 3, 15", NULL,
	    FWD_E_UNCHECKED_ID },
	{ "identity in a sequence of the shared one", 0, "32, <<[" ID "]>>, "
	    IMAGE_A, FETCH_A, "3, 15", NULL, FWD_OK },
	{ "identity that did not hold", 0, "15, [<<[20, {1: " OTHER ", 2: h'"
	    KIT_CLASS "'}, 2, 15, 1, 15]>>, null], " IMAGE_A, FETCH_A,
	    "3, 15", NULL, FWD_E_UNCHECKED_ID },
	{ "write without identity", 0, NULL, "20, {18: h'00'}, 18, 0, 6, 0",
	    NULL, NULL, FWD_E_UNCHECKED_ID },
	/* images */
	{ "not matched after the fetch", 0, ID ", " IMAGE_A,
	    "20, {21: \"#a\"}, 21, 2", "3, 15", NULL, FWD_E_UNCHECKED_IMAGE },
	{ "matched before the fetch only", STORED, ID ", " IMAGE_A,
	    "20, {21: \"#a\"}, 15, [<<[3, 15]>>, null], 21, 2", "3, 15", NULL,
	    FWD_E_UNCHECKED_IMAGE },
	{ "match that does not hold", 0, ID ", " IMAGE_A,
	    "20, {21: \"#a\"}, 21, 2, 15, [<<[20, {3: $b}, 3, 15]>>, null]",
	    "20, {3: $a}, 3, 15", NULL, FWD_E_UNCHECKED_IMAGE },
	{ "fetched again and not matched", 0, ID ", " IMAGE_A,
	    FETCH_A ", 21, 2", "3, 15", NULL, FWD_E_UNCHECKED_IMAGE },
	{ "not validated", 0, ID ", " IMAGE_A, FETCH_A, NULL, NULL,
	    FWD_E_UNCHECKED_IMAGE },
	{ "another thing validated", 0, ID ", " IMAGE_A, FETCH_A, YES, NULL,
	    FWD_E_UNCHECKED_IMAGE },
	{ "one of two validated", TWO, ALL_ID ", " IMAGE_A, "12, true, "
	    FETCH_A, "12, 0, 3, 15", NULL, FWD_E_UNCHECKED_IMAGE },
	{ "any profile: not matched", ANY, ID ", " IMAGE_A,
	    "20, {21: \"#a\"}, 21, 2", NULL, NULL, FWD_OK },
	{ "any profile: but not invoked so", ANY, ID ", " IMAGE_A,
	    "20, {21: \"#a\"}, 21, 2", NULL, "23, 2", FWD_E_UNCHECKED_IMAGE },
	{ "any profile: invoked if matched", ANY, ID ", " IMAGE_A, FETCH_A,
	    NULL, "23, 2", FWD_OK },
	{ "invoked without validation", 0, ID ", " IMAGE_A, NULL, NULL,
	    "23, 2", FWD_E_UNCHECKED_IMAGE },
	{ "matched only where it is invoked", STORED, ID ", 20, {3: $empty, "
	    "14: 0}", NULL, NULL, "3, 15, 23, 2", FWD_E_UNCHECKED_IMAGE },
	{ "validated what was there before", STORED, ID ", 20, {3: $empty, "
	    "14: 0}", NULL, "3, 15", "23, 2", FWD_OK },
};

Test(interpreter, profile, .init = open_bench, .fini = close_bench)
{
	RUN_ROWS(profile);
}

/* ---- limits --------------------------------------------------------- */

/* n times the same, in one buffer. */
static char *
repeat(const char *command, size_t n, const char *head)
{
	const size_t each = strlen(command) + 2;
	char *const out = malloc(strlen(head) + n * each + 1);
	size_t at = strlen(head);

	cr_assert_not_null(out);
	memcpy(out, head, at);
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, each + 1, "%s%s",
		    i == 0 && head[0] == '\0' ? "" : ", ", command);
	return out;
}

Test(interpreter, steps_are_limited, .init = open_bench, .fini = close_bench)
{
	static const struct {
		unsigned flags;
		const char *head, *command;
		size_t most;
	} rows[] = {
		/* the head's commands count as well */
		{ 0, "20, {5: 1}", "5, 5", FWD_STEPS_MAX - 1 },
		{ 0, "12, 0", "12, 0", FWD_STEPS_MAX - 1 },
		/* each component counts */
		{ TWO, "12, true, 20, {5: 1}", "5, 5",
		    (FWD_STEPS_MAX - 3) / 2 },
		{ TWO, "12, true", "32, <<[12, 0, 12, 1]>>",
		    (FWD_STEPS_MAX - 1) / 6 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (size_t more = 0; more < 2; more++) {
			char *const seq = repeat(rows[i].command,
			    rows[i].most + more, rows[i].head);
			const struct row r = { "steps", rows[i].flags, NULL,
			    seq, NULL, NULL, 0 };

			kit_eq(run_row(&r, false), more == 0 ? FWD_OK :
			    FWD_E_STEPS, rows[i].command);
			free(seq);
		}
	}
}

Test(interpreter, payloads_are_limited, .init = open_bench,
    .fini = close_bench)
{
	char seq[8192] = "20, {5: 1}";

	for (size_t i = 0; i < FWD_PAYLOADS_MAX + 1; i++) {
		const struct row r = { "payloads", 0, ID, seq, NULL, NULL,
		    FWD_OK };

		kit_eq(run_row(&r, false), i <= FWD_PAYLOADS_MAX && i > 0 ?
		    FWD_E_MEMBER : FWD_OK, "as many as there is room for");
		(void)snprintf(seq + strlen(seq), sizeof seq - strlen(seq),
		    ", 20, {21: \"p%zu\"}", i);
	}
	{
		const struct row r = { "payloads", 0, ID, seq, NULL, NULL,
		    FWD_E_STEPS };

		kit_eq(run_row(&r, false), FWD_E_STEPS, "one more");
	}
}

/* ---- what the device got -------------------------------------------- */

Test(interpreter, storage_holds_what_was_fetched, .init = open_bench,
    .fini = close_bench)
{
	const struct row r = { "both", TWO, ALL_ID ", 12, 0, " IMAGE_A
	    ", 12, 1, " IMAGE_B, "12, 0, " FETCH_A
	    ", 12, 1, 20, {21: \"#b\"}, 21, 2, 3, 15", "12, true, 3, 15",
	    "12, 1, 20, {23: h'c0ffee'}, 23, 2", FWD_OK };

	kit_eq(run_row(&r, true), FWD_OK, dev->trace);
	cr_assert_eq(dev->begun, 2);
	cr_assert(dev->store[0].complete && dev->store[0].size == A_N);
	cr_assert(dev->store[1].complete && dev->store[1].size == B_N);
	cr_assert_eq(memcmp(dev->store[0].bytes, data_a, A_N), 0);
	cr_assert_eq(memcmp(dev->store[1].bytes, data_b, B_N), 0);
	cr_assert_eq(dev->invoked, 1);
	cr_assert_eq(dev->args_n, 3);
	cr_assert_eq(memcmp(dev->args, "\xc0\xff\xee", 3), 0);
	/* Arguments are not those of an earlier section. */
	{
		struct row again = r;

		again.validate = "12, true, 20, {23: h'aa'}, 3, 15";
		again.invoke = "12, 0, 23, 2";
		kit_eq(run_row(&again, true), FWD_OK, dev->trace);
		cr_assert_eq(dev->args_n, 0);
	}
}

/* Whichever byte the storage does not keep, reading it back shows it. */
Test(interpreter, storage_that_lies, .init = open_bench, .fini = close_bench)
{
	const struct row fetch = { "fetch", 0, ID ", " IMAGE_A, FETCH_A,
	    "3, 15", "23, 2", 0 };
	const struct row copy = { "copy", TWO, STAGED, FETCH_1 ", " COPY_0
	    ", 3, 15", "12, 0, 3, 15", "12, 0, 23, 2", 0 };
	const struct row write = { "write", 0, ID, "20, {3: $hi, 14: 2, "
	    "18: h'6869'}, 18, 0, 3, 0", "20, {3: $hi, 14: 2}, 3, 0", "23, 2",
	    0 };
	const struct row content = { "content", 0, ID,
	    "20, {18: h'6869'}, 18, 0, 6, 0", "20, {18: h'6869'}, 6, 0",
	    "23, 2", 0 };

	for (size_t i = 1; i <= A_N; i++) {
		dev->spoil = i;
		kit_eq(run_row(&fetch, true), FWD_E_IMAGE, "fetch");
		cr_assert_eq(dev->invoked, 0);
		kit_eq(run_row(&copy, true), FWD_E_IMAGE, "copy");
		cr_assert_eq(dev->invoked, 0);
		kit_eq(run_row(&write, true), i <= 2 ? FWD_E_IMAGE : FWD_OK,
		    "write");
		kit_eq(run_row(&content, true), i <= 2 ? FWD_E_CONTENT :
		    FWD_OK, "content");
	}
}

/* Content that is longer than the transfer buffer, wrong at any byte. */
Test(interpreter, long_content, .init = open_bench, .fini = close_bench)
{
	enum { LONG = FWD_BLOCK + 8 };
	static char install[2 * LONG + 64], validate[2 * LONG + 64];
	char hex[2 * LONG + 1];
	const struct row content = { "long content", 0, ID, install, validate,
	    "23, 2", 0 };

	for (size_t i = 0; i < LONG; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x",
		    (unsigned)(i * 7 + i / 256) & 0xff);
	(void)snprintf(install, sizeof install, "20, {18: h'%s'}, 18, 0, 6, 0",
	    hex);
	(void)snprintf(validate, sizeof validate, "20, {18: h'%s'}, 6, 0",
	    hex);
	kit_eq(run_row(&content, true), FWD_OK, dev->trace);
	for (dev->spoil = 1; dev->spoil <= LONG; dev->spoil++)
		kit_eq(run_row(&content, true), FWD_E_CONTENT, "spoilt");
}

/* ---- ports that fail ------------------------------------------------ */

static const struct row everything = { "everything", TWO, ALL_ID
    ", 20, {24: h'" KIT_DEVICE "'}, 24, 15, 20, {5: 1}, 5, 5, " IMAGE_A,
    FETCH_1 ", " COPY_0 ", 3, 15, 20, {18: h'7061796c6f61642061" "00'}, "
    "6, 15, 18, 0, 3, 15", "12, 0, 3, 15, 20, {18: h'7061796c6f61642061"
    "00'}, 6, 15", "12, 0, 23, 2", FWD_OK };

/*
 * Each call of the port fails in turn, in several ways: the run never ends
 * well, and what is not a matter of opinion ends with what the port said.
 */
static void
fail_each(bool stored)
{
	static const fwd_status ways[] = { FWD_E_STORE, FWD_E_IO, FWD_E_CRYPTO,
	    FWD_E_API, FWD_UNJUDGED, FWD_E_ANCHOR, FWD_E_IMAGE, FWD_E_ABORT,
	    0, 1, UINT32_MAX, ~(uint32_t)FWD_OK };
	size_t port, crypto, n = 0;

	kit_eq(run_row(&everything, stored), FWD_OK, dev->trace);
	port = dev->calls;
	crypto = dev->kit.calls;
	cr_assert(port > 10 && crypto > 20);
	for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
		dev->fail_with = dev->kit.fail_with = ways[w];
		for (size_t i = 1; i <= port; i++, n++) {
			dev->fail_at = i;
			cr_assert_neq(run_row(&everything, stored), FWD_OK,
			    "port call %zu, %08x\n%s", i, ways[w],
			    dev->trace);
		}
		dev->fail_at = 0;
		for (size_t i = 1; i <= crypto; i++, n++) {
			dev->kit.fail_at = i;
			cr_assert_neq(run_row(&everything, stored), FWD_OK,
			    "crypto call %zu, %08x\n%s", i, ways[w],
			    dev->trace);
		}
		dev->kit.fail_at = 0;
	}
	kit_eq(run_row(&everything, stored), FWD_OK, dev->trace);
	(void)printf("interpreter: %zu failing calls\n", n);
}

Test(interpreter, failing_ports_with_storage, .init = open_bench,
    .fini = close_bench)
{
	fail_each(true);
}

Test(interpreter, failing_ports_without_storage, .init = open_bench,
    .fini = close_bench)
{
	fail_each(false);
}

/* A component that the device does not have. */
Test(interpreter, unknown_component, .init = open_bench, .fini = close_bench)
{
	const struct kit_block block = { .pki = pki, .bare = true };
	struct fw_buf m = kit_cbor("{1: 1, 2: 5, 3: <<{2: [[h'00'], "
	    "[h'6e6f']]}>>}", NULL, 0);
	struct fw_buf env = kit_envelope(fw_buf_span(&m), &block, 1,
	    (struct fwd_span){ NULL, 0 }, 0);

	kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_E_COMPONENT, dev->trace);
	cr_assert_eq(dev->ctx.refusal.index, 1);
	cr_assert_eq(dev->ctx.refusal.step, FWD_STEP_COMPONENT);
	fw_buf_deinit(&m);
	fw_buf_deinit(&env);
}

/* ---- the trace ------------------------------------------------------ */

Test(interpreter, trace, .init = open_bench, .fini = close_bench)
{
	const struct row r = { "trace", 0, "15, [<<[20, {5: 0}, 5, 5]>>, "
	    "<<[20, {5: 1}, 5, 5]>>], " ID ", 20, {3: $empty, 14: 0}",
	    "20, {21: \"#e\"}, 21, 2, 3, 15", "3, 15", NULL, FWD_OK };
	static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855";
	static const char shared[] =
	    "command[0] directive-override-parameters: ok\n"
	    "command[0] condition-component-slot: 0 slot-mismatch\n"
	    "command[0] directive-override-parameters: ok\n"
	    "command[0] condition-component-slot: 1 ok\n"
	    "command[0] directive-try-each: ok\n"
	    "command[0] directive-override-parameters: ok\n"
	    "command[0] condition-vendor-identifier: " KIT_VENDOR " ok\n"
	    "command[0] condition-class-identifier: " KIT_CLASS " ok\n"
	    "command[0] directive-override-parameters: ok\n"
	    "section shared: ok\n";
	char want[4096];
	const char *got;

	kit_eq(run_row(&r, true), FWD_OK, dev->trace);
	got = strstr(dev->trace, "sequence-number: ");
	cr_assert_not_null(got);
	(void)snprintf(want, sizeof want,
	    "sequence-number: 5 (want at least 5) ok\n"
	    "component[0]: 814100 ok\n"
	    "%s"
	    "command[0] directive-override-parameters: ok\n"
	    "payload[0]: %s (want %s) ok\n"
	    "command[0] directive-fetch: ok\n"
	    "command[0] condition-image-match: %s (want %s) ok\n"
	    "section install: ok\n"
	    "end: ok\n"
	    "%s"
	    "command[0] condition-image-match: %s (want %s) ok\n"
	    "section validate: ok\n"
	    "verdict: ok\n", shared, empty, empty, empty, empty,
	    shared, empty, empty);
	cr_assert_str_eq(got, want);
}

/* A refused parameter is named. */
Test(interpreter, refused_parameter, .init = open_bench, .fini = close_bench)
{
	const struct row r = { "parameter", 0, NULL, "20, {5: 1, 25: h''}",
	    NULL, NULL, FWD_E_DISABLED };
	static const char want[] =
	    "parameter fetch-arguments: command-disabled\n"
	    "command directive-override-parameters: command-disabled\n"
	    "section install: command-disabled\n"
	    "verdict: command-disabled\n";

	kit_eq(run_row(&r, true), FWD_E_DISABLED, dev->trace);
	cr_assert_not_null(strstr(dev->trace, want), "%s", dev->trace);
}
