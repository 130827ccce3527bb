/* SPDX-License-Identifier: Apache-2.0 */
/* See mbedtls_board.c. */
#ifndef MBEDTLS_BOARD_H
#define MBEDTLS_BOARD_H

/* Give Mbed TLS its memory. */
void fwa_mbedtls_start(void);

#endif
