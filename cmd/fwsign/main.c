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
	{ "inspect", cmd_inspect,
	    "show what a bundle holds, trusting nothing", cmd_inspect_help },
	{ "extract", cmd_extract,
	    "take the members out of a bundle", cmd_extract_help },
	{ "log", cmd_log,
	    "verify the signing log, or sign it", cmd_log_help },
};

int
main(int argc, char **argv)
{
	return cli_main(commands, sizeof commands / sizeof commands[0], argc,
	    argv);
}
