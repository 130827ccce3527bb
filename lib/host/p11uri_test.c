/* SPDX-License-Identifier: Apache-2.0 */
/* Key URIs: what is accepted, what is refused and why, and decoding. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "host/internal.h"
#include "host/p11uri.h"

#define T32 "0123456789abcdef0123456789abcdef"

/* want: what the error must say; NULL: the URI is good. */
static const struct {
	const char *uri, *want;
} cases[] = {
	{ "pkcs11:", NULL },
	{ "pkcs11:?", NULL },
	{ "PKCS11:token=fw", NULL },
	{ "pkcs11:token=release;object=fw-2026", NULL },
	{ "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken", NULL },
	{ "pkcs11:id=%69%95%3E%5C%F4%BD%EC%91;type=private", NULL },
	{ "pkcs11:id=%00%01", NULL },
	{ "pkcs11:id=abc", NULL },
	{ "pkcs11:token=" T32, NULL },
	{ "pkcs11:serial=0123456789abcdef;model=m;manufacturer=x", NULL },
	{ "pkcs11:library-manufacturer=a;library-description=b", NULL },
	{ "pkcs11:library-version=3", NULL },
	{ "pkcs11:library-version=3.254", NULL },
	{ "pkcs11:slot-id=4294967295", NULL },
	{ "pkcs11:slot-description=a;slot-manufacturer=b;slot-id=0", NULL },
	{ "pkcs11:object=a:[]@!$'()*+,=&b", NULL },
	{ "pkcs11:object=%c3%bc", NULL },
	{ "pkcs11:object=x?pin-source=/run/pin", NULL },
	{ "pkcs11:object=x?pin-source=file:/run/pin", NULL },
	{ "pkcs11:object=x?pin-source=|/bin/prog", NULL },
	{ "pkcs11:object=x?pin-value=a/b?c|d", NULL },
	{ "pkcs11:?module-path=/usr/lib/m.so&pin-value=1", NULL },
	{ "pkcs11:?module-name=softhsm2", NULL },

	/* what p11-kit's parser lets pass, and then takes for another URI */
	{ "pkcs11:;id=%01", "empty attribute at character 8" },
	{ "pkcs11:id=%01;", "empty attribute at character 15" },
	{ "pkcs11:token=a;;id=%01", "empty attribute at character 16" },
	{ "pkcs11:object=a b", "character 16 is not allowed" },
	{ "pkcs11:object=ab ", "character 17 is not allowed" },
	{ "pkcs11: object=ab", "unknown attribute ' object'" },
	{ "pkcs11:object=a\nb", "write %0A" },
	{ "pkcs11:object=a\tb", "write %09" },
	{ "pkcs11:object=a;object=b", "'object' is given twice" },
	{ "pkcs11:object=a;object=a", "'object' is given twice" },
	{ "pkcs11:id=%01;token=t;id=%02", "'id' is given twice" },
	{ "pkcs11:object=a?pin-value=1&pin-value=2", "given twice" },
	{ "pkcs11:object=a#x", "write %23" },
	{ "pkcs11:object=a?pin-source=b#x", "write %23" },
	{ "pkcs11:objekt=a", "unknown attribute 'objekt'" },
	{ "pkcs11:Object=a", "unknown attribute 'Object'" },
	{ "pkcs11:x-vendor=a", "unknown attribute 'x-vendor'" },
	{ "pkcs11:object=a?x-q=1", "unknown attribute 'x-q'" },
	{ "pkcs11:object", "no '='" },
	{ "pkcs11:=a", "at character 8 has no name" },
	{ "pkcs11:?pin-value=1&234=5", "at character 21 is unknown" },

	{ "pkcs11", "does not begin" },
	{ "pkcs12:object=a", "does not begin" },
	{ "", "does not begin" },
	{ " pkcs11:object=a", "does not begin" },
	{ "pkcs11:object=a?pin-source=x&", "empty attribute" },
	{ "pkcs11:object=a?&pin-source=x", "empty attribute" },
	{ "pkcs11:pin-source=/x", "'pin-source' belongs after the '?'" },
	{ "pkcs11:pin-value=1", "'pin-value' belongs after the '?'" },
	{ "pkcs11:?object=a", "'object' belongs before the '?'" },
	{ "pkcs11:object=a/b", "write %2F" },
	{ "pkcs11:object=a?pin-value=1?2;3", "write %3B" },
	{ "pkcs11:object=\xc3\xbc", "write %C3" },
	{ "pkcs11:object=\"a\"", "write %22" },
	{ "pkcs11:object=", "'object' is empty (leave it out" },
	{ "pkcs11:id=", "'id' is empty" },
	{ "pkcs11:token=;object=a", "'token' is empty" },
	{ "pkcs11:object=a?pin-value=", "'pin-value' is empty" },
	{ "pkcs11:object=%", "not followed by two hex" },
	{ "pkcs11:object=%4", "not followed by two hex" },
	{ "pkcs11:object=%4g", "not followed by two hex" },
	{ "pkcs11:object=%g4", "not followed by two hex" },
	{ "pkcs11:object=a%00b", "not plain UTF-8" },
	{ "pkcs11:object=%ff", "not plain UTF-8" },
	{ "pkcs11:object=%c0%80", "not plain UTF-8" },
	{ "pkcs11:object=%ed%a0%80", "not plain UTF-8" },
	{ "pkcs11:object=%f4%90%80%80", "not plain UTF-8" },
	{ "pkcs11:object=%e2%80%ae", "not plain UTF-8" },
	{ "pkcs11:object=%1b[31m", "not plain UTF-8" },
	{ "pkcs11:object=a?pin-value=1%002", "has a NUL" },
	{ "pkcs11:token=" T32 "x", "longer than 32" },
	{ "pkcs11:serial=0123456789abcdefx", "longer than 16" },
	{ "pkcs11:model=0123456789abcdefx", "longer than 16" },
	{ "pkcs11:slot-description=" T32 T32 "x", "longer than 64" },
	{ "pkcs11:type=public", "only a private key can sign" },
	{ "pkcs11:type=cert", "only a private key can sign" },
	{ "pkcs11:type=Private", "only a private key can sign" },
	{ "pkcs11:library-version=", "is empty" },
	{ "pkcs11:library-version=a", "no version number" },
	{ "pkcs11:library-version=1.", "no version number" },
	{ "pkcs11:library-version=.1", "no version number" },
	{ "pkcs11:library-version=256", "no version number" },
	{ "pkcs11:library-version=1.256", "no version number" },
	{ "pkcs11:library-version=1.2.3", "no version number" },
	{ "pkcs11:slot-id=x", "is no number" },
	{ "pkcs11:slot-id=-1", "is no number" },
	{ "pkcs11:slot-id=12345678901", "longer than 10" },
	{ "pkcs11:?pin-source=a&pin-value=b", "both 'pin-source' and" },
	{ "pkcs11:?module-path=/a&module-name=b", "both 'module-path' and" },
	{ "pkcs11:?module-path=a.so", "not an absolute path" },
};
enum { NCASES = sizeof cases / sizeof cases[0] };

ParameterizedTestParameters(p11uri, judged)
{
	static size_t row[NCASES];

	for (size_t i = 0; i < NCASES; i++)
		row[i] = i;
	return cr_make_param_array(size_t, row, NCASES);
}

ParameterizedTest(size_t *i, p11uri, judged)
{
	FW_CLEANUP(fw_p11_uri_deinit) struct fw_p11_uri uri = { 0 };
	struct fw_error err = { 0 };
	const enum fw_kind kind = fw_p11_uri_parse(cases[*i].uri, &uri, &err);

	if (cases[*i].want == NULL) {
		cr_assert_eq(kind, FW_OK, "'%s': %s", cases[*i].uri, err.text);
		cr_assert_not_null(uri.match);
		return;
	}
	cr_assert_eq(kind, FW_E_INPUT, "'%s' was accepted", cases[*i].uri);
	cr_assert_not_null(strstr(err.text, cases[*i].want), "'%s': %s",
	    cases[*i].uri, err.text);
	cr_assert_null(uri.match);
}

Test(p11uri, decodes_what_p11kit_compares)
{
	FW_CLEANUP(fw_p11_uri_deinit) struct fw_p11_uri uri = { 0 };
	struct fw_error err = { 0 };
	const CK_ATTRIBUTE *a;

	cr_assert_eq(fw_p11_uri_parse("pkcs11:id=%01%00%fF;object=a%20%c3%bc;"
	    "slot-id=7?pin-value=%26%3d+&module-path=/a%20b", &uri, &err),
	    FW_OK, "%s", err.text);
	a = p11_kit_uri_get_attribute(uri.match, CKA_ID);
	cr_assert_eq(a->ulValueLen, 3);
	cr_assert_arr_eq(a->pValue, "\x01\x00\xff", 3);
	a = p11_kit_uri_get_attribute(uri.match, CKA_LABEL);
	cr_assert_eq(a->ulValueLen, 4);
	cr_assert_arr_eq(a->pValue, "a \xc3\xbc", 4);
	cr_assert_eq(p11_kit_uri_get_slot_id(uri.match), 7);
	cr_assert_str_eq(uri.pin_value, "&=+");
	cr_assert_str_eq(uri.module_path, "/a b");
	cr_assert_null(uri.pin_source);
	cr_assert_null(uri.module_name);
	/* A PIN stays out of memory that is not wiped. */
	cr_assert_null(p11_kit_uri_get_pin_value(uri.match));
}

Test(p11uri, large_slot_ids_arrive)
{
	FW_CLEANUP(fw_p11_uri_deinit) struct fw_p11_uri uri = { 0 };
	struct fw_error err = { 0 };

	cr_assert_eq(fw_p11_uri_parse("pkcs11:slot-id=4294967294", &uri, &err),
	    FW_OK);
	cr_assert_eq(p11_kit_uri_get_slot_id(uri.match), 4294967294u);
}

/* Every byte, in the path and in the query: the grammar and nothing more. */
Test(p11uri, every_byte)
{
	static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
	    "KLMNOPQRSTUVWXYZ0123456789-._~:[]@!$'()*+,=";
	char text[64];
	int query, c;

	for (query = 0; query < 2; query++) {
		for (c = 1; c < 256; c++) {
			FW_CLEANUP(fw_p11_uri_deinit) struct fw_p11_uri uri =
			    { 0 };
			struct fw_error err = { 0 };
			bool good = strchr(unreserved, c) != NULL ||
			    strchr(query ? "/?|" : "&", c) != NULL;

			/* these separate, and leave nothing that is lost */
			if (!query && c == '?')
				good = false;	/* then b is no attribute */
			(void)snprintf(text, sizeof text, query ?
			    "pkcs11:?pin-value=a%cb" : "pkcs11:object=a%cb",
			    c);
			cr_assert_eq(fw_p11_uri_parse(text, &uri, &err) ==
			    FW_OK, good, "byte %#x", (unsigned)c);
		}
	}
}

/* A URI cut anywhere is either refused or has fewer attributes: no crash, and
   never a PIN in an error. */
Test(p11uri, every_cut_and_no_pin_in_errors)
{
	static const char whole[] = "pkcs11:token=a%20b;id=%01%02;object=x?"
	    "module-path=/m.so&pin-value=1&SECRET=%2";
	char text[sizeof whole];
	size_t n;

	for (n = 0; n <= sizeof whole - 1; n++) {
		FW_CLEANUP(fw_p11_uri_deinit) struct fw_p11_uri uri = { 0 };
		struct fw_error err = { 0 };

		memcpy(text, whole, n);
		text[n] = '\0';
		if (fw_p11_uri_parse(text, &uri, &err) != FW_OK)
			cr_assert_null(strstr(err.text, "SECRET"));
	}
	cr_assert_eq(n, sizeof whole);
}

Test(p11uri, longest)
{
	char text[5000] = "pkcs11:object=";
	FW_CLEANUP(fw_p11_uri_deinit) struct fw_p11_uri uri = { 0 };
	struct fw_error err = { 0 };

	memset(text + strlen(text), 'a', 4500);
	cr_assert_eq(fw_p11_uri_parse(text, &uri, &err), FW_E_INPUT);
	cr_assert_not_null(strstr(err.text, "longer than 4096"));
}

Test(p11uri, scheme)
{
	cr_assert(fw_p11_uri_is("pkcs11:"));
	cr_assert(fw_p11_uri_is("PkCs11:x"));
	cr_assert_not(fw_p11_uri_is("pkcs11"));
	cr_assert_not(fw_p11_uri_is("key.pem"));
	cr_assert_not(fw_p11_uri_is(""));
}

Test(p11uri, percent)
{
	struct fw_error err = { 0 };
	FW_FREE char *out = NULL;
	size_t n;

	cr_assert_eq(fw_percent_decode("%41b%00%7E", 10, &out, &n, &err),
	    FW_OK);
	cr_assert_eq(n, 4);
	cr_assert_arr_eq(out, "Ab\0~", 5);
	/* only as far as told */
	cr_assert_eq(fw_percent_decode("%41", 2, &out, &n, &err), FW_E_INPUT);
}
