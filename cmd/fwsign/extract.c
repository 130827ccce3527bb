/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign extract: members of a bundle as files. */
#include <string.h>

#include "cli.h"
#include "fwsign/commands.h"
#include "host/describe.h"
#include "host/internal.h"

const char cmd_extract_help[] =
    "extract BUNDLE [MEMBER]... [OPTION]...\n"
    "\n"
    "Write members of a bundle, and payloads integrated in its envelope, to\n"
    "files: all of them, or those that are named.  With --manifest and\n"
    "neither MEMBER nor -C, the envelope alone.  Nothing is verified.\n"
    "\n"
    "Options:\n"
    "  -C, --directory DIR\n"
    "                      write the files there instead of here\n"
    "      --manifest OUT  write the envelope to the file OUT\n"
    "      --force         replace files that exist\n"
    "  -h, --help          show this help\n";

static void
written(void *ctx, const char *path, uint64_t size)
{
	(void)ctx;
	cli_text(stdout, path, strlen(path));
	(void)printf("  %llu bytes\n", (unsigned long long)size);
}

static enum fw_kind
options(int argc, char **argv, struct fw_extract *opt, struct fw_error *err)
{
	static const struct option longs[] = {
		{ "directory", required_argument, NULL, 'C' },
		{ "manifest",  required_argument, NULL, 'm' },
		{ "force",     no_argument,       NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = cli_getopt(argc, argv, "C:", longs, err)) != -1) {
		switch (c) {
		case 'C':
			FW_TRY(cli_once("-C", &opt->dir, optarg, err));
			break;
		case 'm':
			FW_TRY(cli_once("--manifest", &opt->manifest, optarg,
			    err));
			break;
		case 'f':
			opt->force = true;
			break;
		default:
			return FW_E_USAGE;
		}
	}
	return FW_OK;
}

enum fw_kind
cmd_extract(int argc, char **argv, struct fw_error *err)
{
	struct fw_extract opt = { .written = written };

	FW_TRY(options(argc, argv, &opt, err));
	if (optind >= argc)
		return fw_fail(err, FW_E_USAGE,
		    "a bundle is missing (see --help)");
	opt.path = argv[optind];
	opt.name = (const char *const *)(argv + optind + 1);
	opt.names = (size_t)(argc - optind - 1);
	opt.all = opt.names == 0 && (opt.dir != NULL || opt.manifest == NULL);
	if (opt.dir == NULL)
		opt.dir = ".";
	FW_TRY(fw_extract(&opt, err));
	(void)printf("nothing was verified; use 'fwverify check'\n");
	return FW_OK;
}
