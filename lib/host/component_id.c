/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Component identifiers: as people write them, and as an array of byte strings
 * (the draft, section 8.4.5.1).
 */
#include <stdio.h>
#include <string.h>

#include "host/fields.h"
#include "host/internal.h"

enum {
	TEXT_MAX = 60,			/* always fits, however it is cut */
	SEGMENTS_MAX = 8,
	/* A byte takes two characters, a segment "0x" and a separator. */
	LABEL_ROOM = 2 * FW_ID_MAX + 3 * SEGMENTS_MAX,
};

struct id {
	uint8_t bytes[FW_ID_MAX];
	size_t n;
	char label[LABEL_ROOM];
	size_t label_n;
};

/* Append a byte string; false when the identifier becomes too long. */
static bool
add_bytes(struct id *id, const void *p, size_t n)
{
	const size_t head = n < 24 ? 1 : 2;

	if (n + head > FW_ID_MAX - id->n)
		return false;
	if (n >= 24)
		id->bytes[id->n++] = 0x58;
	id->bytes[id->n++] = (uint8_t)(n < 24 ? 0x40 + n : n);
	memcpy(id->bytes + id->n, p, n);
	id->n += n;
	return true;
}

static void
add_label(struct id *id, const char *segment, size_t n)
{
	if (id->label_n > 0)
		id->label[id->label_n++] = '/';
	memcpy(id->label + id->label_n, segment, n);
	id->label_n += n;
	id->label[id->label_n] = '\0';
}

static bool
is_hex(const char *segment)
{
	return strncmp(segment, "0x", 2) == 0;
}

/* Append "0x...": false when it is malformed; *fits when it is not too long. */
static bool
add_hex(struct id *id, const char *segment, bool *fits)
{
	const char *digits = segment + 2;
	const size_t n = strlen(digits);
	uint8_t bytes[FW_ID_MAX];

	if (n == 0 || n % 2 != 0 ||
	    strspn(digits, "0123456789abcdefABCDEF") != n)
		return false;
	*fits = n / 2 <= sizeof bytes;
	if (!*fits)
		return true;
	for (size_t i = 0; i < n / 2; i++)
		bytes[i] = (uint8_t)(fw_hex_digit(digits[2 * i]) << 4 |
		    fw_hex_digit(digits[2 * i + 1]));
	*fits = add_bytes(id, bytes, n / 2);
	if (*fits)
		add_label(id, segment, n + 2);
	return true;
}

/* "a/b/c" */
static enum fw_kind
read_path(const char *file, const struct fw_node *node, const char *key,
    struct id *id, struct fw_error *err)
{
	const struct fw_field field = {
		.key = key, .type = FW_FIELD_TEXT, .min = 1, .max = TEXT_MAX,
		.rule = fw_rule_component,
	};
	const char *text;
	size_t n, segments = 0;

	FW_TRY(fw_field_read(file, node, &field, &text, err));
	for (;; text += n + 1) {
		n = (size_t)(strchrnul(text, '/') - text);
		if (is_hex(text))
			return fw_fail_node(err, file, node, "'%s' has a "
			    "segment that begins with '0x' (write a list of "
			    "segments for bytes, or choose another name)",
			    key);
		if (++segments > SEGMENTS_MAX)
			return fw_fail_node(err, file, node,
			    "'%s' must have at most %d segments", key,
			    SEGMENTS_MAX);
		/* TEXT_MAX is such that this cannot fail. */
		if (!add_bytes(id, text, n))
			return fw_fail_node(err, file, node,
			    "'%s' is too long", key);
		add_label(id, text, n);
		if (text[n] == '\0')
			break;
	}
	id->bytes[0] = (uint8_t)(0x80 + segments);
	return FW_OK;
}

/* [a, "0x0001"] */
static enum fw_kind
read_list(const char *file, const struct fw_node *node, const char *key,
    struct id *id, struct fw_error *err)
{
	const struct fw_field list = {
		.key = key, .type = FW_FIELD_LIST, .min = 1,
		.max = SEGMENTS_MAX,
	};
	const struct fw_field field = {
		.key = key, .type = FW_FIELD_TEXT, .min = 1, .max = FW_TEXT_MAX,
	};
	const char *text;
	bool fits = true;

	FW_TRY(fw_field_read(file, node, &list, &(const void *){ NULL }, err));
	for (size_t i = 0; i < node->n; i++) {
		const struct fw_node *const at = node->child[i];

		FW_TRY(fw_field_read(file, at, &field, &text, err));
		if (is_hex(text)) {
			if (!add_hex(id, text, &fits))
				return fw_fail_node(err, file, at,
				    "'%s' must be '0x' and pairs of "
				    "hexadecimal digits", text);
		} else if (strchr(text, '/') != NULL ||
		    fw_rule_component(text) != NULL) {
			return fw_fail_node(err, file, at, "a segment must be "
			    "made of A-Z, a-z, 0-9, '.', '_', '+' and '-', "
			    "and not be '.' or '..' (write bytes as 0x...)");
		} else {
			fits = add_bytes(id, text, strlen(text));
			if (fits)
				add_label(id, text, strlen(text));
		}
		if (!fits)
			return fw_fail_node(err, file, at,
			    "'%s' takes more than %u bytes", key, FW_ID_MAX);
	}
	id->bytes[0] = (uint8_t)(0x80 + node->n);
	return FW_OK;
}

enum fw_kind
fw_component_id_read(const char *file, const struct fw_node *node,
    const char *key, uint8_t out[FW_ID_MAX], size_t *out_n, char **label,
    struct fw_error *err)
{
	struct id id = { .n = 1 };	/* the array's head comes last */

	if (node->type == FW_LIST)
		FW_TRY(read_list(file, node, key, &id, err));
	else
		FW_TRY(read_path(file, node, key, &id, err));
	FW_TRY(fw_text_dup(id.label, label, err));
	memcpy(out, id.bytes, FW_ID_MAX);
	*out_n = id.n;
	return FW_OK;
}
