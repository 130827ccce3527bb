/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a batch: outputs that are committed together, files that bundles
 * share, the port that remembers which signatures held, the descriptor.
 */
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "testdata/fault.h"
#include "testdata/scratch.h"

#include "host/batch.h"
#include "host/build_internal.h"
#include "host/memo.h"

enum { OUTPUTS = 5 };

static struct fw_error err;

static void
setup(void)
{
	scratch_setup();
	fault_reset();
}

static void
teardown(void)
{
	scratch_teardown();
}

TestSuite(batch, .init = setup, .fini = teardown, .timeout = 600);

static const char *
name(int i)
{
	static char path[4][200];
	static int next;
	char *const p = path[next++ % 4];

	(void)snprintf(p, 200, "%s/%d", scratch_dir, i);
	return p;
}

/* ---- outputs -------------------------------------------------------- */

static struct fw_output outputs[OUTPUTS];
static struct fw_output *list[OUTPUTS];
static struct fw_error errs[OUTPUTS];

static void
open_outputs(void)
{
	int i;

	for (i = 0; i < OUTPUTS; i++) {
		list[i] = &outputs[i];
		cr_assert_eq(fw_output_open(name(i), list[i], &err), FW_OK);
		cr_assert_eq(fw_write_all(list[i]->fd, "x", 1, name(i), &err),
		    FW_OK);
	}
}

static int
there(void)
{
	int i, n = 0;

	for (i = 0; i < OUTPUTS; i++)
		n += access(name(i), F_OK) == 0;
	return n;
}

static void
close_outputs(void)
{
	int i;

	for (i = 0; i < OUTPUTS; i++) {
		fw_output_abandon(list[i]);
		(void)unlink(name(i));
	}
}

Test(batch, outputs_together)
{
	const int fds = scratch_fds();
	int i;

	open_outputs();
	cr_assert_eq(there(), 0);
	fw_output_commit_all(list, OUTPUTS, errs);
	for (i = 0; i < OUTPUTS; i++) {
		cr_assert_eq(errs[i].kind, FW_OK, "%s", errs[i].text);
		cr_assert_eq(outputs[i].fd, -1);
	}
	cr_assert_eq(there(), OUTPUTS);
	cr_assert_eq(scratch_fds(), fds);
	/* They replace what is there. */
	open_outputs();
	fw_output_commit_all(list, OUTPUTS, errs);
	for (i = 0; i < OUTPUTS; i++)
		cr_assert_eq(errs[i].kind, FW_OK, "%s", errs[i].text);
	close_outputs();
	fw_output_commit_all(list, 0, errs);
}

/* One of them cannot get its name: the others do. */
Test(batch, one_output_fails)
{
	int i, k;

	for (i = 0; i < OUTPUTS; i++) {
		open_outputs();
		fault_set(FAULT_LINKAT, i, EIO);
		fw_output_commit_all(list, OUTPUTS, errs);
		cr_assert(fault_hit());
		fault_reset();
		for (k = 0; k < OUTPUTS; k++)
			cr_assert_eq(errs[k].kind, k == i ? FW_E_IO : FW_OK,
			    "%d of %d: %s", k, i, errs[k].text);
		cr_assert_eq(there(), OUTPUTS - 1);
		cr_assert_neq(access(name(i), F_OK), 0);
		close_outputs();
	}
}

Test(batch, outputs_without_memory)
{
	int i;

	open_outputs();
	fault_set(FAULT_ALLOC, 0, ENOMEM);
	fw_output_commit_all(list, OUTPUTS, errs);
	fault_reset();
	for (i = 0; i < OUTPUTS; i++)
		cr_assert_eq(errs[i].kind, FW_E_NOMEM);
	cr_assert_eq(there(), 0);
	close_outputs();
}

/* ---- shared files --------------------------------------------------- */

static struct fw_image
image(const char *path)
{
	return (struct fw_image){ .path = (char *)(uintptr_t)path,
	    .format = FW_RAW };
}

static void
write_text(const char *path, const char *text)
{
	cr_assert_eq(fw_file_write(path, text, strlen(text), &err), FW_OK,
	    "%s", err.text);
}

Test(batch, shared_once)
{
	struct fw_shared *const s = fw_shared_new();
	const struct fw_image img = image(scratch_path);
	struct fw_shared_file *a, *b, *c;
	uint8_t want[FWD_DIGEST_MAX], back[5];
	struct fw_output out = FW_OUTPUT_NONE;

	scratch_text("image");
	cr_assert_eq(fw_digest(FWD_SHA256, (struct fwd_span){
	    (const uint8_t *)"image", 5 }, want, &err), FW_OK);
	cr_assert_eq(fw_shared_get(s, &img, FWD_SHA256, name(0), &a, &err),
	    FW_OK, "%s", err.text);
	cr_assert_eq(a->size, 5);
	cr_assert_arr_eq(a->digest, want, 32);
	/* What happens to the file later on makes no difference. */
	scratch_text("other");
	cr_assert_eq(fw_shared_get(s, &img, FWD_SHA256, name(0), &b, &err),
	    FW_OK);
	cr_assert_eq(a, b);
	cr_assert_eq(fw_output_open(name(1), &out, &err), FW_OK);
	cr_assert_eq(ftruncate(out.fd, 100), 0);
	cr_assert_eq(fw_shared_copy(b, out.fd, 50, &err), FW_OK);
	cr_assert_eq(fw_read_at(out.fd, back, 5, 50, &err), FW_OK);
	cr_assert_arr_eq(back, "image", 5);
	fw_output_abandon(&out);
	/* Another digest is another matter. */
	cr_assert_eq(fw_shared_get(s, &img, FWD_SHA512, name(0), &c, &err),
	    FW_OK);
	cr_assert_neq(a, c);
	fw_shared_put(a);
	fw_shared_put(b);
	fw_shared_put(c);
	fw_shared_put(NULL);
	fw_shared_free(s);
	fw_shared_free(NULL);
}

/* More files than are kept, with and without users. */
Test(batch, shared_many)
{
	enum { MANY = 150 };
	struct fw_shared_file *f[MANY];
	struct fw_shared *s;
	char text[32];
	int i, round, fds;

	for (i = 0; i < MANY; i++) {
		(void)snprintf(text, sizeof text, "file %d", i);
		write_text(name(i), text);
	}
	fds = scratch_fds();
	for (round = 0; round < 2; round++) {
		s = fw_shared_new();
		for (i = 0; i < MANY; i++) {
			const struct fw_image img = image(name(i));

			cr_assert_eq(fw_shared_get(s, &img, FWD_SHA256,
			    name(1000), &f[i], &err), FW_OK, "%s", err.text);
			(void)snprintf(text, sizeof text, "file %d", i);
			cr_assert_eq(f[i]->size, strlen(text));
			if (round == 0)
				fw_shared_put(f[i]);
		}
		for (i = 0; round == 1 && i < MANY; i++)
			fw_shared_put(f[i]);
		cr_assert_leq(scratch_fds(), fds + 2 * 64);
		fw_shared_free(s);
		cr_assert_eq(scratch_fds(), fds);
	}
	for (i = 0; i < MANY; i++)
		(void)unlink(name(i));
}

Test(batch, shared_failures)
{
	struct fw_shared *const s = fw_shared_new();
	const struct fw_image none = image(name(7)), img = image(scratch_path);
	struct fw_shared_file *f = NULL;
	int i;

	cr_assert_eq(fw_shared_get(s, &none, FWD_SHA256, name(0), &f, &err),
	    FW_E_INPUT);
	scratch_text("image");
	for (i = 0;; i++) {
		fault_set(FAULT_ALLOC, i, ENOMEM);
		const enum fw_kind kind = fw_shared_get(s, &img, FWD_SHA256,
		    name(0), &f, &err);
		const bool hit = fault_hit();

		fault_reset();
		if (kind == FW_OK) {
			fw_shared_put(f);
			if (!hit)
				break;
		}
	}
	cr_assert_gt(i, 0);
	fw_shared_free(s);
}

/* ---- signatures that are remembered --------------------------------- */

static int asked;
static fwd_status answer;

static fwd_status
fake_verify(void *ctx, const struct fwd_sig *sig)
{
	(void)ctx;
	(void)sig;
	asked++;
	return answer;
}

static const uint8_t bytes[] = "the bytes of keys, messages and signatures";

static struct fwd_sig
some_sig(const struct fwd_span *msg)
{
	struct fwd_sig s = {
		.alg = FWD_ESP256, .digest_alg = FWD_SHA256,
		.key = { .type = FWD_KEY_P256, .point = { bytes, 10 },
		    .exponent = { bytes, 3 } },
		.digest_n = 32, .msg = msg, .msg_n = 2, .sig = { bytes, 20 },
	};

	memset(s.digest, 7, sizeof s.digest);
	return s;
}

Test(batch, memo)
{
	const struct fwd_crypto real = { .verify = fake_verify };
	struct fw_memo *const m = fw_memo_new(&real);
	const struct fwd_crypto c = fw_memo_crypto(m);
	struct fwd_span msg[2] = { { bytes, 5 }, { bytes + 5, 5 } };
	const struct fwd_sig good = some_sig(msg);
	struct fwd_sig other[14];
	size_t i, n = 0;

	/* A failure is never remembered. */
	answer = FWD_E_SIG;
	cr_assert_eq(c.verify(c.ctx, &good), FWD_E_SIG);
	cr_assert_eq(c.verify(c.ctx, &good), FWD_E_SIG);
	cr_assert_eq(asked, 2);
	answer = FWD_OK;
	cr_assert_eq(c.verify(c.ctx, &good), FWD_OK);
	cr_assert_eq(asked, 3);
	answer = FWD_E_SIG;
	cr_assert_eq(c.verify(c.ctx, &good), FWD_OK);
	cr_assert_eq(asked, 3);
	/* All that it depends on. */
	for (i = 0; i < 14; i++)
		other[i] = some_sig(msg);
	other[n++].alg = FWD_ESP384;
	other[n++].digest_alg = FWD_SHA384;
	other[n++].key.type = FWD_KEY_P384;
	other[n++].key.point.n = 11;
	other[n++].key.point.p = bytes + 1;
	other[n++].key.exponent.n = 4;
	other[n++].key.pss = true;
	other[n++].key.only = FWD_PS256;
	other[n++].digest[31] ^= 1;
	other[n++].digest_n = 31;
	other[n++].msg_n = 1;
	other[n++].sig.n = 19;
	other[n++].sig.p = bytes + 1;
	const struct fwd_span shifted[2] = { { bytes, 6 }, { bytes + 6, 4 } };
	other[n++].msg = shifted;
	cr_assert_eq(n, 14);
	for (i = 0; i < n; i++)
		cr_assert_eq(c.verify(c.ctx, &other[i]), FWD_E_SIG, "%zu", i);
	cr_assert_eq(c.verify(c.ctx, &good), FWD_OK);
	fw_memo_free(m);
	fw_memo_free(NULL);
}

/* The ones that are used stay, others are forgotten. */
Test(batch, memo_forgets)
{
	const struct fwd_crypto real = { .verify = fake_verify };
	struct fw_memo *const m = fw_memo_new(&real);
	const struct fwd_crypto c = fw_memo_crypto(m);
	const struct fwd_span msg[2] = { { bytes, 5 }, { bytes + 5, 5 } };
	const struct fwd_sig often = some_sig(msg);
	struct fwd_sig once = some_sig(msg);
	int i;

	answer = FWD_OK;
	asked = 0;
	for (i = 0; i < 200; i++) {
		once.digest[0] = (uint8_t)i;
		once.digest[1] = 99;
		cr_assert_eq(c.verify(c.ctx, &once), FWD_OK);
		cr_assert_eq(c.verify(c.ctx, &often), FWD_OK);
	}
	cr_assert_eq(asked, 201);
	once.digest[0] = 0;
	cr_assert_eq(c.verify(c.ctx, &once), FWD_OK);
	cr_assert_eq(asked, 202);
	fw_memo_free(m);
}

/* ---- sessions -------------------------------------------------------- */

/* Sign n times: ms for which it waits, or for which it computes. */
static void
sign(struct fw_pool *p, int n, int ms, bool computes)
{
	const struct timespec rest = { .tv_nsec = ms * 1000000L };
	struct fw_signers *s;
	clock_t until;

	while (n-- > 0) {
		s = fw_pool_take(p);
		cr_assert_not_null(s);
		until = clock() + (clock_t)ms * CLOCKS_PER_SEC / 1000;
		if (computes)
			while (clock() < until)
				;
		else
			(void)nanosleep(&rest, NULL);
		fw_pool_put(p, s);
	}
}

/* More threads than sessions are of use for a token that computes elsewhere; the
   test's limits are far away from what a loaded machine makes of it. */
Test(batch, tokens_that_wait)
{
	const struct fw_build_options opt = { 0 };
	struct fw_pool *p;

	for (int computes = 0; computes < 2; computes++) {
		p = fw_pool_new();
		cr_assert_not_null(p);
		cr_assert_eq(fw_pool_open(p, NULL, 0, &opt, 8, &err), FW_OK,
		    "%s", err.text);
		cr_assert_eq(fw_pool_size(p), 8);
		cr_assert(!fw_pool_waits(p, 1), "nothing is known yet");
		sign(p, 7, 20, computes);
		cr_assert(!fw_pool_waits(p, 1), "too little is");
		sign(p, 1, 20, computes);
		cr_assert_eq(fw_pool_waits(p, 1), computes == 0);
		/* With many processors others always have some. */
		cr_assert(fw_pool_waits(p, 64));
		fw_pool_free(p);
	}
}

/* ---- lists ----------------------------------------------------------- */

static void
put(const char *path, const char *text)
{
	FILE *const f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
}

/* A descriptor that is changed while the batch runs: all bundles are of the
   one that there was. */
Test(batch, one_descriptor)
{
	FW_CLEANUP(fw_batch_deinit) struct fw_batch b = { 0 };
	const char *const descriptor = name(1);
	char text[8];

	scratch_text("batch: 1\ndescriptor: \"1\"\noutput: ${N}\n"
	    "bundles: [{set: {N: \"4\"}}, {set: {N: \"5\"}}]\n");
	put(descriptor, "descriptor: 1\nsequence-number: 1\n"
	    "version: \"${N}\"\n"
	    "device: {vendor-domain: example.com, model: x}\n"
	    "components: [{id: app, file: none}]\n");
	cr_assert_eq(fw_batch_load(scratch_path, NULL, NULL, &b, &err), FW_OK,
	    "%s", err.text);
	cr_assert_eq(fw_batch_read(&b, &err), FW_OK, "%s", err.text);
	put(descriptor, "descriptor: 2\n");
	for (size_t i = 0; i < 2; i++) {
		FW_CLEANUP(fw_descriptor_deinit) struct fw_descriptor d = {
		    0 };

		cr_assert_eq(fw_batch_descriptor(&b, i, &d, &err), FW_OK,
		    "%s", err.text);
		(void)snprintf(text, sizeof text, "%zu", 4 + i);
		cr_assert_str_eq(d.version, text);
	}
	cr_assert_eq(remove(descriptor), 0);
}
