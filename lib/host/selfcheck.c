/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished bundle judged by the device library before it gets its name.
 *
 * The payloads are not read and hashed a second time.  Why that is sound: while
 * a payload was copied, each chunk was hashed as it came from the source, and
 * what was written was read back and compared with that same chunk (copy.c);
 * so the digest is that of the bytes in the output.  The file has no name and
 * one owner, so nobody changes it in between.  Here the port then answers for
 * such a region without reading it, and the crypto port answers with the known
 * digest, but only when exactly the whole region, from its first byte to its
 * last and nothing else, was hashed with the algorithm the digest is of.  Any
 * other use of bytes that were not read is an error of the port, and that
 * refuses the bundle.
 *
 * What was hashed in one judgement of such a file can be learnt for the next.
 *
 * Where no root is known, or nobody has signed yet, the device library cannot
 * authenticate the bundle as a device will.  Then it runs the same bytes with
 * the signatures replaced by a stand-in, which only the crypto port in here
 * takes for one: that judges everything behind the authentication.  The real
 * signatures are judged by themselves, the topmost certificate that each
 * carries taken as the anchor.
 */
#include <string.h>
#include <sys/stat.h>

#include "host/build.h"
#include "host/internal.h"

enum { TRANSFER = 256 * 1024 };
/* A bundle of up to so many bytes is read a second time rather than looked
   into beforehand. */
#define SMALL ((uint64_t)1024 * 1024)
/* Less is read again as quickly as it is looked up. */
enum { LEARN_MIN = 4096 };

/* The bundle as the device library sees it. */
struct view {
	const struct fw_selfcheck *sc;
	struct fw_buf front;		/* stands for the first skip bytes */
	uint64_t skip;
	uint64_t size;			/* of the file */
	uint64_t at;			/* in front while < front.n, then in
					   the file at at - front.n + skip */
	/* the last read: what of it came from the file */
	const uint8_t *buf;
	uint64_t buf_off;
	size_t buf_n;
	/* the hash that is under way */
	enum { NOTHING, HASHED, KNOWN } mode;
	const struct fw_known *known;
	uint64_t covered;
	int32_t alg;
	/* what was hashed so far, if it is one piece of the file */
	uint64_t from, n;
	bool piece;
	bool stand_in;			/* there is one in front */
};

/* ---- reading --------------------------------------------------------- */

/* The first known region that ends behind off; NULL when there is none. */
static const struct fw_known *
next_known(const struct fw_selfcheck *sc, uint64_t off)
{
	const struct fw_known *best = NULL;
	size_t i;

	for (i = 0; i < sc->knowns; i++)
		if (sc->known[i].off + sc->known[i].size > off &&
		    (best == NULL || sc->known[i].off < best->off))
			best = &sc->known[i];
	return best;
}

/* Read from the file, leaving out what is known. */
static bool
read_file(const struct view *v, uint8_t *p, size_t n, uint64_t off)
{
	const struct fw_known *k;
	struct fw_error ignored;
	uint64_t skip;
	size_t some;

	while (n > 0) {
		k = next_known(v->sc, off);
		if (k != NULL && k->off <= off) {
			skip = k->off + k->size - off;
			some = skip < n ? (size_t)skip : n;
		} else {
			some = k != NULL && k->off - off < n ?
			    (size_t)(k->off - off) : n;
			if (fw_read_at(v->sc->fd, p, some, off, &ignored) !=
			    FW_OK)
				return false;
		}
		p += some;
		off += some;
		n -= some;
	}
	return true;
}

static fwd_status
view_read(void *ctx, uint8_t *buf, size_t n, size_t *got)
{
	struct view *const v = ctx;
	size_t from_front = 0;
	uint64_t off, left;

	*got = 0;
	if (v->at < v->front.n) {
		from_front = v->front.n - (size_t)v->at;
		if (from_front > n)
			from_front = n;
		memcpy(buf, v->front.p + v->at, from_front);
	}
	off = v->at + from_front - v->front.n + v->skip;
	left = v->size - off;
	n -= from_front;
	if (v->at + from_front < v->front.n)
		n = 0;
	else if (n > left)
		n = (size_t)left;
	if (!read_file(v, buf + from_front, n, off))
		return FWD_E_IO;
	v->buf = buf + from_front;
	v->buf_off = off;
	v->buf_n = n;
	v->at += from_front + n;
	*got = from_front + n;
	return FWD_OK;
}

static fwd_status
view_rewind(void *ctx)
{
	struct view *const v = ctx;

	v->at = 0;
	v->buf_n = 0;
	return FWD_OK;
}

/* ---- hashing --------------------------------------------------------- */

static fwd_status
view_hash_start(void *ctx, int32_t alg)
{
	struct view *const v = ctx;
	const struct fwd_crypto *const real = v->sc->crypto;

	v->mode = NOTHING;
	v->known = NULL;
	v->covered = 0;
	v->alg = alg;
	v->n = 0;
	v->piece = true;
	return real->hash_start(real->ctx, alg);
}

/*
 * Do these bytes come from a known region?  *clean is false when they only
 * touch one.
 */
static const struct fw_known *
known_bytes(const struct view *v, const uint8_t *p, size_t n, uint64_t *off,
    bool *clean)
{
	const uintptr_t a = (uintptr_t)p, b = (uintptr_t)v->buf;
	const struct fw_known *k;

	*clean = true;
	*off = 0;
	if (a + n <= b || a >= b + v->buf_n)
		return NULL;		/* not from the last read */
	if (a < b || a + n > b + v->buf_n) {
		*clean = false;
		return NULL;
	}
	*off = v->buf_off + (a - b);
	k = next_known(v->sc, *off);
	if (k == NULL || *off + n <= k->off)
		return NULL;		/* read, not known */
	*clean = *off >= k->off && *off + n <= k->off + k->size;
	return k;
}

/* Bytes that are read and hashed: do they go on where the last ones ended? */
static void
follow(struct view *v, const uint8_t *p, size_t n)
{
	const uintptr_t a = (uintptr_t)p, b = (uintptr_t)v->buf;
	uint64_t off;

	if (a < b || a + n > b + v->buf_n) {
		v->piece = false;
		return;
	}
	off = v->buf_off + (a - b);
	if (v->n == 0)
		v->from = off;
	else if (off != v->from + v->n)
		v->piece = false;
	v->n += n;
}

/* Keep the digest of a piece of the file.  Pieces that are not apart from each
   other are of no use, and then none is. */
static void
learn(const struct view *v, const uint8_t *digest, size_t n)
{
	struct fw_learnt *const to = v->sc->learn;
	const struct fw_known *k;
	size_t i;

	if (to == NULL || !v->piece || v->n < LEARN_MIN || to->spoilt)
		return;
	for (i = 0; i < to->n; i++) {
		k = &to->known[i];
		if (k->off == v->from && k->size == v->n && to->alg == v->alg)
			return;
		if (v->from < k->off + k->size && k->off < v->from + v->n)
			to->spoilt = true;
	}
	if (to->n == FW_LEARN_MAX || (to->n > 0 && to->alg != v->alg))
		return;
	to->alg = v->alg;
	memcpy(to->digest[to->n], digest, n);
	to->known[to->n] = (struct fw_known){ v->from, v->n,
	    to->digest[to->n] };
	to->n++;
}

static fwd_status
view_hash_add(void *ctx, const uint8_t *p, size_t n)
{
	struct view *const v = ctx;
	const struct fwd_crypto *const real = v->sc->crypto;
	const struct fw_known *k;
	uint64_t off;
	bool clean;

	if (n == 0)
		return FWD_OK;
	k = known_bytes(v, p, n, &off, &clean);
	if (!clean)
		return FWD_E_CRYPTO;
	if (k == NULL) {
		if (v->mode == KNOWN)
			return FWD_E_CRYPTO;
		v->mode = HASHED;
		follow(v, p, n);
		return real->hash_add(real->ctx, p, n);
	}
	if (v->mode == NOTHING)
		v->known = k;
	if (v->mode == HASHED || v->known != k || off != k->off + v->covered)
		return FWD_E_CRYPTO;
	v->mode = KNOWN;
	v->covered += n;
	return FWD_OK;
}

static fwd_status
view_hash_end(void *ctx, uint8_t *out, size_t n)
{
	struct view *const v = ctx;
	const struct fwd_crypto *const real = v->sc->crypto;
	fwd_status s;

	if (v->mode != KNOWN) {
		s = real->hash_end(real->ctx, out, n);
		if (s == FWD_OK)
			learn(v, out, n);
		return s;
	}
	v->mode = NOTHING;
	if (v->covered != v->known->size || v->alg != v->sc->alg ||
	    n != fwd_digest_size(v->alg))
		return FWD_E_CRYPTO;
	memcpy(out, v->known->digest, n);
	return FWD_OK;
}

/* The key of the stand-in: the base point, with which nothing is verified. */
enum { SPKI_HEAD = 12 };
static const uint8_t stand_in_spki[SPKI_HEAD + 32] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
	0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
};

static fwd_status
view_verify(void *ctx, const struct fwd_sig *sig)
{
	const struct view *const v = ctx;

	if (v->stand_in && sig->key.type == FWD_KEY_ED25519 &&
	    sig->key.point.n == sizeof stand_in_spki - SPKI_HEAD &&
	    memcmp(sig->key.point.p, stand_in_spki + SPKI_HEAD,
	    sig->key.point.n) == 0)
		return FWD_OK;
	return v->sc->crypto->verify(v->sc->crypto->ctx, sig);
}

/* ---- running --------------------------------------------------------- */

static void
view_deinit(struct view *v)
{
	fw_buf_deinit(&v->front);
}

static enum fw_kind
view_open(const struct fw_selfcheck *sc, struct view *v, struct fw_error *err)
{
	struct stat st;

	*v = (struct view){ .sc = sc };
	if (fstat(sc->fd, &st) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot look at the bundle");
	v->size = (uint64_t)st.st_size;
	return FW_OK;
}

/* Say why the device library refuses. */
static enum fw_kind
refused(const struct fwd_event *ev, fwd_status s, struct fw_error *err)
{
	char line[FWD_LINE_MAX];

	if (ev == NULL || ev->status != s)
		return fw_fail(err, FW_E_REFUSED,
		    "the device library refuses it: %s (%s)",
		    fwd_status_text(s), fwd_status_code(s));
	(void)fwd_event_format(ev, line, sizeof line);
	return fw_fail(err, FW_E_REFUSED,
	    "the device library refuses it: %s (%s)", fwd_status_text(s),
	    line);
}

static struct fwd_policy
policy_of(const struct fw_selfcheck *sc, const struct fwd_anchor *anchor,
    size_t anchors, size_t threshold)
{
	return (struct fwd_policy){
		.anchor = anchor, .anchors = anchors,
		.threshold = (uint32_t)threshold,
		.clock = sc->clock.judge ? FWD_CLOCK_TRUSTED : FWD_CLOCK_NONE,
		.time_min = INT64_MIN, .flags = FWD_NO_DEVICE,
		.purpose = fwd_code_signing,
	};
}

/* Were all the blocks in question among those accepted? */
static bool
all_accepted(const struct fwd_ctx *run, const struct fw_selfcheck *sc)
{
	size_t i, j, found = 0;

	for (i = sc->first; i < sc->first + sc->signers; i++)
		for (j = 0; j < run->signers; j++)
			found += run->signer[j].block == i;
	return found == sc->signers;
}

/* Run the view under a policy; blocks: those of sc must be accepted. */
static enum fw_kind
run_view(struct view *v, const struct fwd_policy *policy, bool blocks,
    struct fw_error *err)
{
	const struct fwd_crypto crypto = { v, view_hash_start, view_hash_add,
	    view_hash_end, view_verify };
	const size_t max = v->front.n > v->sc->envelope_n ? v->front.n :
	    v->sc->envelope_n;
	FW_FREE struct fw_anydevice *dev = calloc(1, sizeof *dev);
	FW_FREE struct fwd_ctx *run = calloc(1, sizeof *run);
	FW_FREE uint8_t *envelope = malloc(max);
	FW_FREE uint8_t *transfer = malloc(TRANSFER);
	fwd_status s;

	if (dev == NULL || run == NULL || envelope == NULL || transfer == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	dev->bundle = v;
	dev->read = view_read;
	dev->rewind = view_rewind;
	dev->now = v->sc->clock.now;
	dev->direct = v->sc->knowns > 0 || v->size <= SMALL;
	run->crypto = &crypto;
	run->policy = policy;
	run->envelope = envelope;
	run->envelope_max = max;
	run->transfer = transfer;
	run->transfer_n = TRANSFER;
	s = fw_anydevice_check(dev, run);
	if (s != FWD_OK)
		return refused(&run->refusal, s, err);
	if (blocks && !all_accepted(run, v->sc))
		return fw_fail(err, FW_E_REFUSED, "the device library does not "
		    "accept every signer (does each chain lead to a root that "
		    "is trusted, and is each key used once?)");
	return FW_OK;
}

/* ---- the stand-in ---------------------------------------------------- */

/* A block without a signature to speak of. */
static enum fw_kind
stand_in_block(struct fw_buf *out, struct fw_error *err)
{
	static const uint8_t header[] = { 0xa1, 0x01, 0x32 };	/* {1: -19} */
	static const uint8_t sig[64];
	FW_CLEANUP(fw_cbor_deinit) struct fw_cbor c = { 0 };

	fw_cbor_sign1(&c, (struct fwd_span){ header, sizeof header }, sig,
	    sizeof sig);
	return fw_cbor_done(&c, out, err);
}

/* The same envelope with the stand-in as its only signature. */
static enum fw_kind
stand_in_envelope(const struct fwd_envelope *env, struct fw_buf *out,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf block = { 0 };
	struct fwd_span span;

	FW_TRY(stand_in_block(&block, err));
	span = fw_buf_span(&block);
	return fw_envelope_rewrap(env, &span, 1, out, err);
}

/* Put it in front of the view, in place of the first member. */
static enum fw_kind
stand_in_front(struct view *v, const struct fwd_envelope *env,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf envelope = { 0 };
	static const uint8_t zeros[FWD_BLOCK];
	uint8_t header[FWD_BLOCK];

	FW_TRY(stand_in_envelope(env, &envelope, err));
	FW_TRY(fw_bundle_header(FW_ENVELOPE_NAME, envelope.n, 0, header, err));
	FW_TRY(fw_buf_add(&v->front, header, sizeof header, err));
	FW_TRY(fw_buf_add(&v->front, envelope.p, envelope.n, err));
	FW_TRY(fw_buf_add(&v->front, zeros, (size_t)(
	    fw_bundle_padded(envelope.n) - envelope.n), err));
	v->skip = FWD_BLOCK + fw_bundle_padded(v->sc->envelope_n);
	v->stand_in = true;
	return FW_OK;
}

/* ---- signatures without a root ---------------------------------------- */

/* Judge a block against the topmost certificate it carries. */
enum fw_kind
fw_selfcheck_block(const struct fw_selfcheck *sc,
    const struct fwd_envelope *env, size_t i, struct fw_error *err)
{
	struct fwd_chain_result chain = { 0 };
	struct fwd_anchor anchor;
	struct fwd_policy policy;
	struct fwd_cose cose;
	struct fwd_tbs tbs;
	fwd_status s;

	s = i < env->blocks ? fwd_cose_read(env->block[i], &cose) :
	    FWD_E_AUTH_COUNT;
	if (s == FWD_OK && cose.certs == 0 && sc->bare_ok)
		return FW_OK;
	if (s == FWD_OK)
		s = cose.certs == 0 ? FWD_E_CHAIN_LEN :
		    fwd_anchor_read(cose.cert[cose.certs - 1], &anchor);
	if (s == FWD_OK && cose.certs > 1) {
		policy = policy_of(sc, &anchor, 1, 1);
		s = fwd_chain_check(sc->crypto, &policy, sc->clock.now,
		    cose.cert, cose.certs - 1, (struct fwd_tracer){ 0 },
		    &chain);
	} else if (s == FWD_OK) {
		s = fwd_key_read(anchor.spki, &chain.key);
	}
	if (s == FWD_OK) {
		fwd_cose_tbs(cose.protected_, env->payload, &tbs);
		s = fwd_sig_check(sc->crypto, cose.alg, &chain.key, tbs.msg,
		    FWD_TBS_PARTS, cose.sig);
	}
	if (s != FWD_OK)
		return refused(NULL, s, err);
	return FW_OK;
}

static enum fw_kind
read_envelope(const struct fw_selfcheck *sc, struct fw_buf *out,
    struct fwd_envelope *env, struct fw_error *err)
{
	fwd_status s;

	FW_TRY(fw_buf_reserve(out, sc->envelope_n, err));
	FW_TRY(fw_read_at(sc->fd, out->p, sc->envelope_n, FWD_BLOCK, err));
	out->n = sc->envelope_n;
	s = fwd_envelope_read(fw_buf_span(out), env);
	return s == FWD_OK ? FW_OK : refused(NULL, s, err);
}

/* ---- entry points ---------------------------------------------------- */

enum fw_kind
fw_selfcheck_content(const struct fw_selfcheck *sc, struct fw_error *err)
{
	FW_CLEANUP(view_deinit) struct view v = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf envelope = { 0 };
	const struct fwd_anchor anchor = { .spki = { stand_in_spki,
	    sizeof stand_in_spki } };
	struct fwd_policy policy;
	struct fwd_envelope env;

	FW_TRY(view_open(sc, &v, err));
	FW_TRY(read_envelope(sc, &envelope, &env, err));
	FW_TRY(stand_in_front(&v, &env, err));
	policy = policy_of(sc, &anchor, 1, 1);
	return run_view(&v, &policy, false, err);
}

enum fw_kind
fw_selfcheck(const struct fw_selfcheck *sc, struct fw_error *err)
{
	FW_CLEANUP(view_deinit) struct view v = { 0 };
	FW_CLEANUP(fw_buf_deinit) struct fw_buf envelope = { 0 };
	struct fwd_policy policy;
	struct fwd_envelope env;
	size_t i;

	FW_TRY(view_open(sc, &v, err));
	if (sc->anchors > 0) {
		policy = policy_of(sc, sc->anchor, sc->anchors, sc->signers);
		return run_view(&v, &policy, true, err);
	}
	FW_TRY(read_envelope(sc, &envelope, &env, err));
	for (i = 0; i < sc->signers; i++)
		FW_TRY(fw_selfcheck_block(sc, &env, sc->first + i, err));
	return fw_selfcheck_content(sc, err);
}
