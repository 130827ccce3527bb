/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of trust anchors. */
#include "device/testlists.h"

/* ---- lists of anchors -------------------------------------------------- */

static const enum fwd_key_type types[] = { FWD_KEY_P256, FWD_KEY_P384,
	FWD_KEY_P521, FWD_KEY_ED25519, FWD_KEY_RSA };
enum { NTYPES = sizeof types / sizeof types[0] };

enum { CERTS = FWD_ANCHORS_MAX + 1 };
static EVP_PKEY *issuer;
static struct tp_bytes root[CERTS];
static const struct tp_bytes *roots[CERTS];
static struct fwd_anchor found[FWD_ANCHORS_MAX];
static size_t founds;

/* Roots with keys of all kinds. */
static void
open_roots(void)
{
	issuer = tp_key(FWD_KEY_P256);
	for (size_t i = 0; i < CERTS; i++) {
		EVP_PKEY *const k = tp_key(types[i % NTYPES]);
		struct tp_cert c;
		char name[16];

		(void)snprintf(name, sizeof name, "root %zu", i);
		c = tp_template(name, name, k, issuer, true);
		root[i] = tp_issue(&c);
		roots[i] = &root[i];
		EVP_PKEY_free(k);
	}
}

static void
close_roots(void)
{
	EVP_PKEY_free(issuer);
}

static fwd_status
read_anchors_of(struct fwd_span list)
{
	fwd_status s;

	memset(found, 0xff, sizeof found);
	founds = SIZE_MAX;
	s = fwd_anchors_read(list, found, &founds);
	if (s != FWD_OK)
		cr_assert_eq(founds, 0);
	return s;
}

/* The same on a copy. */
static fwd_status
read_copy(struct fwd_span list)
{
	const struct fwd_span copy = kit_dup(list.p, list.n);
	const fwd_status s = read_anchors_of(copy);

	kit_free(copy);
	return s;
}

static void
expect_anchors(struct fw_buf list, fwd_status want, const char *what)
{
	kit_eq(read_copy(fw_buf_span(&list)), want, what);
	fw_buf_deinit(&list);
}

Test(anchors, good, .init = open_roots, .fini = close_roots)
{
	struct fwd_anchor one;

	expect_anchors(list_anchors(roots, 0), FWD_E_ANCHOR_LIST, "none");
	for (size_t n = 1; n <= FWD_ANCHORS_MAX; n++) {
		struct fw_buf list = list_anchors(roots, n);

		kit_eq(read_anchors_of(fw_buf_span(&list)), FWD_OK, "");
		cr_assert_eq(founds, n);
		for (size_t i = 0; i < n; i++) {
			cr_assert_eq(fwd_anchor_read(tp_span(&root[i]), &one),
			    FWD_OK);
			cr_assert(fwd_span_equal(one.name, found[i].name));
			cr_assert(fwd_span_equal(one.spki, found[i].spki));
		}
		fw_buf_deinit(&list);
	}
	expect_anchors(list_anchors(roots, CERTS), FWD_E_ANCHOR_LIST,
	    "too many");
}

Test(anchors, cut, .init = open_roots, .fini = close_roots)
{
	struct fw_buf list = list_anchors(roots, FWD_ANCHORS_MAX);
	struct fw_buf inner;

	for (size_t n = 0; n < list.n; n++)
		kit_eq(read_copy((struct fwd_span){ list.p, n }),
		    FWD_E_ANCHOR_LIST, "cut");
	/* the same with lengths that say so: whole certificates only */
	for (size_t n = 0, whole = 0, at = 0; n < list.n - 4; n++) {
		inner = (struct fw_buf){ 0 };
		list_sequence(&inner, n);
		kit_add(&inner, list.p + 4, n);
		if (n == at + root[whole].n)
			at += root[whole++].n;
		kit_eq(read_copy(fw_buf_span(&inner)), n == at && n != 0 ?
		    FWD_OK : FWD_E_ANCHOR_LIST, "shortened");
		fw_buf_deinit(&inner);
	}
	fw_buf_deinit(&list);
}

/* Whatever bit is spoilt: refused, or the same anchors in the same places. */
Test(anchors, spoilt, .init = open_roots, .fini = close_roots)
{
	struct fw_buf list = list_anchors(roots, NTYPES);
	struct fwd_anchor good[NTYPES];
	size_t refused = 0;

	kit_eq(read_anchors_of(fw_buf_span(&list)), FWD_OK, "");
	memcpy(good, found, sizeof good);
	for (size_t bit = 0; bit < 8 * list.n; bit++) {
		list.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (read_anchors_of(fw_buf_span(&list)) == FWD_OK) {
			cr_assert_eq(founds, NTYPES);
			cr_assert_eq(memcmp(good, found, sizeof good), 0,
			    "bit %zu", bit);
		} else {
			refused++;
			kit_eq(read_copy(fw_buf_span(&list)),
			    FWD_E_ANCHOR_LIST, "");
		}
		/* the head of the list is always looked at */
		if (bit < (size_t)8 * 4)
			cr_assert_eq(founds, 0);
		list.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	printf("anchors: a list of %zu anchors, %zu bits: %zu refused\n",
	    (size_t)NTYPES, 8 * list.n, refused);
	(void)fflush(stdout);
	cr_assert_gt(refused, 8 * (size_t)NTYPES);
	fw_buf_deinit(&list);
}

Test(anchors, other_forms, .init = open_roots, .fini = close_roots)
{
	static const char *const bad[] = {
		"", "30", "3000", "30 80 00 00", "31 00", "05 00",
		"30 02 05 00", "30 02 30 00", "30 04 30 02 05 00",
		"30 03 02 01 01", "30 81 00",
	};
	struct tp_bytes b, content;
	struct tp_cert c;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		b.n = 0;
		tp_hex(&b, bad[i]);
		kit_eq(read_copy(tp_span(&b)), FWD_E_ANCHOR_LIST, bad[i]);
	}
	/* a certificate alone is no list */
	kit_eq(read_copy(tp_span(&root[0])), FWD_E_ANCHOR_LIST, "bare");
	/* trailing data, in the list and behind it */
	b.n = content.n = 0;
	tp_add(&content, root[0].p, root[0].n);
	tp_tlv(&b, 0x30, &content);
	kit_eq(read_copy(tp_span(&b)), FWD_OK, "as it is");
	tp_hex(&b, "00");
	kit_eq(read_copy(tp_span(&b)), FWD_E_ANCHOR_LIST, "behind it");
	b.n = 0;
	tp_hex(&content, "05 00");
	tp_tlv(&b, 0x30, &content);
	kit_eq(read_copy(tp_span(&b)), FWD_E_ANCHOR_LIST, "in it");
	/* the other choices of RFC 5914 */
	b.n = content.n = 0;
	tp_tlv(&content, 0xa1, &root[0]);
	tp_tlv(&b, 0x30, &content);
	kit_eq(read_copy(tp_span(&b)), FWD_E_ANCHOR_LIST, "tbsCert");
	b.n = content.n = 0;
	tp_tlv(&content, 0xa2, &root[0]);
	tp_tlv(&b, 0x30, &content);
	kit_eq(read_copy(tp_span(&b)), FWD_E_ANCHOR_LIST, "taInfo");
	/* a key that nobody could use: a point cut short, Ed448 */
	c = tp_template("R", "R", issuer, issuer, true);
	c.spki.n = 0;
	tp_hex(&c.spki, "30 0c 30 05 06 03 2b6571 03 03 00 01 02");
	root[1] = tp_issue(&c);
	expect_anchors(list_anchors(roots, 2), FWD_E_ANCHOR_LIST, "key");
	expect_anchors(list_anchors(roots + 1, 1), FWD_E_ANCHOR_LIST, "key");
}
