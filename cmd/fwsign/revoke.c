/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign revoke: make a signed list of keys that do not count any more. */
#include <inttypes.h>
#include <string.h>

#include "fwsign/commands.h"
#include "fwsign/signing.h"
#include "host/describe.h"
#include "host/internal.h"

const char cmd_revoke_help[] =
    "revoke --root ROOT --key REF --number N -o LIST [OPTION]... KEY...\n"
    "\n"
    "Make a list of keys that do not count any more and sign it with the key\n"
    "of a root.  Each KEY is a PEM file with one certificate or public key, or\n"
    "an identifier of 64 hexadecimal digits.  A device goes by the last list it\n"
    "took and by no older one: name the one before with --add-to, or the keys\n"
    "that only it has count again.\n"
    "\n"
    "Options:\n"
    "  -o, --output LIST   write the list here\n"
    "      --root ROOT     the root that signs: its certificate or public key\n"
    "                      (PEM)\n"
    "      --number N      number of the list, greater than that of all before\n"
    "      --add-to OLD    keep the keys of this list, which the root signed\n"
    "      --old-root ROOT OLD was signed by this root instead\n"
    "      --last          the root itself is among the keys: devices take no\n"
    "                      other list from it afterwards\n"
    SIGNING_KEY_HELP
    "      --alg NAME      its algorithm (default: what fits the key)\n"
    SIGNING_TOKEN_HELP
    SIGNING_RESULT_HELP;

enum { ROOT = SIGNING_OWN, NUMBER, ADD_TO, OLD_ROOT, LAST };

struct options {
	struct signing s;
	struct fw_revoke_options opt;
	const char *number;
};

static void
options_deinit(struct options *o)
{
	signing_deinit(&o->s);
}

/* ---- result ---------------------------------------------------------- */

static void
print_id(const char *label, const uint8_t id[FWD_KEY_ID])
{
	(void)printf("%-17s", label);
	for (size_t i = 0; i < FWD_KEY_ID; i++)
		(void)printf("%02x", id[i]);
	(void)putchar('\n');
}

static void
print_indented(const char *text)
{
	(void)fputs("                 ", stdout);
	cli_text(stdout, text, strlen(text));
}

static void
print_key(const struct fw_revoked_key *k)
{
	print_id("revoked", k->id);
	if (k->subject != NULL) {
		print_indented(k->subject);
		(void)putchar('\n');
	} else if (k->file != NULL) {
		print_indented("the public key in '");
		cli_text(stdout, k->file, strlen(k->file));
		(void)puts("'");
	}
	if (k->old)
		print_indented("already in the list before\n");
}

static void
print_list(const char *path, const struct fw_revoked *r)
{
	(void)fputs("list             ", stdout);
	cli_text(stdout, path, strlen(path));
	(void)printf("\nsize             %zu bytes\nnumber           %" PRIu64,
	    r->size, r->number);
	if (r->follows)
		(void)printf(", behind %" PRIu64 "\n", r->before);
	else
		(void)puts(", behind none: what an older list revokes and\n"
		    "                 this one does not counts again");
	(void)fputs("root             ", stdout);
	cli_text(stdout, r->subject, strlen(r->subject));
	(void)putchar('\n');
	print_id("", r->root_id);
	(void)printf("                 %s, ", fwd_alg_name(r->alg));
	cli_text(stdout, r->key_label, strlen(r->key_label));
	(void)puts(r->file ? " (FOR DEVELOPMENT ONLY)" : "");
	for (size_t i = 0; i < r->keys; i++)
		print_key(&r->key[i]);
	(void)puts("judged           by the device library: accepted under this "
	    "root");
}

static json_t *
id_json(const uint8_t id[FWD_KEY_ID])
{
	char text[2 * FWD_KEY_ID + 1];

	for (size_t i = 0; i < FWD_KEY_ID; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", id[i]);
	return json_string(text);
}

static json_t *
text_json(const char *text)
{
	return text != NULL ? fw_json_printable(text) : json_null();
}

static enum fw_kind
print_json(const char *path, const struct fw_revoked *r, struct fw_error *err)
{
	FW_CLEANUP(signing_free_json) json_t *tree = NULL;
	json_t *const keys = json_array();
	int rc = 0;

	for (size_t i = 0; i < r->keys; i++)
		rc |= json_array_append_new(keys, json_pack(
		    "{s:o, s:o, s:o, s:b}", "key-identifier",
		    id_json(r->key[i].id), "subject",
		    text_json(r->key[i].subject), "file",
		    text_json(r->key[i].file), "before",
		    (int)r->key[i].old));
	tree = json_pack("{s:o, s:o, s:o, s:o, s:{s:o, s:o, s:s, s:o, s:b},"
	    " s:o}", "list", text_json(path), "size",
	    fw_number_json(r->size), "number", fw_number_json(r->number),
	    "number-before", r->follows ? fw_number_json(r->before) :
	    json_null(), "root", "name", text_json(r->subject), "key-identifier",
	    id_json(r->root_id), "algorithm", fwd_alg_name(r->alg), "key",
	    text_json(r->key_label), "key-file", (int)r->file, "revoked",
	    keys);
	if (tree == NULL || rc != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return signing_dump(tree, err);
}

/* ---- options ----------------------------------------------------------- */

static enum fw_kind
take_option(struct options *o, int c, const char *arg, struct fw_error *err)
{
	switch (c) {
	case ROOT:
		return cli_once("--root", &o->opt.root, arg, err);
	case NUMBER:
		return cli_once("--number", &o->number, arg, err);
	case ADD_TO:
		return cli_once("--add-to", &o->opt.add_to, arg, err);
	case OLD_ROOT:
		return cli_once("--old-root", &o->opt.old_root, arg, err);
	case LAST:
		o->opt.last = true;
		return FW_OK;
	default:
		return signing_option(&o->s, c, arg, err);
	}
}

static enum fw_kind
check_given(const struct options *o, struct fw_error *err)
{
	if (o->s.opt.signers == 0)
		return fw_fail(err, FW_E_USAGE,
		    "the key to sign with is missing (--key REF)");
	if (o->s.opt.signers > 1)
		return fw_fail(err, FW_E_USAGE,
		    "option '--key' is given twice (one root signs a list)");
	if (o->opt.root == NULL)
		return fw_fail(err, FW_E_USAGE, "the root that signs is "
		    "missing (--root ROOT)");
	if (o->number == NULL)
		return fw_fail(err, FW_E_USAGE,
		    "the number of the list is missing (--number N)");
	if (o->s.out == NULL)
		return fw_fail(err, FW_E_USAGE,
		    "the file to write is missing (-o LIST)");
	if (o->opt.old_root != NULL && o->opt.add_to == NULL)
		return fw_fail(err, FW_E_USAGE,
		    "option '--old-root' needs --add-to");
	if (o->opt.revokes == 0)
		return fw_fail(err, FW_E_USAGE, "the keys to revoke are "
		    "missing");
	return FW_OK;
}

static enum fw_kind
ready(struct options *o, struct fw_error *err)
{
	FW_TRY(check_given(o, err));
	FW_TRY(cli_uint("option '--number'", o->number, 0, INT64_MAX,
	    &o->opt.number, err));
	FW_TRY(signing_ready(&o->s, err));
	o->opt.crypto = o->s.opt.crypto;
	o->opt.key = o->s.opt.key;
	o->opt.signer = o->s.signer[0];
	return FW_OK;
}

enum fw_kind
cmd_revoke(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		{ "root", required_argument, NULL, ROOT },
		{ "number", required_argument, NULL, NUMBER },
		{ "add-to", required_argument, NULL, ADD_TO },
		{ "old-root", required_argument, NULL, OLD_ROOT },
		{ "last", no_argument, NULL, LAST },
		{ "alg", required_argument, NULL, SIGNING_ALG },
		SIGNING_KEY_OPTIONS, SIGNING_RESULT_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(options_deinit) struct options o = { .number = NULL };
	FW_CLEANUP(fw_revoked_deinit) struct fw_revoked done = { 0 };
	int c;

	signing_init(&o.s);
	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1)
		FW_TRY(take_option(&o, c, optarg, err));
	o.opt.revoke = (const char *const *)(argv + optind);
	o.opt.revokes = (size_t)(argc - optind);
	FW_TRY(ready(&o, err));
	FW_TRY(fw_revoke(o.s.out, &o.opt, &done, err));
	if (o.s.json)
		return print_json(o.s.out, &done, err);
	if (!o.s.quiet)
		print_list(o.s.out, &done);
	return FW_OK;
}
