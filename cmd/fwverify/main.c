/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"
#include "fwverify/commands.h"

const char cli_prog[] = "fwverify";
const char cli_about[] =
    "Judges firmware update bundles with the device's own library.";

static const struct cli_command commands[] = {
	{ "check", cmd_check,
	    "say whether a device accepts a bundle", cmd_check_help },
	{ "provision", cmd_provision,
	    "make a device directory from a profile", cmd_provision_help },
	{ "install", cmd_install,
	    "install a bundle in a device directory", cmd_install_help },
	{ "boot", cmd_boot,
	    "boot a device directory", cmd_boot_help },
	{ "confirm", cmd_confirm,
	    "keep the release that was booted", cmd_confirm_help },
	{ "status", cmd_status,
	    "show what a device directory holds", cmd_status_help },
	{ "chain", cmd_chain,
	    "validate a certificate chain", cmd_chain_help },
	{ "primitive", cmd_primitive,
	    "verify one signature", cmd_primitive_help },
	{ "envelope", cmd_envelope,
	    "authenticate a SUIT envelope, show its commands",
	    cmd_envelope_help },
};

int
main(int argc, char **argv)
{
	return cli_main(commands, sizeof commands / sizeof commands[0], argc,
	    argv);
}
