/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what users wrote, shared by the descriptor, the device profile and
 * the loaders below them: characters (utf8.c), ${NAME} (subst.c), tables of
 * keys (fields.c), rules for texts (rules.c), component identifiers
 * (component_id.c), components (component.c).
 */
#ifndef FW_FIELDS_H
#define FW_FIELDS_H

#include "host/fwhost.h"

/* ---- characters (utf8.c) --------------------------------------------- */

/*
 * The length of the UTF-8 sequence at p, of which n > 0 bytes are left, and
 * its code point; 0 when it is malformed.
 */
size_t fw_utf8_next(const char *p, size_t n, uint32_t *cp);
/* Is all of it UTF-8? */
bool fw_utf8_valid(const char *p, size_t n);
/* C0 and C1 controls and DEL. */
bool fw_is_control(uint32_t cp);
/* The value of a hexadecimal digit, or -1. */
int fw_hex_digit(char c);

/* ---- ${NAME} (subst.c) ----------------------------------------------- */

/* Substitution in one document. */
struct fw_subst {
	const struct fw_set *set;
	bool *used;			/* one for each pair */
	size_t left;			/* bytes it may still produce */
};

/* FW_E_USAGE when a pair is malformed or a name given twice. */
enum fw_kind fw_subst_init(struct fw_subst *s, const struct fw_set *set,
    struct fw_error *err);
void fw_subst_deinit(struct fw_subst *s);
/* Replace in the text of a scalar; FW_E_INPUT at its place. */
enum fw_kind fw_subst_apply(struct fw_subst *s, const char *file,
    struct fw_node *scalar, struct fw_error *err);
/* FW_E_USAGE when a pair was never used. */
enum fw_kind fw_subst_done(const struct fw_subst *s, const char *file,
    struct fw_error *err);

/* ---- scalars and tables of keys (fields.c) --------------------------- */

/* What a scalar is by the core schema of YAML 1.2. */
enum fw_scalar { FW_NULL, FW_BOOL, FW_INT, FW_FLOAT, FW_STRING };
enum fw_scalar fw_scalar_type(const struct fw_node *node);

enum fw_field_type {
	FW_FIELD_TEXT,		/* const char *, one line, no outer spaces */
	FW_FIELD_LINES,		/* const char *, newlines allowed */
	FW_FIELD_UINT,		/* uint64_t, min to max */
	FW_FIELD_INT,		/* int64_t, any */
	FW_FIELD_BOOL,		/* bool */
	FW_FIELD_UUID,		/* struct fw_uuid */
	FW_FIELD_CHOICE,	/* int32_t */
	FW_FIELD_MAP,		/* const struct fw_node * */
	FW_FIELD_LIST,		/* const struct fw_node *, min to max entries */
	FW_FIELD_NODE,		/* const struct fw_node *, anything */
};

struct fw_uuid {
	bool set;
	uint8_t id[16];
};

/* Words a text may be, and what they mean; the last has no name. */
struct fw_choice {
	const char *name;
	int32_t value;
};

/*
 * One key a map may have.  What is read is borrowed: texts and nodes belong to
 * the document.  Fields of absent keys keep the value they had.
 */
struct fw_field {
	const char *key;
	enum fw_field_type type;
	size_t at;			/* of the field in the target */
	bool required;
	uint64_t min, max;		/* number; characters; entries */
	const struct fw_choice *choice;
	/* What is wrong with a text, as "must be ...", or NULL. */
	const char *(*rule)(const char *text);
};

/*
 * Read a map into target.  A key that is not in the table, a missing one and
 * whatever a field does not allow are FW_E_INPUT with their place.
 */
enum fw_kind fw_fields_read(const char *file, const struct fw_node *map,
    const struct fw_field *field, size_t n, void *target,
    struct fw_error *err);
/*
 * Read one value as fw_fields_read() does; field->key is its name in errors.
 */
enum fw_kind fw_field_read(const char *file, const struct fw_node *value,
    const struct fw_field *field, void *target, struct fw_error *err);
/*
 * The first look at a document: a map whose key is the version of its format,
 * which must be 1.  other: the key that tells that it is another format.
 */
enum fw_kind fw_fields_version(const char *file, const struct fw_node *root,
    const char *key, const char *other, struct fw_error *err);
/* The value of a key, or NULL. */
const struct fw_node *fw_node_get(const struct fw_node *map, const char *key);
/* The node of the key itself: the place of what is wrong with it. */
const struct fw_node *fw_node_key(const struct fw_node *map, const char *key);
/*
 * Exactly one of several keys must be there; alternative ends in NULL.
 */
enum fw_kind fw_one_of(const char *file, const struct fw_node *map,
    const char *const *alternative, struct fw_error *err);
/* Fail at the place of a node. */
enum fw_kind fw_fail_node(struct fw_error *err, const char *file,
    const struct fw_node *node, const char *fmt, ...) FW_PRINTF(4, 5);

/* Copy a text; of NULL: NULL. */
enum fw_kind fw_text_dup(const char *text, char **out, struct fw_error *err);
/* Copy a path; a relative one is resolved against the folder of file. */
enum fw_kind fw_path_resolve(const char *file, const char *path, char **out,
    struct fw_error *err);

/* ---- rules for texts (rules.c) --------------------------------------- */

#define FW_TEXT_MAX		4096u	/* characters */
#define FW_MEMBER_MAX		100u

const char *fw_rule_domain(const char *text);
const char *fw_rule_language(const char *text);
const char *fw_rule_uri(const char *text);
const char *fw_rule_media_type(const char *text);
const char *fw_rule_member(const char *text);
const char *fw_rule_component(const char *text);
const char *fw_rule_key(const char *text);
const char *fw_rule_version(const char *text);
/* Can two members not exist together: same name, or one in the other? */
bool fw_member_conflict(const char *a, const char *b);

/* ---- versions (version.c) -------------------------------------------- */

/*
 * "1.2.3" is 1, 2, 3 and "1.2-rc.3" is 1, 2, -1, 3; also -beta and -alpha.
 * At most FWD_VERSION_MAX parts, numbers of at most 18 digits.
 */
bool fw_version_parse(const char *text, struct fwd_version *out);
#define FW_VERSION_TEXT (FWD_VERSION_MAX * 21 + 1)
void fw_version_format(const struct fwd_version *v,
    char out[FW_VERSION_TEXT]);

/* ---- components (component_id.c, component.c) ------------------------ */

#define FW_ID_MAX		64u	/* encoded identifier */

/*
 * Read a component identifier: a text whose segments are joined by '/', or a
 * list of segments, where "0x..." stands for bytes.  *label is allocated.
 */
enum fw_kind fw_component_id_read(const char *file,
    const struct fw_node *node, const char *key, uint8_t out[FW_ID_MAX],
    size_t *out_n, char **label, struct fw_error *err);

/* Read the descriptor's list of components into d. */
enum fw_kind fw_components_read(const char *file, const struct fw_node *list,
    struct fw_descriptor *d, struct fw_error *err);
void fw_component_deinit(struct fw_component *c);

#endif
