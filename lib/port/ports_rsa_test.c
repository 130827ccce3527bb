/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA through all ports: encodings made by hand, right ones and wrong ones,
 * under signatures that are otherwise right (RFC 8017 sections 9.1 and 9.2).
 */
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "port/ports.h"

TestSuite(ports_rsa, .init = ports_open, .fini = ports_close,
    .timeout = 600);

static const int32_t algs[] = { FWD_PS256, FWD_PS384, FWD_PS512, FWD_RS256,
    FWD_RS384, FWD_RS512 };
enum { NALGS = sizeof algs / sizeof algs[0], NPSS = 3, FEW = 3 };

static EVP_PKEY *rsa;
static struct ports_item item;
static size_t k;			/* bytes of the modulus */
static unsigned bits;

static size_t
get(const char *name, struct ports_bytes *b)
{
	BIGNUM *v = NULL;
	size_t n;

	cr_assert_eq(EVP_PKEY_get_bn_param(rsa, name, &v), 1);
	n = (size_t)BN_num_bytes(v);
	b->n = n;
	cr_assert_eq(BN_bn2bin(v, b->p), (int)n);
	BN_free(v);
	return n;
}

/* Of an even number of bits: OpenSSL has no other keys. */
static void
generate(unsigned size, const BIGNUM *e)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *copy = BN_dup(e);

	cr_assert_eq(EVP_PKEY_keygen_init(c), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(c, (int)size), 1);
	cr_assert_eq(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, copy), 1);
	cr_assert_eq(EVP_PKEY_generate(c, &rsa), 1);
	EVP_PKEY_CTX_free(c);
	BN_free(copy);
}

/* With all that makes signing fast. */
static void
load(const BIGNUM *n, const BIGNUM *e, const BIGNUM *d, const BIGNUM *p,
    const BIGNUM *q, BN_CTX *ctx)
{
	BIGNUM *dp = BN_dup(p), *dq = BN_dup(q),
	    *qi = BN_mod_inverse(NULL, q, p, ctx);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params;

	cr_assert(BN_sub_word(dp, 1) == 1 && BN_sub_word(dq, 1) == 1 &&
	    BN_mod(dp, d, dp, ctx) == 1 && BN_mod(dq, d, dq, ctx) == 1);
	cr_assert(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_D, d) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR1, p) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR2, q) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp) ==
	    1 && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT2,
	    dq) == 1 && OSSL_PARAM_BLD_push_BN(b,
	    OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qi) == 1);
	params = OSSL_PARAM_BLD_to_param(b);
	cr_assert_eq(EVP_PKEY_fromdata_init(c), 1);
	cr_assert_eq(EVP_PKEY_fromdata(c, &rsa, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	BN_free(dp);
	BN_free(dq);
	BN_free(qi);
	EVP_PKEY_CTX_free(c);
}

/* Of any number of bits, from two primes. */
static void
make(unsigned size, const BIGNUM *e)
{
	BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new(), *d = NULL,
	    *phi = BN_new();
	BN_CTX *ctx = BN_CTX_new();

	while (d == NULL) {
		cr_assert_eq(BN_generate_prime_ex(p, (int)(size + 1) / 2, 0,
		    NULL, NULL, NULL), 1);
		cr_assert_eq(BN_generate_prime_ex(q, (int)size / 2, 0, NULL,
		    NULL, NULL), 1);
		cr_assert_eq(BN_mul(n, p, q, ctx), 1);
		if (BN_num_bits(n) != (int)size)
			continue;
		cr_assert(BN_sub(phi, n, p) == 1 && BN_sub(phi, phi, q) == 1 &&
		    BN_add_word(phi, 1) == 1);
		d = BN_mod_inverse(NULL, e, phi, ctx);
		ERR_clear_error();
	}
	load(n, e, d, p, q, ctx);
	BN_free(phi);
	BN_free(p);
	BN_free(q);
	BN_free(n);
	BN_free(d);
	BN_CTX_free(ctx);
}

static void
open_key(unsigned size, unsigned exponent)
{
	BIGNUM *e = BN_new();

	cr_assert_eq(BN_set_word(e, exponent), 1);
	if (size % 8 == 0)
		generate(size, e);
	else
		make(size, e);
	cr_assert_eq(EVP_PKEY_get_bits(rsa), (int)size);
	BN_free(e);
	memset(&item, 0, sizeof item);
	item.type = FWD_KEY_RSA;
	ports_text(&item.msg, "a message for all ports");
	k = get(OSSL_PKEY_PARAM_RSA_N, &item.point);
	(void)get(OSSL_PKEY_PARAM_RSA_E, &item.exponent);
	bits = size;
}

static void
close_key(void)
{
	EVP_PKEY_free(rsa);
	rsa = NULL;
}

/* The private operation alone; false if em is not below the modulus. */
static bool
raw_sign(const uint8_t *em)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(rsa, NULL);
	bool good;

	item.sig.n = sizeof item.sig.p;
	cr_assert_eq(EVP_PKEY_sign_init(c), 1);
	cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING), 1);
	good = memcmp(em, item.point.p, k) < 0;
	if (good) {
		cr_assert_eq(EVP_PKEY_sign(c, item.sig.p, &item.sig.n, em, k),
		    1);
		cr_assert_eq(item.sig.n, k);
	}
	EVP_PKEY_CTX_free(c);
	return good;
}

static size_t
digest(const void *p, size_t n, uint8_t *out)
{
	unsigned got;

	cr_assert_eq(EVP_Digest(p, n, out, &got, ports_md(item.alg), NULL),
	    1);
	return got;
}

/* ---- PSS ---------------------------------------------------------------- */

/* An encoding and where it departs from the right one. */
struct pss {
	size_t salt;			/* its length */
	const EVP_MD *mgf;		/* NULL: the same hash */
	uint8_t front;			/* of M', in front of the hash */
	size_t flip;			/* bit of DB before it is masked, */
	size_t flip_late;		/* of EM afterwards, plus one */
	size_t cut;			/* 01 stands that much too early */
	bool over;			/* the bit in front of EM is set */
};

static void
mgf1(const EVP_MD *md, const uint8_t *seed, size_t seed_n, uint8_t *data,
    size_t n)
{
	uint8_t in[64 + 4] = { 0 }, out[64];
	unsigned h;

	memcpy(in, seed, seed_n);
	for (size_t at = 0; at < n; at += h, in[seed_n + 3]++) {
		cr_assert_eq(EVP_Digest(in, seed_n + 4, out, &h, md, NULL),
		    1);
		for (size_t i = 0; i < h && at + i < n; i++)
			data[at + i] ^= out[i];
	}
}

/* RFC 8017 section 9.1.1, with faults. */
static void
encode_pss(const struct pss *f, uint8_t *whole)
{
	const size_t n = (bits - 1 + 7) / 8, unused = 8 * n - (bits - 1);
	const size_t top = bits - 1;	/* the bit in front of EM */
	uint8_t m[8 + 64 + 512], *const em = whole + (k - n);
	const size_t h = digest(item.msg.p, item.msg.n, m + 8);
	const size_t db = n - h - 1;

	memset(whole, 0, k);
	memset(m, 0, 8);
	m[7] = f->front;
	cr_assert(f->salt <= db - 1);
	for (size_t i = 0; i < f->salt; i++)
		m[8 + h + i] = (uint8_t)(rand() % 255 + 1);
	(void)digest(m, 8 + h + f->salt, em + db);
	em[db - f->salt - 1 - f->cut] = 0x01;
	memcpy(em + db - f->salt, m + 8 + h, f->salt);
	if (f->flip != 0)
		em[(f->flip - 1) / 8] ^= (uint8_t)(1u << (f->flip - 1) % 8);
	mgf1(f->mgf != NULL ? f->mgf : ports_md(item.alg), em + db, h, em,
	    db);
	em[0] &= (uint8_t)(0xffu >> unused);
	em[n - 1] = 0xbc;
	if (f->flip_late != 0)
		em[(f->flip_late - 1) / 8] ^=
		    (uint8_t)(1u << (f->flip_late - 1) % 8);
	if (f->over)
		whole[k - 1 - top / 8] |= (uint8_t)(1u << top % 8);
}

/* Sign; again with another salt while the number is too large. */
static void
sign_pss(const struct pss *f)
{
	uint8_t em[512];
	int tries = 0;

	do {
		cr_assert_lt(tries++, 100);
		encode_pss(f, em);
	} while (!raw_sign(em));
}

static void
bad_pss(struct pss f, const char *what, size_t i)
{
	if (!ports_turn())
		return;
	sign_pss(&f);
	ports_bad(&item, what, i);
}

static void
pss_encodings(size_t step)
{
	const size_t h = fwd_digest_size(item.alg == FWD_PS256 ? FWD_SHA256 :
	    item.alg == FWD_PS384 ? FWD_SHA384 : FWD_SHA512);
	const size_t n = (bits - 1 + 7) / 8, db = n - h - 1;
	const struct pss good = { .salt = h };
	const EVP_MD *const others[] = { EVP_sha1(), EVP_sha256(),
	    EVP_sha384(), EVP_sha512() };
	struct pss f;

	sign_pss(&good);
	ports_good(&item, "as it is", 0);
	for (size_t salt = 0; salt <= db - 1; salt++) {
		if (salt == h || (salt > 2 && salt < h - 2) ||
		    (salt > h + 2 && salt < db - 3))
			continue;
		f = good;
		f.salt = salt;
		bad_pss(f, "length of salt", salt);
	}
	for (size_t i = 0; i < 4; i++) {
		f = good;
		f.mgf = others[i];
		if (f.mgf != ports_md(item.alg))
			bad_pss(f, "mask with another hash", i);
	}
	f = good;
	f.front = 1;
	bad_pss(f, "eight zeros", 0);
	for (size_t i = 1; i <= 8; i++) {
		f = good;
		f.flip_late = 8 * (n - 1) + i;
		bad_pss(f, "trailer", i);
		f = good;
		f.flip_late = 8 * db + i;
		bad_pss(f, "first byte of H", i);
		f.flip_late = 8 * (n - 2) + i;
		bad_pss(f, "last byte of H", i);
		f = good;
		f.flip = 8 * (db - h - 1) + i;
		bad_pss(f, "01", i);
		f.flip = 8 * (db - 1) + i;
		bad_pss(f, "end of salt", i);
		f.flip = 8 * (db - h) + i;
		bad_pss(f, "begin of salt", i);
	}
	/* what must be clear: the bit in front of it, the padding.  With the
	   bits above that one set it is not below the modulus. */
	for (size_t i = 0; i < 4; i++) {
		f = good;
		f.over = true;
		bad_pss(f, "bit in front", i);
	}
	for (size_t i = 0; i < db - h - 1; i += step) {
		f = good;
		f.flip = 8 * i + 1 + (i == 0 ? 0 : i % 8);
		bad_pss(f, "padding", i);
		f = good;
		f.cut = i + 1;		/* a second 01, and then none */
		if (i + 1 <= db - h - 2)
			bad_pss(f, "01 too early", i);
	}
}

/* ---- PKCS #1 v1.5 -------------------------------------------------------- */

struct bytes {
	uint8_t p[600];
	size_t n;
};

static void
add(struct bytes *b, const void *p, size_t n)
{
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

/* 00 01 FF.. 00 in front of t, to the length of the modulus. */
static void
sign_block(const struct bytes *t, uint8_t type, uint8_t fill)
{
	uint8_t em[512];

	memset(em, fill, k);
	em[0] = 0;
	em[1] = type;
	em[k - t->n - 1] = 0;
	memcpy(em + k - t->n, t->p, t->n);
	cr_assert(raw_sign(em));
}

/* DigestInfo: the algorithm's SEQUENCE content, then the digest. */
static struct bytes
digest_info(const struct bytes *alg, const uint8_t *hash, size_t h)
{
	struct bytes t = { .n = 0 };
	const uint8_t outer[] = { 0x30, (uint8_t)(4 + alg->n + h), 0x30,
	    (uint8_t)alg->n }, octets[] = { 0x04, (uint8_t)h };

	add(&t, outer, sizeof outer);
	add(&t, alg->p, alg->n);
	add(&t, octets, sizeof octets);
	add(&t, hash, h);
	return t;
}

static struct bytes
algorithm(const char *parameters, size_t n)
{
	struct bytes a = { .n = 0 };
	const uint8_t id = item.alg == FWD_RS256 ? 1 :
	    item.alg == FWD_RS384 ? 2 : 3;

	add(&a, "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02", 10);
	add(&a, &id, 1);
	add(&a, parameters, n);
	return a;
}

static void
bad_block(const struct bytes *t, const char *what, size_t i)
{
	sign_block(t, 1, 0xff);
	ports_bad(&item, what, i);
}

/* Other parameters, lengths in other forms, something behind. */
static void
pkcs1_forms(const uint8_t *hash, size_t h, const struct bytes *right)
{
	static const struct {
		const char *p;
		size_t n;
	} parameters[] = {
		{ "", 0 },		/* NULL is missing */
		{ "\x05\x00\x05\x00", 4 }, { "\x05\x01\x00", 3 },
		{ "\x05\x81\x00", 3 }, { "\x04\x00", 2 }, { "\x30\x00", 2 },
		{ "\x05\x00garbage", 9 },
	};
	struct bytes a, t;

	for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
		a = algorithm(parameters[i].p, parameters[i].n);
		t = digest_info(&a, hash, h);
		bad_block(&t, "parameters", i);
	}
	a = algorithm("\x05\x00", 2);
	t = digest_info(&a, hash, h - 1);
	bad_block(&t, "a byte less", 0);
	t = digest_info(&a, hash, h + 1);
	bad_block(&t, "a byte more", 0);
	t = (struct bytes){ .n = 0 };
	add(&t, "\x30\x81", 2);		/* BER */
	add(&t, right->p + 1, right->n - 1);
	bad_block(&t, "long form", 0);
	t = (struct bytes){ .n = 0 };
	add(&t, "\x30\x80", 2);
	add(&t, right->p + 2, right->n - 2);
	add(&t, "\x00\x00", 2);
	bad_block(&t, "indefinite form", 0);
	t = (struct bytes){ .n = 0 };
	add(&t, hash, h);
	bad_block(&t, "no DigestInfo", 0);
	t = (struct bytes){ .n = 0 };
	bad_block(&t, "nothing", 0);
	for (size_t n = 1; n < 64; n += 7) {
		t = *right;
		memset(t.p + t.n, 0xa5, n);
		t.n += n;
		bad_block(&t, "something behind", n);
	}
	/* the padding is cut short: room for what a cube root needs */
	for (size_t ff = 0; ff < 12; ff++) {
		uint8_t em[512];

		memset(em, 0, k);
		em[1] = 1;
		memset(em + 2, 0xff, ff);
		memcpy(em + 3 + ff, right->p, right->n);
		cr_assert(raw_sign(em));
		ports_bad(&item, "padding cut short", ff);
	}
}

/* step: every so many bytes of the padding; bits of what is behind it. */
static void
pkcs1_encodings(size_t step, size_t bit_step)
{
	uint8_t hash[64 + 1] = { 0 }, em[512];
	const size_t h = digest(item.msg.p, item.msg.n, hash);
	const struct bytes a = algorithm("\x05\x00", 2);
	const struct bytes right = digest_info(&a, hash, h);
	const size_t tail = right.n + 1;

	sign_block(&right, 1, 0xff);
	ports_good(&item, "as it is", 0);
	for (unsigned type = 0; type < 8; type++) {
		if (type == 1)
			continue;
		sign_block(&right, (uint8_t)type, 0xff);
		ports_bad(&item, "type of block", type);
	}
	sign_block(&right, 1, 0x00);
	ports_bad(&item, "padding of zeros", 0);
	/* bits of what is behind the padding, and of the padding some */
	memset(em, 0xff, k);
	em[0] = 0;
	em[1] = 1;
	em[k - tail] = 0;
	memcpy(em + k - right.n, right.p, right.n);
	for (size_t i = 8; i < 8 * k; i += i / 8 < k - tail ? 8 * step + 1 :
	    bit_step) {
		if (!ports_turn())
			continue;
		em[i / 8] ^= (uint8_t)(1u << i % 8);
		cr_assert(raw_sign(em));
		ports_bad(&item, "encoding", i);
		em[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	pkcs1_forms(hash, h, &right);
}

/* ---- the signature as a number ------------------------------------------ */

static void
sign_right(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *p = NULL;

	cr_assert_eq(EVP_DigestSignInit(c, &p, ports_md(item.alg), NULL, rsa),
	    1);
	if (item.alg > FWD_RS256) {
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(p,
		    RSA_PKCS1_PSS_PADDING), 1);
		cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(p,
		    RSA_PSS_SALTLEN_DIGEST), 1);
	}
	item.sig.n = sizeof item.sig.p;
	cr_assert_eq(EVP_DigestSign(c, item.sig.p, &item.sig.n, item.msg.p,
	    item.msg.n), 1);
	EVP_MD_CTX_free(c);
}

/* 0, 1, n - 1, n, n + 1, and the signature plus n. */
static void
numbers(void)
{
	const struct ports_item good = item;
	BIGNUM *n = BN_bin2bn(item.point.p, (int)k, NULL), *v = BN_new();

	for (BN_ULONG i = 0; i < 4; i++) {
		cr_assert_eq(BN_set_word(v, i), 1);
		cr_assert_eq(BN_bn2binpad(v, item.sig.p, (int)k), (int)k);
		ports_bad(&item, "small number", i);
		cr_assert_eq(BN_sub(v, n, v), 1);
		cr_assert_eq(BN_bn2binpad(v, item.sig.p, (int)k), (int)k);
		ports_bad(&item, "number below n", i);
	}
	BN_bin2bn(good.sig.p, (int)k, v);
	cr_assert_eq(BN_sub(v, n, v), 1);
	cr_assert_eq(BN_bn2binpad(v, item.sig.p, (int)k), (int)k);
	ports_bad(&item, "n - s", 0);
	BN_bin2bn(good.sig.p, (int)k, v);
	cr_assert_eq(BN_add(v, n, v), 1);
	item.sig.n = (size_t)BN_num_bytes(v);
	cr_assert_eq(BN_bn2bin(v, item.sig.p), (int)item.sig.n);
	ports_bad(&item, "s + n", 0);
	item = good;
	for (size_t i = 0; i < k; i += 17) {
		memset(item.sig.p, 0xff, i);
		ports_bad(&item, "ones in front", i + (i == 0 ?
		    (size_t)(item.sig.p[0] ^= 1) : 0));
		item = good;
	}
	BN_free(n);
	BN_free(v);
}

static void
keys(void)
{
	static const char *const exponents[] = { "", "\1", "\2", "\4",
	    "\1\0\2", "\1\0\0\0\1" };
	static const size_t lengths[] = { 0, 1, 1, 1, 3, 5 };
	const struct ports_item good = item;

	for (size_t i = 0; i < 6; i++) {
		item.exponent.n = lengths[i];
		memcpy(item.exponent.p, exponents[i], lengths[i]);
		ports_bad(&item, "exponent", i);
	}
	item = good;
	item.exponent.p[item.exponent.n - 1] ^= 2;
	ports_bad(&item, "another exponent", 0);
	item = good;
	ports_flip(&item, &item.point, 0, 8 * k, 61, "modulus");
	for (item.point.n = 0; item.point.n < k; item.point.n += 15)
		ports_bad(&item, "length of modulus", item.point.n);
	item = good;
}

static void
spoil(void)
{
	for (size_t i = 0; i < NALGS; i++) {
		item.alg = algs[i];
		sign_right();
		ports_good(&item, "as OpenSSL signs", i);
		ports_flip(&item, &item.sig, 0, 16, 1, "first bytes");
		ports_flip(&item, &item.sig, 8 * (k - 2), 8 * k, 1,
		    "last bytes");
		ports_flip(&item, &item.sig, 16, 8 * (k - 2), 53, "bytes");
		ports_flip(&item, &item.msg, 0, 8 * item.msg.n, 7, "message");
		for (size_t j = 0; j < NALGS; j++) {
			item.alg = algs[j];
			if (i != j)
				ports_bad(&item, "of another algorithm", i);
		}
		item.alg = algs[i];
		ports_lengths(&item);
		numbers();
		keys();
		ports_good(&item, "as it was", i);
	}
}

/*
 * step: every so many bytes of the padding.  The first key, for which that is
 * few, has each bit of what is behind it changed, too; with other keys, whose
 * encodings the same code reads, every seventh, so that each place in a byte
 * has its turn.
 */
static void
all_of_it(unsigned size, unsigned exponent, size_t step)
{
	char what[40];

	memset(&ports_sum, 0, sizeof ports_sum);
	open_key(size, exponent);
	srand(size);
	ports_sample = true;
	for (size_t i = 0; i < NALGS; i++) {
		item.alg = algs[i];
		if (i < NPSS)
			pss_encodings(step);
		else
			pkcs1_encodings(step, step == FEW ? 1 : 7);
	}
	spoil();
	ports_sample = false;
	close_key();
	(void)snprintf(what, sizeof what, "RSA %u, e = %u", size, exponent);
	ports_print(what);
}

Test(ports_rsa, of_2048) { all_of_it(2048, 65537, FEW); }
Test(ports_rsa, of_2048_e_3) { all_of_it(2048, 3, 11); }
Test(ports_rsa, of_3072) { all_of_it(3072, 65537, 17); }
Test(ports_rsa, of_4096) { all_of_it(4096, 65537, 61); }

/* Moduli whose first byte is not full: the encoding has other unused bits, and
   of 2049 bits a byte less. */
Test(ports_rsa, of_odd_sizes)
{
	static const unsigned sizes[] = { 2049, 2050, 2052, 2055 };

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		all_of_it(sizes[i], 65537, 61);
}
