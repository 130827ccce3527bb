/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions as people write them, for the numbers that manifests compare
 * (draft-ietf-suit-update-management-14, section 4.4.1): 1.2.3, 1.2-rc.3.
 */
#include <stdio.h>
#include <string.h>

#include "host/fields.h"

/* Digits in one number: the largest is less than 2^63. */
enum { DIGITS_MAX = 18 };

static const struct {
	const char *name;
	int64_t value;
} classes[] = { { "rc", -1 }, { "beta", -2 }, { "alpha", -3 } };
enum { CLASSES = sizeof classes / sizeof classes[0] };

/* One number without leading zeros; behind it, or NULL. */
static const char *
take_number(const char *t, int64_t *out)
{
	const size_t n = strspn(t, "0123456789");

	*out = 0;
	if (n == 0 || n > DIGITS_MAX || (t[0] == '0' && n > 1))
		return NULL;
	for (size_t i = 0; i < n; i++)
		*out = *out * 10 + (t[i] - '0');
	return t + n;
}

static const char *
take_class(const char *t, int64_t *out)
{
	for (size_t i = 0; i < CLASSES; i++) {
		const size_t n = strlen(classes[i].name);

		if (strncmp(t, classes[i].name, n) == 0) {
			*out = classes[i].value;
			return t + n;
		}
	}
	return NULL;
}

bool
fw_version_parse(const char *text, struct fwd_version *out)
{
	struct fwd_version v = { .n = 0 };
	bool class_seen = false, class_next = false;

	*out = v;
	for (;; text++) {
		if (v.n == FWD_VERSION_MAX)
			return false;
		text = class_next ? take_class(text, &v.part[v.n]) :
		    take_number(text, &v.part[v.n]);
		if (text == NULL)
			return false;
		v.n++;
		if (*text == '\0')
			break;
		class_next = *text == '-' && !class_seen;
		if (!class_next && *text != '.')
			return false;
		class_seen = class_seen || class_next;
	}
	*out = v;
	return true;
}

const char *
fw_rule_version(const char *text)
{
	struct fwd_version v;

	return fw_version_parse(text, &v) ? NULL : "must be a version like "
	    "1.2.3, 1.2-rc.1 or 2026.1.31 (of at most 8 parts)";
}

/* A part that no text stands for, such as -4, is written as its number. */
void
fw_version_format(const struct fwd_version *v, char out[FW_VERSION_TEXT])
{
	size_t at = 0, k;

	out[0] = '\0';
	for (size_t i = 0; i < v->n && i < FWD_VERSION_MAX; i++) {
		for (k = 0; k < CLASSES && classes[k].value != v->part[i]; k++)
			;
		if (k < CLASSES)
			at += (size_t)snprintf(out + at, FW_VERSION_TEXT - at,
			    "%s%s", i == 0 ? "" : "-", classes[k].name);
		else
			at += (size_t)snprintf(out + at, FW_VERSION_TEXT - at,
			    "%s%lld", i == 0 ? "" : ".",
			    (long long)v->part[i]);
	}
}
