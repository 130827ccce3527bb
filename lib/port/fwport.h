/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the device library asks for, on a host: crypto, and a bundle in a file.
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
 * A bundle in an open file, read from its current place.  For
 * fwd_port.read with &fd as ctx.
 */
fwd_status fwp_file_read(void *fd, uint8_t *buf, size_t n, size_t *got);

#endif
