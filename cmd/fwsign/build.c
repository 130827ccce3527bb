/* SPDX-License-Identifier: Apache-2.0 */
/* fwsign build: from a descriptor to a signed bundle. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fwsign/batch.h"
#include "fwsign/commands.h"
#include "fwsign/signing.h"
#include "host/internal.h"

enum { SETS_MAX = 256 };
enum { OPT_SET = SIGNING_OWN, OPT_UNSIGNED, OPT_BATCH };
typedef char digest_text[16 + 2 * FWD_DIGEST_MAX];

const char cmd_build_help[] =
    "build DESCRIPTOR -o BUNDLE [OPTION]...\n"
    "       fwsign build --batch LIST [OPTION]...\n"
    "\n"
    "Build the images a descriptor names, hash them, write and sign the\n"
    "manifest, and have the device library judge the bundle before it gets\n"
    "its name.\n"
    "\n"
    "Options:\n"
    "  -o, --output FILE   write the bundle here\n"
    "      --set NAME=VALUE\n"
    "                      replace ${NAME} in the descriptor\n"
    "      --unsigned      leave the signing for later (fwsign sign)\n"
    "      --batch LIST    build the bundles of this list; with it:\n"
    BATCH_HELP
    SIGNING_HELP
    "\n"
    "--key, which can be repeated, replaces the signers in the descriptor;\n"
    "--chain and --alg are about the key before them.\n"
    "SOURCE_DATE_EPOCH in the environment sets the time of the members.\n";

struct build_args {
	struct signing signing;
	const char *set[SETS_MAX];
	size_t sets;
	bool no_sign;
	const char *list;
	struct batch_args batch;
};

static void
args_deinit(struct build_args *a)
{
	signing_deinit(&a->signing);
}

static enum fw_kind
one_option(struct build_args *a, int c, struct fw_error *err)
{
	enum fw_kind kind;

	if (batch_option(&a->batch, c, optarg, &kind, err))
		return kind;
	switch (c) {
	case OPT_BATCH:
		return cli_once("--batch", &a->list, optarg, err);
	case OPT_SET:
		if (a->sets == SETS_MAX)
			return fw_fail(err, FW_E_USAGE, "option '--set' is given "
			    "more than %d times", SETS_MAX);
		a->set[a->sets++] = optarg;
		return FW_OK;
	case OPT_UNSIGNED:
		a->no_sign = true;
		return FW_OK;
	default:
		return signing_option(&a->signing, c, optarg, err);
	}
}

/* The time of the members, as reproducible-builds.org has it. */
static enum fw_kind
source_date(uint64_t *out, struct fw_error *err)
{
	const char *const text = getenv("SOURCE_DATE_EPOCH");

	*out = 0;
	if (text == NULL)
		return FW_OK;
	return cli_uint("environment variable 'SOURCE_DATE_EPOCH'", text, 0,
	    077777777777, out, err);
}

static enum fw_kind
parse(int argc, char **argv, struct build_args *a, struct fw_error *err)
{
	static const struct option longs[] = {
		SIGNING_OPTIONS,
		{ "set", required_argument, NULL, OPT_SET },
		{ "unsigned", no_argument, NULL, OPT_UNSIGNED },
		{ "batch", required_argument, NULL, OPT_BATCH },
		BATCH_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct signing *const s = &a->signing;
	const char *signs;		/* an option that is about signing */
	int c;

	while ((c = cli_getopt(argc, argv, "o:", longs, err)) != -1)
		FW_TRY(one_option(a, c, err));
	FW_TRY(cli_operands(argc, argv, a->list == NULL, "a descriptor", err));
	if (a->list == NULL && batch_wanted(&a->batch))
		return fw_fail(err, FW_E_USAGE, "options '--jobs', "
		    "'--output-directory' and '--fail-fast' belong to "
		    "'--batch'");
	if (a->list != NULL && s->out != NULL)
		return fw_fail(err, FW_E_USAGE, "options '--batch' and "
		    "'--output' exclude each other (the list names the "
		    "bundles)");
	if (a->list == NULL && s->out == NULL)
		return fw_fail(err, FW_E_USAGE,
		    "where to write the bundle is missing (-o BUNDLE)");
	signs = s->opt.signers > 0 ? "--key" :
	    s->opt.trusts > 0 ? "--trust" : s->time != NULL ? "--time" :
	    s->opt.key.module != NULL ? "--module" :
	    s->opt.key.pin_env != NULL ? "--pin-env" :
	    s->pin_fd != NULL ? "--pin-fd" :
	    s->opt.key.final_try ? "--allow-final-try" :
	    s->deny != NULL ? "--deny" :
	    s->opt.allow_test ? "--allow-test" :
	    s->opt.log != NULL ? "--log" : NULL;
	if (a->no_sign && signs != NULL)
		return fw_fail(err, FW_E_USAGE,
		    "options '--unsigned' and '%s' exclude each other",
		    signs);
	s->opt.no_sign = a->no_sign;
	FW_TRY(source_date(&s->opt.mtime, err));
	return signing_ready(s, err);
}

/* ---- text ------------------------------------------------------------ */

static void
line(const char *label, const char *text)
{
	(void)printf("%-16s ", label);
	cli_text(stdout, text, strlen(text));
	(void)putchar('\n');
}

/* What people call the product: the model, or else its class. */
static void
product(const struct fw_descriptor *d, char uuid[37], const char **out)
{
	fw_uuid_format(d->class_id, uuid);
	*out = d->model != NULL ? d->model : uuid;
}

static void
print_measure(const struct fw_descriptor *d, const struct fw_measure *m,
    const char *name)
{
	digest_text digest;

	signing_digest(d->digest_alg, m->digest, digest);
	(void)fputs("                 ", stdout);
	cli_text(stdout, name, strlen(name));
	(void)printf(", %" PRIu64 " bytes\n                 %s\n", m->size,
	    digest);
}

static void
print_built(const struct fw_descriptor *d, const char *path,
    const struct fw_built *built)
{
	const struct fw_component *c;
	const char *name;
	char uuid[37];
	size_t i, j;

	product(d, uuid, &name);
	line("bundle", path);
	(void)printf("size             %" PRIu64 " bytes, of these envelope %zu\n",
	    built->size, built->envelope);
	line("product", name);
	line("version", d->version);
	(void)printf("sequence number  %" PRIu64 "\n", d->sequence_number);
	for (i = 0; i < d->components; i++) {
		c = &d->component[i];
		line("component", c->label);
		for (j = 0; j < c->images; j++) {
			if (c->slotted)
				(void)printf("                 slot %" PRIu64
				    ":\n", c->image[j].slot);
			print_measure(d, &built->measures.image[i][j],
			    c->image[j].name);
		}
	}
	for (i = 0; i < d->attachments; i++) {
		line("attachment", d->attachment[i].type);
		print_measure(d, &built->measures.attachment[i],
		    d->attachment[i].name);
	}
	signing_print(built);
}

/* ---- JSON ------------------------------------------------------------ */

static json_t *
image_json(const struct fw_descriptor *d, const struct fw_component *c,
    size_t i, const struct fw_measure *m)
{
	digest_text digest;
	json_t *o;

	signing_digest(d->digest_alg, m->digest, digest);
	o = json_pack("{s:s, s:o, s:s}", "name", c->image[i].name, "size",
	    fw_number_json(m->size), "digest", digest);
	if (o != NULL && c->slotted && json_object_set_new(o, "slot",
	    fw_number_json(c->image[i].slot)) != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
components_json(const struct fw_descriptor *d, const struct fw_built *built)
{
	json_t *const list = json_array();
	const struct fw_component *c;
	json_t *images;
	size_t i, j;
	int rc = 0;

	for (i = 0; i < d->components; i++) {
		c = &d->component[i];
		images = json_array();
		for (j = 0; j < c->images; j++)
			rc |= json_array_append_new(images, image_json(d, c, j,
			    &built->measures.image[i][j]));
		rc |= json_array_append_new(list, json_pack("{s:s, s:o}",
		    "component", c->label, "images", images));
	}
	if (rc == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *
attachments_json(const struct fw_descriptor *d, const struct fw_built *built)
{
	json_t *const list = json_array();
	digest_text digest;
	size_t i;
	int rc = 0;

	for (i = 0; i < d->attachments; i++) {
		signing_digest(d->digest_alg,
		    built->measures.attachment[i].digest, digest);
		rc |= json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:o, s:s}", "name", d->attachment[i].name,
		    "type", d->attachment[i].type, "size", fw_number_json(
		    built->measures.attachment[i].size), "digest", digest));
	}
	if (rc == 0)
		return list;
	json_decref(list);
	return NULL;
}

static enum fw_kind
print_json(const struct fw_descriptor *d, const char *path,
    const struct fw_built *built, struct fw_error *err)
{
	FW_CLEANUP(signing_free_json) json_t *tree = NULL;
	char vendor[37], class_[37];
	const char *name;
	digest_text digest;

	fw_uuid_format(d->vendor_id, vendor);
	product(d, class_, &name);
	signing_digest(d->digest_alg, built->manifest_digest, digest);
	tree = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:o}",
	    "bundle", path, "product", name, "vendor-id", vendor,
	    "class-id", class_, "version", d->version, "sequence-number",
	    fw_number_json(d->sequence_number), "manifest-digest", digest,
	    "components", components_json(d, built), "attachments",
	    attachments_json(d, built));
	if (tree == NULL)
		return fw_fail(err, FW_E_NOMEM,
		    "cannot show the result as JSON");
	FW_TRY(signing_json(tree, built, err));
	return signing_dump(tree, err);
}

enum fw_kind
cmd_build(int argc, char **argv, struct fw_error *err)
{
	FW_CLEANUP(args_deinit) struct build_args a = { 0 };
	FW_CLEANUP(fw_built_deinit) struct fw_built built = { 0 };
	FW_CLEANUP(fw_descriptor_deinit) struct fw_descriptor d = { 0 };
	struct fw_set set;
	enum fw_kind kind;

	signing_init(&a.signing);
	FW_TRY(parse(argc, argv, &a, err));
	set = (struct fw_set){ .pair = a.set, .n = a.sets };
	if (a.list != NULL)
		return batch_build(&a.batch, &a.signing, a.list, &set, err);
	FW_TRY(fw_descriptor_load(argv[optind], &set, &d, err));
	kind = fw_build(&d, a.signing.out, &a.signing.opt, &built, err);
	signing_progress_end(&a.signing);
	FW_TRY(kind);
	if (a.signing.json)
		return print_json(&d, a.signing.out, &built, err);
	if (!a.signing.quiet)
		print_built(&d, a.signing.out, &built);
	return FW_OK;
}
