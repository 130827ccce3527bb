/* SPDX-License-Identifier: Apache-2.0 */
/* Installing, booting and confirming while power does not fail. */
#include "device/testfaulty.h"
#include "device/testpower.h"

static const uint32_t modes[] = { FWD_BOOT_FULL, FWD_BOOT_FAST };

/* A device that has been through these steps: "iN", "b", "c". */
static struct bench *
after(enum kind kind, uint32_t boot, const char *steps)
{
	struct bench *const b = bench_new(kind, boot);
	fwd_status s = bench_provision(b, 4);

	for (; *steps != '\0'; steps++) {
		cr_assert_eq(s, FWD_OK);
		if (*steps == 'i')
			s = bench_install(b, (unsigned)(steps[1] - '0'));
		else if (*steps == 'b')
			s = bench_boot(b);
		else if (*steps == 'c')
			s = bench_confirm(b);
	}
	kit_eq(s, FWD_OK, b->kit->trace);
	return b;
}

static void
assert_states(struct bench *b, enum fwd_bank_state first,
    enum fwd_bank_state second)
{
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	cr_assert_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK);
	cr_assert_str_eq(fwd_bank_state_name(bank[0].state),
	    fwd_bank_state_name(first));
	cr_assert_str_eq(fwd_bank_state_name(bank[1].state),
	    fwd_bank_state_name(second));
}

/* ---- a life ---------------------------------------------------------- */

Test(slots, every_kind_from_release_to_release)
{
	for (int kind = 0; kind < KINDS; kind++)
		for (size_t m = 0; m < 2; m++) {
			struct bench *const b = after((enum kind)kind,
			    modes[m], "");

			kit_eq(bench_boot(b), FWD_E_NOTHING_BOOTABLE, "");
			for (unsigned r = 1; r < RELEASES; r++) {
				kit_eq(bench_install(b, r), FWD_OK,
				    b->kit->trace);
				kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
				cr_assert_eq(b->runs, &b->release[r]);
				kit_eq(bench_confirm(b), FWD_OK, "");
				cr_assert_eq(bench_counter(b),
				    b->release[r].sequence_number);
				bench_power(b);
				kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
				cr_assert_eq(b->runs, &b->release[r]);
			}
			bench_free(b);
		}
}

Test(slots, states)
{
	struct bench *const b = after(AB, FWD_BOOT_FULL, "");
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;

	assert_states(b, FWD_BANK_EMPTY, FWD_BANK_EMPTY);
	kit_eq(bench_install(b, 1), FWD_OK, "");
	assert_states(b, FWD_BANK_PENDING, FWD_BANK_EMPTY);
	kit_eq(bench_boot(b), FWD_OK, "");
	assert_states(b, FWD_BANK_TRIED, FWD_BANK_EMPTY);
	cr_assert_eq(bench_counter(b), 4);
	kit_eq(bench_confirm(b), FWD_OK, "");
	assert_states(b, FWD_BANK_CONFIRMED, FWD_BANK_EMPTY);
	cr_assert_eq(bench_counter(b), 5);
	kit_eq(bench_install(b, 2), FWD_OK, "");
	assert_states(b, FWD_BANK_CONFIRMED, FWD_BANK_PENDING);
	kit_eq(bench_boot(b), FWD_OK, "");
	cr_assert_eq(b->running, 1);
	kit_eq(bench_boot(b), FWD_OK, "");
	cr_assert_eq(b->running, 0);
	assert_states(b, FWD_BANK_CONFIRMED, FWD_BANK_FAILED);
	cr_assert_eq(bench_counter(b), 5);
	cr_assert_eq(fwd_device_status(&b->dev, bank, &counter), FWD_OK);
	cr_assert_eq(bank[1].sequence_number, 7);
	cr_assert_eq(bank[1].number, 2);
	cr_assert_str_eq(fwd_bank_state_name((enum fwd_bank_state)5),
	    "unknown");
	bench_free(b);
}

/* ---- what is refused, and leaves everything as it was ------------------ */

static void
refuses(struct bench *b, unsigned release, fwd_status want)
{
	const struct memory before = b->memory;

	kit_eq(bench_install(b, release), want, b->kit->trace);
	cr_assert_eq(memcmp(&before, &b->memory, sizeof before), 0);
}

Test(slots, older)
{
	struct bench *b = after(AB, FWD_BOOT_FULL, "i2 b c");

	refuses(b, 1, FWD_E_ROLLBACK);
	bench_free(b);
	/* not confirmed: nothing is older yet */
	b = after(AB, FWD_BOOT_FULL, "i2 b");
	kit_eq(bench_install(b, 1), FWD_OK, b->kit->trace);
	bench_free(b);
}

/* Nor is it booted, if it was never confirmed. */
Test(slots, older_at_boot)
{
	static const char *const steps[] = { "i1 i2 b c", "i1 b i2 b c" };
	uint32_t bank;

	for (size_t i = 0; i < 2 * 2; i++) {
		struct bench *const b = after(AB, modes[i / 2], steps[i % 2]);

		cr_assert_eq(b->running, 1);
		b->memory.bytes[0][1][5] ^= 1;
		cr_assert_eq(fwd_device_boot(&b->dev, &bank),
		    FWD_E_NOTHING_BOOTABLE);
		cr_assert_not_null(strstr(b->kit->trace,
		    "sequence-number: 5 (want 7) rollback\n"));
		bench_free(b);
	}
}

Test(slots, unconfirmed)
{
	struct bench *b = after(AB, FWD_BOOT_FULL, "i1 b c i2 b");

	refuses(b, 3, FWD_E_UNCONFIRMED);
	kit_eq(bench_boot(b), FWD_OK, "");
	kit_eq(bench_install(b, 3), FWD_OK, b->kit->trace);
	bench_free(b);
	b = after(AB, FWD_BOOT_FULL, "i1 b i2 b b");	/* both were tried */
	cr_assert_eq(b->runs, &b->release[1]);
	kit_eq(bench_install(b, 3), FWD_OK, b->kit->trace);
	kit_eq(bench_boot(b), FWD_OK, "");
	cr_assert_eq(b->runs, &b->release[3]);
	bench_free(b);
	/* with one slot there would be no way out */
	b = after(SINGLE, FWD_BOOT_FULL, "i1 b");
	kit_eq(bench_install(b, 2), FWD_OK, b->kit->trace);
	bench_free(b);
}

/* A release that was tried, but never confirmed, does not keep the next one out
   for ever. */
Test(slots, unconfirmed_and_outlived)
{
	for (size_t m = 0; m < 2; m++) {
		struct bench *const b = after(AB, modes[m],
		    "i1 b i2 b c b i3 b c b");

		cr_assert_eq(b->runs, &b->release[3]);
		assert_states(b, FWD_BANK_CONFIRMED, FWD_BANK_CONFIRMED);
		bench_free(b);
	}
}

/* A bundle for another kind of device. */
static void
swap_bundle(struct bench *b, unsigned release, enum kind kind)
{
	fw_buf_deinit(&b->release[release].bundle);
	make_bundle(&b->release[release], kind, &b->pki);
}

Test(slots, component_left_out)
{
	struct bench *const b = after(THREE, FWD_BOOT_FULL, "i1 b c");

	swap_bundle(b, 2, AB);		/* not named */
	refuses(b, 2, FWD_E_COMPONENT_SET);
	swap_bundle(b, 2, MIXED);
	refuses(b, 2, FWD_E_COMPONENT_SET);
	kit_eq(bench_boot(b), FWD_OK, "");
	cr_assert_eq(b->runs, &b->release[1]);
	bench_free(b);
}

Test(slots, component_not_written)
{
	struct bench *const b = after(LOADED, FWD_BOOT_FULL, "i1 b c");

	/* What was memory has two slots now: it is named, but not written. */
	b->component[1].slots = 2;
	kit_eq(bench_install(b, 2), FWD_E_COMPONENT_SET, b->kit->trace);
	assert_states(b, FWD_BANK_CONFIRMED, FWD_BANK_EMPTY);
	bench_free(b);
}

/* A release that leaves out a shared slot still depends on it. */
Test(slots, shared_slot_left_out)
{
	struct bench *const b = after(MIXED, FWD_BOOT_FULL, "i1 b c");
	struct memory before;
	bool finished = false;
	unsigned changed = 0, at;

	swap_bundle(b, 2, AB);
	kit_eq(bench_install(b, 2), FWD_OK, b->kit->trace);
	assert_states(b, FWD_BANK_CONFIRMED, FWD_BANK_PENDING);
	before = b->memory;
	for (at = 1; !finished; at++) {
		b->memory = before;
		b->flash.cut = FWP_CUT_BEFORE;
		b->flash.cut_at = at;
		b->flash.operations = 0;
		finished = bench_install(b, 3) == FWD_OK;
		bench_power(b);
		if (finished || memcmp(before.bytes[1], b->memory.bytes[1],
		    sizeof before.bytes[1]) == 0)
			continue;
		changed++;
		assert_states(b, FWD_BANK_EMPTY, FWD_BANK_EMPTY);
	}
	cr_assert_gt(changed, 10);
	bench_free(b);
}

Test(slots, record_area)
{
	struct bench *const b = after(AB, FWD_BOOT_FULL, "i1 b c");
	const uint64_t n = b->kit->ctx.env.whole.n;
	struct fwd_bank bank[FWD_BANKS];
	uint64_t v;

	cr_assert_eq(fwd_device_status(&b->dev, bank, &v), FWD_OK);
	cr_assert_eq(bank[0].envelope_n, n);
	b->dev.record_size = n + FWD_RECORD_OVERHEAD - 1;
	refuses(b, 2, FWD_E_STORE_SIZE);
	b->dev.record_size++;
	kit_eq(bench_install(b, 2), FWD_OK, b->kit->trace);
	bench_free(b);
}

Test(slots, wrong_use)
{
	struct bench *const b = after(AB, FWD_BOOT_FULL, "i1 b c");
	const struct fwd_device good = b->dev;
	static const size_t units[] = { 0, 3, 64 };
	struct fwd_bank bank[FWD_BANKS];
	uint64_t counter;
	uint32_t k;

	for (unsigned i = 0; i < 8; i++) {
		b->dev = good;
		b->port.write_unit = i < 3 ? units[i] : UNIT;
		b->dev.components = i == 3 ? 0 : i == 4 ? 17 : 1;
		b->component[0].slots = i == 5 ? 3 : 2;
		if (i == 6)
			b->dev.record_size = FWD_RECORD_OVERHEAD;
		if (i == 7)
			b->dev.boot = 1;
		refuses(b, 2, FWD_E_API);
		kit_eq(fwd_device_boot(&b->dev, &k), FWD_E_API, "");
		kit_eq(fwd_device_confirm(&b->dev, 0), FWD_E_API, "");
		kit_eq(fwd_device_provision(&b->dev, 0), FWD_E_API, "");
		kit_eq(fwd_device_status(&b->dev, bank, &counter), FWD_E_API,
		    "");
	}
	b->dev = good;
	kit_eq(fwd_device_confirm(&b->dev, FWD_BANKS), FWD_E_API, "");
	kit_eq(fwd_device_confirm(&b->dev, FWD_NO_INDEX), FWD_E_API, "");
	kit_eq(fwd_device_confirm(&b->dev, 1), FWD_E_UNCONFIRMED, "");
	kit_eq(fwd_device_confirm(&b->dev, 0), FWD_OK, "");
	kit_eq(bench_install(b, 2), FWD_OK, "");
	kit_eq(fwd_device_confirm(&b->dev, 1), FWD_E_UNCONFIRMED, "");
	bench_free(b);
}

/* ---- the same words as check ------------------------------------------ */

/* The trace without what installing adds. */
static void
without_banks(char *trace)
{
	char *line = trace, *next;

	while (*line != '\0') {
		next = strchr(line, '\n') + 1;
		if (strncmp(line, "bank[", 5) == 0)
			memmove(line, next, strlen(next) + 1);
		else
			line = next;
	}
}

/* Judge the bundle and install it: code and steps are the same. */
static fwd_status
same_words(struct bench *b, struct fwd_span bundle, char *judged)
{
	struct kit_dev *const kit = b->kit;
	fwd_status check, install;
	uint32_t bank;

	kit->slot = 1;
	kit->sequence_number = 5;
	kit->capacity = SLOT;
	kit->port.invoke = NULL;	/* neither starts anything */
	check = kit_check(kit, bundle);
	kit->port.invoke = bench_invoke_kit;
	(void)strcpy(judged, kit->trace);
	kit_dev_rewind(kit);
	kit->bundle = bundle;
	install = fwd_device_install(&b->dev, &bank);
	kit_eq(install, check, kit->trace);
	without_banks(kit->trace);
	cr_assert_str_eq(kit->trace, judged);
	return check;
}

/* And afterwards the device boots what it should. */
static void
same_words_and_boot(struct bench *b, const struct memory *before,
    struct fwd_span bundle, char *judged)
{
	fwd_status s;

	b->memory = *before;
	s = same_words(b, bundle, judged);
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	cr_assert_eq(b->runs, &b->release[s == FWD_OK ? 2 : 1]);
}

Test(slots, what_check_refuses)
{
	struct bench *const b = after(SLOTTED, FWD_BOOT_FULL, "i1 b c");
	const struct fwd_span good = fw_buf_span(&b->release[2].bundle);
	const struct memory before = b->memory;
	char *const judged = malloc(KIT_TRACE);
	struct fwd_span bad;

	cr_assert_not_null(judged);
	kit_eq(same_words(b, good, judged), FWD_OK, judged);
	for (size_t i = 0; i < good.n; i++) {
		bad = kit_dup(good.p, good.n);
		((uint8_t *)(uintptr_t)bad.p)[i] ^= (uint8_t)(1u << i % 8);
		same_words_and_boot(b, &before, bad, judged);
		kit_free(bad);
		if (i % 16 != 0)
			continue;
		bad = kit_dup(good.p, i);
		same_words_and_boot(b, &before, bad, judged);
		kit_free(bad);
	}
	free(judged);
	bench_free(b);
}

/* ---- time ------------------------------------------------------------- */

/* Certificates that expire do not keep a device from booting. */
Test(slots, expired)
{
	struct bench *const b = after(AB, FWD_BOOT_FULL, "i1 b c");

	b->kit->policy.clock = FWD_CLOCK_TRUSTED;
	b->kit->now = TP_NOT_AFTER + 1;
	refuses(b, 2, FWD_E_CERT_LATE);
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	b->kit->policy.time_min = TP_NOT_AFTER + 1;
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	cr_assert_not_null(strstr(b->kit->trace, "\nclock: "));
	/* nor does a clock that has stopped, or lost its port */
	b->kit->now = TP_NOT_BEFORE;
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	b->kit->port.now = NULL;
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	refuses(b, 2, FWD_E_CLOCK);
	cr_assert_eq(b->kit->ctx.policy, &b->kit->policy);
	cr_assert_eq(b->kit->ctx.port, &b->kit->port);
	bench_free(b);
}

/* A manifest that asks about the time when it starts is asked at boot. */
Test(slots, use_before)
{
	struct bench *b;

	extra.invoke = "20, {4: 1000000}, 4, 15, ";
	b = bench_new(AB, FWD_BOOT_FULL);
	b->kit->policy.clock = FWD_CLOCK_TRUSTED;
	b->kit->policy.flags |= FWD_UNTIMED;
	b->kit->now = 999999;
	cr_assert_eq(bench_provision(b, 4), FWD_OK);
	/* not yet valid, but neither are the certificates looked at */
	kit_eq(bench_install(b, 1), FWD_E_CERT_EARLY, b->kit->trace);
	b->kit->policy.clock = FWD_CLOCK_NONE;
	kit_eq(bench_install(b, 1), FWD_OK, b->kit->trace);
	b->kit->policy.clock = FWD_CLOCK_TRUSTED;
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	b->kit->now++;
	b->kit->policy.flags = 0;
	cr_assert_eq(fwd_device_boot(&b->dev, &b->running),
	    FWD_E_NOTHING_BOOTABLE);
	cr_assert_not_null(strstr(b->kit->trace, "use-before-passed"));
	bench_free(b);
}

/* ---- odd manifests ---------------------------------------------------- */

/* More members than fit into the shortest head of a map. */
Test(slots, many_members)
{
	struct bench *b;

	extra.integrated = 30;
	b = after(AB, FWD_BOOT_FULL, "i1 b c i2 b c b");
	cr_assert_eq(b->runs, &b->release[2]);
	bench_free(b);
}

/* Loading writes to memory and to nothing else, which is found out before the
   release counts. */
Test(slots, load_over_a_slot)
{
	struct bench *b;

	extra.load = "12, 1, 20, {22: 0}, 22, 2, 3, 15, "
	    "12, 0, 20, {22: 1}, 22, 2, 3, 15";
	b = bench_new(LOADED, FWD_BOOT_FULL);
	cr_assert_eq(bench_provision(b, 4), FWD_OK);
	kit_eq(bench_install(b, 1), FWD_E_DISABLED, b->kit->trace);
	assert_states(b, FWD_BANK_EMPTY, FWD_BANK_EMPTY);
	bench_free(b);
}

/* Memory of one release may be where the other has an image. */
Test(slots, load_over_the_other)
{
	struct bench *const b = after(MIXED, FWD_BOOT_FULL, "i1 b c");

	swap_bundle(b, 2, LOADED);
	kit_eq(bench_install(b, 2), FWD_E_DISABLED, b->kit->trace);
	assert_states(b, FWD_BANK_CONFIRMED, FWD_BANK_EMPTY);
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	cr_assert_eq(b->runs, &b->release[1]);
	bench_free(b);
}

/* And once more at boot, should the record be another's. */
Test(slots, boot_that_loads_over_a_slot)
{
	struct bench *const b = after(LOADED, FWD_BOOT_FULL, "i1");
	const struct memory before = b->memory;
	uint32_t bank;

	b->component[1].slots = 2;
	kit_eq(fwd_device_boot(&b->dev, &bank), FWD_E_NOTHING_BOOTABLE,
	    b->kit->trace);
	cr_assert_eq(memcmp(before.bytes, b->memory.bytes,
	    sizeof before.bytes[0] * PARTS), 0);
	bench_free(b);
}

/* ---- what flash loses -------------------------------------------------- */

/* Each byte of the newest image, spoilt: the other release boots. */
Test(slots, spoilt_image)
{
	for (size_t m = 0; m < 2; m++) {
		struct bench *const b = after(THREE, modes[m],
		    "i1 b c i2 b c");
		const struct memory before = b->memory;

		for (uint32_t i = 0; i < PARTS; i++)
			for (size_t k = 0; k < b->release[2].size[i]; k += 3) {
				b->memory = before;
				b->memory.bytes[i][1][k] ^=
				    (uint8_t)(1u << k % 8);
				kit_eq(bench_boot(b), FWD_OK,
				    b->kit->trace);
				cr_assert_eq(b->runs, &b->release[1]);
				assert_states(b, FWD_BANK_CONFIRMED,
				    FWD_BANK_FAILED);
			}
		bench_free(b);
	}
}

/*
 * Each bit of the newest record, spoilt: a whole release boots, the other one
 * if it was a bit that is used.
 */
Test(slots, spoilt_record)
{
	unsigned fell = 0, bits = 0;

	for (size_t m = 0; m < 2; m++) {
		struct bench *const b = after(AB, modes[m], "i1 b c i2 b c");
		const struct memory before = b->memory;
		size_t end = RECORD;

		while (before.bytes[PARTS][1][end - 1] == 0xff)
			end--;
		for (size_t i = 0; i < end * 8; i++, bits++) {
			b->memory = before;
			b->memory.bytes[PARTS][1][i / 8] ^=
			    (uint8_t)(1u << i % 8);
			kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
			cr_assert(b->runs == &b->release[1] ||
			    b->runs == &b->release[2]);
			fell += b->runs == &b->release[1];
			/* behind the marks: under a digest */
			if (i / 8 >= MARKS * FWD_WRITE_MAX)
				cr_assert_eq(b->runs, &b->release[1]);
		}
		bench_free(b);
	}
	cr_assert_gt(fell, bits * 9 / 10);
}

/* Each bit of the counter, spoilt: older releases stay refused, and what was
   confirmed boots. */
Test(slots, spoilt_counter)
{
	struct bench *const b = after(AB, FWD_BOOT_FULL, "i1 b c i2 b c");
	const struct memory before = b->memory;
	uint32_t bank;

	for (size_t i = 0; i < (size_t)2 * 32 * 8; i++) {
		b->memory = before;
		b->memory.bytes[PARTS + 1][i / 256][i % 256 / 8] ^=
		    (uint8_t)(1u << i % 8);
		/* what was confirmed counts even so */
		refuses(b, 1, FWD_E_ROLLBACK);
		kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
		cr_assert_eq(b->runs, &b->release[2]);
		/* what boots is counted again */
		refuses(b, 1, FWD_E_ROLLBACK);
	}
	/* both */
	memset(b->memory.bytes[PARTS + 1], 0xff,
	    sizeof b->memory.bytes[PARTS + 1]);
	refuses(b, 3, FWD_E_STORE);
	kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
	cr_assert_eq(b->runs, &b->release[2]);
	kit_eq(fwd_device_boot(&b->dev, &bank), FWD_OK, "");
	bench_free(b);
}

/* ---- flash that fails -------------------------------------------------- */

static void
set_faulty(struct bench *b)
{
	faulty.real = b->port;
	faulty.calls = faulty.fail_at = 0;
	b->port = (struct fwd_flash){ faulty.real.ctx, UNIT, faulty_erase,
	    faulty_write, faulty_read };
}

/* Each call of one boot fails: something whole boots all the same. */
Test(slots, boot_with_a_failing_call)
{
	static const struct {
		const char *steps;
		bool counts;		/* the other one may boot instead */
	} cases[] = {
		{ "i1 b c i2", true }, { "i1 b c i2 b", false },
		{ "i1 b c i2 b c", true },
	};

	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++)
		for (size_t m = 0; m < 2; m++) {
			struct bench *const b = after(AB, modes[m],
			    cases[c].steps);
			const struct memory before = b->memory;
			uint64_t calls;

			set_faulty(b);
			kit_eq(bench_boot(b), FWD_OK, "");
			calls = faulty.calls;
			for (uint64_t i = 1; i <= calls; i++) {
				b->memory = before;
				faulty.calls = 0;
				faulty.fail_at = i;
				kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
				cr_assert(b->runs == &b->release[1] ||
				    b->runs == &b->release[2]);
				faulty.fail_at = 0;
				kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
			}
			bench_free(b);
		}
}

/* Each call of an installation fails: it says so, and the old one boots. */
Test(slots, install_with_a_failing_call)
{
	struct bench *const b = after(THREE, FWD_BOOT_FULL, "i1 b c");
	const struct memory before = b->memory;
	uint64_t calls;

	set_faulty(b);
	kit_eq(bench_install(b, 2), FWD_OK, "");
	calls = faulty.calls;
	cr_assert_gt(calls, 50);
	for (uint64_t i = 1; i <= calls; i++) {
		b->memory = before;
		faulty.calls = 0;
		faulty.fail_at = i;
		kit_eq(bench_install(b, 2), FWD_E_STORE, b->kit->trace);
		faulty.fail_at = 0;
		kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
		/* the mark may be there, if reading it back has failed */
		cr_assert(b->runs == &b->release[1] || i == calls);
	}
	bench_free(b);
}

/* A confirmation that fails is one that can be repeated. */
Test(slots, confirm_with_a_failing_call)
{
	struct bench *const b = after(AB, FWD_BOOT_FULL, "i1 b c i2 b");
	const struct memory before = b->memory;
	uint64_t calls;

	set_faulty(b);
	kit_eq(bench_confirm(b), FWD_OK, "");
	calls = faulty.calls;
	for (uint64_t i = 1; i <= calls; i++) {
		b->memory = before;
		faulty.calls = 0;
		faulty.fail_at = i;
		kit_eq(bench_confirm(b), FWD_E_STORE, "");
		cr_assert(bench_counter(b) == 5 || i == calls);
		kit_eq(bench_confirm(b), FWD_OK, "");
		cr_assert_eq(bench_counter(b), 7);
	}
	bench_free(b);
}

/* Bits that do not keep their value are noticed when they are read back. */
static fwd_status
leaky_write(void *ctx, uint32_t area, uint32_t bank, uint64_t off,
    const uint8_t *p, size_t n)
{
	uint8_t bytes[2048];

	cr_assert_leq(n, sizeof bytes);
	memcpy(bytes, p, n);
	if (fails())
		bytes[n / 2] &= (uint8_t)(bytes[n / 2] - 1);
	return faulty.real.write(ctx, area, bank, off, bytes, n);
}

Test(slots, write_that_does_not_hold)
{
	struct bench *const b = after(AB, FWD_BOOT_FULL, "i1 b c");
	const struct memory before = b->memory;
	uint64_t calls, noticed = 0;
	fwd_status s;

	set_faulty(b);
	b->port.erase = faulty.real.erase;
	b->port.read = faulty.real.read;
	b->port.write = leaky_write;
	kit_eq(bench_install(b, 2), FWD_OK, "");
	calls = faulty.calls;
	for (uint64_t i = 1; i <= calls; i++) {
		b->memory = before;
		faulty.calls = 0;
		faulty.fail_at = i;
		s = bench_install(b, 2);
		noticed += s != FWD_OK;
		kit_eq(bench_boot(b), FWD_OK, b->kit->trace);
		cr_assert_eq(b->runs, &b->release[s == FWD_OK ? 2 : 1],
		    "%llu of %llu: %s\n%s", (unsigned long long)i,
		    (unsigned long long)calls, fwd_status_code(s),
		    b->kit->trace);
	}
	cr_assert_gt(noticed, calls / 2);
	bench_free(b);
}
