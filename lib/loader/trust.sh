#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# trust.sh ROOT.pem: print the C source that makes this root the device's trust
# anchor, to be compiled into the loader.
set -eu

der=$(mktemp)
trap 'rm -f "$der"' EXIT
openssl x509 -in "${1:?the root certificate is missing}" -outform DER \
    -out "$der"
cat <<END
/* Made by trust.sh. */
#include "loader/product.h"

const uint8_t trust_root[] = {
$(od -An -v -tx1 "$der" | sed -e 's/ \(..\)/ 0x\1,/g' -e 's/^ /	/')
};
const size_t trust_root_n = sizeof trust_root;
END
