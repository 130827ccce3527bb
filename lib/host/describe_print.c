/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of text and JSON out of a tree, safe to show on a terminal. */
#include <stdio.h>
#include <string.h>

#include "host/describe_internal.h"

/* Where values begin, and how far behind their labels they do at least. */
enum { COLUMN = 26, LABEL = 24 };

enum fw_kind
fw_escape(struct fw_buf *out, struct fwd_span s, struct fw_error *err)
{
	char piece[1024];
	size_t left;

	while (s.n > 0) {
		left = fw_printable(s.p, s.n, piece, sizeof piece);
		FW_TRY(fw_buf_add(out, piece, strlen(piece), err));
		s.p += s.n - left;
		s.n = left;
	}
	return FW_OK;
}

void
fw_t_put(struct fw_text *t, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || fw_buf_add(&t->out, text, strlen(text), &t->err) != FW_OK)
		t->failed = true;
}

static void
safe(struct fw_text *t, const char *p, size_t n)
{
	if (fw_escape(&t->out, (struct fwd_span){ (const uint8_t *)p, n },
	    &t->err) != FW_OK)
		t->failed = true;
}

void
fw_t_value(struct fw_text *t, const json_t *value)
{
	if (json_is_string(value))
		safe(t, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		fw_t_put(t, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
	else if (json_is_boolean(value))
		fw_t_put(t, "%s", json_is_true(value) ? "true" : "false");
	else
		fw_t_put(t, "-");
}

void
fw_t_label(struct fw_text *t, unsigned indent, const char *label)
{
	const int width = (int)indent + LABEL > COLUMN ? LABEL :
	    COLUMN - (int)indent;
	const int pad = width - (int)strlen(label);

	fw_t_put(t, "%*s%s%*s", (int)indent, "", label, pad < 1 ? 1 : pad,
	    "");
}

/* Does text have more than one line? */
static bool
is_block(const json_t *value)
{
	return json_is_string(value) && memchr(json_string_value(value), '\n',
	    json_string_length(value)) != NULL;
}

/* Text of several lines, each marked, so that none passes for one of ours. */
static void
block(struct fw_text *t, unsigned indent, const json_t *value)
{
	const char *p = json_string_value(value), *end;
	size_t left = json_string_length(value), n;

	for (;;) {
		end = memchr(p, '\n', left);
		n = end != NULL ? (size_t)(end - p) : left;
		fw_t_put(t, "%*s| ", (int)indent, "");
		safe(t, p, n);
		fw_t_put(t, "\n");
		if (end == NULL || left == n + 1)
			return;
		p += n + 1;
		left -= n + 1;
	}
}

void
fw_t_row(struct fw_text *t, unsigned indent, const char *label,
    const json_t *value)
{
	if (is_block(value)) {
		fw_t_put(t, "%*s%s\n", (int)indent, "", label);
		block(t, indent + 2, value);
		return;
	}
	fw_t_label(t, indent, label);
	fw_t_value(t, value);
	fw_t_put(t, "\n");
}

void
fw_t_identifier(struct fw_text *t, const json_t *component)
{
	const json_t *const label = json_object_get(component, "label");
	const json_t *const id = json_object_get(component, "identifier");
	const json_t *segment;
	size_t i;

	if (json_is_string(label)) {
		fw_t_value(t, label);
		return;
	}
	fw_t_put(t, "[");
	json_array_foreach(id, i, segment) {
		fw_t_put(t, "%sh'", i > 0 ? ", " : "");
		fw_t_value(t, segment);
		fw_t_put(t, "'");
	}
	fw_t_put(t, "]");
}

/* Jansson escapes what is not ASCII and all controls but DEL. */
enum fw_kind
fw_json_text(const json_t *tree, struct fw_buf *out, struct fw_error *err)
{
	FW_FREE char *text = json_dumps(tree, JSON_INDENT(2) |
	    JSON_ENSURE_ASCII);
	const char *p, *del;

	if (text == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (p = text; (del = strchr(p, 0x7f)) != NULL; p = del + 1) {
		FW_TRY(fw_buf_add(out, p, (size_t)(del - p), err));
		FW_TRY(fw_buf_add(out, "\\u007f", 6, err));
	}
	FW_TRY(fw_buf_add(out, p, strlen(p), err));
	return fw_buf_add(out, "\n", 1, err);
}
