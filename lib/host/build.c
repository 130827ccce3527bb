/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole build: open everything, pack the payloads in one pass, encode,
 * sign, have the device library judge the result, and give it its name.
 *
 * The envelope comes first in the bundle but needs the digests of what follows.
 * Its length depends on nothing but lengths, so it is encoded once with zeros
 * for digests and signatures to reserve its place, and once for good.
 */
#include <stdio.h>
#include <string.h>

#include "host/build.h"
#include "host/build_internal.h"
#include "host/log.h"

enum { FILES_MAX = FWD_COMPONENTS_MAX * FW_SLOTS_MAX + FWD_ATTACHMENTS_MAX };

/* A payload or attachment. */
struct file {
	struct fw_source source;
	struct fw_shared_file *shared;	/* in place of the source's file, of
					   which the size counts; or NULL */
	const char *name;
	const char *what;		/* "image", "attachment" */
	const char *path;
	unsigned line, column;		/* where the descriptor names it */
	struct fw_measure *measure;
	bool integrated;
	struct fw_buf content;		/* of an integrated one */
	uint64_t off;			/* of its data in the bundle */
};

struct build {
	const struct fw_descriptor *d;
	const struct fw_build_options *opt;
	struct fw_built *built;
	struct fw_output out;
	struct file file[FILES_MAX];	/* in the order of the bundle */
	size_t files;
	struct fw_signers signers;
	struct fw_buf text, manifest, payload, envelope;
	size_t envelope_n;
	uint64_t total, done;
};

static void
build_free(struct build **bp)
{
	struct build *const b = *bp;
	size_t i;

	if (b == NULL)
		return;
	for (i = 0; i < b->files; i++) {
		fw_source_deinit(&b->file[i].source);
		fw_shared_put(b->file[i].shared);
		fw_buf_deinit(&b->file[i].content);
	}
	fw_output_abandon(&b->out);
	fw_signers_deinit(&b->signers);
	fw_buf_deinit(&b->text);
	fw_buf_deinit(&b->manifest);
	fw_buf_deinit(&b->payload);
	fw_buf_deinit(&b->envelope);
	free(b);
}

void
fw_built_deinit(struct fw_built *b)
{
	size_t i;

	for (i = 0; i < b->signers; i++) {
		free(b->signer[i].subject);
		free(b->signer[i].serial);
		free(b->signer[i].key);
	}
	for (i = 0; i < b->removals; i++)
		free(b->removed[i].subject);
	*b = (struct fw_built){ 0 };
}

/* ---- files ----------------------------------------------------------- */

/* Add where the descriptor names the file, unless there is a place already. */
static enum fw_kind
at(const struct build *b, const struct file *f, struct fw_error *err)
{
	if (err->file[0] == '\0' && err->kind == FW_E_INPUT) {
		(void)snprintf(err->file, sizeof err->file, "%s", b->d->path);
		err->line = f->line;
		err->column = f->column;
	}
	return err->kind;
}

static enum fw_kind
check_size(const struct build *b, const struct file *f, uint64_t max,
    struct fw_error *err)
{
	const unsigned long long size = f->source.size;

	if (f->source.size == 0)
		return fw_fail_at(err, FW_E_INPUT, b->d->path, f->line,
		    f->column, "%s '%s' is empty", f->what, f->path);
	if (max != 0 && f->source.size > max)
		return fw_fail_at(err, FW_E_INPUT, b->d->path, f->line,
		    f->column, "%s '%s' has %llu bytes, more than the %llu "
		    "that are allowed", f->what, f->path, size,
		    (unsigned long long)max);
	return FW_OK;
}

/* An integrated payload is small: keep and hash it here and now. */
static enum fw_kind
load_integrated(const struct build *b, struct file *f, struct fw_error *err)
{
	FW_TRY(check_size(b, f, FW_INTEGRATED_MAX, err));
	FW_TRY(fw_buf_reserve(&f->content, (size_t)f->source.size, err));
	f->content.n = (size_t)f->source.size;
	if (fw_read_at(f->shared != NULL ? f->shared->out.fd : f->source.fd,
	    f->content.p, f->content.n, 0, err) != FW_OK)
		return fw_wrap(err, "'%s'", f->path);
	if (f->shared == NULL)
		FW_TRY(fw_source_unchanged(&f->source, err));
	return fw_digest(b->d->digest_alg, fw_buf_span(&f->content),
	    f->measure->digest, err);
}

/* Open the file: as it is, or in the copy that the bundles of a batch share. */
static enum fw_kind
open_source(struct build *b, struct file *f, const struct fw_image *image,
    struct fw_error *err)
{
	if (b->opt->session == NULL)
		return fw_image_open(image, &f->source, err);
	FW_TRY(fw_shared_get(b->opt->session->shared, image, b->d->digest_alg,
	    b->out.path, &f->shared, err));
	f->source.size = f->shared->size;
	memcpy(f->measure->digest, f->shared->digest,
	    sizeof f->measure->digest);
	return FW_OK;
}

static enum fw_kind
open_image(struct build *b, size_t component, size_t i, struct fw_error *err)
{
	const struct fw_component *const c = &b->d->component[component];
	const struct fw_image *const image = &c->image[i];
	struct file *const f = &b->file[b->files];
	enum fw_kind kind;

	*f = (struct file){
		.source = FW_SOURCE_NONE, .name = image->name,
		.what = "image", .path = image->path, .line = image->line,
		.column = image->column, .integrated = c->integrated,
		.measure = &b->built->measures.image[component][i],
	};
	err->file[0] = '\0';
	kind = open_source(b, f, image, err);
	if (kind != FW_OK)
		return at(b, f, err);
	b->files++;
	f->measure->size = f->source.size;
	FW_TRY(check_size(b, f, c->max_size, err));
	return c->integrated ? load_integrated(b, f, err) : FW_OK;
}

static enum fw_kind
open_attachment(struct build *b, size_t i, struct fw_error *err)
{
	const struct fw_attachment *const a = &b->d->attachment[i];
	const struct fw_image as_it_is = { .path = a->path, .format = FW_RAW };
	struct file *const f = &b->file[b->files];

	*f = (struct file){
		.source = FW_SOURCE_NONE, .name = a->name,
		.what = "attachment", .path = a->path, .line = a->line,
		.column = a->column, .measure = &b->built->measures.attachment[i],
	};
	err->file[0] = '\0';
	if (open_source(b, f, &as_it_is, err) != FW_OK)
		return at(b, f, err);
	b->files++;
	f->measure->size = f->source.size;
	return check_size(b, f, 0, err);
}

static enum fw_kind
open_images(struct build *b, bool staged, struct fw_error *err)
{
	size_t i, j;

	for (i = 0; i < b->d->components; i++)
		for (j = 0; j < b->d->component[i].images; j++)
			if (b->d->component[i].staged == staged)
				FW_TRY(open_image(b, i, j, err));
	return FW_OK;
}

static enum fw_kind
check_names(const struct build *b, struct fw_error *err)
{
	uint8_t header[FWD_BLOCK];
	const struct file *f;
	size_t i, j;

	for (i = 0; i < b->files; i++) {
		f = &b->file[i];
		err->file[0] = '\0';
		if (!f->integrated && fw_bundle_header(f->name, f->source.size,
		    0, header, err) != FW_OK)
			return at(b, f, err);
		if (f->integrated && (f->name[0] != '#' || f->name[1] == '\0'))
			return fw_fail_at(err, FW_E_INPUT, b->d->path, f->line,
			    f->column, "'%s' cannot be the name of an "
			    "integrated payload (begin with '#')", f->name);
		for (j = 0; j < i; j++)
			if (strcmp(b->file[j].name, f->name) == 0)
				break;
		if (j < i || strcmp(f->name, FW_ENVELOPE_NAME) == 0)
			return fw_fail_at(err, FW_E_INPUT, b->d->path, f->line,
			    f->column, "there is another member '%s' in the "
			    "bundle (give this one another name)", f->name);
	}
	return FW_OK;
}

/* In the order of the bundle: as fetched, then attachments. */
static enum fw_kind
open_files(struct build *b, struct fw_error *err)
{
	size_t i, integrated = 0;

	FW_TRY(open_images(b, true, err));
	FW_TRY(open_images(b, false, err));
	for (i = 0; i < b->d->attachments; i++)
		FW_TRY(open_attachment(b, i, err));
	for (i = 0; i < b->files; i++)
		integrated += b->file[i].content.n;
	if (integrated > FW_INTEGRATED_MAX)
		return fw_fail(err, FW_E_INPUT, "the integrated payloads have "
		    "%zu bytes, more than %zu (make them members)", integrated,
		    FW_INTEGRATED_MAX);
	return check_names(b, err);
}

/* ---- envelope -------------------------------------------------------- */

/* Encode it all; blank: with zeros for signatures. */
static enum fw_kind
encode(struct build *b, bool blank, struct fw_error *err)
{
	struct fw_element element[1 + FILES_MAX];
	struct fw_envelope_parts parts = { .element = element };
	size_t i;

	fw_buf_deinit(&b->text);
	fw_buf_deinit(&b->manifest);
	fw_buf_deinit(&b->payload);
	fw_buf_deinit(&b->envelope);
	FW_TRY(fw_text_encode(b->d, &b->built->measures, &b->text, err));
	FW_TRY(fw_manifest_encode(b->d, &b->built->measures,
	    fw_buf_span(&b->text), &b->manifest, err));
	FW_TRY(fw_payload_encode(b->d->digest_alg, fw_buf_span(&b->manifest),
	    &b->payload, err));
	element[parts.elements++] =
	    (struct fw_element){ NULL, fw_buf_span(&b->text) };
	for (i = 0; i < b->files; i++)
		if (b->file[i].integrated)
			element[parts.elements++] = (struct fw_element){
			    b->file[i].name, fw_buf_span(&b->file[i].content)
			};
	parts.payload = fw_buf_span(&b->payload);
	parts.manifest = fw_buf_span(&b->manifest);
	FW_TRY(fw_signers_sign(&b->signers, parts.payload, blank, err));
	parts.block = b->signers.span;
	parts.blocks = b->signers.n;
	return fw_envelope_encode(&parts, &b->envelope, err);
}

/* ---- bundle ---------------------------------------------------------- */

static enum fw_kind
write_error(const struct build *b, struct fw_error *err)
{
	return fw_wrap(err, "'%s'", b->out.path);
}

/* Settle the place of everything. */
static enum fw_kind
lay_out(struct build *b, struct fw_error *err)
{
	uint64_t off;
	size_t i;

	FW_TRY(encode(b, true, err));
	if (b->envelope.n > FW_ENVELOPE_WRITE_MAX)
		return fw_fail(err, FW_E_INPUT, "the envelope has %zu bytes, "
		    "more than %zu", b->envelope.n, FW_ENVELOPE_WRITE_MAX);
	b->envelope_n = b->envelope.n;
	off = FWD_BLOCK + fw_bundle_padded(b->envelope_n);
	for (i = 0; i < b->files; i++) {
		if (b->file[i].integrated)
			continue;
		b->file[i].off = off + FWD_BLOCK;
		off += FWD_BLOCK + fw_bundle_padded(b->file[i].source.size);
		b->total += b->file[i].source.size;
		if (off > INT64_MAX / 2)
			return fw_fail(err, FW_E_INPUT,
			    "the bundle would be too large");
	}
	b->built->size = off + 2 * FWD_BLOCK;
	b->built->envelope = b->envelope_n;
	/* Padding, the end and zeros in payloads are holes that stay. */
	if (ftruncate(b->out.fd, (off_t)b->built->size) != 0)
		return fw_fail_errno(err, FW_E_IO, "cannot write '%s'",
		    b->out.path);
	return FW_OK;
}

static void
on_progress(void *ctx, uint64_t done)
{
	const struct build *const b = ctx;

	b->opt->progress(b->opt->progress_ctx, done, b->total);
}

static enum fw_kind
pack(struct build *b, struct file *f, struct fw_error *err)
{
	const struct fw_progress progress = {
		b->opt->progress != NULL ? on_progress : NULL, b, b->done
	};
	uint8_t header[FWD_BLOCK];

	FW_TRY(fw_bundle_header(f->name, f->source.size, b->opt->mtime, header,
	    err));
	if (fw_write_at(b->out.fd, header, sizeof header, f->off - FWD_BLOCK,
	    err) != FW_OK)
		return write_error(b, err);
	if (f->shared != NULL)
		FW_TRY(fw_shared_copy(f->shared, b->out.fd, f->off, err));
	else if (fw_copy_hashed(&f->source, b->out.fd, f->off,
	    b->d->digest_alg, f->measure->digest, &progress, err) != FW_OK)
		return write_error(b, err);
	b->done += f->source.size;
	return FW_OK;
}

/* The real envelope, into the place that was kept for it. */
static enum fw_kind
write_envelope(struct build *b, struct fw_error *err)
{
	uint8_t header[FWD_BLOCK];

	FW_TRY(encode(b, false, err));
	if (b->envelope.n != b->envelope_n)
		return fw_fail(err, FW_E_REFUSED, "internal error: the "
		    "envelope has %zu bytes instead of %zu", b->envelope.n,
		    b->envelope_n);
	FW_TRY(fw_bundle_header(FW_ENVELOPE_NAME, b->envelope_n,
	    b->opt->mtime, header, err));
	if (fw_write_at(b->out.fd, header, sizeof header, 0, err) != FW_OK ||
	    fw_write_at(b->out.fd, b->envelope.p, b->envelope.n, FWD_BLOCK,
	    err) != FW_OK)
		return write_error(b, err);
	b->built->digest_alg = b->d->digest_alg;
	return fw_digest_bstr(b->d->digest_alg, fw_buf_span(&b->manifest),
	    b->built->manifest_digest, err);
}

/* Ask the device library, and once more whether the inputs are the same. */
static enum fw_kind
judge(struct build *b, struct fw_error *err)
{
	FW_FREE struct fw_known *known = calloc(FILES_MAX, sizeof *known);
	struct fw_selfcheck sc = {
		.crypto = b->opt->crypto, .fd = b->out.fd,
		.envelope_n = b->envelope_n, .known = known,
		.alg = b->d->digest_alg, .clock = b->opt->clock,
	};
	size_t i;

	if (known == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = 0; i < b->files; i++) {
		if (b->file[i].shared == NULL)
			FW_TRY(fw_source_unchanged(&b->file[i].source, err));
		if (!b->file[i].integrated)
			known[sc.knowns++] = (struct fw_known){
			    b->file[i].off, b->file[i].source.size,
			    b->file[i].measure->digest
			};
	}
	return fw_signers_judge(&b->signers, &sc, b->opt, b->built, err);
}

/*
 * Is the bundle there already, all but the values of signatures as it would be
 * now, and does the device library accept it?  Of a batch only, where the
 * digests are known by now.
 */
static bool
was_built(struct build *b)
{
	FW_CLEANUP(fw_front_deinit) struct fw_front there = FW_FRONT_NONE;
	struct fw_error ignored;

	if (b->opt->session == NULL || b->signers.n == 0 || !b->out.there ||
	    fw_front_open(b->out.path, &there, &ignored) != FW_OK ||
	    there.in.size != b->built->size ||
	    there.mtime != b->opt->mtime || !fw_signers_made(&b->signers,
	    &there.env, fw_buf_span(&b->envelope)) ||
	    fw_signers_judge_there(&b->signers, &there, b->opt, b->built,
	    &ignored) != FW_OK)
		return false;
	memcpy(b->built->manifest_digest, there.digest,
	    sizeof b->built->manifest_digest);
	b->built->digest_alg = b->d->digest_alg;
	b->opt->session->there = true;
	return true;
}

/* What goes in must not be overwritten by what comes out. */
static enum fw_kind
spare_inputs(const struct build *b, struct fw_error *err)
{
	size_t i;

	FW_TRY(fw_output_spares(&b->out, b->d->path, err));
	for (i = 0; i < b->files; i++)
		FW_TRY(fw_output_spares(&b->out, b->file[i].path, err));
	return FW_OK;
}

static enum fw_kind
start(struct build *b, const struct fw_descriptor *d,
    const struct fw_build_options *opt, struct fw_built *built,
    struct fw_error *err)
{
	const struct fw_signer_spec *spec = d->signer;
	size_t n = d->signers;

	b->d = d;
	b->opt = opt;
	b->built = built;
	if (opt->signers > 0) {
		spec = opt->signer;
		n = opt->signers;
	}
	if (opt->no_sign)
		n = 0;
	else if (n == 0)
		return fw_fail(err, FW_E_USAGE, "there is no signer (name one "
		    "in the descriptor or with --key, or leave the bundle "
		    "unsigned with --unsigned)");
	FW_TRY(open_files(b, err));
	FW_TRY(spare_inputs(b, err));
	FW_TRY(fw_signers_spare(spec, n, opt, &b->out, err));
	if (opt->session == NULL)
		FW_TRY(fw_log_ready(opt->log, err));
	return fw_signers_open(spec, n, opt, &b->signers, err);
}

enum fw_kind
fw_build(const struct fw_descriptor *d, const char *path,
    const struct fw_build_options *opt, struct fw_built *out,
    struct fw_error *err)
{
	FW_CLEANUP(build_free) struct build *b = calloc(1, sizeof *b);
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	size_t i;

	if (b == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	b->out = (struct fw_output)FW_OUTPUT_NONE;
	/* An output that cannot be written is found before a PIN is asked. */
	FW_TRY(fw_output_open(path, &b->out, err));
	FW_TRY(start(b, d, opt, &built, err));
	FW_TRY(lay_out(b, err));
	if (was_built(b)) {
		*out = built;
		built = (struct fw_built){ 0 };
		return FW_OK;
	}
	for (i = 0; i < b->files; i++)
		if (!b->file[i].integrated)
			FW_TRY(pack(b, &b->file[i], err));
	FW_TRY(write_envelope(b, err));
	FW_TRY(judge(b, err));
	FW_TRY(fw_signers_report(&b->signers, 0, &built, err));
	FW_TRY(fw_release(&b->signers, fw_buf_span(&b->envelope), &b->out, opt,
	    err));
	*out = built;
	built = (struct fw_built){ 0 };
	return FW_OK;
}
