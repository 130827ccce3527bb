/* SPDX-License-Identifier: Apache-2.0 */
/* What the two commands that handle signing requests have in common. */
#ifndef FWSIGN_CEREMONY_H
#define FWSIGN_CEREMONY_H

#include <stdio.h>

#include "fwsign/signing.h"
#include "host/ceremony.h"

struct ceremony_result {
	const char *request, *response;	/* files; NULL: none */
	const struct fw_signer *signer;	/* NULL: nobody has signed */
	bool to_root;			/* the chain was judged up to a root */
};

/* The summary, as text. */
enum fw_kind ceremony_print(FILE *to, const struct fw_request *r,
    struct fw_error *err);
/* Print it with the result as JSON. */
enum fw_kind ceremony_json(const struct fw_request *r,
    const struct ceremony_result *result, struct fw_error *err);

#endif
