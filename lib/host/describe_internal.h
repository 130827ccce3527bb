/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the describe_*.c files only. */
#ifndef FW_DESCRIBE_INTERNAL_H
#define FW_DESCRIBE_INTERNAL_H

#include "host/describe.h"
#include "host/internal.h"

/*
 * A description under way.  Failures of memory stick and are asked for once at
 * the end; JSON functions that take NULL for a value do so here as well.
 */
struct fw_describe {
	struct fwd_span data;		/* the envelope: offsets count here */
	json_t *problems;
	size_t nodes;			/* that may still be shown */
	bool limit_told;
	bool no_memory;
	char where[160];		/* the place, "envelope.manifest" */
};

/* A map under way, which may be out of order. */
struct fw_pairs {
	struct fwd_cbor c;
	struct fwd_cbor_map map;
	bool order_told;
};

static inline void
fw_json_free(json_t **j)
{
	json_decref(*j);
}
#define FW_JSON FW_CLEANUP(fw_json_free)

/* Go into a part of the place; fw_d_leave() with what this returned. */
size_t fw_d_enter(struct fw_describe *d, const char *fmt, ...)
    FW_PRINTF(2, 3);
void fw_d_leave(struct fw_describe *d, size_t mark);

/* Note a problem at p, a place in the data or NULL; FWD_OK is none. */
void fw_d_problem(struct fw_describe *d, fwd_status status, const uint8_t *p);
/* The same with words of our own. */
void fw_d_note(struct fw_describe *d, const char *code, const char *text,
    const uint8_t *p);
/* May one more thing be shown?  Says so once when not. */
bool fw_d_more(struct fw_describe *d);

/* Put a value that is handed over under a key, or at the end of a list. */
void fw_d_set(struct fw_describe *d, json_t *object, const char *key,
    json_t *value);
void fw_d_add(struct fw_describe *d, json_t *list, json_t *value);
/* Make an object or list, hand it over, and return it (NULL: no memory). */
json_t *fw_d_object(struct fw_describe *d, json_t *parent, const char *key);
json_t *fw_d_list(struct fw_describe *d, json_t *parent, const char *key);
json_t *fw_d_entry(struct fw_describe *d, json_t *list);

/* Values.  Numbers beyond a JSON integer become strings of digits. */
json_t *fw_d_uint(uint64_t v);
json_t *fw_d_hex(struct fwd_span s);
json_t *fw_d_text(struct fwd_span s);
json_t *fw_d_str(const char *s);
/* An encoded item in diagnostic notation (RFC 8949 section 8). */
json_t *fw_d_diagnostic(struct fw_describe *d, struct fwd_span item);

/* Begin a map; false, noted, if there is none. */
bool fw_d_map(struct fw_describe *d, struct fwd_span data,
    struct fw_pairs *pairs);
/* The next pair, both encoded; false at its end or where it cannot be read
   any further, noted. */
bool fw_d_pair(struct fw_describe *d, struct fw_pairs *pairs,
    struct fwd_span *key, struct fwd_span *value);
/* Decode an item that is all of a span, or fail. */
fwd_status fw_d_item_int(struct fwd_span item, int64_t *v);
fwd_status fw_d_item_uint(struct fwd_span item, uint64_t *v);
fwd_status fw_d_item_bytes(struct fwd_span item, struct fwd_span *v);
fwd_status fw_d_item_text(struct fwd_span item, struct fwd_span *v);

/* "sha-256:0123..."; an algorithm without name by its number. */
json_t *fw_d_digest_text(int64_t alg, struct fwd_span bytes);
/* A SUIT_Digest (null if malformed, noted). */
void fw_d_digest(struct fw_describe *d, json_t *parent, const char *key,
    struct fwd_span encoded);
/* Compute the digest of data and say in o ("digest-computed" and
   "digest-matches") whether the SUIT_Digest is that; nothing if it cannot. */
void fw_d_compute(struct fw_describe *d, json_t *o, struct fwd_span encoded,
    struct fwd_span data);
/* "identifier": list of hex, "label": text or null */
void fw_d_component(struct fw_describe *d, json_t *o, struct fwd_span id);

/* describe_auth.c, describe_manifest.c, describe_commands.c, ... */
void fw_describe_auth(struct fw_describe *d, json_t *o,
    struct fwd_span content, struct fwd_span manifest);
/* A COSE_Sign1, or what stands in its place. */
void fw_describe_block(struct fw_describe *d, json_t *o,
    struct fwd_span block);
void fw_describe_certificate(struct fw_describe *d, json_t *o,
    struct fwd_span der);
void fw_describe_sequence(struct fw_describe *d, json_t *commands,
    struct fwd_span content);
void fw_describe_textmap(struct fw_describe *d, json_t *envelope,
    struct fwd_span content);

/* ---- text (describe_print.c) ------------------------------------------ */

/* Text under way; failures of memory stick. */
struct fw_text {
	struct fw_buf out;
	struct fw_error err;
	bool failed;
};

/* Append words of our own, formatted. */
void fw_t_put(struct fw_text *t, const char *fmt, ...) FW_PRINTF(2, 3);
/* Append a value: strings made printable, NULL and null as "-". */
void fw_t_value(struct fw_text *t, const json_t *value);
/* Begin a line: indent spaces, the label, and spaces to the column of
   values, or one at least. */
void fw_t_label(struct fw_text *t, unsigned indent, const char *label);
/* A line with label and value; text of several lines gets one each. */
void fw_t_row(struct fw_text *t, unsigned indent, const char *label,
    const json_t *value);
/* A component identifier: its label, or segments in hexadecimal. */
void fw_t_identifier(struct fw_text *t, const json_t *component);
/* describe_sequences.c: the sections of an envelope with their commands. */
void fw_t_sequences(struct fw_text *t, const json_t *envelope);

#endif
