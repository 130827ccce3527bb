/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the device library asks for: crypto, from one of three libraries, and
 * on a host a bundle in a file.
 */
#ifndef FWPORT_H
#define FWPORT_H

#include <stdint.h>

#include "device/fwdevice.h"

/*
 * OpenSSL 3.  ctx belongs to one run at a time.  _new returns NULL when out of
 * memory; _free accepts NULL.  fwp_openssl() fills in a struct fwd_crypto that
 * is good as long as the context.
 */
struct fwp_openssl;
struct fwp_openssl *fwp_openssl_new(void);
void fwp_openssl_free(struct fwp_openssl *o);
struct fwd_crypto fwp_openssl_crypto(struct fwp_openssl *o);

/*
 * BearSSL 0.6, for microcontrollers: freestanding, no heap; all memory but the
 * stack (on Cortex-M3 3 KiB with P-256 and RSA, 4 KiB with P-384 and P-521) is
 * in this structure, which is the caller's and needs no release.  ECDSA, PSS and PKCS #1 v1.5; Ed25519 is FWD_E_ALG.  Compiled
 * with
 *	FWP_BEARSSL_SMALL	SHA-256 and P-256 only, the rest is FWD_E_ALG
 *	FWP_BEARSSL_15		arithmetic for processors that multiply 32 by
 *				32 bits to 32 bits; by itself on Armv6-M and
 *				Armv8-M Baseline
 * The structure may be copied or forgotten between two hashes.
 */
#define FWP_BEARSSL_SIZE	216u
struct fwp_bearssl {
	uint64_t space[FWP_BEARSSL_SIZE / sizeof(uint64_t)];
};
struct fwd_crypto fwp_bearssl_init(struct fwp_bearssl *b);

/*
 * PSA Crypto 1.0, as Mbed TLS 2.28 has it.  _init starts PSA, which is for the
 * whole program and may be done again, and fills in *out, good as long as *p,
 * the caller's memory; FWD_E_CRYPTO when PSA does not start.  _deinit gives
 * back what an unfinished hash holds.  While a signature is verified, one
 * volatile key exists.  ECDSA, PSS and PKCS #1 v1.5 as far as PSA was configured
 * with them; the rest, Ed25519 and RSA moduli with a number of bits that is no
 * multiple of 8 are FWD_E_ALG.
 */
#define FWP_PSA_SIZE		256u
struct fwp_psa {
	uint64_t space[FWP_PSA_SIZE / sizeof(uint64_t)];
};
fwd_status fwp_psa_init(struct fwp_psa *p, struct fwd_crypto *out);
void fwp_psa_deinit(struct fwp_psa *p);

/*
 * One of these by name, on a host: "openssl", "bearssl" or "psa".  _new returns
 * NULL for another name, when out of memory, or when the library does not
 * start; _free accepts NULL.  What _get returns belongs to the object.
 */
struct fwp_crypto;
extern const char *const fwp_crypto_names[];	/* ends with NULL */
struct fwp_crypto *fwp_crypto_new(const char *name);
void fwp_crypto_free(struct fwp_crypto *c);
const struct fwd_crypto *fwp_crypto_get(const struct fwp_crypto *c);

/*
 * A bundle in an open file, read from its current place.  For
 * fwd_port.read with &fd as ctx.
 */
fwd_status fwp_file_read(void *fd, uint8_t *buf, size_t n, size_t *got);

#endif
