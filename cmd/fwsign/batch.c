/* SPDX-License-Identifier: Apache-2.0 */
/* Many bundles with one command. */
#include "fwsign/batch.h"

#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/internal.h"

enum { BAR = 40, BAR_MS = 100 };

/* ---- options -------------------------------------------------------- */

bool
batch_option(struct batch_args *b, int c, const char *arg,
    enum fw_kind *kind, struct fw_error *err)
{
	*kind = FW_OK;
	switch (c) {
	case BATCH_JOBS:
		*kind = cli_once("--jobs", &b->jobs, arg, err);
		return true;
	case BATCH_DIR:
		*kind = cli_once("--output-directory", &b->dir, arg, err);
		return true;
	case BATCH_FAIL_FAST:
		b->fail_fast = true;
		return true;
	default:
		return false;
	}
}

bool
batch_wanted(const struct batch_args *b)
{
	return b->jobs != NULL || b->dir != NULL || b->fail_fast;
}

/* ---- progress ------------------------------------------------------- */

static int64_t
milliseconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
hide_bar(struct batch_args *b)
{
	if (b->bar)
		(void)fprintf(stderr, "\r\033[K");
	b->bar = false;
}

/* On a terminal only: what is done, as a bar and in numbers. */
static void
show_bar(struct batch_args *b)
{
	const int64_t now = milliseconds();
	const size_t full = b->seen * BAR / b->n;
	char bar[BAR + 1];

	if (b->signing->opt.progress == NULL || now - b->shown < BAR_MS)
		return;
	memset(bar, ' ', BAR);
	memset(bar, '#', full);
	bar[BAR] = '\0';
	(void)fflush(stdout);
	(void)fprintf(stderr, "\r[%s] %zu of %zu", bar, b->seen, b->n);
	(void)fflush(stderr);
	b->bar = true;
	b->shown = now;
}

/* ---- results -------------------------------------------------------- */

static const char *
state_name(const struct batch_args *b, enum fw_batch_state state)
{
	switch (state) {
	case FW_BATCH_DONE:
		return b->signing->opt.no_sign ? "built" : "signed";
	case FW_BATCH_THERE:
		return "signed-before";
	case FW_BATCH_FAILED:
		return "failed";
	default:
		return "not-tried";
	}
}

static json_t *
result_json(const struct batch_args *b, const struct fw_batch_result *r)
{
	json_t *const o = json_pack("{s:s, s:s}", "bundle", r->path, "state",
	    state_name(b, r->state));
	char digest[16 + 2 * FWD_DIGEST_MAX];
	int rc = o == NULL;

	if (rc == 0 && r->built != NULL) {
		signing_digest(r->built->digest_alg,
		    r->built->manifest_digest, digest);
		rc |= json_object_set_new(o, "manifest-digest",
		    json_string(digest));
		rc |= json_object_set_new(o, "size",
		    fw_number_json(r->built->size));
	}
	if (rc == 0 && r->err != NULL)
		rc |= json_object_set_new(o, "error",
		    json_string(r->err->text));
	if (rc == 0)
		return o;
	json_decref(o);
	return NULL;
}

static void
on_result(void *ctx, size_t i, const struct fw_batch_result *r)
{
	struct batch_args *const b = ctx;
	const struct signing *const s = b->signing;

	(void)i;
	b->seen++;
	if (r->err != NULL) {
		hide_bar(b);
		cli_error(r->err);
	}
	if (b->list != NULL)
		b->failed |= json_array_append_new(b->list,
		    result_json(b, r)) != 0;
	if (!s->quiet && !s->json && r->err == NULL) {
		if (isatty(STDOUT_FILENO) == 1)
			hide_bar(b);
		(void)printf("%-14s ", state_name(b, r->state));
		cli_text(stdout, r->path, strlen(r->path));
		(void)putchar('\n');
	}
	show_bar(b);
}

static enum fw_kind
dump_json(struct batch_args *b, const struct fw_batch_sum *sum,
    struct fw_error *err)
{
	FW_CLEANUP(signing_free_json) json_t *tree = json_pack(
	    "{s:O, s:I, s:I, s:I, s:I, s:I}", "bundles", b->list,
	    b->signing->opt.no_sign ? "built" : "signed",
	    (json_int_t)sum->done, "signed-before", (json_int_t)sum->there,
	    "failed", (json_int_t)sum->failed, "not-tried",
	    (json_int_t)sum->skipped, "jobs", (json_int_t)sum->jobs);

	if (b->failed || tree == NULL)
		return fw_fail(err, FW_E_NOMEM,
		    "cannot show the result as JSON");
	return signing_dump(tree, err);
}

/* All of it is said before a signal that came ends the program. */
static void
on_end(void *ctx, const struct fw_batch_sum *sum, const struct fw_error *why)
{
	struct batch_args *const b = ctx;
	const struct signing *const s = b->signing;

	hide_bar(b);
	if (s->json)
		(void)dump_json(b, sum, &b->err);
	else if (!s->quiet)
		(void)printf("%zu bundles: %zu %s, %zu signed before, %zu "
		    "failed, %zu not tried\n", b->n, sum->done,
		    s->opt.no_sign ? "built" : "signed", sum->there,
		    sum->failed, sum->skipped);
	if (!sum->interrupted)
		return;
	(void)fflush(stdout);
	if (why != NULL)
		cli_error(why);
}

static enum fw_kind
finish(struct batch_args *b, enum fw_kind kind, struct fw_error *err)
{
	json_decref(b->list);
	b->list = NULL;
	/* Whatever failed before there was a report: that alone is told. */
	if (kind == FW_OK && b->err.kind != FW_OK) {
		*err = b->err;
		kind = err->kind;
	}
	return kind;
}

static enum fw_kind
start(struct batch_args *b, struct signing *s, size_t n,
    struct fw_batch_options *out, struct fw_error *err)
{
	uint64_t jobs = 0;

	if (b->jobs != NULL)
		FW_TRY(cli_uint("option '--jobs'", b->jobs, 1, FW_JOBS_MAX,
		    &jobs, err));
	/* What each bundle needs is kept for the next one: giving it back to
	   the system and getting it again costs more than the work. */
	(void)mallopt(M_MMAP_THRESHOLD, 16 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
	b->signing = s;
	b->n = n;
	if (s->json && (b->list = json_array()) == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*out = (struct fw_batch_options){
		.opt = &s->opt, .jobs = (unsigned)jobs,
		.fail_fast = b->fail_fast, .result = on_result,
		.end = on_end, .ctx = b,
	};
	return FW_OK;
}

enum fw_kind
batch_build(struct batch_args *b, struct signing *s, const char *path,
    const struct fw_set *set, struct fw_error *err)
{
	FW_CLEANUP(fw_batch_deinit) struct fw_batch list = { 0 };
	struct fw_batch_options opt;
	struct fw_batch_sum sum;
	enum fw_kind kind;

	FW_TRY(fw_batch_load(path, set, b->dir, &list, err));
	FW_TRY(fw_batch_read(&list, err));
	FW_TRY(start(b, s, list.n, &opt, err));
	kind = fw_batch_build(&list, &opt, &sum, err);
	return finish(b, kind, err);
}

/* ---- sign ----------------------------------------------------------- */

/* Where the results go: in the place of the bundles, or below dir. */
struct outputs {
	char **path;
	size_t n;
};

static void
outputs_deinit(struct outputs *o)
{
	while (o->n > 0)
		free(o->path[--o->n]);
	free(o->path);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* No two may go to one place. */
static enum fw_kind
check_outputs(const struct outputs *o, struct fw_error *err)
{
	FW_FREE char **sorted = calloc(o->n + 1, sizeof *sorted);
	size_t i;

	if (sorted == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	memcpy(sorted, o->path, o->n * sizeof *sorted);
	qsort(sorted, o->n, sizeof *sorted, by_name);
	for (i = 1; i < o->n; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			return fw_fail(err, FW_E_USAGE,
			    "two bundles would become '%s'", sorted[i]);
	return FW_OK;
}

static enum fw_kind
name_outputs(const struct batch_args *b, char **path, size_t n,
    struct outputs *out, struct fw_error *err)
{
	const char *slash;
	char *name;

	out->path = calloc(n, sizeof *out->path);
	if (out->path == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	while (out->n < n) {
		slash = strrchr(path[out->n], '/');
		if (b->dir == NULL)
			name = strdup(path[out->n]);
		else if (asprintf(&name, "%s/%s", b->dir, slash != NULL ?
		    slash + 1 : path[out->n]) < 0)
			name = NULL;
		if (name == NULL)
			return fw_fail(err, FW_E_NOMEM, "out of memory");
		out->path[out->n++] = name;
	}
	return check_outputs(out, err);
}

enum fw_kind
batch_sign(struct batch_args *b, struct signing *s, char **path, size_t n,
    struct fw_error *err)
{
	FW_CLEANUP(outputs_deinit) struct outputs out = { 0 };
	struct fw_batch_options opt;
	struct fw_batch_sum sum;
	enum fw_kind kind;

	FW_TRY(name_outputs(b, path, n, &out, err));
	FW_TRY(start(b, s, n, &opt, err));
	kind = fw_batch_sign((const char *const *)path,
	    (const char *const *)out.path, n, &opt, &sum, err);
	return finish(b, kind, err);
}
