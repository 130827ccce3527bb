/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign key csr, self-sign and issue: requests and certificates. */
#include <string.h>

#include <openssl/pem.h>

#include "fwsign/key.h"
#include "host/internal.h"

const char key_csr_help[] =
    "key csr --key URI --subject NAME -o FILE [OPTION]...\n"
    "\n"
    "Write a certificate request (PKCS #10, PEM), signed by the key.\n"
    "\n"
    "Options:\n"
    "      --key URI       the key to be certified\n"
    "      --subject NAME  whose it is: 'CN=Release 2026,O=Example'\n"
    "      --profile NAME  ask for the certificate of a signer (default), an\n"
    "                      intermediate or a root\n"
    "  -o, --output FILE   write here\n"
    "      --quiet         print no result\n"
    KEY_TOKEN_HELP KEY_HELP_HELP;

const char key_self_sign_help[] =
    "key self-sign --key URI --subject NAME -o FILE [OPTION]...\n"
    "\n"
    "Make a root certificate (PEM), signed by its own key.\n"
    "\n"
    "Options:\n"
    "      --key URI       the root's key\n"
    "      --subject NAME  what it is called: 'CN=Root 2026,O=Example'\n"
    "  -o, --output FILE   write here\n"
    KEY_DATES_HELP
    "      --quiet         print no result\n"
    KEY_TOKEN_HELP KEY_HELP_HELP
    "\n"
    "Without --days or --not-after it is valid for 20 years; one CA may follow.\n";

const char key_issue_help[] =
    "key issue --key URI --profile NAME -o FILE [OPTION]...\n"
    "\n"
    "Certify another key (PEM).  What it says is up to the profile, not to the\n"
    "request; a device accepts it, or nothing is signed.\n"
    "\n"
    "Options:\n"
    "      --key URI       the issuer's key\n"
    "      --chain FILE    the issuer's certificates (PEM), its own first\n"
    "                      (default: those on its token)\n"
    "      --profile NAME  signer or intermediate\n"
    "      --request FILE  certify the key of this request (PEM)\n"
    "      --subject-key URI\n"
    "                      certify this key\n"
    "      --subject NAME  whose it is: 'CN=Release 2026,O=Example' (default:\n"
    "                      what the request says)\n"
    "  -o, --output FILE   write here\n"
    KEY_DATES_HELP
    "      --quiet         print no result\n"
    KEY_TOKEN_HELP KEY_HELP_HELP
    "\n"
    "Without --days or --not-after a signer's is valid for 2 years, that of an\n"
    "intermediate for 10, and neither longer than its issuer's.  With --pin-fd\n"
    "the issuer's PIN comes first.\n";

enum { ISSUE_PROFILE = KEY_OWN, ISSUE_CHAIN, ISSUE_REQUEST,
    ISSUE_SUBJECT_KEY };

static enum fw_kind
read_profile(const char *text, enum fw_role *out, struct fw_error *err)
{
	static const enum fw_role roles[] = { FW_RELEASE_SIGNER,
	    FW_INTERMEDIATE, FW_ROOT };

	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		*out = roles[i];
		if (strcmp(text, fw_role_name(roles[i])) == 0)
			return FW_OK;
	}
	return fw_fail(err, FW_E_USAGE, "'%s' is no profile (signer, "
	    "intermediate or root)", text);
}

static enum fw_kind
need_subject(const struct key_args *a, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf name = { 0 };

	if (a->subject == NULL)
		return fw_fail(err, FW_E_USAGE,
		    "the subject is missing (--subject NAME)");
	return fw_name_parse(a->subject, &name, err);
}

/* ---- csr ---------------------------------------------------------- */

static enum fw_kind
request(struct key_args *a, enum fw_role role, struct fw_error *err)
{
	FW_CLEANUP(key_close) struct fw_key *key = NULL;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };

	FW_TRY(need_subject(a, err));
	FW_TRY(key_output_free(a->out, err));
	FW_TRY(fw_key_open(a->key, &a->opt, &key, err));
	FW_TRY(fw_csr_make(key, a->subject, role, &der, err));
	FW_TRY(key_output(a->out, PEM_STRING_X509_REQ, &der, err));
	if (a->quiet)
		return FW_OK;
	key_row("request", a->out);
	key_row("subject", a->subject);
	key_row("key", fw_key_label(key));
	return FW_OK;
}

enum fw_kind
key_csr(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		KEY_OPTIONS,
		{ "subject", required_argument, NULL, KEY_SUBJECT },
		{ "profile", required_argument, NULL, ISSUE_PROFILE },
		{ "output", required_argument, NULL, 'o' },
		{ "quiet", no_argument, NULL, KEY_QUIET },
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(key_args_deinit) struct key_args a;
	enum fw_role role = FW_RELEASE_SIGNER;
	const char *profile = NULL;
	int c;

	key_args_init(&a);
	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1) {
		if (c == ISSUE_PROFILE)
			FW_TRY(cli_once("--profile", &profile, optarg, err));
		else
			FW_TRY(key_option(&a, c, optarg, err));
	}
	FW_TRY(cli_operands(argc, argv, 0, "", err));
	FW_TRY(key_ready(&a, true, err));
	if (profile != NULL)
		FW_TRY(read_profile(profile, &role, err));
	return request(&a, role, err);
}

/* ---- self-sign ---------------------------------------------------- */

static enum fw_kind
finish(const struct key_args *a, const struct fw_buf *der,
    struct fw_error *err)
{
	FW_TRY(key_output(a->out, PEM_STRING_X509, der, err));
	return a->quiet ? FW_OK : key_print_cert(a->out, der, err);
}

enum fw_kind
key_self_sign(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		KEY_OPTIONS,
		KEY_CERT_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(key_args_deinit) struct key_args a;
	FW_CLEANUP(key_close) struct fw_key *key = NULL;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };
	struct fw_issue issue;
	int c;

	key_args_init(&a);
	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1)
		FW_TRY(key_option(&a, c, optarg, err));
	FW_TRY(cli_operands(argc, argv, 0, "", err));
	FW_TRY(key_ready(&a, true, err));
	FW_TRY(need_subject(&a, err));
	FW_TRY(key_issue_options(&a, FW_ROOT, &issue, err));
	FW_TRY(key_output_free(a.out, err));
	FW_TRY(fw_key_open(a.key, &a.opt, &key, err));
	FW_TRY(fw_self_sign(key, &issue, &der, err));
	return finish(&a, &der, err);
}

/* ---- issue -------------------------------------------------------- */

struct issue_args {
	struct key_args common;
	const char *profile, *chain, *request, *subject_key;
	struct fw_issue issue;
	struct fw_chain certs;		/* the issuer's */
	struct fw_csr from;
	struct fw_key *key, *subject;
};

static void
issue_deinit(struct issue_args *a)
{
	fw_key_free(a->subject);
	fw_key_free(a->key);
	fw_chain_deinit(&a->certs);
	fw_csr_deinit(&a->from);
	key_args_deinit(&a->common);
}

static enum fw_kind
issue_option(struct issue_args *a, int c, struct fw_error *err)
{
	switch (c) {
	case ISSUE_PROFILE:
		return cli_once("--profile", &a->profile, optarg, err);
	case ISSUE_CHAIN:
		return cli_once("--chain", &a->chain, optarg, err);
	case ISSUE_REQUEST:
		return cli_once("--request", &a->request, optarg, err);
	case ISSUE_SUBJECT_KEY:
		return cli_once("--subject-key", &a->subject_key, optarg,
		    err);
	default:
		return key_option(&a->common, c, optarg, err);
	}
}

/* All that can be wrong without a PIN. */
static enum fw_kind
prepare(struct issue_args *a, struct fw_error *err)
{
	enum fw_role role;

	if (a->profile == NULL)
		return fw_fail(err, FW_E_USAGE, "the profile is missing "
		    "(--profile signer or intermediate)");
	FW_TRY(read_profile(a->profile, &role, err));
	if (role == FW_ROOT)
		return fw_fail(err, FW_E_USAGE, "nobody issues a root (use "
		    "'self-sign')");
	if ((a->request != NULL) == (a->subject_key != NULL))
		return fw_fail(err, FW_E_USAGE, "whose key is to be certified "
		    "is not clear (give --request or --subject-key, one of "
		    "them)");
	FW_TRY(key_issue_options(&a->common, role, &a->issue, err));
	if (a->subject_key != NULL)
		FW_TRY(need_subject(&a->common, err));
	FW_TRY(key_output_free(a->common.out, err));
	if (a->request != NULL)
		FW_TRY(fw_csr_load(a->request, &a->from, err));
	if (a->chain != NULL)
		FW_TRY(fw_chain_load(a->chain, &a->certs, err));
	return FW_OK;
}

/* The keys, and proof that the one to be certified is there. */
static enum fw_kind
open_keys(struct issue_args *a, struct fw_error *err)
{
	struct fw_key_options *const opt = &a->common.opt;

	FW_TRY(fw_key_open(a->common.key, opt, &a->key, err));
	if (a->chain == NULL &&
	    fw_key_chain(a->key, &a->certs, err) != FW_OK)
		return fw_wrap(err, "the issuer");
	a->issue.spki = fw_buf_span(&a->from.spki);
	a->issue.subject_der = fw_buf_span(&a->from.subject);
	if (a->subject_key == NULL)
		return FW_OK;
	FW_TRY(fw_key_open(a->subject_key, opt, &a->subject, err));
	if (fw_key_try(a->subject, err) != FW_OK)
		return fw_wrap(err, "the key to be certified");
	a->issue.spki = fw_key_public(a->subject);
	return FW_OK;
}

enum fw_kind
key_issue(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		KEY_OPTIONS,
		KEY_CERT_OPTIONS,
		{ "profile", required_argument, NULL, ISSUE_PROFILE },
		{ "chain", required_argument, NULL, ISSUE_CHAIN },
		{ "request", required_argument, NULL, ISSUE_REQUEST },
		{ "subject-key", required_argument, NULL, ISSUE_SUBJECT_KEY },
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(issue_deinit) struct issue_args a = { .profile = NULL };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };
	int c;

	key_args_init(&a.common);
	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1)
		FW_TRY(issue_option(&a, c, err));
	FW_TRY(cli_operands(argc, argv, 0, "", err));
	FW_TRY(key_ready(&a.common, true, err));
	FW_TRY(prepare(&a, err));
	FW_TRY(open_keys(&a, err));
	FW_TRY(fw_issue(a.key, &a.certs, &a.issue, &der, err));
	return finish(&a.common, &der, err);
}
