/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading of maps by tables of keys.  Scalars have the types of the
 * core schema of YAML 1.2 (section 10.3.2), so that what a JSON Schema says
 * about a document in an editor is what is read here.
 */
#include <stdio.h>
#include <string.h>

#include "host/fields.h"
#include "host/internal.h"

enum fw_kind
fw_fail_node(struct fw_error *err, const char *file,
    const struct fw_node *node, const char *fmt, ...)
{
	char text[FW_ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	return fw_fail_at(err, FW_E_INPUT, file, node->line, node->column,
	    "%s", text);
}

/* ---- scalars --------------------------------------------------------- */

static bool
is_one_of(const char *text, const char *const *word)
{
	for (; *word != NULL; word++)
		if (strcmp(text, *word) == 0)
			return true;
	return false;
}

/* Is all of the text made of these characters, and not empty? */
static bool
all_of(const char *text, const char *characters)
{
	return *text != '\0' && text[strspn(text, characters)] == '\0';
}

static const char decimal[] = "0123456789";

/* [-+]? [0-9]+ | 0o [0-7]+ | 0x [0-9a-fA-F]+ */
static bool
is_int(const char *t)
{
	if (strncmp(t, "0x", 2) == 0)
		return all_of(t + 2, "0123456789abcdefABCDEF");
	if (strncmp(t, "0o", 2) == 0)
		return all_of(t + 2, "01234567");
	return all_of(t + (*t == '-' || *t == '+'), decimal);
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool
is_float(const char *t)
{
	static const char *const inf[] = { ".inf", ".Inf", ".INF", NULL };
	static const char *const nan[] = { ".nan", ".NaN", ".NAN", NULL };
	size_t whole, part = 0;

	if (is_one_of(t, nan))
		return true;
	t += *t == '-' || *t == '+';
	if (is_one_of(t, inf))
		return true;
	whole = strspn(t, decimal);
	t += whole;
	if (*t == '.') {
		part = strspn(++t, decimal);
		t += part;
	}
	if (whole + part == 0)
		return false;
	if (*t == 'e' || *t == 'E') {
		t++;
		return all_of(t + (*t == '-' || *t == '+'), decimal);
	}
	return *t == '\0';
}

enum fw_scalar
fw_scalar_type(const struct fw_node *node)
{
	static const char *const null[] = { "", "~", "null", "Null", "NULL",
	    NULL };
	static const char *const boolean[] = { "true", "True", "TRUE",
	    "false", "False", "FALSE", NULL };

	if (!node->plain)
		return FW_STRING;
	if (is_one_of(node->text, null))
		return FW_NULL;
	if (is_one_of(node->text, boolean))
		return FW_BOOL;
	if (is_int(node->text))
		return FW_INT;
	if (is_float(node->text))
		return FW_FLOAT;
	return FW_STRING;
}

/* ---- values ---------------------------------------------------------- */

/* The text of a string; otherwise fail and say how to make it one. */
static enum fw_kind
want_string(const char *file, const struct fw_node *value, const char *key,
    const char **out, struct fw_error *err)
{
	const enum fw_scalar type = value->type == FW_SCALAR ?
	    fw_scalar_type(value) : FW_NULL;

	if (value->type != FW_SCALAR)
		return fw_fail_node(err, file, value,
		    "'%s' must be a string, not a %s", key,
		    value->type == FW_MAP ? "map" : "list");
	if (type == FW_NULL)
		return fw_fail_node(err, file, value,
		    "'%s' has no value (give it one or leave the key out)",
		    key);
	if (type != FW_STRING)
		return fw_fail_node(err, file, value,
		    "'%s' must be a string (write it in quotes: \"%s\")",
		    key, value->text);
	*out = value->text;
	return FW_OK;
}

static enum fw_kind
check_characters(const char *file, const struct fw_node *value,
    const struct fw_field *field, const char *text, struct fw_error *err)
{
	const bool lines = field->type == FW_FIELD_LINES;
	size_t left = strlen(text), n = 0, step;
	uint32_t cp = 0;

	if (left > 0 && !lines && (text[0] == ' ' || text[left - 1] == ' '))
		return fw_fail_node(err, file, value,
		    "'%s' must not begin or end with a space", field->key);
	for (; left > 0; text += step, left -= step, n++) {
		step = fw_utf8_next(text, left, &cp);
		if (step == 0)		/* cannot come out of the loader */
			return fw_fail_node(err, file, value,
			    "'%s' is not UTF-8", field->key);
		if (fw_is_control(cp) && !(lines && cp == '\n'))
			return fw_fail_node(err, file, value,
			    "'%s' has a control character, U+%04X",
			    field->key, (unsigned)cp);
	}
	if (n < field->min)
		return fw_fail_node(err, file, value,
		    "'%s' must not be empty", field->key);
	if (n > field->max)
		return fw_fail_node(err, file, value,
		    "'%s' must have at most %llu characters", field->key,
		    (unsigned long long)field->max);
	return FW_OK;
}

static enum fw_kind
read_text(const char *file, const struct fw_node *value,
    const struct fw_field *field, const char **out, struct fw_error *err)
{
	const char *text, *wrong;

	FW_TRY(want_string(file, value, field->key, &text, err));
	FW_TRY(check_characters(file, value, field, text, err));
	wrong = field->rule == NULL ? NULL : field->rule(text);
	if (wrong != NULL)
		return fw_fail_node(err, file, value, "'%s' %s", field->key,
		    wrong);
	*out = text;
	return FW_OK;
}

/* The value of digits in a base; false when it does not fit. */
static bool
parse_digits(const char *text, unsigned base, uint64_t *out)
{
	uint64_t v = 0;

	for (; *text != '\0'; text++) {
		const unsigned d = (unsigned)fw_hex_digit(*text);

		if (v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*out = v;
	return true;
}

/* A decimal number with a leading zero is octal to some and not to others. */
static bool
is_ambiguous(const char *text)
{
	text += *text == '+' || *text == '-';
	return text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

static enum fw_kind
fail_range(const char *file, const struct fw_node *value,
    const struct fw_field *field, struct fw_error *err)
{
	if (field->min == field->max)
		return fw_fail_node(err, file, value, "'%s' must be %llu",
		    field->key, (unsigned long long)field->min);
	return fw_fail_node(err, file, value,
	    "'%s' must be between %llu and %llu", field->key,
	    (unsigned long long)field->min, (unsigned long long)field->max);
}

/* A whole number: its value without its sign; false when it does not fit. */
static enum fw_kind
read_magnitude(const char *file, const struct fw_node *value,
    const struct fw_field *field, uint64_t *out, bool *fits,
    struct fw_error *err)
{
	const char *t = value->text;

	if (value->type == FW_SCALAR && !value->plain && is_int(t))
		return fw_fail_node(err, file, value, "'%s' must be a number, "
		    "not a string (leave the quotes out)", field->key);
	if (value->type != FW_SCALAR || fw_scalar_type(value) != FW_INT)
		return fw_fail_node(err, file, value,
		    "'%s' must be a whole number", field->key);
	if (is_ambiguous(t))
		return fw_fail_node(err, file, value, "'%s' has a leading "
		    "zero (leave it out; octal is 0o17)", field->key);
	*out = 0;
	if (strncmp(t, "0x", 2) == 0)
		*fits = parse_digits(t + 2, 16, out);
	else if (strncmp(t, "0o", 2) == 0)
		*fits = parse_digits(t + 2, 8, out);
	else
		*fits = parse_digits(t + (*t == '+' || *t == '-'), 10, out);
	return FW_OK;
}

static enum fw_kind
read_uint(const char *file, const struct fw_node *value,
    const struct fw_field *field, uint64_t *out, struct fw_error *err)
{
	uint64_t v;
	bool fits;

	FW_TRY(read_magnitude(file, value, field, &v, &fits, err));
	if (!fits || v < field->min || v > field->max ||
	    (value->text[0] == '-' && v != 0))
		return fail_range(file, value, field, err);
	*out = v;
	return FW_OK;
}

static enum fw_kind
read_int(const char *file, const struct fw_node *value,
    const struct fw_field *field, int64_t *out, struct fw_error *err)
{
	uint64_t v;
	bool fits, negative;

	FW_TRY(read_magnitude(file, value, field, &v, &fits, err));
	negative = value->text[0] == '-';
	if (!fits || v > (uint64_t)INT64_MAX + negative)
		return fw_fail_node(err, file, value, "'%s' must be between "
		    "%lld and %lld", field->key, (long long)INT64_MIN,
		    (long long)INT64_MAX);
	*out = !negative ? (int64_t)v : v == 0 ? 0 : -(int64_t)(v - 1) - 1;
	return FW_OK;
}

static enum fw_kind
read_bool(const char *file, const struct fw_node *value, const char *key,
    bool *out, struct fw_error *err)
{
	if (value->type != FW_SCALAR || fw_scalar_type(value) != FW_BOOL)
		return fw_fail_node(err, file, value,
		    "'%s' must be true or false", key);
	*out = value->text[0] == 't' || value->text[0] == 'T';
	return FW_OK;
}

static enum fw_kind
read_uuid(const char *file, const struct fw_node *value, const char *key,
    struct fw_uuid *out, struct fw_error *err)
{
	static const uint8_t nil[16];
	struct fw_uuid uuid = { .set = true };
	const char *text;

	FW_TRY(want_string(file, value, key, &text, err));
	if (!fw_uuid_parse(text, uuid.id))
		return fw_fail_node(err, file, value, "'%s' must be a UUID "
		    "(like fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe)", key);
	if (memcmp(uuid.id, nil, sizeof nil) == 0)
		return fw_fail_node(err, file, value,
		    "'%s' must not be the UUID of zeros", key);
	*out = uuid;
	return FW_OK;
}

static enum fw_kind
read_choice(const char *file, const struct fw_node *value,
    const struct fw_field *field, int32_t *out, struct fw_error *err)
{
	const struct fw_choice *c;
	char names[256] = "";
	const char *text;
	size_t n = 0;

	FW_TRY(want_string(file, value, field->key, &text, err));
	for (c = field->choice; c->name != NULL; c++) {
		if (strcmp(c->name, text) == 0) {
			*out = c->value;
			return FW_OK;
		}
		if (n < sizeof names)
			n += (size_t)snprintf(names + n, sizeof names - n,
			    "%s'%s'", n == 0 ? "" :
			    c[1].name == NULL ? " or " : ", ", c->name);
	}
	return fw_fail_node(err, file, value, "'%s' must be %s", field->key,
	    names);
}

static enum fw_kind
check_collection(const char *file, const struct fw_node *value,
    const struct fw_field *field, struct fw_error *err)
{
	const bool list = field->type == FW_FIELD_LIST;

	if (value->type != (list ? FW_LIST : FW_MAP))
		return fw_fail_node(err, file, value, "'%s' must be a %s",
		    field->key, list ? "list" : "map of keys and values");
	if (!list)
		return FW_OK;
	if (value->n < field->min)
		return fw_fail_node(err, file, value,
		    "'%s' must have at least %llu entries", field->key,
		    (unsigned long long)field->min);
	if (value->n > field->max)
		return fw_fail_node(err, file, value->child[field->max],
		    "'%s' must have at most %llu entries", field->key,
		    (unsigned long long)field->max);
	return FW_OK;
}

enum fw_kind
fw_field_read(const char *file, const struct fw_node *value,
    const struct fw_field *field, void *target, struct fw_error *err)
{
	void *at = (char *)target + field->at;

	switch (field->type) {
	case FW_FIELD_TEXT:
	case FW_FIELD_LINES:
		return read_text(file, value, field, at, err);
	case FW_FIELD_UINT:
		return read_uint(file, value, field, at, err);
	case FW_FIELD_INT:
		return read_int(file, value, field, at, err);
	case FW_FIELD_BOOL:
		return read_bool(file, value, field->key, at, err);
	case FW_FIELD_UUID:
		return read_uuid(file, value, field->key, at, err);
	case FW_FIELD_CHOICE:
		return read_choice(file, value, field, at, err);
	case FW_FIELD_MAP:
	case FW_FIELD_LIST:
		FW_TRY(check_collection(file, value, field, err));
		break;
	case FW_FIELD_NODE:
		break;
	}
	*(const struct fw_node **)at = value;
	return FW_OK;
}
