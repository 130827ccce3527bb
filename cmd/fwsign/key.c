/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign key: its commands, and what they have in common. */
#include "fwsign/key.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "fwsign/commands.h"
#include "host/describe.h"
#include "host/internal.h"

enum { DAY = 86400, DAYS_MAX = 36525 };

static const char help[] =
    "key COMMAND [OPTION]...\n"
    "\n"
    "Make, list, certify and try the keys on PKCS#11 tokens.\n"
    "\n"
    "Commands:\n"
    "  list         show tokens, keys and certificates\n"
    "  generate     make a key pair that cannot leave its token\n"
    "  csr          write a certificate request for a key\n"
    "  self-sign    make a root certificate for a key\n"
    "  issue        certify another key: a CA's or a release signer's\n"
    "  import-cert  store certificates on the token, beside their key\n"
    "  check        try a key and its certificates\n"
    "\n"
    "Options:\n"
    "  -h, --help   show this help; after a command, that of it\n"
    "\n"
    "The manual is in fwsign-key(1).\n";

static const struct cli_command commands[] = {
	{ "list", key_list, "", key_list_help },
	{ "generate", key_generate, "", key_generate_help },
	{ "csr", key_csr, "", key_csr_help },
	{ "self-sign", key_self_sign, "", key_self_sign_help },
	{ "issue", key_issue, "", key_issue_help },
	{ "import-cert", key_import_cert, "", key_import_cert_help },
	{ "check", key_check, "", key_check_help },
};

enum fw_kind
cmd_key(int argc, char **argv, struct fw_error *err)
{
	return cli_group(commands, sizeof commands / sizeof commands[0], help,
	    argc, argv, err);
}

/* ---- options ------------------------------------------------------ */

static void
warn(void *ctx, const char *text)
{
	(void)ctx;
	cli_warn("%s", text);
}

void
key_args_init(struct key_args *a)
{
	*a = (struct key_args){ .opt = FW_KEY_OPTIONS_NONE };
	a->opt.warn = warn;
	a->clock.judge = true;
}

void
key_args_deinit(struct key_args *a)
{
	fwp_openssl_free(a->openssl);
}

enum fw_kind
key_option(struct key_args *a, int c, const char *arg, struct fw_error *err)
{
	switch (c) {
	case 'o':
		return cli_once("--output", &a->out, arg, err);
	case KEY_KEY:
		return cli_once("--key", &a->key, arg, err);
	case KEY_MODULE:
		return cli_once("--module", &a->opt.module, arg, err);
	case KEY_PIN_ENV:
		return cli_once("--pin-env", &a->opt.pin_env, arg, err);
	case KEY_PIN_FD:
		return cli_once("--pin-fd", &a->pin_fd, arg, err);
	case KEY_FINAL_TRY:
		a->opt.final_try = true;
		return FW_OK;
	case KEY_QUIET:
		a->quiet = true;
		return FW_OK;
	case KEY_TIME:
		return cli_once("--time", &a->time, arg, err);
	case KEY_SUBJECT:
		return cli_once("--subject", &a->subject, arg, err);
	case KEY_DAYS:
		return cli_once("--days", &a->days, arg, err);
	case KEY_NOT_AFTER:
		return cli_once("--not-after", &a->not_after, arg, err);
	case KEY_NOT_BEFORE:
		return cli_once("--not-before", &a->not_before, arg, err);
	case KEY_PATH_LENGTH:
		return cli_once("--path-length", &a->path_length, arg, err);
	default:
		return FW_E_USAGE;	/* cli_getopt() has said why */
	}
}

enum fw_kind
key_ready(struct key_args *a, bool needs_key, struct fw_error *err)
{
	uint64_t fd;

	if (needs_key && a->key == NULL)
		return fw_fail(err, FW_E_USAGE,
		    "the key is missing (--key URI)");
	if (a->pin_fd != NULL && a->opt.pin_env != NULL)
		return fw_fail(err, FW_E_USAGE,
		    "options '--pin-env' and '--pin-fd' exclude each other");
	if (a->pin_fd != NULL) {
		FW_TRY(cli_uint("option '--pin-fd'", a->pin_fd, 0, INT32_MAX,
		    &fd, err));
		a->opt.pin_fd = (int)fd;
	}
	a->clock.now = (int64_t)time(NULL);
	if (a->time != NULL)
		FW_TRY(cli_time(a->time, &a->clock.judge, &a->clock.now,
		    err));
	a->openssl = fwp_openssl_new();
	if (a->openssl == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	a->crypto = fwp_openssl_crypto(a->openssl);
	return FW_OK;
}

/* ---- what a certificate is to say --------------------------------- */

static enum fw_kind
read_time(const char *option, const char *text, int64_t *out,
    struct fw_error *err)
{
	if (fw_time_parse(text, out))
		return FW_OK;
	return fw_fail(err, FW_E_USAGE, "option '%s' needs a time by RFC 3339 "
	    "(such as 2026-01-31T12:00:00Z), not '%s'", option, text);
}

static enum fw_kind
set_begin(const struct key_args *a, struct fw_issue *out,
    struct fw_error *err)
{
	const char *const epoch = getenv("SOURCE_DATE_EPOCH");
	uint64_t v;

	out->not_before = (int64_t)time(NULL);
	if (epoch != NULL) {
		FW_TRY(cli_uint("environment variable 'SOURCE_DATE_EPOCH'",
		    epoch, 0, UINT32_MAX, &v, err));
		out->not_before = (int64_t)v;
		out->reproducible = true;
	}
	if (a->not_before != NULL)
		FW_TRY(read_time("--not-before", a->not_before,
		    &out->not_before, err));
	return FW_OK;
}

static enum fw_kind
set_end(const struct key_args *a, struct fw_issue *out, struct fw_error *err)
{
	/* 20, 10 and 2 years */
	static const uint64_t usual[] = { [FW_ROOT] = 7305,
	    [FW_INTERMEDIATE] = 3653, [FW_RELEASE_SIGNER] = 731 };
	uint64_t days = usual[out->role];

	if (a->days != NULL && a->not_after != NULL)
		return fw_fail(err, FW_E_USAGE,
		    "options '--days' and '--not-after' exclude each other");
	if (a->not_after != NULL)
		return read_time("--not-after", a->not_after, &out->not_after,
		    err);
	if (a->days != NULL)
		FW_TRY(cli_uint("option '--days'", a->days, 1, DAYS_MAX,
		    &days, err));
	out->shorten = a->days == NULL;
	out->not_after = out->not_before + (int64_t)days * DAY;
	return FW_OK;
}

static enum fw_kind
set_path_length(const struct key_args *a, struct fw_issue *out,
    struct fw_error *err)
{
	uint64_t n = 0;

	out->default_path_len = a->path_length == NULL;
	if (a->path_length == NULL)
		return FW_OK;
	if (out->role == FW_RELEASE_SIGNER)
		return fw_fail(err, FW_E_USAGE, "a release signer has no path "
		    "length (leave '--path-length' out)");
	out->path_len = -1;
	if (strcmp(a->path_length, "none") == 0)
		return FW_OK;
	FW_TRY(cli_uint("option '--path-length'", a->path_length, 0,
	    FWD_CHAIN_MAX, &n, err));
	out->path_len = (int)n;
	return FW_OK;
}

enum fw_kind
key_issue_options(const struct key_args *a, enum fw_role role,
    struct fw_issue *out, struct fw_error *err)
{
	*out = (struct fw_issue){ .role = role, .subject = a->subject,
	    .clock = a->clock, .crypto = &a->crypto };
	FW_TRY(set_begin(a, out, err));
	FW_TRY(set_end(a, out, err));
	if (a->subject != NULL) {
		FW_CLEANUP(fw_buf_deinit) struct fw_buf name = { 0 };

		/* Before a PIN is asked for. */
		FW_TRY(fw_name_parse(a->subject, &name, err));
	}
	return set_path_length(a, out, err);
}

/* ---- files and reports -------------------------------------------- */

enum fw_kind
key_output_free(const char *path, struct fw_error *err)
{
	struct stat st;

	if (path == NULL)
		return fw_fail(err, FW_E_USAGE,
		    "the output is missing (-o FILE)");
	if (lstat(path, &st) == 0)
		return fw_fail(err, FW_E_REFUSED, "'%s' is there already (what "
		    "is signed is not replaced: choose another name)", path);
	return FW_OK;
}

static void
bio_free(BIO **bio)
{
	BIO_free(*bio);
}

enum fw_kind
key_output_write(struct fw_output *out, const char *type,
    const struct fw_buf *der, struct fw_error *err)
{
	FW_CLEANUP(bio_free) BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	if (bio == NULL || PEM_write_bio(bio, type, "", der->p,
	    (long)der->n) <= 0)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot write PEM");
	n = BIO_get_mem_data(bio, &text);
	FW_TRY(fw_write_all(out->fd, text, (size_t)n, out->path, err));
	out->exclusive = true;
	return fw_output_commit(out, err);
}

enum fw_kind
key_output(const char *path, const char *type, const struct fw_buf *der,
    struct fw_error *err)
{
	FW_CLEANUP(fw_output_abandon) struct fw_output out = FW_OUTPUT_NONE;

	FW_TRY(fw_output_open(path, &out, err));
	return key_output_write(&out, type, der, err);
}

void
key_row(const char *label, const char *value)
{
	(void)printf("%-16s ", label);
	cli_text(stdout, value, strlen(value));
	(void)putchar('\n');
}

static void
free_tree(json_t **tree)
{
	json_decref(*tree);
}

void
key_cert_rows(const json_t *cert)
{
	static const struct {
		const char *label, *key;
	} rows[] = {
		{ "subject", "subject" }, { "issuer", "issuer" },
		{ "serial", "serial" }, { "valid from", "not-before" },
		{ "valid until", "not-after" }, { "public key", "key" },
		{ "fingerprint", "fingerprint" },
	};
	const char *value;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		value = json_string_value(json_object_get(cert, rows[i].key));
		key_row(rows[i].label, value != NULL ? value : "-");
	}
}

enum fw_kind
key_print_cert(const char *path, const struct fw_buf *der,
    struct fw_error *err)
{
	FW_CLEANUP(free_tree) json_t *cert = NULL;

	FW_TRY(fw_cert_describe(fw_buf_span(der), &cert, err));
	key_row("certificate", path);
	key_cert_rows(cert);
	return FW_OK;
}

const char *
key_export_words(const char *export)
{
	static const char *const words[][2] = {
		{ "never", "cannot leave the token, and never could" },
		{ "no", "cannot leave the token" },
		{ "wrapped", "CAN LEAVE THE TOKEN, wrapped by another key" },
		{ "plain", "CAN BE READ OUT" },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i][0], export) == 0)
			return words[i][1];
	return "the token does not say whether it can leave it";
}
