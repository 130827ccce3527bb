/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
#include "fwsign/commands.h"

const char cli_prog[] = "fwsign";
const char cli_about[] = "Builds and signs firmware update bundles.";

static const struct cli_command commands[] = {
	{ "build", cmd_build,
	    "build a bundle from a descriptor and sign it", cmd_build_help },
	{ "sign", cmd_sign,
	    "sign a bundle that was built unsigned", cmd_sign_help },
	{ "revoke", cmd_revoke,
	    "make a signed list of keys that do not count any more",
	    cmd_revoke_help },
	{ "tbs", cmd_tbs,
	    "ask another machine to sign a bundle", cmd_tbs_help },
	{ "sign-request", cmd_sign_request,
	    "sign what another machine asks for", cmd_sign_request_help },
	{ "attach", cmd_attach,
	    "add signatures that were made elsewhere", cmd_attach_help },
	{ "resign", cmd_resign,
	    "replace the signatures of a tested bundle", cmd_resign_help },
	{ "strip", cmd_strip,
	    "remove signatures from a bundle", cmd_strip_help },
	{ "inspect", cmd_inspect,
	    "show what a bundle holds, trusting nothing", cmd_inspect_help },
	{ "extract", cmd_extract,
	    "take the members out of a bundle", cmd_extract_help },
	{ "key", cmd_key,
	    "make, list, certify and try the keys on tokens", NULL },
	{ "log", cmd_log,
	    "verify the signing log, or sign it", NULL },
};

int
main(int argc, char **argv)
{
	return cli_main(commands, sizeof commands / sizeof commands[0], argc,
	    argv);
}
