/* SPDX-License-Identifier: Apache-2.0 */
/* fwverify check: would a device accept this bundle? */
#include <string.h>

#include "cli.h"
#include "fwverify/commands.h"
#include "fwverify/verdict.h"
#include "host/describe.h"
#include "host/internal.h"
#include "host/judge.h"

const char cmd_check_help[] =
    "check BUNDLE --trust ROOT.pem... [OPTION]...\n"
    "       fwverify check BUNDLE --device DEVICE.yaml [OPTION]...\n"
    "\n"
    "Judge a bundle with the device's library: is it authentic, meant for the\n"
    "device, no older than what it has, and whole?  Nothing is installed.\n"
    "\n"
    "Options:\n"
    "      --trust FILE    a trust anchor: a root certificate, or a bare public\n"
    "                      key (PEM); instead of those the profile names; can be\n"
    "                      repeated\n"
    "      --device FILE   judge for the device this profile describes (YAML);\n"
    "                      default: for any device\n"
    "      --time TIME     judge validity dates at this time (RFC 3339), or\n"
    "                      none: not at all (default: as the profile says, else\n"
    "                      now)\n"
    "      --revocations FILE\n"
    "                      a revocation list that one of the anchors has signed\n"
    "      --crypto NAME   openssl (default), bearssl or psa\n"
    "      --trace         add a line for each step the device library took\n"
    "      --json          print JSON (schemas/verdict.schema.json)\n"
    "  -h, --help          show this help\n";

struct options {
	struct fw_judge_options judge;
	const char *trust[FWD_ANCHORS_MAX];
	const char *time;
	bool json;
};

static enum fw_kind
add_trust(struct options *o, const char *path, struct fw_error *err)
{
	if (o->judge.trusts == FWD_ANCHORS_MAX)
		return fw_fail(err, FW_E_USAGE,
		    "option '--trust' is given more than %u times",
		    FWD_ANCHORS_MAX);
	o->trust[o->judge.trusts++] = path;
	return FW_OK;
}

enum fw_kind
time_option(const char *text, enum fw_judge_time *time, int64_t *now,
    struct fw_error *err)
{
	bool judge;

	*time = FW_TIME_DEFAULT;
	if (text == NULL)
		return FW_OK;
	FW_TRY(cli_time(text, &judge, now, err));
	*time = judge ? FW_TIME_AT : FW_TIME_NONE;
	return FW_OK;
}

static enum fw_kind
parse(int argc, char **argv, struct options *o, struct fw_error *err)
{
	static const struct option longs[] = {
		{ "trust",  required_argument, NULL, 't' },
		{ "device", required_argument, NULL, 'd' },
		{ "time",   required_argument, NULL, 'T' },
		{ "crypto", required_argument, NULL, 'c' },
		{ "revocations", required_argument, NULL, 'R' },
		{ "trace",  no_argument,       NULL, 'r' },
		{ "json",   no_argument,       NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	o->judge.trust = o->trust;
	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1) {
		switch (c) {
		case 't':
			FW_TRY(add_trust(o, optarg, err));
			break;
		case 'd':
			FW_TRY(cli_once("--device", &o->judge.device, optarg,
			    err));
			break;
		case 'T':
			FW_TRY(cli_once("--time", &o->time, optarg, err));
			break;
		case 'c':
			FW_TRY(crypto_option(&o->judge.crypto, optarg, err));
			break;
		case 'R':
			FW_TRY(cli_once("--revocations",
			    &o->judge.revocations, optarg, err));
			break;
		case 'r':
			o->judge.trace = true;
			break;
		case 'j':
			o->json = true;
			break;
		default:
			return FW_E_USAGE;
		}
	}
	FW_TRY(cli_operands(argc, argv, 1, "a bundle", err));
	o->judge.bundle = argv[optind];
	return time_option(o->time, &o->judge.time, &o->judge.now, err);
}

static void
release(json_t **tree)
{
	json_decref(*tree);
}

/* Is it what 'fwverify envelope' is for? */
static bool
is_bare(const char *path)
{
	struct fw_error ignored;
	uint8_t begin[2];
	FW_FD int fd = -1;

	return fw_file_open(path, &fd, NULL, &ignored) == FW_OK &&
	    read(fd, begin, sizeof begin) == (ssize_t)sizeof begin &&
	    fw_is_envelope(begin, sizeof begin);
}

enum fw_kind
cmd_check(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(release) json_t *report = NULL;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	struct options o = { 0 };
	fwd_status verdict;

	FW_TRY(parse(argc, argv, &o, err));
	FW_TRY(fw_judge(&o.judge, &report, &verdict, err));
	if (o.json)
		FW_TRY(fw_json_text(report, &text, err));
	else
		FW_TRY(fw_judge_text(report, &text, err));
	(void)fwrite(text.p, 1, text.n, stdout);
	if (verdict == FWD_OK)
		return FW_OK;
	if (is_bare(o.judge.bundle))
		return fw_fail(err, FW_E_REFUSED, "'%s' is a SUIT envelope, "
		    "not a bundle (use 'fwverify envelope')", o.judge.bundle);
	err->kind = FW_E_REFUSED;	/* the report has said why */
	err->text[0] = '\0';
	return FW_E_REFUSED;
}
