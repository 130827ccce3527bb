/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names as text that is safe to show. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "host/cert.h"
#include "host/internal.h"

#define UNREADABLE "(unreadable name)"
#define NAME_FLAGS (XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_DN_REV | XN_FLAG_FN_SN | \
	XN_FLAG_DUMP_UNKNOWN_FIELDS)
#define TEXT_FLAGS (ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_ESC_CTRL | \
	ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER)

static void
name_free(X509_NAME **name)
{
	X509_NAME_free(*name);
}

static void
bio_free(BIO **bio)
{
	BIO_free(*bio);
}

/*
 * Code points that move the cursor, turn the writing direction or show
 * nothing: with them, two names could look the same.
 */
static bool
disturbs(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad ||
	    c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	    c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	    (c >= 0xe0000 && c <= 0xe0fff);
}

/* Decode one code point; 0 when it is not well-formed UTF-8. */
static size_t
utf8_take(const uint8_t *p, size_t n, uint32_t *c)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 :
	    p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 :
	    0;
	size_t i;

	if (len == 0 || len > n)
		return 0;
	*c = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3fu);
	}
	if (*c < lowest[len] || *c > 0x10ffff || (*c >> 11) == 0x1b)
		return 0;
	return len;
}

bool
fw_text_is_plain(const void *text, size_t n)
{
	const uint8_t *p = text;
	uint32_t c = 0;
	size_t len;

	for (; n > 0; p += len, n -= len) {
		len = utf8_take(p, n, &c);
		if (len == 0 || disturbs(c))
			return false;
	}
	return true;
}

/* Print with the flags; false when OpenSSL cannot. */
static bool
print(const X509_NAME *name, unsigned long flags, BIO *bio)
{
	(void)BIO_reset(bio);
	return X509_NAME_print_ex(bio, name, 0, NAME_FLAGS | TEXT_FLAGS |
	    flags) >= 0;
}

/* Put the name's text into bio, whatever the name holds. */
static void
write_name(const X509_NAME *name, BIO *bio)
{
	char *text;
	long n;

	if (X509_NAME_entry_count(name) == 0) {
		(void)BIO_puts(bio, "(empty name)");
		return;
	}
	/* As UTF-8 where that is harmless, otherwise bytes in hexadecimal. */
	if (print(name, ASN1_STRFLGS_UTF8_CONVERT, bio)) {
		n = BIO_get_mem_data(bio, &text);
		if (n > 0 && fw_text_is_plain(text, (size_t)n))
			return;
	}
	if (print(name, ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_ESC_MSB, bio))
		return;
	(void)BIO_reset(bio);
	(void)BIO_puts(bio, UNREADABLE);
}

enum fw_kind
fw_name_format(struct fwd_span name, char **out, struct fw_error *err)
{
	FW_CLEANUP(name_free) X509_NAME *parsed = NULL;
	FW_CLEANUP(bio_free) BIO *bio = BIO_new(BIO_s_mem());
	const unsigned char *p = name.p;
	char *text;
	long n;

	if (bio == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (name.n > 0 && name.n < 65536)
		parsed = d2i_X509_NAME(NULL, &p, (long)name.n);
	if (parsed == NULL || p != name.p + name.n)
		(void)BIO_puts(bio, UNREADABLE);
	else
		write_name(parsed, bio);
	ERR_clear_error();
	n = BIO_get_mem_data(bio, &text);
	*out = strndup(n > 0 ? text : "", n > 0 ? (size_t)n : 0);
	return *out ? FW_OK : fw_fail(err, FW_E_NOMEM, "out of memory");
}
