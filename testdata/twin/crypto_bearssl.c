/* SPDX-License-Identifier: Apache-2.0 */
/* The twin runner with BearSSL. */
#include "port/fwport.h"
#include "testdata/twin/twin.h"

const char twin_crypto_name[] = "bearssl";

int
twin_crypto(struct fwd_crypto *out)
{
	static struct fwp_bearssl bearssl;

	*out = fwp_bearssl_init(&bearssl);
	return 0;
}
