/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the device trusts, in secure storage: a trust area in each of two
 * banks.  What changes goes into the bank that does not hold what is in force,
 * as a new generation, so that one of them holds whenever power fails.
 *
 * A body is: magic, generation, release, lengths of the two lists, the lists.
 *
 * dev->trust begins with the lists that are in force; behind them, up to
 * trust_n, is what was read since: the anchors of a record, the lists that a
 * release has brought.
 */
#include "device/internal.h"
#include "device/record.h"

enum { TRUST_HEAD = 8 + 8 + 8 + 8 + 8 };

_Static_assert(TRUST_HEAD + FWD_BODY_DIGEST + FWD_WRITE_MAX <=
    FWD_TRUST_OVERHEAD, "FWD_TRUST_OVERHEAD is too small");

static const uint8_t trust_magic[8] =
    { 'F', 'W', 'T', 'R', 'U', 'S', 'T', '1' };

/* ---- memory ---------------------------------------------------------- */

/* Room for n bytes more. */
static fwd_status
trust_room(struct fwd_device *dev, uint64_t n, uint8_t **p)
{
	*p = NULL;
	if (n > dev->trust_max - dev->trust_n)
		return FWD_E_STORE_SIZE;
	*p = dev->trust + dev->trust_n;
	dev->trust_n += (size_t)n;
	return FWD_OK;
}

/* Read n bytes of an area behind what is there. */
static fwd_status
trust_append(struct fwd_device *dev, uint32_t area, uint32_t bank,
    uint64_t off, uint64_t n, struct fwd_span *data)
{
	uint8_t *p;

	*data = fwd_span_of(NULL, 0);
	if (n == 0)
		return FWD_OK;
	FWD_TRY(trust_room(dev, n, &p));
	FWD_TRY(dev->flash->read(dev->flash->ctx, area, bank, off, p,
	    (size_t)n));
	*data = fwd_span_of(p, (size_t)n);
	return FWD_OK;
}

/* ---- the area -------------------------------------------------------- */

/* The head of a bank; its generation is 0 if the bank does not hold. */
struct trust_head {
	uint64_t generation, release, anchors_n, revocations_n;
};

static fwd_status
read_trust_head(struct fwd_device *dev, uint32_t bank, struct trust_head *h)
{
	uint8_t head[TRUST_HEAD];
	const uint8_t *p = head + sizeof trust_magic;
	struct trust_head v;
	fwd_status s;

	*h = (struct trust_head){ 0 };
	FWD_TRY(dev->flash->read(dev->flash->ctx, FWD_AREA_TRUST, bank, 0,
	    head, sizeof head));
	v.generation = fwd_take64(&p);
	v.release = fwd_take64(&p);
	v.anchors_n = fwd_take64(&p);
	v.revocations_n = fwd_take64(&p);
	if (memcmp(head, trust_magic, sizeof trust_magic) != 0 ||
	    v.anchors_n > dev->trust_size - FWD_TRUST_OVERHEAD ||
	    v.revocations_n > dev->trust_size - FWD_TRUST_OVERHEAD -
	    v.anchors_n)
		return FWD_OK;
	s = fwd_body_check(dev, FWD_AREA_TRUST, bank, 0, TRUST_HEAD +
	    v.anchors_n + v.revocations_n);
	if (s == FWD_E_IMAGE)
		return FWD_OK;
	FWD_TRY(s);
	*h = v;
	return FWD_OK;
}

/* A bank that does not seem to hold would let an older generation be in force:
   asked twice. */
static fwd_status
judge_trust_head(struct fwd_device *dev, uint32_t bank, struct trust_head *h)
{
	struct trust_head again;

	FWD_TRY(read_trust_head(dev, bank, h));
	if (fwd_launder64(h->generation) != 0)
		return FWD_OK;
	FWD_TRY(read_trust_head(dev, bank, &again));
	return fwd_launder64(again.generation) == 0 ? FWD_OK : FWD_E_FAULT;
}

/* The newest generation that holds. */
static fwd_status
find_trust(struct fwd_device *dev, struct trust_head *h)
{
	struct trust_head here;

	*h = (struct trust_head){ 0 };
	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		FWD_TRY(judge_trust_head(dev, i, &here));
		if (here.generation <= h->generation)
			continue;
		*h = here;
		dev->trust_bank = i;
	}
	if (fwd_launder64(h->generation) == 0)
		return FWD_E_STORE;
	if (fwd_launder64(~h->generation) == ~(uint64_t)0)
		fwd_panic();
	return FWD_OK;
}

static fwd_status
read_trust(struct fwd_device *dev, struct fwd_trust *t)
{
	struct trust_head h;

	FWD_TRY(find_trust(dev, &h));
	FWD_TRY(trust_append(dev, FWD_AREA_TRUST, dev->trust_bank, TRUST_HEAD,
	    h.anchors_n, &t->anchors));
	FWD_TRY(trust_append(dev, FWD_AREA_TRUST, dev->trust_bank, TRUST_HEAD +
	    h.anchors_n, h.revocations_n, &t->revocations));
	if (t->revocations.n != 0)
		FWD_TRY(fwd_revocations_stored(t->revocations, &t->list));
	t->release = h.release;
	t->generation = h.generation;
	return FWD_OK;
}

/* Write the next generation, which is in force then. */
static fwd_status
write_trust(struct fwd_device *dev, const struct fwd_trust *t)
{
	const uint32_t bank = t->generation == 1 ? 0 : 1 - dev->trust_bank;
	const uint64_t size = FWD_TRUST_OVERHEAD + t->anchors.n +
	    t->revocations.n;
	uint8_t head[TRUST_HEAD], *p = head + sizeof trust_magic;
	struct fwd_body b;

	if (size > dev->trust_size)
		return FWD_E_STORE_SIZE;
	memcpy(head, trust_magic, sizeof trust_magic);
	p = fwd_put64(p, t->generation);
	p = fwd_put64(p, t->release);
	p = fwd_put64(p, t->anchors.n);
	(void)fwd_put64(p, t->revocations.n);
	FWD_TRY(dev->flash->erase(dev->flash->ctx, FWD_AREA_TRUST, bank,
	    dev->trust_size));
	FWD_TRY(fwd_body_begin(&b, dev, FWD_AREA_TRUST, bank, 0));
	FWD_TRY(fwd_body_put(&b, fwd_span_of(head, sizeof head)));
	FWD_TRY(fwd_body_put(&b, t->anchors));
	FWD_TRY(fwd_body_put(&b, t->revocations));
	FWD_TRY(fwd_body_end(&b));
	dev->trust_bank = bank;
	dev->in_force = *t;
	return FWD_OK;
}

fwd_status
fwd_trust_init(struct fwd_device *dev)
{
	const struct fwd_trust none = { .generation = 1 };

	if (dev->trust_size == 0)
		return FWD_OK;
	FWD_TRY(dev->flash->erase(dev->flash->ctx, FWD_AREA_TRUST, 1,
	    dev->trust_size));
	return write_trust(dev, &none);
}

/* ---- the policy with what is in force -------------------------------- */

/* Put the anchors of a list in place of the policy's; an empty one leaves
   those. */
static fwd_status
use_anchors(struct fwd_device *dev, struct fwd_span list,
    struct fwd_anchor anchor[FWD_ANCHORS_MAX], struct fwd_policy *policy)
{
	size_t n;

	*policy = *dev->base;
	if (fwd_launder64(list.n) == 0) {
		if (fwd_launder64(~(uint64_t)list.n) != ~(uint64_t)0)
			fwd_panic();
		return FWD_OK;
	}
	FWD_TRY(fwd_anchors_read(list, anchor, &n));
	policy->anchor = anchor;
	policy->anchors = n;
	return FWD_OK;
}

void
fwd_trust_begin(struct fwd_device *dev)
{
	dev->base = dev->run->policy;
	dev->in_force = (struct fwd_trust){ 0 };
	dev->trust_n = 0;
}

void
fwd_trust_done(struct fwd_device *dev)
{
	dev->run->policy = dev->base;
}

fwd_status
fwd_trust_load(struct fwd_device *dev)
{
	struct fwd_trust t = { 0 };

	dev->in_force = t;
	dev->trust_n = 0;
	if (dev->trust_size == 0)
		return FWD_OK;
	FWD_TRY(read_trust(dev, &t));
	FWD_TRY(use_anchors(dev, t.anchors, dev->anchor, &dev->policy));
	if (fwd_launder64(t.revocations.n) != 0)
		dev->policy.revoked = t.list.revoked;
	else if (fwd_launder64(~(uint64_t)t.revocations.n) != ~(uint64_t)0)
		fwd_panic();
	dev->in_force = t;
	dev->run->policy = &dev->policy;
	return fwd_policy_check(&dev->policy);
}

fwd_status
fwd_trust_of_record(struct fwd_device *dev)
{
	struct fwd_span list = { 0 };
	uint8_t *p;

	if (dev->trust_size == 0)
		return FWD_OK;
	if (dev->record.anchors_n != 0) {
		FWD_TRY(trust_room(dev, dev->record.anchors_n, &p));
		FWD_TRY(fwd_record_anchors(dev, dev->bank, p));
		list = fwd_span_of(p, (size_t)dev->record.anchors_n);
	}
	FWD_TRY(use_anchors(dev, list, dev->anchor, &dev->policy));
	dev->policy.revoked = fwd_span_of(NULL, 0);
	dev->run->policy = &dev->policy;
	return FWD_OK;
}

bool
fwd_trust_changed(const struct fwd_device *dev)
{
	return fwd_launder64(dev->record.anchors_n) != 0 ||
	    fwd_launder64(dev->in_force.anchors.n) != 0 ||
	    fwd_launder64(dev->in_force.revocations.n) != 0;
}

/* ---- what a release has brought -------------------------------------- */

/* The list in an image of the record at hand, as it was recorded. */
static fwd_status
read_image_list(struct fwd_device *dev, const struct fwd_record_image *image,
    struct fwd_span *list)
{
	uint8_t digest[FWD_DIGEST_MAX];

	FWD_TRY(trust_append(dev, image->area, fwd_bank_of(dev, image->area), 0,
	    image->size, list));
	FWD_TRY(fwd_hash(dev->run->crypto, image->alg, *list, digest));
	return fwd_equal(digest, image->digest, fwd_digest_size(image->alg),
	    FWD_E_IMAGE);
}

static fwd_status
judge_anchors(struct fwd_device *dev, struct fwd_span list)
{
	struct fwd_policy policy;

	if (list.n == 0 ||
	    use_anchors(dev, list, dev->next, &policy) != FWD_OK ||
	    fwd_policy_check(&policy) != FWD_OK)
		return FWD_E_ANCHOR_LIST;
	return FWD_OK;
}

/* The list that is in force needs nobody's signature any more. */
static bool
is_in_force(const struct fwd_device *dev, struct fwd_span data)
{
	const struct fwd_span now = dev->in_force.revocations;

	return data.n == now.n &&
	    fwd_equal(data.p, now.p, data.n, FWD_E_REVOCATIONS) == FWD_OK;
}

/* An older list does no harm: a newer one may have come by itself. */
static fwd_status
judge_revocations(struct fwd_device *dev, struct fwd_span data,
    struct fwd_revocations *list)
{
	const struct fwd_trust *const now = &dev->in_force;

	*list = now->list;
	if (is_in_force(dev, data))
		return FWD_OK;
	FWD_TRY(fwd_revocations_read(dev->run->crypto, dev->run->policy, data,
	    list));
	return now->revocations.n != 0 && list->number == now->list.number ?
	    FWD_E_REVOCATIONS_OLD : FWD_OK;
}

static fwd_status
judge_image(struct fwd_device *dev, const struct fwd_record_image *image)
{
	const uint32_t kind = dev->component[image->area].kind;
	struct fwd_revocations list;
	struct fwd_span data;
	fwd_status s;

	if (kind == FWD_KIND_IMAGE)
		return FWD_OK;
	FWD_TRY(read_image_list(dev, image, &data));
	if (kind == FWD_KIND_ANCHORS)
		return fwd_note(dev->run, FWD_STEP_ANCHOR_LIST,
		    judge_anchors(dev, data), image->area, 0,
		    fwd_hint_size(data.n), fwd_hint_none());
	s = judge_revocations(dev, data, &list);
	return fwd_note(dev->run, FWD_STEP_REVOCATIONS, s, image->area, 0,
	    fwd_hint_uint(&list.number), fwd_hint_none());
}

/*
 * Does the area hold any list of anchors together with any list of revoked
 * keys, of those in force, those that a release in a bank has brought and one
 * of n bytes?  Whichever are confirmed, and in whatever order, they fit.
 */
static fwd_status
check_fit(const struct fwd_device *dev, uint64_t n)
{
	uint64_t anchors = dev->in_force.anchors.n;
	uint64_t revocations = dev->in_force.revocations.n;

	if (n > revocations)
		revocations = n;
	for (uint32_t i = 0; i < FWD_BANKS; i++) {
		if (dev->brings[i].anchors > anchors)
			anchors = dev->brings[i].anchors;
		if (dev->brings[i].revocations > revocations)
			revocations = dev->brings[i].revocations;
	}
	return anchors <= dev->trust_size - FWD_TRUST_OVERHEAD &&
	    revocations <= dev->trust_size - FWD_TRUST_OVERHEAD - anchors ?
	    FWD_OK : FWD_E_STORE_SIZE;
}

/* What would not fit is not recorded. */
fwd_status
fwd_trust_judge(struct fwd_device *dev)
{
	const struct fwd_record *const rec = &dev->record;
	uint32_t i;

	for (i = 0; i < rec->images; i++)
		FWD_TRY(judge_image(dev, &rec->image[i]));
	if (fwd_launder(i) != rec->images)
		fwd_panic();
	return dev->trust_size == 0 ? FWD_OK : check_fit(dev, 0);
}

/* May a list of that number follow the one in force?  Asked twice. */
static bool
is_news(const struct fwd_trust *now, uint64_t number)
{
	if (fwd_launder64(now->revocations.n) == 0) {
		if (fwd_launder64(~(uint64_t)now->revocations.n) !=
		    ~(uint64_t)0)
			fwd_panic();
		return true;
	}
	if (fwd_launder64(number) <= now->list.number) {
		if (fwd_launder64(now->list.number) < number)
			fwd_panic();
		return false;
	}
	if (fwd_launder64(now->list.number) >= number)
		fwd_panic();
	return true;
}

/* Judged when it was installed: only whether it is news counts. */
static fwd_status
take_image(struct fwd_device *dev, const struct fwd_record_image *image,
    struct fwd_trust *t)
{
	const uint32_t kind = dev->component[image->area].kind;
	const uint64_t release = dev->record.bank.sequence_number;
	struct fwd_revocations list;
	struct fwd_span data;

	if (kind == FWD_KIND_IMAGE)
		return FWD_OK;
	FWD_TRY(read_image_list(dev, image, &data));
	if (kind == FWD_KIND_ANCHORS && release >= t->release &&
	    !fwd_span_equal(data, t->anchors)) {
		FWD_TRY(judge_anchors(dev, data));
		t->anchors = data;
		t->release = release;
	}
	if (kind != FWD_KIND_REVOCATIONS)
		return FWD_OK;
	FWD_TRY(fwd_revocations_stored(data, &list));
	if (is_news(t, list.number)) {
		t->revocations = data;
		t->list = list;
	}
	return FWD_OK;
}

fwd_status
fwd_trust_take(struct fwd_device *dev)
{
	const struct fwd_record *const rec = &dev->record;
	struct fwd_trust t = dev->in_force;

	if (dev->trust_size == 0)
		return FWD_OK;
	if (dev->in_force.generation == 0)
		return FWD_E_STORE;
	/* The anchors of a record are done with. */
	dev->trust_n = t.anchors.n + t.revocations.n;
	for (uint32_t i = 0; i < rec->images; i++)
		FWD_TRY(take_image(dev, &rec->image[i], &t));
	if (t.anchors.p == dev->in_force.anchors.p &&
	    t.revocations.p == dev->in_force.revocations.p)
		return FWD_OK;
	t.generation++;
	return write_trust(dev, &t);
}

/* ---- a list that comes by itself ------------------------------------- */

/* FWD_E_REVOCATIONS_OLD unless it is news, or what is in force. */
static fwd_status
check_news(struct fwd_device *dev, struct fwd_span data, uint64_t number)
{
	const struct fwd_trust *const now = &dev->in_force;
	const bool good = is_in_force(dev, data) || is_news(now, number);

	return fwd_note(dev->run, FWD_STEP_REVOCATIONS, good ? FWD_OK :
	    FWD_E_REVOCATIONS_OLD, FWD_NO_INDEX, 0, fwd_hint_uint(&number),
	    fwd_at_least(fwd_hint_uint(&now->list.number)));
}

fwd_status
fwd_trust_revoke(struct fwd_device *dev, struct fwd_span data)
{
	struct fwd_trust t = dev->in_force;
	fwd_status s = FWD_OK;

	if (!is_in_force(dev, data))
		s = fwd_revocations_read(dev->run->crypto, dev->run->policy,
		    data, &t.list);
	FWD_TRY(fwd_note(dev->run, FWD_STEP_REVOCATIONS, s, FWD_NO_INDEX, 0,
	    fwd_hint_size(data.n), fwd_hint_none()));
	FWD_TRY(check_news(dev, data, t.list.number));
	if (is_in_force(dev, data))
		return FWD_OK;
	FWD_TRY(check_fit(dev, data.n));
	t.revocations = data;
	t.generation++;
	return write_trust(dev, &t);
}
