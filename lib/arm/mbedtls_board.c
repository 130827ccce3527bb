/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Mbed TLS asks of a board: memory, and random numbers, which a device
 * that only verifies does not need.  To reuse it: call fwa_mbedtls_start()
 * before fwp_psa_init(), and set FWA_HEAP to what your keys need: 12 KiB for
 * P-256, 24 KiB for P-521 and RSA-4096.
 */
#include <mbedtls/memory_buffer_alloc.h>
#include <psa/crypto.h>

#include "arm/mbedtls_board.h"
#include "device/fwdevice.h"

#ifndef FWA_HEAP
#define FWA_HEAP	24576
#endif

static unsigned char heap[FWA_HEAP] __attribute__((aligned(8)));

void
fwa_mbedtls_start(void)
{
	mbedtls_memory_buffer_alloc_init(heap, sizeof heap);
}

void
fwa_mbedtls_exit(int status)
{
	(void)status;
	fwd_panic();
}

/* PSA wants it to be there; nothing calls it. */
psa_status_t
mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *ctx,
    uint8_t *out, size_t n, size_t *got)
{
	(void)ctx;
	(void)out;
	(void)n;
	*got = 0;
	return PSA_ERROR_INSUFFICIENT_ENTROPY;
}
