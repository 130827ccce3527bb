/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that sign have in common. */
#include "fwsign/signing.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/describe.h"
#include "host/internal.h"

/* Progress of less is not worth a line. */
#define PROGRESS_MIN ((uint64_t)32 << 20)

static void
warn(void *ctx, const char *text)
{
	signing_progress_end(ctx);
	cli_warn("%s", text);
}

static void
show_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct signing *const s = ctx;
	const int percent = (int)(done / (total / 100 + 1));

	if (total < PROGRESS_MIN || percent == s->percent)
		return;
	s->percent = percent;
	(void)fprintf(stderr, "\r%3d %%", percent);
	(void)fflush(stderr);
}

void
signing_progress_end(struct signing *s)
{
	if (s->percent >= 0)
		(void)fputs("\r     \r", stderr);
	s->percent = -1;
}

void
signing_init(struct signing *s)
{
	*s = (struct signing){ .percent = -1 };
	s->opt.key = (struct fw_key_options)FW_KEY_OPTIONS_NONE;
	s->opt.key.warn = warn;
	s->opt.key.warn_ctx = s;
	s->opt.clock.judge = true;
}

void
signing_deinit(struct signing *s)
{
	signing_progress_end(s);
	fw_deny_deinit(&s->denied);
	fwp_openssl_free(s->openssl);
}

/* ---- options --------------------------------------------------------- */

static enum fw_kind
add_key(struct signing *s, const char *arg, struct fw_error *err)
{
	if (s->opt.signers == FW_SIGNERS_MAX)
		return fw_fail(err, FW_E_USAGE, "option '--key' is given "
		    "more than %u times", FW_SIGNERS_MAX);
	s->signer[s->opt.signers++].key = (char *)(uintptr_t)arg;
	return FW_OK;
}

/* The key that --chain and --alg are about: the one before them. */
static enum fw_kind
last_key(struct signing *s, const char *option, struct fw_signer_spec **out,
    struct fw_error *err)
{
	if (s->opt.signers == 0)
		return fw_fail(err, FW_E_USAGE,
		    "option '%s' belongs behind a --key", option);
	*out = &s->signer[s->opt.signers - 1];
	return FW_OK;
}

static enum fw_kind
set_chain(struct signing *s, const char *arg, struct fw_error *err)
{
	struct fw_signer_spec *key = NULL;

	FW_TRY(last_key(s, "--chain", &key, err));
	if (key->chain != NULL)
		return fw_fail(err, FW_E_USAGE,
		    "option '--chain' is given twice for one key");
	key->chain = (char *)(uintptr_t)arg;
	return FW_OK;
}

static enum fw_kind
set_alg(struct signing *s, const char *arg, struct fw_error *err)
{
	static const int32_t written[] = { FWD_ESP256, FWD_ESP384, FWD_ESP512,
	    FWD_ED25519, FWD_PS256, FWD_PS384, FWD_PS512 };
	const int32_t alg = fw_alg_by_name(arg);
	struct fw_signer_spec *key = NULL;
	size_t i;

	FW_TRY(last_key(s, "--alg", &key, err));
	if (key->alg != 0)
		return fw_fail(err, FW_E_USAGE,
		    "option '--alg' is given twice for one key");
	for (i = 0; i < sizeof written / sizeof written[0]; i++)
		if (written[i] == alg)
			key->alg = written[i];
	if (key->alg == 0)
		return fw_fail(err, FW_E_USAGE, "'%s' is no algorithm to sign "
		    "with (ESP256, ESP384, ESP512, Ed25519, PS256, PS384, "
		    "PS512)", arg);
	return FW_OK;
}

enum fw_kind
signing_option(struct signing *s, int c, const char *arg,
    struct fw_error *err)
{
	switch (c) {
	case 'o':
		return cli_once("--output", &s->out, arg, err);
	case SIGNING_KEY:
		return add_key(s, arg, err);
	case SIGNING_CHAIN:
		return set_chain(s, arg, err);
	case SIGNING_ALG:
		return set_alg(s, arg, err);
	case SIGNING_MODULE:
		return cli_once("--module", &s->opt.key.module, arg, err);
	case SIGNING_PIN_ENV:
		return cli_once("--pin-env", &s->opt.key.pin_env, arg, err);
	case SIGNING_PIN_FD:
		return cli_once("--pin-fd", &s->pin_fd, arg, err);
	case SIGNING_FINAL_TRY:
		s->opt.key.final_try = true;
		return FW_OK;
	case SIGNING_TRUST:
		if (s->opt.trusts == FWD_ANCHORS_MAX)
			return fw_fail(err, FW_E_USAGE, "option '--trust' is "
			    "given more than %u times", FWD_ANCHORS_MAX);
		s->trust[s->opt.trusts++] = arg;
		return FW_OK;
	case SIGNING_TIME:
		return cli_once("--time", &s->time, arg, err);
	case SIGNING_LOG:
		return cli_once("--log", &s->opt.log, arg, err);
	case SIGNING_DENY:
		return cli_once("--deny", &s->deny, arg, err);
	case SIGNING_ALLOW_TEST:
		s->opt.allow_test = true;
		return FW_OK;
	case SIGNING_JSON:
		s->json = true;
		return FW_OK;
	case SIGNING_QUIET:
		s->quiet = true;
		return FW_OK;
	default:
		return FW_E_USAGE;	/* cli_getopt() has said why */
	}
}

static enum fw_kind
set_clock(struct signing *s, struct fw_error *err)
{
	struct fw_clock *const clock = &s->opt.clock;

	clock->now = (int64_t)time(NULL);
	if (s->time == NULL)
		return FW_OK;
	FW_TRY(cli_time(s->time, &clock->judge, &clock->now, err));
	if (!clock->judge)
		cli_warn("validity dates of certificates are not judged "
		    "(--time none)");
	return FW_OK;
}

enum fw_kind
signing_ready(struct signing *s, struct fw_error *err)
{
	uint64_t fd;

	if (s->json && s->quiet)
		return fw_fail(err, FW_E_USAGE,
		    "options '--json' and '--quiet' exclude each other");
	if (s->pin_fd != NULL && s->opt.key.pin_env != NULL)
		return fw_fail(err, FW_E_USAGE,
		    "options '--pin-env' and '--pin-fd' exclude each other");
	if (s->pin_fd != NULL) {
		FW_TRY(cli_uint("option '--pin-fd'", s->pin_fd, 0, INT32_MAX,
		    &fd, err));
		s->opt.key.pin_fd = (int)fd;
	}
	if (s->deny != NULL) {
		FW_TRY(fw_deny_load(s->deny, &s->denied, err));
		s->opt.deny = &s->denied;
	}
	FW_TRY(set_clock(s, err));
	s->opt.signer = s->signer;
	s->opt.trust = s->trust;
	if (!s->quiet && isatty(STDERR_FILENO) == 1) {
		s->opt.progress = show_progress;
		s->opt.progress_ctx = s;
	}
	s->openssl = fwp_openssl_new();
	if (s->openssl == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	s->crypto = fwp_openssl_crypto(s->openssl);
	s->opt.crypto = &s->crypto;
	return FW_OK;
}

/* ---- report ---------------------------------------------------------- */

void
signing_digest(int32_t alg, const uint8_t *digest,
    char out[16 + 2 * FWD_DIGEST_MAX])
{
	int n = snprintf(out, 16, "%s:", fwd_alg_name(alg));
	size_t i;

	for (i = 0; i < fwd_digest_size(alg); i++)
		n += snprintf(out + n, 3, "%02x", digest[i]);
}

/* How far the device library's judgement went: a name, and in words. */
static const char *
judged(const struct fw_built *built, const char **words)
{
	if (built->signers + built->kept == 0) {
		*words = "accepted, but for the signatures";
		return "all-but-signatures";
	}
	if (built->judged_to_root) {
		*words = "accepted, up to the root";
		return "up-to-root";
	}
	*words = "accepted, up to the topmost\n                 "
	    "certificate of the chain (no root was given)";
	return "up-to-topmost-certificate";
}

void
signing_print(const struct fw_built *built)
{
	const char *words;
	char until[32];
	size_t i;

	for (i = 0; i < built->signers; i++) {
		fw_time_format(built->signer[i].not_after, until);
		(void)fputs("signer           ", stdout);
		cli_text(stdout, built->signer[i].subject,
		    strlen(built->signer[i].subject));
		(void)printf("\n                 %s, certificate valid until "
		    "%s\n                 ",
		    fwd_alg_name(built->signer[i].alg), until);
		cli_text(stdout, built->signer[i].key,
		    strlen(built->signer[i].key));
		(void)puts(built->signer[i].file ?
		    " (FOR DEVELOPMENT ONLY)" : "");
	}
	if (built->signers + built->kept == 0)
		(void)puts("signer           nobody: unsigned, no device "
		    "accepts it like this");
	(void)judged(built, &words);
	(void)printf("judged           by the device library: %s\n", words);
}

static json_t *
moment(int64_t t)
{
	char s[32];

	fw_time_format(t, s);
	return json_string(s);
}

enum fw_kind
signing_json(json_t *to, const struct fw_built *built, struct fw_error *err)
{
	json_t *const list = json_array();
	const char *words;
	size_t i;
	int rc = 0;

	for (i = 0; i < built->signers; i++)
		rc |= json_array_append_new(list, json_pack(
		    "{s:s, s:I, s:s, s:s, s:o, s:o, s:s, s:b}",
		    "algorithm", fwd_alg_name(built->signer[i].alg),
		    "signature-block", (json_int_t)built->signer[i].block,
		    "subject", built->signer[i].subject,
		    "serial", built->signer[i].serial,
		    "not-before", moment(built->signer[i].not_before),
		    "not-after", moment(built->signer[i].not_after),
		    "key", built->signer[i].key,
		    "key-file", (int)built->signer[i].file));
	rc |= json_object_set_new(to, "signers", list);
	rc |= json_object_set_new(to, "judged",
	    json_string(judged(built, &words)));
	rc |= json_object_set_new(to, "size", fw_number_json(built->size));
	rc |= json_object_set_new(to, "envelope-size",
	    fw_number_json(built->envelope));
	if (rc != 0)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	return FW_OK;
}

enum fw_kind
signing_dump(const json_t *tree, struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf text = { 0 };

	FW_TRY(fw_json_text(tree, &text, err));
	(void)fwrite(text.p, 1, text.n, stdout);	/* main() asks */
	return FW_OK;
}
