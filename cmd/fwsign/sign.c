/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign sign: add signatures to a bundle. */
#include "fwsign/commands.h"
#include "fwsign/signing.h"
#include "host/internal.h"

const char cmd_sign_help[] =
    "sign BUNDLE --key REF [OPTION]...\n"
    "\n"
    "Sign a bundle that was built unsigned, or add a signer.  Everything else\n"
    "in the bundle stays as it is; the device library judges it before it is\n"
    "signed and once more afterwards.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   write here (default: replace BUNDLE)\n"
    SIGNING_HELP
    "\n"
    "--key can be repeated; --chain and --alg are about the key before them.\n";

enum fw_kind
cmd_sign(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(signing_deinit) struct signing s;
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	const char *out;
	int c;

	signing_init(&s);
	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1)
		FW_TRY(signing_option(&s, c, optarg, err));
	FW_TRY(cli_operands(argc, argv, 1, "a bundle", err));
	if (s.opt.signers == 0)
		return fw_fail(err, FW_E_USAGE,
		    "the key to sign with is missing (--key REF)");
	FW_TRY(signing_ready(&s, err));
	out = s.out != NULL ? s.out : argv[optind];
	FW_TRY(fw_resign(argv[optind], out, &s.opt, &built, err));
	if (s.json)
		return signing_report_json(out, &built, err);
	if (!s.quiet)
		signing_report(out, &built);
	return FW_OK;
}
