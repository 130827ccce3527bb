/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists (see fwdevice.h for their form): collect the keys, sign the
 * list with the key of a root, and have the device library read what was
 * written before it gets its name, as a device would in which the list before
 * it is in force.
 */
#include <string.h>

#include "host/build.h"
#include "host/fields.h"
#include "host/internal.h"
#include "host/p11uri.h"

/* A bound that leaves room for head and signature. */
enum { KEYS_MAX = (FW_LIST_MAX - 1024) / FWD_KEY_ID };

struct revoke {
	const struct fw_revoke_options *opt;
	struct fw_revoked *result;
	struct fw_anchor root, old_root;
	struct fw_buf before;		/* the list in add_to */
	struct fwd_revocations old;	/* what is in it */
	struct fw_signer signer;
	struct fw_buf list;
	struct fw_output out;
};

static void
revoke_deinit(struct revoke *r)
{
	fw_anchor_deinit(&r->root);
	fw_anchor_deinit(&r->old_root);
	fw_buf_deinit(&r->before);
	fw_signer_deinit(&r->signer);
	fw_buf_deinit(&r->list);
	fw_output_abandon(&r->out);
}

void
fw_revoked_deinit(struct fw_revoked *r)
{
	for (size_t i = 0; i < r->keys; i++) {
		free(r->key[i].subject);
		free(r->key[i].file);
	}
	free(r->key);
	free(r->subject);
	free(r->key_label);
	*r = (struct fw_revoked){ 0 };
}

/* ---- as a device reads them ------------------------------------------- */

/* Read a list as a device whose only anchor is root, and may revoke. */
static fwd_status
device_reads(const struct revoke *r, const struct fw_anchor *root,
    struct fwd_span revoked, struct fwd_span data,
    struct fwd_revocations *list)
{
	const struct fwd_policy policy = {
		.anchor = &root->anchor, .anchors = 1, .threshold = 1,
		.clock = FWD_CLOCK_NONE, .time_min = INT64_MIN,
		.purpose = fwd_code_signing, .revoked = revoked, .revokers = 1,
	};

	return fwd_revocations_read(r->opt->crypto, &policy, data, list);
}

/* The one that revokes the key in all its forms. */
static enum fw_kind
key_id(const struct revoke *r, struct fwd_span spki, uint8_t id[FWD_KEY_ID],
    struct fw_error *err)
{
	const struct fwd_crypto *const crypto = r->opt->crypto;
	struct fwd_key key;
	fwd_status s = fwd_key_read(spki, &key);

	if (s == FWD_OK && key.type == FWD_KEY_RSA)
		s = fwd_key_id_rsa(crypto, spki, id);
	else
		s = fwd_key_id(crypto, spki, id);
	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "cannot hash a public key");
	return FW_OK;
}

/* ---- the keys ---------------------------------------------------------- */

static enum fw_kind
add_key(struct revoke *r, const uint8_t *id, bool old,
    struct fw_revoked_key **out, struct fw_error *err)
{
	struct fw_revoked *const to = r->result;

	if (to->keys == KEYS_MAX)
		return fw_fail(err, FW_E_INPUT, "more than %d keys", KEYS_MAX);
	*out = &to->key[to->keys++];
	**out = (struct fw_revoked_key){ .old = old };
	memcpy((*out)->id, id, FWD_KEY_ID);
	return FW_OK;
}

static bool
parse_id(const char *text, uint8_t id[FWD_KEY_ID])
{
	int hi, lo;

	if (strlen(text) != 2 * FWD_KEY_ID)
		return false;
	for (size_t i = 0; i < FWD_KEY_ID; i++) {
		hi = fw_hex_digit(text[2 * i]);
		lo = fw_hex_digit(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		id[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* By a file, or by identifier. */
static enum fw_kind
add_given(struct revoke *r, const char *given, struct fw_error *err)
{
	FW_CLEANUP(fw_anchor_deinit) struct fw_anchor of = { 0 };
	struct fw_revoked_key *key = NULL;
	uint8_t id[FWD_KEY_ID];

	if (parse_id(given, id))
		return add_key(r, id, false, &key, err);
	FW_TRY(fw_public_load(given, &of, err));
	FW_TRY(key_id(r, of.anchor.spki, id, err));
	FW_TRY(add_key(r, id, false, &key, err));
	key->subject = of.label;
	of.label = NULL;
	key->file = strdup(given);
	return key->file != NULL ? FW_OK : fw_fail(err, FW_E_NOMEM,
	    "out of memory");
}

/* Those with a name first. */
static int
by_id(const void *va, const void *vb)
{
	const struct fw_revoked_key *const a = va, *const b = vb;
	const int order = memcmp(a->id, b->id, FWD_KEY_ID);

	if (order != 0)
		return order;
	if ((a->subject == NULL) != (b->subject == NULL))
		return a->subject == NULL ? 1 : -1;
	return (a->file == NULL) - (b->file == NULL);
}

/* In order, each once. */
static void
sort_keys(struct fw_revoked *to)
{
	struct fw_revoked_key *last = NULL;
	size_t n = 0;

	qsort(to->key, to->keys, sizeof *to->key, by_id);
	for (size_t i = 0; i < to->keys; i++) {
		struct fw_revoked_key *const k = &to->key[i];

		if (last != NULL && memcmp(last->id, k->id, FWD_KEY_ID) == 0) {
			last->old |= k->old;
			free(k->subject);
			free(k->file);
			continue;
		}
		last = &to->key[n++];
		*last = *k;
	}
	to->keys = n;
}

static enum fw_kind
collect_keys(struct revoke *r, struct fw_error *err)
{
	const struct fwd_span ids = r->old.revoked;
	const size_t max = ids.n / FWD_KEY_ID + r->opt->revokes;
	struct fw_revoked_key *key = NULL;

	r->result->key = calloc(max + 1, sizeof *r->result->key);
	if (r->result->key == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (size_t i = 0; i < ids.n; i += FWD_KEY_ID)
		FW_TRY(add_key(r, ids.p + i, true, &key, err));
	for (size_t i = 0; i < r->opt->revokes; i++)
		FW_TRY(add_given(r, r->opt->revoke[i], err));
	sort_keys(r->result);
	return FW_OK;
}

/* ---- what may be signed -------------------------------------------------- */

/* Is the root's own key in the list, and in the one before it? */
static bool
revokes_root(const struct revoke *r, bool *before)
{
	const struct fw_revoked *const to = r->result;

	for (size_t i = 0; i < to->keys; i++)
		if (memcmp(to->key[i].id, to->root_id, FWD_KEY_ID) == 0) {
			*before = to->key[i].old;
			return true;
		}
	*before = false;
	return false;
}

static enum fw_kind
check_root(const struct revoke *r, struct fw_error *err)
{
	bool before;
	const bool own = revokes_root(r, &before);

	if (before)
		return fw_fail(err, FW_E_REFUSED, "'%s' revokes the root '%s' "
		    "itself: devices take no other list from it",
		    r->opt->add_to, r->root.label);
	if (own && !r->opt->last)
		return fw_fail(err, FW_E_REFUSED, "the list would revoke the "
		    "root '%s' that signs it: devices would take no other list "
		    "from it (--last if that is meant)", r->root.label);
	if (!own && r->opt->last)
		return fw_fail(err, FW_E_USAGE, "the root '%s' is not among "
		    "the keys, so the list is not its last one",
		    r->root.label);
	return FW_OK;
}

/* The list before, as good as when devices took it. */
static enum fw_kind
load_before(struct revoke *r, struct fw_error *err)
{
	const struct fw_revoke_options *const opt = r->opt;
	const struct fw_anchor *root = &r->root;
	struct fwd_revocations form;
	fwd_status s;

	if (opt->add_to == NULL)
		return FW_OK;
	if (opt->old_root != NULL) {
		FW_TRY(fw_anchor_load(opt->old_root, &r->old_root, err));
		root = &r->old_root;
	}
	FW_TRY(fw_revocations_load(opt->add_to, &r->before, &form, err));
	s = device_reads(r, root, (struct fwd_span){ NULL, 0 },
	    fw_buf_span(&r->before), &r->old);
	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "'%s' cannot be added to: "
		    "'%s' has not signed it, or it is damaged (%s)",
		    opt->add_to, root->label, fwd_status_code(s));
	if (opt->number <= r->old.number)
		return fw_fail(err, FW_E_REFUSED, "number %llu is not greater "
		    "than the %llu of '%s'", (unsigned long long)opt->number,
		    (unsigned long long)r->old.number, opt->add_to);
	r->result->follows = true;
	r->result->before = r->old.number;
	return FW_OK;
}

/* None of the files it is made from may be the one that is written. */
static enum fw_kind
spare_inputs(const struct revoke *r, struct fw_error *err)
{
	const struct fw_revoke_options *const opt = r->opt;

	if (!fw_p11_uri_is(opt->signer.key))
		FW_TRY(fw_output_spares(&r->out, opt->signer.key, err));
	FW_TRY(fw_output_spares(&r->out, opt->root, err));
	FW_TRY(fw_output_spares(&r->out, opt->add_to, err));
	FW_TRY(fw_output_spares(&r->out, opt->old_root, err));
	for (size_t i = 0; i < opt->revokes; i++)
		FW_TRY(fw_output_spares(&r->out, opt->revoke[i], err));
	return FW_OK;
}

/* ---- the list ------------------------------------------------------------ */

static enum fw_kind
encode(const struct revoke *r, struct fw_buf *content, struct fw_error *err)
{
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor c = { 0 };
	const struct fw_revoked *const from = r->result;

	fw_cbor_array(&c, 4);
	fw_cbor_text(&c, FW_REVOCATIONS_KIND);
	fw_cbor_uint(&c, 1);
	fw_cbor_uint(&c, from->number);
	fw_cbor_head(&c, FWD_CBOR_BYTES, from->keys * FWD_KEY_ID);
	for (size_t i = 0; i < from->keys; i++)
		fw_cbor_raw(&c, from->key[i].id, FWD_KEY_ID);
	return fw_cbor_done(&c, content, err);
}

static enum fw_kind
sign(struct revoke *r, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf content = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf block = { 0 };
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor c = { 0 };

	FW_TRY(encode(r, &content, err));
	FW_TRY(fw_signer_sign(&r->signer, fw_buf_span(&content), &block,
	    err));
	fw_cbor_array(&c, 2);
	fw_cbor_bytes(&c, content.p, content.n);
	fw_cbor_bytes(&c, block.p, block.n);
	return fw_cbor_done(&c, &r->list, err);
}

/* What was written, out of the file: is it what was meant? */
static enum fw_kind
judge(const struct revoke *r, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf got = { 0 };
	const struct fw_revoked *const want = r->result;
	struct fwd_revocations list;
	bool good;
	fwd_status s;

	FW_TRY(fw_buf_reserve(&got, r->list.n, err));
	FW_TRY(fw_read_at(r->out.fd, got.p, r->list.n, 0, err));
	got.n = r->list.n;
	s = device_reads(r, &r->root, r->old.revoked, fw_buf_span(&got),
	    &list);
	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "the device library refuses "
		    "the list: %s (%s)", fwd_status_text(s),
		    fwd_status_code(s));
	good = list.number == want->number &&
	    list.revoked.n == want->keys * FWD_KEY_ID;
	for (size_t i = 0; good && i < want->keys; i++)
		good = memcmp(list.revoked.p + i * FWD_KEY_ID,
		    want->key[i].id, FWD_KEY_ID) == 0;
	return good ? FW_OK : fw_fail(err, FW_E_REFUSED, "internal error: the "
	    "device library reads another list");
}

static enum fw_kind
report(struct revoke *r, struct fw_error *err)
{
	struct fw_revoked *const to = r->result;

	to->size = r->list.n;
	to->alg = r->signer.alg;
	to->file = fw_key_is_file(r->signer.key);
	to->subject = strdup(r->signer.subject);
	to->key_label = strdup(fw_key_label(r->signer.key));
	return to->subject != NULL && to->key_label != NULL ? FW_OK :
	    fw_fail(err, FW_E_NOMEM, "out of memory");
}

/* All that can be wrong before a PIN is asked for. */
static enum fw_kind
prepare(struct revoke *r, struct fw_error *err)
{
	FW_TRY(fw_anchor_load(r->opt->root, &r->root, err));
	FW_TRY(key_id(r, r->root.anchor.spki, r->result->root_id, err));
	FW_TRY(load_before(r, err));
	FW_TRY(collect_keys(r, err));
	FW_TRY(check_root(r, err));
	return spare_inputs(r, err);
}

enum fw_kind
fw_revoke(const char *path, const struct fw_revoke_options *opt,
    struct fw_revoked *out, struct fw_error *err)
{
	FW_CLEANUP(fw_revoked_deinit) struct fw_revoked result = {
		.number = opt->number
	};
	FW_CLEANUP(revoke_deinit) struct revoke r = {
		.opt = opt, .result = &result, .out = FW_OUTPUT_NONE
	};

	FW_TRY(fw_output_open(path, &r.out, err));
	FW_TRY(prepare(&r, err));
	FW_TRY(fw_signer_open_bare(&opt->signer, &opt->key, &r.root,
	    &r.signer, err));
	FW_TRY(sign(&r, err));
	FW_TRY(fw_write_all(r.out.fd, r.list.p, r.list.n, path, err));
	FW_TRY(judge(&r, err));
	FW_TRY(report(&r, err));
	/* Frees the key; what interrupts us takes effect before the name. */
	fw_signer_deinit(&r.signer);
	FW_TRY(fw_output_commit(&r.out, err));
	*out = result;
	result = (struct fw_revoked){ 0 };
	return FW_OK;
}
