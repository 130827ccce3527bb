/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate, as far as OpenSSL can read it. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "host/cert.h"
#include "host/describe_internal.h"

/* A name as everywhere in the output, or null. */
static json_t *
name(const X509_NAME *n)
{
	FW_FREE char *text = NULL;
	struct fw_error err;
	const unsigned char *der;
	size_t len;
	enum fw_kind kind;

	if (n == NULL || X509_NAME_get0_der(n, &der, &len) != 1)
		return json_null();
	kind = fw_name_format((struct fwd_span){ der, len }, &text, &err);
	if (kind != FW_OK)
		return kind == FW_E_NOMEM ? NULL : json_null();
	return fw_d_text((struct fwd_span){ (const uint8_t *)text,
	    strlen(text) });
}

static json_t *
date(const ASN1_TIME *t)
{
	char text[32];
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return json_null();
	return json_string(text);
}

/* The octets of the encoded number, as all reports show it; OpenSSL has taken
   the sign and the zero in front of a set first bit away. */
static json_t *
serial(const X509 *cert)
{
	const ASN1_INTEGER *const n = X509_get0_serialNumber(cert);
	FW_JSON json_t *hex = NULL;
	const char *sign = "";

	if (n == NULL)
		return json_null();
	hex = fw_d_hex((struct fwd_span){ ASN1_STRING_get0_data(n),
	    (size_t)ASN1_STRING_length(n) });
	if (hex == NULL)
		return NULL;
	if (ASN1_STRING_type(n) == V_ASN1_NEG_INTEGER)
		sign = "-";
	else if (json_string_value(hex)[0] >= '8')
		sign = "00";
	return json_sprintf("%s%s", sign, json_string_value(hex));
}

static json_t *
key_type(X509 *cert)
{
	const EVP_PKEY *const key = X509_get0_pubkey(cert);
	char group[64];

	if (key == NULL)
		return json_null();
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	    EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1) {
		return json_sprintf("EC %s",
		    strcmp(group, "prime256v1") == 0 ? "P-256" :
		    strcmp(group, "secp384r1") == 0 ? "P-384" :
		    strcmp(group, "secp521r1") == 0 ? "P-521" : group);
	}
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return json_string("Ed25519");
	return json_sprintf("%s %d", EVP_PKEY_get0_type_name(key),
	    EVP_PKEY_get_bits(key));
}

static void
fingerprint(struct fw_describe *d, json_t *o, struct fwd_span der)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(der.p, der.n, digest, &n, EVP_sha256(), NULL) != 1)
		d->no_memory = true;
	fw_d_set(d, o, "fingerprint", fw_d_digest_text(FWD_SHA256,
	    (struct fwd_span){ digest, n }));
}

void
fw_describe_certificate(struct fw_describe *d, json_t *o,
    struct fwd_span der)
{
	const unsigned char *p = der.p;
	FW_CLEANUP(fw_x509_free) X509 *cert = NULL;

	fw_d_set(d, o, "size", fw_d_uint(der.n));
	fingerprint(d, o, der);
	if (der.n <= INT32_MAX)
		cert = d2i_X509(NULL, &p, (long)der.n);
	fw_d_set(d, o, "readable", json_boolean(cert != NULL));
	if (cert == NULL || p != der.p + der.n)
		fw_d_problem(d, FWD_E_CERT_DER, der.p);
	if (cert != NULL) {
		fw_d_set(d, o, "subject", name(X509_get_subject_name(cert)));
		fw_d_set(d, o, "issuer", name(X509_get_issuer_name(cert)));
		fw_d_set(d, o, "serial", serial(cert));
		fw_d_set(d, o, "not-before", date(X509_get0_notBefore(cert)));
		fw_d_set(d, o, "not-after", date(X509_get0_notAfter(cert)));
		fw_d_set(d, o, "key", key_type(cert));
		fw_d_set(d, o, "ca", json_boolean(X509_check_ca(cert) > 0));
	}
	ERR_clear_error();
}
