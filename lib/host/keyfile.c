/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys in PEM files, for development. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "host/key_internal.h"

#define KEY_FILE_MAX 65536u

static void
bio_free(BIO **bio)
{
	BIO_free(*bio);
}

static void
ctx_free(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void
md_ctx_free(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void
ecdsa_sig_free(ECDSA_SIG **sig)
{
	ECDSA_SIG_free(*sig);
}

/* What the passphrase callback is given and gives back. */
struct asked {
	const struct fw_key_options *opt;
	const char *path;
	bool yes;			/* it was called: the key is encrypted */
	enum fw_kind kind;
	struct fw_error *err;
};

static int
passphrase(char *buf, int size, int writing, void *arg)
{
	FW_CLEANUP(fw_pin_wipe) struct fw_pin pin = { .n = 0 };
	struct asked *const a = arg;
	FW_FREE char *of = NULL;
	struct fw_pin_ask ask = { .opt = a->opt, .what = "passphrase" };

	(void)writing;
	/* A second call would try a second passphrase. */
	if (a->yes)
		return -1;
	a->yes = true;
	if (asprintf(&of, "the key file '%s'", a->path) < 0) {
		of = NULL;
		a->kind = fw_fail(a->err, FW_E_NOMEM, "out of memory");
		return -1;
	}
	ask.of = of;
	a->kind = fw_pin_get(&ask, &pin, a->err);
	if (a->kind != FW_OK || size < 0 || pin.n > (size_t)size)
		return -1;
	memcpy(buf, pin.p, pin.n);
	return (int)pin.n;
}

static enum fw_kind
load(const char *path, struct asked *asked, EVP_PKEY **priv,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_CLEANUP(bio_free) BIO *bio = NULL;
	int reason;

	if (fw_file_read(path, KEY_FILE_MAX, &text, err) != FW_OK)
		return err->kind = FW_E_KEY;	/* whatever the reason */
	bio = BIO_new_mem_buf(text.n ? (void *)text.p : "", (int)text.n);
	if (bio == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	ERR_clear_error();
	*priv = PEM_read_bio_PrivateKey(bio, NULL, passphrase, asked);
	if (*priv != NULL)
		return FW_OK;
	if (asked->kind != FW_OK) {
		ERR_clear_error();
		return asked->kind;	/* it has written the error */
	}
	if (asked->yes)
		return fw_fail_ssl(err, FW_E_KEY, "cannot decrypt the key "
		    "file '%s' (is the passphrase right?)", path);
	reason = ERR_GET_REASON(ERR_peek_last_error());
	if (reason == 0 || reason == PEM_R_NO_START_LINE ||
	    reason == ERR_R_UNSUPPORTED) {
		ERR_clear_error();
		return fw_fail(err, FW_E_KEY, "there is no private key in "
		    "'%s' (a PEM file or a pkcs11: URI is needed)", path);
	}
	return fw_fail_ssl(err, FW_E_KEY, "cannot read the key file '%s'",
	    path);
}

enum fw_kind
fw_keyfile_open(const char *path, const struct fw_key_options *opt,
    struct fw_key *key, struct fw_error *err)
{
	struct asked asked = { .opt = opt, .path = path, .err = err };

	if (asprintf(&key->label, "key file '%s'", path) < 0) {
		key->label = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	FW_TRY(load(path, &asked, &key->priv, err));
	if (fw_key_adopt(key, key->priv, err) != FW_OK)
		return fw_wrap(err, "key file '%s'", path);
	fw_key_warn(opt, "the signing key is the file '%s', which anyone who "
	    "reads it can copy (key file: for development only, use a token "
	    "for releases)", path);
	return FW_OK;
}

/* Ed25519 takes the whole message and hashes it itself. */
static bool
sign_whole(EVP_PKEY *priv, const struct fw_buf *msg, uint8_t *sig, size_t *n)
{
	FW_CLEANUP(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, priv) == 1 &&
	    EVP_DigestSign(ctx, sig, n, msg->p, msg->n) == 1;
}

static bool
sign_digest(EVP_PKEY *priv, const struct fw_sigalg *a, const uint8_t *digest,
    size_t digest_n, uint8_t *sig, size_t *n)
{
	FW_CLEANUP(ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(priv, NULL);

	return ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx,
	    EVP_get_digestbyname(a->md)) == 1 &&
	    (a->type != FWD_KEY_RSA || fw_pss_setup(ctx, a->md)) &&
	    EVP_PKEY_sign(ctx, sig, n, digest, digest_n) == 1;
}

/* Replace OpenSSL's DER by r || s. */
static bool
ecdsa_raw(uint8_t *sig, size_t *n, size_t size)
{
	FW_CLEANUP(ecdsa_sig_free) ECDSA_SIG *s = NULL;
	const unsigned char *p = sig;

	s = d2i_ECDSA_SIG(NULL, &p, (long)*n);
	if (s == NULL ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, (int)size) < 0 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + size, (int)size) < 0)
		return false;
	*n = 2 * size;
	return true;
}

enum fw_kind
fw_keyfile_sign(const struct fw_key *key, const struct fw_sigalg *a,
    const struct fwd_span *msg, size_t n, uint8_t sig[FWD_SIG_MAX],
    size_t *sig_n, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf whole = { 0 };
	uint8_t digest[FWD_DIGEST_MAX];
	const size_t size = fw_ec_size(a->type);
	size_t digest_n = 0;
	bool good;

	*sig_n = FWD_SIG_MAX;
	ERR_clear_error();
	if (a->md == NULL) {
		FW_TRY(fw_msg_join(msg, n, &whole, err));
		good = sign_whole(key->priv, &whole, sig, sig_n);
	} else {
		FW_TRY(fw_msg_digest(a->md, msg, n, digest, &digest_n, err));
		good = sign_digest(key->priv, a, digest, digest_n, sig,
		    sig_n);
	}
	if (!good || (size != 0 && !ecdsa_raw(sig, sig_n, size)))
		return fw_fail_ssl(err, FW_E_KEY, "cannot sign with %s",
		    key->label);
	return FW_OK;
}
