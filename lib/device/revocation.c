/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of keys: lists of keys that do not count any more, and lists of
 * trust anchors that take the place of others.  See fwdevice.h for their form.
 */
#include "device/der.h"
#include "device/internal.h"

/* ---- keys by their identifier ---------------------------------------- */

fwd_status
fwd_key_id(const struct fwd_crypto *crypto, struct fwd_span spki,
    uint8_t id[FWD_KEY_ID])
{
	uint8_t digest[FWD_DIGEST_MAX];

	memset(id, 0, FWD_KEY_ID);
	FWD_TRY(fwd_hash(crypto, FWD_SHA256, spki, digest));
	memcpy(id, digest, FWD_KEY_ID);
	return FWD_OK;
}

fwd_status
fwd_key_id_rsa(const struct fwd_crypto *crypto, struct fwd_span spki,
    uint8_t id[FWD_KEY_ID])
{
	/* rsaEncryption, parameters NULL (RFC 3279 section 2.3.1) */
	static const uint8_t alg[] = { FWD_DER_SEQUENCE, 0x0d, FWD_DER_OID,
		0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
		0x05, 0x00 };
	uint8_t digest[FWD_DIGEST_MAX];
	uint8_t head[] = { FWD_DER_SEQUENCE, 0x82, 0, 0 };
	struct fwd_span seq, own;
	size_t n;

	memset(id, 0, FWD_KEY_ID);
	FWD_TRY(fwd_der_take(&spki, FWD_DER_SEQUENCE, &seq));
	FWD_TRY(fwd_der_take(&seq, FWD_DER_SEQUENCE, &own));
	n = sizeof alg + seq.n;
	if (n < 0x100 || n > 0xffff)
		return FWD_E_CERT_DER;	/* no key that is long enough */
	head[2] = (uint8_t)(n >> 8);
	head[3] = (uint8_t)n;
	FWD_TRY(crypto->hash_start(crypto->ctx, FWD_SHA256));
	FWD_TRY(crypto->hash_add(crypto->ctx, head, sizeof head));
	FWD_TRY(crypto->hash_add(crypto->ctx, alg, sizeof alg));
	FWD_TRY(crypto->hash_add(crypto->ctx, seq.p, seq.n));
	FWD_TRY(crypto->hash_end(crypto->ctx, digest, FWD_KEY_ID));
	memcpy(id, digest, FWD_KEY_ID);
	return FWD_OK;
}

/* FWD_E_REVOKED if the identifier is in the list; all of it is looked at. */
static fwd_status
find_revoked(struct fwd_span list, const uint8_t id[FWD_KEY_ID])
{
	size_t off, found = 0;

	for (off = 0; list.n - off >= FWD_KEY_ID; off += FWD_KEY_ID)
		if (fwd_equal(list.p + off, id, FWD_KEY_ID, FWD_E_REVOKED) ==
		    FWD_OK)
			found++;
	if (fwd_launder64(off) != list.n)
		fwd_panic();
	return fwd_launder64(found) == 0 ? FWD_OK : FWD_E_REVOKED;
}

/* Is the key in the list?  One that is for PSS only may be there as any RSA key
   is.  id: what was found, or not; as it stands. */
static fwd_status
judge_key(const struct fwd_crypto *crypto, struct fwd_span list,
    struct fwd_span spki, const struct fwd_key *key, uint8_t id[FWD_KEY_ID])
{
	uint8_t plain[FWD_KEY_ID];

	FWD_TRY(fwd_key_id(crypto, spki, id));
	FWD_TRY(find_revoked(list, id));
	if (!key->pss)
		return FWD_OK;
	FWD_TRY(fwd_key_id_rsa(crypto, spki, plain));
	return find_revoked(list, plain);
}

fwd_status
fwd_revoked_check(const struct fwd_crypto *crypto,
    const struct fwd_policy *policy, const struct fwd_span *spki,
    const struct fwd_key *key, struct fwd_tracer trace, uint32_t index)
{
	/* Both as it was handed over, so that none is what a register held that
	   was not set. */
	const struct fwd_policy *volatile once = policy, *volatile again = policy;
	uint8_t id[FWD_KEY_ID] = { 0 };
	struct fwd_key used;
	fwd_status s;

	if (once->revoked.n == 0) {
		if (again->revoked.n != 0)
			fwd_panic();
		return FWD_OK;		/* nothing is revoked */
	}
	s = judge_key(crypto, once->revoked, *spki, key, id);
	FWD_TRY(fwd_report(trace, FWD_STEP_REVOKED, s, index, 0,
	    fwd_hint_hex(fwd_span_of(id, sizeof id)), fwd_hint_none()));
	/* A wrong identifier is not in the list either: all of it anew, and it
	   is that of the key that is used. */
	spki = fwd_launder_ptr(spki);
	FWD_TRY(fwd_key_read(*spki, &used));
	if (!fwd_same_key(&used, key))
		fwd_panic();
	return judge_key(crypto, again->revoked, *spki, &used, id);
}

/* ---- a revocation list ----------------------------------------------- */

/* Split the signed list into what was signed and the signature block. */
static fwd_status
split_list(struct fwd_span data, struct fwd_span *list,
    struct fwd_span *block)
{
	struct fwd_cbor c = fwd_cbor_open(data);
	uint64_t n;

	FWD_TRY(fwd_cbor_array(&c, &n));
	if (n != 2)
		return FWD_E_REVOCATIONS;
	FWD_TRY(fwd_cbor_bytes(&c, list));
	FWD_TRY(fwd_cbor_bytes(&c, block));
	return fwd_cbor_end(&c);
}

/* Whole identifiers, each greater than the one before. */
static fwd_status
check_ids(struct fwd_span ids)
{
	if (ids.n % FWD_KEY_ID != 0)
		return FWD_E_REVOCATIONS;
	for (size_t off = FWD_KEY_ID; off < ids.n; off += FWD_KEY_ID)
		if (memcmp(ids.p + off - FWD_KEY_ID, ids.p + off,
		    FWD_KEY_ID) >= 0)
			return FWD_E_REVOCATIONS;
	return FWD_OK;
}

static fwd_status
decode_list(struct fwd_span data, struct fwd_revocations *list)
{
	static const char kind[] = "fw-revocations";
	struct fwd_cbor c = fwd_cbor_open(data);
	struct fwd_span text;
	uint64_t n;

	FWD_TRY(fwd_cbor_array(&c, &n));
	if (n != 4)
		return FWD_E_REVOCATIONS;
	FWD_TRY(fwd_cbor_text(&c, &text));
	if (!fwd_span_equal(text, fwd_span_of(kind, sizeof kind - 1)))
		return FWD_E_REVOCATIONS;
	FWD_TRY(fwd_cbor_uint(&c, &n));
	if (n != 1)
		return FWD_E_REVOCATIONS;
	FWD_TRY(fwd_cbor_uint(&c, &list->number));
	FWD_TRY(fwd_cbor_bytes(&c, &list->revoked));
	FWD_TRY(fwd_cbor_end(&c));
	return check_ids(list->revoked);
}

/* Has anchor i signed it, with a key that still counts?  Whoever holds one
   that is revoked could otherwise let all of them count again. */
static fwd_status
check_revoker(const struct fwd_crypto *crypto, const struct fwd_policy *policy,
    size_t i, const struct fwd_cose *cose, struct fwd_span list)
{
	const struct fwd_tracer none = { 0 };
	const struct fwd_span spki = policy->anchor[i].spki;
	struct fwd_key key;

	FWD_TRY(fwd_key_read(spki, &key));
	FWD_TRY(fwd_cose_check(crypto, cose, &key, list));
	return fwd_revoked_check(crypto, policy, &spki, &key, none,
	    FWD_NO_INDEX);
}

/* Find the anchor that may revoke and has signed it. */
static fwd_status
find_revoker(const struct fwd_crypto *crypto, const struct fwd_policy *policy,
    const struct fwd_cose *cose, struct fwd_span list)
{
	fwd_status none = FWD_E_REVOCATIONS, s;

	for (size_t i = 0; i < policy->anchors; i++) {
		if ((fwd_launder(policy->revokers) >> i & 1u) == 0)
			continue;
		s = check_revoker(crypto, policy, i, cose, list);
		if (s == FWD_E_ALG)
			none = s;	/* whose, the port cannot tell */
		if (s == FWD_E_CRYPTO || s == FWD_E_FAULT ||
		    s == FWD_E_REVOKED)
			return s;
		if (fwd_launder(s) == FWD_OK &&
		    (fwd_launder(~policy->revokers) >> i & 1u) == 0)
			return s;	/* which the caller judges again */
	}
	return none;
}

/* Whatever is wrong with its form is one refusal; faults are not. */
static fwd_status
list_answer(fwd_status s, fwd_status refusal)
{
	switch (s) {
	case FWD_OK:
	case FWD_E_ALG:
	case FWD_E_REVOKED:
	case FWD_E_POLICY:
	case FWD_E_CRYPTO:
	case FWD_E_FAULT:
		return s;
	default:
		return refusal;
	}
}

static fwd_status
read_revocations(const struct fwd_crypto *crypto,
    const struct fwd_policy *policy, struct fwd_span data,
    struct fwd_revocations *list)
{
	struct fwd_span content, block;
	struct fwd_cose cose;

	FWD_TRY(fwd_policy_check(policy));
	FWD_TRY(split_list(data, &content, &block));
	FWD_TRY(fwd_cose_read(block, &cose));
	if (cose.certs != 0)
		return FWD_E_REVOCATIONS;
	FWD_TRY(find_revoker(crypto, policy, &cose, content));
	return decode_list(content, list);
}

fwd_status
fwd_revocations_read(const struct fwd_crypto *crypto,
    const struct fwd_policy *policy, struct fwd_span data,
    struct fwd_revocations *list)
{
	struct fwd_revocations result = { 0 };

	*list = result;
	FWD_TRY(list_answer(read_revocations(crypto, policy, data, &result),
	    FWD_E_REVOCATIONS));
	*list = result;
	return FWD_OK;
}

fwd_status
fwd_revocations_stored(struct fwd_span data, struct fwd_revocations *list)
{
	struct fwd_span content, block;

	*list = (struct fwd_revocations){ 0 };
	FWD_TRY(split_list(data, &content, &block));
	return decode_list(content, list);
}

/* ---- a list of trust anchors ----------------------------------------- */

static fwd_status
read_anchors(struct fwd_span data, struct fwd_anchor *anchor, size_t *n)
{
	struct fwd_span left = data, certs;
	struct fwd_key key;
	struct fwd_der el;

	FWD_TRY(fwd_der_take(&left, FWD_DER_SEQUENCE, &certs));
	FWD_TRY(fwd_der_end(left));
	while (certs.n != 0) {
		if (*n == FWD_ANCHORS_MAX)
			return FWD_E_ANCHOR_LIST;
		FWD_TRY(fwd_der_any(&certs, &el));
		FWD_TRY(fwd_anchor_read(el.whole, &anchor[*n]));
		FWD_TRY(fwd_key_read(anchor[*n].spki, &key));
		++*n;
	}
	if (*n == 0)
		return FWD_E_ANCHOR_LIST;
	return fwd_der_end(left);	/* asked twice */
}

fwd_status
fwd_anchors_read(struct fwd_span list,
    struct fwd_anchor anchor[FWD_ANCHORS_MAX], size_t *n)
{
	fwd_status s;

	*n = 0;
	s = list_answer(read_anchors(list, anchor, n), FWD_E_ANCHOR_LIST);
	if (s != FWD_OK)
		*n = 0;
	return s;
}
