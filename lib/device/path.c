/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path validation: RFC 5280 section 6.1 without policies and name constraints,
 * which no certificate of the profile has.  From the anchor to the leaf; a
 * certificate is opened, its issuer and signature are checked, and only then
 * is the rest of it looked at.
 *
 * Beyond RFC 5280: basicConstraints of a CA must be critical, keyUsage must be
 * there in every certificate, and an extKeyUsage in a CA's certificate limits
 * those below it to its purposes (anyExtendedKeyUsage lifts that for a CA; in
 * the leaf it does not stand for the purpose asked for).
 */
#include "device/internal.h"
#include "device/der.h"
#include "device/sig.h"
#include "device/x509.h"

/* id-kp, 1.3.6.1.5.5.7.3, with codeSigning behind it */
static const uint8_t code_signing[] =
    { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03 };
const struct fwd_span fwd_code_signing =
    { code_signing, sizeof code_signing };
/* anyExtendedKeyUsage, 2.5.29.37.0 */
static const uint8_t any_purpose[] = { 0x55, 0x1d, 0x25, 0x00 };

struct path {
	const struct fwd_crypto *crypto;
	const struct fwd_policy *policy;
	int64_t now;
	struct fwd_tracer trace;
	uint32_t index;			/* the certificate at hand */
	/* RFC 5280 section 6.1.2 */
	struct fwd_span issuer;		/* working_issuer_name */
	struct fwd_key key;		/* working_public_key */
	uint32_t max_path;		/* max_path_length */
	uint32_t verified;		/* signatures that held */
	struct fwd_chain_result found;
};

/* ---- facts -------------------------------------------------------- */

/* Report a step about the certificate at hand. */
static fwd_status
say(const struct path *p, enum fwd_step step, fwd_status status,
    struct fwd_hint got, struct fwd_hint want)
{
	return fwd_report(p->trace, step, status, p->index, 0, got, want);
}

/* ---- decisions, taken twice --------------------------------------- */

/* refusal unless all bits of want are set in have. */
static fwd_status
need_bits(uint32_t have, uint32_t want, fwd_status refusal)
{
	if ((fwd_launder(have) & want) != want)
		return refusal;
	if ((fwd_launder(~have) & want) != 0)
		fwd_panic();
	return FWD_OK;
}

/* refusal unless no bit of bad is set in have. */
static fwd_status
need_no_bits(uint32_t have, uint32_t bad, fwd_status refusal)
{
	return need_bits(~have, bad, refusal);
}

/* refusal unless a <= b. */
static fwd_status
need_order(int64_t a, int64_t b, fwd_status refusal)
{
	if ((int64_t)fwd_launder64((uint64_t)a) > b)
		return refusal;
	if (!((int64_t)fwd_launder64((uint64_t)b) >= a))
		fwd_panic();
	return FWD_OK;
}

/* refusal unless a and b are the same bytes. */
static fwd_status
need_same(struct fwd_span a, struct fwd_span b, fwd_status refusal)
{
	if (fwd_launder64(a.n) != b.n)
		return refusal;
	if (fwd_launder64(~(uint64_t)a.n) != ~(uint64_t)b.n)
		fwd_panic();
	return fwd_equal(a.p, b.p, a.n, refusal);
}

/* ---- policy and clock --------------------------------------------- */

static fwd_status
check_policy(const struct path *p)
{
	const struct fwd_policy *const policy = p->policy;

	if (policy->anchor == NULL || fwd_launder64(policy->anchors) == 0 ||
	    policy->anchors > FWD_ANCHORS_MAX)
		return say(p, FWD_STEP_ANCHOR, FWD_E_POLICY,
		    fwd_hint_size(policy->anchors),
		    fwd_hint_size(FWD_ANCHORS_MAX));
	if (fwd_launder(policy->threshold) == 0)
		return say(p, FWD_STEP_SIGNERS, FWD_E_POLICY,
		    fwd_hint_size(0), fwd_at_least(fwd_hint_size(1)));
	if (fwd_launder(policy->clock) != FWD_CLOCK_NONE &&
	    fwd_launder(policy->clock) != FWD_CLOCK_TRUSTED)
		return say(p, FWD_STEP_CLOCK, FWD_E_POLICY,
		    fwd_hint_size(policy->clock), fwd_hint_none());
	return FWD_OK;
}

/* False only if the policy is not to look at the clock, asked twice. */
static bool
clock_counts(const struct path *p)
{
	if (fwd_launder(p->policy->clock) != FWD_CLOCK_NONE)
		return true;
	if (fwd_launder(~p->policy->clock) != ~(uint32_t)FWD_CLOCK_NONE)
		fwd_panic();
	return false;
}

static fwd_status
check_clock(const struct path *p)
{
	const int64_t min = p->policy->time_min;
	struct fwd_hint want = fwd_hint_none();

	if (min != INT64_MIN)
		want = fwd_at_least(fwd_hint_time(&min));
	if (!clock_counts(p))
		return say(p, FWD_STEP_CLOCK, FWD_OK,
		    FWD_HINT_LITERAL("none"), want);
	return say(p, FWD_STEP_CLOCK, need_order(min, p->now, FWD_E_CLOCK),
	    fwd_hint_time(&p->now), want);
}

/* ---- issuer and signature ----------------------------------------- */

/* A signature that cannot be one of that key was not made with it. */
static fwd_status
cert_answer(fwd_status s)
{
	switch (s) {
	case FWD_E_SIG:
	case FWD_E_SIG_FORM:
	case FWD_E_ALG_KEY:
		return FWD_E_CERT_SIG;
	default:
		return s;
	}
}

static fwd_status
verify(const struct path *p, const struct fwd_cert *cert, int32_t alg,
    const struct fwd_key *key)
{
	uint8_t raw[FWD_POINT_MAX - 1];	/* r and s of P-521 */
	const size_t width = fwd_curve_width(key->type);
	struct fwd_span sig = cert->sig;

	if (width != 0) {
		/* of another algorithm, or not DER: not made with this key */
		if (fwd_cert_ecdsa_sig(sig, width, raw) != FWD_OK)
			return FWD_E_CERT_SIG;
		sig = (struct fwd_span){ raw, 2 * width };
	}
	return cert_answer(fwd_sig_check_cert(p->crypto, alg, key, cert->tbs,
	    sig));
}

/* Is the certificate signed with that key? */
static fwd_status
check_signature(struct path *p, const struct fwd_cert *cert,
    const struct fwd_key *key)
{
	int64_t name;
	int32_t alg;
	fwd_status s;

	s = fwd_cert_alg(cert->alg, &alg);
	if (s != FWD_OK)
		return say(p, FWD_STEP_CERT_SIGNATURE, s,
		    fwd_hint_hex(cert->alg), fwd_hint_none());
	name = alg;
	FWD_TRY(say(p, FWD_STEP_CERT_SIGNATURE, verify(p, cert, alg, key),
	    fwd_hint_alg(&name), fwd_hint_none()));
	p->verified++;
	return FWD_OK;
}

static fwd_status
try_anchor(struct path *p, const struct fwd_cert *cert, size_t i)
{
	const struct fwd_anchor *const anchor = &p->policy->anchor[i];
	struct fwd_key key = { 0 };

	/* A bare key (no name) signs manifests only. */
	if (anchor->name.n == 0)
		return FWD_E_ANCHOR;
	FWD_TRY(need_same(anchor->name, cert->issuer, FWD_E_ANCHOR));
	FWD_TRY(say(p, FWD_STEP_ANCHOR, fwd_key_read(anchor->spki, &key),
	    fwd_hint_name(anchor->name), fwd_hint_none()));
	FWD_TRY(check_signature(p, cert, &key));
	FWD_TRY(fwd_revoked_check(p->crypto, p->policy, &anchor->spki, &key,
	    p->trace, FWD_NO_INDEX));
	p->issuer = anchor->name;
	p->key = key;
	p->found.anchor = i;
	return FWD_OK;
}

/*
 * Several anchors may have one name, as when a root's key is renewed: the
 * first whose key made the signature counts.
 */
static fwd_status
find_anchor(struct path *p, const struct fwd_cert *cert)
{
	fwd_status s, best = FWD_E_ANCHOR;
	size_t i;

	for (i = 0; i < p->policy->anchors; i++) {
		s = try_anchor(p, cert, i);
		if (fwd_launder(s) == FWD_OK)
			return s;
		if (s != FWD_E_ANCHOR && s != FWD_E_CERT_SIG)
			return s;
		if (s == FWD_E_CERT_SIG)
			best = s;
	}
	if (best == FWD_E_ANCHOR)
		return say(p, FWD_STEP_ANCHOR, best,
		    fwd_hint_name(cert->issuer), fwd_hint_none());
	return best;
}

/* The issuer's name is that of the certificate above, its key the signer. */
static fwd_status
check_issuer(struct path *p, const struct fwd_cert *cert)
{
	FWD_TRY(say(p, FWD_STEP_CERT_ISSUER,
	    need_same(cert->issuer, p->issuer, FWD_E_CERT_NAME),
	    fwd_hint_name(cert->issuer), fwd_hint_name(p->issuer)));
	return check_signature(p, cert, &p->key);
}

/* ---- what a certificate says -------------------------------------- */

static fwd_status
decode(const struct path *p, struct fwd_cert *cert)
{
	const fwd_status s = fwd_cert_decode(cert);

	if (cert->fault.n != 0)
		return say(p, FWD_STEP_CERT_EXTENSION, s,
		    fwd_hint_extension(cert->fault), fwd_hint_none());
	return say(p, FWD_STEP_CERT, s, cert->subject.n != 0 ?
	    fwd_hint_name(cert->subject) : fwd_hint_none(),
	    fwd_hint_none());
}

static fwd_status
check_now(const struct path *p, const struct fwd_cert *cert)
{
	FWD_TRY(say(p, FWD_STEP_CERT_NOT_BEFORE,
	    need_order(cert->not_before, p->now, FWD_E_CERT_EARLY),
	    fwd_hint_time(&cert->not_before),
	    fwd_at_most(fwd_hint_time(&p->now))));
	return say(p, FWD_STEP_CERT_NOT_AFTER,
	    need_order(p->now, cert->not_after, FWD_E_CERT_LATE),
	    fwd_hint_time(&cert->not_after), fwd_at_least(fwd_hint_time(&p->now)));
}

static fwd_status
check_dates(const struct path *p, const struct fwd_cert *cert)
{
	const int64_t min = p->policy->time_min;

	if (clock_counts(p))
		FWD_TRY(check_now(p, cert));
	/* Whatever the clock says, it is later than that. */
	if (min == INT64_MIN)
		return FWD_OK;
	return say(p, FWD_STEP_CERT_NOT_AFTER,
	    need_order(min, cert->not_after, FWD_E_CERT_LATE),
	    fwd_hint_time(&cert->not_after), fwd_at_least(fwd_hint_time(&min)));
}

/* RFC 5280 section 6.1.4 k, l and m. */
static fwd_status
check_basic_constraints(struct path *p, const struct fwd_cert *cert)
{
	const uint32_t need = FWD_CERT_BASIC | FWD_CERT_BASIC_CRITICAL |
	    FWD_CERT_CA;

	FWD_TRY(say(p, FWD_STEP_CERT_CA,
	    need_bits(cert->flags, need, FWD_E_CERT_CA),
	    (cert->flags & FWD_CERT_CA) == 0 ? FWD_HINT_LITERAL("not a CA") :
	    (cert->flags & FWD_CERT_BASIC_CRITICAL) == 0 ?
	    FWD_HINT_LITERAL("CA, not critical") : FWD_HINT_LITERAL("CA"),
	    FWD_HINT_LITERAL("CA")));
	if (need_same(cert->subject, cert->issuer, FWD_E_CERT_NAME) !=
	    FWD_OK) {			/* not self-issued */
		FWD_TRY(say(p, FWD_STEP_CERT_CA,
		    need_order(1, p->max_path, FWD_E_CERT_PATHLEN),
		    FWD_HINT_LITERAL("one more CA"), p->max_path == 0 ?
		    FWD_HINT_LITERAL("no more CA") : fwd_hint_none()));
		p->max_path--;
	}
	if ((cert->flags & FWD_CERT_PATHLEN) != 0 &&
	    cert->path_len < p->max_path)
		p->max_path = cert->path_len;
	return FWD_OK;
}

/* The usage is empty when there is no keyUsage. */
static fwd_status
check_usage(const struct path *p, const struct fwd_cert *cert, uint32_t bit,
    struct fwd_hint name, struct fwd_hint lacking)
{
	struct fwd_hint got = name;

	if ((cert->flags & FWD_CERT_USAGE) == 0)
		got = FWD_HINT_LITERAL("no keyUsage");
	else if ((cert->usage & bit) == 0)
		got = lacking;
	return say(p, FWD_STEP_CERT_USAGE,
	    need_bits(cert->usage, bit, FWD_E_CERT_USAGE), got, name);
}

/* FWD_OK when oid is in a list of KeyPurposeIds that has been read before. */
static fwd_status
find_purpose(struct fwd_span list, struct fwd_span oid)
{
	struct fwd_span v;

	while (list.n != 0) {
		FWD_TRY(fwd_der_oid(&list, &v));
		if (v.n == oid.n &&
		    fwd_equal(v.p, oid.p, v.n, FWD_E_CERT_EKU) == FWD_OK)
			return FWD_OK;
	}
	return FWD_E_CERT_EKU;
}

/* find_purpose, asked twice; with any, anyExtendedKeyUsage will do. */
static fwd_status
need_purpose(const struct path *p, const struct fwd_cert *cert, bool any)
{
	static const struct fwd_span any_oid =
	    { any_purpose, sizeof any_purpose };

	if (any && find_purpose(cert->eku, any_oid) == FWD_OK)
		return FWD_OK;
	FWD_TRY(find_purpose(cert->eku, p->policy->purpose));
	return find_purpose(cert->eku, p->policy->purpose);
}

/* ca: one that issues; its purposes count only if it names some. */
static fwd_status
check_purpose(const struct path *p, const struct fwd_cert *cert, bool ca)
{
	struct fwd_span list = cert->eku, first = { 0 };
	struct fwd_hint got = FWD_HINT_LITERAL("no extKeyUsage");

	if (fwd_launder64(p->policy->purpose.n) == 0) {
		if (fwd_launder64(~(uint64_t)p->policy->purpose.n) !=
		    ~(uint64_t)0)
			fwd_panic();
		return FWD_OK;		/* any will do */
	}
	if (ca && (cert->flags & FWD_CERT_EKU) == 0)
		return FWD_OK;
	if (list.n != 0 && fwd_der_oid(&list, &first) == FWD_OK)
		got = fwd_hint_purpose(first);
	return say(p, FWD_STEP_CERT_PURPOSE, need_purpose(p, cert, ca), got,
	    fwd_hint_purpose(p->policy->purpose));
}

static fwd_status
check_ca(struct path *p, const struct fwd_cert *cert)
{
	if (fwd_launder(p->index) == 0)
		fwd_panic();		/* the leaf is judged otherwise */
	FWD_TRY(check_basic_constraints(p, cert));
	FWD_TRY(check_usage(p, cert, FWD_USAGE_CERT_SIGN,
	    FWD_HINT_LITERAL("keyCertSign"),
	    FWD_HINT_LITERAL("no keyCertSign")));
	return check_purpose(p, cert, true);
}

static fwd_status
check_leaf(const struct path *p, const struct fwd_cert *cert)
{
	if (fwd_launder(p->index) != 0)
		fwd_panic();
	FWD_TRY(say(p, FWD_STEP_CERT_CA,
	    need_no_bits(cert->flags, FWD_CERT_CA, FWD_E_CERT_LEAF),
	    (cert->flags & FWD_CERT_CA) != 0 ? FWD_HINT_LITERAL("CA") :
	    FWD_HINT_LITERAL("not a CA"), FWD_HINT_LITERAL("not a CA")));
	FWD_TRY(check_usage(p, cert, FWD_USAGE_SIGN,
	    FWD_HINT_LITERAL("digitalSignature"),
	    FWD_HINT_LITERAL("no digitalSignature")));
	/* RFC 5280 section 4.2.1.9: keyCertSign goes with cA only. */
	FWD_TRY(say(p, FWD_STEP_CERT_USAGE,
	    need_no_bits(cert->usage, FWD_USAGE_CERT_SIGN, FWD_E_CERT_USAGE),
	    (cert->usage & FWD_USAGE_CERT_SIGN) != 0 ?
	    FWD_HINT_LITERAL("keyCertSign") :
	    FWD_HINT_LITERAL("no keyCertSign"),
	    FWD_HINT_LITERAL("no keyCertSign")));
	return check_purpose(p, cert, false);
}

/* ---- the path ----------------------------------------------------- */

/* One certificate; top: the anchor issued it. */
static fwd_status
judge(struct path *p, struct fwd_span der, bool top, struct fwd_cert *cert)
{
	fwd_status s;

	s = fwd_cert_open(der, cert);
	if (s != FWD_OK)
		return say(p, FWD_STEP_CERT, s, fwd_hint_size(der.n),
		    fwd_hint_none());
	if (top)
		FWD_TRY(find_anchor(p, cert));
	else
		FWD_TRY(check_issuer(p, cert));
	FWD_TRY(decode(p, cert));
	FWD_TRY(fwd_revoked_check(p->crypto, p->policy, &cert->spki, &cert->key,
	    p->trace, p->index));
	FWD_TRY(check_dates(p, cert));
	if (fwd_launder(p->index) == 0)
		FWD_TRY(check_leaf(p, cert));
	else
		FWD_TRY(check_ca(p, cert));
	return FWD_OK;
}

/* The next working issuer: RFC 5280 section 6.1.4 a to f. */
static void
advance(struct path *p, const struct fwd_cert *cert)
{
	p->issuer = cert->subject;
	p->key = cert->key;
	if (cert->not_before > p->found.not_before)
		p->found.not_before = cert->not_before;
	if (cert->not_after < p->found.not_after)
		p->found.not_after = cert->not_after;
}

static fwd_status
finish(const struct path *p, const struct fwd_cert *leaf,
    struct fwd_chain_result *result)
{
	struct fwd_span left = leaf->serial, serial;

	FWD_TRY(fwd_der_take(&left, FWD_DER_INTEGER, &serial));
	*result = p->found;
	result->key = leaf->key;
	result->subject = leaf->subject;
	result->serial = serial;
	return FWD_OK;
}

fwd_status
fwd_chain_check(const struct fwd_crypto *crypto,
    const struct fwd_policy *policy, int64_t now,
    const struct fwd_span *cert, size_t n, struct fwd_tracer trace,
    struct fwd_chain_result *result)
{
	struct path p = { .crypto = crypto, .policy = policy, .now = now,
	    .trace = trace, .index = FWD_NO_INDEX,
	    .max_path = FWD_CHAIN_MAX, .found = { .not_before = INT64_MIN,
	    .not_after = INT64_MAX } };
	struct fwd_cert c;
	size_t i, done = 0;

	memset(result, 0, sizeof *result);
	FWD_TRY(check_policy(&p));
	if (n == 0 || n > FWD_CHAIN_MAX)
		return say(&p, FWD_STEP_CERT, FWD_E_CHAIN_LEN,
		    fwd_hint_size(n),
		    fwd_at_most(fwd_hint_size(FWD_CHAIN_MAX)));
	FWD_TRY(check_clock(&p));
	for (i = n; i > 0; i--) {
		p.index = (uint32_t)i - 1;
		FWD_TRY(judge(&p, cert[i - 1], i == n, &c));
		advance(&p, &c);
		done++;
	}
	/* No certificate was left out, no signature left unchecked. */
	if (fwd_launder64(done) != n || fwd_launder(p.verified) != n ||
	    fwd_launder(p.index) != 0)
		fwd_panic();
	return finish(&p, &c, result);
}
