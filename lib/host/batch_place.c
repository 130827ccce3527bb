/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bundles of a batch go.  One file has many names (x, ./x, and those
 * by a link to its folder), so that folders and files are compared, not their
 * names.
 */
#include <string.h>
#include <sys/stat.h>

#include "host/batch.h"
#include "host/internal.h"
#include "host/p11uri.h"

/* A name in a folder. */
struct place {
	dev_t dev;
	ino_t ino;
	const char *base;
	const char *path;
	size_t of;			/* which bundle */
};

/* A file that a bundle will replace. */
struct victim {
	dev_t dev;
	ino_t ino;
	size_t of;
};

struct places {
	struct place *place;		/* in order */
	size_t n;
	struct victim *victim;		/* in order */
	size_t victims;
};

static void
places_deinit(struct places *p)
{
	free(p->place);
	free(p->victim);
}

/* ---- outputs --------------------------------------------------------- */

/* *there is false when the folder is not: that bundle will fail by itself. */
static enum fw_kind
find_place(const char *path, struct place *out, bool *there,
    struct fw_error *err)
{
	const char *const slash = strrchr(path, '/');
	FW_FREE char *dir = slash == NULL ? strdup(".") :
	    strndup(path, (size_t)(slash - path) + 1);
	struct stat st;

	if (dir == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*there = stat(dir, &st) == 0;
	if (*there)
		*out = (struct place){ st.st_dev, st.st_ino,
		    slash != NULL ? slash + 1 : path, path, 0 };
	return FW_OK;
}

static int
by_place(const void *va, const void *vb)
{
	const struct place *const a = va, *const b = vb;

	return a->dev != b->dev ? (a->dev < b->dev ? -1 : 1) :
	    a->ino != b->ino ? (a->ino < b->ino ? -1 : 1) :
	    strcmp(a->base, b->base);
}

static int
by_file(const void *va, const void *vb)
{
	const struct victim *const a = va, *const b = vb;

	return a->dev != b->dev ? (a->dev < b->dev ? -1 : 1) :
	    a->ino != b->ino ? (a->ino < b->ino ? -1 : 1) : 0;
}

static enum fw_kind
places_load(struct places *p, const char *const *path, size_t n,
    struct fw_error *err)
{
	struct stat st;
	bool there;
	size_t i;

	p->place = calloc(n + 1, sizeof *p->place);
	p->victim = calloc(n + 1, sizeof *p->victim);
	if (p->place == NULL || p->victim == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	for (i = 0; i < n; i++) {
		FW_TRY(find_place(path[i], &p->place[p->n], &there, err));
		p->place[p->n].of = i;
		p->n += there;
		if (there && lstat(path[i], &st) == 0)
			p->victim[p->victims++] = (struct victim){ st.st_dev,
			    st.st_ino, i };
	}
	qsort(p->place, p->n, sizeof *p->place, by_place);
	qsort(p->victim, p->victims, sizeof *p->victim, by_file);
	for (i = 1; i < p->n; i++)
		if (by_place(&p->place[i - 1], &p->place[i]) == 0)
			return fw_fail(err, FW_E_INPUT, "'%s' and '%s' are "
			    "the same file (each bundle needs one of its own)",
			    p->place[i - 1].path, p->place[i].path);
	return FW_OK;
}

/* ---- inputs ---------------------------------------------------------- */

enum { NOBODY = -1 };

/*
 * None of the bundles may become this file, whether it is there yet or not; its
 * own may: that of a bundle which is signed in place.
 */
static enum fw_kind
spare(const struct places *p, const char *const *path, const char *input,
    ptrdiff_t own, struct fw_error *err)
{
	const struct victim *victim = NULL;
	const struct place *taken = NULL;
	struct victim file;
	struct place place;
	struct stat st;
	bool there;

	if (input == NULL)
		return FW_OK;
	FW_TRY(find_place(input, &place, &there, err));
	if (there)
		taken = bsearch(&place, p->place, p->n, sizeof place,
		    by_place);
	if (stat(input, &st) == 0) {
		file = (struct victim){ st.st_dev, st.st_ino, 0 };
		victim = bsearch(&file, p->victim, p->victims, sizeof file,
		    by_file);
	}
	if ((taken == NULL || (ptrdiff_t)taken->of == own) &&
	    (victim == NULL || (ptrdiff_t)victim->of == own))
		return FW_OK;
	return fw_fail(err, FW_E_INPUT, "the output '%s' would replace the "
	    "input '%s'", path[victim != NULL ? victim->of : taken->of],
	    input);
}

static enum fw_kind
spare_signers(const struct places *p, const char *const *path,
    const struct fw_signer_spec *spec, size_t n, struct fw_error *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (spec[i].key != NULL && !fw_p11_uri_is(spec[i].key))
			FW_TRY(spare(p, path, spec[i].key, NOBODY, err));
		FW_TRY(spare(p, path, spec[i].chain, NOBODY, err));
	}
	return FW_OK;
}

/* What all bundles need, and what is written besides. */
static enum fw_kind
spare_common(const struct places *p, const char *const *path,
    const struct fw_build_options *opt, struct fw_error *err)
{
	size_t i;

	FW_TRY(spare_signers(p, path, opt->signer, opt->signers, err));
	for (i = 0; i < opt->trusts; i++)
		FW_TRY(spare(p, path, opt->trust[i], NOBODY, err));
	if (opt->deny != NULL)
		FW_TRY(spare(p, path, opt->deny->path, NOBODY, err));
	return spare(p, path, opt->log, NOBODY, err);
}

static enum fw_kind
spare_described(const struct places *p, const char *const *path,
    const struct fw_descriptor *d, struct fw_error *err)
{
	size_t i, j;

	for (i = 0; i < d->components; i++)
		for (j = 0; j < d->component[i].images; j++)
			FW_TRY(spare(p, path, d->component[i].image[j].path,
			    NOBODY, err));
	for (i = 0; i < d->attachments; i++)
		FW_TRY(spare(p, path, d->attachment[i].path, NOBODY, err));
	return spare_signers(p, path, d->signer, d->signers, err);
}

/*
 * What each bundle of a list is made from.  Where nothing will be replaced none
 * of that can be, and thousands of descriptors need not be read for it.
 */
static enum fw_kind
spare_list(const struct places *p, const char *const *path,
    const struct fw_batch *list, struct fw_error *err)
{
	struct fw_error ignored;
	enum fw_kind kind;
	size_t i;

	FW_TRY(spare(p, path, list->path, NOBODY, err));
	FW_TRY(spare(p, path, list->descriptor, NOBODY, err));
	for (i = 0; p->victims > 0 && i < list->n; i++) {
		FW_CLEANUP(fw_descriptor_deinit) struct fw_descriptor d = {
		    0 };

		/* One that cannot be read fails when it is its turn. */
		kind = fw_batch_descriptor(list, i, &d, &ignored);
		if (kind == FW_OK)
			FW_TRY(spare_described(p, path, &d, err));
	}
	return FW_OK;
}

/* ---- both ------------------------------------------------------------ */

enum fw_kind
fw_batch_places(const struct fw_batch *list, const char *const *in,
    const char *const *out, size_t n, const struct fw_build_options *opt,
    struct fw_error *err)
{
	FW_CLEANUP(places_deinit) struct places p = { 0 };
	size_t i;

	FW_TRY(places_load(&p, out, n, err));
	FW_TRY(spare_common(&p, out, opt, err));
	if (list != NULL)
		return spare_list(&p, out, list, err);
	for (i = 0; i < n; i++)
		FW_TRY(spare(&p, out, in[i], (ptrdiff_t)i, err));
	return FW_OK;
}
