/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole bundles: what is accepted, and by which policies; mutants_test.c has
 * what is spoilt.
 */
#include "device/testbundle.h"

/* ---- what is accepted ----------------------------------------------- */

/* The trace without facts: "step: status" in rows. */
static void
steps_of(const char *trace, char *out, size_t n)
{
	out[0] = '\0';
	while (*trace != '\0') {
		const size_t line = strcspn(trace, "\n");
		const size_t step = strcspn(trace, ":");
		size_t last = line;

		while (trace[last - 1] != ' ')
			last--;
		(void)snprintf(out + strlen(out), n - strlen(out),
		    "%.*s %.*s\n", (int)step, trace, (int)(line - last),
		    trace + last);
		trace += line + 1;
	}
}

Test(verify, single, .init = open_bench, .fini = close_bench)
{
	static const char shared[] =
	    "command[0] directive-override-parameters ok\n"
	    "command[0] condition-vendor-identifier ok\n"
	    "command[0] condition-class-identifier ok\n"
	    "command[0] directive-override-parameters ok\n"
	    "section shared ok\n";
	static const char begin[] = "member ok\nenvelope ok\n"
	    "signature-block[0] ok\nalgorithm[0] ok\n";
	char got[8192], want[8192];
	const char *tail;

	dev->port.invoke = kit_invoke;
	for (int stored = 0; stored < 2; stored++) {
		if (stored)
			kit_store_on(dev);
		kit_eq(judge(&single), FWD_OK, dev->trace);
		steps_of(dev->trace, got, sizeof got);
		cr_assert_eq(strncmp(got, begin, sizeof begin - 1), 0, "%s",
		    got);
		tail = strstr(got, "\nsignature[0] ok\n");
		cr_assert_not_null(tail);
		(void)snprintf(want, sizeof want, "\nsignature[0] ok\n"
		    "signers ok\nmanifest-digest ok\nmanifest ok\n"
		    "severed-element text ok\nsequence-number ok\n"
		    "component[0] ok\n%s"
		    "command[0] directive-override-parameters ok\n"
		    "member ok\npayload[0] ok\ncommand[0] directive-fetch ok\n"
		    "command[0] condition-image-match ok\n"
		    "section install ok\n"
		    "member ok\nattachment[0] ok\nmember ok\n"
		    "attachment[1] ok\nend ok\n%s"
		    "command[0] condition-image-match ok\n"
		    "section validate ok\n%s"
		    "command[0] directive-invoke ok\nsection invoke ok\n"
		    "verdict ok\n", shared, shared, shared);
		cr_assert_str_eq(tail, want);
	}
	/* the results a caller reads */
	cr_assert_eq(dev->ctx.signers, 1);
	cr_assert_eq(dev->ctx.signer[0].chain.anchor, 0);
	cr_assert_eq(dev->ctx.signer[0].chain.not_after, TP_NOT_AFTER);
	cr_assert_eq(dev->ctx.man.sequence_number, 7);
	cr_assert_eq(dev->ctx.components, 1);
	cr_assert_eq(dev->ctx.component[0].have_size, sizeof app_a);
	cr_assert_eq(dev->ctx.attachments, 2);
	cr_assert_eq(dev->invoked, 1);
	cr_assert_eq(memcmp(dev->store[0].bytes, app_a, sizeof app_a), 0);
}

/* Any transfer buffer: the same words. */
Test(verify, transfer_buffers, .init = open_bench, .fini = close_bench)
{
	static const size_t sizes[] = { 512, 1024, 4096, 1 << 20 };
	struct fw_buf b = make_bundle(&single);
	char first[KIT_TRACE];

	kit_store_on(dev);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		dev->ctx.transfer_n = sizes[i];
		kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_OK, dev->trace);
		if (i == 0)
			memcpy(first, dev->trace, dev->trace_n + 1);
		cr_assert_str_eq(dev->trace, first);
	}
	fw_buf_deinit(&b);
}

Test(verify, slots, .init = open_bench, .fini = close_bench)
{
	struct fw_buf b = make_bundle(&slots);
	const size_t envelope = (size_t)fw_bundle_padded(
	    strtoull((const char *)b.p + 124, NULL, 8));
	const size_t a = 3 * FWD_BLOCK + envelope - FWD_BLOCK;
	const size_t at_b = a + (size_t)fw_bundle_padded(sizeof app_a) +
	    FWD_BLOCK;

	kit_store_on(dev);
	dev->slot = 0;
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_OK, dev->trace);
	cr_assert_eq(memcmp(dev->store[0].bytes, app_a, sizeof app_a), 0);
	dev->slot = 1;
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_OK, dev->trace);
	cr_assert_eq(memcmp(dev->store[0].bytes, app_b, sizeof app_b), 0);
	dev->slot = 2;
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_E_TRIED_ALL, dev->trace);

	/* A device judges the payload of its slot; the other's it passes. */
	cr_assert_eq(memcmp(b.p + a, app_a, 6), 0);
	cr_assert_eq(memcmp(b.p + at_b, app_b, 6), 0);
	for (unsigned slot = 0; slot < 2; slot++) {
		dev->slot = slot;
		b.p[a] ^= 1;
		kit_eq(kit_check(dev, fw_buf_span(&b)), slot == 0 ?
		    FWD_E_PAYLOAD_DIGEST : FWD_OK, dev->trace);
		b.p[a] ^= 1;
		b.p[at_b] ^= 1;
		kit_eq(kit_check(dev, fw_buf_span(&b)), slot == 1 ?
		    FWD_E_PAYLOAD_DIGEST : FWD_OK, dev->trace);
		b.p[at_b] ^= 1;
	}
	fw_buf_deinit(&b);

	/* Both have to be there, in this order. */
	for (unsigned slot = 0; slot < 2; slot++) {
		static const char *const files[] = { "", "a", "b", "ba", "aa",
		    "bb", "abx", "aba", "xab" };

		dev->slot = slot;
		for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
			struct recipe r = slots;

			r.files = files[i];
			kit_eq(judge(&r), FWD_E_MEMBER, files[i]);
		}
	}
}

Test(verify, staged, .init = open_bench, .fini = close_bench)
{
	kit_eq(judge(&staged), FWD_OK, dev->trace);
	kit_store_on(dev);
	kit_eq(judge(&staged), FWD_OK, dev->trace);
	cr_assert_eq(memcmp(dev->store[0].bytes, app_a, sizeof app_a), 0);
	cr_assert_eq(memcmp(dev->store[1].bytes, app_a, sizeof app_a), 0);
	cr_assert(dev->ctx.component[1].copied_from);
}

/* ---- integrated payloads -------------------------------------------- */

Test(verify, integrated, .init = open_bench, .fini = close_bench)
{
	struct recipe r = integrated;
	struct fw_buf env;

	add_digest("hi", "hi", 2);
	kit_eq(judge(&r), FWD_OK, dev->trace);
	env = make_envelope(&r);
	kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_OK, dev->trace);
	kit_store_on(dev);
	kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_OK, dev->trace);
	cr_assert_eq(memcmp(dev->store[0].bytes, "hi", 2), 0);
	/* Every bit of it, by way of the bare envelope. */
	for (size_t bit = 0; bit < 8 * env.n; bit++) {
		env.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_neq(kit_run(dev, fw_buf_span(&env)), FWD_OK,
		    "bit %zu", bit);
		env.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	fw_buf_deinit(&env);

	/* No signature covers these elements, so none may be left over. */
	r.members = "{\"#app\": h'6868'}";
	kit_eq(judge(&r), FWD_E_PAYLOAD_DIGEST, "changed");
	r.members = "{\"#app\": h'686900'}";
	kit_eq(judge(&r), FWD_E_PAYLOAD_SIZE, "longer");
	r.members = "{}";
	kit_eq(judge(&r), FWD_E_PAYLOAD_MISSING, "gone");
	r.members = "{\"#apq\": h'6869'}";
	kit_eq(judge(&r), FWD_E_UNREFERENCED, "renamed");
	r.members = "{\"#ap\": h'', \"#app\": h'6869'}";
	kit_eq(judge(&r), FWD_E_UNREFERENCED, "one more");
	r.members = "{\"app\": h'', \"#app\": h'6869'}";
	kit_eq(judge(&r), FWD_E_UNREFERENCED, "one that is no fragment");
	r.members = "{\"\": h'', \"#app\": h'6869'}";
	kit_eq(judge(&r), FWD_E_UNREFERENCED, "one without a name");
	/* Not even under the name of a member of the bundle. */
	r = single;
	r.members = "{23: $text, \"app.bin\": h'6869'}";
	kit_eq(judge(&r), FWD_E_UNREFERENCED, "a member's name");
}

/* ---- severed elements ----------------------------------------------- */

Test(verify, severed, .init = open_bench, .fini = close_bench)
{
	struct recipe r = severed;

	kit_eq(judge(&r), FWD_OK, dev->trace);
	r.members = "{20: $install}";
	kit_eq(judge(&r), FWD_OK, "the text may go");
	r.members = "{23: $plain}";
	kit_eq(judge(&r), FWD_E_SEVERED, "the install sequence may not");
	r.members = "{}";
	kit_eq(judge(&r), FWD_E_SEVERED, "nor both");
	r.members = "{20: $plain, 23: $plain}";
	kit_eq(judge(&r), FWD_E_SEVERED, "another sequence");
	r.members = "{20: $install, 23: $text}";
	kit_eq(judge(&r), FWD_E_SEVERED, "another text");
	r.members = "{16: $install, 20: $install, 23: $plain}";
	kit_eq(judge(&r), FWD_E_SEVERED, "one that was not severed");
	r = bare;
	r.members = "{20: $install}";
	kit_eq(judge(&r), FWD_E_SEVERED, "one that is in the manifest");

	/* Attachments go with the text that lists them. */
	r = single;
	r.members = "{}";
	kit_eq(judge(&r), FWD_E_MEMBER, "attachments nobody vouches for");
	r.files = "a";
	kit_eq(judge(&r), FWD_OK, dev->trace);
	cr_assert_eq(dev->ctx.attachments, 0);
	/* A bare envelope cannot have attachments. */
	r = single;
	{
		struct fw_buf env = make_envelope(&r);

		kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_E_MEMBER,
		    dev->trace);
		fw_buf_deinit(&env);
	}
}

/* ---- rollback and clock --------------------------------------------- */

Test(verify, rollback, .init = open_bench, .fini = close_bench)
{
	static const struct {
		uint64_t stored;
		fwd_status want;
	} rows[] = { { 0, FWD_OK }, { 6, FWD_OK }, { 7, FWD_OK },
		{ 8, FWD_E_ROLLBACK }, { UINT32_MAX, FWD_E_ROLLBACK },
		{ (uint64_t)1 << 32, FWD_E_ROLLBACK },
		{ UINT64_MAX, FWD_E_ROLLBACK } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		dev->sequence_number = rows[i].stored;
		kit_eq(judge(&bare), rows[i].want, dev->trace);
		if (rows[i].want == FWD_OK)
			continue;
		cr_assert_eq(dev->ctx.refusal.step, FWD_STEP_SEQUENCE_NUMBER);
		cr_assert_eq(dev->ctx.refusal.got.u, 7);
		cr_assert_eq(dev->ctx.refusal.want.u, rows[i].stored);
	}
}

Test(verify, clock, .init = open_bench, .fini = close_bench)
{
	static const struct {
		uint32_t clock;
		int64_t now, min;
		fwd_status want;
	} rows[] = {
		{ FWD_CLOCK_NONE, 0, INT64_MIN, FWD_OK },
		{ FWD_CLOCK_TRUSTED, TP_NOT_BEFORE, INT64_MIN, FWD_OK },
		{ FWD_CLOCK_TRUSTED, TP_NOT_AFTER, INT64_MIN, FWD_OK },
		{ FWD_CLOCK_TRUSTED, TP_NOT_BEFORE - 1, INT64_MIN,
		    FWD_E_CERT_EARLY },
		{ FWD_CLOCK_TRUSTED, TP_NOT_AFTER + 1, INT64_MIN,
		    FWD_E_CERT_LATE },
		{ FWD_CLOCK_TRUSTED, TP_NOT_BEFORE, TP_NOT_BEFORE, FWD_OK },
		{ FWD_CLOCK_TRUSTED, TP_NOT_BEFORE, TP_NOT_BEFORE + 1,
		    FWD_E_CLOCK },
		{ FWD_CLOCK_NONE, 0, TP_NOT_AFTER, FWD_OK },
		{ FWD_CLOCK_NONE, 0, TP_NOT_AFTER + 1, FWD_E_CERT_LATE },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		dev->policy.clock = rows[i].clock;
		dev->policy.time_min = rows[i].min;
		dev->now = rows[i].now;
		kit_eq(judge(&bare), rows[i].want, dev->trace);
		if (rows[i].clock == FWD_CLOCK_NONE)
			cr_assert_null(strstr(dev->trace, "clock: 19"));
	}
	/* The fact is the time that was read, on every machine. */
	dev->policy.time_min = INT64_MIN;
	dev->policy.clock = FWD_CLOCK_TRUSTED;
	dev->now = TP_NOT_BEFORE;
	kit_eq(judge(&bare), FWD_OK, dev->trace);
	cr_assert_not_null(strstr(dev->trace,
	    "clock: 2026-01-01T00:00:00Z ok\n"), "%s", dev->trace);
	{
		struct fw_buf b = make_bundle(&bare);

		dev->fail_with = FWD_E_CLOCK;
		for (size_t i = 1; dev->fail_at < 30; i++) {
			dev->fail_at = i;
			if (kit_check(dev, fw_buf_span(&b)) == FWD_E_CLOCK &&
			    strstr(dev->trace, "\nclock: clock\n") != NULL)
				break;
		}
		cr_assert_lt(dev->fail_at, 30, "the clock was not asked");
		fw_buf_deinit(&b);
	}
}

/* ---- policies and contexts that make no sense ----------------------- */

Test(verify, bad_policies, .init = open_bench, .fini = close_bench)
{
	static struct fwd_anchor many[FWD_ANCHORS_MAX + 1];
	struct fw_buf b = make_bundle(&bare);
	const struct fwd_policy good = dev->policy;
	const struct fwd_span bundle = fw_buf_span(&b);

	for (size_t i = 0; i <= FWD_ANCHORS_MAX; i++)
		many[i] = pki->anchor;
	dev->policy.threshold = 0;
	kit_eq(kit_check(dev, bundle), FWD_E_POLICY, "threshold 0");
	dev->policy = good;
	dev->policy.anchors = 0;
	kit_eq(kit_check(dev, bundle), FWD_E_POLICY, "no anchors");
	dev->policy = good;
	dev->policy.anchor = NULL;
	kit_eq(kit_check(dev, bundle), FWD_E_POLICY, "no anchors");
	dev->policy.anchor = many;
	dev->policy.anchors = FWD_ANCHORS_MAX + 1;
	kit_eq(kit_check(dev, bundle), FWD_E_POLICY, "too many anchors");
	dev->policy.anchors = FWD_ANCHORS_MAX;
	kit_eq(kit_check(dev, bundle), FWD_OK, dev->trace);
	dev->policy = good;
	dev->policy.threshold = UINT32_MAX;
	kit_eq(kit_check(dev, bundle), FWD_E_POLICY, "no such threshold");
	dev->policy.threshold = FWD_AUTH_MAX + 1;
	kit_eq(kit_check(dev, bundle), FWD_E_POLICY, "out of reach");
	dev->policy.threshold = FWD_AUTH_MAX;
	kit_eq(kit_check(dev, bundle), FWD_E_THRESHOLD, "threshold");
	dev->policy = good;
	for (uint32_t bit = 0; bit < 32; bit++) {
		dev->policy.clock = FWD_CLOCK_NONE ^ 1u << bit;
		kit_eq(kit_check(dev, bundle), FWD_E_POLICY, "clock");
		dev->policy.clock = FWD_CLOCK_TRUSTED ^ 1u << bit;
		kit_eq(kit_check(dev, bundle), FWD_E_POLICY, "clock");
	}
	dev->policy.clock = 0;
	kit_eq(kit_check(dev, bundle), FWD_E_POLICY, "clock");
	cr_assert_eq(dev->at, 0, "the bundle was read");
	fw_buf_deinit(&b);
}

Test(verify, bad_contexts, .init = open_bench, .fini = close_bench)
{
	static const size_t sizes[] = { 0, 1, 511, 513, 1000, 1023 };
	struct fw_buf b = make_bundle(&bare), env = make_envelope(&bare);
	const struct fwd_span bundle = fw_buf_span(&b);

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		dev->ctx.transfer_n = sizes[i];
		kit_eq(kit_check(dev, bundle), FWD_E_API, "transfer buffer");
		kit_eq(kit_run(dev, fw_buf_span(&env)), FWD_E_API,
		    "transfer buffer");
	}
	dev->ctx.transfer_n = FWD_BLOCK;
	dev->ctx.transfer = NULL;
	kit_eq(kit_check(dev, bundle), FWD_E_API, "transfer buffer");
	dev->ctx.transfer = dev->transfer;
	/* storage: all or nothing */
	for (unsigned set = 0; set < 16; set++) {
		kit_store_on(dev);
		if ((set & 1) == 0)
			dev->port.store_begin = NULL;
		if ((set & 2) == 0)
			dev->port.store_write = NULL;
		if ((set & 4) == 0)
			dev->port.store_end = NULL;
		if ((set & 8) == 0)
			dev->port.store_read = NULL;
		kit_eq(kit_check(dev, bundle), set == 0 || set == 15 ? FWD_OK :
		    FWD_E_API, "storage");
	}
	/* room for the envelope */
	dev->ctx.envelope_max = env.n;
	kit_eq(kit_check(dev, bundle), FWD_OK, dev->trace);
	dev->ctx.envelope_max = env.n - 1;
	kit_eq(kit_check(dev, bundle), FWD_E_ENVELOPE_SIZE, dev->trace);
	cr_assert_eq(dev->ctx.refusal.got.u, env.n);
	cr_assert_eq(dev->ctx.refusal.want.u, env.n - 1);
	dev->ctx.envelope_max = 0;
	kit_eq(kit_check(dev, bundle), FWD_E_ENVELOPE_SIZE, dev->trace);
	fw_buf_deinit(&b);
	fw_buf_deinit(&env);
}

/* ---- ports that fail ------------------------------------------------ */

Test(verify, failing_ports, .init = open_bench, .fini = close_bench)
{
	static const fwd_status ways[] = { FWD_E_STORE, FWD_E_IO,
	    FWD_E_CRYPTO, FWD_UNJUDGED, FWD_E_ANCHOR, FWD_E_SIG, FWD_E_IMAGE,
	    0, ~(uint32_t)FWD_OK };
	const struct fwd_anchor anchor[] = { pki->anchor, other->bare_anchor };
	struct recipe r = single;
	struct fw_buf b;
	size_t port, crypto, n = 0;

	r.blocks = 2;
	r.block[0] = (struct kit_block){ .pki = pki };
	r.block[1] = (struct kit_block){ .pki = other, .bare = true };
	b = make_bundle(&r);
	dev->policy.anchor = anchor;
	dev->policy.anchors = 2;
	dev->policy.threshold = 2;
	dev->policy.clock = FWD_CLOCK_TRUSTED;
	kit_store_on(dev);
	dev->port.invoke = kit_invoke;
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_OK, dev->trace);
	port = dev->calls;
	crypto = dev->kit.calls;
	for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
		dev->fail_with = dev->kit.fail_with = ways[w];
		for (size_t i = 1; i <= port; i++, n++) {
			dev->fail_at = i;
			cr_assert_neq(kit_check(dev, fw_buf_span(&b)), FWD_OK,
			    "port call %zu, %08x", i, ways[w]);
		}
		dev->fail_at = 0;
		for (size_t i = 1; i <= crypto; i++, n++) {
			dev->kit.fail_at = i;
			cr_assert_neq(kit_check(dev, fw_buf_span(&b)), FWD_OK,
			    "crypto call %zu, %08x\n%s", i, ways[w],
			    dev->trace);
		}
		dev->kit.fail_at = 0;
	}
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_OK, dev->trace);
	(void)printf("verify: %zu failing calls\n", n);
	fw_buf_deinit(&b);
}

/* ---- what a caller is told ------------------------------------------ */

/* The refusal outlives the buffers its facts were in. */
Test(verify, refusals, .init = open_bench, .fini = close_bench)
{
	struct fw_buf b = make_bundle(&single);
	const struct fwd_event *const ev = &dev->ctx.refusal;
	uint8_t digest[32];

	kit_store_on(dev);
	dev->spoil = 3;
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_E_IMAGE, dev->trace);
	cr_assert_eq(ev->step, FWD_STEP_COMMAND);
	cr_assert_eq(ev->code, FWD_COND_IMAGE);
	cr_assert_eq(ev->index, 0);
	cr_assert_eq(ev->got.s.p, dev->ctx.fact);
	kit_sha256((struct fwd_span){ dev->store[0].bytes, sizeof app_a },
	    digest);
	cr_assert_eq(memcmp(ev->got.s.p, digest, 32), 0);
	kit_sha256((struct fwd_span){ app_a, sizeof app_a }, digest);
	cr_assert_eq(memcmp(ev->want.s.p, digest, 32), 0);
	fw_buf_deinit(&b);

	/* What did not fit on the way to an acceptance is forgotten. */
	dev->spoil = 0;
	dev->slot = 1;
	kit_eq(judge(&slots), FWD_OK, dev->trace);
	cr_assert_eq(ev->status, FWD_OK);
	/* Without anyone to tell, the verdicts are the same. */
	dev->port.trace.fn = NULL;
	kit_eq(judge(&slots), FWD_OK, "silent");
	dev->slot = 3;
	kit_eq(judge(&slots), FWD_E_TRIED_ALL, "silent");
}
