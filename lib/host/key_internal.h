/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make up a key: key.c, keyfile.c, pin.c, p11*.c. */
#ifndef FW_KEY_INTERNAL_H
#define FW_KEY_INTERNAL_H

#include <openssl/evp.h>

#include "host/internal.h"

struct fw_p11;

struct fw_key {
	char *label;
	enum fwd_key_type type;		/* FWD_KEY_NONE: not known yet */
	size_t size;			/* of a signature, bytes */
	struct fw_buf spki;		/* DER; empty: not known yet */
	EVP_PKEY *pub;			/* the same */
	bool pub_given;			/* by fw_key_set_public() */
	EVP_PKEY *priv;			/* of a key file */
	struct fw_p11 *p11;		/* of a token */
	bool elsewhere;			/* made is its signature, if any */
	struct fw_buf made;
};

/* An algorithm that is written. */
struct fw_sigalg {
	int32_t alg;
	enum fwd_key_type type;
	const char *md;			/* OpenSSL's name; NULL: Ed25519 */
};

/* Make pub (a public or private key) the key's; refuses kinds and sizes that
   are not used for signing.  Takes no ownership. */
enum fw_kind fw_key_adopt(struct fw_key *key, EVP_PKEY *pub,
    struct fw_error *err);
/* Digest of the concatenation; *n is its length. */
enum fw_kind fw_msg_digest(const char *md, const struct fwd_span *msg,
    size_t parts, uint8_t out[FWD_DIGEST_MAX], size_t *n,
    struct fw_error *err);
/* The concatenation itself. */
enum fw_kind fw_msg_join(const struct fwd_span *msg, size_t parts,
    struct fw_buf *out, struct fw_error *err);
/* Length of r, and of s, and of a coordinate; 0: no EC key. */
size_t fw_ec_size(enum fwd_key_type type);
/* Use PSS with MGF1 and a salt of the same digest. */
bool fw_pss_setup(EVP_PKEY_CTX *ctx, const char *md);
void fw_key_warn(const struct fw_key_options *opt, const char *fmt, ...)
    FW_PRINTF(2, 3);

/* For FW_CLEANUP. */
void fw_pkey_free(EVP_PKEY **key);

/* ---- key files (keyfile.c) -------------------------------------------- */

enum fw_kind fw_keyfile_open(const char *path,
    const struct fw_key_options *opt, struct fw_key *key,
    struct fw_error *err);
enum fw_kind fw_keyfile_sign(const struct fw_key *key,
    const struct fw_sigalg *a, const struct fwd_span *msg, size_t n,
    uint8_t sig[FWD_SIG_MAX], size_t *sig_n, struct fw_error *err);

/* ---- tokens (p11.c) ---------------------------------------------------- */

enum fw_kind fw_p11_open(const char *uri, const struct fw_key_options *opt,
    struct fw_key *key, struct fw_error *err);
enum fw_kind fw_p11_sign(const struct fw_key *key, const struct fw_sigalg *a,
    const struct fwd_span *msg, size_t n, uint8_t sig[FWD_SIG_MAX],
    size_t *sig_n, struct fw_error *err);
enum fw_kind fw_p11_chain(const struct fw_key *key, struct fw_chain *out,
    struct fw_error *err);
void fw_p11_free(struct fw_p11 *p);

/* Close the sessions of all tokens that are open; for a program that has to
   end while a token does not answer. */
void fw_p11_close_all(void);

/* ---- PINs (pin.c) ------------------------------------------------------- */

#define FW_PIN_MAX 255u

struct fw_pin {
	uint8_t p[FW_PIN_MAX + 1];	/* a NUL follows */
	size_t n;
};
void fw_pin_wipe(struct fw_pin *pin);

struct fw_pin_ask {
	const struct fw_key_options *opt;
	const char *source;		/* pin-source of the URI, or NULL */
	const char *value;		/* pin-value of the URI, or NULL */
	const char *what;		/* "PIN" or "passphrase" */
	const char *of;			/* whose: for prompt and errors */
};
/* Get one from the first source that is given; see struct fw_key_options. */
enum fw_kind fw_pin_get(const struct fw_pin_ask *ask, struct fw_pin *out,
    struct fw_error *err);
/*
 * Take a variable (NULL: none) out of the environment, so that programs that
 * are started do not inherit it, and put it back.
 */
enum fw_kind fw_pin_hide(const char *name, char **hidden,
    struct fw_error *err);
enum fw_kind fw_pin_unhide(const char *name, char **hidden,
    struct fw_error *err);

/* ---- signals (hold.c) ---------------------------------------------------- */

/* Block SIGINT, SIGTERM and SIGHUP until as many fw_unhold() have come. */
void fw_hold(void);
void fw_unhold(void);

#endif
