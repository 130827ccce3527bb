/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bundles of a batch go.  One file has many names (x, ./x, and those
 * by a link to its folder), so that the folders are compared, not their names.
 */
#include <string.h>
#include <sys/stat.h>

#include "host/batch.h"
#include "host/internal.h"

/* A name in a folder. */
struct place {
	dev_t dev;
	ino_t ino;
	const char *base;
	const char *path;
};

/* False when the folder is not there: that bundle will fail by itself. */
static bool
find_place(const char *path, struct place *out, struct fw_error *err,
    enum fw_kind *kind)
{
	const char *const slash = strrchr(path, '/');
	FW_FREE char *dir = slash == NULL ? strdup(".") :
	    strndup(path, (size_t)(slash - path) + 1);
	struct stat st;

	if (dir == NULL) {
		*kind = fw_fail(err, FW_E_NOMEM, "out of memory");
		return false;
	}
	if (stat(dir, &st) != 0)
		return false;
	*out = (struct place){ st.st_dev, st.st_ino,
	    slash != NULL ? slash + 1 : path, path };
	return true;
}

static int
by_place(const void *va, const void *vb)
{
	const struct place *const a = va, *const b = vb;

	return a->dev != b->dev ? (a->dev < b->dev ? -1 : 1) :
	    a->ino != b->ino ? (a->ino < b->ino ? -1 : 1) :
	    strcmp(a->base, b->base);
}

/* Would this one take the place of the list? */
static enum fw_kind
spare_list(const char *path, const char *list, const struct stat *st,
    struct fw_error *err)
{
	struct stat there;

	if (stat(path, &there) != 0 || there.st_dev != st->st_dev ||
	    there.st_ino != st->st_ino)
		return FW_OK;
	return fw_fail(err, FW_E_INPUT, "the output '%s' would replace the "
	    "input '%s'", path, list);
}

enum fw_kind
fw_batch_places(const char *const *path, size_t n, const char *list,
    struct fw_error *err)
{
	FW_FREE struct place *place = calloc(n + 1, sizeof *place);
	const bool spare = list != NULL;
	enum fw_kind kind = FW_OK;
	struct stat st;
	size_t i, places = 0;

	if (place == NULL)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	if (spare && stat(list, &st) != 0)
		return fw_fail_errno(err, FW_E_INPUT, "cannot read '%s'",
		    list);
	for (i = 0; i < n && kind == FW_OK; i++) {
		if (spare)
			FW_TRY(spare_list(path[i], list, &st, err));
		places += find_place(path[i], &place[places], err, &kind);
	}
	FW_TRY(kind);
	qsort(place, places, sizeof *place, by_place);
	for (i = 1; i < places; i++)
		if (by_place(&place[i - 1], &place[i]) == 0)
			return fw_fail(err, FW_E_INPUT, "'%s' and '%s' are "
			    "the same file (each bundle needs one of its own)",
			    place[i - 1].path, place[i].path);
	return FW_OK;
}
