/* SPDX-License-Identifier: Apache-2.0 */
/* fwverify chain: the device library's path validation over a PEM chain. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "cli.h"
#include "fwverify/commands.h"
#include "fwverify/verdict.h"
#include "host/internal.h"
#include "port/fwport.h"

#define FILE_MAX	((size_t)1 << 20)
#define CERTS_MAX	32		/* more than the library takes */

const char cmd_chain_help[] =
    "chain CHAIN.pem --trust ROOT.pem... [OPTION]...\n"
    "\n"
    "Validate a certificate chain, leaf first, as a device would.\n"
    "\n"
    "Options:\n"
    "      --trust FILE    a trust anchor: a root certificate (PEM); can be\n"
    "                      repeated\n"
    "      --time TIME     judge validity dates at this time (RFC 3339), or\n"
    "                      none: not at all (default: now)\n"
    "      --eku OID       the extended key usage that the leaf must have, or\n"
    "                      any (default: 1.3.6.1.5.5.7.3.3, code signing)\n"
    "      --crypto NAME   openssl (default), bearssl or psa\n"
    "      --trace         print a line for each step the device library took\n"
    "      --json          print JSON (schemas/chain.schema.json)\n"
    "  -h, --help          show this help\n";

struct options {
	const char *anchor[FWD_ANCHORS_MAX];
	size_t anchors;
	const char *time, *eku, *crypto, *chain;
	bool trace, json;
};

struct run {
	struct options opt;
	struct fw_anchor anchor[FWD_ANCHORS_MAX];
	struct fwd_anchor trust[FWD_ANCHORS_MAX];
	struct fw_buf cert[CERTS_MAX];
	size_t certs;
	struct fw_buf purpose;
	struct fwd_policy policy;
	int64_t now;
	struct verdict verdict;
	fwd_status status;
	struct fwd_chain_result found;
};

static void
run_deinit(struct run *r)
{
	for (size_t i = 0; i < FWD_ANCHORS_MAX; i++)
		fw_anchor_deinit(&r->anchor[i]);
	for (size_t i = 0; i < CERTS_MAX; i++)
		fw_buf_deinit(&r->cert[i]);
	fw_buf_deinit(&r->purpose);
	verdict_deinit(&r->verdict);
}

/* ---- options --------------------------------------------------------- */

static enum fw_kind
add_anchor(struct options *o, const char *path, struct fw_error *err)
{
	if (o->anchors == FWD_ANCHORS_MAX)
		return fw_fail(err, FW_E_USAGE,
		    "option '--trust' is given more than %u times",
		    FWD_ANCHORS_MAX);
	o->anchor[o->anchors++] = path;
	return FW_OK;
}

static enum fw_kind
parse(int argc, char **argv, struct options *o, struct fw_error *err)
{
	static const struct option longs[] = {
		{ "trust", required_argument, NULL, 't' },
		{ "time",  required_argument, NULL, 'T' },
		{ "eku",   required_argument, NULL, 'e' },
		{ "crypto", required_argument, NULL, 'c' },
		{ "trace", no_argument, NULL, 'r' },
		{ "json",  no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1) {
		switch (c) {
		case 't':
			FW_TRY(add_anchor(o, optarg, err));
			break;
		case 'T':
			FW_TRY(cli_once("--time", &o->time, optarg, err));
			break;
		case 'e':
			FW_TRY(cli_once("--eku", &o->eku, optarg, err));
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
	FW_TRY(cli_operands(argc, argv, 1, "a certificate chain", err));
	if (o->anchors == 0)
		return fw_fail(err, FW_E_USAGE,
		    "no trust anchor is given (name the root certificate "
		    "with --trust)");
	o->chain = argv[optind];
	return FW_OK;
}

static enum fw_kind
set_time(struct run *r, struct fw_error *err)
{
	bool judge = true;

	r->policy.time_min = INT64_MIN;
	if (r->opt.time == NULL)
		r->now = (int64_t)time(NULL);
	else
		FW_TRY(cli_time(r->opt.time, &judge, &r->now, err));
	r->policy.clock = judge ? FWD_CLOCK_TRUSTED : FWD_CLOCK_NONE;
	return FW_OK;
}

/* Numbers joined by dots?  OBJ_txt2obj also takes "1..2" and "1 2". */
static bool
is_dotted(const char *text)
{
	size_t n;

	for (;;) {
		n = strspn(text, "0123456789");
		if (n == 0 || (n > 1 && text[0] == '0'))
			return false;
		if (text[n] == '\0')
			return true;
		if (text[n] != '.')
			return false;
		text += n + 1;
	}
}

static enum fw_kind
set_purpose(struct run *r, struct fw_error *err)
{
	const char *const text = r->opt.eku;
	ASN1_OBJECT *oid;
	enum fw_kind kind;

	r->policy.purpose = fwd_code_signing;
	if (text == NULL)
		return FW_OK;
	r->policy.purpose = (struct fwd_span){ 0 };
	if (strcmp(text, "any") == 0)
		return FW_OK;
	oid = is_dotted(text) ? OBJ_txt2obj(text, 1) : NULL;
	if (oid == NULL || OBJ_length(oid) == 0) {
		ASN1_OBJECT_free(oid);
		ERR_clear_error();
		return fw_fail(err, FW_E_USAGE, "option '--eku' needs an object "
		    "identifier (such as 1.3.6.1.5.5.7.3.3) or any, not '%s'",
		    text);
	}
	kind = fw_buf_add(&r->purpose, OBJ_get0_data(oid), OBJ_length(oid),
	    err);
	ASN1_OBJECT_free(oid);
	r->policy.purpose = fw_buf_span(&r->purpose);
	return kind;
}

static enum fw_kind
load_anchors(struct run *r, struct fw_error *err)
{
	for (size_t i = 0; i < r->opt.anchors; i++) {
		FW_TRY(fw_anchor_load(r->opt.anchor[i], &r->anchor[i], err));
		r->trust[i] = r->anchor[i].anchor;
		if (r->trust[i].name.n == 0)
			return fw_fail(err, FW_E_INPUT, "trust anchor '%s' is "
			    "a bare key, which issues no certificates (give "
			    "the root's certificate)", r->opt.anchor[i]);
	}
	r->policy.anchor = r->trust;
	r->policy.anchors = r->opt.anchors;
	r->policy.threshold = 1;
	return FW_OK;
}

/* ---- the chain ------------------------------------------------------- */

struct pem {
	char *name, *header;
	unsigned char *data;
	long n;
};

static void
pem_deinit(struct pem *p)
{
	OPENSSL_free(p->name);
	OPENSSL_free(p->header);
	if (p->data != NULL)		/* perhaps a private key */
		OPENSSL_clear_free(p->data, (size_t)p->n);
}

static void
bio_free(BIO **bio)
{
	BIO_free(*bio);
}

/* Take one block; *end when there is none.  What is in it, the library
   judges. */
static enum fw_kind
load_block(struct run *r, BIO *bio, bool *end, struct fw_error *err)
{
	FW_CLEANUP(pem_deinit) struct pem p = { 0 };
	unsigned long e;

	if (PEM_read_bio(bio, &p.name, &p.header, &p.data, &p.n) != 1) {
		e = ERR_peek_last_error();
		if (ERR_GET_LIB(e) != ERR_LIB_PEM ||
		    ERR_GET_REASON(e) != PEM_R_NO_START_LINE)
			return fw_fail_ssl(err, FW_E_INPUT,
			    "cannot read certificate %zu in '%s'",
			    r->certs + 1, r->opt.chain);
		ERR_clear_error();	/* the end of the file is no error */
		*end = true;
		return FW_OK;
	}
	if (strcmp(p.name, PEM_STRING_X509) != 0 || p.header[0] != '\0')
		return fw_fail(err, FW_E_INPUT,
		    "'%s' holds a '%s', not only certificates", r->opt.chain,
		    p.name);
	if (r->certs == CERTS_MAX)
		return fw_fail(err, FW_E_INPUT,
		    "more than %d certificates in '%s'", CERTS_MAX,
		    r->opt.chain);
	return fw_buf_add(&r->cert[r->certs++], p.data, (size_t)p.n, err);
}

static enum fw_kind
load_chain(struct run *r, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_CLEANUP(bio_free) BIO *bio = NULL;
	bool end = false;

	FW_TRY(fw_file_read(r->opt.chain, FILE_MAX, &text, err));
	bio = BIO_new_mem_buf(text.n != 0 ? (const void *)text.p : "",
	    (int)text.n);
	if (bio == NULL)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot read '%s'",
		    r->opt.chain);
	while (!end)
		FW_TRY(load_block(r, bio, &end, err));
	if (r->certs == 0)
		return fw_fail(err, FW_E_INPUT,
		    "no certificate in '%s' (PEM is needed)", r->opt.chain);
	return FW_OK;
}

static enum fw_kind
judge(struct run *r, struct fw_error *err)
{
	FW_CLEANUP(crypto_close) struct fwp_crypto *port = NULL;
	struct fwd_span cert[CERTS_MAX];

	FW_TRY(crypto_open(r->opt.crypto, &port, err));
	for (size_t i = 0; i < r->certs; i++)
		cert[i] = fw_buf_span(&r->cert[i]);
	r->verdict.lines = r->opt.trace && !r->opt.json;
	r->verdict.keep = r->opt.trace && r->opt.json;
	r->status = fwd_chain_check(fwp_crypto_get(port), &r->policy, r->now,
	    cert, r->certs, verdict_tracer(&r->verdict), &r->found);
	if (r->verdict.failed)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

/* ---- the result ------------------------------------------------------ */

/*
 * The leaf's subject; allocated.  The library compares names but does not read
 * the text in them, so there are some that cannot be shown.
 */
static char *
signer_text(const struct run *r)
{
	struct fw_error err = { .kind = FW_OK };
	char *text = NULL;

	if (fw_name_format(r->found.subject, &text, &err) == FW_OK)
		return text;
	return strdup("(a name that is no text)");
}

static enum fw_kind
print_text(const struct run *r, struct fw_error *err)
{
	const char *const root = r->opt.anchor[r->found.anchor];
	FW_FREE char *subject = NULL;
	char serial[SERIAL_TEXT], before[32], after[32];

	if (verdict_print(&r->verdict, r->status) != FW_OK)
		return FW_E_REFUSED;
	subject = signer_text(r);
	if (subject == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	verdict_serial(r->found.serial, serial);
	fw_time_format(r->found.not_before, before);
	fw_time_format(r->found.not_after, after);
	(void)printf("signer: ");
	cli_text(stdout, subject, strlen(subject));
	(void)printf("\nserial number: %s\nanchor: ", serial);
	cli_text(stdout, r->anchor[r->found.anchor].label,
	    strlen(r->anchor[r->found.anchor].label));
	(void)printf(" (");
	cli_text(stdout, root, strlen(root));
	(void)printf(")\nvalid: %s to %s%s\n", before, after,
	    r->policy.clock == FWD_CLOCK_NONE ? " (not judged)" : "");
	return FW_OK;
}

/* Text from a certificate need not be UTF-8; JSON must be. */
static json_t *
json_text(const char *text)
{
	const size_t room = 4 * strlen(text) + 1;
	FW_FREE char *safe = malloc(room);

	if (safe == NULL)
		return NULL;
	(void)fw_printable(text, strlen(text), safe, room);
	return json_string(safe);
}

static int
json_signer(const struct run *r, json_t *top)
{
	FW_FREE char *subject = signer_text(r);
	json_t *const o = json_object();
	char serial[SERIAL_TEXT], before[32], after[32];
	int bad;

	verdict_serial(r->found.serial, serial);
	fw_time_format(r->found.not_before, before);
	fw_time_format(r->found.not_after, after);
	bad = json_object_set_new(o, "subject",
	    subject == NULL ? NULL : json_text(subject)) |
	    json_object_set_new(o, "serial", json_string(serial)) |
	    json_object_set_new(o, "not-before", json_string(before)) |
	    json_object_set_new(o, "not-after", json_string(after)) |
	    json_object_set_new(o, "anchor",
	    json_text(r->anchor[r->found.anchor].label)) |
	    json_object_set_new(o, "anchor-file",
	    json_text(r->opt.anchor[r->found.anchor]));
	return bad | json_object_set_new(top, "signer", o);
}

static int
json_time(const struct run *r, json_t *top)
{
	char now[32];

	fw_time_format(r->now, now);
	return json_object_set_new(top, "time",
	    r->policy.clock == FWD_CLOCK_NONE ? json_null() :
	    json_string(now));
}

static int
json_trace(const struct run *r, json_t *top)
{
	json_t *const list = json_array();
	int bad = 0;

	for (size_t i = 0; i < r->verdict.steps; i++)
		bad |= json_array_append_new(list,
		    json_text(r->verdict.step[i]));
	return bad | json_object_set_new(top, "trace", list);
}

static enum fw_kind
print_json(const struct run *r, struct fw_error *err)
{
	const bool good = r->status == FWD_OK;
	json_t *const top = json_object();
	int bad;

	bad = json_object_set_new(top, "verdict",
	    json_string(good ? "accepted" : "refused")) |
	    json_object_set_new(top, "chain", json_text(r->opt.chain)) |
	    (good ? json_signer(r, top) : json_object_set_new(top,
	    "refusal", verdict_refusal(&r->verdict, r->status))) |
	    json_time(r, top) |
	    json_object_set_new(top, "tool",
	    json_string("fwverify " FW_VERSION));
	if (r->opt.trace)
		bad |= json_trace(r, top);
	if (bad != 0 || json_dumpf(top, stdout, JSON_INDENT(2) |
	    JSON_ENSURE_ASCII) != 0) {
		json_decref(top);
		return fw_fail(err, FW_E_NOMEM, "cannot write JSON");
	}
	(void)putchar('\n');
	json_decref(top);
	return good ? FW_OK : FW_E_REFUSED;
}

static enum fw_kind
run(struct run *r, struct fw_error *err)
{
	FW_TRY(set_time(r, err));
	FW_TRY(set_purpose(r, err));
	FW_TRY(load_anchors(r, err));
	FW_TRY(load_chain(r, err));
	FW_TRY(judge(r, err));
	return r->opt.json ? print_json(r, err) : print_text(r, err);
}

enum fw_kind
cmd_chain(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(run_deinit) struct run r = { 0 };

	FW_TRY(parse(argc, argv, &r.opt, err));
	return run(&r, err);
}
