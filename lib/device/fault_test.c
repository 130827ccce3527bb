/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults: each value that a decision goes by is replaced by another one, one at
 * a time.  Whatever is wrong with a bundle, no single lie may get it accepted.
 */
#include "device/testlies.h"

#include "device/testbundle.h"

/* ---- what is wrong ---------------------------------------------------- */

enum wrong {
	NOTHING, SIGNATURE, SIGNER, UNSIGNED, MANIFEST, INSTALL_SEVERED,
	ROLLBACK, VENDOR, PAYLOAD, PAYLOAD_SIZE, ATTACHMENT, STORAGE, ROOM,
	THRESHOLD, EXPIRED, PURPOSE, TRAILING, LEAF_REVOKED, ROOT_REVOKED,
	WRONGS
};
static const struct {
	const char *name;
	fwd_status want;
} wrongs[WRONGS] = {
	[NOTHING] = { "nothing", FWD_OK },
	[SIGNATURE] = { "signature", FWD_E_SIG },
	[SIGNER] = { "signer", FWD_E_ANCHOR },
	[UNSIGNED] = { "bare signature", FWD_E_ANCHOR },
	[MANIFEST] = { "manifest", FWD_E_MANIFEST_DIGEST },
	[INSTALL_SEVERED] = { "severed element", FWD_E_SEVERED },
	[ROLLBACK] = { "sequence number", FWD_E_ROLLBACK },
	[VENDOR] = { "vendor", FWD_E_VENDOR },
	[PAYLOAD] = { "payload", FWD_E_PAYLOAD_DIGEST },
	[PAYLOAD_SIZE] = { "payload size", FWD_E_PAYLOAD_SIZE },
	[ATTACHMENT] = { "attachment", FWD_E_ATTACHMENT_DIGEST },
	[STORAGE] = { "storage", FWD_E_IMAGE },
	[ROOM] = { "room", FWD_E_STORE_SIZE },
	[THRESHOLD] = { "signers", FWD_E_THRESHOLD },
	[EXPIRED] = { "clock", FWD_E_CERT_LATE },
	[PURPOSE] = { "purpose", FWD_E_CERT_EKU },
	[TRAILING] = { "trailing data", FWD_E_TRAILING },
	[LEAF_REVOKED] = { "revoked key", FWD_E_REVOKED },
	[ROOT_REVOKED] = { "revoked root", FWD_E_REVOKED },
};

/* Find a text in a bundle. */
static uint8_t *
find(struct fw_buf *b, const void *p, size_t n)
{
	for (size_t i = 0; i + n <= b->n; i++)
		if (memcmp(b->p + i, p, n) == 0)
			return b->p + i;
	cr_assert_fail("not in the bundle");
	return NULL;
}

static struct fw_buf
spoil_bundle(enum wrong w)
{
	static const struct fwd_span email = {
	    (const uint8_t *)"\x2b\x06\x01\x05\x05\x07\x03\x04", 8 };
	static uint8_t revoked[FWD_KEY_ID];
	struct recipe r = single;
	struct fw_buf b;

	r.blocks = 1;
	r.block[0].pki = w == SIGNER ? other : pki;
	r.block[0].broken = w == SIGNATURE || w == UNSIGNED;
	r.block[0].bare = w == UNSIGNED;
	if (w == INSTALL_SEVERED) {
		r = severed;
		r.members = "{20: $plain, 23: $plain}";
	}
	if (w == VENDOR) {
		r.manifest = "{1: 1, 2: 7, 3: <<{2: [[h'00']], 4: <<[20, "
		    "{1: h'" KIT_CLASS "'}, 1, 15]>>}>>}";
		r.members = "{}";
		r.files = "";
	}
	if (w == PAYLOAD_SIZE)
		r.manifest = COMMON(", 20, {3: $a, 14: 701}")
		    "7: <<[3, 15]>>, 20: <<" INSTALL ">>, 23: $text_d}";
	b = make_bundle(&r);
	if (w == MANIFEST)
		find(&b, "\x67" "app.bin", 8)[7] ^= 1;
	if (w == PAYLOAD)
		find(&b, app_a, sizeof app_a)[0] ^= 1;
	if (w == ATTACHMENT)
		find(&b, sbom, sizeof sbom)[0] ^= 1;
	if (w == TRAILING)
		kit_add(&b, "", 1);
	if (w == ROLLBACK)
		dev->sequence_number = 8;
	if (w == STORAGE)
		dev->spoil = 1;
	if (w == ROOM)
		dev->capacity = sizeof app_a - 1;
	if (w == THRESHOLD)
		dev->policy.threshold = 2;
	if (w == UNSIGNED)
		dev->policy.anchor = &pki->bare_anchor;
	if (w == EXPIRED) {
		dev->policy.clock = FWD_CLOCK_TRUSTED;
		dev->now = TP_NOT_AFTER + 1;
	}
	if (w == PURPOSE)
		dev->policy.purpose = email;
	if (w == LEAF_REVOKED || w == ROOT_REVOKED) {
		kit_sha256(w == LEAF_REVOKED ? pki->bare_anchor.spki :
		    pki->anchor.spki, revoked);
		dev->policy.revoked = (struct fwd_span){ revoked,
		    sizeof revoked };
	}
	return b;
}

/* ---- every lie in every place ------------------------------------------ */

static void
lie_everywhere(enum wrong w)
{
	struct fw_buf b;
	/* volatile: they have to survive longjmp() */
	volatile size_t n, at, caught = 0, refused = 0;
	volatile unsigned k;

	open_bench();
	kit_store_on(dev);
	dev->port.invoke = kit_invoke;
	dev->port.trace.fn = NULL;	/* it would take most of the time */
	dev->ctx.transfer_n = 4096;
	b = spoil_bundle(w);
	lie_at = 0;
	/* once to fill the cache of signatures, once to count */
	kit_eq(kit_check(dev, fw_buf_span(&b)), wrongs[w].want,
	    wrongs[w].name);
	times_asked = 0;
	kit_eq(kit_check(dev, fw_buf_span(&b)), wrongs[w].want,
	    wrongs[w].name);
	n = times_asked;
	cr_assert_gt(n, 100);
	for (at = 1; at <= n; at++) {
		for (k = 0; k < NLIES; k++) {
			times_asked = 0;
			lie_at = at;
			lie = k;
			if (setjmp(panicked) != 0) {
				caught++;
				continue;
			}
			cr_assert_neq(kit_check(dev, fw_buf_span(&b)), FWD_OK,
			    "%s: accepted after lie %u at %zu",
			    wrongs[w].name, k, at);
			cr_assert_eq(dev->invoked, 0);
			refused++;
		}
	}
	(void)printf("fault: %s: %zu lies, %zu noticed, %zu refused anyway\n",
	    wrongs[w].name, n * NLIES, caught, refused);
	cr_assert_gt(caught, n / 2, "lies are not noticed");
	lie_at = 0;
	fw_buf_deinit(&b);
	close_bench();
}

#define WRONG(name, w) Test(fault, name) { lie_everywhere(w); }

WRONG(signature, SIGNATURE)
WRONG(signer, SIGNER)
WRONG(bare_signature, UNSIGNED)
WRONG(manifest, MANIFEST)
WRONG(severed_element, INSTALL_SEVERED)
WRONG(sequence_number, ROLLBACK)
WRONG(vendor, VENDOR)
WRONG(payload, PAYLOAD)
WRONG(payload_size, PAYLOAD_SIZE)
WRONG(attachment, ATTACHMENT)
WRONG(storage, STORAGE)
WRONG(room, ROOM)
WRONG(signers, THRESHOLD)
WRONG(clock, EXPIRED)
WRONG(purpose, PURPOSE)
WRONG(trailing_data, TRAILING)
WRONG(revoked_key, LEAF_REVOKED)
WRONG(revoked_root, ROOT_REVOKED)

/* The same code without lies accepts what is good. */
Test(fault, nothing, .init = open_bench, .fini = close_bench)
{
	struct fw_buf b;

	b = spoil_bundle(NOTHING);
	kit_store_on(dev);
	lie_at = 0;
	kit_eq(kit_check(dev, fw_buf_span(&b)), FWD_OK, dev->trace);
	fw_buf_deinit(&b);
}
