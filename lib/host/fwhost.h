/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host libraries of fwsign: descriptors and profiles, keys and
 * certificates, SUIT encoding, signing, bundles.
 *
 * Conventions: functions that can fail return enum fw_kind, FW_OK being 0, and
 * take struct fw_error *err last; it is filled in on failure and untouched
 * otherwise.  Outputs are written on success only.  _init and _deinit are for
 * values the caller holds, _new/_open and _free for heap objects; releasing an
 * empty one is allowed.  Nothing here prints or exits, but for a PKCS #11
 * module that crashes, exits or hangs (see the signals of keys).
 */
#ifndef FWHOST_H
#define FWHOST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/fwdevice.h"

/* ---- errors (error.c) ------------------------------------------------ */

/* What went wrong, and so the exit status: cli.c maps one to the other. */
enum fw_kind {
	FW_OK = 0,
	FW_E_REFUSED,		/* exit 1: judged and refused, or failed */
	FW_E_IO,		/* exit 1: the system refused (disk full ...) */
	FW_E_NOMEM,		/* exit 1 */
	FW_E_USAGE,		/* exit 2: wrong options */
	FW_E_INPUT,		/* exit 2: unreadable or malformed input */
	FW_E_KEY,		/* exit 3: token or key unusable */
};

#define FW_ERROR_TEXT_MAX 1024

/*
 * One error: cause with the context in front of it, and the place in a file
 * it belongs to, if any.  Needs no memory and no release.
 */
struct fw_error {
	enum fw_kind kind;
	char file[256];			/* "" when there is no place */
	unsigned line, column;		/* from 1; 0 when not known */
	char text[FW_ERROR_TEXT_MAX];
};

#define FW_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Write the cause; returns kind, so that "return fw_fail(...)" reads well. */
enum fw_kind fw_fail(struct fw_error *err, enum fw_kind kind,
    const char *fmt, ...) FW_PRINTF(3, 4);
/* The same with a place in a file. */
enum fw_kind fw_fail_at(struct fw_error *err, enum fw_kind kind,
    const char *file, unsigned line, unsigned column, const char *fmt, ...)
    FW_PRINTF(6, 7);
/* The same with ": " and strerror(errno) behind it. */
enum fw_kind fw_fail_errno(struct fw_error *err, enum fw_kind kind,
    const char *fmt, ...) FW_PRINTF(3, 4);
/* The same with OpenSSL's reason behind it; empties OpenSSL's queue. */
enum fw_kind fw_fail_ssl(struct fw_error *err, enum fw_kind kind,
    const char *fmt, ...) FW_PRINTF(3, 4);
/* Put words and ": " in front of the text; returns the kind it has. */
enum fw_kind fw_wrap(struct fw_error *err, const char *fmt, ...)
    FW_PRINTF(2, 3);
/*
 * Format as one line, "PROG: file:line:col: text\n", made printable; prog may be
 * NULL.  A buffer of FW_ERROR_LINE_MAX bytes is never too small.
 */
#define FW_ERROR_LINE_MAX 5632
void fw_error_format(const struct fw_error *err, const char *prog, char *out,
    size_t n);
/*
 * Copy text that nobody vouches for so that it is safe on a terminal and in a
 * log: UTF-8 stays; control characters, what turns the reading order and bytes
 * that are not UTF-8 become \xNN.  Always ends in NUL; returns how many bytes
 * of text did not fit, 0 when all did (room 4 * n + 1 is always enough).
 */
size_t fw_printable(const void *text, size_t n, char *out, size_t room);

/* ---- bytes and files (io.c) ------------------------------------------ */

/* Bytes that grow; p is NULL while empty. */
struct fw_buf {
	uint8_t *p;
	size_t n;			/* in use */
	size_t room;
};

void fw_buf_deinit(struct fw_buf *b);	/* wipes what it held */
enum fw_kind fw_buf_add(struct fw_buf *b, const void *p, size_t n,
    struct fw_error *err);
/* Make room for n more bytes, so that b->p + b->n can be written to. */
enum fw_kind fw_buf_reserve(struct fw_buf *b, size_t n, struct fw_error *err);
struct fwd_span fw_buf_span(const struct fw_buf *b);

/*
 * Open a regular file for reading; anything else is FW_E_INPUT.  size may be
 * NULL.  The caller closes *fd.
 */
enum fw_kind fw_file_open(const char *path, int *fd, uint64_t *size,
    struct fw_error *err);
/* Read a whole regular file of at most max bytes. */
enum fw_kind fw_file_read(const char *path, size_t max, struct fw_buf *out,
    struct fw_error *err);
/* Write all n bytes at the file's place; path is for the message. */
enum fw_kind fw_write_all(int fd, const void *p, size_t n, const char *path,
    struct fw_error *err);
/* An open file without a name, so that nothing is left behind. */
enum fw_kind fw_temporary_open(int *fd, struct fw_error *err);

/*
 * An output file that appears whole or not at all: it has no name (O_TMPFILE)
 * until fw_output_commit() links it, or, where the file system cannot do that,
 * a temporary name that fw_output_abandon() and fatal signals remove.  A
 * regular file of that name is replaced; anything else there is an error.
 * After a commit that succeeded the structure is empty again; after one that
 * failed fw_output_abandon() is still due.
 */
struct fw_output {
	int fd;				/* open for reading and writing */
	int dir;			/* the directory of the file */
	char *path;			/* the final name */
	char *temporary;		/* NULL: the file has no name yet */
	bool there;			/* when it was opened, there was a file
					   of that name: */
	uint64_t dev, ino;
	bool exclusive;			/* set before the commit: nothing is
					   replaced, whenever it came
					   (FW_E_REFUSED, all in one step) */
};
#define FW_OUTPUT_NONE { .fd = -1, .dir = -1 }
enum fw_kind fw_output_open(const char *path, struct fw_output *out,
    struct fw_error *err);
/*
 * The same in the open directory dir, wherever path leads by now: of path only
 * the last segment counts, the rest is for messages.  dir stays the caller's.
 */
enum fw_kind fw_output_open_at(int dir, const char *path,
    struct fw_output *out, struct fw_error *err);
/*
 * FW_E_USAGE if the file of that name is the one that had the output's name
 * when that was opened, and that it will replace: nobody means that of an
 * input.  No file has the name NULL.
 */
enum fw_kind fw_output_spares(const struct fw_output *out, const char *input,
    struct fw_error *err);
/*
 * FW_E_USAGE if other, which will be written too, is the output or what it
 * replaces, by whatever names, whether there is a file yet or not.
 */
enum fw_kind fw_output_apart(const struct fw_output *out, const char *other,
    struct fw_error *err);
enum fw_kind fw_output_commit(struct fw_output *out, struct fw_error *err);
/*
 * The same of several at once, with a few flushes for all of them.  err[i]
 * tells of out[i]: its kind is FW_OK if it was committed.
 */
void fw_output_commit_all(struct fw_output *const *out, size_t n,
    struct fw_error *err);
void fw_output_abandon(struct fw_output *out);
/* Write a small file by way of the above. */
enum fw_kind fw_file_write(const char *path, const void *p, size_t n,
    struct fw_error *err);

/* ---- YAML with places (yaml.c) --------------------------------------- */

enum fw_node_type { FW_SCALAR, FW_LIST, FW_MAP };

/*
 * A node of a YAML document.  Anchors, aliases, tags, more than one document,
 * repeated keys and non-scalar keys are refused by the loader.
 */
struct fw_node {
	enum fw_node_type type;
	unsigned line, column;		/* from 1 */
	char *text;			/* scalar */
	bool plain;			/* scalar without quotes */
	size_t n;			/* children */
	struct fw_node **key;		/* map: n keys, scalars */
	struct fw_node **child;		/* map or list: n values */
};

/* NAME=VALUE pairs for ${NAME}; $${ stands for ${. */
struct fw_set {
	const char *const *pair;
	size_t n;
	const bool *spare;		/* of each pair: it need not be used;
					   or NULL */
};

/* Load a file (at most 1 MiB, 32 levels, 100000 nodes).  ${ is text like any
   other. */
enum fw_kind fw_yaml_load(const char *path, struct fw_node **out,
    struct fw_error *err);
/*
 * The same document with ${NAME} replaced in its values; file is its name in
 * errors.  Every name given in set must be used (FW_E_USAGE otherwise) and
 * every ${NAME} given (FW_E_INPUT with its place).
 */
enum fw_kind fw_yaml_replace(const char *file, const struct fw_node *from,
    const struct fw_set *set, struct fw_node **out, struct fw_error *err);
void fw_node_free(struct fw_node *node);

/* ---- descriptor (descriptor.c) --------------------------------------- */

#define FW_SLOTS_MAX 8u
#define FW_SIGNERS_MAX FWD_AUTH_MAX

#define FW_AREAS_MAX 8u

enum fw_format {
	FW_RAW, FW_INTEL_HEX,
	FW_TRUST_ANCHORS,		/* PEM certificates: see lists.c */
	FW_REVOCATIONS,			/* a signed list */
};

/* Addresses, both included. */
struct fw_area {
	uint64_t from, to;
};

/* One image file: of a component, or of one slot of it. */
struct fw_image {
	uint64_t slot;			/* only if the component has slots */
	char *path;			/* resolved against the descriptor */
	enum fw_format format;
	uint8_t fill;			/* of gaps in Intel HEX; default 0xff */
	bool has_base;
	uint64_t base;			/* address the image begins at */
	struct fw_area ignore[FW_AREAS_MAX];	/* data there are left out */
	size_t ignores;
	char *name;			/* member name or, integrated, the
					   envelope key "#..." */
	unsigned line, column;		/* of the file's name, for errors */
};

struct fw_component {
	uint8_t id[64];			/* encoded SUIT_Component_Identifier */
	size_t id_n;
	char *label;			/* segments joined by '/', for people */
	char *description, *version;	/* or NULL */
	bool integrated;		/* payload in the envelope */
	bool invoke;
	struct fw_buf invoke_args;
	bool staged;			/* fetched into staging, then copied */
	uint8_t staging_id[64];
	size_t staging_id_n;
	bool slotted;			/* A/B: image[].slot counts */
	struct fw_image image[FW_SLOTS_MAX];
	size_t images;
	uint64_t max_size;		/* 0: no limit stated */
};

struct fw_elsewhere;

struct fw_signer_spec {
	char *key;			/* pkcs11: URI or PEM file */
	char *chain;			/* PEM file, or NULL: from the token */
	int32_t alg;			/* 0: what fits the key */
	const struct fw_elsewhere *elsewhere;	/* in place of all of these: a
					   signature that was made elsewhere */
	unsigned line, column;
};

struct fw_attachment {
	char *name, *type, *path;
	unsigned line, column;
};

struct fw_descriptor {
	char *path;
	char *vendor_domain, *vendor_name, *model;	/* or NULL */
	uint8_t vendor_id[16], class_id[16], device_id[16];
	bool has_device_id;
	uint64_t sequence_number;
	int64_t use_before;		/* 0: at any time */
	char *version;
	char *description, *notes, *language, *reference_uri;	/* or NULL
					   except language, "en" */
	int32_t digest_alg;
	struct fw_component component[FWD_COMPONENTS_MAX];
	size_t components;
	struct fw_signer_spec signer[FW_SIGNERS_MAX];
	size_t signers;
	struct fw_attachment attachment[FWD_ATTACHMENTS_MAX];
	size_t attachments;
};

/*
 * Load a descriptor (schemas/descriptor.schema.json); set NULL is an empty
 * one.  The files it names are not looked at.
 */
enum fw_kind fw_descriptor_load(const char *path, const struct fw_set *set,
    struct fw_descriptor *out, struct fw_error *err);
/* The same of a document that was loaded already; set likewise. */
enum fw_kind fw_descriptor_read(const char *file, const struct fw_node *root,
    const struct fw_set *set, struct fw_descriptor *out, struct fw_error *err);
void fw_descriptor_deinit(struct fw_descriptor *d);

/* RFC 4122 UUID of version 5 of a name in a namespace. */
enum fw_kind fw_uuid5(const uint8_t ns[16], const void *name, size_t n,
    uint8_t out[16], struct fw_error *err);
/* The vendor identifier of a domain, as the draft's section 8.4.8.2 says. */
enum fw_kind fw_uuid_vendor(const char *domain, uint8_t out[16],
    struct fw_error *err);
/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", in either case. */
bool fw_uuid_parse(const char *text, uint8_t out[16]);
void fw_uuid_format(const uint8_t uuid[16], char out[37]);

/* ---- device profile (profile.c) -------------------------------------- */

#define FW_PROFILE_LIST_MAX 65536u	/* size of a component for lists */

struct fw_profile_component {
	uint8_t id[64];
	size_t id_n;
	char *label;
	uint64_t slots;			/* 1: no A/B */
	uint64_t slot;			/* the one written next */
	uint64_t size;			/* of one slot, bytes */
	uint32_t kind;			/* FWD_KIND_, see fwslots.h */
	struct fwd_version version;	/* n 0: not told */
};

/* Events of a wait, by their numbers in the draft. */
enum {
	FW_EVENT_AUTHORIZATION = 1, FW_EVENT_POWER, FW_EVENT_NETWORK,
	FW_EVENT_OTHER_DEVICE, FW_EVENT_TIME, FW_EVENT_TIME_OF_DAY,
	FW_EVENT_TIME_OF_DAY_UTC, FW_EVENT_DAY_OF_WEEK,
	FW_EVENT_DAY_OF_WEEK_UTC, FW_EVENTS,
};

/* What the device is like: what is not told, it cannot tell. */
struct fw_profile_state {
	bool told;			/* anything here or a version */
	bool has_battery, has_priority;
	uint64_t battery;		/* mWh */
	int64_t priority;		/* updates up to it are authorized */
	int32_t event[FW_EVENTS];	/* 0: not told */
};
enum { FW_EVENT_MET = 1, FW_EVENT_PENDING };

struct fw_profile_right {
	size_t component;		/* place in fw_profile.component */
	uint32_t anchors;		/* bit i: anchor i */
};

struct fw_profile {
	char *path;
	uint8_t vendor_id[4][16], class_id[8][16];
	size_t vendors, classes;
	bool has_device_id;
	uint8_t device_id[16];
	uint64_t sequence_number;	/* the stored one */
	char *anchor_path[FWD_ANCHORS_MAX];	/* PEM, resolved */
	char *anchor_name[FWD_ANCHORS_MAX];	/* or NULL */
	size_t anchors;
	uint32_t threshold;
	struct fwd_rule rule[FWD_RULES_MAX];
	size_t rules;
	struct fw_profile_right right[FWD_COMPONENTS_MAX];
	size_t rights;
	uint32_t revokers;		/* bit i: anchor i signs revocation
					   lists */
	uint32_t clock;			/* FWD_CLOCK_ */
	int64_t time_min;		/* INT64_MIN: none */
	uint32_t boot;			/* FWD_BOOT_, see fwslots.h */
	bool untimed;			/* FWD_UNTIMED */
	uint32_t allow;			/* FWD_ALLOW_, together */
	struct fw_profile_state state;
	struct fw_profile_component component[FWD_COMPONENTS_MAX];
	size_t components;
};

/* Load a profile (schemas/profile.schema.json); there is no substitution. */
enum fw_kind fw_profile_load(const char *path, struct fw_profile *out,
    struct fw_error *err);
void fw_profile_deinit(struct fw_profile *p);
/*
 * The policy of the device, with its anchors in the profile's order.  It
 * refers to p, anchor and right, which is filled in.
 */
void fw_profile_policy(const struct fw_profile *p,
    const struct fwd_anchor *anchor,
    struct fwd_right right[FWD_COMPONENTS_MAX], struct fwd_policy *policy);

/* RFC 3339 in UTC or with offset, no fractions; seconds since 1970. */
bool fw_time_parse(const char *text, int64_t *out);
/* "2026-01-31T12:00:00Z" */
void fw_time_format(int64_t t, char out[32]);

/* ---- Intel HEX (hex.c) ----------------------------------------------- */

/*
 * Turn an Intel HEX file into an image: records 00, 01, 02, 03, 04, 05; gaps
 * are filled, overlaps, bad checksums, data after the end record and a missing
 * end record refused with file and line.  The image lies in *fd, an unnamed
 * file the caller closes, at its beginning; *base is its lowest address, *size
 * its length (at most 256 MiB).  With img->has_base the image begins at
 * img->base: a gap above it is filled, data below it are an error.  Data in the
 * areas of img->ignore are left out (option bytes, UICR and the like).
 *
 * After record 02 an address wraps at the end of its 64 KiB segment, after
 * record 04 it goes on, and neither may pass 4 GiB; before either, nothing may
 * pass 64 KiB, because tools disagree about what that would mean.
 */
enum fw_kind fw_hex_load(const struct fw_image *img, int *fd, uint64_t *base,
    uint64_t *size, struct fw_error *err);

/* ---- lists of anchors and of revoked keys (lists.c) -------------------- */

/* The largest of either that is read or made: fwverify takes no larger one. */
#define FW_LIST_MAX		((size_t)FW_PROFILE_LIST_MAX)
/* The first element of what is signed. */
#define FW_REVOCATIONS_KIND	"fw-revocations"

/*
 * Make the list of trust anchors that a component of the device is for (see
 * fwd_anchors_read(), which judges it): all certificates of a PEM file, in
 * their order.  FW_E_INPUT unless these are one to FWD_ANCHORS_MAX different
 * roots, and nothing else.
 */
enum fw_kind fw_anchors_encode(const char *path, struct fw_buf *out,
    struct fw_error *err);
/*
 * Read a signed revocation list and look at its form only: whether the
 * signature holds is not asked.  FW_E_INPUT if no device could read it.  The
 * spans in list point into out.
 */
enum fw_kind fw_revocations_load(const char *path, struct fw_buf *out,
    struct fwd_revocations *list, struct fw_error *err);
/*
 * The image of one of these, by its format, in an unnamed file the caller
 * closes.
 */
enum fw_kind fw_list_load(const struct fw_image *img, int *fd,
    struct fw_error *err);

/* ---- certificates (cert.c) ------------------------------------------- */

/* A chain, leaf first, in DER. */
struct fw_chain {
	struct fw_buf cert[FWD_CHAIN_MAX];
	size_t n;
	struct fw_buf root;		/* self-issued last certificate, which
					   is left out of x5chain; n == 0: the
					   file had none */
};
/*
 * Load PEM certificates, leaf first.  The order is checked (each certificate
 * names the next as its issuer, byte by byte); a self-issued certificate at
 * the end is moved to root.  Text and other PEM blocks around the certificates
 * are allowed, private keys are not looked at.  FW_E_INPUT when the file holds
 * no certificate, too many, a damaged one or a chain out of order.
 */
enum fw_kind fw_chain_load(const char *path, struct fw_chain *out,
    struct fw_error *err);
/*
 * Make a chain of certificates in DER: cert[0] is the leaf, the others may
 * come in any order, and those that do not lead upwards from the leaf are left
 * out.  An issuer is a certificate whose subject is the issuer's name, byte by
 * byte, and whose key made the signature; of two with different keys it is the
 * one that did.  The end is where no issuer is found or a certificate is
 * self-issued.  The buffers that are used are moved out of cert[]; release all
 * of cert[] afterwards in any case.
 */
enum fw_kind fw_chain_order(struct fw_buf *cert, size_t n,
    struct fw_chain *out, struct fw_error *err);
void fw_chain_deinit(struct fw_chain *c);
/* FW_E_NOMEM only. */
enum fw_kind fw_chain_copy(const struct fw_chain *from, struct fw_chain *out,
    struct fw_error *err);

/*
 * A signature that was made elsewhere (see build.h for how it comes here).
 */
struct fw_elsewhere {
	struct fw_chain chain;		/* of the key that made it */
	int32_t alg;			/* 0: what fits the key */
	struct fw_buf payload;		/* the encoded SUIT_Digest it is for;
					   empty: not said */
	struct fw_buf sig;		/* r || s or DER for ECDSA */
	const char *path;		/* for messages */
};

/*
 * A trust anchor: a certificate, or a bare public key (-----BEGIN PUBLIC
 * KEY-----), from a PEM file that holds exactly one.  The spans in anchor
 * point into der.
 */
struct fw_anchor {
	char *label;			/* printable subject, or file name */
	struct fw_buf der;
	struct fwd_anchor anchor;
};
enum fw_kind fw_anchor_load(const char *path, struct fw_anchor *out,
    struct fw_error *err);
void fw_anchor_deinit(struct fw_anchor *a);
/*
 * The same of any certificate or public key, for what it says and not to trust
 * it: the label of a public key is NULL.
 */
enum fw_kind fw_public_load(const char *path, struct fw_anchor *out,
    struct fw_error *err);
/*
 * A DER Name as text, most specific part first ("CN=..., O=..."), allocated.
 * What could disturb a terminal is escaped; an empty name is "(empty name)",
 * what is no name "(unreadable name)".  Fails for want of memory only.
 */
enum fw_kind fw_name_format(struct fwd_span name, char **out,
    struct fw_error *err);

/* The algorithm of that name in any letter case, 0 when there is none. */
int32_t fw_alg_by_name(const char *name);

/* ---- keys (key.c, keyfile.c, p11*.c, pin.c, hold.c) ------------------ */

/*
 * How to reach a key.  A PIN (or the passphrase of a key file) comes from the
 * first of these that is given: pin_fd or pin_env (both is an error), the
 * URI's pin-source or pin-value, a prompt on /dev/tty.  Of pin_fd one line is
 * read for each login, so that two tokens can be fed from one descriptor;
 * the variable named by pin_env is removed from the environment before a
 * module is loaded, which may start programs.  It serves one token only, and is
 * put back if that token needs no PIN.
 */
struct fw_key_options {
	const char *module;		/* PKCS#11 module; overrides the URI
					   and p11-kit; or NULL */
	const char *pin_env;		/* name of an environment variable, or
					   NULL */
	int pin_fd;			/* -1: none */
	bool no_prompt;			/* never ask on the terminal */
	bool final_try;			/* log in even if the token says that
					   one more wrong PIN locks it */
	/* Told what a person should know ("... (key file: for development
	   only)"); may be NULL. */
	void (*warn)(void *ctx, const char *text);
	void *warn_ctx;
};
#define FW_KEY_OPTIONS_NONE { .pin_fd = -1 }

/*
 * Signals.  A token must be left in order (C_Finalize), whatever ends the
 * program: some stay unusable otherwise.  So while a token's key is open,
 * from fw_key_open() to fw_key_free(), SIGINT, SIGTERM and SIGHUP are blocked
 * in the calling thread (those that are ignored stay so); one that came
 * meanwhile takes effect inside the last fw_key_free() (or the fw_key_open()
 * that fails), after the token was finalized.  Threads started while a key is
 * open inherit this, threads started before must block the three themselves.
 * A thread of the library waits for them as well: if a call into a module has
 * not come back three seconds after one came, it says so on stderr, closes the
 * sessions if the module lets it, and takes the signal itself.  SIGQUIT is
 * left alone.  Open and free in one thread, free before exit() (never from
 * atexit()), and never use a key across fork().
 *
 * While a key is open SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT are caught,
 * and so is exit(): inside of a module they end the program with status 3 and
 * one line that names module and call; elsewhere they act as they did before.
 *
 * Long work with a key open should ask fw_interrupted() now and then and give
 * up; PIN prompts and fw_key_sign() do.
 */
bool fw_interrupted(void);

struct fw_key;
/*
 * ref: an RFC 7512 URI that begins with "pkcs11:" (in any case), or a PEM
 * file; opt may be NULL.  A malformed URI (FW_E_INPUT) and one that does not name exactly one
 * token (FW_E_KEY) fail before a PIN is asked for.  At most one login is tried
 * per key, none when the process is logged in to the token already; after a
 * refused PIN the caller must not try again.  Exactly one private key must
 * match; otherwise the candidates are listed.
 */
enum fw_kind fw_key_open(const char *ref, const struct fw_key_options *opt,
    struct fw_key **out, struct fw_error *err);
void fw_key_free(struct fw_key *key);
/*
 * A key that lies elsewhere and made the signature sig by itself: r || s or DER
 * for ECDSA.  fw_key_set_public() must be called, and fw_key_sign() then hands
 * out that signature, if it holds for the message.  With an empty sig nothing
 * can be signed.  from: the file it came in, for messages; or NULL.
 */
enum fw_kind fw_key_elsewhere(struct fwd_span sig, const char *from,
    struct fw_key **out, struct fw_error *err);
/* The key lies in a file: for development only. */
bool fw_key_is_file(const struct fw_key *key);
/* For messages: "key file 'FILE'", or key, token and serial, "key object 'x'
   id 01ff on token 'y' (serial z)". */
const char *fw_key_label(const struct fw_key *key);
/* DER SubjectPublicKeyInfo; empty when the token does not show it: then
   fw_key_set_public() must be called, with the certificate's. */
struct fwd_span fw_key_public(const struct fw_key *key);
/* The certificate's key for this key: FW_E_REFUSED when it is not the same
   one, or not of its kind where the token does not show it. */
enum fw_kind fw_key_set_public(struct fw_key *key, struct fwd_span spki,
    struct fw_error *err);
/* The algorithm that fits the key: ESP256, ESP384, ESP512, Ed25519, PS256;
   0: not known before fw_key_set_public(). */
int32_t fw_key_alg(const struct fw_key *key);
/*
 * Sign the concatenation of msg[0..n) with alg, one of those that are written
 * (ESP*, Ed25519, PS*; FW_E_INPUT when it does not fit the key).  The
 * signature, at most FWD_SIG_MAX bytes, is in COSE form: r || s for ECDSA.
 * It has been verified with the public key before this returns: FW_E_KEY when
 * it does not hold, FW_E_REFUSED when that key came by fw_key_set_public(),
 * so that the certificate may be another key's.
 */
enum fw_kind fw_key_sign(struct fw_key *key, int32_t alg,
    const struct fwd_span *msg, size_t n, uint8_t sig[FWD_SIG_MAX],
    size_t *sig_n, struct fw_error *err);
/* The same, but nobody has verified it: for one who has the device library
   judge what it is in before anybody gets it. */
enum fw_kind fw_key_sign_unchecked(struct fw_key *key, int32_t alg,
    const struct fwd_span *msg, size_t n, uint8_t sig[FWD_SIG_MAX],
    size_t *sig_n, struct fw_error *err);
/* Does a signature hold?  If not, what fw_key_sign() says then. */
enum fw_kind fw_key_verify(const struct fw_key *key, int32_t alg,
    const struct fwd_span *msg, size_t n, struct fwd_span sig,
    struct fw_error *err);
/*
 * The same key once more, for another thread: in a session of its own, without
 * another login.  Open and free it in the thread of the first, which must
 * outlive it.  FW_E_KEY: the token has no session left, or the key wants the
 * PIN for each signature.
 */
enum fw_kind fw_key_again(const struct fw_key *key, struct fw_key **out,
    struct fw_error *err);
/* What is known of the token a key is on, printable; all "" for none. */
struct fw_key_token {
	char label[129], manufacturer[129], model[65], serial[65];
	/* The mechanism of the last signature, "CKM_ECDSA"; NULL: none yet, or
	   by no token. */
	const char *mechanism;
};
void fw_key_token(const struct fw_key *key, struct fw_key_token *out);
/* The token was removed, or its session or login lost, by a failed signature:
   nothing more can be signed. */
bool fw_key_lost(const struct fw_key *key);
/*
 * The certificates on the key's token that lead from the one of the key
 * upwards, leaf first.  FW_E_KEY when the token has none for the key, or the
 * key lies in a file.
 */
enum fw_kind fw_key_chain(struct fw_key *key, struct fw_chain *out,
    struct fw_error *err);

/* ---- CBOR: deterministic encoding (cbor_write.c) ---------------------- */

/*
 * Encoder into a buffer; errors (memory) stick and are asked for once at the
 * end by fw_cbor_done().
 */
struct fw_cbor {
	struct fw_buf out;
	bool failed;
};
void fw_cbor_deinit(struct fw_cbor *c);
void fw_cbor_head(struct fw_cbor *c, unsigned major, uint64_t v);
void fw_cbor_uint(struct fw_cbor *c, uint64_t v);
void fw_cbor_int(struct fw_cbor *c, int64_t v);
void fw_cbor_bytes(struct fw_cbor *c, const void *p, size_t n);
void fw_cbor_text(struct fw_cbor *c, const char *s);
void fw_cbor_array(struct fw_cbor *c, uint64_t n);
void fw_cbor_map(struct fw_cbor *c, uint64_t n);
void fw_cbor_tag(struct fw_cbor *c, uint64_t v);
void fw_cbor_bool(struct fw_cbor *c, bool v);
void fw_cbor_nil(struct fw_cbor *c);
void fw_cbor_raw(struct fw_cbor *c, const void *p, size_t n);
/* A byte string that wraps what inner has encoded; inner is emptied. */
void fw_cbor_wrap(struct fw_cbor *c, struct fw_cbor *inner);
enum fw_kind fw_cbor_done(struct fw_cbor *c, struct fw_buf *out,
    struct fw_error *err);

/* ---- building and signing: see build.h -------------------------------- */

#endif
