/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a component holds that changes whom the device trusts: a list of trust
 * anchors, made from PEM, or a signed revocation list.  The device library
 * judges their form; whether a device has use for them, it can only say itself.
 */
#include <string.h>

#include <openssl/asn1.h>

#include "host/cert.h"
#include "host/internal.h"

/* ---- trust anchors ------------------------------------------------------ */

struct certs {
	struct fw_buf der[FWD_ANCHORS_MAX];
	size_t n;
};

static void
certs_deinit(struct certs *c)
{
	for (size_t i = 0; i < c->n; i++)
		fw_buf_deinit(&c->der[i]);
}

/* What the device library would take, but nobody can mean. */
static enum fw_kind
check_roots(const struct certs *c, struct fw_error *err)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!fw_cert_is_root(fw_buf_span(&c->der[i])))
			return fw_fail(err, FW_E_INPUT, "certificate %zu is "
			    "not that of a root, which its own key has signed",
			    i + 1);
		for (size_t k = 0; k < i; k++)
			if (fwd_span_equal(fw_buf_span(&c->der[i]),
			    fw_buf_span(&c->der[k])))
				return fw_fail(err, FW_E_INPUT, "certificate "
				    "%zu is there twice", i + 1);
	}
	return FW_OK;
}

/* TrustAnchorList (RFC 5914 section 3): the certificates in a SEQUENCE. */
static enum fw_kind
encode_list(const struct certs *c, struct fw_buf *out, struct fw_error *err)
{
	unsigned char head[16], *p = head;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->der[i].n;
	ASN1_put_object(&p, 1, (int)n, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	FW_TRY(fw_buf_add(out, head, (size_t)(p - head), err));
	for (size_t i = 0; i < c->n; i++)
		FW_TRY(fw_buf_add(out, c->der[i].p, c->der[i].n, err));
	return FW_OK;
}

static enum fw_kind
judge_list(struct fwd_span list, size_t certs, struct fw_error *err)
{
	struct fwd_anchor anchor[FWD_ANCHORS_MAX];
	size_t n;
	const fwd_status s = fwd_anchors_read(list, anchor, &n);

	if (list.n > FW_LIST_MAX)
		return fw_fail(err, FW_E_INPUT, "the certificates have more "
		    "than %zu bytes", FW_LIST_MAX);
	if (s == FWD_OK && n == certs)
		return FW_OK;
	return fw_fail(err, FW_E_INPUT, "no device takes these certificates "
	    "(each needs strict DER and a key on P-256, P-384 or P-521, of "
	    "Ed25519, or RSA with 2048 to 4096 bits)");
}

enum fw_kind
fw_anchors_encode(const char *path, struct fw_buf *out, struct fw_error *err)
{
	FW_CLEANUP(certs_deinit) struct certs c = { .n = 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf list = { 0 };

	FW_TRY(fw_certs_load(path, FWD_ANCHORS_MAX, c.der, &c.n, err));
	if (check_roots(&c, err) != FW_OK)
		return fw_wrap(err, "'%s'", path);
	FW_TRY(encode_list(&c, &list, err));
	if (judge_list(fw_buf_span(&list), c.n, err) != FW_OK)
		return fw_wrap(err, "'%s'", path);
	*out = list;
	list = (struct fw_buf){ 0 };
	return FW_OK;
}

/* ---- revocations -------------------------------------------------------- */

#define CHECK(e) do {							\
	const fwd_status s_ = (e);					\
	if (s_ != FWD_OK)						\
		return s_;						\
} while (0)

/* Whole identifiers, ascending, none twice. */
static fwd_status
check_ids(struct fwd_span ids)
{
	if (ids.n % FWD_KEY_ID != 0)
		return FWD_E_REVOCATIONS;
	for (size_t i = FWD_KEY_ID; i < ids.n; i += FWD_KEY_ID)
		if (memcmp(ids.p + i - FWD_KEY_ID, ids.p + i, FWD_KEY_ID) >= 0)
			return FWD_E_REVOCATIONS;
	return FWD_OK;
}

static fwd_status
read_content(struct fwd_span content, struct fwd_revocations *list)
{
	const struct fwd_span kind = {
		(const uint8_t *)FW_REVOCATIONS_KIND,
		sizeof FW_REVOCATIONS_KIND - 1
	};
	struct fwd_cbor c = fwd_cbor_open(content);
	uint64_t n, version;
	struct fwd_span text;

	CHECK(fwd_cbor_array(&c, &n));
	CHECK(fwd_cbor_text(&c, &text));
	CHECK(fwd_cbor_uint(&c, &version));
	if (n != 4 || version != 1 || !fwd_span_equal(text, kind))
		return FWD_E_REVOCATIONS;
	CHECK(fwd_cbor_uint(&c, &list->number));
	CHECK(fwd_cbor_bytes(&c, &list->revoked));
	CHECK(fwd_cbor_end(&c));
	return check_ids(list->revoked);
}

/* The form of a signed list, that of its signature included. */
static fwd_status
read_signed(struct fwd_span data, struct fwd_revocations *list)
{
	struct fwd_cbor c = fwd_cbor_open(data);
	struct fwd_span content, block;
	struct fwd_cose cose;
	uint64_t n;

	CHECK(fwd_cbor_array(&c, &n));
	if (n != 2)
		return FWD_E_REVOCATIONS;
	CHECK(fwd_cbor_bytes(&c, &content));
	CHECK(fwd_cbor_bytes(&c, &block));
	CHECK(fwd_cbor_end(&c));
	CHECK(fwd_cose_read(block, &cose));
	if (cose.certs != 0)
		return FWD_E_REVOCATIONS;
	return read_content(content, list);
}

enum fw_kind
fw_revocations_load(const char *path, struct fw_buf *out,
    struct fwd_revocations *list, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf data = { 0 };
	fwd_status s;

	FW_TRY(fw_file_read(path, FW_LIST_MAX, &data, err));
	s = read_signed(fw_buf_span(&data), list);
	if (s != FWD_OK)
		return fw_fail(err, FW_E_INPUT, "'%s' is not a signed "
		    "revocation list: %s", path, fwd_status_text(s));
	*out = data;
	data = (struct fw_buf){ 0 };
	return FW_OK;
}

/* ---- as images ---------------------------------------------------------- */

enum fw_kind
fw_list_load(const struct fw_image *img, int *fd, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf data = { 0 };
	struct fwd_revocations list;
	FW_FD int out = -1;

	if (img->format == FW_TRUST_ANCHORS)
		FW_TRY(fw_anchors_encode(img->path, &data, err));
	else
		FW_TRY(fw_revocations_load(img->path, &data, &list, err));
	FW_TRY(fw_temporary_open(&out, err));
	FW_TRY(fw_write_all(out, data.p, data.n, img->path, err));
	*fd = out;
	out = -1;			/* the caller closes it */
	return FW_OK;
}
