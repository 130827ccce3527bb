/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands say that change the signatures of a bundle. */
#include <inttypes.h>
#include <string.h>

#include "fwsign/signing.h"
#include "host/internal.h"

typedef char digest_text[16 + 2 * FWD_DIGEST_MAX];

static void
text(const char *s)
{
	cli_text(stdout, s, strlen(s));
}

/* Whose signatures are gone, and that nothing else is. */
static void
print_unchanged(const struct fw_built *built)
{
	char id[2 * FW_KEY_ID_SIZE + 1];
	digest_text digest;
	size_t i;

	for (i = 0; i < built->removals; i++) {
		(void)fputs("removed          ", stdout);
		text(built->removed[i].subject != NULL ?
		    built->removed[i].subject :
		    "a signature without certificate");
		(void)putchar('\n');
		if (built->removed[i].subject == NULL)
			continue;
		fw_key_id_format(&built->removed[i].id, id);
		(void)printf("                 %s\n", id);
	}
	(void)printf("kept             %zu signature%s\n", built->kept,
	    built->kept == 1 ? "" : "s");
	signing_digest(built->digest_alg, built->manifest_digest, digest);
	(void)printf("manifest         unchanged\n                 %s\n",
	    digest);
	signing_digest(FWD_SHA256, built->contents.digest, digest);
	(void)printf("contents         unchanged, %" PRIu64 " bytes were read "
	    "back\n                 %s\n", built->contents.size, digest);
}

void
signing_report(const char *path, const struct fw_built *built)
{
	(void)fputs("bundle           ", stdout);
	text(path);
	(void)printf("\nsize             %" PRIu64 " bytes, of these envelope "
	    "%zu\n", built->size, built->envelope);
	if (built->removals > 0)
		print_unchanged(built);
	signing_print(built);
}

static json_t *
removed_json(const struct fw_built *built)
{
	json_t *const list = json_array();
	char id[2 * FW_KEY_ID_SIZE + 1];
	const char *subject;
	size_t i;

	for (i = 0; i < built->removals; i++) {
		subject = built->removed[i].subject;
		fw_key_id_format(&built->removed[i].id, id);
		if (json_array_append_new(list, json_pack("{s:I, s:s?, s:s?}",
		    "signature-block", (json_int_t)built->removed[i].block,
		    "subject", subject, "key-id", subject != NULL ? id :
		    NULL)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
unchanged_json(const struct fw_built *built)
{
	digest_text manifest, contents;

	signing_digest(built->digest_alg, built->manifest_digest, manifest);
	signing_digest(FWD_SHA256, built->contents.digest, contents);
	return json_pack("{s:s, s:o, s:s}", "manifest-digest", manifest,
	    "contents-size", fw_number_json(built->contents.size),
	    "contents-digest", contents);
}

enum fw_kind
signing_report_json(const char *path, const struct fw_built *built,
    struct fw_error *err)
{
	FW_CLEANUP(signing_free_json) json_t *tree = json_pack("{s:s}",
	    "bundle", path);

	if (tree == NULL || (built->removals > 0 &&
	    (json_object_set_new(tree, "removed", removed_json(built)) != 0 ||
	    json_object_set_new(tree, "kept", json_integer((json_int_t)
	    built->kept)) != 0 || json_object_set_new(tree, "unchanged",
	    unchanged_json(built)) != 0)))
		return fw_fail(err, FW_E_NOMEM,
		    "cannot show the result as JSON");
	FW_TRY(signing_json(tree, built, err));
	return signing_dump(tree, err);
}
