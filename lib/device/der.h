/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict DER reader (X.690 section 10), inside the device library.  left is
 * what has not been read yet; each call takes one element from its front.
 * After a failure it is of no use.  Only what certificates need: definite,
 * shortest lengths of at most 32 bits; tag numbers below 31.  The one error is
 * FWD_E_CERT_DER.
 */
#ifndef FWD_DER_H
#define FWD_DER_H

#include "device/fwdevice.h"

enum {					/* identifier octets */
	FWD_DER_BOOLEAN = 0x01,
	FWD_DER_INTEGER = 0x02,
	FWD_DER_BITS = 0x03,
	FWD_DER_OCTETS = 0x04,
	FWD_DER_OID = 0x06,
	FWD_DER_UTCTIME = 0x17,
	FWD_DER_GENTIME = 0x18,
	FWD_DER_SEQUENCE = 0x30,
	FWD_DER_SET = 0x31,
	FWD_DER_CONTEXT = 0xa0,		/* constructed; low bits: number */
};

/* An element: its tag, its content, and both with the length. */
struct fwd_der {
	uint8_t tag;
	struct fwd_span content;
	struct fwd_span whole;
};

/* True when the next element has that tag. */
bool fwd_der_at(struct fwd_span left, uint8_t tag);
/* Take an element of any tag. */
FWD_MUST_USE fwd_status fwd_der_any(struct fwd_span *left,
    struct fwd_der *el);
/* Take an element of that tag. */
FWD_MUST_USE fwd_status fwd_der_take(struct fwd_span *left, uint8_t tag,
    struct fwd_span *content);
/* FWD_OK when nothing is left. */
FWD_MUST_USE fwd_status fwd_der_end(struct fwd_span left);

/* A BOOLEAN with DEFAULT FALSE that is there: it must be TRUE. */
FWD_MUST_USE fwd_status fwd_der_true(struct fwd_span *left);
/* An INTEGER >= 0 without its sign octet; zero is empty. */
FWD_MUST_USE fwd_status fwd_der_uint(struct fwd_span *left,
    struct fwd_span *v);
/* An INTEGER >= 0; UINT32_MAX if it is larger than 65535. */
FWD_MUST_USE fwd_status fwd_der_small(struct fwd_span *left, uint32_t *v);
/* A BIT STRING of whole octets. */
FWD_MUST_USE fwd_status fwd_der_bits(struct fwd_span *left,
    struct fwd_span *v);
/*
 * A BIT STRING of named bits (X.690 section 11.2.2: no zero bits at the end),
 * at least one set and none beyond the 16th.  Bit i of *v is named bit i.
 */
FWD_MUST_USE fwd_status fwd_der_named_bits(struct fwd_span *left,
    uint32_t *v);
/* The content of an OBJECT IDENTIFIER. */
FWD_MUST_USE fwd_status fwd_der_oid(struct fwd_span *left,
    struct fwd_span *v);
/* A Time as RFC 5280 section 4.1.2.5 wants it. */
FWD_MUST_USE fwd_status fwd_der_time(struct fwd_span *left, int64_t *t);

#endif
