/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of tables that test the interpreter: manifests in diagnostic notation,
 * run against a device with storage in memory and one without.
 */
#ifndef TESTROW_H
#define TESTROW_H

#include "device/testdevice.h"

/* ---- the bench ------------------------------------------------------ */

static struct kit_pki *pki;
static struct kit_dev *dev;

/* Payloads, and their digests as they stand in a parameter. */
static const uint8_t data_a[] = "payload a", data_b[700] = "payload b";
enum { A_N = sizeof data_a, B_N = sizeof data_b };

static struct fw_buf names_cbor[8];
static struct kit_name names[8];
static size_t names_n;

static inline void
add_name(const char *name, struct fw_buf cbor)
{
	names_cbor[names_n] = cbor;
	names[names_n].name = name;
	names[names_n].cbor = fw_buf_span(&cbor);
	names_n++;
}

static inline void
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

static inline void
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

static inline void
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
#define YES "20, {5: 1}, 5, 5"
#define NO "14, 0"
#define SOFT "20, {13: true}"
#define HARD "20, {13: false}"
#define ALL_ID "12, true, " ID
#define STAGED ALL_ID ", " IMAGE_A
#define FETCH_1 "12, 1, " FETCH_A
#define COPY_0 "12, 0, 20, {22: 1}, 22, 2"

/* What a row can ask of the device besides its manifest. */
enum {
	ANY = 1,			/* FWD_ANY_PROFILE */
	NODEV = 2,			/* FWD_NO_DEVICE, and it abstains */
	STORED = 4,			/* only with storage */
	BLANK = 8,			/* only without */
	TWO = 16,			/* two components, 0 and 1 */
	SMALL = 32,			/* slots of 9 bytes */
	HALF = 64,			/* abstains without FWD_NO_DEVICE */
	SWAP = 128,			/* FWD_ALLOW_SWAP */
	LOOSE = 256,			/* FWD_ALLOW_UNORDERED */
};

struct row {
	const char *what;
	unsigned flags;
	const char *shared, *install, *validate, *invoke;	/* or NULL */
	fwd_status want;
};

/* Diagnostic notation of the manifest of a row. */
static inline void
manifest_text(const struct row *r, const char *load, char *out, size_t n)
{
	int used = snprintf(out, n,
	    "{1: 1, 2: 5, 3: <<{2: [[h'00']%s]%s%s%s}>>",
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
static inline struct fw_buf
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

static inline fwd_status
run_row(const struct row *r, bool stored)
{
	struct fw_buf env = row_envelope(r, NULL);
	fwd_status s;

	dev->policy.flags = ((r->flags & ANY) != 0 ? FWD_ANY_PROFILE : 0) |
	    ((r->flags & NODEV) != 0 ? FWD_NO_DEVICE : 0) |
	    ((r->flags & SWAP) != 0 ? FWD_ALLOW_SWAP : 0) |
	    ((r->flags & LOOSE) != 0 ? FWD_ALLOW_UNORDERED : 0);
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

static inline void
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

#endif
