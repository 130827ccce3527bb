/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SUIT envelope and manifest taken apart (draft-ietf-suit-manifest-37,
 * section 8).  Form only: nothing is executed and no digest is compared here.
 */
#include "device/internal.h"

enum { SUIT_ENVELOPE_TAG = 107, SUIT_VERSION = 1 };

fwd_status
fwd_digest_read(struct fwd_cbor *c, struct fwd_digest *digest)
{
	struct fwd_digest d;
	uint64_t n;

	*digest = (struct fwd_digest){ 0 };
	FWD_TRY(fwd_cbor_array(c, &n));
	if (n != 2)
		return FWD_E_DIGEST_ALG;
	FWD_TRY(fwd_cbor_int(c, &d.alg));
	FWD_TRY(fwd_cbor_bytes(c, &d.bytes));
	if (d.bytes.n == 0 || d.bytes.n != fwd_digest_size(d.alg))
		return FWD_E_DIGEST_ALG;
	*digest = d;
	return FWD_OK;
}

/* ---- envelope -------------------------------------------------------- */

/* SUIT_Authentication: the digest, then signature blocks (section 8.3). */
static fwd_status
read_authentication(struct fwd_span data, struct fwd_envelope *env)
{
	struct fwd_cbor c = fwd_cbor_open(data), inner;
	uint64_t n;

	FWD_TRY(fwd_cbor_array(&c, &n));
	if (n == 0)
		return FWD_E_ENVELOPE;
	FWD_TRY(fwd_cbor_bytes(&c, &env->payload));
	inner = fwd_cbor_open(env->payload);
	FWD_TRY(fwd_digest_read(&inner, &env->digest));
	FWD_TRY(fwd_cbor_end(&inner));
	if (n - 1 > FWD_AUTH_MAX)
		return FWD_E_AUTH_COUNT;
	for (env->blocks = 0; env->blocks < n - 1; env->blocks++)
		FWD_TRY(fwd_cbor_bytes(&c, &env->block[env->blocks]));
	return fwd_cbor_end(&c);
}

/* Take the key of an envelope element and demand that it is this one. */
static fwd_status
expect_key(struct fwd_cbor *c, struct fwd_cbor_map *map, uint64_t want)
{
	uint64_t key;

	if (map->left == 0)
		return FWD_E_ENVELOPE;
	FWD_TRY(fwd_cbor_key(c, map));
	if (fwd_cbor_peek(c) != FWD_CBOR_UINT)
		return FWD_E_ENVELOPE_KEY;
	FWD_TRY(fwd_cbor_uint(c, &key));
	return key == want ? FWD_OK : FWD_E_ENVELOPE_KEY;
}

/* Take one element after the manifest: severed, or an integrated payload. */
static fwd_status
read_member(struct fwd_cbor *c, struct fwd_member *m)
{
	uint64_t key;

	*m = (struct fwd_member){ 0 };
	if (fwd_cbor_peek(c) == FWD_CBOR_TEXT) {
		FWD_TRY(fwd_cbor_text(c, &m->name));
	} else if (fwd_cbor_peek(c) == FWD_CBOR_UINT) {
		FWD_TRY(fwd_cbor_uint(c, &key));
		if (key != FWD_MAN_PAYLOAD_FETCH && key != FWD_MAN_INSTALL &&
		    key != FWD_MAN_TEXT)
			return FWD_E_ENVELOPE_KEY;
		m->key = (int64_t)key;
	} else {
		return FWD_E_ENVELOPE_KEY;
	}
	m->bstr = c->left;
	FWD_TRY(fwd_cbor_bytes(c, &m->content));
	m->bstr.n -= c->left.n;
	return FWD_OK;
}

static fwd_status
read_envelope(struct fwd_span data, struct fwd_envelope *env)
{
	struct fwd_cbor c = fwd_cbor_open(data);
	struct fwd_span auth;
	struct fwd_cbor_map map;
	struct fwd_member m;
	uint64_t tag;

	env->whole = data;
	if (fwd_cbor_peek(&c) != FWD_CBOR_TAG)
		return FWD_E_ENVELOPE;
	FWD_TRY(fwd_cbor_tag(&c, &tag));
	if (tag != SUIT_ENVELOPE_TAG)
		return FWD_E_ENVELOPE;
	FWD_TRY(fwd_cbor_map(&c, &map));
	FWD_TRY(expect_key(&c, &map, FWD_ENV_AUTH));
	FWD_TRY(fwd_cbor_bytes(&c, &auth));
	FWD_TRY(read_authentication(auth, env));
	FWD_TRY(expect_key(&c, &map, FWD_ENV_MANIFEST));
	env->manifest_bstr = c.left;
	FWD_TRY(fwd_cbor_bytes(&c, &env->manifest));
	env->manifest_bstr.n -= c.left.n;
	env->members = c.left;
	env->members_n = map.left;
	while (map.left > 0) {
		FWD_TRY(fwd_cbor_key(&c, &map));
		FWD_TRY(read_member(&c, &m));
	}
	return fwd_cbor_end(&c);
}

fwd_status
fwd_envelope_read(struct fwd_span data, struct fwd_envelope *env)
{
	struct fwd_envelope result = { 0 };

	*env = result;
	FWD_TRY(read_envelope(data, &result));
	*env = result;
	return FWD_OK;
}

bool
fwd_envelope_next(const struct fwd_envelope *env, size_t *at,
    struct fwd_member *m)
{
	struct fwd_cbor c;

	if (*at >= env->members.n)
		return false;
	c = fwd_cbor_open((struct fwd_span){ env->members.p + *at,
	    env->members.n - *at });
	if (read_member(&c, m) != FWD_OK)
		return false;
	*at = env->members.n - c.left.n;
	return true;
}

/* ---- manifest -------------------------------------------------------- */

/* Component identifiers: arrays of byte strings, no two alike (8.4.5.1). */
static fwd_status
check_components(struct fwd_span list, uint64_t n)
{
	struct fwd_cbor c = fwd_cbor_open(list), d;
	struct fwd_span id, other, segment;
	uint64_t segments;

	for (uint64_t i = 0; i < n; i++) {
		d = c;
		FWD_TRY(fwd_cbor_array(&d, &segments));
		for (; segments > 0; segments--)
			FWD_TRY(fwd_cbor_bytes(&d, &segment));
		FWD_TRY(fwd_cbor_skip(&c, &id));
		d = fwd_cbor_open(list);
		for (uint64_t j = 0; j < i; j++) {
			FWD_TRY(fwd_cbor_skip(&d, &other));
			if (fwd_span_equal(id, other))
				return FWD_E_COMPONENTS;
		}
	}
	return FWD_OK;
}

static fwd_status
read_common(struct fwd_span data, struct fwd_manifest *man)
{
	struct fwd_cbor c = fwd_cbor_open(data);
	struct fwd_cbor_map map;
	struct fwd_span list;
	int64_t key;

	FWD_TRY(fwd_cbor_map(&c, &map));
	while (map.left > 0) {
		FWD_TRY(fwd_cbor_key(&c, &map));
		FWD_TRY(fwd_cbor_int(&c, &key));
		if (key == FWD_COMMON_COMPONENTS) {
			struct fwd_cbor start = c;

			FWD_TRY(fwd_cbor_skip(&c, &list));
			FWD_TRY(fwd_cbor_array(&start, &man->components_n));
			man->components = (struct fwd_span){ start.left.p,
			    (size_t)(c.left.p - start.left.p) };
		} else if (key == FWD_COMMON_SHARED) {
			FWD_TRY(fwd_cbor_bytes(&c, &man->shared));
		} else {
			return FWD_E_MANIFEST_KEY;
		}
	}
	FWD_TRY(fwd_cbor_end(&c));
	if (man->components_n == 0 || man->components_n > FWD_COMPONENTS_MAX)
		return FWD_E_COMPONENTS;
	return check_components(man->components, man->components_n);
}

/* The section of that key, NULL if there is no such section. */
static struct fwd_section *
section(struct fwd_manifest *man, int64_t key)
{
	switch (key) {
	case FWD_MAN_VALIDATE:
		return &man->validate;
	case FWD_MAN_LOAD:
		return &man->load;
	case FWD_MAN_INVOKE:
		return &man->invoke;
	case FWD_MAN_PAYLOAD_FETCH:
		return &man->fetch;
	case FWD_MAN_INSTALL:
		return &man->install;
	case FWD_MAN_TEXT:
		return &man->text;
	default:
		return NULL;
	}
}

static bool
severable(int64_t key)
{
	return key == FWD_MAN_PAYLOAD_FETCH || key == FWD_MAN_INSTALL ||
	    key == FWD_MAN_TEXT;
}

/* A section in place, or the digest of one that was moved (8.4.12). */
static fwd_status
read_section(struct fwd_cbor *c, int64_t key, struct fwd_section *s)
{
	s->declared = true;
	if (fwd_cbor_peek(c) == FWD_CBOR_ARRAY && severable(key))
		return fwd_digest_read(c, &s->digest);
	s->bstr = c->left;
	FWD_TRY(fwd_cbor_bytes(c, &s->content));
	s->bstr.n -= c->left.n;
	return FWD_OK;
}

/* One element of the manifest; seen has a bit for each that must be there. */
static fwd_status
read_element(struct fwd_cbor *c, struct fwd_manifest *man, uint32_t *seen)
{
	struct fwd_section *s;
	struct fwd_span common;
	uint64_t version;
	int64_t key;

	FWD_TRY(fwd_cbor_int(c, &key));
	if (key >= FWD_MAN_VERSION && key <= FWD_MAN_COMMON)
		*seen |= 1u << key;
	switch (key) {
	case FWD_MAN_VERSION:
		FWD_TRY(fwd_cbor_uint(c, &version));
		return version == SUIT_VERSION ? FWD_OK :
		    FWD_E_MANIFEST_VERSION;
	case FWD_MAN_SEQUENCE_NUMBER:
		return fwd_cbor_uint(c, &man->sequence_number);
	case FWD_MAN_COMMON:
		FWD_TRY(fwd_cbor_bytes(c, &common));
		return read_common(common, man);
	case FWD_MAN_REFERENCE_URI:
		return fwd_cbor_text(c, &man->reference_uri);
	default:
		s = section(man, key);
		if (s == NULL)
			return FWD_E_MANIFEST_KEY;
		return read_section(c, key, s);
	}
}

/* Put the elements that were moved to the envelope where they belong. */
static fwd_status
find_severed(const struct fwd_envelope *env, struct fwd_manifest *man)
{
	struct fwd_section *s;
	struct fwd_member m;
	size_t at = 0;

	while (fwd_envelope_next(env, &at, &m)) {
		if (m.key == 0)
			continue;	/* an integrated payload */
		s = section(man, m.key);
		if (s == NULL || s->digest.alg == 0)
			return FWD_E_SEVERED;
		s->content = m.content;
		s->bstr = m.bstr;
	}
	return FWD_OK;
}

fwd_status
fwd_manifest_read(const struct fwd_envelope *env, struct fwd_manifest *man)
{
	struct fwd_cbor c = fwd_cbor_open(env->manifest);
	struct fwd_manifest result = { 0 };
	struct fwd_cbor_map map;
	uint32_t seen = 0;

	*man = result;
	FWD_TRY(fwd_cbor_map(&c, &map));
	while (map.left > 0) {
		FWD_TRY(fwd_cbor_key(&c, &map));
		FWD_TRY(read_element(&c, &result, &seen));
	}
	FWD_TRY(fwd_cbor_end(&c));
	if (seen != (1u << FWD_MAN_VERSION | 1u << FWD_MAN_SEQUENCE_NUMBER |
	    1u << FWD_MAN_COMMON))
		return FWD_E_MANIFEST;
	FWD_TRY(find_severed(env, &result));
	*man = result;
	return FWD_OK;
}

/* ---- command sequences ----------------------------------------------- */

fwd_status
fwd_sequence_open(struct fwd_span data, struct fwd_sequence *seq)
{
	uint64_t n;

	*seq = (struct fwd_sequence){ fwd_cbor_open(data), 0 };
	FWD_TRY(fwd_cbor_array(&seq->c, &n));
	if (n == 0 || n % 2 != 0)	/* codes and arguments in turn */
		return FWD_E_COMMAND;
	seq->left = n / 2;
	return FWD_OK;
}

fwd_status
fwd_sequence_next(struct fwd_sequence *seq, struct fwd_command *cmd)
{
	*cmd = (struct fwd_command){ 0 };
	if (seq->left == 0)
		return FWD_E_API;
	FWD_TRY(fwd_cbor_int(&seq->c, &cmd->code));
	FWD_TRY(fwd_cbor_skip(&seq->c, &cmd->arg));
	if (--seq->left == 0)
		return fwd_cbor_end(&seq->c);
	return FWD_OK;
}
