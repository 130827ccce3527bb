/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form that requests and responses have in common: a JSON object of one
 * layout, with a digest of itself at the end.  The digest finds what was
 * damaged on the way; it proves nothing.
 */
#include <openssl/evp.h>
#include <string.h>

#include "host/ceremony.h"
#include "host/describe_internal.h"

static const char check_key[] = "check";

enum fw_kind
fw_exchange_bad(const char *path, const char *format, const char *why,
    struct fw_error *err)
{
	return fw_fail(err, FW_E_REFUSED, "'%s' is not a %s: %s", path,
	    strcmp(format, "fwsign-request-1") == 0 ? "signing request" :
	    "signing response", why);
}

/* ---- base64 (RFC 4648 section 4) ------------------------------------- */

json_t *
fw_base64(struct fwd_span data)
{
	FW_FREE unsigned char *text = NULL;

	if (data.n > INT32_MAX / 2)
		return NULL;
	text = malloc(data.n / 3 * 4 + 5);
	if (text == NULL)
		return NULL;
	text[0] = '\0';
	if (data.n > 0)
		(void)EVP_EncodeBlock(text, data.p, (int)data.n);
	return json_string((char *)text);
}

/* What EVP_DecodeBlock() lets through besides, the comparison with what would
   be written finds. */
bool
fw_unbase64(const json_t *value, struct fw_buf *out)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf b = { 0 };
	const char *const text = json_string_value(value);
	const size_t n = json_string_length(value);
	struct fw_error ignored;
	size_t pad = 0;
	int got;

	if (text == NULL || n == 0 || n % 4 != 0 || n > FW_REQUEST_MAX ||
	    fw_buf_reserve(&b, n / 4 * 3, &ignored) != FW_OK)
		return false;
	while (pad < 2 && text[n - 1 - pad] == '=')
		pad++;
	got = EVP_DecodeBlock(b.p, (const unsigned char *)text, (int)n);
	if (got < 0 || (size_t)got != n / 4 * 3)
		return false;
	b.n = (size_t)got - pad;
	*out = b;
	b = (struct fw_buf){ 0 };
	return true;
}

/* ---- the digest ------------------------------------------------------ */

/* Where the line with the digest begins; n when there is none. */
static size_t
check_at(struct fwd_span text)
{
	static const char line[] = "\n  \"check\": ";
	const size_t n = sizeof line - 1;
	size_t i;

	for (i = text.n; i >= n; i--)
		if (memcmp(text.p + i - n, line, n) == 0)
			return i - n + 1;
	return text.n;
}

static enum fw_kind
check_of(struct fwd_span text, json_t **out, struct fw_error *err)
{
	uint8_t digest[FWD_DIGEST_MAX];

	text.n = check_at(text);
	FW_TRY(fw_digest(FWD_SHA256, text, digest, err));
	*out = fw_d_digest_text(FWD_SHA256, (struct fwd_span){ digest,
	    fwd_digest_size(FWD_SHA256) });
	return *out != NULL ? FW_OK :
	    fw_fail(err, FW_E_NOMEM, "out of memory");
}

enum fw_kind
fw_exchange_encode(json_t *tree, struct fw_buf *out, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf blank = { 0 };
	json_t *check = NULL;

	if (json_object_set_new(tree, check_key, json_string("")) != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	FW_TRY(fw_json_text(tree, &blank, err));
	FW_TRY(check_of(fw_buf_span(&blank), &check, err));
	if (json_object_set_new(tree, check_key, check) != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return fw_json_text(tree, out, err);
}

enum fw_kind
fw_exchange_parse(struct fwd_span text, const char *format, const char *path,
    json_t **out, struct fw_error *err)
{
	FW_JSON json_t *tree = json_loadb((const char *)text.p, text.n,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	FW_JSON json_t *check = NULL;
	const char *is;

	if (!json_is_object(tree))
		return fw_exchange_bad(path, format, "it is no JSON object "
		    "(was it cut?)", err);
	is = json_string_value(json_object_get(tree, "format"));
	if (is == NULL || strcmp(is, format) != 0)
		return fw_exchange_bad(path, format, "it says so nowhere",
		    err);
	FW_TRY(check_of(text, &check, err));
	if (!json_equal(check, json_object_get(tree, check_key)))
		return fw_exchange_bad(path, format, "it was damaged or "
		    "changed on its way", err);
	*out = tree;
	tree = NULL;
	return FW_OK;
}

/* ---- files ----------------------------------------------------------- */

struct outputs {
	struct fw_output out[FW_EXCHANGE_FILES_MAX];
};

static void
outputs_abandon(struct outputs *o)
{
	size_t i;

	for (i = 0; i < FW_EXCHANGE_FILES_MAX; i++)
		fw_output_abandon(&o->out[i]);
}

static enum fw_kind
open_all(struct outputs *o, const struct fw_exchange_file *file, size_t n,
    const char *const *input, size_t inputs, struct fw_error *err)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		FW_TRY(fw_output_open(file[i].path, &o->out[i], err));
		for (j = 0; j < i; j++)
			FW_TRY(fw_output_apart(&o->out[i], file[j].path, err));
		/* The log is one of these, and need not be there yet. */
		for (j = 0; j < inputs; j++)
			FW_TRY(fw_output_apart(&o->out[i], input[j], err));
	}
	return FW_OK;
}

enum fw_kind
fw_exchange_writable(const struct fw_exchange_file *file, size_t n,
    const char *const *input, size_t inputs, struct fw_error *err)
{
	FW_CLEANUP(outputs_abandon) struct outputs o = { { FW_OUTPUT_NONE,
	    FW_OUTPUT_NONE, FW_OUTPUT_NONE } };

	return open_all(&o, file, n, input, inputs, err);
}

enum fw_kind
fw_exchange_write(const struct fw_exchange_file *file, size_t n,
    const char *const *input, size_t inputs, struct fw_error *err)
{
	FW_CLEANUP(outputs_abandon) struct outputs o = { { FW_OUTPUT_NONE,
	    FW_OUTPUT_NONE, FW_OUTPUT_NONE } };
	size_t i;

	FW_TRY(open_all(&o, file, n, input, inputs, err));
	for (i = 0; i < n; i++)
		FW_TRY(fw_write_all(o.out[i].fd, file[i].data.p,
		    file[i].data.n, file[i].path, err));
	for (i = 0; i < n; i++)
		FW_TRY(fw_output_commit(&o.out[i], err));
	return FW_OK;
}

/* ---- chains ---------------------------------------------------------- */

bool
fw_exchange_set_chain(json_t *tree, const struct fw_chain *chain)
{
	json_t *const list = json_array();
	int rc = 0;
	size_t i;

	for (i = 0; i < chain->n; i++)
		rc |= json_array_append_new(list,
		    fw_base64(fw_buf_span(&chain->cert[i])));
	rc |= json_object_set_new(tree, "chain", list);
	return rc == 0;
}

bool
fw_exchange_chain(const json_t *tree, struct fw_chain *out)
{
	FW_CLEANUP(fw_chain_deinit) struct fw_chain c = { 0 };
	const json_t *const list = json_object_get(tree, "chain");
	const size_t n = json_array_size(list);

	if (n == 0 || n > FWD_CHAIN_MAX)
		return false;
	for (; c.n < n; c.n++)
		if (!fw_unbase64(json_array_get(list, c.n), &c.cert[c.n]))
			return false;
	*out = c;
	c = (struct fw_chain){ 0 };
	return true;
}
