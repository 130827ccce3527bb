/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign key check: try a key and its certificates. */
#include <string.h>

#include "fwsign/key.h"
#include "host/describe.h"
#include "host/internal.h"

const char key_check_help[] =
    "key check --key URI [OPTION]...\n"
    "\n"
    "Try a key: a signature, whether it can leave its token, its certificates\n"
    "as a device judges them, and how long they last.\n"
    "\n"
    "Options:\n"
    "      --key URI       the key\n"
    "      --chain FILE    its certificates in PEM, leaf first (default: those\n"
    "                      on the token)\n"
    "      --trust ROOT    judge them against this certificate (PEM); can be\n"
    "                      repeated\n"
    "      --time TIME     judge validity dates at this time (RFC 3339), or\n"
    "                      none: not at all (default: now)\n"
    "      --warn-days N   warn if they end in less than N days (default: 60)\n"
    "      --deny FILE     refuse what FILE lists: keys that must not sign\n"
    "      --allow-test    do not refuse certificates that are marked as tests\n"
    "      --strict        a warning is a failure\n"
    "      --json          print JSON (schemas/key-check.schema.json)\n"
    "      --quiet         print no result\n"
    KEY_TOKEN_HELP KEY_HELP_HELP;

enum { CHECK_CHAIN = KEY_OWN, CHECK_TRUST, CHECK_WARN_DAYS, CHECK_STRICT,
    CHECK_JSON, CHECK_DENY, CHECK_ALLOW_TEST };

enum { DAYS_MAX = 36525, DAYS_USUAL = 60 };

struct check_args {
	struct key_args common;
	const char *chain, *warn_days, *deny;
	const char *trust[FWD_ANCHORS_MAX];
	size_t trusts;
	bool strict, json;
	struct fw_anchor file[FWD_ANCHORS_MAX];
	struct fwd_anchor anchor[FWD_ANCHORS_MAX];
	struct fw_deny denied;
	struct fw_build_options rules;
	struct fw_key_check check;
	struct fw_key *key;
};

static void
check_deinit(struct check_args *a)
{
	fw_key_free(a->key);
	for (size_t i = 0; i < a->trusts; i++)
		fw_anchor_deinit(&a->file[i]);
	fw_deny_deinit(&a->denied);
	json_decref(a->check.report);
	key_args_deinit(&a->common);
}

static enum fw_kind
check_option(struct check_args *a, int c, struct fw_error *err)
{
	switch (c) {
	case CHECK_CHAIN:
		return cli_once("--chain", &a->chain, optarg, err);
	case CHECK_TRUST:
		if (a->trusts == FWD_ANCHORS_MAX)
			return fw_fail(err, FW_E_USAGE, "option '--trust' is "
			    "given more than %u times", FWD_ANCHORS_MAX);
		a->trust[a->trusts++] = optarg;
		return FW_OK;
	case CHECK_WARN_DAYS:
		return cli_once("--warn-days", &a->warn_days, optarg, err);
	case CHECK_STRICT:
		a->strict = true;
		return FW_OK;
	case CHECK_JSON:
		a->json = true;
		return FW_OK;
	case CHECK_DENY:
		return cli_once("--deny", &a->deny, optarg, err);
	case CHECK_ALLOW_TEST:
		a->rules.allow_test = true;
		return FW_OK;
	default:
		return key_option(&a->common, c, optarg, err);
	}
}

static enum fw_kind
prepare(struct check_args *a, struct fw_error *err)
{
	uint64_t days = DAYS_USUAL;

	if (a->json && a->common.quiet)
		return fw_fail(err, FW_E_USAGE,
		    "options '--json' and '--quiet' exclude each other");
	if (a->warn_days != NULL)
		FW_TRY(cli_uint("option '--warn-days'", a->warn_days, 0,
		    DAYS_MAX, &days, err));
	for (size_t i = 0; i < a->trusts; i++) {
		FW_TRY(fw_anchor_load(a->trust[i], &a->file[i], err));
		a->anchor[i] = a->file[i].anchor;
		if (a->anchor[i].name.n == 0)
			return fw_fail(err, FW_E_INPUT, "trust anchor '%s' is "
			    "a bare key, which issues no certificates (give "
			    "the root's certificate)", a->trust[i]);
	}
	if (a->deny != NULL) {
		FW_TRY(fw_deny_load(a->deny, &a->denied, err));
		a->rules.deny = &a->denied;
	}
	a->rules.trust = a->trust;
	a->rules.trusts = a->trusts;
	a->check = (struct fw_key_check){ .chain = a->chain,
	    .anchor = a->anchor, .anchors = a->trusts,
	    .crypto = &a->common.crypto, .clock = a->common.clock,
	    .warn_days = (int64_t)days, .rules = &a->rules };
	return FW_OK;
}

/* ---- report ------------------------------------------------------- */

static const char *
get(const json_t *o, const char *key)
{
	const char *const s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static const char *
judged_words(const struct check_args *a)
{
	static const char *const words[][2] = {
		{ "up-to-trust-anchor", "up to the root given" },
		{ "up-to-own-root", "up to the root of its own chain" },
		{ "up-to-topmost-certificate", "up to the topmost certificate "
		    "of the chain (no root was given)" },
		{ "certificate-alone", "the certificate alone (its issuer is "
		    "not known)" },
	};
	const char *const judged = get(a->check.report, "judged");

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i][0], judged) == 0)
			return words[i][1];
	return "no certificate";
}

static void
print_report(const struct check_args *a)
{
	const json_t *const r = a->check.report;
	const json_t *const cert = json_object_get(r, "certificate");

	key_row("key", get(r, "key"));
	(void)printf("%-16s %s: a test signature holds\n", "signature",
	    get(r, "algorithm"));
	key_row("export", json_is_true(json_object_get(r, "key-file")) ?
	    "FOR DEVELOPMENT ONLY: the key lies in a file" :
	    key_export_words(get(r, "export")));
	if (cert != NULL) {
		key_row("profile", get(r, "role"));
		key_cert_rows(cert);
	}
	if (json_object_get(r, "days-left") != NULL)
		(void)printf("%-16s %" JSON_INTEGER_FORMAT "\n", "days left",
		    json_integer_value(json_object_get(r, "days-left")));
	(void)printf("%-16s ", "judged");
	cli_print(stdout, a->check.refused ? CLI_BAD : CLI_PLAIN, "%s%s\n",
	    a->check.refused ? "REFUSED, " : cert != NULL ? "accepted, " : "",
	    judged_words(a));
}

static void
print_warnings(const json_t *report)
{
	const json_t *w;
	size_t i;

	json_array_foreach(json_object_get(report, "warnings"), i, w)
		cli_warn("%s", get(w, "text"));
}

static enum fw_kind
report(const struct check_args *a, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };

	if (a->json) {
		FW_TRY(fw_json_text(a->check.report, &text, err));
		(void)fwrite(text.p, 1, text.n, stdout);
	} else {
		if (!a->common.quiet)
			print_report(a);
		print_warnings(a->check.report);
	}
	if (a->check.refused) {
		*err = a->check.refusal;
		return fw_wrap(err, "the certificate of %s",
		    fw_key_label(a->key));
	}
	if (a->strict && a->check.warnings > 0)
		return fw_fail(err, FW_E_REFUSED, "there are warnings, which "
		    "are failures with --strict");
	return FW_OK;
}

enum fw_kind
key_check(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		KEY_OPTIONS,
		{ "chain", required_argument, NULL, CHECK_CHAIN },
		{ "trust", required_argument, NULL, CHECK_TRUST },
		{ "time", required_argument, NULL, KEY_TIME },
		{ "warn-days", required_argument, NULL, CHECK_WARN_DAYS },
		{ "deny", required_argument, NULL, CHECK_DENY },
		{ "allow-test", no_argument, NULL, CHECK_ALLOW_TEST },
		{ "strict", no_argument, NULL, CHECK_STRICT },
		{ "json", no_argument, NULL, CHECK_JSON },
		{ "quiet", no_argument, NULL, KEY_QUIET },
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(check_deinit) struct check_args a = { .chain = NULL };
	int c;

	key_args_init(&a.common);
	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1)
		FW_TRY(check_option(&a, c, err));
	FW_TRY(cli_operands(argc, argv, 0, "", err));
	FW_TRY(key_ready(&a.common, true, err));
	FW_TRY(prepare(&a, err));
	FW_TRY(fw_key_open(a.common.key, &a.common.opt, &a.key, err));
	FW_TRY(fw_key_check(a.key, &a.check, err));
	return report(&a, err);
}
