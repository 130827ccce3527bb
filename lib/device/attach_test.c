/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments: the one form of the list, every prefix of it and every byte
 * changed; and the members behind the payloads.
 */
#include "device/internal.h"
#include "device/testdevice.h"

static struct kit_dev *dev;
static struct fwd_anchor no_anchor;

static void
open_device(void)
{
	dev = kit_dev_new(&no_anchor, 1);
	memset(&dev->ctx.bundle, 0, sizeof dev->ctx.bundle);
	dev->ctx.payload.n = 0;
	dev->ctx.refusal.status = FWD_OK;
}

static void
close_device(void)
{
	kit_dev_free(dev);
}

#define H256 "000102030405060708090a0b0c0d0e0f" \
	"101112131415161718191a1b1c1d1e1f"
#define H384 H256 "202122232425262728292a2b2c2d2e2f"
#define H512 H384 "303132333435363738393a3b3c3d3e3f"
#define ENTRY(name) "{\"digest\":\"sha-256:" H256 "\",\"name\":\"" name \
	"\",\"size\":3,\"type\":\"text/plain\"}"

/* Read a list, as the text of a language. */
static fwd_status
read_list(const char *list, size_t n)
{
	struct fw_cbor c = { 0 };
	struct fwd_span copy;
	fwd_status s;

	fw_cbor_map(&c, 1);
	fw_cbor_text(&c, "en");
	fw_cbor_map(&c, 1);
	fw_cbor_int(&c, FWD_TEXT_ATTACHMENTS);
	fw_cbor_head(&c, 3, n);
	fw_cbor_raw(&c, list, n);
	copy = kit_dup(c.out.p, c.out.n);
	fw_cbor_deinit(&c);
	dev->ctx.man.text.content = copy;
	s = fwd_attachments_read(&dev->ctx);
	kit_free(copy);
	return s;
}

static const struct {
	const char *list;
	size_t n;			/* entries; 0: refused */
} lists[] = {
	{ "[" ENTRY("a") "]", 1 },
	{ "[" ENTRY("sbom.json") "," ENTRY("doc/notes.txt") "]", 2 },
	{ "[{\"digest\":\"sha-384:" H384 "\",\"name\":\"a\",\"size\":0,"
	    "\"type\":\"t\"}]", 1 },
	{ "[{\"digest\":\"sha-512:" H512 "\",\"name\":\"a\","
	    "\"size\":9223372036854775799,\"type\":\"t\"}]", 1 },
	{ "[" ENTRY("a") "," ENTRY("a") "]", 0 },
	{ "[" ENTRY("manifest.suit") "]", 0 },
	{ "[" ENTRY("payload.bin") "]", 0 },	/* a payload has that name */
	{ "[" ENTRY("../a") "]", 0 },
	{ "[" ENTRY("/a") "]", 0 },
	{ "[" ENTRY("a/") "]", 0 },
	{ "[" ENTRY("a b") "]", 0 },
	{ "[" ENTRY("a\\u0062") "]", 0 },
	{ "[" ENTRY("\xc3\xa4") "]", 0 },
	{ "[" ENTRY("") "]", 0 },
	{ "[]", 0 }, { "", 0 }, { "{}", 0 }, { "null", 0 },
	{ ENTRY("a"), 0 },
	{ "[" ENTRY("a") ",]", 0 },
	{ "[" ENTRY("a") ENTRY("b") "]", 0 },
	{ "[ " ENTRY("a") "]", 0 }, { "[" ENTRY("a") "] ", 0 },
	{ "[" ENTRY("a") "]\n", 0 },
	/* size */
	{ "[{\"digest\":\"sha-256:" H256 "\",\"name\":\"a\",\"size\":03,"
	    "\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-256:" H256 "\",\"name\":\"a\",\"size\":-3,"
	    "\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-256:" H256 "\",\"name\":\"a\",\"size\":3.0,"
	    "\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-256:" H256 "\",\"name\":\"a\",\"size\":,"
	    "\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-256:" H256 "\",\"name\":\"a\","
	    "\"size\":9223372036854775800,\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-256:" H256 "\",\"name\":\"a\","
	    "\"size\":18446744073709551616,\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-256:" H256 "\",\"name\":\"a\","
	    "\"size\":99999999999999999999999999,\"type\":\"t\"}]", 0 },
	/* digest */
	{ "[{\"digest\":\"sha-1:" H256 "\",\"name\":\"a\",\"size\":3,"
	    "\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-384:" H256 "\",\"name\":\"a\",\"size\":3,"
	    "\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-256:" H384 "\",\"name\":\"a\",\"size\":3,"
	    "\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-256:\",\"name\":\"a\",\"size\":3,"
	    "\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"" H256 "\",\"name\":\"a\",\"size\":3,"
	    "\"type\":\"t\"}]", 0 },
	/* order of the keys, keys left out, keys too many */
	{ "[{\"name\":\"a\",\"digest\":\"sha-256:" H256 "\",\"size\":3,"
	    "\"type\":\"t\"}]", 0 },
	{ "[{\"digest\":\"sha-256:" H256 "\",\"name\":\"a\",\"size\":3}]", 0 },
	{ "[{\"digest\":\"sha-256:" H256 "\",\"name\":\"a\",\"size\":3,"
	    "\"type\":\"t\",\"x\":1}]", 0 },
};

Test(attach, lists, .init = open_device, .fini = close_device)
{
	static const char payload[] = "payload.bin";

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		fwd_status s;

		dev->ctx.payload.uri[0] = fwd_span_of(payload,
		    sizeof payload - 1);
		dev->ctx.payload.n = 1;
		s = read_list(lists[i].list, strlen(lists[i].list));
		kit_eq(s, lists[i].n != 0 ? FWD_OK : FWD_E_ATTACHMENT,
		    lists[i].list);
		if (lists[i].n != 0)
			cr_assert_eq(dev->ctx.attachments, lists[i].n);
	}
}

Test(attach, what_is_read, .init = open_device, .fini = close_device)
{
	const struct fwd_attachment *const a = dev->ctx.attachment;

	cr_assert_eq(read_list(lists[3].list, strlen(lists[3].list)), FWD_OK);
	cr_assert_eq(a->size, 9223372036854775799);
	cr_assert_eq(a->digest_alg, FWD_SHA512);
	for (size_t i = 0; i < 64; i++)
		cr_assert_eq(a->digest[i], i);
	cr_assert_eq(read_list(lists[2].list, strlen(lists[2].list)), FWD_OK);
	cr_assert_eq(a->digest_alg, FWD_SHA384);
	cr_assert_eq(a->size, 0);
}

Test(attach, every_truncation, .init = open_device, .fini = close_device)
{
	for (size_t i = 0; i < 4; i++)
		for (size_t n = 0; n < strlen(lists[i].list); n++)
			kit_eq(read_list(lists[i].list, n), FWD_E_ATTACHMENT,
			    lists[i].list);
}

/*
 * Every byte with every ASCII value: refused, or, inside a value, read as
 * another value of the same kind.
 */
Test(attach, every_byte, .init = open_device, .fini = close_device)
{
	static const char list[] = "[" ENTRY("n4m") "]";
	const size_t n = sizeof list - 1;
	const size_t hex = (size_t)(strstr(list, H256) - list);
	const size_t name = (size_t)(strstr(list, "n4m") - list);
	const size_t size = (size_t)(strstr(list, ":3,") - list) + 1;
	const size_t type = (size_t)(strstr(list, "text/") - list);
	size_t accepted = 0;
	char copy[sizeof list];

	for (size_t at = 0; at < n; at++) {
		for (int v = 0; v < 128; v++) {
			const bool is_hex = (v >= '0' && v <= '9') ||
			    (v >= 'a' && v <= 'f');
			fwd_status s;
			bool may;

			memcpy(copy, list, n);
			copy[at] = (char)v;
			s = read_list(copy, n);
			may = v == list[at];
			if (at >= hex && at < hex + 64)
				may = is_hex;
			else if (at >= name && at < name + 3)
				may = fwd_member_name_ok(fwd_span_of(
				    copy + name, 3));
			else if (at == size)
				may = v >= '0' && v <= '9';
			else if (at >= type && at < type + 10)
				may = v > 0x20 && v < 0x7f && v != '"' &&
				    v != '\\';
			kit_eq(s, may ? FWD_OK : FWD_E_ATTACHMENT, copy);
			accepted += may;
		}
	}
	cr_assert_gt(accepted, n);
}

Test(attach, as_many_as_there_is_room_for, .init = open_device,
    .fini = close_device)
{
	struct fw_buf b = { 0 };
	char entry[512];

	for (unsigned i = 0; i < FWD_ATTACHMENTS_MAX + 1; i++) {
		(void)snprintf(entry, sizeof entry, "%s{\"digest\":\"sha-256:"
		    H256 "\",\"name\":\"n%u\",\"size\":3,\"type\":\"t\"}",
		    i == 0 ? "[" : ",", i);
		kit_add(&b, entry, strlen(entry));
		kit_add(&b, "]", 1);
		kit_eq(read_list((const char *)b.p, b.n),
		    i < FWD_ATTACHMENTS_MAX ? FWD_OK : FWD_E_ATTACHMENT,
		    entry);
		b.n--;
	}
	fw_buf_deinit(&b);
}

/* ---- the text around the list --------------------------------------- */

static struct kit_name names[1];

Test(attach, texts, .init = open_device, .fini = close_device)
{
	static const struct {
		const char *text;
		fwd_status want;
		size_t n;
	} rows[] = {
		{ "{}", FWD_OK, 0 },
		{ "{\"en\": {}}", FWD_OK, 0 },
		{ "{\"en\": {1: \"d\", 2: \"u\", [h'00']: {1: \"v\"}}}",
		    FWD_OK, 0 },
		{ "{\"en\": {1: \"d\", -257: $list, [h'00']: {1: \"v\"}}}",
		    FWD_OK, 1 },
		{ "{\"de\": {1: \"d\"}, \"en\": {-257: $list}}", FWD_OK, 1 },
		{ "{\"de\": {-257: $list}, \"en\": {-257: $list}}",
		    FWD_E_ATTACHMENT, 0 },
		{ "{\"en\": {-257: h'00'}}", FWD_E_CBOR_TYPE, 0 },
		{ "{\"en\": {-257: $list, 1: \"d\"}}", FWD_E_CBOR_ORDER, 0 },
		{ "{\"en\": {1: 1}}", FWD_E_CBOR_TYPE, 0 },
		{ "{\"en\": {\"x\": \"d\"}}", FWD_E_CBOR_TYPE, 0 },
		{ "{\"en\": []}", FWD_E_CBOR_TYPE, 0 },
		{ "{1: {}}", FWD_E_CBOR_TYPE, 0 },
		{ "[]", FWD_E_CBOR_TYPE, 0 },
		{ "{\"en\": {}, \"de\": {}, \"en\": {}}", FWD_E_CBOR_ORDER,
		    0 },
	};
	struct fw_cbor list = { 0 };

	fw_cbor_text(&list, lists[0].list);
	names[0] = (struct kit_name){ "list", fw_buf_span(&list.out) };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fw_buf b = kit_cbor(rows[i].text, names, 1);
		fwd_status s;

		dev->ctx.man.text.content = fw_buf_span(&b);
		s = fwd_attachments_read(&dev->ctx);
		kit_eq(s, rows[i].want, rows[i].text);
		if (s == FWD_OK) {
			cr_assert_eq(dev->ctx.attachments, rows[i].n);
			kit_add(&b, "", 1);
			dev->ctx.man.text.content = fw_buf_span(&b);
			kit_eq(fwd_attachments_read(&dev->ctx),
			    FWD_E_CBOR_LEFT, rows[i].text);
		}
		fw_buf_deinit(&b);
	}
	dev->ctx.man.text.content = (struct fwd_span){ NULL, 0 };
	cr_assert_eq(fwd_attachments_read(&dev->ctx), FWD_OK);
	cr_assert_eq(dev->ctx.attachments, 0);
	fw_cbor_deinit(&list);
}

/* ---- the members ---------------------------------------------------- */

static const uint8_t file_a[] = "attachment a", file_b[1500] = "b";

/* Two attachments, as a list that was read has them. */
static void
expect_two(void)
{
	struct fwd_attachment *const a = dev->ctx.attachment;

	memset(&dev->ctx.bundle, 0, sizeof dev->ctx.bundle);
	a[0] = (struct fwd_attachment){ .name = fwd_span_of("a", 1),
	    .size = sizeof file_a, .digest_alg = FWD_SHA256 };
	kit_sha256((struct fwd_span){ file_a, sizeof file_a }, a[0].digest);
	a[1] = (struct fwd_attachment){ .name = fwd_span_of("b", 1),
	    .size = sizeof file_b, .digest_alg = FWD_SHA256 };
	kit_sha256((struct fwd_span){ file_b, sizeof file_b }, a[1].digest);
	dev->ctx.attachments = 2;
}

static fwd_status
check(struct fwd_span archive)
{
	kit_dev_rewind(dev);
	dev->bundle = archive;
	expect_two();
	return fwd_attachments_check(&dev->ctx);
}

/* members: names in a row; a capital stands for content that is changed. */
static struct fw_buf
archive(const char *members)
{
	struct fw_buf b = { 0 };
	uint8_t data[sizeof file_b];
	char name[2] = "?";

	for (; *members != '\0'; members++) {
		const bool is_a = strchr("aAx", *members) != NULL;
		const size_t n = is_a ? sizeof file_a : sizeof file_b;

		memcpy(data, is_a ? file_a : file_b, n);
		name[0] = *members;
		if (*members == 'A' || *members == 'B') {
			data[n - 1] ^= 1;
			name[0] = (char)(*members - 'A' + 'a');
		}
		kit_member(&b, name, data, n);
	}
	kit_end(&b);
	return b;
}

Test(attach, members, .init = open_device, .fini = close_device)
{
	static const struct {
		const char *members;
		fwd_status want;
	} rows[] = {
		{ "ab", FWD_OK }, { "", FWD_E_ATTACHMENT_MISSING },
		{ "a", FWD_E_ATTACHMENT_MISSING }, { "b", FWD_E_MEMBER },
		{ "ba", FWD_E_MEMBER }, { "aa", FWD_E_MEMBER },
		{ "aab", FWD_E_MEMBER }, { "abb", FWD_E_MEMBER },
		{ "aba", FWD_E_MEMBER }, { "abx", FWD_E_MEMBER },
		{ "xab", FWD_E_MEMBER }, { "axb", FWD_E_MEMBER },
		{ "Ab", FWD_E_ATTACHMENT_DIGEST },
		{ "aB", FWD_E_ATTACHMENT_DIGEST },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fw_buf b = archive(rows[i].members);

		kit_eq(check(fw_buf_span(&b)), rows[i].want, rows[i].members);
		fw_buf_deinit(&b);
	}
}

Test(attach, sizes, .init = open_device, .fini = close_device)
{
	for (size_t n = 0; n < sizeof file_a + 3; n++) {
		uint8_t data[sizeof file_a + 3] = { 0 };
		struct fw_buf b = { 0 };

		memcpy(data, file_a, sizeof file_a);
		kit_member(&b, "a", data, n);
		kit_member(&b, "b", file_b, sizeof file_b);
		kit_end(&b);
		kit_eq(check(fw_buf_span(&b)), n == sizeof file_a ? FWD_OK :
		    FWD_E_ATTACHMENT_SIZE, "size");
		fw_buf_deinit(&b);
	}
}

Test(attach, every_truncation_and_byte_of_members, .init = open_device,
    .fini = close_device)
{
	struct fw_buf b = archive("ab");
	size_t refused = 0;

	for (size_t n = 0; n < b.n; n++)
		kit_eq(check((struct fwd_span){ b.p, n }), FWD_E_TRUNCATED,
		    "cut");
	for (size_t at = 0; at < b.n; at++) {
		b.p[at] ^= 0x01;
		refused += check(fw_buf_span(&b)) != FWD_OK;
		b.p[at] ^= 0x01;
	}
	cr_assert_eq(refused, b.n);
	fw_buf_deinit(&b);
}

Test(attach, failing_calls, .init = open_device, .fini = close_device)
{
	struct fw_buf b = archive("ab");
	size_t port, crypto;

	kit_eq(check(fw_buf_span(&b)), FWD_OK, "ab");
	port = dev->calls;
	crypto = dev->kit.calls;
	dev->fail_with = FWD_E_IO;
	dev->kit.fail_with = FWD_E_CRYPTO;
	for (size_t i = 1; i <= port; i++) {
		dev->fail_at = i;
		kit_eq(check(fw_buf_span(&b)), FWD_E_IO, "read");
	}
	dev->fail_at = 0;
	for (size_t i = 1; i <= crypto; i++) {
		dev->kit.fail_at = i;
		kit_eq(check(fw_buf_span(&b)), FWD_E_CRYPTO, "hash");
	}
	fw_buf_deinit(&b);
}
