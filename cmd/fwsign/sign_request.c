/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign sign-request: sign what another machine asks for. */
#include <fcntl.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include "fwsign/ceremony.h"
#include "fwsign/commands.h"
#include "host/internal.h"
#include "host/log.h"

enum { OPT_YES = SIGNING_OWN, OPT_EXPECT, OPT_SHOW, OPT_MANIFEST };

const char cmd_sign_request_help[] =
    "sign-request REQUEST --key REF [OPTION]...\n"
    "sign-request REQUEST --show [OPTION]...\n"
    "\n"
    "Show what a request from fwsign tbs asks for, computed anew from the\n"
    "manifest in it, and sign it once that is confirmed.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   write the response here (default: REQUEST.response)\n"
    SIGNING_KEY_HELP
    SIGNING_TOKEN_HELP
    "      --yes           sign without asking on the terminal\n"
    "      --expect DIGEST sign without asking, but only if DIGEST is that of\n"
    "                      the manifest or of the bytes to be signed\n"
    "      --show          show the summary and sign nothing\n"
    "      --manifest FILE write the envelope here, for fwsign inspect\n"
    "      --trust ROOT    judge the chain against this certificate (PEM)\n"
    SIGNING_TIME_HELP
    SIGNING_DENY_HELP
    SIGNING_LOG_HELP
    SIGNING_RESULT_HELP;

struct request_args {
	struct signing signing;
	const char *expect, *manifest;
	bool yes, show;
};

static void
args_deinit(struct request_args *a)
{
	signing_deinit(&a->signing);
}

/* ---- options --------------------------------------------------------- */

static enum fw_kind
one_option(struct request_args *a, int c, struct fw_error *err)
{
	switch (c) {
	case OPT_YES:
		a->yes = true;
		return FW_OK;
	case OPT_EXPECT:
		return cli_once("--expect", &a->expect, optarg, err);
	case OPT_SHOW:
		a->show = true;
		return FW_OK;
	case OPT_MANIFEST:
		return cli_once("--manifest", &a->manifest, optarg, err);
	default:
		return signing_option(&a->signing, c, optarg, err);
	}
}

/* --show signs nothing; whoever signs says how he knows what. */
static enum fw_kind
check_options(const struct request_args *a, struct fw_error *err)
{
	const struct signing *const s = &a->signing;
	const char *const signs = s->opt.signers > 0 ? "--key" :
	    s->out != NULL ? "--output" : a->yes ? "--yes" :
	    s->opt.log != NULL ? "--log" : NULL;

	if (a->show && signs != NULL)
		return fw_fail(err, FW_E_USAGE,
		    "options '--show' and '%s' exclude each other", signs);
	if (a->yes && a->expect != NULL)
		return fw_fail(err, FW_E_USAGE,
		    "options '--yes' and '--expect' exclude each other");
	if (!a->show && s->opt.signers == 0)
		return fw_fail(err, FW_E_USAGE, "the key to sign with is "
		    "missing (--key REF, or --show to sign nothing)");
	if (s->opt.signers > 1)
		return fw_fail(err, FW_E_USAGE, "option '--key' is given "
		    "twice (a request is for one signature)");
	return FW_OK;
}

static enum fw_kind
parse(int argc, char **argv, struct request_args *a, struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_KEY_OPTIONS,
		SIGNING_JUDGE_OPTIONS,
		SIGNING_DENY_OPTIONS,
		SIGNING_LOG_OPTIONS,
		SIGNING_RESULT_OPTIONS,
		{ "yes", no_argument, NULL, OPT_YES },
		{ "expect", required_argument, NULL, OPT_EXPECT },
		{ "show", no_argument, NULL, OPT_SHOW },
		{ "manifest", required_argument, NULL, OPT_MANIFEST },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1)
		FW_TRY(one_option(a, c, err));
	FW_TRY(cli_operands(argc, argv, 1, "a signing request", err));
	FW_TRY(check_options(a, err));
	return signing_ready(&a->signing, err);
}

/* ---- confirming ------------------------------------------------------ */

static void
file_close(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

/* Ask on the terminal, where the summary is shown if it went elsewhere. */
static enum fw_kind
ask(const struct request_args *a, const struct fw_request *r,
    struct fw_error *err)
{
	FW_CLEANUP(file_close) FILE *tty = fopen("/dev/tty", "r+e");
	char answer[16];

	if (tty == NULL)
		return fw_fail(err, FW_E_USAGE, "there is no terminal to "
		    "confirm on (say with --expect DIGEST what is to be "
		    "signed, or --yes)");
	(void)fflush(stdout);
	if (a->signing.quiet || a->signing.json || !isatty(STDOUT_FILENO))
		FW_TRY(ceremony_print(tty, r, err));
	(void)fputs("\nSign this?  Type yes if it is what was agreed: ", tty);
	(void)fflush(tty);
	if (fgets(answer, sizeof answer, tty) == NULL ||
	    strcmp(answer, "yes\n") != 0)
		return fw_fail(err, FW_E_REFUSED,
		    "nothing was signed (the answer was not yes)");
	return FW_OK;
}

static enum fw_kind
confirm(const struct request_args *a, const struct fw_request *r,
    struct fw_error *err)
{
	if (a->expect != NULL && !fw_request_is(r, a->expect))
		return fw_fail(err, FW_E_REFUSED, "the request is not about "
		    "'%s' (compare it with the digests of manifest and bytes "
		    "to be signed)", a->expect);
	if (a->show || a->yes || a->expect != NULL)
		return FW_OK;
	return ask(a, r, err);
}

/* It must have arrived before anything is signed. */
static enum fw_kind
show(const struct fw_request *r, struct fw_error *err)
{
	FW_TRY(ceremony_print(stdout, r, err));
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return FW_OK;
	/* Told here, and not once more at the end. */
	__fpurge(stdout);
	clearerr(stdout);
	return fw_fail(err, FW_E_IO, "nothing was signed: the summary could "
	    "not be shown");
}

/* ---- signing --------------------------------------------------------- */

static enum fw_kind
load(const char *path, struct fw_request *out, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };

	FW_TRY(fw_file_read(path, FW_REQUEST_MAX, &text, err));
	return fw_request_decode(fw_buf_span(&text), path, out, err);
}

/* Files that are read here, or added to, are not those that are written. */
static size_t
inputs(const struct request_args *a, const char *request,
    const char *out[4 + FWD_ANCHORS_MAX])
{
	const struct signing *const s = &a->signing;
	size_t i, n = 0;

	out[n++] = request;
	out[n++] = s->deny;
	out[n++] = s->opt.log;
	if (s->opt.signers > 0 && strncasecmp(s->signer[0].key, "pkcs11:",
	    7) != 0)
		out[n++] = s->signer[0].key;
	for (i = 0; i < s->opt.trusts; i++)
		out[n++] = s->trust[i];
	return n;
}

/* Before anything is written, signed or logged. */
static enum fw_kind
check_files(const struct request_args *a, const char *request,
    const char *response, struct fw_error *err)
{
	struct fw_exchange_file file[2] = { { .path = response } };
	const char *spare[4 + FWD_ANCHORS_MAX];
	size_t n = !a->show;

	if (a->manifest != NULL)
		file[n++].path = a->manifest;
	return fw_exchange_writable(file, n, spare, inputs(a, request, spare),
	    err);
}

static enum fw_kind
write_manifest(const struct request_args *a, const char *request,
    const struct fw_request *r, struct fw_error *err)
{
	const struct fw_exchange_file file = { a->manifest,
	    fw_buf_span(&r->envelope) };
	const char *spare[4 + FWD_ANCHORS_MAX];

	if (a->manifest == NULL)
		return FW_OK;
	return fw_exchange_write(&file, 1, spare, inputs(a, request, spare),
	    err);
}

static enum fw_kind
sign(const struct request_args *a, const char *request, const char *response,
    const struct fw_request *r, struct fw_signer *signer, struct fw_error *err)
{
	FW_CLEANUP(fw_elsewhere_deinit) struct fw_elsewhere made = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	const struct signing *const s = &a->signing;
	const char *spare[4 + FWD_ANCHORS_MAX];
	struct fw_exchange_file file = { .path = response };

	FW_TRY(fw_log_ready(s->opt.log, err));
	FW_TRY(fw_request_sign(r, s->signer[0].key, &s->opt, &made, signer,
	    err));
	FW_TRY(fw_response_encode(&made, &text, err));
	FW_TRY(fw_request_log(r, &made, signer, request, s->opt.log, err));
	file.data = fw_buf_span(&text);
	return fw_exchange_write(&file, 1, spare, inputs(a, request, spare),
	    err);
}

static void
print_signed(const char *response, const struct fw_signer *signer)
{
	const char *const key = fw_key_label(signer->key);

	(void)fputs("signed with      ", stdout);
	cli_text(stdout, key, strlen(key));
	(void)fputs(fw_key_is_file(signer->key) ?
	    " (FOR DEVELOPMENT ONLY)\nresponse         " :
	    "\nresponse         ", stdout);
	cli_text(stdout, response, strlen(response));
	(void)putchar('\n');
}

/* Where the response goes if that is not said. */
static enum fw_kind
response_name(const char *request, char **out, struct fw_error *err)
{
	if (asprintf(out, "%s.response", request) < 0) {
		*out = NULL;
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	}
	return FW_OK;
}

enum fw_kind
cmd_sign_request(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(args_deinit) struct request_args a = { 0 };
	FW_CLEANUP(fw_request_deinit) struct fw_request r = { 0 };
	FW_CLEANUP(fw_signer_deinit) struct fw_signer signer = { 0 };
	FW_FREE char *name = NULL;
	struct ceremony_result result = { 0 };
	struct signing *const s = &a.signing;

	signing_init(s);
	FW_TRY(parse(argc, argv, &a, err));
	result.request = argv[optind];
	FW_TRY(load(result.request, &r, err));
	FW_TRY(response_name(result.request, &name, err));
	FW_TRY(check_files(&a, result.request, s->out != NULL ? s->out : name,
	    err));
	/* Seen first, and also if it will be refused. */
	if (!s->json && !s->quiet)
		FW_TRY(show(&r, err));
	FW_TRY(write_manifest(&a, result.request, &r, err));
	FW_TRY(fw_request_judge(&r, &s->opt, &result.to_root, err));
	FW_TRY(confirm(&a, &r, err));
	if (!a.show) {
		result.response = s->out != NULL ? s->out : name;
		FW_TRY(sign(&a, result.request, result.response, &r, &signer,
		    err));
		result.signer = &signer;
	}
	if (s->json)
		return ceremony_json(&r, &result, err);
	if (!s->quiet && !a.show)
		print_signed(result.response, &signer);
	return FW_OK;
}
