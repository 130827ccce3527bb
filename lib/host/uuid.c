/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs: names turned into identifiers (RFC 9562, version 5), and text. */
#include <string.h>

#include <openssl/evp.h>

#include "host/build.h"
#include "host/fields.h"
#include "host/internal.h"

enum { UUID_N = 16, UUID_TEXT = 36, SHA1_N = 20 };

/* "DNS", from RFC 9562, section 6.6. */
static const uint8_t ns_dns[UUID_N] = {
	0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
	0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
};

static void
free_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

enum fw_kind
fw_uuid5(const uint8_t ns[16], const void *name, size_t n, uint8_t out[16],
    struct fw_error *err)
{
	FW_CLEANUP(free_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[SHA1_N];

	/* SHA-1 is what the version is made of; no security rests on it. */
	if (ctx == NULL || fw_sha1_md() == NULL ||
	    EVP_DigestInit_ex(ctx, fw_sha1_md(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, ns, UUID_N) != 1 ||
	    EVP_DigestUpdate(ctx, name, n) != 1 ||
	    EVP_DigestFinal_ex(ctx, hash, NULL) != 1)
		return fw_fail_ssl(err, FW_E_NOMEM, "cannot derive a UUID");
	memcpy(out, hash, UUID_N);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x50);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
	return FW_OK;
}

enum fw_kind
fw_uuid_vendor(const char *domain, uint8_t out[16], struct fw_error *err)
{
	return fw_uuid5(ns_dns, domain, strlen(domain), out, err);
}

/* Is there a hyphen in front of byte i? */
static bool
after_hyphen(size_t i)
{
	return i == 4 || i == 6 || i == 8 || i == 10;
}

bool
fw_uuid_parse(const char *text, uint8_t out[16])
{
	uint8_t id[UUID_N];
	const char *at = text;
	int hi, lo;

	if (strnlen(text, UUID_TEXT + 1) != UUID_TEXT)
		return false;
	for (size_t i = 0; i < UUID_N; i++, at += 2) {
		if (after_hyphen(i) && *at++ != '-')
			return false;
		hi = fw_hex_digit(at[0]);
		lo = fw_hex_digit(at[1]);
		if (hi < 0 || lo < 0)
			return false;
		id[i] = (uint8_t)(hi << 4 | lo);
	}
	memcpy(out, id, UUID_N);
	return true;
}

void
fw_uuid_format(const uint8_t uuid[16], char out[37])
{
	static const char digits[] = "0123456789abcdef";
	char *at = out;

	for (size_t i = 0; i < UUID_N; i++) {
		if (after_hyphen(i))
			*at++ = '-';
		*at++ = digits[uuid[i] >> 4];
		*at++ = digits[uuid[i] & 15];
	}
	*at = '\0';
}
