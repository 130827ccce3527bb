/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate profile: each rule of it broken in turn; keys of every type.
 */
#include "device/testchain.h"

TestSuite(x509, .init = open_pki, .fini = close_pki);

/* ---- one part replaced -------------------------------------------- */

enum part { VERSION, SERIAL, INNER, OUTER, BOTH, ISSUER, VALIDITY, SUBJECT,
    SPKI, UNIQUE, EXT, ADD, NO_EXT, TAIL, TBS_TAIL, SIG };

#define NB "17 0d 3236303130313030303030305a"	/* 260101000000Z */
#define NA "17 0d 3336303130313030303030305a"	/* 360101000000Z */
#define EXT_UNKNOWN "30 0a 06 03 2a0304 04 03 04 01 00"
#define EXT_CRITICAL "30 0d 06 03 2a0304 01 01 ff 04 03 04 01 00"
#define BC(content) "30 0f 06 03 551d13 01 01 ff 04 05 " content
#define KU(content) "30 0e 06 03 551d0f 01 01 ff 04 04 " content
#define DATA32 "000102030405060708090a0b0c0d0e0f" \
	"101112131415161718191a1b1c1d1e1f"

static const struct row {
	const char *what;
	size_t cert;			/* 0: leaf, 1: CA */
	enum part part;
	const char *hex;
	fwd_status want;
} rows[] = {
	{ "version left out", 0, VERSION, "", FWD_E_CERT_VERSION },
	{ "version 1 stated", 0, VERSION, "a003020100", FWD_E_CERT_VERSION },
	{ "version 2", 0, VERSION, "a003020101", FWD_E_CERT_VERSION },
	{ "version 4", 1, VERSION, "a003020103", FWD_E_CERT_VERSION },
	{ "version padded", 0, VERSION, "a00402020002", FWD_E_CERT_VERSION },
	{ "version and more", 0, VERSION, "a005020102 0500",
	    FWD_E_CERT_VERSION },
	{ "version empty", 0, VERSION, "a000", FWD_E_CERT_VERSION },

	{ "serial zero", 0, SERIAL, "020100", FWD_E_CERT_DER },
	{ "serial negative", 0, SERIAL, "0201ff", FWD_E_CERT_DER },
	{ "serial padded", 0, SERIAL, "02020001", FWD_E_CERT_DER },
	{ "serial empty", 0, SERIAL, "0200", FWD_E_CERT_DER },
	{ "serial a string", 0, SERIAL, "040101", FWD_E_CERT_DER },
	{ "serial 128", 0, SERIAL, "02020080", FWD_OK },
	{ "serial of 20 octets", 0, SERIAL,
	    "0214 7f00000000000000000000000000000000000000", FWD_OK },
	{ "serial of 21 octets", 0, SERIAL,
	    "0215 00ff00000000000000000000000000000000000000",
	    FWD_E_CERT_DER },
	{ "serial of 21 octets", 1, SERIAL,
	    "0215 01ff00000000000000000000000000000000000000",
	    FWD_E_CERT_DER },

	{ "inner algorithm differs", 0, INNER, TP_ECDSA_SHA384,
	    FWD_E_CERT_DER },
	{ "outer algorithm differs", 0, OUTER, TP_ECDSA_SHA384,
	    FWD_E_CERT_SIG },
	{ "outer algorithm of another key", 0, OUTER, TP_RS256,
	    FWD_E_CERT_SIG },
	{ "outer algorithm of another key", 1, OUTER, TP_ED25519,
	    FWD_E_CERT_SIG },
	{ "ecdsa with NULL", 0, BOTH, "300c 0608 2a8648ce3d040302 0500",
	    FWD_E_ALG },
	{ "ecdsa with SHA-1", 0, BOTH, "3009 0607 2a8648ce3d0401",
	    FWD_E_ALG },
	{ "ecdsa with SHA-224", 0, BOTH, "300a 0608 2a8648ce3d040301",
	    FWD_E_ALG },
	{ "Ed25519 with NULL", 0, BOTH, "3007 0603 2b6570 0500", FWD_E_ALG },
	{ "Ed448", 0, BOTH, "3005 0603 2b6571", FWD_E_ALG },
	{ "RSA with SHA-1", 0, BOTH, "300d 0609 2a864886f70d010105 0500",
	    FWD_E_ALG },
	{ "RSA without NULL", 0, BOTH, "300b 0609 2a864886f70d01010b",
	    FWD_E_ALG },
	{ "PSS by default", 0, BOTH, "300d 0609 2a864886f70d01010a 3000",
	    FWD_E_ALG },
	{ "PSS without parameters", 0, BOTH, "300b 0609 2a864886f70d01010a",
	    FWD_E_ALG },
	{ "PSS with another salt", 0, BOTH, TP_PSS("1", "1f"), FWD_E_ALG },
	{ "PSS with salt of SHA-512", 0, BOTH, TP_PSS("1", "40"), FWD_E_ALG },
	{ "PSS with SHA-224", 0, BOTH, TP_PSS("4", "1c"), FWD_E_ALG },
	{ "PSS with another hash in MGF1", 0, BOTH,
	    "30 41 06 09 2a864886f70d01010a 30 34"
	    " a0 0f 30 0d 06 09 608648016503040201 05 00"
	    " a1 1c 30 1a 06 09 2a864886f70d010108"
	    " 30 0d 06 09 608648016503040202 05 00"
	    " a2 03 02 01 20", FWD_E_ALG },
	{ "PSS with its trailer", 0, BOTH,
	    "30 46 06 09 2a864886f70d01010a 30 39"
	    " a0 0f 30 0d 06 09 608648016503040201 05 00"
	    " a1 1c 30 1a 06 09 2a864886f70d010108"
	    " 30 0d 06 09 608648016503040201 05 00"
	    " a2 03 02 01 20 a3 03 02 01 01", FWD_E_ALG },

	{ "issuer another", 0, ISSUER, "300c310a3008 0603550403 0c0158",
	    FWD_E_CERT_NAME },
	{ "issuer in lower case", 0, ISSUER, "300c310a3008 0603550403 0c0169",
	    FWD_E_CERT_NAME },
	{ "issuer in another string type", 0, ISSUER,
	    "300c310a3008 0603550403 130149", FWD_E_CERT_NAME },
	{ "issuer empty", 0, ISSUER, "3000", FWD_E_CERT_NAME },
	{ "issuer without anchor", 1, ISSUER,
	    "300c310a3008 0603550403 0c0158", FWD_E_ANCHOR },
	{ "issuer empty", 1, ISSUER, "3000", FWD_E_ANCHOR },

	{ "subject empty", 0, SUBJECT, "3000", FWD_E_CERT_NAME },
	{ "subject with an empty RDN", 0, SUBJECT, "30023100",
	    FWD_E_CERT_DER },
	{ "subject with a sequence of sequences", 0, SUBJECT,
	    "300c300a3008 0603550403 0c014c", FWD_E_CERT_DER },
	{ "subject without value", 0, SUBJECT, "300931073005 0603550403",
	    FWD_E_CERT_DER },
	{ "subject with two values", 0, SUBJECT,
	    "300f310d300b 0603550403 0c014c 0c014c", FWD_E_CERT_DER },
	{ "subject with a bad OID", 0, SUBJECT,
	    "300c310a3008 0603558003 0c014c", FWD_E_CERT_DER },
	{ "subject with two in an RDN, in order", 0, SUBJECT,
	    "30163114 3008 0603550403 0c014c 3008 060355040a 0c014c",
	    FWD_OK },
	{ "subject with two in an RDN, out of order", 0, SUBJECT,
	    "30163114 3008 060355040a 0c014c 3008 0603550403 0c014c",
	    FWD_E_CERT_DER },
	{ "subject with the same twice in an RDN", 0, SUBJECT,
	    "30163114 3008 0603550403 0c014c 3008 0603550403 0c014c",
	    FWD_E_CERT_DER },

	{ "dates empty", 0, VALIDITY, "3000", FWD_E_CERT_DER },
	{ "one date", 0, VALIDITY, "300f" NB, FWD_E_CERT_DER },
	{ "three dates", 0, VALIDITY, "302d" NB NA NA, FWD_E_CERT_DER },
	{ "no seconds", 0, VALIDITY, "301c 170b 323630313031303030305a" NA,
	    FWD_E_CERT_DER },
	{ "offset", 0, VALIDITY,
	    "3022 1711 3236303130313030303030302b30303030" NA,
	    FWD_E_CERT_DER },
	{ "second 60", 0, VALIDITY, "301e 170d 3236303130313030303036305a" NA,
	    FWD_E_CERT_DER },
	{ "hour 24", 0, VALIDITY, "301e 170d 3236303130313234303030305a" NA,
	    FWD_E_CERT_DER },
	{ "month 13", 0, VALIDITY, "301e 170d 3236313330313030303030305a" NA,
	    FWD_E_CERT_DER },
	{ "29 February 2026", 0, VALIDITY,
	    "301e 170d 3236303232393030303030305a" NA, FWD_E_CERT_DER },
	{ "29 February 2028", 0, VALIDITY,
	    "301e" NB "170d 3238303232393030303030305a", FWD_OK },
	{ "small z", 0, VALIDITY, "301e 170d 3236303130313030303030307a" NA,
	    FWD_E_CERT_DER },
	{ "GeneralizedTime in 2026", 0, VALIDITY,
	    "3020 180f 32303236303130313030303030305a" NA, FWD_E_CERT_DER },
	{ "GeneralizedTime in 2049", 0, VALIDITY,
	    "3020" NB "180f 32303439313233313233353935395a",
	    FWD_E_CERT_DER },
	{ "GeneralizedTime in 2050", 0, VALIDITY,
	    "3020" NB "180f 32303530303130313030303030305a", FWD_OK },
	{ "no end", 0, VALIDITY,
	    "3020" NB "180f 39393939313233313233353935395a", FWD_OK },
	{ "fraction of a second", 0, VALIDITY,
	    "3022" NB "1811 32303530303130313030303030302e355a",
	    FWD_E_CERT_DER },
	{ "expired", 0, VALIDITY, "301e" NB "170d 3236303432303030303030305a",
	    FWD_E_CERT_LATE },
	{ "not yet valid", 1, VALIDITY,
	    "301e 170d 3237303130313030303030305a" NA, FWD_E_CERT_EARLY },
	{ "from 1950 on", 1, VALIDITY,
	    "301e 170d 3530303130313030303030305a" NA, FWD_OK },

	{ "key empty", 0, SPKI, "3000", FWD_E_CERT_DER },
	{ "key of another curve", 0, SPKI,
	    "3056 3010 0607 2a8648ce3d0201 0605 2b8104000a 0342 00 04" DATA32
	    DATA32, FWD_E_KEY },
	{ "key without curve", 0, SPKI,
	    "304d 3009 0607 2a8648ce3d0201 0340 04" DATA32 DATA32,
	    FWD_E_CERT_DER },
	{ "key compressed", 0, SPKI,
	    "3039 3013 0607 2a8648ce3d0201 0608 2a8648ce3d030107 0322 00 02"
	    DATA32, FWD_E_KEY },
	{ "Ed25519 key with NULL", 0, SPKI,
	    "302c 3007 0603 2b6570 0500 0321 00" DATA32, FWD_E_CERT_DER },
	{ "Ed25519 key", 0, SPKI, "302a 3005 0603 2b6570 0321 00" DATA32,
	    FWD_OK },
	{ "Ed25519 key too short", 0, SPKI,
	    "3012 3005 0603 2b6570 0309 00 0001020304050607", FWD_E_KEY },
	{ "Ed448 key", 0, SPKI, "302a 3005 0603 2b6571 0321 00" DATA32,
	    FWD_E_KEY },
	{ "key with unused bits", 0, SPKI,
	    "302a 3005 0603 2b6570 0321 01" DATA32, FWD_E_CERT_DER },

	{ "issuerUniqueID", 0, UNIQUE, "81020001", FWD_E_CERT_DER },
	{ "subjectUniqueID", 1, UNIQUE, "82020001", FWD_E_CERT_DER },

	{ "no extensions", 0, NO_EXT, "", FWD_E_CERT_USAGE },
	{ "no extensions", 1, NO_EXT, "", FWD_E_CERT_CA },
	{ "empty extensions", 0, EXT, "", FWD_E_CERT_DER },
	{ "unknown extension", 0, ADD, EXT_UNKNOWN, FWD_OK },
	{ "unknown extension", 1, ADD, EXT_UNKNOWN, FWD_OK },
	{ "unknown critical extension", 0, ADD, EXT_CRITICAL,
	    FWD_E_CERT_EXT },
	{ "unknown critical extension", 1, ADD, EXT_CRITICAL,
	    FWD_E_CERT_EXT },
	{ "unknown extension twice", 0, ADD, EXT_UNKNOWN EXT_UNKNOWN,
	    FWD_E_CERT_EXT_DUP },
	{ "key usage twice", 0, ADD, TP_KU_SIGN, FWD_E_CERT_EXT_DUP },
	{ "extended key usage twice", 0, ADD, TP_EKU_CODE,
	    FWD_E_CERT_EXT_DUP },
	{ "basic constraints twice", 1, ADD, TP_BC_CA, FWD_E_CERT_EXT_DUP },
	{ "critical FALSE stated", 0, ADD,
	    "30 0d 06 03 2a0304 01 01 00 04 03 04 01 00", FWD_E_CERT_DER },
	{ "critical 01", 0, ADD,
	    "30 0d 06 03 2a0304 01 01 01 04 03 04 01 00", FWD_E_CERT_DER },
	{ "extension without value", 0, ADD, "30 05 06 03 2a0304",
	    FWD_E_CERT_DER },
	{ "extension with more", 0, ADD,
	    "30 0c 06 03 2a0304 04 03 04 01 00 05 00", FWD_E_CERT_DER },
	{ "extension without OID", 0, ADD, "30 05 04 03 04 01 00",
	    FWD_E_CERT_DER },
	{ "extension with a long length", 0, ADD,
	    "30 81 0a 06 03 2a0304 04 03 04 01 00", FWD_E_CERT_DER },
	{ "name constraints", 1, ADD, "30 09 06 03 551d1e 04 02 30 00",
	    FWD_E_CERT_EXT },
	{ "policy constraints", 1, ADD, "30 09 06 03 551d24 04 02 30 00",
	    FWD_E_CERT_EXT },
	{ "policy mappings", 1, ADD, "30 09 06 03 551d21 04 02 30 00",
	    FWD_E_CERT_EXT },
	{ "inhibit any policy", 1, ADD, "30 0a 06 03 551d36 04 03 02 01 00",
	    FWD_E_CERT_EXT },
	{ "name constraints, critical", 1, ADD,
	    "30 0c 06 03 551d1e 01 01 ff 04 02 30 00", FWD_E_CERT_EXT },
	{ "name constraints in a leaf", 0, ADD,
	    "30 09 06 03 551d1e 04 02 30 00", FWD_E_CERT_EXT },
	{ "certificate policies", 0, ADD,
	    "30 0f 06 03 551d20 04 08 30 06 30 04 06 02 2a03", FWD_OK },
	{ "certificate policies, critical", 0, ADD,
	    "30 12 06 03 551d20 01 01 ff 04 08 30 06 30 04 06 02 2a03",
	    FWD_E_CERT_EXT },

	{ "leaf is no CA, stated", 0, ADD,
	    "30 0c 06 03 551d13 01 01 ff 04 02 30 00", FWD_OK },
	{ "leaf is no CA, not critical", 0, ADD,
	    "30 09 06 03 551d13 04 02 30 00", FWD_OK },
	{ "leaf is a CA", 0, ADD, TP_BC_CA, FWD_E_CERT_LEAF },
	{ "leaf is a CA, not critical", 0, ADD,
	    "30 0c 06 03 551d13 04 05 30 03 01 01 ff", FWD_E_CERT_LEAF },
	{ "cA FALSE stated", 0, ADD, BC("30 03 01 01 00"), FWD_E_CERT_DER },
	{ "cA 01", 0, ADD, BC("30 03 01 01 01"), FWD_E_CERT_DER },
	{ "path length without cA", 0, ADD, BC("30 03 02 01 00"),
	    FWD_E_CERT_DER },
	{ "basic constraints and more", 0, ADD, BC("30 00 05 01 00"),
	    FWD_E_CERT_DER },
	{ "path length and more", 1, EXT,
	    "30 15 06 03 551d13 01 01 ff 04 0b 30 09 01 01 ff 02 01 00"
	    " 02 01 00" TP_KU_CA, FWD_E_CERT_DER },
	{ "path length 0", 1, EXT, TP_BC_CA_PATHLEN("00") TP_KU_CA, FWD_OK },
	{ "path length negative", 1, EXT, TP_BC_CA_PATHLEN("ff") TP_KU_CA,
	    FWD_E_CERT_DER },
	{ "path length large", 1, EXT,
	    "30 14 06 03 551d13 01 01 ff 04 0a 30 08 01 01 ff 02 03 010000"
	    TP_KU_CA, FWD_OK },
	{ "CA without basic constraints", 1, EXT, TP_KU_CA, FWD_E_CERT_CA },
	{ "CA that is none", 1, EXT,
	    "30 0c 06 03 551d13 01 01 ff 04 02 30 00" TP_KU_CA,
	    FWD_E_CERT_CA },
	{ "basic constraints of a CA not critical", 1, EXT,
	    "30 0c 06 03 551d13 04 05 30 03 01 01 ff" TP_KU_CA,
	    FWD_E_CERT_CA },
	{ "CA without key usage", 1, EXT, TP_BC_CA, FWD_E_CERT_USAGE },
	{ "CA may only sign", 1, EXT, TP_BC_CA TP_KU_SIGN,
	    FWD_E_CERT_USAGE },
	{ "CA may only sign CRLs", 1, EXT, TP_BC_CA KU("03 02 01 02"),
	    FWD_E_CERT_USAGE },
	{ "CA with key usage not critical", 1, EXT,
	    TP_BC_CA "30 0b 06 03 551d0f 04 04 03 02 02 04", FWD_OK },

	{ "leaf without key usage", 0, EXT, TP_EKU_CODE, FWD_E_CERT_USAGE },
	{ "leaf for nonRepudiation", 0, EXT,
	    KU("03 02 06 40") TP_EKU_CODE, FWD_E_CERT_USAGE },
	{ "leaf for keyCertSign too", 0, EXT, KU("03 02 02 84") TP_EKU_CODE,
	    FWD_E_CERT_USAGE },
	{ "leaf for nonRepudiation too", 0, EXT,
	    KU("03 02 06 c0") TP_EKU_CODE, FWD_OK },
	{ "key usage with zeros", 0, EXT, KU("03 02 00 80") TP_EKU_CODE,
	    FWD_E_CERT_DER },
	{ "key usage with unused bits set", 0, EXT,
	    KU("03 02 07 81") TP_EKU_CODE, FWD_E_CERT_DER },
	{ "key usage with 8 unused bits", 0, EXT,
	    KU("03 02 08 80") TP_EKU_CODE, FWD_E_CERT_DER },
	{ "key usage empty", 0, EXT, KU("03 01 00 05") TP_EKU_CODE,
	    FWD_E_CERT_DER },
	{ "key usage a string", 0, EXT, KU("04 02 07 80") TP_EKU_CODE,
	    FWD_E_CERT_DER },
	{ "key usage decipherOnly", 0, EXT,
	    "30 0f 06 03 551d0f 01 01 ff 04 05 03 03 07 80 80" TP_EKU_CODE,
	    FWD_OK },

	{ "leaf without purpose", 0, EXT, TP_KU_SIGN, FWD_E_CERT_EKU },
	{ "leaf for servers", 0, EXT, TP_KU_SIGN
	    "30 13 06 03 551d25 04 0c 30 0a 06 08 2b06010505070301",
	    FWD_E_CERT_EKU },
	{ "leaf for anything", 0, EXT, TP_KU_SIGN
	    "30 0f 06 03 551d25 04 08 30 06 06 04 551d2500",
	    FWD_E_CERT_EKU },
	{ "leaf for servers and code", 0, EXT, TP_KU_SIGN
	    "30 1d 06 03 551d25 04 16 30 14 06 08 2b06010505070301"
	    " 06 08 2b06010505070303", FWD_OK },
	{ "purpose longer by one arc", 0, EXT, TP_KU_SIGN
	    "30 14 06 03 551d25 04 0d 30 0b 06 09 2b0601050507030301",
	    FWD_E_CERT_EKU },
	{ "no purpose in the list", 0, EXT, TP_KU_SIGN
	    "30 09 06 03 551d25 04 02 30 00", FWD_E_CERT_DER },
	{ "purpose is no OID", 0, EXT, TP_KU_SIGN
	    "30 0c 06 03 551d25 04 05 30 03 02 01 03", FWD_E_CERT_DER },
	{ "purpose is critical", 0, EXT, TP_KU_SIGN
	    "30 16 06 03 551d25 01 01 ff 04 0c 30 0a 06 08 2b06010505070303",
	    FWD_OK },
	{ "CA for code", 1, ADD, TP_EKU_CODE, FWD_OK },
	{ "CA for servers", 1, ADD,
	    "30 13 06 03 551d25 04 0c 30 0a 06 08 2b06010505070301",
	    FWD_E_CERT_EKU },
	{ "CA for anything", 1, ADD,
	    "30 0f 06 03 551d25 04 08 30 06 06 04 551d2500", FWD_OK },

	{ "data behind the end", 0, TAIL, "00", FWD_E_CERT_DER },
	{ "data behind the end", 1, TAIL, "0500", FWD_E_CERT_DER },
	{ "data behind the extensions", 0, TBS_TAIL, "0500",
	    FWD_E_CERT_DER },
	{ "signature empty", 0, SIG, "3000", FWD_E_CERT_SIG },
	{ "signature zero", 0, SIG, "3006020100020100", FWD_E_CERT_SIG },
	{ "signature negative", 0, SIG, "30060201ff020101", FWD_E_CERT_SIG },
	{ "signature one", 1, SIG, "3006020101020101", FWD_E_CERT_SIG },
	{ "signature raw", 1, SIG, DATA32 DATA32, FWD_E_CERT_SIG },
	{ "signature too long", 1, SIG, "3026 0221 01" DATA32 "020101",
	    FWD_E_CERT_SIG },
};
enum { NROWS = sizeof rows / sizeof rows[0] };

static struct tp_bytes *
part_of(struct tp_cert *c, enum part part)
{
	switch (part) {
	case VERSION:
		return &c->version;
	case SERIAL:
		return &c->serial;
	case BOTH:
	case INNER:
		return &c->alg;
	case OUTER:
		return &c->outer_alg;
	case ISSUER:
		return &c->issuer;
	case VALIDITY:
		return &c->validity;
	case SUBJECT:
		return &c->subject;
	case SPKI:
		return &c->spki;
	case UNIQUE:
		return &c->unique;
	case TAIL:
		return &c->tail;
	case TBS_TAIL:
		return &c->tbs_tail;
	case SIG:
		return &c->sig;
	default:
		return &c->extensions;
	}
}

static void
replace(struct tp_cert *c, enum part part, const char *hex)
{
	struct tp_bytes *const b = part_of(c, part);

	if (part == INNER)		/* signed as the outer one says */
		c->outer_alg = c->alg;
	c->no_extensions = part == NO_EXT;
	if (part != ADD)
		b->n = 0;
	tp_hex(b, hex);
}

Test(x509, profile)
{
	fwd_status s;

	for (size_t i = 0; i < NROWS; i++) {
		two(pair);
		replace(&pair[rows[i].cert], rows[i].part, rows[i].hex);
		issue_two(pair);
		s = judge();
		cr_expect_eq(s, rows[i].want, "%s: got %s, not %s",
		    rows[i].what, fwd_status_code(s),
		    fwd_status_code(rows[i].want));
		if (s == FWD_OK)
			cr_expect(openssl_accepts(), "OpenSSL refuses: %s",
			    rows[i].what);
		else if (last.index != FWD_NO_INDEX)
			cr_expect_eq(last.index, rows[i].cert, "%s",
			    rows[i].what);
	}
}

/* ---- keys --------------------------------------------------------- */

Test(x509, keys_of_every_type)
{
	static const struct {
		enum fwd_key_type type;
		size_t point;
	} cases[] = {
		{ FWD_KEY_P256, 65 }, { FWD_KEY_P384, 97 },
		{ FWD_KEY_P521, 133 }, { FWD_KEY_ED25519, 32 },
		{ FWD_KEY_RSA, 256 },
	};
	struct fwd_key k;
	struct tp_bytes spki;
	EVP_PKEY *pkey;
	size_t whole;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		pkey = tp_key(cases[i].type);
		spki = tp_spki(pkey);
		EVP_PKEY_free(pkey);
		cr_assert_eq(fwd_key_read(tp_span(&spki), &k), FWD_OK);
		cr_assert_eq(k.type, cases[i].type);
		cr_assert_eq(k.point.n, cases[i].point);
		whole = spki.n;
		for (spki.n = 0; spki.n < whole; spki.n++) {
			cr_assert_neq(fwd_key_read(tp_span(&spki), &k),
			    FWD_OK);
			cr_assert_eq(k.type, FWD_KEY_NONE);
		}
		spki.n = whole + 1;
		spki.p[whole] = 0;
		cr_assert_eq(fwd_key_read(tp_span(&spki), &k),
		    FWD_E_CERT_DER);
	}
}

/* A flipped bit in the frame of a key never gives a key of another kind. */
Test(x509, keys_with_flipped_bits)
{
	struct fwd_key good, k;
	struct tp_bytes spki;
	EVP_PKEY *pkey;
	fwd_status s;

	for (enum fwd_key_type t = FWD_KEY_P256; t <= FWD_KEY_RSA; t++) {
		pkey = tp_key(t);
		spki = tp_spki(pkey);
		EVP_PKEY_free(pkey);
		cr_assert_eq(fwd_key_read(tp_span(&spki), &good), FWD_OK);
		for (size_t bit = 0; bit < 8 * spki.n; bit++) {
			spki.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			s = fwd_key_read(tp_span(&spki), &k);
			if (s == FWD_OK)
				/* from the sign octet of a modulus on */
				cr_assert(k.type == good.type && bit / 8 + 1 >=
				    (size_t)(good.point.p - spki.p),
				    "type %d bit %zu", (int)t, bit);
			spki.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

/* id-RSASSA-PSS keys limit what they may be used for. */
Test(x509, pss_keys)
{
	static const struct {
		const char *md;
		int salt;
		fwd_status want;
		int32_t only;
	} cases[] = {
		{ NULL, 0, FWD_OK, 0 },
		{ "SHA256", 32, FWD_OK, FWD_PS256 },
		{ "SHA384", 48, FWD_OK, FWD_PS384 },
		{ "SHA512", 64, FWD_OK, FWD_PS512 },
		{ "SHA256", 20, FWD_E_KEY, 0 },
		{ "SHA1", 20, FWD_E_KEY, 0 },
	};
	EVP_PKEY_CTX *c;
	EVP_PKEY *pkey;
	struct tp_bytes spki;
	struct fwd_key k;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		pkey = NULL;
		c = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
		cr_assert_eq(EVP_PKEY_keygen_init(c), 1);
		if (cases[i].md != NULL) {
			const EVP_MD *md = EVP_get_digestbyname(cases[i].md);

			cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_keygen_md(c,
			    md), 1);
			cr_assert_eq(
			    EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(c, md),
			    1);
			cr_assert_eq(
			    EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(c,
			    cases[i].salt), 1);
		}
		cr_assert_eq(EVP_PKEY_generate(c, &pkey), 1);
		EVP_PKEY_CTX_free(c);
		spki = tp_spki(pkey);
		EVP_PKEY_free(pkey);
		cr_assert_eq(fwd_key_read(tp_span(&spki), &k),
		    cases[i].want, "%zu", i);
		cr_assert_eq(k.only, cases[i].only);
		cr_assert_eq(k.pss, cases[i].want == FWD_OK);
	}
}
