/* SPDX-License-Identifier: Apache-2.0 */
/* fwverify envelope: authenticate a bare SUIT envelope, show its commands. */
#include <string.h>
#include <time.h>

#include "cli.h"
#include "fwverify/commands.h"
#include "fwverify/verdict.h"
#include "host/describe.h"
#include "host/internal.h"
#include "host/judge.h"

const char cmd_envelope_help[] =
    "envelope ENVELOPE --trust FILE... [OPTION]...\n"
    "\n"
    "Authenticate a SUIT envelope with the device's library and print its\n"
    "commands in the order of their execution.  Nothing is executed.\n"
    "\n"
    "Options:\n"
    "      --trust FILE    a trust anchor: a root certificate, or a bare public\n"
    "                      key (PEM); can be repeated\n"
    "      --time TIME     judge validity dates at this time (RFC 3339), or\n"
    "                      none: not at all (default: now)\n"
    "      --crypto NAME   openssl (default), bearssl or psa\n"
    "      --trace         add a line for each step the device library took\n"
    "      --json          print JSON (schemas/envelope.schema.json)\n"
    "  -h, --help          show this help\n";

struct options {
	struct fw_anchor anchor[FWD_ANCHORS_MAX];
	struct fwd_anchor bare[FWD_ANCHORS_MAX];	/* the same */
	size_t anchors;
	const char *time;
	const char *crypto;
	const char *path;
	bool trace, json;
};

/* One run: what goes into the library and what came out. */
struct run {
	struct fw_buf envelope;
	struct verdict verdict;
	struct fwd_policy policy;
	struct fwd_port port;
	struct fwd_ctx ctx;
	int64_t now;
	fwd_status status;
	json_t *described;		/* NULL unless accepted */
	json_t *problems;
};

static void
options_deinit(struct options *o)
{
	for (size_t i = 0; i < o->anchors; i++)
		fw_anchor_deinit(&o->anchor[i]);
}

static void
run_deinit(struct run *r)
{
	fw_buf_deinit(&r->envelope);
	verdict_deinit(&r->verdict);
	json_decref(r->described);
	json_decref(r->problems);
}

static void
free_tree(json_t **tree)
{
	json_decref(*tree);
}

/* ---- options ------------------------------------------------------------- */

static enum fw_kind
add_trust(struct options *o, const char *path, struct fw_error *err)
{
	if (o->anchors == FWD_ANCHORS_MAX)
		return fw_fail(err, FW_E_USAGE,
		    "option '--trust' is given more than %u times",
		    FWD_ANCHORS_MAX);
	FW_TRY(fw_anchor_load(path, &o->anchor[o->anchors], err));
	o->bare[o->anchors] = o->anchor[o->anchors].anchor;
	o->anchors++;
	return FW_OK;
}

static enum fw_kind
parse(int argc, char **argv, struct options *o, struct fw_error *err)
{
	static const struct option longs[] = {
		{ "trust", required_argument, NULL, 't' },
		{ "time",  required_argument, NULL, 'T' },
		{ "crypto", required_argument, NULL, 'c' },
		{ "trace", no_argument,       NULL, 'r' },
		{ "json",  no_argument,       NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1) {
		switch (c) {
		case 't':
			FW_TRY(add_trust(o, optarg, err));
			break;
		case 'T':
			FW_TRY(cli_once("--time", &o->time, optarg, err));
			break;
		case 'c':
			FW_TRY(crypto_option(&o->crypto, optarg, err));
			break;
		case 'r':
			o->trace = true;
			break;
		case 'j':
			o->json = true;
			break;
		default:
			return FW_E_USAGE;
		}
	}
	FW_TRY(cli_operands(argc, argv, 1, "an envelope", err));
	o->path = argv[optind];
	if (o->anchors == 0)
		return fw_fail(err, FW_E_USAGE, "no trust anchor is given "
		    "(name a root certificate or a public key with --trust)");
	return FW_OK;
}

/* ---- the run --------------------------------------------------------------- */

static enum fw_kind
set_clock(const struct options *o, struct run *r, struct fw_error *err)
{
	bool judge = true;

	if (o->time == NULL)
		r->now = (int64_t)time(NULL);
	else
		FW_TRY(cli_time(o->time, &judge, &r->now, err));
	r->policy.clock = judge ? FWD_CLOCK_TRUSTED : FWD_CLOCK_NONE;
	return FW_OK;
}

static fwd_status
port_now(void *ctx, int64_t *now)
{
	const struct run *const r = ctx;

	*now = r->now;
	return FWD_OK;
}

static enum fw_kind
judge(const struct options *o, struct run *r, struct fw_error *err)
{
	FW_CLEANUP(crypto_close) struct fwp_crypto *port = NULL;

	FW_TRY(crypto_open(o->crypto, &port, err));
	r->policy.anchor = o->bare;
	r->policy.anchors = o->anchors;
	r->policy.threshold = 1;
	r->policy.time_min = INT64_MIN;
	r->policy.flags = FWD_ANY_PROFILE;
	r->policy.purpose = fwd_code_signing;
	r->verdict.keep = o->trace;
	r->port.ctx = r;
	r->port.now = port_now;
	r->port.trace = verdict_tracer(&r->verdict);
	r->ctx.port = &r->port;
	r->ctx.crypto = fwp_crypto_get(port);
	r->ctx.policy = &r->policy;
	r->status = fwd_envelope_check(&r->ctx, fw_buf_span(&r->envelope));
	r->ctx.crypto = NULL;
	if (r->verdict.failed)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (r->status != FWD_OK)
		return FW_OK;
	r->problems = json_array();
	if (r->problems == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return fw_describe_envelope(fw_buf_span(&r->envelope), r->problems,
	    &r->described, err);
}

/* ---- JSON ------------------------------------------------------------------ */

/* Who signed; NULL when out of memory. */
static json_t *
signer_json(const struct options *o, const struct fwd_signer *s)
{
	json_t *const row = json_pack("{s:s, s:I, s:s}", "algorithm",
	    fwd_alg_name(s->alg), "signature-block", (json_int_t)s->block,
	    "anchor", o->anchor[s->chain.anchor].label);
	FW_FREE char *subject = NULL;
	char serial[SERIAL_TEXT], from[32], until[32];
	struct fw_error err;
	int bad;

	if (row == NULL || s->bare_key)
		return row;		/* there is no certificate */
	if (fw_name_format(s->chain.subject, &subject, &err) != FW_OK) {
		json_decref(row);
		return NULL;
	}
	verdict_serial(s->chain.serial, serial);
	fw_time_format(s->chain.not_before, from);
	fw_time_format(s->chain.not_after, until);
	bad = json_object_set_new(row, "subject", json_string(subject)) |
	    json_object_set_new(row, "serial", json_string(serial)) |
	    json_object_set_new(row, "not-before", json_string(from)) |
	    json_object_set_new(row, "not-after", json_string(until));
	if (bad == 0)
		return row;
	json_decref(row);
	return NULL;
}

static json_t *
signers_json(const struct options *o, const struct run *r)
{
	json_t *const list = json_array();

	for (size_t i = 0; list != NULL && i < r->ctx.signers; i++)
		if (json_array_append_new(list, signer_json(o,
		    &r->ctx.signer[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
trace_json(const struct run *r)
{
	json_t *const list = json_array();

	for (size_t i = 0; list != NULL && i < r->verdict.steps; i++)
		if (json_array_append_new(list,
		    json_string(r->verdict.step[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static enum fw_kind
report(const struct options *o, const struct run *r, json_t **out,
    struct fw_error *err)
{
	const bool ok = r->status == FWD_OK;
	FW_CLEANUP(free_tree) json_t *tree = json_object();
	char now[32];
	int bad = 0;

	fw_time_format(r->now, now);
	bad |= json_object_set_new(tree, "verdict",
	    json_string(ok ? "accepted" : "refused"));
	bad |= json_object_set_new(tree, "envelope",
	    fw_json_printable(o->path));
	if (!ok)
		bad |= json_object_set_new(tree, "refusal",
		    fw_refusal_json(&r->ctx.refusal));
	bad |= json_object_set_new(tree, "signers",
	    ok ? signers_json(o, r) : json_array());
	bad |= json_object_set_new(tree, "time",
	    r->policy.clock == FWD_CLOCK_TRUSTED ? json_string(now) :
	    json_null());
	bad |= json_object_set_new(tree, "tool",
	    json_string("fwverify " FW_VERSION));
	/* Only what was authenticated is shown. */
	bad |= json_object_set_new(tree, "manifest", ok ? json_incref(
	    json_object_get(r->described, "manifest")) : json_null());
	bad |= json_object_set_new(tree, "sequences", ok ? json_incref(
	    json_object_get(r->described, "sequences")) : json_array());
	bad |= json_object_set_new(tree, "problems",
	    ok ? json_incref(r->problems) : json_array());
	if (o->trace)
		bad |= json_object_set_new(tree, "trace", trace_json(r));
	if (bad != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*out = tree;
	tree = NULL;
	return FW_OK;
}

/* ---- text ------------------------------------------------------------------ */

static void
print_value(const char *label, const json_t *value)
{
	if (!json_is_string(value))
		return;
	(void)printf("  %-18s ", label);
	cli_text(stdout, json_string_value(value),
	    json_string_length(value));
	(void)putchar('\n');
}

static void
print_signers(const json_t *signers)
{
	const json_t *s;
	size_t i;

	json_array_foreach(signers, i, s) {
		(void)printf("\nsigner %zu\n", i + 1);
		print_value("algorithm", json_object_get(s, "algorithm"));
		print_value("certificate", json_object_get(s, "subject"));
		print_value("serial", json_object_get(s, "serial"));
		print_value("valid until", json_object_get(s, "not-after"));
		print_value("trust anchor", json_object_get(s, "anchor"));
	}
}

static enum fw_kind
print_text(const struct run *r, const json_t *tree, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	const json_t *p;
	size_t i;

	(void)verdict_print(&r->verdict, r->status);
	print_signers(json_object_get(tree, "signers"));
	if (r->described != NULL) {
		FW_TRY(fw_describe_sequences(r->described, &text, err));
		(void)fwrite(text.p, 1, text.n, stdout);
		json_array_foreach(r->problems, i, p) {
			print_value("not understood", json_object_get(p,
			    "where"));
			print_value("", json_object_get(p, "text"));
		}
	}
	if (r->verdict.steps > 0)
		(void)printf("\ntrace\n");
	for (i = 0; i < r->verdict.steps; i++)
		(void)printf("  %s\n", r->verdict.step[i]);
	return FW_OK;
}

enum fw_kind
cmd_envelope(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(options_deinit) struct options o = { 0 };
	FW_CLEANUP(run_deinit) struct run r = { 0 };
	FW_CLEANUP(free_tree) json_t *tree = NULL;
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };

	FW_TRY(parse(argc, argv, &o, err));
	FW_TRY(set_clock(&o, &r, err));
	FW_TRY(fw_file_read(o.path, FW_DESCRIBE_MAX, &r.envelope, err));
	FW_TRY(judge(&o, &r, err));
	FW_TRY(report(&o, &r, &tree, err));
	if (o.json) {
		FW_TRY(fw_json_text(tree, &text, err));
		(void)fwrite(text.p, 1, text.n, stdout);
	} else {
		FW_TRY(print_text(&r, tree, err));
	}
	if (r.status == FWD_OK)
		return FW_OK;
	if (r.envelope.n >= FWD_BLOCK &&
	    memcmp(r.envelope.p + 257, "ustar", 5) == 0)
		return fw_fail(err, FW_E_REFUSED, "'%s' is a bundle, not an "
		    "envelope (use 'fwverify check')", o.path);
	err->kind = FW_E_REFUSED;	/* the output has said why */
	err->text[0] = '\0';
	return FW_E_REFUSED;
}
