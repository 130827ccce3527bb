/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COSE_Sign1 with detached payload and x5chain (RFC 9052 sections 4.2 to 4.4,
 * RFC 9360 section 2).
 */
#include "device/internal.h"

enum { COSE_SIGN1_TAG = 18, HEADER_ALG = 1, HEADER_X5CHAIN = 33 };

/* x5chain: one certificate, or an array of at least two. */
static fwd_status
read_chain(struct fwd_cbor *c, struct fwd_cose *cose)
{
	uint64_t n;

	if (fwd_cbor_peek(c) == FWD_CBOR_BYTES) {
		FWD_TRY(fwd_cbor_bytes(c, &cose->cert[0]));
		cose->certs = 1;
		return FWD_OK;
	}
	FWD_TRY(fwd_cbor_array(c, &n));
	if (n < 2)
		return FWD_E_COSE_HEADER;
	if (n > FWD_CHAIN_MAX)
		return FWD_E_CHAIN_LEN;
	for (size_t i = 0; i < n; i++)
		FWD_TRY(fwd_cbor_bytes(c, &cose->cert[i]));
	cose->certs = (size_t)n;
	return FWD_OK;
}

/* The protected header: alg, perhaps x5chain, nothing else. */
static fwd_status
read_protected(struct fwd_cose *cose)
{
	struct fwd_cbor c = fwd_cbor_open(cose->protected_);
	struct fwd_cbor_map map;
	bool have_alg = false;
	int64_t label;

	FWD_TRY(fwd_cbor_map(&c, &map));
	while (map.left > 0) {
		FWD_TRY(fwd_cbor_key(&c, &map));
		if (fwd_cbor_peek(&c) == FWD_CBOR_TEXT)
			return FWD_E_COSE_HEADER;
		FWD_TRY(fwd_cbor_int(&c, &label));
		if (label == HEADER_ALG) {
			FWD_TRY(fwd_cbor_int(&c, &cose->alg));
			have_alg = true;
		} else if (label == HEADER_X5CHAIN) {
			FWD_TRY(read_chain(&c, cose));
		} else {
			return FWD_E_COSE_HEADER;
		}
	}
	FWD_TRY(fwd_cbor_end(&c));
	return have_alg ? FWD_OK : FWD_E_COSE_HEADER;
}

static fwd_status
read_block(struct fwd_span block, struct fwd_cose *cose)
{
	struct fwd_cbor c = fwd_cbor_open(block);
	struct fwd_cbor_map unprotected;
	uint64_t n;

	if (fwd_cbor_peek(&c) != FWD_CBOR_TAG)
		return FWD_E_COSE;
	FWD_TRY(fwd_cbor_tag(&c, &n));
	if (n != COSE_SIGN1_TAG)
		return FWD_E_COSE;
	FWD_TRY(fwd_cbor_array(&c, &n));
	if (n != 4)
		return FWD_E_COSE;
	FWD_TRY(fwd_cbor_bytes(&c, &cose->protected_));
	FWD_TRY(fwd_cbor_map(&c, &unprotected));
	if (unprotected.left != 0)	/* nothing there would be protected */
		return FWD_E_COSE_HEADER;
	if (fwd_cbor_nil(&c) != FWD_OK)	/* the payload is detached */
		return FWD_E_COSE;
	FWD_TRY(fwd_cbor_bytes(&c, &cose->sig));
	FWD_TRY(fwd_cbor_end(&c));
	return read_protected(cose);
}

fwd_status
fwd_cose_read(struct fwd_span block, struct fwd_cose *cose)
{
	struct fwd_cose result = { 0 };

	*cose = result;
	FWD_TRY(read_block(block, &result));
	*cose = result;
	return FWD_OK;
}

/* The head of a byte string of n bytes, in the shortest form. */
static size_t
bstr_head(uint8_t *out, size_t n)
{
	const uint64_t v = n;
	const size_t bytes = v < 24 ? 0 : v < 1u << 8 ? 1 : v < 1u << 16 ? 2 :
	    v < (uint64_t)1 << 32 ? 4 : 8;

	if (bytes == 0) {
		out[0] = (uint8_t)(0x40 + v);
		return 1;
	}
	out[0] = (uint8_t)(bytes == 1 ? 0x58 : bytes == 2 ? 0x59 :
	    bytes == 4 ? 0x5a : 0x5b);
	for (size_t i = 0; i < bytes; i++)
		out[1 + i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
	return 1 + bytes;
}

void
fwd_cose_tbs(struct fwd_span protected_, struct fwd_span payload,
    struct fwd_tbs *tbs)
{
	/* an array of 4, and the text "Signature1" */
	static const uint8_t context[] = { 0x84, 0x6a, 'S', 'i', 'g', 'n',
	    'a', 't', 'u', 'r', 'e', '1' };
	size_t n = sizeof context;

	memcpy(tbs->head[0], context, n);
	n += bstr_head(tbs->head[0] + n, protected_.n);
	tbs->msg[0] = (struct fwd_span){ tbs->head[0], n };
	tbs->msg[1] = protected_;
	tbs->head[1][0] = 0x40;		/* external_aad is empty */
	n = 1 + bstr_head(tbs->head[1] + 1, payload.n);
	tbs->msg[2] = (struct fwd_span){ tbs->head[1], n };
	tbs->msg[3] = payload;
}
