/* SPDX-License-Identifier: Apache-2.0 */
/* What the two commands that handle signing requests have in common. */
#include "fwsign/ceremony.h"

#include "host/internal.h"

enum fw_kind
ceremony_print(FILE *to, const struct fw_request *r, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };

	FW_TRY(fw_request_text(r, &text, err));
	(void)fwrite(text.p, 1, text.n, to);	/* main() asks */
	return FW_OK;
}

/* NULL members are not there. */
static int
set_text(json_t *tree, const char *key, const char *value)
{
	return value == NULL ? 0 : json_object_set_new(tree, key,
	    json_string(value));
}

enum fw_kind
ceremony_json(const struct fw_request *r,
    const struct ceremony_result *result, struct fw_error *err)
{
	FW_CLEANUP(signing_free_json) json_t *tree = json_pack(
	    "{s:O, s:s, s:o, s:I, s:s}", "summary", r->summary, "algorithm",
	    fwd_alg_name(r->alg), "digest", fw_request_digest(r), "size",
	    (json_int_t)r->tbs.n, "judged", result->to_root ? "up-to-root" :
	    "up-to-topmost-certificate");
	int rc = tree == NULL;

	if (rc == 0) {
		rc |= set_text(tree, "request", result->request);
		rc |= set_text(tree, "response", result->response);
	}
	if (rc == 0 && result->signer != NULL) {
		rc |= set_text(tree, "key", fw_key_label(result->signer->key));
		rc |= json_object_set_new(tree, "key-file", json_boolean(
		    fw_key_is_file(result->signer->key)));
	}
	if (rc != 0)
		return fw_fail(err, FW_E_NOMEM,
		    "cannot show the result as JSON");
	return signing_dump(tree, err);
}
