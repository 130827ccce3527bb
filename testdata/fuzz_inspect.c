/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer harness: whatever bytes there are, an envelope is described as
 * text and JSON without a step outside of it, and what is printed is UTF-8
 * without control characters.  make fuzz-inspect
 */
#include <stdlib.h>

#include "host/describe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(const struct fw_buf *b)
{
	json_t *const utf8 = json_stringn((const char *)b->p, b->n);

	if (utf8 == NULL)
		abort();
	json_decref(utf8);
	for (size_t i = 0; i < b->n; i++)
		if ((b->p[i] < 0x20 && b->p[i] != '\n') || b->p[i] == 0x7f ||
		    (b->p[i] == 0xc2 && b->p[i + 1] < 0xa0))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fw_buf text = { 0 }, json = { 0 };
	struct fw_error err;
	json_t *const problems = json_array();
	json_t *envelope = NULL, *tree;

	if (fw_describe_envelope((struct fwd_span){ data, n }, problems,
	    &envelope, &err) != FW_OK)
		abort();
	tree = json_pack("{s:s, s:s, s:o, s:o}", "file", "fuzz", "kind",
	    "envelope", "envelope", envelope, "problems", problems);
	if (fw_describe_text(tree, &text, &err) != FW_OK ||
	    fw_json_text(tree, &json, &err) != FW_OK)
		abort();
	check(&text);
	check(&json);
	fw_buf_deinit(&text);
	fw_buf_deinit(&json);
	json_decref(tree);
	return 0;
}
