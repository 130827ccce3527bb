/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of installed releases.  The body is: the head below, an entry for
 * each image, the anchors it was judged by if a release had replaced those of
 * the policy, and the envelope.  A record counts when its commit mark is
 * written, which happens after the body was read back.  Of the envelope the
 * payloads and the severed command sequences are left out; the text is kept if
 * there is room, so that a device can say what it runs.
 */
#include "device/internal.h"
#include "device/record.h"

enum {
	BODY = FWD_MARKS * FWD_WRITE_MAX,	/* where it begins */
	/* head: magic, sequence number, number, lengths of envelope and anchors,
	   images */
	HEAD = 8 + 8 + 8 + 8 + 8 + 8,
	/* entry: area, algorithm, size, digest */
	ENTRY = 8 + 8 + 8 + FWD_DIGEST_MAX,
};

_Static_assert(BODY + HEAD + FWD_COMPONENTS_MAX * ENTRY +
    FWD_BODY_DIGEST + FWD_WRITE_MAX <= FWD_RECORD_OVERHEAD,
    "FWD_RECORD_OVERHEAD is too small");

static const uint8_t magic[8] = { 'F', 'W', 'R', 'E', 'C', 'O', 'R', '1' };
/* A mark that is written; far from erased and from all zeros. */
static const uint8_t mark_set[FWD_WRITE_MAX] = {
	0x5a, 0x3c, 0xc3, 0xa5, 0x69, 0x96, 0x0f, 0xf0,
	0x5a, 0x3c, 0xc3, 0xa5, 0x69, 0x96, 0x0f, 0xf0,
	0x5a, 0x3c, 0xc3, 0xa5, 0x69, 0x96, 0x0f, 0xf0,
	0x5a, 0x3c, 0xc3, 0xa5, 0x69, 0x96, 0x0f, 0xf0,
};

/* ---- marks ----------------------------------------------------------- */

enum mark_state { MARK_ERASED, MARK_TORN, MARK_SET };

static fwd_status
read_mark(struct fwd_device *dev, uint32_t bank, enum fwd_mark mark,
    enum mark_state *state)
{
	uint8_t unit[FWD_WRITE_MAX];
	uint8_t ones = 0xff;

	*state = MARK_TORN;
	FWD_TRY(dev->flash->read(dev->flash->ctx, FWD_AREA_RECORD, bank,
	    (uint64_t)mark * FWD_WRITE_MAX, unit, sizeof unit));
	for (size_t i = 0; i < sizeof unit; i++)
		ones &= unit[i];
	if (ones == 0xff)
		*state = MARK_ERASED;
	else if (fwd_equal(unit, mark_set, sizeof unit, FWD_E_STORE) ==
	    FWD_OK)
		*state = MARK_SET;
	return FWD_OK;
}

fwd_status
fwd_record_mark(struct fwd_device *dev, uint32_t bank, enum fwd_mark mark)
{
	enum mark_state state;

	FWD_TRY(dev->flash->write(dev->flash->ctx, FWD_AREA_RECORD, bank,
	    (uint64_t)mark * FWD_WRITE_MAX, mark_set, sizeof mark_set));
	FWD_TRY(read_mark(dev, bank, mark, &state));
	return state == MARK_SET ? FWD_OK : FWD_E_STORE;
}

/* Power may have failed at the first one, and not all flash can be written
   again where it did. */
fwd_status
fwd_record_confirm(struct fwd_device *dev, uint32_t bank)
{
	enum mark_state state;

	FWD_TRY(read_mark(dev, bank, FWD_MARK_CONFIRMED, &state));
	return fwd_record_mark(dev, bank, state == MARK_ERASED ?
	    FWD_MARK_CONFIRMED : FWD_MARK_CONFIRMED_SPARE);
}

/*
 * Clear the mark that makes the record count first: an erasure that is cut may
 * leave it and take away the others.
 */
fwd_status
fwd_record_erase(struct fwd_device *dev, uint32_t bank)
{
	static const uint8_t cleared[FWD_WRITE_MAX];
	const struct fwd_flash *const f = dev->flash;
	enum mark_state state;

	FWD_TRY(read_mark(dev, bank, FWD_MARK_COMMIT, &state));
	if (state != MARK_ERASED)
		FWD_TRY(f->write(f->ctx, FWD_AREA_RECORD, bank,
		    (uint64_t)FWD_MARK_COMMIT * FWD_WRITE_MAX, cleared,
		    sizeof cleared));
	return f->erase(f->ctx, FWD_AREA_RECORD, bank, dev->record_size);
}

/* One mark is whole, or both were begun: then it was asked for twice. */
static bool
is_confirmed(const enum mark_state mark[FWD_MARKS])
{
	const enum mark_state spare = mark[FWD_MARK_CONFIRMED_SPARE];

	return mark[FWD_MARK_CONFIRMED] == MARK_SET || spare == MARK_SET ||
	    (mark[FWD_MARK_CONFIRMED] == MARK_TORN && spare == MARK_TORN);
}

/*
 * What the marks mean.  Confirmation has to be whole; that the release was
 * tried or has failed counts as soon as a bit of it is there.
 */
static fwd_status
read_state(struct fwd_device *dev, uint32_t bank, enum fwd_bank_state *state)
{
	enum mark_state mark[FWD_MARKS];

	*state = FWD_BANK_EMPTY;
	for (uint32_t i = 0; i < FWD_MARKS; i++)
		FWD_TRY(read_mark(dev, bank, (enum fwd_mark)i, &mark[i]));
	if (mark[FWD_MARK_COMMIT] != MARK_SET)
		return FWD_OK;
	if (mark[FWD_MARK_FAILED] != MARK_ERASED)
		*state = FWD_BANK_FAILED;
	else if (is_confirmed(mark))
		*state = FWD_BANK_CONFIRMED;
	else if (mark[FWD_MARK_TRIED] != MARK_ERASED)
		*state = FWD_BANK_TRIED;
	else
		*state = FWD_BANK_PENDING;
	return FWD_OK;
}

/* ---- reading --------------------------------------------------------- */

static fwd_status
read_body(struct fwd_device *dev, uint32_t bank, uint64_t off, void *p,
    size_t n)
{
	return dev->flash->read(dev->flash->ctx, FWD_AREA_RECORD, bank,
	    BODY + off, p, n);
}

/* The head; false when it cannot be one. */
static bool
decode_head(const struct fwd_device *dev, const uint8_t *head,
    struct fwd_record *rec)
{
	const uint8_t *p = head + sizeof magic;
	uint64_t images;

	if (memcmp(head, magic, sizeof magic) != 0)
		return false;
	rec->bank.sequence_number = fwd_take64(&p);
	rec->bank.number = fwd_take64(&p);
	rec->bank.envelope_n = fwd_take64(&p);
	rec->anchors_n = fwd_take64(&p);
	images = fwd_take64(&p);
	if (images > FWD_COMPONENTS_MAX || rec->anchors_n > dev->trust_size ||
	    rec->bank.envelope_n > dev->run->envelope_max ||
	    rec->bank.envelope_n + rec->anchors_n >
	    dev->record_size - FWD_RECORD_OVERHEAD)
		return false;
	rec->images = (uint32_t)images;
	return true;
}

static bool
decode_image(const struct fwd_device *dev, const uint8_t *entry,
    struct fwd_record_image *image)
{
	const uint8_t *p = entry;
	const uint64_t area = fwd_take64(&p);

	image->alg = (int64_t)fwd_take64(&p);
	image->size = fwd_take64(&p);
	memcpy(image->digest, p, FWD_DIGEST_MAX);
	if (area >= dev->components || fwd_digest_size(image->alg) == 0 ||
	    image->size > dev->component[area].size)
		return false;
	image->area = (uint32_t)area;
	return true;
}

/* Where the anchors lie, with the envelope behind them. */
static uint64_t
anchors_at(const struct fwd_record *rec)
{
	return HEAD + (uint64_t)rec->images * ENTRY;
}

/* Length of the body before its digest. */
static uint64_t
body_size(const struct fwd_record *rec)
{
	return anchors_at(rec) + rec->anchors_n + rec->bank.envelope_n;
}

/* FWD_E_IMAGE: there is no record that holds. */
static fwd_status
read_content(struct fwd_device *dev, uint32_t bank, struct fwd_record *rec)
{
	uint8_t part[ENTRY];

	FWD_TRY(read_body(dev, bank, 0, part, HEAD));
	if (!decode_head(dev, part, rec))
		return FWD_E_IMAGE;
	for (uint32_t i = 0; i < rec->images; i++) {
		FWD_TRY(read_body(dev, bank, HEAD + (uint64_t)i * ENTRY, part,
		    ENTRY));
		if (!decode_image(dev, part, &rec->image[i]))
			return FWD_E_IMAGE;
	}
	return fwd_body_check(dev, FWD_AREA_RECORD, bank, BODY,
	    body_size(rec));
}

static fwd_status
read_once(struct fwd_device *dev, uint32_t bank)
{
	struct fwd_record *const rec = &dev->record;
	fwd_status s;

	memset(rec, 0, sizeof *rec);
	FWD_TRY(read_state(dev, bank, &rec->bank.state));
	if (rec->bank.state == FWD_BANK_EMPTY)
		return FWD_OK;
	s = read_content(dev, bank, rec);
	if (s == FWD_E_IMAGE) {
		memset(rec, 0, sizeof *rec);
		return FWD_OK;
	}
	return s;
}

/* What is confirmed may be older than the counter, what does not seem so may be
   overwritten: read twice. */
fwd_status
fwd_record_read(struct fwd_device *dev, uint32_t bank)
{
	enum fwd_bank_state first;

	FWD_TRY(read_once(dev, bank));
	first = dev->record.bank.state;
	FWD_TRY(read_once(dev, bank));
	if (fwd_launder(dev->record.bank.state) == first)
		return FWD_OK;
	memset(&dev->record, 0, sizeof dev->record);
	return FWD_E_FAULT;
}

fwd_status
fwd_record_envelope(struct fwd_device *dev, uint32_t bank,
    struct fwd_span *envelope)
{
	const size_t n = (size_t)dev->record.bank.envelope_n;

	*envelope = fwd_span_of(NULL, 0);
	FWD_TRY(read_body(dev, bank, anchors_at(&dev->record) +
	    dev->record.anchors_n, dev->run->envelope, n));
	*envelope = fwd_span_of(dev->run->envelope, n);
	return FWD_OK;
}

fwd_status
fwd_record_anchors(struct fwd_device *dev, uint32_t bank, uint8_t *to)
{
	return read_body(dev, bank, anchors_at(&dev->record), to,
	    (size_t)dev->record.anchors_n);
}

/* ---- writing --------------------------------------------------------- */

static fwd_status
put_head(struct fwd_body *w, const struct fwd_record *rec)
{
	uint8_t head[HEAD], *p = head + sizeof magic;

	memcpy(head, magic, sizeof magic);
	p = fwd_put64(p, rec->bank.sequence_number);
	p = fwd_put64(p, rec->bank.number);
	p = fwd_put64(p, rec->bank.envelope_n);
	p = fwd_put64(p, rec->anchors_n);
	(void)fwd_put64(p, rec->images);
	return fwd_body_put(w, fwd_span_of(head, sizeof head));
}

static fwd_status
put_image(struct fwd_body *w, const struct fwd_record_image *image)
{
	uint8_t entry[ENTRY], *p = entry;

	p = fwd_put64(p, image->area);
	p = fwd_put64(p, (uint64_t)image->alg);
	p = fwd_put64(p, image->size);
	memcpy(p, image->digest, FWD_DIGEST_MAX);
	return fwd_body_put(w, fwd_span_of(entry, sizeof entry));
}

/* An envelope as it is recorded: head, two pairs, perhaps the text. */
struct parts {
	struct fwd_span pairs;
	struct fwd_span text;		/* its byte string; n 0: left out */
	size_t n;
};

enum { PARTS_HEAD = 3, TEXT_KEY = 1 };

static fwd_status
take_parts(const struct fwd_device *dev, struct parts *parts)
{
	const struct fwd_envelope *const env = &dev->run->env;
	const uint64_t all = dev->record_size - FWD_RECORD_OVERHEAD;
	const uint64_t anchors = dev->in_force.anchors.n;
	const uint64_t room = all > anchors ? all - anchors : 0;
	struct fwd_cbor c = fwd_cbor_open(env->whole);
	struct fwd_cbor_map map;
	struct fwd_member m;
	uint64_t tag;
	size_t at = 0;

	FWD_TRY(fwd_cbor_tag(&c, &tag));
	FWD_TRY(fwd_cbor_map(&c, &map));
	parts->pairs = fwd_span_of(c.left.p,
	    (size_t)(env->members.p - c.left.p));
	parts->text = fwd_span_of(NULL, 0);
	parts->n = PARTS_HEAD + parts->pairs.n;
	if (parts->n > room)
		return FWD_E_STORE_SIZE;
	while (fwd_envelope_next(env, &at, &m)) {
		if (m.key != FWD_MAN_TEXT ||
		    m.bstr.n + TEXT_KEY > room - parts->n)
			continue;
		parts->text = m.bstr;
		parts->n += TEXT_KEY + m.bstr.n;
	}
	return FWD_OK;
}

fwd_status
fwd_record_envelope_size(const struct fwd_device *dev, uint64_t *n)
{
	struct parts parts;

	*n = 0;
	FWD_TRY(take_parts(dev, &parts));
	*n = parts.n;
	return FWD_OK;
}

static fwd_status
put_envelope(struct fwd_body *w)
{
	static const uint8_t key = FWD_MAN_TEXT;
	uint8_t head[PARTS_HEAD] = { 0xd8, 0x6b, 0xa2 };
	struct parts parts;

	FWD_TRY(take_parts(w->dev, &parts));
	if (parts.text.n != 0)
		head[2] = 0xa3;
	FWD_TRY(fwd_body_put(w, fwd_span_of(head, sizeof head)));
	FWD_TRY(fwd_body_put(w, parts.pairs));
	if (parts.text.n == 0)
		return FWD_OK;
	FWD_TRY(fwd_body_put(w, fwd_span_of(&key, sizeof key)));
	return fwd_body_put(w, parts.text);
}

fwd_status
fwd_record_write(struct fwd_device *dev, uint32_t bank)
{
	const struct fwd_record *const rec = &dev->record;
	struct fwd_body w;

	FWD_TRY(fwd_body_begin(&w, dev, FWD_AREA_RECORD, bank, BODY));
	FWD_TRY(put_head(&w, rec));
	for (uint32_t i = 0; i < rec->images; i++)
		FWD_TRY(put_image(&w, &rec->image[i]));
	FWD_TRY(fwd_body_put(&w, dev->in_force.anchors));
	FWD_TRY(put_envelope(&w));
	FWD_TRY(fwd_body_end(&w));
	return fwd_record_mark(dev, bank, FWD_MARK_COMMIT);
}
