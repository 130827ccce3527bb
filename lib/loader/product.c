/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the device is.  Bundles name it by two UUIDs, which fwsign derives from
 * vendor-domain and model in the descriptor (acme.example and the name in
 * product.h); "fwsign inspect" shows them.
 */
#include "loader/product.h"

const uint8_t product_vendor[16] = {
	0x06, 0x37, 0xe3, 0x01, 0xe0, 0x5d, 0x50, 0x5b,
	0x82, 0x67, 0x48, 0x6f, 0x56, 0x77, 0xde, 0x9b,
};
const uint8_t product_class[16] = {
	0x5a, 0x82, 0xbd, 0x39, 0xc6, 0x70, 0x57, 0x0b,
	0xab, 0x38, 0x44, 0x2b, 0x19, 0x4d, 0x82, 0xfc,
};

/* The component's identifier: ["firmware"] in CBOR. */
const uint8_t product_component[] = {
	0x81, 0x48, 'f', 'i', 'r', 'm', 'w', 'a', 'r', 'e',
};
const size_t product_component_n = sizeof product_component;
