/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of a batch.  Worker threads make bundles, and take a session of
 * the token while they sign; the thread that called releases them in order:
 * logs their signatures, has them on the disk, and gives them their names, as
 * many at a time as are there.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "host/batch.h"
#include "host/build_internal.h"
#include "host/log_internal.h"
#include "host/memo.h"
#include "port/fwport.h"

enum {
	RING = 160,			/* bundles under way */
	GROUP = RING / 2,		/* released at a time, at most */
	PATIENCE_MS = 250,		/* for a group to become full */
	WORKERS_MAX = 2 * FW_JOBS_MAX,
};

/* A bundle that is under way. */
struct slot {
	bool ready;			/* the worker is done with it; under
					   the lock, unlike the rest */
	enum fw_batch_state state;
	struct fw_built built;
	struct fw_output out;
	json_t *entry[FW_SIGNERS_MAX];
	struct fw_error err;
};

struct engine {
	const struct fw_batch_options *batch;
	const struct fw_batch *list;	/* to be built; or else signed: */
	const char *const *in;
	const char *const *out;
	size_t n;
	struct fw_descriptor first;	/* of a list */
	const struct fw_signer_spec *spec;
	size_t specs;
	struct fw_roots roots;
	struct fw_pool *pool;
	struct fw_shared *shared;
	unsigned processors;
	pthread_mutex_t lock;
	pthread_cond_t ready;		/* a group, or all that there are */
	pthread_cond_t room;		/* for another one, or stop */
	size_t taken;			/* by workers */
	size_t made;			/* of them, done */
	size_t released;
	unsigned parked;		/* workers that are of no use yet */
	bool stop;			/* no more bundles are begun */
	struct fw_error why;		/* FW_OK: not given up */
	struct slot slot[RING];
	struct fw_error errs[GROUP];	/* of a release */
};

struct worker {
	struct engine *e;
	pthread_t thread;
	bool extra;			/* there are more than sessions */
	struct fwp_openssl *openssl;
	struct fw_memo *memo;
	struct fwd_crypto real, crypto;
	struct fw_build_options opt;
	struct fw_session session;
};

/* ---- what workers do ------------------------------------------------ */

static const char *
path_of(const struct engine *e, size_t i)
{
	return e->list != NULL ? e->list->item[i].output : e->out[i];
}

/* All bundles have the signers that were opened. */
static enum fw_kind
same_signers(const struct engine *e, const struct fw_descriptor *d,
    struct fw_error *err)
{
	bool same = d->signers == e->first.signers;
	const struct fw_signer_spec *a, *b;
	size_t i;

	if (e->batch->opt->signers > 0)
		return FW_OK;
	for (i = 0; same && i < d->signers; i++) {
		a = &d->signer[i];
		b = &e->first.signer[i];
		same = strcmp(a->key, b->key) == 0 && a->alg == b->alg &&
		    (a->chain == NULL) == (b->chain == NULL) &&
		    (a->chain == NULL || strcmp(a->chain, b->chain) == 0);
	}
	if (same)
		return FW_OK;
	return fw_fail(err, FW_E_INPUT, "its signers are not those of the "
	    "first bundle (use a list for each set of signers)");
}

static enum fw_kind
make_one(struct worker *w, size_t i, struct fw_built *built,
    struct fw_error *err)
{
	FW_CLEANUP(fw_descriptor_deinit) struct fw_descriptor d = { 0 };
	struct engine *const e = w->e;

	if (e->list == NULL)
		return fw_resign(e->in[i], e->out[i], &w->opt, built, err);
	FW_TRY(fw_batch_descriptor(e->list, i, &d, err));
	FW_TRY(same_signers(e, &d, err));
	return fw_build(&d, path_of(e, i), &w->opt, built, err);
}

/* Name the bundle in front of what is wrong with it, unless that does. */
static void
name_bundle(const struct engine *e, size_t i, struct fw_error *err)
{
	if (strstr(err->text, path_of(e, i)) == NULL)
		(void)fw_wrap(err, "'%s'", path_of(e, i));
}

static void
make(struct worker *w, size_t i, struct slot *s)
{
	struct fw_error err = { .kind = FW_OK };

	w->session.there = false;
	w->session.out = (struct fw_output)FW_OUTPUT_NONE;
	memset(w->session.entry, 0, sizeof w->session.entry);
	if (make_one(w, i, &s->built, &err) == FW_OK) {
		s->state = w->session.there ? FW_BATCH_THERE : FW_BATCH_DONE;
	} else if (fw_interrupted()) {
		s->state = FW_BATCH_SKIPPED;
	} else {
		s->state = FW_BATCH_FAILED;
		s->err = err;
		name_bundle(w->e, i, &s->err);
	}
	s->out = w->session.out;
	memcpy(s->entry, w->session.entry, sizeof s->entry);
}

/* Workers without a session help where the others wait for the token. */
static bool
is_of_use(const struct worker *w)
{
	return !w->extra || fw_pool_waits(w->e->pool, w->e->processors);
}

/* The next bundle that is to be made; false: there is none. */
static bool
take(struct worker *w, size_t *i)
{
	struct engine *const e = w->e;
	bool more;

	(void)pthread_mutex_lock(&e->lock);
	e->parked += w->extra;
	while (!e->stop && e->taken < e->n && (e->taken >= e->released + RING ||
	    !is_of_use(w)))
		(void)pthread_cond_wait(&e->room, &e->lock);
	e->parked -= w->extra;
	more = !e->stop && e->taken < e->n;
	if (more)
		*i = e->taken++;
	(void)pthread_mutex_unlock(&e->lock);
	return more;
}

/* With a key that fails nothing else can be signed. */
static bool
is_the_end(const struct engine *e, const struct slot *s)
{
	return s->state == FW_BATCH_SKIPPED ||
	    (s->state == FW_BATCH_FAILED && (s->err.kind == FW_E_KEY ||
	    s->err.kind == FW_E_NOMEM || e->batch->fail_fast));
}

/* Is there a group to release, or will there be no more? */
static bool
worth_a_look(const struct engine *e)
{
	if (e->made == e->taken && (e->stop || e->taken == e->n))
		return true;
	return e->made - e->released >= GROUP &&
	    e->slot[e->released % RING].ready;
}

static void *
work(void *arg)
{
	struct worker *const w = arg;
	struct engine *const e = w->e;
	struct slot *s;
	size_t i;

	while (take(w, &i)) {
		s = &e->slot[i % RING];
		make(w, i, s);
		(void)pthread_mutex_lock(&e->lock);
		s->ready = true;
		e->made++;
		if (is_the_end(e, s))
			e->stop = true;
		if (worth_a_look(e))
			(void)pthread_cond_signal(&e->ready);
		if (e->parked > 0 && fw_pool_waits(e->pool, e->processors))
			(void)pthread_cond_broadcast(&e->room);
		(void)pthread_mutex_unlock(&e->lock);
	}
	(void)pthread_mutex_lock(&e->lock);
	(void)pthread_cond_signal(&e->ready);
	(void)pthread_cond_broadcast(&e->room);
	(void)pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* ---- releasing ------------------------------------------------------ */

/* How many bundles at the front are ready. */
static size_t
count_ready(const struct engine *e)
{
	size_t n = 0;

	while (n < GROUP && e->released + n < e->taken &&
	    e->slot[(e->released + n) % RING].ready)
		n++;
	return n;
}

/*
 * Wait for the next bundles in order; how many of them there are.  To release
 * many costs little more than to release one, so that a group is waited for,
 * but not for long: nobody wants to wait for results of a slow token.
 */
static size_t
wait_ready(struct engine *e)
{
	struct timespec until;
	size_t n;

	(void)pthread_mutex_lock(&e->lock);
	do {
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += PATIENCE_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		while (!worth_a_look(e) && pthread_cond_timedwait(&e->ready,
		    &e->lock, &until) == 0)
			;
		n = count_ready(e);
	} while (n == 0 && e->released < e->n &&
	    !(e->stop && e->taken == e->released));
	(void)pthread_mutex_unlock(&e->lock);
	return n;
}

static void
give_up(struct engine *e, const struct fw_error *why)
{
	(void)pthread_mutex_lock(&e->lock);
	if (e->why.kind == FW_OK && why != NULL)
		e->why = *why;
	e->stop = true;
	(void)pthread_cond_broadcast(&e->room);
	(void)pthread_mutex_unlock(&e->lock);
}

/* One addition to the log for all; without it none is released. */
static enum fw_kind
log_group(struct engine *e, struct slot *const *s, size_t n,
    struct fw_error *err)
{
	json_t *entry[GROUP * FW_SIGNERS_MAX];
	size_t i, j, entries = 0;

	for (i = 0; i < n; i++)
		for (j = 0; j < FW_SIGNERS_MAX && s[i]->entry[j] != NULL; j++)
			entry[entries++] = s[i]->entry[j];
	if (e->batch->opt->log == NULL || entries == 0)
		return FW_OK;
	return fw_log_append_entries(e->batch->opt->log, entry, entries, err);
}

static void
release(struct engine *e, size_t n)
{
	struct fw_output *out[GROUP];
	struct slot *done[GROUP], *s;
	struct fw_error err = { .kind = FW_OK };
	size_t i, made = 0;

	for (i = 0; i < n; i++) {
		s = &e->slot[(e->released + i) % RING];
		if (s->state != FW_BATCH_DONE)
			continue;
		done[made] = s;
		out[made++] = &s->out;
	}
	if (made == 0)
		return;
	if (log_group(e, done, made, &err) != FW_OK) {
		give_up(e, &err);
		for (i = 0; i < made; i++) {
			done[i]->state = FW_BATCH_FAILED;
			done[i]->err = err;
		}
		return;
	}
	fw_output_commit_all(out, made, e->errs);
	for (i = 0; i < made; i++)
		if (e->errs[i].kind != FW_OK) {
			done[i]->state = FW_BATCH_FAILED;
			done[i]->err = e->errs[i];
		}
}

/* But for what the workers look at. */
static void
slot_deinit(struct slot *s)
{
	size_t i;

	fw_built_deinit(&s->built);
	fw_output_abandon(&s->out);
	for (i = 0; i < FW_SIGNERS_MAX; i++) {
		json_decref(s->entry[i]);
		s->entry[i] = NULL;
	}
	s->err = (struct fw_error){ .kind = FW_OK };
}

static void
tell(const struct engine *e, size_t i, const struct slot *s,
    struct fw_batch_sum *sum)
{
	const struct fw_batch_result r = {
		.path = path_of(e, i), .state = s->state,
		.built = s->state == FW_BATCH_DONE ||
		    s->state == FW_BATCH_THERE ? &s->built : NULL,
		.err = s->state == FW_BATCH_FAILED ? &s->err : NULL,
	};

	sum->done += s->state == FW_BATCH_DONE;
	sum->there += s->state == FW_BATCH_THERE;
	sum->failed += s->state == FW_BATCH_FAILED;
	sum->skipped += s->state == FW_BATCH_SKIPPED;
	if (e->batch->result != NULL)
		e->batch->result(e->batch->ctx, i, &r);
}

/* Until all is released, or the batch was given up. */
static void
release_all(struct engine *e, struct fw_batch_sum *sum)
{
	const struct slot skipped = { .state = FW_BATCH_SKIPPED };
	struct slot *s;
	size_t i, n;

	while ((n = wait_ready(e)) > 0) {
		if (fw_interrupted())
			give_up(e, NULL);
		release(e, n);
		for (i = 0; i < n; i++) {
			s = &e->slot[(e->released + i) % RING];
			tell(e, e->released + i, s, sum);
			if (is_the_end(e, s))
				give_up(e, &s->err);
			slot_deinit(s);
		}
		(void)pthread_mutex_lock(&e->lock);
		for (i = 0; i < n; i++)
			e->slot[(e->released + i) % RING].ready = false;
		e->released += n;
		(void)pthread_cond_broadcast(&e->room);
		(void)pthread_mutex_unlock(&e->lock);
	}
	for (i = e->released; i < e->n; i++)
		tell(e, i, &skipped, sum);
}

/* ---- setting up ----------------------------------------------------- */

static unsigned
processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static void
worker_deinit(struct worker *w)
{
	fw_memo_free(w->memo);
	fwp_openssl_free(w->openssl);
}

static enum fw_kind
worker_init(struct worker *w, struct engine *e, struct fw_error *err)
{
	w->e = e;
	w->opt = *e->batch->opt;
	w->openssl = fwp_openssl_new();
	if (w->openssl == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	w->real = fwp_openssl_crypto(w->openssl);
	w->memo = fw_memo_new(&w->real);
	if (w->memo == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	w->crypto = fw_memo_crypto(w->memo);
	w->opt.crypto = &w->crypto;
	w->opt.progress = NULL;
	w->session = (struct fw_session){
		.signers = fw_pool_first(e->pool), .pool = e->pool,
		.roots = &e->roots, .shared = e->shared,
		.out = FW_OUTPUT_NONE,
	};
	w->opt.session = &w->session;
	return FW_OK;
}

/* As many as are wanted, or as the token has sessions for. */
static enum fw_kind
open_keys(struct engine *e, unsigned want, unsigned *jobs,
    struct fw_error *err)
{
	const struct fw_build_options *const opt = e->batch->opt;

	*jobs = want;
	if (!opt->no_sign) {
		FW_TRY(fw_pool_open(e->pool, e->spec, e->specs, opt, want,
		    err));
		*jobs = fw_pool_size(e->pool);
	}
	return fw_roots_load(&e->roots, fw_pool_first(e->pool), opt, err);
}

static void
run_workers(struct engine *e, struct worker *w, unsigned n, unsigned jobs,
    struct fw_batch_sum *sum)
{
	unsigned i, started = 0;
	struct fw_error err;

	/* Not the later ones without the earlier: those wait for what these do. */
	while (started < n && pthread_create(&w[started].thread, NULL, work,
	    &w[started]) == 0)
		started++;
	if (started == 0) {
		(void)fw_fail(&err, FW_E_NOMEM, "cannot start a thread");
		give_up(e, &err);
	}
	sum->jobs = started < jobs ? started : jobs;
	release_all(e, sum);
	for (i = 0; i < started; i++)
		(void)pthread_join(w[i].thread, NULL);
}

/* What is wrong with a batch whose failures were all told. */
static enum fw_kind
sum_up(const struct engine *e, const struct fw_batch_sum *sum,
    struct fw_error *err)
{
	enum fw_kind kind = FW_E_REFUSED;

	if (sum->failed == 0 && sum->skipped == 0)
		return FW_OK;
	/* No bundle told it. */
	if (sum->failed == 0 && e->why.kind != FW_OK) {
		*err = e->why;
		return err->kind;
	}
	if (sum->skipped == 0)
		return fw_fail(err, FW_E_REFUSED, "%zu of %zu bundles failed "
		    "(run it again when that is mended: what is done is not "
		    "done again)", sum->failed, e->n);
	if (e->why.kind == FW_E_KEY || e->why.kind == FW_E_IO ||
	    e->why.kind == FW_E_NOMEM)
		kind = e->why.kind;
	return fw_fail(err, kind, "given up%s: %zu of %zu bundles failed, %zu were not tried",
	    sum->interrupted ? " because of a signal" : "", sum->failed, e->n,
	    sum->skipped);
}

static enum fw_kind
check_places(const struct engine *e, struct fw_error *err)
{
	FW_FREE const char **path = calloc(e->n + 1, sizeof *path);
	size_t i;

	if (path == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = 0; i < e->n; i++)
		path[i] = path_of(e, i);
	return fw_batch_places(e->list, e->in, path, e->n, e->batch->opt,
	    err);
}

static enum fw_kind
run(struct engine *e, struct fw_batch_sum *sum, struct fw_error *err)
{
	unsigned want = e->batch->jobs ? e->batch->jobs : e->processors;
	FW_FREE struct worker *w = calloc(WORKERS_MAX, sizeof *w);
	unsigned jobs = 0, n = 0, workers;
	enum fw_kind kind;
	size_t i;

	if (w == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (want > FW_JOBS_MAX)
		want = FW_JOBS_MAX;
	if (want > e->n)
		want = (unsigned)e->n;
	for (i = 0; i < RING; i++)
		e->slot[i].out = (struct fw_output)FW_OUTPUT_NONE;
	FW_TRY(check_places(e, err));
	FW_TRY(fw_log_ready(e->batch->opt->log, err));
	kind = open_keys(e, want, &jobs, err);
	workers = jobs + (e->batch->opt->no_sign ? 0 : e->processors);
	for (; kind == FW_OK && n < workers && n < WORKERS_MAX; n++) {
		w[n].extra = n >= jobs;
		kind = worker_init(&w[n], e, err);
	}
	if (kind == FW_OK) {
		run_workers(e, w, n, jobs, sum);
		sum->interrupted = fw_interrupted();
		kind = sum_up(e, sum, err);
		if (e->batch->end != NULL)
			e->batch->end(e->batch->ctx, sum, kind != FW_OK ? err :
			    NULL);
	}
	while (n > 0)
		worker_deinit(&w[--n]);
	return kind;
}

static void
engine_free(struct engine **ep)
{
	struct engine *const e = *ep;

	if (e == NULL)
		return;
	fw_descriptor_deinit(&e->first);
	fw_roots_deinit(&e->roots);
	fw_pool_free(e->pool);
	fw_shared_free(e->shared);
	(void)pthread_mutex_destroy(&e->lock);
	(void)pthread_cond_destroy(&e->ready);
	(void)pthread_cond_destroy(&e->room);
	free(e);
}

static struct engine *
engine_new(const struct fw_batch_options *batch)
{
	struct engine *const e = calloc(1, sizeof *e);
	pthread_condattr_t attr;

	if (e == NULL)
		return NULL;
	e->batch = batch;
	e->pool = fw_pool_new();
	e->shared = fw_shared_new();
	e->processors = processors();
	(void)pthread_mutex_init(&e->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&e->ready, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_cond_init(&e->room, NULL);
	e->spec = batch->opt->signer;
	e->specs = batch->opt->signers;
	return e;
}

enum fw_kind
fw_batch_build(const struct fw_batch *list,
    const struct fw_batch_options *batch, struct fw_batch_sum *sum,
    struct fw_error *err)
{
	FW_CLEANUP(engine_free) struct engine *e = engine_new(batch);

	*sum = (struct fw_batch_sum){ 0 };
	if (e == NULL || e->pool == NULL || e->shared == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	e->list = list;
	e->n = list->n;
	FW_TRY(fw_batch_descriptor(e->list, 0, &e->first, err));
	if (e->specs == 0) {
		e->spec = e->first.signer;
		e->specs = e->first.signers;
	}
	if (e->specs == 0 && !batch->opt->no_sign)
		return fw_fail(err, FW_E_USAGE, "there is no signer (name one "
		    "in the descriptor or with --key, or leave the bundles "
		    "unsigned with --unsigned)");
	return run(e, sum, err);
}

enum fw_kind
fw_batch_sign(const char *const *path, const char *const *out, size_t n,
    const struct fw_batch_options *batch, struct fw_batch_sum *sum,
    struct fw_error *err)
{
	FW_CLEANUP(engine_free) struct engine *e = engine_new(batch);

	*sum = (struct fw_batch_sum){ 0 };
	if (e == NULL || e->pool == NULL || e->shared == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	e->in = path;
	e->out = out;
	e->n = n;
	return run(e, sum, err);
}
