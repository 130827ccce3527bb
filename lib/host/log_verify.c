/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying the signing log, from the first line to the last.  A line that is
 * not as it must be is suspect until a repair, which must be the next line that
 * is one, vouches for it; that is possible only for what was cut short.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "host/log_internal.h"

struct verify {
	const struct fw_log_options *opt;
	const char *path;
	struct fw_log_report *r;
	struct fw_log_roots roots;
	struct fw_buf *kept;		/* checkpoints from elsewhere */
	struct fw_log_line *kept_line;
	bool *met;
	FILE *f;
	fw_log_hex head;		/* of the last good line */
	uint64_t number;		/* of the line just read */
	bool ended;			/* it had its end */
	/* lines that are not as they must be, without a good one between */
	struct {
		uint64_t first, lines;
		bool torn;		/* all look cut short */
		struct fw_error why;	/* of the first */
		struct fw_buf bytes;
	} suspect;
};

static void
verify_deinit(struct verify *v)
{
	size_t i;

	fw_log_roots_deinit(&v->roots);
	for (i = 0; v->kept != NULL && i < v->opt->checkpoints; i++)
		fw_buf_deinit(&v->kept[i]);
	for (i = 0; v->kept_line != NULL && i < v->opt->checkpoints; i++)
		fw_log_line_deinit(&v->kept_line[i]);
	free(v->kept);
	free(v->kept_line);
	free(v->met);
	fw_buf_deinit(&v->suspect.bytes);
	if (v->f != NULL)
		(void)fclose(v->f);
}

void
fw_log_report_deinit(struct fw_log_report *r)
{
	free(r->signer);
	*r = (struct fw_log_report){ 0 };
}

/* ---- what it is verified with --------------------------------------- */

/* Each file holds the line of one checkpoint. */
static enum fw_kind
load_kept(struct verify *v, struct fw_error *err)
{
	const size_t n = v->opt->checkpoints;
	struct fwd_span text;
	size_t i;

	v->kept = calloc(n + 1, sizeof *v->kept);
	v->kept_line = calloc(n + 1, sizeof *v->kept_line);
	v->met = calloc(n + 1, sizeof *v->met);
	if (v->kept == NULL || v->kept_line == NULL || v->met == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = 0; i < n; i++) {
		FW_TRY(fw_file_read(v->opt->checkpoint[i], FW_LOG_LINE_MAX + 1,
		    &v->kept[i], err));
		if (v->kept[i].n > 0 && v->kept[i].p[v->kept[i].n - 1] == '\n')
			v->kept[i].n--;
		text = fw_buf_span(&v->kept[i]);
		if (fw_log_line_read(text, &v->kept_line[i], NULL) != NULL ||
		    strcmp(v->kept_line[i].type, "checkpoint") != 0)
			return fw_fail(err, FW_E_INPUT, "'%s' is no "
			    "checkpoint of a signing log",
			    v->opt->checkpoint[i]);
	}
	return FW_OK;
}

static enum fw_kind
open_log(struct verify *v, struct fw_error *err)
{
	FW_FD int fd = -1;

	FW_TRY(fw_file_open(v->path, &fd, NULL, err));
	/* Not in the middle of what others append. */
	while (flock(fd, LOCK_SH) != 0)
		if (errno != EINTR)
			return fw_fail_errno(err, FW_E_IO, "cannot lock '%s'",
			    v->path);
	v->f = fdopen(fd, "r");
	if (v->f == NULL)
		return fw_fail_errno(err, FW_E_NOMEM, "cannot read '%s'",
		    v->path);
	fd = -1;
	return FW_OK;
}

/* ---- one line ------------------------------------------------------- */

/* The place of a line, for what is wrong with it. */
static enum fw_kind
wrong(const struct verify *v, uint64_t number, struct fw_error *err,
    const char *text)
{
	return fw_fail_at(err, FW_E_REFUSED, v->path, (unsigned)number, 0,
	    "%s", text);
}

/* Why a line that is one does not belong here; FW_OK if it does. */
static enum fw_kind
check_place(const struct verify *v, const struct fw_log_line *l,
    struct fw_error *err)
{
	const unsigned long long is = l->number, want = v->number;
	char text[160];

	if (v->suspect.lines > 0)
		return wrong(v, v->number, err, "comes behind a line that is "
		    "not as it was written");
	if (is > want)
		(void)snprintf(text, sizeof text, "line %llu was removed or "
		    "moved: what stands here was line %llu", want, is);
	else if (is < want)
		(void)snprintf(text, sizeof text, "this line was inserted or "
		    "moved: it was line %llu", is);
	else if (strcmp(l->previous, v->head) == 0)
		return FW_OK;
	else if (v->number == 1)
		return wrong(v, 1, err, "this line was not the first: it goes "
		    "on from another");
	else
		return wrong(v, v->number - 1, err, "this line was changed "
		    "or replaced: the next one goes on from another");
	return wrong(v, v->number, err, text);
}

/* What a checkpoint kept elsewhere says must be what stands here. */
static enum fw_kind
check_kept(struct verify *v, struct fwd_span text, struct fw_error *err)
{
	size_t i;

	for (i = 0; i < v->opt->checkpoints; i++) {
		if (v->kept_line[i].number != v->number)
			continue;
		v->met[i] = true;
		if (!fwd_span_equal(fw_buf_span(&v->kept[i]), text))
			return fw_fail_at(err, FW_E_REFUSED, v->path,
			    (unsigned)v->number, 0, "this line is not the "
			    "checkpoint in '%s': the log was rewritten",
			    v->opt->checkpoint[i]);
	}
	return FW_OK;
}

static enum fw_kind
take_checkpoint(struct verify *v, const struct fw_log_line *l,
    struct fw_error *err)
{
	struct fw_log_report *const r = v->r;
	const char *const subject = json_string_value(json_object_get(
	    json_object_get(l->o, "certificate"), "subject"));

	if (fw_log_checkpoint_check(l, v->opt->crypto, &v->roots, err) !=
	    FW_OK) {
		if (err->kind == FW_E_REFUSED) {
			(void)snprintf(err->file, sizeof err->file, "%s",
			    v->path);
			err->line = (unsigned)v->number;
			err->column = 0;
		}
		return err->kind;
	}
	r->checkpoints++;
	r->checkpoint = v->number;
	(void)snprintf(r->checkpoint_time, sizeof r->checkpoint_time, "%s",
	    l->time);
	free(r->signer);
	r->signer = strdup(subject);
	return r->signer != NULL ? FW_OK :
	    fw_fail(err, FW_E_NOMEM, "out of memory");
}

/* Does the repair vouch for the suspect lines, all of them? */
static bool
repairs(const struct verify *v, const struct fw_log_line *l)
{
	const json_t *const torn = json_object_get(l->o, "torn");
	struct fw_error ignored;
	fw_log_hex hash;

	return v->suspect.torn && v->suspect.lines > 0 &&
	    l->number == v->number && strcmp(l->previous, v->head) == 0 &&
	    (uint64_t)json_integer_value(json_object_get(torn, "lines")) ==
	    v->suspect.lines &&
	    (uint64_t)json_integer_value(json_object_get(torn, "size")) ==
	    v->suspect.bytes.n &&
	    fw_log_hash(fw_buf_span(&v->suspect.bytes), hash, &ignored) ==
	    FW_OK && strcmp(hash, json_string_value(json_object_get(torn,
	    "sha256"))) == 0;
}

static void
take_repair(struct verify *v, const struct fw_log_line *l)
{
	struct fw_log_report *const r = v->r;
	const size_t i = (size_t)r->repairs++;

	r->torn += v->suspect.lines;
	if (i < FW_LOG_REPAIRS_SHOWN) {
		r->repair[i].line = v->number;
		r->repair[i].lines = v->suspect.lines;
		r->repair[i].size = v->suspect.bytes.n;
		(void)snprintf(r->repair[i].time, sizeof r->repair[i].time,
		    "%s", l->time);
	}
	fw_buf_deinit(&v->suspect.bytes);
	v->suspect.lines = 0;
}

static enum fw_kind
take_line(struct verify *v, const struct fw_log_line *l, struct fwd_span text,
    struct fw_error *err)
{
	struct fw_log_report *const r = v->r;
	const bool repair = strcmp(l->type, "repair") == 0;

	if (repair && repairs(v, l)) {
		take_repair(v, l);
	} else {
		FW_TRY(check_place(v, l, err));
		if (repair)
			return wrong(v, v->number, err, "this line says that "
			    "others were cut short, which are not there");
		if (strcmp(l->type, "checkpoint") == 0)
			FW_TRY(take_checkpoint(v, l, err));
		else
			r->signatures++;
	}
	FW_TRY(check_kept(v, text, err));
	if (r->first[0] == '\0')
		(void)snprintf(r->first, sizeof r->first, "%s", l->time);
	(void)snprintf(r->last, sizeof r->last, "%s", l->time);
	return fw_log_hash(text, v->head, err);
}

/* Remember what is wrong with a line; why is about the first such. */
static enum fw_kind
suspect(struct verify *v, const struct fw_error *why, bool torn,
    struct fwd_span text, struct fw_error *err)
{
	if (v->suspect.lines++ == 0) {
		v->suspect.first = v->number;
		v->suspect.why = *why;
		v->suspect.torn = true;
	}
	v->suspect.torn = v->suspect.torn && torn;
	/* Nothing can repair more, or anything else. */
	if (!v->suspect.torn || v->suspect.lines > FW_LOG_TORN_MAX ||
	    v->suspect.bytes.n > FW_LOG_TAIL_MAX) {
		*err = v->suspect.why;
		return err->kind;
	}
	FW_TRY(fw_buf_add(&v->suspect.bytes, text.p, text.n, err));
	return fw_buf_add(&v->suspect.bytes, "\n", 1, err);
}

static enum fw_kind
one_line(struct verify *v, struct fwd_span text, struct fw_error *err)
{
	FW_CLEANUP(fw_log_line_deinit) struct fw_log_line l = { 0 };
	struct fw_error why = { 0 };
	const char *form;
	char words[160];
	bool torn;

	v->r->lines = v->number;
	form = fw_log_line_read(text, &l, &torn);
	if (form != NULL) {
		(void)snprintf(words, sizeof words, "this line %s", form);
		(void)wrong(v, v->number, &why, words);
		return suspect(v, &why, torn, text, err);
	}
	if (take_line(v, &l, text, &why) == FW_OK)
		return FW_OK;
	if (v->suspect.lines > 0) {
		/* No repair, so that nothing excuses what came before. */
		*err = v->suspect.why;
		return err->kind;
	}
	*err = why;
	return err->kind;
}

/* ---- the whole ------------------------------------------------------ */

/* Read a line, but no more of it than one byte too many; false at the end of
   the file.  v->ended: the last one had its end. */
static bool
read_line(struct verify *v, uint8_t *p, size_t *n)
{
	int c = EOF;

	*n = 0;
	while (*n <= FW_LOG_TAIL_MAX && (c = getc_unlocked(v->f)) != EOF &&
	    c != '\n')
		p[(*n)++] = (uint8_t)c;
	if (*n == 0 && c == EOF)
		return false;
	v->ended = c == '\n';
	return true;
}

static enum fw_kind
all_lines(struct verify *v, struct fw_error *err)
{
	FW_FREE uint8_t *p = malloc(FW_LOG_TAIL_MAX + 1);
	enum fw_kind kind = FW_OK;
	char text[80];
	size_t n;

	if (p == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	v->ended = true;
	while (kind == FW_OK && read_line(v, p, &n)) {
		v->r->lines = ++v->number;
		if (n > FW_LOG_TAIL_MAX) {
			(void)snprintf(text, sizeof text, "this line is longer "
			    "than %zu bytes, which none is",
			    FW_LOG_TAIL_MAX);
			return wrong(v, v->number, err, text);
		}
		kind = one_line(v, (struct fwd_span){ p, n }, err);
	}
	if (kind == FW_OK && ferror(v->f))
		return fw_fail_errno(err, FW_E_IO, "cannot read '%s'",
		    v->path);
	return kind;
}

/* The end: nothing cut short, and what was kept elsewhere was met. */
static enum fw_kind
check_end(const struct verify *v, struct fw_error *err)
{
	size_t i;

	if (v->suspect.lines > 0) {
		*err = v->suspect.why;
		(void)snprintf(err->text, sizeof err->text, "this line was "
		    "cut short, by a power failure or a program that was "
		    "killed (the next signature or checkpoint repairs it)");
		return err->kind;
	}
	if (!v->ended)
		return wrong(v, v->number, err, "this line lacks its end (the "
		    "next signature or checkpoint completes it)");
	for (i = 0; i < v->opt->checkpoints; i++)
		if (!v->met[i])
			return fw_fail(err, FW_E_REFUSED, "'%s' ends with "
			    "line %llu, before the checkpoint in '%s' (line "
			    "%llu): the log was cut", v->path,
			    (unsigned long long)v->number,
			    v->opt->checkpoint[i], (unsigned long long)
			    v->kept_line[i].number);
	if (v->roots.n > 0 && v->r->checkpoints == 0)
		return fw_fail(err, FW_E_REFUSED, "'%s' has no checkpoint "
		    "that a root could vouch for (make one with 'fwsign log "
		    "checkpoint')", v->path);
	return FW_OK;
}

enum fw_kind
fw_log_verify(const char *path, const struct fw_log_options *opt,
    struct fw_log_report *out, struct fw_error *err)
{
	FW_CLEANUP(fw_log_report_deinit) struct fw_log_report r = { 0 };
	FW_CLEANUP(verify_deinit) struct verify v = {
		.opt = opt, .path = path, .r = &r
	};

	memcpy(v.head, fw_log_nothing, sizeof v.head);
	FW_TRY(fw_log_roots_load(opt, &v.roots, err));
	FW_TRY(load_kept(&v, err));
	FW_TRY(open_log(&v, err));
	FW_TRY(all_lines(&v, err));
	FW_TRY(check_end(&v, err));
	if (v.number > 0)
		memcpy(r.head, v.head, sizeof r.head);
	*out = r;
	r = (struct fw_log_report){ 0 };
	return FW_OK;
}
