/* SPDX-License-Identifier: Apache-2.0 */
/* A file described: a bundle, an envelope, a revocation list, or neither. */
#include <errno.h>
#include <string.h>

#include "host/describe_internal.h"

static const char manifest_name[] = "manifest.suit";

/* ---- what the manifest says a member is --------------------------------- */

static void
collect(struct fw_describe *d, json_t *roles, const json_t *name,
    const char *role)
{
	const char *const s = json_string_value(name);

	if (s != NULL && strlen(s) == json_string_length(name))
		fw_d_set(d, roles, s, json_string(role));
}

/* The URIs in a list of commands; recursion is bounded by how the tree was
   made. */
static void
collect_uris(struct fw_describe *d, json_t *roles, const json_t *commands)
{
	const json_t *c, *p;
	size_t i, j;

	json_array_foreach(commands, i, c) {
		json_array_foreach(json_object_get(c, "parameters"), j, p)
			if (json_integer_value(json_object_get(p, "key")) ==
			    FWD_PAR_URI)
				collect(d, roles, json_object_get(p,
				    "value"), "payload");
		json_array_foreach(json_object_get(c, "alternatives"), j, p)
			collect_uris(d, roles, p);
		collect_uris(d, roles, json_object_get(c, "commands"));
	}
}

static void
set_roles(struct fw_describe *d, const json_t *envelope, json_t *members)
{
	FW_JSON json_t *roles = json_object();
	json_t *m, *role;
	const json_t *o;
	size_t i;

	json_array_foreach(json_object_get(envelope, "attachments"), i, o)
		collect(d, roles, json_object_get(o, "name"), "attachment");
	json_array_foreach(json_object_get(envelope, "sequences"), i, o)
		collect_uris(d, roles, json_object_get(o, "commands"));
	if (json_array_size(members) > 0)
		fw_d_set(d, roles, manifest_name, json_string("manifest"));
	json_array_foreach(members, i, m) {
		role = json_object_get(roles, json_string_value(
		    json_object_get(m, "name")));
		fw_d_set(d, m, "role", role != NULL ? json_copy(role) :
		    json_null());
	}
}

/* ---- bundle --------------------------------------------------------------- */

static enum fw_kind
read_member(struct fw_reader *r, struct fw_buf *out, struct fw_error *err)
{
	uint8_t chunk[16384];
	size_t got;

	do {
		FW_TRY(fw_reader_data(r, chunk, sizeof chunk, &got, err));
		if (got > FW_DESCRIBE_MAX - out->n)
			return fw_fail(err, FW_E_REFUSED,
			    "the envelope is larger than %zu bytes",
			    FW_DESCRIBE_MAX);
		FW_TRY(fw_buf_add(out, chunk, got, err));
	} while (got != 0);
	return FW_OK;
}

static void
describe_member(struct fw_describe *d, json_t *list,
    const struct fw_member *m)
{
	json_t *const o = fw_d_entry(d, list);
	json_t *notes;

	fw_d_set(d, o, "name", fw_d_text(m->name));
	fw_d_set(d, o, "size", fw_d_uint(m->size));
	fw_d_set(d, o, "type", fw_d_str(m->type));
	fw_d_set(d, o, "mode", json_sprintf("%04o", m->mode));
	fw_d_set(d, o, "offset", fw_d_uint(m->offset));
	notes = fw_d_list(d, o, "notes");
	if (m->note[0] != '\0')
		fw_d_add(d, notes, fw_d_str(m->note));
}

/*
 * All members; the content of the first that is called manifest.suit is kept.
 * What libarchive cannot read ends the list with a problem.
 */
static enum fw_kind
read_members(struct fw_describe *d, struct fw_reader *r, json_t *bundle,
    struct fw_buf *envelope, struct fw_error *err)
{
	json_t *const members = fw_d_list(d, bundle, "members");
	json_t *const notes = fw_d_list(d, bundle, "notes");
	struct fw_member m;
	enum fw_kind kind;
	fwd_status tail;
	size_t hidden = 0;
	bool more, have = false;

	for (;;) {
		kind = fw_reader_next(r, &m, &more, err);
		if (kind != FW_OK || !more)
			break;
		if (json_array_size(members) < FW_MEMBERS_SHOWN)
			describe_member(d, members, &m);
		else
			hidden++;
		if (have || m.name.n != sizeof manifest_name - 1 ||
		    memcmp(m.name.p, manifest_name, m.name.n) != 0)
			continue;
		have = true;
		kind = read_member(r, envelope, err);
		if (kind != FW_OK)
			break;
	}
	if (hidden > 0)
		fw_d_add(d, notes, json_sprintf("%zu more members", hidden));
	tail = fw_reader_tail(r);
	if (kind == FW_OK)
		fw_d_problem(d, tail, NULL);
	if (kind == FW_E_REFUSED) {
		fw_d_note(d, fwd_status_code(tail != FWD_OK ? tail :
		    FWD_E_HEADER), err->text, NULL);
		return FW_OK;
	}
	return kind;
}

static enum fw_kind
describe_bundle(struct fw_describe *d, const char *path, json_t *tree,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf data = { 0 };
	json_t *const bundle = fw_d_object(d, tree, "bundle");
	struct fw_reader *r = NULL;
	json_t *envelope = NULL;
	enum fw_kind kind;

	FW_TRY(fw_reader_open(path, &r, err));
	kind = read_members(d, r, bundle, &data, err);
	fw_reader_free(r);
	FW_TRY(kind);
	if (data.n > 0) {
		FW_TRY(fw_describe_envelope(fw_buf_span(&data), d->problems,
		    &envelope, err));
		fw_d_set(d, tree, "envelope", envelope);
	} else if (json_array_size(d->problems) == 0) {
		fw_d_note(d, fwd_status_code(FWD_E_MEMBER),
		    "there is no member 'manifest.suit'", NULL);
	}
	set_roles(d, json_object_get(tree, "envelope"),
	    json_object_get(bundle, "members"));
	return FW_OK;
}

/* ---- the whole ------------------------------------------------------------- */

static enum fw_kind
describe_bare(struct fw_describe *d, const char *path, json_t *tree,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf data = { 0 };
	json_t *envelope;

	FW_TRY(fw_file_read(path, FW_DESCRIBE_MAX, &data, err));
	FW_TRY(fw_describe_envelope(fw_buf_span(&data), d->problems, &envelope,
	    err));
	fw_d_set(d, tree, "envelope", envelope);
	return FW_OK;
}

static enum fw_kind
describe_list(struct fw_describe *d, const char *path, json_t *tree,
    struct fw_error *err)
{
	FW_CLEANUP(fw_buf_deinit) struct fw_buf data = { 0 };
	json_t *list;

	FW_TRY(fw_file_read(path, FW_LIST_MAX, &data, err));
	FW_TRY(fw_describe_revocations(fw_buf_span(&data), d->problems, &list,
	    err));
	fw_d_set(d, tree, "revocations", list);
	return FW_OK;
}

/* The first block of a file, and how long the file is. */
static enum fw_kind
look(const char *path, uint8_t block[FWD_BLOCK], size_t *n, uint64_t *size,
    struct fw_error *err)
{
	FW_FD int fd = -1;
	ssize_t got;

	FW_TRY(fw_file_open(path, &fd, size, err));
	do
		got = read(fd, block, FWD_BLOCK);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return fw_fail_errno(err, FW_E_IO, "cannot read '%s'", path);
	*n = (size_t)got;
	return FW_OK;
}

enum fw_kind
fw_describe_file(const char *path, json_t **out, struct fw_error *err)
{
	FW_JSON json_t *tree = json_object();
	struct fw_describe d = { .nodes = FW_DESCRIBE_NODES,
	    .where = "bundle" };
	uint8_t block[FWD_BLOCK];
	uint64_t size = 0;
	size_t n = 0;
	bool bare, bundle, list;

	FW_TRY(look(path, block, &n, &size, err));
	bare = fw_is_envelope(block, n);
	list = fw_is_revocations(block, n);
	bundle = n == FWD_BLOCK && memcmp(block + 257, "ustar", 5) == 0;
	fw_d_set(&d, tree, "file", fw_d_text((struct fwd_span){
	    (const uint8_t *)path, strlen(path) }));
	fw_d_set(&d, tree, "kind", json_string(bare ? "envelope" :
	    list ? "revocation-list" : bundle ? "bundle" : "unknown"));
	fw_d_set(&d, tree, "size", fw_d_uint(size));
	fw_d_set(&d, tree, "verified", json_false());
	fw_d_set(&d, tree, "bundle", json_null());
	fw_d_set(&d, tree, "envelope", json_null());
	fw_d_set(&d, tree, "revocations", json_null());
	d.problems = fw_d_list(&d, tree, "problems");
	if (bare)
		FW_TRY(describe_bare(&d, path, tree, err));
	else if (list)
		FW_TRY(describe_list(&d, path, tree, err));
	else if (bundle)
		FW_TRY(describe_bundle(&d, path, tree, err));
	else
		fw_d_note(&d, fwd_status_code(FWD_E_HEADER),
		    "this is neither a bundle nor an envelope nor a "
		    "revocation list", NULL);
	if (d.no_memory)
		return fw_fail(err, FW_E_NOMEM, "out of memory");
	*out = tree;
	tree = NULL;
	return FW_OK;
}

bool
fw_describe_unknown(const json_t *tree)
{
	const char *const kind = json_string_value(json_object_get(tree,
	    "kind"));

	return kind != NULL && strcmp(kind, "unknown") == 0;
}

bool
fw_describe_malformed(const json_t *tree)
{
	return json_array_size(json_object_get(tree, "problems")) != 0;
}
