/* SPDX-License-Identifier: Apache-2.0 */
/* ECDSA and Ed25519 through all ports, good and bad. */
#include "port/ports.h"

static const struct curve {
	enum fwd_key_type type;
	int32_t alg;
	int nid;
	size_t width;
	const char *name;
} curves[] = {
	{ FWD_KEY_P256, FWD_ESP256, NID_X9_62_prime256v1, 32, "P-256" },
	{ FWD_KEY_P384, FWD_ESP384, NID_secp384r1, 48, "P-384" },
	{ FWD_KEY_P521, FWD_ESP512, NID_secp521r1, 66, "P-521" },
};

TestSuite(ports_ecdsa, .init = ports_open, .fini = ports_close,
    .timeout = 600);

/* ---- arithmetic for keys and signatures made to measure --------------- */

static struct lab {
	const struct curve *c;
	EC_GROUP *g;
	const BIGNUM *n;
	BIGNUM *p, *z;			/* z: the message as a number */
	BN_CTX *ctx;
	struct ports_item t;		/* of which the rest is made */
} lab;

static BIGNUM *
number(BN_ULONG v)
{
	BIGNUM *const b = BN_new();

	cr_assert(b != NULL && BN_set_word(b, v) == 1);
	return b;
}

static BIGNUM *
random_scalar(void)
{
	BIGNUM *const b = BN_new();

	do
		cr_assert_eq(BN_rand_range(b, lab.n), 1);
	while (BN_is_zero(b));
	return b;
}

/* z: the leftmost bits of the hash, as many as n has; modulo n. */
static void
hash_to_number(const EVP_MD *md)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n;

	cr_assert_eq(EVP_Digest(lab.t.msg.p, lab.t.msg.n, digest, &n, md,
	    NULL), 1);
	BN_bin2bn(digest, (int)n, lab.z);
	if (8 * (int)n > BN_num_bits(lab.n))
		cr_assert_eq(BN_rshift(lab.z, lab.z, 8 * (int)n -
		    BN_num_bits(lab.n)), 1);
	cr_assert_eq(BN_nnmod(lab.z, lab.z, lab.n, lab.ctx), 1);
}

static void
open_lab(const struct curve *c)
{
	lab.c = c;
	lab.g = EC_GROUP_new_by_curve_name(c->nid);
	lab.n = EC_GROUP_get0_order(lab.g);
	lab.p = BN_new();
	lab.z = BN_new();
	lab.ctx = BN_CTX_new();
	cr_assert_eq(EC_GROUP_get_curve(lab.g, lab.p, NULL, NULL, lab.ctx),
	    1);
	memset(&lab.t, 0, sizeof lab.t);
	lab.t.alg = c->alg;
	lab.t.type = c->type;
	ports_text(&lab.t.msg, "a message for all ports");
	hash_to_number(ports_md(c->alg));
}

static void
close_lab(void)
{
	EC_GROUP_free(lab.g);
	BN_free(lab.p);
	BN_free(lab.z);
	BN_CTX_free(lab.ctx);
}

static void
put(struct ports_bytes *b, size_t at, const BIGNUM *v)
{
	cr_assert_eq(BN_bn2binpad(v, b->p + at, (int)lab.c->width),
	    (int)lab.c->width);
}

static void
put_sig(const BIGNUM *r, const BIGNUM *s)
{
	put(&lab.t.sig, 0, r);
	put(&lab.t.sig, lab.c->width, s);
	lab.t.sig.n = 2 * lab.c->width;
}

static void
put_key(const EC_POINT *q)
{
	lab.t.point.n = EC_POINT_point2oct(lab.g, q,
	    POINT_CONVERSION_UNCOMPRESSED, lab.t.point.p,
	    sizeof lab.t.point.p, lab.ctx);
	cr_assert_eq(lab.t.point.n, 1 + 2 * lab.c->width);
}

static void
put_private(const BIGNUM *d)
{
	EC_POINT *q = EC_POINT_new(lab.g);

	cr_assert_eq(EC_POINT_mul(lab.g, q, d, NULL, NULL, lab.ctx), 1);
	put_key(q);
	EC_POINT_free(q);
}

/* x of k G, modulo n. */
static BIGNUM *
r_of(const BIGNUM *k)
{
	BIGNUM *const x = BN_new();
	EC_POINT *point = EC_POINT_new(lab.g);

	cr_assert_eq(EC_POINT_mul(lab.g, point, k, NULL, NULL, lab.ctx), 1);
	cr_assert_eq(EC_POINT_get_affine_coordinates(lab.g, point, x, NULL,
	    lab.ctx), 1);
	cr_assert_eq(BN_nnmod(x, x, lab.n, lab.ctx), 1);
	EC_POINT_free(point);
	return x;
}

/* a b + c, a / b: modulo n */
static BIGNUM *
mul_add(const BIGNUM *a, const BIGNUM *b, const BIGNUM *c)
{
	BIGNUM *const v = BN_new();

	cr_assert_eq(BN_mod_mul(v, a, b, lab.n, lab.ctx), 1);
	cr_assert_eq(BN_mod_add(v, v, c, lab.n, lab.ctx), 1);
	return v;
}

static BIGNUM *
divide(const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *const v = BN_new();

	cr_assert_not_null(BN_mod_inverse(v, b, lab.n, lab.ctx));
	cr_assert_eq(BN_mod_mul(v, v, a, lab.n, lab.ctx), 1);
	return v;
}

static BIGNUM *
negative(const BIGNUM *a)
{
	BIGNUM *const v = BN_new();

	cr_assert_eq(BN_sub(v, lab.n, a), 1);
	return v;
}

/* Sign with private key d and the random number k, which is consumed. */
static void
sign(const BIGNUM *d, BIGNUM *k)
{
	BIGNUM *r = r_of(k), *e = mul_add(r, d, lab.z), *s = divide(e, k);

	put_private(d);
	put_sig(r, s);
	BN_free(r);
	BN_free(e);
	BN_free(s);
	BN_free(k);
}

/* The key under which r of k and this s are a signature: d = (s k - z) / r. */
static void
fit_key(const BIGNUM *k, const BIGNUM *s)
{
	BIGNUM *r = r_of(k), *minus = negative(lab.z),
	    *e = mul_add(s, k, minus), *d = divide(e, r);

	put_private(d);
	put_sig(r, s);
	BN_free(r);
	BN_free(minus);
	BN_free(e);
	BN_free(d);
}

/* The key under which the point R and s are one: Q = (s R - z G) / r.  False
   if no point has this x. */
static bool
fit_point(const BIGNUM *x, const BIGNUM *s)
{
	EC_POINT *point = EC_POINT_new(lab.g), *q = EC_POINT_new(lab.g);
	BIGNUM *r = BN_dup(x), *a, *b, *minus = negative(lab.z);
	bool found;

	found = EC_POINT_set_compressed_coordinates(lab.g, point, x, 0,
	    lab.ctx) == 1;
	if (found) {
		cr_assert_eq(BN_nnmod(r, x, lab.n, lab.ctx), 1);
		a = divide(s, r);
		b = divide(minus, r);
		cr_assert_eq(EC_POINT_mul(lab.g, q, b, point, a, lab.ctx), 1);
		put_key(q);
		put_sig(r, s);
		BN_free(a);
		BN_free(b);
	}
	ERR_clear_error();
	EC_POINT_free(point);
	EC_POINT_free(q);
	BN_free(minus);
	BN_free(r);
	return found;
}

/* ---- what is spoilt ---------------------------------------------------- */

static void
out_of_range(void)
{
	const size_t w = lab.c->width;
	const struct ports_item good = lab.t;
	BIGNUM *v[] = { number(0), number(1), BN_dup(lab.n), BN_dup(lab.n),
	    BN_dup(lab.n), BN_dup(lab.p), BN_dup(lab.p) };

	cr_assert(BN_sub_word(v[3], 1) == 1 && BN_add_word(v[4], 1) == 1 &&
	    BN_sub_word(v[6], 1) == 1);
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		for (size_t k = 0; k < sizeof v / sizeof v[0]; k++) {
			put_sig(v[i], v[k]);
			ports_bad(&lab.t, "r and s", 10 * i + k);
		}
		for (size_t at = 0; at <= w; at += w) {
			lab.t = good;
			put(&lab.t.sig, at, v[i]);
			ports_bad(&lab.t, "r or s", i);
			lab.t = good;
			put(&lab.t.point, 1 + at, v[i]);
			ports_bad(&lab.t, "x or y", i);
		}
		lab.t = good;
	}
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
		BN_free(v[i]);
	lab.t = good;
}

/* -s is as good as s, -Q is another key; halves that change places. */
static void
twins(void)
{
	const size_t w = lab.c->width;
	const struct ports_item good = lab.t;
	BIGNUM *s = BN_bin2bn(good.sig.p + w, (int)w, NULL),
	    *y = BN_bin2bn(good.point.p + 1 + w, (int)w, NULL),
	    *v = negative(s);

	put(&lab.t.sig, w, v);
	ports_good(&lab.t, "n - s", 0);
	lab.t = good;
	cr_assert_eq(BN_sub(v, lab.p, y), 1);
	put(&lab.t.point, 1 + w, v);
	ports_bad(&lab.t, "p - y", 0);
	lab.t = good;
	memcpy(lab.t.sig.p, good.sig.p + w, w);
	memcpy(lab.t.sig.p + w, good.sig.p, w);
	ports_bad(&lab.t, "s and r", 0);
	lab.t = good;
	memcpy(lab.t.point.p + 1, good.point.p + 1 + w, w);
	memcpy(lab.t.point.p + 1 + w, good.point.p + 1, w);
	ports_bad(&lab.t, "y and x", 0);
	lab.t = good;
	BN_free(s);
	BN_free(y);
	BN_free(v);
}

static void
other_forms(void)
{
	const size_t w = lab.c->width;
	const struct ports_item good = lab.t;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	unsigned char *p = lab.t.sig.p;

	cr_assert_eq(ECDSA_SIG_set0(sig, BN_bin2bn(p, (int)w, NULL),
	    BN_bin2bn(p + w, (int)w, NULL)), 1);
	lab.t.sig.n = (size_t)i2d_ECDSA_SIG(sig, &p);
	ports_bad(&lab.t, "DER", 0);
	ECDSA_SIG_free(sig);
	for (unsigned form = 0; form < 256; form++) {
		if (form > 7 && !ports_turn())
			continue;
		lab.t = good;
		lab.t.point.p[0] = (uint8_t)form;
		if (form == 4)
			ports_good(&lab.t, "form", form);
		else
			ports_bad(&lab.t, "form", form);
		lab.t.point.n = 1 + w;	/* compressed, if 2 or 3 */
		ports_bad(&lab.t, "compressed", form);
	}
	for (size_t n = 0; n <= 2 * w + 3; n++) {
		if (n == 1 + 2 * w || (n > 1 && !ports_turn()))
			continue;
		lab.t = good;
		lab.t.point.n = n;
		ports_bad(&lab.t, "length of key", n);
		memset(lab.t.point.p, 0, n);	/* infinity, if 1 */
		ports_bad(&lab.t, "zeros for a key", n);
	}
	lab.t.point.n = 1 + 2 * w;
	memset(lab.t.point.p, 0, lab.t.point.n);
	ports_bad(&lab.t, "zeros for a key", 1 + 2 * w);
	lab.t.point.p[0] = 4;
	ports_bad(&lab.t, "x = y = 0", 0);
	lab.t = good;
}

/* The hashes that a certificate may name besides the curve's own. */
static void
other_hashes(void)
{
	static const int32_t algs[] = { FWD_ES256, FWD_ES384, FWD_ES512 };
	const struct ports_item good = lab.t;
	BIGNUM *d = random_scalar();

	lab.t.cert = true;
	for (size_t i = 0; i < 3; i++) {
		lab.t.alg = algs[i];
		hash_to_number(ports_md(algs[i]));
		sign(d, random_scalar());
		for (size_t k = 0; k < 3; k++) {
			lab.t.alg = algs[k];
			if (i == k)
				ports_good(&lab.t, "hash", k);
			else
				ports_bad(&lab.t, "hash", 3 * i + k);
		}
	}
	BN_free(d);
	lab.t = good;
	hash_to_number(ports_md(lab.t.alg));
}

static void
spoil(const struct curve *c)
{
	const size_t step = c->type == FWD_KEY_P256 ? 1 : 7;
	char what[32];
	BIGNUM *d;

	open_lab(c);
	d = random_scalar();
	sign(d, random_scalar());
	ports_good(&lab.t, "as it is", 0);
	/* large curves take their time: 7, each place in a byte has its turn */
	ports_flip(&lab.t, &lab.t.sig, 0, 8 * lab.t.sig.n, step, "signature");
	ports_flip(&lab.t, &lab.t.point, 0, 8 * lab.t.point.n, step, "key");
	ports_flip(&lab.t, &lab.t.msg, 0, 8 * lab.t.msg.n, 7, "message");
	ports_lengths(&lab.t);
	out_of_range();
	twins();
	other_forms();
	other_hashes();
	ports_good(&lab.t, "as it was", 0);
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		lab.t.alg = curves[i].alg;	/* another curve's */
		lab.t.type = curves[i].type;
		if (&curves[i] != c)
			ports_bad(&lab.t, "curve", i);
	}
	(void)snprintf(what, sizeof what, "ECDSA %s, spoilt", c->name);
	ports_print(what);
	BN_free(d);
	close_lab();
}

Test(ports_ecdsa, p256) { spoil(&curves[0]); }
Test(ports_ecdsa, p384) { spoil(&curves[1]); }
Test(ports_ecdsa, p521) { spoil(&curves[2]); }

/* ---- cases at the edges of the arithmetic ------------------------------ */

/* Small and large private keys and random numbers. */
static void
extreme_scalars(void)
{
	enum { EACH = 24 };
	BIGNUM *v[2 * EACH], *k;

	for (size_t i = 0; i < EACH; i++) {
		v[2 * i] = number(i < 16 ? i + 1 : 0);
		if (i >= 16)		/* powers of two */
			cr_assert_eq(BN_set_bit(v[2 * i], (int)(i - 15) *
			    BN_num_bits(lab.n) / 10), 1);
		v[2 * i + 1] = negative(v[2 * i]);
	}
	/* large curves take their time */
	for (size_t i = 0; i < 2 * EACH; i += lab.c->width > 32 ? 3 : 1) {
		if (!ports_turn())
			continue;
		sign(v[i], random_scalar());
		ports_good(&lab.t, "small key", i);
		k = random_scalar();
		sign(k, BN_dup(v[i]));
		ports_good(&lab.t, "small random number", i);
		sign(v[i], BN_dup(v[2 * EACH - 1 - i]));
		ports_good(&lab.t, "both small", i);
		fit_key(k, v[i]);	/* s is small */
		ports_good(&lab.t, "small s", i);
		lab.t.sig.p[0] ^= 1;
		ports_bad(&lab.t, "small s, spoilt", i);
		BN_free(k);
	}
	for (size_t i = 0; i < 2 * EACH; i++)
		BN_free(v[i]);
}

/* u1 = z / s and u2 = r / s that are 1 or -1, or make both points the same or
   opposite. */
static void
special_multipliers(void)
{
	BIGNUM *k = random_scalar(), *r = r_of(k), *two = number(2),
	    *zero = number(0), *minus_z = negative(lab.z),
	    *minus_r = negative(r), *d, *e, *s;

	fit_key(k, lab.z);
	ports_good(&lab.t, "u1 = 1", 0);
	fit_key(k, minus_z);
	ports_good(&lab.t, "u1 = -1", 0);
	fit_key(k, r);
	ports_good(&lab.t, "u2 = 1", 0);
	fit_key(k, minus_r);
	ports_good(&lab.t, "u2 = -1", 0);

	d = divide(lab.z, r);		/* u1 G = u2 Q */
	e = mul_add(lab.z, two, zero);
	s = divide(e, k);
	put_private(d);
	put_sig(r, s);
	ports_good(&lab.t, "equal points", 0);
	lab.t.sig.p[lab.t.sig.n - 1] ^= 1;
	ports_bad(&lab.t, "equal points, spoilt", 0);

	BN_free(d);
	d = divide(minus_z, r);		/* u1 G = -u2 Q */
	put_private(d);
	for (size_t i = 0; i < 16; i++) {
		BN_free(s);
		s = random_scalar();
		put_sig(r, s);
		ports_bad(&lab.t, "infinity", i);
	}
	BN_free(k);
	BN_free(r);
	BN_free(two);
	BN_free(zero);
	BN_free(minus_z);
	BN_free(minus_r);
	BN_free(d);
	BN_free(e);
	BN_free(s);
}

/* x of R near 0, n and p: r is x modulo n, and never x itself if x >= n. */
static void
special_r(void)
{
	BIGNUM *start[3] = { number(1), BN_dup(lab.n), BN_dup(lab.p) };
	BIGNUM *s = random_scalar(), *x, *r = BN_new();
	size_t found = 0, above = 0;

	cr_assert_eq(BN_sub_word(start[1], 10), 1);
	cr_assert_eq(BN_sub_word(start[2], 24), 1);
	for (size_t i = 0; i < 3; i++) {
		for (BN_ULONG k = 0; k < 24; k++) {
			x = BN_dup(start[i]);
			cr_assert_eq(BN_add_word(x, k), 1);
			/* r = 0 would be none */
			if (BN_cmp(x, lab.n) != 0 && fit_point(x, s)) {
				ports_good(&lab.t, "x of R", 24 * i + k);
				found++;
				if (BN_cmp(x, lab.n) > 0) {
					put_sig(x, s);
					ports_bad(&lab.t, "x for r", k);
					above++;
				} else if (BN_sub(r, lab.p, lab.n) == 1 &&
				    BN_cmp(x, r) < 0) {
					/* in range, another number */
					cr_assert_eq(BN_add(r, x, lab.n), 1);
					put_sig(r, s);
					ports_bad(&lab.t, "r + n", k);
				}
			}
			BN_free(x);
		}
	}
	cr_assert(found > 18 && above > 8, "%zu %zu", found, above);
	for (size_t i = 0; i < 3; i++)
		BN_free(start[i]);
	BN_free(s);
	BN_free(r);
}

/* As the port sees it: a digest that fits Q, whose private key nobody has. */
static void
direct(const struct fwd_sig *sig, fwd_status want, const char *what)
{
	const size_t used = ports_used(sig->key.type);
	fwd_status got;

	ports_count(want);
	for (size_t i = 0; i < used; i++) {
		got = ports[i].crypto.verify(ports[i].crypto.ctx, sig);
		cr_assert_eq(got, want, "%s: %s: %s", ports[i].name, what,
		    fwd_status_code(got));
		ports_sum.compared += i != 0;
		ports_sum.due += i != 0;
	}
}

/* Keys with x = 0 or x = p - 1 and their like: R = u1 G + u2 Q. */
static void
special_keys(void)
{
	BIGNUM *x = number(0), *u1 = random_scalar(), *u2 = random_scalar(),
	    *r = BN_new(), *s, *z, *zero = number(0);
	EC_POINT *q = EC_POINT_new(lab.g), *point = EC_POINT_new(lab.g);
	struct fwd_sig sig = { .alg = lab.c->alg, .digest_n = 64,
	    .digest_alg = FWD_SHA512 };
	size_t found = 0;

	for (int i = 0; i < 48; i++) {
		cr_assert_eq(i < 24 ? BN_set_word(x, (BN_ULONG)i) :
		    BN_copy(x, lab.p) != NULL &&
		    BN_sub_word(x, (BN_ULONG)i - 23), 1);
		if (EC_POINT_set_compressed_coordinates(lab.g, q, x, i & 1,
		    lab.ctx) != 1)
			continue;
		found++;
		put_key(q);
		cr_assert_eq(EC_POINT_mul(lab.g, point, u1, q, u2, lab.ctx),
		    1);
		cr_assert_eq(EC_POINT_get_affine_coordinates(lab.g, point, r,
		    NULL, lab.ctx), 1);
		cr_assert_eq(BN_nnmod(r, r, lab.n, lab.ctx), 1);
		s = divide(r, u2);
		z = mul_add(s, u1, zero);
		put_sig(r, s);
		/* 512 bits of digest, of which the first ones count */
		if (BN_num_bits(lab.n) < 512)
			cr_assert_eq(BN_lshift(z, z, 512 -
			    BN_num_bits(lab.n)), 1);
		if (BN_num_bits(z) <= 512) {
			cr_assert_eq(BN_bn2binpad(z, sig.digest, 64), 64);
			sig.key.type = lab.c->type;
			sig.key.point = ports_span(&lab.t.point);
			sig.sig = ports_span(&lab.t.sig);
			direct(&sig, FWD_OK, "special key");
			lab.t.sig.p[lab.t.sig.n - 1] ^= 1;
			direct(&sig, FWD_E_SIG, "special key, spoilt");
		}
		BN_free(s);
		BN_free(z);
	}
	ERR_clear_error();
	cr_assert_gt(found, 10u);
	BN_free(x);
	BN_free(u1);
	BN_free(u2);
	BN_free(r);
	BN_free(zero);
	EC_POINT_free(q);
	EC_POINT_free(point);
}

Test(ports_ecdsa, edges)
{
	char what[32];

	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		memset(&ports_sum, 0, sizeof ports_sum);
		open_lab(&curves[i]);
		extreme_scalars();
		special_multipliers();
		special_r();
		special_keys();
		close_lab();
		(void)snprintf(what, sizeof what, "ECDSA %s, edges",
		    curves[i].name);
		ports_print(what);
	}
}

/* ---- Ed25519: OpenSSL has it ------------------------------------------- */

Test(ports_ecdsa, ed25519)
{
	struct ports_item t = { .alg = FWD_ED25519, .type = FWD_KEY_ED25519 };
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_MD_CTX *m = EVP_MD_CTX_new();

	ports_text(&t.msg, "a message for one port");
	t.point.n = t.sig.n = 64;
	cr_assert_eq(EVP_PKEY_get_raw_public_key(key, t.point.p,
	    &t.point.n), 1);
	cr_assert_eq(EVP_DigestSignInit(m, NULL, NULL, NULL, key), 1);
	cr_assert_eq(EVP_DigestSign(m, t.sig.p, &t.sig.n, t.msg.p, t.msg.n),
	    1);
	ports_good(&t, "as it is", 0);
	ports_flip(&t, &t.sig, 0, 8 * t.sig.n, 1, "signature");
	ports_flip(&t, &t.point, 0, 8 * t.point.n, 1, "key");
	ports_lengths(&t);
	cr_assert_gt(ports_sum.lacked, 256u / PORTS_STRIDE);
	ports_print("Ed25519, spoilt");
	EVP_MD_CTX_free(m);
	EVP_PKEY_free(key);
}
