/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign tbs: a request to sign a bundle on another machine. */
#include <string.h>

#include "fwsign/ceremony.h"
#include "fwsign/commands.h"
#include "host/internal.h"

enum { OPT_RAW = SIGNING_OWN, OPT_RAW_DIGEST };

const char cmd_tbs_help[] =
    "tbs BUNDLE --chain FILE -o REQUEST [OPTION]...\n"
    "\n"
    "Write what has to be signed, with all that is needed to know what it is:\n"
    "a small file for fwsign sign-request on the machine with the key.  The\n"
    "bundle itself does not travel; the device library judges it first.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   write the request here\n"
    "      --raw FILE      write the bytes to be signed, as they are\n"
    "      --raw-digest FILE\n"
    "                      write their digest, as a service takes that does\n"
    "                      not hash itself\n"
    "      --chain FILE    the signer's certificates in PEM, leaf first\n"
    "      --alg NAME      the algorithm (default: what fits the key)\n"
    "      --trust ROOT    judge the chain against this certificate (PEM)\n"
    SIGNING_TIME_HELP
    SIGNING_DENY_HELP
    SIGNING_RESULT_HELP;

struct tbs_args {
	struct signing signing;
	const char *raw, *raw_digest;
};

static void
args_deinit(struct tbs_args *a)
{
	signing_deinit(&a->signing);
}

static enum fw_kind
parse(int argc, char **argv, struct tbs_args *a, struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_CHAIN_OPTIONS,
		SIGNING_JUDGE_OPTIONS,
		SIGNING_DENY_OPTIONS,
		SIGNING_RESULT_OPTIONS,
		{ "raw", required_argument, NULL, OPT_RAW },
		{ "raw-digest", required_argument, NULL, OPT_RAW_DIGEST },
		{ NULL, 0, NULL, 0 },
	};
	struct signing *const s = &a->signing;
	int c;

	s->opt.signers = 1;		/* whose --chain and --alg it is */
	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1) {
		if (c == OPT_RAW)
			FW_TRY(cli_once("--raw", &a->raw, optarg, err));
		else if (c == OPT_RAW_DIGEST)
			FW_TRY(cli_once("--raw-digest", &a->raw_digest,
			    optarg, err));
		else
			FW_TRY(signing_option(s, c, optarg, err));
	}
	FW_TRY(cli_operands(argc, argv, 1, "a bundle", err));
	if (s->signer[0].chain == NULL)
		return fw_fail(err, FW_E_USAGE, "whose signature is wanted is "
		    "missing (--chain FILE)");
	if (s->out == NULL && a->raw == NULL && a->raw_digest == NULL)
		return fw_fail(err, FW_E_USAGE,
		    "where to write the request is missing (-o REQUEST)");
	return signing_ready(s, err);
}

static enum fw_kind
check_digest(const struct tbs_args *a, const struct fw_request *r,
    struct fw_error *err)
{
	if (a->raw_digest != NULL && r->alg == FWD_ED25519)
		return fw_fail(err, FW_E_USAGE, "Ed25519 signs the bytes "
		    "themselves, not a digest of them (use --raw)");
	return FW_OK;
}

static enum fw_kind
write_files(const struct tbs_args *a, const char *bundle,
    const struct fw_request *r, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf request = { 0 };
	const struct signing *const s = &a->signing;
	struct fw_exchange_file out[FW_EXCHANGE_FILES_MAX];
	const char *spare[3 + FWD_ANCHORS_MAX];
	size_t i, n = 0, spares = 0;

	FW_TRY(fw_request_encode(r, &request, err));
	if (s->out != NULL)
		out[n++] = (struct fw_exchange_file){ s->out,
		    fw_buf_span(&request) };
	if (a->raw != NULL)
		out[n++] = (struct fw_exchange_file){ a->raw,
		    fw_buf_span(&r->tbs) };
	if (a->raw_digest != NULL)
		out[n++] = (struct fw_exchange_file){ a->raw_digest,
		    { r->digest, fwd_digest_size(r->digest_alg) } };
	spare[spares++] = bundle;
	spare[spares++] = s->signer[0].chain;
	spare[spares++] = s->deny;
	for (i = 0; i < s->opt.trusts; i++)
		spare[spares++] = s->trust[i];
	return fw_exchange_write(out, n, spare, spares, err);
}

enum fw_kind
cmd_tbs(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(args_deinit) struct tbs_args a = { 0 };
	FW_CLEANUP(fw_request_deinit) struct fw_request r = { 0 };
	struct ceremony_result result;
	struct signing *const s = &a.signing;
	const char *bundle;

	signing_init(s);
	FW_TRY(parse(argc, argv, &a, err));
	bundle = argv[optind];
	FW_TRY(fw_request_make(bundle, s->signer[0].chain, s->signer[0].alg,
	    &s->opt, &r, &result.to_root, err));
	FW_TRY(check_digest(&a, &r, err));
	FW_TRY(write_files(&a, bundle, &r, err));
	result.request = s->out;
	result.response = NULL;
	result.signer = NULL;
	if (s->json)
		return ceremony_json(&r, &result, err);
	if (s->quiet)
		return FW_OK;
	FW_TRY(ceremony_print(stdout, &r, err));
	if (s->out != NULL) {
		(void)fputs("request          ", stdout);
		cli_text(stdout, s->out, strlen(s->out));
		(void)putchar('\n');
	}
	return FW_OK;
}
