/* SPDX-License-Identifier: Apache-2.0 */
/* All who sign one bundle, and the roots they are judged against. */
#include <string.h>

#include "host/build_internal.h"
#include "host/p11uri.h"

void
fw_signers_deinit(struct fw_signers *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (!s->borrowed)
			fw_signer_deinit(&s->signer[i]);
		fw_buf_deinit(&s->block[i]);
	}
	*s = (struct fw_signers){ 0 };
}

enum fw_kind
fw_signers_open(const struct fw_signer_spec *spec, size_t n,
    const struct fw_build_options *opt, struct fw_signers *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_signers_deinit) struct fw_signers s = { 0 };
	size_t i;

	if (opt->session != NULL) {
		fw_signers_borrow(opt->session->signers, opt->session->pool,
		    out);
		return FW_OK;
	}
	if (n > FW_SIGNERS_MAX)
		return fw_fail(err, FW_E_INPUT, "more than %u signers",
		    FW_SIGNERS_MAX);
	FW_TRY(fw_deny_roots(opt, err));
	while (s.n < n) {
		FW_TRY(fw_signer_open(&spec[s.n], opt, &s.signer[s.n], err));
		s.n++;
		for (i = 0; i + 1 < s.n; i++)
			if (fwd_span_equal(fw_key_public(s.signer[i].key),
			    fw_key_public(s.signer[s.n - 1].key)))
				return fw_fail(err, FW_E_INPUT,
				    "%s would sign twice",
				    fw_key_label(s.signer[i].key));
	}
	*out = s;
	s = (struct fw_signers){ 0 };
	return FW_OK;
}

enum fw_kind
fw_signers_spare(const struct fw_signer_spec *spec, size_t n,
    const struct fw_build_options *opt, const struct fw_output *out,
    struct fw_error *err)
{
	size_t i;

	if (opt->deny != NULL)
		FW_TRY(fw_output_spares(out, opt->deny->path, err));
	for (i = 0; i < n; i++) {
		if (spec[i].elsewhere != NULL)
			FW_TRY(fw_output_spares(out, spec[i].elsewhere->path,
			    err));
		else if (!fw_p11_uri_is(spec[i].key))
			FW_TRY(fw_output_spares(out, spec[i].key, err));
		FW_TRY(fw_output_spares(out, spec[i].chain, err));
	}
	for (i = 0; i < opt->trusts; i++)
		FW_TRY(fw_output_spares(out, opt->trust[i], err));
	return fw_output_apart(out, opt->log, err);
}

static enum fw_kind
make_blocks(struct fw_signers *s, bool blank, struct fw_error *err)
{
	struct fw_key_token token;
	size_t i;

	for (i = 0; i < s->n; i++) {
		fw_buf_deinit(&s->block[i]);
		FW_TRY(fw_signer_block(&s->signer[i], s->payload, blank,
		    &s->block[i], err));
		s->span[i] = fw_buf_span(&s->block[i]);
		if (blank)
			continue;
		fw_key_token(s->signer[i].key, &token);
		s->signer[i].mechanism = token.mechanism;
	}
	return FW_OK;
}

enum fw_kind
fw_signers_sign(struct fw_signers *s, struct fwd_span payload, bool blank,
    struct fw_error *err)
{
	struct fw_signers *with;
	enum fw_kind kind;
	size_t i;

	s->payload = payload;
	if (blank || s->n == 0 || s->pool == NULL)
		return make_blocks(s, blank, err);
	with = fw_pool_take(s->pool);
	for (i = 0; i < s->n; i++)
		s->signer[i].key = with->signer[i].key;
	kind = make_blocks(s, false, err);
	fw_pool_put(s->pool, with);
	return kind;
}

/* ---- roots ----------------------------------------------------------- */

void
fw_roots_deinit(struct fw_roots *r)
{
	while (r->files > 0)
		fw_anchor_deinit(&r->file[--r->files]);
}

/* The roots the user names. */
static enum fw_kind
given_roots(struct fw_roots *r, const struct fw_build_options *opt,
    struct fw_error *err)
{
	struct fw_anchor *a;

	if (opt->trusts > FWD_ANCHORS_MAX)
		return fw_fail(err, FW_E_USAGE, "more than %u roots",
		    FWD_ANCHORS_MAX);
	for (r->n = 0; r->n < opt->trusts; r->n++) {
		a = &r->file[r->files];
		FW_TRY(fw_anchor_load(opt->trust[r->n], a, err));
		r->anchor[r->n] = a->anchor;
		r->files++;
		FW_TRY(fw_deny_key(opt, a->anchor.spki, a->label, err));
	}
	return FW_OK;
}

/* Those that the chain files end with: of all signers, or none. */
static enum fw_kind
own_roots(struct fw_roots *r, const struct fw_signers *s,
    struct fw_error *err)
{
	fwd_status status;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->signer[i].chain.root.n == 0) {
			r->n = 0;
			return FW_OK;
		}
		status = fwd_anchor_read(
		    fw_buf_span(&s->signer[i].chain.root), &r->anchor[r->n++]);
		if (status != FWD_OK)
			return fw_fail(err, FW_E_REFUSED, "the root that the "
			    "chain of '%s' ends with: %s",
			    s->signer[i].subject, fwd_status_text(status));
	}
	return FW_OK;
}

enum fw_kind
fw_roots_load(struct fw_roots *r, const struct fw_signers *s,
    const struct fw_build_options *opt, struct fw_error *err)
{
	if (opt->trusts > 0)
		return given_roots(r, opt, err);
	return own_roots(r, s, err);
}

/* Was it refused because a signature does not hold?  Then say which. */
static enum fw_kind
blame(const struct fw_signers *s, struct fw_error *err)
{
	struct fw_error why = { .kind = FW_OK };
	size_t i;

	for (i = 0; i < s->n && why.kind == FW_OK; i++)
		(void)fw_signer_verify(&s->signer[i], s->payload, s->span[i],
		    &why);
	if (why.kind != FW_OK)
		*err = why;
	return err->kind;
}

enum fw_kind
fw_signers_judge(const struct fw_signers *s, struct fw_selfcheck *sc,
    const struct fw_build_options *opt, struct fw_built *built,
    struct fw_error *err)
{
	FW_CLEANUP(fw_roots_deinit) struct fw_roots own = { 0 };
	const struct fw_roots *r = &own;

	sc->signers = s->n;
	if (s->n == 0)
		return fw_selfcheck_content(sc, err);
	if (opt->session != NULL)
		r = opt->session->roots;
	else
		FW_TRY(fw_roots_load(&own, s, opt, err));
	sc->anchor = r->anchor;
	sc->anchors = r->n;
	built->judged_to_root = r->n > 0;
	return fw_selfcheck(sc, err) == FW_E_REFUSED ? blame(s, err) :
	    err->kind;
}

/* ---- report ---------------------------------------------------------- */

enum fw_kind
fw_signers_report(const struct fw_signers *s, size_t first,
    struct fw_built *built, struct fw_error *err)
{
	const struct fw_signer *from;
	size_t i;

	for (i = 0; i < s->n; i++) {
		from = &s->signer[i];
		built->signers = i + 1;
		built->signer[i].subject = strdup(from->subject);
		built->signer[i].serial = strdup(from->serial);
		built->signer[i].block = first + i;
		built->signer[i].key = strdup(fw_key_label(from->key));
		built->signer[i].alg = from->alg;
		built->signer[i].not_before = from->not_before;
		built->signer[i].not_after = from->not_after;
		built->signer[i].file = fw_key_is_file(from->key);
		if (built->signer[i].subject == NULL ||
		    built->signer[i].serial == NULL ||
		    built->signer[i].key == NULL)
			return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	return FW_OK;
}
