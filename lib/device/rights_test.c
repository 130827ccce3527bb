/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may sign for which component: manifests that write, copy and invoke, in
 * all ways in which a sequence can come to a component.
 */
#include "device/testbundle.h"

/* ---- manifests of two components ---------------------------------------- */

#define BOTH "12, true, " ID ", 20, {3: $hi, 14: 2}"
#define WRITE "18, 2, 3, 15"		/* and match it */
#define FETCH "20, {21: \"#hi\"}, 21, 2, 3, 15"
#define HI "20, {18: h'6869'}, "
#define YES "20, {5: 0}, 5, 5"
#define NO "20, {5: 1}, 5, 5"

enum { NONE = 0, FIRST = 1, SECOND = 2 };	/* what is written, invoked */

static const struct {
	const char *what, *install, *load, *invoke;
	unsigned needs;			/* rights for these */
} rows[] = {
	{ "writes one", "12, 0, " HI WRITE, NULL, NULL, FIRST },
	{ "writes the other", "12, 1, " HI WRITE, NULL, NULL, SECOND },
	{ "fetches", "12, 1, " FETCH, NULL, NULL, SECOND },
	{ "writes both, true", "12, true, " HI WRITE, NULL, NULL,
	    FIRST | SECOND },
	{ "writes both, array", "12, [0, 1], " HI WRITE, NULL, NULL,
	    FIRST | SECOND },
	{ "writes one, array", "12, [1], " HI WRITE, NULL, NULL, SECOND },
	{ "one after the other", "12, 1, " HI WRITE ", 12, 0, " HI WRITE,
	    NULL, NULL, FIRST | SECOND },
	{ "only looks", "12, 0, " HI WRITE ", 12, 1, 14, 0", NULL, NULL,
	    FIRST },
	{ "in run-sequence", "12, 1, 32, <<[" HI WRITE "]>>", NULL, NULL,
	    SECOND },
	{ "index in run-sequence", "12, 1, 32, <<[12, 0, " HI WRITE "]>>",
	    NULL, NULL, FIRST },
	{ "index restored", "12, 0, 32, <<[12, 1, 20, {5: 0}]>>, " HI WRITE,
	    NULL, NULL, FIRST },
	{ "index restored, both", "12, true, 32, <<[12, 1, 20, {5: 0}]>>, "
	    HI WRITE, NULL, NULL, FIRST | SECOND },
	{ "in try-each", "12, 1, 15, [<<[" YES ", " HI WRITE "]>>, <<[" NO
	    "]>>]", NULL, NULL, SECOND },
	{ "deep", "12, 0, 32, <<[12, 1, 15, [<<[" NO "]>>, <<[32, <<[" HI
	    WRITE "]>>]>>]]>>", NULL, NULL, SECOND },
	/* A branch that is not taken counts: it could be on another device. */
	{ "a branch not taken", "12, 0, " HI WRITE ", 15, [<<[" YES
	    "]>>, <<[12, 1, " HI WRITE "]>>]", NULL, NULL, FIRST | SECOND },
	{ "copies", "12, 0, " HI WRITE ", 12, 1, 20, {22: 0}, 22, 2, 3, 15",
	    NULL, NULL, FIRST | SECOND },
	{ "copies what was there", "12, 1, " HI WRITE ", 20, {22: 0}, 22, 2",
	    NULL, NULL, FIRST | SECOND },
	{ "writes when it boots", "12, 0, " HI WRITE, "12, 1, " HI WRITE,
	    NULL, FIRST | SECOND },
	{ "invokes", "12, 0, " HI WRITE, NULL, "12, 0, 23, 2", FIRST },
	{ "invokes the other", "12, 0, " HI WRITE, NULL, "12, 1, 23, 2",
	    FIRST | SECOND },
};
enum { NROWS = sizeof rows / sizeof rows[0] };

static struct fw_buf
row_envelope(size_t i, const struct kit_block *block)
{
	static char text[4096];
	struct fw_buf manifest, members, env;
	int n;

	n = snprintf(text, sizeof text, "{1: 1, 2: 7, 3: <<{2: [[h'00'], "
	    "[h'01']], 4: <<[" BOTH "]>>}>>, 7: <<[12, true, 3, 15]>>");
	if (rows[i].load != NULL)
		n += snprintf(text + n, sizeof text - (size_t)n,
		    ", 8: <<[%s]>>", rows[i].load);
	if (rows[i].invoke != NULL)
		n += snprintf(text + n, sizeof text - (size_t)n,
		    ", 9: <<[%s]>>", rows[i].invoke);
	n += snprintf(text + n, sizeof text - (size_t)n, ", 20: <<[%s]>>}",
	    rows[i].install);
	cr_assert_lt((size_t)n, sizeof text);
	manifest = kit_cbor(text, names, names_n);
	members = kit_cbor(strstr(text, "#hi") != NULL ?
	    "{\"#hi\": h'6869'}" : "{}", NULL, 0);
	env = kit_envelope(fw_buf_span(&manifest), block, 1,
	    (struct fwd_span){ members.p + 1, members.n - 1 },
	    members.p[0] & 31u);
	fw_buf_deinit(&manifest);
	fw_buf_deinit(&members);
	return env;
}

static const uint8_t ids[2][3] = { { 0x81, 0x41, 0 }, { 0x81, 0x41, 1 } };

/* For each way to write: rights of either anchor for either component. */
Test(rights, ways, .init = open_bench, .fini = close_bench)
{
	const struct fwd_anchor anchor[] = { pki->anchor, other->anchor };
	struct fwd_right right[2];
	size_t refused = 0, n = 0;

	add_digest("hi", "hi", 2);
	kit_store_on(dev);
	dev->port.invoke = kit_invoke;
	dev->policy.anchor = anchor;
	dev->policy.anchors = 2;
	dev->policy.right = right;
	for (size_t i = 0; i < NROWS; i++)
	for (unsigned by = 1; by <= 2; by++)
	/* for each component: no right, or anchors 1, 2, both */
	for (unsigned code = 0; code < 16; code++) {
		const struct kit_block block = { .pki = by == 1 ? pki :
		    other };
		struct fw_buf env = row_envelope(i, &block);
		bool permitted = true;
		fwd_status s;

		dev->policy.rights = 0;
		for (unsigned c = 0; c < 2; c++) {
			const uint32_t set = code >> 2 * c & 3u;

			if (set == 0)
				continue;
			right[dev->policy.rights++] = (struct fwd_right){
			    { ids[c], sizeof ids[c] }, set };
			if ((rows[i].needs >> c & 1u) != 0 &&
			    (set & by) == 0)
				permitted = false;
		}
		s = kit_run(dev, fw_buf_span(&env));
		cr_assert_eq(s == FWD_E_RIGHT, !permitted,
		    "%s, rights %x, signed by %u: %s\n%s", rows[i].what, code,
		    by, fwd_status_code(s), dev->trace);
		n++;
		if (!permitted) {
			/* before anything happens */
			cr_assert_eq(dev->begun, 0, "%s", dev->trace);
			cr_assert_eq(dev->invoked, 0);
			cr_assert_eq(dev->ctx.refusal.step, FWD_STEP_RIGHT);
			cr_assert_leq(dev->ctx.refusal.index, 1);
			refused++;
		} else {
			cr_assert_neq(dev->begun, 0, "%s: %s\n%s",
			    rows[i].what, fwd_status_code(s), dev->trace);
		}
		fw_buf_deinit(&env);
	}
	cr_assert(refused > 0 && refused < n);
	(void)printf("rights: %zu manifests, %zu refused\n", n, refused);
}

/* One of several signers is enough; one that is not known is none. */
Test(rights, signers, .init = open_bench, .fini = close_bench)
{
	static const struct {
		const char *blocks;
		size_t anchors;
		uint32_t set;
		fwd_status want;
	} signers[] = {
		{ "p", 2, 1, FWD_OK }, { "p", 2, 2, FWD_E_RIGHT },
		{ "p", 2, 3, FWD_OK }, { "o", 2, 1, FWD_E_RIGHT },
		{ "po", 2, 1, FWD_OK }, { "op", 2, 1, FWD_OK },
		{ "po", 2, 2, FWD_OK }, { "op", 2, 2, FWD_OK },
		{ "pp", 2, 2, FWD_E_RIGHT },
		{ "po", 1, 1, FWD_OK },
	};
	const struct fwd_anchor anchor[] = { pki->anchor, other->anchor };
	struct fwd_right right = { { ids[0], sizeof ids[0] }, 0 };
	struct recipe r = bare;

	dev->policy.anchor = anchor;
	dev->policy.right = &right;
	dev->policy.rights = 1;
	for (size_t i = 0; i < sizeof signers / sizeof signers[0]; i++) {
		dev->policy.anchors = signers[i].anchors;
		right.anchors = signers[i].set;
		r.blocks = 0;
		for (const char *c = signers[i].blocks; *c != '\0'; c++)
			r.block[r.blocks++] = (struct kit_block){
			    .pki = *c == 'p' ? pki : other };
		kit_eq(judge(&r), signers[i].want, dev->trace);
	}
	/* Another component's right is nothing to this one. */
	right.component.p = ids[1];
	right.anchors = 2;
	dev->policy.anchors = 2;
	kit_eq(judge(&bare), FWD_OK, dev->trace);
	cr_assert_null(strstr(dev->trace, "signer-right"));
	/* A longer or shorter identifier is another component. */
	right.component = (struct fwd_span){ ids[0], 2 };
	kit_eq(judge(&bare), FWD_OK, dev->trace);
	right.component = (struct fwd_span){ ids[0], 3 };
	kit_eq(judge(&bare), FWD_E_RIGHT, dev->trace);
	cr_assert_not_null(strstr(dev->trace,
	    "signer-right[0]: 0 (want 1) component-not-permitted\n"), "%s",
	    dev->trace);
	right.anchors = 1;
	kit_eq(judge(&bare), FWD_OK, dev->trace);
	cr_assert_not_null(strstr(dev->trace,
	    "signer-right[0]: 1 (want 1) ok\n"), "%s", dev->trace);
}
