/* SPDX-License-Identifier: Apache-2.0 */
/* The crypto port that '--crypto' names. */
#include <string.h>

#include "cli.h"
#include "fwverify/verdict.h"

enum fw_kind
crypto_option(const char **name, const char *given, struct fw_error *err)
{
	for (size_t i = 0; fwp_crypto_names[i] != NULL; i++) {
		if (strcmp(fwp_crypto_names[i], given) == 0)
			return cli_once("--crypto", name, given, err);
	}
	return fw_fail(err, FW_E_USAGE, "option '--crypto' is no port: '%s' "
	    "(openssl, bearssl or psa)", given);
}

enum fw_kind
crypto_open(const char *name, struct fwp_crypto **out, struct fw_error *err)
{
	if (name == NULL)
		name = fwp_crypto_names[0];
	*out = fwp_crypto_new(name);
	if (*out == NULL)
		return fw_fail(err, FW_E_NOMEM, "crypto port '%s' does not "
		    "start (is memory short?)", name);
	return FW_OK;
}

void
crypto_close(struct fwp_crypto **c)
{
	fwp_crypto_free(*c);
}
