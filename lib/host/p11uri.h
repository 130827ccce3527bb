/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7512 URIs, checked strictly (p11uri.c). */
#ifndef FW_P11URI_H
#define FW_P11URI_H

#include <p11-kit/uri.h>

#include "host/fwhost.h"

/* A URI that may name a private key. */
struct fw_p11_uri {
	P11KitUri *match;		/* its path, to compare with */
	char *module_path, *module_name;	/* or NULL */
	char *pin_source, *pin_value;	/* or NULL; wiped on release */
};

/*
 * FW_E_INPUT for whatever RFC 7512 does not allow and for what could not be
 * meant: unknown, repeated or empty attributes, values that no token can have,
 * types other than private.  Errors never show a value.
 */
enum fw_kind fw_p11_uri_parse(const char *text, struct fw_p11_uri *out,
    struct fw_error *err);
void fw_p11_uri_deinit(struct fw_p11_uri *uri);
/* Does the text begin with the scheme "pkcs11:", in any case? */
bool fw_p11_uri_is(const char *text);

/*
 * Decode %XX in text[0..n) into *out, allocated, *len bytes and a NUL behind
 * them.  FW_E_INPUT when a % is not followed by two hexadecimal digits.
 */
enum fw_kind fw_percent_decode(const char *text, size_t n, char **out,
    size_t *len, struct fw_error *err);

#endif
