/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign sign: add signatures to a bundle. */
#include "fwsign/batch.h"
#include "fwsign/commands.h"
#include "fwsign/signing.h"
#include "host/internal.h"

const char cmd_sign_help[] =
    "sign BUNDLE... --key REF [OPTION]...\n"
    "\n"
    "Sign a bundle that was built unsigned, or add a signer.  Everything else\n"
    "in the bundle stays as it is; the device library judges it before it is\n"
    "signed and once more afterwards.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   write here (default: replace BUNDLE)\n"
    "With several bundles, or one of these options, one that these keys have\n"
    "signed before is left as it is:\n"
    BATCH_HELP
    "In any case:\n"
    SIGNING_HELP
    "\n"
    "--key can be repeated; --chain and --alg are about the key before them.\n";

/* The options and operands; *many: it is a batch. */
static enum fw_kind
parse(int argc, char **argv, struct signing *s, struct batch_args *b,
    bool *many, struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_OPTIONS,
		BATCH_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	enum fw_kind kind;
	int c;

	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1) {
		if (!batch_option(b, c, optarg, &kind, err))
			kind = signing_option(s, c, optarg, err);
		FW_TRY(kind);
	}
	*many = argc - optind > 1 || batch_wanted(b);
	if (argc == optind)
		FW_TRY(cli_operands(argc, argv, 1, "a bundle", err));
	if (*many && s->out != NULL)
		return fw_fail(err, FW_E_USAGE, "option '--output' is for one "
		    "bundle (use --output-directory for several)");
	if (s->opt.signers == 0)
		return fw_fail(err, FW_E_USAGE,
		    "the key to sign with is missing (--key REF)");
	return signing_ready(s, err);
}

enum fw_kind
cmd_sign(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(signing_deinit) struct signing s;
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	struct batch_args batch = { 0 };
	const char *out;
	bool many;

	signing_init(&s);
	FW_TRY(parse(argc, argv, &s, &batch, &many, err));
	if (many)
		return batch_sign(&batch, &s, argv + optind,
		    (size_t)(argc - optind), err);
	out = s.out != NULL ? s.out : argv[optind];
	FW_TRY(fw_resign(argv[optind], out, &s.opt, &built, err));
	if (s.json)
		return signing_report_json(out, &built, err);
	if (!s.quiet)
		signing_report(out, &built);
	return FW_OK;
}
