/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign inspect: what a bundle, an envelope or a revocation list holds,
   trusting nothing. */
#include <stdlib.h>

#include "cli.h"
#include "fwsign/commands.h"
#include "host/describe.h"
#include "host/internal.h"

const char cmd_inspect_help[] =
    "inspect FILE [OPTION]...\n"
    "\n"
    "Show what a bundle, a SUIT envelope or a revocation list holds.  Nothing is\n"
    "verified.\n"
    "\n"
    "Options:\n"
    "      --json          print JSON (schemas/inspect.schema.json)\n"
    "  -h, --help          show this help\n";

static void
free_tree(json_t **tree)
{
	json_decref(*tree);
}

enum fw_kind
cmd_inspect(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_CLEANUP(free_tree) json_t *tree = NULL;
	bool json = false;
	int c;

	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1) {
		if (c != 'j')
			return FW_E_USAGE;
		json = true;
	}
	FW_TRY(cli_operands(argc, argv, 1, "a file to show", err));
	FW_TRY(fw_describe_file(argv[optind], &tree, err));
	FW_TRY(json ? fw_json_text(tree, &text, err) :
	    fw_describe_text(tree, &text, err));
	/* Whether it arrived is seen at the end, for all commands alike. */
	(void)fwrite(text.p, 1, text.n, stdout);
	if (fw_describe_unknown(tree))
		return fw_fail(err, FW_E_REFUSED, "'%s' is neither a bundle "
		    "(a ustar archive) nor a SUIT envelope nor a revocation "
		    "list", argv[optind]);
	if (fw_describe_malformed(tree))
		return fw_fail(err, FW_E_REFUSED,
		    "'%s' is malformed (see the problems listed)",
		    argv[optind]);
	return FW_OK;
}
