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

const char cmd_log_help[] =
    "log verify FILE [OPTION]...\n"
    "       fwsign log checkpoint FILE --key REF [OPTION]...\n"
    "\n"
    "Verify a signing log: no line of it was removed, changed, inserted or\n"
    "moved.  Or sign the log as it is now, by appending a checkpoint.\n"
    "\n"
    "Options of verify:\n"
    "      --checkpoint FILE\n"
    "                      the log must have this checkpoint\n"
    "Options of checkpoint:\n"
    "  -o, --output FILE   write the checkpoint here, too\n"
    SIGNING_HELP
    "\n"
    "verify takes --trust, --json and --quiet as well: with --trust there must\n"
    "be a checkpoint, and all must lead to one of these roots.  --log is for\n"
    "other commands.\n";

struct log_args {
	struct signing signing;
	const char *kept[KEPT_MAX];
	size_t kepts;
	const char *file;
	bool verify;
};

static void
args_deinit(struct log_args *a)
{
	signing_deinit(&a->signing);
}

/* ---- options --------------------------------------------------------- */

static enum fw_kind
one_option(struct log_args *a, int c, const char **signs,
    struct fw_error *err)
{
	const bool both = c == SIGNING_TRUST || c == SIGNING_JSON ||
	    c == SIGNING_QUIET;

	if (c != OPT_CHECKPOINT) {
		if (!both && c != '?')
			*signs = "an option that is about signing";
		return signing_option(&a->signing, c, optarg, err);
	}
	if (a->kepts == KEPT_MAX)
		return fw_fail(err, FW_E_USAGE, "option '--checkpoint' is "
		    "given more than %d times", KEPT_MAX);
	a->kept[a->kepts++] = optarg;
	return FW_OK;
}

static enum fw_kind
parse(int argc, char **argv, struct log_args *a, struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_OPTIONS,
		{ "checkpoint", required_argument, NULL, OPT_CHECKPOINT },
		{ NULL, 0, NULL, 0 },
	};
	const char *signs = NULL, *what;
	int c;

	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1)
		FW_TRY(one_option(a, c, &signs, err));
	FW_TRY(cli_operands(argc, argv, 2, "what to do and a signing log",
	    err));
	what = argv[optind];
	a->file = argv[optind + 1];
	a->verify = strcmp(what, "verify") == 0;
	if (!a->verify && strcmp(what, "checkpoint") != 0)
		return fw_fail(err, FW_E_USAGE, "'%s' cannot be done with a "
		    "signing log (verify, checkpoint)", what);
	if (a->verify && signs != NULL)
		return fw_fail(err, FW_E_USAGE, "%s does not belong to 'log "
		    "verify'", signs);
	if (!a->verify && a->kepts > 0)
		return fw_fail(err, FW_E_USAGE, "option '--checkpoint' "
		    "belongs to 'log verify'");
	if (a->signing.opt.log != NULL)
		return fw_fail(err, FW_E_USAGE, "option '--log' does not "
		    "belong to 'log' (name the log behind '%s')", what);
	if (!a->verify && a->signing.opt.signers != 1)
		return fw_fail(err, FW_E_USAGE,
		    "a checkpoint needs one key to sign with (--key REF)");
	return signing_ready(&a->signing, err);
}

/* ---- verify ---------------------------------------------------------- */

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
verify(const struct log_args *a, struct fw_error *err)
{
	FW_CLEANUP(fw_log_report_deinit) struct fw_log_report r = { 0 };
	const struct fw_log_options opt = {
		.crypto = a->signing.opt.crypto,
		.trust = a->signing.opt.trust,
		.trusts = a->signing.opt.trusts,
		.checkpoint = a->kept, .checkpoints = a->kepts,
	};

	FW_TRY(fw_log_verify(a->file, &opt, &r, err));
	if (a->signing.json)
		return report_json(a, &r, err);
	if (!a->signing.quiet)
		print_report(a, &r);
	return FW_OK;
}

/* ---- checkpoint ------------------------------------------------------ */

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
		FW_TRY(fw_output_spares(&out, a->file, err));
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

enum fw_kind
cmd_log(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(args_deinit) struct log_args a = { 0 };

	signing_init(&a.signing);
	FW_TRY(parse(argc, argv, &a, err));
	return a.verify ? verify(&a, err) : checkpoint(&a, err);
}
