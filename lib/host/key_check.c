/* SPDX-License-Identifier: Apache-2.0 */
/* Trying a key before it is needed. */
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "host/cert.h"
#include "host/describe_internal.h"
#include "host/key_internal.h"
#include "host/token.h"
#include "host/x509.h"

enum { DAY = 86400, RSA_GOOD_BITS = 3072 };

enum fw_kind
fw_key_try(struct fw_key *key, struct fw_error *err)
{
	uint8_t text[32 + 16] = "fwsign key test ", sig[FWD_SIG_MAX];
	const struct fwd_span msg = { text, sizeof text };
	size_t n;

	/* Nothing that could be taken for a signature of something else. */
	if (RAND_bytes(text + 16, 32) != 1)
		return fw_fail_ssl(err, FW_E_IO, "no random numbers");
	return fw_key_sign(key, fw_key_alg(key), &msg, 1, sig, &n, err);
}

/* A check under way. */
struct run {
	struct fw_key_check *check;
	struct fw_describe d;
	json_t *warnings;
	struct fw_chain chain;
	X509 *leaf;
	enum fw_role role;
	struct fwd_anchor top;		/* where no anchor is given */
};

static void
run_deinit(struct run *r)
{
	fw_chain_deinit(&r->chain);
	X509_free(r->leaf);
	json_decref(r->d.problems);
}

static void
warn(struct run *r, const char *code, const char *text)
{
	json_t *const o = fw_d_entry(&r->d, r->warnings);

	fw_d_set(&r->d, o, "code", json_string(code));
	fw_d_set(&r->d, o, "text", fw_json_printable(text));
	r->check->warnings++;
}

static void
refuse(struct run *r, const struct fw_error *why)
{
	if (!r->check->refused)
		r->check->refusal = *why;
	r->check->refused = true;
}

/* ---- the key ------------------------------------------------------ */

static void
judge_guard(struct run *r, const struct fw_key_guard *g)
{
	const char *const export = fw_key_export(g);

	if (strcmp(export, "plain") == 0)
		warn(r, "exportable", "the key can be read out of the token");
	else if (strcmp(export, "wrapped") == 0)
		warn(r, "exportable", "the key can leave the token, wrapped by "
		    "another key");
	else if (strcmp(export, "unknown") == 0)
		warn(r, "export-unknown", "the token does not say whether the "
		    "key can leave it");
	else if (g->never_extractable == FW_NO || g->always_sensitive == FW_NO)
		warn(r, "was-exportable", "the key could once be read or leave "
		    "its token");
	/* NSS says so of all keys; one that came from outside would not have
	   been sensitive and unextractable at all times. */
	if (g->local == FW_NO && strcmp(export, "never") != 0)
		warn(r, "imported", "the key was not made in this token, so "
		    "that there may be copies");
}

static enum fw_kind
check_key(struct run *r, struct fw_key *key, struct fw_error *err)
{
	json_t *const report = r->check->report;
	struct fw_key_guard g;

	fw_d_set(&r->d, report, "key", fw_json_printable(fw_key_label(key)));
	fw_d_set(&r->d, report, "key-file",
	    json_boolean(fw_key_is_file(key)));
	fw_d_set(&r->d, report, "algorithm",
	    json_string(fwd_alg_name(fw_key_alg(key))));
	FW_TRY(fw_key_try(key, err));
	if (fw_key_is_file(key)) {
		fw_d_set(&r->d, report, "export", json_string("plain"));
		warn(r, "exportable", "the key lies in a file");
		return FW_OK;
	}
	FW_TRY(fw_key_guard(key, &g, err));
	fw_d_set(&r->d, report, "export", json_string(fw_key_export(&g)));
	judge_guard(r, &g);
	return FW_OK;
}

/* ---- certificates ------------------------------------------------- */

/* The key's certificates, if there are any. */
static enum fw_kind
load_chain(struct run *r, struct fw_key *key, bool *have,
    struct fw_error *err)
{
	size_t n = 0;

	*have = true;
	if (r->check->chain != NULL)
		return fw_chain_load(r->check->chain, &r->chain, err);
	FW_TRY(fw_key_certificates(key, &n, err));
	/* A key whose public half only a certificate shows has one. */
	if (n > 0)
		return fw_key_chain(key, &r->chain, err);
	warn(r, "certificate-missing", fw_key_is_file(key) ? "no certificate "
	    "is given (name the chain)" : "the token has no certificate for "
	    "the key (store it there, or name the chain when signing)");
	*have = false;
	return FW_OK;
}

static enum fw_kind
bind(struct run *r, struct fw_key *key, struct fw_error *err)
{
	unsigned char *spki = NULL;
	enum fw_kind kind;
	int n;

	FW_TRY(fw_x509_read(fw_buf_span(&r->chain.cert[0]), &r->leaf, err));
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(r->leaf), &spki);
	if (n <= 0)
		return fw_fail_ssl(err, FW_E_INPUT, "cannot read the public "
		    "key of the certificate");
	kind = fw_key_set_public(key, (struct fwd_span){ spki, (size_t)n },
	    err);
	OPENSSL_free(spki);
	r->role = (X509_get_extension_flags(r->leaf) & EXFLAG_CA) == 0 ?
	    FW_RELEASE_SIGNER : X509_NAME_cmp(X509_get_subject_name(r->leaf),
	    X509_get_issuer_name(r->leaf)) == 0 ? FW_ROOT : FW_INTERMEDIATE;
	return kind;
}

static void
check_size(struct run *r, const struct fw_buf *der)
{
	X509 *cert = NULL;
	struct fw_error ignored;
	const EVP_PKEY *key;

	if (der->n == 0 ||
	    fw_x509_read(fw_buf_span(der), &cert, &ignored) != FW_OK)
		return;
	key = X509_get0_pubkey(cert);
	if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
	    EVP_PKEY_get_bits(key) < RSA_GOOD_BITS)
		warn(r, "small-key", "an RSA key in the chain has fewer than "
		    "3072 bits");
	X509_free(cert);
	ERR_clear_error();
}

/* ---- judging ------------------------------------------------------ */

/*
 * The certificates to be judged, and what they are judged against: the anchors
 * that are given, or the top of the chain.
 */
static bool
set_path(struct run *r, struct fw_path *path)
{
	const struct fw_chain *const c = &r->chain;
	const struct fw_buf *const top = c->root.n > 0 ? &c->root :
	    &c->cert[c->n - 1];
	size_t i;

	*path = (struct fw_path){ .crypto = r->check->crypto,
	    .clock = r->check->clock, .anchor = r->check->anchor,
	    .anchors = r->check->anchors, .n = c->n,
	    .ca = r->role != FW_RELEASE_SIGNER };
	for (i = 0; i < c->n; i++)
		path->cert[i] = fw_buf_span(&c->cert[i]);
	if (path->anchors > 0)
		return true;
	if (fwd_anchor_read(fw_buf_span(top), &r->top) != FWD_OK)
		return false;
	path->anchor = &r->top;
	path->anchors = 1;
	/* The topmost one is believed, unless it vouches for itself. */
	if (c->root.n == 0 && r->role != FW_ROOT)
		path->n--;
	return path->n > 0;
}

/* Without its issuer, only what the certificate itself says can be judged. */
static void
judge_lone(struct run *r)
{
	const uint32_t flags = X509_get_extension_flags(r->leaf);
	const bool ca = r->role != FW_RELEASE_SIGNER;
	struct fw_error why;
	const char *text = NULL;

	if ((flags & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(r->leaf) &
	    (ca ? KU_KEY_CERT_SIGN : KU_DIGITAL_SIGNATURE)) == 0)
		text = ca ? "has no keyUsage that allows to sign certificates" :
		    "has no keyUsage that allows signatures";
	else if (!ca && ((flags & EXFLAG_XKUSAGE) == 0 ||
	    (X509_get_extended_key_usage(r->leaf) & XKU_CODE_SIGN) == 0))
		text = "is not for code signing";
	if (text != NULL) {
		(void)fw_fail(&why, FW_E_REFUSED, "the certificate %s", text);
		refuse(r, &why);
	}
	warn(r, "issuer-missing", "the certificate's issuer is not known, so "
	    "that its signature was not judged (store or name the chain)");
}

/* What signing with it would refuse: denied keys, and marks of tests. */
static void
judge_rules(struct run *r, const struct fw_key *key)
{
	const struct fw_build_options *const rules = r->check->rules;
	struct fw_error why = { .kind = FW_OK };

	if (rules == NULL)
		return;
	if (fw_deny_key(rules, fw_key_public(key), fw_key_label(key), &why) !=
	    FW_OK || fw_deny_roots(rules, &why) != FW_OK ||
	    fw_deny_chain(rules, &r->chain, &why) != FW_OK) {
		refuse(r, &why);
		return;
	}
	if (rules->deny != NULL && r->chain.n > 0 && r->chain.root.n == 0 &&
	    rules->trusts == 0 && r->role != FW_ROOT)
		warn(r, "root-not-looked-up", "the root is not known and was "
		    "not looked up in the deny list (name it with --trust)");
}

static void
judge_path(struct run *r, const char **judged)
{
	struct fwd_chain_result found;
	struct fw_error why;
	struct fw_path path;

	if (!set_path(r, &path)) {
		*judged = "certificate-alone";
		judge_lone(r);
		return;
	}
	*judged = r->check->anchors > 0 ? "up-to-trust-anchor" :
	    r->chain.root.n > 0 || r->role == FW_ROOT ? "up-to-own-root" :
	    "up-to-topmost-certificate";
	if (fw_path_judge(&path, &found, &why) != FW_OK)
		refuse(r, &why);
}

/* ---- days --------------------------------------------------------- */

/* The first end among the certificates that travel. */
static bool
first_end(const struct run *r, int64_t *end)
{
	struct fw_error ignored;
	struct tm tm;
	X509 *cert;
	size_t i;
	bool good = true;

	*end = INT64_MAX;
	for (i = 0; i < r->chain.n && good; i++) {
		cert = NULL;
		good = fw_x509_read(fw_buf_span(&r->chain.cert[i]), &cert,
		    &ignored) == FW_OK && ASN1_TIME_to_tm(
		    X509_get0_notAfter(cert), &tm) == 1;
		if (good && timegm(&tm) < *end)
			*end = timegm(&tm);
		X509_free(cert);
	}
	ERR_clear_error();
	return good;
}

static void
count_days(struct run *r)
{
	const int64_t now = r->check->clock.now;
	char text[96], until[32];
	int64_t end, days;

	if (!first_end(r, &end))
		return;
	days = end < now ? -1 - (now - end) / DAY : (end - now) / DAY;
	fw_time_format(end, until);
	fw_d_set(&r->d, r->check->report, "not-after", json_string(until));
	fw_d_set(&r->d, r->check->report, "days-left",
	    json_integer((json_int_t)days));
	if (days >= r->check->warn_days)
		return;
	if (days < 0)
		(void)snprintf(text, sizeof text, "the chain ended on %s",
		    until);
	else
		(void)snprintf(text, sizeof text, "the chain ends on %s, in "
		    "%lld days", until, (long long)days);
	warn(r, days < 0 ? "expired" : "expires-soon", text);
}

/* ---- the whole ---------------------------------------------------- */

static enum fw_kind
check_chain(struct run *r, struct fw_key *key, struct fw_error *err)
{
	json_t *const report = r->check->report;
	const char *judged = "nothing";
	bool have;
	size_t i;

	FW_TRY(load_chain(r, key, &have, err));
	if (!have) {
		judge_rules(r, key);
		fw_d_set(&r->d, report, "judged", json_string(judged));
		return FW_OK;
	}
	FW_TRY(bind(r, key, err));
	fw_d_set(&r->d, report, "role", json_string(fw_role_name(r->role)));
	fw_describe_certificate(&r->d, fw_d_object(&r->d, report,
	    "certificate"), fw_buf_span(&r->chain.cert[0]));
	fw_d_set(&r->d, report, "chain-length",
	    json_integer((json_int_t)r->chain.n));
	for (i = 0; i < r->chain.n; i++)
		check_size(r, &r->chain.cert[i]);
	check_size(r, &r->chain.root);
	judge_rules(r, key);
	judge_path(r, &judged);
	fw_d_set(&r->d, report, "judged", json_string(judged));
	count_days(r);
	return FW_OK;
}

static void
conclude(struct run *r)
{
	const struct fw_key_check *const c = r->check;

	fw_d_set(&r->d, c->report, "verdict", json_string(c->refused ?
	    "refused" : c->warnings > 0 ? "warned" : "good"));
	if (c->refused)
		fw_d_set(&r->d, c->report, "refusal",
		    fw_json_printable(c->refusal.text));
}

enum fw_kind
fw_key_check(struct fw_key *key, struct fw_key_check *check,
    struct fw_error *err)
{
	FW_CLEANUP(run_deinit) struct run r = { .check = check,
	    .d.problems = json_array() };

	check->report = json_object();
	check->warnings = 0;
	check->refused = false;
	r.warnings = fw_d_list(&r.d, check->report, "warnings");
	/* The chain first: it may be what shows the public key. */
	FW_TRY(check_chain(&r, key, err));
	FW_TRY(check_key(&r, key, err));
	conclude(&r);
	return r.d.no_memory ? fw_fail(err, FW_E_NOMEM, "out of memory") :
	    FW_OK;
}
