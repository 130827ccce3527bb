/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sessions of a batch.  A thread has one only while it signs, and there can
 * be more threads than sessions: so a token whose signatures take their time
 * never waits for what is done to a bundle before and after.  One that computes
 * on our own processors is better off without, and which it is shows in what
 * its signatures take of them.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/batch.h"
#include "host/build_internal.h"

struct fw_pool {
	pthread_mutex_t lock;
	pthread_cond_t idle;		/* one more is */
	struct fw_signers set[FW_JOBS_MAX];	/* the first: all keys */
	unsigned n;
	struct fw_signers *free[FW_JOBS_MAX];
	unsigned frees;
	struct {
		int64_t wall, cpu;	/* when it was taken */
	} since[FW_JOBS_MAX];
	int64_t wall, cpu;		/* what all signatures took, in ns */
	uint64_t times;			/* that one was put back */
};

static int64_t
now(clockid_t which)
{
	struct timespec t = { 0 };

	(void)clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct fw_pool *
fw_pool_new(void)
{
	struct fw_pool *const p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->idle, NULL);
	return p;
}

void
fw_pool_free(struct fw_pool *p)
{
	if (p == NULL)
		return;
	/* The first key last: the others are sessions of its login. */
	while (p->n > 0)
		fw_signers_deinit(&p->set[--p->n]);
	(void)pthread_mutex_destroy(&p->lock);
	(void)pthread_cond_destroy(&p->idle);
	free(p);
}

/* What the token has no session for is left out. */
static enum fw_kind
fewer(const struct fw_pool *p, unsigned want,
    const struct fw_build_options *opt, struct fw_error *err)
{
	char why[FW_ERROR_TEXT_MAX + 64];

	if (err->kind != FW_E_KEY || opt->key.warn == NULL)
		return err->kind;
	(void)snprintf(why, sizeof why, "%u of %u jobs only: %s", p->n, want,
	    err->text);
	opt->key.warn(opt->key.warn_ctx, why);
	return FW_OK;
}

enum fw_kind
fw_pool_open(struct fw_pool *p, const struct fw_signer_spec *spec, size_t n,
    const struct fw_build_options *opt, unsigned want, struct fw_error *err)
{
	FW_TRY(fw_signers_open(spec, n, opt, &p->set[0], err));
	p->free[p->frees++] = &p->set[0];
	for (p->n = 1; p->n < want && p->n < FW_JOBS_MAX; p->n++) {
		if (fw_signers_again(&p->set[0], opt, &p->set[p->n], err) !=
		    FW_OK)
			return fewer(p, want, opt, err);
		p->free[p->frees++] = &p->set[p->n];
	}
	return FW_OK;
}

unsigned
fw_pool_size(const struct fw_pool *p)
{
	return p->n;
}

struct fw_signers *
fw_pool_first(struct fw_pool *p)
{
	return &p->set[0];
}

struct fw_signers *
fw_pool_take(struct fw_pool *p)
{
	struct fw_signers *s;

	(void)pthread_mutex_lock(&p->lock);
	while (p->frees == 0)
		(void)pthread_cond_wait(&p->idle, &p->lock);
	s = p->free[--p->frees];
	p->since[s - p->set].wall = now(CLOCK_MONOTONIC);
	p->since[s - p->set].cpu = now(CLOCK_THREAD_CPUTIME_ID);
	(void)pthread_mutex_unlock(&p->lock);
	return s;
}

void
fw_pool_put(struct fw_pool *p, struct fw_signers *s)
{
	(void)pthread_mutex_lock(&p->lock);
	p->wall += now(CLOCK_MONOTONIC) - p->since[s - p->set].wall;
	p->cpu += now(CLOCK_THREAD_CPUTIME_ID) - p->since[s - p->set].cpu;
	p->times++;
	p->free[p->frees++] = s;
	(void)pthread_cond_signal(&p->idle);
	(void)pthread_mutex_unlock(&p->lock);
}

bool
fw_pool_waits(struct fw_pool *p, unsigned processors)
{
	bool waits;

	(void)pthread_mutex_lock(&p->lock);
	/* cpu / wall * n is the number of processors that signing keeps busy. */
	waits = p->times >= p->n &&
	    (double)p->cpu * p->n * 2 < (double)p->wall * processors;
	(void)pthread_mutex_unlock(&p->lock);
	return waits;
}
