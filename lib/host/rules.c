/* SPDX-License-Identifier: Apache-2.0 */
/* What texts of a kind may look like; the schemas say the same. */
#include <string.h>

#include "host/fields.h"
#include "host/internal.h"
#include "host/p11uri.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

/* The length of the beginning of text that ends before c. */
static size_t
until(const char *text, char c)
{
	return (size_t)(strchrnul(text, c) - text);
}

/* Are these n bytes all of the set? */
static bool
made_of(const char *text, size_t n, const char *set)
{
	return strspn(text, set) >= n;
}

/* One label: letters of any script, digits and inner hyphens. */
static bool
is_label(const char *p, size_t n)
{
	uint32_t cp;

	if (n == 0 || p[0] == '-' || p[n - 1] == '-')
		return false;
	for (size_t step; n > 0; p += step, n -= step) {
		step = fw_utf8_next(p, n, &cp);
		if (step == 0 || cp == 0xa0 ||
		    (cp < 0x80 && strchr(LOWER DIGIT "-", (int)cp) == NULL))
			return false;
	}
	return true;
}

/*
 * The identifier is made of the bytes, although names of domains that differ
 * in case are the same name.  So there is one way to write it.
 */
const char *
fw_rule_domain(const char *text)
{
	static const char wrong[] = "must be a domain name in lower case "
	    "(like acme.example)";
	bool dotted = false;
	size_t n;

	for (;; text += n + 1) {
		n = until(text, '.');
		if (!is_label(text, n))
			return wrong;
		if (text[n] == '\0')
			return dotted ? NULL : wrong;
		dotted = true;
	}
}

/* RFC 5646, well-formed as far as subtags go. */
const char *
fw_rule_language(const char *text)
{
	static const char wrong[] = "must be a language tag (like en or "
	    "pt-BR)";
	size_t n = until(text, '-');

	if (n < 2 || n > 8 || !made_of(text, n, LOWER UPPER))
		return wrong;
	while (text[n] != '\0') {
		text += n + 1;
		n = until(text, '-');
		if (n < 1 || n > 8 || !made_of(text, n, LOWER UPPER DIGIT))
			return wrong;
	}
	return NULL;
}

/* RFC 3986: a scheme, then the characters a URI may have. */
const char *
fw_rule_uri(const char *text)
{
	static const char wrong[] = "must be an absolute URI (like "
	    "https://acme.example/fw)";
	const size_t scheme = until(text, ':');

	if (text[scheme] == '\0' || text[scheme + 1] == '\0' || scheme == 0 ||
	    !made_of(text, 1, LOWER UPPER) ||
	    !made_of(text, scheme, LOWER UPPER DIGIT "+.-"))
		return wrong;
	for (text += scheme + 1; *text != '\0'; text++) {
		if (*text == '%') {
			if (fw_hex_digit(text[1]) < 0 ||
			    fw_hex_digit(text[2]) < 0)
				return wrong;
			text += 2;
		} else if (strchr(LOWER UPPER DIGIT "._~:/?#[]@!$&'()*+,;=-",
		    *text) == NULL)
			return wrong;
	}
	return NULL;
}

/* RFC 6838, section 4.2: restricted-name. */
static bool
is_restricted_name(const char *p, size_t n)
{
	return n >= 1 && n <= 127 && made_of(p, 1, LOWER UPPER DIGIT) &&
	    made_of(p, n, LOWER UPPER DIGIT "!#$&-^_.+");
}

const char *
fw_rule_media_type(const char *text)
{
	const size_t n = until(text, '/');

	if (text[n] == '\0' || !is_restricted_name(text, n) ||
	    !is_restricted_name(text + n + 1, strlen(text + n + 1)))
		return "must be a media type (like application/spdx+json)";
	return NULL;
}

/* Segments that mean themselves in every file system, joined by '/'. */
static bool
is_plain_path(const char *text)
{
	size_t n;

	for (;; text += n + 1) {
		n = until(text, '/');
		if (n == 0 || !made_of(text, n, LOWER UPPER DIGIT "._+-") ||
		    (n == 1 && text[0] == '.') ||
		    (n == 2 && text[0] == '.' && text[1] == '.'))
			return false;
		if (text[n] == '\0')
			return true;
	}
}

#define PLAIN_PATH "segments of A-Z, a-z, 0-9, '.', '_', '+' and '-', none " \
	"of them '.' or '..', joined by '/'"

const char *
fw_rule_member(const char *text)
{
	if (strlen(text) > FW_MEMBER_MAX)
		return "must have at most 100 characters";
	if (fw_member_conflict(text, "manifest.suit"))
		return "must not be 'manifest.suit', which is the envelope";
	return is_plain_path(text) ? NULL : "must be " PLAIN_PATH;
}

/* Devices on file systems store components under their names. */
const char *
fw_rule_component(const char *text)
{
	return is_plain_path(text) ? NULL : "must be " PLAIN_PATH
	    " (or a list of segments, with bytes as 0x...)";
}

bool
fw_member_conflict(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (*a == '\0' || *a == '/') && (*b == '\0' || *b == '/') &&
	    (*a == '\0' || *b == '\0');
}

/* RFC 7512: the one attribute that would be a secret in a file. */
const char *
fw_rule_key(const char *text)
{
	if (fw_p11_uri_is(text) &&
	    (strstr(text, "?pin-value=") != NULL ||
	    strstr(text, "&pin-value=") != NULL))
		return "must not hold a PIN (use 'pin-source', or the options "
		    "of fwsign)";
	return NULL;
}
