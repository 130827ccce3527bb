/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens and what is on them: to look at, to make keys, to store certificates,
 * to try a key.  See fwhost.h for keys and how a PIN is come by.
 */
#ifndef FW_TOKEN_H
#define FW_TOKEN_H

#include <jansson.h>

#include "host/build.h"

/* ---- looking (key_list.c) ----------------------------------------- */

/*
 * What is on all tokens that match the URI (NULL: on all), as
 * schemas/keys.schema.json says.  Without login, what the tokens show to
 * anybody; with it, of one token, all.  A token that fails is listed with
 * "problem"; *problems counts them.
 */
enum fw_kind fw_tokens_list(const char *uri, bool login,
    const struct fw_key_options *opt, json_t **out, size_t *problems,
    struct fw_error *err);

/*
 * Whether a private key can leave its token: true, false, or unknown where the
 * token does not say.
 */
enum fw_answer { FW_UNKNOWN, FW_NO, FW_YES };
struct fw_key_guard {
	enum fw_answer sensitive, extractable, always_sensitive,
	    never_extractable, local;
};
/* "never", "no", "wrapped", "plain", "unknown": see fwsign-key(1). */
const char *fw_key_export(const struct fw_key_guard *g);
/* FW_E_KEY if the key lies in a file or the token fails. */
enum fw_kind fw_key_guard(struct fw_key *key, struct fw_key_guard *out,
    struct fw_error *err);

/* The URI that names the key among all, allocated. */
enum fw_kind fw_key_uri(struct fw_key *key, char **out, struct fw_error *err);
/* What a certificate in DER says, as in the list. */
enum fw_kind fw_cert_describe(struct fwd_span der, json_t **out,
    struct fw_error *err);

/* Sign something nobody else has, and verify it: FW_E_KEY if it does not hold
   (FW_E_REFUSED: with the public key of a certificate). */
enum fw_kind fw_key_try(struct fw_key *key, struct fw_error *err);

/* ---- making keys (key_generate.c) --------------------------------- */

/* The kinds of keys that can be made; ends with NULL. */
extern const char *const fw_key_types[];

/*
 * Make a key pair in the token that ref names; its label is the URI's object.
 * The key is sensitive, not extractable, and signs only, as far as the token
 * lets other uses be switched off; what the token made of that is read back,
 * and a signature tried.  Then made (or NULL) is called, and the key stays if
 * that returns FW_OK.  On failure nothing is left on the token.  FW_E_REFUSED if
 * there is an object of that label; FW_E_INPUT for a URI without object, or with
 * an id.
 */
struct fw_key_made {
	enum fw_kind (*fn)(void *ctx, struct fw_key *key,
	    struct fw_error *err);
	void *ctx;
};
enum fw_kind fw_key_generate(const char *ref, const char *type,
    const struct fw_key_options *opt, const struct fw_key_made *made,
    struct fw_key **out, struct fw_error *err);

/* ---- storing certificates (key_import.c) -------------------------- */

struct fw_import {
	bool replace;			/* another certificate of the key */
	const char *label;		/* NULL: that of the key */
	/* What was done. */
	size_t stored, there, removed;	/* objects */
};
/*
 * Store the chain, leaf first, on the key's token: the leaf with the key's id
 * and label, those above it unless they are there.  FW_E_REFUSED if the leaf is
 * not the key's, or another one of the key is there and not to be replaced.
 */
enum fw_kind fw_key_import(struct fw_key *key, const struct fw_chain *chain,
    struct fw_import *import, struct fw_error *err);
/* How many certificates on the token are the key's. */
enum fw_kind fw_key_certificates(struct fw_key *key, size_t *n,
    struct fw_error *err);

/* ---- trying a key (key_check.c) ----------------------------------- */

struct fw_key_check {
	const char *chain;		/* PEM; NULL: what is on the token */
	const struct fwd_anchor *anchor;	/* none: the chain's own top */
	size_t anchors;
	const struct fwd_crypto *crypto;
	struct fw_clock clock;
	int64_t warn_days;		/* fewer left are a warning */
	const struct fw_build_options *rules;	/* deny, allow_test, trust; of
					   the rest nothing is looked at */
	/* What was found. */
	json_t *report;			/* schemas/key-check.schema.json */
	size_t warnings;
	bool refused;
	struct fw_error refusal;
};
/*
 * Try the key: a signature, whether it can leave its token, its certificates by
 * the device library.  A certificate that is refused is a finding; FW_E_KEY for
 * a key that cannot sign, FW_E_REFUSED for a certificate that is another key's.
 */
enum fw_kind fw_key_check(struct fw_key *key, struct fw_key_check *check,
    struct fw_error *err);

#endif
