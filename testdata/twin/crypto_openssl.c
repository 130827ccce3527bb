/* SPDX-License-Identifier: Apache-2.0 */
/* The twin runner with OpenSSL, on a host only. */
#include "port/fwport.h"
#include "testdata/twin/twin.h"

const char twin_crypto_name[] = "openssl";

int
twin_crypto(struct fwd_crypto *out)
{
	static struct fwp_openssl *openssl;

	openssl = fwp_openssl_new();
	if (openssl == NULL)
		return -1;
	*out = fwp_openssl_crypto(openssl);
	return 0;
}
