/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of what users wrote. */
#include "host/fields.h"
#include "host/internal.h"

size_t
fw_utf8_next(const char *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t c = (uint8_t)p[0];
	const size_t len = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 :
	    c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
	uint32_t v;

	*cp = c;
	if (len < 2)
		return len;
	if (len > n)
		return 0;
	v = c & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if (((uint8_t)p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | ((uint8_t)p[i] & 0x3fu);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*cp = v;
	return len;
}

bool
fw_utf8_valid(const char *p, size_t n)
{
	uint32_t cp;

	for (size_t step; n > 0; p += step, n -= step) {
		step = fw_utf8_next(p, n, &cp);
		if (step == 0)
			return false;
	}
	return true;
}

bool
fw_is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
}

int
fw_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
