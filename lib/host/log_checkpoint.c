/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints: lines of the signing log with a signature over themselves and,
 * by the hash of the line before, over all that lies before them.
 */
#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#include "host/log_internal.h"

/* What is signed begins like nothing else that these keys sign. */
static const char context[] = "fwsign signing log checkpoint\n";

static const char *const unsigned_[] = { "hash", "signature", NULL };

/* ---- base64 --------------------------------------------------------- */

static json_t *
base64(struct fwd_span s)
{
	char *const text = malloc((s.n + 2) / 3 * 4 + 1);
	json_t *o;

	if (text == NULL)
		return NULL;
	(void)EVP_EncodeBlock((unsigned char *)text, s.p, (int)s.n);
	o = json_string(text);
	free(text);
	return o;
}

/* Decode what base64() makes, and nothing else. */
static bool
unbase64(const json_t *v, struct fw_buf *out)
{
	const char *const text = json_string_value(v);
	const size_t n = json_string_length(v);
	struct fw_error ignored;
	FW_FREE char *again = NULL;
	size_t pad = 0;

	if (n == 0 || n % 4 != 0 || n > FW_LOG_LINE_MAX ||
	    fw_buf_reserve(out, n, &ignored) != FW_OK ||
	    EVP_DecodeBlock(out->p, (const unsigned char *)text, (int)n) < 0)
		return false;
	pad += text[n - 1] == '=';
	pad += text[n - 2] == '=';
	out->n = n / 4 * 3 - pad;
	again = malloc(n + 1);
	return again != NULL && EVP_EncodeBlock((unsigned char *)again, out->p,
	    (int)out->n) == (int)n && memcmp(again, text, n) == 0;
}

/* ---- making one ----------------------------------------------------- */

static enum fw_kind
add_chain(json_t *to, const struct fw_signer *s, struct fw_error *err)
{
	json_t *const list = json_array();
	int rc = 0;
	size_t i;

	for (i = 0; i < s->chain.n; i++)
		rc |= json_array_append_new(list,
		    base64(fw_buf_span(&s->chain.cert[i])));
	rc |= json_object_set_new(to, "chain", list);
	return rc == 0 ? FW_OK : fw_fail(err, FW_E_NOMEM, "out of memory");
}

static enum fw_kind
sign(json_t *o, const struct fw_signer *s, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	uint8_t sig[FWD_SIG_MAX];
	struct fwd_span msg[2];
	size_t n;

	FW_TRY(fw_log_dump(o, unsigned_, &text, err));
	msg[0] = (struct fwd_span){ (const uint8_t *)context,
	    sizeof context - 1 };
	msg[1] = fw_buf_span(&text);
	FW_TRY(fw_key_sign(s->key, s->alg, msg, 2, sig, &n, err));
	if (json_object_set_new(o, "signature",
	    base64((struct fwd_span){ sig, n })) != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

/* The mechanism is known once something was signed. */
static enum fw_kind
sign_line(json_t *o, const struct fw_signer *s, struct fw_error *err)
{
	struct fw_key_token before, after;

	FW_TRY(fw_log_who(o, s, err));
	fw_key_token(s->key, &before);
	FW_TRY(sign(o, s, err));
	fw_key_token(s->key, &after);
	if (before.mechanism == after.mechanism)
		return FW_OK;
	if (json_object_set_new(o, "mechanism",
	    json_string(after.mechanism)) != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return sign(o, s, err);
}

/* ---- roots ---------------------------------------------------------- */

enum fw_kind
fw_log_roots_load(const struct fw_log_options *opt, struct fw_log_roots *out,
    struct fw_error *err)
{
	if (opt->trusts > FWD_ANCHORS_MAX)
		return fw_fail(err, FW_E_USAGE, "more than %u roots",
		    FWD_ANCHORS_MAX);
	while (out->n < opt->trusts) {
		FW_TRY(fw_anchor_load(opt->trust[out->n], &out->file[out->n],
		    err));
		out->anchor[out->n] = out->file[out->n].anchor;
		out->n++;
	}
	return FW_OK;
}

void
fw_log_roots_deinit(struct fw_log_roots *r)
{
	while (r->n > 0)
		fw_anchor_deinit(&r->file[--r->n]);
}

/* ---- judging one ---------------------------------------------------- */

struct parts {
	struct fw_buf cert[FWD_CHAIN_MAX], sig, text;
	struct fwd_span der[FWD_CHAIN_MAX];
	size_t n;
};

static void
parts_deinit(struct parts *p)
{
	size_t i;

	for (i = 0; i < FWD_CHAIN_MAX; i++)
		fw_buf_deinit(&p->cert[i]);
	fw_buf_deinit(&p->sig);
	fw_buf_deinit(&p->text);
}

static enum fw_kind
take_apart(const json_t *o, struct parts *p, struct fw_error *err)
{
	const json_t *const chain = json_object_get(o, "chain");
	fw_log_hex hash;
	size_t i;

	for (i = 0; i < json_array_size(chain); i++) {
		if (!unbase64(json_array_get(chain, i), &p->cert[i]))
			return fw_fail(err, FW_E_REFUSED, "the checkpoint's "
			    "certificates cannot be read");
		p->der[p->n++] = fw_buf_span(&p->cert[i]);
	}
	if (!unbase64(json_object_get(o, "signature"), &p->sig))
		return fw_fail(err, FW_E_REFUSED,
		    "the checkpoint's signature cannot be read");
	FW_TRY(fw_log_hash(p->der[0], hash, err));
	if (strcmp(hash, json_string_value(json_object_get(json_object_get(o,
	    "certificate"), "sha256"))) != 0)
		return fw_fail(err, FW_E_REFUSED, "the checkpoint names "
		    "another certificate than it carries");
	return fw_log_dump(o, unsigned_, &p->text, err);
}

/* The key of the leaf; up to a root, if there are any. */
static fwd_status
leaf_key(const struct parts *p, int64_t when, const struct fwd_crypto *crypto,
    const struct fw_log_roots *roots, struct fwd_key *key)
{
	const struct fwd_policy policy = {
		.anchor = roots->anchor, .anchors = roots->n, .threshold = 1,
		.clock = FWD_CLOCK_TRUSTED, .time_min = INT64_MIN,
		.purpose = fwd_code_signing,
	};
	struct fwd_chain_result chain;
	struct fwd_anchor leaf;
	fwd_status s;

	if (roots->n == 0) {
		s = fwd_anchor_read(p->der[0], &leaf);
		return s == FWD_OK ? fwd_key_read(leaf.spki, key) : s;
	}
	s = fwd_chain_check(crypto, &policy, when, p->der, p->n,
	    (struct fwd_tracer){ 0 }, &chain);
	if (s == FWD_OK)
		*key = chain.key;
	return s;
}

enum fw_kind
fw_log_checkpoint_check(const struct fw_log_line *l,
    const struct fwd_crypto *crypto, const struct fw_log_roots *roots,
    struct fw_error *err)
{
	FW_CLEANUP(parts_deinit) struct parts p = { 0 };
	const int32_t alg = fw_alg_by_name(json_string_value(
	    json_object_get(l->o, "algorithm")));
	struct fwd_span msg[2] = {
		{ (const uint8_t *)context, sizeof context - 1 }, { NULL, 0 }
	};
	struct fwd_key key;
	int64_t when = 0;
	fwd_status s;

	FW_TRY(take_apart(l->o, &p, err));
	(void)fw_time_parse(l->time, &when);
	msg[1] = fw_buf_span(&p.text);
	s = leaf_key(&p, when, crypto, roots, &key);
	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "the checkpoint's "
		    "certificate is not accepted: %s (%s)",
		    fwd_status_text(s), fwd_status_code(s));
	s = fwd_sig_check(crypto, alg, &key, msg, 2, fw_buf_span(&p.sig));
	if (s != FWD_OK)
		return fw_fail(err, FW_E_REFUSED,
		    "the checkpoint's signature does not hold: %s (%s)",
		    fwd_status_text(s), fwd_status_code(s));
	return FW_OK;
}

/* ---- the whole ------------------------------------------------------ */

/* The line as it will stand there, judged. */
static enum fw_kind
judge(struct fwd_span text, const struct fw_log_options *opt,
    const struct fw_log_roots *roots, struct fw_error *err)
{
	FW_CLEANUP(fw_log_line_deinit) struct fw_log_line l = { 0 };
	const char *const why = fw_log_line_read(text, &l, NULL);

	if (why != NULL)
		return fw_fail(err, FW_E_REFUSED,
		    "internal error: the checkpoint %s", why);
	return fw_log_checkpoint_check(&l, opt->crypto, roots, err);
}

enum fw_kind
fw_log_checkpoint(const char *path, const struct fw_signer *signer,
    const struct fw_log_options *opt, struct fw_buf *line, uint64_t *number,
    struct fw_error *err)
{
	FW_CLEANUP(fw_log_roots_deinit) struct fw_log_roots roots = { 0 };
	FW_CLEANUP(fw_log_file_close) struct fw_log_file f = FW_LOG_FILE_NONE;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf add = { 0 };
	FW_JSON json_t *o = json_pack("{s:s}", "type", "checkpoint");
	struct fwd_span text;
	size_t before;

	if (o == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fw_log_roots_load(opt, &roots, err));
	FW_TRY(fw_log_file_open(path, &f, err));
	FW_TRY(fw_log_file_begin(&f, &add, err));
	FW_TRY(fw_log_line_stamp(o, ++f.number, f.head, err));
	FW_TRY(add_chain(o, signer, err));
	FW_TRY(sign_line(o, signer, err));
	before = add.n;
	FW_TRY(fw_log_line_add(o, f.number, f.head, &add, f.head, err));
	text = (struct fwd_span){ add.p + before, add.n - before };
	text.n--;			/* without its end */
	FW_TRY(judge(text, opt, &roots, err));
	if (line != NULL)
		FW_TRY(fw_buf_add(line, text.p, text.n + 1, err));
	*number = f.number;
	return fw_log_file_write(&f, &add, err);
}
