/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign resign, fwsign strip: other signatures for a bundle that was tested,
   or none. */
#include <string.h>

#include "fwsign/commands.h"
#include "fwsign/signing.h"
#include "host/internal.h"

enum { OPT_SIGNER = SIGNING_OWN };

#define SIGNER_HELP							\
    "                      a certificate, a chain or a public key in PEM, or a\n" \
    "                      key identifier; can be repeated (default: all)\n"

const char cmd_resign_help[] =
    "resign BUNDLE --key REF -o OUTPUT [OPTION]...\n"
    "\n"
    "Replace the signatures of a bundle, such as those it was tested with, by\n"
    "others.  Manifest and contents stay as they are; the result is read back\n"
    "and compared.  The signatures that are there must hold.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   write the bundle here\n"
    "      --signer WHO    replace the signature of this signer only:\n"
    SIGNER_HELP
    SIGNING_HELP
    "\n"
    "--key can be repeated; --chain and --alg are about the key before them.\n";

const char cmd_strip_help[] =
    "strip BUNDLE -o OUTPUT [OPTION]...\n"
    "\n"
    "Remove signatures from a bundle.  Manifest and contents stay as they are;\n"
    "the result is read back and compared.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   write the bundle here\n"
    "      --signer WHO    remove the signature of this signer only:\n"
    SIGNER_HELP
    SIGNING_DENY_HELP
    SIGNING_RESULT_HELP;

struct resign_args {
	struct signing signing;
	const char *who[FWD_AUTH_MAX];
	struct fw_rework how;
};

static void
args_deinit(struct resign_args *a)
{
	signing_deinit(&a->signing);
}

static enum fw_kind
one_option(struct resign_args *a, int c, struct fw_error *err)
{
	if (c != OPT_SIGNER)
		return signing_option(&a->signing, c, optarg, err);
	if (a->how.n == FWD_AUTH_MAX)
		return fw_fail(err, FW_E_USAGE, "option '--signer' is given "
		    "more than %u times", FWD_AUTH_MAX);
	a->who[a->how.n++] = optarg;
	return FW_OK;
}

/* Take the options of longs, and do it. */
static enum fw_kind
run(int argc, char **argv, const struct option *longs, struct resign_args *a,
    struct fw_error *err)
{
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	struct signing *const s = &a->signing;
	int c;

	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1)
		FW_TRY(one_option(a, c, err));
	FW_TRY(cli_operands(argc, argv, 1, "a bundle", err));
	if (!a->how.strip && s->opt.signers == 0)
		return fw_fail(err, FW_E_USAGE,
		    "the key to sign with is missing (--key REF)");
	if (s->out == NULL)
		return fw_fail(err, FW_E_USAGE,
		    "where to write the bundle is missing (-o OUTPUT)");
	FW_TRY(signing_ready(s, err));
	a->how.who = a->who;
	a->how.all = a->how.n == 0;
	FW_TRY(fw_rework(argv[optind], s->out, &a->how, &s->opt, &built, err));
	if (s->json)
		return signing_report_json(s->out, &built, err);
	if (!s->quiet)
		signing_report(s->out, &built);
	return FW_OK;
}

enum fw_kind
cmd_resign(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_OPTIONS,
		{ "signer", required_argument, NULL, OPT_SIGNER },
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(args_deinit) struct resign_args a = { 0 };

	signing_init(&a.signing);
	return run(argc, argv, longs, &a, err);
}

enum fw_kind
cmd_strip(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_DENY_OPTIONS,
		SIGNING_RESULT_OPTIONS,
		{ "signer", required_argument, NULL, OPT_SIGNER },
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(args_deinit) struct resign_args a = { .how.strip = true };

	signing_init(&a.signing);
	return run(argc, argv, longs, &a, err);
}
