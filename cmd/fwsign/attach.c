/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign attach: complete a bundle with signatures made elsewhere. */
#include <string.h>

#include "fwsign/commands.h"
#include "fwsign/signing.h"
#include "host/ceremony.h"
#include "host/internal.h"

enum { OPT_SIGNATURE = SIGNING_OWN };
enum { SIGNATURE_FILE_MAX = 65536 };

const char cmd_attach_help[] =
    "attach BUNDLE RESPONSE... [OPTION]...\n"
    "attach BUNDLE --signature FILE --chain FILE [OPTION]...\n"
    "\n"
    "Add signatures to a bundle that were made by fwsign sign-request, or one\n"
    "that another signing service made.  Each is verified, and the whole\n"
    "judged by the device library as by fwsign sign.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   write here (default: replace BUNDLE)\n"
    "      --signature FILE\n"
    "                      the signature as it is: r||s or DER with EC keys\n"
    "      --chain FILE    its certificates, as they were given to fwsign tbs\n"
    "      --alg NAME      its algorithm (default: what fits the key)\n"
    "      --trust ROOT    judge the result against this certificate (PEM)\n"
    SIGNING_TIME_HELP
    SIGNING_DENY_HELP
    SIGNING_RESULT_HELP;

struct attach_args {
	struct signing signing;
	const char *signature;
	struct fw_elsewhere made[FW_SIGNERS_MAX];
	size_t n;
};

static void
args_deinit(struct attach_args *a)
{
	while (a->n > 0)
		fw_elsewhere_deinit(&a->made[--a->n]);
	signing_deinit(&a->signing);
}

static enum fw_kind
check_operands(int argc, char **argv, const struct attach_args *a,
    struct fw_error *err)
{
	const struct fw_signer_spec *const spec = &a->signing.signer[0];

	if (a->signature != NULL && spec->chain == NULL)
		return fw_fail(err, FW_E_USAGE, "whose signature it is is "
		    "missing (--chain FILE)");
	if (a->signature != NULL)
		return cli_operands(argc, argv, 1, "a bundle", err);
	if (spec->chain != NULL || spec->alg != 0)
		return fw_fail(err, FW_E_USAGE, "option '%s' belongs to a "
		    "--signature (a response brings its own)",
		    spec->chain != NULL ? "--chain" : "--alg");
	if (argc - optind < 2)
		return cli_operands(argc, argv, 2,
		    "a bundle or a signing response", err);
	if (argc - optind - 1 > (int)FW_SIGNERS_MAX)
		return fw_fail(err, FW_E_USAGE, "more than %u responses are "
		    "given", FW_SIGNERS_MAX);
	return FW_OK;
}

static enum fw_kind
parse(int argc, char **argv, struct attach_args *a, struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_CHAIN_OPTIONS,
		SIGNING_JUDGE_OPTIONS,
		SIGNING_DENY_OPTIONS,
		SIGNING_RESULT_OPTIONS,
		{ "signature", required_argument, NULL, OPT_SIGNATURE },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	a->signing.opt.signers = 1;	/* whose --chain and --alg it is */
	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1) {
		if (c == OPT_SIGNATURE)
			FW_TRY(cli_once("--signature", &a->signature, optarg,
			    err));
		else
			FW_TRY(signing_option(&a->signing, c, optarg, err));
	}
	FW_TRY(check_operands(argc, argv, a, err));
	return signing_ready(&a->signing, err);
}

static enum fw_kind
load_signature(struct attach_args *a, struct fw_error *err)
{
	const struct fw_signer_spec *const spec = &a->signing.signer[0];
	struct fw_elsewhere *const e = &a->made[0];

	a->n = 1;
	e->path = a->signature;
	e->alg = spec->alg;
	FW_TRY(fw_chain_load(spec->chain, &e->chain, err));
	FW_TRY(fw_file_read(a->signature, SIGNATURE_FILE_MAX, &e->sig, err));
	if (e->sig.n == 0)
		return fw_fail(err, FW_E_INPUT, "'%s' is empty",
		    a->signature);
	return FW_OK;
}

static enum fw_kind
load_responses(struct attach_args *a, char **path, size_t n,
    struct fw_error *err)
{
	for (; a->n < n; a->n++) {
		FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };

		FW_TRY(fw_file_read(path[a->n], FW_REQUEST_MAX, &text, err));
		FW_TRY(fw_response_decode(fw_buf_span(&text), path[a->n],
		    &a->made[a->n], err));
	}
	return FW_OK;
}

enum fw_kind
cmd_attach(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(args_deinit) struct attach_args a = { 0 };
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	struct signing *const s = &a.signing;
	const char *out;
	size_t i;

	signing_init(s);
	FW_TRY(parse(argc, argv, &a, err));
	if (a.signature != NULL)
		FW_TRY(load_signature(&a, err));
	else
		FW_TRY(load_responses(&a, argv + optind + 1,
		    (size_t)(argc - optind - 1), err));
	for (i = 0; i < a.n; i++)
		s->signer[i].elsewhere = &a.made[i];
	s->opt.signers = a.n;
	out = s->out != NULL ? s->out : argv[optind];
	FW_TRY(fw_resign(argv[optind], out, &s->opt, &built, err));
	if (s->json)
		return signing_report_json(out, &built, err);
	if (!s->quiet)
		signing_report(out, &built);
	return FW_OK;
}
