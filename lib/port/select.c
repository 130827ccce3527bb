/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto port that a user names. */
#include <stdlib.h>
#include <string.h>

#include "port/fwport.h"

struct fwp_crypto {
	struct fwd_crypto crypto;
	void (*close)(struct fwp_crypto *c);
	struct fwp_openssl *openssl;
	struct fwp_bearssl bearssl;
	struct fwp_psa psa;
};

static void
openssl_close(struct fwp_crypto *c)
{
	fwp_openssl_free(c->openssl);
}

static bool
openssl_open(struct fwp_crypto *c)
{
	c->openssl = fwp_openssl_new();
	if (c->openssl == NULL)
		return false;
	c->crypto = fwp_openssl_crypto(c->openssl);
	c->close = openssl_close;
	return true;
}

static bool
bearssl_open(struct fwp_crypto *c)
{
	c->crypto = fwp_bearssl_init(&c->bearssl);
	return true;
}

static void
psa_close(struct fwp_crypto *c)
{
	fwp_psa_deinit(&c->psa);
}

static bool
psa_open(struct fwp_crypto *c)
{
	c->close = psa_close;
	return fwp_psa_init(&c->psa, &c->crypto) == FWD_OK;
}

static bool (*const open_port[])(struct fwp_crypto *c) = {
	openssl_open, bearssl_open, psa_open,
};
enum { NPORTS = sizeof open_port / sizeof open_port[0] };

const char *const fwp_crypto_names[] = { "openssl", "bearssl", "psa", NULL };
_Static_assert(sizeof fwp_crypto_names / sizeof fwp_crypto_names[0] ==
    NPORTS + 1, "a port without a name");

struct fwp_crypto *
fwp_crypto_new(const char *name)
{
	struct fwp_crypto *c;
	size_t i = 0;

	while (i < NPORTS && strcmp(fwp_crypto_names[i], name) != 0)
		i++;
	if (i == NPORTS)
		return NULL;
	c = calloc(1, sizeof *c);
	if (c == NULL || open_port[i](c))
		return c;
	fwp_crypto_free(c);
	return NULL;
}

void
fwp_crypto_free(struct fwp_crypto *c)
{
	if (c != NULL && c->close != NULL)
		c->close(c);
	free(c);
}

const struct fwd_crypto *
fwp_crypto_get(const struct fwp_crypto *c)
{
	return &c->crypto;
}
