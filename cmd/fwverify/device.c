/* SPDX-License-Identifier: Apache-2.0 */
/* fwverify provision, install, boot, confirm, status: device directories. */
#include <string.h>

#include "cli.h"
#include "fwverify/commands.h"
#include "fwverify/verdict.h"
#include "host/describe.h"
#include "host/device.h"
#include "host/internal.h"

#define HELP_DEVICE \
"Options:\n" \
"      --device DIR    the device: a directory that 'provision' has made\n"
#define HELP_CRYPTO \
"      --crypto NAME   openssl (default), bearssl or psa\n"
#define HELP_CUT \
"      --cut-power N[:before|middle|after[:SEED]]\n" \
"                      for tests: power fails at the Nth write or erasure\n"
#define HELP_TRACE \
"      --trace         add a line for each step the device library took\n"
#define HELP_JSON \
"      --json          print JSON (schemas/device.schema.json)\n" \
"  -h, --help          show this help\n"

const char cmd_provision_help[] =
"provision PROFILE.yaml --device DIR [OPTION]...\n"
"\n"
"Make the directory of a new device, with a copy of its profile and anchors.\n"
"\n"
"Options:\n"
"      --device DIR    the directory\n"
HELP_CUT HELP_JSON;

const char cmd_install_help[] =
"install BUNDLE --device DIR [OPTION]...\n"
"\n"
"Judge a bundle as the device does, and install it in the bank that the\n"
"device can do without.\n"
"\n"
HELP_DEVICE
"      --time TIME     judge validity dates at this time (RFC 3339), or\n"
"                      none: not at all (default: as the profile says)\n"
"      --revocations FILE\n"
"                      put this revocation list into force before\n"
HELP_CRYPTO HELP_CUT HELP_TRACE HELP_JSON;

const char cmd_boot_help[] =
"boot --device DIR [OPTION]...\n"
"\n"
"Choose a release as the boot loader does, verify it, and start it.\n"
"\n"
HELP_DEVICE
"      --time TIME     judge a use-before at this time (RFC 3339), or none:\n"
"                      the time is not known (default: as the profile says)\n"
HELP_CRYPTO HELP_CUT HELP_TRACE HELP_JSON;

const char cmd_confirm_help[] =
"confirm --device DIR [OPTION]...\n"
"\n"
"Keep the release that was booted, and raise the rollback counter.\n"
"\n"
HELP_DEVICE HELP_CRYPTO HELP_CUT HELP_JSON;

const char cmd_status_help[] =
"status --device DIR [OPTION]...\n"
"\n"
"Show what the device holds; nothing is changed.\n"
"\n"
HELP_DEVICE HELP_CRYPTO HELP_JSON;

enum { TIME = 1, CUT = 2, TRACE = 4, CRYPTO = 8, REVOCATIONS = 16 };

struct options {
	struct fw_device_options device;
	const char *time, *cut, *operand;
	bool json;
};

/* ---- options --------------------------------------------------------- */

/* "N", "N:MODE" or "N:MODE:SEED". */
static enum fw_kind
set_cut(struct options *o, struct fw_error *err)
{
	static const struct {
		const char *name;
		enum fwp_cut cut;
	} modes[] = {
		{ "before", FWP_CUT_BEFORE }, { "middle", FWP_CUT_MIDDLE },
		{ "after", FWP_CUT_AFTER },
	};
	char text[64], *mode = NULL, *seed = NULL;

	if (o->cut == NULL)
		return FW_OK;
	(void)snprintf(text, sizeof text, "%s", o->cut);
	mode = strchr(text, ':');
	if (mode != NULL) {
		*mode++ = '\0';
		seed = strchr(mode, ':');
	}
	if (seed != NULL)
		*seed++ = '\0';
	FW_TRY(cli_uint("--cut-power", text, 1, UINT64_MAX,
	    &o->device.cut_at, err));
	if (seed != NULL)
		FW_TRY(cli_uint("--cut-power", seed, 0, UINT64_MAX,
		    &o->device.seed, err));
	o->device.cut = FWP_CUT_BEFORE;
	if (mode == NULL)
		return FW_OK;
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (strcmp(modes[i].name, mode) == 0) {
			o->device.cut = modes[i].cut;
			return FW_OK;
		}
	return fw_fail(err, FW_E_USAGE, "option '--cut-power' has no mode "
	    "'%s' (use before, middle or after)", mode);
}

static enum fw_kind
take(struct options *o, int c, struct fw_error *err)
{
	switch (c) {
	case 'd':
		return cli_once("--device", &o->device.dir, optarg, err);
	case 'T':
		return cli_once("--time", &o->time, optarg, err);
	case 'c':
		return crypto_option(&o->device.crypto, optarg, err);
	case 'x':
		return cli_once("--cut-power", &o->cut, optarg, err);
	case 'R':
		return cli_once("--revocations", &o->device.revocations,
		    optarg, err);
	case 'r':
		o->device.trace = true;
		return FW_OK;
	case 'j':
		o->json = true;
		return FW_OK;
	default:
		return FW_E_USAGE;
	}
}

/* operand: what the command needs one of, or NULL. */
static enum fw_kind
parse(int argc, char **argv, unsigned allowed, const char *operand,
    struct options *o, struct fw_error *err)
{
	struct option longs[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }, { NULL, 0, NULL, 0 },
		{ NULL, 0, NULL, 0 }, { NULL, 0, NULL, 0 },
		{ NULL, 0, NULL, 0 },
		{ NULL, 0, NULL, 0 },
	};
	struct option *next = longs + 2;
	int c;

	if ((allowed & TIME) != 0)
		*next++ = (struct option){ "time", required_argument, NULL,
		    'T' };
	if ((allowed & CRYPTO) != 0)
		*next++ = (struct option){ "crypto", required_argument, NULL,
		    'c' };
	if ((allowed & CUT) != 0)
		*next++ = (struct option){ "cut-power", required_argument,
		    NULL, 'x' };
	if ((allowed & REVOCATIONS) != 0)
		*next++ = (struct option){ "revocations", required_argument,
		    NULL, 'R' };
	if ((allowed & TRACE) != 0)
		*next++ = (struct option){ "trace", no_argument, NULL, 'r' };
	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1)
		FW_TRY(take(o, c, err));
	FW_TRY(cli_operands(argc, argv, operand != NULL ? 1 : 0, operand,
	    err));
	if (o->device.dir == NULL)
		return fw_fail(err, FW_E_USAGE, "option '--device' is missing "
		    "(name the device's directory)");
	o->operand = operand != NULL ? argv[optind] : NULL;
	FW_TRY(time_option(o->time, &o->device.time, &o->device.now, err));
	return set_cut(o, err);
}

/* ---- results --------------------------------------------------------- */

static void
release(json_t **tree)
{
	json_decref(*tree);
}

static enum fw_kind
show(const struct options *o, const json_t *report, fwd_status verdict,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };

	if (o->json)
		FW_TRY(fw_json_text(report, &text, err));
	else
		FW_TRY(fw_device_text(report, &text, err));
	(void)fwrite(text.p, 1, text.n, stdout);
	if (verdict == FWD_OK)
		return FW_OK;
	err->kind = FW_E_REFUSED;	/* the report has said why */
	err->text[0] = '\0';
	return FW_E_REFUSED;
}

/* ---- commands -------------------------------------------------------- */

enum fw_kind
cmd_provision(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(release) json_t *report = NULL;
	struct options o = { 0 };
	fwd_status verdict;

	FW_TRY(parse(argc, argv, CUT, "a device profile", &o, err));
	FW_TRY(fw_device_provision(o.operand, &o.device, &report, &verdict,
	    err));
	return show(&o, report, verdict, err);
}

enum fw_kind
cmd_install(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(release) json_t *report = NULL;
	struct options o = { 0 };
	fwd_status verdict;

	FW_TRY(parse(argc, argv, TIME | CRYPTO | CUT | TRACE | REVOCATIONS,
	    "a bundle", &o, err));
	o.device.bundle = o.operand;
	FW_TRY(fw_device_install(&o.device, &report, &verdict, err));
	return show(&o, report, verdict, err);
}

enum fw_kind
cmd_boot(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(release) json_t *report = NULL;
	struct options o = { 0 };
	fwd_status verdict;

	FW_TRY(parse(argc, argv, TIME | CRYPTO | CUT | TRACE, NULL, &o, err));
	FW_TRY(fw_device_boot(&o.device, &report, &verdict, err));
	return show(&o, report, verdict, err);
}

enum fw_kind
cmd_confirm(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(release) json_t *report = NULL;
	struct options o = { 0 };
	fwd_status verdict;

	FW_TRY(parse(argc, argv, CRYPTO | CUT, NULL, &o, err));
	FW_TRY(fw_device_confirm(&o.device, &report, &verdict, err));
	return show(&o, report, verdict, err);
}

enum fw_kind
cmd_status(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(release) json_t *report = NULL;
	struct options o = { 0 };
	fwd_status verdict;

	FW_TRY(parse(argc, argv, CRYPTO, NULL, &o, err));
	FW_TRY(fw_device_status(&o.device, &report, &verdict, err));
	return show(&o, report, verdict, err);
}
