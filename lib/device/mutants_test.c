/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No bit, no length, no order of members and no header of a bundle can be
 * changed without a refusal, and with the code that fits.
 */
#include "device/testbundle.h"

/* ---- every bit, every length, every order --------------------------- */

struct region {
	const char *name;
	size_t from, n;
	fwd_status want[24];		/* one of these */
	size_t mutants;
};

enum { REGIONS = 32 };
static struct region region[REGIONS];
static size_t regions;

static struct region *
add_region(const char *name, size_t from, size_t n, fwd_status want)
{
	struct region *const r = &region[regions++];

	cr_assert_leq(regions, REGIONS);
	*r = (struct region){ .name = name, .from = from, .n = n };
	r->want[0] = want;
	return r;
}

static void
also(struct region *r, fwd_status want)
{
	size_t i = 0;

	while (r->want[i] != 0)
		i++;
	cr_assert_lt(i + 1, sizeof r->want / sizeof r->want[0]);
	r->want[i] = want;
}

/* The region with the last claim to a place. */
static struct region *
find_region(size_t at)
{
	for (size_t i = regions; i-- > 0;)
		if (at >= region[i].from && at < region[i].from + region[i].n)
			return &region[i];
	return NULL;
}

static const fwd_status frame_codes[] = { FWD_E_ENVELOPE, FWD_E_ENVELOPE_KEY,
	FWD_E_CBOR_SHORT, FWD_E_CBOR_FORM, FWD_E_CBOR_SHORTEST,
	FWD_E_CBOR_ORDER, FWD_E_CBOR_TYPE, FWD_E_CBOR_LEFT,
	FWD_E_AUTH_COUNT, FWD_E_AUTH_MISSING, FWD_E_COSE, FWD_E_COSE_HEADER,
	FWD_E_ALG, FWD_E_ALG_KEY, FWD_E_DIGEST_ALG, FWD_E_CHAIN_LEN,
	FWD_E_SEVERED, FWD_E_SIG, FWD_E_ANCHOR, FWD_E_UNREFERENCED };

/* Everything a spoilt certificate can be refused with. */
static const fwd_status cert_codes[] = { FWD_E_ANCHOR, FWD_E_CERT_DER,
	FWD_E_CERT_SIG, FWD_E_CERT_NAME, FWD_E_CERT_VERSION, FWD_E_KEY,
	FWD_E_SIG_FORM, FWD_E_ALG, FWD_E_ALG_KEY, FWD_E_CERT_EXT };

static void
map_envelope(const struct fw_buf *b, size_t from, size_t n)
{
	const struct fwd_span whole = { b->p + from, n };
	struct fwd_envelope env;
	struct fwd_member m;
	struct fwd_cose cose;
	struct region *r;
	size_t at = 0;

	r = add_region("envelope", from, n, frame_codes[0]);
	for (size_t i = 1; i < sizeof frame_codes / sizeof frame_codes[0]; i++)
		also(r, frame_codes[i]);
	cr_assert_eq(fwd_envelope_read(whole, &env), FWD_OK);
	cr_assert_eq(fwd_cose_read(env.block[0], &cose), FWD_OK);
	(void)add_region("manifest digest", (size_t)(env.digest.bytes.p -
	    b->p), env.digest.bytes.n, FWD_E_SIG);
	for (size_t i = 0; i < cose.certs; i++) {
		r = add_region(i == 0 ? "leaf" : "intermediate",
		    (size_t)(cose.cert[i].p - b->p), cose.cert[i].n,
		    cert_codes[0]);
		for (size_t k = 1; k < sizeof cert_codes /
		    sizeof cert_codes[0]; k++)
			also(r, cert_codes[k]);
	}
	r = add_region("signature", (size_t)(cose.sig.p - b->p), cose.sig.n,
	    FWD_E_SIG);
	also(r, FWD_E_SIG_FORM);
	(void)add_region("manifest", (size_t)(env.manifest.p - b->p),
	    env.manifest.n, FWD_E_MANIFEST_DIGEST);
	while (fwd_envelope_next(&env, &at, &m))
		(void)add_region("severed text", (size_t)(m.content.p - b->p),
		    m.content.n, FWD_E_SEVERED);
}

/* Describe every byte of a bundle. */
static void
map_bundle(const struct fw_buf *b)
{
	static const char *const name[] = { "envelope", "payload",
	    "attachment", "attachment" };
	static const fwd_status data[] = { 0, FWD_E_PAYLOAD_DIGEST,
	    FWD_E_ATTACHMENT_DIGEST, FWD_E_ATTACHMENT_DIGEST };
	size_t at = 0, k = 0, n;

	regions = 0;
	for (; b->p[at] != '\0'; k++) {
		n = (size_t)strtoull((const char *)b->p + at + 124, NULL, 8);
		(void)add_region("header", at, FWD_BLOCK, FWD_E_HEADER);
		at += FWD_BLOCK;
		if (k == 0)
			map_envelope(b, at, n);
		else
			(void)add_region(name[k], at, n, data[k]);
		(void)add_region("padding", at + n,
		    (size_t)fw_bundle_padded(n) - n, FWD_E_HEADER);
		at += (size_t)fw_bundle_padded(n);
	}
	(void)add_region("end", at, b->n - at, FWD_E_HEADER);
	cr_assert_eq(at + 2 * FWD_BLOCK, b->n);
}

static void
check_region(struct region *r, fwd_status s, size_t bit)
{
	r->mutants++;
	for (size_t i = 0; r->want[i] != 0; i++)
		if (r->want[i] == s)
			return;
	cr_assert_fail("bit %zu of '%s' (bit %zu): %s\n%s",
	    bit - 8 * r->from, r->name, bit, fwd_status_code(s), dev->trace);
}

Test(mutants, every_bit_flipped, .init = open_bench, .fini = close_bench)
{
	struct fw_buf b = make_bundle(&single);
	size_t total = 0;

	map_bundle(&b);
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_OK, dev->trace);
	for (size_t bit = 0; bit < 8 * b.n; bit++) {
		struct region *const r = find_region(bit / 8);
		fwd_status s;

		cr_assert_not_null(r);
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		s = kit_check(dev, fw_buf_span(&b));
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		check_region(r, s, bit);
	}
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_OK, dev->trace);
	for (size_t i = 0; i < regions; i++) {
		(void)printf("mutants: %5zu x %s\n", region[i].mutants,
		    region[i].name);
		total += region[i].mutants;
	}
	cr_assert_eq(total, 8 * b.n);
	(void)printf("mutants: %zu bundles with one bit flipped\n", total);
	fw_buf_deinit(&b);
}

/* With storage, nothing of a bundle that is refused is ever started. */
Test(mutants, every_length, .init = open_bench, .fini = close_bench)
{
	static const size_t sizes[] = { 512, 1024, 1 << 20 };
	struct fw_buf b = make_bundle(&single);

	kit_store_on(dev);
	dev->port.invoke = kit_invoke;
	for (size_t n = 0; n < b.n; n++) {
		dev->ctx.transfer_n = sizes[n % 3];
		kit_eq(kit_check(dev, (struct fwd_span){ b.p, n }),
		    FWD_E_TRUNCATED, dev->trace);
		cr_assert_eq(dev->invoked, 0);
	}
	for (size_t n = 1; n < 2 * FWD_BLOCK; n += 37) {
		uint8_t zeros[2 * FWD_BLOCK] = { 0 };
		const size_t whole = b.n;

		kit_add(&b, zeros, n);
		kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_E_TRAILING,
		    dev->trace);
		b.n = whole;
	}
	(void)printf("mutants: %zu truncated bundles\n", b.n);
	fw_buf_deinit(&b);
}

/* All rows of up to five members out of five: only one is the bundle. */
Test(mutants, every_order_of_members, .init = open_bench,
    .fini = close_bench)
{
	static const char files[] = "masnx";	/* m: the envelope */
	struct fw_buf env = make_envelope(&single), b = { 0 };
	size_t accepted = 0, refused = 0;

	for (unsigned n = 0, rows = 1; n <= 5; n++, rows *= 5)
	for (unsigned row = 0; row < rows; row++) {
		char text[8] = "";
		fwd_status s;

		b.n = 0;
		for (unsigned i = 0, v = row; i < n; i++, v /= 5) {
			text[i] = files[v % 5];
			if (text[i] == 'm')
				kit_member(&b, "manifest.suit", env.p, env.n);
			else
				add_file(&b, text[i]);
		}
		kit_end(&b);
		s = kit_check(dev, fw_buf_span(&b));
		if (s == FWD_OK) {
			accepted++;
			cr_assert_str_eq(text, "masn");
			continue;
		}
		refused++;
		if (strcmp(text, "ma") == 0 || strcmp(text, "mas") == 0)
			kit_eq(s, FWD_E_ATTACHMENT_MISSING, text);
		else
			kit_eq(s, FWD_E_MEMBER, text);
	}
	cr_assert_eq(accepted, 1);
	cr_assert_eq(refused, 1 + 5 + 25 + 125 + 625 + 3125 - 1);
	(void)printf("mutants: %zu wrong rows of members\n", refused);
	fw_buf_deinit(&env);
	fw_buf_deinit(&b);
}

/* Members renamed: with every other name of one changed character. */
Test(mutants, renamed_members, .init = open_bench, .fini = close_bench)
{
	struct fw_buf b = make_bundle(&single);
	size_t at = 0, n, mutants = 0;

	while (b.p[at] != '\0') {
		uint8_t *const h = b.p + at;
		uint8_t good[FWD_BLOCK];

		n = (size_t)strtoull((const char *)h + 124, NULL, 8);
		memcpy(good, h, sizeof good);
		for (size_t i = 0; i <= strlen((const char *)good); i++) {
			for (unsigned v = 0; v < 256; v++) {
				fwd_status s;

				if (v == good[i])
					continue;
				memcpy(h, good, sizeof good);
				h[i] = (uint8_t)v;
				kit_checksum(h);
				s = kit_check(dev, fw_buf_span(&b));
				cr_assert(s == FWD_E_MEMBER ||
				    s == FWD_E_NAME || s == FWD_E_HEADER,
				    "%s", fwd_status_code(s));
				mutants++;
			}
		}
		memcpy(h, good, sizeof good);
		at += FWD_BLOCK + (size_t)fw_bundle_padded(n);
	}
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_OK, dev->trace);
	(void)printf("mutants: %zu renamed members\n", mutants);
	fw_buf_deinit(&b);
}

/* Sizes of members changed, with a checksum that holds. */
Test(mutants, resized_members, .init = open_bench, .fini = close_bench)
{
	struct fw_buf b = make_bundle(&single);
	size_t at = 0, n;

	while (b.p[at] != '\0') {
		uint8_t *const h = b.p + at;
		uint8_t good[FWD_BLOCK];
		char text[32];

		n = (size_t)strtoull((const char *)h + 124, NULL, 8);
		memcpy(good, h, sizeof good);
		for (size_t size = 0; size < n + 2 * FWD_BLOCK; size++) {
			if (size == n)
				continue;
			(void)snprintf(text, sizeof text, "%011zo", size);
			memcpy(h + 124, text, 11);
			kit_checksum(h);
			cr_assert_neq(kit_check(dev, fw_buf_span(&b)), FWD_OK,
			    "%zu instead of %zu", size, n);
		}
		memcpy(h, good, sizeof good);
		at += FWD_BLOCK + (size_t)fw_bundle_padded(n);
	}
	fw_buf_deinit(&b);
}

/* Links, folders, pax headers and the like, in front of any member. */
Test(mutants, inserted_members, .init = open_bench, .fini = close_bench)
{
	static const char types[] = "1234567xgLKSVDMN";
	struct fw_buf b = make_bundle(&single), m = { 0 };
	size_t at[8], k = 0, pos = 0, mutants = 0;

	while (b.p[pos] != '\0') {
		at[k++] = pos;
		pos += FWD_BLOCK + (size_t)fw_bundle_padded(strtoull(
		    (const char *)b.p + pos + 124, NULL, 8));
	}
	at[k++] = pos;			/* before the end */
	at[k++] = pos + FWD_BLOCK;	/* in the middle of it */
	for (size_t i = 0; i < k; i++) {
		for (size_t t = 0; t < sizeof types; t++) {
			uint8_t h[FWD_BLOCK];
			struct fw_error err;

			cr_assert_eq(fw_bundle_header("link", 0, 0, h, &err),
			    FW_OK);
			h[156] = (uint8_t)types[t];	/* and NUL */
			memcpy(h + 157, "/etc/passwd", t < 2 ? 11 : 0);
			kit_checksum(h);
			m.n = 0;
			kit_add(&m, b.p, at[i]);
			kit_add(&m, h, sizeof h);
			kit_add(&m, b.p + at[i], b.n - at[i]);
			kit_eq(kit_check(dev, fw_buf_span(&m)), FWD_E_HEADER,
			    dev->trace);
			mutants++;
		}
	}
	(void)printf("mutants: %zu inserted members\n", mutants);
	fw_buf_deinit(&b);
	fw_buf_deinit(&m);
}
