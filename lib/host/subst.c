/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ${NAME} in values, from --set NAME=VALUE and from nothing else: a build must
 * not depend on an environment nobody looked at.  It happens in values that
 * are parsed already, so that a value cannot bring structure with it.
 */
#include <string.h>

#include "host/fields.h"
#include "host/internal.h"

/* The length of the name at p, 0 when there is none. */
static size_t
name_length(const char *p)
{
	size_t n = 0;

	while ((p[n] >= 'A' && p[n] <= 'Z') || (p[n] >= 'a' && p[n] <= 'z') ||
	    p[n] == '_' || (n > 0 && p[n] >= '0' && p[n] <= '9'))
		n++;
	return n;
}

/* Does the pair give this name? */
static bool
gives(const char *pair, const char *name, size_t n)
{
	return strncmp(pair, name, n) == 0 && pair[n] == '=';
}

/* One pair, and that none before it has the same name. */
static enum fw_kind
check_pair(const struct fw_set *set, size_t i, struct fw_error *err)
{
	const char *pair = set->pair[i];
	const size_t n = name_length(pair);

	if (n == 0 || pair[n] != '=')
		return fw_fail(err, FW_E_USAGE, "'%s' is not of the form "
		    "NAME=VALUE with a name of letters, digits and '_'",
		    pair);
	if (!fw_utf8_valid(pair, strlen(pair)))
		return fw_fail(err, FW_E_USAGE,
		    "the value of '%.*s' is not UTF-8", (int)n, pair);
	for (size_t k = 0; k < i; k++)
		if (gives(set->pair[k], pair, n))
			return fw_fail(err, FW_E_USAGE,
			    "'%.*s' is set twice", (int)n, pair);
	return FW_OK;
}

enum fw_kind
fw_subst_init(struct fw_subst *s, const struct fw_set *set,
    struct fw_error *err)
{
	if (set == NULL || set->n == 0)
		return FW_OK;
	for (size_t i = 0; i < set->n; i++)
		FW_TRY(check_pair(set, i, err));
	s->used = calloc(set->n, sizeof *s->used);
	if (s->used == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

void
fw_subst_deinit(struct fw_subst *s)
{
	free(s->used);
	s->used = NULL;
}

/* Append what is set for the name. */
static enum fw_kind
add_value(struct fw_subst *s, const char *file, const struct fw_node *at,
    const char *name, size_t n, struct fw_buf *out, struct fw_error *err)
{
	const char *value;

	for (size_t i = 0; i < s->set->n; i++) {
		if (!gives(s->set->pair[i], name, n))
			continue;
		s->used[i] = true;
		value = s->set->pair[i] + n + 1;
		return fw_buf_add(out, value, strlen(value), err);
	}
	return fw_fail_node(err, file, at,
	    "'${%.*s}' has no value (give it with --set %.*s=VALUE)",
	    (int)n, name, (int)n, name);
}

/* Take one piece of text from *at: what is left as it is, or a name. */
static enum fw_kind
add_piece(struct fw_subst *s, const char *file, const struct fw_node *scalar,
    const char **at, struct fw_buf *out, struct fw_error *err)
{
	const char *p = *at;
	size_t n;

	if (strncmp(p, "$${", 3) == 0) {
		*at = p + 3;
		return fw_buf_add(out, "${", 2, err);
	}
	if (strncmp(p, "${", 2) == 0) {
		p += 2;
		n = name_length(p);
		if (n == 0 || p[n] != '}')
			return fw_fail_node(err, file, scalar,
			    "'${' does not begin a name in braces "
			    "(write '$${' for the characters themselves)");
		*at = p + n + 1;
		return add_value(s, file, scalar, p, n, out, err);
	}
	n = 1 + strcspn(p + 1, "$");
	*at = p + n;
	return fw_buf_add(out, p, n, err);
}

enum fw_kind
fw_subst_apply(struct fw_subst *s, const char *file, struct fw_node *scalar,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf out = { 0 };
	const char *at = scalar->text;
	char *text;

	if (s->set == NULL || strstr(at, "${") == NULL)
		return FW_OK;
	while (*at != '\0') {
		FW_TRY(add_piece(s, file, scalar, &at, &out, err));
		if (out.n > s->left)
			return fw_fail_node(err, file, scalar,
			    "substitution makes the file too large");
	}
	s->left -= out.n;
	FW_TRY(fw_buf_add(&out, "", 1, err));
	text = (char *)out.p;
	out = (struct fw_buf){ 0 };
	free(scalar->text);
	scalar->text = text;
	return FW_OK;
}

enum fw_kind
fw_subst_done(const struct fw_subst *s, const char *file,
    struct fw_error *err)
{
	for (size_t i = 0; s->used != NULL && i < s->set->n; i++) {
		const char *pair = s->set->pair[i];

		if (!s->used[i] &&
		    (s->set->spare == NULL || !s->set->spare[i]))
			return fw_fail(err, FW_E_USAGE,
			    "'%.*s' is set but '%s' does not use it "
			    "(it would stand there as '${%.*s}')",
			    (int)name_length(pair), pair, file,
			    (int)name_length(pair), pair);
	}
	return FW_OK;
}
