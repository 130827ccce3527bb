/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign log: verify the signing log, and sign it. */
#include <inttypes.h>
#include <string.h>

#include "fwsign/commands.h"
#include "fwsign/signing.h"
#include "host/internal.h"
#include "host/log.h"

enum { KEPT_MAX = 16 };
enum { OPT_CHECKPOINT = SIGNING_OWN };

static const char group_help[] =
    "log COMMAND FILE [OPTION]...\n"
    "\n"
    "The signing log that --log of other commands writes.\n"
    "\n"
    "Commands:\n"
    "  verify         no line was removed, changed, inserted or moved\n"
    "  checkpoint     sign the log as it is now\n"
    "\n"
    "Options:\n"
    "  -h, --help     show this help; after a command, that of it\n";

static const char verify_help[] =
    "log verify FILE [OPTION]...\n"
    "\n"
    "Verify a signing log: no line of it was removed, changed, inserted or\n"
    "moved, and its checkpoints hold.\n"
    "\n"
    "Options:\n"
    "      --trust ROOT    there must be a checkpoint, and all must lead to this\n"
    "                      root (PEM); can be repeated\n"
    "      --checkpoint FILE\n"
    "                      the log must have this checkpoint\n"
    "      --json          print the result as JSON\n"
    "      --quiet         print no result\n"
    "  -h, --help          show this help\n";

static const char checkpoint_help[] =
    "log checkpoint FILE --key REF [OPTION]...\n"
    "\n"
    "Sign a signing log as it is now, by appending a checkpoint.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   write the checkpoint here, too\n"
    SIGNING_HELP
    "\n"
    "--log belongs to other commands.\n";

struct log_args {
	struct signing signing;
	const char *kept[KEPT_MAX];
	size_t kepts;
	const char *file;
};

static void
args_deinit(struct log_args *a)
{
	signing_deinit(&a->signing);
}

/* ---- options -------------------------------------------------------- */

static enum fw_kind
add_kept(struct log_args *a, const char *arg, struct fw_error *err)
{
	if (a->kepts == KEPT_MAX)
		return fw_fail(err, FW_E_USAGE, "option '--checkpoint' is "
		    "given more than %d times", KEPT_MAX);
	a->kept[a->kepts++] = arg;
	return FW_OK;
}

static enum fw_kind
parse_verify(int argc, char **argv, struct log_args *a, struct fw_error *err)
{
	static const struct option longs[] = {
		{ "trust", required_argument, NULL, SIGNING_TRUST },
		{ "checkpoint", required_argument, NULL, OPT_CHECKPOINT },
		{ "json", no_argument, NULL, SIGNING_JSON },
		{ "quiet", no_argument, NULL, SIGNING_QUIET },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1)
		FW_TRY(c == OPT_CHECKPOINT ? add_kept(a, optarg, err) :
		    signing_option(&a->signing, c, optarg, err));
	FW_TRY(cli_operands(argc, argv, 1, "a signing log", err));
	a->file = argv[optind];
	return signing_ready(&a->signing, err);
}

static enum fw_kind
parse_checkpoint(int argc, char **argv, struct log_args *a,
    struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1)
		FW_TRY(signing_option(&a->signing, c, optarg, err));
	FW_TRY(cli_operands(argc, argv, 1, "a signing log", err));
	a->file = argv[optind];
	if (a->signing.opt.log != NULL)
		return fw_fail(err, FW_E_USAGE, "option '--log' does not "
		    "belong here (the log is '%s')", a->file);
	if (a->signing.opt.signers != 1)
		return fw_fail(err, FW_E_USAGE,
		    "a checkpoint needs one key to sign with (--key REF)");
	return signing_ready(&a->signing, err);
}

/* ---- verify --------------------------------------------------------- */

static const char *
plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void
print_repairs(const struct fw_log_report *r)
{
	uint64_t i;

	for (i = 0; i < r->repairs && i < FW_LOG_REPAIRS_SHOWN; i++)
		(void)printf("cut short        %" PRIu64 " line%s of %" PRIu64
		    " bytes, before line %" PRIu64 " of %s\n",
		    r->repair[i].lines, plural(r->repair[i].lines),
		    r->repair[i].size, r->repair[i].line, r->repair[i].time);
	if (i < r->repairs)
		(void)printf("                 and %" PRIu64 " more such "
		    "places\n", r->repairs - i);
}

static void
print_checkpoint(const struct log_args *a, const struct fw_log_report *r)
{
	if (r->checkpoint == 0) {
		(void)puts("checkpoint       none: that lines at the end were "
		    "removed cannot be seen");
		return;
	}
	(void)printf("checkpoint       line %" PRIu64 " of %s, ",
	    r->checkpoint, r->checkpoint_time);
	cli_text(stdout, r->signer, strlen(r->signer));
	(void)puts(a->signing.opt.trusts > 0 ?
	    "\n                 whose certificate leads to a trusted root" :
	    "\n                 (no root was given: anyone could have made it)");
	(void)printf("behind it        %" PRIu64 " line%s that no checkpoint "
	    "covers\n", r->lines - r->checkpoint,
	    plural(r->lines - r->checkpoint));
}

static void
print_report(const struct log_args *a, const struct fw_log_report *r)
{
	(void)fputs("log              ", stdout);
	cli_text(stdout, a->file, strlen(a->file));
	(void)printf("\nlines            %" PRIu64 ": signatures %" PRIu64
	    ", checkpoints %" PRIu64 ", repairs %" PRIu64 ", cut short %"
	    PRIu64 "\n", r->lines, r->signatures, r->checkpoints, r->repairs,
	    r->torn);
	if (r->lines > 0)
		(void)printf("from             %s\nto               %s\n"
		    "head             %s\n", r->first, r->last, r->head);
	print_repairs(r);
	print_checkpoint(a, r);
	(void)puts("verified         no line was removed, changed, inserted or "
	    "moved");
}

static json_t *
repairs_json(const struct fw_log_report *r)
{
	json_t *const list = json_array();
	uint64_t i;

	for (i = 0; i < r->repairs && i < FW_LOG_REPAIRS_SHOWN; i++)
		if (json_array_append_new(list, json_pack(
		    "{s:I, s:I, s:I, s:s}", "line",
		    (json_int_t)r->repair[i].line, "lines",
		    (json_int_t)r->repair[i].lines, "size",
		    (json_int_t)r->repair[i].size, "time",
		    r->repair[i].time)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
checkpoint_json(const struct log_args *a, const struct fw_log_report *r)
{
	if (r->checkpoint == 0)
		return json_null();
	return json_pack("{s:I, s:s, s:s, s:b, s:I}", "line",
	    (json_int_t)r->checkpoint, "time", r->checkpoint_time, "subject",
	    r->signer, "trusted", (int)(a->signing.opt.trusts > 0),
	    "lines-behind", (json_int_t)(r->lines - r->checkpoint));
}

static enum fw_kind
report_json(const struct log_args *a, const struct fw_log_report *r,
    struct fw_error *err)
{
	FW_CLEANUP(signing_free_json) json_t *tree = json_pack(
	    "{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "log", a->file,
	    "lines", (json_int_t)r->lines, "signatures",
	    (json_int_t)r->signatures, "checkpoints",
	    (json_int_t)r->checkpoints, "repairs", (json_int_t)r->repairs,
	    "cut-short", (json_int_t)r->torn, "repaired", repairs_json(r),
	    "checkpoint", checkpoint_json(a, r));
	int rc = tree == NULL;

	if (rc == 0 && r->lines > 0) {
		rc |= json_object_set_new(tree, "head", json_string(r->head));
		rc |= json_object_set_new(tree, "first",
		    json_string(r->first));
		rc |= json_object_set_new(tree, "last", json_string(r->last));
	}
	if (rc != 0)
		return fw_fail(err, FW_E_NOMEM,
		    "cannot show the result as JSON");
	return signing_dump(tree, err);
}

static enum fw_kind
cmd_verify(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(args_deinit) struct log_args a = { 0 };
	FW_CLEANUP(fw_log_report_deinit) struct fw_log_report r = { 0 };
	struct fw_log_options opt = { 0 };

	signing_init(&a.signing);
	FW_TRY(parse_verify(argc, argv, &a, err));
	opt.crypto = a.signing.opt.crypto;
	opt.trust = a.signing.opt.trust;
	opt.trusts = a.signing.opt.trusts;
	opt.checkpoint = a.kept;
	opt.checkpoints = a.kepts;
	FW_TRY(fw_log_verify(a.file, &opt, &r, err));
	if (a.signing.json)
		return report_json(&a, &r, err);
	if (!a.signing.quiet)
		print_report(&a, &r);
	return FW_OK;
}

/* ---- checkpoint ----------------------------------------------------- */

static enum fw_kind
report_checkpoint(const struct log_args *a, const char *subject,
    uint64_t number, struct fw_error *err)
{
	FW_CLEANUP(signing_free_json) json_t *tree = NULL;

	if (a->signing.quiet)
		return FW_OK;
	if (!a->signing.json) {
		(void)fputs("log              ", stdout);
		cli_text(stdout, a->file, strlen(a->file));
		(void)printf("\ncheckpoint       line %" PRIu64 ", ", number);
		cli_text(stdout, subject, strlen(subject));
		(void)putchar('\n');
		return FW_OK;
	}
	tree = json_pack("{s:s, s:I, s:s}", "log", a->file, "line",
	    (json_int_t)number, "subject", subject);
	if (tree == NULL)
		return fw_fail(err, FW_E_NOMEM,
		    "cannot show the result as JSON");
	return signing_dump(tree, err);
}

static enum fw_kind
checkpoint(const struct log_args *a, struct fw_error *err)
{
	const struct fw_build_options *const opt = &a->signing.opt;
	const struct fw_log_options judge = {
		.crypto = opt->crypto, .trust = opt->trust,
		.trusts = opt->trusts,
	};
	FW_CLEANUP(fw_signer_deinit) struct fw_signer signer = { 0 };
	FW_CLEANUP(fw_output_abandon) struct fw_output out = FW_OUTPUT_NONE;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf line = { 0 };
	FW_FREE char *subject = NULL;
	uint64_t number = 0;

	if (a->signing.out != NULL) {
		FW_TRY(fw_output_open(a->signing.out, &out, err));
		FW_TRY(fw_output_apart(&out, a->file, err));
	}
	FW_TRY(fw_log_ready(a->file, err));
	FW_TRY(fw_signer_open(&opt->signer[0], opt, &signer, err));
	FW_TRY(fw_log_checkpoint(a->file, &signer, &judge, &line, &number,
	    err));
	subject = strdup(signer.subject);
	if (subject == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (a->signing.out != NULL) {
		FW_TRY(fw_write_all(out.fd, line.p, line.n, a->signing.out,
		    err));
		FW_TRY(fw_output_commit(&out, err));
	}
	return report_checkpoint(a, subject, number, err);
}

static enum fw_kind
cmd_checkpoint(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(args_deinit) struct log_args a = { 0 };

	signing_init(&a.signing);
	FW_TRY(parse_checkpoint(argc, argv, &a, err));
	return checkpoint(&a, err);
}

enum fw_kind
cmd_log(int argc, char **argv, struct fw_error *err)
{
	static const struct cli_command commands[] = {
		{ "verify", cmd_verify, "", verify_help },
		{ "checkpoint", cmd_checkpoint, "", checkpoint_help },
	};

	return cli_group(commands, 2, group_help, argc, argv, err);
}
