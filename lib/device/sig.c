/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One signature: that the algorithm fits the key, that lengths, encodings and
 * ranges are right, then the crypto port, asked twice.  The checks live here
 * so that no two ports can differ in them.
 */
#include "device/internal.h"
#include "device/sig.h"

static const struct alg_name {
	int32_t alg;
	const char *name;
} names[] = {
	{ FWD_SHA256,  "sha-256" },
	{ FWD_SHA384,  "sha-384" },
	{ FWD_SHA512,  "sha-512" },
	{ FWD_ES256,   "ES256" },
	{ FWD_EDDSA,   "EdDSA" },
	{ FWD_ESP256,  "ESP256" },
	{ FWD_ED25519, "Ed25519" },
	{ FWD_ES384,   "ES384" },
	{ FWD_ES512,   "ES512" },
	{ FWD_PS256,   "PS256" },
	{ FWD_PS384,   "PS384" },
	{ FWD_PS512,   "PS512" },
	{ FWD_ESP384,  "ESP384" },
	{ FWD_ESP512,  "ESP512" },
	{ FWD_RS256,   "RS256" },
	{ FWD_RS384,   "RS384" },
	{ FWD_RS512,   "RS512" },
};
enum { NNAMES = sizeof names / sizeof names[0] };

/* What an algorithm is made of. */
static const struct scheme {
	int32_t alg;
	int32_t plain;			/* without the alias */
	int32_t digest;			/* 0: signs the message itself */
	enum fwd_key_type type;
	bool ecdsa;
	bool pkcs1;
} schemes[] = {
	{ FWD_ES256,   FWD_ESP256,  FWD_SHA256, FWD_KEY_P256, true, false },
	{ FWD_ES384,   FWD_ESP384,  FWD_SHA384, FWD_KEY_P384, true, false },
	{ FWD_ES512,   FWD_ESP512,  FWD_SHA512, FWD_KEY_P521, true, false },
	{ FWD_ESP256,  FWD_ESP256,  FWD_SHA256, FWD_KEY_P256, true, false },
	{ FWD_ESP384,  FWD_ESP384,  FWD_SHA384, FWD_KEY_P384, true, false },
	{ FWD_ESP512,  FWD_ESP512,  FWD_SHA512, FWD_KEY_P521, true, false },
	{ FWD_EDDSA,   FWD_ED25519, 0, FWD_KEY_ED25519, false, false },
	{ FWD_ED25519, FWD_ED25519, 0, FWD_KEY_ED25519, false, false },
	{ FWD_PS256,   FWD_PS256,   FWD_SHA256, FWD_KEY_RSA, false, false },
	{ FWD_PS384,   FWD_PS384,   FWD_SHA384, FWD_KEY_RSA, false, false },
	{ FWD_PS512,   FWD_PS512,   FWD_SHA512, FWD_KEY_RSA, false, false },
	{ FWD_RS256,   FWD_RS256,   FWD_SHA256, FWD_KEY_RSA, false, true },
	{ FWD_RS384,   FWD_RS384,   FWD_SHA384, FWD_KEY_RSA, false, true },
	{ FWD_RS512,   FWD_RS512,   FWD_SHA512, FWD_KEY_RSA, false, true },
};
enum { NSCHEMES = sizeof schemes / sizeof schemes[0] };

/* Curve constants, big endian: FIPS 186-4 D.1.2, SEC 2. */
static const uint8_t p256_p[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};
static const uint8_t p256_n[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
	0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};
static const uint8_t p384_p[48] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
};
static const uint8_t p384_n[48] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
	0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
};
static const uint8_t p521_p[66] = {
	0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};
static const uint8_t p521_n[66] = {
	0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfa, 0x51, 0x86,
	0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b, 0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09,
	0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c, 0x47, 0xae, 0xbb, 0x6f,
	0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09,
};

static const struct curve {
	enum fwd_key_type type;
	int32_t alg;
	size_t width;			/* of a coordinate or a scalar */
	const uint8_t *p;		/* prime of the field */
	const uint8_t *n;		/* order of the base point */
} curves[] = {
	{ FWD_KEY_P256, FWD_ESP256, sizeof p256_p, p256_p, p256_n },
	{ FWD_KEY_P384, FWD_ESP384, sizeof p384_p, p384_p, p384_n },
	{ FWD_KEY_P521, FWD_ESP512, sizeof p521_p, p521_p, p521_n },
};
enum { NCURVES = sizeof curves / sizeof curves[0] };

/* Ed25519, little endian: the field's prime and the group's order L. */
static const uint8_t ed_p[32] = {
	0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
};
static const uint8_t ed_l[32] = {
	0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2,
	0xde, 0xf9, 0xde, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
};
/* y of the points of order 8; with such a key anything is a signature. */
static const uint8_t ed_small[2][32] = {
	{
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3,
		0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05,
		0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
		0xfc, 0x05,
	}, {
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c,
		0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa,
		0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
		0x03, 0x7a,
	},
};

#define ED_WIDTH	32u
#define RSA_MIN		256u		/* bytes of the modulus */
#define RSA_MAX		512u
#define RSA_EXP_MAX	4u

size_t
fwd_digest_size(int64_t alg)
{
	switch (alg) {
	case FWD_SHA256:
		return 32;
	case FWD_SHA384:
		return 48;
	case FWD_SHA512:
		return 64;
	default:
		return 0;
	}
}

const char *
fwd_alg_name(int64_t alg)
{
	size_t i;

	for (i = 0; i < NNAMES; i++) {
		if (names[i].alg == alg)
			return names[i].name;
	}
	return "unknown";
}

/* Are two C strings the same?  No strcmp in a freestanding program. */
static bool
text_equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

int32_t
fwd_alg_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < NNAMES; i++) {
		if (text_equal(names[i].name, name))
			return names[i].alg;
	}
	return 0;
}

static const struct scheme *
scheme_find(int64_t alg)
{
	size_t i;

	for (i = 0; i < NSCHEMES; i++) {
		if (schemes[i].alg == alg)
			return &schemes[i];
	}
	return NULL;
}

static const struct curve *
curve_find(enum fwd_key_type type)
{
	size_t i;

	for (i = 0; i < NCURVES; i++) {
		if (curves[i].type == type)
			return &curves[i];
	}
	return NULL;
}

size_t
fwd_curve_width(enum fwd_key_type type)
{
	const struct curve *const c = curve_find(type);

	return c == NULL ? 0 : c->width;
}

/*
 * refusal unless a < b, as big-endian numbers of n bytes; asked twice: the
 * borrow of a - b, then the sign of b - a seen from the top.  Only public
 * values are compared, but the time is constant all the same.
 */
static fwd_status
need_below(const uint8_t *a, const uint8_t *b, size_t n, fwd_status refusal)
{
	uint32_t borrow = 0, below = 0, above = 0;
	size_t i;

	for (i = n; i > 0; i--)
		borrow = ((uint32_t)a[i - 1] - b[i - 1] - borrow) >> 31;
	if (fwd_launder(borrow) != 1)
		return refusal;
	for (i = 0; i < n; i++) {
		below |= (((uint32_t)a[i] - b[i]) >> 31) & ~above;
		above |= (((uint32_t)b[i] - a[i]) >> 31) & ~below;
	}
	if (fwd_launder(below) != 1)
		fwd_panic();
	return FWD_OK;
}

/* The same for little-endian numbers of 32 bytes. */
static fwd_status
need_below_le(const uint8_t *a, const uint8_t *b, fwd_status refusal)
{
	uint8_t x[ED_WIDTH], y[ED_WIDTH];
	size_t i;

	for (i = 0; i < ED_WIDTH; i++) {
		x[i] = a[ED_WIDTH - 1 - i];
		y[i] = b[ED_WIDTH - 1 - i];
	}
	return need_below(x, y, ED_WIDTH, refusal);
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	uint32_t any = 0;
	size_t i;

	for (i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

/* SEC 1 section 2.3.4: 04 || X || Y with X, Y < p.  The port asks whether the
   point is on the curve. */
static fwd_status
check_point(const struct curve *c, struct fwd_span point)
{
	if (point.n != 1 + 2 * c->width || point.p[0] != 0x04)
		return FWD_E_KEY;
	FWD_TRY(need_below(point.p + 1, c->p, c->width, FWD_E_KEY));
	return need_below(point.p + 1 + c->width, c->p, c->width, FWD_E_KEY);
}

/* RFC 8032 section 5.1.3: y < p; and not one of the points of small order. */
static fwd_status
check_ed_key(struct fwd_span point)
{
	uint8_t y[ED_WIDTH], next[ED_WIDTH];

	if (point.n != ED_WIDTH)
		return FWD_E_KEY;
	memcpy(y, point.p, ED_WIDTH);
	y[ED_WIDTH - 1] &= 0x7f;	/* the sign of x */
	FWD_TRY(need_below_le(y, ed_p, FWD_E_KEY));
	if (memcmp(y, ed_small[0], ED_WIDTH) == 0 ||
	    memcmp(y, ed_small[1], ED_WIDTH) == 0)
		return FWD_E_KEY;
	if (is_zero(y + 1, ED_WIDTH - 1) && y[0] <= 1)
		return FWD_E_KEY;	/* orders 4 and 1 */
	memcpy(next, ed_p, ED_WIDTH);
	next[0]--;
	if (memcmp(y, next, ED_WIDTH) == 0)
		return FWD_E_KEY;	/* y = -1: order 2 */
	return FWD_OK;
}

/* 2048 to 4096 bits, odd; exponent odd, 3 up to 32 bits. */
static fwd_status
check_rsa_key(struct fwd_span n, struct fwd_span e)
{
	if (n.n < RSA_MIN || n.n > RSA_MAX || e.n == 0 || e.n > RSA_EXP_MAX)
		return FWD_E_KEY;
	if (n.p[0] == 0 || e.p[0] == 0)
		return FWD_E_KEY;	/* not the one form */
	if (n.n == RSA_MIN && n.p[0] < 0x80)
		return FWD_E_KEY;	/* less than 2048 bits */
	if ((n.p[n.n - 1] & 1) == 0 || (e.p[e.n - 1] & 1) == 0)
		return FWD_E_KEY;
	if (e.n == 1 && e.p[0] < 3)
		return FWD_E_KEY;
	return FWD_OK;
}

fwd_status
fwd_key_check(const struct fwd_key *key)
{
	const struct curve *const c = curve_find(key->type);

	if (c != NULL)
		return check_point(c, key->point);
	if (key->type == FWD_KEY_ED25519)
		return check_ed_key(key->point);
	if (key->type == FWD_KEY_RSA)
		return check_rsa_key(key->point, key->exponent);
	return FWD_E_KEY;
}

/* r || s with 0 < r, s < n. */
static fwd_status
check_ecdsa_sig(const struct curve *c, struct fwd_span sig)
{
	const uint8_t *const s = sig.p + c->width;

	if (sig.n != 2 * c->width)
		return FWD_E_SIG_FORM;
	if (is_zero(sig.p, c->width) || is_zero(s, c->width))
		return FWD_E_SIG_FORM;
	FWD_TRY(need_below(sig.p, c->n, c->width, FWD_E_SIG_FORM));
	return need_below(s, c->n, c->width, FWD_E_SIG_FORM);
}

static fwd_status
check_sig_form(const struct fwd_key *key, struct fwd_span sig)
{
	const struct curve *const c = curve_find(key->type);

	if (sig.p == NULL)
		return FWD_E_SIG_FORM;
	if (c != NULL)
		return check_ecdsa_sig(c, sig);
	if (key->type == FWD_KEY_ED25519) {
		/* RFC 8032 section 5.1.7: R, which the port judges, and S. */
		if (sig.n != 2 * ED_WIDTH)
			return FWD_E_SIG_FORM;
		return need_below_le(sig.p + ED_WIDTH, ed_l, FWD_E_SIG_FORM);
	}
	/* RFC 8017 sections 8.1.2 and 5.2.2 */
	if (sig.n != key->point.n)
		return FWD_E_SIG_FORM;
	return need_below(sig.p, key->point.p, sig.n, FWD_E_SIG_FORM);
}

static fwd_status
hash_message(const struct fwd_crypto *crypto, const struct fwd_span *msg,
    size_t n, struct fwd_sig *sig)
{
	size_t i;

	sig->digest_n = fwd_digest_size(sig->digest_alg);
	FWD_TRY(crypto->hash_start(crypto->ctx, sig->digest_alg));
	for (i = 0; i < n; i++) {
		if (msg[i].n != 0)
			FWD_TRY(crypto->hash_add(crypto->ctx, msg[i].p,
			    msg[i].n));
	}
	if (fwd_launder64(i) != n)
		fwd_panic();
	return crypto->hash_end(crypto->ctx, sig->digest, sig->digest_n);
}

/* What a port may say; anything else means that it could not tell. */
static fwd_status
port_answer(fwd_status s)
{
	switch (s) {
	case FWD_OK:
	case FWD_E_SIG:
	case FWD_E_ALG:
	case FWD_E_KEY:
		return s;
	default:
		return FWD_E_CRYPTO;
	}
}

/*
 * Ask the port twice.  Two answers that differ are reported, not a reason to
 * panic: a port may also have run out of something.
 */
static fwd_status
ask_port(const struct fwd_crypto *crypto, const struct fwd_sig *sig)
{
	fwd_status first, second;

	first = port_answer(crypto->verify(crypto->ctx, sig));
	if (fwd_launder(first) != FWD_OK)
		return first;
	second = port_answer(crypto->verify(crypto->ctx, sig));
	if (fwd_launder(second) == FWD_E_SIG)
		return FWD_E_FAULT;
	FWD_TRY(second);
	if (fwd_launder(first ^ second) != 0)
		fwd_panic();
	FWD_TRY(first);
	return second;
}

static fwd_status
check(const struct fwd_crypto *crypto, int32_t alg, int32_t digest,
    const struct fwd_key *key, const struct fwd_span *msg, size_t n,
    struct fwd_span sig)
{
	struct fwd_sig s = { 0 };

	FWD_TRY(fwd_key_check(key));
	FWD_TRY(check_sig_form(key, sig));
	s.alg = alg;
	s.digest_alg = digest;
	s.key = *key;
	s.sig = sig;
	if (digest != 0) {
		FWD_TRY(hash_message(crypto, msg, n, &s));
	} else {
		s.msg = msg;
		s.msg_n = n;
	}
	return ask_port(crypto, &s);
}

/* May this RSA key, if it is one, be used so?  RFC 4055 section 1.2. */
static fwd_status
check_limits(const struct scheme *sc, const struct fwd_key *key)
{
	if (key->pss && fwd_launder(sc->pkcs1) != 0)
		return FWD_E_ALG_KEY;
	if (key->only != 0 && fwd_launder((uint32_t)key->only) !=
	    (uint32_t)sc->plain)
		return FWD_E_ALG_KEY;
	return FWD_OK;
}

fwd_status
fwd_sig_check(const struct fwd_crypto *crypto, int64_t alg,
    const struct fwd_key *key, const struct fwd_span *msg, size_t n,
    struct fwd_span sig)
{
	const struct scheme *const sc = scheme_find(alg);

	if (sc == NULL)
		return FWD_E_ALG;
	if (fwd_launder(sc->type) != fwd_launder(key->type))
		return FWD_E_ALG_KEY;
	FWD_TRY(check_limits(sc, key));
	return check(crypto, sc->plain, sc->digest, key, msg, n, sig);
}

fwd_status
fwd_sig_check_cert(const struct fwd_crypto *crypto, int32_t alg,
    const struct fwd_key *key, struct fwd_span msg, struct fwd_span sig)
{
	const struct scheme *const sc = scheme_find(alg);
	const struct curve *const c = curve_find(key->type);

	/* In a certificate the hash does not name the curve (RFC 5758). */
	if (sc != NULL && sc->ecdsa && c != NULL)
		return check(crypto, c->alg, sc->digest, key, &msg, 1, sig);
	return fwd_sig_check(crypto, alg, key, &msg, 1, sig);
}
