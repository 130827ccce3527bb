/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelopes published with the draft, judged by the device library with
 * OpenSSL: each is accepted as it is, and refused when a byte is missing or a
 * bit differs.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "host/internal.h"
#include "port/fwport.h"

static const char *const examples[] = { "example0", "example1", "example2",
    "example2-severed", "example3", "example4", "example5" };
enum { NEXAMPLES = sizeof examples / sizeof examples[0] };

static struct fw_anchor anchor;
static struct fwp_openssl *ssl;
static struct fwd_crypto crypto;

static void
set_up(void)
{
	struct fw_error err;

	cr_assert_eq(fw_anchor_load("testdata/suit/public_key.pem", &anchor,
	    &err), FW_OK);
	ssl = fwp_openssl_new();
	cr_assert_not_null(ssl);
	crypto = fwp_openssl_crypto(ssl);
}

static void
tear_down(void)
{
	fwp_openssl_free(ssl);
	fw_anchor_deinit(&anchor);
}

static void
load(const char *name, const char *suffix, struct fw_buf *out)
{
	char path[128];
	struct fw_error err;

	(void)snprintf(path, sizeof path, "testdata/suit/%s%s.suit", name,
	    suffix);
	cr_assert_eq(fw_file_read(path, 65536, out, &err), FW_OK, "%s", path);
}

static fwd_status
judge(struct fwd_span envelope)
{
	static const struct fwd_port port;
	static struct fwd_ctx ctx;
	const struct fwd_policy policy = {
		.anchor = &anchor.anchor, .anchors = 1, .threshold = 1,
		.clock = FWD_CLOCK_NONE, .time_min = INT64_MIN,
		.flags = FWD_ANY_PROFILE, .purpose = fwd_code_signing,
	};

	ctx.port = &port;
	ctx.crypto = &crypto;
	ctx.policy = &policy;
	return fwd_envelope_check(&ctx, envelope);
}

/* Criterion wants one of these for each test that has parameters. */
#define ALL_EXAMPLES(test)						\
	ParameterizedTestParameters(envelope, test)			\
	{								\
		static size_t row[NEXAMPLES];				\
									\
		for (size_t i = 0; i < NEXAMPLES; i++)			\
			row[i] = i;					\
		return cr_make_param_array(size_t, row, NEXAMPLES);	\
	}

ALL_EXAMPLES(published)
ParameterizedTest(size_t *i, envelope, published, .init = set_up,
    .fini = tear_down)
{
	struct fw_buf b = { 0 };

	load(examples[*i], "", &b);
	cr_expect_eq(judge(fw_buf_span(&b)), FWD_OK, "%s", examples[*i]);
	fw_buf_deinit(&b);
	if (strstr(examples[*i], "severed") != NULL)
		return;
	load(examples[*i], "-unsigned", &b);
	cr_expect_eq(judge(fw_buf_span(&b)), FWD_E_AUTH_MISSING, "%s",
	    examples[*i]);
	fw_buf_deinit(&b);
}

ALL_EXAMPLES(cut)
ParameterizedTest(size_t *i, envelope, cut, .init = set_up, .fini = tear_down)
{
	struct fw_buf b = { 0 };
	uint8_t *copy;

	load(examples[*i], "", &b);
	for (size_t n = 0; n < b.n; n++) {
		copy = malloc(n != 0 ? n : 1);	/* exactly that long */
		cr_assert_not_null(copy);
		memcpy(copy, b.p, n);
		cr_expect_neq(judge((struct fwd_span){ copy, n }), FWD_OK,
		    "%s cut at %zu", examples[*i], n);
		free(copy);
	}
	fw_buf_deinit(&b);
}

ALL_EXAMPLES(bent)
ParameterizedTest(size_t *i, envelope, bent, .init = set_up,
    .fini = tear_down)
{
	struct fw_buf b = { 0 };

	load(examples[*i], "", &b);
	for (size_t bit = 0; bit < 8 * b.n; bit++) {
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_neq(judge(fw_buf_span(&b)), FWD_OK, "%s bit %zu",
		    examples[*i], bit);
		b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	fw_buf_deinit(&b);
}
