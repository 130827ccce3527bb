/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and keys, inside the device library. */
#ifndef FWD_SIG_H
#define FWD_SIG_H

#include "device/fwdevice.h"

/* Bytes of a coordinate or scalar of an EC key; 0 for other types. */
size_t fwd_curve_width(enum fwd_key_type type);

/* Are length, encoding and range of a key right?  FWD_E_KEY otherwise. */
FWD_MUST_USE fwd_status fwd_key_check(const struct fwd_key *key);

/*
 * fwd_sig_check for the signature in a certificate: ES256, ES384 and ES512
 * stand for ECDSA with that hash on any of the three curves, as they do in an
 * AlgorithmIdentifier.
 */
FWD_MUST_USE fwd_status fwd_sig_check_cert(const struct fwd_crypto *crypto,
    int32_t alg, const struct fwd_key *key, struct fwd_span msg,
    struct fwd_span sig);

#endif
