/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device library's judgement of a certificate, before and after it is
 * signed.  The library judges paths that end in a release signer; so a CA's
 * certificate gets one below it that is made up.  What is not signed, or not
 * yet, passes a crypto port that knows these certificates by their very bytes
 * and sends all others to the real one.
 */
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>

#include "host/internal.h"
#include "host/x509.h"

/* The TBSCertificate whose signature is not looked at. */
struct port {
	const struct fwd_crypto *real;
	struct fwd_span blank[2];
	size_t blanks;
	struct fwd_event refusal;
	bool refused;
};

static fwd_status
port_hash_start(void *ctx, int32_t alg)
{
	const struct port *const port = ctx;

	return port->real->hash_start(port->real->ctx, alg);
}

static fwd_status
port_hash_add(void *ctx, const uint8_t *p, size_t n)
{
	const struct port *const port = ctx;

	return port->real->hash_add(port->real->ctx, p, n);
}

static fwd_status
port_hash_end(void *ctx, uint8_t *out, size_t n)
{
	const struct port *const port = ctx;

	return port->real->hash_end(port->real->ctx, out, n);
}

/* Is that what the signature is over? */
static bool
is_over(const struct fwd_sig *sig, struct fwd_span tbs)
{
	uint8_t digest[FWD_DIGEST_MAX];
	struct fw_error ignored;
	size_t i, at = 0;

	if (sig->digest_n != 0)
		return fw_digest(sig->digest_alg, tbs, digest, &ignored) ==
		    FW_OK && memcmp(digest, sig->digest, sig->digest_n) == 0;
	for (i = 0; i < sig->msg_n; i++) {
		if (sig->msg[i].n > tbs.n - at ||
		    memcmp(sig->msg[i].p, tbs.p + at, sig->msg[i].n) != 0)
			return false;
		at += sig->msg[i].n;
	}
	return at == tbs.n;
}

static fwd_status
port_verify(void *ctx, const struct fwd_sig *sig)
{
	const struct port *const port = ctx;
	size_t i;

	for (i = 0; i < port->blanks; i++)
		if (is_over(sig, port->blank[i]))
			return FWD_OK;
	return port->real->verify(port->real->ctx, sig);
}

static void
keep_refusal(void *ctx, const struct fwd_event *ev)
{
	struct port *const port = ctx;

	if (ev->status == FWD_OK || port->refused)
		return;
	port->refusal = *ev;
	port->refused = true;
}

enum fw_kind
fw_blank_signature(int32_t alg, size_t rsa_size, struct fw_buf *out,
    struct fw_error *err)
{
	uint8_t sig[FWD_SIG_MAX] = { 0 };
	const size_t n = alg == FWD_ESP256 || alg == FWD_ED25519 ? 64 :
	    alg == FWD_ESP384 ? 96 : alg == FWD_ESP512 ? 132 : rsa_size;

	if (n == 0 || n > sizeof sig)
		return fw_fail(err, FW_E_KEY,
		    "the signature has no length that is known");
	/* 1 is in every range that is checked. */
	if (alg != FWD_ED25519)
		sig[n / 2 - 1] = sig[n - 1] = 1;
	return fw_sig_encode(alg, (struct fwd_span){ sig, n }, out, err);
}

/* ---- the signer below a CA ---------------------------------------- */

/* The algorithm that fits a key, and the length of an RSA signature. */
static int32_t
fitting(const struct fwd_key *key, size_t *rsa_size)
{
	*rsa_size = key->type == FWD_KEY_RSA ? key->point.n : 0;
	switch (key->type) {
	case FWD_KEY_P256: return FWD_ESP256;
	case FWD_KEY_P384: return FWD_ESP384;
	case FWD_KEY_P521: return FWD_ESP512;
	case FWD_KEY_ED25519: return FWD_ED25519;
	case FWD_KEY_RSA: return FWD_PS256;
	default: return 0;
	}
}

/*
 * It has the CA's key and is valid at any time.  What is malformed in the CA's
 * certificate, the library will find and say itself.
 */
static enum fw_kind
make_signer(struct fwd_span ca, struct fw_buf *tbs, struct fw_buf *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf name = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf sig = { 0 };
	struct fw_tbs t = { .role = FW_RELEASE_SIGNER, .serial = { 0x40 } };
	struct fwd_anchor anchor;
	struct fwd_key key;
	size_t rsa_size;

	if (fwd_anchor_read(ca, &anchor) != FWD_OK ||
	    fwd_key_read(anchor.spki, &key) != FWD_OK)
		return fw_buf_add(out, ca.p, ca.n, err);
	FW_TRY(fw_name_parse("CN=a signer below it", &name, err));
	t.alg = fitting(&key, &rsa_size);
	t.issuer = anchor.name;
	t.subject = fw_buf_span(&name);
	t.spki = anchor.spki;
	t.not_before = 0;		/* 1970 to 9999 */
	t.not_after = INT64_C(253402300799);
	FW_TRY(fw_tbs_encode(&t, tbs, err));
	FW_TRY(fw_blank_signature(t.alg, rsa_size, &sig, err));
	return fw_signed_encode(fw_buf_span(tbs), t.alg, fw_buf_span(&sig),
	    out, err);
}

/* The first element of a SEQUENCE, with its head; empty: there is none. */
static struct fwd_span
first_element(struct fwd_span der)
{
	const unsigned char *p = der.p, *from;
	int tag, class;
	long n;

	ERR_clear_error();
	if ((ASN1_get_object(&p, &n, &tag, &class, (long)der.n) & 0x80) != 0)
		return (struct fwd_span){ 0 };
	from = p;
	if ((ASN1_get_object(&p, &n, &tag, &class,
	    (long)(der.n - (size_t)(from - der.p))) & 0x80) != 0) {
		ERR_clear_error();
		return (struct fwd_span){ 0 };
	}
	return (struct fwd_span){ from, (size_t)(p + n - from) };
}

/* ---- judging ------------------------------------------------------ */

static enum fw_kind
refused(const struct port *port, fwd_status s, struct fw_error *err)
{
	char line[FWD_LINE_MAX];

	if (!port->refused || port->refusal.status != s)
		return fw_fail(err, FW_E_REFUSED, "the device library refuses "
		    "it: %s (%s)", fwd_status_text(s), fwd_status_code(s));
	(void)fwd_event_format(&port->refusal, line, sizeof line);
	return fw_fail(err, FW_E_REFUSED, "the device library refuses it: %s "
	    "(%s)", fwd_status_text(s), line);
}

enum fw_kind
fw_path_judge(const struct fw_path *path, struct fwd_chain_result *found,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf tbs = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf signer = { 0 };
	struct port port = { .real = path->crypto };
	const struct fwd_crypto crypto = { &port, port_hash_start,
	    port_hash_add, port_hash_end, port_verify };
	const struct fwd_policy policy = {
		.anchor = path->anchor, .anchors = path->anchors,
		.threshold = 1,
		.clock = path->clock.judge ? FWD_CLOCK_TRUSTED :
		    FWD_CLOCK_NONE,
		.time_min = INT64_MIN, .purpose = fwd_code_signing,
	};
	struct fwd_span cert[FWD_CHAIN_MAX + 2];
	struct fwd_chain_result result;
	size_t n = 0;
	fwd_status s;

	if (path->ca) {
		FW_TRY(make_signer(path->cert[0], &tbs, &signer, err));
		port.blank[port.blanks++] = fw_buf_span(&tbs);
		cert[n++] = fw_buf_span(&signer);
	}
	if (path->blank)
		port.blank[port.blanks++] = first_element(path->cert[0]);
	memcpy(cert + n, path->cert, path->n * sizeof *cert);
	n += path->n;
	s = fwd_chain_check(&crypto, &policy, path->clock.now, cert, n,
	    (struct fwd_tracer){ keep_refusal, &port }, &result);
	if (s != FWD_OK)
		return refused(&port, s, err);
	if (found != NULL)
		*found = result;
	return FW_OK;
}
