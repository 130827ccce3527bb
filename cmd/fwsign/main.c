/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/prctl.h>
#include <sys/resource.h>

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

/*
 * PINs and passphrases pass through this process: they must not end in a core
 * dump, and no other process of the user may look for them (but the leak
 * sanitizer's).  What the system does not allow is left as it is.
 */
static void
keep_to_ourselves(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef FW_TRACEABLE
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

int
main(int argc, char **argv)
{
	keep_to_ourselves();
	return cli_main(commands, sizeof commands / sizeof commands[0], argc,
	    argv);
}
