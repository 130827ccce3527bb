/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/fwhost.h"

static const uint8_t dns[16] = {
	0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
	0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
};

static void
assert_uuid(const uint8_t got[16], const char *want)
{
	char text[37];

	fw_uuid_format(got, text);
	cr_assert_str_eq(text, want);
}

/* RFC 9562, appendix A.4. */
Test(uuid, published_name)
{
	struct fw_error err;
	uint8_t id[16];

	cr_assert_eq(fw_uuid5(dns, "www.example.com", 15, id, &err), FW_OK);
	assert_uuid(id, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

/* The vendor of the draft's examples is the UUID of arm.com. */
Test(uuid, vendor_of_the_draft)
{
	struct fw_error err;
	uint8_t id[16];

	cr_assert_eq(fw_uuid_vendor("arm.com", id, &err), FW_OK);
	assert_uuid(id, "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe");
}

/* Computed with Python's uuid module; UTF-8 goes in as it is. */
Test(uuid, class_in_vendor)
{
	struct fw_error err;
	uint8_t vendor[16], id[16];

	cr_assert_eq(fw_uuid_vendor("acme.example", vendor, &err), FW_OK);
	assert_uuid(vendor, "0637e301-e05d-505b-8267-486f5677de9b");
	cr_assert_eq(fw_uuid5(vendor, "Infusion Pump 3000 rev C", 24, id,
	    &err), FW_OK);
	assert_uuid(id, "9af113c0-47e5-554d-b7ea-7e20dec01c59");
	cr_assert_eq(fw_uuid_vendor("m\xc3\xbcnchen.example", id, &err),
	    FW_OK);
	assert_uuid(id, "b0a686dd-7bbb-5935-9663-c50a1bc538c3");
}

Test(uuid, version_and_variant_of_many)
{
	struct fw_error err;
	uint8_t id[16];

	for (unsigned i = 0; i < 1000; i++) {
		cr_assert_eq(fw_uuid5(dns, &i, sizeof i, id, &err), FW_OK);
		cr_assert_eq(id[6] >> 4, 5);
		cr_assert_eq(id[8] >> 6, 2);
	}
}

/* Every byte value at every place: accepted where it is the same kind. */
Test(uuid, parse_every_character)
{
	static const char good[] = "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe";
	uint8_t id[16];

	cr_assert(fw_uuid_parse(good, id));
	assert_uuid(id, good);
	for (size_t i = 0; i < 36; i++)
		for (int c = 1; c < 256; c++) {
			const bool fits = good[i] == '-' ? c == '-' :
			    c < 128 && isxdigit(c);
			char text[37], again[37];

			memcpy(text, good, sizeof text);
			text[i] = (char)c;
			cr_assert_eq(fw_uuid_parse(text, id), fits, "%zu %d",
			    i, c);
			if (!fits)
				continue;
			fw_uuid_format(id, again);
			text[i] = (char)tolower(c);
			cr_assert_str_eq(again, text);
		}
}

Test(uuid, parse_every_length)
{
	static const char good[] = "fa6b4a53-d5ad-5fdf-be9d-e663e4d41ffe";
	uint8_t id[16];
	char text[64];

	for (size_t n = 0; n < 36; n++) {
		memcpy(text, good, n);
		text[n] = '\0';
		cr_assert_not(fw_uuid_parse(text, id), "%zu", n);
		cr_assert_not(fw_uuid_parse(good + 36 - n, id), "%zu", n);
	}
	(void)snprintf(text, sizeof text, "%s0", good);
	cr_assert_not(fw_uuid_parse(text, id));
}
