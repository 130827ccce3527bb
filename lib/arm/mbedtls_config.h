/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS 2.28 for a device that verifies signatures and nothing else: what
 * lib/port/psa.c asks PSA for.  To reuse it: compile Mbed TLS and psa.c with
 * -DMBEDTLS_CONFIG_FILE='"arm/mbedtls_config.h"' and link mbedtls_board.c,
 * which gives PSA its memory.  Leave out the curves and hashes that your
 * release keys do not have: P-256 and SHA-256 alone save a third.
 */
#ifndef MBEDTLS_CONFIG_H
#define MBEDTLS_CONFIG_H

#define MBEDTLS_PSA_CRYPTO_C
/* Verifying needs no random numbers. */
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#define MBEDTLS_NO_PLATFORM_ENTROPY

#define MBEDTLS_MD_C
#define MBEDTLS_SHA224_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA512_C		/* SHA-384 as well */
#define MBEDTLS_SHA256_SMALLER
#define MBEDTLS_SHA512_SMALLER

#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECP_DP_SECP521R1_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECP_NO_INTERNAL_RNG	/* blinding is for secrets */
#define MBEDTLS_ECDSA_C

#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PKCS1_V21

/* What those need. */
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_PK_WRITE_C

/* A heap of its own, in one array. */
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS
#define MBEDTLS_PLATFORM_EXIT_MACRO fwa_mbedtls_exit
void fwa_mbedtls_exit(int status);	/* when that array was damaged */

#include "mbedtls/check_config.h"

#endif
