/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of fwsign key have in common: options, files, reports. */
#ifndef FWSIGN_KEY_H
#define FWSIGN_KEY_H

#include "cli.h"
#include "host/token.h"
#include "host/x509.h"
#include "port/fwport.h"

enum fw_kind key_list(int argc, char **argv, struct fw_error *err);
enum fw_kind key_generate(int argc, char **argv, struct fw_error *err);
enum fw_kind key_csr(int argc, char **argv, struct fw_error *err);
enum fw_kind key_self_sign(int argc, char **argv, struct fw_error *err);
enum fw_kind key_issue(int argc, char **argv, struct fw_error *err);
enum fw_kind key_import_cert(int argc, char **argv, struct fw_error *err);
enum fw_kind key_check(int argc, char **argv, struct fw_error *err);
extern const char key_list_help[], key_generate_help[], key_csr_help[],
    key_self_sign_help[], key_issue_help[], key_import_cert_help[],
    key_check_help[];

/* Options of all of them, and of those that make certificates. */
struct key_args {
	struct fw_key_options opt;
	const char *key, *pin_fd, *out, *time;
	bool quiet;
	const char *subject, *days, *not_after, *not_before, *path_length;
	struct fw_clock clock;
	struct fwp_openssl *openssl;
	struct fwd_crypto crypto;
};

/* Values from 256; those of a command begin at KEY_OWN. */
enum {
	KEY_KEY = 256, KEY_MODULE, KEY_PIN_ENV, KEY_PIN_FD, KEY_FINAL_TRY,
	KEY_QUIET, KEY_TIME, KEY_SUBJECT, KEY_DAYS, KEY_NOT_AFTER,
	KEY_NOT_BEFORE, KEY_PATH_LENGTH, KEY_OWN
};
#define KEY_TOKEN_OPTIONS						\
	{ "module", required_argument, NULL, KEY_MODULE },		\
	{ "pin-env", required_argument, NULL, KEY_PIN_ENV },		\
	{ "pin-fd", required_argument, NULL, KEY_PIN_FD },		\
	{ "allow-final-try", no_argument, NULL, KEY_FINAL_TRY }
#define KEY_OPTIONS							\
	{ "key", required_argument, NULL, KEY_KEY },			\
	KEY_TOKEN_OPTIONS
#define KEY_CERT_OPTIONS						\
	{ "subject", required_argument, NULL, KEY_SUBJECT },		\
	{ "days", required_argument, NULL, KEY_DAYS },			\
	{ "not-after", required_argument, NULL, KEY_NOT_AFTER },	\
	{ "not-before", required_argument, NULL, KEY_NOT_BEFORE },	\
	{ "path-length", required_argument, NULL, KEY_PATH_LENGTH },	\
	{ "time", required_argument, NULL, KEY_TIME },			\
	{ "output", required_argument, NULL, 'o' },			\
	{ "quiet", no_argument, NULL, KEY_QUIET }
#define KEY_TOKEN_HELP							\
    "      --module PATH   use this PKCS#11 module\n"			\
    "      --pin-env NAME  take the PIN from this environment variable\n" \
    "      --pin-fd N      take the PIN from this file descriptor\n"	\
    "      --allow-final-try\n"						\
    "                      log in even if a wrong PIN would lock the token\n"
#define KEY_DATES_HELP							\
    "      --not-before TIME\n"						\
    "                      when it begins (RFC 3339; default: now, or\n" \
    "                      SOURCE_DATE_EPOCH)\n"			\
    "      --days N        for how many days it is valid\n"		\
    "      --not-after TIME\n"						\
    "                      when it ends (RFC 3339)\n"			\
    "      --path-length N how many CAs may follow in a chain, or none: no\n" \
    "                      limit\n"					\
    "      --time TIME     judge validity dates at this time (RFC 3339), or\n" \
    "                      none: not at all (default: now)\n"
#define KEY_HELP_HELP							\
    "  -h, --help          show this help\n"

void key_args_init(struct key_args *a);
void key_args_deinit(struct key_args *a);
/* Take one option that is not a command's own. */
enum fw_kind key_option(struct key_args *a, int c, const char *arg,
    struct fw_error *err);
/* When all are there: PIN source, clock, port. */
enum fw_kind key_ready(struct key_args *a, bool needs_key,
    struct fw_error *err);

/* Fill in what the options say of a certificate of that role. */
enum fw_kind key_issue_options(const struct key_args *a, enum fw_role role,
    struct fw_issue *out, struct fw_error *err);

/* FW_E_REFUSED if there is a file of that name: asked before anything is
   signed, and again when the file gets its name. */
enum fw_kind key_output_free(const char *path, struct fw_error *err);
/* Write DER as PEM under a name that was free.  _write: to an output that was
   opened before. */
enum fw_kind key_output_write(struct fw_output *out, const char *type,
    const struct fw_buf *der, struct fw_error *err);
enum fw_kind key_output(const char *path, const char *type,
    const struct fw_buf *der, struct fw_error *err);
/* "LABEL        VALUE", made printable. */
void key_row(const char *label, const char *value);
/* A certificate: what is in it, and the file it is in. */
enum fw_kind key_print_cert(const char *path, const struct fw_buf *der,
    struct fw_error *err);

/* The rows of a certificate that was described. */
void key_cert_rows(const json_t *cert);
/* What fw_key_export() says, in words. */
const char *key_export_words(const char *export);

static inline void
key_close(struct fw_key **key)
{
	fw_key_free(*key);
}

#endif
