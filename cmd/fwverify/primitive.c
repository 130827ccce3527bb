/* SPDX-License-Identifier: Apache-2.0 */
/* fwverify primitive: one signature through the crypto port. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "cli.h"
#include "fwverify/commands.h"
#include "fwverify/verdict.h"
#include "host/internal.h"
#include "port/fwport.h"

/* Ed25519 needs the whole message at once; a signature is small. */
#define MESSAGE_MAX	((size_t)64 << 20)
#define SIGNATURE_MAX	((size_t)64 << 10)
#define KEY_MAX		((size_t)1 << 20)
#define CHUNK		((size_t)64 << 10)

const char cmd_primitive_help[] =
    "primitive --alg NAME --key FILE --sig FILE --msg FILE\n"
    "\n"
    "Verify one signature with the device library's own checks.\n"
    "\n"
    "Options:\n"
    "      --alg NAME      ESP256, ESP384, ESP512, Ed25519, PS256, PS384, PS512,\n"
    "                      ES256, ES384, ES512, EdDSA, RS256, RS384 or RS512\n"
    "      --key FILE      the public key or a certificate that holds it (PEM)\n"
    "      --sig FILE      the signature; ECDSA as r || s\n"
    "      --msg FILE      the message; with Ed25519 and EdDSA at most 64 MiB\n"
    "      --crypto NAME   openssl (default), bearssl or psa\n"
    "  -h, --help          show this help\n";

struct options {
	const char *alg, *key, *sig, *msg, *crypto;
	int32_t id;			/* of alg */
};

static enum fw_kind
find_alg(struct options *o, struct fw_error *err)
{
	static const char *const known[] = { "ESP256", "ESP384", "ESP512",
	    "Ed25519", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
	    "EdDSA", "RS256", "RS384", "RS512", NULL };
	const char *near;

	o->id = fw_alg_by_name(o->alg);
	if (o->id != 0)
		return FW_OK;
	near = cli_nearest(o->alg, known);
	if (near != NULL)
		return fw_fail(err, FW_E_USAGE,
		    "unknown algorithm '%s' (did you mean '%s'?)", o->alg,
		    near);
	return fw_fail(err, FW_E_USAGE,
	    "unknown algorithm '%s' (see --help)", o->alg);
}

static enum fw_kind
need(const char *value, const char *option, struct fw_error *err)
{
	if (value != NULL)
		return FW_OK;
	return fw_fail(err, FW_E_USAGE, "option '%s' is missing (see --help)",
	    option);
}

static enum fw_kind
parse(int argc, char **argv, struct options *o, struct fw_error *err)
{
	static const struct option longs[] = {
		{ "alg", required_argument, NULL, 'a' },
		{ "key", required_argument, NULL, 'k' },
		{ "sig", required_argument, NULL, 's' },
		{ "msg", required_argument, NULL, 'm' },
		{ "crypto", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1) {
		switch (c) {
		case 'a':
			FW_TRY(cli_once("--alg", &o->alg, optarg, err));
			break;
		case 'k':
			FW_TRY(cli_once("--key", &o->key, optarg, err));
			break;
		case 's':
			FW_TRY(cli_once("--sig", &o->sig, optarg, err));
			break;
		case 'm':
			FW_TRY(cli_once("--msg", &o->msg, optarg, err));
			break;
		case 'c':
			FW_TRY(crypto_option(&o->crypto, optarg, err));
			break;
		default:
			return FW_E_USAGE;
		}
	}
	FW_TRY(cli_operands(argc, argv, 0, "an option", err));
	FW_TRY(need(o->alg, "--alg", err));
	FW_TRY(need(o->key, "--key", err));
	FW_TRY(need(o->sig, "--sig", err));
	FW_TRY(need(o->msg, "--msg", err));
	return find_alg(o, err);
}

/* ---- the key --------------------------------------------------------- */

struct pem {
	char *name, *header;
	unsigned char *data;
	long n;
};

static void
pem_deinit(struct pem *p)
{
	OPENSSL_free(p->name);
	OPENSSL_free(p->header);
	if (p->data != NULL)		/* perhaps a private key */
		OPENSSL_clear_free(p->data, (size_t)p->n);
}

static void
bio_free(BIO **bio)
{
	BIO_free(*bio);
}

/*
 * Read the DER of a SubjectPublicKeyInfo, or of a certificate, which the
 * library takes apart.
 */
static enum fw_kind
load_key(const char *path, struct fw_buf *der, bool *is_cert,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_CLEANUP(pem_deinit) struct pem p = { 0 };
	FW_CLEANUP(bio_free) BIO *bio = NULL;

	FW_TRY(fw_file_read(path, KEY_MAX, &text, err));
	bio = BIO_new_mem_buf(text.n != 0 ? (const void *)text.p : "",
	    (int)text.n);
	if (bio == NULL)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot read '%s'", path);
	if (PEM_read_bio(bio, &p.name, &p.header, &p.data, &p.n) != 1)
		return fw_fail_ssl(err, FW_E_INPUT,
		    "cannot read a public key from '%s' (PEM is needed)",
		    path);
	*is_cert = strcmp(p.name, PEM_STRING_X509) == 0;
	if (!*is_cert && strcmp(p.name, PEM_STRING_PUBLIC) != 0)
		return fw_fail(err, FW_E_INPUT,
		    "'%s' holds a '%s', not a public key or certificate",
		    path, p.name);
	return fw_buf_add(der, p.data, (size_t)p.n, err);
}

static fwd_status
decode_key(const struct fw_buf *der, bool is_cert, struct fwd_key *key)
{
	struct fwd_anchor a = { .spki = fw_buf_span(der) };
	fwd_status s;

	if (is_cert) {
		s = fwd_anchor_read(fw_buf_span(der), &a);
		if (s != FWD_OK)
			return s;
	}
	return fwd_key_read(a.spki, key);
}

/* ---- the message ------------------------------------------------------ */

/*
 * A crypto port that hashes a file where the library hands it the message, so
 * that a message of any size needs no memory.
 */
struct stream {
	struct fwd_crypto inner;
	int fd;
	bool unreadable;
};

static fwd_status
stream_start(void *ctx, int32_t alg)
{
	struct stream *const s = ctx;

	return s->inner.hash_start(s->inner.ctx, alg);
}

/* What it is given stands for the file. */
static fwd_status
stream_add(void *ctx, const uint8_t *p, size_t n)
{
	struct stream *const s = ctx;
	uint8_t chunk[CHUNK];
	fwd_status status;
	size_t got;

	(void)p;
	(void)n;
	do {
		if (fwp_file_read(&s->fd, chunk, sizeof chunk, &got) !=
		    FWD_OK) {
			s->unreadable = true;
			return FWD_E_IO;
		}
		status = s->inner.hash_add(s->inner.ctx, chunk, got);
	} while (status == FWD_OK && got == sizeof chunk);
	return status;
}

static fwd_status
stream_end(void *ctx, uint8_t *out, size_t n)
{
	struct stream *const s = ctx;

	return s->inner.hash_end(s->inner.ctx, out, n);
}

static fwd_status
stream_verify(void *ctx, const struct fwd_sig *sig)
{
	struct stream *const s = ctx;

	return s->inner.verify(s->inner.ctx, sig);
}

static enum fw_kind
check_streamed(const struct options *o, const struct fwd_crypto *crypto,
    const struct fwd_key *key, struct fwd_span sig, fwd_status *status,
    struct fw_error *err)
{
	static const uint8_t mark = 0;
	const struct fwd_span msg = { &mark, sizeof mark };
	FW_FD int fd = -1;
	struct stream s = { .inner = *crypto };
	const struct fwd_crypto port = { &s, stream_start, stream_add,
	    stream_end, stream_verify };

	FW_TRY(fw_file_open(o->msg, &fd, NULL, err));
	s.fd = fd;
	*status = fwd_sig_check(&port, o->id, key, &msg, 1, sig);
	if (s.unreadable)
		return fw_fail_errno(err, FW_E_INPUT, "cannot read '%s'",
		    o->msg);
	return FW_OK;
}

static enum fw_kind
check_whole(const struct options *o, const struct fwd_crypto *crypto,
    const struct fwd_key *key, struct fwd_span sig, fwd_status *status,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf buf = { 0 };
	struct fwd_span msg;

	FW_TRY(fw_file_read(o->msg, MESSAGE_MAX, &buf, err));
	msg = fw_buf_span(&buf);
	*status = fwd_sig_check(crypto, o->id, key, &msg, 1, sig);
	return FW_OK;
}

static enum fw_kind
judge(const struct options *o, const struct fwd_crypto *crypto,
    fwd_status *status, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf sig = { 0 };
	struct fwd_key key;
	bool is_cert = false;

	FW_TRY(load_key(o->key, &der, &is_cert, err));
	FW_TRY(fw_file_read(o->sig, SIGNATURE_MAX, &sig, err));
	*status = decode_key(&der, is_cert, &key);
	if (*status != FWD_OK)
		return FW_OK;
	if (o->id == FWD_ED25519 || o->id == FWD_EDDSA)
		return check_whole(o, crypto, &key, fw_buf_span(&sig),
		    status, err);
	return check_streamed(o, crypto, &key, fw_buf_span(&sig), status,
	    err);
}

enum fw_kind
cmd_primitive(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(crypto_close) struct fwp_crypto *port = NULL;
	struct options o = { 0 };
	fwd_status status = FWD_E_API;

	FW_TRY(parse(argc, argv, &o, err));
	FW_TRY(crypto_open(o.crypto, &port, err));
	FW_TRY(judge(&o, fwp_crypto_get(port), &status, err));
	return verdict_print(NULL, status);
}
