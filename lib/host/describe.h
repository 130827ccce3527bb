/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a bundle, an envelope or a revocation list holds, for people and
 * machines.  Nothing here verifies anything: it decodes as much as it can of
 * whatever it is given, notes each place where that ended, and judges nothing.
 *
 * There is one source of truth, a JSON tree as described by
 * schemas/inspect.schema.json; the text is rendered from it.
 */
#ifndef FW_DESCRIBE_H
#define FW_DESCRIBE_H

#include <jansson.h>

#include "host/fwhost.h"

#define FW_DESCRIBE_MAX		((size_t)16 << 20)	/* bytes of an
					   envelope that are looked at */
#define FW_DESCRIBE_NODES	20000u	/* things shown, in all */
#define FW_DESCRIBE_DEPTH	8u	/* command sequences in one another */
#define FW_DESCRIBE_HEX		4096u	/* bytes shown of a byte string */
#define FW_DESCRIBE_TEXT	65536u	/* bytes shown of a text */
#define FW_MEMBERS_SHOWN	4096u	/* members of a bundle */

/*
 * Decode an envelope.  *out: an object the caller owns; problems: an array
 * that what cannot be decoded is appended to, with the place, the code of the
 * device library and the offset.  Fails only for want of memory.
 */
enum fw_kind fw_describe_envelope(struct fwd_span data, json_t *problems,
    json_t **out, struct fw_error *err);

/* Likewise of a signed revocation list. */
enum fw_kind fw_describe_revocations(struct fwd_span data, json_t *problems,
    json_t **out, struct fw_error *err);

/*
 * Describe a file, told by its content to be one of the three.  *out:
 * a tree as in the schema, which the caller owns.  Fails when the file cannot
 * be read (FW_E_IO, FW_E_INPUT) or for want of memory; malformed content is no
 * failure but in the tree.
 */
enum fw_kind fw_describe_file(const char *path, json_t **out,
    struct fw_error *err);
/* Was the file none of the three? */
bool fw_describe_unknown(const json_t *tree);
/* Was there anything in the tree that could not be decoded? */
bool fw_describe_malformed(const json_t *tree);

/*
 * Render the whole tree, or the command sequences of its "envelope" alone, as
 * text: UTF-8 without control or formatting characters other than line ends.
 */
enum fw_kind fw_describe_text(const json_t *tree, struct fw_buf *out,
    struct fw_error *err);
enum fw_kind fw_describe_sequences(const json_t *envelope, struct fw_buf *out,
    struct fw_error *err);
/* Any tree as indented JSON in printable ASCII, ending in a line end. */
enum fw_kind fw_json_text(const json_t *tree, struct fw_buf *out,
    struct fw_error *err);

/* A C string as a JSON string, what is not UTF-8 made printable; NULL: no
   memory. */
json_t *fw_json_printable(const char *text);
/* Append bytes as fw_printable() shows them. */
enum fw_kind fw_escape(struct fw_buf *out, struct fwd_span s,
    struct fw_error *err);

/* ---- reading a bundle as an archive (bundle_read.c) ------------------- */

/*
 * A bundle as libarchive sees it, which is more forgiving than a device.
 * Members come in order; note says what a device would not accept in the one
 * just read, "" if nothing: it is no verdict.
 */
struct fw_reader;

struct fw_member {
	struct fwd_span name;		/* any bytes */
	uint64_t size;
	const char *type;		/* "file", "directory", "link", ... */
	unsigned mode;
	uint64_t offset;		/* of its header in the file */
	char note[256];
	bool plain;			/* a regular file that may be extracted
					   under its name */
};

enum fw_kind fw_reader_open(const char *path, struct fw_reader **out,
    struct fw_error *err);
void fw_reader_free(struct fw_reader *r);
/* *more false: the end.  Spans live until the next call.  FW_E_REFUSED: what
   follows cannot be read as an archive. */
enum fw_kind fw_reader_next(struct fw_reader *r, struct fw_member *m,
    bool *more, struct fw_error *err);
/* Up to n bytes of the current member; *got 0 at its end. */
enum fw_kind fw_reader_data(struct fw_reader *r, void *buf, size_t n,
    size_t *got, struct fw_error *err);
/* After the last member, or where reading failed: FWD_OK, or what a device
   would not accept in the end of the file. */
fwd_status fw_reader_tail(const struct fw_reader *r);
/* A relative path as bundles have them: segments of letters, digits and
   "._+-", none of them empty, "." or "..". */
bool fw_name_is_plain(struct fwd_span name);
/* Does the file begin like an envelope: the CBOR tag 107? */
bool fw_is_envelope(const uint8_t *p, size_t n);
/* Does it begin like a signed revocation list?  64 bytes are enough to tell. */
bool fw_is_revocations(const uint8_t *p, size_t n);

/* ---- extraction (extract.c) -------------------------------------------- */

struct fw_extract {
	const char *path;		/* a bundle or an envelope */
	const char *dir;		/* where members go */
	const char *manifest;		/* file for the envelope, or NULL */
	/* Members and integrated payloads ("#name") by name, or all. */
	const char *const *name;
	size_t names;
	bool all;
	bool force;			/* replace files that exist */
	/* Told each file once it is complete; may be NULL. */
	void (*written)(void *ctx, const char *path, uint64_t size);
	void *written_ctx;
};

/*
 * Write members to files, each whole or not at all, none outside of dir.  All
 * names are looked at, and whether the files exist, before the first is
 * written.  Verifies nothing.  FW_E_REFUSED: a member cannot be extracted;
 * FW_E_USAGE: there is none of that name.
 */
enum fw_kind fw_extract(const struct fw_extract *opt, struct fw_error *err);

#endif
