/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign key list: what is on tokens. */
#include <string.h>

#include "fwsign/key.h"
#include "host/describe.h"
#include "host/internal.h"

const char key_list_help[] =
    "key list [--key URI] [OPTION]...\n"
    "\n"
    "Show tokens, keys and certificates: what each key may do, and whether it\n"
    "can leave its token.  Without --login, what tokens show to anybody.\n"
    "\n"
    "Options:\n"
    "      --key URI       only what matches this pkcs11: URI\n"
    "      --login         log in to the one token that matches, to see its\n"
    "                      private keys\n"
    "      --json          print JSON (schemas/keys.schema.json)\n"
    KEY_TOKEN_HELP KEY_HELP_HELP;

enum { LIST_LOGIN = KEY_OWN, LIST_JSON };

static void
free_tree(json_t **tree)
{
	json_decref(*tree);
}

static const char *
get(const json_t *o, const char *key)
{
	const char *const s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static bool
is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static void
row(const char *label, const char *value)
{
	(void)printf("    %-12s ", label);
	cli_text(stdout, value, strlen(value));
	(void)putchar('\n');
}

static void
print_uses(const json_t *o)
{
	const json_t *const may = json_object_get(o, "may");
	const json_t *use;
	size_t i;

	(void)printf("    %-12s", "may");
	json_array_foreach(may, i, use)
		(void)printf("%s %s", i > 0 ? "," : "",
		    json_string_value(use));
	(void)puts(json_array_size(may) == 0 ? " nothing" : "");
}

static void
print_cert(const json_t *o)
{
	row("subject", get(o, "subject"));
	row("issuer", get(o, "issuer"));
	row("serial", get(o, "serial"));
	(void)printf("    %-12s %s to %s\n", "valid", get(o, "not-before"),
	    get(o, "not-after"));
	row("key", get(o, "key"));
	if (is(o, "ca"))
		row("CA", "yes");
	row("fingerprint", get(o, "fingerprint"));
}

static void
print_object(const json_t *o)
{
	const char *const class = get(o, "class");
	const char *const label = get(o, "label");

	(void)fputs("\n  ", stdout);
	(void)fputs(strcmp(class, "private-key") == 0 ? "private key " :
	    strcmp(class, "public-key") == 0 ? "public key " : "certificate ",
	    stdout);
	(void)fputs("'", stdout);
	cli_text(stdout, label, strlen(label));
	(void)fputs("'\n", stdout);
	row("id", get(o, "id"));
	if (strcmp(class, "certificate") == 0) {
		print_cert(o);
	} else {
		row("type", get(o, "type"));
		print_uses(o);
	}
	if (strcmp(class, "private-key") == 0) {
		row("export", key_export_words(get(o, "export")));
		if (json_is_false(json_object_get(o, "made-in-token")) &&
		    strcmp(get(o, "export"), "never") != 0)
			row("origin", "not made in this token");
		if (is(o, "pin-each-time"))
			row("PIN", "for each signature");
	}
	row("URI", get(o, "uri"));
}

/* What the login is about. */
static const char *
pin_words(const json_t *t)
{
	const char *const pin = get(t, "pin");

	if (strcmp(pin, "none") == 0)
		return "no login is needed";
	if (strcmp(pin, "not-set") == 0)
		return "the user PIN is not set";
	if (strcmp(pin, "locked") == 0)
		return "the PIN is LOCKED";
	if (strcmp(pin, "final-try") == 0)
		return "ONE TRY for the PIN is left";
	if (is(t, "logged-in"))
		return "logged in";
	if (strcmp(pin, "few-tries") == 0)
		return "few tries for the PIN are left; private keys show "
		    "after --login";
	return "private keys show after --login";
}

static void
print_token(const json_t *t)
{
	const json_t *o;
	size_t i;

	(void)fputs("token '", stdout);
	cli_text(stdout, get(t, "label"), strlen(get(t, "label")));
	(void)fputs("'\n", stdout);
	row("serial", get(t, "serial"));
	row("model", get(t, "model"));
	row("manufacturer", get(t, "manufacturer"));
	row("module", get(t, "module"));
	row("URI", get(t, "uri"));
	row("login", pin_words(t));
	if (is(t, "pin-pad"))
		row("PIN", "entered at the token");
	if (is(t, "write-protected"))
		row("writing", "write-protected");
	json_array_foreach(json_object_get(t, "objects"), i, o)
		print_object(o);
	if (json_object_get(t, "problem") != NULL)
		row("PROBLEM", get(t, "problem"));
}

static void
print_all(const json_t *tree)
{
	const json_t *t;
	size_t i;

	json_array_foreach(json_object_get(tree, "tokens"), i, t) {
		if (i > 0)
			(void)putchar('\n');
		print_token(t);
	}
}

static enum fw_kind
run(struct key_args *a, bool login, bool json, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };
	FW_CLEANUP(free_tree) json_t *tree = NULL;
	size_t problems = 0;

	FW_TRY(fw_tokens_list(a->key, login, &a->opt, &tree, &problems, err));
	if (json) {
		FW_TRY(fw_json_text(tree, &text, err));
		(void)fwrite(text.p, 1, text.n, stdout);
	} else {
		print_all(tree);
	}
	if (problems > 0)
		return fw_fail(err, FW_E_KEY, "%zu of the tokens could not be "
		    "read (see the problem shown)", problems);
	return FW_OK;
}

enum fw_kind
key_list(int argc, char **argv, struct fw_error *err)
{
	static const struct option longs[] = {
		KEY_OPTIONS,
		{ "login", no_argument, NULL, LIST_LOGIN },
		{ "json", no_argument, NULL, LIST_JSON },
		{ NULL, 0, NULL, 0 },
	};
	FW_CLEANUP(key_args_deinit) struct key_args a;
	bool login = false, json = false;
	int c;

	key_args_init(&a);
	while ((c = cli_getopt(argc, argv, "", longs, err)) != -1) {
		if (c == LIST_LOGIN)
			login = true;
		else if (c == LIST_JSON)
			json = true;
		else
			FW_TRY(key_option(&a, c, optarg, err));
	}
	FW_TRY(cli_operands(argc, argv, 0, "", err));
	FW_TRY(key_ready(&a, false, err));
	if (!login && (a.pin_fd != NULL || a.opt.pin_env != NULL))
		return fw_fail(err, FW_E_USAGE, "a PIN is given, but nothing "
		    "is to log in to (add --login)");
	return run(&a, login, json, err);
}
