/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign key generate and import-cert: what changes a token. */
#include <string.h>
#include <strings.h>

#include <openssl/pem.h>

#include "fwsign/key.h"
#include "host/internal.h"

const char key_generate_help[] =
    "key generate --key URI [--type TYPE] [OPTION]...\n"
    "\n"
    "Make a key pair in the token that the URI names, with the URI's object as\n"
    "its label.  It signs, and cannot leave the token.\n"
    "\n"
    "Options:\n"
    "      --key URI       token and name: pkcs11:token=TOKEN;object=NAME\n"
    "      --type TYPE     P-256 (default), P-384, P-521, Ed25519, RSA-3072 or\n"
    "                      RSA-4096\n"
    "  -o, --output FILE   write the public key (PEM)\n"
    "      --quiet         print no result\n"
    KEY_TOKEN_HELP KEY_HELP_HELP;

const char key_import_cert_help[] =
    "key import-cert FILE --key URI [OPTION]...\n"
    "\n"
    "Store the certificates in FILE (PEM, leaf first) on the token: the first,\n"
    "which must be the key's, beside the key, and those above it.\n"
    "\n"
    "Options:\n"
    "      --key URI       the key of the first certificate\n"
    "      --label NAME    call that certificate so (default: like the key)\n"
    "      --replace       remove other certificates of the key\n"
    "      --quiet         print no result\n"
    KEY_TOKEN_HELP KEY_HELP_HELP;

enum { MAKE_TYPE = KEY_OWN, MAKE_LABEL, MAKE_REPLACE };

/* ---- generate ----------------------------------------------------- */

/* As it is written in the list. */
static enum fw_kind
find_type(const char *text, const char **out, struct fw_error *err)
{
	*out = fw_key_types[0];
	if (text == NULL)
		return FW_OK;
	for (size_t i = 0; fw_key_types[i] != NULL; i++) {
		*out = fw_key_types[i];
		if (strcasecmp(text, fw_key_types[i]) == 0)
			return FW_OK;
	}
	return fw_fail(err, FW_E_USAGE, "'%s' is no type of key (P-256, P-384, "
	    "P-521, Ed25519, RSA-3072 or RSA-4096)", text);
}

/* Without its public key nobody could use the one that was made. */
static enum fw_kind
write_public(void *out, struct fw_key *key, struct fw_error *err)
{
	const struct fwd_span spki = fw_key_public(key);
	FW_CLEANUP(fw_buf_deinit) struct fw_buf der = { 0 };

	FW_TRY(fw_buf_add(&der, spki.p, spki.n, err));
	return key_output_write(out, PEM_STRING_PUBLIC, &der, err);
}

static enum fw_kind
print_key(struct fw_key *key, const char *type, struct fw_error *err)
{
	FW_FREE char *uri = NULL;
	struct fw_key_guard g;

	FW_TRY(fw_key_uri(key, &uri, err));
	FW_TRY(fw_key_guard(key, &g, err));
	key_row("key", fw_key_label(key));
	key_row("type", type);
	key_row("export", key_export_words(fw_key_export(&g)));
	key_row("URI", uri);
	return FW_OK;
}

enum fw_kind
key_generate(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		KEY_OPTIONS,
		{ "type", required_argument, NULL, MAKE_TYPE },
		{ "output", required_argument, NULL, 'o' },
		{ "quiet", no_argument, NULL, KEY_QUIET },
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(key_args_deinit) struct key_args a;
	FW_CLEANUP(key_close) struct fw_key *key = NULL;
	FW_CLEANUP(fw_output_abandon) struct fw_output out = FW_OUTPUT_NONE;
	const struct fw_key_made made = { write_public, &out };
	const char *given = NULL, *type;
	int c;

	key_args_init(&a);
	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1) {
		if (c == MAKE_TYPE)
			FW_TRY(cli_once("--type", &given, optarg, err));
		else
			FW_TRY(key_option(&a, c, optarg, err));
	}
	FW_TRY(cli_operands(argc, argv, 0, "", err));
	FW_TRY(key_ready(&a, true, err));
	FW_TRY(find_type(given, &type, err));
	/* Before there is a key that it would be missing to. */
	if (a.out != NULL) {
		FW_TRY(key_output_free(a.out, err));
		FW_TRY(fw_output_open(a.out, &out, err));
	}
	FW_TRY(fw_key_generate(a.key, type, &a.opt, a.out != NULL ? &made :
	    NULL, &key, err));
	return a.quiet ? FW_OK : print_key(key, type, err);
}

/* ---- import-cert -------------------------------------------------- */

static void
chain_deinit(struct fw_chain *chain)
{
	fw_chain_deinit(chain);
}

static void
print_import(const struct fw_key *key, const struct fw_import *import)
{
	key_row("key", fw_key_label(key));
	(void)printf("%-16s %zu stored, %zu there already, %zu removed\n",
	    "certificates", import->stored, import->there, import->removed);
}

static enum fw_kind
import_option(struct key_args *a, struct fw_import *import, int c,
    struct fw_error *err)
{
	switch (c) {
	case MAKE_LABEL:
		return cli_once("--label", &import->label, optarg, err);
	case MAKE_REPLACE:
		import->replace = true;
		return FW_OK;
	default:
		return key_option(a, c, optarg, err);
	}
}

enum fw_kind
key_import_cert(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		KEY_OPTIONS,
		{ "label", required_argument, NULL, MAKE_LABEL },
		{ "replace", no_argument, NULL, MAKE_REPLACE },
		{ "quiet", no_argument, NULL, KEY_QUIET },
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(key_args_deinit) struct key_args a;
	FW_CLEANUP(chain_deinit) struct fw_chain chain = { 0 };
	FW_CLEANUP(key_close) struct fw_key *key = NULL;
	struct fw_import import = { 0 };
	int c;

	key_args_init(&a);
	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1)
		FW_TRY(import_option(&a, &import, c, err));
	FW_TRY(cli_operands(argc, argv, 1, "a file with certificates", err));
	FW_TRY(key_ready(&a, true, err));
	FW_TRY(fw_chain_load(argv[optind], &chain, err));
	FW_TRY(fw_key_open(a.key, &a.opt, &key, err));
	if (fw_key_import(key, &chain, &import, err) != FW_OK)
		return fw_wrap(err, "'%s'", argv[optind]);
	if (!a.quiet)
		print_import(key, &import);
	return FW_OK;
}
