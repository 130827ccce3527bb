/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are revoked, on a device that installs, boots and confirms. */
#include "device/testtrust.h"

/* ---- numbers of revocation lists --------------------------------------- */

Test(trust_revoke, numbers_in_releases)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c");

	/* an older one, because a newer one came by itself: no effect */
	set_revoked(&b->release[2], b->revoker.root_key, 9, b->pki.leaf_key);
	sign_by(b, 2, &b->pki);
	go(b, "i2 b c b");
	assert_in_force(b, 2, 10);
	/* another one of that number */
	set_revoked(&b->release[3], b->revoker.root_key, 10,
	    b->revoker.leaf_key);
	sign_by(b, 3, &b->next);
	refuses_lists(b, 3, FWD_E_REVOCATIONS_OLD);
	assert_in_force(b, 2, 10);
	/* that very one, whoever may revoke by now */
	set_list(&b->release[3], REVOKED, get_list(&b->release[1], REVOKED));
	sign_by(b, 3, &b->next);
	b->kit->policy.revokers = 1;
	go(b, "i3 b c");
	assert_in_force(b, 3, 10);
	bench_free(b);
}

Test(trust_revoke, numbers_by_themselves)
{
	struct bench *const b = after(FWD_BOOT_FULL, "");

	revoke(b, make_list(b, 0, NULL, 1), FWD_OK);
	cr_assert_neq(b->dev.in_force.revocations.n, 0);
	revoke(b, make_list(b, 0, NULL, 2), FWD_E_REVOCATIONS_OLD);
	go(b, "i1 b c");
	assert_in_force(b, 1, 10);
	revoke(b, make_list(b, 9, NULL, 3), FWD_E_REVOCATIONS_OLD);
	revoke(b, make_list(b, 10, NULL, 1), FWD_E_REVOCATIONS_OLD);
	revoke(b, make_list(b, 15, NULL, 1), FWD_OK);
	assert_in_force(b, 1, 15);
	go(b, "i2 b c");
	assert_in_force(b, 2, 20);
	revoke(b, make_list(b, UINT64_MAX, NULL, 1), FWD_OK);
	assert_in_force(b, 2, UINT64_MAX);
	revoke(b, make_list(b, 0, NULL, 1), FWD_E_REVOCATIONS_OLD);
	go(b, "i3 b c");
	assert_in_force(b, 3, UINT64_MAX);
	bench_free(b);
}

Test(trust_revoke, the_same_list_again)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c");
	struct fw_buf list = make_list(b, 11, b->revoker.root_key, 0);
	const uint64_t before = b->flash.operations;

	kit_eq(bench_revoke(b, fw_buf_span(&list)), FWD_OK, "");
	cr_assert_gt(b->flash.operations, before);
	forget(b);
	/* though its own key is revoked by it: that stands already */
	kit_eq(bench_revoke(b, fw_buf_span(&list)), FWD_OK, "");
	cr_assert_eq(b->flash.operations, 0);
	assert_in_force(b, 1, 11);
	revoke(b, make_list(b, 12, NULL, 0), FWD_E_REVOKED);
	fw_buf_deinit(&list);
	bench_free(b);
}

Test(trust_revoke, bad_list_by_itself)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c");
	struct fw_buf list = make_list(b, 11, NULL, 2);

	for (size_t n = 0; n < list.n; n++)
		kit_eq(bench_revoke(b, (struct fwd_span){ list.p, n }),
		    FWD_E_REVOCATIONS, "");
	for (size_t i = 0; i < list.n; i++) {
		list.p[i] ^= (uint8_t)(1u << i % 8);
		cr_assert_neq(bench_revoke(b, fw_buf_span(&list)), FWD_OK);
		list.p[i] ^= (uint8_t)(1u << i % 8);
	}
	assert_in_force(b, 1, 10);
	revoke(b, list_revoking(b->pki.root_key, FWD_ESP256, 11,
	    (struct fwd_span){ 0 }), FWD_E_REVOCATIONS);
	revoke(b, list_revoking(b->revoker.leaf_key, FWD_ESP256, 11,
	    (struct fwd_span){ 0 }), FWD_E_REVOCATIONS);
	revoke(b, list, FWD_OK);
	assert_in_force(b, 1, 11);
	bench_free(b);
}

/* ---- what a revoked key keeps from booting ----------------------------- */

/* Of the one who has signed: leaf, authority, root. */
static EVP_PKEY *
key_of(const struct kit_pki *pki, unsigned i)
{
	return i == 0 ? pki->leaf_key : i == 1 ? pki->mid_key : pki->root_key;
}

Test(trust_revoke, pending_of_a_revoked_key)
{
	for (unsigned i = 0; i < 3 * MODES; i++) {
		struct bench *const b = after(modes[i / 3], "i1 b c i2");

		revoke(b, make_list(b, 11, key_of(&b->pki, i % 3), 2),
		    FWD_OK);
		forget(b);
		go(b, "b");
		cr_assert_eq(b->runs, &b->release[1]);
		assert_states(b, FWD_BANK_CONFIRMED, FWD_BANK_FAILED);
		cr_assert_not_null(strstr(b->kit->trace,
		    "'does not boot' certificate-revoked\n"));
		refuses(b, 2, FWD_E_REVOKED);
		refuses(b, 3, FWD_E_REVOKED);
		bench_free(b);
	}
}

Test(trust_revoke, pending_of_another_key)
{
	for (unsigned i = 0; i < 3 * MODES; i++) {
		struct bench *const b = after(modes[i / 3], "i1 b c i2");

		revoke(b, make_list(b, 11, key_of(&b->next, i % 3), 2),
		    FWD_OK);
		go(b, "b");
		cr_assert_eq(b->runs, &b->release[2]);
		bench_free(b);
	}
}

/* A device does not stop. */
Test(trust_revoke, confirmed_of_a_revoked_key)
{
	for (unsigned i = 0; i < 3 * MODES; i++) {
		struct bench *const b = after(modes[i / 3], "i1 b c i2 b");

		revoke(b, make_list(b, 30, key_of(&b->pki, i % 3), 2),
		    FWD_OK);
		go(b, "c b");
		cr_assert_eq(b->runs, &b->release[2]);
		assert_in_force(b, 2, 30);
		spoil(b, b->running);
		go(b, "b");
		cr_assert_eq(b->runs, &b->release[1]);
		bench_free(b);
	}
}

/* ---- both kinds together ----------------------------------------------- */

Test(trust_revoke, list_survives_new_anchors)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c");
	const struct kit_pki *const moved[] = { &b->next, &b->next };

	revoke(b, make_list(b, 50, b->next.leaf_key, 0), FWD_OK);
	/* the one who may revoke is another one from now on */
	set_anchors(&b->release[2], moved, 2);
	sign_by(b, 2, &b->pki);
	go(b, "i2 b c");
	assert_in_force(b, 2, 50);
	revoke(b, make_list(b, 51, NULL, 0), FWD_E_REVOCATIONS);
	/* and still counts */
	sign_by(b, 3, &b->next);
	refuses(b, 3, FWD_E_REVOKED);
	revoke(b, list_revoking(b->next.root_key, FWD_ESP256, 51,
	    (struct fwd_span){ 0 }), FWD_OK);
	assert_in_force(b, 2, 51);
	set_list(&b->release[3], REVOKED, b->dev.in_force.revocations);
	sign_by(b, 3, &b->next);
	go(b, "i3 b c");
	assert_in_force(b, 3, 51);
	bench_free(b);
}

/* The revoked keys of the caller's policy, until a list takes their place. */
Test(trust_revoke, policy_with_revoked_keys)
{
	struct bench *const b = new_device(FWD_BOOT_FULL);
	uint8_t id[FWD_KEY_ID];

	list_key_id(b->pki.mid_key, id);
	b->kit->policy.revoked = (struct fwd_span){ id, sizeof id };
	refuses(b, 1, FWD_E_REVOKED);
	revoke(b, make_list(b, 1, NULL, 1), FWD_OK);
	go(b, "i1 b c");
	assert_in_force(b, 1, 10);
	bench_free(b);
}

/* ---- room -------------------------------------------------------------- */

/* A device with a trust area of just what release 1 needs. */
static struct bench *
with_room(void)
{
	struct bench *const b = bench_new(KEYED, FWD_BOOT_FULL);

	b->dev.trust_size = FWD_TRUST_OVERHEAD + b->release[1].size[ANCHORS] +
	    b->release[1].size[REVOKED];
	kit_eq(bench_provision(b, 4), FWD_OK, "");
	return b;
}

Test(trust_revoke, room_for_a_release)
{
	struct bench *b = with_room();

	go(b, "i1 b c");
	assert_in_force(b, 1, 10);
	bench_free(b);
	b = with_room();
	b->dev.trust_size--;
	kit_eq(bench_install(b, 1), FWD_E_STORE_SIZE, b->kit->trace);
	assert_states(b, FWD_BANK_EMPTY, FWD_BANK_EMPTY);
	bench_free(b);
}

/* For the list, larger than any of a release, and for more anchors, which the
   second release brings; less so many bytes. */
static void
add_room(struct bench *b, const struct fw_buf *list, size_t less)
{
	const struct kit_pki *const more[] = { &b->next, &b->revoker, &b->pki };

	set_anchors(&b->release[2], more, 3);
	sign_by(b, 2, &b->pki);
	cr_assert_gt(list->n, b->release[1].size[REVOKED]);
	cr_assert_gt(b->release[2].size[ANCHORS], b->release[1].size[ANCHORS]);
	b->dev.trust_size += list->n - b->release[1].size[REVOKED] +
	    b->release[2].size[ANCHORS] - b->release[1].size[ANCHORS] - less;
}

/* The largest of each kind has to fit, because both may be in force. */
Test(trust_revoke, room_for_both)
{
	struct bench *b;
	struct fw_buf list;

	for (unsigned less = 0; less < 2; less++) {
		/* in force by itself, then a release with more anchors */
		b = with_room();
		list = make_list(b, 11, NULL, 9);
		add_room(b, &list, less);
		go(b, "i1 b c");
		revoke(b, list, FWD_OK);
		set_revoked(&b->release[2], b->revoker.root_key, 5, NULL);
		sign_by(b, 2, &b->pki);
		if (less != 0) {
			refuses_lists(b, 2, FWD_E_STORE_SIZE);
		} else {
			go(b, "i2 b c");
			assert_in_force(b, 2, 11);
		}
		bench_free(b);
		/* the other way round: the release is not confirmed yet */
		b = with_room();
		list = make_list(b, 25, NULL, 9);
		add_room(b, &list, less);
		go(b, "i1 b c i2");
		revoke(b, list, less != 0 ? FWD_E_STORE_SIZE : FWD_OK);
		go(b, "b c");
		assert_in_force(b, 2, less != 0 ? 20 : 25);
		bench_free(b);
	}
}

/* A record has to have room for the anchors it was judged by. */
Test(trust_revoke, room_in_the_record)
{
	struct bench *const b = after(FWD_BOOT_FULL, "i1 b c");
	const uint64_t size = b->release[1].size[ANCHORS];
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	sign_by(b, 2, &b->pki);		/* as long as that of the first */
	cr_assert_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK);
	b->dev.record_size = FWD_RECORD_OVERHEAD + size + bank[0].envelope_n
	    - 1;
	kit_eq(bench_install(b, 2), FWD_E_STORE_SIZE, b->kit->trace);
	b->dev.record_size++;
	go(b, "i2 b c b");
	cr_assert_eq(b->runs, &b->release[2]);
	bench_free(b);
}
