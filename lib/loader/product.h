/* SPDX-License-Identifier: Apache-2.0 */
/* Who the device is, and whom it trusts. */
#ifndef PRODUCT_H
#define PRODUCT_H

#include <stddef.h>
#include <stdint.h>

#define PRODUCT_NAME	"Infusion Pump Display"

/* product.c */
extern const uint8_t product_vendor[16], product_class[16];
extern const uint8_t product_component[];
extern const size_t product_component_n;

/* trust.c, which trust.sh makes: the root's certificate, in DER. */
extern const uint8_t trust_root[];
extern const size_t trust_root_n;

#endif
