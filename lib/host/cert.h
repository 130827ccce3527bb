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
/*
 * The certificates of a PEM file in DER, at most max, in their order; blocks of
 * another kind are FW_E_INPUT.  cert[0..*n) are the caller's to release, on
 * failure as well.
 */
enum fw_kind fw_certs_load(const char *path, size_t max, struct fw_buf *cert,
    size_t *n, struct fw_error *err);
/* Is it self-issued, and its signature its own key's? */
bool fw_cert_is_root(struct fwd_span der);
/* Well-formed UTF-8 without anything that could mislead on a terminal. */
bool fw_text_is_plain(const void *text, size_t n);

#endif
