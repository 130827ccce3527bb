/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command interpreter, by tables: manifests in diagnostic notation, run
 * against a device with storage in memory and one without.
 */
#include "device/internal.h"
#include "device/testkit.h"

/* ---- the bench ---------------------------------------------------------- */

static struct kit_pki *pki;
static struct kit_dev *dev;

/* Payloads, and their digests as they stand in a parameter. */
static const uint8_t data_a[] = "payload a", data_b[700] = "payload b";
enum { A_N = sizeof data_a, B_N = sizeof data_b };

static struct fw_buf names_cbor[8];
static struct kit_name names[8];
static size_t names_n;

static void
add_name(const char *name, struct fw_buf cbor)
{
	names_cbor[names_n] = cbor;
	names[names_n].name = name;
	names[names_n].cbor = fw_buf_span(&cbor);
	names_n++;
}

static void
add_digest(const char *name, int32_t alg, const void *p, size_t n)
{
	struct fw_cbor inner = { 0 }, c = { 0 };
	uint8_t digest[FWD_DIGEST_MAX];
	struct fw_error err;
	struct fw_buf out = { 0 };

	cr_assert_eq(fw_digest(alg, (struct fwd_span){ p, n }, digest, &err),
	    FW_OK);
	fw_cbor_digest(&inner, alg, digest);
	fw_cbor_wrap(&c, &inner);
	cr_assert_eq(fw_cbor_done(&c, &out, &err), FW_OK);
	add_name(name, out);
}

static void
open_bench(void)
{
	pki = calloc(1, sizeof *pki);
	cr_assert_not_null(pki);
	kit_pki_init(pki, "test");
	dev = kit_dev_new(&pki->bare_anchor, 1);
	dev->port.invoke = kit_invoke;
	dev->sequence_number = 5;
	dev->slot = 1;
	names_n = 0;
	add_digest("a", FWD_SHA256, data_a, A_N);
	add_digest("b", FWD_SHA256, data_b, B_N);
	add_digest("a384", FWD_SHA384, data_a, A_N);
	add_digest("a512", FWD_SHA512, data_a, A_N);
	add_digest("hi", FWD_SHA256, "hi", 2);
	add_digest("empty", FWD_SHA256, "", 0);
}

static void
close_bench(void)
{
	for (size_t i = 0; i < names_n; i++)
		fw_buf_deinit(&names_cbor[i]);
	kit_dev_free(dev);
	kit_pki_free(pki);
	free(pki);
}

/* Parts of manifests. */
#define ID "20, {1: h'" KIT_VENDOR "', 2: h'" KIT_CLASS "'}, 1, 15, 2, 15"
#define IMAGE_A "20, {3: $a, 14: 10}"
#define IMAGE_B "20, {3: $b, 14: 700}"
#define FETCH_A "20, {21: \"#a\"}, 21, 2, 3, 15"
#define OTHER "h'44444444444444444444444444444444'"

/* What a row can ask of the device besides its manifest. */
enum {
	ANY = 1,			/* FWD_ANY_PROFILE */
	NODEV = 2,			/* FWD_NO_DEVICE, and it abstains */
	STORED = 4,			/* only with storage */
	BLANK = 8,			/* only without */
	TWO = 16,			/* two components, 0 and 1 */
	SMALL = 32,			/* slots of 9 bytes */
	HALF = 64,			/* abstains without FWD_NO_DEVICE */
};

struct row {
	const char *what;
	unsigned flags;
	const char *shared, *install, *validate, *invoke;	/* or NULL */
	fwd_status want;
};

/* Diagnostic notation of the manifest of a row. */
static void
manifest_text(const struct row *r, const char *load, char *out, size_t n)
{
	int used = snprintf(out, n, "{1: 1, 2: 5, 3: <<{2: [[h'00']%s]%s%s%s}>>",
	    (r->flags & TWO) != 0 ? ", [h'01']" : "",
	    r->shared != NULL ? ", 4: <<[" : "",
	    r->shared != NULL ? r->shared : "",
	    r->shared != NULL ? "]>>" : "");

	if (r->validate != NULL)
		used += snprintf(out + used, n - (size_t)used,
		    ", 7: <<[%s]>>", r->validate);
	if (load != NULL)
		used += snprintf(out + used, n - (size_t)used,
		    ", 8: <<[%s]>>", load);
	if (r->invoke != NULL)
		used += snprintf(out + used, n - (size_t)used,
		    ", 9: <<[%s]>>", r->invoke);
	if (r->install != NULL)
		used += snprintf(out + used, n - (size_t)used,
		    ", 20: <<[%s]>>", r->install);
	used += snprintf(out + used, n - (size_t)used, "}");
	cr_assert_lt((size_t)used, n, "%s", r->what);
}

/* The envelope of a row, with the payloads it names integrated. */
static struct fw_buf
row_envelope(const struct row *r, const char *load)
{
	static char text[1 << 16];
	const struct kit_block block = { .pki = pki, .bare = true };
	struct fw_cbor members = { 0 };
	struct fw_buf manifest, env;
	uint64_t n = 0;

	manifest_text(r, load, text, sizeof text);
	manifest = kit_cbor(text, names, names_n);
	if (strstr(text, "\"#a\"") != NULL) {
		fw_cbor_text(&members, "#a");
		fw_cbor_bytes(&members, data_a, A_N);
		n++;
	}
	if (strstr(text, "\"#b\"") != NULL) {
		fw_cbor_text(&members, "#b");
		fw_cbor_bytes(&members, data_b, B_N);
		n++;
	}
	if (strstr(text, "\"#e\"") != NULL) {
		fw_cbor_text(&members, "#e");
		fw_cbor_bytes(&members, "", 0);
		n++;
	}
	env = kit_envelope(fw_buf_span(&manifest), &block, 1,
	    fw_buf_span(&members.out), n);
	fw_cbor_deinit(&members);
	fw_buf_deinit(&manifest);
	return env;
}

static fwd_status
run_row(const struct row *r, bool stored)
{
	struct fw_buf env = row_envelope(r, NULL);
	fwd_status s;

	dev->policy.flags = ((r->flags & ANY) != 0 ? FWD_ANY_PROFILE : 0) |
	    ((r->flags & NODEV) != 0 ? FWD_NO_DEVICE : 0);
	dev->unjudged = (r->flags & (NODEV | HALF)) != 0;
	dev->capacity = (r->flags & SMALL) != 0 ? 9 : KIT_STORE;
	if (stored)
		kit_store_on(dev);
	else
		dev->port.store_begin = NULL, dev->port.store_write = NULL,
		dev->port.store_end = NULL, dev->port.store_read = NULL;
	memset(dev->store, 0, sizeof dev->store);
	s = kit_run(dev, fw_buf_span(&env));
	fw_buf_deinit(&env);
	return s;
}

static void
run_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (int stored = 0; stored < 2; stored++) {
			fwd_status s;

			if ((rows[i].flags & (stored ? BLANK : STORED)) != 0)
				continue;
			s = run_row(&rows[i], stored);
			if (s != rows[i].want)
				cr_assert_fail("%s, %s: %s, not %s\n%s",
				    rows[i].what, stored ? "stored" :
				    "not stored", fwd_status_code(s),
				    fwd_status_code(rows[i].want),
				    dev->trace);
		}
	}
}

#define RUN_ROWS(rows) run_rows(rows, sizeof(rows) / sizeof(rows)[0])

/* ---- commands ----------------------------------------------------------- */

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

/* ---- try-each, run-sequence, soft failure -------------------------------- */

#define NO "14, 0"
#define YES "20, {5: 1}, 5, 5"
#define SOFT "20, {13: true}"
#define HARD "20, {13: false}"

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

/* ---- component index ----------------------------------------------------- */

#define ALL_ID "12, true, " ID

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

/* ---- copy ---------------------------------------------------------------- */

#define STAGED ALL_ID ", " IMAGE_A
#define FETCH_1 "12, 1, " FETCH_A
#define COPY_0 "12, 0, 20, {22: 1}, 22, 2"

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

/* ---- what no branch may have ---------------------------------------------- */

/* Each of these is refused wherever it stands, also where nobody goes. */
static const struct {
	const char *command;
	fwd_status want;
} illegal[] = {
	{ "4, 0", FWD_E_COMMAND }, { "0, 0", FWD_E_COMMAND },
	{ "7, 0", FWD_E_COMMAND }, { "13, 0", FWD_E_COMMAND },
	{ "19, {5: 1}", FWD_E_COMMAND },	/* set-parameters */
	{ "27, 0", FWD_E_COMMAND }, { "33, 0", FWD_E_COMMAND },
	{ "-1, 0", FWD_E_COMMAND }, { "-257, 0", FWD_E_COMMAND },
	{ "9223372036854775807, 0", FWD_E_COMMAND },
	{ "31, 2", FWD_E_DISABLED },		/* swap */
	/* reporting policies are four bits */
	{ "1, 16", FWD_E_COMMAND }, { "14, 16", FWD_E_COMMAND },
	{ "1, -1", FWD_E_CBOR_TYPE }, { "1, null", FWD_E_CBOR_TYPE },
	{ "1, h''", FWD_E_CBOR_TYPE },
	/* parameters */
	{ "20, {}", FWD_E_PARAMETER }, { "20, 0", FWD_E_CBOR_TYPE },
	{ "20, {0: 0}", FWD_E_PARAMETER }, { "20, {4: 0}", FWD_E_PARAMETER },
	{ "20, {26: 0}", FWD_E_PARAMETER },
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

Test(sequence, illegal_anywhere, .init = open_bench, .fini = close_bench)
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
	(void)printf("sequence: %zu illegal commands\n", n);
}

/* Commands with effects outside of where they belong. */
Test(sequence, places, .init = open_bench, .fini = close_bench)
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

/* ---- the profile ---------------------------------------------------------- */

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

Test(sequence, profile, .init = open_bench, .fini = close_bench)
{
	RUN_ROWS(profile);
}

/* ---- limits ----------------------------------------------------------------- */

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

Test(sequence, steps_are_limited, .init = open_bench, .fini = close_bench)
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

Test(sequence, payloads_are_limited, .init = open_bench,
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

/* ---- what the device got ---------------------------------------------------- */

Test(sequence, storage_holds_what_was_fetched, .init = open_bench,
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
Test(sequence, storage_that_lies, .init = open_bench, .fini = close_bench)
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

/* ---- ports that fail ---------------------------------------------------------- */

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
	(void)printf("sequence: %zu failing calls\n", n);
}

Test(sequence, failing_ports_with_storage, .init = open_bench,
    .fini = close_bench)
{
	fail_each(true);
}

Test(sequence, failing_ports_without_storage, .init = open_bench,
    .fini = close_bench)
{
	fail_each(false);
}

/* A component that the device does not have. */
Test(sequence, unknown_component, .init = open_bench, .fini = close_bench)
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

/* ---- the trace ------------------------------------------------------------------ */

Test(sequence, trace, .init = open_bench, .fini = close_bench)
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
	    "sequence-number: 5 (want 5) ok\n"
	    "component[0]: 814100 ok\n"
	    "%s"
	    "command[0] directive-override-parameters: ok\n"
	    "payload[0]: 0 (want 0) ok\n"
	    "command[0] directive-fetch: ok\n"
	    "command[0] condition-image-match: %s (want %s) ok\n"
	    "section install: ok\n"
	    "end: ok\n"
	    "%s"
	    "command[0] condition-image-match: %s (want %s) ok\n"
	    "section validate: ok\n"
	    "verdict: ok\n", shared, empty, empty, shared, empty, empty);
	cr_assert_str_eq(got, want);
}

/* A refused parameter is named. */
Test(sequence, refused_parameter, .init = open_bench, .fini = close_bench)
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
