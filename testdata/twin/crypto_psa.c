/* SPDX-License-Identifier: Apache-2.0 */
/* The twin runner with PSA. */
#include "arm/mbedtls_board.h"
#include "port/fwport.h"
#include "testdata/twin/twin.h"

const char twin_crypto_name[] = "psa";

int
twin_crypto(struct fwd_crypto *out)
{
	static struct fwp_psa psa;

#ifdef __arm__
	fwa_mbedtls_start();
#endif
	return fwp_psa_init(&psa, out) == FWD_OK ? 0 : -1;
}
