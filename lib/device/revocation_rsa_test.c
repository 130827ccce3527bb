/* SPDX-License-Identifier: Apache-2.0 */
/* Revoked RSA keys, in whichever form they are stated. */
#include "device/internal.h"
#include "device/testkit.h"
#include "device/testpki.h"
#include "port/fwport.h"

/*
 * The ways to state an RSA key (RFC 4055 sections 1.2, 2.1 and 3.1):
 * rsaEncryption, RSASSA-PSS, and that with each hash, whose parameters are NULL
 * or absent, twice.
 */
enum { RSA_FORMS = 2 + 3 * 4 };

static struct tp_bytes
rsa_form(const struct tp_bytes *plain, size_t i)
{
	static const char *const hash[] = { "01", "02", "03" };
	static const char *const salt[] = { "20", "30", "40" };
	const size_t h = (i - 2) / 4, nulls = (i - 2) % 4;
	struct tp_bytes b = { 0 }, alg = { 0 }, of[2] = { { .n = 0 } };

	if (i == 0)
		return *plain;
	tp_hex(&alg, "06 09 2a864886f70d01010a");
	for (size_t k = 0; k < 2 && i > 1; k++) {
		tp_hex(&b, "06 09 6086480165030402");
		tp_hex(&b, hash[h]);
		if ((nulls >> k & 1) != 0)
			tp_hex(&b, "05 00");
		tp_tlv(&of[k], 0x30, &b);
		b.n = 0;
	}
	if (i > 1) {
		struct tp_bytes mgf = { 0 }, params = { 0 };

		tp_tlv(&params, 0xa0, &of[0]);
		tp_hex(&mgf, "06 09 2a864886f70d010108");
		tp_add(&mgf, of[1].p, of[1].n);
		tp_tlv(&b, 0x30, &mgf);
		tp_tlv(&params, 0xa1, &b);
		tp_hex(&params, "a2 03 02 01");
		tp_hex(&params, salt[h]);
		tp_tlv(&alg, 0x30, &params);
		b.n = 0;
	}
	tp_tlv(&b, 0x30, &alg);
	/* behind the head and rsaEncryption */
	tp_add(&b, plain->p + 4 + 15, plain->n - 4 - 15);
	alg.n = 0;
	tp_tlv(&alg, 0x30, &b);
	return alg;
}

/* An RSA key is revoked in all its forms by the identifier of the plain one, and
   in one form by that of the form. */
Test(revocation_rsa, forms)
{
	const struct fwd_tracer none = { 0 };
	struct fwp_openssl *const openssl = fwp_openssl_new();
	const struct fwd_crypto crypto = fwp_openssl_crypto(openssl);
	struct fwd_policy policy = { 0 };
	struct tp_bytes form[RSA_FORMS], plain, other;
	uint8_t id[RSA_FORMS][FWD_KEY_ID], got[FWD_KEY_ID];
	EVP_PKEY *const k[] = { tp_key(FWD_KEY_RSA), tp_key(FWD_KEY_RSA) };
	struct fwd_key read;
	struct fwd_span spki;

	plain = tp_spki(k[0]);
	other = tp_spki(k[1]);
	for (size_t i = 0; i < RSA_FORMS; i++) {
		form[i] = rsa_form(&plain, i);
		kit_sha256(tp_span(&form[i]), id[i]);
		for (size_t j = 0; j < i; j++)
			cr_assert_neq(memcmp(id[i], id[j], FWD_KEY_ID), 0);
		cr_assert_eq(fwd_key_id_rsa(&crypto, tp_span(&form[i]), got),
		    FWD_OK);
		cr_assert_eq(memcmp(got, id[0], FWD_KEY_ID), 0, "%zu", i);
	}
	for (size_t i = 0; i < RSA_FORMS; i++) {
		spki = tp_span(&form[i]);
		kit_eq(fwd_key_read(spki, &read), FWD_OK, "");
		for (size_t j = 0; j < RSA_FORMS; j++) {
			policy.revoked = (struct fwd_span){ id[j],
			    FWD_KEY_ID };
			kit_eq(fwd_revoked_check(&crypto, &policy, &spki,
			    &read, none, 0), j == 0 || j == i ?
			    FWD_E_REVOKED : FWD_OK, "");
		}
	}
	spki = tp_span(&other);
	kit_eq(fwd_key_read(spki, &read), FWD_OK, "");
	kit_eq(fwd_revoked_check(&crypto, &policy, &spki, &read, none, 0),
	    FWD_OK, "another key");
	for (size_t i = 0; i < 2; i++)
		EVP_PKEY_free(k[i]);
	fwp_openssl_free(openssl);
}
