/* SPDX-License-Identifier: Apache-2.0 */
/* Logging the signatures of a bundle. */
#include "host/build_internal.h"
#include "host/log_internal.h"

static enum fw_kind
entry(const struct fw_signers *s, size_t i, struct fw_log_signature *what,
    json_t **out, struct fw_error *err)
{
	struct fwd_cose cose;
	const fwd_status status = fwd_cose_read(s->span[i], &cose);

	if (status != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "the signature: %s",
		    fwd_status_text(status));
	what->signer = &s->signer[i];
	what->signature = cose.sig;
	return fw_log_entry(what, out, err);
}

enum fw_kind
fw_signers_entries(const struct fw_signers *s, struct fwd_span envelope,
    const char *path, json_t *out[FW_SIGNERS_MAX], struct fw_error *err)
{
	FW_CLEANUP(fw_about_deinit) struct fw_about about = { 0 };
	struct fw_log_signature what = { .bundle = path };
	enum fw_kind kind = FW_OK;
	struct fwd_envelope env;
	fwd_status status;
	size_t i;

	status = fwd_envelope_read(envelope, &env);
	if (status != FWD_OK)
		return fw_fail(err, FW_E_REFUSED, "the envelope: %s",
		    fwd_status_text(status));
	FW_TRY(fw_about_read(&env, &about, err));
	what.product = about.product;
	what.version = about.version;
	what.sequence_number = about.sequence_number;
	what.digest_alg = (int32_t)env.digest.alg;
	what.manifest_digest = env.digest.bytes.p;
	for (i = 0; i < s->n && kind == FW_OK; i++)
		kind = entry(s, i, &what, &out[i], err);
	if (kind == FW_OK)
		return FW_OK;
	while (i-- > 0) {
		json_decref(out[i]);
		out[i] = NULL;
	}
	return kind;
}

enum fw_kind
fw_signers_log(const struct fw_signers *s, struct fwd_span envelope,
    const char *path, const struct fw_build_options *opt,
    struct fw_error *err)
{
	json_t *made[FW_SIGNERS_MAX] = { NULL };
	enum fw_kind kind;
	size_t i;

	if (opt->log == NULL || s->n == 0)
		return FW_OK;
	FW_TRY(fw_signers_entries(s, envelope, path, made, err));
	kind = fw_log_append_entries(opt->log, made, s->n, err);
	for (i = 0; i < s->n; i++)
		json_decref(made[i]);
	return kind;
}
