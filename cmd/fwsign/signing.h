/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that sign have in common: options, progress, report. */
#ifndef FWSIGN_SIGNING_H
#define FWSIGN_SIGNING_H

#include <jansson.h>

#include "cli.h"
#include "host/build.h"
#include "host/judge.h"
#include "port/fwport.h"

struct signing {
	struct fw_build_options opt;
	struct fw_signer_spec signer[FW_SIGNERS_MAX];
	const char *trust[FWD_ANCHORS_MAX];
	const char *out, *time, *pin_fd, *deny;
	struct fw_deny denied;
	bool json, quiet;
	struct fwp_openssl *openssl;
	struct fwd_crypto crypto;
	int percent;			/* shown last */
};

/*
 * Long options of the commands that sign or have signed, for their tables;
 * values from 256.  Those of build, sign and resign are SIGNING_OPTIONS, the
 * others have some of them.
 */
enum {
	SIGNING_KEY = 256, SIGNING_CHAIN, SIGNING_ALG, SIGNING_MODULE,
	SIGNING_PIN_ENV, SIGNING_PIN_FD, SIGNING_FINAL_TRY, SIGNING_TRUST,
	SIGNING_TIME, SIGNING_DENY, SIGNING_ALLOW_TEST, SIGNING_LOG,
	SIGNING_JSON, SIGNING_QUIET, SIGNING_OWN
};
#define SIGNING_CHAIN_OPTIONS						\
	{ "chain", required_argument, NULL, SIGNING_CHAIN },		\
	{ "alg", required_argument, NULL, SIGNING_ALG }
#define SIGNING_KEY_OPTIONS						\
	{ "key", required_argument, NULL, SIGNING_KEY },		\
	{ "module", required_argument, NULL, SIGNING_MODULE },		\
	{ "pin-env", required_argument, NULL, SIGNING_PIN_ENV },	\
	{ "pin-fd", required_argument, NULL, SIGNING_PIN_FD },		\
	{ "allow-final-try", no_argument, NULL, SIGNING_FINAL_TRY }
#define SIGNING_JUDGE_OPTIONS						\
	{ "trust", required_argument, NULL, SIGNING_TRUST },		\
	{ "time", required_argument, NULL, SIGNING_TIME }
#define SIGNING_DENY_OPTIONS						\
	{ "deny", required_argument, NULL, SIGNING_DENY },		\
	{ "allow-test", no_argument, NULL, SIGNING_ALLOW_TEST }
#define SIGNING_LOG_OPTIONS						\
	{ "log", required_argument, NULL, SIGNING_LOG }
#define SIGNING_RESULT_OPTIONS						\
	{ "json", no_argument, NULL, SIGNING_JSON },			\
	{ "quiet", no_argument, NULL, SIGNING_QUIET },			\
	{ "output", required_argument, NULL, 'o' }
#define SIGNING_OPTIONS							\
	SIGNING_KEY_OPTIONS, SIGNING_CHAIN_OPTIONS, SIGNING_JUDGE_OPTIONS, \
	SIGNING_DENY_OPTIONS, SIGNING_LOG_OPTIONS, SIGNING_RESULT_OPTIONS

#define SIGNING_KEY_HELP						\
    "      --key REF       sign with this key: a pkcs11: URI, or a PEM file\n" \
    "                      for development\n"
#define SIGNING_TOKEN_HELP						\
    "      --module PATH   use this PKCS#11 module\n"			\
    "      --pin-env NAME  take the PIN from this environment variable\n" \
    "      --pin-fd N      take the PIN from this file descriptor\n"	\
    "      --allow-final-try\n"						\
    "                      log in even if a wrong PIN would lock the token\n"
#define SIGNING_TIME_HELP						\
    "      --time TIME     judge validity dates at this time (RFC 3339), or\n" \
    "                      none: not at all (default: now)\n"
#define SIGNING_DENY_HELP						\
    "      --deny FILE     refuse the keys that this list names\n"	\
    "      --allow-test    take certificates that are for tests only\n"
#define SIGNING_LOG_HELP						\
    "      --log FILE      add each signature to this signing log\n"
#define SIGNING_RESULT_HELP						\
    "      --json          print the result as JSON\n"			\
    "      --quiet         print no result\n"				\
    "  -h, --help          show this help\n"
#define SIGNING_HELP							\
    SIGNING_KEY_HELP							\
    "      --chain FILE    its certificates in PEM, leaf first (default: those\n" \
    "                      on the token)\n"				\
    "      --alg NAME      its algorithm (default: what fits the key)\n"	\
    SIGNING_TOKEN_HELP							\
    "      --trust ROOT    judge the result against this certificate (PEM)\n" \
    SIGNING_TIME_HELP							\
    SIGNING_DENY_HELP							\
    SIGNING_LOG_HELP							\
    SIGNING_RESULT_HELP

void signing_init(struct signing *s);
void signing_deinit(struct signing *s);
/* Take one option; FW_E_USAGE when it is wrong. */
enum fw_kind signing_option(struct signing *s, int c, const char *arg,
    struct fw_error *err);
/* When all options are there: times, PIN source, the port. */
enum fw_kind signing_ready(struct signing *s, struct fw_error *err);

/* Erase the progress, before anything is printed. */
void signing_progress_end(struct signing *s);
/* The signers and the judgement, as text and JSON. */
void signing_print(const struct fw_built *built);
enum fw_kind signing_json(json_t *to, const struct fw_built *built,
    struct fw_error *err);
/* All of what became of a bundle that was there, likewise. */
void signing_report(const char *path, const struct fw_built *built);
enum fw_kind signing_report_json(const char *path,
    const struct fw_built *built, struct fw_error *err);
/* "sha-256:..." */
void signing_digest(int32_t alg, const uint8_t *digest,
    char out[16 + 2 * FWD_DIGEST_MAX]);
/* Print a JSON tree. */
enum fw_kind signing_dump(const json_t *tree, struct fw_error *err);

static inline void
signing_free_json(json_t **j)
{
	json_decref(*j);
}

#endif
