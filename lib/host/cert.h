/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: shared by cert.c and the token code. */
#ifndef FW_CERT_H
#define FW_CERT_H

#include <openssl/x509.h>

#include "host/fwhost.h"

/* For FW_CLEANUP. */
void fw_x509_free(X509 **cert);
/* Parse DER that must end where the certificate does. */
enum fw_kind fw_x509_read(struct fwd_span der, X509 **out,
    struct fw_error *err);
/* Well-formed UTF-8 without anything that could mislead on a terminal. */
bool fw_text_is_plain(const void *text, size_t n);

#endif
