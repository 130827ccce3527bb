/* SPDX-License-Identifier: Apache-2.0 */
/* Trust anchors that a release replaces, and the area they are kept in. */
#include "device/testfaulty.h"
#include "device/testtrust.h"

/* ---- anchors ----------------------------------------------------------- */

Test(trust, anchors_replaced)
{
	for (size_t m = 0; m < MODES; m++) {
		struct bench *const b = after(modes[m], "");

		assert_in_force(b, 0, NO_LIST);
		go(b, "i1 b");
		assert_in_force(b, 0, NO_LIST);
		go(b, "c");
		assert_in_force(b, 1, 10);
		/* not before the release that brings them is confirmed */
		sign_by(b, 3, &b->next);
		refuses(b, 3, FWD_E_ANCHOR);
		go(b, "i2");
		assert_in_force(b, 1, 10);
		refuses(b, 3, FWD_E_ANCHOR);
		go(b, "b");
		assert_in_force(b, 1, 10);
		refuses(b, 3, FWD_E_ANCHOR);
		go(b, "c");
		assert_in_force(b, 2, 20);
		/* then the others instead */
		sign_by(b, 3, &b->pki);
		refuses(b, 3, FWD_E_ANCHOR);
		sign_by(b, 3, &b->next);
		go(b, "i3 b");
		assert_in_force(b, 2, 20);
		go(b, "c b");
		assert_in_force(b, 3, 30);
		bench_free(b);
	}
}

/* What was installed under anchors that are gone still boots and verifies; it
   does not bring them back. */
Test(trust, fallback)
{
	for (size_t m = 0; m < MODES; m++) {
		struct bench *const b = after(modes[m], "i1 b c i2 b c");

		cr_assert_eq(b->running, 1);
		go(b, "b");
		cr_assert_eq(b->runs, &b->release[2]);
		spoil(b, 1);
		for (unsigned times = 0; times < 3; times++) {
			forget(b);
			go(b, "b");
			cr_assert_eq(b->runs, &b->release[1]);
			cr_assert_eq(strstr(b->kit->trace, "signature") !=
			    NULL, modes[m] == FWD_BOOT_FULL);
			assert_in_force(b, 2, 20);
		}
		go(b, "c");
		assert_in_force(b, 2, 20);
		sign_by(b, 3, &b->pki);
		refuses(b, 3, FWD_E_ANCHOR);
		sign_by(b, 3, &b->next);
		go(b, "i3 b c");
		assert_in_force(b, 3, 30);
		/* and the other way round */
		go(b, "b");
		spoil(b, b->running);
		go(b, "b");
		cr_assert_eq(b->runs, &b->release[1]);
		assert_in_force(b, 3, 30);
		bench_free(b);
	}
}

/* In full mode each of the records verifies under the anchors it keeps, and
   under no others. */
Test(trust, record_keeps_anchors)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c i2 b c");
	const struct memory before = b->memory;
	struct fwd_anchor swapped[2];

	sign_by(b, 3, &b->next);
	go(b, "i3 b c b");
	cr_assert_eq(b->runs, &b->release[3]);
	spoil(b, b->running);
	go(b, "b");
	cr_assert_eq(b->runs, &b->release[2]);
	/* a device whose policy has other anchors: those of the records */
	b->memory = before;
	swapped[0] = b->next.anchor;
	swapped[1] = b->revoker.anchor;
	b->kit->policy.anchor = swapped;
	go(b, "b");
	cr_assert_eq(b->runs, &b->release[2]);
	/* the first was installed under the policy's own */
	spoil(b, b->running);
	cr_assert_eq(fwd_device_boot(&b->dev, &b->running),
	    FWD_E_NOTHING_BOOTABLE);
	bench_free(b);
}

/* Installed under anchors that are not in force any more when it would boot for
   the first time. */
Test(trust, pending_when_anchors_change)
{
	for (size_t m = 0; m < MODES; m++)
		for (unsigned good = 0; good < 2; good++) {
			struct bench *const b = after(modes[m], "i2 b");

			if (good == 0)	/* else by both */
				sign_by(b, 3, &b->pki);
			go(b, "i3");
			go(b, "c");
			assert_in_force(b, 2, 20);
			go(b, "b");
			cr_assert_eq(b->runs, &b->release[good ? 3 : 2]);
			assert_states(b, FWD_BANK_CONFIRMED, good ?
			    FWD_BANK_TRIED : FWD_BANK_FAILED);
			bench_free(b);
		}
}

/* ---- rules and rights hold by place ------------------------------------ */

static const struct fwd_rule one_of_first = { .anchors = 1, .threshold = 1,
	.distinct = FWD_DISTINCT_KEYS };
static const struct fwd_right first_for_image = {
	{ part_id[0], sizeof part_id[0] }, 1 };

Test(trust, rules_by_place)
{
	for (unsigned right = 0; right < 2; right++) {
		struct bench *const b = new_device(FWD_BOOT_FULL);
		const fwd_status want = right ? FWD_E_RIGHT : FWD_E_RULE;

		if (right) {
			b->kit->policy.right = &first_for_image;
			b->kit->policy.rights = 1;
		} else {
			b->kit->policy.rule = &one_of_first;
			b->kit->policy.rules = 1;
		}
		set_revoked(&b->release[2], b->revoker.root_key, 20, NULL);
		set_revoked(&b->release[3], b->revoker.root_key, 30, NULL);
		go(b, "i1 b c");
		sign_by(b, 2, &b->revoker);
		kit_eq(bench_install(b, 2), want, b->kit->trace);
		sign_by(b, 2, &b->pki);
		go(b, "i2 b c");
		/* pki is at place 2 in the third list, next at 0 */
		sign_by(b, 3, &b->next);
		go(b, "i3 b c");
		b->release[1].sequence_number = 100;
		set_revoked(&b->release[1], b->revoker.root_key, 40, NULL);
		for (unsigned i = 0; i < 3; i++) {
			sign_by(b, 1, i == 0 ? &b->pki : i == 1 ?
			    &b->revoker : &b->next);
			kit_eq(bench_install(b, 1), i < 2 ? want : FWD_OK,
			    b->kit->trace);
		}
		bench_free(b);
	}
}

/* A list that the rules, the rights or the revokers cannot do with. */
Test(trust, too_few_anchors)
{
	static const struct fwd_rule both = { .anchors = 3, .threshold = 1,
		.distinct = FWD_DISTINCT_KEYS };
	static const struct fwd_right second = {
		{ part_id[0], sizeof part_id[0] }, 2 };

	for (unsigned i = 0; i < 4; i++) {
		struct bench *const b = new_device(FWD_BOOT_FULL);
		const struct kit_pki *const one[] = { &b->next };
		/* in the second case it is the second who may sign */
		const struct kit_pki *const by = i == 1 ? &b->revoker :
		    &b->pki;
		EVP_PKEY *const revoker = i == 3 ? b->revoker.root_key :
		    b->pki.root_key;

		if (i != 3)
			b->kit->policy.revokers = 1;
		if (i == 0) {
			b->kit->policy.rule = &both;
			b->kit->policy.rules = 1;
		}
		if (i == 1) {
			b->kit->policy.right = &second;
			b->kit->policy.rights = 1;
		}
		set_anchors(&b->release[2], one, 1);
		for (unsigned r = 1; r <= 2; r++) {
			set_revoked(&b->release[r], revoker, 10 * r, NULL);
			sign_by(b, r, by);
		}
		go(b, "i1 b c");
		if (i == 2) {
			kit_eq(bench_install(b, 2), FWD_OK, b->kit->trace);
		} else {
			refuses_lists(b, 2, FWD_E_ANCHOR_LIST);
			cr_assert_eq(b->runs, &b->release[1]);
			assert_in_force(b, 1, 10);
		}
		bench_free(b);
	}
}

/* ---- lists that could not come into force ------------------------------ */

Test(trust, bad_lists)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c");
	const struct fwd_span good[] = {
	    kit_dup(b->release[2].image[ANCHORS][0],
		b->release[2].size[ANCHORS]),
	    kit_dup(b->release[2].image[REVOKED][0],
		b->release[2].size[REVOKED]) };
	static const fwd_status want[] = { FWD_E_ANCHOR_LIST,
		FWD_E_REVOCATIONS };

	for (uint32_t part = ANCHORS; part <= REVOKED; part++) {
		const struct fwd_span list = good[part - ANCHORS];

		for (unsigned i = 0; i < 5; i++) {
			uint8_t bytes[SLOT];
			size_t n = list.n;

			memcpy(bytes, list.p, n);
			bytes[n] = 0;
			if (i == 0)
				n++;
			if (i == 1)
				n--;
			if (i == 2)
				n = 1;
			if (i == 3)
				bytes[1] ^= 1;
			if (i == 4) {	/* the other list */
				n = good[REVOKED - part].n;
				memcpy(bytes, good[REVOKED - part].p, n);
			}
			set_list(&b->release[2], part,
			    (struct fwd_span){ bytes, n });
			sign_by(b, 2, &b->pki);
			refuses_lists(b, 2, want[part - ANCHORS]);
			cr_assert_eq(b->runs, &b->release[1]);
		}
		set_list(&b->release[2], part, list);
	}
	set_revoked(&b->release[2], b->pki.root_key, 20, NULL);
	sign_by(b, 2, &b->pki);
	refuses_lists(b, 2, FWD_E_REVOCATIONS);
	assert_in_force(b, 1, 10);
	kit_free(good[0]);
	kit_free(good[1]);
	bench_free(b);
}

/* ---- a spoilt trust area ----------------------------------------------- */

/* Bytes of a generation with those lists. */
static size_t
used(size_t anchors, size_t revocations)
{
	return 40 + anchors + revocations + 32;
}

/* Each byte of one bank, spoilt: the other generation is in force. */
Test(trust, spoilt_area)
{
	struct bench *const b = after(FWD_BOOT_FAST, "i1 b c i2 b c");
	uint8_t (*const area)[RECORD] = b->memory.bytes[PARTS + 2];
	const size_t anchors = b->release[2].size[ANCHORS];
	size_t size[FWD_BANKS];
	struct fw_buf list = make_list(b, 25, NULL, 3);

	kit_eq(bench_revoke(b, fw_buf_span(&list)), FWD_OK, "");
	/* the fourth generation in bank 1, the third in bank 0 */
	size[0] = used(anchors, b->release[2].size[REVOKED]);
	size[1] = used(anchors, list.n);
	for (uint32_t bank = 0; bank < FWD_BANKS; bank++)
		for (size_t i = 0; i < TRUST; i++) {
			const uint8_t byte = area[bank][i];

			area[bank][i] ^= (uint8_t)(1u << i % 8);
			assert_in_force(b, 2, bank == 1 && i < size[1] ? 20 :
			    25);
			area[bank][i] = byte;
		}
	/* both of them: nothing is, and the factory's least of all */
	for (size_t i = 0; i < size[0]; i++) {
		struct fwd_bank have[FWD_BANKS];
		uint64_t counter;

		area[0][i] ^= (uint8_t)(1u << i % 8);
		area[1][i] ^= (uint8_t)(1u << i % 8);
		kit_eq(fwd_device_status(&b->dev, have, &counter),
		    FWD_E_STORE, "");
		cr_assert_eq(have[1].state, FWD_BANK_CONFIRMED);
		cr_assert_eq(counter, 7);
		cr_assert_eq(b->dev.in_force.generation, 0);
		area[0][i] ^= (uint8_t)(1u << i % 8);
		area[1][i] ^= (uint8_t)(1u << i % 8);
	}
	assert_in_force(b, 2, 25);
	fw_buf_deinit(&list);
	bench_free(b);
}

/* Without a trust area that holds: nothing new, what has run goes on. */
Test(trust, lost_area)
{
	static const uint8_t fill[] = { 0x00, 0xff, 0x5a };

	for (unsigned i = 0; i < 3 * MODES; i++) {
		struct bench *const b = after(modes[i / 3], "i1 b c i2 b c i3");

		memset(b->memory.bytes[PARTS + 2], fill[i % 3],
		    sizeof b->memory.bytes[0]);
		refuses(b, 3, FWD_E_STORE);
		revoke(b, make_list(b, 90, NULL, 1), FWD_E_STORE);
		go(b, "b");
		cr_assert_eq(b->runs, &b->release[2]);
		refuses(b, 3, FWD_E_STORE);
		kit_eq(bench_confirm(b), FWD_E_STORE, "");
		go(b, "b");
		cr_assert_eq(b->runs, &b->release[2]);
		bench_free(b);
	}
}

/* Confirmation counts all the same. */
Test(trust, lost_area_when_confirmed)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c i2 b");
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	memset(b->memory.bytes[PARTS + 2], 0, sizeof b->memory.bytes[0]);
	kit_eq(bench_confirm(b), FWD_E_STORE, "");
	kit_eq(fwd_device_status(&b->dev, bank, &counter), FWD_E_STORE, "");
	cr_assert_eq(counter, 7);
	cr_assert_eq(bank[1].state, FWD_BANK_CONFIRMED);
	bench_free(b);
}

/* ---- wrong use --------------------------------------------------------- */

Test(trust, wrong_use)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c");
	const struct fwd_device good = b->dev;
	struct fwd_device_component part[PARTS];
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;
	uint32_t k;

	memcpy(part, b->component, sizeof part);
	for (unsigned i = 0; i < 8; i++) {
		memcpy(b->component, part, sizeof part);
		b->dev = good;
		if (i == 0)
			b->component[REVOKED].kind = FWD_KIND_ANCHORS;
		if (i == 1)
			b->component[ANCHORS].kind = FWD_KIND_REVOCATIONS;
		if (i == 2)
			b->component[0].kind = 1;
		if (i == 3)
			b->dev.trust_size = 0;
		if (i == 4)
			b->dev.trust = NULL;
		if (i == 5)
			b->dev.trust_size = FWD_TRUST_OVERHEAD;
		if (i == 6)
			b->dev.trust_max = 2 * TRUST - 1;
		if (i == 7)
			b->dev.trust_size = UINT64_MAX;
		refuses(b, 2, FWD_E_API);
		kit_eq(fwd_device_boot(&b->dev, &k), FWD_E_API, "");
		kit_eq(fwd_device_confirm(&b->dev, 0), FWD_E_API, "");
		kit_eq(fwd_device_provision(&b->dev, 0), FWD_E_API, "");
		kit_eq(fwd_device_status(&b->dev, bank, &counter), FWD_E_API,
		    "");
		revoke(b, make_list(b, 60, NULL, 1), FWD_E_API);
	}
	memcpy(b->component, part, sizeof part);
	b->dev = good;
	assert_in_force(b, 1, 10);
	bench_free(b);
}

Test(trust, no_trust_area)
{
	struct bench *const b = bench_new(AB, FWD_BOOT_FULL);
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	kit_eq(bench_provision(b, 4), FWD_OK, "");
	go(b, "i1 b c i2 b c");
	b->kit->policy.revokers = 1;
	revoke(b, list_revoking(b->pki.root_key, FWD_ESP256, 1,
	    (struct fwd_span){ 0 }), FWD_E_API);
	kit_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK, "");
	cr_assert_eq(b->dev.in_force.generation, 0);
	cr_assert_eq(b->dev.in_force.anchors.n, 0);
	bench_free(b);
}

/* A new device begins again, whatever it was. */
Test(trust, provisioned_again)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c i2 b c");

	kit_eq(bench_provision(b, 4), FWD_OK, "");
	assert_in_force(b, 0, NO_LIST);
	go(b, "i1 b c");
	assert_in_force(b, 1, 10);
	bench_free(b);
}

/* ---- calls that fail --------------------------------------------------- */

/* What is done, and what is in force before and after it. */
static const struct {
	const char *setup;
	char action;			/* i, b, c: of release 2; r: 15 */
	uint64_t number;		/* afterwards */
} failing[] = {
	{ "i1 b c", 'i', 10 },
	{ "i1 b c i2", 'b', 10 },
	{ "i1 b c i2 b", 'c', 20 },
	{ "i1 b c i2 b c", 'b', 20 },
	{ "i1 b c", 'r', 15 },
};
enum { NFAILING = sizeof failing / sizeof failing[0] };

static fwd_status
act(struct bench *b, char action, struct fwd_span list)
{
	b->kit->kit.calls = 0;
	faulty.calls = 0;
	switch (action) {
	case 'i':
		return bench_install(b, 2);
	case 'b':
		return bench_boot(b);
	case 'c':
		return bench_confirm(b);
	default:
		return bench_revoke(b, list);
	}
}

/* One call has failed: the lists in force are those before or after, and when
   it is done once more it is as if nothing had been. */
static void
check_after(struct bench *b, size_t c, struct fwd_span list)
{
	const bool changed = failing[c].number != 10 &&
	    failing[c].action != 'b';
	const uint64_t number = failing[c].number;
	struct fwd_bank bank[FWD_BANKS];
	const struct fwd_trust *const t = &b->dev.in_force;
	uint64_t counter;

	faulty.fail_at = 0;
	b->kit->kit.fail_at = 0;
	forget(b);
	kit_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK, "");
	if (changed && t->list.number == 10)
		assert_in_force(b, 1, 10);
	else
		assert_in_force(b, number == 20 ? 2 : 1, number);
	kit_eq(act(b, failing[c].action, list), FWD_OK, b->kit->trace);
	assert_in_force(b, number == 20 ? 2 : 1, number);
	go(b, "b");
	if (failing[c].action == 'i')
		go(b, "c");
	if (failing[c].action == 'i' && b->runs == &b->release[2])
		assert_in_force(b, 2, 20);
}

static uint64_t
fail_each_call(size_t c, bool crypto)
{
	struct bench *const b = after(FWD_BOOT_FULL, failing[c].setup);
	struct fw_buf list = make_list(b, 15, b->next.mid_key, 2);
	const struct memory before = b->memory;
	const uint32_t running = b->running;
	uint64_t calls;

	faulty.real = b->port;
	faulty.fail_at = 0;
	b->port = (struct fwd_flash){ faulty.real.ctx, UNIT, faulty_erase,
	    faulty_write, faulty_read };
	kit_eq(act(b, failing[c].action, fw_buf_span(&list)), FWD_OK, "");
	calls = crypto ? b->kit->kit.calls : faulty.calls;
	for (uint64_t i = 1; i <= calls; i++) {
		b->memory = before;
		bench_power(b);
		b->running = running;
		b->kit->kit.fail_with = FWD_E_CRYPTO;
		b->kit->kit.fail_at = crypto ? i : 0;
		faulty.fail_at = crypto ? 0 : i;
		if (act(b, failing[c].action, fw_buf_span(&list)) == FWD_OK)
			/* what does not keep it from booting */
			cr_assert_eq(failing[c].action, 'b', "%c: call %llu",
			    failing[c].action, (unsigned long long)i);
		check_after(b, c, fw_buf_span(&list));
	}
	fw_buf_deinit(&list);
	bench_free(b);
	return calls;
}

Test(trust, failing_calls)
{
	uint64_t flash = 0, crypto = 0;

	for (size_t c = 0; c < NFAILING; c++) {
		flash += fail_each_call(c, false);
		crypto += fail_each_call(c, true);
	}
	printf("trust: %llu failing calls of flash, %llu of hashes and "
	    "signatures\n", (unsigned long long)flash,
	    (unsigned long long)crypto);
	(void)fflush(stdout);
	cr_assert(flash > 200 && crypto > 200);
}
