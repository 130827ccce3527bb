/* SPDX-License-Identifier: Apache-2.0 */
/* What a person calls the names and identifiers in certificates. */
#include "device/internal.h"
#include "device/der.h"
#include "device/x509.h"

/* id-at-commonName, 2.5.4.3 */
static const uint8_t common_name[] = { 0x55, 0x04, 0x03 };

/* The common name in one RDN, which need not be well-formed. */
static struct fwd_span
rdn_common_name(struct fwd_span set)
{
	struct fwd_span pair, oid;
	struct fwd_der value;

	while (fwd_der_take(&set, FWD_DER_SEQUENCE, &pair) == FWD_OK) {
		if (fwd_der_oid(&pair, &oid) == FWD_OK &&
		    oid.n == sizeof common_name &&
		    memcmp(oid.p, common_name, oid.n) == 0 &&
		    fwd_der_any(&pair, &value) == FWD_OK)
			return value.content;
	}
	return (struct fwd_span){ 0 };
}

void
fwd_cert_name_fact(struct fwd_span name, struct fwd_fact *fact)
{
	struct fwd_span left = name, seq, set, cn;

	fact->kind = FWD_FACT_HEX;
	fact->s = name;
	if (fwd_der_take(&left, FWD_DER_SEQUENCE, &seq) != FWD_OK)
		return;
	while (fwd_der_take(&seq, FWD_DER_SET, &set) == FWD_OK) {
		cn = rdn_common_name(set);
		if (cn.n != 0) {
			fact->kind = FWD_FACT_TEXT;
			fact->s = cn;
		}
	}
}

/* A name for an OID: the text behind it in the table, or its octets. */
struct known {
	struct fwd_span oid;
	struct fwd_span text;
};

#define KNOWN(t, ...) { \
	{ (const uint8_t []){ __VA_ARGS__ }, \
	    sizeof (const uint8_t []){ __VA_ARGS__ } }, \
	{ (const uint8_t *)(t), sizeof(t) - 1 } }

static const struct known purposes[] = {
	KNOWN("anyExtendedKeyUsage", 0x55, 0x1d, 0x25, 0x00),
	KNOWN("serverAuth", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01),
	KNOWN("clientAuth", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02),
	KNOWN("codeSigning", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03),
	KNOWN("emailProtection", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03,
	    0x04),
	KNOWN("timeStamping", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08),
	KNOWN("OCSPSigning", 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09),
};
enum { NPURPOSES = sizeof purposes / sizeof purposes[0] };

static const struct known extensions[] = {
	KNOWN("keyUsage", 0x55, 0x1d, 0x0f),
	KNOWN("subjectAltName", 0x55, 0x1d, 0x11),
	KNOWN("issuerAltName", 0x55, 0x1d, 0x12),
	KNOWN("basicConstraints", 0x55, 0x1d, 0x13),
	KNOWN("nameConstraints", 0x55, 0x1d, 0x1e),
	KNOWN("cRLDistributionPoints", 0x55, 0x1d, 0x1f),
	KNOWN("certificatePolicies", 0x55, 0x1d, 0x20),
	KNOWN("policyMappings", 0x55, 0x1d, 0x21),
	KNOWN("authorityKeyIdentifier", 0x55, 0x1d, 0x23),
	KNOWN("policyConstraints", 0x55, 0x1d, 0x24),
	KNOWN("extKeyUsage", 0x55, 0x1d, 0x25),
	KNOWN("inhibitAnyPolicy", 0x55, 0x1d, 0x36),
};
enum { NEXTENSIONS = sizeof extensions / sizeof extensions[0] };

static void
oid_fact(const struct known *list, size_t n, struct fwd_span oid,
    struct fwd_fact *fact)
{
	size_t i;

	fact->kind = FWD_FACT_HEX;
	fact->s = oid;
	for (i = 0; i < n; i++) {
		if (fwd_span_equal(list[i].oid, oid)) {
			fact->kind = FWD_FACT_TEXT;
			fact->s = list[i].text;
		}
	}
}

void
fwd_cert_purpose_fact(struct fwd_span oid, struct fwd_fact *fact)
{
	oid_fact(purposes, NPURPOSES, oid, fact);
}

void
fwd_cert_ext_fact(struct fwd_span oid, struct fwd_fact *fact)
{
	oid_fact(extensions, NEXTENSIONS, oid, fact);
}
